import { asObject, InvalidResponseError, type Json, listField, parseJsonObject, stringField } from '../net/json.ts';

/**
 * Matches the id of an organization client. The id becomes part of a path and an output. Scalekit's descriptor limits
 * ids in requests to 32 characters, but not ids in responses.
 */
export const CLIENT_ID = /^m2morg_[\w-]{1,121}$/;

/** Characters of a client's description at most (Scalekit's descriptor). */
export const MAX_DESCRIPTION = 512;

/** Characters of a custom claim's key at most (Scalekit's descriptor). */
export const MAX_CLAIM_KEY = 128;

/** Characters of a client's name at most (Scalekit's descriptor). */
export const MAX_NAME = 128;

/**
 * Milliseconds since the epoch: the start of 2020, and of the year 10000. A writer that does not know a time sends one long
 * before that. RFC 3339 has no year of five digits.
 */
const EARLIEST_TIME = Date.UTC(2020);
const END_OF_TIME = Date.UTC(10_000);

/** A client's fields, with the API's names. A field that is absent is not sent. */
export interface ClientFields {
  /** At most 128 characters. */
  name: string;
  /** At most 512 characters, including the ownership marker. */
  description: string;
  scopes?: string[];
  audience?: string[];
  custom_claims?: Claim[];
  /** Lifetime of the client's access tokens in seconds. */
  expiry?: number;
}

/** A custom claim in a client's access tokens. */
export interface Claim {
  /** 1 to 128 characters. */
  key: string;
  value: string;
}

/** The fields that show who owns a client. The other fields are parsed on demand, because they may be invalid. */
export interface ClientSummary {
  client_id: string;
  /** Undefined if the response omits it, as an entry of a list may do. */
  description: string | undefined;
  /** Undefined if they cannot be read. */
  custom_claims: Claim[] | undefined;
  /** Parses all fields. @throws {InvalidResponseError} */
  parse(): Client;
}

/** A client as the API returns it. Texts and lists that a response omits are empty. */
export interface Client {
  client_id: string;
  description: string;
  organization_id: string;
  name: string;
  scopes: string[];
  audience: string[];
  custom_claims: Claim[];
  /** Lifetime of the client's access tokens in seconds; undefined if the response omits it. */
  expiry: number | undefined;
  /** Nanoseconds since the epoch; undefined if the response omits it. */
  create_time: bigint | undefined;
  secrets: Secret[];
}

/** A secret of a client, without its value. */
export interface Secret {
  id: string;
  /** Nanoseconds since the epoch; undefined if the response omits it. */
  create_time: bigint | undefined;
  /** The last characters of the value, as the dashboard shows them. */
  suffix: string;
  /** False if the secret is deactivated or, by this machine's clock, expired. */
  active: boolean;
  /** Whether the secret is deactivated. */
  deactivated?: boolean;
  /** Nanoseconds since the epoch, like the next one; undefined if the response omits it. */
  expire_time?: bigint | undefined;
  last_used_time?: bigint | undefined;
}

/** Client credentials as the token endpoint expects them: the environment's API credentials, or those of a client. */
export interface Credentials {
  client_id: string;
  client_secret: string;
}

/** An access token from the token endpoint. */
export interface AccessToken {
  access_token: string;
  /** Seconds; undefined if the response omits it. */
  expires_in: number | undefined;
}

/** Callbacks of a request that creates something, and what is known of earlier ones. */
export interface Creation {
  /** Whether an earlier request of this step for the same thing may have been carried out. */
  mayBeDone: boolean;
  /** Called before each attempt. If it throws, the attempt is not sent and no other follows. */
  onSend: () => void;
  /** Called with the new id as soon as the secret is masked, even if the response turns out to be invalid. */
  onId: (id: string) => void;
}

type Dated = { create_time: bigint | undefined };

/** Compares two clients or secrets by `create_time`, the oldest first. An absent time is last: it may be the newest. */
export function byCreateTime(one: Dated, other: Dated): number {
  if (one.create_time === other.create_time) return 0;
  if (one.create_time === undefined) return 1;
  return other.create_time === undefined || one.create_time < other.create_time ? -1 : 1;
}

/**
 * Parses one page of a list of clients. An empty token marks the last page.
 * @throws {InvalidResponseError}
 */
export function parsePage(text: string): { clients: unknown[]; next_page_token: string } {
  const page = parseJsonObject(text);
  return { clients: listField(page, 'clients'), next_page_token: stringField(page, 'next_page_token') };
}

/**
 * Parses a client of a list. Returns a list of one client, or an empty list if it is invalid: an invalid client does
 * not belong to this action, and must not hide the clients that do.
 */
