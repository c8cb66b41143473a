// What each operation of the emulated GitHub API does.

import type { GitHubOperation, HttpResponse } from '../exchange.ts';
import { open } from './boxes.ts';
import type { Described } from './description.ts';
import { GitHubError, notFound, unprocessable } from './errors.ts';
import { fillResponse } from './schema.ts';
import {
  type Environment,
  type Repository,
  type SecretLocation,
  type StoredValue,
  storeValue,
  timestamp,
} from './state.ts';

/** A request that passed all checks: the token has the permission, and the body matches the description. */
export type Call = {
  described: Described;
  /** The decoded path parameters. */
  parameters: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: the body was validated against the description.
  body: any;
  repository: Repository;
  environment: Environment | undefined;
  /** The environment, or the repository itself. */
  location: SecretLocation;
  /** Scheme, host and port of GitHub's API and pages. */
  origin: string;
};

/** Maximum size of a secret or variable, in bytes. */
const VALUE_BYTES = 48 * 1024;

/** The handler of each operation. Handlers throw a GitHubError if the operation fails. */
export const handlers: Record<GitHubOperation, (call: Call) => HttpResponse | Promise<HttpResponse>> = {
  getRepository: ({ described, repository, origin }) => ok(described, repositoryJson(repository, origin)),

  getEnvironment: ({ described, repository, environment, origin }) => {
    const { id, name, createdAt } = environment ?? throwNotFound();
    const url = `${origin}/api/v3/repos/${repository.fullName}/environments/${encodeURIComponent(name)}`;
    return ok(described, { id, name, url, created_at: createdAt, updated_at: createdAt });
  },

  getRun: ({ described, repository, parameters, origin }) => {
    const { id, attempt, status, conclusion } = repository.runs.get(Number(parameters.run_id)) ?? throwNotFound();
    return ok(described, {
      id,
      run_attempt: attempt,
      status,
      conclusion,
      repository: repositoryJson(repository, origin),
      head_repository: repositoryJson(repository, origin),
    });
  },

  getPublicKey: async ({ described, location }) => {
    const { keyId, publicKey } = await location.box();
    return ok(described, { key_id: keyId, key: publicKey });
  },

  getActionsSecret: ({ described, parameters, location }) => {
    const [name, secret] = getValue(location.secrets, parameters.secret_name);
    return ok(described, { name, ...timestampsJson(secret) });
  },

  putActionsSecret: async ({ parameters, body, location }) => {
    const name = checkedName(parameters.secret_name);
    const box = await location.box();
    if (body.key_id !== box.keyId) throw unprocessable('key_id is not the current public key');
    const value = await open(box, body.encrypted_value);
    if (value === undefined) throw unprocessable('encrypted_value is not a sealed box for the public key');
    const created = !location.secrets.has(name);
    storeValue(location.secrets, name, checkedValue(value));
    return created ? { status: 201, body: {} } : { status: 204 };
  },

  deleteActionsSecret: ({ parameters, location }) => remove(location.secrets, parameters.secret_name),

  getVariable: ({ described, parameters, location }) => {
    const [name, variable] = getValue(location.variables, parameters.name);
    return ok(described, { name, value: variable.value, ...timestampsJson(variable) });
  },

  createVariable: ({ body, location }) => {
    const name = checkedName(body.name);
    if (location.variables.has(name)) throw new GitHubError(409, 'Already exists');
    storeValue(location.variables, name, checkedValue(body.value));
    return { status: 201, body: {} };
  },

  updateVariable: ({ parameters, body, location }) => {
    const [name, { value, createdAt }] = getValue(location.variables, parameters.name);
    const newName = body.name === undefined ? name : checkedName(body.name);
    if (newName !== name && location.variables.has(newName)) throw new GitHubError(409, 'Already exists');
    const newValue = checkedValue(body.value ?? value);
    location.variables.delete(name);
    location.variables.set(newName, { value: newValue, createdAt, updatedAt: timestamp() });
    return { status: 204 };
  },

  deleteVariable: ({ parameters, location }) => remove(location.variables, parameters.name),
};

function throwNotFound(): never {
  throw notFound();
}

function ok(described: Described, known: object): HttpResponse {
  return { status: 200, body: fillResponse(described, 200, known) };
}

function repositoryJson(
  { id, fullName, ownerId, visibility, customProperties, createdAt }: Repository,
  origin: string,
) {
  const [login, name] = fullName.split('/');
  return {
    id,
    name,
    full_name: fullName,
    private: visibility !== 'public',
    visibility,
    owner: { login, id: ownerId, type: 'Organization' },
    url: `${origin}/api/v3/repos/${fullName}`,
    html_url: `${origin}/${fullName}`,
    custom_properties: customProperties,
    created_at: createdAt,
    updated_at: createdAt,
    pushed_at: createdAt,
  };
}

function timestampsJson({ createdAt, updatedAt }: StoredValue) {
  return { created_at: createdAt, updated_at: updatedAt };
}

/**
 * Returns the upper-case name and the value of a secret or variable.
 * @throws {GitHubError} (404) if it does not exist
 */
function getValue(values: Map<string, StoredValue>, name = ''): [string, StoredValue] {
  const key = name.toUpperCase();
  return [key, values.get(key) ?? throwNotFound()];
}

function remove(values: Map<string, StoredValue>, name: string | undefined): HttpResponse {
  values.delete(getValue(values, name)[0]);
  return { status: 204 };
}

/**
 * Returns the upper-case name under which a new secret or variable is stored.
 * @throws {GitHubError} (422) if GitHub does not allow the name
 */
function checkedName(name = ''): string {
  const key = name.toUpperCase();
  if (!/^[A-Z_][A-Z0-9_]*$/.test(key)) throw unprocessable(`${name} is not letters, digits and underscores`);
  if (key.startsWith('GITHUB_')) throw unprocessable(`${name} begins with GITHUB_`);
  return key;
}

/**
 * Returns the value of a new secret or variable.
 * @throws {GitHubError} (422) if it is longer than 48 KiB
 */
function checkedValue(value: string): string {
  if (Buffer.byteLength(value) > VALUE_BYTES) throw unprocessable('the value is longer than 48 KB');
  return value;
}
