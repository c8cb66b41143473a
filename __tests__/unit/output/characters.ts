import fc from 'fast-check';

/** Any code point of Unicode but half surrogate pairs. `unit: 'binary'` of fast-check is the same, but needs seconds to start. */
export const anyCharacter = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10_ffff }))
  .map((codePoint) => String.fromCodePoint(codePoint));
