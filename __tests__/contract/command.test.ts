import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { ASSUMPTIONS } from '../../contract/assumptions/index.ts';
import type { Emulator } from '../../emulator/index.ts';
import { SCOPES } from '../support/contract.ts';
import { anotherEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';

// `npm run contract`.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const inFolder = useFolder();

const variablesOf = ({ variables }: Emulator) => ({ ...variables, SCALEKIT_CONTRACT_SCOPES: SCOPES });

/** Starts the script. `run.ended` resolves with its exit code and its output. */
function launch(env: Record<string, string>, ...args: string[]) {
  const program = spawn(process.execPath, [path.join(ROOT, 'scripts/contract.ts'), ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  let output = '';
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (data) => (output += data));
  const ended = once(program, 'close').then(([code]) => ({ exitCode: code as number, output }));
  return { program, ended };
}

it('checks the emulator if no variable is set, and writes a job summary', async () => {
  const summary = inFolder('summary.md');
  const { exitCode, output } = await launch({ GITHUB_STEP_SUMMARY: summary }).ended;
  expect({ exitCode, output }).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining('All that the action needs holds.'),
  });
  expect(output).not.toContain('::');
  const text = readFileSync(summary, 'utf8');
  expect(text.match(/<tr>/g)).toHaveLength(1 + ASSUMPTIONS.length + 3);
});

it.concurrent.each<{ fault: string; env: Record<string, string>; args?: string[]; error: RegExp }>([
  {
    fault: 'some variables are missing',
    env: { SCALEKIT_CLIENT_ID: 'skc_1' },
    error: /SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_SECRET/,
  },
  {
    fault: 'no variable is set and --real is given',
    env: {},
    args: ['--real'],
    error: /Missing: SCALEKIT_ENVIRONMENT_URL/,
  },
  {
    fault: 'the URL is plain http, an id is wrong, and a switch disables the check of certificates',
    env: {
      SCALEKIT_ENVIRONMENT_URL: 'http://acme.scalekit.com',
      SCALEKIT_CLIENT_ID: 'skc_1',
      SCALEKIT_CLIENT_SECRET: ['test', 'x'.repeat(20)].join('_'),
      SCALEKIT_ORGANIZATION_ID: 'acme',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    },
    error: /expected https[\s\S]*SCALEKIT_ORGANIZATION_ID[\s\S]*NODE_TLS_REJECT_UNAUTHORIZED/,
  },
  {
    fault: 'the id is that of another kind of client, and the secret cannot be redacted in all forms',
    env: {
      SCALEKIT_ENVIRONMENT_URL: 'https://acme.scalekit.com',
      SCALEKIT_CLIENT_ID: 'm2morg_1',
      SCALEKIT_CLIENT_SECRET: 'two words',
      SCALEKIT_ORGANIZATION_ID: 'org_1',
    },
    error:
      /^SCALEKIT_CLIENT_ID: got "m2morg_1"[\s\S]*\nSCALEKIT_CLIENT_SECRET: is not 8 characters(?![\s\S]*two words)/,
  },
])('exits with 2 and names what is wrong if $fault', async ({ env, args = [], error }) => {
  const { exitCode, output } = await launch(env, ...args).ended;
  expect({ exitCode, output }).toEqual({ exitCode: 2, output: expect.stringMatching(error) });
});

it.concurrent('exits with 1 if an assumption that the action needs does not hold', async () => {
  await using emulator = await anotherEmulator({ behaviour: { claimsInToken: 'absent' } });
  const { exitCode, output } = await launch(variablesOf(emulator)).ended;
  expect({ exitCode, output }).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining('seen to hold: token-claims.'),
  });
});

it.concurrent.each([
  { signal: 'SIGINT', code: 130, operation: 'createClient', call: 3 },
  { signal: 'SIGTERM', code: 143, operation: 'createClient', call: 1 },
  { signal: 'SIGHUP', code: 129, operation: 'addSecret', call: 2 },
  { signal: 'SIGINT', code: 130, operation: 'token', call: 1 },
] as const)(
  'deletes its clients and prints the table if it receives $signal during $operation $call',
  async ({ signal, code, operation, call }) => {
    await using emulator = await anotherEmulator();
    let calls = 0;
    const arrived = new Promise<void>((resolve) => {
      emulator.hold = async (when, request) => {
        if (when === 'after' && request.operation === operation && ++calls === call) {
          resolve();
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
      };
    });
    const { program, ended } = launch(variablesOf(emulator));
    await arrived;
    program.kill(signal);
    const { exitCode, output } = await ended;
    expect({ exitCode, output, clients: emulator.clients() }).toMatchObject({
      exitCode: code,
      output: expect.stringContaining('Not everything was asked: the run was interrupted.'),
      clients: [],
    });
    expect(output.match(/^ +seen: /gm)).toHaveLength(ASSUMPTIONS.length);
  },
);

it.concurrent('deletes its clients if it receives a second signal while it deletes', async () => {
  await using emulator = await anotherEmulator();
  const { program, ended } = launch(variablesOf(emulator));
  // The first request after the first signal reads a client that is to be removed.
  const signals = { updateClient: 'SIGINT', getClient: 'SIGTERM' } as const;
  let isInterrupted = false;
  emulator.hold = async (when, { operation }) => {
    if (when !== 'before' || !(operation === 'updateClient' || (isInterrupted && operation === 'getClient'))) return;
    isInterrupted = true;
    program.kill(signals[operation]);
    await new Promise((resolve) => setTimeout(resolve, 300));
  };
  const { exitCode } = await ended;
  expect({ exitCode, clients: emulator.clients() }).toEqual({ exitCode: 130, clients: [] });
});

it.concurrent('deletes a client whose create request hangs when the contract is interrupted', async () => {
  await using emulator = await anotherEmulator();
  emulator.faults.add({ operation: 'createClient', call: 2, when: 'after', fault: { kind: 'hang' } });
  const { program, ended } = launch(variablesOf(emulator));
  while (emulator.clients().length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  program.kill('SIGINT');
  const { exitCode } = await ended;
  expect({ exitCode, clients: emulator.clients() }).toEqual({ exitCode: 130, clients: [] });
});

it.concurrent('deletes its clients if the reader of its output has closed the pipe', async () => {
  await using emulator = await anotherEmulator();
  const { program, ended } = launch(variablesOf(emulator));
  program.stdout.destroy();
  program.stderr.destroy();
  await ended;
  expect(emulator.clients()).toEqual([]);
  expect(emulator.requests.length).toBeGreaterThan(20);
});

it('contract/ imports neither the emulator nor a package', () => {
  const files = globSync('contract/**/*.ts', { cwd: ROOT });
  const imports = files.flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/from '([^']+)'|import\('([^']+)'\)/g)].map(
      ([, name = '']) => (name.startsWith('.') ? path.posix.join(path.posix.dirname(file), name).split('/')[0] : name),
    ),
  );
  expect([...new Set(imports)].sort()).toEqual(['contract', 'node:crypto', 'node:http', 'node:timers/promises', 'src']);
});
