import type http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { EagerAgent } from './agent.ts';
import * as log from './log.ts';
import { clock, plainHttp } from './node.ts';
import { ProxyError, proxyFor } from './proxy.ts';
import { TunnelAgent } from './tunnel.ts';

/** The same as in package.json; a test compares them. */
export const VERSION = '1.0.0';

/** Bytes: a page of a hundred clients with long lists has its place in it. */
const LARGEST_BODY = 8 * 1024 * 1024;
const MOST_ATTEMPTS = 5;
const BACKOFF_BASE = 500;
const BACKOFF_CAP = 10_000;
/** A repeat that has less time than this would only hide what the server said before. */
const SHORTEST_REPEAT = 1_000;
/** Milliseconds that a request gets for its answer once the run is cancelled. The runner kills the step after 7.5 s. */
const LAST_ANSWER = 5_000;

/** One request as its caller means it. */
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string | undefined;
  /** Whether it may be sent again although it may have been carried out already. */
  repeatable: boolean;
  /** Milliseconds to wait where an answer is a rate limit's in a way that not every server has; nothing where it is none. */
  rateLimit?: (answer: Answer) => number | undefined;
  /** Called before each sending. What it throws ends the call, and nothing is sent. */
  onSend?: (() => void) | undefined;
}

/** A whole answer of any status. */
export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** Whether an earlier sending of the same request was lost, so that it may have been carried out. */
  afterLoss?: boolean;
}

/** No whole answer came: the connection failed, the time was over, or the answer was too large. */
export class NetworkError extends Error {
  override name = 'NetworkError';
  readonly code: string;
  /** False where the request provably never reached the server, in no sending of it. */
  reached: boolean;

  constructor(message: string, code: string, reached: boolean, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.reached = reached;
  }

  /** The server's certificate is not accepted (OpenSSL's codes, as Node names them). */
  get certificate(): boolean {
    return /^(ERR_TLS_)?CERT_|^UNABLE_TO_|SELF_SIGNED_CERT|^INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH|PATH_LENGTH/.test(
      this.code,
    );
  }

  /** The two sides do not agree on TLS. */
  get protocol(): boolean {
    return /^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(this.code) && !this.certificate;
  }

  /** It would fail again. */
  get lasting(): boolean {
    return (
      this.certificate ||
      this.protocol ||
      /^(TOO_LARGE|DEADLINE|CANCELLED|PROXY_ADDRESS|PROXY_REFUSED)$/.test(this.code)
    );
  }

  /** What went wrong on the way to the server, where a proxy is on it. */
  get proxy(): ProxyError | undefined {
    return this.cause instanceof ProxyError ? this.cause : undefined;
  }
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
  openReserve(): void {
    this.#deadline = this.#end;
  }

  /** Milliseconds since the epoch, by the earliest of this machine's clock and what servers told; absent where none did. */
  get now(): number | undefined {
    return this.#told && Math.min(Date.now(), this.#told);
  }

