import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { RUNNER_VARIABLES } from '../../emulator/variables.ts';
import { runBare } from '../support/action.ts';
import { useFolder } from '../support/folders.ts';
import { itWith } from '../support/programs.ts';

const root = path.join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

const running: number[] = [];
afterEach(() => {
  for (const pid of running.splice(0)) process.kill(pid);
});

type Variables = Record<string, string>;

/** Starts the program in the background, as a user does. @returns the variables that it prints */
async function start(...options: string[]): Promise<Variables> {
  const { stdout } = await run(process.execPath, ['emulator/cli.ts', '--background', ...options], { cwd: root });
  const variables = Object.fromEntries(stdout.trim().split('\n').map(parseLine));
  running.push(Number(variables.EMULATOR_PID));
  return variables;
}

function parseLine(line: string): [string, string] {
  const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
  return [name, value];
}

/** Runs the program with invalid options. @returns its exit code and the lines before the usage */
async function refusal(...options: string[]): Promise<{ code: unknown; lines: string[] }> {
  const error = await run(process.execPath, ['emulator/cli.ts', ...options], { cwd: root }).then(
    () => undefined,
    (failure) => failure,
  );
  const [message = ''] = String(error?.stderr).split('\n\nUsage:');
  return { code: error?.code, lines: message.split('\n') };
}

