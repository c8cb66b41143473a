import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DEBUG_MARKER, type Emulator, type Fault, type Operation, startEmulator } from '../../emulator/index.ts';
import {
  credentialsWork,
  errors,
  readable,
  runAction,
  runBare,
  secretsOf,
  seedEarlier,
  sentTo,
  warnings,
} from '../support/action.ts';

let emulator: Emulator;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'failures-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const sent = () => emulator.requests.map(({ operation }) => operation);

describe('bad inputs', () => {
  it('are all named in one error, and nothing is sent', async () => {
    const secret = ['not', 'so', 'secret'].join('-');
    const run = await runAction(emulator, {
      inputs: {
        scalekit_environment_url: `http://acme.example/${secret}`,
        scalekit_client_id: 'm2morg_123',
        scalekit_client_secret: secret,
        organization_id: 'acme',
        scopes: 'caf\u00e9',
        custom_claims: 'novalue',
        lifetime: 'forever',
        timeout: '1',
      },
    });
    expect([run.exitCode, run.outputs, run.state, sent()]).toEqual([1, {}, {}, []]);
    expect(run.annotations).toHaveLength(1);
    const [message = ''] = errors(run);
    const named = [...message.matchAll(/^- (\w+): /gm)].map(([, input]) => input);
    expect(new Set(named)).toEqual(
      new Set([
        'scalekit_environment_url',
        'scalekit_client_id',
        'organization_id',
        'scopes',
        'custom_claims',
        'lifetime',
        'timeout',
      ]),
    );
    expect(readable(run)).not.toContain(secret);
  });

  it('say why a credential may be empty', async () => {
    const run = await runAction(emulator, { inputs: { scalekit_client_secret: '' } });
    expect(errors(run)).toEqual([
      expect.stringMatching(/^Bad input: scalekit_client_secret: is empty; .*name of the secret.*fork.*Dependabot/),
    ]);
    expect(sent()).toEqual([]);
  });

  it('include a secret that an earlier step could send elsewhere', async () => {
    const run = await runAction(emulator, { inputs: { scalekit_environment_url: '' }, env: emulator.variables });
    expect(errors(run)).toEqual([
      expect.stringMatching(/scalekit_environment_url: is empty while scalekit_client_secret is given.*GITHUB_ENV/),
    ]);
    expect(sent()).toEqual([]);
  });

  it.each([
    [{ GITHUB_OUTPUT: undefined }, 'GITHUB_OUTPUT'],
    [{ GITHUB_REPOSITORY: undefined }, 'GITHUB_REPOSITORY'],
    [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'NODE_TLS_REJECT_UNAUTHORIZED'],
  ])('include an unsafe setup of the runner: %j', async (env, variable) => {
    const run = await runAction(emulator, { env });
    expect(run.exitCode).toBe(1);
    expect(errors(run)).toEqual([expect.stringContaining(`Bad input: ${variable}: `)]);
    expect(sent()).toEqual([]);
  });

  it('are reported if nothing at all is given', async () => {
    const run = await runBare({});
    expect([run.exitCode, run.annotations.length, run.stderr]).toEqual([1, 1, '']);
    for (const input of [
      'scalekit_environment_url',
      'scalekit_client_id',
      'scalekit_client_secret',
      'organization_id',
    ]) {
      expect(errors(run)[0]).toContain(`- ${input}: is empty; expected`);
    }
  });
});

