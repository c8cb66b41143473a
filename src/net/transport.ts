import type http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import * as log from '../output/log.ts';
import { EagerAgent, plainHttp, TunnelAgent } from './agents.ts';
import { clock } from './clock.ts';
import { NetworkError } from './network-error.ts';
import { proxyFor } from './proxy.ts';
import { parseRetryAfter, retryDelay } from './retry.ts';

/** The same as in package.json; a test compares them. */
export const VERSION = '1.0.0';

/** Bytes: a page of a hundred clients with long lists has its place in it. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

const MAX_ATTEMPTS = 5;

/** A repeat that has less time than this would only hide what the server said before. */
const MIN_RETRY_TIME = 1_000;

/** Milliseconds that a request gets for its answer once the run is cancelled. The runner kills the step after 7.5 s. */
const CANCEL_GRACE = 5_000;

/** One request as its caller means it. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string | undefined;
  /** Whether it may be sent again although it may have been carried out already. */
  repeatable: boolean;
  /** Milliseconds to wait where an answer is a rate limit's in a way that not every server has; nothing where it is none. */
  rateLimitWait?: (response: HttpResponse) => number | undefined;
  /** Called before each sending. What it throws ends the call, and nothing is sent. */
  onSend?: (() => void) | undefined;
}

/** A whole answer of any status. */
export interface HttpResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** Whether an earlier sending of the same request was lost, so that it may have been carried out. */
  earlierOutcomeUnknown?: boolean;
}

/**
 * The one way to the network: a deadline for the step and for each request, connections kept alive, proxies by the
 * usual variables, no redirects, and repeats where they can do no harm.
 */
