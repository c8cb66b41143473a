// A stand-in for the part of GitHub's runner that an action sees: inputs and state as variables, command files,
// workflow commands, masks, and the post step.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { RUNNER_VARIABLES } from './variables.ts';

export { RUNNER_VARIABLES };

const ROOT = fileURLToPath(new URL('..', import.meta.url));

type Variables = Record<string, string | undefined>;

/** One step of a workflow that uses an action. */
export interface Step {
  /** The inputs that the workflow sets. All others have the default of `action.yml`. */
  inputs?: Record<string, string>;
  /** Variables in addition to those of the runner. `undefined` removes a variable. */
  env?: Variables;
  /** The payload of the event. */
  event?: unknown;
  /** Folder of the action, relative to the repository's root. The root by default. */
  action?: string;
  /** Folder with the sources to run instead of the bundles in `dist`, relative to the repository's root. */
  source?: string | undefined;
  /**
   * Called when main has started, with a function that sends it a signal, and with what the runner can do meanwhile: read
   * the state that main has written so far, and run the post step.
   */
  onStart?: (kill: (signal: NodeJS.Signals) => void, running: Running) => void;
  /** Path of the Node that runs the action. By default the one that runs this program. */
  node?: string;
  /** Options for Node, such as a module to preload. */
  nodeOptions?: string[];
}

/** The result of one execution, as the runner and the user see it. */
export interface Outcome {
  exitCode: number | null;
  /** Everything that the action printed to stdout, including workflow commands. */
  stdout: string;
  stderr: string;
  /** The log as the runner shows it: with rendered commands, and with `***` instead of masked values. */
  log: string;
  masks: string[];
  annotations: { kind: 'error' | 'warning' | 'notice'; message: string }[];
  outputs: Record<string, string>;
  state: Record<string, string>;
  /** What the state was after each write to its file, in order. The runner may read it at any time. */
  states: Record<string, string>[];
  summary: string;
  milliseconds: number;
}

/** A step whose main runs. */
export interface Running {
  /** Returns the state that main has written so far. */
  state(): Record<string, string>;
  /** Runs post beside main, as Executed.post() does after it. */
  post(state: Record<string, string>): Promise<Outcome>;
}

/** A step whose main has run, and whose post can run. */
export interface Executed extends Outcome {
  /** Runs post with the state that main saved. `changes` overrides inputs, variables or the state. */
  post(changes?: Pick<Step, 'inputs' | 'env'> & { state?: Record<string, string> }): Promise<Outcome>;
}

/**
 * Runs the main file of an action as the runner does.
 * @throws {Error} if `action.yml` does not declare one of the inputs, or if the action issues an unknown command
 */
export async function runStep(given: Step): Promise<Executed> {
  const step = { ...given, env: { RUNNER_TEMP: temporaryFolder(), ...given.env } };
  const folder = path.join(ROOT, step.action ?? '');
  const metadata = parse(readFileSync(path.join(folder, 'action.yml'), 'utf8'));
  const post = (state: Record<string, string>, { inputs = {}, env = {} }: Pick<Step, 'inputs' | 'env'> = {}) => {
    const stateVariables = Object.fromEntries(Object.entries(state).map(([key, value]) => [`STATE_${key}`, value]));
    const { onStart: _, ...rest } = step;
    return execute(
      { ...rest, env: { ...step.env, ...env } },
      nodeCommand(step, entry(folder, metadata.runs.post, step.source)),
      { ...stateVariables, ...inputVariables(metadata, { ...step.inputs, ...inputs }) },
    );
  };
  const main = await execute(
    step,
    nodeCommand(step, entry(folder, metadata.runs.main, step.source)),
    inputVariables(metadata, step.inputs),
    post,
  );
  return { ...main, post: ({ state = main.state, ...changes } = {}) => post(state, changes) };
}

