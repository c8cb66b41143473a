import type { Answer, RecordedRequest, Route } from '../exchange.ts';
import { RUNNER_VARIABLES } from '../variables.ts';
import { authenticate, authorize, sees } from './access.ts';
import { findOperation } from './description.ts';
import { GitHubError, notFound, unprocessable } from './errors.ts';
import { handlers } from './handlers.ts';
import { idTokenEndpoint } from './idtoken.ts';
import { type RateLimit, rateLimiter } from './limit.ts';
import { checkAnswer, checkBody, fitParameters } from './schema.ts';
import { type Permissions, type Repository, type RepositoryOptions, type Run, State } from './state.ts';

/** Prefix of the API's paths, as a GitHub Enterprise Server has it: whoever forgets that there can be one meets 404. */
const PREFIX = '/api/v3';

export type GitHub = {
  /** GITHUB_API_URL, over TLS where that is on. */
  apiUrl: string;
  /** A token that may do everything in every repository. */
  token: string;
  /** GITHUB_API_URL alone. */
  variables: Record<string, string>;
  /** What a job with `id-token: write` has besides: ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN. */
  idTokenVariables: Record<string, string>;
  /** Claims of the next ID tokens that differ from the usual ones; undefined takes one away. May be changed at any time. */
  idTokenClaims: Record<string, unknown>;
  /** Every ID token that was handed out. */
  idTokens: string[];
  /** May be changed at any time; counting then begins anew. Scalekit's requests do not count. */
  rateLimit: RateLimit | undefined;
  /** The repository of RUNNER_VARIABLES, with that run in progress, is there from the start. */
  addRepository(fullName: string, options?: RepositoryOptions): Repository;
  /** @throws where there is none of that name */
  repository(fullName: string): Repository;
  /** The old name then redirects to the repository. */
  rename(from: string, to: string): void;
  /** A further token with these permissions alone; `none` has none and is for no repository. */
  addToken(permissions: Permissions | 'none'): string;
  /** Adds a run, in progress if nothing else is said, or changes one. A completed one has succeeded if nothing else is said. */
  addRun(fullName: string, run: Pick<Run, 'id'> & Partial<Run>): void;
  removeRun(fullName: string, id: number): void;
};

/** The corner of GitHub that the action calls: its API for secrets, variables and runs, and the endpoint for ID tokens. */
export function createGitHub() {
  const state = new State();
  const everything = { secrets: 'write', variables: 'write', environments: 'write', actions: 'write' } as const;
  const own = RUNNER_VARIABLES.GITHUB_REPOSITORY;
  state.add(
    own,
    { id: Number(RUNNER_VARIABLES.GITHUB_REPOSITORY_ID) },
    Number(RUNNER_VARIABLES.GITHUB_REPOSITORY_OWNER_ID),
  );
  const limiter = rateLimiter(() => api.rateLimit);
  const idToken = idTokenEndpoint({
    repository: () => state.find(own)?.repository,
    changes: () => api.idTokenClaims,
    issued: (token) => api.idTokens.push(token),
  });

  const api: GitHub = {
    apiUrl: '',
    token: state.addToken(everything),
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
      const usual = status === 'completed' ? 'success' : null;
      runs.set(id, { id, attempt, status, conclusion: conclusion ?? usual });
    },
    removeRun: (fullName, id) => {
      state.repository(fullName).runs.delete(id);
    },
  };
  api.addRun(own, { id: Number(RUNNER_VARIABLES.GITHUB_RUN_ID), attempt: Number(RUNNER_VARIABLES.GITHUB_RUN_ATTEMPT) });

  const perform = async (found: Found, request: RecordedRequest): Promise<Answer> => {
    const { described, parameters } = found;
    if (!request.headers['user-agent']) throw new GitHubError(403, 'Make sure your request has a User-Agent header');
    const permissions = authenticate(state, request.headers.authorization);
    limiter.admit();
    if (!(await fitParameters(described, parameters))) throw notFound();
    const repository = target(state, permissions, found, request);
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
      place: location,
      origin,
    });
  };

  const answer = async (found: Found | undefined, request: RecordedRequest): Promise<Answer> => {
    try {
      if (!found) throw notFound();
      const { status, body } = await perform(found, request);
      await checkAnswer(found.described, status, body);
      return { status, body, headers: limiter.headers() };
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      const { status, body, headers } = error;
      if (found) await checkAnswer(found.described, status, body);
      return { status, body, headers: { ...limiter.headers(), ...headers } };
    }
  };

  const find = (method: string, path: string): Route | undefined => {
    if (!path.startsWith(`${PREFIX}/`)) return idToken.find(method, path);
    const found = findOperation(method, path.slice(PREFIX.length));
    return { operation: found?.described.operation ?? 'unknown', work: (request) => answer(found, request) };
  };

  /** Sets what can be told only when the port is known. */
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

type Found = NonNullable<ReturnType<typeof findOperation>>;

/**
 * The repository that a request is for.
 * @throws GitHubError where the caller may not see it, or asks by a name that it no longer has
 */
function target(state: State, permissions: Permissions, { parameters }: Found, request: RecordedRequest): Repository {
  const { owner, repo, id } = parameters;
  if (id !== undefined) {
    const repository = state.findById(Number(id));
    if (!repository || !sees(state, permissions, repository)) throw notFound();
    return repository;
  }
  const found = state.find(`${owner}/${repo}`);
  if (!found || !sees(state, permissions, found.repository)) throw notFound();
  if (!found.moved) return found.repository;
  const [, rest = ''] = /^\/api\/v3\/repos\/[^/]+\/[^/]+(.*)$/.exec(request.path) ?? [];
  const url = `${request.origin}${PREFIX}/repositories/${found.repository.id}${rest}`;
  // A method other than GET must be repeated as it was.
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
