import { type Applied, apply, finish, openJournal } from './apply.ts';
import type { Context } from './change.ts';
import { carryOut, start } from './entry.ts';
import { type Found, find } from './find.ts';
import { GitHub } from './github/api.ts';
import { Vault } from './github/vault.ts';
import type { Transport } from './http.ts';
import { type Inputs, readInputs } from './inputs.ts';
import * as log from './log.ts';
import { type Plan, plan } from './plan.ts';
import { publish, publishPlan, report } from './publish.ts';
import { makeRequest } from './request.ts';
import { Scalekit } from './scalekit/api.ts';
import { findTarget } from './target.ts';
import { leave, undo } from './undo.ts';

start(async () => carryOut(readInputs(process.env), work), log.fail, 1);

async function work(inputs: Inputs, transport: Transport): Promise<void> {
  const asked = makeRequest(inputs, await findTarget(inputs, transport, process.env));
  asked.notices.forEach(log.notice);
  const { github, place } = asked;
  const vault = github && place && new Vault(new GitHub(transport, github), place);
  await vault?.open();

  const scalekit = await Scalekit.open(transport, asked);
  const request = { ...asked, organization_id: scalekit.organization_id };

  const found = await find(scalekit, request);
  found.notices.forEach(log.notice);
  const planned = plan(request, { ...found, saved: vault?.saved });
  planned.warnings.forEach(log.warning);
  if (transport.cancelled) throw new Error('Nothing was changed.');
  if (request.dry_run) return await publishPlan(request, vault, planned);

  const context = { scalekit, request, vault, journal: openJournal(request) };
  const applied = await handOut(context, planned, found);
  transport.openReserve();
  const deleted = await finish(context, planned, applied);
  await report(request, vault, applied, deleted);
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
