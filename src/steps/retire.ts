import type { Plan } from '../client/plan.ts';
import * as log from '../output/log.ts';
import type { AppliedPlan } from './apply.ts';
import type { Context } from './context.ts';

/** Nanoseconds. */
const HOUR_NS = 3_600_000_000_000n;

/** What is done once the pair is handed out: whatever fails now is a warning. @returns what was deleted */
export async function retireOld(
  { scalekit }: Context,
  plan: Plan,
  { client, secret, remainingSteps: after }: AppliedPlan,
): Promise<string[]> {
  const deleted: string[] = [];
  const attempt = async (what: string, url: URL, work: () => Promise<boolean>) => {
    try {
      await work();
      deleted.push(what);
    } catch (error) {
      log.warning(`The ${what} is left over: ${log.message(error)} To remove it by hand: DELETE ${url.href}`);
    }
  };
  for (const step of after) {
    if (step.kind === 'delete-secret') {
      const { client_id } = client;
      const { id, create_time } = step.secret;
      if (step.spareRecent && !isAnHourOlder(create_time, secret?.secret.create_time)) {
        log.info(`Secret ${id} stays: it is younger than an hour, so another job may be using it.`);
      } else {
        await attempt(`secret ${id} of client ${client_id}`, scalekit.clientUrl(client_id, 'secrets', id), () =>
          scalekit.deleteSecret(client_id, id),
        );
      }
    }
    if (step.kind === 'delete-client' && plan.client) {
      const { client_id } = plan.client;
      await attempt(`replaced client ${client_id}`, scalekit.clientUrl(client_id), () =>
        scalekit.deleteClient(client_id),
      );
    }
  }
  return deleted;
}

/** Of an unknown age, nothing is. */
function isAnHourOlder(one: bigint | undefined, other: bigint | undefined): boolean {
  return one !== undefined && other !== undefined && other - one >= HOUR_NS;
}
