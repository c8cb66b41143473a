import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { DesiredClient } from '../../../src/client/desired.ts';
import { appendMarker, parseMarker } from '../../../src/client/marker.ts';
import { type Target, targetFromApi, targetFromRunner } from '../../../src/client/target.ts';
import { createNonce, desiredClientFrom } from '../../../src/inputs/desired-client.ts';
import {
  API_TARGET,
  EXPRESSION,
  ID_TOKEN_VARIABLES,
  inputError,
  NO_INPUTS,
  NONCE,
  OTHER_REPOSITORY,
  RUNNER,
  readMain,
  resolve,
  SCALEKIT_VARIABLES,
  SECRET,
  tokenTarget,
  useCleanInputs,
  type Values,
} from '../input-fixtures.ts';

const KEPT = 'This client is kept until delete/ deletes it. With lifetime: job, it is deleted when the job ends.';

useCleanInputs();

describe('the desired client', () => {
  it('a desired client has defaults for all inputs except address, credentials and organization', () => {
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
      notices: [KEPT],
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

  it('a desired client has the address of the run if the runner sets GITHUB_SERVER_URL', () => {
    expect(resolve({}, { GITHUB_SERVER_URL: 'https://github.com' }).run_url).toBe(
      'https://github.com/acme/app/actions/runs/1658821493/attempts/2',
    );
  });

  it('a desired client is the same whether or not the runner passes the defaults in action.yml', () => {
    const { inputs } = parse(readFileSync('action.yml', 'utf8')) as { inputs: Record<string, { default?: string }> };
    const defaults = Object.entries(inputs).flatMap(([name, { default: value }]) => (value ? [[name, value]] : []));
    const settings = ({ marker: _, ...rest }: DesiredClient) => rest;
    expect(defaults.length).toBeGreaterThan(5);
    expect(settings(resolve(Object.fromEntries(defaults)))).toEqual(settings(resolve()));
  });

  it('a desired client has every field that the inputs name', () => {
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

  it('address, credentials and organization of a desired client may come from variables', () => {
    expect(resolve(NO_INPUTS, SCALEKIT_VARIABLES)).toMatchObject({
      origin: 'https://acme.scalekit.com',
      credentials: { client_id: 'skc_1', client_secret: SECRET },
      organization_id: 'org_1',
    });
  });

  it.each<[string, Values, number | undefined]>([
    ["Scalekit's default, if the input is empty", {}, undefined],
    ['one hour with lifetime: job', { lifetime: 'job' }, 3600],
    ['the value of the input with lifetime: job', { expiry: '60', lifetime: 'job' }, 60],
    ['the value of the input, up to the largest safe integer', { expiry: '9007199254740991' }, Number.MAX_SAFE_INTEGER],
  ])('the expiry of a desired client is %s', (_what, changes, expiry) => {
    expect(resolve(changes).fields.expiry).toBe(expiry);
  });

  it.each<[string, Values, string[]]>([
    ['no claims with repository_claims: none', { repository_claims: 'none', environment: 'production' }, []],
    [
      'the claims of repository_claims, in that order',
      { repository_claims: '["environment", "github_repository"]', environment: 'b' },
      ['environment', 'github_repository'],
    ],
    [
      'claims that change from run to run, with lifetime: job',
      { repository_claims: 'github_sha', lifetime: 'job' },
      ['github_sha'],
    ],
    [
      'the default claims with an environment',
      { environment: 'production' },
      ['github_repository', 'github_repository_id', 'environment'],
    ],
    [
      'a custom claim github_repository if repository_claims does not derive one',
      { repository_claims: 'none', custom_claims: 'github_repository=other/app' },
      ['github_repository'],
    ],
  ])('a desired client has %s', (_what, changes, keys) => {
    expect((resolve(changes).fields.custom_claims ?? []).map(({ key }) => key)).toEqual(keys);
  });

  it('a desired client has no claim github_repository_id, and a notice, if the runner does not set the id', () => {
    const { fields, notices, marker } = resolve({}, { GITHUB_REPOSITORY_ID: undefined });
    expect(fields.custom_claims).toEqual([{ key: 'github_repository', value: 'acme/app' }]);
    expect(notices).toEqual([
      KEPT,
      'This runner does not set GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.',
    ]);
    expect(marker.repo).toMatch(/^[\w-]{16}$/);
    expect(resolve({ repository_claims: 'none' }, { GITHUB_REPOSITORY_ID: undefined }).notices).toEqual([KEPT]);
  });

  it.each(['12x', '9'.repeat(17), '-1'])(
    'a desired client has no claim about an invalid GITHUB_REPOSITORY_ID: %s',
    (id) => {
      const { fields, notices } = resolve({}, { GITHUB_REPOSITORY_ID: id });
      expect(notices).toHaveLength(2);
      expect(fields.custom_claims).toEqual([{ key: 'github_repository', value: 'acme/app' }]);
    },
  );
});

describe('the ownership marker', () => {
  const references = ({ marker: { by, repo } }: DesiredClient) => ({ by, repo });

  it.each<{
    name: string;
    changes: Values;
    env: Values;
    target: () => Target;
    expected: ReturnType<typeof references>;
  }>([
    {
      name: 'ids from the runner',
      changes: {},
      env: {},
      target: () => runnerTarget({}),
      expected: { by: '1296269', repo: '1296269' },
    },
    {
      name: 'the id of the repository from the ID token',
      changes: {},
      env: ID_TOKEN_VARIABLES,
      target: () => tokenTarget({ repository_id: '5' }),
      expected: { by: '1296269', repo: '5' },
    },
    {
      name: "another repository's id from GitHub's API",
      changes: OTHER_REPOSITORY,
      env: {},
      target: () => API_TARGET,
      expected: { by: '1296269', repo: '42' },
    },
    {
      name: "another repository's id from GitHub's API, although the job may have an ID token",
      changes: OTHER_REPOSITORY,
      env: ID_TOKEN_VARIABLES,
      target: () => API_TARGET,
      expected: { by: '1296269', repo: '42' },
    },
  ])('the ownership marker has $name', ({ changes, env, target, expected }) => {
    expect(references(desiredClientFrom(readMain(changes, env), target(), NONCE))).toEqual(expected);
  });

  const runnerTarget = (env: Values) => targetFromRunner(readMain({}, env).runner, { ...RUNNER, ...env }, '');

  it('the ownership marker refers to a repository without a known id by its name, regardless of case', () => {
    const noId = { GITHUB_REPOSITORY_ID: undefined };
    const expected = references(desiredClientFrom(readMain({}, noId), runnerTarget(noId), NONCE));
    const upper = { ...noId, GITHUB_REPOSITORY: 'ACME/APP' };
    expect(references(desiredClientFrom(readMain({}, upper), runnerTarget(upper), NONCE))).toEqual(expected);
    expect(expected.by).toMatch(/^[\w-]{16}$/);
    expect(expected.repo).toBe(expected.by);
  });

  it('the ownership marker refers to the creator by what the runner sets, because sweep/ requests no ID token', () => {
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

  it('the identity hash is the same for ids and environments from any source, regardless of case', () => {
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
  it('a client for another repository has name, claims and identity from GitHub, and the environment from the input', () => {
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
      notices: [KEPT],
    });
  });

  it('an error about a client for another repository lists all inputs that contradict each other', () => {
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

describe('the description and the marker', () => {
  const sentDescription = ({ fields, marker }: DesiredClient) => appendMarker(fields.description, marker);

  it('the ownership marker is the last line of the description, and has a new nonce each time', () => {
    const [one, other] = [resolve(), resolve()];
    expect({ ...parseMarker(sentDescription(one)) }).toEqual(one.marker);
    expect(one.marker.nonce).not.toBe(other.marker.nonce);
    expect({ ...one.marker, nonce: '' }).toEqual({ ...other.marker, nonce: '' });
    const inputs = readMain();
    const { marker } = desiredClientFrom(inputs, targetFromRunner(inputs.runner, RUNNER, ''), NONCE);
    expect(marker).toEqual({ ...one.marker, nonce: NONCE });
  });

  it.each<{ name: string; changes?: Values; env?: Values }>([
    { name: 'the input name', changes: { name: 'Deployer' } },
    { name: 'the environment', changes: { environment: 'production' } },
    { name: 'the lifetime', changes: { lifetime: 'job' } },
    { name: 'the id of the repository', env: { GITHUB_REPOSITORY_ID: '2' } },
  ])('the identity hash of a client depends on $name', ({ changes, env }) => {
    expect(resolve(changes, env).marker.key).not.toBe(resolve().marker.key);
  });

  it.each<{ name: string; changes?: Values; env?: Values }>([
    { name: 'the name of a repository with an id', env: { GITHUB_REPOSITORY: 'acme/renamed' } },
    { name: 'the run', env: { GITHUB_RUN_ID: '2', GITHUB_RUN_ATTEMPT: '3' } },
    {
      name: 'scopes, claims and expiry',
      changes: { scopes: 'a', custom_claims: 'a=b', repository_claims: 'none', expiry: '9' },
    },
    { name: 'the description', changes: { description: 'another' } },
    {
      name: 'the inputs that say what the step does',
      changes: { client_id: 'm2morg_1', on_existing: 'reuse', keep_secrets: '1', verify: 'false', dry_run: 'true' },
    },
  ])('the identity hash of a client does not depend on $name', ({ changes, env }) => {
    expect(resolve(changes, env).marker.key).toBe(resolve().marker.key);
  });

  const owner = fc.stringMatching(/^\w[\w.-]{0,59}$/);
  const repository = fc.tuple(owner, fc.stringMatching(/^\w[\w.-]{0,119}$/)).map((parts) => parts.join('/'));
  // Trimmed, because getInput trims. A printable grapheme contains no NUL, which no variable can contain.
  const inputText = (maxLength: number) =>
    fc.string({ unit: 'grapheme', maxLength }).map((text) => [...text].slice(0, maxLength).join('').trim());

  it('name and description with the marker are never longer than Scalekit allows', () => {
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
      { numRuns: 50 },
    );
  });
});

it('a desired client has the number of days in rotate_after', () => {
  const desired = resolve({ on_existing: 'reuse', rotate_after: '30' });
  expect(desired).toMatchObject({ on_existing: 'reuse', rotate_after: 30 });
  expect(resolve({ on_existing: 'reuse' }).rotate_after).toBeUndefined();
});

describe('the default name', () => {
  it('the default name of a client contains repository and environment', () => {
    expect(resolve({ environment: 'production' }).fields.name).toBe('GitHub Actions: acme/app (production)');
  });

  const nameOf = (repository: string, environment = '') =>
    resolve({ environment }, { GITHUB_REPOSITORY: repository }).fields.name;

  it('a default name of more than 128 characters ends with a hash of what is cut', () => {
    const whole = `acme/${'a'.repeat(107)}`;
    expect(nameOf(whole)).toBe(`GitHub Actions: ${whole}`);
    expect([...nameOf(whole)]).toHaveLength(128);
    expect(nameOf(`${whole}b`)).toMatch(/^GitHub Actions: acme\/a{98}~[\w-]{8}$/);
    expect([...nameOf(`${whole}b`)]).toHaveLength(128);
  });

  it('a default name is counted and cut in whole code points', () => {
    const name = nameOf('acme/app', '😀'.repeat(200));
    expect([...name]).toHaveLength(128);
    expect(name.isWellFormed()).toBe(true);
  });

  it('shortened default names of different repositories and environments differ', () => {
    const long = `acme/${'a'.repeat(95)}`;
    const names = ['', 'b', 'c', 'b'.repeat(40), `${'b'.repeat(40)}c`].flatMap((end) => [
      nameOf(long + end),
      nameOf(long + end, 'production'),
      nameOf(long + end, 'staging'),
    ]);
    expect(new Set(names).size).toBe(names.length);
  });
});

it('createNonce returns sixteen characters of base64url, different each time', () => {
  const nonces = Array.from({ length: 200 }, createNonce);
  for (const nonce of nonces) expect(nonce).toMatch(/^[\w-]{16}$/);
  expect(new Set(nonces).size).toBe(200);
});
