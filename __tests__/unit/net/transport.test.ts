import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { NetworkError } from '../../../src/net/network-error.ts';
import { parseRetryAfter, retryDelay } from '../../../src/net/retry.ts';
import { type HttpRequest, type HttpResponse, Transport, VERSION } from '../../../src/net/transport.ts';

const NOW = Date.parse('2026-11-24T08:00:00Z');

describe('Retry-After', () => {
  it.each<[string | undefined, number]>([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['007', 7_000],
    ['Tue, 24 Nov 2026 08:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 08:00:00 GMT', 0],
    ['Tue, 24 Nov 2026 07:59:00 GMT', 0],
    ['Tuesday, 24-Nov-26 08:01:00 GMT', 60_000],
    ['Tue Nov 24 08:02:00 2026 GMT', 120_000],
    ['Wed, 24 Nov 2027 08:00:00 GMT', 365 * 86_400_000],
  ])('%j means so many milliseconds: %i', (header, milliseconds) => {
    expect(parseRetryAfter(header, NOW)).toBe(milliseconds);
  });

  it.each([
    undefined,
    '',
    ' ',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    '1, 2',
    'soon',
    '1 minute',
    '2027-11-24',
    '1764000000000s',
  ])('%j says nothing', (header) => {
    expect(parseRetryAfter(header, NOW)).toBe(0);
  });

  it('is never negative or no number, whatever the header', () => {
    const header = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789 -:,GMTueNov') }));
    fc.assert(
      fc.property(header, (header) => {
        expect(parseRetryAfter(header, NOW)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is understood as a date of any second', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 100_000_000 }), (seconds) => {
        const header = new Date(NOW + seconds * 1000).toUTCString();
        expect(parseRetryAfter(header, NOW)).toBe(Math.max(0, seconds * 1000));
      }),
    );
  });
});

describe('the wait before a request is sent again', () => {
  it.each<[attempt: number, asked: number, left: number, random: number, delay: number | undefined]>([
    [1, 0, 100_000, 1, 500],
    [2, 0, 100_000, 1, 1_000],
    [3, 0, 100_000, 1, 2_000],
    [4, 0, 100_000, 1, 4_000],
    [5, 0, 100_000, 1, 8_000],
    [6, 0, 100_000, 1, 10_000],
    [5000, 0, 100_000, 1, 10_000],
    [3, 0, 100_000, 0.5, 1_000],
    [3, 0, 100_000, 0, 0],
    [1, 3_000, 100_000, 0, 3_000],
    [1, 3_000, 100_000, 1, 3_500],
    [6, 3_000, 5_000, 1, 4_000],
    [6, 0, 1_000, 1, 500],
    [1, 5_000, 5_000, 0, undefined],
    [1, 60_000, 5_000, 0, undefined],
    [1, Number.POSITIVE_INFINITY, 5_000, 0, undefined],
    [1, 0, 0, 0, undefined],
    [1, 0, -1, 0, undefined],
  ])('after attempt %i, %i ms asked for, %i ms left, with luck %d: %p ms', (attempt, asked, left, random, delay) => {
    expect(retryDelay(attempt, asked, left, random)).toBe(delay);
  });

  const attempt = fc.integer({ min: 1, max: 2000 });
  const milliseconds = fc.double({ min: 0, max: 3_600_000, noNaN: true });
  const luck = fc.double({ min: 0, max: 1, noNaN: true });

  it('ends before the deadline, and is none where the server asks for more than is left', () => {
    fc.assert(
      fc.property(
        attempt,
        milliseconds,
        fc.double({ min: -10, max: 3_600_000, noNaN: true }),
        luck,
        (n, asked, left, luck) => {
          const delay = retryDelay(n, asked, left, luck);
          // Nor is there a way to back off when the deadline is nearer than the first pause.
          if (asked >= left || (asked === 0 && left < 500)) expect(delay).toBeUndefined();
          else {
            expect(delay).toBeGreaterThanOrEqual(asked);
            expect(delay).toBeLessThan(left);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never shrinks to a burst of requests before the deadline', () => {
    fc.assert(
      fc.property(attempt, fc.double({ min: -10, max: 60_000, noNaN: true }), (n, left) => {
        const longest = retryDelay(n, 0, left, 1);
        if (left < 500) expect(longest).toBeUndefined();
        else expect(longest).toBeGreaterThanOrEqual(250);
      }),
    );
  });

  it('grows to ten seconds more than the server asked for, and no further', () => {
    fc.assert(
      fc.property(attempt, milliseconds, luck, (attempt, asked, luck) => {
        const delay = retryDelay(attempt, asked, 1e9, luck) ?? Number.NaN;
        // A double holds a sum of milliseconds to far less than a thousandth.
        expect(delay - asked).toBeLessThanOrEqual(Math.min(10_000, 500 * 2 ** (attempt - 1)) + 0.001);
      }),
    );
  });

  it('differs from job to job', () => {
    const delays = new Set(Array.from({ length: 50 }, () => retryDelay(3, 1_000, 100_000)));
    expect(delays.size).toBeGreaterThan(40);
    for (const delay of delays) {
      expect(delay).toBeGreaterThanOrEqual(1_000);
      expect(delay).toBeLessThanOrEqual(3_000);
    }
  });
});

describe('a failure of the network', () => {
  it.each([
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'INVALID_CA',
    'HOSTNAME_MISMATCH',
    'PATH_LENGTH_EXCEEDED',
  ])('is one of the certificate, which another attempt does not change: %s', (code) => {
    expect(new NetworkError('a', code, false)).toMatchObject({
      isCertificateError: true,
      isTlsError: false,
      isPermanent: true,
    });
  });

  it.each(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_INVALID_PROTOCOL_VERSION'])(
    'is one of TLS, which another attempt does not change: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({
        isCertificateError: false,
        isTlsError: true,
        isPermanent: true,
      });
    },
  );

  it.each(['TOO_LARGE', 'DEADLINE', 'CANCELLED', 'PROXY_ADDRESS', 'PROXY_REFUSED'])(
    'is one that another attempt does not change: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({
        isCertificateError: false,
        isTlsError: false,
        isPermanent: true,
      });
    },
  );

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'TIMEOUT', 'UNKNOWN'])(
    'is one that may pass: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({
        isCertificateError: false,
        isTlsError: false,
        isPermanent: false,
      });
    },
  );
});

