import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Inputs,
  readAuditInputs,
  readDeleteInputs,
  readInputs,
  readSweepInputs,
} from '../../../src/inputs/inputs.ts';
import { type Action, type InputName, inputNames, SPECS } from '../../../src/inputs/specs.ts';
import {
  EXPRESSION,
  GITHUB_TOKEN,
  inputError,
  mainError,
  mainFaults,
  NO_INPUTS,
  RUNNER,
  readMain,
  readWith,
  resolveError,
  SAVING,
  SCALEKIT_VARIABLES,
  setInputs,
  useCleanInputs,
  type Values,
} from '../input-fixtures.ts';

useCleanInputs();

const ACTIONS: [Action, (env: NodeJS.ProcessEnv) => unknown][] = [
  ['main', readInputs],
  ['delete', readDeleteInputs],
  ['sweep', readSweepInputs],
  ['audit', readAuditInputs],
];

/** The texts that differ from a text in one letter: one is missing, added, replaced or swapped with the next one. */
const oneLetterOff = (text: string) =>
  fc
    .tuple(fc.nat(text.length - 1), fc.constantFrom(...'abcxyz019.é'), fc.constantFrom(0, 1, 2, 3))
    .map(([at, letter, how]) => {
      const [before, one = '', two = '', after] = [text.slice(0, at), text[at], text[at + 1], text.slice(at + 2)];
      return (
        [
          before + two + after,
          before + letter + one + two + after,
          before + letter + two + after,
          before + two + one + after,
        ][how] ?? ''
      );
    });

