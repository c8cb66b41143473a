import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRetryAfter, retryDelay } from '../../../src/net/retry.ts';

describe('Retry-After', () => {
  const NOW = Date.parse('2026-11-24T08:00:00Z');

  it.each<[string | undefined, number]>([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Tue, 24 Nov 2026 08:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 07:59:00 GMT', 0],
    ['Tuesday, 24-Nov-26 08:01:00 GMT', 60_000],
    ['Tue Nov 24 08:02:00 2026 GMT', 120_000],
  ])('parseRetryAfter reads the header %j as %i milliseconds', (header, milliseconds) => {
    expect(parseRetryAfter(header, NOW)).toBe(milliseconds);
  });

  it.each([undefined, '', '-1', '1.5', '1 minute', 'soon', '2027-11-24'])(
    'parseRetryAfter returns 0 for the header %j',
    (header) => {
      expect(parseRetryAfter(header, NOW)).toBe(0);
    },
  );

  it('parseRetryAfter never returns a negative time or NaN, for any header', () => {
    const header = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789 -:,GMTueNov') }));
    fc.assert(
      fc.property(header, (header) => {
        expect(parseRetryAfter(header, NOW)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the delay before a request is sent again', () => {
  it.each<{ attempt: number; requested: number; remaining: number; random: number; delay: number | undefined }>([
    { attempt: 1, requested: 0, remaining: 100_000, random: 1, delay: 500 },
    { attempt: 3, requested: 0, remaining: 100_000, random: 1, delay: 2_000 },
    { attempt: 4, requested: 0, remaining: 100_000, random: 1, delay: 4_000 },
    { attempt: 6, requested: 0, remaining: 100_000, random: 1, delay: 10_000 },
    { attempt: 5000, requested: 0, remaining: 100_000, random: 1, delay: 10_000 },
    { attempt: 3, requested: 0, remaining: 100_000, random: 0.5, delay: 1_000 },
    { attempt: 3, requested: 0, remaining: 100_000, random: 0, delay: 0 },
    { attempt: 1, requested: 3_000, remaining: 100_000, random: 0, delay: 3_000 },
    { attempt: 1, requested: 3_000, remaining: 100_000, random: 1, delay: 3_500 },
    { attempt: 6, requested: 3_000, remaining: 5_000, random: 1, delay: 4_000 },
    { attempt: 6, requested: 0, remaining: 1_000, random: 1, delay: 500 },
    { attempt: 1, requested: 5_000, remaining: 5_000, random: 0, delay: undefined },
    { attempt: 1, requested: 60_000, remaining: 5_000, random: 0, delay: undefined },
    { attempt: 1, requested: Number.POSITIVE_INFINITY, remaining: 5_000, random: 0, delay: undefined },
    { attempt: 1, requested: 0, remaining: 0, random: 0, delay: undefined },
    { attempt: 1, requested: 0, remaining: -1, random: 0, delay: undefined },
  ])(
    'retryDelay after attempt $attempt, with $requested ms requested, $remaining ms left and the random number $random, is $delay',
    ({ attempt, requested, remaining, random, delay }) => {
      expect(retryDelay(attempt, requested, remaining, random)).toBe(delay);
    },
  );

  const attempt = fc.integer({ min: 1, max: 2000 });
  const milliseconds = fc.double({ min: 0, max: 3_600_000, noNaN: true });
  const random = fc.double({ min: 0, max: 1, noNaN: true });

  it('retryDelay ends before the deadline, or is undefined if the server asks for more time than remains', () => {
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
      { numRuns: 100 },
    );
  });

  it('retryDelay never allows a burst of requests shortly before the deadline', () => {
    fc.assert(
      fc.property(attempt, fc.double({ min: -10, max: 60_000, noNaN: true }), (attempt, remaining) => {
        const longest = retryDelay(attempt, 0, remaining, 1);
        if (remaining < 500) expect(longest).toBeUndefined();
        else expect(longest).toBeGreaterThanOrEqual(250);
      }),
      { numRuns: 50 },
    );
  });

  it('retryDelay grows to at most ten seconds more than the server asked for', () => {
    fc.assert(
      fc.property(attempt, milliseconds, random, (attempt, requested, random) => {
        const delay = retryDelay(attempt, requested, 1e9, random) ?? Number.NaN;
        // The sum of two doubles may be off by far less than a thousandth of a millisecond.
        expect(delay - requested).toBeLessThanOrEqual(Math.min(10_000, 500 * 2 ** (attempt - 1)) + 0.001);
      }),
      { numRuns: 50 },
    );
  });

  it('retryDelay differs between jobs', () => {
    const delays = new Set(Array.from({ length: 50 }, () => retryDelay(3, 1_000, 100_000)));
    expect(delays.size).toBeGreaterThan(40);
    for (const delay of delays) {
      expect(delay).toBeGreaterThanOrEqual(1_000);
      expect(delay).toBeLessThanOrEqual(3_000);
    }
  });
});
