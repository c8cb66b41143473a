import { cpSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Server } from 'proxy-chain';
import { type Emulator, startEmulator } from '../emulator/index.ts';
import { type Outcome, runProgram, type Step } from '../emulator/runner.ts';
import { makeCertificate } from '../emulator/tls.ts';
import { credentialsWork, errors, runAction, savingIn, trust } from './support/action.ts';

// Tests of what the files in `dist` contain, and which of them a step needs.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ACTIONS = ['main', 'post', 'delete', 'sweep'];
const OCTOKIT = /@octokit\/|restEndpointMethods/;
const SEALING = /@noble\/|salsa/;
const UNDICI = /node_modules\/undici|UND_ERR/;

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const filesOf = (action: string) => readdirSync(path.join(ROOT, 'dist', action));
/** Returns the files of an action that contain one of the patterns. */
const holding = (action: string, ...what: RegExp[]) =>
  filesOf(action)
    .filter((name) => name.endsWith('.js'))
    .filter((name) => what.some((pattern) => pattern.test(read(`dist/${action}/${name}`))));

let folder: string;
let trusted: Record<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'bundle-'));
  trusted = trust(folder, (await makeCertificate('valid')).ca);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Copies an action with some of its files. @returns the folder, which has the layout of the repository */
function copyWith(action: string, isKept: (name: string) => boolean): string {
  const copy = mkdtempSync(path.join(folder, 'copy-'));
  const files = filesOf(action)
    .filter(isKept)
    .map((name) => path.join('dist', action, name));
  for (const file of ['action.yml', ...files]) cpSync(path.join(ROOT, file), path.join(copy, file));
  return copy;
}

describe('dist', () => {
  it('has 150,000 bytes at most in the file that starts', () => {
    expect(Buffer.byteLength(read('dist/main/index.js'))).toBeLessThanOrEqual(150_000);
  });

  it.each(ACTIONS)('has Octokit in one file of %s, which is not the one that starts', (action) => {
    expect(holding(action, OCTOKIT)).toEqual([expect.stringMatching(/^\d+\.index\.js$/)]);
  });

  it.each([
    ['main', /The client that Scalekit created differs from the requested one/],
    ['post', /No client of the create request that was cut off/],
  ])('has neither Octokit nor the sealing beside what %s does without GitHub', (action, itsWork) => {
    const [file, ...others] = holding(action, itsWork);
    expect([file, others]).toEqual([expect.any(String), []]);
    expect(holding(action, OCTOKIT, SEALING)).not.toContain(file);
    expect(holding(action, OCTOKIT, SEALING)).not.toContain('index.js');
  });

  it.each(ACTIONS)('has nothing of undici in %s but what stands in for it', (action) => {
    expect(read('node_modules/undici/lib/core/errors.js')).toMatch(UNDICI);
    expect(holding(action, UNDICI)).toEqual([]);
    expect(holding(action, /undici is not part of this bundle/)).toHaveLength(1);
    expect(read(`dist/${action}/LICENSES.txt`)).not.toMatch(/^undici /m);
  });
});

describe('the file that starts', () => {
  const NETWORK = ['tls', 'https', 'http'];

  /** Runs a file. @returns the outcome, and which of Node's network modules it loaded */
  async function loadedBy(file: string, env: Step['env'] = {}): Promise<[Outcome, string[]]> {
    const [preload, list] = [path.join(folder, 'preload.cjs'), path.join(folder, 'modules.json')];
    const note = `require('fs').writeFileSync(process.env.LIST, JSON.stringify(process.moduleLoadList))`;
    writeFileSync(preload, `process.on('exit', () => ${note});`);
    const command = [process.execPath, '--require', preload, file];
    const outcome = await runProgram({ env: { ...env, LIST: list } }, command);
    const modules: string[] = JSON.parse(readFileSync(list, 'utf8'));
    return [outcome, NETWORK.filter((name) => modules.includes(`NativeModule ${name}`))];
  }

  it.each([
    ['main judges bad inputs', 'main', 1, /^::error::\d+ bad inputs:/],
    ['post finds nothing to do', 'post', 0, /^$/],
  ])('is enough if %s, and loads no TLS', async (_, action, exitCode, said) => {
    const copy = copyWith(action, (name) => /^(index\.js|package\.json)$/.test(name));
    const [{ stdout, ...run }, loaded] = await loadedBy(path.join(copy, 'dist', action, 'index.js'));
    expect([run.exitCode, run.stderr, loaded]).toEqual([exitCode, '', []]);
    expect(stdout).toMatch(said);
  });

  it('loads TLS if the inputs are good', async () => {
    const emulator = await startEmulator();
    const [run, loaded] = await loadedBy(path.join(ROOT, 'dist/main/index.js'), emulator.variables);
    await emulator.close();
    expect([run.exitCode, loaded]).toEqual([0, NETWORK]);
  });
});

