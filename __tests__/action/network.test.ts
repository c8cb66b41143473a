import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingHttpHeaders } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { RequestError, Server, type ServerOptions } from 'proxy-chain';
import { makeBox } from '../../emulator/github/boxes.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import { type CertificateKind, makeCertificate } from '../../emulator/tls.ts';
import {
  credentialsWork,
  errors,
  markerLine,
  readable,
  runAction,
  savingIn,
  secretsOf,
  sentTo,
  warnings,
} from '../support/action.ts';

// Tests of what is between a runner and the servers: forward proxies, and certificates of a private authority.

type Inputs = Record<string, string>;
type Variables = Record<string, string>;

/** The origins of the servers. Only the proxy can resolve these names. */
const SCALEKIT = 'https://acme.scalekit.invalid';
const GITHUB = 'https://api.github.invalid:8443';
const ID_TOKENS = 'https://tokens.github.invalid';
const TO_SCALEKIT = 'CONNECT acme.scalekit.invalid:443';
const TO_GITHUB = 'CONNECT api.github.invalid:8443';
const TO_ID_TOKENS = 'CONNECT tokens.github.invalid:443';

const REPOSITORY = RUNNER_VARIABLES.GITHUB_REPOSITORY;
const FILE_OF_CA = 'NODE_EXTRA_CA_CERTS';
const USER = 'deploy';
/** Contains every character that has a meaning in a URL or in the Basic scheme. */
const PASSWORD = ['p@ss', 'w/rd%'].join(':');
const LOGIN = `${USER}:${PASSWORD}`;
const URL_LOGIN = `${USER}:${encodeURIComponent(PASSWORD)}`;

// Each test starts few processes, but many tests run concurrently.
jest.setTimeout(60_000);

let folder: string;
/** The variable that makes Node trust the emulators' authority. */
let trusted: Variables;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'network-'));
  trusted = { [FILE_OF_CA]: path.join(folder, 'ca.pem') };
  writeFileSync(trusted[FILE_OF_CA] ?? '', (await makeCertificate('valid')).ca);
  // Load the modules that the emulator imports later. Jest forbids imports after the first concurrent test ends.
  await makeBox();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Listening extends AsyncDisposable {
  port: number;
}

/** Starts a server on a free loopback port. Disposing of the result closes it. */
async function listen(server: net.Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Proxy extends Listening {
  url: string;
  /** Method and target of each request, in the order of arrival. */
  requests: string[];
  headers: IncomingHttpHeaders[];
  /** Closes every tunnel. */
  cut(): void;
  /** Closes every tunnel, and the proxy. */
  close(): Promise<void>;
}

/**
 * Starts a forward proxy that supports only tunnels.
 * @param to the loopback port to which the proxy connects for every name
 * @param login `user:password` that the proxy requires
 */
async function startProxy(to: number, login = '', options: ServerOptions = {}): Promise<Proxy> {
  const [requests, headers]: [string[], IncomingHttpHeaders[]] = [[], []];
  const server = new Server({
    port: 0,
    host: '127.0.0.1',
    prepareRequestFunction: ({ request, username, password, isHttp }) => {
      requests.push(`${request.method} ${request.url}`);
      headers.push(request.headers);
      if (isHttp) throw new RequestError('this proxy tunnels and does nothing else', 405);
      if (login && `${username}:${password}` !== login) return { requestAuthentication: true };
      // The proxy connects to this address.
      request.url = `127.0.0.1:${to}`;
      return {};
    },
    ...options,
  });
  await server.listen();
  const scheme = options.serverType ?? 'http';
  const close = async () => {
    if (server.server) await server.close(true);
  };
  return {
    port: server.port,
    url: `${scheme}://127.0.0.1:${server.port}`,
    requests,
    headers,
    close,
    cut: () => server.closeConnections(),
    [Symbol.asyncDispose]: close,
  };
}

/** Starts a faulty proxy. `onConnect` handles the connection of each CONNECT; `count` starts at 1. */
const startBrokenProxy = (onConnect: (socket: Duplex, count: number) => void): Promise<Listening> => {
  let count = 0;
  return listen(
    http.createServer().on('connect', (_, socket) =>
      onConnect(
        socket.on('error', () => {}),
        ++count,
      ),
    ),
  );
};

interface Emulated extends Emulator, AsyncDisposable {
  /** Port of the listener with TLS. */
  tlsPort: number;
}

async function emulate(options: EmulatorOptions = { tls: 'remote' }): Promise<Emulated> {
  const emulator = await startEmulator(options);
  const tlsPort = Number(new URL(emulator.tlsUrl ?? 'https://none').port);
  return Object.assign(emulator, { tlsPort, [Symbol.asyncDispose]: () => emulator.close() });
}

/** Runs a step that reaches the servers only through a proxy. */
function runRemote(emulator: Emulator, env: Variables, { inputs, ...step }: Step = {}): Promise<Executed> {
  return runAction(emulator, {
    ...step,
    inputs: { scalekit_environment_url: SCALEKIT, ...inputs },
    env: { ...trusted, GITHUB_API_URL: `${GITHUB}/api/v3`, ...env, ...step.env },
  });
}

/** Inputs of the step with the fewest requests: a sign-in and a create. */
const SHORT: Inputs = { lifetime: 'job', verify: 'false' };
/** Removes the pauses before retries. They are random, from 0 upwards. */
const IMPATIENT = preload('Math.random = () => 0;');
const runShort = (emulator: Emulator, env: Variables, step: Step = {}) =>
  runRemote(emulator, env, { ...step, inputs: { ...SHORT, ...step.inputs } });

const idTokens = ({ github }: Emulator): Variables => ({
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: github.idTokenVariables.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '',
  ACTIONS_ID_TOKEN_REQUEST_URL: `${ID_TOKENS}/id-token?api-version=2.0`,
});

function preload(code: string): Required<Pick<Step, 'nodeOptions'>> {
  return { nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] };
}

