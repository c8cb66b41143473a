// What each call of the Scalekit API does to the store.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { OrganizationClientSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import { OrganizationSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/organizations/organizations_pb.js';
import type { Behaviour } from './behaviour.ts';
import { type ApiOperation, invalid, type methods, type RequestOf } from './descriptors.ts';
import { ApiError } from './errors.ts';
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
    listClients: ({ organizationId, pageSize, pageToken }) => {
      const all = store.list(organizationId);
      const [minimum, maximum] = behaviour.pageSizeRange;
      const size = pageSize ? Math.min(Math.max(pageSize, minimum), maximum) : behaviour.defaultPageSize;
      if (pageSize && size !== pageSize && behaviour.pageSizeOutside === 'refused') {
        const description = `must be between ${minimum} and ${maximum}`;
        throw invalid([{ field: 'page_size', description, constraint: 'uint32.gte_lte' }]);
      }
      const start = pageToken ? readPageToken(pageToken) : 0;
      return {
        clients: all.slice(start, start + size).map((client) => store.forResponse(client)),
        totalSize: all.length,
        nextPageToken: start + size < all.length ? pageTokenOf(start + size) : '',
        prevPageToken: start > 0 ? pageTokenOf(Math.max(start - size, 0)) : '',
      };
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
    organizationByExternalId: ({ identities }) => {
      if (identities.case !== 'externalId') throw new ApiError(3, 'ExternalId is required');
      const organization = store.organizations.find(({ externalId }) => externalId === identities.value);
      if (!organization) throw store.missing('organization');
      return { organization: create(OrganizationSchema, { ...organization, displayName: 'Emulated organization' }) };
    },
  };
}

const pageTokenOf = (start: number) => Buffer.from(`start:${start}`).toString('base64url');

function readPageToken(token: string): number {
  const start = /^start:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (start === undefined) throw invalid([{ field: 'page_token', description: 'is not one of ours', constraint: '' }]);
  return Number(start);
}
