import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Operation, startEmulator } from '../../emulator/index.ts';
import type { Executed, Step } from '../../emulator/runner.ts';
import type { Identity } from '../../src/client/identity.ts';
import { errors, markerLine, readable, runAction, savingIn, secretsOf, warnings } from '../support/action.ts';
import {
  changesOf,
  cutOff,
  DAY,
  ID,
  type Inputs,
  isAbout,
  NAMES,
  REPOSITORY,
  repositoryOf,
  SECRET,
  type SecretLocation,
  STATE,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
} from '../support/saved.ts';

// Tests of the saved credentials that `delete/` deletes.

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const repository = () => repositoryOf(emulator);

/** Runs `delete/` with `save_to: repository`, and checks that its output shows no secret. */
async function remove(inputs: Inputs = {}, step: Step = {}): Promise<Executed> {
  const run = await runAction(emulator, { ...step, action: 'delete', inputs: { ...savingIn(emulator), ...inputs } });
  for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
  expect(run.stderr).toBe('');
  return run;
}

/** Adds a client like one that an earlier run created. @returns its id */
const put = (identity: Partial<Identity> = {}) =>
  emulator.seed({ name: 'Made by a run', description: `Ours.\n${markerLine(identity)}` }, { ageMs: DAY }).client
    .client_id;

/** Saves credentials in GitHub Actions, by default in the repository. @returns their location */
function save(environment = '', identity: Partial<Identity> = { environment }) {
  const location = environment ? repository().addEnvironment(environment) : repository();
  seedFormer(emulator, location, { identity });
  return location;
}

const sent = () => emulator.requests.map(({ operation }) => operation);
const ids = () => emulator.clients().map(({ client_id }) => client_id);
const names = ({ variables, secrets }: SecretLocation) => [...variables.keys(), ...secrets.keys()];
const ALL = [STATE, ID, SECRET];