describe('without the files for GitHub', () => {
  let emulator: Emulator;
  /** The step that runs a copy without these files. */
  let step: { source: boolean; action: string };

  beforeAll(() => {
    const omitted = holding('main', OCTOKIT, SEALING);
    step = {
      source: false,
      action: path.relative(
        ROOT,
        copyWith('main', (name) => !omitted.includes(name)),
      ),
    };
  });
  afterEach(() => emulator.close());

  it('a client is made', async () => {
    emulator = await startEmulator({ tls: true });
    const inputs = { scalekit_environment_url: emulator.tlsUrl ?? '' };
    const run = await runAction(emulator, { ...step, inputs, env: trusted });
    expect([run.exitCode, run.annotations, await credentialsWork(emulator, run.outputs)]).toEqual([0, [], true]);
  });

  it('a client is made through a proxy', async () => {
    emulator = await startEmulator({ tls: 'remote' });
    const tunnels: (string | undefined)[] = [];
    const prepareRequestFunction: Server['prepareRequestFunction'] = ({ request }) => {
      tunnels.push(request.url);
      request.url = new URL(emulator.tlsUrl ?? '').host;
      return {};
    };
    const proxy = new Server({ port: 0, host: '127.0.0.1', prepareRequestFunction });
    await proxy.listen();
    const inputs = { scalekit_environment_url: 'https://acme.scalekit.invalid' };
    const env = { ...trusted, https_proxy: `http://127.0.0.1:${proxy.port}` };
    const run = await runAction(emulator, { ...step, inputs, env });
    await proxy.close(true);
    expect([run.exitCode, run.annotations, await credentialsWork(emulator, run.outputs)]).toEqual([0, [], true]);
    expect(new Set(tunnels)).toEqual(new Set(['acme.scalekit.invalid:443']));
  });

  it('no client is made whose credentials could not be saved', async () => {
    emulator = await startEmulator();
    const run = await runAction(emulator, { ...step, inputs: savingIn(emulator) });
    expect([run.exitCode, emulator.clients()]).toEqual([1, []]);
    expect(errors(run)).toEqual([expect.stringMatching(/^Cannot find module/)]);
  });
});

describe('what stands in for packages', () => {
  const paths: Record<string, [file: string]> = JSON.parse(read('tsconfig.json')).compilerOptions.paths;
  const LIBRARIES = 'node_modules/@actions/{core,github}/lib/**/*.js';

  /** Returns what a module uses of the packages, and of the objects that it creates with them. */
  function usesIn(text: string): string[] {
    const from = `['"]((?:${Object.keys(paths).join('|')})(?:/[\\w/-]+)?)['"]`;
    const statement = new RegExp(`(?:import ([^;'"]+) from )?${from}`, 'g');
    const rest = text.replace(statement, '');
    const all = (pattern: string) => rest.match(new RegExp(pattern, 'g')) ?? [];
    const imported = [...text.matchAll(statement)].flatMap(([, clause = 'everything', specifier]) => {
      const names = clause.match(/\w+(?= *[,}]|$)/g) ?? [];
      const members = names.flatMap((name) =>
        all(`\\b${name}\\b(?:\\.\\w+)?`).map((member) => member.replace(`${name}.`, '')),
      );
      return [...(clause.startsWith('*') ? [] : names), ...members].map((name) => `${name} of ${specifier}`);
    });
    const clients = [...rest.matchAll(/(\w+) = .*HttpClient\(/g)].map(([, client]) => client);
    const methods = clients.flatMap((client) => all(`(?<=\\b${client}\\s*\\.)\\w+`));
    return [...new Set([...imported, ...methods.map((name) => `${name} of an HttpClient`)])];
  }

  const uses = globSync(LIBRARIES, { cwd: ROOT })
    .sort()
    .map((file) => [file.replace('node_modules/@actions/', ''), usesIn(read(file))] as const)
    .filter(([, used]) => used.length > 0);

  /** Returns what the stand-ins export, in the same form as usesIn(). */
  async function offers(): Promise<string[]> {
    const modules = await Promise.all(
      Object.entries(paths).map(async ([name, [file]]) => [name, await import(file.replace('./', '../'))] as const),
    );
    const { HttpClient } = Object.fromEntries(modules)['@actions/http-client'];
    const methods = Object.getOwnPropertyNames(HttpClient.prototype).filter((name) => name !== 'constructor');
    return [
      ...modules.flatMap(([name, exported]) => Object.keys(exported).map((part) => `${part} of ${name}`)),
      ...methods.map((name) => `${name} of an HttpClient`),
    ];
  }

  it('is known by what @actions/core and @actions/github use', () => {
    expect(Object.fromEntries(uses)).toEqual({
      'core/lib/oidc-utils.js': [
        'HttpClient of @actions/http-client',
        'BearerCredentialHandler of @actions/http-client/lib/auth',
        'getJson of an HttpClient',
      ],
      'core/lib/platform.js': ['getExecOutput of @actions/exec'],
      'github/lib/internal/utils.js': [
        'HttpClient of @actions/http-client',
        'fetch of undici',
        'getAgent of an HttpClient',
        'getAgentDispatcher of an HttpClient',
      ],
    });
  });

  it('is all of that and nothing else, but for what only an ID token of @actions/core needs', async () => {
    const isReplaced = (use: string) => use.endsWith(' HttpClient') || Object.hasOwn(paths, use.split(' of ')[1] ?? '');
    const used = new Set(uses.flatMap(([, all]) => all).filter(isReplaced));
    expect(used.delete('getJson of an HttpClient')).toBe(true);
    expect((await offers()).sort()).toEqual([...used].sort());
  });

  it.each(['getIDToken', 'getDetails'])('is not met by the action, which never calls %s', (name) => {
    const users = (files: string) => globSync(files, { cwd: ROOT }).filter((file) => read(file).includes(name));
    expect([users('src/**/*.ts'), users(LIBRARIES).length > 0]).toEqual([[], true]);
  });
});
