import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, type Operation, startEmulator } from '../../emulator/index.ts';
import { type Executed, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import type { Identity } from '../../src/client/identity.ts';
import type { OwnershipMarker } from '../../src/client/marker.ts';
import {
  errors,
  interruptedAt,
  longestAnnotation,
  markerLine,
  plainLines,
  readable,
  runAction,
  secretsOf,
  sentTo,
  warnings,
} from '../support/action.ts';
import { DAY, ID, REPOSITORY, SECRET, STATE, seedFormer } from '../support/saved.ts';

// Tests of `delete/`. delete-saved.test.ts has those of saved credentials.

const OTHER = { repository: 'acme/elsewhere', repository_id: '99' };

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

/** Runs `delete/`, and checks that its output shows no secret. */
async function remove(inputs: Record<string, string> = {}, step: Step = {}): Promise<Executed> {
  const env = { ...emulator.github.variables, ...step.env };
  const run = await runAction(emulator, { ...step, action: 'delete', inputs, env });
  for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
  expect(run.stderr).toBe('');
  return run;
}

/** Runs the main action, which creates what `delete/` deletes. */
const make = (inputs: Record<string, string>, env = {}) =>
  runAction(emulator, { inputs, env: { ...emulator.github.variables, ...env } });

type Seed = Parameters<Emulator['seed']>;

/**
 * Adds a client to the emulator like one that an earlier run created, by default for the runner's repository.
 * @returns its id
 */
function put(
  identity: Partial<Identity> = {},
  marker: Partial<OwnershipMarker> = {},
  ...[fields, options]: Partial<Seed>
) {
  const description = `Ours.\n${markerLine(identity, marker)}`;
  return emulator.seed({ name: 'Made by a run', description, ...fields }, options).client.client_id;
}

const sent = () => emulator.requests.map(({ operation }) => operation);
const ids = () => emulator.clients().map(({ client_id }) => client_id);
const callTo = (id: string) => `DELETE ${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients/${id}`;
const about = (id: string) => ({
  where: ({ path }: { path: string }) => path.endsWith(`/clients/${id}`),
});

/** Saves credentials in GitHub Actions, by default in the repository. @returns their location */
function save(environment = '') {
  const repository = emulator.github.repository(REPOSITORY);
  const location = environment ? repository.addEnvironment(environment) : repository;
  seedFormer(emulator, location, { identity: { environment } });
  return location;
}

const names = ({ variables, secrets }: ReturnType<typeof save>) => [...variables.keys(), ...secrets.keys()];

describe('delete/', () => {
  it('deletes every persistent client of the repository, whoever made it, and no other', async () => {
    emulator.behaviour.listOrder = 'random';
    for (let count = 0; count < 110; count++) emulator.seed({ name: `client ${count}` });
    const newest = put({}, { run: '2.1' }, {}, { ageMs: DAY, secrets: 5 });
    const old = put({}, { by: OTHER.repository_id }, {}, { ageMs: 400 * DAY });
    const middle = put({}, { repo: OTHER.repository_id }, {}, { ageMs: 2 * DAY });
    const name = `GitHub Actions: ${REPOSITORY}`;
    const claims = [{ key: 'github_repository_id', value: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID }];
    const description = `Ours.\n${markerLine()}`;
    const others = [
      put(OTHER, { repo: OTHER.repository_id }, { name, custom_claims: claims }),
      put({ environment: 'production' }),
      put({ name: 'Deploy' }),
      put({ lifetime: 'job' }),
      ...[
        { description: 'Made by hand.', custom_claims: claims },
        { description: `${markerLine()}\n${markerLine()}` },
        { description: description.replace('client v1', 'client v2') },
        { description: description.replace('nonce:', 'nonce=') },
      ].map((fields) => emulator.seed({ name, ...fields }).client.client_id),
    ];
    const organization = emulator.addOrganization();
    emulator.seed({ name, description }, { organizationId: organization.id });

    const run = await remove();
    expect([run.exitCode, errors(run), Object.keys(run.outputs)]).toEqual([0, [], ['deleted']]);
    expect(warnings(run)).toEqual([
      expect.stringMatching(/^Clients with this repository's claims and no ownership marker: /),
      expect.stringMatching(/^Clients with several different ownership markers: /),
    ]);
    expect(run.outputs.deleted?.split(' ').sort()).toEqual([old, middle, newest].sort());
    expect(ids()).toHaveLength(110 + others.length + 1);
    expect(ids()).toEqual(expect.arrayContaining(others));
    for (const id of [old, middle, newest]) {
      expect(run.log).toContain(`Deleted client ${id}.`);
      expect(run.summary).toContain(`client ${id}`);
    }
    const each = ['getClient', 'deleteClient'];
    expect(sent()).toEqual(['token', 'listClients', 'listClients', ...each, ...each, ...each]);
  });

  it('takes nothing there for success, and says so', async () => {
    const run = await remove({ save_to: 'repository', github_token: emulator.github.token });
    expect([run.exitCode, run.annotations, run.outputs]).toEqual([0, [], { deleted: '' }]);
    expect(run.log).toContain('There is nothing to delete.');
    expect(sentTo(emulator, 'deleteClient')).toEqual([]);
  });

  const { GITHUB_REPOSITORY_ID: repository_id } = RUNNER_VARIABLES;
  it.each<[seed: Partial<Identity>, inputs: Record<string, string>, env: Step['env'], found: boolean]>([
    [{ environment: 'Production' }, { environment: 'production' }, {}, true],
    [{ environment: 'production' }, { environment: 'PRODUCTION' }, {}, true],
    [{ environment: 'production' }, { environment: 'production-eu' }, {}, false],
    [{ environment: 'production' }, {}, {}, false],
    [{}, { environment: 'production' }, {}, false],
    [{ name: 'Deploy' }, { name: 'Deploy' }, {}, true],
    [{ name: 'Deploy' }, { name: 'deploy' }, {}, false],
    [{ name: 'Deploy' }, {}, {}, false],
    [{ name: 'Deploy', environment: 'a' }, { name: 'Deploy', environment: 'a' }, {}, true],
    [{ repository: 'acme/former-name' }, {}, {}, true],
    [{ repository_id: '99' }, {}, {}, false],
    [{}, { repository: REPOSITORY.toUpperCase() }, {}, true],
    [{ repository_id: undefined }, {}, { GITHUB_REPOSITORY_ID: undefined }, true],
    [
      { repository_id: undefined },
      {},
      { GITHUB_REPOSITORY_ID: undefined, GITHUB_REPOSITORY: REPOSITORY.toUpperCase() },
      true,
    ],
    [{ repository_id: undefined }, {}, { GITHUB_REPOSITORY_ID: repository_id }, false],
  ])('takes a client of %j by the inputs %j and the runner’s %j: %p', async (seed, inputs, env, found) => {
    const id = put(seed);
    const run = await remove(inputs, { env: env ?? {} });
    expect([run.exitCode, run.annotations, run.outputs.deleted]).toEqual([0, [], found ? id : '']);
    expect(ids()).toEqual(found ? [] : [id]);
  });

  it('finds what the action made, with the environment of the ID token', async () => {
    const { idTokenVariables } = emulator.github;
    emulator.github.idTokenClaims = { environment: 'preview/pr-7' };
    emulator.github.repository(REPOSITORY).addEnvironment('preview/pr-7');
    const saving = { save_to: 'environment', github_token: emulator.github.token };
    const { outputs } = await make(saving, idTokenVariables);
    const other = put();
    const run = await remove(saving, { env: idTokenVariables });
    expect([run.exitCode, run.annotations, run.outputs.deleted]).toEqual([0, [], outputs.client_id]);
    expect(ids()).toEqual([other]);
    expect(run.log).toContain("Claims about the repository come from GitHub's ID token.");
    const disagreeing = await remove({ environment: 'production' }, { env: idTokenVariables });
    expect(errors(disagreeing)).toEqual([
      expect.stringMatching(/^Bad input: environment: got "production", but .*pr-7/),
    ]);
    expect(ids()).toEqual([other]);
  });

  it.each([
    ['the ownership marker', { description: markerLine({ environment: 'production' }) }],
    ['the claims', { custom_claims: [{ key: 'github_repository_id', value: '1' }] }],
  ])('reads a client again just before it deletes it, and keeps it if %s changed', async (_, changed) => {
    const [first, second] = [put({}, {}, {}, { ageMs: DAY }), put()];
    emulator.faults.add({
      operation: 'getClient',
      ...about(first),
      fault: { kind: 'edit', edit: ({ client }) => ({ client: { ...client, ...changed } }) },
    });
    const run = await remove();
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, second, [first]]);
    expect(errors(run)).toEqual([`Client ${first} is not deleted: its description or its claims have changed.`]);
  });
});

