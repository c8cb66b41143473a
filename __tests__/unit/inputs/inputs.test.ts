import { describe, expect, it } from '@jest/globals';
import {
  type DeleteInputs,
  type Inputs,
  readAuditInputs,
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
  OTHER_REPOSITORY,
  RUNNER,
  readMain,
  readWith,
  resolve,
  resolveError,
  SAVING,
  setInputs,
  useCleanInputs,
  type Values,
} from '../input-fixtures.ts';

const GITHUB = { api: 'https://api.github.com', token: GITHUB_TOKEN };
const KEPT = 'This client is kept until delete/ deletes it. With lifetime: job, it is deleted when the job ends.';

useCleanInputs();

it.each([
  ['readInputs', readInputs],
  ['readDeleteInputs', readDeleteInputs],
  ['readSweepInputs', readSweepInputs],
  ['readAuditInputs', readAuditInputs],
] as const)('a long secret in a wrong input is in no error of %s, not even in part', (_, read) => {
  const long = (word: string) => `${word}_${word.repeat(99)}`;
  const [github_token, scalekit_client_secret] = [long('alphabetic'), long('bravissimo')];
  for (const secret of [github_token, scalekit_client_secret]) {
    const misplaced = { organization_id: secret, scalekit_environment_url: `https://${secret}/`, timeout: secret };
    setInputs({ ...misplaced, repository: secret, max_deletions: secret, github_token, scalekit_client_secret });
    const message = inputError(() => read(RUNNER));
    expect(message).toContain('organization_id: holds the value of scalekit_client_secret or github_token');
    expect(message).not.toContain(secret.slice(0, 12));
  }
});

/** Returns a text of 12 characters. */
const part = (letter: string) => `${letter}7${letter.toUpperCase()}q`.repeat(3);

it.each<[what: string, secret: string, inputs: (secret: string) => Values]>([
  ['a list splits', `${part('a')},${part('b')}`, (secret) => ({ repository_claims: secret })],
  ['a claim splits', `${part('a')}=${part('b')}`, (secret) => ({ custom_claims: `${secret}\n${secret}` })],
  ['a claim escapes', `${part('a')}=${part('b')}`, (secret) => ({ custom_claims: JSON.stringify({ [secret]: 'x' }) })],
  ['a host folds', `${part('a')}.${part('b')}`, (secret) => ({ scalekit_environment_url: secret })],
  ['the name of a client cuts', part('a').repeat(7), (secret) => ({ environment: `${'e'.repeat(60)}${secret}` })],
  ['a taken name cuts', part('a').repeat(7), (secret) => ({ name: `${'n'.repeat(44)}${secret}` })],
  ['an invisible character splits', part('a'), (secret) => ({ organization_id: secret.replace('7', '7\u200b') })],
])('a secret that %s is refused in another input, and no part of it is shown', (_, secret, inputs) => {
  for (const name of ['scalekit_client_secret', 'github_token'])
    expect(mainError({ ...inputs(secret), [name]: secret })).toMatch(
      /^Bad input: \w+: holds the value of scalekit_client_secret or github_token; expected another value$/,
    );
});

it.each(['skc_123456789', 'undefined', `$\{{ secrets.SCALEKIT_CLIENT_SECRET }}`])(
  'an input may hold what stands in place of a secret and is none: %s',
  (text) => {
    expect(mainError({ scalekit_client_secret: text, name: text })).not.toContain('holds the value of');
  },
);

