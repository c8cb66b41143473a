"use strict";
exports.id = 950;
exports.ids = [950];
exports.modules = {

/***/ 950:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  sweepJobClients: () => (/* binding */ sweepJobClients)
});

// UNUSED EXPORTS: findJobClients, judgeByAge, judgeByRun

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(598);
// EXTERNAL MODULE: ./build/scalekit/types.js
var types = __webpack_require__(179);
// EXTERNAL MODULE: ./build/client/description.js
var description = __webpack_require__(297);
;// CONCATENATED MODULE: ./build/client/identity.js



const MARKER = /^\[scalekit-organization-client\/1 key=(?<key>[\w-]{16}) repo=(?<repo>[\w-]{1,16}) by=(?<by>[\w-]{1,16}) run=(?<run>\d{1,12}\.\d{1,4}) lifetime=(?<lifetime>persistent|job) nonce=(?<nonce>[\w-]{16})\]$/;
/**
 * Returns the hash that two runs share if they mean the same client. The repository's id is hashed if it is known, so
 * the hash survives a rename. Otherwise the name is hashed. Name and environment are compared regardless of case.
 */
function identityHash({ repository, repository_id, environment, name, lifetime }) {
    const target = repository_id ?? repository.toLowerCase();
    return shortHash(JSON.stringify([target, environment.toLowerCase(), name ?? null, lifetime]));
}
/** Returns the repository's id or, if it is not known, a hash of its name regardless of case. */
function repositoryReference(repository, repository_id) {
    return repository_id ?? shortHash(repository.toLowerCase());
}
/** Returns the ownership marker as one line of text. */
function formatMarker({ key, repo, by, run, lifetime, nonce }) {
    return `[scalekit-organization-client/1 key=${key} repo=${repo} by=${by} run=${run} lifetime=${lifetime} nonce=${nonce}]`;
}
/** Returns the description to send: the text, and the ownership marker as its last line. */
function appendMarker(descriptionText, marker) {
    return [descriptionText, formatMarker(marker)].filter(Boolean).join('\n');
}
/** Returns the ownership marker in the last line of a description, or undefined if there is none. */
function identity_parseMarker(description) {
    return MARKER.exec(splitDescription(description)[1])?.groups;
}
/** Returns the client with its description split into text and ownership marker. */
function withMarker(client) {
    const marker = identity_parseMarker(client.description);
    const text = marker ? splitDescription(client.description)[0] : client.description;
    const descriptionText = [...text].slice(0, description/* MAX_DESCRIPTION_TEXT */.C).join('');
    return { ...client, descriptionText, marker };
}
/**
 * Returns why a client that the user named by its id must not be managed with this identity. Returns undefined if it
 * may be.
 */
function reasonNotManageable(client, identity, { key, repo }) {
    const { marker } = client;
    if (marker?.key === key)
        return undefined;
    if (marker && marker.repo !== repo)
        return 'it was created for another repository, by its ownership marker';
    if (claimsNameRepository(client, identity) === false)
        return 'its claims name another repository';
    if (marker && marker.lifetime !== 'persistent')
        return 'it belongs to one job, by its ownership marker';
    const [environment] = claimValues(client, 'environment');
    if (environment !== undefined && environment.toLowerCase() !== identity.environment.toLowerCase()) {
        const expected = identity.environment ? JSON.stringify(identity.environment) : 'no environment';
        return `it is for the environment ${JSON.stringify(environment)}, and this step for ${expected}`;
    }
    return undefined;
}
/** Returns whether the claims of a client name the repository and the environment of this identity. */
function hasMatchingClaims(client, identity) {
    const [environment = ''] = claimValues(client, 'environment');
    return (claimsNameRepository(client, identity) === true && environment.toLowerCase() === identity.environment.toLowerCase());
}
/** Orders clients, the oldest first: by time in nanoseconds and then by id, so that all runs agree on the first. */
function oldestFirst(one, other) {
    return (0,types/* byCreateTime */.lG)(one, other) || (one.client_id < other.client_id ? -1 : 1);
}
/** Returns 16 characters (96 bits) of the SHA-256 of a text, in base64url. */
function shortHash(text) {
    return (0,external_node_crypto_.createHash)('sha256').update(text).digest('base64url').slice(0, 16);
}
/** Splits a description into the text before its last line, and the last line. */
function splitDescription(description) {
    const trimmed = description.trimEnd();
    const at = trimmed.lastIndexOf('\n');
    return [trimmed.slice(0, Math.max(at, 0)), trimmed.slice(at + 1)];
}
/**
 * Returns whether the claims of a client name this repository. Ids are compared if both sides have one, otherwise
 * names. Returns undefined if the claims name no repository.
 */
function claimsNameRepository(client, { repository, repository_id }) {
    const ids = claimValues(client, 'github_repository_id');
    if (ids.length > 0 && repository_id !== undefined)
        return ids.every((id) => id === repository_id);
    const names = claimValues(client, 'github_repository');
    return names.length > 0 ? names.every((name) => name.toLowerCase() === repository.toLowerCase()) : undefined;
}
/** Returns all values of a claim: the API allows the same key more than once. */
function claimValues({ custom_claims }, key) {
    return custom_claims.filter((claim) => claim.key === key).map(({ value }) => value);
}
/**
 * Returns whether the step with this nonce and run created the client.
 * @param run `ID.ATTEMPT` of the workflow run
 */
function identity_isFromThisStep({ description }, { nonce, run }) {
    const marker = identity_parseMarker(description);
    return marker?.nonce === nonce && marker.run === run;
}

// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(938);
// EXTERNAL MODULE: ./build/net/proxy.js + 1 modules
var net_proxy = __webpack_require__(775);
;// CONCATENATED MODULE: ./build/net/api-error.js


// The errors of the Scalekit and GitHub APIs, and the advice about the network that both have in common. scalekit/errors.ts
// and github/errors.ts add the advice for the responses of each API.
/** A failed API request: the operation, the status, the server's own message, and what the user can do. */
class api_error_ApiError extends Error {
    name = 'ApiError';
    /** Status of the response. Undefined if there was no response, or if it does not have the API's form. */
    status;
    constructor(message, options = {}) {
        super(message, { cause: options.cause });
        this.status = options.status;
    }
}
/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 * @param messages the server's own messages
 * @param advice what the user can do, a sentence, or empty
 */
function refusedError(operation, { status }, messages, advice) {
    return new api_error_ApiError(errorSentence(operation, [`HTTP ${status}`, ...messages].join(': '), advice), { status });
}
/**
 * Returns the error for a request that got no complete response.
 * @param operation completes "Could not …"
 * @param setting name of the input or variable that holds the server's URL
 * @param moreAdvice what else the user can do, a sentence, or empty
 */
function unansweredError(operation, error, setting, moreAdvice = '') {
    const advice = [networkAdvice(error, setting), moreAdvice].filter(Boolean).join(' ');
    return new api_error_ApiError(errorSentence(operation, error.message, advice), { cause: error });
}
/**
 * Returns the error for a response that does not have the form that the API documents.
 * @param operation completes "Could not …"
 * @param reason completes "HTTP 200, but …"
 * @param advice what the user can do, a sentence, or empty
 */
function invalidResponseError(operation, { status }, reason, advice) {
    return new api_error_ApiError(errorSentence(operation, `HTTP ${status}, but ${reason}`, advice));
}
/**
 * Returns the advice for a redirect.
 * @param advice what the user can do, a clause
 */
function redirectAdvice({ headers }, advice) {
    return `Redirects are not followed (it points to ${(0,output_text/* truncate */.xv)(String(headers.location ?? 'nowhere'), 200)}): ${advice}`;
}
/**
 * Returns whether a response may come from the API: its body is empty, a JSON object, a JSON list or null. Any other
 * body comes from a server in between, so its status says nothing about the API.
 */
function isApiResponse({ body }) {
    try {
        return body.trim() === '' || typeof JSON.parse(body) === 'object';
    }
    catch {
        return false;
    }
}
function errorSentence(operation, reason, advice) {
    return `Could not ${operation}: ${reason.replace(/[.\s]+$/, '')}.${advice && ` ${advice}`}`;
}
function networkAdvice(error, setting) {
    if (error.proxyError)
        return proxyAdvice(error, error.proxyError, setting);
    if (/EXPIRED|NOT_YET_VALID|ALTNAME|HOSTNAME/.test(error.code)) {
        return `The server's certificate is not valid for this host at this time: check ${setting} and who answers there. NODE_EXTRA_CA_CERTS helps against an unknown authority alone; never switch the check off.`;
    }
    if (error.isCertificateError) {
        return "The server's certificate is not trusted. Behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate; never switch the check off.";
    }
    if (/^(ENOTFOUND|EAI_AGAIN)$/.test(error.code))
        return `Check the host in ${setting}.`;
    if (error.isTlsError) {
        return `Check the port in ${setting}, and whether the server asks for a client certificate or an old TLS version, which this action does not offer.`;
    }
    if (error.code === 'DEADLINE')
        return 'Raise timeout.';
    if (error.code === 'CANCELLED')
        return '';
    if (error.code === 'TOO_LARGE')
        return `Check who answers at ${setting}.`;
    if (error.reached)
        return `If it happens again, raise timeout, and check who answers at ${setting}.`;
    return `Check ${setting} and the way to it (https_proxy, no_proxy, firewall).`;
}
function proxyAdvice({ isCertificateError }, { variable, code, status }, setting) {
    if (code === 'PROXY_ADDRESS')
        return `Expected ${net_proxy/* PROXY_URL_FORMAT */.rz}.`;
    if (isCertificateError)
        return `The proxy's own certificate is not accepted for the host in ${variable}: behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate.`;
    if (status === 407)
        return `It asks for a user and a password: ${variable} takes them as http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded.`;
    if (code === 'PROXY_REFUSED')
        return 'It does not let this host through: ask whoever runs it, or name the host in no_proxy.';
    if (status !== undefined)
        return `Check ${setting}, and whether the proxy reaches that host.`;
    return `Check the address in ${variable} and the way to it, or name the host in no_proxy.`;
}

// EXTERNAL MODULE: ./build/net/json.js
var json = __webpack_require__(661);
;// CONCATENATED MODULE: ./build/net/network-error.js

/** No complete response arrived: the connection failed, the time was over, or the response was too large. */
class NetworkError extends Error {
    name = 'NetworkError';
    /**
     * The code of Node.js, of OpenSSL or of a ProxyError; or TIMEOUT, DEADLINE, CANCELLED, TOO_LARGE, UPGRADE or UNKNOWN.
     */
    code;
    /** False if the request provably never reached the server, in any attempt. */
    reached;
    /** @param cause the error that Node.js or a proxy reported */
    constructor(message, code, reached, cause) {
        super(message, { cause });
        this.code = code;
        this.reached = reached;
    }
    /** Whether the server's certificate was not accepted (OpenSSL's codes, as Node.js names them). */
    get isCertificateError() {
        return /^(ERR_TLS_)?CERT_|^UNABLE_TO_|SELF_SIGNED_CERT|^INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH|PATH_LENGTH/.test(this.code);
    }
    /** Whether client and server could not agree on TLS. */
    get isTlsError() {
        return /^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(this.code) && !this.isCertificateError;
    }
    /** Whether a retry would fail in the same way. */
    get isPermanent() {
        return (this.isCertificateError ||
            this.isTlsError ||
            /^(TOO_LARGE|DEADLINE|CANCELLED|PROXY_ADDRESS|PROXY_REFUSED)$/.test(this.code));
    }
    /** The proxy's error, if the request failed on the way through a proxy. */
    get proxyError() {
        return this.cause instanceof net_proxy/* ProxyError */.T6 ? this.cause : undefined;
    }
}

