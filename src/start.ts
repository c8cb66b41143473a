// Where the bundle begins: dist/main.js and its neighbours call start() with their own name. Node.js parses this file
// before it checks its version, so the file uses no syntax that is newer than Node.js 14 and imports nothing statically.

/** The oldest version of Node.js that runs this action: major and minor. */
const OLDEST = [20, 11] as const;

/** The programs in dist. All of them are in one chunk, because they share most of their modules. */
const ENTRIES = {
  main: () => import(/* webpackChunkName: "entries" */ './main.ts'),
  post: () => import(/* webpackChunkName: "entries" */ './post.ts'),
  delete: () => import(/* webpackChunkName: "entries" */ './delete.ts'),
  sweep: () => import(/* webpackChunkName: "entries" */ './sweep.ts'),
};

/** Starts a program, or reports that this version of Node.js is too old for it. */
export function start(entry: keyof typeof ENTRIES): void {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) {
    void ENTRIES[entry]();
    return;
  }
  // The post step has nothing to clean up, and main has reported the version already.
  if (entry === 'post') return;
  process.exitCode = 1;
  process.stdout.write(
    `::error::Node.js ${node} is too old for this action. It needs ${OLDEST.join('.')} or newer. Update the runner, or the image of the container that the job runs in.\n`,
  );
}
