import type { SavedSnapshot } from '../github/saved-credentials.ts';
import { type ClientFields, MAX_SECRETS, type Secret } from '../scalekit/types.ts';
import type { DesiredClient } from './desired.ts';
import { type Difference, differences, formatDifferences, NONE } from './drift.ts';
import type { ManagedClient } from './identity.ts';
import { deleteSecretStep, evictions, retirements } from './retirement.ts';

/** Milliseconds, and ample: between the two requests of a save. */
const MAX_SAVE_DURATION = 60_000;

/** What is there before anything is changed. */
export interface Existing {
  /** The client to go on with. */
  client?: ManagedClient | undefined;
  /** Ids of further clients of the same identity: named, never touched. */
  others: string[];
  /** What GitHub Actions keeps of an earlier pair; absent where the pair is not saved. */
  saved?: SavedSnapshot | undefined;
}

/** One change. Those of one plan are about the same client, the existing one, or make a client. */
export type Step =
  | { kind: 'create' }
  /** @param fields complete lists, the description without its trailer */
  | { kind: 'update'; fields: Partial<ClientFields>; differences: Difference[] }
  | { kind: 'add-secret' }
  | { kind: 'save' }
  /** @param spare_young whether it stays while it is younger than an hour */
  | { kind: 'delete-secret'; secret: Secret; spareRecent: boolean }
  | { kind: 'delete-client' };

export type Result = 'created' | 'rotated' | 'reused' | 'replaced';

export interface Plan {
  result: Result;
  /** The client that was found. */
  client?: ManagedClient;
  /** What leads to the pair, in order. */
  beforePublish: Step[];
  /** What is done once the pair is handed out, in order. */
  afterPublish: Step[];
  warnings: string[];
}

/**
 * From what is wanted and what exists to the steps between the two.
 * @throws where there is no way: `on_existing: fail`, or a list that only a new client can be without
 */
export function planChanges(desired: DesiredClient, { client, others, saved }: Existing): Plan {
  const save: Step[] = desired.location ? [{ kind: 'save' }] : [];
  if (!client)
    return { result: 'created', beforePublish: [{ kind: 'create' }, ...save], afterPublish: [], warnings: [] };
  const duplicates = others.length > 0 ? [duplicatesWarning(client.client_id, others)] : [];
  const warnings = [...duplicates];
  // A secret that was not saved is lost, so another one is due.
  const savedCredentialsMissing =
    desired.on_existing === 'reuse' && desired.location && !isSaved(saved, client.client_id);
  switch (savedCredentialsMissing ? 'rotate' : desired.on_existing) {
    case 'fail':
      throw planError(
        `Client ${client.client_id} ${JSON.stringify(client.name)} exists already, and on_existing is fail.`,
        duplicates,
      );
    case 'replace': {
      const before: Step[] = [{ kind: 'create' }, ...save];
      return { result: 'replaced', client, beforePublish: before, afterPublish: [{ kind: 'delete-client' }], warnings };
    }
    case 'reuse':
      return {
        result: 'reused',
        client,
        beforePublish: driftCorrections(desired, client, duplicates),
        afterPublish: [],
        warnings,
      };
    case 'rotate': {
      const evicted = evictions(client.secrets);
      const kept = client.secrets.filter((secret) => !evicted.includes(secret));
      for (const { id } of evicted)
        warnings.push(
          `Client ${client.client_id} has ${client.secrets.length} secrets, and ${MAX_SECRETS} is the most: ${id} has to go before a new one is made, however young it is.`,
        );
      return {
        result: 'rotated',
        client,
        beforePublish: [
          ...driftCorrections(desired, client, duplicates),
          ...evicted.map((secret) => deleteSecretStep(secret, false)),
          { kind: 'add-secret' },
          ...save,
        ],
        afterPublish: retirements(kept, desired.keep_secrets),
        warnings,
      };
    }
  }
}

/**
 * Whether GitHub Actions holds a pair of this client. A save writes the secret last, so a variable that is much younger
 * than the secret is one whose secret never came.
 */
function isSaved(saved: SavedSnapshot | undefined, client_id: string): boolean {
  if (saved?.client_id !== client_id || saved.secretTime === undefined) return false;
  return !(Date.parse(saved.variableTime ?? '') - Date.parse(saved.secretTime) > MAX_SAVE_DURATION);
}

/**
 * The way of a run that lost a race, as if it had found the winner's client, on which other runs' secrets are as new as
 * its own: nothing on it is deleted.
 * @throws as `plan`
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

function planError(text: string, warnings: string[]): Error {
  return new Error([text, ...warnings].join('\n'));
}

/**
 * Corrects what drifted, and gives a client that was made by hand its trailer.
 * @param several what else the user should know where there is no way
 */
function driftCorrections(desired: DesiredClient, client: ManagedClient, several: string[]): Step[] {
  const drifted = differences(desired, client);
  const emptied = drifted.filter(({ wanted }) => wanted === NONE);
  if (emptied.length > 0) {
    throw planError(
      `Client ${client.client_id} has what was not asked for, and the API cannot empty a list: use on_existing: replace, which makes a new client and then deletes this one.\n${formatDifferences(emptied)}`,
      several,
    );
  }
  if (!client.marker && !drifted.some(({ field }) => field === 'description'))
    drifted.push({
      field: 'description',
      wanted: 'a last line by which this action knows the client again',
      got: NONE,
    });
  const own = desired.given.description ? desired.fields.description : client.descriptionText;
  const fields: Record<string, unknown> = { ...desired.fields, description: own };
  const changes = Object.fromEntries(drifted.map(({ field }) => [field, fields[field]]));
  return drifted.length > 0 ? [{ kind: 'update', fields: changes, differences: drifted }] : [];
}
