import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, type Operation, startEmulator } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';
import { errors, runAction as runStep, sentTo, trust } from '../support/action.ts';

let emulator: Emulator;

/** Runs the step with the fewest requests: a sign-in and a create. */
const runAction = (to: Emulator, { inputs, ...step }: Step = {}) =>
  runStep(to, { ...step, inputs: { lifetime: 'job', verify: 'false', ...inputs } });

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const count = (operation: Operation) => sentTo(emulator, operation).length;
describe('a request that is safe to repeat', () => {
  const passing: [string, Fault][] = [
    ...[408, 425, 429, 500, 501, 502, 503, 504].map((status): [string, Fault] => [
      `${status}`,
      { kind: 'status', status },
    ]),
    ['a reset', { kind: 'reset' }],
    ['a connection closed without a response', { kind: 'close' }],
    ['a response cut off', { kind: 'truncate' }],
  ];
  it.each(passing)('is sent again after %s', async (_, fault) => {
    emulator.faults.add({ operation: 'token', times: 1, fault });
    const run = await runAction(emulator);
    expect([run.exitCode, count('token'), emulator.clients().length]).toEqual([0, 2, 1]);
  });

  it.each([400, 401, 403, 404, 409, 422])('is not sent again after %d', async (status) => {
    emulator.faults.add({ operation: 'token', fault: { kind: 'status', status } });
    const run = await runAction(emulator);
    expect([run.exitCode, count('token')]).toEqual([1, 1]);
    expect(errors(run)[0]).toContain(`HTTP ${status}`);
  });

  it('is given up in the end', async () => {
    emulator.faults.add({ operation: 'token', fault: { kind: 'status', status: 503 } });
    const run = await runAction(emulator);
    expect([run.exitCode, count('token')]).toEqual([1, 5]);
    expect(errors(run)[0]).toMatch(/^Could not sign in to Scalekit: HTTP 503\. That is a failure of Scalekit/);
  });

  it.each(['seconds', 'a date'])('waits as long as Retry-After asks, in %s', async (form) => {
    // An HTTP date has no fractions of a second.
    const date = Math.ceil(Date.now() / 1000 + 2) * 1000;
    const value = form === 'a date' ? new Date(date).toUTCString() : '2';
    emulator.faults.add({
      operation: 'token',
      times: 1,
      fault: { kind: 'status', status: 429, headers: { 'retry-after': value } },
    });
    const run = await runAction(emulator);
    expect([run.exitCode, count('token')]).toEqual([0, 2]);
    const [first, second] = sentTo(emulator, 'token').map(({ at }) => at);
    // Timers can fire a millisecond early.
    expect(second).toBeGreaterThanOrEqual((form === 'a date' ? date : (first ?? 0) + 2000) - 5);
  });

  it('is not waited for beyond the time of the step', async () => {
    emulator.faults.add({
      operation: 'token',
      fault: { kind: 'status', status: 429, headers: { 'retry-after': '3600' } },
    });
    const run = await runAction(emulator);
    expect([run.exitCode, count('token')]).toEqual([1, 1]);
    expect(errors(run)[0]).toMatch(/rate limit/);
    expect(run.milliseconds).toBeLessThan(3000);
  });
});

describe('the create request', () => {
  it.each([
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503, headers: { 'retry-after': '0' } }],
    ['408', { kind: 'status', status: 408 }],
    ['a reset', { kind: 'reset' }],
  ] as [string, Fault][])(
    'is never repeated blindly after %s: four looks come first, and one last',
    async (_, fault) => {
      emulator.faults.add({ operation: 'createClient', times: 1, fault });
      const run = await runAction(emulator);
      expect([run.exitCode, emulator.clients().length]).toEqual([0, 1]);
      const looks = Array(4).fill('listClients');
      expect(emulator.requests.map(({ operation }) => operation)).toEqual([
        ...['token', 'createClient', ...looks, 'createClient', 'listClients'],
      ]);
    },
  );

  it('is repeated after a rate limit, which did nothing', async () => {
    emulator.faults.add({ operation: 'createClient', times: 2, fault: { kind: 'status', status: 429 } });
    const run = await runAction(emulator);
    expect([run.exitCode, count('createClient'), emulator.clients().length]).toEqual([0, 3, 1]);
  });
});