describe('delete/ with client_id', () => {
  it.each<[what: string, identity: Partial<Identity>, inputs: Record<string, string>, claims: Record<string, string>]>([
    ['with our identity hash', {}, {}, {}],
    ['with a name of its own', { name: 'Deploy' }, {}, {}],
    [
      'of this environment',
      { environment: 'Production' },
      { environment: 'production' },
      { environment: 'Production' },
    ],
    [
      'whose identity hash is of a repository without an id, by claims that name this one',
      { repository_id: undefined },
      {},
      { github_repository: REPOSITORY.toUpperCase() },
    ],
  ])('deletes that client without a search: one %s', async (_, identity, inputs, claims) => {
    const custom_claims = Object.entries(claims).map(([key, value]) => ({ key, value }));
    const [id, other] = [put(identity, {}, { custom_claims }), put()];
    const run = await remove({ ...inputs, client_id: id });
    expect([run.exitCode, run.annotations, run.outputs.deleted]).toEqual([0, [], id]);
    expect(ids()).toEqual([other]);
    expect(sent()).toEqual(['token', 'getClient', 'deleteClient']);
  });

  it('takes a client that is not there for deleted, without a search, and deletes what is saved all the same', async () => {
    const location = save();
    location.setVariable(ID, 'm2morg_404');
    const other = put();
    const saving = { save_to: 'repository', github_token: emulator.github.token };
    const run = await remove({ client_id: 'm2morg_404', ...saving });
    expect([run.exitCode, run.annotations, run.outputs.deleted]).toEqual([0, [], '']);
    expect([ids(), names(location), sentTo(emulator, 'listClients')]).toEqual([[other], [], []]);
  });

  const foreign: [
    what: string,
    identity: Partial<Identity>,
    marker: Partial<OwnershipMarker>,
    claims: Record<string, string>,
  ][] = [
    ['for another repository', OTHER, { repo: OTHER.repository_id }, {}],
    ['claims name another repository', { name: 'Deploy' }, {}, { github_repository_id: '99' }],
    ['claims name another repository', { name: 'Deploy' }, {}, { github_repository: OTHER.repository }],
    ['for the environment "production"', { environment: 'production' }, {}, { environment: 'production' }],
    ['belongs to one job', { lifetime: 'job' }, {}, {}],
  ];
  it.each(foreign)('refuses one that is not ours: %s', async (words, identity, marker, claims) => {
    const custom_claims = Object.entries(claims).map(([key, value]) => ({ key, value }));
    const location = save();
    const id = put(identity, marker, { custom_claims });
    const before = emulator.clients();
    const run = await remove({ client_id: id, save_to: 'repository', github_token: emulator.github.token });
    expect([run.exitCode, run.outputs]).toEqual([1, {}]);
    expect(errors(run)).toEqual([expect.stringMatching(`^Client ${id} is not managed by this step: .*${words}`)]);
    expect([emulator.clients(), names(location)]).toEqual([before, [STATE, ID, SECRET]]);
  });

  it.each([
    ['', []],
    ['Made by hand.', [{ key: 'github_repository', value: REPOSITORY }]],
    [`${markerLine()}\n${markerLine()}`, []],
  ])('refuses one that this action did not make: %j', async (description, custom_claims) => {
    const id = emulator.seed({ name: `GitHub Actions: ${REPOSITORY}`, description, custom_claims }).client.client_id;
    const run = await remove({ client_id: id });
    expect([run.exitCode, run.outputs, ids()]).toEqual([1, {}, [id]]);
    expect(errors(run)).toEqual([
      expect.stringMatching(`^Client ${id} is not (deleted|managed by this step): its description has (no|several)`),
    ]);
  });

  it('refuses if the response shows another client', async () => {
    const [id, other] = [put(), put()];
    const client = emulator.clients().find(({ client_id }) => client_id === other);
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit: () => ({ client }) } });
    const run = await remove({ client_id: id });
    expect([run.exitCode, run.outputs, ids()]).toEqual([1, {}, [id, other]]);
  });
});

