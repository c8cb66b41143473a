import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, type Operation, startEmulator } from '../../emulator/index.ts';
import type { Executed, Step } from '../../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  journalTo,
  markerLine,
  notices,
  REPOSITORY_CLAIMS,
  readable,
  readJournal,
  runAction,
  secretsOf,
  seedEarlier,
  sentTo,
  warnings,
} from '../support/action.ts';

// Tests with a client that exists before the step runs.

type Fields = Parameters<Emulator['seed']>[0];
type Options = NonNullable<Parameters<Emulator['seed']>[1]>;
// biome-ignore lint/suspicious/noExplicitAny: the tests know the JSON of the responses.
type Answer = any;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NAME = 'GitHub Actions: acme/inventory-service';
const LINE = markerLine();
const READS: Operation[] = ['token', 'listClients', 'getClient', 'organizationByExternalId'];

let emulator: Emulator;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'existing-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const run = (inputs: Record<string, string> = {}, step: Step = {}) => runAction(emulator, { ...step, inputs });
/** Adds a client to the emulator like one that a run without inputs created yesterday. */
const seedOurs = (fields: Fields = {}, options: Options = {}) =>
  seedEarlier(emulator, { description: `Ours.\n${LINE}`, ...fields }, { ageMs: DAY, ...options });
const sent = (from = 0) => emulator.requests.slice(from).map(({ operation }) => operation);
/** The response if the API credentials may do everything but delete. */
const MAY_NOT_DELETE: Fault = { kind: 'status', status: 403, body: { code: 7, message: 'permission denied' } };
/** What a warning says of it. */
const MISSING_PERMISSION =
  'HTTP 403: permission denied. The API credentials in scalekit_client_id may not delete clients and secrets. They need the permission api_credentials:rotate.';
const lastPart = ({ path: url }: { path: string }) => url.split('/').at(-1) ?? '';
const deletedSecrets = () => sentTo(emulator, 'deleteSecret').map(lastPart);
const clientIds = () => emulator.clients().map(({ client_id }) => client_id);
const clientUrl = (...ids: string[]) =>
  [`${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients`, ...ids].join('/');
/** Changes the clients in the emulator's responses to reads or lists. */
const editClients = (operation: 'listClients' | 'getClient', change: (client: Answer) => Answer) =>
  emulator.faults.add({
    operation,
    fault: {
      kind: 'edit',
      edit: (answer: Answer) => ({
        ...answer,
        ...(answer.client && { client: change(answer.client) }),
        ...(answer.clients && { clients: answer.clients.map(change) }),
      }),
    },
  });

async function expectRefusal(executed: Executed, message: RegExp, before: unknown[]): Promise<void> {
  expect(errors(executed)).toEqual([expect.stringMatching(message)]);
  expect(executed).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
  expect(sent().filter((operation) => !READS.includes(operation))).toEqual([]);
  expect(emulator.clients()).toEqual(before);
}

describe('rotate', () => {
  it('gives the client of the run before one more secret: both work, and nothing else is sent', async () => {
    const first = await run();
    const before = sent().length;
    const second = await run();
    expect(errors(second)).toEqual([]);
    const [client, ...others] = emulator.clients();
    expect(others).toEqual([]);
    expect(second.outputs).toEqual({
      client_id: first.outputs.client_id,
      secret: emulator.secrets().at(-1),
      secret_id: client?.secrets?.at(-1)?.id,
      organization_id: emulator.organization.id,
      result: 'rotated',
    });
    expect(sent(before)).toEqual(['token', 'listClients', 'addSecret', 'token']);
    expect(second.outputs.secret).not.toBe(first.outputs.secret);
    expect([await credentialsWork(emulator, first.outputs), await credentialsWork(emulator, second.outputs)]).toEqual([
      true,
      true,
    ]);
    expect(second.masks).toContain(second.outputs.secret);
    for (const secret of secretsOf(emulator)) expect(readable(second)).not.toContain(secret);
    const post = await second.post();
    expect([post.stdout, await credentialsWork(emulator, second.outputs)]).toEqual(['', true]);
  });

  const named = markerLine({ name: 'Deployer' });
  it.each<[string, Fields, Record<string, string>, Fields]>([
    ['scopes', { scopes: ['a', 'c'] }, { scopes: 'a b' }, { scopes: ['a', 'b'] }],
    ['scopes that are missing', {}, { scopes: 'a b' }, { scopes: ['a', 'b'] }],
    ['audience', { audience: ['x', 'y'] }, { audience: 'x' }, { audience: ['x'] }],
    [
      'claims',
      { custom_claims: [...REPOSITORY_CLAIMS, { key: 'team', value: 'old' }] },
      { custom_claims: 'team=new' },
      { custom_claims: [...REPOSITORY_CLAIMS, { key: 'team', value: 'new' }] },
    ],
    [
      'a claim too many',
      { custom_claims: [...REPOSITORY_CLAIMS, { key: 'team', value: 'x' }] },
      {},
      { custom_claims: REPOSITORY_CLAIMS },
    ],
    ['expiry', { expiry: 900 }, { expiry: '600' }, { expiry: 600 }],
    ['name', { name: 'Old', description: named }, { name: 'Deployer' }, { name: 'Deployer' }],
    ['description', {}, { description: 'New.\nYes.' }, { description: `New.\nYes.\n${LINE}` }],
    [
      'all at once',
      { name: 'Old', description: `Old.\n${named}`, scopes: ['b'], audience: ['y'], custom_claims: [], expiry: 900 },
      { name: 'Deployer', description: 'New.', scopes: 'a', audience: 'x', expiry: '600' },
      {
        name: 'Deployer',
        description: `New.\n${named}`,
        scopes: ['a'],
        audience: ['x'],
        custom_claims: REPOSITORY_CLAIMS,
        expiry: 600,
      },
    ],
  ])('corrects with one PATCH, and nothing besides: %s', async (_, fields, inputs, body) => {
    const { client } = seedOurs(fields);
    const executed = await run(inputs);
    expect(errors(executed)).toEqual([]);
    expect(sentTo(emulator, 'updateClient').map(({ body }) => body)).toEqual([body]);
    expect(sent()).toEqual(['token', 'listClients', 'updateClient', 'addSecret', 'token']);
    expect(emulator.clients()).toEqual([
      expect.objectContaining({ ...body, ...(body.expiry && { expiry: String(body.expiry) }) }),
    ]);
    expect(executed.outputs).toMatchObject({ client_id: client.client_id, result: 'rotated' });
    expect(executed.log).toContain(`Updated client ${client.client_id}: `);
  });

  it.each<[string, Fields, Record<string, string>]>([
    [
      'name, description and expiry that were not given',
      { name: 'Other', description: `Other.\n${LINE}`, expiry: 7 },
      {},
    ],
    ['a description without words of its own', { description: LINE }, {}],
    ['the same description', { description: `Same.\n\n[x]\n${LINE}` }, { description: 'Same.\n\n[x]' }],
    ['the same expiry', { expiry: 600 }, { expiry: '600' }],
    ['scopes in another order, one twice', { scopes: ['b', 'a', 'b'] }, { scopes: 'a b' }],
    ['an audience in another order', { audience: ['y', 'x'] }, { audience: 'x y' }],
    ['claims in another order', { custom_claims: REPOSITORY_CLAIMS.toReversed() }, {}],
  ])('sends no PATCH because of %s', async (_, fields, inputs) => {
    const { client } = seedOurs(fields);
    const executed = await run(inputs);
    expect(errors(executed)).toEqual([]);
    expect(sent()).toEqual(['token', 'listClients', 'addSecret', 'token']);
    expect(executed.outputs.client_id).toBe(client.client_id);
  });

  it.each([false, 'zero'] as const)('leaves an expiry alone that responses do not tell: %j', async (expiryInAnswer) => {
    emulator.behaviour.expiryInAnswer = expiryInAnswer;
    seedOurs({ expiry: 900 });
    const executed = await run({ expiry: '600' });
    expect([errors(executed), emulator.clients()[0]?.expiry]).toEqual([[], '900']);
  });
});

