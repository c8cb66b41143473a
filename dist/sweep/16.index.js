"use strict";
exports.id = 16;
exports.ids = [16];
exports.modules = {

/***/ 16:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  sweepJobClients: () => (/* binding */ sweepJobClients)
});

// UNUSED EXPORTS: findJobClients, judgeByAge, judgeByRun, judgeWith

// EXTERNAL MODULE: ./build/client/identity.js + 1 modules
var identity = __webpack_require__(910);
// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(938);
// EXTERNAL MODULE: ./build/net/proxy.js + 1 modules
var net_proxy = __webpack_require__(775);
// EXTERNAL MODULE: external "node:https"
var external_node_https_ = __webpack_require__(708);
var external_node_https_default = /*#__PURE__*/__webpack_require__.n(external_node_https_);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(500);
// EXTERNAL MODULE: ./build/output/log.js
var log = __webpack_require__(183);
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
        const fail = (message, code, status) => callback(new net_proxy/* ProxyError */.T6(variable, message, code, status));
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
        return this.cause instanceof net_proxy/* ProxyError */.T6 ? this.cause : undefined;
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
        log/* debug */.Yz(`${call.method} ${call.url.pathname} ${result} ${milliseconds} ms attempt ${attempt}`);
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
        const proxy = (0,net_proxy/* proxyFor */.iJ)(url, process.env);
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
        return `Expected ${net_proxy/* PROXY_URL_FORMAT */.rz}.`;
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

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 10 modules
var core = __webpack_require__(178);
;// CONCATENATED MODULE: ./build/output/outputs.js


function setOutputs(outputs) {
    try {
        for (const [name, value] of Object.entries(outputs))
            (0,core/* setOutput */.uH)(name, value);
    }
    catch (error) {
        throw new Error(`Could not set the outputs: ${log/* message */.iU(error)}.`);
    }
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(24);
;// CONCATENATED MODULE: ./build/output/summary.js




/** Characters. */
const MAX_VALUE_LENGTH = 200;
const MAX_VALUES = 50;
/** Adds a table to the job summary, at once, where core's own way starts threads. One that cannot be written fails no step. */
function writeSummary(title, rows) {
    try {
        (0,external_node_fs_.appendFileSync)(process.env.GITHUB_STEP_SUMMARY ?? '', core/* summary */.z.addHeading(title, 3).addTable(rows).stringify());
    }
    catch (error) {
        log/* info */.pq(`The job summary could not be written: ${log/* message */.iU(error)}`);
    }
}
/** Values of a user or a server, in a place where Markdown, HTML and mentions mean nothing. */
function cell(values) {
    const shown = values
        .slice(0, MAX_VALUES)
        .map((value) => `<code>${escapeHtml((0,output_text/* truncate */.xv)((0,output_text/* oneLine */.TN)(value), MAX_VALUE_LENGTH))}</code>`);
    const more = values.length > MAX_VALUES ? [`and ${values.length - MAX_VALUES} more`] : [];
    return [...shown, ...more].join('<br>') || '–';
}
function escapeHtml(text) {
    const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

// EXTERNAL MODULE: ./build/output/mask.js
var mask = __webpack_require__(549);
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

// EXTERNAL MODULE: ./build/scalekit/types.js
var types = __webpack_require__(179);
;// CONCATENATED MODULE: ./build/scalekit/api.js







/** Milliseconds after a client or a secret was made in which the API may not know it yet everywhere. */
const api_CREATION_LAG = 10_000;
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
            const client = (0,types/* parseClientSummary */.Rg)(response.client);
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
            const page = await this.#exchange(operation, call, this.#subject(), types/* parsePage */.NL);
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
        const parse = (body) => (0,types/* parseClientSummary */.Rg)((0,json/* parseJsonObject */.dw)(body).client);
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
            const client = (0,types/* parseClientSummary */.Rg)((0,json/* parseJsonObject */.dw)(body).client);
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
            const secret = response.secret ? (0,types/* parseSecret */.o7)(response.secret) : undefined;
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
        const until = clock() + api_CREATION_LAG;
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
        return [(0,types/* parseClientSummary */.Rg)(entry)];
    }
    catch {
        return [];
    }
}

;// CONCATENATED MODULE: ./build/undo/remove.js







