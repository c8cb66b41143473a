import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maskSecret } from '../../../src/output/mask.ts';
import { characterCount, escapeInvisible, listed, oneLine, quote, truncate } from '../../../src/output/text.ts';
import { anyCharacter } from './characters.ts';
import { usePrinted } from './printed.ts';

usePrinted();

it('quote shows no rest of a masked secret whose beginning looks like a whole secret', () => {
  const secret = `${['test', 'a1B2'.repeat(6)].join('_')}/${'c3D4'.repeat(4)}`;
  maskSecret(secret);
  expect(quote(secret)).toBe('"***"');
});

describe('oneLine', () => {
  it.each([
    ['a line break', 'a\nb'],
    ['a line break of Windows', 'a\r\nb'],
    ['an escape sequence', 'a\u001b\u009bb'],
    ['a next line (U+0085)', 'a\u0085b'],
    ['a line separator (U+2028)', 'a\u2028b'],
    ['a paragraph separator (U+2029)', 'a\u2029b'],
    ['an Arabic letter mark', 'a\u061cb'],
    ['a right-to-left override', 'a\u202e\u202cb'],
  ])('prints a space in place of %s', (_what, text) => {
    expect(oneLine(text)).toBe('a b');
  });

  it.each([
    ['##[error]no', '## [error]no'],
    ['a ##[add-mask]b', 'a ## [add-mask]b'],
    ['###[a]##[b]', '### [a]## [b]'],
    ['#\n#[error]', '# #[error]'],
    ['##\u200f[error]', '## [error]'],
  ])('breaks up a command of the older syntax: %j', (text, shown) => {
    expect(oneLine(text)).toBe(shown);
  });

  it('returns no line break, no direction mark and no command, whatever the text', () => {
    const unit = fc.oneof(anyCharacter, fc.constantFrom('#', '[', '##[', ...'\n\r\u2028\u202e\u2067\u061c'));
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        expect(oneLine(text)).not.toMatch(/\p{Cc}|\p{Zl}|\p{Zp}|\p{Bidi_Control}|##\[/u);
      }),
    );
  });

  it.each(['Grüße, 世界 👩‍👩‍👧', '# [a] #[b] :: | `', ''])('does not change a harmless text: %j', (text) => {
    expect(oneLine(text)).toBe(text);
  });
});

describe('truncate', () => {
  it.each([
    ['', 5, ''],
    ['abcde', 5, 'abcde'],
    ['abcdef', 5, 'abcd…'],
    ['ab', 1, '…'],
    ['😀😀😀', 3, '😀😀😀'],
    ['😀😀😀😀', 3, '😀😀…'],
  ])('truncate cuts the value %j to %i characters: %j', (text, length, shown) => {
    expect(truncate(text, length)).toBe(shown);
  });

  it('truncate replaces masked secrets before it cuts a value, so that no part of one remains', () => {
    const secret = ['fake', 'secret', 'to', 'be', 'cut'].join('+');
    maskSecret(secret);
    for (let length = 1; length < 40; length++) expect(truncate(`a ${secret} b`, length)).not.toContain('fake');
    expect(truncate(`a ${secret} b`, 7)).toBe('a *** b');
  });

  it('truncate keeps the beginning of a value, and never cuts within a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), fc.integer({ min: 1, max: 20 }), (text, length) => {
        const shown = truncate(text, length);
        expect([...shown].length).toBeLessThanOrEqual(length);
        expect(shown.isWellFormed()).toBe(true);
        if (shown !== text) {
          expect(shown.endsWith('…')).toBe(true);
          expect(text.startsWith(shown.slice(0, -1))).toBe(true);
        }
      }),
    );
  });
});

describe('quote', () => {
  it.each([
    ['a\u200bb', '"a\\u200bb"'],
    ['\ufeff\u00ad\u2066', '"\\ufeff\\u00ad\\u2066"'],
    ['\u{e0001}', '"\\udb40\\udc01"'],
    ['Grüße, 世界 😀\u00a0', '"Grüße, 世界 😀\u00a0"'],
  ])('escapes invisible characters of a value as in JSON: %j', (text, shown) => {
    expect(quote(text)).toBe(shown);
    expect(JSON.parse(shown)).toBe(text);
  });

  it.each(['test_', 'live_', 'prod_', 'gho_', 'ghp_', 'ghr_', 'ghs_', 'ghu_', 'github_pat_', 'eyJ'])(
    'shows *** in place of a text that looks like a secret, because nothing masks one in a wrong input: %s…',
    (prefix) => {
      const secret = `${prefix}${'Zq7w'.repeat(5)}`;
      expect(quote(`a ${secret} b`)).toBe('"a *** b"');
      expect(quote(secret.slice(0, -1))).toBe(`"${secret.slice(0, -1)}"`);
    },
  );

  it('escapeInvisible escapes only the characters that the caller names', () => {
    expect(escapeInvisible('a\u00a0\u200bb', /\u00a0/g)).toBe('a\\u00a0\u200bb');
  });

  it('quotes any value as one line of at most 80 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 200 }), (text) => {
        expect(characterCount(JSON.parse(quote(text)))).toBeLessThanOrEqual(80);
        expect(quote(text)).not.toMatch(/[\r\n]|\p{Cf}/u);
      }),
    );
  });
});

describe('listed', () => {
  const values = (count: number, length = 1) => Array.from({ length: count }, (_, at) => `${at}`.padEnd(length, 'x'));

  it.each<[string, string[], string]>([
    ['no value', [], ''],
    ['ten short values', values(10), '0, 1, 2, 3, 4, 5, 6, 7, 8, 9'],
    ['more than ten short values', values(63), '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 53 more'],
    ['long values', values(60, 100), `${values(3, 100).join(', ')} and 57 more`],
    ['one value that is too long', ['x'.repeat(500), 'y'], `${'x'.repeat(399)}… and 1 more`],
  ])('lists the first values and counts the others: %s', (_what, all, shown) => {
    expect(listed(all)).toBe(shown);
  });

  it('lists no part of a masked value', () => {
    const secret = ['fake', 'listed', 'secret'].join('-');
    maskSecret(secret);
    expect(listed([`${'x'.repeat(395)}${secret}`, 'y'])).toBe(`${'x'.repeat(395)}*** and 1 more`);
  });
});