/**
 * Rotates a client that has secrets of these ages.
 * @param ages such as `3h`, `5m`, or `2h off` for a deactivated secret. They also serve as names of the secrets
 */
async function rotateWith(keep_secrets: string, ages: string[]) {
  const secrets = ages.map((age) => {
    const [, count, unit, off] = /^(\d+)([hm])( off)?$/.exec(age) ?? [];
    return { ageMs: Number(count) * (unit === 'h' ? 60 : 1) * MINUTE, inactive: off !== undefined };
  });
  const { client } = seedOurs({}, { secrets });
  const executed = await run({ keep_secrets });
  expect(errors(executed)).toEqual([]);
  const names = new Map(client.secrets?.map(({ id }, at) => [id, ages[at] ?? '']));
  const name = (id: string) => names.get(id) ?? 'new';
  const remaining = emulator.clients()[0]?.secrets?.map(({ id }) => name(id)) ?? [];
  return {
    ...executed,
    deleted: deletedSecrets().map(name),
    remaining,
    idOf: (age: string) => client.secrets?.[ages.indexOf(age)]?.id,
  };
}

describe.each(['newest', 'random'] as const)('the secrets that a rotation retires, listed %s', (order) => {
  beforeEach(() => {
    emulator.behaviour.secretOrder = order;
  });

  it.each<[keep: string, ages: string[], deleted: string[]]>([
    ['1', ['3h', '5m'], ['3h', '5m']],
    ['1', ['5m off', '3h'], ['5m off', '3h']],
    ['2', ['3h', '2h', '1h'], ['3h', '2h']],
    ['2', ['2h', '5m'], ['2h']],
    ['2', ['2h', '59m', '5m'], ['2h']],
    ['2', ['1h', '5m'], ['1h']],
    ['2', ['59m', '5m'], []],
    ['2', ['3h', '2h off'], ['2h off']],
    ['3', ['4h', '3h', '5m'], ['4h']],
    ['4', ['5h', '4h', '3h', '2h'], ['5h']],
    ['5', ['5h', '4h', '3h', '2h'], []],
  ])('are with keep_secrets: %s, of %j, %j', async (keep, ages, expected) => {
    const { deleted, remaining, annotations } = await rotateWith(keep, ages);
    expect(deleted).toEqual(expected);
    expect(remaining).toEqual([...ages.filter((age) => !expected.includes(age)), 'new']);
    expect(annotations).toEqual([]);
    expect(sent().slice(0, 4)).toEqual(['token', 'listClients', 'addSecret', 'token']);
  });

  it.each<[keep: string, ages: string[], first: string, retired: string[]]>([
    ['5', ['5m', '4m', '3m', '2m', '1m'], '5m', []],
    ['5', ['1m', '2m', '3m', '4m', '5m'], '5m', []],
    ['5', ['5h', '4h', '3h', '2h off', '1m'], '2h off', []],
    ['5', ['5m', '4m', '3m off', '2m', '1m'], '3m off', []],
    ['2', ['5h', '4h', '3h', '2h', '1m'], '5h', ['4h', '3h', '2h']],
    ['1', ['5m', '4m', '3m', '2m', '1m'], '5m', ['4m', '3m', '2m', '1m']],
  ])(
    'make room if there are as many as Scalekit allows, with a warning: keep_secrets: %s, of %j',
    async (keep, ages, first, retired) => {
      const { deleted, idOf, ...executed } = await rotateWith(keep, ages);
      expect(deleted).toEqual([first, ...retired]);
      expect(sent().slice(0, 6)).toEqual(['token', 'listClients', 'addSecret', 'deleteSecret', 'addSecret', 'token']);
      expect(executed.annotations).toEqual([{ kind: 'warning', message: expect.stringContaining(`${idOf(first)}`) }]);
      expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
    },
  );
});

it('a secret that was deleted to make room is named if the new credentials do not work', async () => {
  const { client } = seedOurs({}, { secrets: 5 });
  emulator.behaviour.tokenChanges = () => undefined;
  const executed = await run();
  const [first, ...rest] = client.secrets ?? [];
  expect([executed.exitCode, executed.outputs]).toEqual([1, {}]);
  expect(errors(executed)[0]).toMatch(new RegExp(`\nSecret ${first?.id} .*cannot be brought back\\.$`));
  expect(emulator.clients()[0]?.secrets?.map(({ id }) => id)).toEqual(rest.map(({ id }) => id));
});

