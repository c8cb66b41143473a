import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { DesiredClient } from '../../../src/client/desired.ts';
import { unsafeSetting } from '../../../src/inputs/connection.ts';
import {
  type DeleteInputs,
  type Inputs,
  readDeleteInputs,
  readInputs,
  readSweepInputs,
} from '../../../src/inputs/inputs.ts';
import {
  EXPRESSION,
  GITHUB_TOKEN,
  ID_TOKEN_VARIABLES,
  inputError,
  mainError,
  NO_INPUTS,
  OTHER_REPOSITORY,
  RUNNER,
  readMain,
  readWith,
  resolve,
  resolveError,
  SAVING,
  SCALEKIT_VARIABLES,
  SECRET,
  setInputs,
  useCleanInputs,
  useForkEvent,
  type Values,
} from '../input-fixtures.ts';

const GITHUB = { api: 'https://api.github.com', token: GITHUB_TOKEN };

/** Returns the pattern of the one error about an expression that was not evaluated. */
const UNEVALUATED = (input: string) =>
  new RegExp(
    `^Bad input: ${input.replace(/[()]/g, '\\$&')}: got ".*", which holds an expression that was not evaluated; expected its value$`,
  );

useCleanInputs();
const fromFork = useForkEvent();

describe('a bad input', () => {
  const tooLong = 'expected 128 at most';
  const organization = 'expected the id of an organization: "org_" and up to 28 letters, digits, - or _';
  const address = 'expected the address of the environment alone, such as https://acme.scalekit.com';
  const keyValue = 'expected key=value';
  const seconds = 'expected a whole number of seconds from 1 to 9007199254740991';

  it.each<[what: string, input: string, given: string, accepted: string]>([
    ['malformed', 'organization_id', 'acme', `got "acme"; ${organization}`],
    ['the prefix alone', 'organization_id', 'org_', `got "org_"; ${organization}`],
    ['too long', 'organization_id', `org_${'1'.repeat(29)}`, organization],
    ['a path', 'organization_id', 'org_1/../x', `got "org_1/../x"; ${organization}`],
    ['of other letters', 'organization_id', 'org_ä', `got "org_ä"; ${organization}`],
    ['too long', 'name', 'n'.repeat(129), `got 129 characters, "${'n'.repeat(79)}…"; ${tooLong}`],
    ['too long in code points', 'name', '😀'.repeat(129), `got 129 characters, "${'😀'.repeat(79)}…"; ${tooLong}`],
    ['too long for its ownership marker', 'description', 'd'.repeat(352), 'got 352 characters, '],
    ['too long for its ownership marker', 'description', 'd'.repeat(352), 'expected 351 at most'],
    ['too long', 'environment', 'e'.repeat(256), 'expected 255 at most'],
    ['an empty key', 'custom_claims', '=x', 'got an empty key; expected 1 to 128 characters'],
    ['a key too long', 'custom_claims', `${'k'.repeat(129)}=x`, `of 129 characters; ${tooLong}`],
    ['without a sign', 'custom_claims', 'team', `got the line "team" without a "="; ${keyValue}`],
    ['a key twice', 'custom_claims', 'a=1\na=2', 'got the key "a" twice; expected each key once'],
    ['a key twice in JSON', 'custom_claims', '{"a":"1","a":"2"}', 'got the key "a" twice; expected each key once'],
    ['broken JSON', 'custom_claims', '{"a":', 'got broken JSON, "{\\"a\\":"; expected key=value lines, a JSON object'],
    [
      'contradicting the runner',
      'custom_claims',
      'github_repository=acme/b',
      'got github_repository="acme/b", but repository_claims derives github_repository="acme/app"; expected the same value, or a repository_claims without github_repository',
    ],
    ['a quote in a scope', 'scopes', 'a"b', 'got "a\\"b"; expected printable ASCII without spaces, " and \\'],
    ['a backslash in a scope', 'scopes', 'a\\b', 'expected printable ASCII without spaces, " and \\'],
    ['a space in a scope', 'scopes', '["a b"]', 'got "a b"; expected printable ASCII without spaces, " and \\'],
    ['letters beyond ASCII in a scope', 'scopes', 'lesen:bücher', 'expected printable ASCII without spaces'],
    ['a DEL in a scope', 'scopes', 'a\x7f', 'expected printable ASCII without spaces'],
    ['broken JSON', 'scopes', '["a"', 'got broken JSON, "[\\"a\\""; expected a JSON array of strings, or'],
    ['a wrong entry', 'scopes', '[1]', 'got the entry 1; expected strings that are not blank'],
    ['broken JSON', 'audience', '["a"', 'got broken JSON, "[\\"a\\""; expected a JSON array of strings, or'],
    ['a wrong entry', 'audience', '[null]', 'got the entry null; expected strings that are not blank'],
    ['zero', 'expiry', '0', `got "0"; ${seconds}`],
    ['negative', 'expiry', '-3600', `got "-3600"; ${seconds}`],
    ['a fraction', 'expiry', '3600.5', `got "3600.5"; ${seconds}`],
    ['with a unit', 'expiry', '1h', `got "1h"; ${seconds}`],
    ['unsafe for a double', 'expiry', '9007199254740993', `got "9007199254740993"; ${seconds}`],
    [
      'not https',
      'scalekit_environment_url',
      'http://acme.scalekit.com',
      'got "http://acme.scalekit.com"; expected https (http on loopback alone)',
    ],
    [
      'with credentials',
      'scalekit_environment_url',
      `https://me:${SECRET}@acme.scalekit.com`,
      `got "https://***@acme.scalekit.com" with credentials; ${address}`,
    ],
    [
      'with a path',
      'scalekit_environment_url',
      'acme.scalekit.com/x',
      `got "acme.scalekit.com/x" with a path; ${address}`,
    ],
    [
      'with a query',
      'scalekit_environment_url',
      `acme.scalekit.com?${SECRET}`,
      `got "acme.scalekit.com?***" with a query; ${address}`,
    ],
    [
      'with a fragment',
      'scalekit_environment_url',
      `acme.scalekit.com#${SECRET}`,
      `got "acme.scalekit.com#***" with a fragment; ${address}`,
    ],
    ['no URL', 'scalekit_environment_url', 'acme scalekit', `got "acme scalekit", which is not a URL; ${address}`],
    [
      'an organization client',
      'scalekit_client_id',
      'm2morg_1',
      'got "m2morg_1", an organization client; expected the environment\'s API credentials (skc_…)',
    ],
    ['unknown', 'lifetime', 'forever', 'got "forever"; expected "persistent" or "job"'],
    ['in capitals', 'lifetime', 'Job', 'got "Job"; expected "persistent" or "job"'],
    [
      'unknown',
      'repository_claims',
      'github_team',
      'got "github_team"; expected environment, github_repository, github_repository_id,',
    ],
    ['unknown', 'repository_claims', 'github_team', 'github_repo_property_NAME, or none'],
    [
      'changing from run to run',
      'repository_claims',
      'github_sha',
      'got github_sha, which changes from run to run; expected lifetime: job with it',
    ],
    [
      'nothing that this runner knows',
      'repository_claims',
      'github_repository_owner',
      'got github_repository_owner, which this runner does not know; expected a claim that is known here',
    ],
    [
      'nothing that a runner knows',
      'repository_claims',
      'github_repo_property_team',
      "got github_repo_property_team, which GitHub's ID token alone says; expected permissions with id-token: write",
    ],
    [
      'an environment that is not given',
      'repository_claims',
      'environment',
      'got environment, which the input environment does not say; expected that input, or permissions with id-token: write',
    ],
    [
      'none beside others',
      'repository_claims',
      'none, github_repository',
      'got "none" beside others; expected "none" alone, or claims',
    ],
    ['broken JSON', 'repository_claims', '[', 'got broken JSON, "["; expected a JSON array of strings'],
    [
      "the environment's credentials",
      'client_id',
      'skc_1',
      'got "skc_1"; expected the id of an organization client (m2morg_…; skc_… is scalekit_client_id)',
    ],
    [
      'of another kind',
      'client_id',
      'm2m_1',
      'got "m2m_1"; expected the id of an organization client (m2morg_…; skc_… is scalekit_client_id)',
    ],
    ['the prefix alone', 'client_id', 'm2morg_', 'got "m2morg_"; expected the id of an organization client'],
    ['a path', 'client_id', 'm2morg_1/../x', 'got "m2morg_1/../x"; expected the id of an organization client'],
    ['too long', 'client_id', `m2morg_${'1'.repeat(122)}`, 'expected the id of an organization client'],
    ['unknown', 'on_existing', 'recreate', 'got "recreate"; expected "rotate", "reuse", "replace" or "fail"'],
    ['in capitals', 'on_existing', 'Reuse', 'got "Reuse"; expected "rotate", "reuse", "replace" or "fail"'],
    ...['0', '6', '-1', '02', '2.0', '1e0', 'all', '55'].map((given): [string, string, string, string] => [
      given,
      'keep_secrets',
      given,
      `got "${given}"; expected a whole number from 1 to 5`,
    ]),
    ...['verify', 'access_token', 'dry_run'].flatMap((input) =>
      ['yes', '1', 'tRUE', 'off', 'null'].map((given): [string, string, string, string] => [
        given,
        input,
        given,
        `got "${given}"; expected true or false`,
      ]),
    ),
    ['too short', 'timeout', '4', 'got "4"; expected a whole number of seconds from 5 to 3600'],
    ['too long', 'timeout', '3601', 'got "3601"; expected a whole number of seconds from 5 to 3600'],
    ['no number', 'timeout', '2m', 'got "2m"; expected a whole number of seconds from 5 to 3600'],
  ])('(%s) is named with what was given and what is accepted: %s', (_what, input, given, accepted) => {
    const message = resolveError({ [input]: given });
    expect(message.split('\n')).toHaveLength(1);
    expect(message).toMatch(new RegExp(`^Bad input: ${input}: `));
    expect(message).toContain(accepted);
    expect(message).not.toContain(SECRET);
  });

  it.each<[what: string, changes: Values, env: Values, source: string, accepted: string]>([
    [
      'no address',
      { scalekit_environment_url: undefined },
      {},
      'scalekit_environment_url',
      'is empty; expected the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL',
    ],
    [
      'no organization',
      { organization_id: '' },
      {},
      'organization_id',
      `is empty; ${organization}, as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id`,
    ],
    ...['.', '..'].map((external): [string, Values, Values, string, string] => [
      'an external id that would be another path',
      { organization_id: undefined, organization_external_id: external },
      {},
      'organization_external_id',
      `got "${external}"; expected the external id of an organization`,
    ]),
    [
      'no client id',
      { scalekit_client_id: ' ' },
      {},
      'scalekit_client_id',
      "is empty; expected the id of the environment's API credentials (skc_…).",
    ],
    [
      'no secret',
      { scalekit_client_secret: '' },
      {},
      'scalekit_client_secret',
      "is empty; expected the secret of the environment's API credentials.",
    ],
    [
      'the secret as an input, the address as a variable',
      { scalekit_environment_url: undefined },
      SCALEKIT_VARIABLES,
      'scalekit_environment_url',
      'is empty while scalekit_client_secret is given; expected both as inputs, or an earlier step could send the secret elsewhere by setting SCALEKIT_ENVIRONMENT_URL through GITHUB_ENV',
    ],
    [
      'the secret as an input, the address as another variable',
      { scalekit_environment_url: undefined },
      { SCALEKIT_ENV_URL: 'acme.scalekit.com' },
      'scalekit_environment_url',
      'by setting SCALEKIT_ENV_URL through GITHUB_ENV',
    ],
    [
      'a bad address in a variable',
      NO_INPUTS,
      { ...SCALEKIT_VARIABLES, SCALEKIT_ENVIRONMENT_URL: 'http://acme.scalekit.com' },
      'scalekit_environment_url (from SCALEKIT_ENVIRONMENT_URL)',
      'expected https',
    ],
    [
      'a bad address in the second variable',
      NO_INPUTS,
      { ...SCALEKIT_VARIABLES, SCALEKIT_ENVIRONMENT_URL: '', SCALEKIT_ENV_URL: 'a/b' },
      'scalekit_environment_url (from SCALEKIT_ENV_URL)',
      'with a path',
    ],
    [
      'a bad organization in a variable',
      NO_INPUTS,
      { ...SCALEKIT_VARIABLES, SCALEKIT_ORGANIZATION_ID: 'acme' },
      'organization_id (from SCALEKIT_ORGANIZATION_ID)',
      'got "acme"',
    ],
    [
      'an organization client in a variable',
      NO_INPUTS,
      { ...SCALEKIT_VARIABLES, SCALEKIT_CLIENT_ID: 'm2morg_1' },
      'scalekit_client_id (from SCALEKIT_CLIENT_ID)',
      'got "m2morg_1", an organization client',
    ],
    [
      'a claim that contradicts the environment',
      { environment: 'staging', custom_claims: '{"environment": "production"}' },
      {},
      'custom_claims',
      'got environment="production", but repository_claims derives environment="staging"',
    ],
    [
      'no certificate checks',
      {},
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      'NODE_TLS_REJECT_UNAUTHORIZED',
      'got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)',
    ],
    [
      'no output file',
      {},
      { GITHUB_OUTPUT: undefined },
      'GITHUB_OUTPUT',
      'is not set; expected the file for outputs, as the runner of a workflow sets it',
    ],
    [
      'no repository',
      {},
      { GITHUB_REPOSITORY: undefined },
      'GITHUB_REPOSITORY',
      'got ""; expected owner/name, as the runner of a workflow sets it',
    ],
    [
      'a repository without owner',
      {},
      { GITHUB_REPOSITORY: 'app' },
      'GITHUB_REPOSITORY',
      'got "app"; expected owner/name',
    ],
    [
      'a claim about an id that the runner does not provide',
      { repository_claims: 'github_repository_id' },
      { GITHUB_REPOSITORY_ID: '' },
      'repository_claims',
      'got github_repository_id, which this runner does not know',
    ],
  ])('(%s) is named by where it comes from', (_what, changes, env, source, accepted) => {
    const message = resolveError(changes, env);
    expect(message.split('\n')).toHaveLength(1);
    expect(message).toContain(`Bad input: ${source}: `);
    expect(message).toContain(accepted);
    expect(message).not.toContain(SECRET);
  });

  it.each([
    'scalekit_environment_url',
    'scalekit_client_id',
    'scalekit_client_secret',
    'organization_id',
    'organization_external_id',
    'client_id',
    'name',
    'description',
    'scopes',
    'audience',
    'custom_claims',
    'expiry',
    'repository_claims',
    'environment',
    'lifetime',
    'on_existing',
    'keep_secrets',
    'verify',
    'access_token',
    'dry_run',
    'timeout',
  ])('(an expression that was not evaluated) is named once, as that: %s', (input) => {
    expect(resolveError({ [input]: EXPRESSION })).toMatch(UNEVALUATED(input));
  });

  it.each(Object.keys(SCALEKIT_VARIABLES))(
    '(an expression that was not evaluated) is named in a variable as well: %s',
    (name) => {
      expect(resolveError(NO_INPUTS, { ...SCALEKIT_VARIABLES, [name]: EXPRESSION })).toMatch(
        UNEVALUATED(`${name.toLowerCase().replace('scalekit_organization', 'organization')} (from ${name})`),
      );
    },
  );

  it('(an expression within other text) is named as well', () => {
    expect(resolveError({ custom_claims: `team=a\nrun=${EXPRESSION}` })).toMatch(UNEVALUATED('custom_claims'));
  });
});

