import { appendFileSync } from 'node:fs';
import { summary } from '@actions/core';
import * as log from './log.ts';
import { oneLine, truncate } from './text.ts';

/** Characters of one value. */
const MAX_VALUE_LENGTH = 200;

/** Values in one cell. */
const MAX_VALUES = 50;

type Rows = Parameters<typeof summary.addTable>[0];

/** Bytes of the rows of a long table. GitHub takes 1 MiB at most as a step's whole summary, and browsers are slow before that. */
const MAX_TABLE = 500_000;

/**
 * Appends a heading and a table to the job summary, and between them a list of notes in HTML. Writes synchronously, because
 * the asynchronous write of @actions/core starts threads. If the summary cannot be written, logs that and does not fail.
 */
export function writeSummary(title: string, rows: Rows, notes: string[] = []): void {
  try {
    summary.addHeading(title, 3);
    if (notes.length > 0) summary.addList(notes);
    appendFileSync(process.env.GITHUB_STEP_SUMMARY ?? '', summary.addTable(rows).stringify());
  } catch (error) {
    log.info(`The job summary could not be written: ${log.message(error)}`);
  }
}

/** Returns the first rows of a table, as many as fit into a job summary. Reads no further row. */
export function fittingRows(rows: Iterable<string[]>): string[][] {
  const fitting: string[][] = [];
  let bytes = 0;
  for (const row of rows) {
    // With the tags of the row and of its cells.
    bytes += Buffer.byteLength(row.join('')) + (row.length + 1) * '<td></td>'.length;
    if (bytes > MAX_TABLE) break;
    fitting.push(row);
  }
  return fitting;
}

/**
 * Returns values of a user or a server as HTML for a table cell, in which Markdown, HTML and mentions have no effect.
 * Shows at most 50 values of 200 characters each, and a dash if there are none.
 */
export function cell(values: string[]): string {
  const shown = values
    .slice(0, MAX_VALUES)
    .map((value) => `<code>${escapeHtml(truncate(oneLine(value), MAX_VALUE_LENGTH))}</code>`);
  const omitted = values.length > MAX_VALUES ? [`and ${values.length - MAX_VALUES} more`] : [];
  return [...shown, ...omitted].join('<br>') || '–';
}

/** Returns a text as HTML for a table cell, as a link unless the URL is empty. */
export function link(text: string, url: string): string {
  return url ? `<a href="${escapeHtml(url)}">${escapeHtml(oneLine(text))}</a>` : cell([text]);
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
