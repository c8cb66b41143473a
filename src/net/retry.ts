const BACKOFF_BASE = 500;

const BACKOFF_CAP = 10_000;

/**
 * Reads a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3).
 * @param now milliseconds since the epoch
 * @returns milliseconds to wait, 0 where the header says nothing usable
 */
export function parseRetryAfter(header: string | undefined, now: number): number {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)
    ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
    : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/**
 * Exponential back-off with full jitter, on top of what the server asked for, so that jobs that were refused
 * together do not come back together.
 * @param attempt the one that failed, from 1
 * @param requested milliseconds that the server asked for
 * @param remaining milliseconds until the deadline; jitter takes half of what the server leaves of it at most
 * @param random from 0 to 1
 * @returns milliseconds to wait, or nothing where the deadline is sooner, or too near to back off any more
 */
export function retryDelay(
  attempt: number,
  requested: number,
  remaining: number,
  random = Math.random(),
): number | undefined {
  if (requested >= remaining || (requested === 0 && remaining < BACKOFF_BASE)) return undefined;
  return requested + random * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (attempt - 1), (remaining - requested) / 2);
}
