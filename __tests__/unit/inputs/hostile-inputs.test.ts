import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { InputError } from '../../../src/client/faults.ts';
import { readRunner } from '../../../src/github/runner.ts';
import {
  type Inputs,
  readAuditInputs,
  readDeleteInputs,
  readInputs,
  readSweepInputs,
} from '../../../src/inputs/inputs.ts';
import { parseClaims, parseList } from '../../../src/inputs/lists.ts';
import { parseOrigin } from '../../../src/inputs/parse.ts';
import * as log from '../../../src/output/log.ts';
import { quoteUrl } from '../../../src/output/text.ts';
import {
  EXPRESSION,
  inputError,
  NO_INPUTS,
  RUNNER,
  SECRET,
  setInputs,
  useCleanInputs,
  type Values,
} from '../input-fixtures.ts';

// These tests take long, and other test files run at the same time.
jest.setTimeout(120_000);

// Any value of an input or a variable is either accepted as it is, or refused with an InputError.

const printed = useCleanInputs();

const SECRET_INPUTS = ['scalekit_client_secret', 'github_token'];
const isOpen = (name: string): boolean => !SECRET_INPUTS.includes(name);
/** Characters of the longest input: Linux does not allow a longer variable (MAX_ARG_STRLEN). */
const MAX_INPUT_LENGTH = 131_071;
const ACTIONS = [
  ['the action', 'action.yml', readInputs],
  ['delete/', 'delete/action.yml', readDeleteInputs],
  ['sweep/', 'sweep/action.yml', readSweepInputs],
  ['audit/', 'audit/action.yml', readAuditInputs],
] as const;

const inputsOf = (file: string): string[] => Object.keys(parse(readFileSync(file, 'utf8')).inputs);

const GITHUB_TOKEN = `github_pat_${'aB3'.repeat(30)}`;

/** Valid values of each input. If most inputs are valid, the later checks run as well. */
const VALID: Record<string, string[]> = {
  scalekit_environment_url: ['acme.scalekit.com', 'https://acme.scalekit.com/'],
  scalekit_client_id: ['skc_1'],
  scalekit_client_secret: [SECRET],
  organization_id: ['org_1'],
  organization_external_id: ['acme'],
  client_id: ['m2morg_1'],
  scopes: ['deploy:apps', '["deploy:apps"]'],
  audience: ['api.acme.example'],
  custom_claims: ['team=a', '{"team":"a"}'],
  expiry: ['3600'],
  repository_claims: ['none', 'github_repository'],
  environment: ['production'],
  repository: ['acme/app', 'acme/other'],
  lifetime: ['persistent', 'job'],
  on_existing: ['rotate', 'reuse', 'replace', 'fail'],
  rotate_after: ['1', '3650'],
  keep_secrets: ['1', '5'],
  verify: ['true', 'false'],
  access_token: ['true', 'false'],
  save_to: ['none', 'repository', 'environment'],
  save_as: ['SAVED'],
  github_token: [GITHUB_TOKEN],
  dry_run: ['true', 'false'],
  timeout: ['5', '3600'],
  max_deletions: ['1000'],
  max_secret_age: ['1', '3650'],
  max_secrets: ['1', '100'],
  fail_on_findings: ['true', 'false'],
};

/** Variables that a reader uses, and some others of the same kinds. */
const VARIABLES = [
  'SCALEKIT_ENVIRONMENT_URL',
  'SCALEKIT_ENV_URL',
  'SCALEKIT_CLIENT_ID',
  'SCALEKIT_CLIENT_SECRET',
  'SCALEKIT_ORGANIZATION_ID',
  'GITHUB_REPOSITORY',
  'GITHUB_REPOSITORY_ID',
  'GITHUB_REPOSITORY_OWNER',
  'GITHUB_RUN_ID',
  'GITHUB_RUN_ATTEMPT',
  'GITHUB_API_URL',
  'GITHUB_ACTOR',
  'GITHUB_EVENT_NAME',
  'GITHUB_EVENT_PATH',
  'GITHUB_OUTPUT',
  'GITHUB_REF',
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'RUNNER_TEMP',
];

