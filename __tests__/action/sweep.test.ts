import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, type Operation, startEmulator } from '../../emulator/index.ts';
import { type Executed, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import type { OwnershipMarker } from '../../src/client/marker.ts';
import {
  errors,
  interruptedAt,
  markerLine,
  readable,
  runAction,
  secretsOf,
  sentTo,
  warnings,
} from '../support/action.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const REPOSITORY = RUNNER_VARIABLES.GITHUB_REPOSITORY;
const OTHER_ID = '99';
/** The id of a completed run. It has the length of GitHub's ids. */
const OVER = 17_000_000_001;

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
  emulator.github.addRun(REPOSITORY, { id: OVER, status: 'completed' });
});
afterEach(() => emulator.close());

/** Runs `sweep/`, by default with `dry_run: false`, and checks that its output shows no secret. */
async function sweep(inputs: Record<string, string> = {}, step: Step = {}): Promise<Executed> {
  const run = await runAction(emulator, {
    ...step,
    action: 'sweep',
    inputs: { github_token: emulator.github.token, dry_run: 'false', ...inputs },
    env: { ...emulator.github.variables, ...step.env },
  });
  for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
  expect(run.stderr).toBe('');
  return run;
}

type Seed = Parameters<Emulator['seed']>;

/**
 * Adds the client of a job to the emulator. Its run is OVER, unless `marker` names another one.
 * @returns its id
 */
function put(marker: Partial<OwnershipMarker> = {}, ageMs = 2 * HOUR, fields: Partial<Seed[0]> = {}): string {
  const run = `${OVER}.1`;
  const description = `Ours.\n${markerLine({ lifetime: marker.lifetime ?? 'job' }, { run, ...marker })}`;
  return emulator.seed({ name: 'Made by a job', description, ...fields }, { ageMs }).client.client_id;
}

const ids = () => emulator.clients().map(({ client_id }) => client_id);
const asked = () => sentTo(emulator, 'getRun').map(({ path }) => path.split('/').at(-1));

/** Returns the rows of the summary's table without its head, each as a list of the cells' texts. */
function table({ summary }: Executed): string[][] {
  const rows = [...summary.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) => row);
  return rows.slice(1).map((row) => [...row.matchAll(/<td><code>(.*?)<\/code><\/td>/gs)].map(([, text = '']) => text));
}

describe('sweep/ goes by what a client says of itself: it', () => {
  const { GITHUB_REPOSITORY_ID: repositoryId = '' } = RUNNER_VARIABLES;
  it.each<[what: string, marker: Partial<OwnershipMarker>, swept: boolean]>([
    ['takes one that a job of this repository made for this repository', {}, true],
    ['takes one that a job of this repository made for another', { repo: OTHER_ID }, true],
    ['keeps one that another repository’s workflow made for this one', { by: OTHER_ID }, false],
    ['keeps one that another repository made for itself', { by: OTHER_ID, repo: OTHER_ID }, false],
    ['keeps a persistent one', { lifetime: 'persistent' }, false],
  ])('%s', async (_, marker, swept) => {
    const id = put(marker, 40 * DAY);
    const run = await sweep();
    expect([run.exitCode, run.annotations, run.outputs]).toEqual([0, [], { deleted: swept ? id : '' }]);
    expect([ids(), table(run).length]).toEqual(swept ? [[], 1] : [[id], 0]);
  });

  it.each([
    ['Made by hand.'],
    [`${markerLine({ lifetime: 'job' })}\n${markerLine({ lifetime: 'job' })}`],
    [markerLine({ lifetime: 'job' }).replace('client v1', 'client v2')],
  ])('keeps one without an ownership marker of ours: %j', async (description) => {
    const custom_claims = [{ key: 'github_repository_id', value: repositoryId }];
    emulator.seed({ name: `GitHub Actions: ${REPOSITORY}`, description, custom_claims }, { ageMs: 40 * DAY });
    const run = await sweep();
    expect([run.exitCode, run.outputs.deleted, ids().length, table(run)]).toEqual([0, '', 1, []]);
  });

  it('goes by the name if the runner does not know the id', async () => {
    const step = { env: { GITHUB_REPOSITORY_ID: undefined, ...emulator.github.variables } };
    const { outputs } = await runAction(emulator, { ...step, inputs: { lifetime: 'job' } });
    const other = put({}, 40 * DAY);
    emulator.github.addRun(REPOSITORY, { id: Number(RUNNER_VARIABLES.GITHUB_RUN_ID), status: 'completed' });
    const run = await sweep(
      {},
      { env: { ...step.env, GITHUB_RUN_ID: '1', GITHUB_REPOSITORY: REPOSITORY.toUpperCase() } },
    );
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([0, outputs.client_id, [other]]);
  });

  it('takes what the action made for a job that ended without a goodbye', async () => {
    const { outputs } = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const { outputs: persistent } = await runAction(emulator);
    const [sameRun, later] = [await sweep(), { env: { GITHUB_RUN_ID: '18000000000' } }];
    expect(table(sameRun)).toEqual([
      [outputs.client_id, expect.anything(), expect.anything(), 'not deleted', 'this run created it'],
    ]);
    expect(asked()).toEqual([]);
    const before = await sweep({}, later);
    expect(table(before)[0]).toEqual(expect.arrayContaining(['not deleted', 'its run is in_progress in attempt 1']));
    emulator.github.addRun(REPOSITORY, { id: Number(RUNNER_VARIABLES.GITHUB_RUN_ID), status: 'completed' });
    const after = await sweep({}, later);
    expect([after.exitCode, after.outputs.deleted, ids()]).toEqual([0, outputs.client_id, [persistent.client_id]]);
  });
});