;// CONCATENATED MODULE: ./build/net/outcome.js
function outcome_done(value) {
    return { kind: 'done', value };
}
/** @param mayBeDone whether the server may have carried the request out */
function failure(mayBeDone, error) {
    return { kind: mayBeDone ? 'unknown' : 'refused', error };
}
/** Returns the value of a request that was carried out. @throws {ApiError} if it was not, or not provably */
function outcome_unwrap(outcome) {
    if (outcome.kind === 'done')
        return outcome.value;
    throw outcome.error;
}

;// CONCATENATED MODULE: ./build/net/retry.js
/** Milliseconds: the maximum of the random delay after the first attempt. It doubles with each attempt. */
const BACKOFF_BASE = 500;
/** Milliseconds: the maximum of the random delay after any attempt. */
const BACKOFF_CAP = 10_000;
/**
 * Parses a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3).
 * @param now milliseconds since the epoch
 * @returns milliseconds to wait, or 0 if the header is absent or invalid
 */
function parseRetryAfter(header, now) {
    const text = header?.trim() ?? '';
    if (/^\d+$/.test(text))
        return Number(text) * 1000;
    const date = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)
        ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
        : Number.NaN;
    return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
/**
 * Returns the delay before the next attempt: the delay that the server requested, plus exponential back-off with full
 * jitter. Jobs that were rate-limited at the same time therefore do not retry at the same time.
 * @param attempt number of the failed attempt, from 1
 * @param requested milliseconds that the server requested
 * @param remaining milliseconds until the deadline. Jitter uses at most half of the time beyond `requested`.
 * @param random from 0 to 1
 * @returns milliseconds to wait, or undefined if the deadline comes first or is too near for any back-off
 */
function retryDelay(attempt, requested, remaining, random = Math.random()) {
    if (requested >= remaining || (requested === 0 && remaining < BACKOFF_BASE))
        return undefined;
    return requested + random * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (attempt - 1), (remaining - requested) / 2);
}

// EXTERNAL MODULE: external "node:https"
var external_node_https_ = __webpack_require__(708);
var external_node_https_default = /*#__PURE__*/__webpack_require__.n(external_node_https_);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(500);
// EXTERNAL MODULE: ./build/output/log.js
var output_log = __webpack_require__(183);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(30);
var external_node_net_default = /*#__PURE__*/__webpack_require__.n(external_node_net_);
;// CONCATENATED MODULE: ./build/net/agents.js



