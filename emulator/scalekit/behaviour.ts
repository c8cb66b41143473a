export type TokenPayload = Record<string, unknown>;

/**
 * How the environment behaves in cases that the API's documentation does not specify. Tests can change it at any time.
 */
export type Behaviour = {
  /** Status of a successful response: as documented (201 for a create), or always 200, as gRPC gateways respond. */
  status: 'documented' | 'ok';
  /** Body of an API error: Google's Status that contains an ErrorInfo, or only the ErrorInfo. */
  apiErrors: 'status' | 'bare';
  /** Body of a token error: OAuth's `{error, error_description}`, the API's `{code, message, details}`, or text. */
  tokenErrors: 'oauth' | 'grpc' | 'text';
  /** What happens if a request has a field that the API does not know: status 400, or the field is ignored. */
  unknownFields: 'refused' | 'ignored';
  /** Whether responses omit or contain fields at their zero value, such as an ACTIVE status or an empty list. */
  emptyFields: 'omitted' | 'written';
  /** Whether responses contain a client's `expiry`. The documented example does not contain it. */
  expiryInAnswer: boolean;
  /** Whether a client must have a name. */
  nameRequired: boolean;
  /** Smallest accepted `expiry`, in seconds. 0 accepts every value. */
  minimumExpiry: number;
  /**
   * What happens if `page_size` is not in the range 10 to 100: status 400, or the nearest size in the range is used.
   */
  pageSizeOutside: 'refused' | 'clamped';
  /** Number of clients on a page if the request has no `page_size`. */
  defaultPageSize: number;
  /** Order of clients in lists. */
  listOrder: Order;
  /** Order of secrets within a client. */
  secretOrder: Order;
  /** Milliseconds until lists contain a new client. */
  listLag: number;
  /** Milliseconds during which a request for a new client by its id returns 404. */
  readLag: number;
  /** Milliseconds during which the token endpoint returns 401 for a new secret. */
  secretLag: number;
  /** Whether a list in a PATCH request replaces the client's list or is merged into it. */
  patch: 'replace' | 'merge';
  /** Scopes that the server drops silently. */
  dropScopes: string[];
  /** Lifetime of tokens in seconds: of the environment's tokens, and of a client's tokens if it has no `expiry`. */
  tokenSeconds: { environment: number; client: number };
  /** `aud` in the token of a client with one audience: a list with one entry, or a string. */
  audience: 'list' | 'string';
  /** A customer's interceptor. Returns the payload to use for a client's token, or undefined to deny the token. */
  tokenChanges: (payload: TokenPayload) => TokenPayload | undefined;
  /**
   * Allows `requests` requests in any period of `windowMs` milliseconds. Further requests fail with 429. `retryAfter`
   * is the format of that response's `retry-after` header. Without it, the header is absent.
   */
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
