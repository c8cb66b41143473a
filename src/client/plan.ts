import { listed, quote } from '../output/text.ts';
import type { ClientFields, Secret } from '../scalekit/types.ts';
import type { DesiredClient, Existing } from './desired.ts';
import { type Difference, findDrift, formatDifferences, formatExtras, unrequestedAudience, WAYS_OUT } from './drift.ts';
import type { ManagedClient } from './identity.ts';
import { retirements, secretToMakeRoom } from './retirement.ts';
import { decideRotation } from './rotation.ts';
import { ownerOf, savedSecretId } from './saved-state.ts';

/**
 * One change. All steps of a plan but `create` apply to the existing client, or to the new one if there is none. `create`
 * and `save` are for the plan of a dry run: `applyPlan` goes by the plan's result and the secret location.
 */
export type Step =
  | { kind: 'create' }
  // The fields to write: complete lists, and the description without its ownership marker.
  | { kind: 'update'; fields: Partial<ClientFields>; differences: Difference[] }
  // `toMakeRoom`: the secret to delete if Scalekit refuses another one. Undefined if none may be deleted.
  | { kind: 'add-secret'; toMakeRoom: Secret | undefined }
  | { kind: 'save' }
  // `spareRecent`: whether to keep the secret if it was created less than an hour before the new one.
  | { kind: 'delete-secret'; secret: Secret; spareRecent: boolean }
  // `knownIds`: the secrets that the client had. If it has another one by then, another run uses it.
  | { kind: 'delete-client'; client_id: string; knownIds: string[] };

/** The advice for jobs of a matrix that use the same client, because nothing distinguishes them. */
export const MATRIX_ADVICE = 'In a matrix, use lifetime: job, a name for each leg, or max-parallel: 1.';

/** What a plan does with the client. */
type Result = 'created' | 'rotated' | 'reused' | 'replaced';

/** The steps from what exists to what is desired. */
export interface Plan {
  result: Result;
  /** The existing client. Undefined if there is none. */
  client?: ManagedClient;
  /** The steps that lead to the credentials, in order. */
  beforePublish: Step[];
  /** The steps to carry out after the credentials are published, in order. */
  afterPublish: Step[];
  /** Why `reuse` adds a secret, as a clause. */
  reason?: string | undefined;
  /** When `reuse` adds the next secret, in nanoseconds since the epoch. Undefined if it adds one now, or if it is not known. */
  nextRotation?: bigint | undefined;
  notices: string[];
  warnings: string[];
}

/**
 * Plans the steps from what exists to the desired client.
 * @throws {Error} if there is no such plan: the client exists and `on_existing` is `fail`, or a list would have to be
 * emptied, which only a new client allows
 */
export function planChanges(desired: DesiredClient, existing: Existing): Plan {
  const { client, others } = existing;
  const save: Step[] = desired.location ? [{ kind: 'save' }] : [];
  const creation: Step[] = [{ kind: 'create' }, ...save];
  if (!client) return { result: 'created', beforePublish: creation, afterPublish: [], notices: [], warnings: [] };
  const audience = unrequestedAudience(desired, client);
  const warnings = [
    ...(others.length > 0 ? [duplicatesWarning(client.client_id, others)] : []),
    ...(audience.length > 0
      ? [`Client ${client.client_id} has an audience that was not requested: ${formatExtras(audience)}.`]
      : []),
  ];
  const base = { client, afterPublish: [], notices: [], warnings };
  switch (desired.on_existing) {
    case 'fail':
      throw planError(
        `Client ${client.client_id} ${quote(client.name)} exists already, and on_existing is fail.`,
        warnings,
      );
    case 'replace': {
      const knownIds = client.secrets.map(({ id }) => id);
      const deletion: Step = { kind: 'delete-client', client_id: client.client_id, knownIds };
      return { ...base, result: 'replaced', beforePublish: creation, afterPublish: [deletion] };
    }
    case 'reuse': {
      const { reason, due, notices } = decideRotation(desired, client, existing);
      if (reason) return { ...planRotation(desired, client, existing, save, warnings), reason, notices };
      const corrections = driftCorrections(desired, client, warnings);
      return { ...base, result: 'reused', beforePublish: corrections, nextRotation: due };
    }
    case 'rotate':
      return planRotation(desired, client, existing, save, warnings);
  }
}

