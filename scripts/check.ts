// Runs every check of CI. A failed check does not stop the others. The last line counts the passed and the failed
// tests.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Temporary folder for the reports of the test suites. */
const folder = mkdtempSync(path.join(tmpdir(), 'check-'));
/** What each check took. */
const durations: string[] = [];
const SUITES = ['test', 'test:matrix', 'test:act', 'test:nodes', 'test:sdk'];
const failed = [
  ...SUITES.map((script) => runCheck(script, () => runTests(script))),
  runCheck('tests fail where a promise is broken', () => npm('run', 'test:promises')),
  runCheck('the emulator is what the action assumes about Scalekit', () => npm('run', 'contract', '--', '--emulator')),
  runCheck('coverage', () => npm('run', 'coverage')),
  runCheck('lint', () => npm('run', 'lint')),
  runCheck('workflows', () => npm('run', 'lint:workflows')),
  runCheck('types', () => npm('run', 'types')),
  runCheck('unused code', () => npm('run', 'unused')),
  runCheck('README and docs are what action.yml says', () => npm('run', 'docs', '--', '--check')),
  runCheck('dist is what src builds', distIsFresh),
].filter((name) => name !== undefined);

const { passed, failures } = countTests();
rmSync(folder, { recursive: true });
console.log(`\n${durations.join('\n')}`);
console.log(failed.length > 0 ? `\nFailed: ${failed.join(', ')}` : '\nAll checks passed.');
console.log(`${passed} passed, ${failures} failed`);
process.exitCode = failed.length > 0 || failures > 0 || passed === 0 ? 1 : 0;

/** Runs one check, prints how long it took, and returns its name if it failed, or undefined if it passed. */
function runCheck(name: string, passes: () => boolean): string | undefined {
  console.log(`\n── ${name}`);
  const started = performance.now();
  const passed = passes();
  durations.push(`${Math.round((performance.now() - started) / 1000)} s ${name}`);
  return passed ? undefined : name;
}

function npm(...args: string[]): boolean {
  return spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' }).status === 0;
}

/** Builds dist and returns whether that changed no file. Prints each file that changed. */
function distIsFresh(): boolean {
  const committed = readFolder('dist');
  if (!npm('run', 'build')) return false;
  const built = readFolder('dist');
  const names = new Set([...committed.keys(), ...built.keys()]);
  const stale = [...names].filter((name) => committed.get(name) !== built.get(name));
  for (const name of stale) console.log(`dist/${name} is not what src builds; it is now, so commit it.`);
  return stale.length === 0;
}

/** Returns the text of every file in a folder, by its path relative to the folder. */
function readFolder(root: string): Map<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .map((file) => [path.relative(root, file), readFileSync(file, 'utf8')]),
  );
}

/** Runs a test suite, writes its JSON report, and returns whether it passed. */
function runTests(script: string): boolean {
  return npm('run', script, '--', '--json', '--outputFile', path.join(folder, `${script.replace(':', '-')}.json`));
}

/** Adds up the reports. A suite without a conclusive report counts as one failure. */
function countTests(): { passed: number; failures: number } {
  const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
  const sum = (field: string) => reports.reduce((count, report) => count + report[field], 0);
  // A suite without a report crashed. A suite without a passed test proves nothing, so it fails in CI. Elsewhere the
  // tools that it needs may be missing.
  const conclusive = reports.filter(({ numPassedTests }) => numPassedTests > 0 || !process.env.CI);
  return { passed: sum('numPassedTests'), failures: sum('numFailedTests') + SUITES.length - conclusive.length };
}
