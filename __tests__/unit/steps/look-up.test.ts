import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { ApiError } from '../../../src/net/api-error.ts';
import { Transport } from '../../../src/net/transport.ts';
import { type LookUpLimits, lookUpEach } from '../../../src/steps/look-up.ts';

const transport = new Transport('1.1', 3600);
const keys = (count: number) => Array.from({ length: count }, (_, at) => `${at}`);

/** Looks up some keys. @returns what is missing, which keys were requested, and how many at the same time */
async function lookUp(
  count: number,
  fail: (key: number) => unknown = () => undefined,
  limits: Partial<LookUpLimits> = {},
) {
  const requested: string[] = [];
  let [running, most] = [0, 0];
  const missed = await lookUpEach(transport, keys(count), { max: 1_000, time: 60_000, ...limits }, async (key) => {
    requested.push(key);
    most = Math.max(most, ++running);
    await setImmediate();
    running--;
    const error = fail(Number(key));
    if (error) throw error;
  });
  return { missed, requested, most };
}

describe('lookUpEach', () => {
  it.each([0, 8, 100])('lookUpEach looks up each of %d keys once, eight at the same time', async (count) => {
    const { missed, requested, most } = await lookUp(count);
    expect({ missed, requested, most }).toEqual({
      missed: { count: 0, reason: '' },
      requested: keys(count),
      most: Math.min(8, count),
    });
  });

  it('lookUpEach looks up the first keys up to its limit, and counts the others as missed', async () => {
    const { missed, requested } = await lookUp(30, undefined, { max: 20 });
    expect(requested).toEqual(keys(20));
    expect(missed).toEqual({ count: 10, reason: 'At most 20 are looked up.' });
  });

  it('lookUpEach looks up nothing after its time is over', async () => {
    const { missed, requested } = await lookUp(30, undefined, { time: -1 });
    expect(requested).toEqual([]);
    expect(missed).toEqual({ count: 30, reason: 'The step ran out of time. Raise timeout.' });
  });

  it('lookUpEach continues after a failure of one key, and counts that key as missed', async () => {
    const { missed, requested } = await lookUp(
      30,
      (key) => key === 3 && new ApiError('Key 3 failed.', { status: 500 }),
    );
    expect(requested).toEqual(keys(30));
    expect(missed).toEqual({ count: 1, reason: 'Key 3 failed.' });
  });

  it.each<[what: string, error: ApiError]>([
    ['the token is invalid', new ApiError('No.', { status: 401 })],
    ['the rate limit is reached', new ApiError('No.', { status: 429 })],
    ['no response arrived', new ApiError('No.', { cause: new Error('reset') })],
  ])('lookUpEach stops at once if %s', async (_what, error) => {
    const { missed, requested } = await lookUp(100, (key) => key === 0 && error);
    expect(requested).toEqual(keys(8));
    expect(missed).toEqual({ count: 93, reason: 'No.' });
  });

  it('lookUpEach stops after ten failures', async () => {
    const { missed, requested } = await lookUp(100, () => new ApiError('No.', { status: 403 }));
    expect(requested.length).toBeLessThanOrEqual(10 + 7);
    expect(missed).toEqual({ count: 100, reason: 'No.' });
  });

  it('lookUpEach throws an error that no API returned', async () => {
    await expect(lookUp(9, () => new TypeError('A fault of this program.'))).rejects.toThrow(
      'A fault of this program.',
    );
  });
});
