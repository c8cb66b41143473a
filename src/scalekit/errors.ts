import {
  ApiError,
  interceptedAdvice,
  invalidResponseError,
  isApiResponse,
  rateLimitAdvice,
  redirectAdvice,
  refusedError,
} from '../net/api-error.ts';
import { parseRetryAfter } from '../net/retry.ts';
import { type FinalResponse, type HttpResponse, responseTime } from '../net/transport.ts';
import { parseErrorBody } from './error-body.ts';
import { isNotFound } from './meaning.ts';
import { isSecretCap } from './secret-cap.ts';

// The errors of Scalekit's API with the advice for each response. github/errors.ts does the same for GitHub, and
// net/api-error.ts for requests that got no response.

/**
 * What a request is about; the advice depends on it. `sign-in` is a token for the environment's API credentials.
 * `client-sign-in` is a token for the credentials of an organization client. An object names the organization and, for
 * a request about one client, the client. `adding` is true if the request adds a secret to it, `deleting` if it deletes
 * the client or a secret.
 */
export type Subject =
  | 'sign-in'
  | 'client-sign-in'
  | { organization: string; client?: string | undefined; adding?: boolean; deleting?: boolean };

/** A refusal of another secret, because the client has as many as it may have. It has no advice. */
export class SecretCapError extends ApiError {}

/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 */
export function scalekitRefusal(operation: string, response: FinalResponse, subject: Subject): ApiError {
  const messages = scalekitMessages(response);
  // An error code may say that something does not exist, whatever the status.
  const status = isNotFound(response) ? 404 : response.status;
  if (typeof subject === 'string' || !subject.adding || !isSecretCap(response))
    return refusedError(operation, response, messages, scalekitAdvice(response, subject), status);
  return new SecretCapError(refusedError(operation, response, messages, '').message, { status: response.status });
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

const DENIED_TOKEN_ADVICE =
  'A scope must exist in the environment, and an interceptor or the IP allowlist of the environment may deny the token.';

function scalekitAdvice(response: FinalResponse, subject: Subject): string {
  const { status, headers } = response;
  if (status >= 300 && status < 400)
    return redirectAdvice(response, "scalekit_environment_url must be the environment's own address.");
  if (status === 429)
    return rateLimitAdvice(
      'the environment',
      response,
      parseRetryAfter(headers['retry-after'], responseTime(response)),
    );
  if (status >= 500) return 'That is a failure of Scalekit. Try again later.';
  const intercepted = interceptedAdvice(response, 'scalekit_environment_url');
  // How the token endpoint words a refusal is not documented. It may be a plain text, so both causes are named.
  if (subject === 'client-sign-in')
    return intercepted
      ? `${intercepted} If Scalekit did: ${DENIED_TOKEN_ADVICE}`
      : `Scalekit refuses the new client credentials. ${DENIED_TOKEN_ADVICE}`;
  if (subject === 'sign-in') return [intercepted, SIGN_IN_ADVICE[status]].filter(Boolean).join(' ');
  if (intercepted) return intercepted;
  if (status === 404 && !isApiResponse(response))
    return 'Check which server answers at scalekit_environment_url: it is not the API.';
  return organizationAdvice(status, subject);
}

const CHECK_CREDENTIALS =
  'Check scalekit_client_id and scalekit_client_secret: they must be valid API credentials (skc_…) of this environment.';

const CHECK_CREDENTIALS_AND_ADDRESS = `${CHECK_CREDENTIALS} If the environment has an IP allowlist, it must contain the address of this runner.`;

const SIGN_IN_ADVICE: Record<number, string> = {
  400: CHECK_CREDENTIALS,
  401: CHECK_CREDENTIALS_AND_ADDRESS,
  403: CHECK_CREDENTIALS_AND_ADDRESS,
  404: 'scalekit_environment_url does not lead to a Scalekit environment.',
};

/** Returns the advice for a request about the organization, or about one of its clients. */
function organizationAdvice(status: number, { organization, client, deleting }: Exclude<Subject, string>): string {
  if (status === 401)
    return 'The API refused the access token that Scalekit issued for scalekit_client_id. Check that these API credentials are still valid.';
  if (status === 403 && deleting)
    return 'The API credentials in scalekit_client_id may not delete clients and secrets. They need the permission api_credentials:rotate.';
  if (status === 403)
    return 'The API credentials in scalekit_client_id may not manage the clients of this organization, or the IP allowlist of the environment does not contain the address of this runner.';
  if (status !== 404) return '';
  if (client) return `Client ${client} does not exist.`;
  return `Check that organization ${organization} exists in this environment. An id from another environment is not known here.`;
}

/** Returns the server's own messages. Nothing else of the body is shown, because `debug_info` may contain internals. */
function scalekitMessages(response: HttpResponse): string[] {
  const { codes, texts, violations } = parseErrorBody(response);
  const faults = violations.map(({ field, description }) => [field, description].filter(Boolean).join(' '));
  return [...new Set([...codes, ...texts, ...faults].filter(Boolean))];
}
