"use strict";
exports.id = 866;
exports.ids = [866];
exports.modules = {

/***/ 866:
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

/** Whether a secret may be sent there: over TLS, or within this machine. */
function proxy_isSafe({ protocol, hostname }) {
    const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
    return protocol === 'https:' || (protocol === 'http:' && loopback);
}
/** No tunnel came about: nothing of a request can have reached its server. Neither address nor password is ever quoted. */
class proxy_ProxyError extends Error {
    name = 'ProxyError';
    code;
    variable;
    /** What the proxy answered; absent where it did not. */
    status;
    constructor(variable, message, code, status) {
        super(message);
        this.variable = variable;
        this.code = code;
        this.status = status;
    }
}
/** What a proxy's variable may hold. */
const proxy_PROXY_URL_FORMAT = 'the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded';
/**
 * The proxy that requests to an address go through, by the usual variables; the lower-case one wins. Loopback is never
 * asked through one, whatever they say.
 * @throws {ProxyError} where the variable holds something else: going past a proxy in silence would be worse
 */
function proxy_proxyFor(target, env) {
    const variable = ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name]?.trim());
    if (!variable || checkBypass(target))
        return undefined;
    const text = env[variable]?.trim() ?? '';
    // Without a scheme, `proxy.corp:3128` would be read as a scheme and a path.
    const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`);
    try {
        if (url && /^https?:$/.test(url.protocol)) {
            const login = [url.username, url.password].map(decodeURIComponent).join(':');
            return { variable, url, login: login === ':' ? '' : login };
        }
    }
    catch {
        // A percent sign that encodes nothing.
    }
    throw new proxy_ProxyError(variable, `${variable} does not hold the address of a proxy`, 'PROXY_ADDRESS');
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



/** Connections that are kept alive. One can be opened before there is a request for it. */
class EagerAgent extends (external_node_https_default()).Agent {
    /** By host and port. */
    #spare = new Map();
    /** Of the connections that there were (RFC 8446, section 2.2), by host and port. */
    #sessions = new Map();
    constructor() {
        super({ keepAlive: true });
    }
    /** Opens a connection for the next request to this host that finds none free. */
    preconnect(url) {
        const options = { ...this.options, ...hostOf(url), port: Number(url.port || 443) };
        const hostPort = hostAndPort(options);
        const session = this.#sessions.get(hostPort);
        const socket = super.createConnection({ ...options, ...(session && { session }) });
        // The request that takes it hears of it; where none does, it does not matter.
        socket?.on('error', () => { });
        if (socket)
            this.#spare.set(hostPort, socket);
    }
    createConnection(options, callback) {
        const hostPort = hostAndPort(options);
        const spare = this.#spare.get(hostPort);
        this.#spare.delete(hostPort);
        // What comes unasked answers nothing.
        if (spare?.writable && spare.readableLength === 0)
            return spare;
        const socket = super.createConnection(options, callback);
        socket?.on('session', (session) => this.#sessions.set(hostPort, session));
        return socket;
    }
}
/** A URL's host as a connection is opened to it, and as the server's certificate has to name it. */
function hostOf({ hostname }) {
    const host = hostname.replace(/^\[|\]$/g, '');
    return { host, servername: external_node_net_default().isIP(host) ? '' : host };
}
function hostAndPort({ host, port }) {
    return `${host}:${port}`;
}
/** Connections through a proxy's tunnel (RFC 9110, section 9.3.6), with TLS to the server within, kept alive. */
class TunnelAgent extends (external_node_https_default()).Agent {
    #proxy;
    constructor(proxy) {
        super({ keepAlive: true });
        this.#proxy = proxy;
    }
    createConnection(options, callback) {
        const { variable, url, login } = this.#proxy;
        const host = options.host ?? '';
        const authority = `${external_node_net_default().isIPv6(host) ? `[${host}]` : host}:${options.port ?? 443}`;
        // Only the callback's first argument counts where something failed.
        const fail = (message, code, status) => callback(new proxy_ProxyError(variable, message, code, status));
        (url.protocol === 'https:' ? (external_node_https_default()) : plainHttp())
            .request({
            method: 'CONNECT',
            // With its name: otherwise the proxy's certificate would be compared with the host header, which names the server.
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
            // OpenSSL's own line is a trace through its sources.
            const said = code === 'EPROTO' ? `TLS failed (${code})` : message;
            fail(`the proxy in ${variable} could not be used: ${said}`, code);
        })
            .end();
    }
}
/** HTTP without TLS, for loopback and proxies alone: it brings a server with it, so others do not load it. */
function plainHttp() {
    return process.getBuiltinModule('node:http');
}

;// CONCATENATED MODULE: ./build/net/clock.js
// What Node has a cheaper way to than the usual one: a step is a process that has just begun.
/** Milliseconds since the process began. `performance.now()` tells the same, and loads a library to do so. */
function clock() {
    return process.uptime() * 1000;
}

;// CONCATENATED MODULE: ./build/net/network-error.js

/** No whole answer came: the connection failed, the time was over, or the answer was too large. */
class NetworkError extends Error {
    name = 'NetworkError';
    code;
    /** False where the request provably never reached the server, in no sending of it. */
    reached;
    constructor(message, code, reached, cause) {
        super(message, { cause });
        this.code = code;
        this.reached = reached;
    }
    /** The server's certificate is not accepted (OpenSSL's codes, as Node names them). */
    get isCertificateError() {
        return /^(ERR_TLS_)?CERT_|^UNABLE_TO_|SELF_SIGNED_CERT|^INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH|PATH_LENGTH/.test(this.code);
    }
    /** The two sides do not agree on TLS. */
    get isTlsError() {
        return /^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(this.code) && !this.isCertificateError;
    }
    /** It would fail again. */
    get isPermanent() {
        return (this.isCertificateError ||
            this.isTlsError ||
            /^(TOO_LARGE|DEADLINE|CANCELLED|PROXY_ADDRESS|PROXY_REFUSED)$/.test(this.code));
    }
    /** What went wrong on the way to the server, where a proxy is on it. */
    get proxyError() {
        return this.cause instanceof proxy_ProxyError ? this.cause : undefined;
    }
}

;// CONCATENATED MODULE: ./build/net/retry.js
const BACKOFF_BASE = 500;
const BACKOFF_CAP = 10_000;
/**
 * Reads a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3).
 * @param now milliseconds since the epoch
 * @returns milliseconds to wait, 0 where the header says nothing usable
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
 * Exponential back-off with full jitter, on top of what the server asked for, so that jobs that were refused
 * together do not come back together.
 * @param attempt the one that failed, from 1
 * @param requested milliseconds that the server asked for
 * @param remaining milliseconds until the deadline; jitter takes half of what the server leaves of it at most
 * @param random from 0 to 1
 * @returns milliseconds to wait, or nothing where the deadline is sooner, or too near to back off any more
 */
function retryDelay(attempt, requested, remaining, random = Math.random()) {
    if (requested >= remaining || (requested === 0 && remaining < BACKOFF_BASE))
        return undefined;
    return requested + random * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (attempt - 1), (remaining - requested) / 2);
}

;// CONCATENATED MODULE: ./build/net/transport.js








/** The same as in package.json; a test compares them. */
const VERSION = '1.0.0';
/** Bytes: a page of a hundred clients with long lists has its place in it. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const MAX_ATTEMPTS = 5;
/** A repeat that has less time than this would only hide what the server said before. */
const MIN_RETRY_TIME = 1_000;
/** Milliseconds that a request gets for its answer once the run is cancelled. The runner kills the step after 7.5 s. */
const CANCEL_GRACE = 5_000;
/**
 * The one way to the network: a deadline for the step and for each request, connections kept alive, proxies by the
 * usual variables, no redirects, and repeats where they can do no harm.
 */
class Transport {
    #agents = {
        https: new EagerAgent(),
        http: undefined,
        tunnel: undefined,
    };
    #userAgent;
    #requestTimeout;
    #end;
    #cancel = new AbortController();
    /** Hosts that have answered: TLS with them works. */
    #answered = new Set();
    #deadline;
    #told;
    /**
     * @param run `ID.ATTEMPT` of the workflow run, for Scalekit's logs
     * @param timeout seconds for the whole step, counted from the start of the process. One request gets a quarter of
     *   it, between 2 and 15 seconds; a quarter, 10 seconds at most, is kept for roll-back.
     */
    constructor(run, timeout) {
        this.#userAgent = `scalekit-organization-client/${VERSION} (run ${run})`;
        this.#requestTimeout = Math.min(15, Math.max(2, timeout / 4)) * 1000;
        this.#end = timeout * 1000;
        this.#deadline = this.#end - Math.min(10, timeout / 4) * 1000;
    }
    /** Gives what comes now the time that was kept for roll-back. */
    releaseCleanupTime() {
        this.#deadline = this.#end;
    }
    /** Milliseconds since the epoch, by the earliest of this machine's clock and what servers told; absent where none did. */
    get serverNow() {
        return this.#told && Math.min(Date.now(), this.#told);
    }
    /** Milliseconds until the deadline. */
    get remaining() {
        return this.#deadline - clock();
    }
    get cancelled() {
        return this.#cancel.signal.aborted;
    }
    /** Sends and waits for nothing more; the requests under way get a last chance to be answered. */
    cancel() {
        this.#cancel.abort();
    }
    /** @throws {NetworkError} where the time is over before, or the run is cancelled */
    async pause(milliseconds) {
        if (milliseconds >= this.remaining)
            throw deadlineError();
        if (!(await this.#sleep(milliseconds)))
            throw cancelledError();
    }
    /** Opens a connection to a server beside the one that is in use: two requests are to be sent there at once. */
    preconnect(url) {
        const agent = this.#agentFor(url);
        if (agent instanceof EagerAgent)
            agent.preconnect(url);
    }
    /**
     * Sends a request until it has an answer that repeating it would not change.
     * @throws {NetworkError} where no whole answer came
     */
    async send(call) {
        for (let [attempt, earlierOutcomeUnknown] = [1, false];; attempt++) {
            const outcome = await this.#attempt(call, attempt);
            if (this.cancelled || !this.#mayRepeat(call, outcome, attempt))
                return finalResult(outcome, attempt, earlierOutcomeUnknown);
            const delay = retryDelay(attempt, retryAfter(call, outcome), this.remaining - MIN_RETRY_TIME);
            if (delay === undefined || !(await this.#sleep(delay)))
                return finalResult(outcome, attempt, earlierOutcomeUnknown);
            earlierOutcomeUnknown ||= outcome instanceof NetworkError ? outcome.reached : isOutcomeUnknown(outcome.status);
        }
    }
    #mayRepeat(call, outcome, attempt) {
        if (outcome instanceof NetworkError) {
            const lasting = outcome.isPermanent && !(outcome.isTlsError && this.#answered.has(call.url.host));
            return !lasting && (call.repeatable || !outcome.reached) && attempt < MAX_ATTEMPTS;
        }
        // A rate limit says that nothing was done and when to come back: only the deadline bounds that.
        if (outcome.status === 429 || call.rateLimitWait?.(outcome) !== undefined)
            return true;
        const passing = outcome.status === 408 || outcome.status === 425 || outcome.status >= 500;
        // Too Early (RFC 8470) says that nothing was done.
        return (call.repeatable || outcome.status === 425) && passing && attempt < MAX_ATTEMPTS;
    }
    /** @returns whether the time has passed: false where the run was cancelled first */
    async #sleep(milliseconds) {
        return await (0,promises_.setTimeout)(milliseconds, true, { signal: this.#cancel.signal }).catch(() => false);
    }
    async #attempt(call, attempt) {
        const started = clock();
        const outcome = await this.#exchange(call, Math.min(this.#requestTimeout, this.#deadline - started));
        const result = outcome instanceof NetworkError ? outcome.code : outcome.status;
        const milliseconds = Math.round(clock() - started);
        output_log/* debug */.Yz(`${call.method} ${call.url.pathname} ${result} ${milliseconds} ms attempt ${attempt}`);
        return outcome;
    }
    async #exchange(call, timeout) {
        if (this.cancelled)
            return cancelledError();
        if (timeout <= 0)
            return deadlineError();
        call.onSend?.();
        const { promise, resolve, reject } = Promise.withResolvers();
        let request;
        let reached = false;
        const giveUp = () => {
            const limit = this.cancelled ? 'before the run was cancelled' : `within ${Math.ceil(timeout / 100) / 10} seconds`;
            reject(new NetworkError(`no answer ${limit}`, 'TIMEOUT', reached));
            request?.destroy();
        };
        const onCancel = () => setTimeout(giveUp, CANCEL_GRACE);
        this.#cancel.signal.addEventListener('abort', onCancel);
        const timer = setTimeout(giveUp, timeout);
        try {
            request = (call.url.protocol === 'https:' ? (external_node_https_default()) : plainHttp())
                .request(call.url, {
                method: call.method,
                headers: { accept: 'application/json', ...call.headers, 'user-agent': this.#userAgent },
                agent: this.#agentFor(call.url),
            })
                .on('error', reject)
                // Without this, one would wait in vain.
                .on('upgrade', ({ statusCode }, socket) => {
                socket.destroy();
                reject(new NetworkError(`the server switches protocols (HTTP ${statusCode})`, 'UPGRADE', true));
            })
                .on('response', (message) => {
                const { statusCode: status = 0, headers } = message;
                readBody(message).then((body) => resolve({ status, headers, body }), reject);
            });
            onceConnected(request, () => {
                reached = true;
            });
            request.end(call.body);
            const response = await promise;
            this.#answered.add(call.url.host);
            if (response.headers.date)
                this.#told = Math.min(this.#told ?? Number.POSITIVE_INFINITY, serverTime(response));
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
    /** @throws {ProxyError} */
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
}
function deadlineError() {
    return new NetworkError("the step's time was over before it was sent", 'DEADLINE', false);
}
function cancelledError() {
    return new NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
}
/** Tells when a request has its connection, TLS included: before that, nothing of it can have reached the server. */
function onceConnected(request, onConnection) {
    request.once('socket', (socket) => {
        const event = 'secureConnecting' in socket ? 'secureConnect' : 'connect';
        // Within a proxy's tunnel the socket is connected before its TLS handshake.
        if (socket.connecting || ('secureConnecting' in socket && socket.secureConnecting))
            socket.once(event, onConnection);
        else
            onConnection();
    });
}
/** No more than twice the bound is ever held in memory, however small the pieces are. */
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
    // Without a byte order mark.
    return body.toString('utf8', 0, size).replace(/^\ufeff/, '');
}
function networkError(error, reached) {
    if (error instanceof NetworkError)
        return error;
    const { code = 'UNKNOWN', message } = error;
    const failure = new NetworkError(message || code, code, reached, error);
    // OpenSSL's own line is a trace through its sources.
    if (failure.isTlsError)
        failure.message = `TLS failed (${code})`;
    return failure;
}
/** Whether a status leaves open that the request was carried out: a refusal (4xx) says that it was not. */
function isOutcomeUnknown(status) {
    return status < 400 || status >= 500 || status === 408;
}
function finalResult(outcome, attempts, earlierOutcomeUnknown) {
    if (!(outcome instanceof NetworkError))
        return { ...outcome, earlierOutcomeUnknown: earlierOutcomeUnknown };
    outcome.reached ||= earlierOutcomeUnknown;
    if (attempts > 1)
        outcome.message += ` (attempt ${attempts})`;
    throw outcome;
}
function retryAfter(call, outcome) {
    if (outcome instanceof NetworkError)
        return 0;
    return call.rateLimitWait?.(outcome) ?? parseRetryAfter(outcome.headers['retry-after'], serverTime(outcome));
}
/** Milliseconds since the epoch, by the server's own clock where it tells the time. */
function serverTime({ headers }) {
    const now = Date.parse(headers.date ?? '');
    return Number.isNaN(now) ? Date.now() : now;
}

;// CONCATENATED MODULE: ./build/net/api-error.js



// What becomes of an API's answer: a value that was narrowed once, or one error.
/** A request that failed: the operation, the status, the server's own words, and what to do about it. */
class ApiError extends Error {
    name = 'ApiError';
    /** Whether the server may have carried the request out all the same. */
    outcomeUnknown;
    /** Of the answer; absent where there was none, or one that says success. */
    status;
    constructor(message, uncertain, options = {}) {
        super(message, { cause: options.cause });
        this.outcomeUnknown = uncertain;
        this.status = options.status;
    }
}
/**
 * An answer that says no.
 * @param operation completes "Could not …"
 * @param words the server's own
 * @param todo what the user can do, a sentence, or empty
 */
function refusedError(operation, { status, earlierOutcomeUnknown: afterLoss }, words, todo) {
    const outcomeUnknown = isOutcomeUnknown(status) || afterLoss === true;
    return new ApiError(errorSentence(operation, [`HTTP ${status}`, ...words].join(': '), todo), outcomeUnknown, {
        status,
    });
}
/**
 * @param address the input or variable that leads to the server
 * @param more what else the user can do, a sentence, or empty
 */
function unansweredError(operation, error, address, more = '') {
    const todo = [networkAdvice(error, address), more].filter(Boolean).join(' ');
    return new ApiError(errorSentence(operation, error.message, todo), error.reached, { cause: error });
}
/** A 2xx whose body is not what the API documents. */
function invalidResponseError(operation, { status }, reason, todo) {
    return new ApiError(errorSentence(operation, `HTTP ${status}, but ${reason}`, todo), true);
}
/** Advice against an answer that points elsewhere. */
function redirectAdvice({ headers }, address) {
    return `Redirects are not followed (it points to ${(0,output_text/* truncate */.xv)(String(headers.location ?? 'nowhere'), 200)}): ${address}`;
}
/** Whether an answer may be the API's: text of another form comes from something in between, and tells nothing. */
function isApiResponse({ body }) {
    try {
        return body.trim() === '' || typeof JSON.parse(body) === 'object';
    }
    catch {
        return false;
    }
}
function errorSentence(operation, said, todo) {
    return `Could not ${operation}: ${said.replace(/[.\s]+$/, '')}.${todo && ` ${todo}`}`;
}
function networkAdvice(error, address) {
    if (error.proxyError)
        return proxyAdvice(error, error.proxyError, address);
    if (/EXPIRED|NOT_YET_VALID|ALTNAME|HOSTNAME/.test(error.code)) {
        return `The server's certificate is not valid for this host at this time: check ${address} and who answers there. NODE_EXTRA_CA_CERTS helps against an unknown authority alone; never switch the check off.`;
    }
    if (error.isCertificateError) {
        return "The server's certificate is not trusted. Behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate; never switch the check off.";
    }
    if (/^(ENOTFOUND|EAI_AGAIN)$/.test(error.code))
        return `Check the host in ${address}.`;
    if (error.isTlsError) {
        return `Check the port in ${address}, and whether the server asks for a client certificate or an old TLS version, which this action does not offer.`;
    }
    if (error.code === 'DEADLINE')
        return 'Raise timeout.';
    if (error.code === 'CANCELLED')
        return '';
    if (error.code === 'TOO_LARGE')
        return `Check who answers at ${address}.`;
    if (error.reached)
        return `If it happens again, raise timeout, and check who answers at ${address}.`;
    return `Check ${address} and the way to it (https_proxy, no_proxy, firewall).`;
}
function proxyAdvice({ isCertificateError: certificate }, { variable, code, status }, address) {
    if (code === 'PROXY_ADDRESS')
        return `Expected ${proxy_PROXY_URL_FORMAT}.`;
    if (certificate)
        return `The proxy's own certificate is not accepted for the host in ${variable}: behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate.`;
    if (status === 407)
        return `It asks for a user and a password: ${variable} takes them as http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded.`;
    if (code === 'PROXY_REFUSED')
        return 'It does not let this host through: ask whoever runs it, or name the host in no_proxy.';
    if (status !== undefined)
        return `Check ${address}, and whether the proxy reaches that host.`;
    return `Check the address in ${variable} and the way to it, or name the host in no_proxy.`;
}

