import { start } from './entry.ts';
import { GitHub } from './github/api.ts';
import type { Transport } from './http.ts';
import { readSweep, type SweepInputs } from './inputs.ts';
import * as log from './log.ts';
import { setOutputs } from './publish.ts';
import { refuseFailures, removeClient } from './removal.ts';
import { Scalekit } from './scalekit/api.ts';
import { findJobClients, type JobClient, judgeWith } from './stale.ts';
import { carryOut } from './step.ts';
import { cell, writeSummary } from './summary.ts';

/** Clients that the summary shows: GitHub takes one of 1 MiB at most. */
const MOST_ROWS = 200;

start(async () => carryOut(readSweep(process.env), work), log.fail, 1);

/** A client, what became of it, and why. */
interface Row {
  client: JobClient;
  fate: string;
  why: string;
}

/** Deletes the clients of single jobs that this repository's workflows made and whose run is over, the oldest first. */
async function work(inputs: SweepInputs, transport: Transport): Promise<void> {
  // Nothing is ever rolled back here.
  transport.openReserve();
  const { dry_run, max_deletions, runner } = inputs;
  const scalekit = await Scalekit.open(transport, inputs);
  const clients = await findJobClients(scalekit, runner);
  const judge = judgeWith(new GitHub(transport, inputs.github), runner);
  const [rows, deleted, failures]: [Row[], string[], string[]] = [[], [], []];
  // One that cannot be deleted must not keep every later run from the rest.
  let done = 0;
  const tell = (client: JobClient, fate: string, why: string) => {
    const { client_id, name, trailer } = client;
    log.info(`Client ${client_id} ${JSON.stringify(name)} of run ${trailer.run}: ${fate}, since ${why}.`);
    rows.push({ client, fate, why });
  };
  for (const client of clients) {
    if (done === max_deletions) {
      tell(client, 'stays', `max_deletions is ${max_deletions}, so nobody asked about it`);
      continue;
    }
    const verdict = await judge(client, failures);
    const outcome = !verdict.over ? 'stays' : dry_run ? 'would be deleted' : await removeClient(scalekit, client);
    if (outcome === 'deleted' || outcome === 'would be deleted') done++;
    if (outcome === 'deleted') deleted.push(client.client_id);
    if (typeof outcome !== 'string') failures.push(outcome.left);
    tell(client, typeof outcome === 'string' ? outcome : 'not deleted', verdict.why);
  }
  const outcome = dry_run ? `${done} would be deleted, and dry_run is true` : `${deleted.length} deleted`;
  log.info(`Clients of single jobs of ${runner.repository}: ${clients.length}, ${outcome}.`);
  setOutputs({ deleted: deleted.join(' ') });
  writeSummary(`Scalekit organization clients of single jobs: ${outcome}`, table(rows));
  refuseFailures(failures);
}

function table(rows: Row[]): Parameters<typeof writeSummary>[1] {
  const header = ['Client', 'Name', 'Run', 'What', 'Why'].map((data) => ({ data, header: true }));
  const shown = rows
    .slice(0, MOST_ROWS)
    .map(({ client, fate, why }) =>
      [client.client_id, client.name, client.trailer.run, fate, why].map((text) => cell([text])),
    );
  const more = rows.length - MOST_ROWS;
  return [header, ...shown, ...(more > 0 ? [[{ data: `and ${more} more`, colspan: '5' }]] : [])];
}
