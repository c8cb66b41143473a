import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DescMessage, fromJsonString, type MessageShape } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { describe, expect, it } from '@jest/globals';
import { ClientService } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import { ErrorInfoSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/errdetails/errdetails_pb.js';
import { OrganizationService } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/organizations/organizations_pb.js';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { type Behaviour, DEBUG_MARKER, type Emulator, type Fault, startEmulator } from '../../emulator/index.ts';
import { useEmulators } from '../support/emulators.ts';

const start = useEmulators();

const behaving = (behaviour: Partial<Behaviour>) => start({ behaviour });

const validator = createValidator();

/**
 * Decodes a response with the schema of Scalekit's SDK.
 * @throws if the response has a field that the schema does not have
 */
function decoded<Desc extends DescMessage>(schema: Desc, text: string): MessageShape<Desc> {
  const message = fromJsonString(schema, text);
  expect(validator.validate(schema, message).kind).toBe('valid');
  return message;
}

type Reply = { status: number; headers: Headers; text: string };

async function reply(response: Response): Promise<Reply> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function tokenReply(url: string, clientId: string, clientSecret: string): Promise<Reply> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  return reply(await fetch(`${url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) }));
}

async function tokenOf(url: string, clientId: string, clientSecret: string): Promise<string> {
  return JSON.parse((await tokenReply(url, clientId, clientSecret)).text).access_token;
}

/** Signs in and returns functions that call the API. The paths of `at` are relative to the organization's clients. */
async function caller(emulator: Emulator, origin = emulator.url) {
  const { clientId, clientSecret } = emulator.credentials;
  const token = await tokenOf(origin, clientId, clientSecret);
  const call = async (method: string, path: string, body?: unknown, authorization = `Bearer ${token}`) =>
    reply(
      await fetch(`${origin}/api/v1${path}`, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    );
  const root = `/organizations/${emulator.organization.id}/clients`;
  return { token, call, at: (method: string, path: string, body?: unknown) => call(method, root + path, body) };
}

const { method: rpc } = ClientService;
const example = {
  name: 'GitHub Actions Deployment Service',
  description: 'Service account for GitHub Actions',
  scopes: ['deploy:applications', 'read:deployments'],
  audience: ['deployment-api.acmecorp.com'],
  custom_claims: [
    { key: 'github_repository', value: 'acmecorp/inventory-service' },
    { key: 'environment', value: 'production_us' },
  ],
  expiry: 3600,
};

describe('the API', () => {
  it('the API creates a client and returns its secret once', async () => {
    const { at } = await caller(await start());
    const { status, text } = await at('POST', '', example);
    expect(status).toBe(201);
    const { client, plainSecret } = decoded(rpc.createOrganizationClient.output, text);
    expect(client).toMatchObject({
      name: example.name,
      description: example.description,
      scopes: example.scopes,
      audience: example.audience,
      customClaims: example.custom_claims,
      expiry: 3600n,
    });
    expect(client?.clientId).toMatch(/^m2morg_\d{17}$/);
    expect(client?.secrets[0]?.id).toMatch(/^sks_\d{17}$/);
    expect(client?.secrets[0]?.secretSuffix).toBe(plainSecret.slice(-4));
    const read = await at('GET', `/${client?.clientId}`);
    expect(decoded(rpc.getOrganizationClient.output, read.text).client).toEqual(client);
    expect(read.text).not.toContain(plainSecret);
  });

  it('responses have the form of protobuf JSON', async () => {
    const { at } = await caller(await start());
    const { client } = JSON.parse((await at('POST', '', { name: 'a', expiry: '600' })).text);
    expect(client).toMatchObject({ name: 'a', expiry: '600', description: '', scopes: [], custom_claims: [] });
    expect(client.create_time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
    expect(client.secrets[0].status).toBe('ACTIVE');
  });

  it('PATCH responds without secrets, and GET with the oldest first', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    const { client } = emulator.seed(example, { secrets: [{ ageMs: 1000 }, { ageMs: 5000 }] });
    const path = `/${client.client_id}`;
    expect(JSON.parse((await at('PATCH', path, { name: 'b' })).text).client).toMatchObject({ name: 'b', secrets: [] });
    const [young, old] = client.secrets?.map(({ id }) => ({ id, status: 'ACTIVE' })) ?? [];
    expect(JSON.parse((await at('GET', path)).text).client).toMatchObject({ name: 'b', secrets: [old, young] });
  });

  it('PATCH changes the fields of the request and empties no other', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    const id = emulator.seed(example).client.client_id;
    const changed = await at('PATCH', `/${id}`, { name: 'other', scopes: ['x'], audience: [], description: '' });
    expect(changed.status).toBe(200);
    expect(decoded(rpc.updateOrganizationClient.output, changed.text).client).toMatchObject({
      name: 'other',
      description: example.description,
      scopes: ['x'],
      audience: example.audience,
      expiry: 3600n,
    });
    expect((await at('PATCH', `/${id}`)).status).toBe(400);
  });

  it('a deleted client is not found', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    const id = emulator.seed(example).client.client_id;
    expect(await at('DELETE', `/${id}`)).toMatchObject({ status: 200, text: '{}' });
    for (const method of ['GET', 'DELETE']) {
      const gone = await at(method, `/${id}`);
      expect(gone.status).toBe(404);
      expect(JSON.parse(gone.text)).toMatchObject({ code: 5, message: 'client not found' });
    }
    expect(emulator.clients()).toEqual([]);
  });

  it('a client can have five valid secrets, and all but the last can be deleted', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    const { client, plainSecrets } = emulator.seed(example);
    const path = `/${client.client_id}/secrets`;
    for (let count = 2; count <= 5; count += 1) {
      const added = await at('POST', path);
      expect(added.status).toBe(201);
      const { plainSecret, secret } = decoded(rpc.createOrganizationClientSecret.output, added.text);
      expect(secret?.secretSuffix).toBe(plainSecret.slice(-4));
      plainSecrets.push(plainSecret);
    }
    expect((await at('POST', path)).status).toBe(400);
    expect(new Set(plainSecrets).size).toBe(5);
    expect(emulator.secrets(client.client_id)).toEqual(plainSecrets);
    const tokens = plainSecrets.map((secret) => tokenReply(emulator.url, client.client_id, secret));
    expect((await Promise.all(tokens)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);

    const ids = emulator.clients()[0]?.secrets?.map(({ id }) => id) ?? [];
    for (const id of ids.slice(0, 4)) {
      expect(await at('DELETE', `${path}/${id}`)).toMatchObject({ status: 200, text: '{}' });
    }
    const last = await at('DELETE', `${path}/${ids[4]}`);
    expect(last.status).toBe(400);
    expect(JSON.parse(last.text).message).toBe('last client cannot be deleted');
    expect((await at('DELETE', `${path}/${ids[0]}`)).status).toBe(404);
    expect((await tokenReply(emulator.url, client.client_id, String(plainSecrets[0]))).status).toBe(401);
  });

  it('lists are paged until the page token is empty', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    const ids = Array.from({ length: 25 }, (_, n) => emulator.seed({ name: `client ${n}` }).client.client_id);
    const seen: string[] = [];
    const sizes: number[] = [];
    let token = '';
    do {
      const page = await at('GET', `?page_size=12&page_token=${encodeURIComponent(token)}`);
      const { clients, totalSize, nextPageToken } = decoded(rpc.listOrganizationClients.output, page.text);
      expect(totalSize).toBe(25);
      sizes.push(clients.length);
      seen.push(...clients.map(({ clientId }) => clientId));
      token = nextPageToken;
    } while (token);
    expect(seen).toEqual(ids);
    expect(sizes).toEqual([12, 12, 1]);
    expect(JSON.parse((await at('GET', '')).text).clients).toHaveLength(10);
    expect(JSON.parse((await at('GET', '?page_size=2')).text).clients).toHaveLength(2);
    expect(JSON.parse((await at('GET', '?page_size=500')).text).clients).toHaveLength(25);
  });

  it('an organization is found by its external id, and does not show the clients of another', async () => {
    const emulator = await start();
    const { call, at } = await caller(emulator);
    const other = emulator.addOrganization('a/b c');
    const found = await call('GET', `/organizations:external/${encodeURIComponent(other.externalId)}`);
    expect(found.status).toBe(200);
    const { output } = OrganizationService.method.getOrganizationByExternalId;
    expect(decoded(output, found.text).organization).toMatchObject({ id: other.id, externalId: other.externalId });
    expect((await call('GET', '/organizations:external/nobody')).status).toBe(404);
    const { client } = emulator.seed(example, { organizationId: other.id });
    expect((await at('GET', `/${client.client_id}`)).status).toBe(404);
    expect(JSON.parse((await at('GET', '')).text).clients).toEqual([]);
    expect((await call('GET', '/organizations/org_1/clients')).status).toBe(404);
  });

  it('organizations are created, listed, read, and deleted with their clients', async () => {
    const emulator = await start();
    const { call } = await caller(emulator);
    const { createOrganization, listOrganization, getOrganization } = OrganizationService.method;
    const fields = { display_name: 'Acme', external_id: 'acme', metadata: { plan: 'free' } };
    const created = await call('POST', '/organizations', fields);
    const { organization } = decoded(createOrganization.output, created.text);
    expect({ status: created.status, organization }).toMatchObject({
      status: 201,
      organization: { displayName: 'Acme', externalId: 'acme', metadata: { plan: 'free' } },
    });
    const again = await call('POST', '/organizations', fields);
    expect({ status: again.status, body: JSON.parse(again.text) }).toMatchObject({ status: 409, body: { code: 6 } });

    const { organizations, totalSize } = decoded(
      listOrganization.output,
      (await call('GET', '/organizations?page_size=1')).text,
    );
    expect({ ids: organizations.map(({ id }) => id), totalSize }).toEqual({ ids: [organization?.id], totalSize: 2 });
    const path = `/organizations/${organization?.id}`;
    expect(decoded(getOrganization.output, (await call('GET', path)).text).organization).toEqual(organization);

    emulator.seed(example, { organizationId: String(organization?.id) });
    const own = emulator.seed(example).client;
    expect((await call('DELETE', path)).status).toBe(200);
    expect((await call('GET', path)).status).toBe(404);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([own.client_id]);
  });

  it("requests need a token of the environment's API credentials", async () => {
    const emulator = await start();
    const { call } = await caller(emulator);
    const { client, plainSecrets } = emulator.seed(example);
    const foreign = await tokenOf(emulator.url, client.client_id, String(plainSecrets[0]));
    const elsewhere = await start();
    const { token: otherIssuer } = await caller(elsewhere);
    const path = `/organizations/${emulator.organization.id}/clients`;
    const statuses = [];
    for (const authorization of ['', 'Bearer a.b.c', `Bearer ${otherIssuer}`, `Bearer ${foreign}`]) {
      statuses.push((await call('GET', path, undefined, authorization)).status);
    }
    expect(statuses).toEqual([401, 401, 401, 403]);
  });

  it('requests with an expired token are refused', async () => {
    const { at } = await caller(await behaving({ tokenSeconds: { environment: -1, client: 1 } }));
    expect((await at('GET', '')).status).toBe(401);
  });

  it('the API responds with 404 to a path that it does not have', async () => {
    const { call } = await caller(await start());
    expect((await call('GET', '/nothing')).status).toBe(404);
  });
});

describe('requests', () => {
  const claim = (key: string) => ({ custom_claims: [{ key, value: 'v' }] });
  it.each<[string, object | string, string]>([
    ['a name of 129 characters', { name: 'n'.repeat(129) }, 'client.name'],
    ['no name', {}, 'client.name'],
    ['a description of 513', { description: 'd'.repeat(513) }, 'client.description'],
    ['an empty claim key', claim(''), 'client.custom_claims[0].key'],
    ['a claim key of 129', claim('k'.repeat(129)), 'client.custom_claims[0].key'],
    ['an expiry below 300', { expiry: 299 }, 'client.expiry'],
  ])('a request with %s is refused, and the error names the field', async (_, fields, field) => {
    const { at } = await caller(await start());
    const body = Object.keys(fields).length ? { name: 'n', ...(fields as object) } : {};
    const { status, text } = await at('POST', '', body);
    const { code, details } = JSON.parse(text);
    expect({ status, code }).toEqual({ status: 400, code: 3 });
    const { '@type': type, ...info } = details[0];
    expect(type).toMatch(/\.ErrorInfo$/);
    const { validationErrorInfo, debugInfo } = decoded(ErrorInfoSchema, JSON.stringify(info));
    expect(validationErrorInfo?.fieldViolations.map((violation) => violation.field)).toEqual([field]);
    expect(debugInfo?.detail).toContain(DEBUG_MARKER);
  });

  it('fields of the greatest length are accepted', async () => {
    const { at } = await caller(await start());
    const longest = { name: 'é'.repeat(128), description: '🔑'.repeat(512), ...claim('k'.repeat(128)), expiry: 300 };
    expect((await at('POST', '', longest)).status).toBe(201);
  });

  it.each([
    ['a field that the API does not know', { name: 'n', ttl: 5 }],
    ['a list that is a string', { name: 'n', scopes: 'a b' }],
    ['claims as an object', { name: 'n', custom_claims: { a: 'b' } }],
    ['an expiry that is not a whole number', { name: 'n', expiry: 0.5 }],
    ['broken JSON', '{"name":'],
  ])('a create request with %s is refused', async (_, body) => {
    const { at } = await caller(await start());
    expect((await at('POST', '', body)).status).toBe(400);
  });

  it.each([
    ['an organization id with another prefix', '/organizations/zrg_1/clients'],
    ['an organization id of 33 characters', `/organizations/org_${'1'.repeat(29)}/clients`],
    ['a client id with another prefix', '/organizations/org_1/clients/skc_1'],
    ['a page token that was made up', '/organizations/ORG/clients?page_token=x'],
    ['an organization id beside the external one', '/organizations:external/x?id=org_1'],
  ])('a path with %s is refused', async (_, path) => {
    const emulator = await start();
    const { call } = await caller(emulator);
    expect((await call('GET', path.replace('ORG', emulator.organization.id))).status).toBe(400);
  });
});

describe('the token endpoint', () => {
  it('the published keys verify the token of a client', async () => {
    const emulator = await start();
    const { client, plainSecrets } = emulator.seed(example);
    const { status, text } = await tokenReply(emulator.url, client.client_id, String(plainSecrets[0]));
    expect(status).toBe(200);
    const { access_token, ...rest } = JSON.parse(text);
    expect(rest).toEqual({ token_type: 'Bearer', expires_in: 3600, scope: example.scopes.join(' ') });

    const discovery = await (await fetch(`${emulator.url}/.well-known/openid-configuration`)).json();
    expect(discovery).toMatchObject({ issuer: emulator.url, token_endpoint: `${emulator.url}/oauth/token` });
    const { jwks_uri } = discovery as { jwks_uri: string };
    const { payload, protectedHeader } = await jwtVerify(access_token, createRemoteJWKSet(new URL(jwks_uri)), {
      issuer: emulator.url,
      audience: 'deployment-api.acmecorp.com',
    });
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.stringMatching(/^snk_/) });
    expect(payload).toEqual({
      iss: emulator.url,
      sub: client.client_id,
      client_id: client.client_id,
      oid: emulator.organization.id,
      aud: example.audience,
      scopes: example.scopes,
      custom_claims: { github_repository: 'acmecorp/inventory-service', environment: 'production_us' },
      iat: expect.any(Number),
      nbf: payload.iat,
      exp: Number(payload.iat) + 3600,
      jti: expect.stringMatching(/^tkn_/),
    });
  });

  it('the token of a client without an audience has none', async () => {
    const emulator = await start();
    const { client, plainSecrets } = emulator.seed({ name: 'n' });
    const token = await tokenOf(emulator.url, client.client_id, String(plainSecrets[0]));
    expect(decodeJwt(token)).not.toHaveProperty('aud');
    expect(decodeProtectedHeader(token).alg).toBe('RS256');
  });

  it('with audience: string, the token has a single audience as a string', async () => {
    const emulator = await behaving({ audience: 'string' });
    const { client, plainSecrets } = emulator.seed(example);
    const token = await tokenOf(emulator.url, client.client_id, String(plainSecrets[0]));
    expect(decodeJwt(token).aud).toBe(example.audience[0]);
  });

  it('the token has the configured issuer', async () => {
    const issuer = 'https://auth.example.com';
    const emulator = await start({ issuer });
    const { at, token } = await caller(emulator);
    expect(decodeJwt(token).iss).toBe(issuer);
    expect((await at('GET', '')).status).toBe(200);
  });

  it('the token endpoint accepts only a form', async () => {
    const emulator = await start();
    const { clientId, clientSecret } = emulator.credentials;
    const fields = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
    const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
    const post = async (body: string | URLSearchParams, headers: Record<string, string> = {}) =>
      (await fetch(`${emulator.url}/oauth/token`, { method: 'POST', body, headers })).status;
    expect(await post(new URLSearchParams(fields))).toBe(200);
    expect(await post(JSON.stringify(fields), { 'content-type': 'application/json' })).toBe(400);
    expect(await post(new URLSearchParams({ ...fields, grant_type: 'password' }))).toBe(400);
    expect(await post(new URLSearchParams({ grant_type: 'client_credentials' }), { authorization: basic })).toBe(401);
    expect(await post(new URLSearchParams({ ...fields, client_secret: 'x' }))).toBe(401);
  });

  it.each<[Behaviour['tokenErrors'], (text: string) => unknown, object | string]>([
    ['oauth', JSON.parse, { error: 'invalid_client' }],
    ['grpc', JSON.parse, { code: 16, message: expect.any(String), details: [expect.anything()] }],
    ['text', (text) => ({ text }), { text: 'invalid client credentials' }],
  ])('the token endpoint refuses credentials with an error in the %s form', async (tokenErrors, read, expected) => {
    const { url, credentials } = await behaving({ tokenErrors });
    const { status, text } = await tokenReply(url, credentials.clientId, 'wrong');
    expect(status).toBe(401);
    expect(read(text)).toMatchObject(expected as object);
  });

  it('an interceptor changes or denies a token', async () => {
    const emulator = await behaving({ tokenChanges: (payload) => ({ ...payload, scopes: ['other'] }) });
    const { client, plainSecrets } = emulator.seed(example);
    const changed = await tokenReply(emulator.url, client.client_id, String(plainSecrets[0]));
    expect(JSON.parse(changed.text).scope).toBe('other');
    expect(decodeJwt(JSON.parse(changed.text).access_token).scopes).toEqual(['other']);
    emulator.behaviour.tokenChanges = () => undefined;
    expect((await tokenReply(emulator.url, client.client_id, String(plainSecrets[0]))).status).toBe(403);
  });
});

const ONLY_2 = 'only 2 secrets are allowed';
const MAXIMUM = 'maximum number of client secrets reached';

describe('behaviours that Scalekit does not document', () => {
  const names = (text: string) => JSON.parse(text).clients?.map(({ name }: { name: string }) => name) ?? [];

  it.each<[Behaviour['listOrder'], string[]]>([
    ['oldest', ['old', 'middle', 'young']],
    ['newest', ['young', 'middle', 'old']],
  ])('lists show the %s client first', async (listOrder, expected) => {
    const emulator = await behaving({ listOrder });
    const { at } = await caller(emulator);
    emulator.seed({ name: 'middle' }, { ageMs: 2000 });
    emulator.seed({ name: 'old' }, { ageMs: 3000 });
    emulator.seed({ name: 'young' }, { ageMs: 1000 });
    expect(names((await at('GET', '')).text)).toEqual(expected);
  });

  it('lists in random order show each client on one page', async () => {
    const emulator = await behaving({ listOrder: 'random' });
    const { at } = await caller(emulator);
    const made = Array.from({ length: 40 }, (_, n) => emulator.seed({ name: `n${n}` }).client.name);
    const first = JSON.parse((await at('GET', '?page_size=20')).text);
    const second = (await at('GET', `?page_size=20&page_token=${first.next_page_token}`)).text;
    const seen = [...names(JSON.stringify(first)), ...names(second)];
    expect(seen).not.toEqual(made);
    expect(seen.sort()).toEqual(made.sort());
  });

  it.each<[Behaviour['secretOrder'], number[]]>([
    ['oldest', [1, 0]],
    ['newest', [0, 1]],
  ])('a client shows its %s secret first', async (secretOrder, order) => {
    const emulator = await behaving({ secretOrder });
    const { at } = await caller(emulator);
    const { client } = emulator.seed({ name: 'n' }, { secrets: [{ ageMs: 1000 }, { ageMs: 5000 }] });
    const shown = JSON.parse((await at('GET', `/${client.client_id}`)).text).client.secrets;
    expect(shown).toMatchObject(order.map((index) => ({ id: client.secrets?.[index]?.id })));
  });

  it('lists, reads and secrets lag behind changes', async () => {
    const emulator = await behaving({ listLag: 60_000, readLag: 60_000, secretLag: 60_000 });
    const { at } = await caller(emulator);
    const { client, plain_secret } = JSON.parse((await at('POST', '', example)).text);
    const look = async () => [
      names((await at('GET', '')).text).length,
      (await at('GET', `/${client.client_id}`)).status,
      (await tokenReply(emulator.url, client.client_id, plain_secret)).status,
    ];
    expect(await look()).toEqual([0, 404, 401]);
    emulator.seed({ name: 'old' }, { ageMs: 61_000 });
    expect(names((await at('GET', '')).text)).toEqual(['old']);
    Object.assign(emulator.behaviour, { listLag: 0, readLag: 0, secretLag: 0 });
    expect(await look()).toEqual([2, 200, 200]);
  });

  it.each([400, 401, 404] as const)('a new secret is refused with %s until it is valid', async (secretLagStatus) => {
    const emulator = await behaving({ secretLag: 60_000, secretLagStatus });
    const { client, plainSecrets } = emulator.seed(example);
    const token = async (secret: string) => (await tokenReply(emulator.url, client.client_id, secret)).status;
    expect(await token(String(plainSecrets[0]))).toBe(secretLagStatus);
    expect(await token('wrong')).toBe(401);
    emulator.behaviour.secretLag = 0;
    expect(await token(String(plainSecrets[0]))).toBe(200);
  });

  it.each<Behaviour['notFound']>([
    { status: 400, errorCode: 'NOT_FOUND' },
    { status: 400, errorCode: 'RESOURCE_NOT_FOUND' },
    { status: 404, errorCode: 'RESOURCE_NOT_FOUND' },
  ])('the response for a client that is missing or cannot be read yet is %j', async (notFound) => {
    const emulator = await behaving({ notFound, readLag: 60_000 });
    const { at, call } = await caller(emulator);
    const young = emulator.seed(example).client.client_id;
    const old = emulator.seed(example, { ageMs: 61_000 }).client.client_id;
    const replies = [
      await at('GET', '/m2morg_1'),
      await at('GET', `/${young}`),
      await at('DELETE', `/${old}/secrets/sks_1`),
      await call('GET', '/organizations:external/nobody'),
    ];
    for (const { status, text } of replies) {
      expect(status).toBe(notFound.status);
      expect(JSON.parse(text).details[0].error_code).toBe(notFound.errorCode);
    }
    expect((await at('GET', `/${old}`)).status).toBe(200);
  });

  it('with patch: merge, PATCH adds to lists', async () => {
    const emulator = await behaving({ patch: 'merge' });
    const { at } = await caller(emulator);
    const { client } = emulator.seed({ name: 'n', scopes: ['a'], custom_claims: [{ key: 'k', value: '1' }] });
    const fields = { scopes: ['a', 'b'], custom_claims: [{ key: 'k', value: '2' }] };
    const changed = JSON.parse((await at('PATCH', `/${client.client_id}`, fields)).text).client;
    expect(changed).toMatchObject({ scopes: ['a', 'b'], custom_claims: [{ key: 'k', value: '2' }] });
  });

  it('with secretsInPatchAnswer, PATCH responds with the secrets', async () => {
    const emulator = await behaving({ secretsInPatchAnswer: true });
    const { at } = await caller(emulator);
    const { client } = emulator.seed(example);
    const { secrets } = JSON.parse((await at('PATCH', `/${client.client_id}`, { name: 'b' })).text).client;
    expect(secrets).toMatchObject([{ id: client.secrets?.[0]?.id }]);
  });

  it.each<[Behaviour['audienceInPatch'], number, string[]]>([
    ['stored', 200, ['b']],
    ['ignored', 200, ['a']],
    ['refused', 400, ['a']],
  ])('the audience of PATCH is %s', async (audienceInPatch, status, audience) => {
    const emulator = await behaving({ audienceInPatch });
    const { at } = await caller(emulator);
    const path = `/${emulator.seed({ name: 'n', audience: ['a'] }).client.client_id}`;
    expect((await at('PATCH', path, { audience: ['a'], scopes: ['x'] })).status).toBe(200);
    expect((await at('PATCH', path, { audience: ['b'] })).status).toBe(status);
    expect(emulator.clients()).toMatchObject([{ audience, scopes: ['x'] }]);
  });

  it.each<[Behaviour['descriptions'], string, string]>([
    ['kept', ' a & b\n[c]\n', ' a & b\n[c]\n'],
    ['trimmed', ' a\n[c] \n', 'a\n[c]'],
    ['folded', 'a\r\nb\n[c]', 'a b [c]'],
    ['escaped', `<a & "b" 'c'>\n[c]`, '&lt;a &amp; &#34;b&#34; &#39;c&#39;&gt;\n[c]'],
    ['cut', '🔑'.repeat(256), '🔑'.repeat(255)],
    ['rewritten', 'a\n[c]', 'Managed by the administrator'],
    ['rewritten', '', ''],
  ])('a description is %s: %j', async (descriptions, sent, stored) => {
    const emulator = await behaving({ descriptions });
    const { at } = await caller(emulator);
    const { client } = JSON.parse((await at('POST', '', { name: 'n', description: sent })).text);
    expect(client.description).toBe(stored);
    const path = `/${client.client_id}`;
    const patched = JSON.parse((await at('PATCH', path, { description: sent })).text);
    expect(patched.client.description).toBe(stored);
    expect(JSON.parse((await at('GET', path)).text).client.description).toBe(stored);
    expect(JSON.parse((await at('GET', '')).text).clients[0].description).toBe(stored);
  });

  it('lists can omit descriptions', async () => {
    const emulator = await behaving({ descriptionsInLists: false });
    const { at } = await caller(emulator);
    const { client } = emulator.seed(example);
    expect(JSON.parse((await at('GET', '')).text).clients[0]).not.toHaveProperty('description');
    expect(JSON.parse((await at('GET', `/${client.client_id}`)).text).client.description).toBe(example.description);
  });

  it('names must be unique in an organization with uniqueNames', async () => {
    const emulator = await behaving({ uniqueNames: true });
    const { at } = await caller(emulator);
    emulator.seed({ name: 'taken' });
    emulator.seed({ name: 'elsewhere' }, { organizationId: emulator.addOrganization().id });
    const refused = await at('POST', '', { name: 'taken' });
    expect(refused.status).toBe(409);
    expect(JSON.parse(refused.text).details[0].error_code).toBe('RESOURCE_ALREADY_EXISTS');
    const made = await at('POST', '', { name: 'elsewhere' });
    expect(made.status).toBe(201);
    const path = `/${JSON.parse(made.text).client.client_id}`;
    expect((await at('PATCH', path, { name: 'taken' })).status).toBe(409);
    expect((await at('PATCH', path, { name: 'elsewhere' })).status).toBe(200);
    emulator.behaviour.uniqueNames = false;
    expect((await at('POST', '', { name: 'taken' })).status).toBe(201);
  });

  it.each<{ maxSecrets: number; error: Behaviour['maxSecretsError']; errorCode: string; message: string }>([
    { maxSecrets: 2, error: { text: 'only', status: 400 }, errorCode: 'INVALID_ARGUMENT', message: ONLY_2 },
    { maxSecrets: 3, error: { text: 'maximum', status: 400 }, errorCode: 'INVALID_ARGUMENT', message: MAXIMUM },
    { maxSecrets: 2, error: { text: 'only', status: 409 }, errorCode: 'CONFLICT', message: ONLY_2 },
    { maxSecrets: 2, error: { text: 'only', status: 422 }, errorCode: 'INVALID_ARGUMENT', message: ONLY_2 },
    { maxSecrets: 2, error: { text: 'only', status: 429 }, errorCode: 'RESOURCE_EXHAUSTED', message: ONLY_2 },
    {
      maxSecrets: 3,
      error: { text: 'maximum', status: 429, errorCode: 'TOO_MANY_REQUESTS' },
      errorCode: 'TOO_MANY_REQUESTS',
      message: MAXIMUM,
    },
  ])(
    'a client may have $maxSecrets secrets, and another is refused with $error',
    async ({ maxSecrets, error, errorCode, message }) => {
      const emulator = await behaving({ maxSecrets, maxSecretsError: error });
      const { at } = await caller(emulator);
      const path = `/${emulator.seed(example, { secrets: maxSecrets - 1 }).client.client_id}/secrets`;
      expect((await at('POST', path)).status).toBe(201);
      const { status, text } = await at('POST', path);
      expect(status).toBe(error.status);
      expect(JSON.parse(text)).toMatchObject({ message, details: [{ error_code: errorCode }] });
      expect(emulator.clients()[0]?.secrets).toHaveLength(maxSecrets);
    },
  );

  it('the deletion of the last secret is refused with the configured text', async () => {
    const emulator = await behaving({ lastSecretText: 'at least one secret is required' });
    const { at } = await caller(emulator);
    const { client } = emulator.seed(example);
    const { status, text } = await at('DELETE', `/${client.client_id}/secrets/${client.secrets?.[0]?.id}`);
    expect(status).toBe(400);
    expect(JSON.parse(text).message).toBe('at least one secret is required');
  });

  it('operations can be forbidden to the API credentials', async () => {
    const emulator = await behaving({ forbidden: ['deleteClient', 'deleteSecret'] });
    const { at } = await caller(emulator);
    const { client } = JSON.parse((await at('POST', '', example)).text);
    const path = `/${client.client_id}`;
    const { secret } = JSON.parse((await at('POST', `${path}/secrets`)).text);
    for (const refused of [await at('DELETE', path), await at('DELETE', `${path}/secrets/${secret.id}`)]) {
      expect(refused.status).toBe(403);
      expect(JSON.parse(refused.text).details[0].error_code).toBe('PERMISSION_DENIED');
    }
    expect((await at('GET', path)).status).toBe(200);
    emulator.behaviour.forbidden = ['deleteClient'];
    expect((await at('DELETE', `${path}/secrets/${secret.id}`)).status).toBe(200);
  });

  it.each<[NonNullable<Behaviour['ipAllowlist']>, number, RegExp]>([
    [{ refusedAt: 'token', body: 'json' }, 403, /^\{"error":"access_denied"/],
    [{ refusedAt: 'token', body: 'html', status: 401 }, 401, /^<!DOCTYPE html>/],
    [{ refusedAt: 'api', body: 'json', status: 401 }, 401, /"error_code":"UNAUTHENTICATED"/],
    [{ refusedAt: 'api', body: 'html' }, 403, /^<!DOCTYPE html>/],
  ])('the IP allowlist %j refuses an address', async (ipAllowlist, status, body) => {
    const emulator = await start();
    const { at } = await caller(emulator);
    const { clientId, clientSecret } = emulator.credentials;
    emulator.behaviour.ipAllowlist = ipAllowlist;
    const token = await tokenReply(emulator.url, clientId, clientSecret);
    const create = await at('POST', '', example);
    const [refused, admitted] = ipAllowlist.refusedAt === 'token' ? [token, create] : [create, token];
    expect(refused.status).toBe(status);
    expect(refused.text).toMatch(body);
    expect(refused.headers.get('content-type')).toMatch(ipAllowlist.body === 'html' ? /^text\/html/ : /json/);
    expect(admitted.status).toBeLessThan(300);
    expect(emulator.clients()).toHaveLength(ipAllowlist.refusedAt === 'api' ? 0 : 1);
  });

  /** Creates a client. Returns the lists of its response and of its token. */
  async function lists(behaviour: Partial<Behaviour>, fields: object) {
    const emulator = await behaving(behaviour);
    const { at } = await caller(emulator);
    const { client, plain_secret } = JSON.parse((await at('POST', '', { name: 'n', ...fields })).text);
    const response = JSON.parse((await tokenReply(emulator.url, client.client_id, plain_secret)).text);
    return { client, response, token: decodeJwt(response.access_token) };
  }

  it.each<[Behaviour['addedScopes'], string[], string[], string[]]>([
    [{ entries: ['openid'], clients: 'without', shownIn: 'token' }, [], [], ['openid']],
    [{ entries: ['openid'], clients: 'without', shownIn: 'client' }, [], ['openid'], []],
    [{ entries: ['openid'], clients: 'without', shownIn: 'both' }, [], ['openid'], ['openid']],
    [{ entries: ['openid'], clients: 'without', shownIn: 'both' }, ['a'], ['a'], ['a']],
    [{ entries: ['base', 'a'], clients: 'all', shownIn: 'both' }, ['a'], ['a', 'base'], ['a', 'base']],
  ])('the scopes %j are added to a client with %j', async (addedScopes, scopes, inClient, inToken) => {
    const { client, token, response } = await lists({ addedScopes }, { scopes });
    expect({ client: client.scopes, token: token.scopes }).toEqual({ client: inClient, token: inToken });
    expect(response.scope).toBe(inToken.join(' '));
  });

  it('an update does not remove added scopes', async () => {
    const emulator = await behaving({ addedScopes: { entries: ['base'], clients: 'all', shownIn: 'both' } });
    const { at } = await caller(emulator);
    const path = `/${emulator.seed({ name: 'n', scopes: ['a'] }).client.client_id}`;
    expect(JSON.parse((await at('PATCH', path, { scopes: ['b'] })).text).client.scopes).toEqual(['b', 'base']);
  });

  it.each<[Behaviour['addedAudience'], string[], string[], unknown]>([
    [{ entries: ['default'], clients: 'without', shownIn: 'both' }, [], ['default'], ['default']],
    [{ entries: ['default'], clients: 'without', shownIn: 'both' }, ['a'], ['a'], ['a']],
    [{ entries: ['extra'], clients: 'all', shownIn: 'both' }, ['a'], ['a', 'extra'], ['a', 'extra']],
    [{ entries: ['extra'], clients: 'all', shownIn: 'token' }, ['a'], ['a'], ['a', 'extra']],
    [{ entries: ['extra'], clients: 'all', shownIn: 'client' }, [], ['extra'], undefined],
  ])('the audience %j is added to a client with %j', async (addedAudience, audience, inClient, inToken) => {
    const { client, token } = await lists({ addedAudience }, { audience });
    expect({ client: client.audience, token: token.aud }).toEqual({ client: inClient, token: inToken });
  });

  it.each<['client' | 'token' | 'both', object[], object]>([
    ['token', [{ key: 'k', value: '1' }], { k: '1', tier: 'gold' }],
    [
      'client',
      [
        { key: 'k', value: '1' },
        { key: 'tier', value: 'gold' },
      ],
      { k: '1' },
    ],
  ])('claims are added in the %s, except keys that the client has', async (shownIn, inClient, inToken) => {
    const entries = [
      { key: 'tier', value: 'gold' },
      { key: 'k', value: '2' },
    ];
    const behaviour = { addedClaims: { entries, clients: 'all', shownIn } } as const;
    const { client, token } = await lists(behaviour, { custom_claims: [{ key: 'k', value: '1' }] });
    expect({ client: client.custom_claims, token: token.custom_claims }).toEqual({ client: inClient, token: inToken });
  });

  it.each<[Behaviour['claimsInToken'], object]>([
    ['nested', { custom_claims: { k: '1', sub: 'x' } }],
    ['flat', { k: '1' }],
    [
      'list',
      {
        custom_claims: [
          { key: 'k', value: '1' },
          { key: 'sub', value: 'x' },
        ],
      },
    ],
    ['absent', {}],
  ])('the claims in a token are %s', async (claimsInToken, expected) => {
    const claims = [
      { key: 'k', value: '1' },
      { key: 'sub', value: 'x' },
    ];
    const { client, token } = await lists({ claimsInToken }, { custom_claims: claims });
    const { k, custom_claims, sub } = token;
    expect({ k, custom_claims, sub }).toEqual({ sub: client.client_id, ...expected });
  });

  it('the token can lack oid', async () => {
    const { token } = await lists({ oidInToken: false }, {});
    expect(token).not.toHaveProperty('oid');
  });

  it.each<[Partial<Behaviour>, unknown, (reply: Reply) => unknown, unknown]>([
    [{ status: 'ok' }, example, ({ status }) => status, 200],
    [{ expiryInAnswer: false }, example, ({ text }) => JSON.parse(text).client.expiry, undefined],
    [
      { dropScopes: ['read:deployments'] },
      example,
      ({ text }) => JSON.parse(text).client.scopes,
      ['deploy:applications'],
    ],
    [{ expiryInAnswer: 'zero' }, example, ({ text }) => JSON.parse(text).client.expiry, '0'],
    [{ emptyFields: 'omitted' }, example, ({ text }) => JSON.parse(text).client.secrets[0].status, undefined],
    [{ emptyFields: 'omitted' }, { name: 'n' }, ({ text }) => JSON.parse(text).client.scopes, undefined],
    [{ emptyFields: 'omitted', expiryInAnswer: 'zero' }, example, ({ text }) => JSON.parse(text).client.expiry, '0'],
    [{ unknownFields: 'ignored' }, { ...example, ttl: 5 }, ({ status }) => status, 201],
    [{ minimumExpiry: 0 }, { ...example, expiry: 1 }, ({ status }) => status, 201],
    [{ nameRequired: false }, {}, ({ status }) => status, 201],
    [{ apiErrors: 'bare' }, {}, ({ text }) => JSON.parse(text).error_code, 'INVALID_ARGUMENT'],
  ])('the response to a create request follows the behaviour %j', async (behaviour, body, seen, expected) => {
    const { at } = await caller(await behaving(behaviour));
    expect(seen(await at('POST', '', body))).toEqual(expected);
  });

  it.each([9, 31])('a page size of %s outside the range is refused, and the error names the field', async (size) => {
    const { at } = await caller(await behaving({ pageSizeRange: [10, 30] }));
    const { status, text } = await at('GET', `?page_size=${size}`);
    expect(status).toBe(400);
    expect(JSON.parse(text).details[0].validation_error_info.field_violations[0].field).toBe('page_size');
    for (const accepted of ['?page_size=10', '?page_size=30', '']) expect((await at('GET', accepted)).status).toBe(200);
  });

  it('with pageSizeOutside: clamped, a page has the nearest size in the range', async () => {
    const emulator = await behaving({ pageSizeRange: [10, 100], pageSizeOutside: 'clamped', defaultPageSize: 3 });
    const { at } = await caller(emulator);
    for (let n = 0; n < 13; n += 1) emulator.seed({ name: `n${n}` });
    expect(names((await at('GET', '?page_size=1')).text)).toHaveLength(10);
    expect(names((await at('GET', '')).text)).toHaveLength(3);
  });

  it.each<['seconds' | 'date' | undefined, RegExp | null]>([
    [undefined, null],
    ['seconds', /^60$/],
    ['date', /^\w{3}, .* GMT$/],
  ])('a request above the rate limit is refused, with Retry-After as %s', async (retryAfter, expected) => {
    const limit = { requests: 2, windowMs: 60_000 };
    const { at } = await caller(await behaving({ rateLimit: retryAfter ? { ...limit, retryAfter } : limit }));
    expect((await at('GET', '')).status).toBe(200);
    const { status, headers, text } = await at('GET', '');
    expect(status).toBe(429);
    expect(JSON.parse(text).details[0].error_code).toBe('RATE_LIMITED');
    if (expected) expect(headers.get('retry-after')).toMatch(expected);
    else expect(headers.has('retry-after')).toBe(false);
  });
});

describe('faults', () => {
  /** Sends a create that meets a fault. `outcome` is the response, or the code of the connection error. */
  async function meet(fault: Fault, when: 'before' | 'after', timeoutMs = 5000) {
    const emulator = await start();
    const { token } = await caller(emulator);
    emulator.faults.add({ operation: 'createClient', when, fault });
    const outcome = await fetch(`${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(example),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    }).then(reply, (error) => ({ error: error.cause?.code ?? error.name }));
    return { outcome, made: emulator.clients().length, emulator };
  }

  it.each<[Fault, 'before' | 'after', object, number]>([
    [{ kind: 'status', status: 503, headers: { 'retry-after': '7' }, body: 'busy' }, 'before', { status: 503 }, 0],
    [{ kind: 'status', status: 502, body: { message: 'bad' } }, 'after', { status: 502, text: '{"message":"bad"}' }, 1],
    [{ kind: 'body', body: '<html>' }, 'before', { status: 200, text: '<html>' }, 0],
    [{ kind: 'body', body: Buffer.from([0xff, 0]) }, 'after', { status: 201 }, 1],
    [{ kind: 'redirect', location: 'https://elsewhere.invalid/' }, 'before', { status: 307 }, 0],
    [{ kind: 'reset' }, 'before', { error: 'ECONNRESET' }, 0],
    [{ kind: 'reset' }, 'after', { error: 'ECONNRESET' }, 1],
    [{ kind: 'close' }, 'after', { error: 'UND_ERR_SOCKET' }, 1],
  ])('a fault gives %j %s the request is carried out', async (fault, when, expected, made) => {
    expect(await meet(fault, when)).toMatchObject({ outcome: expected, made });
  });

  it('a fault cuts a response, at the connection or in the JSON', async () => {
    await expect(meet({ kind: 'truncate' }, 'before')).rejects.toThrow('terminated');
    const { outcome, made } = await meet({ kind: 'truncate', cut: 'json' }, 'before');
    expect(outcome).toMatchObject({ status: 201, text: expect.stringMatching(/^\{"client":/) });
    expect(() => JSON.parse((outcome as Reply).text)).toThrow();
    expect(made).toBe(1);
  });

  it('a fault makes a response huge or slow', async () => {
    const { outcome } = await meet({ kind: 'huge', bytes: 3_000_000 }, 'before');
    expect((outcome as Reply).text.length).toBeGreaterThanOrEqual(3_000_000);
    const slow = await meet({ kind: 'drip', ms: 5, bytes: 100 }, 'before');
    expect(decoded(rpc.createOrganizationClient.output, (slow.outcome as Reply).text).plainSecret).toMatch(/./);
  });

  it('a fault edits a response', async () => {
    const { outcome } = await meet({ kind: 'edit', edit: ({ plain_secret: _, ...rest }) => rest }, 'after');
    expect(Object.keys(JSON.parse((outcome as Reply).text))).toEqual(['client']);
  });

  it('a fault swaps the responses of two requests in flight', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'swap', waitMs: 10_000 } });
    const create = async (name: string) => JSON.parse((await at('POST', '', { name })).text);
    const [first, second] = await Promise.all([create('a'), create('b')]);
    expect({ first: first.client.name, second: second.client.name }).toEqual({ first: 'b', second: 'a' });
    const token = await tokenReply(emulator.url, first.client.client_id, first.plain_secret);
    expect(token.status).toBe(200);
  });

  it('a swap affects any two requests, and a single request keeps its response', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    const { client } = emulator.seed(example);
    emulator.faults.add({ operation: '*', fault: { kind: 'swap', waitMs: 300 } });
    expect(JSON.parse((await at('POST', '', { name: 'a' })).text).client.name).toBe('a');
    const [list, read] = await Promise.all([at('GET', ''), at('GET', `/${client.client_id}`)]);
    expect(Object.keys(JSON.parse(list.text))).toEqual(['client']);
    expect(Object.keys(JSON.parse(read.text))).toContain('clients');
  });

  it('a fault lets a request hang, and carries it out after the caller has given up', async () => {
    expect(await meet({ kind: 'hang' }, 'after', 50)).toMatchObject({ outcome: { error: 'TimeoutError' }, made: 1 });
    const { outcome, made, emulator } = await meet({ kind: 'hang', finishAfterMs: 400 }, 'before', 40);
    expect({ outcome, made }).toEqual({ outcome: { error: 'TimeoutError' }, made: 0 });
    while (emulator.clients().length === 0) await sleep(5);
  });

  it('a fault delays a response, alone or before another fault', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    emulator.faults.add(
      { operation: '*', fault: { kind: 'delay', ms: 60 } },
      { operation: 'listClients', call: 2, fault: { kind: 'status', status: 500 } },
    );
    for (const expected of [200, 500]) {
      const before = performance.now();
      expect((await at('GET', '')).status).toBe(expected);
      expect(performance.now() - before).toBeGreaterThan(55);
    }
  });

  it('a fault affects the calls that its rule counts, and none after faults.clear()', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    const { client } = emulator.seed(example);
    const fault: Fault = { kind: 'status', status: 500 };
    const statuses = async (count: number, path = '') => {
      const seen = [];
      for (let n = 0; n < count; n += 1) seen.push((await at('GET', path)).status);
      return seen;
    };
    emulator.faults.add({ operation: 'listClients', call: 2, times: 2, fault });
    expect(await statuses(4)).toEqual([200, 500, 500, 200]);
    emulator.faults.add({ operation: 'listClients', times: 1, fault });
    expect(await statuses(2)).toEqual([500, 200]);
    emulator.faults.add({ operation: 'getClient', where: ({ path }) => path.endsWith(client.client_id), fault });
    expect(await statuses(1, `/${client.client_id}`)).toEqual([500]);
    expect(await statuses(1, '/m2morg_1')).toEqual([404]);
    emulator.faults.clear();
    expect(await statuses(1, `/${client.client_id}`)).toEqual([200]);
  });
});

