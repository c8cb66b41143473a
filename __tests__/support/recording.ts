import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Step } from '../../emulator/runner.ts';

// What a step prints and what it writes into the runner's files, in order.

/** One write of a step. */
export interface Write {
  /** `log` for standard output, otherwise the name of the file, such as `output` or `state`. */
  to: string;
  text: string;
}

/** Returns variables and Node options that make the action record in `file` what it prints and writes, in order. */
export function recordTo(file: string): Required<Pick<Step, 'env' | 'nodeOptions'>> {
  return {
    env: { RECORDING: file },
    nodeOptions: ['--import', fileURLToPath(new URL('recording.js', import.meta.url))],
  };
}

/** Returns what was recorded in a file so far. */
export function readRecording(file: string): Write[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