it.each([
  ['readInputs', readInputs],
  ['readDeleteInputs', readDeleteInputs],
  ['readSweepInputs', readSweepInputs],
] as const)('a secret that was pasted into a wrong input is in no error, not even in part: %s', (_, read) => {
  const long = (word: string) => `${word}_${word.repeat(99)}`;
  const [github_token, scalekit_client_secret] = [long('github'), long('environment')];
  for (const secret of [github_token, scalekit_client_secret]) {
    const misplaced = { organization_id: secret, scalekit_environment_url: `https://${secret}/`, timeout: secret };
    setInputs({ ...misplaced, repository: secret, max_deletions: secret, github_token, scalekit_client_secret });
    const message = inputError(() => read(RUNNER));
    expect(message).toContain('got "***"');
    expect(message).not.toContain(secret.slice(0, 12));
  }
});

describe('several bad inputs', () => {
  it('are cut off if they would not fit into an annotation', () => {
    const lines = resolveError({ scopes: Array.from({ length: 1000 }, (_, at) => `"${at}`).join(' ') }).split('\n');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([12, '11 bad inputs:', '- scopes: and 990 more']);
    const both = resolveError({ scopes: Array.from({ length: 99 }, (_, at) => `"${at}`).join(' '), expiry: 'x' });
    expect(both).toContain('- expiry: got "x"');
  });

  it('are all named in one error, each on a line of its own', () => {
    const message = resolveError(
      {
        scalekit_environment_url: 'http://acme.scalekit.com/x',
        scalekit_client_id: 'm2morg_1',
        scalekit_client_secret: '',
        organization_id: 'acme',
        name: 'n'.repeat(129),
        description: 'd'.repeat(352),
        scopes: 'a"b c\\d',
        audience: '[1]',
        custom_claims: 'team\ngithub_repository=acme/b',
        expiry: '0',
        repository_claims: 'github_repository github_sha github_team',
        environment: 'e'.repeat(256),
        lifetime: 'persistent',
        client_id: 'skc_1',
        on_existing: 'recreate',
        keep_secrets: '6',
        verify: 'yes',
        access_token: 'no',
        dry_run: '1',
        timeout: '4',
      },
      { NODE_TLS_REJECT_UNAUTHORIZED: '0', GITHUB_OUTPUT: '' },
    );
    const [title, ...faults] = message.split('\n');
    expect(title).toBe(`${faults.length} bad inputs:`);
    expect(faults.map((fault) => /^- (\w+): /.exec(fault)?.[1])).toEqual([
      'scalekit_client_secret',
      'scalekit_client_id',
      'scalekit_environment_url',
      'scalekit_environment_url',
      'organization_id',
      'timeout',
      'GITHUB_OUTPUT',
      'NODE_TLS_REJECT_UNAUTHORIZED',
      'environment',
      'name',
      'description',
      'scopes',
      'scopes',
      'audience',
      'custom_claims',
      'custom_claims',
      'expiry',
      'client_id',
      'on_existing',
      'keep_secrets',
      'verify',
      'access_token',
      'dry_run',
      'repository_claims',
      'repository_claims',
    ]);
  });

  it('are all named if nothing at all was given', () => {
    expect(resolveError(NO_INPUTS).match(/^- \w+/gm)).toEqual([
      '- scalekit_client_id',
      '- scalekit_client_secret',
      '- scalekit_environment_url',
      '- organization_id',
    ]);
  });

  it.each<[string, Values]>([
    ['lifetime', { lifetime: 'forever', repository_claims: 'github_sha' }],
    ['lifetime', { lifetime: 'forever', client_id: 'm2morg_1' }],
    ['lifetime', { lifetime: 'forever', on_existing: 'reuse' }],
    ['on_existing', { on_existing: 'recreate', lifetime: 'job' }],
    ['on_existing', { on_existing: 'recreate', access_token: 'true' }],
    ['verify', { verify: 'yes', access_token: 'true' }],
    ['access_token', { access_token: 'yes', on_existing: 'reuse' }],
    ['access_token', { access_token: 'yes', verify: 'false' }],
    ['organization_external_id', { organization_id: 'acme', organization_external_id: 'acme' }],
  ])('do not bring about faults in good ones: %s', (input, changes) => {
    expect(resolveError(changes)).toMatch(new RegExp(`^Bad input: ${input}: .*$`));
  });
});

