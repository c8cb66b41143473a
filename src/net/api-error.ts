import { hideLikelySecrets, oneLine, quoteUrl, truncate } from '../output/text.ts';
import { isJsonObject } from './json.ts';
import type { NetworkError } from './network-error.ts';
import { PROXY_URL_FORMAT, type ProxyError } from './proxy.ts';
import type { FinalResponse, HttpResponse } from './transport.ts';

// The errors of the Scalekit and GitHub APIs, and the advice about the network that both have in common. scalekit/errors.ts
// and github/errors.ts add the advice for the responses of each API.

/** How many messages of one response an error shows, the characters of each, and of all. */
const MAX_MESSAGES = 10;
const MAX_MESSAGE_LENGTH = 300;
const MAX_MESSAGES_LENGTH = 1_000;

/** A failed API request: the operation, the status, the server's own message, and what the user can do. */
export class ApiError extends Error {
  override name = 'ApiError';
  /** Status of the response. Undefined if there was no response, or if it does not have the API's form. */
  readonly status: number | undefined;
  /** Whether the response is the API's own, as far as its form shows. */
  readonly isFromApi: boolean;

  constructor(message: string, options: { status?: number; isFromApi?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.isFromApi = options.isFromApi ?? false;
  }
}

/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 * @param messages the server's own messages, as the body has them
 * @param advice what the user can do, a sentence, or empty
 * @param status what the error has as its status, if that is not the response's
 */
export function refusedError(
  operation: string,
  response: HttpResponse,
  messages: string[],
  advice: string,
  status = response.status,
): ApiError {
  const isFromApi = isApiResponse(response);
  const shown = messages
    .slice(0, MAX_MESSAGES)
    .map((message) => truncate(oneLine(hideLikelySecrets(message)), MAX_MESSAGE_LENGTH));
  const words = truncate(shown.join(': '), MAX_MESSAGES_LENGTH);
  const reason = `HTTP ${response.status}${words && `: ${words}`}`;
  return new ApiError(errorSentence(operation, reason, advice), { status, isFromApi });
}

/**
 * Returns the error for a request that got no complete response.
 * @param operation completes "Could not …"
 * @param setting name of the input or variable that holds the server's URL
 * @param moreAdvice what else the user can do, a sentence, or empty
 */
export function unansweredError(operation: string, error: NetworkError, setting: string, moreAdvice = ''): ApiError {
  const advice = [networkAdvice(error, setting), moreAdvice].filter(Boolean).join(' ');
  return new ApiError(errorSentence(operation, error.message, advice), { cause: error });
}

/**
 * Returns the error for a response that does not have the form that the API documents.
 * @param operation completes "Could not …"
 * @param reason completes "HTTP 200, but …"
 * @param advice what the user can do, a sentence, or empty
 */
export function invalidResponseError(
  operation: string,
  { status }: HttpResponse,
  reason: string,
  advice: string,
): ApiError {
  return new ApiError(errorSentence(operation, `HTTP ${status}, but ${reason}`, advice));
}

/**
 * Returns the advice for a redirect.
 * @param advice what the user can do, a clause
 */
export function redirectAdvice({ headers }: HttpResponse, advice: string): string {
  const target = headers.location === undefined ? 'nowhere' : quoteUrl(String(headers.location));
  return `Redirects are not followed (it points to ${target}): ${advice}`;
}

/**
 * Returns the advice for a rate limit. After a cancel there is none, because the request was not repeated.
 * @param owner whose limit it is
 * @param wait milliseconds that the server asks to wait, if it does
 */
export function rateLimitAdvice(owner: string, { cancelled }: FinalResponse, wait = 0): string {
  if (cancelled) return '';
  const asked = wait && Number.isFinite(wait) ? ` The server asks to wait for ${Math.ceil(wait / 1000)} seconds.` : '';
  return `The rate limit of ${owner} is reached, and this step has no time to wait for it.${asked} Run fewer jobs at the same time, or raise timeout.`;
}

/**
 * Returns the advice for a 401 or 403 that does not come from the API, or an empty text for any other response. Both APIs
 * explain a refusal in a JSON object, so any other body is that of a server in between.
 * @param setting name of the input or variable that holds the server's URL
 */
export function interceptedAdvice({ status, body }: HttpResponse, setting: string): string {
  if ((status !== 401 && status !== 403) || isJsonObject(body)) return '';
  return `That is not the API's JSON: a firewall, a proxy or an IP allow list in front of ${setting} probably refused it. Allow this runner's address there.`;
}

/**
 * Returns whether a response may come from the API: its body is empty or a JSON object. Any other body comes from a server
 * in between, so its status says nothing about the API.
 */
export function isApiResponse({ body }: HttpResponse): boolean {
  return body.trim() === '' || isJsonObject(body);
}

function errorSentence(operation: string, reason: string, advice: string): string {
  return `Could not ${operation}: ${reason.replace(/[.\s]+$/, '')}.${advice && ` ${advice}`}`;
}

function networkAdvice(error: NetworkError, setting: string): string {
  if (error.proxyError) return proxyAdvice(error, error.proxyError, setting);
  if (/EXPIRED|NOT_YET_VALID|ALTNAME|HOSTNAME/.test(error.code)) {
    return `The server's certificate is not valid for this host at this time: check ${setting} and who answers there. NODE_EXTRA_CA_CERTS helps against an unknown authority alone; never switch the check off.`;
  }
  if (error.isCertificateError) {
    return "The server's certificate is not trusted. Behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate; never switch the check off.";
  }
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(error.code)) return `Check the host in ${setting}.`;
  if (error.isTlsError) {
    return `Check the port in ${setting}, and whether the server asks for a client certificate or an old TLS version, which this action does not offer.`;
  }
  if (error.code === 'DEADLINE') return 'Raise timeout.';
  if (error.code === 'CANCELLED') return '';
  if (error.code === 'TOO_LARGE') return `Check who answers at ${setting}.`;
  if (error.reached) return `If it happens again, raise timeout, and check who answers at ${setting}.`;
  return `Check ${setting} and the way to it (https_proxy, no_proxy, firewall).`;
}

function proxyAdvice(
  { isCertificateError }: NetworkError,
  { variable, code, status }: ProxyError,
  setting: string,
): string {
  if (code === 'PROXY_ADDRESS') return `Expected ${PROXY_URL_FORMAT}.`;
  if (isCertificateError)
    return `The proxy's own certificate is not accepted for the host in ${variable}: behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate.`;
  if (status === 407)
    return `The proxy requires a user and a password. Set ${variable} to http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded.`;
  if (code === 'PROXY_REFUSED')
    return 'The proxy does not allow this host. Ask its administrator to allow it, or add the host to no_proxy.';
  if (status !== undefined) return `Check ${setting}, and whether the proxy reaches that host.`;
  return `Check the address in ${variable} and the way to it, or name the host in no_proxy.`;
}
