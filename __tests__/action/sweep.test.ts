import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Emulator, Fault, Operation } from '../../emulator/index.ts';
import { type Executed, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import type { OwnershipMarker } from '../../src/client/marker.ts';
import { errors, markerLine, readable, runAction, secretsOf, warnings } from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { barrier, interruptedAt, sentTo } from '../support/requests.ts';
import { REPOSITORY } from '../support/saved.ts';
import { DAY, HOUR } from '../support/times.ts';

const OTHER_REPOSITORY_ID = '99';
/** The id of a completed run. It has the length of GitHub's ids. */
const ENDED = 17_000_000_001;
/** The id of a run that GitHub does not show, unless a test adds it. */
const SECOND = ENDED + 1;

const emulator = useEmulator();
const itWaits = useConcurrentTests();
beforeEach(() => addEndedRun(emulator));

const addEndedRun = ({ github }: Emulator, id = ENDED) => github.addRun(REPOSITORY, { id, status: 'completed' });

/** Runs `sweep/`, by default with `dry_run: false`, and checks that its output shows no secret. */
async function sweep(emulator: Emulator, inputs: Record<string, string> = {}, step: Step = {}): Promise<Executed> {
  const run = await runAction(emulator, {
    ...step,
    action: 'sweep',
    inputs: { github_token: emulator.github.token, dry_run: 'false', ...inputs },
  });
  for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
  expect(run.stderr).toBe('');
  return run;
}

/**
 * Adds a client of a job to the emulator. The job was of the run ENDED, unless `marker` names another one.
 * @returns its id
 */
function seedJobClient(
  emulator: Emulator,
  marker: Partial<OwnershipMarker> = {},
  ageMs = 2 * HOUR,
  fields: Parameters<Emulator['seed']>[0] = {},
): string {
  const line = markerLine({ lifetime: marker.lifetime ?? 'job' }, { run: `${ENDED}.1`, ...marker });
  const client = { name: 'Created by a job', description: `Ours.\n${line}`, ...fields };
  return emulator.seed(client, { ageMs }).client.client_id;
}

/** Adds a client older than any run, and two clients of two different completed runs. @returns their ids, the oldest first */
function seedThree(emulator: Emulator): [old: string, first: string, second: string] {
  addEndedRun(emulator);
  addEndedRun(emulator, SECOND);
  return [
    seedJobClient(emulator, { run: '1.1' }, 40 * DAY),
    seedJobClient(emulator, { run: `${SECOND}.1` }, 3 * HOUR),
    seedJobClient(emulator),
  ];
}

/** Returns the ids of the runs that the action read, in order. */
const readRuns = (emulator: Emulator) => sentTo(emulator, 'getRun').map(({ path }) => path.split('/').at(-1));
/** Returns whether a request is about the run or the client with this id. */
const isForId =
  (id: string | number) =>
  ({ path }: { path: string }) =>
    path.endsWith(`/${id}`);

/** Checks the exit code, the ids in the output `deleted`, and the clients that remain. */
function expectSwept(
  emulator: Emulator,
  run: Executed,
  expected: { exitCode?: number; deleted: string[]; remaining: string[] },
): void {
  expect({
    exitCode: run.exitCode,
    outputs: run.outputs,
    remaining: clientIds(emulator),
  }).toEqual({
    exitCode: expected.exitCode ?? 0,
    outputs: { deleted: expected.deleted.join(' ') },
    remaining: expected.remaining,
  });
}

/** Returns the rows of the summary's table without its header. */
function rowsOf({ summary }: Executed) {
  const rows = [...summary.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) => row);
  return rows.slice(1).map((row) => {
    const cells = [...row.matchAll(/<td><code>(.*?)<\/code><\/td>/gs)].map(([, text = '']) => text);
    const [client, name, run, action, reason] = cells;
    return { client, name, run, action, reason };
  });
}

