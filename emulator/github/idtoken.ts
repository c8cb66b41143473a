// The endpoint from which a job requests its ID token, and the keys that verify the token.

import { randomBytes, randomUUID } from 'node:crypto';
import type { RecordedRequest, Route } from '../exchange.ts';
import { makeSigner, type Signer, sign } from '../scalekit/token.ts';
import type { RunnerVariables } from '../variables.ts';
import type { Repository } from './state.ts';

/** Path of the issuer of ID tokens, the same as on GitHub Enterprise Server. */
const ISSUER = '/_services/token';

let signer: Promise<Signer> | undefined;

/** Returns GitHub's key of this process. Scalekit has a separate key. */
function githubSigner(): Promise<Signer> {
  signer ??= makeSigner(randomUUID());
  return signer;
}

type IdTokenOptions = {
  /** The variables of the job that requests the token. */
  runner: RunnerVariables;
  repository: () => Repository | undefined;
  /** Returns claims that override the defaults. An undefined value removes the claim. */
  changes: () => Record<string, unknown>;
  /** Called with each token that is issued. */
  onIssued: (token: string) => void;
};

/**
 * Creates the endpoints that issue ID tokens and publish the keys, and the token with which a job requests ID tokens.
 */
export function idTokenEndpoint({ runner, repository, changes, onIssued }: IdTokenOptions) {
  const requestToken = randomBytes(24).toString('base64url');
  const issueToken: Route['handler'] = async ({ headers, path, origin }) => {
    if (headers.authorization !== `Bearer ${requestToken}`) return { status: 401, body: { message: 'Unauthorized' } };
    const audience = new URL(path, origin).searchParams.get('audience');
    const claims = {
      ...defaultClaims(runner, origin, repository(), changes()),
      ...(audience ? { aud: audience } : {}),
      ...changes(),
    };
    const value = await sign(claims, githubSigner());
    onIssued(value);
    return { status: 200, body: { count: value.length, value } };
  };
  const keys: Route['handler'] = async () => ({ status: 200, body: { keys: [(await githubSigner()).jwk] } });
  const routes: Record<string, Route> = {
    'GET /id-token': { operation: 'idToken', handler: issueToken },
    [`GET ${ISSUER}/.well-known/jwks`]: { operation: 'idTokenKeys', handler: keys },
  };
  return { requestToken, find: (method: string, path: string): Route | undefined => routes[`${method} ${path}`] };
}

/** Returns the default claims of an ID token. They match the runner's variables. All ids are strings. */
function defaultClaims(
  runner: RunnerVariables,
  origin: RecordedRequest['origin'],
  repository: Repository | undefined,
  changes: Record<string, unknown>,
): Record<string, unknown> {
  const properties = Object.entries(repository?.customProperties ?? {}).filter(([, value]) => value !== null);
  const now = Math.floor(Date.now() / 1000);
  const claims: Record<string, unknown> = {
    jti: randomUUID(),
    aud: `${runner.GITHUB_SERVER_URL}/${runner.GITHUB_REPOSITORY_OWNER}`,
    ref: runner.GITHUB_REF,
    ref_type: runner.GITHUB_REF_TYPE,
    ref_protected: 'true',
    sha: runner.GITHUB_SHA,
    repository: runner.GITHUB_REPOSITORY,
    repository_id: runner.GITHUB_REPOSITORY_ID,
    repository_owner: runner.GITHUB_REPOSITORY_OWNER,
    repository_owner_id: runner.GITHUB_REPOSITORY_OWNER_ID,
    repository_visibility: repository?.visibility,
    run_id: runner.GITHUB_RUN_ID,
    run_number: '42',
    run_attempt: runner.GITHUB_RUN_ATTEMPT,
    check_run_id: '48765432109',
    actor: runner.GITHUB_ACTOR,
    actor_id: runner.GITHUB_ACTOR_ID,
    workflow: runner.GITHUB_WORKFLOW,
    workflow_ref: runner.GITHUB_WORKFLOW_REF,
    workflow_sha: runner.GITHUB_SHA,
    job_workflow_ref: runner.GITHUB_WORKFLOW_REF,
    job_workflow_sha: runner.GITHUB_SHA,
    head_ref: '',
    base_ref: '',
    event_name: runner.GITHUB_EVENT_NAME,
    runner_environment: runner.RUNNER_ENVIRONMENT,
    ...Object.fromEntries(properties.map(([name, value]) => [`repo_property_${name}`, value])),
    iss: `${origin}${ISSUER}`,
    nbf: now - 600,
    exp: now + 300,
    iat: now,
  };
  return { ...claims, sub: subjectOf({ ...claims, ...changes }) };
}

/** Returns `sub` in the format that repositories of 2026 have: each name is followed by its id. */
function subjectOf(claims: Record<string, unknown>): string {
  const { repository_owner_id, repository_id, environment, event_name, ref } = claims;
  const [owner, name] = String(claims.repository).split('/');
  const context = environment
    ? `environment:${environment}`
    : event_name === 'pull_request'
      ? 'pull_request'
      : `ref:${ref}`;
  return `repo:${owner}@${repository_owner_id}/${name}@${repository_id}:${context}`;
}