describe('delete/ with dry_run', () => {
  it('lists everything that would be deleted, and changes nothing', async () => {
    const location = save('production');
    const [first, second] = [put({ environment: 'production' }), put({ environment: 'production' })];
    const before = emulator.clients();
    const run = await remove({
      dry_run: 'true',
      environment: 'production',
      save_to: 'environment',
      github_token: emulator.github.token,
    });
    expect([run.exitCode, run.annotations, run.outputs]).toEqual([0, [], { deleted: '' }]);
    for (const what of [first, second, STATE, ID, SECRET]) {
      expect(run.log).toMatch(new RegExp(`delete .*${what}`));
      expect(run.summary).toContain(what);
    }
    expect([emulator.clients(), names(location)]).toEqual([before, [STATE, ID, SECRET]]);
    expect(emulator.requests.filter(({ method }) => method !== 'GET').map(({ operation }) => operation)).toEqual([
      'token',
    ]);
  });

  it('says if there is nothing to delete', async () => {
    const run = await remove({ dry_run: 'true', save_to: 'repository', github_token: emulator.github.token });
    expect([run.exitCode, run.annotations, run.outputs]).toEqual([0, [], { deleted: '' }]);
    expect(run.log).toContain('There is nothing to delete.');
  });

  it('refuses a foreign client as a real run would', async () => {
    const id = put(OTHER, { repo: OTHER.repository_id });
    const run = await remove({ dry_run: 'true', client_id: id });
    expect([run.exitCode, errors(run).length]).toEqual([1, 1]);
  });
});

