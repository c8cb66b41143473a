// The data of the emulated GitHub: repositories, environments, secrets, variables, runs and tokens.

import { randomBytes, randomInt } from 'node:crypto';
import { type Box, makeBox } from './boxes.ts';

export type Visibility = 'public' | 'private' | 'internal';

/** A value, and when it was created and updated: in whole seconds, as `2026-01-01T00:00:00Z`. */
export type StoredValue = { value: string; createdAt: string; updatedAt: string };

/** A location that holds secrets and variables: a repository, or an environment of a repository. */
export class SecretLocation {
  /** By upper-case name. */
  readonly variables = new Map<string, StoredValue>();
  /** By upper-case name. The value is the content of the sealed box. */
  readonly secrets = new Map<string, StoredValue>();
  #box: Promise<Box> | undefined;

  /** Returns the key pair for secrets of this location. Each location has a different key pair. */
  box(): Promise<Box> {
    this.#box ??= makeBox();
    return this.#box;
  }

  /** Stores a variable with the dates of a variable that was saved `ageMs` milliseconds ago. */
  setVariable(name: string, value: string, ageMs = 0): void {
    storeValue(this.variables, name, value, ageMs);
  }

  /** Stores a secret with the dates of a secret that was saved `ageMs` milliseconds ago. */
  setSecret(name: string, value: string, ageMs = 0): void {
    storeValue(this.secrets, name, value, ageMs);
  }
}

export class Environment extends SecretLocation {
  readonly name: string;
  readonly id = randomId();
  readonly createdAt = timestamp();

  constructor(name: string) {
    super();
    this.name = name;
  }
}

export type RepositoryOptions = {
  /** Random by default. */
  id?: number;
  /** `private` by default. */
  visibility?: Visibility;
  customProperties?: Record<string, string | string[] | null>;
  environments?: string[];
};

type RunStatus = 'queued' | 'in_progress' | 'completed' | 'waiting' | 'requested' | 'pending';
export type Run = { id: number; attempt: number; status: RunStatus; conclusion: string | null };

export class Repository extends SecretLocation {
  readonly id: number;
  readonly ownerId: number;
  readonly createdAt = timestamp();
  fullName: string;
  visibility: Visibility;
  customProperties: Record<string, string | string[] | null>;
  /** By lower-case name. */
  readonly environments = new Map<string, Environment>();
  readonly runs = new Map<number, Run>();

  constructor(fullName: string, ownerId: number, options: RepositoryOptions) {
    super();
    this.fullName = fullName;
    this.ownerId = ownerId;
    this.id = options.id ?? randomId();
    this.visibility = options.visibility ?? 'private';
    this.customProperties = options.customProperties ?? {};
    for (const name of options.environments ?? []) this.addEnvironment(name);
  }

  addEnvironment(name: string): Environment {
    const environment = new Environment(name);
    this.environments.set(name.toLowerCase(), environment);
    return environment;
  }

  removeEnvironment(name: string): void {
    this.environments.delete(name.toLowerCase());
  }
}

export type Permission = 'secrets' | 'variables' | 'environments' | 'actions';
/** The permissions of a token, and the repositories for which it has them. */
export type Permissions = {
  secrets?: 'read' | 'write';
  variables?: 'read' | 'write';
  environments?: 'read' | 'write';
  actions?: 'read' | 'write';
  /** Full names of the repositories that the token can access. All repositories by default. */
  repositories?: string[];
  /** Whether the token belongs to an app, as `GITHUB_TOKEN` does. Error messages then contain "integration". */
  integration?: boolean;
};

/** All data of the emulated GitHub. */
export class State {
  readonly tokens = new Map<string, Permissions>();
  readonly #repositories = new Map<string, Repository>();
  readonly #renamed = new Map<string, Repository>();
  readonly #owners = new Map<string, number>();

  /**
   * Adds a repository.
   * @param newOwnerId the owner's id, used if this is the first repository of that owner
   */
  add(fullName: string, options: RepositoryOptions, newOwnerId = randomId()): Repository {
    const owner = fullName.split('/')[0]?.toLowerCase() ?? '';
    const ownerId = this.#owners.get(owner) ?? newOwnerId;
    this.#owners.set(owner, ownerId);
    const repository = new Repository(fullName, ownerId, options);
    this.#repositories.set(fullName.toLowerCase(), repository);
    return repository;
  }

  /**
   * Returns the repository that has this name now.
   * @throws {Error} if there is none
   */
  repository(fullName: string): Repository {
    const repository = this.#repositories.get(fullName.toLowerCase());
    if (!repository) throw new Error(`there is no repository ${fullName}`);
    return repository;
  }

  /** Returns the repository that has or had this name. `moved` is true if the name is a former name. */
  find(fullName: string): { repository: Repository; moved: boolean } | undefined {
    const name = fullName.toLowerCase();
    const repository = this.#repositories.get(name) ?? this.#renamed.get(name);
    return repository && { repository, moved: !this.#repositories.has(name) };
  }

  findById(id: number): Repository | undefined {
    return [...this.#repositories.values()].find((repository) => repository.id === id);
  }

  /** Renames a repository. `find` still returns it for the former name. */
  rename(from: string, to: string): void {
    const repository = this.repository(from);
    this.#repositories.delete(from.toLowerCase());
    this.#renamed.set(from.toLowerCase(), repository);
    this.#repositories.set(to.toLowerCase(), repository);
    repository.fullName = to;
  }

  /**
   * Returns whether a token can access a repository. The repository may have been renamed since the token was created.
   */
  isFor({ repositories }: Permissions, repository: Repository): boolean {
    return !repositories || repositories.some((name) => this.find(name)?.repository === repository);
  }

  addToken(permissions: Permissions): string {
    const token = `${permissions.integration ? 'ghs' : 'github_pat'}_${randomBytes(24).toString('hex')}`;
    this.tokens.set(token, permissions);
    return token;
  }
}

/** Creates or updates a value under its upper-case name. */
export function storeValue(values: Map<string, StoredValue>, name: string, value: string, ageMs = 0): void {
  const now = timestamp(ageMs);
  const key = name.toUpperCase();
  values.set(key, { value, createdAt: values.get(key)?.createdAt ?? now, updatedAt: now });
}

/** Returns the time `ageMs` milliseconds ago, in whole seconds, as `2026-01-01T00:00:00Z`. */
export function timestamp(ageMs = 0): string {
  return new Date(Date.now() - ageMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

function randomId(): number {
  return randomInt(1e8, 1e9);
}
