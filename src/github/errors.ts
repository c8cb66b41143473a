import { type ApiError, noRedirects, refusal } from '../answers.ts';
import { type Answer, parseRetryAfter, timeOf } from '../http.ts';
import { type Json, parseObject } from '../json.ts';
import { cut, oneLine } from '../log.ts';

/** What a request needs the token to be allowed, by the permissions of fine-grained tokens and GitHub Apps. */
export type Need = 'repository' | 'secrets' | 'variables' | 'environment' | 'runs';

const PERMISSIONS: Record<Need, string> = {
  repository: 'a fine-grained token access to this repository, a classic one the scope repo',
  secrets: 'a fine-grained token the repository permission Secrets (write), a classic one the scope repo',
  variables: 'a fine-grained token the repository permission Variables (write), a classic one the scope repo',
  environment:
    'a fine-grained token the repository permissions Environments (write) and Actions (read), a classic one the scope repo',
  runs: "the job's own token permissions with actions: read, a fine-grained one the repository permission Actions (read), a classic one the scope repo",
};

/** Milliseconds to wait after a refusal of too many requests that says nothing else, by GitHub's documentation. */
const UNTOLD_WAIT = 60_000;

/** Milliseconds to wait where a refusal is a rate limit's; nothing where it is none (GitHub: "Rate limits for the REST API"). */
export function rateLimit(answer: Answer): number | undefined {
  const { status, headers } = answer;
  if (status !== 403 && status !== 429) return undefined;
  const now = timeOf(answer);
  const after = parseRetryAfter(headers['retry-after'], now);
  if (after > 0) return after;
  if (headers['x-ratelimit-remaining'] === '0')
    return Math.max(0, Number(headers['x-ratelimit-reset']) * 1000 - now) || 0;
  return /secondary rate limit/i.test(answer.body) ? UNTOLD_WAIT : undefined;
}

export function fromAnswer(operation: string, answer: Answer, need: Need): ApiError {
  return refusal(operation, answer, serverWords(answer), advice(answer, need));
}

function advice(answer: Answer, need: Need): string {
  const { status } = answer;
  if (status >= 300 && status < 400)
    return need === 'repository'
      ? 'GitHub redirects this name: the repository was renamed or moved, so give its name of today.'
      : noRedirects(answer, 'give the name that the repository has today.');
  const wait = rateLimit(answer);
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
function serverWords({ body }: Answer): string[] {
  let said: Json;
  try {
    said = parseObject(body);
  } catch {
    return [];
  }
  const faults = Array.isArray(said.errors) ? said.errors.map((fault) => Object(fault).message ?? fault) : [];
  return [said.message, ...faults]
    .filter((text) => typeof text === 'string')
    .slice(0, 10)
    .map((text) => cut(oneLine(text), 300));
}
