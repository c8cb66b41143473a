// Stands in dist for undici, 930 kB of which @actions/http-client uses one class, and that only for Octokit behind a
// proxy. This action sends everything through HttpClient itself, which tunnels through a proxy without it.
export class ProxyAgent {
  constructor() {
    throw new Error('undici is not part of this bundle');
  }
}