async function idTokenOf(variables: Variables): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${variables.ACTIONS_ID_TOKEN_REQUEST_TOKEN}` };
  const response = await fetch(String(variables.ACTIONS_ID_TOKEN_REQUEST_URL), { headers });
  return decodeJwt(((await response.json()) as { value: string }).value);
}

/** Reads a path of GitHub's API with the token that may do everything. @returns the status */
async function statusOf({ GITHUB_API_URL, SECRETS_TOKEN }: Variables, repositoryPath: string): Promise<number> {
  const headers = { authorization: `token ${SECRETS_TOKEN}` };
  return (await fetch(`${GITHUB_API_URL}/repos/${repositoryPath}`, { headers })).status;
}

/** Returns the protocol that a server chooses if a client offers one, or null if the server refuses it. */
async function chosenProtocol({ SCALEKIT_ENVIRONMENT_URL, NODE_EXTRA_CA_CERTS }: Variables, protocol: string) {
  const { hostname: host, port } = new URL(String(SCALEKIT_ENVIRONMENT_URL));
  const ca = readFileSync(String(NODE_EXTRA_CA_CERTS));
  const socket = tls.connect({ host, port: Number(port), ca, ALPNProtocols: [protocol] });
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'error')]).catch(() => {});
  socket.destroy();
  return socket.alpnProtocol;
}

const inFolder = useFolder();

describe('the command line of the emulator', () => {
  it('the emulator prints its variables, appends them to the file of --append-to, and stops on a signal', async () => {
    const file = inFolder('env');
    const args = ['emulator/cli.ts', '--tls', '--append-to', file, '--behaviour', 'tokenErrors=text'];
    const program = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed] = await once(program.stdout, 'data');
    expect(readFileSync(file, 'utf8')).toBe(String(printed));
    const variables = Object.fromEntries(String(printed).trim().split('\n').map(parseLine));

    // Node reads NODE_EXTRA_CA_CERTS only when it starts, so the request runs in a new process.
    const script = `fetch(process.env.SCALEKIT_ENVIRONMENT_URL + '/oauth/token', { method: 'POST', body: new URLSearchParams() })
      .then((response) => response.text()).then(console.log, (error) => console.log(error.cause.code))`;
    const { stdout } = await run(process.execPath, ['-e', script], { env: variables });
    expect(stdout).toBe('unsupported grant type\n');

    program.kill('SIGTERM');
    const [exitCode] = await once(program, 'exit');
    expect({ exitCode, isCaKept: existsSync(String(variables.NODE_EXTRA_CA_CERTS)) }).toEqual({
      exitCode: 0,
      isCaKept: false,
    });
  });

  it('the emulator offers HTTP/2 and HTTP/1.1 with --http2, and only HTTP/1.1 with --tls', async () => {
    const [http2, https] = await Promise.all([start('--http2'), start('--tls')]);
    expect(await chosenProtocol(http2, 'h2')).toBe('h2');
    expect(await chosenProtocol(http2, 'http/1.1')).toBe('http/1.1');
    expect(await chosenProtocol(https, 'h2')).toBeNull();
    expect(await chosenProtocol(https, 'http/1.1')).toBe('http/1.1');
  });

  it.each([
    { what: 'an unknown option', options: ['--nonsense'], named: '--nonsense' },
    { what: 'an unknown behaviour', options: ['--behaviour', 'nonsense=1'], named: 'nonsense=1' },
    { what: 'a behaviour that is a function', options: ['--behaviour', 'tokenChanges=1'], named: 'tokenChanges=1' },
    { what: 'an invalid port', options: ['--port', 'nonsense'], named: 'port' },
    { what: 'an invalid port in the background', options: ['--background', '--port', 'nonsense'], named: 'port' },
  ])('the emulator refuses $what, and prints its usage', async ({ options, named }) => {
    const { code, lines } = await refusal(...options);
    expect({ code, lines }).toEqual({ code: 2, lines: [expect.stringContaining(named)] });
  });

  it('the emulator prints no variables of GitHub without an option for GitHub', async () => {
    expect(Object.keys(await start()).sort()).toEqual([
      'EMULATOR_PID',
      'SCALEKIT_CLIENT_ID',
      'SCALEKIT_CLIENT_SECRET',
      'SCALEKIT_ENVIRONMENT_URL',
      'SCALEKIT_ORGANIZATION_ID',
    ]);
  });

  it('the emulator prints the variables of a job with --github, and has the environment production, which no ID token names', async () => {
    const variables = await start('--github');
    expect(variables).toMatchObject(RUNNER_VARIABLES);
    const repository = RUNNER_VARIABLES.GITHUB_REPOSITORY;
    expect(await statusOf(variables, `${repository}/environments/production`)).toBe(200);
    expect(await statusOf(variables, `${repository}/environments/staging`)).toBe(404);
    const claims = await idTokenOf(variables);
    expect(claims).toMatchObject({ repository, run_id: variables.GITHUB_RUN_ID });
    expect(claims).not.toHaveProperty('environment');
  });

  it('the emulator creates the environments of --environment, and names the first one in the ID token', async () => {
    const variables = await start('--environment', 'preview/pr-7', '--environment', 'staging');
    const repository = RUNNER_VARIABLES.GITHUB_REPOSITORY;
    expect(await idTokenOf(variables)).toMatchObject({ repository, environment: 'preview/pr-7' });
    for (const name of ['preview%2Fpr-7', 'staging'])
      expect(await statusOf(variables, `${repository}/environments/${name}`)).toBe(200);
    expect(await statusOf(variables, `${repository}/environments/production`)).toBe(404);
  });

  it('the emulator creates the repositories of --repository with all environments, and the job belongs to the first one', async () => {
    const variables = await start('--repository', 'octo/shop', '--repository', 'acme/checkout');
    const job = { GITHUB_REPOSITORY: 'octo/shop', GITHUB_REPOSITORY_OWNER: 'octo' };
    expect(variables).toMatchObject({
      ...job,
      GITHUB_WORKFLOW_REF: 'octo/shop/.github/workflows/deploy.yml@refs/heads/main',
    });
    expect(await idTokenOf(variables)).toMatchObject({ repository: 'octo/shop', repository_owner: 'octo' });
    for (const name of ['octo/shop', 'acme/checkout'])
      expect(await statusOf(variables, `${name}/environments/production`)).toBe(200);
    expect(await statusOf(variables, RUNNER_VARIABLES.GITHUB_REPOSITORY)).toBe(404);
  });

  it('the action can save credentials in each repository of --repository', async () => {
    const env = await start('--repository', 'octo/shop', '--repository', 'acme/checkout');
    for (const repository of ['octo/shop', 'acme/checkout']) {
      const inputs = { repository, environment: 'production', save_to: 'environment', github_token: env.SECRETS_TOKEN };
      const { annotations, outputs } = await runBare({ inputs: inputs as Variables, env });
      expect({ annotations, result: outputs.result }).toEqual({ annotations: [], result: 'created' });
      expect(await statusOf(env, `${repository}/environments/production/secrets/SCALEKIT_M2M_CLIENT_SECRET`)).toBe(200);
    }
  });

  it('the organization of the emulator has the external id of --organization-external-id', async () => {
    const { SCALEKIT_ORGANIZATION_ID, ...env } = await start('--organization-external-id', 'acme/42 b');
    const inputs = { organization_external_id: 'acme/42 b', lifetime: 'job' };
    const { outputs } = await runBare({ inputs, env });
    expect(outputs).toMatchObject({ organization_id: SCALEKIT_ORGANIZATION_ID, result: 'created' });
  });

  it('the first secret of a client has the age of --secret-age, and later secrets are new', async () => {
    const env = await start('--secret-age', '31');
    const inputs = { lifetime: 'persistent', on_existing: 'reuse', rotate_after: '30' };
    const results = [];
    for (let night = 0; night < 3; night += 1) results.push((await runBare({ inputs, env })).outputs.result);
    expect(results).toEqual(['created', 'rotated', 'reused']);
  });

  it('the emulator names invalid names, ids and ages in one error', async () => {
    const long = 'x'.repeat(257);
    const invalid = ['--repository', 'acme', '--repository', 'acme/..', '--environment', ' ', '--secret-age', 'old'];
    expect(await refusal('--github', ...invalid, '--organization-external-id', long)).toEqual({
      code: 2,
      lines: [
        '--repository acme: expected OWNER/NAME',
        '--repository acme/..: expected OWNER/NAME',
        '--environment  : expected a name of 1 to 255 characters',
        `--organization-external-id ${long}: expected an id of 1 to 256 characters`,
        '--secret-age old: expected a number of days, 0 to 9999',
      ],
    });
  });

  it.each([
    ['listLag=soon', 'expected a number, such as 0'],
    ['forbidden=deleteClient', 'expected a list in JSON'],
    ['listLagg=5', 'expected NAME=VALUE, see --help'],
  ])('the emulator refuses a behaviour that has no effect: %s', async (behaviour, expected) => {
    expect(await refusal('--behaviour', behaviour)).toEqual({
      code: 2,
      lines: [`--behaviour ${behaviour}: ${expected}`],
    });
  });

  it('the emulator refuses a name that is given twice, regardless of case', async () => {
    const twice = ['--repository', 'acme/a', '--repository', 'Acme/A', '--environment', 'e', '--environment', 'E'];
    expect(await refusal(...twice)).toEqual({
      code: 2,
      lines: ['--repository Acme/A: expected each name once', '--environment E: expected each name once'],
    });
  });
});

describe('the modes that docs/emulator.md shows', () => {
  const page = readFileSync(path.join(root, 'docs', 'emulator.md'), 'utf8');
  const [setUp = '', commands = ''] = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text);
  const modes = [...commands.matchAll(/^# (.*) → (.*)\n((?:.+\n)+)/gm)].map(([, mode, shown = '', command]) => ({
    mode,
    shown,
    command,
  }));

  it('this test reads all modes of docs/emulator.md', () => {
    expect(modes.length).toBeGreaterThan(15);
    expect(modes.length).toBe(commands.split(/^# /m).length - 1);
  });

  itWith(
    'bash',
    'npm',
    'curl',
    'jq',
  )(
    'the commands of docs/emulator.md print what the page says',
    async () => {
      const steps = modes.map(({ command }) =>
        [
          `before=$(wc -l < "$GITHUB_OUTPUT")`,
          `${command}echo "exit code $?"`,
          `tail -n "+$((before + 1))" "$GITHUB_OUTPUT"; echo "${END}"`,
        ].join('\n'),
      );
      const script = [setUp, `trap 'kill "$EMULATOR_PID"' EXIT`, ...steps].join('\n');
      const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`;
      const env = { PATH, HOME: process.env.HOME };
      const { stdout } = await run('bash', ['--noprofile', '--norc', '-c', script], { cwd: root, env });
      const printed = stdout.split(`${END}\n`);
      for (const [index, { mode, shown }] of modes.entries()) {
        const text = printed[index];
        expect({ mode, text }).toEqual({ mode, text: expect.stringContaining(shown) });
        expect({ mode, text }).toEqual({ mode, text: expect.stringContaining('exit code 0') });
      }
    },
    60_000,
  );
});

/** Ends what a mode printed. */
const END = '-- end of the mode';
