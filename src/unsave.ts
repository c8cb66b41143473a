import { placeName, type Vault, variableUrl } from './github/vault.ts';
import { message } from './log.ts';
import type { VariableTrace } from './state.ts';

/** Milliseconds after a variable was sent in which GitHub may finish writing it, though its caller has gone. */
const LATE_WRITE = 15_000;
/** Milliseconds between two looks for it. */
const LOOK_AGAIN = 1_000;

/** What became of a variable that was written although its pair is not saved. */
export interface PutBack {
  /** Sentences about what was done. */
  done: string[];
  /** Sentences about what is left, with the call that mends it. */
  left: string[];
  /** Whether GitHub may still write it. */
  pending?: boolean;
}

/**
 * Gives a variable in GitHub Actions what it held before, unless somebody wrote it, or the secret beside it, since.
 * @param patient whether to wait for a write that GitHub may still finish
 */
export async function putBack(vault: Vault, trace: VariableTrace, patient: boolean): Promise<PutBack> {
  const { place, value, old, secret_time, sent_at } = trace;
  const what = `variable ${place.variable} of ${placeName(place)}`;
  // A clock that was set back meanwhile must not make the wait longer.
  const until = Math.min(sent_at, Date.now()) + LATE_WRITE;
  let { late } = trace;
  const done: string[] = [];
  try {
    for (;;) {
      const now = await vault.look();
      if (now.client_id === value) {
        if (now.secret_time !== undefined && now.secret_time !== secret_time)
          return { done: [`The ${what} stays: another run has saved its pair there.`], left: [] };
        if (old === undefined) await vault.deleteVariable();
        else await vault.setVariable(old, true);
        done.push(`Put back ${what}.`);
        late--;
      } else if (now.client_id === undefined && old !== undefined) {
        return { done, left: [variableLeft(trace, 'GitHub does not show it, so it may have to be made anew')] };
      }
      const pending = late > 0 && Date.now() < until;
      if (!pending) return { done, left: [] };
      if (!patient)
        return { done: [...done, `GitHub may still write ${what}. The post step looks again.`], left: [], pending };
      await vault.transport.pause(LOOK_AGAIN);
    }
  } catch (error) {
    return { done, left: [variableLeft(trace, message(error))] };
  }
}

/**
 * The sentence about a variable that was not put back, with the call that does it.
 * @param doubtful whether somebody else may have written what is known about it, so that no address is named
 */
export function variableLeft(trace: VariableTrace, why: string, doubtful = false): string {
  const { api, place, old } = trace;
  const url = variableUrl(api, place);
  const address = doubtful ? url.pathname : url.href;
  const call = old === undefined ? `DELETE ${address}` : `PATCH ${address} with the value ${JSON.stringify(old)}`;
  return `Variable ${place.variable} of ${placeName(place)} may not be what it was: ${why.replace(/\.$/, '')}. To put it back by hand: ${call}`;
}
