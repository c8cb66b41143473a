/**
 * Runs an entry file's work and then ends the process, whatever socket or name lookup would keep it alive.
 * @param failure the exit code unless the work ends well, also where it never ends and nothing is left to wait for
 */
export function runEntry(work: () => Promise<void>, onError: (error: unknown) => void, failure: 0 | 1): void {
  process.exitCode = failure;
  // A reader that went away is no reason to stop here; who needs one asks for it.
  process.stdout.on('error', () => {});
  work()
    .then(() => {
      process.exitCode = 0;
    }, onError)
    // Where standard output is a pipe that is written asynchronously (Windows), the callback waits for what is pending.
    .finally(() => process.stdout.write('', () => process.exit()));
}
