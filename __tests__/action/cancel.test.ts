import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type Emulator, type Operation, startEmulator } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  markerLine,
  REPOSITORY_CLAIMS,
  readable,
  runAction,
  secretsOf,
  sentTo,
  warnings,
} from '../support/action.ts';

// Tests of a cancelled run. GitHub sends SIGINT, SIGTERM 7.5 seconds later, and kills the process after another 2.5.
// Each test starts a separate emulator, because the tests that wait for seconds run concurrently.

const DAY = 86_400_000;
/** A moment before or after the server carries out a request. */
type Moment = `${'before' | 'after'} ${'sign-in' | 'verification' | Operation}`;
type Scenario = 'create for a job' | 'create' | 'rotate' | 'replace';

interface Cancelled {
  emulator: Emulator;
  main: Executed;
  /** Number of requests that main sent after the signal. */
  sentSince: number;
  /** Milliseconds from the signal to the end of main. */
  ended: number;
  /** The client that existed before the run. */
  old: ReturnType<Emulator['seed']> | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

const isAt = (moment: Moment, when: string, { operation, text }: Emulator['requests'][number]) => {
  const isVerification = text.includes('client_id=m2morg_');
  return moment === `${when} ${operation === 'token' ? (isVerification ? 'verification' : 'sign-in') : operation}`;
};

function stepOf(scenario: Scenario): Step {
  const inputs: Record<string, string> = { scopes: 'a', keep_secrets: '1' };
  if (scenario === 'create for a job') inputs.lifetime = 'job';
  if (scenario === 'replace') inputs.on_existing = 'replace';
  return { inputs };
}

interface Circumstances {
  /** Whether the server does not respond after SIGINT either. */
  hangs?: boolean;
  /** A second signal, soon after the first. */
  second?: NodeJS.Signals;
  /** Number of secrets of the client that existed before the run. */
  oldSecrets?: number;
  prepare?: (emulator: Emulator) => void;
}

/**
 * Runs main, and sends it a signal at a moment of a request. After SIGINT the server continues a little later, unless
 * it hangs. After the other signals it continues when main has ended, like a server that does not notice the end.
 */
async function cancel(
  scenario: Scenario,
  signal: NodeJS.Signals,
  moment: Moment,
  { hangs = false, second, oldSecrets = 2, prepare = (_: Emulator) => {} }: Circumstances = {},
): Promise<Cancelled> {
  const emulator = await startEmulator();
  const fields = { name: 'x', description: markerLine(), scopes: ['b'], custom_claims: REPOSITORY_CLAIMS };
  const secrets = Array.from({ length: oldSecrets }, (_, at) => ({ ageMs: DAY - at }));
  const old = scenario.startsWith('create') ? undefined : emulator.seed(fields, { ageMs: DAY, secrets });
  prepare(emulator);
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
  const main = await runAction(emulator, { ...stepOf(scenario), onStart: (send) => (kill = send) });
  const [sentSince, milliseconds] = [emulator.requests.length - sent, performance.now() - signalled];
  ended.resolve();
  if (!signalled) {
    await emulator.close();
    throw new Error(`Main never came to the moment ${moment}: ${main.log}`);
  }
  if (moment.startsWith('before')) await worked.promise;
  return {
    emulator,
    main,
    sentSince,
    ended: milliseconds,
    old,
    [Symbol.asyncDispose]: () => emulator.close(),
  };
}

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo() && Date.now() < end; ) await sleep(10);
}

function expectNoSecrets(emulator: Emulator, ...runs: Outcome[]): void {
  for (const run of runs) for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
}

/** Runs the post step, and checks that it removed everything that the run created. */
async function expectCleanedUp({ emulator, main, old }: Cancelled): Promise<void> {
  const post = await main.post();
  expect([post.exitCode, post.annotations]).toEqual([0, []]);
  expect(emulator.clients().map(({ client_id }) => client_id)).toEqual(old ? [old.client.client_id] : []);
  expectNoSecrets(emulator, main, post);
  if (!old) return;
  expect(secretIds(emulator)).toEqual(idsOf(old.client));
  await expectOldSecretWorks(emulator, old);
}

