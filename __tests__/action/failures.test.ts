import { rmSync, writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { DEBUG_MARKER, type Fault, type Operation } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { credentialsWork, errors, readable, runAction, secretsOf, seedEarlier, warnings } from '../support/action.ts';
import { clientIds, clientUrl, secretIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import { DAY } from '../support/times.ts';

// What the action does if a server refuses a request, or if a response is lost, wrong or incomplete.

const emulator = useEmulator();
const inFolder = useFolder();

type Edit = Extract<Fault, { kind: 'edit' }>['edit'];

/** Edits the body of each response for an operation. */
const editResponses = (operation: Operation, edit: Edit) =>
  emulator.faults.add({ operation, fault: { kind: 'edit', edit } });
const refuse = (operation: Operation, status: number, body: unknown) =>
  emulator.faults.add({ operation, fault: { kind: 'status', status, body } });

const PAGE = '<html><h1>403 Forbidden</h1></html>';

it('fails with the advice to check the credentials if Scalekit refuses them, and does not show them', async () => {
  const wrong = ['wrong', 'secret', 'value'].join('-');
  const run = await runAction(emulator, { inputs: { scalekit_client_secret: wrong } });
  const message = /^Could not sign in to Scalekit: HTTP 401: .+ Check scalekit_client_id and scalekit_client_secret/;
  expectFailed(run, message);
  expect(readable(run)).not.toContain(wrong);
  expect(operationsOf(emulator)).toEqual(['token']);
});

it('fails with the advice to check the IP allowlist if a page refuses the sign-in', async () => {
  refuse('token', 403, PAGE);
  expectFailed(
    await runAction(emulator),
    'a firewall, a proxy or an IP allow list in front of scalekit_environment_url',
    /^Could not sign in to Scalekit: HTTP 403.* Check scalekit_client_id and .* If the environment has an IP allowlist, it must contain the address of this runner\.$/,
  );
});

it('does not blame the permissions of the credentials if a page refuses the list of clients', async () => {
  refuse('listClients', 403, PAGE);
  expect(errors(await runAction(emulator))).toEqual([
    "Could not list the organization's clients: HTTP 403. That is not the API's JSON: a firewall, a proxy or an IP allow list in front of scalekit_environment_url probably refused it. Allow this runner's address there.",
  ]);
});

it('fails with the advice to check the organization if it is not in this environment, and post sends nothing', async () => {
  const run = await runAction(emulator, { inputs: { organization_id: 'org_404' } });
  const message =
    /^Could not list the organization's clients: HTTP 404: .+ Check that organization org_404 exists in this environment/;
  expectFailed(run, message);
  expect(readable(run)).not.toContain(DEBUG_MARKER);
  const before = emulator.requests.length;
  const post = await run.post();
  expect(post.annotations).toEqual([]);
  expect(emulator.requests).toHaveLength(before);
});

it("shows the error code and the field of Scalekit's refusal, but no internals", async () => {
  const run = await runAction(emulator, { inputs: { expiry: '5', lifetime: 'job' } });
  expectFailed(run, /^Could not create the client: HTTP 400: \w+: .*expiry/);
  expect(readable(run)).not.toContain(DEBUG_MARKER);
});

it('fails with the likely causes if the API credentials may not create clients', async () => {
  const details = [{ error_code: 'FORBIDDEN', debug_info: { detail: DEBUG_MARKER } }];
  refuse('createClient', 403, { code: 7, message: 'permission denied', details });
  const run = await runAction(emulator);
  expect(errors(run)).toEqual([
    'Could not create the client: HTTP 403: FORBIDDEN: permission denied. The API credentials in scalekit_client_id may not manage the clients of this organization, or the IP allowlist of the environment does not contain the address of this runner.',
  ]);
  expect(readable(run)).not.toContain(DEBUG_MARKER);
});

it('shows *** in place of a secret that the server quotes', async () => {
  const { clientSecret } = emulator.credentials;
  const base64 = Buffer.from(clientSecret).toString('base64');
  refuse('token', 400, { error: 'bad', error_description: `no such secret: ${clientSecret} (${base64})` });
  const run = await runAction(emulator);
  expectFailed(run, 'no such secret: *** (***)');
  for (const form of [clientSecret, base64]) expect(readable(run)).not.toContain(form);
});

it('deletes a new client that differs from the request, and names the field, what was wanted and what it got', async () => {
  emulator.behaviour.dropScopes = ['write:b'];
  const run = await runAction(emulator, { inputs: { scopes: 'read:a write:b' } });
  expectFailed(
    run,
    'A scope must exist in the environment first.',
    /^scopes: wanted "read:a", "write:b"; got "read:a"$/m,
    /^Removed again: client m2morg_\d+\.$/m,
  );
  expect(emulator.clients()).toEqual([]);
  const post = await run.post();
  expect(post.annotations).toEqual([]);
});

const edit = (change: Edit): Fault => ({ kind: 'edit', edit: (body) => ({ ...body, ...(change(body) as object) }) });
it.each<{ what: string; fault: Fault }>([
  { what: 'has no secret', fault: edit(() => ({ plain_secret: undefined })) },
  { what: 'has a secret that is too short to be masked', fault: edit(() => ({ plain_secret: '1234567' })) },
  { what: 'has an invalid client id', fault: edit(({ client }) => ({ client: { ...client, client_id: '../../x' } })) },
  { what: 'is a page', fault: { kind: 'body', body: '<html>created</html>' } },
  { what: 'is cut off by the connection', fault: { kind: 'truncate' } },
  { what: 'is larger than 8 MiB', fault: { kind: 'huge', bytes: 9_000_000 } },
  { what: 'is an error of the server', fault: { kind: 'status', status: 500 } },
  { what: 'is a redirect', fault: { kind: 'redirect', location: 'https://elsewhere.example/' } },
  { what: 'is lost with the connection', fault: { kind: 'reset' } },
])('ends with one client and a secret that works if the response to the create request $what', async ({ fault }) => {
  emulator.faults.add({ operation: 'createClient', when: 'after', fault });
  const run = await runAction(emulator);
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(sentTo(emulator, 'createClient')).toHaveLength(1);
  expect(emulator.clients()).toHaveLength(1);
  expect(secretIds(emulator)).toEqual([run.outputs.secret_id]);
  expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
  const post = await run.post();
  expect(post.annotations).toEqual([]);
});

it('never deletes another client that the response to the create request shows', async () => {
  const { client } = emulator.seed({ name: 'Foreign', description: 'manual' });
  editResponses('createClient', (body) => ({ ...body, client }));
  const run = await runAction(emulator);
  // The step finds its own client by the nonce, and continues with it.
  expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'created' } });
  expect(run.outputs.client_id).not.toBe(client.client_id);
  expect(clientIds(emulator)).toEqual([client.client_id, run.outputs.client_id]);
});

