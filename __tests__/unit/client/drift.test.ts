import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient } from '../../../src/client/desired.ts';
import {
  checkCreated,
  checkUpdated,
  claimTexts,
  compareFields,
  compareSets,
  type Difference,
  type Findings,
  findDrift,
  formatDifferences,
  formatExtras,
  formatValues,
  nameWithNonce,
  unrequestedAudience,
} from '../../../src/client/drift.ts';
import type { Client } from '../../../src/scalekit/types.ts';
import { bareDesiredClient, client, desiredClient, LISTS, NO_LISTS, OLD_MARKER_LINE } from '../fixtures.ts';

/** Returns the differences with each side as one text. */
const texts = (found: Difference[]) =>
  found.map(({ field, wanted, got }) => ({ field, wanted: formatValues(wanted), got: formatValues(got) }));

/** Returns only the names of the fields. */
const fieldsOf = ({ wrong, warnings, notices }: Findings) => ({
  wrong: wrong.map(({ field }) => field),
  warnings: warnings.map(({ field }) => field),
  notices: notices.map(({ field }) => field),
});

const NOTHING: Findings = { wrong: [], warnings: [], notices: [] };

describe('what does not count as drift', () => {
  it('finds no drift in a client that is as requested', () => {
    expect(findDrift(desiredClient(), client())).toEqual([]);
    expect(findDrift(bareDesiredClient(), client({ ...NO_LISTS, expiry: undefined }))).toEqual([]);
  });

  it('finds no drift in lists in another order and with repeated entries', () => {
    const shuffled = <T>(entries: T[]) =>
      fc
        .tuple(fc.shuffledSubarray(entries, { minLength: entries.length }), fc.shuffledSubarray(entries))
        .map((parts) => parts.flat());
    const { scopes, audience, custom_claims } = LISTS;
    fc.assert(
      fc.property(shuffled(scopes), shuffled(audience), shuffled(custom_claims), (scopes, audience, custom_claims) => {
        expect(findDrift(desiredClient(), client({ scopes, audience, custom_claims }))).toEqual([]);
      }),
    );
  });

  it.each([undefined, 0])('accepts a response without an organization and with the expiry %j', (expiry) => {
    const found = client({ organization_id: '', expiry });
    expect(findDrift(desiredClient(), found)).toEqual([]);
    for (const check of [checkCreated, checkUpdated]) expect(check(desiredClient(), found)).toEqual(NOTHING);
  });

  it('ignores scopes of OpenID Connect if they were not requested', () => {
    const scopes = [...LISTS.scopes, 'openid', 'profile', 'email', 'offline_access', 'address', 'phone'];
    expect(findDrift(desiredClient(), client({ scopes }))).toEqual([]);
    expect(checkCreated(desiredClient(), client({ scopes }))).toEqual(NOTHING);
    const requested = desiredClient({ fields: { ...desiredClient().fields, scopes: ['openid'] } });
    expect(findDrift(requested, client({ scopes: ['email'] })).map(({ field }) => field)).toEqual(['scopes']);
  });

  it('does not count an audience that was not requested as drift, but names it', () => {
    const found = client({ ...NO_LISTS, expiry: undefined, audience: ['a'] });
    expect(findDrift(bareDesiredClient(), found)).toEqual([]);
    expect(formatExtras(unrequestedAudience(bareDesiredClient(), found))).toBe('audience: "a"');
    expect(unrequestedAudience(desiredClient(), client({ audience: ['a'] }))).toEqual([]);
  });

  it('finds no drift in a name that ends with characters of the nonce', () => {
    const desired = desiredClient({ given: { name: true, description: false } });
    const found = client();
    const name = nameWithNonce(desired.fields.name, found.marker?.nonce ?? '');
    expect(findDrift(desired, { ...found, name })).toEqual([]);
    expect(findDrift(desired, { ...found, name: `${name}x` }).map(({ field }) => field)).toEqual(['name']);
  });

  it.each([
    ['with other white space', 'What\n  for'],
    ['with HTML entities', 'What &#102;&#x6f;r'],
    ['after the ownership marker', 'What for'],
  ])('finds no drift in a description %s', (_what, text) => {
    expect(findDrift(desiredClient(), client({ description: `${OLD_MARKER_LINE} ${text}` }))).toEqual([]);
  });

  it.each<[string, DesiredClient, Partial<Client>]>([
    ['name', desiredClient({ given: { name: false, description: true } }), { name: 'Another' }],
    ['description', desiredClient({ given: { name: true, description: false } }), { description: 'Another' }],
    ['expiry', bareDesiredClient(), { ...NO_LISTS, expiry: 86_400 }],
    ['ownership marker', desiredClient(), { description: 'What for' }],
  ])('does not compare the %s if none was given', (_what, desired, changes) => {
    expect(findDrift(desired, client(changes))).toEqual([]);
    expect(checkCreated(desired, client(changes))).toEqual(NOTHING);
  });
});

