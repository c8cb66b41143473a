import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it as jestIt } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import { RUNNER_VARIABLES } from '../../emulator/runner.ts';
import { findTool } from '../../scripts/tools.ts';
import { secretsOf } from '../support/action.ts';
import { leakedParts } from './leaks.ts';

// Runs workflows on act, a real runner, in a repository with the files of the released actions and the test workflows.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STAGED = ['action.yml', 'dist', 'delete', 'sweep', 'audit', '__tests__/act/workflows', '__tests__/act/actions'];
/** Milliseconds after which a run is killed. */
const RUN_TIMEOUT = 100_000;

const program = findTool('act');

/** Skips the tests if act is missing. setup.js prints how to get it. */
export const it = program ? jestIt : jestIt.skip;

/** Returns the variables of a job that may request an ID token. The run id is that of the token. */
export const idTokenOf = ({ github }: Emulator): Record<string, string> => ({
  ...github.idTokenVariables,
  GITHUB_RUN_ID: RUNNER_VARIABLES.GITHUB_RUN_ID,
});

interface Options {
  /** The job of the workflow that runs. By default all jobs run. */
  job?: string;
  /** Configuration variables, in addition to those that name the environment. */
  vars?: Record<string, string>;
  /** Environment variables of every step. */
  env?: Record<string, string>;
  /** Whether the workflow gets no secrets of GitHub Actions. act masks these by itself. */
  withoutSecrets?: boolean;
  /** Whether act and the actions log at debug level. */
  debug?: boolean;
  /** Whether act masks nothing. The check then skips the lines in which act itself shows secrets. */
  unmasked?: boolean;
  /** Called with the running act. */
  onStart?: (running: Running) => void;
}

export interface Running {
  kill(signal: NodeJS.Signals): void;
  /** Resolves as soon as act has printed this text. */
  printed(text: string): Promise<void>;
}

export interface Run {
  /** Null if act was killed. */
  exitCode: number | null;
  /** Everything that act printed. */
  log: string;
  /** The lines that the steps printed, in the order of the log. The last lines of a failing step can be missing. */
  lines: string[];
}

/** Runs a workflow, and checks that its log shows no secret. */
export async function run(emulator: Emulator, workflow: string, options: Options = {}): Promise<Run> {
  const folder = mkdtempSync(path.join(tmpdir(), 'act-'));
  try {
    stage(path.join(folder, 'repository'));
    const { exitCode, log } = await act(folder, optionsFor(emulator, workflow, options), options.onStart);
    expect(leakedParts(secretsOf(emulator), options.unmasked ? withoutActLines(log) : log)).toEqual([]);
    const lines = [...log.matchAll(/^\[.*?\] +\| (.*)$/gm)].map(([, line = '']) => line);
    return { exitCode, log, lines: lines.filter((line) => line.trim()) };
  } finally {
    // If the runner was killed, the process of a step may still be running for a moment.
    rmSync(folder, { recursive: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Returns the log without the lines that act itself prints: outputs that were set, and debug lines. */
function withoutActLines(log: string): string {
  return log.replace(/^.*(::set-output::|\[DEBUG\] (?! *💬)).*$/gmu, '');
}

/** Creates a repository with one commit. act takes the repository's name from `origin`. */
function stage(folder: string): void {
  for (const name of STAGED) cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  git(folder, 'init', '--quiet', '--initial-branch', 'main');
  git(folder, 'remote', 'add', 'origin', `https://github.com/${RUNNER_VARIABLES.GITHUB_REPOSITORY}.git`);
  git(folder, 'add', '--all');
  git(folder, '-c', 'user.name=Test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message', 'Begin');
}

function git(cwd: string, ...args: string[]): void {
  const env = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const { status, stderr, error } = spawnSync('git', args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${error?.message ?? stderr}`);
}

function optionsFor({ variables, github }: Emulator, workflow: string, options: Options): string[] {
  const { SCALEKIT_CLIENT_SECRET = '', ...vars } = variables;
  // The GITHUB_TOKEN of the job has `actions: read`.
  const GITHUB_TOKEN = github.addToken({ actions: 'read' });
  const secrets = { SCALEKIT_CLIENT_SECRET, SECRETS_TOKEN: github.token, GITHUB_TOKEN };
  const { GITHUB_REPOSITORY_ID } = RUNNER_VARIABLES;
  const debug = options.debug ? { RUNNER_DEBUG: '1' } : {};
  // HTTPS_PROXY, which keeps act from checking for updates, must not reach the steps.
  const env = { ...github.variables, GITHUB_REPOSITORY_ID, HTTPS_PROXY: '', ...debug, ...options.env };
  const listed = (option: string, values: Record<string, string>) =>
    Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`]);
  return [
    'push',
    ...['--workflows', `__tests__/act/workflows/${workflow}.yml`],
    ...(options.job ? ['--job', options.job] : []),
    ...['--platform', 'ubuntu-latest=-self-hosted', '--pull=false', '--no-cache-server', '--concurrent-jobs', '12'],
    ...listed('--var', { ...vars, ...options.vars }),
    ...listed('--secret', options.withoutSecrets ? {} : secrets),
    ...listed('--env', env),
    ...(options.debug ? ['--verbose', '--secret', 'ACTIONS_STEP_DEBUG=true'] : []),
    ...(options.unmasked ? ['--insecure-secrets'] : []),
  ];
}

/** Runs act. Its environment is almost empty, because it passes it on to the steps. Node.js 24 is first on its PATH. */
async function act(folder: string, args: string[], onStart: Options['onStart']): Promise<Omit<Run, 'lines'>> {
  const home = path.join(folder, 'home');
  mkdirSync(home);
  const PATH = [path.dirname(process.execPath), process.env.PATH].join(path.delimiter);
  const child = spawn(program ?? 'act', args, {
    cwd: path.join(folder, 'repository'),
    env: { PATH, HOME: home, HTTPS_PROXY: 'http://127.0.0.1:9' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_TIMEOUT,
    killSignal: 'SIGKILL',
  });
  let log = '';
  const waiting = new Set<() => void>();
  const append = (text: string) => {
    log += text;
    for (const check of waiting) check();
  };
  child.stdout.setEncoding('utf8').on('data', append);
  child.stderr.setEncoding('utf8').on('data', append);
  onStart?.({
    kill: (signal) => child.kill(signal),
    printed: (text) =>
      new Promise((resolve) => {
        const check = () => log.includes(text) && resolve();
        waiting.add(check);
        check();
      }),
  });
  const exitCode = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  return { exitCode, log };
}
