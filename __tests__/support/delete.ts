import { expect } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed, Step } from '../../emulator/runner.ts';
import type { Identity } from '../../src/client/identity.ts';
import { type Inputs, markerLine, readable, runAction, secretsOf } from './action.ts';
import { ID, repositoryOf, SECRET, type SecretLocation, STATE, seedFormer } from './saved.ts';

// What the tests of `delete/` share.

/** The names of everything that is saved in a location, as `entriesIn()` returns them. */
export const ALL_ENTRIES = [STATE, ID, SECRET];

/** Runs `delete/`, and checks that its output shows no secret. */
export async function runDelete(emulator: Emulator, inputs: Inputs = {}, step: Step = {}): Promise<Executed> {
  const run = await runAction(emulator, { ...step, action: 'delete', inputs });
  for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
  expect(run.stderr).toBe('');
  return run;
}

/** Adds a client of this identity, by default the runner's repository, like one that an earlier run created. @returns its id */
export function seedManaged(
  emulator: Emulator,
  identity: Partial<Identity> = {},
  {
    marker = {},
    fields = {},
    ...options
  }: { marker?: Parameters<typeof markerLine>[1]; fields?: Parameters<Emulator['seed']>[0] } & Parameters<
    Emulator['seed']
  >[1] = {},
): string {
  const description = `Ours.\n${markerLine(identity, marker)}`;
  return emulator.seed({ name: 'Made by a run', description, ...fields }, options).client.client_id;
}

/** Saves credentials for an environment of the repository, by default for the repository. @returns their location */
export function seedSavedFor(
  emulator: Emulator,
  environment = '',
  identity: Partial<Identity> = { environment },
): SecretLocation {
  const location = environment ? repositoryOf(emulator).addEnvironment(environment) : repositoryOf(emulator);
  seedFormer(emulator, location, { identity });
  return location;
}

/** Returns the names of the variables and secrets in a location. */
export const entriesIn = ({ variables, secrets }: SecretLocation): string[] => [...variables.keys(), ...secrets.keys()];