/** Milliseconds after a create request was sent in which the server may finish it, though its caller has gone. */
const LATE_CREATE_WINDOW = 15_000;
/** Milliseconds between two looks for a client that may still appear. */
const POLL_INTERVAL = 1_000;
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
            traces.remaining.push(`${what}: ${message(error)} ${manualSecretCall(scalekit, secret, uncertaintyOf(error))}`);
        });
    }
    if (client) {
        await removePendingClient(scalekit, state, client, patient, traces).catch((error) => {
            const what = 'A client of this step may be left over';
            traces.remaining.push(`${what}: ${message(error)} ${manualClientCall(scalekit, state, uncertaintyOf(error))}`);
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
        const mine = known ?? [[...secrets].sort(byCreateTime)[0]?.id, state.secret?.id];
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
    for (const until = clock() + api_CREATION_LAG; !(await remove());) {
        if (!(await isShown()))
            return false;
        if (clock() > until)
            throw new Error('the API shows it, and yet says that there is nothing to delete.');
        await scalekit.transport.pause(POLL_INTERVAL);
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
        await scalekit.transport.pause(POLL_INTERVAL);
    }
    traces.notFound = true;
}
/** Takes the secret that was added, and names those that may be this step's but may also be a neighbour's. */
async function removePendingSecret(scalekit, pending, patient, traces) {
    const { client_id, key, id, known_ids: seen, outcome_unknown: lost } = pending;
    const client = await scalekit.getClient(client_id);
    if (!client)
        return;
    if (client.client_id !== client_id || parseMarker(client.description)?.key !== key)
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
    const marker = parseMarker(description);
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
        return { remaining: `Client ${client_id} is left over: ${log/* message */.iU(error)} ${call}` };
    }
}
async function isChanged(scalekit, { client_id, marker }) {
    const now = await scalekit.getClient(client_id);
    if (!now)
        return false;
    const is = (0,identity/* parseMarker */.gY)(now.description);
    return now.client_id !== client_id || !is || (0,identity/* formatMarker */.gJ)(is) !== (0,identity/* formatMarker */.gJ)(marker);
}
/** @throws where there are any reasons, each told once */
function throwFailures(failures) {
    const told = [...new Set(failures)];
    const more = told.length > MAX_FAILURES ? [`And ${told.length - MAX_FAILURES} more, in the log.`] : [];
    told.slice(MAX_FAILURES).forEach(log/* info */.pq);
    if (told.length > 0)
        throw new Error([...told.slice(0, MAX_FAILURES), ...more].join('\n'));
}

;// CONCATENATED MODULE: ./build/commands/session.js


/** Does what the inputs ask for; it ends early, and badly, when the runner cancels the run. */
async function runWithTransport(inputs, work) {
    inputs.warnings.forEach(log/* warning */.$e);
    const transport = new Transport(inputs.runner.run, inputs.timeout);
    process.on('SIGINT', () => transport.cancel());
    try {
        await work(inputs, transport);
    }
    catch (error) {
        throw transport.cancelled ? new Error(`The run was cancelled. ${log/* message */.iU(error)}`, { cause: error }) : error;
    }
}

;// CONCATENATED MODULE: ./build/commands/sweep.js









/** Clients that the summary shows: GitHub takes one of 1 MiB at most. */
const MAX_ROWS = 200;
/** Runs `sweep/`. */
async function sweepJobClients(inputs) {
    await runWithTransport(inputs, work);
}
/** Deletes the clients of single jobs that this repository's workflows made and whose run is over, the oldest first. */
async function work(inputs, transport) {
    // Nothing is ever rolled back here.
    transport.releaseCleanupTime();
    const { dry_run, max_deletions, runner } = inputs;
    const scalekit = await Scalekit.open(transport, inputs);
    const clients = await findJobClients(scalekit, runner);
    const judge = judgeWith(new GitHub(transport, inputs.github), runner);
    const [rows, deleted, failures] = [[], [], []];
    // One that cannot be deleted must not keep every later run from the rest.
    let done = 0;
    const tell = (client, fate, why) => {
        const { client_id, name, marker } = client;
        log/* info */.pq(`Client ${client_id} ${JSON.stringify(name)} of run ${marker.run}: ${fate}, since ${why}.`);
        rows.push({ client, fate, why });
    };
    for (const client of clients) {
        if (done === max_deletions) {
            tell(client, 'stays', `max_deletions is ${max_deletions}, so nobody asked about it`);
            continue;
        }
        const verdict = await judge(client, failures);
        const outcome = !verdict.over ? 'stays' : dry_run ? 'would be deleted' : await deleteMarkedClient(scalekit, client);
        if (outcome === 'deleted' || outcome === 'would be deleted')
            done++;
        if (outcome === 'deleted')
            deleted.push(client.client_id);
        if (typeof outcome !== 'string')
            failures.push(outcome.remaining);
        tell(client, typeof outcome === 'string' ? outcome : 'not deleted', verdict.why);
    }
    const outcome = dry_run ? `${done} would be deleted, and dry_run is true` : `${deleted.length} deleted`;
    log/* info */.pq(`Clients of single jobs of ${runner.repository}: ${clients.length}, ${outcome}.`);
    setOutputs({ deleted: deleted.join(' ') });
    writeSummary(`Scalekit organization clients of single jobs: ${outcome}`, table(rows));
    throwFailures(failures);
}
function table(rows) {
    const header = ['Client', 'Name', 'Run', 'What', 'Why'].map((data) => ({ data, header: true }));
    const shown = rows
        .slice(0, MAX_ROWS)
        .map(({ client, fate, why }) => [client.client_id, client.name, client.marker.run, fate, why].map((text) => cell([text])));
    const more = rows.length - MAX_ROWS;
    return [header, ...shown, ...(more > 0 ? [[{ data: `and ${more} more`, colspan: '5' }]] : [])];
}
// Which clients of single jobs are left over.
/** Nanoseconds of 35 days: no workflow run lasts longer, by GitHub's limits. */
const MAX_RUN_NS = 35n * 24n * 3600000000000n;
/**
 * What the client itself says. @returns nothing where GitHub has to be asked
 * @param create_time nanoseconds since the epoch, as `now`
 * @param own_run the run that asks
 */
function judgeByAge({ run }, create_time, now, ownRun) {
    if (run === ownRun)
        return { over: false, why: 'it is of this very run' };
    if (create_time === undefined || now === undefined || now - create_time <= MAX_RUN_NS)
        return undefined;
    return { over: true, why: 'it is older than 35 days, and no run lasts longer' };
}
/** What GitHub says about the run of a younger client. @param workflowRun nothing where GitHub knows no such run */
function judgeByRun({ run }, workflowRun) {
    // A run that was deleted and one that this token may not see look alike.
    if (!workflowRun)
        return { over: false, why: 'GitHub shows no such run, which proves nothing' };
    const attempt = Number(run.split('.')[1]);
    if (workflowRun.run_attempt > attempt)
        return { over: true, why: `its run is at attempt ${workflowRun.run_attempt} by now` };
    if (workflowRun.run_attempt === attempt && workflowRun.status === 'completed')
        return { over: true, why: 'its run is completed' };
    return { over: false, why: `its run is ${workflowRun.status} in attempt ${workflowRun.run_attempt}` };
}
/** Finds the clients of single jobs that the repository's workflows made. @returns the oldest first */
async function findJobClients(scalekit, runner) {
    const by = (0,identity/* repositoryReference */.sk)(runner.repository, runner.repository_id);
    const found = new Map();
    for await (const { client_id, description, parse: whole } of scalekit.listClients()) {
        const marker = (0,identity/* parseMarker */.gY)(description);
        if (marker?.by !== by || marker.lifetime !== 'job')
            continue;
        try {
            found.set(client_id, { ...(0,identity/* withMarker */.Pe)(whole()), marker });
        }
        catch (error) {
            log/* warning */.$e(`Client ${client_id} stays: ${log/* message */.iU(error)}.`);
        }
    }
    return [...found.values()].sort(identity/* oldestFirst */.sZ);
}
/**
 * What cannot be decided stays. GitHub is asked once about a run, and not again once it refused to be asked.
 * @returns a function that judges one client, and adds to `failures` why it could not
 */
function judgeWith(github, { repository, run: ownRun }) {
    const runs = new Map();
    let refused;
    const ask = async (id) => {
        if (refused)
            throw refused;
        return await github.getRun(repository, id).catch((error) => {
            if (error instanceof ApiError && (error.status === 401 || error.status === 403 || error.status === 429))
                refused = error;
            throw error;
        });
    };
    return async ({ marker, create_time }, failures) => {
        const [id = ''] = marker.run.split('.');
        const judgeAge = () => {
            const { serverNow: now } = github.transport;
            return judgeByAge(marker, create_time, now === undefined ? now : BigInt(now) * 1000000n, ownRun);
        };
        const byAge = judgeAge();
        if (byAge)
            return byAge;
        try {
            // Also where GitHub alone tells the time.
            const told = runs.get(id) ?? ask(id);
            runs.set(id, told);
            const run = await told;
            return judgeAge() ?? judgeByRun(marker, run);
        }
        catch (error) {
            failures.push(log/* message */.iU(error));
            return { over: false, why: 'GitHub could not be asked about its run' };
        }
    };
}


/***/ })

};
;