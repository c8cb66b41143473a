import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { CLAIM_NAMES } from '../../../src/client/target.ts';
import { type Action, type InputName, inputNames, SPECS, type Spec } from '../../../src/inputs/specs.ts';
import { quote } from '../../../src/output/text.ts';
import { OLD_MARKER_LINE } from '../fixtures.ts';
import { mainError, read, readMain, SAVING, useCleanInputs, type Values } from '../input-fixtures.ts';

useCleanInputs();

interface Declared {
  description: string;
  default?: string;
}
const declared = (file: string): Record<string, Declared> => parse(readFileSync(file, 'utf8')).inputs;
const spec = (name: string): Spec<unknown> => SPECS[name as InputName];

describe.each<[Action, file: string]>([
  ['main', 'action.yml'],
  ['delete', 'delete/action.yml'],
  ['sweep', 'sweep/action.yml'],
  ['audit', 'audit/action.yml'],
])('the specs of %s and %s', (action, file) => {
  const inputs = Object.entries(declared(file));

  it('specs and action.yml have the same inputs in the same order', () => {
    expect(inputs.map(([name]) => name)).toEqual(inputNames(action));
  });

  // The runner evaluates a default that is an expression.
  const literal = inputs.filter(([, { default: text = '' }]) => !text.startsWith('$'));

  it.each(literal)('specs and action.yml have the same default of %s', (name, { default: text, description }) => {
    const { parse, fallback } = spec(name);
    const value = fallback(action);
    if (text === undefined && name === 'lifetime') expect(description).toContain(`\`${value}\`, the default`);
    else if (text === undefined) expect(value ?? '').toHaveLength(0);
    else expect(read(parse, text)).toEqual({ value, problems: [] });
  });

  it.each(inputs)('specs and action.yml have the same variables that replace %s', (name, { description }) => {
    const [, variables = ''] = /Falls back to ([^.]+)\./.exec(description) ?? [];
    expect(variables.match(/(?<=\$)\w+/g) ?? []).toEqual(spec(name).variables);
  });

  /** Returns the words and bounds of an input that its errors name, as action.yml must show them. */
  function limitsOf(name: string, description: string): string[] {
    const [problem = ''] = read(spec(name).parse, '?').problems;
    const words = [...problem.replace(/^got .*?; /, '').matchAll(/"(\w+)"(?=,| or |$)/g)].map(
      ([, word]) => `\`${word}\``,
    );
    const bounds = /\d{1,9} to \d{1,9}$/.exec(problem) ?? [];
    const [tooLong = ''] = read(spec(name).parse, 'x'.repeat(999)).problems;
    const [, maximum] = /; expected (\d+) at most$/.exec(tooLong) ?? [];
    return [
      ...words,
      ...bounds,
      ...(maximum && /characters/.test(description) ? [`${maximum} characters at most`] : []),
    ];
  }

  const limited = inputs
    .map(([name, { description }]) => ({ name, description, limits: limitsOf(name, description) }))
    .filter(({ limits }) => limits.length > 0);

  it.each(limited)('specs and action.yml have the same words and bounds of $name', ({ description, limits }) => {
    expect(limits.filter((limit) => !description.includes(limit))).toEqual([]);
  });
});

