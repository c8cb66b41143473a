import { type ApiError, isApiResponse } from '../net/api-error.ts';
import { clock } from '../net/clock.ts';
import { asObject, InvalidResponseError, parseJsonObject, stringField } from '../net/json.ts';
import { NetworkError } from '../net/network-error.ts';
import { done, failure, type Outcome, unwrap } from '../net/outcome.ts';
import type { FinalResponse, HttpRequest, Transport } from '../net/transport.ts';
import { isMaskable, MASKABLE_FORMAT, maskSecret, maskToken } from '../output/mask.ts';
import { type Subject, scalekitInvalidResponse, scalekitNetworkError, scalekitRefusal } from './errors.ts';
import { isSecretCap } from './secret-cap.ts';
import {
  type AccessToken,
  type Client,
  type ClientFields,
  type ClientSummary,
  type Creation,
  type Credentials,
  parseClientSummary,
  parseListedClient,
  parsePage,
  parseSecret,
  type Secret,
} from './types.ts';

/** Milliseconds after the creation of a client or a secret in which parts of the API may not know it yet. */
export const CREATION_LAG = 10_000;

/** Milliseconds before the first retry of a request that failed during that lag. Each later pause is twice as long. */
const FIRST_PAUSE = 250;

/** Milliseconds before any retry at most. */
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
  readonly #origin: string;
  #organization: string;
  #token = '';
  /** Ids of clients that parts of the API may not know yet. */
  readonly #justCreated = new Set<string>();

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

  /** Requests an access token for a client and masks it. Retries for ten seconds if the client is still unknown. */
  async getToken(credentials: Credentials): Promise<AccessToken> {
    const operation = `get an access token for client ${credentials.client_id}`;
    return unwrap(
      await this.#retryDuringLag(isClientUnknown, () => this.#getToken(operation, credentials, 'client-sign-in')),
    );
  }

  /** Creates a client and masks its secret. */
  async createClient(
    fields: ClientFields,
    { mayBeDone, onSend, onId }: Creation,
  ): Promise<Outcome<{ client: Client; plain_secret: string }>> {
    const request = { ...this.#request('POST', [], fields), repeatable: false, mayBeDone, onSend };
    return await this.#exchange('create the client', request, this.#subject(), (body) => {
      const response = parseJsonObject(body);
      const plain_secret = readSecret(response.plain_secret, Object(response.client).client_id);
      const client = parseClientSummary(response.client);
      onId(client.client_id);
      requireMaskable('plain_secret', plain_secret);
      return { client: client.parse(), plain_secret };
    });
  }

  /** Yields every client of the organization, page by page. Skips clients that cannot be parsed. */
  async *listClients(): AsyncGenerator<ClientSummary> {
    const operation = "list the organization's clients";
    const seen = new Set<string>();
    for (let token = ''; ; ) {
      seen.add(token);
      const request = this.#request('GET');
      request.url.search = new URLSearchParams({ page_size: '100', ...(token && { page_token: token }) }).toString();
      const page = unwrap(await this.#exchange(operation, request, this.#subject(), parsePage));
      yield* page.clients.flatMap(parseListedClient);
      token = page.next_page_token;
      if (!token) return;
      // Fail instead of ending the list: the API never returns the pages behind the loop, so the list is incomplete.
      if (seen.has(token)) throw new Error(`Could not ${operation}: a page leads back to one that was read before.`);
    }
  }

  /** Returns a client, or undefined if it does not exist. */
  async getClient(client_id: string): Promise<ClientSummary | undefined> {
    const parse = (body: string) => parseClientSummary(parseJsonObject(body).client);
    const request = this.#request('GET', [client_id]);
    const operation = `read client ${client_id}`;
    return unwrap(await this.#exchange(operation, request, this.#subject(client_id), parse, () => undefined));
  }

  /** While `work` runs, updateClient() and addSecret() retry for ten seconds if the API returns 404 for this client. */
  async expectLag<T>(client_id: string, work: () => Promise<T>): Promise<T> {
    this.#justCreated.add(client_id);
    try {
      return await work();
    } finally {
      this.#justCreated.delete(client_id);
    }
  }

  /** Updates the fields that are given. The value of the outcome is the client as it is afterwards. */
  async updateClient(client_id: string, fields: Partial<ClientFields>): Promise<Outcome<ClientSummary>> {
    const request = this.#request('PATCH', [client_id], fields);
    const parse = (body: string) => {
      const client = parseClientSummary(parseJsonObject(body).client);
      if (client.client_id !== client_id) throw new InvalidResponseError('it shows another client');
      return client;
    };
    const operation = `update client ${client_id}`;
    const send = (mayBeDone: boolean) =>
      this.#exchange(operation, { ...request, mayBeDone }, this.#subject(client_id), parse);
    return await this.#retryDuringLag(this.#justCreated.has(client_id) && isMissing, send);
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
    return await this.#retryDuringLag(this.#justCreated.has(client_id) && isMissing, send, mayBeDone);
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
    // It did not exist, unless an earlier attempt may have deleted it.
    const missing = ({ mayBeDone }: FinalResponse) => mayBeDone;
    const request = this.#request('DELETE', path);
    return unwrap(await this.#exchange(operation, request, this.#subject(path[0]), parse, missing));
  }

  /** Looks up an organization by its external id. All later requests are about this organization. */
  async selectOrganization(external_id: string): Promise<void> {
    const url = new URL(`/api/v1/organizations:external/${encodeURIComponent(external_id)}`, this.#origin);
    const request: HttpRequest = { ...this.#request('GET'), url };
    const subject = { organization: external_id };
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
    return await this.#exchange(operation, request, subject, (body) => {
      const response = parseJsonObject(body);
      const access_token = stringField(response, 'access_token').trim();
      maskToken(access_token);
      requireMaskable('access_token', access_token);
      const expires_in = typeof response.expires_in === 'object' ? 0 : Number(response.expires_in);
      return { access_token, expires_in: expires_in > 0 ? expires_in : undefined };
    });
  }

  /**
   * Sends a request, and retries it for ten seconds if the API may not know a new client or secret yet.
   * @param isLag returns whether that may be the reason for an error; false never to retry
   */
  async #retryDuringLag<T>(
    isLag: false | ((error: ApiError) => boolean),
    send: (mayBeDone: boolean) => Promise<Outcome<T>>,
    mayBeDone = false,
  ): Promise<Outcome<T>> {
    const until = clock() + CREATION_LAG;
    for (let [pause, isUnknown] = [FIRST_PAUSE, mayBeDone]; ; pause = Math.min(2 * pause, MAX_PAUSE)) {
      const outcome = await send(isUnknown);
      isUnknown ||= outcome.kind === 'unknown';
      if (outcome.kind === 'done' || !isLag || !isLag(outcome.error) || clock() >= until) return outcome;
      if (!(await this.transport.wait(pause * (0.5 + Math.random() / 2)))) return outcome;
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
      return failure(error.reached, scalekitNetworkError(operation, error));
    }
    const { status, headers, mayBeDone } = response;
    this.time = Date.parse(headers.date ?? '') || undefined;
    if (status === 404 && missing && isApiResponse(response)) return done(missing(response));
    // A 404 that is not the API's says nothing about what the API did.
    const isForeign = status === 404 && !isApiResponse(response);
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

/** Returns whether an error says that the client is unknown. RFC 6749, section 5.2, allows both statuses. */
function isClientUnknown({ status, message }: ApiError): boolean {
  return status === 401 || (status === 400 && message.includes('invalid_client'));
}

function isMissing({ status }: ApiError): boolean {
  return status === 404;
}

/** Masks the secret in a response. @returns the secret without white space around it, or an empty text */
function readSecret(value: unknown, client_id: unknown): string {
  const secret = typeof value === 'string' ? value.trim() : '';
  maskSecret(secret, typeof client_id === 'string' ? [client_id] : []);
  return secret;
}

/** @throws {InvalidResponseError} if a field of a response is no secret or token that can be masked in every form */
function requireMaskable(field: string, text: string): void {
  if (!text) throw new InvalidResponseError(`it holds no ${field}`);
  if (!isMaskable(text)) throw new InvalidResponseError(`its ${field} is not ${MASKABLE_FORMAT}`);
}
