import { compareFields, formatDifferences } from '../client/drift.ts';
import type { SavedCredentials } from '../github/saved-credentials.ts';
import { unwrap } from '../net/outcome.ts';
import { message } from '../output/log.ts';
import type { Scalekit } from '../scalekit/api.ts';
import type { ClientFields } from '../scalekit/types.ts';
import { manualClientCall, mayStayUpdated } from './by-hand.ts';
import type { Journal } from './journal.ts';
import { isNothingPending, type PendingUpdate } from './pending.ts';
import { cleanUp, newSecretIds } from './remove.ts';
import { restoreVariables } from './restore-variables.ts';

/**
 * Undoes what a failed step did, last first. What remains stays in the journal, and the post step tries again.
 * @returns the error to report: the failure, what was undone, and what could not be undone
 */
export async function rollBack(
  scalekit: Scalekit,
  savedCredentials: SavedCredentials | undefined,
  journal: Journal,
  failure: unknown,
): Promise<unknown> {
  const { state, pendingUpdate, irreversible } = journal;
  const variables = state.variables && savedCredentials && (await restoreVariables(savedCredentials, state.variables));
  if (variables?.canRetry === false) journal.forget('variables');
  const { removed, notFound, remaining } = await cleanUp(scalekit, state);
  const lines = [
    ...(variables?.done ?? []),
    ...removed.map((what) => `Removed again: ${what}.`),
    ...(variables?.remaining ?? []),
    ...remaining,
  ];
  const isCreateUnknown = notFound && !state.client?.id;
  if (isCreateUnknown)
    lines.push(
      `Could not determine whether the client was created: it is not in the list yet. The post step will check again. ${manualClientCall(scalekit, state)}`,
    );
  else if (remaining.length === 0) journal.forget('client', 'secret');
  // While a secret of this step remains, post finds it by the ownership marker that the update wrote.
  if (pendingUpdate && state.secret && remaining.length > 0) lines.push(mayStayUpdated(pendingUpdate));
  else if (pendingUpdate) lines.push(...(await restoreClient(scalekit, pendingUpdate, state.secret?.id)));
  lines.push(...irreversible);
  return lines.length > 0 ? new Error([message(failure), ...lines].join('\n'), { cause: failure }) : failure;
}

/** Returns the error of a cancelled step. Nothing is undone here, because the runner does not wait for it. */
export function cancellationError({ state, pendingUpdate, irreversible }: Journal, failure: unknown): Error {
  const lines = [
    message(failure),
    ...(isNothingPending(state) ? [] : ['The post step removes what this step created.']),
    ...(pendingUpdate ? [mayStayUpdated(pendingUpdate)] : []),
    ...irreversible,
  ];
  return new Error(lines.join('\n'), { cause: failure });
}

/**
 * Restores the former fields of a client.
 * @param addedSecret id of the secret that this step added
 * @returns sentences about what was restored and what could not be
 */
async function restoreClient(
  scalekit: Scalekit,
  pendingUpdate: PendingUpdate,
  addedSecret: string | undefined,
): Promise<string[]> {
  const { before, fields } = pendingUpdate;
  const { client_id } = before;
  const names = Object.keys(fields) as (keyof ClientFields)[];
  try {
    const now = (await scalekit.getClient(client_id))?.parse();
    if (!now || compareFields(names, before, now).length === 0) return [];
    if (newSecretIds(now, [...before.secrets.map(({ id }) => id), addedSecret]).length > 0)
      return [`${mayStayUpdated(pendingUpdate)} It has a secret that may be another run's.`];
    // PATCH ignores empty values, so leave them out.
    const former = Object.fromEntries(
      names.map((name) => [name, before[name]]).filter(([, value]) => value !== undefined && `${value}` !== ''),
    );
    const restored =
      Object.keys(former).length > 0 ? unwrap(await scalekit.updateClient(client_id, former)).parse() : now;
    const wrong = compareFields(names, before, restored);
    if (wrong.length === 0) return [`Restored: ${names.join(', ')} of client ${client_id}.`];
    return [
      `Client ${client_id} could not be restored, since the API cannot empty or shorten it:\n${formatDifferences(wrong)}`,
    ];
  } catch (error) {
    return [`${mayStayUpdated(pendingUpdate)} ${message(error)}`];
  }
}
