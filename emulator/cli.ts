import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmulator } from './index.ts';
import { defaultBehaviour } from './scalekit/behaviour.ts';

const usage = `Usage: npm run -s emulator -- [options]

  --port N               listen on this port of 127.0.0.1 (any free one if not given)
  --tls                  serve https; the certificate's authority is written to a file
  --github               print what names GitHub's API and ID tokens too, and as
                         SECRETS_TOKEN a token that may do everything there
  --append-to FILE       append the variables to FILE too, say "$GITHUB_ENV"
  --background           return once it serves, and go on without the shell; prints
                         EMULATOR_PID too
  --behaviour NAME=VALUE behave so where the API's documentation is silent (repeatable):
                         ${Object.keys(defaultBehaviour).join(', ')}
  --fault JSON           a rule of the fault plan (repeatable), as
                         {"operation":"createClient","call":1,"when":"after","fault":{"kind":"reset"}}

Prints the variables to set as KEY=value and runs until SIGINT or SIGTERM.
`;

try {
  await run();
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      tls: { type: 'boolean', default: false },
      github: { type: 'boolean', default: false },
      // Not --env-file: Node takes that one for its own, wherever it stands.
      'append-to': { type: 'string' },
      background: { type: 'boolean', default: false },
      behaviour: { type: 'string', multiple: true, default: [] },
      fault: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  if (values.background) return await goOnInBackground();
  const port = Number(values.port);
  const emulator = await startEmulator({
    ...(values.tls ? { tls: true, tlsPort: port } : { port }),
    behaviour: Object.fromEntries(values.behaviour.map(setting)),
    faults: values.fault.map((rule) => JSON.parse(rule)),
  });
  const folder = emulator.ca && (await mkdtemp(join(tmpdir(), 'scalekit-emulator-')));
  const variables = { ...emulator.variables };
  if (values.github) {
    const { token, idTokenVariables } = emulator.github;
    Object.assign(variables, emulator.github.variables, { SECRETS_TOKEN: token }, idTokenVariables);
  }
  if (folder && emulator.ca) {
    variables.NODE_EXTRA_CA_CERTS = join(folder, 'ca.pem');
    await writeFile(variables.NODE_EXTRA_CA_CERTS, emulator.ca);
  }
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  if (values['append-to']) await appendFile(values['append-to'], lines.join(''));
  process.stdout.write(lines.join(''));

  const stop = async () => {
    await emulator.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

/** Starts this program once more, apart from the shell, and ends when that one serves or fails. */
async function goOnInBackground(): Promise<void> {
  const args = process.argv.slice(1).filter((arg) => arg !== '--background');
  const program = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  program.stderr.pipe(process.stderr);
  const [said] = await Promise.race([once(program.stdout, 'data'), once(program, 'close')]);
  if (typeof said === 'number') process.exitCode = said;
  else process.stdout.write(`${said}EMULATOR_PID=${program.pid}\n`);
  for (const handle of [program.stdout, program.stderr]) handle.destroy();
  program.unref();
}

/** `listLag=500` as a name and a value: JSON where it is JSON, else the text itself. */
function setting(text: string): [string, unknown] {
  const [, name = '', value = ''] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (!Object.hasOwn(defaultBehaviour, name)) throw new Error(`--behaviour ${text}: expected NAME=VALUE, see --help`);
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}
