// Draws what a user of the actions sees: runs the built actions against the emulator and shows their logs and job
// summary as GitHub does. It writes HTML pages and PNG images to docs/images; the images need Chromium and ImageMagick.
// Values that differ between runs are replaced, so the pages never change by themselves and a test can compare them.

import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { parse } from 'yaml';
import { type Emulator, startEmulator } from '../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, runStep } from '../emulator/runner.ts';
import { identityHash } from '../src/client/identity.ts';
import { formatMarker } from '../src/client/marker.ts';
import { createNonce } from '../src/inputs/desired-client.ts';
import { logPage, type Shown, summaryPage } from './viewer.ts';

const ROOT = new URL('..', import.meta.url);
const FOLDER = fileURLToPath(new URL('docs/images/', ROOT));
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];
/** The programs of ImageMagick 7 and 6. */
const CONVERTERS = ['magick', 'convert'];
/** CSS pixels. The height exceeds that of every page; empty space is trimmed. */
const [WIDTH, HEIGHT] = [860, 2400];
const DAY = 86_400_000;

/** A page in docs/images. `name` is the file name without its extension. */
export interface Page {
  name: string;
  html: string;
}

interface WorkflowStep {
  name: string;
  uses?: string;
  run?: string;
  with?: Record<string, string>;
  env?: Record<string, string>;
}

/** Runs the actions against an emulator and returns the pages that show these runs. */
export async function drawPages(): Promise<Page[]> {
  const emulator = await startEmulator();
  try {
    const job = await deployment(emulator);
    const rotated = await rotation(emulator);
    const wrong = await wrongInputs(emulator);
    return [
      { name: 'log', html: logPage('deploy', job) },
      { name: 'rotation', html: logPage('rotate', [rotated.shown]) },
      { name: 'summary', html: summaryPage('rotate', rotated.run.summary) },
      { name: 'errors', html: logPage('deploy', [wrong]) },
    ].map(({ name, html }) => ({ name, html: replaceVarying(html, emulator, rotated.run.outputs.secret ?? '') }));
  } finally {
    await emulator.close();
  }
}

/** Returns a page's SHA-256 in hexadecimal. The page's image contains it, so a test can detect an outdated image. */
export function digest(html: string): string {
  return createHash('sha256').update(html).digest('hex');
}

/** Runs the job of examples/deploy.yml, with its post step. A server that verifies the token answers its request. */
async function deployment(emulator: Emulator): Promise<Shown[]> {
  const [first, second]: WorkflowStep[] = parse(read('examples/deploy.yml')).jobs.deploy.steps;
  if (!first || !second) throw new Error('examples/deploy.yml has no two steps');
  const { url, credentials, organization } = emulator;
  const values: Record<string, string> = {
    'vars.SCALEKIT_ENVIRONMENT_URL': url,
    'vars.SCALEKIT_ORGANIZATION_ID': organization.id,
    'secrets.SCALEKIT_CLIENT_ID': credentials.clientId,
    'secrets.SCALEKIT_CLIENT_SECRET': credentials.clientSecret,
  };
  const fill = (texts: Record<string, string> = {}) =>
    Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [
        name,
        `${text}`.replace(/\$\{\{ (.*?) \}\}/g, (_, key) => values[key] ?? ''),
      ]),
    );
  const inputs = fill(first.with);
  const run = await runStep({ inputs });
  for (const [name, value] of Object.entries(run.outputs)) values[`steps.client.outputs.${name}`] = value;
  const used = await callApi(emulator, second.run ?? '', fill(second.env));
  const post = await run.post();
  const masks = [credentials.clientId, ...run.masks];
  return [
    { name: first.name, head: headOf(first.uses ?? '', inputs, masks), lines: lines(run) },
    { name: second.name, head: [`Run ${second.run?.trim()}`], lines: [masked(used.trim(), masks)] },
    { name: `Post ${first.name}`, head: [], lines: lines(post) },
  ];
}

