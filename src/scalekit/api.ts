import type { Answer, Call, Transport } from '../http.ts';
import { NetworkError } from '../http.ts';
import { mask } from '../mask.ts';
import { fromAnswer, fromBadAnswer, fromNetwork } from './errors.ts';
import {
  AnswerError,
  type ClientFields,
  type CreatedClient,
  type MarkedClient,
  parseClient,
  parseMarkedClient,
  parseObject,
  parsePage,
  string,
} from './types.ts';

/** A `plain_secret` shorter than this cannot be masked without blanking out ordinary text. */
const SHORTEST_SECRET = 8;

/** The clients of one organization in one Scalekit environment. Every method throws an ApiError. */
export class Scalekit {
  readonly #transport: Transport;
  readonly #origin: string;
  readonly #organization: string;
  #token = '';

  constructor(transport: Transport, origin: string, organization_id: string) {
    this.#transport = transport;
    this.#origin = origin;
    this.#organization = organization_id;
  }

  /** Gets an access token for the environment's API credentials (RFC 6749, section 4.4) and masks it. */
  async signIn(credentials: { client_id: string; client_secret: string }): Promise<void> {
    const call: Call = {
      method: 'POST',
      url: new URL('/oauth/token', this.#origin),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...credentials }).toString(),
      repeatable: true,
    };
    this.#token = await this.#exchange('sign in to Scalekit', call, (body) => {
      const token = string(parseObject(body), 'access_token');
      mask(token);
      // RFC 6749, appendix A.12, without the space, which would break the header that carries it.
      if (!/^[\x21-\x7e]+$/.test(token)) throw new AnswerError('it holds no access token');
      return token;
    });
  }

  /**
   * Makes a client and masks its secret. Sent again only where the request provably did nothing.
   * @param on.send called before each sending; what it throws ends the call
   * @param on.id called with the new client's id as soon as the secret is masked, also where the answer turns out bad
   */
  async createClient(fields: ClientFields, on: { send: () => void; id: (id: string) => void }): Promise<CreatedClient> {
    const call = { ...this.#call('POST'), body: JSON.stringify(fields), repeatable: false, onSend: on.send };
    call.headers['content-type'] = 'application/json';
    return await this.#exchange('create the client', call, (body) => {
      const answer = parseObject(body);
      const plain_secret = typeof answer.plain_secret === 'string' ? answer.plain_secret : '';
      mask(plain_secret);
      on.id(parseMarkedClient(answer.client).client_id);
      if ([...plain_secret.trim()].length < SHORTEST_SECRET) throw new AnswerError('it holds no usable plain_secret');
      return { client: parseClient(answer.client), plain_secret };
    });
  }

  /** Every client of the organization, page by page. */
  async *listClients(): AsyncGenerator<MarkedClient> {
    const seen = new Set<string>();
    for (let token = ''; !seen.has(token); ) {
      seen.add(token);
      const call = this.#call('GET');
      call.url.search = new URLSearchParams({ page_size: '100', ...(token && { page_token: token }) }).toString();
      const page = await this.#exchange("list the organization's clients", call, parsePage);
      yield* page.clients.flatMap(readable);
      token = page.next_page_token;
      if (!token) return;
    }
  }

  /** @returns nothing where there is no such client (any more) */
  async getClient(client_id: string): Promise<MarkedClient | undefined> {
    const call = this.#call('GET', client_id);
    return await this.#exchange(
      `read client ${client_id}`,
      call,
      (body) => parseMarkedClient(parseObject(body).client),
      () => undefined,
    );
  }

  /** @returns whether there was such a client (still); one that is gone already is fine too */
  async deleteClient(client_id: string): Promise<boolean> {
    const call = this.#call('DELETE', client_id);
    return await this.#exchange(
      `delete client ${client_id}`,
      call,
      () => true,
      () => false,
    );
  }

  /** The URL of the organization's clients, or of one of them. */
  clientUrl(client_id?: string): URL {
    const path = ['api', 'v1', 'organizations', this.#organization, 'clients', ...(client_id ? [client_id] : [])];
    return new URL(path.map(encodeURIComponent).join('/'), this.#origin);
  }

  #call(method: Call['method'], client_id?: string): Call {
    return {
      method,
      url: this.clientUrl(client_id),
      headers: { authorization: `Bearer ${this.#token}` },
      repeatable: true,
    };
  }

  async #exchange<T>(operation: string, call: Call, parse: (body: string) => T, missing?: () => T): Promise<T> {
    let answer: Answer;
    try {
      answer = await this.#transport.send(call);
    } catch (error) {
      throw error instanceof NetworkError ? fromNetwork(operation, error) : error;
    }
    // A page of HTML comes from something in between, and says nothing about the client.
    if (answer.status === 404 && missing && !answer.body.trimStart().startsWith('<')) return missing();
    const organization = call.headers.authorization ? this.#organization : undefined;
    if (answer.status < 200 || answer.status > 299) throw fromAnswer(operation, answer, organization);
    try {
      return parse(answer.body);
    } catch (error) {
      throw error instanceof AnswerError ? fromBadAnswer(operation, answer, error.message, organization) : error;
    }
  }
}

/** A client in a list that nobody can read is not ours, and must not hide those that are. */
function readable(entry: unknown): MarkedClient[] {
  try {
    return [parseMarkedClient(entry)];
  } catch {
    return [];
  }
}