// EXTERNAL MODULE: ./build/net/json.js
var json = __webpack_require__(661);
;// CONCATENATED MODULE: ./build/github/errors.js





const PERMISSIONS = {
    repository: 'a fine-grained token access to this repository, a classic one the scope repo',
    secrets: 'a fine-grained token the repository permission Secrets (write), a classic one the scope repo',
    variables: 'a fine-grained token the repository permission Variables (write), a classic one the scope repo',
    environment: 'a fine-grained token the repository permissions Environments (write) and Actions (read), a classic one the scope repo',
    runs: "the job's own token permissions with actions: read, a fine-grained one the repository permission Actions (read), a classic one the scope repo",
};
/** Milliseconds to wait after a refusal of too many requests that says nothing else, by GitHub's documentation. */
const DEFAULT_RATE_LIMIT_WAIT = 60_000;
/** Milliseconds to wait where a refusal is a rate limit's; nothing where it is none (GitHub: "Rate limits for the REST API"). */
function rateLimitWait(response) {
    const { status, headers } = response;
    if (status !== 403 && status !== 429)
        return undefined;
    const now = serverTime(response);
    const after = parseRetryAfter(headers['retry-after'], now);
    if (after > 0)
        return after;
    if (headers['x-ratelimit-remaining'] === '0')
        return Math.max(0, Number(headers['x-ratelimit-reset']) * 1000 - now) || 0;
    return /secondary rate limit/i.test(response.body) ? DEFAULT_RATE_LIMIT_WAIT : undefined;
}
function githubRefusal(operation, response, need) {
    return refusedError(operation, response, githubMessages(response), githubAdvice(response, need));
}
function githubAdvice(response, need) {
    const { status } = response;
    if (status >= 300 && status < 400)
        return need === 'repository'
            ? 'GitHub redirects this name: the repository was renamed or moved, so give its name of today.'
            : redirectAdvice(response, 'give the name that the repository has today.');
    const wait = rateLimitWait(response);
    if (status === 429 || wait !== undefined) {
        const seconds = wait && Number.isFinite(wait) ? ` (it says: come back after ${Math.ceil(wait / 1000)} seconds)` : '';
        return `The rate limit of github_token is reached for longer than this step may wait${seconds}: run fewer jobs at once, or raise timeout.`;
    }
    if (status >= 500)
        return "That is on GitHub's side: try again later.";
    if (status === 401)
        return 'github_token is not valid (any more).';
    const grant = `It needs ${PERMISSIONS[need]}.`;
    if (status === 403)
        return `github_token may not do that. ${grant}${need === 'runs' ? '' : ' GITHUB_TOKEN cannot be given it.'}`;
    if (status === 404)
        return `There is none, or github_token may not see it. ${grant}`;
    return '';
}
/** What GitHub's error body says; it may list several faults. */
function githubMessages({ body }) {
    let said;
    try {
        said = (0,json/* parseJsonObject */.dw)(body);
    }
    catch {
        return [];
    }
    const faults = Array.isArray(said.errors) ? said.errors.map((fault) => Object(fault).message ?? fault) : [];
    return [said.message, ...faults]
        .filter((text) => typeof text === 'string')
        .slice(0, 10)
        .map((text) => (0,output_text/* truncate */.xv)((0,output_text/* oneLine */.TN)(text), 300));
}

;// CONCATENATED MODULE: ./build/github/api.js





