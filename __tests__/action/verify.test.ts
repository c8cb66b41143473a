import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Behaviour, type Emulator, startEmulator } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  markerLine,
  notices,
  REPOSITORY_CLAIMS,
  readable,
  runAction,
  secretsOf,
  sentTo,
  warnings,
} from '../support/action.ts';

// Tests of the access token that new credentials get before they are published.

// biome-ignore lint/suspicious/noExplicitAny: the tests know the payload of the tokens.
type Payload = any;
type Changes = Behaviour['tokenChanges'];

const ASKED = { scopes: 'a b', audience: 'api', custom_claims: 'team=platform' };
const CLAIMS = [...REPOSITORY_CLAIMS, { key: 'team', value: 'platform' }];
const ALL_CLAIMS = '"github_repository=acme/inventory-service", "github_repository_id=740123456", "team=platform"';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const run = (inputs: Record<string, string> = {}) => runAction(emulator, { inputs: { ...ASKED, ...inputs } });
/** Adds a client to the emulator like one that an earlier run created, with one scope less than is requested now. */
const seedDrifted = (on = emulator) =>
  on.seed(
    { name: 'Old', description: markerLine(), scopes: ['a'], audience: ['api'], custom_claims: CLAIMS },
    { ageMs: 1000 },
  );
/** Returns the requests for a token of an organization client, without the sign-in. */
const clientTokenRequests = (from = emulator) =>
  sentTo(from, 'token').filter(({ text }) => text.includes('client_id=m2morg_'));
const payloadOf = (token = ''): Payload => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

/** Checks that the run left nothing new behind, and that the old client is unchanged. */
async function expectRolledBack(
  executed: Executed,
  old: ReturnType<typeof seedDrifted> | undefined,
  from = emulator,
): Promise<void> {
  expect([executed.exitCode, executed.outputs, errors(executed).length, warnings(executed)]).toEqual([1, {}, 1, []]);
  const times = { update_time: expect.anything() };
  const secrets = old?.client.secrets?.map((secret) => ({ ...secret, last_used_time: expect.anything() }));
  expect(from.clients()).toEqual(old ? [{ ...old.client, ...times, secrets }] : []);
  for (const secret of secretsOf(from)) expect(readable(executed)).not.toContain(secret);
  const before = from.requests.length;
  expect([(await executed.post()).stdout, from.requests.length]).toEqual(['', before]);
  if (!old) return;
  Object.assign(from.behaviour, { tokenChanges: (payload: Payload) => payload, secretLag: 0 });
  expect(await credentialsWork(from, { client_id: old.client.client_id, secret: old.plainSecrets[0] ?? '' })).toBe(
    true,
  );
}

