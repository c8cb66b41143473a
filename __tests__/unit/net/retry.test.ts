import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRetryAfter, retryDelay } from '../../../src/net/retry.ts';

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
  it.each<[attempt: number, requested: number, remaining: number, random: number, delay: number | undefined]>([
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
  ])(
    'after attempt %i, %i ms asked for, %i ms left, with luck %d: %p ms',
    (attempt, requested, remaining, random, delay) => {
      expect(retryDelay(attempt, requested, remaining, random)).toBe(delay);
    },
  );

  const attempt = fc.integer({ min: 1, max: 2000 });
  const milliseconds = fc.double({ min: 0, max: 3_600_000, noNaN: true });
  const random = fc.double({ min: 0, max: 1, noNaN: true });

  it('ends before the deadline, and is none if the server asks for more time than remains', () => {
    fc.assert(
      fc.property(
        attempt,
        milliseconds,
        fc.double({ min: -10, max: 3_600_000, noNaN: true }),
        random,
        (attempt, requested, remaining, random) => {
          const delay = retryDelay(attempt, requested, remaining, random);
          // There is no delay if the deadline is nearer than the longest first delay.
          if (requested >= remaining || (requested === 0 && remaining < 500)) expect(delay).toBeUndefined();
          else {
            expect(delay).toBeGreaterThanOrEqual(requested);
            expect(delay).toBeLessThan(remaining);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never shrinks to a burst of requests before the deadline', () => {
    fc.assert(
      fc.property(attempt, fc.double({ min: -10, max: 60_000, noNaN: true }), (attempt, remaining) => {
        const longest = retryDelay(attempt, 0, remaining, 1);
        if (remaining < 500) expect(longest).toBeUndefined();
        else expect(longest).toBeGreaterThanOrEqual(250);
      }),
    );
  });

  it('grows to ten seconds more than the server asked for, and no further', () => {
    fc.assert(
      fc.property(attempt, milliseconds, random, (attempt, requested, random) => {
        const delay = retryDelay(attempt, requested, 1e9, random) ?? Number.NaN;
        // The sum of two doubles may be off by far less than a thousandth of a millisecond.
        expect(delay - requested).toBeLessThanOrEqual(Math.min(10_000, 500 * 2 ** (attempt - 1)) + 0.001);
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
