import { type Applied, apply, finish, openJournal } from './apply.ts';
import type { Context } from './change.ts';
import { start } from './entry.ts';
import { type Found, find } from './find.ts';
import { Transport } from './http.ts';
import { type Request, readRequest } from './inputs.ts';
import * as log from './log.ts';
import { type Plan, plan } from './plan.ts';
import { publish, publishPlan, report } from './publish.ts';
import { Scalekit } from './scalekit/api.ts';
import { leave, undo } from './undo.ts';

start(run, log.fail, 1);

async function run(): Promise<void> {
  const request = readRequest(process.env);
  request.notices.forEach(log.notice);
  request.warnings.forEach(log.warning);
  const transport = new Transport(request.trailer.run, request.timeout);
  process.on('SIGINT', () => transport.cancel());
  try {
    await work(request, transport);
  } catch (error) {
    throw transport.cancelled ? new Error(`The run was cancelled. ${log.message(error)}`, { cause: error }) : error;
  }
}

async function work(asked: Request, transport: Transport): Promise<void> {
  const scalekit = new Scalekit(transport, asked.origin, asked.organization_id);
  await scalekit.signIn(asked.credentials);
  const organization_id = asked.organization_id || (await scalekit.selectOrganization(asked.organization_external_id));
  const request = { ...asked, organization_id };

  const found = await find(scalekit, request);
  found.notices.forEach(log.notice);
  const planned = plan(request, found);
  planned.warnings.forEach(log.warning);
  if (transport.cancelled) throw new Error('Nothing was changed.');
  if (request.dry_run) return await publishPlan(request, planned);

  const context = { scalekit, request, journal: openJournal(request) };
  const applied = await handOut(context, planned, found);
  transport.openReserve();
  const deleted = await finish(context, planned, applied);
  await report(request, applied, deleted);
  if (transport.cancelled) throw new Error('The pair had been handed out already.');
}

/** @throws with what became of what the step had made, where anything fails before the pair is published */
async function handOut(context: Context, planned: Plan, found: Found): Promise<Applied> {
  const { scalekit, request, journal } = context;
  const { transport } = scalekit;
  try {
    const applied = await apply(context, planned, found);
    if (transport.cancelled) throw new Error('The pair was not handed out.');
    publish(request, applied, journal);
    return applied;
  } catch (error) {
    if (transport.cancelled) throw leave(journal, error);
    transport.openReserve();
    throw await undo(scalekit, journal, error);
  }
}
