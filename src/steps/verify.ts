import type { DesiredClient } from '../client/desired.ts';
import { type Difference, type Findings, formatDifferences } from '../client/drift.ts';
import { checkToken } from '../client/token-check.ts';
import { clock } from '../net/clock.ts';
import * as log from '../output/log.ts';
import type { Scalekit } from '../scalekit/api.ts';
import { readToken } from '../scalekit/token.ts';
import type { Credentials } from '../scalekit/types.ts';

/** An access token that the new credentials got. */
export interface VerifiedToken {
  access_token: string;
  /** Seconds since the epoch. Undefined if neither the token nor the response contains it. */
  expiresAt: number | undefined;
}

/** Milliseconds after an update during which tokens of the client may still show its former values. */
const CORRECTION_LAG = 3_000;

/** What helps if the token differs, by the input `verify`. */
const REMEDY: Record<string, string> = {
  true: 'With verify: false, the token is not checked.',
  exact: 'If the token only has more than was requested, list that among the inputs, or use verify: true.',
};

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
    const findings = payload && checkToken(desired, credentials.client_id, payload);
    if (!findings || findings.wrong.length === 0) {
      report(findings);
      const expiresAt = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
      return { access_token, expiresAt };
    }
    const mismatch = new Error(
      `The access token of the new client credentials differs from what was requested. A scope must exist in the environment, and an interceptor can change a token. ${REMEDY[`${desired.verify}`]}\n${formatDifferences(findings.wrong)}`,
    );
    if (clock() >= until || !(await scalekit.transport.wait(RETRY_PAUSE))) throw mismatch;
  }
}

/** Reports what does not fail the verification. @param findings undefined if the token is not a JWT */
function report(findings: Findings | undefined): void {
  if (!findings) {
    log.notice(NOT_A_JWT);
    return;
  }
  const { warnings, notices } = findings;
  const text = (found: Difference[]) =>
    `The access token is not exactly what was requested. ${formatDifferences(found)}`;
  if (warnings.length > 0) log.warning(text(warnings));
  if (notices.length > 0) log.notice(text(notices));
}
