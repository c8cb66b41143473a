import { expect } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import type { Outcome } from '../../emulator/runner.ts';
import { EMPTY, errors } from './action.ts';
import { operationsOf } from './requests.ts';

// Checks of how a step ended.

const READS: Operation[] = ['token', 'listClients', 'getClient', 'organizationByExternalId'];

/** Checks that a step succeeded. If it did not, the test shows its errors. */
export function expectSucceeded(run: Outcome): void {
  expect({ exitCode: run.exitCode, errors: errors(run) }).toEqual({ exitCode: 0, errors: [] });
}

/** Checks that a step failed and set no output. If texts are given, it printed one error, which contains them. */
export function expectFailed(run: Outcome, ...texts: (string | RegExp)[]): void {
  expect(run).toMatchObject({ exitCode: 1, outputs: EMPTY });
  if (texts.length === 0) return;
  const [message, ...others] = errors(run);
  expect(others).toEqual([]);
  for (const text of texts)
    expect(message).toEqual(typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text));
}

/** Checks that a run failed, set no output, and recorded nothing that its post step has to undo. */
export function expectFailedCleanly(run: Outcome): void {
  expect(run).toMatchObject({ exitCode: 1, outputs: EMPTY, state: { client: '' } });
}

/**
 * Checks that a step failed with this error before it changed anything.
 * @param clients the clients that existed before the step
 */
export function expectRefusal(emulator: Emulator, run: Outcome, text: string | RegExp, clients: unknown[]): void {
  expectFailed(run, text);
  // The post step has nothing to undo.
  expect(run.state).toEqual({ client: '' });
  expect(operationsOf(emulator).filter((operation) => !READS.includes(operation))).toEqual([]);
  expect(emulator.clients()).toEqual(clients);
}
