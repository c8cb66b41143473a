import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { Emulator } from '../../emulator/index.ts';
import { RUNNER_VARIABLES } from '../../emulator/runner.ts';
import { runAction, warnings } from '../support/action.ts';
import { useEmulators } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { itWith } from '../support/programs.ts';
import {
  environmentOf,
  fill,
  jobsIn,
  runUsing,
  snippets,
  usingSteps,
  type Values,
  valuesOf,
} from '../support/workflows.ts';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const examples = globSync('examples/*.yml', { cwd: new URL('../..', import.meta.url) }).map(
  (file): [name: string, text: string] => [path.basename(file), read(file)],
);
const repository = RUNNER_VARIABLES.GITHUB_REPOSITORY;

const start = useEmulators();
const inFolder = useFolder();

describe("GitHub's language service", () => {
  it("GitHub's language service accepts the examples, the workflows in README and docs, and the actions", () => {
    const documents = [
      ...examples.map(([name, text]) => ({ name: `.github/workflows/${name}`, text })),
      ...snippets().map(([heading, text]) => workflow(heading, text)),
      ...['action.yml', 'delete/action.yml', 'sweep/action.yml', 'audit/action.yml'].map((name) => ({
        name,
        text: read(name),
      })),
    ];
    expect(documents.length).toBeGreaterThan(18);
    const found = check(documents);
    expect(documents.map(({ name }, index) => [name, found[index]])).toEqual(documents.map(({ name }) => [name, []]));
  });

  it.each([
    ['an input that the action does not have', 'dry_run: false', 'dry: false', "Invalid action input 'dry'"],
    ['an action that does not exist', '/sweep@v1', '/clean@v1', 'Unable to resolve action'],
    ['an unknown event', 'workflow_dispatch:', 'workflow_despatch:', "Unexpected value 'workflow_despatch'"],
    ['an unknown permission', 'actions: read', 'action: read', "Unexpected value 'action'"],
    ['an expression that cannot be read', '{{ vars.SCALEKIT_ORG', '{{ vars..SCALEKIT_ORG', 'Unexpected symbol'],
    ['an unknown context', 'vars.SCALEKIT_ORG', 'var.SCALEKIT_ORG', "Unrecognized named-value: 'var'"],
    ['a context that is not available yet', 'timeout-minutes: 10', 'if: steps.a.outcome', "named-value: 'steps'"],
  ])("GitHub's language service finds %s in a workflow", (_, right, wrong, message) => {
    const text = read('examples/sweep.yml');
    expect(text).toContain(right);
    const [found] = check([{ name: '.github/workflows/sweep.yml', text: text.replace(right, wrong) }]);
    expect(found).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ['an unknown key', 'using: node24', 'useing: node24'],
    ['an input that is not a mapping', 'inputs:\n', 'inputs:\n  bad: []\n'],
  ])("GitHub's language service finds %s in an action.yml", (_, right, wrong) => {
    const [found] = check([{ name: 'sweep/action.yml', text: read('sweep/action.yml').replace(right, wrong) }]);
    expect(found).not.toEqual([]);
  });
});

describe('good practice', () => {
  it.each([...examples, ...snippets()])(
    'a workflow names its permissions, has a time limit and passes no expression to a script: %s',
    (_, text) => {
      for (const { steps, permissions, concurrency, ...job } of jobsIn(text)) {
        for (const { run = '' } of steps) expect(run).not.toContain('${{');
        if (Array.isArray(parse(text))) continue;
        expect(job).toHaveProperty('timeout-minutes');
        const grants = Object.entries(permissions ?? { all: 'granted' }).map((grant) => grant.join(': '));
        const allowed = ['contents: read', 'id-token: write', 'actions: read', 'actions: write', 'pull-requests: read'];
        expect(allowed).toEqual(expect.arrayContaining(grants));
        if (usingSteps({ steps }).length > 0) expect(grants).not.toContain('actions: write');
        if (steps.some(({ uses = '' }) => uses.includes('scalekit'))) expect(concurrency).toBeDefined();
        for (const { uses = '' } of steps)
          if (!uses.includes('scalekit')) expect(uses).toMatch(/^$|^[\w./-]+@[0-9a-f]{40}$/);
      }
    },
  );
});

