import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

// Coverage of src over the unit tests and the spawned ones together. Both run src as it is, whose types are replaced by
// spaces, so that V8's own figures fit the files and can be added up.

const folder = mkdtempSync(path.join(tmpdir(), 'coverage-'));
try {
  // Unit tests run in Jest's own process, since the figures of its workers are lost when it ends them.
  jest('__tests__/unit', '--runInBand');
  // The matrix goes by the time that the built action takes.
  jest('--testPathIgnorePatterns', '__tests__/(unit|matrix)');
  for (const name of readdirSync(folder)) nameByUrl(path.join(folder, name));
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

/** Jest evaluates a module under its path, where other tools look for its URL. */
function nameByUrl(file: string): void {
  const coverage = JSON.parse(readFileSync(file, 'utf8'));
  for (const script of coverage.result) if (path.isAbsolute(script.url)) script.url = pathToFileURL(script.url).href;
  writeFileSync(file, JSON.stringify(coverage));
}

function run(name: string, args: string[], env: Record<string, string> = {}): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) {
    console.error(`${name} failed.`);
    process.exitCode = 1;
  }
}
