// What each call of the Scalekit API does to the store.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { OrganizationClientSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import type { Behaviour } from './behaviour.ts';
import { type ApiOperation, invalid, type methods, type RequestOf } from './descriptors.ts';
import { organizationHandlers } from './organizations.ts';
import { pageOf } from './paging.ts';
import type { Store } from './store.ts';

type Handlers = {
  [Operation in ApiOperation]: (
    request: RequestOf<Operation>,
  ) => MessageInitShape<(typeof methods)[Operation]['output']>;
};

/**
 * Returns the handler of each API call. A handler takes the validated request message and returns the fields of the
 * response message.
 * @param firstSecretAgeMs age in milliseconds that the first secret of a new client has
 * @throws {ApiError} from a handler, if the call fails
 */
export function apiHandlers(store: Store, behaviour: Behaviour, firstSecretAgeMs = 0): Handlers {
  const check = (client: { name: string; expiry: bigint } | undefined, creating: boolean) => {
    const { nameRequired, minimumExpiry } = behaviour;
    const violations = [];
    if (creating && nameRequired && !client?.name) {
      violations.push({
        field: 'client.name',
        description: 'must be at least 1 character',
        constraint: 'string.min_len',
      });
    }
    if (client?.expiry && client.expiry < BigInt(minimumExpiry)) {
      const description = `must be at least ${minimumExpiry} seconds`;
      violations.push({ field: 'client.expiry', description, constraint: 'int64.gte' });
    }
    if (violations.length) throw invalid(violations);
  };
  return {
    createClient: ({ organizationId, client: fields }) => {
      check(fields, true);
      store.checkName(organizationId, fields?.name ?? '');
      const client = store.createClient(organizationId, fields ?? create(OrganizationClientSchema));
      const { plain } = store.addSecret(client, firstSecretAgeMs);
      return { client: store.forResponse(client), plainSecret: plain };
    },
    listClients: (request) => {
      const { items, ...page } = pageOf(store.list(request.organizationId), request, behaviour);
      return { clients: items.map((client) => store.forResponse(client)), ...page };
    },
    getClient: ({ organizationId, clientId }) => ({
      client: store.forResponse(store.client(organizationId, clientId)),
    }),
    updateClient: ({ organizationId, clientId, client: fields }) => {
      const client = store.client(organizationId, clientId);
      check(fields, false);
      if (fields?.name) store.checkName(organizationId, fields.name, client);
      if (fields) store.updateClient(client, fields);
      const shown = store.forResponse(client);
      return { client: behaviour.secretsInPatchAnswer ? shown : { ...shown, secrets: [] } };
    },
    deleteClient: ({ organizationId, clientId }) => {
      store.deleteClient(store.client(organizationId, clientId));
      return {};
    },
    addSecret: ({ organizationId, clientId }) => {
      const { secret, plain } = store.addSecretWithinCap(store.client(organizationId, clientId));
      return { plainSecret: plain, secret };
    },
    deleteSecret: ({ organizationId, clientId, secretId }) => {
      store.deleteSecret(store.client(organizationId, clientId), secretId);
      return {};
    },
    ...organizationHandlers(store, behaviour),
  };
}