/**
 * Plans for a run that lost a race against a concurrent run, as if it had found the winner's client. It deletes nothing
 * on that client, because the secrets of other runs are as new as its own.
 * @throws {Error} as `planChanges`
 */
export function planForWinner(
  desired: DesiredClient,
  client: ManagedClient,
  { saved, now }: Pick<Existing, 'saved' | 'now'>,
): Plan {
  const on_existing = desired.on_existing === 'replace' ? 'rotate' : desired.on_existing;
  const winnerPlan = planChanges({ ...desired, on_existing }, { client, others: [], saved, now });
  return {
    ...winnerPlan,
    beforePublish: winnerPlan.beforePublish.map((step) =>
      step.kind === 'add-secret' ? { ...step, toMakeRoom: undefined } : step,
    ),
    afterPublish: [],
    warnings: [],
  };
}

function duplicatesWarning(client_id: string, others: string[]): string {
  return `Several clients of this repository have the same purpose. This run uses the oldest, ${client_id}, and does not change the others: ${listed(others)}. Delete those that are not used. ${MATRIX_ADVICE}`;
}

/** Returns the error that there is no plan. It includes the warnings, since they are not shown otherwise. */
function planError(text: string, warnings: string[]): Error {
  return new Error([text, ...warnings].join('\n'));
}

/**
 * Returns the step that corrects the fields that drifted. It adds the ownership marker to a client without one, and this
 * run's identity hash to a client that `client_id` takes over for saving, because the next run finds it by that. Returns no
 * step if nothing has to change.
 * @param warnings to include in the error if there is no plan
 * @throws {Error} if a list would have to be emptied
 */
function driftCorrections(desired: DesiredClient, client: ManagedClient, warnings: string[]): Step[] {
  const drifted = findDrift(desired, client);
  const emptied = drifted.filter(({ wanted }) => wanted.length === 0);
  if (emptied.length > 0) {
    throw planError(
      `Client ${client.client_id} has what was not requested, and the API cannot empty a list. ${WAYS_OUT}\n${formatDifferences(emptied)}`,
      warnings,
    );
  }
  const isUnknown = !client.marker || (desired.location && client.marker.key !== desired.marker.key);
  if (isUnknown && !drifted.some(({ field }) => field === 'description'))
    drifted.push({
      field: 'description',
      wanted: ['the ownership marker of this action'],
      got: client.marker ? ['one of another repository, environment or name'] : [],
    });
  const description = desired.given.description ? desired.fields.description : client.descriptionText;
  const fields: Record<string, unknown> = { ...desired.fields, description };
  const changes = Object.fromEntries(drifted.map(({ field }) => [field, fields[field]]));
  return drifted.length > 0 ? [{ kind: 'update', fields: changes, differences: drifted }] : [];
}

/**
 * Plans the rotation: corrections, a new secret, its saving, and then the deletion of old secrets. An old secret is
 * spared if it is recent, unless only the new one is to be kept.
 */
function planRotation(
  desired: DesiredClient,
  client: ManagedClient,
  { saved }: Existing,
  save: Step[],
  warnings: string[],
): Plan {
  const savedId = savedSecretId(saved, ownerOf(desired));
  const spareRecent = desired.keep_secrets > 1;
  return {
    result: 'rotated',
    client,
    beforePublish: [
      ...driftCorrections(desired, client, warnings),
      { kind: 'add-secret', toMakeRoom: secretToMakeRoom(client.secrets, savedId) },
      ...save,
    ],
    afterPublish: retirements(client.secrets, desired.keep_secrets, savedId).map((secret) => ({
      kind: 'delete-secret',
      secret,
      spareRecent,
    })),
    notices: [],
    warnings,
  };
}
