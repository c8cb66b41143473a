"use strict";
exports.id = 86;
exports.ids = [86];
exports.modules = {

/***/ 86:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  cleanUpAfterMain: () => (/* binding */ cleanUpAfterMain)
});

// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(938);
;// CONCATENATED MODULE: ./node_modules/@actions/http-client/lib/proxy.js
function getProxyUrl(reqUrl) {
    const usingSsl = reqUrl.protocol === 'https:';
    if (checkBypass(reqUrl)) {
        return undefined;
    }
    const proxyVar = (() => {
        if (usingSsl) {
            return process.env['https_proxy'] || process.env['HTTPS_PROXY'];
        }
        else {
            return process.env['http_proxy'] || process.env['HTTP_PROXY'];
        }
    })();
    if (proxyVar) {
        try {
            return new DecodedURL(proxyVar);
        }
        catch (_a) {
            if (!proxyVar.startsWith('http://') && !proxyVar.startsWith('https://'))
                return new DecodedURL(`http://${proxyVar}`);
        }
    }
    else {
        return undefined;
    }
}
function checkBypass(reqUrl) {
    if (!reqUrl.hostname) {
        return false;
    }
    const reqHost = reqUrl.hostname;
    if (isLoopbackAddress(reqHost)) {
        return true;
    }
    const noProxy = process.env['no_proxy'] || process.env['NO_PROXY'] || '';
    if (!noProxy) {
        return false;
    }
    // Determine the request port
    let reqPort;
    if (reqUrl.port) {
        reqPort = Number(reqUrl.port);
    }
    else if (reqUrl.protocol === 'http:') {
        reqPort = 80;
    }
    else if (reqUrl.protocol === 'https:') {
        reqPort = 443;
    }
    // Format the request hostname and hostname with port
    const upperReqHosts = [reqUrl.hostname.toUpperCase()];
    if (typeof reqPort === 'number') {
        upperReqHosts.push(`${upperReqHosts[0]}:${reqPort}`);
    }
    // Compare request host against noproxy
    for (const upperNoProxyItem of noProxy
        .split(',')
        .map(x => x.trim().toUpperCase())
        .filter(x => x)) {
        if (upperNoProxyItem === '*' ||
            upperReqHosts.some(x => x === upperNoProxyItem ||
                x.endsWith(`.${upperNoProxyItem}`) ||
                (upperNoProxyItem.startsWith('.') &&
                    x.endsWith(`${upperNoProxyItem}`)))) {
            return true;
        }
    }
    return false;
}
function isLoopbackAddress(host) {
    const hostLower = host.toLowerCase();
    return (hostLower === 'localhost' ||
        hostLower.startsWith('127.') ||
        hostLower.startsWith('[::1]') ||
        hostLower.startsWith('[0:0:0:0:0:0:0:1]'));
}
class DecodedURL extends URL {
    constructor(url, base) {
        super(url, base);
        this._decodedUsername = decodeURIComponent(super.username);
        this._decodedPassword = decodeURIComponent(super.password);
    }
    get username() {
        return this._decodedUsername;
    }
    get password() {
        return this._decodedPassword;
    }
}
//# sourceMappingURL=proxy.js.map
;// CONCATENATED MODULE: ./build/net/proxy.js

/** The format of a proxy variable, in words. */
const proxy_PROXY_URL_FORMAT = 'the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded';
/**
 * A proxy's URL is invalid, or the proxy opened no tunnel. Nothing of a request can have reached its server. The
 * message never quotes the proxy's URL or password.
 */
class proxy_ProxyError extends Error {
    name = 'ProxyError';
    /** PROXY_ADDRESS, PROXY_REFUSED (4xx), PROXY_FAILED (another status), or the code of Node.js. */
    code;
    /** Name of the environment variable that configures the proxy. */
    variable;
    /** The proxy's response to CONNECT; undefined if there was none. */
    status;
    /** @param variable name of the environment variable that configures the proxy */
    constructor(variable, message, code, status) {
        super(message);
        this.variable = variable;
        this.code = code;
        this.status = status;
    }
}
/**
 * Returns the proxy for requests to a URL, or undefined if they are sent directly. Reads https_proxy and no_proxy, or
 * the upper-case names if the lower-case ones are not set. Loopback addresses are never reached through a proxy,
 * whatever the variables say.
 * @throws {ProxyError} if the variable holds no proxy URL. Otherwise requests would bypass the proxy silently.
 */
