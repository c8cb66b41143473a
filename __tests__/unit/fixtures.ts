import type { DesiredClient } from '../../src/client/desired.ts';
import { type ManagedClient, withMarker } from '../../src/client/identity.ts';
import { formatMarker, type OwnershipMarker } from '../../src/client/marker.ts';
import type { SavedSnapshot, SecretLocation } from '../../src/github/saved-credentials.ts';
import { NetworkError } from '../../src/net/network-error.ts';
import { type FinalResponse, type HttpRequest, Transport } from '../../src/net/transport.ts';
import type { Client, ClientFields, Secret } from '../../src/scalekit/types.ts';
import type { PendingClient, PendingSecret, PendingState, PendingVariables } from '../../src/undo/pending.ts';

/** The ownership marker that this run writes into a client that it creates. */
export const MARKER: OwnershipMarker = {
  key: 'key_56789-123456',
  repo: '1296269',
  by: '1296269',
  run: '1658821493.2',
  lifetime: 'persistent',
  nonce: 'nonce_789-123456',
};
/** `MARKER` as the last line of a description. */
export const NEW_MARKER_LINE = formatMarker(MARKER);
/** The ownership marker of the earlier run that created the client. */
export const OLD_MARKER_LINE = formatMarker({ ...MARKER, run: '7.1', nonce: 'older-nonce-1234' });

/** Where credentials are saved: in the repository. */
export const LOCATION: SecretLocation = {
  repository: 'acme/app',
  environment: '',
  state_variable: 'A_STATE',
  id_variable: 'A_ID',
  secret: 'A_SECRET',
};
/** What GitHub Actions has if the credentials of `client()` are saved. */
export const SAVED = {
  client_id: 'm2morg_1',
  state: `v1 key:${MARKER.key} organization:org_1 secret:sks_1`,
  stateTime: '2026-11-24T08:00:00Z',
  secretTime: '2026-11-24T08:00:02Z',
} satisfies SavedSnapshot;
/** What GitHub Actions has if nothing is saved. */
export const NOTHING_SAVED: SavedSnapshot = { client_id: undefined, state: undefined, secretTime: undefined };

/** The state of a step that has not changed anything. */
export const BLANK_STATE = {
  origin: 'https://acme.scalekit.com',
  organization_id: 'org_1',
  nonce: MARKER.nonce,
  run: '1.1',
  lifetime: 'persistent',
} as const satisfies PendingState;
export const PENDING_CLIENT: PendingClient = {
  sent_at: 1_795_000_000_000,
  sent_again: false,
  id: 'm2morg_2',
  secret_ids: ['sks_1'],
};
export const PENDING_SECRET: PendingSecret = {
  client_id: 'm2morg_2',
  nonce: 'older-nonce-1234',
  known_ids: [],
  outcome_unknown: false,
  id: 'sks_1',
};
/** The variables of a step that replaced the credentials of client `m2morg_1` by those of `m2morg_2`. */
export const PENDING_VARIABLES: PendingVariables = {
  api: 'https://ghes.acme.example/api/v3',
  location: LOCATION,
  before: SAVED,
  written: { client_id: 'm2morg_2', state: `v1 key:${MARKER.key} organization:org_1 secret:sks_9` },
};

export const LISTS: Required<Pick<ClientFields, 'scopes' | 'audience' | 'custom_claims'>> = {
  scopes: ['deploy:apps', 'read:apps'],
  audience: ['api.acme.example', 'https://b.acme.example'],
  custom_claims: [
    { key: 'github_repository', value: 'acme/app' },
    { key: 'environment', value: 'production' },
  ],
};
export const NO_LISTS = { scopes: [], audience: [], custom_claims: [] };
const FIELDS: ClientFields = {
  name: 'Deployer',
  description: 'What for',
  ...LISTS,
  expiry: 3600,
};

/** Returns a desired client for which every field was given. */
export function desiredClient(changes: Partial<DesiredClient> = {}): DesiredClient {
  return {
    organization_id: 'org_1',
    fields: FIELDS,
    given: { name: true, description: true },
    marker: MARKER,
    identity: {
      repository: 'acme/app',
      repository_id: '1296269',
      environment: 'production',
      name: 'Deployer',
      lifetime: 'persistent',
    },
    client_id: '',
    on_existing: 'rotate',
    rotate_after: undefined,
    keep_secrets: 2,
    verify: true,
    access_token: false,
    location: undefined,
    dry_run: false,
    run_url: '',
    notices: [],
    ...changes,
  };
}

/** Returns a desired client for which no optional field was given. Its name and description are default ones. */
export function bareDesiredClient(changes: Partial<DesiredClient> = {}): DesiredClient {
  const { name, description } = FIELDS;
  return desiredClient({ fields: { name, description }, given: { name: false, description: false }, ...changes });
}

/** Returns the client that an earlier run created for `desiredClient()`, with one secret. */
export function client(changes: Partial<Client> = {}): ManagedClient {
  return withMarker({
    client_id: 'm2morg_1',
    organization_id: 'org_1',
    name: FIELDS.name,
    description: `${FIELDS.description}\n${OLD_MARKER_LINE}`,
    ...LISTS,
    expiry: 3600,
    create_time: 1n,
    secrets: [secret(1)],
    ...changes,
  });
}

/** @param time creation time in hours since the epoch. It is the number in the id as well */
export function secret(time: number, changes: Partial<Secret> = {}): Secret {
  const create_time = BigInt(time) * 3_600_000_000_000n;
  return { id: `sks_${time}`, create_time, suffix: '', active: true, ...changes };
}

/**
 * A transport that sends nothing. The test returns the response to each request, or the error to throw. Fields that it
 * omits are those of an empty response with status 200.
 */
export class FakeTransport extends Transport {
  readonly requests: HttpRequest[] = [];
  readonly #respond: (request: HttpRequest) => Partial<FinalResponse> | Error;

  constructor(respond: (request: HttpRequest) => Partial<FinalResponse> | Error) {
    super('1.1', 3600);
    this.#respond = respond;
  }

  override async send(request: HttpRequest): Promise<FinalResponse> {
    request.onSend?.();
    this.requests.push(request);
    const response = this.#respond(request);
    if (response instanceof Error) throw response;
    return { status: 200, headers: {}, body: '', mayBeDone: false, cancelled: false, ...response };
  }

  override async wait(_milliseconds: number): Promise<boolean> {
    return true;
  }

  /** Method and path of each request, in order. */
  get sent(): string[] {
    return this.requests.map(({ method, url }) => `${method} ${url.pathname}`);
  }
}

export function json(value: unknown): Pick<FinalResponse, 'headers' | 'body'> {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** A request that a server may have carried out: the connection broke before the response. */
export const NO_RESPONSE = new NetworkError('socket hang up', 'ECONNRESET', true);
/** GitHub's response if something does not exist. */
export const MISSING = { status: 404, ...json({ message: 'Not Found' }) };
/** GitHub's response if a token lacks a permission. */
export const FORBIDDEN = { status: 403, ...json({ message: 'Resource not accessible by integration' }) };
