// @actions/core has a client of it for ID tokens, and @actions/github asks it for Octokit's agent. Here both go through this
// action's own transport, which tunnels through proxies itself; the class would load TLS before the inputs are judged.
export class HttpClient {
  getAgent() {}

  getAgentDispatcher() {}
}
