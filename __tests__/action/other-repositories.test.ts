import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import { type Executed, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import { parseMarker } from '../../src/client/marker.ts';
import { credentialsWork, errors, markerLine, readable, runAction, secretsOf } from '../support/action.ts';
import { useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed } from '../support/outcomes.ts';
import { isChange, sentTo } from '../support/requests.ts';
import { ID, REPOSITORY, SECRET, STATE, seedSaved } from '../support/saved.ts';
import { DAY, MINUTE } from '../support/times.ts';

// A central workflow creates clients for other repositories.

const emulator = useEmulator();
const itWaits = useConcurrentTests();

const { GITHUB_REPOSITORY_ID: REPOSITORY_ID } = RUNNER_VARIABLES;
const SERVICE = 'Acme/Billing-Service';
const SERVICE_ID = 4711;

/** Runs the action in the central workflow, and checks that its output shows no secret. */
async function central(inputs: Record<string, string>, step: Step = {}, on: Emulator = emulator): Promise<Executed> {
  const run = await runAction(on, {
    ...step,
    inputs: { github_token: on.github.token, ...inputs },
    env: { ...on.github.variables, ...step.env },
  });
  for (const secret of secretsOf(on)) expect(readable(run)).not.toContain(secret);
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

/** Returns the requests that change something. */
const changes = (on: Emulator = emulator) => on.requests.filter(isChange);

/** Checks that a run failed with this one error, and changed nothing. */
function expectNothingCreated(run: Executed, message: RegExp, on: Emulator = emulator): void {
  expectFailed(run);
  expect(errors(run)).toEqual([expect.stringMatching(message)]);
  expect(changes(on)).toEqual([]);
  expect(on.clients()).toEqual([]);
}

describe('a client for another repository', () => {
  beforeEach(() => {
    const customProperties = { tier: 'gold', team: ['a', 'b'], empty: null };
    emulator.github.addRepository(SERVICE, { id: SERVICE_ID, visibility: 'internal', customProperties });
  });

  it('creates a client for another repository with claims from GitHub instead of the inputs and the runner', async () => {
    const repository_claims =
      'github_repository github_repository_id github_repository_owner github_repository_owner_id github_repository_visibility github_repo_property_tier environment';
    const run = await central({ repository: SERVICE.toLowerCase(), repository_claims, environment: 'production' });
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'created' } });
    expect(claimsOf(run.outputs.client_id)).toEqual({
      github_repository: SERVICE,
      github_repository_id: `${SERVICE_ID}`,
      github_repository_owner: 'Acme',
      github_repository_owner_id: RUNNER_VARIABLES.GITHUB_REPOSITORY_OWNER_ID,
      github_repository_visibility: 'internal',
      github_repo_property_tier: 'gold',
      environment: 'production',
    });
    const [client] = emulator.clients();
    expect(client?.name).toBe(`GitHub Actions: ${SERVICE} (production)`);
    expect(client?.description).toContain(SERVICE);
    expect(markers()).toEqual([expect.objectContaining({ repo: `${SERVICE_ID}`, by: REPOSITORY_ID })]);
    expect(run.log).toContain(`Claims about ${SERVICE} come from GitHub's API.`);
    expect(run.log).toContain('The environment "production" is asserted');
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it('creates a client for another repository without the environment of the job, and requests no ID token', async () => {
    emulator.github.idTokenClaims = { environment: 'platform' };
    const run = await central({ repository: SERVICE }, { env: emulator.github.idTokenVariables });
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(claimsOf(run.outputs.client_id)).toEqual({
      github_repository: SERVICE,
      github_repository_id: `${SERVICE_ID}`,
    });
    expect(sentTo(emulator, 'idToken')).toEqual([]);
  });

  it("finds the same client in the central workflow and in the other repository's own workflow", async () => {
    const created = await central({ repository: SERVICE, environment: 'production' });
    const { client_id } = created.outputs;
    // The same inputs without `repository` create a client of the central repository.
    const ownClient = await central({ environment: 'production' });
    expect(ownClient.outputs.result).toBe('created');
    expect(ownClient.outputs.client_id).not.toBe(client_id);
    const found = await central({ environment: 'Production' }, { env: runnerOf(SERVICE) });
    expect(found.outputs).toMatchObject({ result: 'rotated', client_id });
    expect(emulator.clients()).toHaveLength(2);
    const again = await central({ repository: SERVICE, environment: 'production', on_existing: 'reuse' });
    expect(again).toMatchObject({ exitCode: 0, outputs: { result: 'reused', client_id } });
    // The repository that created the client is unchanged.
    expect(markers()[0]).toEqual(expect.objectContaining({ repo: `${SERVICE_ID}`, by: REPOSITORY_ID }));
  });

  it('finds the client of another repository by the new name after the repository was renamed', async () => {
    const { client_id } = (await central({ repository: SERVICE })).outputs;
    emulator.github.rename(SERVICE, 'acme/payments');
    const run = await central({ repository: 'acme/payments' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated', client_id } });
    expect(claimsOf(client_id).github_repository).toBe('acme/payments');
  });

  it('manages the client of another repository by client_id, and refuses a client of the central repository', async () => {
    const { client_id = '' } = (await central({ repository: SERVICE })).outputs;
    const ownClient = await central({});
    const run = await central({ repository: SERVICE, client_id });
    expect(run).toMatchObject({ exitCode: 0, outputs: { client_id } });
    const refused = await central({ repository: SERVICE, client_id: ownClient.outputs.client_id ?? '' });
    expectFailed(refused);
    expect(errors(refused)).toEqual([expect.stringContaining('created for another repository')]);
  });

  it('saves the credentials in the other repository or its environment, and not in the central repository', async () => {
    const service = emulator.github.repository(SERVICE);
    const environment = service.addEnvironment('preview/pr-7');
    const first = await central({ repository: SERVICE, save_to: 'repository' });
    const second = await central({ repository: SERVICE, save_to: 'environment', environment: 'preview/pr-7' });
    for (const { run, location } of [
      { run: first, location: service },
      { run: second, location: environment },
    ]) {
      expect(run).toMatchObject({ exitCode: 0, annotations: [] });
      expect(location.variables.get(ID)?.value).toBe(run.outputs.client_id);
      expect(location.secrets.get(SECRET)?.value).toBe(run.outputs.secret);
    }
    const { variables, secrets } = emulator.github.repository(REPOSITORY);
    expect({ variables: variables.size, secrets: secrets.size }).toEqual({ variables: 0, secrets: 0 });
  });

  it("deletes another repository's client of a job with sweep/ only in the workflow that created it", async () => {
    const { client_id } = (await central({ repository: SERVICE, lifetime: 'job' })).outputs;
    emulator.github.addRun(REPOSITORY, { id: Number(RUNNER_VARIABLES.GITHUB_RUN_ID), status: 'completed' });
    const sweepIn = (env: Record<string, string>) => central({ dry_run: 'false' }, { action: 'sweep', env });
    expect(await sweepIn(runnerOf(SERVICE))).toMatchObject({ exitCode: 0, outputs: { deleted: '' } });
    expect(emulator.clients()).toHaveLength(1);
    const swept = await sweepIn({ GITHUB_RUN_ID: '18000000000' });
    expect(swept).toMatchObject({ exitCode: 0, outputs: { deleted: client_id } });
    expect(emulator.clients()).toEqual([]);
  });

  it('creates no client if the other repository was renamed, and asks for its current name', async () => {
    emulator.github.rename(SERVICE, 'acme/payments');
    const run = await central({ repository: SERVICE, save_to: 'repository' });
    expectNothingCreated(run, /renamed or transferred.*current name/);
    expect(run.state).toMatchObject({ client: '' });
  });

  it("creates no client if GitHub's response is about another repository", async () => {
    const edit = (response: object) => ({ ...response, full_name: 'acme/payments' });
    emulator.faults.add({ operation: 'getRepository', fault: { kind: 'edit', edit } });
    expectNothingCreated(await central({ repository: SERVICE }), /it shows another repository/);
  });

  it('fails before any request if inputs contradict a client for another repository', async () => {
    const repository_claims = 'github_actor environment';
    const run = await central({ repository: SERVICE, github_token: '', lifetime: 'job', repository_claims });
    expectFailed(run);
    expect(emulator.requests).toEqual([]);
    expect(errors(run).join('\n').split('\n')).toEqual([
      '3 bad inputs:',
      expect.stringMatching(/^- repository_claims: .*github_actor.* describes a run and not another repository/),
      expect.stringMatching(/^- repository_claims: got environment, .*; expected the input environment$/),
      expect.stringMatching(/^- github_token: is empty; .*repository/),
    ]);
  });

  it('creates no client with claims about properties that GitHub does not return for another repository', async () => {
    const names = ['nothing', 'empty', 'team'].map((property) => `github_repo_property_${property}`);
    const run = await central({ repository: SERVICE, repository_claims: names.join(' ') });
    expectNothingCreated(run, /^3 bad inputs:/);
    for (const name of names)
      expect(errors(run)[0]).toContain(`repository_claims: got ${name}, which GitHub's API does not return`);
  });
});

// GitHub's 401 and 404 count as temporary for some seconds, because tokens and repositories may be new.
itWaits('creates no client if the other repository does not exist, or is hidden from the token', async (own) => {
  own.github.addRepository(SERVICE, { id: SERVICE_ID });
  const github_token = own.github.addToken('none');
  const run = await central({ repository: SERVICE, save_to: 'repository', github_token }, {}, own);
  expectNothingCreated(run, /^Could not read repository Acme\/Billing-Service: HTTP 404.*may not see it/, own);
  expect(run.state).toMatchObject({ client: '' });
});

itWaits('creates no client for another repository if GitHub does not know the token', async (own) => {
  const github_token = ['ghp', 'x'.repeat(36)].join('_');
  expectNothingCreated(await central({ repository: SERVICE, github_token }, {}, own), /HTTP 401/, own);
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

describe('a nightly run of a fleet', () => {
  /** Runs what examples/fleet.yml runs for a repository each night. */
  const night = (repository: string) =>
    central({ repository, on_existing: 'reuse', rotate_after: '30', save_to: 'repository' });

  it.each([10, 10_000])(
    'sends two requests to Scalekit for a nightly reuse in an organization of %d clients',
    async (count) => {
      const repository = seedRepository(0);
      for (let at = 1; at < count; at++)
        emulator.seed({ name: `Other ${at}`, description: 'Foreign.' }, { secrets: 0 });
      const run = await night(repository);
      expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'reused', secret: '' } });
      // All requests to GitHub have a path of GitHub's API.
      const sent = emulator.requests.filter(({ path }) => !path.startsWith('/api/v3/'));
      expect(sent.map(({ operation }) => operation)).toEqual(['token', 'getClient']);
      expect(changes()).toEqual([]);
      expect(emulator.clients()).toHaveLength(count);
    },
  );

  it('replaces and saves only the secrets that are older than rotate_after in a nightly run', async () => {
    const repositories = { due: seedRepository(1, 31 * DAY + MINUTE), fresh: seedRepository(2, 29 * DAY) };
    const due = await night(repositories.due);
    expect(due).toMatchObject({ exitCode: 0, outputs: { result: 'rotated' } });
    expect(due.log).toContain('is 31 days old, and rotate_after is 30');
    const { variables, secrets } = emulator.github.repository(repositories.due);
    expect(secrets.get(SECRET)?.value).toBe(due.outputs.secret);
    expect(variables.get(STATE)?.value).toContain(` secret:${due.outputs.secret_id}`);
    const fresh = await night(repositories.fresh);
    expect(fresh).toMatchObject({ exitCode: 0, outputs: { result: 'reused' } });
    expect(fresh.log).toContain('The next rotation is due on ');
    expect((await night(repositories.due)).outputs.result).toBe('reused');
  });
});

describe('a matrix over a fleet', () => {
  const COUNT = 16;
  const AT_ONCE = 8;

  /** Runs a leg for each repository. As with `max-parallel`, not more than AT_ONCE run at a time. */
  async function matrix(repositories: string[]): Promise<Executed[]> {
    const runs: Executed[] = [];
    const waiting = [...repositories.entries()];
    const lane = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [at, repository] = next;
        const inputs = { repository, on_existing: 'reuse', save_to: 'repository' };
        runs[at] = await central(inputs, { env: { RUNNER_DEBUG: undefined } });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return runs;
  }

  it('creates one client for each repository of a fleet under a rate limit, and changes nothing in the next run', async () => {
    const repositories = Array.from({ length: COUNT }, (_, number) => `acme/service-${number}`);
    for (const repository of repositories) emulator.github.addRepository(repository);
    // As with 40 requests a minute, but each window lasts a second here.
    emulator.behaviour.rateLimit = { requests: 40, windowMs: 1000, retryAfter: 'seconds' };
    const runs = await matrix(repositories);
    expect(runs.flatMap(errors)).toEqual([]);
    expect(runs.map(({ outputs }) => outputs.result)).toEqual(Array(COUNT).fill('created'));
    const clients = emulator.clients();
    expect(clients).toHaveLength(COUNT);
    expect(new Set(markers().map((marker) => marker?.key)).size).toBe(COUNT);
    expect(clients.filter(({ secrets }) => secrets?.length !== 1)).toEqual([]);
    for (const [at, { outputs }] of runs.entries()) {
      const { id, variables, secrets } = emulator.github.repository(`acme/service-${at}`);
      expect(claimsOf(outputs.client_id).github_repository_id).toBe(`${id}`);
      expect(variables.get(ID)?.value).toBe(outputs.client_id);
      expect([secrets.get(SECRET)?.value]).toEqual(emulator.secrets(outputs.client_id));
    }

    const sent = changes().length;
    const again = await matrix(repositories.filter((_, at) => at % 4 === 0));
    for (const run of again) expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'reused', secret: '' } });
    expect(changes()).toHaveLength(sent);
    expect(emulator.clients()).toEqual(clients);
  }, 120_000);
});
