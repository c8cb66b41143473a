import { describe, expect, it } from '@jest/globals';
import type { DesiredClient } from '../../../src/client/desired.ts';
import type { Findings } from '../../../src/client/drift.ts';
import { checkToken } from '../../../src/client/token-check.ts';
import type { TokenPayload } from '../../../src/scalekit/token.ts';
import { bareDesiredClient, desiredClient, LISTS } from '../fixtures.ts';

const ID = 'm2morg_1';
const token = ({ topLevel = () => undefined, ...changes }: Partial<TokenPayload> = {}): TokenPayload => ({
  oid: 'org_1',
  sub: ID,
  ...LISTS,
  exp: 3600,
  iat: 0,
  topLevel,
  ...changes,
});

/** Returns only the names of the fields. */
const fieldsOf = ({ wrong, warnings, notices }: Findings) => ({
  wrong: wrong.map(({ field }) => field),
  warnings: warnings.map(({ field }) => field),
  notices: notices.map(({ field }) => field),
});
const check = (payload: TokenPayload, desired: DesiredClient = desiredClient()) =>
  fieldsOf(checkToken(desired, ID, payload));
const NONE: ReturnType<typeof fieldsOf> = { wrong: [], warnings: [], notices: [] };
const TEAM = { key: 'team', value: 'platform' };

describe('checkToken', () => {
  it.each<[what: string, TokenPayload]>([
    ['exactly what was requested', token()],
    ['what was requested in another order', token({ scopes: [...LISTS.scopes].reverse() })],
    ['scopes of OpenID Connect in addition', token({ scopes: [...LISTS.scopes, 'openid', 'email'] })],
    ['a shorter life', token({ exp: 60 })],
    ['no times', token({ exp: undefined, iat: undefined })],
    [
      'its claims at the top level',
      token({
        custom_claims: [],
        topLevel: (key) => LISTS.custom_claims.find((claim) => claim.key === key)?.value,
      }),
    ],
    ['other claims at the top level', token({ topLevel: () => 'x' })],
  ])('accepts a token that has %s', (_what, payload) => {
    for (const verify of [true, 'exact'] as const) expect(check(payload, desiredClient({ verify }))).toEqual(NONE);
  });

  it.each<[what: string, field: string, Partial<TokenPayload>]>([
    ['another organization', 'oid', { oid: 'org_2' }],
    ['another client', 'sub', { sub: 'm2morg_2' }],
    ['a missing scope', 'scopes', { scopes: LISTS.scopes.slice(1) }],
    ['a missing audience', 'audience', { audience: LISTS.audience.slice(1) }],
    ['a missing claim', 'custom_claims', { custom_claims: LISTS.custom_claims.slice(1) }],
    [
      'another value of a claim',
      'custom_claims',
      { custom_claims: LISTS.custom_claims.map(({ key }) => ({ key, value: 'x' })) },
    ],
    [
      'two different values of a claim',
      'custom_claims',
      { custom_claims: [...LISTS.custom_claims, { key: LISTS.custom_claims[0]?.key ?? '', value: 'x' }] },
    ],
    [
      'another value of a claim at the top level',
      'custom_claims',
      { custom_claims: LISTS.custom_claims.slice(1), topLevel: () => 'x' },
    ],
  ])('rejects a token with %s', (_what, field, changes) => {
    expect(check(token(changes)).wrong).toEqual([field]);
  });

  it('counts a claim as additional although its key begins like a requested one', () => {
    const wanted = { key: 'a=b', value: '1' };
    const other = { key: 'a=c', value: '1' };
    const fields = { ...bareDesiredClient().fields, custom_claims: [wanted] };
    const payload = token({ scopes: [], audience: [], custom_claims: [wanted, other] });
    expect(check(payload, bareDesiredClient({ fields }))).toEqual({ ...NONE, notices: ['custom_claims'] });
  });

  it('ignores a claim at the top level if custom_claims has its key', () => {
    expect(check(token({ topLevel: () => 'x' })).wrong).toEqual([]);
  });

  it.each<[what: string, Partial<TokenPayload>, expected: Partial<typeof NONE>]>([
    ['one more scope', { scopes: [...LISTS.scopes, 'x'] }, { warnings: ['scopes'] }],
    ['one more audience', { audience: [...LISTS.audience, 'x'] }, { notices: ['audience'] }],
    ['one more claim', { custom_claims: [...LISTS.custom_claims, TEAM] }, { notices: ['custom_claims'] }],
    ['a longer life', { exp: 3601 }, { notices: ['expiry'] }],
  ])('accepts a token with %s, and rejects it with verify: exact', (_what, changes, expected) => {
    expect(check(token(changes))).toEqual({ ...NONE, ...expected });
    const wrong = Object.values(expected).flat();
    expect(check(token(changes), desiredClient({ verify: 'exact' }))).toEqual({ ...NONE, wrong });
  });

  it.each<[what: string, Partial<TokenPayload>, notices: string[]]>([
    ['no organization', { oid: undefined }, ['oid']],
    ['no client', { sub: undefined }, ['sub']],
  ])('gives only a notice for a token with %s, even with verify: exact', (_what, changes, notices) => {
    for (const verify of [true, 'exact'] as const)
      expect(check(token(changes), desiredClient({ verify }))).toEqual({ ...NONE, notices });
  });

  it('accepts a token with any audience if none was requested, unless verify is exact', () => {
    const payload = token({ scopes: [], custom_claims: [], audience: ['x'] });
    expect(check(payload, bareDesiredClient())).toEqual(NONE);
    expect(check(payload, bareDesiredClient({ verify: 'exact' })).wrong).toEqual(['audience']);
  });
});