describe('errors about several inputs', () => {
  it('an error counts its problems, and the first ones of each input come first', () => {
    const lines = resolveError({ scopes: Array.from({ length: 1000 }, (_, at) => `"${at}`).join(' ') }).split('\n');
    expect(lines[0]).toBe('1000 bad inputs:');
    expect(lines).toHaveLength(1001);
    const both = resolveError({ scopes: Array.from({ length: 99 }, (_, at) => `"${at}`).join(' '), expiry: 'x' });
    expect(both).toContain('- expiry: got "x"');
  });

  it('one error lists all bad inputs, each on a line of its own', () => {
    const message = resolveError(
      {
        scalekit_environment_url: 'http://acme.scalekit.com/x',
        scalekit_client_id: 'm2morg_1',
        scalekit_client_secret: '',
        organization_id: 'acme',
        name: 'n'.repeat(129),
        description: 'd'.repeat(341),
        scopes: 'a"b c\\d',
        audience: '[1]',
        custom_claims: 'team\ngithub_repository=acme/b',
        expiry: '0',
        repository_claims: 'github_repository github_sha github_team',
        environment: 'e'.repeat(256),
        lifetime: 'persistent',
        client_id: 'skc_1',
        on_existing: 'recreate',
        rotate_after: '0',
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
      ...['scalekit_environment_url', 'scalekit_environment_url', 'scalekit_client_id', 'scalekit_client_secret'],
      ...['organization_id', 'client_id', 'name', 'description', 'scopes', 'scopes', 'audience'],
      ...['custom_claims', 'custom_claims', 'expiry', 'repository_claims', 'repository_claims', 'environment'],
      ...['on_existing', 'rotate_after', 'keep_secrets', 'verify', 'access_token', 'dry_run', 'timeout'],
      ...['GITHUB_OUTPUT', 'NODE_TLS_REJECT_UNAUTHORIZED'],
    ]);
  });

  it.each<[string, Values]>([
    ['lifetime', { lifetime: 'forever', repository_claims: 'github_sha' }],
    ['lifetime', { lifetime: 'forever', client_id: 'm2morg_1' }],
    ['lifetime', { lifetime: 'forever', on_existing: 'reuse' }],
    ['on_existing', { on_existing: 'recreate', lifetime: 'job' }],
    ['on_existing', { on_existing: 'recreate', access_token: 'true' }],
    ['on_existing', { on_existing: 'recreate', rotate_after: '30' }],
    ['on_existing', { on_existing: EXPRESSION, rotate_after: '30' }],
    ['rotate_after', { rotate_after: '0' }],
    ['rotate_after', { on_existing: 'fail', rotate_after: '-1' }],
    ['verify', { verify: 'yes', access_token: 'true' }],
    ['access_token', { access_token: 'yes', on_existing: 'reuse' }],
    ['access_token', { access_token: 'yes', verify: 'false' }],
  ])('a bad value of %s causes no problem of another input: %j', (input, changes) => {
    expect(resolveError(changes)).toMatch(new RegExp(`^Bad input: ${input}: .*$`));
  });
});

describe('inputs that contradict each other', () => {
  const alwaysNew = 'the client of a job is always a new one';
  const onlyReuse = 'expected on_existing: reuse, because only that keeps a secret';

  it.each<[input: string, Values, problem: string]>([
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
    ...['rotate', 'replace', 'fail'].map((on_existing): [string, Values, string] => [
      'rotate_after',
      { on_existing, rotate_after: '30' },
      `is given with on_existing: ${on_existing}; ${onlyReuse}`,
    ]),
    ...[{}, { lifetime: 'job' }].map((changes): [string, Values, string] => [
      'rotate_after',
      { ...changes, rotate_after: '30' },
      `is given with on_existing: rotate; ${onlyReuse}`,
    ]),
    [
      'access_token',
      { on_existing: 'reuse', access_token: 'true' },
      'is true with on_existing: reuse; expected one of the two: without a new secret there is no token',
    ],
    [
      'access_token',
      { verify: 'false', access_token: 'true' },
      'is true with verify: false; expected verify: true, because verification requests that token',
    ],
  ])('%s is refused if another input contradicts it: %j', (input, changes, problem) => {
    expect(resolveError(changes)).toBe(`Bad input: ${input}: ${problem}`);
  });

  it('an error lists all inputs that contradict each other', () => {
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
    { on_existing: 'reuse', rotate_after: '1' },
    { ...SAVING, on_existing: 'reuse', rotate_after: '3650', keep_secrets: '1', dry_run: 'true' },
    { on_existing: 'fail', access_token: 'true', verify: 'true' },
    { organization_id: '', organization_external_id: 'org_1' },
  ])('inputs that do not contradict each other are accepted: %j', (changes) => {
    expect(() => resolve(changes)).not.toThrow();
  });
});

