import { expect } from '@jest/globals';
import { RUNNER_VARIABLES } from '../../emulator/runner.ts';
import { credentialsWork } from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { idTokenOf, it, run } from './runner.ts';

const REPOSITORY = RUNNER_VARIABLES.GITHUB_REPOSITORY;
const [VARIABLE, SECRET] = ['SCALEKIT_M2M_CLIENT_ID', 'SCALEKIT_M2M_CLIENT_SECRET'];

const emulator = useEmulator();

const saved = () => {
  const { variables, secrets } = emulator.github.repository(REPOSITORY);
  return { client_id: variables.get(VARIABLE)?.value ?? '', secret: secrets.get(SECRET)?.value ?? '' };
};

it.each([
  ['with an ID token', true],
  ['without an ID token', false],
])('saves credentials, reuses them without a change and deletes them with their client, %s', async (_, hasIdToken) => {
  const env = hasIdToken ? idTokenOf(emulator) : {};
  const save = await run(emulator, 'saving', { job: 'save', env });
  expect({ exitCode: save.exitCode, clients: clientIds(emulator) }).toEqual({
    exitCode: 0,
    clients: [saved().client_id],
  });
  expect(await credentialsWork(emulator, saved())).toBe(true);

  const before = { ...saved(), clients: emulator.clients() };
  const sentBefore = emulator.requests.length;
  const reuse = await run(emulator, 'saving', { job: 'reuse', env });
  expect({ exitCode: reuse.exitCode, lastLine: reuse.lines.at(-1) }).toEqual({
    exitCode: 0,
    lastLine: 'reused, and the secret has 0 characters',
  });
  const sent = emulator.requests.slice(sentBefore).filter(({ operation }) => operation !== 'token');
  expect(new Set(sent.map(({ method }) => method))).toEqual(new Set(['GET']));
  expect({ ...saved(), clients: emulator.clients() }).toEqual(before);

  const deleted = await run(emulator, 'saving', { job: 'delete', env });
  expect({ exitCode: deleted.exitCode, lastLine: deleted.lines.at(-1) }).toEqual({
    exitCode: 0,
    lastLine: `deleted=${before.client_id}.`,
  });
  expect({ ...saved(), clients: clientIds(emulator) }).toEqual({ client_id: '', secret: '', clients: [] });
  expect(emulator.requests.filter(({ operation }) => operation === 'idToken')).toHaveLength(hasIdToken ? 3 : 0);
});

/** Kills act with SIGKILL while a later step of the job runs. @returns the id of the remaining client */
async function killRunner(runId: number): Promise<string> {
  emulator.github.addRun(REPOSITORY, { id: runId });
  let kill = (_: NodeJS.Signals) => {};
  emulator.hold = (when, { path }) => {
    if (when === 'before' && path === '/used') kill('SIGKILL');
  };
  const { exitCode } = await run(emulator, 'outputs', {
    env: { GITHUB_RUN_ID: `${runId}` },
    onStart: (running) => {
      kill = running.kill;
    },
  });
  expect(exitCode).toBeNull();
  expect(clientIds(emulator)).toHaveLength(1);
  return clientIds(emulator)[0] ?? '';
}

it('deletes the client of a run whose runner was killed with sweep/, but only when the run is completed', async () => {
  const runId = 17_000_000_001;
  const id = await killRunner(runId);
  const early = await run(emulator, 'sweep');
  expect({ exitCode: early.exitCode, lastLine: early.lines.at(-1), clients: clientIds(emulator) }).toEqual({
    exitCode: 0,
    lastLine: 'deleted=.',
    clients: [id],
  });

  emulator.github.addRun(REPOSITORY, { id: runId, status: 'completed' });
  const dry = await run(emulator, 'sweep', { vars: { DRY_RUN: 'true' } });
  expect({ exitCode: dry.exitCode, clients: clientIds(emulator) }).toEqual({ exitCode: 0, clients: [id] });
  expect(dry.log).toContain(id);

  const swept = await run(emulator, 'sweep');
  expect({ exitCode: swept.exitCode, lastLine: swept.lines.at(-1), clients: clientIds(emulator) }).toEqual({
    exitCode: 0,
    lastLine: `deleted=${id}.`,
    clients: [],
  });
});
