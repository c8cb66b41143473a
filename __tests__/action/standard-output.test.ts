import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { type Outcome, runProgram } from '../../emulator/runner.ts';
import { source } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';

// A step whose standard output is read late or not read. Until then the runner does not know the masks.

const fileOf = (entry: string) =>
  fileURLToPath(new URL(`../../${source ?? 'dist'}/${entry}.${source === 'src' ? 'ts' : 'js'}`, import.meta.url));

const emulator = useEmulator();
const inFolder = useFolder();

/**
 * Runs an entry file, with its standard output piped into shell commands.
 * @param reader the shell commands
 */
function runInto(reader: string, entry: string, inputs: Record<string, string> = {}, env = {}): Promise<Outcome> {
  const command = ['bash', '--noprofile', '--norc', '-o', 'pipefail', '-c', `"$0" "$1" | ${reader}`];
  return runProgram({ inputs, env: { ...emulator.variables, ...env } }, [...command, process.execPath, fileOf(entry)]);
}

it('sets the outputs only after every mask command has left the process', async () => {
  const plain_secret = '%'.repeat(20_000);
  const edit = (body: object) => ({ ...body, plain_secret });
  emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
  const [created, early] = [inFolder('created'), inFolder('early')];
  emulator.hold = (when, { operation }) => {
    if (when === 'after' && operation === 'createClient') writeFileSync(created, '');
  };
  // Without the wait for the masks, the outputs are set in less than a second after the response with the secret.
  const reader = `(until [ -e "${created}" ]; do sleep 0.1; done; sleep 1; cat "$GITHUB_OUTPUT" > "${early}"; cat)`;
  const run = await runInto(reader, 'main', { verify: 'false' });
  expect(readFileSync(early, 'utf8')).toBe('');
  expect(run).toMatchObject({ exitCode: 0, outputs: { secret: plain_secret } });
  expect(run.masks).toContain(encodeURIComponent(plain_secret));
});

it('sets no output and deletes the new client if nothing reads its standard output', async () => {
  const run = await runInto('true', 'main');
  expect({ exitCode: run.exitCode, outputs: run.outputs, stderr: run.stderr }).toEqual({
    exitCode: 1,
    outputs: {},
    stderr: '',
  });
  expect(emulator.clients()).toEqual([]);
});

it('deletes the client in the post step although nothing reads the standard output', async () => {
  const { exitCode, state } = await runInto('cat', 'main', { lifetime: 'job' });
  expect(exitCode).toBe(0);
  expect(emulator.clients()).toHaveLength(1);
  const post = await runInto('true', 'post', { lifetime: 'job' }, { STATE_client: state.client });
  expect(post).toMatchObject({ exitCode: 0, stderr: '' });
  expect(emulator.clients()).toEqual([]);
});
