import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { RUNNER_VARIABLES } from './variables.ts';

export { RUNNER_VARIABLES };

// A stand-in for the part of GitHub's runner that an action sees: inputs and state as variables, command files,
// workflow commands, masks, and the post step.

const ROOT = fileURLToPath(new URL('..', import.meta.url));

type Variables = Record<string, string | undefined>;

export interface Step {
  /** Inputs as the workflow gives them; the others get the default of `action.yml`. */
  inputs?: Record<string, string>;
  /** Variables besides those of the runner; `undefined` takes one away. */
  env?: Variables;
  /** The event's payload. */
  event?: unknown;
  /** Folder of the action under the repository's root. */
  action?: string;
  /** Runs `src` as it is instead of `dist`. */
  source?: boolean;
  /** Called with the running main, to interrupt it. */
  onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
  /** Options of Node itself, such as a module to load first. */
  nodeOptions?: string[];
}

/** What a runner and its user see of one execution. */
export interface Outcome {
  exitCode: number | null;
  /** Every byte that the action printed, workflow commands included. */
  stdout: string;
  stderr: string;
  /** The log as the runner shows it: commands rendered, masked values replaced. */
  log: string;
  masks: string[];
  annotations: { kind: 'error' | 'warning' | 'notice'; message: string }[];
  outputs: Record<string, string>;
  state: Record<string, string>;
  summary: string;
  milliseconds: number;
}

/** A started step: its main has run, its post may. */
export interface Executed extends Outcome {
  /** Runs the post step with the state that main left, and whatever is changed in between. */
  post(changes?: Pick<Step, 'inputs' | 'env'> & { state?: Record<string, string> }): Promise<Outcome>;
}

/** Runs the main file of an action as a runner does. */
export async function runStep(step: Step): Promise<Executed> {
  const folder = path.join(ROOT, step.action ?? '');
  const metadata = parse(readFileSync(path.join(folder, 'action.yml'), 'utf8'));
  const main = await execute(
    step,
    nodeCommand(step, entry(folder, metadata.runs.main, step.source)),
    inputVariables(metadata, step.inputs),
  );
  return {
    ...main,
    post: ({ inputs = {}, env = {}, state = main.state } = {}) => {
      const stateVariables = Object.fromEntries(Object.entries(state).map(([key, value]) => [`STATE_${key}`, value]));
      const variables = { ...stateVariables, ...inputVariables(metadata, { ...step.inputs, ...inputs }) };
      const { onStart: _, ...rest } = step;
      return execute(
        { ...rest, env: { ...step.env, ...env } },
        nodeCommand(step, entry(folder, metadata.runs.post, step.source)),
        variables,
      );
    },
  };
}

/** Runs another program in the place of an action: with the same inputs, variables and files. */
export async function runProgram(step: Step, command: string[]): Promise<Outcome> {
  const metadata = parse(readFileSync(path.join(ROOT, step.action ?? '', 'action.yml'), 'utf8'));
  return await execute(step, command, inputVariables(metadata, step.inputs));
}

/** Node with one of the action's files. */
function nodeCommand({ nodeOptions = [] }: Step, file: string): string[] {
  return [process.execPath, ...nodeOptions, file];
}

function entry(folder: string, file: string, source = false): string {
  return source ? path.join(ROOT, file.replace(/^.*dist\/(\w+)\/index\.js$/, 'src/$1.ts')) : path.join(folder, file);
}

function inputVariables(
  metadata: { inputs: Record<string, { default?: string }> },
  given: Record<string, string> = {},
): Variables {
  const unknown = Object.keys(given).filter((name) => !(name in metadata.inputs));
  if (unknown.length > 0) throw new Error(`action.yml has no input ${unknown.join(', ')}`);
  return Object.fromEntries(
    Object.entries(metadata.inputs).map(([name, input]) => [
      `INPUT_${name.toUpperCase()}`,
      given[name] ?? input.default ?? '',
    ]),
  );
}

async function execute(step: Step, [program = '', ...args]: string[], variables: Variables): Promise<Outcome> {
  const temporary = mkdtempSync(path.join(tmpdir(), 'runner-'));
  try {
    const commandFile = (name: string, content = '') => {
      writeFileSync(path.join(temporary, name), content);
      return path.join(temporary, name);
    };
    const files = {
      GITHUB_OUTPUT: commandFile('output'),
      GITHUB_STATE: commandFile('state'),
      GITHUB_ENV: commandFile('env'),
      GITHUB_PATH: commandFile('path'),
      GITHUB_STEP_SUMMARY: commandFile('summary'),
      GITHUB_EVENT_PATH: commandFile('event.json', JSON.stringify(step.event ?? {})),
    };
    mkdirSync(path.join(temporary, 'work'));
    const { PATH, NODE_V8_COVERAGE } = process.env;
    const started = performance.now();
    const child = spawn(program, args, {
      cwd: path.join(temporary, 'work'),
      env: { PATH, NODE_V8_COVERAGE, RUNNER_TEMP: temporary, ...RUNNER_VARIABLES, ...files, ...variables, ...step.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    step.onStart?.((signal) => child.kill(signal));
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk) => (text.stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => (text.stderr += chunk));
    const exitCode = await new Promise<number | null>((resolve, reject) =>
      child.on('error', reject).on('close', resolve),
    );
    const milliseconds = performance.now() - started;
    return {
      exitCode,
      ...text,
      ...readLog(text.stdout, step.env?.RUNNER_DEBUG === '1'),
      outputs: readCommandFile(files.GITHUB_OUTPUT),
      state: readCommandFile(files.GITHUB_STATE),
      summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8'),
      milliseconds,
    };
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** `name<<delimiter`, the value's lines, the delimiter. The last value of a name counts. */
function readCommandFile(file: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = readFileSync(file, 'utf8').split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, name, delimiter] = /^(.*?)<<(.*)$/.exec(lines[at] ?? '') ?? [];
    if (name === undefined) continue;
    const end = lines.indexOf(delimiter ?? '', at + 1);
    if (end < 0) throw new Error(`a value of ${name} has no end`);
    values[name] = lines.slice(at + 1, end).join('\n');
    at = end;
  }
  return values;
}

function readLog(stdout: string, showDebug: boolean): Pick<Outcome, 'log' | 'masks' | 'annotations'> {
  const masks: string[] = [];
  const annotations: Outcome['annotations'] = [];
  const shown: string[] = [];
  for (const line of stdout.split('\n')) {
    const [, command, properties = '', data = ''] = /^\s*::([a-z-]+)( [^:]*)?::(.*)$/s.exec(line) ?? [];
    const value = data.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
    if (command === 'add-mask') masks.push(value);
    else if (command === 'error' || command === 'warning' || command === 'notice') {
      annotations.push({ kind: command, message: value });
      shown.push(`${command[0]?.toUpperCase()}${command.slice(1)}: ${value}`);
    } else if (command === 'debug') {
      if (showDebug) shown.push(`Debug: ${value}`);
    } else if (command !== undefined) throw new Error(`the action issued the command ${command}${properties}`);
    else shown.push(line);
  }
  const longestFirst = [...masks].sort((a, b) => b.length - a.length);
  const log = shown.map((line) => longestFirst.reduce((text, mask) => text.replaceAll(mask, '***'), line)).join('\n');
  return { log, masks, annotations };
}
