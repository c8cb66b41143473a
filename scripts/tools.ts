import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Programs that npm does not bring along.

type Tool = 'act' | 'actionlint' | 'zizmor' | 'shellcheck';

/** Where `.ci/tools` installs them. */
const INSTALLED = fileURLToPath(new URL('../.tools/bin', import.meta.url));

/** @returns the absolute path of a program: the one that `.ci/tools` installed, else the first one on PATH */
export function findTool(name: Tool): string | undefined {
  const folders = [INSTALLED, ...(process.env.PATH ?? '').split(path.delimiter).filter(Boolean)];
  return folders.map((folder) => path.resolve(folder, name)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What to tell where some of them are missing. */
export function howToGet(...missing: Tool[]): string {
  return `Missing: ${missing.join(', ')}. \`bash .ci/tools\` installs what is missing into .tools/bin; it needs Python 3 and Go.`;
}
