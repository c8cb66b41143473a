import type { OwnershipMarker } from '../src/client/marker.ts';
import type { ClientFields } from '../src/scalekit/types.ts';
import type { Target } from './caller.ts';
import type { Reply } from './reply.ts';

// What a run saw. `Walk` fills it, and the assumptions are checked against it. A field is undefined if its request was
// not sent.

/** A client that the run asked for. */
export interface Made {
  /** The fields as they were sent, the ownership marker included. */
  fields: ClientFields;
  marker: OwnershipMarker;
  /** The answer to the request that creates it. */
  created: Reply;
  /** Its id, and the value of its secret. Empty if the answer does not show them. */
  id: string;
  secret: string;
  /** The client as it was first read by its id. */
  read?: Settled;
  /** Its first token. */
  token?: Settled;
}

/** A request that was repeated until its answer was good, or until the answer could no longer change. */
export interface Settled {
  last: Reply;
  /** Milliseconds until the answer was good: 0 if the first one was. Undefined if none was. */
  lag: number | undefined;
}

/** A list of clients, read page by page. */
export interface Listing {
  /** The size of its pages, or empty if the requests named none. */
  page_size: string;
  pages: number;
  /** The clients, as they arrived. */
  entries: unknown[];
  /** The last answer. */
  last: Reply;
  /** Why the list is incomplete. Empty if all of it was read. */
  incomplete: string;
}

/** What one update did: its answer, and the client as it was read afterwards. */
export interface Updated {
  fields: Partial<ClientFields>;
  answer: Reply;
  after: Reply;
}

/** What a client was created for. */
export type Role =
  /** Has everything that a client can have, apart from scopes. */
  | 'full'
  /** Has no scopes, audience, claims or expiry. */
  | 'bare'
  /** Has a description with white space, a line break and characters of HTML. */
  | 'odd'
  /** Has the longest name and the longest description. */
  | 'long'
  /** Its tokens live for 300 seconds. */
  | 'brief'
  /** Has the scopes that the user named. */
  | 'scoped'
  /** Has a scope that is not registered. */
  | 'unregistered'
  /** Has a name that is too long. */
  | 'invalid'
  /** Fills the list, so that it has a second page. */
  | `filler-${number}`;

export interface Seen {
  target: Target;
  /** Registered scopes. Empty if the user named none. */
  scopes: string[];
  signIn?: Reply;
  /** The first request for a list, with `page_size` 100. */
  firstPage?: Reply;
  /** The list before anything was made. */
  before?: Listing;
  clients: Partial<Record<Role, Made>>;
  wrongSecret?: Reply;
  keys?: Reply;
  /** When the list showed the first client. */
  listed?: Settled;
  /** The answer to the request for a second client with the same name. */
  sameName?: Reply;
  /** The list after all clients were made: in large pages, in small pages, and in large pages again if some are missing. */
  after?: Listing;
  paged?: Listing;
  afterPaging?: Listing;
  renamed?: Updated;
  reclaimed?: Updated;
  readdressed?: Updated;
  redescribed?: Updated;
  /** The second secret of a client: the request that added it, the client afterwards, and tokens of both secrets. */
  second?: { added: Reply; after?: Reply; tokens?: [first: Reply, second: Settled] };
  /** The answers to requests for more secrets. */
  more?: Reply[];
  /** The deletion of the second secret, the client afterwards, and when its token was refused. */
  secretDeleted?: { answer: Reply; after?: Reply; token?: Settled };
  /** The request to delete the only secret of a client. */
  lastSecret?: Reply;
  /** The deletion of a client, then a request for it, and its second deletion. */
  clientDeleted?: { answer: Reply; read?: Reply; again?: Reply };
}
