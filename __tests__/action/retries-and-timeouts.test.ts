import http from 'node:http';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from '@jest/globals';
import type { Emulator, Fault, Operation } from '../../emulator/index.ts';
import type { Executed, Step } from '../../emulator/runner.ts';
import { makeCertificate } from '../../emulator/tls.ts';
import { credentialsWork, errors, runAction, trust } from '../support/action.ts';
import { anotherEmulator, useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { FEWEST_REQUESTS, IMPATIENT, type Listening, listen } from '../support/network.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';

// Which requests are retried, how long a step waits, and which responses it refuses (docs/network.md). unit/net/ has the
// tables of statuses.

const emulator = useEmulator();
const inFolder = useFolder();
const itWaits = useConcurrentTests();

/** Runs the step with the fewest requests: a sign-in and a create. */
const runShort = (to: Emulator, { inputs, ...step }: Step = {}) =>
  runAction(to, { ...step, inputs: { ...FEWEST_REQUESTS, ...inputs } });

/** Returns how many requests for an operation a server has received. */
const count = (operation: Operation, at: Emulator = emulator) => sentTo(at, operation).length;

/** Checks that a step failed because Scalekit did not let it sign in. Its one error matches `said`. */
function expectNoSignIn(run: Executed, said: RegExp): void {
  expectFailed(run);
  expect(errors(run)).toEqual([expect.stringMatching(/^Could not sign in to Scalekit: /)]);
  expect(errors(run)[0]).toMatch(said);
}

it.each<[what: string, Fault]>([
  ['a 503', { kind: 'status', status: 503 }],
  ['a reset', { kind: 'reset' }],
  ['a response that is cut off', { kind: 'truncate' }],
])('retries the sign-in after %s', async (_, fault) => {
  emulator.faults.add({ operation: 'token', times: 1, fault });
  const run = await runShort(emulator);
  expectSucceeded(run);
  expect(count('token')).toBe(2);
  expect(emulator.clients()).toHaveLength(1);
});

it.each([400, 403])('does not retry a sign-in that is refused with %d', async (status) => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'status', status } });
  const run = await runShort(emulator);
  expectNoSignIn(run, new RegExp(`HTTP ${status}`));
  expect(count('token')).toBe(1);
});

it('gives up the sign-in after five attempts', async () => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'status', status: 503 } });
  const run = await runShort(emulator, IMPATIENT);
  expectNoSignIn(run, /: HTTP 503\. That is a failure of Scalekit/);
  expect(count('token')).toBe(5);
});

it('waits before a retry as long as Retry-After says', async () => {
  const fault: Fault = { kind: 'status', status: 429, headers: { 'retry-after': '1' } };
  emulator.faults.add({ operation: 'token', times: 1, fault });
  const run = await runShort(emulator);
  expectSucceeded(run);
  expect(count('token')).toBe(2);
  const [first = 0, second] = sentTo(emulator, 'token').map(({ at }) => at);
  // Timers can fire a millisecond early.
  expect(second).toBeGreaterThanOrEqual(first + 1000 - 5);
});

it('fails at once if Retry-After names more time than the step has', async () => {
  const fault: Fault = { kind: 'status', status: 429, headers: { 'retry-after': '3600' } };
  emulator.faults.add({ operation: 'token', fault });
  const run = await runShort(emulator);
  expectNoSignIn(run, /rate limit/);
  expect(count('token')).toBe(1);
  expect(run.milliseconds).toBeLessThan(3000);
});

itWaits('reports the rate limit if waiting for it took all the time of the step', async (emulator) => {
  emulator.faults.add({ operation: '*', fault: { kind: 'delay', ms: 150 } });
  const body = { code: 8, message: 'slow down', details: [{ error_code: 'RATE_LIMITED' }] };
  emulator.faults.add({ operation: 'createClient', fault: { kind: 'status', status: 429, body } });
  const run = await runAction(emulator, { inputs: { timeout: '5' } });
  expect(errors(run)).toEqual([
    expect.stringMatching(/^Could not create the client: HTTP 429: RATE_LIMITED: slow down\./),
  ]);
  expect((await run.post()).stdout).toBe('');
});

/** The requests of a step whose create request may have been carried out, but was not. */
const SEARCHED_FIRST = [
  ...['token', 'createClient', 'listClients', 'listClients', 'listClients', 'listClients'],
  ...['createClient', 'listClients'],
];

