"use strict";
exports.id = 471;
exports.ids = [471];
exports.modules = {

/***/ 471:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  provision: () => (/* binding */ provision)
});

// EXTERNAL MODULE: ./build/scalekit/types.js
var types = __webpack_require__(179);
;// CONCATENATED MODULE: ./build/client/drift.js
/** How an empty field is shown. */
const NONE = 'none';
/**
 * Compares a client with the desired one. Scopes, audience and claims are compared as sets, and a list that was not
 * given is expected to be empty. The name, the description without its ownership marker, and the expiry are compared
 * only if they were given.
 */
function findDrift({ fields, given }, client) {
    const compared = ['scopes', 'audience', 'custom_claims'];
    if (fields.expiry)
        compared.push('expiry');
    if (given.name)
        compared.push('name');
    if (given.description)
        compared.push('description');
    return compareFields(compared, fields, { ...client, description: client.descriptionText });
}
/**
 * Compares the desired client with the response to the request that created or updated it, organization included. An
 * expiry or organization that the response omits is not a difference.
 */
function differencesInResponse(desired, client) {
    const { organization_id } = client;
    return [
        ...findDrift(desired, client).filter(({ field, got }) => field !== 'expiry' || got !== NONE),
        ...compareSets([['organization_id', [desired.organization_id], [organization_id || desired.organization_id]]]),
    ];
}
/** Returns one line of text for each difference. */
function formatDifferences(found) {
    return found.map(({ field, wanted, got }) => `${field}: wanted ${wanted}; got ${got}`).join('\n');
}
/** Returns the named fields whose values differ. Lists are compared as sets. */
function compareFields(names, wanted, got) {
    const [wantedTexts, gotTexts] = [fieldTexts(wanted), fieldTexts(got)];
    return compareSets(names.map((field) => [field, wantedTexts[field], gotTexts[field]]));
}
/** Returns the fields whose two sets of values differ. */
function compareSets(fields) {
    return fields
        .map(([field, wanted, got]) => ({ field, wanted: setText(wanted), got: setText(got) }))
        .filter(({ wanted, got }) => wanted !== got);
}
/**
 * Returns each claim as `key=value`. A backslash or `=` in a key is escaped, so that different claims have different
 * texts.
 */
function claimTexts(claims = []) {
    return claims.map(({ key, value }) => `${key.replace(/[\\=]/g, '\\$&')}=${value}`);
}
function fieldTexts(fields) {
    const { name, description, scopes = [], audience = [], custom_claims, expiry } = fields;
    return {
        name: valueTexts(name),
        description: valueTexts(description),
        scopes,
        audience,
        custom_claims: claimTexts(custom_claims),
        expiry: valueTexts(expiry),
    };
}
function valueTexts(value) {
    return value === undefined || value === '' ? [] : [String(value)];
}
function setText(entries) {
    return ([...new Set(entries)]
        .sort()
        .map((entry) => JSON.stringify(entry))
        .join(', ') || NONE);
}

;// CONCATENATED MODULE: ./build/client/retirement.js

/**
 * Returns the secrets to delete before another one can be added, because the API limits their number. Never returns the
 * newest active secret, nor a secret whose creation time is unknown.
 */
function evictions(secrets) {
    const dated = inRetirementOrder(secrets.filter(({ create_time }) => create_time !== undefined));
    const newest = dated
        .filter(({ active }) => active)
        .sort(types/* byCreateTime */.lG)
        .at(-1);
    return dated.filter((secret) => secret !== newest).slice(0, Math.max(0, secrets.length + 1 - types/* MAX_SECRETS */.bC));
}
/**
 * Returns the secrets to delete after a new one is published.
 * @param secrets without the new one
 * @param keep how many secrets the client keeps, the new one included
 */
function retirements(secrets, keep) {
    return inRetirementOrder(secrets).slice(0, Math.max(0, secrets.length + 1 - keep));
}
/** Returns the secrets in the order in which they are deleted: inactive ones first, then the oldest. */
function inRetirementOrder(secrets) {
    return [...secrets].sort((one, other) => Number(one.active) - Number(other.active) || (0,types/* byCreateTime */.lG)(one, other));
}

;// CONCATENATED MODULE: ./build/client/plan.js



/** Milliseconds between the two requests of a save, the variable and then the secret. This is an ample limit. */
const MAX_SAVE_DURATION = 60_000;
/**
 * Plans the steps from what exists to the desired client.
 * @throws {Error} if there is no such plan: the client exists and `on_existing` is `fail`, or a list would have to be
 * emptied, which only a new client allows
 */
function planChanges(desired, { client, others, saved }) {
    const save = desired.location ? [{ kind: 'save' }] : [];
    if (!client)
        return { result: 'created', beforePublish: [{ kind: 'create' }, ...save], afterPublish: [], warnings: [] };
    const warnings = others.length > 0 ? [duplicatesWarning(client.client_id, others)] : [];
    // The value of an existing secret cannot be read. If it was not saved, the client needs another secret.
    const savedCredentialsMissing = desired.on_existing === 'reuse' && desired.location !== undefined && !isSaved(saved, client.client_id);
    switch (savedCredentialsMissing ? 'rotate' : desired.on_existing) {
        case 'fail':
            throw planError(`Client ${client.client_id} ${JSON.stringify(client.name)} exists already, and on_existing is fail.`, warnings);
        case 'replace': {
            const before = [{ kind: 'create' }, ...save];
            return { result: 'replaced', client, beforePublish: before, afterPublish: [{ kind: 'delete-client' }], warnings };
        }
        case 'reuse':
            return {
                result: 'reused',
                client,
                beforePublish: driftCorrections(desired, client, warnings),
                afterPublish: [],
                warnings,
            };
        case 'rotate':
            return planRotation(desired, client, save, warnings);
    }
}
/**
 * Plans for a run that lost a race against a concurrent run, as if it had found the winner's client. It deletes nothing
 * on that client, because the secrets of other runs are as new as its own.
 * @throws {Error} as `planChanges`
 */
function planForWinner(desired, client, saved) {
    const on_existing = desired.on_existing === 'replace' ? 'rotate' : desired.on_existing;
    const winnerPlan = planChanges({ ...desired, on_existing }, { client, others: [], saved });
    return {
        ...winnerPlan,
        beforePublish: winnerPlan.beforePublish.filter(({ kind }) => kind !== 'delete-secret'),
        afterPublish: [],
        warnings: [],
    };
}
function duplicatesWarning(client_id, others) {
    return `Several clients are this repository's for the same purpose. This run uses the oldest, ${client_id}, and touches none of the others: ${others.join(', ')}. Delete those that nobody uses.`;
}
/**
 * Returns whether GitHub Actions has the credentials of this client. A save writes the secret last. So if the variable
 * is much newer than the secret, the secret of that save was never written. If a time is unknown, the credentials count
 * as saved.
 */
function isSaved(saved, client_id) {
    if (saved?.client_id !== client_id || saved.secretTime === undefined)
        return false;
    return !(Date.parse(saved.variableTime ?? '') - Date.parse(saved.secretTime) > MAX_SAVE_DURATION);
}
/** Returns the error that there is no plan. It includes the warnings, since they are not shown otherwise. */
function planError(text, warnings) {
    return new Error([text, ...warnings].join('\n'));
}
/**
 * Returns the step that corrects the fields that drifted and adds the ownership marker to a client without one. Returns
 * no step if nothing has to change.
 * @param warnings to include in the error if there is no plan
 * @throws {Error} if a list would have to be emptied
 */
function driftCorrections(desired, client, warnings) {
    const drifted = findDrift(desired, client);
    const emptied = drifted.filter(({ wanted }) => wanted === NONE);
    if (emptied.length > 0) {
        throw planError(`Client ${client.client_id} has what was not asked for, and the API cannot empty a list: use on_existing: replace, which makes a new client and then deletes this one.\n${formatDifferences(emptied)}`, warnings);
    }
    if (!client.marker && !drifted.some(({ field }) => field === 'description'))
        drifted.push({
            field: 'description',
            wanted: 'a last line by which this action knows the client again',
            got: NONE,
        });
    const description = desired.given.description ? desired.fields.description : client.descriptionText;
    const fields = { ...desired.fields, description };
    const changes = Object.fromEntries(drifted.map(({ field }) => [field, fields[field]]));
    return drifted.length > 0 ? [{ kind: 'update', fields: changes, differences: drifted }] : [];
}
/**
 * Plans the rotation: corrections, a new secret, its saving, and then the deletion of old secrets. A secret that has to
 * be deleted to make room is never spared. An old one is spared if it is recent, unless only the new one is to be kept.
 */