describe('delete/ with save_to', () => {
  it.each<[to: string, environment: string, as: string]>([
    ['repository', '', ''],
    ['repository', 'production', ''],
    ['environment', 'preview/pr-7', ''],
    ['environment', 'PREVIEW/pr-7', ''],
    ['repository', '', 'DEPLOY_TO'],
  ])(
    '%s, environment %j and save_as %j deletes the saved credentials, and nothing beside them',
    async (save_to, environment, as) => {
      const identity = { environment };
      const locations = [save('', identity), save('preview/pr-7', identity), save('production', identity)];
      const more = ALL.map((name) => name.replace('SCALEKIT_M2M', 'DEPLOY_TO'));
      const [moreState = '', moreId = '', moreSecret = ''] = more;
      for (const location of locations) {
        location.setVariable(moreState, stateValue(emulator, 'sks_2', identity));
        location.setVariable(moreId, 'm2morg_2');
        location.setSecret(moreSecret, 'another');
      }
      const id = put(identity);
      const run = await remove({ save_to, environment, ...(as && { save_as: as }) });
      expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: id } });
      expect(ids()).toEqual([]);
      const [index, gone] = [save_to === 'repository' ? 0 : 1, as ? more : ALL];
      for (const [at, location] of locations.entries()) {
        const all = [STATE, ID, moreState, moreId, SECRET, moreSecret];
        expect(names(location)).toEqual(at === index ? all.filter((name) => !gone.includes(name)) : all);
      }
      for (const name of gone) expect(run.log).toMatch(new RegExp(`^Deleted (variable|secret) ${name} of `, 'm'));
      const where = index === 0 ? REPOSITORY : `environment &quot;${environment}&quot; of ${REPOSITORY}`;
      for (const name of gone) expect(run.summary).toContain(`${name} of ${where}`);
      expect(sent().filter((operation) => operation.startsWith('delete'))).toEqual([
        'deleteActionsSecret',
        'deleteClient',
        'deleteVariable',
        'deleteVariable',
      ]);
    },
  );

  it('deletes the secret, the client, …_CLIENT_ID and …_STATE, in this order', async () => {
    const { client } = seedSaved(emulator);
    const second = put();
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

  it('deletes what the main action saved, after which it can save again', async () => {
    const { outputs } = await saveWith(emulator);
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: outputs.client_id } });
    expect([ids(), names(repository())]).toEqual([[], []]);
    expect((await saveWith(emulator)).outputs).toMatchObject({ result: 'created' });
  });

  it.each<[string, (location: SecretLocation) => void, string]>([
    ['secret', ({ secrets }) => secrets.clear(), 'repository'],
    ['…_CLIENT_ID', ({ variables }) => variables.delete(ID), 'repository'],
    [
      '…_CLIENT_ID and secret',
      ({ variables, secrets }) => {
        variables.delete(ID);
        secrets.clear();
      },
      'repository',
    ],
    ['environment', () => {}, 'environment'],
  ])('counts a missing %s as deleted', async (_, prepare, save_to) => {
    const location = save('', { environment: 'gone' });
    prepare(location);
    const id = put({ environment: 'gone' });
    const run = await remove({ save_to, environment: 'gone' });
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: id } });
    expect([ids(), names(location)]).toEqual([[], save_to === 'repository' ? [] : ALL]);
  });

  it('does not wait for an environment that is gone', async () => {
    const run = await remove({ save_to: 'environment', environment: 'gone' });
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    // The environment is read a second time after the repository, to tell it from a missing permission.
    expect(sent().filter((operation) => operation === 'getPublicKey')).toHaveLength(1);
    expect(sent().filter((operation) => operation === 'getEnvironment')).toHaveLength(2);
  });

  it.each<[what: string, to: 'repository' | 'environment', refused: Operation[], status: number]>([
    ['GitHub knows the token', 'environment', ['getPublicKey'], 401],
    ['the token sees the repository', 'repository', ['getPublicKey', 'getRepository'], 404],
    ['the token sees the repository', 'environment', ['getPublicKey', 'getEnvironment', 'getRepository'], 404],
  ])('waits until %s (%s)', async (_, save_to, refused, status) => {
    const environment = save_to === 'environment' ? 'production' : '';
    const location = save(environment);
    const id = put({ environment });
    const fault = { kind: 'status', status, body: { message: 'Not yet' } } as const;
    for (const operation of refused) emulator.faults.add({ operation, call: 1, fault });
    const run = await remove({ save_to, environment });
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: id } });
    expect([ids(), names(location)]).toEqual([[], []]);
  });

  it('none keeps saved credentials, and asks GitHub nothing', async () => {
    const location = save();
    put();
    const run = await remove({ save_to: 'none' });
    expect([run.exitCode, names(location), ids()]).toEqual([0, ALL, []]);
    expect(sent()).toEqual(['token', 'listClients', 'getClient', 'deleteClient']);
  });

  it('finds a client that lists do not show yet by the saved id', async () => {
    const { outputs } = await saveWith(emulator);
    emulator.behaviour.listLag = 60_000;
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: outputs.client_id } });
    expect(ids()).toEqual([]);
  });

  it('keeps a client whose claims contradict its marker, with a warning, if only the saved id names it', async () => {
    const custom_claims = [{ key: 'github_repository_id', value: '999' }];
    const id = emulator.seed({ description: markerLine(), custom_claims }).client.client_id;
    save().setVariable(ID, id);
    emulator.behaviour.listLag = 60_000;
    const run = await remove();
    expect(warnings(run)).toEqual([
      expect.stringContaining(`contradicts their ownership marker, or whose claims cannot be read: ${id}.`),
    ]);
    expect(run.outputs.deleted).toBe('');
    expect(ids()).toEqual([id]);
  });

  it.each<[string, () => string]>([
    ['without a marker', () => emulator.seed({ name: 'By hand', description: 'Ours.' }).client.client_id],
    ['with another key', () => put({ name: 'Deploy' })],
  ])('never deletes a client %s that the saved id names', async (_, idOf) => {
    const location = save();
    const id = idOf();
    location.setVariable(ID, id);
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: '' } });
    // By …_STATE, the credentials are ours.
    expect([ids(), names(location)]).toEqual([[id], []]);
  });

  it.each<[string, Parameters<typeof emulator.seed>[0]]>([
    [
      'has a claim of another repository',
      { description: markerLine(), custom_claims: [{ key: 'github_repository_id', value: '999' }] },
    ],
    ['has several ownership markers', { description: `${markerLine()}\n${markerLine({}, { run: '1.1' })}` }],
  ])('never deletes a client that %s and that the saved id names', async (_, fields) => {
    const location = save();
    const { client } = emulator.seed({ name: 'Kept', ...fields });
    location.setVariable(ID, client.client_id);
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 0, annotations: [{ kind: 'warning' }], outputs: { deleted: '' } });
    expect(ids()).toEqual([client.client_id]);
  });

  it('environment needs one', async () => {
    const run = await remove({ save_to: 'environment' });
    expect([run.exitCode, sent()]).toEqual([1, []]);
    expect(errors(run)).toEqual([expect.stringMatching(/^Bad input: save_to: .*without an environment/)]);
    // The action knows whether the job has an environment only after it has the ID token.
    const { idTokenVariables } = emulator.github;
    const late = await remove({ save_to: 'environment' }, { env: idTokenVariables });
    expect([late.exitCode, sent().filter((operation) => operation !== 'token')]).toEqual([1, ['idToken']]);
    expect(errors(late)).toEqual([expect.stringMatching(/^Bad input: save_to: .*this job has none/)]);
  });

  it('and dry_run names what would be deleted, and changes nothing', async () => {
    const { client } = seedSaved(emulator);
    const run = await remove({ dry_run: 'true' });
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { deleted: '' } });
    for (const text of [`delete client ${client.client_id}`, `delete ${NAMES} of ${REPOSITORY}`])
      expect(run.log).toContain(`- ${text}`);
    expect([changesOf(emulator), names(repository())]).toEqual([[], ALL]);
  });
});

