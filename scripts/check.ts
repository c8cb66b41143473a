import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

// Everything that CI checks. Goes through all of it, whatever fails, and ends with one line that counts the tests.

const folder = mkdtempSync(path.join(tmpdir(), 'check-'));
const SUITES = ['test', 'test:matrix', 'test:act'];
const failed = [
  ...SUITES.map((script) => check(script, () => tests(script))),
  check('tests fail where a promise is broken', () => npm('run', 'test:promises')),
  check('coverage', () => npm('run', 'coverage')),
  check('lint', () => npm('run', 'lint')),
  check('workflows', () => npm('run', 'lint:workflows')),
  check('types', () => npm('run', 'types')),
  check('unused code', () => npm('run', 'unused')),
  check('README and docs are what action.yml says', () => npm('run', 'docs', '--', '--check')),
  check('dist is what src builds', distIsFresh),
].filter((name) => name !== undefined);

const { passed, failures } = countTests();
rmSync(folder, { recursive: true });
console.log(failed.length > 0 ? `\nFailed: ${failed.join(', ')}` : '\nAll checks passed.');
console.log(`${passed} passed, ${failures} failed`);
process.exitCode = failed.length > 0 || failures > 0 || passed === 0 ? 1 : 0;

/** @returns the name of a check that failed */
function check(name: string, passes: () => boolean): string | undefined {
  console.log(`\n── ${name}`);
  return passes() ? undefined : name;
}

function npm(...args: string[]): boolean {
  return spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' }).status === 0;
}

function distIsFresh(): boolean {
  const committed = readFolder('dist');
  if (!npm('run', 'build')) return false;
  const built = readFolder('dist');
  const names = new Set([...committed.keys(), ...built.keys()]);
  const stale = [...names].filter((name) => committed.get(name) !== built.get(name));
  for (const name of stale) console.log(`dist/${name} is not what src builds; it is now, so commit it.`);
  return stale.length === 0;
}

function readFolder(root: string): Map<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .map((file) => [path.relative(root, file), readFileSync(file, 'utf8')]),
  );
}

/** Runs tests, and keeps their report. */
function tests(script: string): boolean {
  return npm('run', script, '--', '--json', '--outputFile', path.join(folder, `${script.replace(':', '-')}.json`));
}

function countTests(): { passed: number; failures: number } {
  const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
  const sum = (field: string) => reports.reduce((count, report) => count + report[field], 0);
  // A suite without a report failed as a whole, and one that ran no test has proved nothing. Without CI tools may be missing.
  const proving = reports.filter(({ numPassedTests }) => numPassedTests > 0 || !process.env.CI);
  return { passed: sum('numPassedTests'), failures: sum('numFailedTests') + SUITES.length - proving.length };
}
