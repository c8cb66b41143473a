// GitHub's primary and secondary rate limits.

import { GitHubError } from './errors.ts';

/**
 * Allows `requests` requests in any period of `windowMs` milliseconds. Further requests fail. The primary limit
 * responds with 403, and `x-ratelimit-reset` is the time at which it resets, in seconds since 1970. The secondary limit
 * responds with `status` (403 by default), and `retry-after` is the number of seconds to wait.
 */
export type RateLimit = { requests: number; windowMs: number; kind: 'primary' | 'secondary'; status?: 403 | 429 };

const HOUR_MS = 3_600_000;
const DEFAULT_LIMIT = { requests: 5000, windowMs: HOUR_MS };

/**
 * Counts requests. The count restarts at zero if `limit` returns another limit. `headers` returns the rate limit
 * headers that GitHub adds to each response.
 * @param limit returns the current limit; undefined means GitHub's default of 5000 requests per hour
 */
export function rateLimiter(limit: () => RateLimit | undefined) {
  let countedLimit: RateLimit | undefined;
  let calls: number[] = [];
  /** Returns the times, in milliseconds since 1970, of the calls in the last `windowMs` milliseconds. */
  const recent = (windowMs: number) => {
    if (countedLimit !== limit()) calls = [];
    countedLimit = limit();
    return calls.filter((at) => at > Date.now() - windowMs);
  };
  return {
    headers: (): Record<string, string> => {
      const current = limit();
      const { requests, windowMs } = current?.kind === 'primary' ? current : DEFAULT_LIMIT;
      const used = recent(windowMs);
      return {
        'x-ratelimit-limit': String(requests),
        'x-ratelimit-remaining': String(requests - used.length),
        'x-ratelimit-used': String(used.length),
        'x-ratelimit-reset': String(Math.ceil(((used[0] ?? Date.now()) + windowMs) / 1000)),
        'x-ratelimit-resource': 'core',
      };
    },
    /** Counts a request. @throws {GitHubError} (403 or `status`) if the request exceeds the limit */
    admit: (): void => {
      const now = Date.now();
      const { requests, windowMs, kind, status = 403 } = limit() ?? { ...DEFAULT_LIMIT, kind: 'primary' };
      const used = recent(windowMs);
      if (used.length < requests) {
        calls.push(now);
        return;
      }
      if (kind === 'primary') throw new GitHubError(403, 'API rate limit exceeded for user ID 1.');
      const seconds = Math.ceil(((used[0] ?? now) + windowMs - now) / 1000);
      throw new GitHubError(status, 'You have exceeded a secondary rate limit.', {
        headers: { 'retry-after': String(seconds) },
      });
    },
  };
}
