import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  appendMarker,
  formatMarker,
  hasMatchingClaims,
  type Identity,
  identityHash,
  MAX_DESCRIPTION_TEXT,
  type OwnershipMarker,
  parseMarker,
  reasonNotManageable,
  repositoryReference,
  shortHash,
  withMarker,
} from '../../../src/client/identity.ts';
import { readRunner } from '../../../src/github/runner.ts';
import { createNonce } from '../../../src/inputs/resolve.ts';
import type { Client } from '../../../src/scalekit/types.ts';
import { client } from '../fixtures.ts';

const TRAILER: OwnershipMarker = {
  key: 'key_56789-123456',
  repo: '1296269',
  by: 'by_of-a_name-123',
  run: '1658821493.2',
  lifetime: 'job',
  nonce: 'nonce_789-123456',
};

const base64url = (length: number) =>
  fc
    .array(fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'), {
      minLength: length,
      maxLength: length,
    })
    .map((characters) => characters.join(''));
const digits = (most: number) => fc.stringMatching(new RegExp(`^\\d{1,${most}}$`));
const mark = fc.oneof(base64url(16), digits(16));
const trailers: fc.Arbitrary<OwnershipMarker> = fc.record({
  key: base64url(16),
  repo: mark,
  by: mark,
  run: fc.tuple(digits(12), digits(4)).map((parts) => parts.join('.')),
  lifetime: fc.constantFrom('persistent', 'job'),
  nonce: base64url(16),
});
const ownText = fc.string({
  unit: fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), fc.constant('\n')),
});

describe('the trailer', () => {
  it('is read as it was written, whatever description stands above it', () => {
    fc.assert(
      fc.property(trailers, ownText, fc.constantFrom('', '\n', ' ', '\r\n', '\n\n'), (marker, own, end) => {
        expect({ ...parseMarker(`${own}\n${formatMarker(marker)}${end}`) }).toEqual(marker);
      }),
    );
  });

  it('is the line that the design shows', () => {
    expect(formatMarker(TRAILER)).toBe(
      '[scalekit-organization-client/1 key=key_56789-123456 repo=1296269 by=by_of-a_name-123 run=1658821493.2 lifetime=job nonce=nonce_789-123456]',
    );
  });

  it('has 160 characters at most, with the largest ids that are taken from a runner', () => {
    const ofLength = (most: number) => '9'.repeat(most);
    for (let length = 1; length <= 40; length++) {
      const { run, repository_id, repository } = readRunner({
        GITHUB_REPOSITORY: 'acme/app',
        GITHUB_REPOSITORY_ID: ofLength(length),
        GITHUB_RUN_ID: ofLength(length),
        GITHUB_RUN_ATTEMPT: ofLength(length),
      });
      const repo = repositoryReference(repository, repository_id);
      const identity = { repository, repository_id, environment: '', name: undefined, lifetime: 'persistent' } as const;
      const key = identityHash(identity);
      const line = formatMarker({ key, repo, by: repo, run, lifetime: 'persistent', nonce: createNonce() });
      expect(line.length).toBeLessThanOrEqual(160);
      expect(parseMarker(line)).toBeDefined();
    }
  });

  it('leaves 351 of the 512 characters to the description itself', () => {
    expect(MAX_DESCRIPTION_TEXT).toBe(351);
  });

  it('counts in the last line alone', () => {
    const line = formatMarker(TRAILER);
    const other = formatMarker({ ...TRAILER, nonce: 'another-nonce-12' });
    expect(parseMarker(`${line}\nsomething else`)).toBeUndefined();
    expect(parseMarker(`${line}\n${other}`)?.nonce).toBe('another-nonce-12');
    expect(parseMarker(`Made by hand. ${line}`)).toBeUndefined();
    expect(parseMarker(`${line} by hand`)).toBeUndefined();
  });

  const line = formatMarker(TRAILER);
  it.each([
    ['nothing', ''],
    ['another description', 'Made by hand'],
    ['another version', line.replace('/1 ', '/2 ')],
    ['another maker', line.replace('scalekit-organization-client', 'scalekit-other-client')],
    ['no bracket before it', line.slice(1)],
    ['no bracket after it', line.slice(0, -1)],
    ['space before it', `\n ${line}`],
    ['a key too short', line.replace('key=k', 'key=')],
    ['a key too long', line.replace('key=k', 'key=kk')],
    ['a key of other characters', line.replace('key=k', 'key=+')],
    ['no repository', line.replace('repo=1296269', 'repo=')],
    ['a repository too long', line.replace('repo=1296269', `repo=${'1'.repeat(17)}`)],
    ['a repository by name', line.replace('repo=1296269', 'repo=acme/app')],
    ['no maker', line.replace('by=by_of-a_name-123', 'by=')],
    ['a run without its attempt', line.replace('1658821493.2', '1658821493')],
    ['a run that is no number', line.replace('1658821493.2', 'a.2')],
    ['digits of another script', line.replace('1658821493.2', '١.2')],
    ['an unknown lifetime', line.replace('lifetime=job', 'lifetime=forever')],
    ['a nonce too short', line.replace('nonce=n', 'nonce=')],
    ['a nonce too long', line.replace('nonce=n', 'nonce=nn')],
    ['a field missing', line.replace('lifetime=job ', '')],
    ['a field more', line.replace('nonce=', 'more=1 nonce=')],
    ['a field twice', line.replace('nonce=', 'lifetime=job nonce=')],
    ['fields in another order', line.replace(/(lifetime=job) (nonce=[\w-]+)/, '$2 $1')],
    ['a run that GitHub never counted up to', line.replace(/run=\d+/, `run=${'9'.repeat(13)}`)],
    ['two spaces', line.replace(' run=', '  run=')],
    ['capitals', line.toUpperCase()],
  ])('is refused with %s', (_what, description) => {
    expect(description).not.toBe(line);
    expect(parseMarker(description)).toBeUndefined();
  });

  it('never reads as the same when a character was lost or changed', () => {
    fc.assert(
      fc.property(trailers, fc.nat(), fc.constantFrom('', ' ', 'x', '0', ']', '='), (marker, location, instead) => {
        const line = formatMarker(marker);
        const index = location % line.length;
        fc.pre(line[index] !== instead);
        const changed = line.slice(0, index) + instead + line.slice(index + 1);
        expect(parseMarker(changed)).not.toEqual(expect.objectContaining(marker));
      }),
    );
  });
});

