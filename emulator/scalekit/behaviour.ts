import type { ApiOperation } from './descriptors.ts';

export type TokenPayload = Record<string, unknown>;

/** A custom claim of a client. */
type Claim = { key: string; value: string };

/**
 * Entries that the server adds to a list of a client. `clients` says to which: to each client, or to those whose own
 * list is empty. `shownIn` says where they appear. They are not stored, so no update removes them.
 */
export type Added<Entry> = {
  entries: readonly Entry[];
  clients: 'all' | 'without';
  shownIn: 'client' | 'token' | 'both';
};

/**
 * How the environment behaves in cases that the API's documentation does not specify. Tests can change it at any time.
 *
 * Each comment names the source of the behaviour: *recorded* in a response that Scalekit's documentation shows or that
 * its official tests expect, *sibling* for a rule of another Scalekit API that shares code with this one, or
 * *undocumented* if it is only possible.
 */
export type Behaviour = {
  /**
   * Status of a successful response: as documented (201 for a create), or always 200, as gRPC gateways respond.
   * Undocumented.
   */
  status: 'documented' | 'ok';
  /** Body of an API error: Google's Status that contains an ErrorInfo, or only the ErrorInfo. Both recorded. */
  apiErrors: 'status' | 'bare';
  /**
   * Body of a token error: OAuth's `{error, error_description}`, the API's `{code, message, details}`, or text.
   * Undocumented.
   */
  tokenErrors: 'oauth' | 'grpc' | 'text';
  /**
   * What happens if a request has a field that the API does not know: status 400, or the field is ignored.
   * Undocumented.
   */
  unknownFields: 'refused' | 'ignored';
  /**
   * Whether responses omit or contain fields at their zero value, such as `"status": "ACTIVE"` or `"secrets": []`.
   * Recorded: written.
   */
  emptyFields: 'omitted' | 'written';
  /**
   * A client's `expiry` in responses: the stored value, absent (false), or always `"0"`. Official tests expect the
   * stored value, the recorded responses do not contain it, and `"0"` is undocumented.
   */
  expiryInAnswer: boolean | 'zero';
  /**
   * What the server does to a description before it stores it: nothing, trim white space at both ends, replace each
   * line break by a space, escape HTML characters, cut it after 255 characters, or replace it by another text.
   * Undocumented.
   */
  descriptions: 'kept' | 'trimmed' | 'folded' | 'escaped' | 'cut' | 'rewritten';
  /** Whether list items have the key `description`. Undocumented. */
  descriptionsInLists: boolean;
  /** Whether a client must have a name. Recorded in the prose of the documentation. */
  nameRequired: boolean;
  /**
   * Whether two clients of an organization cannot have the same name. A create or an update then fails with 409 and
   * `RESOURCE_ALREADY_EXISTS`. Undocumented; the error code is documented.
   */
  uniqueNames: boolean;
  /** Smallest accepted `expiry`, in seconds. 0 accepts every value. Recorded in the prose of the documentation: 300. */
  minimumExpiry: number;
  /**
   * Smallest and largest accepted `page_size`. Recorded: an official test asks for 2 and gets it. The prose of the
   * documentation names 10 to 100, and another endpoint accepts at most 30 (sibling).
   */
  pageSizeRange: [minimum: number, maximum: number];
  /**
   * What happens if `page_size` is not in `pageSizeRange`: status 400 that names `page_size`, or the nearest size in the
   * range is used. Undocumented.
   */
  pageSizeOutside: 'refused' | 'clamped';
  /** Number of clients on a page if the request has no `page_size`. Recorded in the prose of the documentation: 10. */
  defaultPageSize: number;
  /** Order of clients in lists. Undocumented. */
  listOrder: Order;
  /** Order of secrets within a client. Recorded: oldest first. */
  secretOrder: Order;
  /** Milliseconds until lists contain a new client. Undocumented; official tests list a client at once. */
  listLag: number;
  /**
   * Milliseconds during which a request for a new client by its id fails as for a missing client (see `notFound`).
   * Undocumented; official tests read a client at once.
   */
  readLag: number;
  /**
   * Milliseconds during which the token endpoint refuses a new secret. Undocumented; an official test gets a token at
   * once.
   */
  secretLag: number;
  /** Status of the token endpoint's response during `secretLag`. Undocumented. */
  secretLagStatus: 400 | 401 | 404;
  /**
   * Status and `error_code` of the response for a missing client, secret or organization. Both codes are documented;
   * status 400 is undocumented.
   */
  notFound: { status: 400 | 404; errorCode: 'NOT_FOUND' | 'RESOURCE_NOT_FOUND' };
  /** Maximum number of secrets of a client. Documented: 5. Sibling: each environment has its own maximum. */
  maxSecrets: number;
  /**
   * Error for a secret above `maxSecrets`. `only` is the text "only N secrets are allowed" (sibling, with status 400 and
   * `INVALID_ARGUMENT`), `maximum` is "maximum number of client secrets reached" (undocumented). The other statuses are
   * undocumented. `errorCode` replaces the usual `error_code` of the status.
   */
  maxSecretsError: { text: 'only' | 'maximum'; status: 400 | 409 | 422 | 429; errorCode?: string };
  /** Message of the error (400) for deleting the last secret of a client. Both recorded. */
  lastSecretText: 'last client cannot be deleted' | 'at least one secret is required';
  /**
   * Operations that fail with 403 and `PERMISSION_DENIED`. For example `deleteClient` and `deleteSecret`: they need the
   * permission `api_credentials:rotate`, the other changes need `api_credentials:write`. Undocumented for API
   * credentials.
   */
  forbidden: ApiOperation[];
  /**
   * An IP allowlist that does not contain the caller. Every request to the token endpoint or to the API fails with
   * `status` (403 by default), and with an error in JSON or with the HTML page of a firewall. Undocumented.
   */
  ipAllowlist: { refusedAt: 'token' | 'api'; body: 'json' | 'html'; status?: 401 | 403 } | undefined;
  /** Whether a list in a PATCH request replaces the client's list or is merged into it. Undocumented. */
  patch: 'replace' | 'merge';
  /** Whether the response to PATCH contains the client's secrets. Recorded: it has `"secrets": []`. */
  secretsInPatchAnswer: boolean;
  /**
   * What happens to another audience in a PATCH request: it is stored, ignored, or refused with 400. Sibling: an
   * audience cannot be changed by an update.
   */
  audienceInPatch: 'stored' | 'ignored' | 'refused';
  /** Scopes that the server drops silently. Undocumented, for example for scopes that are not registered. */
  dropScopes: string[];
  /**
   * Default scopes of the environment. Recorded: a token contains `openid`, although the client has no scopes.
   * Otherwise undocumented.
   */
  addedScopes: Added<string> | undefined;
  /**
   * Default or additional audience of the environment. Sibling: an audience that was not given is filled in.
   * Otherwise undocumented.
   */
  addedAudience: Added<string> | undefined;
  /** Claims that the environment adds. A client's own claim with the same key wins. Undocumented. */
  addedClaims: Added<Claim> | undefined;
  /**
   * Form of a client's claims in its token: `custom_claims` as an object (documented), their keys at the top level,
   * `custom_claims` as a list of `{key, value}`, or absent. One recorded token has none; the others are undocumented.
   */
  claimsInToken: 'nested' | 'flat' | 'list' | 'absent';
  /** Whether a client's token contains `oid`. Documented; its absence is undocumented. */
  oidInToken: boolean;
  /**
   * Lifetime of tokens in seconds: of the environment's tokens, and of a client's tokens if it has no `expiry`.
   * Recorded: 86399 for the environment. Undocumented for clients.
   */
  tokenSeconds: { environment: number; client: number };
  /** `aud` in the token of a client with one audience: a list with one entry, or a string. Both recorded. */
  audience: 'list' | 'string';
  /**
   * A customer's interceptor. Returns the payload to use for a client's token, or undefined to deny the token.
   * Documented.
   */
  tokenChanges: (payload: TokenPayload) => TokenPayload | undefined;
  /**
   * Allows `requests` requests in any period of `windowMs` milliseconds. Further requests fail with 429. `retryAfter`
   * is the format of that response's `retry-after` header. Without it, the header is absent. Documented, without
   * figures and without the header.
   */
  rateLimit: { requests: number; windowMs: number; retryAfter?: 'seconds' | 'date' } | undefined;
};