async function expectOldSecretWorks(
  emulator: Emulator,
  { client: { client_id }, plainSecrets: [secret = ''] }: NonNullable<Cancelled['old']>,
): Promise<void> {
  expect(await credentialsWork(emulator, { client_id, secret })).toBe(true);
}

const idsOf = ({ secrets = [] }: ReturnType<Emulator['clients']>[number]) => secrets.map(({ id }) => id);
const secretIds = (emulator: Emulator) => emulator.clients().flatMap(idsOf);
const clientUrl = (emulator: Emulator, ...ids: string[]) =>
  [`${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients`, ...ids].join('/');

const CREATE: Moment[] = [
  'before sign-in',
  'before createClient',
  'after createClient',
  'before verification',
  'after verification',
];
const ROTATE: Moment[] = [
  'before sign-in',
  'before listClients',
  'before updateClient',
  'after updateClient',
  'before verification',
  'after verification',
];
const moments = (scenario: Scenario, all: Moment[]) => all.map((moment): [Scenario, Moment] => [scenario, moment]);
/** The moments after which the post step can remove everything that the step created. */
const MOMENTS = [
  ...moments('create for a job', CREATE),
  ...moments('create', ['before listClients', ...CREATE]),
  ...moments('replace', CREATE.slice(1)),
  ...moments('rotate', ROTATE),
];
const ADD: [Scenario, Moment][] = moments('rotate', ['before addSecret', 'after addSecret']);
const FINISH: [Scenario, Moment][] = [
  ...moments('rotate', ['before deleteSecret', 'after deleteSecret']),
  ...moments('replace', ['before deleteClient', 'after deleteClient']),
];

