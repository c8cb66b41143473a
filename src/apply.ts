import { addSecret, type Context, evict, type NewSecret, update } from './change.ts';
import { create, lookForRival } from './create.ts';
import type { Found } from './find.ts';
import type { KnownClient } from './identity.ts';
import * as log from './log.ts';
import { masksTold } from './mask.ts';
import { type Plan, planAdoption, type Result, type Step } from './plan.ts';
import type { Request } from './request.ts';
import { save } from './save.ts';
import { Journal } from './state.ts';
import { cleanUp } from './undo.ts';
import { type VerifiedToken, verify } from './verify.ts';

/** Nanoseconds. */
const HOUR = 3_600_000_000_000n;

/** What is handed out, and what is left to do once it is. */
export interface Applied {
  result: Result;
  client: KnownClient;
  /** Absent where an existing client is reused. */
  secret?: NewSecret | undefined;
  /** Absent where there was no verification. */
  token?: VerifiedToken | undefined;
  after: Step[];
}

/** The journal of a step that is about to change something, still empty. */
export function openJournal({ origin, organization_id, trailer, credentials }: Request): Journal {
  const { nonce, run, lifetime } = trailer;
  return new Journal({ origin, organization_id, nonce, run, lifetime }, credentials.client_secret);
}

/**
 * Carries out what comes before the pair is handed out: makes one, verifies it, saves it. What it has done when it
 * throws is in the journal. The intent is written down before each sending of a request that makes something, and the id
 * as soon as it is known, so that the post step can clean up wherever this one is cut off.
 */
export async function apply(context: Context, plan: Plan, found: Found): Promise<Applied> {
  const applied = await makePair(context, plan, found);
  await masksTold();
  if (applied.secret) await save(context, applied.client.client_id, applied.secret);
  return applied;
}

async function makePair(context: Context, plan: Plan, found: Found): Promise<Applied> {
  if (plan.client && plan.result !== 'replaced') return await change(context, plan, plan.client);
  const { request, scalekit } = context;
  const making = create(context);
  // The verification and the look for rivals go out together then.
  if (request.verify && request.trailer.lifetime === 'persistent') scalekit.transport.prepare(scalekit.clientUrl());
  const { client, secret, after } = await making;
  const [verified, rival] = await Promise.allSettled([
    verify(context, client, secret),
    lookForRival(context, client, found),
  ]);
  if (rival.status === 'fulfilled' && rival.value) return await giveWay(context, plan, rival.value);
  if (verified.status === 'rejected') throw verified.reason;
  if (rival.status === 'rejected') throw rival.reason;
  return { result: plan.result, client, secret, token: verified.value, after: [...after, ...plan.after] };
}

/** What is done once the pair is handed out: whatever fails now is a warning. @returns what was deleted */
export async function finish({ scalekit }: Context, plan: Plan, { client, secret, after }: Applied): Promise<string[]> {
  const deleted: string[] = [];
  const attempt = async (what: string, url: URL, work: () => Promise<boolean>) => {
    try {
      await work();
      deleted.push(what);
    } catch (error) {
      log.warning(`The ${what} is left over: ${log.message(error)} To remove it by hand: DELETE ${url.href}`);
    }
  };
  for (const step of after) {
    if (step.kind === 'delete-secret') {
      const { client_id } = client;
      const { id, create_time } = step.secret;
      if (step.spare_young && !isHourOlder(create_time, secret?.secret.create_time)) {
        log.info(`Secret ${id} stays: it is younger than an hour, so another job may be using it.`);
      } else {
        await attempt(`secret ${id} of client ${client_id}`, scalekit.clientUrl(client_id, 'secrets', id), () =>
          scalekit.deleteSecret(client_id, id),
        );
      }
    }
    if (step.kind === 'delete-client' && plan.client) {
      const { client_id } = plan.client;
      await attempt(`replaced client ${client_id}`, scalekit.clientUrl(client_id), () =>
        scalekit.deleteClient(client_id),
      );
    }
  }
  return deleted;
}

/** Of an unknown age, nothing is. */
function isHourOlder(one: bigint | undefined, other: bigint | undefined): boolean {
  return one !== undefined && other !== undefined && other - one >= HOUR;
}

/** Goes on with the client of a run that was first, and removes the own one. */
async function giveWay(context: Context, plan: Plan, rival: KnownClient): Promise<Applied> {
  const { scalekit, request, journal, vault } = context;
  log.info(`Another run made client ${rival.client_id} for the same purpose at the same time, and was first.`);
  const applied = await change(context, planAdoption(request, rival, vault?.saved), rival, true);
  const { removed, left } = await cleanUp(scalekit, { ...journal.state, secret: undefined }, false);
  for (const what of removed) log.info(`Removed this run's own: ${what}.`);
  left.forEach(log.warning);
  // What is left is the post step's to try again.
  if (left.length === 0) journal.note({ client: undefined });
  // The client to replace goes all the same: the other run may fail yet, and leave its new client to this one.
  return { ...applied, after: plan.after };
}

/** @param young whether the client was made just now, so that the API may not show it yet everywhere */
async function change(context: Context, plan: Plan, existing: KnownClient, young = false): Promise<Applied> {
  const { scalekit, journal } = context;
  let client = existing;
  let secret: NewSecret | undefined;
  for (const step of plan.before) {
    if (step.kind === 'update') client = await update(context, client, step.fields, young);
    if (step.kind === 'delete-secret') await evict(scalekit, journal, client, step.secret);
    if (step.kind === 'add-secret') secret = await addSecret(context, client, { young, evict: !young });
  }
  const token = secret && (await verify(context, client, secret));
  return { result: plan.result, client, secret, token, after: plan.after };
}
