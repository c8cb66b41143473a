import { describe, expect, it } from '@jest/globals';
import { errors, notices, runAction, savingIn } from '../support/action.ts';
import { useEmulator } from '../support/setup.ts';

// What people really type into inputs, through the built actions.

const emulator = useEmulator();

const ZERO_WIDTH_SPACE = '\u200b';

/** Returns the client that a run with these inputs creates. */
async function created(inputs: Record<string, string>) {
  const run = await runAction(emulator, { inputs: { lifetime: 'job', ...inputs } });
  expect(errors(run)).toEqual([]);
  const client = emulator.clients().find(({ client_id }) => client_id === run.outputs.client_id);
  return { run, client };
}

describe('an input that is accepted', () => {
  it.each<[what: string, input: string, text: string]>([
    ['comments', 'scopes', 'deploy:applications\n# admin:everything\n  # and more\nread:deployments'],
    ['a YAML list', 'scopes', '- deploy:applications\n- read:deployments'],
    [
      'CRLF, a byte order mark and spaces that do not break',
      'scopes',
      '\ufeffdeploy:applications\r\n\u00a0read:deployments\u00a0\r\n',
    ],
    ['commas', 'scopes', 'deploy:applications, read:deployments'],
    ['JSON', 'scopes', '["deploy:applications", "read:deployments"]'],
  ])('has two scopes with %s', async (_, input, text) => {
    const { client } = await created({ [input]: text });
    expect(client?.scopes).toEqual(['deploy:applications', 'read:deployments']);
  });

  it('has claims with comments, as a YAML list, and with what JSON says exactly', async () => {
    const lines = await created({ custom_claims: '# who\n- team=platform\n# what\n- cost_center=1' });
    const json = await created({ custom_claims: '{"team": "a; \'b\'\\u200b", "a b": "null", "c": "x # y"}' });
    expect(claims(lines.client)).toMatchObject({ team: 'platform', cost_center: '1' });
    expect(claims(json.client)).toMatchObject({ team: `a; 'b'${ZERO_WIDTH_SPACE}`, 'a b': 'null', c: 'x # y' });
  });

  it.each(['preview/pr-7', 'My Stage', '100 %', 'прод', '👩‍💻 lab'])(
    'is an environment named %j',
    async (environment) => {
      const { run, client } = await created({ environment });
      expect(claims(client)).toMatchObject({ environment });
      expect(notices(run).filter((notice) => notice.includes('invisible'))).toEqual([]);
    },
  );

  it('is an environment with an invisible character, with a notice that shows it', async () => {
    const { run } = await created({ environment: `prod${ZERO_WIDTH_SPACE}` });
    expect(notices(run)).toContain('The environment holds an invisible character: "prod\\u200b".');
  });

  it('is a credential with white space around it', async () => {
    const { clientId, clientSecret } = emulator.credentials;
    await created({ scalekit_client_id: ` ${clientId}\n`, scalekit_client_secret: `\t${clientSecret} ` });
  });
});

function claims(client: Awaited<ReturnType<typeof created>>['client']): Record<string, unknown> {
  return Object.fromEntries((client?.custom_claims ?? []).map(({ key = '', value }) => [key, value]));
}

