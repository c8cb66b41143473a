import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type EmulatorOptions, type Fault, type Operation, startEmulator } from '../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, type Step } from '../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  journalTo,
  readable,
  readJournal,
  runAction,
  savingIn,
  secretsOf,
  seedEarlier,
  sentTo,
  warnings,
} from './support/action.ts';

// Tests of saved credentials in GitHub Actions: a variable with the client id, and a secret.

type Inputs = Record<string, string>;
type SecretLocation = Pick<
  ReturnType<Emulator['github']['repository']>,
  'variables' | 'secrets' | 'setVariable' | 'setSecret'
>;

const REPOSITORY = RUNNER_VARIABLES.GITHUB_REPOSITORY;
const VARIABLE = 'SCALEKIT_M2M_CLIENT_ID';
const SECRET = 'SCALEKIT_M2M_CLIENT_SECRET';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const CHANGES: Operation[] = [
  'createClient',
  'updateClient',
  'deleteClient',
  'addSecret',
  'deleteSecret',
  'createVariable',
  'updateVariable',
  'deleteVariable',
  'putActionsSecret',
  'deleteActionsSecret',
];

let emulator: Emulator;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'saving-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const waiting: (() => Promise<unknown>)[] = [];

/**
 * Defines a test that waits for seconds. All of these run concurrently before the other tests, each with a separate
 * emulator. `it.concurrent` does not work here: the emulator imports its GitHub modules in the middle of a test, and
 * Jest forbids imports after the first concurrent test has ended.
 */
function itWaits(name: string, test: () => Promise<void>): void {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {});
  waiting.push(() => test().then(resolve, reject));
  it(name, () => promise);
}

beforeAll(async () => {
  const next = async (): Promise<void> => {
    const start = waiting.shift();
    if (!start) return;
    await start();
    await next();
  };
  await Promise.all(Array.from({ length: 8 }, next));
}, 300_000);

/** Starts another emulator. Each test that runs concurrently with others needs one. */
async function another(options: EmulatorOptions = {}): Promise<Emulator & AsyncDisposable> {
  const started = await startEmulator(options);
  return Object.assign(started, { [Symbol.asyncDispose]: () => started.close() });
}

const repository = ({ github }: Emulator) => github.repository(REPOSITORY);
const saveWith = (inputs: Inputs = {}, step: Step = {}, on = emulator) =>
  runAction(on, { ...step, inputs: { ...savingIn(on), ...inputs } });
const operations = (from = 0, on = emulator) => on.requests.slice(from).map(({ operation }) => operation);
const changes = (from = 0, on = emulator) => operations(from, on).filter((operation) => CHANGES.includes(operation));
/** Returns the credentials that a location holds, with the names of a step's outputs. */
const keptIn = ({ variables, secrets }: SecretLocation) => ({
  client_id: variables.get(VARIABLE)?.value,
  secret: secrets.get(SECRET)?.value,
});
const credentialsOf = ({ outputs: { client_id, secret } }: Outcome) => ({ client_id, secret });

