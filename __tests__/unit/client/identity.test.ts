import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  copiesAmong,
  hasMatchingClaims,
  type Identity,
  identityHash,
  isFromThisStep,
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

describe('the identity hash', () => {
  const base: Identity = {
    repository: 'acme/app',
    repository_id: '1296269',
    environment: 'production',
    name: undefined,
    lifetime: 'persistent',
  };
  const hashOf = (changes: Partial<Identity>) => identityHash({ ...base, ...changes });

  it.each<[string, Partial<Identity>, Partial<Identity>]>([
    ['a rename of the repository, its id being known', {}, { repository: 'acme/renamed' }],
    ['a move to another owner, its id being known', {}, { repository: 'other/app' }],
    ['the case of the environment', {}, { environment: 'Production' }],
    [
      "the case of the repository's name",
      { repository_id: undefined },
      { repository_id: undefined, repository: 'Acme/App' },
    ],
  ])('stays the same over %s', (_what, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });

  it.each<[string, Partial<Identity>, Partial<Identity>]>([
    ['another repository of the same name', {}, { repository_id: '1296270' }],
    [
      'another name, no id being known',
      { repository_id: undefined },
      { repository_id: undefined, repository: 'acme/b' },
    ],
    ['another environment', {}, { environment: 'staging' }],
    ['no environment', {}, { environment: '' }],
    ['a name that was given', {}, { name: 'Deployer' }],
    ['another name of the client', { name: 'deployer' }, { name: 'Deployer' }],
    ['a name that spells nothing', {}, { name: 'null' }],
    ['another lifetime', {}, { lifetime: 'job' }],
  ])('differs with %s', (_what, one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });

  it('is the same in every run', () => {
    expect(hashOf({})).toBe(hashOf({}));
  });

  it('is sixteen characters of base64url', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (environment) => {
        expect(hashOf({ environment })).toMatch(/^[\w-]{16}$/);
      }),
    );
  });

  it('does not run the fields together', () => {
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

describe('the reference to a repository', () => {
  it('is its id, or a hash of its name whatever the case', () => {
    expect(repositoryReference('acme/app', '1296269')).toBe('1296269');
    expect(repositoryReference('Acme/App', undefined)).toBe(repositoryReference('acme/app', undefined));
    expect(repositoryReference('acme/app', undefined)).toBe(shortHash('acme/app'));
    expect(repositoryReference('acme/app', undefined)).toMatch(/^[\w-]{16}$/);
  });
});

describe('a client with its marker', () => {
  it.each<[string, description: string, descriptionText: string, hasMarker: boolean, isDisputed: boolean]>([
    ['text and marker', `What for\n${LINE}`, 'What for', true, false],
    ['a marker with text around it', `What ${LINE}\nfor`, 'What \nfor', true, false],
    ['no marker', 'What for', 'What for', false, false],
    ['several different markers', `${LINE}\n${LINE.replace(MARKER.nonce, 'another-nonce-16')}`, '', false, true],
    ['the same marker twice', `${LINE}\n${LINE}`, '', true, false],
  ])('is split: %s', (_what, description, descriptionText, hasMarker, isDisputed) => {
    const { marker, ...split } = withMarker(client({ description }));
    expect(split).toMatchObject({ descriptionText, isDisputed });
    expect(marker).toEqual(hasMarker ? MARKER : undefined);
  });
});

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

/** Returns several claims `environment`: the API allows the same key more than once. */
function inEnvironments(...environments: string[]): Pick<Client, 'custom_claims'> {
  return { custom_claims: environments.map((value) => ({ key: 'environment', value })) };
}

describe('a client that is named by its id', () => {
  const OURS: OwnershipMarker = { ...MARKER, key: 'our_key-90123456', lifetime: 'persistent' };
  const OTHER_REPOSITORY = 'it was created for another repository, by its ownership marker';
  const OTHER_CLAIMS = 'its claims name another repository';
  const OF_A_JOB = 'it belongs to one job, by its ownership marker';

  /**
   * Returns why a step must not manage a client, or undefined if it may.
   * @param marker the client's ownership marker: what differs from one of this repository. Undefined if it has none
   * @param changes the identity of this step: what differs from `IDENTITY`
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

  it.each<[string, Partial<OwnershipMarker>, Partial<Client>]>([
    ['the claims say nothing', {}, claims()],
    ['its repository is another', { repo: '99' }, claims()],
    ['its claims are of another repository by its name, as after a rename', {}, claims('1296269', 'other/app')],
    ['its environment is another', {}, claims('1296269', 'acme/app', 'staging')],
    ['it is of a job', { lifetime: 'job' }, claims()],
  ])('is managed when it has our identity hash, even if %s', (_what, marker, claims) => {
    expect(reason({ ...marker, key: OURS.key }, claims)).toBeUndefined();
  });

  it.each<[string, Partial<Client>, Partial<Identity>]>([
    ['its claims agree', claims('1296269', 'acme/app', 'production'), {}],
    ['its claims say nothing', claims(), {}],
    ['its claims say nothing, and the step has no environment', claims(), { environment: '' }],
    ['its claims say nothing of an environment', claims('1296269', 'acme/app'), {}],
    ['its claims name the environment in another case', claims('1296269', undefined, 'PRODUCTION'), {}],
    ['its claims show the former name of the repository', claims('1296269', 'acme/former'), {}],
    ['its claims show the name alone, in another case', claims(undefined, 'Acme/App'), {}],
    ['its claims name the environment twice', inEnvironments('production', 'Production'), {}],
    ['the id is not known here, and the name agrees', claims('99', 'ACME/app'), NO_ID],
    ['the id is not known here, and its claims have no name', claims('99'), NO_ID],
  ])('is managed, with an ownership marker of our repository or with none, if %s', (_what, claims, changes) => {
    expect(reason({}, claims, changes)).toBeUndefined();
    expect(reason(undefined, claims, changes)).toBeUndefined();
  });

  it.each<[string, Partial<Client>, Partial<Identity>, why: string]>([
    ['of another repository by the id', claims('99', 'acme/app'), {}, OTHER_CLAIMS],
    [
      'of this and another repository',
      { custom_claims: [...claims('1296269').custom_claims, ...claims('99').custom_claims] },
      {},
      OTHER_CLAIMS,
    ],
    ['of another repository by the name, having no id', claims(undefined, 'acme/b'), {}, OTHER_CLAIMS],
    ['of another repository by the name, no id being known here', claims('1296269', 'acme/b'), NO_ID, OTHER_CLAIMS],
    [
      'of another environment',
      claims(undefined, undefined, 'staging'),
      {},
      'it is for the environment "staging", and this step for "production"',
    ],
    [
      'of this and another environment',
      inEnvironments('production', 'staging'),
      {},
      'it is for the environment "staging", and this step for "production"',
    ],
    [
      'of another environment and this one',
      inEnvironments('staging', 'production'),
      {},
      'it is for the environment "staging", and this step for "production"',
    ],
    [
      'of an environment if the job has none',
      claims('1296269', 'acme/app', 'production'),
      { environment: '' },
      'it is for the environment "production", and this step for no environment',
    ],
  ])(
    'is refused, with an ownership marker of our repository or with none, with claims %s',
    (_what, claims, changes, why) => {
      expect(reason({}, claims, changes)).toBe(why);
      expect(reason(undefined, claims, changes)).toBe(why);
    },
  );

  it.each<[string, Partial<OwnershipMarker>, Partial<Identity>, why: string]>([
    ['of another repository', { repo: '99' }, {}, OTHER_REPOSITORY],
    ['of another repository by its name', { repo: shortHash('acme/b') }, NO_ID, OTHER_REPOSITORY],
    ['of a job', { lifetime: 'job' }, {}, OF_A_JOB],
  ])('is refused with an ownership marker %s, though its claims agree', (_what, marker, changes, why) => {
    expect(reason(marker, claims('1296269', 'acme/app', 'production'), changes)).toBe(why);
  });
});

describe('a client without an ownership marker looks like ours', () => {
  it.each<[boolean, string, Partial<Client>, Partial<Identity>]>([
    [true, 'id and environment', claims('1296269', undefined, 'production'), {}],
    [true, 'id and environment, the name being a former one', claims('1296269', 'acme/former', 'production'), {}],
    [true, 'name and environment, whatever the case', claims(undefined, 'Acme/App', 'Production'), {}],
    [true, 'name, the id not being known here', claims('99', 'acme/app', 'production'), NO_ID],
    [true, 'repository, neither having an environment', claims('1296269'), { environment: '' }],
    [false, 'another id', claims('99', 'acme/app', 'production'), {}],
    [false, 'another name', claims(undefined, 'acme/b', 'production'), {}],
    [false, 'an id that cannot be compared', claims('1296269', undefined, 'production'), NO_ID],
    [false, 'no repository', claims(undefined, undefined, 'production'), {}],
    [false, 'no claims', claims(), { environment: '' }],
    [false, 'another environment', claims('1296269', undefined, 'staging'), {}],
    [false, 'no environment if the step has one', claims('1296269'), {}],
    [false, 'an environment if the step has none', claims('1296269', undefined, 'production'), { environment: '' }],
  ])('(%s) by its claims: %s', (isAlike, _what, claims, changes) => {
    expect(hasMatchingClaims(client(claims), { ...IDENTITY, ...changes })).toBe(isAlike);
  });
});

describe('what a client is to a step', () => {
  const identity = {
    repository: 'acme/app',
    repository_id: '1296269',
    environment: '',
    name: undefined,
    lifetime: 'persistent' as const,
  };
  const ours = { ...MARKER, lifetime: 'persistent' as const };
  const other = { ...ours, key: 'another_key-1234' };
  const id = (value: string) => [{ key: 'github_repository_id', value }];

  it.each<[Relation, string, markers: OwnershipMarker[], custom_claims: Client['custom_claims']]>([
    ['ours', 'its marker', [ours], []],
    ['ours', 'its marker and our claims', [ours], id('1296269')],
    ['contradictory', 'its marker, with claims of another repository', [ours], id('99')],
    ['disputed', 'one of several markers', [ours, other], []],
    ['disputed', 'its claims, with several markers', [other, { ...other, nonce: 'another-nonce-16' }], id('1296269')],
    ['unrelated', 'several markers of others', [other, { ...other, nonce: 'another-nonce-16' }], id('99')],
    ['look-alike', 'its claims without a marker', [], id('1296269')],
    ['unrelated', 'claims of another repository without a marker', [], id('99')],
    ['unrelated', 'nothing at all', [], []],
    ['unrelated', 'another marker with our claims', [other], id('1296269')],
  ])('is %s by %s', (relation, _what, markers, custom_claims) => {
    const description = markers.map(formatMarker).join(' and ');
    expect(relationOf({ description, custom_claims }, { identity, marker: ours })).toBe(relation);
  });

  it.each<[Relation, string, markers: OwnershipMarker[]]>([
    ['contradictory', 'its marker', [ours]],
    ['disputed', 'one of several markers', [ours, other]],
    ['unrelated', 'several markers of others', [other, { ...other, nonce: 'another-nonce-16' }]],
    ['unrelated', 'another marker', [other]],
    ['unrelated', 'no marker', []],
  ])('is %s by %s if its claims cannot be read', (relation, _what, markers) => {
    const description = markers.map(formatMarker).join(' and ');
    expect(relationOf({ description, custom_claims: undefined }, { identity, marker: ours })).toBe(relation);
  });
});

describe('a client of this step', () => {
  const isFrom = (changes: Partial<Client>) => isFromThisStep(client({ description: LINE, ...changes }), MARKER);

  it('has its nonce and its run', () => {
    expect(isFrom({ custom_claims: [] })).toBe(true);
    expect(isFrom({ custom_claims: [], description: LINE.replace('run:1658821493.2', 'run:1658821493.1') })).toBe(
      false,
    );
    expect(isFrom({ custom_claims: [], description: LINE.replace('nonce:nonce', 'nonce:other') })).toBe(false);
  });

  it('has no claim of another repository, because then somebody copied its marker', () => {
    expect(isFrom(claims('1296269'))).toBe(true);
    expect(isFrom(claims('999'))).toBe(false);
  });

  it('may have claims that cannot be read, because nobody else knows its nonce', () => {
    expect(isFromThisStep({ description: LINE, custom_claims: undefined }, MARKER)).toBe(true);
  });
});

describe('a copy of a client', () => {
  const HOUR = 3_600_000_000_000n;
  const made = (create_time: bigint | undefined, nonce = MARKER.nonce) => ({
    create_time,
    marker: { ...MARKER, nonce },
  });

  it('was created more than an hour after the oldest with the same nonce', () => {
    const [first, second, copy, other] = [
      made(5n),
      made(5n + HOUR),
      made(6n + HOUR),
      made(9n * HOUR, 'another-nonce-16'),
    ];
    expect(copiesAmong([copy, other, second, first, made(undefined)])).toEqual([copy]);
    expect(copiesAmong([made(undefined), made(9n * HOUR)])).toEqual([]);
  });
});

describe('age', () => {
  it.each<[string, Partial<Client>, Partial<Client>]>([
    ['the older', { create_time: 1n }, { create_time: 2n, client_id: 'm2morg_0' }],
    ['the older by a nanosecond', { create_time: 10n ** 18n }, { create_time: 10n ** 18n + 1n, client_id: 'm2morg_0' }],
    ['the one whose age is known', { create_time: 9n }, { create_time: undefined, client_id: 'm2morg_0' }],
    ['of two of one age the one with the lesser id', { client_id: 'm2morg_10' }, { client_id: 'm2morg_9' }],
    [
      'of two of unknown age the one with the lesser id',
      { create_time: undefined },
      { create_time: undefined, client_id: 'm2morg_2' },
    ],
  ])('says that the first of two clients is %s', (_what, one, other) => {
    expect(oldestFirst(client(one), client(other))).toBeLessThan(0);
    expect(oldestFirst(client(other), client(one))).toBeGreaterThan(0);
  });

  it('lets every run agree on the first client, whatever order they are listed in', () => {
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

it('a hash is sixteen characters of a SHA-256 in base64url', () => {
  // `printf abc | openssl dgst -sha256 -binary | base64`
  expect(shortHash('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'.slice(0, 16));
});
