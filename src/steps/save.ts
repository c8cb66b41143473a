import { formatSavedState, isOtherOwners } from '../client/saved-state.ts';
import { entryNames, locationName, type SavedCredentials, type SavedSnapshot } from '../github/saved-credentials.ts';
import { unwrap } from '../net/outcome.ts';
import * as log from '../output/log.ts';
import { quote } from '../output/text.ts';
import { manualSavedCalls, mayStayUpdated } from '../undo/by-hand.ts';
import type { Context, NewSecret } from './context.ts';

/**
 * Throws if what is saved belongs to somebody else. The exception is the client that `client_id` names: the user takes it
 * over.
 * @param namedId id of the client that `client_id` names, that exists in this organization and may be managed
 */
export function requireOneOwner(context: Context, saved: SavedSnapshot, namedId: string | undefined): void {
  const { desired, savedCredentials } = context;
  if (!savedCredentials || !isOtherOwners(saved, ownerOf(context))) return;
  if (namedId && namedId === desired.client_id && saved.client_id?.trim() === namedId) return;
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
    `Could not save the credentials in ${locationName(location)}: ${what}. Another workflow may own them, or the input name or environment has changed. Use another save_as, or run delete/ with the former name or environment, or delete what is saved by hand: ${manualSavedCalls(api, location, saved)}`,
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
  const written = { client_id, state: formatSavedState(ownerOf(context), shown?.id) };
  await writeVariables(context, savedCredentials, written, namedId);
  if (scalekit.transport.cancelled) throw new Error('The credentials were not saved.');

  // Loaded here because few runs need it, and before the point of no return because loading may fail.
  const { sealBox } = await import('../github/sealed-box.ts');
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
  await confirmVariables(savedCredentials, written);
}

function ownerOf({ desired }: Context): { key: string; organization_id: string } {
  return { key: desired.marker.key, organization_id: desired.organization_id };
}

/** Writes the variables: first `…_STATE`, which says whose the other is. The journal records what to restore. */
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
  const first = await savedCredentials.setVariable(location.state_variable, written.state, before.state !== undefined);
  if (first.kind === 'refused') journal.forget('variables');
  unwrap(first);
  if (before.client_id !== written.client_id)
    unwrap(await savedCredentials.setVariable(location.id_variable, written.client_id, before.client_id !== undefined));
}

/** Writes the variables again if another run wrote its own since. The secret of this run was written after that. */
async function confirmVariables(
  savedCredentials: SavedCredentials,
  written: { client_id: string; state: string },
): Promise<void> {
  const { id_variable, state_variable } = savedCredentials.location;
  const now = await savedCredentials.readVariables().catch(() => undefined);
  if (!now || (now.client_id === written.client_id && now.state === written.state)) return;
  const names = entryNames(savedCredentials.location);
  log.warning(`Another run saved credentials at the same time: ${names}. This run writes its variables again.`);
  const outcomes = [
    await savedCredentials.setVariable(state_variable, written.state, now.state !== undefined),
    await savedCredentials.setVariable(id_variable, written.client_id, now.client_id !== undefined),
  ];
  for (const outcome of outcomes)
    if (outcome.kind !== 'done')
      log.warning(
        `Until the next run, the saved client id and secret may not belong together: ${outcome.error.message}`,
      );
}