itWaits('searches four times before it repeats a create request that got a 500', async (emulator) => {
  emulator.faults.add({ operation: 'createClient', times: 1, fault: { kind: 'status', status: 500 } });
  expect(await runShort(emulator)).toMatchObject({ exitCode: 0 });
  expect(emulator.clients()).toHaveLength(1);
  expect(operationsOf(emulator)).toEqual(SEARCHED_FIRST);
});

itWaits('searches four times before it repeats a create request whose connection was reset', async (emulator) => {
  emulator.faults.add({ operation: 'createClient', times: 1, fault: { kind: 'reset' } });
  expect(await runShort(emulator)).toMatchObject({ exitCode: 0 });
  expect(emulator.clients()).toHaveLength(1);
  expect(operationsOf(emulator)).toEqual(SEARCHED_FIRST);
});

it('repeats a create request at once after a rate limit', async () => {
  emulator.faults.add({ operation: 'createClient', times: 2, fault: { kind: 'status', status: 429 } });
  const run = await runShort(emulator, IMPATIENT);
  expectSucceeded(run);
  expect(operationsOf(emulator)).toEqual(['token', 'createClient', 'createClient', 'createClient']);
  expect(emulator.clients()).toHaveLength(1);
});

/** Checks that a step does not follow a redirect in response to a request. */
async function expectNotFollowed(emulator: Emulator, operation: Operation, status: number): Promise<void> {
  await using other = await anotherEmulator();
  emulator.faults.add({ operation, fault: { kind: 'redirect', status, location: `${other.url}/oauth/token` } });
  const run = await runShort(emulator);
  expect(run.exitCode).toBe(1);
  expect(errors(run)[0]).toContain(`HTTP ${status}. Redirects are not followed`);
  expect(other.requests).toEqual([]);
}

itWaits('does not follow a redirect of the create request', (emulator) =>
  expectNotFollowed(emulator, 'createClient', 307),
);

itWaits('fails within its timeout if Scalekit never responds', async (emulator) => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'hang' } });
  const run = await runShort(emulator, { inputs: { timeout: '5' } });
  expectNoSignIn(run, /no answer within \d/);
  expect(run.milliseconds).toBeLessThan(5500);
});

itWaits('fails within its timeout if a response arrives byte by byte', async (emulator) => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'drip', ms: 200 } });
  const run = await runShort(emulator, { inputs: { timeout: '5' } });
  expect(run.exitCode).toBe(1);
  expect(run.milliseconds).toBeLessThan(5500);
});

it.each([302, 307])('does not follow a redirect of the sign-in with status %d', (status) =>
  expectNotFollowed(emulator, 'token', status),
);

it('refuses a response that is larger than 8 MiB', async () => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'huge', bytes: 9_000_000 } });
  const run = await runShort(emulator);
  expectNoSignIn(run, /larger than 8 MiB/);
  expect(count('token')).toBe(1);
});

it.each<[what: string, body: string]>([
  ['text instead of JSON', 'rubbish'],
  ['no token', '{}'],
  ['an empty token', '{"access_token":""}'],
])('fails if the response to the sign-in has %s', async (_, body) => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'body', body } });
  const run = await runShort(emulator, IMPATIENT);
  expectNoSignIn(run, /: HTTP 200, but .+\. Is scalekit_environment_url the address/);
});

it('tries five times to connect to a server that refuses connections, and names the address', async () => {
  // Nothing listens on port 1.
  const run = await runShort(emulator, { ...IMPATIENT, inputs: { scalekit_environment_url: 'http://127.0.0.1:1' } });
  expectNoSignIn(run, /: connect ECONNREFUSED 127\.0\.0\.1:1 \(attempt 5\)\. Check scalekit_environment_url/);
  expect(run.log.match(/ECONNREFUSED \d+ ms attempt/g)).toHaveLength(5);
});

it('says which input to check if the host of scalekit_environment_url does not exist', async () => {
  const inputs = { scalekit_environment_url: 'no-such-host.invalid' };
  const run = await runShort(emulator, { ...IMPATIENT, inputs });
  expectNoSignIn(run, /Check the host in scalekit_environment_url\./);
});

