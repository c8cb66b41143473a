import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findJsonError, parseJson, quoteJson, quoteWholeNumbers, repeatedKeys } from '../../../src/inputs/json-text.ts';
import { maskSecret } from '../../../src/output/mask.ts';
import { read, useCleanInputs } from '../input-fixtures.ts';

useCleanInputs();

/** Parses JSON. @returns the only problem that is reported, without what is expected. Undefined if there is none */
function problemOf(text: string): string | undefined {
  const { value, problems } = read((json, report) => parseJson(json, report, 'JSON'), text);
  if (problems.length > 0) expect({ value, problems }).toMatchObject({ value: undefined, problems: { length: 1 } });
  return problems[0]?.replace(/; expected JSON$/, '');
}

/** Returns whether a text is valid JSON, and the offset of the error if V8 names one. */
function parseWithV8(text: string): { isValid: boolean; offset?: number } {
  try {
    JSON.parse(text);
    return { isValid: true };
  } catch (error) {
    const [, position] = / position (\d+)/.exec(String(error)) ?? [];
    return { isValid: false, ...(position !== undefined && { offset: Number(position) }) };
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

describe('findJsonError', () => {
  it('findJsonError returns the length of valid JSON', () => {
    fc.assert(
      fc.property(valid, (text) => expect(findJsonError(text)).toBe(text.length)),
      { numRuns: 50 },
    );
  });

  it('findJsonError returns the end of the longest beginning that can become JSON, at or before the position that V8 names', () => {
    fc.assert(
      fc.property(fc.oneof(fragment, broken), (text) => {
        const at = findJsonError(text);
        const { isValid, offset } = parseWithV8(text);
        if (isValid) return expect(at).toBe(text.length);
        expect(at).toBeLessThanOrEqual(offset ?? text.length);
        const before = text.slice(0, at);
        expect(findJsonError(before)).toBe(at);
        const beginning = parseWithV8(before);
        return expect(beginning.isValid || (beginning.offset ?? at) === at).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('parseJson', () => {
  it.each<[text: string, place: string]>([
    ['', 'line 1, column 1, near ""'],
    ['[', 'line 1, column 2, near "["'],
    ["['a']", 'line 1, column 2, near "[\'a\']"'],
    ['["a",]', 'line 1, column 6, near "[\\"a\\",]"'],
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
  ])('parseJson reports line, column and the text around the problem: %j', (text, place) => {
    expect(problemOf(text)).toBe(`got broken JSON at ${place}`);
  });

  it('parseJson never shows a part of a masked secret, wherever the problem is', () => {
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
      { numRuns: 200 },
    );
    expect(problemOf(`["a" ${secret}]`)).toBe('got broken JSON at line 1, column 6, near "[\\"a\\" ***]"');
    // The problem is within the secret.
    expect(problemOf(`[${secret}]`)).toBe('got broken JSON at line 1, column 4, near "***"');
  });

  it.each(['\n', '"', '" "', '\r\n  '])('parseJson shows no part of a masked secret that %j splits', (split) => {
    const secret = ['Bq3m', 'Kx8n', 'Tw5r'].join('');
    maskSecret(secret);
    expect(problemOf(`[${secret.slice(0, 6)}${split}${secret.slice(6)}]`)).toMatch(/, near "\*\*\*"$/);
  });
});

it('quoteJson shows at most 80 characters of a value', () => {
  expect(quoteJson(['x'.repeat(100)])).toBe(`["${'x'.repeat(77)}…`);
});

it('quoteJson says that a value is nested too deeply to be shown', () => {
  const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  expect(quoteJson(JSON.parse(deep))).toBe('one that is nested too deeply');
  expect(repeatedKeys(deep).size).toBe(0);
});

describe('quoteWholeNumbers', () => {
  it.each([
    ['{"a": 42, "b": -7, "c": 0}', { a: '42', b: '-7', c: '0' }],
    ['{"a": 12345678901234567890}', { a: '12345678901234567890' }],
    ['{"a": 1.10, "b": 1e3, "c": 1E+2, "d": -0.5}', { a: 1.1, b: 1000, c: 100, d: -0.5 }],
    ['{"a 1": "x 2 \\" 3", "4": "5"}', { 'a 1': 'x 2 " 3', '4': '5' }],
    ['[1,[2,{"a":3}],"4"]', ['1', ['2', { a: '3' }], '4']],
    ['7', '7'],
  ])('quoteWholeNumbers turns whole numbers into strings and keeps the rest: %s', (text, expected) => {
    expect(JSON.parse(quoteWholeNumbers(text))).toEqual(expected);
  });

  it('quoteWholeNumbers changes nothing but whole numbers in any JSON', () => {
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
      { numRuns: 50 },
    );
  });
});

it('repeatedKeys returns the keys that one object has more than once', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), (text) => expect(repeatedKeys(text).size).toBe(0)),
    { numRuns: 50 },
  );
  expect([...repeatedKeys('{"a":1,"\\u0061":[{"b":1},{"b":"\\"b\\":"}],"c":{"a":1,"d":1, "d" : 2}}')]).toEqual([
    'a',
    'd',
  ]);
});
