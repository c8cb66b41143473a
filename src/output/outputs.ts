import { setOutput } from '@actions/core';
import * as log from './log.ts';

/**
 * Sets the outputs of the step.
 * @throws {Error} if the runner's output file cannot be written
 */
export function setOutputs(outputs: Record<string, string>): void {
  try {
    for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
  } catch (error) {
    throw new Error(`Could not set the outputs: ${log.message(error)}.`);
  }
}
