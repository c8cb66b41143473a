import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { ApiError } from '../../../src/net/api-error.ts';
import { Transport } from '../../../src/net/transport.ts';
import { type LookUpLimits, lookUpEach } from '../../../src/steps/look-up.ts';

const transport = new Transport('1.1', 3600);
const keys = (count: number) => Array.from({ length: count }, (_, at) => `${at}`);

/** Looks up some keys. @returns what is missing, which keys were asked for, and how many at once */
async function lookUp(
  count: number,
  fail: (key: number) => unknown = () => undefined,
  limits: Partial<LookUpLimits> = {},
) {
  const asked: string[] = [];
  let [running, most] = [0, 0];
  const missed = await lookUpEach(transport, keys(count), { max: 1_000, time: 60_000, ...limits }, async (key) => {
    asked.push(key);
    most = Math.max(most, ++running);
    await setImmediate();
    running--;
    const error = fail(Number(key));
    if (error) throw error;
  });
  return { missed, asked, most };
}

describe('a look-up', () => {
  it.each([0, 1, 8, 100])('asks once for each of %d keys, eight at a time', async (count) => {
    const { missed, asked, most } = await lookUp(count);
    expect({ missed, asked, most }).toEqual({
      missed: { count: 0, reason: '' },
      asked: keys(count),
      most: Math.min(8, count),
    });
  });

  it('asks for so many keys at most, the first ones', async () => {
    const { missed, asked } = await lookUp(30, undefined, { max: 20 });
    expect(asked).toEqual(keys(20));
    expect(missed).toEqual({ count: 10, reason: 'At most 20 are looked up.' });
  });

  it('starts nothing after its time', async () => {
    const { missed, asked } = await lookUp(30, undefined, { time: -1 });
    expect(asked).toEqual([]);
    expect(missed).toEqual({ count: 30, reason: 'The step ran out of time. Raise timeout.' });
  });

  it('goes on after a failure that concerns one key, and counts it', async () => {
    const { missed, asked } = await lookUp(30, (key) => key === 3 && new ApiError('Key 3 failed.', { status: 500 }));
    expect(asked).toEqual(keys(30));
    expect(missed).toEqual({ count: 1, reason: 'Key 3 failed.' });
  });

  it.each<[what: string, error: ApiError]>([
    ['the token is not valid', new ApiError('No.', { status: 401 })],
    ['the rate limit is reached', new ApiError('No.', { status: 429 })],
    ['no response came', new ApiError('No.', { cause: new Error('reset') })],
  ])('stops at once if %s', async (_, error) => {
    const { missed, asked } = await lookUp(100, (key) => key === 0 && error);
    expect(asked).toEqual(keys(8));
    expect(missed).toEqual({ count: 93, reason: 'No.' });
  });

  it('stops after ten failures', async () => {
    const { missed, asked } = await lookUp(100, () => new ApiError('No.', { status: 403 }));
    expect(asked.length).toBeLessThanOrEqual(10 + 7);
    expect(missed).toEqual({ count: 100, reason: 'No.' });
  });

  it('passes any other error on', async () => {
    await expect(lookUp(9, () => new TypeError('A fault of this program.'))).rejects.toThrow(
      'A fault of this program.',
    );
  });
});
