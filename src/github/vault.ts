import { AnswerError, ApiError, type Json, string } from '../answers.ts';
import type { Call, GitHub } from './api.ts';
import type { Need } from './errors.ts';

/** Milliseconds: GitHub tells times in whole seconds. */
const RESOLUTION = 1_000;

/** Where a variable and a secret are in GitHub Actions. */
export interface Place {
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
export function variableUrl(api: string, { repository, environment, variable }: Place): URL {
  const scope = environment ? `environments/${encodeURIComponent(environment)}` : 'actions';
  return new URL(`${api}/repos/${repository}/${scope}/variables/${variable}`);
}

/** In words. */
export function placeName({ repository, environment }: Place): string {
  return environment ? `environment ${JSON.stringify(environment)} of ${repository}` : repository;
}

/** What is kept in a place. */
export interface Saved {
  /** Value of the variable; absent where there is none. */
  client_id: string | undefined;
  /** When the variable was written last, as GitHub says it. */
  variable_time?: string | undefined;
  /** When the secret was written last, as GitHub says it; absent where there is none. */
  secret_time: string | undefined;
}

/** A pair of client id and secret as GitHub Actions keeps it. Every method throws an ApiError. */
export class Vault {
  readonly place: Place;
  /** What was here when `open` looked. */
  saved: Saved = { client_id: undefined, secret_time: undefined };
  readonly #github: GitHub;
  #key = { key: '', key_id: '' };

  constructor(github: GitHub, place: Place) {
    this.place = place;
    this.#github = github;
  }

  /** Address of GitHub's API. */
  get api(): string {
    return this.#github.api;
  }

  /** Where the pair is, in words. */
  get name(): string {
    return placeName(this.place);
  }

  /** What the pair is kept in, in words. */
  get names(): string {
    const { variable, secret } = this.place;
    return `variable ${variable} and secret ${secret} of ${this.name}`;
  }

  /** Makes sure that a pair can be written here, as far as reading tells. */
  async open(): Promise<void> {
    const key = this.#call(`read the public key for secrets of ${this.name}`, 'GET', 'secrets', '/public-key');
    this.#key = await this.#github.read(key, (answer) => {
      const [key, key_id] = [string(answer, 'key'), string(answer, 'key_id')];
      if (!key || !key_id) throw new AnswerError('it holds no key');
      return { key, key_id };
    });
    if (this.place.environment) await this.#findEnvironment(key);
    this.saved = await this.look();
  }

  /** @returns what is here already */
  async look(): Promise<Saved> {
    const [variable, secret] = await Promise.all([this.#getVariable(), this.#getSecret()]);
    return { client_id: variable?.value, variable_time: variable?.time, secret_time: secret?.time };
  }

  /** @returns nothing where there is no such variable */
  async getVariable(): Promise<string | undefined> {
    return (await this.#getVariable())?.value;
  }

  /** Makes the variable, or changes it: `exists` says which of the two is tried first. */
  async setVariable(value: string, exists: boolean): Promise<void> {
    const make = this.#variable('write', 'POST', '', { value });
    const change = this.#variable('write', 'PATCH', '/{name}', { value });
    const [first, second, status] = exists ? [change, make, 404] : [make, change, 409];
    await this.#github.send(first).catch(async (error) => {
      if (!(error instanceof ApiError && error.status === status)) throw error;
      await this.#github.send(second);
    });
  }

  /** @returns whether there was one */
  async deleteVariable(): Promise<boolean> {
    return await this.#delete(this.#variable('delete', 'DELETE', '/{name}'));
  }

  /**
   * Writes the secret, after `open`. A lost answer is sent again, and then the time at which GitHub says that the secret
   * was written decides.
   * @param box seals the value with GitHub's public key, both in base64
   * @throws {ApiError} one that is `uncertain` only where nobody can say whether GitHub has the secret
   */
  async setSecret(box: (key: string) => string): Promise<void> {
    const before = this.saved.secret_time;
    const { key, key_id } = this.#key;
    const sealed = { encrypted_value: box(key), key_id };
    let began: number | undefined;
    const onSend = () => {
      began ??= performance.now();
    };
    try {
      await this.#github.send({ ...this.#secret('write', 'PUT', sealed), onSend });
    } catch (error) {
      if (!(error instanceof ApiError && error.uncertain)) throw error;
      this.#github.transport.openReserve();
      const now = await this.#getSecret().catch(() => Promise.reject(error));
      if (now?.time !== before) return;
      // Within the resolution of GitHub's times, one that is the same says nothing.
      const sentAt = (now?.date ?? 0) - (performance.now() - (began ?? 0));
      if (before !== undefined && !(Date.parse(before) < sentAt - RESOLUTION)) throw error;
      throw new ApiError(`${error.message} GitHub did not take it.`, false, { cause: error });
    }
  }

  /** @returns whether there was one */
  async deleteSecret(): Promise<boolean> {
    return await this.#delete(this.#secret('delete', 'DELETE'));
  }

  async #findEnvironment(key: Call): Promise<void> {
    const route = 'GET /repos/{owner}/{repo}/environments/{environment_name}';
    await this.#github.send({ ...key, operation: `read ${this.name}`, route }).catch((error) => {
      // Whoever is shown its key may write there, also without the permission to read environments.
      if (!(error instanceof ApiError && error.status === 403)) throw error;
    });
  }

  async #getVariable(): Promise<{ value: string; time: string } | undefined> {
    const parse = (answer: Json) => ({ value: string(answer, 'value'), time: string(answer, 'updated_at') });
    return await this.#github.find(this.#variable('read', 'GET', '/{name}'), parse);
  }

  async #getSecret(): Promise<{ time: string; date: number } | undefined> {
    const parse = (answer: Json, date: number) => ({ time: string(answer, 'updated_at'), date });
    return await this.#github.find(this.#secret('read', 'GET'), parse);
  }

  async #delete(call: Call): Promise<boolean> {
    try {
      await this.#github.send(call);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  #variable(verb: string, method: string, path: string, parameters = {}): Call {
    const { variable: name } = this.place;
    return this.#call(`${verb} variable ${name} of ${this.name}`, method, 'variables', path, { name, ...parameters });
  }

  #secret(verb: string, method: string, parameters = {}): Call {
    const { secret: secret_name } = this.place;
    const operation = `${verb} secret ${secret_name} of ${this.name}`;
    return this.#call(operation, method, 'secrets', '/{secret_name}', { secret_name, ...parameters });
  }

  #call(
    operation: string,
    method: string,
    kind: Need & ('secrets' | 'variables'),
    path: string,
    parameters = {},
  ): Call {
    const { repository, environment } = this.place;
    const [owner = '', repo = ''] = repository.split('/');
    const scope = environment ? 'environments/{environment_name}' : 'actions';
    return {
      operation,
      route: `${method} /repos/{owner}/{repo}/${scope}/${kind}${path}`,
      parameters: { owner, repo, ...(environment && { environment_name: environment }), ...parameters },
      need: environment ? 'environment' : kind,
    };
  }
}