/**
 * GitHub's REST API: Octokit makes the requests, and they go through the one transport, so that deadlines, repeats,
 * proxies and the refusal of redirects are the same as for Scalekit. Every method throws an ApiError.
 */
class GitHub {
    transport;
    #access;
    constructor(transport, access) {
        this.transport = transport;
        this.#access = access;
    }
    /** Its address. */
    get api() {
        return this.#access.api;
    }
    /**
     * Reads a repository.
     * @param name `owner/name` as it is now: GitHub's redirect from a former name is refused
     */
    async getRepository(name, parse) {
        const [owner = '', repo = ''] = name.split('/');
        const operation = `read repository ${name}`;
        const call = {
            operation,
            route: 'GET /repos/{owner}/{repo}',
            parameters: { owner, repo },
            permission: 'repository',
        };
        return await this.read(call, (repository) => {
            const { id, full_name } = repository;
            if (!isPositive(id))
                throw new json/* InvalidResponseError */.tF('id is not a number');
            if (typeof full_name !== 'string' || full_name.toLowerCase() !== name.toLowerCase())
                throw new json/* InvalidResponseError */.tF('it shows another repository');
            return parse(repository);
        });
    }
    /** Reads a workflow run. @returns nothing where GitHub shows no such run */
    async getRun(name, run_id) {
        const [owner = '', repo = ''] = name.split('/');
        const operation = 'read the workflow runs that clients were made for';
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
     * Reads one thing.
     * @param parse gets the answer and, in milliseconds since the epoch, the server's own time; throws an AnswerError
     * @returns nothing where GitHub says that there is no such thing, which it also says to a token that may not see it
     */
    async find(call, parse) {
        try {
            return await this.read(call, parse);
        }
        catch (error) {
            if (error instanceof ApiError && error.status === 404)
                return undefined;
            throw error;
        }
    }
    /** As `find`, where there has to be such a thing. */
    async read(call, parse) {
        const response = await this.send(call);
        try {
            return parse((0,json/* parseJsonObject */.dw)(response.body), serverTime(response));
        }
        catch (error) {
            throw error instanceof json/* InvalidResponseError */.tF
                ? invalidResponseError(call.operation, response, error.message, '')
                : error;
        }
    }
    /** Sends a request, again where its answer is lost. @returns an answer that says success */
    async send({ operation, route, parameters, permission: need, successStatuses: made, onSend, }) {
        const { api, token } = this.#access;
        // Loaded by the few runs that need it.
        // Its context reads the event too, and stumbles where that is not readable.
        delete process.env.GITHUB_EVENT_PATH;
        const { getOctokit } = await Promise.all(/* import() */[__webpack_require__.e(413), __webpack_require__.e(143)]).then(__webpack_require__.bind(__webpack_require__, 413));
        const outcome = {};
        const fetch = async (url, { method, headers, body }) => {
            const call = { method, url: new URL(url), headers, body, repeatable: true, rateLimitWait: rateLimitWait, onSend };
            try {
                outcome.answer = await this.transport.send(call);
            }
            catch (error) {
                outcome.error = error;
            }
            // What came of it is read below, not by Octokit.
            return { status: 204, url, headers: [] };
        };
        await getOctokit(token, { baseUrl: api, request: { fetch } }).request(route, parameters);
        const { answer: response, error } = outcome;
        if (error instanceof NetworkError)
            throw unansweredError(operation, error, 'GITHUB_API_URL');
        if (!response)
            throw error;
        if (response.status === 404 && !isApiResponse(response))
            throw invalidResponseError(operation, response, "it is not GitHub's", 'Check who answers at GITHUB_API_URL.');
        if (response.status < 200 || response.status > 299)
            throw githubRefusal(operation, response, need);
        if (made && !made.includes(response.status))
            throw invalidResponseError(operation, response, `GitHub says ${made.join(' or ')} where it is done`, '');
        return response;
    }
}
function isPositive(value) {
    return Number.isSafeInteger(value) && Number(value) > 0;
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(24);
;// CONCATENATED MODULE: ./build/github/runner.js

/** Variables that say where the job gets its ID token, and with what token. */
const ID_TOKEN_URL = 'ACTIONS_ID_TOKEN_REQUEST_URL';
const ID_TOKEN_TOKEN = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
function readRunner(env) {
    return {
        repository: env.GITHUB_REPOSITORY ?? '',
        repository_id: numericId(env.GITHUB_REPOSITORY_ID),
        run: `${numericId(env.GITHUB_RUN_ID, 12) ?? '0'}.${numericId(env.GITHUB_RUN_ATTEMPT, 4) ?? '1'}`,
        api: env.GITHUB_API_URL || 'https://api.github.com',
        origin: runOrigin(env),
    };
}
/** Whether GitHub offers the job an ID token: it does where `permissions` has `id-token: write`. */
function mayHaveIdToken(env) {
    return Boolean(env[ID_TOKEN_URL] && env[ID_TOKEN_TOKEN]);
}
/** A number as it fits into a trailer of bounded length; GitHub's own are shorter. */
function numericId(text, most = 16) {
    return text && /^\d+$/.test(text) && text.length <= most ? text : undefined;
}
function runOrigin(env) {
    const payload = readEvent(env.GITHUB_EVENT_PATH);
    const [pull, run] = [payload.pull_request, payload.workflow_run];
    // A fork that was deleted since has no repository any more.
    const head = pull?.head ? pull.head.repo : run?.head_repository;
    const foreign = head !== undefined && head?.full_name !== env.GITHUB_REPOSITORY;
    // These events run with the target repository's secrets, whoever wrote the code that triggered them.
    if (foreign && /^(pull_request_target|workflow_run)$/.test(env.GITHUB_EVENT_NAME ?? ''))
        return 'untrusted';
    if (env.GITHUB_ACTOR === 'dependabot[bot]')
        return 'dependabot';
    return foreign ? 'fork' : undefined;
}
function readEvent(path) {
    try {
        return JSON.parse((0,external_node_fs_.readFileSync)(path ?? '', 'utf8')) ?? {};
    }
    catch {
        return {};
    }
}

;// CONCATENATED MODULE: ./build/github/saved-credentials.js




/** Milliseconds: GitHub tells times in whole seconds. */
const TIME_RESOLUTION = 1_000;
/** Milliseconds between two looks at a secret that may still be written. */
const POLL_INTERVAL = 1_000;
/** Bytes of a public key (X25519). */
const KEY_LENGTH = 32;
/** The address of a place's variable. */
function variableUrl(api, { repository, environment, variable }) {
    const scope = environment ? `environments/${encodeURIComponent(environment.toWellFormed())}` : 'actions';
    return new URL(`${api}/repos/${repository}/${scope}/variables/${variable}`);
}
/** In words. */
function locationName({ repository, environment }) {
    return environment ? `environment ${JSON.stringify(environment)} of ${repository}` : repository;
}
/** A pair of client id and secret as GitHub Actions keeps it. Every method throws an ApiError. */
class SavedCredentials {
    location;
    /** What was here at the last look. */
    snapshot = { client_id: undefined, secretTime: undefined };
    #github;
    /** Whether somebody may have written since the last look. */
    #stale = false;
    #key = { key: '', key_id: '' };
    constructor(github, location) {
        this.location = location;
        this.#github = github;
    }
    get transport() {
        return this.#github.transport;
    }
    /** Address of GitHub's API. */
    get api() {
        return this.#github.api;
    }
    /** Where the pair is, in words. */
    get name() {
        return locationName(this.location);
    }
    /** What the pair is kept in, in words. */
    get names() {
        const { variable, secret } = this.location;
        return `variable ${variable} and secret ${secret} of ${this.name}`;
    }
    /** Makes sure that a pair can be written here, as far as reading tells. */
    async open() {
        const looks = [this.#readKey(), this.location.environment ? this.#findEnvironment() : undefined, this.look()];
        // Of several refusals the one of the key says most.
        for (const refresh of await Promise.allSettled(looks))
            if (refresh.status === 'rejected')
                throw refresh.reason;
    }
    /** @throws where the token may not even see the repository */
    async isVisible() {
        return await this.#github.getRepository(this.location.repository, () => true);
    }
    /** Whether there is the environment, or none is needed. */
    async exists() {
        try {
            if (this.location.environment)
                await this.#findEnvironment();
            return true;
        }
        catch (error) {
            if (error instanceof ApiError && error.status === 404)
                return false;
            throw error;
        }
    }
    /** Looks (again) at what is here. */
    async look() {
        this.#stale = true;
        const [variable, secret] = await Promise.all([this.#getVariable(), this.#getSecret()]);
        this.#stale = false;
        this.snapshot = { client_id: variable?.value, variableTime: variable?.time, secretTime: secret?.time };
        return this.snapshot;
    }
    /** @returns nothing where there is no such variable */
    async getVariable() {
        return (await this.#getVariable())?.value;
    }
    /**
     * Makes the variable, or changes it.
     * @param exists which of the two is tried first
     * @param onSend called before each sending
     */
    async setVariable(value, exists, onSend) {
        const make = { ...this.#variable('write', 'POST', '', { value }), successStatuses: [201], onSend };
        const change = {
            ...this.#variable('write', 'PATCH', '/{name}', { value }),
            successStatuses: [204],
            onSend,
        };
        const [first, second, status] = exists ? [change, make, 404] : [make, change, 409];
        try {
            await this.#github.send(first).catch(async (error) => {
                if (!(error instanceof ApiError && error.status === status))
                    throw error;
                await this.#github.send(second);
            });
        }
        catch (error) {
            if (!isOutcomeUnknownError(error) || (await this.getVariable().catch(() => undefined)) !== value)
                throw error;
        }
    }
    /** @returns whether there was one */
    async deleteVariable() {
        return await this.#delete(this.#variable('delete', 'DELETE', '/{name}'), () => this.#getVariable());
    }
    /**
     * Writes the secret, after `open`. A lost answer is sent again, and then the time at which GitHub says that the secret
     * was written decides.
     * @param box seals the value with GitHub's public key, both in base64
     * @throws {ApiError} one that is `uncertain` only where nobody can say whether GitHub has the secret
     */
    async setSecret(box) {
        const before = this.snapshot.secretTime;
        const { key, key_id } = this.#key;
        const sealed = { encrypted_value: this.#seal(box, key), key_id };
        let began;
        const onSend = () => {
            began ??= clock();
        };
        try {
            await this.#github.send({ ...this.#secret('write', 'PUT', sealed), successStatuses: [201, 204], onSend });
        }
        catch (error) {
            if (!isOutcomeUnknownError(error))
                throw error;
            this.transport.releaseCleanupTime();
            const now = await this.#awaitChange(error, before);
            // One that is gone was taken away by somebody, whatever became of ours.
            if (!now && before !== undefined)
                throw error;
            const sentAt = (now?.date ?? 0) - (clock() - (began ?? 0));
            const isOurs = (time) => Date.parse(time) >= sentAt - TIME_RESOLUTION;
            if (now && now.time !== before) {
                if (this.#stale && !isOurs(now.time))
                    throw error;
                return;
            }
            // Within the resolution of GitHub's times, one that is the same says nothing.
            if (before !== undefined && isOurs(before))
                throw error;
            throw new ApiError(`${error.message} GitHub did not take it.`, false, { cause: error });
        }
    }
    /** Looks at the secret after a lost answer. Where GitHub did not answer in time it may still be at it. */
    async #awaitChange(error, before) {
        const isLate = error.cause instanceof NetworkError && error.cause.code === 'TIMEOUT';
        // The other half of the time is for the roll-back.
        const least = this.transport.remaining / 2;
        for (;;) {
            const now = await this.#getSecret().catch(() => Promise.reject(error));
            if (now?.time !== before || !isLate || this.transport.remaining - POLL_INTERVAL < least)
                return now;
            await this.transport.pause(POLL_INTERVAL).catch(() => Promise.reject(error));
        }
    }
    /** @returns whether there was one */
    async deleteSecret() {
        return await this.#delete(this.#secret('delete', 'DELETE'), () => this.#getSecret());
    }
    async #readKey() {
        const call = this.#call(`read the public key for secrets of ${this.name}`, 'GET', 'secrets', '/secrets/public-key');
        this.#key = await this.#github.read(call, (response) => {
            const [key, key_id] = [(0,json/* stringField */.OM)(response, 'key'), (0,json/* stringField */.OM)(response, 'key_id')];
            if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
                throw new json/* InvalidResponseError */.tF('it holds no public key');
            return { key, key_id };
        });
    }
    async #findEnvironment() {
        const call = this.#call(`read ${this.name}`, 'GET', 'environment', '');
        await this.#github.send(call).catch((error) => {
            // Whoever is shown its key may write there, also without the permission to read environments.
            if (!(error instanceof ApiError && error.status === 403))
                throw error;
        });
    }
    async #getVariable() {
        const parse = (response) => {
            if (typeof response.value !== 'string')
                throw new json/* InvalidResponseError */.tF('value is not a string');
            return { value: response.value, time: (0,json/* stringField */.OM)(response, 'updated_at') };
        };
        return await this.#github.find(this.#variable('read', 'GET', '/{name}'), parse);
    }
    async #getSecret() {
        const parse = (response, date) => {
            const time = (0,json/* stringField */.OM)(response, 'updated_at');
            if (Number.isNaN(Date.parse(time)))
                throw new json/* InvalidResponseError */.tF('updated_at is not a time');
            return { time, date };
        };
        return await this.#github.find(this.#secret('read', 'GET'), parse);
    }
    /** @param isThere looks whether there still is one */
    async #delete(call, isThere) {
        try {
            await this.#github.send({ ...call, successStatuses: [204] });
            return true;
        }
        catch (error) {
            // After a lost answer, the repeat finds what the first has done.
            if (error instanceof ApiError && error.status === 404)
                return error.outcomeUnknown;
            if (!isOutcomeUnknownError(error) || (await isThere().catch(() => true)) !== undefined)
                throw error;
            return true;
        }
    }
    #seal(box, key) {
        try {
            return box(key);
        }
        catch (error) {
            throw new ApiError(`Could not seal the secret for ${this.name}: its public key is not usable.`, false, {
                cause: error,
            });
        }
    }
    #variable(verb, method, path, parameters = {}) {
        const { variable: name } = this.location;
        return this.#call(`${verb} variable ${name} of ${this.name}`, method, 'variables', `/variables${path}`, {
            name,
            ...parameters,
        });
    }
    #secret(verb, method, parameters = {}) {
        const { secret: secret_name } = this.location;
        const operation = `${verb} secret ${secret_name} of ${this.name}`;
        return this.#call(operation, method, 'secrets', '/secrets/{secret_name}', { secret_name, ...parameters });
    }
    #call(operation, method, kind, path, parameters = {}) {
        const { repository, environment } = this.location;
        const [owner = '', repo = ''] = repository.split('/');
        const scope = environment ? 'environments/{environment_name}' : 'actions';
        return {
            operation,
            route: `${method} /repos/{owner}/{repo}/${scope}${path}`,
            parameters: { owner, repo, ...(environment && { environment_name: environment }), ...parameters },
            permission: environment ? 'environment' : kind,
        };
    }
}
function isOutcomeUnknownError(error) {
    return error instanceof ApiError && error.outcomeUnknown;
}

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 10 modules
var core = __webpack_require__(178);
// EXTERNAL MODULE: ./build/output/mask.js
var mask = __webpack_require__(549);
;// CONCATENATED MODULE: ./build/scalekit/types.js

