import { setImmediate } from 'node:timers/promises';
import type { DesiredClient } from '../client/desired.ts';
import { type Plan, planChanges } from '../client/plan.ts';
import type { Target } from '../client/target.ts';
import { GitHub } from '../github/api.ts';
import { SavedCredentials, type SavedSnapshot } from '../github/saved-credentials.ts';
import { createNonce, desiredClientFrom } from '../inputs/desired-client.ts';
import type { Inputs } from '../inputs/inputs.ts';
import { toNanoseconds } from '../net/clock.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { Scalekit } from '../scalekit/api.ts';
import { type AppliedPlan, applyPlan } from '../steps/apply.ts';
import type { Context } from '../steps/context.ts';
import { findExisting, type SearchResult } from '../steps/find.ts';
import { logResult, publish, publishPlan, writeReport } from '../steps/publish.ts';
import { resolveTarget } from '../steps/resolve-target.ts';
import { retireOld } from '../steps/retire.ts';
import { requireOneOwner } from '../steps/save.ts';
import { Journal } from '../undo/journal.ts';
import { cancellationError, rollBack } from '../undo/roll-back.ts';
import { runWithTransport } from './session.ts';

/** Runs main: creates the client that the inputs describe, or rotates its secret, and publishes the credentials. */
export async function provision(inputs: Inputs): Promise<void> {
  await runWithTransport(inputs, run);
}

async function run(inputs: Inputs, transport: Transport): Promise<void> {
  // Before any request: a cancelled run may reach post alone, which then has to find this process.
  const journal = openJournal(inputs);
  try {
    await runWithJournal(inputs, transport, journal);
  } finally {
    journal.end();
  }
}

async function runWithJournal(inputs: Inputs, transport: Transport, journal: Journal): Promise<void> {
  const [{ desired, savedCredentials, saved }, scalekit] = await Promise.all([
    // Throws before any request is sent if the variables of the ID token cannot be used.
    resolveTarget(inputs, transport, process.env).then((target) =>
      resolveAndReadSaved(inputs, target, transport, journal.state.nonce),
    ),
    Scalekit.open(transport, inputs),
  ]);
  const { organization_id } = scalekit;
  journal.organizationFound(organization_id);
  const context: Context = { scalekit, desired: { ...desired, organization_id }, journal, savedCredentials };
  desired.notices.forEach(log.notice);
  const existing = await findAll(context, saved);
  const plan = planChanges(context.desired, existing);
  [...existing.notices, ...plan.notices].forEach(log.notice);
  [...existing.warnings, ...plan.warnings].forEach(log.warning);
  if (transport.cancelled) throw new Error('Nothing was changed.');
  if (desired.dry_run) return publishPlan(context.desired, plan);

  const applied = await applyAndPublish(context, plan, existing);
  transport.releaseCleanupTime();
  const deleted = await retireOld(context, applied);
  writeReport(context.desired, applied, deleted);
  if (transport.cancelled) throw new Error('The credentials were published before that.');
}

/** Opens the journal. Only the journal and GitHub's client keep credentials. */
function openJournal({ origin, organization_id, credentials, runner, lifetime }: Inputs): Journal {
  const state = { origin, organization_id, nonce: createNonce(), run: runner.run, lifetime };
  return new Journal(state, credentials.client_secret, process.env.RUNNER_TEMP);
}

/** Resolves the desired client, and reads what is saved from an earlier run. */
async function resolveAndReadSaved(
  inputs: Inputs,
  target: Target,
  transport: Transport,
  nonce: string,
): Promise<{ desired: DesiredClient; savedCredentials?: SavedCredentials | undefined; saved?: SavedSnapshot }> {
  const desired = desiredClientFrom(inputs, target, nonce);
  const { github } = inputs;
  if (!github || !desired.location) return { desired };
  const savedCredentials = new SavedCredentials(new GitHub(transport, github), desired.location);
  return { desired, savedCredentials, saved: await savedCredentials.open() };
}

/** Finds the client that exists. The saved id shows which it is. */
async function findAll(context: Context, saved: SavedSnapshot | undefined): Promise<SearchResult> {
  const { scalekit, desired } = context;
  const found = await findExisting(scalekit, desired, saved);
  if (saved) requireOneOwner(context, saved, found.client?.client_id);
  return { ...found, now: toNanoseconds(scalekit.time) };
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
    // A signal that arrived together with the last response is delivered after it.
    await setImmediate();
    // Saved credentials count as published, so cancelling comes too late.
    const isSaved = savedCredentials !== undefined && applied.secret !== undefined;
    if (transport.cancelled && !isSaved) throw new Error('The credentials were not published.');
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
