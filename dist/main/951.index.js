"use strict";
exports.id = 951;
exports.ids = [951];
exports.modules = {

/***/ 951:
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
    const newest = newestActive(dated);
    return dated.filter((secret) => secret !== newest).slice(0, Math.max(0, secrets.length + 1 - types/* MAX_SECRETS */.bC));
}
/** Returns the newest active secret. One whose time is unknown counts as the newest. */
function newestActive(secrets) {
    return secrets
        .filter(({ active }) => active)
        .sort(types/* byCreateTime */.lG)
        .at(-1);
}
/**
 * Returns the secrets to delete after a new one is published.
 * @param secrets without the new one
 * @param keep how many secrets the client keeps, the new one included
 * @param savedId id of the secret that was saved until now. It is retired last, because other workflows use it
 */
function retirements(secrets, keep, savedId) {
    return inRetirementOrder(secrets, savedId).slice(0, Math.max(0, secrets.length + 1 - keep));
}
/** Returns the secrets in the order in which they are deleted: inactive ones first, then the oldest, then the saved one. */
function inRetirementOrder(secrets, savedId) {
    const rank = ({ id, active }) => (active ? (id === savedId ? 2 : 1) : 0);
    return [...secrets].sort((one, other) => rank(one) - rank(other) || (0,types/* byCreateTime */.lG)(one, other));
}

;// CONCATENATED MODULE: ./build/client/saved-state.js
const SAVED_STATE = /^v1 key:(?<key>[\w-]{16}) organization:(?<organization>org_[\w-]{1,124}) secret:(?<secret>[\w-]{1,128})$/;
/** Characters of a value that this action wrote, at most. A longer one is somebody else's. */
const MAX_STATE = 400;
/** Stands for the id of a new secret that no response showed. Credentials saved with it never count as usable. */
const UNKNOWN = 'unknown';
/** Returns the owner of the credentials that a run saves. */
function ownerOf({ marker, organization_id }) {
    return { key: marker.key, organization_id };
}
/** Returns the value of the variable `…_STATE`: the owner of the saved credentials, and the secret that is saved. */
function formatSavedState({ key, organization_id }, secretId = UNKNOWN) {
    return `v1 key:${key} organization:${organization_id} secret:${secretId}`;
}
/** Returns the id of the secret that `…_STATE` names, or undefined if `…_STATE` does not belong to this owner. */
function savedSecretId(saved, owner) {
    const state = saved?.state ?? '';
    const { key, organization, secret } = (state.length <= MAX_STATE && SAVED_STATE.exec(state.trim())?.groups) || {};
    return key === owner.key && organization === owner.organization_id ? secret : undefined;
}
/**
 * Returns why the saved credentials do not work for a client, as a clause. Returns undefined if they do: they belong to
 * this owner and client, their secret is active, and GitHub's secret was not written before `…_STATE`, by GitHub's own
 * clock.
 */
function reasonNotUsable(saved, owner, { client_id, secrets }) {
    if (saved?.secretTime === undefined || saved.state === undefined || saved.client_id === undefined)
        return 'no credentials of it are saved';
    const id = savedSecretId(saved, owner);
    if (id === undefined || saved.client_id.trim() !== client_id)
        return "the saved credentials are another client's";
    if (id === UNKNOWN)
        return 'it is not known which secret is saved';
    if (!secrets.some((secret) => secret.id === id && secret.active))
        return `the saved secret ${id} is not active`;
    // An unknown time counts as a save that was cut off.
    if (seconds(saved.secretTime) >= seconds(saved.stateTime))
        return undefined;
    return 'saving was cut off before the secret was written';
}
/** Returns a time in whole seconds, GitHub's precision. NaN if it is not known. */
function seconds(time = '') {
    return Math.floor(Date.parse(time) / 1000);
}
/**
 * Returns whether what is saved belongs to another owner: `…_STATE` names another owner, or there is an id or a secret
 * without `…_STATE`.
 */
function isOtherOwners(saved, owner) {
    if ((saved.client_id?.length ?? 0) > MAX_STATE)
        return true;
    if (saved.state !== undefined)
        return savedSecretId(saved, owner) === undefined;
    return saved.client_id !== undefined || saved.secretTime !== undefined;
}

;// CONCATENATED MODULE: ./build/client/rotation.js


/** Nanoseconds. */
const DAY_NS = 86400000000000n;
/**
 * Decides whether `reuse` adds a secret: if the saved credentials are not usable, or if the secret is older than
 * `rotate_after` days. Ages are differences between times of Scalekit, so no clock of this machine counts.
 */
function decideRotation(desired, client, { saved, now }) {
    const owner = ownerOf(desired);
    const reason = desired.location && reasonNotUsable(saved, owner, client);
    if (reason)
        return { reason, notices: [] };
    const { rotate_after } = desired;
    if (rotate_after === undefined)
        return { notices: [] };
    const secret = desired.location
        ? client.secrets.find(({ id }) => id === savedSecretId(saved, owner))
        : newestActive(client.secrets);
    if (!secret)
        return { reason: 'the client has no active secret', notices: [] };
    const due = nextRotation(desired, secret);
    if (due === undefined || now === undefined) {
        const unknown = `the age of secret ${secret.id} is not known`;
        return { reason: unknown, notices: [`Client ${client.client_id} gets a new secret: ${unknown}.`] };
    }
    if (now <= due)
        return { due, notices: [] };
    const days = (now - due) / DAY_NS + BigInt(rotate_after);
    return { reason: `secret ${secret.id} is ${days} days old, and rotate_after is ${rotate_after}`, notices: [] };
}
/** Returns when a secret is to be replaced, in nanoseconds since the epoch. Undefined if it is not, or if that is not known. */
function nextRotation({ rotate_after }, secret) {
    if (rotate_after === undefined || secret?.create_time === undefined)
        return undefined;
    return secret.create_time + BigInt(rotate_after) * DAY_NS;
}

;// CONCATENATED MODULE: ./build/client/plan.js





/**
 * Plans the steps from what exists to the desired client.
 * @throws {Error} if there is no such plan: the client exists and `on_existing` is `fail`, or a list would have to be
 * emptied, which only a new client allows
 */
