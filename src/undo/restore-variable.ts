import { locationName, type SavedCredentials, variableUrl } from '../github/saved-credentials.ts';
import { message } from '../output/log.ts';
import type { PendingVariable } from './journal.ts';

/** Milliseconds after a variable was sent in which GitHub may finish writing it, though its caller has gone. */
const LATE_WRITE_WINDOW = 15_000;

/** Milliseconds between two looks for it. */
const POLL_INTERVAL = 1_000;

/** What became of a variable that was written although its pair is not saved. */
export interface RestoreResult {
  /** Sentences about what was done. */
  done: string[];
  /** Sentences about what is left, with the call that mends it. */
  remaining: string[];
  /** Whether GitHub may still write it. */
  pending?: boolean;
}

/**
 * Gives a variable in GitHub Actions what it held before, unless somebody wrote it, or the secret beside it, since.
 * @param patient whether to wait for a write that GitHub may still finish
 */
export async function restoreVariable(
  savedCredentials: SavedCredentials,
  pending: PendingVariable,
  patient: boolean,
): Promise<RestoreResult> {
  const { location, value, old, secret_time, sent_at } = pending;
  const what = `variable ${location.variable} of ${locationName(location)}`;
  // A clock that was set back meanwhile must not make the wait longer.
  const until = Math.min(sent_at, Date.now()) + LATE_WRITE_WINDOW;
  let { unconfirmed_writes: late } = pending;
  const done: string[] = [];
  try {
    for (;;) {
      const now = await savedCredentials.look();
      if (now.client_id === value) {
        if (now.secretTime !== undefined && now.secretTime !== secret_time)
          return { done: [`The ${what} stays: another run has saved its pair there.`], remaining: [] };
        if (old === undefined) await savedCredentials.deleteVariable();
        else await savedCredentials.setVariable(old, true);
        done.push(`Put back ${what}.`);
        late--;
      } else if (now.client_id === undefined && old !== undefined) {
        return {
          done,
          remaining: [variableNotRestored(pending, 'GitHub does not show it, so it may have to be made anew')],
        };
      }
      const stillPending = late > 0 && Date.now() < until;
      if (!stillPending) return { done, remaining: [] };
      if (!patient)
        return {
          done: [...done, `GitHub may still write ${what}. The post step looks again.`],
          remaining: [],
          pending: stillPending,
        };
      await savedCredentials.transport.pause(POLL_INTERVAL);
    }
  } catch (error) {
    return { done, remaining: [variableNotRestored(pending, message(error))] };
  }
}

/**
 * The sentence about a variable that was not put back, with the call that does it.
 * @param doubtful whether somebody else may have written what is known about it, so that no address is named
 */
export function variableNotRestored(pending: PendingVariable, why: string, doubtful = false): string {
  const { api, location, old } = pending;
  const url = variableUrl(api, location);
  const address = doubtful ? url.pathname : url.href;
  const call = old === undefined ? `DELETE ${address}` : `PATCH ${address} with the value ${JSON.stringify(old)}`;
  return `Variable ${location.variable} of ${locationName(location)} may not be what it was: ${why.replace(/\.$/, '')}. To put it back by hand: ${call}`;
}