/** The id of an organization client: it becomes part of a path and an output. The descriptor bounds ids in requests to 32 characters, not those in answers. */
const CLIENT_ID = /^m2morg_[\w-]{1,121}$/;
/** The longest description of a client (Scalekit's descriptor), in characters. */
const MAX_DESCRIPTION = 512;
const types_MAX_CLAIM_KEY = 128;
/** Characters of a client's name (Scalekit's descriptor). */
const MAX_NAME = 128;
/** Secrets of one client at a time, by the API. */
const MAX_SECRETS = 5;
/** Orders what has a `create_time`, the oldest first; what does not say comes last, since it may be the newest. */
function types_byCreateTime(one, other) {
    if (one.create_time === other.create_time)
        return 0;
    if (one.create_time === undefined)
        return 1;
    return other.create_time === undefined || one.create_time < other.create_time ? -1 : 1;
}
/** @throws {InvalidResponseError} */
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
            scopes: strings(client, 'scopes'),
            audience: strings(client, 'audience'),
            custom_claims: (0,json/* listField */.FZ)(client, 'custom_claims').map((entry) => {
                const claim = (0,json/* asObject */.eB)(entry, 'custom_claims');
                return { key: (0,json/* stringField */.OM)(claim, 'key'), value: (0,json/* stringField */.OM)(claim, 'value') };
            }),
            expiry: seconds(client, 'expiry'),
            create_time: time(client, 'create_time'),
            secrets: (0,json/* listField */.FZ)(client, 'secrets').map(parseSecret),
        };
    }
    catch (error) {
        throw error instanceof json/* InvalidResponseError */.tF
            ? new json/* InvalidResponseError */.tF(`client ${client_id} is not readable: ${error.message}`)
            : error;
    }
}
/** @throws {InvalidResponseError} */
function parseSecret(value) {
    const secret = (0,json/* asObject */.eB)(value, 'secret');
    const id = (0,json/* stringField */.OM)(secret, 'id');
    // It becomes part of a path, in which ".." would name the client.
    if (!/^[\w-]{1,128}$/.test(id))
        throw new json/* InvalidResponseError */.tF('id is not the id of a secret');
    const expiry = time(secret, 'expire_time');
    const expired = expiry !== undefined && expiry < BigInt(Date.now()) * 1000000n;
    const active = secret.status !== 'INACTIVE' && secret.status !== 1 && !expired;
    return { id, create_time: time(secret, 'create_time'), suffix: (0,json/* stringField */.OM)(secret, 'secret_suffix'), active };
}
/** One page of a list. An empty token ends it. @throws {InvalidResponseError} */
function parsePage(text) {
    const page = (0,json/* parseJsonObject */.dw)(text);
    return { clients: (0,json/* listField */.FZ)(page, 'clients'), next_page_token: (0,json/* stringField */.OM)(page, 'next_page_token') };
}
function strings(from, field) {
    return (0,json/* listField */.FZ)(from, field).map((entry) => {
        if (typeof entry !== 'string')
            throw new json/* InvalidResponseError */.tF(`${field} holds something else than strings`);
        return entry;
    });
}
/** An int64 comes as a string, from lenient writers as a number. */
function seconds(from, field) {
    const value = from[field] ?? undefined;
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (number === undefined || (Number.isSafeInteger(number) && Number(number) >= 0))
        return number;
    throw new json/* InvalidResponseError */.tF(`${field} is not a number of seconds`);
}
/** Milliseconds since the epoch, in 2020: what writers put where they do not know a time is long before it. */
const EARLIEST = Date.UTC(2020);
/** RFC 3339 with up to nine digits of a second, in nanoseconds since the epoch. */
function time(from, field) {
    const [, seconds, fraction = '', zone] = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec((0,json/* stringField */.OM)(from, field)) ?? [];
    const milliseconds = seconds ? Date.parse(`${seconds}${zone}`.toUpperCase()) : Number.NaN;
    return !(milliseconds >= EARLIEST) ? undefined : BigInt(milliseconds) * 1000000n + BigInt(fraction.padEnd(9, '0'));
}

;// CONCATENATED MODULE: ./build/inputs/parse.js