describe('sweep/ takes a client', () => {
  type Run = Partial<Parameters<Emulator['github']['addRun']>[1]>;
  it.each<[attempt: number, ageMs: number, github: Run | 'unknown' | 'not asked', swept: boolean, why: string]>([
    [1, HOUR, { status: 'completed' }, true, 'its run is completed'],
    [1, HOUR, { status: 'completed', conclusion: 'cancelled' }, true, 'its run is completed'],
    [2, HOUR, { status: 'completed', attempt: 2 }, true, 'its run is completed'],
    [1, HOUR, { status: 'in_progress', attempt: 2 }, true, 'its run is in attempt 2 now'],
    [1, HOUR, { status: 'queued', attempt: 3 }, true, 'its run is in attempt 3 now'],
    [1, HOUR, { status: 'in_progress' }, false, 'its run is in_progress in attempt 1'],
    [1, HOUR, { status: 'queued' }, false, 'its run is queued in attempt 1'],
    [1, HOUR, { status: 'waiting' }, false, 'its run is waiting in attempt 1'],
    [1, HOUR, { status: 'pending' }, false, 'its run is pending in attempt 1'],
    [1, HOUR, { status: 'requested' }, false, 'its run is requested in attempt 1'],
    // A status from before the attempt began says nothing about the attempt.
    [2, HOUR, { status: 'completed', attempt: 1 }, false, 'its run is completed in attempt 1'],
    [1, HOUR, 'unknown', false, 'GitHub does not show its run, so the run may not have ended'],
    [1, 34.9 * DAY, 'unknown', false, 'GitHub does not show its run, so the run may not have ended'],
    [1, 34.9 * DAY, { status: 'in_progress' }, false, 'its run is in_progress in attempt 1'],
    [1, 35.1 * DAY, 'not asked', true, 'it is older than 35 days, and no run lasts longer'],
    [1, 400 * DAY, 'not asked', true, 'it is older than 35 days, and no run lasts longer'],
  ])('of attempt %i, %i ms old, of whose run GitHub says %j: %p', async (attempt, ageMs, github, swept, why) => {
    const id = OVER + 1;
    if (typeof github === 'object') emulator.github.addRun(REPOSITORY, { id, ...github });
    const client = put({ run: `${id}.${attempt}` }, ageMs);
    const run = await sweep();
    expect([run.exitCode, run.annotations, run.outputs.deleted]).toEqual([0, [], swept ? client : '']);
    expect(table(run)).toEqual([[client, 'Made by a job', `${id}.${attempt}`, swept ? 'deleted' : 'not deleted', why]]);
    expect([ids(), asked()]).toEqual([swept ? [] : [client], github === 'not asked' ? [] : [String(id)]]);
    expect(run.log).toContain(
      `Client ${client} "Made by a job" of run ${id}.${attempt}: ${swept ? 'deleted' : 'not deleted'}`,
    );
  });

  it('of an earlier attempt of the run that sweeps, and none of this one', async () => {
    const { GITHUB_RUN_ID } = RUNNER_VARIABLES;
    emulator.github.addRun(REPOSITORY, { id: Number(GITHUB_RUN_ID), attempt: 2 });
    const [first, second] = [put({ run: `${GITHUB_RUN_ID}.1` }), put({ run: `${GITHUB_RUN_ID}.2` })];
    const run = await sweep({}, { env: { GITHUB_RUN_ATTEMPT: '2' } });
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([0, first, [second]]);
  });

  it('by its creation time alone, which a list may omit', async () => {
    const [completed, unknown] = [put({}, 40 * DAY), put({ run: `${OVER + 1}.1` }, 40 * DAY)];
    emulator.faults.add({
      operation: 'listClients',
      fault: {
        kind: 'edit',
        edit: ({ clients }) => ({
          clients: clients.map((client: object) => ({ ...client, create_time: undefined })),
        }),
      },
    });
    const run = await sweep();
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([0, completed, [unknown]]);
  });
});

