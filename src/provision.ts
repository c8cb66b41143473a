import { type Applied, apply, finish, openJournal } from './apply.ts';
import type { Context } from './change.ts';
import { type Found, find } from './find.ts';
import { GitHub } from './github/api.ts';
import { Vault } from './github/vault.ts';
import type { Transport } from './http.ts';
import type { Inputs } from './inputs.ts';
import * as log from './log.ts';
import { type Plan, plan } from './plan.ts';
import { publish, publishPlan, report } from './publish.ts';
import { makeRequest } from './request.ts';
import { Scalekit } from './scalekit/api.ts';
import { carryOut } from './step.ts';
import { findTarget } from './target.ts';
import { leave, undo } from './undo.ts';

/** Finds or makes the client that the inputs ask for, and hands its pair out. */
export async function provision(inputs: Inputs): Promise<void> {
  await carryOut(inputs, work);
}

async function work(inputs: Inputs, transport: Transport): Promise<void> {
  const [asked, scalekit] = await Promise.all([
    findTarget(inputs, transport, process.env).then((target) => makeRequest(inputs, target)),
    Scalekit.open(transport, inputs),
  ]);
  const request = { ...asked, organization_id: scalekit.organization_id };
  request.notices.forEach(log.notice);
  const { github, place } = request;
  const vault = github && place && new Vault(new GitHub(transport, github), place);
  const [found] = await Promise.all([find(scalekit, request), vault?.open()]);
  found.notices.forEach(log.notice);
  const planned = plan(request, { ...found, saved: vault?.saved });
  planned.warnings.forEach(log.warning);
  if (transport.cancelled) throw new Error('Nothing was changed.');
  if (request.dry_run) return publishPlan(request, vault, planned);

  const context = { scalekit, request, vault, journal: openJournal(request) };
  const applied = await handOut(context, planned, found);
  transport.openReserve();
  const deleted = await finish(context, planned, applied);
  report(request, vault, applied, deleted);
  if (transport.cancelled) throw new Error('The pair had been handed out already.');
}

/** @throws with what became of what the step had made, where anything fails before the pair is published */
async function handOut(context: Context, planned: Plan, found: Found): Promise<Applied> {
  const { scalekit, request, journal, vault } = context;
  const { transport } = scalekit;
  try {
    const applied = await apply(context, planned, found);
    // A pair that is saved is handed out already.
    if (transport.cancelled && !(vault && applied.secret)) throw new Error('The pair was not handed out.');
    publish(request, applied, journal, vault);
    return applied;
  } catch (error) {
    if (transport.cancelled) throw leave(journal, error);
    transport.openReserve();
    throw await undo(scalekit, vault, journal, error);
  }
}