describe('retirement', () => {
  it('says why a secret that was just created is kept', async () => {
    const { log, idOf } = await rotateWith('2', ['10m', '5m']);
    expect(log).toContain(`Not deleting secret ${idOf('10m')}: it is younger than an hour`);
  });

  it.each([
    ['2', []],
    ['1', ['2h']],
  ])('by an unknown time of the new secret, with keep_secrets: %s, is of %j', async (keep, expected) => {
    emulator.faults.add({
      operation: 'addSecret',
      fault: {
        kind: 'edit',
        edit: (answer: Answer) => ({ ...answer, secret: { ...answer.secret, create_time: undefined } }),
      },
    });
    const { deleted } = await rotateWith(keep, keep === '1' ? ['2h'] : ['3h', '2h']);
    expect(deleted).toEqual(expected);
  });

  it('waits until the outputs are written', async () => {
    const journal = path.join(folder, 'retire');
    writeFileSync(journal, '');
    let written: { to: string; text: string }[] = [];
    emulator.hold = (when, { operation }) => {
      if (when === 'before' && operation === 'deleteSecret') written = readJournal(journal);
    };
    seedOurs();
    const executed = await run({ keep_secrets: '1' }, journalTo(journal));
    const outputs = written.filter(({ to }) => to === 'output').map(({ text }) => text);
    for (const value of Object.values(executed.outputs)) expect(outputs.join('')).toContain(`\n${value}\n`);
    // The state that was written last says that the post step has nothing to remove.
    const states = written.filter(({ to }) => to === 'state').map(({ text }) => text);
    expect(states.some((text) => text.includes('"secret":'))).toBe(true);
    expect(states.at(-1)).not.toMatch(/"(client|secret)":/);
  });

  it('that fails is a warning that names the call', async () => {
    const { client, plainSecrets } = seedOurs({}, { secrets: [{ ageMs: 3 * DAY }, { ageMs: 2 * DAY }] });
    emulator.faults.add({ operation: 'deleteSecret', fault: MAY_NOT_DELETE });
    const executed = await run({ keep_secrets: '1' });
    expect([executed.exitCode, executed.outputs.result]).toEqual([0, 'rotated']);
    expect(warnings(executed)).toEqual(
      client.secrets?.map(
        ({ id }) =>
          `The secret ${id} of client ${client.client_id} is left over: Could not delete secret ${id} of client ${client.client_id}: ${MISSING_PERMISSION} To remove it by hand: DELETE ${clientUrl(client.client_id, 'secrets', id)}`,
      ),
    );
    for (const secret of [...plainSecrets, executed.outputs.secret ?? ''])
      expect(await credentialsWork(emulator, { client_id: client.client_id, secret })).toBe(true);
  });

  it('of a secret that is gone already is done', async () => {
    seedOurs();
    const body = { code: 5, message: 'client secret not found' };
    emulator.faults.add({ operation: 'deleteSecret', fault: { kind: 'status', status: 404, body } });
    const executed = await run({ keep_secrets: '1' });
    expect([executed.exitCode, executed.annotations]).toEqual([0, []]);
  });
});

describe('reuse', () => {
  it('returns the client without a secret, says why, and asks for none', async () => {
    const { client, plainSecrets } = seedOurs();
    const executed = await run({ on_existing: 'reuse' });
    expect(executed).toMatchObject({ exitCode: 0, annotations: [], state: { client: '' } });
    expect(executed.outputs).toEqual({
      client_id: client.client_id,
      secret: '',
      secret_id: '',
      organization_id: emulator.organization.id,
      result: 'reused',
    });
    expect(sent()).toEqual(['token', 'listClients']);
    expect(executed.log).toMatch(/^Reused client .* the output secret is empty\. /m);
    expect(emulator.secrets()).toEqual(plainSecrets);
  });

  it('corrects what drifted', async () => {
    const { client } = seedOurs({ scopes: ['a', 'c'] }, { secrets: 5 });
    const executed = await run({ on_existing: 'reuse', scopes: 'a b' });
    expect([executed.exitCode, executed.outputs.result, executed.outputs.secret]).toEqual([0, 'reused', '']);
    expect(sent()).toEqual(['token', 'listClients', 'updateClient']);
    expect(sentTo(emulator, 'updateClient')[0]?.body).toEqual({ scopes: ['a', 'b'] });
    expect(emulator.clients()[0]?.secrets).toEqual(client.secrets);
  });
});

describe('replace', () => {
  it('makes a client anew, and deletes the old one when the new credentials are published', async () => {
    const journal = path.join(folder, 'replace');
    writeFileSync(journal, '');
    const old = seedOurs({ scopes: ['a'] });
    let outputs = '';
    let oldWorks = false;
    emulator.hold = async (when, { operation }) => {
      if (when !== 'before' || operation !== 'deleteClient') return;
      outputs = readJournal(journal)
        .map(({ to, text }) => (to === 'output' ? text : ''))
        .join('');
      oldWorks = await credentialsWork(emulator, {
        client_id: old.client.client_id,
        secret: old.plainSecrets[0] ?? '',
      });
    };
    const executed = await run({ on_existing: 'replace' }, journalTo(journal));
    expect([executed.exitCode, executed.annotations]).toEqual([0, []]);
    for (const value of Object.values(executed.outputs)) expect(outputs).toContain(`\n${value}\n`);
    expect([oldWorks, await credentialsWork(emulator, executed.outputs)]).toEqual([true, true]);
    expect(executed.outputs).toMatchObject({
      result: 'replaced',
      client_id: expect.not.stringMatching(old.client.client_id),
    });
    // No scopes remain.
    expect(emulator.clients()).toEqual([expect.not.objectContaining({ scopes: expect.anything() })]);
    expect(clientIds()).toEqual([executed.outputs.client_id]);
    expect(sentTo(emulator, 'deleteClient').map(lastPart)).toEqual([old.client.client_id]);
    expect(executed.log).toContain(`Deleted replaced client ${old.client.client_id}.`);
  });

  it('warns with the call if the old client cannot be deleted', async () => {
    const { client } = seedOurs();
    emulator.faults.add({ operation: 'deleteClient', fault: MAY_NOT_DELETE });
    const executed = await run({ on_existing: 'replace' });
    expect([executed.exitCode, executed.outputs.result]).toEqual([0, 'replaced']);
    expect(warnings(executed)).toEqual([
      `The replaced client ${client.client_id} is left over: Could not delete client ${client.client_id}: ${MISSING_PERMISSION} To remove it by hand: DELETE ${clientUrl(client.client_id)}`,
    ]);
    expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
  });

  it('keeps the old client if the new credentials do not work', async () => {
    const { client } = seedOurs();
    emulator.behaviour.tokenChanges = () => undefined;
    const executed = await run({ on_existing: 'replace' });
    expect([executed.exitCode, executed.outputs]).toEqual([1, {}]);
    expect(emulator.clients()).toEqual([client]);
  });

  it('goes for the client that client_id names', async () => {
    const { client } = emulator.seed({ name: 'Made by hand' });
    const executed = await run({ on_existing: 'replace', client_id: client.client_id });
    expect([executed.exitCode, executed.annotations, executed.outputs.result]).toEqual([0, [], 'replaced']);
    expect(clientIds()).toEqual([executed.outputs.client_id]);
  });
});

