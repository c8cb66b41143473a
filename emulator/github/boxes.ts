// The key pairs and sealed boxes (libsodium) in which GitHub's API receives the values of secrets.

import { digits } from '../scalekit/token.ts';

/** The key pair of one secret location. The public key is base64. */
export type Box = { keyId: string; publicKey: string; privateKey: Uint8Array };

let loaded: ReturnType<typeof load> | undefined;

/** Loads libsodium once, and only if a secret is saved, because loading its WebAssembly takes time. */
async function sodium(): ReturnType<typeof load> {
  loaded ??= load();
  return await loaded;
}

async function load() {
  const { default: library } = await import('libsodium-wrappers');
  await library.ready;
  return library;
}

/** Generates a key pair for sealed boxes. */
export async function makeBox(): Promise<Box> {
  const { publicKey, privateKey } = (await sodium()).crypto_box_keypair();
  return { keyId: `${digits()}1`, publicKey: Buffer.from(publicKey).toString('base64'), privateKey };
}

/** Opens a sealed box (base64) and returns its text. Returns undefined if it was not sealed for this key. */
export async function open(box: Box, sealed: string): Promise<string | undefined> {
  const { crypto_box_seal_open } = await sodium();
  try {
    const plain = crypto_box_seal_open(
      Buffer.from(sealed, 'base64'),
      Buffer.from(box.publicKey, 'base64'),
      box.privateKey,
    );
    return Buffer.from(plain).toString('utf8');
  } catch {
    return undefined;
  }
}
