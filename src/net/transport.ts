import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import * as log from '../output/log.ts';
import { EagerAgent, TunnelAgent } from './agents.ts';
import { clock } from './clock.ts';
import { Deadline } from './deadline.ts';
import { isJsonObject } from './json.ts';
import { NetworkError } from './network-error.ts';
import { proxyFor } from './proxy.ts';
import { readBody } from './read-body.ts';
import { parseRetryAfter, retryDelay } from './retry.ts';

/** The version in package.json. A test compares them. */
export const VERSION = '1.0.0';

const MAX_ATTEMPTS = 5;

/** Milliseconds that a retry needs. A retry with less time would fail and hide what the server returned before. */
export const MIN_RETRY_TIME = 1_000;

/** Milliseconds that a request in flight gets once the run is cancelled. The runner kills the step after 7.5 s. */
const CANCEL_GRACE = 5_000;

/** A request to send, with the rules for retrying it. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string | undefined;
  /** Whether the request may be sent again although the server may have carried it out already. */
  repeatable: boolean;
  /** Whether an earlier sending of the same request may have been carried out. */
  mayBeDone?: boolean;
  /**
   * Recognizes a rate limit by signs that not every server sends. Returns milliseconds to wait, or undefined if the
   * response is not a rate limit.
   */
  rateLimitWait?: (response: HttpResponse) => number | undefined;
  /** Recognizes a 429 that waiting does not lift. It is repeated only as often as a failure of the server. */
  isPermanentLimit?: (response: HttpResponse) => boolean;
  /** Called before each attempt. If it throws, the attempt is not sent and no other follows. */
  onSend?: (() => void) | undefined;
}

/** A complete response of any status. */
export interface HttpResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** The response to the last attempt of a request. */
export interface FinalResponse extends HttpResponse {
  /** Unless the status is 2xx: whether the server may have carried out this attempt or an earlier one. */
  mayBeDone: boolean;
  /** Whether the run was cancelled, so that the request was not repeated. */
  cancelled: boolean;
}

/**
 * The only way to the network. It has a deadline for the step and one for each request, keeps connections alive, uses
 * the proxy in https_proxy, does not follow redirects, and retries a request when that is safe.
 */
