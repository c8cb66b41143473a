import { expect, it } from '@jest/globals';
import { errors, notices, readable, runAction, runBare } from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';

// What people really write into inputs. __tests__/unit/inputs has tables of all forms.

const emulator = useEmulator();

const ZERO_WIDTH_SPACE = '\u200b';

it('accepts lists with comments, dashes and the line breaks of Windows, and credentials with white space', async () => {
  const { clientId, clientSecret } = emulator.credentials;
  const run = await runAction(emulator, {
    inputs: {
      scalekit_client_id: ` ${clientId}\n`,
      scalekit_client_secret: `\t${clientSecret} `,
      scopes: '\ufeff- deploy:applications\r\n# admin:everything\r\n- read:deployments\u00a0\r\n',
      custom_claims: '# who\n- team=platform\n  # what\n- cost_center=1',
    },
  });
  expectSucceeded(run);
  const [client] = emulator.clients();
  expect(client?.scopes).toEqual(['deploy:applications', 'read:deployments']);
  expect(client?.custom_claims?.slice(-2)).toEqual([
    { key: 'team', value: 'platform' },
    { key: 'cost_center', value: '1' },
  ]);
});

it('shows in a notice an invisible character in the name of an environment', async () => {
  const run = await runAction(emulator, { inputs: { environment: `prod${ZERO_WIDTH_SPACE}` } });
  expect(notices(run)).toContain('The environment holds an invisible character: "prod\\u200b".');
});

it('names all bad inputs in one error, and sends no request', async () => {
  const secret = ['not', 'so', 'secret'].join('-');
  const bad = {
    scalekit_environment_url: `http://acme.example/${secret}`,
    scalekit_client_id: 'm2morg_123',
    organization_id: 'acme',
    scopes: 'caf\u00e9',
    custom_claims: 'novalue',
    lifetime: 'forever',
    timeout: '1',
  };
  const run = await runAction(emulator, { inputs: { ...bad, scalekit_client_secret: secret } });
  expectFailed(run);
  expect(run.annotations).toHaveLength(1);
  expect(run.state).toEqual({});
  const named = errors(run)[0]?.match(/(?<=^- )\w+(?=: )/gm);
  expect(new Set(named)).toEqual(new Set(Object.keys(bad)));
  expect(readable(run)).not.toContain(secret);
  expect(emulator.requests).toEqual([]);
});

it('names the required inputs if no input is given', async () => {
  const run = await runBare({});
  const required = ['scalekit_environment_url', 'scalekit_client_id', 'scalekit_client_secret', 'organization_id'];
  expectFailed(run, ...required.map((input) => `- ${input}: is empty; expected`));
  expect(run.annotations).toHaveLength(1);
  expect(run.stderr).toBe('');
});

it('says why a credential may be empty before it sends any request', async () => {
  const run = await runAction(emulator, { inputs: { scalekit_client_secret: '' } });
  expectFailed(run, /^Bad input: scalekit_client_secret: is empty; .*name of the secret.*fork.*Dependabot/);
  expect(emulator.requests).toEqual([]);
});

it('fails before any request if the secret is an input and the URL comes from a variable', async () => {
  const run = await runAction(emulator, { inputs: { scalekit_environment_url: '' }, env: emulator.variables });
  expectFailed(run, /scalekit_environment_url: is empty while scalekit_client_secret is given.*GITHUB_ENV/);
  expect(emulator.requests).toEqual([]);
});