/** Opens TLS connections directly to servers. `preconnect` opens one before the request that uses it exists. */
class EagerAgent extends (external_node_https_default()).Agent {
    /** Connections that no request uses yet, by host and port. */
    #spare = new Map();
    /** TLS sessions of earlier connections, for resumption (RFC 8446, section 2.2), by host and port. */
    #sessions = new Map();
    constructor() {
        super({ keepAlive: true });
    }
    /** Opens a connection. The next request to this host and port that finds no free connection uses it. */
    preconnect(url) {
        const options = { ...this.options, ...hostOf(url), port: Number(url.port || 443) };
        const hostPort = hostAndPort(options);
        const session = this.#sessions.get(hostPort);
        const socket = super.createConnection({ ...options, ...(session && { session }) });
        // The request that uses the socket handles its errors. If no request uses it, an error does not matter.
        socket?.on('error', () => { });
        if (socket)
            this.#spare.set(hostPort, socket);
    }
    /** Returns the connection that `preconnect` opened for this host and port, or a new one if that is not usable. */
    createConnection(options, callback) {
        const hostPort = hostAndPort(options);
        const spare = this.#spare.get(hostPort);
        this.#spare.delete(hostPort);
        // Data that arrived before any request was sent cannot be a response, so do not use such a connection.
        if (spare?.writable && spare.readableLength === 0)
            return spare;
        const socket = super.createConnection(options, callback);
        socket?.on('session', (session) => this.#sessions.set(hostPort, session));
        return socket;
    }
}
/** Opens a tunnel through a proxy (CONNECT; RFC 9110, section 9.3.6), and a TLS connection to the server inside it. */
class TunnelAgent extends (external_node_https_default()).Agent {
    #proxy;
    constructor(proxy) {
        super({ keepAlive: true });
        this.#proxy = proxy;
    }
    /** Passes the connection, or a ProxyError, to the callback. */
    createConnection(options, callback) {
        const { variable, url, login } = this.#proxy;
        const host = options.host ?? '';
        const authority = `${external_node_net_default().isIPv6(host) ? `[${host}]` : host}:${options.port ?? 443}`;
        // After an error, Node.js ignores the callback's second argument.
        const fail = (message, code, status) => callback(new net_proxy/* ProxyError */.T6(variable, message, code, status));
        (url.protocol === 'https:' ? (external_node_https_default()) : plainHttp())
            .request({
            method: 'CONNECT',
            // `servername` is the proxy's name. Without it, Node.js would compare the proxy's certificate with the host
            // header, which names the server.
            ...hostOf(url),
            port: url.port,
            path: authority,
            headers: {
                host: authority,
                ...(login && { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
            },
            agent: false,
        })
            .on('connect', ({ statusCode = 0 }, socket, head) => {
            if (statusCode >= 200 && statusCode < 300 && head.length === 0) {
                callback(null, super.createConnection({ ...options, socket }));
                return;
            }
            socket.destroy();
            const code = statusCode >= 400 && statusCode < 500 ? 'PROXY_REFUSED' : 'PROXY_FAILED';
            fail(`the proxy in ${variable} answered HTTP ${statusCode} to CONNECT ${authority}`, code, statusCode);
        })
            .on('error', ({ message, code = 'UNKNOWN' }) => {
            // The message of an EPROTO error is a trace through OpenSSL's source files.
            const reason = code === 'EPROTO' ? `TLS failed (${code})` : message;
            fail(`the proxy in ${variable} could not be used: ${reason}`, code);
        })
            .end();
    }
}
/**
 * Returns a URL's host in the form in which Node.js opens a connection to it: `host` without the brackets of an IPv6
 * address, and `servername`, the name that the server's certificate must contain. `servername` is empty for an IP
 * address.
 */
function hostOf({ hostname }) {
    const host = hostname.replace(/^\[|\]$/g, '');
    return { host, servername: external_node_net_default().isIP(host) ? '' : host };
}
/** Returns `node:http`, which it loads on first use. Only loopback addresses and proxies are reached without TLS. */
function plainHttp() {
    return process.getBuiltinModule('node:http');
}
function hostAndPort({ host, port }) {
    return `${host}:${port}`;
}

;// CONCATENATED MODULE: ./build/net/clock.js
/**
 * Returns the milliseconds since the process started. `performance.now()` would return the same, but it loads a library
 * first. Start-up time matters, because every step is a new process.
 */
function clock() {
    return process.uptime() * 1000;
}

;// CONCATENATED MODULE: ./build/net/deadline.js

/** The time limits of one step. They count from the start of the process. */
class Deadline {
    /** Milliseconds that one request may take at most. */
    #maxRequestTime;
    /** Milliseconds since the start of the process: the end of the step, roll-back included. */
    #end;
    /** Milliseconds since the start of the process: the deadline that applies now. */
    #deadline;
    /**
     * One request gets a quarter of the step's time, between 2 and 15 seconds. A quarter, 10 seconds at most, is kept for
     * roll-back.
     * @param timeout seconds for the whole step
     */
    constructor(timeout) {
        this.#maxRequestTime = Math.min(15, Math.max(2, timeout / 4)) * 1000;
        this.#end = timeout * 1000;
        this.#deadline = this.#end - Math.min(10, timeout / 4) * 1000;
    }
    /** Moves the deadline to the end of the step, so that the time that was kept for roll-back can be used. */
    releaseCleanupTime() {
        this.#deadline = this.#end;
    }
    /** Milliseconds until the deadline. Negative after it. */
    get remaining() {
        return this.#deadline - clock();
    }
    /** Milliseconds that a request may take if it is sent now. Not positive if the deadline has passed. */
    get requestTimeout() {
        return Math.min(this.#maxRequestTime, this.remaining);
    }
}

;// CONCATENATED MODULE: ./build/net/read-body.js

/** Bytes. A page of a hundred clients with long lists is smaller. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/**
 * Reads the body of a response as text, without a byte order mark. Never holds more than twice the maximum in memory,
 * however small the chunks are.
 * @throws {NetworkError} if the body is larger than 8 MiB
 */
async function readBody(message) {
    const { promise, resolve, reject } = Promise.withResolvers();
    let [body, size] = [Buffer.alloc(0), 0];
    message
        .on('data', (chunk) => {
        const needed = size + chunk.length;
        if (needed > MAX_BODY_BYTES) {
            message.destroy(new NetworkError('the answer is larger than 8 MiB', 'TOO_LARGE', true));
            return;
        }
        if (needed > body.length)
            body = Buffer.concat([body], 2 * needed);
        chunk.copy(body, size);
        size = needed;
    })
        .on('end', resolve)
        .on('error', reject);
    await promise;
    return body.toString('utf8', 0, size).replace(/^\ufeff/, '');
}

;// CONCATENATED MODULE: ./build/net/transport.js










/** The version in package.json. A test compares them. */
const VERSION = '1.0.0';
const MAX_ATTEMPTS = 5;
/** Milliseconds that a retry needs. A retry with less time would fail and hide what the server returned before. */
const MIN_RETRY_TIME = 1_000;
/** Milliseconds that a request in flight gets once the run is cancelled. The runner kills the step after 7.5 s. */
const CANCEL_GRACE = 5_000;
/**
 * The only way to the network. It has a deadline for the step and one for each request, keeps connections alive, uses
 * the proxy in https_proxy, does not follow redirects, and retries a request when that is safe.
 */
class Transport {
    #agents = {
        https: new EagerAgent(),
        http: undefined,
        tunnel: undefined,
    };
    #userAgent;
    #deadline;
    #cancel = new AbortController();
    /** Hosts that have sent a response: TLS with them works. */
    #answered = new Set();
    /** Milliseconds since the epoch: the earliest time in the `Date` header of any response. */
    #earliestServerTime;
    /**
     * @param run `ID.ATTEMPT` of the workflow run, for Scalekit's logs
     * @param timeout seconds for the whole step, counted from the start of the process
     */
    constructor(run, timeout) {
        this.#userAgent = `scalekit-organization-client/${VERSION} (run ${run})`;
        this.#deadline = new Deadline(timeout);
    }
    /** Makes the time that was kept for roll-back available to all later requests. */
    releaseCleanupTime() {
        this.#deadline.releaseCleanupTime();
    }
    /**
     * Milliseconds since the epoch: the time of this machine, or the earliest time that a server sent if that is earlier.
     * Undefined until a server has sent its time.
     */
    get serverNow() {
        return this.#earliestServerTime && Math.min(Date.now(), this.#earliestServerTime);
    }
    /** Milliseconds until the deadline. Negative after it. */
    get remaining() {
        return this.#deadline.remaining;
    }
    /** Whether the run was cancelled. */
    get cancelled() {
        return this.#cancel.signal.aborted;
    }
    /** Ends all waiting and sends nothing more. Requests in flight get a last five seconds for their response. */
    cancel() {
        this.#cancel.abort();
    }
    /** Waits. Returns false if the deadline comes first, or if the run is cancelled. */
    async wait(milliseconds) {
        return milliseconds < this.remaining && (await this.#sleep(milliseconds));
    }
    /** Waits. @throws {NetworkError} if the deadline comes first, or if the run is cancelled */
    async pause(milliseconds) {
        if (!(await this.wait(milliseconds)))
            throw this.cancelled ? cancelledError() : deadlineError();
    }
    /**
     * Opens a second connection to a server, because two requests are about to be sent to it at the same time. Does
     * nothing for plain HTTP or behind a proxy.
     */
    preconnect(url) {
        const agent = this.#agentFor(url);
        if (agent instanceof EagerAgent)
            agent.preconnect(url);
    }
    /**
     * Sends a request, and retries it as long as another attempt may change the outcome.
     * @throws {NetworkError} if no complete response arrived
     */
    async send(request) {
        for (let [attempt, mayBeDone] = [1, request.mayBeDone ?? false];; attempt++) {
            const result = await this.#attempt(request, attempt);
            // A refusal after such an attempt is unknown.
            mayBeDone ||= result instanceof NetworkError ? result.reached : mayBeCarriedOut(result.status);
            if (!(await this.#waitForRepeat(request, result, attempt))) {
                if (!(result instanceof NetworkError))
                    return { ...result, mayBeDone, cancelled: this.cancelled };
                result.reached = mayBeDone;
                if (attempt > 1)
                    result.message += ` (attempt ${attempt})`;
                throw result;
            }
        }
    }
    /** Waits until a request may be sent again. Returns false if it must not be. */
    async #waitForRepeat(request, result, attempt) {
        if (this.cancelled || !this.#mayRepeat(request, result, attempt))
            return false;
        const delay = retryDelay(attempt, retryAfter(request, result), this.remaining - MIN_RETRY_TIME);
        return delay !== undefined && (await this.#sleep(delay));
    }
    /** Sends a request once and logs the result. Returns errors of the network instead of throwing them. */
    async #attempt(request, attempt) {
        const started = clock();
        const result = await this.#exchange(request, this.#deadline.requestTimeout);
        const shown = result instanceof NetworkError ? result.code : result.status;
        const milliseconds = Math.round(clock() - started);
        output_log/* debug */.Yz(`${request.method} ${request.url.pathname} ${shown} ${milliseconds} ms attempt ${attempt}`);
        return result;
    }
    async #exchange(request, timeout) {
        if (this.cancelled)
            return cancelledError();
        if (timeout <= 0)
            return deadlineError();
        request.onSend?.();
        const { promise, resolve, reject } = Promise.withResolvers();
        let clientRequest;
        let reached = false;
        const giveUp = () => {
            const limit = this.cancelled ? 'before the run was cancelled' : `within ${Math.ceil(timeout / 100) / 10} seconds`;
            reject(new NetworkError(`no answer ${limit}`, this.cancelled ? 'CANCELLED' : 'TIMEOUT', reached));
            clientRequest?.destroy();
        };
        const onCancel = () => setTimeout(giveUp, CANCEL_GRACE);
        this.#cancel.signal.addEventListener('abort', onCancel);
        const timer = setTimeout(giveUp, timeout);
        try {
            clientRequest = this.#open(request, resolve, reject);
            onceConnected(clientRequest, () => {
                reached = true;
            });
            clientRequest.end(request.body);
            const response = await promise;
            this.#answered.add(request.url.host);
            if (response.headers.date)
                this.#earliestServerTime = Math.min(this.#earliestServerTime ?? Number.POSITIVE_INFINITY, responseTime(response));
            return response;
        }
        catch (error) {
            return networkError(error, reached);
        }
        finally {
            clearTimeout(timer);
            this.#cancel.signal.removeEventListener('abort', onCancel);
        }
    }
    /**
     * Opens the Node.js request that sends this one. The caller ends it.
     * @throws {ProxyError} if a proxy variable is invalid
     */
    #open(request, resolve, reject) {
        return ((request.url.protocol === 'https:' ? (external_node_https_default()) : plainHttp())
            .request(request.url, {
            method: request.method,
            headers: { accept: 'application/json', ...request.headers, 'user-agent': this.#userAgent },
            agent: this.#agentFor(request.url),
        })
            .on('error', reject)
            // Without a listener, Node.js never settles a request that is answered with 101.
            .on('upgrade', ({ statusCode }, socket) => {
            socket.destroy();
            reject(new NetworkError(`the server switches protocols (HTTP ${statusCode})`, 'UPGRADE', true));
        })
            .on('response', (message) => {
            const { statusCode: status = 0, headers } = message;
            readBody(message).then((body) => resolve({ status, headers, body }), reject);
        }));
    }
    /** @throws {ProxyError} if a proxy variable is invalid */
    #agentFor(url) {
        const agents = this.#agents;
        if (url.protocol !== 'https:') {
            agents.http ??= new (plainHttp().Agent)({ keepAlive: true });
            return agents.http;
        }
        const proxy = (0,net_proxy/* proxyFor */.iJ)(url, process.env);
        if (!proxy)
            return agents.https;
        agents.tunnel ??= new TunnelAgent(proxy);
        return agents.tunnel;
    }
    #mayRepeat(request, result, attempt) {
        if (result instanceof NetworkError) {
            // A TLS error at a host that has sent a response before is temporary.
            const isPermanent = result.isPermanent && !(result.isTlsError && this.#answered.has(request.url.host));
            return !isPermanent && (request.repeatable || !result.reached) && attempt < MAX_ATTEMPTS;
        }
        // After a rate limit, the server has done nothing and says when to retry. Only the deadline limits these retries.
        if (result.status === 429 || request.rateLimitWait?.(result) !== undefined)
            return true;
        const isTemporary = result.status === 408 || result.status === 425 || result.status >= 500;
        // After 425 Too Early (RFC 8470), the server has done nothing.
        return (request.repeatable || result.status === 425) && isTemporary && attempt < MAX_ATTEMPTS;
    }
    /** Waits. Returns false if the run was cancelled first. */
    async #sleep(milliseconds) {
        return await (0,promises_.setTimeout)(milliseconds, true, { signal: this.#cancel.signal }).catch(() => false);
    }
}
/**
 * Returns whether the server may have carried out a request that it answered with this status. Of the error statuses,
 * 4xx except 408 says that it did not.
 */
function mayBeCarriedOut(status) {
    return status < 400 || status >= 500 || status === 408;
}
/**
 * Returns the time in a response's `Date` header, or this machine's time if the header is absent or invalid.
 * @returns milliseconds since the epoch
 */
function responseTime({ headers }) {
    const now = Date.parse(headers.date ?? '');
    return Number.isNaN(now) ? Date.now() : now;
}
function deadlineError() {
    return new NetworkError("the step's time was over before it was sent", 'DEADLINE', false);
}
function cancelledError() {
    return new NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
}
/** Returns the milliseconds that the server asked to wait, or 0. */
function retryAfter(request, result) {
    if (result instanceof NetworkError)
        return 0;
    return request.rateLimitWait?.(result) ?? parseRetryAfter(result.headers['retry-after'], responseTime(result));
}
/**
 * Calls a function when a request has its connection, TLS included. Before that, nothing of the request can have
 * reached the server.
 */
function onceConnected(clientRequest, onConnection) {
    clientRequest.once('socket', (socket) => {
        const event = 'secureConnecting' in socket ? 'secureConnect' : 'connect';
        // Inside a proxy's tunnel, the socket is connected before its TLS handshake.
        if (socket.connecting || ('secureConnecting' in socket && socket.secureConnecting))
            socket.once(event, onConnection);
        else
            onConnection();
    });
}
function networkError(error, reached) {
    if (error instanceof NetworkError)
        return error;
    const { code = 'UNKNOWN', message } = error;
    const failure = new NetworkError(message || code, code, reached, error);
    // OpenSSL's message is a trace through its source files.
    if (failure.isTlsError)
        failure.message = `TLS failed (${code})`;
    return failure;
}

;// CONCATENATED MODULE: ./build/github/errors.js





/**
 * Milliseconds to wait after a secondary rate limit whose response names no time, by GitHub's documentation ("Rate
 * limits for the REST API").
 */
const DEFAULT_RATE_LIMIT_WAIT = 60_000;
/** What the token needs for each permission. Completes "It needs …". */
const PERMISSIONS = {
    repository: 'a fine-grained token access to this repository, a classic one the scope repo',
    secrets: 'a fine-grained token the repository permission Secrets (write), a classic one the scope repo',
    variables: 'a fine-grained token the repository permission Variables (write), a classic one the scope repo',
    environment: 'a fine-grained token the repository permissions Environments (write) and Actions (read), a classic one the scope repo',
    runs: "the job's own token permissions with actions: read, a fine-grained one the repository permission Actions (read), a classic one the scope repo",
};
/**
 * Returns the milliseconds to wait if a response is a rate limit, or else undefined (GitHub's documentation, "Rate
 * limits for the REST API").
 */
function rateLimitWait(response) {
    const { status, headers } = response;
    if (status !== 403 && status !== 429)
        return undefined;
    const now = responseTime(response);
    const retryAfter = parseRetryAfter(headers['retry-after'], now);
    if (retryAfter > 0)
        return retryAfter;
    if (headers['x-ratelimit-remaining'] === '0')
        return Math.max(0, Number(headers['x-ratelimit-reset']) * 1000 - now) || 0;
    return /secondary rate limit/i.test(response.body) ? DEFAULT_RATE_LIMIT_WAIT : undefined;
}
/** Returns the error for a response whose status is not 2xx. */
function githubRefusal(subject, response) {
    return refusedError(subject.operation, response, githubMessages(response), githubAdvice(subject, response));
}
function githubAdvice({ parameters, permission }, response) {
    const { status } = response;
    if (status >= 300 && status < 400)
        return permission === 'repository'
            ? 'GitHub redirects this name: the repository was renamed or transferred. Use its current name.'
            : redirectAdvice(response, 'use the current name of the repository.');
    const wait = rateLimitWait(response);
    if (status === 429 || wait !== undefined)
        return response.cancelled ? '' : rateLimitAdvice(wait);
    if (status >= 500)
        return "That is on GitHub's side: try again later.";
    if (status === 401)
        return 'github_token is not valid, or not valid any more.';
    const grant = `It needs ${PERMISSIONS[permission]}.`;
    if (status === 403)
        return `github_token may not do that. ${grant}${permission === 'runs' ? '' : ' GITHUB_TOKEN cannot be given it.'}`;
    if (status === 404)
        return `${missing(parameters)} ${grant}`;
    return '';
}
/** @param wait milliseconds that GitHub asks to wait, if it does */
function rateLimitAdvice(wait) {
    const seconds = wait && Number.isFinite(wait) ? ` (it says: come back after ${Math.ceil(wait / 1000)} seconds)` : '';
    return `The rate limit of github_token is reached for longer than this step may wait${seconds}: run fewer jobs at once, or raise timeout.`;
}
/** Returns what may be missing if GitHub answers 404. It answers the same to a token that may not see the thing. */
function missing({ owner, repo, environment_name }) {
    if (!environment_name)
        return `There is no repository ${owner}/${repo}, or github_token may not see it.`;
    return `There is no environment ${(0,output_text/* quote */.hD)(environment_name)}, or github_token may not see it. Create it in Settings → Environments.`;
}
/** Returns the messages in GitHub's error body: its own, and those of a list of errors. */
function githubMessages({ body }) {
    let parsed;
    try {
        parsed = (0,json/* parseJsonObject */.dw)(body);
    }
    catch {
        return [];
    }
    const errors = Array.isArray(parsed.errors) ? parsed.errors.map((error) => Object(error).message ?? error) : [];
    return [parsed.message, ...errors]
        .filter((text) => typeof text === 'string')
        .slice(0, 10)
        .map((text) => (0,output_text/* truncate */.xv)((0,output_text/* oneLine */.TN)(text), 300));
}

;// CONCATENATED MODULE: ./build/github/api.js





/**
 * GitHub's REST API. Octokit builds the requests, and the Transport sends them, so that deadlines, retries, proxies and
 * redirects are handled as for Scalekit. The methods that read throw an ApiError if the request fails.
 */
class GitHub {
    transport;
    #access;
    constructor(transport, access) {
        this.transport = transport;
        this.#access = access;
    }
    /** URL of the API. */
    get api() {
        return this.#access.api;
    }
    /**
     * Reads a repository.
     * @param name `owner/name` as it is now. GitHub redirects a former name, and redirects are not followed.
     * @param parse gets the repository, whose id and name are already checked; throws an InvalidResponseError
     */
    async getRepository(name, parse) {
        const [owner = '', repo = ''] = name.split('/');
        const operation = `read repository ${name}`;
        const request = {
            operation,
            route: 'GET /repos/{owner}/{repo}',
            parameters: { owner, repo },
            permission: 'repository',
        };
        return await this.read(request, (repository) => {
            const { id, full_name } = repository;
            if (!isPositive(id))
                throw new json/* InvalidResponseError */.tF('id is not a number');
            if (typeof full_name !== 'string' || full_name.toLowerCase() !== name.toLowerCase())
                throw new json/* InvalidResponseError */.tF('it shows another repository');
            return parse(repository);
        });
    }
    /**
     * Reads a workflow run.
     * @param name `owner/name` of its repository
     * @returns undefined if the run does not exist, or if the token cannot read it
     */
    async getRun(name, run_id) {
        const [owner = '', repo = ''] = name.split('/');
        const operation = 'read the workflow runs that clients were created for';
        const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}';
        return await this.find({ operation, route, parameters: { owner, repo, run_id }, permission: 'runs' }, (run) => {
            if (typeof run.id === 'object' || String(run.id) !== run_id)
                throw new json/* InvalidResponseError */.tF('it shows another run');
            const { run_attempt } = run;
            if (!isPositive(run_attempt))
                throw new json/* InvalidResponseError */.tF('run_attempt is not a number');
            return { status: (0,json/* stringField */.OM)(run, 'status'), run_attempt };
        });
    }
    /**
     * Reads an object that may not exist.
     * @param parse throws an InvalidResponseError
     * @returns undefined if GitHub returns 404: the object does not exist, or the token cannot read it
     */
    async find(request, parse) {
        try {
            return await this.read(request, parse);
        }
        catch (error) {
            if (error instanceof api_error_ApiError && error.status === 404)
                return undefined;
            throw error;
        }
    }
    /** Reads an object like find(), but throws an ApiError if GitHub returns 404. */
    async read(request, parse) {
        const response = outcome_unwrap(await this.send(request));
        try {
            return parse((0,json/* parseJsonObject */.dw)(response.body));
        }
        catch (error) {
            throw error instanceof json/* InvalidResponseError */.tF
                ? invalidResponseError(request.operation, response, error.message, '')
                : error;
        }
    }
    /** Sends a request, and retries it even if its outcome is unknown. */
    async send(request) {
        const { operation, successStatuses } = request;
        const { response, error } = await this.#sendThroughOctokit(request);
        if (error instanceof NetworkError)
            return failure(error.reached, unansweredError(operation, error, 'GITHUB_API_URL'));
        if (!response)
            throw error;
        const { status, mayBeDone } = response;
        if (status === 404 && !isApiResponse(response)) {
            const advice = 'Check who answers at GITHUB_API_URL.';
            return failure(true, invalidResponseError(operation, response, "it is not GitHub's", advice));
        }
        if (status < 200 || status > 299)
            return failure(mayBeDone, githubRefusal(request, response));
        if (!successStatuses || successStatuses.includes(status))
            return outcome_done(response);
        const reason = `GitHub answers ${successStatuses.join(' or ')} after a success`;
        return failure(true, invalidResponseError(operation, response, reason, ''));
    }
    /** Sends a request that Octokit builds. */
    async #sendThroughOctokit({ route, parameters, mayBeDone = false, }) {
        const { api, token } = this.#access;
        // @actions/github is loaded here because few runs need it. While it loads, it parses the event file, and throws if
        // the file is not JSON.
        delete process.env.GITHUB_EVENT_PATH;
        const { getOctokit } = await Promise.all(/* import() */[__webpack_require__.e(413), __webpack_require__.e(143)]).then(__webpack_require__.bind(__webpack_require__, 413));
        const result = {};
        const fetch = async (url, { method, headers, body }) => {
            const call = {
                method,
                url: new URL(url),
                headers,
                body,
                repeatable: true,
                mayBeDone,
                rateLimitWait: rateLimitWait,
            };
            try {
                result.response = await this.transport.send(call);
            }
            catch (error) {
                result.error = error;
            }
            // Octokit gets an empty response. send() evaluates the real one.
            return { status: 204, url, headers: [] };
        };
        await getOctokit(token, { baseUrl: api, request: { fetch } }).request(route, parameters);
        return result;
    }
}
function isPositive(value) {
    return Number.isSafeInteger(value) && Number(value) > 0;
}

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 10 modules
var core = __webpack_require__(178);
;// CONCATENATED MODULE: ./build/output/outputs.js


/**
 * Sets the outputs of the step.
 * @throws {Error} if the runner's output file cannot be written
 */
function setOutputs(outputs) {
    try {
        for (const [name, value] of Object.entries(outputs))
            (0,core/* setOutput */.uH)(name, value);
    }
    catch (error) {
        throw new Error(`Could not set the outputs: ${output_log/* message */.iU(error)}.`);
    }
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(24);
;// CONCATENATED MODULE: ./build/output/summary.js




/** Characters of one value. */
const MAX_VALUE_LENGTH = 200;
/** Values in one cell. */
const MAX_VALUES = 50;
/**
 * Appends a heading and a table to the job summary. Writes synchronously, because the asynchronous write of
 * @actions/core starts threads. If the summary cannot be written, logs that and does not fail.
 */
function writeSummary(title, rows) {
    try {
        (0,external_node_fs_.appendFileSync)(process.env.GITHUB_STEP_SUMMARY ?? '', core/* summary */.z.addHeading(title, 3).addTable(rows).stringify());
    }
    catch (error) {
        output_log/* info */.pq(`The job summary could not be written: ${output_log/* message */.iU(error)}`);
    }
}
/**
 * Returns values of a user or a server as HTML for a table cell, in which Markdown, HTML and mentions have no effect.
 * Shows at most 50 values of 200 characters each, and a dash if there are none.
 */
function cell(values) {
    const shown = values
        .slice(0, MAX_VALUES)
        .map((value) => `<code>${escapeHtml((0,output_text/* truncate */.xv)((0,output_text/* oneLine */.TN)(value), MAX_VALUE_LENGTH))}</code>`);
    const omitted = values.length > MAX_VALUES ? [`and ${values.length - MAX_VALUES} more`] : [];
    return [...shown, ...omitted].join('<br>') || '–';
}
/** Returns a text as HTML for a table cell, as a link unless the URL is empty. */
function summary_link(text, url) {
    return url ? `<a href="${escapeHtml(url)}">${escapeHtml(oneLine(text))}</a>` : cell([text]);
}
function escapeHtml(text) {
    const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

// EXTERNAL MODULE: ./build/output/mask.js
var mask = __webpack_require__(549);
;// CONCATENATED MODULE: ./build/scalekit/errors.js


/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 */
function scalekitRefusal(operation, response, subject) {
    return refusedError(operation, response, scalekitMessages(response), scalekitAdvice(response, subject));
}
/**
 * Returns the error for a request that got no complete response.
 * @param operation completes "Could not …"
 */
function scalekitNetworkError(operation, error) {
    return unansweredError(operation, error, 'scalekit_environment_url');
}
/**
 * Returns the error for a 2xx response whose body does not have the form that the API documents.
 * @param operation completes "Could not …"
 * @param reason completes "HTTP 200, but …"
 */
function scalekitInvalidResponse(operation, response, reason, subject) {
    const advice = subject !== 'sign-in' ? '' : 'Is scalekit_environment_url the address of a Scalekit environment?';
    return invalidResponseError(operation, response, reason, advice);
}
function scalekitAdvice(response, subject) {
    const { status, headers } = response;
    if (status >= 300 && status < 400)
        return redirectAdvice(response, "scalekit_environment_url must be the environment's own address.");
    if (status === 429) {
        if (response.cancelled)
            return '';
        const wait = headers['retry-after'] ? ` (it says: come back after ${(0,output_text/* truncate */.xv)(headers['retry-after'], 40)})` : '';
        return `The rate limit of the environment is reached for longer than this step may wait${wait}: run fewer jobs at once, or raise timeout.`;
    }
    if (status >= 500)
        return "That is on Scalekit's side: try again later.";
    if (subject === 'client-sign-in')
        return 'Scalekit refuses the new client credentials. An interceptor of the environment may deny the token.';
    if (status === 404 && !isApiResponse(response) && subject !== 'sign-in')
        return 'Check who answers at scalekit_environment_url: it is not the API.';
    if (subject === 'sign-in')
        return SIGN_IN_ADVICE[status] ?? '';
    return organizationAdvice(status, subject);
}
const CHECK_CREDENTIALS = 'Check scalekit_client_id and scalekit_client_secret: they must be the API credentials (skc_…) of this very environment, not revoked.';
const SIGN_IN_ADVICE = {
    400: CHECK_CREDENTIALS,
    401: CHECK_CREDENTIALS,
    403: CHECK_CREDENTIALS,
    404: 'scalekit_environment_url does not lead to a Scalekit environment.',
};
/** Returns the advice for a request about the organization, or about one of its clients. */
function organizationAdvice(status, { organization, client, adding }) {
    if (status === 401)
        return 'The API does not accept the token that it gave for scalekit_client_id: check that these API credentials are still valid.';
    if (status === 403)
        return 'The API credentials in scalekit_client_id may not manage the clients of this organization.';
    if ((status === 400 || status === 409) && adding)
        return 'A client has five secrets at most: let one run at a time use it, with concurrency in the workflow.';
    if (status !== 404)
        return '';
    if (client)
        return `Client ${client} is not there (any more).`;
    return `Is there an organization ${organization} in this environment? An id from another environment is not known here.`;
}
/**
 * Returns the server's own messages. The body is a status object with details, a bare ErrorInfo, an OAuth error (RFC
 * 6749, section 5.2) or plain text. Nothing else of the body is shown, because `debug_info` may contain internals.
 */
function scalekitMessages({ body, headers }) {
    let parsed;
    try {
        parsed = JSON.parse(body);
    }
    catch {
        const plainText = body.trim();
        const isPlainText = String(headers['content-type'] ?? 'text/plain').startsWith('text/plain') && !/^[{[<]|debug_info/.test(plainText);
        return isPlainText && plainText ? [(0,output_text/* truncate */.xv)((0,output_text/* oneLine */.TN)(plainText), 300)] : [];
    }
    const status = fieldsOf(parsed);
    const infos = [...listOf(status.details).map(fieldsOf), status];
    const violations = infos.flatMap((info) => listOf(fieldsOf(info.validation_error_info).field_violations).map(fieldsOf));
    const messages = [
        ...infos.map((info) => errors_text(info.error_code)),
        errors_text(status.error),
        errors_text(status.error_description),
        errors_text(status.message),
        ...violations.map((violation) => [errors_text(violation.field), errors_text(violation.description)].filter(Boolean).join(' ')),
    ];
    return [...new Set(messages.filter(Boolean))].slice(0, 10).map((message) => (0,output_text/* truncate */.xv)((0,output_text/* oneLine */.TN)(message), 300));
}
function fieldsOf(value) {
    return typeof value === 'object' && value !== null ? value : {};
}
function listOf(value) {
    return Array.isArray(value) ? value : [];
}
function errors_text(value) {
    return typeof value === 'string' ? value.trim() : '';
}

;// CONCATENATED MODULE: ./build/scalekit/api.js








/** Milliseconds after the creation of a client or a secret in which parts of the API may not know it yet. */
const api_CREATION_LAG = 10_000;
/** Milliseconds before the first retry of a request that failed during that lag. Each later pause is twice as long. */
const FIRST_PAUSE = 250;
/** Milliseconds before any retry at most. */
const MAX_PAUSE = 2_000;
/**
 * The clients of one organization in one Scalekit environment. Methods that create or update something return the outcome.
 * The others throw an ApiError if their request fails. A request that creates something is repeated only if it provably
 * had no effect.
 */
class Scalekit {
    transport;
    /** Milliseconds since the epoch: Scalekit's time when it sent its last response. Undefined without a valid `Date` header. */
    time;
    #origin;
    #organization;
    #token = '';
    /** Ids of clients that parts of the API may not know yet. */
    #justCreated = new Set();
    constructor(transport, origin, organization_id) {
        this.transport = transport;
        this.#origin = origin;
        this.#organization = organization_id;
    }
    /** Signs in, and looks up the organization's id if only its external id is given. */
    static async open(transport, { origin, credentials, organization_id, organization_external_id }) {
        const scalekit = new Scalekit(transport, origin, organization_id);
        await scalekit.signIn(credentials);
        if (!organization_id)
            await scalekit.selectOrganization(organization_external_id);
        return scalekit;
    }
    /** The organization's id. */
    get organization_id() {
        return this.#organization;
    }
    /** Requests an access token for the environment's API credentials and masks it. All later requests use it. */
    async signIn(credentials) {
        this.#token = outcome_unwrap(await this.#getToken('sign in to Scalekit', credentials, 'sign-in')).access_token;
    }
    /** Requests an access token for a client and masks it. Retries for ten seconds if the client is still unknown. */
    async getToken(credentials) {
        const operation = `get an access token for client ${credentials.client_id}`;
        return outcome_unwrap(await this.#retryDuringLag(isClientUnknown, () => this.#getToken(operation, credentials, 'client-sign-in')));
    }
    /** Creates a client and masks its secret. */
    async createClient(fields, { mayBeDone, onSend, onId }) {
        const request = { ...this.#request('POST', [], fields), repeatable: false, mayBeDone, onSend };
        return await this.#exchange('create the client', request, this.#subject(), (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const plain_secret = maskSecret(response.plain_secret);
            const client = (0,types/* parseClientSummary */.Rg)(response.client);
            (0,mask/* maskCredentials */.Bs)(client.client_id, plain_secret);
            onId(client.client_id);
            requireUsableSecret(plain_secret);
            return { client: client.parse(), plain_secret };
        });
    }
    /** Yields every client of the organization, page by page. Skips clients that cannot be parsed. */
    async *listClients() {
        const operation = "list the organization's clients";
        const seen = new Set();
        for (let token = '';;) {
            seen.add(token);
            const request = this.#request('GET');
            request.url.search = new URLSearchParams({ page_size: '100', ...(token && { page_token: token }) }).toString();
            const page = outcome_unwrap(await this.#exchange(operation, request, this.#subject(), types/* parsePage */.NL));
            yield* page.clients.flatMap(types/* parseListedClient */.Cf);
            token = page.next_page_token;
            if (!token)
                return;
            // Fail instead of ending the list: the API never returns the pages behind the loop, so the list is incomplete.
            if (seen.has(token))
                throw new Error(`Could not ${operation}: a page leads back to one that was read before.`);
        }
    }
    /** Returns a client, or undefined if it does not exist. */
    async getClient(client_id) {
        const parse = (body) => (0,types/* parseClientSummary */.Rg)((0,json/* parseJsonObject */.dw)(body).client);
        const request = this.#request('GET', [client_id]);
        const operation = `read client ${client_id}`;
        return outcome_unwrap(await this.#exchange(operation, request, this.#subject(client_id), parse, () => undefined));
    }
    /** While `work` runs, updateClient() and addSecret() retry for ten seconds if the API returns 404 for this client. */
    async expectLag(client_id, work) {
        this.#justCreated.add(client_id);
        try {
            return await work();
        }
        finally {
            this.#justCreated.delete(client_id);
        }
    }
    /** Updates the fields that are given. The value of the outcome is the client as it is afterwards. */
    async updateClient(client_id, fields) {
        const request = this.#request('PATCH', [client_id], fields);
        const parse = (body) => {
            const client = (0,types/* parseClientSummary */.Rg)((0,json/* parseJsonObject */.dw)(body).client);
            if (client.client_id !== client_id)
                throw new json/* InvalidResponseError */.tF('it shows another client');
            return client;
        };
        const operation = `update client ${client_id}`;
        const send = (mayBeDone) => this.#exchange(operation, { ...request, mayBeDone }, this.#subject(client_id), parse);
        return await this.#retryDuringLag(this.#justCreated.has(client_id) && isMissing, send);
    }
    /** Deletes a client. Returns false if it did not exist. */
    async deleteClient(client_id) {
        return await this.#delete(`delete client ${client_id}`, client_id);
    }
    /**
     * Adds a secret to a client and masks its value. `secret` is undefined if the response omits it, or if it shows one of
     * the secrets that existed before.
     */
    async addSecret(client_id, knownIds, { mayBeDone, onSend, onId }) {
        const request = { ...this.#request('POST', [client_id, 'secrets']), repeatable: false, onSend };
        const operation = `add a secret to client ${client_id}`;
        const parse = (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const plain_secret = maskSecret(response.plain_secret);
            (0,mask/* maskCredentials */.Bs)(client_id, plain_secret);
            const shown = response.secret ? (0,types/* parseSecret */.o7)(response.secret) : undefined;
            const secret = shown && !knownIds.includes(shown.id) ? shown : undefined;
            if (secret)
                onId(secret.id);
            requireUsableSecret(plain_secret);
            return { secret, plain_secret };
        };
        const send = (mayBeDone) => this.#exchange(operation, { ...request, mayBeDone }, { ...this.#subject(client_id), adding: true }, parse);
        return await this.#retryDuringLag(this.#justCreated.has(client_id) && isMissing, send, mayBeDone);
    }
    /** Deletes a secret of a client. Returns false if it did not exist. */
    async deleteSecret(client_id, secret_id) {
        return await this.#delete(`delete secret ${secret_id} of client ${client_id}`, client_id, 'secrets', secret_id);
    }
    /** Returns the URL of the organization's clients, or below it, that of a client, its `secrets` or one secret. */
    clientUrl(...path) {
        const segments = ['api', 'v1', 'organizations', this.#organization, 'clients', ...path];
        return new URL(segments.map(encodeURIComponent).join('/'), this.#origin);
    }
    /** Deletes a client or a secret. Returns whether it existed. */
    async #delete(operation, ...path) {
        const parse = (body) => body.trim() === '' || (0,json/* parseJsonObject */.dw)(body) !== undefined;
        // It did not exist, unless an earlier attempt may have deleted it.
        const missing = ({ mayBeDone }) => mayBeDone;
        const request = this.#request('DELETE', path);
        return outcome_unwrap(await this.#exchange(operation, request, this.#subject(path[0]), parse, missing));
    }
    /** Looks up an organization by its external id. All later requests are about this organization. */
    async selectOrganization(external_id) {
        const url = new URL(`/api/v1/organizations:external/${encodeURIComponent(external_id)}`, this.#origin);
        const request = { ...this.#request('GET'), url };
        const subject = { organization: external_id };
        const outcome = await this.#exchange(`find organization ${external_id}`, request, subject, (body) => {
            const organization = (0,json/* asObject */.eB)((0,json/* parseJsonObject */.dw)(body).organization, 'organization');
            const id = (0,json/* stringField */.OM)(organization, 'id');
            if (!/^org_[\w-]{1,124}$/.test(id))
                throw new json/* InvalidResponseError */.tF('id is not the id of an organization');
            if (((0,json/* stringField */.OM)(organization, 'external_id') || external_id) !== external_id)
                throw new json/* InvalidResponseError */.tF('it shows an organization with another external_id');
            return id;
        });
        this.#organization = outcome_unwrap(outcome);
    }
    /** Requests an access token with the client credentials grant (RFC 6749, section 4.4) and masks it. */
    async #getToken(operation, credentials, subject) {
        const request = {
            method: 'POST',
            url: new URL('/oauth/token', this.#origin),
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams({ grant_type: 'client_credentials', ...credentials }).toString(),
            repeatable: true,
        };
        return await this.#exchange(operation, request, subject, (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const access_token = (0,json/* stringField */.OM)(response, 'access_token');
            (0,mask/* mask */.dK)(access_token);
            // RFC 6749, appendix A.12, allows a space as well, but a space would break the authorization header.
            if (!/^[\x21-\x7e]+$/.test(access_token))
                throw new json/* InvalidResponseError */.tF('it holds no access token');
            const expires_in = typeof response.expires_in === 'object' ? 0 : Number(response.expires_in);
            return { access_token, expires_in: expires_in > 0 ? expires_in : undefined };
        });
    }
    /**
     * Sends a request, and retries it for ten seconds if the API may not know a new client or secret yet.
     * @param isLag returns whether that may be the reason for an error; false never to retry
     */
    async #retryDuringLag(isLag, send, mayBeDone = false) {
        const until = clock() + api_CREATION_LAG;
        for (let [pause, isUnknown] = [FIRST_PAUSE, mayBeDone];; pause = Math.min(2 * pause, MAX_PAUSE)) {
            const outcome = await send(isUnknown);
            isUnknown ||= outcome.kind === 'unknown';
            if (outcome.kind === 'done' || !isLag || !isLag(outcome.error) || clock() >= until)
                return outcome;
            if (!(await this.transport.wait(pause * (0.5 + Math.random() / 2))))
                return outcome;
        }
    }
    #request(method, path = [], fields) {
        const headers = { authorization: `Bearer ${this.#token}` };
        const request = { method, url: this.clientUrl(...path), headers, repeatable: true };
        if (!fields)
            return request;
        return { ...request, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(fields) };
    }
    #subject(client) {
        return { organization: this.#organization, client };
    }
    /**
     * Sends a request through the transport and parses the response.
     * @throws {Error} only if `onSend` or `onId` does, because the journal cannot be written
     * @param parse gets the body of a 2xx response; throws an InvalidResponseError
     * @param missing gets the API's 404 response. Without it, a 404 is an error.
     */
    async #exchange(operation, request, subject, parse, missing) {
        let response;
        try {
            response = await this.transport.send(request);
        }
        catch (error) {
            if (!(error instanceof NetworkError))
                throw error;
            return failure(error.reached, scalekitNetworkError(operation, error));
        }
        const { status, headers, mayBeDone } = response;
        this.time = Date.parse(headers.date ?? '') || undefined;
        if (status === 404 && missing && isApiResponse(response))
            return outcome_done(missing(response));
        // A 404 that is not the API's says nothing about what the API did.
        const isForeign = status === 404 && !isApiResponse(response);
        if (status < 200 || status > 299)
            return failure(mayBeDone || isForeign, scalekitRefusal(operation, response, subject));
        try {
            return outcome_done(parse(response.body));
        }
        catch (error) {
            if (!(error instanceof json/* InvalidResponseError */.tF))
                throw error;
            return failure(true, scalekitInvalidResponse(operation, response, error.message, subject));
        }
    }
}
/** Returns whether an error says that the client is unknown. RFC 6749, section 5.2, allows both statuses. */
function isClientUnknown({ status, message }) {
    return status === 401 || (status === 400 && message.includes('invalid_client'));
}
function isMissing({ status }) {
    return status === 404;
}
function maskSecret(value) {
    const secret = typeof value === 'string' ? value : '';
    (0,mask/* mask */.dK)(secret);
    return secret;
}
function requireUsableSecret(plain_secret) {
    // Masking a shorter one could hide ordinary text.
    if ([...plain_secret.trim()].length < 8)
        throw new json/* InvalidResponseError */.tF('it holds no usable plain_secret');
    if ((0,mask/* isTooLongToMask */.az)(plain_secret))
        throw new json/* InvalidResponseError */.tF('its plain_secret is too long to be masked in every form');
}

;// CONCATENATED MODULE: ./build/github/saved-credentials.js



/** Length of a public key (X25519) in bytes. */
const KEY_LENGTH = 32;
/**
 * Client credentials in GitHub Actions. Methods that write return the outcome; the others throw an ApiError if their
 * request fails.
 */
class SavedCredentials {
    location;
    #github;
    /** GitHub's public key for secrets, in base64, and its id. */
    #publicKey = { key: '', key_id: '' };
    constructor(github, location) {
        this.location = location;
        this.#github = github;
    }
    /** URL of GitHub's API. */
    get api() {
        return this.#github.api;
    }
    /** The location, for a message. */
    get name() {
        return locationName(this.location);
    }
    /**
     * Reads everything that a write needs: the public key, the environment and what is saved. Throws if the token cannot
     * read one of them. Whether the token can write is not known before the first write.
     */
    async open() {
        const reads = [
            this.#readPublicKey(),
            this.location.environment ? this.#requireEnvironment() : undefined,
            this.read(),
        ];
        // If several reads fail, the error of the public key is the most useful one.
        const results = await Promise.allSettled(reads);
        for (const result of results)
            if (result.status === 'rejected')
                throw result.reason;
        return await reads[2];
    }
    /** Returns true if the token can read the repository. @throws {ApiError} if it cannot */
    async requireVisibleRepository() {
        return await this.#github.getRepository(this.location.repository, () => true);
    }
    /** Returns whether the environment exists; true if the location has no environment. */
    async environmentExists() {
        try {
            if (this.location.environment)
                await this.#requireEnvironment();
            return true;
        }
        catch (error) {
            if (error instanceof ApiError && error.status === 404)
                return false;
            throw error;
        }
    }
    /** Reads what is saved. */
    async read() {
        const [variables, secretTime] = await Promise.all([this.readVariables(), this.#getSecretTime()]);
        return { ...variables, secretTime };
    }
    /** Reads the variables. */
    async readVariables() {
        const { state_variable, id_variable } = this.location;
        const [state, id] = await Promise.all([this.#getVariable(state_variable), this.#getVariable(id_variable)]);
        return { client_id: id?.value, state: state?.value, stateTime: state?.time };
    }
    /**
     * Creates or updates a variable. If the outcome is unknown, reads the variable to find out.
     * @param exists whether an update is tried first, or else a creation. If GitHub says that the variable does not
     *   exist, or already exists, the other one follows.
     * @param beforeOther called before the other one is sent, because somebody else has deleted or created the variable. If
     *   it throws, nothing is sent.
     */
    async setVariable(name, value, exists, beforeOther) {
        const create = { ...this.#variable('write', 'POST', '', { name, value }), successStatuses: [201] };
        const update = { ...this.#variable('write', 'PATCH', '/{name}', { name, value }), successStatuses: [204] };
        const [first, second, status] = exists ? [update, create, 404] : [create, update, 409];
        let outcome = await this.#github.send(first);
        if (outcome.kind !== 'done' && outcome.error.status === status) {
            if (outcome.kind === 'refused')
                await beforeOther?.();
            outcome = await this.#github.send({ ...second, mayBeDone: outcome.kind === 'unknown' });
        }
        if (outcome.kind !== 'unknown')
            return outcome;
        const now = await this.#getVariable(name).catch(() => undefined);
        return now?.value === value ? done(undefined) : outcome;
    }
    /** Deletes a variable. Returns false if it did not exist. */
    async deleteVariable(name) {
        return await this.#delete(this.#variable('delete', 'DELETE', '/{name}', { name }), () => this.#getVariable(name));
    }
    /**
     * Seals a secret value for setSecret(). open() must have been called before.
     * @param encrypt encrypts the value with GitHub's public key, both in base64
     */
    seal(encrypt) {
        const { key, key_id } = this.#publicKey;
        try {
            return { encrypted_value: encrypt(key), key_id };
        }
        catch (error) {
            throw new ApiError(`Could not seal the secret for ${this.name}: its public key is not usable.`, { cause: error });
        }
    }
    /** Writes the secret. Writing it twice does no harm, so it is repeated while the outcome is unknown. */
    async setSecret(sealed) {
        return await this.#github.send({ ...this.#secret('write', 'PUT', sealed), successStatuses: [201, 204] });
    }
    /** Deletes the secret. Returns false if it did not exist. */
    async deleteSecret() {
        return await this.#delete(this.#secret('delete', 'DELETE'), () => this.#getSecretTime());
    }
    async #readPublicKey() {
        const operation = `read the public key for secrets of ${this.name}`;
        const request = this.#request(operation, 'GET', 'secrets', '/secrets/public-key');
        this.#publicKey = await this.#github.read(request, (response) => {
            const [key, key_id] = [stringField(response, 'key'), stringField(response, 'key_id')];
            if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
                throw new InvalidResponseError('it holds no public key');
            return { key, key_id };
        });
    }
    async #requireEnvironment() {
        const outcome = await this.#github.send(this.#request(`read ${this.name}`, 'GET', 'environment', ''));
        // A token that can read the environment's public key can write there without permission to read environments.
        if (outcome.kind !== 'done' && outcome.error.status !== 403)
            throw outcome.error;
    }
    async #getVariable(name) {
        const parse = (response) => {
            if (typeof response.value !== 'string')
                throw new InvalidResponseError('value is not a string');
            return { value: response.value, time: stringField(response, 'updated_at') };
        };
        return await this.#github.find(this.#variable('read', 'GET', '/{name}', { name }), parse);
    }
    async #getSecretTime() {
        return await this.#github.find(this.#secret('read', 'GET'), (response) => {
            const time = stringField(response, 'updated_at');
            if (Number.isNaN(Date.parse(time)))
                throw new InvalidResponseError('updated_at is not a time');
            return time;
        });
    }
    /** @param read reads the variable or secret; returns undefined if it does not exist */
    async #delete(request, read) {
        const outcome = await this.#github.send({ ...request, successStatuses: [204] });
        // If an earlier attempt may have been carried out, that attempt has deleted it.
        if (outcome.kind !== 'done' && outcome.error.status === 404)
            return outcome.kind === 'unknown';
        if (outcome.kind === 'unknown' && (await read().catch(() => true)) === undefined)
            return true;
        unwrap(outcome);
        return true;
    }
    #variable(verb, method, path, parameters) {
        const operation = `${verb} variable ${parameters.name} of ${this.name}`;
        return this.#request(operation, method, 'variables', `/variables${path}`, parameters);
    }
    #secret(verb, method, parameters = {}) {
        const { secret: secret_name } = this.location;
        const operation = `${verb} secret ${secret_name} of ${this.name}`;
        return this.#request(operation, method, 'secrets', '/secrets/{secret_name}', { secret_name, ...parameters });
    }
    #request(operation, method, permission, path, parameters = {}) {
        const { repository, environment } = this.location;
        const [owner = '', repo = ''] = repository.split('/');
        const scope = environment ? 'environments/{environment_name}' : 'actions';
        return {
            operation,
            route: `${method} /repos/{owner}/{repo}/${scope}${path}`,
            parameters: { owner, repo, ...(environment && { environment_name: environment }), ...parameters },
            permission: environment ? 'environment' : permission,
        };
    }
}
/**
 * Returns the URL of a variable or a secret in GitHub's API.
 * @param api URL of GitHub's API, without a slash at its end
 * @param path `variables/NAME` or `secrets/NAME`
 */
