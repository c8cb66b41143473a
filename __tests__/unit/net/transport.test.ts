import dns from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { NetworkError } from '../../../src/net/network-error.ts';
import { type HttpRequest, type HttpResponse, Transport, VERSION } from '../../../src/net/transport.ts';

beforeEach(() => {
  // Suppress the transport's debug lines.
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  // With this value, a retry waits only as long as the server asks for.
  jest.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

it('Transport sends nothing and ends all waiting once the run is cancelled', async () => {
  const CANCELLED = { code: 'CANCELLED', reached: false, message: 'the run was cancelled before it was sent' };
  const transport = new Transport('1.1', 3600);
  expect(transport.cancelled).toBe(false);
  const pause = transport.pause(60_000);
  transport.cancel();
  expect(transport.cancelled).toBe(true);
  await expect(pause).rejects.toMatchObject(CANCELLED);
  await expect(transport.pause(60_000)).rejects.toMatchObject(CANCELLED);
  const onSend = jest.fn();
  const url = new URL('https://acme.invalid');
  const sending = transport.send({ method: 'GET', url, headers: {}, repeatable: true, onSend });
  await expect(sending).rejects.toMatchObject(CANCELLED);
  expect(onSend).not.toHaveBeenCalled();
});

it('Transport.pause does not wait beyond the deadline of the step', async () => {
  const transport = new Transport('1.1', 3600);
  await expect(transport.pause(3_590_000)).rejects.toMatchObject({ code: 'DEADLINE', reached: false });
});

it('Transport names each address of a host in the error if it reaches none of them', async () => {
  const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  const lookup = (_host: string, _options: unknown, callback: (...results: unknown[]) => void) =>
    setImmediate(callback, null, addresses);
  jest.spyOn(dns, 'lookup').mockImplementation(lookup as unknown as typeof dns.lookup);
  // Port 1 of the loopback interface has no server.
  const url = new URL('https://two-addresses.example:1');
  const request: HttpRequest = { method: 'GET', url, headers: {}, repeatable: false };
  await expect(new Transport('1.1', 3600).send(request)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    reached: false,
    message: expect.stringMatching(/^connect ECONNREFUSED 127\.0\.0\.1:1, connect ECONNREFUSED 127\.0\.0\.2:1\b/),
  });
});

it('the version that Transport sends is the one in package.json', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
});