describe('delete/ with save_to and a token', () => {
  it.each<[to: string, permissions: Parameters<Emulator['github']['addToken']>[0], message: RegExp]>([
    ['repository', { secrets: 'write' }, /HTTP 403.*Variables \(write\), a classic one the scope repo/],
    ['repository', { variables: 'write' }, /HTTP 403.*Secrets \(write\), a classic one the scope repo/],
    ['repository', { integration: true, actions: 'write' }, /GITHUB_TOKEN cannot have that permission/],
    ['environment', { secrets: 'write', variables: 'write' }, /HTTP 403.*Environments \(write\)/],
    ['repository', 'none', /HTTP 404.*may not see it.*a classic one the scope repo/],
    ['environment', 'none', /HTTP 404.*may not see it/],
  ])('(%s, %j) fails with the permission before anything is deleted', async (save_to, permissions, message) => {
    const environment = 'production';
    const location = save(save_to === 'environment' ? environment : '', { environment });
    const id = put({ environment });
    const github_token = emulator.github.addToken(permissions);
    for (const dry_run of ['false', 'true']) {
      const run = await remove({ save_to, environment, github_token, dry_run });
      expect(run).toMatchObject({ exitCode: 1, outputs: {} });
      expect([ids(), names(location)]).toEqual([[id], ALL]);
      expect(errors(run)).toEqual([expect.stringMatching(message)]);
    }
  });

  it('that is none fails before anything is deleted', async () => {
    const location = save();
    const id = put();
    const run = await remove({ github_token: ['ghp', 'x'.repeat(36)].join('_') });
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect([ids(), names(location)]).toEqual([[id], ALL]);
    expect(errors(run)).toEqual([expect.stringMatching(/HTTP 401.*github_token is wrong, has expired/)]);
  });

  it.each<[object, left: string[], RegExp]>([
    [
      { secrets: 'read', variables: 'read' },
      ALL,
      new RegExp(`^The secret ${SECRET} of .* is left over: .*Secrets \\(write\\)`),
    ],
    [
      { secrets: 'write', variables: 'read' },
      [STATE, ID],
      new RegExp(`^The variable ${ID} of .* is left over: .*Variables \\(write\\)`),
    ],
  ])(
    'of %j deletes the client, keeps the variables, and names what it may not delete',
    async (permissions, left, message) => {
      const location = save();
      const id = put();
      const run = await remove({ github_token: emulator.github.addToken(permissions) });
      expect(run).toMatchObject({ exitCode: 1, outputs: { deleted: id } });
      expect([ids(), names(location)]).toEqual([[], left]);
      expect(errors(run)).toEqual([expect.stringMatching(message)]);
    },
  );
});

