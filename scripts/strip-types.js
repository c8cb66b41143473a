// Transforms TypeScript for Jest with Node's own type stripping, so that tests run exactly the text that Node 24 runs.

import { stripTypeScriptTypes } from 'node:module';

export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
};
