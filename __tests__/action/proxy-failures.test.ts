import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, it, jest } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Outcome } from '../../emulator/runner.ts';
import type { CertificateKind } from '../../emulator/tls.ts';
import { errors, type Inputs, readable, savingIn, warnings } from '../support/action.ts';
import {
  attempts,
  expectNothingDone,
  FILE_OF_CA,
  IMPATIENT,
  idTokens,
  type Listening,
  onConnection,
  SCALEKIT,
  startBrokenProxy,
  startProxy,
  startRemote,
  startSecureProxy,
  TO_GITHUB,
  TO_ID_TOKENS,
  TO_SCALEKIT,
  useNetwork,
  type Variables,
  withRoutes,
} from '../support/network.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import { credentialsIn, credentialsOf, repositoryOf } from '../support/saved.ts';

// What the action does if a forward proxy requires a password, refuses, or breaks (docs/network.md).

// Each test starts few processes, but many tests run concurrently.
jest.setTimeout(60_000);

const { runRemote, runShort } = useNetwork();

const USER = 'deploy';
/** Contains every character that has a meaning in a URL or in the Basic scheme. */
const PASSWORD = ['p@ss', 'w/rd%'].join(':');
const LOGIN = `${USER}:${PASSWORD}`;
const URL_LOGIN = `${USER}:${encodeURIComponent(PASSWORD)}`;

/** Checks that no output that a person can read contains the proxy's password, in any form. */
function expectNoPassword(...runs: Outcome[]): void {
  const base64 = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '');
  for (const run of runs) {
    // The log is checked as well, because commands in standard output have their percent signs escaped.
    const all = [readable(run), run.log, JSON.stringify(run.outputs)].join('\n');
    for (const form of [PASSWORD, PASSWORD.slice(-4), encodeURIComponent(PASSWORD), base64(PASSWORD), base64(LOGIN)])
      expect(all).not.toContain(form);
  }
}

it.concurrent("sends the proxy's password from main and post to the proxy alone", async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort, LOGIN);
  const env = { https_proxy: `http://${URL_LOGIN}@127.0.0.1:${proxy.port}`, ...idTokens(emulator) };
  const run = await runRemote(emulator, env, { inputs: savingIn(emulator) });
  expect(run).toMatchObject({ exitCode: 0, annotations: [], stderr: '' });
  expect(credentialsIn(repositoryOf(emulator))).toEqual(credentialsOf(run));
  const job = await runRemote(emulator, env, { inputs: { lifetime: 'job' } });
  const post = await job.post();
  expectSucceeded(post);
  expect(emulator.clients()).toHaveLength(1);
  expect(new Set(proxy.requests)).toEqual(new Set([TO_ID_TOKENS, TO_SCALEKIT, TO_GITHUB]));
  expectNoPassword(run, job, post);
  expect(JSON.stringify(emulator.requests)).not.toMatch(/proxy-authorization/i);
});

// The proxy is asked once, because five refusals may lock the user out.
it.concurrent.each<[what: string, login: string]>([
  ['no password', ''],
  ['a wrong password', `${USER}:${encodeURIComponent(`${PASSWORD}!`)}@`],
])('asks the proxy once and names it if it requires a password and gets %s', async (_, login) => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort, LOGIN);
  const env = { https_proxy: `http://${login}127.0.0.1:${proxy.port}` };
  const run = await runShort(emulator, env, withRoutes(emulator));
  expectNothingDone(run, emulator, /^Could not sign in to Scalekit: .*407/, /proxy/, /https_proxy/);
  expectNoPassword(run);
  expect(proxy.requests).toEqual([TO_SCALEKIT]);
});

it.concurrent.each<[what: string, https_proxy: string]>([
  ['is not an address', '::::'],
  ['has a half-encoded password', `http://${LOGIN.replace('@', '%40').replace('/', '%2F')}@127.0.0.1:1`],
  ['has another scheme than http and https', `socks5://${URL_LOGIN}@127.0.0.1:1`],
])('fails before any request and without its text if https_proxy %s', async (_, https_proxy) => {
  await using emulator = await startRemote();
  // The servers can be reached without the proxy. The step must not do that.
  const run = await runShort(emulator, { https_proxy }, withRoutes(emulator));
  expectNothingDone(run, emulator, /https_proxy/);
  expectNoPassword(run);
  expect(attempts(run)).toBe(0);
});

it.concurrent('fails before any request if https_proxy is not an address, although only requests to GitHub would use it', async () => {
  await using emulator = await startRemote();
  const env = { https_proxy: '::::', no_proxy: '.scalekit.invalid' };
  const run = await runRemote(emulator, env, { ...withRoutes(emulator), inputs: savingIn(emulator) });
  expectNothingDone(run, emulator, /https_proxy/);
});

