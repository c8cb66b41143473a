import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import sodium from 'libsodium-wrappers';
import { sealBox } from '../../../src/github/sealed-box.ts';

await sodium.ready;

const receiver = sodium.crypto_box_keypair();
const KEY = sodium.to_base64(receiver.publicKey, sodium.base64_variants.ORIGINAL);

/** Opens a box, as GitHub does. @returns the text in it */
function open(box: string, { publicKey, privateKey } = receiver): string {
  const bytes = sodium.from_base64(box, sodium.base64_variants.ORIGINAL);
  return sodium.to_string(sodium.crypto_box_seal_open(bytes, publicKey, privateKey));
}

describe('a sealed box', () => {
  it('is opened by libsodium with the right key, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), (text) => {
        expect(open(sealBox(KEY, text))).toBe(text.toWellFormed());
      }),
      { numRuns: 300, examples: [[''], ['\0'], ['Zürich 😀\r\n'], [' ']] },
    );
  });

  it('is opened for any receiver', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const keys = sodium.crypto_box_seed_keypair(bytes);
        const key = sodium.to_base64(keys.publicKey, sodium.base64_variants.ORIGINAL);
        expect(open(sealBox(key, 'for you'), keys)).toBe('for you');
      }),
    );
  });

  it.each([1, 31, 32, 33, 63, 64, 65, 127, 128, 48 * 1024])('may hold %i bytes, and has 48 more', (size) => {
    const box = sealBox(KEY, 'x'.repeat(size));
    expect(open(box)).toBe('x'.repeat(size));
    expect(Buffer.from(box, 'base64')).toHaveLength(size + 48);
  });

  it('never looks the same, so nobody sees whether a secret changed', () => {
    const boxes = new Set(Array.from({ length: 50 }, () => sealBox(KEY, 'the same')));
    expect(boxes.size).toBe(50);
    const senders = new Set([...boxes].map((box) => box.slice(0, 40)));
    expect(senders.size).toBe(50);
  });

  it('is opened by nobody else', () => {
    expect(() => open(sealBox(KEY, 'text'), sodium.crypto_box_keypair())).toThrow();
  });

  const bytes = (length: number) => Buffer.alloc(length, 9).toString('base64');
  it.each([
    ['empty', ''],
    ['no base64', '***'],
    ['short', bytes(31)],
    ['long', bytes(33)],
    ['a point of low order, with which everybody could open the box', Buffer.alloc(32).toString('base64')],
  ])('is not created with a key that is none (%s), and the error does not show what was to be sealed', (_what, key) => {
    const text = ['fake', 'client', 'secret'].join('-');
    let failure: unknown;
    try {
      sealBox(key, text);
    } catch (error) {
      failure = error;
    }
    expect(failure).toHaveProperty('stack', expect.not.stringContaining(text));
  });
});