describe('an input that was probably meant otherwise', () => {
  const json = (sample: string) => `\\(to keep it, use JSON: ${sample}\\)`;
  const list = json('\\["…"\\]');
  const object = json('\\{"…": "…"\\}');

  it.each<[input: string, text: string, error: string]>([
    ['scopes', ', ,', 'holds no entries'],
    ['scopes', '# admin:everything', 'holds nothing but comments'],
    ['custom_claims', '# a=b\n#c=d', 'holds nothing but comments'],
    ['scopes', 'deploy:applications # admin:everything', 'expected comments on lines of their own \\(use JSON'],
    ['audience', 'a # b', 'expected comments on lines of their own'],
    ['repository_claims', 'github_sha # b', 'expected comments on lines of their own'],
    ['custom_claims', 'team=a # b', 'expected comments on lines of their own'],
    ['scopes', 'a\n- b', 'expected a dash in front of every line, or none'],
    ['scopes', "'a', 'b'", `got the entry "'a'"; expected the text without quotes ${list}`],
    ['audience', '"a"', `the text without quotes ${list}`],
    ['audience', '“a”', `the text without quotes ${list}`],
    ['scopes', 'a;b', `got the entry "a;b"; expected the text without a semicolon ${list}`],
    ['audience', 'null', `got the entry "null"; expected a text ${list}`],
    ['audience', 'undefined', 'expected a text'],
    ['audience', '{}', 'got the object {}; expected a JSON array'],
    ['custom_claims', 'team=null', `got the value "null"; expected a text ${object}`],
    ['custom_claims', 'team="platform"', `the text without quotes ${object}`],
    ['custom_claims', '- team=a\ncost_center=1', `a dash in front of every line, or none ${object}`],
    ['custom_claims', '{"team": 1.10}', 'quote numbers that are not whole'],
    ['custom_claims', 'team=platform，cost_center=1', 'expected one key=value a line'],
    ['custom_claims', 'team=platform, cost_center=1', 'expected one key=value a line'],
    ['custom_claims', 'my team=platform', 'got the key "my team"; expected one without white space'],
    ['custom_claims', 'team: a=b', 'got the key "team: a"; expected one without white space'],
    ['environment', 'null', 'got "null"; expected a text'],
    ['environment', '""', 'expected a text'],
    ['name', '[object Object]', 'got "\\[object Object\\]"; expected a text'],
    ['scopes', `deploy${ZERO_WIDTH_SPACE}`, 'got "deploy\\\\u200b" with the invisible character \\\\u200b'],
    ['organization_id', `org_1${ZERO_WIDTH_SPACE}2`, 'with the invisible character \\\\u200b'],
    ['organization_id', 'null', 'got "null"; expected the id of an organization'],
    ['save_as', 'null', 'got "null"; expected letters'],
    ['scalekit_environment_url', 'null', 'got "null", which is not a URL'],
    ['scalekit_environment_url', 'https://{}.example', 'which is not a URL'],
    ['scalekit_client_id', '***', 'holds a placeholder'],
    ['scalekit_client_id', 'skc_1 2', 'holds characters that no id has'],
    ['scalekit_client_secret', 'null', 'holds a placeholder'],
    ['repository_claims', 'sha, ref', 'Did you mean github_sha, github_ref\\?'],
    ['client_id', 'skc_1', 'skc_… is scalekit_client_id'],
    ['scalekit_client_id', 'm2morg_1', "an organization client; expected the environment's API credentials"],
    ['scalekit_client_id', '"skc_1"', 'has quotes around it; expected the id of'],
    ['scalekit_client_secret', 'skc_1', 'holds an id \\(skc_…\\); expected the secret of'],
    [
      'custom_claims',
      '{\n  "a": "b",\n}',
      'got broken JSON at line 3, column 1, near "\\{\\\\n  \\\\"a\\\\": \\\\"b\\\\",\\\\n\\}"',
    ],
  ])('is refused before any request is sent: %s: %j', async (input, text, error) => {
    const run = await runAction(emulator, { inputs: { [input]: text } });
    expect(errors(run)[0]).toMatch(new RegExp(`^(Bad input: |\\d+ bad inputs:\n- )${input}: .*${error}`, 's'));
    expect({ exitCode: run.exitCode, requests: emulator.requests }).toEqual({ exitCode: 1, requests: [] });
  });

  it.each([
    ['has quotes around it', (secret: string) => `"${secret}"`],
    ['has a name and "=" in front of it', (secret: string) => `SCALEKIT_CLIENT_SECRET=${secret}`],
    ['holds the invisible character \\u200b', (secret: string) => `${secret}${ZERO_WIDTH_SPACE}`],
  ])('is a secret that %s, and the error does not show it', async (problem, change) => {
    const scalekit_client_secret = change(emulator.credentials.clientSecret);
    const run = await runAction(emulator, { inputs: { scalekit_client_secret } });
    expect(errors(run)[0]).toContain(`scalekit_client_secret: ${problem}; expected the secret of`);
    expect(errors(run)[0]).not.toContain(emulator.credentials.clientSecret);
    expect(emulator.requests).toEqual([]);
  });

  it.each([
    ['organization_id', ''],
    ['scopes', ';'],
    ['scopes', '[1, "'],
    ['scopes', '[['],
    ['custom_claims', '{"a": ["'],
    ['save_as', ';'],
    ['timeout', ''],
    ['verify', ''],
  ])('is in %s, after %j, what looks like a secret, and the error does not show it', async (input, before) => {
    const canary = ['Zq7wXv9kYj8f', 'Bq3mKx8nTw5r'].join('');
    for (const prefix of ['test_', 'ghs_', 'github_pat_', 'eyJ']) {
      const run = await runAction(emulator, { inputs: { [input]: `${before}${prefix}${canary}.${canary}` } });
      expect(errors(run)).toHaveLength(1);
      expect(run.stdout).not.toContain('Zq7w');
    }
  });
});