it('retries if the server refuses TLS on one connection after another connection has worked', async () => {
  await using secure = await anotherEmulator({ tls: true });
  let connections = 0;
  const limiter = net.createServer((socket) => {
    connections++;
    if (connections === 2) return socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
    const onward = net.connect(Number(new URL(secure.tlsUrl ?? '').port), '127.0.0.1').on('error', () => {});
    return socket.pipe(onward).pipe(socket);
  });
  await using limited = await listen(limiter);
  const inputs = { scalekit_environment_url: `https://127.0.0.1:${limited.port}` };
  const run = await runAction(secure, { inputs, env: trust(inFolder(), secure.ca) });
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(secure.clients()).toHaveLength(1);
});

it('reads a response in pieces of one byte without an object in memory for each', async () => {
  const pieces = Buffer.from('1\r\nx\r\n'.repeat(400_000));
  await using server = await listen(
    net.createServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n');
        socket.write(pieces);
        socket.end('0\r\n\r\n');
      });
    }),
  );
  const run = await runShort(emulator, {
    inputs: { scalekit_environment_url: `http://127.0.0.1:${server.port}` },
    // MiB. An object for each piece would not fit.
    nodeOptions: [...IMPATIENT.nodeOptions, '--max-old-space-size=24'],
  });
  expectNoSignIn(run, /the answer is not JSON \(400000 characters\)/);
});

/**
 * Starts a server that forwards connections to another one.
 * @param onConnection can handle a connection itself and return false
 */
function between(upstreamPort: number, onConnection: (client: Socket, number: number) => boolean): Promise<Listening> {
  let connections = 0;
  return listen(
    net.createServer((client) => {
      connections += 1;
      if (!onConnection(client, connections)) return;
      const upstream = net.connect(upstreamPort, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on('error', () => {}).on('close', () => to.destroy());
        from.pipe(to);
      }
    }),
  );
}

it.each<[what: string, bytes: Buffer]>([
  ['garbage', Buffer.from('garbage garbage garbage')],
  ['a TLS alert', Buffer.from([0x15, 3, 3, 0, 2, 2, 40])],
])('creates one client if %s breaks the connection after the create was carried out', async (_, bytes) => {
  await using secure = await anotherEmulator({ tls: true });
  const connected: Socket[] = [];
  const port = Number(new URL(secure.tlsUrl ?? '').port);
  await using proxy = await between(port, (client) => connected.push(client) > 0);
  secure.hold = (when, { operation }) => {
    if (when === 'after' && operation === 'createClient') connected[0]?.write(bytes);
  };
  secure.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'delay', ms: 300 } });
  const run = await runAction(secure, {
    inputs: { scalekit_environment_url: `https://localhost:${proxy.port}` },
    env: trust(inFolder(), secure.ca),
  });
  expectSucceeded(run);
  expect(count('createClient', secure)).toBe(1);
  expect(secure.clients()).toHaveLength(1);
  expect(await credentialsWork(secure, run.outputs)).toBe(true);
});

it('sends the create again if its connection broke during the TLS handshake', async () => {
  const { key, cert, ca } = await makeCertificate('valid');
  let created = 0;
  const api = https.createServer({ key, cert }, async (request, response) => {
    const body = await text(request);
    response.setHeader('connection', 'close');
    if (request.url === '/oauth/token') return response.end('{"access_token":"opaque-access-token"}');
    created += 1;
    const client = { ...JSON.parse(body), client_id: 'm2morg_1', secrets: [{ id: 'sks_1' }] };
    return response.end(JSON.stringify({ client, plain_secret: ['plain', 'secret', 'value'].join('-') }));
  });
  await using upstream = await listen(api);
  await using proxy = await between(upstream.port, (client, number) => {
    if (number === 2) client.once('data', () => client.resetAndDestroy());
    return number !== 2;
  });
  const run = await runAction(emulator, {
    inputs: { scalekit_environment_url: `https://localhost:${proxy.port}`, ...FEWEST_REQUESTS },
    env: trust(inFolder(), ca),
  });
  expect(run).toMatchObject({ exitCode: 0, outputs: { client_id: 'm2morg_1' } });
  expect(created).toBe(1);
});

it('fails if the server switches protocols (HTTP 101)', async () => {
  const switching = http.createServer((request) =>
    request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
  );
  await using server = await listen(switching);
  const inputs = { scalekit_environment_url: `http://127.0.0.1:${server.port}`, timeout: '5' };
  const run = await runAction(emulator, { ...IMPATIENT, inputs });
  expectFailed(run);
  expect(errors(run)).toEqual([expect.stringContaining(': the server switches protocols (HTTP 101)')]);
});
