import { decodeJwtPayload } from '../net/json.ts';
import type { Claim } from './types.ts';

/** What an organization client's access token says. Absent is empty. */
export interface TokenPayload {
  oid: string;
  sub: string;
  scopes: string[];
  audience: string[];
  custom_claims: Claim[];
  /** Seconds since the epoch. */
  exp: number | undefined;
}

/** Reads an access token. @returns nothing where it is not a JWT */
export function readToken(token: string): TokenPayload | undefined {
  const payload = decodeJwtPayload(token);
  if (!payload) return undefined;
  const { oid, sub, scopes, scope, aud, custom_claims, exp } = payload;
  try {
    return {
      oid: text(oid),
      sub: text(sub),
      scopes: list(scopes ?? scope),
      audience: Array.isArray(aud) ? aud.map(text) : [text(aud)].filter(Boolean),
      custom_claims: Object.entries(Object(custom_claims)).map(([key, value]) => ({ key, value: text(value) })),
      exp: Number.isSafeInteger(exp) ? Number(exp) : undefined,
    };
  } catch {
    // A value that is nested too deeply cannot be written.
    return undefined;
  }
}

/** A list, or one string with spaces between (RFC 9068, section 2.2.3). */
function list(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(text);
  return text(value).split(' ').filter(Boolean);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
}
