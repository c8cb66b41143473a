import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Emulator, Operation } from '../../emulator/index.ts';
import { type Executed, type Outcome, runStep, type Step } from '../../emulator/runner.ts';

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
    env: { RUNNER_DEBUG: '1', ...step.env },
  });
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

/** Everything an emulator knows that must stay secret: credentials, plain secrets, access tokens. */
export function secretsOf(emulator: Emulator): string[] {
  const tokens = emulator.requests.flatMap(({ headers }) => headers.authorization?.replace('Bearer ', '') ?? []);
  return [emulator.credentials.clientSecret, ...emulator.secrets(), ...new Set(tokens)];
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