describe('SIGINT', () => {
  const answered = [...MOMENTS, ...ADD];
  it.each(answered)(
    '(%s, %s) waits for the response, sends nothing more, and ends with 1',
    async (scenario, moment) => {
      await using cancelled = await cancel(scenario, 'SIGINT', moment);
      const { emulator, main, sentSince, ended, old } = cancelled;
      expect([main.exitCode, main.outputs, sentSince]).toEqual([1, {}, 0]);
      expect(errors(main)).toEqual([expect.stringContaining('cancelled')]);
      expect(ended).toBeLessThan(4000);
      // The ids in the response are in the state, and the secret is masked.
      const state = JSON.parse(main.state.client || '{}');
      const made = emulator.clients().find(({ client_id }) => client_id !== old?.client.client_id);
      const [, , added] = secretIds(emulator);
      expect([state.client?.id, state.secret?.id]).toEqual([made?.client_id, made ? undefined : added]);
      for (const secret of emulator.secrets().slice(old?.plainSecrets.length)) expect(main.masks).toContain(secret);
      await expectCleanedUp(cancelled);
    },
  );

  const hanging: [Scenario, Moment][] = [
    ['rotate', 'before sign-in'],
    ['rotate', 'before listClients'],
    ['rotate', 'after updateClient'],
    ['rotate', 'before verification'],
    ['replace', 'before verification'],
    ['create', 'before createClient'],
    ['create', 'before verification'],
    ['create for a job', 'after createClient'],
  ];
  it.concurrent.each(hanging)(
    '(%s, %s) waits five seconds for a response that never comes',
    async (scenario, moment) => {
      await using cancelled = await cancel(scenario, 'SIGINT', moment, { hangs: true });
      const { main, sentSince, ended } = cancelled;
      expect([main.exitCode, main.outputs, sentSince]).toEqual([1, {}, 0]);
      expect(errors(main)).toEqual([expect.stringContaining('cancelled')]);
      expect(ended).toBeGreaterThan(4900);
      expect(ended).toBeLessThan(7500);
      await expectCleanedUp(cancelled);
    },
  );

  it.concurrent.each(ADD)('(%s, %s) names a secret whose id never comes', async (scenario, moment) => {
    await using cancelled = await cancel(scenario, 'SIGINT', moment, { hangs: true });
    const { main, sentSince, ended } = cancelled;
    expect([main.exitCode, main.outputs, sentSince]).toEqual([1, {}, 0]);
    expect(ended).toBeLessThan(7500);
    await expectNamed(cancelled);
  });

  it('ends a dry run with 1 too', async () => {
    const emulator = await startEmulator();
    await using _ = { [Symbol.asyncDispose]: () => emulator.close() };
    let interrupt = (_signal: NodeJS.Signals) => {};
    emulator.hold = async (when, { operation }) => {
      if (when === 'before' && operation === 'listClients') interrupt('SIGINT');
      await sleep(100);
    };
    const main = await runAction(emulator, {
      inputs: { dry_run: 'true' },
      onStart: (kill) => {
        interrupt = kill;
      },
    });
    expect([main.exitCode, main.outputs]).toEqual([1, {}]);
    expect(errors(main)).toEqual(['The run was cancelled. Nothing was changed.']);
  });

  it('is followed by SIGTERM, which ends main at once', async () => {
    await using cancelled = await cancel('create', 'SIGINT', 'after createClient', { hangs: true, second: 'SIGTERM' });
    expect([cancelled.main.exitCode, cancelled.main.outputs]).toEqual([null, {}]);
    expect(cancelled.ended).toBeLessThan(4000);
    await expectCleanedUp(cancelled);
  });

  it.each<Moment>(['after deleteSecret', 'before verification'])(
    'names what stays changed and which secret cannot be restored (%s)',
    async (moment) => {
      await using cancelled = await cancel('rotate', 'SIGINT', moment, { oldSecrets: 5 });
      const { emulator, main, old } = cancelled;
      const [first = '', ...rest] = old ? idsOf(old.client) : [];
      const [message = ''] = errors(main);
      expect(message).toMatch(
        new RegExp(`^Client ${old?.client.client_id} may still have updated fields: scopes\\.$`, 'm'),
      );
      expect(message).toMatch(new RegExp(`^Secret ${first} .*cannot be brought back\\.$`, 'm'));
      const post = await main.post();
      expect([post.exitCode, post.annotations, secretIds(emulator)]).toEqual([0, [], rest]);
    },
  );

  it.each<[Operation, object]>([
    ['token', { kind: 'status', status: 503 }],
    ['listClients', { kind: 'status', status: 503 }],
    ['listClients', { kind: 'reset' }],
    ['createClient', { kind: 'reset' }],
    ['createClient', { kind: 'status', status: 500 }],
  ])('ends the repeats of %s, and the look for what was made, after %j', async (operation, fault) => {
    const moment: Moment = `before ${operation === 'token' ? 'sign-in' : operation}`;
    await using cancelled = await cancel('create', 'SIGINT', moment, {
      prepare: ({ faults }) => faults.add({ operation, when: 'after', fault: fault as never }),
    });
    const { emulator, main, sentSince, ended } = cancelled;
    expect([main.exitCode, main.outputs, sentSince, sentTo(emulator, operation).length]).toEqual([1, {}, 0, 1]);
    expect(ended).toBeLessThan(4000);
    emulator.faults.clear();
    await expectCleanedUp(cancelled);
  });

  it.each<Operation>(['listClients', 'createClient'])('ends the wait before a repeat of %s', async (operation) => {
    const emulator = await startEmulator();
    await using _ = { [Symbol.asyncDispose]: () => emulator.close() };
    const fault = { kind: 'status', status: 429, headers: { 'retry-after': '20' } } as const;
    emulator.faults.add({ operation, fault });
    const onStart: Step['onStart'] = async (kill) => {
      await until(() => sentTo(emulator, operation)[0]?.status !== undefined);
      await sleep(100);
      kill('SIGINT');
    };
    const main = await runAction(emulator, { onStart });
    expect([main.exitCode, main.outputs, sentTo(emulator, operation).length]).toEqual([1, {}, 1]);
    expect(errors(main)).toEqual([expect.stringContaining('HTTP 429')]);
    expect(main.milliseconds).toBeLessThan(3000);
    const post = await main.post();
    expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
  });

  it.each(FINISH)('(%s, %s) keeps the published credentials', async (scenario, moment) => {
    await using cancelled = await cancel(scenario, 'SIGINT', moment);
    const { emulator, main, sentSince, ended, old } = cancelled;
    expect([main.exitCode, sentSince]).toEqual([1, 0]);
    expect(errors(main)).toEqual([expect.stringContaining('cancelled')]);
    expect(ended).toBeLessThan(4000);
    // The run was cancelled before it deleted the second old secret.
    const remaining = clientUrl(emulator, old?.client.client_id ?? '', 'secrets', old?.client.secrets?.[1]?.id ?? '');
    expect(warnings(main)).toEqual(scenario === 'rotate' ? [expect.stringContaining(`DELETE ${remaining}`)] : []);
    await expectPublished(cancelled);
  });
});

