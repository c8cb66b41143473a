import type { ManagedClient } from '../client/identity.ts';
import { type Plan, planForWinner, type Result, type Step } from '../client/plan.ts';
import * as log from '../output/log.ts';
import { flushMasks } from '../output/mask.ts';
import { cleanUp } from '../undo/remove.ts';
import type { Context, NewSecret } from './context.ts';
import { createClient } from './create.ts';
import type { SearchResult } from './find.ts';
import { lookForRival } from './race.ts';
import { addSecret, deleteToMakeRoom, updateClient } from './rotate.ts';
import { save } from './save.ts';
import { type VerifiedToken, verify } from './verify.ts';

/** What is handed out, and what is left to do once it is. */
export interface AppliedPlan {
  result: Result;
  client: ManagedClient;
  /** Absent where an existing client is reused. */
  secret?: NewSecret | undefined;
  /** Absent where there was no verification. */
  token?: VerifiedToken | undefined;
  remainingSteps: Step[];
}

/**
 * Carries out what comes before the pair is handed out: makes one, verifies it, saves it. What it has done when it
 * throws is in the journal. The intent is written down before each sending of a request that makes something, and the id
 * as soon as it is known, so that the post step can clean up wherever this one is cut off.
 */
export async function applyPlan(context: Context, plan: Plan, found: SearchResult): Promise<AppliedPlan> {
  const applied = await makeCredentials(context, plan, found);
  await flushMasks();
  if (applied.secret) await save(context, applied.client.client_id, applied.secret);
  return applied;
}

async function makeCredentials(context: Context, plan: Plan, found: SearchResult): Promise<AppliedPlan> {
  if (plan.client && plan.result !== 'replaced') return await changeClient(context, plan, plan.client);
  const { desired, scalekit } = context;
  const making = createClient(context);
  // The verification and the look for rivals go out together then.
  if (desired.verify && desired.marker.lifetime === 'persistent') scalekit.transport.preconnect(scalekit.clientUrl());
  const { client, secret, remainingSteps: after } = await making;
  const [verified, winner] = await Promise.allSettled([
    verify(context, client, secret),
    lookForRival(context, client, found),
  ]);
  if (winner.status === 'fulfilled' && winner.value) return await continueWithWinner(context, plan, winner.value);
  if (verified.status === 'rejected') throw verified.reason;
  if (winner.status === 'rejected') throw winner.reason;
  return {
    result: plan.result,
    client,
    secret,
    token: verified.value,
    remainingSteps: [...after, ...plan.afterPublish],
  };
}

/** Goes on with the client of a run that was first, and removes the own one. */
async function continueWithWinner(context: Context, plan: Plan, winner: ManagedClient): Promise<AppliedPlan> {
  const { scalekit, desired, journal, savedCredentials } = context;
  log.info(`Another run made client ${winner.client_id} for the same purpose at the same time, and was first.`);
  const applied = await changeClient(context, planForWinner(desired, winner, savedCredentials?.snapshot), winner, true);
  const { removed, remaining: left } = await cleanUp(scalekit, { ...journal.state, secret: undefined }, false);
  for (const what of removed) log.info(`Removed this run's own: ${what}.`);
  left.forEach(log.warning);
  // What is left is the post step's to try again.
  if (left.length === 0) journal.recordIntent({ client: undefined });
  // The client to replace goes all the same: the other run may fail yet, and leave its new client to this one.
  return { ...applied, remainingSteps: plan.afterPublish };
}

/** @param young whether the client was made just now, so that the API may not show it yet everywhere */
async function changeClient(
  context: Context,
  plan: Plan,
  existing: ManagedClient,
  young = false,
): Promise<AppliedPlan> {
  const { scalekit, journal } = context;
  let client = existing;
  let secret: NewSecret | undefined;
  for (const step of plan.beforePublish) {
    if (step.kind === 'update') client = await updateClient(context, client, step.fields, young);
    if (step.kind === 'delete-secret') await deleteToMakeRoom(scalekit, journal, client, step.secret);
    if (step.kind === 'add-secret') secret = await addSecret(context, client, { young, evict: !young });
  }
  const token = secret && (await verify(context, client, secret));
  return { result: plan.result, client, secret, token, remainingSteps: plan.afterPublish };
}
