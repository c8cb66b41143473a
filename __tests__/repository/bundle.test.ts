import { cpSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { Server } from 'proxy-chain';
import type { Emulator } from '../../emulator/index.ts';
import { type Outcome, runProgram, type Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, runAction, savingIn, trust } from '../support/action.ts';
import { useEmulators } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';

// Tests of what the files in `dist` contain, and which of them a step needs.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = path.join(ROOT, 'dist');
/** All JavaScript in dist, in bytes. */
const MOST_BYTES = 700_000;
const FILES = readdirSync(DIST);
const SCRIPTS = FILES.filter((name) => name.endsWith('.js'));
/** Files that no step loads that needs nothing of GitHub's API. */
const GITHUB_FILES = SCRIPTS.filter((name) => /^(octokit|sealed-box)/.test(name));

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
/** Returns the files of dist that contain a pattern. */
const holding = (pattern: RegExp) => SCRIPTS.filter((name) => pattern.test(read(`dist/${name}`)));

const start = useEmulators();
const inFolder = useFolder();

/** Copies the action with some of the files of dist. @returns the folder, which has the layout of the repository */
function copyWith(isKept: (name: string) => boolean): string {
  for (const file of ['action.yml', ...FILES.filter(isKept).map((name) => path.join('dist', name))])
    cpSync(path.join(ROOT, file), inFolder('copy', file));
  return inFolder('copy');
}

describe('dist', () => {
  it('dist has at most 700 kB of JavaScript', () => {
    const bytes = SCRIPTS.map((name) => Buffer.byteLength(read(`dist/${name}`)));
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MOST_BYTES);
  });

  it('dist has JavaScript with names without numbers, the licenses and package.json, and no other file', () => {
    expect(SCRIPTS).toEqual(
      expect.arrayContaining(['main.js', 'post.js', 'delete.js', 'sweep.js', 'audit.js', 'start.js']),
    );
    expect(FILES.filter((name) => /\d/.test(name))).toEqual([]);
    expect(FILES.filter((name) => !name.endsWith('.js'))).toEqual(['LICENSES.txt', 'package.json']);
  });

  it.each([
    [/class Transport\b/, 'shared.js'],
    [/class Scalekit\b/, 'shared.js'],
    [/class GitHub\b/, 'shared.js'],
    [/function secretForms\(/, 'entries.js'],
    [/async function provision\(/, 'provision.js'],
    [/async function deleteManagedClients\(/, 'removal.js'],
    [/async function auditClients\(/, 'removal.js'],
    [/function sealBox\(/, 'sealed-box.js'],
    [/function fetchWrapper\(/, 'octokit-packages.js'],
    [/function xsalsa20poly1305|const xsalsa20poly1305 =/, 'sealed-box-packages.js'],
  ])('dist has %p in exactly one file', (definition, file) => {
    expect(holding(definition)).toEqual([file]);
  });

  it("dist has none of undici's code, but its replacement", () => {
    const undici = /node_modules\/undici|UND_ERR/;
    expect(read('node_modules/undici/lib/core/errors.js')).toMatch(undici);
    expect(holding(undici)).toEqual([]);
    expect(holding(/undici is not part of this bundle/)).toHaveLength(1);
    expect(read('dist/LICENSES.txt')).not.toMatch(/^undici /m);
  });

  it.each(SCRIPTS.filter((name) => name.endsWith('-packages.js')))('LICENSES.txt names each package in %s', (file) => {
    const used = new Set(read(`dist/${file}`).match(/node_modules\/((@[\w-]+\/)?[\w-]+)(?=\/)/g));
    expect(used.size).toBeGreaterThan(0);
    for (const name of used)
      expect(read('dist/LICENSES.txt')).toMatch(new RegExp(`^${name.replace('node_modules/', '')} \\d`, 'm'));
  });
});

const NETWORK = ['tls', 'https', 'http'];
const isFirst = (name: string) => /^(main|post|start|entries|entries-packages)\.js$|^package\.json$/.test(name);

/** Runs a file. @returns the outcome, and which of Node's network modules it loaded */
async function loadedBy(file: string, env: Step['env'] = {}): Promise<[Outcome, string[]]> {
  const [preload, list] = [inFolder('preload.cjs'), inFolder('modules.json')];
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
])('dist needs only its first files, and loads no TLS, if %s', async (_, entry, exitCode, said) => {
  const [run, loaded] = await loadedBy(path.join(copyWith(isFirst), 'dist', `${entry}.js`));
  expect(run).toMatchObject({ exitCode, stderr: '', stdout: expect.stringMatching(said) });
  expect(loaded).toEqual([]);
});

it('dist loads TLS if the inputs are valid', async () => {
  const emulator = await start();
  const [run, loaded] = await loadedBy(path.join(DIST, 'main.js'), emulator.variables);
  expect(run.exitCode).toBe(0);
  expect(loaded).toEqual(NETWORK);
});

describe('without the files for GitHub', () => {
  /** Returns a step that runs a copy without these files. */
  function stepOfCopy() {
    expect(GITHUB_FILES).toHaveLength(4);
    const copy = copyWith((name) => !GITHUB_FILES.includes(name));
    return { source: undefined, action: path.relative(ROOT, copy) };
  }

  /** Makes processes trust the authority of an emulator. */
  const trusting = ({ ca }: Emulator) => trust(inFolder(), ca);

  it('dist creates a client without its files for GitHub', async () => {
    const emulator = await start({ tls: true });
    const inputs = { scalekit_environment_url: emulator.tlsUrl ?? '' };
    const run = await runAction(emulator, { ...stepOfCopy(), inputs, env: trusting(emulator) });
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it('dist creates a client through a proxy without its files for GitHub', async () => {
    const emulator = await start({ tls: 'remote' });
    const tunnels: (string | undefined)[] = [];
    const prepareRequestFunction: Server['prepareRequestFunction'] = ({ request }) => {
      tunnels.push(request.url);
      request.url = new URL(emulator.tlsUrl ?? '').host;
      return {};
    };
    const proxy = new Server({ port: 0, host: '127.0.0.1', prepareRequestFunction });
    await proxy.listen();
    const inputs = { scalekit_environment_url: 'https://acme.scalekit.invalid' };
    const env = { ...trusting(emulator), https_proxy: `http://127.0.0.1:${proxy.port}` };
    const run = await runAction(emulator, { ...stepOfCopy(), inputs, env });
    await proxy.close(true);
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    expect(new Set(tunnels)).toEqual(new Set(['acme.scalekit.invalid:443']));
  });

  it('dist creates no client whose credentials could not be saved because its files for GitHub are missing', async () => {
    const emulator = await start();
    const run = await runAction(emulator, { ...stepOfCopy(), inputs: savingIn(emulator) });
    expect(run.exitCode).toBe(1);
    expect(emulator.clients()).toEqual([]);
    expect(errors(run)).toEqual([expect.stringMatching(/^Cannot find module/)]);
  });
});

describe('the stand-ins for packages', () => {
  const paths: Record<string, [file: string]> = JSON.parse(read('tsconfig.json').replace(/^ *\/\/.*$/gm, ''))
    .compilerOptions.paths;
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

  /** Returns what the stand-ins export, and the methods of their HttpClient. */
  async function offers(): Promise<string[]> {
    const { HttpClient, ...others } = await import(paths.undici?.[0].replace('./', '../../') ?? '');
    const methods = Object.getOwnPropertyNames(HttpClient.prototype).filter((name) => name !== 'constructor');
    return ['HttpClient', ...Object.keys(others), ...methods];
  }

  it('@actions/core and @actions/github use only these names of the replaced packages', () => {
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
      'github/lib/utils.js': [
        'restEndpointMethods of @octokit/plugin-rest-endpoint-methods',
        'paginateRest of @octokit/plugin-paginate-rest',
      ],
    });
  });

  it('the replacements of packages export exactly the names that @actions/core and @actions/github use, except getJson', async () => {
    const isReplaced = (use: string) => use.endsWith(' HttpClient') || Object.hasOwn(paths, use.split(' of ')[1] ?? '');
    const used = new Set(uses.flatMap(([, all]) => all.filter(isReplaced).map((use) => use.split(' of ')[0])));
    expect(used.delete('getJson')).toBe(true);
    expect((await offers()).sort()).toEqual([...used].sort());
  });

  it.each(['getIDToken', 'getDetails'])('src never calls %s, which needs a replaced package', (name) => {
    const users = (files: string) => globSync(files, { cwd: ROOT }).filter((file) => read(file).includes(name));
    expect(users('src/**/*.ts')).toEqual([]);
    expect(users(LIBRARIES)).not.toEqual([]);
  });
});
