import { ApiError } from '../net/api-error.ts';
import { clock } from '../net/clock.ts';
import { InvalidResponseError, type Json, stringField } from '../net/json.ts';
import { NetworkError } from '../net/network-error.ts';
import type { Transport } from '../net/transport.ts';
import type { GitHub, GitHubRequest } from './api.ts';
import type { Permission } from './errors.ts';

/** Milliseconds. GitHub's times are whole seconds. */
const TIME_RESOLUTION = 1_000;

/** Milliseconds between two reads of a secret that GitHub may still be writing. */
const POLL_INTERVAL = 1_000;

/** Length of a public key (X25519) in bytes. */
const KEY_LENGTH = 32;

/** Where client credentials are saved in GitHub Actions: the id in a variable, the secret value in a secret. */
export interface SecretLocation {
  /** `owner/name` */
  repository: string;
  /** Name of the environment; empty if variable and secret belong to the repository. */
  environment: string;
  /** Name of the variable that holds the client's id. */
  variable: string;
  /** Name of the secret that holds the client's secret value. */
  secret: string;
}

/** What GitHub Actions contains at a SecretLocation. */
export interface SavedSnapshot {
  /** Value of the variable; undefined if there is no variable. */
  client_id: string | undefined;
  /** When the variable was last written, as GitHub formats the time; undefined if there is no variable. */
  variableTime?: string | undefined;
  /** When the secret was last written, as GitHub formats the time; undefined if there is no secret. */
  secretTime: string | undefined;
}

/** Client credentials in GitHub Actions. Every method that sends a request throws an ApiError if the request fails. */
export class SavedCredentials {
  readonly location: SecretLocation;
  /** The result of the last refresh(). */
  snapshot: SavedSnapshot = { client_id: undefined, secretTime: undefined };
  readonly #github: GitHub;
  /** Whether `snapshot` may be outdated, because a refresh() has not finished or has failed. */
  #stale = false;
  /** GitHub's public key for secrets, in base64, and its id. */
  #publicKey = { key: '', key_id: '' };

  constructor(github: GitHub, location: SecretLocation) {
    this.location = location;
    this.#github = github;
  }

