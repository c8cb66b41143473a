import { truncate } from '../output/text.ts';
import type { NetworkError } from './network-error.ts';
import { PROXY_URL_FORMAT, type ProxyError } from './proxy.ts';
import { type HttpResponse, isOutcomeUnknown } from './transport.ts';

// What becomes of an API's answer: a value that was narrowed once, or one error.

/** A request that failed: the operation, the status, the server's own words, and what to do about it. */
export class ApiError extends Error {
  override name = 'ApiError';
  /** Whether the server may have carried the request out all the same. */
  readonly outcomeUnknown: boolean;
  /** Of the answer; absent where there was none, or one that says success. */
  readonly status: number | undefined;

  constructor(message: string, uncertain: boolean, options: { status?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.outcomeUnknown = uncertain;
    this.status = options.status;
  }
}

/**
 * An answer that says no.
 * @param operation completes "Could not …"
 * @param words the server's own
 * @param todo what the user can do, a sentence, or empty
 */
export function refusedError(
  operation: string,
  { status, earlierOutcomeUnknown: afterLoss }: HttpResponse,
  words: string[],
  todo: string,
): ApiError {
  const outcomeUnknown = isOutcomeUnknown(status) || afterLoss === true;
  return new ApiError(errorSentence(operation, [`HTTP ${status}`, ...words].join(': '), todo), outcomeUnknown, {
    status,
  });
}

/**
 * @param address the input or variable that leads to the server
 * @param more what else the user can do, a sentence, or empty
 */
export function unansweredError(operation: string, error: NetworkError, address: string, more = ''): ApiError {
  const todo = [networkAdvice(error, address), more].filter(Boolean).join(' ');
  return new ApiError(errorSentence(operation, error.message, todo), error.reached, { cause: error });
}

/** A 2xx whose body is not what the API documents. */
export function invalidResponseError(
  operation: string,
  { status }: HttpResponse,
  reason: string,
  todo: string,
): ApiError {
  return new ApiError(errorSentence(operation, `HTTP ${status}, but ${reason}`, todo), true);
}

/** Advice against an answer that points elsewhere. */
export function redirectAdvice({ headers }: HttpResponse, address: string): string {
  return `Redirects are not followed (it points to ${truncate(String(headers.location ?? 'nowhere'), 200)}): ${address}`;
}

/** Whether an answer may be the API's: text of another form comes from something in between, and tells nothing. */
export function isApiResponse({ body }: HttpResponse): boolean {
  try {
    return body.trim() === '' || typeof JSON.parse(body) === 'object';
  } catch {
    return false;
  }
}

function errorSentence(operation: string, said: string, todo: string): string {
  return `Could not ${operation}: ${said.replace(/[.\s]+$/, '')}.${todo && ` ${todo}`}`;
}

function networkAdvice(error: NetworkError, address: string): string {
  if (error.proxyError) return proxyAdvice(error, error.proxyError, address);
  if (/EXPIRED|NOT_YET_VALID|ALTNAME|HOSTNAME/.test(error.code)) {
    return `The server's certificate is not valid for this host at this time: check ${address} and who answers there. NODE_EXTRA_CA_CERTS helps against an unknown authority alone; never switch the check off.`;
  }
  if (error.isCertificateError) {
    return "The server's certificate is not trusted. Behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate; never switch the check off.";
  }
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(error.code)) return `Check the host in ${address}.`;
  if (error.isTlsError) {
    return `Check the port in ${address}, and whether the server asks for a client certificate or an old TLS version, which this action does not offer.`;
  }
  if (error.code === 'DEADLINE') return 'Raise timeout.';
  if (error.code === 'CANCELLED') return '';
  if (error.code === 'TOO_LARGE') return `Check who answers at ${address}.`;
  if (error.reached) return `If it happens again, raise timeout, and check who answers at ${address}.`;
  return `Check ${address} and the way to it (https_proxy, no_proxy, firewall).`;
}

function proxyAdvice(
  { isCertificateError: certificate }: NetworkError,
  { variable, code, status }: ProxyError,
  address: string,
): string {
  if (code === 'PROXY_ADDRESS') return `Expected ${PROXY_URL_FORMAT}.`;
  if (certificate)
    return `The proxy's own certificate is not accepted for the host in ${variable}: behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate.`;
  if (status === 407)
    return `It asks for a user and a password: ${variable} takes them as http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded.`;
  if (code === 'PROXY_REFUSED')
    return 'It does not let this host through: ask whoever runs it, or name the host in no_proxy.';
  if (status !== undefined) return `Check ${address}, and whether the proxy reaches that host.`;
  return `Check the address in ${variable} and the way to it, or name the host in no_proxy.`;
}
