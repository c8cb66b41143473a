import { GitHubError } from './errors.ts';

/**
 * At most `requests` in any `windowMs`. What is one too many meets 403: of the primary limit with the second at which it
 * ends, of the secondary one (403, or `status`) with the seconds to wait.
 */
export type RateLimit = { requests: number; windowMs: number; kind: 'primary' | 'secondary'; status?: 403 | 429 };

const HOUR_MS = 3_600_000;
const USUAL = { requests: 5000, windowMs: HOUR_MS };

/** Counts requests, from zero where another limit is set. `headers` tells what is left, as each of GitHub's answers does. */
export function rateLimiter(limit: () => RateLimit | undefined) {
  let counted: RateLimit | undefined;
  let calls: number[] = [];
  /** The calls, in milliseconds since 1970, that count at this moment. */
  const recent = (windowMs: number) => {
    if (counted !== limit()) calls = [];
    counted = limit();
    return calls.filter((at) => at > Date.now() - windowMs);
  };
  return {
    headers: (): Record<string, string> => {
      const set = limit();
      const { requests, windowMs } = set?.kind === 'primary' ? set : USUAL;
      const used = recent(windowMs);
      return {
        'x-ratelimit-limit': String(requests),
        'x-ratelimit-remaining': String(requests - used.length),
        'x-ratelimit-used': String(used.length),
        'x-ratelimit-reset': String(Math.ceil(((used[0] ?? Date.now()) + windowMs) / 1000)),
        'x-ratelimit-resource': 'core',
      };
    },
    /** @throws GitHubError where this request is one too many */
    admit: (): void => {
      const now = Date.now();
      const { requests, windowMs, kind, status = 403 } = limit() ?? { ...USUAL, kind: 'primary' };
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