function saved_credentials_entryUrl(api, { repository, environment }, path) {
    // encodeURIComponent() throws for a lone surrogate, which toWellFormed() replaces.
    const scope = environment ? `environments/${encodeURIComponent(environment.toWellFormed())}` : 'actions';
    return new URL(`${api}/repos/${repository}/${scope}/${path}`);
}
/** Returns the repository, or the environment and its repository, for a message. */
function locationName({ repository, environment }) {
    return environment ? `environment ${JSON.stringify(environment)} of ${repository}` : repository;
}
/** Returns the names of the variables and the secret for a message. */
function entryNames(location) {
    const { id_variable, state_variable, secret } = location;
    return `variables ${id_variable} and ${state_variable} and secret ${secret} of ${locationName(location)}`;
}

;// CONCATENATED MODULE: ./build/undo/by-hand.js

// Sentences for the user about what could not be undone, each with the API call that undoes it by hand.
/** Returns the sentence with the calls that remove the pending client and secret, and restore the pending variables. */
function manualCalls(scalekit, state) {
    const { client, secret, variables } = state;
    const isOnlyVariables = variables && !client && !secret;
    return [
        ...(secret ? [by_hand_manualSecretCall(scalekit, secret)] : []),
        ...(client || !(secret || isOnlyVariables) ? [by_hand_manualClientCall(scalekit, state)] : []),
        ...(variables ? [manualVariableCalls(variables)] : []),
    ].join(' ');
}
/** Returns the sentence with the call that removes the pending client. */
function by_hand_manualClientCall(scalekit, { client, nonce }) {
    if (client?.id)
        return `To remove it by hand: DELETE ${scalekit.clientUrl(client.id)}`;
    const list = scalekit.clientUrl();
    return `To remove it by hand, find the client that GET ${list} shows with "nonce=${nonce}" in its description; then DELETE ${list}/ID`;
}
/** Returns the sentence with the call that removes the pending secret. */
function by_hand_manualSecretCall(scalekit, { client_id, id }) {
    if (id)
        return `To remove it by hand: DELETE ${scalekit.clientUrl(client_id, 'secrets', id)}`;
    const list = scalekit.clientUrl(client_id, 'secrets');
    return `To remove it by hand, find it by its time among the secrets of client ${client_id}; then DELETE ${list}/ID`;
}
/** Returns the sentence with the calls that restore the pending variables, in the order in which to make them. */
function manualVariableCalls({ api, location, before, written }) {
    const calls = [
        ...(before.client_id === written.client_id
            ? []
            : [restoringCall(api, location, location.id_variable, before.client_id)]),
        restoringCall(api, location, location.state_variable, before.state),
    ];
    return `To restore them by hand: ${calls.join('; ')}`;
}
function restoringCall(api, location, name, value) {
    const url = entryUrl(api, location, `variables/${name}`);
    return value === undefined ? `DELETE ${url}` : `PATCH ${url} with the value ${JSON.stringify(value)}`;
}
/** Returns the calls that delete saved credentials, in the order in which to make them. */
function manualSavedCalls(api, location, saved) {
    const { id_variable, state_variable, secret } = location;
    const paths = [
        ...(saved.secretTime === undefined ? [] : [`secrets/${secret}`]),
        ...(saved.client_id === undefined ? [] : [`variables/${id_variable}`]),
        ...(saved.state === undefined ? [] : [`variables/${state_variable}`]),
    ];
    return paths.map((path) => `DELETE ${entryUrl(api, location, path)}`).join('; ');
}
/**
 * Returns the sentence about what a state names that cannot be trusted: the call that removes it, or where to look for it.
 * It names no host, because users send a token to the address in a call.
 */
