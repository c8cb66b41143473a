// Emulates a Scalekit environment, and the parts of GitHub that the action calls, on loopback. Tests and scripts start
// it with `startEmulator`.

import { fromJson } from '@bufbuild/protobuf';
import { OrganizationClientSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import type { Hold, HttpResponse, RecordedRequest, Route } from './exchange.ts';
import { FaultPlan, type FaultRule } from './faults.ts';
import { createGitHub, type GitHub } from './github/github.ts';
import type { Behaviour } from './scalekit/behaviour.ts';
import { createEnvironment } from './scalekit/environment.ts';
import type { Credentials } from './scalekit/oauth.ts';
import type { ClientJson, Organization } from './scalekit/store.ts';
import { listen } from './server.ts';
import { type CertificateKind, makeCertificate } from './tls.ts';
import type { RunnerVariables } from './variables.ts';

export type { Operation } from './exchange.ts';
export type { Fault } from './faults.ts';
export type { Behaviour } from './scalekit/behaviour.ts';
export { DEBUG_MARKER } from './scalekit/errors.ts';

export type EmulatorOptions = {
  /** Port of the HTTP listener. Any free port by default. */
  port?: number;
  /** Port of the TLS listener. Any free port by default. */
  tlsPort?: number;
  /** Starts a second listener with TLS and this kind of certificate. `true` means `valid`. */
  tls?: boolean | CertificateKind;
  /** Whether the TLS listener offers HTTP/2 next to HTTP/1.1. Scalekit's SDKs need it, because they use gRPC. */
  http2?: boolean;
  /** `iss` of tokens. By default the origin that the caller used. */
  issuer?: string;
  /** External id of the organization that exists from the start. Random by default. */
  organizationExternalId?: string | undefined;
  /** Age in milliseconds that the first secret of a client has when a request creates the client. 0 by default. */
  firstSecretAgeMs?: number;
  /** Variables of the job that uses the emulated GitHub. RUNNER_VARIABLES by default. */
  runner?: RunnerVariables;
  behaviour?: Partial<Behaviour>;
  faults?: FaultRule[];
  hold?: Hold;
};

/** The fields of a client, in the JSON of the API. The API's length limits are not checked. */
type Seed = Partial<Pick<ClientJson, 'name' | 'description' | 'scopes' | 'audience' | 'custom_claims'>> & {
  expiry?: number;
};

/** The age of a secret in milliseconds, and whether it is inactive. */
type SecretSeed = { ageMs: number; inactive?: boolean };

type SeedOptions = {
  organizationId?: string;
  /** Age of the client in milliseconds. 0 by default. */
  ageMs?: number;
  /** Number of secrets, each as old as the client, or one entry per secret. One secret by default. */
  secrets?: number | SecretSeed[];
};

/** A running emulator, and the methods with which tests control it. */
export type Emulator = {
  url: string;
  tlsUrl: string | undefined;
  /** Certificate (PEM) of the authority that signed the TLS certificate. */
  ca: string | undefined;
  /** The environment's API credentials. */
  credentials: Credentials;
  /** The organization that exists from the start. */
  organization: Organization;
  /** The environment variables that a program needs to use this emulator. The URL uses https if TLS is on. */
  variables: Record<string, string>;
  /** The emulated GitHub API and ID token endpoint, at the same address. */
  github: GitHub;
  /** Tests can change it at any time. */
  behaviour: Behaviour;
  faults: FaultPlan;
  hold: Hold | undefined;
  /**
   * Milliseconds that each new connection waits for the server's first byte. 0 by default. The round trips of TCP and
   * TLS 1.3 over a network add two latencies.
   */
  connectionDelay: number;
  /** Every complete request, in order of arrival. */
  requests: RecordedRequest[];
  /** Number of connections that were opened so far. */
  readonly connections: number;
  addOrganization(externalId?: string): Organization;
  /** Returns all clients of one organization, or of all, in order of creation. Ignores `listLag` and `listOrder`. */
  clients(organizationId?: string): ClientJson[];
  /** Returns every plain secret that was issued for one client, or for all. Includes deleted secrets. */
  secrets(clientId?: string): string[];
  /** Creates a client without a request. `plainSecrets` has the order of the client's `secrets`. */
  seed(fields: Seed, options?: SeedOptions): { client: ClientJson; plainSecrets: string[] };
  /** Deletes all clients, their issued secrets and all recorded requests. */
  clear(): void;
  /** Stops immediately, and ends open connections and pending responses. */
  close(): Promise<void>;
};

/** Starts a Scalekit environment with one organization, and the parts of GitHub that the action calls, on loopback. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { store, credentials, behaviour, find } = createEnvironment(options);
  const organization = store.addOrganization(options.organizationExternalId);
  const github = createGitHub(options.runner);
  const faults = new FaultPlan(options.faults);
  const requests: RecordedRequest[] = [];
  const counters = { connections: 0 };
  const parts = {
    find: (method: string, path: string) => github.find(method, path) ?? find(method, path) ?? notFound,
    faults,
    hold: () => emulator.hold,
    connectionDelay: () => emulator.connectionDelay,
    requests,
  };

  const plain = await listen(parts, { port: options.port ?? 0 }, counters);
  const certificate = options.tls ? await makeCertificate(options.tls === true ? 'valid' : options.tls) : undefined;
  const { tlsPort = 0, http2 = false } = options;
  const secure = certificate && (await listen(parts, { port: tlsPort, certificate, http2 }, counters));
  const url = `http://127.0.0.1:${plain.port}`;
  const tlsUrl = secure && `https://127.0.0.1:${secure.port}`;

  const emulator: Emulator = {
    url,
    tlsUrl,
    ca: certificate?.ca,
    credentials,
    organization,
    variables: {
      SCALEKIT_ENVIRONMENT_URL: tlsUrl ?? url,
      SCALEKIT_CLIENT_ID: credentials.clientId,
      SCALEKIT_CLIENT_SECRET: credentials.clientSecret,
      SCALEKIT_ORGANIZATION_ID: organization.id,
    },
    github: github.serveAt(tlsUrl ?? url),
    behaviour,
    faults,
    hold: options.hold,
    connectionDelay: 0,
    requests,
    get connections() {
      return counters.connections;
    },
    addOrganization: (externalId) => store.addOrganization(externalId),
    clients: (organizationId) => store.snapshot(organizationId),
    secrets: (clientId) => store.plainSecrets(clientId),
    seed: (fields, { organizationId = organization.id, ageMs = 0, secrets = 1 } = {}) => {
      const client = store.createClient(organizationId, fromJson(OrganizationClientSchema, fields), ageMs);
      const seeds = typeof secrets === 'number' ? Array<SecretSeed>(secrets).fill({ ageMs }) : secrets;
      const plainSecrets = seeds.map((seed) => store.addSecret(client, seed.ageMs, seed.inactive).plain);
      return { client: store.json(client), plainSecrets };
    },
    clear: () => {
      store.clear();
      requests.length = 0;
    },
    close: async () => {
      await Promise.all([plain.close(), secure?.close()]);
    },
  };
  return emulator;
}

/** The route of a path that the emulator does not serve. */
const notFound: Route = {
  operation: 'unknown',
  handler: async (): Promise<HttpResponse> => ({ status: 404, body: { code: 5, message: 'Not Found', details: [] } }),
};
