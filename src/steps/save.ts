import { ApiError } from '../net/api-error.ts';
import * as log from '../output/log.ts';
import { mayStayUpdated } from '../undo/by-hand.ts';
import type { PendingVariable } from '../undo/journal.ts';
import type { Context, NewSecret } from './context.ts';

/**
 * Writes the pair into GitHub Actions: the variable first, the secret last. From the moment that the secret may have
 * arrived there is no way back, so the pair counts as handed out before it is sent; a refusal takes that back.
 * @throws where the pair is not saved, or nobody can say whether it is
 */
export async function save(context: Context, client_id: string, { plain_secret }: NewSecret): Promise<void> {
  const { scalekit, journal, savedCredentials } = context;
  if (!savedCredentials) return;
  // What is restored is what was there just now, not when this run began; where nobody can say, that has to do.
  const { client_id: old, secretTime: secret_time } = await savedCredentials
    .look()
    .catch(() => savedCredentials.snapshot);
  if (old !== client_id) {
    const pending: Omit<PendingVariable, 'sent_at' | 'unconfirmed_writes'> = {
      api: savedCredentials.api,
      location: savedCredentials.location,
      value: client_id,
      old,
      secret_time,
    };
    let sendings = 0;
    const onSend = () => {
      sendings++;
      journal.recordIntent({ variable: { ...pending, sent_at: Date.now(), unconfirmed_writes: sendings } });
    };
    await savedCredentials.setVariable(client_id, old !== undefined, onSend).catch((error) => {
      if (error instanceof ApiError && !error.outcomeUnknown) journal.recordResult({ variable: undefined });
      throw error;
    });
    journal.recordResult({ variable: { ...pending, sent_at: Date.now(), unconfirmed_writes: sendings - 1 } });
  }
  if (scalekit.transport.cancelled) throw new Error('The pair was not saved.');

  // Loaded by the few runs that need it, and before there is no way back.
  const { sealBox: seal } = await import('../github/sealed-box.ts');
  const { client, secret, variable } = journal.state;
  const { pendingUpdate: updated } = journal;
  journal.markPublished(client_id);
  journal.pendingUpdate = undefined;
  try {
    await savedCredentials.setSecret((key) => seal(key, plain_secret));
  } catch (error) {
    if (error instanceof ApiError && error.outcomeUnknown)
      throw new Error(
        [
          `${error.message} Whether GitHub has the new secret of client ${client_id} is not known. The new secret and those before it stay valid, and until the next run the saved pair may be a mixed one.`,
          ...(updated ? [mayStayUpdated(updated)] : []),
        ].join('\n'),
        { cause: error },
      );
    journal.pendingUpdate = updated;
    journal.recordResult({ client, secret, variable });
    throw error;
  }
  // Another run may have written its own between the two: then this secret has no variable of its own.
  const now = await savedCredentials.getVariable().catch(() => client_id);
  if (now === client_id) return;
  await savedCredentials.setVariable(client_id, now !== undefined).catch((error) => {
    log.warning(
      `Another run saved a pair at the same time, and the saved pair may be a mixed one until the next run: ${log.message(error)}`,
    );
  });
}
