import type { Secret } from '../scalekit/types.ts';
import type { DesiredClient, Existing } from './desired.ts';
import type { ManagedClient } from './identity.ts';
import { newestActive } from './retirement.ts';
import { ownerOf, reasonNotUsable, savedSecretId } from './saved-state.ts';

/** Nanoseconds. */
const DAY_NS = 86_400_000_000_000n;

/** Whether `reuse` adds a secret. */
export interface RotationDecision {
  /** Why a new secret is due, as a clause. Undefined if none is. */
  reason?: string;
  /** When the next rotation is due, in nanoseconds since the epoch. */
  due?: bigint | undefined;
  notices: string[];
}

/**
 * Decides whether `reuse` adds a secret: if the saved credentials are not usable, or if the secret is older than
 * `rotate_after` days. Ages are differences between times of Scalekit, so no clock of this machine counts.
 */
export function decideRotation(
  desired: DesiredClient,
  client: ManagedClient,
  { saved, now }: Pick<Existing, 'saved' | 'now'>,
): RotationDecision {
  const owner = ownerOf(desired);
  const reason = desired.location && reasonNotUsable(saved, owner, client);
  if (reason) return { reason, notices: [] };
  const { rotate_after } = desired;
  if (rotate_after === undefined) return { notices: [] };
  const secret = desired.location
    ? client.secrets.find(({ id }) => id === savedSecretId(saved, owner))
    : newestActive(client.secrets);
  if (!secret) return { reason: 'the client has no active secret', notices: [] };
  const due = nextRotation(desired, secret);
  if (due === undefined || now === undefined) {
    const unknown = `the age of secret ${secret.id} is not known`;
    return { reason: unknown, notices: [`Client ${client.client_id} gets a new secret: ${unknown}.`] };
  }
  if (now <= due) return { due, notices: [] };
  const days = (now - due) / DAY_NS + BigInt(rotate_after);
  return { reason: `secret ${secret.id} is ${days} days old, and rotate_after is ${rotate_after}`, notices: [] };
}

/** Returns when a secret is to be replaced, in nanoseconds since the epoch. Undefined if it is not, or if that is not known. */
export function nextRotation(
  { rotate_after }: Pick<DesiredClient, 'rotate_after'>,
  secret: Pick<Secret, 'create_time'> | undefined,
): bigint | undefined {
  if (rotate_after === undefined || secret?.create_time === undefined) return undefined;
  return secret.create_time + BigInt(rotate_after) * DAY_NS;
}
