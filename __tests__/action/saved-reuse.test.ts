import { describe, expect, it } from '@jest/globals';
import type { Operation } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  type Inputs,
  markerLine,
  notices,
  runAction,
  seedEarlier,
  warnings,
} from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { barrier, operationsOf, sentTo } from '../support/requests.ts';
import {
  changesOf,
  contents,
  credentialsIn,
  credentialsOf,
  expectPostDoesNothing,
  FINE_AND_CLASSIC,
  ID,
  NAMES,
  repositoryOf,
  SECRET,
  type SecretLocation,
  STATE,
  savedCredentialsWork,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
} from '../support/saved.ts';
import { DAY, MINUTE } from '../support/times.ts';

// Tests of `on_existing: reuse` with saved credentials, of `rotate_after`, and of the client that a saved id names.

const emulator = useEmulator();
const repository = () => repositoryOf(emulator);
const reuse = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, { on_existing: 'reuse', ...inputs }, step);
/** Makes Scalekit show the secret with this id as inactive. */
const deactivate = (id: string) =>
  emulator.faults.add(
    ...(['getClient', 'listClients'] as const).map((operation) => ({
      operation,
      fault: {
        kind: 'edit' as const,
        edit: (response: unknown) =>
          JSON.parse(JSON.stringify(response), (_, value) =>
            value?.id === id ? { ...value, status: 'INACTIVE' } : value,
          ),
      },
    })),
  );

describe('usable credentials', () => {
  it('writes nothing with reuse if the saved credentials are usable, and says so', async () => {
    const location = repository().addEnvironment('preview/pr-7');
    const inputs = { save_to: 'environment', environment: 'preview/pr-7' };
    const first = await reuse(inputs);
    expect(first.outputs).toMatchObject({ result: 'created' });
    expect(first.summary).toMatch(new RegExp(`<th>Saved</th><td><code>${NAMES} of `));
    expect(credentialsIn(location)).toEqual(credentialsOf(first));
    const times = [...location.variables];
    const before = contents(emulator, location);
    const from = emulator.requests.length;
    const second = await reuse(inputs);
    expectSucceeded(second);
    expect(second).toMatchObject({
      exitCode: 0,
      outputs: { result: 'reused', client_id: first.outputs.client_id, secret: '' },
      state: { client: '' },
    });
    expect(contents(emulator, location)).toEqual(before);
    expect([...location.variables]).toEqual(times);
    const writes = emulator.requests.slice(from).filter(({ method }) => method !== 'GET');
    expect(writes.map(({ operation }) => operation)).toEqual(['token']);
    expect(second.log).toContain("the saved credentials are this client's");
    expect(second.summary).toContain('<th>Saved</th><td><code>unchanged</code></td>');
    await expectPostDoesNothing(emulator, second);
  });

  it("keeps saved credentials if GitHub's two times differ by less than a second, even if Scalekit's secret is younger", async () => {
    seedSaved(emulator, { secrets: [{ ageMs: 0 }] });
    const at = (time: string) =>
      ({ kind: 'edit', edit: (response: object) => ({ ...response, updated_at: time }) }) as const;
    emulator.faults.add(
      { operation: 'getVariable', fault: at('2026-11-24T08:00:00.900Z') },
      { operation: 'getActionsSecret', fault: at('2026-11-24T08:00:00.100Z') },
    );
    expect((await reuse()).outputs).toMatchObject({ result: 'reused' });
  });

  it('corrects the drift of a client with reuse, and keeps its saved credentials', async () => {
    const { credentials } = seedSaved(emulator, { fields: { scopes: ['b'] } });
    const run = await reuse({ scopes: 'a' });
    expectSucceeded(run);
    expect(run.outputs).toMatchObject({ result: 'reused' });
    expect(changesOf(emulator)).toEqual(['updateClient']);
    expect(credentialsIn(repository())).toEqual(credentials);
  });

  it('says in a dry run with reuse that it would change nothing', async () => {
    seedSaved(emulator);
    const run = await reuse({ dry_run: 'true' });
    expect(run.log).toContain('- change nothing');
    expect(run.log).not.toContain('A new secret is due');
  });
});