it.each([
  { what: 'does not exist', file: () => inFolder('none') },
  { what: 'is on a full disk', file: () => '/dev/full' },
])('deletes the new client if the file for outputs $what', async ({ file }) => {
  const run = await runAction(emulator, { env: { GITHUB_OUTPUT: file() } });
  expectFailed(run, /Removed again: client m2morg_\d+\.$/);
  expect(emulator.clients()).toEqual([]);
  expect(run.stdout).not.toContain('set-output');
});

it('sends no request if the state for the post step cannot be written', async () => {
  const run = await runAction(emulator, { env: { GITHUB_STATE: '/dev/full' } });
  expectFailed(run, 'Could not write the state for the post step');
  expect(emulator.requests).toEqual([]);
});

/** Runs a step whose state file is deleted when the server receives the create request. */
function runWithoutState(): Promise<Executed> {
  const state = inFolder('state');
  writeFileSync(state, '');
  emulator.hold = (_, { operation }) => {
    if (operation === 'createClient') rmSync(state, { force: true });
  };
  return runAction(emulator, { env: { GITHUB_STATE: state } });
}

it('reports why the create failed although the state file disappeared meanwhile', async () => {
  emulator.faults.add({ operation: 'createClient', fault: { kind: 'status', status: 403 } });
  expectFailed(await runWithoutState(), 'HTTP 403');
  expect(emulator.clients()).toEqual([]);
});

it('deletes the new client if the state file disappears during the create request', async () => {
  expectFailed(await runWithoutState(), /Removed again: client m2morg_\d+\.$/);
  expect(emulator.clients()).toEqual([]);
});

it('names the new client that roll-back could not delete with the manual call, and the post step deletes it', async () => {
  emulator.behaviour.dropScopes = ['a'];
  emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403 } });
  const run = await runAction(emulator, { inputs: { scopes: 'a' } });
  const [client_id = ''] = clientIds(emulator);
  expectFailed(run, `To remove it by hand: DELETE ${clientUrl(emulator, client_id)}`);
  emulator.faults.clear();
  const post = await run.post();
  expect(post.annotations).toEqual([]);
  expect(emulator.clients()).toEqual([]);
});

it('reads the client if the response to the create request does not show the id of the secret', async () => {
  editResponses('createClient', ({ client, ...body }) => ({ ...body, client: { ...client, secrets: undefined } }));
  const run = await runAction(emulator);
  const [secret_id] = secretIds(emulator);
  expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { secret_id } });
  expect(sentTo(emulator, 'getClient')).toHaveLength(1);
});

it('outputs an empty secret_id if the response does not show the id of an added secret', async () => {
  await runAction(emulator);
  editResponses('addSecret', (body) => ({ ...body, secret: undefined }));
  const run = await runAction(emulator);
  expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'rotated', secret_id: '' } });
  expect(await credentialsWork(emulator, run.outputs)).toBe(true);
});

