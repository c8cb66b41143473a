import { afterEach, beforeEach, jest } from '@jest/globals';
import { InputError } from '../../src/client/faults.ts';

export type Values = Record<string, string | undefined>;

export const SECRET = ['fake', 'administrator', 'secret'].join('-');
export const EXPRESSION = ['$', '{{ secrets.WRONG_NAME }}'].join('');

/** The least that a step of any of the actions needs. */
const INPUTS: Values = {
  scalekit_environment_url: 'https://acme.scalekit.com',
  scalekit_client_id: 'skc_1',
  scalekit_client_secret: SECRET,
  organization_id: 'org_1',
};
/** Without any of the inputs that have a variable to stand in for them. */
export const NO_INPUTS = Object.fromEntries(Object.keys(INPUTS).map((name) => [name, undefined]));
export const RUNNER: Values = {
  GITHUB_OUTPUT: '/runner/output',
  GITHUB_REPOSITORY: 'acme/app',
  GITHUB_REPOSITORY_ID: '1296269',
  GITHUB_RUN_ID: '1658821493',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
};

/** Gives each test of a file an environment without inputs. @returns what the test has printed so far */
export function withoutInputs(): () => string {
  let printed = '';
  beforeEach(() => {
    forgetInputs();
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
  });
  afterEach(() => {
    forgetInputs();
    jest.restoreAllMocks();
  });
  return () => printed;
}

function forgetInputs(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('INPUT_')) delete process.env[name];
}

/** Hands inputs over as a runner does: those of `INPUTS`, changed, in variables of their own. */
export function give(changes: Values): void {
  forgetInputs();
  for (const [name, value] of Object.entries({ ...INPUTS, ...changes }))
    if (value !== undefined) process.env[`INPUT_${name.toUpperCase()}`] = value;
}

/** The message of the one error about inputs that something ends with. */
export function inputError(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('the inputs were accepted');
}