describe('whose clients sweep/ deletes', () => {
  it.each<[what: string, marker: Partial<OwnershipMarker>]>([
    ['a job of this repository created for this repository', {}],
    ['a job of this repository created for another one', { repo: OTHER_REPOSITORY_ID }],
  ])('sweeps a client that %s', async (_, marker) => {
    const id = seedJobClient(emulator, marker, 40 * DAY);
    const run = await sweep(emulator);
    expectSwept(emulator, run, { deleted: [id], remaining: [] });
    expect(run.annotations).toEqual([]);
    expect(rowsOf(run)).toHaveLength(1);
  });

  const marker = (changes: Partial<OwnershipMarker> = {}) =>
    markerLine({ lifetime: changes.lifetime ?? 'job' }, changes);
  it.each([
    ['another repository’s workflow created for this one', marker({ by: OTHER_REPOSITORY_ID })],
    ['is persistent', marker({ lifetime: 'persistent' })],
    ['was created manually', 'Created manually.'],
    ['has two ownership markers', `${marker()}\n${marker()}`],
    ['has an ownership marker of another version', marker().replace('client v1', 'client v2')],
  ])('does not sweep a client that %s', async (_, description) => {
    const custom_claims = [{ key: 'github_repository_id', value: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID }];
    const id = seedJobClient(emulator, {}, 40 * DAY, {
      name: `GitHub Actions: ${REPOSITORY}`,
      description,
      custom_claims,
    });
    const run = await sweep(emulator);
    expectSwept(emulator, run, { deleted: [], remaining: [id] });
    expect(rowsOf(run)).toEqual([]);
  });

  it('sweeps by the name of the repository if the runner does not know its id', async () => {
    const env = { GITHUB_REPOSITORY_ID: undefined };
    const { outputs } = await runAction(emulator, { env, inputs: { lifetime: 'job' } });
    const other = seedJobClient(emulator, {}, 40 * DAY);
    addEndedRun(emulator, Number(RUNNER_VARIABLES.GITHUB_RUN_ID));
    const later = { ...env, GITHUB_RUN_ID: '1', GITHUB_REPOSITORY: REPOSITORY.toUpperCase() };
    const run = await sweep(emulator, {}, { env: later });
    expectSwept(emulator, run, { deleted: [outputs.client_id ?? ''], remaining: [other] });
  });

  it('sweeps the client of a job whose post step never ran, once a later run sees that its run has ended', async () => {
    const { outputs } = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const { client_id: client = '' } = outputs;
    const sameRun = await sweep(emulator);
    expect(rowsOf(sameRun)).toMatchObject([{ client, action: 'not deleted', reason: 'this run created it' }]);
    expect(readRuns(emulator)).toEqual([]);
    const later = { env: { GITHUB_RUN_ID: '18000000000' } };
    const before = await sweep(emulator, {}, later);
    expect(rowsOf(before)).toMatchObject([{ action: 'not deleted', reason: 'its run is in_progress in attempt 1' }]);
    addEndedRun(emulator, Number(RUNNER_VARIABLES.GITHUB_RUN_ID));
    expectSwept(emulator, await sweep(emulator, {}, later), { deleted: [client], remaining: [] });
  });

  it('sweeps the clients of ended runs, and shows for each client what was done and why', async () => {
    const running = ENDED + 2;
    emulator.github.addRun(REPOSITORY, { id: running, status: 'in_progress', attempt: 2 });
    const cases = [
      { ageMs: 35.1 * DAY, run: '1.1', reason: 'it is older than 35 days, and no run lasts longer', isSwept: true },
      {
        ageMs: 34.9 * DAY,
        run: `${SECOND}.1`,
        reason: 'GitHub does not show its run, so the run may not have ended',
        isSwept: false,
      },
      { ageMs: 4 * HOUR, run: `${ENDED}.1`, reason: 'its run is completed', isSwept: true },
      { ageMs: 3 * HOUR, run: `${running}.1`, reason: 'its run is in attempt 2 now', isSwept: true },
      { ageMs: 2 * HOUR, run: `${running}.2`, reason: 'its run is in_progress in attempt 2', isSwept: false },
    ].map((one) => ({ ...one, client: seedJobClient(emulator, { run: one.run }, one.ageMs) }));
    const run = await sweep(emulator);
    expect(run.annotations).toEqual([]);
    expectSwept(emulator, run, {
      deleted: cases.filter(({ isSwept }) => isSwept).map(({ client }) => client),
      remaining: cases.filter(({ isSwept }) => !isSwept).map(({ client }) => client),
    });
    const name = 'Created by a job';
    const action = (isSwept: boolean) => (isSwept ? 'deleted' : 'not deleted');
    expect(rowsOf(run)).toEqual(
      cases.map(({ client, run, reason, isSwept }) => ({ client, name, run, action: action(isSwept), reason })),
    );
    for (const { client, run: id, reason, isSwept } of cases)
      expect(run.log).toContain(`Client ${client} "${name}" of run ${id}: ${action(isSwept)}, because ${reason}.`);
    // A client older than 35 days needs no request, and each run is read once.
    expect(readRuns(emulator)).toEqual([`${SECOND}`, `${ENDED}`, `${running}`]);
  });

  it('does not sweep a client that was created more than an hour after its run ended, and names it in a warning', async () => {
    const id = seedJobClient(emulator, {}, 2 * HOUR);
    const times = [5, 4].map((hours) => new Date(Date.now() - hours * HOUR).toISOString());
    const edit = (run: object) => ({ ...run, created_at: times[0], updated_at: times[1] });
    emulator.faults.add({ operation: 'getRun', fault: { kind: 'edit', edit } });
    const run = await sweep(emulator);
    expectSwept(emulator, run, { deleted: [], remaining: [id] });
    expect(warnings(run)).toEqual([
      expect.stringMatching(`^Client ${id} is not deleted: it was created after its run ended, so it is a copy\\.`),
    ]);
  });

  it('sweeps a client of an earlier attempt of its own run, and no client of its own attempt', async () => {
    const { GITHUB_RUN_ID } = RUNNER_VARIABLES;
    emulator.github.addRun(REPOSITORY, { id: Number(GITHUB_RUN_ID), attempt: 2 });
    const first = seedJobClient(emulator, { run: `${GITHUB_RUN_ID}.1` });
    const second = seedJobClient(emulator, { run: `${GITHUB_RUN_ID}.2` });
    const run = await sweep(emulator, {}, { env: { GITHUB_RUN_ATTEMPT: '2' } });
    expectSwept(emulator, run, { deleted: [first], remaining: [second] });
  });
});

