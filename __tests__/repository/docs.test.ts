import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { parse } from 'yaml';
import type { Emulator, EmulatorOptions } from '../../emulator/index.ts';
import { type Executed, RUNNER_VARIABLES, runStep } from '../../emulator/runner.ts';
// @ts-expect-error: the example is plain JavaScript without types.
import { tokenVerifier } from '../../examples/verify-token.js';
import { parseMetadata, readDocs, regionsOf, render } from '../../scripts/docs.ts';
import { digest, drawPages } from '../../scripts/screenshots.ts';
import { FINDING_KINDS } from '../../src/client/audit.ts';
import { type ClaimInputs, deriveClaims } from '../../src/client/claims.ts';
import { CLAIM_NAMES, targetFromRunner } from '../../src/client/target.ts';
import { githubRefusal } from '../../src/github/errors.ts';
import { readRunner } from '../../src/github/runner.ts';
import { VERSION } from '../../src/net/transport.ts';
import { credentialsWork } from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { useEmulators } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { itWith } from '../support/programs.ts';
import { fill, jobsIn, PAGES, runUsing, snippets, usingSteps, type Values, valuesOf } from '../support/workflows.ts';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const root = new URL('../..', import.meta.url);
/** The text of each page, by file. */
const texts = new Map(
  globSync(['*.md', '{delete,sweep,audit,__tests__}/*.md', 'docs/*.md'], { cwd: root }).map((file) => [
    file,
    read(file),
  ]),
);
/** Parameters, fields and error codes of Scalekit's API and of its tokens that the pages name. */
const API_NAMES = [
  'create_time',
  'last_used_time',
  'grant_type',
  'client_secret',
  'expires_in',
  'plain_secret',
  'page_size',
  'next_page_token',
];

/** The text of all pages for users. */
const pages = PAGES.map(read).join('\n');
const actions = {
  main: parseMetadata(read('action.yml')),
  delete: parseMetadata(read('delete/action.yml')),
  sweep: parseMetadata(read('sweep/action.yml')),
  audit: parseMetadata(read('audit/action.yml')),
};
const npm = JSON.parse(read('package.json'));

const start = useEmulators();
const inFolder = useFolder();

const example = read('examples/verify-token.js');
const rendered = (file: string, text: string, owner: string, changed = {}, code = example) =>
  render(file, text, regionsOf({ ...actions, ...changed }, code), owner);

it('README and docs show what the action.yml files, package.json and the example say', () => {
  expect(readDocs().length).toBeGreaterThan(9);
  for (const { text, rendered } of readDocs()) expect(text).toBe(rendered);
});

