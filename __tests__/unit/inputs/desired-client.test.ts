import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { DesiredClient } from '../../../src/client/desired.ts';
import { appendMarker, parseMarker } from '../../../src/client/marker.ts';
import { type Target, targetFromApi, targetFromIdToken, targetFromRunner } from '../../../src/client/target.ts';
import { createNonce, desiredClientFrom, resolveSecretLocation } from '../../../src/inputs/desired-client.ts';
import { readDeleteInputs, readInputs } from '../../../src/inputs/inputs.ts';
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
  SAVING,
  SCALEKIT_VARIABLES,
  SECRET,
  useCleanInputs,
  type Values,
} from '../input-fixtures.ts';

const STAYS = 'This client is kept until delete/ deletes it. With lifetime: job, it is deleted when the job ends.';

/** The nonce of this execution of the step. */
const NONCE = 'nonce_789-123456';

useCleanInputs();

/** Returns the target according to an ID token with these claims. */
function tokenTarget(payload: Record<string, unknown>): Target {
  const fromRunner = targetFromRunner({ ...readMain().runner, repository_id: undefined }, RUNNER, '');
  return targetFromIdToken({ repository: 'acme/app', ...payload }, fromRunner, () => () => {});
}
/** The target according to GitHub's API. */
const API_TARGET = targetFromApi({ id: 42, full_name: 'Acme/Other', owner: { login: 'Acme', id: 7 } }, 'production');

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
      rotate_after: undefined,
      keep_secrets: 2,
      verify: true,
      access_token: false,
      location: undefined,
      dry_run: false,
      run_url: '',
      timeout: 120,
      notices: [STAYS],
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

  it('has the address of the run, if the runner says where GitHub is', () => {
    expect(resolve({}, { GITHUB_SERVER_URL: 'https://github.com' }).run_url).toBe(
      'https://github.com/acme/app/actions/runs/1658821493/attempts/2',
    );
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
      STAYS,
      'This runner does not set GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.',
    ]);
    expect(marker.repo).toMatch(/^[\w-]{16}$/);
    expect(resolve({ repository_claims: 'none' }, { GITHUB_REPOSITORY_ID: undefined }).notices).toEqual([STAYS]);
  });

  it.each(['12x', '9'.repeat(17), '-1'])('has no claim about an id that it does not believe: %s', (id) => {
    const { fields, notices } = resolve({}, { GITHUB_REPOSITORY_ID: id });
    expect(notices).toHaveLength(2);
    expect(fields.custom_claims).toEqual([{ key: 'github_repository', value: 'acme/app' }]);
  });
});

