import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, type Operation, startEmulator } from '../../emulator/index.ts';
import type { Outcome, Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, journalTo, readJournal, seedEarlier, sentTo, warnings } from '../support/action.ts';
import {
  changesOf,
  contents,
  credentialsOf,
  DAY,
  expectNoSecrets,
  FINE_AND_CLASSIC,
  ID,
  type Inputs,
  isAbout,
  keptIn,
  keyOf,
  MINUTE,
  meanwhile,
  NAMES,
  NOTHING,
  operationsOf,
  REPOSITORY,
  repositoryOf,
  SECRET,
  type SecretLocation,
  STATE,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
  writesOf,
} from '../support/saved.ts';
import { useConcurrentTests } from '../support/setup.ts';

// Tests of `save_to`: two variables with the client's id and whose it is, and a secret. saved-*.test.ts has the rest.

let emulator: Emulator;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'saving-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const itWaits = useConcurrentTests();
const save = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, inputs, step);
const repository = () => repositoryOf(emulator);
const stateOf = ({ variables }: SecretLocation = repository()) => variables.get(STATE)?.value;
const urlOf = (name: string, { github } = emulator) => `${github.apiUrl}/repos/${REPOSITORY}/actions/variables/${name}`;

const LOCATIONS: [string, Inputs, (on: Emulator) => SecretLocation, string][] = [
  ['the repository', { save_to: 'repository' }, repositoryOf, '/api/v3/repos/acme/inventory-service/actions/'],
  [
    'an environment',
    { save_to: 'environment', environment: 'preview/pr-7' },
    (on) => repositoryOf(on).addEnvironment('preview/pr-7'),
    '/api/v3/repos/acme/inventory-service/environments/preview%2Fpr-7',
  ],
];

