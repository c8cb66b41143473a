import type { Difference } from '../src/client/drift.ts';
import { InvalidResponseError } from '../src/net/json.ts';
import { describe, isRefusal, type Reply, Unseen } from './reply.ts';
import type { Seen } from './seen.ts';

export type Verdict = 'holds' | 'does not hold' | 'cannot tell';

/** What a check found: the verdict, and what was seen, as a clause. */
export interface Finding {
  verdict: Verdict;
  seen: string;
}

/** Something that the action assumes about Scalekit. */
export interface Assumption {
  id: string;
  /** What is assumed, a sentence. */
  sentence: string;
  /** Whether the action needs it. If not, the action uses it, and works without it as `hangsOn` says. */
  needed: boolean;
  /** What depends on it: promises and behaviour of the action. */
  hangsOn: string;
  /** How it is checked, a sentence. */
  how: string;
  /** Judges what a run saw. It may throw an Unseen or an InvalidResponseError if that is not enough to tell. */
  check: (seen: Seen) => Finding;
}

export const holds = (seen: string): Finding => ({ verdict: 'holds', seen });
export const fails = (seen: string): Finding => ({ verdict: 'does not hold', seen });
export const unclear = (seen: string): Finding => ({ verdict: 'cannot tell', seen });

/**
 * Returns that an assumption holds if there is no difference. Does not truncate values, because the redactor does not
 * recognize a part of a secret.
 */
export function same(found: Difference[], seen: string): Finding {
  if (found.length === 0) return holds(seen);
  const text = (values: string[]) => values.join(', ') || 'none';
  return fails(found.map(({ field, wanted, got }) => `${field}: wanted ${text(wanted)}; got ${text(got)}`).join('; '));
}

/**
 * Returns the finding for a request that was not answered with a success. A refusal says that the assumption does not
 * hold, unless it is about permissions or a rate.
 */
export function unsuccessful(reply: Reply): Finding {
  const isAboutCaller = [401, 403, 429].includes(reply.status);
  return (isRefusal(reply) && !isAboutCaller ? fails : unclear)(describe(reply));
}

/** Returns after how many milliseconds an answer was good, as a text. */
export function inTime(lag: number | undefined): string {
  return lag === 0 ? 'at the first request' : lag === undefined ? 'never' : `after ${lag} ms`;
}

/** Checks an assumption. Whatever the server sent, this does not throw. */
export function judge({ check }: Assumption, seen: Seen): Finding {
  try {
    return check(seen);
  } catch (error) {
    if (error instanceof Unseen) return unclear(error.message);
    if (error instanceof InvalidResponseError) return unclear(`the answer is not readable: ${error.message}`);
    // A check that met an answer of an unexpected form says nothing about the assumption.
    return unclear(`the answer has an unforeseen form (${error instanceof Error ? error.name : 'unknown'})`);
  }
}