/** Pieces of text that have a meaning for a parser, a terminal or a runner. */
const PIECES = [
  ...'\0\n\r\t\b\v\f\x1b\x7f\x85\x9b\xa0\xad "\'\\`/?#@:=,;.-_+*&|<>()[]{}%$~^!',
  ...'\u2028\u2029\u200b\u200d\u200e\u202e\u2066\u2069\u061c\ufeff\ufffe\u0301\ud800\udfff',
  ...['\r\n', '..', '../', '//', '://', 'https://', 'http://', 'javascript:', '%0A', '%00', '::', '##[', '<<', '=='],
  ...['::error::x', '::stop-commands::x', '##[error]x', EXPRESSION, EXPRESSION.slice(0, 3), 'ghadelimiter_', 'EOF'],
  ...['__proto__', 'constructor', 'toString', 'null', 'undefined', 'NaN', 'true', 'none', 'job', 'environment'],
  ...['org_', 'm2morg_', 'skc_', 'github_', 'github_repo_property_', 'github_repository', 'acme/app', '127.0.0.1'],
  ...['оrg_1', 'асme', '１', '٣', '1e3', '0x10', '-0', '+5', '5.0', '1_000', '😀', 'é', 'e\u0301', 'ﷺ', 'İ', 'K'],
  ...[' #', '\n# ', '- ', '\n- ', 'a=', ', b=', '{}', '[object Object]', '“', '”', 'test_', 'SECRET=', '\ufeff\n'],
  ...['[', '["', '{"', '"}', '"]', '[[', '[{"key":"a","value":', '{"a":', '":"', '","', '\\u0000', '\\ud800'],
];

const pieces = fc.array(
  fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom(...'abc123')),
  { maxLength: 12 },
);
const json = fc.json({ maxDepth: 4, stringUnit: 'binary', noUnicodeString: false } as fc.JsonSharedConstraints);
const name = pieces.map((all) => all.join(''));
const list = fc
  .array(
    fc.oneof(
      name,
      name.map((text) => `github_repo_property_${text}`),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) => JSON.stringify(all));
const hostile = fc.oneof(
  { weight: 2, arbitrary: list },
  { weight: 5, arbitrary: name },
  { weight: 2, arbitrary: json },
  { weight: 1, arbitrary: fc.tuple(json, fc.nat(40)).map(([text, end]) => text.slice(0, end)) },
  { weight: 1, arbitrary: fc.tuple(pieces, fc.nat(400)).map(([all, times]) => all.join('').repeat(times)) },
);

/** Random inputs. Most are valid or missing, and some are hostile. */
const inputRecords = (names: string[]) =>
  fc.record(
    Object.fromEntries(
      names.map((name) => {
        const valid = fc.constantFrom(...(VALID[name] ?? ['1']));
        const invalid = isOpen(name) ? hostile : fc.constantFrom(...SECRETS);
        const [validWeight, missingWeight] = name in NO_INPUTS || name === 'github_token' ? [30, 1] : [2, 20];
        return [
          name,
          fc.oneof(
            { weight: validWeight, arbitrary: valid },
            { weight: missingWeight, arbitrary: fc.constant(undefined) },
            { weight: 2, arbitrary: invalid },
          ),
        ];
      }),
    ) as Record<string, fc.Arbitrary<string | undefined>>,
  );

/** At most one variable, empty or hostile. */
const variables = fc.dictionary(
  fc.constantFrom(...VARIABLES.filter((name) => !/SECRET/.test(name))),
  fc.oneof(fc.constant(''), hostile),
  { maxKeys: 1 },
);

const SEPARATORS = ['', '@', '?', '#', '\n', '%', '"', '\\', '\u202e', '<', EXPRESSION.slice(0, 3)];
/** Matches a part of a secret that createSecret() returns. */
const SECRET_PART = /Fake\d|\dqv/;
/** Returns a new secret of two parts. It is longer than an error shows of a value. No error may show a part of it. */
const createSecret = (separator: string): string =>
  [1, 2].map((part) => `Fake${part}${randomBytes(15).toString('hex')}${part}qv`.repeat(2)).join(separator);
