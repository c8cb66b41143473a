// Defines what `npm run bench` measures: for each job and each program that does it, the command, the state of the
// organization before it, and a check of the result.

import { fileURLToPath } from 'node:url';
import type { Emulator } from '../../emulator/index.ts';
import { type Outcome, RUNNER_VARIABLES, runProgram, type Step } from '../../emulator/runner.ts';
import { identityHash } from '../../src/client/identity.ts';
import { formatMarker } from '../../src/client/marker.ts';
import { formatSavedState } from '../../src/client/saved-state.ts';
import { createNonce } from '../../src/inputs/desired-client.ts';

/** The program that does a job: Node alone, the floor (floor.cjs), this action, curl.sh or sdk.mjs. */
export type Contender = 'node' | 'floor' | 'action' | 'curl' | 'sdk';

/**
 * The job that is measured. Three jobs send no request: `start` starts Node alone, `fail` runs main with an invalid
 * input, and `rest` runs the post step with nothing to do.
 */
export type Job = 'start' | 'fail' | 'rest' | 'create' | 'rotate' | 'reuse' | 'remove' | 'search' | 'nightly';

/** A process to measure. */
export interface Case {
  job: Job;
  by: Contender;
  /** Milliseconds of each emulated network round trip. */
  latency: number;
  /** Number of clients in the organization that do not belong to the job. */
  others: number;
  command: string[];
  /** Brings the emulator into the state that the job expects and returns the step to run. */
  prepare: () => Step | Promise<Step>;
  /** @throws if the process did not do its job */
  check: (outcome: Outcome) => void;
}

/** What all cases need. */
export interface Options {
  emulator: Emulator;
  /** Path of a PEM file with the certificate of the emulator's certificate authority. */
  authority: string;
  /** Path of the folder with the built actions. */
  dist: string;
  /** Path of a folder for files that main and post share, as the runner has one. */
  temporary: string;
}

const DAY = 86_400_000;
const { GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID } = RUNNER_VARIABLES;
const ENVIRONMENT = 'production';

/** The client that every contender creates. */
const CLIENT = {
  ...clientOf(GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID),
  scopes: ['deploy:applications', 'read:deployments'],
  audience: ['deployment-api.acmecorp.com'],
};

/** For each job, its preparation, and the number of secrets of each of its clients afterwards. */
const JOBS: Record<
  Exclude<Job, 'start' | 'fail' | 'rest'>,
  { secrets: number[]; prepare: (options: Options) => Preparation }
> = {
  create: { secrets: [1], prepare: () => ({}) },
  rotate: { secrets: [2], prepare: ({ emulator }) => ({ inputs: { client_id: seedClient(emulator) } }) },
  reuse: {
    secrets: [1],
    prepare: ({ emulator }) => ({ inputs: { client_id: seedClient(emulator), on_existing: 'reuse' } }),
  },
  search: {
    secrets: [1],
    prepare: ({ emulator }) => {
      seedClient(emulator);
      return { inputs: { on_existing: 'reuse' } };
    },
  },
  nightly: {
    secrets: [1],
    prepare: ({ emulator }) => {
      const { client } = emulator.seed(CLIENT, { ageMs: 7 * DAY });
      const key = keyOf(GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID);
      const state = formatSavedState({ key, organization_id: emulator.organization.id }, client.secrets?.[0]?.id);
      const location = emulator.github.repository(GITHUB_REPOSITORY).addEnvironment(ENVIRONMENT);
      location.setVariable('SCALEKIT_M2M_STATE', state);
      location.setVariable('SCALEKIT_M2M_CLIENT_ID', client.client_id);
      location.setSecret('SCALEKIT_M2M_CLIENT_SECRET', 'saved');
      return {
        inputs: {
          on_existing: 'reuse',
          rotate_after: '30',
          save_to: 'environment',
          github_token: emulator.github.token,
        },
      };
    },
  },
  remove: { secrets: [], prepare: createJobClient },
};

/** The inputs and environment variables that only this job has. */
type Preparation = Pick<Step, 'inputs' | 'env'> | Promise<Pick<Step, 'inputs' | 'env'>>;

/** Returns the cases that send no request. They show the cost of starting a process. */
export function startCases({ emulator, dist }: Options): Case[] {
  const common = {
    latency: 0,
    others: 0,
    prepare: () => ({ inputs: { ...access(emulator), organization_id: 'acme' } }),
  };
  const check = (exitCode: number, errors: number) => (outcome: Outcome) => {
    const found = [outcome.exitCode, outcome.annotations.length, outcome.stderr, emulator.requests.length];
    expectSame([exitCode, errors, '', 0], found);
  };
  return [
    { ...common, job: 'start', by: 'node', command: [process.execPath, '-e', '0'], check: check(0, 0) },
    { ...common, job: 'fail', by: 'action', command: action(dist, 'main'), check: check(1, 1) },
    { ...common, job: 'rest', by: 'action', command: action(dist, 'post'), check: check(0, 0) },
  ];
}

/**
 * Returns the cases of all jobs that send requests, for one latency.
 * @param latency milliseconds of each emulated round trip
 * @param contenders programs to compare with the floor and the action; they can only create a client
 */
export function jobCases(options: Options, latency: number, contenders: ('curl' | 'sdk')[]): Case[] {
  const others = {
    curl: ['bash', '--noprofile', '--norc', '-eo', 'pipefail', file('curl.sh')],
    sdk: nodeWith('sdk.mjs'),
  };
  return [
    jobCase(options, 'create', 'floor', latency),
    jobCase(options, 'create', 'action', latency),
    ...contenders.map((by) => ({ ...jobCase(options, 'create', by, latency), command: others[by] })),
    ...(['rotate', 'reuse', 'remove'] as const).flatMap((job) => [
      jobCase(options, job, 'floor', latency),
      jobCase(options, job, 'action', latency),
    ]),
  ];
}

