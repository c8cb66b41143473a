import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Emulator, Fault, Operation } from '../../emulator/index.ts';
import type { Executed, Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, markerLine, REPOSITORY_CLAIMS, runAction, warnings } from '../support/action.ts';
import { clientIds, clientUrl, secretIds } from '../support/clients.ts';
import { useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { interruptedAt, sentTo } from '../support/requests.ts';
import { expectNoSecrets } from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// Tests of a cancelled run. GitHub sends SIGINT, SIGTERM 7.5 seconds later, and kills the process after another 2.5.
// docs/design.md, promise 7.

/** A moment before or after the server carries out a request. */
type Moment = `${'before' | 'after'} ${'sign-in' | 'verification' | Operation}`;
type Scenario = 'create for a job' | 'create' | 'rotate' | 'replace';

interface Cancelled {
  emulator: Emulator;
  main: Executed;
  /** Number of requests that main sent after the signal. */
  sentSince: number;
  /** Milliseconds from the signal to the end of main. */
  milliseconds: number;
  /** The client that existed before the run. */
  old: ReturnType<Emulator['seed']> | undefined;
}

interface Circumstances {
  /** Whether the server does not respond after SIGINT either. */
  hangs?: boolean;
  /** A second signal, soon after the first. */
  second?: NodeJS.Signals;
  /** Number of secrets of the client that existed before the run. */
  oldSecrets?: number;
  fault?: Parameters<Emulator['faults']['add']>[0];
}

const emulator = useEmulator();
const itWaits = useConcurrentTests();

const isAt = (moment: Moment, when: string, { operation, text }: Emulator['requests'][number]) => {
  const isVerification = text.includes('client_id=m2morg_');
  return moment === `${when} ${operation === 'token' ? (isVerification ? 'verification' : 'sign-in') : operation}`;
};

function inputsOf(scenario: Scenario): Record<string, string> {
  const inputs: Record<string, string> = { scopes: 'a', keep_secrets: '1' };
  if (scenario === 'create for a job') inputs.lifetime = 'job';
  if (scenario === 'replace') inputs.on_existing = 'replace';
  return inputs;
}

/**
 * Runs main, and sends it a signal at a moment of a request. After SIGINT the server continues a little later, unless
 * it hangs. After the other signals it continues when main has ended, like a server that does not notice the end.
 */
async function cancel(
  emulator: Emulator,
  scenario: Scenario,
  signal: NodeJS.Signals,
  moment: Moment,
  { hangs = false, second, oldSecrets = 2, fault }: Circumstances = {},
): Promise<Cancelled> {
  const fields = { name: 'x', description: markerLine(), scopes: ['b'], custom_claims: REPOSITORY_CLAIMS };
  const secrets = Array.from({ length: oldSecrets }, (_, at) => ({ ageMs: DAY - at }));
  const old = scenario.startsWith('create') ? undefined : emulator.seed(fields, { ageMs: DAY, secrets });
  if (fault) emulator.faults.add(fault);
  let kill = (_: NodeJS.Signals) => {};
  let signalled = 0;
  let sent = 0;
  let held: Emulator['requests'][number] | undefined;
  const [ended, worked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  emulator.hold = async (when, request) => {
    if (when === 'after' && request === held) worked.resolve();
    if (signalled || !isAt(moment, when, request)) return;
    signalled = performance.now();
    held = request;
    kill(signal);
    // Wait until the signal and the requests that main sent at the same moment have arrived.
    if (signal === 'SIGINT') await sleep(150);
    if (second) kill(second);
    sent = emulator.requests.length;
    if (hangs || signal !== 'SIGINT') await ended.promise;
  };
  const main = await runAction(emulator, { inputs: inputsOf(scenario), onStart: (send) => (kill = send) });
  const [sentSince, milliseconds] = [emulator.requests.length - sent, performance.now() - signalled];
  ended.resolve();
  if (!signalled) throw new Error(`Main never came to the moment ${moment}: ${main.log}`);
  if (moment.startsWith('before')) await worked.promise;
  return { emulator, main, sentSince, milliseconds, old };
}

/** Waits until a condition holds, for at most ten seconds. */
async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo() && Date.now() < end; ) await sleep(10);
}

/** Returns the ids of the secrets that the client had before the run. */
const oldIds = ({ old }: Cancelled) => old?.client.secrets?.map(({ id }) => id) ?? [];

/** Checks that main failed because it was cancelled, and sent nothing after the signal. */
function expectCancelled({ main, sentSince }: Cancelled): void {
  expectFailed(main);
  expect(errors(main)).toEqual([expect.stringContaining('cancelled')]);
  expect(sentSince).toBe(0);
}

