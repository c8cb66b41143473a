import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, startEmulator } from '../../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import {
  errors,
  notices,
  readable,
  runAction,
  savingIn,
  secretsOf,
  seedEarlier,
  sentTo,
  warnings,
} from '../support/action.ts';

// Tests of what the job's ID token says about the repository, if `permissions` has `id-token: write`.

type Inputs = Record<string, string>;

const REPOSITORY = RUNNER_VARIABLES.GITHUB_REPOSITORY;
const FROM_TOKEN = "Claims about the repository come from GitHub's ID token.";
const FROM_RUNNER = "Claims about the repository come from the runner's variables";
const GRANT = /permissions with id-token: write/;

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

/** Runs a step of a job that may request an ID token. The token has `claims` in addition to the usual ones. */
function run(inputs: Inputs = {}, claims: Record<string, unknown> = {}, step: Step = {}): Promise<Executed> {
  Object.assign(emulator.github.idTokenClaims, claims);
  return runAction(emulator, { ...step, inputs, env: { ...emulator.github.idTokenVariables, ...step.env } });
}
const sent = () => emulator.requests.map(({ operation }) => operation);
/** Returns the claims of the only client. */
const claims = () => {
  const clients = emulator.clients();
  expect(clients).toHaveLength(1);
  return Object.fromEntries(clients[0]?.custom_claims?.map(({ key, value }) => [key, value]) ?? []);
};

function expectNothingDone(executed: Outcome): void {
  expect(executed).toMatchObject({ exitCode: 1, outputs: {} });
  if ('state' in executed) expect(JSON.stringify(executed.state)).toMatch(/^\{("client":"")?\}$/);
  expect([sent(), emulator.clients()]).toEqual([[], []]);
}

/** Checks that the step requested the ID token, possibly a token of Scalekit at the same time, and nothing else. */
function expectAskedAlone(executed: Outcome): void {
  expect(executed).toMatchObject({ exitCode: 1, outputs: {} });
  if ('state' in executed) expect(JSON.stringify(executed.state)).toMatch(/^\{("client":"")?\}$/);
  expect([sent().filter((operation) => operation !== 'token'), emulator.clients()]).toEqual([['idToken'], []]);
}

function expectNoTokens(...runs: Outcome[]): void {
  const { idTokens, idTokenVariables } = emulator.github;
  const request = idTokenVariables.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '';
  expect(request).not.toBe('');
  for (const one of runs)
    for (const secret of [request, ...idTokens, ...secretsOf(emulator)]) expect(readable(one)).not.toContain(secret);
}

