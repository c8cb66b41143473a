import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RUNNER_VARIABLES } from '../../emulator/runner.ts';

// The part of Gitea's and Forgejo's API that the actions call, by their sources (routers/api/v1/api.go and
// modules/structs): repositories and runs can be read. The paths of secrets know only PUT and DELETE. There are no
// environments.

export type ForgeKind = 'gitea' | 'old gitea' | 'forgejo';

/** How a forge responds to a path that it does not have: text, or the JSON of its own 404 responses. */
export type UnknownPath = 'text' | 'json';

export interface Forge {
  /** Variables of a job: the addresses of the server and of its API. */
  variables: { GITHUB_SERVER_URL: string; GITHUB_API_URL: string };
  /** Variables of a job of Forgejo with `enable-openid-connect: true`. */
  idTokenVariables: Record<string, string>;
  /** Method and path of each request, in order. */
  requests: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** The number of the repository on a forge. */
export const FORGE_REPOSITORY_ID = 12;

/** Starts a forge whose runs have just ended. */
export async function startForge(kind: ForgeKind, unknownPath: UnknownPath = 'text'): Promise<Forge> {
  const { GITHUB_REPOSITORY: name } = RUNNER_VARIABLES;
  const requests: string[] = [];
  const repository = { id: FORGE_REPOSITORY_ID, full_name: name, owner: { id: 3, login: name.split('/')[0] } };
  const json = (response: ServerResponse, status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' }).end(JSON.stringify(body));
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://forge');
    const path = url.pathname.replace('/git/api/v1', '');
    requests.push(`${request.method} ${path}`);
    const [, run] = new RegExp(`^/repos/${name}/actions/runs/(\\d+)$`).exec(path) ?? [];
    if (path === `/repos/${name}`) return json(response, 200, repository);
    if (run) return json(response, 200, runOf(kind, Number(run)));
    if (path === '/git/api/actions/id-token') return json(response, 200, { value: idToken(url.origin) });
    const missing = (message: string) =>
      json(response, 404, { errors: null, message, url: `${url.origin}/api/swagger` });
    if (path.startsWith(`/repos/${name}/actions/variables/`)) return missing('variable does not exist');
    if (unknownPath === 'json') return missing("The target couldn't be found.");
    if (path.startsWith(`/repos/${name}/actions/secrets/`))
      return response.writeHead(405, { allow: 'PUT, DELETE' }).end();
    return response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}/git`;
  return {
    variables: { GITHUB_SERVER_URL: address, GITHUB_API_URL: `${address}/api/v1` },
    idTokenVariables: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${address}/api/actions/id-token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: ['of', 'the', 'forge', 'job'].join('-'),
    },
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Returns a run that has just ended, as the forge shows it. */
function runOf(kind: ForgeKind, id: number): Record<string, unknown> {
  const [begin, end] = [-300_000, 0].map((ms) => new Date(Date.now() + ms).toISOString());
  if (kind === 'forgejo')
    return { id, index_in_repo: 7, status: 'success', started: begin, stopped: end, created: begin, updated: end };
  const run_attempt = kind === 'gitea' ? 1 : 0;
  return { id, run_number: 7, run_attempt, status: 'completed', started_at: begin, completed_at: end };
}

/** Returns an ID token with the claims of Forgejo (IDTokenCustomClaims in its services/actions). */
function idToken(origin: string): string {
  const { GITHUB_REPOSITORY: repository, GITHUB_REPOSITORY_OWNER: repository_owner } = RUNNER_VARIABLES;
  const claims = {
    iss: `${origin}/git/api/actions`,
    actor: 'dev',
    actor_id: '4',
    base_ref: '',
    event_name: 'push',
    head_ref: '',
    ref: 'refs/heads/main',
    ref_protected: 'false',
    ref_type: 'branch',
    repository,
    repository_id: `${FORGE_REPOSITORY_ID}`,
    repository_owner,
    repository_owner_id: '3',
    run_attempt: '1',
    run_id: '43',
    run_number: '7',
    sha: RUNNER_VARIABLES.GITHUB_SHA,
    workflow: 'deploy.yml',
    workflow_ref: `${repository}/.forgejo/workflows/deploy.yml@refs/heads/main`,
    sub: `repo:${repository}:ref:refs/heads/main`,
  };
  return [{ alg: 'RS256', typ: 'JWT' }, claims, 'signature'].map((part) => encode(part)).join('.');
}

const encode = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
