// Formats the results of the benchmark: Markdown tables for docs/performance.md, and SVG charts.

import type { Case, Contender, Job } from './cases.ts';
import { barChart, lineCharts } from './chart.ts';
import type { Fleet, FleetRun } from './fleet.ts';
import { type Measured, median } from './measure.ts';

/** Milliseconds of each emulated round trip in the cases with latency. */
export const LATENCY = 50;

/** What the benchmark found about start-up and all jobs. */
export interface Results {
  measured: Measured[];
  /** The number of runs, the date, the machine and the versions of all programs, as one sentence. */
  setting: string;
  /** Sentences about what could not be measured. */
  notes: string[];
}

/** What the benchmark found about organizations of different sizes. */
export interface GrowthResults {
  growth: Measured[];
  fleet: Fleet;
  /** As in `Results`. */
  setting: string;
}

/** The properties by which one case is selected. */
type Choice = Partial<Pick<Case, 'job' | 'by' | 'latency' | 'others'>>;

/** Explains the floor to a reader who sees only a chart. */
const FLOOR = 'Floor: a program that sends the same requests as this action, and does nothing else.';

const NAMES: Record<Contender, string> = {
  node: '`node -e 0`',
  floor: 'The floor',
  action: 'This action',
  curl: '`curl` and `jq` in a step',
  sdk: "Scalekit's SDK in a script",
};

const JOBS: Partial<Record<Job, string>> = {
  create: 'Create a client',
  rotate: 'Rotate, by `client_id`',
  reuse: 'Reuse, by `client_id`',
  remove: 'Post step: delete the client',
};

/** How the cases of growth find the client. */
const WAYS: Partial<Record<Job, string>> = {
  search: 'search',
  reuse: '`client_id`',
  nightly: 'saved id (`save_to`)',
};

/** Returns the tables about start-up and all jobs as Markdown, for a terminal and for docs/performance.md. */
export function tables({ measured, setting, notes }: Results): string {
  return [
    setting,
    ...notes,
    '### Start-up',
    startTable(measured),
    '### Jobs',
    jobTable(measured),
    '### Targets',
    targetTable(measured),
  ].join('\n\n');
}

/** Returns the tables about organizations of different sizes. */
export function growthTables({ growth, fleet, setting }: GrowthResults): string {
  return ['### Growth', setting, growthTable(growth), '### A fleet', fleetTable(fleet)].join('\n\n');
}

function startTable(all: Measured[]): string {
  const base = pick(all, { job: 'start' });
  const rows = all.filter(({ job }) => job === 'start' || job === 'fail' || job === 'rest');
  const names: Partial<Record<Job, string>> = {
    start: NAMES.node,
    fail: 'The action, with an invalid input',
    rest: 'Its post step, with nothing to do',
  };
  return table(
    ['Process', 'Median', '× `node -e 0`'],
    rows.map((one) => [names[one.job] ?? '', time(one), factor(ratio(one, base))]),
  );
}

function jobTable(all: Measured[]): string {
  const rows = all.filter(({ job, latency }) => JOBS[job] && latency === 0);
  return table(
    ['Job', 'Done by', 'Requests', 'Connections', 'No latency', '× floor', `${LATENCY} ms`, '× floor'],
    rows.map((one) => {
      const { job, by, requests, connections } = one;
      const slow = pick(all, { job, by, latency: LATENCY });
      const times = [one, slow].flatMap((each) => [time(each), factor(ratioToFloor(all, each))]);
      return [JOBS[job] ?? '', NAMES[by], `${requests.length}`, `${connections}`, ...times];
    }),
  );
}

function targetTable(all: Measured[]): string {
  return table(
    ['What', 'Target', 'Measured', ''],
    targets(all).map(({ what, limit, value, goal }) => {
      const target = `≤ ${factor(limit)}${goal ? `, better ${factor(goal)}` : ''}`;
      return [what, target, factor(value), value <= limit ? 'ok' : '**missed**'];
    }),
  );
}

interface Target {
  what: string;
  /** The largest ratio that meets the target. */
  limit: number;
  /** A better ratio that is shown as a goal but not required. */
  goal?: number;
  value: number;
}

function targets(all: Measured[]): Target[] {
  const start = pick(all, { job: 'start' });
  const create = (latency: number) => pick(all, { job: 'create', by: 'action', latency });
  const sdk = (latency: number) => pick(all, { job: 'create', by: 'sdk', latency });
  return [
    { what: 'Invalid input, × `node -e 0`', limit: 1.8, value: ratio(pick(all, { job: 'fail' }), start) },
    { what: 'Post with nothing to do, × `node -e 0`', limit: 1.6, value: ratio(pick(all, { job: 'rest' }), start) },
    { what: 'Create a client, × floor', limit: 1.35, goal: 1.25, value: ratioToFloor(all, create(0)) },
    { what: `Create a client at ${LATENCY} ms, × floor`, limit: 1.05, value: ratioToFloor(all, create(LATENCY)) },
    { what: 'Create a client, × SDK', limit: 1, value: ratio(create(0), sdk(0)) },
    { what: `Create a client at ${LATENCY} ms, × SDK`, limit: 1, value: ratio(create(LATENCY), sdk(LATENCY)) },
  ];
}

