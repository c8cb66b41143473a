import { writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { credentialsWork, runAction, seedEarlier, warnings } from '../support/action.ts';
import { clientIds, clientUrl, MAY_NOT_DELETE, MISSING_PERMISSION } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { expectFailed } from '../support/outcomes.ts';
import { readRecording, recordTo } from '../support/recording.ts';
import { requestedIds } from '../support/requests.ts';
import { DAY } from '../support/times.ts';

const emulator = useEmulator();
const inFolder = useFolder();

const replace = (inputs: Record<string, string> = {}, step = {}) =>
  runAction(emulator, { ...step, inputs: { on_existing: 'replace', ...inputs } });

it('deletes the replaced client only after the credentials of the new one are published', async () => {
  const recording = inFolder('recording');
  writeFileSync(recording, '');
  const { client, plainSecrets } = seedEarlier(emulator, { scopes: ['a'] }, { ageMs: DAY });
  const { client_id } = client;
  let outputs = '';
  let oldWorks = false;
  emulator.hold = async (when, { operation }) => {
    if (when !== 'before' || operation !== 'deleteClient') return;
    outputs = readRecording(recording)
      .map(({ to, text }) => (to === 'output' ? text : ''))
      .join('');
    oldWorks = await credentialsWork(emulator, { client_id, secret: plainSecrets[0] ?? '' });
  };
  const executed = await replace({}, recordTo(recording));
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'replaced' } });
  for (const value of Object.values(executed.outputs)) expect(outputs).toContain(`\n${value}\n`);
  expect(oldWorks).toBe(true);
  expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
  expect(executed.outputs.client_id).not.toBe(client_id);
  expect(clientIds(emulator)).toEqual([executed.outputs.client_id]);
  // The new client has none of the old scopes.
  expect(emulator.clients()).toEqual([expect.not.objectContaining({ scopes: expect.anything() })]);
  expect(requestedIds(emulator, 'deleteClient')).toEqual([client_id]);
  expect(executed.log).toContain(`Deleted replaced client ${client_id}.`);
});

it('warns with the manual DELETE call when deleting the replaced client fails, and succeeds', async () => {
  const { client_id } = seedEarlier(emulator, {}, { ageMs: DAY }).client;
  emulator.faults.add({ operation: 'deleteClient', fault: MAY_NOT_DELETE });
  const executed = await replace();
  expect(executed).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
  expect(warnings(executed)).toEqual([
    `The replaced client ${client_id} is left over: Could not delete client ${client_id}: ${MISSING_PERMISSION} To remove it by hand: DELETE ${clientUrl(emulator, client_id)}`,
  ]);
  expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
});

it('keeps the client to replace if the verification of the new one fails', async () => {
  const { client } = seedEarlier(emulator, {}, { ageMs: DAY });
  emulator.behaviour.tokenChanges = (token) => ({ ...token, oid: 'org_another' });
  expectFailed(await replace(), 'oid: wanted ');
  expect(emulator.clients()).toEqual([client]);
});

it('replaces the client that client_id names', async () => {
  const { client_id } = emulator.seed({ name: 'Made manually' }).client;
  const executed = await replace({ client_id });
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'replaced' } });
  expect(clientIds(emulator)).toEqual([executed.outputs.client_id]);
});
