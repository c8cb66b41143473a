import { setTimeout as sleep } from 'node:timers/promises';
import { parseJsonObject } from '../src/net/json.ts';
import { NetworkError } from '../src/net/network-error.ts';
import { type HttpRequest, Transport } from '../src/net/transport.ts';
import type { Credentials } from '../src/scalekit/types.ts';
import type { Redactor } from './redactor.ts';
import { isSuccess, isTimeout, type Reply } from './reply.ts';

// Sends the requests of a run, counts them, and returns every answer as it is.

/** Requests of a whole run at most. */
export const MAX_REQUESTS = 150;

/** Requests of a run that are kept for removing what it made. */
const KEPT_FOR_REMOVAL = 40;

/** How often a request that changes nothing is sent at most, and milliseconds before it is sent again for the first time. */
const MAX_ATTEMPTS = 3;
const FIRST_PAUSE = 300;

/** Milliseconds that a request needs. If less is left, it is not sent. */
const MIN_TIME = 500;

/** The environment, the credentials for its API, and the organization in which clients are made. */
export interface Target {
  /** Scheme, host and port. */
  origin: string;
  credentials: Credentials;
  organization_id: string;
}

/** The run cannot send another request: it was interrupted, its time is over, or it has sent as many as it may. */
export class Stopped extends Error {}

/** What a request is about. `isCapped`: a 429 may be the cap on secrets, which waiting does not lift. */
interface CallOptions {
  json?: unknown;
  form?: Record<string, string>;
  isCapped?: boolean;
}

/** Sends requests to one environment. */
export class Caller {
  readonly target: Target;
  readonly #redactor: Redactor;
  #transport: Transport;
  #token = '';
  #maxRequests = MAX_REQUESTS - KEPT_FOR_REMOVAL;
  #isRemoving = false;
  /** How many requests were sent, repeated ones included. */
  requests = 0;

  /** @param seconds for all requests until removing begins */
  constructor(target: Target, redactor: Redactor, seconds: number) {
    this.target = target;
    this.#redactor = redactor;
    this.#transport = transportFor(seconds);
    redactor.addSecret(target.credentials.client_secret, [target.credentials.client_id]);
  }

