import type { Step } from '../client/plan.ts';
import * as log from '../output/log.ts';
import type { Scalekit } from '../scalekit/api.ts';
import { manualCall } from '../undo/by-hand.ts';
import { newSecretIds } from '../undo/remove.ts';
import type { AppliedPlan } from './apply.ts';
import type { Context } from './context.ts';

/** Nanoseconds. */
const HOUR_NS = 3_600_000_000_000n;

/**
 * Deletes old secrets and the replaced client. Runs after the new credentials are published, so a failure is a warning
 * that names the call to repeat by hand.
 * @returns what was deleted, such as `secret sks_1 of client m2morg_1`
 */
export async function retireOld(
  { scalekit }: Context,
  { client, secret, remainingSteps }: AppliedPlan,
): Promise<string[]> {
  const deleted: string[] = [];
  const attempt = async (what: string, url: URL, work: () => Promise<boolean>) => {
    try {
      // If another run deleted it first, that run reports it.
      if (await work()) deleted.push(what);
    } catch (error) {
      log.warning(`The ${what} is left over: ${log.message(error)} ${manualCall(url)}`);
    }
  };
  for (const step of remainingSteps) {
    if (step.kind === 'delete-secret' && isDue(step, secret?.shown?.create_time)) {
      const { client_id } = client;
      const { id } = step.secret;
      await attempt(`secret ${id} of client ${client_id}`, scalekit.clientUrl(client_id, 'secrets', id), () =>
        scalekit.deleteSecret(client_id, id),
      );
    }
    if (step.kind === 'delete-client') {
      const { client_id } = step;
      await attempt(`replaced client ${client_id}`, scalekit.clientUrl(client_id), () =>
        deleteReplaced(scalekit, step),
      );
    }
  }
  return deleted;
}

/** Deletes the replaced client. @throws {Error} if another run has added a secret to it since */
async function deleteReplaced(
  scalekit: Scalekit,
  { client_id, knownIds }: Step & { kind: 'delete-client' },
): Promise<boolean> {
  const client = await scalekit.getClient(client_id);
  if (!client) return false;
  const [other] = newSecretIds(client.parse(), knownIds);
  if (other)
    throw new Error(`another run has added secret ${other} to it. Delete the client only if that secret is not used.`);
  return await scalekit.deleteClient(client_id);
}

/**
 * Returns whether a secret may be deleted now. Logs it if not: another job may still use a recent secret.
 * @param newest creation time of the new secret, in nanoseconds since the epoch
 */
function isDue({ secret, spareRecent }: Step & { kind: 'delete-secret' }, newest: bigint | undefined): boolean {
  const { create_time } = secret;
  const isOld = create_time !== undefined && newest !== undefined && newest - create_time >= HOUR_NS;
  if (!spareRecent || isOld) return true;
  log.info(`Not deleting secret ${secret.id}: it is younger than an hour, so another job may be using it.`);
  return false;
}
