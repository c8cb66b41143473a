import { describe, expect, it } from '@jest/globals';
import type { Fault } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, type Inputs, seedEarlier } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailedCleanly } from '../support/outcomes.ts';
import {
  changesOf,
  contents,
  expectNoSecrets,
  expectPostDoesNothing,
  FINE_AND_CLASSIC,
  ID,
  isAbout,
  meanwhile,
  NOTHING,
  REPOSITORY,
  repositoryOf,
  SECRET,
  STATE,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
  variableUrl,
  writesOf,
} from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// Tests of a step that GitHub refuses a variable or the secret: everything is undone.

const emulator = useEmulator();
const save = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, inputs, step);
const repository = () => repositoryOf(emulator);

const MESSAGE = 'Resource not accessible by personal access token';
const refusal = (status: number): Fault => ({ kind: 'status', status, body: { message: MESSAGE } });
/** Makes GitHub refuse each write of a variable or of the secret. */
const refuse = (name: string, status: number) =>
  emulator.faults.add(
    ...(['createVariable', 'updateVariable', 'putActionsSecret'] as const).map((operation) => ({
      operation,
      where: isAbout(name),
      fault: refusal(status),
    })),
  );

describe('a client that existed before', () => {
  const FORMER = () => seedFormer(emulator);
  const STATE_ALONE = () => repository().setVariable(STATE, stateValue(emulator, 'sks_1'), DAY);
  const RESTORING_BOTH = ['updateVariable CLIENT_ID', 'updateVariable STATE'];

  it.each<{ name: string; status: number; before: string; seed: () => void; restored: string[]; restoring: string[] }>([
    { name: STATE, status: 403, before: 'nothing was saved', seed: () => {}, restored: [], restoring: [] },
    {
      name: ID,
      status: 422,
      before: "another client's credentials were saved",
      seed: FORMER,
      restored: [STATE],
      restoring: ['updateVariable STATE'],
    },
    {
      name: SECRET,
      status: 404,
      before: "another client's credentials were saved",
      seed: FORMER,
      restored: [ID, STATE],
      restoring: RESTORING_BOTH,
    },
    {
      name: SECRET,
      status: 403,
      before: 'only …_STATE was saved',
      seed: STATE_ALONE,
      restored: [ID, STATE],
      restoring: ['deleteVariable CLIENT_ID', 'updateVariable STATE'],
    },
    {
      name: SECRET,
      status: 422,
      before: 'nothing was saved',
      seed: () => {},
      restored: [ID, STATE],
      restoring: ['deleteVariable CLIENT_ID', 'deleteVariable STATE'],
    },
  ])(
    'undoes everything and names what it undid if GitHub refuses $name with $status and $before',
    async ({ name, status, seed, restored, restoring }) => {
      // The client has drifted, so the step updates it before it saves.
      const { client, plainSecrets } = seedEarlier(emulator, { scopes: ['b'] }, { ageMs: DAY });
      seed();
      const before = contents(emulator);
      refuse(name, status);
      const run = await save({ scopes: 'a', keep_secrets: '1' });
      expectFailedCleanly(run);
      const [message = ''] = errors(run);
      const kind = name === SECRET ? 'secret' : 'variable';
      expect(message).toMatch(
        new RegExp(`^Could not write ${kind} ${name} of ${REPOSITORY}: HTTP ${status}: ${MESSAGE}\\.`),
      );
      if (status !== 422) expect(message).toMatch(FINE_AND_CLASSIC[`${kind}s`]);
      for (const one of restored) expect(message).toContain(`Restored variable ${one} of ${REPOSITORY}.`);
      expect(message).toMatch(/^Removed again: secret sks_\d+ of client m2morg_\d+\.$/m);
      expect(message).toMatch(/^Restored: scopes of client m2morg_\d+\.$/m);
      const undone = [...restoring, 'deleteSecret', 'updateClient'];
      expect(changesOf(emulator).slice(-undone.length)).toEqual(undone);
      expect(contents(emulator)).toEqual(before);
      const credentials = { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
      expect(await credentialsWork(emulator, credentials)).toBe(true);
      await expectPostDoesNothing(emulator, run);
      expectNoSecrets(emulator, run);
    },
  );

  it('restores …_STATE alone if GitHub refuses the secret and …_CLIENT_ID did not change, and the next reuse rotates', async () => {
    const { credentials } = seedSaved(emulator);
    const before = contents(emulator);
    refuse(SECRET, 403);
    const run = await save();
    expect(run.exitCode).toBe(1);
    expect(contents(emulator)).toEqual(before);
    expect(changesOf(emulator)).toEqual([
      'addSecret',
      'updateVariable STATE',
      'putActionsSecret',
      'updateVariable STATE',
      'deleteSecret',
    ]);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
    // The time of …_STATE is now later than that of GitHub's secret.
    emulator.faults.clear();
    const next = await save({ on_existing: 'reuse' });
    expect(next.outputs).toMatchObject({ result: 'rotated' });
    expect(next.log).toContain('since saving was cut off before the secret was written');
  });

  it('deletes the replacement and keeps the client that was to be replaced if GitHub refuses the secret', async () => {
    const { credentials } = seedSaved(emulator);
    const before = contents(emulator);
    refuse(SECRET, 403);
    const run = await save({ on_existing: 'replace' });
    expect(run.exitCode).toBe(1);
    expect(contents(emulator)).toEqual(before);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
  });

  it('no longer counts the credentials as published after GitHub refused the secret, so that post removes what is left over', async () => {
    const { credentials } = seedSaved(emulator);
    const before = contents(emulator);
    refuse(SECRET, 403);
    emulator.faults.add({ operation: 'deleteSecret', call: 1, fault: refusal(403) });
    const run = await save();
    expect(errors(run)[0]).toMatch(/left over: .*HTTP 403.*DELETE /);
    const { secret, variables } = JSON.parse(run.state.client ?? '');
    expect(secret).toMatchObject({ client_id: credentials.client_id, id: expect.stringMatching(/^sks_/) });
    expect(variables).toBeUndefined();
    expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(contents(emulator)).toEqual(before);
  });
});

it.each<{ name: string; writing: string[]; restoring: string[] }>([
  { name: STATE, writing: ['createVariable STATE'], restoring: [] },
  {
    name: SECRET,
    writing: ['createVariable STATE', 'createVariable CLIENT_ID', 'putActionsSecret'],
    restoring: ['deleteVariable CLIENT_ID', 'deleteVariable STATE'],
  },
])('deletes the new client and the variables if GitHub refuses $name', async ({ name, writing, restoring }) => {
  refuse(name, 422);
  const run = await save();
  expectFailedCleanly(run);
  expect(errors(run)[0]).toMatch(/^Removed again: client m2morg_\d+\.$/m);
  expect(contents(emulator)).toEqual(NOTHING);
  expect(changesOf(emulator)).toEqual(['createClient', ...writing, ...restoring, 'deleteClient']);
});

it('fails and leaves nothing behind if github_token may read secrets but not write them', async () => {
  const github_token = emulator.github.addToken({ secrets: 'read', variables: 'write' });
  const run = await save({ github_token });
  expect(run.exitCode).toBe(1);
  expect(contents(emulator)).toEqual(NOTHING);
  expect(errors(run)[0]).toMatch(FINE_AND_CLASSIC.secrets);
});

describe('another run at the same time', () => {
  const THEIR_STATE = () => stateValue(emulator, 'sks_9');

  it.each<{ name: string; change: () => void; expected: (written: object) => object; restored: string[] }>([
    {
      name: '…_STATE',
      change: () => repository().setVariable(STATE, THEIR_STATE()),
      expected: () => ({ [STATE]: THEIR_STATE(), [ID]: 'm2morg_1' }),
      restored: ['updateVariable CLIENT_ID'],
    },
    {
      name: 'the secret',
      change: () => repository().setSecret(SECRET, 'theirs'),
      expected: (written) => written,
      restored: [],
    },
  ])(
    'does not restore saved credentials after a refusal if another run has written $name since',
    async ({ name, change, expected, restored }) => {
      seedFormer(emulator);
      refuse(SECRET, 403);
      let written: object = {};
      meanwhile(emulator, ['after', 'updateVariable CLIENT_ID'], () => {
        written = contents(emulator).variables;
        change();
      });
      const run = await save();
      expectFailedCleanly(run);
      expect(contents(emulator)).toMatchObject({ clients: [], variables: expected(written) });
      expect(writesOf(emulator).slice(3)).toEqual(restored);
      const note = `Not restored: variable ${STATE} of ${REPOSITORY}. It was changed since`;
      expect(errors(run)[0]?.includes(note)).toBe(name === '…_STATE');
      await expectPostDoesNothing(emulator, run);
    },
  );
});

it('names the calls that restore the variables if it cannot restore them, and its post step tries again', async () => {
  seedEarlier(emulator, {}, { ageMs: DAY });
  seedFormer(emulator);
  const former = stateValue(emulator, 'sks_1');
  refuse(SECRET, 403);
  emulator.faults.add({ operation: 'updateVariable', where: isAbout(ID), call: 2, fault: refusal(403) });
  const before = contents(emulator);
  const run = await save();
  const calls = [
    `PATCH ${variableUrl(emulator, ID)} with the value "m2morg_1"`,
    `PATCH ${variableUrl(emulator, STATE)} with the value "${former}"`,
  ];
  expect(run.exitCode).toBe(1);
  expect(errors(run)[0]).toContain(calls.join('; '));
  expect(contents(emulator)).not.toEqual(before);
  expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
  expect(contents(emulator)).toEqual(before);
});
