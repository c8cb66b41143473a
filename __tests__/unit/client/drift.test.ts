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

const NOTHING: Findings = { wrong: [], warnings: [], notices: [] };

describe('a client that is what was asked for', () => {
  it('shows no difference', () => {
    expect(findDrift(desiredClient(), client())).toEqual([]);
    expect(findDrift(bareDesiredClient(), client({ ...NO_LISTS, expiry: undefined }))).toEqual([]);
  });

  it('may have its lists in another order, with entries repeated', () => {
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

  it.each([undefined, 0])('may leave out the organization, and have no expiry in a response: %j', (expiry) => {
    const found = client({ organization_id: '', expiry });
    expect(findDrift(desiredClient(), found)).toEqual([]);
    for (const check of [checkCreated, checkUpdated]) expect(check(desiredClient(), found)).toEqual(NOTHING);
  });

  it('may have scopes of OpenID Connect that were not requested', () => {
    const scopes = [...LISTS.scopes, 'openid', 'profile', 'email', 'offline_access', 'address', 'phone'];
    expect(findDrift(desiredClient(), client({ scopes }))).toEqual([]);
    expect(checkCreated(desiredClient(), client({ scopes }))).toEqual(NOTHING);
    const requested = desiredClient({ fields: { ...desiredClient().fields, scopes: ['openid'] } });
    expect(findDrift(requested, client({ scopes: ['email'] })).map(({ field }) => field)).toEqual(['scopes']);
  });

  it('may have another audience if none was requested, which a warning names', () => {
    const found = client({ ...NO_LISTS, expiry: undefined, audience: ['a'] });
    expect(findDrift(bareDesiredClient(), found)).toEqual([]);
    expect(formatExtras(unrequestedAudience(bareDesiredClient(), found))).toBe('audience: "a"');
    expect(unrequestedAudience(desiredClient(), client({ audience: ['a'] }))).toEqual([]);
  });

  it('may have the requested name with the nonce of its marker behind it', () => {
    const desired = desiredClient({ given: { name: true, description: false } });
    const found = client();
    const name = nameWithNonce(desired.fields.name, found.marker?.nonce ?? '');
    expect(findDrift(desired, { ...found, name })).toEqual([]);
    expect(findDrift(desired, { ...found, name: `${name}x` }).map(({ field }) => field)).toEqual(['name']);
  });

  it.each<[what: string, name: string, suffixed: string]>([
    ['short name', 'Deployer', 'Deployer #nonce_'],
    ['name of 120 characters', 'n'.repeat(120), `${'n'.repeat(120)} #nonce_`],
    ['name of 121 characters, cut to 128', 'n'.repeat(121), `${'n'.repeat(120)} #nonce_`],
    ['name of 127 characters that are two UTF-16 units each', '😀'.repeat(127), `${'😀'.repeat(120)} #nonce_`],
  ])('has characters of the nonce behind a %s', (_what, name, suffixed) => {
    expect(nameWithNonce(name, 'nonce_789-123456')).toBe(suffixed);
  });

  it.each([
    ['with its white space folded', 'What\n  for'],
    ['with HTML entities', 'What &#102;&#x6f;r'],
    ['without a marker at its end', 'What for'],
  ])('may have its description %s', (_what, text) => {
    expect(findDrift(desiredClient(), client({ description: `${OLD_MARKER_LINE} ${text}` }))).toEqual([]);
  });

  it.each<[string, DesiredClient, Partial<Client>]>([
    ['the name', desiredClient({ given: { name: false, description: true } }), { name: 'Another' }],
    ['the description', desiredClient({ given: { name: true, description: false } }), { description: 'Another' }],
    ['the expiry', bareDesiredClient(), { ...NO_LISTS, expiry: 86_400 }],
    ['the ownership marker', desiredClient(), { description: 'What for' }],
  ])('may have what it likes for %s if that was not given', (_what, desired, changes) => {
    expect(findDrift(desired, client(changes))).toEqual([]);
    expect(checkCreated(desired, client(changes))).toEqual(NOTHING);
  });
});

describe('a difference', () => {
  it.each<[string, Partial<Client>, string, string]>([
    ['scopes', { scopes: ['read:apps'] }, '"deploy:apps", "read:apps"', '"read:apps"'],
    [
      'scopes',
      { scopes: ['read:apps', 'x', 'deploy:apps'] },
      '"deploy:apps", "read:apps"',
      '"deploy:apps", "read:apps", "x"',
    ],
    ['scopes', { scopes: [] }, '"deploy:apps", "read:apps"', 'none'],
    ['scopes', { scopes: ['deploy:apps read:apps'] }, '"deploy:apps", "read:apps"', '"deploy:apps read:apps"'],
    ['audience', { audience: [] }, '"api.acme.example", "https://b.acme.example"', 'none'],
    [
      'custom_claims',
      { custom_claims: [{ key: 'environment', value: 'production' }] },
      '"environment=production", "github_repository=acme/app"',
      '"environment=production"',
    ],
    ['expiry', { expiry: 86_400 }, '"3600"', '"86400"'],
    ['name', { name: 'deployer' }, '"Deployer"', '"deployer"'],
    ['name', { name: '' }, '"Deployer"', 'none'],
    ['description', { description: `What else\n${OLD_MARKER_LINE}` }, '"What for"', '"What else"'],
    ['description', { description: OLD_MARKER_LINE }, '"What for"', 'none'],
    ['description', { description: '' }, '"What for"', 'none'],
  ])('in %s names field, wanted and got', (field, changes, wanted, got) => {
    expect(texts(findDrift(desiredClient(), client(changes)))).toEqual([{ field, wanted, got }]);
  });

  it.each<[string, Partial<Client>, string]>([
    ['scopes', { scopes: ['read:apps'] }, '"read:apps"'],
    ['custom_claims', { custom_claims: [{ key: 'a', value: 'b' }] }, '"a=b"'],
  ])('is that %s has entries although none were asked for', (field, changes, got) => {
    const found = client({ ...NO_LISTS, expiry: undefined, ...changes });
    expect(texts(findDrift(bareDesiredClient(), found))).toEqual([{ field, wanted: 'none', got }]);
  });

  it('is that the response is about another organization', () => {
    const wrong = [{ field: 'organization_id', wanted: ['"org_1"'], got: ['"org_2"'] }];
    for (const check of [checkCreated, checkUpdated])
      expect(check(desiredClient(), client({ organization_id: 'org_2' }))).toEqual({ ...NOTHING, wrong });
  });

  it.each([
    { key: 'environment', value: 'Production' },
    { key: 'Environment', value: 'production' },
    { key: 'environment', value: '' },
  ])('is that a claim has another value, or its key another case: %j', (changed) => {
    const custom_claims = [...LISTS.custom_claims.slice(0, 1), changed];
    expect(findDrift(desiredClient(), client({ custom_claims })).map(({ field }) => field)).toEqual(['custom_claims']);
  });

  it('hides no other one', () => {
    const other = client({ ...NO_LISTS, organization_id: 'org_2', name: 'x', description: 'y', expiry: 1 });
    const fields = ['scopes', 'custom_claims', 'audience', 'expiry', 'name', 'description'];
    expect(findDrift(desiredClient(), other).map(({ field }) => field)).toEqual(fields);
  });

  it('has a line of its own in a message', () => {
    const found = findDrift(desiredClient(), client({ scopes: ['x'], name: 'y' }));
    expect(formatDifferences(found)).toBe(
      'scopes: wanted "deploy:apps", "read:apps"; got "x"\nname: wanted "Deployer"; got "y"',
    );
    expect(formatDifferences([])).toBe('');
  });

  it('shows of many values the first ones that differ, and counts the others', () => {
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

describe('what a response to a request has in addition or lacks', () => {
  const fieldsOf = ({ wrong, warnings, notices }: Findings) => ({
    wrong: wrong.map(({ field }) => field),
    warnings: warnings.map(({ field }) => field),
    notices: notices.map(({ field }) => field),
  });
  const NONE = { wrong: [], warnings: [], notices: [] };
  const extraClaims = [...LISTS.custom_claims, { key: 'team', value: 'platform' }];

  it.each<[what: string, Partial<Client>, created: object, updated: object]>([
    ['a missing scope', { scopes: ['read:apps'] }, { wrong: ['scopes'] }, { wrong: ['scopes'] }],
    ['one more scope', { scopes: [...LISTS.scopes, 'x'] }, { warnings: ['scopes'] }, { wrong: ['scopes'] }],
    ['another scope', { scopes: ['x'] }, { wrong: ['scopes'], warnings: ['scopes'] }, { wrong: ['scopes'] }],
    ['a missing audience', { audience: [] }, { wrong: ['audience'] }, { wrong: ['audience'] }],
    [
      'one more audience',
      { audience: [...LISTS.audience, 'x'] },
      { notices: ['audience'] },
      { warnings: ['audience'] },
    ],
    ['a missing claim', { custom_claims: [] }, { wrong: ['custom_claims'] }, { wrong: ['custom_claims'] }],
    ['one more claim', { custom_claims: extraClaims }, { warnings: ['custom_claims'] }, { wrong: ['custom_claims'] }],
    ['another expiry', { expiry: 86_400 }, { wrong: ['expiry'] }, { wrong: ['expiry'] }],
    ['another name and description', { name: 'x', description: 'y' }, {}, {}],
  ])('%s', (_what, changes, created, updated) => {
    expect(fieldsOf(checkCreated(desiredClient(), client(changes)))).toEqual({ ...NONE, ...created });
    expect(fieldsOf(checkUpdated(desiredClient(), client(changes)))).toEqual({ ...NONE, ...updated });
  });
});

describe('a name with a nonce', () => {
  it('has 128 characters at most, and ends with the first six of the nonce', () => {
    expect(nameWithNonce('Deployer', 'abcdefghijklmnop')).toBe('Deployer #abcdef');
    expect([...nameWithNonce('😀'.repeat(128), 'abcdefghijklmnop')]).toHaveLength(128);
    expect(nameWithNonce('n'.repeat(128), 'abcdefghijklmnop')).toBe(`${'n'.repeat(120)} #abcdef`);
  });
});

describe('a comparison', () => {
  const entries = fc.array(fc.oneof(fc.constantFrom('', ' ', 'none', '"', '", "', 'a', 'b'), fc.string()));

  it('is one of sets, in which no two entries run together', () => {
    const sameSet = (one: string[], other: string[]) =>
      one.every((entry) => other.includes(entry)) && other.every((entry) => one.includes(entry));
    fc.assert(
      fc.property(entries, entries, (one, other) => {
        expect(compareSets([['field', one, other]]).length === 0).toBe(sameSet(one, other));
        expect(compareSets([['field', one, [...one, ...one].reverse()]])).toEqual([]);
      }),
    );
  });

  it('distinguishes an entry that is the word none from no entry', () => {
    expect(compareSets([['field', ['none'], []]])).toEqual([{ field: 'field', wanted: ['"none"'], got: [] }]);
  });

  it('of fields looks at those that are named, and shows each as it came', () => {
    const { fields } = desiredClient();
    expect(compareFields([], fields, {})).toEqual([]);
    expect(compareFields(['expiry', 'custom_claims', 'name'], fields, { name: 'Deployer' })).toEqual([
      { field: 'expiry', wanted: ['"3600"'], got: [] },
      { field: 'custom_claims', wanted: ['"environment=production"', '"github_repository=acme/app"'], got: [] },
    ]);
  });

  it('shows a claim as key=value', () => {
    expect(claimTexts(LISTS.custom_claims)).toEqual(['github_repository=acme/app', 'environment=production']);
    expect(claimTexts()).toEqual([]);
  });
});
