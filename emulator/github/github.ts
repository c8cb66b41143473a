// The emulated GitHub: checks each request as GitHub does, and routes it to the API or to the ID token endpoint.

import type { HttpResponse, RecordedRequest, Route } from '../exchange.ts';
import { RUNNER_VARIABLES, type RunnerVariables } from '../variables.ts';
import { authenticate, authorize, canSee } from './access.ts';
import { findOperation } from './description.ts';
import { GitHubError, notFound, unprocessable } from './errors.ts';
import { handlers } from './handlers.ts';
import { idTokenEndpoint } from './idtoken.ts';
import { type RateLimit, rateLimiter } from './limit.ts';
import { checkBody, checkResponse, fitParameters } from './schema.ts';
import { type Permissions, type Repository, type RepositoryOptions, type Run, State } from './state.ts';

/** Prefix of the API's paths, the same as on GitHub Enterprise Server. A caller that omits the prefix gets 404. */
const PREFIX = '/api/v3';

/** The emulated GitHub, and the methods with which tests control it. */
export type GitHub = {
  /** The value of GITHUB_API_URL. Uses https if TLS is on. */
  apiUrl: string;
  /** A token with all permissions in every repository. */
  token: string;
  /** The variable GITHUB_API_URL. */
  variables: Record<string, string>;
  /** The variables of a job with `id-token: write`: ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN. */
  idTokenVariables: Record<string, string>;
  /**
   * Claims that override the defaults in the next ID tokens. An undefined value removes the claim. Tests can change
   * this at any time.
   */
  idTokenClaims: Record<string, unknown>;
  /** Every ID token that was issued. */
  idTokens: string[];
  /**
   * The rate limit. Undefined means GitHub's default of 5000 requests per hour. Tests can change it at any time, and
   * the count then restarts at zero. Requests to Scalekit do not count.
   */
  rateLimit: RateLimit | undefined;
  /** Adds a repository. The repository of the runner's variables and its run (in progress) exist from the start. */
  addRepository(fullName: string, options?: RepositoryOptions): Repository;
  /**
   * Returns the repository that has this name now.
   * @throws {Error} if there is none
   */
  repository(fullName: string): Repository;
  /** Renames a repository. Requests that use the old name are redirected. */
  rename(from: string, to: string): void;
  /** Creates a token with only these permissions and returns it. `none` means no permissions and no repositories. */
  addToken(permissions: Permissions | 'none'): string;
  /**
   * Adds or changes a run. The default `status` of a new run is `in_progress`. The default `conclusion` of a completed
   * run is `success`.
   */
  addRun(fullName: string, run: Pick<Run, 'id'> & Partial<Run>): void;
  removeRun(fullName: string, id: number): void;
};

/**
 * Creates the parts of GitHub that the action calls: the API for secrets, variables and runs, and the ID token
 * endpoint.
 * @param runner the variables of the job that uses it
 */
