import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readToken, type TokenPayload } from '../../../src/scalekit/token.ts';

/** The payload of an organization client's token in Scalekit's documentation. */
const DOCUMENTED = {
  iss: 'https://acme.scalekit.com',
  sub: 'm2morg_1',
  client_id: 'm2morg_1',
  oid: 'org_1',
  aud: ['api.acme.example'],
  scopes: ['deploy:apps', 'read:apps'],
  custom_claims: { github_repository: 'acme/app', environment: 'production' },
  iat: 1_795_507_200,
  nbf: 1_795_507_200,
  exp: 1_795_510_800,
  jti: 'tkn_1',
};
type Claims = Omit<TokenPayload, 'topLevel'>;
const EMPTY: Claims = {
  oid: undefined,
  sub: undefined,
  scopes: [],
  audience: [],
  custom_claims: [],
  exp: undefined,
  iat: undefined,
};
const EMPTY_CLAIM = { key: '', value: '' };

/** Returns a token with this payload. Its header and signature are not valid, because nothing checks them. */
function jwt(payload: unknown): string {
  return ['header', Buffer.from(JSON.stringify(payload)).toString('base64url'), 'signature'].join('.');
}

/** Reads a token without its function for claims at the top level. */
function claimsOf(token: string): Claims | undefined {
  const { topLevel, ...claims } = readToken(token) ?? {};
  return topLevel && (claims as Claims);
}

it('readToken returns the claims of a token as Scalekit documents it', () => {
  expect(claimsOf(jwt(DOCUMENTED))).toEqual({
    oid: 'org_1',
    sub: 'm2morg_1',
    scopes: ['deploy:apps', 'read:apps'],
    audience: ['api.acme.example'],
    custom_claims: [
      { key: 'github_repository', value: 'acme/app' },
      { key: 'environment', value: 'production' },
    ],
    exp: 1_795_510_800,
    iat: 1_795_507_200,
  });
});

it.each<[what: string, payload: Record<string, unknown>, expected: Partial<Claims>]>([
  ['nothing', {}, {}],
  ['scopes in one text', { scopes: 'a b' }, { scopes: ['a', 'b'] }],
  ['scopes under the name of RFC 9068', { scope: 'a  b ' }, { scopes: ['a', 'b'] }],
  ['scopes under both names', { scopes: ['a'], scope: 'b' }, { scopes: ['a'] }],
  ['scopes under one name, and null under the other', { scopes: null, scope: 'a' }, { scopes: ['a'] }],
  ['empty scopes under both names', { scopes: [], scope: '' }, {}],
  ['a scope that is a number', { scopes: ['a', 1] }, { scopes: ['a', '1'] }],
  ['one audience with a space', { aud: 'a b' }, { audience: ['a b'] }],
  ['several audiences', { aud: ['a', 'b'] }, { audience: ['a', 'b'] }],
  ['an audience that is null', { aud: null }, {}],
  ['an audience that is an empty text', { aud: '' }, {}],
  ['an audience that is a number', { aud: 1 }, { audience: ['1'] }],
  ['a custom claim that is true', { custom_claims: { a: true } }, { custom_claims: [{ key: 'a', value: 'true' }] }],
  ['a custom claim that is null', { custom_claims: { a: null } }, { custom_claims: [{ key: 'a', value: '' }] }],
  ['a custom claim that is a list', { custom_claims: { a: ['b'] } }, { custom_claims: [{ key: 'a', value: '["b"]' }] }],
  ['custom claims that are null', { custom_claims: null }, {}],
  ['claims outside of custom_claims', { github_repository: 'acme/app' }, {}],
  ['an organization that is null', { oid: null }, {}],
  ['an organization that is a number', { oid: 1 }, { oid: '1' }],
  ['its client under client_id alone', { client_id: 'm2morg_1' }, { sub: 'm2morg_1' }],
  [
    'custom claims in a list',
    { custom_claims: [{ key: 'a', value: 'b' }] },
    { custom_claims: [{ key: 'a', value: 'b' }] },
  ],
  ['a list of other things', { custom_claims: [1, null] }, { custom_claims: [EMPTY_CLAIM, EMPTY_CLAIM] }],
  ['a time that is a text', { exp: '1795510800' }, {}],
  ['a time that is not a whole number', { exp: 1.5 }, {}],
])('readToken returns the claims of a token that has %s', (_what, payload, expected) => {
  expect(claimsOf(jwt(payload))).toEqual({ ...EMPTY, ...expected });
});

it('readToken returns claims at the top level as texts', () => {
  const { topLevel = () => '' } = readToken(jwt({ team: 'platform', level: 3, none: null, empty: '' })) ?? {};
  const names = ['team', 'level', 'none', 'empty', 'missing', 'toString'];
  expect(Object.fromEntries(names.map((name) => [name, topLevel(name)]))).toEqual({
    team: 'platform',
    level: '3',
    none: undefined,
    empty: undefined,
    missing: undefined,
    toString: undefined,
  });
});

it('readToken returns custom claims of any name', () => {
  const payload = Buffer.from('{"custom_claims":{"__proto__":"a","1":"b"}}').toString('base64url');
  const claims = readToken(`header.${payload}.signature`)?.custom_claims;
  expect(claims).toHaveLength(2);
  expect(claims).toContainEqual({ key: '__proto__', value: 'a' });
  expect(claims).toContainEqual({ key: '1', value: 'b' });
});

it('readToken accepts letters of any script, and an empty header and signature', () => {
  expect(readToken(jwt({ sub: 'ä😀' }).replace('header', '').replace('signature', ''))?.sub).toBe('ä😀');
});

it.each<[what: string, token: string]>([
  ['an empty text', ''],
  ['an opaque token', 'opaque'],
  ['empty parts', '..'],
  ['a token without a signature', jwt(DOCUMENTED).replace(/\.signature$/, '')],
  ['a token of five parts', `${jwt(DOCUMENTED)}.more.parts`],
  ['a payload that is cut off', jwt(DOCUMENTED).replace(/\.(.{20}).*\./, '.$1.')],
  ['a payload that is null', jwt(null)],
  ['a payload that is a list', jwt([DOCUMENTED])],
  [
    'a payload that is nested too deeply to be shown',
    `header.${Buffer.from(`{"aud":${'['.repeat(100_000)}${']'.repeat(100_000)}}`).toString('base64url')}.signature`,
  ],
])('readToken returns undefined for %s', (_what, token) => {
  expect(readToken(token)).toBeUndefined();
});

it('readToken never throws, and returns texts and whole numbers alone, for any token', () => {
  const value = fc.oneof(fc.jsonValue(), fc.string());
  const payload = fc.record(
    { oid: value, sub: value, scopes: value, scope: value, aud: value, custom_claims: value, exp: value },
    { requiredKeys: [] },
  );
  const token = fc.oneof(
    fc.oneof(payload, fc.jsonValue()).map(jwt),
    fc.tuple(payload, fc.nat(60)).map(([payload, end]) => jwt(payload).slice(0, end)),
    fc.string(),
  );
  const isText = (value: unknown) => typeof value === 'string';
  fc.assert(
    fc.property(token, (token) => {
      const read = readToken(token);
      if (!read) return;
      const { oid = '', sub = '', scopes, audience, custom_claims, exp } = read;
      const claims = custom_claims.flatMap(({ key, value }) => [key, value]);
      expect([oid, sub, ...scopes, ...audience, ...claims].every(isText)).toBe(true);
      expect(exp === undefined || Number.isSafeInteger(exp)).toBe(true);
    }),
    { numRuns: 50 },
  );
});
