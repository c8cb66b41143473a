// Writes `src` as JavaScript, with its types replaced by spaces. A process that runs it starts sooner than one that strips
// the types itself, and every position in it is that of the TypeScript file.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';

/** The folder that `stripSources` writes, relative to the project. */
export const STRIPPED = path.join('build', 'stripped');

/** Writes `src` of a copy of the project into its folder `build/stripped`, which is emptied first. */
export function stripSources(project: string): void {
  const [from, to] = [path.join(project, 'src'), path.join(project, STRIPPED)];
  rmSync(to, { recursive: true, force: true });
  for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const target = path.join(to, file.replace(/\.ts$/, '.js'));
    const code = stripTypeScriptTypes(readFileSync(path.join(from, file), 'utf8'));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, code.replace(/(?<=['"]\.[^'"\n]*)\.ts(?=['"])/g, '.js'));
  }
}