function planChanges(desired, existing) {
    const { client, others } = existing;
    const save = desired.location ? [{ kind: 'save' }] : [];
    const creation = [{ kind: 'create' }, ...save];
    if (!client)
        return { result: 'created', beforePublish: creation, afterPublish: [], notices: [], warnings: [] };
    const warnings = others.length > 0 ? [duplicatesWarning(client.client_id, others)] : [];
    const base = { client, afterPublish: [], notices: [], warnings };
    switch (desired.on_existing) {
        case 'fail':
            throw planError(`Client ${client.client_id} ${JSON.stringify(client.name)} exists already, and on_existing is fail.`, warnings);
        case 'replace': {
            const knownIds = client.secrets.map(({ id }) => id);
            const deletion = { kind: 'delete-client', client_id: client.client_id, knownIds };
            return { ...base, result: 'replaced', beforePublish: creation, afterPublish: [deletion] };
        }
        case 'reuse': {
            const { reason, due, notices } = decideRotation(desired, client, existing);
            if (reason)
                return { ...planRotation(desired, client, existing, save, warnings), reason, notices };
            const corrections = driftCorrections(desired, client, warnings);
            return { ...base, result: 'reused', beforePublish: corrections, nextRotation: due };
        }
        case 'rotate':
            return planRotation(desired, client, existing, save, warnings);
    }
}
/**
 * Plans for a run that lost a race against a concurrent run, as if it had found the winner's client. It deletes nothing
 * on that client, because the secrets of other runs are as new as its own.
 * @throws {Error} as `planChanges`
 */
