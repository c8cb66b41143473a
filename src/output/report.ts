import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { message } from './log.ts';
import { redact } from './mask.ts';

/** Characters that are written at once. */
const CHUNK = 64 * 1024;

/**
 * Writes a JSON object into a new file that only this user can read, one entry of its last list after the other, so that a
 * long list is never in memory as a whole.
 * @param list name of the list
 * @returns the path of the file, whose name is random
 * @throws {Error} if the file cannot be written
 */
export function writeReport(folder: string, head: object, list: string, entries: Iterable<object>): string {
  const file = path.join(folder, `scalekit-audit-${randomBytes(12).toString('hex')}.json`);
  try {
    // It must not exist, not even as a link.
    const descriptor = fs.openSync(file, 'wx', 0o600);
    try {
      for (const chunk of chunks(reportLines(head, list, entries))) fs.writeFileSync(descriptor, chunk);
    } finally {
      fs.closeSync(descriptor);
    }
    return file;
  } catch (error) {
    throw new Error(`Could not write the report: ${message(error)}.`, { cause: error });
  }
}

function* reportLines(head: object, list: string, entries: Iterable<object>): Generator<string> {
  yield `${toJson(head).slice(0, -1)},"${list}":[`;
  let separator = '\n';
  for (const entry of entries) {
    yield separator + toJson(entry);
    separator = ',\n';
  }
  yield '\n]}\n';
}

/** Returns a value as JSON, with null in place of undefined. Masked values are replaced. */
function toJson(value: object): string {
  return redact(JSON.stringify(value, (_, inner) => inner ?? null));
}

/** Joins texts until they are long enough to be written. */
function* chunks(texts: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const text of texts) {
    chunk += text;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}
