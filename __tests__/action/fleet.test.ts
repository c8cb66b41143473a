import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import { type Executed, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import { parseMarker } from '../../src/client/marker.ts';
import { credentialsWork, errors, markerLine, readable, runAction, secretsOf, sentTo } from '../support/action.ts';
import { DAY, ID, MINUTE, SECRET, STATE, seedSaved } from '../support/saved.ts';

// Tests of a central workflow that creates clients for other repositories.

const { GITHUB_REPOSITORY_ID: REPOSITORY_ID } = RUNNER_VARIABLES;
const SERVICE = 'Acme/Billing-Service';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

/** Runs the action in the central workflow, and checks that its output shows no secret. */
async function central(inputs: Record<string, string>, step: Step = {}): Promise<Executed> {
  const run = await runAction(emulator, {
    ...step,
    inputs: { github_token: emulator.github.token, ...inputs },
    env: { ...emulator.github.variables, ...step.env },
  });
  for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
  return run;
}

/** Returns the runner's variables in a workflow of the repository itself. */
function runnerOf(fullName: string): Record<string, string> {
  const { id, ownerId } = emulator.github.repository(fullName);
  return {
    GITHUB_REPOSITORY: fullName,
    GITHUB_REPOSITORY_ID: `${id}`,
    GITHUB_REPOSITORY_OWNER: fullName.split('/')[0] ?? '',
    GITHUB_REPOSITORY_OWNER_ID: `${ownerId}`,
    GITHUB_RUN_ID: '18000000000',
  };
}

const claimsOf = (client_id = '') => {
  const client = emulator.clients().find((one) => one.client_id === client_id);
  return Object.fromEntries((client?.custom_claims ?? []).map(({ key, value }) => [key, value]));
};
const markers = () => emulator.clients().map(({ description }) => parseMarker(description ?? ''));
const changes = () => emulator.requests.filter(({ method, operation }) => method !== 'GET' && operation !== 'token');

describe('a client for another repository', () => {
  beforeEach(() => {
    const customProperties = { tier: 'gold', team: ['a', 'b'], empty: null };
    emulator.github.addRepository(SERVICE, { id: 4711, visibility: 'internal', customProperties });
  });

  it('carries what GitHub says of that repository, not the spelling of the input and not the runner', async () => {
    const repository_claims =
      'github_repository github_repository_id github_repository_owner github_repository_owner_id github_repository_visibility github_repo_property_tier environment';
    const run = await central({ repository: SERVICE.toLowerCase(), repository_claims, environment: 'production' });
    expect([run.exitCode, run.annotations, run.outputs.result]).toEqual([0, [], 'created']);
    expect(claimsOf(run.outputs.client_id)).toEqual({
      github_repository: SERVICE,
      github_repository_id: '4711',
      github_repository_owner: 'Acme',
      github_repository_owner_id: RUNNER_VARIABLES.GITHUB_REPOSITORY_OWNER_ID,
      github_repository_visibility: 'internal',
      github_repo_property_tier: 'gold',
      environment: 'production',
    });
    const [client] = emulator.clients();
    expect(client?.name).toBe(`GitHub Actions: ${SERVICE} (production)`);
    expect(client?.description).toContain(SERVICE);
    expect(markers()).toEqual([expect.objectContaining({ repo: '4711', by: REPOSITORY_ID })]);
    expect(run.log).toContain(`Claims about ${SERVICE} come from GitHub's API.`);
    expect(run.log).toContain('The environment "production" is asserted');
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it('has the default claims and no environment, whatever the ID token of the job says', async () => {
    emulator.github.idTokenClaims = { environment: 'platform' };
    const run = await central({ repository: SERVICE }, { env: emulator.github.idTokenVariables });
    expect([run.exitCode, run.annotations]).toEqual([0, []]);
    expect(claimsOf(run.outputs.client_id)).toEqual({ github_repository: SERVICE, github_repository_id: '4711' });
    expect(sentTo(emulator, 'idToken')).toEqual([]);
  });

  it.each([
    [{}, {}],
    [{ environment: 'production' }, { environment: 'Production' }],
    [{ name: 'Deploy' }, { name: 'Deploy' }],
  ])('is the one that the repository’s own workflow finds: %j and %j', async (inputs, inputsThere) => {
    const made = await central({ repository: SERVICE, ...inputs });
    // The same inputs without `repository` create a client of the central repository.
    const apart = await central(inputs);
    const found = await central(inputsThere, { env: runnerOf(SERVICE) });
    expect([made, apart, found].map(({ outputs }) => outputs.result)).toEqual(['created', 'created', 'rotated']);
    expect(found.outputs.client_id).toBe(made.outputs.client_id);
    expect([apart.outputs.client_id === made.outputs.client_id, emulator.clients().length]).toEqual([false, 2]);
    const back = await central({ repository: SERVICE, ...inputs, on_existing: 'reuse' });
    expect([back.exitCode, back.outputs.result, back.outputs.client_id]).toEqual([0, 'reused', made.outputs.client_id]);
    // The repository that created the client is unchanged.
    expect(markers()[0]).toEqual(expect.objectContaining({ repo: '4711', by: REPOSITORY_ID }));
  });

  it('stays the same after the repository was renamed, by its new name', async () => {
    const made = await central({ repository: SERVICE });
    emulator.github.rename(SERVICE, 'acme/payments');
    const run = await central({ repository: 'acme/payments' });
    expect([run.exitCode, run.outputs.result, run.outputs.client_id]).toEqual([0, 'rotated', made.outputs.client_id]);
    expect(claimsOf(made.outputs.client_id).github_repository).toBe('acme/payments');
  });

  it('is managed by its id too, and one of the central repository is not', async () => {
    const made = await central({ repository: SERVICE });
    const ofCentral = await central({});
    const run = await central({ repository: SERVICE, client_id: made.outputs.client_id ?? '' });
    expect([run.exitCode, run.outputs.client_id]).toEqual([0, made.outputs.client_id]);
    const refused = await central({ repository: SERVICE, client_id: ofCentral.outputs.client_id ?? '' });
    expect([refused.exitCode, refused.outputs]).toEqual([1, {}]);
    expect(errors(refused)).toEqual([expect.stringContaining('created for another repository')]);
  });

  it('is saved in that repository, and in its environment', async () => {
    const service = emulator.github.repository(SERVICE);
    const location = service.addEnvironment('preview/pr-7');
    const first = await central({ repository: SERVICE, save_to: 'repository' });
    const second = await central({ repository: SERVICE, save_to: 'environment', environment: 'preview/pr-7' });
    for (const [run, { variables, secrets }] of [
      [first, service],
      [second, location],
    ] as const) {
      expect([run.exitCode, run.annotations, variables.get(ID)?.value]).toEqual([0, [], run.outputs.client_id]);
      expect(secrets.get(SECRET)?.value).toBe(run.outputs.secret);
    }
    const central_repository = emulator.github.repository(RUNNER_VARIABLES.GITHUB_REPOSITORY);
    expect([central_repository.variables.size, central_repository.secrets.size]).toEqual([0, 0]);
  });

  it('of one job is swept by the workflow that made it, and by no other', async () => {
    const { outputs } = await central({ repository: SERVICE, lifetime: 'job' });
    emulator.github.addRun(RUNNER_VARIABLES.GITHUB_REPOSITORY, {
      id: Number(RUNNER_VARIABLES.GITHUB_RUN_ID),
      status: 'completed',
    });
    const sweep = { action: 'sweep' };
    const other = await central({ dry_run: 'false' }, { ...sweep, env: runnerOf(SERVICE) });
    expect([other.exitCode, other.outputs.deleted, emulator.clients().length]).toEqual([0, '', 1]);
    const swept = await central({ dry_run: 'false' }, { ...sweep, env: { GITHUB_RUN_ID: '18000000000' } });
    expect([swept.exitCode, swept.outputs.deleted, emulator.clients()]).toEqual([0, outputs.client_id, []]);
  });

  it.each([
    ['renamed', () => emulator.github.rename(SERVICE, 'acme/payments'), /renamed or transferred.*current name/],
    [
      'missing',
      () => ({ repository: 'acme/nothing' }),
      /^Could not read repository acme\/nothing: HTTP 404.*may not see it/,
    ],
    ['hidden from the token', () => ({ github_token: emulator.github.addToken('none') }), /HTTP 404.*may not see it/],
    ['asked for with a token that is none', () => ({ github_token: ['ghp', 'x'.repeat(36)].join('_') }), /HTTP 401/],
  ])('is not made if the repository is %s', async (_, prepare, message) => {
    const run = await central({ repository: SERVICE, save_to: 'repository', ...(prepare() ?? {}) });
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect([run.outputs, emulator.clients(), changes()]).toEqual([{}, [], []]);
    expect(errors(run)).toEqual([expect.stringMatching(message)]);
  });

  it('is not made if GitHub’s response is about another repository', async () => {
    const fault = {
      kind: 'edit',
      edit: (answer: object) => ({ ...answer, full_name: 'acme/payments' }),
    } as const;
    emulator.faults.add({ operation: 'getRepository', fault });
    const run = await central({ repository: SERVICE });
    expect([run.exitCode, errors(run).length, emulator.clients()]).toEqual([1, 1, []]);
    expect(errors(run)[0]).toContain('it shows another repository');
  });

  it.each<[what: string, inputs: Record<string, string>, message: RegExp]>([
    ['without a token', { github_token: '' }, /^Bad input: github_token: is empty; .*repository/],
    [
      'with a name that is none',
      { repository: 'billing' },
      /^Bad input: repository: got "billing"; expected owner\/name/,
    ],
    ['with a name that is a way up', { repository: 'acme/..' }, /^Bad input: repository: /],
    [
      'with a claim about a run',
      { repository_claims: 'github_job_workflow_ref' },
      /^Bad input: repository_claims: .*describes a run and not another repository/,
    ],
    [
      'with a claim of a run',
      { repository_claims: 'github_sha' },
      /^Bad input: repository_claims: .*changes from run to run/,
    ],
    [
      'with a claim of the job’s run, for one job',
      { repository_claims: 'github_actor', lifetime: 'job' },
      /^Bad input: repository_claims: .*describes a run and not another repository/,
    ],
    [
      'with the claim of an environment that is not given',
      { repository_claims: 'environment' },
      /^Bad input: repository_claims: got environment, which is not known; expected the input environment$/,
    ],
  ])('is an input error %s', async (_, inputs, message) => {
    const run = await central({ repository: SERVICE, ...inputs });
    expect([run.exitCode, run.outputs, emulator.requests]).toEqual([1, {}, []]);
    expect(errors(run)).toEqual([expect.stringMatching(message)]);
  });

  it.each(['github_repo_property_nothing', 'github_repo_property_empty', 'github_repo_property_team'])(
    'is an input error with a claim that GitHub does not report: %s',
    async (repository_claims) => {
      const run = await central({ repository: SERVICE, repository_claims });
      expect([run.exitCode, run.outputs, changes()]).toEqual([1, {}, []]);
      expect(errors(run)).toEqual([
        expect.stringMatching(
          `^Bad input: repository_claims: got ${repository_claims}, which GitHub's API does not return`,
        ),
      ]);
    },
  );
});

/** Adds a repository whose client an earlier run created and saved, and returns the repository's name. */
function seedRepository(number: number, ageMs = 7 * DAY): string {
  const repository = `acme/service-${number}`;
  const location = emulator.github.addRepository(repository, { id: 800_000_000 + number });
  const identity = { repository, repository_id: `${location.id}` };
  const fields = {
    name: `GitHub Actions: ${repository}`,
    description: `Made by GitHub Actions for ${repository}.\n${markerLine(identity, { repo: identity.repository_id })}`,
    custom_claims: [
      { key: 'github_repository', value: repository },
      { key: 'github_repository_id', value: identity.repository_id },
    ],
  };
  seedSaved(emulator, { location, identity, fields, ageMs });
  return repository;
}

/** Runs what examples/fleet.yml runs for a repository each night. */
function night(repository: string): Promise<Executed> {
  return central({ repository, on_existing: 'reuse', rotate_after: '30', save_to: 'repository' });
}

/** Returns the operations of the requests to Scalekit. All requests to GitHub have a path of GitHub's API. */
function sentToScalekit(from = 0): string[] {
  const requests = emulator.requests.slice(from).filter(({ path }) => !path.startsWith('/api/v3/'));
  return requests.map(({ operation }) => operation);
}

describe('a nightly run of a fleet', () => {
  it.each([10, 10_000])('sends the same two requests to Scalekit in an organization of %d clients', async (count) => {
    const repository = seedRepository(0);
    for (let number = 1; number < count; number++) emulator.seed({ name: `Other ${number}`, description: 'Foreign.' });
    const run = await night(repository);
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'reused', secret: '' } });
    expect([sentToScalekit(), emulator.clients().length]).toEqual([['token', 'getClient'], count]);
  });

  it('sends 2,000 requests to Scalekit for 1,000 repositories, by every 50th of them, and changes nothing', async () => {
    const repositories = Array.from({ length: 1000 }, (_, number) => seedRepository(number));
    const clients = emulator.clients();
    const sample = repositories.filter((_, at) => at % 50 === 0);
    const sent: number[] = [];
    for (const repository of sample) {
      const from = emulator.requests.length;
      expect((await night(repository)).outputs.result).toBe('reused');
      sent.push(sentToScalekit(from).length);
    }
    expect(sent).toEqual(Array(20).fill(2));
    expect((sent.reduce((sum, one) => sum + one) * repositories.length) / sample.length).toBe(2000);
    expect([changes(), emulator.clients()]).toEqual([[], clients]);
  }, 60_000);

  it('replaces and saves the secrets that are older than rotate_after, and no others', async () => {
    const [due, fresh] = [seedRepository(1, 31 * DAY + MINUTE), seedRepository(2, 29 * DAY)];
    const runs = [await night(due), await night(fresh)];
    expect(runs.map(({ exitCode, outputs }) => [exitCode, outputs.result])).toEqual([
      [0, 'rotated'],
      [0, 'reused'],
    ]);
    const { variables, secrets } = emulator.github.repository(due);
    expect(secrets.get(SECRET)?.value).toBe(runs[0]?.outputs.secret);
    expect(variables.get(STATE)?.value).toContain(` secret:${runs[0]?.outputs.secret_id}`);
    expect(runs[0]?.log).toContain('is 31 days old, and rotate_after is 30');
    expect(runs[1]?.log).toContain('The next rotation is due on ');
    expect((await night(due)).outputs.result).toBe('reused');
  });
});