describe('a run that was cancelled', () => {
  const call: HttpRequest = { method: 'GET', url: new URL('https://acme.invalid'), headers: {}, repeatable: true };
  const CANCELLED = { code: 'CANCELLED', reached: false, message: 'the run was cancelled before it was sent' };

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('sends nothing more, and waits for nothing', async () => {
    // The transport's debug lines.
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
    await expect(transport.send({ ...call, onSend })).rejects.toMatchObject(CANCELLED);
    expect(sent).toBe(false);
  });
});

describe('an answer', () => {
  /** A server whose refusals are all a rate limit's, and say nothing of their end. */
  const rateLimit = ({ status }: HttpResponse) => (status === 403 ? 0 : undefined);
  type Reply = { status: number; headers?: Record<string, string> } | 'lost';
  let server: Server;
  let replies: Reply[] = [];
  let methods: (string | undefined)[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      methods.push(request.method);
      const reply = replies.shift() ?? { status: 200 };
      if (reply === 'lost') request.socket.destroy();
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
    // No wait but what the server asks for.
    jest.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** What comes of a request that is answered so, in order. */
  async function send(answers: Reply[], changes: Partial<HttpRequest> = {}) {
    [replies, methods] = [answers, []];
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const call: HttpRequest = { method: 'PUT', url, headers: {}, body: '{}', repeatable: true, ...changes };
    const sending = new Transport('1.1', 3600).send({ rateLimitWait: rateLimit, ...call });
    const outcome = await sending.catch((error: NetworkError) => error);
    return { ...outcome, outcome, sendings: methods.length };
  }

  const limit: Reply = { status: 403 };

  it.each<[what: string, Reply[], status: number, earlierOutcomeUnknown: boolean, sendings: number]>([
    ['to the first sending', [], 200, false, 1],
    ['that refuses the first sending', [{ status: 422 }], 422, false, 1],
    ['after a failure of the server', [{ status: 500 }], 200, true, 2],
    ['that refuses what a failure of the server may have done', [{ status: 502 }, { status: 409 }], 409, true, 2],
    ['that refuses what was lost before', ['lost', { status: 422 }], 422, true, 2],
    ['after a rate limit, which did nothing', [{ status: 429 }, { status: 422 }], 422, false, 2],
    ['after what the caller knows for a rate limit, which did nothing', [limit, { status: 422 }], 422, false, 2],
    ['after what came too early', [{ status: 425 }], 200, false, 2],
    ['after a rate limit after a loss', ['lost', { status: 429 }, { status: 404 }], 404, true, 3],
    ['that takes long to come', [{ status: 408 }, { status: 201 }], 201, true, 2],
  ])(
    'says whether an earlier sending was lost: %s',
    async (_what, answers, status, earlierOutcomeUnknown, sendings) => {
      expect(await send(answers)).toMatchObject({ status, earlierOutcomeUnknown, sendings });
      expect(new Set(methods)).toEqual(new Set(['PUT']));
    },
  );

  it('that a caller knows for a rate limit is waited for, though the request is not repeatable', async () => {
    expect(await send([limit, limit], { repeatable: false })).toMatchObject({ status: 200, sendings: 3 });
    expect(await send(Array(6).fill(limit))).toMatchObject({ status: 200, sendings: 7 });
    expect(await send([limit], { rateLimitWait: () => undefined })).toMatchObject({ status: 403, sendings: 1 });
  });

  it('that never comes may have been lost in any sending', async () => {
    const refused = { url: new URL('http://127.0.0.1:1/') };
    expect((await send([], { ...refused, method: 'GET' })).outcome).toMatchObject({ reached: false });
    const all: Reply[] = ['lost', 'lost', 'lost', 'lost', 'lost'];
    const lost = await send(all);
    expect(lost.outcome).toMatchObject({ reached: true, message: expect.stringMatching(/ \(attempt 5\)$/) });
  });

  it('that never comes is one that may have arrived where an earlier one was lost', async () => {
    const transport = new Transport('1.1', 3600);
    replies = ['lost'];
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    let sendings = 0;
    // The second is not sent any more.
    const onSend = () => {
      sendings += 1;
      if (sendings === 1) return;
      url.port = '1';
    };
    const failure = await transport
      .send({ method: 'PUT', url, headers: {}, body: '{}', repeatable: true, onSend })
      .catch((error: NetworkError) => error);
    expect(failure).toMatchObject({ code: 'ECONNREFUSED', reached: true });
  });

  const date = 'Tue, 24 Nov 2026 08:00:00 GMT';
  const later = 'Tue, 24 Nov 2026 09:00:00 GMT';

  it.each<[what: string, status: number, Record<string, string>, told: number | undefined, sendings: number]>([
    ['as long as the caller reads, never beyond the deadline', 403, {}, 3_600_000, 1],
    ['as the caller reads, whatever Retry-After says', 429, { 'retry-after': '3600' }, 0, 2],
    ['by Retry-After, where the caller reads nothing', 429, { 'retry-after': '3600' }, undefined, 1],
    ['by Retry-After, after a failure of the server too', 503, { 'retry-after': '3600' }, undefined, 1],
    ["by Retry-After and the server's own clock", 429, { date, 'retry-after': later }, undefined, 1],
    ["not at all, where the time is over by the server's own clock", 429, { date, 'retry-after': date }, undefined, 2],
    ['not at all, where nobody says when it ends', 429, {}, undefined, 2],
    [
      "not at all for GitHub's headers, which the caller reads",
      429,
      { date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${Date.parse(later) / 1000}` },
      undefined,
      2,
    ],
  ])('that says when to come back is waited for %s', async (_what, status, headers, told, sendings) => {
    const outcome = await send([{ status, headers }], {
      rateLimitWait: (answer) => (answer.status < 400 ? undefined : told),
    });
    expect(outcome).toMatchObject({ status: sendings === 1 ? status : 200, sendings });
  });

  it('is waited for to the end', async () => {
    const began = performance.now();
    const outcome = await send([limit], { rateLimitWait: ({ status }) => (status === 403 ? 1000 : undefined) });
    expect(outcome).toMatchObject({ status: 200, sendings: 2 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);
  });

  it.each<[string, offset: number | undefined, Record<string, string> | undefined]>([
    ['none, where nobody answered', undefined, undefined],
    ['none, where the server does not tell the time', undefined, { date: '' }],
    ["this machine's, where the server is ahead", 0, { date: new Date(Date.now() + 3_600_000).toUTCString() }],
    ["the server's, where that is behind", -3_600_000, { date: new Date(Date.now() - 3_600_000).toUTCString() }],
  ])('tells the time, of which the earliest counts: %s', async (_what, offset, headers) => {
    const transport = new Transport('1.1', 3600);
    replies = [{ status: 200, ...(headers && { headers }) }];
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    if (headers) await transport.send({ method: 'GET', url, headers: {}, repeatable: true });
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
