import { type ApiError, redirectAdvice, refusedError } from '../net/api-error.ts';
import { type Json, parseJsonObject } from '../net/json.ts';
import { parseRetryAfter } from '../net/retry.ts';
import { type HttpResponse, serverTime } from '../net/transport.ts';
import { oneLine, truncate } from '../output/text.ts';

/** What a request needs the token to be allowed, by the permissions of fine-grained tokens and GitHub Apps. */
export type Permission = 'repository' | 'secrets' | 'variables' | 'environment' | 'runs';

const PERMISSIONS: Record<Permission, string> = {
  repository: 'a fine-grained token access to this repository, a classic one the scope repo',
  secrets: 'a fine-grained token the repository permission Secrets (write), a classic one the scope repo',
  variables: 'a fine-grained token the repository permission Variables (write), a classic one the scope repo',
  environment:
    'a fine-grained token the repository permissions Environments (write) and Actions (read), a classic one the scope repo',
  runs: "the job's own token permissions with actions: read, a fine-grained one the repository permission Actions (read), a classic one the scope repo",
};

/** Milliseconds to wait after a refusal of too many requests that says nothing else, by GitHub's documentation. */
const DEFAULT_RATE_LIMIT_WAIT = 60_000;

/** Milliseconds to wait where a refusal is a rate limit's; nothing where it is none (GitHub: "Rate limits for the REST API"). */
export function rateLimitWait(response: HttpResponse): number | undefined {
  const { status, headers } = response;
  if (status !== 403 && status !== 429) return undefined;
  const now = serverTime(response);
  const after = parseRetryAfter(headers['retry-after'], now);
  if (after > 0) return after;
  if (headers['x-ratelimit-remaining'] === '0')
    return Math.max(0, Number(headers['x-ratelimit-reset']) * 1000 - now) || 0;
  return /secondary rate limit/i.test(response.body) ? DEFAULT_RATE_LIMIT_WAIT : undefined;
}

export function githubRefusal(operation: string, response: HttpResponse, need: Permission): ApiError {
  return refusedError(operation, response, githubMessages(response), githubAdvice(response, need));
}

function githubAdvice(response: HttpResponse, need: Permission): string {
  const { status } = response;
  if (status >= 300 && status < 400)
    return need === 'repository'
      ? 'GitHub redirects this name: the repository was renamed or moved, so give its name of today.'
      : redirectAdvice(response, 'give the name that the repository has today.');
  const wait = rateLimitWait(response);
  if (status === 429 || wait !== undefined) {
    const seconds =
      wait && Number.isFinite(wait) ? ` (it says: come back after ${Math.ceil(wait / 1000)} seconds)` : '';
    return `The rate limit of github_token is reached for longer than this step may wait${seconds}: run fewer jobs at once, or raise timeout.`;
  }
  if (status >= 500) return "That is on GitHub's side: try again later.";
  if (status === 401) return 'github_token is not valid (any more).';
  const grant = `It needs ${PERMISSIONS[need]}.`;
  if (status === 403)
    return `github_token may not do that. ${grant}${need === 'runs' ? '' : ' GITHUB_TOKEN cannot be given it.'}`;
  if (status === 404) return `There is none, or github_token may not see it. ${grant}`;
  return '';
}

/** What GitHub's error body says; it may list several faults. */
function githubMessages({ body }: HttpResponse): string[] {
  let said: Json;
  try {
    said = parseJsonObject(body);
  } catch {
    return [];
  }
  const faults = Array.isArray(said.errors) ? said.errors.map((fault) => Object(fault).message ?? fault) : [];
  return [said.message, ...faults]
    .filter((text) => typeof text === 'string')
    .slice(0, 10)
    .map((text) => truncate(oneLine(text), 300));
}
