import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { type Outcome, runProgram } from '../../emulator/runner.ts';
import { source } from '../support/action.ts';
import { useEmulator, useFolder } from '../support/setup.ts';

// Tests of a step whose standard output is read late or not at all. The runner does not know the masks then.

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

describe('standard output that is read late', () => {
  it('delays the outputs until every mask has left the process', async () => {
    const plain_secret = '%'.repeat(20_000);
    emulator.faults.add({
      operation: 'createClient',
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, plain_secret }) },
    });
    const early = inFolder('early');
    const run = await runInto(`(sleep 1.5; cat "$GITHUB_OUTPUT" > "${early}"; cat)`, 'main', { verify: 'false' });
    expect([run.exitCode, run.outputs.secret, readFileSync(early, 'utf8')]).toEqual([0, plain_secret, '']);
    expect(run.masks).toContain(encodeURIComponent(plain_secret));
  });
});

describe('standard output that nobody reads', () => {
  it('publishes no credentials and leaves no client behind', async () => {
    const run = await runInto('true', 'main');
    expect([run.exitCode, run.outputs, run.stderr, emulator.clients()]).toEqual([1, {}, '', []]);
  });

  it('does not keep the post step from its work', async () => {
    const { exitCode, state } = await runInto('cat', 'main', { lifetime: 'job' });
    expect([exitCode, emulator.clients().length]).toEqual([0, 1]);
    const post = await runInto('true', 'post', { lifetime: 'job' }, { STATE_client: state.client });
    expect([post.exitCode, post.stderr, emulator.clients()]).toEqual([0, '', []]);
  });
});