describe.each<NodeJS.Signals>(['SIGTERM', 'SIGKILL'])('%s', (signal) => {
  it.each(MOMENTS)('(%s, %s) ends main at once, and the post step removes what it made', async (scenario, moment) => {
    await using cancelled = await cancel(scenario, signal, moment);
    const { main, ended } = cancelled;
    expect([main.exitCode, main.outputs]).toEqual([null, {}]);
    expect(ended).toBeLessThan(4000);
    await expectCleanedUp(cancelled);
  });

  it.each(ADD)(
    '(%s, %s) ends main at once, and the post step names a secret whose id never came',
    async (scenario, moment) => {
      await using cancelled = await cancel(scenario, signal, moment);
      expect([cancelled.main.exitCode, cancelled.main.outputs]).toEqual([null, {}]);
      await expectNamed(cancelled);
    },
  );

  it.each(FINISH)('(%s, %s) keeps the published credentials', async (scenario, moment) => {
    await using cancelled = await cancel(scenario, signal, moment);
    expect(cancelled.main.exitCode).toBe(null);
    await expectPublished(cancelled);
  });
});

describe('the post step of a rotation that was cut off', () => {
  // biome-ignore lint/suspicious/noExplicitAny: the test knows the JSON of this response.
  type Answer = any;
  const described = (change: (description: string) => string) => (answer: Answer) => ({
    client: { ...answer.client, description: change(answer.client.description) },
  });

  it.each<[string, Moment, (answer: Answer) => unknown]>([
    [
      'another run has created, by its nonce,',
      'after verification',
      described((text) => text.replace(/nonce:.{16}/, `nonce:${'A'.repeat(16)}`)),
    ],
    ['has no ownership marker by now', 'after verification', described(() => 'Theirs.')],
    ['is another one', 'after verification', ({ client }) => ({ client: { ...client, client_id: 'm2morg_1' } })],
    [
      'another run has created, by its nonce, the id of the secret unknown,',
      'after addSecret',
      described((text) => text.replace(/nonce:.{16}/, `nonce:${'A'.repeat(16)}`)),
    ],
  ])('keeps a client that %s', async (_, moment, edit) => {
    await using cancelled = await cancel('rotate', 'SIGKILL', moment);
    const { emulator, main } = cancelled;
    const before = emulator.clients();
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit } });
    const post = await main.post();
    expect([post.exitCode, post.annotations.length, emulator.clients()]).toEqual([0, 1, before]);
    expect(warnings(post)).toEqual([
      expect.stringMatching(/(is not the one that main read|it shows another client).* DELETE /),
    ]);
  });

  it('is done if the client is gone', async () => {
    await using cancelled = await cancel('rotate', 'SIGKILL', 'after verification');
    const { emulator, main } = cancelled;
    const body = { code: 5, message: 'client not found' };
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'status', status: 404, body } });
    const post = await main.post();
    expect([post.exitCode, post.annotations, sentTo(emulator, 'deleteSecret')]).toEqual([0, [], []]);
  });

  it('says that a secret may still come, if none shows up', async () => {
    const emulator = await startEmulator();
    await using _ = { [Symbol.asyncDispose]: () => emulator.close() };
    emulator.seed({ name: 'x', description: markerLine(), custom_claims: REPOSITORY_CLAIMS }, { secrets: 2 });
    emulator.faults.add({ operation: 'addSecret', fault: { kind: 'hang' } });
    const onStart: Step['onStart'] = async (kill) => {
      await until(() => sentTo(emulator, 'addSecret').length > 0);
      kill('SIGKILL');
    };
    const main = await runAction(emulator, { onStart });
    expect(JSON.parse(main.state.client ?? '')).toHaveProperty('secret.known_ids');
    const post = await main.post();
    expect([post.exitCode, secretIds(emulator).length]).toEqual([0, 2]);
    expect(warnings(post)).toEqual([
      expect.stringMatching(/^Could not determine whether a secret was added to client m2morg_\d+: .* then DELETE /),
    ]);
  });

  it('takes its own secret alone if another run has added one since', async () => {
    await using cancelled = await cancel('rotate', 'SIGKILL', 'after verification');
    const { emulator, main, old } = cancelled;
    const concurrent = await runAction(emulator, { inputs: { scopes: 'a', keep_secrets: '5' } });
    const post = await main.post();
    expect([post.exitCode, post.annotations]).toEqual([0, []]);
    expect(secretIds(emulator)).toEqual([...(old ? idsOf(old.client) : []), concurrent.outputs.secret_id]);
    expect(await credentialsWork(emulator, concurrent.outputs)).toBe(true);
  });
});

