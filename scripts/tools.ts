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

/** Major versions of Node.js on which the actions run. The oldest is installed as the oldest that the action supports. */
export const NODE_VERSIONS = ['20', '22', '24', '26'];

/** A version of Node.js that is too old for the actions. */
export const OLD_NODE = '18';

/** Returns the path of a version of Node.js that `.ci/tools` installed, or undefined if it did not. */
export function findNode(major: string): string | undefined {
  const file = path.resolve(INSTALLED, `../nodes/node_modules/node-${major}/bin/node`);
  return isProgram(file) ? file : undefined;
}

/** Returns the path of the Python that has Scalekit's SDK, or undefined if `.ci/tools` did not install it. */
export function findSdkPython(): string | undefined {
  const file = path.resolve(INSTALLED, '../sdk/bin/python');
  return isProgram(file) ? file : undefined;
}

/** Returns a message that names missing programs and the command that installs them. */
export function howToGet(...missing: string[]): string {
  return `Missing: ${missing.join(', ')}. \`bash .ci/tools\` installs what is missing into .tools; it needs Python 3.11 and Go.`;
}
