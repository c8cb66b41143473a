import { inspect } from 'node:util';
import { expect } from '@jest/globals';
import fc from 'fast-check';

// Responses that differ from what an API documents, for the tests of Scalekit's and GitHub's API.

/** A text whose presence shows that an error quotes a response. It can be masked like a secret. */
export const CANARY = ['value', 'of', 'a', 'server'].join('~');

/** The JSON of values that no field of a response has. */
export const WRONG_VALUES = ['1.5', `{"${CANARY}":"${CANARY}"}`, '{"__proto__":{"polluted":true}}'];

/** Characters of a long response. A reader whose time grows with the square of the size would need a minute for it. */
export const LONG = 300_000;

/** Line breaks of several systems, each of which may begin a new line in a log. */
const LINE_BREAKS = ['\n', '\r', '\r\n', '\u2028', '\u0085'];

/** Random bodies: JSON, and texts of characters that are special in logs, JSON or HTML. */
export const anyBody = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.string({ unit: fc.constantFrom(...'\n\r\u2028\0\x1b\ud800<{[":. aä😀') }),
);

/** Random values of a header, among them those that a number or a time is read from. */
export const anyHeader = fc.oneof(fc.stringMatching(/^[ -~]*$/), fc.constantFrom('0', '-1', '9'.repeat(400), ''));

/** Returns the JSON of a value in which the field at a path, such as `client.secrets.0.id`, has another value. */
export function withField(value: unknown, path: string, json: string): string {
  const placeholder = '<replaced>';
  const copy = structuredClone(value);
  const names = path.split('.');
  const last = names.pop() ?? '';
  const parent = names.reduce((node, name) => node[name] as Record<string, unknown>, copy as Record<string, unknown>);
  if (!Object.hasOwn(parent, last)) throw new Error(`The response has no field ${path}.`);
  parent[last] = placeholder;
  return JSON.stringify(copy).replace(`"${placeholder}"`, () => json);
}

/** Returns a copy of a value in which each object has one more field. */
export function withUnknownFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknownFields);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, withUnknownFields(field)]);
  return { ...Object.fromEntries(fields), an_unknown_field: [CANARY] };
}

/** Returns bodies that end in the middle of the JSON of a value. */
export function truncatedBodies(value: unknown): string[] {
  const text = JSON.stringify(value);
  return [0, 1, Math.floor(text.length / 2), text.length - 1].map((end) => text.slice(0, end));
}

/** Returns bodies of a refusal whose message has line breaks and a line that looks like one of this action. */
export function bodiesWithLineBreaks(): string[] {
  return LINE_BREAKS.flatMap((end) => {
    const message = `no${end}::error::x${end}Removed again: client m2morg_1.`;
    const bodies = [{ message }, { error_description: message }, { errors: [message] }].map((body) =>
      JSON.stringify(body),
    );
    return [...bodies, message];
  });
}

/** Returns the entries of a long JSON list. */
export function longListOf(entry: (at: number) => string): string {
  const entries: string[] = [];
  for (let size = 0; size < LONG; size += (entries.at(-1)?.length ?? 0) + 1) entries.push(entry(entries.length));
  return entries.join(',');
}

/** Runs a request that must fail, and returns its error. */
export async function failureOf(request: Promise<unknown>): Promise<Error> {
  const error = await request.then(
    (value) => new TypeError(`The request succeeded with ${inspect(value)}.`),
    (error) => error,
  );
  // Errors of the language, such as a TypeError, are faults of this program.
  expect(error).toMatchObject({ name: expect.stringMatching(/^(ApiError|InvalidResponseError|Error)$/) });
  return error;
}

/** Checks that neither an error nor its causes quote a response, and that the response has changed no prototype. */
export function expectNoQuote(error: Error): void {
  expect(inspect(error)).not.toContain(CANARY);
  expect(error.message).not.toMatch(/undefined|\[object|[\r\n]/);
  expect({}).not.toHaveProperty('polluted');
}
