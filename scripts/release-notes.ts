// Prints the step outputs for a release of this commit: `tag`, `major` (the major tag) and `notes`.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { VERSION } from '../src/net/transport.ts';

/**
 * Returns the tag and the major tag of a version (`v1.2.3`, `v1`), and its changelog entry as release notes.
 * @param version version in package.json
 * @param userAgent version that the action sends in its User-Agent header
 * @param changelog text of CHANGELOG.md
 * @throws if the version cannot be released, if package.json, the User-Agent and the newest changelog entry disagree,
 * or if that entry has no date yet
 */
export function releaseOf(
  version: string,
  userAgent: string,
  changelog: string,
): { tag: string; major: string; notes: string } {
  if (!/^[1-9]\d*\.\d+\.\d+$/.test(version)) throw new Error(`package.json: ${version} is no version to release`);
  if (userAgent !== version) throw new Error(`src/net/transport.ts says ${userAgent}, and package.json ${version}`);
  const [, newest, date, notes = ''] = /^\[(.*?)\] - (.*?)\n(.*)$/s.exec(changelog.split(/^## /m)[1] ?? '') ?? [];
  if (newest !== version) throw new Error(`CHANGELOG.md begins with ${newest}, and package.json says ${version}`);
  if (!/^\d{4}-\d\d-\d\d$/.test(date ?? '')) throw new Error(`CHANGELOG.md: ${version} is dated "${date}"`);
  return { tag: `v${version}`, major: `v${version.split('.', 1)}`, notes: notes.trim() };
}

if (import.meta.main) {
  const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const { tag, major, notes } = releaseOf(JSON.parse(read('package.json')).version, VERSION, read('CHANGELOG.md'));
  const delimiter = randomUUID();
  console.log(`tag=${tag}\nmajor=${major}\nnotes<<${delimiter}\n${notes}\n${delimiter}`);
}
