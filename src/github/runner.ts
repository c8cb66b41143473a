import { readFileSync } from 'node:fs';
import type { context } from '@actions/github';

/** Variables that say where the job gets its ID token, and with what token. */
export const ID_TOKEN_URL = 'ACTIONS_ID_TOKEN_REQUEST_URL';

export const ID_TOKEN_TOKEN = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';

/** What the runner tells about the run. None of it can be changed by an earlier step through `GITHUB_ENV`. */
export interface Runner {
  /** `owner/name`, or empty outside a runner. */
  repository: string;
  /** Absent on runners that do not tell it, `act` among them. */
  repository_id: string | undefined;
  /** `ID.ATTEMPT` of the workflow run. */
  run: string;
  /** Address of GitHub's API. */
  api: string;
  /** Set where GitHub hands no secrets to the run, or where the run is triggered by code from outside. */
  origin: 'fork' | 'dependabot' | 'untrusted' | undefined;
}

export function readRunner(env: NodeJS.ProcessEnv): Runner {
  return {
    repository: env.GITHUB_REPOSITORY ?? '',
    repository_id: numericId(env.GITHUB_REPOSITORY_ID),
    run: `${numericId(env.GITHUB_RUN_ID, 12) ?? '0'}.${numericId(env.GITHUB_RUN_ATTEMPT, 4) ?? '1'}`,
    api: env.GITHUB_API_URL || 'https://api.github.com',
    origin: runOrigin(env),
  };
}

/** Whether GitHub offers the job an ID token: it does where `permissions` has `id-token: write`. */
export function mayHaveIdToken(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env[ID_TOKEN_URL] && env[ID_TOKEN_TOKEN]);
}

/** A number as it fits into a trailer of bounded length; GitHub's own are shorter. */
export function numericId(text: string | undefined, most = 16): string | undefined {
  return text && /^\d+$/.test(text) && text.length <= most ? text : undefined;
}

function runOrigin(env: NodeJS.ProcessEnv): Runner['origin'] {
  const payload = readEvent(env.GITHUB_EVENT_PATH);
  const [pull, run] = [payload.pull_request, payload.workflow_run];
  // A fork that was deleted since has no repository any more.
  const head = pull?.head ? pull.head.repo : run?.head_repository;
  const foreign = head !== undefined && head?.full_name !== env.GITHUB_REPOSITORY;
  // These events run with the target repository's secrets, whoever wrote the code that triggered them.
  if (foreign && /^(pull_request_target|workflow_run)$/.test(env.GITHUB_EVENT_NAME ?? '')) return 'untrusted';
  if (env.GITHUB_ACTOR === 'dependabot[bot]') return 'dependabot';
  return foreign ? 'fork' : undefined;
}

function readEvent(path: string | undefined): typeof context.payload {
  try {
    return JSON.parse(readFileSync(path ?? '', 'utf8')) ?? {};
  } catch {
    return {};
  }
}
