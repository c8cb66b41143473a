import { createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { u32 } from '@noble/ciphers/utils.js';
import { blake2b } from '@noble/hashes/blake2.js';

/** Salsa20's constant, the text "expand 32-byte k". */
const SIGMA = u32(new TextEncoder().encode('expand 32-byte k'));

/**
 * Encrypts a text so that only the owner of a key can read it. The format is that of libsodium's `crypto_box_seal`,
 * which GitHub requires for secrets.
 * @param key the receiver's public key (X25519), in base64
 * @returns the sender's temporary public key and the encrypted text, in base64
 * @throws if the key is invalid
 */
export function sealBox(key: string, text: string): string {
  const receiver = Buffer.from(key, 'base64');
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: receiver.toString('base64url') },
    format: 'jwk',
  });
  const temporaryKeys = generateKeyPairSync('x25519');
  const sender = Buffer.from(temporaryKeys.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const shared = new Uint8Array(diffieHellman({ privateKey: temporaryKeys.privateKey, publicKey }));
  const boxKey = new Uint8Array(32);
  hsalsa(SIGMA, u32(shared), new Uint32Array(4), u32(boxKey));
  const nonce = blake2b(new Uint8Array(Buffer.concat([sender, receiver])), { dkLen: 24 });
  const box = xsalsa20poly1305(boxKey, nonce).encrypt(new TextEncoder().encode(text));
  return Buffer.concat([sender, box]).toString('base64');
}
