// The command line of the emulator (`npm run emulator`): starts it and prints the variables to set.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmulator } from './index.ts';
import { defaultBehaviour } from './scalekit/behaviour.ts';
import { parseSetup, prepareGitHub, setupOptions } from './setup.ts';

/** The behaviours that a text can set. `tokenChanges` is a function. */
const BEHAVIOURS = Object.entries(defaultBehaviour)
  .filter(([, value]) => typeof value !== 'function')
  .map(([name]) => name);

const usage = `Usage: npm run -s emulator -- [options]

  --port N               listen on this port of 127.0.0.1 (any free one if not given)
  --tls                  serve https; NODE_EXTRA_CA_CERTS names the file with the
                         certificate authority
  --http2                serve https with HTTP/2 and HTTP/1.1. Scalekit's SDKs need HTTP/2,
                         because they use gRPC. To trust the certificate authority, the SDK
                         for Python needs the name of its file in REQUESTS_CA_BUNDLE and
                         GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, and that for Go in SSL_CERT_FILE
  --github               print the variables that the runner sets for a job, those of GitHub's
                         API and ID tokens included. SECRETS_TOKEN is a token that may do
                         everything there. ENDED_RUN_ID is the id of a completed run
  --repository OWNER/NAME
                         a repository on GitHub (repeatable); the job is in the first one,
                         acme/inventory-service if not given; implies --github
  --environment NAME     a deployment environment of each repository (repeatable); the job's
                         ID token names the first one. If not given, there is production,
                         and the ID token names no environment; implies --github
  --organization-external-id ID
                         your own id of the organization
  --secret-age DAYS      the first secret of a new client is DAYS days old, so that
                         rotate_after can be due in the next run
  --append-to FILE       print the variables, and append them to FILE, such as "$GITHUB_ENV"
  --background           return when the emulator serves requests. It continues if the shell
                         ends; EMULATOR_PID is the id of its process
  --behaviour NAME=VALUE choose a behaviour that the API's documentation leaves open
                         (repeatable):
                         ${BEHAVIOURS.join(', ')}
  --fault JSON           simulate a fault (repeatable), for example
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
      http2: { type: 'boolean', default: false },
      github: { type: 'boolean', default: false },
      // Not --env-file: Node parses that option itself, wherever it is on the command line.
      'append-to': { type: 'string' },
      background: { type: 'boolean', default: false },
      behaviour: { type: 'string', multiple: true, default: [] },
      fault: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
      ...setupOptions,
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  if (values.background) return await startInBackground();
  const port = Number(values.port);
  const setup = parseSetup(values);
  const emulator = await startEmulator({
    ...(values.tls || values.http2 ? { tls: true, tlsPort: port, http2: values.http2 } : { port }),
    behaviour: Object.fromEntries(values.behaviour.map(parseSetting)),
    faults: values.fault.map((rule) => JSON.parse(rule)),
    ...setup.options,
  });
  const folder = emulator.ca && (await mkdtemp(join(tmpdir(), 'scalekit-emulator-')));
  const variables = { ...emulator.variables };
  if (setup.withGitHub) Object.assign(variables, prepareGitHub(emulator, setup));
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

/**
 * Starts this program again as a process that is detached from the shell. Returns when that process serves requests or
 * has failed.
 */
async function startInBackground(): Promise<void> {
  const args = process.argv.slice(1).filter((arg) => arg !== '--background');
  const program = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  program.stderr.pipe(process.stderr);
  const [outputOrCode] = await Promise.race([once(program.stdout, 'data'), once(program, 'close')]);
  if (typeof outputOrCode === 'number') process.exitCode = outputOrCode;
  else process.stdout.write(`${outputOrCode}EMULATOR_PID=${program.pid}\n`);
  for (const handle of [program.stdout, program.stderr]) handle.destroy();
  program.unref();
}

/**
 * Parses `listLag=500` into a name and a value. The value is parsed as JSON if it is JSON, otherwise it is the text.
 */
function parseSetting(text: string): [string, unknown] {
  const [, name = '', value = ''] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (!BEHAVIOURS.includes(name)) throw new Error(`--behaviour ${text}: expected NAME=VALUE, see --help`);
  const parsed = parseJsonOrText(value);
  const usual = defaultBehaviour[name as keyof typeof defaultBehaviour];
  if (typeof usual === 'number' && typeof parsed !== 'number')
    throw new Error(`--behaviour ${text}: expected a number, such as ${usual}`);
  if (Array.isArray(usual) && !Array.isArray(parsed)) throw new Error(`--behaviour ${text}: expected a list in JSON`);
  return [name, parsed];
}

function parseJsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