/**
 * Runs a script that calls the deployment API. A server on loopback stands for the API, and verifies the token.
 * @returns what the script printed
 */
async function callApi(emulator: Emulator, script: string, env: Record<string, string>): Promise<string> {
  const keys = createRemoteJWKSet(new URL('/keys', emulator.url));
  const audience = 'deployment-api.acmecorp.com';
  const server = createServer(async ({ headers }, response) => {
    const token = headers.authorization?.replace('Bearer ', '') ?? '';
    const { payload } = await jwtVerify(token, keys, { issuer: emulator.url, audience });
    response.end(JSON.stringify({ caller: payload.sub, releases: ['v1.4.0'] }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const local = script.replace(`https://${audience}`, `http://127.0.0.1:${port}`);
    const shell = ['--noprofile', '--norc', '-e', '-c', local];
    return (await promisify(execFile)('bash', shell, { env: { PATH: process.env.PATH, ...env } })).stdout;
  } finally {
    server.close();
  }
}

/**
 * Rotates the secret of a persistent client. The action corrects the client's audience, saves the client credentials
 * and deletes an old secret.
 */
async function rotation(emulator: Emulator): Promise<{ run: Executed; shown: Shown }> {
  const { url, credentials, organization, github } = emulator;
  const { GITHUB_REPOSITORY: repository, GITHUB_REPOSITORY_ID: id } = RUNNER_VARIABLES;
  const environment = 'production';
  github.repository(repository).addEnvironment(environment);
  github.idTokenClaims = { environment };
  const lifetime = 'persistent';
  const key = identityHash({ repository, repository_id: id, environment, name: undefined, lifetime });
  emulator.seed(
    {
      name: `GitHub Actions: ${repository} (${environment})`,
      description: `Made by GitHub Actions for ${repository}, environment ${environment}.\n${formatMarker({ key, repo: id, by: id, run: '17300000001.1', lifetime, nonce: createNonce() })}`,
      scopes: ['deploy:applications', 'read:deployments'],
      audience: ['old-api.acmecorp.com'],
      expiry: 3600,
      custom_claims: [
        { key: 'github_repository', value: repository },
        { key: 'github_repository_id', value: id },
        { key: 'environment', value: environment },
      ],
    },
    { ageMs: 14 * DAY, secrets: [{ ageMs: 14 * DAY }, { ageMs: 7 * DAY }] },
  );
  const inputs = {
    scalekit_environment_url: url,
    scalekit_client_id: credentials.clientId,
    scalekit_client_secret: credentials.clientSecret,
    organization_id: organization.id,
    scopes: 'deploy:applications, read:deployments',
    audience: 'deployment-api.acmecorp.com',
    expiry: '3600',
    save_to: 'environment',
    github_token: github.token,
  };
  const run = await runStep({ inputs, env: { ...github.variables, ...github.idTokenVariables } });
  const head = headOf(usedAction(), inputs, [credentials.clientId, ...run.masks]);
  return { run, shown: { name: 'Rotate the pair of production', head, lines: lines(run) } };
}

/** Runs a step with many invalid inputs. The action reports them in one error. */
async function wrongInputs({ url, credentials }: Emulator): Promise<Shown> {
  const inputs = {
    scalekit_environment_url: `${url}/oauth/token`,
    scalekit_client_id: 'm2morg_76231900829297806',
    scalekit_client_secret: credentials.clientSecret,
    organization_id: 'acme',
    custom_claims: 'team',
    repository_claims: 'github_repository github_sha',
    keep_secrets: '9',
    save_to: 'environment',
  };
  const run = await runStep({ inputs });
  return { name: 'Make a client for this job', head: [`Run ${usedAction()}`], lines: lines(run), failed: true };
}

/** Returns the action as `uses:` names it. */
function usedAction(): string {
  const { name, config } = JSON.parse(read('package.json'));
  return `${config.owner}/${name}@v1`;
}

/**
 * Returns the lines that the runner prints before a step's own output: the action, its inputs and the default inputs.
 */
function headOf(uses: string, given: Record<string, string>, masks: string[]): string[] {
  const { inputs }: { inputs: Record<string, { default?: string }> } = parse(read('action.yml'));
  const rest = Object.entries(inputs).flatMap(([name, input]): [string, string][] =>
    name in given || !input.default ? [] : [[name, input.default]],
  );
  const all = [...Object.entries(given), ...rest].map(([name, value]) => `  ${name}: ${masked(value, masks)}`);
  return [`Run ${uses}`, 'with:', ...all];
}

function lines({ log }: Outcome): string[] {
  return log.trimEnd().split('\n');
}

/** Returns a text with all masks replaced, the longest first. */
function masked(text: string, masks: string[]): string {
  return [...masks]
    .sort((one, other) => other.length - one.length)
    .reduce((all, mask) => all.replaceAll(mask, '***'), text);
}

/**
 * Replaces values that differ between runs by fixed ones: ids, times, the emulator's URL and the end of the secret.
 * @throws if the page has more ids than there are fixed ones
 */
function replaceVarying(html: string, { url }: Emulator, secret: string): string {
  const ids: Record<string, string[]> = {
    org: ['org_32877703613661895'],
    m2morg: ['m2morg_76231900829297806'],
    sks: ['sks_78351017466254222', 'sks_68315758802764209'],
  };
  const known = new Map<string, string>();
  return html
    .replaceAll(url, 'https://acme.scalekit.com')
    .replace(/\b(org|m2morg|sks)_\d{8,}/g, (id, prefix) => {
      const fixed = known.get(id) ?? ids[prefix]?.shift();
      if (!fixed) throw new Error(`one id more than is known: ${id}`);
      known.set(id, fixed);
      return fixed;
    })
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-11-24T10:00:00Z')
    .replaceAll(`<code>${secret.slice(-4)}</code>`, '<code>x7Kq</code>');
}

function read(file: string): string {
  return readFileSync(new URL(file, ROOT), 'utf8');
}

/**
 * Returns the first of these programs that can be started.
 * @throws if none of them can
 */
function find(names: string[]): string {
  const found = names.find((name) => spawnSync(name, ['--version']).status === 0);
  if (!found)
    throw new Error(`The images need Chromium and ImageMagick. None of these can be started: ${names.join(', ')}`);
  return found;
}

/**
 * Runs a program for up to 60 seconds.
 * @throws if it fails
 */
function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`${program} ended with ${status}:\n${stderr}`);
}

/** Writes a page as a PNG with two pixels per CSS pixel, 20 colours, and the digest of the page as its `Source`. */
function draw(html: string, image: string): void {
  const [browser, converter] = [BROWSERS, CONVERTERS].map(find) as [string, string];
  const folder = mkdtempSync(path.join(tmpdir(), 'screenshots-'));
  try {
    const [source, large] = [path.join(folder, 'page.html'), path.join(folder, 'page.png')];
    writeFileSync(source, html);
    run(
      browser,
      '--headless',
      // Chromium's sandbox does not work for root.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--hide-scrollbars',
      '--force-device-scale-factor=2',
      '--default-background-color=00000000',
      `--window-size=${WIDTH},${HEIGHT}`,
      `--user-data-dir=${path.join(folder, 'profile')}`,
      `--screenshot=${large}`,
      pathToFileURL(source).href,
    );
    const reduced = ['-trim', '+repage', '+dither', '-colors', '20', '+set', 'date:create', '+set', 'date:modify'];
    run(converter, large, ...reduced, '-set', 'Source', digest(html), '-quality', '95', `PNG8:${image}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  mkdirSync(FOLDER, { recursive: true });
  for (const { name, html } of await drawPages()) {
    const image = path.join(FOLDER, `${name}.png`);
    draw(html, image);
    writeFileSync(path.join(FOLDER, `${name}.html`), html);
    console.log(`docs/images/${name}.png  ${statSync(image).size} bytes`);
  }
}