describe('a refusal', () => {
  it('of the credentials says which to check, once', async () => {
    const wrong = ['wrong', 'secret', 'value'].join('-');
    for (const tokenErrors of ['oauth', 'grpc', 'text'] as const) {
      emulator.behaviour.tokenErrors = tokenErrors;
      const run = await runAction(emulator, { inputs: { scalekit_client_secret: wrong } });
      expect(run.exitCode).toBe(1);
      expect(errors(run)).toEqual([
        expect.stringMatching(
          /^Could not sign in to Scalekit: HTTP 401: .+ Check scalekit_client_id and scalekit_client_secret/,
        ),
      ]);
      expect(readable(run)).not.toContain(wrong);
    }
    expect(sent()).toEqual(['token', 'token', 'token']);
  });

  it.each([
    ['JSON', { error: 'access_denied', error_description: 'IP address not allowed' }, false],
    ['a page', '<html><h1>403 Forbidden</h1></html>', true],
    ['plain text', 'RBAC: access denied', true],
  ])(
    'of this runner by an allow list that answers with %s names the list and the credentials',
    async (_, body, isForeign) => {
      emulator.faults.add({ operation: 'token', fault: { kind: 'status', status: 403, body } });
      const [message = '', ...more] = errors(await runAction(emulator));
      expect(more).toEqual([]);
      expect(message).toMatch(
        /^Could not sign in to Scalekit: HTTP 403.* Check scalekit_client_id and .* If the environment has an IP allowlist, it must contain the address of this runner\.$/,
      );
      expect(message.includes('a firewall, a proxy or an IP allow list in front of scalekit_environment_url')).toBe(
        isForeign,
      );
    },
  );

  it('that is a page does not blame the permissions of the credentials', async () => {
    const body = '<html><h1>403 Forbidden</h1></html>';
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'status', status: 403, body } });
    expect(errors(await runAction(emulator))).toEqual([
      "Could not list the organization's clients: HTTP 403. That is not the API's JSON: a firewall, a proxy or an IP allow list in front of scalekit_environment_url probably refused it. Allow this runner's address there.",
    ]);
  });

  it('of the organization says that it is not in this environment, and leaves post nothing to do', async () => {
    for (const apiErrors of ['status', 'bare'] as const) {
      emulator.behaviour.apiErrors = apiErrors;
      const run = await runAction(emulator, { inputs: { organization_id: 'org_404' } });
      expect(run.exitCode).toBe(1);
      expect(errors(run)).toEqual([
        expect.stringMatching(
          /^Could not list the organization's clients: HTTP 404: .+ Check that organization org_404 exists in this environment/,
        ),
      ]);
      expect(readable(run)).not.toContain(DEBUG_MARKER);
      const before = sent().length;
      expect((await run.post()).annotations).toEqual([]);
      expect(sent()).toHaveLength(before);
    }
  });

  it('shows the error code, the message and every field, but no internals', async () => {
    const run = await runAction(emulator, { inputs: { expiry: '5', lifetime: 'job' } });
    expect(run.exitCode).toBe(1);
    expect(errors(run)).toEqual([expect.stringMatching(/^Could not create the client: HTTP 400: \w+: .*expiry/)]);
    expect(readable(run)).not.toContain(DEBUG_MARKER);
  });

  it('of the right to manage clients says so', async () => {
    const body = {
      code: 7,
      message: 'permission denied',
      details: [{ error_code: 'FORBIDDEN', debug_info: { detail: DEBUG_MARKER } }],
    };
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'status', status: 403, body } });
    const run = await runAction(emulator);
    expect(errors(run)).toEqual([
      'Could not create the client: HTTP 403: FORBIDDEN: permission denied. The API credentials in scalekit_client_id may not manage the clients of this organization, or the IP allowlist of the environment does not contain the address of this runner.',
    ]);
    expect(readable(run)).not.toContain(DEBUG_MARKER);
  });

  it('never repeats a secret that the server quotes', async () => {
    const { clientSecret } = emulator.credentials;
    emulator.faults.add({
      operation: 'token',
      fault: {
        kind: 'status',
        status: 400,
        body: { error: 'bad', error_description: `no such secret: ${clientSecret}` },
      },
    });
    const run = await runAction(emulator);
    expect(errors(run)[0]).toContain('no such secret: ***');
    expect(readable(run)).not.toContain(clientSecret);
  });
});

describe('a client that came out otherwise than asked for', () => {
  it('is removed, and the error names field, wanted and got', async () => {
    emulator.behaviour.dropScopes = ['write:b'];
    const run = await runAction(emulator, { inputs: { scopes: 'read:a write:b' } });
    expect([run.exitCode, run.outputs, emulator.clients()]).toEqual([1, {}, []]);
    expect(errors(run)[0]).toMatch(/^scopes: wanted "read:a", "write:b"; got "read:a"$/m);
    expect(errors(run)[0]).toMatch(/^Removed again: client m2morg_\d+\.$/m);
    expect((await run.post()).annotations).toEqual([]);
  });

  it('is compared as sets', async () => {
    emulator.faults.add({
      operation: 'createClient',
      fault: {
        kind: 'edit',
        edit: (answer) => {
          answer.client.scopes.reverse();
          answer.client.custom_claims.reverse();
          return answer;
        },
      },
    });
    const run = await runAction(emulator, { inputs: { scopes: 'a b c' } });
    expect([run.exitCode, emulator.clients().length]).toEqual([0, 1]);
  });
});

