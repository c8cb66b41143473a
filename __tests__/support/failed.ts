import { expect } from '@jest/globals';
import type { Outcome } from '../../emulator/runner.ts';

/** Checks that a step failed and set no output. `toMatchObject({ outputs: {} })` would accept any outputs. */
export function expectFailed({ exitCode, outputs }: Outcome): void {
  expect({ exitCode, outputs }).toEqual({ exitCode: 1, outputs: {} });
}
