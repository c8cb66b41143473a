import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import { credentialsWork, errors, runAction, warnings } from '../support/action.ts';
import {
  changesOf,
  ID,
  keptIn,
  labelOf,
  meanwhile,
  repositoryOf,
  SECRET,
  STATE,
  saveWith,
  seedSaved,
  stateValue,
} from '../support/saved.ts';

// Tests of runs and people that change the same client or the same saved credentials at the same moment.

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const DELETES = (...names: string[]) =>
  names.map((name) => `DELETE .*/actions/${name === SECRET ? 'secrets' : 'variables'}/${name}`).join('; ');

describe('a run that saves', () => {
  const THEIRS = 'v1 key:AAAAAAAAAAAAAAAA organization:org_1 secret:sks_1';

  it('fails if another owner creates …_STATE at the same moment, and removes what it made', async () => {
    meanwhile(emulator, ['before', 'createVariable STATE'], () => repositoryOf(emulator).setVariable(STATE, THEIRS));
    const run = await saveWith(emulator);
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect(errors(run)[0]).toMatch(new RegExp(`says that they are saved for another client: .*${DELETES(STATE)}`));
    expect(emulator.clients()).toEqual([]);
    expect(repositoryOf(emulator).variables.get(STATE)?.value).toBe(THEIRS);
  });

  it('goes on if a run of the same owner creates …_STATE at the same moment', async () => {
    const theirs = stateValue(emulator, 'sks_9');
    meanwhile(emulator, ['before', 'createVariable STATE'], () => repositoryOf(emulator).setVariable(STATE, theirs));
    const run = await saveWith(emulator);
    expect(errors(run)).toEqual([]);
    expect(keptIn(repositoryOf(emulator))).toEqual({ client_id: run.outputs.client_id, secret: run.outputs.secret });
  });

  it('fails if another owner has the place when its secret is written, and names the calls', async () => {
    seedSaved(emulator);
    meanwhile(emulator, ['after', 'putActionsSecret'], () => repositoryOf(emulator).setVariable(STATE, THEIRS));
    const run = await saveWith(emulator);
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect(errors(run)[0]).toMatch(new RegExp(`^Another owner saved credentials .*${DELETES(SECRET, ID, STATE)}`));
    expect(repositoryOf(emulator).variables.get(STATE)?.value).toBe(THEIRS);
  });

  it('fails if the client was deleted while its secret was written, and names what is left', async () => {
    const { client } = seedSaved(emulator);
    let deletion: Promise<unknown> = Promise.resolve();
    emulator.hold = async (when, request) => {
      if (when !== 'before' || labelOf(request) !== 'putActionsSecret') return;
      deletion = saveWith(emulator, {}, { action: 'delete' });
      await deletion;
    };
    const run = await runSaving();
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(run)[0]).toMatch(
      new RegExp(`^Client ${client.client_id} was deleted while .* by hand: ${DELETES(SECRET)}$`),
    );
    expect(emulator.clients()).toEqual([]);
    expect(repositoryOf(emulator).variables.size).toBe(0);
  });

  const runSaving = () => saveWith(emulator);
});

describe('runs that replace', () => {
  it('keep the replaced client if another run has added a secret to it, with a warning', async () => {
    const { client } = seedSaved(emulator);
    const { client_id } = client;
    let added: string | undefined;
    emulator.hold = async (when, { operation }) => {
      if (when !== 'after' || operation !== 'createClient' || added !== undefined) return;
      added = '';
      const other = await runAction(emulator, { inputs: { client_id, keep_secrets: '5' } });
      added = other.outputs.secret_id;
    };
    const run = await saveWith(emulator, { on_existing: 'replace' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(warnings(run)).toEqual([
      expect.stringMatching(`another run has added secret ${added} to it.*DELETE .*/clients/${client_id}$`),
    ]);
    expect(emulator.clients().map((one) => one.client_id)).toContain(client_id);
    expect(changesOf(emulator)).not.toContain('deleteClient');
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });
});
