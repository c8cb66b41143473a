import { decodeJwtPayload } from '../net/json.ts';
import type { Claim } from './types.ts';

/** The claims of an organization client's access token that this action checks. Absent texts and lists are empty. */
export interface TokenPayload {
  oid: string;
  sub: string;
  scopes: string[];
  audience: string[];
  custom_claims: Claim[];
  /** Seconds since the epoch; undefined if the token does not contain it. */
  exp: number | undefined;
}

/** Returns the claims of an access token, or undefined if it is not a JWT. Does not check the signature. */
export function readToken(token: string): TokenPayload | undefined {
  const payload = decodeJwtPayload(token);
  if (!payload) return undefined;
  const { oid, sub, scopes, scope, aud, custom_claims, exp } = payload;
  try {
    return {
      oid: asText(oid),
      sub: asText(sub),
      scopes: asList(scopes ?? scope),
      audience: Array.isArray(aud) ? aud.map(asText) : [asText(aud)].filter(Boolean),
      custom_claims: Object.entries(Object(custom_claims)).map(([key, value]) => ({ key, value: asText(value) })),
      exp: Number.isSafeInteger(exp) ? Number(exp) : undefined,
    };
  } catch {
    // JSON.stringify() throws for a value that is nested too deeply.
    return undefined;
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
}

/** Accepts a list, or one string with spaces between the entries (RFC 9068, section 2.2.3). */
function asList(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(asText);
  return asText(value).split(' ').filter(Boolean);
}
