import { stripTypeScriptTypes } from 'node:module';

/** A jest transform: Node's own type stripping, so that tests run the very text that Node 24 runs. */
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
};
