import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  copiesAmong,
  hasMatchingClaims,
  type Identity,
  identityHash,
  isFromThisStep,
  type ManagedClient,
  oldestFirst,
  type Relation,
  reasonNotManageable,
  relationOf,
  repositoryReference,
  shortHash,
  withMarker,
} from '../../../src/client/identity.ts';
import { formatMarker, type OwnershipMarker } from '../../../src/client/marker.ts';
import type { Client } from '../../../src/scalekit/types.ts';
import { client } from '../fixtures.ts';

const MARKER: OwnershipMarker = {
  key: 'key_56789-123456',
  repo: '1296269',
  by: 'by_of-a_name-123',
  run: '1658821493.2',
  lifetime: 'job',
  nonce: 'nonce_789-123456',
};

const LINE = formatMarker(MARKER);

const IDENTITY: Identity = {
  repository: 'acme/app',
  repository_id: '1296269',
  environment: 'production',
  name: undefined,
  lifetime: 'persistent',
};
const NO_ID = { repository_id: undefined };

/** Returns the claims for the id and the name of a repository, and for an environment. Omits those without a value. */
function claims(id?: string, repository?: string, environment?: string): Pick<Client, 'custom_claims'> {
  const values = { github_repository_id: id, github_repository: repository, environment };
  return {
    custom_claims: Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }])),
  };
}

describe('identityHash', () => {
  const hashOf = (changes: Partial<Identity>) => identityHash({ ...IDENTITY, ...changes });

  it.each<[string, Partial<Identity>, Partial<Identity>]>([
    ['a rename of the repository if its id is known', {}, { repository: 'acme/renamed' }],
    ['a change of the environment from lower to upper case', {}, { environment: 'Production' }],
    ['a change of case in the repository name if its id is not known', NO_ID, { ...NO_ID, repository: 'Acme/App' }],
  ])('returns the same identity hash after %s', (_what, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });

  it.each<[string, Partial<Identity>, Partial<Identity>]>([
    ['another repository with the same name', {}, { repository_id: '1296270' }],
    ['another repository name if no id is known', NO_ID, { ...NO_ID, repository: 'acme/b' }],
    ['another environment', {}, { environment: 'staging' }],
    ['no environment', {}, { environment: '' }],
    ['a client name', {}, { name: 'Deployer' }],
    ['a client name in another case', { name: 'deployer' }, { name: 'Deployer' }],
    ['the client name "null"', {}, { name: 'null' }],
    ['another lifetime', {}, { lifetime: 'job' }],
  ])('returns another identity hash for %s', (_what, one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });

  it('returns an identity hash of sixteen characters of base64url', () => {
    for (const environment of ['', 'Grüße 😀', '\ud800', 'x'.repeat(300)])
      expect(hashOf({ environment })).toMatch(/^[\w-]{16}$/);
  });

  it('returns the same identity hash for two identities only if all of their fields are equal', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\\', '[', ']', ' ', 'n', 'u', 'l', '0') });
    const identities = fc.record({
      repository: text,
      repository_id: fc.option(fc.constantFrom('0', '1'), { nil: undefined }),
      environment: text,
      name: fc.option(text, { nil: undefined }),
      lifetime: fc.constantFrom<Identity['lifetime'][]>('persistent', 'job'),
    });
    const meant = ({ repository, repository_id, ...rest }: Identity) => ({
      target: repository_id ?? repository.toLowerCase(),
      ...rest,
    });
    fc.assert(
      fc.property(identities, identities, (one, other) => {
        const same = JSON.stringify(Object.entries(meant(one))) === JSON.stringify(Object.entries(meant(other)));
        expect(identityHash(one) === identityHash(other)).toBe(same);
      }),
    );
    expect(hashOf({ environment: 'a","b' })).not.toBe(hashOf({ environment: 'a', name: 'b' }));
    expect(hashOf({ environment: 'a', name: 'bc' })).not.toBe(hashOf({ environment: 'ab', name: 'c' }));
  });
});

it('repositoryReference returns the id or, if it is not known, a hash of the name regardless of case', () => {
  expect(repositoryReference('acme/app', '1296269')).toBe('1296269');
  expect(repositoryReference('Acme/App', undefined)).toBe(repositoryReference('acme/app', undefined));
  expect(repositoryReference('acme/app', undefined)).toBe(shortHash('acme/app'));
});

