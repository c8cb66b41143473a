import { ApiError } from '../net/api-error.ts';
import { clock } from '../net/clock.ts';
import type { Transport } from '../net/transport.ts';
import { message } from '../output/log.ts';

/** How many requests are sent at the same time. */
const PARALLEL = 8;

/** Failures after which nothing more is looked up. */
const MAX_FAILURES = 10;

/** How much was not looked up. */
export interface Missed {
  count: number;
  /** Why, as a sentence. Empty if nothing is missing. */
  reason: string;
}

/** The limits of a look-up. */
export interface LookUpLimits {
  /** How many keys are looked up at most. */
  max: number;
  /** Milliseconds in which requests are started. */
  time: number;
}

/**
 * Looks up each key, eight at a time, within limits. A key that cannot be looked up does not stop the others, unless the
 * reason holds for all of them.
 * @param read looks up one key and keeps the result; throws an ApiError
 * @returns how much was not looked up
 * @throws {Error} if the run is cancelled
 */
export async function lookUpEach(
  transport: Transport,
  keys: string[],
  { max, time }: LookUpLimits,
  read: (key: string) => Promise<void>,
): Promise<Missed> {
  const until = clock() + time;
  const failures: string[] = [];
  let started = 0;
  let reason = `At most ${max} are looked up.`;
  let last = Math.min(max, keys.length);
  const work = async () => {
    while (started < last) {
      if (clock() > until) {
        reason = 'The step ran out of time. Raise timeout.';
        last = started;
        return;
      }
      const key = keys[started++] ?? '';
      await read(key).catch((error) => {
        if (!(error instanceof ApiError)) throw error;
        failures.push(message(error));
        if (holdsForAll(error) || failures.length === MAX_FAILURES) last = Math.min(last, started);
      });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  if (transport.cancelled) throw new Error('Nothing was reported.');
  const count = keys.length - started + failures.length;
  return { count, reason: count === 0 ? '' : (failures[0] ?? reason) };
}

/** Returns whether the next request would fail for the same reason: no response, no permission, or a rate limit. */
function holdsForAll({ status, cause }: ApiError): boolean {
  return cause !== undefined || status === 401 || status === 429;
}
