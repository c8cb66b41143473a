// Loaded before the action. Records in one file, in order, what the action prints and what it writes into which file.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const { JOURNAL } = process.env;
const append = fs.appendFileSync;
const write = process.stdout.write.bind(process.stdout);
const note = (to, text) => append(JOURNAL, `${JSON.stringify({ to, text: String(text) })}\n`);

fs.appendFileSync = (file, text, ...rest) => {
  note(path.basename(String(file)), text);
  return append(file, text, ...rest);
};
process.stdout.write = (text, ...rest) => {
  note('log', text);
  return write(text, ...rest);
};
syncBuiltinESMExports();
