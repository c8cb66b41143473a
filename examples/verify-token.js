import { createRemoteJWKSet, jwtVerify } from 'jose';

/**
 * Creates the function with which an API checks the access token of each request.
 * @param {{ issuer: string, audience: string }} expected the Scalekit environment's URL without a slash at its end, and
 *   the audience that stands for this API
 * @returns an async function that takes a token and the scope that the request needs. It returns the client, its
 *   organization and its claims. It throws if the request must be refused.
 */
export function tokenVerifier({ issuer, audience }) {
  // The keys are fetched with the first token and cached. They are fetched again if a token names an unknown key.
  const keys = createRemoteJWKSet(new URL('/keys', issuer));
  return async (token, scope) => {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'oid'],
    });
    const scopes = Array.isArray(payload.scopes) ? payload.scopes : [];
    if (!scopes.includes(scope)) throw new Error(`the token lacks the scope ${scope}`);
    return { client: payload.sub, organization: payload.oid, claims: payload.custom_claims ?? {} };
  };
}