describe('delete/, if something fails', () => {
  it('goes on with the others, and names what remains with the call that deletes it', async () => {
    const location = save();
    const [first, second, third] = [3, 2, 1].map((days) => put({}, {}, {}, { ageMs: days * DAY }));
    const fault = { kind: 'status', status: 403 } as const;
    emulator.faults.add({ operation: 'deleteClient', ...about(second ?? ''), fault });
    const run = await remove({ save_to: 'repository', github_token: emulator.github.token });
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, `${first} ${third}`, [second]]);
    expect(errors(run)).toEqual([expect.stringMatching(`^Client ${second} is left over: .*HTTP 403`)]);
    expect(errors(run)[0]).toContain(callTo(second ?? ''));
    expect(names(location)).toEqual([STATE, ID]);
  });

  it('names as many failures in the error as fit, each with its whole call, and all of them in the log', async () => {
    const ids = Array.from({ length: 20 }, () => put());
    emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403 } });
    const run = await remove();
    expect(run.exitCode).toBe(1);
    const lines = errors(run)[0]?.split('\n') ?? [];
    const count = `and ${ids.length - lines.length + 1} more, listed in the log`;
    expect(lines).toContain(count);
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines.filter((text) => text !== count)) {
      expect(line).toMatch(/^Client .* is left over: /);
      expect(ids.some((id) => line.endsWith(callTo(id)))).toBe(true);
    }
    expect(longestAnnotation(run)).toBeLessThan(4000);
    for (const id of ids) expect(plainLines(run)).toContainEqual(expect.stringContaining(callTo(id)));
  });

  it('does not say that there is nothing if nothing could be deleted', async () => {
    const id = put();
    emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403 } });
    const run = await remove();
    expect([run.exitCode, run.outputs, ids()]).toEqual([1, { deleted: '' }, [id]]);
    expect(run.log).not.toContain('nothing to delete');
  });

  it.each<[Operation, Fault]>([
    ['token', { kind: 'status', status: 401 }],
    ['listClients', { kind: 'status', status: 403 }],
    ['listClients', { kind: 'body', body: 'rubbish' }],
    ['getPublicKey', { kind: 'status', status: 500 }],
    ['getPublicKey', { kind: 'body', body: '{}' }],
    ['getVariable', { kind: 'body', body: '<html>' }],
    ['getActionsSecret', { kind: 'status', status: 404, body: '<html>no such host</html>' }],
  ])('before it knows what to delete (%s: %j), it deletes nothing', async (operation, fault) => {
    const location = save();
    const id = put();
    emulator.faults.add({ operation, fault });
    const run = await remove({ save_to: 'repository', github_token: emulator.github.token });
    expect([run.exitCode, run.outputs, errors(run).length]).toEqual([1, {}, 1]);
    expect([ids(), names(location)]).toEqual([[id], [STATE, ID, SECRET]]);
  });

  it.each<[Operation, Fault]>([
    ['token', { kind: 'reset' }],
    ['listClients', { kind: 'truncate' }],
    ['getClient', { kind: 'status', status: 503 }],
    ['deleteClient', { kind: 'reset' }],
    ['deleteClient', { kind: 'status', status: 500 }],
    ['getPublicKey', { kind: 'reset' }],
    ['getVariable', { kind: 'truncate' }],
    ['deleteActionsSecret', { kind: 'reset' }],
    ['deleteActionsSecret', { kind: 'status', status: 502 }],
    ['deleteVariable', { kind: 'close' }],
    ['deleteVariable', { kind: 'status', status: 500 }],
  ])('a request without a usable response (%s: %j) is no failure', async (operation, fault) => {
    const location = save();
    const id = put();
    emulator.faults.add({ operation, call: 1, when: 'after', fault });
    const run = await remove({ save_to: 'repository', github_token: emulator.github.token });
    expect([run.exitCode, run.annotations, run.outputs.deleted]).toEqual([0, [], id]);
    expect([ids(), names(location)]).toEqual([[], []]);
    for (const what of [id, STATE, ID, SECRET]) expect(run.summary).toContain(what);
  });

  /** Puts three clients of ours, and changes the second one in the list. @returns their ids */
  function putAndEdit(changes: object): string[] {
    const all = [put(), put(), put()];
    const edit = ({ clients }: { clients: object[] }) => ({
      clients: clients.map((client, at) => (at === 1 ? { ...client, ...changes } : client)),
    });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
    return all;
  }

  it('deletes a client of ours that cannot be parsed completely', async () => {
    const all = putAndEdit({ scopes: 'none' });
    const run = await remove();
    expect([run.exitCode, run.annotations, run.outputs.deleted?.split(' '), ids()]).toEqual([0, [], all, []]);
  });

  it.each([
    [
      'its claim names another repository, even if the client cannot be parsed completely',
      { custom_claims: [{ key: 'github_repository_id', value: '99' }], scopes: 'none' },
    ],
    ['its claims cannot be read', { custom_claims: 'none' }],
  ])('keeps a client with our identity hash, with a warning, if %s', async (_, changes) => {
    const [first, kept, last] = putAndEdit(changes);
    const run = await remove();
    expect({ exitCode: run.exitCode, deleted: run.outputs.deleted, ids: ids() }).toEqual({
      exitCode: 0,
      deleted: `${first} ${last}`,
      ids: [kept],
    });
    expect(run.annotations).toEqual([
      {
        kind: 'warning',
        message: expect.stringMatching(
          `^Clients whose claim github_repository_id contradicts their ownership marker, or whose claims cannot be read: ${kept}\\.`,
        ),
      },
    ]);
  });

  it('takes what another run deleted meanwhile for done', async () => {
    const location = save();
    put();
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    emulator.hold = async (when, { operation }) => {
      if (when !== 'after' || operation !== 'getClient' || arrived === 2) return;
      arrived += 1;
      if (arrived === 2) both.resolve();
      await both.promise;
    };
    const inputs = { save_to: 'repository', github_token: emulator.github.token };
    const runs = await Promise.all([remove(inputs), remove(inputs)]);
    expect(runs.map(({ exitCode, annotations }) => [exitCode, annotations])).toEqual(Array(2).fill([0, []]));
    expect([ids(), names(location)]).toEqual([[], []]);
  });

  it('is cancelled in between: it fails, says what remains, and sends nothing more', async () => {
    const [first, second] = [put({}, {}, {}, { ageMs: DAY }), put()];
    const run = await remove({}, interruptedAt(emulator, 'deleteClient'));
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([1, first, [second]]);
    expect(errors(run)).toEqual([expect.stringMatching(/^The run was cancelled\./)]);
    expect(errors(run)[0]).toContain(callTo(second));
  });
});

