import { describe, expect, it } from '@jest/globals';
import type { Behaviour, Emulator } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { credentialsWork, errors, markerLine, REPOSITORY_CLAIMS, readable, runAction } from '../support/action.ts';
import { useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { sentTo } from '../support/requests.ts';
import { expectNoSecrets } from '../support/saved.ts';

// Tests of the access token that new credentials get before they are published. docs/design.md, promise 6.

// biome-ignore lint/suspicious/noExplicitAny: the tests know the payload of the tokens.
type Payload = any;
type TokenChanges = Behaviour['tokenChanges'];

const REQUESTED = { scopes: 'a b', audience: 'api', custom_claims: 'team=platform' };
const CLAIMS = [...REPOSITORY_CLAIMS, { key: 'team', value: 'platform' }];
const ALL_CLAIMS = '"github_repository=acme/inventory-service", "github_repository_id=740123456", "team=platform"';

const emulator = useEmulator();
/** Tests that wait for seconds. The longest are at the end of the file, so that they run beside the others. */
const itWaits = useConcurrentTests();

const run = (emulator: Emulator, inputs: Record<string, string> = {}) =>
  runAction(emulator, { inputs: { ...REQUESTED, ...inputs } });
/** Adds a client to the emulator like one that an earlier run created, with one scope less than is requested now. */
const seedDrifted = (emulator: Emulator) =>
  emulator.seed(
    { name: 'Old', description: markerLine(), scopes: ['a'], audience: ['api'], custom_claims: CLAIMS },
    { ageMs: 1000 },
  );
/** Returns the requests for a token of an organization client, without the sign-in. */
const clientTokenRequests = (emulator: Emulator) =>
  sentTo(emulator, 'token').filter(({ text }) => text.includes('client_id=m2morg_'));
const payloadOf = (token = ''): Payload => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

/** Checks that the run failed with one error, that nothing is left of it, and that the post step does nothing. */
async function expectNothingLeft(emulator: Emulator, executed: Executed): Promise<void> {
  expectFailed(executed);
  expect(executed.annotations).toEqual([{ kind: 'error', message: expect.any(String) }]);
  expect(emulator.clients()).toEqual([]);
  expectNoSecrets(emulator, executed);
  const before = emulator.requests.length;
  expect((await executed.post()).stdout).toBe('');
  expect(emulator.requests).toHaveLength(before);
}

/** Checks that the run failed with one error, that the client is as before, and that the post step does nothing. */
async function expectRestored(
  emulator: Emulator,
  executed: Executed,
  { client, plainSecrets }: ReturnType<typeof seedDrifted>,
): Promise<void> {
  expectFailed(executed);
  expect(executed.annotations).toEqual([{ kind: 'error', message: expect.any(String) }]);
  const secrets = client.secrets?.map((secret) => ({ ...secret, last_used_time: expect.anything() }));
  expect(emulator.clients()).toEqual([{ ...client, update_time: expect.anything(), secrets }]);
  expectNoSecrets(emulator, executed);
  const before = emulator.requests.length;
  expect((await executed.post()).stdout).toBe('');
  expect(emulator.requests).toHaveLength(before);
  emulator.behaviour.tokenChanges = (payload) => payload;
  const [secret = ''] = plainSecrets;
  expect(await credentialsWork(emulator, { client_id: client.client_id, secret })).toBe(true);
}

describe('a token that differs from what was requested', () => {
  it.each<{ field: string; change: TokenChanges; wanted: (organization: string) => string; got: string }>([
    {
      field: 'oid',
      change: (token) => ({ ...token, oid: 'org_1' }),
      wanted: (organization) => `"${organization}"`,
      got: '"org_1"',
    },
    {
      field: 'sub',
      change: (token) => ({ ...token, sub: 'm2morg_1' }),
      wanted: () => '"m2morg_\\d+"',
      got: '"m2morg_1"',
    },
    {
      field: 'scopes',
      change: (token) => ({ ...token, scopes: ['a'] }),
      wanted: () => '"a", "b"',
      got: '"a"',
    },
    {
      field: 'audience',
      change: ({ aud: _, ...token }) => token,
      wanted: () => '"api"',
      got: 'none',
    },
    {
      field: 'custom_claims',
      change: (token: Payload) => ({ ...token, custom_claims: { ...token.custom_claims, team: 'other' } }),
      wanted: () => ALL_CLAIMS,
      got: ALL_CLAIMS.replace('platform', 'other'),
    },
  ])('deletes the new client if its token has another $field', async ({ field, change, wanted, got }) => {
    emulator.behaviour.tokenChanges = change;
    const executed = await run(emulator);
    const line = new RegExp(`^${field}: wanted ${wanted(emulator.organization.id)}; got ${got}$`);
    expect(errors(executed)[0]?.split('\n')).toContainEqual(expect.stringMatching(line));
    await expectNothingLeft(emulator, executed);
  });

  itWaits('requests another token while the token shows a former value of a corrected field', async (emulator) => {
    const { client } = seedDrifted(emulator);
    let count = 0;
    emulator.behaviour.tokenChanges = (payload) =>
      payload.sub === client.client_id && ++count <= 2 ? { ...payload, scopes: ['a'] } : payload;
    const executed = await run(emulator);
    expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { client_id: client.client_id } });
    expect(clientTokenRequests(emulator)).toHaveLength(3);
  });

  itWaits('deletes the new secret and restores the client if its token differs for three seconds', async (emulator) => {
    const old = seedDrifted(emulator);
    emulator.behaviour.tokenChanges = (token) => ({ ...token, scopes: ['a'] });
    const executed = await run(emulator);
    expect(executed.milliseconds).toBeGreaterThan(3000);
    expect(errors(executed)[0]).toMatch(/^scopes: wanted "a", "b"; got "a"$/m);
    await expectRestored(emulator, executed, old);
  });

  const withMore: TokenChanges = (token: Payload) => ({
    ...token,
    scopes: ['a', 'b', 'c'],
    aud: ['api', 'x'],
    custom_claims: { admin: 'yes', ...token.custom_claims },
  });

  it('warns of more scopes in a token and shows more audience and claims in a notice', async () => {
    emulator.behaviour.tokenChanges = withMore;
    const executed = await run(emulator);
    expectSucceeded(executed);
    expect(executed.annotations).toEqual([
      { kind: 'warning', message: expect.stringContaining('scopes: wanted "a", "b"; got "a", "b", "c"') },
      { kind: 'notice', message: expect.stringMatching(/audience: wanted "api"; got "api", "x".*"admin=yes"/s) },
    ]);
  });

  it('deletes the new client if its token has more than was requested and verify is exact', async () => {
    emulator.behaviour.tokenChanges = withMore;
    const executed = await run(emulator, { verify: 'exact' });
    for (const field of ['scopes', 'audience', 'custom_claims'])
      expect(errors(executed)[0]).toMatch(new RegExp(`^${field}: wanted `, 'm'));
    await expectNothingLeft(emulator, executed);
  });
});

