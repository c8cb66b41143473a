import { describe, expect, it } from '@jest/globals';
import type { Fault } from '../../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import {
  errors,
  type Inputs,
  notices,
  readable,
  runAction,
  savingIn,
  secretsOf,
  seedEarlier,
  warnings,
} from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import { REPOSITORY, repositoryOf } from '../support/saved.ts';

// Tests of what the job's ID token says about the repository, if `permissions` has `id-token: write`.

const DEFAULT_CLAIMS = {
  github_repository: REPOSITORY,
  github_repository_id: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID,
};
const FROM_TOKEN = "Claims about the repository come from GitHub's ID token.";
const FROM_RUNNER = "Claims about the repository come from the runner's variables";
const GRANT = /permissions with id-token: write/;

const emulator = useEmulator();

/** Runs a step of a job that may request an ID token. The token has `claims` in addition to the usual ones. */
function run(inputs: Inputs = {}, claims: Record<string, unknown> = {}, step: Step = {}): Promise<Executed> {
  Object.assign(emulator.github.idTokenClaims, claims);
  return runAction(emulator, { ...step, inputs, env: { ...emulator.github.idTokenVariables, ...step.env } });
}

/** Checks that a run succeeded, and returns the claims of the only client. */
function claimsAfter(run: Executed): Record<string, string | undefined> {
  expectSucceeded(run);
  const clients = emulator.clients();
  expect(clients).toHaveLength(1);
  return Object.fromEntries(clients[0]?.custom_claims?.map(({ key, value }) => [key, value]) ?? []);
}

/** Checks that the step failed and that nothing is left for the post step. @returns its error */
function expectFailedWithoutState(run: Executed): string {
  expectFailed(run);
  expect(JSON.stringify(run.state)).toMatch(/^\{("client":"")?\}$/);
  expect(run.annotations).toEqual([{ kind: 'error', message: expect.any(String) }]);
  expect(emulator.clients()).toEqual([]);
  return errors(run).join();
}

/** Checks that the step failed before it sent a request. @returns its error */
function expectNothingSent(run: Executed): string {
  expect(operationsOf(emulator)).toEqual([]);
  return expectFailedWithoutState(run);
}

/**
 * Checks that the step failed after it requested the ID token, possibly a token of Scalekit at the same time, and nothing
 * else.
 * @returns its error
 */
function expectOnlyTokensRequested(run: Executed): string {
  expect(operationsOf(emulator).filter((operation) => operation !== 'token')).toEqual(['idToken']);
  return expectFailedWithoutState(run);
}

function expectNoTokens(...runs: Outcome[]): void {
  const { idTokens, idTokenVariables } = emulator.github;
  const request = idTokenVariables.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '';
  expect(request).not.toBe('');
  for (const one of runs)
    for (const secret of [request, ...idTokens, ...secretsOf(emulator)]) expect(readable(one)).not.toContain(secret);
}

