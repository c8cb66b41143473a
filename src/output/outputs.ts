import { setOutput } from '@actions/core';
import * as log from './log.ts';

export function setOutputs(outputs: Record<string, string>): void {
  try {
    for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
  } catch (error) {
    throw new Error(`Could not set the outputs: ${log.message(error)}.`);
  }
}
