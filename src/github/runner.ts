import { existsSync, readFileSync } from 'node:fs';
import type { context } from '@actions/github';

type Payload = typeof context.payload;

/** Name of the variable with the URL from which a job gets its ID token. */
export const ID_TOKEN_URL = 'ACTIONS_ID_TOKEN_REQUEST_URL';

/** Name of the variable with the bearer token for that URL. */
export const ID_TOKEN_TOKEN = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';

/** The runner's data about the run. An earlier step cannot change any of it through `GITHUB_ENV`. */
export interface Runner {
  /** `owner/name`; empty outside a runner. */
  repository: string;
  /** Undefined on runners that do not set it, such as `act`. */
  repository_id: string | undefined;
  /** `ID.ATTEMPT` of the workflow run. */
  run: string;
  /** URL of GitHub's API. */
  api: string;
  /** URL of the attempt of the workflow run, for a link; empty if it is not known. */
  runUrl: string;
  /**
   * `fork` or `dependabot` if GitHub passes no secrets to the run, `untrusted` if it does although code from outside
   * triggered the run.
   */
  origin: 'fork' | 'dependabot' | 'untrusted' | undefined;
  /** Whether the event file exists and cannot be read as JSON. @actions/github cannot be loaded then. */
  hasBadEvent: boolean;
}

/** Reads the runner's data from its environment variables and its event file. */
export function readRunner(env: NodeJS.ProcessEnv): Runner {
  const event = readEvent(env.GITHUB_EVENT_PATH);
  return {
    repository: env.GITHUB_REPOSITORY ?? '',
    repository_id: numericId(env.GITHUB_REPOSITORY_ID),
    run: `${numericId(env.GITHUB_RUN_ID, 12) ?? '0'}.${numericId(env.GITHUB_RUN_ATTEMPT, 4) ?? '1'}`,
    api: env.GITHUB_API_URL || 'https://api.github.com',
    runUrl: runUrl(env),
    origin: runOrigin(env, event ?? {}),
    hasBadEvent: event === undefined,
  };
}

/** Returns whether GitHub offers the job an ID token. It does if the job's `permissions` include `id-token: write`. */
export function mayHaveIdToken(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env[ID_TOKEN_URL] && env[ID_TOKEN_TOKEN]);
}

/**
 * Returns an id, or undefined if it is not a number or too long for the ownership marker. GitHub's ids are shorter.
 * @param maxDigits digits that the id may have
 */
export function numericId(text: string | undefined, maxDigits = 16): string | undefined {
  return text && /^\d+$/.test(text) && text.length <= maxDigits ? text : undefined;
}

/** Returns whether a URL of an API is that of Gitea or Forgejo. Both end in `/api/v1`. */
export function isForgeApi(url: string): boolean {
  return /\/api\/v1\/?$/.test(url);
}

/**
 * Returns the URL of the attempt of a run by the variables of its runner, or an empty string if a variable that it needs
 * is absent or odd. Gitea and Forgejo have other pages for it.
 */
export function runUrl({
  GITHUB_API_URL: api = '',
  GITHUB_SERVER_URL: server = '',
  GITHUB_REPOSITORY: repository = '',
  GITHUB_RUN_ID: run,
  GITHUB_RUN_ATTEMPT: attempt = '1',
}: NodeJS.ProcessEnv): string {
  const path = `/${repository}/actions/runs/${numericId(run)}/attempts/${numericId(attempt)}`;
  const isKnown = /^https?:\/\/[\w.:-]+\/?$/.test(server) && /^(\/[\w.-]+)+$/.test(path) && !path.includes('undefined');
  return isKnown && !isForgeApi(api) ? server.replace(/\/$/, '') + path : '';
}

/** Returns the origin of a run, by the payload of its event. */
function runOrigin(env: NodeJS.ProcessEnv, payload: Payload): Runner['origin'] {
  const [pullRequest, workflowRun] = [payload.pull_request, payload.workflow_run];
  // `repo` is null if the fork was deleted in the meantime.
  const head = pullRequest?.head ? pullRequest.head.repo : workflowRun?.head_repository;
  const isForeign = head !== undefined && head?.full_name !== env.GITHUB_REPOSITORY;
  // A run for one of these events gets the target repository's secrets, whoever wrote the code that triggered it.
  if (isForeign && /^(pull_request_target|workflow_run)$/.test(env.GITHUB_EVENT_NAME ?? '')) return 'untrusted';
  if (env.GITHUB_ACTOR === 'dependabot[bot]') return 'dependabot';
  return isForeign ? 'fork' : undefined;
}

/** Returns the event's payload, an empty one if there is no file, or undefined if it cannot be read or is not JSON. */
function readEvent(path: string | undefined): Payload | undefined {
  if (!path || !existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8')) ?? {};
  } catch {
    return undefined;
  }
}
