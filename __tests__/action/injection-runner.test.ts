import { writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { errors, runAction, savingIn } from '../support/action.ts';
import { checkOutcome, SIGN, useCheckedRuns } from '../support/checked-run.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { expectSucceeded } from '../support/outcomes.ts';
import { sentTo } from '../support/requests.ts';

// What an earlier step or a broken runner can put into variables, into the state and into the runner's files.

const emulator = useEmulator();
const inFolder = useFolder();
const run = useCheckedRuns();

/** A value of a variable, and the path of a file that does not exist. */
const HOSTILE = `/nowhere/${SIGN}\r::add-mask::a\u001b[31m##[error]\u202e`;

/** A state as the runner passes it to the post step, but with this seal. */
function forgedState(seal: string | undefined): string {
  const client = { id: 'm2morg_1', sent_at: 1, sent_again: false };
  const run = { nonce: 'x', run: '17345678901.1', lifetime: 'job' };
  return JSON.stringify({ origin: emulator.url, organization_id: emulator.organization.id, ...run, client, seal });
}

it.each<[what: string, state: () => string]>([
  ['without a seal', () => forgedState(undefined)],
  ['with a wrong seal', () => forgedState('x')],
  ['that is not JSON', () => `${SIGN}\n::error::x`],
  ['that is nested 10,000 times', () => `{"client":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
])('warns in the post step about a state %s, and sends no request', async (_, state) => {
  const main = await runAction(emulator, { inputs: { organization_id: 'x' } });
  const post = await main.post({ state: { client: state() } });
  const lines = checkOutcome(emulator, post).join('\n');
  expect(post).toMatchObject({ exitCode: 0, annotations: [{ kind: 'warning' }] });
  expect(emulator.requests).toEqual([]);
  // A person could send a token to an address in a suggested call, so a forged one must not appear.
  expect(lines).not.toMatch(/(DELETE|PATCH) https?:/);
});

it.each([
  ['the main action', ''],
  ['delete/', 'delete'],
])('fails and leaves no client if %s cannot write the file for outputs', async (_, action) => {
  const checked = await run(emulator, { action, env: { GITHUB_OUTPUT: HOSTILE } });
  expect(checked.exitCode).toBe(1);
  expect(emulator.clients()).toEqual([]);
  expect(errors(checked)).toEqual([expect.stringMatching(/^Could not set the outputs: /)]);
});

it('fails before it creates anything if the file for state cannot be written', async () => {
  const checked = await run(emulator, { env: { GITHUB_STATE: HOSTILE } });
  expect(checked).toMatchObject({ exitCode: 1, entries: [] });
  expect(sentTo(emulator, 'createClient')).toEqual([]);
  expect(errors(checked)).toEqual([expect.stringMatching(/^Could not write the state for the post step: /)]);
});

it.each<{ what: string; action: string; file: string }>([
  { what: 'the main action, and its file is not set', action: '', file: '' },
  { what: 'audit/, and its file cannot be written', action: 'audit', file: HOSTILE },
])('succeeds without the job summary: $what', async ({ action, file }) => {
  const checked = await run(emulator, { action, env: { GITHUB_STEP_SUMMARY: file } });
  expect(checked).toMatchObject({ exitCode: 0, annotations: [] });
  expect(checked.entries).not.toEqual([]);
  expect(checked.lines.join('\n')).toContain('The job summary could not be written: ');
});

it('saves credentials although the payload of the event is null', async () => {
  const GITHUB_EVENT_PATH = inFolder('event.json');
  writeFileSync(GITHUB_EVENT_PATH, 'null');
  const checked = await run(emulator, { inputs: savingIn(emulator), env: { GITHUB_EVENT_PATH } });
  expect(checked).toMatchObject({ exitCode: 0, annotations: [] });
  expect(checked.entries).toHaveLength(5);
});

it('fails on an event payload that is not JSON only if the step calls GitHub', async () => {
  const GITHUB_EVENT_PATH = inFolder('event.json');
  writeFileSync(GITHUB_EVENT_PATH, `{"pull_request": ${SIGN}\n::error::x`);
  const message =
    'Bad input: GITHUB_EVENT_PATH: names a file that is not JSON; expected the event, as the runner writes it';
  const saving = await run(emulator, { inputs: savingIn(emulator), env: { GITHUB_EVENT_PATH } });
  expect(saving).toMatchObject({ exitCode: 1, annotations: [{ kind: 'error', message }] });
  expect(emulator.requests).toEqual([]);
  const other = await run(emulator, { env: { GITHUB_EVENT_PATH } });
  expect(other).toMatchObject({ exitCode: 0, annotations: [] });
});

it('prints no part of a hostile https_proxy as a command, and fails', async () => {
  const inputs = { scalekit_environment_url: 'https://acme.example', timeout: '5' };
  const checked = await run(emulator, { inputs, env: { https_proxy: HOSTILE } });
  expect(checked.exitCode).toBe(1);
  expect(errors(checked)).toHaveLength(1);
});

it('prints no part of hostile variables that it does not need as a command, and succeeds', async () => {
  const names = ['no_proxy', 'GITHUB_SERVER_URL', 'RUNNER_TEMP', 'GITHUB_RETENTION_DAYS'];
  const checked = await run(emulator, { env: Object.fromEntries(names.map((name) => [name, HOSTILE])) });
  expect(checked).toMatchObject({ exitCode: 0, stderr: '' });
  expectSucceeded(checked);
});
