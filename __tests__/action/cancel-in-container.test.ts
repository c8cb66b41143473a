import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed, Outcome, Running, Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, type Inputs, runAction, savingIn, seedEarlier, warnings } from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { credentialsIn, cutOff, expectNoSecrets, labelOf, repositoryOf, seedSaved } from '../support/saved.ts';
import { reseal } from '../support/state.ts';
import { DAY } from '../support/times.ts';

// Tests of a cancelled run whose signal never reaches main, as in a job's container: the runner reads the state once, and
// starts post while main still runs. docs/design.md, promise 7.

/** `before` or `after` the server carries out the first request with this label; or `end`, after main has ended. */
type Moment = string;

interface Scenario {
  inputs: (emulator: Emulator) => Inputs;
  /** Prepares what exists before the run. */
  prepare?: (emulator: Emulator) => unknown;
  /** The moments at which post starts. */
  moments: Moment[];
}

/** The first moment at which the runner can read a state. */
const FIRST = 'before token';

const SCENARIOS: Record<string, Scenario> = {
  create: { inputs: () => ({}), moments: ['before createClient', 'after createClient', 'end'] },
  'create for a job': {
    inputs: () => ({ lifetime: 'job' }),
    moments: ['before createClient', 'after createClient', 'end'],
  },
  'create and save': {
    inputs: savingIn,
    moments: [
      'after createClient',
      'before createVariable STATE',
      'after createVariable CLIENT_ID',
      'before putActionsSecret',
      'after putActionsSecret',
      'end',
    ],
  },
  rotate: {
    inputs: () => ({ keep_secrets: '1' }),
    prepare: (emulator) => seedEarlier(emulator, {}, { ageMs: DAY }),
    moments: ['before addSecret', 'after addSecret', 'end'],
  },
  'rotate and save': {
    inputs: (emulator) => ({ ...savingIn(emulator), keep_secrets: '1' }),
    prepare: (emulator) => seedSaved(emulator),
    moments: [
      'after addSecret',
      'after updateVariable STATE',
      'before putActionsSecret',
      'after putActionsSecret',
      'end',
    ],
  },
};

/**
 * Runs main, reads its state at one moment, and starts post at the same moment or a later one, beside main.
 * @param milliseconds that main waits for the response while post starts
 * @returns both outcomes
 */
async function runBeside(
  emulator: Emulator,
  step: Step,
  { readAt, postAt, milliseconds = 600 }: { readAt: Moment; postAt: Moment; milliseconds?: number },
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
  const main = await runAction(emulator, { ...step, onStart: (_, started) => (running = started) });
  if (!state) throw new Error(`Main never came to the moment ${readAt}: ${main.log}`);
  if (postAt === 'end') post = main.post({ state });
  if (!post) throw new Error(`Main never came to the moment ${postAt}: ${main.log}`);
  return { main, post: await post };
}

const emulator = useEmulator();
const itWaits = useConcurrentTests();

describe('a post step that starts while main still runs', () => {
  for (const [name, { inputs, prepare, moments }] of Object.entries(SCENARIOS))
    for (const [at, postAt] of moments.entries())
      for (const readAt of at === 1 ? [FIRST, postAt] : [FIRST])
        itWaits(
          `saves no secret that post deletes, and leaves no client unnamed: ${name}, state read ${readAt}, post started ${postAt}`,
          async (emulator) => {
            const before = prepare?.(emulator);
            const known = idsIn(emulator);
            const { main, post } = await runBeside(emulator, { inputs: inputs(emulator) }, { readAt, postAt });
            expect(post).toMatchObject({ exitCode: 0, stderr: '' });
            expectSucceeded(post);
            await expectSavedWork(emulator);
            await expectNothingUnnamed(emulator, known, name === 'create for a job', main, post);
            if (before) await expectOldClientThere(emulator, known);
            expectNoSecrets(emulator, main, post);
          },
        );

  for (const readAt of [FIRST, 'before createClient'])
    itWaits(
      `stops a main that waits for a response, and deletes the client that it created: state read ${readAt}`,
      async (emulator) => {
        const moments = { readAt, postAt: 'after createClient', milliseconds: 4_000 };
        const { main, post } = await runBeside(emulator, {}, moments);
        expectFailed(main);
        expect(errors(main)).toEqual([expect.stringMatching(/^The run was cancelled\. /)]);
        expect(post).toMatchObject({ exitCode: 0, annotations: [] });
        expect(emulator.clients()).toEqual([]);
      },
    );

  it('deletes nothing persistent if post stopped main and RUNNER_TEMP is not set', async () => {
    const moments = { readAt: 'after createClient', postAt: 'after createClient' };
    const { main, post } = await runBeside(emulator, { env: { RUNNER_TEMP: undefined } }, moments);
    expectFailed(main);
    expect(warnings(post)).toEqual([expect.stringMatching(/there is no journal file\. .*nonce:/)]);
    expect(emulator.clients()).toHaveLength(1);
  });
});

const idsIn = (emulator: Emulator) =>
  emulator.clients().flatMap(({ client_id, secrets = [] }) => [client_id, ...secrets.map(({ id }) => id)]);

/** Checks that what is saved, if anything is, gets a token. */
async function expectSavedWork(emulator: Emulator): Promise<void> {
  const saved = credentialsIn(repositoryOf(emulator));
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
  const kept = isJob ? [] : [...publishedIds(main), ...savedIds(emulator)];
  const unnamed = idsIn(emulator).filter((id) => ![...known, ...kept].includes(id) && !messages.includes(id));
  expect(unnamed).toEqual([]);
}