describe('the secret location', () => {
  it.each<[prefix: string | undefined, state_variable: string, id_variable: string, secret: string]>([
    [undefined, 'SCALEKIT_M2M_STATE', 'SCALEKIT_M2M_CLIENT_ID', 'SCALEKIT_M2M_CLIENT_SECRET'],
    ['DEPLOYER', 'DEPLOYER_STATE', 'DEPLOYER_CLIENT_ID', 'DEPLOYER_CLIENT_SECRET'],
    ['_a1', '_a1_STATE', '_a1_CLIENT_ID', '_a1_CLIENT_SECRET'],
    ['MY_GITHUB_', 'MY_GITHUB__STATE', 'MY_GITHUB__CLIENT_ID', 'MY_GITHUB__CLIENT_SECRET'],
    ['GITHUBBER', 'GITHUBBER_STATE', 'GITHUBBER_CLIENT_ID', 'GITHUBBER_CLIENT_SECRET'],
  ])('has names that begin with %j', (save_as, state_variable, id_variable, secret) => {
    const saving = { to: 'repository', state_variable, id_variable, secret };
    expect(readMain({ ...SAVING, save_as }).saving).toEqual(saving);
    expect(readWith(readDeleteInputs, { ...SAVING, save_as }).saving).toEqual(saving);
  });

  // With the prefix GITHUB, the variable would be GITHUB_CLIENT_ID.
  it.each([
    ...['1A', 'GITHUB', 'github', 'GITHUB_', 'GITHUB_APP', 'github_app', 'GitHub_App'],
    ...['A-B', 'A B', 'Ä', 'A.B', 'A/B', 'A%'],
  ])('has no names that GitHub refuses: %j', (save_as) => {
    const fault = `Bad input: save_as: got "${save_as}"; expected letters, digits and _, not beginning with a digit or GITHUB_`;
    expect(mainError({ ...SAVING, save_as })).toBe(fault);
    expect(mainError({ save_as })).toBe(fault);
  });

  it('is the repository, the environment, or none', () => {
    const fault = 'Bad input: save_to: got "secrets"; expected "none", "repository" or "environment"';
    // With an unknown save_to, it is not known whether a token or an environment is needed.
    for (const changes of [{}, { github_token: GITHUB_TOKEN }, { lifetime: 'job' }])
      expect(mainError({ save_to: 'secrets', ...changes })).toBe(fault);
    expect(inputError(() => readWith(readDeleteInputs, { save_to: 'secrets' }))).toBe(fault);
  });

  const noEnvironment =
    'Bad input: save_to: got "environment" without an environment; expected the input environment, or "repository"';

  it('is no environment if there is none', () => {
    const changes = { ...SAVING, save_to: 'environment' };
    expect(mainError(changes)).toBe(noEnvironment);
    expect(inputError(() => readWith(readDeleteInputs, changes))).toBe(noEnvironment);
    // The ID token names no environment of another repository.
    for (const reader of [readInputs, readDeleteInputs])
      expect(inputError(() => readWith<unknown>(reader, { ...changes, ...OTHER_REPOSITORY }, ID_TOKEN_VARIABLES))).toBe(
        noEnvironment,
      );
    expect(() => readMain({ ...changes, environment: 'production' })).not.toThrow();
  });

  it('is judged once it is known which environment the ID token names', () => {
    const main = readMain({ ...SAVING, save_to: 'environment' }, ID_TOKEN_VARIABLES);
    const deletion = readWith(readDeleteInputs, { ...SAVING, save_to: 'environment' }, ID_TOKEN_VARIABLES);
    const none = noEnvironment.replace(' environment;', ' environment (this job has none);');
    const location = {
      repository: 'acme/app',
      environment: 'production',
      state_variable: 'SCALEKIT_M2M_STATE',
      id_variable: 'SCALEKIT_M2M_CLIENT_ID',
      secret: 'SCALEKIT_M2M_CLIENT_SECRET',
    };
    expect(inputError(() => desiredClientFrom(main, tokenTarget({}), NONCE))).toBe(none);
    expect(inputError(() => resolveSecretLocation(deletion, tokenTarget({})))).toBe(none);
    expect(desiredClientFrom(main, tokenTarget({ environment: 'production' }), NONCE).location).toEqual(location);
    expect(resolveSecretLocation(deletion, tokenTarget({ environment: 'production' }))).toEqual(location);
  });

  it('is in the repository that the client is for, with the environment only if that was requested', () => {
    const location = (changes: Values, target: Target) =>
      desiredClientFrom(readMain(changes, ID_TOKEN_VARIABLES), target, NONCE).location;
    const token = tokenTarget({ environment: 'production' });
    expect(location(SAVING, token)).toMatchObject({ repository: 'acme/app', environment: '' });
    expect(location({ ...SAVING, ...OTHER_REPOSITORY }, API_TARGET)).toMatchObject({
      repository: 'Acme/Other',
      environment: '',
    });
    const both = { ...OTHER_REPOSITORY, save_to: 'environment', environment: 'production' };
    expect(location(both, API_TARGET)).toMatchObject({ repository: 'Acme/Other', environment: 'production' });
    expect(location({}, token)).toBeUndefined();
  });

  it('makes no sense for a client that is deleted when the job ends', () => {
    for (const save_to of ['repository', 'environment']) {
      expect(mainError({ ...SAVING, save_to, environment: 'a', lifetime: 'job' })).toBe(
        `Bad input: save_to: got "${save_to}" with lifetime: job; expected it to be left out: the client is deleted when the job ends`,
      );
    }
  });
});