describe('delete/ with another repository', () => {
  beforeEach(() => {
    emulator.github.addRepository(OTHER.repository, { id: Number(OTHER.repository_id) });
  });
  const inputs = () => ({ repository: 'ACME/Elsewhere', github_token: emulator.github.token });

  it('deletes that one’s clients and what is saved there', async () => {
    const runnerLocation = save();
    const location = emulator.github.repository(OTHER.repository);
    seedFormer(emulator, location, { identity: OTHER });
    const [id, other] = [put(OTHER, { repo: OTHER.repository_id }), put()];
    const run = await remove({ ...inputs(), save_to: 'repository' });
    expect([run.exitCode, run.annotations, run.outputs.deleted, ids()]).toEqual([0, [], id, [other]]);
    expect([names(location), names(runnerLocation)]).toEqual([[], [STATE, ID, SECRET]]);
    expect(run.log).toContain(`Claims about ${OTHER.repository} come from GitHub's API.`);
  });

  it('takes the environment from the input alone, whatever the ID token says', async () => {
    emulator.github.idTokenClaims = { environment: 'production' };
    const [id, other] = [put({ ...OTHER, environment: 'staging' }), put({ ...OTHER, environment: 'production' })];
    const run = await remove({ ...inputs(), environment: 'staging' }, { env: emulator.github.idTokenVariables });
    expect([run.exitCode, run.outputs.deleted, ids()]).toEqual([0, id, [other]]);
  });

  it.each([
    [
      'was renamed',
      () => emulator.github.rename(OTHER.repository, 'acme/new-name'),
      /renamed or transferred.*current name/,
    ],
    ['is not there', () => ({ repository: 'acme/nothing' }), /HTTP 404.*may not see it/],
    ['is not seen', () => ({ github_token: emulator.github.addToken('none') }), /HTTP 404.*may not see it/],
    ['is given without a token', () => ({ github_token: '' }), /^Bad input: github_token: is empty/],
  ])('fails if it %s', async (_, prepare, message) => {
    const id = put(OTHER, { repo: OTHER.repository_id });
    const run = await remove({ ...inputs(), ...(prepare() ?? {}) });
    expect([run.exitCode, run.outputs, ids()]).toEqual([1, {}, [id]]);
    expect(errors(run)).toEqual([expect.stringMatching(message)]);
  });
});

