import { ApiError } from '../net/api-error.ts';
import { InvalidResponseError, type Json, stringField } from '../net/json.ts';
import { done, type Outcome, unwrap } from '../net/outcome.ts';
import type { GitHub, GitHubRequest, GitHubResponse } from './api.ts';
import type { Permission } from './errors.ts';

/** Length of a public key (X25519) in bytes. */
const KEY_LENGTH = 32;

/** Where client credentials are saved in GitHub Actions: in two variables and a secret. */
export interface SecretLocation {
  /** `owner/name` */
  repository: string;
  /** Name of the environment; empty if the variables and the secret belong to the repository. */
  environment: string;
  /** Name of the variable that names the owner of the credentials and the secret that is saved. */
  state_variable: string;
  /** Name of the variable that holds the client's id. */
  id_variable: string;
  /** Name of the secret that holds the client's secret value. */
  secret: string;
}

/** What GitHub Actions contains at a SecretLocation. A value that does not exist is undefined. */
export interface SavedSnapshot {
  client_id: string | undefined;
  /** Value of the variable that names the owner. */
  state: string | undefined;
  /** When that variable was last written, as GitHub formats the time. */
  stateTime?: string | undefined;
  /** When the secret was last written, as GitHub formats the time. */
  secretTime: string | undefined;
}

/** A sealed secret, as GitHub takes it. */
export interface SealedSecret {
  encrypted_value: string;
  key_id: string;
}

/**
 * Client credentials in GitHub Actions. Methods that write return the outcome; the others throw an ApiError if their
 * request fails.
 */
export class SavedCredentials {
  readonly location: SecretLocation;
  readonly #github: GitHub;
  /** GitHub's public key for secrets, in base64, and its id. */
  #publicKey = { key: '', key_id: '' };

  constructor(github: GitHub, location: SecretLocation) {
    this.location = location;
    this.#github = github;
  }

  /** URL of GitHub's API. */
  get api(): string {
    return this.#github.api;
  }

  /** The location, for a message. */
  get name(): string {
    return locationName(this.location);
  }

  /**
   * Reads everything that a write needs: the public key, the environment and what is saved. Throws if the token cannot
   * read one of them. Whether the token can write is not known before the first write. If the token or the environment
   * may be new, reads everything again, because a 404 of a variable may have had the same reason.
   * @param mayBeGone whether the environment may have been deleted. Then a 404 is an answer, and waiting would delay a
   *   delete/ that has nothing to delete
   */
  async open({ mayBeGone = false } = {}): Promise<SavedSnapshot> {
    return await this.#github.retryIfNew(() => this.#readAll(), mayBeGone ? [401] : [401, 404]);
  }