describe('credentials that are not usable', () => {
  it.each<{
    name: string;
    change: (saved: ReturnType<typeof seedSaved>, location: SecretLocation) => void;
    reason: string;
  }>([
    {
      name: '…_CLIENT_ID is missing',
      change: (_, { variables }) => variables.delete(ID),
      reason: 'no credentials of it are saved',
    },
    {
      name: 'the secret that …_STATE names is inactive',
      change: ({ secretId }) => deactivate(secretId),
      reason: 'the saved secret sks_\\d+ is not active',
    },
    {
      name: '…_STATE says secret:unknown',
      change: (_, location) => location.setVariable(STATE, stateValue(emulator, 'unknown'), DAY),
      reason: 'it is not known which secret is saved',
    },
    {
      name: "GitHub's secret is a second older than …_STATE",
      change: ({ credentials }, location) => location.setSecret(SECRET, credentials.secret, DAY + 1000),
      reason: 'saving was cut off before the secret was written',
    },
  ])('adds and saves a secret with reuse, and says why, if $name', async ({ change, reason }) => {
    const location = repository();
    const saved = seedSaved(emulator, { secrets: 2 });
    change(saved, location);
    const run = await reuse();
    expectSucceeded(run);
    expect(run.outputs).toMatchObject({ result: 'rotated', client_id: saved.client.client_id });
    expect(run.log).toMatch(new RegExp(`^Added secret sks_\\d+ to .*, since ${reason}\\.$`, 'm'));
    expect(run.summary).toMatch(new RegExp(`<th>Reason</th><td><code>${reason.replace("'", '&#39;')}</code>`));
    expect(credentialsIn(location)).toEqual(credentialsOf(run));
    expect(location.variables.get(STATE)?.value).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    emulator.faults.clear();
    expect((await reuse()).outputs).toMatchObject({ result: 'reused' });
  });

  it('says in a dry run with reuse why it would add and save a secret', async () => {
    seedSaved(emulator);
    repository().secrets.clear();
    const run = await reuse({ dry_run: 'true' });
    expect(run.log).toContain('A new secret is due, since no credentials of it are saved.');
    expect(run.log).toContain('- save the credentials as ');
    expect(changesOf(emulator)).toEqual([]);
  });

  it('adds and saves a secret with reuse if …_STATE has another identity hash and client_id takes the client over', async () => {
    const { client, secretId } = seedSaved(emulator);
    repository().setVariable(STATE, stateValue(emulator, secretId, { name: 'Deploy' }), DAY);
    const run = await reuse({ client_id: client.client_id });
    expectSucceeded(run);
    expect(run.outputs).toMatchObject({ result: 'rotated', client_id: client.client_id });
    expect(run.log).toContain("since the saved credentials are another client's");
    expect(repository().variables.get(STATE)?.value).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
  });

  it('creates and saves a client with reuse if the saved client does not exist any more', async () => {
    seedFormer(emulator);
    const run = await reuse();
    expectSucceeded(run);
    expect(run.outputs).toMatchObject({ result: 'created' });
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  });

  it('fails with reuse if github_token may not read whether credentials are saved', async () => {
    seedSaved(emulator);
    const run = await reuse({ github_token: emulator.github.addToken({ secrets: 'write' }) });
    expect(run.exitCode).toBe(1);
    expect(changesOf(emulator)).toEqual([]);
    expect(errors(run)[0]).toMatch(FINE_AND_CLASSIC.variables);
  });
});