describe('the identity key', () => {
  const base: Identity = {
    repository: 'acme/app',
    repository_id: '1296269',
    environment: 'production',
    name: undefined,
    lifetime: 'persistent',
  };
  const change = (changes: Partial<Identity>) => identityHash({ ...base, ...changes });

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
    expect(change(one)).toBe(change(other));
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
    expect(change(one)).not.toBe(change(other));
  });

  it('is the same in every run', () => {
    expect(change({})).toBe(change({}));
  });

  it('is sixteen characters of base64url', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (environment) => {
        expect(change({ environment })).toMatch(/^[\w-]{16}$/);
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
    expect(change({ environment: 'a","b' })).not.toBe(change({ environment: 'a', name: 'b' }));
    expect(change({ environment: 'a', name: 'bc' })).not.toBe(change({ environment: 'ab', name: 'c' }));
  });
});

describe('the mark of a repository', () => {
  it('is its id, or a hash of its name whatever the case', () => {
    expect(repositoryReference('acme/app', '1296269')).toBe('1296269');
    expect(repositoryReference('Acme/App', undefined)).toBe(repositoryReference('acme/app', undefined));
    expect(repositoryReference('acme/app', undefined)).toBe(shortHash('acme/app'));
    expect(repositoryReference('acme/app', undefined)).toMatch(/^[\w-]{16}$/);
  });
});

describe('the nonce', () => {
  it('is sixteen characters of base64url, and another one each time', () => {
    const nonces = Array.from({ length: 200 }, createNonce);
    for (const nonce of nonces) expect(nonce).toMatch(/^[\w-]{16}$/);
    expect(new Set(nonces).size).toBe(200);
  });
});

describe('a client is taken apart into', () => {
  const line = formatMarker(TRAILER);

  it.each<[string, description: string, own: string, marked: boolean]>([
    ['both', `What for\n${line}`, 'What for', true],
    ['both, several lines above', `What\n\nfor\n${line}`, 'What\n\nfor', true],
    ['both, white space at the end', `What for\n${line} \n`, 'What for', true],
    ['the trailer alone', line, '', true],
    ['no trailer', 'What for', 'What for', false],
    ['no trailer, though one stands above', `${line}\nby hand`, `${line}\nby hand`, false],
    ['nothing', '', '', false],
    ['a description too long for a trailer', '😀'.repeat(400), '😀'.repeat(351), false],
  ])('description and trailer: %s', (_what, description, descriptionText, marked) => {
    const { marker, ...known } = withMarker(client({ description }));
    expect(known).toEqual({ ...client({ description }), marker: undefined, descriptionText: descriptionText });
    expect(marker && { ...marker }).toEqual(marked ? TRAILER : undefined);
  });

  it('what it was put together from, to the character', () => {
    const own = ownText.filter((text) => [...text].length <= MAX_DESCRIPTION_TEXT);
    fc.assert(
      fc.property(trailers, own, (marker, descriptionText) => {
        const description = appendMarker(descriptionText, marker);
        const known = withMarker(client({ description }));
        expect({ ...known, marker: { ...known.marker } }).toMatchObject({ descriptionText, marker });
        expect(appendMarker(known.descriptionText, known.marker ?? TRAILER)).toBe(description);
      }),
    );
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

/** Claims as a test writes them: the id and the name of the repository, and the environment. */
function claims(id?: string, repository?: string, environment?: string): Pick<Client, 'custom_claims'> {
  const values = { github_repository_id: id, github_repository: repository, environment };
  return {
    custom_claims: Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }])),
  };
}

