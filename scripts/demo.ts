import { HttpClient } from '@actions/http-client';
import { decodeJwt } from 'jose';
import { startEmulator } from '../emulator/index.ts';
import { type Outcome, runStep } from '../emulator/runner.ts';

// Runs the built action as a runner does and shows what its user sees: against the embedded emulator or, where the
// variables name one, against a real environment.

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
  await emulator?.close();
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
  const client = new HttpClient('demo');
  const response = await client.post(`${origin}/oauth/token`, form.toString(), {
    'content-type': 'application/x-www-form-urlencoded',
  });
  return JSON.parse(await response.readBody()).access_token;
}
