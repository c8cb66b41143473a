import type { Context, NewSecret } from './change.ts';
import type { KnownClient } from './identity.ts';
import * as log from './log.ts';
import { claimTexts, compare, differenceLines } from './plan.ts';
import { readToken } from './scalekit/token.ts';

/** An access token of the new pair. */
export interface VerifiedToken {
  access_token: string;
  /** ISO 8601, in UTC; empty where neither the token nor the answer says. */
  expires_at: string;
}

/**
 * Gets one token with the new pair, and compares it with what was asked for.
 * @returns nothing where no verification was asked for
 * @throws where the pair gets none, or one that says something else
 */
export async function verify(
  { scalekit, request }: Context,
  { client_id }: KnownClient,
  { plain_secret: client_secret }: NewSecret,
): Promise<VerifiedToken | undefined> {
  if (!request.verify) return undefined;
  const { access_token, expires_in } = await scalekit.getToken({ client_id, client_secret });
  const payload = readToken(access_token);
  const expires = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
  const expires_at = isoTime(expires);
  if (!payload) {
    log.notice(
      'The access token of the new pair is not a JWT, so its claims were not compared with what was asked for.',
    );
    return { access_token, expires_at };
  }
  const { organization_id, fields } = request;
  const wrong = compare([
    ['oid', [organization_id], [payload.oid]],
    ['sub', [client_id], [payload.sub]],
    ['scopes', fields.scopes ?? [], payload.scopes],
    ['custom_claims', claimTexts(fields.custom_claims), claimTexts(payload.custom_claims)],
    ...(fields.audience ? ([['audience', fields.audience, payload.audience]] as const) : []),
  ]);
  if (wrong.length > 0)
    throw new Error(
      `The access token of the new pair is not what was asked for. An interceptor of the environment may have changed it; verify: false accepts that.\n${differenceLines(wrong)}`,
    );
  return { access_token, expires_at };
}

/** @param seconds since the epoch; a number that no date has is none */
function isoTime(seconds: number | undefined): string {
  const date = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}