describe('two inputs that make no sense together', () => {
  const alwaysNew = 'the client of a job is always a new one';

  it.each<[input: string, Values, fault: string]>([
    [
      'organization_external_id',
      { organization_external_id: 'acme' },
      'is given beside organization_id; expected one of the two',
    ],
    [
      'client_id',
      { lifetime: 'job', client_id: 'm2morg_1' },
      `is given with lifetime: job; expected one of the two: ${alwaysNew}`,
    ],
    ...['reuse', 'replace', 'fail'].map((on_existing): [string, Values, string] => [
      'on_existing',
      { lifetime: 'job', on_existing },
      `got "${on_existing}" with lifetime: job; expected it to be left out: ${alwaysNew}`,
    ]),
    [
      'access_token',
      { on_existing: 'reuse', access_token: 'true' },
      'is true with on_existing: reuse; expected one of the two: without a new secret there is no token',
    ],
    [
      'access_token',
      { verify: 'false', access_token: 'true' },
      'is true with verify: false; expected verify: true, since it is the token that verification gets',
    ],
  ])('are one fault of %s: %j', (input, changes, fault) => {
    expect(resolveError(changes)).toBe(`Bad input: ${input}: ${fault}`);
  });

  it('are all named', () => {
    const client_id = 'm2morg_1';
    expect(
      resolveError({ lifetime: 'job', client_id, on_existing: 'reuse', verify: 'false', access_token: 'true' }).match(
        /^- .*? with \w+: \w+/gm,
      ),
    ).toEqual([
      '- client_id: is given with lifetime: job',
      '- on_existing: got "reuse" with lifetime: job',
      '- access_token: is true with on_existing: reuse',
      '- access_token: is true with verify: false',
    ]);
  });

  it.each<Values>([
    { lifetime: 'job', on_existing: 'rotate' },
    { lifetime: 'job', access_token: 'true', keep_secrets: '1', dry_run: 'true' },
    { lifetime: 'persistent', client_id: 'm2morg_1', on_existing: 'replace' },
    { on_existing: 'reuse', access_token: 'false', verify: 'false' },
    { on_existing: 'fail', access_token: 'true', verify: 'true' },
    { organization_id: '', organization_external_id: 'org_1' },
  ])('are not %j', (changes) => {
    expect(() => resolve(changes)).not.toThrow();
  });
});

