import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Request } from '../../src/inputs.ts';
import { differences } from '../../src/plan.ts';
import type { Client, ClientFields } from '../../src/scalekit/types.ts';

const FIELDS: ClientFields = {
  name: 'Deployer',
  description: 'What for\n[trailer]',
  scopes: ['deploy:apps', 'read:apps'],
  audience: ['api.acme.example', 'https://b.acme.example'],
  custom_claims: [
    { key: 'github_repository', value: 'acme/app' },
    { key: 'environment', value: 'production' },
  ],
  expiry: 3600,
};

function request(fields: Partial<ClientFields> = {}, given = { name: true, description: true }): Request {
  return {
    origin: 'https://acme.scalekit.com',
    credentials: { client_id: 'skc_1', client_secret: '' },
    organization_id: 'org_1',
    fields: { ...FIELDS, ...fields },
    given,
    trailer: { key: '', repo: '', by: '', run: '', lifetime: 'persistent', nonce: '' },
    timeout: 120,
    notices: [],
    warnings: [],
  };
}

/** What was asked for, without the lists and the expiry. */
function bare(): Request {
  const { name, description } = FIELDS;
  return { ...request(), fields: { name, description } };
}

function client(changes: Partial<Client> = {}): Client {
  return {
    client_id: 'm2morg_1',
    organization_id: 'org_1',
    name: FIELDS.name,
    description: FIELDS.description,
    scopes: ['deploy:apps', 'read:apps'],
    audience: ['api.acme.example', 'https://b.acme.example'],
    custom_claims: [
      { key: 'github_repository', value: 'acme/app' },
      { key: 'environment', value: 'production' },
    ],
    expiry: 3600,
    secret_suffixes: [],
    ...changes,
  };
}

const NOTHING = { scopes: [], audience: [], custom_claims: [] };

describe('a client that is what was asked for', () => {
  it('shows no difference', () => {
    expect(differences(request(), client())).toEqual([]);
    expect(differences(bare(), client({ ...NOTHING, expiry: undefined }))).toEqual([]);
  });

  it('may have its lists in another order, with entries repeated', () => {
    const shuffled = <T>(entries: T[]) =>
      fc
        .tuple(fc.shuffledSubarray(entries, { minLength: entries.length }), fc.shuffledSubarray(entries))
        .map((parts) => parts.flat());
    const { scopes, audience, custom_claims } = client();
    fc.assert(
      fc.property(shuffled(scopes), shuffled(audience), shuffled(custom_claims), (scopes, audience, custom_claims) => {
        expect(differences(request(), client({ scopes, audience, custom_claims }))).toEqual([]);
      }),
    );
  });

  it.each<[string, Partial<Client>]>([
    ['the organization', { organization_id: '' }],
    ['the expiry', { expiry: undefined }],
  ])('may leave out %s in an answer', (_what, changes) => {
    expect(differences(request(), client(changes))).toEqual([]);
  });

  it.each<[string, Request, Partial<Client>]>([
    ['the name', request({}, { name: false, description: true }), { name: 'Another' }],
    ['the description', request({}, { name: true, description: false }), { description: 'Another' }],
    ['the expiry', bare(), { ...NOTHING, expiry: 86_400 }],
  ])('may have what it likes for %s where that was not given', (_what, request, changes) => {
    expect(differences(request, client(changes))).toEqual([]);
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
    ['organization_id', { organization_id: 'org_2' }, '"org_1"', '"org_2"'],
    ['expiry', { expiry: 86_400 }, '"3600"', '"86400"'],
    ['name', { name: 'deployer' }, '"Deployer"', '"deployer"'],
    ['name', { name: '' }, '"Deployer"', '""'],
    ['description', { description: 'What for' }, '"What for\\n[trailer]"', '"What for"'],
  ])('in %s names field, wanted and got', (field, changes, wanted, got) => {
    expect(differences(request(), client(changes))).toEqual([{ field, wanted, got }]);
  });

  it.each<[string, Partial<Client>, string]>([
    ['scopes', { scopes: ['read:apps'] }, '"read:apps"'],
    ['audience', { audience: ['a'] }, '"a"'],
    ['custom_claims', { custom_claims: [{ key: 'a', value: 'b' }] }, '"a=b"'],
  ])('is that %s has entries where none were asked for', (field, changes, got) => {
    const client_ = client({ ...NOTHING, expiry: undefined, ...changes });
    expect(differences(bare(), client_)).toEqual([{ field, wanted: 'none', got }]);
  });

  it('is that a claim has another value, or its key another case', () => {
    const claims = client().custom_claims;
    for (const changed of [
      { key: 'environment', value: 'Production' },
      { key: 'Environment', value: 'production' },
    ]) {
      const found = differences(request(), client({ custom_claims: [...claims.slice(0, 1), changed] }));
      expect(found.map(({ field }) => field)).toEqual(['custom_claims']);
    }
  });

  it('hides no other one', () => {
    const other = client({ ...NOTHING, organization_id: 'org_2', name: 'x', description: 'y', expiry: 1 });
    expect(
      differences(request(), other)
        .map(({ field }) => field)
        .sort(),
    ).toEqual(['audience', 'custom_claims', 'description', 'expiry', 'name', 'organization_id', 'scopes']);
  });
});
