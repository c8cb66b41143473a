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

describe('wholeNumber', () => {
  it.each([
    ['1', 1],
    ['3600', 3600],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('wholeNumber accepts decimal digits: %s', (text, value) => {
    expect(read(wholeNumber(1, Number.MAX_SAFE_INTEGER, 'seconds'), text)).toEqual({ value, problems: [] });
  });

  it.each(['', '0', '01', '-1', '+1', '1.0', '1e3', '0x10', '1s', '1_000', '1 000', '١', '３', 'NaN', 'Infinity'])(
    'wholeNumber refuses what is not a whole number in decimal digits: %j',
    (text) => {
      expect(read(wholeNumber(1, 1000, 'seconds'), text)).toEqual({
        value: undefined,
        problems: [`got ${JSON.stringify(text)}; expected a whole number of seconds from 1 to 1000`],
      });
    },
  );

  it.each(['9007199254740992', '9'.repeat(400)])(
    'wholeNumber refuses a number that a double cannot hold: %s',
    (text) => {
      expect(read(wholeNumber(1, Number.MAX_SAFE_INTEGER, 'seconds'), text).problems).toHaveLength(1);
    },
  );

  it.each(['4', '3601', '5000'])('wholeNumber refuses a number out of bounds, and names the bounds: %s', (text) => {
    expect(read(wholeNumber(5, 3600, 'seconds'), text)).toEqual({
      value: undefined,
      problems: [`got "${text}"; expected a whole number of seconds from 5 to 3600`],
    });
  });

  it.each(['5', '6', '3600'])('wholeNumber accepts a number within bounds: %s', (text) => {
    expect(read(wholeNumber(5, 3600, 'seconds'), text)).toEqual({ value: Number(text), problems: [] });
  });
});

describe('parseOrigin', () => {
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
  ])('parseOrigin accepts the address %s', (text, value) => {
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
    ...[
      'https:',
      'https:/acme.scalekit.com',
      '//acme.scalekit.com',
      'https://',
      'https://acme.scalekit.com:99999',
      'https://acme .scalekit.com',
      'https://acme.scalekit.com\\oauth',
      'https://acme\t.scalekit.com',
      'acme',
      'null',
      '"acme.scalekit.com"',
      'https://{}.example',
      'https://a.example,b.example',
      'blob:https://acme.scalekit.com',
      'javascript:alert(1)',
    ].map((text): [string, string] => [text, 'which is not a URL; expected the address of the environment alone']),
  ])('parseOrigin refuses the address %j', (text, problem) => {
    const { problems } = read(parseOrigin, text);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toMatch(/^got "/);
  });

  it('parseOrigin reports every problem of one address', () => {
    const { problems } = read(parseOrigin, 'http://user@acme.scalekit.com/path');
    expect(problems).toEqual([
      expect.stringContaining('with credentials and a path; expected the address of the environment alone'),
      expect.stringContaining(HTTPS_ONLY),
    ]);
  });

  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.constantFrom('localhost', '127.0.0.1', '[::1]', 'a', ''));
  const scheme = fc.constantFrom('', 'https://', 'http://', 'HTTP://', 'ftp://', '//', 'https:/', 'blob:https://');
  const address = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc
      .tuple(scheme, fc.constantFrom('', 'a@', ':b@'), host, fc.constantFrom('', ':80', ':x', '/', '/p', '?q', '#f'))
      .map((parts) => parts.join('')),
  );

  it('parseOrigin accepts no address except the origin of an https URL, or of an http URL on loopback', () => {
    fc.assert(
      fc.property(address, (text) => {
        const { value, problems } = read(parseOrigin, text);
        if (problems.length > 0) return;
        const { origin, protocol, hostname } = new URL(value ?? '');
        expect(origin).toBe(value);
        if (protocol !== 'https:') {
          expect(protocol).toBe('http:');
          expect(hostname).toMatch(/^(localhost|127(\.\d+){3}|\[::1\])$/);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('parseOrigin refuses every address with credentials, a path, a query or a fragment', () => {
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
      { numRuns: 50 },
    );
  });
});

describe('problems that parseOrigin reports', () => {
  const canary = ['never', 'to', 'be', 'seen'].join('');
  const piece = fc.constantFrom('a', ':', '/', '//', '@', '?', '#', '%40', ' ', '\\', '\n', '.', '[');
  const around = fc.string({ unit: piece, maxLength: 6 });
  const schemes = fc.constantFrom('https://', 'http://', 'ftp://', '');

  it('parseOrigin shows nothing of what is before an @', () => {
    fc.assert(
      fc.property(schemes, around, around, (scheme, before, after) => {
        const text = `${scheme}${before}${canary}${after}@acme.scalekit.com`;
        // A text before the first :// is a scheme, which is shown.
        fc.pre(scheme !== '' || !/^[a-z][a-z\d+.-]*:\/\//i.test(text));
        expect(read(parseOrigin, text).problems.join('\n')).not.toContain(canary);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['?', '#', '/path?', '?mail=me@acme.example&token='])(
    'parseOrigin shows nothing of what is after %s',
    (sign) => {
      fc.assert(
        fc.property(schemes, around, around, (scheme, before, after) => {
          const { problems } = read(parseOrigin, `${scheme}acme.scalekit.com${sign}${before}${canary}${after}`);
          expect(problems).not.toEqual([]);
          expect(problems.join('\n')).not.toContain(canary);
        }),
        { numRuns: 50 },
      );
    },
  );

  it.each([
    ['https://me@acme.scalekit.com/', '"https://***@acme.scalekit.com/"'],
    ['acme.scalekit.com?token', '"acme.scalekit.com?***"'],
  ])('parseOrigin shows the rest of the address %s', (text, shown) => {
    expect(read(parseOrigin, text).problems[0]).toContain(shown);
  });
});

describe('parseApiUrl', () => {
  it.each([
    ['https://ghes.acme.example/api/v3/', 'https://ghes.acme.example/api/v3'],
    ['http://127.0.0.1:3000/api', 'http://127.0.0.1:3000/api'],
    ['http://localhost:3000', 'http://localhost:3000'],
  ])("parseApiUrl accepts the address %s of GitHub's API", (text, value) => {
    expect(read(parseApiUrl, text)).toEqual({ value, problems: [] });
  });

  it.each([
    ['http://ghes.acme.example/api/v3'],
    ['ghes.acme.example'],
    [`https://me:${SECRET}@ghes.acme.example`, 'https://***@ghes.acme.example'],
    [`https://ghes.acme.example/?key=${SECRET}`, 'https://ghes.acme.example/?***'],
    [`https://ghes.acme.example/#${SECRET}`, 'https://ghes.acme.example/#***'],
    ['https://ghes.acme.example/api/v3?', 'https://ghes.acme.example/api/v3?***'],
    ['ftp://ghes.acme.example'],
    ['https:/ghes.acme.example'],
    ['https://ghes.acme.example/a b'],
  ])("parseApiUrl refuses an address to which GitHub's token must not be sent: %s", (text, shown = text) => {
    expect(read(parseApiUrl, text)).toEqual({
      value: undefined,
      problems: [
        `got "${shown}"; expected the https address of GitHub's API, such as https://api.github.com (http only for a loopback address)`,
      ],
    });
  });
});

describe('parsers of credentials', () => {
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
  ])('an error about a credential names what was pasted with it, and does not show it: %j', (text, problem) => {
    for (const [what, parse] of PARSERS)
      expect(read(parse, text)).toEqual({ value: text, problems: [`${problem}; expected ${what} alone`] });
    expect(problem).not.toContain(CANARY);
  });

  it.each(['test_', 'live_', 'prod_'])('parseApiClientId refuses a secret, and does not show it: %s…', (prefix) => {
    expect(read(parseApiClientId, prefix + CANARY).problems).toEqual([
      "holds what looks like a secret; expected the id of the environment's API credentials (skc_…)",
    ]);
  });

  it("parsers of Scalekit's credentials refuse a token of GitHub", () => {
    for (const prefix of ['ghp_', 'ghs_', 'gho_', 'ghu_', 'ghr_', 'github_pat_'])
      for (const parse of [parseApiSecret, parseApiClientId])
        expect(read(parse, prefix + CANARY).problems).toEqual([expect.stringMatching(/^holds what looks like a /)]);
  });

  it('parseApiClientId refuses the id of an organization client', () => {
    expect(read(parseApiClientId, 'm2morg_1').problems).toEqual([
      'got "m2morg_1", an organization client; expected the environment\'s API credentials (skc_…)',
    ]);
  });

  it.each(['skc_', 'm2morg_'])('parseApiSecret refuses an id, and shows only its prefix: %s…', (prefix) => {
    expect(read(parseApiSecret, `${prefix}1`).problems).toEqual([
      `holds an id (${prefix}…); expected the secret of the environment's API credentials`,
    ]);
  });

  it.each([
    'fake token',
    'fake\ntoken',
    'fäke-token',
    'fake-token\x7f',
    'fake\u00a0token',
    'fake-67',
    'x'.repeat(49_153),
  ])('a secret or a token that cannot be masked in every form is refused: %#', (text) => {
    const format = 'is not 8 characters to 48 KiB of printable ASCII without spaces; expected';
    expect(read(parseGitHubToken, text).problems).toEqual([`${format} a GitHub token`]);
    expect(read(parseApiSecret, text).problems).toEqual([`${format} the secret of the environment's API credentials`]);
  });

  it.each(['skc_1 2', 'skc_1\n2', 'skc_é'])('parseApiClientId refuses characters that no id has: %j', (text) => {
    expect(read(parseApiClientId, text).problems).toEqual([
      "holds characters that no id has; expected the id of the environment's API credentials (skc_…)",
    ]);
  });

  it.each(['Ab1=xxxx', 'Ab1:xxxx', 'aa=bb=cc', 'long-id=', 'secret-x:'])(
    'a credential may contain an equals sign or a colon: %s',
    (text) => {
      for (const [, parse] of PARSERS) expect(read(parse, text)).toEqual({ value: text, problems: [] });
    },
  );

  it('credentials in the usual forms are accepted', () => {
    const word = fc.stringMatching(/^[\w-]{8,28}={0,2}$/);
    fc.assert(
      fc.property(word, (text) => {
        fc.pre(!/^((test|live|prod|m2morg|skc)_|null$|undefined$)/.test(text));
        for (const [, parse] of PARSERS) expect(read(parse, text)).toEqual({ value: text, problems: [] });
        expect(read(parseApiClientId, `skc_${'x'.repeat(40)}${text}`).problems).toEqual([]);
        expect(read(parseApiSecret, `test_${'x'.repeat(40)}${text}`).problems).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('parsers of text', () => {
  it.each(['null', 'undefined', '{}', '""', "''", '[object Object]', '[object Array]'])(
    'bounded refuses what an expression without a value becomes: %s',
    (text) => {
      expect(read(bounded(20), text).problems).toEqual([
        `got ${JSON.stringify(text)}; expected a text. It probably comes from an expression without a value`,
      ]);
    },
  );

  it.each(['Null', 'nullable', '"a"', "'", ';', '#1', 'preview/pr-7', 'прод', '👩‍💻', 'a\u200bb', '{a}', '[object]'])(
    'bounded accepts any other short text: %j',
    (text) => {
      expect(read(bounded(20), text)).toEqual({ value: text, problems: [] });
    },
  );

  it('visible refuses a text with an invisible character, and shows the character', () => {
    const parse = (text: string) => text;
    expect(read(visible(parse), 'a\u00adb\u200b')).toEqual({
      value: undefined,
      problems: ['got "a\\u00adb\\u200b" with the invisible character \\u00ad; expected none'],
    });
    expect(read(visible(parse), 'é 😀\u00a0\u0301')).toEqual({ value: 'é 😀\u00a0\u0301', problems: [] });
  });

  it('visible shows nothing of a URL except its host if quoteUrl is given', () => {
    expect(
      read(
        visible((text) => text, quoteUrl),
        `https://me:${SECRET}@acme.example\u200b`,
      ).problems,
    ).toEqual(['got "https://***@acme.example\\u200b" with the invisible character \\u200b; expected none']);
  });
});

describe('parseBoolean', () => {
  it.each(['true', 'True', 'TRUE', 'false', 'False', 'FALSE'])(
    'parseBoolean accepts the spelling of YAML: %s',
    (text) => {
      expect(read(parseBoolean, text)).toEqual({ value: text.toLowerCase() === 'true', problems: [] });
    },
  );

  it.each(['yes', '1', 'on', 'tRUE', 'true\u200b', 'truе', '"true"', 'null'])(
    'parseBoolean refuses any other text: %j',
    (text) => {
      expect(read(parseBoolean, text)).toEqual({
        value: undefined,
        problems: [`got ${quote(text)}; expected true or false`],
      });
    },
  );
});

it('choice accepts only one of its words in exactly this spelling', () => {
  const parse = choice(['a', 'b', 'c']);
  expect(read(parse, 'c')).toEqual({ value: 'c', problems: [] });
  for (const text of ['A', 'a b', '"a"', 'constructor', '0'])
    expect(read(parse, text)).toEqual({ value: undefined, problems: [`got ${quote(text)}; expected "a", "b" or "c"`] });
});