describe('sweep/ in order', () => {
  it('changes nothing unless dry_run is false, and shows what would go', async () => {
    const [going, staying] = [put(), put({ run: `${OVER + 1}.1` })];
    for (const dry_run of ['', 'true']) {
      const run = await sweep({ dry_run });
      expect([run.exitCode, run.annotations, run.outputs, ids()]).toEqual([0, [], { deleted: '' }, [going, staying]]);
      expect(table(run).map(([id, , , what]) => [id, what])).toEqual([
        [going, 'would be deleted'],
        [staying, 'not deleted'],
      ]);
      expect(run.log).toContain(': 2, dry run, 1 would be deleted.');
    }
    const changing = emulator.requests.filter(({ method }) => method !== 'GET').map(({ operation }) => operation);
    expect(changing).toEqual(['token', 'token']);
  });

  it('asks about each run once, however many clients are of it', async () => {
    for (let count = 0; count < 3; count++) {
      put();
      put({ run: `${OVER}.2` });
      put({ run: `${OVER + 1}.1` });
    }
    const run = await sweep();
    expect([run.exitCode, ids().length]).toEqual([0, 6]);
    expect(asked().sort()).toEqual([String(OVER), String(OVER + 1)]);
  });

  it.each([
    ['', 20],
    ['1', 1],
    ['22', 22],
    ['1000', 23],
  ])('takes at most max_deletions: %j, the oldest first, from whatever page', async (max_deletions, expected) => {
    emulator.behaviour.listOrder = 'random';
    for (let count = 0; count < 110; count++) emulator.seed({ name: `client ${count}` });
    const clients = Array.from({ length: 23 }, (_, at) => put({}, (at + 1) * HOUR)).reverse();
    const run = await sweep({ ...(max_deletions && { max_deletions }) });
    expect([run.exitCode, run.annotations]).toEqual([0, []]);
    expect(run.outputs.deleted).toBe(clients.slice(0, expected).join(' '));
    expect(ids()).toHaveLength(110 + 23 - expected);
    const most = max_deletions || '20';
    const kept = ['not deleted', `the limit max_deletions: ${most} was reached`];
    const rows = clients.map((id, at) => [id, ...(at < expected ? ['deleted', 'its run is completed'] : kept)]);
    expect(table(run).map(([id, , , fate, why]) => [id, fate, why])).toEqual(rows);
  });

  it('asks GitHub no more once max_deletions is reached', async () => {
    for (let count = 0; count < 4; count++) {
      emulator.github.addRun(REPOSITORY, { id: OVER + count, status: count === 1 ? 'in_progress' : 'completed' });
      put({ run: `${OVER + count}.1` }, (9 - count) * HOUR);
    }
    for (const dry_run of ['true', 'false']) {
      const run = await sweep({ max_deletions: '2', dry_run });
      expect([run.exitCode, run.annotations]).toEqual([0, []]);
    }
    expect(asked()).toEqual([0, 1, 2, 0, 1, 2].map((count) => String(OVER + count)));
    expect(ids()).toHaveLength(2);
  });

  it('is not kept from the rest by those that cannot be deleted', async () => {
    const [stuck, next, last] = [3, 2, 1].map((hours) => put({}, hours * HOUR));
    const where = ({ path }: { path: string }) => path.endsWith(`/${stuck}`);
    emulator.faults.add({ operation: 'deleteClient', where, fault: { kind: 'status', status: 403 } });
    const run = await sweep({ max_deletions: '1' });
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, next, [stuck, last]]);
  });

  it('shows no more in the summary than GitHub takes of it', async () => {
    for (let count = 0; count < 700; count++) put({}, 2 * HOUR, { name: '"'.repeat(128) });
    const run = await sweep({ dry_run: 'true', max_deletions: '1000' });
    const shown = table(run).length;
    expect(run.exitCode).toBe(0);
    expect(shown).toBeGreaterThan(400);
    expect(Buffer.byteLength(run.summary)).toBeLessThan(600_000);
    expect(run.summary).toContain(`The table leaves out ${700 - shown} clients. The log has all of them.`);
    expect(run.log.match(/would be deleted, because/g)).toHaveLength(700);
  });

  it('says if there is nothing to do, and asks GitHub nothing', async () => {
    const run = await sweep();
    expect([run.exitCode, run.annotations, run.outputs, asked()]).toEqual([0, [], { deleted: '' }, []]);
    expect(run.log).toContain(`Clients of single jobs of ${REPOSITORY}: 0, 0 deleted.`);
  });

  it('shows names for what they are, in the log and in the table', async () => {
    const name = '<b>@octocat</b>\n::warning::x | ##[error]y';
    put({}, HOUR, { name });
    const run = await sweep({ dry_run: 'true' });
    expect([run.annotations, run.stdout.match(/^::warning/m), run.stdout.includes('##[')]).toEqual([[], null, false]);
    expect(table(run)[0]?.[1]).toBe('&lt;b&gt;@octocat&lt;/b&gt; ::warning::x | ## [error]y');
  });
});

