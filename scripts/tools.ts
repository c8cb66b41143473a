// Finds the programs that npm does not install, and explains how to install them.

import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

type Tool = 'act' | 'actionlint' | 'zizmor' | 'shellcheck';

/** The folder into which `.ci/tools` installs them. */
const INSTALLED = fileURLToPath(new URL('../.tools/bin', import.meta.url));

/**
 * Returns the absolute path of a program: the one that `.ci/tools` installed, or else the first one on PATH. Returns
 * undefined if there is none.
 */
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

/** Returns a message that names missing programs and the command that installs them. */
export function howToGet(...missing: Tool[]): string {
  return `Missing: ${missing.join(', ')}. \`bash .ci/tools\` installs what is missing into .tools/bin; it needs Python 3 and Go.`;
}