describe('the claims of a job that may request an ID token', () => {
  it('takes the claims and the environment from the ID token, except from its sub, and logs that', async () => {
    const sub = 'repo:evil/other:environment:staging';
    const executed = await run({}, { environment: 'production', sub });
    expect(claimsAfter(executed)).toEqual({ ...DEFAULT_CLAIMS, environment: 'production' });
    expect(emulator.clients()[0]?.name).toBe(`GitHub Actions: ${REPOSITORY} (production)`);
    expect(executed.log).toContain(FROM_TOKEN);
    expect(executed.log).not.toContain('asserted');
    expect(sentTo(emulator, 'idToken')).toHaveLength(1);
  });

  it('takes the claims from the runner if the job may not request an ID token', async () => {
    const executed = await run({}, { environment: 'production' }, { env: { ACTIONS_ID_TOKEN_REQUEST_TOKEN: '' } });
    expect(sentTo(emulator, 'idToken')).toEqual([]);
    expect(claimsAfter(executed)).toEqual(DEFAULT_CLAIMS);
    expect(executed.log).toContain(FROM_RUNNER);
  });

  it('offers claims that only the ID token contains, such as custom properties', async () => {
    const repository = repositoryOf(emulator);
    repository.visibility = 'internal';
    repository.customProperties = { team: 'payments', 'cost-center': '4711', unset: null };
    const expected = {
      github_repository_visibility: 'internal',
      github_job_workflow_ref: 'acme/platform/.github/workflows/deploy.yml@refs/tags/v2',
      github_repo_property_team: 'payments',
      'github_repo_property_cost-center': '4711',
      github_repository_owner_id: RUNNER_VARIABLES.GITHUB_REPOSITORY_OWNER_ID,
      github_runner_environment: 'github-hosted',
    };
    const inputs = { repository_claims: Object.keys(expected).join(' ') };
    const executed = await run(inputs, { job_workflow_ref: expected.github_job_workflow_ref });
    expect(claimsAfter(executed)).toEqual(expected);
  });

  it('takes the claims of one run from the ID token with lifetime: job, and the post step requests none', async () => {
    const { GITHUB_REF, GITHUB_SHA, GITHUB_RUN_ID, GITHUB_ACTOR } = RUNNER_VARIABLES;
    const expected = {
      github_ref: GITHUB_REF,
      github_sha: GITHUB_SHA,
      github_run_id: GITHUB_RUN_ID,
      github_actor: GITHUB_ACTOR,
    };
    const executed = await run({ lifetime: 'job', repository_claims: Object.keys(expected).join(' ') });
    expect(claimsAfter(executed)).toEqual(expected);
    const post = await executed.post();
    expect(post).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
    expect(sentTo(emulator, 'idToken')).toHaveLength(1);
    expectNoTokens(executed, post);
  });

  it('fails before any request if a claim needs an ID token and the job may not request one', async () => {
    const executed = await runAction(emulator, { inputs: { repository_claims: 'github_job_workflow_ref' } });
    const error = expectNothingSent(executed);
    expect(error).toMatch(/^Bad input: repository_claims: got github_job_workflow_ref, /);
    expect(error).toMatch(GRANT);
  });

  it('fails and changes nothing if the ID token does not contain a requested claim', async () => {
    const executed = await run({ repository_claims: 'github_repo_property_team' });
    expect(expectOnlyTokensRequested(executed)).toMatch(
      /^Bad input: repository_claims: got github_repo_property_team, which this job's ID token does not contain/,
    );
  });

  it('finds the same client whether the runner or only the ID token knows the id of the repository', async () => {
    const executed = await run({}, {}, { env: { GITHUB_REPOSITORY_ID: undefined } });
    expect(notices(executed)).toEqual([]);
    expect(claimsAfter(executed).github_repository_id).toBe(RUNNER_VARIABLES.GITHUB_REPOSITORY_ID);
    const { client_id } = executed.outputs;
    expect((await run()).outputs).toMatchObject({ result: 'rotated', client_id });
  });

  it('finds the same client with an ID token as without one, and updates nothing', async () => {
    const { client } = seedEarlier(emulator, {}, { ageMs: 60_000 });
    const executed = await run();
    expectSucceeded(executed);
    expect(executed.outputs.client_id).toBe(client.client_id);
    expect(sentTo(emulator, 'updateClient')).toEqual([]);
  });

  it('requests no ID token if the client is for another repository', async () => {
    const { github } = emulator;
    const { id } = github.addRepository('acme/billing', { visibility: 'internal' });
    const inputs = { repository: 'Acme/Billing', github_token: github.token, environment: 'staging' };
    const executed = await run(inputs, { environment: 'production' });
    expect(sentTo(emulator, 'idToken')).toEqual([]);
    expect(claimsAfter(executed)).toEqual({
      github_repository: 'acme/billing',
      github_repository_id: String(id),
      environment: 'staging',
    });
    expect(warnings(executed)).toEqual([]);
    expect(executed.log).toContain("Claims about acme/billing come from GitHub's API.");
  });
});

describe('the environment of a job that may request an ID token', () => {
  it('creates a separate client for the environment in the ID token, and finds it again', async () => {
    const plain = await run();
    const staging = await run({}, { environment: 'staging' });
    const again = await run({}, { environment: 'staging' });
    expect([plain, staging, again].flatMap(errors)).toEqual([]);
    expect(staging.outputs.client_id).not.toBe(plain.outputs.client_id);
    expect(again.outputs).toMatchObject({ result: 'rotated', client_id: staging.outputs.client_id });
  });

  it('uses the spelling of the ID token if an input or the runner differs only in upper and lower case', async () => {
    const token = { environment: 'Production', repository: 'Acme/Inventory-Service' };
    const executed = await run({ environment: 'PRODUCTION' }, token);
    expect(claimsAfter(executed)).toMatchObject({
      environment: 'Production',
      github_repository: 'Acme/Inventory-Service',
    });
    expect(executed.log).not.toContain('asserted');
  });

  it('logs that the environment is asserted if only the input names it', async () => {
    const executed = await run({ environment: 'production' });
    expect(claimsAfter(executed).environment).toBe('production');
    expect(executed.log).toContain('The environment "production" is asserted: only the input names it.');
  });

  it('saves the credentials in the environment that the ID token names', async () => {
    const location = repositoryOf(emulator).addEnvironment('preview/pr-7');
    const executed = await run(savingIn(emulator, 'environment'), { environment: 'preview/pr-7' });
    expectSucceeded(executed);
    expect(location.secrets.get('SCALEKIT_M2M_CLIENT_SECRET')?.value).toBe(executed.outputs.secret);
  });

  it('fails and changes nothing with save_to: environment if neither the ID token nor an input names one', async () => {
    const executed = await run(savingIn(emulator, 'environment'));
    expect(expectOnlyTokensRequested(executed)).toMatch(/^Bad input: save_to: .*\(this job has none\)/);
  });
});