describe('the name of an input', () => {
  it.each<[action: string, name: string, text: string, meant: string]>([
    ['', 'on-existing', 'reuse', 'on_existing'],
    ['', 'scope', 'deploy:applications', 'scopes'],
    ['', 'onExisting', 'reuse', 'on_existing'],
    ['', 'keep_secrts', '1', 'keep_secrets'],
    ['delete', 'dry-run', 'true', 'dry_run'],
    ['sweep', 'max-deletions', '5', 'max_deletions'],
    ['audit', 'max-secret-age', '90', 'max_secret_age'],
  ])('is refused by the action %j if it is misspelt: %s', async (action, name, text, meant) => {
    const inputs = action === 'sweep' ? { github_token: emulator.github.token } : {};
    const env = { [`INPUT_${name.toUpperCase()}`]: text };
    const run = await runAction(emulator, { ...(action && { action }), inputs, env });
    expect(errors(run)).toEqual([`Bad input: ${name.toLowerCase()}: is not an input; did you mean ${meant}?`]);
    expect({ exitCode: run.exitCode, requests: emulator.requests }).toEqual({ exitCode: 1, requests: [] });
  });

  it('may be that of an input around the action, with the same value', async () => {
    const run = await runAction(emulator, { inputs: { on_existing: 'reuse' }, env: { 'INPUT_ON-EXISTING': 'reuse' } });
    expect(errors(run)).toEqual([]);
  });
});

describe('bad inputs', () => {
  it('are listed in the order of action.yml, and the ones of the runner after them', async () => {
    const inputs = { timeout: '1', scopes: 'a;b', expiry: 'x', name: 'null', organization_id: 'acme' };
    const run = await runAction(emulator, { inputs, env: { NODE_TLS_REJECT_UNAUTHORIZED: '0', INPUT_AUDIENCES: 'a' } });
    const names = errors(run)[0]?.match(/(?<=^- )[\w-]+/gm);
    const order = [
      'organization_id',
      'name',
      'scopes',
      'audiences',
      'expiry',
      'timeout',
      'NODE_TLS_REJECT_UNAUTHORIZED',
    ];
    expect(names).toEqual(order);
  });
});

describe('a client that is kept', () => {
  const NOTICE = 'This client is kept until delete/ deletes it. With lifetime: job, it is deleted when the job ends.';

  it.each<[what: string, inputs: () => Record<string, string>, isShown: boolean]>([
    ['neither lifetime nor save_to is given', () => ({ lifetime: '' }), true],
    ['lifetime is given', () => ({ lifetime: 'persistent' }), false],
    ['the credentials are saved', () => ({ lifetime: '', ...savingIn(emulator) }), false],
  ])('is announced in a notice only if %s', async (_, inputs, isShown) => {
    const run = await runAction(emulator, { inputs: inputs() });
    expect(errors(run)).toEqual([]);
    expect(notices(run).includes(NOTICE)).toBe(isShown);
  });
});