/** White space, a backslash, a control character, or a scheme that is not followed by two slashes: browsers mend it. */
const NO_URL = /[\s\\]|[^!-~\xa0-\uffff]|^([hH][tT]{2}[pP][sS]?:(?!\/\/[^/])|\/)/;
/** A list: separated by commas, spaces or line breaks, or a JSON array of strings. Repeated entries count once. */
function parseList(text, report) {
    if (!text.startsWith('['))
        return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
    const entries = parseJson(text, report, 'a JSON array of strings, or entries separated by commas, spaces or lines');
    if (!Array.isArray(entries))
        return [];
    for (const entry of entries) {
        if (typeof entry !== 'string' || !entry.trim() || !entry.isWellFormed())
            report(`got the entry ${quoteJson(entry)}; expected strings that are not blank`);
    }
    return [...new Set(entries.filter((entry) => typeof entry === 'string' && entry.trim()))];
}
/** Claims: `key=value` lines, a JSON object, or the API's own array of `{"key", "value"}`. */
function parseClaims(text, report) {
    const claims = /^[[{]/.test(text)
        ? jsonClaims(text, report)
        : text
            .split(/\r\n|\r|\n/)
            .filter((line) => line.trim())
            .flatMap((line) => lineClaim(line, report));
    const keys = new Set();
    for (const { key, value } of claims) {
        if (!key)
            report('got an empty key; expected 1 to 128 characters');
        if (characterCount(key) > MAX_CLAIM_KEY)
            report(`got the key ${quote(key)} of ${characterCount(key)} characters; expected 128 at most`);
        if (!key.isWellFormed() || !value.isWellFormed())
            report(`got half of a character for the key ${quote(key)}; expected Unicode text`);
        if (keys.has(key))
            report(`got the key ${quote(key)} twice; expected each key once`);
        keys.add(key);
    }
    return claims;
}
function lineClaim(line, report) {
    const sign = line.indexOf('=');
    if (sign < 0) {
        report(`got the line ${quote(line.trim())} without a "="; expected key=value`);
        return [];
    }
    return [{ key: line.slice(0, sign).trim(), value: line.slice(sign + 1).trim() }];
}
function jsonClaims(text, report) {
    const expected = 'key=value lines, a JSON object, or a JSON array of {"key", "value"}';
    const json = parseJson(text, report, expected, wholeNumberAsWritten);
    if (json === undefined)
        return [];
    for (const key of repeatedKeys(text))
        report(`got the key ${quote(key)} twice; expected each key once`);
    if (!Array.isArray(json))
        return Object.entries(Object(json)).flatMap(([key, value]) => jsonClaim(key, value, report));
    return json.flatMap((entry) => {
        const { key, value, ...rest } = Object(entry);
        if (typeof key === 'string' && value !== undefined && Object.keys(rest).length === 0)
            return jsonClaim(key, value, report);
        report(`got the entry ${quoteJson(entry)}; expected {"key": "…", "value": "…"}`);
        return [];
    });
}
function jsonClaim(key, value, report) {
    if (typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value))
        return [{ key, value: String(value) }];
    report(`got ${quoteJson(value)} for the key ${quote(key)}; expected a string (quote numbers that are not whole)`);
    return [];
}
/** JSON.parse keeps the last of two equal keys of an object without a word. */
function repeatedKeys(json) {
    const twice = new Set();
    const open = [];
    for (const [token, key, colon] of json.matchAll(/[{}[\]]|("(?:[^"\\]|\\.)*")\s*(:)?/g)) {
        if (token === '{' || token === '[')
            open.push(new Set());
        else if (token === '}' || token === ']')
            open.pop();
        else if (key && colon) {
            const name = JSON.parse(key);
            if (open.at(-1)?.has(name))
                twice.add(name);
            open.at(-1)?.add(name);
        }
    }
    return twice;
}
/** A JSON value as an error shows it. */
function quoteJson(value) {
    try {
        return truncate(JSON.stringify(value), 80);
    }
    catch {
        return 'one that is nested too deeply';
    }
}
function parseJson(text, report, expected, reviver) {
    try {
        return JSON.parse(text, reviver);
    }
    catch {
        report(`got broken JSON, ${quote(text)}; expected ${expected}`);
        return undefined;
    }
}
/** A whole number stays as it was written, however large; any other may come out otherwise: 1.10 as 1.1. */
const wholeNumberAsWritten = (key, value, { source = '' } = {}) => key !== 'key' && typeof value === 'number' && /^-?(0|[1-9]\d*)$/.test(source) ? source : value;
/** A whole number in decimal digits. */
function parseSeconds(text, least, most, report) {
    const seconds = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
    if (seconds >= least && seconds <= most)
        return seconds;
    report(`got ${(0,output_text/* quote */.hD)(text)}; expected a whole number of seconds from ${least} to ${most}`);
    return least;
}
/**
 * The address of a Scalekit environment: a bare host, a trailing slash and a full URL are all fine.
 * @returns scheme, host and port
 */
function parse_parseOrigin(text, report) {
    const expected = 'expected the address of the environment alone, such as https://acme.scalekit.com';
    const url = NO_URL.test(text) ? null : URL.parse(SCHEME.test(text) ? text : `https://${text}`);
    const shown = () => quoteUrl(text);
    if (!url) {
        report(`got ${shown()}, which is not a URL; ${expected}`);
        return '';
    }
    const extras = [
        url.username || url.password ? 'credentials' : '',
        url.pathname !== '/' && url.pathname !== '' ? 'a path' : '',
        text.includes('?') ? 'a query' : '',
        text.includes('#') ? 'a fragment' : '',
    ].filter(Boolean);
    if (extras.length > 0)
        report(`got ${shown()} with ${extras.join(' and ')}; ${expected}`);
    if (!isSafe(url)) {
        report(`got ${shown()}; expected https (http on loopback alone): the administrator's secret is sent there`);
    }
    return url.origin;
}
/**
 * The address of GitHub's API, which on GitHub Enterprise Server has a path.
 * @returns it without a slash at its end
 */
function parse_parseApiUrl(text, report) {
    const url = NO_URL.test(text) ? null : URL.parse(text);
    if (!url || !isSafe(url) || url.username || url.password || /[?#]/.test(text)) {
        report(`got ${quoteUrl(text)}; expected the https address of an API of GitHub (http on loopback alone), such as https://api.github.com`);
        return '';
    }
    return url.href.replace(/\/+$/, '');
}

;// CONCATENATED MODULE: ./build/client/faults.js
// How the text of an input becomes a value. Pure: what is wrong goes to `report`, all of it, and what can be read
// comes back all the same, so that one bad entry does not hide the next.
/** Faults of one input that are told: thousands would not fit into an annotation. */
const MAX_FAULTS = 10;
/** Every bad input, each with what was given, what is accepted and, where known, why. */
class InputError extends Error {
    name = 'InputError';
    constructor(faults) {
        super(faults.length === 1
            ? `Bad input: ${faults[0]}`
            : `${faults.length} bad inputs:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
    }
}
/** Collects what is wrong. */
class Faults {
    #faults = new Map();
    report(input) {
        return (problem) => {
            const faults = this.#faults.get(input) ?? [];
            faults.push(`${input}: ${problem}`);
            this.#faults.set(input, faults);
        };
    }
    /** @throws {InputError} where anything was reported */
    finish() {
        const told = [...this.#faults].flatMap(([input, faults]) => {
            const more = faults.length - MAX_FAULTS;
            return more > 0 ? [...faults.slice(0, MAX_FAULTS), `${input}: and ${more} more`] : faults;
        });
        if (told.length > 0)
            throw new InputError(told);
    }
}

;// CONCATENATED MODULE: ./build/inputs/reader.js



/** Reads inputs, and collects what is wrong with them. */
class Reader extends Faults {
    env;
    /** Inputs whose text never arrived: what else is wrong with them says nothing. */
    #unevaluated = new Set();
    constructor(env) {
        super();
        this.env = env;
    }
    report(input) {
        const report = super.report(input);
        return (problem) => {
            if (!this.#unevaluated.has(input))
                report(problem);
        };
    }
    /** @returns the input without white space around it, empty where it was not given */
    read(input) {
        return this.#evaluated(input, (0,core/* getInput */.V4)(input));
    }
    /** @returns the input; where it is not as expected, that is reported, and it counts as not given */
    match(input, pattern, expected) {
        const text = this.read(input);
        if (!text || pattern.test(text))
            return text;
        this.report(input)(`got ${(0,output_text/* quote */.hD)(text)}; expected ${expected}`);
        return '';
    }
    /** @returns the input; where it is too long, that is reported */
    bounded(input, most) {
        const text = this.read(input);
        if ((0,output_text/* characterCount */.Dq)(text) > most)
            this.report(input)(`got ${(0,output_text/* characterCount */.Dq)(text)} characters, ${(0,output_text/* quote */.hD)(text)}; expected ${most} at most`);
        return text;
    }
    /** @param fallback what to go on with where the input is wrong; the first choice is the default */
    choice(input, choices, fallback) {
        const text = this.read(input) || choices[0];
        const choice = choices.find((one) => one === text);
        if (choice)
            return choice;
        const list = choices.map((one) => `"${one}"`);
        this.report(input)(`got ${(0,output_text/* quote */.hD)(text)}; expected ${list.slice(0, -1).join(', ')} or ${list.at(-1)}`);
        return fallback;
    }
    /** YAML's own words for the two (its core schema), as GitHub passes them on. */
    boolean(input, byDefault) {
        const text = this.match(input, /^(true|True|TRUE|false|False|FALSE)$/, 'true or false');
        return text ? text.toLowerCase() === 'true' : byDefault;
    }
    /** @returns the input, or else the first variable that is set and its name, and what an error calls it */
    require(input, variables, expected) {
        const given = this.read(input);
        if (given)
            return { text: given, source: input };
        const from = variables.find((candidate) => variable(this.env, candidate));
        if (!from) {
            this.report(input)(`is empty; expected ${expected}`);
            return { text: '', source: input };
        }
        const source = `${input} (from ${from})`;
        return { text: this.#evaluated(source, variable(this.env, from)), source, from };
    }
    #evaluated(source, text) {
        if (text.includes('${{')) {
            this.report(source)(`got ${(0,output_text/* quoteUrl */.y8)(text)}, which holds an expression that was not evaluated; expected its value`);
            this.#unevaluated.add(source);
        }
        return text;
    }
}
function variable(env, name) {
    return env[name]?.trim() ?? '';
}

;// CONCATENATED MODULE: ./build/inputs/connection.js






// What all actions read: where Scalekit and GitHub are, and who asks.
const UNTRUSTED = 'This run was triggered by code from outside, yet has secrets: nothing of that code may be checked out, built or run in this job, or it can take the credentials.';
/** Seconds. */
const DEFAULT_TIMEOUT = '120';
/** `owner/name`, neither of which a URL would take for a folder above. */
const REPOSITORY = /^(?!\.\.?\/)[\w.-]+\/(?!\.\.?$)[\w.-]+$/;
function readConnection(reader, runner) {
    const credentials = readCredentials(reader.env);
    // Before anything is quoted, since it may have been pasted into a wrong input.
    readGitHubToken();
    checkCredentials(reader, runner);
    const origin = checkOrigin(reader);
    const organization = checkOrganization(reader);
    const timeout = parseTimeout(reader.read('timeout'), reader.report('timeout'));
    checkRunner(reader, runner);
    const warnings = runner.origin === 'untrusted' ? [UNTRUSTED] : [];
    return { origin, credentials, ...organization, timeout, warnings };
}
/**
 * Reads `github_token` and masks it.
 * @param need what it is needed for, or nothing where the step can do without
 */
function readGitHub(reader, runner, need) {
    const token = readGitHubToken();
    const report = reader.report('github_token');
    if (!need)
        return undefined;
    if (!reader.read('github_token')) {
        report(`is empty; expected a token that may ${need}. ${whyEmpty(runner)}`);
        return undefined;
    }
    // Anything else would break the header that carries it.
    if (!/^[\x21-\x7e]+$/.test(token))
        report('holds characters that no token has; expected a token of GitHub');
    const api = parseApiUrl(runner.api, reader.report('GITHUB_API_URL'));
    checkProxy(reader, api);
    return { api, token };
}
/** @returns the token, masked, or nothing where none is given */
function readGitHubToken() {
    const token = (0,core/* getInput */.V4)('github_token');
    (0,mask/* mask */.dK)(token);
    // As git and actions/checkout send it.
    (0,mask/* maskCredentials */.Bs)('x-access-token', token);
    (0,mask/* maskCredentials */.Bs)('', token);
    return token;
}
/** Reads the administrator's credentials, from the inputs or else from the variables, and masks the secret. */
function readCredentials(env) {
    const client_secret = (0,core/* getInput */.V4)('scalekit_client_secret') || variable(env, 'SCALEKIT_CLIENT_SECRET');
    const client_id = (0,core/* getInput */.V4)('scalekit_client_id') || variable(env, 'SCALEKIT_CLIENT_ID');
    (0,mask/* mask */.dK)(client_secret);
    (0,mask/* maskCredentials */.Bs)(client_id, client_secret);
    return { client_id, client_secret };
}
/** @returns seconds for the whole step, some number of them also where the input is lost or bad */
function readTimeout() {
    return parseTimeout((0,core/* getInput */.V4)('timeout'), () => { });
}
function parseTimeout(text, report) {
    return parseSeconds(text || DEFAULT_TIMEOUT, 5, 3600, report);
}
/** @returns why nothing may be sent from a process with this environment, or nothing */
function unsafeSetting(env) {
    if (env.NODE_TLS_REJECT_UNAUTHORIZED !== '0')
        return undefined;
    return 'got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)';
}
function checkCredentials(reader, runner) {
    const id = reader.require('scalekit_client_id', ['SCALEKIT_CLIENT_ID'], `the id of the environment's API credentials (skc_…). ${whyEmpty(runner)}`);
    reader.require('scalekit_client_secret', ['SCALEKIT_CLIENT_SECRET'], `the secret of the environment's API credentials. ${whyEmpty(runner)}`);
    if (id.text.startsWith('m2morg_')) {
        reader.report(id.source)(`got ${quote(id.text)}, an organization client; expected the environment's API credentials (skc_…)`);
    }
}
/** GitHub evaluates a secret that is not there to nothing, without a word. */
function whyEmpty({ origin }) {
    const misspelt = "a misspelt name, or a secret that this repository or the job's environment does not have";
    if (origin === 'dependabot') {
        return `This run was started by Dependabot, which gets Dependabot's own secrets alone (repository settings, Secrets, Dependabot); else: ${misspelt}.`;
    }
    if (origin === 'fork')
        return `This run comes from a fork, and GitHub hands no secrets to those; else: ${misspelt}.`;
    return `Likely causes: ${misspelt}; a run from a fork or by Dependabot, which get no secrets.`;
}
function checkOrigin(reader) {
    const { text, source, from } = reader.require('scalekit_environment_url', ['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_ENV_URL'], 'the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL');
    if (from && getInput('scalekit_client_secret')) {
        reader.report('scalekit_environment_url')(`is empty while scalekit_client_secret is given; expected both as inputs, or an earlier step could send the secret elsewhere by setting ${from} through GITHUB_ENV`);
    }
    const origin = text && parseOrigin(text, reader.report(source));
    checkProxy(reader, origin);
    return origin;
}
/** @param address that is asked; one that is none is a fault of its own */
function checkProxy(reader, address) {
    const url = URL.parse(address);
    try {
        if (url)
            proxyFor(url, reader.env);
    }
    catch (error) {
        if (!(error instanceof ProxyError))
            throw error;
        reader.report(error.variable)(`is set to something else; expected ${PROXY_URL_FORMAT}`);
    }
}
function checkOrganization(reader) {
    // A URL would take such a path for the one above it.
    const organization_external_id = reader.match('organization_external_id', /^(?!\.\.?$)\P{Cc}*$/u, 'the external id of an organization');
    if (reader.read('organization_external_id')) {
        if (reader.read('organization_id'))
            reader.report('organization_external_id')('is given beside organization_id; expected one of the two');
        return { organization_id: '', organization_external_id };
    }
    // The descriptor's rule: this prefix, 32 characters at most.
    const expected = 'the id of an organization: "org_" and up to 28 letters, digits, - or _';
    const { text, source } = reader.require('organization_id', ['SCALEKIT_ORGANIZATION_ID'], `${expected}, as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id`);
    if (text && !/^org_[\w-]{1,28}$/.test(text))
        reader.report(source)(`got ${quote(text)}; expected ${expected}`);
    return { organization_id: text, organization_external_id };
}
/** What only a runner provides. Without its output file the secret would go to the log instead. */
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

;// CONCATENATED MODULE: ./build/scalekit/errors.js


function scalekitRefusal(operation, response, subject) {
    return refusedError(operation, response, scalekitMessages(response), scalekitAdvice(response, subject));
}
function scalekitNetworkError(operation, error) {
    return unansweredError(operation, error, 'scalekit_environment_url');
}
/** A 2xx whose body is not what the API documents. */
function scalekitInvalidResponse(operation, response, reason, subject) {
    const todo = subject !== 'sign-in' ? '' : 'Is scalekit_environment_url the address of a Scalekit environment?';
    return invalidResponseError(operation, response, reason, todo);
}
function scalekitAdvice(response, subject) {
    const { status, headers } = response;
    if (status >= 300 && status < 400)
        return redirectAdvice(response, "scalekit_environment_url must be the environment's own address.");
    if (status === 429) {
        const wait = headers['retry-after'] ? ` (it says: come back after ${(0,output_text/* truncate */.xv)(headers['retry-after'], 40)})` : '';
        return `The rate limit of the environment is reached for longer than this step may wait${wait}: run fewer jobs at once, or raise timeout.`;
    }
    if (status >= 500)
        return "That is on Scalekit's side: try again later.";
    if (subject === 'pair')
        return 'The new pair itself is refused: an interceptor may deny it a token.';
    if (subject === 'sign-in') {
        if (status === 404)
            return 'scalekit_environment_url does not lead to a Scalekit environment.';
        if (status !== 400 && status !== 401 && status !== 403)
            return '';
        return 'Check scalekit_client_id and scalekit_client_secret: they must be the API credentials (skc_…) of this very environment, not revoked.';
    }
    if (status === 401)
        return 'The API does not accept the token that it gave for scalekit_client_id: check that these API credentials are still valid.';
    if (status === 403)
        return 'The API credentials in scalekit_client_id may not manage the clients of this organization.';
    if ((status === 400 || status === 409) && subject.adding)
        return 'A client has five secrets at most: let one run at a time use it, with concurrency in the workflow.';
    if (status === 404 && !isApiResponse(response))
        return 'Check who answers at scalekit_environment_url: it is not the API.';
    if (status === 404 && subject.client)
        return `Client ${subject.client} is not there (any more).`;
    if (status === 404)
        return `Is there an organization ${subject.organization} in this environment? An id from another environment is not known here.`;
    return '';
}
/**
 * What the server said, in any of the shapes that it may choose: its status object with details, a bare ErrorInfo,
 * OAuth's own error (RFC 6749, section 5.2), or plain text. Nothing else of the body is shown: `debug_info` may hold
 * internals.
 */
function scalekitMessages({ body, headers }) {
    let parsed;
    try {
        parsed = JSON.parse(body);
    }
    catch {
        const text = body.trim();
        const plain = String(headers['content-type'] ?? 'text/plain').startsWith('text/plain') && !/^[{[<]|debug_info/.test(text);
        return plain && text ? [(0,output_text/* truncate */.xv)((0,output_text/* oneLine */.TN)(text), 300)] : [];
    }
    const status = fieldsOf(parsed);
    const infos = [...listOf(status.details).map(fieldsOf), status];
    const violations = infos.flatMap((info) => listOf(fieldsOf(info.validation_error_info).field_violations).map(fieldsOf));
    const words = [
        ...infos.map((info) => errors_text(info.error_code)),
        errors_text(status.error),
        errors_text(status.error_description),
        errors_text(status.message),
        ...violations.map((violation) => [errors_text(violation.field), errors_text(violation.description)].filter(Boolean).join(' ')),
    ];
    return [...new Set(words.filter(Boolean))].slice(0, 10).map((word) => (0,output_text/* truncate */.xv)((0,output_text/* oneLine */.TN)(word), 300));
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







/** Milliseconds after a client or a secret was made in which the API may not know it yet everywhere. */
const CREATION_LAG = 10_000;
/** A `plain_secret` shorter than this cannot be masked without blanking out ordinary text. */
const MIN_SECRET_LENGTH = 8;
/** Milliseconds between two requests of which the first met that lag. */
const FIRST_PAUSE = 250;
const MAX_PAUSE = 2_000;
/** The clients of one organization in one Scalekit environment. Every method throws an ApiError. */
class Scalekit {
    transport;
    #origin;
    #organization;
    #token = '';
    constructor(transport, origin, organization_id) {
        this.transport = transport;
        this.#origin = origin;
        this.#organization = organization_id;
    }
    /** Signs in, and finds the organization where only its external id is known. */
    static async open(transport, { origin, credentials, organization_id, organization_external_id }) {
        const scalekit = new Scalekit(transport, origin, organization_id);
        await scalekit.signIn(credentials);
        if (!organization_id)
            await scalekit.#selectOrganization(organization_external_id);
        return scalekit;
    }
    get organization_id() {
        return this.#organization;
    }
    /** Gets an access token for the environment's API credentials and masks it. */
    async signIn(credentials) {
        this.#token = (await this.#getToken('sign in to Scalekit', credentials, 'sign-in')).access_token;
    }
    /** Gets an access token for a client of the organization, which may have been made just now, and masks it. */
    async getToken(credentials) {
        const operation = `get an access token for client ${credentials.client_id}`;
        return await this.#pastLag(isClientUnknown, () => this.#getToken(operation, credentials, 'pair'));
    }
    /** Finds the organization that has an external id, and goes on with it. */
    async #selectOrganization(external_id) {
        const url = new URL(`/api/v1/organizations:external/${encodeURIComponent(external_id)}`, this.#origin);
        const call = { ...this.#call('GET'), url };
        const subject = { organization: external_id };
        this.#organization = await this.#exchange(`find organization ${external_id}`, call, subject, (body) => {
            const organization = (0,json/* asObject */.eB)((0,json/* parseJsonObject */.dw)(body).organization, 'organization');
            const id = (0,json/* stringField */.OM)(organization, 'id');
            if (!/^org_[\w-]{1,124}$/.test(id))
                throw new json/* InvalidResponseError */.tF('id is not the id of an organization');
            const shown = (0,json/* stringField */.OM)(organization, 'external_id');
            if (shown && shown !== external_id)
                throw new json/* InvalidResponseError */.tF('it shows an organization with another external_id');
            return id;
        });
    }
    /** Makes a client and masks its secret. Sent again only where the request provably did nothing. */
    async createClient(fields, on) {
        const call = { ...this.#call('POST', [], fields), repeatable: false, onSend: on.onSend };
        return await this.#exchange('create the client', call, this.#subject(), (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const plain_secret = maskSecret(response.plain_secret);
            const client = parseClientSummary(response.client);
            (0,mask/* maskCredentials */.Bs)(client.client_id, plain_secret);
            on.onId(client.client_id);
            requireUsableSecret(plain_secret);
            return { client: client.parse(), plain_secret };
        });
    }
    /** Every client of the organization, page by page. */
    async *listClients() {
        const operation = "list the organization's clients";
        const seen = new Set();
        for (let token = '';;) {
            seen.add(token);
            const call = this.#call('GET');
            call.url.search = new URLSearchParams({ page_size: '100', ...(token && { page_token: token }) }).toString();
            const page = await this.#exchange(operation, call, this.#subject(), parsePage);
            yield* page.clients.flatMap(parseReadable);
            token = page.next_page_token;
            if (!token)
                return;
            // What stands behind such a page is never shown, so nobody can say that a client is not there.
            if (seen.has(token))
                throw new Error(`Could not ${operation}: a page leads back to one that was read before.`);
        }
    }
    /** @returns nothing where there is no such client (any more) */
    async getClient(client_id) {
        const parse = (body) => parseClientSummary((0,json/* parseJsonObject */.dw)(body).client);
        const call = this.#call('GET', [client_id]);
        return await this.#exchange(`read client ${client_id}`, call, this.#subject(client_id), parse, () => undefined);
    }
    /**
     * Changes the fields that are given.
     * @param young whether the client was made just now
     * @returns the client as it is then
     */
    async updateClient(client_id, fields, young = false) {
        const call = this.#call('PATCH', [client_id], fields);
        const parse = (body) => {
            const client = parseClientSummary((0,json/* parseJsonObject */.dw)(body).client);
            if (client.client_id !== client_id)
                throw new json/* InvalidResponseError */.tF('it shows another client');
            return client;
        };
        const operation = `update client ${client_id}`;
        const ask = () => this.#exchange(operation, call, this.#subject(client_id), parse);
        return await this.#pastLag(young && isMissing, ask);
    }
    /** @returns whether there was such a client (still); one that is gone already is fine too */
    async deleteClient(client_id) {
        const call = this.#call('DELETE', [client_id]);
        return await this.#exchange(`delete client ${client_id}`, call, this.#subject(client_id), ...PRESENCE);
    }
    /**
     * Makes one more secret and masks it. Sent again only where the request provably did nothing.
     * @param young whether the client was made just now
     */
    async addSecret(client_id, on, young) {
        const call = { ...this.#call('POST', [client_id, 'secrets']), repeatable: false, onSend: on.onSend };
        const operation = `add a secret to client ${client_id}`;
        const parse = (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const plain_secret = maskSecret(response.plain_secret);
            (0,mask/* maskCredentials */.Bs)(client_id, plain_secret);
            const secret = response.secret ? parseSecret(response.secret) : undefined;
            if (secret)
                on.onId(secret.id);
            requireUsableSecret(plain_secret);
            return { secret, plain_secret };
        };
        const ask = () => this.#exchange(operation, call, { ...this.#subject(client_id), adding: true }, parse);
        return await this.#pastLag(young && isMissing, ask);
    }
    /** @returns whether there was such a secret (still) */
    async deleteSecret(client_id, secret_id) {
        const call = this.#call('DELETE', [client_id, 'secrets', secret_id]);
        const operation = `delete secret ${secret_id} of client ${client_id}`;
        return await this.#exchange(operation, call, this.#subject(client_id), ...PRESENCE);
    }
    /** The URL of the organization's clients, of one of them, of its secrets, or of one of those. */
    clientUrl(...path) {
        const all = ['api', 'v1', 'organizations', this.#organization, 'clients', ...path];
        return new URL(all.map(encodeURIComponent).join('/'), this.#origin);
    }
    #subject(client) {
        return { organization: this.#organization, client };
    }
    #call(method, path = [], fields) {
        const headers = { authorization: `Bearer ${this.#token}` };
        const call = { method, url: this.clientUrl(...path), headers, repeatable: true };
        if (!fields)
            return call;
        return { ...call, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(fields) };
    }
    /** The client credentials grant (RFC 6749, section 4.4). */
    async #getToken(operation, credentials, subject) {
        const call = {
            method: 'POST',
            url: new URL('/oauth/token', this.#origin),
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams({ grant_type: 'client_credentials', ...credentials }).toString(),
            repeatable: true,
        };
        return await this.#exchange(operation, call, subject, (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const access_token = (0,json/* stringField */.OM)(response, 'access_token');
            (0,mask/* mask */.dK)(access_token);
            // RFC 6749, appendix A.12, without the space, which would break the header that carries it.
            if (!/^[\x21-\x7e]+$/.test(access_token))
                throw new json/* InvalidResponseError */.tF('it holds no access token');
            const expires_in = typeof response.expires_in === 'object' ? 0 : Number(response.expires_in);
            return { access_token, expires_in: expires_in > 0 ? expires_in : undefined };
        });
    }
    /**
     * Asks again, for ten seconds, what the API may refuse only because it does not know a new client or secret yet.
     * @param isLag whether a refusal may be of that kind; false where none is
     */
    async #pastLag(isLag, ask) {
        const until = clock() + CREATION_LAG;
        for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, MAX_PAUSE)) {
            try {
                return await ask();
            }
            catch (error) {
                if (!(isLag && error instanceof ApiError && isLag(error)) || clock() >= until)
                    throw error;
                // Where the time is over, the refusal is what there is to say.
                await this.transport.pause(pause * (0.5 + Math.random() / 2)).catch(() => Promise.reject(error));
            }
        }
    }
    async #exchange(operation, call, subject, parse, missing) {
        let response;
        try {
            response = await this.transport.send(call);
        }
        catch (error) {
            throw error instanceof NetworkError ? scalekitNetworkError(operation, error) : error;
        }
        if (response.status === 404 && missing && isApiResponse(response))
            return missing(response);
        if (response.status < 200 || response.status > 299)
            throw scalekitRefusal(operation, response, subject);
        try {
            return parse(response.body);
        }
        catch (error) {
            throw error instanceof json/* InvalidResponseError */.tF
                ? scalekitInvalidResponse(operation, response, error.message, subject)
                : error;
        }
    }
}
/** What the answer to a delete says: it was there, or, by a 404, it was not, unless a sending before was lost. */
const PRESENCE = [
    (body) => body.trim() === '' || (0,json/* parseJsonObject */.dw)(body) !== undefined,
    ({ earlierOutcomeUnknown: afterLoss }) => afterLoss === true,
];
/** RFC 6749, section 5.2, allows both for a client that is not known. */
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
    if ([...plain_secret.trim()].length < MIN_SECRET_LENGTH)
        throw new json/* InvalidResponseError */.tF('it holds no usable plain_secret');
    if ((0,mask/* isTooLongToMask */.az)(plain_secret))
        throw new json/* InvalidResponseError */.tF('its plain_secret is too long to be masked in every form');
}
/** A client in a list that nobody can read is not ours, and must not hide those that are. */
function parseReadable(entry) {
    // Thrown and caught, millions of them would take minutes.
    if (typeof Object(entry).client_id !== 'string')
        return [];
    try {
        return [parseClientSummary(entry)];
    }
    catch {
        return [];
    }
}

