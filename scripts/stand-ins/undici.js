// 930 kB, of which @actions/github calls one function, to send what this action sends through its own transport.
export function fetch() {
  throw new Error('undici is not part of this bundle');
}