describe('time', () => {
  it('is bounded for one request that is never answered, and for the step', async () => {
    emulator.faults.add({ operation: 'token', fault: { kind: 'hang' } });
    const run = await runAction(emulator, { inputs: { timeout: '5' } });
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toMatch(/no answer within \d/);
    expect(run.milliseconds).toBeLessThan(5500);
  });

  it('is bounded for a response that trickles in', async () => {
    emulator.faults.add({ operation: 'token', fault: { kind: 'drip', ms: 200 } });
    const run = await runAction(emulator, { inputs: { timeout: '5' } });
    expect(run.exitCode).toBe(1);
    expect(run.milliseconds).toBeLessThan(5500);
  });
});

describe('a response', () => {
  it('is never followed elsewhere', async () => {
    const other = await startEmulator();
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        for (const operation of ['token', ...(status === 307 ? (['createClient'] as const) : [])] as const) {
          emulator.faults.clear();
          emulator.faults.add({ operation, fault: { kind: 'redirect', status, location: `${other.url}/oauth/token` } });
          const run = await runAction(emulator);
          expect(run.exitCode).toBe(1);
          expect(errors(run)[0]).toContain(`HTTP ${status}. Redirects are not followed`);
        }
      }
      expect(other.requests).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('is not read beyond 8 MiB', async () => {
    emulator.faults.add({ operation: 'token', fault: { kind: 'huge', bytes: 50_000_000 } });
    const run = await runAction(emulator);
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toContain('larger than 8 MiB');
    expect(count('token')).toBe(1);
  });

  it.each([
    '',
    'rubbish',
    '[]',
    'null',
    '{}',
    '{"access_token":5}',
    '{"access_token":""}',
    '{"access_token":"a b\\r\\nX-Evil: 1"}',
  ])('to a sign-in that holds no token is an error: %s', async (body) => {
    emulator.faults.add({ operation: 'token', fault: { kind: 'body', body } });
    const run = await runAction(emulator);
    expect(run.exitCode).toBe(1);
    expect(errors(run)).toEqual([
      expect.stringMatching(
        /^Could not sign in to Scalekit: HTTP 200, but .+\. Is scalekit_environment_url the address/,
      ),
    ]);
  });
});

describe('a connection', () => {
  const runAt = (scalekit_environment_url: string) => runAction(emulator, { inputs: { scalekit_environment_url } });

  it('that nobody takes is tried again, then named', async () => {
    const closed = net.createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const run = await runAt(`http://127.0.0.1:${port}`);
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toMatch(
      /^Could not sign in to Scalekit: connect ECONNREFUSED 127\.0\.0\.1:\d+ \(attempt 5\)\. Check scalekit_environment_url/,
    );
    expect(run.log.match(/ECONNREFUSED \d+ ms attempt/g)).toHaveLength(5);
  });

  it('to a host that does not exist says so', async () => {
    const run = await runAt('no-such-host.invalid');
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toContain('Check the host in scalekit_environment_url.');
  });

  it('that the server refuses without TLS is tried again if another one has worked', async () => {
    await using secure = await serveTls();
    let connections = 0;
    const limiter = net.createServer((socket) => {
      connections++;
      socket.on('error', () => {});
      if (connections === 2) return socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
      const onward = net.connect(secure.port, '127.0.0.1').on('error', () => {});
      return socket.pipe(onward).pipe(socket);
    });
    limiter.listen(0, '127.0.0.1');
    await once(limiter, 'listening');
    const scalekit_environment_url = `https://127.0.0.1:${(limiter.address() as AddressInfo).port}`;
    const run = await runStep(secure.emulator, { inputs: { scalekit_environment_url }, env: secure.env });
    limiter.close();
    expect([run.exitCode, run.annotations, secure.emulator.clients().length]).toEqual([0, [], 1]);
  });
});

describe('a response in pieces of one byte', () => {
  it('takes no more memory than another', async () => {
    const pieces = Buffer.from('1\r\nx\r\n'.repeat(400_000));
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        socket.write(pieces);
        socket.end('0\r\n\r\n');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const run = await runAction(emulator, {
      inputs: { scalekit_environment_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
      // MiB. An object for each piece would not fit.
      nodeOptions: ['--max-old-space-size=24'],
    });
    server.close();
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toContain('the answer is not JSON (400000 characters)');
  });
});

/** Starts another emulator with TLS. @returns it with its port and the variables to trust its authority */
async function serveTls() {
  const emulator = await startEmulator({ tls: true });
  const folder = mkdtempSync(path.join(tmpdir(), 'transport-'));
  return {
    emulator,
    port: Number(new URL(emulator.tlsUrl ?? '').port),
    env: trust(folder, emulator.ca),
    [Symbol.asyncDispose]: async () => {
      rmSync(folder, { recursive: true });
      await emulator.close();
    },
  };
}
