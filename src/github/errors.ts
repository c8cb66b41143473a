import { type ApiError, redirectAdvice, refusedError } from '../net/api-error.ts';
import { type Json, parseJsonObject } from '../net/json.ts';
import { parseRetryAfter } from '../net/retry.ts';
import { type HttpResponse, responseTime } from '../net/transport.ts';
import { oneLine, truncate } from '../output/text.ts';

/**
 * Milliseconds to wait after a secondary rate limit whose response names no time, by GitHub's documentation ("Rate
 * limits for the REST API").
 */
const DEFAULT_RATE_LIMIT_WAIT = 60_000;

/** What the token needs for each permission. Completes "It needs …". */
const PERMISSIONS: Record<Permission, string> = {
  repository: 'a fine-grained token access to this repository, a classic one the scope repo',
  secrets: 'a fine-grained token the repository permission Secrets (write), a classic one the scope repo',
  variables: 'a fine-grained token the repository permission Variables (write), a classic one the scope repo',
  environment:
    'a fine-grained token the repository permissions Environments (write) and Actions (read), a classic one the scope repo',
  runs: "the job's own token permissions with actions: read, a fine-grained one the repository permission Actions (read), a classic one the scope repo",
};

/** What a request needs permission for, by the permissions of fine-grained tokens and GitHub Apps. */
export type Permission = 'repository' | 'secrets' | 'variables' | 'environment' | 'runs';

/**
 * Returns the milliseconds to wait if a response is a rate limit, or else undefined (GitHub's documentation, "Rate
 * limits for the REST API").
 */
export function rateLimitWait(response: HttpResponse): number | undefined {
  const { status, headers } = response;
  if (status !== 403 && status !== 429) return undefined;
  const now = responseTime(response);
  const retryAfter = parseRetryAfter(headers['retry-after'], now);
  if (retryAfter > 0) return retryAfter;
  if (headers['x-ratelimit-remaining'] === '0')
    return Math.max(0, Number(headers['x-ratelimit-reset']) * 1000 - now) || 0;
  return /secondary rate limit/i.test(response.body) ? DEFAULT_RATE_LIMIT_WAIT : undefined;
}

/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 * @param permission what the token needs for the request
 */
export function githubRefusal(operation: string, response: HttpResponse, permission: Permission): ApiError {
  return refusedError(operation, response, githubMessages(response), githubAdvice(response, permission));
}

function githubAdvice(response: HttpResponse, permission: Permission): string {
  const { status } = response;
  if (status >= 300 && status < 400)
    return permission === 'repository'
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
  const grant = `It needs ${PERMISSIONS[permission]}.`;
  if (status === 403)
    return `github_token may not do that. ${grant}${permission === 'runs' ? '' : ' GITHUB_TOKEN cannot be given it.'}`;
  if (status === 404) return `There is none, or github_token may not see it. ${grant}`;
  return '';
}

/** Returns the messages in GitHub's error body: its own, and those of a list of errors. */
function githubMessages({ body }: HttpResponse): string[] {
  let parsed: Json;
  try {
    parsed = parseJsonObject(body);
  } catch {
    return [];
  }
  const errors = Array.isArray(parsed.errors) ? parsed.errors.map((error) => Object(error).message ?? error) : [];
  return [parsed.message, ...errors]
    .filter((text) => typeof text === 'string')
    .slice(0, 10)
    .map((text) => truncate(oneLine(text), 300));
}
