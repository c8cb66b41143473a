// Checks the JSON that a server sent. Each function narrows an unknown value once, so that the callers work with types.

/** A response does not have the form that the API documents. The message never quotes a value, which may be secret. */
export class InvalidResponseError extends Error {
  override name = 'InvalidResponseError';
}

/** A JSON object whose values are not checked yet. */
export type Json = Record<string, unknown>;

/**
 * Parses a JSON object.
 * @throws {InvalidResponseError} if the text is not a JSON object. The parser's own message would quote the text.
 */
export function parseJsonObject(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidResponseError(`the answer is not JSON (${text.length} characters)`);
  }
  return asObject(value, 'the answer');
}

/** Returns whether a text is a JSON object. */
export function isJsonObject(text: string): boolean {
  try {
    parseJsonObject(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns a value as a JSON object.
 * @param what names the value in the error
 * @throws {InvalidResponseError} if the value is not an object. An array is not one.
 */
export function asObject(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidResponseError(`${what} is not an object`);
  return value as Json;
}

/**
 * Returns a field's text, or an empty string if the field is absent or null: Protobuf's JSON form omits empty fields,
 * and some writers send null instead.
 * @throws {InvalidResponseError} if the field is not a string
 */
export function stringField(object: Json, field: string): string {
  const value = object[field] ?? '';
  if (typeof value !== 'string') throw new InvalidResponseError(`${field} is not a string`);
  return value;
}

/**
 * Returns a field's list, or an empty list if the field is absent or null, for the same reason as `stringField`.
 * @throws {InvalidResponseError} if the field is not a list
 */
export function listField(object: Json, field: string): unknown[] {
  const value = object[field] ?? [];
  if (!Array.isArray(value)) throw new InvalidResponseError(`${field} is not a list`);
  return value;
}

/**
 * Returns the claims of a JSON Web Token, or undefined if the text is not one. The signature is not checked, because
 * the token came from the issuer itself, over TLS (OpenID Connect Core 1.0, section 3.1.3.7, rule 6).
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
