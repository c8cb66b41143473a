import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import {
  credentialsWork,
  errors,
  journalTo,
  readable,
  readJournal,
  runAction,
  secretsOf,
  sentTo,
} from '../support/action.ts';

let emulator: Emulator;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'create-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  await emulator?.close();
  emulator = await startEmulator();
});
afterAll(() => emulator.close());

const MARKER_LINE =
  /\n\[scalekit-organization-client v1 key:[\w-]{16} repo:740123456 by:740123456 run:17345678901\.1 lifetime:persistent nonce:[\w-]{16}\]$/;

describe('a step that names an organization', () => {
  it('ends with credentials that get a token, and the secret masked', async () => {
    const run = await runAction(emulator, {
      inputs: { scopes: 'deploy:applications read:deployments', audience: 'api.acme.example' },
    });
    expect(errors(run)).toEqual([]);
    expect(run.exitCode).toBe(0);
    const [client] = emulator.clients();
    expect(run.outputs).toEqual({
      client_id: client?.client_id,
      secret: emulator.secrets(client?.client_id)[0],
      secret_id: client?.secrets?.[0]?.id,
      organization_id: emulator.organization.id,
      result: 'created',
    });
    expect(run.masks).toContain(run.outputs.secret);
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  it('signs in with a form and creates the client of a job with two requests on one connection', async () => {
    await runAction(emulator, { inputs: { lifetime: 'job', verify: 'false' } });
    const { clientId, clientSecret } = emulator.credentials;
    const base = `/api/v1/organizations/${emulator.organization.id}/clients`;
    expect(emulator.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /oauth/token',
      `POST ${base}`,
    ]);
    expect(emulator.requests[0]?.body).toEqual({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    });
    expect(emulator.requests.map(({ headers }) => headers['user-agent'])).toEqual(
      Array(2).fill(expect.stringMatching(/^scalekit-organization-client\/\d+\.\d+\.\d+ \(run 17345678901\.1\)$/)),
    );
    expect(emulator.connections).toBe(1);
  });

  it('looks first, and then, at the same time, for concurrent runs and for a token', async () => {
    await runAction(emulator);
    const sent = emulator.requests.map(({ operation }) => operation);
    expect(sent.slice(0, 3)).toEqual(['token', 'listClients', 'createClient']);
    expect(sent.slice(3).sort()).toEqual(['listClients', 'token']);
  });

  it('sends what was asked for, and nothing that was not', async () => {
    await runAction(emulator);
    expect(sentTo(emulator, 'createClient')[0]?.body).toEqual({
      name: 'GitHub Actions: acme/inventory-service',
      description: expect.stringMatching(MARKER_LINE),
      custom_claims: [
        { key: 'github_repository', value: 'acme/inventory-service' },
        { key: 'github_repository_id', value: '740123456' },
      ],
    });
    await runAction(emulator, {
      inputs: {
        name: 'Deployer',
        description: 'Deploys\nthe shop',
        scopes: '["deploy:applications"]',
        audience: 'https://api.acme.example/a,b https://api.acme.example',
        custom_claims: 'team=platform\nquery=a=b',
        repository_claims: 'github_repository_owner environment',
        environment: 'production',
        expiry: '600',
      },
    });
    expect(sentTo(emulator, 'createClient')[1]?.body).toEqual({
      name: 'Deployer',
      description: expect.stringMatching(new RegExp(`^Deploys\nthe shop${MARKER_LINE.source}`)),
      scopes: ['deploy:applications'],
      audience: ['https://api.acme.example/a', 'b', 'https://api.acme.example'],
      custom_claims: [
        { key: 'github_repository_owner', value: 'acme' },
        { key: 'environment', value: 'production' },
        { key: 'team', value: 'platform' },
        { key: 'query', value: 'a=b' },
      ],
      expiry: 600,
    });
  });

  it('gives a client that lives as long as the job tokens of an hour', async () => {
    await runAction(emulator, { inputs: { lifetime: 'job' } });
    expect(sentTo(emulator, 'createClient')[0]?.body).toMatchObject({
      expiry: 3600,
      description: expect.stringContaining(' lifetime:job '),
    });
  });

  it('writes its intent down before the create is sent, masks before the id is known, publishes last', async () => {
    const journal = path.join(folder, 'order');
    writeFileSync(journal, '');
    let beforeCreate: string[] = [];
    emulator.hold = (when, { operation }) => {
      if (when === 'before' && operation === 'createClient')
        beforeCreate = readJournal(journal).flatMap(({ to, text }) => (to === 'state' ? [text] : []));
    };
    const run = await runAction(emulator, journalTo(journal));
    const secret = run.outputs.secret ?? '';
    const id = run.outputs.client_id ?? '';
    expect(beforeCreate).toEqual([
      expect.not.stringContaining('"sent_at"'),
      expect.stringMatching(/"nonce":"[\w-]{16}".*"client":\{"sent_at":\d+,"sent_again":false\}/),
    ]);

    const steps = readJournal(journal).map(({ to, text }) => {
      if (to === 'state' && text.includes('"sent_at"')) return text.includes(id) ? 'id' : 'intent';
      if (to === 'state') return text.includes('"counter":1,') ? 'begin' : 'published';
      if (to === 'output') return 'output';
      return text === `::add-mask::${secret}\n` ? 'mask' : 'other';
    });
    const order = steps.filter((step) => step !== 'other').filter((step, at, all) => step !== all[at - 1]);
    expect(order).toEqual(['begin', 'intent', 'mask', 'id', 'output', 'published']);
  });

  it('shows no secret, token or credential anywhere, with debug logging on', async () => {
    const run = await runAction(emulator);
    const secrets = secretsOf(emulator);
    expect(secrets).toHaveLength(3);
    for (const secret of secrets) {
      expect(readable(run)).not.toContain(secret);
      const isToken = secret.startsWith('eyJ');
      const alignments = (isToken ? [''] : ['', 'x', 'xx']).map((before) =>
        Buffer.from(before + secret)
          .toString('base64')
          .slice(4, -4),
      );
      for (const form of [secret, ...alignments]) expect(run.masks.some((mask) => mask.includes(form))).toBe(true);
    }
    expect(run.masks.join('\n')).not.toContain('m2morg_');
  });

  it('masks with at most 60 commands, even if the ID token gives the claims and the access token is an output', async () => {
    const env = emulator.github.idTokenVariables;
    const run = await runAction(emulator, { inputs: { access_token: 'true' }, env });
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.github.idTokens).toHaveLength(1);
    expect(run.masks.length).toBeLessThanOrEqual(60);
    expect(new Set(run.masks).size).toBe(run.masks.length);
  });

  it('sends masks in an order in which a runner that echoes them shows nothing', async () => {
    const env = emulator.github.idTokenVariables;
    const run = await runAction(emulator, { inputs: { access_token: 'true' }, env });
    const known: string[] = [];
    const echoed = run.masks.map((mask) => {
      known.push(mask);
      return known.reduce((line, other) => line.replaceAll(other, '***'), mask);
    });
    expect(echoed.filter((line) => line !== '***')).toEqual([]);
    const secrets = [...secretsOf(emulator), run.outputs.access_token ?? ''];
    // The header and the claims of a JWT are public. Only its signature makes it a token.
    for (const secret of secrets.map((value) => (value.startsWith('eyJ') ? (value.split('.')[2] ?? '') : value)))
      for (const text of [secret, Buffer.from(secret).toString('base64')])
        for (let start = 0; start + 12 <= text.length; start++)
          expect(echoed.join('\n')).not.toContain(text.slice(start, start + 12));
  });

  it('logs two lines, and with debug logging one for each request', async () => {
    const run = await runAction(emulator, { inputs: { lifetime: 'job' } });
    const lines = run.log.trim().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^Claims about the repository come from the runner's variables/),
      expect.stringMatching(/^Debug: POST \/oauth\/token 200 \d+ ms attempt 1$/),
      expect.stringMatching(/^Debug: POST \/api\/v1\/organizations\/org_\d+\/clients 201 \d+ ms attempt 1$/),
      expect.stringMatching(/^Debug: POST \/oauth\/token 200 \d+ ms attempt 1$/),
      `Created client ${run.outputs.client_id} "GitHub Actions: acme/inventory-service #17345678901.1" in organization ${emulator.organization.id}; it is deleted when the job ends.`,
    ]);
  });

  it('summarizes the client in a table, without the secret', async () => {
    const run = await runAction(emulator, {
      inputs: { scopes: 'read:a write:b', audience: 'aud', environment: 'production', expiry: '900', lifetime: 'job' },
    });
    const cells = [...run.summary.matchAll(/<tr><th>(.*?)<\/th><td>(.*?)<\/td><\/tr>/g)].map(([, title, value]) => [
      title,
      value?.replace(/<\/?code>/g, ''),
    ]);
    expect(Object.fromEntries(cells)).toEqual({
      Result: 'created',
      Client: run.outputs.client_id,
      Secret: run.outputs.secret_id,
      Organization: emulator.organization.id,
      Name: 'GitHub Actions: acme/inventory-service (production) #17345678901.1',
      Scopes: 'read:a<br>write:b',
      Audience: 'aud',
      Claims: 'github_repository=acme/inventory-service<br>github_repository_id=740123456<br>environment=production',
      'Token expiry': '900 seconds',
      'Secret ends with': run.outputs.secret?.slice(-4),
      Lifetime: 'job: the client is deleted when the job ends',
      Run: '<a href="https://github.com/acme/inventory-service/actions/runs/17345678901/attempts/1">17345678901.1</a>',
    });
  });

  it('escapes what a user wrote, cuts what is long, and lets no text become a command', async () => {
    const run = await runAction(emulator, {
      inputs: {
        name: 'a|b <img src=x> `c` @octocat \u001b[31m ##[set-output name=secret]x',
        custom_claims: JSON.stringify({
          long: 'x'.repeat(5000),
          command: 'a\n::set-output name=secret::x\n::stop-commands::y',
        }),
      },
    });
    expect(run.exitCode).toBe(0);
    expect(run.summary).toContain('<code>a|b &lt;img src=x&gt; `c` @octocat  [31m ## [set-output name=secret]x</code>');
    expect(run.summary.length).toBeLessThan(2500);
    expect(run.summary).not.toMatch(/^::/m);
    expect(run.stdout).not.toMatch(/^\s*::(set-output|stop-commands)|##\[/m);
    for (const text of [run.summary, run.stdout]) expect(text).not.toContain('\u001b');
    expect(run.outputs.secret).toBe(emulator.secrets()[0]);
  });

  it.each([
    ['missing', () => path.join(folder, 'no-such-file')],
    ['full', () => '/dev/full'],
    ['a folder', () => folder],
    ['not set', () => undefined],
  ])('ends well if the summary file is %s', async (_, file) => {
    const run = await runAction(emulator, { env: { GITHUB_STEP_SUMMARY: file() } });
    expect(run.exitCode).toBe(0);
    expect(run.annotations).toEqual([]);
    expect(run.outputs.secret).toBe(emulator.secrets()[0]);
  });

  it('goes by the name of the repository, with a notice, if the runner knows no id', async () => {
    const run = await runAction(emulator, { env: { GITHUB_REPOSITORY_ID: undefined } });
    expect(run.exitCode).toBe(0);
    expect(run.annotations).toEqual([{ kind: 'notice', message: expect.stringContaining('GITHUB_REPOSITORY_ID') }]);
    expect(emulator.clients()[0]?.description).toMatch(/ repo:[\w-]{16} by:[\w-]{16} /);
  });

  it('takes what it needs from the variables if no input is given', async () => {
    const run = await runAction(emulator, {
      inputs: { scalekit_environment_url: '', scalekit_client_id: '', scalekit_client_secret: '', organization_id: '' },
      env: emulator.variables,
    });
    expect(run.exitCode).toBe(0);
    expect(run.outputs.organization_id).toBe(emulator.organization.id);
  });

  it('warns a run that code from outside triggered', async () => {
    const run = await runAction(emulator, {
      env: { GITHUB_EVENT_NAME: 'pull_request_target' },
      event: { pull_request: { head: { repo: { full_name: 'mallory/inventory-service' } } } },
    });
    expect(run.exitCode).toBe(0);
    expect(run.annotations).toEqual([{ kind: 'warning', message: expect.stringContaining('Code from outside') }]);
  });
});

describe('whatever way the API chooses if its documentation is silent', () => {
  it.each([
    ['success is always 200', { status: 'ok' }],
    ['a response does not contain the expiry', { expiryInAnswer: false }],
    ['empty fields are written', { emptyFields: 'written' }],
  ] as const)('the credentials come out when %s', async (_, behaviour) => {
    Object.assign(emulator.behaviour, behaviour);
    const run = await runAction(emulator, { inputs: { scopes: 'a', expiry: '600', lifetime: 'job' } });
    expect(errors(run)).toEqual([]);
    expect(run.outputs.secret).toBe(emulator.secrets()[0]);
    const post = await run.post();
    expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
  });
});