  /** Milliseconds until the deadline. */
  get left(): number {
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
    if (milliseconds >= this.left) throw outOfTime();
    if (!(await this.#sleep(milliseconds))) throw cancellation();
  }

  /** Opens a connection to a server beside the one that is in use: two requests are to be sent there at once. */
  prepare(url: URL): void {
    const agent = this.#agentFor(url);
    if (agent instanceof EagerAgent) agent.prepare(url);
  }

  /**
   * Sends a request until it has an answer that repeating it would not change.
   * @throws {NetworkError} where no whole answer came
   */
  async send(call: Call): Promise<Answer> {
    for (let [attempt, lost] = [1, false]; ; attempt++) {
      const outcome = await this.#attempt(call, attempt);
      if (this.cancelled || !this.#mayRepeat(call, outcome, attempt)) return settle(outcome, attempt, lost);
      const delay = retryDelay(attempt, retryAfter(call, outcome), this.left - SHORTEST_REPEAT);
      if (delay === undefined || !(await this.#sleep(delay))) return settle(outcome, attempt, lost);
      lost ||= outcome instanceof NetworkError ? outcome.reached : isUnsure(outcome.status);
    }
  }

  #mayRepeat(call: Call, outcome: Answer | NetworkError, attempt: number): boolean {
    if (outcome instanceof NetworkError) {
      const lasting = outcome.lasting && !(outcome.protocol && this.#answered.has(call.url.host));
      return !lasting && (call.repeatable || !outcome.reached) && attempt < MOST_ATTEMPTS;
    }
    // A rate limit says that nothing was done and when to come back: only the deadline bounds that.
    if (outcome.status === 429 || call.rateLimit?.(outcome) !== undefined) return true;
    const passing = outcome.status === 408 || outcome.status === 425 || outcome.status >= 500;
    // Too Early (RFC 8470) says that nothing was done.
    return (call.repeatable || outcome.status === 425) && passing && attempt < MOST_ATTEMPTS;
  }

  /** @returns whether the time has passed: false where the run was cancelled first */
  async #sleep(milliseconds: number): Promise<boolean> {
    return await sleep(milliseconds, true, { signal: this.#cancel.signal }).catch(() => false);
  }

  async #attempt(call: Call, attempt: number): Promise<Answer | NetworkError> {
    const started = clock();
    const outcome = await this.#exchange(call, Math.min(this.#requestTimeout, this.#deadline - started));
    const result = outcome instanceof NetworkError ? outcome.code : outcome.status;
    const milliseconds = Math.round(clock() - started);
    log.debug(`${call.method} ${call.url.pathname} ${result} ${milliseconds} ms attempt ${attempt}`);
    return outcome;
  }

  async #exchange(call: Call, timeout: number): Promise<Answer | NetworkError> {
    if (this.cancelled) return cancellation();
    if (timeout <= 0) return outOfTime();
    call.onSend?.();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    let request: http.ClientRequest | undefined;
    let reached = false;
    const giveUp = () => {
      const limit = this.cancelled ? 'before the run was cancelled' : `within ${Math.ceil(timeout / 100) / 10} seconds`;
      reject(new NetworkError(`no answer ${limit}`, 'TIMEOUT', reached));
      request?.destroy();
    };
    const onCancel = () => setTimeout(giveUp, LAST_ANSWER);
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
          readBounded(message).then((body) => resolve({ status, headers, body }), reject);
        });
      whenConnected(request, () => {
        reached = true;
      });
      request.end(call.body);
      const answer = await promise;
      this.#answered.add(call.url.host);
      if (answer.headers.date) this.#told = Math.min(this.#told ?? Number.POSITIVE_INFINITY, timeOf(answer));
      return answer;
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

function outOfTime(): NetworkError {
  return new NetworkError("the step's time was over before it was sent", 'DEADLINE', false);
}

function cancellation(): NetworkError {
  return new NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
}

/** Tells when a request has its connection, TLS included: before that, nothing of it can have reached the server. */
function whenConnected(request: http.ClientRequest, onConnection: () => void): void {
  request.once('socket', (socket) => {
    const event = 'secureConnecting' in socket ? 'secureConnect' : 'connect';
    // Within a proxy's tunnel the socket is connected before its TLS handshake.
    if (socket.connecting || ('secureConnecting' in socket && socket.secureConnecting))
      socket.once(event, onConnection);
    else onConnection();
  });
}

/** No more than twice the bound is ever held in memory, however small the pieces are. */
async function readBounded(message: http.IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let [body, size] = [Buffer.alloc(0), 0];
  message
    .on('data', (chunk: Buffer) => {
      const needed = size + chunk.length;
      if (needed > LARGEST_BODY) {
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
  if (failure.protocol) failure.message = `TLS failed (${code})`;
  return failure;
}

/** Whether a status leaves open that the request was carried out: a refusal (4xx) says that it was not. */
export function isUnsure(status: number): boolean {
  return status < 400 || status >= 500 || status === 408;
}

function settle(outcome: Answer | NetworkError, attempts: number, lost: boolean): Answer {
  if (!(outcome instanceof NetworkError)) return { ...outcome, afterLoss: lost };
  outcome.reached ||= lost;
  if (attempts > 1) outcome.message += ` (attempt ${attempts})`;
  throw outcome;
}

function retryAfter(call: Call, outcome: Answer | NetworkError): number {
  if (outcome instanceof NetworkError) return 0;
  return call.rateLimit?.(outcome) ?? parseRetryAfter(outcome.headers['retry-after'], timeOf(outcome));
}

/** Milliseconds since the epoch, by the server's own clock where it tells the time. */
export function timeOf({ headers }: Answer): number {
  const now = Date.parse(headers.date ?? '');
  return Number.isNaN(now) ? Date.now() : now;
}

/**
 * Reads a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3).
 * @param now milliseconds since the epoch
 * @returns milliseconds to wait, 0 where the header says nothing usable
 */
export function parseRetryAfter(header: string | undefined, now: number): number {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)
    ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
    : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/**
 * Exponential back-off with full jitter, on top of what the server asked for, so that jobs that were refused
 * together do not come back together.
 * @param attempt the one that failed, from 1
 * @param asked milliseconds that the server asked for
 * @param left milliseconds until the deadline; jitter takes half of what the server leaves of it at most
 * @param random from 0 to 1
 * @returns milliseconds to wait, or nothing where the deadline is sooner, or too near to back off any more
 */
export function retryDelay(attempt: number, asked: number, left: number, random = Math.random()): number | undefined {
  if (asked >= left || (asked === 0 && left < BACKOFF_BASE)) return undefined;
  return asked + random * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (attempt - 1), (left - asked) / 2);
}