function planForWinner(desired, client, { saved, now }) {
    const on_existing = desired.on_existing === 'replace' ? 'rotate' : desired.on_existing;
    const winnerPlan = planChanges({ ...desired, on_existing }, { client, others: [], saved, now });
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
/** Returns the error that there is no plan. It includes the warnings, since they are not shown otherwise. */
function planError(text, warnings) {
    return new Error([text, ...warnings].join('\n'));
}
/**
 * Returns the step that corrects the fields that drifted. It adds the ownership marker to a client without one, and this
 * run's identity hash to a client that `client_id` takes over for saving, because the next run finds it by that. Returns no
 * step if nothing has to change.
 * @param warnings to include in the error if there is no plan
 * @throws {Error} if a list would have to be emptied
 */
function driftCorrections(desired, client, warnings) {
    const drifted = findDrift(desired, client);
    const emptied = drifted.filter(({ wanted }) => wanted === NONE);
    if (emptied.length > 0) {
        throw planError(`Client ${client.client_id} has what was not asked for, and the API cannot empty a list: use on_existing: replace, which creates a new client and then deletes this one.\n${formatDifferences(emptied)}`, warnings);
    }
    const isUnknown = !client.marker || (desired.location && client.marker.key !== desired.marker.key);
    if (isUnknown && !drifted.some(({ field }) => field === 'description'))
        drifted.push({
            field: 'description',
            wanted: 'the ownership marker of this action',
            got: client.marker ? 'one of another repository, environment or name' : NONE,
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
function planRotation(desired, client, { saved }, save, warnings) {
    const savedId = savedSecretId(saved, ownerOf(desired));
    const evicted = evictions(client.secrets);
    const notEvicted = client.secrets.filter((secret) => !evicted.includes(secret));
    const evictionWarnings = evicted.map(({ id }) => `Client ${client.client_id} has ${client.secrets.length} secrets, and ${types/* MAX_SECRETS */.bC} is the maximum. Secret ${id} is deleted before the new one is added, even if it is recent.`);
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
        afterPublish: retirements(notEvicted, desired.keep_secrets, savedId).map((secret) => ({
            kind: 'delete-secret',
            secret,
            spareRecent,
        })),
        notices: [],
        warnings: [...warnings, ...evictionWarnings],
    };
}

// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(938);
// EXTERNAL MODULE: ./build/net/proxy.js + 1 modules
var net_proxy = __webpack_require__(775);
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
function entryUrl(api, { repository, environment }, path) {
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
 * @param nonce of this execution of the step
 * @throws {InputError} if inputs and target contradict each other
 */
function desiredClientFrom(inputs, target, nonce) {
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
        marker: createMarker(inputs, identity, nonce),
        identity,
        client_id: inputs.client_id,
        on_existing: inputs.on_existing,
        rotate_after: inputs.rotate_after,
        keep_secrets: inputs.keep_secrets,
        verify: inputs.verify,
        access_token: inputs.access_token,
        location: secretLocation(inputs, target),
        dry_run: inputs.dry_run,
        run_url: inputs.runner.runUrl,
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
function createMarker({ runner }, identity, nonce) {
    return {
        key: identityHash(identity),
        repo: repositoryReference(identity.repository, identity.repository_id),
        // Not from the ID token: sweep/ compares it with the runner's variables and requests no token.
        by: repositoryReference(runner.repository, runner.repository_id),
        run: runner.run,
        lifetime: identity.lifetime,
        nonce,
    };
}
function secretLocation({ saving }, target) {
    if (!saving)
        return undefined;
    const { to, ...names } = saving;
    return {
        repository: target.repository,
        environment: to === 'environment' ? target.environment : '',
        ...names,
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
            const page = unwrap(await this.#exchange(operation, request, this.#subject(), types/* parsePage */.NL));
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
function possibleLeftover(scalekit, pending, id) {
    return `Secret ${id} of client ${pending.client_id} may be left over from a request whose answer was lost, or it may be another run's. A later rotation retires it. ${manualSecretCall(scalekit, { ...pending, id })}`;
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
        const ownIds = recorded ?? [[...secrets].sort(types/* byCreateTime */.lG)[0]?.id, state.secret?.id];
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

;// CONCATENATED MODULE: ./build/steps/context.js
/** How often a request that creates something is sent if the outcome stays unknown. */
const MAX_SENDS = 3;

;// CONCATENATED MODULE: ./build/steps/add-secret.js






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
 * @throws {ApiError} if no secret was added, or if the outcome stays unknown
 */
async function addSecret(context, client, evictable) {
    const { scalekit, journal } = context;
    const { client_id } = client;
    const known_ids = client.secrets.map(({ id }) => id);
    let pending = { client_id, nonce: client.marker?.nonce ?? '', known_ids, outcome_unknown: false };
    let possibleIds = [];
    for (let sends = 1;; sends++) {
        const outcome = await scalekit.addSecret(client_id, known_ids, {
            mayBeDone: sends > 1,
            onSend: () => journal.secretSent(pending),
            onId: (id) => journal.secretAnswered(id),
        });
        if (outcome.kind === 'done') {
            possibleIds.map((id) => possibleLeftover(scalekit, pending, id)).forEach(output_log/* warning */.$e);
            return { plain_secret: outcome.value.plain_secret, shown: outcome.value.secret };
        }
        if (outcome.kind === 'refused')
            journal.forget('secret');
        if (outcome.kind === 'refused' || sends === MAX_SENDS || scalekit.transport.cancelled)
            throw outcome.error;
        output_log/* info */.pq(`${outcome.error.message} Asking for another one.`);
        // A secret whose id is known is deleted. Another one may turn up at any time.
        if (journal.state.secret?.id === undefined)
            pending = { ...pending, outcome_unknown: true };
        const ids = await prepareRepeat(context, client, evictable);
        if (!ids)
            throw outcome.error;
        possibleIds = ids;
    }
}
/**
 * Prepares another request for a secret: deletes the secret of the last one if its id is known, since its value is not, and
 * makes room.
 * @returns ids of secrets that earlier requests may have added; undefined if another request cannot succeed
 */
async function prepareRepeat(context, client, evictable) {
    const { scalekit, journal } = context;
    const deleted = journal.state.secret?.id;
    const now = await deleteUnusable(scalekit, client.client_id, deleted);
    if (!now)
        return undefined;
    const possibleIds = newSecretIds(now, [...client.secrets.map(({ id }) => id), deleted]);
    if (now.secrets.length < types/* MAX_SECRETS */.bC)
        return possibleIds;
    const [oldest] = evictions(now.secrets).filter(({ id }) => evictable.includes(id));
    if (!oldest)
        return undefined;
    output_log/* warning */.$e(`Client ${client.client_id} has ${now.secrets.length} secrets by now. The oldest, ${oldest.id}, is deleted to make room.`);
    await deleteToMakeRoom(context, client, oldest);
    return possibleIds;
}
/** Deletes a secret of this step whose value is unknown. @returns the client then; undefined if that fails */
async function deleteUnusable(scalekit, client_id, id) {
    try {
        if (id)
            await scalekit.deleteSecret(client_id, id);
        return (await scalekit.getClient(client_id))?.parse();
    }
    catch (error) {
        output_log/* debug */.Yz(output_log/* message */.iU(error));
        return undefined;
    }
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
 * @throws {Error} if no client was created, if it is not as requested, or if the outcome stays unknown
 */
async function createClient(context) {
    const { scalekit, desired, journal } = context;
    const description = appendMarker(desired.fields.description, desired.marker);
    for (let sends = 1;; sends++) {
        const outcome = await scalekit.createClient({ ...desired.fields, description }, {
            mayBeDone: sends > 1,
            onSend: () => journal.clientSent(sends > 1),
            onId: (id) => journal.clientAnswered(id),
        });
        if (outcome.kind === 'done')
            return await acceptClient(context, outcome.value);
        const { kind, error } = outcome;
        if (kind === 'refused')
            journal.forget('client');
        if (kind === 'refused' || scalekit.transport.cancelled)
            throw error;
        output_log/* info */.pq(`${error.message} Looking for the client that this may have created.`);
        const search = await searchForOwnClient(context);
        if (search.kind === 'found')
            return await recoverClient(context, search.client);
        // A server that redirects would redirect again.
        const isRedirect = error.status !== undefined && error.status < 400;
        if (search.kind === 'failed' || sends === MAX_SENDS || isRedirect)
            throw error;
    }
}
/** Records the created client, and checks that it is this step's and as requested. */
async function acceptClient({ scalekit, desired, journal }, { client: created, plain_secret }) {
    const client = withMarker(created);
    if (!isFromThisStep(client, journal.state)) {
        throw new Error("Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.");
    }
    const shown = await findFirstSecret(scalekit, created);
    if (shown)
        journal.clientAnswered(client.client_id, [shown.id]);
    requireAsRequested(desired, client);
    return { client, secret: { plain_secret, shown }, remainingSteps: [] };
}
/** Returns the secret that was created with a client: the oldest. Reads the client again if it was shown without one. */
async function findFirstSecret(scalekit, created) {
    const read = () => scalekit.getClient(created.client_id).catch(() => undefined);
    const { secrets } = created.secrets.length > 0 ? created : ((await read())?.parse() ?? created);
    return [...secrets].sort(types/* byCreateTime */.lG)[0];
}
/** @throws {Error} if the client is not as requested */
function requireAsRequested(desired, client) {
    const wrong = differencesInResponse(desired, client);
    if (wrong.length === 0)
        return;
    const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
    throw new Error(`The client that Scalekit created differs from the requested one.${hint}\n${formatDifferences(wrong)}`);
}
/** Searches for the client that this step created, for 4 seconds. */
async function searchForOwnClient({ scalekit, journal }) {
    try {
        for (const delay of SEARCH_DELAYS) {
            await scalekit.transport.pause(delay);
            const [client] = await findOwnClients(scalekit, journal.state);
            if (client)
                return { kind: 'found', client };
        }
        return { kind: 'not found' };
    }
    catch (error) {
        output_log/* debug */.Yz(output_log/* message */.iU(error));
        return { kind: 'failed' };
    }
}
/**
 * Recovers a client whose create request got no usable response. The value of its first secret is unknown, so a second
 * one is added, and the first is deleted after publishing.
 */
async function recoverClient(context, found) {
    const { scalekit, desired, journal } = context;
    const client = withMarker(found.parse());
    const { client_id } = client;
    journal.clientAnswered(client_id);
    requireAsRequested(desired, client);
    output_log/* info */.pq(`Client ${client_id} was created. The value of its secret is lost, so it gets another one.`);
    const secret = await scalekit.expectLag(client_id, () => addSecret(context, client, []));
    const added = secret.shown?.id;
    // A list may not show the secrets of a new client yet. Without the new secret's id, the first one cannot be identified.
    const reread = client.secrets.length === 0 && added ? await scalekit.getClient(client_id) : undefined;
    const [first] = (reread?.parse() ?? client).secrets.filter(({ id }) => id !== added).sort(types/* byCreateTime */.lG);
    // From here on the added secret is part of this step's client: one entry covers both.
    journal.secretJoinsClient([first?.id, added].filter((id) => id !== undefined));
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
 * Finds the client that the plan starts from: by `client_id`, by the saved id, or else by the identity hash in the
 * ownership marker. With `lifetime: job` it finds none, because such a client is always new.
 * @param saved what is saved from an earlier run
 * @throws {Error} if `client_id` names a client that this step may not manage
 */
async function findExisting(scalekit, desired, saved) {
    const unsearched = { others: [], seenIds: undefined, startedAt: clock(), notices: [], saved };
    if (desired.marker.lifetime === 'job')
        return unsearched;
    const client = desired.client_id ? await getNamedClient(scalekit, desired) : undefined;
    if (client)
        return { ...unsearched, client };
    const notices = desired.client_id
        ? [`There is no client ${desired.client_id} (client_id) in this organization; the search decides.`]
        : [];
    const hinted = desired.client_id ? undefined : await getHintedClient(scalekit, desired, saved?.client_id?.trim());
    // Only `replace` searches nevertheless, to name other clients for the same purpose.
    if (hinted && desired.on_existing !== 'replace')
        return { ...unsearched, client: hinted, notices };
    const found = await search(scalekit, desired, hinted);
    return { ...unsearched, ...found, notices: [...notices, ...found.notices] };
}
/** Searches the organization. @param hinted the client to continue with, if it is known */
async function search(scalekit, desired, hinted) {
    const { ours, unmarked } = await searchClients(scalekit, desired);
    const [first, ...others] = ours;
    // Every client has a secret. If the list shows none, it leaves secrets out, so read the client itself.
    const reread = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
    const oldest = reread && reread.client_id === first?.client_id ? withMarker(reread.parse()) : first;
    const ids = (hinted ? ours : others).map(({ client_id }) => client_id);
    return {
        client: hinted ?? oldest,
        others: ids.filter((id) => id !== hinted?.client_id),
        seenIds: new Set(ours.map(({ client_id }) => client_id)),
        notices: unmarkedNotice(unmarked),
    };
}
/** Reads the client whose id is saved. @returns undefined if it does not exist, or does not have our identity hash */
async function getHintedClient(scalekit, { marker }, id) {
    if (!id || !types/* CLIENT_ID */.U6.test(id))
        return undefined;
    const hinted = await scalekit.getClient(id);
    if (hinted?.client_id !== id || identity_parseMarker(hinted.description)?.key !== marker.key)
        return undefined;
    return withMarker(hinted.parse());
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
        if (what)
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
 * Throws if what is saved belongs to another owner. The exception is the client that `client_id` names: the user takes it
 * over.
 * @param namedId id of the client that `client_id` names, that exists in this organization and may be managed
 */
function requireOneOwner(context, saved, namedId) {
    const { desired, savedCredentials } = context;
    if (!savedCredentials || !isOtherOwners(saved, ownerOf(desired)))
        return;
    const isShort = `${saved.client_id}${saved.state ?? ''}`.length < 1_000;
    if (isShort && namedId && namedId === desired.client_id && saved.client_id?.trim() === namedId)
        return;
    const { api, location } = savedCredentials;
    const { state_variable, id_variable, secret } = location;
    const parts = [
        ...(saved.client_id === undefined ? [] : [`variable ${id_variable} (${(0,output_text/* quote */.hD)(saved.client_id)})`]),
        ...(saved.secretTime === undefined ? [] : [`secret ${secret}`]),
    ].join(' and ');
    const what = saved.state === undefined
        ? `there is ${parts} without variable ${state_variable}, so this action did not save it`
        : `variable ${state_variable} says that they are saved for another client: ${(0,output_text/* quote */.hD)(saved.state)}`;
    throw new Error(`Could not save the credentials in ${locationName(location)}: ${what}. Another workflow may own them, or the input name or environment has changed. Use another save_as, or run delete/ with the former name or environment, or delete what is saved by hand: ${manualSavedCalls(api, location, saved)}`);
}
/**
 * Saves the client credentials in GitHub Actions: first the variables, the secret last. Once the request with the secret
 * may have arrived, nothing can be undone.
 * @param namedId as for requireOneOwner()
 * @throws {Error} if the credentials are not saved, or if the outcome is unknown
 */
async function save(context, client_id, { plain_secret, shown }, namedId) {
    const { scalekit, journal, savedCredentials } = context;
    if (!savedCredentials)
        return;
    const written = { client_id, state: formatSavedState(ownerOf(context.desired), shown?.id) };
    await writeVariables(context, savedCredentials, written, namedId);
    if (scalekit.transport.cancelled)
        throw new Error('The credentials were not saved.');
    // Loaded here because few runs need it, and before the point of no return because loading may fail.
    const { sealBox } = await Promise.all(/* import() */[__webpack_require__.e(442), __webpack_require__.e(947)]).then(__webpack_require__.bind(__webpack_require__, 947));
    const sealed = savedCredentials.seal((key) => sealBox(key, plain_secret));
    const { pendingUpdate } = journal;
    const outcome = await journal.passPointOfNoReturn(client_id, () => savedCredentials.setSecret(sealed));
    if (outcome.kind === 'refused')
        throw outcome.error;
    if (outcome.kind === 'unknown')
        throw new Error([
            `${outcome.error.message} Could not determine whether GitHub has the new secret of client ${client_id}. The new secret and those before it stay valid. Until the next run, the saved client id and secret may not belong together.`,
            ...(pendingUpdate ? [mayStayUpdated(pendingUpdate)] : []),
        ].join('\n'), { cause: outcome.error });
    if (!shown)
        output_log/* warning */.$e(`The response did not show the id of the new secret, so ${savedCredentials.location.state_variable} names none. The next run with on_existing: reuse adds another secret.`);
    await confirmVariables(context, savedCredentials, written);
}
/** Writes the variables: first `…_STATE`, which names the owner. The journal records what to restore. */
async function writeVariables(context, savedCredentials, written, namedId) {
    // Restore what is there now, not what was there when the step began.
    const before = await savedCredentials.read();
    requireOneOwner(context, before, namedId);
    const { journal } = context;
    const { api, location } = savedCredentials;
    journal.variablesSent({ api, location, before, written });
    const first = await savedCredentials
        .setVariable(location.state_variable, written.state, before.state !== undefined, async () => requireOneOwner(context, await savedCredentials.read(), namedId))
        .catch((error) => failure(false, error));
    if (first.kind === 'refused')
        journal.forget('variables');
    unwrap(first);
    if (before.client_id !== written.client_id)
        unwrap(await savedCredentials.setVariable(location.id_variable, written.client_id, before.client_id !== undefined));
}
/**
 * Writes the variables again if another run of the same owner wrote its own since. The secret of this run was written
 * after that.
 * @throws {Error} if the place has another owner by now, or if the client was deleted meanwhile
 */
async function confirmVariables(context, savedCredentials, written) {
    const { api, location } = savedCredentials;
    const now = await savedCredentials.readVariables().catch(() => undefined);
    if (!now || (now.client_id === written.client_id && now.state === written.state))
        return;
    const left = { ...now, secretTime: 'now' };
    if (isOtherOwners({ ...now, secretTime: undefined }, ownerOf(context.desired)))
        throw new Error(`Another owner saved credentials in ${locationName(location)} at the same time: ${(0,output_text/* quote */.hD)(now.state ?? now.client_id ?? '')}. The saved client id and secret do not belong together. Use another save_as. To delete what is saved by hand: ${manualSavedCalls(api, location, left)}`);
    // delete/ deletes the client, and then the variables.
    if (now.client_id === undefined && now.state === undefined && (await isGone(context, written.client_id)))
        throw new Error(`Client ${written.client_id} was deleted while its credentials were saved, so the saved credentials do not work. To delete what is saved by hand: ${manualSavedCalls(api, location, left)}`);
    output_log/* warning */.$e(`Another run saved credentials at the same time: ${entryNames(location)}. This run writes its variables again.`);
    const outcomes = [
        await savedCredentials.setVariable(location.state_variable, written.state, now.state !== undefined),
        await savedCredentials.setVariable(location.id_variable, written.client_id, now.client_id !== undefined),
    ];
    for (const outcome of outcomes)
        if (outcome.kind !== 'done')
            output_log/* warning */.$e(`Until the next run, the saved client id and secret may not belong together: ${outcome.error.message}`);
}
/** Returns whether a client does not exist any more. False if it cannot be read. */
async function isGone({ scalekit }, client_id) {
    const client = await scalekit.getClient(client_id).catch((error) => error);
    return client === undefined;
}

;// CONCATENATED MODULE: ./build/steps/update.js




/**
 * Updates fields of a client and checks the result. If the outcome is unknown, reads the client back. A client without an
 * ownership marker gets this run's. A client that is taken over for saving gets this run's identity hash.
 * @throws {Error} if the updated client is not as requested
 */
async function updateClient(context, client, fields) {
    const { scalekit, desired, journal } = context;
    const { client_id } = client;
    journal.pendingUpdate = { before: client, fields };
    const marker = desired.location && client.marker ? { ...client.marker, key: desired.marker.key } : client.marker;
    // A nonce of its own: the client was not created by this step.
    const expected = marker ?? { ...desired.marker, nonce: createNonce() };
    const changes = fields.description === undefined ? fields : { ...fields, description: appendMarker(fields.description, expected) };
    const outcome = await scalekit.updateClient(client_id, changes);
    const response = outcome.kind === 'done' ? outcome.value : await readBack(context, client_id, expected.key, outcome);
    output_log/* info */.pq(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
    const updated = withMarker(response.parse());
    const wrong = differencesInResponse(desired, updated);
    if (wrong.length > 0 || updated.marker?.key !== expected.key) {
        throw new Error(`Client ${client_id} was not updated to what was asked for. If the API only adds to a list, on_existing: replace creates a new client.\n${formatDifferences(wrong)}`);
    }
    return { ...updated, secrets: client.secrets };
}
/** Reads a client after an update whose outcome is unknown. @throws {ApiError} the update's if it was not carried out */
async function readBack({ scalekit, desired }, client_id, key, { kind, error }) {
    const now = kind === 'unknown' ? await scalekit.getClient(client_id).catch(() => undefined) : undefined;
    const client = now?.client_id === client_id ? withMarker(now.parse()) : undefined;
    if (!now || client?.marker?.key !== key || differencesInResponse(desired, client).length > 0)
        throw error;
    return now;
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
const NOT_A_JWT = 'The access token of the new client credentials is not a JWT, so its claims were not compared with the requested ones.';
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
        requireMaskable(desired, access_token);
        const payload = readToken(access_token);
        const wrong = tokenDifferences(desired, credentials.client_id, payload);
        if (wrong.length === 0) {
            if (!payload)
                output_log/* notice */.lm(NOT_A_JWT);
            const expiresAt = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
            return { access_token, expiresAt };
        }
        const mismatch = new Error(`The access token of the new client credentials differs from what was requested. An interceptor of the environment may have changed it. With verify: false, the token is not checked.\n${formatDifferences(wrong)}`);
        if (clock() >= until || !(await scalekit.transport.wait(RETRY_PAUSE)))
            throw mismatch;
    }
}
/** @throws {Error} if the token is to be an output and cannot be masked */
function requireMaskable(desired, access_token) {
    if (desired.access_token && (0,mask/* isTooLongToMask */.az)(access_token))
        throw new Error('The access token of the new client credentials is too long to be masked in every form. Expected at most 48 KiB. Remove access_token, or request fewer claims and scopes.');
}
/**
 * Compares a token with the desired client. Ignores the token's audience if none was requested.
 * @param payload undefined if the token is not a JWT. Nothing can be compared then
 */
function tokenDifferences({ organization_id, fields }, client_id, payload) {
    if (!payload)
        return [];
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
 * and the post step know what to undo if this function fails or is cut off.
 */
async function applyPlan(context, plan, found) {
    const applied = await makeCredentials(context, plan, found);
    // Wait for the masks before anything is published or saved.
    await (0,mask/* flushMasks */.Wd)();
    if (applied.secret)
        await save(context, applied.client.client_id, applied.secret, found.client?.client_id);
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
        return await continueWithWinner(context, plan, found, winner.value);
    if (verified.status === 'rejected')
        throw verified.reason;
    if (winner.status === 'rejected')
        throw winner.reason;
    return {
        plan,
        client,
        secret,
        token: verified.value,
        remainingSteps: [...remainingSteps, ...plan.afterPublish],
    };
}
/** Continues with the client of a concurrent run that was first, and removes the client that this step created. */
async function continueWithWinner(context, plan, found, winner) {
    const { scalekit, desired, journal } = context;
    output_log/* info */.pq(`Another run created client ${winner.client_id} for the same purpose at the same time, and was first.`);
    const winnerPlan = planForWinner(desired, winner, found);
    const applied = await scalekit.expectLag(winner.client_id, () => changeClient(context, winnerPlan, winner, []));
    const { removed, remaining } = await cleanUp(scalekit, { ...journal.state, secret: undefined });
    for (const what of removed)
        output_log/* info */.pq(`Removed this run's own: ${what}.`);
    remaining.forEach(output_log/* warning */.$e);
    // The post step retries what could not be removed.
    if (remaining.length === 0)
        journal.forget('client');
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
    return { plan, client, secret, token, remainingSteps: plan.afterPublish };
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
var external_node_fs_default = /*#__PURE__*/__webpack_require__.n(external_node_fs_);
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
    return url ? `<a href="${escapeHtml(url)}">${escapeHtml((0,output_text/* oneLine */.TN)(text))}</a>` : cell([text]);
}
function escapeHtml(text) {
    const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

;// CONCATENATED MODULE: ./build/steps/publish.js






const NS_PER_SECOND = 1000000000n;
/**
 * Sets the outputs. The secret and the access token were masked when they arrived.
 * @throws {Error} if the runner's file cannot be written
 */
function publish({ organization_id, access_token, location }, { plan: { result }, client, secret, token }) {
    const outputs = {
        client_id: client.client_id,
        // Empty if an existing client is reused: Scalekit shows a secret only once.
        secret: secret?.plain_secret ?? '',
        secret_id: secret?.shown?.id ?? '',
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
            ? new Error(`${output_log/* message */.iU(error)} The credentials are saved already, as ${entryNames(location)}.`)
            : error;
    }
}
/** Logs what was done, why, and when the next rotation is due. */
function logResult(desired, applied) {
    output_log/* info */.pq(resultSentence(desired, applied));
    if (applied.secret && desired.location)
        output_log/* info */.pq(`Saved the credentials as ${entryNames(desired.location)}.`);
    const [due] = dueTexts(desired, applied.plan, applied.secret);
    if (due)
        output_log/* info */.pq(`The next rotation is due on ${due}.`);
}
/** Returns the time after which `reuse` adds another secret, if it is known. */
function dueTexts(desired, { nextRotation: due }, secret) {
    const time = secret ? nextRotation(desired, secret.shown) : due;
    return time === undefined ? [] : [isoTime(Number(time / NS_PER_SECOND))];
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
function publishPlan(desired, plan) {
    const { client, beforePublish, afterPublish, reason } = plan;
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
    const notes = [
        ...(reason ? [`A new secret is due, since ${reason}.`] : []),
        ...dueTexts(desired, plan, undefined).map((due) => `The next rotation is due on ${due}.`),
    ];
    notes.forEach(output_log/* info */.pq);
    const rows = [...steps, ...notes.map((text) => ({ text, differences: [] }))].flatMap(({ text, differences }) => [
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
            return { text: `save the credentials as ${location && entryNames(location)}`, differences: [] };
        case 'delete-secret': {
            const condition = step.spareRecent ? ', unless it is younger than an hour' : deletionReason;
            return { text: `delete secret ${step.secret.id} of client ${client_id}${condition}`, differences: [] };
        }
        case 'delete-client':
            return { text: `delete client ${step.client_id}`, differences: [] };
    }
}
/** Logs what was deleted and writes a table into the job summary. Cannot fail the step. */
function writeReport(desired, applied, deleted) {
    const { marker, fields, organization_id, location, run_url } = desired;
    const { plan, client, secret } = applied;
    for (const what of deleted)
        output_log/* info */.pq(`Deleted ${what}.`);
    const rows = [
        ['Result', plan.result],
        ...optionalRow('Reason', plan.reason),
        ['Client', client.client_id],
        ['Organization', organization_id],
        ['Name', client.name],
        ['Scopes', ...client.scopes],
        ['Audience', ...client.audience],
        ['Claims', ...client.custom_claims.map(({ key, value }) => `${key}=${value}`)],
        ['Token expiry', ...expiryText(fields.expiry, client.expiry)],
        ['Secret', ...(secret?.shown ? [secret.shown.id] : [])],
        ['Secret ends with', ...(secret?.shown ? [secret.shown.suffix.slice(-4)].filter(Boolean) : [])],
        ...optionalRow('Next rotation', dueTexts(desired, plan, secret)[0]),
        ...optionalRow('Saved', location && (secret ? entryNames(location) : 'as before')),
        ['Deleted', ...deleted],
        ['Lifetime', marker.lifetime],
    ];
    writeSummary('Scalekit organization client', [
        ...rows.map(([title, ...values]) => [{ data: title, header: true }, cell(values)]),
        [{ data: 'Run', header: true }, summary_link(marker.run, run_url)],
    ]);
}
function optionalRow(title, value) {
    return value ? [[title, value]] : [];
}
function resultSentence({ organization_id, marker, location }, { plan: { result, reason }, client, secret }) {
    const which = `client ${client.client_id} ${JSON.stringify(client.name)} in organization ${organization_id}`;
    if (result === 'reused' && location)
        return `Reused ${which}: the saved credentials are this client's.`;
    if (result === 'reused')
        return `Reused ${which}. Scalekit shows a secret only once, so the output secret is empty. Use the secret that was stored when it was created, or on_existing: rotate.`;
    if (result === 'rotated')
        return `Added ${secret?.shown ? `secret ${secret.shown.id}` : 'a secret'} to ${which}${reason ? `, since ${reason}` : ''}.`;
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
async function retireOld({ scalekit }, { client, secret, remainingSteps }) {
    const deleted = [];
    const attempt = async (what, url, work) => {
        try {
            // If another run deleted it first, that run reports it.
            if (await work())
                deleted.push(what);
        }
        catch (error) {
            output_log/* warning */.$e(`The ${what} is left over: ${output_log/* message */.iU(error)} To remove it by hand: DELETE ${url.href}`);
        }
    };
    for (const step of remainingSteps) {
        if (step.kind === 'delete-secret' && isDue(step, secret?.shown?.create_time)) {
            const { client_id } = client;
            const { id } = step.secret;
            await attempt(`secret ${id} of client ${client_id}`, scalekit.clientUrl(client_id, 'secrets', id), () => scalekit.deleteSecret(client_id, id));
        }
        if (step.kind === 'delete-client') {
            const { client_id } = step;
            await attempt(`replaced client ${client_id}`, scalekit.clientUrl(client_id), () => deleteReplaced(scalekit, step));
        }
    }
    return deleted;
}
/** Deletes the replaced client. @throws {Error} if another run has added a secret to it since */
async function deleteReplaced(scalekit, { client_id, knownIds }) {
    const client = await scalekit.getClient(client_id);
    if (!client)
        return false;
    const [other] = newSecretIds(client.parse(), knownIds);
    if (other)
        throw new Error(`another run has added secret ${other} to it. Delete it only if nobody uses that secret.`);
    return await scalekit.deleteClient(client_id);
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

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(760);
var external_node_path_default = /*#__PURE__*/__webpack_require__.n(external_node_path_);
;// CONCATENATED MODULE: ./build/undo/main-process.js


/** Milliseconds that main gets to end after SIGINT. A request in flight gets five seconds of it. */
const END_LIMIT = 7_000;
/** Milliseconds between two looks at the process. */
const main_process_POLL_INTERVAL = 100;
/** Returns this process, or undefined if the system has no `/proc`. */
function thisProcess() {
    const started = processStart(process.pid);
    return started === undefined ? undefined : { pid: process.pid, started };
}
/**
 * Sends SIGINT to main if it still runs, and waits until it ends. In a job's container, a cancelled run does not signal
 * main: the runner starts the post step while main goes on.
 * @param main a process that a sealed state of this run names
 * @returns whether main had ended, was stopped, or still runs
 */
async function stopMain(main) {
    if (!main || !isRunning(main))
        return 'ended';
    try {
        process.kill(main.pid, 'SIGINT');
    }
    catch {
        return isRunning(main) ? 'running' : 'stopped';
    }
    for (const until = performance.now() + END_LIMIT; performance.now() < until;) {
        if (!isRunning(main))
            return 'stopped';
        await sleep(main_process_POLL_INTERVAL);
    }
    return isRunning(main) ? 'running' : 'stopped';
}
function isRunning({ pid, started }) {
    return processStart(pid) === started;
}
/**
 * Returns the start time of a process, or undefined if it has ended (proc_pid_stat(5), fields 3 and 22). The name of the
 * program, field 2, is in parentheses and may contain any character.
 */
function processStart(pid) {
    try {
        const stat = (0,external_node_fs_.readFileSync)(`/proc/${pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return /^[ZX]/i.test(fields[0] ?? '') ? undefined : fields[19];
    }
    catch {
        return undefined;
    }
}

;// CONCATENATED MODULE: ./build/undo/pending.js
/** Returns whether nothing is left to undo. */
function isNothingPending({ client, secret, variables }) {
    return !client && !secret && !variables;
}

;// CONCATENATED MODULE: ./build/undo/journal.js








// What this step has created or changed and not published yet. docs/design.md has a table of its states.
/** Name of the value in the runner's state file. */
const STATE_NAME = 'client';
/**
 * Main's side of the journal. Every record goes to the runner's state file and to a journal file: the runner reads the
 * state file once, when it believes that main has ended, and main may still run then. Each record is sealed with the
 * environment's API secret, because another step can set a `STATE_*` variable through `GITHUB_ENV`, and it must neither
 * redirect the credentials nor name a process or a client of another run.
 */
class Journal {
    #state;
    #counter = 0;
    #secret;
    pendingUpdate;
    /** Sentences about what nobody can undo. */
    irreversible = [];
    /**
     * Writes the first record: main's process and the path of the journal file. Must be called before any request is sent.
     * @param secret the environment's API secret, which seals the records
     * @param folder where to create the journal file. Without a writable one, the state file has the only records
     * @throws {Error} if the runner's state file cannot be written
     */
    constructor(state, secret, folder) {
        this.#secret = secret;
        const journal_file = createJournalFile(folder);
        this.#state = { ...state, process: thisProcess(), journal_file };
        try {
            this.#write(this.#state);
        }
        catch {
            // The folder may be full.
            this.#state = { ...this.#state, journal_file: undefined };
            this.#write(this.#state);
        }
    }
    get state() {
        return this.#state;
    }
    /** Records the organization's id after it was looked up. */
    organizationFound(organization_id) {
        if (organization_id !== this.#state.organization_id)
            this.#recordResult({ organization_id });
    }
    /** Records that the create request is about to be sent. */
    clientSent(sent_again) {
        this.#recordIntent({ client: { sent_at: Date.now(), sent_again } });
    }
    /** Records the id of the created client, and the ids of this step's secrets on it as far as they are known. */
    clientAnswered(id, secret_ids) {
        const { sent_at = Date.now(), sent_again = false } = this.#state.client ?? {};
        this.#recordResult({ client: { sent_at, sent_again, id, ...(secret_ids && { secret_ids }) } });
    }
    /**
     * Records that the secret which was added to this step's own client belongs to that client's entry from now on.
     * @param secret_ids ids of this step's secrets on the client
     */
    secretJoinsClient(secret_ids) {
        const { client, secret } = this.#state;
        const joined = client && {
            ...client,
            secret_ids,
            secret_outcome_unknown: secret && (secret.outcome_unknown || !secret.id),
        };
        this.#recordResult({ client: joined, secret: undefined });
    }
    /** Records that the request for another secret is about to be sent. */
    secretSent(pending) {
        this.#recordIntent({ secret: pending });
    }
    /** Records the id of the added secret. */
    secretAnswered(id) {
        if (this.#state.secret)
            this.#recordResult({ secret: { ...this.#state.secret, id } });
    }
    /** Records that the variables are about to be written. */
    variablesSent(pending) {
        this.#recordIntent({ variables: pending });
    }
    /**
     * Marks the credentials as published: neither roll-back nor the post step deletes them any more, except for the client
     * of a job.
     * @param client_id the published client. Another one that this step created is still deleted
     * @throws {Error} if a record cannot be written
     */
    markPublished(client_id) {
        const { client, lifetime } = this.#state;
        if (isNothingPending(this.#state))
            return;
        const isStillPending = lifetime === 'job' || client?.id !== client_id;
        this.#recordIntent({ client: isStillPending ? client : undefined, secret: undefined, variables: undefined });
    }
    /**
     * Sends a request from which there is no way back. The credentials count as published before it is sent. If it is
     * refused, that is taken back.
     */
    async passPointOfNoReturn(client_id, send) {
        const { client, secret, variables } = this.#state;
        const { pendingUpdate } = this;
        this.markPublished(client_id);
        this.pendingUpdate = undefined;
        const outcome = await send();
        if (outcome.kind === 'refused') {
            this.pendingUpdate = pendingUpdate;
            this.#recordResult({ client, secret, variables });
        }
        return outcome;
    }
    /**
     * Removes entries that need no clean-up: the request was refused, or it was undone. Never throws: if it cannot be
     * recorded, the post step finds nothing to remove.
     */
    forget(...entries) {
        const isThere = entries.some((entry) => this.#state[entry]);
        try {
            if (isThere)
                this.#recordResult(Object.fromEntries(entries.map((entry) => [entry, undefined])));
        }
        catch { }
    }
    /** Ends the journal. If nothing is left to undo, empties the state, so that the post step has nothing to do. */
    end() {
        if (!isNothingPending(this.#state))
            return;
        try {
            (0,core/* saveState */.LZ)(STATE_NAME, '');
        }
        catch { }
    }
    /** Records a change before it is sent. @throws {Error} if the record cannot be written. Nothing must be sent then */
    #recordIntent(change) {
        const state = { ...this.#state, ...change };
        try {
            this.#write(state);
        }
        catch (error) {
            // One of the two files may have the record already, and post must not use it.
            this.#writeAgain();
            throw error;
        }
        this.#state = state;
    }
    /** Applies a change, then records it. Roll-back needs the change even if it cannot be recorded. */
    #recordResult(change) {
        this.#state = { ...this.#state, ...change };
        this.#write(this.#state);
    }
    #writeAgain() {
        try {
            this.#write(this.#state);
        }
        catch { }
    }
    #write(state) {
        const record = { ...state, counter: ++this.#counter };
        const text = JSON.stringify({ ...record, seal: seal(record, this.#secret) });
        try {
            if (state.journal_file)
                replaceFile(state.journal_file, text);
            (0,core/* saveState */.LZ)(STATE_NAME, text);
        }
        catch (error) {
            throw new Error(`Could not write the state for the post step: ${(0,output_log/* message */.iU)(error)}.`);
        }
    }
}
/** Creates an empty journal file. Returns its path, or undefined if the folder cannot be used. */
function createJournalFile(folder) {
    if (!folder || !external_node_path_default().isAbsolute(folder))
        return undefined;
    const file = external_node_path_default().join(folder, `scalekit-organization-client-${(0,external_node_crypto_.randomBytes)(12).toString('hex')}`);
    try {
        writeNewFile(file, '');
        return file;
    }
    catch {
        return undefined;
    }
}
/** Replaces a file as a whole, so that a reader never sees a part of it. */
function replaceFile(file, text) {
    // Left over if an earlier record could not be written.
    external_node_fs_default().rmSync(`${file}.new`, { force: true });
    writeNewFile(`${file}.new`, text);
    external_node_fs_default().renameSync(`${file}.new`, file);
}
/** Writes a file that must not exist, not even as a link, and that only this user can read. */
function writeNewFile(file, text) {
    external_node_fs_default().writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}
/**
 * Reads the state that main wrote.
 * @returns undefined if main left nothing to undo
 * @throws {Error} if the text is not a state
 */
function readState() {
    const text = getState(STATE_NAME);
    return text ? parseRecord(text) : undefined;
}
/**
 * Reads the last record of the step that wrote a state: the one in the journal file, or the state itself if that is newer.
 * @returns undefined if there is no journal file, or if it holds no sealed record of that step
 */
function readLastRecord(state, secret) {
    let file;
    try {
        // A link is not followed, and a pipe does not block.
        const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
        file = fs.openSync(state.journal_file ?? '', O_NOFOLLOW | O_NONBLOCK);
        const record = parseRecord(fs.readFileSync(file, 'utf8'));
        if (record.nonce !== state.nonce || !isSealed(record, secret))
            return undefined;
        return record.counter < state.counter ? state : record;
    }
    catch {
        return undefined;
    }
    finally {
        if (file !== undefined)
            fs.closeSync(file);
    }
}
/** Deletes the journal file of a step. Never throws: the runner deletes its folder in any case. */
function deleteJournalFile({ journal_file }) {
    for (const file of journal_file ? [journal_file, `${journal_file}.new`] : []) {
        try {
            fs.rmSync(file, { force: true });
        }
        catch { }
    }
}
/** Returns whether a step with the same API secret wrote this record. */
function isSealed({ seal: given, ...record }, secret) {
    const expected = Buffer.from(seal(record, secret));
    const actual = Buffer.from(typeof given === 'string' ? given : '');
    return secret !== '' && actual.length === expected.length && timingSafeEqual(actual, expected);
}
function parseRecord(text) {
    return asObject(JSON.parse(text), 'it');
}
/** Returns the HMAC-SHA-256 of a record, in base64url. */
function seal(record, secret) {
    return (0,external_node_crypto_.createHmac)('sha256', secret).update(JSON.stringify(record)).digest('base64url');
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

;// CONCATENATED MODULE: ./build/undo/roll-back.js







/**
 * Undoes what a failed step did, last first. What remains stays in the journal, and the post step tries again.
 * @returns the error to report: the failure, what was undone, and what could not be undone
 */
async function rollBack(scalekit, savedCredentials, journal, failure) {
    const { state, pendingUpdate, irreversible } = journal;
    const variables = state.variables && savedCredentials && (await restoreVariables(savedCredentials, state.variables));
    if (variables?.canRetry === false)
        journal.forget('variables');
    const { removed, notFound, remaining } = await cleanUp(scalekit, state);
    const lines = [
        ...(variables?.done ?? []),
        ...removed.map((what) => `Removed again: ${what}.`),
        ...(variables?.remaining ?? []),
        ...remaining,
    ];
    const isCreateUnknown = notFound && !state.client?.id;
    if (isCreateUnknown)
        lines.push(`Could not determine whether the client was created: it is not in the list yet. The post step will check again. ${manualClientCall(scalekit, state)}`);
    else if (remaining.length === 0)
        journal.forget('client', 'secret');
    // While a secret of this step remains, post finds it by the ownership marker that the update wrote.
    if (pendingUpdate && state.secret && remaining.length > 0)
        lines.push(mayStayUpdated(pendingUpdate));
    else if (pendingUpdate)
        lines.push(...(await restoreClient(scalekit, pendingUpdate, state.secret?.id)));
    lines.push(...irreversible);
    return lines.length > 0 ? new Error([(0,output_log/* message */.iU)(failure), ...lines].join('\n'), { cause: failure }) : failure;
}
/** Returns the error of a cancelled step. Nothing is undone here, because the runner does not wait for it. */
function cancellationError({ state, pendingUpdate, irreversible }, failure) {
    const lines = [
        (0,output_log/* message */.iU)(failure),
        ...(isNothingPending(state) ? [] : ['The post step removes what this step created.']),
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
        const restored = Object.keys(former).length > 0 ? unwrap(await scalekit.updateClient(client_id, former)).parse() : now;
        const wrong = compareFields(names, before, restored);
        if (wrong.length === 0)
            return [`Restored: ${names.join(', ')} of client ${client_id}.`];
        return [
            `Client ${client_id} could not be restored, since the API cannot empty or shorten it:\n${formatDifferences(wrong)}`,
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
    // Before any request: a cancelled run may reach post alone, which then has to find this process.
    const journal = openJournal(inputs);
    try {
        await runWithJournal(inputs, transport, journal);
    }
    finally {
        journal.end();
    }
}
async function runWithJournal(inputs, transport, journal) {
    const [{ desired, savedCredentials, saved }, scalekit] = await Promise.all([
        // Throws before any request is sent if the variables of the ID token cannot be used.
        resolveTarget(inputs, transport, process.env).then((target) => resolveAndReadSaved(inputs, target, transport, journal.state.nonce)),
        Scalekit.open(transport, inputs),
    ]);
    const { organization_id } = scalekit;
    journal.organizationFound(organization_id);
    const context = { scalekit, desired: { ...desired, organization_id }, journal, savedCredentials };
    desired.notices.forEach(output_log/* notice */.lm);
    const existing = await findAll(context, saved);
    const plan = planChanges(context.desired, existing);
    [...existing.notices, ...plan.notices].forEach(output_log/* notice */.lm);
    plan.warnings.forEach(output_log/* warning */.$e);
    if (transport.cancelled)
        throw new Error('Nothing was changed.');
    if (desired.dry_run)
        return publishPlan(context.desired, plan);
    const applied = await applyAndPublish(context, plan, existing);
    transport.releaseCleanupTime();
    const deleted = await retireOld(context, applied);
    writeReport(context.desired, applied, deleted);
    if (transport.cancelled)
        throw new Error('The credentials were published before that.');
}
/** Opens the journal. Only the journal and GitHub's client keep credentials. */
function openJournal({ origin, organization_id, credentials, runner, lifetime }) {
    const state = { origin, organization_id, nonce: createNonce(), run: runner.run, lifetime };
    return new Journal(state, credentials.client_secret, process.env.RUNNER_TEMP);
}
/** Resolves the desired client, and reads what is saved from an earlier run. */
async function resolveAndReadSaved(inputs, target, transport, nonce) {
    const desired = desiredClientFrom(inputs, target, nonce);
    const { github } = inputs;
    if (!github || !desired.location)
        return { desired };
    const savedCredentials = new SavedCredentials(new GitHub(transport, github), desired.location);
    return { desired, savedCredentials, saved: await savedCredentials.open() };
}
/** Finds the client that exists. The saved id shows which it is. */
async function findAll(context, saved) {
    const { scalekit, desired } = context;
    const found = await findExisting(scalekit, desired, saved);
    if (saved)
        requireOneOwner(context, saved, found.client?.client_id);
    return { ...found, now: scalekit.time === undefined ? undefined : BigInt(scalekit.time) * 1000000n };
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
            throw new Error('The credentials were not published.');
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