it.concurrent.each<[what: string, https_proxy: string]>([
  ['nothing listens at its address', `http://${URL_LOGIN}@127.0.0.1:1`],
  ['its name cannot be resolved', `http://${URL_LOGIN}@no-such-proxy.invalid:3128`],
])('names the proxy, and no password, if %s', async (_, https_proxy) => {
  await using emulator = await startRemote();
  const run = await runShort(emulator, { https_proxy }, withRoutes(emulator));
  expectNothingDone(run, emulator, /^Could not sign in to Scalekit: .*https_proxy/);
  expect(errors(run)[0]).not.toMatch(/refused the connection\./);
  expectNoPassword(run);
  expect(attempts(run)).toBeLessThanOrEqual(5);
});

const respond = (text: string) => (socket: Duplex) => socket.end(`HTTP/1.1 ${text}\r\n\r\n`);
const PAGE = 'content-length: 11\r\n\r\n<p>page</p>';

it.concurrent.each<{ what: string; start: () => Promise<Listening>; most: number }>([
  { what: 'resets the connection', start: () => onConnection((socket) => socket.resetAndDestroy()), most: 5 },
  {
    what: 'sends something other than HTTP',
    start: () => onConnection((socket) => socket.end('garbage garbage\r\n\r\n')),
    most: 5,
  },
  { what: 'responds with 403', start: () => startBrokenProxy(respond(`403 Forbidden\r\n${PAGE}`)), most: 1 },
  {
    what: 'responds with 503',
    start: () => startBrokenProxy(respond('503 Service Unavailable\r\nretry-after: 3600')),
    most: 5,
  },
  {
    what: 'redirects',
    start: () => startBrokenProxy(respond('302 Found\r\nlocation: https://elsewhere.invalid/')),
    most: 5,
  },
  {
    what: 'opens the tunnel and closes it',
    start: () => startBrokenProxy(respond('200 Connection established')),
    most: 5,
  },
  {
    what: 'opens the tunnel and sends a page of its own',
    start: () => startBrokenProxy(respond(`200 OK\r\n${PAGE}`)),
    most: 5,
  },
])('fails and names the proxy if it $what', async ({ start, most }) => {
  await using emulator = await startRemote();
  await using proxy = await start();
  const env = { https_proxy: `http://127.0.0.1:${proxy.port}` };
  // The servers can be reached without the proxy. The step must not do that.
  const run = await runShort(emulator, env, withRoutes(emulator));
  expectNothingDone(run, emulator, /^Could not sign in to Scalekit: .*https_proxy/);
  expect(attempts(run)).toBeLessThanOrEqual(most);
  expect(run.stderr).toBe('');
});

/** Sends the beginning of a response, and then a header every tenth of a second. */
function drip(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\n');
  const timer = setInterval(() => socket.write('x-more: 1\r\n'), 100);
  socket.on('close', () => clearInterval(timer));
}

it.concurrent.each<[what: string, start: () => Promise<Listening>]>([
  ['never responds', () => startBrokenProxy(() => {})],
  ['never ends its response', () => onConnection(drip)],
])('fails within its timeout and names the proxy if it %s', async (_, start) => {
  await using emulator = await startRemote();
  await using proxy = await start();
  const env = { https_proxy: `http://127.0.0.1:${proxy.port}` };
  const run = await runShort(emulator, env, { ...withRoutes(emulator), inputs: { timeout: '5' } });
  expectNothingDone(run, emulator, /no answer within \d.*https_proxy/);
  expect(run.milliseconds).toBeLessThan(5500);
});

it.concurrent.each<[what: string, kind: CertificateKind, env: Variables]>([
  ['is not trusted', 'valid', { [FILE_OF_CA]: '' }],
  // A client that accepted this certificate would mistake the proxy for the server.
  ['is valid for the server instead', 'remote', {}],
])('sends nothing to a proxy with TLS whose certificate %s', async (_, kind, env) => {
  await using emulator = await startRemote();
  await using proxy = await startSecureProxy(emulator.tlsPort, kind);
  const variables = { https_proxy: `https://localhost:${proxy.port}`, ...env };
  const run = await runShort(emulator, variables, withRoutes(emulator));
  expectNothingDone(run, emulator, /certificate.*https_proxy/i);
  expect(attempts(run)).toBe(1);
  expect(proxy.requests).toEqual([]);
});