describe('sweep/ looks again just before it deletes', () => {
  const rewritten: [what: string, change: (description: string) => string][] = [
    ['made persistent', (description) => description.replace('lifetime:job', 'lifetime:persistent')],
    ['given to a later run', (description) => description.replace(/run:\d+/, `run:${OVER + 1}`)],
    ['taken over by another step', (description) => `${description}\n${markerLine({ lifetime: 'job' })}`],
    ['emptied of its description', () => ''],
  ];
  it.each(rewritten)('and keeps one that was %s since', async (_, change) => {
    const [first, second] = [put({}, 3 * HOUR), put()];
    let changed = false;
    const description = change(emulator.clients()[0]?.description ?? '');
    emulator.hold = (when, { operation }) => {
      if (when !== 'after' || operation !== 'getRun' || changed) return;
      changed = true;
      emulator.faults.add({
        operation: 'getClient',
        where: ({ path }) => path.endsWith(first),
        fault: { kind: 'edit', edit: ({ client }) => ({ client: { ...client, description } }) },
      });
    };
    const run = await sweep();
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, second, [first]]);
    expect(errors(run)).toEqual([`Client ${first} is not deleted: its description or its claims have changed.`]);
    expect(table(run).map(([, , , what]) => what)).toEqual(['not deleted', 'deleted']);
  });

  it('and keeps to what the list showed if only the text above the ownership marker was changed', async () => {
    const id = put();
    const edit = ({ client }: { client: { description: string } }) => ({
      client: { ...client, description: client.description.replace('Ours.', 'Of the nightly run.') },
    });
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit } });
    const run = await sweep();
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([0, id, []]);
  });
});