describe('a create whose response', () => {
  const edit = (change: (answer: { client: Record<string, unknown>; plain_secret?: string }) => void): Fault => ({
    kind: 'edit',
    edit: (answer) => {
      change(answer);
      return answer;
    },
  });
  const faults: [string, Fault][] = [
    ['has no secret', edit((answer) => delete answer.plain_secret)],
    ['has a secret too short to be masked', edit((answer) => Object.assign(answer, { plain_secret: '1234567' }))],
    ['has a blank secret', edit((answer) => Object.assign(answer, { plain_secret: ' '.repeat(20) }))],
    ['has no client', edit((answer) => Object.assign(answer, { client: undefined }))],
    ['has an id that is none', edit((answer) => Object.assign(answer.client, { client_id: '../../x' }))],
    ['has a list that is none', edit((answer) => Object.assign(answer.client, { scopes: 'a b' }))],
    ['is not JSON', { kind: 'body', body: '<html>created</html>' }],
    ['is empty', { kind: 'body', body: '' }],
    ['is JSON cut in half', { kind: 'truncate', cut: 'json' }],
    ['is cut off by the connection', { kind: 'truncate' }],
    ['is larger than 8 MiB', { kind: 'huge', bytes: 9_000_000 }],
    ['is a server error after the work', { kind: 'status', status: 500 }],
    ['is a redirect', { kind: 'redirect', location: 'https://elsewhere.example/' }],
    ['never comes, the connection reset', { kind: 'reset' }],
  ];

  it.each(faults)('%s still ends with one client and a secret that works', async (_, fault) => {
    emulator.faults.add({ operation: 'createClient', when: 'after', fault });
    const run = await runAction(emulator);
    expect([run.exitCode, run.annotations]).toEqual([0, []]);
    expect(sentTo(emulator, 'createClient')).toHaveLength(1);
    expect(emulator.clients().map(({ secrets }) => secrets?.map(({ id }) => id))).toEqual([[run.outputs.secret_id]]);
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    for (const secret of secretsOf(emulator)) expect(readable(run)).not.toContain(secret);
    expect((await run.post()).annotations).toEqual([]);
  });
});

describe('a failure after the create', () => {
  it('never deletes another client that the response names', async () => {
    const { client } = emulator.seed({ name: 'Foreign', description: 'made by hand' });
    emulator.faults.add({
      operation: 'createClient',
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, client }) },
    });
    const run = await runAction(emulator);
    // The step finds its own client by the nonce, and goes on with it.
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'created' } });
    expect(run.outputs.client_id).not.toBe(client.client_id);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([client.client_id, run.outputs.client_id]);
  });

  it.each([
    ['not writable', () => folder],
    ['missing', () => path.join(folder, 'none')],
    ['full', () => '/dev/full'],
  ])('leaves no client behind when the file for outputs is %s', async (_, file) => {
    const run = await runAction(emulator, { env: { GITHUB_OUTPUT: file() } });
    expect([run.exitCode, emulator.clients()]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(/Removed again: client m2morg_\d+\.$/);
    expect(run.stdout).not.toContain('set-output');
  });

  it('sends nothing if the state for the post step cannot be written', async () => {
    const run = await runAction(emulator, { env: { GITHUB_STATE: '/dev/full' } });
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(run)).toEqual([expect.stringContaining('Could not write the state for the post step')]);
    expect(sent()).toEqual([]);
  });

  it('names what it could not remove, and the call that does', async () => {
    emulator.behaviour.dropScopes = ['a'];
    emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403 } });
    const run = await runAction(emulator, { inputs: { scopes: 'a' } });
    const [client] = emulator.clients();
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toContain(
      `To remove it by hand: DELETE ${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients/${client?.client_id}`,
    );
    emulator.faults.clear();
    expect((await run.post()).annotations).toEqual([]);
    expect(emulator.clients()).toEqual([]);
  });

  it('says how to look for a client of which nothing is known, and lets post remove it', async () => {
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'hang', finishAfterMs: 8000 } });
    const run = await runAction(emulator, { inputs: { timeout: '8' } });
    expect([run.exitCode, emulator.clients()]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(
      /no answer within 2 seconds.*Could not determine whether the client was created.*nonce:[\w-]{16}/s,
    );
    const post = await run.post();
    expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
    expect(post.log).toMatch(/Deleted client m2morg_\d+\./);
  });
});

