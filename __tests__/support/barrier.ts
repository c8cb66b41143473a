import type { Emulator, Operation } from '../../emulator/index.ts';

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