describe('a desired client', () => {
  it('needs no more than the address, the credentials and the organization', () => {
    const desired = resolve();
    expect(desired).toMatchObject({
      origin: 'https://acme.scalekit.com',
      credentials: { client_id: 'skc_1', client_secret: SECRET },
      organization_id: 'org_1',
      organization_external_id: '',
      given: { name: false, description: false },
      marker: { repo: '1296269', by: '1296269', run: '1658821493.2', lifetime: 'persistent' },
      identity: {
        repository: 'acme/app',
        repository_id: '1296269',
        environment: '',
        name: undefined,
        lifetime: 'persistent',
      },
      client_id: '',
      on_existing: 'rotate',
      keep_secrets: 2,
      verify: true,
      access_token: false,
      dry_run: false,
      timeout: 120,
      notices: [],
      warnings: [],
    });
    const { description, ...fields } = desired.fields;
    // A field that was not given is not sent.
    expect(fields).toEqual({
      name: 'GitHub Actions: acme/app',
      custom_claims: [
        { key: 'github_repository', value: 'acme/app' },
        { key: 'github_repository_id', value: '1296269' },
      ],
    });
    expect(description).toBe('Made by GitHub Actions for acme/app.');
  });

  it('is the same whether or not the runner passes the defaults in action.yml', () => {
    const { inputs } = parse(readFileSync('action.yml', 'utf8')) as { inputs: Record<string, { default?: string }> };
    const defaults = Object.entries(inputs).flatMap(([name, { default: value }]) => (value ? [[name, value]] : []));
    const settings = ({ marker: _, ...rest }: DesiredClient) => rest;
    expect(defaults.length).toBeGreaterThan(5);
    expect(settings(resolve(Object.fromEntries(defaults)))).toEqual(settings(resolve()));
  });

  it('takes every field as it was given', () => {
    const desired = resolve({
      name: 'Deployer',
      description: 'Deploys\nthe app.',
      scopes: 'deploy:apps read:apps',
      audience: '["api.acme.example"]',
      custom_claims: 'team=infra\ngithub_repository=acme/app',
      expiry: '600',
      environment: 'production',
      lifetime: 'persistent',
      client_id: 'm2morg_1',
      on_existing: 'replace',
      keep_secrets: '5',
      access_token: 'true',
      dry_run: 'true',
      timeout: '60',
    });
    const { description, ...fields } = desired.fields;
    expect(fields).toEqual({
      name: 'Deployer',
      scopes: ['deploy:apps', 'read:apps'],
      audience: ['api.acme.example'],
      custom_claims: [
        { key: 'github_repository', value: 'acme/app' },
        { key: 'github_repository_id', value: '1296269' },
        { key: 'environment', value: 'production' },
        { key: 'team', value: 'infra' },
      ],
      expiry: 600,
    });
    expect(description).toBe('Deploys\nthe app.');
    expect(desired).toMatchObject({
      given: { name: true, description: true },
      identity: { environment: 'production', name: 'Deployer' },
      client_id: 'm2morg_1',
      on_existing: 'replace',
      keep_secrets: 5,
      verify: true,
      access_token: true,
      dry_run: true,
      timeout: 60,
    });
  });

  it('may take all from variables', () => {
    expect(resolve(NO_INPUTS, SCALEKIT_VARIABLES)).toMatchObject({
      origin: 'https://acme.scalekit.com',
      credentials: { client_id: 'skc_1', client_secret: SECRET },
      organization_id: 'org_1',
    });
  });

  it.each<[string, Values, Values, string]>([
    [
      'an input before both variables',
      { scalekit_environment_url: 'a.example' },
      { SCALEKIT_ENVIRONMENT_URL: 'b.example', SCALEKIT_ENV_URL: 'c.example' },
      'https://a.example',
    ],
    [
      'SCALEKIT_ENVIRONMENT_URL before SCALEKIT_ENV_URL',
      NO_INPUTS,
      { ...SCALEKIT_VARIABLES, SCALEKIT_ENVIRONMENT_URL: 'b.example', SCALEKIT_ENV_URL: 'c.example' },
      'https://b.example',
    ],
    [
      'SCALEKIT_ENV_URL if the other is blank',
      NO_INPUTS,
      { ...SCALEKIT_VARIABLES, SCALEKIT_ENVIRONMENT_URL: ' ', SCALEKIT_ENV_URL: 'c.example' },
      'https://c.example',
    ],
    [
      'a variable together with the secret of a variable',
      { ...NO_INPUTS, scalekit_client_id: 'skc_1', organization_id: 'org_1' },
      SCALEKIT_VARIABLES,
      'https://acme.scalekit.com',
    ],
  ])('takes the address from %s', (_what, changes, env, origin) => {
    expect(resolve(changes, env).origin).toBe(origin);
  });

  it.each(['rotate', 'reuse', 'replace', 'fail'])('may %s if a client exists', (on_existing) => {
    expect(resolve({ on_existing }).on_existing).toBe(on_existing);
  });

  it.each([1, 2, 3, 4, 5])('may keep %i secrets', (keep_secrets) => {
    expect(resolve({ keep_secrets: ` ${keep_secrets} ` }).keep_secrets).toBe(keep_secrets);
  });

  it.each(['verify', 'access_token', 'dry_run'] as const)('may say of %s what YAML calls true and false', (input) => {
    for (const text of ['true', 'True', 'TRUE', ' true ']) expect(resolve({ [input]: text })[input]).toBe(true);
    for (const text of ['false', 'False', 'FALSE']) expect(resolve({ [input]: text })[input]).toBe(false);
    expect(resolve({ [input]: ' ' })[input]).toBe(resolve()[input]);
  });

  it.each<[string, Values, Values]>([
    ['alone', {}, {}],
    ['over the variable for the id', {}, SCALEKIT_VARIABLES],
    ['over a bad variable for the id', {}, { SCALEKIT_ORGANIZATION_ID: 'acme' }],
    ['with the address from a variable', NO_INPUTS, SCALEKIT_VARIABLES],
  ])('may name the organization by its external id, %s', (_what, changes, env) => {
    const organization_external_id = 'acme/ü 1';
    expect(resolve({ ...changes, organization_id: undefined, organization_external_id }, env)).toMatchObject({
      organization_id: '',
      organization_external_id,
    });
  });

  it.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000'])('may go to %s', (url) => {
    expect(resolve({ scalekit_environment_url: url }).origin).toBe(url);
  });

  it.each<[string, Values, number | undefined]>([
    ["Scalekit's default", {}, undefined],
    ['an hour with lifetime: job', { lifetime: 'job' }, 3600],
    ['what was given', { expiry: '60', lifetime: 'job' }, 60],
    ['the largest safe number', { expiry: '9007199254740991' }, Number.MAX_SAFE_INTEGER],
  ])('has an expiry of %s', (_what, changes, expiry) => {
    expect(resolve(changes).fields.expiry).toBe(expiry);
  });

  it.each<[string, Values, string[]]>([
    ['none', { repository_claims: 'none', environment: 'production' }, []],
    [
      'those asked for, in that order',
      { repository_claims: '["environment", "github_repository"]', environment: 'b' },
      ['environment', 'github_repository'],
    ],
    [
      'those that change from run to run, with lifetime: job',
      { repository_claims: 'github_sha', lifetime: 'job' },
      ['github_sha'],
    ],
    [
      'the default ones, with an environment',
      { environment: 'production' },
      ['github_repository', 'github_repository_id', 'environment'],
    ],
    [
      'a custom one of the same name, if none is derived',
      { repository_claims: 'none', custom_claims: 'github_repository=other/app' },
      ['github_repository'],
    ],
  ])('has as claims %s', (_what, changes, keys) => {
    expect((resolve(changes).fields.custom_claims ?? []).map(({ key }) => key)).toEqual(keys);
  });

  it('does without the id of the repository if the runner does not provide it, with a notice', () => {
    const { fields, notices, marker } = resolve({}, { GITHUB_REPOSITORY_ID: undefined });
    expect(fields.custom_claims).toEqual([{ key: 'github_repository', value: 'acme/app' }]);
    expect(notices).toEqual([
      'This runner does not tell GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.',
    ]);
    expect(marker.repo).toMatch(/^[\w-]{16}$/);
    expect(resolve({ repository_claims: 'none' }, { GITHUB_REPOSITORY_ID: undefined }).notices).toEqual([]);
  });

  it.each(['12x', '9'.repeat(17), '-1'])('has no claim about an id that it does not believe: %s', (id) => {
    const { fields, notices } = resolve({}, { GITHUB_REPOSITORY_ID: id });
    expect(notices).toHaveLength(1);
    expect(fields.custom_claims).toEqual([{ key: 'github_repository', value: 'acme/app' }]);
  });

  it.each([
    ['name', 128],
    ['description', 351],
    ['environment', 255],
  ])('may have a %s of %i code points', (input, maximum) => {
    expect(() => resolve({ [input]: '😀'.repeat(maximum) })).not.toThrow();
  });

  it('warns of what must not run in a job that code from outside triggered', () => {
    expect(resolve({}, fromFork('pull_request_target')).warnings).toEqual([
      'This run was triggered by code from outside, yet has secrets: nothing of that code may be checked out, built or run in this job, or it can take the credentials.',
    ]);
    expect(resolve({}, fromFork('pull_request')).warnings).toEqual([]);
  });

  it('may have certificate checks switched on', () => {
    expect(() => resolve({}, { NODE_TLS_REJECT_UNAUTHORIZED: '1' })).not.toThrow();
    expect(unsafeSetting({ NODE_TLS_REJECT_UNAUTHORIZED: '1' })).toBeUndefined();
    expect(unsafeSetting({})).toBeUndefined();
  });
});