describe('findDrift', () => {
  it.each<[what: string, Partial<Client>, difference: Record<keyof Difference, string>]>([
    [
      'a missing scope',
      { scopes: ['read:apps'] },
      { field: 'scopes', wanted: '"deploy:apps", "read:apps"', got: '"read:apps"' },
    ],
    [
      'one more scope',
      { scopes: ['read:apps', 'x', 'deploy:apps'] },
      { field: 'scopes', wanted: '"deploy:apps", "read:apps"', got: '"deploy:apps", "read:apps", "x"' },
    ],
    [
      'two scopes in one entry',
      { scopes: ['deploy:apps read:apps'] },
      { field: 'scopes', wanted: '"deploy:apps", "read:apps"', got: '"deploy:apps read:apps"' },
    ],
    [
      'a missing audience',
      { audience: [] },
      { field: 'audience', wanted: '"api.acme.example", "https://b.acme.example"', got: 'none' },
    ],
    [
      'a missing claim',
      { custom_claims: [{ key: 'environment', value: 'production' }] },
      {
        field: 'custom_claims',
        wanted: '"environment=production", "github_repository=acme/app"',
        got: '"environment=production"',
      },
    ],
    ['another expiry', { expiry: 86_400 }, { field: 'expiry', wanted: '"3600"', got: '"86400"' }],
    ['a name in another case', { name: 'deployer' }, { field: 'name', wanted: '"Deployer"', got: '"deployer"' }],
    ['an empty name', { name: '' }, { field: 'name', wanted: '"Deployer"', got: 'none' }],
    [
      'another description',
      { description: `What else\n${OLD_MARKER_LINE}` },
      { field: 'description', wanted: '"What for"', got: '"What else"' },
    ],
    [
      'a description that is only the ownership marker',
      { description: OLD_MARKER_LINE },
      { field: 'description', wanted: '"What for"', got: 'none' },
    ],
  ])('names the wanted and the actual values of a difference: %s', (_what, changes, difference) => {
    expect(texts(findDrift(desiredClient(), client(changes)))).toEqual([difference]);
  });

  it.each<[field: string, Partial<Client>, got: string]>([
    ['scopes', { scopes: ['read:apps'] }, '"read:apps"'],
    ['custom_claims', { custom_claims: [{ key: 'a', value: 'b' }] }, '"a=b"'],
  ])('finds entries in the list %s although none were requested', (field, changes, got) => {
    const found = client({ ...NO_LISTS, expiry: undefined, ...changes });
    expect(texts(findDrift(bareDesiredClient(), found))).toEqual([{ field, wanted: 'none', got }]);
  });

  it.each([
    ['another value', { key: 'environment', value: 'Production' }],
    ['another key', { key: 'Environment', value: 'production' }],
    ['an empty value', { key: 'environment', value: '' }],
  ])('finds a claim with %s', (_what, changed) => {
    const custom_claims = [...LISTS.custom_claims.slice(0, 1), changed];
    expect(findDrift(desiredClient(), client({ custom_claims })).map(({ field }) => field)).toEqual(['custom_claims']);
  });

  it('finds the drift of every field, in a fixed order', () => {
    const other = client({ ...NO_LISTS, organization_id: 'org_2', name: 'x', description: 'y', expiry: 1 });
    const fields = ['scopes', 'custom_claims', 'audience', 'expiry', 'name', 'description'];
    expect(findDrift(desiredClient(), other).map(({ field }) => field)).toEqual(fields);
  });
});

