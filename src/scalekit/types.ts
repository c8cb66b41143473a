import { asObject, InvalidResponseError, type Json, listField, parseJsonObject, stringField } from '../net/json.ts';

/** The id of an organization client: it becomes part of a path and an output. The descriptor bounds ids in requests to 32 characters, not those in answers. */
export const CLIENT_ID = /^m2morg_[\w-]{1,121}$/;

/** The longest description of a client (Scalekit's descriptor), in characters. */
export const MAX_DESCRIPTION = 512;

export const MAX_CLAIM_KEY = 128;

/** Characters of a client's name (Scalekit's descriptor). */
export const MAX_NAME = 128;

/** Secrets of one client at a time, by the API. */
export const MAX_SECRETS = 5;

/** Orders what has a `create_time`, the oldest first; what does not say comes last, since it may be the newest. */
export function byCreateTime(one: Dated, other: Dated): number {
  if (one.create_time === other.create_time) return 0;
  if (one.create_time === undefined) return 1;
  return other.create_time === undefined || one.create_time < other.create_time ? -1 : 1;
}

type Dated = { create_time: bigint | undefined };

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

/** What tells whose a client is. The rest of an answer is read where it is needed: it may be unreadable. */
export interface ClientSummary {
  client_id: string;
  description: string;
  /** @throws {InvalidResponseError} */
  parse(): Client;
}

/** A client as the API shows it; what an answer leaves out is empty. */
export interface Client {
  client_id: string;
  description: string;
  organization_id: string;
  name: string;
  scopes: string[];
  audience: string[];
  custom_claims: Claim[];
  /** Seconds; absent where the answer does not say. */
  expiry: number | undefined;
  /** Nanoseconds since the epoch; absent where the answer does not say. */
  create_time: bigint | undefined;
  secrets: Secret[];
}

/** A secret of a client, without its value. */
export interface Secret {
  id: string;
  /** Nanoseconds since the epoch; absent where the answer does not say. */
  create_time: bigint | undefined;
  /** The last characters of the value, as the dashboard shows them. */
  suffix: string;
  /** Neither switched off nor expired. */
  active: boolean;
}

/** A pair as the token endpoint takes it: the environment's API credentials, or an organization client's. */
export interface Credentials {
  client_id: string;
  client_secret: string;
}

/** @throws {InvalidResponseError} */
export function parseClientSummary(value: unknown): ClientSummary {
  const client = asObject(value, 'client');
  const client_id = stringField(client, 'client_id');
  if (!CLIENT_ID.test(client_id)) throw new InvalidResponseError('client_id is not the id of an organization client');
  return { client_id, description: stringField(client, 'description'), parse: () => parseClient(client, client_id) };
}

function parseClient(client: Json, client_id: string): Client {
  try {
    return {
      client_id,
      description: stringField(client, 'description'),
      organization_id: stringField(client, 'organization_id'),
      name: stringField(client, 'name'),
      scopes: strings(client, 'scopes'),
      audience: strings(client, 'audience'),
      custom_claims: listField(client, 'custom_claims').map((entry) => {
        const claim = asObject(entry, 'custom_claims');
        return { key: stringField(claim, 'key'), value: stringField(claim, 'value') };
      }),
      expiry: seconds(client, 'expiry'),
      create_time: time(client, 'create_time'),
      secrets: listField(client, 'secrets').map(parseSecret),
    };
  } catch (error) {
    throw error instanceof InvalidResponseError
      ? new InvalidResponseError(`client ${client_id} is not readable: ${error.message}`)
      : error;
  }
}

/** @throws {InvalidResponseError} */
export function parseSecret(value: unknown): Secret {
  const secret = asObject(value, 'secret');
  const id = stringField(secret, 'id');
  // It becomes part of a path, in which ".." would name the client.
  if (!/^[\w-]{1,128}$/.test(id)) throw new InvalidResponseError('id is not the id of a secret');
  const expiry = time(secret, 'expire_time');
  const expired = expiry !== undefined && expiry < BigInt(Date.now()) * 1_000_000n;
  const active = secret.status !== 'INACTIVE' && secret.status !== 1 && !expired;
  return { id, create_time: time(secret, 'create_time'), suffix: stringField(secret, 'secret_suffix'), active };
}

/** One page of a list. An empty token ends it. @throws {InvalidResponseError} */
export function parsePage(text: string): { clients: unknown[]; next_page_token: string } {
  const page = parseJsonObject(text);
  return { clients: listField(page, 'clients'), next_page_token: stringField(page, 'next_page_token') };
}

function strings(from: Json, field: string): string[] {
  return listField(from, field).map((entry) => {
    if (typeof entry !== 'string') throw new InvalidResponseError(`${field} holds something else than strings`);
    return entry;
  });
}

/** An int64 comes as a string, from lenient writers as a number. */
function seconds(from: Json, field: string): number | undefined {
  const value = from[field] ?? undefined;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (number === undefined || (Number.isSafeInteger(number) && Number(number) >= 0))
    return number as number | undefined;
  throw new InvalidResponseError(`${field} is not a number of seconds`);
}

/** Milliseconds since the epoch, in 2020: what writers put where they do not know a time is long before it. */
const EARLIEST = Date.UTC(2020);

/** RFC 3339 with up to nine digits of a second, in nanoseconds since the epoch. */
function time(from: Json, field: string): bigint | undefined {
  const [, seconds, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(stringField(from, field)) ?? [];
  const milliseconds = seconds ? Date.parse(`${seconds}${zone}`.toUpperCase()) : Number.NaN;
  return !(milliseconds >= EARLIEST) ? undefined : BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