describe('rotate_after', () => {
  /** Returns a time of Scalekit plus some days, as the log shows it. */
  const daysAfter = (time: string | undefined, days: number) =>
    new Date(Math.floor(Date.parse(time ?? '') / 1000) * 1000 + days * DAY).toISOString().replace('.000Z', 'Z');
  /** Returns the age of a secret that is a minute older than some days. */
  const days = (count: number) => ({ ageMs: count * DAY + MINUTE });
  type Saving = 'with save_to' | 'without save_to';
  const rotateAfter = (rotate_after: number, saving: Saving, inputs: Inputs = {}, step: Step = {}) => {
    const all = { on_existing: 'reuse', rotate_after: `${rotate_after}`, ...inputs };
    return saving === 'with save_to' ? saveWith(emulator, all, step) : runAction(emulator, { ...step, inputs: all });
  };
  const seed = (saving: Saving, secrets: { ageMs: number }[]) =>
    saving === 'with save_to' ? seedSaved(emulator, { secrets }) : seedEarlier(emulator, {}, { ageMs: DAY, secrets });
  const BOTH: Saving[] = ['with save_to', 'without save_to'];

  it.each(BOTH)('keeps a secret that is not older than rotate_after, and says when it is due, %s', async (saving) => {
    const { client } = seed(saving, [days(29)]);
    const due = daysAfter(client.secrets?.[0]?.create_time, 30);
    const run = await rotateAfter(30, saving);
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'reused' } });
    expect(changesOf(emulator)).toEqual([]);
    expect(run.log).toContain(`The next rotation is due on ${due}.`);
    expect(run.log).not.toContain('since');
    expect(run.summary).toContain(`<th>Next rotation</th><td><code>${due}</code></td>`);
    expect(run.summary).not.toContain('Reason');
  });

  it.each(BOTH)('adds a secret if the old one is older than rotate_after, and says why, %s', async (saving) => {
    const { client } = seed(saving, [days(31)]);
    const why = `secret ${client.secrets?.[0]?.id} is 31 days old, and rotate_after is 30`;
    const run = await rotateAfter(30, saving);
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(run.outputs).toMatchObject({ result: 'rotated', client_id: client.client_id });
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    const added = emulator.clients()[0]?.secrets?.find(({ id }) => id === run.outputs.secret_id);
    const due = daysAfter(added?.create_time, 30);
    expect(run.log).toMatch(new RegExp(`^Added secret .*, since ${why}\\.$`, 'm'));
    expect(run.log).toContain(`The next rotation is due on ${due}.`);
    expect(run.summary).toContain(`<th>Reason</th><td><code>${why}</code></td>`);
    expect(run.summary).toContain(`<th>Next rotation</th><td><code>${due}</code></td>`);
    if (saving === 'with save_to') expect(credentialsIn(repository())).toEqual(credentialsOf(run));
    expect((await rotateAfter(30, saving)).outputs).toMatchObject({ result: 'reused' });
  });

  it('says in a dry run why rotate_after makes a new secret due', async () => {
    const { client } = seed('with save_to', [days(31)]);
    const run = await rotateAfter(30, 'with save_to', { dry_run: 'true' });
    expectSucceeded(run);
    expect(changesOf(emulator)).toEqual([]);
    expect(run.log).toContain(`- add a secret to client ${client.client_id}`);
    const why = `secret ${client.secrets?.[0]?.id} is 31 days old, and rotate_after is 30`;
    expect(run.log).toContain(`A new secret is due, since ${why}.`);
  });

  it('says after it created a client when rotate_after makes the next rotation due', async () => {
    const run = await rotateAfter(30, 'without save_to');
    const due = daysAfter(emulator.clients()[0]?.secrets?.[0]?.create_time, 30);
    expect(run.outputs).toMatchObject({ result: 'created' });
    expect(run.log).toContain(`The next rotation is due on ${due}.`);
    expect(run.summary).toContain(`<th>Next rotation</th><td><code>${due}</code></td>`);
  });

  it.each<{ name: string; saving: Saving; fields: object; headers: Record<string, string> }>([
    {
      name: 'the secret has no creation time',
      saving: 'with save_to',
      fields: { create_time: undefined },
      headers: {},
    },
    { name: 'Scalekit does not send its time', saving: 'without save_to', fields: {}, headers: { date: '' } },
  ])('adds a secret, with a notice, if its age is unknown because $name', async ({ saving, fields, headers }) => {
    const { client } = seed(saving, [days(1)]);
    const shown = { ...client, secrets: client.secrets?.map((secret) => ({ ...secret, ...fields })) };
    const [operation, response]: [Operation, object] =
      saving === 'with save_to' ? ['getClient', { client: shown }] : ['listClients', { clients: [shown] }];
    emulator.faults.add({
      operation,
      times: 1,
      fault: {
        kind: 'body',
        body: JSON.stringify(response),
        headers: { 'content-type': 'application/json', ...headers },
      },
    });
    const run = await rotateAfter(30, saving);
    const why = `the age of secret ${client.secrets?.[0]?.id} is not known`;
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated' } });
    expect(notices(run)).toEqual([`Client ${client.client_id} gets a new secret: ${why}.`]);
    expect(run.log).toContain(`, since ${why}.`);
    expect(run.summary).toContain(why);
  });

  it('compares the age of a secret with the time of Scalekit, even if the clock of the runner is 400 days off', async () => {
    seed('with save_to', [days(29)]);
    const clockOff = (offset: number): Step => ({
      nodeOptions: ['--import', `data:text/javascript,const now = Date.now; Date.now = () => now() + ${offset * DAY};`],
    });
    const ahead = await rotateAfter(30, 'with save_to', {}, clockOff(400));
    expect(ahead.outputs).toMatchObject({ result: 'reused' });
    const behind = await rotateAfter(28, 'with save_to', {}, clockOff(-400));
    expect(behind.outputs).toMatchObject({ result: 'rotated' });
  });

  it('compares rotate_after with the age of the secret that …_STATE names, even if a newer one exists', async () => {
    const { secretId } = seedSaved(emulator, { secrets: [days(31), days(1)] });
    const run = await rotateAfter(30, 'with save_to');
    expect(run.outputs).toMatchObject({ result: 'rotated' });
    expect(run.log).toContain(`since secret ${secretId} is 31 days old`);
  });

  it('compares rotate_after with the age of the newest active secret without save_to', async () => {
    const { client } = seed('without save_to', [days(31), days(9), days(40)]);
    const [oldest, newest] = client.secrets ?? [];
    deactivate(newest?.id ?? '');
    const run = await rotateAfter(30, 'without save_to');
    expect(run.outputs).toMatchObject({ result: 'rotated' });
    expect(run.log).toContain(`since secret ${oldest?.id} is 31 days old`);
  });

  it('fails before any request if rotate_after is given with on_existing: rotate', async () => {
    const run = await rotateAfter(30, 'with save_to', { on_existing: 'rotate' });
    expect(run.exitCode).toBe(1);
    expect(emulator.requests).toEqual([]);
    const fault = 'Bad input: rotate_after: is given with on_existing: rotate; expected on_existing: reuse';
    expect(errors(run)).toEqual([expect.stringContaining(fault)]);
  });
});