describe('fail', () => {
  it('names the client that exists, and changes nothing', async () => {
    const { client } = seedOurs({ scopes: ['a'] });
    const executed = await run({ on_existing: 'fail', scopes: 'b' });
    await expectRefusal(executed, new RegExp(`^Client ${client.client_id} "${NAME}" exists already`), [client]);
  });
});

it.each(['rotate', 'reuse', 'replace', 'fail'])('%s creates if nothing exists', async (on_existing) => {
  emulator.seed({
    name: NAME,
    description: `Other.\n${markerLine({ name: 'another' })}`,
    custom_claims: REPOSITORY_CLAIMS,
  });
  const executed = await run({ on_existing });
  expect([executed.exitCode, executed.annotations, executed.outputs.result]).toEqual([0, [], 'created']);
  expect([emulator.clients().length, await credentialsWork(emulator, executed.outputs)]).toEqual([2, true]);
});

describe.each(['rotate', 'reuse'])('what the API cannot do, with %s', (on_existing) => {
  it.each<[string, Fields, Record<string, string>, string]>([
    ['scopes', { scopes: ['a', 'b'] }, {}, '"a", "b"'],
    [
      'custom_claims',
      {},
      { repository_claims: 'none' },
      '"github_repository=acme/inventory-service", "github_repository_id=740123456"',
    ],
  ])('is to empty a list: %s', async (field, fields, inputs, got) => {
    const { client } = seedOurs(fields);
    // The expiry differs as well. It must not be updated either.
    const executed = await run({ on_existing, expiry: '600', ...inputs });
    await expectRefusal(
      executed,
      new RegExp(`^Client ${client.client_id} .*on_existing: replace.*\n${field}: wanted none; got ${got}$`),
      [client],
    );
  });

  it('may be to shorten a list: an error, and what was changed is changed back', async () => {
    const { client } = seedOurs({ scopes: ['a', 'b'] });
    emulator.behaviour.patch = 'merge';
    const executed = await run({ on_existing, scopes: 'a' });
    expect([executed.exitCode, executed.outputs]).toEqual([1, {}]);
    expect(errors(executed)).toEqual([expect.stringContaining('scopes: wanted "a"; got "a", "b"')]);
    expect(errors(executed)[0]).toContain('on_existing: replace');
    expect(sent()).not.toContain('addSecret');
    expect(emulator.clients()).toEqual([{ ...client, update_time: expect.anything() }]);
  });

  it('may be to take back what was added to a list: then it is named', async () => {
    const { client } = seedOurs({ scopes: ['a', 'b'] });
    emulator.behaviour.patch = 'merge';
    const executed = await run({ on_existing, scopes: 'a c' });
    expect(executed.exitCode).toBe(1);
    expect(errors(executed)[0]).toMatch(
      new RegExp(
        `^Client ${client.client_id} could not be restored, .*\nscopes: wanted "a", "b"; got "a", "b", "c"$`,
        'm',
      ),
    );
  });
});

it('a failure after the correction gives the client back what it was', async () => {
  const fields = { name: 'Old', description: `Old.\n${markerLine({ name: 'New' })}`, scopes: ['a'], audience: ['x'] };
  const { client } = seedOurs({ ...fields, expiry: 900 });
  emulator.faults.add({ operation: 'addSecret', fault: { kind: 'status', status: 403 } });
  const executed = await run({ name: 'New', description: 'New.', scopes: 'b', audience: 'y', expiry: '600' });
  expect([executed.exitCode, executed.outputs]).toEqual([1, {}]);
  expect(errors(executed)[0]).toMatch(new RegExp(`\nRestored: .* of client ${client.client_id}\\.$`));
  expect(sentTo(emulator, 'updateClient')).toHaveLength(2);
  expect(emulator.clients()).toEqual([{ ...client, update_time: expect.anything() }]);
});

