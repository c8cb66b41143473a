// Copies the operations that the emulator serves from GitHub's OpenAPI description to emulator/github/openapi.json,
// without descriptive text. The npm package with the description is 400 MB unpacked, so this script downloads it and
// the project does not depend on it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = '@octokit/openapi@23.0.2';
const DESCRIPTION = 'package/generated/api.github.com.json';
const TARGET = fileURLToPath(new URL('../emulator/github/openapi.json', import.meta.url));

const REPOSITORY = '/repos/{owner}/{repo}';
const ENVIRONMENT = `${REPOSITORY}/environments/{environment_name}`;
/** The paths below which GitHub keeps variables and secrets: those of a repository and of an environment. */
const LOCATIONS = [`${REPOSITORY}/actions`, ENVIRONMENT];

/** The emulator's name for an operation, its method, and its paths. A fixed path precedes a pattern that matches it. */
const OPERATIONS: [string, string, string[]][] = [
  ['getRepository', 'GET', [REPOSITORY]],
  ['getEnvironment', 'GET', [ENVIRONMENT]],
  ['getPublicKey', 'GET', LOCATIONS.map((location) => `${location}/secrets/public-key`)],
  ['getActionsSecret', 'GET', LOCATIONS.map((location) => `${location}/secrets/{secret_name}`)],
  ['putActionsSecret', 'PUT', LOCATIONS.map((location) => `${location}/secrets/{secret_name}`)],
  ['deleteActionsSecret', 'DELETE', LOCATIONS.map((location) => `${location}/secrets/{secret_name}`)],
  ['createVariable', 'POST', LOCATIONS.map((location) => `${location}/variables`)],
  ['getVariable', 'GET', LOCATIONS.map((location) => `${location}/variables/{name}`)],
  ['updateVariable', 'PATCH', LOCATIONS.map((location) => `${location}/variables/{name}`)],
  ['deleteVariable', 'DELETE', LOCATIONS.map((location) => `${location}/variables/{name}`)],
  ['getRun', 'GET', [`${REPOSITORY}/actions/runs/{run_id}`]],
];

/** Keywords of a schema that do not constrain a value. They are dropped. */
const DROPPED = new Set(['title', 'description', 'example', 'examples', 'default', 'deprecated', 'externalDocs']);
/** Keywords of a schema that are copied unchanged. */
const COPIED = new Set(
  'type required enum format pattern minimum maximum minLength maxLength minItems maxItems'.split(' '),
);

// biome-ignore lint/suspicious/noExplicitAny: the description has no types; an unknown keyword throws.
type Json = any;

const { description, license } = download();
/** The schemas that the operations refer to, by name. plain() adds to them. */
const referenced: Record<string, Json> = {};
const operations = OPERATIONS.flatMap(([operation, method, paths]) =>
  paths.map((path) => {
    const found = description.paths[path]?.[method.toLowerCase()];
    if (!found) throw new Error(`${SOURCE} has no ${method} ${path}`);
    const parameters = (found.parameters ?? []).map(resolved).filter((parameter: Json) => parameter.in === 'path');
    return {
      operation,
      method,
      path,
      parameters: Object.fromEntries(parameters.map(({ name, schema }: Json) => [name, plain(schema)])),
      ...(found.requestBody ? { body: content(found.requestBody) } : {}),
      responses: Object.fromEntries(
        Object.entries(found.responses).map(([status, response]) => [status, content(resolved(response))]),
      ),
    };
  }),
);
const schemas = Object.fromEntries(Object.entries(referenced).sort(([a], [b]) => (a < b ? -1 : 1)));
const source = `${SOURCE}, ${DESCRIPTION}, by scripts/github-openapi.ts`;
writeFileSync(TARGET, JSON.stringify({ source, license, operations, components: { schemas } }));
execFileSync('biome', ['format', '--write', TARGET], { stdio: 'inherit' });

/** Downloads the package with npm and returns GitHub's description and the text of its license. */
function download(): { description: Json; license: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'github-openapi-'));
  try {
    const packed = execFileSync('npm', ['pack', SOURCE, '--silent'], { cwd: folder, encoding: 'utf8' }).trim();
    execFileSync('tar', ['-xzf', packed, DESCRIPTION, 'package/LICENSE'], { cwd: folder });
    const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');
    return { description: JSON.parse(read(DESCRIPTION)), license: read('package/LICENSE').trim() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the JSON Schema of a JSON body, or null if there is none. */
function content(body: Json): Json {
  const schema = body.content?.['application/json']?.schema;
  return schema ? plain(schema) : null;
}

/** Returns the value that a reference within the description leads to, or the value itself if it is no reference. */
function resolved(value: Json): Json {
  if (!value.$ref) return value;
  const keys: string[] = value.$ref.slice(2).split('/');
  return resolved(keys.reduce((at, key) => at[key], description));
}

/**
 * Converts an OpenAPI 3.0 schema to JSON Schema without descriptive text, and adds the schemas that it refers to.
 * @throws if the schema has a keyword that this script does not know
 */
function plain({ nullable, ...schema }: Json): Json {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1);
    if (!(name in referenced)) {
      referenced[name] = undefined;
      referenced[name] = plain(resolved(schema));
    }
    return nullable ? { anyOf: [{ $ref: schema.$ref }, { type: 'null' }] } : { $ref: schema.$ref };
  }
  const result: Json = {};
  for (const [keyword, value] of Object.entries<Json>(schema)) {
    if (DROPPED.has(keyword) || keyword.startsWith('x-')) continue;
    else if (COPIED.has(keyword)) result[keyword] = value;
    else if (keyword === 'properties')
      result.properties = Object.fromEntries(Object.entries(value).map(([name, property]) => [name, plain(property)]));
    else if (keyword === 'items') result.items = plain(value);
    else if (keyword === 'additionalProperties') result[keyword] = typeof value === 'object' ? plain(value) : value;
    else if (keyword === 'anyOf' || keyword === 'oneOf' || keyword === 'allOf') result[keyword] = value.map(plain);
    else throw new Error(`what does ${keyword} mean in a schema?`);
  }
  if (!nullable) return result;
  if (result.enum && !result.enum.includes(null)) result.enum = [...result.enum, null];
  if (result.type) return { ...result, type: [result.type, 'null'] };
  return result.enum ? result : { anyOf: [result, { type: 'null' }] };
}
