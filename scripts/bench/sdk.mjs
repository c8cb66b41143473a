// Creates a client as a script with Scalekit's SDK for Node.js would. Fails if a client with the same name exists.

import { appendFileSync } from 'node:fs';
import { ScalekitClient } from '@scalekit-sdk/node';

const { env } = process;
const organization = env.SCALEKIT_ORGANIZATION_ID;
const { name, description, scopes, audience, custom_claims } = JSON.parse(env.CLIENT);
const customClaims = Object.fromEntries(custom_claims.map(({ key, value }) => [key, value]));
const scalekit = new ScalekitClient(env.SCALEKIT_ENVIRONMENT_URL, env.SCALEKIT_CLIENT_ID, env.SCALEKIT_CLIENT_SECRET);

for (let pageToken; ; ) {
  const page = await scalekit.m2m.listOrganizationClients(organization, { pageSize: 100, pageToken });
  if (page.clients.some((client) => client.name === name)) throw new Error(`There is a client ${name} already.`);
  pageToken = page.nextPageToken;
  if (!pageToken) break;
}
const options = { name, description, scopes, audience, customClaims };
const { client, plainSecret } = await scalekit.m2m.createOrganizationClient(organization, options);
console.log(`::add-mask::${plainSecret}`);
await scalekit.generateClientToken(client.clientId, plainSecret);
appendFileSync(env.GITHUB_OUTPUT, `client_id=${client.clientId}\nsecret=${plainSecret}\n`);