describe('records and holds', () => {
  it('the emulator records each request and its response in order', async () => {
    const emulator = await start();
    const { at } = await caller(emulator);
    await at('POST', '', { name: 'n' });
    await at('GET', '?page_size=20');
    expect(emulator.requests).toMatchObject([
      { operation: 'token', method: 'POST', path: '/oauth/token', body: { grant_type: 'client_credentials' } },
      { operation: 'createClient', text: '{"name":"n"}', body: { name: 'n' }, status: 201 },
      { operation: 'listClients', path: expect.stringMatching(/clients\?page_size=20$/), body: undefined, status: 200 },
    ]);
    expect(emulator.requests[1]?.headers.authorization).toMatch(/^Bearer /);
    expect(emulator.requests.map(({ at }) => at)).toEqual(emulator.requests.map(({ at }) => at).sort());
    const used = new Set(emulator.requests.map(({ connection }) => connection));
    expect(emulator.connections).toBe(Math.max(...used));
  });

  it('emulator.hold holds requests before or after they are carried out', async () => {
    let waiting: (() => void)[] = [];
    const emulator = await start();
    const { at } = await caller(emulator);
    emulator.hold = (when) => {
      if (when === 'before') return;
      const met = new Promise<void>((resolve) => waiting.push(resolve));
      if (waiting.length === 2) for (const release of waiting) release();
      return met;
    };
    const made = await Promise.all([at('POST', '', { name: 'a' }), at('POST', '', { name: 'b' })]);
    expect(made.map(({ status }) => status)).toEqual([201, 201]);
    expect(waiting).toHaveLength(2);
    waiting = [];
  });

  it.each(['http', 'https'])(
    'connectionDelay delays each new connection over %s, but not a later request on it',
    async (scheme) => {
      const emulator = await start({ tls: true, http2: true });
      const agent = scheme === 'http' ? new http.Agent({ keepAlive: true }) : new https.Agent({ keepAlive: true });
      const url = `${scheme === 'http' ? emulator.url : emulator.tlsUrl}/keys`;
      const time = async () => {
        const started = performance.now();
        const request = scheme === 'http' ? http.get(url, { agent }) : https.get(url, { agent, ca: emulator.ca });
        const [response] = await once(request, 'response');
        await text(response);
        return performance.now() - started;
      };
      emulator.connectionDelay = 300;
      expect(await time()).toBeGreaterThan(295);
      expect(await time()).toBeLessThan(250);
      expect(emulator.connections).toBe(1);
      agent.destroy();
    },
  );

  it('the emulator closes at once while a new connection is delayed', async () => {
    const emulator = await startEmulator();
    emulator.connectionDelay = 100;
    const pending = fetch(`${emulator.url}/keys`).catch(() => 'cut off');
    while (emulator.connections === 0) await sleep(5);
    await emulator.close();
    expect(await pending).toBe('cut off');
    await sleep(100);
    expect(emulator.requests).toEqual([]);
  });

  it('the emulator closes at once while responses are open', async () => {
    const emulator = await startEmulator({ faults: [{ operation: 'keys', fault: { kind: 'delay', ms: 60_000 } }] });
    const pending = fetch(`${emulator.url}/keys`).catch(() => 'cut off');
    while (emulator.requests.length === 0) await sleep(5);
    const before = performance.now();
    await emulator.close();
    expect(performance.now() - before).toBeLessThan(500);
    expect(await pending).toBe('cut off');
  });
});

