import { ApiError, isApiResponse } from '../net/api-error.ts';
import { clock } from '../net/clock.ts';
import { asObject, InvalidResponseError, parseJsonObject, stringField } from '../net/json.ts';
import { NetworkError } from '../net/network-error.ts';
import type { HttpRequest, HttpResponse, Transport } from '../net/transport.ts';
import { isTooLongToMask, mask, maskCredentials } from '../output/mask.ts';
import { type Subject, scalekitInvalidResponse, scalekitNetworkError, scalekitRefusal } from './errors.ts';
import {
  type Client,
  type ClientFields,
  type ClientSummary,
  type Credentials,
  parseClientSummary,
  parsePage,
  parseSecret,
  type Secret,
} from './types.ts';

/** Milliseconds after a client or a secret was made in which the API may not know it yet everywhere. */
export const CREATION_LAG = 10_000;

/** A `plain_secret` shorter than this cannot be masked without blanking out ordinary text. */
const MIN_SECRET_LENGTH = 8;

/** Milliseconds between two requests of which the first met that lag. */
const FIRST_PAUSE = 250;

const MAX_PAUSE = 2_000;

/** Where Scalekit is, who asks, and about which organization. */
export interface ScalekitAccess {
  /** Scheme, host and port. */
  origin: string;
  /** The environment's API credentials. */
  credentials: Credentials;
  /** Empty where the external id is given. */
  organization_id: string;
  organization_external_id: string;
}

/** What the token endpoint hands out. */
export interface AccessToken {
  access_token: string;
  /** Seconds; absent where the answer does not say. */
  expires_in: number | undefined;
}

/** What a caller does while a request that makes something is on its way. */
export interface CreationHooks {
  /** Called before each sending; what it throws ends the call. */
  onSend: () => void;
  /** Called with the new id as soon as the secret is masked, also where the answer turns out bad. */
  onId: (id: string) => void;
}

/** The clients of one organization in one Scalekit environment. Every method throws an ApiError. */
export class Scalekit {
  readonly transport: Transport;
  readonly #origin: string;
  #organization: string;
  #token = '';

  constructor(transport: Transport, origin: string, organization_id: string) {
    this.transport = transport;
    this.#origin = origin;
    this.#organization = organization_id;
  }

  /** Signs in, and finds the organization where only its external id is known. */
  static async open(
    transport: Transport,
    { origin, credentials, organization_id, organization_external_id }: ScalekitAccess,
  ): Promise<Scalekit> {
    const scalekit = new Scalekit(transport, origin, organization_id);
    await scalekit.signIn(credentials);
    if (!organization_id) await scalekit.#selectOrganization(organization_external_id);
    return scalekit;
  }

  get organization_id(): string {
    return this.#organization;
  }

  /** Gets an access token for the environment's API credentials and masks it. */
  async signIn(credentials: Credentials): Promise<void> {
    this.#token = (await this.#getToken('sign in to Scalekit', credentials, 'sign-in')).access_token;
  }

  /** Gets an access token for a client of the organization, which may have been made just now, and masks it. */
  async getToken(credentials: Credentials): Promise<AccessToken> {
    const operation = `get an access token for client ${credentials.client_id}`;
    return await this.#pastLag(isClientUnknown, () => this.#getToken(operation, credentials, 'pair'));
  }

