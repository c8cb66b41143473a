import { randomBytes } from 'node:crypto';
import { clone, create, toJson } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import {
  type ClientSecret,
  ClientSecretSchema,
  ClientSecretStatus,
  type M2MClient,
  M2MClientSchema,
  type OrganizationClient,
} from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import type { Behaviour, Order } from './behaviour.ts';
import { ApiError } from './errors.ts';
import { digits } from './token.ts';

export type Organization = { id: string; externalId: string };

/** A client as the API shows it. */
export type ClientJson = {
  client_id: string;
  organization_id: string;
  secrets?: {
    id: string;
    create_time: string;
    update_time: string;
    secret_suffix: string;
    status?: string;
    last_used_time?: string;
  }[];
  name?: string;
  description?: string;
  scopes?: string[];
  audience?: string[];
  custom_claims?: { key: string; value?: string }[];
  expiry?: string;
  create_time: string;
  update_time: string;
};

type Stored = { client: M2MClient; order: number; since: number };
type Issued = { clientId: string; secretId: string; plain: string; since: number };

const SECRETS_AT_MOST = 5;

/** Organizations, their clients and secrets. Nothing here knows HTTP. */
export class Store {
  readonly organizations: Organization[] = [];
  readonly #behaviour: Behaviour;
  readonly #clients = new Map<string, Stored>();
  /** Every plain secret ever handed out; a deleted one stays here, so that tests can search logs for it. */
  readonly #issued: Issued[] = [];
  #lastTime = 0n;

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
  }

  addOrganization(externalId = `external-${digits()}`): Organization {
    const organization = { id: `org_${digits()}`, externalId };
    this.organizations.push(organization);
    return organization;
  }

  createClient(organizationId: string, fields: OrganizationClient, ageMs = 0): M2MClient {
    this.#organization(organizationId);
    const { name, description, scopes, audience, customClaims, expiry } = fields;
    const time = this.#now(ageMs);
    const client = create(M2MClientSchema, {
      clientId: `m2morg_${digits()}`,
      organizationId,
      name,
      description,
      scopes: this.#granted(scopes),
      audience,
      customClaims,
      expiry,
      createTime: time,
      updateTime: time,
    });
    this.#clients.set(client.clientId, { client, order: Math.random(), since: Date.now() - ageMs });
    return client;
  }

  /** Adds a secret without regard to the cap, and returns it together with its plain value. */
  addSecret(client: M2MClient, ageMs = 0, inactive = false): { secret: ClientSecret; plain: string } {
    // The form of the documentation's example: the environment's kind, then 32 characters.
    const plain = `test_${randomBytes(24).toString('base64url')}`;
    const time = this.#now(ageMs);
    const secret = create(ClientSecretSchema, {
      id: `sks_${digits()}`,
      createTime: time,
      updateTime: time,
      lastUsedTime: time,
      secretSuffix: plain.slice(-4),
      status: inactive ? ClientSecretStatus.INACTIVE : ClientSecretStatus.ACTIVE,
    });
    client.secrets.push(secret);
    this.#issued.push({ clientId: client.clientId, secretId: secret.id, plain, since: Date.now() - ageMs });
    return { secret, plain };
  }

  addSecretWithinCap(client: M2MClient): { secret: ClientSecret; plain: string } {
    if (client.secrets.length >= SECRETS_AT_MOST) throw new ApiError(9, 'maximum number of client secrets reached');
    return this.addSecret(client);
  }

  deleteSecret(client: M2MClient, secretId: string): void {
    if (!client.secrets.some(({ id }) => id === secretId)) throw new ApiError(5, 'client secret not found');
    if (client.secrets.length === 1) throw new ApiError(9, 'last client cannot be deleted');
    client.secrets = client.secrets.filter(({ id }) => id !== secretId);
  }

  /** Changes the fields that are not empty: on the wire an emptied field cannot be told from one that is left out. */
  updateClient(client: M2MClient, fields: OrganizationClient): void {
    const { name, description, scopes, audience, customClaims, expiry } = fields;
    const list = <Item>(old: Item[], given: Item[], key: (item: Item) => string): Item[] => {
      if (!given.length) return old;
      if (this.#behaviour.patch === 'replace') return given;
      return [...new Map([...old, ...given].map((item) => [key(item), item])).values()];
    };
    Object.assign(client, {
      name: name || client.name,
      description: description || client.description,
      scopes: this.#granted(list(client.scopes, scopes, String)),
      audience: list(client.audience, audience, String),
      customClaims: list(client.customClaims, customClaims, ({ key }) => key),
      expiry: expiry || client.expiry,
      updateTime: this.#now(),
    });
  }

  deleteClient(client: M2MClient): void {
    this.#clients.delete(client.clientId);
  }

  clear(): void {
    this.#clients.clear();
    this.#issued.length = 0;
  }

  /** @throws ApiError (404) also for a client younger than the lag of reads */
  client(organizationId: string, clientId: string): M2MClient {
    this.#organization(organizationId);
    const stored = this.#clients.get(clientId);
    const visible = stored && Date.now() - stored.since >= this.#behaviour.readLag;
    if (!visible || stored.client.organizationId !== organizationId) throw new ApiError(5, 'client not found');
    return stored.client;
  }

  /** The clients that a list shows, in the order in which it shows them. */
  list(organizationId: string): M2MClient[] {
    this.#organization(organizationId);
    const shown = [...this.#clients.values()].filter(
      ({ client, since }) => client.organizationId === organizationId && Date.now() - since >= this.#behaviour.listLag,
    );
    // A random order is drawn once for each client: pages would overlap otherwise.
    if (this.#behaviour.listOrder === 'random') shown.sort((a, b) => a.order - b.order);
    else sortByTime(shown, this.#behaviour.listOrder, ({ client }) => client);
    return shown.map(({ client }) => client);
  }

  /** The client that an id and one of its active secrets belong to. */
  authenticate(clientId: string, plain: string): M2MClient | undefined {
    const client = this.#clients.get(clientId)?.client;
    const issued = this.#issued.find((one) => one.clientId === clientId && one.plain === plain);
    const secret = client?.secrets.find(
      ({ id, status }) => id === issued?.secretId && status === ClientSecretStatus.ACTIVE,
    );
    if (!client || !issued || !secret || Date.now() - issued.since < this.#behaviour.secretLag) return undefined;
    secret.lastUsedTime = this.#now();
    return client;
  }

  /** A client as answers carry it: a copy, its secrets in the configured order. */
  shown(client: M2MClient): M2MClient {
    const copy = clone(M2MClientSchema, client);
    if (this.#behaviour.secretOrder === 'random') copy.secrets.sort(() => Math.random() - 0.5);
    else sortByTime(copy.secrets, this.#behaviour.secretOrder, (secret) => secret);
    if (!this.#behaviour.expiryInAnswer) copy.expiry = 0n;
    return copy;
  }

  /** Every client, whatever lists show, in plain JSON and in the order of their making. */
  snapshot(organizationId: string | undefined): ClientJson[] {
    return [...this.#clients.values()]
      .filter(({ client }) => organizationId === undefined || client.organizationId === organizationId)
      .map(({ client }) => this.json(client));
  }

  json(client: M2MClient): ClientJson {
    return toJson(M2MClientSchema, client, { useProtoFieldName: true }) as ClientJson;
  }

  plainSecrets(clientId: string | undefined): string[] {
    return this.#issued.filter((one) => clientId === undefined || one.clientId === clientId).map(({ plain }) => plain);
  }

  #organization(id: string): void {
    if (!this.organizations.some((one) => one.id === id)) throw new ApiError(5, 'organization not found');
  }

  #granted(scopes: string[]): string[] {
    return scopes.filter((scope) => !this.#behaviour.dropScopes.includes(scope));
  }

  /** The moment `ageMs` milliseconds ago. No two are the same, so "the oldest" always has an answer. */
  #now(ageMs = 0): Timestamp {
    const microseconds = BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000));
    const now = microseconds * 1000n > this.#lastTime ? microseconds * 1000n : this.#lastTime + 1n;
    this.#lastTime = now;
    const time = now - BigInt(Math.floor(ageMs * 1e6));
    return {
      $typeName: 'google.protobuf.Timestamp',
      seconds: time / 1_000_000_000n,
      nanos: Number(time % 1_000_000_000n),
    };
  }
}

function sortByTime<Item>(
  items: Item[],
  order: Exclude<Order, 'random'>,
  dated: (item: Item) => { createTime?: Timestamp | undefined },
): void {
  const nanoseconds = (item: Item) => {
    const { seconds = 0n, nanos = 0 } = dated(item).createTime ?? {};
    return seconds * 1_000_000_000n + BigInt(nanos);
  };
  const direction = order === 'oldest' ? 1 : -1;
  items.sort((a, b) => direction * Number(nanoseconds(a) - nanoseconds(b)));
}