const SECRETS = SEPARATORS.map(createSecret);

/**
 * Loads a reader that has masked nothing yet, as in a new process.
 * @returns a function that runs the reader, and returns its error as it is printed, or an empty string
 */
async function withoutMasks(action: (typeof ACTIONS)[number][0]): Promise<(env?: Values) => string> {
  jest.resetModules();
  const { readAuditInputs, readInputs, readDeleteInputs, readSweepInputs } = await import(
    '../../../src/inputs/inputs.ts'
  );
  const { fail } = await import('../../../src/output/log.ts');
  const read = {
    'the action': readInputs,
    'delete/': readDeleteInputs,
    'sweep/': readSweepInputs,
    'audit/': readAuditInputs,
  }[action];
  return (env = {}) => {
    try {
      read({ ...RUNNER, ...env });
      return '';
    } catch (error) {
      expect([error, (error as Error).name]).toEqual([error, 'InputError']);
      return shown(error, fail);
    }
  };
}

/** Returns the result of a reader, or its InputError. Any other error passes through. */
function outcome<T>(read: () => T): { value: T } | { error: InputError } {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof InputError) return { error };
    throw error;
  }
}

/** Prints an error and returns the printed text, without what was printed before. */
function shown(error: unknown, fail = log.fail): string {
  const { exitCode } = process;
  const before = printed().length;
  fail(error);
  process.exitCode = exitCode;
  return printed().slice(before);
}

/**
 * Checks that a text is one annotation of one line, without commands or control characters. Before it, there may be the title
 * and a line for each fault.
 */
function checkShown(text: string): void {
  expect(text).toMatch(/^(\d+ bad inputs:\n(- [^\r\n]+\n)+)?::error::[^\r\n]{1,3990}\n$/);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Zl}|\p{Zp}|\p{Bidi_Control}|##\[/u);
}

const originalPrototype: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(Object.prototype);
afterEach(() => expect(Object.getOwnPropertyDescriptors(Object.prototype)).toEqual(originalPrototype));