describe('a fleet', () => {
  const COUNT = 200;
  const AT_ONCE = 10;
  /**
   * Seconds. Ten minutes in the example are ten seconds here. This is twice that, because all legs share one machine
   * with other tests.
   */
  const TIMEOUT = '20';
  const name = (number: number) => `acme/service-${number}`;

  /** Runs a leg for each repository. As with `max-parallel`, not more than AT_ONCE run at a time. */
  async function matrix(repositories: string[]): Promise<Executed[]> {
    const runs: Executed[] = [];
    const waiting = [...repositories.entries()];
    const lane = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [at, repository] = next;
        runs[at] = await runAction(emulator, {
          inputs: {
            repository,
            github_token: emulator.github.token,
            on_existing: 'reuse',
            save_to: 'repository',
            timeout: TIMEOUT,
          },
          env: { ...emulator.github.variables, RUNNER_DEBUG: undefined },
        });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return runs;
  }

  it(`of ${COUNT} repositories is done in one go under a rate limit, without a duplicate or a failure, and unchanged by the next`, async () => {
    const repositories = Array.from({ length: COUNT }, (_, at) => name(at));
    for (const repository of repositories) emulator.github.addRepository(repository);
    // 60 requests a minute. A second stands for a minute here.
    emulator.behaviour.rateLimit = { requests: 60, windowMs: 1000, retryAfter: 'seconds' };
    const runs = await matrix(repositories);

    const failures = runs.filter(({ exitCode }) => exitCode !== 0).flatMap(errors);
    expect([runs.length, failures]).toEqual([COUNT, []]);
    expect(runs.map(({ outputs }) => outputs.result)).toEqual(Array(COUNT).fill('created'));
    const clients = emulator.clients();
    expect([clients.length, new Set(markers().map((marker) => marker?.key)).size]).toEqual([COUNT, COUNT]);
    expect(clients.filter(({ secrets }) => secrets?.length !== 1)).toEqual([]);
    for (const [at, { outputs }] of runs.entries()) {
      const { id, variables, secrets } = emulator.github.repository(name(at));
      expect(claimsOf(outputs.client_id).github_repository_id).toBe(`${id}`);
      expect(variables.get(ID)?.value).toBe(outputs.client_id);
      expect([secrets.get(SECRET)?.value]).toEqual(emulator.secrets(outputs.client_id));
    }
    const sent = emulator.requests.length;

    const few = repositories.filter((_, at) => at % 10 === 0);
    const again = await matrix(few);
    expect(again.map(({ exitCode, outputs }) => [exitCode, outputs.result, outputs.secret])).toEqual(
      Array(few.length).fill([0, 'reused', '']),
    );
    const later = emulator.requests.slice(sent).filter(({ status }) => status !== 429);
    expect(later.filter(({ method, operation }) => method !== 'GET' && operation !== 'token')).toEqual([]);
    expect(emulator.clients()).toEqual(clients);
  }, 300_000);
});
