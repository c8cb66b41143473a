import dns from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { NetworkError } from '../../../src/net/network-error.ts';
import { type HttpRequest, type HttpResponse, Transport, VERSION } from '../../../src/net/transport.ts';

describe('a run that was cancelled', () => {
  const request: HttpRequest = { method: 'GET', url: new URL('https://acme.invalid'), headers: {}, repeatable: true };
  const CANCELLED = { code: 'CANCELLED', reached: false, message: 'the run was cancelled before it was sent' };

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('sends nothing more, and waits for nothing', async () => {
    // Suppress the transport's debug lines.
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const transport = new Transport('1.1', 3600);
    expect(transport.cancelled).toBe(false);
    const pause = transport.pause(60_000);
    transport.cancel();
    expect(transport.cancelled).toBe(true);
    await expect(pause).rejects.toMatchObject(CANCELLED);
    await expect(transport.pause(60_000)).rejects.toMatchObject(CANCELLED);
    let sent = false;
    const onSend = () => {
      sent = true;
    };
    await expect(transport.send({ ...request, onSend })).rejects.toMatchObject(CANCELLED);
    expect(sent).toBe(false);
  });
});

describe('a response', () => {
  /** Takes each 403 for a rate limit without a time at which it ends. */
  const rateLimit = ({ status }: HttpResponse) => (status === 403 ? 0 : undefined);
  type Reply = { status: number; headers?: Record<string, string> } | 'none';
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
    methods = [];
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    // With this value, a retry waits only as long as the server asks for.
    jest.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** Sends a request, to whose attempts the server replies in this order. */
  async function send(attemptReplies: Reply[], changes: Partial<HttpRequest> = {}) {
    [replies, methods] = [attemptReplies, []];
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const request: HttpRequest = { method: 'PUT', url, headers: {}, body: '{}', repeatable: true, ...changes };
    const outcome = await new Transport('1.1', 3600)
      .send({ rateLimitWait: rateLimit, ...request })
      .catch((error: NetworkError) => error);
    return { ...outcome, outcome, attempts: methods.length };
  }

  const limit: Reply = { status: 403 };

  it.each<[what: string, Reply[], status: number, mayBeDone: boolean, attempts: number]>([
    ['refuses the first attempt', [{ status: 422 }], 422, false, 1],
    ['refuses the first attempt as unauthorized', [{ status: 401 }], 401, false, 1],
    ['does not find it', [{ status: 404 }], 404, false, 1],
    ['redirects', [{ status: 302 }], 302, true, 1],
    ['refuses what a failure of the server may have done', [{ status: 502 }, { status: 409 }], 409, true, 2],
    ['refuses what got no response before', ['none', { status: 422 }], 422, true, 2],
    [
      'refuses after several attempts, of which one may have arrived',
      [{ status: 429 }, 'none', { status: 425 }, limit, { status: 422 }],
      422,
      true,
      5,
    ],
    ['refuses what took too long before', [{ status: 408 }, { status: 409 }], 409, true, 2],
    ['refuses after a rate limit, which did nothing', [{ status: 429 }, { status: 422 }], 422, false, 2],
    ['refuses after what the caller takes for a rate limit', [limit, { status: 422 }], 422, false, 2],
    ['refuses after what came too early', [{ status: 425 }, { status: 422 }], 422, false, 2],
    ['is a rate limit after no response', ['none', { status: 429 }, { status: 404 }], 404, true, 3],
    ['fails five times', Array(5).fill({ status: 500 }), 500, true, 5],
  ])(
    'says whether the server may have carried out the request, if the response %s',
    async (_what, attemptReplies, status, mayBeDone, attempts) => {
      expect(await send(attemptReplies)).toMatchObject({ status, mayBeDone, attempts, cancelled: false });
      expect(new Set(methods)).toEqual(new Set(['PUT']));
    },
  );

  it.each<[status: number, mayBeDone: boolean]>([
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [409, false],
    [422, false],
    [425, false],
    [302, true],
    [408, true],
    [500, true],
    [502, true],
    [503, true],
    [504, true],
  ])(
    'says by status %i whether the server may have carried out a request that must not be repeated: %s',
    async (status, mayBeDone) => {
      const changes = { repeatable: false, rateLimitWait: () => undefined };
      expect(await send(Array<Reply>(5).fill({ status }), changes)).toMatchObject({ status, mayBeDone });
    },
  );

  it('says that the server may have carried out what an earlier request asked for', async () => {
    for (const mayBeDone of [true, false])
      for (const status of [401, 404, 422])
        expect(await send([{ status }], { mayBeDone })).toMatchObject({ status, mayBeDone, attempts: 1 });
  });

  it('says of an error, too, that an earlier request may have been carried out', async () => {
    const refused = { url: new URL('http://127.0.0.1:1/'), repeatable: false };
    for (const mayBeDone of [true, false]) {
      const { outcome } = await send([], { ...refused, mayBeDone });
      expect(outcome).toMatchObject({ reached: mayBeDone });
    }
  });

  it('returns a success after any number of attempts that may have arrived', async () => {
    const failures: Reply[][] = [[], [{ status: 500 }], ['none', { status: 502 }]];
    for (const [at, attemptReplies] of failures.entries())
      expect(await send(attemptReplies)).toMatchObject({ status: 200, attempts: at + 1 });
  });

  it.each([429, 503, 422])('says that a request was not repeated because the run was cancelled: %i', async (status) => {
    [replies, methods] = [[{ status }], []];
    const transport = new Transport('1.1', 3600);
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const onSend = () => transport.cancel();
    const response = await transport.send({ method: 'PUT', url, headers: {}, repeatable: true, onSend });
    expect(response).toMatchObject({ status, cancelled: true });
    expect(methods).toHaveLength(1);
  });

  it('that a caller takes for a rate limit is waited for, though the request is not repeatable', async () => {
    expect(await send([limit, limit], { repeatable: false })).toMatchObject({ status: 200, attempts: 3 });
    expect(await send(Array(6).fill(limit))).toMatchObject({ status: 200, attempts: 7 });
    expect(await send([limit], { rateLimitWait: () => undefined })).toMatchObject({ status: 403, attempts: 1 });
  });

  it('with status 429 is repeated without a limit, unless the caller takes it for a limit that waiting does not lift', async () => {
    const limits = () => Array<Reply>(6).fill({ status: 429 });
    expect(await send(limits())).toMatchObject({ status: 200, attempts: 7 });
    for (const repeatable of [true, false]) {
      const outcome = await send(limits(), { repeatable, isPermanentLimit: ({ status }) => status === 429 });
      expect(outcome).toMatchObject({ status: 429, attempts: 5, mayBeDone: false });
    }
    expect(await send(limits(), { isPermanentLimit: () => false })).toMatchObject({ status: 200, attempts: 7 });
  });

  it('that never comes, because no address of the host answers, is an error that names each address', async () => {
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

  it('that never comes makes the outcome unknown after any attempt', async () => {
    const refused = { url: new URL('http://127.0.0.1:1/') };
    expect((await send([], { ...refused, method: 'GET' })).outcome).toMatchObject({ reached: false });
    const { outcome } = await send(['none', 'none', 'none', 'none', 'none']);
    expect(outcome).toMatchObject({ reached: true, message: expect.stringMatching(/ \(attempt 5\)$/) });
  });

  it('that never comes makes the outcome unknown if the outcome of an earlier attempt is unknown', async () => {
    const transport = new Transport('1.1', 3600);
    replies = ['none'];
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    let attempts = 0;
    // The second attempt reaches no server.
    const onSend = () => {
      attempts += 1;
      if (attempts > 1) url.port = '1';
    };
    const failure = await transport
      .send({ method: 'PUT', url, headers: {}, body: '{}', repeatable: true, onSend })
      .catch((error: NetworkError) => error);
    expect(failure).toMatchObject({ code: 'ECONNREFUSED', reached: true });
  });

  const date = 'Tue, 24 Nov 2026 08:00:00 GMT';
  const later = 'Tue, 24 Nov 2026 09:00:00 GMT';

  it.each<[what: string, status: number, Record<string, string>, wait: number | undefined, attempts: number]>([
    ['as long as the caller reads, never beyond the deadline', 403, {}, 3_600_000, 1],
    ['as the caller reads, whatever Retry-After says', 429, { 'retry-after': '3600' }, 0, 2],
    ['by Retry-After, if the caller reads nothing', 429, { 'retry-after': '3600' }, undefined, 1],
    ['by Retry-After, after a failure of the server', 503, { 'retry-after': '3600' }, undefined, 1],
    ["by Retry-After and the server's own clock", 429, { date, 'retry-after': later }, undefined, 1],
    ["not at all, if the time is over by the server's own clock", 429, { date, 'retry-after': date }, undefined, 2],
    ['not at all, if the response does not say when it ends', 429, {}, undefined, 2],
    [
      "not at all for GitHub's headers, which the caller reads",
      429,
      { date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${Date.parse(later) / 1000}` },
      undefined,
      2,
    ],
  ])('that says when to come back is waited for %s', async (_what, status, headers, wait, attempts) => {
    const outcome = await send([{ status, headers }], {
      rateLimitWait: (response) => (response.status < 400 ? undefined : wait),
    });
    expect(outcome).toMatchObject({ status: attempts === 1 ? status : 200, attempts });
  });

  it('is waited for to the end', async () => {
    const startedAt = performance.now();
    const outcome = await send([limit], { rateLimitWait: ({ status }) => (status === 403 ? 1000 : undefined) });
    expect(outcome).toMatchObject({ status: 200, attempts: 2 });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
  });

  it.each<[string, offset: number | undefined, Record<string, string> | undefined]>([
    ['none, if no server responded', undefined, undefined],
    ['none, if the server does not send its time', undefined, { date: '' }],
    ["this machine's, if the server is ahead", 0, { date: new Date(Date.now() + 3_600_000).toUTCString() }],
    ["the server's, if that is behind", -3_600_000, { date: new Date(Date.now() - 3_600_000).toUTCString() }],
  ])('shows the time, of which the earliest counts: %s', async (_what, offset, headers) => {
    const transport = new Transport('1.1', 3600);
    replies = [{ status: 200, ...(headers && { headers }) }];
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    if (headers) await transport.send({ method: 'PUT', url, headers: {}, repeatable: true });
    const { serverNow: now } = transport;
    if (offset === undefined) expect(now).toBeUndefined();
    else expect(Math.abs((now ?? 0) - (Date.now() + offset))).toBeLessThan(5000);
  });
});

describe('the time of a step', () => {
  it('is not waited beyond', async () => {
    const transport = new Transport('1.1', 3600);
    await expect(transport.pause(3_590_000)).rejects.toMatchObject({ code: 'DEADLINE', reached: false });
  });
});

it('the version that Scalekit sees is the one in package.json', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
});
