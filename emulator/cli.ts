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

const usage = `Usage: npm run -s emulator -- [options]

  --port N               listen on this port of 127.0.0.1 (any free one if not given)
  --tls                  serve https; the certificate's authority is written to a file
  --http2                serve https with HTTP/2 beside HTTP/1.1, for Scalekit's SDKs, which
                         use gRPC. Without TLS there is HTTP/1.1 alone, because the SDKs
                         for Python and Go use gRPC over TLS only. To trust the authority,
                         Python needs the name of its file in REQUESTS_CA_BUNDLE and
                         GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, and Go in SSL_CERT_FILE
  --github               print what names GitHub's API and ID tokens too, and as
                         SECRETS_TOKEN a token that may do everything there; further the
                         runner's variables of a job, and as ENDED_RUN_ID the id of an
                         earlier run that is over
  --repository OWNER/NAME
                         a repository on GitHub (repeatable); the job is in the first one,
                         acme/inventory-service if not given; implies --github
  --environment NAME     a deployment environment of each repository (repeatable); the job's
                         ID token names the first one. If not given, there is one named
                         production, and the ID token names none; implies --github
  --organization-external-id ID
                         your own id of the organization
  --secret-age DAYS      the first secret of a new client is DAYS days old, so that
                         rotate_after can be due in the next run
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
  if (!Object.hasOwn(defaultBehaviour, name)) throw new Error(`--behaviour ${text}: expected NAME=VALUE, see --help`);
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
