import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Emulator, Operation } from '../../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, runStep, type Step } from '../../emulator/runner.ts';
import {
  createNonce,
  formatMarker,
  type Identity,
  identityHash,
  type OwnershipMarker,
} from '../../src/client/identity.ts';

/** The spawned tests look at `dist`, or with ACTION_SOURCE=1 at `src`, so that its coverage can be measured. */
const source = process.env.ACTION_SOURCE === '1';

/** Inputs that name an emulator's environment and organization. */
function inputsFor({ url, credentials, organization }: Emulator): Record<string, string> {
  return {
    scalekit_environment_url: url,
    scalekit_client_id: credentials.clientId,
    scalekit_client_secret: credentials.clientSecret,
    organization_id: organization.id,
  };
}

/** Runs the action against an emulator, with debug logging, since what must not appear must not appear there either. */
export function runAction(emulator: Emulator, step: Step = {}): Promise<Executed> {
  return runStep({
    source,
    ...step,
    inputs: { ...inputsFor(emulator), ...step.inputs },
    env: { RUNNER_DEBUG: '1', ...emulator.github.variables, ...step.env },
  });
}

/** Inputs that keep the pair in an emulator's GitHub, with a token that may do everything there. */
export function savingIn(
  { github }: Emulator,
  save_to: 'repository' | 'environment' = 'repository',
): Record<string, string> {
  return { save_to, github_token: github.token };
}

/** Variables that make a process trust an authority (PEM), whose certificate is written into a folder. */
export function trust(folder: string, ca = ''): { NODE_EXTRA_CA_CERTS: string } {
  const file = path.join(folder, 'ca.pem');
  writeFileSync(file, ca);
  return { NODE_EXTRA_CA_CERTS: file };
}

/** Runs the action with nothing but the step's own inputs. */
export function runBare(step: Step): Promise<Executed> {
  return runStep({ source, ...step });
}

/** Everything a run left where a person may read it: the log without its mask commands, annotations, summary, state. */
export function readable(run: Outcome): string {
  const log = run.stdout
    .split('\n')
    .filter((line) => !line.startsWith('::add-mask::'))
    .join('\n');
  return [log, run.stderr, run.summary, JSON.stringify(run.state)].join('\n');
}

/** Everything an emulator knows that must stay secret: credentials, plain secrets, tokens of Scalekit and GitHub. */
export function secretsOf(emulator: Emulator): string[] {
  const { credentials, github, requests } = emulator;
  const tokens = requests.flatMap(({ headers }) => headers.authorization?.replace(/^(Bearer|token) /i, '') ?? []);
  return [credentials.clientSecret, ...emulator.secrets(), ...github.idTokens, ...new Set(tokens)];
}

/** Whether the pair in a step's outputs gets a token. */
export async function credentialsWork(
  { url }: Emulator,
  { client_id = '', secret = '' }: Outcome['outputs'],
): Promise<boolean> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret: secret });
  return (await fetch(`${url}/oauth/token`, { method: 'POST', body })).status === 200;
}

/** Makes a step hear SIGINT while the server has a request of an operation before it, which it then does. */
export function interruptedAt(emulator: Emulator, interrupted: Operation): Required<Pick<Step, 'onStart'>> {
  let kill = (_: NodeJS.Signals) => {};
  emulator.hold = async (when, { operation }) => {
    if (when !== 'before' || operation !== interrupted) return;
    kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 200));
  };
  return { onStart: (send) => (kill = send) };
}

/** The requests for one operation, in the order of their arrival. */
export function sentTo(emulator: Emulator, operation: Operation): Emulator['requests'] {
  return emulator.requests.filter((request) => request.operation === operation);
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

/** The last line of the description of a client that an earlier run made: for the runner's repository, unless told otherwise. */
export function trailerLine(identity: Partial<Identity> = {}, marker: Partial<OwnershipMarker> = {}): string {
  const { GITHUB_REPOSITORY: repository, GITHUB_REPOSITORY_ID: repository_id } = RUNNER_VARIABLES;
  const lifetime = identity.lifetime ?? 'persistent';
  const key = identityHash({ repository, repository_id, environment: '', name: undefined, lifetime, ...identity });
  const marks = { repo: repository_id, by: repository_id };
  return formatMarker({ key, ...marks, run: '1.1', lifetime, nonce: createNonce(), ...marker });
}

/** The claims that a client of the runner's repository has by default. */
export const REPOSITORY_CLAIMS = [
  { key: 'github_repository', value: RUNNER_VARIABLES.GITHUB_REPOSITORY },
  { key: 'github_repository_id', value: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID },
];

type Seed = Parameters<Emulator['seed']>;

/** Puts a client there as an earlier run without inputs made it. */
export function seedEarlier(emulator: Emulator, fields: Seed[0], options: Seed[1]): ReturnType<Emulator['seed']> {
  const name = `GitHub Actions: ${RUNNER_VARIABLES.GITHUB_REPOSITORY}`;
  return emulator.seed(
    { name, description: `Ours.\n${trailerLine()}`, custom_claims: REPOSITORY_CLAIMS, ...fields },
    options,
  );
}

/** Variables and Node options that make the action note in `file` what it does, in order. */
export function journalTo(file: string): Required<Pick<Step, 'env' | 'nodeOptions'>> {
  return {
    env: { JOURNAL: file },
    nodeOptions: ['--import', fileURLToPath(new URL('journal.js', import.meta.url))],
  };
}

export function readJournal(file: string): { to: string; text: string }[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