describe('bad inputs', () => {
  const organization = 'expected the id of an organization: "org_" and up to 28 letters, digits, - or _';
  const address = 'expected the address of the environment alone, such as https://acme.scalekit.com';
  const client = 'expected the id of an organization client (m2morg_…; skc_… is scalekit_client_id)';
  const seconds = 'expected a whole number of seconds from';
  const placeholder = 'expected a text. It probably comes from an expression without a value';
  const claims = `expected ${CLAIM_NAMES.join(', ')}, github_repo_property_NAME, or none`;

  it.each<[input: string, given: string, problem: string]>([
    ...['acme', 'org_', `org_${'1'.repeat(29)}`, 'org_1/../x', '"org_1"', 'ORG_1'].map(
      (given): [string, string, string] => ['organization_id', given, `got ${quote(given)}; ${organization}`],
    ),
    ...['skc_1', 'm2m_1', 'm2morg_', 'm2morg_1/../x', `m2morg_${'1'.repeat(122)}`].map(
      (given): [string, string, string] => ['client_id', given, `got ${quote(given)}; ${client}`],
    ),
    ...['organization_id', 'organization_external_id', 'client_id', 'scalekit_environment_url'].map(
      (input): [string, string, string] => [
        input,
        'a\u200b',
        'got "a\\u200b" with the invisible character \\u200b; expected none',
      ],
    ),
    ['name', 'n'.repeat(129), `got 129 characters, "${'n'.repeat(79)}…"; expected 128 at most`],
    ['name', '😀'.repeat(129), `got 129 characters, "${'😀'.repeat(79)}…"; expected 128 at most`],
    ['description', 'd'.repeat(341), `got 341 characters, "${'d'.repeat(79)}…"; expected 340 at most`],
    ['environment', 'e'.repeat(256), `got 256 characters, "${'e'.repeat(79)}…"; expected 255 at most`],
    ...['name', 'environment'].flatMap((input) =>
      ['null', '[object Object]'].map((given): [string, string, string] => [
        input,
        given,
        `got ${JSON.stringify(given)}; ${placeholder}`,
      ]),
    ),
    ...['description', 'environment'].map((input): [string, string, string] => [
      input,
      OLD_MARKER_LINE,
      `got ${quote(OLD_MARKER_LINE)} with an ownership marker of this action; expected a text without one`,
    ]),
    [
      'scalekit_environment_url',
      'https://me:word@acme.example\u200b',
      'got "https://***@acme.example\\u200b" with the invisible character \\u200b; expected none',
    ],
    ['scopes', '# a', 'holds nothing but comments; expected entries, or no input at all'],
    ['scopes', 'a"b', 'got "a\\"b"; expected printable ASCII without spaces, " and \\'],
    ['audience', '[null]', 'got the entry null; expected strings that are not blank'],
    ['custom_claims', 'team', 'got the line "team" without a "="; expected key=value'],
    ['repository_claims', 'github_team', `got "github_team"; ${claims}`],
    ['repository_claims', 'none, github_repository', 'got "none" beside others; expected "none" alone, or claims'],
    [
      'repository_claims',
      'github_sha',
      'got github_sha, which changes from run to run; expected lifetime: job, because a persistent client cannot follow',
    ],
    [
      'repository_claims',
      'github_repository_owner',
      'got github_repository_owner, which this runner does not provide. Remove it from repository_claims',
    ],
    [
      'custom_claims',
      'github_repository=acme/b',
      'got github_repository="acme/b", but repository_claims derives github_repository="acme/app"; expected the same value, or a repository_claims without github_repository',
    ],
    ['expiry', '0', 'got "0"; expected a whole number of seconds, at least 1'],
    ['expiry', '1h', 'got "1h"; expected a whole number of seconds, at least 1'],
    ['timeout', '4', `got "4"; ${seconds} 5 to 3600`],
    ['timeout', '3601', `got "3601"; ${seconds} 5 to 3600`],
    ['rotate_after', '0', 'got "0"; expected a whole number of days from 1 to 3650'],
    ['rotate_after', '3651', 'got "3651"; expected a whole number of days from 1 to 3650'],
    ['rotate_after', '30d', 'got "30d"; expected a whole number of days from 1 to 3650'],
    ['keep_secrets', '6', 'got "6"; expected a whole number from 1 to 5'],
    ['lifetime', 'Job', 'got "Job"; expected "persistent" or "job"'],
    ['on_existing', 'recreate', 'got "recreate"; expected "rotate", "reuse", "replace" or "fail"'],
    ['save_to', 'secrets', 'got "secrets"; expected "none", "repository" or "environment"'],
    ...['verify', 'access_token', 'dry_run'].map((input): [string, string, string] => [
      input,
      'yes',
      input === 'verify' ? 'got "yes"; expected true, exact or false' : 'got "yes"; expected true or false',
    ]),
    ['scalekit_environment_url', 'acme scalekit', `got "acme scalekit", which is not a URL; ${address}`],
    [
      'scalekit_environment_url',
      'http://acme.scalekit.com',
      'got "http://acme.scalekit.com"; expected https, since the environment\'s API secret is sent there (http only for a loopback address)',
    ],
    [
      'scalekit_environment_url',
      'https://me:word@acme.scalekit.com',
      `got "https://***@acme.scalekit.com" with credentials; ${address}`,
    ],
    [
      'scalekit_client_id',
      'm2morg_1',
      'got "m2morg_1", an organization client; expected the environment\'s API credentials (skc_…)',
    ],
    [
      'scalekit_client_secret',
      'skc_1',
      "holds an id (skc_…); expected the secret of the environment's API credentials",
    ],
    ['github_token', '"a"', 'has quotes around it; expected a GitHub token alone'],
    ['save_as', 'GITHUB_X', 'got "GITHUB_X"; expected letters, digits and _, not beginning with a digit or GITHUB_'],
    ['repository', 'acme', 'got "acme"; expected owner/name'],
  ])('the error about a bad %s shows what was given and what is expected: %j', (input, given, problem) => {
    const changes: Values = input === 'organization_external_id' ? { organization_id: undefined } : {};
    expect(mainError({ ...changes, [input]: given })).toBe(`Bad input: ${input}: ${problem}`);
  });

  it.each(['.', '..'])(
    'an external id or a repository is refused if it would address another path in a URL: %j',
    (text) => {
      expect(mainError({ organization_id: undefined, organization_external_id: text })).toBe(
        `Bad input: organization_external_id: got "${text}"; expected the external id of an organization: up to 256 characters, without quotes around it`,
      );
      for (const repository of [`acme/${text}`, `${text}/app`])
        expect(mainError({ ...SAVING, repository })).toBe(
          `Bad input: repository: got "${repository}"; expected owner/name`,
        );
    },
  );
});

