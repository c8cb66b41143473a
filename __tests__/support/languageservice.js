// Checks workflows and action.yml files with GitHub's language service. Reads a JSON list of `{ name, text }` from
// standard input and prints, as JSON, a list of messages for each. This is a separate process because the service
// imports JSON without the import attribute that Node requires. Only a module hook can add it, and Jest does not
// support these hooks.
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { text as read } from 'node:stream/consumers';
import { parse } from 'yaml';

registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
});
const { registerLogger, validate } = await import('@actions/languageservice');

// Without this, a failure inside the service would look like a workflow without errors.
const fail = (message) => {
  throw new Error(message);
};
registerLogger({ log: () => {}, info: () => {}, warn: fail, error: fail });

const root = new URL('../../', import.meta.url);
const { config } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const actionsMetadataProvider = {
  /** Returns the metadata of this repository's actions from their files, and none for other actions. */
  fetchActionMetadata: async ({ owner, name, ref, path = '.' }) => {
    if (name !== 'scalekit-organization-client') return {};
    const file = new URL(`${path}/action.yml`, root);
    return owner === config.owner && ref === 'v1' && existsSync(file) ? parse(readFileSync(file, 'utf8')) : undefined;
  },
};

const messages = [];
for (const { name, text } of JSON.parse(await read(process.stdin))) {
  const found = await validate({ uri: `file:///${name}`, getText: () => text }, { actionsMetadataProvider });
  messages.push(found.map(({ message, range }) => `line ${range.start.line + 1}: ${message}`));
}
console.log(JSON.stringify(messages));
