import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient } from '../../../src/client/desired.ts';
import {
  claimTexts,
  compareFields,
  compareSets,
  type Difference,
  differencesInResponse,
  findDrift,
  formatDifferences,
  formatValues,
} from '../../../src/client/drift.ts';
import type { Client } from '../../../src/scalekit/types.ts';
import { bareDesiredClient, client, desiredClient, LISTS, NO_LISTS, OLD_MARKER_LINE } from '../fixtures.ts';

/** Returns the differences with each side as one text. */
const texts = (found: Difference[]) =>
  found.map(({ field, wanted, got }) => ({ field, wanted: formatValues(wanted), got: formatValues(got) }));

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

  it('may leave out the organization and the expiry in the response to a request', () => {
    expect(differencesInResponse(desiredClient(), client({ organization_id: '', expiry: undefined }))).toEqual([]);
  });

  it.each<[string, DesiredClient, Partial<Client>]>([
    ['the name', desiredClient({ given: { name: false, description: true } }), { name: 'Another' }],
    ['the description', desiredClient({ given: { name: true, description: false } }), { description: 'Another' }],
    ['the expiry', bareDesiredClient(), { ...NO_LISTS, expiry: 86_400 }],
    ['the ownership marker', desiredClient(), { description: 'What for' }],
  ])('may have what it likes for %s if that was not given', (_what, desired, changes) => {
    expect(findDrift(desired, client(changes))).toEqual([]);
    expect(differencesInResponse(desired, client(changes))).toEqual([]);
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
    ['expiry', { expiry: 0 }, '"3600"', '"0"'],
    ['name', { name: 'deployer' }, '"Deployer"', '"deployer"'],
    ['name', { name: '' }, '"Deployer"', 'none'],
    ['description', { description: `What else\n${OLD_MARKER_LINE}` }, '"What for"', '"What else"'],
    ['description', { description: `What\nfor\n${OLD_MARKER_LINE}` }, '"What for"', '"What\\nfor"'],
    ['description', { description: OLD_MARKER_LINE }, '"What for"', 'none'],
    ['description', { description: '' }, '"What for"', 'none'],
  ])('in %s names field, wanted and got', (field, changes, wanted, got) => {
    expect(texts(findDrift(desiredClient(), client(changes)))).toEqual([{ field, wanted, got }]);
    expect(texts(differencesInResponse(desiredClient(), client(changes)))).toEqual([{ field, wanted, got }]);
  });

  it.each<[string, Partial<Client>, string]>([
    ['scopes', { scopes: ['read:apps'] }, '"read:apps"'],
    ['audience', { audience: ['a'] }, '"a"'],
    ['custom_claims', { custom_claims: [{ key: 'a', value: 'b' }] }, '"a=b"'],
  ])('is that %s has entries although none were asked for', (field, changes, got) => {
    const found = client({ ...NO_LISTS, expiry: undefined, ...changes });
    expect(texts(findDrift(bareDesiredClient(), found))).toEqual([{ field, wanted: 'none', got }]);
  });

  it('is that an expiry is not shown, which says nothing in a response', () => {
    const found = client({ expiry: undefined });
    expect(findDrift(desiredClient(), found)).toEqual([{ field: 'expiry', wanted: ['"3600"'], got: [] }]);
    expect(differencesInResponse(desiredClient(), found)).toEqual([]);
  });

  it('is that the response is about another organization', () => {
    expect(differencesInResponse(desiredClient(), client({ organization_id: 'org_2' }))).toEqual([
      { field: 'organization_id', wanted: ['"org_1"'], got: ['"org_2"'] },
    ]);
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
    const fields = ['scopes', 'audience', 'custom_claims', 'expiry', 'name', 'description'];
    expect(findDrift(desiredClient(), other).map(({ field }) => field)).toEqual(fields);
    expect(differencesInResponse(desiredClient(), other).map(({ field }) => field)).toEqual([
      ...fields,
      'organization_id',
    ]);
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
