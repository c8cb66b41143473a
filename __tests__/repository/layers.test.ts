import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

// The folders of `src` import one way. CONTRIBUTING.md explains the order.

/** Folders of one rank do not import each other. A file imports its own folder, and folders of lower ranks. */
const RANKS = [
  ['output'],
  ['net'],
  ['scalekit', 'github'],
  ['client'],
  ['inputs', 'undo'],
  ['steps'],
  ['commands'],
  ['.'],
];

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const files = globSync('**/*.ts', { cwd: SRC }).map((file) => file.replaceAll('\\', '/'));
const read = (file: string) => readFileSync(path.join(SRC, file), 'utf8');

interface Import {
  file: string;
  /** The imported file below `src`, or the name of a package. */
  imported: string;
  /** Whether the file loads it at run time with `import()`. */
  dynamic: boolean;
}

const imports: Import[] = files.flatMap((file) =>
  [...read(file).matchAll(/(\bfrom |\bimport\((?:\/\* webpackChunkName: "[\w-]+" \*\/ )?)'([^']+)'/g)].map(
    ([, keyword, specifier = '']) => ({
      file,
      imported: specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier) : specifier,
      dynamic: keyword !== 'from ',
    }),
  ),
);
const isOwn = ({ imported }: Import) => imported.endsWith('.ts');
const rankOf = (file: string) => RANKS.findIndex((folders) => folders.includes(path.posix.dirname(file)));
const text = ({ file, imported }: Import) => `${file} imports ${imported}`;

it('each folder of src has a rank, and each import names a file', () => {
  expect(files.filter((file) => rankOf(file) < 0)).toEqual([]);
  expect(imports.filter(isOwn).filter(({ imported }) => !files.includes(imported))).toEqual([]);
  expect(imports.filter(isOwn).length).toBeGreaterThan(100);
});

it('a file of src imports only its own folder and folders of lower ranks', () => {
  const isAllowed = ({ file, imported }: Import) =>
    path.posix.dirname(file) === path.posix.dirname(imported) || rankOf(imported) < rankOf(file);
  expect(
    imports
      .filter(isOwn)
      .filter((one) => !isAllowed(one))
      .map(text),
  ).toEqual([]);
});

it('src loads only commands, Octokit, the sealed box and decompression on demand', () => {
  expect(
    imports
      .filter(({ dynamic }) => dynamic)
      .map(text)
      .sort(),
  ).toEqual([
    'audit.ts imports commands/audit.ts',
    'delete.ts imports commands/delete.ts',
    'github/api.ts imports @actions/github',
    'main.ts imports commands/provision.ts',
    'net/read-body.ts imports node:zlib',
    'post.ts imports commands/clean-up.ts',
    'start.ts imports audit.ts',
    'start.ts imports delete.ts',
    'start.ts imports main.ts',
    'start.ts imports post.ts',
    'start.ts imports sweep.ts',
    'steps/save.ts imports github/sealed-box.ts',
    'sweep.ts imports commands/sweep.ts',
  ]);
  const commands = imports.filter(({ file, dynamic }) => rankOf(file) === RANKS.length - 1 && !dynamic);
  expect(commands.filter(({ imported }) => imported.startsWith('commands/')).map(text)).toEqual([]);
});

it('client/ has no input and no output', () => {
  const client = imports.filter(({ file }) => file.startsWith('client/'));
  expect(client.filter((one) => !isOwn(one)).map(text)).toEqual(['client/identity.ts imports node:crypto']);
  const pure = files.filter((file) => file.startsWith('client/')).map(read);
  expect(
    pure.filter((source) => /\b(process|globalThis|fetch|Date\.now|Math\.random|randomBytes)\b/.test(source)),
  ).toEqual([]);
});

it('modules that plan, verify and publish get neither the API secret nor github_token', () => {
  const files = [
    'client/desired.ts',
    'client/plan.ts',
    'steps/find.ts',
    'steps/verify.ts',
    'steps/publish.ts',
    'output/summary.ts',
  ];
  const holders = /\b(ConnectionInputs|GitHubAccess|ScalekitAccess|SavedCredentials|Journal|Context)\b/;
  expect(files.filter((file) => holders.test(read(file)))).toEqual([]);
});