function whereToLook({ organization_id, nonce, client, secret, variables }) {
    const list = ['/api/v1/organizations', organization_id, 'clients'].filter(Boolean).join('/');
    const known = [
        ...(secret?.id ? [`DELETE ${list}/${secret.client_id}/secrets/${secret.id}`] : []),
        ...(client?.id ? [`DELETE ${list}/${client.id}`] : []),
    ];
    const search = secret
        ? `look for it by its time under ${list}/${secret.client_id}/secrets`
        : `look under ${list} for "nonce=${nonce}"`;
    const how = known.join('; ') || search;
    const { id_variable, state_variable } = variables?.location ?? {};
    const more = variables ? ` Check the variables ${id_variable} and ${state_variable}.` : '';
    return `To remove it by hand, if it is yours: ${how}.${more}`;
}
/** Returns the sentence about a secret that a request with an unknown outcome, or another run, may have added. */
function by_hand_possibleLeftover(scalekit, pending, id) {
    return `Secret ${id} of client ${pending.client_id} may be left over from a request whose answer was lost, or it may be another run's. A later rotation retires it. ${by_hand_manualSecretCall(scalekit, { ...pending, id })}`;
}
/** Returns the sentence about an update that was not, or not provably, undone. */
function mayStayUpdated({ before, fields }) {
    return `Client ${before.client_id} may stay updated: ${Object.keys(fields).join(', ')}.`;
}