describe('client_id', () => {
  it('spares the search, however many clients there are', async () => {
    for (let count = 0; count < 300; count++) emulator.seed({ name: `client ${count}` });
    const { client } = seedOurs();
    const executed = await run({ client_id: client.client_id });
    expect([executed.exitCode, executed.annotations, executed.outputs.client_id]).toEqual([0, [], client.client_id]);
    expect(sent()).toEqual(['token', 'getClient', 'addSecret', 'token']);
  });

  it.each<[string, () => string]>([
    ['nowhere', () => 'm2morg_404'],
    [
      'in another organization',
      () => emulator.seed({ name: 'x' }, { organizationId: emulator.addOrganization().id }).client.client_id,
    ],
  ])('that is %s falls back to the search, with a notice', async (_, id) => {
    const { client } = seedOurs();
    const client_id = id();
    const executed = await run({ client_id });
    expect([executed.exitCode, executed.outputs.client_id]).toEqual([0, client.client_id]);
    expect(executed.annotations).toEqual([{ kind: 'notice', message: expect.stringContaining(client_id) }]);
    expect(sent()).toEqual(['token', 'getClient', 'listClients', 'addSecret', 'token']);
  });

  it('creates if neither it nor the search finds one', async () => {
    const executed = await run({ client_id: 'm2morg_404' });
    expect([executed.exitCode, executed.outputs.result, notices(executed).length]).toEqual([0, 'created', 1]);
  });

  it('takes another client of this repository, and keeps its ownership marker', async () => {
    const line = markerLine({ name: 'Another' }, { nonce: 'N'.repeat(16) });
    const { client } = seedOurs({ description: `Ours.\n${line}`, scopes: ['a'] });
    const executed = await run({ client_id: client.client_id, scopes: 'b' });
    expect([executed.exitCode, executed.annotations, executed.outputs.client_id]).toEqual([0, [], client.client_id]);
    expect(sentTo(emulator, 'updateClient').map(({ body }) => body)).toEqual([{ scopes: ['b'] }]);
    expect(emulator.clients()[0]?.description).toBe(`Ours.\n${line}`);
  });

  const environment = (value: string) => [...REPOSITORY_CLAIMS, { key: 'environment', value }];
  const other = markerLine({ repository_id: '1' }, { repo: '1', by: '740123456' });
  it.each<[string, Fields, Record<string, string>, RegExp]>([
    ['another repository’s, by its ownership marker', { description: other }, {}, /created for another repository/],
    [
      'another repository’s, by its claim, without an ownership marker',
      { description: 'Theirs.', custom_claims: [{ key: 'github_repository_id', value: '1' }] },
      {},
      /claims name another repository/,
    ],
    [
      'another repository’s, by its claim, though with an ownership marker of ours',
      { description: markerLine({ name: 'x' }), custom_claims: [{ key: 'github_repository_id', value: '1' }] },
      {},
      /claims name another repository/,
    ],
    [
      'another repository’s, by the name alone',
      { description: '', custom_claims: [{ key: 'github_repository', value: 'acme/other' }] },
      {},
      /claims name another repository/,
    ],
    [
      'for another environment',
      { description: markerLine({ environment: 'staging' }), custom_claims: environment('staging') },
      { environment: 'production' },
      /for the environment "staging", and this step for "production"/,
    ],
    [
      'for another environment, without an ownership marker',
      { description: '', custom_claims: environment('staging') },
      { environment: 'production' },
      /for the environment "staging", and this step for "production"/,
    ],
    [
      'for an environment, the step for none',
      { description: markerLine({ environment: 'staging' }), custom_claims: environment('staging') },
      {},
      /for the environment "staging", and this step for no environment/,
    ],
    ['one job’s', { description: markerLine({ lifetime: 'job' }) }, {}, /belongs to one job/],
  ])('is refused if it is that of a client which is %s', async (_, fields, inputs, message) => {
    const { client } = seedOurs({ scopes: ['a'], ...fields });
    for (const on_existing of ['rotate', 'replace']) {
      emulator.requests.length = 0;
      const executed = await run({ client_id: client.client_id, on_existing, scopes: 'b', ...inputs });
      await expectRefusal(executed, message, [client]);
      expect(errors(executed)[0]).toContain(client.client_id);
      expect(sent()).toEqual(['token', 'getClient']);
    }
  });

  it('takes a client for no contradiction whose environment is written in capitals', async () => {
    const { client } = seedOurs({ description: '', custom_claims: environment('Production') });
    const executed = await run({ client_id: client.client_id, environment: 'production' });
    expect([executed.exitCode, executed.outputs.client_id]).toEqual([0, client.client_id]);
  });

  it.each(['rotate', 'reuse', 'replace', 'fail'])(
    'is refused if the response shows another client, with %s',
    async (on_existing) => {
      const named = emulator.seed({ name: 'Made by hand' }).client;
      const { client } = seedOurs();
      editClients('getClient', () => client);
      const executed = await run({ client_id: named.client_id, on_existing });
      await expectRefusal(executed, /^Could not read client m2morg_\d+: HTTP 200, but it shows another client\.$/, [
        named,
        client,
      ]);
    },
  );
});