/** Like IMPATIENT. In addition, the step can reach the servers without a proxy. */
function withRoutes({ tlsPort }: Emulated): Required<Pick<Step, 'nodeOptions'>> {
  return preload(`
    Math.random = () => 0;
    import net from 'node:net';
    const { connect } = net.Socket.prototype;
    net.Socket.prototype.connect = function (...given) {
      const [options, callback] = Array.isArray(given[0]) ? given[0] : given;
      const remote = /\\.(scalekit|github)\\.invalid$|^192\\.0\\.2\\.1$/.test(options.host);
      return remote
        ? connect.call(this, { ...options, host: '127.0.0.1', port: ${tlsPort} }, callback)
        : connect.apply(this, given);
    };`);
}

const attempts = ({ log }: Outcome) => [...log.matchAll(/ attempt \d$/gm)].length;
const operations = ({ requests }: Emulator) => requests.map(({ operation }) => operation);
const origins = ({ requests }: Emulator) => new Set(requests.map(({ origin }) => origin));
const keptIn = ({ github }: Emulator) => {
  const { variables, secrets } = github.repository(REPOSITORY);
  const values = [variables.get('SCALEKIT_M2M_CLIENT_ID'), ...secrets.values()];
  return values.flatMap((stored) => (stored ? [stored.value] : []));
};

/** Checks that a step failed before it sent a request. Its one error matches `said` and does not blame credentials. */
function expectNothingDone(run: Executed, emulator: Emulator, ...said: RegExp[]): void {
  expect(run).toMatchObject({ exitCode: 1, outputs: {} });
  expect(run.state.client ?? '').toBe('');
  expect(operations(emulator)).toEqual([]);
  expect(errors(run)).toHaveLength(1);
  for (const text of said) expect(errors(run)[0]).toMatch(text);
  expect(errors(run)[0]).not.toMatch(/credential|scalekit_client_|SSL routines/);
}

/** Checks that no output that a person can read contains the proxy's password, in any form. */
function expectNoPassword(...runs: Outcome[]): void {
  const base64 = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '');
  for (const run of runs) {
    // The log is checked as well, because commands in standard output have their percent signs escaped.
    const all = [readable(run), run.log, JSON.stringify(run.outputs)].join('\n');
    for (const form of [PASSWORD, encodeURIComponent(PASSWORD), base64(PASSWORD), base64(LOGIN)])
      expect(all).not.toContain(form);
  }
}

