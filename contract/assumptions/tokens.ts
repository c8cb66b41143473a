import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { compareSets, withoutOidcScopes } from '../../src/client/drift.ts';
import { checkToken } from '../../src/client/token-check.ts';
import { decodeJwtPayload, type Json } from '../../src/net/json.ts';
import { readToken, type TokenPayload } from '../../src/scalekit/token.ts';
import { type Assumption, type Finding, fails, holds, inTime, same, unclear, unsuccessful } from '../assumption.ts';
import { accessTokenIn } from '../caller.ts';
import { describe, isRefusal, isSuccess, jsonIn, required, Unseen } from '../reply.ts';
import type { Role, Seen } from '../seen.ts';
import { madeAs } from './clients.ts';

/** Returns the access token of a client. @throws {Unseen} if there is none */
function tokenOf(seen: Seen, role: Role): string {
  const { last } = required(madeAs(seen, role).token);
  const token = accessTokenIn(last);
  if (token) return token;
  throw new Unseen(`no token: ${describe(last)}`);
}

/** Returns the claims of the access token of a client. @throws {Unseen} if it is no JSON Web Token */
function payloadOf(seen: Seen, role: Role): TokenPayload {
  const payload = readToken(tokenOf(seen, role));
  if (!payload) throw new Unseen('the token is no JSON Web Token');
  return payload;
}

/** Returns what the action finds wrong with the token of the client that has everything. */
function checkFullToken(seen: Seen) {
  const { fields, id } = madeAs(seen, 'full');
  const { organization_id } = seen.target;
  return checkToken({ fields, organization_id, verify: true }, id, payloadOf(seen, 'full'));
}

