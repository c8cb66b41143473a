// What JSON of a server says, narrowed once.

/** An answer that is not what the API documents. Its message never quotes a value. */
export class AnswerError extends Error {
  override name = 'AnswerError';
}

export type Json = Record<string, unknown>;

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
export function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AnswerError(`${what} is not an object`);
  return value as Json;
}

/** Protobuf's JSON form leaves an empty field out; some writers say null. @throws {AnswerError} */
export function string(from: Json, field: string): string {
  const value = from[field] ?? '';
  if (typeof value !== 'string') throw new AnswerError(`${field} is not a string`);
  return value;
}

/** @throws {AnswerError} */
export function list(from: Json, field: string): unknown[] {
  const value = from[field] ?? [];
  if (!Array.isArray(value)) throw new AnswerError(`${field} is not a list`);
  return value;
}

/**
 * What a JSON Web Token says. Its signature is not checked: it came from the issuer itself, over TLS (OpenID Connect
 * Core 1.0, section 3.1.3.7, rule 6).
 * @returns nothing where it is none
 */
export function tokenPayload(token: string): Json | undefined {
  const [, payload, ...rest] = token.split('.');
  if (payload === undefined || rest.length !== 1) return undefined;
  try {
    return object(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'the token');
  } catch {
    return undefined;
  }
}
