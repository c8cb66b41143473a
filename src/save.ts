import { ApiError } from './answers.ts';
import type { Context, NewSecret } from './change.ts';
import * as log from './log.ts';
import { staysUpdated } from './undo.ts';

/**
 * Writes the pair into GitHub Actions: the variable first, the secret last. From the moment that the secret may have
 * arrived there is no way back, so the pair counts as handed out before it is sent; a refusal takes that back.
 * @throws where the pair is not saved, or nobody can say whether it is
 */
export async function save(context: Context, client_id: string, { plain_secret }: NewSecret): Promise<void> {
  const { scalekit, journal, vault } = context;
  if (!vault) return;
  // What is restored is what was there just now, not when this run began; where nobody can say, that has to do.
  const { client_id: old, secret_time } = await vault.look().catch(() => vault.saved);
  if (old !== client_id) {
    const trace = { api: vault.api, place: vault.place, value: client_id, old, secret_time };
    let sendings = 0;
    const onSend = () => {
      sendings++;
      journal.note({ variable: { ...trace, sent_at: Date.now(), late: sendings } });
    };
    await vault.setVariable(client_id, old !== undefined, onSend).catch((error) => {
      if (error instanceof ApiError && !error.uncertain) journal.learn({ variable: undefined });
      throw error;
    });
    journal.learn({ variable: { ...trace, sent_at: Date.now(), late: sendings - 1 } });
  }
  if (scalekit.transport.cancelled) throw new Error('The pair was not saved.');

  // Loaded by the few runs that need it, and before there is no way back.
  const { seal } = await import('./github/seal.ts');
  const { client, secret, variable } = journal.state;
  const { updated } = journal;
  journal.release(client_id);
  journal.updated = undefined;
  try {
    await vault.setSecret((key) => seal(key, plain_secret));
  } catch (error) {
    if (error instanceof ApiError && error.uncertain)
      throw new Error(
        [
          `${error.message} Whether GitHub has the new secret of client ${client_id} is not known. The new secret and those before it stay valid, and until the next run the saved pair may be a mixed one.`,
          ...(updated ? [staysUpdated(updated)] : []),
        ].join('\n'),
        { cause: error },
      );
    journal.updated = updated;
    journal.learn({ client, secret, variable });
    throw error;
  }
  // Another run may have written its own between the two: then this secret has no variable of its own.
  const now = await vault.getVariable().catch(() => client_id);
  if (now === client_id) return;
  await vault.setVariable(client_id, now !== undefined).catch((error) => {
    log.warning(
      `Another run saved a pair at the same time, and the saved pair may be a mixed one until the next run: ${log.message(error)}`,
    );
  });
}
