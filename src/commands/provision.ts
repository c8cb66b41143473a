import type { DesiredClient } from '../client/desired.ts';
import { type Plan, planChanges } from '../client/plan.ts';
import { GitHub } from '../github/api.ts';
import { SavedCredentials } from '../github/saved-credentials.ts';
import { desiredClientFrom } from '../inputs/desired-client.ts';
import type { Inputs } from '../inputs/inputs.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { Scalekit } from '../scalekit/api.ts';
import { type AppliedPlan, applyPlan } from '../steps/apply.ts';
import type { Context } from '../steps/context.ts';
import { findExisting, type SearchResult } from '../steps/find.ts';
import { logResult, publish, publishPlan, writeReport } from '../steps/publish.ts';
import { resolveTarget } from '../steps/resolve-target.ts';
import { retireOld } from '../steps/retire.ts';
import { Journal } from '../undo/journal.ts';
import { cancellationError, rollBack } from '../undo/roll-back.ts';
import { runWithTransport } from './session.ts';

/** Runs main: creates the client that the inputs describe, or rotates its secret, and publishes the credentials. */
export async function provision(inputs: Inputs): Promise<void> {
  await runWithTransport(inputs, run);
}

async function run(inputs: Inputs, transport: Transport): Promise<void> {
  const [desired, scalekit] = await resolveAndSignIn(inputs, transport);
  const context = createContext(inputs, desired, scalekit);
  const existing = await findAll(context);
  const plan = planChanges(desired, existing);
  plan.warnings.forEach(log.warning);
  if (transport.cancelled) throw new Error('Nothing was changed.');
  if (desired.dry_run) return publishPlan(desired, plan);

  const applied = await applyAndPublish(context, plan, existing);
  transport.releaseCleanupTime();
  const deleted = await retireOld(context, plan, applied);
  writeReport(desired, applied, deleted);
  if (transport.cancelled) throw new Error('The pair had been handed out already.');
}

/** Resolves the desired client and signs in to Scalekit, at the same time. */
async function resolveAndSignIn(inputs: Inputs, transport: Transport): Promise<[DesiredClient, Scalekit]> {
  const [desired, scalekit] = await Promise.all([
    resolveTarget(inputs, transport, process.env).then((target) => desiredClientFrom(inputs, target)),
    Scalekit.open(transport, inputs),
  ]);
  desired.notices.forEach(log.notice);
  return [{ ...desired, organization_id: scalekit.organization_id }, scalekit];
}

/** Creates what the steps work with. Only the journal and GitHub's client keep credentials. */
function createContext({ origin, credentials, github }: Inputs, desired: DesiredClient, scalekit: Scalekit): Context {
  const { organization_id, marker, location } = desired;
  const { nonce, run, lifetime } = marker;
  return {
    scalekit,
    desired,
    journal: new Journal({ origin, organization_id, nonce, run, lifetime }, credentials.client_secret),
    savedCredentials: github && location && new SavedCredentials(new GitHub(scalekit.transport, github), location),
  };
}

/** Finds the client that exists and the credentials that are saved, at the same time. */
async function findAll({ scalekit, desired, savedCredentials }: Context): Promise<SearchResult> {
  const [found] = await Promise.all([findExisting(scalekit, desired), savedCredentials?.open()]);
  found.notices.forEach(log.notice);
  return { ...found, saved: savedCredentials?.snapshot };
}

/**
 * Applies the plan and publishes the credentials. Rolls back if anything fails before they are published.
 * @throws {Error} the failure, and what was and was not undone
 */
async function applyAndPublish(context: Context, plan: Plan, existing: SearchResult): Promise<AppliedPlan> {
  const { scalekit, desired, journal, savedCredentials } = context;
  const { transport } = scalekit;
  try {
    const applied = await applyPlan(context, plan, existing);
    // Saved credentials count as published, so cancelling comes too late.
    const isSaved = savedCredentials !== undefined && applied.secret !== undefined;
    if (transport.cancelled && !isSaved) throw new Error('The pair was not handed out.');
    publish(desired, applied);
    journal.markPublished(applied.client.client_id);
    logResult(desired, applied);
    return applied;
  } catch (error) {
    if (transport.cancelled) throw cancellationError(journal, error);
    transport.releaseCleanupTime();
    throw await rollBack(scalekit, savedCredentials, journal, error);
  }
}
