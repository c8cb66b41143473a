// Applies each patch in __tests__/mutations to a copy of the project. A patch breaks one of the promises in docs/design.md
// and names a test that must fail, because otherwise no test would detect the broken promise. An argument selects the
// patches whose file name contains it.

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { STRIPPED, stripSources } from './strip.ts';

const PATCHES = path.resolve('__tests__', 'mutations');
/** Number of promises in docs/design.md. */
const PROMISES = 13;
/** The largest number of copies of the project that are tested in parallel. */
const MAX_COPIES = 2;
/** Milliseconds that a process may run. A patched program may wait for an event that never happens. */
const PROCESS_TIMEOUT = 300_000;

/** The fields above the first file of a patch. `git apply` ignores these lines. */
interface Patch {
  file: string;
  /** Number of the promise, counted from 1. */
  promise: number;
  /** The change in behaviour that breaks the promise. */
  what: string;
  /** File with the test that must fail. */
  testFile: string;
  /** Part of the full name of that test. */
  testName: string;
}

/** The fields of Jest's report that this script reads. */
interface Report {
  numRuntimeErrorTestSuites: number;
  testResults: { assertionResults: { fullName: string; status: string }[] }[];
}

/** Part of a file name, or empty for all patches. */
const [nameFilter = ''] = process.argv.slice(2);
const patches = readdirSync(PATCHES)
  .filter((name) => name.endsWith('.patch') && name.includes(nameFilter))
  .sort()
  .map(readPatch);
