import { randomBytes, randomInt } from 'node:crypto';
import { type Box, makeBox } from './boxes.ts';

export type Visibility = 'public' | 'private' | 'internal';

/** A value and when it was made and changed, in whole seconds as `2026-01-01T00:00:00Z`. */
export type Kept = { value: string; createdAt: string; updatedAt: string };

/** Where secrets and variables are: a repository, or an environment of one. */
export class Place {
  /** By upper-case name. */
  readonly variables = new Map<string, Kept>();
  /** By upper-case name; the value is what was in the sealed box. */
  readonly secrets = new Map<string, Kept>();
  #box: Promise<Box> | undefined;

  /** The key pair for secrets of this place, and of no other. */
  box(): Promise<Box> {
    this.#box ??= makeBox();
    return this.#box;
  }

  setVariable(name: string, value: string, ageMs = 0): void {
    keep(this.variables, name, value, ageMs);
  }

  /** As if the secret had been saved `ageMs` milliseconds ago. */
  setSecret(name: string, value: string, ageMs = 0): void {
    keep(this.secrets, name, value, ageMs);
  }
}

export class Environment extends Place {
  readonly name: string;
  readonly id = number();
  readonly createdAt = seconds();

  constructor(name: string) {
    super();
    this.name = name;
  }
}

export type RepositoryOptions = {
  /** Drawn if not given. */
  id?: number;
  /** `private` if not given. */
  visibility?: Visibility;
  customProperties?: Record<string, string | string[] | null>;
  environments?: string[];
};

type RunStatus = 'queued' | 'in_progress' | 'completed' | 'waiting' | 'requested' | 'pending';
export type Run = { id: number; attempt: number; status: RunStatus; conclusion: string | null };

export class Repository extends Place {
  readonly id: number;
  readonly ownerId: number;
  readonly createdAt = seconds();
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
    this.id = options.id ?? number();
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
export type Permissions = {
  secrets?: 'read' | 'write';
  variables?: 'read' | 'write';
  environments?: 'read' | 'write';
  actions?: 'read' | 'write';
  /** Full names of the repositories that the token is for; all if not given. */
  repositories?: string[];
  /** Whether it is the token of an app, as `GITHUB_TOKEN` is: refusals then say "integration". */
  integration?: boolean;
};

/** Everything that this GitHub knows. */
export class State {
  readonly tokens = new Map<string, Permissions>();
  readonly #repositories = new Map<string, Repository>();
  readonly #renamed = new Map<string, Repository>();
  readonly #owners = new Map<string, number>();

  /** @param id of the owner, where it is the first repository of that owner */
  add(fullName: string, options: RepositoryOptions, id = number()): Repository {
    const owner = fullName.split('/')[0]?.toLowerCase() ?? '';
    const ownerId = this.#owners.get(owner) ?? id;
    this.#owners.set(owner, ownerId);
    const repository = new Repository(fullName, ownerId, options);
    this.#repositories.set(fullName.toLowerCase(), repository);
    return repository;
  }

  /** @throws where there is none of that name now */
  repository(fullName: string): Repository {
    const repository = this.#repositories.get(fullName.toLowerCase());
    if (!repository) throw new Error(`there is no repository ${fullName}`);
    return repository;
  }

  /** A repository by a name that it has or had, and whether that name is the old one. */
  find(fullName: string): { repository: Repository; moved: boolean } | undefined {
    const name = fullName.toLowerCase();
    const repository = this.#repositories.get(name) ?? this.#renamed.get(name);
    return repository && { repository, moved: !this.#repositories.has(name) };
  }

  findById(id: number): Repository | undefined {
    return [...this.#repositories.values()].find((repository) => repository.id === id);
  }

  rename(from: string, to: string): void {
    const repository = this.repository(from);
    this.#repositories.delete(from.toLowerCase());
    this.#renamed.set(from.toLowerCase(), repository);
    this.#repositories.set(to.toLowerCase(), repository);
    repository.fullName = to;
  }

  /** Whether a token is for a repository, whatever that was called when the token was made. */
  isFor({ repositories }: Permissions, repository: Repository): boolean {
    return !repositories || repositories.some((name) => this.find(name)?.repository === repository);
  }

  addToken(permissions: Permissions): string {
    const token = `${permissions.integration ? 'ghs' : 'github_pat'}_${randomBytes(24).toString('hex')}`;
    this.tokens.set(token, permissions);
    return token;
  }
}

/** Adds or changes a value under its upper-case name. */
export function keep(values: Map<string, Kept>, name: string, value: string, ageMs = 0): void {
  const now = seconds(ageMs);
  const key = name.toUpperCase();
  values.set(key, { value, createdAt: values.get(key)?.createdAt ?? now, updatedAt: now });
}

/** The moment `ageMs` milliseconds ago. */
export function seconds(ageMs = 0): string {
  return new Date(Date.now() - ageMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

function number(): number {
  return randomInt(1e8, 1e9);
}