describe('a response that leaves out what it should contain', () => {
  it('(a create, the secret) is completed by a read', async () => {
    const edit = ({ client, ...rest }: { client: object }) => ({ ...rest, client: { ...client, secrets: undefined } });
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    const run = await runAction(emulator);
    const [id] = emulator.clients().flatMap(({ secrets = [] }) => secrets.map((secret) => secret.id));
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { secret_id: id } });
    expect(sentTo(emulator, 'getClient')).toHaveLength(1);
  });

  it('(another secret, its id) gives credentials that work, with an empty secret_id', async () => {
    await runAction(emulator);
    const edit = (answer: object) => ({ ...answer, secret: undefined });
    emulator.faults.add({ operation: 'addSecret', fault: { kind: 'edit', edit } });
    const run = await runAction(emulator);
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'rotated', secret_id: '' } });
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it('that shows the id of a secret that existed before never deletes that one, and names the new one', async () => {
    const first = await runAction(emulator);
    const [known] = emulator.clients().flatMap(({ secrets = [] }) => secrets);
    const edit = (answer: object) => ({ ...answer, secret: known });
    emulator.faults.add({ operation: 'addSecret', fault: { kind: 'edit', edit } });
    const run = await runAction(emulator, { env: { GITHUB_OUTPUT: '/dev/full' } });
    const ids = emulator.clients().flatMap(({ secrets = [] }) => secrets.map(({ id }) => id));
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(ids).toEqual([known?.id, expect.any(String)]);
    expect(errors(run)[0]).toContain(`Secret ${ids[1]} of client`);
    expect(await credentialsWork(emulator, first.outputs)).toBe(true);
  });

  it('(another secret, its id) makes roll-back name the secret', async () => {
    await runAction(emulator);
    const edit = (answer: object) => ({ ...answer, secret: undefined });
    emulator.faults.add({ operation: 'addSecret', fault: { kind: 'edit', edit } });
    const run = await runAction(emulator, { env: { GITHUB_OUTPUT: '/dev/full' } });
    const ids = emulator.clients().flatMap(({ secrets = [] }) => secrets.map(({ id }) => id));
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(run)[0]).toMatch(
      new RegExp(`^Secret ${ids.at(-1)} of client .* DELETE .*/secrets/${ids.at(-1)}$`, 'm'),
    );
  });

  it('(a list, the secrets) is completed by a read, so that retirement goes on', async () => {
    await runAction(emulator);
    const bare = ({ clients = [] }: { clients?: object[] }) => ({
      clients: clients.map((client) => ({ ...client, secrets: undefined })),
    });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit: bare } });
    const run = await runAction(emulator, { inputs: { keep_secrets: '1' } });
    const [client] = emulator.clients();
    expect(client?.secrets?.map(({ id }) => id)).toEqual([run.outputs.secret_id]);
  });

  it('(an update, the client) is not taken for another’s: the secret goes to the right one', async () => {
    const { outputs } = await runAction(emulator, { inputs: { scopes: 'a' } });
    const { client: other } = emulator.seed({ name: 'Foreign' });
    const edit = (answer: { client: object }) => ({ client: { ...answer.client, client_id: other.client_id } });
    emulator.faults.add({ operation: 'updateClient', fault: { kind: 'edit', edit } });
    const run = await runAction(emulator, { inputs: { scopes: 'a b' } });
    expect([run.exitCode, run.outputs.client_id]).toEqual([0, outputs.client_id]);
    expect(emulator.clients().map(({ secrets }) => secrets?.length)).toEqual([2, 1]);
  });
});