/** Checks that a signal ended main at once. */
function expectEndedAtOnce({ main, milliseconds }: Cancelled): void {
  const { exitCode, outputs } = main;
  expect({ exitCode, outputs }).toEqual({ exitCode: null, outputs: {} });
  expect(milliseconds).toBeLessThan(4000);
}

/** Runs the post step, and checks that it removed everything that the run created. */
async function expectCleanedUp(cancelled: Cancelled): Promise<void> {
  const { emulator, main, old } = cancelled;
  const post = await main.post();
  expect(post).toMatchObject({ exitCode: 0, annotations: [] });
  expect(clientIds(emulator)).toEqual(old ? [old.client.client_id] : []);
  expectNoSecrets(emulator, main, post);
  if (!old) return;
  expect(secretIds(emulator)).toEqual(oldIds(cancelled));
  await expectOldSecretWorks(cancelled);
}

/** Runs the post step, and checks that it keeps the secret whose id is unknown and names the call that deletes it. */
async function expectNamed(cancelled: Cancelled): Promise<void> {
  const { emulator, main, old } = cancelled;
  const [, , unknown = '', ...more] = secretIds(emulator);
  expect(unknown).toMatch(/^sks_/);
  expect(more).toEqual([]);
  const post = await main.post();
  expectSucceeded(post);
  const call = `DELETE ${clientUrl(emulator, old?.client.client_id ?? '', 'secrets', unknown)}`;
  expect(post.annotations).toEqual([{ kind: 'warning', message: expect.stringContaining(call) }]);
  expect(sentTo(emulator, 'deleteSecret')).toEqual([]);
  expectNoSecrets(emulator, main, post);
  await expectOldSecretWorks(cancelled);
}

/** Checks that the credentials are published, and that the post step does nothing. */
async function expectPublished({ emulator, main }: Cancelled): Promise<void> {
  const before = emulator.requests.length;
  expect(await main.post()).toMatchObject({ exitCode: 0, stdout: '' });
  expect(emulator.requests).toHaveLength(before);
  expect(main.outputs.result).toMatch(/^(rotated|replaced)$/);
  expect(await credentialsWork(emulator, main.outputs)).toBe(true);
  expectNoSecrets(emulator, main);
}

async function expectOldSecretWorks({ emulator, old }: Cancelled): Promise<void> {
  const [secret = ''] = old?.plainSecrets ?? [];
  expect(await credentialsWork(emulator, { client_id: old?.client.client_id ?? '', secret })).toBe(true);
}

/** The moments after which the post step can remove everything that the step created. */
const REMOVABLE: [Scenario, Moment][] = [
  ['create', 'before listClients'],
  ['create', 'before createClient'],
  ['create', 'after createClient'],
  ['create', 'before verification'],
  ['create for a job', 'after createClient'],
  ['replace', 'after verification'],
  ['rotate', 'after updateClient'],
  ['rotate', 'after verification'],
];
/** The moments at which main does not know the id of a secret that the server may have added. */
const ADDING: [Scenario, Moment][] = [
  ['rotate', 'before addSecret'],
  ['rotate', 'after addSecret'],
];
/** The moments after the credentials are published. */
const PUBLISHED: [Scenario, Moment][] = [
  ['rotate', 'before deleteSecret'],
  ['replace', 'after deleteClient'],
];

