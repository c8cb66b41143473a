/** What a client is made of, in the API's own names. A field that is absent is not sent. */
export interface ClientFields {
  /** At most 128 characters. */
  name: string;
  /** At most 512 characters, trailer included. */
  description: string;
  scopes?: string[];
  audience?: string[];
  custom_claims?: Claim[];
  /** Seconds that an access token of the client lives. */
  expiry?: number;
}

export interface Claim {
  /** 1 to 128 characters. */
  key: string;
  value: string;
}

/** What tells whose a client is. */
export interface MarkedClient {
  client_id: string;
  description: string;
}

/** A client as the API shows it; what an answer leaves out is empty. */
export interface Client extends MarkedClient {
  organization_id: string;
  name: string;
  scopes: string[];
  audience: string[];
  custom_claims: Claim[];
  /** Seconds; absent where the answer does not say. */
  expiry: number | undefined;
  /** The last characters of each secret, as the dashboard shows them. */
  secret_suffixes: string[];
}

/** The answer to a create: the only one that ever holds the plain secret. */
export interface CreatedClient {
  client: Client;
  plain_secret: string;
}

/** An answer that is not what the API documents. Its message never quotes a value. */
export class AnswerError extends Error {
  override name = 'AnswerError';
}

type Json = Record<string, unknown>;

/** @throws {AnswerError} where the text is not a JSON object; the parser's own words would quote it */
export function parseObject(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AnswerError(`the answer is not JSON (${text.length} characters)`);
  }
  return object(value, 'the answer');
}

/** @throws {AnswerError} */
export function parseMarkedClient(value: unknown): MarkedClient {
  const client = object(value, 'client');
  const client_id = string(client, 'client_id');
  // It becomes part of a path and an output. The descriptor bounds ids in requests to 32 characters, not those in answers.
  if (!/^m2morg_[\w-]{1,121}$/.test(client_id))
    throw new AnswerError('client_id is not the id of an organization client');
  return { client_id, description: string(client, 'description') };
}

/** @throws {AnswerError} */
export function parseClient(value: unknown): Client {
  const client = object(value, 'client');
  return {
    ...parseMarkedClient(client),
    organization_id: string(client, 'organization_id'),
    name: string(client, 'name'),
    scopes: strings(client, 'scopes'),
    audience: strings(client, 'audience'),
    custom_claims: list(client, 'custom_claims').map((entry) => {
      const claim = object(entry, 'custom_claims');
      return { key: string(claim, 'key'), value: string(claim, 'value') };
    }),
    expiry: seconds(client, 'expiry'),
    secret_suffixes: list(client, 'secrets').map((entry) => string(object(entry, 'secrets'), 'secret_suffix')),
  };
}

/** One page of a list. An empty token ends it. @throws {AnswerError} */
export function parsePage(text: string): { clients: unknown[]; next_page_token: string } {
  const page = parseObject(text);
  return { clients: list(page, 'clients'), next_page_token: string(page, 'next_page_token') };
}

export function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AnswerError(`${what} is not an object`);
  return value as Json;
}

/** Protobuf's JSON form leaves an empty field out; some writers say null. */
export function string(from: Json, field: string): string {
  const value = from[field] ?? '';
  if (typeof value !== 'string') throw new AnswerError(`${field} is not a string`);
  return value;
}

function list(from: Json, field: string): unknown[] {
  const value = from[field] ?? [];
  if (!Array.isArray(value)) throw new AnswerError(`${field} is not a list`);
  return value;
}

function strings(from: Json, field: string): string[] {
  return list(from, field).map((entry) => {
    if (typeof entry !== 'string') throw new AnswerError(`${field} holds something else than strings`);
    return entry;
  });
}

/** An int64 comes as a string, from lenient writers as a number. */
function seconds(from: Json, field: string): number | undefined {
  const value = from[field] ?? undefined;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (number === undefined || (Number.isSafeInteger(number) && Number(number) >= 0))
    return number as number | undefined;
  throw new AnswerError(`${field} is not a number of seconds`);
}
