import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Takes the few operations that the emulator serves out of GitHub's own description of its API, and writes them, without
// prose, to emulator/github/openapi.json. The package is 400 MB unpacked, so it is fetched here and is no dependency.

const SOURCE = '@octokit/openapi@23.0.2';
const DESCRIPTION = 'package/generated/api.github.com.json';
const TARGET = fileURLToPath(new URL('../emulator/github/openapi.json', import.meta.url));

const REPOSITORY = '/repos/{owner}/{repo}';
const ENVIRONMENT = `${REPOSITORY}/environments/{environment_name}`;
const PLACES = [`${REPOSITORY}/actions`, ENVIRONMENT];

/** The emulator's name of an operation, its method, and its paths. A fixed path comes before one that it would match. */
const OPERATIONS: [string, string, string[]][] = [
  ['getRepository', 'GET', [REPOSITORY]],
  ['getEnvironment', 'GET', [ENVIRONMENT]],
  ['getPublicKey', 'GET', PLACES.map((location) => `${location}/secrets/public-key`)],
  ['getActionsSecret', 'GET', PLACES.map((location) => `${location}/secrets/{secret_name}`)],
  ['putActionsSecret', 'PUT', PLACES.map((location) => `${location}/secrets/{secret_name}`)],
  ['deleteActionsSecret', 'DELETE', PLACES.map((location) => `${location}/secrets/{secret_name}`)],
  ['createVariable', 'POST', PLACES.map((location) => `${location}/variables`)],
  ['getVariable', 'GET', PLACES.map((location) => `${location}/variables/{name}`)],
  ['updateVariable', 'PATCH', PLACES.map((location) => `${location}/variables/{name}`)],
  ['deleteVariable', 'DELETE', PLACES.map((location) => `${location}/variables/{name}`)],
  ['getRun', 'GET', [`${REPOSITORY}/actions/runs/{run_id}`]],
];

const PROSE = new Set(['title', 'description', 'example', 'examples', 'default', 'deprecated', 'externalDocs']);
const KEPT = new Set(
  'type required enum format pattern minimum maximum minLength maxLength minItems maxItems'.split(' '),
);

// biome-ignore lint/suspicious/noExplicitAny: a description is whatever its authors wrote; what is unknown here throws.
type Json = any;

const { description, license } = download();
const kept: Record<string, Json> = {};
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
const schemas = Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)));
const source = `${SOURCE}, ${DESCRIPTION}, by scripts/github-openapi.ts`;
writeFileSync(TARGET, JSON.stringify({ source, license, operations, components: { schemas } }));
execFileSync('biome', ['format', '--write', TARGET], { stdio: 'inherit' });

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

/** @returns the schema of a JSON body; null where there is none */
function content(body: Json): Json {
  const schema = body.content?.['application/json']?.schema;
  return schema ? plain(schema) : null;
}

function resolved(value: Json): Json {
  if (!value.$ref) return value;
  const keys: string[] = value.$ref.slice(2).split('/');
  return resolved(keys.reduce((at, key) => at[key], description));
}

/** @returns OpenAPI 3.0's schema as JSON Schema, without prose; what it refers to is kept too */
function plain({ nullable, ...schema }: Json): Json {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1);
    if (!(name in kept)) {
      kept[name] = undefined;
      kept[name] = plain(resolved(schema));
    }
    return nullable ? { anyOf: [{ $ref: schema.$ref }, { type: 'null' }] } : { $ref: schema.$ref };
  }
  const result: Json = {};
  for (const [keyword, value] of Object.entries<Json>(schema)) {
    if (PROSE.has(keyword) || keyword.startsWith('x-')) continue;
    else if (KEPT.has(keyword)) result[keyword] = value;
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