function growthTable(all: Measured[]): string {
  return table(
    ['Clients', 'Found by', 'Done by', 'Requests', 'Median', '× floor', 'Peak memory'],
    all.map((one) => {
      const { job, by, others, requests, peak } = one;
      const searched = job === 'search';
      const compared = searched ? factor(ratio(one, pick(all, { job, by: 'floor', others }))) : '';
      const memory = `${Math.round(median(peak))} MiB`;
      return [count(others + 1), WAYS[job] ?? '', NAMES[by], requestCounts(requests), time(one), compared, memory];
    }),
  );
}

/** Returns how many requests went to Scalekit, and how many to GitHub if there are any. */
function requestCounts(requests: string[]): string {
  const toGitHub = requests.filter((request) => request.includes(' /api/v3/')).length;
  return toGitHub > 0 ? `${requests.length - toGitHub}, and ${toGitHub} to GitHub` : `${requests.length}`;
}

function fleetTable({ rollOut, night }: Fleet): string {
  const row = (what: string, { repositories, scalekit, github }: FleetRun) => [
    what,
    ...[repositories, scalekit.total, scalekit.most, github].map(count),
  ];
  return table(
    ['What', 'Runs', 'Requests to Scalekit', 'Most of one run', 'Requests to GitHub'],
    [row('Roll-out: create all clients', rollOut), row('A night on which nothing is due', night)],
  );
}

/** Returns the chart of ratios as SVG. */
export function ratioChart({ measured: all }: Results): string {
  const start = pick(all, { job: 'start' });
  const row = (label: string, job: Job, by: Contender) => ({
    label,
    values: [0, LATENCY].map((latency) => {
      const one = find(all, { job, by, latency });
      return one && ratioToFloor(all, one);
    }),
  });
  const jobs = [
    row('create a client', 'create', 'action'),
    row('rotate its secret', 'rotate', 'action'),
    row('reuse it', 'reuse', 'action'),
    row('post step deletes it', 'remove', 'action'),
  ];
  const others = [row('curl and jq', 'create', 'curl'), row("Scalekit's SDK", 'create', 'sdk')];
  return barChart({
    title: 'Time of each job, compared with the floor',
    notes: [FLOOR, 'node -e 0: Node.js starts and ends, and does nothing else.'],
    axes: { x: 'Time divided by that of the floor (start-up: by that of node -e 0). Shorter is better.', y: 'Job' },
    series: ['no network latency', `${LATENCY} ms of network latency`],
    groups: [
      {
        heading: 'Start-up, × node -e 0',
        rows: [
          { label: 'invalid input', values: [ratio(pick(all, { job: 'fail' }), start)] },
          { label: 'post step, nothing to do', values: [ratio(pick(all, { job: 'rest' }), start)] },
        ],
      },
      { heading: 'This action, × floor', rows: jobs },
      {
        heading: 'Others create a client, × floor',
        rows: others.filter(({ values }) => values.some((value) => value !== undefined)),
      },
    ],
  });
}

/** Returns the chart of times and memory by the size of the organization, as SVG. */
export function growthChart({ growth: all }: GrowthResults): string {
  const lines: [string, Choice][] = [
    ['action, by search', { job: 'search', by: 'action' }],
    ['floor, by search', { job: 'search', by: 'floor' }],
    ['action, by client_id', { job: 'reuse' }],
  ];
  const x = [...new Set(all.map(({ others }) => others + 1))];
  const series = (value: (one: Measured) => number) =>
    lines.map(([name, choice]) => ({
      name,
      values: x.map((size) => value(pick(all, { ...choice, others: size - 1 }))),
    }));
  const clients = 'Clients in the organization (log scale)';
  return lineCharts({ title: 'Finding one client among many: time and memory', notes: [FLOOR] }, [
    {
      title: 'Time of the whole process',
      axes: { x: clients, y: 'Milliseconds (log scale)' },
      x,
      log: true,
      series: series(medianTime),
    },
    {
      title: 'Peak memory of the process',
      axes: { x: clients, y: 'MiB' },
      x,
      log: false,
      series: series(({ peak }) => median(peak)),
    },
  ]);
}

/**
 * Returns a page with the content of a region replaced.
 * @throws if the page lacks the comments that enclose the region
 */
export function replaceResults(page: string, content: string, name = 'results'): string {
  const region = new RegExp(`(<!-- ${name}: generated by npm run bench -->\\n).*?(<!-- /${name} -->)`, 's');
  if (!region.test(page)) throw new Error(`the page has no region "${name}"`);
  return page.replace(region, (_, start, end) => `${start}\n${content}\n\n${end}`);
}

/** Returns the ratio of a case's median time to that of the floor for the same job and latency. */
function ratioToFloor(all: Measured[], one: Measured): number {
  const { job, latency } = one;
  return ratio(one, pick(all, { job, by: 'floor', latency }));
}

function ratio(one: Measured, other: Measured): number {
  return medianTime(one) / medianTime(other);
}

function medianTime({ milliseconds }: Measured): number {
  return median(milliseconds);
}

/**
 * Returns the case with these properties.
 * @throws if there is none
 */
function pick(all: Measured[], choice: Choice): Measured {
  const found = find(all, choice);
  if (!found) throw new Error(`not measured: ${JSON.stringify(choice)}`);
  return found;
}

function find(all: Measured[], choice: Choice): Measured | undefined {
  return all.find((one) => Object.entries(choice).every(([name, value]) => one[name as keyof Choice] === value));
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function time(one: Measured): string {
  return `${medianTime(one).toFixed(1)} ms`;
}

function factor(value: number): string {
  return value.toFixed(2);
}

function count(value: number): string {
  return value.toLocaleString('en');
}
