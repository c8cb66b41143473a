import {
  ApiError,
  invalidResponseError,
  isApiResponse,
  redirectAdvice,
  refusedError,
  unansweredError,
} from '../net/api-error.ts';
import type { NetworkError } from '../net/network-error.ts';
import type { FinalResponse, HttpResponse } from '../net/transport.ts';
import { oneLine, truncate } from '../output/text.ts';
import { parseErrorBody } from './error-body.ts';
import { isSecretCap } from './secret-cap.ts';

// The errors of Scalekit's API with the advice for each response. github/errors.ts does the same for GitHub, and
// net/api-error.ts for requests that got no response.

/**
 * What a request is about; the advice depends on it. `sign-in` is a token for the environment's API credentials.
 * `client-sign-in` is a token for the credentials of an organization client. An object names the organization and, for
 * a request about one client, the client; `adding` is true if the request adds a secret to it.
 */
export type Subject =
  | 'sign-in'
  | 'client-sign-in'
  | { organization: string; client?: string | undefined; adding?: boolean };

/** A refusal of another secret, because the client has as many as it may have. It has no advice. */
export class SecretCapError extends ApiError {}

/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 */
export function scalekitRefusal(operation: string, response: FinalResponse, subject: Subject): ApiError {
  const messages = scalekitMessages(response);
  if (typeof subject === 'string' || !subject.adding || !isSecretCap(response))
    return refusedError(operation, response, messages, scalekitAdvice(response, subject));
  return new SecretCapError(refusedError(operation, response, messages, '').message, { status: response.status });
}

/**
 * Returns the error for a request that got no complete response.
 * @param operation completes "Could not …"
 */
export function scalekitNetworkError(operation: string, error: NetworkError): ApiError {
  return unansweredError(operation, error, 'scalekit_environment_url');
}

/**
 * Returns the error for a 2xx response whose body does not have the form that the API documents.
 * @param operation completes "Could not …"
 * @param reason completes "HTTP 200, but …"
 */
export function scalekitInvalidResponse(
  operation: string,
  response: HttpResponse,
  reason: string,
  subject: Subject,
): ApiError {
  const advice = subject !== 'sign-in' ? '' : 'Is scalekit_environment_url the address of a Scalekit environment?';
  return invalidResponseError(operation, response, reason, advice);
}

function scalekitAdvice(response: FinalResponse, subject: Subject): string {
  const { status, headers } = response;
  if (status >= 300 && status < 400)
    return redirectAdvice(response, "scalekit_environment_url must be the environment's own address.");
  if (status === 429) {
    if (response.cancelled) return '';
    const wait = headers['retry-after'] ? ` (it says: come back after ${truncate(headers['retry-after'], 40)})` : '';
    return `The rate limit of the environment is reached for longer than this step may wait${wait}: run fewer jobs at once, or raise timeout.`;
  }
  if (status >= 500) return "That is on Scalekit's side: try again later.";
  if (subject === 'client-sign-in')
    return 'Scalekit refuses the new client credentials. An interceptor of the environment may deny the token.';
  if (status === 404 && !isApiResponse(response) && subject !== 'sign-in')
    return 'Check who answers at scalekit_environment_url: it is not the API.';
  if (subject === 'sign-in') return SIGN_IN_ADVICE[status] ?? '';
  return organizationAdvice(status, subject);
}

const CHECK_CREDENTIALS =
  'Check scalekit_client_id and scalekit_client_secret: they must be the API credentials (skc_…) of this very environment, not revoked.';

const SIGN_IN_ADVICE: Record<number, string> = {
  400: CHECK_CREDENTIALS,
  401: CHECK_CREDENTIALS,
  403: CHECK_CREDENTIALS,
  404: 'scalekit_environment_url does not lead to a Scalekit environment.',
};

/** Returns the advice for a request about the organization, or about one of its clients. */
function organizationAdvice(status: number, { organization, client }: Exclude<Subject, string>): string {
  if (status === 401)
    return 'The API does not accept the token that it gave for scalekit_client_id: check that these API credentials are still valid.';
  if (status === 403)
    return 'The API credentials in scalekit_client_id may not manage the clients of this organization.';
  if (status !== 404) return '';
  if (client) return `Client ${client} is not there (any more).`;
  return `Is there an organization ${organization} in this environment? An id from another environment is not known here.`;
}

/** Returns the server's own messages. Nothing else of the body is shown, because `debug_info` may contain internals. */
function scalekitMessages(response: HttpResponse): string[] {
  const { codes, texts, violations } = parseErrorBody(response);
  const faults = violations.map(({ field, description }) => [field, description].filter(Boolean).join(' '));
  const messages = [...new Set([...codes, ...texts, ...faults].filter(Boolean))];
  return messages.slice(0, 10).map((message) => truncate(oneLine(message), 300));
}
