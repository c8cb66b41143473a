import { formatSavedState, isOtherOwners, ownerOf } from '../client/saved-state.ts';
import { entryNames, locationName, type SavedCredentials, type SavedSnapshot } from '../github/saved-credentials.ts';
import { failure, unwrap } from '../net/outcome.ts';
import * as log from '../output/log.ts';
import { quote } from '../output/text.ts';
import { manualSavedCalls, mayStayUpdated } from '../undo/by-hand.ts';
import type { Context, NewSecret } from './context.ts';

const OWN_SAVE_AS = 'In a matrix, each leg needs its own save_as.';

/**
 * Throws if what is saved belongs to another owner. The exception is the client that `client_id` names: the user takes it
 * over.
 * @param namedId id of the client that `client_id` names, that exists in this organization and may be managed
 */
export function requireOneOwner(context: Context, saved: SavedSnapshot, namedId: string | undefined): void {
  const { desired, savedCredentials } = context;
  if (!savedCredentials || !isOtherOwners(saved, ownerOf(desired))) return;
  const isShort = `${saved.client_id}${saved.state ?? ''}`.length < 1_000;
  if (isShort && namedId && namedId === desired.client_id && saved.client_id?.trim() === namedId) return;
  const { api, location } = savedCredentials;
  const { state_variable, id_variable, secret } = location;
  const parts = [
    ...(saved.client_id === undefined ? [] : [`variable ${id_variable} (${quote(saved.client_id)})`]),
    ...(saved.secretTime === undefined ? [] : [`secret ${secret}`]),
  ].join(' and ');
  const what =
    saved.state === undefined
      ? `there is ${parts} without variable ${state_variable}, so this action did not save it`
      : `variable ${state_variable} says that they are saved for another client: ${quote(saved.state)}`;
  throw new Error(
    `Could not save the credentials in ${locationName(location)}: ${what}. Another workflow may own them, or the input name or environment has changed. ${OWN_SAVE_AS} Use another save_as, or run delete/ with the former name or environment, or delete what is saved by hand: ${manualSavedCalls(api, location, saved)}`,
  );
}

/**
 * Saves the client credentials in GitHub Actions: first the variables, the secret last. Once the request with the secret
 * may have arrived, nothing can be undone.
 * @param namedId as for requireOneOwner()
 * @throws {Error} if the credentials are not saved, or if the outcome is unknown
 */
export async function save(
  context: Context,
  client_id: string,
  { plain_secret, shown }: NewSecret,
  namedId: string | undefined,
): Promise<void> {
  const { scalekit, journal, savedCredentials } = context;
  if (!savedCredentials) return;
  const written = { client_id, state: formatSavedState(ownerOf(context.desired), shown?.id) };
  await writeVariables(context, savedCredentials, written, namedId);
  if (scalekit.transport.cancelled) throw new Error('The credentials were not saved.');

  // Loaded here because few runs need it, and before the point of no return because loading may fail.
  const { sealBox } = await import(/* webpackChunkName: "sealed-box" */ '../github/sealed-box.ts');
  const sealed = savedCredentials.seal((key) => sealBox(key, plain_secret));
  const { pendingUpdate } = journal;
  const outcome = await journal.passPointOfNoReturn(client_id, () => savedCredentials.setSecret(sealed));
  if (outcome.kind === 'refused') throw outcome.error;
  if (outcome.kind === 'unknown')
    throw new Error(
      [
        `${outcome.error.message} Could not determine whether GitHub has the new secret of client ${client_id}. The new secret and those before it stay valid. Until the next run, the saved client id and secret may not belong together.`,
        ...(pendingUpdate ? [mayStayUpdated(pendingUpdate)] : []),
      ].join('\n'),
      { cause: outcome.error },
    );
  if (!shown)
    log.warning(
      `The response did not show the id of the new secret, so ${savedCredentials.location.state_variable} names none. The next run with on_existing: reuse adds another secret.`,
    );
  await confirmVariables(context, savedCredentials, written);
}

/** Writes the variables: first `…_STATE`, which names the owner. The journal records what to restore. */
async function writeVariables(
  context: Context,
  savedCredentials: SavedCredentials,
  written: { client_id: string; state: string },
  namedId: string | undefined,
): Promise<void> {
  // Restore what is there now, not what was there when the step began.
  const before = await savedCredentials.read();
  requireOneOwner(context, before, namedId);
  const { journal } = context;
  const { api, location } = savedCredentials;
  journal.variablesSent({ api, location, before, written });
  const first = await savedCredentials
    .setVariable(location.state_variable, written.state, before.state !== undefined, async () =>
      requireOneOwner(context, await savedCredentials.read(), namedId),
    )
    .catch((error) => failure(false, error));
  if (first.kind === 'refused') journal.forget('variables');
  unwrap(first);
  if (before.client_id !== written.client_id)
    unwrap(await savedCredentials.setVariable(location.id_variable, written.client_id, before.client_id !== undefined));
}

/**
 * Writes the variables again if another run of the same owner wrote its own since. The secret of this run was written
 * after that.
 * @throws {Error} if another owner has written the variables since, or if the client was deleted
 */
async function confirmVariables(
  context: Context,
  savedCredentials: SavedCredentials,
  written: { client_id: string; state: string },
): Promise<void> {
  const { api, location } = savedCredentials;
  const now = await savedCredentials.readVariables().catch(() => undefined);
  if (!now || (now.client_id === written.client_id && now.state === written.state)) return;
  const left = { ...now, secretTime: 'now' };
  if (isOtherOwners({ ...now, secretTime: undefined }, ownerOf(context.desired)))
    throw new Error(
      `Another owner saved credentials in ${locationName(location)} at the same time: ${quote(now.state ?? now.client_id ?? '')}. The saved client id and secret do not belong together. ${OWN_SAVE_AS} Use another save_as. To delete what is saved by hand: ${manualSavedCalls(api, location, left)}`,
    );
  // delete/ deletes the client, and then the variables.
  if (now.client_id === undefined && now.state === undefined && (await isGone(context, written.client_id)))
    throw new Error(
      `Client ${written.client_id} was deleted while its credentials were saved, so the saved credentials do not work. To delete what is saved by hand: ${manualSavedCalls(api, location, left)}`,
    );
  log.warning(
    `Another run saved credentials at the same time: ${entryNames(location)}. This run writes its variables again. In a matrix, use a name and a save_as for each leg, or max-parallel: 1.`,
  );
  const outcomes = [
    await savedCredentials.setVariable(location.state_variable, written.state, now.state !== undefined),
    await savedCredentials.setVariable(location.id_variable, written.client_id, now.client_id !== undefined),
  ];
  for (const outcome of outcomes)
    if (outcome.kind !== 'done')
      log.warning(
        `Until the next run, the saved client id and secret may not belong together: ${outcome.error.message}`,
      );
}

/** Returns whether a client does not exist any more. False if it cannot be read. */
async function isGone({ scalekit }: Context, client_id: string): Promise<boolean> {
  const client = await scalekit.getClient(client_id).catch((error: unknown) => error);
  return client === undefined;
}
