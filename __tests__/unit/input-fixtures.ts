import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, jest } from '@jest/globals';
import type { DesiredClient } from '../../src/client/desired.ts';
import { InputError, type Report } from '../../src/client/faults.ts';
import { type Target, targetFromApi, targetFromIdToken, targetFromRunner } from '../../src/client/target.ts';
import type { ConnectionInputs } from '../../src/inputs/connection.ts';
import { createNonce, desiredClientFrom } from '../../src/inputs/desired-client.ts';
import { type Inputs, readInputs } from '../../src/inputs/inputs.ts';
import { useFolder } from '../support/folders.ts';

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
/** The variables that can replace inputs. */
export const SCALEKIT_VARIABLES: Values = {
  SCALEKIT_ENVIRONMENT_URL: 'https://acme.scalekit.com',
  SCALEKIT_CLIENT_ID: 'skc_1',
  SCALEKIT_CLIENT_SECRET: SECRET,
  SCALEKIT_ORGANIZATION_ID: 'org_1',
};
export const GITHUB_TOKEN = ['fake', 'github', 'token'].join('-');
/** Inputs with which the credentials are saved. */
export const SAVING: Values = { save_to: 'repository', github_token: GITHUB_TOKEN };
/** Inputs for a client of another repository. */
export const OTHER_REPOSITORY: Values = { repository: 'acme/other', github_token: GITHUB_TOKEN };
/** The variables of a job that may have an ID token. */
export const ID_TOKEN_VARIABLES: Values = {
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.example',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'a',
};
export const RUNNER: Values = {
  GITHUB_OUTPUT: '/runner/output',
  RUNNER_TEMP: '/runner/temp',
  GITHUB_REPOSITORY: 'acme/app',
  GITHUB_REPOSITORY_ID: '1296269',
  GITHUB_RUN_ID: '1658821493',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
};

/** Returns the value that a parser reads from a text, and the problems that it reports. */
export function read<T>(parse: (text: string, report: Report) => T, text: string): { value: T; problems: string[] } {
  const problems: string[] = [];
  const value = parse(text, (problem) => problems.push(problem));
  return { value, problems };
}

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

/** Runs a reader with these inputs and with the variables of a runner. */
export function readWith<T>(reader: (env: NodeJS.ProcessEnv) => T, changes: Values, env: Values = {}): T {
  setInputs(changes);
  return reader({ ...RUNNER, ...env });
}

/** Returns the inputs of the action. */
export function readMain(changes: Values = {}, env: Values = {}): Inputs {
  return readWith(readInputs, changes, env);
}

/** Returns the message of the error about the inputs of the action. */
export function mainError(changes: Values, env: Values = {}): string {
  return inputError(() => readMain(changes, env));
}

/** Returns the faults of the inputs of the action. There are too many for an annotation. */
export function mainFaults(changes: Values, env: Values = {}): string[] {
  try {
    readMain(changes, env);
  } catch (error) {
    if (error instanceof InputError) return error.message.split('\n').slice(1);
    throw error;
  }
  throw new Error('the inputs were accepted');
}

/** Returns the connection and the desired client that result from the inputs and the runner's variables. */
export function resolve(changes: Values = {}, env: Values = {}): ConnectionInputs & DesiredClient {
  const inputs = readMain(changes, env);
  const { runner, origin, credentials, organization_external_id, timeout, warnings } = inputs;
  const connection = { runner, origin, credentials, organization_external_id, timeout, warnings };
  const target = targetFromRunner(runner, { ...RUNNER, ...env }, inputs.environment);
  return { ...connection, ...desiredClientFrom(inputs, target, createNonce()) };
}

/** Returns the message of the error that the inputs and the runner's variables result in. */
export function resolveError(changes: Values, env: Values = {}): string {
  return inputError(() => resolve(changes, env));
}

/**
 * Returns a function that writes the payload of an event that a pull request from a fork triggered, and returns the variables
 * of a run with this event.
 */
export function useForkEvent(): (eventName: string) => Values {
  const inFolder = useFolder();
  return (eventName) => {
    const event = { pull_request: { head: { repo: { full_name: 'mallory/app' } } } };
    writeFileSync(inFolder('event.json'), JSON.stringify(event));
    return { GITHUB_EVENT_NAME: eventName, GITHUB_EVENT_PATH: inFolder('event.json') };
  };
}

/** A nonce of an execution of the step. */
export const NONCE = 'nonce_789-123456';

/** Returns the target according to an ID token with these claims. */
export function tokenTarget(payload: Record<string, unknown>): Target {
  const fromRunner = targetFromRunner({ ...readMain().runner, repository_id: undefined }, RUNNER, '');
  return targetFromIdToken({ repository: 'acme/app', ...payload }, fromRunner, () => () => {});
}

/** A target according to GitHub's API. */
export const API_TARGET = targetFromApi(
  { id: 42, full_name: 'Acme/Other', owner: { login: 'Acme', id: 7 } },
  'production',
);