it('the generated pages change with a default, the owner and the example', () => {
  const readme = read('README.md');
  const timeout = { description: 'A | B', default: '7' };
  const main = { ...actions.main, inputs: { ...actions.main.inputs, timeout } };
  const sweep = { ...actions.sweep, outputs: { swept: { description: 'How many' } } };
  const changed = rendered('README.md', readme, 'acme', { main });
  expect(changed).toContain('| `timeout` | `7` | A \\| B |');
  const swept = rendered('sweep/README.md', read('sweep/README.md'), 'acme', { sweep });
  expect(swept).toContain('| `swept` | How many |');
  expect(changed).toContain('uses: acme/scalekit-organization-client@v1\n');
  expect(rendered('delete/README.md', read('delete/README.md'), 'acme')).toContain(
    'uses: acme/scalekit-organization-client/delete@v1\n',
  );
  expect(changed).toMatch(/uses: acme\/scalekit-organization-client@[0-9a-f]{40} # v/);
  expect(rendered('docs/security.md', read('docs/security.md'), 'acme')).toContain(
    '--repo acme/scalekit-organization-client ',
  );
  expect(changed).not.toContain(`${npm.config.owner}/scalekit`);
  expect(rendered('README.md', changed, npm.config.owner)).toBe(readme);
  const api = read('docs/receiving-api.md');
  expect(rendered('docs/receiving-api.md', api, 'acme', {}, 'const price = "$1 $&";')).toContain(
    '```js\nconst price = "$1 $&";\n```',
  );
  for (const file of ['docs/recipes.md', 'examples/sweep.yml'])
    expect(rendered(file, read(file), 'acme')).toMatch(/uses: acme\/scalekit-organization-client(\/sweep)?@v1\n/);
});

it('the generator of the pages throws if a page lacks a region', () => {
  const without = read('README.md').replace('<!-- /outputs -->', '');
  expect(() => rendered('README.md', without, 'acme')).toThrow('README.md has no region "outputs"');
});

it('README shows the two commands that need no account', () => {
  const [, commands] = /```sh\n(.*?)```/s.exec(read('README.md')) ?? [];
  expect(commands).toBe('npm ci && npm run demo\nnpm ci && npm test\n');
});

it('README has at most 180 lines and 1,500 words outside its code', () => {
  const readme = read('README.md');
  expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(180);
  const words = withoutCode(readme).match(/[\p{L}\p{N}][^\s|]*/gu) ?? [];
  expect(words.length).toBeLessThanOrEqual(1500);
});

// Nobody reads these two pages from beginning to end.
const SHORT_PAGES = [...texts].filter(([file]) => /^docs\/(?!design|troubleshooting)/.test(file));
it.each(SHORT_PAGES)('%s has at most 200 lines', (_, text) => {
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(200);
});

it('README groups the inputs by the comments in action.yml', () => {
  const groups = [...read('README.md').matchAll(/^\| \*\*(\w+)\*\* \|/gm)].map(([, group]) => group);
  expect(groups).toEqual(['Connection', 'Client', 'Lifecycle', 'Saving', 'Control']);
});

it.each([...texts])('%s links to files and headings that exist', (file, text) => {
  for (const [, target = ''] of withoutCode(text).matchAll(/\]\(([^)]+)\)/g)) {
    if (/^https:\/\//.test(target)) continue;
    const [name = '', anchor] = target.split('#');
    const to = name ? path.posix.join(path.posix.dirname(file), name) : file;
    expect(readFileSync(new URL(to, root)).length).toBeGreaterThan(0);
    if (anchor) expect({ [to]: headings(read(to)) }).toEqual({ [to]: expect.arrayContaining([anchor]) });
  }
});

it('README links to each page in docs/', () => {
  for (const page of PAGES.slice(1)) expect(read('README.md')).toContain(`](${page})`);
});

it('pages name only inputs, outputs, claims and fields that exist', () => {
  const known: string[] = [
    ...FINDING_KINDS,
    ...Object.values(actions).flatMap(({ inputs, outputs }) => Object.keys({ ...inputs, ...outputs })),
    ...CLAIM_NAMES,
    ...API_NAMES,
    // Fields of the journal, environment variables in lower case, a custom claim, and events of workflows.
    ...['is_proven', 'https_proxy', 'no_proxy', 'cost_center', 'workflow_run', 'pull_request', 'pull_request_target'],
  ];
  const named = [...`${pages}\n${read('CHANGELOG.md')}`.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter((name = '') => !known.includes(name))).toEqual([]);
});

it('pages list the claims of repository_claims, and those that a runner does not provide', () => {
  const listed = /^`repository_claims` takes (.*?)\n\n/ms.exec(pages)?.[1] ?? '';
  const [available = '', unavailable = ''] = listed
    .split('These the runner does not know:')
    .map((text) => [...text.matchAll(/`(environment|github_\w+)`/g)].map(([, name]) => name ?? ''));
  const target = targetFromRunner(readRunner(RUNNER_VARIABLES), RUNNER_VARIABLES, 'production');
  const inputs: ClaimInputs = { repository_claims: CLAIM_NAMES, custom_claims: [], lifetime: 'job' };
  const known = deriveClaims(inputs, target, () => () => {}).map(({ key }) => key);
  expect([...available].sort()).toEqual(known.sort());
  const unknown = CLAIM_NAMES.filter((name) => !known.includes(name));
  expect([...unavailable].sort()).toEqual(['github_repo_property_NAME', ...unknown].sort());
});