describe('an environment', () => {
  const SAVING_TO_ENVIRONMENT: Values = { ...SAVING, save_to: 'environment' };

  it.each(['.', '..'])(
    'in which client credentials are saved is not called %j, which a URL takes for another path',
    (environment) => {
      const fault = `Bad input: save_to: got "environment" with the environment "${environment}"; expected another name, because this one cannot be part of a URL`;
      for (const reader of [readInputs, readDeleteInputs])
        for (const changes of [{}, { repository: 'acme/other' }])
          expect(
            inputError(() => readWith<unknown>(reader, { ...SAVING_TO_ENVIRONMENT, environment, ...changes })),
          ).toBe(fault);
      // The same applies if the ID token names the environment.
      const main = readMain(SAVING_TO_ENVIRONMENT, ID_TOKEN_VARIABLES);
      for (const target of [tokenTarget({ environment }), { ...API_TARGET, environment }]) {
        expect(inputError(() => desiredClientFrom(main, target, NONCE))).toBe(fault);
        expect(inputError(() => resolveSecretLocation(main, target))).toBe(fault);
      }
      // If nothing is saved in it, its name is not part of a URL.
      for (const changes of [{ environment }, { ...SAVING, environment }])
        expect(desiredClientFrom(readMain(changes), { ...API_TARGET, environment }, NONCE).identity.environment).toBe(
          environment,
        );
    },
  );

  it('may be called nearly anything else', () => {
    for (const environment of ['preview/pr-7', '...', '.x', 'a b', 'ü'])
      expect(readMain({ ...SAVING_TO_ENVIRONMENT, environment }).environment).toBe(environment);
  });
});

describe('the ownership marker', () => {
  const references = ({ marker: { by, repo } }: DesiredClient) => ({ by, repo });

  it.each<[string, Values, Values, () => Target, ReturnType<typeof references>]>([
    ["workflow's, from the runner", {}, {}, () => runnerTarget({}), { by: '1296269', repo: '1296269' }],
    [
      "workflow's, from the ID token",
      {},
      ID_TOKEN_VARIABLES,
      () => tokenTarget({ repository_id: '5' }),
      { by: '1296269', repo: '5' },
    ],
    ['other', OTHER_REPOSITORY, {}, () => API_TARGET, { by: '1296269', repo: '42' }],
    ['other, with an ID token', OTHER_REPOSITORY, ID_TOKEN_VARIABLES, () => API_TARGET, { by: '1296269', repo: '42' }],
  ])(
    'of a client for the %s repository says whom it is for and who created it',
    (_what, changes, env, target, expected) => {
      expect(references(desiredClientFrom(readMain(changes, env), target(), NONCE))).toEqual(expected);
    },
  );

  const runnerTarget = (env: Values) => targetFromRunner(readMain({}, env).runner, { ...RUNNER, ...env }, '');

  it('refers to a repository without a known id by its name, whatever its case', () => {
    const noId = { GITHUB_REPOSITORY_ID: undefined };
    const expected = references(desiredClientFrom(readMain({}, noId), runnerTarget(noId), NONCE));
    const upper = { ...noId, GITHUB_REPOSITORY: 'ACME/APP' };
    expect(references(desiredClientFrom(readMain({}, upper), runnerTarget(upper), NONCE))).toEqual(expected);
    expect(expected.by).toMatch(/^[\w-]{16}$/);
    expect(expected.repo).toBe(expected.by);
  });

  it('says who created it in the way that sweep/ knows, which requests no ID token', () => {
    const noId = { GITHUB_REPOSITORY_ID: undefined };
    const token = desiredClientFrom(
      readMain({}, { ...noId, ...ID_TOKEN_VARIABLES }),
      tokenTarget({ repository_id: '5' }),
      NONCE,
    );
    expect(references(token)).toEqual({
      by: references(desiredClientFrom(readMain({}, noId), runnerTarget(noId), NONCE)).by,
      repo: '5',
    });
  });

  it('has the same identity hash wherever id and environment come from, whatever their case', () => {
    const hashOf = (changes: Values, target: Target) => desiredClientFrom(readMain(changes), target, NONCE).marker.key;
    const { runner } = readMain();
    const fromRunner = hashOf({ environment: 'production' }, targetFromRunner(runner, RUNNER, 'production'));
    expect(hashOf({}, tokenTarget({ repository_id: '1296269', environment: 'Production' }))).toBe(fromRunner);
    const api = targetFromApi({ id: 1_296_269, full_name: 'ACME/renamed', owner: {} }, 'production');
    expect(hashOf({}, api)).toBe(fromRunner);
    expect(hashOf({}, tokenTarget({ repository_id: '1296269' }))).not.toBe(fromRunner);
  });
});

