"use strict";
exports.id = 90;
exports.ids = [90];
exports.modules = {

/***/ 90:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  provision: () => (/* binding */ provision)
});

// EXTERNAL MODULE: external "node:https"
var external_node_https_ = __webpack_require__(708);
var external_node_https_default = /*#__PURE__*/__webpack_require__.n(external_node_https_);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(500);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(30);
var external_node_net_default = /*#__PURE__*/__webpack_require__.n(external_node_net_);
;// CONCATENATED MODULE: ./build/agent.js


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
    prepare(url) {
        const options = { ...this.options, ...hostOf(url), port: Number(url.port || 443) };
        const key = keyOf(options);
        const session = this.#sessions.get(key);
        const socket = super.createConnection({ ...options, ...(session && { session }) });
        // The request that takes it hears of it; where none does, it does not matter.
        socket?.on('error', () => { });
        if (socket)
            this.#spare.set(key, socket);
    }
    createConnection(options, callback) {
        const key = keyOf(options);
        const spare = this.#spare.get(key);
        this.#spare.delete(key);
        // What comes unasked answers nothing.
        if (spare?.writable && spare.readableLength === 0)
            return spare;
        const socket = super.createConnection(options, callback);
        socket?.on('session', (session) => this.#sessions.set(key, session));
        return socket;
    }
}
/** A URL's host as a connection is opened to it, and as the server's certificate has to name it. */
function hostOf({ hostname }) {
    const host = hostname.replace(/^\[|\]$/g, '');
    return { host, servername: external_node_net_default().isIP(host) ? '' : host };
}
function keyOf({ host, port }) {
    return `${host}:${port}`;
}

// EXTERNAL MODULE: ./build/log.js
var log = __webpack_require__(585);
;// CONCATENATED MODULE: ./build/node.js
// What Node has a cheaper way to than the usual one: a step is a process that has just begun.
/** Milliseconds since the process began. `performance.now()` tells the same, and loads a library to do so. */
function clock() {
    return process.uptime() * 1000;
}
/** HTTP without TLS, for loopback and proxies alone: it brings a server with it, so others do not load it. */
function plainHttp() {
    return process.getBuiltinModule('node:http');
}

// EXTERNAL MODULE: ./build/proxy.js + 1 modules
var build_proxy = __webpack_require__(774);
;// CONCATENATED MODULE: ./build/tunnel.js





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
        const fail = (message, code, status) => callback(new build_proxy/* ProxyError */.T6(variable, message, code, status));
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

;// CONCATENATED MODULE: ./build/http.js







