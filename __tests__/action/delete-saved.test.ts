import { describe, expect, it } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import { errors, type Inputs, markerLine, savingIn, warnings } from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { ALL_ENTRIES, entriesIn, runDelete, seedManaged, seedSavedFor } from '../support/delete.ts';
import { useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import {
  changesOf,
  cutOff,
  ID,
  isAbout,
  NAMES,
  REPOSITORY,
  repositoryOf,
  SECRET,
  type SecretLocation,
  STATE,
  saveWith,
  seedSaved,
  stateValue,
} from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// Tests of the saved credentials that `delete/` deletes.

const emulator = useEmulator();
const itWaits = useConcurrentTests();
const repository = () => repositoryOf(emulator);
const removeIn = (on: Emulator, inputs: Inputs = {}, step: Step = {}): Promise<Executed> =>
  runDelete(on, { ...savingIn(on), ...inputs }, step);
const remove = (inputs: Inputs = {}, step: Step = {}) => removeIn(emulator, inputs, step);
const ids = () => clientIds(emulator);

/** Checks that a run succeeded without a warning, and that no client and no saved credentials exist any more. */
function expectAllDeleted(run: Outcome): void {
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(ids()).toEqual([]);
  expect(entriesIn(repository())).toEqual([]);
}

describe('the secret location', () => {
  it.each<{ name: string; save_to: string; environment: string; save_as: string }>([
    { name: 'the repository', save_to: 'repository', environment: 'production', save_as: '' },
    { name: 'an environment, in any case', save_to: 'environment', environment: 'PREVIEW/pr-7', save_as: '' },
    { name: 'the repository with save_as', save_to: 'repository', environment: '', save_as: 'DEPLOY_TO' },
  ])(
    'deletes the saved credentials of $name, and no other variables and secrets',
    async ({ save_to, environment, save_as }) => {
      const identity = { environment };
      const locations = ['', 'preview/pr-7', 'production'].map((name) => seedSavedFor(emulator, name, identity));
      const more = ALL_ENTRIES.map((name) => name.replace('SCALEKIT_M2M', 'DEPLOY_TO'));
      const [moreState = '', moreId = '', moreSecret = ''] = more;
      for (const location of locations) {
        location.setVariable(moreState, stateValue(emulator, 'sks_2', identity));
        location.setVariable(moreId, 'm2morg_2');
        location.setSecret(moreSecret, 'another');
      }
      const id = seedManaged(emulator, identity);
      const run = await remove({ save_to, environment, ...(save_as && { save_as }) });
      expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: id } });
      expect(ids()).toEqual([]);
      const [index, gone] = [save_to === 'repository' ? 0 : 1, save_as ? more : ALL_ENTRIES];
      for (const [at, location] of locations.entries()) {
        const all = [STATE, ID, moreState, moreId, SECRET, moreSecret];
        expect(entriesIn(location)).toEqual(at === index ? all.filter((name) => !gone.includes(name)) : all);
      }
      for (const name of gone) expect(run.log).toMatch(new RegExp(`^Deleted (variable|secret) ${name} of `, 'm'));
      const where = index === 0 ? REPOSITORY : `environment &quot;${environment}&quot; of ${REPOSITORY}`;
      for (const name of gone) expect(run.summary).toContain(`${name} of ${where}`);
      expect(operationsOf(emulator).filter((operation) => operation.startsWith('delete'))).toEqual([
        'deleteActionsSecret',
        'deleteClient',
        'deleteVariable',
        'deleteVariable',
      ]);
    },
  );

  it('keeps saved credentials with save_to: none, and sends GitHub nothing', async () => {
    const location = seedSavedFor(emulator);
    seedManaged(emulator);
    const run = await remove({ save_to: 'none' });
    expectSucceeded(run);
    expect(entriesIn(location)).toEqual(ALL_ENTRIES);
    expect(ids()).toEqual([]);
    expect(operationsOf(emulator)).toEqual(['token', 'listClients', 'getClient', 'deleteClient']);
  });

  it('fails before it deletes anything if save_to: environment is given and the job has no environment', async () => {
    const run = await remove({ save_to: 'environment' });
    expect(run.exitCode).toBe(1);
    expect(emulator.requests).toEqual([]);
    expect(errors(run)).toEqual([expect.stringMatching(/^Bad input: save_to: .*without an environment/)]);
    // With an ID token, the action knows only from the token whether the job has an environment.
    const { idTokenVariables } = emulator.github;
    const late = await remove({ save_to: 'environment' }, { env: idTokenVariables });
    expect(late.exitCode).toBe(1);
    expect(operationsOf(emulator).filter((operation) => operation !== 'token')).toEqual(['idToken']);
    expect(errors(late)).toEqual([expect.stringMatching(/^Bad input: save_to: .*this job has none/)]);
  });

  it('names in a dry run the saved credentials that it would delete, and changes nothing', async () => {
    const { client } = seedSaved(emulator);
    const run = await remove({ dry_run: 'true' });
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: '' } });
    for (const text of [`delete client ${client.client_id}`, `delete ${NAMES} of ${REPOSITORY}`])
      expect(run.log).toContain(`- ${text}`);
    expect(changesOf(emulator)).toEqual([]);
    expect(entriesIn(repository())).toEqual(ALL_ENTRIES);
  });
});

