import type { DesiredClient } from '../client/desired.ts';
import { compareFields, type Difference, formatValues } from '../client/drift.ts';
import type { Plan, Step } from '../client/plan.ts';
import { nextRotation } from '../client/rotation.ts';
import { entryNames } from '../github/saved-credentials.ts';
import * as log from '../output/log.ts';
import { setOutputs } from '../output/outputs.ts';
import { cell, link, writeSummary } from '../output/summary.ts';
import type { ClientFields } from '../scalekit/types.ts';
import type { AppliedPlan } from './apply.ts';
import type { NewSecret } from './context.ts';

const NS_PER_SECOND = 1_000_000_000n;

/**
 * Sets the outputs. The secret and the access token were masked when they arrived.
 * @throws {Error} if the runner's file cannot be written
 */
export function publish(
  { organization_id, access_token, location }: DesiredClient,
  { plan: { result }, client, secret, token }: AppliedPlan,
): void {
  const outputs = {
    client_id: client.client_id,
    // Empty if an existing client is reused: Scalekit shows a secret only once.
    secret: secret?.plain_secret ?? '',
    secret_id: secret?.shown?.id ?? '',
    organization_id,
    result,
    ...(access_token &&
      token && { access_token: token.access_token, access_token_expires_at: isoTime(token.expiresAt) }),
  };
  try {
    setOutputs(outputs);
  } catch (error) {
    throw secret && location
      ? new Error(`${log.message(error)} The credentials are saved already, as ${entryNames(location)}.`)
      : error;
  }
}

/** Logs what was done, why, and when the next rotation is due. */
export function logResult(desired: DesiredClient, applied: AppliedPlan): void {
  log.info(resultSentence(desired, applied));
  if (applied.secret && desired.location) log.info(`Saved the credentials as ${entryNames(desired.location)}.`);
  const [due] = dueTexts(desired, applied.plan, applied.secret);
  if (due) log.info(`The next rotation is due on ${due}.`);
}

/** Returns the time after which `reuse` adds another secret, if it is known. */
function dueTexts(desired: DesiredClient, { nextRotation: due }: Plan, secret: NewSecret | undefined): string[] {
  const time = secret ? nextRotation(desired, secret.shown) : due;
  return time === undefined ? [] : [isoTime(Number(time / NS_PER_SECOND))];
}

/**
 * Formats a time by ISO 8601, in UTC.
 * @param seconds since the epoch
 * @returns an empty string if the number is outside the range of dates
 */
function isoTime(seconds: number | undefined): string {
  const date = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}

/** Sets the outputs of a dry run and shows its plan in the log and the job summary. */
export function publishPlan(desired: DesiredClient, plan: Plan): void {
  const { client, beforePublish, afterPublish, reason } = plan;
  const { organization_id } = desired;
  setOutputs({ ...(client && { client_id: client.client_id }), organization_id, result: 'planned' });
  const steps = [...beforePublish, ...afterPublish].map((step) => describeStep(desired, client?.client_id ?? '', step));
  if (steps.length === 0) steps.push({ text: 'change nothing', differences: [] });
  log.info(`Dry run in organization ${organization_id}: nothing was changed. A run without dry_run would`);
  for (const { text, differences } of steps) {
    log.info(`- ${text}`);
    for (const { field, wanted, got } of differences)
      log.info(`    ${field}: from ${formatValues(got)} to ${formatValues(wanted)}`);
  }
  const notes = [
    ...(reason ? [`A new secret is due, since ${reason}.`] : []),
    ...dueTexts(desired, plan, undefined).map((due) => `The next rotation is due on ${due}.`),
  ];
  notes.forEach(log.info);
  const rows = [...steps, ...notes.map((text) => ({ text, differences: [] as Difference[] }))].flatMap(
    ({ text, differences }) => [
      [{ data: cell([text]), colspan: '3' }],
      ...differences.map(({ field, wanted, got }) =>
        [field, formatValues(got), formatValues(wanted)].map((text) => cell([text])),
      ),
    ],
  );
  const header = ['Step or field', 'Now', 'Then'].map((data) => ({ data, header: true }));
  writeSummary('Scalekit organization client: plan, nothing was changed', [header, ...rows]);
}

/**
 * Describes a step for the plan of a dry run.
 * @param client_id the existing client, or empty
 */
