import type { ValidateFunction } from 'ajv';
import { type Described, description, type Schema } from './description.ts';
import { unprocessable } from './errors.ts';

type Check = (pointer: string, value: unknown) => string | undefined;

let checker: Promise<Check> | undefined;

/** What is wrong with a value by the schema at a pointer of the description; a property that it does not know is wrong. */
function loadChecker(): Promise<Check> {
  checker ??= (async () => {
    // Loaded only where GitHub is asked something: most tests ask Scalekit alone.
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

/** @throws GitHubError (422) where the body is not what the description says */
export async function checkBody({ pointer, body: schema }: Described, body: unknown): Promise<void> {
  const wrong = schema && (await loadChecker())(`${pointer}/body`, body);
  if (wrong) throw unprocessable(wrong);
}

/** Whether the path's parameters are of their types. */
export async function fitParameters({ pointer, parameters }: Described, given: Record<string, string>) {
  const check = await loadChecker();
  return Object.entries(parameters).every(([name, { type }]) => {
    const text = given[name];
    if (text === undefined) return true;
    const value = type === 'integer' && /^\d{1,15}$/.test(text) ? Number(text) : text;
    return check(`${pointer}/parameters/${name}`, value) === undefined;
  });
}

/**
 * Errors that an operation does not document have GitHub's general form.
 * @throws Error where the emulator's own answer is not what the description says
 */
export async function checkAnswer({ operation, pointer, responses }: Described, status: number, body: unknown) {
  const fail = (why: string) => {
    throw new Error(`the emulator's own answer ${status} to ${operation} is wrong: ${why}`);
  };
  if (responses[status] === null) {
    if (body !== undefined) fail('this status has no body');
    return;
  }
  if (!responses[status] && status < 300) fail('this status is not documented');
  const at = responses[status] ? `${pointer}/responses/${status}` : '/components/schemas/basic-error';
  const wrong = (await loadChecker())(at, body);
  if (wrong) fail(wrong);
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

/** The smallest value that a schema allows: what is required and nothing else, null where that will do. */
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

/** A sample of what an operation answers with, overlaid with what is known; objects within objects are overlaid too. */
export function filled({ responses }: Described, status: number, known: object): unknown {
  return overlay(sample(responses[status] ?? {}), known);
}

function overlay(below: unknown, above: unknown): unknown {
  if (!isObject(below) || !isObject(above)) return above;
  const merged = Object.entries(above).map(([name, value]) => [name, overlay(below[name], value)]);
  return { ...below, ...Object.fromEntries(merged) };
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