describe('claims', () => {
  it('come from the token by default, the environment too, and the log says so', async () => {
    const executed = await run({}, { environment: 'production' });
    expect([errors(executed), executed.exitCode]).toEqual([[], 0]);
    expect(claims()).toEqual({
      github_repository: REPOSITORY,
      github_repository_id: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID,
      environment: 'production',
    });
    expect(emulator.clients()[0]?.name).toBe(`GitHub Actions: ${REPOSITORY} (production)`);
    expect(executed.log).toContain(FROM_TOKEN);
    expect(executed.log).not.toContain('asserted');
    expect(sentTo(emulator, 'idToken')).toHaveLength(1);
  });

  it('come from the runner if the job may have no token', async () => {
    const executed = await run({}, { environment: 'production' }, { env: { ACTIONS_ID_TOKEN_REQUEST_TOKEN: '' } });
    expect([errors(executed), sentTo(emulator, 'idToken')]).toEqual([[], []]);
    expect(claims()).toEqual({
      github_repository: REPOSITORY,
      github_repository_id: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID,
    });
    expect(executed.log).toContain(FROM_RUNNER);
  });

  it('that the token alone knows are there by their names', async () => {
    const repository = emulator.github.repository(REPOSITORY);
    repository.visibility = 'internal';
    repository.customProperties = { team: 'payments', 'cost-center': '4711', unset: null };
    const job_workflow_ref = 'acme/platform/.github/workflows/deploy.yml@refs/tags/v2';
    const executed = await run(
      {
        repository_claims:
          'github_repository_visibility github_job_workflow_ref github_repo_property_team github_repo_property_cost-center github_repository_owner_id github_runner_environment',
      },
      { job_workflow_ref },
    );
    expect(errors(executed)).toEqual([]);
    expect(claims()).toEqual({
      github_repository_visibility: 'internal',
      github_job_workflow_ref: job_workflow_ref,
      github_repo_property_team: 'payments',
      'github_repo_property_cost-center': '4711',
      github_repository_owner_id: RUNNER_VARIABLES.GITHUB_REPOSITORY_OWNER_ID,
      github_runner_environment: 'github-hosted',
    });
  });

  it('of a run are the token’s, if the client lasts no longer', async () => {
    const names = [
      'ref',
      'ref_type',
      'sha',
      'run_id',
      'run_attempt',
      'actor',
      'actor_id',
      'event_name',
      'workflow_ref',
    ];
    const executed = await run({ lifetime: 'job', repository_claims: names.map((name) => `github_${name}`).join(' ') });
    expect(errors(executed)).toEqual([]);
    const runner = RUNNER_VARIABLES as Record<string, string>;
    const expected = names.map((name) => [`github_${name}`, runner[`GITHUB_${name.toUpperCase()}`]]);
    expect(claims()).toEqual(Object.fromEntries(expected));
    const post = await executed.post();
    expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
    expect(sentTo(emulator, 'idToken')).toHaveLength(1);
    expectNoTokens(executed, post);
  });

  it.each(['github_repository_visibility', 'github_job_workflow_ref', 'github_repo_property_team', 'environment'])(
    'that the token alone knows are an input error without it, which says how to grant it: %s',
    async (name) => {
      const executed = await runAction(emulator, { inputs: { repository_claims: name } });
      expectNothingDone(executed);
      expect(errors(executed)).toEqual([expect.stringMatching(`^Bad input: repository_claims: got ${name}, `)]);
      expect(errors(executed)[0]).toMatch(GRANT);
    },
  );

  it.each([
    ['github_repo_property_team', { repo_property_team: undefined }],
    ['github_repo_property_team', { repo_property_team: ['a', 'b'] }],
    ['github_repository_visibility', { repository_visibility: undefined }],
    ['environment', {}, 'is not known; expected the input environment, or a job that has an environment'],
  ])(
    'that the token does not say are an error: %s (%j)',
    async (name, changes, reason = "this job's ID token does not contain") => {
      const executed = await run({ repository_claims: name }, changes);
      expectAskedAlone(executed);
      expect(errors(executed)).toEqual([
        expect.stringMatching(`^Bad input: repository_claims: got ${name}, which ${reason}`),
      ]);
    },
  );

  it('have the id if the token knows it, though the runner does not', async () => {
    const executed = await run({}, {}, { env: { GITHUB_REPOSITORY_ID: undefined } });
    expect([errors(executed), notices(executed)]).toEqual([[], []]);
    expect(claims().github_repository_id).toBe(RUNNER_VARIABLES.GITHUB_REPOSITORY_ID);
    // A run on a runner that knows the id finds the same client.
    const again = await run();
    expect([again.outputs.result, again.outputs.client_id]).toEqual(['rotated', executed.outputs.client_id]);
  });

  it('make the same client with the token as without it', async () => {
    const { client } = seedEarlier(emulator, {}, { ageMs: 60_000 });
    const executed = await run();
    expect([errors(executed), executed.outputs.client_id]).toEqual([[], client.client_id]);
    expect(sentTo(emulator, 'updateClient')).toEqual([]);
  });

  it.each(['', 'repo:evil/other:environment:production', 5, undefined, { nested: true }, '\u0000::set-output::x'])(
    'never come from sub, whatever it is: %j',
    async (sub) => {
      const executed = await run({}, { sub, environment: 'staging' });
      expect(errors(executed)).toEqual([]);
      expect(claims()).toEqual({
        github_repository: REPOSITORY,
        github_repository_id: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID,
        environment: 'staging',
      });
    },
  );
});

describe('the environment', () => {
  it('of the token alone makes a client of its own', async () => {
    const plain = await run();
    const staging = await run({}, { environment: 'staging' });
    const again = await run({}, { environment: 'staging' });
    expect([plain, staging, again].map((one) => errors(one))).toEqual([[], [], []]);
    expect(staging.outputs.client_id).not.toBe(plain.outputs.client_id);
    expect(again.outputs).toMatchObject({ result: 'rotated', client_id: staging.outputs.client_id });
  });

  it('of token and input may differ in case: the token’s spelling counts', async () => {
    const executed = await run({ environment: 'PRODUCTION' }, { environment: 'Production' });
    expect([errors(executed), claims().environment]).toEqual([[], 'Production']);
    expect(executed.log).not.toContain('asserted');
  });

  it.each([true, false])('that only the input names is logged as asserted (with a token: %s)', async (token) => {
    const env = token ? {} : { ACTIONS_ID_TOKEN_REQUEST_URL: undefined };
    const executed = await run({ environment: 'production' }, {}, { env });
    expect([errors(executed), claims().environment]).toEqual([[], 'production']);
    expect(executed.log).toContain('The environment "production" is asserted: only the input names it.');
  });

  it('of the token is where the credentials are saved', async () => {
    const location = emulator.github.repository(REPOSITORY).addEnvironment('preview/pr-7');
    const executed = await run(savingIn(emulator, 'environment'), { environment: 'preview/pr-7' });
    expect(errors(executed)).toEqual([]);
    expect(location.secrets.get('SCALEKIT_M2M_CLIENT_SECRET')?.value).toBe(executed.outputs.secret);
  });

  it('that neither names cannot be saved in, and nothing is changed', async () => {
    const executed = await run(savingIn(emulator, 'environment'));
    expectAskedAlone(executed);
    expect(errors(executed)).toEqual([expect.stringMatching(/^Bad input: save_to: .*\(this job has none\)/)]);
  });
});