/** The same as in package.json; a test compares them. */
const VERSION = '1.0.0';
/** Bytes: a page of a hundred clients with long lists has its place in it. */
const LARGEST_BODY = 8 * 1024 * 1024;
const MOST_ATTEMPTS = 5;
const BACKOFF_BASE = 500;
const BACKOFF_CAP = 10_000;
/** A repeat that has less time than this would only hide what the server said before. */
const SHORTEST_REPEAT = 1_000;
/** Milliseconds that a request gets for its answer once the run is cancelled. The runner kills the step after 7.5 s. */
const LAST_ANSWER = 5_000;
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
    get certificate() {
        return /^(ERR_TLS_)?CERT_|^UNABLE_TO_|SELF_SIGNED_CERT|^INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH|PATH_LENGTH/.test(this.code);
    }
    /** The two sides do not agree on TLS. */
    get protocol() {
        return /^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(this.code) && !this.certificate;
    }
    /** It would fail again. */
    get lasting() {
        return (this.certificate ||
            this.protocol ||
            /^(TOO_LARGE|DEADLINE|CANCELLED|PROXY_ADDRESS|PROXY_REFUSED)$/.test(this.code));
    }
    /** What went wrong on the way to the server, where a proxy is on it. */
    get proxy() {
        return this.cause instanceof build_proxy/* ProxyError */.T6 ? this.cause : undefined;
    }
}
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
    openReserve() {
        this.#deadline = this.#end;
    }
    /** Milliseconds since the epoch, by the earliest of this machine's clock and what servers told; absent where none did. */
    get now() {
        return this.#told && Math.min(Date.now(), this.#told);
    }
    /** Milliseconds until the deadline. */
    get left() {
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
        if (milliseconds >= this.left)
            throw outOfTime();
        if (!(await this.#sleep(milliseconds)))
            throw cancellation();
    }
    /** Opens a connection to a server beside the one that is in use: two requests are to be sent there at once. */
    prepare(url) {
        const agent = this.#agentFor(url);
        if (agent instanceof EagerAgent)
            agent.prepare(url);
    }
    /**
     * Sends a request until it has an answer that repeating it would not change.
     * @throws {NetworkError} where no whole answer came
     */
    async send(call) {
        for (let [attempt, lost] = [1, false];; attempt++) {
            const outcome = await this.#attempt(call, attempt);
            if (this.cancelled || !this.#mayRepeat(call, outcome, attempt))
                return settle(outcome, attempt, lost);
            const delay = retryDelay(attempt, retryAfter(call, outcome), this.left - SHORTEST_REPEAT);
            if (delay === undefined || !(await this.#sleep(delay)))
                return settle(outcome, attempt, lost);
            lost ||= outcome instanceof NetworkError ? outcome.reached : isUnsure(outcome.status);
        }
    }
    #mayRepeat(call, outcome, attempt) {
        if (outcome instanceof NetworkError) {
            const lasting = outcome.lasting && !(outcome.protocol && this.#answered.has(call.url.host));
            return !lasting && (call.repeatable || !outcome.reached) && attempt < MOST_ATTEMPTS;
        }
        // A rate limit says that nothing was done and when to come back: only the deadline bounds that.
        if (outcome.status === 429 || call.rateLimit?.(outcome) !== undefined)
            return true;
        const passing = outcome.status === 408 || outcome.status === 425 || outcome.status >= 500;
        // Too Early (RFC 8470) says that nothing was done.
        return (call.repeatable || outcome.status === 425) && passing && attempt < MOST_ATTEMPTS;
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
            return cancellation();
        if (timeout <= 0)
            return outOfTime();
        call.onSend?.();
        const { promise, resolve, reject } = Promise.withResolvers();
        let request;
        let reached = false;
        const giveUp = () => {
            const limit = this.cancelled ? 'before the run was cancelled' : `within ${Math.ceil(timeout / 100) / 10} seconds`;
            reject(new NetworkError(`no answer ${limit}`, 'TIMEOUT', reached));
            request?.destroy();
        };
        const onCancel = () => setTimeout(giveUp, LAST_ANSWER);
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
                readBounded(message).then((body) => resolve({ status, headers, body }), reject);
            });
            whenConnected(request, () => {
                reached = true;
            });
            request.end(call.body);
            const answer = await promise;
            this.#answered.add(call.url.host);
            if (answer.headers.date)
                this.#told = Math.min(this.#told ?? Number.POSITIVE_INFINITY, timeOf(answer));
            return answer;
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
        const proxy = (0,build_proxy/* proxyFor */.iJ)(url, process.env);
        if (!proxy)
            return agents.https;
        agents.tunnel ??= new TunnelAgent(proxy);
        return agents.tunnel;
    }
}
function outOfTime() {
    return new NetworkError("the step's time was over before it was sent", 'DEADLINE', false);
}
function cancellation() {
    return new NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
}
/** Tells when a request has its connection, TLS included: before that, nothing of it can have reached the server. */
function whenConnected(request, onConnection) {
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
async function readBounded(message) {
    const { promise, resolve, reject } = Promise.withResolvers();
    let [body, size] = [Buffer.alloc(0), 0];
    message
        .on('data', (chunk) => {
        const needed = size + chunk.length;
        if (needed > LARGEST_BODY) {
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
    if (failure.protocol)
        failure.message = `TLS failed (${code})`;
    return failure;
}
/** Whether a status leaves open that the request was carried out: a refusal (4xx) says that it was not. */
function isUnsure(status) {
    return status < 400 || status >= 500 || status === 408;
}
function settle(outcome, attempts, lost) {
    if (!(outcome instanceof NetworkError))
        return { ...outcome, afterLoss: lost };
    outcome.reached ||= lost;
    if (attempts > 1)
        outcome.message += ` (attempt ${attempts})`;
    throw outcome;
}
function retryAfter(call, outcome) {
    if (outcome instanceof NetworkError)
        return 0;
    return call.rateLimit?.(outcome) ?? parseRetryAfter(outcome.headers['retry-after'], timeOf(outcome));
}
/** Milliseconds since the epoch, by the server's own clock where it tells the time. */
function timeOf({ headers }) {
    const now = Date.parse(headers.date ?? '');
    return Number.isNaN(now) ? Date.now() : now;
}
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
 * @param asked milliseconds that the server asked for
 * @param left milliseconds until the deadline; jitter takes half of what the server leaves of it at most
 * @param random from 0 to 1
 * @returns milliseconds to wait, or nothing where the deadline is sooner, or too near to back off any more
 */
function retryDelay(attempt, asked, left, random = Math.random()) {
    if (asked >= left || (asked === 0 && left < BACKOFF_BASE))
        return undefined;
    return asked + random * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (attempt - 1), (left - asked) / 2);
}

;// CONCATENATED MODULE: ./build/answers.js



// What becomes of an API's answer: a value that was narrowed once, or one error.
/** A request that failed: the operation, the status, the server's own words, and what to do about it. */
class ApiError extends Error {
    name = 'ApiError';
    /** Whether the server may have carried the request out all the same. */
    uncertain;
    /** Of the answer; absent where there was none, or one that says success. */
    status;
    constructor(message, uncertain, options = {}) {
        super(message, { cause: options.cause });
        this.uncertain = uncertain;
        this.status = options.status;
    }
}
/**
 * An answer that says no.
 * @param operation completes "Could not …"
 * @param words the server's own
 * @param todo what the user can do, a sentence, or empty
 */
function refusal(operation, { status, afterLoss }, words, todo) {
    const uncertain = isUnsure(status) || afterLoss === true;
    return new ApiError(sentence(operation, [`HTTP ${status}`, ...words].join(': '), todo), uncertain, { status });
}
/**
 * @param address the input or variable that leads to the server
 * @param more what else the user can do, a sentence, or empty
 */
function noAnswer(operation, error, address, more = '') {
    const todo = [networkAdvice(error, address), more].filter(Boolean).join(' ');
    return new ApiError(sentence(operation, error.message, todo), error.reached, { cause: error });
}
/** A 2xx whose body is not what the API documents. */
function badAnswer(operation, { status }, reason, todo) {
    return new ApiError(sentence(operation, `HTTP ${status}, but ${reason}`, todo), true);
}
/** Advice against an answer that points elsewhere. */
function noRedirects({ headers }, address) {
    return `Redirects are not followed (it points to ${(0,log/* cut */.Jj)(String(headers.location ?? 'nowhere'), 200)}): ${address}`;
}
/** Whether an answer may be the API's: text of another form comes from something in between, and tells nothing. */
function isApiAnswer({ body }) {
    try {
        return body.trim() === '' || typeof JSON.parse(body) === 'object';
    }
    catch {
        return false;
    }
}
function sentence(operation, said, todo) {
    return `Could not ${operation}: ${said.replace(/[.\s]+$/, '')}.${todo && ` ${todo}`}`;
}
function networkAdvice(error, address) {
    if (error.proxy)
        return proxyAdvice(error, error.proxy, address);
    if (/EXPIRED|NOT_YET_VALID|ALTNAME|HOSTNAME/.test(error.code)) {
        return `The server's certificate is not valid for this host at this time: check ${address} and who answers there. NODE_EXTRA_CA_CERTS helps against an unknown authority alone; never switch the check off.`;
    }
    if (error.certificate) {
        return "The server's certificate is not trusted. Behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate; never switch the check off.";
    }
    if (/^(ENOTFOUND|EAI_AGAIN)$/.test(error.code))
        return `Check the host in ${address}.`;
    if (error.protocol) {
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
function proxyAdvice({ certificate }, { variable, code, status }, address) {
    if (code === 'PROXY_ADDRESS')
        return `Expected ${build_proxy/* PROXY_ADDRESS */.cJ}.`;
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

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(598);
// EXTERNAL MODULE: ./build/formats.js
var formats = __webpack_require__(107);
;// CONCATENATED MODULE: ./build/identity.js


/** A hash of the identity: by the repository's id where it is known, so that a rename changes nothing. */
function identityKey({ repository, repository_id, environment, name, lifetime }) {
    const target = repository_id ?? repository.toLowerCase();
    return hash(JSON.stringify([target, environment.toLowerCase(), name ?? null, lifetime]));
}
/** The repository's id or, where none is known, a hash of its lower-cased name. */
function repositoryMark(repository, repository_id) {
    return repository_id ?? hash(repository.toLowerCase());
}
function drawNonce() {
    return (0,external_node_crypto_.randomBytes)(12).toString('base64url');
}
function formatTrailer({ key, repo, by, run, lifetime, nonce }) {
    return `[scalekit-organization-client/1 key=${key} repo=${repo} by=${by} run=${run} lifetime=${lifetime} nonce=${nonce}]`;
}
/** A description as it is sent: the trailer is its last line. */
function withTrailer(own_description, trailer) {
    return [own_description, formatTrailer(trailer)].filter(Boolean).join('\n');
}
const TRAILER = /^\[scalekit-organization-client\/1 key=(?<key>[\w-]{16}) repo=(?<repo>[\w-]{1,16}) by=(?<by>[\w-]{1,16}) run=(?<run>\d{1,12}\.\d{1,4}) lifetime=(?<lifetime>persistent|job) nonce=(?<nonce>[\w-]{16})\]$/;
/** Reads the trailer from a description's last line. @returns nothing where it has none */
function parseTrailer(description) {
    return TRAILER.exec(splitDescription(description)[1])?.groups;
}
/** @returns what comes before the last line, and the last line */
function splitDescription(description) {
    const text = description.trimEnd();
    const at = text.lastIndexOf('\n');
    return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
}
function recognize(client) {
    const trailer = parseTrailer(client.description);
    const own = trailer ? splitDescription(client.description)[0] : client.description;
    const own_description = [...own].slice(0, formats/* LONGEST_OWN_DESCRIPTION */.pT).join('');
    return { ...client, own_description, trailer };
}
/**
 * Whether a client that was named by its id may be managed as this identity's.
 * @returns why not, or nothing
 */
function objection(client, identity, { key, repo }) {
    const { trailer } = client;
    if (trailer?.key === key)
        return undefined;
    if (trailer && trailer.repo !== repo)
        return 'it was made for another repository, by the last line of its description';
    if (isRepository(client, identity) === false)
        return 'its claims name another repository';
    if (trailer && trailer.lifetime !== 'persistent')
        return 'it belongs to one job, by the last line of its description';
    const [environment] = claimsOf(client, 'environment');
    if (environment !== undefined && environment.toLowerCase() !== identity.environment.toLowerCase()) {
        const own = identity.environment ? JSON.stringify(identity.environment) : 'no environment';
        return `it is for the environment ${JSON.stringify(environment)}, and this step for ${own}`;
    }
    return undefined;
}
/** Whether a client without a trailer carries the claims of this repository and this environment. */
function resembles(client, identity) {
    const [environment = ''] = claimsOf(client, 'environment');
    return isRepository(client, identity) === true && environment.toLowerCase() === identity.environment.toLowerCase();
}
/** By the id or, where one side does not know it, the name. @returns nothing where the claims do not say */
function isRepository(client, { repository, repository_id }) {
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
function hash(text) {
    return (0,external_node_crypto_.createHash)('sha256').update(text).digest('base64url').slice(0, 16);
}

;// CONCATENATED MODULE: ./build/plan.js
/** Secrets of one client at a time, by the API. */
const MOST_SECRETS = 5;
const NONE = 'none';
/** Milliseconds, and ample: between the two requests of a save. */
const SAVE_TIME = 60_000;
/**
 * From what is wanted and what exists to the steps between the two.
 * @throws where there is no way: `on_existing: fail`, or a list that only a new client can be without
 */
function plan(request, { client, others, saved }) {
    const save = request.place ? [{ kind: 'save' }] : [];
    if (!client)
        return { result: 'created', before: [{ kind: 'create' }, ...save], after: [], warnings: [] };
    const several = others.length > 0 ? [severalClients(client.client_id, others)] : [];
    const warnings = [...several];
    // A secret that was not saved is lost, so another one is due.
    const heals = request.on_existing === 'reuse' && request.place && !isSaved(saved, client.client_id);
    switch (heals ? 'rotate' : request.on_existing) {
        case 'fail':
            throw plan_refusal(`Client ${client.client_id} ${JSON.stringify(client.name)} exists already, and on_existing is fail.`, several);
        case 'replace': {
            const before = [{ kind: 'create' }, ...save];
            return { result: 'replaced', client, before, after: [{ kind: 'delete-client' }], warnings };
        }
        case 'reuse':
            return { result: 'reused', client, before: updates(request, client, several), after: [], warnings };
        case 'rotate': {
            const evicted = evictions(client.secrets);
            const kept = client.secrets.filter((secret) => !evicted.includes(secret));
            for (const { id } of evicted)
                warnings.push(`Client ${client.client_id} has ${client.secrets.length} secrets, and ${MOST_SECRETS} is the most: ${id} has to go before a new one is made, however young it is.`);
            return {
                result: 'rotated',
                client,
                before: [
                    ...updates(request, client, several),
                    ...evicted.map((secret) => deletion(secret, false)),
                    { kind: 'add-secret' },
                    ...save,
                ],
                after: retirements(kept, request.keep_secrets),
                warnings,
            };
        }
    }
}
/**
 * Whether GitHub Actions holds a pair of this client. A save writes the secret last, so a variable that is much younger
 * than the secret is one whose secret never came.
 */
function isSaved(saved, client_id) {
    if (saved?.client_id !== client_id || saved.secret_time === undefined)
        return false;
    return !(Date.parse(saved.variable_time ?? '') - Date.parse(saved.secret_time) > SAVE_TIME);
}
/**
 * The way of a run that lost a race, as if it had found the winner's client, on which other runs' secrets are as new as
 * its own: nothing on it is deleted.
 * @throws as `plan`
 */
function planAdoption(request, client, saved) {
    const on_existing = request.on_existing === 'replace' ? 'rotate' : request.on_existing;
    const adoption = plan({ ...request, on_existing }, { client, others: [], saved });
    return {
        ...adoption,
        before: adoption.before.filter(({ kind }) => kind !== 'delete-secret'),
        after: [],
        warnings: [],
    };
}
/** The secrets that must go before the client can have one more: never the newest active one, and none of unknown age. */
function evictions(secrets) {
    const dated = inRetirementOrder(secrets.filter(({ create_time }) => create_time !== undefined));
    const newest = dated
        .filter(({ active }) => active)
        .sort(byAge)
        .at(-1);
    return dated.filter((secret) => secret !== newest).slice(0, Math.max(0, secrets.length + 1 - MOST_SECRETS));
}
/** @param keep how many secrets stay, the new one, which is not among `secrets`, included */
function retirements(secrets, keep) {
    const count = Math.max(0, secrets.length + 1 - keep);
    return inRetirementOrder(secrets)
        .slice(0, count)
        .map((secret) => deletion(secret, keep > 1));
}
function deletion(secret, spare_young) {
    return { kind: 'delete-secret', secret, spare_young };
}
/** Those that nobody can use any more first, then the oldest. */
function inRetirementOrder(secrets) {
    return [...secrets].sort((one, other) => Number(one.active) - Number(other.active) || byAge(one, other));
}
/** Orders what has a `create_time`, the oldest first; what does not say comes last, since it may be the newest. */
function byAge(one, other) {
    if (one.create_time === other.create_time)
        return 0;
    if (one.create_time === undefined)
        return 1;
    return other.create_time === undefined || one.create_time < other.create_time ? -1 : 1;
}
/** Orders clients: by time to the nanosecond, then by id, so that all runs agree on the first. */
function firstMade(one, other) {
    return byAge(one, other) || (one.client_id < other.client_id ? -1 : 1);
}
function severalClients(client_id, others) {
    return `Several clients are this repository's for the same purpose. This run uses the oldest, ${client_id}, and touches none of the others: ${others.join(', ')}. Delete those that nobody uses.`;
}
function plan_refusal(text, warnings) {
    return new Error([text, ...warnings].join('\n'));
}
/**
 * Corrects what drifted, and gives a client that was made by hand its trailer.
 * @param several what else the user should know where there is no way
 */
function updates(request, client, several) {
    const drifted = differences(request, client);
    const emptied = drifted.filter(({ wanted }) => wanted === NONE);
    if (emptied.length > 0) {
        throw plan_refusal(`Client ${client.client_id} has what was not asked for, and the API cannot empty a list: use on_existing: replace, which makes a new client and then deletes this one.\n${differenceLines(emptied)}`, several);
    }
    if (!client.trailer && !drifted.some(({ field }) => field === 'description'))
        drifted.push({
            field: 'description',
            wanted: 'a last line by which this action knows the client again',
            got: NONE,
        });
    const own = request.given.description ? request.fields.description : client.own_description;
    const fields = { ...request.fields, description: own };
    const changes = Object.fromEntries(drifted.map(({ field }) => [field, fields[field]]));
    return drifted.length > 0 ? [{ kind: 'update', fields: changes, differences: drifted }] : [];
}
/**
 * Compares a client with what was asked for: scopes, audience and claims as sets, where a list that was not given
 * means none; name, description without trailer, and expiry only where they were given.
 */
function differences({ fields, given }, client) {
    const compared = ['scopes', 'audience', 'custom_claims'];
    if (fields.expiry)
        compared.push('expiry');
    if (given.name)
        compared.push('name');
    if (given.description)
        compared.push('description');
    return compareFields(compared, fields, { ...client, description: client.own_description });
}
/** As `differences`, of the answer to a request that asked for all of it. */
function shortfalls(request, client) {
    const { organization_id } = client;
    return [
        // An answer may leave out the expiry and the organization, which says nothing about them.
        ...differences(request, client).filter(({ field, got }) => field !== 'expiry' || got !== NONE),
        ...compare([['organization_id', [request.organization_id], [organization_id || request.organization_id]]]),
    ];
}
function differenceLines(differences) {
    return differences.map(({ field, wanted, got }) => `${field}: wanted ${wanted}; got ${got}`).join('\n');
}
function compareFields(names, wanted, got) {
    const [one, other] = [fieldTexts(wanted), fieldTexts(got)];
    return compare(names.map((field) => [field, one[field], other[field]]));
}
/** Compares sets. @returns those that are not the same */
function compare(pairs) {
    return pairs
        .map(([field, wanted, got]) => ({ field, wanted: setText(wanted), got: setText(got) }))
        .filter(({ wanted, got }) => wanted !== got);
}
function fieldTexts(fields) {
    const { name, description, scopes = [], audience = [], custom_claims, expiry } = fields;
    return {
        name: textOf(name),
        description: textOf(description),
        scopes,
        audience,
        custom_claims: claimTexts(custom_claims),
        expiry: textOf(expiry),
    };
}
function claimTexts(claims = []) {
    // No two claims have the same text, whatever stands in a key.
    return claims.map(({ key, value }) => `${key.replace(/[\\=]/g, '\\$&')}=${value}`);
}
function textOf(value) {
    return value === undefined || value === '' ? [] : [String(value)];
}
function setText(entries) {
    return ([...new Set(entries)]
        .sort()
        .map((entry) => JSON.stringify(entry))
        .join(', ') || NONE);
}

;// CONCATENATED MODULE: ./build/json.js
// What JSON of a server says, narrowed once.
/** An answer that is not what the API documents. Its message never quotes a value. */
class AnswerError extends Error {
    name = 'AnswerError';
}
/** @throws {AnswerError} where the text is not a JSON object; the parser's own words would quote it */
function parseObject(text) {
    let value;
    try {
        value = JSON.parse(text);
    }
    catch {
        throw new AnswerError(`the answer is not JSON (${text.length} characters)`);
    }
    return json_object(value, 'the answer');
}
/** @throws {AnswerError} */
function json_object(value, what) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new AnswerError(`${what} is not an object`);
    return value;
}
/** Protobuf's JSON form leaves an empty field out; some writers say null. @throws {AnswerError} */
function string(from, field) {
    const value = from[field] ?? '';
    if (typeof value !== 'string')
        throw new AnswerError(`${field} is not a string`);
    return value;
}
/** @throws {AnswerError} */
function list(from, field) {
    const value = from[field] ?? [];
    if (!Array.isArray(value))
        throw new AnswerError(`${field} is not a list`);
    return value;
}
/**
 * What a JSON Web Token says. Its signature is not checked: it came from the issuer itself, over TLS (OpenID Connect
 * Core 1.0, section 3.1.3.7, rule 6).
 * @returns nothing where it is none
 */
function tokenPayload(token) {
    const [, payload, ...rest] = token.split('.');
    if (payload === undefined || rest.length !== 1)
        return undefined;
    try {
        return json_object(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'the token');
    }
    catch {
        return undefined;
    }
}

// EXTERNAL MODULE: ./build/mask.js
var mask = __webpack_require__(515);
;// CONCATENATED MODULE: ./build/scalekit/errors.js


function fromAnswer(operation, answer, subject) {
    return refusal(operation, answer, serverWords(answer), advice(answer, subject));
}
function fromNetwork(operation, error) {
    return noAnswer(operation, error, 'scalekit_environment_url');
}
/** A 2xx whose body is not what the API documents. */
function fromBadAnswer(operation, answer, reason, subject) {
    const todo = subject !== 'sign-in' ? '' : 'Is scalekit_environment_url the address of a Scalekit environment?';
    return badAnswer(operation, answer, reason, todo);
}
function advice(answer, subject) {
    const { status, headers } = answer;
    if (status >= 300 && status < 400)
        return noRedirects(answer, "scalekit_environment_url must be the environment's own address.");
    if (status === 429) {
        const wait = headers['retry-after'] ? ` (it says: come back after ${(0,log/* cut */.Jj)(headers['retry-after'], 40)})` : '';
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
    if (status === 404 && !isApiAnswer(answer))
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
function serverWords({ body, headers }) {
    let parsed;
    try {
        parsed = JSON.parse(body);
    }
    catch {
        const text = body.trim();
        const plain = String(headers['content-type'] ?? 'text/plain').startsWith('text/plain') && !/^[{[<]|debug_info/.test(text);
        return plain && text ? [(0,log/* cut */.Jj)((0,log/* oneLine */.TN)(text), 300)] : [];
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
    return [...new Set(words.filter(Boolean))].slice(0, 10).map((word) => (0,log/* cut */.Jj)((0,log/* oneLine */.TN)(word), 300));
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

;// CONCATENATED MODULE: ./build/scalekit/types.js


/** @throws {AnswerError} */
function parseMarkedClient(value) {
    const client = json_object(value, 'client');
    const client_id = string(client, 'client_id');
    if (!formats/* CLIENT_ID */.U6.test(client_id))
        throw new AnswerError('client_id is not the id of an organization client');
    return { client_id, description: string(client, 'description'), whole: () => parseClient(client, client_id) };
}
function parseClient(client, client_id) {
    try {
        return {
            client_id,
            description: string(client, 'description'),
            organization_id: string(client, 'organization_id'),
            name: string(client, 'name'),
            scopes: strings(client, 'scopes'),
            audience: strings(client, 'audience'),
            custom_claims: list(client, 'custom_claims').map((entry) => {
                const claim = json_object(entry, 'custom_claims');
                return { key: string(claim, 'key'), value: string(claim, 'value') };
            }),
            expiry: seconds(client, 'expiry'),
            create_time: time(client, 'create_time'),
            secrets: list(client, 'secrets').map(parseSecret),
        };
    }
    catch (error) {
        throw error instanceof AnswerError
            ? new AnswerError(`client ${client_id} is not readable: ${error.message}`)
            : error;
    }
}
/** @throws {AnswerError} */
function parseSecret(value) {
    const secret = json_object(value, 'secret');
    const id = string(secret, 'id');
    // It becomes part of a path, in which ".." would name the client.
    if (!/^[\w-]{1,128}$/.test(id))
        throw new AnswerError('id is not the id of a secret');
    const expiry = time(secret, 'expire_time');
    const expired = expiry !== undefined && expiry < BigInt(Date.now()) * 1000000n;
    const active = secret.status !== 'INACTIVE' && secret.status !== 1 && !expired;
    return { id, create_time: time(secret, 'create_time'), suffix: string(secret, 'secret_suffix'), active };
}
/** One page of a list. An empty token ends it. @throws {AnswerError} */
function parsePage(text) {
    const page = parseObject(text);
    return { clients: list(page, 'clients'), next_page_token: string(page, 'next_page_token') };
}
function strings(from, field) {
    return list(from, field).map((entry) => {
        if (typeof entry !== 'string')
            throw new AnswerError(`${field} holds something else than strings`);
        return entry;
    });
}
/** An int64 comes as a string, from lenient writers as a number. */
function seconds(from, field) {
    const value = from[field] ?? undefined;
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (number === undefined || (Number.isSafeInteger(number) && Number(number) >= 0))
        return number;
    throw new AnswerError(`${field} is not a number of seconds`);
}
/** Milliseconds since the epoch, in 2020: what writers put where they do not know a time is long before it. */
const EARLIEST = Date.UTC(2020);
/** RFC 3339 with up to nine digits of a second, in nanoseconds since the epoch. */
function time(from, field) {
    const [, seconds, fraction = '', zone] = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(string(from, field)) ?? [];
    const milliseconds = seconds ? Date.parse(`${seconds}${zone}`.toUpperCase()) : Number.NaN;
    return !(milliseconds >= EARLIEST) ? undefined : BigInt(milliseconds) * 1000000n + BigInt(fraction.padEnd(9, '0'));
}

;// CONCATENATED MODULE: ./build/scalekit/api.js







/** Milliseconds after a client or a secret was made in which the API may not know it yet everywhere. */
const LAG = 10_000;
/** A `plain_secret` shorter than this cannot be masked without blanking out ordinary text. */
const SHORTEST_SECRET = 8;
/** Milliseconds between two requests of which the first met that lag. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 2_000;
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
    async getToken(pair) {
        const operation = `get an access token for client ${pair.client_id}`;
        return await this.#pastLag(isRefused, () => this.#getToken(operation, pair, 'pair'));
    }
    /** Finds the organization that has an external id, and goes on with it. */
    async #selectOrganization(external_id) {
        const url = new URL(`/api/v1/organizations:external/${encodeURIComponent(external_id)}`, this.#origin);
        const call = { ...this.#call('GET'), url };
        const subject = { organization: external_id };
        this.#organization = await this.#exchange(`find organization ${external_id}`, call, subject, (body) => {
            const organization = json_object(parseObject(body).organization, 'organization');
            const id = string(organization, 'id');
            if (!/^org_[\w-]{1,124}$/.test(id))
                throw new AnswerError('id is not the id of an organization');
            const shown = string(organization, 'external_id');
            if (shown && shown !== external_id)
                throw new AnswerError('it shows an organization with another external_id');
            return id;
        });
    }
    /** Makes a client and masks its secret. Sent again only where the request provably did nothing. */
    async createClient(fields, on) {
        const call = { ...this.#call('POST', [], fields), repeatable: false, onSend: on.send };
        return await this.#exchange('create the client', call, this.#subject(), (body) => {
            const answer = parseObject(body);
            const plain_secret = maskSecret(answer.plain_secret);
            const client = parseMarkedClient(answer.client);
            (0,mask/* maskPair */.jb)(client.client_id, plain_secret);
            on.id(client.client_id);
            refuseUnfit(plain_secret);
            return { client: client.whole(), plain_secret };
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
            yield* page.clients.flatMap(readable);
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
        const parse = (body) => parseMarkedClient(parseObject(body).client);
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
            const client = parseMarkedClient(parseObject(body).client);
            if (client.client_id !== client_id)
                throw new AnswerError('it shows another client');
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
        const call = { ...this.#call('POST', [client_id, 'secrets']), repeatable: false, onSend: on.send };
        const operation = `add a secret to client ${client_id}`;
        const parse = (body) => {
            const answer = parseObject(body);
            const plain_secret = maskSecret(answer.plain_secret);
            (0,mask/* maskPair */.jb)(client_id, plain_secret);
            const secret = answer.secret ? parseSecret(answer.secret) : undefined;
            if (secret)
                on.id(secret.id);
            refuseUnfit(plain_secret);
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
    async #getToken(operation, pair, subject) {
        const call = {
            method: 'POST',
            url: new URL('/oauth/token', this.#origin),
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams({ grant_type: 'client_credentials', ...pair }).toString(),
            repeatable: true,
        };
        return await this.#exchange(operation, call, subject, (body) => {
            const answer = parseObject(body);
            const access_token = string(answer, 'access_token');
            (0,mask/* mask */.dK)(access_token);
            // RFC 6749, appendix A.12, without the space, which would break the header that carries it.
            if (!/^[\x21-\x7e]+$/.test(access_token))
                throw new AnswerError('it holds no access token');
            const expires_in = typeof answer.expires_in === 'object' ? 0 : Number(answer.expires_in);
            return { access_token, expires_in: expires_in > 0 ? expires_in : undefined };
        });
    }
    /**
     * Asks again, for ten seconds, what the API may refuse only because it does not know a new client or secret yet.
     * @param isLag whether a refusal may be of that kind; false where none is
     */
    async #pastLag(isLag, ask) {
        const until = clock() + LAG;
        for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
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
        let answer;
        try {
            answer = await this.transport.send(call);
        }
        catch (error) {
            throw error instanceof NetworkError ? fromNetwork(operation, error) : error;
        }
        if (answer.status === 404 && missing && isApiAnswer(answer))
            return missing(answer);
        if (answer.status < 200 || answer.status > 299)
            throw fromAnswer(operation, answer, subject);
        try {
            return parse(answer.body);
        }
        catch (error) {
            throw error instanceof AnswerError ? fromBadAnswer(operation, answer, error.message, subject) : error;
        }
    }
}
/** What the answer to a delete says: it was there, or, by a 404, it was not, unless a sending before was lost. */
const PRESENCE = [
    (body) => body.trim() === '' || parseObject(body) !== undefined,
    ({ afterLoss }) => afterLoss === true,
];
/** RFC 6749, section 5.2, allows both for a client that is not known. */
function isRefused({ status, message }) {
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
function refuseUnfit(plain_secret) {
    if ([...plain_secret.trim()].length < SHORTEST_SECRET)
        throw new AnswerError('it holds no usable plain_secret');
    if ((0,mask/* isTooLong */.pn)(plain_secret))
        throw new AnswerError('its plain_secret is too long to be masked in every form');
}
/** A client in a list that nobody can read is not ours, and must not hide those that are. */
function readable(entry) {
    // Thrown and caught, millions of them would take minutes.
    if (typeof Object(entry).client_id !== 'string')
        return [];
    try {
        return [parseMarkedClient(entry)];
    }
    catch {
        return [];
    }
}

;// CONCATENATED MODULE: ./build/github/vault.js




/** Milliseconds: GitHub tells times in whole seconds. */
const RESOLUTION = 1_000;
/** Milliseconds between two looks at a secret that may still be written. */
const LOOK_AGAIN = 1_000;
/** Bytes of a public key (X25519). */
const KEY_LENGTH = 32;
/** The address of a place's variable. */
function variableUrl(api, { repository, environment, variable }) {
    const scope = environment ? `environments/${encodeURIComponent(environment.toWellFormed())}` : 'actions';
    return new URL(`${api}/repos/${repository}/${scope}/variables/${variable}`);
}
/** In words. */
function placeName({ repository, environment }) {
    return environment ? `environment ${JSON.stringify(environment)} of ${repository}` : repository;
}
/** A pair of client id and secret as GitHub Actions keeps it. Every method throws an ApiError. */
class Vault {
    place;
    /** What was here at the last look. */
    saved = { client_id: undefined, secret_time: undefined };
    #github;
    /** Whether somebody may have written since the last look. */
    #stale = false;
    #key = { key: '', key_id: '' };
    constructor(github, place) {
        this.place = place;
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
        return placeName(this.place);
    }
    /** What the pair is kept in, in words. */
    get names() {
        const { variable, secret } = this.place;
        return `variable ${variable} and secret ${secret} of ${this.name}`;
    }
    /** Makes sure that a pair can be written here, as far as reading tells. */
    async open() {
        const looks = [this.#readKey(), this.place.environment ? this.#findEnvironment() : undefined, this.look()];
        // Of several refusals the one of the key says most.
        for (const look of await Promise.allSettled(looks))
            if (look.status === 'rejected')
                throw look.reason;
    }
    /** @throws where the token may not even see the repository */
    async isVisible() {
        return await this.#github.getRepository(this.place.repository, () => true);
    }
    /** Whether there is the environment, or none is needed. */
    async exists() {
        try {
            if (this.place.environment)
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
        this.saved = { client_id: variable?.value, variable_time: variable?.time, secret_time: secret?.time };
        return this.saved;
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
        const make = { ...this.#variable('write', 'POST', '', { value }), made: [201], onSend };
        const change = { ...this.#variable('write', 'PATCH', '/{name}', { value }), made: [204], onSend };
        const [first, second, status] = exists ? [change, make, 404] : [make, change, 409];
        try {
            await this.#github.send(first).catch(async (error) => {
                if (!(error instanceof ApiError && error.status === status))
                    throw error;
                await this.#github.send(second);
            });
        }
        catch (error) {
            if (!isUncertain(error) || (await this.getVariable().catch(() => undefined)) !== value)
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
        const before = this.saved.secret_time;
        const { key, key_id } = this.#key;
        const sealed = { encrypted_value: this.#seal(box, key), key_id };
        let began;
        const onSend = () => {
            began ??= clock();
        };
        try {
            await this.#github.send({ ...this.#secret('write', 'PUT', sealed), made: [201, 204], onSend });
        }
        catch (error) {
            if (!isUncertain(error))
                throw error;
            this.transport.openReserve();
            const now = await this.#awaitChange(error, before);
            // One that is gone was taken away by somebody, whatever became of ours.
            if (!now && before !== undefined)
                throw error;
            const sentAt = (now?.date ?? 0) - (clock() - (began ?? 0));
            const isOurs = (time) => Date.parse(time) >= sentAt - RESOLUTION;
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
        const least = this.transport.left / 2;
        for (;;) {
            const now = await this.#getSecret().catch(() => Promise.reject(error));
            if (now?.time !== before || !isLate || this.transport.left - LOOK_AGAIN < least)
                return now;
            await this.transport.pause(LOOK_AGAIN).catch(() => Promise.reject(error));
        }
    }
    /** @returns whether there was one */
    async deleteSecret() {
        return await this.#delete(this.#secret('delete', 'DELETE'), () => this.#getSecret());
    }
    async #readKey() {
        const call = this.#call(`read the public key for secrets of ${this.name}`, 'GET', 'secrets', '/secrets/public-key');
        this.#key = await this.#github.read(call, (answer) => {
            const [key, key_id] = [string(answer, 'key'), string(answer, 'key_id')];
            if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
                throw new AnswerError('it holds no public key');
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
        const parse = (answer) => {
            if (typeof answer.value !== 'string')
                throw new AnswerError('value is not a string');
            return { value: answer.value, time: string(answer, 'updated_at') };
        };
        return await this.#github.find(this.#variable('read', 'GET', '/{name}'), parse);
    }
    async #getSecret() {
        const parse = (answer, date) => {
            const time = string(answer, 'updated_at');
            if (Number.isNaN(Date.parse(time)))
                throw new AnswerError('updated_at is not a time');
            return { time, date };
        };
        return await this.#github.find(this.#secret('read', 'GET'), parse);
    }
    /** @param isThere looks whether there still is one */
    async #delete(call, isThere) {
        try {
            await this.#github.send({ ...call, made: [204] });
            return true;
        }
        catch (error) {
            // After a lost answer, the repeat finds what the first has done.
            if (error instanceof ApiError && error.status === 404)
                return error.uncertain;
            if (!isUncertain(error) || (await isThere().catch(() => true)) !== undefined)
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
        const { variable: name } = this.place;
        return this.#call(`${verb} variable ${name} of ${this.name}`, method, 'variables', `/variables${path}`, {
            name,
            ...parameters,
        });
    }
    #secret(verb, method, parameters = {}) {
        const { secret: secret_name } = this.place;
        const operation = `${verb} secret ${secret_name} of ${this.name}`;
        return this.#call(operation, method, 'secrets', '/secrets/{secret_name}', { secret_name, ...parameters });
    }
    #call(operation, method, kind, path, parameters = {}) {
        const { repository, environment } = this.place;
        const [owner = '', repo = ''] = repository.split('/');
        const scope = environment ? 'environments/{environment_name}' : 'actions';
        return {
            operation,
            route: `${method} /repos/{owner}/{repo}/${scope}${path}`,
            parameters: { owner, repo, ...(environment && { environment_name: environment }), ...parameters },
            need: environment ? 'environment' : kind,
        };
    }
}
function isUncertain(error) {
    return error instanceof ApiError && error.uncertain;
}

;// CONCATENATED MODULE: ./build/unsave.js


/** Milliseconds after a variable was sent in which GitHub may finish writing it, though its caller has gone. */
const LATE_WRITE = 15_000;
/** Milliseconds between two looks for it. */
const unsave_LOOK_AGAIN = 1_000;
/**
 * Gives a variable in GitHub Actions what it held before, unless somebody wrote it, or the secret beside it, since.
 * @param patient whether to wait for a write that GitHub may still finish
 */
async function putBack(vault, trace, patient) {
    const { place, value, old, secret_time, sent_at } = trace;
    const what = `variable ${place.variable} of ${placeName(place)}`;
    // A clock that was set back meanwhile must not make the wait longer.
    const until = Math.min(sent_at, Date.now()) + LATE_WRITE;
    let { late } = trace;
    const done = [];
    try {
        for (;;) {
            const now = await vault.look();
            if (now.client_id === value) {
                if (now.secret_time !== undefined && now.secret_time !== secret_time)
                    return { done: [`The ${what} stays: another run has saved its pair there.`], left: [] };
                if (old === undefined)
                    await vault.deleteVariable();
                else
                    await vault.setVariable(old, true);
                done.push(`Put back ${what}.`);
                late--;
            }
            else if (now.client_id === undefined && old !== undefined) {
                return { done, left: [variableLeft(trace, 'GitHub does not show it, so it may have to be made anew')] };
            }
            const pending = late > 0 && Date.now() < until;
            if (!pending)
                return { done, left: [] };
            if (!patient)
                return { done: [...done, `GitHub may still write ${what}. The post step looks again.`], left: [], pending };
            await vault.transport.pause(unsave_LOOK_AGAIN);
        }
    }
    catch (error) {
        return { done, left: [variableLeft(trace, (0,log/* message */.iU)(error))] };
    }
}
/**
 * The sentence about a variable that was not put back, with the call that does it.
 * @param doubtful whether somebody else may have written what is known about it, so that no address is named
 */
function variableLeft(trace, why, doubtful = false) {
    const { api, place, old } = trace;
    const url = variableUrl(api, place);
    const address = doubtful ? url.pathname : url.href;
    const call = old === undefined ? `DELETE ${address}` : `PATCH ${address} with the value ${JSON.stringify(old)}`;
    return `Variable ${place.variable} of ${placeName(place)} may not be what it was: ${why.replace(/\.$/, '')}. To put it back by hand: ${call}`;
}

;// CONCATENATED MODULE: ./build/undo.js






/** Milliseconds after a create request was sent in which the server may finish it, though its caller has gone. */
const LATE_CREATE = 15_000;
/** Milliseconds between two looks for a client that may still appear. */
const undo_LOOK_AGAIN = 1_000;
/**
 * Undoes what a failed step did, last first.
 * @returns the error to show: the failure, and what became of what the step had made or changed
 */
async function undo(scalekit, vault, journal, failure) {
    const { state, updated } = journal;
    const own_secret = state.secret?.id;
    const put = state.variable && vault && (await putBack(vault, state.variable, false));
    const { removed, absent, left: stays } = await cleanUp(scalekit, state, false);
    const left = [...(put?.left ?? []), ...stays];
    const lines = [...(put?.done ?? []), ...removed.map((what) => `Removed again: ${what}.`), ...left];
    const unsure = absent && !state.client?.id;
    if (unsure)
        lines.push(`Whether a client was made is not known: none shows up. The post step looks again. ${clientCall(scalekit, state)}`);
    // What is left is the post step's to try again.
    journal.clear({
        ...(!unsure && stays.length === 0 && { client: undefined, secret: undefined }),
        ...(!put?.pending && !put?.left.length && { variable: undefined }),
    });
    if (updated)
        lines.push(...(await restore(scalekit, updated, own_secret)));
    lines.push(...journal.lost);
    return lines.length > 0 ? new Error([(0,log/* message */.iU)(failure), ...lines].join('\n'), { cause: failure }) : failure;
}
/** The error of a step that is cancelled: the runner does not wait until anything is undone. */
function leave({ state, updated, lost }, failure) {
    const rest = state.client || state.secret || state.variable ? ['The post step removes what this step made.'] : [];
    const lines = [(0,log/* message */.iU)(failure), ...rest, ...(updated ? [staysUpdated(updated)] : []), ...lost];
    return new Error(lines.join('\n'), { cause: failure });
}
function staysUpdated({ before, fields }) {
    return `Client ${before.client_id} may stay updated: ${Object.keys(fields).join(', ')}.`;
}
/**
 * Removes what a step made that was cut off or failed, or whose job is over, last first.
 * @param patient whether main was cut off, so that the server may still finish what it was asked for: then the client of
 *   a lost create is looked for as long as that may take
 */
async function cleanUp(scalekit, state, patient) {
    const traces = { removed: [], absent: false, left: [] };
    const { client, secret } = state;
    // A secret on the client that is to go goes with it.
    if (secret && secret.client_id !== client?.id) {
        await removeSecret(scalekit, secret, patient, traces).catch((error) => {
            const what = `A secret of this step on client ${secret.client_id} may be left over`;
            traces.left.push(`${what}: ${(0,log/* message */.iU)(error)} ${secretCall(scalekit, secret, doubtOf(error))}`);
        });
    }
    if (client) {
        await removeClient(scalekit, state, client, patient, traces).catch((error) => {
            const what = 'A client of this step may be left over';
            traces.left.push(`${what}: ${(0,log/* message */.iU)(error)} ${clientCall(scalekit, state, doubtOf(error))}`);
        });
    }
    return traces;
}
/** The clients that this step made: by the id or, where it is not known or not alone, by the nonce. */
async function ownClients(scalekit, state) {
    const { id, again } = state.client ?? {};
    const named = id ? await scalekit.getClient(id) : undefined;
    // The answer to a read may show another client than the one that was asked for.
    const own = named && named.client_id === id && isOwn(named, state) ? [named] : [];
    if (id && !again && (own.length > 0 || !named))
        return own;
    for await (const client of scalekit.listClients()) {
        if (isOwn(client, state) && !own.some(({ client_id }) => client_id === client.client_id))
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
async function takeClient(scalekit, state, client) {
    const { client_id } = client;
    if (state.lifetime === 'persistent') {
        const { secrets } = client.whole();
        const known = state.client?.id === client_id ? state.client.secret_ids : undefined;
        // A client's oldest secret is its maker's.
        const mine = known ?? [[...secrets].sort(byAge)[0]?.id, state.secret?.id];
        const own = secrets.filter(({ id }) => mine.includes(id));
        if (own.length < secrets.length) {
            for (const { id } of own)
                await deleteShownSecret(scalekit, client_id, id);
            const ids = own.map(({ id }) => id).join(' and ') || 'none';
            const why = "the client stays, since it has secrets that are not known to be this step's";
            return { what: `secret ${ids} of client ${client_id} (${why})`, stays: true };
        }
    }
    await deleteShownClient(scalekit, client_id);
    return { what: `client ${client_id}`, stays: false };
}
/** @returns whether there was such a secret (still) */
async function deleteShownSecret(scalekit, client_id, id) {
    const isShown = async () => {
        const client = await scalekit.getClient(client_id);
        return client?.whole().secrets.some((secret) => secret.id === id) ?? false;
    };
    return await deleteShown(scalekit, () => scalekit.deleteSecret(client_id, id), isShown);
}
/** Deletes a client, whatever secrets it has. @returns whether there was such a client (still) */
async function deleteShownClient(scalekit, client_id) {
    const isShown = async () => (await scalekit.getClient(client_id)) !== undefined;
    return await deleteShown(scalekit, () => scalekit.deleteClient(client_id), isShown);
}
/** Deletes, again where the API says that there is nothing, but still shows it: one part of it may lag behind another. */
async function deleteShown(scalekit, remove, isShown) {
    for (const until = clock() + LAG; !(await remove());) {
        if (!(await isShown()))
            return false;
        if (clock() > until)
            throw new Error('the API shows it, and yet says that there is nothing to delete.');
        await scalekit.transport.pause(undo_LOOK_AGAIN);
    }
    return true;
}
/** The calls that remove by hand what a state names, for a message. */
function calls(scalekit, state, doubt) {
    const { client, secret } = state;
    const lines = [
        ...(secret ? [secretCall(scalekit, secret, doubt)] : []),
        ...(client || !secret ? [clientCall(scalekit, state, doubt)] : []),
    ];
    return lines.join(' ');
}
/** The client that the state names is another's. */
class ForeignClientError extends Error {
    name = 'ForeignClientError';
}
async function removeClient(scalekit, state, { id, sent_at, lost: secretLost }, patient, traces) {
    // A clock that was set back meanwhile must not make the wait longer.
    const sent = Math.min(sent_at, Date.now());
    const until = id ? sent + LAG : patient ? sent + LATE_CREATE : 0;
    for (;;) {
        const own = await ownClients(scalekit, state);
        for (const client of own) {
            const { what, stays } = await takeClient(scalekit, state, client);
            traces.removed.push(what);
            const { client_id } = client;
            const { secret } = state;
            // It is in use, which leaves nothing to do, unless the secrets on it may be this step's after all.
            if (stays && (secretLost || (secret?.client_id === client_id && (secret.lost || !secret.id))))
                traces.left.push(`Client ${client_id} may be left over. ${clientCall(scalekit, state, 'owner')}`);
        }
        if (own.length > 0)
            return;
        if (Date.now() > until)
            break;
        await scalekit.transport.pause(undo_LOOK_AGAIN);
    }
    traces.absent = true;
}
/** Takes the secret that was added, and names those that may be this step's but may also be a neighbour's. */
async function removeSecret(scalekit, trace, patient, traces) {
    const { client_id, key, id, seen, lost } = trace;
    const client = await scalekit.getClient(client_id);
    if (!client)
        return;
    if (client.client_id !== client_id || parseTrailer(client.description)?.key !== key)
        throw new ForeignClientError(`client ${client_id} is not the one that main read, by the last line of its description.`);
    const appeared = id && !lost ? [] : unseen(client.whole(), [...seen, id]);
    if (id) {
        const there = await deleteShownSecret(scalekit, client_id, id);
        if (there)
            traces.removed.push(`secret ${id} of client ${client_id}`);
    }
    for (const unsure of appeared)
        traces.left.push(unsureSecret(scalekit, trace, unsure));
    // Unlike a client, it could not be told from another run's, so a longer look would help nobody.
    if (patient && !id && appeared.length === 0)
        traces.left.push(`Whether a secret was added to client ${client_id} is not known: none shows up yet, and the server may finish late. A later rotation retires it. ${secretCall(scalekit, trace, 'owner')}`);
}
/** The sentence about a secret that appeared while an answer was lost: it may also be a neighbour's. */
function unsureSecret(scalekit, trace, id) {
    return `Secret ${id} of client ${trace.client_id} may be left over of a request whose answer was lost, or another run's; a later rotation retires it. ${secretCall(scalekit, { ...trace, id }, 'owner')}`;
}
/** Ids of the secrets of a client that are not among `known`. */
function unseen({ secrets }, known) {
    return secrets.map(({ id }) => id).filter((id) => !known.includes(id));
}
/**
 * Gives a client its former values back.
 * @returns sentences about what could not be restored
 */
async function restore(scalekit, updated, own_secret) {
    const { before, fields } = updated;
    const { client_id } = before;
    const names = Object.keys(fields);
    try {
        const now = (await scalekit.getClient(client_id))?.whole();
        if (!now || compareFields(names, before, now).length === 0)
            return [];
        if (unseen(now, [...before.secrets.map(({ id }) => id), own_secret]).length > 0)
            return [`${staysUpdated(updated)} It has a secret that may be another run's.`];
        const former = Object.fromEntries(names.map((name) => [name, before[name]]).filter(([, value]) => value !== undefined && `${value}` !== ''));
        const then = Object.keys(former).length > 0 ? (await scalekit.updateClient(client_id, former)).whole() : now;
        const lost = compareFields(names, before, then);
        if (lost.length === 0)
            return [`Restored: ${names.join(', ')} of client ${client_id}.`];
        return [
            `Client ${client_id} could not be given back what it was, since the API cannot empty or shorten it:\n${differenceLines(lost)}`,
        ];
    }
    catch (error) {
        return [`${staysUpdated(updated)} ${(0,log/* message */.iU)(error)}`];
    }
}
function clientCall(scalekit, { client, nonce }, doubt) {
    return byHand(scalekit, [client?.id], `the one that GET shows with "nonce=${nonce}" in its description`, doubt);
}
function secretCall(scalekit, { client_id, id }, doubt) {
    return byHand(scalekit, [client_id, 'secrets', id], 'it by its time among the secrets of the client', doubt);
}
/**
 * The call that removes something by hand. Somebody will send a token to an origin that this names, so an unsealed
 * state's own is left out.
 * @param search how to find the last part of the path where it is not known
 */
function byHand(scalekit, path, search, doubt) {
    const known = path.filter((part) => part !== undefined);
    const url = scalekit.clientUrl(...known);
    const address = doubt === 'state' ? url.pathname : url.href;
    if (known.length < path.length)
        return `To remove it by hand, find ${search}; then DELETE ${address}/ID`;
    return `To remove it${doubt ? ', if it is yours,' : ''} by hand: DELETE ${address}`;
}
function doubtOf(error) {
    return error instanceof ForeignClientError ? 'owner' : undefined;
}
/** Whether the trailer says that this step made the client. */
function isOwn({ description }, { nonce, run }) {
    const trailer = parseTrailer(description);
    return trailer?.nonce === nonce && trailer.run === run;
}

;// CONCATENATED MODULE: ./build/change.js





/** How often a request is sent that makes something and whose answers are lost. */
const MOST_SENDINGS = 3;
/** A secret that cannot be identified works all the same. */
const UNKNOWN_SECRET = { id: '', create_time: undefined, suffix: '', active: true };
/** Reads a secret that the answer with its value did not show. It is known by its last characters. */
async function identify(scalekit, client_id, plain_secret, seen) {
    const client = await scalekit.getClient(client_id).catch(() => undefined);
    const isIt = ({ id, suffix }) => !seen.includes(id) && suffix !== '' && plain_secret.endsWith(suffix);
    return client?.whole().secrets.find(isIt) ?? UNKNOWN_SECRET;
}
/**
 * Changes fields of a client, and makes sure that they came out as asked for. A lost answer is read back. The trailer
 * stays as it is; a client without one gets this run's.
 * @param young whether the client was made just now, so that the API may not show it yet everywhere
 */
async function update({ scalekit, request, journal }, client, fields, young) {
    const { client_id } = client;
    journal.updated = { before: client, fields };
    const trailer = client.trailer ?? request.trailer;
    const sent = fields.description === undefined ? fields : { ...fields, description: withTrailer(fields.description, trailer) };
    const answer = await scalekit.updateClient(client_id, sent, young).catch(async (error) => {
        if (!(error instanceof ApiError && error.uncertain))
            throw error;
        const now = await scalekit.getClient(client_id).catch(() => undefined);
        if (now?.client_id !== client_id || shortfalls(request, recognize(now.whole())).length > 0)
            throw error;
        return now;
    });
    log/* info */.pq(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
    const now = recognize(answer.whole());
    const wrong = shortfalls(request, now);
    if (wrong.length > 0 || !now.trailer) {
        throw new Error(`Client ${client_id} was not updated to what was asked for. Where the API only adds to a list, on_existing: replace makes a new client.\n${differenceLines(wrong)}`);
    }
    return { ...now, secrets: client.secrets };
}
/** Makes room for a secret. Nothing brings back the one that is deleted. */
async function evict(scalekit, journal, { client_id }, { id }) {
    // Where a neighbour was quicker, it is not this run that has to say so.
    if (await scalekit.deleteSecret(client_id, id))
        journal.lost.push(`Secret ${id} of client ${client_id}, deleted to make room, cannot be brought back.`);
}
/**
 * Adds a secret. A lost answer leaves one that cannot be told from another run's: it is named, and another is asked for.
 * @param how.evict whether secrets that were there before may go where the client has five by then
 */
async function addSecret(context, client, { young, evict: mayEvict }) {
    const { scalekit, journal } = context;
    const { client_id } = client;
    const trace = {
        client_id,
        key: client.trailer?.key ?? '',
        seen: client.secrets.map(({ id }) => id),
        lost: false,
    };
    let unsure = [];
    const on = {
        send: () => journal.note({ secret: { ...trace } }),
        id: (id) => journal.learn({ secret: { ...trace, id } }),
    };
    for (let sending = 1;; sending++) {
        try {
            const added = await scalekit.addSecret(client_id, on, young);
            for (const id of unsure)
                log/* warning */.$e(unsureSecret(scalekit, trace, id));
            const { plain_secret } = added;
            const secret = added.secret ?? (await identify(scalekit, client_id, plain_secret, trace.seen));
            if (!added.secret && secret.id)
                on.id(secret.id);
            return { secret, plain_secret };
        }
        catch (error) {
            if (!(error instanceof ApiError))
                throw error;
            if (!error.uncertain && sending === 1)
                journal.clear({ secret: undefined });
            if (!error.uncertain || sending === MOST_SENDINGS || scalekit.transport.cancelled)
                throw error;
            log/* info */.pq(`${error.message} Asking for another one.`);
            const now = await lookAgain(context, trace).catch(() => Promise.reject(error));
            unsure = unseen(now, trace.seen);
            if (now.secrets.length >= MOST_SECRETS) {
                const [victim] = mayEvict ? evictions(now.secrets).filter(({ id }) => trace.seen.includes(id)) : [];
                if (!victim)
                    throw error;
                log/* warning */.$e(`Client ${client_id} has ${now.secrets.length} secrets by now: ${victim.id}, the oldest, is deleted to make room.`);
                await evict(scalekit, journal, client, victim);
            }
        }
    }
}
/** Reads a client after a request for a secret whose value is lost. The secret itself goes where its id is known. */
async function lookAgain({ scalekit, journal }, trace) {
    const id = journal.state.secret?.id;
    if (id)
        await scalekit.deleteSecret(trace.client_id, id);
    else
        trace.lost = true;
    const client = await scalekit.getClient(trace.client_id);
    if (!client)
        throw new Error(`client ${trace.client_id} is not there any more`);
    return client.whole();
}

;// CONCATENATED MODULE: ./build/find.js



/** Ids that a message names before it only counts. */
const MOST_IDS = 10;
/**
 * Finds the client to go on with: by its id, or else by the key in the trailer. One of a job is always new.
 * @throws where the id is that of somebody else's client
 */
async function find(scalekit, request) {
    const at = clock();
    if (request.trailer.lifetime === 'job')
        return { others: [], seen: undefined, at, notices: [] };
    const client = request.client_id ? await getNamed(scalekit, request) : undefined;
    if (client)
        return { client, others: [], seen: undefined, at, notices: [] };
    const stale = request.client_id
        ? [`There is no client ${request.client_id} (client_id) in this organization; the search decides.`]
        : [];
    const { ours, unmarked } = await search(scalekit, request);
    const [first, ...others] = ours;
    // Every client has a secret, so a list that shows none leaves them out.
    const whole = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
    const oldest = whole && whole.client_id === first?.client_id ? recognize(whole.whole()) : first;
    return {
        client: oldest,
        others: others.map(({ client_id }) => client_id),
        seen: new Set(ours.map(({ client_id }) => client_id)),
        at,
        notices: [...stale, ...unmarkedNotice(unmarked)],
    };
}
/**
 * Reads the client that `client_id` names.
 * @returns nothing where there is no such client
 * @throws where it is somebody else's
 */
async function getNamed(scalekit, { client_id, identity, trailer }) {
    const named = await scalekit.getClient(client_id);
    if (!named)
        return undefined;
    // An answer may show another client than the one that was asked for.
    const client = recognize(named.whole());
    const why = client.client_id === client_id ? objection(client, identity, trailer) : `the answer shows ${client.client_id}`;
    if (why)
        throw new Error(`Client ${client_id} is not managed by this step: ${why}.`);
    return client;
}
/** Goes through the whole list. @returns the clients with our key, the oldest first, and the ids of those that only look like it */
async function search(scalekit, { trailer, identity }) {
    // By id: a page that moves while the list is read shows a client twice.
    const ours = new Map();
    const unmarked = new Set();
    for await (const { client_id, description, whole } of scalekit.listClients()) {
        const found = parseTrailer(description);
        if (found?.key === trailer.key)
            ours.set(client_id, recognize(whole()));
        else if (!found && isLike(whole, identity))
            unmarked.add(client_id);
    }
    return { ours: [...ours.values()].sort(firstMade), unmarked: [...unmarked] };
}
/** One that nobody can read is like nobody's. */
function isLike(whole, identity) {
    try {
        return resembles(whole(), identity);
    }
    catch {
        return false;
    }
}
function unmarkedNotice(ids) {
    if (ids.length === 0)
        return [];
    const more = ids.length > MOST_IDS ? ` and ${ids.length - MOST_IDS} more` : '';
    return [
        `Clients with this repository's claims that this action did not make: ${ids.slice(0, MOST_IDS).join(', ')}${more}. They stay untouched; client_id takes one over.`,
    ];
}

;// CONCATENATED MODULE: ./build/create.js








/** Milliseconds before each look for the client of a lost create: at once, and after 1, 2 and 4 seconds. */
const LOOKS = [0, 1_000, 1_000, 2_000];
/** Makes a client. Where the answer is lost, the client is looked for by its nonce before the request is sent again. */
async function create(context) {
    const { scalekit, journal } = context;
    for (let sending = 1;; sending++) {
        try {
            return await createOnce(context, sending > 1);
        }
        catch (error) {
            if (!(error instanceof ApiError))
                throw error;
            // A refusal of the first says that there is nothing; one of a repeat says nothing about those before.
            if (!error.uncertain && sending === 1)
                journal.clear();
            if (!error.uncertain || scalekit.transport.cancelled)
                throw error;
            log/* info */.pq(`${error.message} Looking for the client that this may have made.`);
            const lost = await lookForOwn(context).catch(() => Promise.reject(error));
            if (lost)
                return await recover(context, lost);
            // What sends elsewhere would do so again.
            const redirect = error.status !== undefined && error.status < 400;
            if (sending === MOST_SENDINGS || redirect)
                throw error;
        }
    }
}
async function createOnce({ scalekit, request, journal }, again) {
    const trace = { sent_at: 0, again };
    const description = withTrailer(request.fields.description, request.trailer);
    const { client: answered, plain_secret } = await scalekit.createClient({ ...request.fields, description }, {
        send: () => {
            trace.sent_at = Date.now();
            journal.note({ client: trace });
        },
        id: (id) => journal.learn({ client: { ...trace, id } }),
    });
    const client = recognize(answered);
    if (!isOwn(client, journal.state)) {
        throw new Error("Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.");
    }
    const [only, ...others] = client.secrets;
    const secret = only && others.length === 0 ? only : await identify(scalekit, client.client_id, plain_secret, []);
    if (secret.id)
        journal.learn({ client: { ...trace, id: client.client_id, secret_ids: [secret.id] } });
    refuseShortfalls(request, client);
    return { client, secret: { secret, plain_secret }, after: [] };
}
function refuseShortfalls(request, client) {
    const wrong = shortfalls(request, client);
    if (wrong.length === 0)
        return;
    const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
    throw new Error(`Scalekit did not make the client that was asked for.${hint}\n${differenceLines(wrong)}`);
}
async function lookForOwn({ scalekit, journal }) {
    for (const pause of LOOKS) {
        await scalekit.transport.pause(pause);
        const [own] = await ownClients(scalekit, journal.state);
        if (own)
            return own;
    }
    return undefined;
}
/** Gives a client whose create was answered by nobody another secret: the value of its first one is lost. */
async function recover(context, lost) {
    const { scalekit, request, journal } = context;
    const client = recognize(lost.whole());
    const { sent_at = 0, again = false } = journal.state.client ?? {};
    const trace = { sent_at, again, id: client.client_id };
    journal.learn({ client: trace });
    refuseShortfalls(request, client);
    log/* info */.pq(`Client ${client.client_id} was made. The value of its secret is lost, so it gets another one.`);
    const secret = await addSecret(context, client, { young: true, evict: false });
    // A list may lag behind with what is within a client, too. A secret without an id could not be told from the first.
    const reread = client.secrets.length === 0 && secret.secret.id ? await scalekit.getClient(client.client_id) : undefined;
    const shown = reread?.whole() ?? client;
    const [first] = shown.secrets.filter(({ id }) => id !== secret.secret.id).sort(byAge);
    const secret_ids = [...(first ? [first.id] : []), secret.secret.id];
    journal.learn({ client: { ...trace, secret_ids, lost: journal.state.secret?.lost }, secret: undefined });
    return { client, secret, after: first ? [{ kind: 'delete-secret', secret: first, spare_young: false }] : [] };
}
/**
 * Looks once more after a create: for further clients of this very step, which are removed, and for those that other
 * runs made for the same purpose at the same time.
 * @returns the rival's client that was there first
 */
async function lookForRival({ scalekit, request, journal }, created, found) {
    const lasting = request.trailer.lifetime === 'persistent';
    if (!lasting && !journal.state.client?.again)
        return undefined;
    // Without a search, what was there at the first look can only be told by the time that has passed since.
    const passed = BigInt(Math.ceil(clock() - found.at)) * 1000000n;
    const { ours } = await search(scalekit, request);
    const isTwin = (client) => isOwn(client, journal.state);
    for (const twin of ours.filter(isTwin)) {
        if (twin.client_id === created.client_id)
            continue;
        const { what } = await takeClient(scalekit, journal.state, { ...twin, whole: () => twin });
        log/* info */.pq(`Removed a second client of the same request: ${what}.`);
    }
    if (!lasting)
        return undefined;
    // Times from one source: those of an answer and of a list may differ in their digits.
    const own = ours.find(({ client_id }) => client_id === created.client_id) ?? created;
    const isNew = ({ client_id, create_time: time }) => found.seen
        ? !found.seen.has(client_id)
        : client_id !== found.client?.client_id && time !== undefined && time >= (own.create_time ?? time) - passed;
    const [first] = [...ours.filter((client) => !isTwin(client) && isNew(client)), own].sort(firstMade);
    return first === own ? undefined : first;
}

;// CONCATENATED MODULE: ./build/save.js



/**
 * Writes the pair into GitHub Actions: the variable first, the secret last. From the moment that the secret may have
 * arrived there is no way back, so the pair counts as handed out before it is sent; a refusal takes that back.
 * @throws where the pair is not saved, or nobody can say whether it is
 */
async function save(context, client_id, { plain_secret }) {
    const { scalekit, journal, vault } = context;
    if (!vault)
        return;
    // What is restored is what was there just now, not when this run began; where nobody can say, that has to do.
    const { client_id: old, secret_time } = await vault.look().catch(() => vault.saved);
    if (old !== client_id) {
        const trace = { api: vault.api, place: vault.place, value: client_id, old, secret_time };
        let sendings = 0;
        const onSend = () => {
            sendings++;
            journal.note({ variable: { ...trace, sent_at: Date.now(), late: sendings } });
        };
        await vault.setVariable(client_id, old !== undefined, onSend).catch((error) => {
            if (error instanceof ApiError && !error.uncertain)
                journal.learn({ variable: undefined });
            throw error;
        });
        journal.learn({ variable: { ...trace, sent_at: Date.now(), late: sendings - 1 } });
    }
    if (scalekit.transport.cancelled)
        throw new Error('The pair was not saved.');
    // Loaded by the few runs that need it, and before there is no way back.
    const { seal } = await Promise.all(/* import() */[__webpack_require__.e(442), __webpack_require__.e(654)]).then(__webpack_require__.bind(__webpack_require__, 654));
    const { client, secret, variable } = journal.state;
    const { updated } = journal;
    journal.release(client_id);
    journal.updated = undefined;
    try {
        await vault.setSecret((key) => seal(key, plain_secret));
    }
    catch (error) {
        if (error instanceof ApiError && error.uncertain)
            throw new Error([
                `${error.message} Whether GitHub has the new secret of client ${client_id} is not known. The new secret and those before it stay valid, and until the next run the saved pair may be a mixed one.`,
                ...(updated ? [staysUpdated(updated)] : []),
            ].join('\n'), { cause: error });
        journal.updated = updated;
        journal.learn({ client, secret, variable });
        throw error;
    }
    // Another run may have written its own between the two: then this secret has no variable of its own.
    const now = await vault.getVariable().catch(() => client_id);
    if (now === client_id)
        return;
    await vault.setVariable(client_id, now !== undefined).catch((error) => {
        log/* warning */.$e(`Another run saved a pair at the same time, and the saved pair may be a mixed one until the next run: ${log/* message */.iU(error)}`);
    });
}

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 10 modules
var core = __webpack_require__(178);
;// CONCATENATED MODULE: ./build/state.js




const STATE = 'client';
/**
 * Main's side of the state. What it writes is sealed with the administrator's secret: a `STATE_*` variable can also
 * come from another step through `GITHUB_ENV`, and must not send the credentials elsewhere or name another's client.
 */
class Journal {
    state;
    /** What only main can undo: the client as it was, and the fields that were, or may have been, changed. */
    updated;
    /** What nobody can undo, in sentences. */
    lost = [];
    #secret;
    constructor(state, secret) {
        this.state = state;
        this.#secret = secret;
    }
    /**
     * Writes a change down, and then takes it for a fact.
     * @throws where the runner's file cannot be written
     */
    note(change) {
        const state = { ...this.state, ...change };
        const done = isEmpty(state);
        try {
            (0,core/* saveState */.LZ)(STATE, done ? '' : JSON.stringify({ ...state, seal: seal(state, this.#secret) }));
        }
        catch (error) {
            throw new Error(`Could not write the state for the post step: ${(0,log/* message */.iU)(error)}.`);
        }
        Object.assign(this.state, change);
    }
    /** As `note`, for what is a fact whether or not it can be written: the roll-back has to know it. */
    learn(change) {
        Object.assign(this.state, change);
        this.note(change);
    }
    /**
     * Marks a pair as its user's: nobody takes it back any more.
     * @param client_id the client that is handed out; another one that this step made is still to be removed
     * @throws where the runner's file cannot be written
     */
    release(client_id) {
        const { client, secret, variable, lifetime } = this.state;
        const stays = lifetime === 'job' || client?.id !== client_id;
        if (client || secret || variable)
            this.note({ client: stays ? client : undefined, secret: undefined, variable: undefined });
    }
    /** Leaves the post step nothing of this to do. Where that cannot be written, it finds out for itself. */
    clear(change = { client: undefined, secret: undefined, variable: undefined }) {
        if (isEmpty(this.state))
            return;
        try {
            this.note(change);
        }
        catch { }
    }
}
/** Whether there is nothing (left) to undo. */
function isEmpty({ client, secret, variable }) {
    return !client && !secret && !variable;
}
/** @returns nothing where main left nothing to do. @throws where the text is not a state */
function readState() {
    const text = getState(STATE);
    return text ? object(JSON.parse(text), 'it') : undefined;
}
/** Whether this state was written by a step with the same secret. */
function isSealed({ seal: given, ...state }, secret) {
    const expected = Buffer.from(seal(state, secret));
    const actual = Buffer.from(typeof given === 'string' ? given : '');
    return secret !== '' && actual.length === expected.length && timingSafeEqual(actual, expected);
}
function seal(state, secret) {
    return (0,external_node_crypto_.createHmac)('sha256', secret).update(JSON.stringify(state)).digest('base64url');
}

;// CONCATENATED MODULE: ./build/scalekit/token.js

/** Reads an access token. @returns nothing where it is not a JWT */
function readToken(token) {
    const payload = tokenPayload(token);
    if (!payload)
        return undefined;
    const { oid, sub, scopes, scope, aud, custom_claims, exp } = payload;
    try {
        return {
            oid: token_text(oid),
            sub: token_text(sub),
            scopes: token_list(scopes ?? scope),
            audience: Array.isArray(aud) ? aud.map(token_text) : [token_text(aud)].filter(Boolean),
            custom_claims: Object.entries(Object(custom_claims)).map(([key, value]) => ({ key, value: token_text(value) })),
            exp: Number.isSafeInteger(exp) ? Number(exp) : undefined,
        };
    }
    catch {
        // A value that is nested too deeply cannot be written.
        return undefined;
    }
}
/** A list, or one string with spaces between (RFC 9068, section 2.2.3). */
function token_list(value) {
    if (Array.isArray(value))
        return value.map(token_text);
    return token_text(value).split(' ').filter(Boolean);
}
function token_text(value) {
    return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
}

;// CONCATENATED MODULE: ./build/verify.js





/** Milliseconds after a client was corrected in which its tokens may still show what it was. */
const CORRECTION_LAG = 3_000;
const PAUSE = 500;
/**
 * Gets a token with the new pair, and compares it with what was asked for.
 * @returns nothing where no verification was asked for
 * @throws where the pair gets none, or one that says something else
 */
async function verify({ scalekit, request, journal }, { client_id }, { plain_secret: client_secret }) {
    if (!request.verify)
        return undefined;
    for (const until = clock() + (journal.updated ? CORRECTION_LAG : 0);;) {
        const { access_token, expires_in } = await scalekit.getToken({ client_id, client_secret });
        if (request.access_token && (0,mask/* isTooLong */.pn)(access_token))
            throw new Error('The access token of the new pair is too long to be masked in every form, so it is not handed out: leave access_token out, or ask for fewer claims and scopes.');
        const payload = readToken(access_token);
        if (!payload)
            log/* notice */.lm('The access token of the new pair is not a JWT, so its claims were not compared with what was asked for.');
        const wrong = payload ? mismatches(request, client_id, payload) : [];
        if (wrong.length === 0) {
            const expires_at = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
            return { access_token, expires_at };
        }
        const mismatch = new Error(`The access token of the new pair is not what was asked for. An interceptor of the environment may have changed it; verify: false accepts that.\n${differenceLines(wrong)}`);
        if (clock() >= until)
            throw mismatch;
        await scalekit.transport.pause(PAUSE).catch(() => Promise.reject(mismatch));
    }
}
/** Without an audience asked for, the token's own is not looked at. */
function mismatches({ organization_id, fields }, client_id, payload) {
    return compare([
        ['oid', [organization_id], [payload.oid]],
        ['sub', [client_id], [payload.sub]],
        ['scopes', fields.scopes ?? [], payload.scopes],
        ['custom_claims', claimTexts(fields.custom_claims), claimTexts(payload.custom_claims)],
        ...(fields.audience ? [['audience', fields.audience, payload.audience]] : []),
    ]);
}

;// CONCATENATED MODULE: ./build/apply.js









/** Nanoseconds. */
const HOUR = 3600000000000n;
/** The journal of a step that is about to change something, still empty. */
function openJournal({ origin, organization_id, trailer, credentials }) {
    const { nonce, run, lifetime } = trailer;
    return new Journal({ origin, organization_id, nonce, run, lifetime }, credentials.client_secret);
}
/**
 * Carries out what comes before the pair is handed out: makes one, verifies it, saves it. What it has done when it
 * throws is in the journal. The intent is written down before each sending of a request that makes something, and the id
 * as soon as it is known, so that the post step can clean up wherever this one is cut off.
 */
async function apply(context, plan, found) {
    const applied = await makePair(context, plan, found);
    await (0,mask/* masksTold */.Rb)();
    if (applied.secret)
        await save(context, applied.client.client_id, applied.secret);
    return applied;
}
async function makePair(context, plan, found) {
    if (plan.client && plan.result !== 'replaced')
        return await change(context, plan, plan.client);
    const { request, scalekit } = context;
    const making = create(context);
    // The verification and the look for rivals go out together then.
    if (request.verify && request.trailer.lifetime === 'persistent')
        scalekit.transport.prepare(scalekit.clientUrl());
    const { client, secret, after } = await making;
    const [verified, rival] = await Promise.allSettled([
        verify(context, client, secret),
        lookForRival(context, client, found),
    ]);
    if (rival.status === 'fulfilled' && rival.value)
        return await giveWay(context, plan, rival.value);
    if (verified.status === 'rejected')
        throw verified.reason;
    if (rival.status === 'rejected')
        throw rival.reason;
    return { result: plan.result, client, secret, token: verified.value, after: [...after, ...plan.after] };
}
/** What is done once the pair is handed out: whatever fails now is a warning. @returns what was deleted */
async function finish({ scalekit }, plan, { client, secret, after }) {
    const deleted = [];
    const attempt = async (what, url, work) => {
        try {
            await work();
            deleted.push(what);
        }
        catch (error) {
            log/* warning */.$e(`The ${what} is left over: ${log/* message */.iU(error)} To remove it by hand: DELETE ${url.href}`);
        }
    };
    for (const step of after) {
        if (step.kind === 'delete-secret') {
            const { client_id } = client;
            const { id, create_time } = step.secret;
            if (step.spare_young && !isHourOlder(create_time, secret?.secret.create_time)) {
                log/* info */.pq(`Secret ${id} stays: it is younger than an hour, so another job may be using it.`);
            }
            else {
                await attempt(`secret ${id} of client ${client_id}`, scalekit.clientUrl(client_id, 'secrets', id), () => scalekit.deleteSecret(client_id, id));
            }
        }
        if (step.kind === 'delete-client' && plan.client) {
            const { client_id } = plan.client;
            await attempt(`replaced client ${client_id}`, scalekit.clientUrl(client_id), () => scalekit.deleteClient(client_id));
        }
    }
    return deleted;
}
/** Of an unknown age, nothing is. */
function isHourOlder(one, other) {
    return one !== undefined && other !== undefined && other - one >= HOUR;
}
/** Goes on with the client of a run that was first, and removes the own one. */
async function giveWay(context, plan, rival) {
    const { scalekit, request, journal, vault } = context;
    log/* info */.pq(`Another run made client ${rival.client_id} for the same purpose at the same time, and was first.`);
    const applied = await change(context, planAdoption(request, rival, vault?.saved), rival, true);
    const { removed, left } = await cleanUp(scalekit, { ...journal.state, secret: undefined }, false);
    for (const what of removed)
        log/* info */.pq(`Removed this run's own: ${what}.`);
    left.forEach(log/* warning */.$e);
    // What is left is the post step's to try again.
    if (left.length === 0)
        journal.note({ client: undefined });
    // The client to replace goes all the same: the other run may fail yet, and leave its new client to this one.
    return { ...applied, after: plan.after };
}
/** @param young whether the client was made just now, so that the API may not show it yet everywhere */
async function change(context, plan, existing, young = false) {
    const { scalekit, journal } = context;
    let client = existing;
    let secret;
    for (const step of plan.before) {
        if (step.kind === 'update')
            client = await update(context, client, step.fields, young);
        if (step.kind === 'delete-secret')
            await evict(scalekit, journal, client, step.secret);
        if (step.kind === 'add-secret')
            secret = await addSecret(context, client, { young, evict: !young });
    }
    const token = secret && (await verify(context, client, secret));
    return { result: plan.result, client, secret, token, after: plan.after };
}

;// CONCATENATED MODULE: ./build/github/errors.js




const PERMISSIONS = {
    repository: 'a fine-grained token access to this repository, a classic one the scope repo',
    secrets: 'a fine-grained token the repository permission Secrets (write), a classic one the scope repo',
    variables: 'a fine-grained token the repository permission Variables (write), a classic one the scope repo',
    environment: 'a fine-grained token the repository permissions Environments (write) and Actions (read), a classic one the scope repo',
    runs: "the job's own token permissions with actions: read, a fine-grained one the repository permission Actions (read), a classic one the scope repo",
};
/** Milliseconds to wait after a refusal of too many requests that says nothing else, by GitHub's documentation. */
const UNTOLD_WAIT = 60_000;
/** Milliseconds to wait where a refusal is a rate limit's; nothing where it is none (GitHub: "Rate limits for the REST API"). */
function rateLimit(answer) {
    const { status, headers } = answer;
    if (status !== 403 && status !== 429)
        return undefined;
    const now = timeOf(answer);
    const after = parseRetryAfter(headers['retry-after'], now);
    if (after > 0)
        return after;
    if (headers['x-ratelimit-remaining'] === '0')
        return Math.max(0, Number(headers['x-ratelimit-reset']) * 1000 - now) || 0;
    return /secondary rate limit/i.test(answer.body) ? UNTOLD_WAIT : undefined;
}
function errors_fromAnswer(operation, answer, need) {
    return refusal(operation, answer, errors_serverWords(answer), errors_advice(answer, need));
}
function errors_advice(answer, need) {
    const { status } = answer;
    if (status >= 300 && status < 400)
        return need === 'repository'
            ? 'GitHub redirects this name: the repository was renamed or moved, so give its name of today.'
            : noRedirects(answer, 'give the name that the repository has today.');
    const wait = rateLimit(answer);
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
function errors_serverWords({ body }) {
    let said;
    try {
        said = parseObject(body);
    }
    catch {
        return [];
    }
    const faults = Array.isArray(said.errors) ? said.errors.map((fault) => Object(fault).message ?? fault) : [];
    return [said.message, ...faults]
        .filter((text) => typeof text === 'string')
        .slice(0, 10)
        .map((text) => (0,log/* cut */.Jj)((0,log/* oneLine */.TN)(text), 300));
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
            need: 'repository',
        };
        return await this.read(call, (repository) => {
            const { id, full_name } = repository;
            if (!isPositive(id))
                throw new AnswerError('id is not a number');
            if (typeof full_name !== 'string' || full_name.toLowerCase() !== name.toLowerCase())
                throw new AnswerError('it shows another repository');
            return parse(repository);
        });
    }
    /** Reads a workflow run. @returns nothing where GitHub shows no such run */
    async getRun(name, run_id) {
        const [owner = '', repo = ''] = name.split('/');
        const operation = 'read the workflow runs that clients were made for';
        const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}';
        return await this.find({ operation, route, parameters: { owner, repo, run_id }, need: 'runs' }, (run) => {
            if (typeof run.id === 'object' || String(run.id) !== run_id)
                throw new AnswerError('it shows another run');
            const { run_attempt } = run;
            if (!isPositive(run_attempt))
                throw new AnswerError('run_attempt is not a number');
            return { status: string(run, 'status'), run_attempt };
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
        const answer = await this.send(call);
        try {
            return parse(parseObject(answer.body), timeOf(answer));
        }
        catch (error) {
            throw error instanceof AnswerError ? badAnswer(call.operation, answer, error.message, '') : error;
        }
    }
    /** Sends a request, again where its answer is lost. @returns an answer that says success */
    async send({ operation, route, parameters, need, made, onSend }) {
        const { api, token } = this.#access;
        // Loaded by the few runs that need it.
        // Its context reads the event too, and stumbles where that is not readable.
        delete process.env.GITHUB_EVENT_PATH;
        const { getOctokit } = await Promise.all(/* import() */[__webpack_require__.e(413), __webpack_require__.e(143)]).then(__webpack_require__.bind(__webpack_require__, 413));
        const outcome = {};
        const fetch = async (url, { method, headers, body }) => {
            const call = { method, url: new URL(url), headers, body, repeatable: true, rateLimit: rateLimit, onSend };
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
        const { answer, error } = outcome;
        if (error instanceof NetworkError)
            throw noAnswer(operation, error, 'GITHUB_API_URL');
        if (!answer)
            throw error;
        if (answer.status === 404 && !isApiAnswer(answer))
            throw badAnswer(operation, answer, "it is not GitHub's", 'Check who answers at GITHUB_API_URL.');
        if (answer.status < 200 || answer.status > 299)
            throw errors_fromAnswer(operation, answer, need);
        if (made && !made.includes(answer.status))
            throw badAnswer(operation, answer, `GitHub says ${made.join(' or ')} where it is done`, '');
        return answer;
    }
}
function isPositive(value) {
    return Number.isSafeInteger(value) && Number(value) > 0;
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(24);
;// CONCATENATED MODULE: ./build/summary.js



/** Characters. */
const LONGEST_VALUE = 200;
const MOST_VALUES = 50;
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
        .slice(0, MOST_VALUES)
        .map((value) => `<code>${escapeHtml(log/* cut */.Jj(log/* oneLine */.TN(value), LONGEST_VALUE))}</code>`);
    const more = values.length > MOST_VALUES ? [`and ${values.length - MOST_VALUES} more`] : [];
    return [...shown, ...more].join('<br>') || '–';
}
function escapeHtml(text) {
    const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

;// CONCATENATED MODULE: ./build/publish.js




/** Sets the outputs, takes what is the user's now out of the state, and says so. Secret and token are masked by then. */
function publish(request, applied, journal, vault) {
    const { result, client, secret, token } = applied;
    const { client_id } = client;
    const { organization_id, access_token } = request;
    const outputs = {
        client_id,
        // Empty where an existing client is reused: its secrets are shown to nobody again.
        secret: secret?.plain_secret ?? '',
        secret_id: secret?.secret.id ?? '',
        organization_id,
        result,
        ...(access_token &&
            token && { access_token: token.access_token, access_token_expires_at: isoTime(token.expires_at) }),
    };
    try {
        setOutputs(outputs);
    }
    catch (error) {
        throw secret && vault ? new Error(`${log/* message */.iU(error)} The pair is saved already, as ${vault.names}.`) : error;
    }
    journal.release(client_id);
    log/* info */.pq(publish_sentence(request, applied));
    if (secret && vault)
        log/* info */.pq(`Saved the pair as ${vault.names}.`);
}
/** ISO 8601, in UTC. @param seconds since the epoch; a number that no date has is none */
function isoTime(seconds) {
    const date = new Date((seconds ?? Number.NaN) * 1000);
    return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}
/** Shows what a run without `dry_run` would do. */
function publishPlan(request, vault, { client, before, after }) {
    const { organization_id } = request;
    setOutputs({ ...(client && { client_id: client.client_id }), organization_id, result: 'planned' });
    const steps = [
        ...before.map((step) => stepText(request, vault, client?.client_id ?? '', step, false)),
        ...after.map((step) => stepText(request, vault, client?.client_id ?? '', step, true)),
    ];
    log/* info */.pq(`Dry run in organization ${organization_id}: nothing was changed. A run without dry_run would`);
    for (const { text, differences } of steps) {
        log/* info */.pq(`- ${text}`);
        for (const { field, wanted, got } of differences)
            log/* info */.pq(`    ${field}: from ${got} to ${wanted}`);
    }
    if (steps.length === 0)
        log/* info */.pq('- change nothing');
    const rows = steps.flatMap(({ text, differences }) => [
        [{ data: cell([text]), colspan: '3' }],
        ...differences.map(({ field, wanted, got }) => [cell([field]), cell([got]), cell([wanted])]),
    ]);
    const header = ['Step or field', 'Now', 'Then'].map((data) => ({ data, header: true }));
    writeSummary('Scalekit organization client: plan, nothing was changed', [header, ...rows]);
}
function stepText({ fields, trailer }, vault, client_id, step, after) {
    switch (step.kind) {
        case 'create': {
            const names = Object.keys(fields);
            const until = trailer.lifetime === 'job' ? ', and delete it when the job ends' : '';
            return { text: `create a client${until}`, differences: compareFields(names, fields, {}) };
        }
        case 'update':
            return { text: `update client ${client_id}`, differences: step.differences };
        case 'add-secret':
            return { text: `add a secret to client ${client_id}`, differences: [] };
        case 'save':
            return { text: `save the pair as ${vault?.names}`, differences: [] };
        case 'delete-secret': {
            const why = after ? (step.spare_young ? ', unless it is younger than an hour' : '') : ' to make room';
            return { text: `delete secret ${step.secret.id} of client ${client_id}${why}`, differences: [] };
        }
        case 'delete-client':
            return { text: `delete client ${client_id}`, differences: [] };
    }
}
function setOutputs(outputs) {
    try {
        for (const [name, value] of Object.entries(outputs))
            (0,core/* setOutput */.uH)(name, value);
    }
    catch (error) {
        throw new Error(`Could not set the outputs: ${log/* message */.iU(error)}.`);
    }
}
/** What was deleted since, in the log, and a table in the job summary. Neither can fail the step. */
function report(request, vault, applied, deleted) {
    const { trailer, fields, organization_id } = request;
    const { result, client, secret } = applied;
    for (const what of deleted)
        log/* info */.pq(`Deleted ${what}.`);
    const rows = [
        ['Result', result],
        ['Client', client.client_id],
        ['Organization', organization_id],
        ['Name', client.name],
        ['Scopes', ...client.scopes],
        ['Audience', ...client.audience],
        ['Claims', ...client.custom_claims.map(({ key, value }) => `${key}=${value}`)],
        ['Token expiry', ...expiryText(fields.expiry, client.expiry)],
        ['Secret', ...(secret ? [secret.secret.id] : [])],
        ['Secret ends with', ...(secret ? [secret.secret.suffix.slice(-4)].filter(Boolean) : [])],
        ...(vault ? [['Saved', ...(secret ? [vault.names] : [])]] : []),
        ['Deleted', ...deleted],
        ['Lifetime', trailer.lifetime],
        ['Run', trailer.run],
    ];
    writeSummary('Scalekit organization client', rows.map(([title, ...values]) => [{ data: title, header: true }, cell(values)]));
}
function publish_sentence({ organization_id, trailer, place, on_existing }, { result, client, secret }) {
    const which = `client ${client.client_id} ${JSON.stringify(client.name)} in organization ${organization_id}`;
    if (result === 'reused' && place)
        return `Reused ${which}: the pair that is saved is this client's.`;
    if (result === 'reused')
        return `Reused ${which}. A secret is shown once only, when it is made, so the output secret is empty: use the one that was stored then, or on_existing: rotate.`;
    const why = on_existing === 'reuse' ? ', since no pair of it was saved' : '';
    if (result === 'rotated')
        return `Added secret ${secret?.secret.id} to ${which}${why}.`;
    return `Created ${which}${trailer.lifetime === 'job' ? '; it is deleted when the job ends' : ''}.`;
}
/** An answer may leave the expiry out, so what was asked for is not said as a fact. */
function expiryText(asked, made) {
    if (made)
        return [`${made} seconds`];
    return asked ? [`${asked} seconds (asked for)`] : [];
}

// EXTERNAL MODULE: ./build/claims.js
var build_claims = __webpack_require__(34);
// EXTERNAL MODULE: ./build/inputs.js + 1 modules
var build_inputs = __webpack_require__(587);
// EXTERNAL MODULE: ./build/reader.js
var reader = __webpack_require__(276);
;// CONCATENATED MODULE: ./build/request.js





/**
 * What the inputs come to, once it is known which repository and environment they are about.
 * @throws {InputError} that names what does not go together
 */
function makeRequest(inputs, target) {
    const faults = new reader/* Faults */.CG();
    const report = (input) => faults.report(input);
    const claims = (0,build_claims/* checkClaims */.Kz)(inputs, target, report);
    (0,build_inputs/* checkPlace */.uD)(inputs, target, report);
    faults.finish();
    const { scopes, audience, expiry, name, description, lifetime, runner, repository_claims } = inputs;
    const { repository, repository_id, environment } = target;
    const identity = identityOf(inputs, target, lifetime);
    const trailer = {
        key: identityKey(identity),
        repo: repositoryMark(repository, repository_id),
        // As sweep/ knows it, which asks for no ID token.
        by: repositoryMark(runner.repository, runner.repository_id),
        run: runner.run,
        lifetime,
        nonce: drawNonce(),
    };
    const purpose = `Made by GitHub Actions for ${repository}${environment && `, environment ${environment}`}.`;
    const noId = 'This runner does not tell GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.';
    return {
        ...inputs,
        fields: {
            name: name || shorten(`GitHub Actions: ${repository}${environment && ` (${environment})`}`, build_inputs/* LONGEST_NAME */.B6),
            description: description || shorten(purpose, formats/* LONGEST_OWN_DESCRIPTION */.pT),
            ...(scopes.length > 0 && { scopes }),
            ...(audience.length > 0 && { audience }),
            ...(claims.length > 0 && { custom_claims: claims }),
            ...(expiry && { expiry }),
        },
        given: { name: name !== '', description: description !== '' },
        trailer,
        identity,
        place: placeOf(inputs, target),
        notices: !repository_claims && repository_id === undefined ? [noId] : [],
    };
}
/** What the client of these inputs is known by. */
function identityOf({ name }, target, lifetime) {
    const { repository, repository_id, environment } = target;
    return { repository, repository_id, environment, name: name || undefined, lifetime };
}
/**
 * Where the pair is kept.
 * @returns nothing where it is not
 * @throws {InputError} where that is an environment and there is none
 */
function settlePlace(inputs, target) {
    const faults = new Faults();
    checkPlace(inputs, target, (input) => faults.report(input));
    faults.finish();
    return placeOf(inputs, target);
}
function placeOf({ saving }, target) {
    if (!saving)
        return undefined;
    const { to, variable, secret } = saving;
    return {
        repository: target.repository,
        environment: to === 'environment' ? target.environment : '',
        variable,
        secret,
    };
}
/** A text of bounded length in which two long ones that differ stay different. */
function shorten(text, most) {
    const characters = [...text];
    if (characters.length <= most)
        return text;
    const kept = most - 9;
    return `${characters.slice(0, kept).join('')}~${hash(characters.slice(kept).join('')).slice(0, 8)}`;
}

;// CONCATENATED MODULE: ./build/step.js


/** Does what the inputs ask for; it ends early, and badly, when the runner cancels the run. */
async function carryOut(inputs, work) {
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

// EXTERNAL MODULE: ./build/github/runner.js
var runner = __webpack_require__(801);
;// CONCATENATED MODULE: ./build/github/idtoken.js






const OPERATION = "get GitHub's ID token";
const REMEDY = 'The job needs permissions with id-token: write, and GitHub has to answer. Without that permission the claims come from the runner.';
/**
 * Gets the job's ID token.
 * @returns its claims
 * @throws {ApiError} later, and at once, with nothing sent, where the runner's variables cannot be used
 */
function getIdToken(transport, env) {
    const token = env[runner/* ID_TOKEN_TOKEN */._e]?.trim() ?? '';
    (0,mask/* mask */.dK)(token);
    // Anything else would break the header that carries it.
    if (!/^[\x21-\x7e]+$/.test(token))
        throw new Error(`Could not ${OPERATION}: ${runner/* ID_TOKEN_TOKEN */._e} holds no token. ${REMEDY}`);
    const url = URL.parse(env[runner/* ID_TOKEN_URL */.e_] ?? '');
    if (!url || !(0,formats/* isSafe */.IP)(url))
        throw new Error(`Could not ${OPERATION}: ${runner/* ID_TOKEN_URL */.e_} is no https address. ${REMEDY}`);
    return requestToken(transport, url, token);
}
async function requestToken(transport, url, token) {
    let answer;
    try {
        const headers = { authorization: `Bearer ${token}` };
        answer = await transport.send({ method: 'GET', url, headers, repeatable: true });
    }
    catch (error) {
        throw error instanceof NetworkError ? noAnswer(OPERATION, error, runner/* ID_TOKEN_URL */.e_, REMEDY) : error;
    }
    const { status, body } = answer;
    if (status >= 300 && status < 400)
        throw refusal(OPERATION, answer, [], noRedirects(answer, REMEDY));
    if (status < 200 || status > 299)
        throw refusal(OPERATION, answer, [], REMEDY);
    try {
        const value = string(parseObject(body), 'value');
        (0,mask/* mask */.dK)(value);
        const payload = tokenPayload(value);
        if (!payload)
            throw new AnswerError('it holds no ID token');
        return payload;
    }
    catch (error) {
        throw error instanceof AnswerError ? badAnswer(OPERATION, answer, error.message, REMEDY) : error;
    }
}

;// CONCATENATED MODULE: ./build/target.js






/**
 * Finds out which repository and environment the inputs are about, and what is known about them.
 * @throws later, where nobody can say, or two say different things; at once, with nothing sent, where nobody can be asked
 */
function findTarget(aim, transport, env) {
    return askForTarget(aim, transport, env).then((target) => {
        log/* info */.pq(SENTENCES[target.source](target));
        if (target.asserted)
            log/* info */.pq(`The environment ${(0,formats/* quote */.hD)(target.environment)} is asserted: only the input names it.`);
        return target;
    });
}
const SENTENCES = {
    token: () => "Claims about the repository come from GitHub's ID token.",
    runner: () => "Claims about the repository come from the runner's variables, since this job may not have an ID token (permissions: id-token: write).",
    api: ({ repository }) => `Claims about ${repository} come from GitHub's API.`,
};
function askForTarget(aim, transport, env) {
    const { source, runner, repository, environment, github } = aim;
    if (source === 'api' && github)
        return new GitHub(transport, github).getRepository(repository, (told) => (0,build_claims/* repositoryTarget */.IX)(told, environment));
    const own = (0,build_claims/* runnerTarget */.UA)(runner, env, environment);
    if (source === 'runner')
        return Promise.resolve(own);
    return getIdToken(transport, env).then((payload) => {
        const faults = new reader/* Faults */.CG();
        const target = (0,build_claims/* tokenTarget */.bK)(payload, own, (input) => faults.report(input));
        faults.finish();
        return target;
    });
}

;// CONCATENATED MODULE: ./build/provision.js












/** Finds or makes the client that the inputs ask for, and hands its pair out. */
async function provision(inputs) {
    await carryOut(inputs, work);
}
async function work(inputs, transport) {
    const [asked, scalekit] = await Promise.all([
        findTarget(inputs, transport, process.env).then((target) => makeRequest(inputs, target)),
        Scalekit.open(transport, inputs),
    ]);
    const request = { ...asked, organization_id: scalekit.organization_id };
    request.notices.forEach(log/* notice */.lm);
    const { github, place } = request;
    const vault = github && place && new Vault(new GitHub(transport, github), place);
    const [found] = await Promise.all([find(scalekit, request), vault?.open()]);
    found.notices.forEach(log/* notice */.lm);
    const planned = plan(request, { ...found, saved: vault?.saved });
    planned.warnings.forEach(log/* warning */.$e);
    if (transport.cancelled)
        throw new Error('Nothing was changed.');
    if (request.dry_run)
        return publishPlan(request, vault, planned);
    const context = { scalekit, request, vault, journal: openJournal(request) };
    const applied = await handOut(context, planned, found);
    transport.openReserve();
    const deleted = await finish(context, planned, applied);
    report(request, vault, applied, deleted);
    if (transport.cancelled)
        throw new Error('The pair had been handed out already.');
}
/** @throws with what became of what the step had made, where anything fails before the pair is published */
async function handOut(context, planned, found) {
    const { scalekit, request, journal, vault } = context;
    const { transport } = scalekit;
    try {
        const applied = await apply(context, planned, found);
        // A pair that is saved is handed out already.
        if (transport.cancelled && !(vault && applied.secret))
            throw new Error('The pair was not handed out.');
        publish(request, applied, journal, vault);
        return applied;
    }
    catch (error) {
        if (transport.cancelled)
            throw leave(journal, error);
        transport.openReserve();
        throw await undo(scalekit, vault, journal, error);
    }
}


/***/ })

};
;