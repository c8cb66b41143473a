// Measures how long the built actions take as whole processes. In the same run it measures the floor (the action's
// requests and nothing else) and scripts that do the same job without the action. docs/performance.md explains the
// results.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEmulator } from '../emulator/index.ts';
import { growthCases, jobCases, type Options, startCases } from './bench/cases.ts';
import { measureFleet } from './bench/fleet.ts';
import { type Measured, measure } from './bench/measure.ts';
import {
  type GrowthResults,
  growthChart,
  growthTables,
  LATENCY,
  type Results,
  ratioChart,
  replaceResults,
  tables,
} from './bench/report.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Clients in the organization in each measurement of growth. */
const SIZES = [10, 1000, 10_000];
const MAX_GROWTH_RUNS = 5;
/** Repositories of the simulated fleet. */
const FLEET_SIZE = 1000;

const usage = `Usage: npm run -s bench -- [options]

  --runs N        how often each process is measured (20)
  --only PART     measure only "jobs" (start-up included) or only "growth" (the fleet included)
  --dist FOLDER   the built actions (dist)
  --no-write      print the tables, and leave the pages as they are
`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    dist: { type: 'string', default: path.join(ROOT, 'dist') },
    'no-write': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const runs = Number(values.runs);
if (values.help || !(runs >= 1) || !['', 'jobs', 'growth'].includes(values.only)) process.stdout.write(usage);
else await run(runs, path.resolve(values.dist));

async function run(runs: number, dist: string): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bench-'));
  // Newest first: the action's client is the oldest, so a search reads every page of the list before it finds it.
  const emulator = await startEmulator({ tls: true, http2: true, behaviour: { listOrder: 'newest' } });
  try {
    const authority = path.join(folder, 'ca.pem');
    writeFileSync(authority, emulator.ca ?? '');
    const options = { emulator, authority, dist, temporary: folder };
    if (values.only !== 'growth') reportJobs(await measureJobs(options, runs));
    if (values.only !== 'jobs') reportGrowth(await measureGrowth(options, Math.min(runs, MAX_GROWTH_RUNS)));
  } finally {
    await emulator.close();
    rmSync(folder, { recursive: true });
  }
}

async function measureJobs(options: Options, runs: number): Promise<Results> {
  const [curl, jq] = [version('curl', /^curl (\S+)/), version('jq', /^jq-(\S+)/)];
  const contenders = [...(curl && jq ? (['curl'] as const) : []), 'sdk' as const];
  const cases = [0, LATENCY].flatMap((latency) => jobCases(options, latency, contenders));
  const measured = await measure([...startCases(options), ...cases], runs, options.emulator);
  requireSameRequests(measured);
  const missing = [curl ? '' : '`curl`', jq ? '' : '`jq`'].filter(Boolean).join(' and ');
  const sdk = `SDK ${packageVersion('node_modules/@scalekit-sdk/node/package.json')}`;
  return {
    measured,
    setting: describe(runs, [sdk, ...(curl ? [`curl ${curl}`] : []), ...(jq ? [`jq ${jq}`] : [])]),
    notes: missing ? [`Without ${missing} on this machine, there is no row for a step with \`curl\` and \`jq\`.`] : [],
  };
}

async function measureGrowth(options: Options, runs: number): Promise<GrowthResults> {
  const growth: Measured[] = [];
  // Measure one size after another, smallest first. The garbage that a large organization causes in the emulator would
  // slow down the runs for a small one.
  for (const size of SIZES) growth.push(...(await measure(growthCases(options, size), runs, options.emulator)));
  requireSameRequests(growth);
  return { growth, fleet: await measureFleet(options, FLEET_SIZE), setting: describe(runs, []) };
}

/**
 * Compares the requests of the action and of the floor. Their times are comparable only if both send the same requests.
 * @throws if they differ for any job
 */
function requireSameRequests(all: Measured[]): void {
  for (const { job, latency, others, requests } of all.filter(({ by }) => by === 'floor')) {
    const action = all.find(
      (one) => one.by === 'action' && one.job === job && one.latency === latency && one.others === others,
    );
    if (`${action?.requests}` !== `${requests}`)
      throw new Error(`${job}: the action sends ${action?.requests}; the floor sends ${requests}`);
  }
}

/**
 * Returns one line with the number of runs, the date, the machine and the versions of all programs.
 * @param others names and versions of the programs that the action is compared with
 */
function describe(runs: number, others: string[]): string {
  const cpus = os.cpus();
  const parts = [
    `${cpus.length} × ${cpus[0]?.model.trim()}`,
    `${os.type()} ${/^\d+\.\d+/.exec(os.release())} (${os.arch()})`,
    `Node.js ${process.versions.node}`,
    `this action ${packageVersion('package.json')}`,
    ...others,
  ];
  const day = new Date().toISOString().slice(0, 10);
  return `Medians of ${runs} runs on ${day}: ${parts.join(', ')}.`;
}

function packageVersion(file: string): string {
  return JSON.parse(readFileSync(path.join(ROOT, file), 'utf8')).version;
}

/** Returns the version of an installed program, or undefined if the program cannot be started. */
function version(program: string, form: RegExp): string | undefined {
  return form.exec(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
}

/** Prints the results of all jobs, and writes them into docs/performance.md and docs/images. */
function reportJobs(results: Results): void {
  console.log(tables(results));
  if (values['no-write']) return;
  writeRegion('docs/performance.md', tables(results), 'results');
  writeFileSync(path.join(ROOT, 'docs/images/performance-ratios.svg'), ratioChart(results));
}

/** Prints the results of growth, and writes them into docs/performance.md and docs/images. */
function reportGrowth(results: GrowthResults): void {
  console.log(growthTables(results));
  if (values['no-write']) return;
  writeRegion('docs/performance.md', growthTables(results), 'growth');
  writeFileSync(path.join(ROOT, 'docs/images/performance-growth.svg'), growthChart(results));
}

function writeRegion(file: string, content: string, region: string): void {
  const page = path.join(ROOT, file);
  writeFileSync(page, replaceResults(readFileSync(page, 'utf8'), content, region));
}
