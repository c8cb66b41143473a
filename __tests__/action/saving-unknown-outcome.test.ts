import { expect } from '@jest/globals';
import type { Emulator, Fault } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { credentialsWork, errors, seedEarlier } from '../support/action.ts';
import { useConcurrentTests } from '../support/emulators.ts';
import { expectFailedCleanly, expectSucceeded } from '../support/outcomes.ts';
import { sentTo } from '../support/requests.ts';
import {
  changesOf,
  contents,
  credentialsIn,
  credentialsOf,
  expectNoSecrets,
  expectPostDoesNothing,
  ID,
  isAbout,
  repositoryOf,
  STATE,
  savedCredentialsWork,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
} from '../support/saved.ts';
import { DAY, MINUTE } from '../support/times.ts';

// Tests of requests to GitHub that get no usable response, while the credentials are saved.

const itWaits = useConcurrentTests();
const RESET: Fault = { kind: 'reset' };
const BAD_GATEWAY: Fault = { kind: 'status', status: 502 };

itWaits('repeats the request for a variable if GitHub creates it and its response is lost', async (emulator) => {
  const lost = { operation: 'createVariable', times: 1, when: 'after' } as const;
  emulator.faults.add(
    { ...lost, where: isAbout(STATE), fault: RESET },
    { ...lost, where: isAbout(ID), fault: { kind: 'truncate' } },
  );
  const run = await saveWith(emulator);
  expectSucceeded(run);
  expect(credentialsIn(repositoryOf(emulator))).toEqual(credentialsOf(run));
});

for (const name of [STATE, ID])
  itWaits(`undoes everything if no request for the variable ${name} reaches GitHub`, async (emulator) => {
    seedEarlier(emulator, {}, { ageMs: DAY });
    seedFormer(emulator);
    const before = contents(emulator);
    emulator.faults.add({ operation: 'updateVariable', where: isAbout(name), fault: RESET, times: 5 });
    const run = await saveWith(emulator);
    expectFailedCleanly(run);
    expect(contents(emulator)).toEqual(before);
  });

itWaits('succeeds if GitHub updates a variable although each of its responses is lost', async (emulator) => {
  seedFormer(emulator);
  emulator.faults.add({ operation: 'updateVariable', where: isAbout(STATE), when: 'after', fault: RESET });
  const run = await saveWith(emulator);
  expectSucceeded(run);
  expect(credentialsIn(repositoryOf(emulator))).toEqual(credentialsOf(run));
});

const LOST_ONCE = [
  { name: 'is reset after GitHub wrote it', when: 'after', fault: RESET },
  { name: 'gets HTTP 503', when: 'before', fault: { kind: 'status', status: 503 } },
] as const;
for (const { name, when, fault } of LOST_ONCE)
  itWaits(`sends the secret to GitHub again if the request ${name}`, async (emulator) => {
    const { credentials } = seedSaved(emulator);
    emulator.faults.add({ operation: 'putActionsSecret', times: 1, when, fault });
    const run = await saveWith(emulator);
    expectSucceeded(run);
    expect(run).toMatchObject({ exitCode: 0, outputs: { client_id: credentials.client_id } });
    expect(sentTo(emulator, 'putActionsSecret')).toHaveLength(2);
    expect(credentialsIn(repositoryOf(emulator))).toEqual(credentialsOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

const MAY_NOT_BELONG_TOGETHER =
  /^Could not write secret .*Could not determine whether GitHub has the new secret of client m2morg_\d+\. The new secret and those before it stay valid\. Until the next run, the saved client id and secret may not belong together\./;

/**
 * Checks a run for which it is unknown whether GitHub has the secret: the secret is valid, nothing is undone, post does
 * nothing, and the next `reuse` rotates if the secret did not arrive.
 */
async function expectUnknown(emulator: Emulator, run: Executed, hasArrived: boolean): Promise<void> {
  const client = emulator.clients().at(-1);
  const client_id = client?.client_id ?? '';
  const secret = emulator.secrets(client_id).at(-1) ?? '';
  expectFailedCleanly(run);
  expect(errors(run)).toEqual([expect.stringMatching(MAY_NOT_BELONG_TOGETHER)]);
  expect(await credentialsWork(emulator, { client_id, secret })).toBe(true);
  expect(changesOf(emulator).at(-1)).toBe('putActionsSecret');
  const state = stateValue(emulator, client?.secrets?.at(-1)?.id ?? '');
  expect(contents(emulator).variables).toEqual({ [STATE]: state, [ID]: client_id });
  await expectPostDoesNothing(emulator, run);
  expectNoSecrets(emulator, run);
  emulator.faults.clear();
  const next = await saveWith(emulator, { on_existing: 'reuse' });
  expect(next.outputs).toMatchObject({ client_id, result: hasArrived ? 'reused' : 'rotated' });
  expect(credentialsIn(repositoryOf(emulator))).toEqual(hasArrived ? { client_id, secret } : credentialsOf(next));
  expect(await savedCredentialsWork(emulator)).toBe(true);
}

for (const when of ['before', 'after'] as const)
  itWaits(
    `fails and keeps the old and the new secret valid if each request with the secret is reset ${when} GitHub's work`,
    async (emulator) => {
      const { credentials } = seedSaved(emulator, { ageMs: MINUTE });
      emulator.faults.add({ operation: 'putActionsSecret', when, fault: RESET });
      const run = await saveWith(emulator, { keep_secrets: '1' });
      expect(await credentialsWork(emulator, credentials)).toBe(true);
      await expectUnknown(emulator, run, when === 'after');
    },
  );

itWaits('keeps a new client if it is unknown whether GitHub has its secret', async (emulator) => {
  emulator.faults.add({ operation: 'putActionsSecret', when: 'before', fault: BAD_GATEWAY });
  await expectUnknown(emulator, await saveWith(emulator), false);
});

itWaits('keeps the client to be replaced if it is unknown whether GitHub has the new secret', async (emulator) => {
  const { credentials } = seedSaved(emulator, { ageMs: MINUTE });
  emulator.faults.add({ operation: 'putActionsSecret', when: 'after', fault: BAD_GATEWAY });
  const run = await saveWith(emulator, { on_existing: 'replace' });
  expect(await credentialsWork(emulator, credentials)).toBe(true);
  await expectUnknown(emulator, run, true);
});

itWaits('undoes nothing if GitHub refuses the secret after an attempt that may have arrived', async (emulator) => {
  const { credentials } = seedSaved(emulator, { ageMs: MINUTE });
  emulator.faults.add(
    { operation: 'putActionsSecret', call: 1, when: 'after', fault: RESET },
    { operation: 'putActionsSecret', call: 2, fault: { kind: 'status', status: 403, body: { message: 'No.' } } },
  );
  const run = await saveWith(emulator);
  expect(errors(run)[0]).toContain('HTTP 403: No.');
  expect(await credentialsWork(emulator, credentials)).toBe(true);
  await expectUnknown(emulator, run, true);
});

itWaits(
  'names the fields that may still be updated if it is unknown whether GitHub has the secret',
  async (emulator) => {
    const { client } = seedSaved(emulator, { fields: { scopes: ['b'] } });
    emulator.faults.add({ operation: 'putActionsSecret', fault: BAD_GATEWAY });
    const run = await saveWith(emulator, { scopes: 'a' });
    expect(errors(run)[0]).toMatch(MAY_NOT_BELONG_TOGETHER);
    expect(errors(run)[0]).toContain(`Client ${client.client_id} may still have updated fields: scopes.`);
    expect(emulator.clients()[0]?.scopes).toEqual(['a']);
  },
);
