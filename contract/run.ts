import { type Assumption, type Finding, judge } from './assumption.ts';
import { ASSUMPTIONS } from './assumptions/index.ts';
import { Caller, Stopped } from './caller.ts';
import { Ledger, type Leftover } from './ledger.ts';
import type { Redactor } from './redactor.ts';
import type { Settings } from './settings.ts';
import { Walk } from './walk.ts';

/** Seconds for the checks, and for removing the clients afterwards. Together they are less than two minutes. */
const ASKING = 75;
const REMOVING = 40;

/** Milliseconds in which a server may not know what was just created. */
const PATIENCE = 5_000;

/** An assumption, and what a run found. */
export interface Row extends Finding {
  assumption: Assumption;
}

export interface Result {
  rows: Row[];
  /** How many requests were sent. */
  requests: number;
  seconds: number;
  /** What may be left over. */
  remaining: Leftover[];
  /** Why the run ended before it had asked everything. Empty if it did not. */
  ended: string;
}

/** One run against one environment. */
export class ContractRun {
  readonly #settings: Settings;
  readonly #caller: Caller;
  readonly #patience: number;

  /** @param patience milliseconds in which the server may not know what was just made */
  constructor(settings: Settings, redactor: Redactor, patience = PATIENCE) {
    this.#settings = settings;
    this.#patience = patience;
    this.#caller = new Caller(settings.target, redactor, ASKING);
  }

  /** Sends no more requests, except those that remove the clients. Then run() returns. */
  stop(): void {
    this.#caller.stop();
  }

  /** Sends the requests, removes the clients in any case, and judges the answers. Never throws. */
  async run(): Promise<Result> {
    const [started, caller] = [Date.now(), this.#caller];
    const seen = { ...this.#settings, clients: {} };
    const ledger = new Ledger(caller);
    let ended = '';
    try {
      await new Walk(caller, ledger, seen, this.#patience).run();
    } catch (error) {
      ended =
        error instanceof Stopped ? error.message : `the run failed: ${error instanceof Error ? error.message : error}`;
    }
    caller.beginRemoval(REMOVING);
    const remaining = await ledger.removeAll().catch((error) => [unforeseen(error, `${caller.url()}`)]);
    const rows = ASSUMPTIONS.map((assumption) => ({ assumption, ...judge(assumption, seen) }));
    const seconds = Math.round((Date.now() - started) / 100) / 10;
    return { rows, requests: caller.requests, seconds, remaining, ended };
  }
}

/** Returns whether all that the action needs holds. */
export function isFulfilled({ rows }: Pick<Result, 'rows'>): boolean {
  return rows.every(({ assumption, verdict }) => !assumption.needed || verdict === 'holds');
}

/** Returns what to do after an unforeseen error. @param list URL of the organization's clients */
function unforeseen(error: unknown, list: string): Leftover {
  return {
    reason: `Removing what was made failed: ${error instanceof Error ? error.message : error}.`,
    call: `If GET ${list} shows clients whose names begin with "Contract": DELETE ${list}/ID`,
  };
}