describe('a client whose create got no response, which gets another secret when main is cut off', () => {
  const prepare = ({ faults }: Emulator) =>
    faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'reset' } });

  it.each<[Scenario, Moment]>([
    ...moments('create for a job', ['before addSecret', 'after addSecret', 'after verification']),
    ...moments('create', ['before verification', 'after verification']),
  ])('is removed (%s, %s)', async (scenario, moment) => {
    await using cancelled = await cancel(scenario, 'SIGKILL', moment, { prepare });
    expect(cancelled.emulator.clients().map(({ secrets }) => secrets?.length)).toEqual([2]);
    await expectCleanedUp(cancelled);
  });

  it('is named if one of its secrets may be another run’s', async () => {
    await using cancelled = await cancel('create', 'SIGKILL', 'after addSecret', { prepare });
    const { emulator, main } = cancelled;
    const [client] = emulator.clients();
    const post = await main.post();
    expect([post.exitCode, post.annotations.length, secretIds(emulator).length]).toEqual([0, 1, 1]);
    expect(warnings(post)).toEqual([expect.stringContaining(`DELETE ${clientUrl(emulator, client?.client_id ?? '')}`)]);
  });
});

/** Checks that the post step keeps the secret whose id is unknown, and names it with the call that deletes it. */
async function expectNamed({ emulator, main, old }: Cancelled): Promise<void> {
  const [, , unknown = '', ...more] = secretIds(emulator);
  expect([unknown, more]).toEqual([expect.stringMatching(/^sks_/), []]);
  const post = await main.post();
  expect([post.exitCode, post.annotations.length]).toEqual([0, 1]);
  const client_id = old?.client.client_id ?? '';
  expect(warnings(post)).toEqual([
    expect.stringContaining(`DELETE ${clientUrl(emulator, client_id, 'secrets', unknown)}`),
  ]);
  expect(sentTo(emulator, 'deleteSecret')).toEqual([]);
  expectNoSecrets(emulator, main, post);
  if (old) await expectOldSecretWorks(emulator, old);
}

/** Checks that the credentials are published, and that the post step does nothing. */
async function expectPublished({ emulator, main }: Cancelled): Promise<void> {
  const before = emulator.requests.length;
  const post = await main.post();
  expect([post.exitCode, post.stdout, emulator.requests.length]).toEqual([0, '', before]);
  expect(main.outputs.result).toMatch(/^(rotated|replaced)$/);
  expect(await credentialsWork(emulator, main.outputs)).toBe(true);
  expectNoSecrets(emulator, main);
}