  /**
   * Ends all waiting and sends nothing more until removing begins. A request in flight gets five seconds for its answer.
   * Does nothing once removing has begun: a runner that cancels a job sends a second signal, and so does npm.
   */
  stop(): void {
    if (!this.#isRemoving) this.#transport.cancel();
  }

  /** Makes the requests and the time available that are kept for removing. */
  beginRemoval(seconds: number): void {
    this.#isRemoving = true;
    this.#transport = transportFor(seconds);
    this.#maxRequests = MAX_REQUESTS;
  }

  /** Signs in. All later requests use the token. */
  async signIn(): Promise<Reply> {
    const reply = await this.token(this.target.credentials);
    this.#token = accessTokenIn(reply);
    return reply;
  }

  /** Requests a token with the client credentials grant. Its values are redacted from now on. */
  async token(credentials: Credentials): Promise<Reply> {
    const url = new URL('/oauth/token', this.target.origin);
    const reply = await this.#read('POST', url, { form: { grant_type: 'client_credentials', ...credentials } });
    this.#redactor.addToken(textOf(reply.json?.access_token));
    return reply;
  }

  /** Requests the keys that tokens are signed with. */
  async keys(): Promise<Reply> {
    return await this.#read('GET', new URL('/keys', this.target.origin));
  }

  async list(parameters: Record<string, string>): Promise<Reply> {
    const url = this.url();
    url.search = new URLSearchParams(parameters).toString();
    return await this.#read('GET', url);
  }

  async get(client_id: string): Promise<Reply> {
    return await this.#read('GET', this.url(client_id));
  }

  /** Creates a client. Its secret is redacted from now on. */
  async create(fields: unknown): Promise<Reply> {
    return this.#withSecret(await this.#send('POST', this.url(), { json: fields }));
  }

  async update(client_id: string, fields: unknown): Promise<Reply> {
    return await this.#send('PATCH', this.url(client_id), { json: fields });
  }

  /** Adds a secret to a client. Its value is redacted from now on. */
  async addSecret(client_id: string): Promise<Reply> {
    return this.#withSecret(await this.#send('POST', this.url(client_id, 'secrets'), { isCapped: true }));
  }

  /** Deletes a client, or one of its secrets. */
  async delete(client_id: string, secret_id?: string): Promise<Reply> {
    const url = secret_id === undefined ? this.url(client_id) : this.url(client_id, 'secrets', secret_id);
    return await this.#send('DELETE', url);
  }

  /** Returns the URL of the organization's clients, or below it, that of a client, its `secrets` or one secret. */
  url(...path: string[]): URL {
    const segments = ['api', 'v1', 'organizations', this.target.organization_id, 'clients', ...path];
    return new URL(segments.map(encodeURIComponent).join('/'), this.target.origin);
  }

  /** Waits. @throws {Stopped} if the time is over first, or if the run is interrupted */
  async pause(milliseconds: number): Promise<void> {
    if (!(await this.#transport.wait(milliseconds))) throw new Stopped('the time for this run is over');
  }

  #withSecret(reply: Reply): Reply {
    const secret = plainSecretIn(reply);
    this.#redactor.addSecret(secret, [String(Object(reply.json?.client).client_id ?? '')]);
    return reply;
  }

  /** Sends a request that changes nothing. Sends it again if the server failed or its answer is garbage. */
  async #read(method: HttpRequest['method'], url: URL, options: CallOptions = {}): Promise<Reply> {
    for (let [attempt, pause] = [1, FIRST_PAUSE]; ; attempt++, pause *= 3) {
      const reply = await this.#send(method, url, options);
      const isTemporary = reply.status === 408 || reply.status >= 500 || (reply.status < 300 && !isSuccess(reply));
      if (!isTemporary || isTimeout(reply) || attempt === MAX_ATTEMPTS) return reply;
      await sleep(pause);
    }
  }

  /** @throws {Stopped} before the request is sent */
  async #send(method: HttpRequest['method'], url: URL, { json, form, isCapped }: CallOptions = {}): Promise<Reply> {
    const request: HttpRequest = {
      method,
      url,
      headers: {
        ...(form ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(json ? { 'content-type': 'application/json' } : {}),
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      body: json ? JSON.stringify(json) : form && new URLSearchParams(form).toString(),
      repeatable: false,
      isPermanentLimit: () => isCapped === true,
      onSend: () => this.#count(),
    };
    this.#requireTime();
    const sentAt = Date.now();
    try {
      const { status, headers, body, mayBeDone } = await this.#transport.send(request);
      return { status, headers, body, json: parsed(body), failure: '', mayBeDone, sentAt };
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      const { message: failure, reached: mayBeDone } = error;
      return { status: 0, headers: {}, body: '', json: undefined, failure, mayBeDone, sentAt };
    }
  }

  #requireTime(): void {
    if (this.#transport.cancelled) throw new Stopped('the run was interrupted');
    if (this.#transport.remaining < MIN_TIME) throw new Stopped('the time for this run is over');
  }

  /** Counts a request that is about to be sent. @throws {Stopped} if no more may be sent */
  #count(): void {
    if (this.requests >= this.#maxRequests) throw new Stopped(`the run has sent ${this.requests} requests`);
    this.requests += 1;
  }
}

/** Returns `access_token` of a reply, or an empty text. */
export function accessTokenIn(reply: Reply): string {
  return textOf(isSuccess(reply) ? reply.json?.access_token : '');
}

/** Returns `plain_secret` of a reply, or an empty text. */
export function plainSecretIn({ json }: Reply): string {
  return textOf(json?.plain_secret);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function parsed(body: string): Reply['json'] {
  try {
    return parseJsonObject(body);
  } catch {
    return undefined;
  }
}

function transportFor(seconds: number): Transport {
  // The transport keeps some of its time for removing. A run has a transport of its own for that.
  const transport = new Transport('contract', process.uptime() + seconds, () => {});
  transport.releaseCleanupTime();
  return transport;
}
