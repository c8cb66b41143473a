import { ApiError } from '../net/api-error.ts';
import { clock } from '../net/clock.ts';
import { InvalidResponseError, type Json, stringField } from '../net/json.ts';
import { NetworkError } from '../net/network-error.ts';
import type { Transport } from '../net/transport.ts';
import type { GitHub, GitHubRequest } from './api.ts';
import type { Permission } from './errors.ts';

/** Milliseconds: GitHub tells times in whole seconds. */
const TIME_RESOLUTION = 1_000;

/** Milliseconds between two looks at a secret that may still be written. */
const POLL_INTERVAL = 1_000;

/** Bytes of a public key (X25519). */
const KEY_LENGTH = 32;

/** Where a variable and a secret are in GitHub Actions. */
export interface SecretLocation {
  /** `owner/name` */
  repository: string;
  /** Empty where they are the repository's. */
  environment: string;
  /** Name of the variable that holds the client's id. */
  variable: string;
  /** Name of the secret. */
  secret: string;
}

/** The address of a place's variable. */
export function variableUrl(api: string, { repository, environment, variable }: SecretLocation): URL {
  const scope = environment ? `environments/${encodeURIComponent(environment.toWellFormed())}` : 'actions';
  return new URL(`${api}/repos/${repository}/${scope}/variables/${variable}`);
}

/** In words. */
export function locationName({ repository, environment }: SecretLocation): string {
  return environment ? `environment ${JSON.stringify(environment)} of ${repository}` : repository;
}

/** What is kept in a place. */
export interface SavedSnapshot {
  /** Value of the variable; absent where there is none. */
  client_id: string | undefined;
  /** When the variable was written last, as GitHub says it. */
  variableTime?: string | undefined;
  /** When the secret was written last, as GitHub says it; absent where there is none. */
  secretTime: string | undefined;
}

/** A pair of client id and secret as GitHub Actions keeps it. Every method throws an ApiError. */
export class SavedCredentials {
  readonly location: SecretLocation;
  /** What was here at the last look. */
  snapshot: SavedSnapshot = { client_id: undefined, secretTime: undefined };
  readonly #github: GitHub;
  /** Whether somebody may have written since the last look. */
  #stale = false;
  #key = { key: '', key_id: '' };

  constructor(github: GitHub, location: SecretLocation) {
    this.location = location;
    this.#github = github;
  }

  get transport(): Transport {
    return this.#github.transport;
  }

  /** Address of GitHub's API. */
  get api(): string {
    return this.#github.api;
  }

  /** Where the pair is, in words. */
  get name(): string {
    return locationName(this.location);
  }

  /** What the pair is kept in, in words. */
  get names(): string {
    const { variable, secret } = this.location;
    return `variable ${variable} and secret ${secret} of ${this.name}`;
  }

