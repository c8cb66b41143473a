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

/** The texts that differ from a text by one letter: a letter is missing, added, replaced or swapped with the next one. */
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

/** Returns by how many letters two texts differ: letters that are missing, added, replaced or swapped with the next one. */
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

describe.each(ACTIONS)('the names of the inputs of %s', (action, reader) => {
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
  /** Returns the name of the variable in which a runner passes an input with this name. */
  const variable = (name: string) => `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`;

  it('an input name is refused if its underscores are missing, replaced by dashes or too many', () => {
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

  it('an input name is refused if it differs from an input by one letter, and only then', () => {
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
      { numRuns: 50 },
    );
  });

  it('variables of other inputs that a runner or a workflow sets cause no error', () => {
    const others = ['TOKEN', 'PATH', 'WHO-TO-GREET', 'FETCH-DEPTH', 'URL', 'ID', '', '_', '名前'];
    expect(messageOf(Object.fromEntries(others.map((name) => [`INPUT_${name}`, 'x'])))).toBe('');
    expect(messageOf({ INPUT: 'x', MY_INPUT_TIMEOUTS: 'x', TIMEOUTS: 'x' })).toBe('');
  });

  it('a misspelt input name is accepted if its variable is empty or has the value of the input', () => {
    expect(messageOf({ INPUT_TIMEOUTS: ' 60\n' }, { timeout: '60' })).toBe('');
    expect(messageOf({ INPUT_TIMEOUTS: '' })).toBe('');
    expect(messageOf({ INPUT_TIMEOUTS: '60' }, { timeout: '61' })).toMatch(/^Bad input: timeouts: /);
  });

  it('an error about a misspelt input name is one short line of visible characters', () => {
    for (const name of ['time\nout', `timeout${'-'.repeat(1_000)}`, 'time\u200bout'])
      expect(messageOf({ [`INPUT_${name}`]: 'x' })).toMatch(
        /^Bad input: [!-~…]{7,99}: is not an input; did you mean timeout\?$/,
      );
  });
});

it.each([
  ['dry-run', 'dry_run'],
  ['onExisting', 'on_existing'],
  ['scope', 'scopes'],
  ['audiences', 'audience'],
  ['expire', 'expiry'],
])('the error about the unknown input name "%s" suggests "%s"', (typed, name) => {
  expect(mainError({}, { [`INPUT_${typed.toUpperCase()}`]: 'x' })).toBe(
    `Bad input: ${typed.toLowerCase()}: is not an input; did you mean ${name}?`,
  );
});

it('an error lists inputs and misspelt names in the order of action.yml, and then the variables of the runner', () => {
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

describe('unevaluated expressions', () => {
  /** A pattern, because a test may have masked the expression as a credential. */
  const unevaluated = (label: string) =>
    new RegExp(
      `^Bad input: ${label.replace(/[()]/g, '\\$&')}: got "([$].*|[*]{3})", which holds an expression that was not evaluated; expected its value$`,
    );

  it.each(ACTIONS)(
    'an unevaluated expression is the only problem that is reported of each input: %s',
    (action, reader) => {
      const others: Partial<Record<InputName, Values>> = {
        organization_external_id: { organization_id: undefined },
        environment: SAVING,
        github_token: action === 'main' || action === 'delete' ? { save_to: 'repository' } : {},
      };
      for (const input of inputNames(action)) {
        const inputs = { github_token: GITHUB_TOKEN, ...others[input], [input]: EXPRESSION };
        const error = inputError(() => readWith(reader, inputs));
        expect({ input, error }).toEqual({ input, error: expect.stringMatching(unevaluated(input)) });
      }
    },
  );

  it.each(Object.entries(SPECS).flatMap(([name, { variables }]) => variables.map((variable) => [variable, name])))(
    'an unevaluated expression in %s is reported as a problem of %s',
    (variable, name) => {
      const env = { ...SCALEKIT_VARIABLES, ...(variable === 'SCALEKIT_ENV_URL' && { SCALEKIT_ENVIRONMENT_URL: '' }) };
      expect(resolveError(NO_INPUTS, { ...env, [variable]: EXPRESSION })).toMatch(
        unevaluated(`${name} (from ${variable})`),
      );
    },
  );

  it('an unevaluated expression within other text is reported without what a URL has before @ and after ?', () => {
    expect(mainError({ custom_claims: `team=a\nrun=${EXPRESSION}` })).toContain('an expression that was not evaluated');
    expect(mainError({ scalekit_environment_url: `https://user:pass@${EXPRESSION}?token` })).toContain(
      'got "https://***@',
    );
  });
});

describe('inputs and their variables', () => {
  it.each<{ name: string; changes: Values; env: Values; expected: Partial<Inputs> }>([
    {
      name: 'an input precedes its variables',
      changes: { scalekit_environment_url: 'a.example' },
      env: { SCALEKIT_ENVIRONMENT_URL: 'b.example', SCALEKIT_ENV_URL: 'c.example' },
      expected: { origin: 'https://a.example' },
    },
    {
      name: 'the first variable replaces a blank input',
      changes: { ...NO_INPUTS, scalekit_environment_url: ' \n' },
      env: { ...SCALEKIT_VARIABLES, SCALEKIT_ENVIRONMENT_URL: ' b.example\r\n', SCALEKIT_ENV_URL: 'c.example' },
      expected: { origin: 'https://b.example' },
    },
    {
      name: 'the second variable replaces a missing input if the first variable is blank',
      changes: NO_INPUTS,
      env: { ...SCALEKIT_VARIABLES, SCALEKIT_ENVIRONMENT_URL: ' ', SCALEKIT_ENV_URL: 'c.example' },
      expected: { origin: 'https://c.example' },
    },
    {
      name: 'the external id of the organization overrides the variable for the id, even a bad one',
      changes: { organization_id: undefined, organization_external_id: 'acme/ü 1' },
      env: { SCALEKIT_ORGANIZATION_ID: 'acme' },
      expected: { organization_id: '', organization_external_id: 'acme/ü 1' },
    },
  ])('inputs and their variables are read in this order: $name', ({ changes, env, expected }) => {
    expect(readMain(changes, env)).toMatchObject(expected);
  });

  it.each<{ variable: string; text: string; error: string }>([
    {
      variable: 'SCALEKIT_ENVIRONMENT_URL',
      text: 'http://acme.example',
      error: 'scalekit_environment_url (from SCALEKIT_ENVIRONMENT_URL): got "http://acme.example"; expected https',
    },
    {
      variable: 'SCALEKIT_ORGANIZATION_ID',
      text: 'acme',
      error: 'organization_id (from SCALEKIT_ORGANIZATION_ID): got "acme"; expected the id of an organization',
    },
    {
      variable: 'SCALEKIT_CLIENT_ID',
      text: 'm2morg_1',
      error: 'scalekit_client_id (from SCALEKIT_CLIENT_ID): got "m2morg_1", an organization client; expected',
    },
    {
      variable: 'SCALEKIT_CLIENT_SECRET',
      text: 'skc_1',
      error: 'scalekit_client_secret (from SCALEKIT_CLIENT_SECRET): holds an id (skc_…); expected',
    },
  ])('the error about a bad value of $variable names the input and the variable', ({ variable, text, error }) => {
    expect(mainError(NO_INPUTS, { ...SCALEKIT_VARIABLES, [variable]: text })).toContain(`Bad input: ${error}`);
  });

  it.each(ACTIONS)('no input is required except address, credentials and organization: %s', (_action, reader) => {
    expect(() => readWith(reader, { github_token: GITHUB_TOKEN })).not.toThrow();
    expect(inputError(() => readWith(reader, { ...NO_INPUTS, github_token: GITHUB_TOKEN })).match(/^- \w+/gm)).toEqual([
      '- scalekit_environment_url',
      '- scalekit_client_id',
      '- scalekit_client_secret',
      '- organization_id',
    ]);
  });
});