  /** The transport that the requests to GitHub use. */
  get transport(): Transport {
    return this.#github.transport;
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
   * Reads everything that a write needs: the public key, the environment and the snapshot. Throws if the token cannot
   * read one of them. Whether the token can write is not known before the first write.
   */
  async open(): Promise<void> {
    const reads = [
      this.#readPublicKey(),
      this.location.environment ? this.#requireEnvironment() : undefined,
      this.refresh(),
    ];
    // If several reads fail, the error of the public key is the most useful one.
    for (const read of await Promise.allSettled(reads)) if (read.status === 'rejected') throw read.reason;
  }

  /** Returns true if the token can read the repository. @throws {ApiError} if it cannot */
  async requireVisibleRepository(): Promise<boolean> {
    return await this.#github.getRepository(this.location.repository, () => true);
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

  /** Reads the variable and the secret again, updates `snapshot` and returns it. */
  async refresh(): Promise<SavedSnapshot> {
    this.#stale = true;
    const [variable, secret] = await Promise.all([this.#getVariable(), this.#getSecret()]);
    this.#stale = false;
    this.snapshot = { client_id: variable?.value, variableTime: variable?.time, secretTime: secret?.time };
    return this.snapshot;
  }

  /** Returns the variable's value, or undefined if it does not exist. */
  async getVariable(): Promise<string | undefined> {
    return (await this.#getVariable())?.value;
  }

  /**
   * Creates or updates the variable. If the outcome is unknown, reads the variable again to find out.
   * @param exists whether an update is tried first, or else a creation. If GitHub says that the variable does not
   *   exist, or already exists, the other one follows.
   * @param onSend called before each attempt
   */
  async setVariable(value: string, exists: boolean, onSend?: () => void): Promise<void> {
    const create: GitHubRequest = { ...this.#variable('write', 'POST', '', { value }), successStatuses: [201], onSend };
    const update: GitHubRequest = {
      ...this.#variable('write', 'PATCH', '/{name}', { value }),
      successStatuses: [204],
      onSend,
    };
    const [first, second, status] = exists ? [update, create, 404] : [create, update, 409];
    try {
      await this.#github.send(first).catch(async (error) => {
        if (!(error instanceof ApiError && error.status === status)) throw error;
        await this.#github.send(second);
      });
    } catch (error) {
      if (!isOutcomeUnknownError(error) || (await this.getVariable().catch(() => undefined)) !== value) throw error;
    }
  }

  /** Deletes the variable. Returns false if it did not exist. */
  async deleteVariable(): Promise<boolean> {
    return await this.#delete(this.#variable('delete', 'DELETE', '/{name}'), () => this.#getVariable());
  }

  /**
   * Writes the secret. open() must have been called before. The transport retries the request if its outcome is
   * unknown. If it is still unknown then, the time at which GitHub says that the secret was last written decides.
   * @param seal encrypts the value with GitHub's public key, both in base64
   * @throws {ApiError} its `outcomeUnknown` is true only if nothing shows whether GitHub has the secret
   */
  async setSecret(seal: (key: string) => string): Promise<void> {
    const before = this.snapshot.secretTime;
    const { key, key_id } = this.#publicKey;
    const parameters = { encrypted_value: this.#seal(seal, key), key_id };
    let firstSent: number | undefined;
    const onSend = () => {
      firstSent ??= clock();
    };
    try {
      await this.#github.send({ ...this.#secret('write', 'PUT', parameters), successStatuses: [201, 204], onSend });
    } catch (error) {
      if (!isOutcomeUnknownError(error)) throw error;
      this.transport.releaseCleanupTime();
      const now = await this.#awaitChange(error, before);
      // The secret no longer exists: someone deleted it, so this write cannot be confirmed.
      if (!now && before !== undefined) throw error;
      // The time of the first attempt by GitHub's clock.
      const sentAt = (now?.date ?? 0) - (clock() - (firstSent ?? 0));
      const isOurs = (time: string) => Date.parse(time) >= sentAt - TIME_RESOLUTION;
      if (now && now.time !== before) {
        // If the snapshot is outdated, another run may have written the secret before this write was sent.
        if (this.#stale && !isOurs(now.time)) throw error;
        return;
      }
      // An unchanged time proves nothing if the earlier write may have been in the same second as this one.
      if (before !== undefined && isOurs(before)) throw error;
      throw new ApiError(`${error.message} GitHub did not take it.`, false, { cause: error });
    }
  }

  /** Deletes the secret. Returns false if it did not exist. */
  async deleteSecret(): Promise<boolean> {
    return await this.#delete(this.#secret('delete', 'DELETE'), () => this.#getSecret());
  }

  async #readPublicKey(): Promise<void> {
    const request = this.#request(
      `read the public key for secrets of ${this.name}`,
      'GET',
      'secrets',
      '/secrets/public-key',
    );
    this.#publicKey = await this.#github.read(request, (response) => {
      const [key, key_id] = [stringField(response, 'key'), stringField(response, 'key_id')];
      if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
        throw new InvalidResponseError('it holds no public key');
      return { key, key_id };
    });
  }

  async #requireEnvironment(): Promise<void> {
    const request = this.#request(`read ${this.name}`, 'GET', 'environment', '');
    await this.#github.send(request).catch((error) => {
      // A token that can read the environment's public key can write there without permission to read environments.
      if (!(error instanceof ApiError && error.status === 403)) throw error;
    });
  }

  async #getVariable(): Promise<{ value: string; time: string } | undefined> {
    const parse = (response: Json) => {
      if (typeof response.value !== 'string') throw new InvalidResponseError('value is not a string');
      return { value: response.value, time: stringField(response, 'updated_at') };
    };
    return await this.#github.find(this.#variable('read', 'GET', '/{name}'), parse);
  }

  async #getSecret(): Promise<{ time: string; date: number } | undefined> {
    const parse = (response: Json, date: number) => {
      const time = stringField(response, 'updated_at');
      if (Number.isNaN(Date.parse(time))) throw new InvalidResponseError('updated_at is not a time');
      return { time, date };
    };
    return await this.#github.find(this.#secret('read', 'GET'), parse);
  }

  /** @param read reads the variable or secret; returns undefined if it does not exist */
  async #delete(request: GitHubRequest, read: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.#github.send({ ...request, successStatuses: [204] });
      return true;
    } catch (error) {
      // If the outcome of an earlier attempt is unknown, that attempt has deleted it.
      if (error instanceof ApiError && error.status === 404) return error.outcomeUnknown;
      if (!isOutcomeUnknownError(error) || (await read().catch(() => true)) !== undefined) throw error;
      return true;
    }
  }

  #seal(seal: (key: string) => string, key: string): string {
    try {
      return seal(key);
    } catch (error) {
      throw new ApiError(`Could not seal the secret for ${this.name}: its public key is not usable.`, false, {
        cause: error,
      });
    }
  }

  /**
   * Reads the secret after a write whose outcome is unknown. After a timeout GitHub may still be writing, so this waits
   * for another time than `before`.
   * @throws {ApiError} `error` if the secret cannot be read or the run is cancelled
   */
  async #awaitChange(error: ApiError, before: string | undefined): Promise<{ time: string; date: number } | undefined> {
    const isTimeout = error.cause instanceof NetworkError && error.cause.code === 'TIMEOUT';
    // Half of the remaining time is kept for roll-back.
    const reserve = this.transport.remaining / 2;
    for (;;) {
      const now = await this.#getSecret().catch(() => Promise.reject(error));
      if (now?.time !== before || !isTimeout || this.transport.remaining - POLL_INTERVAL < reserve) return now;
      await this.transport.pause(POLL_INTERVAL).catch(() => Promise.reject(error));
    }
  }

  #variable(verb: string, method: string, path: string, parameters = {}): GitHubRequest {
    const { variable: name } = this.location;
    return this.#request(`${verb} variable ${name} of ${this.name}`, method, 'variables', `/variables${path}`, {
      name,
      ...parameters,
    });
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
 * Returns the URL of the variable in GitHub's API.
 * @param api URL of GitHub's API, without a slash at its end
 */
export function variableUrl(api: string, { repository, environment, variable }: SecretLocation): URL {
  // encodeURIComponent() throws for a lone surrogate, which toWellFormed() replaces.
  const scope = environment ? `environments/${encodeURIComponent(environment.toWellFormed())}` : 'actions';
  return new URL(`${api}/repos/${repository}/${scope}/variables/${variable}`);
}

/** Returns the repository, or the environment and its repository, for a message. */
export function locationName({ repository, environment }: SecretLocation): string {
  return environment ? `environment ${JSON.stringify(environment)} of ${repository}` : repository;
}

/** Returns the names of the variable and the secret for a message. */
export function entryNames(location: SecretLocation): string {
  return `variable ${location.variable} and secret ${location.secret} of ${locationName(location)}`;
}

function isOutcomeUnknownError(error: unknown): error is ApiError {
  return error instanceof ApiError && error.outcomeUnknown;
}