/** Adds a client to the emulator whose credentials an earlier run saved, `ageMs` milliseconds ago. */
function seedSaved(
  on = emulator,
  location: SecretLocation = repository(on),
  fields: Parameters<typeof seedEarlier>[1] = {},
  ageMs = DAY,
) {
  const seeded = seedEarlier(on, fields, { ageMs });
  const { client, plainSecrets } = seeded;
  const credentials = { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
  location.setVariable(VARIABLE, credentials.client_id, ageMs);
  location.setSecret(SECRET, credentials.secret, ageMs);
  return { ...seeded, credentials };
}

/** Returns everything that a failed step must restore, without the times of the changes. */
function contents(on = emulator, location: SecretLocation = repository(on)) {
  const clients = on.clients().map(({ update_time: _, secrets = [], ...client }) => ({
    ...client,
    secrets: secrets.map(({ id, status }) => ({ id, status })),
  }));
  const variables = [...location.variables].map(([name, { value }]) => [name, value]);
  return { clients, variables, secrets: [...location.secrets] };
}

function expectNoSecrets(on: Emulator, ...runs: Outcome[]): void {
  for (const run of runs)
    for (const secret of [on.github.token, ...secretsOf(on)]) expect(readable(run)).not.toContain(secret);
}

const LOCATIONS: [string, Inputs, (on: Emulator) => SecretLocation, string][] = [
  ['the repository', { save_to: 'repository' }, repository, '/api/v3/repos/acme/inventory-service/actions/'],
  [
    'an environment',
    { save_to: 'environment', environment: 'preview/pr-7' },
    (on) => repository(on).addEnvironment('preview/pr-7'),
    '/api/v3/repos/acme/inventory-service/environments/preview%2Fpr-7',
  ],
];

describe('credentials', () => {
  it.each(LOCATIONS)('are saved in %s, and nowhere else', async (_, inputs, locationOf, prefix) => {
    const location = locationOf(emulator);
    const run = await saveWith(inputs);
    expect([errors(run), run.exitCode, run.outputs.result]).toEqual([[], 0, 'created']);
    // The emulator opened the sealed box with libsodium.
    expect(keptIn(location)).toEqual(credentialsOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    const paths = emulator.requests.map(({ path }) => path).filter((path) => path.startsWith('/api/v3'));
    for (const path of paths) expect(path.startsWith(prefix)).toBe(true);
    const inRepository = [...repository(emulator).variables, ...repository(emulator).secrets];
    expect(inRepository).toHaveLength(inputs.save_to === 'repository' ? 2 : 0);
    expect(run.log).toContain(`Saved the pair as variable ${VARIABLE} and secret ${SECRET} of `);
    expect(run.summary).toContain(SECRET);
    expectNoSecrets(emulator, run);
    const before = emulator.requests.length;
    const post = await run.post();
    expect([post.exitCode, post.stdout, operations(before)]).toEqual([0, '', []]);
  });

  it.each(LOCATIONS)('are rotated in %s: the same client, the new secret', async (_, inputs, locationOf) => {
    const location = locationOf(emulator);
    const first = await saveWith(inputs);
    const from = emulator.requests.length;
    const second = await saveWith(inputs);
    expect([errors(second), second.outputs.result, second.outputs.client_id]).toEqual([
      [],
      'rotated',
      first.outputs.client_id,
    ]);
    expect(keptIn(location)).toEqual(credentialsOf(second));
    // The variable is not written, because it has the id already.
    expect(changes(from)).toEqual(['addSecret', 'putActionsSecret']);
    expect([await credentialsWork(emulator, first.outputs), await credentialsWork(emulator, second.outputs)]).toEqual([
      true,
      true,
    ]);
  });

  it('are saved under the names that were asked for', async () => {
    const location = repository(emulator);
    const run = await saveWith({ save_as: 'deploy_m2m' });
    expect(errors(run)).toEqual([]);
    expect(location.variables.get('DEPLOY_M2M_CLIENT_ID')?.value).toBe(run.outputs.client_id);
    expect(location.secrets.get('DEPLOY_M2M_CLIENT_SECRET')?.value).toBe(run.outputs.secret);
    expect([location.variables.size, location.secrets.size]).toEqual([1, 1]);
  });

  it('are replaced: the new ones are saved before the old client is deleted', async () => {
    const { client } = seedSaved();
    const run = await saveWith({ on_existing: 'replace' });
    expect([errors(run), run.outputs.result]).toEqual([[], 'replaced']);
    expect(keptIn(repository(emulator))).toEqual(credentialsOf(run));
    expect(changes()).toEqual(['createClient', 'updateVariable', 'putActionsSecret', 'deleteClient']);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([run.outputs.client_id]);
    expect(run.outputs.client_id).not.toBe(client.client_id);
  });

  it('are those of the client that client_id names', async () => {
    seedSaved();
    const { client } = emulator.seed({ name: 'By hand' }, { ageMs: DAY });
    const run = await saveWith({ client_id: client.client_id });
    expect([errors(run), run.outputs.client_id]).toEqual([[], client.client_id]);
    expect(keptIn(repository(emulator))).toEqual(credentialsOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it('are masked, written down, saved and published in that order, the variable first and the secret last', async () => {
    const { client } = seedEarlier(emulator, { name: 'x' }, { ageMs: DAY });
    repository(emulator).setVariable(VARIABLE, 'm2morg_1');
    const file = path.join(folder, 'order');
    const order: string[] = [];
    let read = 0;
    const note = () => {
      const lines = readJournal(file);
      for (const { to, text } of lines.slice(read)) {
        const [secret = ''] = emulator.secrets(client.client_id).slice(1);
        if (to === 'output' && text.startsWith('secret<<')) order.push('output');
        if (to === 'state')
          order.push(text.includes('"variable"') ? 'state' : text.includes('nonce') ? '' : 'published');
        if (secret && text === `::add-mask::${secret}\n`) order.push('mask');
      }
      read = lines.length;
    };
    emulator.hold = (when, { operation }) => {
      if (!/Variable$|^put/.test(operation) || operation === 'getVariable') return;
      if (when === 'before') note();
      order.push(`${when} ${operation}`);
    };
    const run = await saveWith({}, journalTo(file));
    note();
    expect(errors(run)).toEqual([]);
    const seen = order.filter((what, at) => what !== '' && what !== order[at - 1]);
    expect(seen).toEqual([
      'mask',
      'state',
      'before updateVariable',
      'after updateVariable',
      'state',
      'published',
      'before putActionsSecret',
      'after putActionsSecret',
      'output',
    ]);
    expect(JSON.stringify(readJournal(file).filter(({ to }) => to === 'state'))).toContain('m2morg_1');
  });

  it('are saved before the old secret is retired', async () => {
    const { client } = seedSaved();
    const run = await saveWith({ keep_secrets: '1' });
    expect(errors(run)).toEqual([]);
    expect(changes()).toEqual(['addSecret', 'putActionsSecret', 'deleteSecret']);
    expect(emulator.clients()[0]?.secrets?.map(({ id }) => id)).toEqual([run.outputs.secret_id]);
    expect(run.log).toContain(`Deleted secret ${client.secrets?.[0]?.id} of client ${client.client_id}.`);
  });

  it('stay saved if the old secret cannot be retired: a warning, no failure', async () => {
    seedSaved();
    emulator.faults.add({ operation: 'deleteSecret', fault: { kind: 'status', status: 403 } });
    const run = await saveWith({ keep_secrets: '1' });
    expect([run.exitCode, warnings(run).length]).toEqual([0, 1]);
    expect(keptIn(repository(emulator))).toEqual(credentialsOf(run));
  });

  it.each(['outputs cannot be written', 'nothing fails'])('work for good if %s', async (what) => {
    // The request with the secret may have arrived, so it cannot be undone. The saved credentials must work.
    const { credentials } = seedSaved();
    const env = what === 'nothing fails' ? {} : { GITHUB_OUTPUT: '/dev/full' };
    const run = await saveWith({ keep_secrets: '1' }, { env });
    const now = keptIn(repository(emulator));
    expect([run.exitCode, now.client_id]).toEqual([what === 'nothing fails' ? 0 : 1, credentials.client_id]);
    expect((await run.post()).annotations).toEqual([]);
    expect(await credentialsWork(emulator, now as Outcome['outputs'])).toBe(true);
  });
});

const FINE_AND_CLASSIC = {
  secrets: /permission Secrets \(write\), a classic one the scope repo/,
  variables: /permission Variables \(write\), a classic one the scope repo/,
  environment: /permissions Environments \(write\) .*, a classic one the scope repo/,
};

describe('nothing at all is changed', () => {
  const ALL = { secrets: 'write', variables: 'write', environments: 'write', actions: 'read' } as const;
  const without = (permission: keyof typeof ALL) => (on: Emulator) => {
    const { [permission]: _, ...rest } = ALL;
    return { github_token: on.github.addToken(rest) };
  };
  const IN_ENVIRONMENT = { save_to: 'environment', environment: 'production' };
  const fault = (operation: Operation, fault: Fault) => (on: Emulator) => {
    on.faults.add({ operation, fault });
    return {};
  };
  const cases: [string, (on: Emulator) => Inputs, RegExp[]][] = [
    [
      'there is no such environment',
      () => ({ ...IN_ENVIRONMENT, environment: 'nowhere' }),
      [/environment "nowhere" of acme\/inventory-service: HTTP 404/, FINE_AND_CLASSIC.environment],
    ],
    ['the token is not valid', () => ({ github_token: 'ghp_expired' }), [/HTTP 401: Bad credentials\..*not valid/]],
    ['the token may not read secrets', without('secrets'), [/HTTP 403/, FINE_AND_CLASSIC.secrets]],
    ['the token may not read variables', without('variables'), [/HTTP 403/, FINE_AND_CLASSIC.variables]],
    [
      'the token is for no environments',
      (on) => ({ ...IN_ENVIRONMENT, ...without('environments')(on) }),
      [/HTTP 403/, FINE_AND_CLASSIC.environment],
    ],
    [
      'the token is GITHUB_TOKEN',
      (on) => ({ github_token: on.github.addToken({ integration: true }) }),
      [/HTTP 403: Resource not accessible by integration/, FINE_AND_CLASSIC.secrets, /GITHUB_TOKEN cannot be given it/],
    ],
    [
      'the token cannot see the repository',
      (on) => ({ github_token: on.github.addToken({ ...ALL, repositories: ['acme/other'] }) }),
      [/HTTP 404/, FINE_AND_CLASSIC.secrets],
    ],
    [
      'the rate limit ends in an hour',
      (on) => {
        on.github.rateLimit = { requests: 0, windowMs: 60 * MINUTE, kind: 'primary' };
        return {};
      },
      [/HTTP 403.* rate limit .* longer than this step may wait \(/],
    ],
    [
      'the rate limit asks for an hour',
      fault('getPublicKey', {
        kind: 'status',
        status: 429,
        headers: { 'retry-after': '3600' },
        body: { message: 'You have exceeded a secondary rate limit.' },
      }),
      [/HTTP 429.* rate limit /],
    ],
    [
      'the repository has moved',
      (on) => {
        on.github.rename(REPOSITORY, 'acme/moved');
        return {};
      },
      [/HTTP 301.*Redirects are not followed.*current name of the repository/],
    ],
    ['the key is none', fault('getPublicKey', { kind: 'body', body: 'rubbish' }), [/read the public key .*not JSON/]],
    [
      'there is no key',
      fault('getPublicKey', { kind: 'body', body: '{"key":""}' }),
      [/public key .*holds no public key/],
    ],
    [
      'the variable cannot be read',
      fault('getVariable', { kind: 'status', status: 410, body: { message: 'gone' } }),
      [/read variable SCALEKIT_M2M_CLIENT_ID .*HTTP 410: gone/],
    ],
    [
      'the secret cannot be read',
      fault('getActionsSecret', { kind: 'body', body: '[]' }),
      [/read secret SCALEKIT_M2M_CLIENT_SECRET .*not an object/],
    ],
  ];

  it.each(cases)('if %s, and the error says what is needed', async (_, arrange, messages) => {
    const location = repository(emulator);
    location.addEnvironment('production');
    const { credentials } = seedSaved(emulator, location, { scopes: ['b'] });
    const before = [emulator.clients(), contents(emulator, location)];
    const run = await saveWith({ scopes: 'a', ...arrange(emulator) });
    expect([run.exitCode, run.outputs, run.state, changes()]).toEqual([1, {}, {}, []]);
    expect(errors(run)).toHaveLength(1);
    for (const message of messages) expect(errors(run)[0]).toMatch(message);
    expect([emulator.clients(), contents(emulator, location)]).toEqual(before);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
    // A wait for the rate limit or for retries would last until the time limit of the step, two minutes.
    expect(run.milliseconds).toBeLessThan(15_000);
    expectNoSecrets(emulator, run);
  });

  it.each<[string, Inputs]>([
    ['github_token', { github_token: '' }],
    ['github_token', { github_token: 'two words' }],
    ['save_to', { save_to: 'environment' }],
    ['save_to', { lifetime: 'job' }],
    ['save_to', { save_to: 'organization' }],
    ['save_as', { save_as: '1ST' }],
    ['save_as', { save_as: 'GitHub_M2M' }],
    ['save_as', { save_as: 'A-B' }],
  ])('if the input %s is bad: %j', async (input, inputs) => {
    const run = await saveWith(inputs);
    expect([run.exitCode, emulator.requests]).toEqual([1, []]);
    expect(errors(run)).toEqual([expect.stringMatching(`^Bad input: ${input}: `)]);
  });

  it('in a dry run, which shows what would be saved', async () => {
    const { client } = seedSaved();
    const before = emulator.clients();
    const run = await saveWith({ dry_run: 'true' });
    expect([errors(run), changes(), emulator.clients()]).toEqual([[], [], before]);
    expect(run.outputs).toEqual({
      client_id: client.client_id,
      organization_id: emulator.organization.id,
      result: 'planned',
    });
    const text = `save the pair as variable ${VARIABLE} and secret ${SECRET} of ${REPOSITORY}`;
    expect([run.log, run.summary]).toEqual([expect.stringContaining(`- ${text}`), expect.stringContaining(text)]);
  });

  it('in a dry run of a token that may not write', async () => {
    const github_token = emulator.github.addToken({});
    const run = await saveWith({ dry_run: 'true', github_token });
    expect([run.exitCode, changes()]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(FINE_AND_CLASSIC.secrets);
  });
});

describe('a rate limit', () => {
  const limits = [
    { kind: 'secondary', status: 403 },
    { kind: 'secondary', status: 429 },
    { kind: 'primary', status: 403 },
  ] as const;
  for (const { kind, status } of limits)
    itWaits(`(${kind}, ${status}) that ends within the time of the step is waited for`, async () => {
      await using isolated = await another();
      isolated.github.rateLimit = { requests: 3, windowMs: 1500, kind, status };
      const run = await saveWith({}, {}, isolated);
      expect(errors(run)).toEqual([]);
      expect(keptIn(repository(isolated))).toEqual(credentialsOf(run));
      expect(isolated.requests.filter((request) => request.status === status).length).toBeGreaterThan(0);
    });
});

describe('a refusal', () => {
  const status = (status: number): Fault => ({ kind: 'status', status, body: { message: 'No.' } });

  describe.each(['nothing is', 'another set of credentials is', 'a variable alone is', 'a secret alone is'])(
    'when %s saved',
    (what) => {
      /** Adds a client that has drifted, and what is saved of another one. @returns the client's credentials */
      const arrange = (on: Emulator) => {
        const location = repository(on);
        const { client, plainSecrets } = seedEarlier(on, { scopes: ['b'] }, { ageMs: DAY });
        if (/^(another|a variable)/.test(what)) location.setVariable(VARIABLE, 'm2morg_1', DAY);
        if (/^(another|a secret)/.test(what)) location.setSecret(SECRET, 'theirs', DAY);
        return { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
      };

      it.each<[string, Operation[], number]>([
        ['variable', ['createVariable', 'updateVariable'], 403],
        ['variable', ['createVariable', 'updateVariable'], 422],
        ['secret', ['putActionsSecret'], 403],
        ['secret', ['putActionsSecret'], 404],
        ['secret', ['putActionsSecret'], 422],
      ])('of the %s (%j, %d) undoes everything, and says so', async (kind, refused, code) => {
        const credentials = arrange(emulator);
        const before = contents();
        for (const operation of refused) emulator.faults.add({ operation, fault: status(code) });
        const run = await saveWith({ scopes: 'a', keep_secrets: '1' });
        expect([run.exitCode, run.outputs, run.state.client ?? '']).toEqual([1, {}, '']);
        const [message = ''] = errors(run);
        expect(message).toMatch(
          new RegExp(`^Could not write ${kind} SCALEKIT_M2M_\\w+ of ${REPOSITORY}: HTTP ${code}: No\\.`),
        );
        if (code !== 422) expect(message).toMatch(FINE_AND_CLASSIC[kind === 'secret' ? 'secrets' : 'variables']);
        if (kind === 'secret') expect(message).toContain(`Put back variable ${VARIABLE} of ${REPOSITORY}.`);
        expect(message).toMatch(/^Removed again: secret sks_\d+ of client m2morg_\d+\.$/m);
        expect(message).toMatch(/^Restored: scopes of client m2morg_\d+\.$/m);
        expect(contents()).toEqual(before);
        expect(await credentialsWork(emulator, credentials)).toBe(true);
        const from = emulator.requests.length;
        expect([(await run.post()).stdout, operations(from)]).toEqual(['', []]);
        expectNoSecrets(emulator, run);
      });
    },
  );

  it.each<[string, Operation]>([
    ['variable', 'createVariable'],
    ['secret', 'putActionsSecret'],
  ])('of the %s leaves no new client behind', async (_, operation) => {
    emulator.faults.add({ operation, fault: status(422) });
    const run = await saveWith();
    expect([run.exitCode, run.outputs, run.state.client ?? '']).toEqual([1, {}, '']);
    expect(errors(run)[0]).toMatch(/^Removed again: client m2morg_\d+\.$/m);
    expect(contents()).toEqual({ clients: [], variables: [], secrets: [] });
  });

  it('of the secret keeps the client that was to be replaced', async () => {
    const { credentials } = seedSaved();
    const before = contents();
    emulator.faults.add({ operation: 'putActionsSecret', fault: status(403) });
    const run = await saveWith({ on_existing: 'replace' });
    expect([run.exitCode, contents()]).toEqual([1, before]);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
  });

  it.each<[string, object]>([
    ['secret', { secrets: 'read' }],
    ['variable', { variables: 'read' }],
  ])('meets a token that may read but not write the %s', async (kind, permissions) => {
    const github_token = emulator.github.addToken({ secrets: 'write', variables: 'write', ...permissions });
    const run = await saveWith({ github_token });
    expect([run.exitCode, contents()]).toEqual([1, { clients: [], variables: [], secrets: [] }]);
    expect(errors(run)[0]).toMatch(FINE_AND_CLASSIC[kind === 'secret' ? 'secrets' : 'variables']);
  });

  it('for a public key that is none comes before the secret is sent', async () => {
    const edit = (answer: object) => ({ ...answer, key: 'AAAA' });
    emulator.faults.add({ operation: 'getPublicKey', fault: { kind: 'edit', edit } });
    const run = await saveWith();
    expect([run.exitCode, contents()]).toEqual([1, { clients: [], variables: [], secrets: [] }]);
    expect(sentTo(emulator, 'putActionsSecret')).toEqual([]);
  });

  it('does not restore a variable that another run has written since', async () => {
    emulator.faults.add({ operation: 'putActionsSecret', fault: status(403) });
    emulator.hold = (when, { operation }) => {
      if (when === 'after' && operation === 'createVariable') repository(emulator).setVariable(VARIABLE, 'm2morg_2');
    };
    const run = await saveWith();
    expect([run.exitCode, contents()]).toEqual([1, { clients: [], variables: [[VARIABLE, 'm2morg_2']], secrets: [] }]);
    expect(errors(run)[0]).not.toContain('Put back');
  });

  it('whose variable cannot be put back names the call that does, and post tries again', async () => {
    seedEarlier(emulator, {}, { ageMs: DAY });
    repository(emulator).setVariable(VARIABLE, 'm2morg_1', DAY);
    emulator.faults.add(
      { operation: 'putActionsSecret', fault: status(403) },
      { operation: 'updateVariable', call: 2, fault: status(403) },
    );
    const before = contents();
    const run = await saveWith();
    const url = `${emulator.github.apiUrl}/repos/${REPOSITORY}/actions/variables/${VARIABLE}`;
    expect([run.exitCode, errors(run)[0]]).toEqual([
      1,
      expect.stringContaining(`PATCH ${url} with the value "m2morg_1"`),
    ]);
    expect(contents()).not.toEqual(before);
    const post = await run.post();
    expect([post.exitCode, post.annotations, contents()]).toEqual([0, [], before]);
  });
});

describe('a variable', () => {
  it('that somebody else makes at the same moment is changed', async () => {
    emulator.hold = (when, { operation }) => {
      if (when === 'before' && operation === 'createVariable') repository(emulator).setVariable(VARIABLE, 'm2morg_2');
    };
    const run = await saveWith();
    expect([errors(run), changes().slice(1)]).toEqual([[], ['createVariable', 'updateVariable', 'putActionsSecret']]);
    expect(keptIn(repository(emulator))).toEqual(credentialsOf(run));
  });

  it('that somebody else deletes at the same moment is made', async () => {
    repository(emulator).setVariable(VARIABLE, 'm2morg_1');
    emulator.hold = (when, { operation }) => {
      if (when === 'before' && operation === 'updateVariable') repository(emulator).variables.clear();
    };
    const run = await saveWith();
    expect([errors(run), changes().slice(1)]).toEqual([[], ['updateVariable', 'createVariable', 'putActionsSecret']]);
    expect(keptIn(repository(emulator))).toEqual(credentialsOf(run));
  });

  const unanswered: [string, Fault][] = [
    ['a reset', { kind: 'reset' }],
    ['500', { kind: 'status', status: 500 }],
    ['a response cut off', { kind: 'truncate' }],
  ];
  it.each(unanswered)('without a usable response (%s) is written again', async (_, fault) => {
    emulator.faults.add({ operation: 'createVariable', times: 1, when: 'after', fault });
    const run = await saveWith();
    expect(errors(run)).toEqual([]);
    expect(keptIn(repository(emulator))).toEqual(credentialsOf(run));
  });

  itWaits('that never arrived is a refusal, and everything is undone', async () => {
    await using isolated = await another();
    seedEarlier(isolated, {}, { ageMs: DAY });
    repository(isolated).setVariable(VARIABLE, 'm2morg_1', DAY);
    const before = contents(isolated);
    isolated.faults.add({ operation: 'updateVariable', fault: { kind: 'reset' } });
    const run = await saveWith({}, {}, isolated);
    expect([run.exitCode, run.outputs, contents(isolated)]).toEqual([1, {}, before]);
  });

  itWaits('that arrived, though no response did, is success', async () => {
    await using isolated = await another();
    repository(isolated).setVariable(VARIABLE, 'm2morg_1', DAY);
    isolated.faults.add({ operation: 'updateVariable', when: 'after', fault: { kind: 'reset' } });
    const run = await saveWith({}, {}, isolated);
    expect([errors(run), keptIn(repository(isolated))]).toEqual([[], credentialsOf(run)]);
  });
});

describe('the secret’s request', () => {
  const FAULTS: [string, Fault][] = [
    ['no response in time', { kind: 'hang' }],
    ['a reset', { kind: 'reset' }],
    ['a connection closed without a response', { kind: 'close' }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503, headers: { 'retry-after': '0' } }],
    ['408', { kind: 'status', status: 408 }],
  ];
  /** Limits the time of a step that waits for a response. A busy machine needs seconds to start a step. */
  const timeoutFor = ({ kind }: Fault): Inputs => (kind === 'hang' ? { timeout: '16' } : {});

  for (const [name, fault] of FAULTS)
    for (const when of ['before', 'after'] as const)
      itWaits(`that meets ${name}, ${when} the work, is sent again`, async () => {
        await using isolated = await another();
        const { credentials } = seedSaved(isolated);
        isolated.faults.add({ operation: 'putActionsSecret', times: 1, when, fault });
        const run = await saveWith(timeoutFor(fault), {}, isolated);
        expect([errors(run), run.exitCode, sentTo(isolated, 'putActionsSecret').length]).toEqual([[], 0, 2]);
        expect([keptIn(repository(isolated)), run.outputs.client_id]).toEqual([
          credentialsOf(run),
          credentials.client_id,
        ]);
        expect(await credentialsWork(isolated, run.outputs)).toBe(true);
      });

  const unanswered = FAULTS.slice(0, 3).flatMap(([name, fault]) =>
    [true, false].map((saved) => ({ fault, saved, of: `(${name}; ${saved ? 'an older one' : 'none'} is saved)` })),
  );
  for (const { fault, saved, of } of unanswered) {
    itWaits(`that arrived, though no response did ${of}, is success`, async () => {
      await using isolated = await another();
      if (saved) seedSaved(isolated, repository(isolated), {}, MINUTE);
      isolated.faults.add({ operation: 'putActionsSecret', when: 'after', fault });
      const run = await saveWith({ ...timeoutFor(fault), keep_secrets: '1' }, {}, isolated);
      expect([errors(run), run.exitCode]).toEqual([[], 0]);
      expect(keptIn(repository(isolated))).toEqual(credentialsOf(run));
      expect(isolated.clients().map(({ secrets }) => secrets?.map(({ id }) => id))).toEqual([[run.outputs.secret_id]]);
      expect(await credentialsWork(isolated, run.outputs)).toBe(true);
      expectNoSecrets(isolated, run);
    });

    itWaits(`that never arrived ${of} is a refusal, and everything is undone`, async () => {
      await using isolated = await another();
      if (saved) seedSaved(isolated, repository(isolated), { scopes: ['b'] }, MINUTE);
      const before = contents(isolated);
      isolated.faults.add({ operation: 'putActionsSecret', fault });
      const run = await saveWith({ ...timeoutFor(fault), scopes: 'a' }, {}, isolated);
      expect([run.exitCode, run.outputs, run.state.client ?? '', contents(isolated)]).toEqual([1, {}, '', before]);
      expect(errors(run)[0]).toMatch(/^Could not write secret .* GitHub did not take it\.$/m);
      expect((await run.post()).stdout).toBe('');
    });
  }

  itWaits('that is refused when it is retried after an unknown outcome is success if it had arrived', async () => {
    await using isolated = await another();
    seedSaved(isolated, repository(isolated), {}, MINUTE);
    isolated.faults.add(
      { operation: 'putActionsSecret', call: 1, when: 'after', fault: { kind: 'reset' } },
      { operation: 'putActionsSecret', call: 2, fault: { kind: 'status', status: 403, body: { message: 'No.' } } },
    );
    const run = await saveWith({}, {}, isolated);
    expect([errors(run), run.exitCode]).toEqual([[], 0]);
    expect(keptIn(repository(isolated))).toEqual(credentialsOf(run));
  });

  /** Returns a function that adds a fault for the reads after the secret was sent. */
  const reading = (fault: Fault) => (isolated: Emulator) =>
    isolated.faults.add({
      operation: 'getActionsSecret',
      where: () => sentTo(isolated, 'putActionsSecret').length > 0,
      fault,
    });
  const unknown: [string, 'before' | 'after', (isolated: Emulator, secret: string) => void][] = [
    ['cannot be read', 'after', reading({ kind: 'status', status: 403 })],
    ['does not say when it was written', 'after', reading({ kind: 'body', body: 'rubbish' })],
    [
      'was written in this very second',
      'before',
      (isolated, secret) => {
        // A concurrent run has saved its secret just before.
        isolated.hold = (when, { operation }) => {
          if (
            when === 'before' &&
            operation === 'getActionsSecret' &&
            sentTo(isolated, 'putActionsSecret').length === 0
          )
            repository(isolated).setSecret(SECRET, secret);
        };
      },
    ],
  ];
  for (const on_existing of ['rotate', 'replace'])
    for (const [name, when, arrange] of unknown)
      itWaits(
        `whose outcome is unknown, if the secret ${name}, keeps both secrets valid and says that the saved credentials may be mixed (${on_existing})`,
        async () => {
          await using isolated = await another();
          const { credentials } = seedSaved(isolated, repository(isolated), {}, MINUTE);
          arrange(isolated, credentials.secret);
          isolated.faults.add({ operation: 'putActionsSecret', when, fault: { kind: 'status', status: 502 } });
          const run = await saveWith({ keep_secrets: '1', on_existing }, {}, isolated);
          expect([run.exitCode, run.outputs]).toEqual([1, {}]);
          expect(errors(run)).toEqual([
            expect.stringMatching(
              /^Could not write secret .*HTTP 502.*is not known\. .* stay valid, .* saved pair may be a mixed one\.$/,
            ),
          ]);
          const from = isolated.requests.length;
          expect([(await run.post()).stdout, operations(from, isolated)]).toEqual(['', []]);
          // Both the old credentials and the new ones.
          expect(await credentialsWork(isolated, credentials)).toBe(true);
          const client_id = isolated.clients().at(-1)?.client_id ?? '';
          expect(await credentialsWork(isolated, { client_id, secret: isolated.secrets(client_id).at(-1) ?? '' })).toBe(
            true,
          );
          expect([sentTo(isolated, 'deleteSecret'), sentTo(isolated, 'deleteClient')]).toEqual([[], []]);
          expectNoSecrets(isolated, run);
          // The next run repairs it.
          isolated.faults.clear();
          isolated.hold = undefined;
          const next = await saveWith({}, {}, isolated);
          expect([errors(next), keptIn(repository(isolated))]).toEqual([[], credentialsOf(next)]);
          expect(await credentialsWork(isolated, next.outputs)).toBe(true);
        },
      );
});

/**
 * Sends main a signal before or after the server carries out the first request of an operation. After SIGINT the server
 * continues a little later, unless it hangs. After the other signals it continues when main has ended.
 * @returns the run, and the milliseconds from the signal to its end
 */
async function cutOff(
  on: Emulator,
  signal: NodeJS.Signals,
  [when, operation]: ['before' | 'after', Operation],
  inputs: Inputs = {},
  hangs = signal !== 'SIGINT',
): Promise<{ main: Executed; milliseconds: number }> {
  let kill = (_: NodeJS.Signals) => {};
  let signalled = 0;
  let held: Emulator['requests'][number] | undefined;
  const [ended, worked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  on.hold = async (moment, request) => {
    if (moment === 'after' && request === held) worked.resolve();
    if (signalled || moment !== when || request.operation !== operation) return;
    signalled = performance.now();
    held = request;
    kill(signal);
    await (hangs ? ended.promise : sleep(150));
  };
  const main = await saveWith(inputs, { onStart: (send) => (kill = send) }, on);
  const milliseconds = performance.now() - signalled;
  ended.resolve();
  if (!held) throw new Error(`Main never sent ${operation}: ${main.log}`);
  if (when === 'before') await worked.promise;
  on.hold = undefined;
  return { main, milliseconds };
}

describe.each(['rotate', 'replace', 'create'])('a run that is cut off (%s)', (scenario) => {
  const inputs = { keep_secrets: '1', ...(scenario === 'replace' ? { on_existing: 'replace' } : {}) };
  /** Adds a client, and what is saved of another one. @returns the client's credentials */
  const arrange = (on: Emulator) => {
    if (scenario === 'create') return undefined;
    const { client, plainSecrets } = seedEarlier(on, {}, { ageMs: DAY });
    repository(on).setVariable(VARIABLE, 'm2morg_1', DAY);
    repository(on).setSecret(SECRET, 'theirs', DAY);
    return { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
  };
  const variable: Operation = scenario === 'create' ? 'createVariable' : 'updateVariable';
  const moments = (['SIGKILL', 'SIGINT'] as const).flatMap((signal) =>
    (['before', 'after'] as const).map((when) => ({ signal, when, ended: signal === 'SIGINT' ? 1 : null })),
  );

  for (const { signal, when, ended } of moments) {
    itWaits(`by ${signal}, ${when} the variable is written, is undone by post`, async () => {
      await using isolated = await another();
      const credentials = arrange(isolated);
      const before = contents(isolated);
      const { main, milliseconds } = await cutOff(isolated, signal, [when, variable], inputs);
      expect([main.exitCode, main.outputs, sentTo(isolated, 'putActionsSecret')]).toEqual([ended, {}, []]);
      expect(milliseconds).toBeLessThan(4000);
      expect(errors(main)).toEqual(signal === 'SIGINT' ? [expect.stringContaining('cancelled')] : []);
      expect(contents(isolated)).not.toEqual(before);
      const post = await main.post();
      expect([post.exitCode, post.annotations, contents(isolated)]).toEqual([0, [], before]);
      expect(post.log).toContain(`Put back variable ${VARIABLE} of ${REPOSITORY}.`);
      if (credentials) expect(await credentialsWork(isolated, credentials)).toBe(true);
      expectNoSecrets(isolated, main, post);
    });

    itWaits(`by ${signal}, ${when} the secret is written, keeps the saved credentials`, async () => {
      await using isolated = await another();
      const credentials = arrange(isolated);
      const { main } = await cutOff(isolated, signal, [when, 'putActionsSecret'], inputs);
      const now = keptIn(repository(isolated));
      // After a response, the credentials are published.
      expect([main.exitCode, credentialsOf(main)]).toEqual([ended, signal === 'SIGINT' ? now : {}]);
      const from = isolated.requests.length;
      const post = await main.post();
      expect([post.stdout, operations(from, isolated)]).toEqual(['', []]);
      expect(await credentialsWork(isolated, now as Outcome['outputs'])).toBe(true);
      if (credentials) expect(await credentialsWork(isolated, credentials)).toBe(true);
      expectNoSecrets(isolated, main, post);
    });
  }

  itWaits('by SIGINT while the secret is never answered says that the saved credentials may be mixed', async () => {
    await using isolated = await another();
    const credentials = arrange(isolated);
    const { main, milliseconds } = await cutOff(isolated, 'SIGINT', ['before', 'putActionsSecret'], inputs, true);
    expect([main.exitCode, main.outputs]).toEqual([1, {}]);
    expect(errors(main)).toEqual([expect.stringMatching(/cancelled.* is not known\. .*mixed one\.$/)]);
    expect(milliseconds).toBeLessThan(7500);
    const from = isolated.requests.length;
    expect([(await main.post()).stdout, operations(from, isolated)]).toEqual(['', []]);
    expect(await credentialsWork(isolated, keptIn(repository(isolated)) as Outcome['outputs'])).toBe(true);
    if (credentials) expect(await credentialsWork(isolated, credentials)).toBe(true);
  });

  itWaits('by SIGINT while the secret is refused is undone by post', async () => {
    await using isolated = await another();
    arrange(isolated);
    const before = contents(isolated);
    for (const fault of [
      { kind: 'delay', ms: 600 },
      { kind: 'status', status: 403 },
    ] as const)
      isolated.faults.add({ operation: 'putActionsSecret', fault });
    const onStart: Step['onStart'] = async (kill) => {
      for (const end = Date.now() + 20_000; Date.now() < end; await sleep(5))
        if (sentTo(isolated, 'putActionsSecret').length > 0) break;
      kill('SIGINT');
    };
    const main = await saveWith(inputs, { onStart }, isolated);
    expect([main.exitCode, main.outputs]).toEqual([1, {}]);
    const post = await main.post();
    expect([post.exitCode, post.annotations, contents(isolated)]).toEqual([0, [], before]);
  });
});

describe('the post step of a run that was cut off between variable and secret', () => {
  const OLD = 'm2morg_1';
  const cut = (old: string | undefined = OLD) => {
    seedEarlier(emulator, {}, { ageMs: DAY });
    if (old) repository(emulator).setVariable(VARIABLE, old, DAY);
    return cutOff(emulator, 'SIGKILL', ['after', old ? 'updateVariable' : 'createVariable']);
  };
  const url = (api = emulator.github.apiUrl) => `${api}/repos/${REPOSITORY}/actions/variables/${VARIABLE}`;

  it('keeps a variable that another run has written since', async () => {
    const { main } = await cut();
    repository(emulator).setVariable(VARIABLE, 'm2morg_3');
    const post = await main.post();
    expect([post.exitCode, post.annotations, contents().variables]).toEqual([0, [], [[VARIABLE, 'm2morg_3']]]);
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it('does not recreate a variable that is gone', async () => {
    const { main } = await cut();
    repository(emulator).variables.clear();
    const post = await main.post();
    // It warns, because the variable may exist and only be invisible to the token.
    expect([post.exitCode, contents().variables, warnings(post)]).toEqual([0, [], [expect.stringContaining(url())]]);
  });

  it('keeps the credentials of another run that has saved the same client’s since', async () => {
    const { main } = await cut();
    const other = await saveWith();
    const post = await main.post();
    expect([post.exitCode, post.annotations, keptIn(repository(emulator))]).toEqual([0, [], credentialsOf(other)]);
    expect(await credentialsWork(emulator, other.outputs)).toBe(true);
  });

  it.each<[string, string | undefined, (api: string) => string]>([
    ['a PATCH', OLD, (at) => `PATCH ${at} with the value "${OLD}"`],
    ['a DELETE', undefined, (at) => `DELETE ${at}`],
  ])('warns once, with the exact call (%s), if github_token is missing', async (_, old, call) => {
    const { main } = await cut(old ?? '');
    const from = emulator.requests.length;
    const post = await main.post({ inputs: { github_token: '' } });
    expect([post.exitCode, post.annotations.length]).toEqual([0, 1]);
    expect(operations(from)).toEqual(['token', 'getClient', 'deleteSecret']);
    expect(warnings(post)).toEqual([expect.stringContaining(call(url()))]);
    // The rest of the clean-up is done nevertheless.
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it.each<[string, Fault]>([
    ['a refusal', { kind: 'status', status: 403 }],
    ['rubbish', { kind: 'body', body: '<html>' }],
  ])('never fails the job: GitHub answers with %s', async (_, fault) => {
    const { main } = await cut();
    emulator.faults.add({ operation: 'getVariable', fault });
    const post = await main.post();
    expect([post.exitCode, post.annotations.length]).toEqual([0, 1]);
    expect(warnings(post)).toEqual([expect.stringContaining(`PATCH ${url()} with the value "${OLD}"`)]);
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it('goes to the GitHub that main used, whatever the variables say since', async () => {
    await using other = await another();
    const { main } = await cut();
    const post = await main.post({ env: other.github.variables });
    expect([post.annotations, contents().variables, other.requests]).toEqual([[], [[VARIABLE, OLD]], []]);
  });

  // biome-ignore lint/suspicious/noExplicitAny: the test knows the JSON of the state.
  it.each<[string, (variable: any, other: Emulator) => void]>([
    ['another address', (variable, other) => Object.assign(variable, { api: other.github.apiUrl })],
    ['another value of before', (variable) => Object.assign(variable, { old: 'm2morg_4' })],
    ['another repository', ({ location }) => Object.assign(location, { repository: 'acme/other' })],
  ])('sends nothing if its state has %s', async (_, change) => {
    await using other = await another();
    const { main } = await cut();
    const from = emulator.requests.length;
    const state = JSON.parse(main.state.client ?? '');
    change(state.variable, other);
    const post = await main.post({ state: { client: JSON.stringify(state) } });
    expect([post.exitCode, operations(from), other.requests]).toEqual([0, [], []]);
    expect(warnings(post).length).toBe(post.annotations.length);
    expect(warnings(post)[0]).toContain(`/actions/variables/${VARIABLE}`);
    expect(warnings(post).join(' ')).not.toContain('127.0.0.1');
  });
});

describe('two runs at once', () => {
  it.each<[string, Inputs, boolean]>([
    ['the first ones', {}, false],
    ['rotate', { on_existing: 'rotate' }, true],
    ['the first ones, to reuse', { on_existing: 'reuse' }, false],
  ])('(%s) end with working credentials saved', async (_, inputs, there) => {
    if (there) seedSaved();
    const runs = await Promise.all([saveWith(inputs), saveWith(inputs)]);
    expect(runs.map((run) => [errors(run), run.exitCode])).toEqual([
      [[], 0],
      [[], 0],
    ]);
    const now = keptIn(repository(emulator));
    expect(await credentialsWork(emulator, now as Outcome['outputs'])).toBe(true);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([now.client_id]);
    expect(runs.map(({ outputs }) => outputs.secret)).toContain(now.secret);
  });
});

describe('reuse', () => {
  const reuse = (inputs: Inputs = {}, step: Step = {}) => saveWith({ on_existing: 'reuse', ...inputs }, step);

  it.each(LOCATIONS)('writes nothing if variable and secret are there, in %s', async (_, inputs, locationOf) => {
    const location = locationOf(emulator);
    const first = await reuse(inputs);
    expect([first.outputs.result, keptIn(location)]).toEqual(['created', credentialsOf(first)]);
    const [before, from] = [emulator.clients(), emulator.requests.length];
    const second = await reuse(inputs);
    expect([errors(second), second.exitCode]).toEqual([[], 0]);
    expect(second.outputs).toMatchObject({ result: 'reused', client_id: first.outputs.client_id, secret: '' });
    expect([emulator.clients(), keptIn(location)]).toEqual([before, credentialsOf(first)]);
    const writes = emulator.requests.slice(from).filter(({ method }) => method !== 'GET');
    expect(writes.map(({ operation }) => operation)).toEqual(['token']);
    expect(second.log).toContain("the pair that is saved is this client's");
    expect([second.state, (await second.post()).stdout]).toEqual([{}, '']);
  });

  it.each<[string, (location: SecretLocation) => void]>([
    ['the variable is missing', ({ variables }) => variables.clear()],
    ['the variable has another id', (location) => location.setVariable(VARIABLE, 'm2morg_1')],
    ['the secret is missing', ({ secrets }) => secrets.clear()],
    [
      'nothing is there',
      ({ variables, secrets }) => {
        variables.clear();
        secrets.clear();
      },
    ],
  ])('rotates and saves if %s', async (_, change) => {
    const { client } = seedSaved();
    const location = repository(emulator);
    change(location);
    const run = await reuse();
    expect([errors(run), run.outputs]).toEqual([
      [],
      expect.objectContaining({ result: 'rotated', client_id: client.client_id }),
    ]);
    expect(keptIn(location)).toEqual(credentialsOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    expect((await reuse()).outputs.result).toBe('reused');
  });

  it('makes and saves another if the client is gone', async () => {
    repository(emulator).setVariable(VARIABLE, 'm2morg_1', DAY);
    repository(emulator).setSecret(SECRET, 'theirs', DAY);
    const run = await reuse();
    expect([errors(run), run.outputs.result, keptIn(repository(emulator))]).toEqual([
      [],
      'created',
      credentialsOf(run),
    ]);
  });

  it('corrects what drifted and keeps what is saved', async () => {
    const { credentials } = seedSaved(emulator, repository(emulator), { scopes: ['b'] });
    const run = await reuse({ scopes: 'a' });
    expect([errors(run), run.outputs.result, changes()]).toEqual([[], 'reused', ['updateClient']]);
    expect(keptIn(repository(emulator))).toEqual(credentials);
  });

  it('says in a dry run whether it would save', async () => {
    seedSaved();
    expect((await reuse({ dry_run: 'true' })).log).toContain('- change nothing');
    repository(emulator).secrets.clear();
    expect((await reuse({ dry_run: 'true' })).log).toContain('- save the pair as ');
  });

  it('needs a token that can see whether the credentials are there', async () => {
    seedSaved();
    const run = await reuse({ github_token: emulator.github.addToken({ secrets: 'write' }) });
    expect([run.exitCode, changes()]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(FINE_AND_CLASSIC.variables);
  });
});

describe('github_token', () => {
  const forms = (token: string) => [
    token,
    encodeURIComponent(token),
    JSON.stringify(token).slice(1, -1),
    ...['', 'x', 'xx'].map((before) =>
      Buffer.from(before + token)
        .toString('base64')
        .slice(4, -4),
    ),
  ];

  it('is masked in all its forms, and nowhere to be read, also if it fails and in post', async () => {
    const token = ['ghp', 'p/+"&x'.repeat(5)].join('_');
    const body = { message: `No: ${token}`, errors: [{ message: `token ${token}` }, encodeURIComponent(token)] };
    emulator.faults.add({ operation: 'getPublicKey', fault: { kind: 'status', status: 403, body } });
    const main = await saveWith({ github_token: token });
    const post = await main.post();
    expect([main.exitCode, errors(main)[0]]).toEqual([1, expect.stringContaining('HTTP 403: No: ***')]);
    for (const run of [main, post])
      for (const form of forms(token)) {
        expect(readable(run)).not.toContain(form);
        expect(run.log).not.toContain(form);
      }
    for (const form of forms(token)) expect(main.masks.some((mask) => mask.includes(form))).toBe(true);
  });

  it('is masked before anything else is printed, also if it is not needed', async () => {
    const { github_token = '' } = savingIn(emulator);
    const run = await runAction(emulator, { inputs: { github_token } });
    expect([errors(run), emulator.requests.filter(({ path }) => path.startsWith('/api/v3'))]).toEqual([[], []]);
    expect(run.masks).toContain(github_token);
    expect(run.stdout.indexOf('::debug::')).toBeGreaterThan(run.stdout.indexOf(`::add-mask::${github_token}`));
  });

  it('is masked by post, which sends it once more', async () => {
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'createVariable']);
    const post = await main.post();
    expect(post.masks).toContain(emulator.github.token);
    expectNoSecrets(emulator, main, post);
  });
});

describe('GitHub’s API', () => {
  it('is where GITHUB_API_URL says, and neither side ever sees what belongs to the other', async () => {
    await using github = await another();
    const step: Step = { env: github.github.variables };
    const inputs = { ...savingIn(github), access_token: 'true' };
    const runs = [await saveWith(inputs, step), await saveWith(inputs, step)];
    expect(runs.map((run) => errors(run))).toEqual([[], []]);
    expect(keptIn(repository(github))).toEqual(credentialsOf(runs[1] as Outcome));
    expect([contents().variables, github.clients()]).toEqual([[], []]);
    expect(github.requests.every(({ path }) => path.startsWith(`/api/v3/repos/${REPOSITORY}/`))).toBe(true);
    expect(emulator.requests.some(({ path }) => path.startsWith('/api/v3'))).toBe(false);
    const whole = (on: Emulator) => JSON.stringify(on.requests.map(({ path, headers, text }) => [path, headers, text]));
    for (const secret of secretsOf(emulator)) expect(whole(github)).not.toContain(secret);
    expect(whole(github)).not.toContain(emulator.credentials.clientId);
    expect(whole(emulator)).not.toContain(github.github.token);
  });

  it.each(['http://github.example', 'ftp://github.example', 'not a url', 'https://user:word@github.example'])(
    'is never asked if the address is bad: %s',
    async (GITHUB_API_URL) => {
      const run = await saveWith({}, { env: { GITHUB_API_URL } });
      expect([run.exitCode, emulator.requests]).toEqual([1, []]);
      expect(errors(run)).toEqual([expect.stringMatching(/^Bad input: GITHUB_API_URL: /)]);
    },
  );

  it.each<Operation>(['getPublicKey', 'getVariable', 'createVariable', 'putActionsSecret'])(
    'is never followed elsewhere: %s',
    async (operation) => {
      await using other = await another();
      for (const status of [301, 307]) {
        emulator.faults.clear();
        const location = `${other.github.apiUrl}/repos/${REPOSITORY}/actions`;
        emulator.faults.add({ operation, fault: { kind: 'redirect', status, location } });
        const run = await saveWith();
        expect([run.exitCode, run.outputs]).toEqual([1, {}]);
        expect(errors(run)[0]).toContain(`HTTP ${status}. Redirects are not followed`);
        expect([contents().clients, contents().secrets]).toEqual([[], []]);
      }
      expect(other.requests).toEqual([]);
    },
  );

  itWaits('is not waited for beyond the time of the step', async () => {
    await using isolated = await another();
    isolated.faults.add({ operation: 'getPublicKey', fault: { kind: 'hang' } });
    const run = await saveWith({ timeout: '10' }, {}, isolated);
    expect([run.exitCode, changes(0, isolated)]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(/no answer within \d.*GITHUB_API_URL/);
    expect(run.milliseconds).toBeLessThan(10_500);
  });
});