it('deletes the saved secret, the clients, …_CLIENT_ID and …_STATE, in this order', async () => {
  const { client } = seedSaved(emulator);
  const second = seedManaged(emulator, {}, { ageMs: DAY });
  const run = await remove();
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(run.outputs.deleted?.split(' ').sort()).toEqual([client.client_id, second].sort());
  expect(changesOf(emulator)).toEqual([
    'deleteActionsSecret',
    'deleteClient',
    'deleteClient',
    'deleteVariable CLIENT_ID',
    'deleteVariable STATE',
  ]);
});

it('deletes what the main action saved, and then the main action saves again', async () => {
  const { outputs } = await saveWith(emulator);
  const run = await remove();
  expect(run.outputs).toEqual({ deleted: outputs.client_id });
  expectAllDeleted(run);
  expect((await saveWith(emulator)).outputs).toMatchObject({ result: 'created' });
});

describe('what does not exist or is not known yet', () => {
  it('counts a missing …_CLIENT_ID and a missing secret as deleted', async () => {
    const { variables, secrets } = seedSavedFor(emulator);
    variables.delete(ID);
    secrets.clear();
    const id = seedManaged(emulator);
    const run = await remove();
    expect(run.outputs).toEqual({ deleted: id });
    expectAllDeleted(run);
  });

  it('counts the saved credentials of a missing environment as deleted, and does not wait for it', async () => {
    const location = seedSavedFor(emulator, '', { environment: 'gone' });
    const id = seedManaged(emulator, { environment: 'gone' });
    const run = await remove({ save_to: 'environment', environment: 'gone' });
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: id } });
    expect(ids()).toEqual([]);
    expect(entriesIn(location)).toEqual(ALL_ENTRIES);
    expect(sentTo(emulator, 'getPublicKey')).toHaveLength(1);
    // The action reads the environment again after the repository, because the permission could be missing.
    expect(sentTo(emulator, 'getEnvironment')).toHaveLength(2);
  });

  it.each<{ name: string; refused: Operation[]; status: number; times?: number }>([
    { name: 'the token', refused: ['getPublicKey'], status: 401 },
    { name: 'the repository', refused: ['getPublicKey', 'getEnvironment', 'getRepository'], status: 404 },
    { name: 'the public key of the environment', refused: ['getPublicKey'], status: 404, times: 2 },
  ])('deletes saved credentials a moment later if GitHub does not know $name yet', async (row) => {
    const { refused, status, times = 1 } = row;
    const environment = 'production';
    const location = seedSavedFor(emulator, environment);
    const id = seedManaged(emulator, { environment });
    const fault = { kind: 'status', status, body: { message: 'Not yet' } } as const;
    for (const operation of refused) emulator.faults.add({ operation, call: 1, times, fault });
    const run = await remove({ save_to: 'environment', environment });
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: id } });
    expect(ids()).toEqual([]);
    expect(entriesIn(location)).toEqual([]);
  });
});

