import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { credentialsWork, errors, type Inputs, runAction, seedEarlier, warnings } from '../support/action.ts';
import { clientIds, secretIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { barrier } from '../support/requests.ts';
import { HOUR } from '../support/times.ts';

// Tests of runs at the same time for the same identity. docs/design.md, promise 3.

type ListOrder = Emulator['behaviour']['listOrder'];

const emulator = useEmulator();

/** Starts runs at the same time. */
const start = (count: number, inputs: Inputs): Promise<Executed[]> =>
  Promise.all(
    Array.from({ length: count }, (_, at) => runAction(emulator, { inputs, env: { GITHUB_RUN_ID: `${1000 + at}` } })),
  );

/** Starts runs that have all read the same clients before one of them changes something. */
async function race(count: number, inputs: Inputs): Promise<Executed[]> {
  barrier(emulator, 'listClients', count);
  const runs = await start(count, inputs);
  emulator.hold = undefined;
  return runs;
}

const resultsOf = (runs: Executed[]) => runs.map(({ outputs }) => outputs.result).sort();

/**
 * Checks that one client exists, that it has exactly the published secrets, that all published credentials work, and that
 * the post steps change nothing.
 * @returns the runs that succeeded
 */
async function expectOneClient(runs: Executed[]): Promise<Executed[]> {
  const successes = runs.filter(({ exitCode }) => exitCode === 0);
  const published = successes.filter(({ outputs }) => outputs.secret);
  expect(clientIds(emulator)).toHaveLength(1);
  for (const { outputs } of successes) expect(outputs.client_id).toBe(clientIds(emulator)[0]);
  for (const { outputs } of published) expect(await credentialsWork(emulator, outputs)).toBe(true);
  expect(secretIds(emulator).sort()).toEqual(published.map(({ outputs }) => outputs.secret_id).sort());
  for (const run of runs.filter(({ exitCode }) => exitCode !== 0)) {
    expectFailed(run);
    expect(errors(run)).toEqual([expect.not.stringMatching(/left over|DELETE/)]);
  }
  for (const run of runs) expect(await run.post()).toMatchObject({ annotations: [] });
  expect(clientIds(emulator)).toHaveLength(1);
  return successes;
}

/** Makes the token of the credentials `isOf` unusable, so that their verification fails once `released`. */
function spoilToken(isOf: (credentials: Inputs) => boolean, released: Promise<void>): void {
  const where = ({ body }: { body: unknown }) => isOf(body as Inputs);
  const edit = (response: object) => ({ ...response, access_token: 'short' });
  emulator.faults.add({ operation: 'token', where, when: 'after', fault: { kind: 'edit', edit } });
  const { hold } = emulator;
  emulator.hold = async (when, request) => {
    if (when === 'before' && request.operation === 'token' && where(request)) await released;
    await hold?.(when, request);
  };
}

describe('runs at the same time, if no client exists', () => {
  it.each<{ on_existing: string; listOrder: ListOrder; results: string[] }>([
    { on_existing: 'rotate', listOrder: 'random', results: ['created', 'rotated'] },
    { on_existing: 'replace', listOrder: 'newest', results: ['created', 'rotated'] },
    { on_existing: 'reuse', listOrder: 'newest', results: ['created', 'reused'] },
    { on_existing: 'fail', listOrder: 'random', results: ['created'] },
  ])('ends with one client if two runs create it at the same time with on_existing: $on_existing', async (row) => {
    emulator.behaviour.listOrder = row.listOrder;
    const runs = await race(2, { on_existing: row.on_existing });
    expect(resultsOf(await expectOneClient(runs))).toEqual(row.results);
    for (const run of runs.filter(({ exitCode }) => exitCode !== 0))
      expect(errors(run)[0]).toMatch(/^Client m2morg_\d+ .* exists already/);
  });

  it('ends with one client if six runs create it at the same time, and one fails because of the cap on secrets', async () => {
    emulator.behaviour.listOrder = 'random';
    const runs = await race(6, {});
    const successes = await expectOneClient(runs);
    expect(resultsOf(successes)).toEqual(['created', ...Array(4).fill('rotated')]);
    const [failed] = runs.filter(({ exitCode }) => exitCode !== 0);
    expect(failed && errors(failed)[0]).toMatch(
      /only 5 secrets are allowed.*limited, usually to five\. Run this step again\. Let one run at a time/,
    );
  });

  it.each<[what: string, (time: string) => string | undefined]>([
    ['omits its creation time', () => undefined],
    ['shows its creation time without fractions of a second', (time) => `${time.slice(0, 19)}Z`],
  ])('ends with one client after two runs if the response to the create request %s', async (_, change) => {
    const edit = (response: { client: { create_time: string } }) => ({
      ...response,
      client: { ...response.client, create_time: change(response.client.create_time) },
    });
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    expect(await expectOneClient(await race(2, {}))).toHaveLength(2);
  });

  it('names the client that the slower run could not delete, and its post step tries again', async () => {
    const body = { code: 7, message: 'permission denied' };
    emulator.faults.add({ operation: 'deleteClient', call: 1, fault: { kind: 'status', status: 403, body } });
    const runs = await race(2, {});
    expect(resultsOf(runs)).toEqual(['created', 'rotated']);
    const [used] = runs.map(({ outputs }) => outputs.client_id);
    const [leftOver, ...others] = clientIds(emulator).filter((id) => id !== used);
    expect(others).toEqual([]);
    const slower = runs.find(({ outputs }) => outputs.result === 'rotated');
    expect(slower && warnings(slower)).toEqual([
      expect.stringMatching(`^A client of this step may be left over: .* DELETE .*/clients/${leftOver}$`),
    ]);
    for (const run of runs) expect(await run.post()).toMatchObject({ annotations: [] });
    expect(clientIds(emulator)).toEqual([used]);
  });

  it('creates a client for each of three jobs at the same time', async () => {
    const runs = await start(3, { lifetime: 'job' });
    expect(resultsOf(runs)).toEqual(['created', 'created', 'created']);
    expect(runs.map(({ outputs }) => outputs.client_id).sort()).toEqual(clientIds(emulator).sort());
    for (const run of runs) await run.post();
    expect(emulator.clients()).toEqual([]);
  });
});

describe('two runs at the same time, if a client exists', () => {
  const seedOld = () => seedEarlier(emulator, {}, { ageMs: 5 * HOUR, secrets: 2 }).client.client_id;

  it('rotates the client in two runs at the same time, and neither retires the new secret of the other', async () => {
    const client = seedOld();
    const runs = await race(2, { keep_secrets: '1' });
    expect(resultsOf(await expectOneClient(runs))).toEqual(['rotated', 'rotated']);
    expect(clientIds(emulator)).toEqual([client]);
  });

  it('replaces the client once if two runs replace it at the same time', async () => {
    const client = seedOld();
    const successes = await expectOneClient(await race(2, { on_existing: 'replace' }));
    expect(resultsOf(successes)).toEqual(['replaced', 'rotated']);
    expect(clientIds(emulator)).not.toContain(client);
  });

  it('replaces the client once if two runs know its id and search for no other', async () => {
    const client = seedOld();
    barrier(emulator, 'getClient', 2);
    await expectOneClient(await start(2, { on_existing: 'replace', client_id: client }));
    expect(clientIds(emulator)).not.toContain(client);
  });

  it('replaces the client although the run that created the new one fails after another run has used it', async () => {
    const client = seedOld();
    const used = Promise.withResolvers<void>();
    barrier(emulator, 'listClients', 2);
    spoilToken(({ client_secret }) => {
      const [, first = ''] = clientIds(emulator);
      return client_secret === emulator.secrets(first)[0];
    }, used.promise);
    const { hold } = emulator;
    emulator.hold = async (when, request) => {
      if (when === 'after' && request.operation === 'addSecret') used.resolve();
      await hold?.(when, request);
    };
    const runs = await start(2, { on_existing: 'replace' });
    const [success, ...others] = runs.filter(({ exitCode }) => exitCode === 0);
    expect(others).toEqual([]);
    expect(clientIds(emulator)).toEqual([success?.outputs.client_id]);
    expect(clientIds(emulator)).not.toContain(client);
    expect(await credentialsWork(emulator, success?.outputs ?? {})).toBe(true);
  });

  it('does not mistake a client to replace, created moments ago, for that of a concurrent run', async () => {
    const { outputs } = await runAction(emulator);
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'delay', ms: 1500 } });
    const inputs = { on_existing: 'replace', client_id: outputs.client_id ?? '' };
    const run = await runAction(emulator, { inputs });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(clientIds(emulator)).toEqual([run.outputs.client_id]);
  });
});