describe('a client that is named by its id', () => {
  const OURS: OwnershipMarker = { ...TRAILER, key: 'our_key-90123456', lifetime: 'persistent' };
  const OTHER_REPOSITORY = 'it was made for another repository, by the last line of its description';
  const OTHER_CLAIMS = 'its claims name another repository';
  const OF_A_JOB = 'it belongs to one job, by the last line of its description';

  /**
   * @param trailer the client's, as far as it is another than one of our repository; nothing where it has none
   * @param own the identity of this step, as far as it is another one than `IDENTITY`
   */
  function judge(marker: Partial<OwnershipMarker> | undefined, claims: Partial<Client>, own: Partial<Identity> = {}) {
    const identity = { ...IDENTITY, ...own };
    const repo = repositoryReference(identity.repository, identity.repository_id);
    const description = marker ? formatMarker({ ...TRAILER, repo, lifetime: 'persistent', ...marker }) : 'By hand';
    return reasonNotManageable(client({ description, ...claims }), identity, { ...OURS, repo });
  }

  it.each<[string, Partial<OwnershipMarker>, Partial<Client>]>([
    ['the claims say nothing', {}, claims()],
    ['its repository is another', { repo: '99' }, claims()],
    ['its claims are of another repository', {}, claims('99', 'other/app')],
    ['its environment is another', {}, claims('1296269', 'acme/app', 'staging')],
    ['it is of a job', { lifetime: 'job' }, claims()],
  ])('is managed when it has our key, even where %s', (_what, marker, claims) => {
    expect(judge({ ...marker, key: OURS.key }, claims)).toBeUndefined();
  });

  it.each<[string, Partial<Client>, Partial<Identity>]>([
    ['its claims agree', claims('1296269', 'acme/app', 'production'), {}],
    ['its claims say nothing', claims(), {}],
    ['its claims say nothing, and the step has no environment', claims(), { environment: '' }],
    ['its claims say nothing of an environment', claims('1296269', 'acme/app'), {}],
    ['its claims name the environment in another case', claims('1296269', undefined, 'PRODUCTION'), {}],
    ['its claims show the former name of the repository', claims('1296269', 'acme/former'), {}],
    ['its claims show the name alone, in another case', claims(undefined, 'Acme/App'), {}],
    ['the id is not known here, and the name agrees', claims('99', 'ACME/app'), NO_ID],
    ['the id is not known here, and its claims have no name', claims('99'), NO_ID],
  ])('is managed, with a trailer of our repository or with none, where %s', (_what, claims, own) => {
    expect(judge({}, claims, own)).toBeUndefined();
    expect(judge(undefined, claims, own)).toBeUndefined();
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
      'of an environment where the job has none',
      claims('1296269', 'acme/app', 'production'),
      { environment: '' },
      'it is for the environment "production", and this step for no environment',
    ],
  ])('is refused, with a trailer of our repository or with none, with claims %s', (_what, claims, own, why) => {
    expect(judge({}, claims, own)).toBe(why);
    expect(judge(undefined, claims, own)).toBe(why);
  });

  it.each<[string, Partial<OwnershipMarker>, Partial<Identity>, why: string]>([
    ['of another repository', { repo: '99' }, {}, OTHER_REPOSITORY],
    ['of another repository by its name', { repo: shortHash('acme/b') }, NO_ID, OTHER_REPOSITORY],
    ['of a job', { lifetime: 'job' }, {}, OF_A_JOB],
  ])('is refused with a trailer %s, though its claims agree', (_what, marker, own, why) => {
    expect(judge(marker, claims('1296269', 'acme/app', 'production'), own)).toBe(why);
  });
});

describe('a client that nobody marked looks like ours', () => {
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
    [false, 'no environment where the step has one', claims('1296269'), {}],
    [false, 'an environment where the step has none', claims('1296269', undefined, 'production'), { environment: '' }],
  ])('(%s) by its claims: %s', (like, _what, claims, own) => {
    expect(hasMatchingClaims(client(claims), { ...IDENTITY, ...own })).toBe(like);
  });
});

it('a hash is sixteen characters of a SHA-256 in base64url', () => {
  // `printf abc | openssl dgst -sha256 -binary | base64`
  expect(shortHash('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'.slice(0, 16));
});
