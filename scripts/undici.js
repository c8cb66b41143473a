// Stands in dist for undici, 930 kB of which @actions/http-client uses one class and @actions/github one function, both
// to bring Octokit's requests through a proxy. Octokit's requests go through this action's own transport instead, which
// tunnels through a proxy without it. The class is still made, while a proxy is set and @actions/github is loaded.
export class ProxyAgent {}

export function fetch() {
  throw new Error('undici is not part of this bundle');
}
