// Signs and verifies the JWTs of the emulator. Generates keys and random ids.

import { randomInt } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose';
import type { TokenPayload } from './behaviour.ts';

/** An RSA key for signing tokens. `jwk` is its public half, as the keys endpoint returns it. */
export type Signer = { kid: string; privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK };

let signer: Promise<Signer> | undefined;

/**
 * Returns the key of this process. All its emulators share the key, because generating it takes a tenth of a second.
 */
export function processSigner(): Promise<Signer> {
  signer ??= makeSigner(`snk_${digits()}`);
  return signer;
}

export async function makeSigner(kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}

/** Returns 17 random digits, the numeric part of a Scalekit id. */
export function digits(): string {
  return `${randomInt(1e8, 1e9)}${String(randomInt(1e8)).padStart(8, '0')}`;
}

/** Returns the payload as a signed token. Signs with the key that `/keys` returns, unless another signer is given. */
export async function sign(payload: TokenPayload, signer = processSigner()): Promise<string> {
  const { kid, privateKey } = await signer;
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' }).sign(privateKey);
}

/** Returns `iat`, `nbf`, `exp` and `jti` of a token that is issued now and is valid for `seconds` seconds. */
export function lifetime(seconds: number): TokenPayload {
  const now = Math.floor(Date.now() / 1000);
  return { iat: now, nbf: now, exp: now + seconds, jti: `tkn_${digits()}` };
}

/** Returns the subject of a token. Returns undefined if the token is invalid, expired or from another issuer. */
export async function subject(token: string, issuer: string): Promise<string | undefined> {
  const { publicKey } = await processSigner();
  return jwtVerify(token, publicKey, { issuer, algorithms: ['RS256'] }).then(
    ({ payload }) => payload.sub,
    () => undefined,
  );
}
