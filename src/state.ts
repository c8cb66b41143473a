import { createHmac, timingSafeEqual } from 'node:crypto';
import { getState, saveState } from '@actions/core';
import { message } from './log.ts';
import { object } from './scalekit/types.ts';

const STATE = 'client';

/** What the post step needs to find and remove what this step made: one JSON value, written before anything is sent. */
export interface State {
  origin: string;
  organization_id: string;
  nonce: string;
  run: string;
  lifetime: string;
  /** Milliseconds since the epoch: when the create request was sent last. */
  sent_at?: number;
  /** Absent until the create request was answered. */
  client_id?: string;
  /** Set once the outputs are there. */
  published?: boolean;
}

/**
 * Main's side of the state. What it writes is sealed with the administrator's secret: a `STATE_*` variable can also
 * come from another step through `GITHUB_ENV`, and must not send the credentials elsewhere or name another's client.
 */
export class Journal {
  readonly state: State;
  /** Whether an answer showed that the client in the state is this step's. */
  proven = false;
  readonly #secret: string;

  constructor(state: State, secret: string) {
    this.state = state;
    this.#secret = secret;
  }

  /** @throws where the runner's file cannot be written */
  note(change: Partial<State>): void {
    const state = { ...this.state, ...change };
    try {
      saveState(STATE, JSON.stringify({ ...state, seal: seal(state, this.#secret) }));
    } catch (error) {
      throw new Error(`Could not write the state for the post step: ${message(error)}.`);
    }
    Object.assign(this.state, change);
  }

  /** Leaves the post step nothing to do. Where that cannot be written, it finds out for itself. */
  clear(): void {
    try {
      saveState(STATE, '');
    } catch {}
  }
}

/** A state as it stands in the variable: not to be trusted before `isSealed`. */
export type SealedState = State & { seal: string };

/** @returns nothing where main left nothing to do. @throws where the text is not a state */
export function readState(): SealedState | undefined {
  const text = getState(STATE);
  return text ? (object(JSON.parse(text), 'it') as unknown as SealedState) : undefined;
}

/** Whether this state was written by a step with the same secret. */
export function isSealed({ seal: given, ...state }: SealedState, secret: string): boolean {
  const expected = Buffer.from(seal(state, secret));
  const actual = Buffer.from(typeof given === 'string' ? given : '');
  return secret !== '' && actual.length === expected.length && timingSafeEqual(actual, expected);
}

function seal(state: State, secret: string): string {
  return createHmac('sha256', secret).update(JSON.stringify(state)).digest('base64url');
}
