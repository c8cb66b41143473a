import type { getOctokit } from '@actions/github';
import { ApiError, invalidResponseError, isApiResponse, unansweredError } from '../net/api-error.ts';
import { asObject, InvalidResponseError, type Json, parseJsonObject, stringField } from '../net/json.ts';
import { NetworkError } from '../net/network-error.ts';
import { done, failure, type Outcome, unwrap } from '../net/outcome.ts';
import { type FinalResponse, type HttpRequest, MIN_RETRY_TIME, type Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { FORGE_PERMISSIONS, type GitHubSubject, githubRefusal, otherServerAdvice, rateLimitWait } from './errors.ts';
import { isForgeApi } from './runner.ts';

/** Milliseconds before each retry of a read that fails because something is new: about five seconds in all. */
const NEWNESS_DELAYS = [500, 1_000, 1_500, 2_000];

/** The fields with the times when a run was created and when it ended, as GitHub, Gitea and Forgejo name them. */
const RUN_TIMES = [
  ['created_at', 'started_at', 'created'],
  ['updated_at', 'completed_at', 'stopped'],
];

/** What Forgejo shows as the status of a run that has ended. GitHub and Gitea show `completed`. */
const FORGEJO_ENDS = ['success', 'failure', 'cancelled', 'skipped'];

type Octokit = ReturnType<typeof getOctokit>;

/** The URL of GitHub's API and the token for it. */
export interface GitHubAccess {
  /** URL without a slash at its end. */
  api: string;
  token: string;
}

/** A request to GitHub's API. */
export interface GitHubRequest extends GitHubSubject {
  /** Method and path as in GitHub's documentation, with `{names}` for parameters. */
  route: string;
  /**
   * The statuses that confirm a change; undefined for a request that only reads. Any other 2xx may come from a server
   * in between.
   */
  successStatuses?: number[];
  /** Whether an earlier request for the same change may have been carried out. */
  mayBeDone?: boolean;
}

/** A response of GitHub's API. */
export interface GitHubResponse {
  response: FinalResponse;
  /** The parsed body. Undefined if it is not JSON. */
  data: unknown;
}

/** The state of a workflow run. */
export interface WorkflowRun {
  /** `completed`, or another value while the run is not completed. */
  status: string;
  /** Number of the latest attempt, from 1. Undefined on Forgejo and on Gitea before 1.27, which show none or 0. */
  run_attempt: number | undefined;
  /** Milliseconds since the epoch: when the run changed last, for a completed one when it ended. Undefined if it is not known. */
  updated_at?: number | undefined;
}

/**
 * GitHub's REST API. Octokit builds the requests and parses the responses. The Transport sends them, so that deadlines,
 * retries, proxies and redirects are handled as for Scalekit. The methods that read throw an ApiError if the request fails.
 */
export class GitHub {
  readonly transport: Transport;
  readonly #access: GitHubAccess;
  #octokit: Promise<Octokit> | undefined;

  constructor(transport: Transport, access: GitHubAccess) {
    this.transport = transport;
    this.#access = access;
  }

  /** URL of the API. */
  get api(): string {
    return this.#access.api;
  }

  /**
   * Reads, and retries for about five seconds if GitHub answers that it does not know the token (401), the repository, the
   * environment or its public key (404): tokens and environments are often a second old, and parts of GitHub learn of
   * them late. Only for what is read before anything is changed. The post step does not use it: by then nothing is new.
   * @param read throws an ApiError. A variable or secret that does not exist must not be an error, because that is an answer
   * @param statuses the statuses to retry. Leaves out 404 if the caller expects it
   */
  async retryIfNew<T>(read: () => Promise<T>, statuses = [401, 404]): Promise<T> {
    for (const base of NEWNESS_DELAYS) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof ApiError) || !statuses.includes(error.status ?? 0)) throw error;
        const delay = base * (0.75 + Math.random() / 2);
        // A retry without time would fail and hide what GitHub answered.
        if (delay + MIN_RETRY_TIME > this.transport.remaining || !(await this.transport.wait(delay))) throw error;
        log.debug(`${error.message} Retrying, because something may be new.`);
      }
    }
    return await read();
  }

  /**
   * Reads a repository, and retries if it or the token may be new.
   * @param name `owner/name` as it is now. GitHub redirects a former name, and redirects are not followed.
   * @param parse gets the repository, whose id and name are already checked; throws an InvalidResponseError
   */
  async getRepository<T>(name: string, parse: (repository: Json) => T): Promise<T> {
    const [owner = '', repo = ''] = name.split('/');
    const operation = `read repository ${name}`;
    const request: GitHubRequest = {
      operation,
      route: 'GET /repos/{owner}/{repo}',
      parameters: { owner, repo },
      permission: 'repository',
    };
    const parseRepository = (repository: Json) => {
      const { id, full_name } = repository;
      if (!isPositive(id)) throw new InvalidResponseError('id is not a number');
      if (typeof full_name !== 'string' || full_name.toLowerCase() !== name.toLowerCase())
        throw new InvalidResponseError('it shows another repository');
      return parse(repository);
    };
    return await this.retryIfNew(() => this.read(request, parseRepository));
  }

  /**
   * Reads a workflow run.
   * @param name `owner/name` of its repository
   * @returns undefined if the run does not exist, or if the token cannot read it
   */
  async getRun(name: string, run_id: string): Promise<WorkflowRun | undefined> {
    const [owner = '', repo = ''] = name.split('/');
    const operation = 'read the workflow runs that clients were created for';
    const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}';
    return await this.find({ operation, route, parameters: { owner, repo, run_id }, permission: 'runs' }, (run) => {
      // String([1]) is "1".
      if (typeof run.id === 'object' || String(run.id) !== run_id)
        throw new InvalidResponseError('it shows another run');
      const run_attempt = isPositive(run.run_attempt) ? run.run_attempt : undefined;
      const mayBeMissing = isForgeApi(this.api) && !run.run_attempt;
      if (run_attempt === undefined && !mayBeMissing) throw new InvalidResponseError('run_attempt is not a number');
      const [created, updated] = RUN_TIMES.map((names) => timeField(run, names));
      // If a run has not changed since it was created, this time does not say when it ended.
      const updated_at = updated && created && updated > created ? updated : undefined;
      const status = stringField(run, 'status');
      const isCompleted = run_attempt === undefined && FORGEJO_ENDS.includes(status);
      return { status: isCompleted ? 'completed' : status, run_attempt, updated_at };
    });
  }

  /**
   * Reads an object that may not exist.
   * @param parse throws an InvalidResponseError
   * @returns undefined if GitHub returns 404: the object does not exist, or the token cannot read it
   */
  async find<T>(request: GitHubRequest, parse: (response: Json) => T): Promise<T | undefined> {
    try {
      return await this.read(request, parse);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Reads an object like find(), but throws an ApiError if GitHub returns 404. */
  async read<T>(request: GitHubRequest, parse: (response: Json) => T): Promise<T> {
    const { response, data } = unwrap(await this.send(request));
    try {
      return parse(data === undefined ? parseJsonObject(response.body) : asObject(data, 'the answer'));
    } catch (error) {
      throw error instanceof InvalidResponseError
        ? invalidResponseError(request.operation, response, error.message, '')
        : error;
    }
  }

  /** Sends a request, and retries it even if its outcome is unknown. */
  async send(request: GitHubRequest): Promise<Outcome<GitHubResponse>> {
    const { operation, successStatuses } = request;
    let answer: GitHubResponse;
    try {
      answer = await this.#sendThroughOctokit(request);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      return failure(error.reached, unansweredError(operation, error, 'GITHUB_API_URL'));
    }
    const { response, data } = answer;
    const { status, mayBeDone } = response;
    const { permission } = request;
    const isOther = !isApiResponse(response) || (isForgeApi(this.api) && !FORGE_PERMISSIONS.includes(permission));
    if (status === 404 && isOther) {
      const advice = otherServerAdvice(permission);
      return failure(true, invalidResponseError(operation, response, "it is not GitHub's", advice));
    }
    if (status < 200 || status > 299) return failure(mayBeDone, githubRefusal(request, response, data));
    if (!successStatuses || successStatuses.includes(status)) return done(answer);
    const reason = `GitHub answers ${successStatuses.join(' or ')} after a success`;
    return failure(true, invalidResponseError(operation, response, reason, ''));
  }

  /**
   * Builds a request with Octokit, sends it through the Transport, and lets Octokit parse the response.
   * @throws {NetworkError} if no complete response arrived
   */
  async #sendThroughOctokit({ route, parameters, mayBeDone = false }: GitHubRequest): Promise<GitHubResponse> {
    let response: FinalResponse | undefined;
    const fetch = async (url: string, { method, headers, body }: HttpRequest): Promise<Response> => {
      const call = { method, url: new URL(url), headers, body, repeatable: true, mayBeDone, rateLimitWait };
      response = await this.transport.send(call);
      return toFetchResponse(response);
    };
    this.#octokit ??= loadOctokit(this.#access);
    const octokit = await this.#octokit;
    try {
      const { data } = await octokit.request(route, { ...parameters, request: { fetch, log: OCTOKIT_LOG } });
      return parsedResponse(response as FinalResponse, data);
    } catch (error) {
      const { cause, response: refusal } = error as { cause?: unknown; response?: { data: unknown } };
      // Octokit wraps what `fetch` throws, and throws for each status from 400 on.
      if (!response) throw cause ?? error;
      return parsedResponse(response, refusal?.data);
    }
  }
}

