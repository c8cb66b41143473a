// Builds dist from src: compiles TypeScript to JavaScript, then bundles it with ncc. dist has one small file for each
// program, and readable files ("chunks") that they share and load when they need them. Run it from the root of the
// repository, because ncc derives the names of modules from the working directory.

import { execFileSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The programs that an action.yml names. dist has a file for each. */
const ENTRIES = ['main', 'post', 'delete', 'sweep', 'audit'];

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
  '@octokit/request',
  '@octokit/request-error',
  'before-after-hook',
  'content-type',
  'json-with-bigint',
  'universal-user-agent',
];

/** The fields of webpack's statistics that this script reads. */
interface Statistics {
  modules: Module[];
  chunks: Chunk[];
  warnings: { message: string }[];
  errors: { message: string }[];
}

interface Module {
  name: string;
  nameForCondition?: string;
  /** Ids of the chunks that contain the module. */
  chunks?: number[];
  /** The modules that were merged into this one. */
  modules?: Module[];
}

interface Chunk {
  id: number;
  /** The name in `webpackChunkName`. Empty if webpack split the chunk from others. */
  names: string[];
  files: string[];
  /** `vendors` if webpack split the packages from a chunk. */
  idHints: string[];
  /** Ids of the chunks that are loaded together with this one. */
  siblings: number[];
}

for (const folder of ['build', 'dist']) rmSync(folder, { recursive: true, force: true });
run('.', 'tsc', '--project', 'tsconfig.build.json');
// tsc breaks few lines, and indents with four spaces. In nearly the format of src, dist is easier to compare with it. With
// tabs, it is smaller.
const { formatter, javascript } = JSON.parse(readFileSync('biome.jsonc', 'utf8').replace(/^ *\/\/.*$/gm, ''));
writeFileSync('build/biome.json', JSON.stringify({ formatter: { ...formatter, indentStyle: 'tab' }, javascript }));
run('build', 'biome', 'format', '--write');
// Without "type", Node treats the files as CommonJS, which starts and loads chunks faster than ES modules.
writeFileSync('build/package.json', '{}');
run('.', 'ncc', 'build', 'build/start.js', '--out', 'dist', '--no-cache', '--stats-out', 'build/statistics.json');
const statistics: Statistics = JSON.parse(readFileSync('build/statistics.json', 'utf8'));
const packages = packagesOf(statistics.modules);
requireGoodBundle(statistics, packages);
nameChunks(statistics.chunks);
// Packages are indented with spaces. With tabs they are smaller.
run('.', 'biome', 'format', '--write', '--config-path', 'build', ...globSync('dist/*-packages.js'));
rmSync('build', { recursive: true });
for (const entry of ENTRIES) writeFileSync(`dist/${entry}.js`, `require('./start.js').start('${entry}');\n`);
// Without this file Node would apply the project's package.json and parse the bundle as ES modules.
writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
writeFileSync('dist/LICENSES.txt', packages.sort().map(licenseEntry).join('\n'));
for (const file of readdirSync('dist')) console.log(`dist/${file}  ${statSync(`dist/${file}`).size} bytes`);

/** @throws {Error} that names everything that is wrong with the bundle */
function requireGoodBundle({ modules, warnings, errors }: Statistics, packages: string[]): void {
  const problems = [...warnings, ...errors].map(({ message }) => message);
  const unlisted = packages.filter((name) => !PACKAGES.includes(name));
  if (unlisted.length > 0) problems.push(`Packages that are not on the list: ${unlisted.join(', ')}`);
  for (const { name, chunks = [] } of modules) if (chunks.length > 1) problems.push(`${name} is in several chunks.`);
  // If ncc cannot find a module, it writes this call into the bundle and exits with code 0.
  for (const file of readdirSync('dist'))
    if (readFileSync(`dist/${file}`, 'utf8').includes('eval("require")'))
      problems.push(`${file}: a module was not found.`);
  if (problems.length > 0) throw new Error(`dist cannot be built:\n${problems.join('\n')}`);
}

/** Renames the files of chunks, which ncc names by number, and index.js to start.js, which loads them. */
function nameChunks(chunks: Chunk[]): void {
  const lazy = chunks.filter(({ files }) => !files.includes('index.js'));
  const names = Object.fromEntries(lazy.map((chunk) => [chunk.id, chunkName(chunk, chunks)]));
  if (new Set(Object.values(names)).size < lazy.length) throw new Error('Two chunks have the same name.');
  for (const { id, files } of lazy) renameSync(`dist/${files[0]}`, `dist/${names[id]}.js`);
  const start = readFileSync('dist/index.js', 'utf8');
  const fileName = '"" + chunkId + ".index.js"';
  if (!start.includes(fileName)) throw new Error('dist/index.js does not load its chunks as expected.');
  writeFileSync('dist/start.js', start.replace(fileName, `(${JSON.stringify(names)})[chunkId] + ".js"`));
  rmSync('dist/index.js');
}

/** Returns a chunk's own name, or `NAME-packages` if webpack split the packages from chunk NAME, or else `shared`. */
function chunkName({ names: [name], idHints, siblings }: Chunk, chunks: Chunk[]): string {
  if (name) return name;
  const [sibling] = chunks.filter(({ id }) => siblings.includes(id)).flatMap(({ names }) => names);
  if (!idHints.includes('vendors')) return 'shared';
  if (!sibling) throw new Error('A chunk of packages belongs to no named chunk.');
  return `${sibling}-packages`;
}

/** Returns the names of all npm packages that the modules belong to, nested modules included. */
function packagesOf(modules: Module[]): string[] {
  const names = modules.flatMap(({ nameForCondition = '', modules: inner = [] }) => [
    /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(nameForCondition)?.[1]?.replace('\\', '/') ?? [],
    packagesOf(inner),
  ]);
  return [...new Set(names.flat(2))];
}

/** Returns a package's name, version and license text. ncc's own list has the packages of one chunk only. */
function licenseEntry(name: string): string {
  const folder = path.join('node_modules', name);
  const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  const text = file ? readFileSync(path.join(folder, file), 'utf8').trim() : `Licensed under ${license}.`;
  return `${name} ${version} (${license})\n\n${text}\n`;
}

/** Runs a program of an npm package in a folder. */
function run(cwd: string, command: string, ...args: string[]): void {
  // On Windows npm's shims are shell scripts and need a shell.
  execFileSync(path.resolve('node_modules', '.bin', command), args, {
    cwd,
    shell: process.platform === 'win32',
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
