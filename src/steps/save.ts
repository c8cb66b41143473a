import type { SavedCredentials } from '../github/saved-credentials.ts';
import { ApiError } from '../net/api-error.ts';
import * as log from '../output/log.ts';
import { mayStayUpdated } from '../undo/by-hand.ts';
import type { Journal } from '../undo/journal.ts';
import type { Context, NewSecret } from './context.ts';

/**
 * Saves the client credentials in GitHub Actions: the variable first, the secret last. Once the request with the secret
 * may have arrived, nothing can be undone. So the journal marks the credentials as published before it is sent, and takes
 * that back if GitHub refuses the secret.
 * @throws {Error} if the credentials are not saved, or if the outcome is unknown
 */
export async function save(context: Context, client_id: string, { plain_secret }: NewSecret): Promise<void> {
  const { scalekit, journal, savedCredentials } = context;
  if (!savedCredentials) return;
  await saveVariable(journal, savedCredentials, client_id);
  if (scalekit.transport.cancelled) throw new Error('The pair was not saved.');

  // Loaded here because few runs need it, and before the point of no return because loading may fail.
  const { sealBox } = await import('../github/sealed-box.ts');
  const { client, secret, variable } = journal.state;
  const { pendingUpdate } = journal;
  journal.markPublished(client_id);
  journal.pendingUpdate = undefined;
  try {
    await savedCredentials.setSecret((key) => sealBox(key, plain_secret));
  } catch (error) {
    if (error instanceof ApiError && error.outcomeUnknown)
      throw new Error(
        [
          `${error.message} Whether GitHub has the new secret of client ${client_id} is not known. The new secret and those before it stay valid, and until the next run the saved pair may be a mixed one.`,
          ...(pendingUpdate ? [mayStayUpdated(pendingUpdate)] : []),
        ].join('\n'),
        { cause: error },
      );
    journal.pendingUpdate = pendingUpdate;
    journal.recordResult({ client, secret, variable });
    throw error;
  }
  await rewriteVariable(savedCredentials, client_id);
}

/** Writes the variable, unless it already has the value. The journal records what to restore. */
async function saveVariable(journal: Journal, savedCredentials: SavedCredentials, value: string): Promise<void> {
  // Restore what is there now, not what was there when the step began. If the read fails, use the first one.
  const { client_id: old, secretTime: secret_time } = await savedCredentials
    .refresh()
    .catch(() => savedCredentials.snapshot);
  if (old === value) return;
  const { api, location } = savedCredentials;
  const pending = { api, location, value, old, secret_time };
  let sends = 0;
  const onSend = () => {
    sends++;
    journal.recordIntent({ variable: { ...pending, sent_at: Date.now(), unconfirmed_writes: sends } });
  };
  await savedCredentials.setVariable(value, old !== undefined, onSend).catch((error) => {
    if (error instanceof ApiError && !error.outcomeUnknown) journal.recordResult({ variable: undefined });
    throw error;
  });
  journal.recordResult({ variable: { ...pending, sent_at: Date.now(), unconfirmed_writes: sends - 1 } });
}

/** Writes the variable again if another run wrote its own between our variable and our secret. */
async function rewriteVariable(savedCredentials: SavedCredentials, client_id: string): Promise<void> {
  const now = await savedCredentials.getVariable().catch(() => client_id);
  if (now === client_id) return;
  await savedCredentials.setVariable(client_id, now !== undefined).catch((error) => {
    log.warning(
      `Another run saved a pair at the same time, and the saved pair may be a mixed one until the next run: ${log.message(error)}`,
    );
  });
}
