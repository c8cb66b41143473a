import type { SavedSnapshot } from '../github/saved-credentials.ts';
import { type ClientFields, MAX_SECRETS, type Secret } from '../scalekit/types.ts';
import type { DesiredClient } from './desired.ts';
import { type Difference, findDrift, formatDifferences, NONE } from './drift.ts';
import type { ManagedClient } from './identity.ts';
import { evictions, retirements } from './retirement.ts';

/** Milliseconds between the two requests of a save, the variable and then the secret. This is an ample limit. */
const MAX_SAVE_DURATION = 60_000;

/** What exists before anything is changed. */
export interface Existing {
  /** The client to continue with. Undefined if there is none. */
  client?: ManagedClient | undefined;
  /** Ids of further clients with the same identity. They are named in a warning and never changed. */
  others: string[];
  /** The credentials that GitHub Actions has from an earlier run. Undefined if credentials are not saved. */
  saved?: SavedSnapshot | undefined;
}

/**
 * One change. All steps of a plan but `create` apply to the existing client, or to the new one if there is none. `create`
 * and `save` are for the plan of a dry run: `applyPlan` goes by the plan's result and the secret location.
 */
export type Step =
  | { kind: 'create' }
  // The fields to write: complete lists, and the description without its ownership marker.
  | { kind: 'update'; fields: Partial<ClientFields>; differences: Difference[] }
  | { kind: 'add-secret' }
  | { kind: 'save' }
  // `spareRecent`: whether to keep the secret if it was created less than an hour before the new one.
  | { kind: 'delete-secret'; secret: Secret; spareRecent: boolean }
  | { kind: 'delete-client' };

/** What a plan does with the client. */
export type Result = 'created' | 'rotated' | 'reused' | 'replaced';

/** The steps from what exists to what is desired. */
export interface Plan {
  result: Result;
  /** The existing client. Undefined if there is none. */
  client?: ManagedClient;
  /** The steps that lead to the credentials, in order. */
  beforePublish: Step[];
  /** The steps to carry out after the credentials are published, in order. */
  afterPublish: Step[];
  warnings: string[];
}

/**
 * Plans the steps from what exists to the desired client.
 * @throws {Error} if there is no such plan: the client exists and `on_existing` is `fail`, or a list would have to be
 * emptied, which only a new client allows
 */
export function planChanges(desired: DesiredClient, { client, others, saved }: Existing): Plan {
  const save: Step[] = desired.location ? [{ kind: 'save' }] : [];
  if (!client)
    return { result: 'created', beforePublish: [{ kind: 'create' }, ...save], afterPublish: [], warnings: [] };
  const warnings = others.length > 0 ? [duplicatesWarning(client.client_id, others)] : [];
  // The value of an existing secret cannot be read. If it was not saved, the client needs another secret.
  const savedCredentialsMissing =
    desired.on_existing === 'reuse' && desired.location !== undefined && !isSaved(saved, client.client_id);
  switch (savedCredentialsMissing ? 'rotate' : desired.on_existing) {
    case 'fail':
      throw planError(
        `Client ${client.client_id} ${JSON.stringify(client.name)} exists already, and on_existing is fail.`,
        warnings,
      );
    case 'replace': {
      const before: Step[] = [{ kind: 'create' }, ...save];
      return { result: 'replaced', client, beforePublish: before, afterPublish: [{ kind: 'delete-client' }], warnings };
    }
    case 'reuse':
      return {
        result: 'reused',
        client,
        beforePublish: driftCorrections(desired, client, warnings),
        afterPublish: [],
        warnings,
      };
    case 'rotate':
      return planRotation(desired, client, save, warnings);
  }
}

/**
 * Plans for a run that lost a race against a concurrent run, as if it had found the winner's client. It deletes nothing
 * on that client, because the secrets of other runs are as new as its own.
 * @throws {Error} as `planChanges`
 */
