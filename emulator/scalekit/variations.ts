// What the environment's behaviours do to the fields of a client.

import { create, type JsonObject } from '@bufbuild/protobuf';
import { CustomClaimSchema, type M2MClient } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import type { Added, Behaviour, TokenPayload } from './behaviour.ts';
import type { ApiOperation } from './descriptors.ts';

const HTML_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };

/** Returns a description as the server stores it. */
export function storedDescription(text: string, { descriptions }: Behaviour): string {
  switch (descriptions) {
    case 'kept':
      return text;
    case 'trimmed':
      return text.trim();
    case 'folded':
      return text.replace(/\r\n|\r|\n/g, ' ');
    case 'escaped':
      return text.replace(/[&<>"']/g, (character) => HTML_ENTITIES[character] ?? character);
    case 'cut':
      return [...text].slice(0, 255).join('');
    case 'rewritten':
      return text && 'Managed by the administrator';
  }
}

/** The lists of a client to which the environment can add entries. */
export type Lists = Pick<M2MClient, 'scopes' | 'audience' | 'customClaims'>;

/** Returns the lists of a client as its responses or its token contain them, with the environment's own entries. */
export function withAdded(
  { scopes, audience, customClaims }: Lists,
  { addedScopes, addedAudience, addedClaims }: Behaviour,
  where: 'client' | 'token',
): Lists {
  const claims = addedClaims && {
    ...addedClaims,
    entries: addedClaims.entries.map((claim) => create(CustomClaimSchema, claim)),
  };
  return {
    scopes: joined(scopes, addedScopes, where, String),
    audience: joined(audience, addedAudience, where, String),
    customClaims: joined(customClaims, claims, where, ({ key }) => key),
  };
}

function joined<Entry>(
  own: Entry[],
  added: Added<Entry> | undefined,
  where: 'client' | 'token',
  keyOf: (entry: Entry) => string,
): Entry[] {
  if (!added || (added.shownIn !== where && added.shownIn !== 'both')) return own;
  if (added.clients === 'without' && own.length > 0) return own;
  const keys = own.map(keyOf);
  return [...own, ...added.entries.filter((entry) => !keys.includes(keyOf(entry)))];
}

/** Returns the fields of a token payload that contain the client's claims. */
export function claimFields(claims: Lists['customClaims'], { claimsInToken }: Behaviour): TokenPayload {
  const object = Object.fromEntries(claims.map(({ key, value }) => [key, value]));
  switch (claimsInToken) {
    case 'nested':
      return { custom_claims: object };
    case 'flat':
      return object;
    case 'list':
      return { custom_claims: claims.map(({ key, value }) => ({ key, value })) };
    case 'absent':
      return {};
  }
}

/** Changes the clients in the JSON of a response in the ways that a protobuf message cannot express. */
export function editClients(operation: ApiOperation, json: JsonObject, behaviour: Behaviour): void {
  const listed = operation === 'listClients';
  const clients = (listed ? (json.clients ?? []) : json.client ? [json.client] : []) as JsonObject[];
  for (const client of clients) {
    if (behaviour.expiryInAnswer === false) delete client.expiry;
    if (behaviour.expiryInAnswer === 'zero') client.expiry = '0';
    if (listed && !behaviour.descriptionsInLists) delete client.description;
  }
}
