import { expect, it } from '@jest/globals';
import { isSecretCap } from '../../../src/scalekit/secret-cap.ts';

const INFO = 'type.googleapis.com/scalekit.v1.errdetails.ErrorInfo';

/** Returns a response. @param body a text, or a value to send as JSON */
function response(status: number, body: unknown) {
  return { status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

/** Returns the body of an error with one ErrorInfo. */
function withDetails(message: string, error_code: string, violations?: object[]) {
  const info = {
    '@type': INFO,
    error_code,
    ...(violations && { validation_error_info: { field_violations: violations } }),
  };
  return { code: 3, message, details: [info] };
}

const ONLY = 'only 2 secrets are allowed';

it.each<[status: number, body: unknown]>([
  [400, { code: 3, message: ONLY }],
  [400, withDetails('maximum number of client secrets reached', 'FAILED_PRECONDITION')],
  [400, withDetails(ONLY, 'INVALID_ARGUMENT', [])],
  [400, { error: 'invalid_request', error_description: 'Secret limit reached' }],
  [400, 'Too many secrets'],
  [400, { message: 'request rejected: a client is limited to 5 secrets' }],
  [409, { message: 'client_secret_limit_exceeded' }],
  [422, { message: 'This exceeds the SECRETS that are possible' }],
  [429, withDetails('maximum number of client secrets reached', 'RESOURCE_EXHAUSTED')],
])('isSecretCap returns true for a message about secrets and a limit: %i %j', (status, body) => {
  expect(isSecretCap(response(status, body))).toBe(true);
});

it.each<[what: string, status: number, body: unknown]>([
  ['the message names no limit', 400, { message: 'the secret could not be added' }],
  ['a word of the message only contains the name of a limit', 400, { message: 'commonly delimited secret' }],
  ['the message names no secret', 400, { message: 'only 2 clients are allowed' }],
  ['there is no message', 400, ''],
  ['the error code alone names it', 400, withDetails('failed', 'SECRET_LIMIT_EXCEEDED')],
  ['debug_info alone names it', 400, { debug_info: ONLY }],
  ['a field breaks a rule', 400, withDetails(ONLY, 'INVALID_ARGUMENT', [{ field: 'client_id' }])],
  ['the body is a page of another server', 400, `<p>${ONLY}</p>`],
  ...[200, 401, 403, 404, 500].map((status): [string, number, unknown] => [
    `the status is ${status}`,
    status,
    { message: ONLY },
  ]),
  ['the message names requests', 429, { message: 'too many requests for secrets' }],
  ['the message names a rate', 429, { message: 'rate limit exceeded: secrets' }],
  ['the message names a rate in snake case', 429, { error: 'secret_rate_limit_exceeded' }],
  ['the message names a time', 429, { message: 'only 5 secrets per minute' }],
  ['the error code is RATE_LIMITED', 429, withDetails(ONLY, 'RATE_LIMITED')],
  ['the error code is TOO_MANY_REQUESTS', 429, withDetails(ONLY, 'TOO_MANY_REQUESTS')],
  ['the error code is that of a rate limit in lower case', 429, withDetails(ONLY, 'rate_limited')],
])('isSecretCap returns false if %s', (_what, status, body) => {
  expect(isSecretCap(response(status, body))).toBe(false);
});