it('never deletes an existing secret whose id the response shows for the added one, and names the added one', async () => {
  const first = await runAction(emulator);
  const known = emulator.clients()[0]?.secrets?.[0];
  editResponses('addSecret', (body) => ({ ...body, secret: known }));
  const run = await runAction(emulator, { env: { GITHUB_OUTPUT: '/dev/full' } });
  const ids = secretIds(emulator);
  expect(ids).toEqual([known?.id, expect.any(String)]);
  expectFailed(run, `Secret ${ids[1]} of client`);
  expect(await credentialsWork(emulator, first.outputs)).toBe(true);
});

it('names the added secret in roll-back if no response shows its id', async () => {
  await runAction(emulator);
  editResponses('addSecret', (body) => ({ ...body, secret: undefined }));
  const run = await runAction(emulator, { env: { GITHUB_OUTPUT: '/dev/full' } });
  const added = secretIds(emulator).at(-1);
  expectFailed(run, new RegExp(`^Secret ${added} of client .* DELETE .*/secrets/${added}$`, 'm'));
});

it('retires old secrets although the list of clients does not show them', async () => {
  await runAction(emulator);
  editResponses('listClients', ({ clients }) => ({
    clients: clients.map((client: object) => ({ ...client, secrets: undefined })),
  }));
  const run = await runAction(emulator, { inputs: { keep_secrets: '1' } });
  expect(secretIds(emulator)).toEqual([run.outputs.secret_id]);
});

it('adds the secret to the right client although the response to an update shows another one', async () => {
  const { outputs } = await runAction(emulator, { inputs: { scopes: 'a' } });
  const { client_id } = emulator.seed({ name: 'Foreign' }).client;
  editResponses('updateClient', ({ client }) => ({ client: { ...client, client_id } }));
  const run = await runAction(emulator, { inputs: { scopes: 'a b' } });
  expect(run).toMatchObject({ exitCode: 0, outputs: { client_id: outputs.client_id } });
  const secrets = emulator.clients().map((client) => ({ id: client.client_id, count: client.secrets?.length }));
  expect(secrets).toEqual([
    { id: outputs.client_id, count: 2 },
    { id: client_id, count: 1 },
  ]);
});

/** Adds a client of this repository with old secrets. @returns the ids of the secrets */
const seedSecrets = (secrets: number) => {
  seedEarlier(emulator, {}, { ageMs: DAY, secrets });
  return secretIds(emulator);
};
/** Makes the connection break before the response to a request that adds a secret, after the server has added it. */
const loseSecrets = (times: number) =>
  emulator.faults.add({ operation: 'addSecret', times, when: 'after', fault: { kind: 'reset' } });

it('adds another secret if the response with the first one is lost, and warns with the manual call that deletes the lost one', async () => {
  const old = seedSecrets(3);
  loseSecrets(1);
  const run = await runAction(emulator, { inputs: { keep_secrets: '5' } });
  expectSucceeded(run);
  const lost = secretIds(emulator)[old.length];
  expect(secretIds(emulator)).toEqual([...old, lost, run.outputs.secret_id]);
  expect(warnings(run)).toEqual([
    expect.stringMatching(`^Secret ${lost} of client .* may be left over .* DELETE .*/secrets/${lost}$`),
  ]);
});

it('fails after three lost responses with a new secret, keeps the old secrets and names what may be left over', async () => {
  const old = seedSecrets(2);
  loseSecrets(3);
  const run = await runAction(emulator);
  const now = secretIds(emulator);
  expect(now).toHaveLength(5);
  expect(now.slice(0, 2)).toEqual(old);
  expectFailed(run, ...now.slice(2).map((id) => `/secrets/${id}`));
});

it('deletes an added secret whose id the response shows without its value, and adds another one', async () => {
  const old = seedSecrets(1);
  const withoutValue: Fault = { kind: 'edit', edit: ({ secret }) => ({ secret }) };
  emulator.faults.add({ operation: 'addSecret', times: 1, fault: withoutValue });
  const run = await runAction(emulator);
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(secretIds(emulator)).toEqual([...old, run.outputs.secret_id]);
});

it('never deletes the published secret after a lost create response, however little the other responses show', async () => {
  emulator.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'reset' } });
  editResponses('listClients', ({ clients }) => ({
    clients: clients.map((client: object) => ({ ...client, secrets: undefined })),
  }));
  editResponses('addSecret', ({ plain_secret }) => ({ plain_secret }));
  editResponses('getClient', ({ client }) => ({
    client: { ...client, secrets: client.secrets.slice(1).map((secret: object) => ({ ...secret, secret_suffix: '' })) },
  }));
  const run = await runAction(emulator);
  expectSucceeded(run);
  expect(await credentialsWork(emulator, run.outputs)).toBe(true);
});

it('succeeds if an update that is refused in the end was applied by its first request', async () => {
  await runAction(emulator, { inputs: { scopes: 'a' } });
  const operation = 'updateClient';
  emulator.faults.add(
    { operation, call: 1, when: 'after', fault: { kind: 'status', status: 503 } },
    { operation, call: 2, fault: { kind: 'status', status: 403 } },
  );
  const run = await runAction(emulator, { inputs: { scopes: 'a b' } });
  expectSucceeded(run);
  expect(emulator.clients()[0]?.scopes).toEqual(['a', 'b']);
});
