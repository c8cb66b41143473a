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

// The pair is kept in GitHub Actions: a variable with the client's id, and a secret.

type Inputs = Record<string, string>;
type Place = Pick<ReturnType<Emulator['github']['repository']>, 'variables' | 'secrets' | 'setVariable' | 'setSecret'>;

const OWN = RUNNER_VARIABLES.GITHUB_REPOSITORY;
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
 * A test that waits for seconds: all of these run beside each other before the others do, each with an emulator of its
 * own. `it.concurrent` would not do, since the emulator imports in the middle of a test what it needs for GitHub, and
 * Jest forbids that as soon as one of the tests under way has ended.
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

/** An emulator for a test that waits for seconds beside others. */
async function another(options: EmulatorOptions = {}): Promise<Emulator & AsyncDisposable> {
  const started = await startEmulator(options);
  return Object.assign(started, { [Symbol.asyncDispose]: () => started.close() });
}

const repository = ({ github }: Emulator) => github.repository(OWN);
const saveWith = (inputs: Inputs = {}, step: Step = {}, on = emulator) =>
  runAction(on, { ...step, inputs: { ...savingIn(on), ...inputs } });
const operations = (from = 0, on = emulator) => on.requests.slice(from).map(({ operation }) => operation);
const changes = (from = 0, on = emulator) => operations(from, on).filter((operation) => CHANGES.includes(operation));
/** What a place keeps, as the outputs of a step name it. */
const keptIn = ({ variables, secrets }: Place) => ({
  client_id: variables.get(VARIABLE)?.value,
  secret: secrets.get(SECRET)?.value,
});
const pairOf = ({ outputs: { client_id, secret } }: Outcome) => ({ client_id, secret });

