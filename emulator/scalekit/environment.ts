// The emulated Scalekit environment: authenticates requests and routes them to the API, token and key endpoints.

import { randomBytes } from 'node:crypto';
import { create, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import type { HttpResponse, RecordedRequest, Route } from '../exchange.ts';
import { type Behaviour, defaultBehaviour } from './behaviour.ts';
import { apiHandlers } from './clients.ts';
import { type ApiOperation, decode, httpRule, methods } from './descriptors.ts';
import { ApiError } from './errors.ts';
import { grpcFailure, grpcOperation, grpcResponse, isGrpcPath, readMessage } from './grpc.ts';
import { type Credentials, oauthEndpoints } from './oauth.ts';
import { Store } from './store.ts';
import { digits, subject } from './token.ts';
import { editClients } from './variations.ts';

/** An emulated Scalekit environment. `find` returns the route of a path, or undefined if the API does not have it. */
export type Environment = {
  behaviour: Behaviour;
  credentials: Credentials;
  store: Store;
  find: (method: string, path: string) => Route | undefined;
};

const rules = Object.entries(methods).map(([operation, method]) => ({
  operation: operation as ApiOperation,
  ...httpRule(method),
}));

type EnvironmentOptions = {
  behaviour?: Partial<Behaviour>;
  /** `iss` of tokens. By default the origin that the caller used. */
  issuer?: string;
  /** Age in milliseconds that the first secret of a client has when a request creates the client. 0 by default. */
  firstSecretAgeMs?: number;
};

/** Creates a Scalekit environment: its API credentials, an empty store, and the routes of its API. */
export function createEnvironment({ behaviour: changes, issuer, firstSecretAgeMs }: EnvironmentOptions): Environment {
  const behaviour: Behaviour = { ...defaultBehaviour, ...changes };
  const store = new Store(behaviour);
  const credentials = {
    clientId: `skc_${digits()}`,
    clientSecret: `test_${randomBytes(48).toString('base64url')}`,
  };
  const handlers = apiHandlers(store, behaviour, firstSecretAgeMs);
  const issuerOf = (request: RecordedRequest) => issuer ?? request.origin;
  const { token, keys, discovery } = oauthEndpoints(store, behaviour, credentials, issuerOf);
  const countCall = rateLimiter(behaviour);

  const authorize = async (request: RecordedRequest, operation: ApiOperation): Promise<void> => {
    const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const caller = bearer && (await subject(bearer, issuerOf(request)));
    if (!caller) throw new ApiError(16, 'authentication required');
    if (caller !== credentials.clientId) throw new ApiError(7, 'permission denied');
    if (behaviour.forbidden.includes(operation)) throw new ApiError(7, 'permission denied');
  };
  const admit = (endpoint: 'token' | 'api') => {
    checkAddress(behaviour, endpoint);
    countCall();
  };
  const handle = (operation: ApiOperation, message: unknown): object =>
    (handlers[operation] as (message: unknown) => object)(message);

  const api = async (
    rule: (typeof rules)[number],
    path: RegExpExecArray,
    request: RecordedRequest,
  ): Promise<HttpResponse> => {
    await authorize(request, rule.operation);
    const { input, output } = methods[rule.operation];
    const json: JsonObject = Object.fromEntries(new URL(request.path, request.origin).searchParams);
    for (const [index, name] of rule.parameters.entries()) json[name] = decodeURIComponent(path[index + 1] ?? '');
    if (rule.body && request.text) json[rule.body] = readJson(request.text);
    const message = decode(input, json, behaviour.unknownFields === 'ignored');
    const result = handle(rule.operation, message);
    const body = toJson(output, create(output, result), {
      useProtoFieldName: true,
      alwaysEmitImplicit: behaviour.emptyFields === 'written',
    }) as JsonObject;
    editClients(rule.operation, body, behaviour);
    return { status: behaviour.status === 'ok' ? 200 : rule.success, body };
  };

  const grpc = async (operation: ApiOperation, request: RecordedRequest): Promise<HttpResponse> => {
    try {
      admit('api');
      await authorize(request, operation);
      return grpcResponse(operation, handle(operation, readMessage(operation, request.bytes)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return grpcFailure(error);
    }
  };

  const withErrorResponse =
    (endpoint: 'token' | 'api', inner: Route['handler'], failure: (error: ApiError) => unknown): Route['handler'] =>
    async (request) => {
      try {
        admit(endpoint);
        return await inner(request);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const { status, headers, html } = error;
        if (html) return { status, headers: { ...headers, 'content-type': 'text/html; charset=utf-8' }, body: html };
        return { status, headers, body: failure(error) };
      }
    };
  const apiFailure = (error: ApiError) => error.body(behaviour.apiErrors);
  const tokenFailure = (error: ApiError) => {
    if (behaviour.tokenErrors === 'grpc') return error.body('status');
    if (behaviour.tokenErrors === 'text') return error.message;
    const names: Record<number, string> = { 3: 'invalid_request', 7: 'access_denied', 16: 'invalid_client' };
    return { error: names[error.code] ?? 'server_error', error_description: error.message };
  };
  const fixedRoutes: Record<string, Route> = {
    'POST /oauth/token': { operation: 'token', handler: withErrorResponse('token', token, tokenFailure) },
    'GET /keys': { operation: 'keys', handler: keys },
    'GET /.well-known/openid-configuration': { operation: 'discovery', handler: discovery },
  };

  const find = (method: string, path: string): Route | undefined => {
    for (const rule of rules) {
      const match = rule.method === method && rule.path.exec(path);
      if (match) {
        return {
          operation: rule.operation,
          handler: withErrorResponse('api', (request) => api(rule, match, request), apiFailure),
        };
      }
    }
    const operation = grpcOperation(path);
    if (operation) return { operation, handler: (request) => grpc(operation, request) };
    if (isGrpcPath(path)) return unservedRpc;
    return fixedRoutes[`${method} ${path}`];
  };
  return { behaviour, credentials, store, find };
}

/** The route of a gRPC path of Scalekit's API that the emulator does not serve. */
const unservedRpc: Route = {
  operation: 'unknown',
  handler: async () => grpcFailure(new ApiError(12, 'the emulator does not serve this call')),
};

function readJson(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(3, 'the body is not JSON');
  }
}

/**
 * Checks that the IP allowlist, if there is one, admits a request to this endpoint.
 * @throws {ApiError} (403, or the allowlist's status) if it does not
 */
function checkAddress({ ipAllowlist }: Behaviour, endpoint: 'token' | 'api'): void {
  if (ipAllowlist?.refusedAt !== endpoint) return;
  const { status, body } = ipAllowlist;
  throw new ApiError(status === 401 ? 16 : 7, 'access denied', {
    status,
    html: body === 'html' ? FIREWALL_PAGE : undefined,
  });
}

const FIREWALL_PAGE = `<!DOCTYPE html>
<html>
<head><title>Access denied</title></head>
<body><h1>Access denied</h1><p>Your request was blocked.</p></body>
</html>
`;

/**
 * Returns a function that counts a call.
 * @throws {ApiError} (429) from that function, if the call exceeds the rate limit
 */
function rateLimiter(behaviour: Behaviour): () => void {
  let calls: number[] = [];
  return () => {
    const limit = behaviour.rateLimit;
    if (!limit) return;
    const now = Date.now();
    calls = calls.filter((at) => at > now - limit.windowMs);
    if (calls.length < limit.requests) {
      calls.push(now);
      return;
    }
    const freeAt = (calls[0] ?? now) + limit.windowMs;
    const seconds = Math.ceil((freeAt - now) / 1000);
    const wait = limit.retryAfter === 'date' ? new Date(now + seconds * 1000 + 999).toUTCString() : String(seconds);
    throw new ApiError(8, 'rate limit exceeded', { headers: limit.retryAfter ? { 'retry-after': wait } : {} });
  };
}
