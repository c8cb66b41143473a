import {
  COPY_AGE_NS,
  claimsNameRepository,
  contradictsItself,
  type Identity,
  type ManagedClient,
  oldestFirst,
  type Relation,
  repositoryReference,
  withMarker,
} from '../client/identity.ts';
import { type OwnershipMarker, parseMarkers } from '../client/marker.ts';
import { GitHub, type WorkflowRun } from '../github/api.ts';
import type { Runner } from '../github/runner.ts';
import type { SweepInputs } from '../inputs/inputs.ts';
import { ApiError } from '../net/api-error.ts';
import { toNanoseconds } from '../net/clock.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { setOutputs } from '../output/outputs.ts';
import { cell, fittingRows, writeSummary } from '../output/summary.ts';
import { Scalekit } from '../scalekit/api.ts';
import type { Client, ClientSummary } from '../scalekit/types.ts';
import { findRelated } from '../steps/find.ts';
import { deleteMarkedClient, throwFailures } from '../undo/remove.ts';
import { runWithTransport } from './session.ts';

/** Nanoseconds of 35 days. GitHub ends every workflow run by then. */
const MAX_RUN_NS = 35n * 24n * 3_600_000_000_000n;

/** A client with `lifetime: job`. */
type JobClient = ManagedClient & { marker: OwnershipMarker };

/** Whether the job that a client was created for has ended, and the evidence for it. */
interface Verdict {
  isOver: boolean;
  why: string;
  /** Why it could not be determined. The client is kept then. */
  failure?: string;
  /** What the user should know. */
  warning?: string;
}

/** A client and what was done about it. */
interface Row {
  client: JobClient;
  /** What was done, as the log and the summary show it. */
  action: string;
  why: string;
  /** Why the step fails. */
  failure?: string | undefined;
}

/** Runs `sweep/`: deletes the clients with `lifetime: job` of this repository whose job has ended, oldest first. */
export async function sweepJobClients(inputs: SweepInputs): Promise<void> {
  await runWithTransport(inputs, run);
}

async function run(inputs: SweepInputs, transport: Transport): Promise<void> {
  // This command has no roll-back to keep time for.
  transport.releaseCleanupTime();
  const { dry_run, runner } = inputs;
  const scalekit = await Scalekit.open(transport, inputs);
  const clients = await findJobClients(scalekit, runner);
  const rows = await sweep(inputs, scalekit, clients, judgeWith(new GitHub(transport, inputs.github), runner));
  const idsOf = (action: string) => rows.filter((row) => row.action === action).map(({ client }) => client.client_id);
  const deleted = idsOf(DELETED);
  const outcome = dry_run ? `dry run, ${idsOf(WOULD_BE_DELETED).length} would be deleted` : `${deleted.length} deleted`;
  log.info(`Clients of single jobs of ${runner.repository}: ${clients.length}, ${outcome}.`);
  setOutputs({ deleted: deleted.join(' ') });
  const shown = fittingRows(rows.map(cells));
  const omitted = rows.length - shown.length;
  const notes = omitted > 0 ? [`The table leaves out ${omitted} clients. The log has all of them.`] : [];
  const header = ['Client', 'Name', 'Run', 'Action', 'Reason'].map((data) => ({ data, header: true }));
  writeSummary(`Scalekit organization clients of single jobs: ${outcome}`, [header, ...shown], notes);
  throwFailures(rows.flatMap(({ failure }) => failure ?? []));
}

function cells({ client, action, why }: Row): string[] {
  return [client.client_id, client.name, client.marker.run, action, why].map((text) => cell([text]));
}

const KEPT = 'not deleted';
const DELETED = 'deleted';
const WOULD_BE_DELETED = 'would be deleted';

/**
 * Finds the clients with `lifetime: job` that the repository's workflows created. Warns of clients that may be such ones and
 * are not deleted.
 * @returns the oldest first
 */
export async function findJobClients(scalekit: Scalekit, runner: Runner): Promise<JobClient[]> {
  const identity = { ...runner, environment: '', name: undefined, lifetime: 'job' as const };
  // The default name of a job's client ends in ` #RUN.ATTEMPT`.
  const mayBeJobs = (client: Client) =>
    / #\d+\.\d+$/.test(client.name) || claimsNameRepository(client, identity) === true;
  const { ours, kept } = await findRelated(scalekit, mayBeJobs, (client) => relationToJobs(client, identity));
  kept.warnings().forEach(log.warning);
  return ours.sort(oldestFirst);
}

/** Returns a client if a job of the repository's workflows created it, and otherwise what it is to them. */
function relationToJobs(
  { client_id, description, parse }: ClientSummary,
  identity: Identity,
): JobClient | Exclude<Relation, 'ours'> {
  const by = repositoryReference(identity.repository, identity.repository_id);
  const markers = parseMarkers(description);
  const isOurs = markers.some((marker) => marker.by === by && marker.lifetime === 'job');
  if (markers.length > 0 && !isOurs) return 'unrelated';
  try {
    const client = parse();
    const [marker, ...others] = markers;
    if (!marker) return claimsNameRepository(client, identity) ? 'look-alike' : 'unrelated';
    if (others.length > 0) return 'disputed';
    return contradictsItself(client, marker) ? 'contradictory' : { ...withMarker(client), marker };
  } catch (error) {
    if (isOurs) log.warning(`Client ${client_id} is not deleted: ${log.message(error)}.`);
    return 'unrelated';
  }
}

