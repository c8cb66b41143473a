import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Report } from '../../../src/client/faults.ts';
import { parseClaims, parseList, parseOrigin, parseSeconds } from '../../../src/inputs/parse.ts';
import { characterCount, quote } from '../../../src/output/text.ts';

/** Returns the value that a parser reads from a text, and the problems that it reports. */
function read<T>(parse: (text: string, report: Report) => T, text: string): { value: T; problems: string[] } {
  const problems: string[] = [];
  const value = parse(text, (problem) => problems.push(problem));
  return { value, problems };
}

/** The characters that a scope may have (RFC 6749, section 3.3), without the comma, which separates scopes. */
const SCOPE_CHARACTERS = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).filter(
  (character) => !'",\\'.includes(character),
);
const scopes = fc.uniqueArray(fc.string({ unit: fc.constantFrom(...SCOPE_CHARACTERS), minLength: 1 }));
const anyText = fc.string({ unit: 'grapheme', maxLength: 12 });
const notBlank = anyText.filter((text) => text.trim() !== '');

describe('a list', () => {
  it('comes back as it was given, whatever separates its entries', () => {
    const separator = fc.constantFrom(',', ' ', '\n', '\r\n', '\t', ', ', ' ,\n', ',,');
    fc.assert(
      fc.property(scopes, fc.array(separator), (entries, separators) => {
        fc.pre(!entries[0]?.startsWith('['));
        const text = entries.map((entry, index) => entry + (separators[index] ?? '\n')).join('');
        expect(read(parseList, text)).toEqual({ value: entries, problems: [] });
      }),
    );
  });

  it('comes back as it was given from a JSON array, commas, spaces and quotes in its entries included', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(notBlank, scopes.map(String), fc.constant('a, "b" c'))), (entries) => {
        const texts = entries.filter((entry) => entry.trim() !== '');
        for (const indent of [0, 2])
          expect(read(parseList, JSON.stringify(texts, null, indent))).toEqual({ value: texts, problems: [] });
      }),
    );
  });

  it.each([
    ['commas', 'b,a,b', ['b', 'a']],
    ['lines', 'b\na\nb\n', ['b', 'a']],
    ['JSON', '["b","a","b"]', ['b', 'a']],
  ])('counts a repeated entry once and keeps the order (%s)', (_form, text, value) => {
    expect(read(parseList, text)).toEqual({ value, problems: [] });
  });

  it.each(['', ',', ' \n ,, ', '[]'])('is empty if nothing is named: %j', (text) => {
    expect(read(parseList, text)).toEqual({ value: [], problems: [] });
  });

  it.each(['[', '["a"', '["a",]', "['a']", '[a]', '["a"] b'])('says that JSON is broken: %s', (text) => {
    const { value, problems } = read(parseList, text);
    expect(value).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^got broken JSON, .*; expected a JSON array of strings, or/)]);
    expect(problems[0]).toContain(JSON.stringify(text));
  });

  it('names every wrong entry of a JSON array and keeps the good ones', () => {
    const { value, problems } = read(parseList, '["a", 1, null, "", " ", true, ["b"], {"c": 1}, "d"]');
    expect(value).toEqual(['a', 'd']);
    expect(problems.map((problem) => problem.replace(/; expected strings that are not blank$/, ''))).toEqual([
      'got the entry 1',
      'got the entry null',
      'got the entry ""',
      'got the entry " "',
      'got the entry true',
      'got the entry ["b"]',
      'got the entry {"c":1}',
    ]);
  });
});

