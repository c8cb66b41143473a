import { decodeJwt } from 'jose';
import { type Emulator, startEmulator } from '../emulator/index.ts';
import { type Outcome, RUNNER_VARIABLES, runStep, type Step } from '../emulator/runner.ts';
import { Transport } from '../src/net/transport.ts';

// Runs the built actions as a runner does and shows what their user sees: a client for one job, against the embedded
// emulator or, where the variables name one, against a real environment; then, on the emulator alone, a pair that is
// saved in GitHub Actions.

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
        // A real environment knows other scopes, and refuses those that it does not know.
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

/** What leads to the network on this machine, which the action's clean environment would lack. */
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
  title('Log of the post step, when the job is over');
  const post = await run.post();
  console.log(post.log.trim());
  succeeded(post);
}
try {
  if (emulator) await secondAct(emulator);
} finally {
  await emulator?.close();
}

/** From the first pair of an environment to its end, and a client whose job was lost. */
async function secondAct({ url, credentials, organization, github, requests, clients }: Emulator): Promise<void> {
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

  async function step(text: string, { inputs, ...rest }: Step): Promise<Outcome> {
    title(text);
    const sent = requests.length;
    const outcome = await runStep({ env, ...rest, inputs: { ...access, ...inputs } });
    console.log(outcome.log.trim().replace(/^/gm, '  '));
    const writes = requests.slice(sent).filter(({ method, path }) => method !== 'GET' && !path.endsWith('/token'));
    console.log(`  → requests that change something: ${writes.length}`);
    succeeded(outcome);
    return outcome;
  }
  function showSaved(): void {
    const kept = [...production.variables].map(([name, { value }]) => `variable ${name} = ${value}`);
    kept.push(...[...production.secrets.keys()].map((name) => `secret ${name} = ***`));
    console.log(`  → environment ${production.name} on GitHub: ${kept.join(', ') || 'nothing'}`);
  }

  await step('A pair for the environment "production", saved there (save_to: environment)', { inputs: saving });
  showSaved();
  await step('A week later: another secret', { inputs: saving });
  showSaved();
  await step('Each night: nothing to do (on_existing: reuse)', { inputs: { ...saving, on_existing: 'reuse' } });
  await step('The environment goes (delete/)', { action: 'delete', inputs: saving });
  showSaved();

  const lost = 17345678900;
  await step('A client for a job whose runner is lost, so that its post step never runs', {
    inputs: { lifetime: 'job' },
    env: { ...github.variables, GITHUB_RUN_ID: `${lost}` },
  });
  github.addRun(repository.fullName, { id: lost, status: 'completed' });
  const reading = { github_token: github.addToken({ actions: 'read' }), dry_run: 'false' };
  await step('It is swept up once its run is over (sweep/)', { action: 'sweep', inputs: reading });
  console.log(`  → clients in the organization: ${clients().length}`);
}

async function show({ outputs, summary }: Outcome): Promise<void> {
  title('Outputs');
  for (const [name, value] of Object.entries(outputs)) console.log(`  ${name}: ${name === 'secret' ? '***' : value}`);

  title('Job summary');
  for (const [, heading, value = ''] of summary.matchAll(/<tr><th>(.*?)<\/th><td>(.*?)<\/td><\/tr>/g)) {
    console.log(`  ${heading?.padEnd(18)}${plainText(value)}`);
  }

  title('What the receiving API sees in a token that the new pair gets');
  const token = await getToken(inputs.scalekit_environment_url, outputs.client_id ?? '', outputs.secret ?? '');
  console.log(JSON.stringify(decodeJwt(token), null, 2));
}

function title(text: string): void {
  console.log(`\n── ${text}`);
}

/** Also makes the demo fail where a step did, or left something over. */
function succeeded({ exitCode, annotations, stderr }: Outcome): boolean {
  const fine = exitCode === 0 && annotations.every(({ kind }) => kind === 'notice');
  if (!fine) {
    console.error(stderr);
    process.exitCode = 1;
  }
  return fine;
}

function plainText(html: string): string {
  const characters: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return html
    .replaceAll('<br>', ', ')
    .replace(/<[^>]*>/g, '')
    .replace(/&([a-z]+|#39);/g, (_, name) => characters[name] ?? '');
}

/** Signs in as the new client does. The URL is as a user writes it. */
async function getToken(url: string, client_id: string, client_secret: string): Promise<string> {
  const origin = new URL(/^https?:/.test(url) ? url : `https://${url}`).origin;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  // The action's own, since Node's fetch takes no notice of a proxy.
  const { body } = await new Transport('0.1', 30).send({
    method: 'POST',
    url: new URL('/oauth/token', origin),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    repeatable: true,
  });
  return JSON.parse(body).access_token;
}