describe('a disagreement', () => {
  it.each<[string, string, Inputs, Record<string, unknown>, NonNullable<Step['env']>]>([
    ['the environment', 'environment', { environment: 'staging' }, { environment: 'production' }, {}],
    ['the repository', 'GITHUB_REPOSITORY', {}, { repository: 'acme/other' }, {}],
    ['the repository’s id', 'GITHUB_REPOSITORY_ID', {}, { repository_id: '1' }, {}],
    ['the run', 'GITHUB_RUN_ID', {}, { run_id: '1' }, {}],
    ['the repository, by a variable', 'GITHUB_REPOSITORY', {}, {}, { GITHUB_REPOSITORY: 'acme/other' }],
    ['the run, by a variable', 'GITHUB_RUN_ID', {}, {}, { GITHUB_RUN_ID: '1' }],
    ['no repository at all', "GitHub's ID token", {}, { repository: undefined }, {}],
  ])('about %s is an error, and nothing is changed', async (_, input, inputs, changes, env) => {
    const executed = await run(inputs, changes, { env });
    expectAskedAlone(executed);
    expect(errors(executed)).toEqual([expect.stringMatching(`^Bad input: ${input}: .*expected`)]);
    expect((await executed.post()).stdout).toBe('');
    expectNoTokens(executed);
  });

  it('is named whole, in one error', async () => {
    const executed = await run(
      { environment: 'staging' },
      { environment: 'production', repository: 'acme/other', repository_id: '1', run_id: '1' },
    );
    expectAskedAlone(executed);
    expect(executed.annotations).toHaveLength(1);
    for (const input of ['environment', 'GITHUB_REPOSITORY', 'GITHUB_REPOSITORY_ID', 'GITHUB_RUN_ID'])
      expect(errors(executed)[0]).toContain(`- ${input}: `);
  });

  it('is not the case of a name', async () => {
    const executed = await run({}, { repository: 'Acme/Inventory-Service' });
    expect([errors(executed), claims().github_repository]).toEqual([[], 'Acme/Inventory-Service']);
  });

  it('of the token with a claim of the user’s is an error', async () => {
    const executed = await run({ custom_claims: 'environment=staging' }, { environment: 'production' });
    expectAskedAlone(executed);
    expect(errors(executed)).toEqual([expect.stringMatching(/^Bad input: custom_claims: got environment="staging"/)]);
  });
});