describe('examples/fleet.yml', () => {
  const text = read('examples/fleet.yml');
  const [list, client] = jobsIn(text);
  const [step] = client ? usingSteps(client) : [];

  function run(emulator: Emulator, repository: string, event: 'schedule' | 'pull_request') {
    if (!client || !step) throw new Error('The example has no step with the action.');
    return runUsing(emulator, client, step, {
      ...valuesOf(emulator),
      'matrix.repository': repository,
      "inputs.on_existing || 'reuse'": 'reuse',
      "inputs.on_existing != 'rotate' && 30 || ''": '30',
      "github.event_name == 'pull_request'": String(event === 'pull_request'),
    });
  }

  itWith('bash', 'jq')('the fleet example takes 256 repositories of the list at a time', () => {
    const names = Array.from({ length: 600 }, (_, index) => `acme/service-${index}`);
    expect(split(names, '0')).toEqual(names.slice(0, 256));
    expect(split(names, '1')).toEqual(names.slice(256, 512));
    expect(split(names, '2')).toEqual(names.slice(512));
    expect(split(names, '3')).toEqual([]);
  });

  /** Runs the script of the example that selects a part of the repositories. */
  function split(names: string[], part: string): string[] {
    writeFileSync(inFolder('fleet.json'), JSON.stringify(names));
    const output = inFolder(`output-${part}`);
    const script = list?.steps.find(({ id }) => id === 'part')?.run ?? '';
    const { stderr } = spawnSync('bash', ['--noprofile', '--norc', '-e', '-c', script], {
      cwd: inFolder(),
      env: { PATH: process.env.PATH, PART: part, GITHUB_OUTPUT: output },
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return JSON.parse(readFileSync(output, 'utf8').replace(/^repositories=/, ''));
  }

  it('the fleet example has a schedule for each part, and names the second by its own time', () => {
    const { on } = parse(text);
    expect(on.schedule).toHaveLength(2);
    expect(text).toContain(`github.event.schedule == '${on.schedule[1].cron}' && 1`);
  });

  it('the fleet example plans on a pull request, creates and saves a client on a push, and changes nothing at night', async () => {
    const emulator = await start();
    const kept = emulator.github.addRepository('acme/checkout').addEnvironment('production');
    const planned = await run(emulator, 'acme/checkout', 'pull_request');
    expect(planned.outputs.result).toBe('planned');
    expect({ clients: emulator.clients(), secrets: [...kept.secrets] }).toEqual({ clients: [], secrets: [] });
    expect(planned.log).toContain('save the credentials as variables SCALEKIT_M2M_CLIENT_ID');

    const made = await run(emulator, 'acme/checkout', 'schedule');
    expect(made).toMatchObject({ annotations: [], outputs: { result: 'created' } });
    expect(kept.variables.get('SCALEKIT_M2M_CLIENT_ID')?.value).toBe(made.outputs.client_id);
    expect(kept.secrets.get('SCALEKIT_M2M_CLIENT_SECRET')?.value).toBe(made.outputs.secret);

    const before = JSON.stringify([emulator.clients(), [...kept.variables], [...kept.secrets]]);
    expect((await run(emulator, 'acme/checkout', 'schedule')).outputs.result).toBe('reused');
    expect(JSON.stringify([emulator.clients(), [...kept.variables], [...kept.secrets]])).toBe(before);
  });
});

it.each([
  { file: 'preview-environment.yml', number: 'github.event.number', first: 0 },
  { file: 'preview-environment-dispatch.yml', number: 'inputs.number', first: 2 },
])(
  'examples/$file creates and saves a client for the pull request, and deletes both',
  async ({ file, number, first }) => {
    const emulator = await start();
    const values: Values = { ...valuesOf(emulator), [number]: '7' };
    const [environment, ...jobs] = jobsIn(read(`examples/${file}`)).slice(first);
    const [made, gone] = jobs.flatMap((job) =>
      usingSteps(job).map((step) => () => runUsing(emulator, job, step, values)),
    );
    // GitHub creates an environment that a job names and that does not exist.
    expect(environment && fill(environmentOf(environment), values)).toBe('preview/pr-7');
    const kept = emulator.github.repository(repository).addEnvironment('preview/pr-7');

    const { annotations, outputs } = (await made?.()) ?? {};
    expect({ annotations, outputs }).toMatchObject({ annotations: [], outputs: { result: 'created' } });
    expect(kept.variables.get('SCALEKIT_M2M_CLIENT_ID')?.value).toBe(outputs?.client_id);
    expect(kept.secrets.get('SCALEKIT_M2M_CLIENT_SECRET')?.value).toBe(outputs?.secret);

    const { outputs: deleted } = (await gone?.()) ?? {};
    expect(deleted).toEqual({ deleted: outputs?.client_id });
    expect(emulator.clients()).toEqual([]);
    expect({ variables: [...kept.variables], secrets: [...kept.secrets] }).toEqual({ variables: [], secrets: [] });
  },
);

describe('examples/preview-environment-dispatch.yml', () => {
  const text = read('examples/preview-environment-dispatch.yml');
  const script = jobsIn(text)[1]?.steps.find(({ id }) => id === 'read')?.run ?? '';
  const pull = (state: string, head: string | null) => ({
    state,
    head: { repo: head && { full_name: head } },
    base: { repo: { full_name: repository } },
  });

  /** Runs the script that reads a pull request. In place of `gh`, a script prints this response of GitHub. */
  function readState(response: unknown, NUMBER = '7') {
    const output = inFolder('output');
    writeFileSync(output, '');
    writeFileSync(inFolder('response'), JSON.stringify(response));
    const gh = `#!/bin/sh\n[ "$*" = "api repos/${repository}/pulls/7" ] && cat "$(dirname "$0")/response"\n`;
    writeFileSync(inFolder('gh'), gh, { mode: 0o755 });
    const PATH = [inFolder(), process.env.PATH].join(path.delimiter);
    const { status } = spawnSync('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', script], {
      env: { PATH, NUMBER, GITHUB_REPOSITORY: repository, GITHUB_OUTPUT: output },
    });
    return { status, output: readFileSync(output, 'utf8') };
  }

  itWith('bash', 'jq').each([
    ['open', pull('open', repository), 'open'],
    ['closed', pull('closed', repository), 'closed'],
    ['of a fork', pull('open', 'somebody/inventory-service'), 'foreign'],
    ['of a fork that was deleted', pull('closed', null), 'foreign'],
  ])('the preview example reads the state of a pull request that is %s', (_what, response, state) => {
    expect(readState(response)).toEqual({ status: 0, output: `state=${state}\n` });
  });

  itWith('bash', 'jq').each(['', '0', '-7', '7/../8', '7 8', '$(id)', '7\n8'])(
    'the preview example refuses the pull request number %j',
    (number) => {
      expect(readState(pull('open', repository), number)).toEqual({ status: 1, output: '' });
    },
  );

  it('the preview example gives no secret to the run of the pull request', () => {
    const { jobs } = parse(text);
    const isOfPullRequest = (job: { if?: string; needs?: string }) => job.if?.includes("== 'pull_request'");
    expect(Object.keys(jobs).filter((name) => isOfPullRequest(jobs[name]))).toEqual(['start']);
    expect(jobs.start).not.toHaveProperty('environment');
    expect(JSON.stringify(jobs.start)).not.toContain('secrets.');
    // All other jobs wait for the one that runs on the default branch alone.
    expect(jobs['pull-request'].if).toContain('github.ref_name == github.event.repository.default_branch');
    const { start: _start, 'pull-request': _first, ...others } = jobs as Record<string, { needs?: string }>;
    expect(Object.values(others).map(({ needs }) => needs)).toEqual(['pull-request', 'environment', 'pull-request']);
  });
});

it('examples/sweep.yml deletes the client of a job that was cut off', async () => {
  const emulator = await start();
  const killed = await runAction(emulator, {
    inputs: { lifetime: 'job' },
    env: { GITHUB_RUN_ID: '17345678900' },
  });
  emulator.github.addRun(repository, { id: 17345678900, status: 'completed' });
  const [job] = jobsIn(read('examples/sweep.yml'));
  const [step] = job ? usingSteps(job) : [];
  if (!job || !step) throw new Error('The example has no step with the action.');
  const swept = await runUsing(emulator, job, step, valuesOf(emulator));
  expect(warnings(swept)).toEqual([]);
  expect(swept.outputs.deleted).toBe(killed.outputs.client_id);
  expect(emulator.clients()).toEqual([]);
});

it('examples/audit.yml lists the clients and uploads the report', async () => {
  const emulator = await start();
  const made = await runAction(emulator, { inputs: { lifetime: 'persistent' } });
  const text = read('examples/audit.yml');
  const [job] = jobsIn(text);
  const [step] = job ? usingSteps(job) : [];
  if (!job || !step) throw new Error('The example has no step with the action.');
  const run = await runUsing(emulator, job, step, valuesOf(emulator));
  expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { findings: '0' } });
  expect(readFileSync(run.outputs.report ?? '', 'utf8')).toContain(made.outputs.client_id);
  const upload = job.steps.at(-1);
  // If fail_on_findings is true, the step fails, and the report is kept all the same.
  expect({ path: upload?.with?.path, if: upload?.if }).toEqual({
    path: `$\{{ steps.${step.id}.outputs.report }}`,
    if: `$\{{ !cancelled() && steps.${step.id}.outputs.report }}`,
  });
});

interface Document {
  name: string;
  text: string;
}

/** Returns the messages of the language service about each document. */
function check(documents: Document[]): string[][] {
  const program = fileURLToPath(new URL('../support/languageservice.js', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [program], {
    input: JSON.stringify(documents),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Completes a snippet to a workflow. Steps that read the outputs of a step `client` get such a step before them. */
function workflow(heading: string, text: string): Document {
  const name = `.github/workflows/${heading.replace(/\W+/g, '-')}.yml`;
  const yaml = parse(text);
  if (!Array.isArray(yaml)) return { name, text: 'on' in yaml ? text : `on: push\n${text}` };
  const head = 'on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n';
  const client = yaml.some(({ id }) => id === 'client') ? '' : '- id: client\n  run: echo\n';
  return { name, text: head + `${client}${text}`.replace(/^/gm, '      ') };
}