it.each<{ what: string; description: string; expected: Partial<ManagedClient> }>([
  {
    what: 'text and a marker',
    description: `What for\n${LINE}`,
    expected: { descriptionText: 'What for', marker: MARKER, isDisputed: false },
  },
  {
    what: 'text around a marker',
    description: `What ${LINE}\nfor`,
    expected: { descriptionText: 'What \nfor', marker: MARKER, isDisputed: false },
  },
  {
    what: 'no marker',
    description: 'What for',
    expected: { descriptionText: 'What for', marker: undefined, isDisputed: false },
  },
  {
    what: 'several different markers',
    description: `${LINE}\n${LINE.replace(MARKER.nonce, 'another-nonce-16')}`,
    expected: { descriptionText: '', marker: undefined, isDisputed: true },
  },
  {
    what: 'the same marker twice',
    description: `${LINE}\n${LINE}`,
    expected: { descriptionText: '', marker: MARKER, isDisputed: false },
  },
])('withMarker splits a description with $what', ({ description, expected }) => {
  expect(withMarker(client({ description }))).toMatchObject(expected);
});

describe('reasonNotManageable', () => {
  const OURS: OwnershipMarker = { ...MARKER, key: 'our_key-90123456', lifetime: 'persistent' };
  const AGREEING = claims('1296269', 'acme/app', 'production');

  /**
   * Returns why a step must not manage a client that client_id names, or undefined if it may.
   * @param marker what differs in the client's ownership marker from one of this repository. Undefined if it has none
   * @param changes what differs in the identity of this step from `IDENTITY`
   */
  function reason(
    marker: Partial<OwnershipMarker> | undefined,
    claims: Partial<Client>,
    changes: Partial<Identity> = {},
  ) {
    const identity = { ...IDENTITY, ...changes };
    const repo = repositoryReference(identity.repository, identity.repository_id);
    const description = marker ? formatMarker({ ...MARKER, repo, lifetime: 'persistent', ...marker }) : 'By hand';
    return reasonNotManageable(client({ description, ...claims }), identity, { ...OURS, repo });
  }

  /** Returns several claims `environment`, because the API allows the same key more than once. */
  function inEnvironments(...environments: string[]): Pick<Client, 'custom_claims'> {
    return { custom_claims: environments.map((value) => ({ key: 'environment', value })) };
  }

  it.each<[string, Partial<OwnershipMarker>, Partial<Client>]>([
    ['it has no claims', {}, claims()],
    ['its marker names another repository', { repo: '99' }, claims()],
    ['its claims have another repository name, as after a rename', {}, claims('1296269', 'other/app')],
    ['its claims name another environment', {}, claims('1296269', 'acme/app', 'staging')],
    ['it belongs to a job', { lifetime: 'job' }, claims()],
  ])('allows the client that client_id names if it has the identity hash, even if %s', (_what, marker, claims) => {
    expect(reason({ ...marker, key: OURS.key }, claims)).toBeUndefined();
  });

  it.each<[string, Partial<Client>, Partial<Identity>]>([
    ['agree with the step', AGREEING, {}],
    ['are missing', claims(), {}],
    ['are missing and the step has no environment', claims(), { environment: '' }],
    ['name no environment', claims('1296269', 'acme/app'), {}],
    ['name the environment in another case', claims('1296269', undefined, 'PRODUCTION'), {}],
    ['have the former name of the repository', claims('1296269', 'acme/former'), {}],
    ['have only the repository name, in another case', claims(undefined, 'Acme/App'), {}],
    ['name the environment twice', inEnvironments('production', 'Production'), {}],
    ['have the repository name and the step knows no id', claims('99', 'ACME/app'), NO_ID],
    ['have no repository name and the step knows no id', claims('99'), NO_ID],
  ])(
    'allows a client with an ownership marker of this repository or none if its claims %s',
    (_what, claims, changes) => {
      expect(reason({}, claims, changes)).toBeUndefined();
      expect(reason(undefined, claims, changes)).toBeUndefined();
    },
  );

  it.each<[string, Partial<Client>, Partial<Identity>]>([
    ['the id of another repository', claims('99', 'acme/app'), {}],
    [
      'the ids of this and another repository',
      { custom_claims: [...claims('1296269').custom_claims, ...claims('99').custom_claims] },
      {},
    ],
    ['the name of another repository and no id', claims(undefined, 'acme/b'), {}],
    ['the name of another repository if the step knows no id', claims('1296269', 'acme/b'), NO_ID],
  ])('refuses a client whose claims have %s', (_what, claims, changes) => {
    for (const marker of [{}, undefined])
      expect(reason(marker, claims, changes)).toBe('its claims name another repository');
  });

  it.each<[string, Partial<Client>]>([
    ['another environment', inEnvironments('staging')],
    ['this and another environment', inEnvironments('production', 'staging')],
    ['another environment and this one', inEnvironments('staging', 'production')],
  ])('refuses a client with claims of %s', (_what, claims) => {
    const expected = 'it is for the environment "staging", and this step for "production"';
    for (const marker of [{}, undefined]) expect(reason(marker, claims)).toBe(expected);
  });

  it('refuses a client with the claim of an environment if the step has none', () => {
    const expected = 'it is for the environment "production", and this step for no environment';
    for (const marker of [{}, undefined]) expect(reason(marker, AGREEING, { environment: '' })).toBe(expected);
  });

  it.each<[string, Partial<OwnershipMarker>, Partial<Identity>]>([
    ['the id', { repo: '99' }, {}],
    ['the hash of the name', { repo: shortHash('acme/b') }, NO_ID],
  ])(
    'refuses a client whose marker has %s of another repository, although its claims agree',
    (_what, marker, changes) => {
      const expected = 'it was created for another repository, by its ownership marker';
      expect(reason(marker, AGREEING, changes)).toBe(expected);
    },
  );

  it('refuses a client whose marker is that of a job, although its claims agree', () => {
    expect(reason({ lifetime: 'job' }, AGREEING)).toBe('it belongs to one job, by its ownership marker');
  });
});