describe('a client that was made by hand, taken over by client_id', () => {
  it.each<[string, string, Record<string, string>, string]>([
    ['a short description stays', 'By hand.\nReally.', {}, 'By hand.\nReally.\n'],
    ['a long one is cut to 340', `${'x'.repeat(340)}${'y'.repeat(161)}`, {}, `${'x'.repeat(340)}\n`],
    ['in characters, not in halves of them', '🔑'.repeat(512), {}, `${'🔑'.repeat(340)}\n`],
    ['none becomes the ownership marker alone', '', {}, ''],
    ['one that is given replaces it', 'By hand.', { description: 'Given.' }, 'Given.\n'],
  ])('gets an ownership marker: %s', async (_, description, inputs, text) => {
    const { client } = emulator.seed({ name: 'By hand', description, scopes: ['a'], custom_claims: REPOSITORY_CLAIMS });
    const executed = await run({ client_id: client.client_id, scopes: 'a', ...inputs });
    expect([executed.exitCode, executed.annotations]).toEqual([0, []]);
    expect(executed.outputs).toMatchObject({ client_id: client.client_id, result: 'rotated' });
    const [update, ...others] = sentTo(emulator, 'updateClient');
    expect([Object.keys(update?.body as object), others]).toEqual([['description'], []]);
    const now = emulator.clients()[0]?.description ?? '';
    const key = /key:(\S+)/.exec(LINE)?.[1];
    expect(now.startsWith(text)).toBe(true);
    expect(now.slice(text.length)).toMatch(
      new RegExp(
        `^\\[scalekit-organization-client v1 key:${key} repo:740123456 by:740123456 run:17345678901\\.1 lifetime:persistent nonce:[\\w-]{16}\\]$`,
      ),
    );
  });

  it('is corrected in the same PATCH, and found by the search from then on', async () => {
    const { client } = emulator.seed({ name: 'By hand', description: 'By hand.', scopes: ['a'] });
    const taken = await run({ client_id: client.client_id, scopes: 'b', on_existing: 'reuse' });
    expect([taken.exitCode, taken.outputs.result]).toEqual([0, 'reused']);
    expect(sentTo(emulator, 'updateClient').map(({ body }) => body)).toEqual([
      {
        scopes: ['b'],
        custom_claims: REPOSITORY_CLAIMS,
        description: expect.stringMatching(/^By hand\.\n\[scalekit-/),
      },
    ]);
    const line = emulator.clients()[0]?.description;
    const next = await run({ scopes: 'b' });
    expect([next.outputs.client_id, next.outputs.result]).toEqual([client.client_id, 'rotated']);
    expect([sentTo(emulator, 'updateClient').length, emulator.clients()[0]?.description]).toEqual([1, line]);
  });

  it.each([
    ['has no ownership marker', 'By hand.', 'By hand.', 'Restored: description of client '],
    [
      'keeps the ownership marker, which is reported, without a description before,',
      '',
      expect.stringContaining(LINE.slice(0, 40)),
      'could not be restored',
    ],
  ])('%s if the step fails afterwards', async (_, description, then, said) => {
    const { client } = emulator.seed({ name: 'By hand', description, custom_claims: REPOSITORY_CLAIMS });
    emulator.faults.add({ operation: 'addSecret', fault: { kind: 'status', status: 403 } });
    const executed = await run({ client_id: client.client_id });
    expect([executed.exitCode, emulator.clients()[0]?.description]).toEqual([1, then]);
    expect(errors(executed)).toEqual([expect.stringContaining(said)]);
  });
});

describe('the search', () => {
  it.each(['oldest', 'newest', 'random'] as const)('goes through all pages, listed %s', async (order) => {
    emulator.behaviour.listOrder = order;
    for (let count = 0; count < 120; count++) emulator.seed({ name: `client ${count}` });
    const { client } = seedOurs({}, { ageMs: 0 });
    for (let count = 0; count < 120; count++) emulator.seed({ name: `client ${count}` });
    const executed = await run();
    expect([executed.exitCode, executed.annotations, executed.outputs.client_id]).toEqual([0, [], client.client_id]);
    expect(sent()).toEqual(['token', 'listClients', 'listClients', 'listClients', 'addSecret', 'token']);
    expect(
      sentTo(emulator, 'listClients').map(({ path: url }) => new URL(url, 'x://').searchParams.get('page_size')),
    ).toEqual(Array(3).fill('100'));
  });

  it('fails if page tokens go round in circles, since what is not shown may be there', async () => {
    seedOurs();
    const next = (token: string) => (answer: Answer) => ({ ...answer, next_page_token: token });
    const page = (token: string) => ({ kind: 'status', status: 200, body: next(token)({ clients: [] }) }) as const;
    emulator.faults.add(
      { operation: 'listClients', call: 1, fault: { kind: 'edit', edit: next('one') } },
      { operation: 'listClients', call: 2, fault: page('two') },
      { operation: 'listClients', call: 3, times: 1000, fault: page('one') },
    );
    const executed = await run();
    expect(executed.exitCode).toBe(1);
    expect(errors(executed)).toEqual([
      "Could not list the organization's clients: a page leads back to one that was read before.",
    ]);
    expect(sentTo(emulator, 'listClients')).toHaveLength(3);
    expect(emulator.requests.every(({ method, path }) => method === 'GET' || path === '/oauth/token')).toBe(true);
  });

  it.each(['oldest', 'newest', 'random'] as const)(
    'takes the oldest of several, names the others and touches none of them, listed %s',
    async (listOrder) => {
      emulator.behaviour.listOrder = listOrder;
      const [second, first, third] = [2, 3, 1].map((age) => seedOurs({}, { ageMs: age * DAY, secrets: 5 }).client);
      const executed = await run();
      expect([executed.exitCode, executed.outputs.client_id]).toEqual([0, first?.client_id]);
      const [named = '', ...rest] = warnings(executed).filter((text) => text.startsWith('Several clients'));
      expect(rest).toEqual([]);
      expect(named).toMatch(new RegExp(`oldest, ${first?.client_id}.*: ${second?.client_id}, ${third?.client_id}\\.`));
      expect(emulator.clients().filter(({ client_id }) => client_id !== first?.client_id)).toEqual([second, third]);
    },
  );

  it.each<[string, string[], number]>([
    ['the nanoseconds', ['2026-01-01T00:00:00.000000002Z', '2026-01-01T00:00:00.000000001Z'], 1],
    ['the nanoseconds, not the digits', ['2026-01-01T00:00:00.1Z', '2026-01-01T00:00:00.000000009Z'], 1],
    ['the time, not its text', ['2026-01-01T01:00:00Z', '2026-01-01T01:30:00+01:00'], 1],
    ['the id, if the time is the same', ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'], 0],
  ])('decides by %s which one is the oldest', async (_, times, expected) => {
    const ids = [seedOurs(), seedOurs()].map(({ client }) => client.client_id).sort();
    for (const listOrder of ['oldest', 'newest'] as const) {
      emulator.behaviour.listOrder = listOrder;
      editClients('listClients', (client) => ({ ...client, create_time: times[ids.indexOf(client.client_id)] }));
      const executed = await run({ on_existing: 'reuse' });
      expect(executed.outputs.client_id).toBe(ids[expected]);
    }
  });

  it('names in a warning who has our claims and no ownership marker', async () => {
    const like = Array.from(
      { length: 12 },
      () => emulator.seed({ name: 'x', custom_claims: REPOSITORY_CLAIMS }).client.client_id,
    );
    const byName = { custom_claims: [{ key: 'github_repository', value: 'ACME/Inventory-Service' }] };
    emulator.seed({ name: 'x', custom_claims: [...REPOSITORY_CLAIMS, { key: 'environment', value: 'staging' }] });
    emulator.seed({ name: 'x', custom_claims: [{ key: 'github_repository_id', value: '1' }] });
    emulator.seed({ name: 'x', description: markerLine({ name: 'x' }), custom_claims: REPOSITORY_CLAIMS });
    const executed = await run();
    expect([executed.exitCode, executed.outputs.result]).toEqual([0, 'created']);
    expect(executed.annotations).toEqual([
      {
        kind: 'warning',
        message: expect.stringContaining(
          `${like.slice(0, 10).join(', ')} and 2 more. They are neither changed nor deleted. They were created by hand`,
        ),
      },
    ]);
    expect(like.every((id) => clientIds().includes(id))).toBe(true);
    const organizationId = emulator.addOrganization().id;
    const { client_id } = emulator.seed({ name: 'x', ...byName }, { organizationId }).client;
    expect(warnings(await run({ organization_id: organizationId }))).toEqual([
      expect.stringContaining(`no ownership marker: ${client_id}.`),
    ]);
  });

  it('is not disturbed by clients that cannot be parsed', async () => {
    const { client } = seedOurs();
    const foreign = { client_id: 'm2morg_1', description: 'x' };
    const unreadable = [
      null,
      5,
      'client',
      {},
      { client_id: '../x', description: LINE },
      { ...foreign, description: 5 },
      { ...foreign, scopes: 'a b' },
      { ...foreign, custom_claims: { github_repository_id: '740123456' } },
      { ...foreign, expiry: 'soon' },
      { ...foreign, secrets: [{ id: '..' }] },
    ];
    emulator.faults.add({
      operation: 'listClients',
      fault: { kind: 'edit', edit: (answer: Answer) => ({ ...answer, clients: [...unreadable, ...answer.clients] }) },
    });
    const executed = await run();
    expect([executed.exitCode, executed.annotations, executed.outputs.client_id]).toEqual([0, [], client.client_id]);
  });

  it.each<[string, Record<string, string>, Step['env']]>([
    ['environment', { environment: 'staging' }, {}],
    ['name', { name: 'Another' }, {}],
    ['name, by its capitals', { name: NAME.toUpperCase() }, {}],
    ['lifetime', { lifetime: 'job' }, {}],
    ['repository', {}, { GITHUB_REPOSITORY_ID: '1' }],
  ])('takes one with another %s for another client', async (_, inputs, env = {}) => {
    const { client } = seedOurs();
    const executed = await run(inputs, { env });
    expect([executed.exitCode, executed.annotations, executed.outputs.result]).toEqual([0, [], 'created']);
    expect(emulator.clients()).toEqual([client, expect.objectContaining({ client_id: executed.outputs.client_id })]);
  });

  it('finds the client again whose name was taken, and takes the name that it got for no drift', async () => {
    const name = `${'n'.repeat(126)}😀`;
    emulator.seed({ name });
    Object.assign(emulator.behaviour, { uniqueNames: true, descriptionsInLists: false });
    // Without claims, only its name makes a client of the list a candidate.
    const inputs = { name, repository_claims: 'none' };
    const first = await run(inputs);
    expect(first).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'created' } });
    const created = emulator.clients()[1];
    expect(created?.name).toMatch(/^n{120} #[\w-]{6}$/);
    const before = emulator.requests.length;
    const second = await run(inputs);
    expect(second).toMatchObject({
      exitCode: 0,
      annotations: [],
      outputs: { result: 'rotated', client_id: created?.client_id },
    });
    // The other client with that name is read as well.
    expect(sent(before)).toEqual(['token', 'listClients', 'getClient', 'getClient', 'addSecret', 'token']);
  });

  it.each([undefined, null, ''])('finds the client again if the list shows %j for its description', async (shown) => {
    const { client } = seedOurs();
    editClients('listClients', (listed) => ({ ...listed, description: shown }));
    const executed = await run();
    expect(executed).toMatchObject({
      exitCode: 0,
      annotations: [],
      outputs: { result: 'rotated', client_id: client.client_id },
    });
  });

  it('finds the client again whose environment is written otherwise, and corrects the claim', async () => {
    const first = await run({ environment: 'Production' });
    const second = await run({ environment: 'production' });
    expect([second.outputs.client_id, second.outputs.result]).toEqual([first.outputs.client_id, 'rotated']);
    expect(emulator.clients()[0]?.custom_claims).toContainEqual({ key: 'environment', value: 'production' });
  });

  it('finds the client again after the repository was renamed, and corrects the claim', async () => {
    const first = await run();
    const second = await run({}, { env: { GITHUB_REPOSITORY: 'acme/stock' } });
    expect([second.exitCode, second.outputs.client_id, second.outputs.result]).toEqual([
      0,
      first.outputs.client_id,
      'rotated',
    ]);
    expect(sentTo(emulator, 'updateClient').map(({ body }) => body)).toEqual([
      { custom_claims: [{ key: 'github_repository', value: 'acme/stock' }, REPOSITORY_CLAIMS[1]] },
    ]);
  });

  it('goes by the name, whatever its capitals, if no id is known', async () => {
    const env = { GITHUB_REPOSITORY_ID: undefined };
    const first = await run({}, { env });
    const second = await run({}, { env: { ...env, GITHUB_REPOSITORY: 'Acme/Inventory-Service' } });
    expect([second.exitCode, second.outputs.client_id, second.outputs.result]).toEqual([
      0,
      first.outputs.client_id,
      'rotated',
    ]);
  });
});