describe('how much sweep/ deletes', () => {
  it('shows what sweep/ would delete and changes nothing if dry_run is not given', async () => {
    const [ended, unknown] = [seedJobClient(emulator), seedJobClient(emulator, { run: `${SECOND}.1` })];
    const run = await sweep(emulator, { dry_run: '' });
    expectSwept(emulator, run, { deleted: [], remaining: [ended, unknown] });
    expect(run.annotations).toEqual([]);
    expect(rowsOf(run)).toMatchObject([
      { client: ended, action: 'would be deleted' },
      { client: unknown, action: 'not deleted' },
    ]);
    expect(run.log).toContain(': 2, dry run, 1 would be deleted.');
    const changing = emulator.requests.filter(({ method }) => method !== 'GET').map(({ operation }) => operation);
    expect(changing).toEqual(['token']);
  });

  it('sweeps at most 20 clients by default, the oldest first, from whatever page of the list', async () => {
    emulator.behaviour.listOrder = 'random';
    for (let count = 0; count < 110; count++) emulator.seed({ name: `client ${count}` });
    const clients = Array.from({ length: 23 }, (_, at) => seedJobClient(emulator, {}, (at + 1) * HOUR)).reverse();
    const run = await sweep(emulator);
    expect(run).toMatchObject({
      exitCode: 0,
      annotations: [],
      outputs: { deleted: clients.slice(0, 20).join(' ') },
    });
    expect(clientIds(emulator)).toHaveLength(110 + 3);
    const kept = { action: 'not deleted', reason: 'the limit max_deletions: 20 was reached' };
    expect(rowsOf(run)).toMatchObject(
      clients.map((client, at) => ({ client, ...(at < 20 ? { action: 'deleted' } : kept) })),
    );
  });

  it('reads no more runs once max_deletions is reached, in a dry run as well', async () => {
    for (let count = 0; count < 4; count++) {
      emulator.github.addRun(REPOSITORY, { id: ENDED + count, status: count === 1 ? 'in_progress' : 'completed' });
      seedJobClient(emulator, { run: `${ENDED + count}.1` }, (9 - count) * HOUR);
    }
    for (const dry_run of ['true', 'false']) {
      const run = await sweep(emulator, { max_deletions: '2', dry_run });
      expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    }
    expect(readRuns(emulator)).toEqual([0, 1, 2, 0, 1, 2].map((count) => String(ENDED + count)));
    expect(clientIds(emulator)).toHaveLength(2);
  });

  it('names a client that sweep/ cannot delete, and does not count it among max_deletions', async () => {
    const [stuck = '', next = '', last = ''] = [3, 2, 1].map((hours) => seedJobClient(emulator, {}, hours * HOUR));
    emulator.faults.add({
      operation: 'deleteClient',
      where: isForId(stuck),
      fault: { kind: 'status', status: 403 },
    });
    const run = await sweep(emulator, { max_deletions: '1' });
    expectSwept(emulator, run, { exitCode: 1, deleted: [next], remaining: [stuck, last] });
    expect(errors(run)).toEqual([
      expect.stringMatching(`^Client ${stuck} is left over: .*HTTP 403.*DELETE ${emulator.url}/.*/clients/${stuck}$`),
    ]);
    expect(rowsOf(run)[0]?.action).toBe('not deleted');
  });

  it('lists as many clients of a sweep in the summary as GitHub accepts, and all in the log', async () => {
    for (let count = 0; count < 700; count++) seedJobClient(emulator, {}, 2 * HOUR, { name: '"'.repeat(128) });
    const run = await sweep(emulator, { dry_run: 'true', max_deletions: '1000' });
    const shown = rowsOf(run).length;
    expectSucceeded(run);
    expect(shown).toBeGreaterThan(400);
    expect(Buffer.byteLength(run.summary)).toBeLessThan(600_000);
    expect(run.summary).toContain(`The table leaves out ${700 - shown} clients. The log has all of them.`);
    expect(run.log.match(/would be deleted, because/g)).toHaveLength(700);
  });

  it('says that there is nothing to sweep, and sends GitHub no request', async () => {
    const run = await sweep(emulator);
    expectSwept(emulator, run, { deleted: [], remaining: [] });
    expect(run.annotations).toEqual([]);
    expect(readRuns(emulator)).toEqual([]);
    expect(run.log).toContain(`Clients of single jobs of ${REPOSITORY}: 0, 0 deleted.`);
  });

  it('shows the names of swept clients as plain text, in the log and in the table', async () => {
    const name = '<b>@octocat</b>\n::warning::x | ##[error]y';
    seedJobClient(emulator, {}, HOUR, { name });
    const run = await sweep(emulator, { dry_run: 'true' });
    expect(run.annotations).toEqual([]);
    expect(run.stdout).not.toMatch(/^::warning/m);
    expect(run.stdout).not.toContain('##[');
    expect(rowsOf(run)[0]?.name).toBe('&lt;b&gt;@octocat&lt;/b&gt; ::warning::x | ## [error]y');
  });
});

