import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Fault, Operation } from '../../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import type { Identity } from '../../src/client/identity.ts';
import {
  errors,
  type Inputs,
  longestAnnotation,
  markerLine,
  plainLines,
  readable,
  runAction,
  warnings,
} from '../support/action.ts';
import { clientIds, clientUrl } from '../support/clients.ts';
import { ALL_ENTRIES, entriesIn, runDelete, seedManaged, seedSavedFor } from '../support/delete.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { barrier, interruptedAt, isChange, operationsOf, sentTo } from '../support/requests.ts';
import { ID, REPOSITORY, repositoryOf, SECRET, STATE, seedFormer } from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// Tests of `delete/`. delete-saved.test.ts has those of saved credentials.

const OTHER = { repository: 'acme/elsewhere', repository_id: '99' };

const emulator = useEmulator();
const remove = (inputs: Inputs = {}, step: Step = {}): Promise<Executed> => runDelete(emulator, inputs, step);
const seed = (identity: Partial<Identity> = {}, options: Parameters<typeof seedManaged>[2] = {}) =>
  seedManaged(emulator, identity, options);
const ids = () => clientIds(emulator);
const saving = () => ({ save_to: 'repository', github_token: emulator.github.token });
/** Returns the manual call that deletes a client. */
const callTo = (id: string) => `DELETE ${clientUrl(emulator, id)}`;
const about = (id: string) => ({
  where: ({ path }: { path: string }) => path.endsWith(`/clients/${id}`),
});

/** Checks that a run deleted exactly these clients, without a warning or an error. */
function expectDeleted(run: Outcome, ...deleted: string[]): void {
  const { exitCode, annotations, outputs } = run;
  expect({ exitCode, annotations, outputs }).toEqual({
    exitCode: 0,
    annotations: [],
    outputs: { deleted: deleted.join(' ') },
  });
}

