import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';

// Tests of the tests. Each patch in __tests__/promises breaks one promise, and names a test that has to fail then: one
// that stays green would not notice either when the promise is broken by mistake. What the patches break are copies.
// An argument takes those patches alone whose file name has it.

const PATCHES = path.resolve('__tests__', 'promises');
const MOST_COPIES = 2;
/** Milliseconds: a broken program may wait for something that never comes. */
const LONGEST_RUN = 300_000;

/** A patch. `git apply` takes what stands above its first file for a letter, and passes over it. */
interface Patch {
  file: string;
  /** Number of the promise. */
  promise: number;
  /** What is broken. */
  what: string;
  /** File with the test that has to fail, and a piece of the test's full name. */
  test: string;
  named: string;
}

/** The part of Jest's report that is read here. */
interface Report {
  numRuntimeErrorTestSuites: number;
  testResults: { assertionResults: { fullName: string; status: string }[] }[];
}

const [part = ''] = process.argv.slice(2);
const patches = readdirSync(PATCHES)
  .filter((name) => name.endsWith('.patch') && name.includes(part))
  .sort()
  .map(readPatch);
const folder = mkdtempSync(path.join(tmpdir(), 'promises-'));
const began = performance.now();
let noticed = 0;
try {
  const copies = Array.from({ length: Math.min(MOST_COPIES, availableParallelism()) }, (_, at) => copyTo(`${at}`));
  const problems = part ? [] : missingPromises();
  if (patches.length === 0) problems.push(`No file name in ${PATCHES} has ${JSON.stringify(part)}.`);
  if (problems.length === 0) problems.push(...(await greenWithout(patches, copies[0] ?? '')));
  for (const problem of problems) console.log(problem);
  if (problems.length === 0) {
    const waiting = [...patches];
    const next = async (copy: string): Promise<void> => {
      const patch = waiting.shift();
      if (!patch) return;
      await check(patch, copy);
      await next(copy);
    };
    await Promise.all(copies.map(next));
    console.log(`${noticed} of ${patches.length} breaks noticed, in ${secondsSince(began)}.`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = noticed === patches.length && noticed > 0 ? 0 : 1;

function readPatch(file: string): Patch {
  const text = readFileSync(path.join(PATCHES, file), 'utf8');
  const field = (title: string) => {
    const value = new RegExp(`^${title}: (.+)$`, 'm').exec(text)?.[1];
    if (!value) throw new Error(`${file} has no line "${title}: …".`);
    return value;
  };
  const promise = Number.parseInt(field('Promise'), 10);
  return { file, promise, what: field('Break'), test: field('Test'), named: field('Named') };
}

function missingPromises(): string[] {
  const numbers = new Set(patches.map(({ promise }) => promise));
  return Array.from({ length: 12 }, (_, at) => at + 1)
    .filter((number) => !numbers.has(number))
    .map((number) => `No patch breaks promise ${number}.`);
}

/** Copies what is, or may be, committed. @returns the copy's folder */
function copyTo(name: string): string {
  const copy = path.join(folder, name);
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { encoding: 'utf8' });
  // Where node_modules is a link itself, it is no folder that .gitignore could mean.
  const files = listed.split('\0').filter((file) => file && file !== 'node_modules' && existsSync(file));
  for (const file of files) cpSync(file, path.join(copy, file), { recursive: true });
  symlinkSync(path.resolve('node_modules'), path.join(copy, 'node_modules'), 'junction');
  return copy;
}

/** @returns what is wrong with the tests that the patches name, as long as nothing is broken */
async function greenWithout(patches: Patch[], copy: string): Promise<string[]> {
  const tests = await jest(
    copy,
    patches.map(({ test }) => test),
    patches.map(({ named }) => named),
  );
  if (!tests) return ['The tests that the patches name cannot be run.'];
  const red = tests.filter(({ status }) => status === 'failed');
  const unknown = patches.filter(({ named }) => !tests.some(({ fullName }) => fullName.includes(named)));
  return [
    ...red.map(({ fullName }) => `This test fails without a patch too: ${fullName}`),
    ...unknown.map(({ file, named }) => `${file} names a test that is not there: ${named}`),
  ];
}

async function check(patch: Patch, copy: string): Promise<void> {
  const started = performance.now();
  const verdict = await judge(patch, copy);
  if (verdict === 'red') noticed++;
  console.log(`${patch.promise}: ${patch.what} (${patch.file}, ${secondsSince(started)}): ${verdict}`);
}

async function judge({ file, test, named }: Patch, copy: string): Promise<string> {
  if (!(await apply(copy, file))) return 'STALE: it does not apply to src any more, so renew it';
  const compiled = await compiles(copy);
  const tests = compiled ? await jest(copy, [test], [named]) : [];
  if (!(await apply(copy, file, '-R'))) throw new Error(`${file} cannot be taken back.`);
  if (!compiled) return 'WRONG: a break has to be a program that works';
  const isRed = tests?.some(({ fullName, status }) => status === 'failed' && fullName.includes(named));
  return isRed ? 'red' : `GREEN: ${test} ought to fail in ${named}`;
}

async function apply(copy: string, file: string, ...options: string[]): Promise<boolean> {
  // One line of context has to fit, so that a change nearby does not matter.
  const command = ['-c', 'core.autocrlf=false', 'apply', '-C1', ...options, path.join(PATCHES, file)];
  // Within a repository, which the folder for temporary files may be in, git would pass over what is not tracked there.
  return await succeeds(copy, 'git', command, { GIT_CEILING_DIRECTORIES: folder });
}

/** What a patch leaves unused does no harm. */
async function compiles(copy: string): Promise<boolean> {
  const options = ['--noEmit', '--noUnusedLocals', 'false', '--noUnusedParameters', 'false'];
  const program = 'node_modules/typescript/bin/tsc';
  return await succeeds(copy, process.execPath, [program, '--project', 'tsconfig.build.json', ...options]);
}

/** Runs the tests with one of the names, spawned ones on `src`. @returns nothing where a file cannot be run */
async function jest(copy: string, files: string[], names: string[]) {
  const outputFile = path.join(folder, `${path.basename(copy)}.json`);
  rmSync(outputFile, { force: true });
  const pattern = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const program = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--silent'];
  const options = ['--testNamePattern', pattern, '--json', '--outputFile', outputFile];
  const args = [...program, ...options, '--runTestsByPath', ...new Set(files)];
  await succeeds(copy, process.execPath, args, { ACTION_SOURCE: '1' }, 'ignore');
  if (!existsSync(outputFile)) return undefined;
  const { numRuntimeErrorTestSuites, testResults }: Report = JSON.parse(readFileSync(outputFile, 'utf8'));
  const ran = ({ status }: { status: string }) => status === 'passed' || status === 'failed';
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults.filter(ran));
  return numRuntimeErrorTestSuites > 0 ? undefined : tests;
}

async function succeeds(
  cwd: string,
  command: string,
  args: string[],
  env = {},
  stdio: 'inherit' | 'ignore' = 'inherit',
): Promise<boolean> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, timeout: LONGEST_RUN });
  return await new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code === 0)));
}

function secondsSince(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