describe('the repository that a client is for', () => {
  it.each<[what: string, Values, Values, Partial<Inputs>]>([
    ["the workflow's own", {}, {}, { repository: '', source: 'runner' }],
    ["the workflow's own, by name", { repository: 'acme/app' }, {}, { repository: '', source: 'runner' }],
    ["the workflow's own, in another case", { repository: 'ACME/App' }, {}, { repository: '', source: 'runner' }],
    ["the workflow's own, with an ID token", {}, ID_TOKEN_VARIABLES, { repository: '', source: 'token' }],
    [
      "the workflow's own, by name, with an ID token",
      { repository: 'Acme/app' },
      ID_TOKEN_VARIABLES,
      { source: 'token' },
    ],
    ['another one', OTHER_REPOSITORY, {}, { repository: 'acme/other', source: 'api', github: GITHUB }],
    [
      "another one, about which the job's ID token says nothing",
      OTHER_REPOSITORY,
      ID_TOKEN_VARIABLES,
      { source: 'api' },
    ],
    ['another one, with a dot in its name', { ...OTHER_REPOSITORY, repository: 'acme/.github' }, {}, { source: 'api' }],
  ])('may be %s', (_what, changes, env, expected) => {
    for (const reader of [readInputs, readDeleteInputs])
      expect(readWith<Inputs | DeleteInputs>(reader, changes, env)).toMatchObject(expected);
  });

  it.each([
    ...['other', 'acme/', '/other', 'acme/other/x', 'acme/..', 'acme/.', '../other', './other', '../..', '..'],
    ...['ac me/other', 'https://github.com/a/b'],
  ])('is not %j', (repository) => {
    expect(mainError({ repository, github_token: GITHUB_TOKEN })).toBe(
      `Bad input: repository: got "${repository}"; expected owner/name`,
    );
    if (!repository.includes(' '))
      expect(mainError({}, { GITHUB_REPOSITORY: repository })).toMatch(/^Bad input: GITHUB_REPOSITORY: /);
  });

  it('needs github_token if it is another', () => {
    const fault =
      'Bad input: github_token: is empty; expected a token that may read acme/other (repository). Likely causes: a misspelt name';
    for (const reader of [readInputs, readDeleteInputs])
      expect(inputError(() => readWith<unknown>(reader, { repository: 'acme/other' }))).toContain(fault);
    expect(() => readMain({ repository: 'acme/app' })).not.toThrow();
  });

  it('has no claims about a run if it is another, which is reported before any request', () => {
    expect(mainError({ ...OTHER_REPOSITORY, repository_claims: 'github_sha', lifetime: 'job' })).toBe(
      'Bad input: repository_claims: got github_sha, which says something about a run, not about another repository; expected a claim that is known here',
    );
    expect(
      readMain({ ...OTHER_REPOSITORY, repository_claims: 'github_repository_visibility' }).repository_claims,
    ).toHaveLength(1);
  });
});

