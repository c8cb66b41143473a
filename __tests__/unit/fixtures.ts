import type { DesiredClient } from '../../src/client/desired.ts';
import { formatMarker, type ManagedClient, type OwnershipMarker, withMarker } from '../../src/client/identity.ts';
import { type HttpRequest, type HttpResponse, Transport } from '../../src/net/transport.ts';
import type { Client, ClientFields, Secret } from '../../src/scalekit/types.ts';

/** What this run would write into a client that it makes. */
export const TRAILER: OwnershipMarker = {
  key: 'key_56789-123456',
  repo: '1296269',
  by: '1296269',
  run: '1658821493.2',
  lifetime: 'persistent',
  nonce: 'nonce_789-123456',
};
export const NEW_LINE = formatMarker(TRAILER);
/** What the run wrote that made the client. */
export const OLD_LINE = formatMarker({ ...TRAILER, run: '7.1', nonce: 'older-nonce-1234' });

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

/** A request in which every field was given. */
export function request(changes: Partial<DesiredClient> = {}): DesiredClient {
  return {
    organization_id: 'org_1',
    fields: FIELDS,
    given: { name: true, description: true },
    marker: TRAILER,
    identity: {
      repository: 'acme/app',
      repository_id: '1296269',
      environment: 'production',
      name: 'Deployer',
      lifetime: 'persistent',
    },
    client_id: '',
    on_existing: 'rotate',
    keep_secrets: 2,
    verify: true,
    access_token: false,
    location: undefined,
    dry_run: false,
    notices: [],
    ...changes,
  };
}

/** A request in which none of the fields was given that may be left out. */
export function bareRequest(changes: Partial<DesiredClient> = {}): DesiredClient {
  const { name, description } = FIELDS;
  return request({ fields: { name, description }, given: { name: false, description: false }, ...changes });
}

/** The client that an earlier run made of the same request, with one secret. */
export function client(changes: Partial<Client> = {}): ManagedClient {
  return withMarker({
    client_id: 'm2morg_1',
    organization_id: 'org_1',
    name: FIELDS.name,
    description: `${FIELDS.description}\n${OLD_LINE}`,
    ...LISTS,
    expiry: 3600,
    create_time: 1n,
    secrets: [secret(1)],
    ...changes,
  });
}

/** @param time hours since the epoch; also its number */
export function secret(time: number, changes: Partial<Secret> = {}): Secret {
  const create_time = BigInt(time) * 3_600_000_000_000n;
  return { id: `sks_${time}`, create_time, suffix: '', active: true, ...changes };
}

/** A transport whose answers the test gives: the error that it throws, or what is special about the answer. */
export class FakeTransport extends Transport {
  readonly calls: HttpRequest[] = [];
  readonly #answer: (call: HttpRequest) => Partial<HttpResponse> | Error;

  constructor(answer: (call: HttpRequest) => Partial<HttpResponse> | Error) {
    super('1.1', 3600);
    this.#answer = answer;
  }

  override async send(call: HttpRequest): Promise<HttpResponse> {
    call.onSend?.();
    this.calls.push(call);
    const answer = this.#answer(call);
    if (answer instanceof Error) throw answer;
    return { status: 200, headers: {}, body: '', ...answer };
  }

  override async pause(_milliseconds: number): Promise<void> {}

  /** What was sent, in order. */
  get sent(): string[] {
    return this.calls.map(({ method, url }) => `${method} ${url.pathname}`);
  }
}

export function json(value: unknown): Pick<HttpResponse, 'body'> {
  return { body: JSON.stringify(value) };
}
