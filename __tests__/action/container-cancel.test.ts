import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed, Outcome, Running, Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, runAction, savingIn, seedEarlier, warnings } from '../support/action.ts';
import { expectNoSecrets, type Inputs, keptIn, labelOf, repositoryOf, seedSaved } from '../support/saved.ts';
import { another, useConcurrentTests } from '../support/setup.ts';

// Tests of a cancelled run whose signal never reaches main, as in a job's container: the runner reads the state once, and
// starts post while main still runs. docs/design.md, promise 7.

const DAY = 86_400_000;

/** `before` or `after` the server carries out the first request with this label; or `end`, after main has ended. */
type Moment = string;

interface Scenario {
  inputs: (emulator: Emulator) => Inputs;
  /** Prepares what exists before the run. */
  prepare?: (emulator: Emulator) => unknown;
  moments: Moment[];
}

const bothSides = (...labels: string[]): Moment[] =>
  labels.flatMap((label) => [`before ${label}`, `after ${label}`]).concat('end');
const SAVES = ['createVariable STATE', 'createVariable CLIENT_ID', 'putActionsSecret'];

const SCENARIOS: Record<string, Scenario> = {
  create: { inputs: () => ({}), moments: bothSides('token', 'createClient') },
  'create for a job': { inputs: () => ({ lifetime: 'job' }), moments: bothSides('token', 'createClient') },
  'create and save': { inputs: savingIn, moments: bothSides('token', 'createClient', ...SAVES) },
  rotate: {
    inputs: () => ({ keep_secrets: '1' }),
    prepare: (emulator) => seedEarlier(emulator, {}, { ageMs: DAY }),
    moments: bothSides('token', 'addSecret'),
  },
  'rotate and save': {
    inputs: (emulator) => ({ ...savingIn(emulator), keep_secrets: '1' }),
    prepare: (emulator) => seedSaved(emulator),
    moments: bothSides('token', 'addSecret', 'updateVariable STATE', 'putActionsSecret'),
  },
};

/**
 * Runs main, reads its state at one moment, and starts post at the same moment or a later one, beside main.
 * @param milliseconds that main waits for the response while post starts
 * @returns both outcomes
 */
async function runBeside(
  emulator: Emulator,
  inputs: Inputs,
  readAt: Moment,
  postAt: Moment,
  milliseconds = 600,
): Promise<{ main: Executed; post: Outcome }> {
  let state: Record<string, string> | undefined;
  let running: Running | undefined;
  let post: Promise<Outcome> | undefined;
  emulator.hold = async (when, request) => {
    const moment = `${when} ${labelOf(request)}`;
    if (moment === readAt) state ??= running?.state();
    if (moment !== postAt || post || !state) return;
    post = running?.post(state);
    // Unless the machine is busy, post starts and signals main in this time.
    await sleep(milliseconds);
  };
  const main = await runAction(emulator, { inputs, onStart: (_, started) => (running = started) });
  if (readAt === 'end') state = main.state;
  if (!state) throw new Error(`Main never came to the moment ${readAt}: ${main.log}`);
  if (postAt === 'end') post = main.post({ state });
  if (!post) throw new Error(`Main never came to the moment ${postAt}: ${main.log}`);
  return { main, post: await post };
}

const itWaits = useConcurrentTests();

describe('post, started beside main', () => {
  for (const [name, { inputs, prepare, moments }] of Object.entries(SCENARIOS))
    for (const [at, postAt] of moments.entries())
      for (const readAt of new Set([moments[0] ?? '', moments[Math.max(0, at - 1)] ?? '', postAt]))
        itWaits(
          `saves nothing dead and leaves nothing unnamed: ${name}, state read ${readAt}, post started ${postAt}`,
          async (emulator) => {
            const before = prepare?.(emulator);
            const known = idsIn(emulator);
            const { main, post } = await runBeside(emulator, inputs(emulator), readAt, postAt);
            expect(post).toMatchObject({ exitCode: 0, stderr: '' });
            expect(errors(post)).toEqual([]);
            await expectSavedWork(emulator);
            await expectNothingUnnamed(emulator, known, name === 'create for a job', main, post);
            if (before) await expectOldClientThere(emulator, known);
            expectNoSecrets(emulator, main, post);
          },
        );
});