describe('SIGINT', () => {
  it.each([...REMOVABLE, ...ADDING])(
    'waits for the response to the current request after SIGINT, sends nothing more and fails: %s, %s',
    async (scenario, moment) => {
      const cancelled = await cancel(emulator, scenario, 'SIGINT', moment);
      const { main, milliseconds, old } = cancelled;
      expectCancelled(cancelled);
      expect(milliseconds).toBeLessThan(4000);
      // The ids in the response are in the state, and the secret is masked.
      const state = JSON.parse(main.state.client || '{}');
      const created = emulator.clients().find(({ client_id }) => client_id !== old?.client.client_id);
      const [, , added] = secretIds(emulator);
      expect({ client: state.client?.id, secret: state.secret?.id }).toEqual({
        client: created?.client_id,
        secret: created ? undefined : added,
      });
      for (const secret of emulator.secrets().slice(old?.plainSecrets.length)) expect(main.masks).toContain(secret);
      await expectCleanedUp(cancelled);
    },
  );

  const hanging: [Scenario, Moment][] = [
    ['rotate', 'before sign-in'],
    ['create', 'before createClient'],
    ['create for a job', 'after createClient'],
    ['rotate', 'before verification'],
  ];
  for (const [scenario, moment] of hanging)
    itWaits(`waits five seconds after SIGINT for a response that never comes: ${scenario}, ${moment}`, async (own) => {
      const cancelled = await cancel(own, scenario, 'SIGINT', moment, { hangs: true });
      expectCancelled(cancelled);
      expect(cancelled.milliseconds).toBeGreaterThan(4900);
      expect(cancelled.milliseconds).toBeLessThan(7500);
      await expectCleanedUp(cancelled);
    });

  itWaits('names in the post step a secret whose id did not come within five seconds after SIGINT', async (own) => {
    const cancelled = await cancel(own, 'rotate', 'SIGINT', 'before addSecret', { hangs: true });
    expectCancelled(cancelled);
    expect(cancelled.milliseconds).toBeLessThan(7500);
    await expectNamed(cancelled);
  });

  it('fails after SIGINT in a dry run, and says that nothing was changed', async () => {
    const main = await runAction(emulator, { inputs: { dry_run: 'true' }, ...interruptedAt(emulator, 'listClients') });
    expectFailed(main);
    expect(errors(main)).toEqual(['The run was cancelled. Nothing was changed.']);
  });

  it('ends at once if SIGTERM follows SIGINT', async () => {
    const circumstances = { hangs: true, second: 'SIGTERM' } as const;
    const cancelled = await cancel(emulator, 'create', 'SIGINT', 'after createClient', circumstances);
    expectEndedAtOnce(cancelled);
    await expectCleanedUp(cancelled);
  });

  it.each<Moment>(['after deleteSecret', 'before verification'])(
    'names after SIGINT the updated fields and the secret that it deleted for a new one: %s',
    async (moment) => {
      const cancelled = await cancel(emulator, 'rotate', 'SIGINT', moment, { oldSecrets: 5 });
      const { main, old } = cancelled;
      const [first = '', ...rest] = oldIds(cancelled);
      const [message = ''] = errors(main);
      expect(message).toMatch(
        new RegExp(`^Client ${old?.client.client_id} may still have updated fields: scopes\\.$`, 'm'),
      );
      expect(message).toMatch(new RegExp(`^Secret ${first} .*cannot be brought back\\.$`, 'm'));
      expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
      expect(secretIds(emulator)).toEqual(rest);
    },
  );

  it.each<[Operation, Fault]>([
    ['token', { kind: 'status', status: 503 }],
    ['listClients', { kind: 'reset' }],
    ['createClient', { kind: 'status', status: 500 }],
  ])('does not repeat %s after SIGINT, although it got %j', async (operation, fault) => {
    const moment: Moment = `before ${operation === 'token' ? 'sign-in' : operation}`;
    const cancelled = await cancel(emulator, 'create', 'SIGINT', moment, {
      fault: { operation, when: 'after', fault },
    });
    expectFailed(cancelled.main);
    expect(cancelled.sentSince).toBe(0);
    expect(sentTo(emulator, operation)).toHaveLength(1);
    expect(cancelled.milliseconds).toBeLessThan(4000);
    emulator.faults.clear();
    await expectCleanedUp(cancelled);
  });

  it('ends the wait before a repeat of the create request after SIGINT', async () => {
    const fault = { kind: 'status', status: 429, headers: { 'retry-after': '20' } } as const;
    emulator.faults.add({ operation: 'createClient', fault });
    const onStart: Step['onStart'] = async (kill) => {
      await until(() => sentTo(emulator, 'createClient')[0]?.status !== undefined);
      await sleep(100);
      kill('SIGINT');
    };
    const main = await runAction(emulator, { onStart });
    expectFailed(main);
    expect(sentTo(emulator, 'createClient')).toHaveLength(1);
    expect(errors(main)).toEqual([expect.stringContaining('HTTP 429')]);
    expect(main.milliseconds).toBeLessThan(10_000);
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });

  it.each(PUBLISHED)('keeps the published credentials after SIGINT: %s, %s', async (scenario, moment) => {
    const cancelled = await cancel(emulator, scenario, 'SIGINT', moment);
    const { main, sentSince, milliseconds, old } = cancelled;
    expect({ exitCode: main.exitCode, sentSince }).toEqual({ exitCode: 1, sentSince: 0 });
    expect(errors(main)).toEqual([expect.stringContaining('cancelled')]);
    expect(milliseconds).toBeLessThan(4000);
    // The run was cancelled before it deleted the second old secret.
    const remaining = clientUrl(emulator, old?.client.client_id ?? '', 'secrets', old?.client.secrets?.[1]?.id ?? '');
    expect(warnings(main)).toEqual(scenario === 'rotate' ? [expect.stringContaining(`DELETE ${remaining}`)] : []);
    await expectPublished(cancelled);
  });
});

