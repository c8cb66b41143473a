import type { ManagedClient } from '../client/identity.ts';
import { MATRIX_ADVICE, type Plan, planForWinner, type Step } from '../client/plan.ts';
import * as log from '../output/log.ts';
import { flushMasks } from '../output/mask.ts';
import { cleanUp } from '../undo/remove.ts';
import { type AddedSecret, addSecret } from './add-secret.ts';
import type { Context, NewSecret } from './context.ts';
import { createClient } from './create.ts';
import type { SearchResult } from './find.ts';
import { settleRace } from './race.ts';
import { save } from './save.ts';
import { updateClient } from './update.ts';
import { type VerifiedToken, verify } from './verify.ts';

/** The outcome of a plan: what to publish, and what to do after that. */
export interface AppliedPlan {
  /** The plan that was applied. After a lost race, it is the one for the winner's client. */
  plan: Plan;
  client: ManagedClient;
  /** Undefined if an existing client is reused. */
  secret?: NewSecret | undefined;
  /** Undefined if the credentials were not verified. */
  token?: VerifiedToken | undefined;
  remainingSteps: Step[];
}

/**
 * Carries out the steps before publishing: creates or rotates the credentials, verifies them and saves them. Before each
 * request that creates something is sent, the journal records the intent, and the id as soon as it is known. So roll-back
 * and the post step know what to undo if this function fails or is cut off.
 */
export async function applyPlan(context: Context, plan: Plan, found: SearchResult): Promise<AppliedPlan> {
  const applied = await makeCredentials(context, plan, found);
  // Wait for the masks before anything is published or saved.
  await flushMasks();
  if (applied.secret) await save(context, applied.client.client_id, applied.secret, found.client?.client_id);
  return applied;
}

async function makeCredentials(context: Context, plan: Plan, found: SearchResult): Promise<AppliedPlan> {
  if (plan.client && plan.result !== 'replaced') return await changeClient(context, plan, plan.client);
  const { desired, scalekit } = context;
  const creation = createClient(context, found);
  // The verification and the search for concurrent runs are sent at the same time, on two connections.
  if (desired.verify && desired.marker.lifetime === 'persistent') scalekit.transport.preconnect(scalekit.clientUrl());
  const { client, secret, remainingSteps } = await creation;
  const [verified, winner] = await Promise.allSettled([
    verifySecret(context, client, secret),
    settleRace(context, client, found),
  ]);
  // If the race is lost, the verification of this step's own credentials does not matter.
  if (winner.status === 'fulfilled' && winner.value)
    return await continueWithWinner(context, plan, found, winner.value);
  if (verified.status === 'rejected') throw verified.reason;
  if (winner.status === 'rejected') throw winner.reason;
  return {
    plan,
    client,
    secret,
    token: verified.value,
    remainingSteps: [...remainingSteps, ...plan.afterPublish],
  };
}

/** Continues with the client of a concurrent run that was first, and removes the client that this step created. */
async function continueWithWinner(
  context: Context,
  plan: Plan,
  found: SearchResult,
  winner: ManagedClient,
): Promise<AppliedPlan> {
  const { scalekit, desired, journal } = context;
  log.info(
    `Another run created client ${winner.client_id} for the same purpose at the same time, and was first. ${MATRIX_ADVICE}`,
  );
  const winnerPlan = planForWinner(desired, winner, found);
  scalekit.expectLag(winner.client_id);
  const applied = await changeClient(context, winnerPlan, winner);
  const { removed, remaining } = await cleanUp(scalekit, { ...journal.state, secret: undefined });
  for (const what of removed) log.info(`Removed this run's own: ${what}.`);
  remaining.forEach(log.warning);
  // The post step retries what could not be removed.
  if (remaining.length === 0) journal.forget('client');
  // Still delete the replaced client: the other run may fail and keep its new client for this one.
  return { ...applied, remainingSteps: plan.afterPublish };
}

/** Carries out a plan for a client that exists. */
async function changeClient(context: Context, plan: Plan, existing: ManagedClient): Promise<AppliedPlan> {
  let client = existing;
  let secret: AddedSecret | undefined;
  for (const step of plan.beforePublish) {
    if (step.kind === 'update') client = await updateClient(context, client, step.fields);
    if (step.kind === 'add-secret') secret = await addSecret(context, client, step.toMakeRoom);
  }
  const token = secret && (await verifySecret(context, client, secret));
  const isDone = (step: Step) => step.kind === 'delete-secret' && step.secret.id === secret?.deletedId;
  return { plan, client, secret, token, remainingSteps: plan.afterPublish.filter((step) => !isDone(step)) };
}

async function verifySecret(
  { scalekit, desired, journal }: Context,
  { client_id }: ManagedClient,
  { plain_secret: client_secret }: NewSecret,
): Promise<VerifiedToken | undefined> {
  return await verify(scalekit, desired, { client_id, client_secret }, journal.pendingUpdate !== undefined);
}