/** Checks that accepted inputs are safe for what they are used for. */
function checkAccepted(inputs: Partial<Inputs>): void {
  const { origin = '', organization_id, organization_external_id, credentials, timeout = 0, github, saving } = inputs;
  expect(new URL(origin).origin).toBe(origin);
  expect(origin).toMatch(/^(https:\/\/|http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$)/);
  if (organization_id) expect(organization_id).toMatch(/^org_[\w-]{1,28}$/);
  else expect(organization_external_id).not.toMatch(/^\.{0,2}$/);
  expect([credentials?.client_id, credentials?.client_secret]).not.toContain('');
  const ids = [organization_id, organization_external_id, credentials?.client_id, credentials?.client_secret];
  expect(ids.join('')).not.toMatch(/\p{Cf}|^["'`]|["'`]$/u);
  expect(credentials?.client_secret).not.toMatch(/^(skc|m2morg)_/);
  expect(Number.isInteger(timeout) && timeout >= 5 && timeout <= 3600).toBe(true);
  if (github) {
    expect(github.token).toMatch(/^[\x21-\x7e]+$/);
    expect(github.api).toMatch(/^https?:\/\/[^\s?#@]+$/);
  }
  for (const name of saving ? [saving.state_variable, saving.id_variable, saving.secret] : [])
    expect(name).toMatch(/^[a-z_]\w*$/i);
}

function checkClient({ name, description, environment, repository, ...inputs }: Inputs): void {
  const characters = [name, description, environment].map((text) => [...text].length);
  for (const [at, maximum] of [128, 340, 255].entries()) expect(characters[at]).toBeLessThanOrEqual(maximum);
  expect(repository).toMatch(/^$|^[\w.-]+\/[\w.-]+$/);
  for (const scope of inputs.scopes) expect(scope).toMatch(/^[!#-[\]-~]+$/);
  for (const audience of inputs.audience) expect(audience.trim()).not.toBe('');
  const keys = inputs.custom_claims.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  for (const key of keys) expect([...key].length >= 1 && [...key].length <= 128).toBe(true);
  expect(inputs.custom_claims.every(({ value }) => typeof value === 'string')).toBe(true);
  if (inputs.expiry !== undefined) expect(Number.isSafeInteger(inputs.expiry) && inputs.expiry > 0).toBe(true);
  expect(inputs.client_id).toMatch(/^$|^m2morg_[\w-]{1,121}$/);
  expect([1, 2, 3, 4, 5]).toContain(inputs.keep_secrets);
  const { rotate_after = 1 } = inputs;
  expect(Number.isInteger(rotate_after) && rotate_after >= 1 && rotate_after <= 3650).toBe(true);
}

describe.each(ACTIONS)('whatever the inputs and variables of %s are,', (action, file, read) => {
  const names = inputsOf(file);

  it('they are accepted as what they are used for, or refused in one line of log', () => {
    fc.assert(
      fc.property(inputRecords(names), variables, (inputs, env) => {
        setInputs(inputs);
        const result = outcome(() => read({ ...RUNNER, ...env }));
        if ('error' in result) checkShown(shown(result.error));
        else {
          checkAccepted(result.value);
          if (action === 'the action') checkClient(result.value as Inputs);
        }
        expect(printed().replace(/^(::(add-mask|error)::|- |\d+ bad inputs:)[^\r\n]*\n/gm, '')).toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it('each fault has one line, however much text it is about', () => {
    fc.assert(
      fc.property(inputRecords(names), variables, (inputs, env) => {
        setInputs(inputs);
        const result = outcome(() => read({ ...RUNNER, ...env }));
        if (!('error' in result)) return;
        const [first = '', ...rest] = result.error.message.split('\n');
        const count = /^(\d+) bad inputs:$/.exec(first)?.[1];
        const [, omitted = 0] = /^and (\d+) more, listed in the log$/.exec(rest.at(-1) ?? '') ?? [];
        const listed = omitted ? rest.slice(0, -1) : rest;
        if (count) {
          expect(listed.length + Number(omitted)).toBe(Number(count));
          expect(listed.filter((line) => !line.startsWith('- '))).toEqual([]);
        } else expect([first.startsWith('Bad input: '), rest]).toEqual([true, []]);
        for (const line of [first, ...rest]) expect(line.length).toBeLessThan(1000);
      }),
      { numRuns: 300 },
    );
  });

  it('nothing of a secret is shown, even if another input holds it', async () => {
    const fresh = await withoutMasks(action);
    fc.assert(
      fc.property(
        fc.constantFrom(...SEPARATORS),
        inputRecords(names),
        fc.array(fc.constantFrom(...names)),
        (separator, inputs, misplaced) => {
          const [secret, token] = [createSecret(separator), createSecret('')];
          const mixedUp = misplaced.map((name, at) => [name, `${inputs[name] ?? ''}${[secret, token][at % 2]}`]);
          setInputs({ ...inputs, ...Object.fromEntries(mixedUp), scalekit_client_secret: secret, github_token: token });
          expect(fresh()).not.toMatch(SECRET_PART);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('nothing of a secret or a token is shown, even if it is given as another input', async () => {
    const fresh = await withoutMasks(action);
    for (const name of names.filter(isOpen)) {
      for (const before of ['', 'a='.repeat(20)]) {
        for (const input of SECRET_INPUTS) {
          const secret = createSecret('');
          setInputs({ github_token: GITHUB_TOKEN, [input]: secret, [name]: before + secret });
          expect([name, input, fresh()]).toEqual([name, input, expect.not.stringMatching(SECRET_PART)]);
        }
      }
    }
  });
});

describe('an address of another kind than https', () => {
  const ADDRESSES = [
    'foo://x',
    'ftp://x',
    'file:///x',
    'javascript://x',
    'data:,x',
    'blob:https://x',
    'ws://x',
    '//x',
    'https:x',
  ];
  it.each(ADDRESSES)('is refused: %s', (address) => {
    for (const [, , read] of ACTIONS) {
      setInputs({ scalekit_environment_url: address, github_token: GITHUB_TOKEN });
      expect(inputError(() => read(RUNNER))).toContain('scalekit_environment_url: got');
      setInputs({ github_token: GITHUB_TOKEN });
      const env = { ...RUNNER, GITHUB_API_URL: address };
      if (read === readSweepInputs) expect(inputError(() => read(env))).toContain('GITHUB_API_URL: got');
    }
  });
});

describe('a number', () => {
  const NUMBERS: [input: string, valid: string, expected: string][] = [
    ['timeout', '60', 'expected a whole number of seconds from 5 to 3600'],
    ['expiry', '60', 'expected a whole number of seconds, at least 1'],
    ['keep_secrets', '3', 'expected a whole number from 1 to 5'],
    ['max_deletions', '60', 'expected a whole number from 1 to 1000'],
  ];
  const ODD = ['1e3', '0x10', '0b11', '0o7', '٣', '３', '³', 'Ⅲ', '+5', '-0', '-5', '5.0', '5.', '.5', '5,0', '5_0'];
  const WRONG = ['05', '5 0', '5\n5', '5\u00005', '5\u200b', '\u202e5', '5s', '5n', 'NaN', 'Infinity', '[5]', '"5"'];

  it.each(NUMBERS)('of %s may have white space around it, as YAML allows it', (name, value) => {
    for (const space of [' ', '\n', '\t', '\r\n', '\ufeff', '\u3000'])
      expect(numberOf(name, space + value + space)).toBe(Number(value));
  });

  it.each(NUMBERS)('of %s is in decimal digits, and nothing else is one', (name, _value, expected) => {
    for (const text of [...ODD, ...WRONG, '0', '9'.repeat(400)])
      expect([text, inputError(() => numberOf(name, text))]).toEqual([text, expect.stringContaining(expected)]);
  });

  function numberOf(name: string, text: string): unknown {
    setInputs({ [name]: text, github_token: GITHUB_TOKEN });
    const read: Record<string, unknown> =
      name === 'max_deletions' ? { ...readSweepInputs(RUNNER) } : { ...readInputs(RUNNER) };
    return read[name];
  }
});

describe('an expression that was not evaluated', () => {
  it.each(ACTIONS)('is named for every input of %s, once each, and never shown as another fault', (_, file, read) => {
    const names = inputsOf(file).filter((name) => name !== 'github_token' || file === 'sweep/action.yml');
    const inputs = Object.fromEntries(names.map((name) => [name, EXPRESSION]));
    setInputs({ ...inputs, organization_external_id: undefined, repository: undefined });
    const lines = inputError(() => read(RUNNER)).split('\n');
    const faults = lines
      .filter((line) => line.includes('an expression that was not evaluated'))
      .map((line) => line.split(': ')[0]);
    const tested = names.filter((name) => !['organization_external_id', 'repository'].includes(name));
    expect(faults.sort()).toEqual(tested.map((name) => `- ${name}`).sort());
    expect(lines.length - 1).toBe(tested.length);
  });
});

describe('as much as fits into an input is read at once:', () => {
  const filled = (unit: string) => unit.repeat(Math.ceil(MAX_INPUT_LENGTH / unit.length)).slice(0, MAX_INPUT_LENGTH);
  const FILLS: [what: string, text: string][] = [
    ['one letter', filled('a')],
    ['lines', filled('a\n')],
    ['lines that are claims', filled('a=\n')],
    ['question marks', filled('?')],
    ['question marks behind an expression', EXPRESSION + filled('?')],
    ['at signs', filled('@')],
    ['slashes', filled('/')],
    ['commas', filled(',')],
    ['white space between letters', `a${filled(' ')}b`],
    ['emoji', filled('😀')],
    ['combining marks', `e${filled('\u0301')}`],
    ['opening brackets', filled('[')],
    ['opening braces', filled('{"a":')],
    ['arrays within arrays', '['.repeat(MAX_INPUT_LENGTH / 2) + ']'.repeat(MAX_INPUT_LENGTH / 2)],
    ['ten thousand arrays in a claim', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['ten thousand objects in a list', `["a",${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}]`],
    ['numbers in an array', `[${filled('1,')}1]`],
    ['one key many times', `{${filled('"a":"",')}"a":""}`],
    ['an array of texts', `[${filled('"a=b",')}"a"]`.replace(/"[a-z=]*,"a"\]$/, '"a"]')],
    ['escapes', `{"${filled('\\u0061').slice(0, -7)}":""}`],
    ['digits', filled('9')],
    ['a path', `https://acme.example/${filled('../')}`],
    ['dots', filled('.')],
    ['percent signs', filled('%')],
  ];

  it.each(FILLS)('%s', async (_what, text) => {
    const [action, sweep] = [await withoutMasks('the action'), await withoutMasks('sweep/')];
    for (const name of [...inputsOf('action.yml').filter(isOpen), 'max_deletions']) {
      setInputs({ [name]: text, github_token: GITHUB_TOKEN });
      const work = name === 'max_deletions' ? sweep : action;
      work();
    }
  });

  it.each(FILLS)('%s, in a variable', async (_what, text) => {
    const fresh = await withoutMasks('the action');
    for (const name of VARIABLES.filter((name) =>
      /^SCALEKIT_(?!CLIENT_SECRET)|^GITHUB_(REPOSITORY|API_URL|RUN_ID)/.test(name),
    )) {
      setInputs({
        scalekit_environment_url: undefined,
        scalekit_client_id: undefined,
        github_token: GITHUB_TOKEN,
        save_to: 'repository',
      });
      fresh({ [name]: text });
    }
  });

  it('ten such inputs at a time, and the error still fits into an annotation, and the log has all faults', () => {
    const text = Array.from({ length: 2_000 }, (_, at) => `ä${at}`).join('\n');
    setInputs(
      Object.fromEntries(
        inputsOf('action.yml')
          .filter(isOpen)
          .map((name) => [name, text]),
      ),
    );
    const result = outcome(() => readInputs(RUNNER));
    const lines = 'error' in result ? shown(result.error).trimEnd().split('\n') : [];
    expect(lines.length).toBeGreaterThan(2_000);
    expect(lines.at(-1)?.length).toBeLessThan(4_000);
  });

  it('a hundred thousand good entries, and a megabyte of each kind', () => {
    const none = () => expect('nothing').toBe('reported');
    const many = Array.from({ length: 100_000 }, (_, at) => `k${at}`);
    const claims = many.map((key) => ({ key, value: 'v' }));
    const long = 'x'.repeat(1_048_576);
    const lists = [many.join('\n'), JSON.stringify(many)];
    const object = JSON.stringify(Object.fromEntries(many.map((key) => [key, 'v'])));
    const texts = [many.map((key) => `${key}=v`).join('\n'), JSON.stringify(claims), object];
    const work = () => {
      for (const text of lists) expect(parseList(text, none).join() === many.join()).toBe(true);
      for (const text of texts) expect(JSON.stringify(parseClaims(text, none)) === JSON.stringify(claims)).toBe(true);
      for (const text of [`a=${long}`, JSON.stringify({ a: long })])
        expect(parseClaims(text, none)[0]?.value === long).toBe(true);
      expect(parseList(long, none)[0] === long).toBe(true);
      expect(quoteUrl(`https://${long}`).length).toBeLessThan(100);
      expect(parseOrigin(`https://${long}`, none) === `https://${long}`).toBe(true);
    };
    work();
  });
});

it('a claim about the repository has a name of one short line, or is refused in one', () => {
  for (const piece of [...PIECES, 'x'.repeat(2000)]) {
    setInputs({ repository_claims: JSON.stringify([`github_repo_property_a${piece}b`]) });
    const result = outcome(() => readInputs(RUNNER));
    const message = 'error' in result ? result.error.message : '';
    expect([piece, message]).toEqual([
      piece,
      expect.stringMatching(/^Bad input: repository_claims: got [^\r\n]{0,600}$/),
    ]);
  }
});

describe('a key that every object has', () => {
  const KEYS = [...Object.getOwnPropertyNames(Object.prototype), 'prototype', 'key', 'value', 'length', 'then'];
  it.each(KEYS)('is a claim as any other, in each form: %s', (key) => {
    for (const text of [`${key}=x`, `{"${key}":"x"}`, `[{"key":"${key}","value":"x"}]`]) {
      setInputs({ custom_claims: text });
      expect(readInputs(RUNNER).custom_claims).toEqual([{ key, value: 'x' }]);
    }
  });

  it.each(KEYS)('is a scope and an audience, and no claim about the repository: %s', (key) => {
    setInputs({ scopes: key, audience: `["${key}"]` });
    expect(readInputs(RUNNER)).toMatchObject({ scopes: [key], audience: [key] });
    for (const env of [{}, { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x' }]) {
      setInputs({ repository_claims: key });
      expect(inputError(() => readInputs({ ...RUNNER, ...env }))).toContain(
        `repository_claims: got "${key}"; expected`,
      );
    }
  });

  it.each(KEYS)('is no choice: %s', (key) => {
    for (const name of ['lifetime', 'on_existing', 'save_to', 'verify']) {
      setInputs({ [name]: key });
      expect(inputError(() => readInputs(RUNNER))).toContain(`${name}: got "${key}"; expected`);
    }
  });
});

describe('the payload of the event', () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hostile-event-'));
    file = join(folder, 'event.json');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function originOf(content: string | Uint8Array, env: Values = {}) {
    writeFileSync(file, content);
    return readRunner({ ...RUNNER, GITHUB_EVENT_PATH: file, ...env }).origin;
  }
  const any = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>({ toString: 1 }, { repo: { full_name: 'acme/app' } }));
  const likely = fc.record(
    {
      pull_request: fc.oneof(any, fc.record({ head: fc.oneof(any, fc.record({ repo: any })) })),
      workflow_run: fc.oneof(any, fc.record({ head_repository: any })),
    },
    { requiredKeys: [] },
  );

  it('may be anything: the run has one of the known origins', () => {
    const content = fc.oneof(
      fc.oneof(any, likely).map((value) => JSON.stringify(value)),
      fc.tuple(likely, fc.nat(60)).map(([value, end]) => JSON.stringify(value).slice(0, end)),
      fc.uint8Array(),
    );
    const events = fc.constantFrom('push', 'pull_request', 'pull_request_target', 'workflow_run');
    fc.assert(
      fc.property(content, events, (content, GITHUB_EVENT_NAME) => {
        expect([undefined, 'fork', 'untrusted']).toContain(originOf(content, { GITHUB_EVENT_NAME }));
      }),
      { numRuns: 300 },
    );
  });

  it.each<[what: string, content: string, origin: string | undefined]>([
    ['50 MB long', `{"a":"${'x'.repeat(50_000_000)}","pull_request":{"head":{"repo":null}}}`, 'fork'],
    ['a hundred thousand arrays deep', '['.repeat(100_000) + ']'.repeat(100_000), undefined],
    ['cut off', '{"pull_request":{"head":{"repo":null}}', undefined],
    ['empty', '', undefined],
    ['with a prototype', '{"__proto__":{"pull_request":{"head":{"repo":null}}}}', undefined],
    ['with a key twice', '{"pull_request":{"head":{"repo":null}},"pull_request":1}', undefined],
    ['about a repository with a name of no text', '{"pull_request":{"head":{"repo":{"full_name":{}}}}}', 'fork'],
  ])('may be %s', (_what, content, origin) => {
    expect(originOf(content)).toBe(origin);
  });

  it.each(['', '\0', '/nowhere', '\n::error::x', 'a'.repeat(5000), '/proc/self/mem'])('may be at %j', (path) => {
    expect(readRunner({ ...RUNNER, GITHUB_EVENT_PATH: path }).origin).toBeUndefined();
  });
});