describe('the saved id', () => {
  it('deletes the client that …_CLIENT_ID names if the list does not show it yet', async () => {
    const { outputs } = await saveWith(emulator);
    emulator.behaviour.listLag = 60_000;
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: outputs.client_id } });
    expect(ids()).toEqual([]);
  });

  it('keeps a client whose claims contradict its marker, with a warning, if the list does not show it and …_CLIENT_ID names it', async () => {
    const custom_claims = [{ key: 'github_repository_id', value: '999' }];
    const id = emulator.seed({ description: markerLine(), custom_claims }).client.client_id;
    seedSavedFor(emulator).setVariable(ID, id);
    emulator.behaviour.listLag = 60_000;
    const run = await remove();
    expect(warnings(run)).toEqual([
      expect.stringContaining(`contradicts their ownership marker, or whose claims cannot be read: ${id}.`),
    ]);
    expect(run.outputs.deleted).toBe('');
    expect(ids()).toEqual([id]);
  });

  it.each<{ what: string; description: string; claims: { key: string; value: string }[]; annotations: object[] }>([
    { what: 'without a marker', description: 'Ours.', claims: [], annotations: [] },
    {
      what: 'with another identity hash',
      description: markerLine({ name: 'Deploy' }),
      claims: [],
      annotations: [],
    },
    {
      what: 'with a claim of another repository',
      description: markerLine(),
      claims: [{ key: 'github_repository_id', value: '999' }],
      annotations: [{ kind: 'warning' }],
    },
    {
      what: 'with several different markers',
      description: `${markerLine()}\n${markerLine({}, { run: '1.1' })}`,
      claims: [],
      annotations: [{ kind: 'warning' }],
    },
  ])('keeps a client $what although …_CLIENT_ID names it', async ({ description, claims, annotations }) => {
    const location = seedSavedFor(emulator);
    const id = emulator.seed({ name: 'Kept', description, custom_claims: claims }).client.client_id;
    location.setVariable(ID, id);
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 0, annotations, outputs: { deleted: '' } });
    expect(ids()).toEqual([id]);
    // By …_STATE, the saved credentials are ours.
    expect(entriesIn(location)).toEqual([]);
  });
});

describe('permissions', () => {
  const LACKING: {
    name: string;
    inputs: Inputs;
    token: Parameters<Emulator['github']['addToken']>[0];
    message: RegExp;
  }[] = [
    {
      name: 'may not read variables',
      inputs: {},
      token: { secrets: 'write' },
      message: /HTTP 403.*Variables \(write\), a classic one the scope repo/,
    },
    {
      name: 'may not read secrets, in a dry run',
      inputs: { dry_run: 'true' },
      token: { variables: 'write' },
      message: /HTTP 403.*Secrets \(write\), a classic one the scope repo/,
    },
    {
      name: 'is GITHUB_TOKEN',
      inputs: {},
      token: { integration: true, actions: 'write' },
      message: /GITHUB_TOKEN cannot have that permission/,
    },
    {
      name: 'has no permission for environments',
      inputs: { save_to: 'environment', environment: 'production' },
      token: { secrets: 'write', variables: 'write' },
      message: /HTTP 403.*Environments \(write\)/,
    },
    {
      name: 'does not see the repository of an environment',
      inputs: { save_to: 'environment', environment: 'production' },
      token: 'none',
      message: /HTTP 404.*may not see it/,
    },
  ];
  for (const { name, inputs, token, message } of LACKING)
    itWaits(`deletes nothing and names the permission if github_token ${name}`, async (isolated) => {
      const environment = inputs.environment ?? '';
      const location = seedSavedFor(isolated, environment);
      const id = seedManaged(isolated, { environment });
      const run = await removeIn(isolated, { ...inputs, github_token: isolated.github.addToken(token) });
      expectFailed(run);
      expect(clientIds(isolated)).toEqual([id]);
      expect(entriesIn(location)).toEqual(ALL_ENTRIES);
      expect(errors(run)).toEqual([expect.stringMatching(message)]);
    });

  it('deletes the client, keeps the variables and names the permission if github_token may only read variables', async () => {
    const location = seedSavedFor(emulator);
    const id = seedManaged(emulator);
    const run = await remove({ github_token: emulator.github.addToken({ secrets: 'write', variables: 'read' }) });
    expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({ exitCode: 1, outputs: { deleted: id } });
    expect(ids()).toEqual([]);
    expect(entriesIn(location)).toEqual([STATE, ID]);
    expect(errors(run)).toEqual([
      expect.stringMatching(`^The variable ${ID} of .* is left over: .*Variables \\(write\\)`),
    ]);
  });
});