describe('a request to a server', () => {
  type Reply = { status: number; headers?: Record<string, string> } | 'none';
  /** A reply that `rateLimit` takes for a rate limit. */
  const LIMIT: Reply = { status: 403 };
  /** Takes each 403 for a rate limit without a time at which it ends. */
  const rateLimit = ({ status }: HttpResponse) => (status === 403 ? 0 : undefined);
  let server: Server;
  let replies: Reply[] = [];
  let methods: (string | undefined)[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      methods.push(request.method);
      const reply = replies.shift() ?? { status: 200 };
      if (reply === 'none') request.socket.destroy();
      else response.writeHead(reply.status, reply.headers).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    [replies, methods] = [[], []];
  });

  const serverUrl = () => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);

  /** Sends a request, to whose attempts the server replies in this order. */
  async function send(attemptReplies: Reply[], changes: Partial<HttpRequest> = {}) {
    [replies, methods] = [attemptReplies, []];
    const request: HttpRequest = {
      method: 'PUT',
      url: serverUrl(),
      headers: {},
      body: '{}',
      repeatable: true,
      rateLimitWait: rateLimit,
      ...changes,
    };
    const outcome = await new Transport('1.1', 3600).send(request).catch((error: NetworkError) => error);
    return { ...outcome, outcome, attempts: methods.length };
  }

  describe('the outcome', () => {
    it.each<{ what: string; attemptReplies: Reply[]; status: number; mayBeDone: boolean }>([
      { what: 'a refusal', attemptReplies: [{ status: 422 }], status: 422, mayBeDone: false },
      { what: 'a redirect', attemptReplies: [{ status: 302 }], status: 302, mayBeDone: true },
      {
        what: 'a refusal after a failure of the server',
        attemptReplies: [{ status: 502 }, { status: 409 }],
        status: 409,
        mayBeDone: true,
      },
      {
        what: 'a refusal after an attempt without a response',
        attemptReplies: ['none', { status: 422 }],
        status: 422,
        mayBeDone: true,
      },
      {
        what: 'a refusal after several attempts, of which one may have arrived',
        attemptReplies: [{ status: 429 }, 'none', { status: 425 }, LIMIT, { status: 422 }],
        status: 422,
        mayBeDone: true,
      },
      {
        what: 'a refusal after a timeout of the server',
        attemptReplies: [{ status: 408 }, { status: 409 }],
        status: 409,
        mayBeDone: true,
      },
      {
        what: 'a refusal after a rate limit, which did nothing',
        attemptReplies: [{ status: 429 }, { status: 422 }],
        status: 422,
        mayBeDone: false,
      },
      {
        what: 'a refusal after what the caller takes for a rate limit',
        attemptReplies: [LIMIT, { status: 422 }],
        status: 422,
        mayBeDone: false,
      },
      {
        what: 'a refusal after an attempt that came too early',
        attemptReplies: [{ status: 425 }, { status: 422 }],
        status: 422,
        mayBeDone: false,
      },
      {
        what: 'a 404 after a rate limit and no response',
        attemptReplies: ['none', { status: 429 }, { status: 404 }],
        status: 404,
        mayBeDone: true,
      },
      {
        what: 'five failures of the server',
        attemptReplies: Array<Reply>(5).fill({ status: 500 }),
        status: 500,
        mayBeDone: true,
      },
    ])(
      'Transport.send says whether the server may have carried out a repeatable request: $what',
      async ({ attemptReplies, status, mayBeDone }) => {
        const attempts = attemptReplies.length;
        expect(await send([...attemptReplies])).toMatchObject({ status, mayBeDone, attempts, cancelled: false });
        expect(new Set(methods)).toEqual(new Set(['PUT']));
      },
    );

    it.each<[status: number, mayBeDone: boolean]>([
      [400, false],
      [404, false],
      [409, false],
      [425, false],
      [302, true],
      [408, true],
      [500, true],
      [503, true],
    ])(
      'Transport.send says by HTTP %i whether the server may have carried out a request that must not be repeated: %s',
      async (status, mayBeDone) => {
        const changes = { repeatable: false, rateLimitWait: () => undefined };
        expect(await send(Array<Reply>(5).fill({ status }), changes)).toMatchObject({ status, mayBeDone });
      },
    );

    it.each([true, false])(
      'Transport.send considers whether an earlier request may have been carried out: %s',
      async (mayBeDone) => {
        expect(await send([{ status: 422 }], { mayBeDone })).toMatchObject({ status: 422, mayBeDone, attempts: 1 });
        const noServer = { url: new URL('http://127.0.0.1:1/'), repeatable: false };
        const { outcome } = await send([], { ...noServer, mayBeDone });
        expect(outcome).toMatchObject({ reached: mayBeDone });
      },
    );

    it.each<[what: string, failures: Reply[]]>([
      ['no failed attempt', []],
      ['a failure of the server', [{ status: 500 }]],
      ['two attempts that may have arrived', ['none', { status: 502 }]],
    ])('Transport.send returns a success after %s', async (_what, failures) => {
      const attempts = failures.length + 1;
      expect(await send([...failures])).toMatchObject({ status: 200, attempts });
    });

    it('Transport.send throws an error that says that no attempt reached a server', async () => {
      const { outcome } = await send([], { url: new URL('http://127.0.0.1:1/'), method: 'GET' });
      expect(outcome).toMatchObject({ reached: false });
    });

    it('Transport.send throws an error that says that an attempt may have arrived, and counts the attempts', async () => {
      const { outcome } = await send(Array<Reply>(5).fill('none'));
      expect(outcome).toMatchObject({ reached: true, message: expect.stringMatching(/ \(attempt 5\)$/) });
    });

    it('Transport.send calls a request reached if an earlier attempt may have arrived, and the last one did not', async () => {
      const url = serverUrl();
      let attempts = 0;
      // The second attempt reaches no server.
      const onSend = () => {
        attempts += 1;
        if (attempts > 1) url.port = '1';
      };
      const { outcome } = await send(['none'], { url, onSend });
      expect(outcome).toMatchObject({ code: 'ECONNREFUSED', reached: true });
    });
  });

  describe('the repetition', () => {
    it.each([429, 503, 422])(
      'Transport.send does not repeat a request after %i if the run is cancelled',
      async (status) => {
        replies = [{ status }];
        const transport = new Transport('1.1', 3600);
        const onSend = () => transport.cancel();
        const response = await transport.send({
          method: 'PUT',
          url: serverUrl(),
          headers: {},
          repeatable: true,
          onSend,
        });
        expect(response).toMatchObject({ status, cancelled: true });
        expect(methods).toHaveLength(1);
      },
    );

    it.each<{ status: number; repeatable: number; other: number }>([
      ...[302, 400, 401, 403, 404, 409, 422].map((status) => ({ status, repeatable: 1, other: 1 })),
      ...[408, 500, 501, 502, 503, 504].map((status) => ({ status, repeatable: 5, other: 1 })),
      // The server has done nothing.
      { status: 425, repeatable: 5, other: 5 },
    ])(
      'Transport.send sends a repeatable request $repeatable times and any other $other times if the response is HTTP $status',
      async ({ status, ...attempts }) => {
        const attemptsIf = async (repeatable: boolean) => {
          const changes = { repeatable, rateLimitWait: () => undefined };
          return (await send(Array<Reply>(6).fill({ status }), changes)).attempts;
        };
        expect({ repeatable: await attemptsIf(true), other: await attemptsIf(false) }).toEqual(attempts);
      },
    );

    it('Transport.send repeats any request after what the caller takes for a rate limit', async () => {
      expect(await send([LIMIT, LIMIT], { repeatable: false })).toMatchObject({ status: 200, attempts: 3 });
      expect(await send(Array<Reply>(6).fill(LIMIT))).toMatchObject({ status: 200, attempts: 7 });
      expect(await send([LIMIT], { rateLimitWait: () => undefined })).toMatchObject({ status: 403, attempts: 1 });
    });

    it('Transport.send repeats a request after 429 without a limit, unless the caller takes it for a permanent one', async () => {
      const limits = () => Array<Reply>(6).fill({ status: 429 });
      expect(await send(limits())).toMatchObject({ status: 200, attempts: 7 });
      for (const repeatable of [true, false]) {
        const outcome = await send(limits(), { repeatable, isPermanentLimit: ({ status }) => status === 429 });
        expect(outcome).toMatchObject({ status: 429, attempts: 5, mayBeDone: false });
      }
      expect(await send(limits(), { isPermanentLimit: () => false })).toMatchObject({ status: 200, attempts: 7 });
    });

    const date = 'Tue, 24 Nov 2026 08:00:00 GMT';
    const later = 'Tue, 24 Nov 2026 09:00:00 GMT';

    it.each<{ what: string; status: number; headers: Record<string, string>; wait?: number }>([
      { what: 'the caller reads an hour', status: 403, headers: {}, wait: 3_600_000 },
      { what: 'Retry-After is an hour', status: 429, headers: { 'retry-after': '3600' } },
      { what: 'a failure of the server has a Retry-After of an hour', status: 503, headers: { 'retry-after': '3600' } },
      { what: "Retry-After is an hour after the server's time", status: 429, headers: { date, 'retry-after': later } },
    ])('Transport.send does not wait beyond the deadline of the step: $what', async ({ status, headers, wait }) => {
      const outcome = await send([{ status, headers }], { rateLimitWait: () => wait });
      expect(outcome).toMatchObject({ status, attempts: 1 });
    });

    it.each<{ what: string; headers: Record<string, string>; wait?: number }>([
      {
        what: 'the caller reads no wait, although Retry-After is an hour',
        headers: { 'retry-after': '3600' },
        wait: 0,
      },
      { what: "Retry-After is the server's own time", headers: { date, 'retry-after': date } },
      { what: 'the response does not say when the limit ends', headers: {} },
      {
        what: "the headers are GitHub's, which only the caller reads",
        headers: { date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${Date.parse(later) / 1000}` },
      },
    ])('Transport.send repeats a request after 429 at once: $what', async ({ headers, wait }) => {
      const rateLimitWait = ({ status }: HttpResponse) => (status < 400 ? undefined : wait);
      expect(await send([{ status: 429, headers }], { rateLimitWait })).toMatchObject({ status: 200, attempts: 2 });
    });

    it('Transport.send waits as long as a rate limit asks for', async () => {
      const startedAt = performance.now();
      const outcome = await send([LIMIT], { rateLimitWait: ({ status }) => (status === 403 ? 200 : undefined) });
      expect(outcome).toMatchObject({ status: 200, attempts: 2 });
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(190);
    });
  });

  describe('the time of the server', () => {
    /** Sends a request to which the server replies with these headers. @returns the time that the transport shows then */
    async function timeAfter(headers: Record<string, string>): Promise<number | undefined> {
      replies = [{ status: 200, headers }];
      const transport = new Transport('1.1', 3600);
      await transport.send({ method: 'PUT', url: serverUrl(), headers: {}, repeatable: true });
      return transport.serverNow;
    }

    it('Transport.serverNow is undefined until a server has sent its time', async () => {
      expect(new Transport('1.1', 3600).serverNow).toBeUndefined();
      expect(await timeAfter({ date: '' })).toBeUndefined();
    });

    it.each<[whose: string, serverOffset: number, offset: number]>([
      ['that of this machine if the server is ahead', 3_600_000, 0],
      ['that of the server if it is behind', -3_600_000, -3_600_000],
    ])('Transport.serverNow is the earlier time, %s', async (_whose, serverOffset, offset) => {
      const now = await timeAfter({ date: new Date(Date.now() + serverOffset).toUTCString() });
      expect(Math.abs((now ?? 0) - (Date.now() + offset))).toBeLessThan(5000);
    });
  });
});
