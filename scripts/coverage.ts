// Measures how much of src the unit tests and the spawned tests cover together, and fails below the limits. Both run
// src itself with its types replaced by spaces, so V8's offsets match the files and the figures can be added up.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Beginnings of the names of the tests that do not run. */
const EXCLUDED = ['unit', 'matrix', 'container-cancel', 'injection', 'fleet', 'bundle', 'emulator', 'github-emulator'];

/** Temporary folder for V8's coverage files. */
const folder = mkdtempSync(path.join(tmpdir(), 'coverage-'));
try {
  // Run the unit tests in Jest's own process. Jest ends its workers in a way that loses their coverage.
  jest('__tests__/unit', '--runInBand');
  // Exclude tests whose time limits are set for the built action, and tests of which others cover the same code. Each
  // process strips the types of all of src, so run no more of them than there are processors.
  jest('--testPathIgnorePatterns', `__tests__/(${EXCLUDED.join('|')})`, '--maxWorkers', '100%');
  for (const name of readdirSync(folder)) replacePathsByUrls(path.join(folder, name));
  const limits = ['--check-coverage', '--lines', '95', '--branches', '95'];
  const report = ['--temp-directory', folder, '--include', 'src/**/*.ts', '--all', '--reporter', 'text'];
  run('c8', ['node_modules/c8/bin/c8.js', 'report', ...report, ...limits]);
} finally {
  rmSync(folder, { recursive: true });
}

function jest(...args: string[]): void {
  const program = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--silent'];
  run('jest', [...program, ...args], { ACTION_SOURCE: '1', NODE_V8_COVERAGE: folder });
}

/** Replaces paths by file URLs in a coverage file. Jest evaluates modules under their path; c8 expects a URL. */
function replacePathsByUrls(file: string): void {
  const coverage = JSON.parse(readFileSync(file, 'utf8'));
  for (const script of coverage.result) if (path.isAbsolute(script.url)) script.url = pathToFileURL(script.url).href;
  writeFileSync(file, JSON.stringify(coverage));
}

/** Runs a Node program. If it fails, the script continues and exits with code 1 at its end. */
function run(name: string, args: string[], env: Record<string, string> = {}): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) {
    console.error(`${name} failed.`);
    process.exitCode = 1;
  }
}