/** A client that an earlier run made and saved, so many milliseconds ago. */
function seedSaved(
  on = emulator,
  location: Place = repository(on),
  fields: Parameters<typeof seedEarlier>[1] = {},
  ageMs = DAY,
) {
  const seeded = seedEarlier(on, fields, { ageMs });
  const { client, plainSecrets } = seeded;
  const pair = { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
  location.setVariable(VARIABLE, pair.client_id, ageMs);
  location.setSecret(SECRET, pair.secret, ageMs);
  return { ...seeded, pair };
}

/** All that a failed step must leave as it was, without the times at which it was changed and changed back. */
function contents(on = emulator, location: Place = repository(on)) {
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

const PLACES: [string, Inputs, (on: Emulator) => Place, string][] = [
  ['the repository', { save_to: 'repository' }, repository, '/api/v3/repos/acme/inventory-service/actions/'],
  [
    'an environment',
    { save_to: 'environment', environment: 'preview/pr-7' },
    (on) => repository(on).addEnvironment('preview/pr-7'),
    '/api/v3/repos/acme/inventory-service/environments/preview%2Fpr-7',
  ],
];

describe('a pair', () => {
  it.each(PLACES)('is saved in %s, and nowhere else', async (_, inputs, placeOf, prefix) => {
    const location = placeOf(emulator);
    const run = await saveWith(inputs);
    expect([errors(run), run.exitCode, run.outputs.result]).toEqual([[], 0, 'created']);
    // Libsodium opened the box.
    expect(keptIn(location)).toEqual(pairOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    const paths = emulator.requests.map(({ path }) => path).filter((path) => path.startsWith('/api/v3'));
    for (const path of paths) expect(path.startsWith(prefix)).toBe(true);
    const repositorysOwn = [...repository(emulator).variables, ...repository(emulator).secrets];
    expect(repositorysOwn).toHaveLength(inputs.save_to === 'repository' ? 2 : 0);
    expect(run.log).toContain(`Saved the pair as variable ${VARIABLE} and secret ${SECRET} of `);
    expect(run.summary).toContain(SECRET);
    expectNoSecrets(emulator, run);
    const before = emulator.requests.length;
    const post = await run.post();
    expect([post.exitCode, post.stdout, operations(before)]).toEqual([0, '', []]);
  });

  it.each(PLACES)('is rotated in %s: the same client, the new secret', async (_, inputs, placeOf) => {
    const location = placeOf(emulator);
    const first = await saveWith(inputs);
    const from = emulator.requests.length;
    const second = await saveWith(inputs);
    expect([errors(second), second.outputs.result, second.outputs.client_id]).toEqual([
      [],
      'rotated',
      first.outputs.client_id,
    ]);
    expect(keptIn(location)).toEqual(pairOf(second));
    // The variable says it already.
    expect(changes(from)).toEqual(['addSecret', 'putActionsSecret']);
    expect([await credentialsWork(emulator, first.outputs), await credentialsWork(emulator, second.outputs)]).toEqual([
      true,
      true,
    ]);
  });

  it('is saved under the names that were asked for', async () => {
    const location = repository(emulator);
    const run = await saveWith({ save_as: 'deploy_m2m' });
    expect(errors(run)).toEqual([]);
    expect(location.variables.get('DEPLOY_M2M_CLIENT_ID')?.value).toBe(run.outputs.client_id);
    expect(location.secrets.get('DEPLOY_M2M_CLIENT_SECRET')?.value).toBe(run.outputs.secret);
    expect([location.variables.size, location.secrets.size]).toEqual([1, 1]);
  });

  it('is replaced: the new one is saved before the old client goes', async () => {
    const { client } = seedSaved();
    const run = await saveWith({ on_existing: 'replace' });
    expect([errors(run), run.outputs.result]).toEqual([[], 'replaced']);
    expect(keptIn(repository(emulator))).toEqual(pairOf(run));
    expect(changes()).toEqual(['createClient', 'updateVariable', 'putActionsSecret', 'deleteClient']);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([run.outputs.client_id]);
    expect(run.outputs.client_id).not.toBe(client.client_id);
  });

  it('is that of the client that client_id names', async () => {
    seedSaved();
    const { client } = emulator.seed({ name: 'By hand' }, { ageMs: DAY });
    const run = await saveWith({ client_id: client.client_id });
    expect([errors(run), run.outputs.client_id]).toEqual([[], client.client_id]);
    expect(keptIn(repository(emulator))).toEqual(pairOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it('is masked, written down, saved and published in that order, the variable first and the secret last', async () => {
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

  it('retires the old secret only when the new one is saved', async () => {
    const { client } = seedSaved();
    const run = await saveWith({ keep_secrets: '1' });
    expect(errors(run)).toEqual([]);
    expect(changes()).toEqual(['addSecret', 'putActionsSecret', 'deleteSecret']);
    expect(emulator.clients()[0]?.secrets?.map(({ id }) => id)).toEqual([run.outputs.secret_id]);
    expect(run.log).toContain(`Deleted secret ${client.secrets?.[0]?.id} of client ${client.client_id}.`);
  });

  it('stays saved where the old secret cannot be retired: a warning, no failure', async () => {
    seedSaved();
    emulator.faults.add({ operation: 'deleteSecret', fault: { kind: 'status', status: 403 } });
    const run = await saveWith({ keep_secrets: '1' });
    expect([run.exitCode, warnings(run).length]).toEqual([0, 1]);
    expect(keptIn(repository(emulator))).toEqual(pairOf(run));
  });

  it.each(['outputs cannot be written', 'nothing'])('works for good where %s', async (what) => {
    // From a request that may have arrived there is no way back.
    const { pair } = seedSaved();
    const env = what === 'nothing' ? {} : { GITHUB_OUTPUT: '/dev/full' };
    const run = await saveWith({ keep_secrets: '1' }, { env });
    const now = keptIn(repository(emulator));
    expect([run.exitCode, now.client_id]).toEqual([what === 'nothing' ? 0 : 1, pair.client_id]);
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
        on.github.rename(OWN, 'acme/moved');
        return {};
      },
      [/HTTP 301.*Redirects are not followed.*name that the repository has today/],
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

  it.each(cases)('where %s, and the error says what is needed', async (_, arrange, messages) => {
    const location = repository(emulator);
    location.addEnvironment('production');
    const { pair } = seedSaved(emulator, location, { scopes: ['b'] });
    const before = [emulator.clients(), contents(emulator, location)];
    const run = await saveWith({ scopes: 'a', ...arrange(emulator) });
    expect([run.exitCode, run.outputs, run.state, changes()]).toEqual([1, {}, {}, []]);
    expect(errors(run)).toHaveLength(1);
    for (const message of messages) expect(errors(run)[0]).toMatch(message);
    expect([emulator.clients(), contents(emulator, location)]).toEqual(before);
    expect(await credentialsWork(emulator, pair)).toBe(true);
    expect(run.milliseconds).toBeLessThan(4000);
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
  ])('where the input %s is bad: %j', async (input, inputs) => {
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
    const text = `save the pair as variable ${VARIABLE} and secret ${SECRET} of ${OWN}`;
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
      await using own = await another();
      own.github.rateLimit = { requests: 3, windowMs: 1500, kind, status };
      const run = await saveWith({}, {}, own);
      expect(errors(run)).toEqual([]);
      expect(keptIn(repository(own))).toEqual(pairOf(run));
      expect(own.requests.filter((request) => request.status === status).length).toBeGreaterThan(0);
    });
});

describe('a refusal', () => {
  const status = (status: number): Fault => ({ kind: 'status', status, body: { message: 'No.' } });

  describe.each(['nothing is', 'another pair is', 'a variable alone is', 'a secret alone is'])(
    'where %s saved',
    (what) => {
      /** A client that drifted, and what is saved of it or another one. */
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
        const pair = arrange(emulator);
        const before = contents();
        for (const operation of refused) emulator.faults.add({ operation, fault: status(code) });
        const run = await saveWith({ scopes: 'a', keep_secrets: '1' });
        expect([run.exitCode, run.outputs, run.state.client ?? '']).toEqual([1, {}, '']);
        const [message = ''] = errors(run);
        expect(message).toMatch(
          new RegExp(`^Could not write ${kind} SCALEKIT_M2M_\\w+ of ${OWN}: HTTP ${code}: No\\.`),
        );
        if (code !== 422) expect(message).toMatch(FINE_AND_CLASSIC[kind === 'secret' ? 'secrets' : 'variables']);
        if (kind === 'secret') expect(message).toContain(`Put back variable ${VARIABLE} of ${OWN}.`);
        expect(message).toMatch(/^Removed again: secret sks_\d+ of client m2morg_\d+\.$/m);
        expect(message).toMatch(/^Restored: scopes of client m2morg_\d+\.$/m);
        expect(contents()).toEqual(before);
        expect(await credentialsWork(emulator, pair)).toBe(true);
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

  it('of the secret leaves the client that was to be replaced', async () => {
    const { pair } = seedSaved();
    const before = contents();
    emulator.faults.add({ operation: 'putActionsSecret', fault: status(403) });
    const run = await saveWith({ on_existing: 'replace' });
    expect([run.exitCode, contents()]).toEqual([1, before]);
    expect(await credentialsWork(emulator, pair)).toBe(true);
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

  it('leaves the variable to whoever wrote it since', async () => {
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
    const url = `${emulator.github.apiUrl}/repos/${OWN}/actions/variables/${VARIABLE}`;
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
    expect(keptIn(repository(emulator))).toEqual(pairOf(run));
  });

  it('that somebody else deletes at the same moment is made', async () => {
    repository(emulator).setVariable(VARIABLE, 'm2morg_1');
    emulator.hold = (when, { operation }) => {
      if (when === 'before' && operation === 'updateVariable') repository(emulator).variables.clear();
    };
    const run = await saveWith();
    expect([errors(run), changes().slice(1)]).toEqual([[], ['updateVariable', 'createVariable', 'putActionsSecret']]);
    expect(keptIn(repository(emulator))).toEqual(pairOf(run));
  });

  const lost: [string, Fault][] = [
    ['a reset', { kind: 'reset' }],
    ['500', { kind: 'status', status: 500 }],
    ['an answer cut off', { kind: 'truncate' }],
  ];
  it.each(lost)('whose answer is lost (%s) is written again', async (_, fault) => {
    emulator.faults.add({ operation: 'createVariable', times: 1, when: 'after', fault });
    const run = await saveWith();
    expect(errors(run)).toEqual([]);
    expect(keptIn(repository(emulator))).toEqual(pairOf(run));
  });

  itWaits('that never arrived is a refusal, and everything is undone', async () => {
    await using own = await another();
    seedEarlier(own, {}, { ageMs: DAY });
    repository(own).setVariable(VARIABLE, 'm2morg_1', DAY);
    const before = contents(own);
    own.faults.add({ operation: 'updateVariable', fault: { kind: 'reset' } });
    const run = await saveWith({}, {}, own);
    expect([run.exitCode, run.outputs, contents(own)]).toEqual([1, {}, before]);
  });

  itWaits('that arrived, though all its answers are lost, is success', async () => {
    await using own = await another();
    repository(own).setVariable(VARIABLE, 'm2morg_1', DAY);
    own.faults.add({ operation: 'updateVariable', when: 'after', fault: { kind: 'reset' } });
    const run = await saveWith({}, {}, own);
    expect([errors(run), keptIn(repository(own))]).toEqual([[], pairOf(run)]);
  });
});

describe('the secret’s request', () => {
  const FAULTS: [string, Fault][] = [
    ['no answer in time', { kind: 'hang' }],
    ['a reset', { kind: 'reset' }],
    ['a connection closed without an answer', { kind: 'close' }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503, headers: { 'retry-after': '0' } }],
    ['408', { kind: 'status', status: 408 }],
  ];
  /** No more than it takes to see an answer that is late, since a busy machine needs seconds to start a step. */
  const timeoutFor = ({ kind }: Fault): Inputs => (kind === 'hang' ? { timeout: '16' } : {});

  for (const [name, fault] of FAULTS)
    for (const when of ['before', 'after'] as const)
      itWaits(`that meets ${name}, ${when} the work, is sent again`, async () => {
        await using own = await another();
        const { pair } = seedSaved(own);
        own.faults.add({ operation: 'putActionsSecret', times: 1, when, fault });
        const run = await saveWith(timeoutFor(fault), {}, own);
        expect([errors(run), run.exitCode, sentTo(own, 'putActionsSecret').length]).toEqual([[], 0, 2]);
        expect([keptIn(repository(own)), run.outputs.client_id]).toEqual([pairOf(run), pair.client_id]);
        expect(await credentialsWork(own, run.outputs)).toBe(true);
      });

  const lost = FAULTS.slice(0, 3).flatMap(([name, fault]) =>
    [true, false].map((saved) => ({ fault, saved, of: `(${name}; ${saved ? 'an older one' : 'none'} is saved)` })),
  );
  for (const { fault, saved, of } of lost) {
    itWaits(`that arrived, though all its answers are lost ${of}, is success`, async () => {
      await using own = await another();
      if (saved) seedSaved(own, repository(own), {}, MINUTE);
      own.faults.add({ operation: 'putActionsSecret', when: 'after', fault });
      const run = await saveWith({ ...timeoutFor(fault), keep_secrets: '1' }, {}, own);
      expect([errors(run), run.exitCode]).toEqual([[], 0]);
      expect(keptIn(repository(own))).toEqual(pairOf(run));
      expect(own.clients().map(({ secrets }) => secrets?.map(({ id }) => id))).toEqual([[run.outputs.secret_id]]);
      expect(await credentialsWork(own, run.outputs)).toBe(true);
      expectNoSecrets(own, run);
    });

    itWaits(`that never arrived ${of} is a refusal, and everything is undone`, async () => {
      await using own = await another();
      if (saved) seedSaved(own, repository(own), { scopes: ['b'] }, MINUTE);
      const before = contents(own);
      own.faults.add({ operation: 'putActionsSecret', fault });
      const run = await saveWith({ ...timeoutFor(fault), scopes: 'a' }, {}, own);
      expect([run.exitCode, run.outputs, run.state.client ?? '', contents(own)]).toEqual([1, {}, '', before]);
      expect(errors(run)[0]).toMatch(/^Could not write secret .* GitHub did not take it\.$/m);
      expect((await run.post()).stdout).toBe('');
    });
  }

  itWaits('that is refused when it is sent again after a lost answer is success where it had arrived', async () => {
    await using own = await another();
    seedSaved(own, repository(own), {}, MINUTE);
    own.faults.add(
      { operation: 'putActionsSecret', call: 1, when: 'after', fault: { kind: 'reset' } },
      { operation: 'putActionsSecret', call: 2, fault: { kind: 'status', status: 403, body: { message: 'No.' } } },
    );
    const run = await saveWith({}, {}, own);
    expect([errors(run), run.exitCode]).toEqual([[], 0]);
    expect(keptIn(repository(own))).toEqual(pairOf(run));
  });

  /** Of the reads that come after the secret was sent. */
  const reading = (fault: Fault) => (own: Emulator) =>
    own.faults.add({
      operation: 'getActionsSecret',
      where: () => sentTo(own, 'putActionsSecret').length > 0,
      fault,
    });
  const unknown: [string, 'before' | 'after', (own: Emulator, secret: string) => void][] = [
    ['cannot be read', 'after', reading({ kind: 'status', status: 403 })],
    ['does not say when it was written', 'after', reading({ kind: 'body', body: 'rubbish' })],
    [
      'was written in this very second',
      'before',
      (own, secret) => {
        // As if a neighbour had saved its own just before.
        own.hold = (when, { operation }) => {
          if (when === 'before' && operation === 'getActionsSecret' && sentTo(own, 'putActionsSecret').length === 0)
            repository(own).setSecret(SECRET, secret);
        };
      },
    ],
  ];
  for (const on_existing of ['rotate', 'replace'])
    for (const [name, when, arrange] of unknown)
      itWaits(
        `whose answers are all lost, where the secret ${name}, leaves both pairs valid and says that the saved one may be mixed (${on_existing})`,
        async () => {
          await using own = await another();
          const { pair } = seedSaved(own, repository(own), {}, MINUTE);
          arrange(own, pair.secret);
          own.faults.add({ operation: 'putActionsSecret', when, fault: { kind: 'status', status: 502 } });
          const run = await saveWith({ keep_secrets: '1', on_existing }, {}, own);
          expect([run.exitCode, run.outputs]).toEqual([1, {}]);
          expect(errors(run)).toEqual([
            expect.stringMatching(
              /^Could not write secret .*HTTP 502.*is not known\. .* stay valid, .* saved pair may be a mixed one\.$/,
            ),
          ]);
          const from = own.requests.length;
          expect([(await run.post()).stdout, operations(from, own)]).toEqual(['', []]);
          // The pair of before and the new one.
          expect(await credentialsWork(own, pair)).toBe(true);
          const client_id = own.clients().at(-1)?.client_id ?? '';
          expect(await credentialsWork(own, { client_id, secret: own.secrets(client_id).at(-1) ?? '' })).toBe(true);
          expect([sentTo(own, 'deleteSecret'), sentTo(own, 'deleteClient')]).toEqual([[], []]);
          expectNoSecrets(own, run);
          // The next run mends it.
          own.faults.clear();
          own.hold = undefined;
          const next = await saveWith({}, {}, own);
          expect([errors(next), keptIn(repository(own))]).toEqual([[], pairOf(next)]);
          expect(await credentialsWork(own, next.outputs)).toBe(true);
        },
      );
});

/**
 * Sends main a signal before or after the server has done the first request of an operation, and tells how long it took
 * to end. After SIGINT the server
 * goes on a little later, where it does not hang; after the others when main has ended.
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
  /** A client of before, and what is saved of another one. */
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
      await using own = await another();
      const pair = arrange(own);
      const before = contents(own);
      const { main, milliseconds } = await cutOff(own, signal, [when, variable], inputs);
      expect([main.exitCode, main.outputs, sentTo(own, 'putActionsSecret')]).toEqual([ended, {}, []]);
      expect(milliseconds).toBeLessThan(4000);
      expect(errors(main)).toEqual(signal === 'SIGINT' ? [expect.stringContaining('cancelled')] : []);
      expect(contents(own)).not.toEqual(before);
      const post = await main.post();
      expect([post.exitCode, post.annotations, contents(own)]).toEqual([0, [], before]);
      expect(post.log).toContain(`Put back variable ${VARIABLE} of ${OWN}.`);
      if (pair) expect(await credentialsWork(own, pair)).toBe(true);
      expectNoSecrets(own, main, post);
    });

    itWaits(`by ${signal}, ${when} the secret is written, leaves the pair that is saved`, async () => {
      await using own = await another();
      const pair = arrange(own);
      const { main } = await cutOff(own, signal, [when, 'putActionsSecret'], inputs);
      const now = keptIn(repository(own));
      // What was answered is handed out.
      expect([main.exitCode, pairOf(main)]).toEqual([ended, signal === 'SIGINT' ? now : {}]);
      const from = own.requests.length;
      const post = await main.post();
      expect([post.stdout, operations(from, own)]).toEqual(['', []]);
      expect(await credentialsWork(own, now as Outcome['outputs'])).toBe(true);
      if (pair) expect(await credentialsWork(own, pair)).toBe(true);
      expectNoSecrets(own, main, post);
    });
  }

  itWaits('by SIGINT while the secret is never answered says that the saved pair may be mixed', async () => {
    await using own = await another();
    const pair = arrange(own);
    const { main, milliseconds } = await cutOff(own, 'SIGINT', ['before', 'putActionsSecret'], inputs, true);
    expect([main.exitCode, main.outputs]).toEqual([1, {}]);
    expect(errors(main)).toEqual([expect.stringMatching(/cancelled.* is not known\. .*mixed one\.$/)]);
    expect(milliseconds).toBeLessThan(7500);
    const from = own.requests.length;
    expect([(await main.post()).stdout, operations(from, own)]).toEqual(['', []]);
    expect(await credentialsWork(own, keptIn(repository(own)) as Outcome['outputs'])).toBe(true);
    if (pair) expect(await credentialsWork(own, pair)).toBe(true);
  });

  itWaits('by SIGINT while the secret is refused is undone by post', async () => {
    await using own = await another();
    arrange(own);
    const before = contents(own);
    for (const fault of [
      { kind: 'delay', ms: 600 },
      { kind: 'status', status: 403 },
    ] as const)
      own.faults.add({ operation: 'putActionsSecret', fault });
    const onStart: Step['onStart'] = async (kill) => {
      for (const end = Date.now() + 20_000; Date.now() < end; await sleep(5))
        if (sentTo(own, 'putActionsSecret').length > 0) break;
      kill('SIGINT');
    };
    const main = await saveWith(inputs, { onStart }, own);
    expect([main.exitCode, main.outputs]).toEqual([1, {}]);
    const post = await main.post();
    expect([post.exitCode, post.annotations, contents(own)]).toEqual([0, [], before]);
  });
});

describe('the post step of a run that was cut off between variable and secret', () => {
  const OLD = 'm2morg_1';
  const cut = (old: string | undefined = OLD) => {
    seedEarlier(emulator, {}, { ageMs: DAY });
    if (old) repository(emulator).setVariable(VARIABLE, old, DAY);
    return cutOff(emulator, 'SIGKILL', ['after', old ? 'updateVariable' : 'createVariable']);
  };
  const url = (api = emulator.github.apiUrl) => `${api}/repos/${OWN}/actions/variables/${VARIABLE}`;

  it('leaves a variable that somebody else has written since', async () => {
    const { main } = await cut();
    repository(emulator).setVariable(VARIABLE, 'm2morg_3');
    const post = await main.post();
    expect([post.exitCode, post.annotations, contents().variables]).toEqual([0, [], [[VARIABLE, 'm2morg_3']]]);
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it('leaves a variable alone that is gone', async () => {
    const { main } = await cut();
    repository(emulator).variables.clear();
    const post = await main.post();
    // Or the token may not see it any more.
    expect([post.exitCode, contents().variables, warnings(post)]).toEqual([0, [], [expect.stringContaining(url())]]);
  });

  it('leaves the pair of another run that has saved the same client’s since', async () => {
    const { main } = await cut();
    const other = await saveWith();
    const post = await main.post();
    expect([post.exitCode, post.annotations, keptIn(repository(emulator))]).toEqual([0, [], pairOf(other)]);
    expect(await credentialsWork(emulator, other.outputs)).toBe(true);
  });

  it.each<[string, string | undefined, (api: string) => string]>([
    ['a PATCH', OLD, (at) => `PATCH ${at} with the value "${OLD}"`],
    ['a DELETE', undefined, (at) => `DELETE ${at}`],
  ])('warns once, with the exact call (%s), where github_token is lost', async (_, old, call) => {
    const { main } = await cut(old ?? '');
    const from = emulator.requests.length;
    const post = await main.post({ inputs: { github_token: '' } });
    expect([post.exitCode, post.annotations.length]).toEqual([0, 1]);
    expect(operations(from)).toEqual(['token', 'getClient', 'deleteSecret']);
    expect(warnings(post)).toEqual([expect.stringContaining(call(url()))]);
    // The rest is done all the same.
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

  // biome-ignore lint/suspicious/noExplicitAny: a state's JSON is what the test knows it to be.
  it.each<[string, (variable: any, other: Emulator) => void]>([
    ['another address', (variable, other) => Object.assign(variable, { api: other.github.apiUrl })],
    ['another value of before', (variable) => Object.assign(variable, { old: 'm2morg_4' })],
    ['another repository', ({ place: location }) => Object.assign(location, { repository: 'acme/other' })],
  ])('sends nothing where its state has %s', async (_, change) => {
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
  ])('(%s) leave one working pair saved', async (_, inputs, there) => {
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

  it.each(PLACES)('writes nothing where variable and secret are there, in %s', async (_, inputs, placeOf) => {
    const location = placeOf(emulator);
    const first = await reuse(inputs);
    expect([first.outputs.result, keptIn(location)]).toEqual(['created', pairOf(first)]);
    const [before, from] = [emulator.clients(), emulator.requests.length];
    const second = await reuse(inputs);
    expect([errors(second), second.exitCode]).toEqual([[], 0]);
    expect(second.outputs).toMatchObject({ result: 'reused', client_id: first.outputs.client_id, secret: '' });
    expect([emulator.clients(), keptIn(location)]).toEqual([before, pairOf(first)]);
    const writes = emulator.requests.slice(from).filter(({ method }) => method !== 'GET');
    expect(writes.map(({ operation }) => operation)).toEqual(['token']);
    expect(second.log).toContain("the pair that is saved is this client's");
    expect([second.state, (await second.post()).stdout]).toEqual([{}, '']);
  });

  it.each<[string, (location: Place) => void]>([
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
  ])('rotates and saves where %s', async (_, change) => {
    const { client } = seedSaved();
    const location = repository(emulator);
    change(location);
    const run = await reuse();
    expect([errors(run), run.outputs]).toEqual([
      [],
      expect.objectContaining({ result: 'rotated', client_id: client.client_id }),
    ]);
    expect(keptIn(location)).toEqual(pairOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    expect((await reuse()).outputs.result).toBe('reused');
  });

  it('makes and saves another where the client is gone', async () => {
    repository(emulator).setVariable(VARIABLE, 'm2morg_1', DAY);
    repository(emulator).setSecret(SECRET, 'theirs', DAY);
    const run = await reuse();
    expect([errors(run), run.outputs.result, keptIn(repository(emulator))]).toEqual([[], 'created', pairOf(run)]);
  });

  it('corrects what drifted and leaves what is saved', async () => {
    const { pair } = seedSaved(emulator, repository(emulator), { scopes: ['b'] });
    const run = await reuse({ scopes: 'a' });
    expect([errors(run), run.outputs.result, changes()]).toEqual([[], 'reused', ['updateClient']]);
    expect(keptIn(repository(emulator))).toEqual(pair);
  });

  it('says in a dry run whether it would save', async () => {
    seedSaved();
    expect((await reuse({ dry_run: 'true' })).log).toContain('- change nothing');
    repository(emulator).secrets.clear();
    expect((await reuse({ dry_run: 'true' })).log).toContain('- save the pair as ');
  });

  it('needs a token that can see whether the pair is there', async () => {
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

  it('is masked in all its forms, and nowhere to be read, also where it fails and in post', async () => {
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

  it('is masked before anything else is printed, also where it is not needed', async () => {
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
    expect(keptIn(repository(github))).toEqual(pairOf(runs[1] as Outcome));
    expect([contents().variables, github.clients()]).toEqual([[], []]);
    expect(github.requests.every(({ path }) => path.startsWith(`/api/v3/repos/${OWN}/`))).toBe(true);
    expect(emulator.requests.some(({ path }) => path.startsWith('/api/v3'))).toBe(false);
    const whole = (on: Emulator) => JSON.stringify(on.requests.map(({ path, headers, text }) => [path, headers, text]));
    for (const secret of secretsOf(emulator)) expect(whole(github)).not.toContain(secret);
    expect(whole(github)).not.toContain(emulator.credentials.clientId);
    expect(whole(emulator)).not.toContain(github.github.token);
  });

  it.each(['http://github.example', 'ftp://github.example', 'not a url', 'https://user:word@github.example'])(
    'is never asked where the address is bad: %s',
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
        const location = `${other.github.apiUrl}/repos/${OWN}/actions`;
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
    await using own = await another();
    own.faults.add({ operation: 'getPublicKey', fault: { kind: 'hang' } });
    const run = await saveWith({ timeout: '10' }, {}, own);
    expect([run.exitCode, changes(0, own)]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(/no answer within \d.*GITHUB_API_URL/);
    expect(run.milliseconds).toBeLessThan(10_500);
  });
});
