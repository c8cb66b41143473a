import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

// Builds dist from src: TypeScript to JavaScript, then one readable file for each entry. Run from the repository's
// root, since ncc's names for modules depend on the working directory.

const ENTRIES = ['main', 'post'];

/** What may be in dist besides our own code: a new name here is a decision, not an accident of an update. */
const PACKAGES = ['@actions/core', '@actions/exec', '@actions/http-client', '@actions/io', 'tunnel'];

for (const folder of ['build', 'dist']) rmSync(folder, { recursive: true, force: true });
run('tsc', '--project', 'tsconfig.build.json');
for (const entry of ENTRIES) bundle(entry);
rmSync('build', { recursive: true });

function bundle(entry: string): void {
  const [folder, statistics] = [`dist/${entry}`, `build/${entry}.json`];
  run(
    'ncc',
    'build',
    `build/${entry}.js`,
    '--out',
    folder,
    '--no-cache',
    '--license',
    'LICENSES.txt',
    '--stats-out',
    statistics,
  );
  const { modules, warnings, errors } = JSON.parse(readFileSync(statistics, 'utf8')) as Statistics;
  const problems = [...warnings, ...errors].map(({ message }) => message);
  const strangers = packagesOf(modules).filter((name) => !PACKAGES.includes(name));
  if (strangers.length > 0) problems.push(`Packages that are not on the list: ${strangers.join(', ')}`);
  // ncc leaves a module that it cannot find to run time, and ends well.
  if (readFileSync(`${folder}/index.js`, 'utf8').includes('eval("require")')) problems.push('A module was not found.');
  if (problems.length > 0) throw new Error(`${entry} cannot be bundled:\n${problems.join('\n')}`);
  for (const file of readdirSync(folder)) console.log(`${folder}/${file}  ${statSync(`${folder}/${file}`).size} bytes`);
}

/** The part of webpack's statistics that is read here. */
interface Statistics {
  modules: Module[];
  warnings: { message: string }[];
  errors: { message: string }[];
}

interface Module {
  nameForCondition?: string;
  modules?: Module[];
}

function packagesOf(modules: Module[]): string[] {
  const names = modules.flatMap(({ nameForCondition = '', modules: inner = [] }) => [
    /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(nameForCondition)?.[1]?.replace('\\', '/') ?? [],
    packagesOf(inner),
  ]);
  return [...new Set(names.flat(2))];
}

function run(command: string, ...args: string[]): void {
  // npm's shims on Windows are scripts for a shell.
  execFileSync(path.join('node_modules', '.bin', command), args, {
    shell: process.platform === 'win32',
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
