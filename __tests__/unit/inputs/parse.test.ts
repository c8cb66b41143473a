import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  bounded,
  choice,
  parseApiClientId,
  parseApiSecret,
  parseApiUrl,
  parseBoolean,
  parseGitHubToken,
  parseOrigin,
  visible,
  wholeNumber,
} from '../../../src/inputs/parse.ts';
import { quote, quoteUrl } from '../../../src/output/text.ts';
import { read, SECRET } from '../input-fixtures.ts';

const HTTPS_ONLY =
  "expected https, since the environment's API secret is sent there (http only for a loopback address)";

describe('seconds', () => {
  it.each([
    ['1', 1],
    ['3600', 3600],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('are a whole number in decimal digits: %s', (text, value) => {
    expect(read(wholeNumber(1, Number.MAX_SAFE_INTEGER, 'seconds'), text)).toEqual({ value, problems: [] });
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
    const { value, problems } = read(wholeNumber(1, 1000, 'seconds'), text);
    expect(problems).toEqual([`got ${JSON.stringify(text)}; expected a whole number of seconds from 1 to 1000`]);
    expect(value).toBeUndefined();
  });

  it.each(['9007199254740992', '9007199254740993', '9'.repeat(400)])('are exact as a double: not %s', (text) => {
    expect(read(wholeNumber(1, Number.MAX_SAFE_INTEGER, 'seconds'), text).problems).toHaveLength(1);
  });

  it('are within the bounds, which the report names', () => {
    fc.assert(
      fc.property(fc.nat(5000), (seconds) => {
        const { value, problems } = read(wholeNumber(5, 3600, 'seconds'), String(seconds));
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
    ['http://acme.scalekit.com', HTTPS_ONLY],
    ['http://localhost.example', HTTPS_ONLY],
    ['http://127.0.0.1.example', HTTPS_ONLY],
    ['http://10.0.0.1', HTTPS_ONLY],
    ['http://[::2]', HTTPS_ONLY],
    ['ftp://acme.scalekit.com', HTTPS_ONLY],
    ['ws://acme.scalekit.com', HTTPS_ONLY],
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
    ['acme', 'which is not a URL; expected the address of the environment alone'],
    ['null', 'which is not a URL; expected the address of the environment alone'],
    ['***', 'which is not a URL; expected the address of the environment alone'],
    ['"acme.scalekit.com"', 'which is not a URL; expected the address of the environment alone'],
    ['https://{}.example', 'which is not a URL; expected the address of the environment alone'],
    ['https://a.example,b.example', 'which is not a URL; expected the address of the environment alone'],
    ['javascript:alert(1)', 'which is not a URL; expected the address of the environment alone'],
  ])('may not be written as %j', (text, problem) => {
    const { problems } = read(parseOrigin, text);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toMatch(/^got "/);
  });

  it('names every fault of one address', () => {
    const { problems } = read(parseOrigin, 'http://user@acme.scalekit.com/path');
    expect(problems).toEqual([
      expect.stringContaining('with credentials and a path; expected the address of the environment alone'),
      expect.stringContaining(HTTPS_ONLY),
    ]);
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
        const url = new URL(value ?? '');
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

describe("the address of GitHub's API", () => {
  it.each([
    ['https://ghes.acme.example/api/v3/', 'https://ghes.acme.example/api/v3'],
    ['http://127.0.0.1:3000/api', 'http://127.0.0.1:3000/api'],
    ['http://localhost:3000', 'http://localhost:3000'],
  ])('may be %s', (text, value) => {
    expect(read(parseApiUrl, text)).toEqual({ value, problems: [] });
  });

  it.each([
    ['http://ghes.acme.example/api/v3'],
    ['ghes.acme.example'],
    [`https://me:${SECRET}@ghes.acme.example`, 'https://***@ghes.acme.example'],
    [`https://ghes.acme.example/?key=${SECRET}`, 'https://ghes.acme.example/?***'],
    [`https://ghes.acme.example/#${SECRET}`, 'https://ghes.acme.example/#***'],
    ['https://ghes.acme.example/api/v3?', 'https://ghes.acme.example/api/v3?***'],
    ['https://ghes.acme.example/api/v3#', 'https://ghes.acme.example/api/v3#***'],
    ['ftp://ghes.acme.example'],
    ['https:/ghes.acme.example'],
    ['https://ghes.acme.example/a b'],
  ])('is refused if the token would not be safe there: %s', (text, shown = text) => {
    expect(read(parseApiUrl, text)).toEqual({
      value: undefined,
      problems: [
        `got "${shown}"; expected the https address of GitHub's API, such as https://api.github.com (http only for a loopback address)`,
      ],
    });
  });
});

describe('a credential', () => {
  const PARSERS = [
    ['a GitHub token', parseGitHubToken],
    ["the id of the environment's API credentials (skc_…)", parseApiClientId],
    ["the secret of the environment's API credentials", parseApiSecret],
  ] as const;
  const CANARY = ['Zq7w', 'Xv9k', 'Yj8f'].join('');

  it.each<[text: string, problem: string]>([
    ...['""', "''", '“”', '‘’', '„“', '«»', '``'].map(([open, close]): [string, string] => [
      `${open}${CANARY}${close}`,
      'has quotes around it',
    ]),
    [`"${CANARY}`, 'has quotes around it'],
    [`${CANARY}'`, 'has quotes around it'],
    [`SCALEKIT_CLIENT_SECRET=${CANARY}`, 'has a name and "=" in front of it'],
    [`client_id = ${CANARY}`, 'has a name and "=" in front of it'],
    [`GITHUB_TOKEN: ${CANARY}`, 'has a name and ":" in front of it'],
    [`export TOKEN=${CANARY}`, 'has a name and "=" in front of it'],
    [`-e SECRET=${CANARY}`, 'has a name and "=" in front of it'],
    [`$env:API_KEY = ${CANARY}`, 'has a name and "=" in front of it'],
    [`X="${CANARY}"`, 'has quotes around it'],
    // The text before the sign may be a part of the secret.
    [`${CANARY}_secret=x`, 'has a name and "=" in front of it'],
    ['***', 'holds a placeholder'],
    ['null', 'holds a placeholder'],
    ['{}', 'holds a placeholder'],
    [`${CANARY}\u200b`, 'holds the invisible character \\u200b'],
    [`\u202e${CANARY}`, 'holds the invisible character \\u202e'],
    [`${CANARY}\u{e0001}x`, 'holds the invisible character \\udb40\\udc01'],
  ])('is refused with what it was pasted with, and the error does not show it: %j', (text, problem) => {
    for (const [what, parse] of PARSERS)
      expect(read(parse, text)).toEqual({ value: text, problems: [`${problem}; expected ${what} alone`] });
    expect(problem).not.toContain(CANARY);
  });

  it('of the environment is refused if id and secret are swapped, and the error does not show the secret', () => {
    const id = "expected the id of the environment's API credentials (skc_…)";
    for (const secret of [`test_${CANARY}`, `live_${CANARY}`, `prod_${CANARY}`])
      expect(read(parseApiClientId, secret).problems).toEqual([`holds what looks like a secret; ${id}`]);
    expect(read(parseApiClientId, 'm2morg_1').problems).toEqual([
      'got "m2morg_1", an organization client; expected the environment\'s API credentials (skc_…)',
    ]);
    const secret = "expected the secret of the environment's API credentials";
    for (const prefix of ['skc_', 'm2morg_'])
      expect(read(parseApiSecret, `${prefix}1`).problems).toEqual([`holds an id (${prefix}…); ${secret}`]);
  });

  it.each([
    'fake token',
    'fake\ntoken',
    'fäke-token',
    'fake-token\x7f',
    'fake\u00a0token',
    'fake-67',
    'x'.repeat(49_153),
  ])('is refused as a secret or token that cannot be masked in every form: %#', (text) => {
    const format = 'is not 8 characters to 48 KiB of printable ASCII without spaces; expected';
    expect(read(parseGitHubToken, text).problems).toEqual([`${format} a GitHub token`]);
    expect(read(parseApiSecret, text).problems).toEqual([`${format} the secret of the environment's API credentials`]);
  });

  it.each(['skc_1 2', 'skc_1\n2', 'skc_é'])('is refused as an id with characters that no id has: %j', (text) => {
    const problems = ["holds characters that no id has; expected the id of the environment's API credentials (skc_…)"];
    expect(read(parseApiClientId, text).problems).toEqual(problems);
  });

  it.each(['Ab1=xxxx', 'Ab1:xxxx', 'aa=bb=cc', 'long-id=', 'secret-x:'])('may have these signs: %j', (text) => {
    for (const [, parse] of PARSERS) expect(read(parse, text)).toEqual({ value: text, problems: [] });
  });

  it('of the usual forms is accepted', () => {
    const word = fc.stringMatching(/^[\w-]{8,28}={0,2}$/);
    fc.assert(
      fc.property(word, (text) => {
        fc.pre(!/^((test|live|prod|m2morg|skc)_|null$|undefined$)/.test(text));
        for (const [, parse] of PARSERS) expect(read(parse, text)).toEqual({ value: text, problems: [] });
        expect(read(parseApiClientId, `skc_${'x'.repeat(40)}${text}`).problems).toEqual([]);
        expect(read(parseApiSecret, `test_${'x'.repeat(40)}${text}`).problems).toEqual([]);
      }),
    );
  });
});

describe('a text', () => {
  it.each(['null', 'undefined', '{}', '""', "''", '[object Object]', '[object Array]'])(
    'is refused if an expression without a value became %s',
    (text) => {
      expect(read(bounded(20), text).problems).toEqual([
        `got ${JSON.stringify(text)}; expected a text. It probably comes from an expression without a value`,
      ]);
    },
  );

  it.each([
    'Null',
    'nullable',
    '"a"',
    "'",
    ';',
    '-',
    '#1',
    '100 %',
    'preview/pr-7',
    'прод',
    '👩‍💻',
    'a\u200bb',
    '{a}',
    '[object]',
  ])('may be nearly anything else: %j', (text) => {
    expect(read(bounded(20), text)).toEqual({ value: text, problems: [] });
  });

  it('is refused if it has an invisible character and none is allowed, and shows nothing of a URL but its host', () => {
    const parse = (text: string) => text;
    expect(read(visible(parse), 'a\u00adb\u200b')).toEqual({
      value: undefined,
      problems: ['got "a\\u00adb\\u200b" with the invisible character \\u00ad; expected none'],
    });
    expect(read(visible(parse, quoteUrl), `https://me:${SECRET}@acme.example\u200b`).problems).toEqual([
      'got "https://***@acme.example\\u200b" with the invisible character \\u200b; expected none',
    ]);
    expect(read(visible(parse), 'é 😀\u00a0\u0301')).toEqual({ value: 'é 😀\u00a0\u0301', problems: [] });
  });
});

describe('true and false', () => {
  it.each(['true', 'True', 'TRUE', 'false', 'False', 'FALSE'])('may be spelt %s, as in YAML', (text) => {
    expect(read(parseBoolean, text)).toEqual({ value: text.toLowerCase() === 'true', problems: [] });
  });

  it.each([
    'yes',
    'no',
    '1',
    '0',
    'on',
    'tRUE',
    'true\u200b',
    'truе',
    'ｔｒｕｅ',
    '"true"',
    'true false',
    '[]',
    'null',
  ])('are nothing else: %j', (text) => {
    expect(read(parseBoolean, text)).toEqual({
      value: undefined,
      problems: [`got ${quote(text)}; expected true or false`],
    });
  });
});

it('a choice is one of its words in exactly this spelling', () => {
  const parse = choice(['a', 'b', 'c']);
  expect(read(parse, 'c')).toEqual({ value: 'c', problems: [] });
  for (const text of ['A', 'a b', '"a"', 'constructor', '0'])
    expect(read(parse, text)).toEqual({ value: undefined, problems: [`got ${quote(text)}; expected "a", "b" or "c"`] });
});
