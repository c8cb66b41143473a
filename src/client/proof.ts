import type { Client } from '../scalekit/types.ts';
import { formatMarker, type OwnershipMarker, parseMarkers } from './marker.ts';

// Whose client the response to a create request shows. The response to this step's own POST is proof enough, even if the
// server stored the description without the ownership marker.

/** Nanoseconds that the creation time may be before the request: the clocks of two servers differ. */
const MAX_CLOCK_DIFFERENCE_NS = 60_000_000_000n;

/** What is known of a create request. */
export interface CreateRequest {
  organization_id: string;
  marker: OwnershipMarker;
  /** When the request was sent, by the server's clock, in nanoseconds since the epoch. Undefined if that clock is not known. */
  sentAt: bigint | undefined;
  /** Ids of the clients that a search before the request returned. Undefined if there was none. */
  seenIds: Set<string> | undefined;
}

/**
 * Whose client the response shows: this step's, or an unknown one. `isMarked`: whether it has this step's ownership marker.
 * `isProven`: whether the response alone proves that it is this step's.
 */
export type Proof = { isOwn: true; isMarked: boolean; isProven: boolean } | { isOwn: false; reason: string };

/** Returns whose client the response to a create request shows. */
export function proofOf(client: Client, request: CreateRequest): Proof {
  const markers = parseMarkers(client.description).map(formatMarker);
  const isMarked = markers.length === 1 && markers[0] === formatMarker(request.marker);
  if (markers.length > 0 && !isMarked)
    return { isOwn: false, reason: 'its description has the ownership marker of another step' };
  const reason = reasonNotProven(client, request);
  if (isMarked || !reason) return { isOwn: true, isMarked, isProven: !reason };
  return { isOwn: false, reason };
}

/** Returns why a client cannot be the one that the request created, as a clause. */
function reasonNotProven(
  { client_id, organization_id, create_time, secrets }: Client,
  { seenIds, sentAt, ...request }: CreateRequest,
): string | undefined {
  if (organization_id && organization_id !== request.organization_id) return 'it belongs to another organization';
  if (seenIds?.has(client_id)) return 'it existed before the request';
  if (create_time !== undefined && sentAt !== undefined && create_time < sentAt - MAX_CLOCK_DIFFERENCE_NS)
    return 'it was created before the request';
  return secrets.length > 1 ? 'it has several secrets' : undefined;
}