it.concurrent('names the proxy if its address says https and it does not speak TLS', async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  const run = await runShort(emulator, { https_proxy: `https://localhost:${proxy.port}` }, withRoutes(emulator));
  expectNothingDone(run, emulator, /https_proxy/);
});

it.concurrent.each<{
  server: string;
  step: (emulator: Emulator) => { inputs?: Inputs; env?: Variables };
  said: RegExp;
}>([
  {
    server: 'GitHub',
    step: (emulator) => ({ inputs: savingIn(emulator) }),
    said: /^Could not read the public key .*https_proxy/,
  },
  {
    server: 'the ID token',
    step: (emulator) => ({ env: idTokens(emulator) }),
    said: /^Could not get GitHub's ID token: .*https_proxy/,
  },
])('creates no client if the proxy that is needed for $server is down', async ({ step, said }) => {
  await using emulator = await startRemote();
  const { inputs, env } = step(emulator);
  const variables = { https_proxy: 'http://127.0.0.1:1', no_proxy: '.scalekit.invalid', ...env };
  const run = await runRemote(emulator, variables, { ...withRoutes(emulator), inputs: inputs ?? {} });
  expect(run.exitCode).toBe(1);
  expect(sentTo(emulator, 'createClient')).toEqual([]);
  expect(errors(run)).toEqual([expect.stringMatching(said)]);
});

it.concurrent('warns in the post step with the manual DELETE call if the proxy is down after main', async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  const run = await runRemote(emulator, { https_proxy: proxy.url }, { ...IMPATIENT, inputs: { lifetime: 'job' } });
  await proxy.close();
  const failed = await run.post();
  expect({ exitCode: failed.exitCode, errors: errors(failed) }).toEqual({ exitCode: 0, errors: [] });
  expect(emulator.clients()).toHaveLength(1);
  expect(warnings(failed)).toEqual([
    expect.stringMatching(new RegExp(`https_proxy.* DELETE ${SCALEKIT}/.*/clients/${run.outputs.client_id}$`, 's')),
  ]);
  await using back = await startProxy(emulator.tlsPort);
  const post = await run.post({ env: { https_proxy: back.url } });
  expect(post).toMatchObject({ exitCode: 0, annotations: [] });
  expect(emulator.clients()).toEqual([]);
});

it.concurrent('names the client that may remain, which the post step deletes later, if the proxy goes down after the create was carried out', async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  emulator.hold = async (when, { operation }) => {
    if (when === 'after' && operation === 'createClient') await proxy.close();
  };
  const run = await runRemote(emulator, { https_proxy: proxy.url }, IMPATIENT);
  const [client] = emulator.clients();
  const nonce = /nonce:[\w-]+/.exec(client?.description ?? '')?.[0];
  expectFailed(run);
  expect(emulator.clients()).toHaveLength(1);
  expect(errors(run)).toEqual([
    expect.stringMatching(
      new RegExp(`^Could not create the client: .*left over.*https_proxy.*${nonce}.* DELETE ${SCALEKIT}/`, 's'),
    ),
  ]);
  await using back = await startProxy(emulator.tlsPort);
  const post = await run.post({ env: { https_proxy: back.url } });
  expect(post).toMatchObject({ exitCode: 0, annotations: [] });
  expect(emulator.clients()).toEqual([]);
});

it.concurrent('sends the create again if its tunnel broke during the TLS handshake', async () => {
  await using emulator = await startRemote({ issuer: SCALEKIT });
  // `connection: close` makes the create use a new connection, even if a tunnel could serve more than one request.
  const { clientId: client_id, clientSecret: client_secret } = emulator.credentials;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  const signedIn = await fetch(`${emulator.url}/oauth/token`, { method: 'POST', body: form });
  const response = { status: signedIn.status, headers: { connection: 'close' }, body: await signedIn.json() };
  emulator.faults.add({ operation: 'token', fault: { kind: 'status', ...response } });
  let tunnels = 0;
  await using proxy = await startBrokenProxy((client, count) => {
    tunnels = count;
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (count === 2) return client.once('data', () => (client as Socket).resetAndDestroy());
    const upstream = net.connect(emulator.tlsPort, '127.0.0.1').on('error', () => {});
    return upstream.pipe(client).pipe(upstream);
  });
  const run = await runShort(emulator, { https_proxy: `http://127.0.0.1:${proxy.port}` });
  expect({ exitCode: run.exitCode, tunnels }).toEqual({ exitCode: 0, tunnels: 3 });
  expect(emulator.clients()).toHaveLength(1);
  expect(operationsOf(emulator, 1)).toEqual(['token', 'createClient']);
});
