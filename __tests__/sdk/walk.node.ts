// Calls the emulator through Scalekit's SDK for Node.js. Prints one line of JSON for each check. `walks.sdk.ts` starts
// it with the emulator's variables.

import assert from 'node:assert/strict';
import {
  ScalekitBadRequestException,
  ScalekitClient,
  ScalekitConflictException,
  ScalekitForbiddenException,
  ScalekitNotFoundException,
  ScalekitNotImplementedException,
  type ScalekitServerException,
  ScalekitTooManyRequestsException,
  ScalekitUnauthorizedException,
  ScalekitValidateTokenFailureException,
} from '@scalekit-sdk/node';

const url = process.env.SCALEKIT_ENVIRONMENT_URL ?? '';
const id = process.env.SCALEKIT_CLIENT_ID ?? '';
const scalekit = new ScalekitClient(url, id, process.env.SCALEKIT_CLIENT_SECRET ?? '');
const { m2m, organization } = scalekit;

/** The SDK has no option for `expiry`. */
const fields = {
  name: 'Inventory service',
  description: 'First line\nSecond line: ä, “quoted”',
  scopes: ['deploy:applications', 'read:deployments'],
  audience: ['deployment-api.example.com', 'https://api.example.com'],
  customClaims: { github_repository: 'acme/inventory-service', environment: 'production_us' },
};
const customClaims = Object.entries(fields.customClaims).map(([key, value]) => ({ key, value }));
const stored = { ...fields, customClaims };

/** Runs one check, and prints whether it passed. */
async function check(name: string, run: () => Promise<void>): Promise<void> {
  const error = await run().then(
    () => null,
    (thrown: unknown) => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)),
  );
  console.log(JSON.stringify({ check: name, error }));
}

/** Asserts that a value has these properties, and ignores others. */
function has(actual: object | undefined, expected: object): void {
  for (const [key, value] of Object.entries(expected)) {
    const own: unknown = Reflect.get(actual ?? {}, key);
    // Messages have the property `$typeName`, which plain objects lack.
    assert.deepEqual(JSON.parse(JSON.stringify(own, withoutType)), value, key);
  }
}

const withoutType = (key: string, value: unknown) => (key === '$typeName' ? undefined : value);

// biome-ignore lint/suspicious/noExplicitAny: the SDK exports classes whose constructors take any error
type ErrorClass = new (error: any) => ScalekitServerException;

/** Returns the error of a call, which must be of this class. */
async function failure(call: Promise<unknown>, expected: ErrorClass): Promise<ScalekitServerException> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown) => thrown,
  );
  assert.ok(error instanceof expected, `expected ${expected.name}; got ${error}`);
  return error;
}

let org = '';
let client = '';
let secret = '';
let secretId = '';

await check('creates an organization, and reads it by both ids', async () => {
  const created = await organization.createOrganization('Acme', { externalId: 'node-walk' });
  org = created.organization?.id ?? '';
  assert.match(org, /^org_\d+$/);
  for (const read of [
    await organization.getOrganization(org),
    await organization.getOrganizationByExternalId('node-walk'),
  ]) {
    has(read.organization, { id: org, displayName: 'Acme', externalId: 'node-walk' });
  }
});

await check('creates a client with every field, and gets its secret', async () => {
  const created = await m2m.createOrganizationClient(org, fields);
  has(created.client, { ...stored, organizationId: org });
  client = created.client?.clientId ?? '';
  secret = created.plainSecret;
  assert.match(client, /^m2morg_\d+$/);
  assert.equal(created.client?.secrets.length, 1);
  secretId = created.client?.secrets[0]?.id ?? '';
  assert.match(secretId, /^sks_\d+$/);
});

await check('reads a client with every field, and of its secret only the last characters', async () => {
  const read = await m2m.getOrganizationClient(org, client);
  has(read.client, { ...stored, clientId: client, organizationId: org });
  const { createTime, updateTime, secrets } = read.client ?? {};
  assert.ok(createTime && updateTime);
  assert.equal(secrets?.length, 1);
  has(secrets[0], { id: secretId, secretSuffix: secret.slice(-4), status: 0 });
  assert.equal(secrets[0]?.plainSecret, undefined);
});

await check('lists the clients with two on a page', async () => {
  const own = [client];
  for (const name of ['second', 'third', 'fourth', 'fifth']) {
    own.push((await m2m.createOrganizationClient(org, { name })).client?.clientId ?? '');
  }
  const sizes: number[] = [];
  const listed: string[] = [];
  let pageToken = '';
  do {
    const page = await m2m.listOrganizationClients(org, { pageSize: 2, pageToken });
    assert.equal(page.totalSize, 5);
    assert.equal(page.prevPageToken === '', sizes.length === 0);
    sizes.push(page.clients.length);
    listed.push(...page.clients.map(({ clientId }) => clientId));
    pageToken = page.nextPageToken;
  } while (pageToken);
  assert.deepEqual(sizes, [2, 2, 1]);
  assert.deepEqual(listed, own);
});

await check('updates a client, and keeps what the update omits', async () => {
  const changes = { description: 'Changed', customClaims: { team: 'platform' } };
  const expected = { ...stored, ...changes, customClaims: [{ key: 'team', value: 'platform' }] };
  const { client: updated } = await m2m.updateOrganizationClient(org, client, changes);
  has(updated, { ...expected, clientId: client, secrets: [] });
  has((await m2m.getOrganizationClient(org, client)).client, expected);
});