it('pages list the claims that differ from run to run', () => {
  const listed = /These\s+differ\s+from\s+run\s+to\s+run,(.*?)\.\s/s.exec(pages)?.[1] ?? '';
  const names = [...listed.matchAll(/`(github_\w+)`/g)].map(([, name]) => name);
  const target = targetFromRunner(readRunner(RUNNER_VARIABLES), RUNNER_VARIABLES, 'production');
  const refused = CLAIM_NAMES.filter((name) => {
    const problems: string[] = [];
    const inputs: ClaimInputs = { repository_claims: [name], custom_claims: [], lifetime: 'persistent' };
    deriveClaims(inputs, target, () => (problem) => problems.push(problem));
    return problems.some((problem) => problem.includes('changes from run to run'));
  });
  expect(names.sort()).toEqual(refused.sort());
});

it.each([
  ['repository', 'secrets', 'variables'],
  ['environment', 'environment', 'environment'],
] as const)('pages list the permissions that the errors for save_to: %s name', (location, ...needs) => {
  const listed = new RegExp(`^\\| \`${location}\` \\| (.*\\(write\\).*) \\|$`, 'm').exec(pages)?.[1] ?? '';
  for (const need of needs) {
    const data = { message: 'Resource not accessible by integration' };
    const response = { status: 403, headers: {}, body: JSON.stringify(data) } as Parameters<typeof githubRefusal>[1];
    const subject = { operation: 'write', parameters: { owner: 'acme', repo: 'app' }, permission: need };
    const { message } = githubRefusal(subject, response, data);
    const named = message.match(/\w+ \((?:read|write)\)/g) ?? [];
    expect(named.length).toBeGreaterThan(0);
    for (const permission of named) expect(listed).toContain(permission);
  }
});

