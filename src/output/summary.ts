import { appendFileSync } from 'node:fs';
import { summary } from '@actions/core';
import * as log from './log.ts';
import { oneLine, truncate } from './text.ts';

/** Characters. */
const MAX_VALUE_LENGTH = 200;

const MAX_VALUES = 50;

type Rows = Parameters<typeof summary.addTable>[0];

/** Adds a table to the job summary, at once, where core's own way starts threads. One that cannot be written fails no step. */
export function writeSummary(title: string, rows: Rows): void {
  try {
    appendFileSync(process.env.GITHUB_STEP_SUMMARY ?? '', summary.addHeading(title, 3).addTable(rows).stringify());
  } catch (error) {
    log.info(`The job summary could not be written: ${log.message(error)}`);
  }
}

/** Values of a user or a server, in a place where Markdown, HTML and mentions mean nothing. */
export function cell(values: string[]): string {
  const shown = values
    .slice(0, MAX_VALUES)
    .map((value) => `<code>${escapeHtml(truncate(oneLine(value), MAX_VALUE_LENGTH))}</code>`);
  const more = values.length > MAX_VALUES ? [`and ${values.length - MAX_VALUES} more`] : [];
  return [...shown, ...more].join('<br>') || '–';
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
