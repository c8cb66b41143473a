import type { DesiredClient } from '../client/desired.ts';
import { claimTexts, compareSets, type Difference, formatDifferences } from '../client/drift.ts';
import { clock } from '../net/clock.ts';
import * as log from '../output/log.ts';
import type { Scalekit } from '../scalekit/api.ts';
import { readToken, type TokenPayload } from '../scalekit/token.ts';
import type { Credentials } from '../scalekit/types.ts';

/** An access token that the new credentials got. */
export interface VerifiedToken {
  access_token: string;
  /** Seconds since the epoch. Undefined if neither the token nor the response contains it. */
  expiresAt: number | undefined;
}

/** Milliseconds after an update during which tokens of the client may still show its former values. */
const CORRECTION_LAG = 3_000;

/** Milliseconds. */
const RETRY_PAUSE = 500;

const NOT_A_JWT =
  'The access token of the new client credentials is not a JWT, so its claims were not compared with the requested ones.';

/**
 * Verifies new credentials: gets an access token with them and compares it with the desired client.
 * @param justUpdated whether this step changed the client, so that a token may still show its former values for a while
 * @returns undefined if verification is switched off
 * @throws {Error} if the credentials get no token, or a token that differs from the desired client
 */
export async function verify(
  scalekit: Scalekit,
  desired: DesiredClient,
  credentials: Credentials,
  justUpdated: boolean,
): Promise<VerifiedToken | undefined> {
  if (!desired.verify) return undefined;
  for (const until = clock() + (justUpdated ? CORRECTION_LAG : 0); ; ) {
    const { access_token, expires_in } = await scalekit.getToken(credentials);
    const payload = readToken(access_token);
    const wrong = tokenDifferences(desired, credentials.client_id, payload);
    if (wrong.length === 0) {
      if (!payload) log.notice(NOT_A_JWT);
      const expiresAt = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
      return { access_token, expiresAt };
    }
    const mismatch = new Error(
      `The access token of the new client credentials differs from what was requested. An interceptor of the environment may have changed it. With verify: false, the token is not checked.\n${formatDifferences(wrong)}`,
    );
    if (clock() >= until || !(await scalekit.transport.wait(RETRY_PAUSE))) throw mismatch;
  }
}

/**
 * Compares a token with the desired client. Ignores the token's audience if none was requested.
 * @param payload undefined if the token is not a JWT. Nothing can be compared then
 */
function tokenDifferences(
  { organization_id, fields }: DesiredClient,
  client_id: string,
  payload: TokenPayload | undefined,
): Difference[] {
  if (!payload) return [];
  return compareSets([
    ['oid', [organization_id], [payload.oid]],
    ['sub', [client_id], [payload.sub]],
    ['scopes', fields.scopes ?? [], payload.scopes],
    ['custom_claims', claimTexts(fields.custom_claims), claimTexts(payload.custom_claims)],
    ...(fields.audience ? ([['audience', fields.audience, payload.audience]] as const) : []),
  ]);
}
