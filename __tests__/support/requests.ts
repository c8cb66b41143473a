import type { Emulator, Operation } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';

// The requests that an emulator received, and responses that it holds back.

/** Returns the operations of the requests, in the order of their arrival. @param from how many requests to skip */
export const operationsOf = (emulator: Emulator, from = 0): Operation[] =>
  emulator.requests.slice(from).map(({ operation }) => operation);

/** Returns the requests for one operation, in the order of their arrival. */
export function sentTo(emulator: Emulator, operation: Operation): Emulator['requests'] {
  return emulator.requests.filter((request) => request.operation === operation);
}

/** Returns the last part of the path of each request for an operation: the id that the request is about. */
export const requestedIds = (emulator: Emulator, operation: Operation): string[] =>
  sentTo(emulator, operation).map(({ path }) => path.split('/').at(-1) ?? '');

/** Returns whether a request may change something at Scalekit or GitHub. A request for a token changes nothing. */
export const isChange = ({ method, operation }: Emulator['requests'][number]): boolean =>
  method !== 'GET' && operation !== 'token';

/** Holds back the first `count` responses of an operation until the server has all of them ready. Replaces the emulator's `hold`. */
export function barrier(emulator: Emulator, operation: Operation, count: number): void {
  let arrived = 0;
  const all = Promise.withResolvers<void>();
  emulator.hold = async (when, request) => {
    if (when !== 'after' || request.operation !== operation || arrived === count) return;
    arrived += 1;
    if (arrived === count) all.resolve();
    await all.promise;
  };
}

/** Sends a step SIGINT when the server receives a request for an operation. The server carries it out 200 ms later. */
export function interruptedAt(emulator: Emulator, interrupted: Operation): Required<Pick<Step, 'onStart'>> {
  let kill = (_: NodeJS.Signals) => {};
  emulator.hold = async (when, { operation }) => {
    if (when !== 'before' || operation !== interrupted) return;
    kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 200));
  };
  return { onStart: (send) => (kill = send) };
}
