import { type ApiError, isApiResponse } from '../net/api-error.ts';
import { asObject, isJsonObject, listField, parseJsonObject } from '../net/json.ts';
import type { Outcome } from '../net/outcome.ts';
import type { HttpResponse } from '../net/transport.ts';

// What responses and errors of Scalekit's API mean, as far as its documentation leaves it open.

const NOT_FOUND_CODES = ['NOT_FOUND', 'RESOURCE_NOT_FOUND'];

/** Returns whether a body is not the API's: a portal or a proxy may answer 200 as well. An empty body can confirm a change. */
export function isGarbage({ body }: HttpResponse): boolean {
  return body.trim() !== '' && !isJsonObject(body);
}

/** Returns whether a response says that something does not exist: by its status, or by its error code whatever the status. */
export function isNotFound(response: HttpResponse): boolean {
  return (response.status === 404 && isApiResponse(response)) || NOT_FOUND_CODES.includes(errorCode(response));
}

/** Returns the error code of an error response, or an empty text. It is in a list of details, or at the top level. */
export function errorCode({ status, body }: HttpResponse): string {
  if (status < 400) return '';
  try {
    const error = parseJsonObject(body);
    const codes = [
      ...listField(error, 'details').map((entry) => asObject(entry, 'detail').error_code),
      error.error_code,
    ];
    return codes.find((code) => typeof code === 'string') ?? '';
  } catch {
    return '';
  }
}

/**
 * Returns whether new credentials may not be known yet. No status for that is documented, so it is any refusal but a rate
 * limit and a scope that does not exist.
 */
export function areCredentialsUnknown(outcome: Outcome<unknown>): boolean {
  if (outcome.kind === 'done') return false;
  const { status = 0, message } = outcome.error;
  return status >= 400 && status < 500 && status !== 429 && !message.includes('invalid_scope');
}

/** Returns whether the API refuses the size of a page. */
export function isPageSizeRefused({ status, message }: ApiError): boolean {
  return status === 400 && /page_?size/i.test(message);
}

/** Returns whether a request failed because its client does not exist. */
export function isMissing(outcome: Outcome<unknown>): boolean {
  return outcome.kind !== 'done' && outcome.error.status === 404;
}
