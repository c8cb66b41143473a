import { type ApiError, isApiResponse } from '../net/api-error.ts';
import type { Outcome } from '../net/outcome.ts';
import type { HttpResponse } from '../net/transport.ts';
import { parseErrorBody } from './error-body.ts';

// What responses and errors of Scalekit's API mean, as far as its documentation leaves it open.

const NOT_FOUND_CODES = ['NOT_FOUND', 'RESOURCE_NOT_FOUND'];

/** Returns whether a response says that something does not exist: by its status, or by its error code whatever the status. */
export function isNotFound(response: HttpResponse): boolean {
  const { status } = response;
  if (status === 404) return isApiResponse(response);
  return status >= 400 && parseErrorBody(response).codes.some((code) => NOT_FOUND_CODES.includes(code));
}

/**
 * Returns whether new credentials may not be known yet. No status for that is documented, so it is any refusal of the API but
 * a rate limit and a scope that does not exist.
 */
export function areCredentialsUnknown(outcome: Outcome<unknown>): boolean {
  if (outcome.kind === 'done') return false;
  const { status = 0, message, isFromApi } = outcome.error;
  return isFromApi && status >= 400 && status < 500 && status !== 429 && !message.includes('invalid_scope');
}

/** Returns whether the API refuses the size of a page. */
export function isPageSizeRefused({ status, message }: ApiError): boolean {
  return status === 400 && /page_?size/i.test(message);
}

/** Returns whether a request failed because its client does not exist. */
export function isMissing(outcome: Outcome<unknown>): boolean {
  return outcome.kind !== 'done' && outcome.error.status === 404;
}