describe('delete/ keeps saved credentials of another owner, with a warning', () => {
  it.each<[string, (location: SecretLocation) => void]>([
    [
      '…_STATE has another key',
      (location) => location.setVariable(STATE, stateValue(emulator, 'sks_1', { name: 'Deploy' })),
    ],
    [
      '…_STATE has another organization',
      (location) => location.setVariable(STATE, stateValue(emulator, 'sks_1').replace(/org_\d+/, 'org_1')),
    ],
    ['…_STATE is garbage', (location) => location.setVariable(STATE, 'my own thing')],
    ['there is no …_STATE', ({ variables }) => variables.delete(STATE)],
    [
      'there is an id alone',
      ({ variables, secrets }) => {
        variables.delete(STATE);
        secrets.clear();
      },
    ],
    ['there is a secret alone', ({ variables }) => variables.clear()],
  ])('if %s', async (_, change) => {
    const location = save();
    change(location);
    const id = put();
    const left = names(location);
    for (const dry_run of ['true', 'false']) {
      const run = await remove({ dry_run });
      expect(run).toMatchObject({ exitCode: 0, outputs: { deleted: dry_run === 'true' ? '' : id } });
      expect(run.annotations).toHaveLength(1);
      expect(warnings(run)).toEqual([
        left.includes(STATE)
          ? `Not deleting ${NAMES} of ${REPOSITORY}: by ${STATE}, they do not belong to this repository, environment, name and organization.`
          : `Not deleting ${NAMES} of ${REPOSITORY}: there is no ${STATE}, so this action did not save them.`,
      ]);
      expect(names(location)).toEqual(left);
      for (const name of ALL) expect(run.summary).not.toContain(name);
    }
    expect(changesOf(emulator)).toEqual(['deleteClient']);
  });

  it('even if …_CLIENT_ID names a client of ours, until the former name is given', async () => {
    const location = save('', { name: 'Deploy' });
    const id = put();
    location.setVariable(ID, id);
    const run = await remove();
    expect([run.exitCode, warnings(run).length, names(location), ids()]).toEqual([0, 1, ALL, []]);
    const next = await remove({ name: 'Deploy' });
    expect([next.exitCode, next.annotations, names(location)]).toEqual([0, [], []]);
  });
});

describe('delete/ with save_to and client_id', () => {
  const deploy = () => seedSaved(emulator, { identity: { name: 'Deploy' } }).client.client_id;

  it.each<[string, () => string]>([
    ['of ours', () => seedSaved(emulator).client.client_id],
    ['with another key that is for this repository', deploy],
    [
      'that is not there, whatever …_STATE says',
      () => {
        save().setVariable(STATE, 'my own thing');
        return 'm2morg_1';
      },
    ],
    [
      'that is not there, without …_STATE',
      () => {
        save().variables.delete(STATE);
        return 'm2morg_1';
      },
    ],
  ])('deletes the credentials of a client %s', async (_, idOf) => {
    const client_id = idOf();
    const other = put({ environment: 'production' });
    const run = await remove({ client_id });
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect([ids(), names(repository())]).toEqual([[other], []]);
  });

  it.each<[string, () => void]>([
    ['…_STATE is ours', () => {}],
    ['…_STATE is not ours', () => repository().setVariable(STATE, 'my own thing')],
  ])('keeps credentials whose …_CLIENT_ID is another one, with a warning, if %s', async (_, change) => {
    const location = save();
    change();
    const client_id = put();
    const run = await remove({ client_id });
    expect(run).toMatchObject({ exitCode: 0, outputs: { deleted: client_id } });
    expect(warnings(run)).toEqual([expect.stringContaining(`Not deleting ${NAMES} of ${REPOSITORY}: `)]);
    expect([ids(), names(location)]).toEqual([[], ALL]);
  });

  it.each<[string, string]>([
    ['without a marker', 'Made by hand.'],
    ['of another repository', markerLine({ repository: 'acme/elsewhere', repository_id: '99' }, { repo: '99' })],
  ])('refuses a client %s and keeps its credentials', async (_, description) => {
    const location = save();
    const client_id = emulator.seed({ name: 'x', description }).client.client_id;
    location.setVariable(ID, client_id);
    const run = await remove({ client_id });
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(run)).toEqual([expect.stringMatching(`^Client ${client_id} is not `)]);
    expect([ids(), names(location), changesOf(emulator)]).toEqual([[client_id], ALL, []]);
  });
});

