import type { WorkflowRun } from './github/api.ts';
import type { Trailer } from './identity.ts';

/** Nanoseconds of 35 days: no workflow run lasts longer, by GitHub's limits. */
const LONGEST_RUN = 35n * 24n * 3_600_000_000_000n;

/** Whether the job that a client was made for is over, and why one thinks so. */
export interface Verdict {
  over: boolean;
  why: string;
}

/**
 * What the client itself says. @returns nothing where GitHub has to be asked
 * @param create_time nanoseconds since the epoch, as `now`
 * @param own_run the run that asks
 */
export function judgeByAge(
  { run }: Trailer,
  create_time: bigint | undefined,
  now: bigint | undefined,
  own_run: string,
): Verdict | undefined {
  if (run === own_run) return { over: false, why: 'it is of this very run' };
  if (create_time === undefined || now === undefined || now - create_time <= LONGEST_RUN) return undefined;
  return { over: true, why: 'it is older than 35 days, and no run lasts longer' };
}

/** What GitHub says about the run of a younger client. @param told nothing where GitHub knows no such run */
export function judgeByRun({ run }: Trailer, told: WorkflowRun | undefined): Verdict {
  // A run that was deleted and one that this token may not see look alike.
  if (!told) return { over: false, why: 'GitHub shows no such run, which proves nothing' };
  const attempt = Number(run.split('.')[1]);
  if (told.run_attempt > attempt) return { over: true, why: `its run is at attempt ${told.run_attempt} by now` };
  if (told.run_attempt === attempt && told.status === 'completed') return { over: true, why: 'its run is completed' };
  return { over: false, why: `its run is ${told.status} in attempt ${told.run_attempt}` };
}
