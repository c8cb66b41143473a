export type TokenPayload = Record<string, unknown>;

/** Where the API's documentation is silent, how this environment behaves. May be changed while it runs. */
export type Behaviour = {
  /** Status of a success: as documented (201 for what is made), or 200 throughout, as gateways of this kind do. */
  status: 'documented' | 'ok';
  /** An API error's body: Google's Status with an ErrorInfo inside, or the bare ErrorInfo. */
  apiErrors: 'status' | 'bare';
  /** A token error's body: OAuth's `{error, error_description}`, the API's `{code, message, details}`, or plain text. */
  tokenErrors: 'oauth' | 'grpc' | 'text';
  /** A field that the API does not know: 400, or passed over. */
  unknownFields: 'refused' | 'ignored';
  /** Fields at their zero value (an ACTIVE status, an empty list): left out of answers, or written. */
  emptyFields: 'omitted' | 'written';
  /** Whether answers say a client's `expiry`; the documented example does not. */
  expiryInAnswer: boolean;
  /** Whether a client needs a name. */
  nameRequired: boolean;
  /** Smallest `expiry` accepted, in seconds; 0 for any. */
  minimumExpiry: number;
  /** A `page_size` outside 10–100: 400, or the nearest size that is inside. */
  pageSizeOutside: 'refused' | 'clamped';
  /** Clients on a page when the request names no `page_size`. */
  defaultPageSize: number;
  /** Order of clients in lists. */
  listOrder: Order;
  /** Order of secrets within a client. */
  secretOrder: Order;
  /** Milliseconds until lists show a new client. */
  listLag: number;
  /** Milliseconds in which a new client's own path answers 404. */
  readLag: number;
  /** Milliseconds in which the token endpoint answers 401 to a new secret. */
  secretLag: number;
  /** A list in PATCH replaces the client's, or is joined to it. */
  patch: 'replace' | 'merge';
  /** Scopes that the server drops without a word. */
  dropScopes: string[];
  /** Seconds that a token lives: the environment's own, and a client's where the client has no `expiry`. */
  tokenSeconds: { environment: number; client: number };
  /** `aud` of a client with one audience: a list of one, or that audience itself. */
  audience: 'list' | 'string';
  /** A customer's interceptor: the payload that a client's token gets instead, or undefined to deny the token. */
  tokenChanges: (payload: TokenPayload) => TokenPayload | undefined;
  /** At most `requests` in any `windowMs`, the rest is 429; `retryAfter` says how that answer's header tells the wait. */
  rateLimit: { requests: number; windowMs: number; retryAfter?: 'seconds' | 'date' } | undefined;
};

export type Order = 'oldest' | 'newest' | 'random';

export const defaultBehaviour: Behaviour = {
  status: 'documented',
  apiErrors: 'status',
  tokenErrors: 'oauth',
  unknownFields: 'refused',
  emptyFields: 'omitted',
  expiryInAnswer: true,
  nameRequired: true,
  minimumExpiry: 300,
  pageSizeOutside: 'refused',
  defaultPageSize: 10,
  listOrder: 'oldest',
  secretOrder: 'oldest',
  listLag: 0,
  readLag: 0,
  secretLag: 0,
  patch: 'replace',
  dropScopes: [],
  tokenSeconds: { environment: 86_399, client: 3600 },
  audience: 'list',
  tokenChanges: (payload) => payload,
  rateLimit: undefined,
};
