"use strict";
exports.id = 902;
exports.ids = [902];
exports.modules = {

/***/ 902:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  provision: () => (/* binding */ provision)
});

// EXTERNAL MODULE: ./build/scalekit/types.js
var types = __webpack_require__(179);
;// CONCATENATED MODULE: ./build/client/drift.js
const NONE = 'none';
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
    return compareFields(compared, fields, { ...client, description: client.descriptionText });
}
/** As `differences`, of the answer to a request that asked for all of it. */
function shortfalls(desired, client) {
    const { organization_id } = client;
    return [
        // An answer may leave out the expiry and the organization, which says nothing about them.
        ...differences(desired, client).filter(({ field, got }) => field !== 'expiry' || got !== NONE),
        ...compareSets([['organization_id', [desired.organization_id], [organization_id || desired.organization_id]]]),
    ];
}
function formatDifferences(differences) {
    return differences.map(({ field, wanted, got }) => `${field}: wanted ${wanted}; got ${got}`).join('\n');
}
function compareFields(names, wanted, got) {
    const [one, other] = [fieldTexts(wanted), fieldTexts(got)];
    return compareSets(names.map((field) => [field, one[field], other[field]]));
}
/** Compares sets. @returns those that are not the same */
function compareSets(pairs) {
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

;// CONCATENATED MODULE: ./build/client/retirement.js

/** The secrets that must go before the client can have one more: never the newest active one, and none of unknown age. */
function evictions(secrets) {
    const dated = inRetirementOrder(secrets.filter(({ create_time }) => create_time !== undefined));
    const newest = dated
        .filter(({ active }) => active)
        .sort(types/* byCreateTime */.lG)
        .at(-1);
    return dated.filter((secret) => secret !== newest).slice(0, Math.max(0, secrets.length + 1 - types/* MAX_SECRETS */.bC));
}
/** @param keep how many secrets stay, the new one, which is not among `secrets`, included */
function retirements(secrets, keep) {
    const count = Math.max(0, secrets.length + 1 - keep);
    return inRetirementOrder(secrets)
        .slice(0, count)
        .map((secret) => deleteSecretStep(secret, keep > 1));
}
function deleteSecretStep(secret, spare_young) {
    return { kind: 'delete-secret', secret, spareRecent: spare_young };
}
/** Those that nobody can use any more first, then the oldest. */
function inRetirementOrder(secrets) {
    return [...secrets].sort((one, other) => Number(one.active) - Number(other.active) || (0,types/* byCreateTime */.lG)(one, other));
}

;// CONCATENATED MODULE: ./build/client/plan.js



/** Milliseconds, and ample: between the two requests of a save. */
const MAX_SAVE_DURATION = 60_000;
/**
 * From what is wanted and what exists to the steps between the two.
 * @throws where there is no way: `on_existing: fail`, or a list that only a new client can be without
 */
function planChanges(desired, { client, others, saved }) {
    const save = desired.location ? [{ kind: 'save' }] : [];
    if (!client)
        return { result: 'created', beforePublish: [{ kind: 'create' }, ...save], afterPublish: [], warnings: [] };
    const duplicates = others.length > 0 ? [duplicatesWarning(client.client_id, others)] : [];
    const warnings = [...duplicates];
    // A secret that was not saved is lost, so another one is due.
    const savedCredentialsMissing = desired.on_existing === 'reuse' && desired.location && !isSaved(saved, client.client_id);
    switch (savedCredentialsMissing ? 'rotate' : desired.on_existing) {
        case 'fail':
            throw planError(`Client ${client.client_id} ${JSON.stringify(client.name)} exists already, and on_existing is fail.`, duplicates);
        case 'replace': {
            const before = [{ kind: 'create' }, ...save];
            return { result: 'replaced', client, beforePublish: before, afterPublish: [{ kind: 'delete-client' }], warnings };
        }
        case 'reuse':
            return {
                result: 'reused',
                client,
                beforePublish: driftCorrections(desired, client, duplicates),
                afterPublish: [],
                warnings,
            };
        case 'rotate': {
            const evicted = evictions(client.secrets);
            const kept = client.secrets.filter((secret) => !evicted.includes(secret));
            for (const { id } of evicted)
                warnings.push(`Client ${client.client_id} has ${client.secrets.length} secrets, and ${types/* MAX_SECRETS */.bC} is the most: ${id} has to go before a new one is made, however young it is.`);
            return {
                result: 'rotated',
                client,
                beforePublish: [
                    ...driftCorrections(desired, client, duplicates),
                    ...evicted.map((secret) => deleteSecretStep(secret, false)),
                    { kind: 'add-secret' },
                    ...save,
                ],
                afterPublish: retirements(kept, desired.keep_secrets),
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
    if (saved?.client_id !== client_id || saved.secretTime === undefined)
        return false;
    return !(Date.parse(saved.variableTime ?? '') - Date.parse(saved.secretTime) > MAX_SAVE_DURATION);
}
/**
 * The way of a run that lost a race, as if it had found the winner's client, on which other runs' secrets are as new as
 * its own: nothing on it is deleted.
 * @throws as `plan`
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
function planError(text, warnings) {
    return new Error([text, ...warnings].join('\n'));
}
/**
 * Corrects what drifted, and gives a client that was made by hand its trailer.
 * @param several what else the user should know where there is no way
 */
function driftCorrections(desired, client, several) {
    const drifted = differences(desired, client);
    const emptied = drifted.filter(({ wanted }) => wanted === NONE);
    if (emptied.length > 0) {
        throw planError(`Client ${client.client_id} has what was not asked for, and the API cannot empty a list: use on_existing: replace, which makes a new client and then deletes this one.\n${formatDifferences(emptied)}`, several);
    }
    if (!client.marker && !drifted.some(({ field }) => field === 'description'))
        drifted.push({
            field: 'description',
            wanted: 'a last line by which this action knows the client again',
            got: NONE,
        });
    const own = desired.given.description ? desired.fields.description : client.descriptionText;
    const fields = { ...desired.fields, description: own };
    const changes = Object.fromEntries(drifted.map(({ field }) => [field, fields[field]]));
    return drifted.length > 0 ? [{ kind: 'update', fields: changes, differences: drifted }] : [];
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

// EXTERNAL MODULE: ./build/client/claims.js
var client_claims = __webpack_require__(866);
// EXTERNAL MODULE: ./build/client/faults.js
var client_faults = __webpack_require__(202);
// EXTERNAL MODULE: ./build/client/identity.js
var client_identity = __webpack_require__(537);
// EXTERNAL MODULE: ./build/inputs/inputs.js + 4 modules
var inputs_inputs = __webpack_require__(609);
;// CONCATENATED MODULE: ./build/inputs/resolve.js





/**
 * What the inputs come to, once it is known which repository and environment they are about.
 * @throws {InputError} that names what does not go together
 */
function resolveInputs(inputs, target) {
    const faults = new client_faults/* Faults */.C();
    const report = (input) => faults.report(input);
    const claims = (0,client_claims/* resolveClaims */.c)(inputs, target, report);
    (0,inputs_inputs/* checkSecretLocation */.KE)(inputs, target, report);
    faults.finish();
    const { scopes, audience, expiry, name, description, lifetime, runner, repository_claims } = inputs;
    const { repository, repository_id, environment } = target;
    const identity = identityFor(inputs, target, lifetime);
    const marker = {
        key: (0,client_identity/* identityHash */.Jf)(identity),
        repo: (0,client_identity/* repositoryReference */.sk)(repository, repository_id),
        // As sweep/ knows it, which asks for no ID token.
        by: (0,client_identity/* repositoryReference */.sk)(runner.repository, runner.repository_id),
        run: runner.run,
        lifetime,
        nonce: (0,client_identity/* createNonce */.mE)(),
    };
    const purpose = `Made by GitHub Actions for ${repository}${environment && `, environment ${environment}`}.`;
    const noId = 'This runner does not tell GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.';
    return {
        ...inputs,
        fields: {
            name: name || shorten(`GitHub Actions: ${repository}${environment && ` (${environment})`}`, types/* MAX_NAME */.zB),
            description: description || shorten(purpose, client_identity/* MAX_DESCRIPTION_TEXT */.CV),
            ...(scopes.length > 0 && { scopes }),
            ...(audience.length > 0 && { audience }),
            ...(claims.length > 0 && { custom_claims: claims }),
            ...(expiry && { expiry }),
        },
        given: { name: name !== '', description: description !== '' },
        marker,
        identity,
        location: secretLocation(inputs, target),
        notices: !repository_claims && repository_id === undefined ? [noId] : [],
    };
}
/** What the client of these inputs is known by. */
function identityFor({ name }, target, lifetime) {
    const { repository, repository_id, environment } = target;
    return { repository, repository_id, environment, name: name || undefined, lifetime };
}
/**
 * Where the pair is kept.
 * @returns nothing where it is not
 * @throws {InputError} where that is an environment and there is none
 */
function resolveSecretLocation(inputs, target) {
    const faults = new Faults();
    checkSecretLocation(inputs, target, (input) => faults.report(input));
    faults.finish();
    return secretLocation(inputs, target);
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
/** A text of bounded length in which two long ones that differ stay different. */
function shorten(text, most) {
    const characters = [...text];
    if (characters.length <= most)
        return text;
    const kept = most - 9;
    return `${characters.slice(0, kept).join('')}~${(0,client_identity/* shortHash */.BC)(characters.slice(kept).join('')).slice(0, 8)}`;
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
        return [(0,types/* parseClientSummary */.Rg)(entry)];
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
        const mine = known ?? [[...secrets].sort(types/* byCreateTime */.lG)[0]?.id, state.secret?.id];
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
    if (client.client_id !== client_id || (0,client_identity/* parseMarker */.gY)(client.description)?.key !== key)
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
    const marker = (0,client_identity/* parseMarker */.gY)(description);
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

;// CONCATENATED MODULE: ./build/steps/context.js
/** How often a request is sent that makes something and whose answers are lost. */
const MAX_SENDS = 3;

;// CONCATENATED MODULE: ./build/steps/rotate.js









/** A secret that cannot be identified works all the same. */
const UNKNOWN_SECRET = { id: '', create_time: undefined, suffix: '', active: true };
/** Reads a secret that the answer with its value did not show. It is known by its last characters. */
async function identifySecret(scalekit, client_id, plain_secret, seen) {
    const client = await scalekit.getClient(client_id).catch(() => undefined);
    const isIt = ({ id, suffix }) => !seen.includes(id) && suffix !== '' && plain_secret.endsWith(suffix);
    return client?.parse().secrets.find(isIt) ?? UNKNOWN_SECRET;
}
/**
 * Changes fields of a client, and makes sure that they came out as asked for. A lost answer is read back. The trailer
 * stays as it is; a client without one gets this run's.
 * @param young whether the client was made just now, so that the API may not show it yet everywhere
 */
async function updateClient({ scalekit, desired, journal }, client, fields, young) {
    const { client_id } = client;
    journal.pendingUpdate = { before: client, fields };
    const marker = client.marker ?? desired.marker;
    const sent = fields.description === undefined ? fields : { ...fields, description: (0,client_identity/* appendMarker */.zi)(fields.description, marker) };
    const response = await scalekit.updateClient(client_id, sent, young).catch(async (error) => {
        if (!(error instanceof ApiError && error.outcomeUnknown))
            throw error;
        const now = await scalekit.getClient(client_id).catch(() => undefined);
        if (now?.client_id !== client_id || shortfalls(desired, (0,client_identity/* withMarker */.Pe)(now.parse())).length > 0)
            throw error;
        return now;
    });
    output_log/* info */.pq(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
    const now = (0,client_identity/* withMarker */.Pe)(response.parse());
    const wrong = shortfalls(desired, now);
    if (wrong.length > 0 || !now.marker) {
        throw new Error(`Client ${client_id} was not updated to what was asked for. Where the API only adds to a list, on_existing: replace makes a new client.\n${formatDifferences(wrong)}`);
    }
    return { ...now, secrets: client.secrets };
}
/** Makes room for a secret. Nothing brings back the one that is deleted. */
async function deleteToMakeRoom(scalekit, journal, { client_id }, { id }) {
    // Where a neighbour was quicker, it is not this run that has to say so.
    if (await scalekit.deleteSecret(client_id, id))
        journal.irreversible.push(`Secret ${id} of client ${client_id}, deleted to make room, cannot be brought back.`);
}
/**
 * Adds a secret. A lost answer leaves one that cannot be told from another run's: it is named, and another is asked for.
 * @param how.evict whether secrets that were there before may go where the client has five by then
 */
async function addSecret(context, client, { young, evict: mayEvict }) {
    const { scalekit, journal } = context;
    const { client_id } = client;
    const pending = {
        client_id,
        key: client.marker?.key ?? '',
        known_ids: client.secrets.map(({ id }) => id),
        outcome_unknown: false,
    };
    let unsure = [];
    const on = {
        onSend: () => journal.recordIntent({ secret: { ...pending } }),
        onId: (id) => journal.recordResult({ secret: { ...pending, id } }),
    };
    for (let sending = 1;; sending++) {
        try {
            const added = await scalekit.addSecret(client_id, on, young);
            for (const id of unsure)
                output_log/* warning */.$e(possibleLeftover(scalekit, pending, id));
            const { plain_secret } = added;
            const secret = added.secret ?? (await identifySecret(scalekit, client_id, plain_secret, pending.known_ids));
            if (!added.secret && secret.id)
                on.onId(secret.id);
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
            const now = await lookAgain(context, pending).catch(() => Promise.reject(error));
            unsure = newSecretIds(now, pending.known_ids);
            if (now.secrets.length >= types/* MAX_SECRETS */.bC) {
                const [victim] = mayEvict ? evictions(now.secrets).filter(({ id }) => pending.known_ids.includes(id)) : [];
                if (!victim)
                    throw error;
                output_log/* warning */.$e(`Client ${client_id} has ${now.secrets.length} secrets by now: ${victim.id}, the oldest, is deleted to make room.`);
                await deleteToMakeRoom(scalekit, journal, client, victim);
            }
        }
    }
}
/** Reads a client after a request for a secret whose value is lost. The secret itself goes where its id is known. */
async function lookAgain({ scalekit, journal }, pending) {
    const id = journal.state.secret?.id;
    if (id)
        await scalekit.deleteSecret(pending.client_id, id);
    else
        pending.outcome_unknown = true;
    const client = await scalekit.getClient(pending.client_id);
    if (!client)
        throw new Error(`client ${pending.client_id} is not there any more`);
    return client.parse();
}

;// CONCATENATED MODULE: ./build/steps/create.js








/** Milliseconds before each look for the client of a lost create: at once, and after 1, 2 and 4 seconds. */
const SEARCH_DELAYS = [0, 1_000, 1_000, 2_000];
/** Makes a client. Where the answer is lost, the client is looked for by its nonce before the request is sent again. */
async function createClient(context) {
    const { scalekit, journal } = context;
    for (let sending = 1;; sending++) {
        try {
            return await createOnce(context, sending > 1);
        }
        catch (error) {
            if (!(error instanceof ApiError))
                throw error;
            // A refusal of the first says that there is nothing; one of a repeat says nothing about those before.
            if (!error.outcomeUnknown && sending === 1)
                journal.forget();
            if (!error.outcomeUnknown || scalekit.transport.cancelled)
                throw error;
            output_log/* info */.pq(`${error.message} Looking for the client that this may have made.`);
            const lost = await findOwnClient(context).catch(() => Promise.reject(error));
            if (lost)
                return await recoverClient(context, lost);
            // What sends elsewhere would do so again.
            const redirect = error.status !== undefined && error.status < 400;
            if (sending === MAX_SENDS || redirect)
                throw error;
        }
    }
}
async function createOnce({ scalekit, desired, journal }, again) {
    const pending = { sent_at: 0, sent_again: again };
    const description = (0,client_identity/* appendMarker */.zi)(desired.fields.description, desired.marker);
    const { client: made, plain_secret } = await scalekit.createClient({ ...desired.fields, description }, {
        onSend: () => {
            pending.sent_at = Date.now();
            journal.recordIntent({ client: pending });
        },
        onId: (id) => journal.recordResult({ client: { ...pending, id } }),
    });
    const client = (0,client_identity/* withMarker */.Pe)(made);
    if (!isFromThisStep(client, journal.state)) {
        throw new Error("Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.");
    }
    const [only, ...others] = client.secrets;
    const secret = only && others.length === 0 ? only : await identifySecret(scalekit, client.client_id, plain_secret, []);
    if (secret.id)
        journal.recordResult({ client: { ...pending, id: client.client_id, secret_ids: [secret.id] } });
    requireAsRequested(desired, client);
    return { client, secret: { secret, plain_secret }, remainingSteps: [] };
}
function requireAsRequested(desired, client) {
    const wrong = shortfalls(desired, client);
    if (wrong.length === 0)
        return;
    const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
    throw new Error(`Scalekit did not make the client that was asked for.${hint}\n${formatDifferences(wrong)}`);
}
async function findOwnClient({ scalekit, journal }) {
    for (const pause of SEARCH_DELAYS) {
        await scalekit.transport.pause(pause);
        const [own] = await findOwnClients(scalekit, journal.state);
        if (own)
            return own;
    }
    return undefined;
}
/** Gives a client whose create was answered by nobody another secret: the value of its first one is lost. */
async function recoverClient(context, lost) {
    const { scalekit, desired, journal } = context;
    const client = (0,client_identity/* withMarker */.Pe)(lost.parse());
    const { sent_at = 0, sent_again: again = false } = journal.state.client ?? {};
    const pending = { sent_at, sent_again: again, id: client.client_id };
    journal.recordResult({ client: pending });
    requireAsRequested(desired, client);
    output_log/* info */.pq(`Client ${client.client_id} was made. The value of its secret is lost, so it gets another one.`);
    const secret = await addSecret(context, client, { young: true, evict: false });
    // A list may lag behind with what is within a client, too. A secret without an id could not be told from the first.
    const reread = client.secrets.length === 0 && secret.secret.id ? await scalekit.getClient(client.client_id) : undefined;
    const shown = reread?.parse() ?? client;
    const [first] = shown.secrets.filter(({ id }) => id !== secret.secret.id).sort(types/* byCreateTime */.lG);
    const secret_ids = [...(first ? [first.id] : []), secret.secret.id];
    journal.recordResult({
        client: { ...pending, secret_ids, secret_outcome_unknown: journal.state.secret?.outcome_unknown },
        secret: undefined,
    });
    return {
        client,
        secret,
        remainingSteps: first ? [{ kind: 'delete-secret', secret: first, spareRecent: false }] : [],
    };
}

;// CONCATENATED MODULE: ./build/steps/find.js


/** Ids that a message names before it only counts. */
const MAX_IDS = 10;
/**
 * Finds the client to go on with: by its id, or else by the key in the trailer. One of a job is always new.
 * @throws where the id is that of somebody else's client
 */
async function findExisting(scalekit, desired) {
    const at = clock();
    if (desired.marker.lifetime === 'job')
        return { others: [], seenIds: undefined, startedAt: at, notices: [] };
    const client = desired.client_id ? await getNamedClient(scalekit, desired) : undefined;
    if (client)
        return { client, others: [], seenIds: undefined, startedAt: at, notices: [] };
    const stale = desired.client_id
        ? [`There is no client ${desired.client_id} (client_id) in this organization; the search decides.`]
        : [];
    const { ours, unmarked } = await searchClients(scalekit, desired);
    const [first, ...others] = ours;
    // Every client has a secret, so a list that shows none leaves them out.
    const whole = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
    const oldest = whole && whole.client_id === first?.client_id ? (0,client_identity/* withMarker */.Pe)(whole.parse()) : first;
    return {
        client: oldest,
        others: others.map(({ client_id }) => client_id),
        seenIds: new Set(ours.map(({ client_id }) => client_id)),
        startedAt: at,
        notices: [...stale, ...unmarkedNotice(unmarked)],
    };
}
/**
 * Reads the client that `client_id` names.
 * @returns nothing where there is no such client
 * @throws where it is somebody else's
 */
async function getNamedClient(scalekit, { client_id, identity, marker }) {
    const named = await scalekit.getClient(client_id);
    if (!named)
        return undefined;
    // An answer may show another client than the one that was asked for.
    const client = (0,client_identity/* withMarker */.Pe)(named.parse());
    const why = client.client_id === client_id
        ? (0,client_identity/* reasonNotManageable */.lY)(client, identity, marker)
        : `the answer shows ${client.client_id}`;
    if (why)
        throw new Error(`Client ${client_id} is not managed by this step: ${why}.`);
    return client;
}
/** Goes through the whole list. @returns the clients with our key, the oldest first, and the ids of those that only look like it */
async function searchClients(scalekit, { marker, identity }) {
    // By id: a page that moves while the list is read shows a client twice.
    const ours = new Map();
    const unmarked = new Set();
    for await (const { client_id, description, parse: whole } of scalekit.listClients()) {
        const found = (0,client_identity/* parseMarker */.gY)(description);
        if (found?.key === marker.key)
            ours.set(client_id, (0,client_identity/* withMarker */.Pe)(whole()));
        else if (!found && hasMatchingClaimsIfReadable(whole, identity))
            unmarked.add(client_id);
    }
    return { ours: [...ours.values()].sort(client_identity/* oldestFirst */.sZ), unmarked: [...unmarked] };
}
/** One that nobody can read is like nobody's. */
function hasMatchingClaimsIfReadable(whole, identity) {
    try {
        return (0,client_identity/* hasMatchingClaims */.P3)(whole(), identity);
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
 * Looks once more after a create: for further clients of this very step, which are removed, and for those that other
 * runs made for the same purpose at the same time.
 * @returns the rival's client that was there first
 */
async function lookForRival({ scalekit, desired, journal }, created, found) {
    const lasting = desired.marker.lifetime === 'persistent';
    if (!lasting && !journal.state.client?.sent_again)
        return undefined;
    // Without a search, what was there at the first look can only be told by the time that has passed since.
    const passed = BigInt(Math.ceil(clock() - found.startedAt)) * 1000000n;
    const { ours } = await searchClients(scalekit, desired);
    const isDuplicate = (client) => isFromThisStep(client, journal.state);
    for (const duplicate of ours.filter(isDuplicate)) {
        if (duplicate.client_id === created.client_id)
            continue;
        const { what } = await removeClientOrOwnSecrets(scalekit, journal.state, { ...duplicate, parse: () => duplicate });
        output_log/* info */.pq(`Removed a second client of the same request: ${what}.`);
    }
    if (!lasting)
        return undefined;
    // Times from one source: those of an answer and of a list may differ in their digits.
    const own = ours.find(({ client_id }) => client_id === created.client_id) ?? created;
    const isNew = ({ client_id, create_time: time }) => found.seenIds
        ? !found.seenIds.has(client_id)
        : client_id !== found.client?.client_id && time !== undefined && time >= (own.create_time ?? time) - passed;
    const [first] = [...ours.filter((client) => !isDuplicate(client) && isNew(client)), own].sort(client_identity/* oldestFirst */.sZ);
    return first === own ? undefined : first;
}

;// CONCATENATED MODULE: ./build/steps/save.js



/**
 * Writes the pair into GitHub Actions: the variable first, the secret last. From the moment that the secret may have
 * arrived there is no way back, so the pair counts as handed out before it is sent; a refusal takes that back.
 * @throws where the pair is not saved, or nobody can say whether it is
 */
async function save(context, client_id, { plain_secret }) {
    const { scalekit, journal, savedCredentials } = context;
    if (!savedCredentials)
        return;
    // What is restored is what was there just now, not when this run began; where nobody can say, that has to do.
    const { client_id: old, secretTime: secret_time } = await savedCredentials
        .look()
        .catch(() => savedCredentials.snapshot);
    if (old !== client_id) {
        const pending = {
            api: savedCredentials.api,
            location: savedCredentials.location,
            value: client_id,
            old,
            secret_time,
        };
        let sendings = 0;
        const onSend = () => {
            sendings++;
            journal.recordIntent({ variable: { ...pending, sent_at: Date.now(), unconfirmed_writes: sendings } });
        };
        await savedCredentials.setVariable(client_id, old !== undefined, onSend).catch((error) => {
            if (error instanceof ApiError && !error.outcomeUnknown)
                journal.recordResult({ variable: undefined });
            throw error;
        });
        journal.recordResult({ variable: { ...pending, sent_at: Date.now(), unconfirmed_writes: sendings - 1 } });
    }
    if (scalekit.transport.cancelled)
        throw new Error('The pair was not saved.');
    // Loaded by the few runs that need it, and before there is no way back.
    const { sealBox: seal } = await Promise.all(/* import() */[__webpack_require__.e(442), __webpack_require__.e(947)]).then(__webpack_require__.bind(__webpack_require__, 947));
    const { client, secret, variable } = journal.state;
    const { pendingUpdate: updated } = journal;
    journal.markPublished(client_id);
    journal.pendingUpdate = undefined;
    try {
        await savedCredentials.setSecret((key) => seal(key, plain_secret));
    }
    catch (error) {
        if (error instanceof ApiError && error.outcomeUnknown)
            throw new Error([
                `${error.message} Whether GitHub has the new secret of client ${client_id} is not known. The new secret and those before it stay valid, and until the next run the saved pair may be a mixed one.`,
                ...(updated ? [mayStayUpdated(updated)] : []),
            ].join('\n'), { cause: error });
        journal.pendingUpdate = updated;
        journal.recordResult({ client, secret, variable });
        throw error;
    }
    // Another run may have written its own between the two: then this secret has no variable of its own.
    const now = await savedCredentials.getVariable().catch(() => client_id);
    if (now === client_id)
        return;
    await savedCredentials.setVariable(client_id, now !== undefined).catch((error) => {
        output_log/* warning */.$e(`Another run saved a pair at the same time, and the saved pair may be a mixed one until the next run: ${output_log/* message */.iU(error)}`);
    });
}

;// CONCATENATED MODULE: ./build/scalekit/token.js

/** Reads an access token. @returns nothing where it is not a JWT */
function readToken(token) {
    const payload = (0,json/* decodeJwtPayload */.Kd)(token);
    if (!payload)
        return undefined;
    const { oid, sub, scopes, scope, aud, custom_claims, exp } = payload;
    try {
        return {
            oid: token_text(oid),
            sub: token_text(sub),
            scopes: list(scopes ?? scope),
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
function list(value) {
    if (Array.isArray(value))
        return value.map(token_text);
    return token_text(value).split(' ').filter(Boolean);
}
function token_text(value) {
    return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
}

;// CONCATENATED MODULE: ./build/steps/verify.js





/** Milliseconds after a client was corrected in which its tokens may still show what it was. */
const CORRECTION_LAG = 3_000;
const RETRY_PAUSE = 500;
/**
 * Gets a token with the new pair, and compares it with what was asked for.
 * @returns nothing where no verification was asked for
 * @throws where the pair gets none, or one that says something else
 */
async function verify({ scalekit, desired, journal }, { client_id }, { plain_secret: client_secret }) {
    if (!desired.verify)
        return undefined;
    for (const until = clock() + (journal.pendingUpdate ? CORRECTION_LAG : 0);;) {
        const { access_token, expires_in } = await scalekit.getToken({ client_id, client_secret });
        if (desired.access_token && (0,mask/* isTooLongToMask */.az)(access_token))
            throw new Error('The access token of the new pair is too long to be masked in every form, so it is not handed out: leave access_token out, or ask for fewer claims and scopes.');
        const payload = readToken(access_token);
        if (!payload)
            output_log/* notice */.lm('The access token of the new pair is not a JWT, so its claims were not compared with what was asked for.');
        const wrong = payload ? tokenDifferences(desired, client_id, payload) : [];
        if (wrong.length === 0) {
            const expires_at = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
            return { access_token, expiresAt: expires_at };
        }
        const mismatch = new Error(`The access token of the new pair is not what was asked for. An interceptor of the environment may have changed it; verify: false accepts that.\n${formatDifferences(wrong)}`);
        if (clock() >= until)
            throw mismatch;
        await scalekit.transport.pause(RETRY_PAUSE).catch(() => Promise.reject(mismatch));
    }
}
/** Without an audience asked for, the token's own is not looked at. */
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
 * Carries out what comes before the pair is handed out: makes one, verifies it, saves it. What it has done when it
 * throws is in the journal. The intent is written down before each sending of a request that makes something, and the id
 * as soon as it is known, so that the post step can clean up wherever this one is cut off.
 */
async function applyPlan(context, plan, found) {
    const applied = await makeCredentials(context, plan, found);
    await (0,mask/* flushMasks */.Wd)();
    if (applied.secret)
        await save(context, applied.client.client_id, applied.secret);
    return applied;
}
async function makeCredentials(context, plan, found) {
    if (plan.client && plan.result !== 'replaced')
        return await changeClient(context, plan, plan.client);
    const { desired, scalekit } = context;
    const making = createClient(context);
    // The verification and the look for rivals go out together then.
    if (desired.verify && desired.marker.lifetime === 'persistent')
        scalekit.transport.preconnect(scalekit.clientUrl());
    const { client, secret, remainingSteps: after } = await making;
    const [verified, winner] = await Promise.allSettled([
        verify(context, client, secret),
        lookForRival(context, client, found),
    ]);
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
        remainingSteps: [...after, ...plan.afterPublish],
    };
}
/** Goes on with the client of a run that was first, and removes the own one. */
async function continueWithWinner(context, plan, winner) {
    const { scalekit, desired, journal, savedCredentials } = context;
    output_log/* info */.pq(`Another run made client ${winner.client_id} for the same purpose at the same time, and was first.`);
    const applied = await changeClient(context, planForWinner(desired, winner, savedCredentials?.snapshot), winner, true);
    const { removed, remaining: left } = await cleanUp(scalekit, { ...journal.state, secret: undefined }, false);
    for (const what of removed)
        output_log/* info */.pq(`Removed this run's own: ${what}.`);
    left.forEach(output_log/* warning */.$e);
    // What is left is the post step's to try again.
    if (left.length === 0)
        journal.recordIntent({ client: undefined });
    // The client to replace goes all the same: the other run may fail yet, and leave its new client to this one.
    return { ...applied, remainingSteps: plan.afterPublish };
}
/** @param young whether the client was made just now, so that the API may not show it yet everywhere */
async function changeClient(context, plan, existing, young = false) {
    const { scalekit, journal } = context;
    let client = existing;
    let secret;
    for (const step of plan.beforePublish) {
        if (step.kind === 'update')
            client = await updateClient(context, client, step.fields, young);
        if (step.kind === 'delete-secret')
            await deleteToMakeRoom(scalekit, journal, client, step.secret);
        if (step.kind === 'add-secret')
            secret = await addSecret(context, client, { young, evict: !young });
    }
    const token = secret && (await verify(context, client, secret));
    return { result: plan.result, client, secret, token, remainingSteps: plan.afterPublish };
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
        throw new Error(`Could not set the outputs: ${output_log/* message */.iU(error)}.`);
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
        output_log/* info */.pq(`The job summary could not be written: ${output_log/* message */.iU(error)}`);
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

;// CONCATENATED MODULE: ./build/steps/publish.js




/** Sets the outputs, takes what is the user's now out of the state, and says so. Secret and token are masked by then. */
function publish(desired, applied, journal, savedCredentials) {
    const { result, client, secret, token } = applied;
    const { client_id } = client;
    const { organization_id, access_token } = desired;
    const outputs = {
        client_id,
        // Empty where an existing client is reused: its secrets are shown to nobody again.
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
        throw secret && savedCredentials
            ? new Error(`${output_log/* message */.iU(error)} The pair is saved already, as ${savedCredentials.names}.`)
            : error;
    }
    journal.markPublished(client_id);
    output_log/* info */.pq(resultSentence(desired, applied));
    if (secret && savedCredentials)
        output_log/* info */.pq(`Saved the pair as ${savedCredentials.names}.`);
}
/** ISO 8601, in UTC. @param seconds since the epoch; a number that no date has is none */
function isoTime(seconds) {
    const date = new Date((seconds ?? Number.NaN) * 1000);
    return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}
/** Shows what a run without `dry_run` would do. */
function publishPlan(desired, savedCredentials, { client, beforePublish: before, afterPublish: after }) {
    const { organization_id } = desired;
    setOutputs({ ...(client && { client_id: client.client_id }), organization_id, result: 'planned' });
    const steps = [
        ...before.map((step) => stepText(desired, savedCredentials, client?.client_id ?? '', step, false)),
        ...after.map((step) => stepText(desired, savedCredentials, client?.client_id ?? '', step, true)),
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
function stepText({ fields, marker }, savedCredentials, client_id, step, after) {
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
            return { text: `save the pair as ${savedCredentials?.names}`, differences: [] };
        case 'delete-secret': {
            const why = after ? (step.spareRecent ? ', unless it is younger than an hour' : '') : ' to make room';
            return { text: `delete secret ${step.secret.id} of client ${client_id}${why}`, differences: [] };
        }
        case 'delete-client':
            return { text: `delete client ${client_id}`, differences: [] };
    }
}
/** What was deleted since, in the log, and a table in the job summary. Neither can fail the step. */
function writeReport(desired, savedCredentials, applied, deleted) {
    const { marker, fields, organization_id } = desired;
    const { result, client, secret } = applied;
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
        ...(savedCredentials ? [['Saved', ...(secret ? [savedCredentials.names] : [])]] : []),
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
/** An answer may leave the expiry out, so what was asked for is not said as a fact. */
function expiryText(asked, made) {
    if (made)
        return [`${made} seconds`];
    return asked ? [`${asked} seconds (asked for)`] : [];
}

// EXTERNAL MODULE: ./build/client/target.js
var client_target = __webpack_require__(822);
// EXTERNAL MODULE: ./build/github/runner.js
var runner = __webpack_require__(801);
;// CONCATENATED MODULE: ./build/github/id-token.js






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
 * Finds out which repository and environment the inputs are about, and what is known about them.
 * @throws later, where nobody can say, or two say different things; at once, with nothing sent, where nobody can be asked
 */
function resolveTarget(aim, transport, env) {
    return requestTarget(aim, transport, env).then((target) => {
        output_log/* info */.pq(SENTENCES[target.source](target));
        if (target.asserted)
            output_log/* info */.pq(`The environment ${(0,output_text/* quote */.hD)(target.environment)} is asserted: only the input names it.`);
        return target;
    });
}
const SENTENCES = {
    token: () => "Claims about the repository come from GitHub's ID token.",
    runner: () => "Claims about the repository come from the runner's variables, since this job may not have an ID token (permissions: id-token: write).",
    api: ({ repository }) => `Claims about ${repository} come from GitHub's API.`,
};
function requestTarget(aim, transport, env) {
    const { source, runner, repository, environment, github } = aim;
    if (source === 'api' && github)
        return new GitHub(transport, github).getRepository(repository, (told) => (0,client_target/* targetFromApi */.oN)(told, environment));
    const own = (0,client_target/* targetFromRunner */._B)(runner, env, environment);
    if (source === 'runner')
        return Promise.resolve(own);
    return getIdToken(transport, env).then((payload) => {
        const faults = new client_faults/* Faults */.C();
        const target = (0,client_target/* targetFromIdToken */._l)(payload, own, (input) => faults.report(input));
        faults.finish();
        return target;
    });
}

;// CONCATENATED MODULE: ./build/steps/retire.js

/** Nanoseconds. */
const HOUR_NS = 3600000000000n;
/** What is done once the pair is handed out: whatever fails now is a warning. @returns what was deleted */
async function retireOld({ scalekit }, plan, { client, secret, remainingSteps: after }) {
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
    for (const step of after) {
        if (step.kind === 'delete-secret') {
            const { client_id } = client;
            const { id, create_time } = step.secret;
            if (step.spareRecent && !isAnHourOlder(create_time, secret?.secret.create_time)) {
                output_log/* info */.pq(`Secret ${id} stays: it is younger than an hour, so another job may be using it.`);
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
function isAnHourOlder(one, other) {
    return one !== undefined && other !== undefined && other - one >= HOUR_NS;
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(598);
;// CONCATENATED MODULE: ./build/undo/journal.js




const STATE_NAME = 'client';
/**
 * Main's side of the state. What it writes is sealed with the administrator's secret: a `STATE_*` variable can also
 * come from another step through `GITHUB_ENV`, and must not send the credentials elsewhere or name another's client.
 */
class Journal {
    state;
    /** What only main can undo: the client as it was, and the fields that were, or may have been, changed. */
    pendingUpdate;
    /** What nobody can undo, in sentences. */
    irreversible = [];
    #secret;
    constructor(state, secret) {
        this.state = state;
        this.#secret = secret;
    }
    /**
     * Writes a change down, and then takes it for a fact.
     * @throws where the runner's file cannot be written
     */
    recordIntent(change) {
        const state = { ...this.state, ...change };
        const done = isEmpty(state);
        try {
            (0,core/* saveState */.LZ)(STATE_NAME, done ? '' : JSON.stringify({ ...state, seal: seal(state, this.#secret) }));
        }
        catch (error) {
            throw new Error(`Could not write the state for the post step: ${(0,output_log/* message */.iU)(error)}.`);
        }
        Object.assign(this.state, change);
    }
    /** As `note`, for what is a fact whether or not it can be written: the roll-back has to know it. */
    recordResult(change) {
        Object.assign(this.state, change);
        this.recordIntent(change);
    }
    /**
     * Marks a pair as its user's: nobody takes it back any more.
     * @param client_id the client that is handed out; another one that this step made is still to be removed
     * @throws where the runner's file cannot be written
     */
    markPublished(client_id) {
        const { client, secret, variable, lifetime } = this.state;
        const stays = lifetime === 'job' || client?.id !== client_id;
        if (client || secret || variable)
            this.recordIntent({ client: stays ? client : undefined, secret: undefined, variable: undefined });
    }
    /** Leaves the post step nothing of this to do. Where that cannot be written, it finds out for itself. */
    forget(change = { client: undefined, secret: undefined, variable: undefined }) {
        if (isEmpty(this.state))
            return;
        try {
            this.recordIntent(change);
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
    const text = getState(STATE_NAME);
    return text ? asObject(JSON.parse(text), 'it') : undefined;
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
/** The journal of a step that is about to change something, still empty. */
function createJournal({ origin, organization_id, marker, credentials }) {
    const { nonce, run, lifetime } = marker;
    return new Journal({ origin, organization_id, nonce, run, lifetime }, credentials.client_secret);
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

;// CONCATENATED MODULE: ./build/undo/roll-back.js





/**
 * Undoes what a failed step did, last first.
 * @returns the error to show: the failure, and what became of what the step had made or changed
 */
async function rollBack(scalekit, savedCredentials, journal, failure) {
    const { state, pendingUpdate: updated } = journal;
    const ownSecret = state.secret?.id;
    const put = state.variable && savedCredentials && (await restoreVariable(savedCredentials, state.variable, false));
    const { removed, notFound: absent, remaining: stays } = await cleanUp(scalekit, state, false);
    const left = [...(put?.remaining ?? []), ...stays];
    const lines = [...(put?.done ?? []), ...removed.map((what) => `Removed again: ${what}.`), ...left];
    const unsure = absent && !state.client?.id;
    if (unsure)
        lines.push(`Whether a client was made is not known: none shows up. The post step looks again. ${manualClientCall(scalekit, state)}`);
    // What is left is the post step's to try again.
    journal.forget({
        ...(!unsure && stays.length === 0 && { client: undefined, secret: undefined }),
        ...(!put?.pending && !put?.remaining.length && { variable: undefined }),
    });
    if (updated)
        lines.push(...(await restoreClient(scalekit, updated, ownSecret)));
    lines.push(...journal.irreversible);
    return lines.length > 0 ? new Error([(0,output_log/* message */.iU)(failure), ...lines].join('\n'), { cause: failure }) : failure;
}
/** The error of a step that is cancelled: the runner does not wait until anything is undone. */
function cancellationError({ state, pendingUpdate: updated, irreversible: lost }, failure) {
    const rest = state.client || state.secret || state.variable ? ['The post step removes what this step made.'] : [];
    const lines = [(0,output_log/* message */.iU)(failure), ...rest, ...(updated ? [mayStayUpdated(updated)] : []), ...lost];
    return new Error(lines.join('\n'), { cause: failure });
}
/**
 * Gives a client its former values back.
 * @returns sentences about what could not be restored
 */
async function restoreClient(scalekit, updated, ownSecret) {
    const { before, fields } = updated;
    const { client_id } = before;
    const names = Object.keys(fields);
    try {
        const now = (await scalekit.getClient(client_id))?.parse();
        if (!now || compareFields(names, before, now).length === 0)
            return [];
        if (newSecretIds(now, [...before.secrets.map(({ id }) => id), ownSecret]).length > 0)
            return [`${mayStayUpdated(updated)} It has a secret that may be another run's.`];
        const former = Object.fromEntries(names.map((name) => [name, before[name]]).filter(([, value]) => value !== undefined && `${value}` !== ''));
        const then = Object.keys(former).length > 0 ? (await scalekit.updateClient(client_id, former)).parse() : now;
        const lost = compareFields(names, before, then);
        if (lost.length === 0)
            return [`Restored: ${names.join(', ')} of client ${client_id}.`];
        return [
            `Client ${client_id} could not be given back what it was, since the API cannot empty or shorten it:\n${formatDifferences(lost)}`,
        ];
    }
    catch (error) {
        return [`${mayStayUpdated(updated)} ${(0,output_log/* message */.iU)(error)}`];
    }
}

;// CONCATENATED MODULE: ./build/commands/session.js


/** Does what the inputs ask for; it ends early, and badly, when the runner cancels the run. */
async function runWithTransport(inputs, work) {
    inputs.warnings.forEach(output_log/* warning */.$e);
    const transport = new Transport(inputs.runner.run, inputs.timeout);
    process.on('SIGINT', () => transport.cancel());
    try {
        await work(inputs, transport);
    }
    catch (error) {
        throw transport.cancelled ? new Error(`The run was cancelled. ${output_log/* message */.iU(error)}`, { cause: error }) : error;
    }
}

;// CONCATENATED MODULE: ./build/commands/provision.js














/** Finds or makes the client that the inputs ask for, and hands its pair out. */
async function provision(inputs) {
    await runWithTransport(inputs, work);
}
async function work(inputs, transport) {
    const [asked, scalekit] = await Promise.all([
        resolveTarget(inputs, transport, process.env).then((target) => resolveInputs(inputs, target)),
        Scalekit.open(transport, inputs),
    ]);
    const desired = { ...asked, organization_id: scalekit.organization_id };
    desired.notices.forEach(output_log/* notice */.lm);
    const { github, location } = desired;
    const savedCredentials = github && location && new SavedCredentials(new GitHub(transport, github), location);
    const [found] = await Promise.all([findExisting(scalekit, desired), savedCredentials?.open()]);
    found.notices.forEach(output_log/* notice */.lm);
    const planned = planChanges(desired, { ...found, saved: savedCredentials?.snapshot });
    planned.warnings.forEach(output_log/* warning */.$e);
    if (transport.cancelled)
        throw new Error('Nothing was changed.');
    if (desired.dry_run)
        return publishPlan(desired, savedCredentials, planned);
    const context = { scalekit, desired, savedCredentials, journal: createJournal(desired) };
    const applied = await handOut(context, planned, found);
    transport.releaseCleanupTime();
    const deleted = await retireOld(context, planned, applied);
    writeReport(desired, savedCredentials, applied, deleted);
    if (transport.cancelled)
        throw new Error('The pair had been handed out already.');
}
/** @throws with what became of what the step had made, where anything fails before the pair is published */
async function handOut(context, planned, found) {
    const { scalekit, desired, journal, savedCredentials } = context;
    const { transport } = scalekit;
    try {
        const applied = await applyPlan(context, planned, found);
        // A pair that is saved is handed out already.
        if (transport.cancelled && !(savedCredentials && applied.secret))
            throw new Error('The pair was not handed out.');
        publish(desired, applied, journal, savedCredentials);
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