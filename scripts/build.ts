import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

// Builds dist from src: TypeScript to JavaScript, then one readable file for each entry. Run from the repository's
// root, since ncc's names for modules depend on the working directory.

const ENTRIES = ['main', 'post'];

for (const folder of ['build', 'dist']) rmSync(folder, { recursive: true, force: true });
run('tsc', '--project', 'tsconfig.build.json');
for (const entry of ENTRIES) {
  const output = run('ncc', 'build', `build/${entry}.js`, '--out', `dist/${entry}`, '--no-cache', '--license', 'LICENSES.txt');
  const code = readFileSync(`dist/${entry}/index.js`, 'utf8');
  // ncc leaves a module that it cannot find to run time, and ends well.
  if (code.includes('eval("require")') || /warning|error/i.test(output)) throw new Error(`ncc could not bundle ${entry}:\n${output}`);
}
rmSync('build', { recursive: true });

for (const entry of ENTRIES) {
  for (const file of readdirSync(`dist/${entry}`)) console.log(`${path.join('dist', entry, file)}  ${readFileSync(`dist/${entry}/${file}`).length} bytes`);
}

function run(command: string, ...args: string[]): string {
  return execFileSync(path.join('node_modules', '.bin', command), args, { encoding: 'utf8', shell: process.platform === 'win32', stdio: ['ignore', 'pipe', 'inherit'] });
}