;// CONCATENATED MODULE: ./build/undo/remove.js






/** Milliseconds after a create request was sent in which the server may still carry it out, although its caller is gone. */
const LATE_CREATE_WINDOW = 15_000;
/** Milliseconds between two searches for a client that may still appear. */
const POLL_INTERVAL = 1_000;
/** The most failures that an error names. More would not fit into an annotation. */
const MAX_FAILURES = 10;
/** The result if there is nothing to remove. */
const NOTHING = { removed: [], notFound: false, remaining: [] };
/**
 * Removes what a step created that failed, was cut off, or whose job has ended. Last created, first removed.
 * @param createWindow milliseconds after the create request in which a client of that request is searched for if its id is
 *   unknown. 0 searches once
 */
async function cleanUp(scalekit, state, createWindow = 0) {
    const { client, secret } = state;
    // Deleting the client deletes its secrets.
    const isOnOwnClient = secret?.client_id === client?.id;
    const secretResult = secret && !isOnOwnClient ? await removePendingSecret(scalekit, secret) : NOTHING;
    const clientResult = client ? await removePendingClient(scalekit, state, client, createWindow) : NOTHING;
    return {
        removed: [...secretResult.removed, ...clientResult.removed],
        notFound: clientResult.notFound,
        remaining: [...secretResult.remaining, ...clientResult.remaining],
    };
}
/**
 * Removes the client that this step created, and its duplicates. Waits for a client that may still appear. Never throws:
 * a failure is a sentence in `remaining`.
 */
