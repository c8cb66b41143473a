import { fileURLToPath } from 'node:url';
import type { Emulator } from '../../emulator/index.ts';
import { type Outcome, RUNNER_VARIABLES, runProgram, type Step } from '../../emulator/runner.ts';
import { createNonce, formatMarker, identityHash } from '../../src/client/identity.ts';

/** Who does a job: Node alone, the floor, this action, or what one would write without it. */
export type Contender = 'node' | 'floor' | 'action' | 'curl' | 'sdk';

/** The first three take no request: Node starts, main finds a wrong input, and post finds nothing to do. */
export type Job = 'start' | 'fail' | 'rest' | 'create' | 'rotate' | 'reuse' | 'remove' | 'search';

/** A process to measure. */
export interface Case {
  job: Job;
  by: Contender;
  /** Milliseconds before each answer. */
  latency: number;
  /** Clients in the organization besides the job's own. */
  others: number;
  command: string[];
  /** Brings the organization into the state that the job expects. */
  prepare: () => Step | Promise<Step>;
  /** @throws where it has not done the job */
  check: (outcome: Outcome) => void;
}

export interface Options {
  emulator: Emulator;
  /** File with the certificate of the emulator's authority. */
  authority: string;
  /** Folder of the built actions. */
  dist: string;
}

const DAY = 86_400_000;
const { GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID } = RUNNER_VARIABLES;
const ENVIRONMENT = 'production';

/** The client that every contender makes. */
const CLIENT = {
  ...clientOf(GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID),
  scopes: ['deploy:applications', 'read:deployments'],
  audience: ['deployment-api.acmecorp.com'],
};

/** How each job begins, and how many secrets its clients have after it, one number for each. */
const JOBS: Record<
  Exclude<Job, 'start' | 'fail' | 'rest'>,
  { secrets: number[]; prepare: (options: Options) => Given }
> = {
  create: { secrets: [1], prepare: () => ({}) },
  rotate: { secrets: [2], prepare: ({ emulator }) => ({ inputs: { client_id: seedOurs(emulator) } }) },
  reuse: {
    secrets: [1],
    prepare: ({ emulator }) => ({ inputs: { client_id: seedOurs(emulator), on_existing: 'reuse' } }),
  },
  search: {
    secrets: [1],
    prepare: ({ emulator }) => {
      seedOurs(emulator);
      return { inputs: { on_existing: 'reuse' } };
    },
  },
  remove: { secrets: [], prepare: leaveClient },
};

type Given = Pick<Step, 'inputs' | 'env'> | Promise<Pick<Step, 'inputs' | 'env'>>;

/** What takes no request: it shows what it costs to start. */
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

/** @param contenders besides the floor and the action, who can only create */
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

/** One client is found among many: by the list, at whose end it stands, and by its id. */
export function growthCases(options: Options, size: number): Case[] {
  const watched = (one: Case): Case => {
    const [node = '', ...args] = one.command;
    return { ...one, command: [node, '--require', file('peak.cjs'), ...args] };
  };
  return [
    jobCase(options, 'search', 'floor', 0, size - 1),
    jobCase(options, 'search', 'action', 0, size - 1),
    jobCase(options, 'reuse', 'action', 0, size - 1),
  ].map(watched);
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
      for (let number = 1; number <= others; number++) emulator.seed(neighbour(number));
      return jobStep(options, inputs, env);
    },
    check: ({ exitCode, annotations }) => {
      const statuses = emulator.requests.map(({ status = 0 }) => Math.floor(status / 100));
      const clients = emulator.clients();
      // The job's own, which were made before the others.
      const own = clients.slice(0, clients.length - others).map((client) => client.secrets?.length);
      expectSame([0, 0, [2], secrets], [exitCode, annotations.length, [...new Set(statuses)], own]);
    },
  };
}

function action(dist: string, entry: 'main' | 'post'): string[] {
  return [process.execPath, `${dist}/${entry}/index.js`];
}

function nodeWith(name: string, ...args: string[]): string[] {
  return [process.execPath, file(name), ...args];
}

function file(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** What every contender of a job gets, whether or not it reads it. */
function jobStep({ emulator, authority }: Options, inputs: Step['inputs'] = {}, env: Step['env'] = {}): Step {
  const { scopes, audience } = CLIENT;
  return {
    inputs: {
      ...access(emulator),
      environment: ENVIRONMENT,
      scopes: scopes.join(' '),
      audience: audience.join(' '),
      ...inputs,
    },
    env: {
      ...emulator.variables,
      CLIENT: JSON.stringify(CLIENT),
      NODE_EXTRA_CA_CERTS: authority,
      CURL_CA_BUNDLE: authority,
      ...env,
    },
  };
}

function access({ tlsUrl = '', credentials, organization }: Emulator): Record<string, string> {
  return {
    scalekit_environment_url: tlsUrl,
    scalekit_client_id: credentials.clientId,
    scalekit_client_secret: credentials.clientSecret,
    organization_id: organization.id,
  };
}

function clientOf(repository: string, repository_id: string) {
  const lifetime = 'persistent';
  const identity = { repository, repository_id, environment: ENVIRONMENT, name: undefined, lifetime } as const;
  const marks = { key: identityHash(identity), repo: repository_id, by: repository_id, nonce: createNonce() };
  return {
    name: `GitHub Actions: ${repository} (${ENVIRONMENT})`,
    description: `Made by GitHub Actions for ${repository}, environment ${ENVIRONMENT}.\n${formatMarker({ ...marks, lifetime, run: '17300000001.1' })}`,
    custom_claims: [
      { key: 'github_repository', value: repository },
      { key: 'github_repository_id', value: repository_id },
      { key: 'environment', value: ENVIRONMENT },
    ],
  };
}

/** A client that an earlier run made. @returns its id */
function seedOurs(emulator: Emulator): string {
  return emulator.seed(CLIENT, { ageMs: 7 * DAY }).client.client_id;
}

/** The client of another repository of the organization. */
function neighbour(number: number) {
  return clientOf(`acme/service-${number}`, `${700_000_000 + number}`);
}

/** A client of a job, as the main of that job left it to its post step. */
async function leaveClient(options: Options): Promise<Pick<Step, 'inputs' | 'env'>> {
  const inputs = { lifetime: 'job' };
  const { state } = await runProgram(jobStep(options, inputs), action(options.dist, 'main'));
  options.emulator.requests.length = 0;
  return { inputs, env: { STATE_client: state.client } };
}

function expectSame(expected: unknown[], found: unknown[]): void {
  const [one, other] = [JSON.stringify(expected), JSON.stringify(found)];
  if (one !== other) throw new Error(`expected ${one}, found ${other}`);
}