  /** Makes sure that a pair can be written here, as far as reading tells. */
  async open(): Promise<void> {
    const looks = [this.#readKey(), this.location.environment ? this.#findEnvironment() : undefined, this.look()];
    // Of several refusals the one of the key says most.
    for (const refresh of await Promise.allSettled(looks)) if (refresh.status === 'rejected') throw refresh.reason;
  }

  /** @throws where the token may not even see the repository */
  async isVisible(): Promise<boolean> {
    return await this.#github.getRepository(this.location.repository, () => true);
  }

  /** Whether there is the environment, or none is needed. */
  async exists(): Promise<boolean> {
    try {
      if (this.location.environment) await this.#findEnvironment();
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  /** Looks (again) at what is here. */
  async look(): Promise<SavedSnapshot> {
    this.#stale = true;
    const [variable, secret] = await Promise.all([this.#getVariable(), this.#getSecret()]);
    this.#stale = false;
    this.snapshot = { client_id: variable?.value, variableTime: variable?.time, secretTime: secret?.time };
    return this.snapshot;
  }

  /** @returns nothing where there is no such variable */
  async getVariable(): Promise<string | undefined> {
    return (await this.#getVariable())?.value;
  }

  /**
   * Makes the variable, or changes it.
   * @param exists which of the two is tried first
   * @param onSend called before each sending
   */
  async setVariable(value: string, exists: boolean, onSend?: () => void): Promise<void> {
    const make: GitHubRequest = { ...this.#variable('write', 'POST', '', { value }), successStatuses: [201], onSend };
    const change: GitHubRequest = {
      ...this.#variable('write', 'PATCH', '/{name}', { value }),
      successStatuses: [204],
      onSend,
    };
    const [first, second, status] = exists ? [change, make, 404] : [make, change, 409];
    try {
      await this.#github.send(first).catch(async (error) => {
        if (!(error instanceof ApiError && error.status === status)) throw error;
        await this.#github.send(second);
      });
    } catch (error) {
      if (!isOutcomeUnknownError(error) || (await this.getVariable().catch(() => undefined)) !== value) throw error;
    }
  }

  /** @returns whether there was one */
  async deleteVariable(): Promise<boolean> {
    return await this.#delete(this.#variable('delete', 'DELETE', '/{name}'), () => this.#getVariable());
  }

  /**
   * Writes the secret, after `open`. A lost answer is sent again, and then the time at which GitHub says that the secret
   * was written decides.
   * @param box seals the value with GitHub's public key, both in base64
   * @throws {ApiError} one that is `uncertain` only where nobody can say whether GitHub has the secret
   */
  async setSecret(box: (key: string) => string): Promise<void> {
    const before = this.snapshot.secretTime;
    const { key, key_id } = this.#key;
    const sealed = { encrypted_value: this.#seal(box, key), key_id };
    let began: number | undefined;
    const onSend = () => {
      began ??= clock();
    };
    try {
      await this.#github.send({ ...this.#secret('write', 'PUT', sealed), successStatuses: [201, 204], onSend });
    } catch (error) {
      if (!isOutcomeUnknownError(error)) throw error;
      this.transport.releaseCleanupTime();
      const now = await this.#awaitChange(error, before);
      // One that is gone was taken away by somebody, whatever became of ours.
      if (!now && before !== undefined) throw error;
      const sentAt = (now?.date ?? 0) - (clock() - (began ?? 0));
      const isOurs = (time: string) => Date.parse(time) >= sentAt - TIME_RESOLUTION;
      if (now && now.time !== before) {
        if (this.#stale && !isOurs(now.time)) throw error;
        return;
      }
      // Within the resolution of GitHub's times, one that is the same says nothing.
      if (before !== undefined && isOurs(before)) throw error;
      throw new ApiError(`${error.message} GitHub did not take it.`, false, { cause: error });
    }
  }

  /** Looks at the secret after a lost answer. Where GitHub did not answer in time it may still be at it. */
  async #awaitChange(error: ApiError, before: string | undefined): Promise<{ time: string; date: number } | undefined> {
    const isLate = error.cause instanceof NetworkError && error.cause.code === 'TIMEOUT';
    // The other half of the time is for the roll-back.
    const least = this.transport.remaining / 2;
    for (;;) {
      const now = await this.#getSecret().catch(() => Promise.reject(error));
      if (now?.time !== before || !isLate || this.transport.remaining - POLL_INTERVAL < least) return now;
      await this.transport.pause(POLL_INTERVAL).catch(() => Promise.reject(error));
    }
  }

  /** @returns whether there was one */
  async deleteSecret(): Promise<boolean> {
    return await this.#delete(this.#secret('delete', 'DELETE'), () => this.#getSecret());
  }

  async #readKey(): Promise<void> {
    const call = this.#call(`read the public key for secrets of ${this.name}`, 'GET', 'secrets', '/secrets/public-key');
    this.#key = await this.#github.read(call, (response) => {
      const [key, key_id] = [stringField(response, 'key'), stringField(response, 'key_id')];
      if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
        throw new InvalidResponseError('it holds no public key');
      return { key, key_id };
    });
  }

  async #findEnvironment(): Promise<void> {
    const call = this.#call(`read ${this.name}`, 'GET', 'environment', '');
    await this.#github.send(call).catch((error) => {
      // Whoever is shown its key may write there, also without the permission to read environments.
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

  /** @param isThere looks whether there still is one */
  async #delete(call: GitHubRequest, isThere: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.#github.send({ ...call, successStatuses: [204] });
      return true;
    } catch (error) {
      // After a lost answer, the repeat finds what the first has done.
      if (error instanceof ApiError && error.status === 404) return error.outcomeUnknown;
      if (!isOutcomeUnknownError(error) || (await isThere().catch(() => true)) !== undefined) throw error;
      return true;
    }
  }

  #seal(box: (key: string) => string, key: string): string {
    try {
      return box(key);
    } catch (error) {
      throw new ApiError(`Could not seal the secret for ${this.name}: its public key is not usable.`, false, {
        cause: error,
      });
    }
  }

  #variable(verb: string, method: string, path: string, parameters = {}): GitHubRequest {
    const { variable: name } = this.location;
    return this.#call(`${verb} variable ${name} of ${this.name}`, method, 'variables', `/variables${path}`, {
      name,
      ...parameters,
    });
  }

  #secret(verb: string, method: string, parameters = {}): GitHubRequest {
    const { secret: secret_name } = this.location;
    const operation = `${verb} secret ${secret_name} of ${this.name}`;
    return this.#call(operation, method, 'secrets', '/secrets/{secret_name}', { secret_name, ...parameters });
  }

  #call(operation: string, method: string, kind: Permission, path: string, parameters = {}): GitHubRequest {
    const { repository, environment } = this.location;
    const [owner = '', repo = ''] = repository.split('/');
    const scope = environment ? 'environments/{environment_name}' : 'actions';
    return {
      operation,
      route: `${method} /repos/{owner}/{repo}/${scope}${path}`,
      parameters: { owner, repo, ...(environment && { environment_name: environment }), ...parameters },
      permission: environment ? 'environment' : kind,
    };
  }
}

function isOutcomeUnknownError(error: unknown): error is ApiError {
  return error instanceof ApiError && error.outcomeUnknown;
}