/** Octokit would print its warnings, such as that of a deprecated route, beside the log. */
const OCTOKIT_LOG = { debug: log.debug, info: log.debug, warn: log.debug, error: log.debug };

/**
 * Returns a response with its body as JSON. Octokit leaves a body unparsed if a server in between has changed its content
 * type.
 */
function parsedResponse(response: FinalResponse, data: unknown): GitHubResponse {
  if (typeof data === 'object' && !(data instanceof ArrayBuffer)) return { response, data };
  try {
    return { response, data: JSON.parse(response.body) };
  } catch {
    return { response, data: undefined };
  }
}

/** Loads Octokit, because few runs need it. */
async function loadOctokit({ api, token }: GitHubAccess): Promise<Octokit> {
  const { getOctokit } = await import(/* webpackChunkName: "octokit" */ '@actions/github').catch((error) => {
    // While it loads, @actions/github parses the event file. The parser's message would quote the file.
    throw error instanceof SyntaxError ? new Error('The file that GITHUB_EVENT_PATH names is not JSON.') : error;
  });
  return getOctokit(token, {
    baseUrl: api,
    log: OCTOKIT_LOG,
  });
}

/** Returns a response in the form in which Octokit expects it from `fetch`. */
function toFetchResponse({ status, headers, body }: FinalResponse): Response {
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((text): [string, string] => [name, text]),
  );
  // The constructor refuses a body for these statuses.
  return new Response([204, 205, 304].includes(status) ? null : body, { status, headers: fields });
}

/** Returns the time of the first field that is there, in milliseconds since the epoch; NaN if none holds a time. */
function timeField(object: Json, names: string[]): number {
  return Date.parse(names.map((name) => stringField(object, name)).find(Boolean) ?? '');
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
