import { expect, it, jest } from '@jest/globals';
import { credentialsWork, readable, savingIn, secretsOf } from '../support/action.ts';
import { anotherEmulator } from '../support/emulators.ts';
import {
  attempts,
  expectNothingDone,
  GITHUB,
  ID_TOKENS,
  idTokens,
  originsOf,
  SCALEKIT,
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
import { expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import { credentialsIn, credentialsOf, repositoryOf } from '../support/saved.ts';

// What the action does through a forward proxy that works (docs/network.md). The table of unit/net/proxy.test.ts has which
// variables and addresses count.

// Each test starts few processes, but many tests run concurrently.
jest.setTimeout(60_000);

const { runRemote, runShort } = useNetwork();

it.concurrent('creates, verifies and deletes a client through a proxy that alone can resolve the names', async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  const env = { https_proxy: proxy.url, ...idTokens(emulator) };
  const run = await runRemote(emulator, env, { inputs: { lifetime: 'job', access_token: 'true' } });
  expect(run).toMatchObject({ exitCode: 0, annotations: [], stderr: '' });
  const post = await run.post();
  expect(post).toMatchObject({ exitCode: 0, annotations: [], stderr: '' });
  expect(emulator.clients()).toEqual([]);

  expect(new Set(proxy.requests)).toEqual(new Set([TO_ID_TOKENS, TO_SCALEKIT]));
  const sent = emulator.requests.map(({ operation, origin }) => `${operation} ${origin}`);
  // These two are sent at the same time.
  expect(sent.splice(0, 2).sort()).toEqual([`idToken ${ID_TOKENS}`, `token ${SCALEKIT}`]);
  expect(sent).toEqual([
    ...['createClient', 'token'].map((operation) => `${operation} ${SCALEKIT}`),
    ...['token', 'getClient', 'deleteClient'].map((operation) => `${operation} ${SCALEKIT}`),
  ]);
});

it.concurrent('saves and deletes credentials through a proxy, which sees only host and port', async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  const env = { HTTPS_PROXY: proxy.url };
  const saved = await runRemote(emulator, env, { inputs: savingIn(emulator) });
  expect(saved).toMatchObject({ exitCode: 0, annotations: [], stderr: '' });
  expect(credentialsIn(repositoryOf(emulator))).toEqual(credentialsOf(saved));
  const deleted = await runRemote(emulator, env, { action: 'delete', inputs: savingIn(emulator) });
  expectSucceeded(deleted);
  expect(emulator.clients()).toEqual([]);
  expect(credentialsIn(repositoryOf(emulator))).toEqual({});

  expect(new Set(proxy.requests)).toEqual(new Set([TO_SCALEKIT, TO_GITHUB]));
  expect(originsOf(emulator)).toEqual(new Set([SCALEKIT, GITHUB]));
  for (const headers of proxy.headers) expect(Object.keys(headers).sort()).toEqual(['connection', 'host']);
  for (const secret of secretsOf(emulator)) expect(readable(saved) + readable(deleted)).not.toContain(secret);
});

it.concurrent.each<[what: string, variables: (url: string) => Variables]>([
  ['https_proxy', (url) => ({ https_proxy: url, HTTPS_PROXY: 'http://127.0.0.1:1' })],
  ["https_proxy if Node.js's own support for proxies is on", (url) => ({ https_proxy: url, NODE_USE_ENV_PROXY: '1' })],
])('sends each request through the proxy of %s', async (_, variables) => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  const run = await runShort(emulator, variables(proxy.url), withRoutes(emulator));
  expect(run).toMatchObject({ exitCode: 0, annotations: [], stderr: '' });
  expect(operationsOf(emulator)).toEqual(['token', 'createClient']);
  expect(new Set(proxy.requests)).toEqual(new Set([TO_SCALEKIT]));
});

it.concurrent('sends requests for an IP address through the proxy without a warning of Node.js', async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  const inputs = { scalekit_environment_url: 'https://192.0.2.1' };
  const run = await runShort(emulator, { https_proxy: proxy.url }, { inputs });
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(new Set(proxy.requests)).toEqual(new Set(['CONNECT 192.0.2.1:443']));
});

it.concurrent('sends no request for a loopback address through the proxy', async () => {
  await using emulator = await anotherEmulator({ tls: true });
  await using proxy = await startProxy(0);
  const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];
  const env = Object.fromEntries(names.map((name) => [name, proxy.url]));
  const run = await runShort(emulator, env, { inputs: { scalekit_environment_url: emulator.tlsUrl ?? '' } });
  expectSucceeded(run);
  expect(emulator.clients()).toHaveLength(1);
  expect(proxy.requests).toEqual([]);
});

it.concurrent('sends requests to GitHub alone through the proxy if no_proxy names Scalekit', async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  const env = { https_proxy: proxy.url, no_proxy: '.scalekit.invalid' };
  const run = await runRemote(emulator, env, { ...withRoutes(emulator), inputs: savingIn(emulator) });
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(credentialsIn(repositoryOf(emulator))).toEqual(credentialsOf(run));
  expect(new Set(proxy.requests)).toEqual(new Set([TO_GITHUB]));
});

it.concurrent.each(['wrong-host', 'self-signed'] as const)(
  "sends nothing through the tunnel of a proxy if the server's certificate is %s",
  async (tls) => {
    await using emulator = await startRemote({ tls });
    await using proxy = await startProxy(emulator.tlsPort);
    const run = await runShort(emulator, { https_proxy: proxy.url });
    expectNothingDone(run, emulator, /certificate.*NODE_EXTRA_CA_CERTS/i);
    expect(attempts(run)).toBe(1);
    expect(proxy.requests).toEqual([TO_SCALEKIT]);
  },
);

it.concurrent.each(['localhost', '127.0.0.1'])(
  'uses a proxy with TLS if its certificate is valid for %s',
  async (host) => {
    await using emulator = await startRemote();
    await using proxy = await startSecureProxy(emulator.tlsPort);
    const run = await runShort(emulator, { https_proxy: `https://${host}:${proxy.port}` }, withRoutes(emulator));
    expect(run).toMatchObject({ exitCode: 0, annotations: [], stderr: '' });
    expect(emulator.clients()).toHaveLength(1);
    expect(new Set(proxy.requests)).toEqual(new Set([TO_SCALEKIT]));
  },
);

it.concurrent('creates one client if the proxy closes its tunnels after the create was carried out', async () => {
  await using emulator = await startRemote();
  await using proxy = await startProxy(emulator.tlsPort);
  emulator.hold = (when, { operation }) => {
    if (when === 'after' && operation === 'createClient') proxy.cut();
  };
  const run = await runRemote(emulator, { https_proxy: proxy.url });
  expectSucceeded(run);
  expect(emulator.clients()).toHaveLength(1);
  expect(sentTo(emulator, 'createClient')).toHaveLength(1);
  expect(await credentialsWork(emulator, run.outputs)).toBe(true);
});
