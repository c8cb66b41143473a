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

describe('ownership marker', () => {
  it('formatMarker returns the documented form of the ownership marker', () => {
    expect(LINE).toBe(
      '[scalekit-organization-client v1 key:abcdefghijklmnop repo:1296269 by:740123456 run:17345678901.2 lifetime:persistent nonce:ABCDEFGHIJKLMN-_]',
    );
  });

  it('appendMarker fits the longest marker and the longest text into a description', () => {
    const longest = { ...MARKER, repo: 'r'.repeat(16), by: 'b'.repeat(16), run: `${'9'.repeat(12)}.9999` };
    const description = appendMarker('d'.repeat(MAX_DESCRIPTION_TEXT), longest);
    expect(description.length).toBeLessThanOrEqual(MAX_DESCRIPTION);
  });

  it('parseMarkers finds the ownership marker anywhere in a description, with any white space between its fields', () => {
    const space = fc.array(fc.constantFrom(' ', '\n', '\t', '\r\n', '\u00a0'), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(markers, fc.string(), fc.string(), space, (marker, before, after, space) => {
        const line = formatMarker(marker).replaceAll(' ', space.join(''));
        expect(parseMarkers(`${before}${line}${after}`)).toEqual([marker]);
      }),
    );
  });

  it.each([
    ['HTML escaping', (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)],
    ['JSON escaping', (text: string) => JSON.stringify(text).slice(1, -1)],
    ['trimming and folding of white space', (text: string) => text.trim().replace(/\s+/g, ' ')],
    ['an appended line', (text: string) => `${text}\nEdited by a person.`],
  ])('parseMarker finds the ownership marker after %s', (_what, change) => {
    expect(parseMarker(change(appendMarker('<b>What\nfor</b>', MARKER)))).toEqual(MARKER);
  });

  it('parseMarker counts identical ownership markers once', () => {
    expect(parseMarker(`${LINE}\n${LINE.replaceAll(' ', '\n')}`)).toEqual(MARKER);
  });

  it('parseMarker returns no ownership marker if there are several different ones', () => {
    const description = `${LINE}\n${formatMarker(OTHER)}`;
    expect(parseMarkers(description)).toEqual([MARKER, OTHER]);
    expect(parseMarker(description)).toBeUndefined();
  });

  it.each<[what: string, description: string | undefined]>([
    ['no description', undefined],
    ['another text', 'What for'],
    ['a marker without its end', LINE.slice(0, -1)],
    ['a marker of another version', LINE.replace('v1', 'v2')],
    ['a marker with an unknown lifetime', LINE.replace('persistent', 'forever')],
    ['a marker with a short key', LINE.replace('key:abcdefghijklmnop', 'key:abcdefghijklmno')],
    ['a marker without an attempt of the run', LINE.replace('run:17345678901.2', 'run:17345678901')],
  ])('parseMarkers finds no ownership marker in %s', (_what, description) => {
    expect(parseMarkers(description)).toEqual([]);
  });

  it('parseMarkers reads a hostile description of a few megabytes within seconds', () => {
    const start = performance.now();
    expect(parseMarkers('[scalekit-organization-client '.repeat(100_000) + ' '.repeat(1_000_000))).toEqual([]);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('text of a description', () => {
  it.each([
    ['a marker at its end', `What for\n${LINE}`, 'What for'],
    ['a marker at its beginning', `${LINE} What for`, 'What for'],
    ['only a marker', LINE, ''],
    [
      'HTML entities, and decodes them once',
      'What &lt;b&gt; &amp;amp; &quot;for&quot; &apos;&#39;&#x27;',
      "What <b> &amp; \"for\" '''",
    ],
    ['unknown HTML entities, and does not change them', '&unknown; &#1114112; &', '&unknown; &#1114112; &'],
  ])('textOf returns the text of a description with %s', (_what, description, text) => {
    expect(textOf(description)).toBe(text);
  });

  it('textOf cuts a description so that a marker fits in addition', () => {
    expect([...textOf('😀'.repeat(400))]).toHaveLength(MAX_DESCRIPTION_TEXT);
  });

  it('textOf and parseMarkers recognize a marker whose brackets are HTML entities', () => {
    const escaped = `Ours. ${formatMarker(MARKER).replace('[', '&#91;')}`;
    expect(parseMarkers(escaped)).toEqual([MARKER]);
    expect(textOf(escaped)).toBe('Ours.');
  });

  it('foldText folds white space and decodes HTML entities', () => {
    expect(foldText(' What\n\tfor &amp; whom ')).toBe('What for & whom');
  });
});
