/**
 * Runs the work of an entry file and then ends the process. Open sockets and pending name lookups do not keep it alive.
 * The exit code is 0 if the work succeeds.
 * @param onError receives the error if the work fails
 * @param failureCode exit code if the work fails, or if it never settles and Node has nothing left to wait for
 */
export function runEntry(work: () => Promise<void>, onError: (error: unknown) => void, failureCode: 0 | 1): void {
  process.exitCode = failureCode;
  // Ignore EPIPE here. Code that needs stdout to be read calls flushMasks().
  process.stdout.on('error', () => {});
  work()
    .then(() => {
      process.exitCode = 0;
    }, onError)
    // On Windows, writes to a pipe are asynchronous. The callback runs after all pending writes.
    .finally(() => process.stdout.write('', () => process.exit()));
}
