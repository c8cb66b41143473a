// Validates requests and responses against GitHub's description, and completes responses with sample values.

import type { ValidateFunction } from 'ajv';
import { type Described, description, type Schema } from './description.ts';
import { unprocessable } from './errors.ts';

/** Returns what is wrong with a value, by the schema at a JSON pointer of the description. Undefined if it is valid. */
type Check = (pointer: string, value: unknown) => string | undefined;

let checker: Promise<Check> | undefined;

/** Loads the validator once, and returns its check. A property that the schema does not declare is invalid. */
function loadChecker(): Promise<Check> {
  checker ??= (async () => {
    // Loaded on the first request to GitHub, because most tests only send requests to Scalekit.
    const [{ Ajv2019 }, formats] = await Promise.all([import('ajv/dist/2019.js'), import('ajv-formats')]);
    const ajv = new Ajv2019({ allowUnionTypes: true, allErrors: true, strict: false });
    formats.default.default(ajv);
    ajv.addSchema(description(), 'github');
    const known = new Map<string, ValidateFunction>();
    return (pointer, value) => {
      const check = known.get(pointer) ?? ajv.compile({ $ref: `github#${pointer}`, unevaluatedProperties: false });
      known.set(pointer, check);
      return check(value) ? undefined : ajv.errorsText(check.errors);
    };
  })();
  return checker;
}

/**
 * Checks the body of a request.
 * @throws {GitHubError} (422) if the body does not match the description
 */
export async function checkBody({ pointer, body: schema }: Described, body: unknown): Promise<void> {
  const violation = schema && (await loadChecker())(`${pointer}/body`, body);
  if (violation) throw unprocessable(violation);
}

/** Returns whether the path parameters have the types of the description. */
export async function fitParameters({ pointer, parameters }: Described, values: Record<string, string>) {
  const check = await loadChecker();
  return Object.entries(parameters).every(([name, { type }]) => {
    const text = values[name];
    if (text === undefined) return true;
    const value = type === 'integer' && /^\d{1,15}$/.test(text) ? Number(text) : text;
    return check(`${pointer}/parameters/${name}`, value) === undefined;
  });
}

/**
 * Checks a response of the emulator. Errors that an operation does not document must have GitHub's general format.
 * @throws {Error} if the response does not match the description
 */
export async function checkResponse({ operation, pointer, responses }: Described, status: number, body: unknown) {
  const fail = (reason: string) => {
    throw new Error(`the emulator's own answer ${status} to ${operation} is wrong: ${reason}`);
  };
  if (responses[status] === null) {
    if (body !== undefined) fail('this status has no body');
    return;
  }
  if (!responses[status] && status < 300) fail('this status is not documented');
  const schemaPointer = responses[status] ? `${pointer}/responses/${status}` : '/components/schemas/basic-error';
  const violation = (await loadChecker())(schemaPointer, body);
  if (violation) fail(violation);
}

const EXAMPLES: Record<string, unknown> = {
  string: '',
  integer: 0,
  number: 0,
  boolean: false,
  array: [],
  null: null,
};
const FORMATS: Record<string, string> = {
  'date-time': '2026-01-01T00:00:00Z',
  uri: 'https://github.invalid/',
  email: 'nobody@github.invalid',
};

/**
 * Returns the smallest value that a schema allows: only the required properties, and null if the schema allows null.
 */
function sample(schema: Schema): unknown {
  if (schema.$ref) return sample(component(schema.$ref));
  if (schema.anyOf?.[0]) return sample(schema.anyOf[0]);
  if (schema.enum) return schema.enum[0];
  const types = [schema.type ?? 'object'].flat();
  if (types.includes('null')) return null;
  if (types[0] !== 'object') return (schema.format && FORMATS[schema.format]) ?? EXAMPLES[String(types[0])];
  const { properties = {}, required = [] } = schema;
  return Object.fromEntries(required.map((name) => [name, sample(properties[name] ?? {})]));
}

/** Returns a sample response of an operation, in which `known` replaces the sample values. Merges nested objects. */
export function fillResponse({ responses }: Described, status: number, known: object): unknown {
  return overlay(sample(responses[status] ?? {}), known);
}

function overlay(base: unknown, overrides: unknown): unknown {
  if (!isObject(base) || !isObject(overrides)) return overrides;
  const merged = Object.entries(overrides).map(([name, value]) => [name, overlay(base[name], value)]);
  return { ...base, ...Object.fromEntries(merged) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function component(reference: string): Schema {
  const name = String(reference.split('/').at(-1));
  const schema = description().components.schemas[name];
  if (!schema) throw new Error(`the description lacks ${reference}`);
  return schema;
}