describe('the request for the token', () => {
  it('goes to the address that the runner gave, with its parameters and token, and to nobody else', async () => {
    const executed = await run();
    const [request] = sentTo(emulator, 'idToken');
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url = '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: token = '' } =
      emulator.github.idTokenVariables;
    expect(`${emulator.url}${request?.path}`).toBe(url);
    expect(request?.headers.authorization).toBe(`Bearer ${token}`);
    const others = emulator.requests.filter((one) => one !== request);
    const text = JSON.stringify(others.map(({ path, headers, text }) => [path, headers, text]));
    for (const secret of [token, ...emulator.github.idTokens]) expect(text).not.toContain(secret);
    expect(errors(executed)).toEqual([]);
  });

  it('and its response are masked, as they are and in base64', async () => {
    const executed = await run();
    const { idTokens, idTokenVariables } = emulator.github;
    expect(idTokens).toHaveLength(1);
    for (const token of [idTokenVariables.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '', ...idTokens]) {
      expect(executed.masks).toContain(token);
      expect(executed.masks.some((mask) => mask.startsWith(Buffer.from(token).toString('base64').slice(0, -4)))).toBe(
        true,
      );
    }
    expectNoTokens(executed);
  });

  it.each<[string, Fault]>([
    ['500', { kind: 'status', status: 500 }],
    ['429', { kind: 'status', status: 429, headers: { 'retry-after': '0' } }],
    ['a reset', { kind: 'reset' }],
    ['a response cut off', { kind: 'truncate' }],
    ['rubbish', { kind: 'body', body: '<html>' }],
    ['nothing', { kind: 'body', body: '' }],
  ])('is sent again after %s, twice', async (_, fault) => {
    emulator.faults.add({ operation: 'idToken', times: 2, fault });
    const executed = await run({}, { environment: 'production' });
    expect([errors(executed), claims().environment]).toEqual([[], 'production']);
    expect(sentTo(emulator, 'idToken')).toHaveLength(3);
  });

  const location = 'https://elsewhere.example/';
  const unsigned = (payload: unknown) => ['e30', Buffer.from(JSON.stringify(payload)).toString('base64url'), ''];
  it.each<[string, Fault]>([
    ['a refusal', { kind: 'status', status: 403, body: { message: 'No.' } }],
    ['a token that ran out', { kind: 'status', status: 401 }],
    ['a redirect', { kind: 'redirect', location }],
    ['no token', { kind: 'body', body: '{"count":0}' }],
    ['a token that is a number', { kind: 'body', body: '{"value":5}' }],
    ['a token without a payload', { kind: 'body', body: '{"value":"rubbish.without"}' }],
    ['a token whose payload is none', { kind: 'body', body: '{"value":"a.b.c"}' }],
    ['a token whose payload is a list', { kind: 'body', body: JSON.stringify({ value: unsigned([]).join('.') }) }],
  ])('that is answered with %s ends the step, explained, and the runner is no way out', async (_, fault) => {
    emulator.faults.add({ operation: 'idToken', fault });
    const executed = await run();
    expectAskedAlone(executed);
    expect(errors(executed)).toEqual([expect.stringMatching(/^Could not get GitHub's ID token: /)]);
    expect(errors(executed)[0]).toMatch(GRANT);
    expect(executed.log).not.toContain(FROM_RUNNER);
    expect((await executed.post()).stdout).toBe('');
    expectNoTokens(executed);
  });

  it.each<[string, Fault]>([
    ['never answered', { kind: 'hang' }],
    ['always answered with 503', { kind: 'status', status: 503 }],
  ])('that is %s ends the step within its time', async (_, fault) => {
    emulator.faults.add({ operation: 'idToken', fault });
    const executed = await run({ timeout: '5' });
    expect([executed.exitCode, executed.outputs, emulator.clients()]).toEqual([1, {}, []]);
    expect(new Set(sent())).toEqual(new Set(['idToken', 'token']));
    expect(errors(executed)).toEqual([expect.stringMatching(/^Could not get GitHub's ID token: /)]);
    expect(executed.milliseconds).toBeLessThan(5500);
  });

  it.each(['http://github.example/token', 'rubbish'])('is not sent to %s', async (url) => {
    const executed = await run({}, {}, { env: { ACTIONS_ID_TOKEN_REQUEST_URL: url } });
    expectNothingDone(executed);
    expect(errors(executed)).toEqual([
      expect.stringMatching(/^Could not get GitHub's ID token: ACTIONS_ID_TOKEN_REQUEST_URL is no https address\./),
    ]);
  });

  it('never repeats what the server says about the token', async () => {
    const { ACTIONS_ID_TOKEN_REQUEST_TOKEN: token = '' } = emulator.github.idTokenVariables;
    const fault: Fault = { kind: 'redirect', location: `https://elsewhere.example/?token=${token}` };
    emulator.faults.add({ operation: 'idToken', fault });
    const executed = await run();
    expect(errors(executed)[0]).toContain('https://elsewhere.example/?token=***');
    expectNoTokens(executed);
  });

  it('is not sent in vain if the inputs are bad', async () => {
    const executed = await run({ organization_id: '', repository_claims: 'github_nothing' });
    expectNothingDone(executed);
    expect(errors(executed)[0]).toMatch(/organization_id: .*repository_claims: /s);
  });

  it('is sent in a dry run too, since the plan is about what the token says', async () => {
    const executed = await run({ dry_run: 'true' }, { environment: 'production' });
    expect([errors(executed), emulator.clients()]).toEqual([[], []]);
    expect(executed.log).toContain('environment=production');
  });
});

it('another repository is not what the job’s own token is about: it is not asked for', async () => {
  const { github } = emulator;
  const { id } = github.addRepository('acme/billing', { visibility: 'internal' });
  const executed = await run({ repository: 'Acme/Billing', github_token: github.token }, { environment: 'production' });
  expect([errors(executed), sentTo(emulator, 'idToken')]).toEqual([[], []]);
  expect(claims()).toEqual({ github_repository: 'acme/billing', github_repository_id: String(id) });
  expect(executed.log).toContain("Claims about acme/billing come from GitHub's API.");
  const other = await run(
    { repository: 'acme/billing', github_token: github.token, environment: 'staging' },
    { environment: 'production' },
  );
  expect([errors(other), warnings(other)]).toEqual([[], []]);
  expect(emulator.clients().at(-1)?.custom_claims).toContainEqual({ key: 'environment', value: 'staging' });
});
