import { describe, expect, it } from '@jest/globals';
import type { Operation } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { credentialsWork, errors, runAction, seedEarlier, warnings } from '../support/action.ts';
import { useEmulator } from '../support/setup.ts';

const emulator = useEmulator();

/** Holds back the first `count` responses of an operation until the server has all of them ready. */
function barrier(operation: Operation, count: number): void {
  let arrived = 0;
  const all = Promise.withResolvers<void>();
  emulator.hold = async (when, request) => {
    if (when !== 'after' || request.operation !== operation || arrived === count) return;
    arrived += 1;
    if (arrived === count) all.resolve();
    await all.promise;
  };
}

/** Starts concurrent runs that have all read the same clients before one of them changes something. */
async function race(count: number, inputs: Record<string, string>): Promise<Executed[]> {
  barrier('listClients', count);
  const runs = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      runAction(emulator, { inputs, env: { GITHUB_RUN_ID: `${1000 + at}`, RUNNER_DEBUG: undefined } }),
    ),
  );
  emulator.hold = undefined;
  return runs;
}

/** Checks that one client exists, with exactly the published secrets, and that all published credentials work. */
async function checkRace(runs: Executed[], old: string[] = []): Promise<Executed[]> {
  const [client, ...others] = emulator.clients();
  expect(others).toEqual([]);
  const successes = runs.filter(({ exitCode }) => exitCode === 0);
  const published = successes.filter(({ outputs }) => outputs.secret);
  for (const { outputs } of successes) expect(outputs.client_id).toBe(client?.client_id);
  for (const { outputs } of published) expect(await credentialsWork(emulator, outputs)).toBe(true);
  const ids = published.map(({ outputs }) => outputs.secret_id);
  expect(client?.secrets?.map(({ id }) => id).sort()).toEqual([...old, ...ids].sort());
  for (const run of runs.filter(({ exitCode }) => exitCode !== 0)) {
    expect([run.exitCode, run.outputs, errors(run).length]).toEqual([1, {}, 1]);
    expect(errors(run)[0]).not.toMatch(/left over|DELETE/);
  }
  for (const run of runs) expect((await run.post()).annotations).toEqual([]);
  expect(emulator.clients()).toHaveLength(1);
  return successes;
}

/** Holds the token request of the first new credentials until `released`, and then denies it. */
const denyFirst = (released: Promise<void>) => {
  let first: string | undefined;
  const isFirst = ({ body }: { body: unknown }) => {
    const { client_id, client_secret } = body as Record<string, string>;
    if (client_id?.startsWith('m2morg_')) first ??= client_secret;
    return client_secret === first;
  };
  const fault = { kind: 'status', status: 403, body: { error: 'access_denied' } } as const;
  emulator.faults.add({ operation: 'token', where: isFirst, when: 'after', fault });
  emulator.hold = async (when, request) => {
    if (when === 'before' && request.operation === 'token' && isFirst(request)) await released;
  };
};

const ORDERS = ['oldest', 'newest', 'random'] as const;

describe.each([2, 8])('%d runs for the same identity at once, when nothing is there', (count) => {
  // The emulator allows five secrets per client.
  const most = Math.min(count, 5);

  it.each([
    ['rotate', most],
    ['replace', most],
    ['reuse', count],
    ['fail', 1],
  ])('end with one client: %s', async (on_existing, successful) => {
    emulator.behaviour.listOrder = ORDERS[(count + successful) % ORDERS.length] ?? 'random';
    const runs = await race(count, { on_existing });
    const successes = await checkRace(runs);
    expect(successes).toHaveLength(successful);
    const results = successes.map(({ outputs }) => outputs.result).sort();
    const other = on_existing === 'reuse' ? 'reused' : 'rotated';
    expect(results).toEqual(['created', ...Array(successful - 1).fill(other)]);
    const failures = runs.filter(({ exitCode }) => exitCode !== 0);
    for (const run of failures)
      expect(errors(run)[0]).toMatch(
        on_existing === 'fail'
          ? /^Client m2morg_\d+ .* exists already/
          : /only 5 secrets are allowed.*limited, usually to five\. Run this step again\. Let one run at a time/,
      );
  });

  it.each<[string, (time: string) => string | undefined]>([
    ['leaves it out', () => undefined],
    ['cuts it', (time) => `${time.slice(0, 19)}Z`],
  ])(
    'agree on the first even if the response to a create says less of its time than a list: it %s',
    async (_, edit) => {
      const fault = {
        kind: 'edit' as const,
        edit: (answer: { client: { create_time: string } }) => ({
          ...answer,
          client: { ...answer.client, create_time: edit(answer.client.create_time) },
        }),
      };
      emulator.faults.add({ operation: 'createClient', fault });
      expect(await checkRace(await race(count, {}))).toHaveLength(most);
    },
  );

  it('make as many clients as there are jobs, if each wants its own', async () => {
    const runs = await Promise.all(
      Array.from({ length: count }, () => runAction(emulator, { inputs: { lifetime: 'job' } })),
    );
    expect(runs.map(({ exitCode }) => exitCode)).toEqual(Array(count).fill(0));
    expect(new Set(runs.map(({ outputs }) => outputs.client_id)).size).toBe(count);
    for (const run of runs) await run.post();
    expect(emulator.clients()).toEqual([]);
  });
});

