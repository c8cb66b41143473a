import { type Plan, planChanges } from '../client/plan.ts';
import { GitHub } from '../github/api.ts';
import { SavedCredentials } from '../github/saved-credentials.ts';
import type { Inputs } from '../inputs/inputs.ts';
import { resolveInputs } from '../inputs/resolve.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { Scalekit } from '../scalekit/api.ts';
import { type AppliedPlan, applyPlan } from '../steps/apply.ts';
import type { Context } from '../steps/context.ts';
import { findExisting, type SearchResult } from '../steps/find.ts';
import { publish, publishPlan, writeReport } from '../steps/publish.ts';
import { resolveTarget } from '../steps/resolve-target.ts';
import { retireOld } from '../steps/retire.ts';
import { createJournal } from '../undo/journal.ts';
import { cancellationError, rollBack } from '../undo/roll-back.ts';
import { runWithTransport } from './session.ts';

/** Finds or makes the client that the inputs ask for, and hands its pair out. */
export async function provision(inputs: Inputs): Promise<void> {
  await runWithTransport(inputs, work);
}

async function work(inputs: Inputs, transport: Transport): Promise<void> {
  const [asked, scalekit] = await Promise.all([
    resolveTarget(inputs, transport, process.env).then((target) => resolveInputs(inputs, target)),
    Scalekit.open(transport, inputs),
  ]);
  const desired = { ...asked, organization_id: scalekit.organization_id };
  desired.notices.forEach(log.notice);
  const { github, location } = desired;
  const savedCredentials = github && location && new SavedCredentials(new GitHub(transport, github), location);
  const [found] = await Promise.all([findExisting(scalekit, desired), savedCredentials?.open()]);
  found.notices.forEach(log.notice);
  const planned = planChanges(desired, { ...found, saved: savedCredentials?.snapshot });
  planned.warnings.forEach(log.warning);
  if (transport.cancelled) throw new Error('Nothing was changed.');
  if (desired.dry_run) return publishPlan(desired, savedCredentials, planned);

  const context: Context = { scalekit, desired, savedCredentials, journal: createJournal(desired) };
  const applied = await handOut(context, planned, found);
  transport.releaseCleanupTime();
  const deleted = await retireOld(context, planned, applied);
  writeReport(desired, savedCredentials, applied, deleted);
  if (transport.cancelled) throw new Error('The pair had been handed out already.');
}

/** @throws with what became of what the step had made, where anything fails before the pair is published */
async function handOut(context: Context, planned: Plan, found: SearchResult): Promise<AppliedPlan> {
  const { scalekit, desired, journal, savedCredentials } = context;
  const { transport } = scalekit;
  try {
    const applied = await applyPlan(context, planned, found);
    // A pair that is saved is handed out already.
    if (transport.cancelled && !(savedCredentials && applied.secret)) throw new Error('The pair was not handed out.');
    publish(desired, applied, journal, savedCredentials);
    return applied;
  } catch (error) {
    if (transport.cancelled) throw cancellationError(journal, error);
    transport.releaseCleanupTime();
    throw await rollBack(scalekit, savedCredentials, journal, error);
  }
}