;// CONCATENATED MODULE: ./build/undo/by-hand.js
function mayStayUpdated({ before, fields }) {
    return `Client ${before.client_id} may stay updated: ${Object.keys(fields).join(', ')}.`;
}
/** The calls that remove by hand what a state names, for a message. */
function manualCalls(scalekit, state, doubt) {
    const { client, secret } = state;
    const lines = [
        ...(secret ? [manualSecretCall(scalekit, secret, doubt)] : []),
        ...(client || !secret ? [manualClientCall(scalekit, state, doubt)] : []),
    ];
    return lines.join(' ');
}
/** The client that the state names is another's. */
class ForeignClientError extends Error {
    name = 'ForeignClientError';
}
/** The sentence about a secret that appeared while an answer was lost: it may also be a neighbour's. */
function possibleLeftover(scalekit, pending, id) {
    return `Secret ${id} of client ${pending.client_id} may be left over of a request whose answer was lost, or another run's; a later rotation retires it. ${manualSecretCall(scalekit, { ...pending, id }, 'owner')}`;
}
function manualClientCall(scalekit, { client, nonce }, doubt) {
    return manualCall(scalekit, [client?.id], `the one that GET shows with "nonce=${nonce}" in its description`, doubt);
}
function manualSecretCall(scalekit, { client_id, id }, doubt) {
    return manualCall(scalekit, [client_id, 'secrets', id], 'it by its time among the secrets of the client', doubt);
}
/**
 * The call that removes something by hand. Somebody will send a token to an origin that this names, so an unsealed
 * state's own is left out.
 * @param search how to find the last part of the path where it is not known
 */
