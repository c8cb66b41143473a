import { describe, expect, it } from '@jest/globals';
import { credentialsWork, errors, type Inputs, runAction, warnings } from '../support/action.ts';
import { clientIds, secretIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectFailedCleanly, expectSucceeded } from '../support/outcomes.ts';
import { sentTo } from '../support/requests.ts';
import {
  changesOf,
  contents,
  credentialsIn,
  credentialsOf,
  ID,
  labelOf,
  meanwhile,
  NAMES,
  REPOSITORY,
  repositoryOf,
  SECRET,
  STATE,
  savedCredentialsWork,
  saveWith,
  seedSaved,
  stateValue,
  writesOf,
} from '../support/saved.ts';
import { DAY, MINUTE } from '../support/times.ts';

// Tests of runs and people that change the same client or the same saved credentials at the same moment.

const emulator = useEmulator();
const save = (inputs: Inputs = {}) => saveWith(emulator, inputs);
const repository = () => repositoryOf(emulator);

/** What another owner writes into `…_STATE`. */
const ANOTHER_OWNER = 'v1 key:AAAAAAAAAAAAAAAA organization:org_1 secret:sks_1';
/** What another run of the same owner writes into `…_STATE`. */
const anotherRun = () => stateValue(emulator, 'sks_9');
/** Returns a pattern for the calls that delete these variables and secrets. */
const deleteCalls = (...names: string[]) =>
  names.map((name) => `DELETE .*/actions/${name === SECRET ? 'secrets' : 'variables'}/${name}`).join('; ');

describe('the check before the first variable', () => {
  it('checks the owner again before it writes …_STATE, and undoes everything if another owner has saved since', async () => {
    seedSaved(emulator, { fields: { scopes: ['b'] } });
    const before = contents(emulator);
    meanwhile(emulator, ['after', 'addSecret'], () => repository().setVariable(STATE, ANOTHER_OWNER));
    const run = await save({ scopes: 'a' });
    expectFailedCleanly(run);
    expect(errors(run)[0]).toContain(`variable ${STATE} says that they are saved for another client`);
    expect(errors(run)[0]).toContain(`DELETE ${emulator.github.apiUrl}/repos/${REPOSITORY}/actions/variables/${STATE}`);
    expect(contents(emulator)).toEqual({ ...before, variables: { ...before.variables, [STATE]: ANOTHER_OWNER } });
    expect(writesOf(emulator)).toEqual([]);
  });

  it('restores what another run saved in the meantime if GitHub refuses the secret', async () => {
    const { secretId } = seedSaved(emulator);
    meanwhile(emulator, ['after', 'addSecret'], () => {
      repository().setVariable(STATE, anotherRun(), MINUTE);
      repository().setVariable(ID, 'm2morg_9', MINUTE);
      repository().setSecret(SECRET, 'theirs', MINUTE);
    });
    emulator.faults.add({ operation: 'putActionsSecret', fault: { kind: 'status', status: 403 } });
    const run = await save();
    expect(run.exitCode).toBe(1);
    expect(repository().variables.get(STATE)?.value).toBe(anotherRun());
    expect(credentialsIn(repository())).toEqual({ client_id: 'm2morg_9', secret: 'theirs' });
    expect(secretIds(emulator)).toEqual([secretId]);
  });

  it('undoes everything if it cannot read the saved credentials again before it writes …_STATE', async () => {
    seedSaved(emulator);
    const before = contents(emulator);
    emulator.faults.add({
      operation: 'getVariable',
      where: () => sentTo(emulator, 'addSecret').length > 0,
      fault: { kind: 'status', status: 403 },
    });
    const run = await save();
    expectFailedCleanly(run);
    expect(contents(emulator)).toEqual(before);
  });
});

describe('the writes of the variables', () => {
  it('fails and deletes the new client if another owner creates …_STATE at the same moment', async () => {
    meanwhile(emulator, ['before', 'createVariable STATE'], () => repository().setVariable(STATE, ANOTHER_OWNER));
    const run = await save();
    expectFailedCleanly(run);
    expect(errors(run)[0]).toMatch(new RegExp(`says that they are saved for another client: .*${deleteCalls(STATE)}`));
    expect(emulator.clients()).toEqual([]);
    expect(repository().variables.get(STATE)?.value).toBe(ANOTHER_OWNER);
  });

  it('updates …_STATE if another run of the same owner creates it at the same moment', async () => {
    meanwhile(emulator, ['before', 'createVariable STATE'], () => repository().setVariable(STATE, anotherRun()));
    const run = await save();
    expectSucceeded(run);
    expect(writesOf(emulator)).toEqual([
      'createVariable STATE',
      'updateVariable STATE',
      'createVariable CLIENT_ID',
      'putActionsSecret',
    ]);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  });

  it('creates …_CLIENT_ID if somebody deletes it at the same moment', async () => {
    repository().setVariable(STATE, stateValue(emulator, 'sks_1'), DAY);
    repository().setVariable(ID, 'm2morg_1', DAY);
    meanwhile(emulator, ['before', 'updateVariable CLIENT_ID'], () => repository().variables.delete(ID));
    const run = await save();
    expectSucceeded(run);
    expect(writesOf(emulator).filter((label) => label.endsWith('CLIENT_ID'))).toEqual([
      'updateVariable CLIENT_ID',
      'createVariable CLIENT_ID',
    ]);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  });
});

