import { locationName, type SavedCredentials, variableUrl } from '../github/saved-credentials.ts';
import { message } from '../output/log.ts';
import type { PendingVariable } from './journal.ts';

/** Milliseconds after a variable was sent in which GitHub may still write it, although its caller is gone. */
const LATE_WRITE_WINDOW = 15_000;

/** Milliseconds between two reads of the variable. */
const POLL_INTERVAL = 1_000;

/** What was done about a variable that was written although its credentials are not saved. */
export interface RestoreResult {
  /** Sentences about what was done. */
  done: string[];
  /** Sentences about what could not be restored, each with the call that does it by hand. */
  remaining: string[];
  /** Whether GitHub may still write the variable. */
  pending?: boolean;
}

/**
 * Restores the former value of a variable in GitHub Actions, unless it, or the secret beside it, was written since.
 * @param waitForLateWrites whether to wait for a write that GitHub may still carry out
 */
export async function restoreVariable(
  savedCredentials: SavedCredentials,
  pending: PendingVariable,
  waitForLateWrites: boolean,
): Promise<RestoreResult> {
  const { location, value, old, secret_time, sent_at } = pending;
  const what = `variable ${location.variable} of ${locationName(location)}`;
  // If the clock was set back since, that must not prolong the wait.
  const until = Math.min(sent_at, Date.now()) + LATE_WRITE_WINDOW;
  let { unconfirmed_writes } = pending;
  const done: string[] = [];
  try {
    for (;;) {
      const now = await savedCredentials.refresh();
      if (now.client_id === value) {
        if (now.secretTime !== undefined && now.secretTime !== secret_time)
          return { done: [`The ${what} stays: another run has saved its pair there.`], remaining: [] };
        if (old === undefined) await savedCredentials.deleteVariable();
        else await savedCredentials.setVariable(old, true);
        done.push(`Put back ${what}.`);
        unconfirmed_writes--;
      } else if (now.client_id === undefined && old !== undefined) {
        const why = 'GitHub does not show it, so it may have to be made anew';
        return { done, remaining: [variableNotRestored(pending, why)] };
      }
      const isPending = unconfirmed_writes > 0 && Date.now() < until;
      if (!isPending) return { done, remaining: [] };
      if (!waitForLateWrites) {
        const note = `GitHub may still write ${what}. The post step looks again.`;
        return { done: [...done, note], remaining: [], pending: isPending };
      }
      await savedCredentials.transport.pause(POLL_INTERVAL);
    }
  } catch (error) {
    return { done, remaining: [variableNotRestored(pending, message(error))] };
  }
}

/**
 * Returns the sentence about a variable that was not restored, with the call that does it by hand.
 * @param isTrusted whether main wrote the entry. If not, the call names no origin
 */
export function variableNotRestored(pending: PendingVariable, why: string, isTrusted = true): string {
  const { api, location, old } = pending;
  const url = variableUrl(api, location);
  const address = isTrusted ? url.href : url.pathname;
  const call = old === undefined ? `DELETE ${address}` : `PATCH ${address} with the value ${JSON.stringify(old)}`;
  return `Variable ${location.variable} of ${locationName(location)} may not be what it was: ${why.replace(/\.$/, '')}. To put it back by hand: ${call}`;
}