describe('the clients that are found', () => {
  it('deletes every persistent client of the repository, whichever workflow created it, and no other client', async () => {
    emulator.behaviour.listOrder = 'random';
    for (let count = 0; count < 110; count++) emulator.seed({ name: `client ${count}` });
    const newest = seed({}, { marker: { run: '2.1' }, ageMs: DAY, secrets: 5 });
    const old = seed({}, { marker: { by: OTHER.repository_id }, ageMs: 400 * DAY });
    const middle = seed({}, { marker: { repo: OTHER.repository_id }, ageMs: 2 * DAY });
    const name = `GitHub Actions: ${REPOSITORY}`;
    const claims = [{ key: 'github_repository_id', value: RUNNER_VARIABLES.GITHUB_REPOSITORY_ID }];
    const description = `Ours.\n${markerLine()}`;
    const others = [
      seed(OTHER, { marker: { repo: OTHER.repository_id }, fields: { name, custom_claims: claims } }),
      seed({ environment: 'production' }),
      seed({ name: 'Deploy' }),
      seed({ lifetime: 'job' }),
      ...[
        { description: 'Created manually.', custom_claims: claims },
        { description: `${markerLine()}\n${markerLine()}` },
        { description: description.replace('client v1', 'client v2') },
        { description: description.replace('nonce:', 'nonce=') },
      ].map((fields) => emulator.seed({ name, ...fields }).client.client_id),
    ];
    const organization = emulator.addOrganization();
    emulator.seed({ name, description }, { organizationId: organization.id });

    const run = await remove();
    expectSucceeded(run);
    expect(warnings(run)).toEqual([
      expect.stringMatching(/^Clients with this repository's claims and no ownership marker: /),
      expect.stringMatching(/^Clients with several different ownership markers: /),
    ]);
    expect(Object.keys(run.outputs)).toEqual(['deleted']);
    expect(run.outputs.deleted?.split(' ').sort()).toEqual([old, middle, newest].sort());
    expect(ids()).toHaveLength(110 + others.length + 1);
    expect(ids()).toEqual(expect.arrayContaining(others));
    for (const id of [old, middle, newest]) {
      expect(run.log).toContain(`Deleted client ${id}.`);
      expect(run.summary).toContain(`client ${id}`);
    }
    const each = ['getClient', 'deleteClient'];
    expect(operationsOf(emulator)).toEqual(['token', 'listClients', 'listClients', ...each, ...each, ...each]);
  });

  it('succeeds and says so if delete/ finds nothing, in a dry run too', async () => {
    for (const dry_run of ['false', 'true']) {
      const run = await remove({ ...saving(), dry_run });
      expectDeleted(run);
      expect(run.log).toContain('There is nothing to delete.');
      expect(sentTo(emulator, 'deleteClient')).toEqual([]);
    }
  });

  it.each<{ name: string; identity: Partial<Identity>; inputs: Inputs; env: Step['env'] }>([
    {
      name: 'the input environment names it in another case',
      identity: { environment: 'Production' },
      inputs: { environment: 'PRODUCTION' },
      env: {},
    },
    {
      name: 'its name and environment are given',
      identity: { name: 'Deploy', environment: 'a' },
      inputs: { name: 'Deploy', environment: 'a' },
      env: {},
    },
    {
      name: 'its repository was renamed since',
      identity: { repository: 'acme/former-name' },
      inputs: {},
      env: {},
    },
    {
      name: 'no run knows the id of the repository, and the case of its name has changed',
      identity: { repository_id: undefined },
      inputs: {},
      env: { GITHUB_REPOSITORY_ID: undefined, GITHUB_REPOSITORY: REPOSITORY.toUpperCase() },
    },
  ])('deletes a client of the same target if $name', async ({ identity, inputs, env }) => {
    const id = seed(identity);
    expectDeleted(await remove(inputs, { env: env ?? {} }), id);
    expect(ids()).toEqual([]);
  });

  it.each<{ name: string; identity: Partial<Identity>; inputs: Inputs }>([
    { name: 'it has an environment, and none is given', identity: { environment: 'production' }, inputs: {} },
    { name: 'it has no environment, and one is given', identity: {}, inputs: { environment: 'production' } },
    { name: 'the case of its name differs', identity: { name: 'Deploy' }, inputs: { name: 'deploy' } },
    {
      name: 'the id of its repository differs, although the repository has the same name',
      identity: { repository_id: '99' },
      inputs: {},
    },
  ])('keeps a client of another target without a warning if $name', async ({ identity, inputs }) => {
    const id = seed(identity);
    expectDeleted(await remove(inputs));
    expect(ids()).toEqual([id]);
  });

  it('deletes the client that the main action created for the environment of the ID token, and refuses another environment', async () => {
    const { idTokenVariables } = emulator.github;
    emulator.github.idTokenClaims = { environment: 'preview/pr-7' };
    repositoryOf(emulator).addEnvironment('preview/pr-7');
    const inputs = { save_to: 'environment', github_token: emulator.github.token };
    const { outputs } = await runAction(emulator, { inputs, env: idTokenVariables });
    const other = seed();
    const run = await remove(inputs, { env: idTokenVariables });
    expectDeleted(run, outputs.client_id ?? '');
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
  ])('reads a client again before it deletes it, and keeps it if %s changed', async (_, changed) => {
    const [first, second] = [seed({}, { ageMs: DAY }), seed()];
    emulator.faults.add({
      operation: 'getClient',
      ...about(first),
      fault: { kind: 'edit', edit: ({ client }) => ({ client: { ...client, ...changed } }) },
    });
    const run = await remove();
    expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({ exitCode: 1, outputs: { deleted: second } });
    expect(ids()).toEqual([first]);
    expect(errors(run)).toEqual([`Client ${first} is not deleted: its description or its claims have changed.`]);
  });

  /** Adds three clients with our identity hash, and changes the second one in the list. @returns their ids */
  function seedAndEdit(changes: object): string[] {
    const all = [seed(), seed(), seed()];
    const edit = ({ clients }: { clients: object[] }) => ({
      clients: clients.map((client, at) => (at === 1 ? { ...client, ...changes } : client)),
    });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
    return all;
  }

  it('deletes a client with our identity hash even if its other fields cannot be parsed', async () => {
    const all = seedAndEdit({ scopes: 'none' });
    expectDeleted(await remove(), ...all);
    expect(ids()).toEqual([]);
  });

  it.each([
    [
      'its claim names another repository, even if its other fields cannot be parsed',
      { custom_claims: [{ key: 'github_repository_id', value: '99' }], scopes: 'none' },
    ],
    ['its claims cannot be read', { custom_claims: 'none' }],
  ])('keeps a client with our identity hash, with a warning, if %s', async (_, changes) => {
    const [first, kept, last] = seedAndEdit(changes);
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
});

describe('client_id', () => {
  const claimsOf = (claims: Record<string, string>) => Object.entries(claims).map(([key, value]) => ({ key, value }));

  it.each<{ what: string; identity: Partial<Identity>; inputs: Inputs; claims: Record<string, string> }>([
    { what: 'has another name', identity: { name: 'Deploy' }, inputs: {}, claims: {} },
    {
      what: 'has a claim that names the environment in another case',
      identity: { environment: 'Production' },
      inputs: { environment: 'production' },
      claims: { environment: 'Production' },
    },
    {
      what: 'was created without the id of the repository, and its claims name this repository',
      identity: { repository_id: undefined },
      inputs: {},
      claims: { github_repository: REPOSITORY.toUpperCase() },
    },
  ])('deletes the client that client_id names, without a search, if it $what', async ({ identity, inputs, claims }) => {
    const [id, other] = [seed(identity, { fields: { custom_claims: claimsOf(claims) } }), seed()];
    expectDeleted(await remove({ ...inputs, client_id: id }), id);
    expect(ids()).toEqual([other]);
    expect(operationsOf(emulator)).toEqual(['token', 'getClient', 'deleteClient']);
  });

  it('counts a client that does not exist as deleted if client_id names it, and deletes its saved credentials', async () => {
    const location = seedSavedFor(emulator);
    location.setVariable(ID, 'm2morg_404');
    const other = seed();
    expectDeleted(await remove({ client_id: 'm2morg_404', ...saving() }));
    expect(ids()).toEqual([other]);
    expect(entriesIn(location)).toEqual([]);
    expect(sentTo(emulator, 'listClients')).toEqual([]);
  });

  it.each<{
    what: string;
    words: string;
    identity: Partial<Identity>;
    repo?: string;
    claims: Record<string, string>;
  }>([
    { what: 'is for another repository', words: 'for another repository', identity: OTHER, repo: '99', claims: {} },
    {
      what: 'has claims of another repository',
      words: 'claims name another repository',
      identity: { name: 'Deploy' },
      claims: { github_repository_id: '99' },
    },
    {
      what: 'is for another environment',
      words: 'for the environment "production"',
      identity: { environment: 'production' },
      claims: { environment: 'production' },
    },
    { what: 'belongs to a job', words: 'belongs to one job', identity: { lifetime: 'job' }, claims: {} },
  ])(
    'refuses to delete the client that client_id names, and keeps its saved credentials, in a dry run too, if it $what',
    async ({ words, identity, repo, claims }) => {
      const location = seedSavedFor(emulator);
      const id = seed(identity, { marker: repo ? { repo } : {}, fields: { custom_claims: claimsOf(claims) } });
      const before = emulator.clients();
      for (const dry_run of ['false', 'true']) {
        const run = await remove({ client_id: id, ...saving(), dry_run });
        expectFailed(run);
        expect(errors(run)).toEqual([expect.stringMatching(`^Client ${id} is not managed by this step: .*${words}`)]);
        expect(emulator.clients()).toEqual(before);
        expect(entriesIn(location)).toEqual(ALL_ENTRIES);
      }
    },
  );

  it.each([
    ['no marker', 'Created manually.'],
    ['several different markers', `${markerLine()}\n${markerLine()}`],
  ])('refuses to delete the client that client_id names if it has %s', async (_, description) => {
    const custom_claims = [{ key: 'github_repository', value: REPOSITORY }];
    const id = emulator.seed({ name: `GitHub Actions: ${REPOSITORY}`, description, custom_claims }).client.client_id;
    const run = await remove({ client_id: id });
    expectFailed(run);
    expect(ids()).toEqual([id]);
    expect(errors(run)).toEqual([
      expect.stringMatching(`^Client ${id} is not (deleted|managed by this step): its description has (no|several)`),
    ]);
  });

  it('deletes nothing if Scalekit shows another client than client_id names', async () => {
    const [id, other] = [seed(), seed()];
    const client = emulator.clients().find(({ client_id }) => client_id === other);
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit: () => ({ client }) } });
    expectFailed(await remove({ client_id: id }));
    expect(ids()).toEqual([id, other]);
  });
});

