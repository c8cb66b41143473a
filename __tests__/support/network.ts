import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { RequestError, Server, type ServerOptions } from 'proxy-chain';
import type { Emulator, EmulatorOptions } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import { type CertificateKind, makeCertificate } from '../../emulator/tls.ts';
import { errors, type Inputs, runAction, trust } from './action.ts';
import { anotherEmulator } from './emulators.ts';
import { anotherFolder } from './folders.ts';
import { expectFailed } from './outcomes.ts';
import { operationsOf } from './requests.ts';
import { REPOSITORY } from './saved.ts';

// What the tests of networks share: forward proxies, servers with TLS, and steps that reach servers only through a proxy.

export type Variables = Record<string, string>;

/** The origins of the servers. Only the proxy can resolve these names. */
export const SCALEKIT = 'https://acme.scalekit.invalid';
export const GITHUB = 'https://api.github.invalid:8443';
export const ID_TOKENS = 'https://tokens.github.invalid';
export const TO_SCALEKIT = 'CONNECT acme.scalekit.invalid:443';
export const TO_GITHUB = 'CONNECT api.github.invalid:8443';
export const TO_ID_TOKENS = 'CONNECT tokens.github.invalid:443';

export const FILE_OF_CA = 'NODE_EXTRA_CA_CERTS';

/** Inputs of the step with the fewest requests: a sign-in and a create. */
export const FEWEST_REQUESTS: Inputs = { lifetime: 'job', verify: 'false' };

/** Removes the pauses before retries. They are random, from 0 upwards. */
export const IMPATIENT = preload('Math.random = () => 0;');

/** Returns Node options that run this code before the action. */
function preload(code: string): Required<Pick<Step, 'nodeOptions'>> {
  return { nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] };
}

export interface Network {
  /** Variables that make a step trust the authority of the emulators. They are set when the tests run. */
  trusted: Variables;
  /** Runs a step that reaches the servers only through a proxy. It trusts their authority. */
  runRemote(emulator: Emulator, env: Variables, step?: Step): Promise<Executed>;
  /** Like runRemote(), with the inputs FEWEST_REQUESTS. */
  runShort(emulator: Emulator, env: Variables, step?: Step): Promise<Executed>;
}

/**
 * Prepares a file whose tests run concurrently: writes the certificate of the authority, and loads the modules that the
 * emulator otherwise imports in the middle of a test. Jest forbids imports after the first concurrent test has ended.
 */
export function useNetwork(): Network {
  const trusted: Variables = {};
  const folder = anotherFolder();
  beforeAll(async () => {
    Object.assign(trusted, trust(folder.path, (await makeCertificate('valid')).ca));
    await loadModules();
  });
  afterAll(() => folder[Symbol.dispose]());
  const runRemote: Network['runRemote'] = (emulator, env, { inputs, ...step } = {}) =>
    runAction(emulator, {
      ...step,
      inputs: { scalekit_environment_url: SCALEKIT, ...inputs },
      env: { ...trusted, GITHUB_API_URL: `${GITHUB}/api/v3`, ...env, ...step.env },
    });
  return {
    trusted,
    runRemote,
    runShort: (emulator, env, step = {}) =>
      runRemote(emulator, env, { ...step, inputs: { ...FEWEST_REQUESTS, ...step.inputs } }),
  };
}

/** Makes the emulator import the modules that it imports late. Reading a public key of GitHub needs all of them. */
async function loadModules(): Promise<void> {
  await using emulator = await anotherEmulator();
  const { token, variables } = emulator.github;
  const url = `${variables.GITHUB_API_URL}/repos/${REPOSITORY}/actions/secrets/public-key`;
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
}

export interface Listening extends AsyncDisposable {
  port: number;
}

/** Starts a server on a free loopback port. Disposing of the result closes it. */
export async function listen(server: net.Server): Promise<Listening> {
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

/** Starts a server that handles connections as `react` says. */
export const onConnection = (react: (socket: Socket) => void): Promise<Listening> => listen(net.createServer(react));

export interface Proxy extends Listening {
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
export async function startProxy(to: number, login = '', options: ServerOptions = {}): Promise<Proxy> {
  const [requests, headers]: [string[], IncomingHttpHeaders[]] = [[], []];
  const server = new Server({
    port: 0,
    host: '127.0.0.1',
    prepareRequestFunction: ({ request, username, password, isHttp }) => {
      requests.push(`${request.method} ${request.url}`);
      headers.push(request.headers);
      if (isHttp) throw new RequestError('this proxy supports only tunnels', 405);
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

/** Starts a forward proxy that speaks TLS. @param kind the kind of its own certificate */
export async function startSecureProxy(to: number, kind: CertificateKind = 'valid'): Promise<Proxy> {
  const { key, cert } = await makeCertificate(kind);
  return await startProxy(to, '', { serverType: 'https', httpsOptions: { key, cert } });
}

/** Starts a faulty proxy. `onConnect` handles the connection of each CONNECT; `count` starts at 1. */
export function startBrokenProxy(onConnect: (socket: Duplex, count: number) => void): Promise<Listening> {
  let count = 0;
  return listen(
    http.createServer().on('connect', (_, socket) =>
      onConnect(
        socket.on('error', () => {}),
        ++count,
      ),
    ),
  );
}

export interface Remote extends Emulator, AsyncDisposable {
  /** Port of the listener with TLS. */
  tlsPort: number;
}

/** Starts an emulator whose certificate is valid for the names that only the proxy can resolve. */
export async function startRemote(options: EmulatorOptions = {}): Promise<Remote> {
  const emulator = await anotherEmulator({ tls: 'remote', ...options });
  return Object.assign(emulator, { tlsPort: Number(new URL(emulator.tlsUrl ?? '').port) });
}

/** Returns the variables of a job that may get an ID token, at the address that only the proxy can resolve. */
export const idTokens = ({ github }: Emulator): Variables => ({
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: github.idTokenVariables.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '',
  ACTIONS_ID_TOKEN_REQUEST_URL: `${ID_TOKENS}/id-token?api-version=2.0`,
});

/** Like IMPATIENT. In addition, the step can reach the servers without a proxy. */
export function withRoutes({ tlsPort }: Remote): Required<Pick<Step, 'nodeOptions'>> {
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

/** Returns how many attempts to send a request a run logged. */
export const attempts = ({ log }: Outcome): number => [...log.matchAll(/ attempt \d$/gm)].length;

/** Returns the addresses that requests used. */
export const originsOf = ({ requests }: Emulator): Set<string> => new Set(requests.map(({ origin }) => origin));

/** Checks that a step failed before it sent a request. Its one error matches `said` and does not blame credentials. */
export function expectNothingDone(run: Executed, emulator: Emulator, ...said: RegExp[]): void {
  expectFailed(run);
  expect(run.state.client ?? '').toBe('');
  expect(operationsOf(emulator)).toEqual([]);
  expect(errors(run)).toHaveLength(1);
  for (const text of said) expect(errors(run)[0]).toMatch(text);
  expect(errors(run)[0]).not.toMatch(/credential|scalekit_client_|SSL routines/);
}