describe('the repository that a client is for', () => {
  it.each<[what: string, Values, Values, Partial<Inputs>]>([
    ["the workflow's own without the input", {}, {}, { repository: '', source: 'runner' }],
    ["the workflow's own in another case", { repository: 'ACME/App' }, {}, { repository: '', source: 'runner' }],
    ["the workflow's own, described by the ID token", {}, ID_TOKEN_VARIABLES, { repository: '', source: 'token' }],
    [
      "the workflow's own by name, described by the ID token",
      { repository: 'Acme/app' },
      ID_TOKEN_VARIABLES,
      { source: 'token' },
    ],
    ['another repository', OTHER_REPOSITORY, {}, { repository: 'acme/other', source: 'api', github: GITHUB }],
    [
      'another repository, although the job may have an ID token',
      OTHER_REPOSITORY,
      ID_TOKEN_VARIABLES,
      { source: 'api' },
    ],
    [
      'another repository with a dot in its name',
      { ...OTHER_REPOSITORY, repository: 'acme/.github' },
      {},
      { source: 'api' },
    ],
  ])('the repository that a client is for may be %s', (_what, changes, env, expected) => {
    for (const reader of [readInputs, readDeleteInputs])
      expect(readWith<Inputs | DeleteInputs>(reader, changes, env)).toMatchObject(expected);
  });

  it.each([
    ...['other', 'acme/', '/other', 'acme/other/x', 'acme/..', '../other', './other', '../..'],
    ...['ac me/other', 'https://github.com/a/b'],
  ])('a repository that is not owner/name is refused: %j', (repository) => {
    expect(mainError({ repository, github_token: GITHUB_TOKEN })).toBe(
      `Bad input: repository: got "${repository}"; expected owner/name`,
    );
    if (!repository.includes(' '))
      expect(mainError({}, { GITHUB_REPOSITORY: repository })).toMatch(/^Bad input: GITHUB_REPOSITORY: /);
  });

  it('github_token is required if the client is for another repository', () => {
    const fault =
      'Bad input: github_token: is empty; expected a token that may read acme/other (repository). GitHub turns a secret that it does not find';
    for (const reader of [readInputs, readDeleteInputs])
      expect(inputError(() => readWith<unknown>(reader, { repository: 'acme/other' }))).toContain(fault);
    expect(() => readMain({ repository: 'acme/app' })).not.toThrow();
  });

  it('claims about a run are refused for another repository when the inputs are read', () => {
    expect(mainError({ ...OTHER_REPOSITORY, repository_claims: 'github_sha', lifetime: 'job' })).toBe(
      'Bad input: repository_claims: got github_sha, which describes a run and not another repository; expected a claim that is known here',
    );
    expect(
      readMain({ ...OTHER_REPOSITORY, repository_claims: 'github_repository_visibility' }).repository_claims,
    ).toHaveLength(1);
  });
});

describe('the inputs of delete/', () => {
  it('readDeleteInputs returns what names the client and its secret location', () => {
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

  it('readDeleteInputs lists all bad inputs in one error', () => {
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
      '- client_id',
      '- name',
      '- repository',
      '- save_to',
      '- save_as',
      '- github_token',
      '- dry_run',
    ]);
  });
});

describe('the inputs of sweep/', () => {
  const sweep = (changes: Values = {}) => readWith(readSweepInputs, { github_token: GITHUB_TOKEN, ...changes });

  it('readSweepInputs returns a dry run and at most 20 deletions by default', () => {
    expect(sweep()).toMatchObject({ dry_run: true, max_deletions: 20, github: GITHUB, timeout: 120 });
    expect(sweep({ dry_run: 'false' }).dry_run).toBe(false);
  });

  it.each(['1', '1000'])('max_deletions may have the value %s', (max_deletions) => {
    expect(sweep({ max_deletions }).max_deletions).toBe(Number(max_deletions));
  });

  it.each(['0', '1001', 'all'])('max_deletions may not have the value %s', (max_deletions) => {
    expect(inputError(() => sweep({ max_deletions }))).toBe(
      `Bad input: max_deletions: got "${max_deletions}"; expected a whole number from 1 to 1000`,
    );
  });

  it('github_token is required by sweep/, and the error names its permissions', () => {
    expect(inputError(() => sweep({ github_token: '' }))).toContain(
      'github_token: is empty; expected a token that may read workflow runs (permissions with actions: read).',
    );
  });

  it('readSweepInputs lists all bad inputs in one error', () => {
    const changes = { github_token: '', max_deletions: '0', dry_run: 'no', organization_id: 'acme' };
    expect(inputError(() => sweep(changes)).match(/^- \w+/gm)).toEqual([
      '- organization_id',
      '- github_token',
      '- dry_run',
      '- max_deletions',
    ]);
  });
});