export type Order = 'oldest' | 'newest' | 'random';

/** The environment as Scalekit's recorded responses show it and as its official tests expect it. */
export const defaultBehaviour: Behaviour = {
  status: 'documented',
  apiErrors: 'status',
  tokenErrors: 'oauth',
  unknownFields: 'refused',
  emptyFields: 'written',
  expiryInAnswer: true,
  descriptions: 'kept',
  descriptionsInLists: true,
  nameRequired: true,
  uniqueNames: false,
  minimumExpiry: 300,
  pageSizeRange: [1, Number.POSITIVE_INFINITY],
  pageSizeOutside: 'refused',
  defaultPageSize: 10,
  listOrder: 'oldest',
  secretOrder: 'oldest',
  listLag: 0,
  readLag: 0,
  secretLag: 0,
  secretLagStatus: 401,
  notFound: { status: 404, errorCode: 'NOT_FOUND' },
  maxSecrets: 5,
  maxSecretsError: { text: 'only', status: 400 },
  lastSecretText: 'last client cannot be deleted',
  forbidden: [],
  ipAllowlist: undefined,
  patch: 'replace',
  secretsInPatchAnswer: false,
  audienceInPatch: 'stored',
  dropScopes: [],
  addedScopes: undefined,
  addedAudience: undefined,
  addedClaims: undefined,
  claimsInToken: 'nested',
  oidInToken: true,
  tokenSeconds: { environment: 86_399, client: 3600 },
  audience: 'list',
  tokenChanges: (payload) => payload,
  rateLimit: undefined,
};
