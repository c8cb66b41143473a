// Checks the token of a request, and the permissions of the token.

import type { GitHubOperation } from '../exchange.ts';
import { GitHubError } from './errors.ts';
import type { Permission, Permissions, Repository, State } from './state.ts';

/**
 * Returns the permissions of the token in an `authorization` header.
 * @throws {GitHubError} (401) if the token is missing or unknown
 */
export function authenticate(state: State, authorization = ''): Permissions {
  const token = /^(?:token|bearer) (\S+)$/i.exec(authorization)?.[1];
  const permissions = token === undefined ? undefined : state.tokens.get(token);
  if (!permissions) throw new GitHubError(401, 'Bad credentials');
  return permissions;
}

/** Returns whether a token can see that this repository exists. */
export function canSee(state: State, permissions: Permissions, repository: Repository): boolean {
  return repository.visibility === 'public' || state.isFor(permissions, repository);
}

/** Returns the permission that a fine-grained token needs for an operation in a repository or in an environment. */
function requiredPermission(
  operation: GitHubOperation,
  inEnvironment: boolean,
): [Permission, 'read' | 'write'] | undefined {
  if (operation === 'getRepository') return undefined;
  if (operation === 'getEnvironment' || operation === 'getRun') return ['actions', 'read'];
  const kind = /Variable$/.test(operation) ? 'variables' : 'secrets';
  return [inEnvironment ? 'environments' : kind, operation.startsWith('get') ? 'read' : 'write'];
}

/**
 * Checks that a token has the permission for an operation. The token must be able to see the repository.
 * @throws {GitHubError} (403) if the permission is missing
 */
export function authorize(
  state: State,
  permissions: Permissions,
  repository: Repository,
  operation: GitHubOperation,
  inEnvironment: boolean,
): void {
  const [permission, level] = requiredPermission(operation, inEnvironment) ?? [];
  if (!permission) return;
  // Every token can read the environments and runs of a public repository.
  if (permission === 'actions' && repository.visibility === 'public') return;
  const granted = state.isFor(permissions, repository) ? permissions[permission] : undefined;
  if (granted === 'write' || granted === level) return;
  const kind = permissions.integration ? 'integration' : 'personal access token';
  throw new GitHubError(403, `Resource not accessible by ${kind}`, {
    headers: { 'x-accepted-github-permissions': `${permission}=${level}` },
  });
}
