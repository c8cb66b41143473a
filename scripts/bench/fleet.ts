// Simulates a fleet: one workflow that creates the clients of many repositories in one organization, and runs again each
// night. Every run is a process of its own.

import type { RecordedRequest } from '../../emulator/exchange.ts';
import { runProgram } from '../../emulator/runner.ts';
import { access, action, type Options } from './cases.ts';

/** Number of runs at the same time, as in examples/fleet.yml. */
const AT_ONCE = 4;

/** Repositories of one hour, as in examples/fleet.yml. */
const PART = 256;

/** Requests that GitHub allows a token in an hour, by its documentation ("Rate limits for the REST API"). */
const GITHUB_LIMIT = { requests: 5000, windowMs: 3_600_000, kind: 'primary' } as const;

/** Name of the GitHub environment in each repository. */
const ENVIRONMENT = 'production';

/** What the runs for all repositories did in one go. */
export interface FleetRun {
  repositories: number;
  /** Requests to Scalekit of all runs, and the most that one run sent. */
  scalekit: { total: number; most: number };
  /** Requests to GitHub of all runs. */
  github: number;
}

/** The first go, which creates the clients, and a night on which nothing is due. */
export interface Fleet {
  rollOut: FleetRun;
  night: FleetRun;
}

/**
 * Runs the action for each repository of a fleet, twice.
 * @throws if a run fails, or if the second go does not reuse every client
 */
export async function measureFleet(options: Options, count: number): Promise<Fleet> {
  const { emulator } = options;
  emulator.faults.clear();
  emulator.clear();
  const repositories = Array.from({ length: count }, (_, number) => `fleet/service-${number}`);
  for (const repository of repositories) emulator.github.addRepository(repository, { environments: [ENVIRONMENT] });
  const rollOut = await runAll(options, repositories, 'created');
  const night = await runAll(options, repositories, 'reused');
  return { rollOut, night };
}

async function runAll(options: Options, repositories: string[], result: string): Promise<FleetRun> {
  const { emulator } = options;
  emulator.requests.length = 0;
  for (let from = 0; from < repositories.length; from += PART) {
    // A new limit begins a new hour.
    emulator.github.rateLimit = { ...GITHUB_LIMIT };
    await runPart(options, repositories.slice(from, from + PART), result);
  }
  const toScalekit = emulator.requests.filter((request) => !isToGitHub(request));
  return {
    repositories: repositories.length,
    scalekit: { total: toScalekit.length, most: mostPerRun(toScalekit) },
    github: emulator.requests.length - toScalekit.length,
  };
}

/** Runs the action for each of these repositories. */
async function runPart(options: Options, repositories: string[], result: string): Promise<void> {
  const failures: unknown[] = [];
  const lane = async () => {
    for (let next = repositories.shift(); next && failures.length === 0; next = repositories.shift())
      await runOne(options, next, result).catch((error) => failures.push(error));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  if (failures.length > 0) throw failures[0];
}

async function runOne({ emulator, authority, dist, temporary }: Options, repository: string, result: string) {
  const step = {
    inputs: {
      ...access(emulator),
      repository,
      environment: ENVIRONMENT,
      audience: 'deployment-api.acmecorp.com',
      on_existing: 'reuse',
      rotate_after: '30',
      save_to: 'environment',
      github_token: emulator.github.token,
      timeout: '600',
    },
    // The run's id is in the User-Agent, so it tells whose a request is.
    env: {
      ...emulator.github.variables,
      NODE_EXTRA_CA_CERTS: authority,
      RUNNER_TEMP: temporary,
      GITHUB_RUN_ID: `1${repository.replace(/\D/g, '').padStart(10, '0')}`,
    },
  };
  const outcome = await runProgram(step, action(dist, 'main'));
  if (outcome.exitCode !== 0 || outcome.annotations.length > 0 || outcome.outputs.result !== result)
    throw new Error(`${repository}: expected ${result}. It says:\n${outcome.log}${outcome.stderr}`);
}

function isToGitHub({ path }: RecordedRequest): boolean {
  return path.startsWith('/api/v3/');
}

/** Returns the largest number of requests that one run sent. */
function mostPerRun(requests: RecordedRequest[]): number {
  const counts = new Map<string, number>();
  for (const { headers } of requests) {
    const run = headers['user-agent'] ?? '';
    counts.set(run, (counts.get(run) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}
