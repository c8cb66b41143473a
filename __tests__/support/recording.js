// Loaded before the action. Records in one file, in order, what the action prints and what it writes into which file.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const { RECORDING } = process.env;
const append = fs.appendFileSync;
const write = process.stdout.write.bind(process.stdout);
const record = (to, text) => append(RECORDING, `${JSON.stringify({ to, text: String(text) })}\n`);

fs.appendFileSync = (file, text, ...rest) => {
  record(path.basename(String(file)), text);
  return append(file, text, ...rest);
};
process.stdout.write = (text, ...rest) => {
  record('log', text);
  return write(text, ...rest);
};
syncBuiltinESMExports();