export function planForWinner(desired: DesiredClient, client: ManagedClient, saved: SavedSnapshot | undefined): Plan {
  const on_existing = desired.on_existing === 'replace' ? 'rotate' : desired.on_existing;
  const winnerPlan = planChanges({ ...desired, on_existing }, { client, others: [], saved });
  return {
    ...winnerPlan,
    beforePublish: winnerPlan.beforePublish.filter(({ kind }) => kind !== 'delete-secret'),
    afterPublish: [],
    warnings: [],
  };
}

function duplicatesWarning(client_id: string, others: string[]): string {
  return `Several clients are this repository's for the same purpose. This run uses the oldest, ${client_id}, and touches none of the others: ${others.join(', ')}. Delete those that nobody uses.`;
}

/**
 * Returns whether GitHub Actions has the credentials of this client. A save writes the secret last. So if the variable
 * is much newer than the secret, the secret of that save was never written. If a time is unknown, the credentials count
 * as saved.
 */
function isSaved(saved: SavedSnapshot | undefined, client_id: string): boolean {
  if (saved?.client_id !== client_id || saved.secretTime === undefined) return false;
  return !(Date.parse(saved.variableTime ?? '') - Date.parse(saved.secretTime) > MAX_SAVE_DURATION);
}

/** Returns the error that there is no plan. It includes the warnings, since they are not shown otherwise. */
function planError(text: string, warnings: string[]): Error {
  return new Error([text, ...warnings].join('\n'));
}

/**
 * Returns the step that corrects the fields that drifted and adds the ownership marker to a client without one. Returns
 * no step if nothing has to change.
 * @param warnings to include in the error if there is no plan
 * @throws {Error} if a list would have to be emptied
 */
function driftCorrections(desired: DesiredClient, client: ManagedClient, warnings: string[]): Step[] {
  const drifted = findDrift(desired, client);
  const emptied = drifted.filter(({ wanted }) => wanted === NONE);
  if (emptied.length > 0) {
    throw planError(
      `Client ${client.client_id} has what was not asked for, and the API cannot empty a list: use on_existing: replace, which makes a new client and then deletes this one.\n${formatDifferences(emptied)}`,
      warnings,
    );
  }
  if (!client.marker && !drifted.some(({ field }) => field === 'description'))
    drifted.push({
      field: 'description',
      wanted: 'a last line by which this action knows the client again',
      got: NONE,
    });
  const description = desired.given.description ? desired.fields.description : client.descriptionText;
  const fields: Record<string, unknown> = { ...desired.fields, description };
  const changes = Object.fromEntries(drifted.map(({ field }) => [field, fields[field]]));
  return drifted.length > 0 ? [{ kind: 'update', fields: changes, differences: drifted }] : [];
}

/**
 * Plans the rotation: corrections, a new secret, its saving, and then the deletion of old secrets. A secret that has to
 * be deleted to make room is never spared. An old one is spared if it is recent, unless only the new one is to be kept.
 */
function planRotation(desired: DesiredClient, client: ManagedClient, save: Step[], warnings: string[]): Plan {
  const evicted = evictions(client.secrets);
  const notEvicted = client.secrets.filter((secret) => !evicted.includes(secret));
  const evictionWarnings = evicted.map(
    ({ id }) =>
      `Client ${client.client_id} has ${client.secrets.length} secrets, and ${MAX_SECRETS} is the most: ${id} has to go before a new one is made, however young it is.`,
  );
  const spareRecent = desired.keep_secrets > 1;
  return {
    result: 'rotated',
    client,
    beforePublish: [
      ...driftCorrections(desired, client, warnings),
      ...evicted.map((secret): Step => ({ kind: 'delete-secret', secret, spareRecent: false })),
      { kind: 'add-secret' },
      ...save,
    ],
    afterPublish: retirements(notEvicted, desired.keep_secrets).map((secret) => ({
      kind: 'delete-secret',
      secret,
      spareRecent,
    })),
    warnings: [...warnings, ...evictionWarnings],
  };
}
