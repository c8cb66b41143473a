import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
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
import * as log from '../../../src/output/log.ts';
import { useFolder } from '../../support/folders.ts';
import {
  EXPRESSION,
  ID_TOKEN_VARIABLES,
  inputError,
  NO_INPUTS,
  RUNNER,
  readMain,
  SECRET,
  setInputs,
  useCleanInputs,
} from '../input-fixtures.ts';

// Properties of all readers of inputs: whatever the inputs and the variables of a step hold, they are accepted in a form
// that is safe to use, or refused with an InputError that shows no secret.

const printed = useCleanInputs();
const inFolder = useFolder();

/** How many random cases each property has. */
const numRuns = 40;
const SECRET_INPUTS = ['scalekit_client_secret', 'github_token'];
const isOpen = (name: string): boolean => !SECRET_INPUTS.includes(name);
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
 * Loads the modules again, as in a new process: they have masked none of the values that the other tests use as valid
 * ones. Each test has secrets of its own.
 */
async function loadAgain() {
  jest.resetModules();
  const inputs = await import('../../../src/inputs/inputs.ts');
  const { fail } = await import('../../../src/output/log.ts');
  return { inputs, fail };
}

let loaded: ReturnType<typeof loadAgain> | undefined;

/** Returns a function that runs a reader of loadAgain(), and returns its error as it is printed, or an empty text. */
async function withoutMasks(reader: string): Promise<() => string> {
  loaded ??= loadAgain();
  const { inputs, fail } = await loaded;
  const read = inputs[reader as 'readInputs'];
  return () => {
    try {
      read({ ...RUNNER });
      return '';
    } catch (error) {
      // Not an instance of the InputError that this file imports, because the modules were loaded again.
      if ((error as Error).name !== 'InputError') throw error;
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

/** Checks that the message of an error has one line for each fault, and that no line is too long. */
function checkMessage({ message }: InputError): void {
  const [first = '', ...faults] = message.split('\n');
  const [, count] = /^(\d+) bad inputs:$/.exec(first) ?? [];
  if (!count) expect(first).toMatch(/^Bad input: /);
  expect(faults).toHaveLength(Number(count ?? 0));
  expect(faults.filter((line) => !line.startsWith('- '))).toEqual([]);
  for (const line of [first, ...faults]) expect(line.length).toBeLessThan(1000);
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
  const { client_id = '', client_secret = '' } = credentials ?? {};
  expect({ client_id, client_secret }).toEqual({
    client_id: expect.stringMatching(/./),
    client_secret: expect.stringMatching(/^(?!skc_|m2morg_)./),
  });
  const ids = [organization_id, organization_external_id, client_id, client_secret];
  expect(ids.join('')).not.toMatch(/\p{Cf}|^["'`]|["'`]$/u);
  expectWholeNumber(timeout, 5, 3600);
  if (github) {
    expect(github.token).toMatch(/^[\x21-\x7e]+$/);
    expect(github.api).toMatch(/^https?:\/\/[^\s?#@]+$/);
  }
  for (const name of saving ? [saving.state_variable, saving.id_variable, saving.secret] : [])
    expect(name).toMatch(/^[a-z_]\w*$/i);
}

/** Checks what only the action itself reads. */
function checkClient({ name, description, environment, repository, ...inputs }: Inputs): void {
  expect([...name].length).toBeLessThanOrEqual(128);
  expect([...description].length).toBeLessThanOrEqual(340);
  expect([...environment].length).toBeLessThanOrEqual(255);
  expect(repository).toMatch(/^$|^[\w.-]+\/[\w.-]+$/);
  for (const scope of inputs.scopes) expect(scope).toMatch(/^[!#-[\]-~]+$/);
  for (const audience of inputs.audience) expect(audience.trim()).not.toBe('');
  const keys = inputs.custom_claims.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  for (const key of keys) expectWholeNumber([...key].length, 1, 128);
  expect(inputs.custom_claims.filter(({ value }) => typeof value !== 'string')).toEqual([]);
  expectWholeNumber(inputs.expiry ?? 1, 1, Number.MAX_SAFE_INTEGER);
  expect(inputs.client_id).toMatch(/^$|^m2morg_[\w-]{1,121}$/);
  expectWholeNumber(inputs.keep_secrets, 1, 5);
  expectWholeNumber(inputs.rotate_after ?? 1, 1, 3650);
}

function expectWholeNumber(value: number, min: number, max: number): void {
  expect(Number.isSafeInteger(value)).toBe(true);
  expect(value).toBeGreaterThanOrEqual(min);
  expect(value).toBeLessThanOrEqual(max);
}

describe.each(ACTIONS)('hostile values of the inputs of %s', (action, file, read) => {
  const names = inputsOf(file);

  it('random inputs are accepted only if they are safe to use, and are otherwise refused in one annotation', () => {
    fc.assert(
      fc.property(inputRecords(names), variables, (inputs, env) => {
        setInputs(inputs);
        const result = outcome(() => read({ ...RUNNER, ...env }));
        if ('error' in result) {
          checkMessage(result.error);
          checkShown(shown(result.error));
        } else {
          checkAccepted(result.value);
          if (action === 'the action') checkClient(result.value as Inputs);
        }
        expect(printed().replace(/^(::(add-mask|error)::|- |\d+ bad inputs:)[^\r\n]*\n/gm, '')).toBe('');
      }),
      { numRuns: 2 * numRuns },
    );
  });

  it('random inputs cause no error with a part of a secret, even if other inputs hold the secret as well', async () => {
    const fresh = await withoutMasks(read.name);
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
      { numRuns },
    );
  });

  it('a secret that one other input holds as well is in no error, not even in part', async () => {
    const fresh = await withoutMasks(read.name);
    // The beginning of the third one looks like a whole secret of Scalekit.
    for (const name of names.filter(isOpen))
      for (const [before, separator] of [
        ['', ''],
        ['a='.repeat(20), ''],
        [['test', ''].join('_'), '/'],
      ] as const)
        for (const input of SECRET_INPUTS) {
          const secret = createSecret(separator);
          setInputs({ github_token: GITHUB_TOKEN, [input]: secret, [name]: before + secret });
          const safe = expect.not.stringMatching(SECRET_PART);
          expect({ name, input, error: fresh() }).toEqual({ name, input, error: safe });
        }
  });
});

it('an annotation about hundreds of bad inputs has fewer than 4,000 characters, and the log names all of them', () => {
  const text = Array.from({ length: 100 }, (_, at) => `ä${at}`).join('\n');
  const names = inputsOf('action.yml').filter(isOpen);
  setInputs(Object.fromEntries(names.map((name) => [name, text])));
  const result = outcome(() => readInputs(RUNNER));
  const lines = 'error' in result ? shown(result.error).trimEnd().split('\n') : [];
  expect(lines.filter((line) => line.startsWith('- scopes: '))).toHaveLength(100);
  expect(lines.filter((line) => line.startsWith('- custom_claims: '))).toHaveLength(100);
  expect(lines.at(-1)).toMatch(/^::error::.{1,3990}$/);
});

it.each(['__proto__', 'constructor', 'toString'])(
  'inputs treat the name of a property that every object has as plain text: %s',
  (key) => {
    for (const custom_claims of [`${key}=x`, `{"${key}":"x"}`, `[{"key":"${key}","value":"x"}]`])
      expect(readMain({ custom_claims }).custom_claims).toEqual([{ key, value: 'x' }]);
    expect(readMain({ scopes: key, audience: `["${key}"]` })).toMatchObject({ scopes: [key], audience: [key] });
    for (const name of ['repository_claims', 'lifetime', 'on_existing', 'save_to', 'verify'])
      for (const env of [{}, ID_TOKEN_VARIABLES])
        expect(inputError(() => readMain({ [name]: key }, env))).toContain(`${name}: got "${key}"; expected`);
  },
);

it('readRunner returns one of the known origins for any payload of an event', () => {
  const file = inFolder('event.json');
  const any = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>({ toString: 1 }, { repo: { full_name: 'acme/app' } }));
  const likely = fc.record(
    {
      pull_request: fc.oneof(any, fc.record({ head: fc.oneof(any, fc.record({ repo: any })) })),
      workflow_run: fc.oneof(any, fc.record({ head_repository: any })),
    },
    { requiredKeys: [] },
  );
  const content = fc.oneof(
    fc.oneof(any, likely).map((value) => JSON.stringify(value)),
    fc.tuple(likely, fc.nat(60)).map(([value, end]) => JSON.stringify(value).slice(0, end)),
    fc.uint8Array(),
    fc.constantFrom(
      '{"__proto__":{"pull_request":{"head":{"repo":null}}}}',
      '{"pull_request":{"head":{"repo":{"full_name":{}}}}}',
    ),
  );
  const events = fc.constantFrom('push', 'pull_request', 'pull_request_target', 'workflow_run');
  fc.assert(
    fc.property(content, events, (content, GITHUB_EVENT_NAME) => {
      writeFileSync(file, content);
      const { origin } = readRunner({ ...RUNNER, GITHUB_EVENT_PATH: file, GITHUB_EVENT_NAME });
      expect(origin ?? 'none').toMatch(/^(none|fork|untrusted)$/);
    }),
    { numRuns },
  );
});