/** Returns the ids of the client and of the secret that main published. */
const publishedIds = ({ outputs: { client_id, secret_id } }: Executed) => [client_id, secret_id];

/** Returns the ids of the client and of the secret whose credentials the repository has, if that is the client's last one. */
function savedIds(emulator: Emulator): (string | undefined)[] {
  const { client_id = '', secret } = credentialsIn(repositoryOf(emulator));
  const client = emulator.clients().find((one) => one.client_id === client_id);
  const isLast = secret !== undefined && emulator.secrets(client_id).at(-1) === secret;
  return isLast ? [client_id, client?.secrets?.at(-1)?.id] : [];
}

async function expectOldClientThere(emulator: Emulator, [client_id = '']: string[]): Promise<void> {
  expect(clientIds(emulator)).toEqual([client_id]);
}

describe('the journal file', () => {
  /** Kills main when the server has created the client. @returns the run, and its state as an object */
  async function killAfterCreate(step: Step = {}) {
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'createClient'], (interrupt) =>
      runAction(emulator, { ...step, ...interrupt }),
    );
    expect(main.exitCode).toBe(null);
    return { main, state: JSON.parse(main.state.client ?? '') as Record<string, unknown> & { journal_file: string } };
  }

  it('creates a journal file that only its user can read, and post deletes it', async () => {
    const { main, state } = await killAfterCreate();
    expect((statSync(state.journal_file).mode & 0o777).toString(8)).toBe('600');
    expect(path.dirname(state.journal_file)).toMatch(/runner-temp-/);
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(readdirSync(path.dirname(state.journal_file))).toEqual([]);
    expect(emulator.clients()).toEqual([]);
  });

  it('records in the journal file that nothing is left to undo, and empties the state', async () => {
    let file = '';
    let running: Running | undefined;
    emulator.hold = () => {
      file = JSON.parse(running?.state().client ?? '{}').journal_file;
    };
    const main = await runAction(emulator, { onStart: (_, started) => (running = started) });
    expect(main).toMatchObject({ exitCode: 0, state: { client: '' } });
    expect(JSON.parse(readFileSync(file, 'utf8'))).not.toHaveProperty('client');
  });

  it.each<[what: string, damage: (file: string) => void]>([
    ['is missing', (file) => rmSync(file)],
    ['has another nonce', (file) => edit(file, { nonce: 'A'.repeat(16) })],
    ['has a broken seal', (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('persistent', 'job'))],
    [
      'is a link',
      (file) => {
        renameSync(file, `${file}.real`);
        symlinkSync(`${file}.real`, file);
      },
    ],
  ])('deletes nothing persistent and names what may be left over if the journal file %s', async (_, damage) => {
    const { main, state } = await killAfterCreate();
    damage(state.journal_file);
    const before = emulator.requests.length;
    const post = await main.post();
    expectSucceeded(post);
    expect(warnings(post)).toEqual([expect.stringContaining(`nonce:${state.nonce}`)]);
    expect(emulator.requests).toHaveLength(before);
    expect(emulator.clients()).toHaveLength(1);
  });

  it('deletes the client of a job by the state if the journal file is missing', async () => {
    const { main, state } = await killAfterCreate({ inputs: { lifetime: 'job' } });
    rmSync(state.journal_file);
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });

  it.each([
    ['is not set', undefined],
    ['is not writable', '/proc'],
  ])('deletes by the state what a main that has ended created if RUNNER_TEMP %s', async (_, RUNNER_TEMP) => {
    const { main, state } = await killAfterCreate({ env: { RUNNER_TEMP } });
    expect(state).not.toHaveProperty('journal_file');
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });
});

/** Changes a record without sealing it again. */
function edit(file: string, changes: object): void {
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));
}

describe('a process that may be main', () => {
  /** Starts a program that ends on SIGINT, unless `onSignal` says otherwise. */
  async function startProcess(onSignal = 'process.exit(7)'): Promise<ChildProcess & AsyncDisposable> {
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

  it('signals no process that has the id of main and another start time', async () => {
    await using other = await startProcess();
    const job = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const { started } = JSON.parse(job.state.client ?? '').process;
    const { clientSecret } = emulator.credentials;
    const client = reseal(job.state.client ?? '', { process: { pid: other.pid, started } }, clientSecret);
    expect(await job.post({ state: { client } })).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
    expect(other.exitCode).toBe(null);
  });

  it('signals no process that another step wrote into the state', async () => {
    await using other = await startProcess();
    const job = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const state = JSON.parse(job.state.client ?? '');
    state.process = { pid: other.pid, started: startOf(other.pid) };
    const post = await job.post({ state: { client: JSON.stringify(state) } });
    expect(warnings(post)).toHaveLength(1);
    expect(other.exitCode).toBe(null);
    expect(emulator.clients()).toHaveLength(1);
  });

  itWaits('deletes nothing in the post step if main does not end within 7 seconds after SIGINT', async (emulator) => {
    await using main = await startProcess('');
    const job = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const process = { pid: main.pid, started: startOf(main.pid) };
    const client = reseal(job.state.client ?? '', { process }, emulator.credentials.clientSecret);
    const before = emulator.requests.length;
    const post = await job.post({ state: { client } });
    expect(warnings(post)).toEqual([
      expect.stringMatching(/main still runs and could not be stopped\. .*DELETE .*\/clients\/m2morg_\d+$/),
    ]);
    expect(post.milliseconds).toBeGreaterThan(7_000);
    expect(emulator.requests).toHaveLength(before);
    expect(main.exitCode).toBe(null);
  });
});