describe('hasMatchingClaims', () => {
  it.each<[string, Partial<Client>, Partial<Identity>]>([
    ['id and environment', claims('1296269', undefined, 'production'), {}],
    ['id, environment and a former repository name', claims('1296269', 'acme/former', 'production'), {}],
    ['repository name and environment in another case', claims(undefined, 'Acme/App', 'Production'), {}],
    ['the repository name if the step knows no id', claims('99', 'acme/app', 'production'), NO_ID],
    ['the id if neither side has an environment', claims('1296269'), { environment: '' }],
  ])('recognizes claims of this step by %s', (_what, claims, changes) => {
    expect(hasMatchingClaims(client(claims), { ...IDENTITY, ...changes })).toBe(true);
  });

  it.each<[string, Partial<Client>, Partial<Identity>]>([
    ['another id', claims('99', 'acme/app', 'production'), {}],
    ['another repository name', claims(undefined, 'acme/b', 'production'), {}],
    ['only an id if the step knows none', claims('1296269', undefined, 'production'), NO_ID],
    ['no repository', claims(undefined, undefined, 'production'), {}],
    ['nothing', claims(), { environment: '' }],
    ['another environment', claims('1296269', undefined, 'staging'), {}],
    ['no environment if the step has one', claims('1296269'), {}],
    ['an environment if the step has none', claims('1296269', undefined, 'production'), { environment: '' }],
  ])('does not recognize claims that name %s', (_what, claims, changes) => {
    expect(hasMatchingClaims(client(claims), { ...IDENTITY, ...changes })).toBe(false);
  });
});

describe('relationOf', () => {
  const identity = { ...IDENTITY, environment: '' };
  const ours: OwnershipMarker = { ...MARKER, lifetime: 'persistent' };
  const other = { ...ours, key: 'another_key-1234' };
  const yetAnother = { ...other, nonce: 'another-nonce-16' };
  const { custom_claims: OUR_CLAIMS } = claims('1296269');
  const { custom_claims: OTHER_CLAIMS } = claims('99');

  it.each<{ relation: Relation; which: string; markers: OwnershipMarker[]; custom_claims?: Client['custom_claims'] }>([
    { relation: 'ours', which: 'our marker and no claims', markers: [ours], custom_claims: [] },
    { relation: 'ours', which: 'our marker and our claims', markers: [ours], custom_claims: OUR_CLAIMS },
    {
      relation: 'contradictory',
      which: 'our marker and claims of another repository',
      markers: [ours],
      custom_claims: OTHER_CLAIMS,
    },
    { relation: 'contradictory', which: 'our marker and unreadable claims', markers: [ours] },
    { relation: 'disputed', which: 'our marker and another one', markers: [ours, other], custom_claims: [] },
    { relation: 'disputed', which: 'our marker, another one and unreadable claims', markers: [ours, other] },
    {
      relation: 'disputed',
      which: 'two other markers and our claims',
      markers: [other, yetAnother],
      custom_claims: OUR_CLAIMS,
    },
    {
      relation: 'unrelated',
      which: 'two other markers and claims of another repository',
      markers: [other, yetAnother],
      custom_claims: OTHER_CLAIMS,
    },
    { relation: 'unrelated', which: 'two other markers and unreadable claims', markers: [other, yetAnother] },
    { relation: 'look-alike', which: 'no marker and our claims', markers: [], custom_claims: OUR_CLAIMS },
    {
      relation: 'unrelated',
      which: 'no marker and claims of another repository',
      markers: [],
      custom_claims: OTHER_CLAIMS,
    },
    { relation: 'unrelated', which: 'no marker and no claims', markers: [], custom_claims: [] },
    { relation: 'unrelated', which: 'no marker and unreadable claims', markers: [] },
    { relation: 'unrelated', which: 'another marker and our claims', markers: [other], custom_claims: OUR_CLAIMS },
    { relation: 'unrelated', which: 'another marker and unreadable claims', markers: [other] },
  ])('relationOf returns "$relation" for a client with $which', ({ relation, markers, custom_claims }) => {
    const description = markers.map(formatMarker).join(' and ');
    expect(relationOf({ description, custom_claims }, { identity, marker: ours })).toBe(relation);
  });
});