export function parseListedClient(entry: unknown): ClientSummary[] {
  // To throw and catch an error for each of millions of entries would take minutes.
  if (typeof Object(entry).client_id !== 'string') return [];
  try {
    return [parseClientSummary(entry)];
  } catch {
    return [];
  }
}

/**
 * Parses the id, the description and, as far as they can be read, the claims of a client.
 * @throws {InvalidResponseError}
 */
export function parseClientSummary(value: unknown): ClientSummary {
  const client = asObject(value, 'client');
  const client_id = stringField(client, 'client_id');
  if (!CLIENT_ID.test(client_id)) throw new InvalidResponseError('client_id is not the id of an organization client');
  const description = client.description == null ? undefined : stringField(client, 'description');
  return { client_id, description, custom_claims: readClaims(client), parse: () => parseClient(client, client_id) };
}

function readClaims(client: Json): Claim[] | undefined {
  try {
    return parseClaims(client);
  } catch {
    return undefined;
  }
}

function parseClaims(client: Json): Claim[] {
  return listField(client, 'custom_claims').map((entry) => {
    const claim = asObject(entry, 'custom_claims');
    return { key: stringField(claim, 'key'), value: stringField(claim, 'value') };
  });
}

function parseClient(client: Json, client_id: string): Client {
  try {
    return {
      client_id,
      description: stringField(client, 'description'),
      organization_id: stringField(client, 'organization_id'),
      name: stringField(client, 'name'),
      scopes: stringListField(client, 'scopes'),
      audience: stringListField(client, 'audience'),
      custom_claims: parseClaims(client),
      expiry: secondsField(client, 'expiry'),
      create_time: timeField(client, 'create_time'),
      secrets: listField(client, 'secrets').map(parseSecret),
    };
  } catch (error) {
    throw error instanceof InvalidResponseError
      ? new InvalidResponseError(`client ${client_id} is not readable: ${error.message}`)
      : error;
  }
}

/**
 * Parses a secret.
 * @throws {InvalidResponseError}
 */
export function parseSecret(value: unknown): Secret {
  const secret = asObject(value, 'secret');
  const id = stringField(secret, 'id');
  // The id becomes the last part of a path. As "..", it would make the path that of the client.
  if (!/^[\w-]{1,128}$/.test(id)) throw new InvalidResponseError('id is not the id of a secret');
  const expire_time = timeField(secret, 'expire_time');
  const expired = expire_time !== undefined && expire_time < BigInt(Date.now()) * 1_000_000n;
  const deactivated = secret.status === 'INACTIVE' || secret.status === 1;
  return {
    id,
    create_time: timeField(secret, 'create_time'),
    suffix: stringField(secret, 'secret_suffix'),
    active: !deactivated && !expired,
    deactivated,
    expire_time,
    last_used_time: timeField(secret, 'last_used_time'),
  };
}

function stringListField(object: Json, field: string): string[] {
  return listField(object, field).map((entry) => {
    if (typeof entry !== 'string') throw new InvalidResponseError(`${field} holds something else than strings`);
    return entry;
  });
}

/** Returns a number of seconds. Protobuf's JSON form writes an int64 as a string; lenient writers send a number. */
function secondsField(object: Json, field: string): number | undefined {
  const value = object[field] ?? undefined;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (number === undefined || (Number.isSafeInteger(number) && Number(number) >= 0))
    return number as number | undefined;
  throw new InvalidResponseError(`${field} is not a number of seconds`);
}

/**
 * Returns a time in nanoseconds since the epoch. The format is RFC 3339, with up to nine digits of a second. Returns
 * undefined if the field is absent, has another format, or is before 2020 or after 9999.
 */
function timeField(object: Json, field: string): bigint | undefined {
  const [, seconds, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(stringField(object, field)) ?? [];
  const milliseconds = plausibleTime(seconds ? Date.parse(`${seconds}${zone}`.toUpperCase()) : Number.NaN);
  if (milliseconds === undefined) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Returns a time in milliseconds since the epoch, or undefined if it is not one that a server may mean. */
export function plausibleTime(milliseconds: number): number | undefined {
  return milliseconds >= EARLIEST_TIME && milliseconds < END_OF_TIME ? milliseconds : undefined;
}

/** Parses the client in a response. @throws {InvalidResponseError} if it is not the requested one */
export function parseRequestedClient(body: string, client_id: string): ClientSummary {
  const client = parseClientSummary(parseJsonObject(body).client);
  if (client.client_id !== client_id) throw new InvalidResponseError('it shows another client');
  return client;
}