  async #readAll(): Promise<SavedSnapshot> {
    const reads = [
      this.#readPublicKey(),
      this.location.environment ? this.#requireEnvironment() : undefined,
      this.read(),
    ] as const;
    // If several reads fail, the error of the public key is the most useful one.
    const results = await Promise.allSettled(reads);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    return await reads[2];
  }

  /** @throws {ApiError} if the token cannot read the repository */
  async requireVisibleRepository(): Promise<void> {
    await this.#github.getRepository(this.location.repository, () => undefined);
  }

  /** Returns whether the environment exists; true if the location has no environment. */
  async environmentExists(): Promise<boolean> {
    try {
      if (this.location.environment) await this.#requireEnvironment();
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  /** Reads what is saved. */
  async read(): Promise<SavedSnapshot> {
    const [variables, secretTime] = await Promise.all([this.readVariables(), this.#getSecretTime()]);
    return { ...variables, secretTime };
  }

  /** Reads the variables. */
  async readVariables(): Promise<Omit<SavedSnapshot, 'secretTime'>> {
    const { state_variable, id_variable } = this.location;
    const [state, id] = await Promise.all([this.#getVariable(state_variable), this.#getVariable(id_variable)]);
    return { client_id: id?.value, state: state?.value, stateTime: state?.time };
  }

  /**
   * Creates or updates a variable. If the outcome is unknown, reads the variable to find out.
   * @param exists whether an update is tried first, or else a creation. If GitHub says that the variable does not
   *   exist, or already exists, the other one follows.
   * @param beforeOther called before the other one is sent, because another run or user has deleted or created the variable. If
   *   it throws, nothing is sent.
   */
  async setVariable(
    name: string,
    value: string,
    exists: boolean,
    beforeOther?: () => Promise<void>,
  ): Promise<Outcome<unknown>> {
    const create = { ...this.#variable('write', 'POST', '', { name, value }), successStatuses: [201] };
    const update = { ...this.#variable('write', 'PATCH', '/{name}', { name, value }), successStatuses: [204] };
    const [first, second, status] = exists ? [update, create, 404] : [create, update, 409];
    let outcome = await this.#github.send(first);
    if (outcome.kind !== 'done' && outcome.error.status === status) {
      if (outcome.kind === 'refused') await beforeOther?.();
      outcome = await this.#github.send({ ...second, mayBeDone: outcome.kind === 'unknown' });
    }
    if (outcome.kind !== 'unknown') return outcome;
    const now = await this.#getVariable(name).catch(() => undefined);
    return now?.value === value ? done(undefined) : outcome;
  }

  /** Deletes a variable. Returns false if it did not exist. */
  async deleteVariable(name: string): Promise<boolean> {
    return await this.#delete(this.#variable('delete', 'DELETE', '/{name}', { name }), () => this.#getVariable(name));
  }

  /**
   * Seals a secret value for setSecret(). open() must have been called before.
   * @param encrypt encrypts the value with GitHub's public key, both in base64
   */
  seal(encrypt: (key: string) => string): SealedSecret {
    const { key, key_id } = this.#publicKey;
    try {
      return { encrypted_value: encrypt(key), key_id };
    } catch (error) {
      throw new ApiError(`Could not seal the secret for ${this.name}: its public key is not usable.`, { cause: error });
    }
  }

  /** Writes the secret. Writing it twice does no harm, so it is repeated while the outcome is unknown. */
  async setSecret(sealed: SealedSecret): Promise<Outcome<unknown>> {
    return await this.#github.send({ ...this.#secret('write', 'PUT', sealed), successStatuses: [201, 204] });
  }

  /** Deletes the secret. Returns false if it did not exist. */
  async deleteSecret(): Promise<boolean> {
    return await this.#delete(this.#secret('delete', 'DELETE'), () => this.#getSecretTime());
  }

  async #readPublicKey(): Promise<void> {
    const operation = `read the public key for secrets of ${this.name}`;
    const request = this.#request(operation, 'GET', 'secrets', '/secrets/public-key');
    this.#publicKey = await this.#github.read(request, (response) => {
      const [key, key_id] = [stringField(response, 'key'), stringField(response, 'key_id')];
      if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
        throw new InvalidResponseError('it holds no public key');
      return { key, key_id };
    });
  }

  async #requireEnvironment(): Promise<void> {
    const outcome = await this.#github.send(this.#request(`read ${this.name}`, 'GET', 'environment', ''));
    // A token that can read the environment's public key can write there without permission to read environments.
    if (outcome.kind !== 'done' && outcome.error.status !== 403) throw outcome.error;
  }

  async #getVariable(name: string): Promise<{ value: string; time: string } | undefined> {
    const parse = (response: Json) => {
      if (typeof response.value !== 'string') throw new InvalidResponseError('value is not a string');
      return { value: response.value, time: stringField(response, 'updated_at') };
    };
    return await this.#github.find(this.#variable('read', 'GET', '/{name}', { name }), parse);
  }

  async #getSecretTime(): Promise<string | undefined> {
    return await this.#github.find(this.#secret('read', 'GET'), (response) => {
      const time = stringField(response, 'updated_at');
      if (Number.isNaN(Date.parse(time))) throw new InvalidResponseError('updated_at is not a time');
      return time;
    });
  }

  /** @param read reads the variable or secret; returns undefined if it does not exist */
  async #delete(request: GitHubRequest, read: () => Promise<unknown>): Promise<boolean> {
    const outcome: Outcome<GitHubResponse> = await this.#github.send({ ...request, successStatuses: [204] });
    // If an earlier attempt may have been carried out, that attempt has deleted it.
    if (outcome.kind !== 'done' && outcome.error.status === 404) return outcome.kind === 'unknown';
    if (outcome.kind === 'unknown' && (await read().catch(() => true)) === undefined) return true;
    unwrap(outcome);
    return true;
  }

  #variable(verb: string, method: string, path: string, parameters: { name: string; value?: string }): GitHubRequest {
    const operation = `${verb} variable ${parameters.name} of ${this.name}`;
    return this.#request(operation, method, 'variables', `/variables${path}`, parameters);
  }

  #secret(verb: string, method: string, parameters = {}): GitHubRequest {
    const { secret: secret_name } = this.location;
    const operation = `${verb} secret ${secret_name} of ${this.name}`;
    return this.#request(operation, method, 'secrets', '/secrets/{secret_name}', { secret_name, ...parameters });
  }

  #request(operation: string, method: string, permission: Permission, path: string, parameters = {}): GitHubRequest {
    const { repository, environment } = this.location;
    const [owner = '', repo = ''] = repository.split('/');
    const scope = environment ? 'environments/{environment_name}' : 'actions';
    return {
      operation,
      route: `${method} /repos/{owner}/{repo}/${scope}${path}`,
      parameters: { owner, repo, ...(environment && { environment_name: environment }), ...parameters },
      permission: environment ? 'environment' : permission,
    };
  }
}

/**
 * Returns the URL of a variable or a secret in GitHub's API.
 * @param api URL of GitHub's API, without a slash at its end
 * @param path `variables/NAME` or `secrets/NAME`
 */
export function entryUrl(api: string, { repository, environment }: SecretLocation, path: string): URL {
  // encodeURIComponent() throws for a lone surrogate, which toWellFormed() replaces.
  const scope = environment ? `environments/${encodeURIComponent(environment.toWellFormed())}` : 'actions';
  return new URL(`${api}/repos/${repository}/${scope}/${path}`);
}

/** Returns the repository, or the environment and its repository, for a message. */
export function locationName({ repository, environment }: SecretLocation): string {
  return environment ? `environment ${JSON.stringify(environment)} of ${repository}` : repository;
}

/** Returns the names of the variables and the secret for a message. */
export function entryNames(location: SecretLocation): string {
  const { id_variable, state_variable, secret } = location;
  return `variables ${id_variable} and ${state_variable} and secret ${secret} of ${locationName(location)}`;
}