describe('SIGTERM and SIGKILL', () => {
  it.each<[NodeJS.Signals, Scenario, Moment]>([
    ['SIGTERM', 'create', 'after createClient'],
    ...REMOVABLE.map((at): [NodeJS.Signals, Scenario, Moment] => ['SIGKILL', ...at]),
  ])('deletes in the post step what main created before %s: %s, %s', async (signal, scenario, moment) => {
    const cancelled = await cancel(emulator, scenario, signal, moment);
    expectEndedAtOnce(cancelled);
    await expectCleanedUp(cancelled);
  });

  it.each(ADDING)('names in the post step a secret whose id main did not learn: %s, %s', async (scenario, moment) => {
    const cancelled = await cancel(emulator, scenario, 'SIGKILL', moment);
    expectEndedAtOnce(cancelled);
    await expectNamed(cancelled);
  });

  it.each(PUBLISHED)('keeps the published credentials after SIGKILL: %s, %s', async (scenario, moment) => {
    const cancelled = await cancel(emulator, scenario, 'SIGKILL', moment);
    expect(cancelled.main.exitCode).toBe(null);
    await expectPublished(cancelled);
  });
});

describe('the post step of a rotation that was cut off', () => {
  it.each<[what: string, Moment]>([
    ['known', 'after verification'],
    ['unknown', 'after addSecret'],
  ])('keeps an added secret whose id is %s if another run created the client since', async (_, moment) => {
    const { main } = await cancel(emulator, 'rotate', 'SIGKILL', moment);
    const before = emulator.clients();
    const edit = ({ client }: { client: { description: string } }) => ({
      client: { ...client, description: client.description.replace(/nonce:.{16}/, `nonce:${'A'.repeat(16)}`) },
    });
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit } });
    const post = await main.post();
    expectSucceeded(post);
    expect(post.annotations).toEqual([
      { kind: 'warning', message: expect.stringMatching(/is not the one that main read.* DELETE /) },
    ]);
    expect(emulator.clients()).toEqual(before);
  });

  it('deletes nothing in the post step of a rotation if the client no longer exists', async () => {
    const { main } = await cancel(emulator, 'rotate', 'SIGKILL', 'after verification');
    const body = { code: 5, message: 'client not found' };
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'status', status: 404, body } });
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(sentTo(emulator, 'deleteSecret')).toEqual([]);
  });

  it('warns in the post step that the server may still add a secret if the client shows none', async () => {
    emulator.seed({ name: 'x', description: markerLine(), custom_claims: REPOSITORY_CLAIMS }, { secrets: 2 });
    emulator.faults.add({ operation: 'addSecret', fault: { kind: 'hang' } });
    const onStart: Step['onStart'] = async (kill) => {
      await until(() => sentTo(emulator, 'addSecret').length > 0);
      kill('SIGKILL');
    };
    const main = await runAction(emulator, { onStart });
    expect(JSON.parse(main.state.client ?? '')).toHaveProperty('secret.known_ids');
    const post = await main.post();
    expectSucceeded(post);
    expect(secretIds(emulator)).toHaveLength(2);
    expect(warnings(post)).toEqual([
      expect.stringMatching(/^Could not determine whether a secret was added to client m2morg_\d+: .* then DELETE /),
    ]);
  });

  it('deletes in the post step only the secret of its own run if another run has added one since', async () => {
    const cancelled = await cancel(emulator, 'rotate', 'SIGKILL', 'after verification');
    const other = await runAction(emulator, { inputs: { scopes: 'a', keep_secrets: '5' } });
    expect(await cancelled.main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(secretIds(emulator)).toEqual([...oldIds(cancelled), other.outputs.secret_id]);
    expect(await credentialsWork(emulator, other.outputs)).toBe(true);
  });
});

describe('a client whose create request got no response, and which gets a second secret', () => {
  const fault = { operation: 'createClient', when: 'after', fault: { kind: 'reset' } } as const;

  it.each<[Scenario, Moment]>([
    ['create for a job', 'after addSecret'],
    ['create', 'after verification'],
  ])('deletes in the post step a client that got a second secret: %s, %s', async (scenario, moment) => {
    const cancelled = await cancel(emulator, scenario, 'SIGKILL', moment, { fault });
    expect(emulator.clients().map(({ secrets }) => secrets?.length)).toEqual([2]);
    await expectCleanedUp(cancelled);
  });

  it('names in the post step a client that got a second secret, if that may be another run’s', async () => {
    const { main } = await cancel(emulator, 'create', 'SIGKILL', 'after addSecret', { fault });
    const [client] = emulator.clients();
    const post = await main.post();
    expectSucceeded(post);
    expect(post.annotations).toEqual([
      {
        kind: 'warning',
        message: expect.stringContaining(`DELETE ${clientUrl(emulator, client?.client_id ?? '')}`),
      },
    ]);
    expect(secretIds(emulator)).toHaveLength(1);
  });
});