  /** Finds the organization that has an external id, and goes on with it. */
  async #selectOrganization(external_id: string): Promise<void> {
    const url = new URL(`/api/v1/organizations:external/${encodeURIComponent(external_id)}`, this.#origin);
    const call: HttpRequest = { ...this.#call('GET'), url };
    const subject = { organization: external_id };
    this.#organization = await this.#exchange(`find organization ${external_id}`, call, subject, (body) => {
      const organization = asObject(parseJsonObject(body).organization, 'organization');
      const id = stringField(organization, 'id');
      if (!/^org_[\w-]{1,124}$/.test(id)) throw new InvalidResponseError('id is not the id of an organization');
      const shown = stringField(organization, 'external_id');
      if (shown && shown !== external_id)
        throw new InvalidResponseError('it shows an organization with another external_id');
      return id;
    });
  }

  /** Makes a client and masks its secret. Sent again only where the request provably did nothing. */
  async createClient(fields: ClientFields, on: CreationHooks): Promise<{ client: Client; plain_secret: string }> {
    const call = { ...this.#call('POST', [], fields), repeatable: false, onSend: on.onSend };
    return await this.#exchange('create the client', call, this.#subject(), (body) => {
      const response = parseJsonObject(body);
      const plain_secret = maskSecret(response.plain_secret);
      const client = parseClientSummary(response.client);
      maskCredentials(client.client_id, plain_secret);
      on.onId(client.client_id);
      requireUsableSecret(plain_secret);
      return { client: client.parse(), plain_secret };
    });
  }

  /** Every client of the organization, page by page. */
  async *listClients(): AsyncGenerator<ClientSummary> {
    const operation = "list the organization's clients";
    const seen = new Set<string>();
    for (let token = ''; ; ) {
      seen.add(token);
      const call = this.#call('GET');
      call.url.search = new URLSearchParams({ page_size: '100', ...(token && { page_token: token }) }).toString();
      const page = await this.#exchange(operation, call, this.#subject(), parsePage);
      yield* page.clients.flatMap(parseReadable);
      token = page.next_page_token;
      if (!token) return;
      // What stands behind such a page is never shown, so nobody can say that a client is not there.
      if (seen.has(token)) throw new Error(`Could not ${operation}: a page leads back to one that was read before.`);
    }
  }

  /** @returns nothing where there is no such client (any more) */
  async getClient(client_id: string): Promise<ClientSummary | undefined> {
    const parse = (body: string) => parseClientSummary(parseJsonObject(body).client);
    const call = this.#call('GET', [client_id]);
    return await this.#exchange(`read client ${client_id}`, call, this.#subject(client_id), parse, () => undefined);
  }

  /**
   * Changes the fields that are given.
   * @param young whether the client was made just now
   * @returns the client as it is then
   */
  async updateClient(client_id: string, fields: Partial<ClientFields>, young = false): Promise<ClientSummary> {
    const call = this.#call('PATCH', [client_id], fields);
    const parse = (body: string) => {
      const client = parseClientSummary(parseJsonObject(body).client);
      if (client.client_id !== client_id) throw new InvalidResponseError('it shows another client');
      return client;
    };
    const operation = `update client ${client_id}`;
    const ask = () => this.#exchange(operation, call, this.#subject(client_id), parse);
    return await this.#pastLag(young && isMissing, ask);
  }

  /** @returns whether there was such a client (still); one that is gone already is fine too */
  async deleteClient(client_id: string): Promise<boolean> {
    const call = this.#call('DELETE', [client_id]);
    return await this.#exchange(`delete client ${client_id}`, call, this.#subject(client_id), ...PRESENCE);
  }

  /**
   * Makes one more secret and masks it. Sent again only where the request provably did nothing.
   * @param young whether the client was made just now
   */
  async addSecret(
    client_id: string,
    on: CreationHooks,
    young: boolean,
  ): Promise<{ secret: Secret | undefined; plain_secret: string }> {
    const call = { ...this.#call('POST', [client_id, 'secrets']), repeatable: false, onSend: on.onSend };
    const operation = `add a secret to client ${client_id}`;
    const parse = (body: string) => {
      const response = parseJsonObject(body);
      const plain_secret = maskSecret(response.plain_secret);
      maskCredentials(client_id, plain_secret);
      const secret = response.secret ? parseSecret(response.secret) : undefined;
      if (secret) on.onId(secret.id);
      requireUsableSecret(plain_secret);
      return { secret, plain_secret };
    };
    const ask = () => this.#exchange(operation, call, { ...this.#subject(client_id), adding: true }, parse);
    return await this.#pastLag(young && isMissing, ask);
  }

  /** @returns whether there was such a secret (still) */
  async deleteSecret(client_id: string, secret_id: string): Promise<boolean> {
    const call = this.#call('DELETE', [client_id, 'secrets', secret_id]);
    const operation = `delete secret ${secret_id} of client ${client_id}`;
    return await this.#exchange(operation, call, this.#subject(client_id), ...PRESENCE);
  }

  /** The URL of the organization's clients, of one of them, of its secrets, or of one of those. */
  clientUrl(...path: string[]): URL {
    const all = ['api', 'v1', 'organizations', this.#organization, 'clients', ...path];
    return new URL(all.map(encodeURIComponent).join('/'), this.#origin);
  }

  #subject(client?: string): { organization: string; client: string | undefined } {
    return { organization: this.#organization, client };
  }

  #call(method: HttpRequest['method'], path: string[] = [], fields?: Partial<ClientFields>): HttpRequest {
    const headers = { authorization: `Bearer ${this.#token}` };
    const call = { method, url: this.clientUrl(...path), headers, repeatable: true };
    if (!fields) return call;
    return { ...call, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(fields) };
  }

  /** The client credentials grant (RFC 6749, section 4.4). */
  async #getToken(operation: string, credentials: Credentials, subject: Subject): Promise<AccessToken> {
    const call: HttpRequest = {
      method: 'POST',
      url: new URL('/oauth/token', this.#origin),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...credentials }).toString(),
      repeatable: true,
    };
    return await this.#exchange(operation, call, subject, (body) => {
      const response = parseJsonObject(body);
      const access_token = stringField(response, 'access_token');
      mask(access_token);
      // RFC 6749, appendix A.12, without the space, which would break the header that carries it.
      if (!/^[\x21-\x7e]+$/.test(access_token)) throw new InvalidResponseError('it holds no access token');
      const expires_in = typeof response.expires_in === 'object' ? 0 : Number(response.expires_in);
      return { access_token, expires_in: expires_in > 0 ? expires_in : undefined };
    });
  }

  /**
   * Asks again, for ten seconds, what the API may refuse only because it does not know a new client or secret yet.
   * @param isLag whether a refusal may be of that kind; false where none is
   */
  async #pastLag<T>(isLag: false | ((error: ApiError) => boolean), ask: () => Promise<T>): Promise<T> {
    const until = clock() + CREATION_LAG;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, MAX_PAUSE)) {
      try {
        return await ask();
      } catch (error) {
        if (!(isLag && error instanceof ApiError && isLag(error)) || clock() >= until) throw error;
        // Where the time is over, the refusal is what there is to say.
        await this.transport.pause(pause * (0.5 + Math.random() / 2)).catch(() => Promise.reject(error));
      }
    }
  }

  async #exchange<T>(
    operation: string,
    call: HttpRequest,
    subject: Subject,
    parse: (body: string) => T,
    missing?: (response: HttpResponse) => T,
  ): Promise<T> {
    let response: HttpResponse;
    try {
      response = await this.transport.send(call);
    } catch (error) {
      throw error instanceof NetworkError ? scalekitNetworkError(operation, error) : error;
    }
    if (response.status === 404 && missing && isApiResponse(response)) return missing(response);
    if (response.status < 200 || response.status > 299) throw scalekitRefusal(operation, response, subject);
    try {
      return parse(response.body);
    } catch (error) {
      throw error instanceof InvalidResponseError
        ? scalekitInvalidResponse(operation, response, error.message, subject)
        : error;
    }
  }
}