describe('a request for one more secret whose outcome is unknown', () => {
  const HOUR = 3_600_000;
  /** Adds a client of this identity with this number of old secrets. */
  const seeded = (secrets: number) => seedEarlier(emulator, {}, { ageMs: 9 * HOUR, secrets });
  const resetResponses = (times: number) =>
    emulator.faults.add({ operation: 'addSecret', times, when: 'after', fault: { kind: 'reset' } });

  it('is sent again, and a warning names the secret that it may have added', async () => {
    seeded(3);
    resetResponses(1);
    const run = await runAction(emulator, { inputs: { keep_secrets: '5' } });
    const [unknown = '', ...added] =
      emulator
        .clients()[0]
        ?.secrets?.map(({ id }) => id)
        .slice(3) ?? [];
    expect([run.exitCode, added]).toEqual([0, [run.outputs.secret_id]]);
    expect(warnings(run)).toEqual([
      expect.stringMatching(
        new RegExp(`^Secret ${unknown} of client .* may be left over .* DELETE .*/secrets/${unknown}$`),
      ),
    ]);
  });

  it('is sent three times, and the error names what may be left over', async () => {
    const { client } = seeded(2);
    resetResponses(3);
    const run = await runAction(emulator);
    const old = client.secrets?.map(({ id }) => id) ?? [];
    const now = emulator.clients()[0]?.secrets?.map(({ id }) => id) ?? [];
    expect([run.exitCode, run.outputs, now.length]).toEqual([1, {}, 5]);
    expect(now.slice(0, 2)).toEqual(old);
    for (const id of now.slice(2)) expect(errors(run)[0]).toContain(`/secrets/${id}`);
  });

  it('deletes the one whose id is known though its value is not', async () => {
    const { client } = seeded(1);
    const edit = ({ secret }: { secret: object }) => ({ secret });
    emulator.faults.add({ operation: 'addSecret', times: 1, fault: { kind: 'edit', edit } });
    const run = await runAction(emulator);
    const now = emulator.clients()[0]?.secrets?.map(({ id }) => id);
    expect([run.exitCode, run.annotations, now]).toEqual([0, [], [client.secrets?.[0]?.id, run.outputs.secret_id]]);
  });
});

it('a create with an unknown outcome never costs the published secret, however little the responses contain', async () => {
  emulator.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'reset' } });
  const bare = (client: object) => ({ ...client, secrets: undefined });
  const edits = {
    listClients: ({ clients = [] }: { clients?: object[] }) => ({ clients: clients.map(bare) }),
    addSecret: ({ plain_secret }: { plain_secret: string }) => ({ plain_secret }),
    getClient: ({ client }: { client: { secrets: object[] } }) => ({
      client: { ...client, secrets: client.secrets.slice(1).map((secret) => ({ ...secret, secret_suffix: '' })) },
    }),
  };
  for (const [operation, edit] of Object.entries(edits))
    emulator.faults.add({ operation: operation as Operation, fault: { kind: 'edit', edit } });
  const run = await runAction(emulator);
  expect([run.exitCode, await credentialsWork(emulator, run.outputs)]).toEqual([0, true]);
});

it('an update that was applied, though it is refused in the end, is read back and counts', async () => {
  await runAction(emulator, { inputs: { scopes: 'a' } });
  const applied = {
    operation: 'updateClient',
    call: 1,
    when: 'after',
    fault: { kind: 'status', status: 503 },
  } as const;
  const refused = { operation: 'updateClient', call: 2, fault: { kind: 'status', status: 403 } } as const;
  emulator.faults.add(applied, refused);
  const run = await runAction(emulator, { inputs: { scopes: 'a b' } });
  expect([run.exitCode, emulator.clients()[0]?.scopes]).toEqual([0, ['a', 'b']]);
});

it('a second client of one request, which the server finished late, is removed', async () => {
  emulator.faults.add({ operation: 'createClient', times: 1, fault: { kind: 'hang', finishAfterMs: 8700 } });
  // The delay makes sure that the late client exists when the action searches.
  emulator.faults.add({ operation: 'createClient', call: 2, fault: { kind: 'delay', ms: 1500 } });
  const run = await runAction(emulator, { inputs: { timeout: '16' } });
  expect([run.exitCode, emulator.clients().map(({ client_id }) => client_id)]).toEqual([0, [run.outputs.client_id]]);
  expect(run.log).toMatch(/^Removed a second client of the same request: client m2morg_\d+\.$/m);
});

it('a second client of one request that the credentials may not delete is a warning that names the call', async () => {
  emulator.faults.add({ operation: 'createClient', times: 1, fault: { kind: 'hang', finishAfterMs: 8700 } });
  emulator.faults.add({ operation: 'createClient', call: 2, fault: { kind: 'delay', ms: 1500 } });
  const body = { code: 7, message: 'permission denied' };
  emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403, body } });
  const run = await runAction(emulator, { inputs: { timeout: '16' } });
  expect([run.exitCode, await credentialsWork(emulator, run.outputs)]).toEqual([0, true]);
  const [late] = emulator.clients().filter(({ client_id }) => client_id !== run.outputs.client_id);
  expect(emulator.clients()).toHaveLength(2);
  expect(warnings(run)).toEqual([
    expect.stringMatching(
      `^A second client of the same request is left over: .*api_credentials:rotate\\. .* DELETE .*/clients/${late?.client_id}$`,
    ),
  ]);
});
