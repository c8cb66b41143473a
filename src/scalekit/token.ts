import { type Claim, object } from './types.ts';

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

/**
 * Reads an access token without checking its signature: it came from the issuer itself, over TLS (OpenID Connect
 * Core 1.0, section 3.1.3.7, rule 6).
 * @returns nothing where it is not a JWT
 */
export function readToken(token: string): TokenPayload | undefined {
  const [, payload, ...rest] = token.split('.');
  if (payload === undefined || rest.length !== 1) return undefined;
  try {
    const { oid, sub, scopes, scope, aud, custom_claims, exp } = object(
      JSON.parse(Buffer.from(payload, 'base64url').toString()),
      'the token',
    );
    return {
      oid: text(oid),
      sub: text(sub),
      scopes: list(scopes ?? scope),
      audience: Array.isArray(aud) ? aud.map(text) : [text(aud)].filter(Boolean),
      custom_claims: Object.entries(Object(custom_claims)).map(([key, value]) => ({ key, value: text(value) })),
      exp: Number.isSafeInteger(exp) ? Number(exp) : undefined,
    };
  } catch {
    // Also where a value is nested too deeply to be written.
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
