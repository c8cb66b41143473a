import http from 'node:http';
import { expect, it, jest } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';
import type { CertificateKind } from '../../emulator/tls.ts';
import { errors, runAction, savingIn } from '../support/action.ts';
import { anotherEmulator } from '../support/emulators.ts';
import {
  attempts,
  expectNothingDone,
  FEWEST_REQUESTS,
  IMPATIENT,
  type Listening,
  listen,
  onConnection,
  originsOf,
  useNetwork,
  type Variables,
} from '../support/network.ts';
import { operationsOf } from '../support/requests.ts';
import { credentialsIn, credentialsOf, repositoryOf } from '../support/saved.ts';

// Certificates of servers, and connections whose TLS handshake fails.

// Each test starts few processes, but many tests run concurrently.
jest.setTimeout(60_000);

const { trusted } = useNetwork();

/** Runs the step with the fewest requests, over TLS. */
const runTls = (emulator: Emulator, env: Variables, { inputs, ...step }: Step = {}) =>
  runAction(emulator, {
    ...step,
    inputs: { scalekit_environment_url: emulator.tlsUrl ?? '', ...FEWEST_REQUESTS, ...inputs },
    env: { ...env, ...step.env },
  });

it.concurrent('trusts the authority in NODE_EXTRA_CA_CERTS, and main and post open one connection each', async () => {
  await using emulator = await anotherEmulator({ tls: true });
  const run = await runTls(emulator, trusted, { inputs: { verify: 'true' } });
  expect(run).toMatchObject({ exitCode: 0, annotations: [], stderr: '' });
  expect(emulator.clients()).toHaveLength(1);
  expect(emulator.connections).toBe(1);
  const post = await run.post();
  expect(post).toMatchObject({ exitCode: 0, annotations: [], stderr: '' });
  expect(emulator.clients()).toEqual([]);
  expect(emulator.connections).toBe(2);
});

it.concurrent('trusts the authority in NODE_EXTRA_CA_CERTS for GitHub and the ID token', async () => {
  await using emulator = await anotherEmulator({ tls: true });
  const inputs = { lifetime: 'persistent', ...savingIn(emulator) };
  const run = await runTls(emulator, trusted, { inputs, env: emulator.github.idTokenVariables });
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(credentialsIn(repositoryOf(emulator))).toEqual(credentialsOf(run));
  expect(operationsOf(emulator)).toContain('idToken');
  expect(originsOf(emulator)).toEqual(new Set([emulator.tlsUrl]));
});

const UNTRUSTED = /certificate is not trusted\. .* set NODE_EXTRA_CA_CERTS to a file with its certificate/;
const INVALID = /certificate is not valid for this host at this time: check scalekit_environment_url/;

it.concurrent.each<{ what: string; tls: CertificateKind; trusts: boolean; said: RegExp }>([
  { what: 'comes from an unknown authority', tls: 'valid', trusts: false, said: UNTRUSTED },
  { what: 'has expired', tls: 'expired', trusts: true, said: INVALID },
  { what: 'is for another host', tls: 'wrong-host', trusts: true, said: INVALID },
])('sends nothing and does not retry if the certificate of the server $what', async ({ tls, trusts, said }) => {
  await using emulator = await anotherEmulator({ tls });
  const run = await runTls(emulator, trusts ? trusted : {});
  expectNothingDone(run, emulator, /^Could not sign in to Scalekit: /, said, /NODE_EXTRA_CA_CERTS/);
  expect(attempts(run)).toBe(1);
});

it.concurrent.each<{ server: string; tls: CertificateKind; step: (github: Emulator) => Step; said: RegExp }>([
  {
    server: "GitHub's API",
    tls: 'expired',
    step: (github) => ({
      inputs: { lifetime: 'persistent', ...savingIn(github) },
      env: github.github.variables,
    }),
    said: /^Could not read the public key .*certificate.*GITHUB_API_URL/,
  },
  {
    server: "GitHub's ID tokens",
    tls: 'wrong-host',
    step: ({ github }) => ({ env: github.idTokenVariables }),
    said: /^Could not get GitHub's ID token: .*certificate.*ACTIONS_ID_TOKEN_REQUEST_URL/,
  },
])('creates no client if the certificate for $server is not valid', async ({ tls, step, said }) => {
  await using emulator = await anotherEmulator({ tls: true });
  await using github = await anotherEmulator({ tls });
  const run = await runTls(emulator, trusted, step(github));
  expect(run.exitCode).toBe(1);
  expect(emulator.clients()).toEqual([]);
  expect(github.requests).toEqual([]);
  expect(errors(run)).toEqual([expect.stringMatching(said)]);
});

/** Runs a step against a server that is not Scalekit. Checks that the error names the address. */
async function runAgainst({ port }: Listening) {
  await using emulator = await anotherEmulator();
  const inputs = { ...FEWEST_REQUESTS, scalekit_environment_url: `https://localhost:${port}` };
  const run = await runAction(emulator, { ...IMPATIENT, inputs, env: trusted });
  expectNothingDone(run, emulator, /^Could not sign in to Scalekit: .*Check .*scalekit_environment_url/);
  return run;
}

it.concurrent('does not retry if the server does not speak TLS', async () => {
  await using server = await listen(http.createServer((_, response) => response.end('plain')));
  const run = await runAgainst(server);
  expect(errors(run)[0]).toMatch(/TLS failed \(EPROTO\)\. Check the port .* an old TLS version/);
  expect(attempts(run)).toBe(1);
});

it.concurrent('retries if the server closes the connection during the TLS handshake', async () => {
  await using server = await onConnection((socket) => socket.once('data', () => socket.end()));
  const run = await runAgainst(server);
  expect(attempts(run)).toBeGreaterThan(1);
  expect(errors(run)[0]).toMatch(/TLS connection.*https_proxy, no_proxy, firewall/);
});

it.concurrent('reaches GitHub over TLS while Scalekit is on loopback without TLS', async () => {
  await using emulator = await anotherEmulator();
  await using github = await anotherEmulator({ tls: true });
  const { variables } = github.github;
  const run = await runAction(emulator, { inputs: savingIn(github), env: { ...trusted, ...variables } });
  expect(run).toMatchObject({ exitCode: 0, annotations: [] });
  expect(emulator.clients()).toHaveLength(1);
});
