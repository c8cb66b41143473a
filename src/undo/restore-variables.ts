import type { SavedCredentials } from '../github/saved-credentials.ts';
import { unwrap } from '../net/outcome.ts';
import { message } from '../output/log.ts';
import { manualVariableCalls } from './by-hand.ts';
import type { PendingVariables } from './pending.ts';

/** What was done about variables that were written although their secret was not saved. */
export interface RestoreResult {
  /** Sentences about what was done. */
  done: string[];
  /** Sentences about what was not restored, with the calls that do it by hand if that is right. */
  remaining: string[];
  /** Whether another attempt may restore the rest. */
  canRetry: boolean;
}

/**
 * Restores the former values of the saved variables, once. Each is restored only if it still holds what this step wrote,
 * and none is if the secret beside them was written since: then another run has saved its credentials. The variable
 * `…_STATE` is restored last, because it names the owner.
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
    done.push(`Restored variable ${name} of ${savedCredentials.name}.`);
  };
  try {
    const now = await savedCredentials.read();
    if (now.secretTime !== undefined && now.secretTime !== before.secretTime)
      return { done, remaining: [], canRetry: false };
    if (now.client_id === written.client_id && before.client_id !== written.client_id)
      await putBack(id_variable, before.client_id);
    if (now.state === written.state) await putBack(state_variable, before.state);
    const isOthers = now.state !== written.state && now.state !== before.state;
    const note = `Not restored: variable ${state_variable} of ${savedCredentials.name}. It was changed since, so another run may have saved its credentials there.`;
    return { done, remaining: isOthers ? [note] : [], canRetry: false };
  } catch (error) {
    return { done, remaining: [variablesNotRestored(pending, message(error))], canRetry: true };
  }
}

/** Returns the sentence about variables that were not restored, with the calls that do it by hand. */
export function variablesNotRestored(pending: PendingVariables, why: string): string {
  const { id_variable, state_variable } = pending.location;
  const what = `Variables ${id_variable} and ${state_variable} may not have their former values`;
  return `${what}: ${why.replace(/\.$/, '')}. ${manualVariableCalls(pending)}`;
}
