import type { Verdict } from '../../contract/assumption.ts';
import { ASSUMPTIONS } from '../../contract/assumptions/index.ts';
import { Redactor } from '../../contract/redactor.ts';
import { ContractRun, type Result } from '../../contract/run.ts';
import { readSettings } from '../../contract/settings.ts';
import { tableLines } from '../../contract/table.ts';
import type { Emulator, EmulatorOptions } from '../../emulator/index.ts';

// What the tests of the contract share.

/** The scopes that the contract requests. */
export const SCOPES = 'read write';

/** Milliseconds for which the contract waits until a response is as expected. */
const PATIENCE = 3_000;

/** Milliseconds after which a response of the emulator is as expected if a behaviour delays it. Shorter than PATIENCE. */
export const LAG = 800;

/** Runs the contract in this process. */
export async function runContract(emulator: Emulator, scopes = SCOPES): Promise<Result & { output: string }> {
  const { settings } = readSettings({ ...emulator.variables, SCALEKIT_CONTRACT_SCOPES: scopes });
  const redactor = new Redactor();
  const result = await new ContractRun(settings, redactor, PATIENCE).run();
  return { ...result, output: tableLines(result, redactor).join('\n') };
}

/** Verdicts by the id of the assumption. */
export type Verdicts = Record<string, Verdict>;

/** Returns the verdicts on the assumptions that do not hold, or about which the run cannot tell. */
export function notHolding({ rows }: Result): Verdicts {
  return Object.fromEntries(
    rows.filter(({ verdict }) => verdict !== 'holds').map(({ assumption, verdict }) => [assumption.id, verdict]),
  );
}

/** Returns the verdict that these assumptions do not hold. */
export const doesNotHold = (...ids: string[]): Verdicts =>
  Object.fromEntries(ids.map((id) => [id, 'does not hold' as const]));

/** Returns the verdict that the run cannot tell whether these assumptions hold. */
export const cannotTell = (...ids: string[]): Verdicts =>
  Object.fromEntries(ids.map((id) => [id, 'cannot tell' as const]));

/** Returns the verdict that the run cannot tell whether any assumptions but these hold. */
export const cannotTellOthers = (...ids: string[]): Verdicts =>
  cannotTell(...ASSUMPTIONS.map(({ id }) => id).filter((id) => !ids.includes(id)));

/** The ids of the assumptions about lists of clients. */
export const LISTED = [
  'listed-at-once',
  'listed-descriptions',
  'listed-fields',
  'page-size',
  'page-size-100',
  'paging',
];

/** The ids of the assumptions about updates. */
export const PATCHED = ['patch-keeps', 'patch-answer', 'patch-list', 'patch-audience', 'patch-description'];

/** The ids of the assumptions about the tokens of a client. */
export const TOKENS = ASSUMPTIONS.map(({ id }) => id).filter((id) => id.startsWith('token-'));

/** A rule that makes requests to the emulator fail or changes their responses. */
export type Rule = NonNullable<EmulatorOptions['faults']>[number];

/** Returns a rule that changes the body of the responses to an operation. */
// biome-ignore lint/suspicious/noExplicitAny: the tests know the type of the JSON.
export function edit(operation: Rule['operation'], change: (body: any) => void, where?: Rule['where']): Rule {
  return {
    operation,
    ...(where && { where }),
    fault: {
      kind: 'edit',
      edit: (body) => {
        change(body);
        return body;
      },
    },
  };
}

/** Returns a rule that resets the connection of a create request after the client was created. */
export function loseResponse(call: number): Rule {
  return { operation: 'createClient', call, when: 'after', fault: { kind: 'reset' } };
}