/**
 * Returns the cases that find one client among many: by search, by its id, and by the id that an earlier run saved. The
 * client is the last entry of the list. All cases report their peak memory.
 * @param size number of clients in the organization
 */
export function growthCases(options: Options, size: number): Case[] {
  const withPeakMemory = (one: Case): Case => {
    const [node = '', ...args] = one.command;
    return { ...one, command: [node, '--require', file('peak.cjs'), ...args] };
  };
  return [
    jobCase(options, 'search', 'floor', 0, size - 1),
    jobCase(options, 'search', 'action', 0, size - 1),
    jobCase(options, 'reuse', 'action', 0, size - 1),
    jobCase(options, 'nightly', 'action', 0, size - 1),
  ].map(withPeakMemory);
}

function jobCase(options: Options, job: keyof typeof JOBS, by: Contender, latency: number, others = 0): Case {
  const { emulator, dist } = options;
  const { secrets, prepare } = JOBS[job];
  const command =
    by === 'action'
      ? action(dist, job === 'remove' ? 'post' : 'main')
      : nodeWith('floor.cjs', job === 'search' ? 'reuse' : job);
  return {
    job,
    by,
    latency,
    others,
    command,
    prepare: async () => {
      const { inputs, env } = await prepare(options);
      for (let number = 1; number <= others; number++) emulator.seed(otherClient(number));
      return jobStep(options, inputs, env);
    },
    check: ({ exitCode, annotations }) => {
      const statuses = emulator.requests.map(({ status = 0 }) => Math.floor(status / 100));
      const clients = emulator.clients();
      // The emulator returns clients in order of creation. The job's own clients were created before the others.
      const own = clients.slice(0, clients.length - others).map((client) => client.secrets?.length);
      expectSame([0, 0, [2], secrets], [exitCode, annotations.length, [...new Set(statuses)], own]);
    },
  };
}

export function action(dist: string, entry: 'main' | 'post'): string[] {
  return [process.execPath, `${dist}/${entry}.js`];
}

function nodeWith(name: string, ...args: string[]): string[] {
  return [process.execPath, file(name), ...args];
}

function file(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/**
 * Returns the step of a job. All contenders get the same inputs and variables, even if they do not read all of them.
 */
function jobStep(
  { emulator, authority, temporary }: Options,
  inputs: Step['inputs'] = {},
  env: Step['env'] = {},
): Step {
  const { scopes, audience } = CLIENT;
  return {
    inputs: {
      ...access(emulator),
      environment: ENVIRONMENT,
      // Without it, a notice says that the client is kept.
      lifetime: 'persistent',
      scopes: scopes.join(' '),
      audience: audience.join(' '),
      ...inputs,
    },
    env: {
      ...emulator.variables,
      ...emulator.github.variables,
      RUNNER_TEMP: temporary,
      CLIENT: JSON.stringify(CLIENT),
      NODE_EXTRA_CA_CERTS: authority,
      CURL_CA_BUNDLE: authority,
      ...env,
    },
  };
}

/** Returns the inputs that every step needs to reach the emulator. */
export function access({ tlsUrl = '', credentials, organization }: Emulator): Record<string, string> {
  return {
    scalekit_environment_url: tlsUrl,
    scalekit_client_id: credentials.clientId,
    scalekit_client_secret: credentials.clientSecret,
    organization_id: organization.id,
  };
}

/** Returns a client as this action creates it for a repository. */
function clientOf(repository: string, repository_id: string) {
  const fields = {
    key: keyOf(repository, repository_id),
    repo: repository_id,
    by: repository_id,
    nonce: createNonce(),
    lifetime: 'persistent',
    run: '17300000001.1',
  } as const;
  return {
    name: `GitHub Actions: ${repository} (${ENVIRONMENT})`,
    description: `Made by GitHub Actions for ${repository}, environment ${ENVIRONMENT}.\n${formatMarker(fields)}`,
    custom_claims: [
      { key: 'github_repository', value: repository },
      { key: 'github_repository_id', value: repository_id },
      { key: 'environment', value: ENVIRONMENT },
    ],
  };
}

/** Returns the identity hash of a repository's client. */
function keyOf(repository: string, repository_id: string): string {
  return identityHash({
    repository,
    repository_id,
    environment: ENVIRONMENT,
    name: undefined,
    lifetime: 'persistent',
  });
}

/** Adds the client of an earlier run to the emulator and returns its id. */
function seedClient(emulator: Emulator): string {
  return emulator.seed(CLIENT, { ageMs: 7 * DAY }).client.client_id;
}

/** Returns a client that this action created for another repository. */
function otherClient(number: number) {
  return clientOf(`acme/service-${number}`, `${700_000_000 + number}`);
}

/** Runs main to create a job client, and returns what its post step needs to delete it. */
async function createJobClient(options: Options): Promise<Pick<Step, 'inputs' | 'env'>> {
  const inputs = { lifetime: 'job' };
  const { state } = await runProgram(jobStep(options, inputs), action(options.dist, 'main'));
  options.emulator.requests.length = 0;
  return { inputs, env: { STATE_client: state.client } };
}

/**
 * Compares two lists as JSON.
 * @throws if they differ
 */
function expectSame(expected: unknown[], found: unknown[]): void {
  const [one, other] = [JSON.stringify(expected), JSON.stringify(found)];
  if (one !== other) throw new Error(`expected ${one}, found ${other}`);
}
