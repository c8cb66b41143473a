// Checks the workflows of this project, its examples and its tests, the actions, and the scripts of CI with actionlint,
// zizmor and shellcheck. If a checker is not installed, the script fails in CI; elsewhere it prints a hint and
// continues.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { findTool, howToGet } from './tools.ts';

const workflows = globSync(['.github/workflows/*.yml', 'examples/*.yml', '__tests__/act/workflows/*.yml']);
const actions = globSync(['{.,delete,sweep,audit}/action.yml', '__tests__/act/**/action.yml']);

const checks = [
  { tool: 'actionlint', args: ['-color', ...workflows] },
  { tool: 'zizmor', args: ['--offline', '--pedantic', ...workflows, ...actions, '.github/dependabot.yml'] },
  { tool: 'shellcheck', args: ['.ci/run', '.ci/tools'] },
] as const;

for (const { tool, args } of checks) {
  const file = findTool(tool);
  if (!file) {
    console.log(howToGet(tool));
    if (process.env.CI) process.exitCode = 1;
    continue;
  }
  console.log(`${tool}: ${args.filter((arg) => !arg.startsWith('-')).length} files`);
  // actionlint runs the shellcheck that it finds on PATH.
  const PATH = [path.dirname(file), process.env.PATH].join(path.delimiter);
  const { status } = spawnSync(file, args, { stdio: 'inherit', env: { ...process.env, PATH } });
  if (status !== 0) process.exitCode = 1;
}