describe('a token that can be published', () => {
  it('publishes credentials whose token has the requested lists in another order and unknown fields', async () => {
    emulator.behaviour.tokenChanges = (payload: Payload) => ({
      ...payload,
      aud: payload.aud.toReversed(),
      scopes: payload.scopes.toReversed(),
      custom_claims: Object.fromEntries(Object.entries(payload.custom_claims).toReversed()),
      permissions: ['x'],
      act: {},
    });
    const executed = await run(emulator, { audience: 'x y' });
    expect(executed).toMatchObject({ exitCode: 0, annotations: [] });
    expect(clientTokenRequests(emulator)).toHaveLength(1);
    const names = ['client_id', 'organization_id', 'result', 'secret', 'secret_id'];
    expect(Object.keys(executed.outputs).sort()).toEqual(names);
  });

  it('publishes credentials whose token is not a JWT, with a notice', async () => {
    const opaque = ['opaque', 'access', 'token', 'value'].join('-');
    const edit = (response: object) => ({ ...response, access_token: opaque });
    emulator.faults.add({ operation: 'token', call: 2, fault: { kind: 'edit', edit } });
    const before = Date.now();
    const executed = await run(emulator, { access_token: 'true' });
    expect(executed).toMatchObject({ exitCode: 0, outputs: { result: 'created', access_token: opaque } });
    expect(executed.annotations).toEqual([{ kind: 'notice', message: expect.stringContaining('is not a JWT') }]);
    // The response contains the lifetime of the token.
    const lifetime = Date.parse(executed.outputs.access_token_expires_at ?? '') - before;
    expect(Math.abs(lifetime - 3_600_000)).toBeLessThan(5000);
    expect(executed.masks).toContain(opaque);
    expect(readable(executed)).not.toContain(opaque);
  });

  it('requests no token for the new credentials with verify: false', async () => {
    emulator.behaviour.tokenChanges = () => undefined;
    const executed = await run(emulator, { verify: 'false' });
    expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'created' } });
    expect(clientTokenRequests(emulator)).toEqual([]);
    expect(sentTo(emulator, 'token')).toHaveLength(1);
    expect(executed.outputs).not.toHaveProperty('access_token');
  });

  it('sets access_token to the verified token, with the time of its exp, and masks it', async () => {
    // The server's clock is ahead. The output must be the `exp` of the token.
    emulator.behaviour.tokenChanges = ({ iat, exp, ...token }: Payload) => ({ ...token, iat: iat + 90, exp: exp + 90 });
    const executed = await run(emulator, { access_token: 'true', expiry: '600' });
    expect(executed).toMatchObject({ exitCode: 0, annotations: [] });
    expect(clientTokenRequests(emulator)).toHaveLength(1);
    const { access_token = '', access_token_expires_at = '', client_id } = executed.outputs;
    const { sub, scopes, exp, iat } = payloadOf(access_token);
    expect({ sub, scopes, lifetime: exp - iat }).toEqual({ sub: client_id, scopes: ['a', 'b'], lifetime: 600 });
    expect(access_token_expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(access_token_expires_at)).toBe(exp * 1000);
    const base64 = Buffer.from(access_token).toString('base64');
    const withoutEnd = base64.slice(0, Math.floor((access_token.length * 4) / 3));
    expect(executed.masks).toEqual(expect.arrayContaining([access_token, withoutEnd]));
    expect(readable(executed)).not.toContain(access_token);
  });

  it('masks the access token before it is compared', async () => {
    let token = '';
    emulator.behaviour.tokenChanges = (payload) => ({ ...payload, oid: 'org_1' });
    const edit = (response: { access_token: string }) => {
      token = response.access_token;
      return response;
    };
    emulator.faults.add({ operation: 'token', call: 2, fault: { kind: 'edit', edit } });
    const executed = await run(emulator, { access_token: 'true' });
    expectFailed(executed);
    expect(token).not.toBe('');
    expect(executed.masks).toContain(token);
    expect(readable(executed)).not.toContain(token);
  });
});

