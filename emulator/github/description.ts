// Reads `openapi.json`, the part of GitHub's OpenAPI description that the emulator serves. `scripts/github-openapi.ts`
// writes that file.

import { readFileSync } from 'node:fs';
import type { GitHubOperation } from '../exchange.ts';

/** A JSON Schema. `$ref` refers to the components of the description. */
export type Schema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
};

/** One operation of GitHub's description. A request body or a response without JSON is null. */
export type Described = {
  operation: GitHubOperation;
  method: string;
  path: string;
  /** JSON pointer to the operation in the description. */
  pointer: string;
  parameters: Record<string, Schema>;
  body?: Schema | null;
  responses: Record<string, Schema | null>;
};

type Description = { operations: Described[]; components: { schemas: Record<string, Schema> } };

let loaded: Description | undefined;

/** Returns GitHub's description of the served operations. Reads `openapi.json` on the first call. */
export function description(): Description {
  if (!loaded) {
    loaded = JSON.parse(readFileSync(new URL('./openapi.json', import.meta.url), 'utf8')) as Description;
    for (const [index, described] of loaded.operations.entries()) described.pointer = `/operations/${index}`;
  }
  return loaded;
}

/**
 * Returns the operation for a method and a path (without the API's prefix), and the decoded path parameters. Returns
 * undefined if there is none. A path can begin with `/repositories/ID`: GitHub redirects to such a path after a rename.
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

/** Returns the text without percent-encoding, or unchanged if the encoding is invalid. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
