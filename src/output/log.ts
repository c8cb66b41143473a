import * as core from '@actions/core';
import { redact } from './mask.ts';
import { oneLine } from './text.ts';

// Every word that this action prints goes through this module. It replaces masked values in each text, and changes text
// of a server or a user that the runner would read as a command.

/** Prints one line. Line breaks and control characters become spaces. */
export function info(text: string): void {
  core.info(oneLine(text));
}

/** Prints one line that is shown only if the workflow runs with debug logging. */
export function debug(text: string): void {
  core.debug(oneLine(text));
}

/** Prints one notice annotation of one line. */
export function notice(text: string): void {
  core.notice(oneLine(text));
}

/** Prints one warning annotation of one line. */
export function warning(text: string): void {
  core.warning(oneLine(text));
}

/**
 * Prints one error annotation, which may have several lines, and sets the exit code to 1. If the message does not name
 * the root cause, prints that as a debug line.
 */
export function fail(error: unknown): void {
  core.setFailed(redact(message(error)).split('\n').map(oneLine).join('\n'));
  const root = rootCause(error);
  if (!message(error).includes(root)) debug(`Caused by: ${root}`);
}

/** Returns the message of an error without its stack, or the text of any other thrown value. */
export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the message of the innermost cause. */
function rootCause(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? rootCause(error.cause) : message(error);
}