function describeStep(
  { fields, marker, location }: DesiredClient,
  client_id: string,
  step: Step,
): { text: string; differences: Difference[] } {
  switch (step.kind) {
    case 'create': {
      const names = Object.keys(fields) as (keyof ClientFields)[];
      const until = marker.lifetime === 'job' ? ', and delete it when the job ends' : '';
      return { text: `create a client${until}`, differences: compareFields(names, fields, {}) };
    }
    case 'update':
      return { text: `update client ${client_id}`, differences: step.differences };
    case 'add-secret': {
      const { toMakeRoom } = step;
      const condition = toMakeRoom ? `; if Scalekit refuses another one, delete secret ${toMakeRoom.id} first` : '';
      return { text: `add a secret to client ${client_id}${condition}`, differences: [] };
    }
    case 'save':
      return { text: `save the credentials as ${location && entryNames(location)}`, differences: [] };
    case 'delete-secret': {
      const condition = step.spareRecent ? ', unless it is younger than an hour' : '';
      return { text: `delete secret ${step.secret.id} of client ${client_id}${condition}`, differences: [] };
    }
    case 'delete-client':
      return { text: `delete client ${step.client_id}`, differences: [] };
  }
}

/** Logs what was deleted and writes a table into the job summary. Cannot fail the step. */
export function writeReport(desired: DesiredClient, applied: AppliedPlan, deleted: string[]): void {
  const { marker, fields, organization_id, location, run_url } = desired;
  const { plan, client, secret } = applied;
  for (const what of deleted) log.info(`Deleted ${what}.`);
  const update = plan.beforePublish.find((step) => step.kind === 'update');
  const rows: [string, ...string[]][] = [
    ['Result', plan.result],
    ...optionalRow('Reason', plan.reason),
    ['Client', client.client_id],
    ['Organization', organization_id],
    ['Name', client.name],
    ['Scopes', ...client.scopes],
    ['Audience', ...client.audience],
    ['Claims', ...client.custom_claims.map(({ key, value }) => `${key}=${value}`)],
    ...optionalRow('Updated', ...(update?.differences.map(({ field }) => field) ?? [])),
    ...optionalRow('Token expiry', expiryText(fields.expiry, client.expiry)),
    ...optionalRow('Secret', secret?.shown?.id),
    ...optionalRow('Secret ends with', secret?.shown?.suffix.slice(-4)),
    ...optionalRow('Next rotation', dueTexts(desired, plan, secret)[0]),
    ...optionalRow('Saved', location && (secret ? entryNames(location) : 'unchanged')),
    ...optionalRow('Deleted', ...deleted),
    ['Lifetime', marker.lifetime === 'job' ? 'job: the client is deleted when the job ends' : marker.lifetime],
  ];
  writeSummary('Scalekit organization client', [
    ...rows.map(([title, ...values]) => [{ data: title, header: true }, cell(values)]),
    [{ data: 'Run', header: true }, link(marker.run, run_url)],
  ]);
}

/** Returns a row, or none without values. */
function optionalRow(title: string, ...values: (string | undefined)[]): [string, ...string[]][] {
  const known = values.flatMap((value) => value || []);
  return known.length > 0 ? [[title, ...known]] : [];
}

function resultSentence(
  { organization_id, marker, location }: DesiredClient,
  { plan: { result, reason }, client, secret }: AppliedPlan,
): string {
  const which = `client ${client.client_id} ${JSON.stringify(client.name)} in organization ${organization_id}`;
  if (result === 'reused' && location) return `Reused ${which}: the saved credentials are this client's.`;
  if (result === 'reused')
    return `Reused ${which}. Scalekit shows a secret only once, so the output secret is empty. Use the secret that was stored when it was created, or on_existing: rotate.`;
  if (result === 'rotated')
    return `Added ${secret?.shown ? `secret ${secret.shown.id}` : 'a secret'} to ${which}${reason ? `, since ${reason}` : ''}.`;
  return `Created ${which}${marker.lifetime === 'job' ? '; it is deleted when the job ends' : ''}.`;
}

/** Returns the expiry for the summary. A response may leave it out; then the requested one is shown as requested. */
function expiryText(requested: number | undefined, actual: number | undefined): string | undefined {
  if (actual) return `${actual} seconds`;
  return requested ? `${requested} seconds (asked for)` : undefined;
}