describe('organization_external_id', () => {
  it.each(['external-1', 'a/b?c#d e%20', '../organizations', 'größe', '日本語', 'a+b&c=d'])(
    'finds the organization: %s',
    async (externalId) => {
      const { id } = emulator.addOrganization(externalId);
      const executed = await run({ organization_id: '', organization_external_id: externalId });
      expect([executed.exitCode, executed.annotations, executed.outputs.organization_id]).toEqual([0, [], id]);
      expect(sentTo(emulator, 'organizationByExternalId').map(lastPart)).toEqual([encodeURIComponent(externalId)]);
      expect(clientIds()).toEqual(emulator.clients(id).map(({ client_id }) => client_id));
    },
  );

  it('overrides the variable', async () => {
    const { id } = emulator.addOrganization('other');
    const executed = await run(
      { organization_id: '', organization_external_id: 'other' },
      { env: { SCALEKIT_ORGANIZATION_ID: emulator.organization.id } },
    );
    expect([executed.exitCode, executed.outputs.organization_id]).toEqual([0, id]);
  });

  it('that is not known is said to be so', async () => {
    const executed = await run({ organization_id: '', organization_external_id: 'nobody' });
    expect(executed).toMatchObject({ exitCode: 1, state: { client: '' } });
    expect(sent()).toEqual(['token', 'organizationByExternalId']);
    expect(errors(executed)).toEqual([
      expect.stringMatching(
        /^Could not find organization nobody: HTTP 404: .*Check that organization nobody exists in this environment/,
      ),
    ]);
  });

  it('is an error beside organization_id', async () => {
    const executed = await run({ organization_external_id: 'external-1' });
    expect(errors(executed)).toEqual([
      expect.stringMatching(/organization_external_id: is given beside organization_id/),
    ]);
    expect(sent()).toEqual([]);
  });
});

