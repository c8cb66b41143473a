// What the calls for organizations do to the store.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { OrganizationSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/organizations/organizations_pb.js';
import type { Behaviour } from './behaviour.ts';
import type { methods, RequestOf } from './descriptors.ts';
import { ApiError } from './errors.ts';
import { pageOf } from './paging.ts';
import type { Organization, Store } from './store.ts';

type OrganizationOperation = Extract<keyof typeof methods, `${string}rganization${string}`>;
type Handlers = {
  [Operation in OrganizationOperation]: (
    request: RequestOf<Operation>,
  ) => MessageInitShape<(typeof methods)[Operation]['output']>;
};

/**
 * Returns the handlers of the calls for organizations. The action calls one of them. Scalekit's SDKs and their tests
 * create and delete organizations.
 * @throws {ApiError} from a handler, if the call fails
 */
export function organizationHandlers(store: Store, behaviour: Behaviour): Handlers {
  const named = ({ identities }: RequestOf<'getOrganization' | 'deleteOrganization'>): Organization => {
    const organization = store.organizations.find(({ id, externalId }) =>
      identities.case === 'externalId' ? externalId === identities.value : id === identities.value,
    );
    if (!organization) throw store.missing('organization');
    return organization;
  };
  const shown = (organization: Organization) => create(OrganizationSchema, organization);
  return {
    createOrganization: ({ organization: fields }) => {
      const { displayName = '', externalId = '', metadata = {} } = fields ?? {};
      if (externalId && store.organizations.some((known) => known.externalId === externalId)) {
        throw new ApiError(6, 'an organization with this external_id already exists');
      }
      return { organization: shown(store.addOrganization(externalId, { displayName, metadata })) };
    },
    getOrganization: (request) => ({ organization: shown(named(request)) }),
    // Official tests expect the newest first.
    listOrganizations: (request) => {
      const { items, ...page } = pageOf(store.organizations.toReversed(), request, behaviour);
      return { organizations: items.map(shown), ...page };
    },
    deleteOrganization: (request) => {
      store.deleteOrganization(named(request));
      return {};
    },
    organizationByExternalId: (request) => {
      if (request.identities.case !== 'externalId') throw new ApiError(3, 'ExternalId is required');
      return { organization: shown(named(request)) };
    },
  };
}