export class Transport {
  readonly #agents = {
    https: new EagerAgent(),
    http: undefined as http.Agent | undefined,
    tunnel: undefined as TunnelAgent | undefined,
  };
  readonly #userAgent: string;
  readonly #deadline: Deadline;
  readonly #debug: (text: string) => void;
  readonly #cancel = new AbortController();
  /** Hosts that have sent a response: TLS with them works. */
  readonly #answered = new Set<string>();
  /** Milliseconds since the epoch: the earliest time in the `Date` header of any response. */
  #earliestServerTime: number | undefined;

  /**
   * @param run `ID.ATTEMPT` of the workflow run, for Scalekit's logs
   * @param timeout seconds for the whole step, counted from the start of the process
   * @param debug gets one line for each attempt of a request
   */
  constructor(run: string, timeout: number, debug = log.debug) {
    this.#userAgent = `scalekit-organization-client/${VERSION} (run ${run})`;
    this.#deadline = new Deadline(timeout);
    this.#debug = debug;
  }

  /** Makes the time that was kept for roll-back available to all later requests. */
  releaseCleanupTime(): void {
    this.#deadline.releaseCleanupTime();
  }

  /**
   * Milliseconds since the epoch: the time of this machine, or the earliest time that a server sent if that is earlier.
   * Undefined until a server has sent its time.
   */
  get serverNow(): number | undefined {
    return this.#earliestServerTime && Math.min(Date.now(), this.#earliestServerTime);
  }

  /** Milliseconds until the deadline. Negative after it. */
  get remaining(): number {
    return this.#deadline.remaining;
  }

  /** Whether the run was cancelled. */
  get cancelled(): boolean {
    return this.#cancel.signal.aborted;
  }

  /** Ends all waiting and sends nothing more. Requests in flight get a last five seconds for their response. */
  cancel(): void {
    this.#cancel.abort();
  }

  /** Waits. Returns false if the deadline comes first, or if the run is cancelled. */
  async wait(milliseconds: number): Promise<boolean> {
    return milliseconds < this.remaining && (await this.#sleep(milliseconds));
  }

  /** Waits. @throws {NetworkError} if the deadline comes first, or if the run is cancelled */
  async pause(milliseconds: number): Promise<void> {
    if (!(await this.wait(milliseconds))) throw this.cancelled ? cancelledError() : deadlineError();
  }

  /**
   * Opens a second connection to a server, because two requests are about to be sent to it at the same time. Does
   * nothing for plain HTTP or behind a proxy.
   */
  preconnect(url: URL): void {
    const agent = this.#agentFor(url);
    if (agent instanceof EagerAgent) agent.preconnect(url);
  }

  /**
   * Sends a request, and retries it as long as another attempt may change the outcome.
   * @throws {NetworkError} if no complete response arrived
   */
  async send(request: HttpRequest): Promise<FinalResponse> {
    for (let [attempt, mayBeDone] = [1, request.mayBeDone ?? false]; ; attempt++) {
      const result = await this.#attempt(request, attempt);
      // A refusal after such an attempt is unknown.
      mayBeDone ||= result instanceof NetworkError ? result.reached : mayBeCarriedOut(result.status);
      if (!(await this.#waitForRepeat(request, result, attempt))) {
        if (!(result instanceof NetworkError)) return { ...result, mayBeDone, cancelled: this.cancelled };
        result.reached = mayBeDone;
        if (attempt > 1) result.message += ` (attempt ${attempt})`;
        throw result;
      }
    }
  }

  /** Waits until a request may be sent again. Returns false if it must not be. */
  async #waitForRepeat(request: HttpRequest, result: HttpResponse | NetworkError, attempt: number): Promise<boolean> {
    if (this.cancelled || !this.#mayRepeat(request, result, attempt)) return false;
    const delay = retryDelay(attempt, retryAfter(request, result), this.remaining - MIN_RETRY_TIME);
    return delay !== undefined && (await this.#sleep(delay));
  }

  /** Sends a request once and logs the result. Returns errors of the network instead of throwing them. */
  async #attempt(request: HttpRequest, attempt: number): Promise<HttpResponse | NetworkError> {
    const started = clock();
    const result = await this.#exchange(request, this.#deadline.requestTimeout);
    const shown = result instanceof NetworkError ? result.code : result.status;
    const milliseconds = Math.round(clock() - started);
    this.#debug(`${request.method} ${request.url.pathname} ${shown} ${milliseconds} ms attempt ${attempt}`);
    return result;
  }

  async #exchange(request: HttpRequest, timeout: number): Promise<HttpResponse | NetworkError> {
    if (this.cancelled) return cancelledError();
    if (timeout <= 0) return deadlineError();
    request.onSend?.();
    let reached = false;
    let giveUp = () => {};
    const onCancel = () => setTimeout(() => giveUp(), CANCEL_GRACE);
    this.#cancel.signal.addEventListener('abort', onCancel);
    const timer = setTimeout(() => giveUp(), timeout);
    try {
      const response = await new Promise<HttpResponse>((resolve, reject) => {
        const clientRequest = this.#open(request, resolve, reject);
        giveUp = () => {
          reject(this.#timeoutError(timeout, reached));
          clientRequest.destroy();
        };
        onceConnected(clientRequest, () => {
          reached = true;
        });
        clientRequest.end(request.body);
      });
      this.#answered.add(request.url.host);
      if (response.headers.date)
        this.#earliestServerTime = Math.min(
          this.#earliestServerTime ?? Number.POSITIVE_INFINITY,
          responseTime(response),
        );
      return response;
    } catch (error) {
      return networkError(error, reached);
    } finally {
      clearTimeout(timer);
      this.#cancel.signal.removeEventListener('abort', onCancel);
    }
  }

  /** @param timeout milliseconds that the request had */
  #timeoutError(timeout: number, reached: boolean): NetworkError {
    return this.cancelled
      ? new NetworkError('no answer before the run was cancelled', 'CANCELLED', reached)
      : new NetworkError(`no answer within ${Math.ceil(timeout / 100) / 10} seconds`, 'TIMEOUT', reached);
  }

  /**
   * Opens the Node.js request that sends this one. The caller ends it.
   * @throws {ProxyError} if a proxy variable is invalid
   */
  #open(
    request: HttpRequest,
    resolve: (response: HttpResponse) => void,
    reject: (error: unknown) => void,
  ): http.ClientRequest {
    return (
      (request.url.protocol === 'https:' ? https : http)
        .request(request.url, {
          method: request.method,
          headers: { accept: 'application/json', ...request.headers, 'user-agent': this.#userAgent },
          agent: this.#agentFor(request.url),
        })
        .on('error', reject)
        // Without a listener, Node.js never settles a request that is answered with 101.
        .on('upgrade', ({ statusCode }, socket) => {
          socket.destroy();
          reject(new NetworkError(`the server switches protocols (HTTP ${statusCode})`, 'UPGRADE', true));
        })
        .on('response', (message) => {
          const { statusCode: status = 0, headers } = message;
          readBody(message).then((body) => resolve({ status, headers, body }), reject);
        })
    );
  }

  /** @throws {ProxyError} if a proxy variable is invalid */
  #agentFor(url: URL): http.Agent {
    const agents = this.#agents;
    if (url.protocol !== 'https:') {
      agents.http ??= new http.Agent({ keepAlive: true });
      return agents.http;
    }
    const proxy = proxyFor(url, process.env);
    if (!proxy) return agents.https;
    agents.tunnel ??= new TunnelAgent(proxy);
    return agents.tunnel;
  }

  #mayRepeat(request: HttpRequest, result: HttpResponse | NetworkError, attempt: number): boolean {
    if (result instanceof NetworkError) {
      // A TLS error at a host that has sent a response before is temporary.
      const isPermanent = result.isPermanent && !(result.isTlsError && this.#answered.has(request.url.host));
      return !isPermanent && (request.repeatable || !result.reached) && attempt < MAX_ATTEMPTS;
    }
    // After a rate limit, the server has done nothing and says when to retry. Only the deadline limits these retries.
    if (request.rateLimitWait?.(result) !== undefined) return true;
    if (result.status === 429) return !request.isPermanentLimit?.(result) || attempt < MAX_ATTEMPTS;
    const { status } = result;
    const isTemporary = status === 408 || status === 425 || status >= 500 || isGarbage(request, result);
    // After 425 Too Early (RFC 8470), the server has done nothing.
    return (request.repeatable || status === 425) && isTemporary && attempt < MAX_ATTEMPTS;
  }

  /** Waits. Returns false if the run was cancelled first. */
  async #sleep(milliseconds: number): Promise<boolean> {
    return await sleep(milliseconds, true, { signal: this.#cancel.signal }).catch(() => false);
  }
}