async function removePendingClient(scalekit, state, { id, sent_at, secret_outcome_unknown }, createWindow) {
    // If the clock was set back since, that must not prolong the wait.
    const until = Math.min(sent_at, Date.now()) + (id ? CREATION_LAG : createWindow);
    const [removed, remaining] = [[], []];
    try {
        const own = await waitForOwnClients(scalekit, state, until);
        for (const client of own) {
            const { what, stays } = await removeClientOrOwnSecrets(scalekit, state, client);
            if (what)
                removed.push(what);
            // Other runs use the client, so it is not left over. But if an outcome is unknown, its secrets may be this step's.
            if (stays && (secret_outcome_unknown || mayHaveUnknownSecret(state, client.client_id)))
                remaining.push(`Client ${client.client_id} may be left over. Remove it only if no other run uses it. ${manualClientCall(scalekit, state)}`);
        }
        return { removed, notFound: own.length === 0, remaining };
    }
    catch (error) {
        const what = `A client of this step may be left over: ${log.message(error)}`;
        remaining.push(`${what} ${manualClientCall(scalekit, state)}`);
        return { removed, notFound: false, remaining };
    }
}
/** Finds the clients that this step created. Searches until one appears, or until a time in milliseconds since the epoch. */
async function waitForOwnClients(scalekit, state, until) {
    for (;;) {
        const own = await findOwnClients(scalekit, state);
        if (own.length > 0 || Date.now() > until)
            return own;
        await scalekit.transport.pause(POLL_INTERVAL);
    }
}
/** Returns whether the client may have a secret of this step whose id is unknown. */
function mayHaveUnknownSecret({ secret }, client_id) {
    return secret?.client_id === client_id && (!secret.id || secret.outcome_unknown);
}
/**
 * Removes the secret that this step added. Names secrets that may be this step's but may also be a concurrent run's.
 * Never throws: a failure is a sentence in `remaining`.
 */
async function removePendingSecret(scalekit, pending) {
    const { client_id, nonce, id, known_ids, outcome_unknown } = pending;
    try {
        const client = await scalekit.getClient(client_id);
        if (!client)
            return NOTHING;
        if (client.client_id !== client_id || parseMarker(client.description)?.nonce !== nonce)
            throw new Error(`client ${client_id} is not the one that main read, by its description.`);
        const possibleIds = id && !outcome_unknown ? [] : newSecretIds(client.parse(), [...known_ids, id]);
        const wasDeleted = id !== undefined && (await deleteSecretUntilGone(scalekit, client_id, id));
        const remaining = possibleIds.map((possible) => possibleLeftover(scalekit, pending, possible));
        // Waiting longer would not help: unlike a client, a late secret cannot be distinguished from another run's.
        if (!id && possibleIds.length === 0)
            remaining.push(`Could not determine whether a secret was added to client ${client_id}: it shows none, and the server may finish late. A later rotation retires it. ${manualSecretCall(scalekit, pending)}`);
        return { removed: wasDeleted ? [`secret ${id} of client ${client_id}`] : [], notFound: false, remaining };
    }
    catch (error) {
        const what = `A secret of this step on client ${client_id} may be left over: ${log.message(error)}`;
        return { ...NOTHING, remaining: [`${what} ${manualSecretCall(scalekit, pending)}`] };
    }
}
/**
 * Finds the clients that this step created: by id or, if the id is unknown or the request was sent several times, by nonce.
 * @throws {Error} if the client with that id is another run's
 */
async function findOwnClients(scalekit, state) {
    const { id, sent_again } = state.client ?? {};
    const named = id ? await scalekit.getClient(id) : undefined;
    // The response may show another client than the requested one.
    const own = named && named.client_id === id && isFromThisStep(named, state) ? [named] : [];
    if (id && !sent_again && (own.length > 0 || !named))
        return own;
    for await (const client of scalekit.listClients()) {
        if (isFromThisStep(client, state) && !own.some(({ client_id }) => client_id === client.client_id))
            own.push(client);
    }
    if (own.length === 0 && named)
        throw new Error(`client ${id} is not this step's, by its description. Remove it only if it is yours.`);
    return own;
}
/**
 * Deletes a client that this step created. If it has secrets of other runs, deletes only this step's secrets.
 * @returns what was removed, empty if nothing was, and whether the client stays
 */
