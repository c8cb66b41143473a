import { isApiResponse, unansweredError } from '../net/api-error.ts';
import { clock } from '../net/clock.ts';
import { asObject, InvalidResponseError, parseJsonObject, stringField } from '../net/json.ts';
import { NetworkError } from '../net/network-error.ts';
import { done, failure, type Outcome, unwrap } from '../net/outcome.ts';
import type { FinalResponse, HttpRequest, Transport } from '../net/transport.ts';
import { type Subject, scalekitInvalidResponse, scalekitRefusal } from './errors.ts';
import { areCredentialsUnknown, isMissing, isNotFound, isPageSizeRefused } from './meaning.ts';
import { isSecretCap } from './secret-cap.ts';
import { readAccessToken, readSecret, requireMaskable } from './token.ts';
import {
  type AccessToken,
  type ClientFields,
  type ClientSummary,
  type Creation,
  type Credentials,
  parseClientSummary,
  parseListedClient,
  parsePage,
  parseRequestedClient,
  parseSecret,
  plausibleTime,
  type Secret,
} from './types.ts';

/** Milliseconds after the creation of a client or a secret in which parts of the API may not know it yet. */
export const CREATION_LAG = 10_000;

/** Milliseconds in which new credentials may be unknown to the token endpoint, and how often a token is requested. */
const CREDENTIALS_LAG = 20_000;
const MAX_TOKEN_ATTEMPTS = 8;

/** Milliseconds before the first retry of a request that failed during that lag. Each later pause is twice as long. */
const FIRST_PAUSE = 250;

/** Milliseconds before any retry at most: of new credentials, so that their few attempts last, and of anything else. */
const MAX_CREDENTIALS_PAUSE = 6_000;
const MAX_PAUSE = 2_000;

/** The Scalekit environment, the credentials for its API, and the organization. */
export interface ScalekitAccess {
  /** Scheme, host and port. */
  origin: string;
  /** The environment's API credentials. */
  credentials: Credentials;
  /** Empty if the external id is given instead. */
  organization_id: string;
  /** Empty if the id is given instead. */
  organization_external_id: string;
}

/**
 * The clients of one organization in one Scalekit environment. Methods that create or update something return the outcome.
 * The others throw an ApiError if their request fails. A request that creates something is repeated only if it provably
 * had no effect.
 */
export class Scalekit {
  readonly transport: Transport;
  /** Milliseconds since the epoch: Scalekit's time when it sent its last response. Undefined without a valid `Date` header. */
  time: number | undefined;
  /** How many entries of lists were skipped because they cannot be parsed. */
  unreadable = 0;
  readonly #origin: string;
  #organization: string;
  #token = '';
  /** When clients were created that parts of the API may not know yet, by id, in milliseconds since the process started. */
  readonly #createdAt = new Map<string, number>();
  /** The page sizes to try, the first one next. Without any, a request names none. */
  readonly #pageSizes = ['100', '30'];

  constructor(transport: Transport, origin: string, organization_id: string) {
    this.transport = transport;
    this.#origin = origin;
    this.#organization = organization_id;
  }

  /** Signs in, and looks up the organization's id if only its external id is given. */
  static async open(
    transport: Transport,
    { origin, credentials, organization_id, organization_external_id }: ScalekitAccess,
  ): Promise<Scalekit> {
    const scalekit = new Scalekit(transport, origin, organization_id);
    await scalekit.signIn(credentials);
    if (!organization_id) await scalekit.selectOrganization(organization_external_id);
    return scalekit;
  }

  /** The organization's id. */
  get organization_id(): string {
    return this.#organization;
  }

  /** Requests an access token for the environment's API credentials and masks it. All later requests use it. */
  async signIn(credentials: Credentials): Promise<void> {
    this.#token = unwrap(await this.#getToken('sign in to Scalekit', credentials, 'sign-in')).access_token;
  }

  /** Requests an access token for new credentials and masks it. Retries for 20 seconds while they may be unknown. */
  async getToken(credentials: Credentials): Promise<AccessToken> {
    const operation = `get an access token for client ${credentials.client_id}`;
    const send = () => this.#getToken(operation, credentials, 'client-sign-in');
    const until = clock() + CREDENTIALS_LAG;
    const limits = { maxAttempts: MAX_TOKEN_ATTEMPTS, maxPause: MAX_CREDENTIALS_PAUSE };
    return unwrap(await this.#retryDuringLag(until, areCredentialsUnknown, send, false, limits));
  }

  /** Creates a client and masks its secret. */
  async createClient(
    fields: ClientFields,
    { mayBeDone, onSend, onId }: Creation,
  ): Promise<Outcome<{ client: ClientSummary; plain_secret: string }>> {
    const request = { ...this.#request('POST', [], fields), repeatable: false, mayBeDone, onSend };
    return await this.#exchange('create the client', request, this.#subject(), (body) => {
      const response = parseJsonObject(body);
      const plain_secret = readSecret(response.plain_secret, Object(response.client).client_id);
      const client = parseClientSummary(response.client);
      this.expectLag(client.client_id);
      onId(client.client_id);
      requireMaskable('plain_secret', plain_secret);
      // Throws if the client cannot be parsed.
      client.parse();
      return { client, plain_secret };
    });
  }

