import type { Transport } from './http.ts';
import type { Request } from './inputs.ts';
import * as log from './log.ts';
import { claimTexts, compare, differenceLines } from './plan.ts';
import type { Scalekit } from './scalekit/api.ts';
import { LAG } from './scalekit/api.ts';
import { ApiError } from './scalekit/errors.ts';
import { readToken } from './scalekit/token.ts';

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 2_000;

/** An access token of the new pair. */
export interface VerifiedToken {
  access_token: string;
  /** ISO 8601, in UTC; empty where neither the token nor the answer says. */
  expires_at: string;
}

/**
 * Gets one token with the new pair, and compares it with what was asked for.
 * @throws where the pair gets none, or one that says something else
 */
export async function verify(
  scalekit: Scalekit,
  transport: Transport,
  request: Request,
  client_id: string,
  client_secret: string,
): Promise<VerifiedToken> {
  const { access_token, expires_in } = await pastLag(transport, refused, () =>
    scalekit.getToken({ client_id, client_secret }),
  );
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

/**
 * Asks again, for ten seconds, what the API may refuse only because it does not know the new client or secret yet.
 * @param lagging whether a refusal may be of that kind
 */
export async function pastLag<T>(
  transport: Transport,
  lagging: (error: ApiError) => boolean,
  ask: () => Promise<T>,
): Promise<T> {
  const until = performance.now() + LAG;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError && lagging(error)) || performance.now() >= until) throw error;
      // Where the time is over, the refusal is what there is to say.
      await transport.pause(pause * (0.5 + Math.random() / 2)).catch(() => Promise.reject(error));
    }
  }
}

/** RFC 6749, section 5.2, allows both for a client that is not known. */
function refused({ status, message }: ApiError): boolean {
  return status === 401 || (status === 400 && message.includes('invalid_client'));
}

/** @param seconds since the epoch; a number that no date has is none */
function isoTime(seconds: number | undefined): string {
  const date = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}