describe.each(['create', 'rotate'])('credentials (%s)', (way) => {
  it.each<[string, Changes, wanted: () => string, got: string]>([
    ['oid', (token) => ({ ...token, oid: 'org_1' }), () => `"${emulator.organization.id}"`, '"org_1"'],
    ['sub', (token) => ({ ...token, sub: 'm2morg_1' }), () => '"m2morg_\\d+"', '"m2morg_1"'],
    ['scopes', (token) => ({ ...token, scopes: ['a'] }), () => '"a", "b"', '"a"'],
    ['scopes', ({ scopes: _, ...token }) => token, () => '"a", "b"', 'none'],
    ['audience', (token) => ({ ...token, aud: ['other'] }), () => '"api"', '"other"'],
    ['audience', ({ aud: _, ...token }) => token, () => '"api"', 'none'],
    ['custom_claims', ({ custom_claims: _, ...token }) => token, () => ALL_CLAIMS, 'none'],
    [
      'custom_claims',
      (token: Payload) => ({ ...token, custom_claims: { ...token.custom_claims, team: 'other' } }),
      () => ALL_CLAIMS,
      ALL_CLAIMS.replace('platform', 'other'),
    ],
  ])('whose token has another %s are not published (%#)', async (field, changes, wanted, got) => {
    const old = way === 'rotate' ? seedDrifted() : undefined;
    emulator.behaviour.tokenChanges = changes;
    const executed = await run();
    expect(errors(executed)[0]?.split('\n')).toContainEqual(
      expect.stringMatching(new RegExp(`^${field}: wanted ${wanted()}; got ${got}$`)),
    );
    await expectRolledBack(executed, old);
  });

  it.each<[what: string, Changes, kind: 'warning' | 'notice', text: string]>([
    [
      'one more scope',
      (token) => ({ ...token, scopes: ['a', 'b', 'c'] }),
      'warning',
      'scopes: wanted "a", "b"; got "a", "b", "c"',
    ],
    [
      'one more audience',
      (token) => ({ ...token, aud: ['api', 'x'] }),
      'notice',
      'audience: wanted "api"; got "api", "x"',
    ],
    [
      'one more claim',
      (token) => ({
        ...token,
        custom_claims: { admin: 'yes', ...(token.custom_claims as object) },
      }),
      'notice',
      '"admin=yes"',
    ],
    ['no organization', ({ oid: _, ...token }) => token, 'notice', 'oid: wanted'],
  ])(
    'whose token has %s are published unless verify is exact, with what is different',
    async (_what, changes, kind, text) => {
      if (way === 'rotate') seedDrifted();
      emulator.behaviour.tokenChanges = changes;
      const executed = await run();
      expect(executed.exitCode).toBe(0);
      expect(executed.annotations).toEqual([{ kind, message: expect.stringContaining(text) }]);
      const exact = await run({ verify: 'exact' });
      expect(exact.exitCode).toBe(text.startsWith('oid') ? 0 : 1);
    },
  );

  it('whose token is denied are not published, after a few more attempts', async () => {
    const old = way === 'rotate' ? seedDrifted() : undefined;
    emulator.behaviour.tokenChanges = () => undefined;
    const executed = await run();
    expect(errors(executed)[0]).toMatch(
      /^Could not get an access token for client m2morg_\d+: HTTP 403: .*interceptor/,
    );
    expect(clientTokenRequests()).toHaveLength(8);
    await expectRolledBack(executed, old);
  });

  it('whose token is no JWT are published, with a notice', async () => {
    const old = way === 'rotate' ? seedDrifted() : undefined;
    const opaque = ['opaque', 'access', 'token', 'value'].join('-');
    emulator.faults.add({
      operation: 'token',
      call: 2,
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, access_token: opaque }) },
    });
    const before = Date.now();
    const executed = await run({ access_token: 'true' });
    expect([executed.exitCode, notices(executed).length, executed.annotations.length]).toEqual([0, 1, 1]);
    expect(notices(executed)).toEqual([expect.stringContaining('is not a JWT')]);
    expect(executed.outputs).toMatchObject({ result: old ? 'rotated' : 'created', access_token: opaque });
    // The response contains the lifetime of the token.
    const lifetime = Date.parse(executed.outputs.access_token_expires_at ?? '') - before;
    expect(Math.abs(lifetime - 3_600_000)).toBeLessThan(5000);
    expect(executed.masks).toContain(opaque);
    expect(readable(executed)).not.toContain(opaque);
  });

  it('with verify: false get no token', async () => {
    const old = way === 'rotate' ? seedDrifted() : undefined;
    emulator.behaviour.tokenChanges = () => undefined;
    const executed = await run({ verify: 'false' });
    expect([executed.exitCode, executed.annotations, executed.outputs.result]).toEqual([
      0,
      [],
      old ? 'rotated' : 'created',
    ]);
    expect([clientTokenRequests(), sentTo(emulator, 'token').length]).toEqual([[], 1]);
    expect(executed.outputs).not.toHaveProperty('access_token');
  });
});

describe('a lag of the token endpoint', () => {
  it('is waited out', async () => {
    emulator.behaviour.secretLag = 3000;
    const executed = await run();
    expect([executed.exitCode, executed.annotations]).toEqual([0, []]);
    const answers = clientTokenRequests().map(({ status }) => status);
    expect([answers[0], answers.at(-1), answers.filter((status) => status === 200).length]).toEqual([401, 200, 1]);
    expect(answers.length).toBeLessThan(15);
    expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
  });

  it('of more than 20 seconds fails the step, which rolls everything back', async () => {
    await Promise.all(
      ['create', 'rotate'].map(async (way) => {
        const other = await startEmulator({ behaviour: { secretLag: 60_000 } });
        await using _ = { [Symbol.asyncDispose]: () => other.close() };
        const old = way === 'rotate' ? seedDrifted(other) : undefined;
        const executed = await runAction(other, { inputs: ASKED });
        expect(errors(executed)[0]).toMatch(/^Could not get an access token for client m2morg_\d+: HTTP 401: /);
        expect(executed.milliseconds).toBeGreaterThan(14_000);
        expect(executed.milliseconds).toBeLessThan(25_000);
        await expectRolledBack(executed, old, other);
      }),
    );
  });
});

