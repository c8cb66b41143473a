import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseClaims, parseList, parseScopes } from '../../../src/inputs/lists.ts';
import { escapeInvisible } from '../../../src/output/text.ts';
import { read } from '../input-fixtures.ts';

const WAY_OUT = '(to keep it, use JSON: ["…"])';
const CLAIM_WAY_OUT = '(to keep it, use JSON: {"…": "…"})';
const COMMENTS = 'expected comments on lines of their own (use JSON for a value with #)';
const ESCAPED = '(if it is meant, use JSON with the character escaped)';
const ZERO_WIDTH_SPACE = '\u200b';
/** Entries of a list, or values of a claim, that are refused, and what is expected instead. */
const UNCLEAR: [text: string, expected: string][] = [
  ...['null', 'undefined', '{}', '""', "''"].map((text): [string, string] => [text, 'a text']),
  ...['"a"', "'a'", '`a`', '“a”', '«a»', '"a', "a'"].map((text): [string, string] => [text, 'the text without quotes']),
  ...['a;b', ';'].map((text): [string, string] => [text, 'the text without a semicolon']),
];

/** The characters that a scope may have (RFC 6749, section 3.3), without those that need JSON. */
const SCOPE_CHARACTERS = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).filter(
  (character) => !'",;\\\'`'.includes(character),
);
const scope = fc
  .string({ unit: fc.constantFrom(...SCOPE_CHARACTERS), minLength: 1 })
  .filter((text) => !/^([#[{]|-$|null$|undefined$)/.test(text));
const scopes = fc.uniqueArray(scope);
/** Any text without unpaired surrogates, which JSON can express and Scalekit cannot store. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('null', '{}', '-', '# a', 'a # b', '"a"', 'a;b', 'a=b, c=d', '\u2028', `a${ZERO_WIDTH_SPACE}`),
);
const notBlank = anyText.filter((text) => text.trim() !== '');

/** JSON of several lines, with comments and with white space at the ends of lines that JSON does not allow. */
const surrounded = (value: unknown) =>
  escapeInvisible(JSON.stringify(value, null, 1)).replaceAll('\n', '\u00a0\r\n# "comment\n\ufeff\u00a0');

describe('parseList and parseScopes', () => {
  it('a list may have commas, spaces, line breaks and comments between its entries', () => {
    const separator = fc.constantFrom(
      ',',
      ' ',
      '\n',
      '\r\n',
      '\t',
      ', ',
      ' ,\n',
      ',,',
      '\u00a0',
      '\n# a, b\n',
      '\ufeff\n',
    );
    fc.assert(
      fc.property(scopes, fc.array(separator), (entries, separators) => {
        const text = entries.map((entry, index) => entry + (separators[index] ?? '\n')).join('');
        for (const parse of [parseList, parseScopes])
          expect(read(parse, text)).toEqual({ value: entries, problems: [] });
      }),
      { numRuns: 50 },
    );
  });

  it('a list may be a YAML list or JSON with comments', () => {
    fc.assert(
      fc.property(scopes, (entries) => {
        const yaml = entries.map((entry) => `#c\n  - ${entry} \r\n`).join('');
        for (const text of [entries.length > 0 ? yaml : '', surrounded(entries)])
          expect(read(parseScopes, text)).toEqual({ value: entries, problems: [] });
      }),
      { numRuns: 50 },
    );
  });

  it('parseList returns the strings of a JSON array unchanged if they are not blank', () => {
    fc.assert(
      fc.property(fc.uniqueArray(notBlank), (entries) => {
        for (const text of [escapeInvisible(JSON.stringify(entries)), surrounded(entries)])
          expect(read(parseList, text)).toEqual({ value: entries, problems: [] });
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['commas', 'b,a,b', ['b', 'a']],
    ['lines', 'b\na\nb\n', ['b', 'a']],
    ['a YAML list', '- b\n- a\n- b', ['b', 'a']],
    ['a JSON array', '["b","a","b"]', ['b', 'a']],
    ['a # within an entry', 'a#b c#', ['a#b', 'c#']],
    ['a dash without a space', '-a\n-b', ['-a', '-b']],
    ['a byte order mark and no-break spaces at ends', '\ufeffb\u00a0\r\n\u00a0a\ufeff\n', ['b', 'a']],
    ['comments with anything in them', `b\n# "x"; ${ZERO_WIDTH_SPACE} # null\n#a\na`, ['b', 'a']],
    ['a comment before JSON', '# all\n["b",\n# "x",\n"a"]', ['b', 'a']],
    ['an empty text', '', []],
    ['an empty array', '[]', []],
  ])('parseList returns each entry of a list once, in order: %s', (_form, text, value) => {
    expect(read(parseList, text)).toEqual({ value, problems: [] });
  });

  it.each<[text: string, ...problems: string[]]>([
    ['# a', 'holds nothing but comments; expected entries, or no input at all'],
    ['#a\n\n \t#', 'holds nothing but comments; expected entries, or no input at all'],
    [' \n ,, ', 'holds no entries; expected some, or no input at all'],
    ['a # b', `got the line "a # b"; ${COMMENTS}`],
    ['a\t#b\nc', `got the line "a\\t#b"; ${COMMENTS}`],
    ['- a\n- # b', `got the line "- # b"; ${COMMENTS}`],
    ['a,#b', `got the entry "#b"; ${COMMENTS}`],
    ['a\n- b', `got the entry "-"; expected a dash in front of every line, or none ${WAY_OUT}`],
    ['-', `got the entry "-"; expected a dash in front of every line, or none ${WAY_OUT}`],
    ['- a - b', `got the entry "a - b"; expected one entry after each dash ${WAY_OUT}`],
    ['- a, b\n- c', `got the entry "a, b"; expected one entry after each dash ${WAY_OUT}`],
    ...UNCLEAR.map(([text, expected]): [string, string] => [
      `c ${text}`,
      `got the entry ${JSON.stringify(text)}; expected ${expected} ${WAY_OUT}`,
    ]),
    ['null', `got the entry "null"; expected a text ${WAY_OUT}`],
    ['- null', `got the entry "null"; expected a text ${WAY_OUT}`],
    [
      "'a', 'b'",
      ...["'a'", "'b'"].map((text) => `got the entry "${text}"; expected the text without quotes ${WAY_OUT}`),
    ],
    ['a, [object Object]', `got the entry "[object"; expected a text ${WAY_OUT}`],
    ['{}', 'got the object {}; expected a JSON array of strings, or entries separated by commas, spaces or lines'],
    [
      '{"a": "b"}',
      'got the object {"a":"b"}; expected a JSON array of strings, or entries separated by commas, spaces or lines',
    ],
    [
      '[object Object]',
      'got broken JSON at line 1, column 2, near "[object Object]"; expected a JSON array of strings, or entries separated by commas, spaces or lines',
    ],
    [`a\nb${ZERO_WIDTH_SPACE}`, `got "b\\u200b" with the invisible character \\u200b; expected none ${ESCAPED}`],
    ['a\ufeffb', `got "a\\ufeffb" with the invisible character \\ufeff; expected none ${ESCAPED}`],
    [
      `["a${ZERO_WIDTH_SPACE}"]`,
      `got "[\\"a\\u200b\\"]" with the invisible character \\u200b; expected none ${ESCAPED}`,
    ],
    ['\u{e0001}x', `got "\\udb40\\udc01x" with the invisible character \\udb40\\udc01; expected none ${ESCAPED}`],
  ])('an error about a list says what is expected, and how to keep the text: %j', (text, ...problems) => {
    expect(read(parseList, text)).toMatchObject({ problems });
    expect(read(parseScopes, text)).toMatchObject({ problems });
  });

  it('parseList returns all entries except the refused ones', () => {
    expect(read(parseList, `a "b" c;d\ne # f\ng${ZERO_WIDTH_SPACE}\nh null`).value).toEqual(['a', 'h']);
  });

  it.each(['a"b', 'a\\b', 'bücher', 'a\x7f', '["a b"]', '["\\"a\\""]', '["\\u200b"]'])(
    'parseScopes refuses characters that no scope may have, and parseList accepts them: %j',
    (text) => {
      expect(read(parseScopes, text).problems).toEqual([
        expect.stringMatching(/^got ".*"; expected printable ASCII without spaces, " and \\$/),
      ]);
      expect(read(parseList, text).problems).toEqual([]);
    },
  );

  it('parseList reports every bad entry of a JSON array and returns the good ones', () => {
    const { value, problems } = read(parseList, '["a", 1, null, "", " ", true, ["b"], {"c": 1}, "\\ud800", "d"]');
    expect(value).toEqual(['a', 'd']);
    expect(problems).toEqual(
      ['1', 'null', '""', '" "', 'true', '["b"]', '{"c":1}', '"\\ud800"'].map(
        (entry) => `got the entry ${entry}; expected strings that are not blank`,
      ),
    );
  });
});

describe('parseClaims', () => {
  const keys = fc.oneof(
    { weight: 9, arbitrary: anyText.filter((text) => text !== '') },
    { weight: 1, arbitrary: fc.constantFrom('__proto__', 'key', 'k'.repeat(128)) },
  );
  const claims = fc.uniqueArray(fc.record({ key: keys, value: anyText }), { selector: ({ key }) => key, maxLength: 6 });

  it('parseClaims reads key=value lines, with or without dashes and comments', () => {
    const word = fc
      .string({ unit: fc.constantFrom(...'aä😀.:/#-[{'), minLength: 1 })
      .filter((text) => !/^[#[{]/.test(text));
    const value = fc.oneof(word, fc.constantFrom('', 'a b', 'a, b', 'a=b==', '='));
    // With a space behind it, the key "-" is the dash of a YAML list.
    const key = word.filter((text) => text !== '-');
    const lines = fc.uniqueArray(fc.record({ key, value }), { selector: ({ key }) => key });
    const lineBreak = fc.constantFrom('\n', '\r\n', '\n\n', ' \n  \n\t', '\n# x=y "z"\n', '\ufeff\n');
    fc.assert(
      fc.property(
        lines,
        lineBreak,
        fc.constantFrom('=', ' = ', '= '),
        fc.constantFrom('', '- '),
        (all, end, sign, dash) => {
          const text = all.map(({ key, value }) => dash + key + sign + value).join(end);
          expect(read(parseClaims, text)).toEqual({ value: all, problems: [] });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('parseClaims returns the keys and values of JSON unchanged', () => {
    fc.assert(
      fc.property(claims, (all) => {
        for (const text of [escapeInvisible(JSON.stringify(all)), surrounded(all)])
          expect(read(parseClaims, text)).toEqual({ value: all, problems: [] });
        const pairs = all.map(({ key, value }): [string, string] => [key, value]);
        for (const text of [
          escapeInvisible(JSON.stringify(Object.fromEntries(pairs))),
          surrounded(Object.fromEntries(pairs)),
        ]) {
          const { value, problems } = read(parseClaims, text);
          expect(problems).toEqual([]);
          // JSON.parse puts keys that are numbers first, so the order may differ.
          expect(new Map(value.map(({ key, value }) => [key, value]))).toEqual(new Map(pairs));
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each<[text: string, problem: string]>([
    ['# a=b', 'holds nothing but comments; expected entries, or no input at all'],
    ['a=b # c', `got the line "a=b # c"; ${COMMENTS}`],
    ['a=b, c=d', 'got the line "a=b, c=d"; expected one key=value a line (use JSON for such a value: {"…": "…"})'],
    ['a=b,c=d', 'got the line "a=b,c=d"; expected one key=value a line (use JSON for such a value: {"…": "…"})'],
    [
      'a = b, c = d',
      'got the line "a = b, c = d"; expected one key=value a line (use JSON for such a value: {"…": "…"})',
    ],
    ...['a=b, https://x.example/c=d', 'a=b, {c}=d', 'a=b,ç=d', 'a=b，c=d', 'a,b=c'].map((line): [string, string] => [
      line,
      `got the line ${JSON.stringify(line)}; expected one key=value a line (use JSON for such a value: {"…": "…"})`,
    ]),
    // A folded YAML text.
    ['a=b c=d', 'got the line "a=b c=d"; expected one key=value a line (use JSON for such a value: {"…": "…"})'],
    ['a b=c', 'got the key "a b"; expected one without white space (use JSON for such a key: {"…": "…"})'],
    ['a: b=c', 'got the key "a: b"; expected one without white space (use JSON for such a key: {"…": "…"})'],
    ['- a=b\nc=d', `got the line "- a=b"; expected a dash in front of every line, or none ${CLAIM_WAY_OUT}`],
    ...UNCLEAR.map(([text, expected]): [string, string] => [
      `a=${text}`,
      `got the value ${JSON.stringify(text)}; expected ${expected} ${CLAIM_WAY_OUT}`,
    ]),
    ['null=a', `got the key "null"; expected a text ${CLAIM_WAY_OUT}`],
    ['"a"=a', `got the key "\\"a\\""; expected the text without quotes ${CLAIM_WAY_OUT}`],
    ['a=[object Object]', `got the value "[object Object]"; expected a text ${CLAIM_WAY_OUT}`],
    ['a=null\nb=c', `got the value "null"; expected a text ${CLAIM_WAY_OUT}`],
    ['null', 'got the line "null" without a "="; expected key=value'],
    [`a=${ZERO_WIDTH_SPACE}b`, `got "a=\\u200bb" with the invisible character \\u200b; expected none ${ESCAPED}`],
    [
      `{"a": "${ZERO_WIDTH_SPACE}"}`,
      `got "{\\"a\\": \\"\\u200b\\"}" with the invisible character \\u200b; expected none ${ESCAPED}`,
    ],
    [
      '{"a": 1,}',
      'got broken JSON at line 1, column 9, near "{\\"a\\": 1,}"; expected key=value lines, a JSON object, or a JSON array of {"key", "value"}',
    ],
  ])('an error about claims says what is expected, and how to keep the text: %j', (text, problem) => {
    expect(read(parseClaims, text).problems).toEqual([problem]);
  });

  it.each([
    ['an equals sign in a value', 'a=b=c==', [{ key: 'a', value: 'b=c==' }]],
    ['an empty value', 'a=', [{ key: 'a', value: '' }]],
    ['white space around key and value', '  a =  b c  ', [{ key: 'a', value: 'b c' }]],
    ['line breaks of old systems', 'a=b\rc=d', [{ key: 'a', value: 'b' }].concat({ key: 'c', value: 'd' })],
    ['line breaks of Windows', 'a=b\r\nc=d\r\n', [{ key: 'a', value: 'b' }].concat({ key: 'c', value: 'd' })],
    ['a number', '{"a": 125}', [{ key: 'a', value: '125' }]],
    ['a number that a double cannot hold', '{"a": 9007199254740993}', [{ key: 'a', value: '9007199254740993' }]],
    ['a boolean', '[{"key": "a", "value": false}]', [{ key: 'a', value: 'false' }]],
    ['an empty value in JSON', '{"a": ""}', [{ key: 'a', value: '' }]],
    [
      'a value that looks like a key',
      '{"a": "\\"a\\":", "b": "a"}',
      [{ key: 'a', value: '"a":' }].concat({ key: 'b', value: 'a' }),
    ],
    ['__proto__ in lines', '__proto__=x', [{ key: '__proto__', value: 'x' }]],
    ['__proto__ in an object', '{"__proto__": "x"}', [{ key: '__proto__', value: 'x' }]],
    ['no characters', '', []],
    ['an empty object', '{}', []],
    ['an empty array', '[]', []],
    ['comments', '# who\na=b\n  # what\nc=d', [{ key: 'a', value: 'b' }].concat({ key: 'c', value: 'd' })],
    ['a YAML list', '- a=b\n# c\n- c=d e', [{ key: 'a', value: 'b' }].concat({ key: 'c', value: 'd e' })],
    ['a # within a word', 'color=#fff\nb=C#', [{ key: 'color', value: '#fff' }].concat({ key: 'b', value: 'C#' })],
    ['a dash as a value', 'a=-', [{ key: 'a', value: '-' }]],
    ['a URL as a key', 'https://acme.example/a=b', [{ key: 'https://acme.example/a', value: 'b' }]],
    ['commas in a value', 'a=b, c, d', [{ key: 'a', value: 'b, c, d' }]],
    [
      'a URL with a query as a value',
      'a=https://x.example/?b=1&c=2',
      [{ key: 'a', value: 'https://x.example/?b=1&c=2' }],
    ],
    [
      'white space at ends',
      '\ufeffa=b\u00a0\r\n\u00a0c=d\ufeff',
      [{ key: 'a', value: 'b' }].concat({ key: 'c', value: 'd' }),
    ],
  ])('parseClaims accepts a text with %s', (_what, text, value) => {
    expect(read(parseClaims, text)).toEqual({ value, problems: [] });
  });

  it.each([
    ['a line without a sign', 'a', 'got the line "a" without a "="; expected key=value'],
    ['a line with a colon', 'a: b', 'got the line "a: b" without a "="; expected key=value'],
    ['a line with an empty key', ' = a', 'got an empty key; expected 1 to 128 characters'],
    ['an object with an empty key', '{"": "a"}', 'got an empty key; expected 1 to 128 characters'],
    ['an array with an empty key', '[{"key": "", "value": "a"}]', 'got an empty key; expected 1 to 128 characters'],
    ['the same key in two lines', 'a=1\n a =2', 'got the key "a" twice; expected each key once'],
    ['the same key with the same value', 'a=1\na=1', 'got the key "a" twice; expected each key once'],
    ['the same key in an object', '{"a": "1", "a": "2"}', 'got the key "a" twice; expected each key once'],
    ['the same key, spelt another way', '{"a": "1", "\\u0061": "2"}', 'got the key "a" twice; expected each key once'],
    [
      'the same key with a quote in it',
      '{"\\"": "1", "\\u0022" : "2"}',
      'got the key "\\"" twice; expected each key once',
    ],
    [
      '__proto__ twice',
      '{"__proto__": "1", "__proto__": "2"}',
      'got the key "__proto__" twice; expected each key once',
    ],
    [
      'the same key in an array',
      '[{"key":"a","value":"1"},{"key":"a","value":"2"}]',
      'got the key "a" twice; expected each key once',
    ],
    [
      'a value that is null',
      '{"a": null}',
      'got null for the key "a"; expected a string (quote numbers that are not whole)',
    ],
    [
      'a value that is a list',
      '{"a": ["b"]}',
      'got ["b"] for the key "a"; expected a string (quote numbers that are not whole)',
    ],
    [
      'a value that is an object',
      '{"a": {}}',
      'got {} for the key "a"; expected a string (quote numbers that are not whole)',
    ],
    ['an entry without a value', '[{"key": "a"}]', 'got the entry {"key":"a"}; expected {"key": "…", "value": "…"}'],
    ['an entry without a key', '[{"value": "a"}]', 'got the entry {"value":"a"}; expected {"key": "…", "value": "…"}'],
    [
      'a key that is a fraction',
      '[{"key": 1.5, "value": "a"}]',
      'got the entry {"key":1.5,"value":"a"}; expected {"key": "…", "value": "…"}',
    ],
    [
      'an entry with another member',
      '[{"key": "a", "value": "b", "c": 1}]',
      'got the entry {"key":"a","value":"b","c":"1"}; expected {"key": "…", "value": "…"}',
    ],
    [
      'an entry with a member __proto__',
      '[{"key": "a", "value": "b", "__proto__": 1}]',
      'got the entry {"key":"a","value":"b","__proto__":"1"}; expected {"key": "…", "value": "…"}',
    ],
    ['a null in an array', '[null]', 'got the entry null; expected {"key": "…", "value": "…"}'],
    [
      'a number that JSON would rewrite',
      '{"a": 1.10}',
      'got 1.1 for the key "a"; expected a string (quote numbers that are not whole)',
    ],
    ['a string in an array', '["a=b"]', 'got the entry "a=b"; expected {"key": "…", "value": "…"}'],
  ])('parseClaims refuses a text with %s', (_what, text, problem) => {
    expect(read(parseClaims, text).problems).toEqual([problem]);
  });

  it.each([
    ['a value that is refused', '{"a":"1","a":"2","b":null}'],
    ['an entry in the form of the API', '[{"key":"a","value":"1","value":"2"}]'],
  ])('parseClaims reports a repeated key in JSON with %s', (_what, text) => {
    expect(read(parseClaims, text).problems).toEqual(
      expect.arrayContaining([expect.stringMatching(/^got the key "(a|value)" twice; expected each key once$/)]),
    );
  });

  it('parseClaims accepts the same key in different objects', () => {
    const text = '[{"key":"a","value":"1"},{"key":"b","value":"{\\"b\\":1,\\"b\\":2}"}]';
    expect(read(parseClaims, text).problems).toEqual([]);
  });

  it('parseClaims and parseList refuse JSON that is nested very deeply, and do not throw', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expect(read(parseClaims, `{"a":${deep}}`).problems).toEqual([
      expect.stringMatching(/^got one that is nested too deeply for the key "a"/),
    ]);
    expect(read(parseList, `["a",${deep}]`).problems).toEqual([
      expect.stringMatching(/^got the entry one that is nested/),
    ]);
  });

  it('parseClaims refuses a number that is too large for JavaScript', () => {
    const { value, problems } = read(parseClaims, '{"a": 1e400}');
    expect(value).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  it.each([
    ['lines', (key: string) => `${key}=x`],
    ['an object', (key: string) => JSON.stringify({ [key]: 'x' })],
    ['an array', (key: string) => JSON.stringify([{ key, value: 'x' }])],
  ])('parseClaims accepts keys of up to 128 code points in %s', (_form, text) => {
    for (const character of ['k', '😀']) {
      const key = character.repeat(128);
      expect(read(parseClaims, text(key))).toEqual({ value: [{ key, value: 'x' }], problems: [] });
      expect(read(parseClaims, text(key + character)).problems).toEqual([
        expect.stringMatching(/^got the key .* of 129 characters; expected 128 at most$/),
      ]);
    }
  });

  it('parseClaims reports every problem, and returns the good claims', () => {
    const { value, problems } = read(parseClaims, `good=1\nbad\n=empty\ngood=2\n${'k'.repeat(129)}=long\nlast=3`);
    expect(problems).toHaveLength(4);
    expect(value).toContainEqual({ key: 'last', value: '3' });
  });
});
