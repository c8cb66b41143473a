import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';

// The rules of __tests__/README.md for names and set-up. A lint rule (scripts/no-tuple-assertions.grit) checks assertions.

/** The name of a test in its file, after `it(` or after the table of `it.each`. */
const TITLE =
  /(?<caller>[\w.]+|\))\(\s*(?<quote>['"`])(?<title>(?:\\.|(?!\k<quote>)[^\\])*)\k<quote>,\s*(?:async )?(?:\(|\w+ =>)/g;

interface Title {
  file: string;
  title: string;
}

const files = readdirSync('__tests__', { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll(path.sep, '/'))
  .filter((file) => /\.(test|act|nodes|sdk)\.ts$/.test(file))
  .map((file) => ({ file, text: readFileSync(path.join('__tests__', file), 'utf8') }));

const titles = files.flatMap(({ file, text }) => titlesIn(text).map((title): Title => ({ file, title })));

/** Returns the names of the tests in a file. For a table, the name with its placeholders. */
function titlesIn(text: string): string[] {
  return [...text.matchAll(TITLE)].flatMap(({ groups: { caller = '', title = '' } = {} }) =>
    /^(it\w*|it\.\w+|\))$/.test(caller) ? [title] : [],
  );
}

it('titlesIn() returns the names of tests, and of tests in tables', () => {
  const text =
    "it('returns a sum of two', async () => {});\nit.each([1])(\n  'returns the double of %d',\n  (n) => {},\n);\ndescribe('d', () => {});";
  expect(titlesIn(text)).toEqual(['returns a sum of two', 'returns the double of %d']);
});

it('each test has a name that no other test has', () => {
  const named = Map.groupBy(titles, ({ title }) => title);
  const repeated = [...named].filter(([, tests]) => tests.length > 1);
  expect(titles.length).toBeGreaterThan(500);
  expect(repeated.map(([title, tests]) => `${title}: ${tests.map(({ file }) => file).join(', ')}`)).toEqual([]);
});

it('each test has a name of at least four words', () => {
  const short = titles.filter(
    ({ title }) =>
      title
        .replace(/%\w|\$\w+/g, '')
        .split(/\s+/)
        .filter(Boolean).length < 4,
  );
  expect(short.map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
});

it('tests set up emulators and folders with useEmulator() and useFolder()', () => {
  const own = files.filter(({ text }) => /\blet (emulator|folder)\b|\bmkdtempSync\b/.test(text));
  expect(own.map(({ file }) => file)).toEqual([]);
});

it('the README of the tests names each file of action/ for one behaviour', () => {
  const [, table = ''] =
    /^\| Behaviour \| .*\n.*\n((?:\|.*\n)+)/m.exec(readFileSync('__tests__/README.md', 'utf8')) ?? [];
  const named = table.split('\n').flatMap((row) => row.split('|')[2]?.match(/[\w-]+/g) ?? []);
  const inAction = files.flatMap(({ file }) => /^action\/(.*)\.test\.ts$/.exec(file)?.[1] ?? []);
  expect(named.sort()).toEqual(inAction.sort());
});
