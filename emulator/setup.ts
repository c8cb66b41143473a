// What the command line of the emulator prepares, so that each mode of the actions can be tried by hand.

import type { Emulator, EmulatorOptions } from './index.ts';
import { type RunnerVariables, runnerVariables } from './variables.ts';

const DAY_MS = 86_400_000;

/** The options of the command line that prepare something, apart from `--github`, for `parseArgs`. */
export const setupOptions = {
  repository: { type: 'string', multiple: true, default: [] as string[] },
  environment: { type: 'string', multiple: true, default: [] as string[] },
  'organization-external-id': { type: 'string' },
  'secret-age': { type: 'string' },
} as const;

type Values = {
  github: boolean;
  repository: string[];
  environment: string[];
  'organization-external-id'?: string;
  'secret-age'?: string;
};

/** What the command line prepares. */
export type Setup = {
  /** What the emulator is started with. */
  options: EmulatorOptions & { runner: RunnerVariables };
  /** Whether the repositories and environments are added to GitHub, and the variables of a job are printed. */
  withGitHub: boolean;
  repositories: string[];
  environments: string[];
};

/**
 * Checks the values of `setupOptions`. Those about repositories and environments imply `--github`.
 * @throws {Error} that names every invalid value
 */
export function parseSetup(values: Values): Setup {
  const { repository: repositories, environment: environments } = values;
  const { 'organization-external-id': organizationExternalId, 'secret-age': days = '0' } = values;
  const problems = [
    ...repositories.filter((name) => !isRepository(name)).map((name) => `--repository ${name}: expected OWNER/NAME`),
    ...duplicates(repositories).map((name) => `--repository ${name}: expected each name once`),
    ...environments
      .filter((name) => !isText(name, 255))
      .map((name) => `--environment ${name}: expected a name of 1 to 255 characters`),
    ...duplicates(environments).map((name) => `--environment ${name}: expected each name once`),
  ];
  if (organizationExternalId !== undefined && !isText(organizationExternalId, 256))
    problems.push(`--organization-external-id ${organizationExternalId}: expected an id of 1 to 256 characters`);
  if (!/^\d{1,4}$/.test(days)) problems.push(`--secret-age ${days}: expected a number of days, 0 to 9999`);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const withGitHub = values.github || repositories.length > 0 || environments.length > 0;
  const options = {
    organizationExternalId,
    firstSecretAgeMs: Number(days) * DAY_MS,
    runner: runnerVariables(repositories[0]),
  };
  return { options, withGitHub, repositories, environments };
}

/**
 * Adds repositories and environments to the emulated GitHub, and a completed run to the first repository.
 * @returns the variables of a job in the first repository and, if one was named, in the first environment
 */
export function prepareGitHub({ github }: Emulator, { options, repositories, environments }: Setup) {
  const { runner } = options;
  const [first = runner.GITHUB_REPOSITORY, ...others] = repositories;
  const endedRunId = Number(runner.GITHUB_RUN_ID) - 1;
  github.addRun(first, { id: endedRunId, status: 'completed' });
  for (const name of others) github.addRepository(name);
  for (const name of [first, ...others])
    for (const environment of environments.length > 0 ? environments : ['production'])
      github.repository(name).addEnvironment(environment);
  if (environments[0]) github.idTokenClaims = { environment: environments[0] };
  return {
    ...runner,
    ...github.variables,
    SECRETS_TOKEN: github.token,
    ...github.idTokenVariables,
    ENDED_RUN_ID: String(endedRunId),
  };
}

/** Returns whether a text is the full name of a repository, by the characters and lengths that GitHub allows. */
function isRepository(text: string): boolean {
  return /^[a-z\d](?:[a-z\d-]{0,38})\/(?!\.{1,2}$)[\w.-]{1,100}$/i.test(text);
}

/** Returns whether a text is one line of 1 to `length` characters, with a visible one at both ends. */
function isText(text: string, length: number): boolean {
  return text.length > 0 && text.length <= length && text === text.trim() && !/\p{Cc}/u.test(text);
}

/** Returns the names that an earlier one equals. GitHub does not distinguish upper and lower case. */
function duplicates(names: string[]): string[] {
  const keys = names.map((name) => name.toLowerCase());
  return names.filter((_, index) => keys.indexOf(String(keys[index])) < index);
}