describe('sweep/, if something fails', () => {
  /** Adds a client older than any run, and two clients of two different completed runs. @returns their ids */
  const three = () => {
    emulator.github.addRun(REPOSITORY, { id: OVER + 1, status: 'completed' });
    return [put({ run: '1.1' }, 40 * DAY), put({ run: `${OVER + 1}.1` }, 3 * HOUR), put({}, 2 * HOUR)];
  };
  const undecided = 'its run could not be read';

  it('takes what is decided, keeps what is not, and asks for actions: read if the token has none', async () => {
    const [old, first, second] = three();
    const run = await sweep({ github_token: emulator.github.addToken({ integration: true, secrets: 'write' }) });
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, old, [first, second]]);
    expect(errors(run)).toEqual([
      expect.stringMatching(/HTTP 403: Resource not accessible by integration\..*actions: read/),
    ]);
    expect(table(run).map(([, , , what, why]) => [what, why])).toEqual([
      ['deleted', expect.stringContaining('35 days')],
      ['not deleted', undecided],
      ['not deleted', undecided],
    ]);
    // After one refusal, the action does not ask about other runs.
    expect(asked()).toEqual([String(OVER + 1)]);
  });

  it.each<[what: string, fault: Fault]>([
    ['500', { kind: 'status', status: 500 }],
    ['rubbish', { kind: 'body', body: '<html>' }],
    ['another run', { kind: 'body', body: '{"id":1,"run_attempt":9,"status":"completed"}' }],
    ['no attempt', { kind: 'body', body: `{"id":${OVER + 1},"status":"completed"}` }],
    ['a redirect', { kind: 'redirect', location: 'https://elsewhere.example/' }],
    ['another 404', { kind: 'status', status: 404, body: '<html>no such host</html>' }],
  ])('keeps the clients of a run about which GitHub answers %s, and goes on with the others', async (_, fault) => {
    const [old, first, second] = three();
    const where = ({ path }: { path: string }) => path.endsWith(`/${OVER + 1}`);
    emulator.faults.add({ operation: 'getRun', where, times: 5, fault });
    const run = await sweep();
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, `${old} ${second}`, [first]]);
    expect(errors(run)).toEqual([
      expect.stringMatching(/^Could not read the workflow runs that clients were created for: /),
    ]);
    expect(table(run)[1]?.slice(3)).toEqual(['not deleted', undecided]);
  });

  it('takes what is decided also if GitHub answers nothing until the time is over', async () => {
    const [old, first, second] = three();
    put({}, HOUR);
    emulator.faults.add({ operation: 'getRun', fault: { kind: 'hang' } });
    const run = await sweep({ timeout: '5' });
    expect([run.exitCode, run.outputs.deleted, ids().slice(0, 2)]).toEqual([1, old, [first, second]]);
  });

  it('asks once about a run, also if GitHub’s response says nothing', async () => {
    for (let count = 0; count < 3; count++) put();
    emulator.faults.add({ operation: 'getRun', fault: { kind: 'body', body: 'rubbish' } });
    const run = await sweep();
    // Such a response is repeated like a failure of the server, but only for the first client.
    expect([run.exitCode, errors(run).length, asked().length, ids().length]).toEqual([1, 1, 5, 3]);
  });

  it.each(['primary', 'secondary'] as const)('keeps what a rate limit (%s) leaves undecided', async (kind) => {
    const [old, first, second] = three();
    emulator.github.rateLimit = { requests: 1, windowMs: HOUR, kind };
    const run = await sweep();
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, `${old} ${first}`, [second]]);
    expect(errors(run)).toEqual([expect.stringContaining('The rate limit of github_token is reached')]);
  });

  it('waits for a rate limit that ends in time', async () => {
    three();
    emulator.github.rateLimit = { requests: 1, windowMs: 900, kind: 'secondary', status: 429 };
    const run = await sweep();
    expect([run.exitCode, run.annotations, ids()]).toEqual([0, [], []]);
  });

  it.each<[Operation, Fault]>([
    ['getRun', { kind: 'reset' }],
    ['getRun', { kind: 'status', status: 502 }],
    ['getClient', { kind: 'truncate' }],
    ['deleteClient', { kind: 'reset' }],
    ['deleteClient', { kind: 'status', status: 500 }],
  ])('does not fail because of a request without a usable response (%s: %j)', async (operation, fault) => {
    const id = put();
    emulator.faults.add({ operation, call: 1, when: 'after', fault });
    const run = await sweep();
    expect([run.exitCode, run.annotations, run.outputs.deleted, ids()]).toEqual([0, [], id, []]);
    expect(table(run)[0]?.[3]).toBe('deleted');
  });

  it('names a client that cannot be deleted, and goes on with the others', async () => {
    const [old, first, second] = three();
    const where = ({ path }: { path: string }) => path.endsWith(`/${first}`);
    emulator.faults.add({ operation: 'deleteClient', where, fault: { kind: 'status', status: 403 } });
    const run = await sweep();
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, `${old} ${second}`, [first]]);
    expect(errors(run)).toEqual([
      expect.stringMatching(`^Client ${first} is left over: .*HTTP 403.*DELETE ${emulator.url}/.*/clients/${first}$`),
    ]);
    expect(table(run)[1]?.[3]).toBe('not deleted');
  });

  it('keeps a client that cannot be parsed, says so, and goes on with the others', async () => {
    const [odd, fine] = [put({}, 3 * HOUR), put()];
    const spoil = (client: { client_id: string }) =>
      client.client_id === odd ? { ...client, scopes: 'not a list' } : client;
    const fault: Fault = { kind: 'edit', edit: ({ clients }) => ({ clients: clients.map(spoil) }) };
    emulator.faults.add({ operation: 'listClients', fault });
    const run = await sweep();
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([0, fine, [odd]]);
    expect(warnings(run)).toEqual([expect.stringContaining(`Client ${odd} is not deleted: `)]);
  });

  it('takes what somebody else deleted meanwhile for done', async () => {
    const id = put();
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    emulator.hold = async (when, { operation }) => {
      if (when !== 'after' || operation !== 'getClient' || arrived === 2) return;
      arrived += 1;
      if (arrived === 2) both.resolve();
      await both.promise;
    };
    const runs = await Promise.all([sweep(), sweep()]);
    expect(runs.map(({ exitCode, annotations }) => [exitCode, annotations])).toEqual(Array(2).fill([0, []]));
    expect(runs.map(({ outputs }) => outputs.deleted).sort()).toEqual(['', id]);
    expect(runs.map((run) => table(run)[0]?.[3]).sort()).toEqual(['already deleted', 'deleted']);
  });

  it.each<[Operation, Fault]>([
    ['token', { kind: 'status', status: 401 }],
    ['listClients', { kind: 'status', status: 403 }],
  ])('does nothing if it cannot see the clients (%s: %j)', async (operation, fault) => {
    put();
    emulator.faults.add({ operation, fault });
    const run = await sweep();
    expect([run.exitCode, run.outputs, errors(run).length, ids().length]).toEqual([1, {}, 1, 1]);
  });

  it('asks again about the first run if the token may be new, and about no run after that', async () => {
    const [first, second] = [put({}, 3 * HOUR), put({ run: `${OVER + 1}.1` })];
    const fault = { kind: 'status', status: 401, body: { message: 'Bad credentials' } } as const;
    emulator.faults.add({ operation: 'getRun', call: 1, times: 2, fault });
    const run = await sweep();
    expect(run).toMatchObject({ exitCode: 0, outputs: { deleted: first } });
    expect([ids(), asked()]).toEqual([[second], [`${OVER}`, `${OVER}`, `${OVER}`, `${OVER + 1}`]]);
    emulator.faults.add({ operation: 'getRun', fault });
    emulator.seed({ name: 'Another', description: `Ours.\n${markerLine({ lifetime: 'job' }, { run: `${OVER}.1` })}` });
    const refused = await sweep();
    expect(refused).toMatchObject({ exitCode: 1, outputs: { deleted: '' } });
    expect(errors(refused)).toEqual([
      expect.stringMatching(/HTTP 401: Bad credentials\. github_token is wrong, has expired/),
    ]);
    expect(asked()).toHaveLength(4 + 5);
  });

  it('is cancelled in between: it fails, says what remains, and sends nothing more', async () => {
    const [first, second] = [put({}, 3 * HOUR), put()];
    const run = await sweep({}, interruptedAt(emulator, 'deleteClient'));
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, first, [second]]);
    expect(errors(run)).toEqual([expect.stringMatching(/^The run was cancelled\./)]);
  });
});

