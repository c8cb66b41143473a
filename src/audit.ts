import { readAuditInputs } from './inputs/inputs.ts';
import { runEntry } from './output/exit.ts';
import * as log from './output/log.ts';

runEntry(
  async () => {
    const inputs = readAuditInputs(process.env);
    const { auditClients } = await import(/* webpackChunkName: "removal" */ './commands/audit.ts');
    await auditClients(inputs);
  },
  log.fail,
  1,
);
