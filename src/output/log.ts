import * as core from '@actions/core';
import { redact } from './mask.ts';
import { oneLine } from './text.ts';

// Every word that this action prints goes through here: no secret, and no text of a server or a user that the
// runner would take for a command.

/** @param text one line; what breaks lines or moves a terminal's cursor becomes a space */
export function info(text: string): void {
  core.info(oneLine(text));
}

/** A line that is seen only where the workflow runs with debug logging. */
export function debug(text: string): void {
  core.debug(oneLine(text));
}

export function notice(text: string): void {
  core.notice(oneLine(text));
}

export function warning(text: string): void {
  core.warning(oneLine(text));
}

/** One error annotation, which may have several lines, and exit code 1. */
export function fail(error: unknown): void {
  core.setFailed(redact(message(error)).split('\n').map(oneLine).join('\n'));
  const root = rootCause(error);
  if (!message(error).includes(root)) debug(`Caused by: ${root}`);
}

function rootCause(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? rootCause(error.cause) : message(error);
}

/** What an error has to say, without its stack. */
export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
