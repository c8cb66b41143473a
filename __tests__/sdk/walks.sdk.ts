import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import { findSdkPython } from '../../scripts/tools.ts';
import { trust } from '../support/action.ts';
import { anotherEmulator } from '../support/emulators.ts';
import { anotherFolder } from '../support/folders.ts';

// Scalekit's own SDKs call the emulator over TLS and gRPC. Each walk is a program that reports the same checks.

const CHECKS = [
  'creates an organization, and reads it by both ids',
  'creates a client with every field, and gets its secret',
  'reads a client with every field, and of its secret only the last characters',
  'lists the clients with two on a page',
  'updates a client, and keeps what the update omits',
  'adds a secret, and reads the oldest secret first',
  'reports a secret above the limit as too many requests',
  'deletes a secret',
  'reports the deletion of the last secret as a bad request',
  'gets a token with the credentials of the client, and validates it with the published keys',
  'refuses a token whose claims were changed, and one without a required scope',
  'gets a token for the environment',
  'signs in again after the API refused its token',
  'reports broken rules as a bad request that names the fields',
  'reports a missing client as not found',
  'reports an external id that is taken as a conflict',
  'reports the credentials of an organization client as forbidden',
  'reports a wrong secret as unauthorized',
  'reports a token that the API refuses as unauthorized',
  'reports a call that the emulator does not serve as not implemented',
  'deletes a client, and no longer finds it',
  'deletes an organization with its clients',
];

/** The operations that the walks call over gRPC. The SDKs send an external id to `getOrganization`. */
const GRPC_CALLS: Operation[] = [
  'createClient',
  'listClients',
  'getClient',
  'updateClient',
  'deleteClient',
  'addSecret',
  'deleteSecret',
  'createOrganization',
  'getOrganization',
  'deleteOrganization',
  'unknown',
];

const walks: { sdk: string; program: string | undefined; file: string }[] = [
  { sdk: 'Node.js', program: process.execPath, file: 'walk.node.ts' },
  { sdk: 'Python', program: findSdkPython(), file: 'walk.py' },
];

type Report = { check: string; error: string | null };

/** Runs a walk against an emulator, and returns its reports. */
async function runWalk(program: string, file: string, emulator: Emulator): Promise<Report[]> {
  using folder = anotherFolder();
  const { NODE_EXTRA_CA_CERTS: ca } = trust(folder.path, emulator.ca);
  const env = {
    PATH: process.env.PATH,
    NODE_EXTRA_CA_CERTS: ca,
    REQUESTS_CA_BUNDLE: ca,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: ca,
    ...emulator.variables,
  };
  const script = fileURLToPath(new URL(file, import.meta.url));
  const { stdout } = await promisify(execFile)(program, [script], { env, timeout: 60_000 });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe.each(walks)("the checks of Scalekit's SDK for $sdk", ({ program, file }) => {
  const itInstalled = program ? it : it.skip;
  let reports: Report[] = [];
  let requests: Emulator['requests'] = [];
  let tlsUrl: string | undefined;

  beforeAll(async () => {
    if (!program) return;
    const behaviour = { maxSecrets: 2, maxSecretsError: { text: 'only', status: 429 } } as const;
    await using emulator = await anotherEmulator({ tls: true, http2: true, behaviour });
    reports = await runWalk(program, file, emulator);
    ({ requests, tlsUrl } = emulator);
  }, 90_000);

  itInstalled.each(CHECKS)("Scalekit's SDK passes this check against the emulator: %s", (check) => {
    expect(reports.find((report) => report.check === check)).toEqual({ check, error: null });
  });

  itInstalled("runs each check of the walk with Scalekit's SDK, in order, and no others", () => {
    expect(reports.map(({ check }) => check)).toEqual(CHECKS);
  });

  itInstalled("receives each call of Scalekit's SDK over gRPC, and those for tokens and keys over HTTP", () => {
    const sentAs = (grpc: boolean) =>
      new Set(
        requests
          .filter(({ headers }) => grpc === Boolean(headers['content-type']?.startsWith('application/grpc')))
          .map(({ operation }) => operation),
      );
    expect(sentAs(true)).toEqual(new Set(GRPC_CALLS));
    expect(sentAs(false)).toEqual(new Set<Operation>(['token', 'keys']));
    expect(new Set(requests.map(({ origin }) => origin))).toEqual(new Set([tlsUrl]));
  });
});
