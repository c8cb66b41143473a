// The faults that tests can simulate, and the plan that decides which requests they affect.

import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpResponse, Operation, RecordedRequest } from './exchange.ts';

/**
 * A fault that the emulator simulates. `edit`, `swap`, `truncate` and `drip` work on the handler's response, so the
 * handler runs first.
 */
export type Fault =
  /** Delays the handler, or the response, by `ms` milliseconds. Can be combined with any other fault. */
  | { kind: 'delay'; ms: number }
  /** Sends another response. `body` is sent as JSON, or as text if it is a string. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: unknown }
  /** Replaces the body of the response, for example with invalid JSON. */
  | { kind: 'body'; body: string | Buffer; headers?: Record<string, string> }
  /** Changes the body of the response. Can be combined with `truncate` and `drip`. */
  // biome-ignore lint/suspicious/noExplicitAny: the author of the rule knows the type of the JSON.
  | { kind: 'edit'; edit: (body: any) => unknown }
  /**
   * Swaps the responses of two requests, like a proxy that confuses them. The first request that matches the rule waits
   * for the second one. If no other request comes within `waitMs` milliseconds (2000 by default), it gets its own
   * response.
   */
  | { kind: 'swap'; waitMs?: number }
  /** Redirects to `location`, with status 307 by default. */
  | { kind: 'redirect'; location: string; status?: number }
  /** Resets the TCP connection. */
  | { kind: 'reset' }
  /** Closes the connection normally, without a response. */
  | { kind: 'close' }
  /**
   * Never sends a response. With `finishAfterMs`, the handler runs that many milliseconds later, even if the caller no
   * longer waits.
   */
  | { kind: 'hang'; finishAfterMs?: number }
  /**
   * Sends half of the body. `connection` (the default) announces the full length and closes the connection early.
   * `json` announces the length of that half, so the JSON is incomplete.
   */
  | { kind: 'truncate'; cut?: 'connection' | 'json' }
  /** Sends a JSON body of at least `bytes` bytes, without `content-length`. */
  | { kind: 'huge'; bytes: number }
  /** Sends the response in pieces of `bytes` bytes (1 by default), one piece every `ms` milliseconds. */
  | { kind: 'drip'; ms: number; bytes?: number };

/** A fault, and the calls that it affects. */
export type FaultRule = {
  operation: Operation | '*';
  /** Limits the rule to some requests, for example those for one client. */
  where?: (request: RecordedRequest) => boolean;
  /** Number of the first affected call. Counts from 1, over the calls that matched this rule since it was added. */
  call?: number;
  /** Number of consecutive affected calls. 1 by default if `call` is given, otherwise unlimited. */
  times?: number;
  /** Whether the fault occurs before the handler, which then does not run, or after it. `before` by default. */
  when?: 'before' | 'after';
  fault: Fault;
};

/** The rules for simulated faults. Tests can add and remove rules while the emulator runs. */
export class FaultPlan {
  #rules: { rule: FaultRule; calls: number }[];
  /** The request that waits for a second one, by the rule that swaps their responses. */
  readonly #waiting = new WeakMap<FaultRule, (response: HttpResponse) => HttpResponse>();

  constructor(rules: FaultRule[] = []) {
    this.#rules = rules.map((rule) => ({ rule, calls: 0 }));
  }

  add(...rules: FaultRule[]): void {
    this.#rules.push(...rules.map((rule) => ({ rule, calls: 0 })));
  }

  clear(): void {
    this.#rules = [];
  }

  /**
   * Counts this call in every rule that matches it, and returns the rules that affect it. The server calls this exactly
   * once per request.
   */
  countCall(request: RecordedRequest): FaultRule[] {
    return this.#rules.flatMap((counted) => {
      const { rule } = counted;
      const { operation, where, call = 1, times = rule.call === undefined ? Number.POSITIVE_INFINITY : 1 } = rule;
      if (operation !== '*' && operation !== request.operation) return [];
      if (where && !where(request)) return [];
      counted.calls += 1;
      return counted.calls >= call && counted.calls < call + times ? [rule] : [];
    });
  }

  /**
   * Swaps a response with that of another request that matched the same rule. The first one waits for the second one.
   * @param ms the milliseconds to wait. The response is returned unchanged if no other request comes.
   */
  async swap(rule: FaultRule, response: HttpResponse, ms: number, signal: AbortSignal): Promise<HttpResponse> {
    const exchange = this.#waiting.get(rule);
    if (exchange) {
      this.#waiting.delete(rule);
      return exchange(response);
    }
    const swapped = new AbortController();
    let answer = response;
    this.#waiting.set(rule, (other) => {
      answer = other;
      swapped.abort();
      return response;
    });
    const either = AbortSignal.any([signal, swapped.signal]);
    await sleep(ms, undefined, { signal: either }).catch(() => {});
    signal.throwIfAborted();
    if (!swapped.signal.aborted) this.#waiting.delete(rule);
    return answer;
  }
}
