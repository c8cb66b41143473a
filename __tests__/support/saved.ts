import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import { type Identity, identityHash } from '../../src/client/identity.ts';
import {
  credentialsWork,
  type Inputs,
  markerLine,
  readable,
  runAction,
  savingIn,
  secretsOf,
  seedEarlier,
} from './action.ts';
import { operationsOf } from './requests.ts';
import { DAY } from './times.ts';

// What the tests of saved credentials share: two variables and a secret in GitHub Actions.

export type SecretLocation = Pick<
  ReturnType<Emulator['github']['repository']>,
  'variables' | 'secrets' | 'setVariable' | 'setSecret'
>;
type Request = Emulator['requests'][number];

export const REPOSITORY = RUNNER_VARIABLES.GITHUB_REPOSITORY;
export const STATE = 'SCALEKIT_M2M_STATE';
export const ID = 'SCALEKIT_M2M_CLIENT_ID';
export const SECRET = 'SCALEKIT_M2M_CLIENT_SECRET';
export const NAMES = `variables ${ID} and ${STATE} and secret ${SECRET}`;

const CHANGES: Operation[] = [
  'createClient',
  'updateClient',
  'deleteClient',
  'addSecret',
  'deleteSecret',
  'createVariable',
  'updateVariable',
  'deleteVariable',
  'putActionsSecret',
  'deleteActionsSecret',
];

/** What a token needs, as an error says it, by the permission. */
export const FINE_AND_CLASSIC = {
  secrets: /permission Secrets \(write\), a classic one the scope repo/,
  variables: /permission Variables \(write\), a classic one the scope repo/,
  environment: /permissions Environments \(write\) .*, a classic one the scope repo/,
};

/** Short forms of the names of the variables, for labelOf(). */
const SHORT: Record<string, string> = { [STATE]: 'STATE', [ID]: 'CLIENT_ID' };

/** Runs the action with `save_to: repository`, unless the inputs say otherwise. */
export const saveWith = (emulator: Emulator, inputs: Inputs = {}, step: Step = {}): Promise<Executed> =>
  runAction(emulator, { ...step, inputs: { ...savingIn(emulator), ...inputs } });

export const repositoryOf = ({ github }: Emulator) => github.repository(REPOSITORY);

/** Returns the credentials that a location holds, with the names of a step's outputs. */
export const credentialsIn = ({ variables, secrets }: SecretLocation) => ({
  client_id: variables.get(ID)?.value,
  secret: secrets.get(SECRET)?.value,
});
export const credentialsOf = ({ outputs: { client_id, secret } }: Outcome) => ({ client_id, secret });

/** Returns the identity hash of the runner's repository. */
export function identityHashOf(identity: Partial<Identity> = {}): string {
  const { GITHUB_REPOSITORY_ID: repository_id } = RUNNER_VARIABLES;
  const persistent: Identity = {
    repository: REPOSITORY,
    repository_id,
    environment: '',
    name: undefined,
    lifetime: 'persistent',
  };
  return identityHash({ ...persistent, ...identity });
}

/** Returns the value of `…_STATE` as a run of the runner's repository writes it. */
export function stateValue(emulator: Emulator, secretId: string, identity: Partial<Identity> = {}): string {
  return `v1 key:${identityHashOf(identity)} organization:${emulator.organization.id} secret:${secretId}`;
}

