import { afterEach, beforeEach, jest } from '@jest/globals';
import { InputError } from '../../src/client/faults.ts';

export type Values = Record<string, string | undefined>;

/** The environment's API secret. */
export const SECRET = ['fake', 'api', 'secret'].join('-');
export const EXPRESSION = ['$', '{{ secrets.WRONG_NAME }}'].join('');

/** The inputs that a step of any of the actions needs at least. */
const INPUTS: Values = {
  scalekit_environment_url: 'https://acme.scalekit.com',
  scalekit_client_id: 'skc_1',
  scalekit_client_secret: SECRET,
  organization_id: 'org_1',
};
/** Removes the inputs that a variable can replace. */
export const NO_INPUTS = Object.fromEntries(Object.keys(INPUTS).map((name) => [name, undefined]));
export const RUNNER: Values = {
  GITHUB_OUTPUT: '/runner/output',
  GITHUB_REPOSITORY: 'acme/app',
  GITHUB_REPOSITORY_ID: '1296269',
  GITHUB_RUN_ID: '1658821493',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
};

/**
 * Removes all inputs from the environment before and after each test of the file.
 * @returns a function that returns what the test has printed so far
 */
export function useCleanInputs(): () => string {
  let printed = '';
  beforeEach(() => {
    clearInputs();
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
  });
  afterEach(() => {
    clearInputs();
    jest.restoreAllMocks();
  });
  return () => printed;
}

function clearInputs(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('INPUT_')) delete process.env[name];
}

/** Sets the inputs to those of `INPUTS` with changes, each in the variable in which a runner passes it. */
export function setInputs(changes: Values): void {
  clearInputs();
  for (const [name, value] of Object.entries({ ...INPUTS, ...changes }))
    if (value !== undefined) process.env[`INPUT_${name.toUpperCase()}`] = value;
}

/**
 * Returns the message of the InputError that a function throws. Any other error passes through.
 * @throws {Error} if the function throws nothing
 */
export function inputError(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('the inputs were accepted');
}