it('lists in a dry run every client, variable and secret that it would delete, and changes nothing', async () => {
  const location = seedSavedFor(emulator, 'production');
  const [first, second] = [seed({ environment: 'production' }), seed({ environment: 'production' })];
  const before = emulator.clients();
  const run = await remove({
    dry_run: 'true',
    environment: 'production',
    save_to: 'environment',
    github_token: emulator.github.token,
  });
  expectDeleted(run);
  for (const what of [first, second, STATE, ID, SECRET]) {
    expect(run.log).toMatch(new RegExp(`delete .*${what}`));
    expect(run.summary).toContain(what);
  }
  expect(emulator.clients()).toEqual(before);
  expect(entriesIn(location)).toEqual(ALL_ENTRIES);
  expect(emulator.requests.filter(isChange)).toEqual([]);
});

describe('failures', () => {
  it('deletes the other clients if one cannot be deleted, and names it with the call that deletes it', async () => {
    const location = seedSavedFor(emulator);
    const [first = '', second = '', third = ''] = [3, 2, 1].map((days) => seed({}, { ageMs: days * DAY }));
    const fault = { kind: 'status', status: 403 } as const;
    emulator.faults.add({ operation: 'deleteClient', ...about(second), fault });
    const run = await remove(saving());
    expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({
      exitCode: 1,
      outputs: { deleted: `${first} ${third}` },
    });
    expect(ids()).toEqual([second]);
    expect(errors(run)).toEqual([expect.stringMatching(`^Client ${second} is left over: .*HTTP 403`)]);
    expect(errors(run)[0]).toContain(callTo(second));
    expect(entriesIn(location)).toEqual([STATE, ID]);
  });

  it('names in the error as many clients as fit, each with its whole DELETE call, and in the log all that are left over', async () => {
    const all = Array.from({ length: 20 }, () => seed());
    emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403 } });
    const run = await remove();
    expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({ exitCode: 1, outputs: { deleted: '' } });
    const lines = errors(run)[0]?.split('\n') ?? [];
    const count = `and ${all.length - lines.length + 1} more, listed in the log`;
    expect(lines).toContain(count);
    expect(lines.length).toBeGreaterThan(8);
    const named = lines.filter((line) => line !== count);
    for (const line of named) expect(line).toMatch(/^Client .* is left over: /);
    expect(named.filter((line) => !all.some((id) => line.endsWith(callTo(id))))).toEqual([]);
    expect(longestAnnotation(run)).toBeLessThan(4000);
    for (const id of all) expect(plainLines(run)).toContainEqual(expect.stringContaining(callTo(id)));
    expect(run.log).not.toContain('nothing to delete');
    expect(ids()).toEqual(all);
  });

  it.each<{ name: string; operation: Operation; fault: Fault }>([
    { name: 'the clients', operation: 'listClients', fault: { kind: 'status', status: 403 } },
    {
      name: 'the saved secret',
      operation: 'getActionsSecret',
      fault: { kind: 'status', status: 404, body: '<html>no such host</html>' },
    },
  ])('deletes nothing if delete/ cannot read $name', async ({ operation, fault }) => {
    const location = seedSavedFor(emulator);
    const id = seed();
    emulator.faults.add({ operation, fault });
    const run = await remove(saving());
    expectFailed(run);
    expect(errors(run)).toHaveLength(1);
    expect(ids()).toEqual([id]);
    expect(entriesIn(location)).toEqual(ALL_ENTRIES);
  });

  it('counts a client, a variable and a secret as deleted if the responses to their deletion are lost', async () => {
    const location = seedSavedFor(emulator);
    const id = seed();
    const lost = { call: 1, when: 'after' } as const;
    emulator.faults.add(
      { operation: 'deleteClient', ...lost, fault: { kind: 'reset' } },
      { operation: 'deleteActionsSecret', ...lost, fault: { kind: 'status', status: 502 } },
      { operation: 'deleteVariable', ...lost, fault: { kind: 'close' } },
    );
    const run = await remove(saving());
    expectDeleted(run, id);
    expect(ids()).toEqual([]);
    expect(entriesIn(location)).toEqual([]);
    for (const what of [id, STATE, ID, SECRET]) expect(run.summary).toContain(what);
  });

  it('counts a client that another run deletes at the same time as deleted', async () => {
    const location = seedSavedFor(emulator);
    const id = seed();
    barrier(emulator, 'getClient', 2);
    const runs = await Promise.all([remove(saving()), remove(saving())]);
    for (const run of runs) expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    // Only the run that deleted the client has its id in the output.
    expect(runs.map(({ outputs }) => outputs.deleted).sort()).toEqual(['', id]);
    expect(ids()).toEqual([]);
    expect(entriesIn(location)).toEqual([]);
  });

  it('sends nothing more and names the clients that remain if it is cancelled during a deletion', async () => {
    const [first, second] = [seed({}, { ageMs: DAY }), seed()];
    const run = await remove({}, interruptedAt(emulator, 'deleteClient'));
    expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({ exitCode: 1, outputs: { deleted: first } });
    expect(ids()).toEqual([second]);
    expect(errors(run)).toEqual([expect.stringMatching(/^The run was cancelled\./)]);
    expect(errors(run)[0]).toContain(callTo(second));
  });
});