describe('through a proxy that tunnels and does nothing else', () => {
  it.concurrent('a client is made, verified and removed again, by names that the proxy alone can resolve', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const env = { https_proxy: proxy.url, ...idTokens(emulator) };
    const run = await runRemote(emulator, env, { inputs: { lifetime: 'job', access_token: 'true' } });
    expect([run.exitCode, run.annotations, run.stderr]).toEqual([0, [], '']);
    const post = await run.post();
    expect([post.exitCode, post.annotations, post.stderr, emulator.clients()]).toEqual([0, [], '', []]);

    expect(new Set(proxy.requests)).toEqual(new Set([TO_ID_TOKENS, TO_SCALEKIT]));
    const asked = emulator.requests.map(({ operation, origin }) => `${operation} ${origin}`);
    // These two are sent at the same time.
    expect(asked.splice(0, 2).sort()).toEqual([`idToken ${ID_TOKENS}`, `token ${SCALEKIT}`]);
    expect(asked).toEqual([
      ...['createClient', 'token'].map((operation) => `${operation} ${SCALEKIT}`),
      ...['token', 'getClient', 'deleteClient'].map((operation) => `${operation} ${SCALEKIT}`),
    ]);
  });

  it.concurrent('credentials are saved and deleted, and the proxy sees nothing but the destinations', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const env = { HTTPS_PROXY: proxy.url };
    const saved = await runRemote(emulator, env, { inputs: savingIn(emulator) });
    expect([saved.exitCode, saved.annotations, saved.stderr]).toEqual([0, [], '']);
    expect(keptIn(emulator)).toEqual([saved.outputs.client_id, saved.outputs.secret]);
    const deleted = await runRemote(emulator, env, { action: 'delete', inputs: savingIn(emulator) });
    expect([deleted.exitCode, emulator.clients(), keptIn(emulator)]).toEqual([0, [], []]);

    expect(new Set(proxy.requests)).toEqual(new Set([TO_SCALEKIT, TO_GITHUB]));
    expect(origins(emulator)).toEqual(new Set([SCALEKIT, GITHUB]));
    for (const headers of proxy.headers) expect(Object.keys(headers).sort()).toEqual(['connection', 'host']);
    for (const secret of secretsOf(emulator)) expect(readable(saved) + readable(deleted)).not.toContain(secret);
  });

  it.concurrent('the clients of jobs that remain are swept', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const description = markerLine({ lifetime: 'job' }, { run: '17000000001.1' });
    emulator.github.addRun(REPOSITORY, { id: 17_000_000_001, status: 'completed' });
    emulator.seed({ name: 'Made by a job', description }, { ageMs: 7_200_000 });
    const inputs = { github_token: emulator.github.token, dry_run: 'false' };
    const swept = await runRemote(emulator, { HTTPS_PROXY: proxy.url }, { action: 'sweep', inputs });
    expect([swept.exitCode, swept.stderr, emulator.clients()]).toEqual([0, '', []]);
    expect(new Set(proxy.requests)).toEqual(new Set([TO_SCALEKIT, TO_GITHUB]));
  });

  it.concurrent('the published credentials work', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const run = await runRemote(emulator, { https_proxy: proxy.url });
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it.concurrent.each<[what: string, variables: (url: string) => Variables]>([
    ['HTTPS_PROXY', (url) => ({ HTTPS_PROXY: url })],
    ['https_proxy', (url) => ({ https_proxy: url })],
    ['https_proxy, whatever HTTPS_PROXY says', (url) => ({ https_proxy: url, HTTPS_PROXY: 'http://127.0.0.1:1' })],
    ['HTTPS_PROXY, if https_proxy is empty', (url) => ({ https_proxy: '', HTTPS_PROXY: url })],
    ['https_proxy, with Node’s own switch for proxies on', (url) => ({ https_proxy: url, NODE_USE_ENV_PROXY: '1' })],
    ['an address with a slash at its end', (url) => ({ https_proxy: `${url}/` })],
    ['an address with white space around it', (url) => ({ https_proxy: ` ${url}\n` })],
    ['an address of numbers without a scheme', (url) => ({ https_proxy: url.replace('http://', '') })],
    ['an address with a name', (url) => ({ https_proxy: url.replace('127.0.0.1', 'localhost') })],
  ])('everything goes that is not on this machine, by %s', async (_, variables) => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const run = await runShort(emulator, variables(proxy.url), withRoutes(emulator));
    expect([run.exitCode, run.annotations, run.stderr]).toEqual([0, [], '']);
    expect([operations(emulator), new Set(proxy.requests)]).toEqual([
      ['token', 'createClient'],
      new Set([TO_SCALEKIT]),
    ]);
  });

  it.concurrent.each<[what: string, address: (port: number) => string]>([
    ['a name', (port) => `localhost:${port}`],
    ['a user and a password', (port) => `${URL_LOGIN}@127.0.0.1:${port}`],
  ])(
    'everything goes that is not on this machine, by an address without a scheme that begins with %s',
    async (_, address) => {
      await using emulator = await emulate();
      await using proxy = await startProxy(emulator.tlsPort);
      const run = await runShort(emulator, { https_proxy: address(proxy.port) }, withRoutes(emulator));
      expect([run.exitCode, new Set(proxy.requests)]).toEqual([0, new Set([TO_SCALEKIT])]);
    },
  );

  it.concurrent('a server of numbers is asked for as it is, and Node has nothing to warn about', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const inputs = { scalekit_environment_url: 'https://192.0.2.1' };
    const run = await runShort(emulator, { https_proxy: proxy.url }, { inputs });
    expect([run.exitCode, new Set(proxy.requests)]).toEqual([0, new Set(['CONNECT 192.0.2.1:443'])]);
    expect(run.stderr).toBe('');
  });

  it.concurrent.each(['url', 'tlsUrl'] as const)('nothing goes that is on this machine (%s)', async (address) => {
    await using emulator = await emulate({ tls: true });
    await using proxy = await startProxy(emulator.tlsPort);
    const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];
    const env = Object.fromEntries(names.map((name) => [name, proxy.url]));
    const inputs = { scalekit_environment_url: emulator[address] ?? '' };
    const run = await runShort(emulator, env, { inputs });
    expect([run.exitCode, emulator.clients().length, proxy.requests]).toEqual([0, 1, []]);
  });

  it.concurrent('nothing goes for the sake of http_proxy or all_proxy', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const names = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
    const env = Object.fromEntries(names.map((name) => [name, proxy.url]));
    const run = await runShort(emulator, env, withRoutes(emulator));
    expect([run.exitCode, emulator.clients().length, proxy.requests]).toEqual([0, 1, []]);
  });

  it.concurrent.each<[what: string, no_proxy: string, goes: boolean, url?: string]>([
    ['the host itself', 'acme.scalekit.invalid', false],
    ['the host in other letters', 'ACME.Scalekit.Invalid', false],
    ['the host with its port', 'acme.scalekit.invalid:443', false],
    ['the host with another port', 'acme.scalekit.invalid:8443', true],
    ['a domain with a dot before it', '.scalekit.invalid', false],
    ['a domain', 'scalekit.invalid', false],
    ['the end of a word', 'kit.invalid', true],
    ['the beginning of a domain', 'acme.scalekit', true],
    ['everything', '*', false],
    ['one of a list with spaces', 'localhost, 10.0.0.1 ,.scalekit.invalid', false],
    ['one of a list without commas', ' localhost\t10.0.0.1\n.scalekit.invalid ', false],
    ['all hosts of a domain', '*.scalekit.invalid', false],
    ['all hosts of a domain in a list', '10.0.0.1 *.scalekit.invalid,localhost', false],
    ['all hosts of another domain', '*.kit.invalid', true],
    ['a pattern that is no domain', '*scalekit.invalid', true],
    ['the address', '192.0.2.1', false, 'https://192.0.2.1'],
    ['another address', '192.0.2.2', true, 'https://192.0.2.1'],
    ['nothing', '', true],
  ])(
    'a request goes unless no_proxy excepts it, which may name %s (%s: %s)',
    async (_, no_proxy, goes, url = SCALEKIT) => {
      await using emulator = await emulate();
      await using proxy = await startProxy(emulator.tlsPort);
      const inputs = { scalekit_environment_url: url };
      const run = await runShort(emulator, { https_proxy: proxy.url, no_proxy }, { ...withRoutes(emulator), inputs });
      expect([run.exitCode, errors(run), emulator.clients().length]).toEqual([0, [], 1]);
      expect(proxy.requests.length > 0).toBe(goes);
    },
  );

  it.concurrent.each<[variables: Variables, goes: boolean]>([
    [{ NO_PROXY: '.scalekit.invalid' }, false],
    [{ NO_PROXY: '.scalekit.invalid', no_proxy: 'elsewhere.invalid' }, true],
    [{ NO_PROXY: 'elsewhere.invalid', no_proxy: '.scalekit.invalid' }, false],
  ])('a request goes unless no_proxy, or else NO_PROXY, excepts it (%j: %s)', async (variables, goes) => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const run = await runShort(emulator, { HTTPS_PROXY: proxy.url, ...variables }, withRoutes(emulator));
    expect([run.exitCode, proxy.requests.length > 0]).toEqual([0, goes]);
  });

  it.concurrent('GitHub can be asked while Scalekit is not', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const env = { https_proxy: proxy.url, no_proxy: '.scalekit.invalid' };
    const run = await runRemote(emulator, env, { ...withRoutes(emulator), inputs: savingIn(emulator) });
    expect([run.exitCode, run.annotations]).toEqual([0, []]);
    expect(keptIn(emulator)).toEqual([run.outputs.client_id, run.outputs.secret]);
    expect(new Set(proxy.requests)).toEqual(new Set([TO_GITHUB]));
  });

  it.concurrent.each(['wrong-host', 'expired', 'self-signed'] as const)(
    'the server’s own certificate counts, and one that is %s carries nothing',
    async (kind) => {
      await using emulator = await emulate({ tls: kind });
      await using proxy = await startProxy(emulator.tlsPort);
      const run = await runShort(emulator, { https_proxy: proxy.url });
      expectNothingDone(run, emulator, /certificate.*NODE_EXTRA_CA_CERTS/i);
      expect([attempts(run), proxy.requests]).toEqual([1, [TO_SCALEKIT]]);
    },
  );
});