/** Returns the number of letters that are missing, added, replaced or swapped with the next one, at least. */
function distance(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, at) => at)];
  const cell = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= one.length; row++) {
    rows[row] = [row];
    for (let column = 1; column <= other.length; column++) {
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      rows[row]?.push(
        Math.min(
          cell(row - 1, column) + 1,
          cell(row, column - 1) + 1,
          cell(row - 1, column - 1) + Number(one[row - 1] !== other[column - 1]),
          isSwapped ? cell(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return cell(one.length, other.length);
}

describe.each(ACTIONS)('the name of an input of %s', (action, reader) => {
  const names = inputNames(action).map(String);
  const wordsOf = (name: string) => name.replace(/[-_ ]/g, '');
  /** Returns the message of the error about variables, or an empty text. */
  const messageOf = (env: Values, inputs: Values = {}) => {
    setInputs({ github_token: GITHUB_TOKEN, ...inputs });
    try {
      reader({ ...RUNNER, ...env });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  /** The name of a variable in which a runner passes an input with this name. */
  const variable = (name: string) => `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`;

  it('is refused if dashes, spaces or capitals were typed instead of underscores', () => {
    for (const name of names.filter((name) => name.includes('_')))
      for (const typed of [
        name.replaceAll('_', '-'),
        name.replace('_', '-'),
        name.replaceAll('_', ''),
        `_${name}`,
        `${name}-`,
      ])
        expect(messageOf({ [variable(typed)]: 'other' })).toBe(
          `Bad input: ${typed}: is not an input; did you mean ${name}?`,
        );
  });

  it('is refused if it is one letter off, and only then', () => {
    const typed = fc.oneof(
      fc.constantFrom(...names).chain(oneLetterOff),
      fc
        .constantFrom(...names)
        .chain(oneLetterOff)
        .chain((name) => (name === '' ? fc.constant('x') : oneLetterOff(name))),
      fc.stringMatching(/^[a-z][a-z_-]{0,20}$/),
    );
    fc.assert(
      fc.property(typed, (name) => {
        fc.pre(name !== '' && !names.includes(name));
        const isMisspelt = names.some((known) => distance(wordsOf(name), wordsOf(known)) <= 1);
        const message = messageOf({ [variable(name)]: 'other' });
        if (!isMisspelt) expect(message).toBe('');
        else expect(message).toMatch(/^Bad input: [^\n]+: is not an input; did you mean \w+\?$/);
      }),
      { numRuns: 1000 },
    );
  });

  it('may be any other one, as a runner or a workflow sets it', () => {
    const others = [
      'TOKEN',
      'PATH',
      'WHO-TO-GREET',
      'FETCH-DEPTH',
      'NODE-VERSION',
      'SECRET',
      'URL',
      'ID',
      '',
      '_',
      '-',
      '名前',
    ];
    expect(messageOf(Object.fromEntries(others.map((name) => [`INPUT_${name}`, 'x'])))).toBe('');
    expect(messageOf({ INPUT: 'x', MY_INPUT_TIMEOUTS: 'x', TIMEOUTS: 'x' })).toBe('');
  });

  it('may be misspelt in a variable that has the same value as the input', () => {
    expect(messageOf({ INPUT_TIMEOUTS: ' 60\n' }, { timeout: '60' })).toBe('');
    expect(messageOf({ INPUT_TIMEOUTS: '' })).toBe('');
    expect(messageOf({ INPUT_TIMEOUTS: '60' }, { timeout: '61' })).toMatch(/^Bad input: timeouts: /);
  });

  it('never has two lines in an error, and none that is too long', () => {
    for (const name of ['time\nout', `timeout${'-'.repeat(100_000)}`, 'time\u200bout'])
      expect(messageOf({ [`INPUT_${name}`]: 'x' })).toMatch(
        /^Bad input: [!-~…]{7,99}: is not an input; did you mean timeout\?$/,
      );
  });
});

it.each([
  ['dry-run', 'dry_run'],
  ['on-existing', 'on_existing'],
  ['onExisting', 'on_existing'],
  ['scope', 'scopes'],
  ['DryRun', 'dry_run'],
  ['audiences', 'audience'],
  ['expire', 'expiry'],
])('the name of an input %s is not known, and the error names %s', (typed, name) => {
  expect(mainError({}, { [`INPUT_${typed.toUpperCase()}`]: 'x' })).toBe(
    `Bad input: ${typed.toLowerCase()}: is not an input; did you mean ${name}?`,
  );
});

it('every input and every misspelt name is listed in the order of action.yml, and the variables of the runner after them', () => {
  const names = inputNames('main').filter((name) => !(name in NO_INPUTS));
  const bad = Object.fromEntries([...names].reverse().map((name) => [name, EXPRESSION]));
  const misspelt = Object.fromEntries(names.map((name) => [`INPUT_X${name.toUpperCase()}`, 'x']));
  const faults = mainFaults(
    { ...bad, organization_id: 'x' },
    { GITHUB_OUTPUT: '', NODE_TLS_REJECT_UNAUTHORIZED: '0', ...misspelt },
  );
  expect(faults.map((fault) => /^- (\w+)/.exec(fault)?.[1])).toEqual([
    'organization_id',
    ...names.flatMap((name) => [`x${name}`, name]),
    'GITHUB_OUTPUT',
    'NODE_TLS_REJECT_UNAUTHORIZED',
  ]);
});

describe('an expression that was not evaluated', () => {
  /** A pattern, because a test may have masked the expression as a credential. */
  const unevaluated = (label: string) =>
    new RegExp(
      `^Bad input: ${label.replace(/[()]/g, '\\$&')}: got "([$].*|[*]{3})", which holds an expression that was not evaluated; expected its value$`,
    );

  it.each(inputNames('main'))('is the one problem of %s', (input) => {
    const changes: Partial<Record<InputName, Values>> = {
      organization_external_id: { organization_id: undefined },
      environment: SAVING,
      github_token: { save_to: 'repository' },
    };
    expect(mainError({ ...changes[input], [input]: EXPRESSION })).toMatch(unevaluated(input));
  });

  it.each(Object.entries(SPECS).flatMap(([name, { variables }]) => variables.map((variable) => [variable, name])))(
    'is named in %s as well',
    (variable, name) => {
      const env = { ...SCALEKIT_VARIABLES, ...(variable === 'SCALEKIT_ENV_URL' && { SCALEKIT_ENVIRONMENT_URL: '' }) };
      expect(resolveError(NO_INPUTS, { ...env, [variable]: EXPRESSION })).toMatch(
        unevaluated(`${name} (from ${variable})`),
      );
    },
  );

  it('is named within other text, but not with what a URL has before @ and after ?', () => {
    expect(mainError({ custom_claims: `team=a\nrun=${EXPRESSION}` })).toContain('an expression that was not evaluated');
    expect(mainError({ scalekit_environment_url: `https://user:pass@${EXPRESSION}?token` })).toContain(
      'got "https://***@',
    );
  });
});

describe('an input', () => {
  it.each<[string, Values, Values, Partial<Inputs>]>([
    [
      'goes before its variables',
      { scalekit_environment_url: 'a.example' },
      { SCALEKIT_ENVIRONMENT_URL: 'b.example', SCALEKIT_ENV_URL: 'c.example' },
      { origin: 'https://a.example' },
    ],
    [
      'that is blank is replaced by its first variable',
      { ...NO_INPUTS, scalekit_environment_url: ' \n' },
      { ...SCALEKIT_VARIABLES, SCALEKIT_ENVIRONMENT_URL: ' b.example\r\n', SCALEKIT_ENV_URL: 'c.example' },
      { origin: 'https://b.example' },
    ],
    [
      'is replaced by the second variable if the first one is blank',
      NO_INPUTS,
      { ...SCALEKIT_VARIABLES, SCALEKIT_ENVIRONMENT_URL: ' ', SCALEKIT_ENV_URL: 'c.example' },
      { origin: 'https://c.example' },
    ],
    [
      'for the external id of the organization overrides the variable for the id, even a bad one',
      { organization_id: undefined, organization_external_id: 'acme/ü 1' },
      { SCALEKIT_ORGANIZATION_ID: 'acme' },
      { organization_id: '', organization_external_id: 'acme/ü 1' },
    ],
  ])('%s', (_what, changes, env, expected) => {
    expect(readMain(changes, env)).toMatchObject(expected);
  });

  it.each<[variable: string, text: string, label: string, problem: string]>([
    [
      'SCALEKIT_ENVIRONMENT_URL',
      'http://acme.example',
      'scalekit_environment_url',
      'got "http://acme.example"; expected https',
    ],
    ['SCALEKIT_ORGANIZATION_ID', 'acme', 'organization_id', 'got "acme"; expected the id of an organization'],
    ['SCALEKIT_CLIENT_ID', 'm2morg_1', 'scalekit_client_id', 'got "m2morg_1", an organization client; expected'],
    ['SCALEKIT_CLIENT_SECRET', 'skc_1', 'scalekit_client_secret', 'holds an id (skc_…); expected'],
  ])('that %s replaces is named with it', (variable, text, label, problem) => {
    const message = mainError(NO_INPUTS, { ...SCALEKIT_VARIABLES, [variable]: text });
    expect(message).toContain(`Bad input: ${label} (from ${variable}): ${problem}`);
  });

  it.each(ACTIONS)('of %s may be missing if it is not required', (_action, reader) => {
    expect(() => readWith(reader, { github_token: GITHUB_TOKEN })).not.toThrow();
    expect(inputError(() => readWith(reader, { ...NO_INPUTS, github_token: GITHUB_TOKEN })).match(/^- \w+/gm)).toEqual([
      '- scalekit_environment_url',
      '- scalekit_client_id',
      '- scalekit_client_secret',
      '- organization_id',
    ]);
  });
});
