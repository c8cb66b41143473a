import type { Operation, RecordedRequest } from './exchange.ts';

/** What goes wrong. Kinds that work on the real answer (`edit`, `truncate`, `drip`) imply that the work is done. */
export type Fault =
  /** The work, or the answer to it, comes `ms` milliseconds later. Combines with any other fault. */
  | { kind: 'delay'; ms: number }
  /** Another answer: JSON, or text when `body` is a string. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: unknown }
  /** Rubbish in place of the answer's body. */
  | { kind: 'body'; body: string | Buffer; headers?: Record<string, string> }
  /** The answer, changed. Combines with `truncate` and `drip`. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer's JSON is whatever the rule's author knows it to be.
  | { kind: 'edit'; edit: (answer: any) => unknown }
  | { kind: 'redirect'; location: string; status?: number }
  /** A TCP reset. */
  | { kind: 'reset' }
  /** The connection ends in good order, without an answer. */
  | { kind: 'close' }
  /** No answer ever. With `finishAfterMs` the work is done that much later, whether or not the caller still waits. */
  | { kind: 'hang'; finishAfterMs?: number }
  /** Half of the answer: the connection ends before the promised length, or the length is right and the JSON is cut. */
  | { kind: 'truncate'; cut?: 'connection' | 'json' }
  /** A body of at least `bytes` bytes, JSON of an unannounced length. */
  | { kind: 'huge'; bytes: number }
  /** The answer, `bytes` bytes (1 if not given) every `ms` milliseconds. */
  | { kind: 'drip'; ms: number; bytes?: number };

export type FaultRule = {
  operation: Operation | '*';
  /** Narrows the rule to some requests, say those of one client. */
  where?: (request: RecordedRequest) => boolean;
  /** The first call that the fault meets, counted from 1 among the calls that this rule matches since it was added. */
  call?: number;
  /** How many calls in a row it meets: 1 where `call` is given, else all. */
  times?: number;
  /** Whether the fault comes before the work, which then is not done, or after it. `before` if not given. */
  when?: 'before' | 'after';
  fault: Fault;
};

/** The plan of what goes wrong and when. Rules may come and go while the emulator runs. */
export class FaultPlan {
  #rules: { rule: FaultRule; seen: number }[];

  constructor(rules: FaultRule[] = []) {
    this.#rules = rules.map((rule) => ({ rule, seen: 0 }));
  }

  add(...rules: FaultRule[]): void {
    this.#rules.push(...rules.map((rule) => ({ rule, seen: 0 })));
  }

  clear(): void {
    this.#rules = [];
  }

  /** The rules that meet this call. Every call of it counts, so it is asked once a request. */
  take(request: RecordedRequest): FaultRule[] {
    return this.#rules.flatMap((entry) => {
      const { rule } = entry;
      const { operation, where, call = 1, times = rule.call === undefined ? Number.POSITIVE_INFINITY : 1 } = rule;
      if (operation !== '*' && operation !== request.operation) return [];
      if (where && !where(request)) return [];
      entry.seen += 1;
      return entry.seen >= call && entry.seen < call + times ? [rule] : [];
    });
  }
}
