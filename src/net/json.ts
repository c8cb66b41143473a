// What JSON of a server says, narrowed once.

/** An answer that is not what the API documents. Its message never quotes a value. */
export class InvalidResponseError extends Error {
  override name = 'AnswerError';
}

export type Json = Record<string, unknown>;

/** @throws {InvalidResponseError} where the text is not a JSON object; the parser's own words would quote it */
export function parseJsonObject(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidResponseError(`the answer is not JSON (${text.length} characters)`);
  }
  return asObject(value, 'the answer');
}

/** @throws {InvalidResponseError} */
export function asObject(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidResponseError(`${what} is not an object`);
  return value as Json;
}

/** Protobuf's JSON form leaves an empty field out; some writers say null. @throws {InvalidResponseError} */
export function stringField(from: Json, field: string): string {
  const value = from[field] ?? '';
  if (typeof value !== 'string') throw new InvalidResponseError(`${field} is not a string`);
  return value;
}

/** @throws {InvalidResponseError} */
export function listField(from: Json, field: string): unknown[] {
  const value = from[field] ?? [];
  if (!Array.isArray(value)) throw new InvalidResponseError(`${field} is not a list`);
  return value;
}

/**
 * What a JSON Web Token says. Its signature is not checked: it came from the issuer itself, over TLS (OpenID Connect
 * Core 1.0, section 3.1.3.7, rule 6).
 * @returns nothing where it is none
 */
export function decodeJwtPayload(token: string): Json | undefined {
  const [, payload, ...rest] = token.split('.');
  if (payload === undefined || rest.length !== 1) return undefined;
  try {
    return asObject(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'the token');
  } catch {
    return undefined;
  }
}
