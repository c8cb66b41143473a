import { setOutput } from '@actions/core';
import type { Applied } from './apply.ts';
import type { Vault } from './github/vault.ts';
import * as log from './log.ts';
import { compareFields, type Difference, type Plan, type Step } from './plan.ts';
import type { Request } from './request.ts';
import type { ClientFields } from './scalekit/types.ts';
import type { Journal } from './state.ts';
import { cell, writeSummary } from './summary.ts';

/** Sets the outputs, takes what is the user's now out of the state, and says so. Secret and token are masked by then. */
export function publish(request: Request, applied: Applied, journal: Journal, vault: Vault | undefined): void {
  const { result, client, secret, token } = applied;
  const { client_id } = client;
  const { organization_id, access_token } = request;
  const outputs = {
    client_id,
    // Empty where an existing client is reused: its secrets are shown to nobody again.
    secret: secret?.plain_secret ?? '',
    secret_id: secret?.secret.id ?? '',
    organization_id,
    result,
    ...(access_token &&
      token && { access_token: token.access_token, access_token_expires_at: isoTime(token.expires_at) }),
  };
  try {
    setOutputs(outputs);
  } catch (error) {
    throw secret && vault ? new Error(`${log.message(error)} The pair is saved already, as ${vault.names}.`) : error;
  }
  journal.release(client_id);
  log.info(sentence(request, applied));
  if (secret && vault) log.info(`Saved the pair as ${vault.names}.`);
}

/** ISO 8601, in UTC. @param seconds since the epoch; a number that no date has is none */
function isoTime(seconds: number | undefined): string {
  const date = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}

/** Shows what a run without `dry_run` would do. */
export function publishPlan(request: Request, vault: Vault | undefined, { client, before, after }: Plan): void {
  const { organization_id } = request;
  setOutputs({ ...(client && { client_id: client.client_id }), organization_id, result: 'planned' });
  const steps = [
    ...before.map((step) => stepText(request, vault, client?.client_id ?? '', step, false)),
    ...after.map((step) => stepText(request, vault, client?.client_id ?? '', step, true)),
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
  { fields, trailer }: Request,
  vault: Vault | undefined,
  client_id: string,
  step: Step,
  after: boolean,
): { text: string; differences: Difference[] } {
  switch (step.kind) {
    case 'create': {
      const names = Object.keys(fields) as (keyof ClientFields)[];
      const until = trailer.lifetime === 'job' ? ', and delete it when the job ends' : '';
      return { text: `create a client${until}`, differences: compareFields(names, fields, {}) };
    }
    case 'update':
      return { text: `update client ${client_id}`, differences: step.differences };
    case 'add-secret':
      return { text: `add a secret to client ${client_id}`, differences: [] };
    case 'save':
      return { text: `save the pair as ${vault?.names}`, differences: [] };
    case 'delete-secret': {
      const why = after ? (step.spare_young ? ', unless it is younger than an hour' : '') : ' to make room';
      return { text: `delete secret ${step.secret.id} of client ${client_id}${why}`, differences: [] };
    }
    case 'delete-client':
      return { text: `delete client ${client_id}`, differences: [] };
  }
}

export function setOutputs(outputs: Record<string, string>): void {
  try {
    for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
  } catch (error) {
    throw new Error(`Could not set the outputs: ${log.message(error)}.`);
  }
}

/** What was deleted since, in the log, and a table in the job summary. Neither can fail the step. */
export function report(request: Request, vault: Vault | undefined, applied: Applied, deleted: string[]): void {
  const { trailer, fields, organization_id } = request;
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
    ...(vault ? ([['Saved', ...(secret ? [vault.names] : [])]] as [string, ...string[]][]) : []),
    ['Deleted', ...deleted],
    ['Lifetime', trailer.lifetime],
    ['Run', trailer.run],
  ];
  writeSummary(
    'Scalekit organization client',
    rows.map(([title, ...values]) => [{ data: title, header: true }, cell(values)]),
  );
}

function sentence(
  { organization_id, trailer, place, on_existing }: Request,
  { result, client, secret }: Applied,
): string {
  const which = `client ${client.client_id} ${JSON.stringify(client.name)} in organization ${organization_id}`;
  if (result === 'reused' && place) return `Reused ${which}: the pair that is saved is this client's.`;
  if (result === 'reused')
    return `Reused ${which}. A secret is shown once only, when it is made, so the output secret is empty: use the one that was stored then, or on_existing: rotate.`;
  const why = on_existing === 'reuse' ? ', since no pair of it was saved' : '';
  if (result === 'rotated') return `Added secret ${secret?.secret.id} to ${which}${why}.`;
  return `Created ${which}${trailer.lifetime === 'job' ? '; it is deleted when the job ends' : ''}.`;
}

/** An answer may leave the expiry out, so what was asked for is not said as a fact. */
function expiryText(asked: number | undefined, made: number | undefined): string[] {
  if (made) return [`${made} seconds`];
  return asked ? [`${asked} seconds (asked for)`] : [];
}