/** Adds a client whose credentials an earlier run saved, `ageMs` milliseconds ago. `…_STATE` names its first secret. */
export function seedSaved(
  emulator: Emulator,
  {
    location = repositoryOf(emulator),
    fields = {},
    identity = {},
    ageMs = DAY,
    secrets = 1,
  }: {
    location?: SecretLocation;
    fields?: Parameters<typeof seedEarlier>[1];
    identity?: Partial<Identity>;
    ageMs?: number;
    secrets?: number | { ageMs: number; inactive?: boolean }[];
  } = {},
) {
  const description = `Ours.\n${markerLine(identity)}`;
  const { client, plainSecrets } = seedEarlier(emulator, { description, ...fields }, { ageMs, secrets });
  const secretId = client.secrets?.[0]?.id ?? '';
  const credentials = { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
  location.setVariable(STATE, stateValue(emulator, secretId, identity), ageMs);
  location.setVariable(ID, credentials.client_id, ageMs);
  location.setSecret(SECRET, credentials.secret, ageMs);
  return { client, secretId, plainSecrets, credentials };
}

/** Saves credentials of a client of the same owner, `m2morg_1`, that does not exist any more. */
export function seedFormer(
  emulator: Emulator,
  location: SecretLocation = repositoryOf(emulator),
  { identity = {}, ageMs = DAY }: { identity?: Partial<Identity>; ageMs?: number } = {},
): void {
  location.setVariable(STATE, stateValue(emulator, 'sks_1', identity), ageMs);
  location.setVariable(ID, 'm2morg_1', ageMs);
  location.setSecret(SECRET, ['what', 'is', 'saved'].join('-'), ageMs);
}

/** Returns everything that a failed step must restore, without the times of the changes. */
export function contents(emulator: Emulator, { variables, secrets }: SecretLocation = repositoryOf(emulator)) {
  const clients = emulator.clients().map(({ update_time: _, secrets: all = [], ...client }) => ({
    ...client,
    secrets: all.map(({ id, status }) => ({ id, status })),
  }));
  const values = Object.fromEntries([...variables].map(([name, { value }]) => [name, value]));
  return { clients, variables: values, secrets: Object.fromEntries(secrets) };
}

export const NOTHING = { clients: [], variables: {}, secrets: {} };

/** Returns the name of the variable or secret in GitHub Actions that a request is about. */
const entryOf = ({ path, body }: Request): string =>
  (body as { name?: string } | undefined)?.name ?? path.split('/').at(-1) ?? '';

/** Returns the address of a variable of the repository. */
export const variableUrl = ({ github }: Emulator, name: string): string =>
  `${github.apiUrl}/repos/${REPOSITORY}/actions/variables/${name}`;

/** Returns whether a request is about a variable, or a secret in GitHub Actions, of this name. */
export const isAbout =
  (name: string) =>
  (request: Request): boolean =>
    entryOf(request) === name;

/** Returns the operation of a request; for a variable, with its name: `updateVariable STATE`. */
export function labelOf(request: Request): string {
  const name = /Variable$/.test(request.operation) ? entryOf(request) : '';
  return [request.operation, SHORT[name] ?? name].filter(Boolean).join(' ');
}

/** Returns the requests that change something, in order, as labelOf() names them. */
export const changesOf = (emulator: Emulator, from = 0): string[] =>
  emulator.requests
    .slice(from)
    .filter(({ operation }) => CHANGES.includes(operation))
    .map(labelOf);

/** Returns the changes in GitHub Actions alone. */
export const writesOf = (emulator: Emulator, from = 0): string[] =>
  changesOf(emulator, from).filter((label) => /Variable|ActionsSecret/.test(label));

/** Checks that no output of these runs shows a secret. */
export function expectNoSecrets(emulator: Emulator, ...runs: Outcome[]): void {
  for (const run of runs)
    for (const secret of [emulator.github.token, ...secretsOf(emulator)]) expect(readable(run)).not.toContain(secret);
}

/** Runs the post step of a run, and checks that it prints nothing and sends nothing. */
export async function expectPostDoesNothing(emulator: Emulator, main: Executed): Promise<void> {
  const from = emulator.requests.length;
  const { exitCode, stdout } = await main.post();
  expect({ exitCode, stdout, sent: operationsOf(emulator, from) }).toEqual({ exitCode: 0, stdout: '', sent: [] });
}

/** Returns whether the credentials that the repository holds get a token. */
export const savedCredentialsWork = (emulator: Emulator): Promise<boolean> =>
  credentialsWork(emulator, credentialsIn(repositoryOf(emulator)) as Outcome['outputs']);

/** Calls `change` once, before or after the server carries out the first request with this label. */
export function meanwhile(emulator: Emulator, [when, label]: ['before' | 'after', string], change: () => void): void {
  let isDone = false;
  emulator.hold = (moment, request) => {
    if (isDone || moment !== when || labelOf(request) !== label) return;
    isDone = true;
    change();
  };
}

/**
 * Sends main a signal before or after the server carries out the first request with this label. After SIGINT the server
 * continues a little later, unless it hangs. After the other signals it continues when main has ended.
 * @param label as labelOf() returns it
 * @returns the run, and the milliseconds from the signal to its end
 */
export async function cutOff(
  emulator: Emulator,
  signal: NodeJS.Signals,
  [when, label]: ['before' | 'after', string],
  run: (step: Step) => Promise<Executed>,
  hangs = signal !== 'SIGINT',
): Promise<{ main: Executed; milliseconds: number }> {
  let kill = (_: NodeJS.Signals) => {};
  let signalled = 0;
  let held: Request | undefined;
  const [ended, worked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  emulator.hold = async (moment, request) => {
    if (moment === 'after' && request === held) worked.resolve();
    if (signalled || moment !== when || labelOf(request) !== label) return;
    signalled = performance.now();
    held = request;
    kill(signal);
    await (hangs ? ended.promise : sleep(150));
  };
  const main = await run({ onStart: (send) => (kill = send) });
  const milliseconds = performance.now() - signalled;
  ended.resolve();
  if (!held) throw new Error(`The action never sent ${label}: ${main.log}`);
  if (when === 'before') await worked.promise;
  emulator.hold = undefined;
  return { main, milliseconds };
}
