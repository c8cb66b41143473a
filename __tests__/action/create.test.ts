import { writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { credentialsWork, readable, runAction, secretsOf } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { expectSucceeded } from '../support/outcomes.ts';
import { readRecording, recordTo } from '../support/recording.ts';
import { operationsOf, sentTo } from '../support/requests.ts';

// A step that creates a client: what it sends, masks, outputs, logs and summarizes.

const emulator = useEmulator();
const inFolder = useFolder();

const MARKER_LINE =
  /\n\[scalekit-organization-client v1 key:[\w-]{16} repo:740123456 by:740123456 run:17345678901\.1 lifetime:persistent nonce:[\w-]{16}\]$/;

const base64 = (text: string) => Buffer.from(text).toString('base64');

it('outputs the credentials of a new client, which get a token, and masks the secret', async () => {
  const run = await runAction(emulator, {
    inputs: { scopes: 'deploy:applications read:deployments', audience: 'api.acme.example' },
  });
  expectSucceeded(run);
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

it('signs in with a form, and names its version and the run in each request', async () => {
  await runAction(emulator, { inputs: { lifetime: 'job', verify: 'false' } });
  expect(operationsOf(emulator)).toEqual(['token', 'createClient']);
  expect(emulator.requests[0]?.body).toEqual({
    grant_type: 'client_credentials',
    client_id: emulator.credentials.clientId,
    client_secret: emulator.credentials.clientSecret,
  });
  for (const { headers } of emulator.requests)
    expect(headers['user-agent']).toMatch(/^scalekit-organization-client\/\d+\.\d+\.\d+ \(run 17345678901\.1\)$/);
});

it('sends only a name, an ownership marker and claims about the repository if no input describes the client', async () => {
  await runAction(emulator);
  expect(sentTo(emulator, 'createClient')[0]?.body).toEqual({
    name: 'GitHub Actions: acme/inventory-service',
    description: expect.stringMatching(MARKER_LINE),
    custom_claims: [
      { key: 'github_repository', value: 'acme/inventory-service' },
      { key: 'github_repository_id', value: '740123456' },
    ],
  });
});

it('sends every field that an input describes', async () => {
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
  expect(sentTo(emulator, 'createClient')[0]?.body).toEqual({
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

it('writes the state before it sends the create request, masks the secret before it writes the id, and sets outputs last', async () => {
  const recording = inFolder('recording');
  writeFileSync(recording, '');
  let beforeCreate: string[] = [];
  emulator.hold = (when, { operation }) => {
    if (when === 'before' && operation === 'createClient')
      beforeCreate = readRecording(recording).flatMap(({ to, text }) => (to === 'state' ? [text] : []));
  };
  const run = await runAction(emulator, recordTo(recording));
  const secret = run.outputs.secret ?? '';
  const id = run.outputs.client_id ?? '';
  expect(beforeCreate).toEqual([
    expect.not.stringContaining('"sent_at"'),
    expect.stringMatching(/"nonce":"[\w-]{16}".*"client":\{"sent_at":\d+,"sent_again":false\}/),
  ]);

  const steps = readRecording(recording).map(({ to, text }) => {
    if (to === 'state' && text.includes('"sent_at"')) return text.includes(id) ? 'id' : 'intent';
    if (to === 'state') return text.includes('"counter":1,') ? 'begin' : 'published';
    if (to === 'output') return 'output';
    return text === `::add-mask::${secret}\n` ? 'mask' : 'other';
  });
  const order = steps.filter((step) => step !== 'other').filter((step, at, all) => step !== all[at - 1]);
  expect(order).toEqual(['begin', 'intent', 'mask', 'id', 'output', 'published']);
});

it('shows no secret or token in the log, the summary or the state with debug logging on, and masks all of them', async () => {
  const run = await runAction(emulator);
  const secrets = secretsOf(emulator);
  expect(secrets).toHaveLength(3);
  for (const secret of secrets) {
    expect(readable(run)).not.toContain(secret);
    const isToken = secret.startsWith('eyJ');
    const alignments = (isToken ? [''] : ['', 'x', 'xx']).map((before) => base64(before + secret).slice(4, -4));
    const forms = [secret, ...alignments];
    expect(forms.filter((form) => !run.masks.some((mask) => mask.includes(form)))).toEqual([]);
  }
  // Ids are not masked.
  expect(run.masks.join('\n')).not.toContain('m2morg_');
});

it('sends at most 60 mask commands if it creates a client with the ID token and outputs the access token', async () => {
  const env = emulator.github.idTokenVariables;
  const run = await runAction(emulator, { inputs: { access_token: 'true' }, env });
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(emulator.github.idTokens).toHaveLength(1);
  expect(run.masks.length).toBeLessThanOrEqual(60);
  expect(new Set(run.masks).size).toBe(run.masks.length);
});

it('sends the mask commands in an order in which a runner that prints them shows no part of a secret', async () => {
  const env = emulator.github.idTokenVariables;
  const run = await runAction(emulator, { inputs: { access_token: 'true' }, env });
  const known: string[] = [];
  const printed = run.masks.map((mask) => {
    known.push(mask);
    return known.reduce((line, other) => line.replaceAll(other, '***'), mask);
  });
  expect(printed.filter((line) => line !== '***')).toEqual([]);
  const secrets = [...secretsOf(emulator), run.outputs.access_token ?? ''];
  // The header and the claims of a JWT are public. Only its signature makes it a token.
  for (const secret of secrets.map((value) => (value.startsWith('eyJ') ? (value.split('.')[2] ?? '') : value)))
    for (const text of [secret, base64(secret)])
      for (let start = 0; start + 12 <= text.length; start++)
        expect(printed.join('\n')).not.toContain(text.slice(start, start + 12));
});

it('creates the client of a job with a token expiry of one hour, and logs two lines and, with debug logging, each request', async () => {
  const run = await runAction(emulator, { inputs: { lifetime: 'job' } });
  expect(sentTo(emulator, 'createClient')[0]?.body).toMatchObject({
    expiry: 3600,
    description: expect.stringContaining(' lifetime:job '),
  });
  expect(run.log.trim().split('\n')).toEqual([
    expect.stringMatching(/^Claims about the repository come from the runner's variables/),
    expect.stringMatching(/^Debug: POST \/oauth\/token 200 \d+ ms attempt 1$/),
    expect.stringMatching(/^Debug: POST \/api\/v1\/organizations\/org_\d+\/clients 201 \d+ ms attempt 1$/),
    expect.stringMatching(/^Debug: POST \/oauth\/token 200 \d+ ms attempt 1$/),
    `Created client ${run.outputs.client_id} "GitHub Actions: acme/inventory-service #17345678901.1" in organization ${emulator.organization.id}; it is deleted when the job ends.`,
  ]);
});

it('summarizes the new client in a table with only the end of the secret', async () => {
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

it('escapes and shortens what a user wrote in the summary, and prints no text of a user as a command', async () => {
  const run = await runAction(emulator, {
    inputs: {
      name: 'a|b <img src=x> `c` @octocat \u001b[31m ##[set-output name=secret]x',
      custom_claims: JSON.stringify({
        long: 'x'.repeat(5000),
        command: 'a\n::set-output name=secret::x\n::stop-commands::y',
      }),
    },
  });
  expectSucceeded(run);
  expect(run.summary).toContain('<code>a|b &lt;img src=x&gt; `c` @octocat  [31m ## [set-output name=secret]x</code>');
  expect(run.summary.length).toBeLessThan(2500);
  expect(run.summary).not.toMatch(/^::/m);
  expect(run.stdout).not.toMatch(/^\s*::(set-output|stop-commands)|##\[/m);
  for (const text of [run.summary, run.stdout]) expect(text).not.toContain('\u001b');
  expect(run.outputs.secret).toBe(emulator.secrets()[0]);
});

it.each([
  { what: 'is on a full disk', file: '/dev/full' },
  { what: 'is not set', file: undefined },
])('outputs the credentials without a warning if the file for the summary $what', async ({ file }) => {
  const run = await runAction(emulator, { env: { GITHUB_STEP_SUMMARY: file } });
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(run.outputs.secret).toBe(emulator.secrets()[0]);
});

it("identifies the repository by its name with a notice if the runner does not know the repository's id", async () => {
  const run = await runAction(emulator, { env: { GITHUB_REPOSITORY_ID: undefined } });
  expectSucceeded(run);
  expect(run.annotations).toEqual([{ kind: 'notice', message: expect.stringContaining('GITHUB_REPOSITORY_ID') }]);
  expect(emulator.clients()[0]?.description).toMatch(/ repo:[\w-]{16} by:[\w-]{16} /);
});

it('reads the environment, the credentials and the organization from variables if no input is given', async () => {
  const run = await runAction(emulator, {
    inputs: { scalekit_environment_url: '', scalekit_client_id: '', scalekit_client_secret: '', organization_id: '' },
    env: emulator.variables,
  });
  expect(run).toMatchObject({ exitCode: 0, outputs: { organization_id: emulator.organization.id } });
});

it('warns if code from outside the repository triggered the run', async () => {
  const run = await runAction(emulator, {
    env: { GITHUB_EVENT_NAME: 'pull_request_target' },
    event: { pull_request: { head: { repo: { full_name: 'mallory/inventory-service' } } } },
  });
  expectSucceeded(run);
  expect(run.annotations).toEqual([{ kind: 'warning', message: expect.stringContaining('Code from outside') }]);
});
