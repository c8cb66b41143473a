import { digits } from '../scalekit/token.ts';

/** The key pair of one place; the public half in base64. */
export type Box = { keyId: string; publicKey: string; privateKey: Uint8Array };

let loaded: ReturnType<typeof load> | undefined;

/** Its WebAssembly is loaded only where a secret is saved, and once. */
async function sodium(): ReturnType<typeof load> {
  loaded ??= load();
  return await loaded;
}

async function load() {
  const { default: library } = await import('libsodium-wrappers');
  await library.ready;
  return library;
}

export async function makeBox(): Promise<Box> {
  const { publicKey, privateKey } = (await sodium()).crypto_box_keypair();
  return { keyId: `${digits()}1`, publicKey: Buffer.from(publicKey).toString('base64'), privateKey };
}

/** What a sealed box (base64) says; undefined where it was not sealed for this key. */
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