/**
 * Returns whether the server may have carried out a request that it answered with this status. Of the error statuses,
 * 4xx except 408 says that it did not.
 */
function mayBeCarriedOut(status: number): boolean {
  return status < 400 || status >= 500 || status === 408;
}

/**
 * Returns whether a 2xx response does not come from an API: a portal or a proxy may answer 200 as well. APIs answer with a
 * JSON object. An empty body can confirm a change.
 */
function isGarbage({ method }: HttpRequest, { status, body }: HttpResponse): boolean {
  return status >= 200 && status < 300 && !isJsonObject(body) && (method === 'GET' || body.trim() !== '');
}

/**
 * Returns the time in a response's `Date` header, or this machine's time if the header is absent or invalid.
 * @returns milliseconds since the epoch
 */
export function responseTime({ headers }: HttpResponse): number {
  const now = Date.parse(headers.date ?? '');
  return Number.isNaN(now) ? Date.now() : now;
}

function deadlineError(): NetworkError {
  return new NetworkError("the step's time was over before it was sent", 'DEADLINE', false);
}

function cancelledError(): NetworkError {
  return new NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
}

/** Returns the milliseconds that the server asked to wait, or 0. */
function retryAfter(request: HttpRequest, result: HttpResponse | NetworkError): number {
  if (result instanceof NetworkError) return 0;
  return request.rateLimitWait?.(result) ?? parseRetryAfter(result.headers['retry-after'], responseTime(result));
}

/**
 * Calls a function when a request has its connection, TLS included. Before that, nothing of the request can have
 * reached the server.
 */
function onceConnected(clientRequest: http.ClientRequest, onConnection: () => void): void {
  clientRequest.once('socket', (socket) => {
    const event = 'secureConnecting' in socket ? 'secureConnect' : 'connect';
    // Inside a proxy's tunnel, the socket is connected before its TLS handshake.
    if (socket.connecting || ('secureConnecting' in socket && socket.secureConnecting))
      socket.once(event, onConnection);
    else onConnection();
  });
}

function networkError(error: unknown, reached: boolean): NetworkError {
  if (error instanceof NetworkError) return error;
  const { code = 'UNKNOWN', message, errors = [] } = error as NodeJS.ErrnoException & Partial<AggregateError>;
  // If a host has several addresses, the error has no message, but one error for each address.
  const reasons = message || errors.map((one) => one.message).join(', ') || code;
  const failure = new NetworkError(reasons, code, reached, error);
  // OpenSSL's message is a trace through its source files.
  if (failure.isTlsError) failure.message = `TLS failed (${code})`;
  return failure;
}