describe('good inputs', () => {
  it.each<[input: InputName, given: string, value: unknown]>([
    ...['preview/pr-7', '100 %', 'прод', '👩‍💻 lab', '.', "it's", 'a;b', '#1', '- a'].flatMap(
      (text): [InputName, string, string][] => [
        ['environment', text, text],
        ['name', text, text],
      ],
    ),
    ...['\r\n', '\ufeff', '\u3000'].flatMap((space): [InputName, string, unknown][] => [
      ['environment', `${space}a${space}`, 'a'],
      ['scopes', `${space}a${space}\n${space}b${space}`, ['a', 'b']],
      ['audience', `${space}["a",${space}\n${space}"b"]${space}`, ['a', 'b']],
      [
        'custom_claims',
        `${space}a=b${space}\n${space}c=d${space}`,
        [{ key: 'a', value: 'b' }].concat({ key: 'c', value: 'd' }),
      ],
      ['keep_secrets', `${space}3${space}`, 3],
      ['dry_run', `${space}True${space}`, true],
      ['lifetime', `${space}job${space}`, 'job'],
      ['client_id', `${space}m2morg_1${space}`, 'm2morg_1'],
    ]),
    ['scopes', '- a\n- b', ['a', 'b']],
    ['repository_claims', '- none', ['none']],
    ['expiry', '9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('a good value of %s is accepted, and white space around it is removed: %j', (input, given, value) => {
    expect(readMain({ [input]: given })).toMatchObject({ [input]: value });
  });

  it.each([
    ['name', 128],
    ['description', 340],
    ['environment', 255],
  ])('the input %s may have %d code points', (input, maximum) => {
    expect(() => readMain({ [input]: '😀'.repeat(maximum) })).not.toThrow();
  });
});
