import { ApiError, badAnswer, isApiAnswer, noAnswer } from '../answers.ts';
import { type Answer, type Call as HttpCall, NetworkError, type Transport, timeOf } from '../http.ts';
import { AnswerError, type Json, parseObject, string } from '../json.ts';
import { fromAnswer, type Need, rateLimit } from './errors.ts';

/** Where GitHub's API is, and who asks. */
export interface GitHubAccess {
  /** Without a slash at its end. */
  api: string;
  token: string;
}

/** One request as its caller means it. */
export interface Call {
  /** Completes "Could not …". */
  operation: string;
  /** Method and path as GitHub's documentation writes them, with `{names}` for parameters. */
  route: string;
  parameters: Record<string, string>;
  /** What the token must be allowed to do. */
  need: Need;
  /** Statuses that say that a change was made; nothing for a request that only reads. Any other may come from something in between. */
  made?: number[];
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
    const call = {
      operation,
      route: 'GET /repos/{owner}/{repo}',
      parameters: { owner, repo },
      need: 'repository',
    } as const;
    return await this.read(call, (repository) => {
      const { id, full_name } = repository;
      if (!isPositive(id)) throw new AnswerError('id is not a number');
      if (typeof full_name !== 'string' || full_name.toLowerCase() !== name.toLowerCase())
        throw new AnswerError('it shows another repository');
      return parse(repository);
    });
  }

  /** Reads a workflow run. @returns nothing where GitHub shows no such run */
  async getRun(name: string, run_id: string): Promise<WorkflowRun | undefined> {
    const [owner = '', repo = ''] = name.split('/');
    const operation = 'read the workflow runs that clients were made for';
    const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}';
    return await this.find({ operation, route, parameters: { owner, repo, run_id }, need: 'runs' }, (run) => {
      if (typeof run.id === 'object' || String(run.id) !== run_id) throw new AnswerError('it shows another run');
      const { run_attempt } = run;
      if (!isPositive(run_attempt)) throw new AnswerError('run_attempt is not a number');
      return { status: string(run, 'status'), run_attempt };
    });
  }

  /**
   * Reads one thing.
   * @param parse gets the answer and, in milliseconds since the epoch, the server's own time; throws an AnswerError
   * @returns nothing where GitHub says that there is no such thing, which it also says to a token that may not see it
   */
  async find<T>(call: Call, parse: (answer: Json, time: number) => T): Promise<T | undefined> {
    try {
      return await this.read(call, parse);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** As `find`, where there has to be such a thing. */
  async read<T>(call: Call, parse: (answer: Json, time: number) => T): Promise<T> {
    const answer = await this.send(call);
    try {
      return parse(parseObject(answer.body), timeOf(answer));
    } catch (error) {
      throw error instanceof AnswerError ? badAnswer(call.operation, answer, error.message, '') : error;
    }
  }

  /** Sends a request, again where its answer is lost. @returns an answer that says success */
  async send({ operation, route, parameters, need, made, onSend }: Call): Promise<Answer> {
    const { api, token } = this.#access;
    // Loaded by the few runs that need it.
    // Its context reads the event too, and stumbles where that is not readable.
    delete process.env.GITHUB_EVENT_PATH;
    const { getOctokit } = await import('@actions/github');
    const outcome: { answer?: Answer; error?: unknown } = {};
    const fetch = async (url: string, { method, headers, body }: HttpCall) => {
      const call = { method, url: new URL(url), headers, body, repeatable: true, rateLimit, onSend };
      try {
        outcome.answer = await this.transport.send(call);
      } catch (error) {
        outcome.error = error;
      }
      // What came of it is read below, not by Octokit.
      return { status: 204, url, headers: [] };
    };
    await getOctokit(token, { baseUrl: api, request: { fetch } }).request(route, parameters);
    const { answer, error } = outcome;
    if (error instanceof NetworkError) throw noAnswer(operation, error, 'GITHUB_API_URL');
    if (!answer) throw error;
    if (answer.status === 404 && !isApiAnswer(answer))
      throw badAnswer(operation, answer, "it is not GitHub's", 'Check who answers at GITHUB_API_URL.');
    if (answer.status < 200 || answer.status > 299) throw fromAnswer(operation, answer, need);
    if (made && !made.includes(answer.status))
      throw badAnswer(operation, answer, `GitHub says ${made.join(' or ')} where it is done`, '');
    return answer;
  }
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
