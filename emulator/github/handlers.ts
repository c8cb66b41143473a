import type { Answer, GitHubOperation } from '../exchange.ts';
import { open } from './boxes.ts';
import type { Described } from './description.ts';
import { GitHubError, notFound, unprocessable } from './errors.ts';
import { filled } from './schema.ts';
import { type Environment, type Kept, keep, type Place, type Repository, seconds } from './state.ts';

/** A request that may be answered: the caller may do this, and the body is as described. */
export type Call = {
  described: Described;
  /** The path's parameters, decoded. */
  parameters: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: the description's schema has seen it.
  body: any;
  repository: Repository;
  environment: Environment | undefined;
  /** The environment, or the repository itself. */
  place: Place;
  /** Scheme, host and port of GitHub's API and pages. */
  origin: string;
};

/** Bytes that a value of a secret or a variable may have. */
const VALUE_BYTES = 48 * 1024;

/** What each operation does. */
export const handlers: Record<GitHubOperation, (call: Call) => Answer | Promise<Answer>> = {
  getRepository: ({ described, repository, origin }) => ok(described, repositoryJson(repository, origin)),

  getEnvironment: ({ described, repository, environment, origin }) => {
    const { id, name, createdAt } = environment ?? missing();
    const url = `${origin}/api/v3/repos/${repository.fullName}/environments/${encodeURIComponent(name)}`;
    return ok(described, { id, name, url, created_at: createdAt, updated_at: createdAt });
  },

  getRun: ({ described, repository, parameters, origin }) => {
    const { id, attempt, status, conclusion } = repository.runs.get(Number(parameters.run_id)) ?? missing();
    return ok(described, {
      id,
      run_attempt: attempt,
      status,
      conclusion,
      repository: repositoryJson(repository, origin),
      head_repository: repositoryJson(repository, origin),
    });
  },

  getPublicKey: async ({ described, place: location }) => {
    const { keyId, publicKey } = await location.box();
    return ok(described, { key_id: keyId, key: publicKey });
  },

  getActionsSecret: ({ described, parameters, place: location }) => {
    const [name, secret] = found(location.secrets, parameters.secret_name);
    return ok(described, { name, ...times(secret) });
  },

  putActionsSecret: async ({ parameters, body, place: location }) => {
    const name = checkedName(parameters.secret_name);
    const box = await location.box();
    if (body.key_id !== box.keyId) throw unprocessable('key_id is not the current public key');
    const value = await open(box, body.encrypted_value);
    if (value === undefined) throw unprocessable('encrypted_value is not a sealed box for the public key');
    const created = !location.secrets.has(name);
    keep(location.secrets, name, checkedValue(value));
    return created ? { status: 201, body: {} } : { status: 204 };
  },

  deleteActionsSecret: ({ parameters, place: location }) => remove(location.secrets, parameters.secret_name),

  getVariable: ({ described, parameters, place: location }) => {
    const [name, variable] = found(location.variables, parameters.name);
    return ok(described, { name, value: variable.value, ...times(variable) });
  },

  createVariable: ({ body, place: location }) => {
    const name = checkedName(body.name);
    if (location.variables.has(name)) throw new GitHubError(409, 'Already exists');
    keep(location.variables, name, checkedValue(body.value));
    return { status: 201, body: {} };
  },

  updateVariable: ({ parameters, body, place: location }) => {
    const [name, { value, createdAt }] = found(location.variables, parameters.name);
    const newName = body.name === undefined ? name : checkedName(body.name);
    if (newName !== name && location.variables.has(newName)) throw new GitHubError(409, 'Already exists');
    const newValue = checkedValue(body.value ?? value);
    location.variables.delete(name);
    location.variables.set(newName, { value: newValue, createdAt, updatedAt: seconds() });
    return { status: 204 };
  },

  deleteVariable: ({ parameters, place: location }) => remove(location.variables, parameters.name),
};

function missing(): never {
  throw notFound();
}

function ok(described: Described, known: object): Answer {
  return { status: 200, body: filled(described, 200, known) };
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

function times({ createdAt, updatedAt }: Kept) {
  return { created_at: createdAt, updated_at: updatedAt };
}

function found(values: Map<string, Kept>, name = ''): [string, Kept] {
  const key = name.toUpperCase();
  return [key, values.get(key) ?? missing()];
}

function remove(values: Map<string, Kept>, name: string | undefined): Answer {
  values.delete(found(values, name)[0]);
  return { status: 204 };
}

/** The upper-case name under which a new secret or variable is kept. */
function checkedName(name = ''): string {
  const key = name.toUpperCase();
  if (!/^[A-Z_][A-Z0-9_]*$/.test(key)) throw unprocessable(`${name} is not letters, digits and underscores`);
  if (key.startsWith('GITHUB_')) throw unprocessable(`${name} begins with GITHUB_`);
  return key;
}

function checkedValue(value: string): string {
  if (Buffer.byteLength(value) > VALUE_BYTES) throw unprocessable('the value is longer than 48 KB');
  return value;
}