describe('clients that change during a sweep', () => {
  /** Changes what the server shows of the client if it is read by its id, from the first request for a run on. */
  function changeLater(id: string, description: string): void {
    let isChanged = false;
    emulator.hold = (when, { operation }) => {
      if (when !== 'after' || operation !== 'getRun' || isChanged) return;
      isChanged = true;
      const edit = ({ client }: { client: object }) => ({ client: { ...client, description } });
      emulator.faults.add({ operation: 'getClient', where: isForId(id), fault: { kind: 'edit', edit } });
    };
  }

  it.each<[what: string, change: (description: string) => string]>([
    ['became persistent', (description) => description.replace('lifetime:job', 'lifetime:persistent')],
    ['was created by a later run', (description) => description.replace(/run:\d+/, `run:${SECOND}`)],
    ['has no description any more', () => ''],
  ])('does not sweep a client that %s by the time it is read again', async (_, change) => {
    const [first, second] = [seedJobClient(emulator, {}, 3 * HOUR), seedJobClient(emulator)];
    changeLater(first, change(emulator.clients()[0]?.description ?? ''));
    const run = await sweep(emulator);
    expectSwept(emulator, run, { exitCode: 1, deleted: [second], remaining: [first] });
    expect(errors(run)).toEqual([`Client ${first} is not deleted: its description or its claims have changed.`]);
    expect(rowsOf(run)).toMatchObject([{ action: 'not deleted' }, { action: 'deleted' }]);
  });

  it('sweeps a client of which a user changed only the text above the ownership marker', async () => {
    const id = seedJobClient(emulator);
    const description = emulator.clients()[0]?.description ?? '';
    changeLater(id, description.replace('Ours.', 'Of the nightly run.'));
    expectSwept(emulator, await sweep(emulator), { deleted: [id], remaining: [] });
  });

  it('counts a client that another sweep deletes at the same time as already deleted', async () => {
    const id = seedJobClient(emulator);
    barrier(emulator, 'getClient', 2);
    const runs = await Promise.all([sweep(emulator), sweep(emulator)]);
    for (const run of runs) expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(runs.map(({ outputs }) => outputs.deleted).sort()).toEqual(['', id]);
    expect(runs.map((run) => rowsOf(run)[0]?.action).sort()).toEqual(['already deleted', 'deleted']);
  });
});

