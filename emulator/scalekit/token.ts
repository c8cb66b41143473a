import { randomInt } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose';
import type { TokenPayload } from './behaviour.ts';

export type Signer = { kid: string; privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK };

let signer: Promise<Signer> | undefined;

/** The key of this process. One is enough for every emulator in it, and an RSA key takes a tenth of a second to make. */
export function processSigner(): Promise<Signer> {
  signer ??= makeSigner(`snk_${digits()}`);
  return signer;
}

export async function makeSigner(kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}

/** 17 digits, as the numeric part of Scalekit's ids has. */
export function digits(): string {
  return `${randomInt(1e8, 1e9)}${String(randomInt(1e8)).padStart(8, '0')}`;
}

/** The payload as a token, signed with the key that `/keys` shows if not with another. */
export async function sign(payload: TokenPayload, signer = processSigner()): Promise<string> {
  const { kid, privateKey } = await signer;
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' }).sign(privateKey);
}

/** `iat`, `nbf`, `exp` and `jti` of a token made now. */
export function lifetime(seconds: number): TokenPayload {
  const now = Math.floor(Date.now() / 1000);
  return { iat: now, nbf: now, exp: now + seconds, jti: `tkn_${digits()}` };
}

/** The subject of a token that this issuer signed and that has not expired; undefined for any other text. */
export async function subject(token: string, issuer: string): Promise<string | undefined> {
  const { publicKey } = await processSigner();
  return jwtVerify(token, publicKey, { issuer, algorithms: ['RS256'] }).then(
    ({ payload }) => payload.sub,
    () => undefined,
  );
}
