import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Emulator } from '../../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, runStep, type Step } from '../../emulator/runner.ts';
import { type Identity, identityHash } from '../../src/client/identity.ts';
import { formatMarker, type OwnershipMarker } from '../../src/client/marker.ts';
import { createNonce } from '../../src/inputs/desired-client.ts';

/**
 * The spawned tests run `dist`. If ACTION_SOURCE names a folder, they run the sources in it: `src`, or what
 * scripts/strip.ts wrote.
 */
export const source = process.env.ACTION_SOURCE;

/** Inputs of a step, by name. */
export type Inputs = Record<string, string>;

/** Returns inputs that name an emulator's environment and organization. */
function inputsFor({ url, credentials, organization }: Emulator): Inputs {
  return {
    scalekit_environment_url: url,
    scalekit_client_id: credentials.clientId,
    scalekit_client_secret: credentials.clientSecret,
    organization_id: organization.id,
  };
}

/**
 * Runs the action against an emulator. Debug logging is on, because no secret may appear there either. The lifetime is
 * given, because a notice says so if it is not.
 */
export function runAction(emulator: Emulator, step: Step = {}): Promise<Executed> {
  const lifetime = /^(delete|sweep|audit)$/.test(step.action ?? '') ? {} : { lifetime: 'persistent' };
  return runStep({
    source,
    ...step,
    inputs: { ...inputsFor(emulator), ...lifetime, ...step.inputs },
    env: { RUNNER_DEBUG: '1', ...emulator.github.variables, ...step.env },
  });
}

/** Returns inputs that save the credentials in an emulator's GitHub, with a token that has all permissions there. */
export function savingIn({ github }: Emulator, save_to: 'repository' | 'environment' = 'repository'): Inputs {
  return { save_to, github_token: github.token };
}

/**
 * Writes the certificate of an authority (PEM) into a folder.
 * @returns variables that make a process trust the authority
 */
export function trust(folder: string, ca = ''): { NODE_EXTRA_CA_CERTS: string } {
  const file = path.join(folder, 'ca.pem');
  writeFileSync(file, ca);
  return { NODE_EXTRA_CA_CERTS: file };
}

/** Runs the action with no inputs and variables but those of `step`. */
export function runBare(step: Step): Promise<Executed> {
  return runStep({ source, ...step });
}

/** Matches only an object without properties. In toMatchObject(), `{}` matches any object. */
export const EMPTY = {
  $$typeof: Symbol.for('jest.asymmetricMatcher'),
  asymmetricMatch: (value: unknown) => isDeepStrictEqual(value, {}),
  toAsymmetricMatcher: () => 'EMPTY',
  toString: () => 'EMPTY',
};

/** Returns what a run shows to a person: the log without mask commands, annotations, summary and state. */
export function readable(run: Outcome): string {
  const log = run.stdout
    .split('\n')
    .filter((line) => !line.startsWith('::add-mask::'))
    .join('\n');
  return [log, run.stderr, run.summary, JSON.stringify(run.state)].join('\n');
}

/** Returns the printed lines that are not commands. GitHub never cuts them. */
export function plainLines(run: Outcome): string[] {
  return run.stdout.split(/\r?\n/).filter((line) => !line.startsWith('::'));
}

/** Returns the length of the longest printed annotation, with its command and escapes. GitHub cuts at 4,096 characters. */
export function longestAnnotation(run: Outcome): number {
  const lines = run.stdout.split(/\r?\n/).filter((line) => /^::(error|warning|notice)::/.test(line));
  return Math.max(0, ...lines.map((line) => line.length));
}

/** Returns all secrets that an emulator knows: API credentials, plain secrets, tokens of Scalekit and GitHub. */
export function secretsOf(emulator: Emulator): string[] {
  const { credentials, github, requests } = emulator;
  const tokens = requests.flatMap(({ headers }) => headers.authorization?.replace(/^(Bearer|token) /i, '') ?? []);
  return [credentials.clientSecret, ...emulator.secrets(), ...github.idTokens, ...new Set(tokens)];
}

/** Returns whether the credentials in a step's outputs get a token. */
export async function credentialsWork(
  { url }: Emulator,
  { client_id = '', secret = '' }: Outcome['outputs'],
): Promise<boolean> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret: secret });
  return (await fetch(`${url}/oauth/token`, { method: 'POST', body })).status === 200;
}

export function errors(run: Outcome): string[] {
  return run.annotations.filter(({ kind }) => kind === 'error').map(({ message }) => message);
}

export function warnings(run: Outcome): string[] {
  return run.annotations.filter(({ kind }) => kind === 'warning').map(({ message }) => message);
}

export function notices(run: Outcome): string[] {
  return run.annotations.filter(({ kind }) => kind === 'notice').map(({ message }) => message);
}

/**
 * Returns the ownership marker of a client that an earlier run created. By default the client is persistent and for the
 * runner's repository.
 */
export function markerLine(identity: Partial<Identity> = {}, marker: Partial<OwnershipMarker> = {}): string {
  const { GITHUB_REPOSITORY: repository, GITHUB_REPOSITORY_ID: repository_id } = RUNNER_VARIABLES;
  const lifetime = identity.lifetime ?? 'persistent';
  const key = identityHash({ repository, repository_id, environment: '', name: undefined, lifetime, ...identity });
  const repositories = { repo: repository_id, by: repository_id };
  return formatMarker({ key, ...repositories, run: '1.1', lifetime, nonce: createNonce(), ...marker });
}

/** The claims that a client of the runner's repository has by default. */
export const REPOSITORY_CLAIMS = [
  { key: 'github_repository', value: RUNNER_VARIABLES.GITHUB_REPOSITORY },
  { key: 'github_repository_id', value: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID },
];

type Seed = Parameters<Emulator['seed']>;

/** Adds a client to the emulator like one that an earlier run without inputs created. */
export function seedEarlier(emulator: Emulator, fields: Seed[0], options: Seed[1]): ReturnType<Emulator['seed']> {
  const name = `GitHub Actions: ${RUNNER_VARIABLES.GITHUB_REPOSITORY}`;
  return emulator.seed(
    { name, description: `Ours.\n${markerLine()}`, custom_claims: REPOSITORY_CLAIMS, ...fields },
    options,
  );
}