describe('bad inputs of delete/', () => {
  it('are all named in one error, and nothing is sent', async () => {
    const secret = ['not', 'so', 'secret'].join('-');
    const run = await remove({
      scalekit_environment_url: `http://acme.example/${secret}`,
      scalekit_client_id: 'm2morg_123',
      scalekit_client_secret: secret,
      organization_id: 'acme',
      client_id: 'skc_123',
      name: 'n'.repeat(129),
      environment: 'e'.repeat(256),
      repository: 'elsewhere',
      save_to: 'disk',
      save_as: 'GITHUB_X',
      dry_run: 'maybe',
      timeout: '4',
    });
    expect([run.exitCode, run.outputs, sent(), run.annotations.length]).toEqual([1, {}, [], 1]);
    const [message = ''] = errors(run);
    const named = [...message.matchAll(/^- (\w+): /gm)].map(([, input]) => input);
    expect(new Set(named)).toEqual(
      new Set([
        'scalekit_environment_url',
        'scalekit_client_id',
        'organization_id',
        'client_id',
        'name',
        'environment',
        'repository',
        'save_to',
        'save_as',
        'dry_run',
        'timeout',
      ]),
    );
    expect(readable(run)).not.toContain(secret);
  });

  it('include save_to without a token', async () => {
    const run = await remove({ save_to: 'repository' });
    expect(errors(run)).toEqual([expect.stringMatching(/^Bad input: github_token: is empty; .*save_to/)]);
    expect([sent(), warnings(run)]).toEqual([[], []]);
  });
});