describe('the inputs of delete/', () => {
  it('are those of the client and of its secret location', () => {
    expect(
      readWith(readDeleteInputs, { ...SAVING, name: 'Deployer', client_id: 'm2morg_1', environment: 'a' }),
    ).toMatchObject({
      name: 'Deployer',
      client_id: 'm2morg_1',
      environment: 'a',
      saving: { to: 'repository' },
      github: GITHUB,
      dry_run: false,
      timeout: 120,
    });
    expect(readWith(readDeleteInputs, {})).toMatchObject({
      name: '',
      client_id: '',
      saving: undefined,
      github: undefined,
    });
  });

  it('are all named if they are wrong', () => {
    const changes = {
      scalekit_client_secret: '',
      repository: 'other',
      environment: '..',
      name: 'n'.repeat(129),
      client_id: 'skc_1',
      save_to: 'environment',
      save_as: '1',
      dry_run: 'x',
    };
    expect(inputError(() => readWith(readDeleteInputs, changes)).match(/^- \w+/gm)).toEqual([
      '- scalekit_client_secret',
      '- repository',
      '- save_as',
      '- github_token',
      '- name',
      '- client_id',
      '- dry_run',
      '- save_to',
    ]);
  });
});

describe('the inputs of sweep/', () => {
  const sweep = (changes: Values = {}) => readWith(readSweepInputs, { github_token: GITHUB_TOKEN, ...changes });

  it('change nothing unless that is requested, and then not much', () => {
    expect(sweep()).toMatchObject({ dry_run: true, max_deletions: 20, github: GITHUB, timeout: 120 });
    expect(sweep({ dry_run: 'false' }).dry_run).toBe(false);
  });

  it.each(['1', '9', '10', '999', '1000'])('may allow %s deletions', (max_deletions) => {
    expect(sweep({ max_deletions }).max_deletions).toBe(Number(max_deletions));
  });

  it.each(['0', '-1', '1001', '01', '1e2', '1.0', 'all', '9999'])('may not allow %s deletions', (max_deletions) => {
    expect(inputError(() => sweep({ max_deletions }))).toBe(
      `Bad input: max_deletions: got "${max_deletions}"; expected a whole number from 1 to 1000`,
    );
  });

  it('need a token that may read runs, and are all named if they are wrong', () => {
    expect(inputError(() => sweep({ github_token: '' }))).toContain(
      'github_token: is empty; expected a token that may read workflow runs (permissions with actions: read).',
    );
    const changes = { github_token: '', max_deletions: '0', dry_run: 'no', organization_id: 'acme' };
    expect(inputError(() => sweep(changes)).match(/^- \w+/gm)).toEqual([
      '- organization_id',
      '- github_token',
      '- max_deletions',
      '- dry_run',
    ]);
  });
});

describe('an expression that was not evaluated', () => {
  it.each([
    ['repository', {}],
    ['save_as', {}],
    ['save_to', {}],
    ['environment', SAVING],
    ['github_token', { save_to: 'repository' }],
  ])('is the one fault of %s', (input, changes) => {
    expect(mainError({ ...changes, [input]: EXPRESSION })).toMatch(
      new RegExp(
        `^Bad input: ${input}: got ".*", which holds an expression that was not evaluated; expected its value$`,
      ),
    );
  });
});