describe('TLS', () => {
  /** Sends a request that trusts this authority. Resolves with the status or the code of the error. */
  const fetchTls = (url: string, ca: string | undefined) =>
    new Promise<unknown>((resolve) => {
      https
        .get(`${url}/keys`, { ...(ca ? { ca } : {}), agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });

  it('the emulator serves the environment over TLS with a certificate of its authority', async () => {
    const { tlsUrl = '', url, ca, requests, faults } = await start({ tls: true });
    expect(await fetchTls(tlsUrl, ca)).toBe(200);
    expect(await fetchTls(tlsUrl.replace('127.0.0.1', 'localhost'), ca)).toBe(200);
    expect((await fetch(`${url}/keys`)).status).toBe(200);
    expect(requests.map(({ origin }) => origin)).toEqual([tlsUrl, tlsUrl.replace('127.0.0.1', 'localhost'), url]);
    expect(await fetchTls(tlsUrl, undefined)).toBe('SELF_SIGNED_CERT_IN_CHAIN');
    faults.add({ operation: 'keys', fault: { kind: 'reset' } });
    expect(await fetchTls(tlsUrl, ca)).toBe('ECONNRESET');
  });

  it.each([
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('the emulator can have a certificate that is %s', async (tls, expected) => {
    const { tlsUrl = '', ca } = await start({ tls });
    expect(await fetchTls(tlsUrl, ca)).toBe(expected);
  });
});
