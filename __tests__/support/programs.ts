import { spawnSync } from 'node:child_process';
import { it } from '@jest/globals';

/** Skips where one of these programs is missing: GitHub's runners have them, and not every machine that tests. */
export function itWith(...programs: string[]): typeof it.skip {
  return programs.every((name) => spawnSync(name, ['--version']).status === 0) ? it : it.skip;
}
