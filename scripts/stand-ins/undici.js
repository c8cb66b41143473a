// Replaces undici (930 kB) in dist. @actions/github only calls its fetch(), and this action sends those requests
// through its own transport.
export function fetch() {
  throw new Error('undici is not part of this bundle');
}
