import type { AuditedClient, Visibility } from '../client/audit.ts';
import { repositoryReference } from '../client/identity.ts';
import type { GitHub } from '../github/api.ts';
import { isForgeApi, type Runner } from '../github/runner.ts';
import { REPOSITORY } from '../inputs/specs.ts';
import { InvalidResponseError, type Json, stringField } from '../net/json.ts';
import { lookUpEach, type Missed } from './look-up.ts';

/** Repositories that are looked up at most, and as many environments. */
const MAX_LOOK_UPS = 500;

const NOTHING: Missed = { count: 0, reason: '' };

/** A repository as far as it is known. */
export interface Repository {
  /** Undefined if the ownership marker has a hash of the name in place of the id. */
  id: string | undefined;
  /** `owner/name`, undefined if it is not known. */
  name: string | undefined;
}

/** The repositories and environments of clients, by what the clients, the runner and GitHub say. */
export class Places {
  readonly #runner: Runner;
  /** By id or by name in lower case: the name, or an empty text if GitHub does not show the repository. */
  readonly #names = new Map<string, string>();
  /** By name of the repository and the environment: whether GitHub shows it. */
  readonly #environments = new Map<string, boolean>();
  /** For how many clients it is not known whether GitHub shows their repository or environment. */
  missed = { repositories: NOTHING, environments: NOTHING };

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Looks up each repository and each environment once in GitHub, within limits. */
  async lookUp(github: GitHub, clients: Iterable<AuditedClient>): Promise<void> {
    const { transport } = github;
    const all = [...clients];
    const limits = () => ({ max: MAX_LOOK_UPS, time: transport.remaining });
    const keys = new Set(all.flatMap((client) => [repositoryKey(client) ?? [], creatorKey(client) ?? []].flat()));
    const repositories = await lookUpEach(transport, [...keys], limits(), async (key) => {
      this.#names.set(key, (await findRepository(github, key)) ?? '');
    });
    // Gitea and Forgejo have none.
    const hasEnvironments = !isForgeApi(github.api);
    const places = new Set(hasEnvironments ? all.flatMap((client) => this.#environmentKey(client) ?? []) : []);
    const environments = await lookUpEach(transport, [...places], limits(), async (key) => {
      this.#environments.set(key, await hasEnvironment(github, key));
    });
    const unknown = all.filter((client) => this.visibilityOf(client).repository === undefined);
    const isUnknown = (client: AuditedClient) => {
      const { repository, environment } = this.visibilityOf(client);
      // An environment of a repository that is not shown needs no second finding.
      return client.environment && repository !== false && environment === undefined;
    };
    this.missed = {
      repositories: missedOf(unknown, repositories.reason),
      environments: missedOf(hasEnvironments ? all.filter(isUnknown) : [], environments.reason || repositories.reason),
    };
  }

  /** Returns the repository that a client is for. GitHub's name precedes that in the claims, which may be older. */
  repositoryOf(client: AuditedClient): Repository {
    const { marker, repository = '', isContradictory } = client;
    const claimed = isContradictory || !REPOSITORY.test(repository) ? undefined : repository;
    return { id: idOf(marker?.repo), name: this.#nameOf(repositoryKey(client), marker?.repo) ?? claimed };
  }

  /** Returns the repository whose workflow created a client. */
  creatorOf(client: AuditedClient): Repository {
    const { marker } = client;
    if (marker?.by === marker?.repo) return this.repositoryOf(client);
    return { id: idOf(marker?.by), name: this.#nameOf(creatorKey(client), marker?.by) };
  }

  /** Returns what GitHub says about the repository and the environment of a client. */
  visibilityOf(client: AuditedClient): Visibility {
    const name = this.#names.get(repositoryKey(client) ?? '');
    return {
      repository: name === undefined ? undefined : name !== '',
      environment: this.#environments.get(this.#environmentKey(client) ?? ''),
    };
  }

  #nameOf(key: string | undefined, reference: string | undefined): string | undefined {
    const { repository, repository_id } = this.#runner;
    const own = reference === repositoryReference(repository, repository_id) ? repository : undefined;
    return this.#names.get(key ?? '') || own;
  }

  /** Returns repository and environment as one text, if GitHub shows the repository. */
  #environmentKey(client: AuditedClient): string | undefined {
    const { environment } = client;
    const name = this.#names.get(repositoryKey(client) ?? '');
    // In a URL, "." and ".." would address another path, and half a surrogate pair has no encoding.
    return name && environment && !/^\.\.?$|\p{Cs}/u.test(environment) ? `${name}/${environment}` : undefined;
  }
}

function missedOf({ length: count }: object[], reason: string): Missed {
  return { count, reason: reason || 'Their markers and claims name none that can be looked up.' };
}

function idOf(reference = ''): string | undefined {
  return /^\d+$/.test(reference) ? reference : undefined;
}

/** Returns the id of the repository that a client is for, or the name in lower case if only the claims have one. */
function repositoryKey({ marker, repository = '' }: AuditedClient): string | undefined {
  const name = repository.toLowerCase();
  const isNamed = REPOSITORY.test(name) && repositoryReference(name, undefined) === marker?.repo;
  return isNamed ? name : idOf(marker?.repo);
}

function creatorKey(client: AuditedClient): string | undefined {
  const { marker } = client;
  return marker?.by === marker?.repo ? repositoryKey(client) : idOf(marker?.by);
}

/**
 * Reads a repository by its id or its name. GitHub redirects a former name to the path with the id.
 * @returns its name, or undefined if GitHub does not show it
 */
async function findRepository(github: GitHub, key: string): Promise<string | undefined> {
  const [owner = '', repo] = key.split('/');
  const path = repo
    ? { route: 'GET /repos/{owner}/{repo}', parameters: { owner, repo } }
    : { route: 'GET /repositories/{id}', parameters: { id: key } };
  const parse = (repository: Json) => {
    const name = stringField(repository, 'full_name');
    const isAskedFor = repo ? name.toLowerCase() === key : repository.id === Number(key);
    if (!REPOSITORY.test(name) || !isAskedFor) throw new InvalidResponseError('it shows another repository');
    return name;
  };
  // The token may be a second old.
  return await github.retryIfNew(
    () => github.find({ operation: `read repository ${key}`, permission: 'repository', ...path }, parse),
    [401],
  );
}

/** @param key `owner/name/environment` */
async function hasEnvironment(github: GitHub, key: string): Promise<boolean> {
  const [owner = '', repo = '', ...rest] = key.split('/');
  const parameters = { owner, repo, environment_name: rest.join('/') };
  const operation = `read the environments of ${owner}/${repo}`;
  const route = 'GET /repos/{owner}/{repo}/environments/{environment_name}';
  // A token that may read runs may read environments.
  return (await github.find({ operation, route, parameters, permission: 'runs' }, () => true)) ?? false;
}
