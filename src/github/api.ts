import { ApiError, invalidResponseError, isApiResponse, unansweredError } from '../net/api-error.ts';
import { InvalidResponseError, type Json, parseJsonObject, stringField } from '../net/json.ts';
import { NetworkError } from '../net/network-error.ts';
import { type HttpRequest as HttpCall, type HttpResponse, serverTime, type Transport } from '../net/transport.ts';
import { githubRefusal, type Permission, rateLimitWait } from './errors.ts';

/** Where GitHub's API is, and who asks. */
export interface GitHubAccess {
  /** Without a slash at its end. */
  api: string;
  token: string;
}

/** One request as its caller means it. */
export interface GitHubRequest {
  /** Completes "Could not …". */
  operation: string;
  /** Method and path as GitHub's documentation writes them, with `{names}` for parameters. */
  route: string;
  parameters: Record<string, string>;
  /** What the token must be allowed to do. */
  permission: Permission;
  /** Statuses that say that a change was made; nothing for a request that only reads. Any other may come from something in between. */
  successStatuses?: number[];
  /** Called before each sending. */
  onSend?: (() => void) | undefined;
}

/** How far a workflow run is. */
export interface WorkflowRun {
  /** `completed`, or anything else while it is not. */
  status: string;
  /** The latest attempt, from 1. */
  run_attempt: number;
}

/**
 * GitHub's REST API: Octokit makes the requests, and they go through the one transport, so that deadlines, repeats,
 * proxies and the refusal of redirects are the same as for Scalekit. Every method throws an ApiError.
 */
export class GitHub {
  readonly transport: Transport;
  readonly #access: GitHubAccess;

  constructor(transport: Transport, access: GitHubAccess) {
    this.transport = transport;
    this.#access = access;
  }

  /** Its address. */
  get api(): string {
    return this.#access.api;
  }

  /**
   * Reads a repository.
   * @param name `owner/name` as it is now: GitHub's redirect from a former name is refused
   */
  async getRepository<T>(name: string, parse: (repository: Json) => T): Promise<T> {
    const [owner = '', repo = ''] = name.split('/');
    const operation = `read repository ${name}`;
    const call: GitHubRequest = {
      operation,
      route: 'GET /repos/{owner}/{repo}',
      parameters: { owner, repo },
      permission: 'repository',
    };
    return await this.read(call, (repository) => {
      const { id, full_name } = repository;
      if (!isPositive(id)) throw new InvalidResponseError('id is not a number');
      if (typeof full_name !== 'string' || full_name.toLowerCase() !== name.toLowerCase())
        throw new InvalidResponseError('it shows another repository');
      return parse(repository);
    });
  }

  /** Reads a workflow run. @returns nothing where GitHub shows no such run */
  async getRun(name: string, run_id: string): Promise<WorkflowRun | undefined> {
    const [owner = '', repo = ''] = name.split('/');
    const operation = 'read the workflow runs that clients were made for';
    const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}';
    return await this.find({ operation, route, parameters: { owner, repo, run_id }, permission: 'runs' }, (run) => {
      if (typeof run.id === 'object' || String(run.id) !== run_id)
        throw new InvalidResponseError('it shows another run');
      const { run_attempt } = run;
      if (!isPositive(run_attempt)) throw new InvalidResponseError('run_attempt is not a number');
      return { status: stringField(run, 'status'), run_attempt };
    });
  }

  /**
   * Reads one thing.
   * @param parse gets the answer and, in milliseconds since the epoch, the server's own time; throws an AnswerError
   * @returns nothing where GitHub says that there is no such thing, which it also says to a token that may not see it
   */
  async find<T>(call: GitHubRequest, parse: (response: Json, time: number) => T): Promise<T | undefined> {
    try {
      return await this.read(call, parse);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** As `find`, where there has to be such a thing. */
  async read<T>(call: GitHubRequest, parse: (response: Json, time: number) => T): Promise<T> {
    const response = await this.send(call);
    try {
      return parse(parseJsonObject(response.body), serverTime(response));
    } catch (error) {
      throw error instanceof InvalidResponseError
        ? invalidResponseError(call.operation, response, error.message, '')
        : error;
    }
  }

  /** Sends a request, again where its answer is lost. @returns an answer that says success */
  async send({
    operation,
    route,
    parameters,
    permission: need,
    successStatuses: made,
    onSend,
  }: GitHubRequest): Promise<HttpResponse> {
    const { api, token } = this.#access;
    // Loaded by the few runs that need it.
    // Its context reads the event too, and stumbles where that is not readable.
    delete process.env.GITHUB_EVENT_PATH;
    const { getOctokit } = await import('@actions/github');
    const outcome: { answer?: HttpResponse; error?: unknown } = {};
    const fetch = async (url: string, { method, headers, body }: HttpCall) => {
      const call: HttpCall = { method, url: new URL(url), headers, body, repeatable: true, rateLimitWait, onSend };
      try {
        outcome.answer = await this.transport.send(call);
      } catch (error) {
        outcome.error = error;
      }
      // What came of it is read below, not by Octokit.
      return { status: 204, url, headers: [] };
    };
    await getOctokit(token, { baseUrl: api, request: { fetch } }).request(route, parameters);
    const { answer: response, error } = outcome;
    if (error instanceof NetworkError) throw unansweredError(operation, error, 'GITHUB_API_URL');
    if (!response) throw error;
    if (response.status === 404 && !isApiResponse(response))
      throw invalidResponseError(operation, response, "it is not GitHub's", 'Check who answers at GITHUB_API_URL.');
    if (response.status < 200 || response.status > 299) throw githubRefusal(operation, response, need);
    if (made && !made.includes(response.status))
      throw invalidResponseError(operation, response, `GitHub says ${made.join(' or ')} where it is done`, '');
    return response;
  }
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
