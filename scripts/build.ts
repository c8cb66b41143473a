// Builds dist from src: compiles TypeScript to JavaScript, then bundles each entry into a folder of its own with one
// readable file for its start and one for each part that it loads later. Run it from the root of the repository,
// because ncc derives the names of modules from the working directory.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ENTRIES = ['main', 'post', 'delete', 'sweep'];

/** Packages that dist may contain. The build fails for any other, so an update cannot add a package unnoticed. */
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
// Without "type", Node treats the files as CommonJS, which starts and loads chunks faster than ES modules.
writeFileSync('build/package.json', '{}');
for (const entry of ENTRIES) bundle(entry);
rmSync('build', { recursive: true });

function bundle(entry: string): void {
  const [folder, statistics] = [`dist/${entry}`, `build/${entry}.json`];
  run('ncc', 'build', `build/${entry}.js`, '--out', folder, '--no-cache', '--stats-out', statistics);
  const { modules, warnings, errors } = JSON.parse(readFileSync(statistics, 'utf8')) as Statistics;
  const problems = [...warnings, ...errors].map(({ message }) => message);
  const packages = packagesOf(modules);
  const unlisted = packages.filter((name) => !PACKAGES.includes(name));
  if (unlisted.length > 0) problems.push(`Packages that are not on the list: ${unlisted.join(', ')}`);
  // If ncc cannot find a module, it writes this call into the bundle and exits with code 0.
  for (const file of readdirSync(folder))
    if (readFileSync(`${folder}/${file}`, 'utf8').includes('eval("require")'))
      problems.push(`${file}: a module was not found.`);
  if (problems.length > 0) throw new Error(`${entry} cannot be bundled:\n${problems.join('\n')}`);
  // Without this file Node would apply the project's package.json and parse the bundle as ES modules.
  writeFileSync(`${folder}/package.json`, '{ "type": "commonjs" }\n');
  writeFileSync(`${folder}/LICENSES.txt`, packages.sort().map(licenseEntry).join('\n'));
  for (const file of readdirSync(folder)) console.log(`${folder}/${file}  ${statSync(`${folder}/${file}`).size} bytes`);
}

/** Returns a package's name, version and license text. ncc's own list has the packages of one chunk only. */
function licenseEntry(name: string): string {
  const folder = path.join('node_modules', name);
  const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  const text = file ? readFileSync(path.join(folder, file), 'utf8').trim() : `Licensed under ${license}.`;
  return `${name} ${version} (${license})\n\n${text}\n`;
}

/** The fields of webpack's statistics that this script reads. */
interface Statistics {
  modules: Module[];
  warnings: { message: string }[];
  errors: { message: string }[];
}

interface Module {
  nameForCondition?: string;
  modules?: Module[];
}

/** Returns the names of all npm packages that the modules belong to, nested modules included. */
function packagesOf(modules: Module[]): string[] {
  const names = modules.flatMap(({ nameForCondition = '', modules: inner = [] }) => [
    /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(nameForCondition)?.[1]?.replace('\\', '/') ?? [],
    packagesOf(inner),
  ]);
  return [...new Set(names.flat(2))];
}

function run(command: string, ...args: string[]): void {
  // On Windows npm's shims are shell scripts and need a shell.
  execFileSync(path.join('node_modules', '.bin', command), args, {
    shell: process.platform === 'win32',
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