const close = (socket: Duplex) => socket.end();
const answering = (text: string) => (socket: Duplex) => socket.end(`HTTP/1.1 ${text}\r\n\r\n`);
const PAGE = 'content-length: 11\r\n\r\n<p>page</p>';
const onConnection = (react: (socket: Socket) => void) => listen(net.createServer(react));

/** Sends the beginning of a response, and then a header every tenth of a second. */
function drip(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\n');
  const timer = setInterval(() => socket.write('x-more: 1\r\n'), 100);
  socket.on('close', () => clearInterval(timer));
}

async function startSecureProxy(to: number, kind: CertificateKind = 'valid'): Promise<Proxy> {
  const { key, cert } = await makeCertificate(kind);
  return await startProxy(to, '', { serverType: 'https', httpsOptions: { key, cert } });
}

describe('a proxy that', () => {
  it.concurrent('wants a password gets it, whatever characters it has, from main and post, and nobody else does', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort, LOGIN);
    const env = { https_proxy: `http://${URL_LOGIN}@127.0.0.1:${proxy.port}`, ...idTokens(emulator) };
    const run = await runRemote(emulator, env, { inputs: savingIn(emulator) });
    expect([run.exitCode, run.annotations]).toEqual([0, []]);
    expect(keptIn(emulator)).toEqual([run.outputs.client_id, run.outputs.secret]);
    const job = await runRemote(emulator, env, { inputs: { lifetime: 'job' } });
    const post = await job.post();
    expect([post.exitCode, emulator.clients().length]).toEqual([0, 1]);
    expect(new Set(proxy.requests)).toEqual(new Set([TO_ID_TOKENS, TO_SCALEKIT, TO_GITHUB]));
    expectNoPassword(run, job, post);
    expect(JSON.stringify(emulator.requests)).not.toMatch(/proxy-authorization/i);
  });

  it.concurrent('wants a password gets it, and Node has nothing to warn about', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort, LOGIN);
    const run = await runShort(emulator, { https_proxy: `http://${URL_LOGIN}@127.0.0.1:${proxy.port}` });
    expect([run.exitCode, run.stderr]).toEqual([0, '']);
  });

  it.concurrent.each([
    ['none', ''],
    ['a wrong one', `${USER}:${encodeURIComponent(`${PASSWORD}!`)}@`],
    ['another user’s', `somebody:${encodeURIComponent(PASSWORD)}@`],
  ])('wants a password and gets %s is named, with its status', async (_, login) => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort, LOGIN);
    const env = { https_proxy: `http://${login}127.0.0.1:${proxy.port}` };
    const run = await runShort(emulator, env, withRoutes(emulator));
    expectNothingDone(run, emulator, /^Could not sign in to Scalekit: .*407/, /proxy/, /https_proxy/);
    expectNoPassword(run);
  });

  it.concurrent('wants a password and gets a wrong one is asked once: five refusals may lock the user out', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort, LOGIN);
    await runShort(emulator, { https_proxy: `http://${USER}:wrong@127.0.0.1:${proxy.port}` }, IMPATIENT);
    expect(proxy.requests).toEqual([TO_SCALEKIT]);
  });

  it.concurrent.each<[what: string, address: string]>([
    ['does not answer', `http://${URL_LOGIN}@127.0.0.1:1`],
    ['has no address', `http://${URL_LOGIN}@127.0.0.1:99999`],
    ['has a half-encoded password', `http://${LOGIN.replace('@', '%40').replace('/', '%2F')}@127.0.0.1:1`],
    ['has an address without a scheme', `${URL_LOGIN}@127.0.0.1:1`],
    ['has another scheme', `socks5://${URL_LOGIN}@127.0.0.1:1`],
  ])('%s does not give its password away', async (_, https_proxy) => {
    await using emulator = await emulate();
    const run = await runShort(emulator, { https_proxy }, IMPATIENT);
    expect([run.exitCode, run.outputs]).toEqual([1, {}]);
    expectNoPassword(run);
    expect(readable(run)).not.toContain(PASSWORD.slice(-4));
  });

  it.concurrent.each<[what: string, start: () => Promise<Listening>]>([
    ['takes the connection and closes it', () => onConnection(close)],
    ['resets the connection', () => onConnection((socket) => socket.resetAndDestroy())],
    ['answers with what is no HTTP', () => onConnection((socket) => socket.end('garbage garbage\r\n\r\n'))],
    ['takes the request and closes', () => startBrokenProxy(close)],
    ['answers 403', () => startBrokenProxy(answering(`403 Forbidden\r\n${PAGE}`))],
    ['answers 407', () => startBrokenProxy(answering(`407 Proxy Authentication Required\r\n${PAGE}`))],
    ['answers 502', () => startBrokenProxy(answering(`502 Bad Gateway\r\n${PAGE}`))],
    ['answers 503', () => startBrokenProxy(answering('503 Service Unavailable\r\nretry-after: 3600'))],
    ['redirects', () => startBrokenProxy(answering('302 Found\r\nlocation: https://elsewhere.invalid/'))],
    ['opens the tunnel and closes it', () => startBrokenProxy(answering('200 Connection established'))],
    ['opens the tunnel and answers itself', () => startBrokenProxy(answering(`200 OK\r\n${PAGE}`))],
  ])('%s ends the step, and is named', async (_, start) => {
    await using emulator = await emulate();
    await using proxy = await start();
    const env = { https_proxy: `http://127.0.0.1:${proxy.port}` };
    // The servers can be reached without the proxy. The step must not do that.
    const run = await runShort(emulator, env, withRoutes(emulator));
    expectNothingDone(run, emulator, /^Could not sign in to Scalekit: .*https_proxy/);
    expect([attempts(run) <= 5, run.stderr]).toEqual([true, '']);
  });

  it.concurrent.each<[what: string, start: () => Promise<Listening>]>([
    ['never answers', () => onConnection(() => {})],
    ['never ends its response', () => onConnection(drip)],
    ['takes the request and never answers', () => startBrokenProxy(() => {})],
  ])('%s ends the step in time, and is named', async (_, start) => {
    await using emulator = await emulate();
    await using proxy = await start();
    const env = { https_proxy: `http://127.0.0.1:${proxy.port}` };
    const run = await runShort(emulator, env, { ...withRoutes(emulator), inputs: { timeout: '8' } });
    expectNothingDone(run, emulator, /no answer within \d.*https_proxy/);
    expect(run.milliseconds).toBeLessThan(8500);
  });

  const away: [what: string, address: string][] = [
    ['is not there', 'http://127.0.0.1:1'],
    ['has a name that nobody knows', 'http://no-such-proxy.invalid:3128'],
  ];
  it.concurrent.each(away)('%s ends the step, and is named', async (_, https_proxy) => {
    await using emulator = await emulate();
    const run = await runShort(emulator, { https_proxy }, withRoutes(emulator));
    expectNothingDone(run, emulator, /^Could not sign in to Scalekit: .*https_proxy/);
    expect(attempts(run)).toBeLessThanOrEqual(5);
  });

  it.concurrent.each(away)('%s is not said to refuse anything', async (_, https_proxy) => {
    await using emulator = await emulate();
    const run = await runShort(emulator, { https_proxy }, IMPATIENT);
    expect(errors(run)[0]).not.toMatch(/refused the connection\./);
  });

  it.concurrent.each(['403', '407'])(
    'answers %s is asked once, and distinguished by the variable that names it',
    async (status) => {
      await using emulator = await emulate();
      let asked = 0;
      await using proxy = await startBrokenProxy((socket, count) => {
        asked = count;
        answering(status)(socket);
      });
      const HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
      const run = await runShort(emulator, { HTTPS_PROXY }, IMPATIENT);
      expect(errors(run)).toEqual([expect.stringMatching(new RegExp(`HTTPS_PROXY.*HTTP ${status}`))]);
      expect(asked).toBe(1);
    },
  );

  it.concurrent('has no address ends the step at once, and is named', async () => {
    await using emulator = await emulate();
    const run = await runShort(emulator, { https_proxy: '::::' }, withRoutes(emulator));
    expectNothingDone(run, emulator, /https_proxy/);
    expect(attempts(run)).toBeLessThanOrEqual(1);
  });

  it.concurrent.each(['http://[', 'http://127.0.0.1:99999', 'http://user:100%@127.0.0.1:1', 'socks5://127.0.0.1:1'])(
    'has no address that can be used (%s) ends the step at once, is named, and is never gone past',
    async (https_proxy) => {
      await using emulator = await emulate();
      const run = await runShort(emulator, { https_proxy }, withRoutes(emulator));
      expectNothingDone(run, emulator, /https_proxy/);
      expect(attempts(run)).toBe(0);
    },
  );

  it.concurrent('has no address is named if GitHub alone is asked through it', async () => {
    await using emulator = await emulate();
    const env = { https_proxy: '::::', no_proxy: '.scalekit.invalid' };
    const run = await runRemote(emulator, env, { ...withRoutes(emulator), inputs: savingIn(emulator) });
    expectNothingDone(run, emulator, /https_proxy/);
  });

  it.concurrent.each<[what: string, step: (emulator: Emulator) => { inputs?: Inputs; env?: Variables }, said: RegExp]>([
    ['GitHub', (emulator) => ({ inputs: savingIn(emulator) }), /^Could not read the public key .*https_proxy/],
    ['the ID token', (emulator) => ({ env: idTokens(emulator) }), /^Could not get GitHub's ID token: .*https_proxy/],
  ])('is not there, if %s alone is asked through it, ends the step before anything is made', async (_, step, said) => {
    await using emulator = await emulate();
    const { inputs, env } = step(emulator);
    const variables = { https_proxy: 'http://127.0.0.1:1', no_proxy: '.scalekit.invalid', ...env };
    const run = await runRemote(emulator, variables, { ...withRoutes(emulator), inputs: inputs ?? {} });
    expect([run.exitCode, sentTo(emulator, 'createClient')]).toEqual([1, []]);
    expect(errors(run)).toEqual([expect.stringMatching(said)]);
  });

  it.concurrent('is gone after main makes post warn with the call that it cannot send; once it is back, post sends it', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const run = await runRemote(emulator, { https_proxy: proxy.url }, { ...IMPATIENT, inputs: { lifetime: 'job' } });
    await proxy.close();
    const failed = await run.post();
    expect([failed.exitCode, errors(failed), emulator.clients().length]).toEqual([0, [], 1]);
    expect(warnings(failed)).toEqual([
      expect.stringMatching(new RegExp(`https_proxy.* DELETE ${SCALEKIT}/.*/clients/${run.outputs.client_id}$`, 's')),
    ]);
    await using back = await startProxy(emulator.tlsPort);
    const post = await run.post({ env: { https_proxy: back.url } });
    expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
  });

  it.concurrent('breaks off for a moment, when the create was carried out, costs nothing: one client, whose credentials work', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    emulator.hold = (when, { operation }) => {
      if (when === 'after' && operation === 'createClient') proxy.cut();
    };
    const run = await runRemote(emulator, { https_proxy: proxy.url });
    expect([run.exitCode, emulator.clients().length, sentTo(emulator, 'createClient').length]).toEqual([0, 1, 1]);
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it.concurrent.each(['persistent', 'job'])(
    'breaks off for good, when the create was carried out, is reported with what may remain, which post removes later (%s)',
    async (lifetime) => {
      await using emulator = await emulate();
      await using proxy = await startProxy(emulator.tlsPort);
      emulator.hold = async (when, { operation }) => {
        if (when === 'after' && operation === 'createClient') await proxy.close();
      };
      const run = await runRemote(emulator, { https_proxy: proxy.url }, { ...IMPATIENT, inputs: { lifetime } });
      const [client] = emulator.clients();
      const nonce = /nonce:[\w-]+/.exec(client?.description ?? '')?.[0];
      expect([run.exitCode, run.outputs, emulator.clients().length]).toEqual([1, {}, 1]);
      expect(errors(run)).toEqual([
        expect.stringMatching(
          new RegExp(`^Could not create the client: .*left over.*https_proxy.*${nonce}.* DELETE ${SCALEKIT}/`, 's'),
        ),
      ]);
      await using back = await startProxy(emulator.tlsPort);
      const post = await run.post({ env: { https_proxy: back.url } });
      expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
    },
  );

  it.concurrent('breaks off in the TLS handshake of its tunnel has carried nothing, so the create is sent again', async () => {
    await using emulator = await emulate({ tls: 'remote', issuer: SCALEKIT });
    // `connection: close` makes the create use a new connection, even if a tunnel could serve more than one request.
    const { clientId: client_id, clientSecret: client_secret } = emulator.credentials;
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
    const signedIn = await fetch(`${emulator.url}/oauth/token`, { method: 'POST', body: form });
    const answer = { status: signedIn.status, headers: { connection: 'close' }, body: await signedIn.json() };
    emulator.faults.add({ operation: 'token', fault: { kind: 'status', ...answer } });
    let tunnels = 0;
    await using proxy = await startBrokenProxy((client, count) => {
      tunnels = count;
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (count === 2) return client.once('data', () => (client as Socket).resetAndDestroy());
      const upstream = net.connect(emulator.tlsPort, '127.0.0.1').on('error', () => {});
      return upstream.pipe(client).pipe(upstream);
    });
    const run = await runShort(emulator, { https_proxy: `http://127.0.0.1:${proxy.port}` });
    expect([run.exitCode, tunnels, emulator.clients().length]).toEqual([0, 3, 1]);
    expect(operations(emulator).slice(1)).toEqual(['token', 'createClient']);
  });

  it.concurrent.each(['localhost', '127.0.0.1'])(
    'speaks TLS does its work, by its own certificate for %s',
    async (host) => {
      await using emulator = await emulate();
      await using proxy = await startSecureProxy(emulator.tlsPort);
      const https_proxy = `https://${host}:${proxy.port}`;
      const run = await runShort(emulator, { https_proxy }, withRoutes(emulator));
      expect([run.exitCode, run.annotations, run.stderr]).toEqual([0, [], '']);
      expect([emulator.clients().length, new Set(proxy.requests)]).toEqual([1, new Set([TO_SCALEKIT])]);
    },
  );

  it.concurrent.each<[what: string, kind: CertificateKind, env: Variables]>([
    ['is not trusted', 'valid', { [FILE_OF_CA]: '' }],
    ['is expired', 'expired', {}],
    ['is another host’s', 'wrong-host', {}],
    // A client that accepted this certificate would mistake the proxy for the server.
    ['is the server’s', 'remote', {}],
  ])('speaks TLS by a certificate that %s carries nothing, and is named', async (_, kind, env) => {
    await using emulator = await emulate();
    await using proxy = await startSecureProxy(emulator.tlsPort, kind);
    const variables = { https_proxy: `https://localhost:${proxy.port}`, ...env };
    const run = await runShort(emulator, variables, withRoutes(emulator));
    expectNothingDone(run, emulator, /certificate.*https_proxy/i);
    expect([attempts(run), proxy.requests]).toEqual([1, []]);
  });

  it.concurrent('speaks TLS, which its address does not say, is named', async () => {
    await using emulator = await emulate();
    await using proxy = await startSecureProxy(emulator.tlsPort);
    const https_proxy = `http://localhost:${proxy.port}`;
    const run = await runShort(emulator, { https_proxy }, withRoutes(emulator));
    expectNothingDone(run, emulator, /https_proxy/);
  });

  it.concurrent('does not speak TLS, though its address says so, is named in words', async () => {
    await using emulator = await emulate();
    await using proxy = await startProxy(emulator.tlsPort);
    const https_proxy = `https://localhost:${proxy.port}`;
    const run = await runShort(emulator, { https_proxy }, withRoutes(emulator));
    expectNothingDone(run, emulator, /https_proxy/);
  });
});

