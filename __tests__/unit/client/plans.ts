import fc from 'fast-check';
import type { DesiredClient, OnExisting } from '../../../src/client/desired.ts';
import { type Plan, planChanges, type Step } from '../../../src/client/plan.ts';
import type { Client, Secret } from '../../../src/scalekit/types.ts';
import { client, secret } from '../fixtures.ts';

// Plans as text and random secrets, for the tests of plan.ts and retirement.ts.

/** The modes in which there is a plan although a client exists. */
export const SUCCEEDING: OnExisting[] = ['rotate', 'reuse', 'replace'];
/** As many secrets as a client usually can have. */
export const FIVE_SECRETS = [1, 2, 3, 4, 5].map((time) => secret(time));
/** A client that differs from `desiredClient()` in two fields. */
export const DRIFTED = { name: 'Another', scopes: ['read:apps'] };

/** Returns a step as text, such as `delete sks_1 unless recent` or `add-secret, else delete sks_1`. */
export function stepText(step: Step): string {
  if (step.kind === 'update') return `update ${Object.keys(step.fields).join(', ')}`;
  if (step.kind === 'delete-secret') return `delete ${step.secret.id}${step.spareRecent ? ' unless recent' : ''}`;
  const toMakeRoom = step.kind === 'add-secret' ? step.toMakeRoom : undefined;
  return toMakeRoom ? `add-secret, else delete ${toMakeRoom.id}` : step.kind;
}

/** A plan as text: its result, and the steps before and after the credentials are published. */
export type Outline = Pick<Plan, 'result'> & { before: string[]; after: string[] };

export function outline({ result, beforePublish, afterPublish }: Plan): Outline {
  return { result, before: beforePublish.map(stepText), after: afterPublish.map(stepText) };
}

/** Returns the plan if one client exists. */
export function planFor(desired: DesiredClient, changes: Partial<Client> = {}): Plan {
  return planChanges(desired, { client: client(changes), others: [] });
}

/** Random secrets with few different creation times, so that equal times occur. */
const anySecrets = (time: fc.Arbitrary<bigint | undefined>) =>
  fc
    .array(fc.record({ create_time: time, active: fc.boolean() }), { maxLength: 7 })
    .map((list) => list.map((entry, at): Secret => ({ id: `sks_${at}`, suffix: '', ...entry })));
export const createTimes = fc.bigInt({ min: 0n, max: 5n });
export const datedSecrets = anySecrets(createTimes);
/** Random secrets, some of them without a creation time. */
export const secretLists = anySecrets(fc.option(createTimes, { nil: undefined }));
/** Random values of `keep_secrets`. */
export const keepCounts = fc.integer({ min: 1, max: 5 });
