import {
  type ManagedClient,
  type OwnershipMarker,
  oldestFirst,
  parseMarker,
  repositoryReference,
  withMarker,
} from '../client/identity.ts';
import { GitHub, type WorkflowRun } from '../github/api.ts';
import type { Runner } from '../github/runner.ts';
import type { SweepInputs } from '../inputs/inputs.ts';
import { ApiError } from '../net/api-error.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { setOutputs } from '../output/outputs.ts';
import { cell, writeSummary } from '../output/summary.ts';
import { Scalekit } from '../scalekit/api.ts';
import { deleteMarkedClient, throwFailures } from '../undo/remove.ts';
import { runWithTransport } from './session.ts';

/** Clients that the summary shows: GitHub takes one of 1 MiB at most. */
const MAX_ROWS = 200;

/** Runs `sweep/`. */
export async function sweepJobClients(inputs: SweepInputs): Promise<void> {
  await runWithTransport(inputs, work);
}

/** A client, what became of it, and why. */
interface Row {
  client: JobClient;
  fate: string;
  why: string;
}

/** Deletes the clients of single jobs that this repository's workflows made and whose run is over, the oldest first. */
async function work(inputs: SweepInputs, transport: Transport): Promise<void> {
  // Nothing is ever rolled back here.
  transport.releaseCleanupTime();
  const { dry_run, max_deletions, runner } = inputs;
  const scalekit = await Scalekit.open(transport, inputs);
  const clients = await findJobClients(scalekit, runner);
  const judge = judgeWith(new GitHub(transport, inputs.github), runner);
  const [rows, deleted, failures]: [Row[], string[], string[]] = [[], [], []];
  // One that cannot be deleted must not keep every later run from the rest.
  let done = 0;
  const tell = (client: JobClient, fate: string, why: string) => {
    const { client_id, name, marker } = client;
    log.info(`Client ${client_id} ${JSON.stringify(name)} of run ${marker.run}: ${fate}, since ${why}.`);
    rows.push({ client, fate, why });
  };
  for (const client of clients) {
    if (done === max_deletions) {
      tell(client, 'stays', `max_deletions is ${max_deletions}, so nobody asked about it`);
      continue;
    }
    const verdict = await judge(client, failures);
    const outcome = !verdict.over ? 'stays' : dry_run ? 'would be deleted' : await deleteMarkedClient(scalekit, client);
    if (outcome === 'deleted' || outcome === 'would be deleted') done++;
    if (outcome === 'deleted') deleted.push(client.client_id);
    if (typeof outcome !== 'string') failures.push(outcome.remaining);
    tell(client, typeof outcome === 'string' ? outcome : 'not deleted', verdict.why);
  }
  const outcome = dry_run ? `${done} would be deleted, and dry_run is true` : `${deleted.length} deleted`;
  log.info(`Clients of single jobs of ${runner.repository}: ${clients.length}, ${outcome}.`);
  setOutputs({ deleted: deleted.join(' ') });
  writeSummary(`Scalekit organization clients of single jobs: ${outcome}`, table(rows));
  throwFailures(failures);
}

function table(rows: Row[]): Parameters<typeof writeSummary>[1] {
  const header = ['Client', 'Name', 'Run', 'What', 'Why'].map((data) => ({ data, header: true }));
  const shown = rows
    .slice(0, MAX_ROWS)
    .map(({ client, fate, why }) =>
      [client.client_id, client.name, client.marker.run, fate, why].map((text) => cell([text])),
    );
  const more = rows.length - MAX_ROWS;
  return [header, ...shown, ...(more > 0 ? [[{ data: `and ${more} more`, colspan: '5' }]] : [])];
}

// Which clients of single jobs are left over.

/** Nanoseconds of 35 days: no workflow run lasts longer, by GitHub's limits. */
const MAX_RUN_NS = 35n * 24n * 3_600_000_000_000n;

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
  { run }: OwnershipMarker,
  create_time: bigint | undefined,
  now: bigint | undefined,
  ownRun: string,
): Verdict | undefined {
  if (run === ownRun) return { over: false, why: 'it is of this very run' };
  if (create_time === undefined || now === undefined || now - create_time <= MAX_RUN_NS) return undefined;
  return { over: true, why: 'it is older than 35 days, and no run lasts longer' };
}

/** What GitHub says about the run of a younger client. @param workflowRun nothing where GitHub knows no such run */
export function judgeByRun({ run }: OwnershipMarker, workflowRun: WorkflowRun | undefined): Verdict {
  // A run that was deleted and one that this token may not see look alike.
  if (!workflowRun) return { over: false, why: 'GitHub shows no such run, which proves nothing' };
  const attempt = Number(run.split('.')[1]);
  if (workflowRun.run_attempt > attempt)
    return { over: true, why: `its run is at attempt ${workflowRun.run_attempt} by now` };
  if (workflowRun.run_attempt === attempt && workflowRun.status === 'completed')
    return { over: true, why: 'its run is completed' };
  return { over: false, why: `its run is ${workflowRun.status} in attempt ${workflowRun.run_attempt}` };
}

/** A client that lives as long as the job that made it, or should. */
export type JobClient = ManagedClient & { marker: OwnershipMarker };

/** Finds the clients of single jobs that the repository's workflows made. @returns the oldest first */
export async function findJobClients(scalekit: Scalekit, runner: Runner): Promise<JobClient[]> {
  const by = repositoryReference(runner.repository, runner.repository_id);
  const found = new Map<string, JobClient>();
  for await (const { client_id, description, parse: whole } of scalekit.listClients()) {
    const marker = parseMarker(description);
    if (marker?.by !== by || marker.lifetime !== 'job') continue;
    try {
      found.set(client_id, { ...withMarker(whole()), marker });
    } catch (error) {
      log.warning(`Client ${client_id} stays: ${log.message(error)}.`);
    }
  }
  return [...found.values()].sort(oldestFirst);
}

/**
 * What cannot be decided stays. GitHub is asked once about a run, and not again once it refused to be asked.
 * @returns a function that judges one client, and adds to `failures` why it could not
 */
export function judgeWith(
  github: GitHub,
  { repository, run: ownRun }: Runner,
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
  return async ({ marker, create_time }, failures) => {
    const [id = ''] = marker.run.split('.');
    const judgeAge = () => {
      const { serverNow: now } = github.transport;
      return judgeByAge(marker, create_time, now === undefined ? now : BigInt(now) * 1_000_000n, ownRun);
    };
    const byAge = judgeAge();
    if (byAge) return byAge;
    try {
      // Also where GitHub alone tells the time.
      const told = runs.get(id) ?? ask(id);
      runs.set(id, told);
      const run = await told;
      return judgeAge() ?? judgeByRun(marker, run);
    } catch (error) {
      failures.push(log.message(error));
      return { over: false, why: 'GitHub could not be asked about its run' };
    }
  };
}