export const TOKENS: Assumption[] = [
  {
    id: 'token',
    sentence: 'A new client gets a token with its id and its secret, at the same endpoint and in the same form.',
    needed: true,
    hangsOn: 'Promise 6: nothing is published before the credentials got a token.',
    how: 'Requests a token for the first client, and again while it is refused.',
    check: (seen) => {
      const { last, lag } = required(madeAs(seen, 'full').token);
      if (lag !== undefined) return holds(describe(last));
      return isRefusal(last) ? fails(describe(last)) : unclear(describe(last));
    },
  },
  {
    id: 'token-at-once',
    sentence: 'New credentials get a token at once.',
    needed: false,
    hangsOn: 'Promise 10: the action tries new credentials for 20 seconds, 8 times at most.',
    how: 'Requests a token as soon as the first client was made.',
    check: (seen) => {
      const { lag, last } = required(madeAs(seen, 'full').token);
      if (lag === undefined) return unclear(`no token: ${describe(last)}`);
      return (lag === 0 ? holds : fails)(inTime(lag));
    },
  },
  {
    id: 'token-identity',
    sentence: 'A token names the organization in `oid`, and the client in `sub` or `client_id`.',
    needed: false,
    hangsOn: 'Promise 6: another organization or client is an error, and a token that names none is a notice.',
    how: 'Reads the token of the first client.',
    check: (seen) => {
      const { oid, sub } = payloadOf(seen, 'full');
      const wanted = { oid: seen.target.organization_id, sub: madeAs(seen, 'full').id };
      const found = compareSets([
        ['oid', [wanted.oid], [oid ?? []].flat()],
        ['sub', [wanted.sub], [sub ?? []].flat()],
      ]);
      return same(found, 'both');
    },
  },
  {
    id: 'token-claims',
    sentence: 'A token has the claims of its client in a form that the action reads.',
    needed: true,
    hangsOn: 'Promise 6: a token without a claim fails the step, unless it has `verify: false`.',
    how: 'Compares the token of the first client with its claims, as the action does.',
    check: (seen) => {
      const wrong = checkFullToken(seen).wrong.filter(({ field }) => field === 'custom_claims');
      return same(wrong, 'all claims');
    },
  },
  {
    id: 'token-claims-object',
    sentence: 'A token has exactly the claims of its client, as an object in `custom_claims`.',
    needed: false,
    hangsOn: 'The action also reads a list, or claims at the top level. Claims in addition are a notice.',
    how: 'Reads `custom_claims` in the token of the first client.',
    check: (seen) => {
      const { custom_claims } = decodeJwtPayload(tokenOf(seen, 'full')) ?? {};
      if (typeof custom_claims !== 'object' || custom_claims === null) return fails('no custom_claims');
      if (Array.isArray(custom_claims)) return fails('a list');
      const texts = (claims: [string, unknown][]) => claims.map(([key, value]) => `${key}=${value}`);
      const wanted = madeAs(seen, 'full').fields.custom_claims ?? [];
      const asked = texts(wanted.map(({ key, value }) => [key, value]));
      return same(compareSets([['custom_claims', asked, texts(Object.entries(custom_claims))]]), 'an object');
    },
  },
  {
    id: 'token-scopes',
    sentence: "A token has the scopes that were asked for, and no others but OpenID Connect's own.",
    needed: false,
    hangsOn: 'Promise 6: a missing scope is an error. Another one is a warning, and an error with `verify: exact`.',
    how: 'Reads the tokens of a client without scopes and, if `SCALEKIT_CONTRACT_SCOPES` is set, of one with scopes.',
    check: (seen) => {
      const roles: Role[] = seen.scopes.length > 0 ? ['bare', 'scoped'] : ['bare'];
      const found = roles.flatMap((role) => {
        const { scopes = [] } = madeAs(seen, role).fields;
        return compareSets([['scopes', scopes, withoutOidcScopes(payloadOf(seen, role).scopes, scopes)]]);
      });
      return same(found, roles.map((role) => JSON.stringify(payloadOf(seen, role).scopes)).join(' and '));
    },
  },
  {
    id: 'unregistered-scope',
    sentence: 'A scope that is not registered is refused, or client and token agree on whether they have it.',
    needed: false,
    hangsOn: 'Promise 6: so a mistyped scope fails at the create request or when the token is verified.',
    how: 'Creates a client with a scope that was made up, and gets a token for it.',
    check: (seen) => {
      const { created } = required(seen.clients.unregistered);
      if (created.status === 400 || created.status === 422) return holds(describe(created));
      if (!isSuccess(created)) return unsuccessful(created);
      const { fields } = madeAs(seen, 'unregistered');
      const [scope = ''] = fields.scopes ?? [];
      const { last } = required(madeAs(seen, 'unregistered').token);
      const inClient = (jsonIn(created).client as { scopes?: string[] }).scopes?.includes(scope) === true;
      if (isRefusal(last)) return holds(`the token is refused: ${describe(last)}`);
      const inToken = payloadOf(seen, 'unregistered').scopes.includes(scope);
      const words = (granted: boolean) => (granted ? 'granted' : 'dropped');
      return (inClient === inToken ? holds : fails)(`client: ${words(inClient)}; token: ${words(inToken)}`);
    },
  },
  {
    id: 'token-audience',
    sentence: 'A token has the audience of its client in `aud`, as a text or a list, and no other.',
    needed: false,
    hangsOn:
      'Promise 6, if a step asks for an audience. Another one in addition is a notice, and an error with `verify: exact`.',
    how: 'Reads the tokens of a client with an audience and of one without.',
    check: (seen) => {
      const found = (['full', 'bare'] as const).flatMap((role) =>
        compareSets([['audience', madeAs(seen, role).fields.audience ?? [], payloadOf(seen, role).audience]]),
      );
      const { aud } = decodeJwtPayload(tokenOf(seen, 'full')) ?? {};
      return same(found, Array.isArray(aud) ? 'a list' : 'a text');
    },
  },
  {
    id: 'token-life',
    sentence: 'A token lives as many seconds as the `expiry` of its client says.',
    needed: false,
    hangsOn:
      '`expiry`, and the 3600 seconds of `lifetime: job`: a token outlives its client. A longer life is a notice.',
    how: 'Compares `exp` and `iat` in the tokens of clients with an expiry of 3600 and of 300 seconds.',
    check: (seen) => {
      const refused = required(seen.clients.brief).created;
      if (!isSuccess(refused)) return unsuccessful(refused);
      const lives = (['full', 'brief'] as const).map((role) => {
        const { exp, iat } = payloadOf(seen, role);
        return {
          asked: madeAs(seen, role).fields.expiry,
          life: exp === undefined || iat === undefined ? undefined : exp - iat,
        };
      });
      const text = lives.map(({ asked, life }) => `${life ?? 'unknown'} for ${asked}`).join(', ');
      return (lives.every(({ asked, life }) => asked === life) ? holds : fails)(text);
    },
  },
  {
    id: 'token-signature',
    sentence:
      'The signature of a token can be verified with the keys at `/keys` (RS256), and its `iss` is the URL of the environment.',
    needed: false,
    hangsOn: 'The API that receives the token. The action itself reads the token without verifying it.',
    how: 'Verifies the token of the first client.',
    check: (seen) => verified(tokenOf(seen, 'full'), jsonIn(seen.keys), seen.target.origin),
  },
];

/** Verifies the signature of a token (RFC 7515), and its issuer. */
function verified(token: string, { keys }: Json, origin: string): Finding {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const { alg, kid } = JSON.parse(Buffer.from(head, 'base64url').toString());
  if (alg !== 'RS256') return fails(`alg ${JSON.stringify(alg)}`);
  const jwk = Array.isArray(keys) ? keys.find((key) => Object(key).kid === kid) : undefined;
  if (!jwk) return fails('no key has the kid of the token');
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  const isSigned = verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'));
  if (!isSigned) return fails('the signature is another one');
  const { iss } = decodeJwtPayload(token) ?? {};
  return (iss === origin ? holds : fails)(`iss ${JSON.stringify(iss)}`);
}