describe('another owner', () => {
  it.each<[string, (location: SecretLocation) => void]>([
    [
      '…_STATE has another identity hash',
      (location) => location.setVariable(STATE, stateValue(emulator, 'sks_1', { name: 'Deploy' })),
    ],
    ['there is no …_STATE', ({ variables }) => variables.delete(STATE)],
  ])(
    'keeps the saved credentials of another owner, with a warning, and deletes the client, if %s',
    async (_, change) => {
      const location = seedSavedFor(emulator);
      change(location);
      const id = seedManaged(emulator);
      const left = entriesIn(location);
      for (const dry_run of ['true', 'false']) {
        const run = await remove({ dry_run });
        expect(run).toMatchObject({ exitCode: 0, outputs: { deleted: dry_run === 'true' ? '' : id } });
        expect(run.annotations).toHaveLength(1);
        expect(warnings(run)).toEqual([
          left.includes(STATE)
            ? `Not deleting ${NAMES} of ${REPOSITORY}: by ${STATE}, they do not belong to this repository, environment, name and organization.`
            : `Not deleting ${NAMES} of ${REPOSITORY}: there is no ${STATE}, so this action did not save them.`,
        ]);
        expect(entriesIn(location)).toEqual(left);
        for (const name of ALL_ENTRIES) expect(run.summary).not.toContain(name);
      }
      expect(changesOf(emulator)).toEqual(['deleteClient']);
    },
  );

  it('keeps the saved credentials of another owner even if …_CLIENT_ID names a client of ours, until the former name is given', async () => {
    const location = seedSavedFor(emulator, '', { name: 'Deploy' });
    location.setVariable(ID, seedManaged(emulator));
    const run = await remove();
    expectSucceeded(run);
    expect(warnings(run)).toHaveLength(1);
    expect(entriesIn(location)).toEqual(ALL_ENTRIES);
    expect(ids()).toEqual([]);
    expectAllDeleted(await remove({ name: 'Deploy' }));
  });
});

describe('client_id', () => {
  it.each<{ what: string; idOf: () => string }>([
    {
      what: 'has another identity hash and is for this repository',
      idOf: () => seedSaved(emulator, { identity: { name: 'Deploy' } }).client.client_id,
    },
    {
      what: 'does not exist, even if …_STATE is missing',
      idOf: () => {
        seedSavedFor(emulator).variables.delete(STATE);
        return 'm2morg_1';
      },
    },
  ])('deletes the saved credentials of the client that client_id names if that client $what', async ({ idOf }) => {
    const client_id = idOf();
    const other = seedManaged(emulator, { environment: 'production' });
    const run = await remove({ client_id });
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(ids()).toEqual([other]);
    expect(entriesIn(repository())).toEqual([]);
  });

  it('keeps saved credentials, with a warning, if …_CLIENT_ID is another client than client_id names', async () => {
    const location = seedSavedFor(emulator);
    const client_id = seedManaged(emulator);
    const run = await remove({ client_id });
    expect(run).toMatchObject({ exitCode: 0, outputs: { deleted: client_id } });
    expect(warnings(run)).toEqual([expect.stringContaining(`Not deleting ${NAMES} of ${REPOSITORY}: `)]);
    expect(ids()).toEqual([]);
    expect(entriesIn(location)).toEqual(ALL_ENTRIES);
  });

  it('refuses a client without a marker that client_id and …_CLIENT_ID name, and keeps its credentials', async () => {
    const location = seedSavedFor(emulator);
    const client_id = emulator.seed({ name: 'x', description: 'Created manually.' }).client.client_id;
    location.setVariable(ID, client_id);
    const run = await remove({ client_id });
    expectFailed(run);
    expect(errors(run)).toEqual([expect.stringMatching(`^Client ${client_id} is not `)]);
    expect(ids()).toEqual([client_id]);
    expect(entriesIn(location)).toEqual(ALL_ENTRIES);
    expect(changesOf(emulator)).toEqual([]);
  });
});