describe('credentials that get no token', () => {
  itWaits('waits for credentials that Scalekit does not know for three seconds', async (emulator) => {
    emulator.behaviour.secretLag = 3000;
    const executed = await run(emulator);
    expect(executed).toMatchObject({ exitCode: 0, annotations: [] });
    const [first, ...statuses] = clientTokenRequests(emulator).map(({ status }) => status);
    expect(first).toBe(401);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.at(-1)).toBe(200);
    expect(statuses.length).toBeLessThan(14);
    expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
  });

  itWaits('deletes the new client if Scalekit does not know its credentials for 20 seconds', async (emulator) => {
    emulator.behaviour.secretLag = 60_000;
    const executed = await run(emulator);
    expect(errors(executed)[0]).toMatch(/^Could not get an access token for client m2morg_\d+: HTTP 401: /);
    expect(executed.milliseconds).toBeGreaterThan(14_000);
    expect(executed.milliseconds).toBeLessThan(25_000);
    await expectNothingLeft(emulator, executed);
  });

  itWaits('deletes the new secret and restores the client if an interceptor denies each token', async (emulator) => {
    const old = seedDrifted(emulator);
    emulator.behaviour.tokenChanges = () => undefined;
    const executed = await run(emulator);
    expect(errors(executed)[0]).toMatch(
      /^Could not get an access token for client m2morg_\d+: HTTP 403: .*interceptor/,
    );
    expect(clientTokenRequests(emulator)).toHaveLength(8);
    await expectRestored(emulator, executed, old);
  });
});
