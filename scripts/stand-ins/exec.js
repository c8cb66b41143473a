// @actions/core runs programs with it to tell the name of the operating system, which nobody asks for here.
export function getExecOutput() {
  throw new Error('@actions/exec is not part of this bundle');
}