it('fails before any request if NODE_TLS_REJECT_UNAUTHORIZED switches certificate checks off', async () => {
  const run = await runAction(emulator, { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
  expectFailed(run, 'Bad input: NODE_TLS_REJECT_UNAUTHORIZED: ');
  expect(emulator.requests).toEqual([]);
});

it.each<{ what: string; input: string; text: string; error: string }>([
  {
    what: 'scopes have a comment on the line of an entry',
    input: 'scopes',
    text: 'a # b',
    error: 'expected comments on lines of their own (use JSON',
  },
  { what: 'environment is null', input: 'environment', text: 'null', error: 'got "null"; expected a text' },
  {
    what: 'scopes have an invisible character',
    input: 'scopes',
    text: `a${ZERO_WIDTH_SPACE}`,
    error: 'got "a\\u200b" with the invisible character \\u200b',
  },
])('fails before any request if $what', async ({ input, text, error }) => {
  const run = await runAction(emulator, { inputs: { [input]: text } });
  expectFailed(run, `Bad input: ${input}: `, error);
  expect(emulator.requests).toEqual([]);
});

it('does not show a secret that was pasted with quotes', async () => {
  const { clientSecret } = emulator.credentials;
  const run = await runAction(emulator, { inputs: { scalekit_client_secret: `"${clientSecret}"` } });
  expectFailed(run, 'scalekit_client_secret: has quotes around it; expected the secret of');
  expect(errors(run)[0]).not.toContain(clientSecret);
  expect(emulator.requests).toEqual([]);
});

/** An expression of a workflow. */
const EXPRESSION = ['$', '{ x }}'].join('{');

it.each([`${EXPRESSION}#`, `@${EXPRESSION}?`, '#', '?a=', '@'])(
  'shows no part of a secret that has %j inside and is given as several inputs',
  async (delimiters) => {
    const parts = ['s3cr3t', 'v4lue', 't41l'];
    const secret = parts.join(delimiters);
    const names = ['scalekit_client_secret', 'scalekit_environment_url', 'organization_id', 'scopes'];
    const run = await runBare({ inputs: Object.fromEntries(names.map((name) => [name, secret])) });
    expect(run.exitCode).toBe(1);
    for (const part of parts) expect(readable(run)).not.toContain(part);
  },
);

it.each<{ what: string; before: Record<string, string> }>([
  { what: 'alone', before: { organization_id: '', save_as: '', timeout: '', verify: '' } },
  { what: 'after a sign', before: { scopes: ';', custom_claims: ';', save_as: ';', repository_claims: ';' } },
  { what: 'in broken JSON', before: { scopes: '[1, "', custom_claims: '{"a": ["', audience: '[[' } },
])('does not show what looks like a secret in another input: $what', async ({ before }) => {
  const canary = ['Zq7wXv9kYj8f', 'Bq3mKx8nTw5r'].join('');
  const prefixes = ['test_', 'ghs_', 'github_pat_', 'eyJ'];
  const inputs = Object.entries(before).map(([name, text], at) => {
    return [name, `${text}${prefixes[at % prefixes.length]}${canary}.${canary}`];
  });
  const run = await runAction(emulator, { inputs: Object.fromEntries(inputs) });
  expectFailed(run);
  const named = errors(run)[0]?.match(/(?<=^- )\w+(?=: )/gm);
  expect(new Set(named)).toEqual(new Set(Object.keys(before)));
  expect(run.stdout).not.toContain('Zq7w');
});

it.each<{ of: string; action?: string; name: string; text: string; meant: string }>([
  { of: 'the main action', name: 'on-existing', text: 'reuse', meant: 'on_existing' },
  { of: 'delete/', action: 'delete', name: 'dry-run', text: 'true', meant: 'dry_run' },
  { of: 'sweep/', action: 'sweep', name: 'max-deletions', text: '5', meant: 'max_deletions' },
  { of: 'audit/', action: 'audit', name: 'max-secret-age', text: '90', meant: 'max_secret_age' },
])(
  'fails before any request if the name of an input of $of is misspelt: $name',
  async ({ action, name, text, meant }) => {
    const inputs = action === 'sweep' ? { github_token: emulator.github.token } : {};
    const env = { [`INPUT_${name.toUpperCase()}`]: text };
    const run = await runAction(emulator, { ...(action && { action }), inputs, env });
    expect(run.exitCode).toBe(1);
    expect(errors(run)).toEqual([`Bad input: ${name}: is not an input; did you mean ${meant}?`]);
    expect(emulator.requests).toEqual([]);
  },
);

it('accepts a misspelt name if it has the value of the input, as an action around this one passes it', async () => {
  const run = await runAction(emulator, { inputs: { on_existing: 'reuse' }, env: { 'INPUT_ON-EXISTING': 'reuse' } });
  expectSucceeded(run);
});

it('lists bad inputs in the order of action.yml, and then the variables of the runner', async () => {
  const inputs = { timeout: '1', scopes: 'a;b', expiry: 'x', name: 'null', organization_id: 'acme' };
  const run = await runAction(emulator, { inputs, env: { NODE_TLS_REJECT_UNAUTHORIZED: '0', INPUT_AUDIENCES: 'a' } });
  expect(errors(run)[0]?.match(/(?<=^- )[\w-]+/gm)).toEqual([
    'organization_id',
    'name',
    'scopes',
    'audiences',
    'expiry',
    'timeout',
    'NODE_TLS_REJECT_UNAUTHORIZED',
  ]);
});

it('says in a notice that the client is kept if neither lifetime nor save_to is given', async () => {
  const run = await runAction(emulator, { inputs: { lifetime: '' } });
  expectSucceeded(run);
  expect(notices(run)).toEqual([
    'This client is kept until delete/ deletes it. With lifetime: job, it is deleted when the job ends.',
  ]);
});

it('finds the organization by organization_external_id, encodes it, and ignores SCALEKIT_ORGANIZATION_ID', async () => {
  const organization_external_id = '../a/b?c#d e%20&größe';
  const { id } = emulator.addOrganization(organization_external_id);
  const run = await runAction(emulator, {
    inputs: { organization_id: '', organization_external_id },
    env: { SCALEKIT_ORGANIZATION_ID: emulator.organization.id },
  });
  expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { organization_id: id } });
  const [request] = sentTo(emulator, 'organizationByExternalId');
  expect(request?.path.split('/').at(-1)).toBe(encodeURIComponent(organization_external_id));
  expect(clientIds(emulator)).toEqual([run.outputs.client_id]);
  expect(emulator.clients(id)).toHaveLength(1);
});

it('fails with the advice to check organization_external_id if Scalekit does not know it', async () => {
  const run = await runAction(emulator, { inputs: { organization_id: '', organization_external_id: 'nobody' } });
  expectFailed(
    run,
    /^Could not find organization nobody: HTTP 404: .*Check that organization nobody exists in this environment/,
  );
  expect(run.state).toEqual({ client: '' });
  expect(operationsOf(emulator)).toEqual(['token', 'organizationByExternalId']);
});

it('fails before any request if organization_id and organization_external_id are both given', async () => {
  const run = await runAction(emulator, { inputs: { organization_external_id: 'external-1' } });
  expectFailed(run, 'organization_external_id: is given beside organization_id');
  expect(emulator.requests).toEqual([]);
});