describe('post, started beside main that waits for a response', () => {
  for (const readAt of ['before token', 'before createClient'])
    itWaits(`stops main, which publishes nothing, and removes the client: state read ${readAt}`, async (emulator) => {
      const { main, post } = await runBeside(emulator, {}, readAt, 'after createClient', 4_000);
      expect(main).toMatchObject({ exitCode: 1, outputs: {} });
      expect(errors(main)).toEqual([expect.stringMatching(/^The run was cancelled\. /)]);
      expect(post).toMatchObject({ exitCode: 0, annotations: [] });
      expect(emulator.clients()).toEqual([]);
    });
});

const idsIn = (emulator: Emulator) =>
  emulator.clients().flatMap(({ client_id, secrets = [] }) => [client_id, ...secrets.map(({ id }) => id)]);

/** Checks that what is saved, if anything is, gets a token. */
async function expectSavedWork(emulator: Emulator): Promise<void> {
  const saved = keptIn(repositoryOf(emulator));
  if (saved.secret === undefined) expect(saved.client_id).toBe(undefined);
  else expect(await credentialsWork(emulator, saved as Outcome['outputs'])).toBe(true);
}

/** Checks that each new client and secret is published for longer than the job, saved, or named with the call to delete it. */
async function expectNothingUnnamed(
  emulator: Emulator,
  known: string[],
  isJob: boolean,
  main: Executed,
  post: Outcome,
): Promise<void> {
  const named = [...main.annotations, ...post.annotations].map(({ message }) => message);
  const messages = named.filter((message) => message.includes('DELETE ')).join('\n');
  const { client_id = '', secret = '' } = keptIn(repositoryOf(emulator));
  const isSaved = emulator.secrets(client_id).at(-1) === secret;
  const isKept = !isJob && (main.outputs.result !== undefined || isSaved);
  const unnamed = idsIn(emulator).filter((id) => !known.includes(id) && !messages.includes(id));
  expect(isKept ? [] : unnamed).toEqual([]);
}

async function expectOldClientThere(emulator: Emulator, [client_id = '']: string[]): Promise<void> {
  expect(emulator.clients().map((client) => client.client_id)).toEqual([client_id]);
}

describe('the journal file', () => {
  /** Kills main at a moment. @returns the run, and its state as an object */
  async function killAt(emulator: Emulator, killedAt: Moment, inputs: Inputs = {}, env: Step['env'] = {}) {
    let kill = (_: NodeJS.Signals) => {};
    const ended = Promise.withResolvers<void>();
    emulator.hold = async (when, request) => {
      if (`${when} ${labelOf(request)}` !== killedAt) return;
      kill('SIGKILL');
      await ended.promise;
    };
    const main = await runAction(emulator, { inputs, env, onStart: (send) => (kill = send) });
    ended.resolve();
    emulator.hold = undefined;
    expect(main.exitCode).toBe(null);
    return { main, state: JSON.parse(main.state.client ?? '') as Record<string, unknown> & { journal_file: string } };
  }

  const clientIds = (emulator: Emulator) => emulator.clients().map(({ client_id }) => client_id);

  it('is for this user alone, and post deletes it', async () => {
    await using emulator = await another();
    const { main, state } = await killAt(emulator, 'after createClient');
    expect((statSync(state.journal_file).mode & 0o777).toString(8)).toBe('600');
    expect(path.dirname(state.journal_file)).toMatch(/runner-temp-/);
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(readdirSync(path.dirname(state.journal_file))).toEqual([]);
    expect(emulator.clients()).toEqual([]);
  });

  it('has the last record of a main that ended with nothing to undo, and no state names it', async () => {
    await using emulator = await another();
    let file = '';
    let running: Running | undefined;
    emulator.hold = () => {
      file = JSON.parse(running?.state().client ?? '{}').journal_file;
    };
    const main = await runAction(emulator, { onStart: (_, started) => (running = started) });
    expect(main).toMatchObject({ exitCode: 0, state: { client: '' } });
    expect(JSON.parse(readFileSync(file, 'utf8'))).not.toHaveProperty('client');
  });

  const BROKEN: [string, (file: string) => void][] = [
    ['is missing', (file) => rmSync(file)],
    ['is empty', (file) => writeFileSync(file, '')],
    ['has another nonce', (file) => edit(file, { nonce: 'A'.repeat(16) })],
    ['has a broken seal', (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('persistent', 'job'))],
    [
      'is a link',
      (file) => {
        renameSync(file, `${file}.real`);
        symlinkSync(`${file}.real`, file);
      },
    ],
  ];
  it.each(BROKEN)('that %s makes post delete nothing persistent, and name what may be left', async (_, damage) => {
    await using emulator = await another();
    const { main, state } = await killAt(emulator, 'after createClient');
    damage(state.journal_file);
    const before = emulator.requests.length;
    const post = await main.post();
    expect(post).toMatchObject({ exitCode: 0 });
    expect(warnings(post)).toEqual([expect.stringContaining(`nonce:${state.nonce}`)]);
    expect(emulator.requests.length).toBe(before);
    expect(emulator.clients()).toHaveLength(1);
  });

  it.each(BROKEN.slice(0, 3))('that %s does not keep post from deleting the client of a job', async (_, damage) => {
    await using emulator = await another();
    const { main, state } = await killAt(emulator, 'after createClient', { lifetime: 'job' });
    damage(state.journal_file);
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });

  it.each([
    ['is not set', undefined],
    ['is not writable', '/proc'],
    ['does not exist', '/nowhere'],
  ])('is not needed if RUNNER_TEMP %s and main has ended', async (_, RUNNER_TEMP) => {
    await using emulator = await another();
    const { main, state } = await killAt(emulator, 'after createClient', {}, { RUNNER_TEMP });
    expect(state).not.toHaveProperty('journal_file');
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(clientIds(emulator)).toEqual([]);
  });

  it('is needed for a persistent client if main still ran when post began', async () => {
    await using emulator = await another();
    const post = Promise.withResolvers<Outcome>();
    let running: Running | undefined;
    emulator.hold = async (when, request) => {
      if (`${when} ${labelOf(request)}` !== 'after createClient' || !running) return;
      running.post(running.state()).then(post.resolve, post.reject);
      await sleep(600);
    };
    const main = await runAction(emulator, {
      env: { RUNNER_TEMP: undefined },
      onStart: (_, started) => (running = started),
    });
    expect(main).toMatchObject({ exitCode: 1, outputs: {} });
    expect(warnings(await post.promise)).toEqual([expect.stringMatching(/there is no journal file\. .*nonce:/)]);
    expect(emulator.clients()).toHaveLength(1);
  });
});

