import { setOutput, summary } from '@actions/core';
import type { Request } from './inputs.ts';
import * as log from './log.ts';
import type { CreatedClient } from './scalekit/types.ts';
import type { Journal } from './state.ts';

const LONGEST_VALUE = 200;
const MOST_VALUES = 50;

/** Sets the outputs, then notes in the state that the pair is the user's now. The secret is masked by then. */
export function publish({ organization_id }: Request, { client, plain_secret }: CreatedClient, journal: Journal): void {
  try {
    setOutput('client_id', client.client_id);
    setOutput('secret', plain_secret);
    setOutput('organization_id', organization_id);
  } catch (error) {
    throw new Error(`Could not set the outputs: ${log.message(error)}.`);
  }
  journal.note({ published: true });
}

/** One line in the log, and a table in the job summary. Neither can fail the step. */
export async function report({ trailer, fields, organization_id }: Request, { client }: CreatedClient): Promise<void> {
  const until = trailer.lifetime === 'job' ? '; it is deleted when the job ends' : '';
  log.info(`Created client ${client.client_id} "${fields.name}" in organization ${organization_id}${until}.`);
  const rows: [string, ...string[]][] = [
    ['Client', client.client_id],
    ['Organization', organization_id],
    ['Name', fields.name],
    ['Scopes', ...client.scopes],
    ['Audience', ...client.audience],
    ['Claims', ...client.custom_claims.map(({ key, value }) => `${key}=${value}`)],
    ['Token expiry', ...expiryText(fields.expiry, client.expiry)],
    ['Secret ends with', ...client.secret_suffixes.slice(0, 1).map((suffix) => suffix.slice(-4))],
    ['Lifetime', trailer.lifetime],
    ['Run', trailer.run],
  ];
  try {
    await summary
      .addHeading('Scalekit organization client', 3)
      .addTable(rows.map(([title, ...values]) => [{ data: title, header: true }, cell(values)]))
      .write();
  } catch (error) {
    log.info(`The job summary could not be written: ${log.message(error)}`);
  }
}

/** An answer may leave the expiry out, so what was asked for is not said as a fact. */
function expiryText(asked: number | undefined, made: number | undefined): string[] {
  if (made) return [`${made} seconds`];
  return asked ? [`${asked} seconds (asked for)`] : [];
}

/** Values of a user or a server, in a place where Markdown, HTML and mentions mean nothing. */
function cell(values: string[]): string {
  const shown = values
    .slice(0, MOST_VALUES)
    .map((value) => `<code>${escapeHtml(log.cut(log.oneLine(value), LONGEST_VALUE))}</code>`);
  const more = values.length > MOST_VALUES ? [`and ${values.length - MOST_VALUES} more`] : [];
  return [...shown, ...more].join('<br>') || '–';
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
