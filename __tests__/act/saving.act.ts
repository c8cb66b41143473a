import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import { RUNNER_VARIABLES } from '../../emulator/runner.ts';
import { credentialsWork } from '../support/action.ts';
import { idTokenOf, it, run } from './runner.ts';

const REPOSITORY = RUNNER_VARIABLES.GITHUB_REPOSITORY;
const [VARIABLE, SECRET] = ['SCALEKIT_M2M_CLIENT_ID', 'SCALEKIT_M2M_CLIENT_SECRET'];

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const ids = () => emulator.clients().map(({ client_id }) => client_id);
const saved = () => {
  const { variables, secrets } = emulator.github.repository(REPOSITORY);
  return { client_id: variables.get(VARIABLE)?.value ?? '', secret: secrets.get(SECRET)?.value ?? '' };
};

describe.each([
  ['with an ID token', true],
  ['without one', false],
])('%s', (_, token) => {
  const env = () => (token ? idTokenOf(emulator) : {});

  it('credentials are saved, reused without a change, and deleted with their client', async () => {
    const save = await run(emulator, 'saving', { job: 'save', env: env() });
    expect([save.exitCode, ids()]).toEqual([0, [saved().client_id]]);
    expect(await credentialsWork(emulator, saved())).toBe(true);

    const before = { ...saved(), sent: emulator.requests.length, clients: emulator.clients() };
    const reuse = await run(emulator, 'saving', { job: 'reuse', env: env() });
    expect([reuse.exitCode, reuse.said.at(-1)]).toEqual([0, 'reused, and the secret has 0 characters']);
    const sent = emulator.requests.slice(before.sent).filter(({ operation }) => operation !== 'token');
    expect(new Set(sent.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect({ ...saved(), clients: emulator.clients() }).toMatchObject({ ...saved(), clients: before.clients });

    const gone = await run(emulator, 'saving', { job: 'delete', env: env() });
    expect([gone.exitCode, gone.said.at(-1)]).toEqual([0, `deleted=${before.client_id}.`]);
    expect([ids(), saved()]).toEqual([[], { client_id: '', secret: '' }]);
    expect(emulator.requests.filter(({ operation }) => operation === 'idToken')).toHaveLength(token ? 3 : 0);
  });
});

describe('the client of a run whose runner was killed', () => {
  const RUN_ID = 17_000_000_001;

  /** Kills act with SIGKILL while a later step of the job runs. @returns the id of the remaining client */
  async function killRunner(): Promise<string> {
    emulator.github.addRun(REPOSITORY, { id: RUN_ID });
    let kill = (_: NodeJS.Signals) => {};
    emulator.hold = (when, { path }) => {
      if (when === 'before' && path === '/used') kill('SIGKILL');
    };
    const { exitCode } = await run(emulator, 'outputs', {
      env: { GITHUB_RUN_ID: `${RUN_ID}` },
      onStart: (running) => {
        kill = running.kill;
      },
    });
    expect([exitCode, ids().length]).toEqual([null, 1]);
    return ids()[0] ?? '';
  }

  it('is swept up once the run is over, and not before', async () => {
    const id = await killRunner();
    const early = await run(emulator, 'sweep');
    expect([early.exitCode, early.said.at(-1), ids()]).toEqual([0, 'deleted=.', [id]]);

    emulator.github.addRun(REPOSITORY, { id: RUN_ID, status: 'completed' });
    const dry = await run(emulator, 'sweep', { vars: { DRY_RUN: 'true' } });
    expect([dry.exitCode, dry.log, ids()]).toEqual([0, expect.stringContaining(id), [id]]);

    const swept = await run(emulator, 'sweep');
    expect([swept.exitCode, swept.said.at(-1), ids()]).toEqual([0, `deleted=${id}.`, []]);
  });
});