describe('two runs at once, when a client is there', () => {
  const HOUR = 3_600_000;
  const seeded = () => seedEarlier(emulator, {}, { ageMs: 5 * HOUR, secrets: 2 }).client;

  it('rotate it both, and neither retires the other’s new secret', async () => {
    const client = seeded();
    const runs = await race(2, { keep_secrets: '1' });
    expect(runs.map(({ exitCode, outputs }) => [exitCode, outputs.result])).toEqual(Array(2).fill([0, 'rotated']));
    expect(emulator.clients()[0]?.client_id).toBe(client.client_id);
    await checkRace(runs);
  });

  it('replace it once', async () => {
    const client = seeded();
    const runs = await race(2, { on_existing: 'replace' });
    const successes = await checkRace(runs);
    expect(successes.map(({ outputs }) => outputs.result).sort()).toEqual(['replaced', 'rotated']);
    expect(emulator.clients()[0]?.client_id).not.toBe(client.client_id);
  });

  it('replace it, though the run that made the first new one fails once the other has taken that', async () => {
    const client = seeded();
    const taken = Promise.withResolvers<void>();
    const isFirst = ({ body }: { body: unknown }) => {
      const [, first] = emulator.clients();
      return (body as { client_secret?: string }).client_secret === emulator.secrets(first?.client_id ?? '')[0];
    };
    const fault = { kind: 'edit', edit: (answer: object) => ({ ...answer, access_token: 'short' }) } as const;
    emulator.faults.add({ operation: 'token', where: isFirst, when: 'after', fault });
    barrier('listClients', 2);
    const atBarrier = emulator.hold;
    emulator.hold = async (when, request) => {
      if (when === 'after' && request.operation === 'addSecret') taken.resolve();
      if (when === 'before' && request.operation === 'token' && isFirst(request)) await taken.promise;
      await atBarrier?.(when, request);
    };
    const runs = await Promise.all(
      ['1', '2'].map((id) => runAction(emulator, { inputs: { on_existing: 'replace' }, env: { GITHUB_RUN_ID: id } })),
    );
    const [success] = runs.filter(({ exitCode }) => exitCode === 0);
    expect(runs.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1]);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([success?.outputs.client_id]);
    expect(success?.outputs.client_id).not.toBe(client.client_id);
    expect(await credentialsWork(emulator, success?.outputs ?? {})).toBe(true);
  });

  it('do not mistake the client to replace for that of a concurrent run, however recently it was created', async () => {
    const { outputs } = await runAction(emulator);
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'delay', ms: 1500 } });
    const run = await runAction(emulator, {
      inputs: { on_existing: 'replace', client_id: outputs.client_id ?? '' },
    });
    expect([run.exitCode, run.outputs.result]).toEqual([0, 'replaced']);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([run.outputs.client_id]);
  });

  it('replace it once, if its id is known and neither searched', async () => {
    const client = seeded();
    barrier('getClient', 2);
    const runs = await Promise.all(
      ['1', '2'].map((id) =>
        runAction(emulator, {
          inputs: { on_existing: 'replace', client_id: client.client_id },
          env: { GITHUB_RUN_ID: id },
        }),
      ),
    );
    await checkRace(runs);
  });
});

describe('a run that made the first client, but whose verification fails', () => {
  it('keeps it once others use it, and deletes its own secret', async () => {
    const released = Promise.withResolvers<void>();
    denyFirst(released.promise);
    const winner = runAction(emulator);
    while (emulator.clients().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    // A run that searches now finds the client and uses it.
    const other = await runAction(emulator, { env: { GITHUB_RUN_ID: '2' } });
    released.resolve();
    const failed = await winner;
    expect([other.exitCode, failed.exitCode, failed.outputs]).toEqual([0, 1, {}]);
    expect(errors(failed)[0]).toMatch(
      /^Removed again: secret sks_\d+ of client m2morg_\d+ \(the client is not deleted/m,
    );
    const [client, ...more] = emulator.clients();
    expect([more, client?.secrets?.map(({ id }) => id)]).toEqual([[], [other.outputs.secret_id]]);
    expect(await credentialsWork(emulator, other.outputs)).toBe(true);
    expect((await failed.post()).annotations).toEqual([]);
    expect(emulator.clients()).toHaveLength(1);
  });

  it('removes it if no other run uses it', async () => {
    denyFirst(Promise.resolve());
    const run = await runAction(emulator);
    expect([run.exitCode, emulator.clients()]).toEqual([1, []]);
  });
});

it('a run that finds several clients of its identity uses the oldest, and says so', async () => {
  await runAction(emulator);
  const [made] = emulator.clients();
  const { name = '', description = '', custom_claims = [] } = made ?? {};
  const { client: second } = emulator.seed({ name, description, custom_claims });
  const run = await runAction(emulator);
  expect(run.outputs.client_id).toBe(made?.client_id);
  expect(warnings(run)).toEqual([expect.stringContaining(second.client_id)]);
});
