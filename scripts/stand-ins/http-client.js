// Replaces the HttpClient of @actions/http-client in dist. @actions/core creates one for ID tokens and @actions/github
// for Octokit's agent, but this action sends those requests through its own transport, which supports proxies. The
// original class would load TLS before the inputs are checked.
export class HttpClient {
  getAgent() {}

  getAgentDispatcher() {}
}