describe('delete/ that is cut off', () => {
  const ORDER = ['deleteActionsSecret', 'deleteClient', 'deleteVariable CLIENT_ID', 'deleteVariable STATE'];

  describe.each([false, true])('with client_id: %p', (isNamed) => {
    it.each(ORDER)('after %s can be repeated, and deletes the rest', async (label) => {
      const { client } = seedSaved(emulator);
      const inputs = isNamed ? { client_id: client.client_id } : {};
      const { main } = await cutOff(emulator, 'SIGKILL', ['after', label], (step) => remove(inputs, step));
      expect([main.exitCode, changesOf(emulator)]).toEqual([null, ORDER.slice(0, ORDER.indexOf(label) + 1)]);
      const from = emulator.requests.length;
      const run = await remove(inputs);
      expect([run.exitCode, run.annotations]).toEqual([0, []]);
      expect(changesOf(emulator, from).filter((one) => ORDER.indexOf(one) > ORDER.indexOf(label))).toEqual(
        ORDER.slice(ORDER.indexOf(label) + 1),
      );
      expect([ids(), names(repository())]).toEqual([[], []]);
    });
  });

  it.each(ORDER.slice(0, 3))('by SIGINT at %s fails, keeps …_STATE, and can be repeated', async (label) => {
    seedSaved(emulator);
    const { main } = await cutOff(emulator, 'SIGINT', ['before', label], (step) => remove({}, step));
    expect(main.exitCode).toBe(1);
    expect(errors(main)).toEqual([expect.stringMatching(/^The run was cancelled\./)]);
    expect(names(repository())).toContain(STATE);
    const run = await remove();
    expect([run.exitCode, run.annotations, ids(), names(repository())]).toEqual([0, [], [], []]);
  });
});

describe('delete/ that cannot delete everything', () => {
  const refuse = (operation: Operation, name?: string) =>
    emulator.faults.add({ operation, ...(name && { where: isAbout(name) }), fault: { kind: 'status', status: 403 } });

  it.each<[string, () => void, left: string[], clientLeft: boolean, message: string]>([
    ['the secret', () => refuse('deleteActionsSecret'), ALL, false, `^The secret ${SECRET} of .* is left over: `],
    ['the client', () => refuse('deleteClient'), [STATE, ID], true, '^Client m2morg_\\d+ is left over: .*DELETE '],
    ['…_CLIENT_ID', () => refuse('deleteVariable', ID), [STATE, ID], false, `^The variable ${ID} of .* is left over: `],
    ['…_STATE', () => refuse('deleteVariable', STATE), [STATE], false, `^The variable ${STATE} of .* is left over: `],
  ])('(%s) fails, keeps the variables after it, and can be repeated', async (_, arrange, left, clientLeft, message) => {
    const { client } = seedSaved(emulator);
    arrange();
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 1, outputs: { deleted: clientLeft ? '' : client.client_id } });
    expect(errors(run)).toEqual([expect.stringMatching(message)]);
    expect([names(repository()), ids()]).toEqual([left, clientLeft ? [client.client_id] : []]);
    emulator.faults.clear();
    const next = await remove();
    expect([next.exitCode, next.annotations, ids(), names(repository())]).toEqual([0, [], [], []]);
  });

  it('keeps the variables if one of several clients is left over, and deletes the others', async () => {
    const { client } = seedSaved(emulator);
    const other = put();
    emulator.faults.add({
      operation: 'deleteClient',
      where: ({ path }) => path.endsWith(`/clients/${other}`),
      fault: { kind: 'status', status: 403 },
    });
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 1, outputs: { deleted: client.client_id } });
    expect([ids(), names(repository())]).toEqual([[other], [STATE, ID]]);
  });

  it('keeps the variables if a client was changed meanwhile', async () => {
    const { client } = seedSaved(emulator);
    emulator.faults.add({
      operation: 'getClient',
      fault: { kind: 'edit', edit: (answer) => ({ client: { ...answer.client, description: 'Theirs by now.' } }) },
    });
    const run = await remove();
    expect(run).toMatchObject({ exitCode: 1, outputs: { deleted: '' } });
    expect(errors(run)).toEqual([
      `Client ${client.client_id} is not deleted: its description or its claims have changed.`,
    ]);
    expect([ids(), names(repository())]).toEqual([[client.client_id], [STATE, ID]]);
  });
});
