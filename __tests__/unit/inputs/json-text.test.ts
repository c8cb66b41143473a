import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findJsonError, parseJson, quoteJson, quoteWholeNumbers, repeatedKeys } from '../../../src/inputs/json-text.ts';
import { maskSecret } from '../../../src/output/mask.ts';
import { read, useCleanInputs } from '../input-fixtures.ts';

useCleanInputs();

/** Parses JSON. @returns the one problem that is reported, without what is expected */
function problemOf(text: string): string | undefined {
  const { value, problems } = read((json, report) => parseJson(json, report, 'JSON'), text);
  if (problems.length > 0) expect({ value, problems }).toMatchObject({ value: undefined, problems: { length: 1 } });
  return problems[0]?.replace(/; expected JSON$/, '');
}

/** Returns the offset of the error that V8 names, `undefined` if it names none, or `valid`. */
function errorOfV8(text: string): number | undefined | 'valid' {
  try {
    JSON.parse(text);
    return 'valid';
  } catch (error) {
    const [, position] = / position (\d+)/.exec(String(error)) ?? [];
    return position === undefined ? undefined : Number(position);
  }
}

const json = fc.tuple(fc.json({ stringUnit: 'binary' }), fc.constantFrom(0, 1, '\t'), fc.constantFrom('', ' \r\n\t'));
const valid = json.map(([text, indent, space]) => space + JSON.stringify(JSON.parse(text), null, indent) + space);
const PIECES = [
  ...'{}[]:,"\\/ \n\r\t01-+.eEtfn\0\x1f\x7f\x85\u2028\xa0\ufeffü😀\ud800',
  '""',
  '{"a":',
  '[1,',
  'true',
  'null',
];
const pieces = fc.array(
  fc.constantFrom(...PIECES, '1e3', '-0', '01', '\\u00', '\\ud83d', '\\x', 'false', 'nul', '//', '#'),
);
const fragment = pieces.map((all) => all.join(''));
/** Valid JSON in which some characters are replaced. */
const broken = fc
  .tuple(
    valid,
    fc.nat(),
    fc.nat(3),
    fragment.map((text) => text.slice(0, 3)),
  )
  .map(([text, at, length, other]) => {
    const start = at % (text.length + 1);
    return text.slice(0, start) + other + text.slice(start + length);
  });

