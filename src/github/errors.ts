import { type ApiError, interceptedAdvice, rateLimitAdvice, redirectAdvice, refusedError } from '../net/api-error.ts';
import { parseRetryAfter } from '../net/retry.ts';
import { type FinalResponse, type HttpResponse, responseTime } from '../net/transport.ts';
import { quote } from '../output/text.ts';

/**
 * Milliseconds to wait after a secondary rate limit whose response names no time, by GitHub's documentation ("Rate
 * limits for the REST API").
 */
const DEFAULT_RATE_LIMIT_WAIT = 60_000;

/** What the token needs for each permission, as a sentence. */
const PERMISSIONS: Record<Permission, string> = {
  repository: 'A fine-grained token needs access to this repository, a classic one the scope repo.',
  secrets: 'A fine-grained token needs the repository permission Secrets (write), a classic one the scope repo.',
  variables: 'A fine-grained token needs the repository permission Variables (write), a classic one the scope repo.',
  environment:
    'A fine-grained token needs the repository permissions Environments (write) and Actions (read), a classic one the scope repo.',
  runs: "The job's own token needs permissions with actions: read, a fine-grained one the repository permission Actions (read), a classic one the scope repo.",
};

/** What a request needs permission for, by the permissions of fine-grained tokens and GitHub Apps. */
export type Permission = 'repository' | 'secrets' | 'variables' | 'environment' | 'runs';

/** What Gitea and Forgejo have: the other permissions are for paths that they do not have, or have for something else. */
export const FORGE_PERMISSIONS: Permission[] = ['repository', 'runs'];

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

/** What the error for a request to GitHub needs to know of it. */
export interface GitHubSubject {
  /** Completes "Could not …". */
  operation: string;
  /** The parameters of the path: `owner` and `repo`, and `environment_name` if it is about an environment. */
  parameters: Record<string, string>;
  /** What the token needs for the request. */
  permission: Permission;
}

/**
 * Returns the error for a response whose status is not 2xx.
 * @param data the parsed body
 */
export function githubRefusal(subject: GitHubSubject, response: FinalResponse, data: unknown): ApiError {
  const messages = githubMessages(data);
  return refusedError(subject.operation, response, messages, githubAdvice(subject, response, messages));
}

/** Returns the advice for a response that shows that the server does not have GitHub's API for a request. */
export function otherServerAdvice(permission: Permission): string {
  const check = 'Check which server answers at GITHUB_API_URL.';
  if (FORGE_PERMISSIONS.includes(permission)) return check;
  return `${check} Gitea and Forgejo do not have GitHub's API for secrets, so save_to cannot work there, neither in the main action nor in delete/. Without save_to, the client, the outputs and delete/ work.`;
}

function githubAdvice({ parameters, permission }: GitHubSubject, response: FinalResponse, messages: string[]): string {
  const { status } = response;
  if (status >= 300 && status < 400)
    return permission === 'repository'
      ? 'GitHub redirects this name: the repository was renamed or transferred. Use its current name.'
      : redirectAdvice(response, 'use the current name of the repository.');
  const wait = rateLimitWait(response);
  if (status === 429 || wait !== undefined) return rateLimitAdvice('github_token', response, wait);
  if (status >= 500) return 'That is a failure of GitHub. Try again later.';
  const intercepted = interceptedAdvice(response, 'GITHUB_API_URL');
  if (intercepted) return intercepted;
  if (status === 401) return 'github_token is wrong, has expired or was revoked.';
  const grant = PERMISSIONS[permission];
  if (status === 404) return `${missing(parameters)} ${grant}`;
  if (status === 405) return otherServerAdvice(permission);
  if (status !== 403) return '';
  // GitHub says "Resource not accessible by personal access token". Its other messages explain themselves: single
  // sign-on, an IP allow list, a policy on tokens, an archived repository.
  const isPermission = messages.some((message) => /not accessible by/i.test(message));
  const more = permission === 'runs' ? '' : ' GITHUB_TOKEN cannot have that permission.';
  return [isPermission && `github_token lacks a permission. ${grant}${more}`, signOnAdvice(response)]
    .filter(Boolean)
    .join(' ');
}

/** Returns the sentence with the URL at which the user allows a token for an organization with single sign-on. */
function signOnAdvice({ headers }: FinalResponse): string {
  const [, url] = /^required; url=(https:\/\/\S{1,1000})$/.exec(String(headers['x-github-sso'])) ?? [];
  return url ? `To allow github_token, open ${url}` : '';
}

/** Returns what may be missing if GitHub answers 404. It answers the same to a token that may not see the thing. */
function missing({ owner, repo, environment_name }: GitHubSubject['parameters']): string {
  if (!environment_name) return `There is no repository ${owner}/${repo}, or github_token may not see it.`;
  return `There is no environment ${quote(environment_name)}, or github_token may not see it. Create it in Settings → Environments.`;
}

/** Returns the messages in GitHub's error body: its own, and those of a list of errors. */
function githubMessages(data: unknown): string[] {
  const { message, errors } = Object(data);
  const details = Array.isArray(errors) ? errors.map((error) => Object(error).message ?? error) : [];
  return [message, ...details].filter((text) => typeof text === 'string');
}