describe('claims', () => {
  const key = notBlank.filter((text) => characterCount(text) <= 128);
  const keys = fc.oneof({ weight: 9, arbitrary: key }, { weight: 1, arbitrary: fc.constantFrom('__proto__', 'key') });
  const claims = fc.uniqueArray(fc.record({ key: keys, value: anyText }), { selector: ({ key }) => key, maxLength: 6 });

  it('come back as they were given in key=value lines', () => {
    const lineBreak = fc.constantFrom('\n', '\r\n', '\n\n', ' \n  \n\t');
    const lines = claims.map((all) => all.filter(({ key, value }) => !/=|^\s|\s$/.test(key) && value === value.trim()));
    fc.assert(
      fc.property(lines, lineBreak, fc.constantFrom('=', ' = ', '= '), (all, end, sign) => {
        fc.pre(!/^[[{]/.test(all[0]?.key ?? ''));
        const text = all.map(({ key, value }) => key + sign + value).join(end);
        expect(read(parseClaims, text)).toEqual({ value: all, problems: [] });
      }),
    );
  });

  it('come back as they were given in a JSON object', () => {
    fc.assert(
      fc.property(claims, (all) => {
        const text = JSON.stringify(Object.fromEntries(all.map(({ key, value }) => [key, value])), null, 1);
        const { value, problems } = read(parseClaims, text);
        expect(problems).toEqual([]);
        // JSON.parse puts keys that are numbers first, so the order may differ.
        expect(new Map(value.map(({ key, value }) => [key, value]))).toEqual(
          new Map(all.map(({ key, value }) => [key, value])),
        );
      }),
    );
  });

  it("come back as they were given in the API's own array", () => {
    fc.assert(
      fc.property(claims, (all) => {
        expect(read(parseClaims, JSON.stringify(all))).toEqual({ value: all, problems: [] });
      }),
    );
  });

  it.each([
    ['an equals sign in a value', 'a=b=c==', [{ key: 'a', value: 'b=c==' }]],
    ['an empty value', 'a=', [{ key: 'a', value: '' }]],
    ['white space around key and value', '  a =  b c  ', [{ key: 'a', value: 'b c' }]],
    ['line breaks of old', 'a=b\rc=d', [{ key: 'a', value: 'b' }].concat({ key: 'c', value: 'd' })],
    ['line breaks of Windows', 'a=b\r\nc=d\r\n', [{ key: 'a', value: 'b' }].concat({ key: 'c', value: 'd' })],
    ['a number', '{"a": 125}', [{ key: 'a', value: '125' }]],
    ['a number that a double cannot hold', '{"a": 9007199254740993}', [{ key: 'a', value: '9007199254740993' }]],
    ['the largest exact number', '{"a": 9007199254740991}', [{ key: 'a', value: '9007199254740991' }]],
    ['a boolean', '[{"key": "a", "value": false}]', [{ key: 'a', value: 'false' }]],
    ['an empty value in JSON', '{"a": ""}', [{ key: 'a', value: '' }]],
    [
      'a value that looks like a key',
      '{"a": "\\"a\\":", "b": "a"}',
      [{ key: 'a', value: '"a":' }].concat({ key: 'b', value: 'a' }),
    ],
    ['__proto__ in lines', '__proto__=x', [{ key: '__proto__', value: 'x' }]],
    ['__proto__ in an object', '{"__proto__": "x"}', [{ key: '__proto__', value: 'x' }]],
    ['nothing', '', []],
    ['an empty object', '{}', []],
    ['an empty array', '[]', []],
  ])('may have %s', (_what, text, value) => {
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
    ['null', '{"a": null}', 'got null for the key "a"; expected a string (quote numbers that are not whole)'],
    ['a list', '{"a": ["b"]}', 'got ["b"] for the key "a"; expected a string (quote numbers that are not whole)'],
    ['an object', '{"a": {}}', 'got {} for the key "a"; expected a string (quote numbers that are not whole)'],
    ['an entry without a value', '[{"key": "a"}]', 'got the entry {"key":"a"}; expected {"key": "…", "value": "…"}'],
    ['an entry without a key', '[{"value": "a"}]', 'got the entry {"value":"a"}; expected {"key": "…", "value": "…"}'],
    [
      'a key that is a number',
      '[{"key": 1, "value": "a"}]',
      'got the entry {"key":1,"value":"a"}; expected {"key": "…", "value": "…"}',
    ],
    [
      'an entry with more',
      '[{"key": "a", "value": "b", "c": 1}]',
      'got the entry {"key":"a","value":"b","c":"1"}; expected {"key": "…", "value": "…"}',
    ],
    [
      'an entry with a __proto__',
      '[{"key": "a", "value": "b", "__proto__": 1}]',
      'got the entry {"key":"a","value":"b","__proto__":"1"}; expected {"key": "…", "value": "…"}',
    ],
    ['a null in an array', '[null]', 'got the entry null; expected {"key": "…", "value": "…"}'],
    [
      'a number that JSON would rewrite',
      '{"a": 1.10}',
      'got 1.1 for the key "a"; expected a string (quote numbers that are not whole)',
    ],
    ['a text in an array', '["a=b"]', 'got the entry "a=b"; expected {"key": "…", "value": "…"}'],
  ])('must not have %s', (_what, text, problem) => {
    expect(read(parseClaims, text).problems).toEqual([problem]);
  });

  it.each([
    ['beside a value that is none', '{"a":"1","a":"2","b":null}'],
    ['in the API’s own form', '[{"key":"a","value":"1","value":"2"}]'],
    ['spelt differently', '{"a":"1","\\u0061":"2"}'],
  ])('must not have the same key twice, %s', (_what, text) => {
    expect(read(parseClaims, text).problems).toEqual(
      expect.arrayContaining([expect.stringMatching(/^got the key "(a|value)" twice; expected each key once$/)]),
    );
  });

  it('may have the same key in different objects', () => {
    const text = '[{"key":"a","value":"1"},{"key":"b","value":"{\\"b\\":1,\\"b\\":2}"}]';
    expect(read(parseClaims, text).problems).toEqual([]);
  });

  it('and entries of a list that are nested however deep are refused, not fatal', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expect(read(parseClaims, `{"a":${deep}}`).problems).toEqual([expect.stringMatching(/^got broken JSON/)]);
    expect(read(parseList, `["a",${deep}]`).problems).toEqual([
      expect.stringMatching(/^got the entry one that is nested/),
    ]);
  });

  it.each(['1e400', '-1e400'])('must not have a number that is none any more: %s', (number) => {
    const { value, problems } = read(parseClaims, `{"a": ${number}}`);
    expect(value).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  it.each(['{', '[', '{a: 1}', '{"a": 1,}', '{"a": 1} {"b": 2}', '[{"key": "a", "value": "b"}'])(
    'are reported if JSON is broken: %s',
    (text) => {
      const { value, problems } = read(parseClaims, text);
      expect(value).toEqual([]);
      expect(problems).toEqual([
        `got broken JSON, ${quote(text)}; expected key=value lines, a JSON object, or a JSON array of {"key", "value"}`,
      ]);
    },
  );

  it.each([
    ['lines', (key: string) => `${key}=x`],
    ['an object', (key: string) => JSON.stringify({ [key]: 'x' })],
    ['an array', (key: string) => JSON.stringify([{ key, value: 'x' }])],
  ])('have keys of up to 128 code points (%s)', (_form, text) => {
    for (const character of ['k', '😀']) {
      const key = character.repeat(128);
      expect(read(parseClaims, text(key))).toEqual({ value: [{ key, value: 'x' }], problems: [] });
      expect(read(parseClaims, text(key + character)).problems).toEqual([
        expect.stringMatching(/^got the key .* of 129 characters; expected 128 at most$/),
      ]);
    }
  });

  it('are all read, so that one fault does not hide the next', () => {
    const { value, problems } = read(parseClaims, `good=1\nbad\n=empty\ngood=2\n${'k'.repeat(129)}=long\nlast=3`);
    expect(problems).toHaveLength(4);
    expect(value).toContainEqual({ key: 'last', value: '3' });
  });
});

describe('seconds', () => {
  it.each([
    ['1', 1],
    ['3600', 3600],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('are a whole number in decimal digits: %s', (text, value) => {
    expect(read((text, report) => parseSeconds(text, 1, Number.MAX_SAFE_INTEGER, report), text)).toEqual({
      value,
      problems: [],
    });
  });

  it.each([
    '',
    '0',
    '00',
    '01',
    '-1',
    '+1',
    '1.5',
    '1.0',
    '1e3',
    '0x10',
    '1s',
    '1 000',
    '1_000',
    '١',
    'NaN',
    'Infinity',
  ])('are nothing else: %j', (text) => {
    const { value, problems } = read((text, report) => parseSeconds(text, 1, 1000, report), text);
    expect(problems).toEqual([`got ${JSON.stringify(text)}; expected a whole number of seconds from 1 to 1000`]);
    expect(value).toBe(1);
  });

  it.each(['9007199254740992', '9007199254740993', '9'.repeat(400)])('are exact as a double: not %s', (text) => {
    expect(read((text, report) => parseSeconds(text, 1, Number.MAX_SAFE_INTEGER, report), text).problems).toHaveLength(
      1,
    );
  });

  it('are within the bounds, which the report names', () => {
    fc.assert(
      fc.property(fc.nat(5000), (seconds) => {
        const { value, problems } = read((text, report) => parseSeconds(text, 5, 3600, report), String(seconds));
        if (seconds >= 5 && seconds <= 3600) expect({ value, problems }).toEqual({ value: seconds, problems: [] });
        else expect(problems).toEqual([`got "${seconds}"; expected a whole number of seconds from 5 to 3600`]);
      }),
    );
  });
});

describe('the address of an environment', () => {
  it.each([
    ['acme.scalekit.com', 'https://acme.scalekit.com'],
    ['acme.scalekit.com/', 'https://acme.scalekit.com'],
    ['https://acme.scalekit.com', 'https://acme.scalekit.com'],
    ['https://acme.scalekit.com/', 'https://acme.scalekit.com'],
    ['HTTPS://Acme.Scalekit.COM', 'https://acme.scalekit.com'],
    ['https://acme.scalekit.com:443', 'https://acme.scalekit.com'],
    ['auth.acme.example:8443', 'https://auth.acme.example:8443'],
    ['localhost:3000', 'https://localhost:3000'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://127.0.0.1:3000/', 'http://127.0.0.1:3000'],
    ['http://127.1.2.3', 'http://127.1.2.3'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ])('may be written as %s', (text, value) => {
    expect(read(parseOrigin, text)).toEqual({ value, problems: [] });
  });

  it.each([
    ['http://acme.scalekit.com', 'expected https (http on loopback alone)'],
    ['http://localhost.example', 'expected https (http on loopback alone)'],
    ['http://127.0.0.1.example', 'expected https (http on loopback alone)'],
    ['http://10.0.0.1', 'expected https (http on loopback alone)'],
    ['http://[::2]', 'expected https (http on loopback alone)'],
    ['ftp://acme.scalekit.com', 'expected https (http on loopback alone)'],
    ['ws://acme.scalekit.com', 'expected https (http on loopback alone)'],
    ['https://user@acme.scalekit.com', 'with credentials; expected the address of the environment alone'],
    ['https://:pass@acme.scalekit.com', 'with credentials; expected the address of the environment alone'],
    ['user:pass@acme.scalekit.com', 'with credentials; expected the address of the environment alone'],
    ['https://acme.scalekit.com/oauth/token', 'with a path; expected the address of the environment alone'],
    ['acme.scalekit.com/api', 'with a path; expected the address of the environment alone'],
    ['https://acme.scalekit.com?', 'with a query; expected the address of the environment alone'],
    ['acme.scalekit.com?a=b', 'with a query; expected the address of the environment alone'],
    ['https://acme.scalekit.com#', 'with a fragment; expected the address of the environment alone'],
    ['https://a@b.example/c?d#e', 'with credentials and a path and a query and a fragment; expected'],
    ['https:', 'which is not a URL; expected the address of the environment alone'],
    ['https:/acme.scalekit.com', 'which is not a URL; expected the address of the environment alone'],
    ['https://', 'which is not a URL; expected the address of the environment alone'],
    ['https://acme.scalekit.com:99999', 'which is not a URL; expected the address of the environment alone'],
    ['https://acme .scalekit.com', 'which is not a URL; expected the address of the environment alone'],
    ['https://acme.scalekit.com\\oauth', 'which is not a URL; expected the address of the environment alone'],
    ['https://acme\t.scalekit.com', 'which is not a URL; expected the address of the environment alone'],
    ['javascript:alert(1)', 'which is not a URL; expected the address of the environment alone'],
  ])('may not be written as %j', (text, problem) => {
    const { problems } = read(parseOrigin, text);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toMatch(/^got "/);
  });

  it('names every fault of one address', () => {
    const { problems } = read(parseOrigin, 'http://user@acme.scalekit.com/path');
    expect(problems.join('\n')).toMatch(/credentials and a path.*\n.*expected https/);
  });

  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.constantFrom('localhost', '127.0.0.1', '[::1]', 'a', ''));
  const scheme = fc.constantFrom(
    '',
    'https://',
    'http://',
    'HTTP://',
    'ftp://',
    'ws://',
    '//',
    'https:/',
    'blob:https://',
  );
  const address = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc
      .tuple(scheme, fc.constantFrom('', 'a@', ':b@'), host, fc.constantFrom('', ':80', ':x', '/', '/p', '?q', '#f'))
      .map((parts) => parts.join('')),
  );

  it('leads, if nothing was reported, to https or to http on loopback, and says nothing else', () => {
    fc.assert(
      fc.property(address, (text) => {
        const { value, problems } = read(parseOrigin, text);
        if (problems.length > 0) return;
        const url = new URL(value);
        expect(url.origin).toBe(value);
        if (url.protocol !== 'https:') {
          expect(url.protocol).toBe('http:');
          expect(url.hostname).toMatch(/^(localhost|127(\.\d+){3}|\[::1\])$/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('has no credentials, path, query or fragment if nothing was reported', () => {
    const extras = fc
      .record({
        credentials: fc.constantFrom('', 'a@', 'a:b@', ':b@'),
        path: fc.constantFrom('', '/a', '//', '/a/'),
        query: fc.constantFrom('', '?', '?a=b'),
        fragment: fc.constantFrom('', '#', '#a'),
      })
      .filter((parts) => Object.values(parts).join('') !== '');
    fc.assert(
      fc.property(fc.constantFrom('', 'https://'), fc.domain(), extras, (scheme, host, extra) => {
        const text = `${scheme}${extra.credentials}${host}${extra.path}${extra.query}${extra.fragment}`;
        expect(read(parseOrigin, text).problems).toHaveLength(1);
      }),
    );
  });

  describe('in a report', () => {
    const canary = ['never', 'to', 'be', 'seen'].join('');
    const piece = fc.constantFrom('a', ':', '/', '//', '@', '?', '#', '%40', ' ', '\\', '\n', '.', '[');
    const around = fc.string({ unit: piece, maxLength: 6 });
    const schemes = fc.constantFrom('https://', 'http://', 'ftp://', '');

    it('shows nothing of what stands before an @', () => {
      fc.assert(
        fc.property(schemes, around, around, (scheme, before, after) => {
          const text = `${scheme}${before}${canary}${after}@acme.scalekit.com`;
          // A text before the first :// is a scheme, which is shown.
          fc.pre(scheme !== '' || !/^[a-z][a-z\d+.-]*:\/\//i.test(text));
          expect(read(parseOrigin, text).problems.join('\n')).not.toContain(canary);
        }),
        { numRuns: 1000 },
      );
    });

    it.each(['?', '#', '/path?', '?mail=me@acme.example&token='])('shows nothing of what stands after %s', (sign) => {
      fc.assert(
        fc.property(schemes, around, around, (scheme, before, after) => {
          const { problems } = read(parseOrigin, `${scheme}acme.scalekit.com${sign}${before}${canary}${after}`);
          expect(problems).not.toEqual([]);
          expect(problems.join('\n')).not.toContain(canary);
        }),
      );
    });

    it('shows what helps to find the mistake', () => {
      expect(read(parseOrigin, 'https://me@acme.scalekit.com/').problems[0]).toContain(
        '"https://***@acme.scalekit.com/"',
      );
      expect(read(parseOrigin, 'acme.scalekit.com?token').problems[0]).toContain('"acme.scalekit.com?***"');
    });
  });
});