/** What the answer to a delete says: it was there, or, by a 404, it was not, unless a sending before was lost. */
const PRESENCE: [(body: string) => boolean, (response: HttpResponse) => boolean] = [
  (body) => body.trim() === '' || parseJsonObject(body) !== undefined,
  ({ earlierOutcomeUnknown: afterLoss }) => afterLoss === true,
];

/** RFC 6749, section 5.2, allows both for a client that is not known. */
function isClientUnknown({ status, message }: ApiError): boolean {
  return status === 401 || (status === 400 && message.includes('invalid_client'));
}

function isMissing({ status }: ApiError): boolean {
  return status === 404;
}

function maskSecret(value: unknown): string {
  const secret = typeof value === 'string' ? value : '';
  mask(secret);
  return secret;
}

function requireUsableSecret(plain_secret: string): void {
  if ([...plain_secret.trim()].length < MIN_SECRET_LENGTH)
    throw new InvalidResponseError('it holds no usable plain_secret');
  if (isTooLongToMask(plain_secret))
    throw new InvalidResponseError('its plain_secret is too long to be masked in every form');
}

/** A client in a list that nobody can read is not ours, and must not hide those that are. */
function parseReadable(entry: unknown): ClientSummary[] {
  // Thrown and caught, millions of them would take minutes.
  if (typeof Object(entry).client_id !== 'string') return [];
  try {
    return [parseClientSummary(entry)];
  } catch {
    return [];
  }
}