describe('a desired client for another repository', () => {
  it('takes name, claims and identity from GitHub, and the environment from the input', () => {
    const desired = desiredClientFrom(readMain({ ...OTHER_REPOSITORY, environment: 'production' }), API_TARGET, NONCE);
    expect(desired).toMatchObject({
      fields: {
        name: 'GitHub Actions: Acme/Other (production)',
        description: 'Made by GitHub Actions for Acme/Other, environment production.',
        custom_claims: [
          { key: 'github_repository', value: 'Acme/Other' },
          { key: 'github_repository_id', value: '42' },
          { key: 'environment', value: 'production' },
        ],
      },
      identity: { repository: 'Acme/Other', repository_id: '42', environment: 'production' },
      notices: [STAYS],
    });
  });

  it('names everything that does not go together in one error', () => {
    const main = readMain({
      ...OTHER_REPOSITORY,
      save_to: 'environment',
      environment: 'production',
      repository_claims: 'github_repository, github_repository_visibility',
      custom_claims: 'github_repository=acme/app',
    });
    const message = inputError(() => desiredClientFrom(main, { ...API_TARGET, environment: '' }, NONCE));
    expect(message.match(/^- \w+/gm)).toEqual(['- custom_claims', '- repository_claims', '- save_to']);
  });
});

