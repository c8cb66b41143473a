import type { HttpResponse, RecordedRequest } from '../exchange.ts';
import type { Behaviour, TokenPayload } from './behaviour.ts';
import { ApiError } from './errors.ts';
import type { Store } from './store.ts';
import { lifetime, processSigner, sign } from './token.ts';
import { claimFields, withAdded } from './variations.ts';

/** The id and secret of a client, or of the environment's API. */
export type Credentials = { clientId: string; clientSecret: string };

type Handler = (request: RecordedRequest) => Promise<HttpResponse>;

/**
 * Returns the handlers of the token endpoint, the published keys and the discovery document.
 * @throws {ApiError} from the token handler, if it issues no token
 */
export function oauthEndpoints(
  store: Store,
  behaviour: Behaviour,
  credentials: Credentials,
  issuerOf: (request: RecordedRequest) => string,
): Record<'token' | 'keys' | 'discovery', Handler> {
  const payloadFor = (id: string, secret: string, iss: string): TokenPayload => {
    const identity = { iss, sub: id, client_id: id };
    if (id === credentials.clientId && secret === credentials.clientSecret) {
      return { ...identity, ...lifetime(behaviour.tokenSeconds.environment) };
    }
    const { organizationId, expiry, ...client } = store.authenticate(id, secret);
    const { audience, scopes, customClaims } = withAdded(client, behaviour, 'token');
    const aud = behaviour.audience === 'string' && audience.length === 1 ? audience[0] : audience;
    const payload = behaviour.tokenChanges({
      ...claimFields(customClaims, behaviour),
      ...identity,
      ...(behaviour.oidInToken ? { oid: organizationId } : {}),
      ...(audience.length ? { aud } : {}),
      scopes,
      ...lifetime(Number(expiry) || behaviour.tokenSeconds.client),
    });
    if (!payload) throw new ApiError(7, 'token denied by an interceptor');
    return payload;
  };

  return {
    token: async (request) => {
      if (!/^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? '')) {
        throw new ApiError(3, 'the body must be a form');
      }
      const form = new URLSearchParams(request.text);
      if (form.get('grant_type') !== 'client_credentials') throw new ApiError(3, 'unsupported grant type');
      const payload = payloadFor(form.get('client_id') ?? '', form.get('client_secret') ?? '', issuerOf(request));
      const { scopes, exp, iat } = payload;
      return {
        status: 200,
        body: {
          access_token: await sign(payload),
          token_type: 'Bearer',
          expires_in: Number(exp) - Number(iat),
          scope: Array.isArray(scopes) ? scopes.join(' ') : '',
        },
      };
    },
    keys: async () => ({ status: 200, body: { keys: [(await processSigner()).jwk] } }),
    discovery: async (request) => {
      const issuer = issuerOf(request);
      return {
        status: 200,
        body: {
          issuer,
          token_endpoint: `${issuer}/oauth/token`,
          jwks_uri: `${issuer}/keys`,
          grant_types_supported: ['client_credentials'],
          token_endpoint_auth_methods_supported: ['client_secret_post'],
          id_token_signing_alg_values_supported: ['RS256'],
        },
      };
    },
  };
}