function manualCall(scalekit, path, search, doubt) {
    const known = path.filter((part) => part !== undefined);
    const url = scalekit.clientUrl(...known);
    const address = doubt === 'state' ? url.pathname : url.href;
    if (known.length < path.length)
        return `To remove it by hand, find ${search}; then DELETE ${address}/ID`;
    return `To remove it${doubt ? ', if it is yours,' : ''} by hand: DELETE ${address}`;
}
function uncertaintyOf(error) {
    return error instanceof ForeignClientError ? 'owner' : undefined;
}

// EXTERNAL MODULE: ./build/undo/journal.js
var journal = __webpack_require__(169);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(598);
;// CONCATENATED MODULE: ./build/client/identity.js


const MAX_MARKER = 160;
/** Characters that a description may have besides the line break and the trailer. */
const MAX_DESCRIPTION_TEXT = MAX_DESCRIPTION - MAX_MARKER - 1;
/** Orders clients: by time to the nanosecond, then by id, so that all runs agree on the first. */
function oldestFirst(one, other) {
    return byCreateTime(one, other) || (one.client_id < other.client_id ? -1 : 1);
}
/** A hash of the identity: by the repository's id where it is known, so that a rename changes nothing. */
function identityHash({ repository, repository_id, environment, name, lifetime }) {
    const target = repository_id ?? repository.toLowerCase();
    return shortHash(JSON.stringify([target, environment.toLowerCase(), name ?? null, lifetime]));
}
/** The repository's id or, where none is known, a hash of its lower-cased name. */
function repositoryReference(repository, repository_id) {
    return repository_id ?? shortHash(repository.toLowerCase());
}
function createNonce() {
    return randomBytes(12).toString('base64url');
}
function identity_formatMarker({ key, repo, by, run, lifetime, nonce }) {
    return `[scalekit-organization-client/1 key=${key} repo=${repo} by=${by} run=${run} lifetime=${lifetime} nonce=${nonce}]`;
}
/** A description as it is sent: the trailer is its last line. */
function appendMarker(descriptionText, marker) {
    return [descriptionText, identity_formatMarker(marker)].filter(Boolean).join('\n');
}
const MARKER = /^\[scalekit-organization-client\/1 key=(?<key>[\w-]{16}) repo=(?<repo>[\w-]{1,16}) by=(?<by>[\w-]{1,16}) run=(?<run>\d{1,12}\.\d{1,4}) lifetime=(?<lifetime>persistent|job) nonce=(?<nonce>[\w-]{16})\]$/;
/** Reads the trailer from a description's last line. @returns nothing where it has none */
function identity_parseMarker(description) {
    return MARKER.exec(splitDescription(description)[1])?.groups;
}
/** @returns what comes before the last line, and the last line */
function splitDescription(description) {
    const text = description.trimEnd();
    const at = text.lastIndexOf('\n');
    return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
}
function withMarker(client) {
    const marker = identity_parseMarker(client.description);
    const own = marker ? splitDescription(client.description)[0] : client.description;
    const descriptionText = [...own].slice(0, MAX_DESCRIPTION_TEXT).join('');
    return { ...client, descriptionText, marker };
}
/**
 * Whether a client that was named by its id may be managed as this identity's.
 * @returns why not, or nothing
 */
