import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { runBare } from './action.ts';

/** A job of a workflow or of a part of one, with the permissions and concurrency of the workflow. */
export interface Job {
  steps: Step[];
  permissions?: Record<string, string>;
  concurrency?: unknown;
  environment?: string | { name: string; deployment?: boolean };
}

interface Step {
  id?: string;
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  if?: string;
}

/** A step that uses one of our actions. */
export interface UsingStep extends Step {
  /** Folder of the action in the repository; empty for the main action. */
  action: string;
  with: Record<string, unknown>;
}

/** Values of the expressions of a workflow, by the text of the expression. */
export type Values = Record<string, string | undefined>;

/** The pages for users. */
export const PAGES = [
  'README.md',
  ...globSync(['{delete,sweep,audit}/README.md', 'docs/*.md'], { cwd: new URL('../..', import.meta.url) }).sort(),
];

/** Returns the YAML snippets of the pages, each with the heading of its section. */
export function snippets(): [heading: string, text: string][] {
  const sections = PAGES.flatMap((page) => read(page).split(/^##+ /m));
  return sections.flatMap((section) => {
    const heading = section.split('\n', 1).join();
    return [...section.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']): [string, string] => [heading, text]);
  });
}

/** Returns the jobs of a workflow. A list of steps counts as one job. */
export function jobsIn(text: string): Job[] {
  const yaml = parse(text);
  if (Array.isArray(yaml)) return [{ steps: yaml }];
  const { permissions, concurrency } = yaml;
  return Object.values<Job>(yaml.jobs).map((job) => ({ permissions, concurrency, ...job }));
}

/** Returns the steps of a job that use the actions of this repository. */
export function usingSteps({ steps }: Job): UsingStep[] {
  return steps.flatMap((step) => {
    const [used, action = ''] = /^[^/]+\/scalekit-organization-client(?:\/(\w+))?@v1$/.exec(step.uses ?? '') ?? [];
    return used ? [{ ...step, action, with: step.with ?? {} }] : [];
  });
}

/** Returns the name of the environment that a job names, with its expressions. */
export function environmentOf({ environment }: Job): string | undefined {
  return typeof environment === 'object' ? environment.name : environment;
}

/** Returns the values of a repository that is set up as the README says, with an emulator for Scalekit and GitHub. */
export function valuesOf(emulator: Emulator): Values {
  return {
    'vars.SCALEKIT_ENVIRONMENT_URL': emulator.url,
    'vars.SCALEKIT_ORGANIZATION_ID': emulator.organization.id,
    'secrets.SCALEKIT_CLIENT_ID': emulator.credentials.clientId,
    'secrets.SCALEKIT_CLIENT_SECRET': emulator.credentials.clientSecret,
    'secrets.SECRETS_TOKEN': emulator.github.token,
    'steps.app.outputs.token': emulator.github.token,
  };
}

/**
 * Replaces the expressions in a text by their values.
 * @throws if an expression has no value
 */
export function fill(text: unknown, values: Values): string {
  return String(text).replace(/\$\{\{ (.*?) \}\}/g, (_, expression) => {
    const value = values[expression];
    if (value === undefined) throw new Error(`The expression ${expression} has no value.`);
    return value;
  });
}

/** Runs a step as GitHub's runner does: GITHUB_TOKEN and the ID token have what the job's permissions grant. */
export function runUsing(emulator: Emulator, job: Job, step: UsingStep, values: Values): Promise<Executed> {
  const { github } = emulator;
  const { permissions = {} } = job;
  const mayHaveIdToken = permissions['id-token'] === 'write';
  const name = environmentOf(job);
  if (mayHaveIdToken) github.idTokenClaims = name ? { environment: fill(name, values) } : {};
  const granted = permissions.actions === 'read' ? ({ actions: 'read' } as const) : {};
  const all = { ...values, 'github.token': github.addToken({ ...granted, integration: true }) };
  const inputs = Object.entries({ ...defaults(step.action), ...step.with });
  return runBare({
    action: step.action,
    inputs: Object.fromEntries(inputs.map(([name, text]) => [name, fill(text, all)])),
    env: { ...github.variables, ...(mayHaveIdToken && github.idTokenVariables) },
  });
}

/** Returns the defaults of an action's inputs. They may contain expressions. */
function defaults(action: string): Record<string, unknown> {
  const { inputs } = parse(read(path.join(action, 'action.yml')));
  const all = Object.entries<{ default?: unknown }>(inputs).map(([name, input]) => [name, input.default]);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

function read(file: string): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
}
