import type { HttpResponse } from '../net/transport.ts';
import { parseErrorBody } from './error-body.ts';

const STATUSES = [400, 409, 422, 429];

const RATE_LIMIT_CODES = ['RATE_LIMITED', 'TOO_MANY_REQUESTS'];

/** Matches a message that names requests or a rate. */
const RATE = /(?<![a-z])(requests?(?![a-z])|rate|throttl|per (second|minute|hour|day))/i;

/** Matches a message that names a limit. */
const LIMIT = /(?<![a-z])(only|maximum|limit|exceed|too many|allowed)/i;

/**
 * Returns whether the response to a request for another secret says that the client has as many as it may have. Scalekit
 * documents neither that number nor the response, so this goes by the message.
 */
export function isSecretCap(response: Pick<HttpResponse, 'status' | 'body' | 'headers'>): boolean {
  const { codes, texts, violations } = parseErrorBody(response);
  if (!STATUSES.includes(response.status) || violations.length > 0) return false;
  const text = texts.join(' ');
  const isRateLimit = RATE.test(text) || codes.some((code) => RATE_LIMIT_CODES.includes(code.toUpperCase()));
  return !(response.status === 429 && isRateLimit) && /secret/i.test(text) && LIMIT.test(text);
}
