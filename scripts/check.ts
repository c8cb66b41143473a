import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

// Everything that CI checks. Goes through all of it, whatever fails, and ends with one line that counts the tests.

const folder = mkdtempSync(path.join(tmpdir(), 'check-'));
const report = path.join(folder, 'tests.json');
const failed = [
  check('test', () => npm('test', '--', '--json', '--outputFile', report)),
  check('coverage', () => npm('run', 'coverage')),
  check('lint', () => npm('run', 'lint')),
  check('types', () => npm('run', 'types')),
  check('unused code', () => npm('run', 'unused')),
  check('README is what action.yml says', () => npm('run', 'docs', '--', '--check')),
  check('dist is what src builds', distIsFresh),
].filter((name) => name !== undefined);

const { numPassedTests = 0, numFailedTests = 1 } = readReport();
rmSync(folder, { recursive: true });
console.log(failed.length > 0 ? `\nFailed: ${failed.join(', ')}` : '\nAll checks passed.');
console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
process.exitCode = failed.length > 0 || numPassedTests === 0 ? 1 : 0;

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

function readReport(): { numPassedTests?: number; numFailedTests?: number } {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return {};
  }
}
