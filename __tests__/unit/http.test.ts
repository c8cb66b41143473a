import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { type Call, NetworkError, parseRetryAfter, retryDelay, Transport, VERSION } from '../../src/http.ts';

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
    expect(new NetworkError('a', code, false)).toMatchObject({ certificate: true, protocol: false, lasting: true });
  });

  it.each(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_INVALID_PROTOCOL_VERSION'])(
    'is one of TLS, which another attempt does not change: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({ certificate: false, protocol: true, lasting: true });
    },
  );

  it.each(['TOO_LARGE', 'DEADLINE', 'CANCELLED', 'ERR_INVALID_URL'])(
    'is one that another attempt does not change: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({ certificate: false, protocol: false, lasting: true });
    },
  );

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'TIMEOUT', 'UNKNOWN'])(
    'is one that may pass: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({ certificate: false, protocol: false, lasting: false });
    },
  );
});

describe('a run that was cancelled', () => {
  const call: Call = { method: 'GET', url: new URL('https://acme.invalid'), headers: {}, repeatable: true };
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

describe('the time of a step', () => {
  it('is not waited beyond', async () => {
    const transport = new Transport('1.1', 3600);
    await expect(transport.pause(3_590_000)).rejects.toMatchObject({ code: 'DEADLINE', reached: false });
  });
});

it('the version that Scalekit sees is the one in package.json', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
});
