// Replaces @actions/exec in dist. @actions/core uses it only to detect the operating system, which this action never
// does.
export function getExecOutput() {
  throw new Error('@actions/exec is not part of this bundle');
}