  /** Yields every client of the organization, page by page. Skips clients that cannot be parsed. */
  async *listClients(): AsyncGenerator<ClientSummary> {
    const operation = "list the organization's clients";
    const seen = new Set(['']);
    for (let token = ''; ; seen.add(token)) {
      const page = await this.#getPage(operation, token);
      const clients = page.clients.flatMap(parseListedClient);
      this.unreadable += page.clients.length - clients.length;
      yield* clients;
      token = page.next_page_token;
      if (!token) return;
      // Fail instead of ending the list: the API never returns the pages behind the loop, so the list is incomplete.
      if (seen.has(token)) throw new Error(`Could not ${operation}: a page leads back to one that was read before.`);
    }
  }

  /** Reads a page of the list of clients. If the API refuses its size, tries the next one, and keeps that for later pages. */
  async #getPage(operation: string, page_token: string): Promise<ReturnType<typeof parsePage>> {
    const [page_size] = this.#pageSizes;
    const request = this.#request('GET');
    request.url.search = new URLSearchParams({
      ...(page_size && { page_size }),
      ...(page_token && { page_token }),
    }).toString();
    const outcome = await this.#exchange(operation, request, this.#subject(), parsePage);
    if (!page_size || outcome.kind === 'done' || !isPageSizeRefused(outcome.error)) return unwrap(outcome);
    this.#pageSizes.shift();
    return await this.#getPage(operation, page_token);
  }

  /**
   * Returns a client, or undefined if it does not exist.
   * @throws {ApiError} if it cannot be read, or if the response shows another client
   */
  async getClient(client_id: string): Promise<ClientSummary | undefined> {
    const request = this.#request('GET', [client_id]);
    const operation = `read client ${client_id}`;
    const parse = (body: string) => parseRequestedClient(body, client_id);
    const send = () => this.#exchange(operation, request, this.#subject(client_id), parse, () => undefined);
    const isUnknown = (outcome: Outcome<unknown>) => outcome.kind === 'done' && outcome.value === undefined;
    return unwrap(await this.#retryDuringLag(this.#lagEnd(client_id), isUnknown, send));
  }

  /** From now on, requests about this client are retried for ten seconds if the API does not know it. */
  expectLag(client_id: string): void {
    this.#createdAt.set(client_id, clock());
  }

  /** Returns until when the API may not know a client, in milliseconds since the process started. */
  #lagEnd(client_id: string): number {
    return (this.#createdAt.get(client_id) ?? Number.NEGATIVE_INFINITY) + CREATION_LAG;
  }

  /** Updates the fields that are given. The value of the outcome is the client as it is afterwards. */
  async updateClient(client_id: string, fields: Partial<ClientFields>): Promise<Outcome<ClientSummary>> {
    const request = this.#request('PATCH', [client_id], fields);
    const operation = `update client ${client_id}`;
    const parse = (body: string) => parseRequestedClient(body, client_id);
    const send = (mayBeDone: boolean) =>
      this.#exchange(operation, { ...request, mayBeDone }, this.#subject(client_id), parse);
    return await this.#retryDuringLag(this.#lagEnd(client_id), isMissing, send);
  }

  /** Deletes a client. Returns false if it did not exist. */
  async deleteClient(client_id: string): Promise<boolean> {
    return await this.#delete(`delete client ${client_id}`, client_id);
  }

  /**
   * Adds a secret to a client and masks its value. `secret` is undefined if the response omits it, or if it shows one of
   * the secrets that existed before.
   */
  async addSecret(
    client_id: string,
    knownIds: string[],
    { mayBeDone, onSend, onId }: Creation,
  ): Promise<Outcome<{ secret: Secret | undefined; plain_secret: string }>> {
    const rules = { repeatable: false, isPermanentLimit: isSecretCap, onSend };
    const request = { ...this.#request('POST', [client_id, 'secrets']), ...rules };
    const operation = `add a secret to client ${client_id}`;
    const parse = (body: string) => {
      const response = parseJsonObject(body);
      const plain_secret = readSecret(response.plain_secret, client_id);
      const shown = response.secret ? parseSecret(response.secret) : undefined;
      const secret = shown && !knownIds.includes(shown.id) ? shown : undefined;
      if (secret) onId(secret.id);
      requireMaskable('plain_secret', plain_secret);
      return { secret, plain_secret };
    };
    const send = (mayBeDone: boolean) =>
      this.#exchange(operation, { ...request, mayBeDone }, { ...this.#subject(client_id), adding: true }, parse);
    return await this.#retryDuringLag(this.#lagEnd(client_id), isMissing, send, mayBeDone);
  }

  /** Deletes a secret of a client. Returns false if it did not exist. */
  async deleteSecret(client_id: string, secret_id: string): Promise<boolean> {
    return await this.#delete(`delete secret ${secret_id} of client ${client_id}`, client_id, 'secrets', secret_id);
  }

  /** Returns the URL of the organization's clients, or below it, that of a client, its `secrets` or one secret. */
  clientUrl(...path: string[]): URL {
    const segments = ['api', 'v1', 'organizations', this.#organization, 'clients', ...path];
    return new URL(segments.map(encodeURIComponent).join('/'), this.#origin);
  }

  /** Deletes a client or a secret. Returns whether it existed. */
  async #delete(operation: string, ...path: [client_id: string, ...string[]]): Promise<boolean> {
    const parse = (body: string) => body.trim() === '' || parseJsonObject(body) !== undefined;
    // From here on, an answer that the client does not exist may be true.
    this.#createdAt.delete(path[0]);
    // It did not exist, unless an earlier attempt may have deleted it.
    const missing = ({ mayBeDone }: FinalResponse) => mayBeDone;
    const request = this.#request('DELETE', path);
    const subject = { ...this.#subject(path[0]), deleting: true };
    return unwrap(await this.#exchange(operation, request, subject, parse, missing));
  }

  /** Looks up an organization by its external id. All later requests are about this organization. */
  async selectOrganization(external_id: string): Promise<void> {
    const url = new URL(`/api/v1/organizations:external/${encodeURIComponent(external_id)}`, this.#origin);
    const [request, subject] = [{ ...this.#request('GET'), url }, { organization: external_id }];
    const outcome = await this.#exchange(`find organization ${external_id}`, request, subject, (body) => {
      const organization = asObject(parseJsonObject(body).organization, 'organization');
      const id = stringField(organization, 'id');
      if (!/^org_[\w-]{1,124}$/.test(id)) throw new InvalidResponseError('id is not the id of an organization');
      if ((stringField(organization, 'external_id') || external_id) !== external_id)
        throw new InvalidResponseError('it shows an organization with another external_id');
      return id;
    });
    this.#organization = unwrap(outcome);
  }

  /** Requests an access token with the client credentials grant (RFC 6749, section 4.4) and masks it. */
  async #getToken(operation: string, credentials: Credentials, subject: Subject): Promise<Outcome<AccessToken>> {
    const request: HttpRequest = {
      method: 'POST',
      url: new URL('/oauth/token', this.#origin),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...credentials }).toString(),
      repeatable: true,
    };
    return await this.#exchange(operation, request, subject, readAccessToken);
  }

  /**
   * Sends a request, and retries it while the API may not know a new client or secret yet.
   * @param until when that ends, in milliseconds since the process started
   * @param isLag returns whether that may be the reason for an outcome
   */
  async #retryDuringLag<T>(
    until: number,
    isLag: (outcome: Outcome<T>) => boolean,
    send: (mayBeDone: boolean) => Promise<Outcome<T>>,
    mayBeDone = false,
    { maxAttempts = Number.POSITIVE_INFINITY, maxPause = MAX_PAUSE } = {},
  ): Promise<Outcome<T>> {
    let isUnknown = mayBeDone;
    for (let [attempt, pause] = [1, FIRST_PAUSE]; ; attempt++, pause = Math.min(2 * pause, maxPause)) {
      const outcome = await send(isUnknown);
      isUnknown ||= outcome.kind === 'unknown';
      if (!isLag(outcome) || attempt === maxAttempts || clock() >= until) return outcome;
      if (!(await this.transport.wait(pause * (0.8 + Math.random() / 5)))) return outcome;
    }
  }

  #request(method: HttpRequest['method'], path: string[] = [], fields?: Partial<ClientFields>): HttpRequest {
    const headers = { authorization: `Bearer ${this.#token}` };
    const request = { method, url: this.clientUrl(...path), headers, repeatable: true };
    if (!fields) return request;
    return { ...request, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(fields) };
  }

  #subject(client?: string): { organization: string; client: string | undefined } {
    return { organization: this.#organization, client };
  }

  /**
   * Sends a request through the transport and parses the response.
   * @throws {Error} only if `onSend` or `onId` does, because the journal cannot be written
   * @param parse gets the body of a 2xx response; throws an InvalidResponseError
   * @param missing gets the API's 404 response. Without it, a 404 is an error.
   */
  async #exchange<T>(
    operation: string,
    request: HttpRequest,
    subject: Subject,
    parse: (body: string) => T,
    missing?: (response: FinalResponse) => T,
  ): Promise<Outcome<T>> {
    let response: FinalResponse;
    try {
      response = await this.transport.send(request);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      return failure(error.reached, unansweredError(operation, error, 'scalekit_environment_url'));
    }
    const { status, headers, mayBeDone } = response;
    this.time = plausibleTime(Date.parse(headers.date ?? ''));
    if (missing && isNotFound(response)) return done(missing(response));
    // A page of a firewall or a portal says nothing about what the API did.
    const isForeign = [401, 403, 404].includes(status) && !isApiResponse(response);
    if (status < 200 || status > 299)
      return failure(mayBeDone || isForeign, scalekitRefusal(operation, response, subject));
    try {
      return done(parse(response.body));
    } catch (error) {
      if (!(error instanceof InvalidResponseError)) throw error;
      return failure(true, scalekitInvalidResponse(operation, response, error.message, subject));
    }
  }
}
