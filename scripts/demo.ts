// Runs the built actions as a runner does and shows what a user sees. First it creates a client for one job, in the
// embedded emulator or, if the environment variables below are set, in a real Scalekit environment. On the emulator it
// then saves client credentials in GitHub Actions, rotates, audits and deletes them, and deletes the client of a lost job.

import { decodeJwt } from 'jose';
import { type Emulator, startEmulator } from '../emulator/index.ts';
import { type Outcome, RUNNER_VARIABLES, runStep, type Step } from '../emulator/runner.ts';
import { Transport } from '../src/net/transport.ts';

/** Environment variables that select a real environment. All four are required. */
const VARIABLES = [
  'SCALEKIT_ENVIRONMENT_URL',
  'SCALEKIT_CLIENT_ID',
  'SCALEKIT_CLIENT_SECRET',
  'SCALEKIT_ORGANIZATION_ID',
];
const [url = '', id = '', secret = '', organization = ''] = VARIABLES.map((name) => process.env[name]);
const missing = VARIABLES.filter((name) => !process.env[name]);
const real = missing.length === 0;
if (!real && missing.length < VARIABLES.length)
  console.log(`Not in your environment, since ${missing.join(' and ')} is not set.`);
const emulator = real ? undefined : await startEmulator();

const inputs = {
  ...(emulator
    ? {
        scalekit_environment_url: emulator.url,
        scalekit_client_id: emulator.credentials.clientId,
        scalekit_client_secret: emulator.credentials.clientSecret,
        organization_id: emulator.organization.id,
        // Only for the emulator: a real environment has other scopes and rejects unknown ones.
        scopes: 'deploy:applications read:deployments',
      }
    : {
        scalekit_environment_url: url,
        scalekit_client_id: id,
        scalekit_client_secret: secret,
        organization_id: organization,
      }),
  environment: 'production',
  audience: 'deployment-api.acmecorp.com',
  custom_claims: 'team=platform',
  lifetime: 'job',
};

/** This machine's proxy and certificate variables. The action starts with a clean environment, without them. */
const network = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name)),
);

title(`A step of a job in ${real ? url : 'an emulated Scalekit environment'}`);
for (const [name, value] of Object.entries(inputs))
  console.log(`  ${name}: ${name === 'scalekit_client_secret' ? '***' : value}`);

const run = await runStep({ inputs, env: network });
title('Log');
console.log(run.log.trim());
try {
  if (succeeded(run)) await show(run);
} finally {
  title('Log of the post step, at the end of the job');
  const post = await run.post();
  console.log(post.log.trim());
  succeeded(post);
}
try {
  if (emulator) await showLifecycle(emulator);
} finally {
  await emulator?.close();
}

/** Shows a persistent client from creation to deletion, then deletes a client whose job never ran its post step. */
async function showLifecycle({ url, credentials, organization, github, requests, clients }: Emulator): Promise<void> {
  const repository = github.repository(RUNNER_VARIABLES.GITHUB_REPOSITORY);
  const production = repository.addEnvironment('production');
  github.idTokenClaims = { environment: production.name };
  const access = {
    scalekit_environment_url: url,
    scalekit_client_id: credentials.clientId,
    scalekit_client_secret: credentials.clientSecret,
    organization_id: organization.id,
  };
  const saving = { save_to: 'environment', github_token: github.token };
  const env = { ...github.variables, ...github.idTokenVariables };

  /** Runs one step, and prints its log and the number of requests that were not reads or sign-ins. */
  async function step(text: string, { inputs, ...rest }: Step): Promise<Outcome> {
    title(text);
    const before = requests.length;
    const outcome = await runStep({ env, ...rest, inputs: { ...access, ...inputs } });
    console.log(outcome.log.trim().replace(/^/gm, '  '));
    const writes = requests.slice(before).filter(({ method, path }) => method !== 'GET' && !path.endsWith('/token'));
    console.log(`  → requests that change something: ${writes.length}`);
    succeeded(outcome);
    return outcome;
  }
  /** Prints the variables and secrets in the GitHub environment. */
  function showSaved(): void {
    const saved = [...production.variables].map(([name, { value }]) => `variable ${name} = ${value}`);
    saved.push(...[...production.secrets.keys()].map((name) => `secret ${name} = ***`));
    console.log(`  → environment ${production.name} on GitHub: ${saved.join(', ') || 'nothing'}`);
  }

  await step('Persistent client credentials, saved in the environment "production" (save_to: environment)', {
    inputs: saving,
  });
  showSaved();
  await step('A week later: a rotation adds another secret', { inputs: saving });
  showSaved();
  await step('Each night: no change until the secret is 30 days old (on_existing: reuse, rotate_after: 30)', {
    inputs: { ...saving, on_existing: 'reuse', rotate_after: '30' },
  });
  await step('An audit of the organization (audit/)', { action: 'audit', inputs: { github_token: github.token } });
  await step('The environment is torn down (delete/)', { action: 'delete', inputs: saving });
  showSaved();

  const interruptedRunId = 17345678900;
  await step('A client for a job whose runner is lost, so its post step never runs', {
    inputs: { lifetime: 'job' },
    env: { ...github.variables, GITHUB_RUN_ID: `${interruptedRunId}` },
  });
  github.addRun(repository.fullName, { id: interruptedRunId, status: 'completed' });
  const sweepInputs = { github_token: github.addToken({ actions: 'read' }), dry_run: 'false' };
  await step('After the run has ended, sweep/ deletes that client', { action: 'sweep', inputs: sweepInputs });
  console.log(`  → clients in the organization: ${clients().length}`);
}

/** Prints outputs, job summary and the claims of an access token that the new client gets. */
async function show({ outputs, summary }: Outcome): Promise<void> {
  title('Outputs');
  for (const [name, value] of Object.entries(outputs)) console.log(`  ${name}: ${name === 'secret' ? '***' : value}`);

  title('Job summary');
  for (const [, heading, value = ''] of summary.matchAll(/<tr><th>(.*?)<\/th><td>(.*?)<\/td><\/tr>/g)) {
    console.log(`  ${heading?.padEnd(18)}${plainText(value)}`);
  }

  title('What the receiving API sees in a token that the new credentials get');
  const token = await getToken(inputs.scalekit_environment_url, outputs.client_id ?? '', outputs.secret ?? '');
  console.log(JSON.stringify(decodeJwt(token), null, 2));
}

function title(text: string): void {
  console.log(`\n── ${text}`);
}

/** Returns whether a step succeeded without a warning or an error. If not, the demo exits with code 1. */
function succeeded({ exitCode, annotations, stderr }: Outcome): boolean {
  const ok = exitCode === 0 && annotations.every(({ kind }) => kind === 'notice');
  if (!ok) {
    console.error(stderr);
    process.exitCode = 1;
  }
  return ok;
}

function plainText(html: string): string {
  const characters: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return html
    .replaceAll('<br>', ', ')
    .replace(/<[^>]*>/g, '')
    .replace(/&([a-z]+|#39);/g, (_, name) => characters[name] ?? '');
}

/**
 * Gets an access token with the new client's credentials.
 * @param url environment URL as a user writes it, with or without https://
 */
async function getToken(url: string, client_id: string, client_secret: string): Promise<string> {
  const origin = new URL(/^https?:/.test(url) ? url : `https://${url}`).origin;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  // Use the action's transport because Node's fetch ignores the proxy variables.
  const { body } = await new Transport('0.1', 30, () => {}).send({
    method: 'POST',
    url: new URL('/oauth/token', origin),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    repeatable: true,
  });
  return JSON.parse(body).access_token;
}
