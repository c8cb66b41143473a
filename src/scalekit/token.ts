import { decodeJwtPayload, InvalidResponseError, type Json, parseJsonObject, stringField } from '../net/json.ts';
import { isMaskable, MASKABLE_FORMAT, maskSecret, maskToken } from '../output/mask.ts';
import type { AccessToken, Claim } from './types.ts';

// The secrets and tokens in Scalekit's responses. Each is masked before anything else is done with it.

/** The claims of an organization client's access token that this action checks. Absent lists are empty. */
export interface TokenPayload {
  /** Id of the organization. */
  oid: string | undefined;
  /** Id of the client. */
  sub: string | undefined;
  scopes: string[];
  audience: string[];
  /** The claims of the client, from `custom_claims`. */
  custom_claims: Claim[];
  /** Seconds since the epoch; undefined if the token does not contain it. */
  exp: number | undefined;
  iat: number | undefined;
  /** Returns a claim at the top level as text, or undefined if there is none. */
  topLevel: (key: string) => string | undefined;
}

/** Returns the claims of an access token, or undefined if it is not a JWT. Does not check the signature. */
export function readToken(token: string): TokenPayload | undefined {
  const payload = decodeJwtPayload(token);
  if (!payload) return undefined;
  const { oid, sub, client_id, scopes, scope, aud, custom_claims, exp, iat } = payload;
  try {
    return {
      oid: asText(oid),
      sub: asText(sub) ?? asText(client_id),
      scopes: asList(scopes ?? scope),
      audience: Array.isArray(aud) ? aud.map(textOrEmpty) : [asText(aud) ?? []].flat(),
      custom_claims: claimsIn(custom_claims),
      exp: asSeconds(exp),
      iat: asSeconds(iat),
      topLevel: (key) => (Object.hasOwn(payload, key) ? asText(payload[key]) : undefined),
    };
  } catch {
    // JSON.stringify() throws for a value that is nested too deeply.
    return undefined;
  }
}

/** Masks the secret in a response. @returns the secret without white space around it, or an empty text */
export function readSecret(value: unknown, client_id: unknown): string {
  const secret = typeof value === 'string' ? value.trim() : '';
  maskSecret(secret, typeof client_id === 'string' ? [client_id] : []);
  return secret;
}

/**
 * Parses the response of the token endpoint (RFC 6749, section 5.1), and masks the token.
 * @throws {InvalidResponseError}
 */
export function readAccessToken(body: string): AccessToken {
  const response = parseJsonObject(body);
  const access_token = stringField(response, 'access_token').trim();
  maskToken(access_token);
  requireMaskable('access_token', access_token);
  const expires_in = typeof response.expires_in === 'object' ? 0 : Number(response.expires_in);
  return { access_token, expires_in: expires_in > 0 ? expires_in : undefined };
}

/** @throws {InvalidResponseError} if a field of a response is no secret or token that can be masked in every form */
export function requireMaskable(field: string, text: string): void {
  if (!text) throw new InvalidResponseError(`it holds no ${field}`);
  if (!isMaskable(text)) throw new InvalidResponseError(`its ${field} is not ${MASKABLE_FORMAT}`);
}

/** Returns claims that are an object, or a list of `{key, value}`. */
function claimsIn(value: unknown): Claim[] {
  const entries = Array.isArray(value)
    ? value.map((entry): [unknown, unknown] => [Object(entry).key, Object(entry).value])
    : Object.entries(Object(value) as Json);
  return entries.map(([key, text]) => ({ key: textOrEmpty(key), value: textOrEmpty(text) }));
}

function asText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function textOrEmpty(value: unknown): string {
  return asText(value) ?? '';
}

function asSeconds(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? Number(value) : undefined;
}

/** Accepts a list, or one string with spaces between the entries (RFC 9068, section 2.2.3). */
function asList(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(textOrEmpty);
  return textOrEmpty(value).split(' ').filter(Boolean);
}