describe('bad inputs of sweep/', () => {
  it('are all named in one error, and nothing is sent', async () => {
    const secret = ['not', 'so', 'secret'].join('-');
    const run = await sweep({
      scalekit_environment_url: 'ftp://acme.example',
      scalekit_client_id: 'm2morg_123',
      scalekit_client_secret: secret,
      organization_id: 'acme',
      github_token: '',
      dry_run: 'no',
      max_deletions: '0',
      timeout: '3601',
    });
    expect([run.exitCode, run.outputs, emulator.requests, run.annotations.length]).toEqual([1, {}, [], 1]);
    const [message = ''] = errors(run);
    const named = [...message.matchAll(/^- (\w+): /gm)].map(([, input]) => input);
    expect(new Set(named)).toEqual(
      new Set([
        'scalekit_environment_url',
        'scalekit_client_id',
        'organization_id',
        'github_token',
        'dry_run',
        'max_deletions',
        'timeout',
      ]),
    );
    expect(readable(run)).not.toContain(secret);
  });

  it.each(['0', '1001', '-1', '1.5', 'all', '20 20'])('include max_deletions: %j', async (max_deletions) => {
    const run = await sweep({ max_deletions });
    expect(errors(run)).toEqual([expect.stringMatching(/^Bad input: max_deletions: got .*from 1 to 1000$/)]);
  });
});