export class Transport {
  readonly #agents = {
    https: new EagerAgent(),
    http: undefined as http.Agent | undefined,
    tunnel: undefined as TunnelAgent | undefined,
  };
  readonly #userAgent: string;
  readonly #requestTimeout: number;
  readonly #end: number;
  readonly #cancel = new AbortController();
  /** Hosts that have answered: TLS with them works. */
  readonly #answered = new Set<string>();
  #deadline: number;
  #told: number | undefined;

  /**
   * @param run `ID.ATTEMPT` of the workflow run, for Scalekit's logs
   * @param timeout seconds for the whole step, counted from the start of the process. One request gets a quarter of
   *   it, between 2 and 15 seconds; a quarter, 10 seconds at most, is kept for roll-back.
   */
  constructor(run: string, timeout: number) {
    this.#userAgent = `scalekit-organization-client/${VERSION} (run ${run})`;
    this.#requestTimeout = Math.min(15, Math.max(2, timeout / 4)) * 1000;
    this.#end = timeout * 1000;
    this.#deadline = this.#end - Math.min(10, timeout / 4) * 1000;
  }

  /** Gives what comes now the time that was kept for roll-back. */
  releaseCleanupTime(): void {
    this.#deadline = this.#end;
  }

  /** Milliseconds since the epoch, by the earliest of this machine's clock and what servers told; absent where none did. */
  get serverNow(): number | undefined {
    return this.#told && Math.min(Date.now(), this.#told);
  }

  /** Milliseconds until the deadline. */
  get remaining(): number {
    return this.#deadline - clock();
  }

  get cancelled(): boolean {
    return this.#cancel.signal.aborted;
  }

  /** Sends and waits for nothing more; the requests under way get a last chance to be answered. */
  cancel(): void {
    this.#cancel.abort();
  }

  /** @throws {NetworkError} where the time is over before, or the run is cancelled */
  async pause(milliseconds: number): Promise<void> {
    if (milliseconds >= this.remaining) throw deadlineError();
    if (!(await this.#sleep(milliseconds))) throw cancelledError();
  }

  /** Opens a connection to a server beside the one that is in use: two requests are to be sent there at once. */
  preconnect(url: URL): void {
    const agent = this.#agentFor(url);
    if (agent instanceof EagerAgent) agent.preconnect(url);
  }

  /**
   * Sends a request until it has an answer that repeating it would not change.
   * @throws {NetworkError} where no whole answer came
   */
  async send(call: HttpRequest): Promise<HttpResponse> {
    for (let [attempt, earlierOutcomeUnknown] = [1, false]; ; attempt++) {
      const outcome = await this.#attempt(call, attempt);
      if (this.cancelled || !this.#mayRepeat(call, outcome, attempt))
        return finalResult(outcome, attempt, earlierOutcomeUnknown);
      const delay = retryDelay(attempt, retryAfter(call, outcome), this.remaining - MIN_RETRY_TIME);
      if (delay === undefined || !(await this.#sleep(delay)))
        return finalResult(outcome, attempt, earlierOutcomeUnknown);
      earlierOutcomeUnknown ||= outcome instanceof NetworkError ? outcome.reached : isOutcomeUnknown(outcome.status);
    }
  }

  #mayRepeat(call: HttpRequest, outcome: HttpResponse | NetworkError, attempt: number): boolean {
    if (outcome instanceof NetworkError) {
      const lasting = outcome.isPermanent && !(outcome.isTlsError && this.#answered.has(call.url.host));
      return !lasting && (call.repeatable || !outcome.reached) && attempt < MAX_ATTEMPTS;
    }
    // A rate limit says that nothing was done and when to come back: only the deadline bounds that.
    if (outcome.status === 429 || call.rateLimitWait?.(outcome) !== undefined) return true;
    const passing = outcome.status === 408 || outcome.status === 425 || outcome.status >= 500;
    // Too Early (RFC 8470) says that nothing was done.
    return (call.repeatable || outcome.status === 425) && passing && attempt < MAX_ATTEMPTS;
  }

  /** @returns whether the time has passed: false where the run was cancelled first */
  async #sleep(milliseconds: number): Promise<boolean> {
    return await sleep(milliseconds, true, { signal: this.#cancel.signal }).catch(() => false);
  }

  async #attempt(call: HttpRequest, attempt: number): Promise<HttpResponse | NetworkError> {
    const started = clock();
    const outcome = await this.#exchange(call, Math.min(this.#requestTimeout, this.#deadline - started));
    const result = outcome instanceof NetworkError ? outcome.code : outcome.status;
    const milliseconds = Math.round(clock() - started);
    log.debug(`${call.method} ${call.url.pathname} ${result} ${milliseconds} ms attempt ${attempt}`);
    return outcome;
  }

  async #exchange(call: HttpRequest, timeout: number): Promise<HttpResponse | NetworkError> {
    if (this.cancelled) return cancelledError();
    if (timeout <= 0) return deadlineError();
    call.onSend?.();
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
    let request: http.ClientRequest | undefined;
    let reached = false;
    const giveUp = () => {
      const limit = this.cancelled ? 'before the run was cancelled' : `within ${Math.ceil(timeout / 100) / 10} seconds`;
      reject(new NetworkError(`no answer ${limit}`, 'TIMEOUT', reached));
      request?.destroy();
    };
    const onCancel = () => setTimeout(giveUp, CANCEL_GRACE);
    this.#cancel.signal.addEventListener('abort', onCancel);
    const timer = setTimeout(giveUp, timeout);
    try {
      request = (call.url.protocol === 'https:' ? https : plainHttp())
        .request(call.url, {
          method: call.method,
          headers: { accept: 'application/json', ...call.headers, 'user-agent': this.#userAgent },
          agent: this.#agentFor(call.url),
        })
        .on('error', reject)
        // Without this, one would wait in vain.
        .on('upgrade', ({ statusCode }, socket) => {
          socket.destroy();
          reject(new NetworkError(`the server switches protocols (HTTP ${statusCode})`, 'UPGRADE', true));
        })
        .on('response', (message) => {
          const { statusCode: status = 0, headers } = message;
          readBody(message).then((body) => resolve({ status, headers, body }), reject);
        });
      onceConnected(request, () => {
        reached = true;
      });
      request.end(call.body);
      const response = await promise;
      this.#answered.add(call.url.host);
      if (response.headers.date) this.#told = Math.min(this.#told ?? Number.POSITIVE_INFINITY, serverTime(response));
      return response;
    } catch (error) {
      return networkError(error, reached);
    } finally {
      clearTimeout(timer);
      this.#cancel.signal.removeEventListener('abort', onCancel);
    }
  }

  /** @throws {ProxyError} */
  #agentFor(url: URL): http.Agent {
    const agents = this.#agents;
    if (url.protocol !== 'https:') {
      agents.http ??= new (plainHttp().Agent)({ keepAlive: true });
      return agents.http;
    }
    const proxy = proxyFor(url, process.env);
    if (!proxy) return agents.https;
    agents.tunnel ??= new TunnelAgent(proxy);
    return agents.tunnel;
  }
}

function deadlineError(): NetworkError {
  return new NetworkError("the step's time was over before it was sent", 'DEADLINE', false);
}

function cancelledError(): NetworkError {
  return new NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
}

/** Tells when a request has its connection, TLS included: before that, nothing of it can have reached the server. */
function onceConnected(request: http.ClientRequest, onConnection: () => void): void {
  request.once('socket', (socket) => {
    const event = 'secureConnecting' in socket ? 'secureConnect' : 'connect';
    // Within a proxy's tunnel the socket is connected before its TLS handshake.
    if (socket.connecting || ('secureConnecting' in socket && socket.secureConnecting))
      socket.once(event, onConnection);
    else onConnection();
  });
}

/** No more than twice the bound is ever held in memory, however small the pieces are. */
async function readBody(message: http.IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let [body, size] = [Buffer.alloc(0), 0];
  message
    .on('data', (chunk: Buffer) => {
      const needed = size + chunk.length;
      if (needed > MAX_BODY_BYTES) {
        message.destroy(new NetworkError('the answer is larger than 8 MiB', 'TOO_LARGE', true));
        return;
      }
      if (needed > body.length) body = Buffer.concat([body], 2 * needed);
      chunk.copy(body, size);
      size = needed;
    })
    .on('end', resolve)
    .on('error', reject);
  await promise;
  // Without a byte order mark.
  return body.toString('utf8', 0, size).replace(/^\ufeff/, '');
}

function networkError(error: unknown, reached: boolean): NetworkError {
  if (error instanceof NetworkError) return error;
  const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException;
  const failure = new NetworkError(message || code, code, reached, error);
  // OpenSSL's own line is a trace through its sources.
  if (failure.isTlsError) failure.message = `TLS failed (${code})`;
  return failure;
}

/** Whether a status leaves open that the request was carried out: a refusal (4xx) says that it was not. */
export function isOutcomeUnknown(status: number): boolean {
  return status < 400 || status >= 500 || status === 408;
}

function finalResult(
  outcome: HttpResponse | NetworkError,
  attempts: number,
  earlierOutcomeUnknown: boolean,
): HttpResponse {
  if (!(outcome instanceof NetworkError)) return { ...outcome, earlierOutcomeUnknown: earlierOutcomeUnknown };
  outcome.reached ||= earlierOutcomeUnknown;
  if (attempts > 1) outcome.message += ` (attempt ${attempts})`;
  throw outcome;
}

function retryAfter(call: HttpRequest, outcome: HttpResponse | NetworkError): number {
  if (outcome instanceof NetworkError) return 0;
  return call.rateLimitWait?.(outcome) ?? parseRetryAfter(outcome.headers['retry-after'], serverTime(outcome));
}

/** Milliseconds since the epoch, by the server's own clock where it tells the time. */
export function serverTime({ headers }: HttpResponse): number {
  const now = Date.parse(headers.date ?? '');
  return Number.isNaN(now) ? Date.now() : now;
}