const folder = mkdtempSync(path.join(tmpdir(), 'promises-'));
const startedAt = performance.now();
/** Number of patches whose test failed, as it must. */
let redCount = 0;
try {
  const copies = Array.from({ length: Math.min(MAX_COPIES, availableParallelism()) }, (_, at) => copyTo(`${at}`));
  const problems = nameFilter ? [] : promisesWithoutPatch();
  if (patches.length === 0) problems.push(`No patch in ${PATCHES} has ${JSON.stringify(nameFilter)} in its name.`);
  if (problems.length === 0) problems.push(...(await problemsWithoutPatch(patches, copies[0] ?? '')));
  for (const problem of problems) console.log(problem);
  if (problems.length === 0) {
    const waiting = [...patches];
    const runWaiting = async (copy: string) => {
      for (let patch = waiting.shift(); patch; patch = waiting.shift()) await runPatch(patch, copy);
    };
    await Promise.all(copies.map(runWaiting));
    console.log(`Tests detected ${redCount} of ${patches.length} broken promises, in ${secondsSince(startedAt)}.`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = redCount === patches.length && redCount > 0 ? 0 : 1;

/**
 * Reads the fields of a patch.
 * @throws if one of them is missing
 */
function readPatch(file: string): Patch {
  const text = readFileSync(path.join(PATCHES, file), 'utf8');
  const field = (title: string) => {
    const value = new RegExp(`^${title}: (.+)$`, 'm').exec(text)?.[1];
    if (!value) throw new Error(`${file} has no line "${title}: …".`);
    return value;
  };
  const promise = Number.parseInt(field('Promise'), 10);
  return { file, promise, what: field('Break'), testFile: field('Test'), testName: field('Named') };
}

/** Returns an error message for each promise that no patch breaks. */
function promisesWithoutPatch(): string[] {
  const numbers = new Set(patches.map(({ promise }) => promise));
  return Array.from({ length: PROMISES }, (_, at) => at + 1)
    .filter((number) => !numbers.has(number))
    .map((number) => `No patch breaks promise ${number}.`);
}

/**
 * Copies all files that Git tracks or would track. Patches are applied to such copies, never to the checkout.
 * @returns the folder of the copy
 */
function copyTo(name: string): string {
  const copy = path.join(folder, name);
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { encoding: 'utf8' });
  // If node_modules is a symbolic link, Git lists it: the pattern "node_modules/" matches folders only.
  const files = listed.split('\0').filter((file) => file && file !== 'node_modules' && existsSync(file));
  for (const file of files) cpSync(file, path.join(copy, file), { recursive: true });
  symlinkSync(path.resolve('node_modules'), path.join(copy, 'node_modules'), 'junction');
  return copy;
}

/**
 * Runs the named tests without a patch. Each must exist and pass.
 * @returns an error message for each test that does not
 */
async function problemsWithoutPatch(patches: Patch[], copy: string): Promise<string[]> {
  const tests = await jest(
    copy,
    patches.map(({ testFile }) => testFile),
    patches.map(({ testName }) => testName),
  );
  if (!tests) return ['The tests that the patches name cannot be run.'];
  const red = tests.filter(({ status }) => status === 'failed');
  const unknown = patches.filter(({ testName }) => !tests.some(({ fullName }) => fullName.includes(testName)));
  return [
    ...red.map(({ fullName }) => `This test fails without a patch: ${fullName}`),
    ...unknown.map(({ file, testName }) => `${file} names a test that does not exist: ${testName}`),
  ];
}

/** Tries one patch, and prints and counts its verdict. */
async function runPatch(patch: Patch, copy: string): Promise<void> {
  const started = performance.now();
  const verdict = await tryPatch(patch, copy);
  if (verdict === 'red') redCount++;
  console.log(`${patch.promise}: ${patch.what} (${patch.file}, ${secondsSince(started)}): ${verdict}`);
}

/**
 * Applies a patch to a copy, compiles the copy, runs the named test, and reverts the patch.
 * @returns the verdict: `red` if the test failed, as it must. If not, one of these with an explanation: `STALE` (the
 * patch does not apply), `WRONG` (the patched program does not compile) or `GREEN` (the test did not fail)
 * @throws if the patch cannot be reverted
 */
async function tryPatch({ file, testFile, testName }: Patch, copy: string): Promise<string> {
  if (!(await apply(copy, file))) return 'STALE: the patch no longer applies. Write it anew against src';
  const compiled = await compiles(copy);
  const tests = compiled ? await jest(copy, [testFile], [testName]) : [];
  if (!(await apply(copy, file, '-R'))) throw new Error(`${file} cannot be reverted.`);
  if (!compiled) return 'WRONG: the patched program does not compile';
  const isRed = tests?.some(({ fullName, status }) => status === 'failed' && fullName.includes(testName));
  return isRed ? 'red' : `GREEN: expected "${testName}" in ${testFile} to fail`;
}

/** Runs `git apply` in a copy and returns whether it succeeded. */
async function apply(copy: string, file: string, ...options: string[]): Promise<boolean> {
  // Require one matching line of context instead of three, so that a change nearby does not make the patch stale.
  const command = ['-c', 'core.autocrlf=false', 'apply', '-C1', ...options, path.join(PATCHES, file)];
  // If the temporary folder is inside another repository, `git apply` skips files that are not tracked there. The
  // variable keeps Git from searching for that repository.
  return await succeeds(copy, 'git', command, { GIT_CEILING_DIRECTORIES: folder });
}

/** Returns whether a copy compiles. Names that a patch leaves unused are not errors. */
async function compiles(copy: string): Promise<boolean> {
  const options = ['--noEmit', '--noUnusedLocals', 'false', '--noUnusedParameters', 'false'];
  const program = 'node_modules/typescript/bin/tsc';
  return await succeeds(copy, process.execPath, [program, '--project', 'tsconfig.build.json', ...options]);
}

/**
 * Runs the tests whose full name contains one of the names. Tests that spawn the action run the copy's `src`.
 * @returns the tests that ran, or undefined if a test file could not be run
 */
async function jest(copy: string, files: string[], names: string[]) {
  const outputFile = path.join(folder, `${path.basename(copy)}.json`);
  rmSync(outputFile, { force: true });
  const pattern = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const program = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--silent'];
  const options = ['--testNamePattern', pattern, '--json', '--outputFile', outputFile, '--maxWorkers', '100%'];
  const args = [...program, ...options, '--runTestsByPath', ...new Set(files)];
  stripSources(copy);
  await succeeds(copy, process.execPath, args, { ACTION_SOURCE: STRIPPED }, 'ignore');
  if (!existsSync(outputFile)) return undefined;
  const { numRuntimeErrorTestSuites, testResults }: Report = JSON.parse(readFileSync(outputFile, 'utf8'));
  const ran = ({ status }: { status: string }) => status === 'passed' || status === 'failed';
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults.filter(ran));
  return numRuntimeErrorTestSuites > 0 ? undefined : tests;
}

/** Runs a program and returns whether it exited with code 0. */
async function succeeds(
  cwd: string,
  command: string,
  args: string[],
  env = {},
  stdio: 'inherit' | 'ignore' = 'inherit',
): Promise<boolean> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, timeout: PROCESS_TIMEOUT });
  return await new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code === 0)));
}

function secondsSince(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
