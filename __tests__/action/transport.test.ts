import net from 'node:net';
import { expect, it } from '@jest/globals';
import type { Emulator, Fault, Operation } from '../../emulator/index.ts';
import type { Executed, Step } from '../../emulator/runner.ts';
import { errors, runAction as runStep, trust } from '../support/action.ts';
import { anotherEmulator, useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed } from '../support/failed.ts';
import { useFolder } from '../support/folders.ts';
import { IMPATIENT, listen } from '../support/network.ts';
import { operationsOf, sentTo } from '../support/requests.ts';

// Which requests are retried, how long a step waits, and which responses it refuses (docs/network.md). unit/net/ has the
// tables of statuses.

const emulator = useEmulator();
const inFolder = useFolder();
const itWaits = useConcurrentTests();

/** Runs the step with the fewest requests: a sign-in and a create. */
const runAction = (to: Emulator, { inputs, ...step }: Step = {}) =>
  runStep(to, { ...step, inputs: { lifetime: 'job', verify: 'false', ...inputs } });

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
  const run = await runAction(emulator);
  expect(run.exitCode).toBe(0);
  expect(count('token')).toBe(2);
  expect(emulator.clients()).toHaveLength(1);
});

it.each([400, 403])('does not retry a sign-in that is refused with %d', async (status) => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'status', status } });
  const run = await runAction(emulator);
  expectNoSignIn(run, new RegExp(`HTTP ${status}`));
  expect(count('token')).toBe(1);
});

it('gives up the sign-in after five attempts', async () => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'status', status: 503 } });
  const run = await runAction(emulator, IMPATIENT);
  expectNoSignIn(run, /: HTTP 503\. That is a failure of Scalekit/);
  expect(count('token')).toBe(5);
});

it('waits before a retry as long as Retry-After says', async () => {
  const fault: Fault = { kind: 'status', status: 429, headers: { 'retry-after': '1' } };
  emulator.faults.add({ operation: 'token', times: 1, fault });
  const run = await runAction(emulator);
  expect(run.exitCode).toBe(0);
  expect(count('token')).toBe(2);
  const [first = 0, second] = sentTo(emulator, 'token').map(({ at }) => at);
  // Timers can fire a millisecond early.
  expect(second).toBeGreaterThanOrEqual(first + 1000 - 5);
});

it('fails at once if Retry-After names more time than the step has', async () => {
  const fault: Fault = { kind: 'status', status: 429, headers: { 'retry-after': '3600' } };
  emulator.faults.add({ operation: 'token', fault });
  const run = await runAction(emulator);
  expectNoSignIn(run, /rate limit/);
  expect(count('token')).toBe(1);
  expect(run.milliseconds).toBeLessThan(3000);
});

/** The requests of a step whose create request may have been carried out, but was not. */
const SEARCHED_FIRST = [
  ...['token', 'createClient', 'listClients', 'listClients', 'listClients', 'listClients'],
  ...['createClient', 'listClients'],
];

itWaits('searches four times before it repeats a create request that got a 500', async (emulator) => {
  emulator.faults.add({ operation: 'createClient', times: 1, fault: { kind: 'status', status: 500 } });
  expect(await runAction(emulator)).toMatchObject({ exitCode: 0 });
  expect(emulator.clients()).toHaveLength(1);
  expect(operationsOf(emulator)).toEqual(SEARCHED_FIRST);
});

itWaits('searches four times before it repeats a create request whose connection was reset', async (emulator) => {
  emulator.faults.add({ operation: 'createClient', times: 1, fault: { kind: 'reset' } });
  expect(await runAction(emulator)).toMatchObject({ exitCode: 0 });
  expect(emulator.clients()).toHaveLength(1);
  expect(operationsOf(emulator)).toEqual(SEARCHED_FIRST);
});

it('repeats a create request at once after a rate limit', async () => {
  emulator.faults.add({ operation: 'createClient', times: 2, fault: { kind: 'status', status: 429 } });
  const run = await runAction(emulator, IMPATIENT);
  expect(run.exitCode).toBe(0);
  expect(operationsOf(emulator)).toEqual(['token', 'createClient', 'createClient', 'createClient']);
  expect(emulator.clients()).toHaveLength(1);
});

/** Checks that a step does not follow a redirect in response to a request. */
async function expectNotFollowed(emulator: Emulator, operation: Operation, status: number): Promise<void> {
  await using other = await anotherEmulator();
  emulator.faults.add({ operation, fault: { kind: 'redirect', status, location: `${other.url}/oauth/token` } });
  const run = await runAction(emulator);
  expect(run.exitCode).toBe(1);
  expect(errors(run)[0]).toContain(`HTTP ${status}. Redirects are not followed`);
  expect(other.requests).toEqual([]);
}

itWaits('does not follow a redirect of the create request', (emulator) =>
  expectNotFollowed(emulator, 'createClient', 307),
);

itWaits('fails within its timeout if Scalekit never responds', async (emulator) => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'hang' } });
  const run = await runAction(emulator, { inputs: { timeout: '5' } });
  expectNoSignIn(run, /no answer within \d/);
  expect(run.milliseconds).toBeLessThan(5500);
});

itWaits('fails within its timeout if a response arrives byte by byte', async (emulator) => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'drip', ms: 200 } });
  const run = await runAction(emulator, { inputs: { timeout: '5' } });
  expect(run.exitCode).toBe(1);
  expect(run.milliseconds).toBeLessThan(5500);
});

it.each([302, 307])('does not follow a redirect of the sign-in with status %d', (status) =>
  expectNotFollowed(emulator, 'token', status),
);

it('refuses a response that is larger than 8 MiB', async () => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'huge', bytes: 9_000_000 } });
  const run = await runAction(emulator);
  expectNoSignIn(run, /larger than 8 MiB/);
  expect(count('token')).toBe(1);
});

it.each<[what: string, body: string]>([
  ['text instead of JSON', 'rubbish'],
  ['no token', '{}'],
  ['an empty token', '{"access_token":""}'],
])('fails if the response to the sign-in has %s', async (_, body) => {
  emulator.faults.add({ operation: 'token', fault: { kind: 'body', body } });
  const run = await runAction(emulator, IMPATIENT);
  expectNoSignIn(run, /: HTTP 200, but .+\. Is scalekit_environment_url the address/);
});

it('tries five times to connect to a server that refuses connections, and names the address', async () => {
  // Nothing listens on port 1.
  const run = await runAction(emulator, { ...IMPATIENT, inputs: { scalekit_environment_url: 'http://127.0.0.1:1' } });
  expectNoSignIn(run, /: connect ECONNREFUSED 127\.0\.0\.1:1 \(attempt 5\)\. Check scalekit_environment_url/);
  expect(run.log.match(/ECONNREFUSED \d+ ms attempt/g)).toHaveLength(5);
});

it('says which input to check if the host of scalekit_environment_url does not exist', async () => {
  const inputs = { scalekit_environment_url: 'no-such-host.invalid' };
  const run = await runAction(emulator, { ...IMPATIENT, inputs });
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
  const run = await runStep(secure, { inputs, env: trust(inFolder(), secure.ca) });
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
  const run = await runAction(emulator, {
    inputs: { scalekit_environment_url: `http://127.0.0.1:${server.port}` },
    // MiB. An object for each piece would not fit.
    nodeOptions: [...IMPATIENT.nodeOptions, '--max-old-space-size=24'],
  });
  expectNoSignIn(run, /the answer is not JSON \(400000 characters\)/);
});