function proxy_proxyFor(target, env) {
    const variable = ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name]?.trim());
    if (!variable || checkBypass(target))
        return undefined;
    const text = env[variable]?.trim() ?? '';
    // Without a scheme, `proxy.corp:3128` would be parsed as a scheme and a path.
    const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`);
    try {
        if (url && /^https?:$/.test(url.protocol)) {
            const login = [url.username, url.password].map(decodeURIComponent).join(':');
            return { variable, url, login: login === ':' ? '' : login };
        }
    }
    catch {
        // decodeURIComponent() throws for a percent sign that encodes nothing.
    }
    throw new proxy_ProxyError(variable, `${variable} does not hold the address of a proxy`, 'PROXY_ADDRESS');
}
/** Returns whether a secret may be sent to a URL: over TLS, or to a loopback address. */
function proxy_isSafe({ protocol, hostname }) {
    const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
    return protocol === 'https:' || (protocol === 'http:' && loopback);
}

;// CONCATENATED MODULE: ./build/net/api-error.js


// The errors of the Scalekit and GitHub APIs, and the advice about the network that both have in common. scalekit/errors.ts
// and github/errors.ts add the advice for the responses of each API.
/** A failed API request: the operation, the status, the server's own message, and what the user can do. */
class ApiError extends Error {
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
    return new ApiError(errorSentence(operation, [`HTTP ${status}`, ...messages].join(': '), advice), { status });
}
/**
 * Returns the error for a request that got no complete response.
 * @param operation completes "Could not …"
 * @param setting name of the input or variable that holds the server's URL
 * @param moreAdvice what else the user can do, a sentence, or empty
 */
function unansweredError(operation, error, setting, moreAdvice = '') {
    const advice = [networkAdvice(error, setting), moreAdvice].filter(Boolean).join(' ');
    return new ApiError(errorSentence(operation, error.message, advice), { cause: error });
}
/**
 * Returns the error for a response that does not have the form that the API documents.
 * @param operation completes "Could not …"
 * @param reason completes "HTTP 200, but …"
 * @param advice what the user can do, a sentence, or empty
 */
function invalidResponseError(operation, { status }, reason, advice) {
    return new ApiError(errorSentence(operation, `HTTP ${status}, but ${reason}`, advice));
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
        return `Expected ${proxy_PROXY_URL_FORMAT}.`;
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
        return this.cause instanceof proxy_ProxyError ? this.cause : undefined;
    }
}

;// CONCATENATED MODULE: ./build/net/outcome.js
function done(value) {
    return { kind: 'done', value };
}
/** @param mayBeDone whether the server may have carried the request out */
function failure(mayBeDone, error) {
    return { kind: mayBeDone ? 'unknown' : 'refused', error };
}
/** Returns the value of a request that was carried out. @throws {ApiError} if it was not, or not provably */
function unwrap(outcome) {
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
        const fail = (message, code, status) => callback(new proxy_ProxyError(variable, message, code, status));
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
        const proxy = proxy_proxyFor(url, process.env);
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
            if (error instanceof ApiError && error.status === 404)
                return undefined;
            throw error;
        }
    }
    /** Reads an object like find(), but throws an ApiError if GitHub returns 404. */
    async read(request, parse) {
        const response = unwrap(await this.send(request));
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
            return done(response);
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

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(24);
;// CONCATENATED MODULE: ./build/github/runner.js

/** Name of the variable with the URL from which a job gets its ID token. */
const ID_TOKEN_URL = 'ACTIONS_ID_TOKEN_REQUEST_URL';
/** Name of the variable with the bearer token for that URL. */
const ID_TOKEN_TOKEN = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
/** Reads the runner's data from its environment variables and its event file. */
function readRunner(env) {
    return {
        repository: env.GITHUB_REPOSITORY ?? '',
        repository_id: numericId(env.GITHUB_REPOSITORY_ID),
        run: `${numericId(env.GITHUB_RUN_ID, 12) ?? '0'}.${numericId(env.GITHUB_RUN_ATTEMPT, 4) ?? '1'}`,
        api: env.GITHUB_API_URL || 'https://api.github.com',
        runUrl: runUrl(env),
        origin: runOrigin(env),
    };
}
/** Returns whether GitHub offers the job an ID token. It does if the job's `permissions` include `id-token: write`. */
function mayHaveIdToken(env) {
    return Boolean(env[ID_TOKEN_URL] && env[ID_TOKEN_TOKEN]);
}
/**
 * Returns an id, or undefined if it is not a number or too long for the ownership marker. GitHub's ids are shorter.
 * @param maxDigits digits that the id may have
 */
function numericId(text, maxDigits = 16) {
    return text && /^\d+$/.test(text) && text.length <= maxDigits ? text : undefined;
}
/** Returns the URL of the attempt of a run, or an empty string if a variable that it needs is absent or odd. */
function runUrl({ GITHUB_SERVER_URL: server = '', GITHUB_REPOSITORY: repository = '', GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: attempt = '1', }) {
    const path = `/${repository}/actions/runs/${numericId(run)}/attempts/${numericId(attempt)}`;
    const isKnown = /^https?:\/\/[\w.:-]+\/?$/.test(server) && /^(\/[\w.-]+)+$/.test(path) && !path.includes('undefined');
    return isKnown ? server.replace(/\/$/, '') + path : '';
}
/** Returns the origin of a run, by its event. */
function runOrigin(env) {
    const payload = readEvent(env.GITHUB_EVENT_PATH);
    const [pullRequest, workflowRun] = [payload.pull_request, payload.workflow_run];
    // `repo` is null if the fork was deleted in the meantime.
    const head = pullRequest?.head ? pullRequest.head.repo : workflowRun?.head_repository;
    const isForeign = head !== undefined && head?.full_name !== env.GITHUB_REPOSITORY;
    // A run for one of these events gets the target repository's secrets, whoever wrote the code that triggered it.
    if (isForeign && /^(pull_request_target|workflow_run)$/.test(env.GITHUB_EVENT_NAME ?? ''))
        return 'untrusted';
    if (env.GITHUB_ACTOR === 'dependabot[bot]')
        return 'dependabot';
    return isForeign ? 'fork' : undefined;
}
/** Returns the event's payload, or an empty object if the file cannot be read. */
function readEvent(path) {
    try {
        return JSON.parse((0,external_node_fs_.readFileSync)(path ?? '', 'utf8')) ?? {};
    }
    catch {
        return {};
    }
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
            const [key, key_id] = [(0,json/* stringField */.OM)(response, 'key'), (0,json/* stringField */.OM)(response, 'key_id')];
            if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
                throw new json/* InvalidResponseError */.tF('it holds no public key');
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
                throw new json/* InvalidResponseError */.tF('value is not a string');
            return { value: response.value, time: (0,json/* stringField */.OM)(response, 'updated_at') };
        };
        return await this.#github.find(this.#variable('read', 'GET', '/{name}', { name }), parse);
    }
    async #getSecretTime() {
        return await this.#github.find(this.#secret('read', 'GET'), (response) => {
            const time = (0,json/* stringField */.OM)(response, 'updated_at');
            if (Number.isNaN(Date.parse(time)))
                throw new json/* InvalidResponseError */.tF('updated_at is not a time');
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

// EXTERNAL MODULE: ./build/output/mask.js
var mask = __webpack_require__(549);
;// CONCATENATED MODULE: ./build/inputs/parse.js


/**
 * Texts that are not accepted as a URL, although browsers correct some of them: white space, a backslash, a control
 * character, a leading slash, or `http:` or `https:` without exactly two slashes.
 */
const INVALID_URL = /[\s\\]|[^!-~\xa0-\uffff]|^([hH][tT]{2}[pP][sS]?:(?!\/\/[^/])|\/)/;
/** A host as DNS or an address has it. URLs allow more characters, such as quotes and braces. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])$/i;
/** A host that can be meant without a scheme before it. Any other text is rather the name of something else. */
const DOTTED = /^(localhost$|\[)|\.[^.]/i;
/** What an expression without a value, or an object, becomes in the text of an input. A list splits the last one. */
const PLACEHOLDER = /^(null|undefined|\{\}|""|''|\[object( \w+\])?)$/;
/** A quote at the beginning or the end of a text. */
const QUOTES = /^["'`‘’‚‹›“”„«»]|["'`‘’‚‹›“”„«»]$/;
/** An invisible character. */
const INVISIBLE = /\p{Cf}/u;
/** The name of a credential before the credential itself, as in `export NAME=text` or `name: text`. */
const NAMED = /^(?:export\s+|-e\s+|\$env:)?\w{0,40}(?:id|key|secret|token)\s*([=:])(?=\s*[^\s=])/i;
/** How Scalekit's secrets begin. */
const SECRET_LIKE = /^(test|live|prod)_/;
/** Returns whether a text stands for a missing value rather than for itself. */
function isPlaceholder(text) {
    return PLACEHOLDER.test(text);
}
/** Returns a parser for text of a bounded length that is not a placeholder. */
function bounded(max) {
    return (text, report) => {
        if ((0,output_text/* characterCount */.Dq)(text) > max)
            report(`got ${(0,output_text/* characterCount */.Dq)(text)} characters, ${(0,output_text/* quote */.hD)(text)}; expected ${max} at most`);
        if (isPlaceholder(text))
            report(`got ${(0,output_text/* quote */.hD)(text)}; expected a text. It probably comes from an expression without a value`);
        return text;
    };
}
/** Returns a parser for text that matches a pattern and is not a placeholder. Any other text counts as not given. */
function matching(pattern, expected) {
    return (text, report) => {
        if (pattern.test(text) && !isPlaceholder(text))
            return text;
        report(`got ${(0,output_text/* quote */.hD)(text)}; expected ${expected}`);
        return undefined;
    };
}
/** Returns a parser for one of several words. */
function choice(choices) {
    const list = choices.map((word) => `"${word}"`);
    const expected = `${list.slice(0, -1).join(', ')} or ${list.at(-1)}`;
    return (text, report) => {
        const word = choices.find((word) => word === text);
        if (word === undefined)
            report(`got ${(0,output_text/* quote */.hD)(text)}; expected ${expected}`);
        return word;
    };
}
/** Parses a boolean in one of the spellings of YAML's core schema. */
const parseBoolean = (text, report) => {
    if (/^(true|True|TRUE|false|False|FALSE)$/.test(text))
        return text.toLowerCase() === 'true';
    report(`got ${(0,output_text/* quote */.hD)(text)}; expected true or false`);
    return undefined;
};
/** Returns a parser for a whole number in decimal digits. */
function wholeNumber(min, max, unit = '') {
    const range = max === Number.MAX_SAFE_INTEGER ? `, at least ${min}` : ` from ${min} to ${max}`;
    return (text, report) => {
        const number = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
        if (number >= min && number <= max)
            return number;
        report(`got ${(0,output_text/* quote */.hD)(text)}; expected a whole number${unit && ` of ${unit}`}${range}`);
        return undefined;
    };
}
/**
 * Returns a parser that does what `parser` does, unless the text holds an invisible character.
 * @param show how an error shows the text
 */
function visible(parser, show = output_text/* quote */.hD) {
    return (text, report) => (reportInvisible(text, report, '', show) ? undefined : parser(text, report));
}
/** Reports the first invisible character (Unicode category Cf). @returns whether there is one */
function reportInvisible(text, report, advice, show = output_text/* quote */.hD) {
    const [character] = INVISIBLE.exec(text) ?? [];
    if (!character)
        return false;
    report(`got ${show(text)} with the invisible character ${(0,output_text/* escapeInvisible */.ts)(character)}; expected none${advice}`);
    return true;
}
/**
 * Returns a parser for a credential. Its errors never quote it.
 * @param what what is expected, such as "a token of GitHub"
 * @param problemOf returns what is wrong with a text that is not wrapped in anything
 */
function credential(what, problemOf) {
    return (text, report) => {
        const wrapping = wrappingOf(text);
        const problem = wrapping ? `${wrapping}; expected ${what} alone` : problemOf(text);
        if (problem)
            report(problem);
        return text;
    };
}
/** Returns what a credential was pasted with, or that it is none at all, in words. */
function wrappingOf(text) {
    const [character] = INVISIBLE.exec(text) ?? [];
    if (character)
        return `holds the invisible character ${(0,output_text/* escapeInvisible */.ts)(character)}`;
    if (QUOTES.test(text))
        return 'has quotes around it';
    if (/^\*+$/.test(text) || isPlaceholder(text))
        return 'holds a placeholder';
    const [, sign] = NAMED.exec(text) ?? [];
    // The name is not shown, since it could be the first part of a secret.
    return sign && `has a name and "${sign}" in front of it`;
}
/** Parses a token of GitHub. */
const parseGitHubToken = credential('a GitHub token', (text) => 
// Any other character would break the header with the token.
/^[\x21-\x7e]+$/.test(text) ? undefined : 'holds characters that no token has; expected a GitHub token');
const API_CLIENT_ID = "the id of the environment's API credentials (skc_…)";
/** Parses the id of the environment's API credentials. */
const parseApiClientId = credential(API_CLIENT_ID, (text) => {
    if (text.startsWith('m2morg_'))
        return `got ${(0,output_text/* quote */.hD)(text)}, an organization client; expected the environment's API credentials (skc_…)`;
    if (SECRET_LIKE.test(text))
        return `holds what looks like a secret; expected ${API_CLIENT_ID}`;
    return /^[\x21-\x7e]+$/.test(text) ? undefined : `holds characters that no id has; expected ${API_CLIENT_ID}`;
});
const API_SECRET = "the secret of the environment's API credentials";
/** Parses the secret of the environment's API credentials. */
const parseApiSecret = credential(API_SECRET, (text) => {
    const [prefix] = /^(skc|m2morg)_/.exec(text) ?? [];
    return prefix && `holds an id (${prefix}…); expected ${API_SECRET}`;
});
/**
 * Parses the address of a Scalekit environment: a host, or a URL with or without a slash at its end.
 * @returns scheme, host and port, even if a problem is reported. Undefined if the text is not a URL
 */
const parseOrigin = (text, report) => {
    const expected = 'expected the address of the environment alone, such as https://acme.scalekit.com';
    const hasScheme = output_text/* SCHEME */.My.test(text);
    const url = INVALID_URL.test(text) ? null : URL.parse(hasScheme ? text : `https://${text}`);
    const quoted = () => (0,output_text/* quoteUrl */.y8)(text);
    if (!url || !HOST.test(url.hostname) || !(hasScheme || DOTTED.test(url.hostname))) {
        report(`got ${quoted()}, which is not a URL; ${expected}`);
        return undefined;
    }
    const extras = [
        url.username || url.password ? 'credentials' : '',
        url.pathname !== '/' && url.pathname !== '' ? 'a path' : '',
        text.includes('?') ? 'a query' : '',
        text.includes('#') ? 'a fragment' : '',
    ].filter(Boolean);
    if (extras.length > 0)
        report(`got ${quoted()} with ${extras.join(' and ')}; ${expected}`);
    if (!proxy_isSafe(url))
        report(`got ${quoted()}; expected https, since the environment's API secret is sent there (http only for a loopback address)`);
    return url.origin;
};
/**
 * Parses the address of GitHub's API. On GitHub Enterprise Server it has a path.
 * @returns the address without a slash at its end. Undefined if a problem is reported
 */
const parse_parseApiUrl = (text, report) => {
    const url = INVALID_URL.test(text) ? null : URL.parse(text);
    if (!url || !isSafe(url) || url.username || url.password || /[?#]/.test(text)) {
        report(`got ${quoteUrl(text)}; expected the https address of GitHub's API, such as https://api.github.com (http only for a loopback address)`);
        return undefined;
    }
    return url.href.replace(/\/+$/, '');
};

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 10 modules
var core = __webpack_require__(178);
;// CONCATENATED MODULE: ./build/client/faults.js
// How bad input is reported: all problems of all inputs are collected and thrown as one error. It is here and not in
// inputs/ because claims and targets report problems as well.
/** How many problems of one input are listed at most. Thousands would not fit into an annotation. */
const MAX_FAULTS = 10;
/** Lists every bad input: what was given, what is accepted and, if known, why. */
class InputError extends Error {
    name = 'InputError';
    constructor(faults) {
        super(faults.length === 1
            ? `Bad input: ${faults[0]}`
            : `${faults.length} bad inputs:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
    }
}
/** Collects the problems of all inputs. */
class faults_Faults {
    #order;
    #faults = new Map();
    /** @param order names of inputs in the order in which they are listed. Other names follow as they were reported */
    constructor(order = []) {
        this.#order = order;
    }
    /**
     * Returns the function that records a problem of an input.
     * @param label what the error calls the input
     */
    report(input, label = input) {
        return (problem) => {
            const faults = this.#faults.get(input) ?? [];
            faults.push(`${label}: ${problem}`);
            this.#faults.set(input, faults);
        };
    }
    /**
     * Throws all recorded problems as one error. Does nothing if there are none.
     * @throws {InputError} with at most 10 problems of each input, and the number of those that are omitted
     */
    finish() {
        const rank = (input) => (this.#order.includes(input) ? this.#order.indexOf(input) : this.#order.length);
        const sorted = [...this.#faults].sort(([one], [other]) => rank(one) - rank(other));
        const listed = sorted.flatMap(([input, faults]) => {
            const more = faults.length - MAX_FAULTS;
            return more > 0 ? [...faults.slice(0, MAX_FAULTS), `${input}: and ${more} more`] : faults;
        });
        if (listed.length > 0)
            throw new InputError(listed);
    }
}

;// CONCATENATED MODULE: ./build/scalekit/types.js

/**
 * Matches the id of an organization client. The id becomes part of a path and an output. Scalekit's descriptor limits
 * ids in requests to 32 characters, but not ids in responses.
 */
const CLIENT_ID = /^m2morg_[\w-]{1,121}$/;
/** Characters of a client's description at most (Scalekit's descriptor). */
const MAX_DESCRIPTION = 512;
/** Characters of a custom claim's key at most (Scalekit's descriptor). */
const MAX_CLAIM_KEY = 128;
/** Characters of a client's name at most (Scalekit's descriptor). */
const MAX_NAME = 128;
/** Secrets that a client has at most at the same time (the API's limit). */
const MAX_SECRETS = 5;
/** Milliseconds since the epoch: the start of 2020. A writer that does not know a time sends one long before that. */
const EARLIEST_TIME = Date.UTC(2020);
/** Compares two clients or secrets by `create_time`, the oldest first. An absent time is last: it may be the newest. */
function types_byCreateTime(one, other) {
    if (one.create_time === other.create_time)
        return 0;
    if (one.create_time === undefined)
        return 1;
    return other.create_time === undefined || one.create_time < other.create_time ? -1 : 1;
}
/**
 * Parses one page of a list of clients. An empty token marks the last page.
 * @throws {InvalidResponseError}
 */
function parsePage(text) {
    const page = (0,json/* parseJsonObject */.dw)(text);
    return { clients: (0,json/* listField */.FZ)(page, 'clients'), next_page_token: (0,json/* stringField */.OM)(page, 'next_page_token') };
}
/**
 * Parses a client of a list. Returns a list of one client, or an empty list if it is invalid: an invalid client does
 * not belong to this action, and must not hide the clients that do.
 */
function parseListedClient(entry) {
    // To throw and catch an error for each of millions of entries would take minutes.
    if (typeof Object(entry).client_id !== 'string')
        return [];
    try {
        return [parseClientSummary(entry)];
    }
    catch {
        return [];
    }
}
/**
 * Parses the id and the description of a client.
 * @throws {InvalidResponseError}
 */
function parseClientSummary(value) {
    const client = (0,json/* asObject */.eB)(value, 'client');
    const client_id = (0,json/* stringField */.OM)(client, 'client_id');
    if (!CLIENT_ID.test(client_id))
        throw new json/* InvalidResponseError */.tF('client_id is not the id of an organization client');
    return { client_id, description: (0,json/* stringField */.OM)(client, 'description'), parse: () => parseClient(client, client_id) };
}
function parseClient(client, client_id) {
    try {
        return {
            client_id,
            description: (0,json/* stringField */.OM)(client, 'description'),
            organization_id: (0,json/* stringField */.OM)(client, 'organization_id'),
            name: (0,json/* stringField */.OM)(client, 'name'),
            scopes: stringListField(client, 'scopes'),
            audience: stringListField(client, 'audience'),
            custom_claims: (0,json/* listField */.FZ)(client, 'custom_claims').map((entry) => {
                const claim = (0,json/* asObject */.eB)(entry, 'custom_claims');
                return { key: (0,json/* stringField */.OM)(claim, 'key'), value: (0,json/* stringField */.OM)(claim, 'value') };
            }),
            expiry: secondsField(client, 'expiry'),
            create_time: timeField(client, 'create_time'),
            secrets: (0,json/* listField */.FZ)(client, 'secrets').map(parseSecret),
        };
    }
    catch (error) {
        throw error instanceof json/* InvalidResponseError */.tF
            ? new json/* InvalidResponseError */.tF(`client ${client_id} is not readable: ${error.message}`)
            : error;
    }
}
/**
 * Parses a secret.
 * @throws {InvalidResponseError}
 */
function parseSecret(value) {
    const secret = (0,json/* asObject */.eB)(value, 'secret');
    const id = (0,json/* stringField */.OM)(secret, 'id');
    // The id becomes the last part of a path. As "..", it would make the path that of the client.
    if (!/^[\w-]{1,128}$/.test(id))
        throw new json/* InvalidResponseError */.tF('id is not the id of a secret');
    const expiresAt = timeField(secret, 'expire_time');
    const expired = expiresAt !== undefined && expiresAt < BigInt(Date.now()) * 1000000n;
    const active = secret.status !== 'INACTIVE' && secret.status !== 1 && !expired;
    return { id, create_time: timeField(secret, 'create_time'), suffix: (0,json/* stringField */.OM)(secret, 'secret_suffix'), active };
}
function stringListField(object, field) {
    return (0,json/* listField */.FZ)(object, field).map((entry) => {
        if (typeof entry !== 'string')
            throw new json/* InvalidResponseError */.tF(`${field} holds something else than strings`);
        return entry;
    });
}
/** Returns a number of seconds. Protobuf's JSON form writes an int64 as a string; lenient writers send a number. */
function secondsField(object, field) {
    const value = object[field] ?? undefined;
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (number === undefined || (Number.isSafeInteger(number) && Number(number) >= 0))
        return number;
    throw new json/* InvalidResponseError */.tF(`${field} is not a number of seconds`);
}
/**
 * Returns a time in nanoseconds since the epoch. The format is RFC 3339, with up to nine digits of a second. Returns
 * undefined if the field is absent, has another format, or is before 2020.
 */
function timeField(object, field) {
    const [, seconds, fraction = '', zone] = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec((0,json/* stringField */.OM)(object, field)) ?? [];
    const milliseconds = seconds ? Date.parse(`${seconds}${zone}`.toUpperCase()) : Number.NaN;
    if (Number.isNaN(milliseconds) || milliseconds < EARLIEST_TIME)
        return undefined;
    return BigInt(milliseconds) * 1000000n + BigInt(fraction.padEnd(9, '0'));
}

;// CONCATENATED MODULE: ./build/client/description.js

// How much of a client's description is the user's. client/identity.ts has the rest, the ownership marker. This file is
// small because every start loads it to check the inputs.
/** Characters of the longest ownership marker. */
const MAX_MARKER = 160;
/** Characters that a description may have in addition to the line break and the ownership marker. */
const description_MAX_DESCRIPTION_TEXT = MAX_DESCRIPTION - MAX_MARKER - 1;

;// CONCATENATED MODULE: ./build/client/desired.js
/** The values of the input `on_existing`. The first one is the default. */
const ON_EXISTING = ['rotate', 'reuse', 'replace', 'fail'];

;// CONCATENATED MODULE: ./build/inputs/json-text.js


// Parses JSON in inputs. An error names the line, the column and the text around the problem.
/** Characters that an error shows before and after the place of a problem. */
const CONTEXT = 20;
const WHITE_SPACE = /[ \t\n\r]*/y;
/** A string without its closing quote (RFC 8259, section 7): no control characters but DEL and C1. */
const STRING_START = /"[[^"\\\p{Cc}]\x7f-\x9f]*(?:\\(?:["\\\/bfnrt]|u[\da-fA-F]{4})[[^"\\\p{Cc}]\x7f-\x9f]*)*/vy;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
/** Characters that an error escapes: invisible ones, and white space that JSON does not allow and that looks like a space. */
const CONFUSING = /[\p{Cf}[\p{Z}--\x20]]/gv;
/**
 * Parses JSON.
 * @returns undefined if the text is broken, which is reported
 */
function parseJson(text, report, expected, reviver) {
    try {
        return JSON.parse(text, reviver);
    }
    catch (error) {
        const place = error instanceof SyntaxError ? placeOf(text, findJsonError(text)) : 'that is nested too deeply';
        report(`got broken JSON ${place}; expected ${expected}`);
        return undefined;
    }
}
/** Keeps a whole number as it is written, however large it is. Any other number may change: 1.10 becomes 1.1. */
const wholeNumberAsWritten = (_key, value, { source = '' } = {}) => typeof value === 'number' && /^-?(0|[1-9]\d*)$/.test(source) ? source : value;
/** Returns the keys that an object of this JSON text has more than once. JSON.parse keeps only the last of them. */
function repeatedKeys(json) {
    const repeated = new Set();
    const open = [];
    for (const [token, key, colon] of json.matchAll(/[{}[\]]|("(?:[^"\\]|\\.)*")\s*(:)?/g)) {
        if (token === '{' || token === '[')
            open.push(new Set());
        else if (token === '}' || token === ']')
            open.pop();
        else if (key && colon) {
            const name = JSON.parse(key);
            if (open.at(-1)?.has(name))
                repeated.add(name);
            open.at(-1)?.add(name);
        }
    }
    return repeated;
}
/** Returns a JSON value as an error shows it. */
function quoteJson(value) {
    try {
        return (0,output_text/* escapeInvisible */.ts)((0,output_text/* truncate */.xv)((0,output_text/* hideLikelySecrets */.Ec)(JSON.stringify(value)), 80));
    }
    catch {
        return 'one that is nested too deeply';
    }
}
/**
 * Returns the offset of the first character at which a text stops being JSON (RFC 8259), or its length if it ends too
 * early. JSON.parse reports this for some errors only, and each version of Node.js for others.
 */
function findJsonError(text) {
    const scanner = new Scanner(text);
    for (let next = 'value'; next;) {
        scanner.take(WHITE_SPACE);
        next = STEPS[next](scanner);
    }
    return scanner.at;
}
/** Moves past what may come next. Each returns what may follow, or undefined at the problem or the end of the value. */
const STEPS = {
    end: (scanner) => {
        const { open } = scanner;
        if (open.length > 0 && scanner.takeCharacter(','))
            return open.at(-1) === '}' ? 'key' : 'value';
        return scanner.takeCharacter(open.at(-1)) && open.pop() ? 'end' : undefined;
    },
    first: (scanner) => {
        const { open } = scanner;
        if (scanner.takeCharacter(open.at(-1)) && open.pop())
            return 'end';
        return STEPS[open.at(-1) === '}' ? 'key' : 'value'](scanner);
    },
    key: (scanner) => {
        if (!scanner.takeString())
            return undefined;
        scanner.take(WHITE_SPACE);
        return scanner.takeCharacter(':') ? 'value' : undefined;
    },
    value: (scanner) => {
        const closing = scanner.takeCharacter('{') ? '}' : scanner.takeCharacter('[') ? ']' : undefined;
        if (closing && scanner.open.push(closing))
            return 'first';
        return scanner.take(SCALAR) || scanner.takeString() ? 'end' : undefined;
    },
};
/** Moves through a text, from its beginning. */
class Scanner {
    /** The offset of the next character. */
    at = 0;
    /** What closes the lists and objects around it, the innermost last. */
    open = [];
    #text;
    constructor(text) {
        this.#text = text;
    }
    /** Moves past what a sticky pattern matches, and returns it. Returns an empty text if it does not match. */
    take(pattern) {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.#text)?.[0] ?? '';
        this.at += found.length;
        return found;
    }
    /** Moves past a string. @returns false if it is broken, and then `at` is the offset of the problem */
    takeString() {
        return this.take(STRING_START) !== '' && this.takeCharacter('"');
    }
    /** Moves past this character if it is the next one. */
    takeCharacter(character) {
        const isNext = character !== undefined && this.#text[this.at] === character;
        if (isNext)
            this.at++;
        return isNext;
    }
}
/**
 * Returns line, column and the text around an offset. Masked values and what looks like a secret are replaced, also one
 * that the offset, a quote or a line break splits.
 */
function placeOf(text, offset) {
    const before = text.slice(0, offset);
    const lines = before.split(/\r\n|\r|\n/);
    const hide = (part) => (0,output_text/* hideLikelySecrets */.Ec)((0,mask/* redact */.E$)(part));
    const [start, end] = [hide(before), hide(text.slice(offset))];
    const joined = hide(text).replace(/["'\s]/g, '');
    const isSplit = start + end !== hide(text) || hide(joined) !== joined;
    const around = isSplit ? '***' : `${[...start].slice(-CONTEXT).join('')}${[...end].slice(0, CONTEXT).join('')}`;
    const column = [...(lines.at(-1) ?? '')].length + 1;
    return `at line ${lines.length}, column ${column}, near ${(0,output_text/* escapeInvisible */.ts)(JSON.stringify(around), CONFUSING)}`;
}

;// CONCATENATED MODULE: ./build/inputs/lists.js




// Parses lists and claims. Text that is probably not meant as it stands is refused; JSON can say what is meant.
const EXPECTED_LIST = 'a JSON array of strings, or entries separated by commas, spaces or lines';
const EXPECTED_CLAIMS = 'key=value lines, a JSON object, or a JSON array of {"key", "value"}';
const EXPECTED_COMMENTS = 'expected comments on lines of their own (use JSON for a value with #)';
/** How to write an invisible character if it is meant. */
const WAY_OUT = ' (if it is meant, use JSON with the character escaped)';
/** How to write a list or claims in JSON. */
const JSON_LIST = '["…"]';
const JSON_CLAIMS = '{"…": "…"}';
/** Parses scopes: a list whose entries RFC 6749, section 3.3, allows. */
function parseScopes(text, report) {
    const scopes = parseList(text, report);
    for (const scope of scopes) {
        if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
            report(`got ${(0,output_text/* quote */.hD)(scope)}; expected printable ASCII without spaces, " and \\`);
    }
    return scopes;
}
/**
 * Parses a list: entries separated by commas, spaces or line breaks, a YAML list, or a JSON array of strings. Repeated
 * entries count once. Lines that begin with `#` are comments.
 * @returns the entries that have no problem
 */
function parseList(text, report) {
    return parseBody(text, report, parseJsonList, (lines, isYamlList) => {
        const entries = isYamlList ? lines : lines.flatMap((line) => line.split(/[\s,]+/).filter(Boolean));
        if (lines.length > 0 && entries.length === 0)
            report('holds no entries; expected some, or no input at all');
        return [...new Set(entries)].filter((entry) => {
            const problem = entryProblem(entry);
            if (problem)
                report(problem);
            return !problem;
        });
    });
}
/**
 * Parses claims: `key=value` lines, which may be a YAML list, a JSON object, or the API's own array of
 * `{"key", "value"}`. Lines that begin with `#` are comments.
 */
function parseClaims(text, report) {
    const claims = parseBody(text, report, parseJsonClaims, (lines) => lines.flatMap((line) => parseLineClaim(line, report)));
    const keys = new Set();
    for (const { key, value } of claims) {
        if (!key)
            report('got an empty key; expected 1 to 128 characters');
        if ((0,output_text/* characterCount */.Dq)(key) > MAX_CLAIM_KEY)
            report(`got the key ${(0,output_text/* quote */.hD)(key)} of ${(0,output_text/* characterCount */.Dq)(key)} characters; expected 128 at most`);
        if (!key.isWellFormed() || !value.isWellFormed())
            report(`got an unpaired surrogate in the key ${(0,output_text/* quote */.hD)(key)}; expected Unicode text`);
        if (keys.has(key))
            report(`got the key ${(0,output_text/* quote */.hD)(key)} twice; expected each key once`);
        keys.add(key);
    }
    return claims;
}
/** Parses a text as JSON if it begins with a bracket or a brace, and otherwise as lines. */
function parseBody(text, report, fromJson, fromLines) {
    const lines = text.split(/\r\n|\r|\n/).map(withoutComment);
    const clean = lines.filter((line) => !reportInvisible(line, report, WAY_OUT));
    const body = lines.join('\n');
    if (/^\s*[[{]/.test(body))
        return clean.length < lines.length ? [] : fromJson(body, report);
    const filled = clean.map((line) => line.trim()).filter(Boolean);
    if (text.trim() && !body.trim())
        report('holds nothing but comments; expected entries, or no input at all');
    const isYamlList = filled.every((line) => /^-\s/.test(line));
    const hasComment = (line) => /\s#/.test(line);
    for (const line of filled.filter(hasComment))
        report(`got the line ${(0,output_text/* quote */.hD)(line)}; ${EXPECTED_COMMENTS}`);
    const good = filled.filter((line) => !hasComment(line));
    return fromLines(isYamlList ? good.map((line) => line.slice(1).trim()) : good, isYamlList);
}
/**
 * Returns an empty text for a comment, and any other line without the white space that JSON does not allow at its ends.
 * The columns stay the same. JSON has no strings of several lines, so this changes no string.
 */
function withoutComment(line) {
    const end = line.trimEnd();
    const start = end.trimStart();
    return start.startsWith('#') ? '' : ' '.repeat(end.length - start.length) + start;
}
/** Returns what is wrong with an entry of a list that is not JSON. */
function entryProblem(entry) {
    if (entry.startsWith('#'))
        return `got the entry ${(0,output_text/* quote */.hD)(entry)}; ${EXPECTED_COMMENTS}`;
    if (entry === '-')
        return unclear('entry', entry, 'a dash in front of every line, or none', JSON_LIST);
    // Only the lines of a YAML list are not split.
    if (/[\s,]/.test(entry))
        return unclear('entry', entry, 'one entry after each dash', JSON_LIST);
    return unclearProblem(entry, 'entry', JSON_LIST);
}
/**
 * Returns what is wrong with a text that was probably meant otherwise: one with quotes or semicolons, or what an
 * expression without a value becomes.
 * @param what what the text is
 * @param json how to write the text in JSON
 */
function unclearProblem(text, what, json) {
    if (isPlaceholder(text))
        return unclear(what, text, 'a text', json);
    if (QUOTES.test(text))
        return unclear(what, text, 'the text without quotes', json);
    return text.includes(';') ? unclear(what, text, 'the text without a semicolon', json) : undefined;
}
function unclear(what, text, expected, json) {
    return `got the ${what} ${(0,output_text/* quote */.hD)(text)}; expected ${expected} (to keep it, use JSON: ${json})`;
}
/** Parses a `key=value` line. Reports a line with a problem and returns no claim. */
function parseLineClaim(line, report) {
    const equals = line.indexOf('=');
    const [key, value] = [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
    const problem = equals < 0 ? `got the line ${(0,output_text/* quote */.hD)(line)} without a "="; expected key=value` : claimProblem(line, key, value);
    if (problem)
        report(problem);
    return problem ? [] : [{ key, value }];
}
/** Returns what is wrong with a claim in the form of a line. */
function claimProblem(line, key, value) {
    if (/^-\s/.test(key))
        return unclear('line', line, 'a dash in front of every line, or none', JSON_CLAIMS);
    if (/\s/.test(key))
        return `got the key ${(0,output_text/* quote */.hD)(key)}; expected one without white space (use JSON for such a key: ${JSON_CLAIMS})`;
    // Another pair after a comma, or after a space, as a folded YAML text has it. A URL has pairs after "?" and "&".
    if (key.includes(',') || /[,\uff0c]\s*[^\s,=&?]+\s*=|\s[\w.-]+\s*=/.test(value))
        return `got the line ${(0,output_text/* quote */.hD)(line)}; expected one key=value a line (use JSON for such a value: ${JSON_CLAIMS})`;
    return unclearProblem(key, 'key', JSON_CLAIMS) ?? unclearProblem(value, 'value', JSON_CLAIMS);
}
function parseJsonList(text, report) {
    const entries = parseJson(text, report, EXPECTED_LIST);
    if (entries === undefined)
        return [];
    if (!Array.isArray(entries)) {
        report(`got the object ${quoteJson(entries)}; expected ${EXPECTED_LIST}`);
        return [];
    }
    const isGood = (entry) => typeof entry === 'string' && entry.trim() !== '' && entry.isWellFormed();
    for (const entry of entries.filter((entry) => !isGood(entry)))
        report(`got the entry ${quoteJson(entry)}; expected strings that are not blank`);
    return [...new Set(entries.filter(isGood))];
}
function parseJsonClaims(text, report) {
    const json = parseJson(text, report, EXPECTED_CLAIMS, wholeNumberAsWritten);
    if (json === undefined)
        return [];
    for (const key of repeatedKeys(text))
        report(`got the key ${(0,output_text/* quote */.hD)(key)} twice; expected each key once`);
    if (!Array.isArray(json))
        return Object.entries(Object(json)).flatMap(([key, value]) => parseJsonClaim(key, value, report));
    return json.flatMap((entry) => {
        const { key, value, ...rest } = Object(entry);
        if (typeof key === 'string' && value !== undefined && Object.keys(rest).length === 0)
            return parseJsonClaim(key, value, report);
        report(`got the entry ${quoteJson(entry)}; expected {"key": "…", "value": "…"}`);
        return [];
    });
}
/** Returns a claim if its value is a string, a boolean or a whole number. Reports any other value and returns none. */
function parseJsonClaim(key, value, report) {
    if (typeof value === 'string' || typeof value === 'boolean')
        return [{ key, value: String(value) }];
    report(`got ${quoteJson(value)} for the key ${(0,output_text/* quote */.hD)(key)}; expected a string (quote numbers that are not whole)`);
    return [];
}

;// CONCATENATED MODULE: ./build/inputs/specs.js






// The inputs of all actions: one row each, in the order of action.yml. A test compares them with the action.yml files.
/** The actions of this repository. */
const ACTIONS = ['main', 'delete', 'sweep'];
/** `owner/name`. Neither part is `.` or `..`, which would address another path in a URL. */
const specs_REPOSITORY = /^(?!\.\.?\/)[\w.-]+\/(?!\.\.?$)[\w.-]+$/;
/** Scalekit's descriptor: this prefix, and at most 32 characters. */
const specs_ORGANIZATION_FORMAT = 'the id of an organization: "org_" and up to 28 letters, digits, - or _';
const EXTERNAL_ID_FORMAT = 'the external id of an organization: up to 256 characters, without quotes around it';
const CLIENT_ID_FORMAT = 'the id of an organization client (m2morg_…; skc_… is scalekit_client_id)';
const PREFIX_FORMAT = 'letters, digits and _, not beginning with a digit or GITHUB_';
/** Characters of the name of a deployment environment. */
const MAX_ENVIRONMENT = 255;
const MAIN_AND_DELETE = ['main', 'delete'];
const MAIN = ['main'];
const SWEEP = ['sweep'];
const parseLifetime = choice(['persistent', 'job']);
const lifetimeOrJob = (text, report) => parseLifetime(text, report) ?? 'job';
/** Every input, in the order of action.yml. */
const SPECS = {
    scalekit_environment_url: row(ACTIONS, visible(parseOrigin, output_text/* quoteUrl */.y8), '', 'SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_ENV_URL'),
    scalekit_client_id: row(ACTIONS, parseApiClientId, '', 'SCALEKIT_CLIENT_ID'),
    scalekit_client_secret: row(ACTIONS, parseApiSecret, '', 'SCALEKIT_CLIENT_SECRET'),
    organization_id: row(ACTIONS, visible(matching(/^org_[\w-]{1,28}$/, specs_ORGANIZATION_FORMAT)), '', 'SCALEKIT_ORGANIZATION_ID'),
    // In a URL, "." and ".." would address another path.
    organization_external_id: row(ACTIONS, visible(matching(/^(?!\.\.?$|["'`])\P{Cc}{1,256}(?<!["'`])$/u, EXTERNAL_ID_FORMAT)), ''),
    client_id: row(MAIN_AND_DELETE, visible(matching(CLIENT_ID, CLIENT_ID_FORMAT)), ''),
    name: row(MAIN_AND_DELETE, bounded(MAX_NAME), ''),
    description: row(MAIN, bounded(description_MAX_DESCRIPTION_TEXT), ''),
    scopes: row(MAIN, parseScopes, []),
    audience: row(MAIN, parseList, []),
    custom_claims: row(MAIN, parseClaims, []),
    expiry: row(MAIN, wholeNumber(1, Number.MAX_SAFE_INTEGER, 'seconds'), undefined),
    repository_claims: row(MAIN, parseList, undefined),
    environment: row(MAIN_AND_DELETE, bounded(MAX_ENVIRONMENT), ''),
    repository: row(MAIN_AND_DELETE, matching(specs_REPOSITORY, 'owner/name'), ''),
    // A bad lifetime allows all claims, so that this problem does not cause others.
    lifetime: row(MAIN, lifetimeOrJob, 'persistent'),
    on_existing: row(MAIN, choice(ON_EXISTING), 'rotate'),
    rotate_after: row(MAIN, wholeNumber(1, 3650, 'days'), undefined),
    keep_secrets: row(MAIN, wholeNumber(1, 5), 2),
    verify: row(MAIN, parseBoolean, true),
    access_token: row(MAIN, parseBoolean, false),
    save_to: row(MAIN_AND_DELETE, choice(['none', 'repository', 'environment']), 'none'),
    save_as: row(MAIN_AND_DELETE, matching(/^(?!github(_|$))[a-z_]\w*$/i, PREFIX_FORMAT), 'SCALEKIT_M2M'),
    github_token: row(ACTIONS, parseGitHubToken, ''),
    dry_run: { ...row(ACTIONS, parseBoolean, false), fallback: (action) => action === 'sweep' },
    max_deletions: row(SWEEP, wholeNumber(1, 1000), 20),
    timeout: row(ACTIONS, wholeNumber(5, 3600, 'seconds'), 120),
};
/** The names of all inputs, in the order in which an error lists their problems. */
const specs_INPUT_ORDER = Object.keys(SPECS);
/** Returns the names of an action's inputs, in the order of its action.yml. */
function specs_inputNames(action) {
    return specs_INPUT_ORDER.filter((name) => specs_specOf(name).actions.includes(action));
}
/** Returns the spec of an input whose name is not known before. */
function specs_specOf(name) {
    return SPECS[name];
}
function row(actions, parse, fallback, ...variables) {
    return { actions, parse, fallback: () => fallback, variables };
}

;// CONCATENATED MODULE: ./build/inputs/reader.js




/** Returns an input without white space around it, or an empty string if it was not given. */
function reader_readInput(input) {
    return (0,core/* getInput */.V4)(input);
}
/**
 * Returns the text of an input or, if it was not given, of the first of its variables that is set. The input
 * `organization_external_id` overrides the variable for `organization_id`.
 */
function readSource(input, env) {
    const given = reader_readInput(input);
    const isOverridden = input === 'organization_id' && reader_readInput('organization_external_id') !== '';
    const variable = isOverridden ? undefined : SPECS[input].variables.find((name) => env[name]?.trim());
    if (given || !variable)
        return { text: given, label: input };
    return { text: env[variable]?.trim() ?? '', label: `${input} (from ${variable})`, variable };
}
/** Reads the inputs of one action and collects the problems of all of them. */
class Reader {
    env;
    faults = new Faults(INPUT_ORDER);
    #action;
    #names;
    /** Inputs that hold an expression instead of its value. Further problems of them mean nothing. */
    #unevaluated = new Set();
    constructor(action, env) {
        this.#action = action;
        this.#names = inputNames(action);
        this.env = env;
    }
    /** Returns the function that records a problem of an input, or of a variable that is no input. */
    report = (name) => (this.#unevaluated.has(name) ? () => { } : this.faults.report(name));
    /** Returns the value of every input of the action. A bad one has some value of its type. */
    values() {
        return Object.fromEntries(this.#names.map((name) => [name, this.#value(name)]));
    }
    #value(name) {
        const { parse, fallback } = specOf(name);
        const { text, label } = readSource(name, this.env);
        if (!text)
            return fallback(this.#action);
        const report = this.faults.report(name, label);
        if (!text.includes('${{'))
            return parse(text, report) ?? fallback(this.#action);
        report(`got ${quoteUrl(text)}, which holds an expression that was not evaluated; expected its value`);
        this.#unevaluated.add(name);
        return parse(text, () => { }) ?? fallback(this.#action);
    }
    /** Returns the source of an input that must be given. Reports it if it is not. */
    require(input, expected) {
        const source = readSource(input, this.env);
        if (!source.text)
            this.report(input)(`is empty; expected ${expected}`);
        return source;
    }
    /**
     * Reports variables of inputs that the action does not have and that were probably meant to be one of its inputs: the
     * runner accepts them with a warning that is easy to miss. A variable with the value of that input is harmless: some
     * runners set the inputs of a composite action around this one.
     */
    checkNames() {
        for (const [variable, value] of Object.entries(this.env)) {
            const name = /^INPUT_(.+)$/is.exec(variable)?.[1]?.toLowerCase();
            if (!name || this.#names.some((known) => known === name))
                continue;
            const meant = this.#names.find((known) => isMisspelt(name, known));
            if (meant && value?.trim() !== reader_readInput(meant))
                this.faults.report(meant, quote(name).slice(1, -1))(`is not an input; did you mean ${meant}?`);
        }
    }
}
/** Returns whether a name is that of an input but for dashes and underscores, or has one wrong letter. */
function isMisspelt(name, input) {
    const letters = (text) => text.replace(/[-_ ]/g, '');
    return isOneLetterOff(letters(name), letters(input));
}
/** Returns whether two texts are the same but for one letter that is missing, added, replaced or swapped with the next. */
function isOneLetterOff(one, other) {
    let start = 0;
    while (start < one.length && one[start] === other[start])
        start++;
    let end = 0;
    while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end))
        end++;
    const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
    const isSwapped = left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
    return (left.length <= 1 && right.length <= 1) || isSwapped;
}

;// CONCATENATED MODULE: ./build/inputs/connection.js






// The inputs that all actions share: how to reach Scalekit and GitHub, and with which credentials.
const UNTRUSTED = 'Code from outside triggered this run, and the run has secrets. Do not check out, build or run that code in this job: it could take the credentials.';
/** Masks all credentials. Must run before anything is reported: a credential may have been pasted into a wrong input. */
function maskAll(env) {
    readCredentials(env);
    readGitHubToken();
}
/** Returns the environment's API credentials from the inputs or else from the variables, and masks the secret. */
function readCredentials(env) {
    const credentials = readUnmaskedCredentials(env);
    (0,mask/* mask */.dK)(credentials.client_secret);
    (0,mask/* maskCredentials */.Bs)(credentials.client_id, credentials.client_secret);
    return credentials;
}
/** Returns what readCredentials() returns, without masking it. The caller must not print anything. */
function readUnmaskedCredentials(env) {
    const client_secret = readSource('scalekit_client_secret', env).text;
    return { client_id: readSource('scalekit_client_id', env).text, client_secret };
}
/** Returns `github_token` after masking it, or an empty string if it was not given. */
function readGitHubToken() {
    const token = reader_readInput('github_token');
    (0,mask/* mask */.dK)(token);
    // git and actions/checkout send it in these two forms.
    (0,mask/* maskCredentials */.Bs)('x-access-token', token);
    (0,mask/* maskCredentials */.Bs)('', token);
    return token;
}
/** Returns the seconds for the whole step and reports nothing. Without the input, or for a bad one, it returns 120. */
function readTimeout() {
    const { parse, fallback } = SPECS.timeout;
    return parse(reader_readInput('timeout'), () => { }) ?? fallback('main');
}
/**
 * Checks the inputs that all actions share, and what only a runner provides.
 * @returns what a connection needs in addition to the values
 */
function checkConnection(reader, values, runner) {
    const causes = likelyCauses(runner);
    reader.require('scalekit_client_id', `the id of the environment's API credentials (skc_…). ${causes}`);
    reader.require('scalekit_client_secret', `the secret of the environment's API credentials. ${causes}`);
    checkOrigin(reader, values.scalekit_environment_url);
    checkOrganization(reader);
    checkRunner(reader, runner);
    return {
        origin: values.scalekit_environment_url,
        credentials: { client_id: values.scalekit_client_id, client_secret: values.scalekit_client_secret },
        warnings: runner.origin === 'untrusted' ? [UNTRUSTED] : [],
    };
}
/**
 * Returns how to reach GitHub's API. Reports `github_token` if it is needed and missing.
 * @param need what the token is needed for, in words. Undefined if the step does not need it
 * @returns undefined if the token is not needed or missing
 */
function checkGitHub(reader, token, runner, need) {
    if (!need || !reader.require('github_token', `a token that may ${need}. ${likelyCauses(runner)}`).text)
        return undefined;
    const api = parseApiUrl(runner.api, reader.report('GITHUB_API_URL')) ?? '';
    checkProxy(reader, api);
    return { api, token };
}
/** Returns why a process with this environment must not send any request, or undefined if it may. */
function unsafeSetting(env) {
    if (env.NODE_TLS_REJECT_UNAUTHORIZED !== '0')
        return undefined;
    return 'got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)';
}
/**
 * Reports an invalid proxy setting for requests to an address.
 * @param address an invalid URL is ignored, since it is reported elsewhere
 */
function checkProxy(reader, address) {
    const url = URL.parse(address);
    try {
        if (url)
            proxyFor(url, reader.env);
    }
    catch (error) {
        if (!(error instanceof ProxyError))
            throw error;
        reader.report(error.variable)(`does not hold the address of a proxy; expected ${PROXY_URL_FORMAT}`);
    }
}
/**
 * Reports a missing address of the Scalekit environment. If the secret is an input, the address has to be one, because an
 * earlier step can set variables.
 */
function checkOrigin(reader, origin) {
    const { variable } = reader.require('scalekit_environment_url', 'the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL');
    if (variable && readInput('scalekit_client_secret')) {
        reader.report('scalekit_environment_url')(`is empty while scalekit_client_secret is given; expected both as inputs, because an earlier step could set ${variable} through GITHUB_ENV and so receive the secret`);
    }
    checkProxy(reader, origin);
}
/** Reports it if the organization is missing or named twice. */
function checkOrganization(reader) {
    if (!readInput('organization_external_id')) {
        const also = 'as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id';
        reader.require('organization_id', `${ORGANIZATION_FORMAT}, ${also}`);
    }
    else if (readInput('organization_id')) {
        reader.report('organization_external_id')('is given beside organization_id; expected one of the two');
    }
}
/**
 * Reports what only the runner of a workflow provides and is missing, and an unsafe setting. Without the file for
 * outputs, the secret would be printed in the log instead.
 */
function checkRunner(reader, { repository }) {
    if (!REPOSITORY.test(repository)) {
        reader.report('GITHUB_REPOSITORY')(`got ${quote(repository)}; expected owner/name, as the runner of a workflow sets it`);
    }
    if (!reader.env.GITHUB_OUTPUT)
        reader.report('GITHUB_OUTPUT')('is not set; expected the file for outputs, as the runner of a workflow sets it');
    const unsafe = unsafeSetting(reader.env);
    if (unsafe)
        reader.report('NODE_TLS_REJECT_UNAUTHORIZED')(unsafe);
}
/**
 * Returns the likely causes of an empty secret, as text. GitHub evaluates a secret that does not exist to an empty
 * string, without an error.
 */
function likelyCauses({ origin }) {
    const check = "check the name of the secret, and that this repository or the job's environment has it";
    if (origin === 'dependabot')
        return `Dependabot started this run, and such runs receive only Dependabot's own secrets (repository settings, Secrets, Dependabot). Otherwise ${check}.`;
    if (origin === 'fork')
        return `Workflows triggered from a fork do not receive secrets. Otherwise ${check}.`;
    return `GitHub turns a secret that it does not find into an empty text: ${check}. Runs from a fork and by Dependabot receive no secrets.`;
}

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
const CREATION_LAG = 10_000;
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
        this.#token = unwrap(await this.#getToken('sign in to Scalekit', credentials, 'sign-in')).access_token;
    }
    /** Requests an access token for a client and masks it. Retries for ten seconds if the client is still unknown. */
    async getToken(credentials) {
        const operation = `get an access token for client ${credentials.client_id}`;
        return unwrap(await this.#retryDuringLag(isClientUnknown, () => this.#getToken(operation, credentials, 'client-sign-in')));
    }
    /** Creates a client and masks its secret. */
    async createClient(fields, { mayBeDone, onSend, onId }) {
        const request = { ...this.#request('POST', [], fields), repeatable: false, mayBeDone, onSend };
        return await this.#exchange('create the client', request, this.#subject(), (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const plain_secret = maskSecret(response.plain_secret);
            const client = parseClientSummary(response.client);
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
            const page = unwrap(await this.#exchange(operation, request, this.#subject(), parsePage));
            yield* page.clients.flatMap(parseListedClient);
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
        const parse = (body) => parseClientSummary((0,json/* parseJsonObject */.dw)(body).client);
        const request = this.#request('GET', [client_id]);
        const operation = `read client ${client_id}`;
        return unwrap(await this.#exchange(operation, request, this.#subject(client_id), parse, () => undefined));
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
            const client = parseClientSummary((0,json/* parseJsonObject */.dw)(body).client);
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
            const shown = response.secret ? parseSecret(response.secret) : undefined;
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
        return unwrap(await this.#exchange(operation, request, this.#subject(path[0]), parse, missing));
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
        this.#organization = unwrap(outcome);
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
        const until = clock() + CREATION_LAG;
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
            return done(missing(response));
        // A 404 that is not the API's says nothing about what the API did.
        const isForeign = status === 404 && !isApiResponse(response);
        if (status < 200 || status > 299)
            return failure(mayBeDone || isForeign, scalekitRefusal(operation, response, subject));
        try {
            return done(parse(response.body));
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

;// CONCATENATED MODULE: ./build/undo/by-hand.js

// Sentences for the user about what could not be undone, each with the API call that undoes it by hand.
/** Returns the sentence with the calls that remove the pending client and secret, and restore the pending variables. */
function manualCalls(scalekit, state) {
    const { client, secret, variables } = state;
    const isOnlyVariables = variables && !client && !secret;
    return [
        ...(secret ? [manualSecretCall(scalekit, secret)] : []),
        ...(client || !(secret || isOnlyVariables) ? [manualClientCall(scalekit, state)] : []),
        ...(variables ? [manualVariableCalls(variables)] : []),
    ].join(' ');
}
/** Returns the sentence with the call that removes the pending client. */
function manualClientCall(scalekit, { client, nonce }) {
    if (client?.id)
        return `To remove it by hand: DELETE ${scalekit.clientUrl(client.id)}`;
    const list = scalekit.clientUrl();
    return `To remove it by hand, find the client that GET ${list} shows with "nonce=${nonce}" in its description; then DELETE ${list}/ID`;
}
/** Returns the sentence with the call that removes the pending secret. */
function manualSecretCall(scalekit, { client_id, id }) {
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
    const url = saved_credentials_entryUrl(api, location, `variables/${name}`);
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
function possibleLeftover(scalekit, pending, id) {
    return `Secret ${id} of client ${pending.client_id} may be left over from a request whose answer was lost, or it may be another run's. A later rotation retires it. ${manualSecretCall(scalekit, { ...pending, id })}`;
}
/** Returns the sentence about an update that was not, or not provably, undone. */
function mayStayUpdated({ before, fields }) {
    return `Client ${before.client_id} may stay updated: ${Object.keys(fields).join(', ')}.`;
}

// EXTERNAL MODULE: ./build/undo/journal.js + 1 modules
var journal = __webpack_require__(137);
// EXTERNAL MODULE: ./build/undo/main-process.js
var main_process = __webpack_require__(409);
;// CONCATENATED MODULE: ./build/undo/pending.js
/** Returns whether nothing is left to undo. */
function isNothingPending({ client, secret, variables }) {
    return !client && !secret && !variables;
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(598);
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
function identity_formatMarker({ key, repo, by, run, lifetime, nonce }) {
    return `[scalekit-organization-client/1 key=${key} repo=${repo} by=${by} run=${run} lifetime=${lifetime} nonce=${nonce}]`;
}
/** Returns the description to send: the text, and the ownership marker as its last line. */
function appendMarker(descriptionText, marker) {
    return [descriptionText, identity_formatMarker(marker)].filter(Boolean).join('\n');
}
/** Returns the ownership marker in the last line of a description, or undefined if there is none. */
function identity_parseMarker(description) {
    return MARKER.exec(splitDescription(description)[1])?.groups;
}
/** Returns the client with its description split into text and ownership marker. */
function withMarker(client) {
    const marker = identity_parseMarker(client.description);
    const text = marker ? splitDescription(client.description)[0] : client.description;
    const descriptionText = [...text].slice(0, MAX_DESCRIPTION_TEXT).join('');
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
    return byCreateTime(one, other) || (one.client_id < other.client_id ? -1 : 1);
}
/** Returns 16 characters (96 bits) of the SHA-256 of a text, in base64url. */
function shortHash(text) {
    return createHash('sha256').update(text).digest('base64url').slice(0, 16);
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
function isFromThisStep({ description }, { nonce, run }) {
    const marker = identity_parseMarker(description);
    return marker?.nonce === nonce && marker.run === run;
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
        const what = `A client of this step may be left over: ${output_log/* message */.iU(error)}`;
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
        if (client.client_id !== client_id || identity_parseMarker(client.description)?.nonce !== nonce)
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
        const what = `A secret of this step on client ${client_id} may be left over: ${output_log/* message */.iU(error)}`;
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
        const ownIds = recorded ?? [[...secrets].sort(types_byCreateTime)[0]?.id, state.secret?.id];
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
        return { remaining: `Client ${client_id} is left over: ${log.message(error)} ${call}` };
    }
}
/** Returns whether the ownership marker of a client has changed. A client that does not exist has not changed. */
async function isChanged(scalekit, { client_id, marker }) {
    const now = await scalekit.getClient(client_id);
    if (!now)
        return false;
    const current = parseMarker(now.description);
    return now.client_id !== client_id || !current || formatMarker(current) !== formatMarker(marker);
}
/** Throws one error that names all failures, each once. Failures that do not fit go to the log. */
function throwFailures(failures) {
    const unique = [...new Set(failures)];
    const more = unique.length > MAX_FAILURES ? [`And ${unique.length - MAX_FAILURES} more, in the log.`] : [];
    unique.slice(MAX_FAILURES).forEach(log.info);
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
    for (const until = clock() + CREATION_LAG; !(await remove());) {
        if (!(await isShown()))
            return false;
        if (clock() > until)
            throw new Error('the API shows it, and yet says that there is nothing to delete.');
        await scalekit.transport.pause(POLL_INTERVAL);
    }
    return true;
}

;// CONCATENATED MODULE: ./build/undo/restore-variables.js



/**
 * Restores the former values of the saved variables, once. Each is restored only if it still holds what this step wrote,
 * and none is if the secret beside them was written since: then another run has saved its credentials. The variable
 * `…_STATE` is restored last, because it names the owner.
 */
async function restoreVariables(savedCredentials, pending) {
    const { before, written } = pending;
    const { id_variable, state_variable } = savedCredentials.location;
    const done = [];
    const putBack = async (name, value) => {
        if (value === undefined)
            await savedCredentials.deleteVariable(name);
        else
            unwrap(await savedCredentials.setVariable(name, value, true));
        done.push(`Restored variable ${name} of ${savedCredentials.name}.`);
    };
    try {
        const now = await savedCredentials.read();
        if (now.secretTime !== undefined && now.secretTime !== before.secretTime)
            return { done, remaining: [], canRetry: false };
        if (now.client_id === written.client_id && before.client_id !== written.client_id)
            await putBack(id_variable, before.client_id);
        if (now.state === written.state)
            await putBack(state_variable, before.state);
        const isOthers = now.state !== written.state && now.state !== before.state;
        const note = `Not restored: variable ${state_variable} of ${savedCredentials.name}. It was changed since, so another run may have saved its credentials there.`;
        return { done, remaining: isOthers ? [note] : [], canRetry: false };
    }
    catch (error) {
        return { done, remaining: [variablesNotRestored(pending, (0,output_log/* message */.iU)(error))], canRetry: true };
    }
}
/** Returns the sentence about variables that were not restored, with the calls that do it by hand. */
function variablesNotRestored(pending, why) {
    const { id_variable, state_variable } = pending.location;
    const what = `Variables ${id_variable} and ${state_variable} may not have their former values`;
    return `${what}: ${why.replace(/\.$/, '')}. ${manualVariableCalls(pending)}`;
}

;// CONCATENATED MODULE: ./build/commands/clean-up.js














/** Seconds. Stopping main and the search for a client that may still appear take longer than the shortest `timeout`. */
const MIN_TIMEOUT = 30;
/**
 * Runs post: stops main if it still runs, and undoes what main created and did not publish. Never fails the job.
 * @param state what main wrote into the runner's state file. It may be older than what main did
 */
async function cleanUpAfterMain(state) {
    // Nothing is masked before something is printed.
    const unmasked = readUnmaskedCredentials(process.env);
    const distrust = reasonNotToTrust(unmasked, state);
    const { pending, ...leftovers } = distrust ? { pending: state } : await findLeftovers(state, unmasked.client_secret);
    if (!distrust && isNothingPending(pending))
        return;
    const credentials = readCredentials(process.env);
    const token = readGitHubToken();
    if (distrust) {
        output_log/* warning */.$e(`What this step created may be left over: ${distrust} ${whereToLook(state)}`);
        return;
    }
    const obstacle = leftovers.obstacle ?? unsafeTls();
    const transport = new Transport(state.run, Math.max(readTimeout(), MIN_TIMEOUT));
    transport.releaseCleanupTime();
    const scalekit = new Scalekit(transport, pending.origin, pending.organization_id);
    if (obstacle) {
        const calls = pending.organization_id ? manualCalls(scalekit, pending) : whereToLook(pending);
        output_log/* warning */.$e(`What this step created may be left over: ${obstacle}. ${calls}`);
        return;
    }
    const { variables, client, secret } = pending;
    // In parallel, so that a hanging GitHub API does not block the Scalekit clean-up, and vice versa.
    await Promise.all([
        variables && restoreSavedVariables(transport, variables, token),
        (client || secret) && removePending(scalekit, { ...pending, variables: undefined }, credentials),
    ]);
}
/**
 * Returns why a state is not trusted, as a sentence. A state without a valid seal may be forged. The state of another run
 * may name a client that is in use.
 */
function reasonNotToTrust({ client_id, client_secret }, state) {
    if (!client_id || !client_secret)
        return 'the credentials that main had are not there any more, neither as inputs nor as variables. No request was sent.';
    const isThisRun = !process.env.GITHUB_RUN_ID || state.run === readRunner(process.env).run;
    if (isThisRun && (0,journal/* isSealed */.dy)(state, client_secret))
        return undefined;
    return 'the saved state does not match this run and these credentials; another step may have changed one of them. No request was sent.';
}
function unsafeTls() {
    const unsafe = unsafeSetting(process.env);
    return unsafe && `NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}`;
}
/**
 * Stops main if it still runs, and reads what it left to undo. The journal file has main's last record. Without it, the
 * state may be older than a save, so nothing persistent may be deleted by it.
 */
async function findLeftovers(state, secret) {
    const main = await (0,main_process/* stopMain */.a)(state.process);
    const record = (0,journal/* readLastRecord */.kT)(state, secret);
    if (main === 'running')
        return { pending: withSearch(record ?? state), obstacle: 'main still runs and could not be stopped' };
    (0,journal/* deleteJournalFile */.hp)(state);
    if (record)
        return { pending: record };
    const isComplete = state.journal_file === undefined && main === 'ended';
    if (isComplete)
        return { pending: state };
    if (state.lifetime === 'job')
        return { pending: withSearch(state) };
    const why = state.journal_file === undefined ? 'there is no journal file' : 'its journal file was removed or changed';
    return { pending: withSearch(state), obstacle: `main may have done more than its state says, and ${why}` };
}
/** Returns a state with a client to search for by its nonce: main may have created one that the state does not name. */
function withSearch(state) {
    return { ...state, client: { sent_at: Date.now(), ...state.client, sent_again: true } };
}
/** Restores the variables that main wrote before it was cut off. */
async function restoreSavedVariables(transport, pending, token) {
    if (!token) {
        output_log/* warning */.$e(variablesNotRestored(pending, 'github_token is not there any more'));
        return;
    }
    const savedCredentials = new SavedCredentials(new GitHub(transport, { api: pending.api, token }), pending.location);
    const { done, remaining } = await restoreVariables(savedCredentials, pending);
    done.forEach(output_log/* info */.pq);
    remaining.forEach(output_log/* warning */.$e);
}
/** Removes the client and the secret that main created. */
async function removePending(scalekit, state, credentials) {
    try {
        await scalekit.signIn(credentials);
        // Only a state that is older than the journal file can lack the organization.
        if (!state.organization_id)
            await scalekit.selectOrganization(reader_readInput('organization_external_id'));
    }
    catch (error) {
        const calls = manualCalls(scalekit, state);
        output_log/* warning */.$e(`What this step created may be left over: ${output_log/* message */.iU(error)} ${calls}`);
        return;
    }
    const { removed, notFound, remaining } = await cleanUp(scalekit, state, LATE_CREATE_WINDOW);
    for (const what of removed)
        output_log/* info */.pq(`Deleted ${what}.`);
    if (notFound)
        output_log/* info */.pq(state.client?.id
            ? 'The client is gone already.'
            : 'No client of the create request that was cut off has shown up.');
    if (remaining.length > 0)
        output_log/* warning */.$e(remaining.join(' '));
}


/***/ })

};
;