function reasonNotManageable(client, identity, { key, repo }) {
    const { marker } = client;
    if (marker?.key === key)
        return undefined;
    if (marker && marker.repo !== repo)
        return 'it was made for another repository, by the last line of its description';
    if (claimsNameRepository(client, identity) === false)
        return 'its claims name another repository';
    if (marker && marker.lifetime !== 'persistent')
        return 'it belongs to one job, by the last line of its description';
    const [environment] = claimsOf(client, 'environment');
    if (environment !== undefined && environment.toLowerCase() !== identity.environment.toLowerCase()) {
        const own = identity.environment ? JSON.stringify(identity.environment) : 'no environment';
        return `it is for the environment ${JSON.stringify(environment)}, and this step for ${own}`;
    }
    return undefined;
}
/** Whether a client without a trailer carries the claims of this repository and this environment. */
function hasMatchingClaims(client, identity) {
    const [environment = ''] = claimsOf(client, 'environment');
    return (claimsNameRepository(client, identity) === true && environment.toLowerCase() === identity.environment.toLowerCase());
}
/** By the id or, where one side does not know it, the name. @returns nothing where the claims do not say */
function claimsNameRepository(client, { repository, repository_id }) {
    const ids = claimsOf(client, 'github_repository_id');
    if (ids.length > 0 && repository_id !== undefined)
        return ids.every((id) => id === repository_id);
    const names = claimsOf(client, 'github_repository');
    return names.length > 0 ? names.every((name) => name.toLowerCase() === repository.toLowerCase()) : undefined;
}
/** All that stand there: nothing keeps a client from having one twice. */
function claimsOf({ custom_claims }, key) {
    return custom_claims.filter((claim) => claim.key === key).map(({ value }) => value);
}
/** 16 characters (96 bits) of a SHA-256, in base64url. */
function shortHash(text) {
    return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

;// CONCATENATED MODULE: ./build/undo/remove.js







/** Milliseconds after a create request was sent in which the server may finish it, though its caller has gone. */
const LATE_CREATE_WINDOW = 15_000;
/** Milliseconds between two looks for a client that may still appear. */
const remove_POLL_INTERVAL = 1_000;
/**
 * Removes what a step made that was cut off or failed, or whose job is over, last first.
 * @param patient whether main was cut off, so that the server may still finish what it was asked for: then the client of
 *   a lost create is looked for as long as that may take
 */
async function cleanUp(scalekit, state, patient) {
    const traces = { removed: [], notFound: false, remaining: [] };
    const { client, secret } = state;
    // A secret on the client that is to go goes with it.
    if (secret && secret.client_id !== client?.id) {
        await removePendingSecret(scalekit, secret, patient, traces).catch((error) => {
            const what = `A secret of this step on client ${secret.client_id} may be left over`;
            traces.remaining.push(`${what}: ${(0,output_log/* message */.iU)(error)} ${manualSecretCall(scalekit, secret, uncertaintyOf(error))}`);
        });
    }
    if (client) {
        await removePendingClient(scalekit, state, client, patient, traces).catch((error) => {
            const what = 'A client of this step may be left over';
            traces.remaining.push(`${what}: ${(0,output_log/* message */.iU)(error)} ${manualClientCall(scalekit, state, uncertaintyOf(error))}`);
        });
    }
    return traces;
}
/** The clients that this step made: by the id or, where it is not known or not alone, by the nonce. */
async function findOwnClients(scalekit, state) {
    const { id, sent_again: again } = state.client ?? {};
    const named = id ? await scalekit.getClient(id) : undefined;
    // The answer to a read may show another client than the one that was asked for.
    const own = named && named.client_id === id && isFromThisStep(named, state) ? [named] : [];
    if (id && !again && (own.length > 0 || !named))
        return own;
    for await (const client of scalekit.listClients()) {
        if (isFromThisStep(client, state) && !own.some(({ client_id }) => client_id === client.client_id))
            own.push(client);
    }
    if (own.length === 0 && named)
        throw new ForeignClientError(`client ${id} is not this step's, by the last line of its description.`);
    return own;
}
/**
 * Deletes a client of this step, unless other runs have secrets on it: then this step's secrets alone.
 * @returns what was removed, and whether the client stays
 */
async function removeClientOrOwnSecrets(scalekit, state, client) {
    const { client_id } = client;
    if (state.lifetime === 'persistent') {
        const { secrets } = client.parse();
        const known = state.client?.id === client_id ? state.client.secret_ids : undefined;
        // A client's oldest secret is its maker's.
        const mine = known ?? [[...secrets].sort(types_byCreateTime)[0]?.id, state.secret?.id];
        const own = secrets.filter(({ id }) => mine.includes(id));
        if (own.length < secrets.length) {
            for (const { id } of own)
                await deleteSecretUntilGone(scalekit, client_id, id);
            const ids = own.map(({ id }) => id).join(' and ') || 'none';
            const why = "the client stays, since it has secrets that are not known to be this step's";
            return { what: `secret ${ids} of client ${client_id} (${why})`, stays: true };
        }
    }
    await deleteClientUntilGone(scalekit, client_id);
    return { what: `client ${client_id}`, stays: false };
}
/** @returns whether there was such a secret (still) */
async function deleteSecretUntilGone(scalekit, client_id, id) {
    const isShown = async () => {
        const client = await scalekit.getClient(client_id);
        return client?.parse().secrets.some((secret) => secret.id === id) ?? false;
    };
    return await deleteUntilGone(scalekit, () => scalekit.deleteSecret(client_id, id), isShown);
}
/** Deletes a client, whatever secrets it has. @returns whether there was such a client (still) */
async function deleteClientUntilGone(scalekit, client_id) {
    const isShown = async () => (await scalekit.getClient(client_id)) !== undefined;
    return await deleteUntilGone(scalekit, () => scalekit.deleteClient(client_id), isShown);
}
/** Deletes, again where the API says that there is nothing, but still shows it: one part of it may lag behind another. */
async function deleteUntilGone(scalekit, remove, isShown) {
    for (const until = clock() + CREATION_LAG; !(await remove());) {
        if (!(await isShown()))
            return false;
        if (clock() > until)
            throw new Error('the API shows it, and yet says that there is nothing to delete.');
        await scalekit.transport.pause(remove_POLL_INTERVAL);
    }
    return true;
}
async function removePendingClient(scalekit, state, { id, sent_at, secret_outcome_unknown: secretLost }, patient, traces) {
    // A clock that was set back meanwhile must not make the wait longer.
    const sent = Math.min(sent_at, Date.now());
    const until = id ? sent + CREATION_LAG : patient ? sent + LATE_CREATE_WINDOW : 0;
    for (;;) {
        const own = await findOwnClients(scalekit, state);
        for (const client of own) {
            const { what, stays } = await removeClientOrOwnSecrets(scalekit, state, client);
            traces.removed.push(what);
            const { client_id } = client;
            const { secret } = state;
            // It is in use, which leaves nothing to do, unless the secrets on it may be this step's after all.
            if (stays && (secretLost || (secret?.client_id === client_id && (secret.outcome_unknown || !secret.id))))
                traces.remaining.push(`Client ${client_id} may be left over. ${manualClientCall(scalekit, state, 'owner')}`);
        }
        if (own.length > 0)
            return;
        if (Date.now() > until)
            break;
        await scalekit.transport.pause(remove_POLL_INTERVAL);
    }
    traces.notFound = true;
}
/** Takes the secret that was added, and names those that may be this step's but may also be a neighbour's. */
async function removePendingSecret(scalekit, pending, patient, traces) {
    const { client_id, key, id, known_ids: seen, outcome_unknown: lost } = pending;
    const client = await scalekit.getClient(client_id);
    if (!client)
        return;
    if (client.client_id !== client_id || identity_parseMarker(client.description)?.key !== key)
        throw new ForeignClientError(`client ${client_id} is not the one that main read, by the last line of its description.`);
    const appeared = id && !lost ? [] : newSecretIds(client.parse(), [...seen, id]);
    if (id) {
        const there = await deleteSecretUntilGone(scalekit, client_id, id);
        if (there)
            traces.removed.push(`secret ${id} of client ${client_id}`);
    }
    for (const unsure of appeared)
        traces.remaining.push(possibleLeftover(scalekit, pending, unsure));
    // Unlike a client, it could not be told from another run's, so a longer look would help nobody.
    if (patient && !id && appeared.length === 0)
        traces.remaining.push(`Whether a secret was added to client ${client_id} is not known: none shows up yet, and the server may finish late. A later rotation retires it. ${manualSecretCall(scalekit, pending, 'owner')}`);
}
/** Ids of the secrets of a client that are not among `known`. */
function newSecretIds({ secrets }, known) {
    return secrets.map(({ id }) => id).filter((id) => !known.includes(id));
}
/** Whether the trailer says that this step made the client. */
function isFromThisStep({ description }, { nonce, run }) {
    const marker = identity_parseMarker(description);
    return marker?.nonce === nonce && marker.run === run;
}
/** Reasons that an error tells: more would not fit into an annotation. */
const MAX_FAILURES = 10;
/** Deletes a client after another look: who changed the last line of its description meanwhile has other plans. */
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
async function isChanged(scalekit, { client_id, marker }) {
    const now = await scalekit.getClient(client_id);
    if (!now)
        return false;
    const is = parseMarker(now.description);
    return now.client_id !== client_id || !is || formatMarker(is) !== formatMarker(marker);
}
/** @throws where there are any reasons, each told once */
function throwFailures(failures) {
    const told = [...new Set(failures)];
    const more = told.length > MAX_FAILURES ? [`And ${told.length - MAX_FAILURES} more, in the log.`] : [];
    told.slice(MAX_FAILURES).forEach(log.info);
    if (told.length > 0)
        throw new Error([...told.slice(0, MAX_FAILURES), ...more].join('\n'));
}

;// CONCATENATED MODULE: ./build/undo/restore-variable.js


/** Milliseconds after a variable was sent in which GitHub may finish writing it, though its caller has gone. */
const LATE_WRITE_WINDOW = 15_000;
/** Milliseconds between two looks for it. */
const restore_variable_POLL_INTERVAL = 1_000;
/**
 * Gives a variable in GitHub Actions what it held before, unless somebody wrote it, or the secret beside it, since.
 * @param patient whether to wait for a write that GitHub may still finish
 */
async function restoreVariable(savedCredentials, pending, patient) {
    const { location, value, old, secret_time, sent_at } = pending;
    const what = `variable ${location.variable} of ${locationName(location)}`;
    // A clock that was set back meanwhile must not make the wait longer.
    const until = Math.min(sent_at, Date.now()) + LATE_WRITE_WINDOW;
    let { unconfirmed_writes: late } = pending;
    const done = [];
    try {
        for (;;) {
            const now = await savedCredentials.look();
            if (now.client_id === value) {
                if (now.secretTime !== undefined && now.secretTime !== secret_time)
                    return { done: [`The ${what} stays: another run has saved its pair there.`], remaining: [] };
                if (old === undefined)
                    await savedCredentials.deleteVariable();
                else
                    await savedCredentials.setVariable(old, true);
                done.push(`Put back ${what}.`);
                late--;
            }
            else if (now.client_id === undefined && old !== undefined) {
                return {
                    done,
                    remaining: [variableNotRestored(pending, 'GitHub does not show it, so it may have to be made anew')],
                };
            }
            const stillPending = late > 0 && Date.now() < until;
            if (!stillPending)
                return { done, remaining: [] };
            if (!patient)
                return {
                    done: [...done, `GitHub may still write ${what}. The post step looks again.`],
                    remaining: [],
                    pending: stillPending,
                };
            await savedCredentials.transport.pause(restore_variable_POLL_INTERVAL);
        }
    }
    catch (error) {
        return { done, remaining: [variableNotRestored(pending, (0,output_log/* message */.iU)(error))] };
    }
}
/**
 * The sentence about a variable that was not put back, with the call that does it.
 * @param doubtful whether somebody else may have written what is known about it, so that no address is named
 */
function variableNotRestored(pending, why, doubtful = false) {
    const { api, location, old } = pending;
    const url = variableUrl(api, location);
    const address = doubtful ? url.pathname : url.href;
    const call = old === undefined ? `DELETE ${address}` : `PATCH ${address} with the value ${JSON.stringify(old)}`;
    return `Variable ${location.variable} of ${locationName(location)} may not be what it was: ${why.replace(/\.$/, '')}. To put it back by hand: ${call}`;
}

;// CONCATENATED MODULE: ./build/commands/clean-up.js











/** Seconds: a client that may still appear is looked for longer than the shortest step may take. */
const MIN_TIMEOUT = 20;
/** Removes what this step made and nobody is to use any more. Never fails the job. */
async function cleanUpAfterMain(state) {
    const credentials = readCredentials(process.env);
    const github_token = readGitHubToken();
    // Without the seal, origin and ids may be anybody's words; with another run, they are about what is in use by now.
    const trusted = (0,journal/* isSealed */.dy)(state, credentials.client_secret) && isThisRun(state.run);
    const transport = new Transport(state.run, Math.max(readTimeout(), MIN_TIMEOUT));
    transport.releaseCleanupTime();
    const refused = { why: reasonNotToSend(credentials, trusted), doubtful: !trusted };
    const { variable, client, secret } = state;
    // At once, so that where one side does not answer the other is served all the same.
    await Promise.all([
        variable && restoreSavedVariable(transport, variable, github_token, refused),
        (client || secret || !variable) && removePending(transport, state, credentials, refused),
    ]);
}
/** Puts the variable back that main wrote before it was cut off. */
async function restoreSavedVariable(transport, pending, token, { why, doubtful }) {
    if (why || !token) {
        output_log/* warning */.$e(variableNotRestored(pending, why || 'github_token is not there any more', doubtful));
        return;
    }
    const savedCredentials = new SavedCredentials(new GitHub(transport, { api: pending.api, token }), pending.location);
    const { done, remaining: left } = await restoreVariable(savedCredentials, pending, true);
    done.forEach(output_log/* info */.pq);
    left.forEach(output_log/* warning */.$e);
}
/** Removes client and secret. */
async function removePending(transport, state, credentials, { why, doubtful }) {
    const scalekit = new Scalekit(transport, state.origin, state.organization_id);
    try {
        if (why)
            throw new Error(why);
        await scalekit.signIn(credentials);
    }
    catch (error) {
        const remedy = manualCalls(scalekit, state, doubtful ? 'state' : undefined);
        output_log/* warning */.$e(`What this step made may be left over: ${output_log/* message */.iU(error)} ${remedy}`);
        return;
    }
    const { removed, notFound: absent, remaining: left } = await cleanUp(scalekit, state, true);
    for (const what of removed)
        output_log/* info */.pq(`Deleted ${what}.`);
    if (absent)
        output_log/* info */.pq(state.client?.id
            ? 'The client is gone already.'
            : 'No client of the create request that was cut off has shown up.');
    if (left.length > 0)
        output_log/* warning */.$e(left.join(' '));
}
function isThisRun(run) {
    return !process.env.GITHUB_RUN_ID || run === readRunner(process.env).run;
}
/** @returns why the credentials must not be sent, or nothing */
function reasonNotToSend({ client_id, client_secret }, trusted) {
    const unsafe = unsafeSetting(process.env);
    if (unsafe)
        return `NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}.`;
    if (!client_id || !client_secret)
        return 'the credentials that main had are not there any more, neither as inputs nor as variables.';
    if (trusted)
        return '';
    return 'its state was not written by this run with these credentials; another step may have changed either, so nothing was sent.';
}


/***/ })

};
;