describe('the offset of an error in JSON', () => {
  it('is never before the end of valid JSON', () => {
    fc.assert(fc.property(valid, (text) => expect(findJsonError(text)).toBe(text.length)));
  });

  it('is in the text, at or before the position that V8 names, and where the text before it could go on', () => {
    fc.assert(
      fc.property(fc.oneof(fragment, broken), (text) => {
        const offset = findJsonError(text);
        const expected = errorOfV8(text);
        if (expected === 'valid') return expect(offset).toBe(text.length);
        expect(offset).toBeLessThanOrEqual(expected ?? text.length);
        const before = text.slice(0, offset);
        expect(findJsonError(before)).toBe(offset);
        return expect(['valid', undefined, offset]).toContain(errorOfV8(before));
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[what: string, text: string, offset: number]>([
    ['a string', `["${'x'.repeat(1e6)}`, 1_000_002],
    ['escapes', `["${'\\u0061'.repeat(2e5)}"]x`, 1_200_004],
    ['escapes of quotes', `["${'\\"'.repeat(5e5)}`, 1_000_002],
    ['digits', `[${'9'.repeat(1e6)}x]`, 1_000_001],
    ['white space', `[${' '.repeat(1e6)}x]`, 1_000_001],
    ['entries', `[${'1,'.repeat(5e5)}]`, 1_000_001],
    ['keys', `{${'"a":1,'.repeat(2e5)}}`, 1_200_001],
    ['arrays', '['.repeat(1e6), 1_000_000],
    ['closed arrays', `${'['.repeat(1e5)}1${']'.repeat(1e5)}]`, 200_001],
    ['objects', '{"a":'.repeat(1e5), 500_000],
  ])('is found in little time after a megabyte of %s', (_what, text, offset) => {
    const start = performance.now();
    expect(findJsonError(text)).toBe(offset);
    expect(problemOf(text)).toMatch(
      /^got broken JSON (at line 1, column \d+, near ".{1,99}"|that is nested too deeply)$/,
    );
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('the problem of broken JSON', () => {
  it.each<[text: string, place: string]>([
    ['', 'line 1, column 1, near ""'],
    ['[', 'line 1, column 2, near "["'],
    ["['a']", 'line 1, column 2, near "[\'a\']"'],
    ['["a",]', 'line 1, column 6, near "[\\"a\\",]"'],
    ['["a"] b', 'line 1, column 7, near "[\\"a\\"] b"'],
    ['{a: 1}', 'line 1, column 2, near "{a: 1}"'],
    ['{"a": 1} {"b": 2}', 'line 1, column 10, near "{\\"a\\": 1} {\\"b\\": 2}"'],
    ['{\n  "a": "b",\n}', 'line 3, column 1, near "{\\n  \\"a\\": \\"b\\",\\n}"'],
    ['[\r\n\r"a"\nb]', 'line 4, column 1, near "[\\r\\n\\r\\"a\\"\\nb]"'],
    ['["😀😀" x]', 'line 1, column 7, near "[\\"😀😀\\" x]"'],
    ['["\\x"]', 'line 1, column 3, near "[\\"\\\\x\\"]"'],
    ['["a\tb"]', 'line 1, column 4, near "[\\"a\\tb\\"]"'],
    ['[\u00a01]', 'line 1, column 2, near "[\\u00a01]"'],
    ['[1\u200b]', 'line 1, column 3, near "[1\\u200b]"'],
    [`[${'1,'.repeat(50)}x${'y'.repeat(50)}]`, `line 1, column 102, near "${'1,'.repeat(10)}x${'y'.repeat(19)}"`],
  ])('names line, column and place: %j', (text, place) => {
    expect(problemOf(text)).toBe(`got broken JSON at ${place}`);
  });

  it('never shows a masked secret, not even in part, wherever the error is', () => {
    const secret = ['12', 'Zq7w', '"', 'Xv9k', ':', 'Yj8f', ',', '}', 'Wh5t'].join('');
    const parts = secret.match(/\w{4}/g) ?? [];
    maskSecret(secret);
    const around = fc.constantFrom('', '"', '{"a":', '[', ' ', ',', '\\', 'x'.repeat(30), '"a",', '\n');
    const written = fc.constantFrom(secret, JSON.stringify(secret), JSON.stringify(secret).slice(1, -1));
    fc.assert(
      fc.property(fc.array(fc.oneof(around, written), { minLength: 1 }), (all) => {
        const problem = problemOf(all.join('')) ?? '';
        for (const part of parts) expect(problem).not.toContain(part);
      }),
      { numRuns: 1000 },
    );
    expect(problemOf(`["a" ${secret}]`)).toBe('got broken JSON at line 1, column 6, near "[\\"a\\" ***]"');
    // A quote or a line break splits the secret, as if it had been wrapped or quoted by hand.
    const plain = ['Bq3m', 'Kx8n', 'Tw5r'].join('');
    maskSecret(plain);
    for (const split of ['\n', '"', '" "', '\r\n  '])
      expect(problemOf(`[${plain.slice(0, 6)}${split}${plain.slice(6)}]`)).toMatch(/, near "\*\*\*"$/);
    // The error is within the secret.
    expect(problemOf(`[${secret}]`)).toBe('got broken JSON at line 1, column 4, near "***"');
  });

  it('shows a value that is nested too deeply as such', () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(repeatedKeys(deep).size).toBe(0);
    expect(quoteJson(JSON.parse(deep))).toBe('one that is nested too deeply');
  });
});

describe('whole numbers of JSON', () => {
  it.each([
    ['{"a": 42, "b": -7, "c": 0}', { a: '42', b: '-7', c: '0' }],
    ['{"a": 12345678901234567890}', { a: '12345678901234567890' }],
    ['{"a": 1.10, "b": 1e3, "c": 1E+2, "d": -0.5}', { a: 1.1, b: 1000, c: 100, d: -0.5 }],
    ['{"a 1": "x 2 \\" 3", "4": "5"}', { 'a 1': 'x 2 " 3', '4': '5' }],
    ['[1,[2,{"a":3}],"4"]', ['1', ['2', { a: '3' }], '4']],
    ['7', '7'],
  ])('become strings, and nothing else changes: %s', (text, expected) => {
    expect(JSON.parse(quoteWholeNumbers(text))).toEqual(expected);
  });

  it('are the only difference for any JSON', () => {
    const asStrings = (value: unknown): unknown => {
      if (Number.isInteger(value) && /^-?\d+$/.test(JSON.stringify(value))) return JSON.stringify(value);
      if (Array.isArray(value)) return value.map(asStrings);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, asStrings(entry)]));
    };
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
        expect(JSON.parse(quoteWholeNumbers(text))).toEqual(asStrings(JSON.parse(text)));
      }),
    );
  });
});

it('repeated keys of JSON are those of one object', () => {
  fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), (text) => expect(repeatedKeys(text).size).toBe(0)));
  expect([...repeatedKeys('{"a":1,"\\u0061":[{"b":1},{"b":"\\"b\\":"}],"c":{"a":1,"d":1, "d" : 2}}')]).toEqual([
    'a',
    'd',
  ]);
});
