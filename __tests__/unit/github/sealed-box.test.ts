import { expect, it } from '@jest/globals';
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

it('sealBox creates a box that libsodium opens with the right key, for any text', () => {
  // The last one is half of a surrogate pair.
  const unit = fc.constantFrom(...'aZ0 ~\0\r\n"\\%ä€😀', '\ud800');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 500 }), (text) => {
      expect(open(sealBox(KEY, text))).toBe(text.toWellFormed());
    }),
    { numRuns: 40, examples: [[''], ['\0'], ['Zürich 😀\r\n'], [' ']] },
  );
});

it('sealBox creates a box that libsodium opens, for any receiver', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const keys = sodium.crypto_box_seed_keypair(bytes);
      const key = sodium.to_base64(keys.publicKey, sodium.base64_variants.ORIGINAL);
      expect(open(sealBox(key, 'for you'), keys)).toBe('for you');
    }),
    { numRuns: 30 },
  );
});

it.each([1, 32, 64, 65, 48 * 1024])('sealBox adds 48 bytes to a text of %i bytes', (size) => {
  const box = sealBox(KEY, 'x'.repeat(size));
  expect(open(box)).toBe('x'.repeat(size));
  expect(Buffer.from(box, 'base64')).toHaveLength(size + 48);
});

it('sealBox returns another box each time, so that nobody sees whether a secret changed', () => {
  const boxes = new Set(Array.from({ length: 20 }, () => sealBox(KEY, 'the same')));
  expect(boxes.size).toBe(20);
  const senders = new Set([...boxes].map((box) => box.slice(0, 40)));
  expect(senders.size).toBe(20);
});

it('sealBox creates a box that no other key opens', () => {
  expect(() => open(sealBox(KEY, 'text'), sodium.crypto_box_keypair())).toThrow();
});

const bytes = (length: number) => Buffer.alloc(length, 9).toString('base64');

it.each<[what: string, key: string]>([
  ['an empty text', ''],
  ['a text that is not base64', '***'],
  ['31 bytes', bytes(31)],
  ['33 bytes', bytes(33)],
  ['a point of low order, with which everybody could open the box', Buffer.alloc(32).toString('base64')],
])('sealBox refuses a key of %s, and the error does not show the text', (_what, key) => {
  const text = ['fake', 'client', 'secret'].join('-');
  let failure: unknown;
  try {
    sealBox(key, text);
  } catch (error) {
    failure = error;
  }
  expect(failure).toHaveProperty('stack', expect.not.stringContaining(text));
});
