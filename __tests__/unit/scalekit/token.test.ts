import { describe, expect, it } from '@jest/globals';
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
type Read = Omit<TokenPayload, 'topLevel'>;
const EMPTY: Read = {
  oid: undefined,
  sub: undefined,
  scopes: [],
  audience: [],
  custom_claims: [],
  exp: undefined,
  iat: undefined,
};

/** Reads a token. Its function for other claims is compared apart. */
function read(token: string): Read | undefined {
  const { topLevel, ...payload } = readToken(token) ?? {};
  return topLevel && (payload as Read);
}

const EMPTY_CLAIM = { key: '', value: '' };

/** Returns a token with this payload. Its header and signature are not valid, because nothing checks them. */
function jwt(payload: unknown): string {
  return ['header', Buffer.from(JSON.stringify(payload)).toString('base64url'), 'signature'].join('.');
}

describe('a token', () => {
  it('that is nested too deeply to be shown is none', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const payload = Buffer.from(`{"aud":${deep}}`).toString('base64url');
    expect(readToken(`header.${payload}.signature`)).toBeUndefined();
  });

  it('is read as Scalekit documents it', () => {
    expect(read(jwt(DOCUMENTED))).toEqual({
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

  it('says nothing if it is empty', () => {
    expect(read(jwt({}))).toEqual(EMPTY);
  });

  it.each<[string, Record<string, unknown>, Partial<Read>]>([
    ['scopes in a list', { scopes: ['a', 'b'] }, { scopes: ['a', 'b'] }],
    ['scopes in one text', { scopes: 'a b' }, { scopes: ['a', 'b'] }],
    ['scopes under the name of RFC 9068', { scope: 'a  b ' }, { scopes: ['a', 'b'] }],
    ['scopes under both names', { scopes: ['a'], scope: 'b' }, { scopes: ['a'] }],
    ['scopes under the one name that has any', { scopes: null, scope: 'a' }, { scopes: ['a'] }],
    ['no scopes', { scopes: [], scope: '' }, {}],
    ['no scope', { scope: '' }, {}],
    ['a scope that is no text', { scopes: ['a', 1] }, { scopes: ['a', '1'] }],
    ['one audience', { aud: 'a' }, { audience: ['a'] }],
    ['one audience with a space', { aud: 'a b' }, { audience: ['a b'] }],
    ['several audiences', { aud: ['a', 'b'] }, { audience: ['a', 'b'] }],
    ['no audience', { aud: [] }, {}],
    ['no audience as null', { aud: null }, {}],
    ['no audience as an empty text', { aud: '' }, {}],
    ['an audience that is no text', { aud: 1 }, { audience: ['1'] }],
    ['a claim that is a number', { custom_claims: { a: 1 } }, { custom_claims: [{ key: 'a', value: '1' }] }],
    ['a claim that is true', { custom_claims: { a: true } }, { custom_claims: [{ key: 'a', value: 'true' }] }],
    ['a claim that is null', { custom_claims: { a: null } }, { custom_claims: [{ key: 'a', value: '' }] }],
    ['an organization that is null', { oid: null }, {}],
    ['a scope that is null', { scope: null }, {}],
    ['a claim that is a list', { custom_claims: { a: ['b'] } }, { custom_claims: [{ key: 'a', value: '["b"]' }] }],
    ['an empty claim', { custom_claims: { '': '' } }, { custom_claims: [{ key: '', value: '' }] }],
    ['no claims', { custom_claims: {} }, {}],
    ['no claims as null', { custom_claims: null }, {}],
    ['claims outside of custom_claims', { github_repository: 'acme/app' }, {}],
    ['an organization that is no text', { oid: 1 }, { oid: '1' }],
    ['a subject that is a list', { sub: ['m2morg_1'] }, { sub: '["m2morg_1"]' }],
    ['its client under another name', { client_id: 'm2morg_1' }, { sub: 'm2morg_1' }],
    ['claims in a list', { custom_claims: [{ key: 'a', value: 'b' }] }, { custom_claims: [{ key: 'a', value: 'b' }] }],
    ['claims in a list of anything', { custom_claims: [1, null] }, { custom_claims: [EMPTY_CLAIM, EMPTY_CLAIM] }],
    ['a time that is a text', { exp: '1795510800' }, {}],
    ['a time that is a fraction', { exp: 1.5 }, {}],
    ['a time beyond the safe numbers', { exp: 2 ** 53 }, {}],
  ])('may have %s', (_what, payload, expected) => {
    expect(read(jwt(payload))).toEqual({ ...EMPTY, ...expected });
  });

  it('shows claims at its top level', () => {
    const payload = readToken(jwt({ team: 'platform', level: 3, none: null, empty: '' }));
    expect(['team', 'level', 'none', 'empty', 'missing', 'toString'].map((key) => payload?.topLevel(key))).toEqual([
      'platform',
      '3',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('may have claims of any name', () => {
    const token = ['h', Buffer.from('{"custom_claims":{"__proto__":"a","1":"b"}}').toString('base64url'), 's'].join(
      '.',
    );
    expect(readToken(token)?.custom_claims).toEqual(
      expect.arrayContaining([
        { key: '__proto__', value: 'a' },
        { key: '1', value: 'b' },
      ]),
    );
  });

  it('may have letters of any script, and an empty header and signature', () => {
    expect(readToken(jwt({ sub: 'ä😀' }).replace('header', '').replace('signature', ''))?.sub).toBe('ä😀');
  });

  it.each([
    '',
    '.',
    '..',
    'opaque',
    jwt(DOCUMENTED).replace(/\.signature$/, ''),
    `${jwt(DOCUMENTED)}.more.parts`,
    jwt(DOCUMENTED).replace(/\.[^.]*\./, '.!.'),
    jwt(DOCUMENTED).replace(/\.(.{20}).*\./, '.$1.'),
    jwt(null),
    jwt([DOCUMENTED]),
    jwt('a'),
    jwt(1),
  ])('is no JWT: %s', (token) => {
    expect(readToken(token)).toBeUndefined();
  });

  it('is read or not, whatever text it is', () => {
    const value = fc.oneof(fc.jsonValue(), fc.string());
    const payload = fc.record(
      { oid: value, sub: value, scopes: value, scope: value, aud: value, custom_claims: value, exp: value },
      { requiredKeys: [] },
    );
    const token = fc.oneof(
      fc.oneof(payload, fc.jsonValue()).map(jwt),
      fc.tuple(payload, fc.nat(60)).map(([payload, end]) => jwt(payload).slice(0, end)),
      fc.string({ unit: 'binary' }),
      fc.array(fc.base64String()).map((parts) => parts.join('.')),
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
      { numRuns: 500 },
    );
  });
});