describe('the check after the secret', () => {
  it('writes both variables again, with a warning, if another run wrote …_STATE before the secret was saved', async () => {
    seedSaved(emulator);
    meanwhile(emulator, ['before', 'putActionsSecret'], () => repository().setVariable(STATE, anotherRun()));
    const run = await save();
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated' } });
    expect(warnings(run)).toEqual([
      expect.stringMatching(
        `^Another run saved credentials at the same time: ${NAMES} of .*writes its variables again`,
      ),
    ]);
    expect(writesOf(emulator)).toEqual([
      'updateVariable STATE',
      'putActionsSecret',
      'updateVariable STATE',
      'updateVariable CLIENT_ID',
    ]);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
    expect(repository().variables.get(STATE)?.value).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
  });

  it('creates the variables again, with a warning, if another run deleted them before the secret was saved', async () => {
    meanwhile(emulator, ['before', 'putActionsSecret'], () => repository().variables.clear());
    const run = await save();
    expectSucceeded(run);
    expect(warnings(run)).toHaveLength(1);
    expect(writesOf(emulator).slice(-2)).toEqual(['createVariable STATE', 'createVariable CLIENT_ID']);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  });

  it('fails and names the calls that delete what is saved if another owner wrote …_STATE after the secret was saved', async () => {
    seedSaved(emulator);
    meanwhile(emulator, ['after', 'putActionsSecret'], () => repository().setVariable(STATE, ANOTHER_OWNER));
    const run = await save();
    expectFailedCleanly(run);
    expect(errors(run)[0]).toMatch(new RegExp(`^Another owner saved credentials .*${deleteCalls(SECRET, ID, STATE)}`));
    expect(repository().variables.get(STATE)?.value).toBe(ANOTHER_OWNER);
  });

  it('fails and names what is left over if delete/ deleted the client before the secret was saved', async () => {
    const { client } = seedSaved(emulator);
    emulator.hold = async (when, request) => {
      if (when !== 'before' || labelOf(request) !== 'putActionsSecret') return;
      await saveWith(emulator, {}, { action: 'delete' });
    };
    const run = await save();
    expectFailed(run);
    expect(errors(run)[0]).toMatch(
      new RegExp(`^Client ${client.client_id} was deleted while .* by hand: ${deleteCalls(SECRET)}$`),
    );
    expect(emulator.clients()).toEqual([]);
    expect(repository().variables.size).toBe(0);
  });

  it('keeps the replaced client, with a warning, if another run has added a secret to it', async () => {
    const { client_id } = seedSaved(emulator).client;
    let added: string | undefined;
    emulator.hold = async (when, { operation }) => {
      if (when !== 'after' || operation !== 'createClient' || added !== undefined) return;
      added = '';
      const other = await runAction(emulator, { inputs: { client_id, keep_secrets: '5' } });
      added = other.outputs.secret_id;
    };
    const run = await save({ on_existing: 'replace' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(warnings(run)).toEqual([
      expect.stringMatching(`another run has added secret ${added} to it.*DELETE .*/clients/${client_id}$`),
    ]);
    expect(clientIds(emulator)).toContain(client_id);
    expect(changesOf(emulator)).not.toContain('deleteClient');
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });
});

it.each<{ name: string; inputs: Inputs; isThere: boolean }>([
  { name: 'create the client', inputs: {}, isThere: false },
  { name: 'rotate its secret', inputs: { on_existing: 'rotate' }, isThere: true },
  { name: 'create the client with on_existing: reuse', inputs: { on_existing: 'reuse' }, isThere: false },
])('saves working credentials of one client if two runs at the same time $name', async ({ inputs, isThere }) => {
  if (isThere) seedSaved(emulator);
  const runs = await Promise.all([save(inputs), save(inputs)]);
  for (const run of runs) {
    expectSucceeded(run);
  }
  const saved = credentialsIn(repository());
  expect(await savedCredentialsWork(emulator)).toBe(true);
  expect(clientIds(emulator)).toEqual([saved.client_id]);
  expect(runs.map(({ outputs }) => outputs.secret)).toContain(saved.secret);
});