describe('comparison of a response with the desired client', () => {
  const NONE = { wrong: [], warnings: [], notices: [] };
  const extraClaims = [...LISTS.custom_claims, { key: 'team', value: 'platform' }];

  it('checkCreated and checkUpdated reject a response that names another organization', () => {
    const wrong = [{ field: 'organization_id', wanted: ['"org_1"'], got: ['"org_2"'] }];
    for (const check of [checkCreated, checkUpdated])
      expect(check(desiredClient(), client({ organization_id: 'org_2' }))).toEqual({ ...NOTHING, wrong });
  });

  it.each<{ what: string; changes: Partial<Client>; created: object; updated: object }>([
    {
      what: 'a missing scope',
      changes: { scopes: ['read:apps'] },
      created: { wrong: ['scopes'] },
      updated: { wrong: ['scopes'] },
    },
    {
      what: 'one more scope',
      changes: { scopes: [...LISTS.scopes, 'x'] },
      created: { warnings: ['scopes'] },
      updated: { wrong: ['scopes'] },
    },
    {
      what: 'another scope',
      changes: { scopes: ['x'] },
      created: { wrong: ['scopes'], warnings: ['scopes'] },
      updated: { wrong: ['scopes'] },
    },
    {
      what: 'a missing audience',
      changes: { audience: [] },
      created: { wrong: ['audience'] },
      updated: { wrong: ['audience'] },
    },
    {
      what: 'one more audience',
      changes: { audience: [...LISTS.audience, 'x'] },
      created: { notices: ['audience'] },
      updated: { warnings: ['audience'] },
    },
    {
      what: 'a missing claim',
      changes: { custom_claims: [] },
      created: { wrong: ['custom_claims'] },
      updated: { wrong: ['custom_claims'] },
    },
    {
      what: 'one more claim',
      changes: { custom_claims: extraClaims },
      created: { warnings: ['custom_claims'] },
      updated: { wrong: ['custom_claims'] },
    },
    {
      what: 'another expiry',
      changes: { expiry: 86_400 },
      created: { wrong: ['expiry'] },
      updated: { wrong: ['expiry'] },
    },
    { what: 'another name and description', changes: { name: 'x', description: 'y' }, created: {}, updated: {} },
  ])(
    'checkCreated and checkUpdated judge $what in a response by the table in docs/design.md',
    ({ changes, created, updated }) => {
      expect(fieldsOf(checkCreated(desiredClient(), client(changes)))).toEqual({ ...NONE, ...created });
      expect(fieldsOf(checkUpdated(desiredClient(), client(changes)))).toEqual({ ...NONE, ...updated });
    },
  );
});

describe('formatDifferences', () => {
  it('formatDifferences returns one line for each difference', () => {
    const found = findDrift(desiredClient(), client({ scopes: ['x'], name: 'y' }));
    expect(formatDifferences(found)).toBe(
      'scopes: wanted "deploy:apps", "read:apps"; got "x"\nname: wanted "Deployer"; got "y"',
    );
    expect(formatDifferences([])).toBe('');
  });

  it('formatDifferences shows the values that differ first, and counts the others of many', () => {
    const all = Array.from({ length: 60 }, (_, at) => `scope:${at + 10}`);
    const found = compareSets([['scopes', all, [...all.slice(0, -1), 'x']]]);
    const [wanted = '', got = ''] = formatDifferences(found).split('; ');
    expect(wanted).toMatch(/^scopes: wanted "scope:69", "scope:10", .* and 50 more$/);
    expect(got).toMatch(/^got "x", "scope:10", .* and 50 more$/);
    const long = formatDifferences(compareSets([['audience', [], all.map((text) => text.repeat(99))]]));
    expect(long).toMatch(/^audience: wanted none; got "(scope:10)+[^"]*… and 59 more$/);
    expect(long.length).toBeLessThan(500);
  });
});

it('nameWithNonce cuts a name to 128 characters that end with the first six of the nonce', () => {
  expect(nameWithNonce('Deployer', 'abcdefghijklmnop')).toBe('Deployer #abcdef');
  expect(nameWithNonce('n'.repeat(121), 'abcdefghijklmnop')).toBe(`${'n'.repeat(120)} #abcdef`);
  expect(nameWithNonce('😀'.repeat(128), 'abcdefghijklmnop')).toBe(`${'😀'.repeat(120)} #abcdef`);
});

describe('comparison of fields', () => {
  const entries = fc.array(fc.oneof(fc.constantFrom('', ' ', 'none', '"', '", "', 'a', 'b'), fc.string()));

  it('compareSets compares lists as sets of whole entries', () => {
    const sameSet = (one: string[], other: string[]) =>
      one.every((entry) => other.includes(entry)) && other.every((entry) => one.includes(entry));
    fc.assert(
      fc.property(entries, entries, (one, other) => {
        expect(compareSets([['field', one, other]]).length === 0).toBe(sameSet(one, other));
        expect(compareSets([['field', one, [...one, ...one].reverse()]])).toEqual([]);
      }),
    );
  });

  it('compareSets distinguishes an entry that is the word none from no entry', () => {
    expect(compareSets([['field', ['none'], []]])).toEqual([{ field: 'field', wanted: ['"none"'], got: [] }]);
  });

  it('compareFields compares only the named fields', () => {
    const { fields } = desiredClient();
    expect(compareFields([], fields, {})).toEqual([]);
    expect(compareFields(['expiry', 'custom_claims', 'name'], fields, { name: 'Deployer' })).toEqual([
      { field: 'expiry', wanted: ['"3600"'], got: [] },
      { field: 'custom_claims', wanted: ['"environment=production"', '"github_repository=acme/app"'], got: [] },
    ]);
  });
});

it('claimTexts shows each claim as key=value, with = and backslash in a key escaped', () => {
  expect(claimTexts(LISTS.custom_claims)).toEqual(['github_repository=acme/app', 'environment=production']);
  expect(claimTexts([{ key: 'a=\\b', value: 'c=d' }])).toEqual(['a\\=\\\\b=c=d']);
  expect(claimTexts()).toEqual([]);
});
