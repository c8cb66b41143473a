import { ApiError } from './answers.ts';
import type { GitHub, WorkflowRun } from './github/api.ts';
import type { Runner } from './github/runner.ts';
import { type KnownClient, parseTrailer, recognize, repositoryMark, type Trailer } from './identity.ts';
import * as log from './log.ts';
import { firstMade } from './plan.ts';
import type { Scalekit } from './scalekit/api.ts';

// Which clients of single jobs are left over.

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

/** A client that lives as long as the job that made it, or should. */
export type JobClient = KnownClient & { trailer: Trailer };

/** Finds the clients of single jobs that the repository's workflows made. @returns the oldest first */
export async function findJobClients(scalekit: Scalekit, runner: Runner): Promise<JobClient[]> {
  const by = repositoryMark(runner.repository, runner.repository_id);
  const found = new Map<string, JobClient>();
  for await (const { client_id, description, whole } of scalekit.listClients()) {
    const trailer = parseTrailer(description);
    if (trailer?.by !== by || trailer.lifetime !== 'job') continue;
    try {
      found.set(client_id, { ...recognize(whole()), trailer });
    } catch (error) {
      log.warning(`Client ${client_id} stays: ${log.message(error)}.`);
    }
  }
  return [...found.values()].sort(firstMade);
}

/**
 * What cannot be decided stays. GitHub is asked once about a run, and not again once it refused to be asked.
 * @returns a function that judges one client, and adds to `failures` why it could not
 */
export function judgeWith(
  github: GitHub,
  { repository, run: own_run }: Runner,
): (client: JobClient, failures: string[]) => Promise<Verdict> {
  const runs = new Map<string, Promise<WorkflowRun | undefined>>();
  let refused: ApiError | undefined;
  const ask = async (id: string) => {
    if (refused) throw refused;
    return await github.getRun(repository, id).catch((error) => {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403 || error.status === 429))
        refused = error;
      throw error;
    });
  };
  return async ({ trailer, create_time }, failures) => {
    const [id = ''] = trailer.run.split('.');
    const judgeAge = () => {
      const { now } = github.transport;
      return judgeByAge(trailer, create_time, now === undefined ? now : BigInt(now) * 1_000_000n, own_run);
    };
    const byAge = judgeAge();
    if (byAge) return byAge;
    try {
      // Also where GitHub alone tells the time.
      const told = runs.get(id) ?? ask(id);
      runs.set(id, told);
      const run = await told;
      return judgeAge() ?? judgeByRun(trailer, run);
    } catch (error) {
      failures.push(log.message(error));
      return { over: false, why: 'GitHub could not be asked about its run' };
    }
  };
}
