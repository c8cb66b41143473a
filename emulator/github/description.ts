import { readFileSync } from 'node:fs';
import type { GitHubOperation } from '../exchange.ts';

/** A JSON Schema; `$ref` points into the description's components. */
export type Schema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
};

/** One operation as GitHub describes it. A body or an answer without JSON is null. */
export type Described = {
  operation: GitHubOperation;
  method: string;
  path: string;
  /** Where it stands in the description, as a JSON pointer. */
  pointer: string;
  parameters: Record<string, Schema>;
  body?: Schema | null;
  responses: Record<string, Schema | null>;
};

type Description = { operations: Described[]; components: { schemas: Record<string, Schema> } };

let loaded: Description | undefined;

/** GitHub's own description of what is served here (see scripts/github-openapi.ts), read when first asked for. */
export function description(): Description {
  if (!loaded) {
    loaded = JSON.parse(readFileSync(new URL('./openapi.json', import.meta.url), 'utf8')) as Description;
    for (const [index, described] of loaded.operations.entries()) described.pointer = `/operations/${index}`;
  }
  return loaded;
}

/**
 * The operation that a method and a path (behind the API's prefix) name, with the path's parameters decoded.
 * A repository is also known by its number: `/repositories/ID` is what GitHub redirects to after a rename.
 */
export function findOperation(method: string, path: string) {
  for (const described of description().operations) {
    if (described.method !== method) continue;
    for (const template of [described.path, described.path.replace('/repos/{owner}/{repo}', '/repositories/{id}')]) {
      const match = new RegExp(`^${template.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(path);
      if (!match) continue;
      const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name));
      const parameters = Object.fromEntries(names.map((name, at) => [name, decoded(String(match[at + 1]))]));
      return { described, parameters };
    }
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
