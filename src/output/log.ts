import * as core from '@actions/core';
import { isShortEnough, ListError, shorten } from './annotation.ts';
import { redact } from './mask.ts';
import { oneLine } from './text.ts';

// Every word that this action prints goes through this module. It replaces masked values in each text, and changes text
// of a server or a user that the runner would read as a command.

/**
 * Prints one line. Line breaks and control characters become spaces. `::` at its beginning is broken up, because the
 * runner reads such a line as a command.
 */
export function info(text: string): void {
  core.info(oneLine(text).replace(/^\s*::/, ': :'));
}

/** Prints one line that is shown only if the workflow runs with debug logging. */
export function debug(text: string): void {
  core.debug(oneLine(text));
}

/** Prints one notice annotation of one line. If it is too long, its lines are shortened one by one. */
export function notice(text: string): void {
  annotate(core.notice, text, (lines) => oneLine(lines.join('\n')));
}

/** Prints one warning annotation of one line. If it is too long, its lines are shortened one by one. */
export function warning(text: string): void {
  annotate(core.warning, text, (lines) => oneLine(lines.join('\n')));
}

/**
 * Prints one error annotation, which may have several lines, and sets the exit code to 1. If the message does not name
 * the root cause, prints that as a debug line. If the error lists more than its message has, prints all entries first.
 */
export function fail(error: unknown): void {
  entriesOf(error).forEach(info);
  annotate(core.setFailed, message(error), (lines) => lines.join('\n'));
  const root = rootCause(error);
  if (!message(error).includes(root)) debug(`Caused by: ${root}`);
}

/** Returns the message of an error without its stack, or the text of any other thrown value. */
export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Prints an annotation. GitHub would cut a long one without a notice, so a long one is shortened, and all of its lines are
 * printed in the log before it.
 */
function annotate(print: (text: string) => void, text: string, join: (lines: string[]) => string): void {
  // Replace masked values before anything is cut: a part of one would no longer match.
  const lines = redact(text).split('\n').map(oneLine);
  const isWhole = isShortEnough(join(lines));
  if (!isWhole) lines.forEach(info);
  print(join(isWhole ? lines : shorten(lines)));
}

/** Returns all entries of an error, or of a cause of it, that lists more than its message has. */
function entriesOf(error: unknown): string[] {
  if (error instanceof ListError) return error.allEntries;
  return error instanceof Error ? entriesOf(error.cause) : [];
}

/** Returns the message of the innermost cause. */
function rootCause(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? rootCause(error.cause) : message(error);
}
