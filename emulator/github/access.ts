import type { GitHubOperation } from '../exchange.ts';
import { GitHubError } from './errors.ts';
import type { Permission, Permissions, Repository, State } from './state.ts';

/** The permissions of the token in an `authorization` header. */
export function authenticate(state: State, authorization = ''): Permissions {
  const token = /^(?:token|bearer) (\S+)$/i.exec(authorization)?.[1];
  const permissions = token === undefined ? undefined : state.tokens.get(token);
  if (!permissions) throw new GitHubError(401, 'Bad credentials');
  return permissions;
}

/** Whether a token may know that this repository exists. */
export function sees(state: State, permissions: Permissions, repository: Repository): boolean {
  return repository.visibility === 'public' || state.isFor(permissions, repository);
}

/** What a fine-grained token needs for an operation, in an environment or in the repository itself. */
function needed(operation: GitHubOperation, inEnvironment: boolean): [Permission, 'read' | 'write'] | undefined {
  if (operation === 'getRepository') return undefined;
  if (operation === 'getEnvironment' || operation === 'getRun') return ['actions', 'read'];
  const kind = /Variable$/.test(operation) ? 'variables' : 'secrets';
  return [inEnvironment ? 'environments' : kind, operation.startsWith('get') ? 'read' : 'write'];
}

/** @throws GitHubError (403) where the token sees the repository but may not do this */
export function authorize(
  state: State,
  permissions: Permissions,
  repository: Repository,
  operation: GitHubOperation,
  inEnvironment: boolean,
): void {
  const [permission, level] = needed(operation, inEnvironment) ?? [];
  if (!permission) return;
  // What anybody may read of a public repository.
  if (permission === 'actions' && repository.visibility === 'public') return;
  const held = state.isFor(permissions, repository) ? permissions[permission] : undefined;
  if (held === 'write' || held === level) return;
  const kind = permissions.integration ? 'integration' : 'personal access token';
  throw new GitHubError(403, `Resource not accessible by ${kind}`, {
    headers: { 'x-accepted-github-permissions': `${permission}=${level}` },
  });
}
