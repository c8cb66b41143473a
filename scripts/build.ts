import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

// Builds dist from src: TypeScript to JavaScript, then a folder for each entry, with one readable file for its start and
// one for each part that is loaded later. Run from the repository's root, since ncc's names for modules depend on the
// working directory.

const ENTRIES = ['main', 'post', 'delete', 'sweep'];

/** What may be in dist besides our own code: a new name here is a decision, not an accident of an update. */
const PACKAGES = [
  '@actions/core',
  '@actions/github',
  '@actions/http-client',
  '@noble/ciphers',
  '@noble/hashes',
  '@octokit/auth-token',
  '@octokit/core',
  '@octokit/endpoint',
  '@octokit/graphql',
  '@octokit/plugin-paginate-rest',
  '@octokit/plugin-rest-endpoint-methods',
  '@octokit/request',
  '@octokit/request-error',
  'before-after-hook',
  'content-type',
  'json-with-bigint',
  'universal-user-agent',
];

for (const folder of ['build', 'dist']) rmSync(folder, { recursive: true, force: true });
run('tsc', '--project', 'tsconfig.build.json');
// No module: CommonJS starts sooner, and loads its chunks sooner.
writeFileSync('build/package.json', '{}');
for (const entry of ENTRIES) bundle(entry);
rmSync('build', { recursive: true });

function bundle(entry: string): void {
  const [folder, statistics] = [`dist/${entry}`, `build/${entry}.json`];
  run('ncc', 'build', `build/${entry}.js`, '--out', folder, '--no-cache', '--stats-out', statistics);
  const { modules, warnings, errors } = JSON.parse(readFileSync(statistics, 'utf8')) as Statistics;
  const problems = [...warnings, ...errors].map(({ message }) => message);
  const packages = packagesOf(modules);
  const strangers = packages.filter((name) => !PACKAGES.includes(name));
  if (strangers.length > 0) problems.push(`Packages that are not on the list: ${strangers.join(', ')}`);
  // ncc leaves a module that it cannot find to run time, and ends well.
  for (const file of readdirSync(folder))
    if (readFileSync(`${folder}/${file}`, 'utf8').includes('eval("require")'))
      problems.push(`${file}: a module was not found.`);
  if (problems.length > 0) throw new Error(`${entry} cannot be bundled:\n${problems.join('\n')}`);
  // Else the project's own package.json would make modules of them.
  writeFileSync(`${folder}/package.json`, '{ "type": "commonjs" }\n');
  writeFileSync(`${folder}/LICENSES.txt`, packages.sort().map(licence).join('\n'));
  for (const file of readdirSync(folder)) console.log(`${folder}/${file}  ${statSync(`${folder}/${file}`).size} bytes`);
}

/** ncc's own list keeps one chunk's packages alone. */
function licence(name: string): string {
  const folder = path.join('node_modules', name);
  const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  const text = file ? readFileSync(path.join(folder, file), 'utf8').trim() : `Licensed under ${license}.`;
  return `${name} ${version} (${license})\n\n${text}\n`;
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