describe('an ID token that contradicts an input or the runner', () => {
  it('fails and changes nothing if the ID token names another environment, repository and run, and names all three', async () => {
    const token = { environment: 'production', repository: 'acme/other', repository_id: '1', run_id: '1' };
    const executed = await run({ environment: 'staging' }, token);
    const error = expectOnlyTokensRequested(executed);
    for (const input of ['environment', 'GITHUB_REPOSITORY', 'GITHUB_REPOSITORY_ID', 'GITHUB_RUN_ID'])
      expect(error).toMatch(new RegExp(`^- ${input}: .*expected`, 'm'));
    expect((await executed.post()).stdout).toBe('');
    expectNoTokens(executed);
  });

  it('fails and changes nothing if an earlier step changed the variable with the name of the repository', async () => {
    const executed = await run({}, {}, { env: { GITHUB_REPOSITORY: 'acme/other' } });
    expect(expectOnlyTokensRequested(executed)).toMatch(/^Bad input: GITHUB_REPOSITORY: .*expected/);
  });

  it('fails and changes nothing if custom_claims contradicts the ID token', async () => {
    const executed = await run({ custom_claims: 'environment=staging' }, { environment: 'production' });
    expect(expectOnlyTokensRequested(executed)).toMatch(/^Bad input: custom_claims: got environment="staging"/);
  });
});

describe('the request for the ID token', () => {
  it('requests the ID token at the address of the runner, sends it to no other server and masks it', async () => {
    const executed = await run();
    expectSucceeded(executed);
    const { idTokens, idTokenVariables } = emulator.github;
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken = '' } = idTokenVariables;
    const [request] = sentTo(emulator, 'idToken');
    expect(`${emulator.url}${request?.path}`).toBe(url);
    expect(request?.headers.authorization).toBe(`Bearer ${requestToken}`);
    const others = emulator.requests.filter((one) => one !== request);
    const text = JSON.stringify(others.map(({ path, headers, text }) => ({ path, headers, text })));
    expect(idTokens).toHaveLength(1);
    for (const token of [requestToken, ...idTokens]) {
      expect(text).not.toContain(token);
      expect(executed.masks).toContain(token);
      const base64 = Buffer.from(token).toString('base64').slice(0, -4);
      expect(executed.masks.filter((mask) => mask.startsWith(base64))).not.toEqual([]);
    }
    expectNoTokens(executed);
  });

  it.each<[what: string, Fault]>([
    ['HTTP 500', { kind: 'status', status: 500 }],
    ['no response', { kind: 'reset' }],
  ])('repeats the request for the ID token that got %s', async (_, fault) => {
    emulator.faults.add({ operation: 'idToken', times: 2, fault });
    const executed = await run({}, { environment: 'production' });
    expect(claimsAfter(executed).environment).toBe('production');
    expect(sentTo(emulator, 'idToken')).toHaveLength(3);
  });

  it.each<[what: string, Fault]>([
    ['HTTP 403', { kind: 'status', status: 403, body: { message: 'No.' } }],
    ['a response without a token', { kind: 'body', body: '{"count":0}' }],
  ])('fails and does not use the runner’s variables if the request for the ID token gets %s', async (_, fault) => {
    emulator.faults.add({ operation: 'idToken', fault });
    const executed = await run();
    const error = expectOnlyTokensRequested(executed);
    expect(error).toMatch(/^Could not get GitHub's ID token: /);
    expect(error).toMatch(GRANT);
    expect(executed.log).not.toContain(FROM_RUNNER);
    expect((await executed.post()).stdout).toBe('');
    expectNoTokens(executed);
  });

  it('fails within its timeout if GitHub never sends the ID token', async () => {
    emulator.faults.add({ operation: 'idToken', fault: { kind: 'hang' } });
    const executed = await run({ timeout: '5' });
    expectFailed(executed);
    expect(emulator.clients()).toEqual([]);
    expect(new Set(operationsOf(emulator))).toEqual(new Set(['idToken', 'token']));
    expect(errors(executed)).toEqual([expect.stringMatching(/^Could not get GitHub's ID token: /)]);
    expect(executed.milliseconds).toBeLessThan(5500);
  });

  it('fails before any request if the address for the ID token is not https', async () => {
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://github.example/token' };
    expect(expectNothingSent(await run({}, {}, { env }))).toMatch(
      /^Could not get GitHub's ID token: ACTIONS_ID_TOKEN_REQUEST_URL is no https address\./,
    );
  });

  it('masks the token for the request in an error that shows a redirect', async () => {
    const { ACTIONS_ID_TOKEN_REQUEST_TOKEN: token = '' } = emulator.github.idTokenVariables;
    const fault: Fault = { kind: 'redirect', location: `https://elsewhere.example/?token=${token}` };
    emulator.faults.add({ operation: 'idToken', fault });
    const executed = await run();
    expect(expectOnlyTokensRequested(executed)).toContain('https://elsewhere.example/?***');
    expectNoTokens(executed);
  });

  it('requests no ID token if the inputs are bad', async () => {
    const executed = await run({ organization_id: '', repository_claims: 'github_nothing' });
    expect(expectNothingSent(executed)).toMatch(/organization_id: .*repository_claims: /s);
  });

  it('shows in a dry run what the ID token says', async () => {
    const executed = await run({ dry_run: 'true' }, { environment: 'production' });
    expectSucceeded(executed);
    expect(emulator.clients()).toEqual([]);
    expect(executed.log).toContain('environment=production');
  });
});