it('troubleshooting.md explains only messages that the action can print', () => {
  // Without comments: they are no messages.
  const sources = globSync('src/**/*.ts')
    .map(read)
    .join('\n')
    .replace(/\/\*\*.*?\*\/|^ *\/\/[^\n]*/gms, '');
  const rows = [...read('docs/troubleshooting.md').matchAll(/^\| `([^`]+)` \|/gm)];
  expect(rows.length).toBeGreaterThan(50);
  for (const [, text] of rows) expect(sources).toContain(text);
});

const choices = [...pages.matchAll(/^\| `(rotate|reuse|replace|fail)` \|.*\| (?:`(\w+)` )?\|$/gm)];

it('pages explain each value of on_existing', () => {
  expect(choices.map(([, choice]) => choice)).toEqual(['rotate', 'reuse', 'replace', 'fail']);
});

it.each(choices.map(([, ...cells]) => cells))(
  'pages name the result of on_existing: %s',
  async (on_existing = '', result) => {
    const { variables: env } = await start();
    await runStep({ env });
    const { exitCode, outputs } = await runStep({ inputs: { on_existing }, env });
    expect(outputs.result).toBe(result);
    expect(exitCode).toBe(result ? 0 : 1);
  },
);

const shown = PAGES.flatMap((page) =>
  [...read(page).matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)].map(([, alt = '', target = '']) => ({
    alt,
    file: path.posix.join(path.posix.dirname(page), target),
  })),
);

it('pages show each image, with an alternative text, and each is small', () => {
  expect(shown.map(({ file }) => file).sort()).toEqual(globSync('docs/images/*.{png,svg}', { cwd: root }).sort());
  for (const { alt, file } of shown) {
    expect(alt.length).toBeGreaterThan(100);
    expect(readFileSync(new URL(file, root)).length).toBeLessThan(70_000);
  }
});

itWith('bash')('screenshots show what the built actions print (npm run screenshots draws them anew)', async () => {
  const drawn = await drawPages();
  const pictures = shown.map(({ file }) => file).filter((file) => file.endsWith('.png'));
  expect(drawn.map(({ name }) => `docs/images/${name}.png`).sort()).toEqual(pictures.sort());
  for (const { name, html } of drawn) {
    expect(read(`docs/images/${name}.html`)).toBe(html);
    expect(readFileSync(new URL(`docs/images/${name}.png`, root)).includes(digest(html))).toBe(true);
  }
});

it.each([...texts])('%s names only npm scripts that exist', (_, text) => {
  const named = [...text.matchAll(/\bnpm (?:run (?:-s )?([\w:-]+)|(test)\b)/g)].map(([, run, test]) => run ?? test);
  expect(Object.keys(npm.scripts)).toEqual(expect.arrayContaining(named));
});

it('package.json, the User-Agent and the changelog name the same version', () => {
  expect(VERSION).toBe(npm.version);
  expect(/^## \[(.*?)\] - /m.exec(read('CHANGELOG.md'))?.[1]).toBe(npm.version);
});

describe('each workflow in README and docs', () => {
  const uses = snippets().flatMap(([heading, text]) =>
    jobsIn(text).flatMap((job) => usingSteps(job).map((step) => [heading, text, job, step] as const)),
  );

  it('the pages have more than ten steps with the actions', () => {
    expect(uses.length).toBeGreaterThan(10);
  });

  const readers = snippets().filter(([, text]) => outputsIn(text).length > 0);
  it.each(readers)('a workflow in the pages reads only outputs of the action: %s', (_, text) => {
    for (const [, step, output] of outputsIn(text)) {
      expect(step).toBe('client');
      expect(Object.keys(actions.main.outputs)).toContain(output);
    }
  });

  it.each(uses)(
    'a workflow in the pages runs without an annotation and sets the outputs that it reads: %s',
    async (_, text, job, step) => {
      const emulator = await start();
      const values = {
        ...valuesOf(emulator),
        'vars.ORGANIZATION_EXTERNAL_ID': emulator.organization.externalId,
        'vars.SCALEKIT_M2M_CLIENT_ID': emulator.seed({ name: 'Created manually' }).client.client_id,
        'matrix.environment': 'production',
      };
      const kept = emulator.github.repository(RUNNER_VARIABLES.GITHUB_REPOSITORY).addEnvironment('production');
      const run = await runUsing(emulator, job, step.action ? { ...step, action: '' } : step, values);
      expect(run.annotations).toEqual([]);
      expect(run.outputs.result).toMatch(step.with.dry_run ? 'planned' : /^(created|rotated)$/);
      for (const [, , output = ''] of outputsIn(text)) expect(run.outputs[output]).toBeTruthy();
      const client = emulator.clients().find(({ client_id }) => client_id === run.outputs.client_id);
      const environment = client?.custom_claims?.find(({ key }) => key === 'environment')?.value;
      if (job.permissions?.['id-token'] === 'write') expect(environment).toBe('production');
      if (!step.with.save_to) return;
      expect(kept.variables.get('SCALEKIT_M2M_CLIENT_ID')?.value).toBe(run.outputs.client_id);
      expect(kept.secrets.get('SCALEKIT_M2M_CLIENT_SECRET')?.value).toBe(run.outputs.secret);
      if (step.action !== 'delete') return;
      expect((await runUsing(emulator, job, step, values)).outputs.deleted).toBe(run.outputs.client_id);
      expect({ variables: [...kept.variables], secrets: [...kept.secrets] }).toEqual({ variables: [], secrets: [] });
    },
  );
});

/** Runs the script of a snippet with one step as the runner does, and with these variables in addition. */
function runScript(snippet: string, values: Values, variables: Record<string, string> = {}) {
  const [step] = parse(snippet);
  const env = Object.entries(step.env).map(([name, value]) => [name, fill(value, values)]);
  return promisify(execFile)('bash', ['--noprofile', '--norc', '-e', '-c', step.run], {
    env: { PATH: process.env.PATH, ...variables, ...Object.fromEntries(env) },
  });
}

describe('the recipe for a token from the credentials', () => {
  const it = itWith('bash', 'curl', 'jq');
  const recipe = snippets().find(([heading]) => heading === 'A token from the credentials')?.[1] ?? '';

  /** Runs the action. Returns the values of the expressions that read its outputs, and the emulator that has its client. */
  async function afterAction() {
    const emulator = await start();
    const { client_id, secret } = (await runStep({ inputs: { lifetime: 'job' }, env: emulator.variables })).outputs;
    const outputs = { 'steps.client.outputs.client_id': client_id, 'steps.client.outputs.secret': secret };
    return { emulator, client_id, values: { ...valuesOf(emulator), ...outputs } };
  }

  it.each(['', '/'])(
    'the recipe for a token masks the token of the client, with plain http on loopback and "%s" at the end',
    async (end) => {
      const { emulator, client_id, values } = await afterAction();
      const url = `${emulator.url}${end}`;
      const { stdout, stderr } = await runScript(recipe, { ...values, 'vars.SCALEKIT_ENVIRONMENT_URL': url });
      const [, token = ''] = /^::add-mask::(.+)\n$/.exec(stdout) ?? [];
      expect({ stderr, sub: token && decodeJwt(token).sub }).toEqual({ stderr: '', sub: client_id });
    },
  );

  it('the recipe for a token uses https if the URL has no scheme', async () => {
    const { emulator, values } = await afterAction();
    const before = emulator.requests.length;
    const host = new URL(emulator.url).host;
    const script = runScript(recipe, { ...values, 'vars.SCALEKIT_ENVIRONMENT_URL': host });
    // curl's exit code for a failed TLS handshake.
    await expect(script).rejects.toMatchObject({ code: 35 });
    expect(emulator.requests.slice(before)).toEqual([]);
  });

  it('the recipe for a token fails if the credentials are refused', async () => {
    const { values } = await afterAction();
    const refused = runScript(recipe, { ...values, 'steps.client.outputs.secret': 'other' });
    await expect(refused).rejects.toMatchObject({ stdout: '', stderr: expect.stringContaining('401') });
  });
});

describe('the way from a curl step', () => {
  const it = itWith('bash', 'curl', 'jq');
  const [before = '', after = ''] = snippets()
    .filter(([heading]) => heading === 'A curl step')
    .map(([, text]) => text);
  const ofManualClient = snippets().find(([heading]) => heading === 'A client that was made by hand')?.[1] ?? '';

  /** Runs the script of the step as the runner does. @returns its outputs */
  async function curl(emulator: Emulator): Promise<Record<string, string>> {
    const output = inFolder('output');
    const { stdout, stderr } = await runScript(before, valuesOf(emulator), { GITHUB_OUTPUT: output });
    const lines = readFileSync(output, 'utf8').trim().split('\n');
    const outputs = Object.fromEntries(lines.map((line) => line.split('=')));
    expect({ stdout, stderr }).toEqual({ stdout: `::add-mask::${outputs.secret}\n`, stderr: '' });
    return outputs;
  }

  function use(text: string, emulator: Emulator, client_id = ''): Promise<Executed> {
    const [job] = jobsIn(text);
    const [step] = job ? usingSteps(job) : [];
    if (!job || !step) throw new Error('The snippet has no step with the action.');
    return runUsing(emulator, job, step, { ...valuesOf(emulator), 'vars.SCALEKIT_M2M_CLIENT_ID': client_id });
  }

  it('migrating from curl leads to a client with the same scopes, audience, expiry, claims and outputs', async () => {
    const emulator = await start();
    const old = await curl(emulator);
    const made = await use(after, emulator);
    const [one, other] = emulator.clients();
    expect(clientIds(emulator)).toEqual([old.client_id, made.outputs.client_id]);
    expect(other).toMatchObject({ scopes: one?.scopes, audience: one?.audience, expiry: one?.expiry });
    expect(other?.custom_claims).toEqual(expect.arrayContaining(one?.custom_claims ?? []));
    expect(Object.keys(made.outputs)).toEqual(expect.arrayContaining(Object.keys(old)));
    await made.post();
    expect(clientIds(emulator)).toEqual([old.client_id]);
  });

  it('migrating a client that was created manually keeps its secret, and its id is needed only once', async () => {
    const emulator = await start();
    const old = await curl(emulator);
    const planned = await use(`${ofManualClient}    dry_run: true\n`, emulator, old.client_id);
    expect(planned).toMatchObject({ annotations: [], outputs: { result: 'planned' } });
    const taken = await use(ofManualClient, emulator, old.client_id);
    expect(taken).toMatchObject({ annotations: [], outputs: { result: 'rotated', client_id: old.client_id } });
    expect(await credentialsWork(emulator, old)).toBe(true);
    expect(await credentialsWork(emulator, taken.outputs)).toBe(true);
    const next = await use(ofManualClient.replace(/^ *(client_id|keep_secrets):.*\n/gm, ''), emulator);
    expect(next).toMatchObject({ annotations: [], outputs: { client_id: old.client_id } });
  });
});

describe('the example for the receiving API', () => {
  const audience = 'deployment-api.acmecorp.com';

  async function tokenOf(options: EmulatorOptions = {}, given: Record<string, string> = {}) {
    const emulator = await start(options);
    const inputs = { audience, scopes: 'read:deployments', custom_claims: 'team=platform', ...given };
    const { outputs } = await runStep({ inputs, env: emulator.variables });
    const { client_id = '', secret = '' } = outputs;
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret: secret });
    const response = await fetch(`${emulator.url}/oauth/token`, { method: 'POST', body });
    const { access_token } = (await response.json()) as { access_token: string };
    return { token: access_token, client_id, emulator, verify: tokenVerifier({ issuer: emulator.url, audience }) };
  }

  it('the example for a receiving API accepts the token of a client, and returns its identity', async () => {
    const { token, client_id, emulator, verify } = await tokenOf();
    expect(await verify(token, 'read:deployments')).toEqual({
      client: client_id,
      organization: emulator.organization.id,
      claims: { github_repository: 'acme/inventory-service', github_repository_id: '740123456', team: 'platform' },
    });
  });

  it('the example for a receiving API accepts an audience that is a string', async () => {
    const { token, client_id, verify } = await tokenOf({ behaviour: { audience: 'string' } });
    expect(await verify(token, 'read:deployments')).toMatchObject({ client: client_id });
  });

  it('the example for a receiving API refuses a token that lacks the scope', async () => {
    const { token, verify } = await tokenOf();
    await expect(verify(token, 'deploy:applications')).rejects.toThrow('lacks the scope deploy:applications');
    await expect(verify(token, 'read')).rejects.toThrow('lacks the scope read');
  });

  it('the example for a receiving API refuses scopes that are not a list', async () => {
    const tokenChanges = (payload: object) => ({ ...payload, scopes: 'read:deployments' });
    const { token, verify } = await tokenOf({ behaviour: { tokenChanges } });
    await expect(verify(token, 'read:deployments')).rejects.toThrow('lacks the scope');
  });

  it.each([
    ['for another audience', 'other-api.acmecorp.com'],
    ['without an audience', ''],
  ])('the example for a receiving API refuses a token %s', async (_, other) => {
    const { token, verify } = await tokenOf({}, { audience: other });
    await expect(verify(token, 'read:deployments')).rejects.toThrow('"aud" claim');
  });

  it('the example for a receiving API refuses a token with a changed payload', async () => {
    const { token, verify } = await tokenOf();
    const [header, payload = '', signature] = token.split('.');
    const changed = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), scopes: ['deploy:applications'] };
    const tampered = [header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.');
    await expect(verify(tampered, 'deploy:applications')).rejects.toThrow('signature verification failed');
  });

  it('the example for a receiving API refuses a token of another issuer, an expired one, and one without exp', async () => {
    const foreign = await tokenOf({ issuer: 'https://elsewhere.example.com' });
    await expect(foreign.verify(foreign.token, 'read:deployments')).rejects.toThrow('"iss" claim');
    const old = await tokenOf({ behaviour: { tokenChanges: (payload) => ({ ...payload, exp: 1 }) } });
    await expect(old.verify(old.token, 'read:deployments')).rejects.toThrow('"exp" claim');
    const endless = await tokenOf({ behaviour: { tokenChanges: ({ exp: _, ...payload }) => payload } });
    await expect(endless.verify(endless.token, 'read:deployments')).rejects.toThrow('"exp" claim');
  });
});

/**
 * Returns the outputs that a text reads, apart from the token of a GitHub App, which another action creates: the step's id
 * and the output's name in the first two groups.
 */
function outputsIn(text: string): RegExpExecArray[] {
  return [...text.matchAll(/\bsteps\.(?!app\.outputs\.token\b)([\w-]+)\.outputs\.([\w-]+)/g)];
}

/** Returns a page without fenced blocks, because their comments look like headings. */
function withoutCode(markdown: string): string {
  return markdown.replace(/^```.*?^```$/gms, '');
}

/** Returns the anchors that GitHub gives to the headings of a page. */
function headings(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slug(heading ?? ''));
}

function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
