import type { DesiredClient } from '../client/desired.ts';
import { compareFields, type Difference } from '../client/drift.ts';
import type { Plan, Step } from '../client/plan.ts';
import type { SavedCredentials } from '../github/saved-credentials.ts';
import * as log from '../output/log.ts';
import { setOutputs } from '../output/outputs.ts';
import { cell, writeSummary } from '../output/summary.ts';
import type { ClientFields } from '../scalekit/types.ts';
import type { Journal } from '../undo/journal.ts';
import type { AppliedPlan } from './apply.ts';

/** Sets the outputs, takes what is the user's now out of the state, and says so. Secret and token are masked by then. */
export function publish(
  desired: DesiredClient,
  applied: AppliedPlan,
  journal: Journal,
  savedCredentials: SavedCredentials | undefined,
): void {
  const { result, client, secret, token } = applied;
  const { client_id } = client;
  const { organization_id, access_token } = desired;
  const outputs = {
    client_id,
    // Empty where an existing client is reused: its secrets are shown to nobody again.
    secret: secret?.plain_secret ?? '',
    secret_id: secret?.secret.id ?? '',
    organization_id,
    result,
    ...(access_token &&
      token && { access_token: token.access_token, access_token_expires_at: isoTime(token.expiresAt) }),
  };
  try {
    setOutputs(outputs);
  } catch (error) {
    throw secret && savedCredentials
      ? new Error(`${log.message(error)} The pair is saved already, as ${savedCredentials.names}.`)
      : error;
  }
  journal.markPublished(client_id);
  log.info(resultSentence(desired, applied));
  if (secret && savedCredentials) log.info(`Saved the pair as ${savedCredentials.names}.`);
}

/** ISO 8601, in UTC. @param seconds since the epoch; a number that no date has is none */
function isoTime(seconds: number | undefined): string {
  const date = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}

/** Shows what a run without `dry_run` would do. */
export function publishPlan(
  desired: DesiredClient,
  savedCredentials: SavedCredentials | undefined,
  { client, beforePublish: before, afterPublish: after }: Plan,
): void {
  const { organization_id } = desired;
  setOutputs({ ...(client && { client_id: client.client_id }), organization_id, result: 'planned' });
  const steps = [
    ...before.map((step) => stepText(desired, savedCredentials, client?.client_id ?? '', step, false)),
    ...after.map((step) => stepText(desired, savedCredentials, client?.client_id ?? '', step, true)),
  ];
  log.info(`Dry run in organization ${organization_id}: nothing was changed. A run without dry_run would`);
  for (const { text, differences } of steps) {
    log.info(`- ${text}`);
    for (const { field, wanted, got } of differences) log.info(`    ${field}: from ${got} to ${wanted}`);
  }
  if (steps.length === 0) log.info('- change nothing');
  const rows = steps.flatMap(({ text, differences }) => [
    [{ data: cell([text]), colspan: '3' }],
    ...differences.map(({ field, wanted, got }) => [cell([field]), cell([got]), cell([wanted])]),
  ]);
  const header = ['Step or field', 'Now', 'Then'].map((data) => ({ data, header: true }));
  writeSummary('Scalekit organization client: plan, nothing was changed', [header, ...rows]);
}

function stepText(
  { fields, marker }: DesiredClient,
  savedCredentials: SavedCredentials | undefined,
  client_id: string,
  step: Step,
  after: boolean,
): { text: string; differences: Difference[] } {
  switch (step.kind) {
    case 'create': {
      const names = Object.keys(fields) as (keyof ClientFields)[];
      const until = marker.lifetime === 'job' ? ', and delete it when the job ends' : '';
      return { text: `create a client${until}`, differences: compareFields(names, fields, {}) };
    }
    case 'update':
      return { text: `update client ${client_id}`, differences: step.differences };
    case 'add-secret':
      return { text: `add a secret to client ${client_id}`, differences: [] };
    case 'save':
      return { text: `save the pair as ${savedCredentials?.names}`, differences: [] };
    case 'delete-secret': {
      const why = after ? (step.spareRecent ? ', unless it is younger than an hour' : '') : ' to make room';
      return { text: `delete secret ${step.secret.id} of client ${client_id}${why}`, differences: [] };
    }
    case 'delete-client':
      return { text: `delete client ${client_id}`, differences: [] };
  }
}

/** What was deleted since, in the log, and a table in the job summary. Neither can fail the step. */
export function writeReport(
  desired: DesiredClient,
  savedCredentials: SavedCredentials | undefined,
  applied: AppliedPlan,
  deleted: string[],
): void {
  const { marker, fields, organization_id } = desired;
  const { result, client, secret } = applied;
  for (const what of deleted) log.info(`Deleted ${what}.`);
  const rows: [string, ...string[]][] = [
    ['Result', result],
    ['Client', client.client_id],
    ['Organization', organization_id],
    ['Name', client.name],
    ['Scopes', ...client.scopes],
    ['Audience', ...client.audience],
    ['Claims', ...client.custom_claims.map(({ key, value }) => `${key}=${value}`)],
    ['Token expiry', ...expiryText(fields.expiry, client.expiry)],
    ['Secret', ...(secret ? [secret.secret.id] : [])],
    ['Secret ends with', ...(secret ? [secret.secret.suffix.slice(-4)].filter(Boolean) : [])],
    ...(savedCredentials ? ([['Saved', ...(secret ? [savedCredentials.names] : [])]] as [string, ...string[]][]) : []),
    ['Deleted', ...deleted],
    ['Lifetime', marker.lifetime],
    ['Run', marker.run],
  ];
  writeSummary(
    'Scalekit organization client',
    rows.map(([title, ...values]) => [{ data: title, header: true }, cell(values)]),
  );
}

function resultSentence(
  { organization_id, marker, location, on_existing }: DesiredClient,
  { result, client, secret }: AppliedPlan,
): string {
  const which = `client ${client.client_id} ${JSON.stringify(client.name)} in organization ${organization_id}`;
  if (result === 'reused' && location) return `Reused ${which}: the pair that is saved is this client's.`;
  if (result === 'reused')
    return `Reused ${which}. A secret is shown once only, when it is made, so the output secret is empty: use the one that was stored then, or on_existing: rotate.`;
  const why = on_existing === 'reuse' ? ', since no pair of it was saved' : '';
  if (result === 'rotated') return `Added secret ${secret?.secret.id} to ${which}${why}.`;
  return `Created ${which}${marker.lifetime === 'job' ? '; it is deleted when the job ends' : ''}.`;
}

/** An answer may leave the expiry out, so what was asked for is not said as a fact. */
function expiryText(asked: number | undefined, made: number | undefined): string[] {
  if (made) return [`${made} seconds`];
  return asked ? [`${asked} seconds (asked for)`] : [];
}
