import type { Context, NewSecret } from './change.ts';
import type { KnownClient } from './identity.ts';
import * as log from './log.ts';
import { isTooLong } from './mask.ts';
import { clock } from './node.ts';
import { claimTexts, compare, type Difference, differenceLines } from './plan.ts';
import type { Request } from './request.ts';
import { readToken, type TokenPayload } from './scalekit/token.ts';

/** An access token of the new pair. */
export interface VerifiedToken {
  access_token: string;
  /** Seconds since the epoch; absent where neither the token nor the answer says. */
  expires_at: number | undefined;
}

/** Milliseconds after a client was corrected in which its tokens may still show what it was. */
const CORRECTION_LAG = 3_000;
const PAUSE = 500;

/**
 * Gets a token with the new pair, and compares it with what was asked for.
 * @returns nothing where no verification was asked for
 * @throws where the pair gets none, or one that says something else
 */
export async function verify(
  { scalekit, request, journal }: Context,
  { client_id }: KnownClient,
  { plain_secret: client_secret }: NewSecret,
): Promise<VerifiedToken | undefined> {
  if (!request.verify) return undefined;
  for (const until = clock() + (journal.updated ? CORRECTION_LAG : 0); ; ) {
    const { access_token, expires_in } = await scalekit.getToken({ client_id, client_secret });
    if (request.access_token && isTooLong(access_token))
      throw new Error(
        'The access token of the new pair is too long to be masked in every form, so it is not handed out: leave access_token out, or ask for fewer claims and scopes.',
      );
    const payload = readToken(access_token);
    if (!payload)
      log.notice(
        'The access token of the new pair is not a JWT, so its claims were not compared with what was asked for.',
      );
    const wrong = payload ? mismatches(request, client_id, payload) : [];
    if (wrong.length === 0) {
      const expires_at = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
      return { access_token, expires_at };
    }
    const mismatch = new Error(
      `The access token of the new pair is not what was asked for. An interceptor of the environment may have changed it; verify: false accepts that.\n${differenceLines(wrong)}`,
    );
    if (clock() >= until) throw mismatch;
    await scalekit.transport.pause(PAUSE).catch(() => Promise.reject(mismatch));
  }
}

/** Without an audience asked for, the token's own is not looked at. */
function mismatches({ organization_id, fields }: Request, client_id: string, payload: TokenPayload): Difference[] {
  return compare([
    ['oid', [organization_id], [payload.oid]],
    ['sub', [client_id], [payload.sub]],
    ['scopes', fields.scopes ?? [], payload.scopes],
    ['custom_claims', claimTexts(fields.custom_claims), claimTexts(payload.custom_claims)],
    ...(fields.audience ? ([['audience', fields.audience, payload.audience]] as const) : []),
  ]);
}