/** Judges the clients one by one and deletes those whose job has ended, at most `max_deletions`. */
async function sweep(
  { dry_run, max_deletions }: SweepInputs,
  scalekit: Scalekit,
  clients: JobClient[],
  judge: (client: JobClient) => Promise<Verdict>,
): Promise<Row[]> {
  const rows: Row[] = [];
  // Clients that cannot be deleted do not count: otherwise they would block the rest in every later run.
  let count = 0;
  for (const client of clients) {
    const row =
      count === max_deletions
        ? { action: KEPT, why: `the limit max_deletions: ${max_deletions} was reached` }
        : await sweepOne(scalekit, client, await judge(client), dry_run);
    if (row.action === DELETED || row.action === WOULD_BE_DELETED) count++;
    const { client_id, name, marker } = client;
    log.info(`Client ${client_id} ${JSON.stringify(name)} of run ${marker.run}: ${row.action}, because ${row.why}.`);
    rows.push({ client, ...row });
  }
  return rows;
}

/** Deletes a client if its job has ended. */
async function sweepOne(
  scalekit: Scalekit,
  client: JobClient,
  { isOver, why, failure, warning }: Verdict,
  dryRun: boolean,
): Promise<Omit<Row, 'client'>> {
  if (warning) log.warning(warning);
  if (!isOver) return { action: KEPT, why, failure };
  if (dryRun) return { action: WOULD_BE_DELETED, why };
  const outcome = await deleteMarkedClient(scalekit, client);
  if (typeof outcome === 'string') return { action: outcome, why };
  return { action: KEPT, why: 'its deletion failed', failure: outcome.remaining };
}

/**
 * Returns a function that judges one client. It asks GitHub once about each run, and not again if GitHub refuses to
 * answer. A client whose run cannot be determined is kept.
 */
function judgeWith(github: GitHub, { repository, run: ownRun }: Runner): (client: JobClient) => Promise<Verdict> {
  const runs = new Map<string, Promise<WorkflowRun | undefined>>();
  let refusal: ApiError | undefined;
  const readRun = async (id: string) => {
    if (refusal) throw refusal;
    const read = () => github.getRun(repository, id);
    // Only when the token is used first, it may be too new.
    return await (runs.size === 0 ? github.retryIfNew(read, [401]) : read()).catch((error) => {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403 || error.status === 429))
        refusal = error;
      throw error;
    });
  };
  return async ({ client_id, marker, create_time }) => {
    const [id = ''] = marker.run.split('.');
    const byAge = () => judgeByAge(marker, create_time, toNanoseconds(github.transport.serverNow), ownRun);
    const verdict = byAge();
    if (verdict) return verdict;
    try {
      const reading = runs.get(id) ?? readRun(id);
      runs.set(id, reading);
      const run = await reading;
      // Judge by age once more: if Scalekit sends no time, GitHub's response is the first that does.
      return byAge() ?? judgeByRun({ client_id, marker, create_time }, run);
    } catch (error) {
      return { isOver: false, why: 'its run could not be read', failure: log.message(error) };
    }
  };
}

/**
 * Judges a client by its age.
 * @param create_time nanoseconds since the epoch, like `now`
 * @param ownRun `ID.ATTEMPT` of the run that sweeps
 * @returns undefined if only GitHub can tell
 */
export function judgeByAge(
  { run }: OwnershipMarker,
  create_time: bigint | undefined,
  now: bigint | undefined,
  ownRun: string,
): Verdict | undefined {
  if (run === ownRun) return { isOver: false, why: 'this run created it' };
  if (create_time === undefined || now === undefined || now - create_time <= MAX_RUN_NS) return undefined;
  return { isOver: true, why: 'it is older than 35 days, and no run lasts longer' };
}

/** Judges a client by its workflow run. @param workflowRun undefined if GitHub shows no such run */
export function judgeByRun(
  { client_id, marker, create_time }: Pick<JobClient, 'client_id' | 'marker' | 'create_time'>,
  workflowRun: WorkflowRun | undefined,
): Verdict {
  // GitHub answers 404 for a deleted run and for one that the token may not see.
  if (!workflowRun) return { isOver: false, why: 'GitHub does not show its run, so the run may not have ended' };
  const { status, run_attempt, updated_at } = workflowRun;
  const attempt = Number(marker.run.split('.')[1]);
  // A run without a number of its attempt is completed only if all its jobs have ended, in whatever attempt.
  const current = run_attempt ?? attempt;
  const isOver = current > attempt || (current === attempt && status === 'completed');
  if (!isOver) return { isOver, why: `its run is ${status} in attempt ${current}` };
  const end = toNanoseconds(updated_at);
  if (create_time !== undefined && end !== undefined && create_time > end + COPY_AGE_NS)
    return {
      isOver: false,
      why: 'it was created after its run ended',
      warning: `Client ${client_id} is not deleted: it was created after its run ended, so it is a copy. Delete it by hand, or remove the marker from its description.`,
    };
  return {
    isOver,
    why: current > attempt ? `its run is in attempt ${current} now` : 'its run is completed',
  };
}