function planRotation(desired, client, save, warnings) {
    const evicted = evictions(client.secrets);
    const notEvicted = client.secrets.filter((secret) => !evicted.includes(secret));
    const evictionWarnings = evicted.map(({ id }) => `Client ${client.client_id} has ${client.secrets.length} secrets, and ${types/* MAX_SECRETS */.bC} is the most: ${id} has to go before a new one is made, however young it is.`);
    const spareRecent = desired.keep_secrets > 1;
    return {
        result: 'rotated',
        client,
        beforePublish: [
            ...driftCorrections(desired, client, warnings),
            ...evicted.map((secret) => ({ kind: 'delete-secret', secret, spareRecent: false })),
            { kind: 'add-secret' },
            ...save,
        ],
        afterPublish: retirements(notEvicted, desired.keep_secrets).map((secret) => ({
            kind: 'delete-secret',
            secret,
            spareRecent,
        })),
        warnings: [...warnings, ...evictionWarnings],
    };
}

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
    /** Waits. @throws {NetworkError} if the deadline comes first, or if the run is cancelled */
    async pause(milliseconds) {
        if (milliseconds >= this.remaining)
            throw deadlineError();
        if (!(await this.#sleep(milliseconds)))
            throw cancelledError();
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
        for (let [attempt, earlierOutcomeUnknown] = [1, false];; attempt++) {
            const outcome = await this.#attempt(request, attempt);
            if (this.cancelled || !this.#mayRepeat(request, outcome, attempt))
                return finalResult(outcome, attempt, earlierOutcomeUnknown);
            const delay = retryDelay(attempt, retryAfter(request, outcome), this.remaining - MIN_RETRY_TIME);
            if (delay === undefined || !(await this.#sleep(delay)))
                return finalResult(outcome, attempt, earlierOutcomeUnknown);
            earlierOutcomeUnknown ||= outcome instanceof NetworkError ? outcome.reached : isOutcomeUnknown(outcome.status);
        }
    }
    /** Sends a request once and logs the result. Returns errors of the network instead of throwing them. */
    async #attempt(request, attempt) {
        const started = clock();
        const outcome = await this.#exchange(request, this.#deadline.requestTimeout);
        const result = outcome instanceof NetworkError ? outcome.code : outcome.status;
        const milliseconds = Math.round(clock() - started);
        output_log/* debug */.Yz(`${request.method} ${request.url.pathname} ${result} ${milliseconds} ms attempt ${attempt}`);
        return outcome;
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
            reject(new NetworkError(`no answer ${limit}`, 'TIMEOUT', reached));
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
    #mayRepeat(request, outcome, attempt) {
        if (outcome instanceof NetworkError) {
            // A TLS error at a host that has sent a response before is temporary.
            const isPermanent = outcome.isPermanent && !(outcome.isTlsError && this.#answered.has(request.url.host));
            return !isPermanent && (request.repeatable || !outcome.reached) && attempt < MAX_ATTEMPTS;
        }
        // After a rate limit, the server has done nothing and says when to retry. Only the deadline limits these retries.
        if (outcome.status === 429 || request.rateLimitWait?.(outcome) !== undefined)
            return true;
        const isTemporary = outcome.status === 408 || outcome.status === 425 || outcome.status >= 500;
        // After 425 Too Early (RFC 8470), the server has done nothing.
        return (request.repeatable || outcome.status === 425) && isTemporary && attempt < MAX_ATTEMPTS;
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
function isOutcomeUnknown(status) {
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
/** Returns the response, or throws the error, and adds what earlier attempts contribute. */
function finalResult(outcome, attempts, earlierOutcomeUnknown) {
    if (!(outcome instanceof NetworkError))
        return { ...outcome, earlierOutcomeUnknown };
    outcome.reached ||= earlierOutcomeUnknown;
    if (attempts > 1)
        outcome.message += ` (attempt ${attempts})`;
    throw outcome;
}
/** Returns the milliseconds that the server asked to wait, or 0. */
function retryAfter(request, outcome) {
    if (outcome instanceof NetworkError)
        return 0;
    return request.rateLimitWait?.(outcome) ?? parseRetryAfter(outcome.headers['retry-after'], responseTime(outcome));
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

;// CONCATENATED MODULE: ./build/net/api-error.js



// The errors of the Scalekit and GitHub APIs, and the advice about the network that both have in common. scalekit/errors.ts
// and github/errors.ts add the advice for the responses of each API.
/** A failed API request: the operation, the status, the server's own message, and what the user can do. */
class ApiError extends Error {
    name = 'ApiError';
    /** Whether the server may have carried the request out although it failed. */
    outcomeUnknown;
    /** Status of the response. Undefined if there was no response, or if it does not have the API's form. */
    status;
    /** @param outcomeUnknown whether the server may have carried the request out */
    constructor(message, outcomeUnknown, options = {}) {
        super(message, { cause: options.cause });
        this.outcomeUnknown = outcomeUnknown;
        this.status = options.status;
    }
}
/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 * @param messages the server's own messages
 * @param advice what the user can do, a sentence, or empty
 */
function refusedError(operation, { status, earlierOutcomeUnknown }, messages, advice) {
    const outcomeUnknown = isOutcomeUnknown(status) || earlierOutcomeUnknown === true;
    return new ApiError(errorSentence(operation, [`HTTP ${status}`, ...messages].join(': '), advice), outcomeUnknown, {
        status,
    });
}
/**
 * Returns the error for a request that got no complete response.
 * @param operation completes "Could not …"
 * @param setting name of the input or variable that holds the server's URL
 * @param moreAdvice what else the user can do, a sentence, or empty
 */
function unansweredError(operation, error, setting, moreAdvice = '') {
    const advice = [networkAdvice(error, setting), moreAdvice].filter(Boolean).join(' ');
    return new ApiError(errorSentence(operation, error.message, advice), error.reached, { cause: error });
}
/**
 * Returns the error for a response that does not have the form that the API documents. The outcome of the request is
 * unknown.
 * @param operation completes "Could not …"
 * @param reason completes "HTTP 200, but …"
 * @param advice what the user can do, a sentence, or empty
 */
function invalidResponseError(operation, { status }, reason, advice) {
    return new ApiError(errorSentence(operation, `HTTP ${status}, but ${reason}`, advice), true);
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
    if (status === 429 || wait !== undefined) {
        const seconds = wait && Number.isFinite(wait) ? ` (it says: come back after ${Math.ceil(wait / 1000)} seconds)` : '';
        return `The rate limit of github_token is reached for longer than this step may wait${seconds}: run fewer jobs at once, or raise timeout.`;
    }
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
 * redirects are handled as for Scalekit. Every method that sends a request throws an ApiError if the request fails.
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
     * Reads an object that may not exist.
     * @param parse gets the object and the server's time in milliseconds since the epoch; throws an InvalidResponseError
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
        const response = await this.send(request);
        try {
            return parse((0,json/* parseJsonObject */.dw)(response.body), responseTime(response));
        }
        catch (error) {
            throw error instanceof json/* InvalidResponseError */.tF
                ? invalidResponseError(request.operation, response, error.message, '')
                : error;
        }
    }
    /**
     * Sends a request, and retries it even if its outcome is unknown.
     * @returns a response that says success
     */
    async send(request) {
        const { operation, route, parameters, successStatuses, onSend } = request;
        const { api, token } = this.#access;
        // @actions/github is loaded here because few runs need it. While it loads, it parses the event file, and throws if
        // the file is not JSON.
        delete process.env.GITHUB_EVENT_PATH;
        const { getOctokit } = await Promise.all(/* import() */[__webpack_require__.e(413), __webpack_require__.e(143)]).then(__webpack_require__.bind(__webpack_require__, 413));
        const outcome = {};
        const fetch = async (url, { method, headers, body }) => {
            const call = { method, url: new URL(url), headers, body, repeatable: true, rateLimitWait: rateLimitWait, onSend };
            try {
                outcome.response = await this.transport.send(call);
            }
            catch (error) {
                outcome.error = error;
            }
            // Octokit gets an empty response. The code below evaluates the real one.
            return { status: 204, url, headers: [] };
        };
        await getOctokit(token, { baseUrl: api, request: { fetch } }).request(route, parameters);
        const { response, error } = outcome;
        if (error instanceof NetworkError)
            throw unansweredError(operation, error, 'GITHUB_API_URL');
        if (!response)
            throw error;
        if (response.status === 404 && !isApiResponse(response))
            throw invalidResponseError(operation, response, "it is not GitHub's", 'Check who answers at GITHUB_API_URL.');
        if (response.status < 200 || response.status > 299)
            throw githubRefusal(request, response);
        if (successStatuses && !successStatuses.includes(response.status))
            throw invalidResponseError(operation, response, `GitHub says ${successStatuses.join(' or ')} where it is done`, '');
        return response;
    }
}
function isPositive(value) {
    return Number.isSafeInteger(value) && Number(value) > 0;
}

;// CONCATENATED MODULE: ./build/github/saved-credentials.js




/** Milliseconds. GitHub's times are whole seconds. */
const TIME_RESOLUTION = 1_000;
/** Milliseconds between two reads of a secret that GitHub may still be writing. */
const POLL_INTERVAL = 1_000;
/** Length of a public key (X25519) in bytes. */
const KEY_LENGTH = 32;
/** Client credentials in GitHub Actions. Every method that sends a request throws an ApiError if the request fails. */
class SavedCredentials {
    location;
    /** The result of the last refresh(). */
    snapshot = { client_id: undefined, secretTime: undefined };
    #github;
    /** Whether `snapshot` may be outdated, because a refresh() has not finished or has failed. */
    #stale = false;
    /** GitHub's public key for secrets, in base64, and its id. */
    #publicKey = { key: '', key_id: '' };
    constructor(github, location) {
        this.location = location;
        this.#github = github;
    }
    /** The transport that the requests to GitHub use. */
    get transport() {
        return this.#github.transport;
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
     * Reads everything that a write needs: the public key, the environment and the snapshot. Throws if the token cannot
     * read one of them. Whether the token can write is not known before the first write.
     */
    async open() {
        const reads = [
            this.#readPublicKey(),
            this.location.environment ? this.#requireEnvironment() : undefined,
            this.refresh(),
        ];
        // If several reads fail, the error of the public key is the most useful one.
        for (const read of await Promise.allSettled(reads))
            if (read.status === 'rejected')
                throw read.reason;
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
    /** Reads the variable and the secret again, updates `snapshot` and returns it. */
    async refresh() {
        this.#stale = true;
        const [variable, secret] = await Promise.all([this.#getVariable(), this.#getSecret()]);
        this.#stale = false;
        this.snapshot = { client_id: variable?.value, variableTime: variable?.time, secretTime: secret?.time };
        return this.snapshot;
    }
    /** Returns the variable's value, or undefined if it does not exist. */
    async getVariable() {
        return (await this.#getVariable())?.value;
    }
    /**
     * Creates or updates the variable. If the outcome is unknown, reads the variable again to find out.
     * @param exists whether an update is tried first, or else a creation. If GitHub says that the variable does not
     *   exist, or already exists, the other one follows.
     * @param onSend called before each attempt
     */
    async setVariable(value, exists, onSend) {
        const create = { ...this.#variable('write', 'POST', '', { value }), successStatuses: [201], onSend };
        const update = {
            ...this.#variable('write', 'PATCH', '/{name}', { value }),
            successStatuses: [204],
            onSend,
        };
        const [first, second, status] = exists ? [update, create, 404] : [create, update, 409];
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
    /** Deletes the variable. Returns false if it did not exist. */
    async deleteVariable() {
        return await this.#delete(this.#variable('delete', 'DELETE', '/{name}'), () => this.#getVariable());
    }
    /**
     * Writes the secret. open() must have been called before. The transport retries the request if its outcome is
     * unknown. If it is still unknown then, the time at which GitHub says that the secret was last written decides.
     * @param seal encrypts the value with GitHub's public key, both in base64
     * @throws {ApiError} its `outcomeUnknown` is true only if nothing shows whether GitHub has the secret
     */
    async setSecret(seal) {
        const before = this.snapshot.secretTime;
        const { key, key_id } = this.#publicKey;
        const parameters = { encrypted_value: this.#seal(seal, key), key_id };
        let firstSent;
        const onSend = () => {
            firstSent ??= clock();
        };
        try {
            await this.#github.send({ ...this.#secret('write', 'PUT', parameters), successStatuses: [201, 204], onSend });
        }
        catch (error) {
            if (!isOutcomeUnknownError(error))
                throw error;
            this.transport.releaseCleanupTime();
            const now = await this.#awaitChange(error, before);
            // The secret no longer exists: someone deleted it, so this write cannot be confirmed.
            if (!now && before !== undefined)
                throw error;
            // The time of the first attempt by GitHub's clock.
            const sentAt = (now?.date ?? 0) - (clock() - (firstSent ?? 0));
            const isOurs = (time) => Date.parse(time) >= sentAt - TIME_RESOLUTION;
            if (now && now.time !== before) {
                // If the snapshot is outdated, another run may have written the secret before this write was sent.
                if (this.#stale && !isOurs(now.time))
                    throw error;
                return;
            }
            // An unchanged time proves nothing if the earlier write may have been in the same second as this one.
            if (before !== undefined && isOurs(before))
                throw error;
            throw new ApiError(`${error.message} GitHub did not take it.`, false, { cause: error });
        }
    }
    /** Deletes the secret. Returns false if it did not exist. */
    async deleteSecret() {
        return await this.#delete(this.#secret('delete', 'DELETE'), () => this.#getSecret());
    }
    async #readPublicKey() {
        const request = this.#request(`read the public key for secrets of ${this.name}`, 'GET', 'secrets', '/secrets/public-key');
        this.#publicKey = await this.#github.read(request, (response) => {
            const [key, key_id] = [(0,json/* stringField */.OM)(response, 'key'), (0,json/* stringField */.OM)(response, 'key_id')];
            if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
                throw new json/* InvalidResponseError */.tF('it holds no public key');
            return { key, key_id };
        });
    }
    async #requireEnvironment() {
        const request = this.#request(`read ${this.name}`, 'GET', 'environment', '');
        await this.#github.send(request).catch((error) => {
            // A token that can read the environment's public key can write there without permission to read environments.
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
    /** @param read reads the variable or secret; returns undefined if it does not exist */
    async #delete(request, read) {
        try {
            await this.#github.send({ ...request, successStatuses: [204] });
            return true;
        }
        catch (error) {
            // If the outcome of an earlier attempt is unknown, that attempt has deleted it.
            if (error instanceof ApiError && error.status === 404)
                return error.outcomeUnknown;
            if (!isOutcomeUnknownError(error) || (await read().catch(() => true)) !== undefined)
                throw error;
            return true;
        }
    }
    #seal(seal, key) {
        try {
            return seal(key);
        }
        catch (error) {
            throw new ApiError(`Could not seal the secret for ${this.name}: its public key is not usable.`, false, {
                cause: error,
            });
        }
    }
    /**
     * Reads the secret after a write whose outcome is unknown. After a timeout GitHub may still be writing, so this waits
     * for another time than `before`.
     * @throws {ApiError} `error` if the secret cannot be read or the run is cancelled
     */
    async #awaitChange(error, before) {
        const isTimeout = error.cause instanceof NetworkError && error.cause.code === 'TIMEOUT';
        // Half of the remaining time is kept for roll-back.
        const reserve = this.transport.remaining / 2;
        for (;;) {
            const now = await this.#getSecret().catch(() => Promise.reject(error));
            if (now?.time !== before || !isTimeout || this.transport.remaining - POLL_INTERVAL < reserve)
                return now;
            await this.transport.pause(POLL_INTERVAL).catch(() => Promise.reject(error));
        }
    }
    #variable(verb, method, path, parameters = {}) {
        const { variable: name } = this.location;
        return this.#request(`${verb} variable ${name} of ${this.name}`, method, 'variables', `/variables${path}`, {
            name,
            ...parameters,
        });
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
 * Returns the URL of the variable in GitHub's API.
 * @param api URL of GitHub's API, without a slash at its end
 */
function variableUrl(api, { repository, environment, variable }) {
    // encodeURIComponent() throws for a lone surrogate, which toWellFormed() replaces.
    const scope = environment ? `environments/${encodeURIComponent(environment.toWellFormed())}` : 'actions';
    return new URL(`${api}/repos/${repository}/${scope}/variables/${variable}`);
}
/** Returns the repository, or the environment and its repository, for a message. */
function locationName({ repository, environment }) {
    return environment ? `environment ${JSON.stringify(environment)} of ${repository}` : repository;
}
/** Returns the names of the variable and the secret for a message. */
function entryNames(location) {
    return `variable ${location.variable} and secret ${location.secret} of ${locationName(location)}`;
}
function isOutcomeUnknownError(error) {
    return error instanceof ApiError && error.outcomeUnknown;
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(598);
// EXTERNAL MODULE: ./build/client/claims.js
var client_claims = __webpack_require__(866);
// EXTERNAL MODULE: ./build/client/description.js
var client_description = __webpack_require__(297);
// EXTERNAL MODULE: ./build/client/faults.js
var client_faults = __webpack_require__(202);
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
    const descriptionText = [...text].slice(0, client_description/* MAX_DESCRIPTION_TEXT */.C).join('');
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
        return 'it was made for another repository, by the last line of its description';
    if (claimsNameRepository(client, identity) === false)
        return 'its claims name another repository';
    if (marker && marker.lifetime !== 'persistent')
        return 'it belongs to one job, by the last line of its description';
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
function isFromThisStep({ description }, { nonce, run }) {
    const marker = identity_parseMarker(description);
    return marker?.nonce === nonce && marker.run === run;
}

// EXTERNAL MODULE: ./build/inputs/inputs.js + 2 modules
var inputs_inputs = __webpack_require__(752);
// EXTERNAL MODULE: ./build/inputs/specs.js + 3 modules
var specs = __webpack_require__(843);
;// CONCATENATED MODULE: ./build/inputs/desired-client.js








const NO_REPOSITORY_ID = 'This runner does not set GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.';
/**
 * Derives the desired client from the inputs and the target.
 * @throws {InputError} if inputs and target contradict each other
 */
function desiredClientFrom(inputs, target) {
    const faults = new client_faults/* Faults */.C(specs/* INPUT_ORDER */.ov);
    const report = (input) => faults.report(input);
    const claims = (0,client_claims/* deriveClaims */.f)(inputs, target, report);
    (0,inputs_inputs/* checkSecretLocation */.KE)(inputs, target, report);
    faults.finish();
    const identity = identityFor(inputs, target, inputs.lifetime);
    return {
        organization_id: inputs.organization_id,
        fields: clientFields(inputs, target, claims),
        given: { name: inputs.name !== '', description: inputs.description !== '' },
        marker: createMarker(inputs, identity),
        identity,
        client_id: inputs.client_id,
        on_existing: inputs.on_existing,
        keep_secrets: inputs.keep_secrets,
        verify: inputs.verify,
        access_token: inputs.access_token,
        location: secretLocation(inputs, target),
        dry_run: inputs.dry_run,
        notices: [
            ...inputs.notices,
            ...(!inputs.repository_claims && target.repository_id === undefined ? [NO_REPOSITORY_ID] : []),
        ],
    };
}
/** Returns the identity of the client that the inputs and the target mean. */
function identityFor({ name }, target, lifetime) {
    const { repository, repository_id, environment } = target;
    return { repository, repository_id, environment, name: name || undefined, lifetime };
}
/**
 * Returns where the credentials are saved, or undefined if they are not.
 * @throws {InputError} if that is an environment and there is none
 */
function resolveSecretLocation(inputs, target) {
    const faults = new Faults(INPUT_ORDER);
    checkSecretLocation(inputs, target, (input) => faults.report(input));
    faults.finish();
    return secretLocation(inputs, target);
}
/** Returns a new random nonce of 16 characters (96 bits), in base64url. */
function createNonce() {
    return (0,external_node_crypto_.randomBytes)(12).toString('base64url');
}
/** Returns the fields to create the client with. A field without a value is absent. */
function clientFields(inputs, { repository, environment }, claims) {
    const { scopes, audience, expiry, name, description } = inputs;
    const purpose = `Made by GitHub Actions for ${repository}${environment && `, environment ${environment}`}.`;
    return {
        name: name || shorten(`GitHub Actions: ${repository}${environment && ` (${environment})`}`, types/* MAX_NAME */.zB),
        description: description || shorten(purpose, client_description/* MAX_DESCRIPTION_TEXT */.C),
        ...(scopes.length > 0 && { scopes }),
        ...(audience.length > 0 && { audience }),
        ...(claims.length > 0 && { custom_claims: claims }),
        ...(expiry && { expiry }),
    };
}
function createMarker({ runner }, identity) {
    return {
        key: identityHash(identity),
        repo: repositoryReference(identity.repository, identity.repository_id),
        // Not from the ID token: sweep/ compares it with the runner's variables and requests no token.
        by: repositoryReference(runner.repository, runner.repository_id),
        run: runner.run,
        lifetime: identity.lifetime,
        nonce: createNonce(),
    };
}
function secretLocation({ saving }, target) {
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
/**
 * Returns at most `max` characters of a text. If it is longer, its end is replaced by a hash, so that different texts
 * stay different.
 */
function shorten(text, max) {
    const characters = [...text];
    if (characters.length <= max)
        return text;
    const kept = max - 9;
    return `${characters.slice(0, kept).join('')}~${shortHash(characters.slice(kept).join('')).slice(0, 8)}`;
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
        const wait = headers['retry-after'] ? ` (it says: come back after ${(0,output_text/* truncate */.xv)(headers['retry-after'], 40)})` : '';
        return `The rate limit of the environment is reached for longer than this step may wait${wait}: run fewer jobs at once, or raise timeout.`;
    }
    if (status >= 500)
        return "That is on Scalekit's side: try again later.";
    if (subject === 'client-sign-in')
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
/** Characters. A shorter `plain_secret` is refused: masking it could hide ordinary text. */
const MIN_SECRET_LENGTH = 8;
/** Milliseconds before the first retry of a request that failed during that lag. Each later pause is twice as long. */
const FIRST_PAUSE = 250;
/** Milliseconds before any retry at most. */
const MAX_PAUSE = 2_000;
/**
 * Reads the response to a delete: whether the object existed. A 404 means that it did not, unless an earlier attempt with an
 * unknown outcome may have deleted it.
 */
const PRESENCE = [
    (body) => body.trim() === '' || (0,json/* parseJsonObject */.dw)(body) !== undefined,
    ({ earlierOutcomeUnknown }) => earlierOutcomeUnknown === true,
];
/**
 * The clients of one organization in one Scalekit environment. Every method throws an ApiError if its request fails.
 * Methods that create something retry only if the request provably had no effect.
 */
class Scalekit {
    transport;
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
            await scalekit.#selectOrganization(organization_external_id);
        return scalekit;
    }
    /** The organization's id. */
    get organization_id() {
        return this.#organization;
    }
    /** Requests an access token for the environment's API credentials and masks it. All later requests use it. */
    async signIn(credentials) {
        this.#token = (await this.#getToken('sign in to Scalekit', credentials, 'sign-in')).access_token;
    }
    /** Requests an access token for a client and masks it. Retries for ten seconds if the client is still unknown. */
    async getToken(credentials) {
        const operation = `get an access token for client ${credentials.client_id}`;
        return await this.#retryDuringLag(isClientUnknown, () => this.#getToken(operation, credentials, 'client-sign-in'));
    }
    /** Creates a client and masks its secret. */
    async createClient(fields, hooks) {
        const request = { ...this.#request('POST', [], fields), repeatable: false, onSend: hooks.onSend };
        return await this.#exchange('create the client', request, this.#subject(), (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const plain_secret = maskSecret(response.plain_secret);
            const client = (0,types/* parseClientSummary */.Rg)(response.client);
            (0,mask/* maskCredentials */.Bs)(client.client_id, plain_secret);
            hooks.onId(client.client_id);
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
            const page = await this.#exchange(operation, request, this.#subject(), types/* parsePage */.NL);
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
        return await this.#exchange(`read client ${client_id}`, request, this.#subject(client_id), parse, () => undefined);
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
    /** Updates the fields that are given. Returns the client as it is afterwards. */
    async updateClient(client_id, fields) {
        const request = this.#request('PATCH', [client_id], fields);
        const parse = (body) => {
            const client = (0,types/* parseClientSummary */.Rg)((0,json/* parseJsonObject */.dw)(body).client);
            if (client.client_id !== client_id)
                throw new json/* InvalidResponseError */.tF('it shows another client');
            return client;
        };
        const operation = `update client ${client_id}`;
        const send = () => this.#exchange(operation, request, this.#subject(client_id), parse);
        return await this.#retryDuringLag(this.#justCreated.has(client_id) && isMissing, send);
    }
    /** Deletes a client. Returns false if it did not exist. */
    async deleteClient(client_id) {
        const request = this.#request('DELETE', [client_id]);
        return await this.#exchange(`delete client ${client_id}`, request, this.#subject(client_id), ...PRESENCE);
    }
    /** Adds a secret to a client and masks its value. `secret` is undefined if the response omits it. */
    async addSecret(client_id, hooks) {
        const request = { ...this.#request('POST', [client_id, 'secrets']), repeatable: false, onSend: hooks.onSend };
        const operation = `add a secret to client ${client_id}`;
        const parse = (body) => {
            const response = (0,json/* parseJsonObject */.dw)(body);
            const plain_secret = maskSecret(response.plain_secret);
            (0,mask/* maskCredentials */.Bs)(client_id, plain_secret);
            const secret = response.secret ? (0,types/* parseSecret */.o7)(response.secret) : undefined;
            if (secret)
                hooks.onId(secret.id);
            requireUsableSecret(plain_secret);
            return { secret, plain_secret };
        };
        const send = () => this.#exchange(operation, request, { ...this.#subject(client_id), adding: true }, parse);
        return await this.#retryDuringLag(this.#justCreated.has(client_id) && isMissing, send);
    }
    /** Deletes a secret of a client. Returns false if it did not exist. */
    async deleteSecret(client_id, secret_id) {
        const request = this.#request('DELETE', [client_id, 'secrets', secret_id]);
        const operation = `delete secret ${secret_id} of client ${client_id}`;
        return await this.#exchange(operation, request, this.#subject(client_id), ...PRESENCE);
    }
    /** Returns the URL of the organization's clients, or below it, that of a client, its `secrets` or one secret. */
    clientUrl(...path) {
        const segments = ['api', 'v1', 'organizations', this.#organization, 'clients', ...path];
        return new URL(segments.map(encodeURIComponent).join('/'), this.#origin);
    }
    /** Looks up an organization by its external id. All later requests are about this organization. */
    async #selectOrganization(external_id) {
        const url = new URL(`/api/v1/organizations:external/${encodeURIComponent(external_id)}`, this.#origin);
        const request = { ...this.#request('GET'), url };
        const subject = { organization: external_id };
        this.#organization = await this.#exchange(`find organization ${external_id}`, request, subject, (body) => {
            const organization = (0,json/* asObject */.eB)((0,json/* parseJsonObject */.dw)(body).organization, 'organization');
            const id = (0,json/* stringField */.OM)(organization, 'id');
            if (!/^org_[\w-]{1,124}$/.test(id))
                throw new json/* InvalidResponseError */.tF('id is not the id of an organization');
            const returned = (0,json/* stringField */.OM)(organization, 'external_id');
            if (returned && returned !== external_id)
                throw new json/* InvalidResponseError */.tF('it shows an organization with another external_id');
            return id;
        });
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
    async #retryDuringLag(isLag, send) {
        const until = clock() + CREATION_LAG;
        for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, MAX_PAUSE)) {
            try {
                return await send();
            }
            catch (error) {
                if (!(isLag && error instanceof ApiError && isLag(error)) || clock() >= until)
                    throw error;
                // If the deadline comes first, throw the API's error.
                await this.transport.pause(pause * (0.5 + Math.random() / 2)).catch(() => Promise.reject(error));
            }
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
     * @param parse gets the body of a 2xx response; throws an InvalidResponseError
     * @param missing gets the API's 404 response. Without it, a 404 is an error.
     */
    async #exchange(operation, request, subject, parse, missing) {
        let response;
        try {
            response = await this.transport.send(request);
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
    if ([...plain_secret.trim()].length < MIN_SECRET_LENGTH)
        throw new json/* InvalidResponseError */.tF('it holds no usable plain_secret');
    if ((0,mask/* isTooLongToMask */.az)(plain_secret))
        throw new json/* InvalidResponseError */.tF('its plain_secret is too long to be masked in every form');
}

;// CONCATENATED MODULE: ./build/undo/by-hand.js
/** A client that the journal names was not created by this step. */
class ForeignClientError extends Error {
    name = 'ForeignClientError';
}
function uncertaintyOf(error) {
    return error instanceof ForeignClientError ? 'owner' : undefined;
}
/** Returns the calls that remove the pending client and secret. */
function manualCalls(scalekit, state, uncertainty) {
    const { client, secret } = state;
    const calls = [
        ...(secret ? [manualSecretCall(scalekit, secret, uncertainty)] : []),
        ...(client || !secret ? [manualClientCall(scalekit, state, uncertainty)] : []),
    ];
    return calls.join(' ');
}
/** Returns the call that removes the pending client. */
function manualClientCall(scalekit, { client, nonce }, uncertainty) {
    const search = `the one that GET shows with "nonce=${nonce}" in its description`;
    return manualCall(scalekit, [client?.id], search, uncertainty);
}
/** Returns the call that removes the pending secret. */
function manualSecretCall(scalekit, { client_id, id }, uncertainty) {
    const search = 'it by its time among the secrets of the client';
    return manualCall(scalekit, [client_id, 'secrets', id], search, uncertainty);
}
/**
 * Returns the call that removes a client or a secret. Users send a token to the address in it, so the origin of a state
 * with a broken seal is left out.
 * @param path below the organization's clients. Undefined parts are not known
 * @param search how to find the last part of the path if it is not known
 */
function manualCall(scalekit, path, search, uncertainty) {
    const known = path.filter((part) => part !== undefined);
    const url = scalekit.clientUrl(...known);
    const address = uncertainty === 'state' ? url.pathname : url.href;
    if (known.length < path.length)
        return `To remove it by hand, find ${search}; then DELETE ${address}/ID`;
    return `To remove it${uncertainty ? ', if it is yours,' : ''} by hand: DELETE ${address}`;
}
/** Returns the sentence about a secret that a request with an unknown outcome, or another run, may have added. */
function possibleLeftover(scalekit, pending, id) {
    return `Secret ${id} of client ${pending.client_id} may be left over of a request whose answer was lost, or another run's; a later rotation retires it. ${manualSecretCall(scalekit, { ...pending, id }, 'owner')}`;
}
/** Returns the sentence about an update that was not, or not provably, undone. */
function mayStayUpdated({ before, fields }) {
    return `Client ${before.client_id} may stay updated: ${Object.keys(fields).join(', ')}.`;
}

;// CONCATENATED MODULE: ./build/undo/remove.js






/** Milliseconds after a create request was sent in which the server may still carry it out, although its caller is gone. */
const LATE_CREATE_WINDOW = 15_000;
/** Milliseconds between two searches for a client that may still appear. */
const remove_POLL_INTERVAL = 1_000;
/** The most failures that an error names. More would not fit into an annotation. */
const MAX_FAILURES = 10;
/** The result if there is nothing to remove. */
const NOTHING = { removed: [], notFound: false, remaining: [] };
/**
 * Removes what a step created that failed, was cut off, or whose job has ended. Last created, first removed.
 * @param mainWasCutOff whether main may have been cut off, so that the server may still carry out its last request. Then
 *   a client whose create got no response is searched for 15 seconds
 */
async function cleanUp(scalekit, state, mainWasCutOff = false) {
    const { client, secret } = state;
    // Deleting the client deletes its secrets.
    const isOnOwnClient = secret?.client_id === client?.id;
    const secretResult = secret && !isOnOwnClient
        ? await removePendingSecret(scalekit, secret, mainWasCutOff).catch((error) => {
            const what = `A secret of this step on client ${secret.client_id} may be left over`;
            const call = manualSecretCall(scalekit, secret, uncertaintyOf(error));
            return { ...NOTHING, remaining: [`${what}: ${output_log/* message */.iU(error)} ${call}`] };
        })
        : NOTHING;
    const clientResult = client ? await removePendingClient(scalekit, state, client, mainWasCutOff) : NOTHING;
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
async function removePendingClient(scalekit, state, { id, sent_at, secret_outcome_unknown }, mainWasCutOff) {
    // If the clock was set back since, that must not prolong the wait.
    const sent = Math.min(sent_at, Date.now());
    // Without an id, main knows that there is nothing to wait for, unless it was cut off.
    const wait = id ? CREATION_LAG : mainWasCutOff ? LATE_CREATE_WINDOW : undefined;
    const until = wait === undefined ? 0 : sent + wait;
    const [removed, remaining] = [[], []];
    try {
        for (;;) {
            const own = await findOwnClients(scalekit, state);
            for (const client of own) {
                const { what, stays } = await removeClientOrOwnSecrets(scalekit, state, client);
                removed.push(what);
                // Other runs use the client, so it is not left over. But if an outcome is unknown, its secrets may be this step's.
                if (stays && (secret_outcome_unknown || mayHaveUnknownSecret(state, client.client_id)))
                    remaining.push(`Client ${client.client_id} may be left over. ${manualClientCall(scalekit, state, 'owner')}`);
            }
            if (own.length > 0)
                return { removed, notFound: false, remaining };
            if (Date.now() > until)
                return { removed, notFound: true, remaining };
            await scalekit.transport.pause(remove_POLL_INTERVAL);
        }
    }
    catch (error) {
        const call = manualClientCall(scalekit, state, uncertaintyOf(error));
        remaining.push(`A client of this step may be left over: ${output_log/* message */.iU(error)} ${call}`);
        return { removed, notFound: false, remaining };
    }
}
/** Returns whether a request for a secret of this client has an unknown outcome. */
function mayHaveUnknownSecret({ secret }, client_id) {
    return secret?.client_id === client_id && (secret.outcome_unknown || !secret.id);
}
/**
 * Removes the secret that this step added. Names secrets that may be this step's but may also be a concurrent run's.
 * @throws {ForeignClientError} if the client changed its owner
 */
async function removePendingSecret(scalekit, pending, mainWasCutOff) {
    const { client_id, key, id, known_ids, outcome_unknown } = pending;
    const client = await scalekit.getClient(client_id);
    if (!client)
        return NOTHING;
    if (client.client_id !== client_id || identity_parseMarker(client.description)?.key !== key)
        throw new ForeignClientError(`client ${client_id} is not the one that main read, by the last line of its description.`);
    const possibleIds = id && !outcome_unknown ? [] : newSecretIds(client.parse(), [...known_ids, id]);
    const wasDeleted = id !== undefined && (await deleteSecretUntilGone(scalekit, client_id, id));
    const remaining = possibleIds.map((possible) => possibleLeftover(scalekit, pending, possible));
    // Waiting longer would not help: unlike a client, a late secret cannot be distinguished from another run's.
    if (mainWasCutOff && !id && possibleIds.length === 0)
        remaining.push(`Whether a secret was added to client ${client_id} is not known: none shows up yet, and the server may finish late. A later rotation retires it. ${manualSecretCall(scalekit, pending, 'owner')}`);
    return { removed: wasDeleted ? [`secret ${id} of client ${client_id}`] : [], notFound: false, remaining };
}
/**
 * Finds the clients that this step created: by id or, if the id is unknown or the request was sent several times, by nonce.
 * @throws {ForeignClientError} if the client with that id is another run's
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
        throw new ForeignClientError(`client ${id} is not this step's, by the last line of its description.`);
    return own;
}
/**
 * Deletes a client that this step created. If it has secrets of other runs, deletes only this step's secrets.
 * @returns what was removed, and whether the client stays
 */
async function removeClientOrOwnSecrets(scalekit, state, client) {
    const { client_id } = client;
    if (state.lifetime === 'persistent') {
        const { secrets } = client.parse();
        const recorded = state.client?.id === client_id ? state.client.secret_ids : undefined;
        // The oldest secret of a client was created with it.
        const ownIds = recorded ?? [[...secrets].sort(types/* byCreateTime */.lG)[0]?.id, state.secret?.id];
        const own = secrets.filter(({ id }) => ownIds.includes(id));
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
        await scalekit.transport.pause(remove_POLL_INTERVAL);
    }
    return true;
}

;// CONCATENATED MODULE: ./build/steps/context.js
/** How often a request that creates something is sent if the outcome stays unknown. */
const MAX_SENDS = 3;

;// CONCATENATED MODULE: ./build/steps/add-secret.js







/** Stands for a new secret that no response identifies. Its value can be used all the same. */
const UNKNOWN_SECRET = { id: '', create_time: undefined, suffix: '', active: true };
/**
 * Identifies a new secret by its last characters if the response with its value did not show it.
 * @param knownIds ids of the secrets that existed before
 * @returns the secret, or one with an empty id if it cannot be identified
 */
async function identifySecret(scalekit, client_id, plain_secret, knownIds) {
    const client = await scalekit.getClient(client_id).catch(() => undefined);
    const isNew = ({ id, suffix }) => !knownIds.includes(id) && suffix !== '' && plain_secret.endsWith(suffix);
    return client?.parse().secrets.find(isNew) ?? UNKNOWN_SECRET;
}
/** Deletes a secret to make room for a new one. The journal records that this cannot be undone. */
async function deleteToMakeRoom({ scalekit, journal }, { client_id }, { id }) {
    // If another run deleted it first, that run reports it.
    if (await scalekit.deleteSecret(client_id, id))
        journal.irreversible.push(`Secret ${id} of client ${client_id}, deleted to make room, cannot be brought back.`);
}
/**
 * Adds a secret. A request whose outcome is unknown may have added one that cannot be distinguished from another run's secret.
 * Such a secret is named in a warning, and the request is sent again.
 * @param evictable ids of the secrets that may be deleted if the client has no room for a new one
 */
async function addSecret(context, client, evictable) {
    const { scalekit, journal } = context;
    const { client_id } = client;
    const known_ids = client.secrets.map(({ id }) => id);
    let pending = { client_id, key: client.marker?.key ?? '', known_ids, outcome_unknown: false };
    let possibleIds = [];
    const hooks = {
        onSend: () => journal.recordIntent({ secret: pending }),
        onId: (id) => journal.recordResult({ secret: { ...pending, id } }),
    };
    for (let sending = 1;; sending++) {
        try {
            const added = await scalekit.addSecret(client_id, hooks);
            for (const id of possibleIds)
                output_log/* warning */.$e(possibleLeftover(scalekit, pending, id));
            const { plain_secret } = added;
            const secret = added.secret ?? (await identifySecret(scalekit, client_id, plain_secret, known_ids));
            if (!added.secret && secret.id)
                hooks.onId(secret.id);
            return { secret, plain_secret };
        }
        catch (error) {
            if (!(error instanceof ApiError))
                throw error;
            if (!error.outcomeUnknown && sending === 1)
                journal.forget({ secret: undefined });
            if (!error.outcomeUnknown || sending === MAX_SENDS || scalekit.transport.cancelled)
                throw error;
            output_log/* info */.pq(`${error.message} Asking for another one.`);
            const id = journal.state.secret?.id;
            if (!id)
                pending = { ...pending, outcome_unknown: true };
            const now = await deleteUnusable(scalekit, client_id, id).catch(() => Promise.reject(error));
            possibleIds = newSecretIds(now, known_ids);
            if (now.secrets.length >= types/* MAX_SECRETS */.bC)
                await evictOldest(context, client, now.secrets, evictable, error);
        }
    }
}
/**
 * Deletes a secret of this step whose value is unknown, if its id is known.
 * @returns the client as it is then
 */
async function deleteUnusable(scalekit, client_id, id) {
    if (id)
        await scalekit.deleteSecret(client_id, id);
    const client = await scalekit.getClient(client_id);
    if (!client)
        throw new Error(`client ${client_id} is not there any more`);
    return client.parse();
}
/** Deletes the oldest of the secrets that may be deleted. @throws `error` if there is none */
async function evictOldest(context, client, secrets, evictable, error) {
    const [oldest] = evictions(secrets).filter(({ id }) => evictable.includes(id));
    if (!oldest)
        throw error;
    output_log/* warning */.$e(`Client ${client.client_id} has ${secrets.length} secrets by now: ${oldest.id}, the oldest, is deleted to make room.`);
    await deleteToMakeRoom(context, client, oldest);
}

;// CONCATENATED MODULE: ./build/steps/create.js








/**
 * Milliseconds before each search for the client of a create request whose outcome is unknown: at once, and after 1, 2
 * and 4 seconds.
 */
const SEARCH_DELAYS = [0, 1_000, 1_000, 2_000];
/**
 * Creates a client. If the outcome of the request is unknown, searches for the client by its nonce before it sends the
 * request again.
 */
async function createClient(context) {
    const { scalekit, journal } = context;
    for (let sending = 1;; sending++) {
        try {
            return await createOnce(context, sending > 1);
        }
        catch (error) {
            if (!(error instanceof ApiError))
                throw error;
            // If the first request is refused, nothing was created. If a repeated one is, earlier ones may have succeeded.
            if (!error.outcomeUnknown && sending === 1)
                journal.forget();
            if (!error.outcomeUnknown || scalekit.transport.cancelled)
                throw error;
            output_log/* info */.pq(`${error.message} Looking for the client that this may have made.`);
            const found = await searchForOwnClient(context).catch(() => Promise.reject(error));
            if (found)
                return await recoverClient(context, found);
            // A server that redirects would redirect again.
            const redirected = error.status !== undefined && error.status < 400;
            if (sending === MAX_SENDS || redirected)
                throw error;
        }
    }
}
/** @param sent_again whether an earlier create request of this step may have arrived */
async function createOnce({ scalekit, desired, journal }, sent_again) {
    let sent_at = 0;
    const description = appendMarker(desired.fields.description, desired.marker);
    const { client: created, plain_secret } = await scalekit.createClient({ ...desired.fields, description }, {
        onSend: () => {
            sent_at = Date.now();
            journal.recordIntent({ client: { sent_at, sent_again } });
        },
        onId: (id) => journal.recordResult({ client: { sent_at, sent_again, id } }),
    });
    const client = withMarker(created);
    if (!isFromThisStep(client, journal.state)) {
        throw new Error("Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.");
    }
    const [only, ...others] = client.secrets;
    const secret = only && others.length === 0 ? only : await identifySecret(scalekit, client.client_id, plain_secret, []);
    if (secret.id)
        journal.recordResult({ client: { sent_at, sent_again, id: client.client_id, secret_ids: [secret.id] } });
    requireAsRequested(desired, client);
    return { client, secret: { secret, plain_secret }, remainingSteps: [] };
}
/** @throws {Error} if the client is not as requested */
function requireAsRequested(desired, client) {
    const wrong = differencesInResponse(desired, client);
    if (wrong.length === 0)
        return;
    const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
    throw new Error(`Scalekit did not make the client that was asked for.${hint}\n${formatDifferences(wrong)}`);
}
/** Returns the client that this step created, or undefined if no search shows it within 4 seconds. */
async function searchForOwnClient({ scalekit, journal }) {
    for (const delay of SEARCH_DELAYS) {
        await scalekit.transport.pause(delay);
        const [client] = await findOwnClients(scalekit, journal.state);
        if (client)
            return client;
    }
    return undefined;
}
/**
 * Recovers a client whose create request got no usable response. The value of its first secret is unknown, so a second
 * one is added, and the first is deleted after publishing.
 */
async function recoverClient(context, found) {
    const { scalekit, desired, journal } = context;
    const client = withMarker(found.parse());
    const { sent_at = 0, sent_again = false } = journal.state.client ?? {};
    const pending = { sent_at, sent_again, id: client.client_id };
    journal.recordResult({ client: pending });
    requireAsRequested(desired, client);
    output_log/* info */.pq(`Client ${client.client_id} was made. The value of its secret is lost, so it gets another one.`);
    const secret = await scalekit.expectLag(client.client_id, () => addSecret(context, client, []));
    // A list may not show the secrets of a new client yet. Without the new secret's id, the first one cannot be identified.
    const reread = client.secrets.length === 0 && secret.secret.id ? await scalekit.getClient(client.client_id) : undefined;
    const shown = reread?.parse() ?? client;
    const [first] = shown.secrets.filter(({ id }) => id !== secret.secret.id).sort(types/* byCreateTime */.lG);
    const secret_ids = [...(first ? [first.id] : []), secret.secret.id];
    // From here on the added secret is part of this step's client: one record covers both.
    const secret_outcome_unknown = journal.state.secret?.outcome_unknown;
    journal.recordResult({ client: { ...pending, secret_ids, secret_outcome_unknown }, secret: undefined });
    return {
        client,
        secret,
        remainingSteps: first ? [{ kind: 'delete-secret', secret: first, spareRecent: false }] : [],
    };
}

;// CONCATENATED MODULE: ./build/steps/find.js


/** The most ids that a notice names. It counts the others. */
const MAX_IDS = 10;
/**
 * Finds the client that the plan starts from: by `client_id`, or else by the identity hash in the ownership marker. With
 * `lifetime: job` it finds none, because such a client is always new.
 * @throws {Error} if `client_id` names a client that this step may not manage
 */
async function findExisting(scalekit, desired) {
    const unsearched = { others: [], seenIds: undefined, startedAt: clock(), notices: [] };
    if (desired.marker.lifetime === 'job')
        return unsearched;
    const client = desired.client_id ? await getNamedClient(scalekit, desired) : undefined;
    if (client)
        return { ...unsearched, client };
    const missing = desired.client_id
        ? [`There is no client ${desired.client_id} (client_id) in this organization; the search decides.`]
        : [];
    const { ours, unmarked } = await searchClients(scalekit, desired);
    const [first, ...others] = ours;
    // Every client has a secret. If the list shows none, it leaves secrets out, so read the client itself.
    const reread = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
    const oldest = reread && reread.client_id === first?.client_id ? withMarker(reread.parse()) : first;
    return {
        client: oldest,
        others: others.map(({ client_id }) => client_id),
        seenIds: new Set(ours.map(({ client_id }) => client_id)),
        startedAt: unsearched.startedAt,
        notices: [...missing, ...unmarkedNotice(unmarked)],
    };
}
/**
 * Reads the client that the input `client_id` names.
 * @returns undefined if there is no such client
 * @throws {Error} if this step may not manage it
 */
async function getNamedClient(scalekit, { client_id, identity, marker }) {
    const named = await scalekit.getClient(client_id);
    if (!named)
        return undefined;
    // The response may show another client than the requested one.
    const client = withMarker(named.parse());
    const why = client.client_id === client_id
        ? reasonNotManageable(client, identity, marker)
        : `the answer shows ${client.client_id}`;
    if (why)
        throw new Error(`Client ${client_id} is not managed by this step: ${why}.`);
    return client;
}
/**
 * Reads the whole list of clients.
 * @returns the clients with our identity hash, oldest first, and the ids of clients without a marker that carry our claims
 */
async function searchClients(scalekit, { marker, identity }) {
    // By id: if the list changes while it is read, two pages may show the same client.
    const ours = new Map();
    const unmarked = new Set();
    for await (const { client_id, description, parse } of scalekit.listClients()) {
        const found = identity_parseMarker(description);
        if (found?.key === marker.key)
            ours.set(client_id, withMarker(parse()));
        else if (!found && carriesOurClaims(parse, identity))
            unmarked.add(client_id);
    }
    return { ours: [...ours.values()].sort(oldestFirst), unmarked: [...unmarked] };
}
/** Returns whether a client has the claims of an identity. A client that cannot be parsed has none. */
function carriesOurClaims(parse, identity) {
    try {
        return hasMatchingClaims(parse(), identity);
    }
    catch {
        return false;
    }
}
function unmarkedNotice(ids) {
    if (ids.length === 0)
        return [];
    const more = ids.length > MAX_IDS ? ` and ${ids.length - MAX_IDS} more` : '';
    return [
        `Clients with this repository's claims that this action did not make: ${ids.slice(0, MAX_IDS).join(', ')}${more}. They stay untouched; client_id takes one over.`,
    ];
}

;// CONCATENATED MODULE: ./build/steps/race.js





/**
 * Settles a race after a create: removes duplicates that this step created, then determines which run was first.
 * With `lifetime: job` every step has a client of its own, so only duplicates are possible.
 * @param created the client that this step created and uses
 * @param found what the search before the create returned
 * @returns the client of a concurrent run that was created earlier, or undefined if this step's client wins
 */
async function settleRace(context, created, found) {
    const { scalekit, desired, journal } = context;
    const isPersistent = desired.marker.lifetime === 'persistent';
    if (!isPersistent && !journal.state.client?.sent_again)
        return undefined;
    const elapsed = BigInt(Math.ceil(clock() - found.startedAt)) * 1000000n;
    const { ours } = await searchClients(scalekit, desired);
    const isOwn = (client) => isFromThisStep(client, journal.state);
    await removeDuplicates(context, ours.filter((client) => isOwn(client) && client.client_id !== created.client_id));
    if (!isPersistent)
        return undefined;
    // Compare times of one response: a list and a single read may round differently.
    const own = ours.find(({ client_id }) => client_id === created.client_id) ?? created;
    const concurrent = ours.filter((client) => !isOwn(client));
    return findEarlierClient(concurrent, own, found, elapsed);
}
/** Removes clients that an earlier, unanswered create request of this step created. */
async function removeDuplicates({ scalekit, journal }, duplicates) {
    for (const duplicate of duplicates) {
        const { what } = await removeClientOrOwnSecrets(scalekit, journal.state, { ...duplicate, parse: () => duplicate });
        output_log/* info */.pq(`Removed a second client of the same request: ${what}.`);
    }
}
/**
 * Returns the oldest client that a concurrent run created before this step created its own. All runs order clients by
 * creation time and then by id, so all agree on the winner.
 * @param concurrent clients with the same identity hash that other runs created
 * @param elapsed nanoseconds since the first search began
 */
function findEarlierClient(concurrent, own, { seenIds, client: named }, elapsed) {
    // If the first search read only the client that `client_id` names, compare creation times.
    const isNew = ({ client_id, create_time: time }) => seenIds
        ? !seenIds.has(client_id)
        : client_id !== named?.client_id && time !== undefined && time >= (own.create_time ?? time) - elapsed;
    const [first] = [...concurrent.filter(isNew), own].sort(oldestFirst);
    return first === own ? undefined : first;
}

;// CONCATENATED MODULE: ./build/steps/save.js



/**
 * Saves the client credentials in GitHub Actions: the variable first, the secret last. Once the request with the secret
 * may have arrived, nothing can be undone. So the journal marks the credentials as published before it is sent, and takes
 * that back if GitHub refuses the secret.
 * @throws {Error} if the credentials are not saved, or if the outcome is unknown
 */
async function save(context, client_id, { plain_secret }) {
    const { scalekit, journal, savedCredentials } = context;
    if (!savedCredentials)
        return;
    await saveVariable(journal, savedCredentials, client_id);
    if (scalekit.transport.cancelled)
        throw new Error('The pair was not saved.');
    // Loaded here because few runs need it, and before the point of no return because loading may fail.
    const { sealBox } = await Promise.all(/* import() */[__webpack_require__.e(442), __webpack_require__.e(947)]).then(__webpack_require__.bind(__webpack_require__, 947));
    const { client, secret, variable } = journal.state;
    const { pendingUpdate } = journal;
    journal.markPublished(client_id);
    journal.pendingUpdate = undefined;
    try {
        await savedCredentials.setSecret((key) => sealBox(key, plain_secret));
    }
    catch (error) {
        if (error instanceof ApiError && error.outcomeUnknown)
            throw new Error([
                `${error.message} Whether GitHub has the new secret of client ${client_id} is not known. The new secret and those before it stay valid, and until the next run the saved pair may be a mixed one.`,
                ...(pendingUpdate ? [mayStayUpdated(pendingUpdate)] : []),
            ].join('\n'), { cause: error });
        journal.pendingUpdate = pendingUpdate;
        journal.recordResult({ client, secret, variable });
        throw error;
    }
    await rewriteVariable(savedCredentials, client_id);
}
/** Writes the variable, unless it already has the value. The journal records what to restore. */
async function saveVariable(journal, savedCredentials, value) {
    // Restore what is there now, not what was there when the step began. If the read fails, use the first one.
    const { client_id: old, secretTime: secret_time } = await savedCredentials
        .refresh()
        .catch(() => savedCredentials.snapshot);
    if (old === value)
        return;
    const { api, location } = savedCredentials;
    const pending = { api, location, value, old, secret_time };
    let sends = 0;
    const onSend = () => {
        sends++;
        journal.recordIntent({ variable: { ...pending, sent_at: Date.now(), unconfirmed_writes: sends } });
    };
    await savedCredentials.setVariable(value, old !== undefined, onSend).catch((error) => {
        if (error instanceof ApiError && !error.outcomeUnknown)
            journal.recordResult({ variable: undefined });
        throw error;
    });
    journal.recordResult({ variable: { ...pending, sent_at: Date.now(), unconfirmed_writes: sends - 1 } });
}
/** Writes the variable again if another run wrote its own between our variable and our secret. */
async function rewriteVariable(savedCredentials, client_id) {
    const now = await savedCredentials.getVariable().catch(() => client_id);
    if (now === client_id)
        return;
    await savedCredentials.setVariable(client_id, now !== undefined).catch((error) => {
        output_log/* warning */.$e(`Another run saved a pair at the same time, and the saved pair may be a mixed one until the next run: ${output_log/* message */.iU(error)}`);
    });
}

;// CONCATENATED MODULE: ./build/steps/update.js




/**
 * Updates fields of a client and checks the result. If the outcome is unknown, reads the client back. The ownership
 * marker does not change; a client without one gets this run's.
 * @throws {Error} if the updated client is not as requested
 */
async function updateClient({ scalekit, desired, journal }, client, fields) {
    const { client_id } = client;
    journal.pendingUpdate = { before: client, fields };
    const marker = client.marker ?? desired.marker;
    const changes = fields.description === undefined ? fields : { ...fields, description: appendMarker(fields.description, marker) };
    const response = await scalekit.updateClient(client_id, changes).catch(async (error) => {
        if (!(error instanceof ApiError && error.outcomeUnknown))
            throw error;
        const now = await scalekit.getClient(client_id).catch(() => undefined);
        if (now?.client_id !== client_id || differencesInResponse(desired, withMarker(now.parse())).length > 0)
            throw error;
        return now;
    });
    output_log/* info */.pq(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
    const updated = withMarker(response.parse());
    const wrong = differencesInResponse(desired, updated);
    if (wrong.length > 0 || !updated.marker) {
        throw new Error(`Client ${client_id} was not updated to what was asked for. Where the API only adds to a list, on_existing: replace makes a new client.\n${formatDifferences(wrong)}`);
    }
    return { ...updated, secrets: client.secrets };
}

;// CONCATENATED MODULE: ./build/scalekit/token.js

/** Returns the claims of an access token, or undefined if it is not a JWT. Does not check the signature. */
function readToken(token) {
    const payload = (0,json/* decodeJwtPayload */.Kd)(token);
    if (!payload)
        return undefined;
    const { oid, sub, scopes, scope, aud, custom_claims, exp } = payload;
    try {
        return {
            oid: asText(oid),
            sub: asText(sub),
            scopes: asList(scopes ?? scope),
            audience: Array.isArray(aud) ? aud.map(asText) : [asText(aud)].filter(Boolean),
            custom_claims: Object.entries(Object(custom_claims)).map(([key, value]) => ({ key, value: asText(value) })),
            exp: Number.isSafeInteger(exp) ? Number(exp) : undefined,
        };
    }
    catch {
        // JSON.stringify() throws for a value that is nested too deeply.
        return undefined;
    }
}
function asText(value) {
    return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
}
/** Accepts a list, or one string with spaces between the entries (RFC 9068, section 2.2.3). */
function asList(value) {
    if (Array.isArray(value))
        return value.map(asText);
    return asText(value).split(' ').filter(Boolean);
}

;// CONCATENATED MODULE: ./build/steps/verify.js





/** Milliseconds after an update during which tokens of the client may still show its former values. */
const CORRECTION_LAG = 3_000;
/** Milliseconds. */
const RETRY_PAUSE = 500;
/**
 * Verifies new credentials: gets an access token with them and compares it with the desired client.
 * @param justUpdated whether this step changed the client, so that a token may still show its former values for a while
 * @returns undefined if verification is switched off
 * @throws {Error} if the credentials get no token, or a token that differs from the desired client
 */
async function verify(scalekit, desired, credentials, justUpdated) {
    if (!desired.verify)
        return undefined;
    for (const until = clock() + (justUpdated ? CORRECTION_LAG : 0);;) {
        const { access_token, expires_in } = await scalekit.getToken(credentials);
        if (desired.access_token && (0,mask/* isTooLongToMask */.az)(access_token))
            throw new Error('The access token of the new pair is too long to be masked in every form, so it is not handed out: leave access_token out, or ask for fewer claims and scopes.');
        const payload = readToken(access_token);
        if (!payload)
            output_log/* notice */.lm('The access token of the new pair is not a JWT, so its claims were not compared with what was asked for.');
        const wrong = payload ? tokenDifferences(desired, credentials.client_id, payload) : [];
        if (wrong.length === 0) {
            const expiresAt = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
            return { access_token, expiresAt };
        }
        const mismatch = new Error(`The access token of the new pair is not what was asked for. An interceptor of the environment may have changed it; verify: false accepts that.\n${formatDifferences(wrong)}`);
        if (clock() >= until)
            throw mismatch;
        await scalekit.transport.pause(RETRY_PAUSE).catch(() => Promise.reject(mismatch));
    }
}
/** Compares a token with the desired client. Ignores the token's audience if none was requested. */
function tokenDifferences({ organization_id, fields }, client_id, payload) {
    return compareSets([
        ['oid', [organization_id], [payload.oid]],
        ['sub', [client_id], [payload.sub]],
        ['scopes', fields.scopes ?? [], payload.scopes],
        ['custom_claims', claimTexts(fields.custom_claims), claimTexts(payload.custom_claims)],
        ...(fields.audience ? [['audience', fields.audience, payload.audience]] : []),
    ]);
}

;// CONCATENATED MODULE: ./build/steps/apply.js










/**
 * Carries out the steps before publishing: creates or rotates the credentials, verifies them and saves them. Before each
 * request that creates something is sent, the journal records the intent, and the id as soon as it is known. So roll-back
 * and the post step know what to undo wherever this function fails or is cut off.
 */
async function applyPlan(context, plan, found) {
    const applied = await makeCredentials(context, plan, found);
    // Wait for the masks before anything is published or saved.
    await (0,mask/* flushMasks */.Wd)();
    if (applied.secret)
        await save(context, applied.client.client_id, applied.secret);
    return applied;
}
async function makeCredentials(context, plan, found) {
    if (plan.client && plan.result !== 'replaced')
        return await changeClient(context, plan, plan.client);
    const { desired, scalekit } = context;
    const creation = createClient(context);
    // The verification and the search for concurrent runs are sent at the same time, on two connections.
    if (desired.verify && desired.marker.lifetime === 'persistent')
        scalekit.transport.preconnect(scalekit.clientUrl());
    const { client, secret, remainingSteps } = await creation;
    const [verified, winner] = await Promise.allSettled([
        verifySecret(context, client, secret),
        settleRace(context, client, found),
    ]);
    // If the race is lost, the verification of this step's own credentials does not matter.
    if (winner.status === 'fulfilled' && winner.value)
        return await continueWithWinner(context, plan, winner.value);
    if (verified.status === 'rejected')
        throw verified.reason;
    if (winner.status === 'rejected')
        throw winner.reason;
    return {
        result: plan.result,
        client,
        secret,
        token: verified.value,
        remainingSteps: [...remainingSteps, ...plan.afterPublish],
    };
}
/** Continues with the client of a concurrent run that was first, and removes the client that this step created. */
async function continueWithWinner(context, plan, winner) {
    const { scalekit, desired, journal, savedCredentials } = context;
    output_log/* info */.pq(`Another run made client ${winner.client_id} for the same purpose at the same time, and was first.`);
    const winnerPlan = planForWinner(desired, winner, savedCredentials?.snapshot);
    const applied = await scalekit.expectLag(winner.client_id, () => changeClient(context, winnerPlan, winner, []));
    const { removed, remaining } = await cleanUp(scalekit, { ...journal.state, secret: undefined });
    for (const what of removed)
        output_log/* info */.pq(`Removed this run's own: ${what}.`);
    remaining.forEach(output_log/* warning */.$e);
    // The post step retries what could not be removed.
    if (remaining.length === 0)
        journal.recordIntent({ client: undefined });
    // Still delete the replaced client: the other run may fail and keep its new client for this one.
    return { ...applied, remainingSteps: plan.afterPublish };
}
/**
 * Carries out a plan for a client that exists.
 * @param evictable ids of the secrets that may be deleted if the client has no room for a new one
 */
async function changeClient(context, plan, existing, evictable = existing.secrets.map(({ id }) => id)) {
    let client = existing;
    let secret;
    for (const step of plan.beforePublish) {
        if (step.kind === 'update')
            client = await updateClient(context, client, step.fields);
        if (step.kind === 'delete-secret')
            await deleteToMakeRoom(context, client, step.secret);
        if (step.kind === 'add-secret')
            secret = await addSecret(context, client, evictable);
    }
    const token = secret && (await verifySecret(context, client, secret));
    return { result: plan.result, client, secret, token, remainingSteps: plan.afterPublish };
}
async function verifySecret({ scalekit, desired, journal }, { client_id }, { plain_secret: client_secret }) {
    return await verify(scalekit, desired, { client_id, client_secret }, journal.pendingUpdate !== undefined);
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
function escapeHtml(text) {
    const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

;// CONCATENATED MODULE: ./build/steps/publish.js





/**
 * Sets the outputs. The secret and the access token were masked when they arrived.
 * @throws {Error} if the runner's file cannot be written
 */
function publish({ organization_id, access_token, location }, { result, client, secret, token }) {
    const outputs = {
        client_id: client.client_id,
        // Empty if an existing client is reused: Scalekit shows a secret only once.
        secret: secret?.plain_secret ?? '',
        secret_id: secret?.secret.id ?? '',
        organization_id,
        result,
        ...(access_token &&
            token && { access_token: token.access_token, access_token_expires_at: isoTime(token.expiresAt) }),
    };
    try {
        setOutputs(outputs);
    }
    catch (error) {
        throw secret && location
            ? new Error(`${output_log/* message */.iU(error)} The pair is saved already, as ${entryNames(location)}.`)
            : error;
    }
}
/** Logs what was done. */
function logResult(desired, applied) {
    output_log/* info */.pq(resultSentence(desired, applied));
    if (applied.secret && desired.location)
        output_log/* info */.pq(`Saved the pair as ${entryNames(desired.location)}.`);
}
/**
 * Formats a time by ISO 8601, in UTC.
 * @param seconds since the epoch
 * @returns an empty string if the number is outside the range of dates
 */
function isoTime(seconds) {
    const date = new Date((seconds ?? Number.NaN) * 1000);
    return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}
/** Sets the outputs of a dry run and shows its plan in the log and the job summary. */
function publishPlan(desired, { client, beforePublish, afterPublish }) {
    const { organization_id } = desired;
    setOutputs({ ...(client && { client_id: client.client_id }), organization_id, result: 'planned' });
    const steps = [
        ...beforePublish.map((step) => describeStep(desired, client?.client_id ?? '', step, ' to make room')),
        ...afterPublish.map((step) => describeStep(desired, client?.client_id ?? '', step, '')),
    ];
    output_log/* info */.pq(`Dry run in organization ${organization_id}: nothing was changed. A run without dry_run would`);
    for (const { text, differences } of steps) {
        output_log/* info */.pq(`- ${text}`);
        for (const { field, wanted, got } of differences)
            output_log/* info */.pq(`    ${field}: from ${got} to ${wanted}`);
    }
    if (steps.length === 0)
        output_log/* info */.pq('- change nothing');
    const rows = steps.flatMap(({ text, differences }) => [
        [{ data: cell([text]), colspan: '3' }],
        ...differences.map(({ field, wanted, got }) => [cell([field]), cell([got]), cell([wanted])]),
    ]);
    const header = ['Step or field', 'Now', 'Then'].map((data) => ({ data, header: true }));
    writeSummary('Scalekit organization client: plan, nothing was changed', [header, ...rows]);
}
/**
 * Describes a step for the plan of a dry run.
 * @param client_id the existing client, or empty
 * @param deletionReason why a secret is deleted whatever its age
 */
function describeStep({ fields, marker, location }, client_id, step, deletionReason) {
    switch (step.kind) {
        case 'create': {
            const names = Object.keys(fields);
            const until = marker.lifetime === 'job' ? ', and delete it when the job ends' : '';
            return { text: `create a client${until}`, differences: compareFields(names, fields, {}) };
        }
        case 'update':
            return { text: `update client ${client_id}`, differences: step.differences };
        case 'add-secret':
            return { text: `add a secret to client ${client_id}`, differences: [] };
        case 'save':
            return { text: `save the pair as ${location && entryNames(location)}`, differences: [] };
        case 'delete-secret': {
            const condition = step.spareRecent ? ', unless it is younger than an hour' : deletionReason;
            return { text: `delete secret ${step.secret.id} of client ${client_id}${condition}`, differences: [] };
        }
        case 'delete-client':
            return { text: `delete client ${client_id}`, differences: [] };
    }
}
/** Logs what was deleted and writes a table into the job summary. Cannot fail the step. */
function writeReport({ marker, fields, organization_id, location }, { result, client, secret }, deleted) {
    for (const what of deleted)
        output_log/* info */.pq(`Deleted ${what}.`);
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
        ...(location ? [['Saved', ...(secret ? [entryNames(location)] : [])]] : []),
        ['Deleted', ...deleted],
        ['Lifetime', marker.lifetime],
        ['Run', marker.run],
    ];
    writeSummary('Scalekit organization client', rows.map(([title, ...values]) => [{ data: title, header: true }, cell(values)]));
}
function resultSentence({ organization_id, marker, location, on_existing }, { result, client, secret }) {
    const which = `client ${client.client_id} ${JSON.stringify(client.name)} in organization ${organization_id}`;
    if (result === 'reused' && location)
        return `Reused ${which}: the pair that is saved is this client's.`;
    if (result === 'reused')
        return `Reused ${which}. A secret is shown once only, when it is made, so the output secret is empty: use the one that was stored then, or on_existing: rotate.`;
    const why = on_existing === 'reuse' ? ', since no pair of it was saved' : '';
    if (result === 'rotated')
        return `Added secret ${secret?.secret.id} to ${which}${why}.`;
    return `Created ${which}${marker.lifetime === 'job' ? '; it is deleted when the job ends' : ''}.`;
}
/** Returns the expiry for the summary. A response may leave it out; then the requested one is shown as requested. */
function expiryText(requested, actual) {
    if (actual)
        return [`${actual} seconds`];
    return requested ? [`${requested} seconds (asked for)`] : [];
}

// EXTERNAL MODULE: ./build/client/target.js
var client_target = __webpack_require__(822);
// EXTERNAL MODULE: ./build/github/runner.js
var runner = __webpack_require__(801);
;// CONCATENATED MODULE: ./build/github/id-token.js






// Requests the ID token. client/target.ts decides what its claims mean, such as which environment the client is for.
/** Completes "Could not …". */
const OPERATION = "get GitHub's ID token";
const REMEDY = 'The job needs permissions with id-token: write, and GitHub has to answer. Without that permission the claims come from the runner.';
/**
 * Requests the job's ID token from GitHub, and masks it.
 * @returns its claims
 * @throws {Error} synchronously, before a request is sent, if the runner's variables are invalid
 * @throws {ApiError} asynchronously, if the request fails
 */
function getIdToken(transport, env) {
    const token = env[runner/* ID_TOKEN_TOKEN */._e]?.trim() ?? '';
    (0,mask/* mask */.dK)(token);
    // Any other character would break the authorization header.
    if (!/^[\x21-\x7e]+$/.test(token))
        throw new Error(`Could not ${OPERATION}: ${runner/* ID_TOKEN_TOKEN */._e} holds no token. ${REMEDY}`);
    const url = URL.parse(env[runner/* ID_TOKEN_URL */.e_] ?? '');
    if (!url || !(0,net_proxy/* isSafe */.IP)(url))
        throw new Error(`Could not ${OPERATION}: ${runner/* ID_TOKEN_URL */.e_} is no https address. ${REMEDY}`);
    return requestToken(transport, url, token);
}
async function requestToken(transport, url, token) {
    let response;
    try {
        const headers = { authorization: `Bearer ${token}` };
        response = await transport.send({ method: 'GET', url, headers, repeatable: true });
    }
    catch (error) {
        throw error instanceof NetworkError ? unansweredError(OPERATION, error, runner/* ID_TOKEN_URL */.e_, REMEDY) : error;
    }
    const { status, body } = response;
    if (status >= 300 && status < 400)
        throw refusedError(OPERATION, response, [], redirectAdvice(response, REMEDY));
    if (status < 200 || status > 299)
        throw refusedError(OPERATION, response, [], REMEDY);
    try {
        const value = (0,json/* stringField */.OM)((0,json/* parseJsonObject */.dw)(body), 'value');
        (0,mask/* mask */.dK)(value);
        const payload = (0,json/* decodeJwtPayload */.Kd)(value);
        if (!payload)
            throw new json/* InvalidResponseError */.tF('it holds no ID token');
        return payload;
    }
    catch (error) {
        throw error instanceof json/* InvalidResponseError */.tF
            ? invalidResponseError(OPERATION, response, error.message, REMEDY)
            : error;
    }
}

;// CONCATENATED MODULE: ./build/steps/resolve-target.js







/**
 * Resolves the repository and the environment that the client is for, and what is known about them.
 * @returns a promise. It rejects if the target cannot be determined or if two sources disagree about it
 * @throws {Error} synchronously, before any request is sent, if the variables of the ID token cannot be used
 */
function resolveTarget(inputs, transport, env) {
    return requestTarget(inputs, transport, env).then((target) => {
        output_log/* info */.pq(SOURCE_TEXTS[target.source](target));
        if (target.asserted)
            output_log/* info */.pq(`The environment ${(0,output_text/* quote */.hD)(target.environment)} is asserted: only the input names it.`);
        return target;
    });
}
/** Where the claims come from, as the log says it. */
const SOURCE_TEXTS = {
    token: () => "Claims about the repository come from GitHub's ID token.",
    runner: () => "Claims about the repository come from the runner's variables, because the job has no ID token: that needs permissions with id-token: write, and a runner that offers one.",
    api: ({ repository }) => `Claims about ${repository} come from GitHub's API.`,
};
function requestTarget(inputs, transport, env) {
    const { source, runner, repository, environment, github } = inputs;
    if (source === 'api' && github)
        return new GitHub(transport, github).getRepository(repository, (answer) => (0,client_target/* targetFromApi */.oN)(answer, environment));
    const fromRunner = (0,client_target/* targetFromRunner */._B)(runner, env, environment);
    if (source === 'runner')
        return Promise.resolve(fromRunner);
    return getIdToken(transport, env).then((payload) => {
        const faults = new client_faults/* Faults */.C(specs/* INPUT_ORDER */.ov);
        const target = (0,client_target/* targetFromIdToken */._l)(payload, fromRunner, (input) => faults.report(input));
        faults.finish();
        return target;
    });
}

;// CONCATENATED MODULE: ./build/steps/retire.js

/** Nanoseconds. */
const HOUR_NS = 3600000000000n;
/**
 * Deletes old secrets and the replaced client. Runs after the new credentials are published, so a failure is a warning
 * that names the call to repeat by hand.
 * @returns what was deleted, such as `secret sks_1 of client m2morg_1`
 */
async function retireOld({ scalekit }, plan, { client, secret, remainingSteps }) {
    const deleted = [];
    const attempt = async (what, url, work) => {
        try {
            await work();
            deleted.push(what);
        }
        catch (error) {
            output_log/* warning */.$e(`The ${what} is left over: ${output_log/* message */.iU(error)} To remove it by hand: DELETE ${url.href}`);
        }
    };
    for (const step of remainingSteps) {
        if (step.kind === 'delete-secret' && isDue(step, secret?.secret.create_time)) {
            const { client_id } = client;
            const { id } = step.secret;
            await attempt(`secret ${id} of client ${client_id}`, scalekit.clientUrl(client_id, 'secrets', id), () => scalekit.deleteSecret(client_id, id));
        }
        if (step.kind === 'delete-client' && plan.client) {
            const { client_id } = plan.client;
            await attempt(`replaced client ${client_id}`, scalekit.clientUrl(client_id), () => scalekit.deleteClient(client_id));
        }
    }
    return deleted;
}
/**
 * Returns whether a secret may be deleted now. Logs it if not: another job may still use a recent secret.
 * @param newest creation time of the new secret, in nanoseconds since the epoch
 */
function isDue({ secret, spareRecent }, newest) {
    if (!spareRecent || isAnHourOlder(secret.create_time, newest))
        return true;
    output_log/* info */.pq(`Secret ${secret.id} stays: it is younger than an hour, so another job may be using it.`);
    return false;
}
/** Returns false if either creation time is unknown. */
function isAnHourOlder(one, other) {
    return one !== undefined && other !== undefined && other - one >= HOUR_NS;
}

;// CONCATENATED MODULE: ./build/undo/journal.js




// What this step has created or changed and not published yet. docs/design.md has a table of its states.
/** Name of the value in the runner's state file. */
const STATE_NAME = 'client';
/**
 * Main's side of the state. Each state is sealed with the environment's API secret: another step can also set a `STATE_*`
 * variable through `GITHUB_ENV`, and it must not redirect the credentials or name a client of another run.
 */
class Journal {
    state;
    pendingUpdate;
    /** Sentences about what nobody can undo. */
    irreversible = [];
    #secret;
    /** @param secret the environment's API secret, which seals the state */
    constructor(state, secret) {
        this.state = state;
        this.#secret = secret;
    }
    /**
     * Persists the change, then applies it.
     * @throws {Error} if the runner's file cannot be written
     */
    recordIntent(change) {
        const state = { ...this.state, ...change };
        const text = isEmpty(state) ? '' : JSON.stringify({ ...state, seal: seal(state, this.#secret) });
        try {
            (0,core/* saveState */.LZ)(STATE_NAME, text);
        }
        catch (error) {
            throw new Error(`Could not write the state for the post step: ${(0,output_log/* message */.iU)(error)}.`);
        }
        Object.assign(this.state, change);
    }
    /**
     * Applies the change, then persists it. Roll-back needs the change even if it cannot be persisted.
     * @throws {Error} if the runner's file cannot be written
     */
    recordResult(change) {
        Object.assign(this.state, change);
        this.recordIntent(change);
    }
    /**
     * Marks the credentials as published: neither roll-back nor the post step deletes them any more, except for the client
     * of a job.
     * @param client_id the published client. Another one that this step created is still deleted
     * @throws {Error} if the runner's file cannot be written
     */
    markPublished(client_id) {
        const { client, secret, variable, lifetime } = this.state;
        const isStillPending = lifetime === 'job' || client?.id !== client_id;
        if (client || secret || variable)
            this.recordIntent({ client: isStillPending ? client : undefined, secret: undefined, variable: undefined });
    }
    /**
     * Removes entries that need no clean-up: those that `change` sets to undefined, or all. Never throws: if it cannot be
     * persisted, the post step finds nothing to remove.
     */
    forget(change = { client: undefined, secret: undefined, variable: undefined }) {
        if (isEmpty(this.state))
            return;
        try {
            this.recordIntent(change);
        }
        catch { }
    }
}
/** Returns whether nothing is left to undo. */
function isEmpty({ client, secret, variable }) {
    return !client && !secret && !variable;
}
/**
 * Reads the state that main wrote.
 * @returns undefined if main left nothing to undo
 * @throws {Error} if the text is not a state
 */
function readState() {
    const text = getState(STATE_NAME);
    return text ? asObject(JSON.parse(text), 'it') : undefined;
}
/** Returns whether a step with the same API secret wrote this state. */
function isSealed({ seal: given, ...state }, secret) {
    const expected = Buffer.from(seal(state, secret));
    const actual = Buffer.from(typeof given === 'string' ? given : '');
    return secret !== '' && actual.length === expected.length && timingSafeEqual(actual, expected);
}
/** Returns the HMAC-SHA-256 of a state, in base64url. */
function seal(state, secret) {
    return (0,external_node_crypto_.createHmac)('sha256', secret).update(JSON.stringify(state)).digest('base64url');
}

;// CONCATENATED MODULE: ./build/undo/restore-variable.js


/** Milliseconds after a variable was sent in which GitHub may still write it, although its caller is gone. */
const LATE_WRITE_WINDOW = 15_000;
/** Milliseconds between two reads of the variable. */
const restore_variable_POLL_INTERVAL = 1_000;
/**
 * Restores the former value of a variable in GitHub Actions, unless it, or the secret beside it, was written since.
 * @param waitForLateWrites whether to wait for a write that GitHub may still carry out
 */
async function restoreVariable(savedCredentials, pending, waitForLateWrites) {
    const { location, value, old, secret_time, sent_at } = pending;
    const what = `variable ${location.variable} of ${locationName(location)}`;
    // If the clock was set back since, that must not prolong the wait.
    const until = Math.min(sent_at, Date.now()) + LATE_WRITE_WINDOW;
    let { unconfirmed_writes } = pending;
    const done = [];
    try {
        for (;;) {
            const now = await savedCredentials.refresh();
            if (now.client_id === value) {
                if (now.secretTime !== undefined && now.secretTime !== secret_time)
                    return { done: [`The ${what} stays: another run has saved its pair there.`], remaining: [] };
                if (old === undefined)
                    await savedCredentials.deleteVariable();
                else
                    await savedCredentials.setVariable(old, true);
                done.push(`Put back ${what}.`);
                unconfirmed_writes--;
            }
            else if (now.client_id === undefined && old !== undefined) {
                const why = 'GitHub does not show it, so it may have to be made anew';
                return { done, remaining: [variableNotRestored(pending, why)] };
            }
            const isPending = unconfirmed_writes > 0 && Date.now() < until;
            if (!isPending)
                return { done, remaining: [] };
            if (!waitForLateWrites) {
                const note = `GitHub may still write ${what}. The post step looks again.`;
                return { done: [...done, note], remaining: [], pending: isPending };
            }
            await savedCredentials.transport.pause(restore_variable_POLL_INTERVAL);
        }
    }
    catch (error) {
        return { done, remaining: [variableNotRestored(pending, (0,output_log/* message */.iU)(error))] };
    }
}
/**
 * Returns the sentence about a variable that was not restored, with the call that does it by hand.
 * @param isTrusted whether main wrote the entry. If not, the call names no origin
 */
function variableNotRestored(pending, why, isTrusted = true) {
    const { api, location, old } = pending;
    const url = variableUrl(api, location);
    const address = isTrusted ? url.href : url.pathname;
    const call = old === undefined ? `DELETE ${address}` : `PATCH ${address} with the value ${JSON.stringify(old)}`;
    return `Variable ${location.variable} of ${locationName(location)} may not be what it was: ${why.replace(/\.$/, '')}. To put it back by hand: ${call}`;
}

;// CONCATENATED MODULE: ./build/undo/roll-back.js





/**
 * Undoes what a failed step did, last first. What remains stays in the journal, and the post step tries again.
 * @returns the error to report: the failure, what was undone, and what could not be undone
 */
async function rollBack(scalekit, savedCredentials, journal, failure) {
    const { state, pendingUpdate, irreversible } = journal;
    const addedSecret = state.secret?.id;
    const variable = state.variable && savedCredentials && (await restoreVariable(savedCredentials, state.variable, false));
    const { removed, notFound, remaining } = await cleanUp(scalekit, state);
    const lines = [
        ...(variable?.done ?? []),
        ...removed.map((what) => `Removed again: ${what}.`),
        ...(variable?.remaining ?? []),
        ...remaining,
    ];
    const isCreateUnknown = notFound && !state.client?.id;
    if (isCreateUnknown)
        lines.push(`Whether a client was made is not known: none shows up. The post step looks again. ${manualClientCall(scalekit, state)}`);
    journal.forget({
        ...(!isCreateUnknown && remaining.length === 0 && { client: undefined, secret: undefined }),
        ...(!variable?.pending && !variable?.remaining.length && { variable: undefined }),
    });
    if (pendingUpdate)
        lines.push(...(await restoreClient(scalekit, pendingUpdate, addedSecret)));
    lines.push(...irreversible);
    return lines.length > 0 ? new Error([(0,output_log/* message */.iU)(failure), ...lines].join('\n'), { cause: failure }) : failure;
}
/** Returns the error of a cancelled step. Nothing is undone here, because the runner does not wait for it. */
function cancellationError({ state, pendingUpdate, irreversible }, failure) {
    const isPending = state.client || state.secret || state.variable;
    const lines = [
        (0,output_log/* message */.iU)(failure),
        ...(isPending ? ['The post step removes what this step made.'] : []),
        ...(pendingUpdate ? [mayStayUpdated(pendingUpdate)] : []),
        ...irreversible,
    ];
    return new Error(lines.join('\n'), { cause: failure });
}
/**
 * Restores the former fields of a client.
 * @param addedSecret id of the secret that this step added
 * @returns sentences about what was restored and what could not be
 */
async function restoreClient(scalekit, pendingUpdate, addedSecret) {
    const { before, fields } = pendingUpdate;
    const { client_id } = before;
    const names = Object.keys(fields);
    try {
        const now = (await scalekit.getClient(client_id))?.parse();
        if (!now || compareFields(names, before, now).length === 0)
            return [];
        if (newSecretIds(now, [...before.secrets.map(({ id }) => id), addedSecret]).length > 0)
            return [`${mayStayUpdated(pendingUpdate)} It has a secret that may be another run's.`];
        // PATCH ignores empty values, so leave them out.
        const former = Object.fromEntries(names.map((name) => [name, before[name]]).filter(([, value]) => value !== undefined && `${value}` !== ''));
        const restored = Object.keys(former).length > 0 ? (await scalekit.updateClient(client_id, former)).parse() : now;
        const wrong = compareFields(names, before, restored);
        if (wrong.length === 0)
            return [`Restored: ${names.join(', ')} of client ${client_id}.`];
        return [
            `Client ${client_id} could not be given back what it was, since the API cannot empty or shorten it:\n${formatDifferences(wrong)}`,
        ];
    }
    catch (error) {
        return [`${mayStayUpdated(pendingUpdate)} ${(0,output_log/* message */.iU)(error)}`];
    }
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

;// CONCATENATED MODULE: ./build/commands/provision.js














/** Runs main: creates the client that the inputs describe, or rotates its secret, and publishes the credentials. */
async function provision(inputs) {
    await runWithTransport(inputs, run);
}
async function run(inputs, transport) {
    const [desired, scalekit] = await resolveAndSignIn(inputs, transport);
    const context = createContext(inputs, desired, scalekit);
    const existing = await findAll(context);
    const plan = planChanges(desired, existing);
    plan.warnings.forEach(output_log/* warning */.$e);
    if (transport.cancelled)
        throw new Error('Nothing was changed.');
    if (desired.dry_run)
        return publishPlan(desired, plan);
    const applied = await applyAndPublish(context, plan, existing);
    transport.releaseCleanupTime();
    const deleted = await retireOld(context, plan, applied);
    writeReport(desired, applied, deleted);
    if (transport.cancelled)
        throw new Error('The pair had been handed out already.');
}
/** Resolves the desired client and signs in to Scalekit, at the same time. */
async function resolveAndSignIn(inputs, transport) {
    const [desired, scalekit] = await Promise.all([
        resolveTarget(inputs, transport, process.env).then((target) => desiredClientFrom(inputs, target)),
        Scalekit.open(transport, inputs),
    ]);
    desired.notices.forEach(output_log/* notice */.lm);
    return [{ ...desired, organization_id: scalekit.organization_id }, scalekit];
}
/** Creates what the steps work with. Only the journal and GitHub's client keep credentials. */
function createContext({ origin, credentials, github }, desired, scalekit) {
    const { organization_id, marker, location } = desired;
    const { nonce, run, lifetime } = marker;
    return {
        scalekit,
        desired,
        journal: new Journal({ origin, organization_id, nonce, run, lifetime }, credentials.client_secret),
        savedCredentials: github && location && new SavedCredentials(new GitHub(scalekit.transport, github), location),
    };
}
/** Finds the client that exists and the credentials that are saved, at the same time. */
async function findAll({ scalekit, desired, savedCredentials }) {
    const [found] = await Promise.all([findExisting(scalekit, desired), savedCredentials?.open()]);
    found.notices.forEach(output_log/* notice */.lm);
    return { ...found, saved: savedCredentials?.snapshot };
}
/**
 * Applies the plan and publishes the credentials. Rolls back if anything fails before they are published.
 * @throws {Error} the failure, and what was and was not undone
 */
async function applyAndPublish(context, plan, existing) {
    const { scalekit, desired, journal, savedCredentials } = context;
    const { transport } = scalekit;
    try {
        const applied = await applyPlan(context, plan, existing);
        // Saved credentials count as published, so cancelling comes too late.
        const isSaved = savedCredentials !== undefined && applied.secret !== undefined;
        if (transport.cancelled && !isSaved)
            throw new Error('The pair was not handed out.');
        publish(desired, applied);
        journal.markPublished(applied.client.client_id);
        logResult(desired, applied);
        return applied;
    }
    catch (error) {
        if (transport.cancelled)
            throw cancellationError(journal, error);
        transport.releaseCleanupTime();
        throw await rollBack(scalekit, savedCredentials, journal, error);
    }
}


/***/ })

};
;