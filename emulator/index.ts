import { fromJson } from '@bufbuild/protobuf';
import { OrganizationClientSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import type { Answer, Hold, RecordedRequest, Route } from './exchange.ts';
import { FaultPlan, type FaultRule } from './faults.ts';
import { createGitHub, type GitHub } from './github/github.ts';
import type { Behaviour } from './scalekit/behaviour.ts';
import { createEnvironment } from './scalekit/environment.ts';
import type { Credentials } from './scalekit/oauth.ts';
import type { ClientJson, Organization } from './scalekit/store.ts';
import { listen } from './server.ts';
import { type CertificateKind, makeCertificate } from './tls.ts';

export type { Operation } from './exchange.ts';
export type { Fault } from './faults.ts';
export type { Behaviour } from './scalekit/behaviour.ts';
export { DEBUG_MARKER } from './scalekit/errors.ts';

export type EmulatorOptions = {
  /** Ports of the two listeners; any free one if not given. */
  port?: number;
  tlsPort?: number;
  /** Whether to listen with TLS too, and with what certificate (`true` is `valid`). */
  tls?: boolean | CertificateKind;
  /** Whether TLS offers HTTP/2 too, which gRPC needs, and with it Scalekit's SDK. */
  http2?: boolean;
  /** `iss` of tokens; the origin that the caller used if not given. */
  issuer?: string;
  behaviour?: Partial<Behaviour>;
  faults?: FaultRule[];
  hold?: Hold;
};

/** A client's fields in the API's own JSON; rules of length do not hold here. */
type Seed = Partial<Pick<ClientJson, 'name' | 'description' | 'scopes' | 'audience' | 'custom_claims'>> & {
  expiry?: number;
};

/** The secret's age in milliseconds, and whether somebody switched it off. */
type SecretSeed = { ageMs: number; inactive?: boolean };

type SeedOptions = {
  organizationId?: string;
  /** How long ago the client was made, in milliseconds. */
  ageMs?: number;
  /** How many secrets of the client's age it has, or what each is like. One if not given. */
  secrets?: number | SecretSeed[];
};

export type Emulator = {
  url: string;
  tlsUrl: string | undefined;
  /** PEM of the authority that signed the TLS certificate. */
  ca: string | undefined;
  /** The environment's own API credentials. */
  credentials: Credentials;
  /** The organization that was there from the start. */
  organization: Organization;
  /** What a client needs in its environment to use this emulator, over TLS where that is on. */
  variables: Record<string, string>;
  /** GitHub's API and ID tokens, at the same address. */
  github: GitHub;
  /** May be changed at any time. */
  behaviour: Behaviour;
  faults: FaultPlan;
  hold: Hold | undefined;
  /** Every complete request, in the order of arrival. */
  requests: RecordedRequest[];
  /** How many connections were opened so far. */
  readonly connections: number;
  addOrganization(externalId?: string): Organization;
  /** All clients that exist, of one organization or all, in the order of their making, whatever lists show. */
  clients(organizationId?: string): ClientJson[];
  /** Every plain secret ever made, for one client or all, deleted ones included. */
  secrets(clientId?: string): string[];
  /** Puts a client there without a request. `plainSecrets` are in the order of the client's `secrets`. */
  seed(fields: Seed, options?: SeedOptions): { client: ClientJson; plainSecrets: string[] };
  /** Takes all clients away, and forgets their secrets and all requests. */
  clear(): void;
  /** Ends at once, whatever connections and answers are under way. */
  close(): Promise<void>;
};

/** Starts a Scalekit environment on loopback, with one organization in it, and a corner of GitHub beside it. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { store, credentials, behaviour, find } = createEnvironment(options.behaviour ?? {}, options.issuer);
  const organization = store.addOrganization();
  const github = createGitHub();
  const faults = new FaultPlan(options.faults);
  const requests: RecordedRequest[] = [];
  const numbers = { connections: 0 };
  const parts = {
    find: (method: string, path: string) => github.find(method, path) ?? find(method, path) ?? notFound,
    faults,
    hold: () => emulator.hold,
    requests,
  };

  const plain = await listen(parts, { port: options.port ?? 0 }, numbers);
  const certificate = options.tls ? await makeCertificate(options.tls === true ? 'valid' : options.tls) : undefined;
  const { tlsPort = 0, http2 = false } = options;
  const secure = certificate && (await listen(parts, { port: tlsPort, certificate, http2 }, numbers));
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
    requests,
    get connections() {
      return numbers.connections;
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

const notFound: Route = {
  operation: 'unknown',
  work: async (): Promise<Answer> => ({ status: 404, body: { code: 5, message: 'Not Found', details: [] } }),
};
