// The data of the emulated environment, and the rules of the API for changing it.

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
import { storedDescription, withAdded } from './variations.ts';

/** An organization: its Scalekit id, the caller's id for it, its name, and what the caller noted about it. */
export type Organization = {
  id: string;
  externalId: string;
  displayName: string;
  metadata: Record<string, string>;
};

/** A client, in the JSON of the API. */
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

/** `createdAt` is in milliseconds since 1970. `randomOrder` is the sort key for a random `listOrder`. */
type Stored = { client: M2MClient; randomOrder: number; createdAt: number };
type Issued = { clientId: string; secretId: string; plain: string; createdAt: number };

/** The usual `error_code` of the response for a secret above the maximum, by its status. */
const MAX_SECRETS_ERROR_CODES = {
  400: 'INVALID_ARGUMENT',
  409: 'CONFLICT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
};

/** Stores organizations, their clients and the clients' secrets. Does not depend on HTTP. */
export class Store {
  readonly organizations: Organization[] = [];
  readonly #behaviour: Behaviour;
  readonly #clients = new Map<string, Stored>();
  /** Every plain secret that was issued. Includes deleted secrets, so that tests can search logs for them. */
  readonly #issued: Issued[] = [];
  #lastTime = 0n;

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
  }

  addOrganization(
    externalId = `external-${digits()}`,
    { displayName = 'Emulated organization', metadata = {} }: Partial<Organization> = {},
  ): Organization {
    const organization = { id: `org_${digits()}`, externalId, displayName, metadata };
    this.organizations.push(organization);
    return organization;
  }

  /** Deletes an organization and its clients. */
  deleteOrganization(organization: Organization): void {
    this.organizations.splice(this.organizations.indexOf(organization), 1);
    for (const { client } of [...this.#clients.values()]) {
      if (client.organizationId === organization.id) this.deleteClient(client);
    }
  }

  /**
   * Creates a client without a secret.
   * @throws {ApiError} (404) if the organization does not exist
   */
  createClient(organizationId: string, fields: OrganizationClient, ageMs = 0): M2MClient {
    this.#checkOrganization(organizationId);
    const { name, description, scopes, audience, customClaims, expiry } = fields;
    const time = this.#now(ageMs);
    const client = create(M2MClientSchema, {
      clientId: `m2morg_${digits()}`,
      organizationId,
      name,
      description: storedDescription(description, this.#behaviour),
      scopes: this.#granted(scopes),
      audience,
      customClaims,
      expiry,
      createTime: time,
      updateTime: time,
    });
    this.#clients.set(client.clientId, { client, randomOrder: Math.random(), createdAt: Date.now() - ageMs });
    return client;
  }

  /** Adds a secret, and returns it with its plain value. Ignores the maximum number of secrets. */
  addSecret(client: M2MClient, ageMs = 0, inactive = false): { secret: ClientSecret; plain: string } {
    // The format of the example in the documentation: the kind of the environment, then 32 characters.
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
    this.#issued.push({ clientId: client.clientId, secretId: secret.id, plain, createdAt: Date.now() - ageMs });
    return { secret, plain };
  }

  /**
   * Adds a secret, and returns it with its plain value.
   * @throws {ApiError} as `maxSecretsError` says, if the client has the maximum number of secrets
   */
  addSecretWithinCap(client: M2MClient): { secret: ClientSecret; plain: string } {
    const { maxSecrets, maxSecretsError } = this.#behaviour;
    if (client.secrets.length < maxSecrets) return this.addSecret(client);
    const { text, status, errorCode = MAX_SECRETS_ERROR_CODES[status] } = maxSecretsError;
    const message =
      text === 'only' ? `only ${maxSecrets} secrets are allowed` : 'maximum number of client secrets reached';
    throw new ApiError(status === 429 ? 8 : 3, message, { status, errorCode });
  }

  /**
   * Deletes a secret.
   * @throws {ApiError} (404) if the client does not have this secret, (400) if it is the client's only secret
   */
  deleteSecret(client: M2MClient, secretId: string): void {
    if (!client.secrets.some(({ id }) => id === secretId)) throw this.missing('client secret');
    if (client.secrets.length === 1) throw new ApiError(9, this.#behaviour.lastSecretText);
    client.secrets = client.secrets.filter(({ id }) => id !== secretId);
  }

  /**
   * Checks that the name of a new client, or the new name of a client, is free. Does nothing without `uniqueNames`.
   * @throws {ApiError} (409) if another client of the organization has this name
   */
  checkName(organizationId: string, name: string, except?: M2MClient): void {
    if (!this.#behaviour.uniqueNames) return;
    for (const { client } of this.#clients.values()) {
      if (client !== except && client.organizationId === organizationId && client.name === name) {
        throw new ApiError(6, 'a client with this name already exists');
      }
    }
  }

  /**
   * Updates the fields that are not empty. On the wire, an empty field and a missing field are the same.
   * @throws {ApiError} (400) if the fields contain another audience and `audienceInPatch` is `refused`
   */
  updateClient(client: M2MClient, fields: OrganizationClient): void {
    const { name, description, scopes, audience, customClaims, expiry } = fields;
    const list = <Item>(old: Item[], changes: Item[], key: (item: Item) => string): Item[] => {
      if (!changes.length) return old;
      if (this.#behaviour.patch === 'replace') return changes;
      return [...new Map([...old, ...changes].map((item) => [key(item), item])).values()];
    };
    const { audienceInPatch } = this.#behaviour;
    if (audienceInPatch === 'refused' && this.#changesAudience(client, audience)) {
      const violations = [{ field: 'client.audience', description: 'cannot be changed', constraint: '' }];
      throw new ApiError(3, 'audience cannot be changed', { violations });
    }
    Object.assign(client, {
      name: name || client.name,
      description: description ? storedDescription(description, this.#behaviour) : client.description,
      scopes: this.#granted(list(client.scopes, scopes, String)),
      audience: audienceInPatch === 'stored' ? list(client.audience, audience, String) : client.audience,
      customClaims: list(client.customClaims, customClaims, ({ key }) => key),
      expiry: expiry || client.expiry,
      updateTime: this.#now(),
    });
  }

  deleteClient(client: M2MClient): void {
    this.#clients.delete(client.clientId);
  }

  /** Returns the error for an object that does not exist. */
  missing(what: 'organization' | 'client' | 'client secret'): ApiError {
    return new ApiError(5, `${what} not found`, this.#behaviour.notFound);
  }

  /** Deletes all clients and the record of issued secrets. Keeps the organizations. */
  clear(): void {
    this.#clients.clear();
    this.#issued.length = 0;
  }

  /**
   * Returns a client.
   * @throws {ApiError} (404) if the organization or the client does not exist, or the client is newer than `readLag`
   */
  client(organizationId: string, clientId: string): M2MClient {
    this.#checkOrganization(organizationId);
    const stored = this.#clients.get(clientId);
    const visible = stored && Date.now() - stored.createdAt >= this.#behaviour.readLag;
    if (!visible || stored.client.organizationId !== organizationId) throw this.missing('client');
    return stored.client;
  }

  /**
   * Returns the clients of an organization as a list request does: without clients newer than `listLag`, in
   * `listOrder`.
   * @throws {ApiError} (404) if the organization does not exist
   */
  list(organizationId: string): M2MClient[] {
    this.#checkOrganization(organizationId);
    const listed = [...this.#clients.values()].filter(
      ({ client, createdAt }) =>
        client.organizationId === organizationId && Date.now() - createdAt >= this.#behaviour.listLag,
    );
    // Each client has a fixed random sort key. With a new order per request, pages could overlap.
    if (this.#behaviour.listOrder === 'random') listed.sort((a, b) => a.randomOrder - b.randomOrder);
    else sortByTime(listed, this.#behaviour.listOrder, ({ client }) => client);
    return listed.map(({ client }) => client);
  }

  /**
   * Returns the client with this id and this active secret. Updates the secret's `lastUsedTime`.
   * @throws {ApiError} (401) if there is none, or as `secretLagStatus` says if the secret is newer than `secretLag`
   */
  authenticate(clientId: string, plain: string): M2MClient {
    const client = this.#clients.get(clientId)?.client;
    const issued = this.#issued.find((entry) => entry.clientId === clientId && entry.plain === plain);
    const secret = client?.secrets.find(
      ({ id, status }) => id === issued?.secretId && status === ClientSecretStatus.ACTIVE,
    );
    if (!client || !issued || !secret) throw new ApiError(16, 'invalid client credentials');
    if (Date.now() - issued.createdAt < this.#behaviour.secretLag) {
      throw new ApiError(16, 'invalid client credentials', { status: this.#behaviour.secretLagStatus });
    }
    secret.lastUsedTime = this.#now();
    return client;
  }

  /** Returns a client as responses contain it: a copy with added entries, and with its secrets in `secretOrder`. */
  forResponse(client: M2MClient): M2MClient {
    const copy = Object.assign(clone(M2MClientSchema, client), withAdded(client, this.#behaviour, 'client'));
    if (this.#behaviour.secretOrder === 'random') copy.secrets.sort(() => Math.random() - 0.5);
    else sortByTime(copy.secrets, this.#behaviour.secretOrder, (secret) => secret);
    if (this.#behaviour.expiryInAnswer !== true) copy.expiry = 0n;
    return copy;
  }

  /** Returns the clients of one or all organizations, in order of creation. Ignores `listLag` and `listOrder`. */
  snapshot(organizationId: string | undefined): ClientJson[] {
    return [...this.#clients.values()]
      .filter(({ client }) => organizationId === undefined || client.organizationId === organizationId)
      .map(({ client }) => this.json(client));
  }

  json(client: M2MClient): ClientJson {
    return toJson(M2MClientSchema, client, { useProtoFieldName: true }) as ClientJson;
  }

  /** Returns every plain secret that was issued for one client, or for all. Includes deleted secrets. */
  plainSecrets(clientId: string | undefined): string[] {
    return this.#issued
      .filter((entry) => clientId === undefined || entry.clientId === clientId)
      .map(({ plain }) => plain);
  }

  /**
   * Checks that an organization exists.
   * @throws {ApiError} (404) if it does not exist
   */
  #checkOrganization(id: string): void {
    if (!this.organizations.some((known) => known.id === id)) throw this.missing('organization');
  }

  /** Returns whether an update contains an audience that is neither the client's own nor the one in responses. */
  #changesAudience(client: M2MClient, audience: string[]): boolean {
    const shown = withAdded(client, this.#behaviour, 'client').audience;
    const same = (known: string[]) => [...known].sort().join() === [...audience].sort().join();
    return audience.length > 0 && !same(client.audience) && !same(shown);
  }

  #granted(scopes: string[]): string[] {
    return scopes.filter((scope) => !this.#behaviour.dropScopes.includes(scope));
  }

  /**
   * Returns the time `ageMs` milliseconds ago. The current time is never used twice, so that exactly one object is
   * oldest.
   */
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
  withTime: (item: Item) => { createTime?: Timestamp | undefined },
): void {
  const nanoseconds = (item: Item) => {
    const { seconds = 0n, nanos = 0 } = withTime(item).createTime ?? {};
    return seconds * 1_000_000_000n + BigInt(nanos);
  };
  const direction = order === 'oldest' ? 1 : -1;
  items.sort((a, b) => direction * Number(nanoseconds(a) - nanoseconds(b)));
}
