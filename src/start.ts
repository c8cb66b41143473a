// Where the bundle begins: dist/main.js and its neighbours call start() with their own name. Node.js parses this whole
// file before start() can check the version, so it uses no syntax that is newer than Node.js 14 and imports nothing
// statically.

/** The oldest version of Node.js that runs this action: major and minor. CI tests it. */
const OLDEST = [20, 11] as const;

/** The programs in dist. All of them are in one chunk, because they share most of their modules. */
const ENTRIES = {
  main: () => import(/* webpackChunkName: "entries" */ './main.ts'),
  post: () => import(/* webpackChunkName: "entries" */ './post.ts'),
  delete: () => import(/* webpackChunkName: "entries" */ './delete.ts'),
  sweep: () => import(/* webpackChunkName: "entries" */ './sweep.ts'),
  audit: () => import(/* webpackChunkName: "entries" */ './audit.ts'),
};

/** Starts a program, or reports that this version of Node.js is too old for it. */
export function start(entry: keyof typeof ENTRIES): void {
  const { node } = process.versions;
  if (isSupported(node)) {
    ENTRIES[entry]().catch(({ message = '' }) => fail(entry, `dist is not complete: ${message.split('\n')[0]}`));
    return;
  }
  const remedy = 'Update the runner, or the image of the container that the job runs in.';
  fail(entry, `Node.js ${node} is too old for this action. It needs ${OLDEST.join('.')} or newer. ${remedy}`);
}

/** Returns whether a version of Node.js, such as 20.11.0, runs this action. */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/**
 * Prints an error. The post step never fails a job, so it prints a warning, and nothing if main left no state: main has
 * printed the same.
 */
function fail(entry: string, text: string): void {
  if (entry === 'post' && !process.env.STATE_client) return;
  process.exitCode = entry === 'post' ? 0 : 1;
  process.stdout.write(`::${entry === 'post' ? 'warning' : 'error'}::${text}\n`);
}