describe('a run that is cut off or cannot delete everything', () => {
  const ORDER = ['deleteActionsSecret', 'deleteClient', 'deleteVariable CLIENT_ID', 'deleteVariable STATE'];

  it.each<{ label: string; by: 'client_id' | 'search' }>([
    { label: 'deleteActionsSecret', by: 'search' },
    { label: 'deleteClient', by: 'search' },
    { label: 'deleteVariable CLIENT_ID', by: 'search' },
    { label: 'deleteClient', by: 'client_id' },
  ])('deletes the rest in the next run if SIGKILL ended delete/ after $label ($by)', async ({ label, by }) => {
    const { client } = seedSaved(emulator);
    const inputs: Inputs = by === 'client_id' ? { client_id: client.client_id } : {};
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', label], (step) => remove(inputs, step));
    expect(main.exitCode).toBeNull();
    expect(changesOf(emulator)).toEqual(ORDER.slice(0, ORDER.indexOf(label) + 1));
    const from = emulator.requests.length;
    expectAllDeleted(await remove(inputs));
    expect(changesOf(emulator, from).filter((one) => ORDER.indexOf(one) > ORDER.indexOf(label))).toEqual(
      ORDER.slice(ORDER.indexOf(label) + 1),
    );
  });

  it.each(ORDER.slice(0, 2))(
    'fails, keeps …_STATE, and can be repeated if delete/ is cancelled during %s',
    async (label) => {
      seedSaved(emulator);
      const { main } = await cutOff(emulator, 'SIGINT', ['before', label], (step) => remove({}, step));
      expect(main.exitCode).toBe(1);
      expect(errors(main)).toEqual([expect.stringMatching(/^The run was cancelled\./)]);
      expect(entriesIn(repository())).toContain(STATE);
      expectAllDeleted(await remove());
    },
  );

  const refuse = (operation: Operation, name?: string) =>
    emulator.faults.add({ operation, ...(name && { where: isAbout(name) }), fault: { kind: 'status', status: 403 } });

  it.each<{ what: string; arrange: () => void; left: string[]; isClientLeft: boolean; message: string }>([
    {
      what: 'the secret',
      arrange: () => refuse('deleteActionsSecret'),
      left: ALL_ENTRIES,
      isClientLeft: false,
      message: `^The secret ${SECRET} of .* is left over: `,
    },
    {
      what: 'the client',
      arrange: () => refuse('deleteClient'),
      left: [STATE, ID],
      isClientLeft: true,
      message: '^Client m2morg_\\d+ is left over: .*DELETE ',
    },
    {
      what: '…_CLIENT_ID',
      arrange: () => refuse('deleteVariable', ID),
      left: [STATE, ID],
      isClientLeft: false,
      message: `^The variable ${ID} of .* is left over: `,
    },
  ])(
    'fails, keeps the variables that it deletes later, and can be repeated if it cannot delete $what',
    async ({ arrange, left, isClientLeft, message }) => {
      const { client } = seedSaved(emulator);
      arrange();
      const run = await remove();
      expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({
        exitCode: 1,
        outputs: { deleted: isClientLeft ? '' : client.client_id },
      });
      expect(errors(run)).toEqual([expect.stringMatching(message)]);
      expect(entriesIn(repository())).toEqual(left);
      expect(ids()).toEqual(isClientLeft ? [client.client_id] : []);
      emulator.faults.clear();
      expectAllDeleted(await remove());
    },
  );

  it('keeps the variables if one of several clients cannot be deleted, and deletes the other clients', async () => {
    const { client } = seedSaved(emulator);
    const other = seedManaged(emulator, {}, { ageMs: DAY });
    emulator.faults.add({
      operation: 'deleteClient',
      where: ({ path }) => path.endsWith(`/clients/${other}`),
      fault: { kind: 'status', status: 403 },
    });
    const run = await remove();
    expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({
      exitCode: 1,
      outputs: { deleted: client.client_id },
    });
    expect(ids()).toEqual([other]);
    expect(entriesIn(repository())).toEqual([STATE, ID]);
  });

  it('keeps the client and the variables if somebody changed the client before delete/ deletes it', async () => {
    const { client } = seedSaved(emulator);
    emulator.faults.add({
      operation: 'getClient',
      fault: { kind: 'edit', edit: (response) => ({ client: { ...response.client, description: 'Theirs by now.' } }) },
    });
    const run = await remove();
    expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({ exitCode: 1, outputs: { deleted: '' } });
    expect(errors(run)).toEqual([
      `Client ${client.client_id} is not deleted: its description or its claims have changed.`,
    ]);
    expect(ids()).toEqual([client.client_id]);
    expect(entriesIn(repository())).toEqual([STATE, ID]);
  });
});