describe('another repository', () => {
  beforeEach(() => {
    emulator.github.addRepository(OTHER.repository, { id: Number(OTHER.repository_id) });
  });
  const inputs = () => ({ repository: 'ACME/Elsewhere', github_token: emulator.github.token });

  it('deletes the clients of the input repository and what is saved there, and nothing of its own repository', async () => {
    const ownLocation = seedSavedFor(emulator);
    const location = emulator.github.repository(OTHER.repository);
    seedFormer(emulator, location, { identity: OTHER });
    const [id, other] = [seed(OTHER, { marker: { repo: OTHER.repository_id } }), seed()];
    const run = await remove({ ...inputs(), save_to: 'repository' });
    expectDeleted(run, id);
    expect(ids()).toEqual([other]);
    expect(entriesIn(location)).toEqual([]);
    expect(entriesIn(ownLocation)).toEqual(ALL_ENTRIES);
    expect(run.log).toContain(`Claims about ${OTHER.repository} come from GitHub's API.`);
  });

  it('reads the environment of another repository from the input, even if the ID token names one', async () => {
    emulator.github.idTokenClaims = { environment: 'production' };
    const [id, other] = [seed({ ...OTHER, environment: 'staging' }), seed({ ...OTHER, environment: 'production' })];
    const run = await remove({ ...inputs(), environment: 'staging' }, { env: emulator.github.idTokenVariables });
    expect({ exitCode: run.exitCode, outputs: run.outputs }).toEqual({ exitCode: 0, outputs: { deleted: id } });
    expect(ids()).toEqual([other]);
  });

  it('deletes nothing if the other repository was renamed', async () => {
    emulator.github.rename(OTHER.repository, 'acme/new-name');
    const id = seed(OTHER, { marker: { repo: OTHER.repository_id } });
    const run = await remove(inputs());
    expectFailed(run);
    expect(ids()).toEqual([id]);
    expect(errors(run)).toEqual([expect.stringMatching(/renamed or transferred.*current name/)]);
  });

  it('sends nothing if another repository is given without github_token', async () => {
    const run = await remove({ ...inputs(), github_token: '' });
    expectFailed(run);
    expect(emulator.requests).toEqual([]);
    expect(errors(run)).toEqual([expect.stringMatching(/^Bad input: github_token: is empty/)]);
  });
});

it('names all bad inputs of delete/ in one error, and sends nothing', async () => {
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
  expectFailed(run);
  expect(emulator.requests).toEqual([]);
  expect(run.annotations).toHaveLength(1);
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