describe('isFromThisStep', () => {
  const isFrom = (changes: Partial<Client>) => isFromThisStep(client({ description: LINE, ...changes }), MARKER);

  it('recognizes a client of this step by its nonce and its run', () => {
    const other = (part: string, by: string) => isFrom({ custom_claims: [], description: LINE.replace(part, by) });
    expect(isFrom({ custom_claims: [] })).toBe(true);
    expect(other('run:1658821493.2', 'run:1658821493.1')).toBe(false);
    expect(other('nonce:nonce', 'nonce:other')).toBe(false);
  });

  it('does not recognize a client with the nonce of this step and a claim of another repository', () => {
    expect(isFrom(claims('1296269'))).toBe(true);
    expect(isFrom(claims('999'))).toBe(false);
  });

  it('recognizes a client with the nonce of this step although its claims cannot be read', () => {
    expect(isFromThisStep({ description: LINE, custom_claims: undefined }, MARKER)).toBe(true);
  });
});

it('copiesAmong returns the clients created more than an hour after the oldest with the same nonce', () => {
  const HOUR = 3_600_000_000_000n;
  const created = (create_time: bigint | undefined, nonce = MARKER.nonce) => ({
    create_time,
    marker: { ...MARKER, nonce },
  });
  const first = created(5n);
  const second = created(5n + HOUR);
  const copy = created(6n + HOUR);
  const other = created(9n * HOUR, 'another-nonce-16');
  expect(copiesAmong([copy, other, second, first, created(undefined)])).toEqual([copy]);
  expect(copiesAmong([created(undefined), created(9n * HOUR)])).toEqual([]);
});

describe('oldestFirst', () => {
  it.each<[string, Partial<Client>, Partial<Client>]>([
    ['the older one', { create_time: 1n }, { create_time: 2n, client_id: 'm2morg_0' }],
    [
      'the older one by a nanosecond',
      { create_time: 10n ** 18n },
      { create_time: 10n ** 18n + 1n, client_id: 'm2morg_0' },
    ],
    ['the one with a known age', { create_time: 9n }, { create_time: undefined, client_id: 'm2morg_0' }],
    ['the one with the lesser id if both have the same age', { client_id: 'm2morg_10' }, { client_id: 'm2morg_9' }],
    [
      'the one with the lesser id if neither age is known',
      { create_time: undefined },
      { create_time: undefined, client_id: 'm2morg_2' },
    ],
  ])('orders two clients so that the first is %s', (_what, one, other) => {
    expect(oldestFirst(client(one), client(other))).toBeLessThan(0);
    expect(oldestFirst(client(other), client(one))).toBeGreaterThan(0);
  });

  it('orders clients in the same way whatever order they are listed in', () => {
    const createTimes = fc.option(fc.bigInt({ min: -5n, max: 5n }), { nil: undefined });
    const clients = fc
      .uniqueArray(fc.tuple(fc.nat(20), createTimes), { selector: ([id]) => id, maxLength: 8 })
      .map((list) => list.map(([id, create_time]) => client({ client_id: `m2morg_${id}`, create_time })));
    const twice = clients.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(twice, ([list, shuffled]) => {
        expect(shuffled.sort(oldestFirst)).toEqual([...list].sort(oldestFirst));
      }),
    );
  });
});

it('shortHash returns sixteen characters of a SHA-256 in base64url', () => {
  // `printf abc | openssl dgst -sha256 -binary | base64`
  expect(shortHash('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'.slice(0, 16));
});