describe('the output access_token', () => {
  it('is the token that was compared, with the time of its end, and masked in all forms', async () => {
    // The server's clock is ahead. The output must be the `exp` of the token.
    emulator.behaviour.tokenChanges = ({ iat, exp, ...token }: Payload) => ({ ...token, iat: iat + 90, exp: exp + 90 });
    const executed = await run({ access_token: 'true', expiry: '600' });
    expect([executed.exitCode, executed.annotations, clientTokenRequests().length]).toEqual([0, [], 1]);
    const { access_token = '', access_token_expires_at = '', client_id } = executed.outputs;
    const { sub, scopes, exp, iat } = payloadOf(access_token);
    expect({ sub, scopes, lives: exp - iat }).toEqual({ sub: client_id, scopes: ['a', 'b'], lives: 600 });
    expect(access_token_expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(access_token_expires_at)).toBe(exp * 1000);
    expect(executed.masks).toEqual(
      expect.arrayContaining([
        access_token,
        Buffer.from(access_token)
          .toString('base64')
          .slice(0, Math.floor((access_token.length * 4) / 3)),
      ]),
    );
    expect(readable(executed)).not.toContain(access_token);
  });

  it('is masked before it is compared', async () => {
    let token = '';
    emulator.behaviour.tokenChanges = (payload) => ({ ...payload, oid: 'org_1' });
    emulator.faults.add({
      operation: 'token',
      call: 2,
      fault: {
        kind: 'edit',
        edit: (answer) => {
          token = answer.access_token;
          return answer;
        },
      },
    });
    const executed = await run({ access_token: 'true' });
    expect([executed.exitCode, executed.masks.includes(token)]).toEqual([1, true]);
    expect(readable(executed)).not.toContain(token);
  });

  it('is absent if it was not requested', async () => {
    const { outputs } = await run();
    expect(Object.keys(outputs).sort()).toEqual(['client_id', 'organization_id', 'result', 'secret', 'secret_id']);
  });
});

describe('a token', () => {
  it.each<[string, Record<string, string>, Partial<Behaviour>]>([
    [
      'with an audience, if none was asked for',
      { audience: '' },
      { tokenChanges: (payload) => ({ ...payload, aud: ['environment'] }) },
    ],
    ['with its audience as a string', {}, { audience: 'string' }],
    [
      'with everything in another order',
      { audience: 'x y' },
      {
        tokenChanges: (payload: Payload) => ({
          ...payload,
          aud: payload.aud.toReversed(),
          scopes: payload.scopes.toReversed(),
          custom_claims: Object.fromEntries(Object.entries(payload.custom_claims).toReversed()),
        }),
      },
    ],
    ['with fields that nobody knows', {}, { tokenChanges: (payload) => ({ ...payload, permissions: ['x'], act: {} }) }],
    [
      'without scopes, if none were asked for',
      { scopes: '' },
      { tokenChanges: ({ scopes: _, ...payload }) => payload },
    ],
    [
      'without claims, if none were asked for',
      { custom_claims: '', repository_claims: 'none' },
      { tokenChanges: ({ custom_claims: _, ...payload }) => payload },
    ],
  ])('%s is what was asked for', async (_, inputs, behaviour) => {
    Object.assign(emulator.behaviour, behaviour);
    const executed = await run(inputs);
    expect([errors(executed), executed.annotations, executed.exitCode]).toEqual([[], [], 0]);
    expect(clientTokenRequests()).toHaveLength(1);
  });
});

it('a token that still shows what was before a correction is waited out, for three seconds', async () => {
  const before = { scopes: ['a'] };
  for (const [lag, exitCode] of [
    [1200, 0],
    [60_000, 1],
  ] as const) {
    const { client } = seedDrifted();
    let corrected: number | undefined;
    emulator.hold = (when, { operation }) => {
      if (when === 'after' && operation === 'updateClient') corrected ??= Date.now();
    };
    emulator.behaviour.tokenChanges = (payload) =>
      payload.oid && Date.now() < (corrected ?? 0) + lag ? { ...payload, ...before } : payload;
    const executed = await run({ client_id: client.client_id });
    expect([executed.exitCode, executed.outputs.client_id]).toEqual([
      exitCode,
      exitCode ? undefined : client.client_id,
    ]);
  }
});