let second = '';
await check('adds a secret, and reads the oldest secret first', async () => {
  const added = await m2m.addOrganizationClientSecret(org, client);
  second = added.secret?.id ?? '';
  has(added.secret, { secretSuffix: added.plainSecret.slice(-4), status: 0 });
  assert.ok(added.plainSecret && added.plainSecret !== secret);
  const { secrets = [] } = (await m2m.getOrganizationClient(org, client)).client ?? {};
  assert.deepEqual(
    secrets.map(({ id }) => id),
    [secretId, second],
  );
});

await check('reports a secret above the limit as too many requests', async () => {
  const error = await failure(m2m.addOrganizationClientSecret(org, client), ScalekitTooManyRequestsException);
  has(error, { httpStatus: 429, errorCode: 'RESOURCE_EXHAUSTED' });
  assert.match(error.message, /only 2 secrets are allowed/);
});

await check('deletes a secret', async () => {
  await m2m.removeOrganizationClientSecret(org, client, second);
  assert.equal((await m2m.getOrganizationClient(org, client)).client?.secrets.length, 1);
});

await check('reports the deletion of the last secret as a bad request', async () => {
  const error = await failure(m2m.removeOrganizationClientSecret(org, client, secretId), ScalekitBadRequestException);
  has(error, { httpStatus: 400, errorCode: 'FAILED_PRECONDITION' });
  assert.match(error.message, /last client cannot be deleted/);
});

let token = '';
await check('gets a token with the credentials of the client, and validates it with the published keys', async () => {
  token = await scalekit.generateClientToken(client, secret);
  const options = { issuer: url, audience: fields.audience, requiredScopes: fields.scopes };
  const claims = await scalekit.validateToken<Record<string, unknown>>(token, options);
  has(claims, { iss: url, sub: client, client_id: client, oid: org, aud: fields.audience, scopes: fields.scopes });
  has(claims, { custom_claims: { team: 'platform' } });
});

await check('refuses a token whose claims were changed, and one without a required scope', async () => {
  const [header, payload = '', signature] = token.split('.');
  const changed = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), oid: 'org_1' };
  const forged = [header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.');
  await assert.rejects(scalekit.validateToken(forged), ScalekitValidateTokenFailureException);
  await assert.rejects(
    scalekit.validateToken(token, { requiredScopes: ['admin'] }),
    ScalekitValidateTokenFailureException,
  );
});

await check('gets a token for the environment', async () => {
  has(await scalekit.validateToken<object>(await scalekit.getClientAccessToken()), { sub: id });
});

await check('signs in again after the API refused its token', async () => {
  Reflect.set(Reflect.get(scalekit, 'coreClient'), 'accessToken', 'expired');
  has((await m2m.getOrganizationClient(org, client)).client, { clientId: client });
});

await check('reports broken rules as a bad request that names the fields', async () => {
  const error = await failure(
    m2m.createOrganizationClient(org, { name: 'a'.repeat(129) }),
    ScalekitBadRequestException,
  );
  has(error, { httpStatus: 400, errorCode: 'INVALID_ARGUMENT' });
  const violations = error.unpackedDetails[0]?.validationErrorInfo?.fieldViolations;
  has(violations?.[0], { field: 'client.name', constraint: 'string.max_len' });
});

await check('reports a missing client as not found', async () => {
  const error = await failure(m2m.getOrganizationClient(org, 'm2morg_1'), ScalekitNotFoundException);
  has(error, { httpStatus: 404, errorCode: 'NOT_FOUND' });
  assert.match(error.message, /client not found/);
});

await check('reports an external id that is taken as a conflict', async () => {
  const call = organization.createOrganization('Other', { externalId: 'node-walk' });
  has(await failure(call, ScalekitConflictException), { httpStatus: 409, errorCode: 'RESOURCE_ALREADY_EXISTS' });
});

await check('reports the credentials of an organization client as forbidden', async () => {
  const call = new ScalekitClient(url, client, secret).m2m.listOrganizationClients(org);
  has(await failure(call, ScalekitForbiddenException), { httpStatus: 403, errorCode: 'PERMISSION_DENIED' });
});

await check('reports a wrong secret as unauthorized', async () => {
  // The SDK throws the error of its HTTP library if it cannot sign in.
  const call = new ScalekitClient(url, id, 'wrong').m2m.listOrganizationClients(org);
  await assert.rejects(call, { name: 'AxiosError', status: 401 });
});

await check('reports a token that the API refuses as unauthorized', async () => {
  const other = new ScalekitClient(url, id, process.env.SCALEKIT_CLIENT_SECRET ?? '');
  // Without this, the SDK signs in and sends the request again.
  Reflect.set(Reflect.get(other, 'coreClient'), 'authenticateClient', async () => {});
  const error = await failure(other.m2m.listOrganizationClients(org), ScalekitUnauthorizedException);
  has(error, { httpStatus: 401, errorCode: 'UNAUTHENTICATED' });
});

await check('reports a call that the emulator does not serve as not implemented', async () => {
  has(await failure(scalekit.domain.listDomains(org), ScalekitNotImplementedException), { httpStatus: 501 });
});

await check('deletes a client, and no longer finds it', async () => {
  await m2m.deleteOrganizationClient(org, client);
  await failure(m2m.getOrganizationClient(org, client), ScalekitNotFoundException);
  await assert.rejects(scalekit.generateClientToken(client, secret));
});

await check('deletes an organization with its clients', async () => {
  await organization.deleteOrganization(org);
  await failure(m2m.listOrganizationClients(org), ScalekitNotFoundException);
});