describe('the inputs of audit/', () => {
  const audit = (changes: Values = {}) => readWith(readAuditInputs, changes);

  it('readAuditInputs returns no limits, no access to GitHub and no failure on findings by default', () => {
    expect(audit()).toMatchObject({ max_secret_age: undefined, max_secrets: undefined, fail_on_findings: false });
    expect(audit()).toMatchObject({ github: undefined, timeout: 120, folder: '/runner/temp' });
    const changes = { max_secret_age: '90', max_secrets: '2', fail_on_findings: 'true', github_token: GITHUB_TOKEN };
    expect(audit(changes)).toMatchObject({
      max_secret_age: 90,
      max_secrets: 2,
      fail_on_findings: true,
      github: GITHUB,
    });
  });

  it('readAuditInputs lists all bad inputs and a missing RUNNER_TEMP in one error', () => {
    const wrong = {
      organization_id: 'acme',
      github_token: 'a b',
      max_secret_age: '0',
      max_secrets: '101',
      fail_on_findings: 'no',
      timeout: '4',
    };
    const read = () => readWith((env) => readAuditInputs({ ...env, RUNNER_TEMP: undefined }), wrong);
    expect(inputError(read).match(/^- \w+/gm)).toEqual(
      [...Object.keys(wrong), 'RUNNER_TEMP'].map((name) => `- ${name}`),
    );
    expect(inputError(read)).toContain('- RUNNER_TEMP: got ""; expected the folder for temporary files');
  });
});

describe('the notices', () => {
  it.each<[what: string, Values, isShown: boolean]>([
    ['is shown without lifetime and save_to', {}, true],
    ['is shown with save_to: none', { save_to: 'none' }, true],
    ['is not shown with lifetime: persistent', { lifetime: 'persistent' }, false],
    ['is not shown with lifetime: job', { lifetime: 'job' }, false],
    ['is not shown if the credentials are saved', SAVING, false],
    ['is not shown in a dry run', { dry_run: 'true' }, false],
  ])('the notice that the client is kept %s', (_what, changes, isShown) => {
    expect(readMain(changes).notices).toEqual(isShown ? [KEPT] : []);
  });

  it.each(['a\u200bb', '\u200d👩', '👩\u200d', 'a\u00adb', '\u202ea', '👩\u200b👩', 'x\u{e0067}'])(
    'a notice shows an invisible character in name or environment: %j',
    (text) => {
      const shown = JSON.stringify(text).replace(/\p{Cf}/gu, (character) =>
        [...Array(character.length).keys()]
          .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
          .join(''),
      );
      for (const input of ['name', 'environment']) {
        const notice = `The ${input} holds an invisible character: ${shown}.`;
        expect(readMain({ lifetime: 'job', [input]: text })).toMatchObject({ [input]: text, notices: [notice] });
        expect(readWith(readDeleteInputs, { [input]: text })).toMatchObject({ [input]: text, notices: [notice] });
      }
    },
  );

  it.each(['👩‍💻 lab', '👨‍👩‍👧', '👩🏽‍🚒', '🏳️‍🌈', '🏳\u200d🌈', '❤️‍🔥', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '👩\u200d🗿', 'ä e\u0301 \u00a0', 'प्रोड'])(
    'no notice is about emoji and other visible text: %j',
    (text) => {
      expect(readMain({ lifetime: 'job', name: text, environment: text }).notices).toEqual([]);
    },
  );
});