describe('a known id', () => {
  /** Returns the operations of the requests to Scalekit. */
  const sentToScalekit = (from: number) =>
    emulator.requests
      .slice(from)
      .filter(({ path }) => !path.startsWith('/api/v3'))
      .map(({ operation }) => operation);

  it.each<{ name: string; inputs: Inputs; sent: Operation[] }>([
    { name: 'nothing is due', inputs: { rotate_after: '30' }, sent: ['token', 'getClient'] },
    { name: 'the client has drifted', inputs: { scopes: 'a' }, sent: ['token', 'getClient', 'updateClient'] },
  ])(
    'sends the same few requests in a nightly reuse to organizations of 10 and of 300 clients if $name',
    async ({ inputs, sent }) => {
      const { credentials } = seedSaved(emulator);
      let count = 1;
      for (const total of [10, 300]) {
        for (; count < total; count++) emulator.seed({ name: `client ${count}` });
        const from = emulator.requests.length;
        const run = await reuse({ ...inputs, ...(inputs.scopes && { scopes: `a-${total}` }) });
        expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'reused', client_id: credentials.client_id } });
        expect(sentToScalekit(from)).toEqual(sent);
      }
    },
  );

  it('reads the client that client_id names without a search, among 300 clients', async () => {
    const { client } = seedEarlier(emulator, {}, { ageMs: DAY });
    for (let count = 1; count < 300; count++) emulator.seed({ name: `client ${count}` });
    const run = await runAction(emulator, { inputs: { on_existing: 'reuse', client_id: client.client_id } });
    expect(run.outputs).toMatchObject({ result: 'reused', client_id: client.client_id });
    expect(sentToScalekit(0)).toEqual(['token', 'getClient']);
  });

  it('uses the saved one of two clients with our identity hash, and without a saved id the older one', async () => {
    const older = seedEarlier(emulator, {}, { ageMs: 2 * DAY }).client.client_id;
    const { client } = seedSaved(emulator);
    const run = await reuse();
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { client_id: client.client_id } });
    expect(operationsOf(emulator)).not.toContain('listClients');
    for (const name of [ID, STATE]) repository().variables.delete(name);
    repository().secrets.clear();
    const searching = await reuse();
    expect(searching.outputs).toMatchObject({ client_id: older });
    expect(warnings(searching)).toEqual([expect.stringContaining(client.client_id)]);
  });

  it('replaces the saved client, and names the other clients with our identity hash in a warning', async () => {
    const older = seedEarlier(emulator, {}, { ageMs: 2 * DAY }).client.client_id;
    const { client } = seedSaved(emulator);
    const younger = seedEarlier(emulator, {}, { ageMs: MINUTE }).client.client_id;
    const run = await saveWith(emulator, { on_existing: 'replace' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(warnings(run)).toEqual([
      expect.stringMatching(
        `This run uses .*${client.client_id}, and does not change the others: ${older}, ${younger}\\.`,
      ),
    ]);
    expect(clientIds(emulator)).toEqual([older, younger, run.outputs.client_id]);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  });

  it.each<[string, () => string]>([
    [
      'a client with another identity hash',
      () => seedEarlier(emulator, { description: markerLine({ name: 'Deploy' }) }, { ageMs: DAY }).client.client_id,
    ],
    ['a client without a marker', () => emulator.seed({ name: 'Created manually' }, { ageMs: DAY }).client.client_id],
    ['a client that does not exist', () => 'm2morg_404'],
    ['a path instead of a client id', () => '../../elsewhere'],
  ])('searches for the client, and changes no other, if …_CLIENT_ID holds %s', async (_, idOf) => {
    const { client } = seedSaved(emulator);
    const hint = idOf();
    repository().setVariable(ID, hint, DAY);
    const before = emulator.clients().find(({ client_id }) => client_id === hint);
    const run = await reuse();
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated', client_id: client.client_id } });
    expect(sentTo(emulator, 'listClients').length).toBeGreaterThan(0);
    expect(emulator.clients().find(({ client_id }) => client_id === hint)).toEqual(before);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
    expect(emulator.requests.filter(({ path }) => path.includes('elsewhere'))).toEqual([]);
  });

  it('fails and changes nothing if Scalekit shows another client than the saved one', async () => {
    const { client } = seedSaved(emulator);
    const other = seedEarlier(emulator, {}, { ageMs: MINUTE }).client;
    emulator.faults.add({ operation: 'getClient', call: 1, fault: { kind: 'edit', edit: () => ({ client: other }) } });
    const before = emulator.clients();
    const run = await reuse();
    expectFailed(run);
    expect(errors(run)).toEqual([`Could not read client ${client.client_id}: HTTP 200, but it shows another client.`]);
    expect(emulator.clients()).toEqual(before);
  });

  it('searches for the client, with a notice, if the one that client_id names does not exist', async () => {
    const { client } = seedSaved(emulator);
    const run = await reuse({ client_id: 'm2morg_404' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'reused', client_id: client.client_id } });
    expect(notices(run)).toEqual([expect.stringContaining('There is no client m2morg_404 (client_id)')]);
  });

  it.each<[string, Operation]>([
    ['…_CLIENT_ID', 'listClients'],
    ['client_id', 'getClient'],
  ])('ends with one client, which is saved, if two runs replace the client of %s at once', async (by, read) => {
    const { client_id } = seedSaved(emulator).client;
    // Both runs have read the client before one of them changes something.
    barrier(emulator, read, 2);
    const inputs: Inputs = { on_existing: 'replace', ...(by === 'client_id' && { client_id }) };
    const runs = await Promise.all([saveWith(emulator, inputs), saveWith(emulator, inputs)]);
    for (const run of runs) {
      expectSucceeded(run);
    }
    expect(clientIds(emulator)).toEqual([credentialsIn(repository()).client_id]);
    expect(await savedCredentialsWork(emulator)).toBe(true);
  });
});
