import { cancellable, start } from './entry.ts';
import { GitHub, type WorkflowRun } from './github/api.ts';
import { Transport } from './http.ts';
import { type KnownClient, parseTrailer, recognize, repositoryMark, type Trailer } from './identity.ts';
import { readSweep, type SweepInputs } from './inputs.ts';
import * as log from './log.ts';
import { firstMade } from './plan.ts';
import { setOutputs } from './publish.ts';
import { deleteClients } from './removal.ts';
import { Scalekit } from './scalekit/api.ts';
import { judgeByAge, judgeByRun, type Verdict } from './stale.ts';
import { cell, writeSummary } from './summary.ts';

start(run, log.fail, 1);

async function run(): Promise<void> {
  const inputs = readSweep(process.env);
  inputs.warnings.forEach(log.warning);
  const transport = new Transport(inputs.runner.run, inputs.timeout);
  await cancellable(transport, () => work(inputs, transport));
}

type JobClient = KnownClient & { trailer: Trailer };

/** Deletes the clients of single jobs that this repository's workflows made and whose run is over. */
async function work(inputs: SweepInputs, transport: Transport): Promise<void> {
  const { dry_run, max_deletions } = inputs;
  const scalekit = await Scalekit.open(transport, inputs);
  const clients = await findClients(scalekit, inputs);
  const { verdicts, failures } = await decide(clients, inputs, new GitHub(transport, inputs.github));
  const over = clients.filter((client) => verdicts.get(client)?.over);
  const going = over.slice(0, max_deletions);
  const { deleted, left } = dry_run ? { deleted: [], left: [] } : await deleteClients(scalekit, going);

  const fate = (client: JobClient): string => {
    if (!over.includes(client)) return 'stays';
    if (!going.includes(client)) return `stays, since max_deletions is ${max_deletions}`;
    if (dry_run) return 'would be deleted';
    return deleted.includes(client.client_id) ? 'deleted' : 'not deleted';
  };
  const rows = clients.map((client) => {
    const { client_id, name, trailer } = client;
    return [client_id, name, trailer.run, fate(client), verdicts.get(client)?.why ?? ''];
  });
  for (const [id, name, run, what, why] of rows)
    log.info(`Client ${id} ${JSON.stringify(name)} of run ${run}: ${what}; ${why}.`);
  const outcome = dry_run ? 'none deleted, since dry_run is true' : `${deleted.length} deleted`;
  log.info(`Clients of single jobs: ${clients.length}, of runs that are over: ${over.length}, ${outcome}.`);
  setOutputs({ deleted: deleted.join(' ') });
  const header = ['Client', 'Name', 'Run', 'What', 'Why'].map((data) => ({ data, header: true }));
  const table = [header, ...rows.map((row) => row.map((text) => cell([text])))];
  await writeSummary(`Scalekit organization clients of single jobs: ${outcome}`, table);
  if (failures.length + left.length > 0) throw new Error([...failures, ...left].join('\n'));
}

/** The oldest first. */
async function findClients(scalekit: Scalekit, { runner }: SweepInputs): Promise<JobClient[]> {
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

/** What cannot be decided stays. @returns also why it could not, each reason once */
async function decide(
  clients: JobClient[],
  { runner }: SweepInputs,
  github: GitHub,
): Promise<{ verdicts: Map<JobClient, Verdict>; failures: string[] }> {
  const verdicts = new Map<JobClient, Verdict>();
  const failures = new Set<string>();
  const runs = new Map<string, WorkflowRun | undefined>();
  const now = BigInt(Date.now()) * 1_000_000n;
  for (const client of clients) {
    const { trailer, create_time } = client;
    const [id = ''] = trailer.run.split('.');
    try {
      const byAge = judgeByAge(trailer, create_time, now, runner.run);
      if (!byAge && !runs.has(id)) runs.set(id, await github.getRun(runner.repository, id));
      verdicts.set(client, byAge ?? judgeByRun(trailer, runs.get(id)));
    } catch (error) {
      failures.add(log.message(error));
      verdicts.set(client, { over: false, why: 'GitHub could not be asked about its run' });
    }
  }
  return { verdicts, failures: [...failures] };
}
