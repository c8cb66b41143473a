import { spawnSync } from 'node:child_process';
import { it } from '@jest/globals';

/** Returns `it`, or `it.skip` if one of the programs is missing. GitHub's runners have them, other machines may not. */
export function itWith(...programs: string[]): typeof it.skip {
  return programs.every((name) => spawnSync(name, ['--version']).status === 0) ? it : it.skip;
}
