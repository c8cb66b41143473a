import { compareFields, formatDifferences } from '../client/drift.ts';
import type { SavedCredentials } from '../github/saved-credentials.ts';
import { message } from '../output/log.ts';
import type { Scalekit } from '../scalekit/api.ts';
import type { ClientFields } from '../scalekit/types.ts';
import { manualClientCall, mayStayUpdated } from './by-hand.ts';
import type { Journal } from './journal.ts';
import { cleanUp, newSecretIds } from './remove.ts';
import { restoreVariable } from './restore-variable.ts';

/**
 * Undoes what a failed step did, last first.
 * @returns the error to show: the failure, and what became of what the step had made or changed
 */
export async function rollBack(
  scalekit: Scalekit,
  savedCredentials: SavedCredentials | undefined,
  journal: Journal,
  failure: unknown,
): Promise<unknown> {
  const { state, pendingUpdate: updated } = journal;
  const ownSecret = state.secret?.id;
  const put = state.variable && savedCredentials && (await restoreVariable(savedCredentials, state.variable, false));
  const { removed, notFound: absent, remaining: stays } = await cleanUp(scalekit, state, false);
  const left = [...(put?.remaining ?? []), ...stays];
  const lines = [...(put?.done ?? []), ...removed.map((what) => `Removed again: ${what}.`), ...left];
  const unsure = absent && !state.client?.id;
  if (unsure)
    lines.push(
      `Whether a client was made is not known: none shows up. The post step looks again. ${manualClientCall(scalekit, state)}`,
    );
  // What is left is the post step's to try again.
  journal.forget({
    ...(!unsure && stays.length === 0 && { client: undefined, secret: undefined }),
    ...(!put?.pending && !put?.remaining.length && { variable: undefined }),
  });
  if (updated) lines.push(...(await restoreClient(scalekit, updated, ownSecret)));
  lines.push(...journal.irreversible);
  return lines.length > 0 ? new Error([message(failure), ...lines].join('\n'), { cause: failure }) : failure;
}

/** The error of a step that is cancelled: the runner does not wait until anything is undone. */
export function cancellationError(
  { state, pendingUpdate: updated, irreversible: lost }: Journal,
  failure: unknown,
): Error {
  const rest = state.client || state.secret || state.variable ? ['The post step removes what this step made.'] : [];
  const lines = [message(failure), ...rest, ...(updated ? [mayStayUpdated(updated)] : []), ...lost];
  return new Error(lines.join('\n'), { cause: failure });
}

/**
 * Gives a client its former values back.
 * @returns sentences about what could not be restored
 */
async function restoreClient(
  scalekit: Scalekit,
  updated: NonNullable<Journal['pendingUpdate']>,
  ownSecret: string | undefined,
): Promise<string[]> {
  const { before, fields } = updated;
  const { client_id } = before;
  const names = Object.keys(fields) as (keyof ClientFields)[];
  try {
    const now = (await scalekit.getClient(client_id))?.parse();
    if (!now || compareFields(names, before, now).length === 0) return [];
    if (newSecretIds(now, [...before.secrets.map(({ id }) => id), ownSecret]).length > 0)
      return [`${mayStayUpdated(updated)} It has a secret that may be another run's.`];
    const former = Object.fromEntries(
      names.map((name) => [name, before[name]]).filter(([, value]) => value !== undefined && `${value}` !== ''),
    );
    const then = Object.keys(former).length > 0 ? (await scalekit.updateClient(client_id, former)).parse() : now;
    const lost = compareFields(names, before, then);
    if (lost.length === 0) return [`Restored: ${names.join(', ')} of client ${client_id}.`];
    return [
      `Client ${client_id} could not be given back what it was, since the API cannot empty or shorten it:\n${formatDifferences(lost)}`,
    ];
  } catch (error) {
    return [`${mayStayUpdated(updated)} ${message(error)}`];
  }
}