describe('TLS', () => {
  const runLocal = (emulator: Emulator, env: Variables, { inputs, ...step }: Step = {}) =>
    runAction(emulator, {
      ...step,
      inputs: { scalekit_environment_url: emulator.tlsUrl ?? '', ...SHORT, ...inputs },
      env: { ...env, ...step.env },
    });

  it.concurrent('with a private authority in NODE_EXTRA_CA_CERTS serves main and post, on one connection each', async () => {
    await using emulator = await emulate({ tls: true });
    const run = await runLocal(emulator, trusted, { inputs: { verify: 'true' } });
    expect([run.exitCode, run.annotations, run.stderr]).toEqual([0, [], '']);
    expect([emulator.clients().length, emulator.connections]).toEqual([1, 1]);
    const post = await run.post();
    expect([post.exitCode, post.annotations, emulator.clients(), emulator.connections]).toEqual([0, [], [], 2]);
  });

  it.concurrent('with a private authority serves GitHub’s side too', async () => {
    await using emulator = await emulate({ tls: true });
    const inputs = { lifetime: 'persistent', ...savingIn(emulator) };
    const run = await runLocal(emulator, trusted, { inputs, env: emulator.github.idTokenVariables });
    expect([run.exitCode, run.annotations]).toEqual([0, []]);
    expect(keptIn(emulator)).toEqual([run.outputs.client_id, run.outputs.secret]);
    expect(operations(emulator)).toContain('idToken');
    expect(origins(emulator)).toEqual(new Set([emulator.tlsUrl]));
  });

  it.concurrent('may have a server that is its own authority', async () => {
    await using emulator = await emulate({ tls: 'self-signed' });
    const file = path.join(folder, 'itself.pem');
    writeFileSync(file, emulator.ca ?? '');
    const run = await runLocal(emulator, { [FILE_OF_CA]: file });
    expect([run.exitCode, emulator.clients().length]).toEqual([0, 1]);
  });

  const UNTRUSTED = /certificate is not trusted\. .* set NODE_EXTRA_CA_CERTS to a file with its certificate/;
  const INVALID = /certificate is not valid for this host at this time: check scalekit_environment_url/;
  it.concurrent.each<[what: string, tls: CertificateKind, trusts: boolean, said: RegExp]>([
    ['whose authority is not known', 'valid', false, UNTRUSTED],
    ['that signed itself', 'self-signed', true, UNTRUSTED],
    ['that is expired', 'expired', true, INVALID],
    ['that is not valid yet', 'not-yet-valid', true, INVALID],
    ['of another host', 'wrong-host', true, INVALID],
  ])('with a certificate %s carries nothing, and is not tried again', async (_, tls, trusts, said) => {
    await using emulator = await emulate({ tls });
    const run = await runLocal(emulator, trusts ? trusted : {});
    expectNothingDone(run, emulator, /^Could not sign in to Scalekit: /, said, /NODE_EXTRA_CA_CERTS/);
    expect(attempts(run)).toBe(1);
  });

  it.concurrent.each([
    ['is missing, as Node says', undefined, /^Warning: Ignoring extra certs from `.*no-such\.pem`/],
    ['holds none', 'nothing\n', /^$/],
  ])('with an authority whose file %s asks for it', async (_, content, said) => {
    await using emulator = await emulate({ tls: true });
    const file = path.join(folder, content ? 'empty.pem' : 'no-such.pem');
    if (content) writeFileSync(file, content);
    const run = await runLocal(emulator, { [FILE_OF_CA]: file });
    expectNothingDone(run, emulator, UNTRUSTED);
    expect(run.stderr).toMatch(said);
  });

  it.concurrent.each<[what: string, tls: CertificateKind, step: (github: Emulator) => Step, said: RegExp]>([
    [
      'GitHub’s API',
      'expired',
      (on) => ({ inputs: { lifetime: 'persistent', ...savingIn(on) }, env: on.github.variables }),
      /^Could not read the public key .*certificate.*GITHUB_API_URL/,
    ],
    [
      'the ID token',
      'wrong-host',
      ({ github }) => ({ env: github.idTokenVariables }),
      /^Could not get GitHub's ID token: .*certificate.*ACTIONS_ID_TOKEN_REQUEST_URL/,
    ],
  ])('with a bad certificate of %s ends the step before anything is made', async (_, tls, step, said) => {
    await using emulator = await emulate({ tls: true });
    await using github = await emulate({ tls });
    const run = await runLocal(emulator, trusted, step(github));
    expect([run.exitCode, emulator.clients(), github.requests]).toEqual([1, [], []]);
    expect(errors(run)).toEqual([expect.stringMatching(said)]);
  });

  const runAgainst = async ({ port }: Listening) => {
    await using emulator = await emulate({});
    const inputs = { ...SHORT, scalekit_environment_url: `https://localhost:${port}` };
    const run = await runAction(emulator, { ...IMPATIENT, inputs, env: trusted });
    expectNothingDone(run, emulator, /^Could not sign in to Scalekit: .*Check .*scalekit_environment_url/);
    return run;
  };

  it.concurrent.each<[what: string, options: tls.TlsOptions | undefined]>([
    ['in an old version alone', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['not at all', undefined],
  ])('with a server that speaks it %s is reported as that, and not tried again', async (_, options) => {
    const server = options
      ? tls.createServer({ ...options, ...(await makeCertificate('valid')) }).on('tlsClientError', () => {})
      : http.createServer((_, response) => response.end('plain'));
    await using listening = await listen(server);
    const run = await runAgainst(listening);
    expect(errors(run)[0]).toMatch(/TLS failed \(EPROTO\)\. Check the port .* an old TLS version/);
    expect(attempts(run)).toBe(1);
  });

  it.concurrent.each<[what: string, end: (socket: Socket) => unknown]>([
    ['closes', close],
    ['resets', (socket) => socket.resetAndDestroy()],
  ])('with a server that %s it in the handshake is tried again, then named', async (_, end) => {
    await using listening = await onConnection((socket) => socket.once('data', () => end(socket)));
    const run = await runAgainst(listening);
    expect(attempts(run)).toBeGreaterThan(1);
    expect(errors(run)[0]).toMatch(/(TLS connection|ECONNRESET).*https_proxy, no_proxy, firewall/);
  });

  it.concurrent.each<[what: string, step: (github: Emulator) => Step]>([
    ['GitHub’s API', (on) => ({ inputs: savingIn(on), env: on.github.variables })],
    ['the ID token', ({ github }) => ({ env: github.idTokenVariables })],
  ])('for %s does not ask for TLS with a Scalekit on this machine', async (_, step) => {
    await using emulator = await emulate({});
    await using github = await emulate({ tls: true });
    const { inputs, env } = step(github);
    const run = await runAction(emulator, { ...IMPATIENT, inputs: inputs ?? {}, env: { ...trusted, ...env } });
    expect([run.exitCode, run.annotations, emulator.clients().length]).toEqual([0, [], 1]);
  });
});
