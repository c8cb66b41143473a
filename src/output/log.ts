import * as core from '@actions/core';
import { fitAnnotation } from './annotation.ts';
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

/**
 * Prints a notice annotation as one line. If it is too long, its longest parts are shortened, and the log has the whole
 * text.
 */
export function notice(text: string): void {
  annotate(core.notice, text, ' ');
}

/** Prints a warning annotation as one line, like notice(). */
export function warning(text: string): void {
  annotate(core.warning, text, ' ');
}

/**
 * Prints an error annotation, which may have several lines, and sets the exit code to 1. If it is too long, it is
 * shortened like a notice. If the message does not name the root cause, prints that as a debug line.
 */
export function fail(error: unknown): void {
  annotate(core.setFailed, message(error), '\n');
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
function annotate(print: (text: string) => void, text: string, separator: ' ' | '\n'): void {
  // Replace masked values before anything is cut: a part of one would no longer match.
  const lines = redact(text).split('\n').map(oneLine);
  const short = fitAnnotation(lines);
  if (short.join('\n') !== lines.join('\n')) lines.forEach(info);
  print(short.join(separator));
}

/** Returns the message of the innermost cause. */
function rootCause(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? rootCause(error.cause) : message(error);
}
