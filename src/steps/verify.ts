import type { DesiredClient } from '../client/desired.ts';
import { claimTexts, compareSets, type Difference, formatDifferences } from '../client/drift.ts';
import type { ManagedClient } from '../client/identity.ts';
import { clock } from '../net/clock.ts';
import * as log from '../output/log.ts';
import { isTooLongToMask } from '../output/mask.ts';
import { readToken, type TokenPayload } from '../scalekit/token.ts';
import type { Context, NewSecret } from './context.ts';

/** An access token of the new pair. */
export interface VerifiedToken {
  access_token: string;
  /** Seconds since the epoch; absent where neither the token nor the answer says. */
  expiresAt: number | undefined;
}

/** Milliseconds after a client was corrected in which its tokens may still show what it was. */
const CORRECTION_LAG = 3_000;

const RETRY_PAUSE = 500;

/**
 * Gets a token with the new pair, and compares it with what was asked for.
 * @returns nothing where no verification was asked for
 * @throws where the pair gets none, or one that says something else
 */
export async function verify(
  { scalekit, desired, journal }: Context,
  { client_id }: ManagedClient,
  { plain_secret: client_secret }: NewSecret,
): Promise<VerifiedToken | undefined> {
  if (!desired.verify) return undefined;
  for (const until = clock() + (journal.pendingUpdate ? CORRECTION_LAG : 0); ; ) {
    const { access_token, expires_in } = await scalekit.getToken({ client_id, client_secret });
    if (desired.access_token && isTooLongToMask(access_token))
      throw new Error(
        'The access token of the new pair is too long to be masked in every form, so it is not handed out: leave access_token out, or ask for fewer claims and scopes.',
      );
    const payload = readToken(access_token);
    if (!payload)
      log.notice(
        'The access token of the new pair is not a JWT, so its claims were not compared with what was asked for.',
      );
    const wrong = payload ? tokenDifferences(desired, client_id, payload) : [];
    if (wrong.length === 0) {
      const expires_at = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
      return { access_token, expiresAt: expires_at };
    }
    const mismatch = new Error(
      `The access token of the new pair is not what was asked for. An interceptor of the environment may have changed it; verify: false accepts that.\n${formatDifferences(wrong)}`,
    );
    if (clock() >= until) throw mismatch;
    await scalekit.transport.pause(RETRY_PAUSE).catch(() => Promise.reject(mismatch));
  }
}

/** Without an audience asked for, the token's own is not looked at. */
function tokenDifferences(
  { organization_id, fields }: DesiredClient,
  client_id: string,
  payload: TokenPayload,
): Difference[] {
  return compareSets([
    ['oid', [organization_id], [payload.oid]],
    ['sub', [client_id], [payload.sub]],
    ['scopes', fields.scopes ?? [], payload.scopes],
    ['custom_claims', claimTexts(fields.custom_claims), claimTexts(payload.custom_claims)],
    ...(fields.audience ? ([['audience', fields.audience, payload.audience]] as const) : []),
  ]);
}
