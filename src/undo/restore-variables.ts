import type { SavedCredentials } from '../github/saved-credentials.ts';
import { unwrap } from '../net/outcome.ts';
import { message } from '../output/log.ts';
import { manualVariableCalls } from './by-hand.ts';
import type { PendingVariables } from './pending.ts';

/** What was done about variables that were written although their secret was not saved. */
export interface RestoreResult {
  /** Sentences about what was done. */
  done: string[];
  /** Sentences about what could not be restored, each with the calls that do it by hand. */
  remaining: string[];
}

/**
 * Restores the former values of the saved variables, once. Each is restored only if it still holds what this step wrote,
 * and none is if the secret beside them was written since: then another run has saved its credentials. The variable
 * `…_STATE` is the last to go, because it says whose the other is.
 */
export async function restoreVariables(
  savedCredentials: SavedCredentials,
  pending: PendingVariables,
): Promise<RestoreResult> {
  const { before, written } = pending;
  const { id_variable, state_variable } = savedCredentials.location;
  const done: string[] = [];
  const putBack = async (name: string, value: string | undefined) => {
    if (value === undefined) await savedCredentials.deleteVariable(name);
    else unwrap(await savedCredentials.setVariable(name, value, true));
    done.push(`Put back variable ${name} of ${savedCredentials.name}.`);
  };
  try {
    const now = await savedCredentials.read();
    const isSavedSince = now.secretTime !== undefined && now.secretTime !== before.secretTime;
    if (isSavedSince || now.state !== written.state) return { done, remaining: [] };
    if (now.client_id === written.client_id && before.client_id !== written.client_id)
      await putBack(id_variable, before.client_id);
    await putBack(state_variable, before.state);
    return { done, remaining: [] };
  } catch (error) {
    return { done, remaining: [variablesNotRestored(pending, message(error))] };
  }
}

/** Returns the sentence about variables that were not restored, with the calls that do it by hand. */
export function variablesNotRestored(pending: PendingVariables, why: string): string {
  const { id_variable, state_variable } = pending.location;
  const what = `Variables ${id_variable} and ${state_variable} may not have their former values`;
  return `${what}: ${why.replace(/\.$/, '')}. ${manualVariableCalls(pending)}`;
}