describe('failures during a sweep', () => {
  const undecided = { action: 'not deleted', reason: 'its run could not be read' };

  it('sweeps the old clients, keeps the others and asks for actions: read if github_token lacks it', async () => {
    const [old, first, second] = seedThree(emulator);
    const github_token = emulator.github.addToken({ integration: true, secrets: 'write' });
    const run = await sweep(emulator, { github_token });
    expectSwept(emulator, run, { exitCode: 1, deleted: [old], remaining: [first, second] });
    expect(errors(run)).toEqual([
      expect.stringMatching(/HTTP 403: Resource not accessible by integration\..*actions: read/),
    ]);
    expect(rowsOf(run)).toMatchObject([
      { action: 'deleted', reason: expect.stringContaining('35 days') },
      undecided,
      undecided,
    ]);
    // After one refusal, the action does not read other runs.
    expect(readRuns(emulator)).toEqual([`${SECOND}`]);
  });

  it.each<[what: string, fault: Fault]>([
    ['another run', { kind: 'body', body: '{"id":1,"run_attempt":9,"status":"completed"}' }],
    ['a redirect', { kind: 'redirect', location: 'https://elsewhere.example/' }],
    ['a 404 that is not GitHub’s', { kind: 'status', status: 404, body: '<html>no such host</html>' }],
  ])('keeps the clients of a run if the response about it is %s, and sweeps the others', async (_, fault) => {
    const [old, first, second] = seedThree(emulator);
    emulator.faults.add({ operation: 'getRun', where: isForId(SECOND), fault });
    const run = await sweep(emulator);
    expectSwept(emulator, run, { exitCode: 1, deleted: [old, second], remaining: [first] });
    expect(errors(run)).toEqual([
      expect.stringMatching(/^Could not read the workflow runs that clients were created for: /),
    ]);
    expect(rowsOf(run)[1]).toMatchObject(undecided);
  });

  itWaits(
    'keeps the clients of a run if GitHub responds with 500, and reads the run only for the first of them',
    async (emulator) => {
      const [old, first, second] = seedThree(emulator);
      const sameRun = seedJobClient(emulator, { run: `${SECOND}.1` });
      const fault: Fault = { kind: 'status', status: 500 };
      emulator.faults.add({ operation: 'getRun', where: isForId(SECOND), fault });
      const run = await sweep(emulator);
      expectSwept(emulator, run, { exitCode: 1, deleted: [old, second], remaining: [first, sameRun] });
      expect(errors(run)).toHaveLength(1);
      // The first client needs five attempts.
      expect(readRuns(emulator).filter((id) => id === `${SECOND}`)).toHaveLength(5);
    },
  );

  itWaits('sweeps the old clients within its timeout if GitHub never responds', async (emulator) => {
    const [old, first, second] = seedThree(emulator);
    emulator.faults.add({ operation: 'getRun', fault: { kind: 'hang' } });
    const run = await sweep(emulator, { timeout: '5' });
    expectSwept(emulator, run, { exitCode: 1, deleted: [old], remaining: [first, second] });
  });

  itWaits('waits for a rate limit of GitHub that ends within the timeout of sweep/', async (emulator) => {
    seedThree(emulator);
    emulator.github.rateLimit = { requests: 1, windowMs: 900, kind: 'secondary', status: 429 };
    const run = await sweep(emulator);
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(clientIds(emulator)).toEqual([]);
  });

  it('keeps the clients whose runs cannot be read because the rate limit of GitHub is reached', async () => {
    const [old, first, second] = seedThree(emulator);
    const last = seedJobClient(emulator, { run: `${ENDED + 2}.1` });
    emulator.github.rateLimit = { requests: 1, windowMs: HOUR, kind: 'secondary', status: 429 };
    const run = await sweep(emulator);
    expectSwept(emulator, run, { exitCode: 1, deleted: [old, first], remaining: [second, last] });
    expect(errors(run)).toEqual([expect.stringContaining('The rate limit of github_token is reached')]);
    // After the refusal of the second run, the action does not read the third one.
    expect(readRuns(emulator)).toEqual([`${SECOND}`, `${ENDED}`]);
  });

  itWaits('reads the first run of a sweep again after a 401, because github_token may be new', async (emulator) => {
    addEndedRun(emulator);
    const first = seedJobClient(emulator, {}, 3 * HOUR);
    const second = seedJobClient(emulator, { run: `${SECOND}.1` });
    const fault = { kind: 'status', status: 401, body: { message: 'Bad credentials' } } as const;
    emulator.faults.add({ operation: 'getRun', call: 1, times: 2, fault });
    expectSwept(emulator, await sweep(emulator), { deleted: [first], remaining: [second] });
    expect(readRuns(emulator)).toEqual([`${ENDED}`, `${ENDED}`, `${ENDED}`, `${SECOND}`]);
  });

  itWaits('reads no other run if GitHub refuses github_token for five seconds', async (emulator) => {
    const [old, first, second] = seedThree(emulator);
    const fault = { kind: 'status', status: 401, body: { message: 'Bad credentials' } } as const;
    emulator.faults.add({ operation: 'getRun', fault });
    const run = await sweep(emulator);
    expectSwept(emulator, run, { exitCode: 1, deleted: [old], remaining: [first, second] });
    expect(errors(run)).toEqual([
      expect.stringMatching(/HTTP 401: Bad credentials\. github_token is wrong, has expired/),
    ]);
    expect(readRuns(emulator)).toEqual(Array(5).fill(`${SECOND}`));
  });

  it.each<[Operation, Fault]>([
    ['getRun', { kind: 'status', status: 502 }],
    ['deleteClient', { kind: 'reset' }],
  ])('repeats a %s of sweep/ that got no usable response', async (operation, fault) => {
    const id = seedJobClient(emulator);
    emulator.faults.add({ operation, call: 1, when: 'after', fault });
    const run = await sweep(emulator);
    expectSwept(emulator, run, { deleted: [id], remaining: [] });
    expect(run.annotations).toEqual([]);
    expect(rowsOf(run)[0]?.action).toBe('deleted');
  });

  it('warns of a client that sweep/ cannot parse, keeps it and sweeps the others', async () => {
    const [odd, fine] = [seedJobClient(emulator, {}, 3 * HOUR), seedJobClient(emulator)];
    const spoil = (client: { client_id: string }) =>
      client.client_id === odd ? { ...client, scopes: 'not a list' } : client;
    const fault: Fault = { kind: 'edit', edit: ({ clients }) => ({ clients: clients.map(spoil) }) };
    emulator.faults.add({ operation: 'listClients', fault });
    const run = await sweep(emulator);
    expectSwept(emulator, run, { deleted: [fine], remaining: [odd] });
    expect(warnings(run)).toEqual([expect.stringContaining(`Client ${odd} is not deleted: `)]);
  });

  it('fails and deletes nothing if sweep/ may not list the clients', async () => {
    seedJobClient(emulator);
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'status', status: 403 } });
    const run = await sweep(emulator);
    expectFailed(run);
    expect(errors(run)).toHaveLength(1);
    expect(clientIds(emulator)).toHaveLength(1);
  });

  it('fails and sends nothing more if a sweep is cancelled, and shows what it deleted', async () => {
    const [first, second] = [seedJobClient(emulator, {}, 3 * HOUR), seedJobClient(emulator)];
    const run = await sweep(emulator, {}, interruptedAt(emulator, 'deleteClient'));
    expectSwept(emulator, run, { exitCode: 1, deleted: [first], remaining: [second] });
    expect(errors(run)).toEqual([expect.stringMatching(/^The run was cancelled\./)]);
  });

  it('names all bad inputs of sweep/ in one error, and sends nothing', async () => {
    const secret = ['not', 'so', 'secret'].join('-');
    const bad = {
      scalekit_environment_url: 'ftp://acme.example',
      scalekit_client_id: 'm2morg_123',
      organization_id: 'acme',
      github_token: '',
      dry_run: 'no',
      max_deletions: '0',
      timeout: '3601',
    };
    const run = await sweep(emulator, { ...bad, scalekit_client_secret: secret });
    expectFailed(run);
    expect(emulator.requests).toEqual([]);
    expect(run.annotations).toHaveLength(1);
    const named = [...(errors(run)[0] ?? '').matchAll(/^- (\w+): /gm)].map(([, input]) => input);
    expect(new Set(named)).toEqual(new Set(Object.keys(bad)));
    expect(readable(run)).not.toContain(secret);
  });
});