describe('credentials', () => {
  it.each(LOCATIONS)('are saved in %s, and nowhere else', async (_, inputs, locationOf, prefix) => {
    const location = locationOf(emulator);
    const run = await save(inputs);
    expect(errors(run)).toEqual([]);
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'created' }, state: { client: '' } });
    // The emulator opened the sealed box with libsodium.
    expect(keptIn(location)).toEqual(credentialsOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    const paths = emulator.requests.map(({ path }) => path).filter((path) => path.startsWith('/api/v3'));
    for (const path of paths) expect(path.startsWith(prefix)).toBe(true);
    const inRepository = [...repository().variables, ...repository().secrets];
    expect(inRepository).toHaveLength(inputs.save_to === 'repository' ? 3 : 0);
    expect(run.log).toContain(`Saved the credentials as ${NAMES} of `);
    expect(run.summary).toContain(SECRET);
    expectNoSecrets(emulator, run);
    const before = emulator.requests.length;
    expect(await run.post()).toMatchObject({ exitCode: 0, stdout: '' });
    expect(operationsOf(emulator, before)).toEqual([]);
  });

  it('are saved with a variable that says whose they are and which secret it is', async () => {
    const run = await save();
    const [, key] = / key:(\S+) /.exec(emulator.clients()[0]?.description ?? '') ?? [];
    expect(key).toBe(keyOf());
    expect(stateOf()).toBe(`v1 key:${key} organization:${emulator.organization.id} secret:${run.outputs.secret_id}`);
  });

  it.each(LOCATIONS)('are rotated in %s: the same client, the new secret', async (_, inputs, locationOf) => {
    const location = locationOf(emulator);
    const first = await save(inputs);
    const from = emulator.requests.length;
    const second = await save(inputs);
    expect(errors(second)).toEqual([]);
    expect(second.outputs).toMatchObject({ result: 'rotated', client_id: first.outputs.client_id });
    expect(keptIn(location)).toEqual(credentialsOf(second));
    expect(stateOf(location)).toContain(` secret:${second.outputs.secret_id}`);
    // The variable with the id has the right value already.
    expect(changesOf(emulator, from)).toEqual(['addSecret', 'updateVariable STATE', 'putActionsSecret']);
    expect(await credentialsWork(emulator, first.outputs)).toBe(true);
    expect(await credentialsWork(emulator, second.outputs)).toBe(true);
  });

  it('are saved under the names that were asked for', async () => {
    const { variables, secrets } = repository();
    const run = await save({ save_as: 'deploy_m2m' });
    expect(errors(run)).toEqual([]);
    expect(variables.get('DEPLOY_M2M_STATE')?.value).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
    expect(variables.get('DEPLOY_M2M_CLIENT_ID')?.value).toBe(run.outputs.client_id);
    expect(secrets.get('DEPLOY_M2M_CLIENT_SECRET')?.value).toBe(run.outputs.secret);
    expect([variables.size, secrets.size]).toEqual([2, 1]);
  });

  it('are replaced: the new ones are saved before the old client is deleted', async () => {
    const { client } = seedSaved(emulator);
    const run = await save({ on_existing: 'replace' });
    expect(errors(run)).toEqual([]);
    expect(run.outputs).toMatchObject({ result: 'replaced' });
    expect(keptIn(repository())).toEqual(credentialsOf(run));
    expect(changesOf(emulator)).toEqual([
      'createClient',
      'updateVariable STATE',
      'updateVariable CLIENT_ID',
      'putActionsSecret',
      'deleteClient',
    ]);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([run.outputs.client_id]);
    expect(run.outputs.client_id).not.toBe(client.client_id);
  });

  it('are those of the client that client_id names', async () => {
    seedSaved(emulator);
    const { client } = emulator.seed({ name: 'By hand' }, { ageMs: DAY });
    const run = await save({ client_id: client.client_id });
    expect(errors(run)).toEqual([]);
    expect(run.outputs).toMatchObject({ client_id: client.client_id });
    expect(keptIn(repository())).toEqual(credentialsOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it('are masked, recorded, saved and published in that order: …_STATE, …_CLIENT_ID, and the secret last', async () => {
    const { client } = seedEarlier(emulator, { name: 'x' }, { ageMs: DAY });
    seedFormer(emulator);
    const before = { state: stateOf(), client_id: 'm2morg_1' };
    const RUNNER_TEMP = mkdtempSync(path.join(folder, 'temp-'));
    const file = path.join(folder, 'order');
    const order: string[] = [];
    const pending: unknown[] = [];
    const isPending = ({ variables }: { variables?: unknown }) => (variables ? 'variables recorded' : 'published');
    let read = 0;
    const note = () => {
      const lines = readJournal(file);
      for (const { to, text } of lines.slice(read)) {
        const [secret = ''] = emulator.secrets(client.client_id).slice(1);
        if (to === 'output' && text.startsWith('secret<<')) order.push('output');
        const [json] = to === 'state' ? (/^\{.*\}$/m.exec(text) ?? []) : [];
        if (json && (order.length > 0 || json.includes('"variables"'))) order.push(isPending(JSON.parse(json)));
        if (secret && text === `::add-mask::${secret}\n`) order.push('mask');
      }
      read = lines.length;
    };
    emulator.hold = (when, request) => {
      if (!/(create|update)Variable|^put/.test(request.operation)) return;
      if (when === 'before') {
        note();
        const [name = ''] = readdirSync(RUNNER_TEMP);
        const record = JSON.parse(readFileSync(path.join(RUNNER_TEMP, name), 'utf8'));
        order.push(`journal file: ${isPending(record)}`);
        pending.push(record.variables);
      }
      order.push(`${when} ${isAbout(STATE)(request) ? STATE : isAbout(ID)(request) ? ID : SECRET}`);
    };
    const { env, nodeOptions } = journalTo(file);
    const run = await save({}, { nodeOptions, env: { ...env, RUNNER_TEMP } });
    note();
    expect(errors(run)).toEqual([]);
    const written = { state: stateOf(), client_id: client.client_id };
    expect(pending).toEqual([
      ...Array(2).fill(expect.objectContaining({ before: expect.objectContaining(before), written })),
      undefined,
    ]);
    const seen = order.slice(order.indexOf('mask')).filter((what, at, all) => what !== all[at - 1]);
    expect(seen.slice(seen.indexOf('variables recorded'))).toEqual([
      'variables recorded',
      'journal file: variables recorded',
      `before ${STATE}`,
      `after ${STATE}`,
      'journal file: variables recorded',
      `before ${ID}`,
      `after ${ID}`,
      'published',
      'journal file: published',
      `before ${SECRET}`,
      `after ${SECRET}`,
      'output',
    ]);
    expect(seen[0]).toBe('mask');
  });

  it('are saved before the old secret is retired', async () => {
    const { client, secretId } = seedSaved(emulator);
    const run = await save({ keep_secrets: '1' });
    expect(errors(run)).toEqual([]);
    expect(changesOf(emulator)).toEqual(['addSecret', 'updateVariable STATE', 'putActionsSecret', 'deleteSecret']);
    expect(emulator.clients()[0]?.secrets?.map(({ id }) => id)).toEqual([run.outputs.secret_id]);
    expect(run.log).toContain(`Deleted secret ${secretId} of client ${client.client_id}.`);
  });

  it('stay valid longest of all old ones if …_STATE names their secret, even if it is the oldest', async () => {
    const { secretId } = seedSaved(emulator, { secrets: [5, 4, 3].map((days) => ({ ageMs: days * DAY })) });
    const run = await save();
    expect(errors(run)).toEqual([]);
    expect(emulator.clients()[0]?.secrets?.map(({ id }) => id)).toEqual([secretId, run.outputs.secret_id]);
  });

  it('stay saved if the old secret cannot be retired: a warning, no failure', async () => {
    seedSaved(emulator);
    emulator.faults.add({ operation: 'deleteSecret', fault: { kind: 'status', status: 403 } });
    const run = await save({ keep_secrets: '1' });
    expect(run.exitCode).toBe(0);
    expect(warnings(run)).toEqual([expect.stringContaining('is left over')]);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  it('stay saved if the replaced client cannot be deleted: a warning, no failure', async () => {
    const { client } = seedSaved(emulator);
    emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403 } });
    const run = await save({ on_existing: 'replace' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(warnings(run)).toEqual([expect.stringMatching(`client ${client.client_id} is left over: .*DELETE `)]);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  it.each(['outputs cannot be written', 'nothing fails'])('work for good if %s', async (what) => {
    // The request with the secret may have arrived, so it cannot be undone. The saved credentials must work.
    const { credentials } = seedSaved(emulator);
    const env = what === 'nothing fails' ? {} : { GITHUB_OUTPUT: '/dev/full' };
    const run = await save({ keep_secrets: '1' }, { env });
    const now = keptIn(repository());
    expect([run.exitCode, now.client_id]).toEqual([what === 'nothing fails' ? 0 : 1, credentials.client_id]);
    expect((await run.post()).annotations).toEqual([]);
    expect(await credentialsWork(emulator, now as Outcome['outputs'])).toBe(true);
  });

  it.each<[string, boolean, Operation]>([
    ['a new client', false, 'createClient'],
    ['an added secret', true, 'addSecret'],
  ])(
    'whose secret has no id in the response (%s) are saved with secret:unknown and a warning',
    async (_, is, adding) => {
      if (is) seedSaved(emulator);
      const withoutIds = (answer: object) => {
        const { secret: _, client, ...rest } = answer as { secret?: object; client?: object };
        return { ...rest, ...(client && { client: { ...client, secrets: undefined } }) };
      };
      emulator.faults.add({ operation: adding, fault: { kind: 'edit', edit: withoutIds } });
      if (!is) emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit: withoutIds } });
      const run = await save();
      expect(run).toMatchObject({ exitCode: 0, outputs: { secret_id: '' } });
      expect(warnings(run)).toEqual([
        expect.stringMatching(`did not show the id of the new secret, so ${STATE} names`),
      ]);
      expect(stateOf()).toBe(stateValue(emulator, 'unknown'));
      expect(keptIn(repository())).toEqual(credentialsOf(run));
      expect(await credentialsWork(emulator, run.outputs)).toBe(true);
      emulator.faults.clear();
      const next = await save({ on_existing: 'reuse' });
      expect(next.outputs).toMatchObject({ result: 'rotated', client_id: run.outputs.client_id });
      expect(next.log).toContain('since it is not known which secret is saved');
      expect((await save({ on_existing: 'reuse' })).outputs).toMatchObject({ result: 'reused' });
    },
  );
});

describe('a refusal', () => {
  const MESSAGE = 'Resource not accessible by personal access token';
  const status = (status: number): Fault => ({ kind: 'status', status, body: { message: MESSAGE } });
  const refuse = (name: string, status_: number) =>
    emulator.faults.add(
      ...(['createVariable', 'updateVariable', 'putActionsSecret'] as const).map((operation) => ({
        operation,
        where: isAbout(name),
        fault: status(status_),
      })),
    );

  const saved: [what: string, arrange: () => void, restoring: string[]][] = [
    ['nothing is', () => {}, ['deleteVariable CLIENT_ID', 'deleteVariable STATE']],
    ["a former client's are", () => seedFormer(emulator), ['updateVariable CLIENT_ID', 'updateVariable STATE']],
    [
      '…_STATE alone is',
      () => repository().setVariable(STATE, stateValue(emulator, 'sks_1'), DAY),
      ['deleteVariable CLIENT_ID', 'updateVariable STATE'],
    ],
  ];
  describe.each(saved)('if %s saved', (_what, seedOthers, restoring) => {
    /** Adds a client that has drifted, and what is saved. @returns the client's credentials */
    const arrange = () => {
      const { client, plainSecrets } = seedEarlier(emulator, { scopes: ['b'] }, { ageMs: DAY });
      seedOthers();
      return { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
    };

    it.each<[string, string, number, written: number]>([
      ['variables', STATE, 403, 0],
      ['variables', STATE, 422, 0],
      ['variables', ID, 403, 1],
      ['variables', ID, 422, 1],
      ['secrets', SECRET, 403, 2],
      ['secrets', SECRET, 404, 2],
      ['secrets', SECRET, 422, 2],
    ])('of the %s (%s, %d) undoes everything, and says so', async (permission, name, code, written) => {
      const credentials = arrange();
      const before = contents(emulator);
      refuse(name, code);
      const run = await save({ scopes: 'a', keep_secrets: '1' });
      expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
      const [message = ''] = errors(run);
      const kind = name === SECRET ? 'secret' : 'variable';
      expect(message).toMatch(
        new RegExp(`^Could not write ${kind} ${name} of ${REPOSITORY}: HTTP ${code}: ${MESSAGE}\\.`),
      );
      if (code !== 422) expect(message).toMatch(FINE_AND_CLASSIC[permission as 'secrets' | 'variables']);
      for (const one of [ID, STATE].slice(2 - written))
        expect(message).toContain(`Restored variable ${one} of ${REPOSITORY}.`);
      expect(message).toMatch(/^Removed again: secret sks_\d+ of client m2morg_\d+\.$/m);
      expect(message).toMatch(/^Restored: scopes of client m2morg_\d+\.$/m);
      const undone = [...restoring.slice(2 - written), 'deleteSecret', 'updateClient'];
      expect(changesOf(emulator).slice(-undone.length)).toEqual(undone);
      expect(contents(emulator)).toEqual(before);
      expect(await credentialsWork(emulator, credentials)).toBe(true);
      const from = emulator.requests.length;
      expect([(await run.post()).stdout, operationsOf(emulator, from)]).toEqual(['', []]);
      expectNoSecrets(emulator, run);
    });
  });

  it('of the secret restores …_STATE alone if …_CLIENT_ID did not have to change', async () => {
    const { credentials } = seedSaved(emulator);
    const before = contents(emulator);
    refuse(SECRET, 403);
    const run = await save();
    expect([run.exitCode, contents(emulator)]).toEqual([1, before]);
    expect(changesOf(emulator)).toEqual([
      'addSecret',
      'updateVariable STATE',
      'putActionsSecret',
      'updateVariable STATE',
      'deleteSecret',
    ]);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
    // The time of …_STATE is now later than that of GitHub's secret.
    const next = await saveWith(await ended(emulator), { on_existing: 'reuse' });
    expect(next.outputs).toMatchObject({ result: 'rotated' });
    expect(next.log).toContain('since saving was cut off before the secret was written');
  });

  /** Removes the faults. */
  const ended = async (on: Emulator) => {
    on.faults.clear();
    return on;
  };

  it.each<[string, number]>([
    [STATE, 1],
    [ID, 2],
    [SECRET, 3],
  ])('of %s leaves no new client behind', async (name, writes) => {
    refuse(name, 422);
    const run = await save();
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect(errors(run)[0]).toMatch(/^Removed again: client m2morg_\d+\.$/m);
    expect(contents(emulator)).toEqual(NOTHING);
    expect(changesOf(emulator)).toEqual([
      'createClient',
      ...['createVariable STATE', 'createVariable CLIENT_ID', 'putActionsSecret'].slice(0, writes),
      ...['deleteVariable CLIENT_ID', 'deleteVariable STATE'].slice(3 - writes),
      'deleteClient',
    ]);
  });

  it('of the secret keeps the client that was to be replaced', async () => {
    const { credentials } = seedSaved(emulator);
    const before = contents(emulator);
    refuse(SECRET, 403);
    const run = await save({ on_existing: 'replace' });
    expect([run.exitCode, contents(emulator)]).toEqual([1, before]);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
  });

  it('of the secret takes back the mark that it is published, so that post removes what roll-back could not', async () => {
    const { credentials } = seedSaved(emulator);
    const before = contents(emulator);
    refuse(SECRET, 403);
    emulator.faults.add({ operation: 'deleteSecret', call: 1, fault: status(403) });
    const run = await save();
    expect(errors(run)[0]).toMatch(/left over: .*HTTP 403.*DELETE /);
    const { secret, variables } = JSON.parse(run.state.client ?? '');
    expect(secret).toMatchObject({ client_id: credentials.client_id, id: expect.stringMatching(/^sks_/) });
    expect(variables).toBeUndefined();
    const post = await run.post();
    expect([post.exitCode, post.annotations, contents(emulator)]).toEqual([0, [], before]);
  });

  it.each<[string, object]>([
    ['secret', { secrets: 'read' }],
    ['variable', { variables: 'read' }],
  ])('meets a token that may read but not write the %s', async (kind, permissions) => {
    const github_token = emulator.github.addToken({ secrets: 'write', variables: 'write', ...permissions });
    const run = await save({ github_token });
    expect([run.exitCode, contents(emulator)]).toEqual([1, NOTHING]);
    expect(errors(run)[0]).toMatch(FINE_AND_CLASSIC[kind === 'secret' ? 'secrets' : 'variables']);
  });

  it('for a public key that is none comes before the secret is sent', async () => {
    const edit = (answer: object) => ({ ...answer, key: 'AAAA' });
    emulator.faults.add({ operation: 'getPublicKey', fault: { kind: 'edit', edit } });
    const run = await save();
    expect([run.exitCode, contents(emulator)]).toEqual([1, NOTHING]);
    expect(sentTo(emulator, 'putActionsSecret')).toEqual([]);
  });

  const theirState = () => stateValue(emulator, 'sks_9');
  const FORMER = () => ({ [STATE]: stateValue(emulator, 'sks_1'), [ID]: 'm2morg_1' });
  it.each<[string, () => void, (written: object) => object, restored: string[], isNamed: boolean]>([
    [
      'both variables',
      () => {
        repository().setVariable(STATE, theirState());
        repository().setVariable(ID, 'm2morg_9');
      },
      () => ({ [STATE]: theirState(), [ID]: 'm2morg_9' }),
      [],
      true,
    ],
    [
      '…_STATE, and restores …_CLIENT_ID alone',
      () => repository().setVariable(STATE, theirState()),
      () => ({ ...FORMER(), [STATE]: theirState() }),
      ['updateVariable CLIENT_ID'],
      true,
    ],
    [
      '…_CLIENT_ID, and restores …_STATE alone',
      () => repository().setVariable(ID, 'm2morg_9'),
      () => ({ ...FORMER(), [ID]: 'm2morg_9' }),
      ['updateVariable STATE'],
      false,
    ],
    ['the secret', () => repository().setSecret(SECRET, 'theirs'), (written) => written, [], false],
    ['neither variable, because both are gone', () => repository().variables.clear(), () => ({}), [], true],
  ])('does not restore what another run has written since: %s', async (_, change, expected, restored, isNamed) => {
    seedFormer(emulator);
    refuse(SECRET, 403);
    let written: object = {};
    meanwhile(emulator, ['after', 'updateVariable CLIENT_ID'], () => {
      written = contents(emulator).variables;
      change();
    });
    const run = await save();
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(contents(emulator)).toMatchObject({ clients: [], variables: expected(written) });
    expect(writesOf(emulator).slice(3)).toEqual(restored);
    expect(errors(run)[0]?.includes(`Not restored: variable ${STATE} of ${REPOSITORY}. It was changed since`)).toBe(
      isNamed,
    );
    const from = emulator.requests.length;
    expect(await run.post()).toMatchObject({ exitCode: 0, stdout: '' });
    expect(operationsOf(emulator, from)).toEqual([]);
  });

  it('whose variables cannot be restored names the calls that do, in their order, and post tries again', async () => {
    seedEarlier(emulator, {}, { ageMs: DAY });
    seedFormer(emulator);
    const former = stateOf();
    refuse(SECRET, 403);
    emulator.faults.add({ operation: 'updateVariable', where: isAbout(ID), call: 2, fault: status(403) });
    const before = contents(emulator);
    const run = await save();
    const calls = [`PATCH ${urlOf(ID)} with the value "m2morg_1"`, `PATCH ${urlOf(STATE)} with the value "${former}"`];
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toContain(calls.join('; '));
    expect(contents(emulator)).not.toEqual(before);
    const post = await run.post();
    expect([post.exitCode, post.annotations, contents(emulator)]).toEqual([0, [], before]);
  });
});

describe('just before the first variable is written', () => {
  const THEIRS = 'v1 key:AAAAAAAAAAAAAAAA organization:org_1 secret:sks_1';

  it.each<[string, boolean, string]>([
    ['create', false, 'createClient'],
    ['rotate', true, 'addSecret'],
  ])('the owner is checked again: what this run made is removed if it changed since (%s)', async (_, is, made) => {
    if (is) seedSaved(emulator, { fields: { scopes: ['b'] } });
    const before = contents(emulator);
    meanwhile(emulator, ['after', made], () => repository().setVariable(STATE, THEIRS));
    const run = await save({ scopes: 'a' });
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect(errors(run)[0]).toContain(`variable ${STATE} says that they are saved for another client`);
    expect(errors(run)[0]).toContain(`DELETE ${urlOf(STATE)}`);
    expect(contents(emulator)).toEqual({ ...before, variables: { ...before.variables, [STATE]: THEIRS } });
    expect(writesOf(emulator)).toEqual([]);
  });

  it('what is there is read again, and a refusal of the secret restores that', async () => {
    seedSaved(emulator);
    meanwhile(emulator, ['after', 'addSecret'], () => {
      repository().setVariable(STATE, stateValue(emulator, 'sks_8'), MINUTE);
      repository().setVariable(ID, 'm2morg_8', MINUTE);
      repository().setSecret(SECRET, 'saved meanwhile', MINUTE);
    });
    emulator.faults.add({ operation: 'putActionsSecret', fault: { kind: 'status', status: 403 } });
    const run = await save();
    expect(run.exitCode).toBe(1);
    expect(contents(emulator)).toMatchObject({
      clients: [{ secrets: [{}] }],
      variables: { [STATE]: stateValue(emulator, 'sks_8'), [ID]: 'm2morg_8' },
    });
  });

  it('a failure to read it again undoes everything', async () => {
    seedSaved(emulator);
    const before = contents(emulator);
    emulator.faults.add({
      operation: 'getVariable',
      where: () => sentTo(emulator, 'addSecret').length > 0,
      fault: { kind: 'status', status: 403 },
    });
    const run = await save();
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect(contents(emulator)).toEqual(before);
  });
});

describe.each([
  ['STATE', STATE],
  ['CLIENT_ID', ID],
])('the variable …_%s', (short, name) => {
  it('is changed if another run of the same owner makes it at the same moment', async () => {
    const theirs = name === STATE ? stateValue(emulator, 'sks_9') : 'm2morg_9';
    meanwhile(emulator, ['before', `createVariable ${short}`], () => repository().setVariable(name, theirs));
    const run = await save();
    expect(errors(run)).toEqual([]);
    expect(writesOf(emulator).filter((label) => label.endsWith(short))).toEqual([
      `createVariable ${short}`,
      `updateVariable ${short}`,
    ]);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  it('is made if somebody else deletes it at the same moment', async () => {
    repository().setVariable(STATE, stateValue(emulator, 'sks_1'), DAY);
    if (name === ID) repository().setVariable(ID, 'm2morg_1', DAY);
    meanwhile(emulator, ['before', `updateVariable ${short}`], () => repository().variables.delete(name));
    const run = await save();
    expect(errors(run)).toEqual([]);
    expect(writesOf(emulator).filter((label) => label.endsWith(short))).toEqual([
      `updateVariable ${short}`,
      `createVariable ${short}`,
    ]);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  const unanswered: [string, Fault][] = [
    ['a reset', { kind: 'reset' }],
    ['500', { kind: 'status', status: 500 }],
    ['a response cut off', { kind: 'truncate' }],
  ];
  it.each(unanswered)('is written again if there is no usable response (%s)', async (_, fault) => {
    emulator.faults.add({ operation: 'createVariable', where: isAbout(name), times: 1, when: 'after', fault });
    const run = await save();
    expect(errors(run)).toEqual([]);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  itWaits(`fails the step if it never arrives, and everything is undone (…_${short})`, async (isolated) => {
    seedEarlier(isolated, {}, { ageMs: DAY });
    seedFormer(isolated);
    const before = contents(isolated);
    isolated.faults.add({ operation: 'updateVariable', where: isAbout(name), fault: { kind: 'reset' }, times: 5 });
    const run = await saveWith(isolated);
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect(contents(isolated)).toEqual(before);
  });

  itWaits(`is written if it arrives, though no response does (…_${short})`, async (isolated) => {
    seedFormer(isolated);
    isolated.faults.add({
      operation: 'updateVariable',
      where: isAbout(name),
      when: 'after',
      fault: { kind: 'reset' },
    });
    const run = await saveWith(isolated);
    expect([errors(run), keptIn(repositoryOf(isolated))]).toEqual([[], credentialsOf(run)]);
  });
});

describe('the secret’s request', () => {
  const FAULTS: [string, Fault][] = [
    ['no response in time', { kind: 'hang' }],
    ['a reset', { kind: 'reset' }],
    ['a connection closed without a response', { kind: 'close' }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503, headers: { 'retry-after': '0' } }],
    ['408', { kind: 'status', status: 408 }],
  ];
  /** Limits the time of a step that waits for a response. A busy machine needs seconds to start a step. */
  const timeoutFor = ({ kind }: Fault): Inputs => (kind === 'hang' ? { timeout: '16' } : {});

  for (const [name, fault] of FAULTS)
    for (const when of ['before', 'after'] as const)
      itWaits(`that meets ${name}, ${when} the work, is sent again`, async (isolated) => {
        const { credentials } = seedSaved(isolated);
        isolated.faults.add({ operation: 'putActionsSecret', times: 1, when, fault });
        const run = await saveWith(isolated, timeoutFor(fault));
        expect(errors(run)).toEqual([]);
        expect(run).toMatchObject({ exitCode: 0, outputs: { client_id: credentials.client_id } });
        expect(sentTo(isolated, 'putActionsSecret')).toHaveLength(2);
        expect(keptIn(repositoryOf(isolated))).toEqual(credentialsOf(run));
        expect(await credentialsWork(isolated, run.outputs)).toBe(true);
      });

  const MIXED =
    /^Could not write secret .*Could not determine whether GitHub has the new secret of client m2morg_\d+\. The new secret and those before it stay valid\. Until the next run, the saved client id and secret may not belong together\./;

  /**
   * Checks a step whose outcome is unknown: both secrets are valid, nothing is undone, post does nothing, and the next
   * `reuse` repairs it if the secret did not arrive.
   */
  const checkUnknown = async (isolated: Emulator, run: Awaited<ReturnType<typeof saveWith>>, arrived: boolean) => {
    const client_id = isolated.clients().at(-1)?.client_id ?? '';
    const secret = isolated.secrets(client_id).at(-1) ?? '';
    const secretId = isolated.clients().at(-1)?.secrets?.at(-1)?.id ?? '';
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect(errors(run)).toEqual([expect.stringMatching(MIXED)]);
    expect(await credentialsWork(isolated, { client_id, secret })).toBe(true);
    expect(changesOf(isolated).at(-1)).toBe('putActionsSecret');
    expect(contents(isolated).variables).toEqual({ [STATE]: stateValue(isolated, secretId), [ID]: client_id });
    const from = isolated.requests.length;
    expect(await run.post()).toMatchObject({ exitCode: 0, stdout: '' });
    expect(operationsOf(isolated, from)).toEqual([]);
    expectNoSecrets(isolated, run);
    isolated.faults.clear();
    const next = await saveWith(isolated, { on_existing: 'reuse' });
    expect(next.outputs).toMatchObject({ client_id, result: arrived ? 'reused' : 'rotated' });
    const kept = keptIn(repositoryOf(isolated));
    expect(kept).toEqual(arrived ? { client_id, secret } : credentialsOf(next));
    expect(await credentialsWork(isolated, kept as Outcome['outputs'])).toBe(true);
  };

  for (const [name, fault] of FAULTS.slice(0, 4))
    for (const when of ['before', 'after'] as const)
      itWaits(
        `whose outcome stays unknown (${name}, ${when} the work) fails the step and keeps both secrets valid`,
        async (isolated) => {
          const { credentials } = seedSaved(isolated, { ageMs: MINUTE });
          isolated.faults.add({ operation: 'putActionsSecret', when, fault });
          const run = await saveWith(isolated, { ...timeoutFor(fault), keep_secrets: '1' });
          expect(await credentialsWork(isolated, credentials)).toBe(true);
          await checkUnknown(isolated, run, when === 'after');
        },
      );

  for (const when of ['before', 'after'] as const) {
    itWaits(`whose outcome stays unknown keeps a new client (${when} the work)`, async (isolated) => {
      isolated.faults.add({ operation: 'putActionsSecret', when, fault: { kind: 'status', status: 502 } });
      await checkUnknown(isolated, await saveWith(isolated), when === 'after');
    });

    itWaits(`whose outcome stays unknown keeps the client to be replaced (${when} the work)`, async (isolated) => {
      const { credentials } = seedSaved(isolated, { ageMs: MINUTE });
      isolated.faults.add({ operation: 'putActionsSecret', when, fault: { kind: 'status', status: 502 } });
      const run = await saveWith(isolated, { on_existing: 'replace' });
      expect(await credentialsWork(isolated, credentials)).toBe(true);
      await checkUnknown(isolated, run, when === 'after');
    });
  }

  itWaits('that is refused after a sending that may have arrived has an unknown outcome', async (isolated) => {
    const { credentials } = seedSaved(isolated, { ageMs: MINUTE });
    isolated.faults.add(
      { operation: 'putActionsSecret', call: 1, when: 'after', fault: { kind: 'reset' } },
      { operation: 'putActionsSecret', call: 2, fault: { kind: 'status', status: 403, body: { message: 'No.' } } },
    );
    const run = await saveWith(isolated);
    expect(errors(run)[0]).toContain('HTTP 403: No.');
    expect(await credentialsWork(isolated, credentials)).toBe(true);
    await checkUnknown(isolated, run, true);
  });

  itWaits('whose outcome stays unknown keeps a correction, and the error names it', async (isolated) => {
    const { client } = seedSaved(isolated, { fields: { scopes: ['b'] } });
    isolated.faults.add({ operation: 'putActionsSecret', fault: { kind: 'status', status: 502 } });
    const run = await saveWith(isolated, { scopes: 'a' });
    expect(errors(run)[0]).toMatch(MIXED);
    expect(errors(run)[0]).toContain(`Client ${client.client_id} may still have updated fields: scopes.`);
    expect(isolated.clients()[0]?.scopes).toEqual(['a']);
  });
});

describe('after the secret was answered', () => {
  const OTHERS: Record<string, () => string> = { [STATE]: () => stateValue(emulator, 'sks_9'), [ID]: () => 'm2morg_9' };

  it.each<[string, string[]]>([
    ['both variables are', [STATE, ID]],
    ['…_STATE is', [STATE]],
    ['…_CLIENT_ID is', [ID]],
  ])('both variables are written again, with a warning, if %s another run’s', async (_, names) => {
    seedSaved(emulator);
    meanwhile(emulator, ['before', 'putActionsSecret'], () => {
      for (const name of names) repository().setVariable(name, OTHERS[name]?.() ?? '');
    });
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
    expect(keptIn(repository())).toEqual(credentialsOf(run));
    expect(stateOf()).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
  });

  it('variables that another run deleted are created again, with a warning', async () => {
    meanwhile(emulator, ['before', 'putActionsSecret'], () => repository().variables.clear());
    const run = await save();
    expect([run.exitCode, warnings(run).length]).toEqual([0, 1]);
    expect(writesOf(emulator).slice(-2)).toEqual(['createVariable STATE', 'createVariable CLIENT_ID']);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  it('variables that cannot be written again are a warning that id and secret may not belong together', async () => {
    seedSaved(emulator);
    meanwhile(emulator, ['before', 'putActionsSecret'], () => {
      for (const name of [STATE, ID]) repository().setVariable(name, OTHERS[name]?.() ?? '');
      emulator.faults.add({ operation: 'updateVariable', fault: { kind: 'status', status: 403 } });
    });
    const run = await save();
    expect([run.exitCode, errors(run)]).toEqual([0, []]);
    expect(warnings(run).slice(1)).toEqual(
      [STATE, ID].map((name) => expect.stringMatching(`may not belong together: .*${name} of `)),
    );
  });

  it('variables that cannot be read are no failure', async () => {
    seedSaved(emulator);
    emulator.faults.add({
      operation: 'getVariable',
      where: () => sentTo(emulator, 'putActionsSecret').length > 0,
      fault: { kind: 'status', status: 403 },
    });
    const run = await save();
    expect([run.exitCode, run.annotations]).toEqual([0, []]);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });
});

describe('two runs at once', () => {
  it.each<[string, Inputs, boolean]>([
    ['the first ones', {}, false],
    ['rotate', { on_existing: 'rotate' }, true],
    ['the first ones, to reuse', { on_existing: 'reuse' }, false],
  ])('(%s) end with working credentials saved', async (_, inputs, there) => {
    if (there) seedSaved(emulator);
    const runs = await Promise.all([save(inputs), save(inputs)]);
    for (const run of runs) expect([errors(run), run.exitCode]).toEqual([[], 0]);
    const now = keptIn(repository());
    expect(await credentialsWork(emulator, now as Outcome['outputs'])).toBe(true);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([now.client_id]);
    expect(runs.map(({ outputs }) => outputs.secret)).toContain(now.secret);
  });
});