it('keeps the client that it created and deletes only its secret if verification fails after another run used it', async () => {
  const released = Promise.withResolvers<void>();
  let first: string | undefined;
  spoilToken(({ client_id, client_secret }) => {
    if (client_id?.startsWith('m2morg_')) first ??= client_secret;
    return client_secret === first;
  }, released.promise);
  const creating = runAction(emulator);
  while (clientIds(emulator).length === 0) await sleep(5);
  // A run that searches now finds the client and uses it.
  const other = await runAction(emulator, { env: { GITHUB_RUN_ID: '2' } });
  released.resolve();
  const failed = await creating;
  expectSucceeded(other);
  expectFailed(failed);
  expect(errors(failed)[0]).toMatch(/^Removed again: secret sks_\d+ of client m2morg_\d+ \(the client is not deleted/m);
  expect(secretIds(emulator)).toEqual([other.outputs.secret_id]);
  expect(await credentialsWork(emulator, other.outputs)).toBe(true);
  expect(await failed.post()).toMatchObject({ annotations: [] });
  expect(clientIds(emulator)).toHaveLength(1);
});

it('uses the oldest of several clients with its identity hash, and warns of the others', async () => {
  await runAction(emulator);
  const [oldest] = emulator.clients();
  const { name = '', description = '', custom_claims = [] } = oldest ?? {};
  const { client: second } = emulator.seed({ name, description, custom_claims });
  const run = await runAction(emulator);
  expect(run.outputs.client_id).toBe(oldest?.client_id);
  expect(warnings(run)).toEqual([expect.stringContaining(second.client_id)]);
});