/** Returns a new folder that main and post of a step share, like the runner's. It is removed when the process ends. */
function temporaryFolder(): string {
  if (folders.length === 0)
    process.once('exit', () => folders.forEach((folder) => void rmSync(folder, { recursive: true, force: true })));
  const folder = mkdtempSync(path.join(tmpdir(), 'runner-temp-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];

/** Runs another program instead of the action, with the same inputs, variables and files. */
export async function runProgram(step: Step, command: string[]): Promise<Outcome> {
  const metadata = parse(readFileSync(path.join(ROOT, step.action ?? '', 'action.yml'), 'utf8'));
  return await execute(step, command, inputVariables(metadata, step.inputs));
}

/** Returns the command that runs one file of the action with Node. */
function nodeCommand({ node = process.execPath, nodeOptions = [] }: Step, file: string): string[] {
  return [node, ...nodeOptions, file];
}

function entry(folder: string, file: string, source: string | undefined): string {
  if (!source) return path.join(folder, file);
  return path.join(ROOT, source, `${path.basename(file, '.js')}.${source === 'src' ? 'ts' : 'js'}`);
}

function inputVariables(
  metadata: { inputs: Record<string, { default?: string }> },
  inputs: Record<string, string> = {},
): Variables {
  const unknown = Object.keys(inputs).filter((name) => !(name in metadata.inputs));
  if (unknown.length > 0) throw new Error(`action.yml has no input ${unknown.join(', ')}`);
  return Object.fromEntries(
    Object.entries(metadata.inputs).map(([name, input]) => [
      `INPUT_${name.toUpperCase()}`,
      inputs[name] ?? input.default ?? '',
    ]),
  );
}

async function execute(
  step: Step,
  [program = '', ...args]: string[],
  variables: Variables,
  post: Running['post'] = () => Promise.reject(new Error('this program has no post step')),
): Promise<Outcome> {
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
      env: { PATH, NODE_V8_COVERAGE, ...RUNNER_VARIABLES, ...files, ...variables, ...step.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    step.onStart?.((signal) => child.kill(signal), { state: () => readCommandFile(files.GITHUB_STATE), post });
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
      ...readStates(files.GITHUB_STATE),
      summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8'),
      milliseconds,
    };
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** Reads a command file. If a name occurs more than once, its last value is returned. */
function readCommandFile(file: string): Record<string, string> {
  return Object.assign({}, ...readEntries(file));
}

/** Reads the entries of a command file. An entry is `name<<delimiter`, the lines of the value, and the delimiter. */
function readEntries(file: string): Record<string, string>[] {
  const entries: Record<string, string>[] = [];
  const lines = readFileSync(file, 'utf8').split('\n');
  for (let index = 0; index < lines.length; index++) {
    const [, name, delimiter] = /^(.*?)<<(.*)$/.exec(lines[index] ?? '') ?? [];
    if (name === undefined) continue;
    const end = lines.indexOf(delimiter ?? '', index + 1);
    if (end < 0) throw new Error(`a value of ${name} has no end`);
    entries.push({ [name]: lines.slice(index + 1, end).join('\n') });
    index = end;
  }
  return entries;
}

function readStates(file: string): Pick<Outcome, 'state' | 'states'> {
  const states: Record<string, string>[] = [{}];
  for (const entry of readEntries(file)) states.push({ ...states.at(-1), ...entry });
  return { state: states.at(-1) ?? {}, states };
}

function readLog(stdout: string, showDebug: boolean): Pick<Outcome, 'log' | 'masks' | 'annotations'> {
  const masks: string[] = [];
  const annotations: Outcome['annotations'] = [];
  const visibleLines: string[] = [];
  for (const line of stdout.split('\n')) {
    const [, command, properties = '', data = ''] = /^\s*::([a-z-]+)( [^:]*)?::(.*)$/s.exec(line) ?? [];
    const value = data.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
    if (command === 'add-mask') masks.push(value);
    else if (command === 'error' || command === 'warning' || command === 'notice') {
      annotations.push({ kind: command, message: value });
      visibleLines.push(`${command[0]?.toUpperCase()}${command.slice(1)}: ${value}`);
    } else if (command === 'debug') {
      if (showDebug) visibleLines.push(`Debug: ${value}`);
    } else if (command !== undefined) throw new Error(`the action issued the command ${command}${properties}`);
    else visibleLines.push(line);
  }
  const longestFirst = [...masks].sort((a, b) => b.length - a.length);
  const log = visibleLines
    .map((line) => longestFirst.reduce((text, mask) => text.replaceAll(mask, '***'), line))
    .join('\n');
  return { log, masks, annotations };
}