/** Changes a record, and seals it again as a step with the emulator's API secret does. */
function reseal(text: string, changes: object, secret: string): string {
  const { seal: _, ...record } = { ...JSON.parse(text), ...changes };
  const seal = createHmac('sha256', secret).update(JSON.stringify(record)).digest('base64url');
  return JSON.stringify({ ...record, seal });
}

/** Changes a record without sealing it again. */
function edit(file: string, changes: object): void {
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));
}

describe('a process that is not main', () => {
  /** Starts a program that counts the SIGINTs it gets. */
  async function startVictim(onSignal = 'process.exit(7)'): Promise<ChildProcess & AsyncDisposable> {
    const code = `process.on('SIGINT', () => { ${onSignal} }); console.log('up'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return Object.assign(child, {
      [Symbol.asyncDispose]: async () => {
        child.kill('SIGKILL');
      },
    });
  }

  const startOf = (pid = 0) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];

  it('is never signalled if it has the pid of main, which has ended', async () => {
    await using emulator = await another();
    await using victim = await startVictim();
    const job = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const { started } = JSON.parse(job.state.client ?? '').process;
    const { clientSecret } = emulator.credentials;
    const client = reseal(job.state.client ?? '', { process: { pid: victim.pid, started } }, clientSecret);
    expect(await job.post({ state: { client } })).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
    expect(victim.exitCode).toBe(null);
  });

  it('is never signalled if an earlier step put it into the state', async () => {
    await using emulator = await another();
    await using victim = await startVictim();
    const job = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const state = JSON.parse(job.state.client ?? '');
    state.process = { pid: victim.pid, started: startOf(victim.pid) };
    const post = await job.post({ state: { client: JSON.stringify(state) } });
    expect(warnings(post)).toHaveLength(1);
    expect(victim.exitCode).toBe(null);
    expect(emulator.clients()).toHaveLength(1);
  });

  itWaits('makes post delete nothing if it is main and does not end within 7 seconds', async (emulator) => {
    await using victim = await startVictim('');
    const job = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const process = { pid: victim.pid, started: startOf(victim.pid) };
    const client = reseal(job.state.client ?? '', { process }, emulator.credentials.clientSecret);
    const before = emulator.requests.length;
    const post = await job.post({ state: { client } });
    expect(warnings(post)).toEqual([
      expect.stringMatching(/main still runs and could not be stopped\. .*DELETE .*\/clients\/m2morg_\d+$/),
    ]);
    expect(post.milliseconds).toBeGreaterThan(7_000);
    expect({ requests: emulator.requests.length, alive: victim.exitCode }).toEqual({ requests: before, alive: null });
  });
});