export function createGitHub(runner: RunnerVariables = RUNNER_VARIABLES) {
  const state = new State();
  const allPermissions = { secrets: 'write', variables: 'write', environments: 'write', actions: 'write' } as const;
  const runnerRepository = runner.GITHUB_REPOSITORY;
  state.add(runnerRepository, { id: Number(runner.GITHUB_REPOSITORY_ID) }, Number(runner.GITHUB_REPOSITORY_OWNER_ID));
  const limiter = rateLimiter(() => api.rateLimit);
  const idToken = idTokenEndpoint({
    runner,
    repository: () => state.find(runnerRepository)?.repository,
    changes: () => api.idTokenClaims,
    onIssued: (token) => api.idTokens.push(token),
  });

  const api: GitHub = {
    apiUrl: '',
    token: state.addToken(allPermissions),
    variables: {},
    idTokenVariables: {},
    idTokenClaims: {},
    idTokens: [],
    rateLimit: undefined,
    addRepository: (fullName, options = {}) => state.add(fullName, options),
    repository: (fullName) => state.repository(fullName),
    rename: (from, to) => state.rename(from, to),
    addToken: (permissions) => state.addToken(permissions === 'none' ? { repositories: [] } : permissions),
    addRun: (fullName, { id, ...changes }) => {
      const { runs } = state.repository(fullName);
      const {
        attempt = 1,
        status = 'in_progress',
        conclusion,
      } = { ...runs.get(id), conclusion: undefined, ...changes };
      const defaultConclusion = status === 'completed' ? 'success' : null;
      runs.set(id, { id, attempt, status, conclusion: conclusion ?? defaultConclusion });
    },
    removeRun: (fullName, id) => {
      state.repository(fullName).runs.delete(id);
    },
  };
  api.addRun(runnerRepository, {
    id: Number(runner.GITHUB_RUN_ID),
    attempt: Number(runner.GITHUB_RUN_ATTEMPT),
  });

  const perform = async (matched: MatchedOperation, request: RecordedRequest): Promise<HttpResponse> => {
    const { described, parameters } = matched;
    if (!request.headers['user-agent']) throw new GitHubError(403, 'Make sure your request has a User-Agent header');
    const permissions = authenticate(state, request.headers.authorization);
    limiter.admit();
    if (!(await fitParameters(described, parameters))) throw notFound();
    const repository = findRepository(state, permissions, matched, request);
    const inEnvironment = parameters.environment_name !== undefined;
    authorize(state, permissions, repository, described.operation, inEnvironment);
    const environment = repository.environments.get(parameters.environment_name?.toLowerCase() ?? '');
    if (inEnvironment && !environment) throw notFound();
    const body = described.body ? readJson(request.text) : undefined;
    await checkBody(described, body);
    const { origin } = request;
    const location = environment ?? repository;
    return handlers[described.operation]({
      described,
      parameters,
      body,
      repository,
      environment,
      location,
      origin,
    });
  };

  const respond = async (matched: MatchedOperation | undefined, request: RecordedRequest): Promise<HttpResponse> => {
    try {
      if (!matched) throw notFound();
      const { status, body } = await perform(matched, request);
      await checkResponse(matched.described, status, body);
      return { status, body, headers: limiter.headers() };
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      const { status, body, headers } = error;
      if (matched) await checkResponse(matched.described, status, body);
      return { status, body, headers: { ...limiter.headers(), ...headers } };
    }
  };

  const find = (method: string, path: string): Route | undefined => {
    if (!path.startsWith(`${PREFIX}/`)) return idToken.find(method, path);
    const matched = findOperation(method, path.slice(PREFIX.length));
    return { operation: matched?.described.operation ?? 'unknown', handler: (request) => respond(matched, request) };
  };

  /** Sets the URLs, which depend on the port. The emulator calls this when it listens. */
  const serveAt = (url: string): GitHub => {
    api.apiUrl = `${url}${PREFIX}`;
    api.variables = { GITHUB_API_URL: api.apiUrl };
    api.idTokenVariables = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/id-token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: idToken.requestToken,
    };
    return api;
  };
  return { find, serveAt };
}

type MatchedOperation = NonNullable<ReturnType<typeof findOperation>>;

/**
 * Returns the repository that a request is for.
 * @throws {GitHubError} (404) if the token cannot see the repository, (301 or 307) if the request uses a former name
 */
function findRepository(
  state: State,
  permissions: Permissions,
  { parameters }: MatchedOperation,
  request: RecordedRequest,
): Repository {
  const { owner, repo, id } = parameters;
  if (id !== undefined) {
    const repository = state.findById(Number(id));
    if (!repository || !canSee(state, permissions, repository)) throw notFound();
    return repository;
  }
  const found = state.find(`${owner}/${repo}`);
  if (!found || !canSee(state, permissions, found.repository)) throw notFound();
  if (!found.moved) return found.repository;
  const [, rest = ''] = /^\/api\/v3\/repos\/[^/]+\/[^/]+(.*)$/.exec(request.path) ?? [];
  const url = `${request.origin}${PREFIX}/repositories/${found.repository.id}${rest}`;
  // With 307, the client must repeat the request with the same method.
  const status = request.method === 'GET' ? 301 : 307;
  throw new GitHubError(status, status === 301 ? 'Moved Permanently' : 'Temporary Redirect', {
    url,
    headers: { location: url },
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw text ? new GitHubError(400, 'Problems parsing JSON') : unprocessable('the body is missing');
  }
}
