import { create, openJournal, undo } from './apply.ts';
import { start } from './entry.ts';
import { Transport } from './http.ts';
import { readRequest } from './inputs.ts';
import * as log from './log.ts';
import { publish, report } from './publish.ts';
import { Scalekit } from './scalekit/api.ts';

start(run, log.fail, 1);

async function run(): Promise<void> {
  const request = readRequest(process.env);
  request.notices.forEach(log.notice);
  request.warnings.forEach(log.warning);

  const transport = new Transport(request.trailer.run, request.timeout);
  const scalekit = new Scalekit(transport, request.origin, request.organization_id);
  await scalekit.signIn(request.credentials);

  const journal = openJournal(request);
  try {
    const created = await create(scalekit, request, journal);
    publish(request, created, journal);
    await report(request, created);
  } catch (error) {
    transport.openReserve();
    throw await undo(scalekit, journal, error);
  }
}
