import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  appendMarker,
  foldText,
  formatMarker,
  MAX_DESCRIPTION_TEXT,
  type OwnershipMarker,
  parseMarker,
  parseMarkers,
  textOf,
} from '../../../src/client/marker.ts';
import { MAX_DESCRIPTION } from '../../../src/scalekit/types.ts';

const MARKER: OwnershipMarker = {
  key: 'abcdefghijklmnop',
  repo: '1296269',
  by: '740123456',
  run: '17345678901.2',
  lifetime: 'persistent',
  nonce: 'ABCDEFGHIJKLMN-_',
};
const OTHER = { ...MARKER, nonce: 'another-nonce-16' };
const LINE = formatMarker(MARKER);

const word = (length: number) => fc.stringMatching(new RegExp(`^[\\w-]{${length}}$`));
const markers: fc.Arbitrary<OwnershipMarker> = fc.record({
  key: word(16),
  repo: fc.oneof(fc.stringMatching(/^\d{1,16}$/), word(16)),
  by: fc.oneof(fc.stringMatching(/^\d{1,16}$/), word(16)),
  run: fc
    .tuple(fc.integer({ min: 0, max: 999_999_999_999 }), fc.integer({ min: 1, max: 9999 }))
    .map((ids) => ids.join('.')),
  lifetime: fc.constantFrom('persistent', 'job'),
  nonce: word(16),
});

describe('an ownership marker', () => {
  it('has a documented form', () => {
    expect(LINE).toBe(
      '[scalekit-organization-client v1 key:abcdefghijklmnop repo:1296269 by:740123456 run:17345678901.2 lifetime:persistent nonce:ABCDEFGHIJKLMN-_]',
    );
  });

  it('fits into a description together with the longest text', () => {
    const longest = { ...MARKER, repo: 'r'.repeat(16), by: 'b'.repeat(16), run: `${'9'.repeat(12)}.9999` };
    const description = appendMarker('d'.repeat(MAX_DESCRIPTION_TEXT), longest);
    expect(description.length).toBeLessThanOrEqual(MAX_DESCRIPTION);
  });

  it('is found in any description that contains it, with any white space between its fields', () => {
    const space = fc.array(fc.constantFrom(' ', '\n', '\t', '\r\n', '\u00a0'), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(markers, fc.string(), fc.string(), space, (marker, before, after, space) => {
        const line = formatMarker(marker).replaceAll(' ', space.join(''));
        expect(parseMarkers(`${before}${line}${after}`)).toEqual([marker]);
      }),
    );
  });

  it.each([
    ['HTML', (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)],
    ['JSON', (text: string) => JSON.stringify(text).slice(1, -1)],
    ['trimming', (text: string) => `  ${text}\n\n`],
    ['folding', (text: string) => text.replace(/\s+/g, ' ')],
    ['an appended line', (text: string) => `${text}\nEdited by a person.`],
  ])('survives %s', (_what, change) => {
    expect(parseMarker(change(appendMarker('<b>What\nfor</b>', MARKER)))).toEqual(MARKER);
  });

  it('counts once if it is there several times', () => {
    expect(parseMarker(`${LINE}\n${LINE.replaceAll(' ', '\n')}`)).toEqual(MARKER);
  });

  it('is none if there are several different ones', () => {
    const description = `${LINE}\n${formatMarker(OTHER)}`;
    expect(parseMarkers(description)).toEqual([MARKER, OTHER]);
    expect(parseMarker(description)).toBeUndefined();
  });

  it.each([
    undefined,
    '',
    'What for',
    LINE.slice(0, -1),
    LINE.replace('v1', 'v2'),
    LINE.replace(' v1', '/1').replaceAll(':', '='),
    LINE.replace('persistent', 'forever'),
    LINE.replace('key:abcdefghijklmnop', 'key:abcdefghijklmno'),
    LINE.replace('run:17345678901.2', 'run:17345678901'),
    LINE.replace(' nonce', 'nonce'),
  ])('is not in %j', (description) => {
    expect(parseMarkers(description)).toEqual([]);
  });

  it('is looked for quickly in a hostile description', () => {
    const start = performance.now();
    expect(parseMarkers('[scalekit-organization-client '.repeat(100_000) + ' '.repeat(1_000_000))).toEqual([]);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('the text of a description', () => {
  it.each([
    [`What for\n${LINE}`, 'What for'],
    [`${LINE} What for`, 'What for'],
    [LINE, ''],
    ['What &lt;b&gt; &amp;amp; &quot;for&quot; &apos;&#39;&#x27;', "What <b> &amp; \"for\" '''"],
    ['&unknown; &#1114112; &', '&unknown; &#1114112; &'],
  ])('is what is left without the marker and with HTML entities decoded: %j', (description, text) => {
    expect(textOf(description)).toBe(text);
  });

  it('is cut so that a marker fits as well', () => {
    expect([...textOf('😀'.repeat(400))]).toHaveLength(MAX_DESCRIPTION_TEXT);
  });

  it('is without a marker whose brackets are HTML entities', () => {
    const escaped = `Ours. ${formatMarker(MARKER).replace('[', '&#91;')}`;
    expect([parseMarkers(escaped), textOf(escaped)]).toEqual([[MARKER], 'Ours.']);
  });

  it('is compared with its white space folded and its HTML entities decoded', () => {
    expect(foldText(' What\n\tfor &amp; whom ')).toBe('What for & whom');
  });
});
