import { expect } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import { credentialsWork, runAction, warnings } from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { useConcurrentTests } from '../support/emulators.ts';
import { FEWEST_REQUESTS } from '../support/network.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { sentTo } from '../support/requests.ts';

// Create requests that the server finishes after the action has stopped waiting for the response, or that are sent again
// later. Each test waits for seconds.

const itWaits = useConcurrentTests();

/**
 * Makes a gateway respond to the first create request with 504. The server behind it finishes that request when the second one
 * arrives.
 */
function finishFirstLate(emulator: Emulator): void {
  emulator.faults.add({ operation: 'createClient', call: 1, fault: { kind: 'status', status: 504 } });
  emulator.hold = (when, { operation }) => {
    const [first, second] = sentTo(emulator, 'createClient');
    if (when === 'before' && operation === 'createClient' && second) emulator.seed(first?.body as object);
  };
}

itWaits('deletes the second client of one create request, which the server finished late', async (emulator) => {
  finishFirstLate(emulator);
  const run = await runAction(emulator);
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(clientIds(emulator)).toEqual([run.outputs.client_id]);
  expect(run.log).toMatch(/^Removed a second client of the same request: client m2morg_\d+\.$/m);
});

itWaits(
  'warns with the manual DELETE call if it may not delete the second client of one create request',
  async (emulator) => {
    finishFirstLate(emulator);
    const body = { code: 7, message: 'permission denied' };
    emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403, body } });
    const run = await runAction(emulator);
    expectSucceeded(run);
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    const [late, ...others] = clientIds(emulator).filter((id) => id !== run.outputs.client_id);
    expect(others).toEqual([]);
    expect(warnings(run)).toEqual([
      expect.stringMatching(
        `^A second client of the same request is left over: .*api_credentials:rotate\\. .* DELETE .*/clients/${late}$`,
      ),
    ]);
  },
);

itWaits(
  'names the nonce of a client that it cannot find after a timeout, and the post step deletes the client',
  async (emulator) => {
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'hang', finishAfterMs: 6000 } });
    const run = await runAction(emulator, { inputs: { timeout: '6' } });
    expect(emulator.clients()).toEqual([]);
    expectFailed(
      run,
      /no answer within 2 seconds.*Could not determine whether the client was created.*nonce:[\w-]{16}/s,
    );
    const post = await run.post();
    expect(post).toMatchObject({ exitCode: 0, annotations: [] });
    expect(post.log).toMatch(/Deleted client m2morg_\d+\./);
    expect(emulator.clients()).toEqual([]);
  },
);

itWaits('records in the state when the last create request was sent', async (emulator) => {
  const fault = { kind: 'status', status: 429, headers: { 'retry-after': '1' } } as const;
  emulator.faults.add({ operation: 'createClient', times: 1, fault });
  const run = await runAction(emulator, { inputs: FEWEST_REQUESTS });
  const [first = 0, ...later] = sentTo(emulator, 'createClient').map(({ at }) => at);
  expect(later).toHaveLength(1);
  expect(JSON.parse(run.state.client ?? '').client.sent_at).toBeGreaterThan(first + 900);
});