describe('dry_run', () => {
  const cells = (summary: string) =>
    [...summary.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
      [...row.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)].map(([, text = '']) =>
        text.replaceAll(/<\/?code>/g, '').replaceAll('&quot;', '"'),
      ),
    );
  /** Returns the plan that the log shows, and checks that the summary shows the same. */
  const shown = ({ log, summary }: Executed) => {
    const lines = log.split('\n');
    const steps = lines.flatMap((line) => /^- (.*)$/.exec(line)?.[1] ?? []);
    const fields = lines.flatMap((line) => /^ {4}(\w+): from (.*) to (.*)$/.exec(line)?.slice(1, 4).join('|') ?? []);
    const rows = cells(summary).slice(1);
    expect(rows.filter(({ length }) => length === 1).flat()).toEqual(steps);
    expect(rows.filter(({ length }) => length === 3).map((row) => row.join('|'))).toEqual(fields);
    return { steps, fields };
  };
  const planOf = async (inputs: Record<string, string>) => {
    const before = emulator.clients();
    const executed = await run({ dry_run: 'true', ...inputs });
    expect(executed).toMatchObject({ exitCode: 0, state: { client: '' } });
    expect(errors(executed)).toEqual([]);
    expect(emulator.clients()).toEqual(before);
    expect(sent().filter((operation) => !READS.includes(operation))).toEqual([]);
    expect(sentTo(emulator, 'token')).toHaveLength(1);
    expect(executed.outputs.secret).toBeUndefined();
    expect(executed.outputs).toMatchObject({ result: 'planned', organization_id: emulator.organization.id });
    return { ...shown(executed), outputs: executed.outputs };
  };

  it.each(['rotate', 'reuse', 'replace', 'fail'])(
    'shows, with %s, that a client would be made',
    async (on_existing) => {
      const { steps, fields, outputs } = await planOf({ on_existing, scopes: 'a', audience: 'x' });
      expect(steps).toEqual(['create a client']);
      expect(fields).toEqual([
        `name|none|"${NAME}"`,
        expect.stringMatching(/^description\|none\|"Made by GitHub Actions for acme\/inventory-service\./),
        'scopes|none|"a"',
        'audience|none|"x"',
        'custom_claims|none|"github_repository=acme/inventory-service", "github_repository_id=740123456"',
      ]);
      expect(outputs.client_id).toBeUndefined();
    },
  );

  it.each<[string, (id: string, secrets: string[]) => string[]]>([
    [
      'rotate',
      (id, [first]) => [
        `update client ${id}`,
        `add a secret to client ${id}; if Scalekit refuses another one, delete secret ${first} first`,
        `delete secret ${first} of client ${id}, unless it is younger than an hour`,
      ],
    ],
    ['reuse', (id) => [`update client ${id}`]],
    ['replace', (id) => ['create a client', `delete client ${id}`]],
  ])('shows, with %s, what would become of one that drifted', async (on_existing, expected) => {
    const { client } = seedOurs({ scopes: ['b', 'c'] }, { secrets: [{ ageMs: DAY }, { ageMs: 1 }] });
    const { steps, fields, outputs } = await planOf({ on_existing, scopes: 'a b', expiry: '600' });
    expect(steps).toEqual(expected(client.client_id, client.secrets?.map(({ id }) => id) ?? []));
    if (on_existing !== 'replace') expect(fields).toEqual(['scopes|"b", "c"|"a", "b"']);
    expect(outputs.client_id).toBe(client.client_id);
  });

  it('fails, with fail, if the client exists', async () => {
    const { client } = seedOurs();
    await expectRefusal(await run({ dry_run: 'true', on_existing: 'fail' }), /exists already/, [client]);
  });

  it('fails if there is no way', async () => {
    const { client } = seedOurs({ scopes: ['a'] });
    await expectRefusal(await run({ dry_run: 'true' }), /on_existing: replace/, [client]);
  });

  it('shows that nothing would be changed', async () => {
    seedOurs();
    expect((await planOf({ on_existing: 'reuse' })).steps).toEqual(['change nothing']);
  });

  it('shows which secret would make room if Scalekit refuses another one', async () => {
    const { client } = seedOurs({}, { secrets: 2 });
    const { steps } = await planOf({ keep_secrets: '5' });
    const [first] = client.secrets ?? [];
    expect(steps).toEqual([
      `add a secret to client ${client.client_id}; if Scalekit refuses another one, delete secret ${first?.id} first`,
    ]);
  });

  it('shows what would be taken over', async () => {
    const { client } = emulator.seed({ name: 'By hand', custom_claims: REPOSITORY_CLAIMS });
    const { steps, fields } = await planOf({ client_id: client.client_id, on_existing: 'reuse' });
    expect(steps).toEqual([`update client ${client.client_id}`]);
    expect(fields).toEqual([expect.stringMatching(/^description\|none\|the ownership marker/)]);
  });

  it('looks for nothing if the client is a job’s, and leaves the post step nothing to do', async () => {
    seedOurs();
    const { steps } = await planOf({ lifetime: 'job' });
    expect([steps, sent()]).toEqual([['create a client, and delete it when the job ends'], ['token']]);
    const executed = await run({ dry_run: 'true', lifetime: 'job' });
    const before = sent().length;
    expect([(await executed.post()).stdout, sent().length]).toEqual(['', before]);
  });
});