describe('the ownership marker of a desired client', () => {
  const sentDescription = ({ fields, marker }: DesiredClient) => appendMarker(fields.description, marker);

  it('is the last line of the description, with a new nonce each time', () => {
    const [one, other] = [resolve(), resolve()];
    expect({ ...parseMarker(sentDescription(one)) }).toEqual(one.marker);
    expect(one.marker.nonce).not.toBe(other.marker.nonce);
    expect({ ...one.marker, nonce: '' }).toEqual({ ...other.marker, nonce: '' });
    const inputs = readMain();
    const { marker } = desiredClientFrom(inputs, targetFromRunner(inputs.runner, RUNNER, ''), NONCE);
    expect(marker).toEqual({ ...one.marker, nonce: NONCE });
  });

  it.each<[string, boolean, Values, Values]>([
    ['a name that was given', true, { name: 'Deployer' }, {}],
    ['the environment', true, { environment: 'production' }, {}],
    ['the lifetime', true, { lifetime: 'job' }, {}],
    ['the id of the repository', true, {}, { GITHUB_REPOSITORY_ID: '2' }],
    ["the repository's name", false, {}, { GITHUB_REPOSITORY: 'acme/renamed' }],
    ['the run', false, {}, { GITHUB_RUN_ID: '2', GITHUB_RUN_ATTEMPT: '3' }],
    [
      'scopes, claims and expiry',
      false,
      { scopes: 'a', custom_claims: 'a=b', repository_claims: 'none', expiry: '9' },
      {},
    ],
    ['the description', false, { description: 'another' }, {}],
    [
      'what is done with it',
      false,
      { client_id: 'm2morg_1', on_existing: 'reuse', keep_secrets: '1', verify: 'false', dry_run: 'true' },
      {},
    ],
  ])('has an identity hash that depends on %s: %s', (_what, depends, changes, env) => {
    expect(resolve(changes, env).marker.key !== resolve().marker.key).toBe(depends);
  });

  const owner = fc.stringMatching(/^\w[\w.-]{0,59}$/);
  const repository = fc.tuple(owner, fc.stringMatching(/^\w[\w.-]{0,119}$/)).map((parts) => parts.join('/'));
  // Trimmed, because getInput trims. A printable grapheme contains no NUL, which no variable can contain.
  const inputText = (maxLength: number) =>
    fc.string({ unit: 'grapheme', maxLength }).map((text) => [...text].slice(0, maxLength).join('').trim());

  it('fits, with any name, description and environment, into what Scalekit takes', () => {
    fc.assert(
      fc.property(
        repository,
        inputText(255),
        inputText(128),
        inputText(340),
        (repository, environment, name, description) => {
          fc.pre(!`${environment}${name}${description}`.includes(EXPRESSION.slice(0, 3)));
          const desired = resolve(
            { environment, name, description },
            { GITHUB_REPOSITORY: repository, GITHUB_REPOSITORY_ID: '9'.repeat(16), GITHUB_RUN_ID: '9'.repeat(12) },
          );
          expect([...desired.fields.name].length).toBeLessThanOrEqual(128);
          expect([...sentDescription(desired)].length).toBeLessThanOrEqual(512);
          expect({ ...parseMarker(sentDescription(desired)) }).toEqual(desired.marker);
        },
      ),
    );
  });
});

describe('a desired client that reuse rotates by age', () => {
  it('has the number of days that was given', () => {
    const desired = resolve({ on_existing: 'reuse', rotate_after: '30' });
    expect(desired).toMatchObject({ on_existing: 'reuse', rotate_after: 30 });
    expect(resolve({ on_existing: 'reuse' }).rotate_after).toBeUndefined();
  });
});

describe('a default name', () => {
  it('says repository and environment', () => {
    expect(resolve({ environment: 'production' }).fields.name).toBe('GitHub Actions: acme/app (production)');
  });

  const nameOf = (repository: string, environment = '') =>
    resolve({ environment }, { GITHUB_REPOSITORY: repository }).fields.name;

  it('is whole up to 128 characters, and shortened with a hash of the rest beyond', () => {
    const whole = `acme/${'a'.repeat(107)}`;
    expect(nameOf(whole)).toBe(`GitHub Actions: ${whole}`);
    expect([...nameOf(whole)]).toHaveLength(128);
    expect(nameOf(`${whole}b`)).toMatch(/^GitHub Actions: acme\/a{98}~[\w-]{8}$/);
    expect([...nameOf(`${whole}b`)]).toHaveLength(128);
  });

  it('counts and cuts whole code points', () => {
    const name = nameOf('acme/app', '😀'.repeat(200));
    expect([...name]).toHaveLength(128);
    expect(name.isWellFormed()).toBe(true);
  });

  it('stays different for different repositories and environments', () => {
    const long = `acme/${'a'.repeat(95)}`;
    const names = ['', 'b', 'c', 'b'.repeat(40), `${'b'.repeat(40)}c`].flatMap((end) => [
      nameOf(long + end),
      nameOf(long + end, 'production'),
      nameOf(long + end, 'staging'),
    ]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('the nonce', () => {
  it('is sixteen characters of base64url, and another one each time', () => {
    const nonces = Array.from({ length: 200 }, createNonce);
    for (const nonce of nonces) expect(nonce).toMatch(/^[\w-]{16}$/);
    expect(new Set(nonces).size).toBe(200);
  });
});
