// Measures how much of src the unit tests and the spawned tests cover together, and fails below the limits. Both run
// src with its types replaced by spaces, so V8's offsets match the files and the figures can be added up.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { STRIPPED, stripSources } from './strip.ts';

/**
 * The files of `action/` that do not run. A process that records its coverage is slow: the time limits of some tests are too
 * short for it, and of tests that reach the same code only the shorter ones run.
 */
const EXCLUDED = [
  // Their time limits are set for the built action.
  'fault-matrix',
  'cancel-in-container',
  // Other files reach the same code.
  'undocumented-behaviours',
  'injection-\\w+',
  'other-repositories',
  'scenarios',
];

/** Temporary folder for V8's coverage files. */
const folder = mkdtempSync(path.join(tmpdir(), 'coverage-'));
/** The beginnings of the URLs of the stripped sources and of the sources. */
const [stripped, sources] = [`${pathToFileURL(STRIPPED).href}/`, `${pathToFileURL('src').href}/`];
stripSources('.');
try {
  // Run the unit tests in Jest's own process. Jest ends its workers in a way that loses their coverage.
  jest('__tests__/unit', '--runInBand');
  // No more processes than processors, because a process that records its coverage is slow.
  jest('__tests__/action', '--testPathIgnorePatterns', `action/(${EXCLUDED.join('|')})\\.`, '--maxWorkers', '100%');
  for (const name of readdirSync(folder)) nameSources(path.join(folder, name));
  const limits = ['--check-coverage', '--lines', '95', '--branches', '95'];
  const report = ['--temp-directory', folder, '--include', 'src/**/*.ts', '--all', '--reporter', 'text'];
  run('c8', ['node_modules/c8/bin/c8.js', 'report', ...report, ...limits]);
} finally {
  rmSync(folder, { recursive: true });
}

function jest(...args: string[]): void {
  const program = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--silent'];
  run('jest', [...program, ...args], { ACTION_SOURCE: STRIPPED, NODE_V8_COVERAGE: folder });
}

/**
 * Replaces the names of modules in a coverage file by the URLs of their sources. Jest evaluates modules under their path,
 * and the spawned tests run the stripped sources. Deletes a file that is cut off, because a test killed its process while
 * that wrote it.
 */
function nameSources(file: string): void {
  const coverage = parseOrUndefined(readFileSync(file, 'utf8'));
  if (!coverage) {
    rmSync(file);
    return;
  }
  for (const script of coverage.result) {
    if (path.isAbsolute(script.url)) script.url = pathToFileURL(script.url).href;
    if (script.url.startsWith(stripped)) script.url = script.url.replace(stripped, sources).replace(/\.js$/, '.ts');
  }
  writeFileSync(file, JSON.stringify(coverage));
}

function parseOrUndefined(text: string): { result: { url: string }[] } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Runs a Node program. If it fails, the script continues and exits with code 1 at its end. */
function run(name: string, args: string[], env: Record<string, string> = {}): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) {
    console.error(`${name} failed.`);
    process.exitCode = 1;
  }
}