async function removeClientOrOwnSecrets(scalekit, state, client) {
    const { client_id } = client;
    if (state.lifetime === 'persistent') {
        const { secrets } = client.parse();
        const recorded = state.client?.id === client_id ? state.client.secret_ids : undefined;
        // The oldest secret of a client was created with it.
        const ownIds = recorded ?? [[...secrets].sort(byCreateTime)[0]?.id, state.secret?.id];
        const own = secrets.filter(({ id }) => ownIds.includes(id));
        if (own.length < secrets.length) {
            for (const { id } of own)
                await deleteSecretUntilGone(scalekit, client_id, id);
            const ids = own.map(({ id }) => id).join(' and ');
            const why = "the client is not deleted, since it has secrets that are not known to be this step's";
            return { what: ids && `secret ${ids} of client ${client_id} (${why})`, stays: true };
        }
    }
    await deleteClientUntilGone(scalekit, client_id);
    return { what: `client ${client_id}`, stays: false };
}
/** Returns the ids of a client's secrets that are not among `known`. */
function newSecretIds({ secrets }, known) {
    return secrets.map(({ id }) => id).filter((id) => !known.includes(id));
}
/** Re-reads a client and deletes it. Does not delete it if its ownership marker has changed. */
async function deleteMarkedClient(scalekit, client) {
    const { client_id } = client;
    try {
        if (!client.justRead && (await isChanged(scalekit, client)))
            return { remaining: `Client ${client_id} stays: its description was changed meanwhile.` };
        return (await deleteClientUntilGone(scalekit, client_id)) ? 'deleted' : 'gone already';
    }
    catch (error) {
        const call = `To remove it by hand: DELETE ${scalekit.clientUrl(client_id).href}`;
        return { remaining: `Client ${client_id} is left over: ${output_log/* message */.iU(error)} ${call}` };
    }
}
/** Returns whether the ownership marker of a client has changed. A client that does not exist has not changed. */
async function isChanged(scalekit, { client_id, marker }) {
    const now = await scalekit.getClient(client_id);
    if (!now)
        return false;
    const current = identity_parseMarker(now.description);
    return now.client_id !== client_id || !current || formatMarker(current) !== formatMarker(marker);
}
/** Throws one error that names all failures, each once. Failures that do not fit go to the log. */
function throwFailures(failures) {
    const unique = [...new Set(failures)];
    const more = unique.length > MAX_FAILURES ? [`And ${unique.length - MAX_FAILURES} more, in the log.`] : [];
    unique.slice(MAX_FAILURES).forEach(output_log/* info */.pq);
    if (unique.length > 0)
        throw new Error([...unique.slice(0, MAX_FAILURES), ...more].join('\n'));
}
/** Deletes a client, whatever secrets it has. @returns whether it still existed */
async function deleteClientUntilGone(scalekit, client_id) {
    const isShown = async () => (await scalekit.getClient(client_id)) !== undefined;
    return await deleteUntilGone(scalekit, () => scalekit.deleteClient(client_id), isShown);
}
/** Deletes a secret. @returns whether it still existed */
async function deleteSecretUntilGone(scalekit, client_id, id) {
    const isShown = async () => {
        const client = await scalekit.getClient(client_id);
        return client?.parse().secrets.some((secret) => secret.id === id) ?? false;
    };
    return await deleteUntilGone(scalekit, () => scalekit.deleteSecret(client_id, id), isShown);
}
/**
 * Deletes until the API stops showing the thing. Right after a create, one part of the API may show it while another
 * answers 404 to the delete.
 * @param remove returns false if the API has nothing to delete
 */
async function deleteUntilGone(scalekit, remove, isShown) {
    for (const until = clock() + api_CREATION_LAG; !(await remove());) {
        if (!(await isShown()))
            return false;
        if (clock() > until)
            throw new Error('the API shows it, and yet says that there is nothing to delete.');
        await scalekit.transport.pause(POLL_INTERVAL);
    }
    return true;
}

;// CONCATENATED MODULE: ./build/commands/session.js


/**
 * Runs a command with a transport of its own, and prints the warnings about its inputs first. On SIGINT, which the runner
 * sends when the run is cancelled, the transport stops sending and the command fails.
 */
async function runWithTransport(inputs, run) {
    inputs.warnings.forEach(output_log/* warning */.$e);
    const transport = new Transport(inputs.runner.run, inputs.timeout);
    process.on('SIGINT', () => transport.cancel());
    try {
        await run(inputs, transport);
    }
    catch (error) {
        throw transport.cancelled ? new Error(`The run was cancelled. ${output_log/* message */.iU(error)}`, { cause: error }) : error;
    }
}

;// CONCATENATED MODULE: ./build/commands/sweep.js









/** The most clients that the summary shows: GitHub takes a summary of 1 MiB at most. */
const MAX_ROWS = 200;
/** Nanoseconds of 35 days. GitHub ends every workflow run by then. */
const MAX_RUN_NS = 35n * 24n * 3600000000000n;
/** Runs `sweep/`: deletes the clients with `lifetime: job` of this repository whose job has ended, oldest first. */
async function sweepJobClients(inputs) {
    await runWithTransport(inputs, run);
}
async function run(inputs, transport) {
    // This command has no roll-back to keep time for.
    transport.releaseCleanupTime();
    const { dry_run, runner } = inputs;
    const scalekit = await Scalekit.open(transport, inputs);
    const clients = await findJobClients(scalekit, runner);
    const rows = await sweep(inputs, scalekit, clients, judgeWith(new GitHub(transport, inputs.github), runner));
    const idsOf = (action) => rows.filter((row) => row.action === action).map(({ client }) => client.client_id);
    const deleted = idsOf(DELETED);
    const outcome = dry_run
        ? `${idsOf(WOULD_BE_DELETED).length} would be deleted, and dry_run is true`
        : `${deleted.length} deleted`;
    output_log/* info */.pq(`Clients of single jobs of ${runner.repository}: ${clients.length}, ${outcome}.`);
    setOutputs({ deleted: deleted.join(' ') });
    writeSummary(`Scalekit organization clients of single jobs: ${outcome}`, table(rows));
    throwFailures(rows.flatMap(({ failures }) => failures));
}
const DELETED = 'deleted';
const WOULD_BE_DELETED = 'would be deleted';
/** Finds the clients with `lifetime: job` that the repository's workflows created. @returns the oldest first */
async function findJobClients(scalekit, runner) {
    const by = repositoryReference(runner.repository, runner.repository_id);
    const found = new Map();
    for await (const { client_id, description, parse } of scalekit.listClients()) {
        const marker = identity_parseMarker(description);
        if (marker?.by !== by || marker.lifetime !== 'job')
            continue;
        try {
            found.set(client_id, { ...withMarker(parse()), marker });
        }
        catch (error) {
            output_log/* warning */.$e(`Client ${client_id} stays: ${output_log/* message */.iU(error)}.`);
        }
    }
    return [...found.values()].sort(oldestFirst);
}
/** Judges the clients one by one and deletes those whose job has ended, at most `max_deletions`. */
async function sweep({ dry_run, max_deletions }, scalekit, clients, judge) {
    const rows = [];
    // Clients that cannot be deleted do not count: otherwise they would block the rest in every later run.
    let count = 0;
    for (const client of clients) {
        const row = count === max_deletions
            ? { action: 'stays', why: `max_deletions is ${max_deletions}, so nobody asked about it`, failures: [] }
            : await sweepOne(scalekit, client, await judge(client), dry_run);
        if (row.action === DELETED || row.action === WOULD_BE_DELETED)
            count++;
        const { client_id, name, marker } = client;
        output_log/* info */.pq(`Client ${client_id} ${JSON.stringify(name)} of run ${marker.run}: ${row.action}, since ${row.why}.`);
        rows.push({ client, ...row });
    }
    return rows;
}
/** Deletes a client if its job has ended. */
async function sweepOne(scalekit, client, { isOver, why, failure }, dryRun) {
    const failures = failure === undefined ? [] : [failure];
    if (!isOver)
        return { action: 'stays', why, failures };
    if (dryRun)
        return { action: WOULD_BE_DELETED, why, failures };
    const outcome = await deleteMarkedClient(scalekit, client);
    if (typeof outcome === 'string')
        return { action: outcome, why, failures };
    return { action: 'not deleted', why, failures: [...failures, outcome.remaining] };
}
/**
 * Returns a function that judges one client. It asks GitHub once about each run, and not again if GitHub refuses to
 * answer. A client whose run cannot be determined stays.
 */
function judgeWith(github, { repository, run: ownRun }) {
    const runs = new Map();
    let refusal;
    const readRun = async (id) => {
        if (refusal)
            throw refusal;
        return await github.getRun(repository, id).catch((error) => {
            if (error instanceof api_error_ApiError && (error.status === 401 || error.status === 403 || error.status === 429))
                refusal = error;
            throw error;
        });
    };
    return async ({ marker, create_time }) => {
        const [id = ''] = marker.run.split('.');
        const byAge = () => {
            const { serverNow } = github.transport;
            const now = serverNow === undefined ? undefined : BigInt(serverNow) * 1000000n;
            return judgeByAge(marker, create_time, now, ownRun);
        };
        const verdict = byAge();
        if (verdict)
            return verdict;
        try {
            const reading = runs.get(id) ?? readRun(id);
            runs.set(id, reading);
            const run = await reading;
            // Judge by age once more: if Scalekit sends no time, GitHub's response is the first that does.
            return byAge() ?? judgeByRun(marker, run);
        }
        catch (error) {
            return { isOver: false, why: 'GitHub could not be asked about its run', failure: output_log/* message */.iU(error) };
        }
    };
}
/**
 * Judges a client by its age.
 * @param create_time nanoseconds since the epoch, like `now`
 * @param ownRun `ID.ATTEMPT` of the run that sweeps
 * @returns undefined if only GitHub can tell
 */
function judgeByAge({ run }, create_time, now, ownRun) {
    if (run === ownRun)
        return { isOver: false, why: 'it is of this very run' };
    if (create_time === undefined || now === undefined || now - create_time <= MAX_RUN_NS)
        return undefined;
    return { isOver: true, why: 'it is older than 35 days, and no run lasts longer' };
}
/** Judges a client by its workflow run. @param workflowRun undefined if GitHub shows no such run */
function judgeByRun({ run }, workflowRun) {
    // GitHub answers 404 for a deleted run and for one that the token may not see.
    if (!workflowRun)
        return { isOver: false, why: 'GitHub shows no such run, which proves nothing' };
    const { status, run_attempt } = workflowRun;
    const attempt = Number(run.split('.')[1]);
    if (run_attempt > attempt)
        return { isOver: true, why: `its run is at attempt ${run_attempt} by now` };
    if (run_attempt === attempt && status === 'completed')
        return { isOver: true, why: 'its run is completed' };
    return { isOver: false, why: `its run is ${status} in attempt ${run_attempt}` };
}
/** Returns the rows of the summary's table. */
function table(rows) {
    const header = ['Client', 'Name', 'Run', 'What', 'Why'].map((data) => ({ data, header: true }));
    const shown = rows
        .slice(0, MAX_ROWS)
        .map(({ client, action, why }) => [client.client_id, client.name, client.marker.run, action, why].map((text) => cell([text])));
    const more = rows.length - MAX_ROWS;
    return [header, ...shown, ...(more > 0 ? [[{ data: `and ${more} more`, colspan: '5' }]] : [])];
}


/***/ })

};
;