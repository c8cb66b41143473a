"use strict";
exports.id = 269;
exports.ids = [269];
exports.modules = {

/***/ 6788:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Aq: () => (/* binding */ formatDifferences),
/* harmony export */   JO: () => (/* binding */ checkCreated),
/* harmony export */   KU: () => (/* binding */ formatValues),
/* harmony export */   L1: () => (/* binding */ findDrift),
/* harmony export */   Lf: () => (/* binding */ claimTexts),
/* harmony export */   Pv: () => (/* binding */ nameWithNonce),
/* harmony export */   Ru: () => (/* binding */ hasMissing),
/* harmony export */   TO: () => (/* binding */ hasExtra),
/* harmony export */   em: () => (/* binding */ unrequestedAudience),
/* harmony export */   kI: () => (/* binding */ WAYS_OUT),
/* harmony export */   mz: () => (/* binding */ checkUpdated),
/* harmony export */   nE: () => (/* binding */ withoutOidcScopes),
/* harmony export */   zB: () => (/* binding */ formatExtras),
/* harmony export */   zD: () => (/* binding */ compareSets),
/* harmony export */   zV: () => (/* binding */ compareFields)
/* harmony export */ });
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4938);
/* harmony import */ var _scalekit_types_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(179);
/* harmony import */ var _marker_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(5425);



/** How an empty field is shown. */
const NONE = 'none';
/** What the user can do about scopes and claims that a client has and that were not requested. */
const WAYS_OUT =
	'on_existing: replace creates a new client. If an entry is a default of the environment, list it among the inputs.';
/** Scopes of OpenID Connect (Core 1.0, sections 5.4 and 11). Servers add them, so they are no difference if they were not requested. */
const OIDC_SCOPES = new Set(['openid', 'profile', 'email', 'offline_access', 'address', 'phone']);
/**
 * Returns the fields in which an existing client has drifted from the desired one. Scopes and claims that were not given
 * are expected to be empty. Audience, expiry, name and description are compared only if they were given.
 */
function findDrift({ fields, given, marker }, client) {
	const names = ['scopes', 'custom_claims'];
	if (fields.audience) names.push('audience');
	if (fields.expiry && client.expiry) names.push('expiry');
	// If the name was taken, this action has added characters of the nonce.
	if (given.name && client.name !== nameWithNonce(fields.name, (client.marker ?? marker).nonce)) names.push('name');
	if (given.description && (0,_marker_js__WEBPACK_IMPORTED_MODULE_2__/* .foldText */ .TH)(fields.description) !== (0,_marker_js__WEBPACK_IMPORTED_MODULE_2__/* .foldText */ .TH)(client.descriptionText)) names.push('description');
	return compareFields(names, fields, comparable(fields, client));
}
/** Returns the audience that an existing client has although none was requested. The API cannot remove it. */
function unrequestedAudience({ fields }, client) {
	return fields.audience ? [] : compareFields(['audience'], fields, client);
}
/** Compares the response to the request that created a client with the desired client: was the request carried out? */
function checkCreated(desired, client) {
	const found = compareFields(
		['scopes', 'custom_claims', 'audience'],
		desired.fields,
		comparable(desired.fields, client),
	);
	return {
		wrong: [
			...found.filter(hasMissing),
			...differentExpiry(desired, client),
			...differentOrganization(desired, client),
		],
		warnings: found.filter((one) => one.field !== 'audience' && hasExtra(one)),
		notices: found.filter((one) => one.field === 'audience' && hasExtra(one)),
	};
}
/** Returns what still differs after a client was updated. */
function checkUpdated(desired, client) {
	const found = findDrift(desired, client).filter(({ field }) => field !== 'name' && field !== 'description');
	const isExtraAudience = (one) => one.field === 'audience' && !hasMissing(one);
	return {
		wrong: [...found.filter((one) => !isExtraAudience(one)), ...differentOrganization(desired, client)],
		warnings: found.filter(isExtraAudience),
		notices: [],
	};
}
/** Returns whether something that is wanted is missing. */
function hasMissing({ wanted, got }) {
	return wanted.some((value) => !got.includes(value));
}
/** Returns whether there is something in addition. */
function hasExtra({ wanted, got }) {
	return got.some((value) => !wanted.includes(value));
}
/** Returns scopes without those of OpenID Connect that were not requested. */
function withoutOidcScopes(scopes, requested = []) {
	return scopes.filter((scope) => !OIDC_SCOPES.has(scope) || requested.includes(scope));
}
/** Returns one line of text for each difference, with the values that are there in addition. */
function formatExtras(found) {
	return found
		.map(({ field, wanted, got }) => `${field}: ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .listed */ .KE)(got.filter((value) => !wanted.includes(value)))}`)
		.join('; ');
}
/** Returns one line of text for each difference. Of many values it shows those that differ, and counts the others. */
function formatDifferences(found) {
	return found
		.map(({ field, wanted, got }) => `${field}: wanted ${excerpt(wanted, got)}; got ${excerpt(got, wanted)}`)
		.join('\n');
}
/** Returns all values as one text. */
function formatValues(values) {
	return values.join(', ') || NONE;
}
/** Returns the named fields whose values differ. Lists are compared as sets. */
function compareFields(names, wanted, got) {
	const [wantedTexts, gotTexts] = [fieldTexts(wanted), fieldTexts(got)];
	return compareSets(names.map((field) => [field, wantedTexts[field], gotTexts[field]]));
}
/** Returns the fields whose two sets of values differ. */
function compareSets(fields) {
	return fields
		.map(([field, wanted, got]) => ({ field, wanted: sortedSet(wanted), got: sortedSet(got) }))
		.filter(({ wanted, got }) => wanted.join() !== got.join());
}
/**
 * Returns each claim as `key=value`. A backslash or `=` in a key is escaped, so that different claims have different
 * texts.
 */
function claimTexts(claims = []) {
	return claims.map(({ key, value }) => `${key.replace(/[\\=]/g, '\\$&')}=${value}`);
}
/** Returns the fields of a client without the scopes that do not count. */
function comparable(fields, client) {
	const scopes = withoutOidcScopes(client.scopes, fields.scopes);
	return { ...client, scopes, description: client.descriptionText };
}
/** Returns the difference in expiry. Ignores an expiry that is absent or 0. */
function differentExpiry({ fields }, client) {
	return fields.expiry && client.expiry ? compareFields(['expiry'], fields, client) : [];
}
function differentOrganization({ organization_id }, client) {
	return compareSets([['organization_id', [organization_id], [client.organization_id || organization_id]]]);
}
/** Returns a name that no other client has: with the first characters of the nonce, cut to the longest name. */
function nameWithNonce(name, nonce) {
	const suffix = ` #${nonce.slice(0, 6)}`;
	return [...name].slice(0, _scalekit_types_js__WEBPACK_IMPORTED_MODULE_1__/* .MAX_NAME */ .zB - suffix.length).join('') + suffix;
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
/** Returns different values as sorted JSON strings. */
function sortedSet(values) {
	return [...new Set(values)].sort().map((value) => JSON.stringify(value));
}
/** Returns values as an error lists them. If there are too many, those that the other side lacks come first. */
function excerpt(values, others) {
	const text = (0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .listed */ .KE)(values);
	if (text === values.join(', ')) return text || NONE;
	const common = new Set(others);
	return (0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .listed */ .KE)([...values.filter((value) => !common.has(value)), ...values.filter((value) => common.has(value))]);
}


/***/ }),

/***/ 2537:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   AM: () => (/* binding */ contradictsItself),
/* harmony export */   BC: () => (/* binding */ shortHash),
/* harmony export */   DZ: () => (/* binding */ claimValues),
/* harmony export */   HI: () => (/* binding */ namesOtherRepository),
/* harmony export */   Jf: () => (/* binding */ identityHash),
/* harmony export */   Ke: () => (/* binding */ relationOf),
/* harmony export */   Lk: () => (/* binding */ isFromThisStep),
/* harmony export */   Pe: () => (/* binding */ withMarker),
/* harmony export */   Ts: () => (/* binding */ claimsNameRepository),
/* harmony export */   Y0: () => (/* binding */ COPY_AGE_NS),
/* harmony export */   lY: () => (/* binding */ reasonNotManageable),
/* harmony export */   sZ: () => (/* binding */ oldestFirst),
/* harmony export */   sk: () => (/* binding */ repositoryReference),
/* harmony export */   uW: () => (/* binding */ copiesAmong),
/* harmony export */   x9: () => (/* binding */ parseOrUndefined)
/* harmony export */ });
/* unused harmony export hasMatchingClaims */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4938);
/* harmony import */ var _scalekit_types_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(179);
/* harmony import */ var _marker_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(5425);




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
/** Returns the client with its description split into text and ownership marker. */
function withMarker(client) {
	const [marker, ...others] = (0,_marker_js__WEBPACK_IMPORTED_MODULE_3__/* .parseMarkers */ .FT)(client.description);
	const isDisputed = others.length > 0;
	return {
		...client,
		descriptionText: (0,_marker_js__WEBPACK_IMPORTED_MODULE_3__/* .textOf */ .b6)(client.description),
		marker: isDisputed ? undefined : marker,
		isDisputed,
	};
}
/**
 * Returns why a client that the user named by its id must not be managed with this identity. Returns undefined if it
 * may be.
 */
function reasonNotManageable(client, identity, { key, repo }) {
	const { marker } = client;
	if (client.isDisputed) return 'its description has several different ownership markers';
	if (marker?.key === key)
		return namesOtherRepository(client, identity)
			? 'its claim github_repository_id names another repository'
			: undefined;
	if (marker && marker.repo !== repo) return 'it was created for another repository, by its ownership marker';
	if (claimsNameRepository(client, identity) === false) return 'its claims name another repository';
	if (marker && marker.lifetime !== 'persistent') return 'it belongs to one job, by its ownership marker';
	const isOther = (value) => value.toLowerCase() !== identity.environment.toLowerCase();
	const environment = claimValues(client, 'environment').find(isOther);
	if (environment !== undefined) {
		const expected = identity.environment ? (0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(identity.environment) : 'no environment';
		return `it is for the environment ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(environment)}, and this step for ${expected}`;
	}
	return undefined;
}
/**
 * Returns whether the claim `github_repository_id` of a client names another repository. Such a client is never used,
 * changed or deleted, although it has our identity hash: it is a copy, or its claims or its description were changed.
 */
function namesOtherRepository(client, { repository_id }) {
	return repository_id !== undefined && claimValues(client, 'github_repository_id').some((id) => id !== repository_id);
}
/** Returns whether the claims of a client name another repository than its marker. A marker may have a hash in place of the id. */
function contradictsItself(client, { repo }) {
	return /^\d+$/.test(repo) && namesOtherRepository(client, { repository_id: repo });
}
/** Returns whether the claims of a client name the repository and the environment of this identity. */
function hasMatchingClaims(client, identity) {
	const [environment = ''] = claimValues(client, 'environment');
	return (
		claimsNameRepository(client, identity) === true && environment.toLowerCase() === identity.environment.toLowerCase()
	);
}
/** Returns what a client is to a step, even if its other fields cannot be parsed. */
function relationOf({ description, custom_claims }, { identity, marker: { key } }) {
	const markers = (0,_marker_js__WEBPACK_IMPORTED_MODULE_3__/* .parseMarkers */ .FT)(description);
	const hasOurKey = markers.some((marker) => marker.key === key);
	if (markers.length === 1 && !hasOurKey) return 'unrelated';
	if (markers.length === 1)
		return !custom_claims || namesOtherRepository({ custom_claims }, identity) ? 'contradictory' : 'ours';
	const isAlike = custom_claims !== undefined && hasMatchingClaims({ custom_claims }, identity);
	if (markers.length > 1) return hasOurKey || isAlike ? 'disputed' : 'unrelated';
	return isAlike ? 'look-alike' : 'unrelated';
}
/** Nanoseconds after which a second client with the same nonce is no duplicate of a request that was sent again. */
const COPY_AGE_NS = 3600000000000n;
/**
 * Returns the clients that are copies made by hand: those that were created more than an hour after the oldest client with
 * the same nonce.
 */
function copiesAmong(clients) {
	const oldest = new Map();
	for (const { marker, create_time } of clients) {
		const known = oldest.get(marker.nonce);
		if (create_time !== undefined && (known === undefined || create_time < known))
			oldest.set(marker.nonce, create_time);
	}
	return clients.filter(({ marker, create_time }) => {
		const first = oldest.get(marker.nonce);
		return create_time !== undefined && first !== undefined && create_time - first > COPY_AGE_NS;
	});
}
/** Parses a client. Returns undefined if it cannot be parsed. */
function parseOrUndefined(parse) {
	try {
		return parse();
	} catch {
		return undefined;
	}
}
/** Orders clients, the oldest first: by time in nanoseconds and then by id, so that all runs agree on the first. */
function oldestFirst(one, other) {
	return (0,_scalekit_types_js__WEBPACK_IMPORTED_MODULE_2__/* .byCreateTime */ .lG)(one, other) || (one.client_id < other.client_id ? -1 : 1);
}
/** Returns 16 characters (96 bits) of the SHA-256 of a text, in base64url. */
function shortHash(text) {
	return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(text).digest('base64url').slice(0, 16);
}
/**
 * Returns whether the claims of a client name this repository. Ids are compared if both sides have one, otherwise
 * names. Returns undefined if the claims name no repository.
 */
function claimsNameRepository(client, { repository, repository_id }) {
	const ids = claimValues(client, 'github_repository_id');
	if (ids.length > 0 && repository_id !== undefined) return ids.every((id) => id === repository_id);
	const names = claimValues(client, 'github_repository');
	return names.length > 0 ? names.every((name) => name.toLowerCase() === repository.toLowerCase()) : undefined;
}
/** Returns all values of a claim: the API allows the same key more than once. */
function claimValues({ custom_claims }, key) {
	return custom_claims.filter((claim) => claim.key === key).map(({ value }) => value);
}
/**
 * Returns whether the step with this nonce and run created the client. It did not create a client whose claims name another
 * repository than its marker: the marker is a copy.
 * @param run `ID.ATTEMPT` of the workflow run
 */
function isFromThisStep({ description, custom_claims }, { nonce, run }) {
	const marker = (0,_marker_js__WEBPACK_IMPORTED_MODULE_3__/* .parseMarker */ .gY)(description);
	if (marker?.nonce !== nonce || marker.run !== run) return false;
	return !custom_claims || !contradictsItself({ custom_claims }, marker);
}


/***/ }),

/***/ 1208:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Y_: () => (/* binding */ formatSavedState),
/* harmony export */   Ys: () => (/* binding */ reasonNotUsable),
/* harmony export */   bf: () => (/* binding */ ownerOf),
/* harmony export */   h8: () => (/* binding */ isOtherOwners),
/* harmony export */   vV: () => (/* binding */ savedSecretId)
/* harmony export */ });
const SAVED_STATE =
	/^v1 key:(?<key>[\w-]{16}) organization:(?<organization>org_[\w-]{1,124}) secret:(?<secret>[\w-]{1,128})$/;
/** Characters of a value that this action wrote, at most. A longer one is another owner's. */
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
	if (id === undefined || saved.client_id.trim() !== client_id) return "the saved credentials are another client's";
	if (id === UNKNOWN) return 'it is not known which secret is saved';
	if (!secrets.some((secret) => secret.id === id && secret.active)) return `the saved secret ${id} is not active`;
	// An unknown time counts as a save that was cut off.
	if (seconds(saved.secretTime) >= seconds(saved.stateTime)) return undefined;
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
	if ((saved.client_id?.length ?? 0) > MAX_STATE) return true;
	if (saved.state !== undefined) return savedSecretId(saved, owner) === undefined;
	return saved.client_id !== undefined || saved.secretTime !== undefined;
}


/***/ }),

/***/ 4386:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   H: () => (/* binding */ runWithTransport)
/* harmony export */ });
/* harmony import */ var _net_transport_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2677);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1083);


/**
 * Runs a command with a transport of its own, and prints the warnings about its inputs first. On SIGINT, which the runner
 * sends when the run is cancelled, the transport stops sending and the command fails.
 */
async function runWithTransport(inputs, run) {
	inputs.warnings.forEach(_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .warning */ .$e);
	const transport = new _net_transport_js__WEBPACK_IMPORTED_MODULE_0__/* .Transport */ .oK(inputs.runner.run, inputs.timeout);
	process.on('SIGINT', () => transport.cancel());
	try {
		await run(inputs, transport);
	} catch (error) {
		throw transport.cancelled ? new Error(`The run was cancelled. ${_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .message */ .iU(error)}`, { cause: error }) : error;
	}
}


/***/ }),

/***/ 5302:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  g: () => (/* binding */ GitHub)
});

// EXTERNAL MODULE: ./build/net/api-error.js
var api_error = __webpack_require__(1308);
// EXTERNAL MODULE: ./build/net/json.js
var json = __webpack_require__(7661);
// EXTERNAL MODULE: ./build/net/network-error.js
var network_error = __webpack_require__(8518);
// EXTERNAL MODULE: ./build/net/outcome.js
var outcome = __webpack_require__(6299);
// EXTERNAL MODULE: ./build/net/transport.js + 3 modules
var transport = __webpack_require__(2677);
// EXTERNAL MODULE: ./build/output/log.js + 1 modules
var log = __webpack_require__(1083);
// EXTERNAL MODULE: ./build/net/retry.js
var retry = __webpack_require__(8853);
// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(4938);
;// CONCATENATED MODULE: ./build/github/errors.js




/**
 * Milliseconds to wait after a secondary rate limit whose response names no time, by GitHub's documentation ("Rate
 * limits for the REST API").
 */
const DEFAULT_RATE_LIMIT_WAIT = 60_000;
/** What the token needs for each permission, as a sentence. */
const PERMISSIONS = {
	repository: 'A fine-grained token needs access to this repository, a classic one the scope repo.',
	secrets: 'A fine-grained token needs the repository permission Secrets (write), a classic one the scope repo.',
	variables: 'A fine-grained token needs the repository permission Variables (write), a classic one the scope repo.',
	environment:
		'A fine-grained token needs the repository permissions Environments (write) and Actions (read), a classic one the scope repo.',
	runs: "The job's own token needs permissions with actions: read, a fine-grained one the repository permission Actions (read), a classic one the scope repo.",
};
/** What Gitea and Forgejo have: the other permissions are for paths that they do not have, or have for something else. */
const FORGE_PERMISSIONS = ['repository', 'runs'];
/**
 * Returns the milliseconds to wait if a response is a rate limit, or else undefined (GitHub's documentation, "Rate
 * limits for the REST API").
 */
function rateLimitWait(response) {
	const { status, headers } = response;
	if (status !== 403 && status !== 429) return undefined;
	const now = (0,transport/* responseTime */.Xo)(response);
	const retryAfter = (0,retry/* parseRetryAfter */.m)(headers['retry-after'], now);
	if (retryAfter > 0) return retryAfter;
	if (headers['x-ratelimit-remaining'] === '0')
		return Math.max(0, Number(headers['x-ratelimit-reset']) * 1000 - now) || 0;
	return /secondary rate limit/i.test(response.body) ? DEFAULT_RATE_LIMIT_WAIT : undefined;
}
/**
 * Returns the error for a response whose status is not 2xx.
 * @param data the parsed body
 */
function githubRefusal(subject, response, data) {
	const messages = githubMessages(data);
	return (0,api_error/* refusedError */.bG)(subject.operation, response, messages, githubAdvice(subject, response, messages));
}
/** Returns the advice for a response that shows that the server does not have GitHub's API for a request. */
function otherServerAdvice(permission) {
	const check = 'Check which server answers at GITHUB_API_URL.';
	if (FORGE_PERMISSIONS.includes(permission)) return check;
	return `${check} Gitea and Forgejo do not have GitHub's API for secrets, so save_to cannot work there, neither in the main action nor in delete/. Without save_to, the client, the outputs and delete/ work.`;
}
function githubAdvice({ parameters, permission }, response, messages) {
	const { status } = response;
	if (status >= 300 && status < 400)
		return permission === 'repository'
			? 'GitHub redirects this name: the repository was renamed or transferred. Use its current name.'
			: (0,api_error/* redirectAdvice */.R2)(response, 'use the current name of the repository.');
	const wait = rateLimitWait(response);
	if (status === 429 || wait !== undefined) return (0,api_error/* rateLimitAdvice */.ix)('github_token', response, wait);
	if (status >= 500) return 'That is a failure of GitHub. Try again later.';
	const intercepted = (0,api_error/* interceptedAdvice */.G0)(response, 'GITHUB_API_URL');
	if (intercepted) return intercepted;
	if (status === 401) return 'github_token is wrong, has expired or was revoked.';
	const grant = PERMISSIONS[permission];
	if (status === 404) return `${missing(parameters)} ${grant}`;
	if (status === 405) return otherServerAdvice(permission);
	if (status !== 403) return '';
	// GitHub says "Resource not accessible by personal access token". Its other messages explain themselves: single
	// sign-on, an IP allow list, a policy on tokens, an archived repository.
	const isPermission = messages.some((message) => /not accessible by/i.test(message));
	const more = permission === 'runs' ? '' : ' GITHUB_TOKEN cannot have that permission.';
	return [isPermission && `github_token lacks a permission. ${grant}${more}`, signOnAdvice(response)]
		.filter(Boolean)
		.join(' ');
}
/** Returns the sentence with the URL at which the user allows a token for an organization with single sign-on. */
function signOnAdvice({ headers }) {
	const [, url] = /^required; url=(https:\/\/\S{1,1000})$/.exec(String(headers['x-github-sso'])) ?? [];
	return url ? `To allow github_token, open ${url}` : '';
}
/** Returns what may be missing if GitHub answers 404. It answers the same to a token that may not see the thing. */
function missing({ owner, repo, environment_name }) {
	if (!environment_name) return `There is no repository ${owner}/${repo}, or github_token may not see it.`;
	return `There is no environment ${(0,output_text/* quote */.hD)(environment_name)}, or github_token may not see it. Create it in Settings → Environments.`;
}
/** Returns the messages in GitHub's error body: its own, and those of a list of errors. */
function githubMessages(data) {
	const { message, errors } = Object(data);
	const details = Array.isArray(errors) ? errors.map((error) => Object(error).message ?? error) : [];
	return [message, ...details].filter((text) => typeof text === 'string');
}

// EXTERNAL MODULE: ./build/github/runner.js
var runner = __webpack_require__(8801);
;// CONCATENATED MODULE: ./build/github/api.js








/** Milliseconds before each retry of a read that fails because something is new: about five seconds in all. */
const NEWNESS_DELAYS = [500, 1_000, 1_500, 2_000];
/** The fields with the times when a run was created and when it ended, as GitHub, Gitea and Forgejo name them. */
const RUN_TIMES = [
	['created_at', 'started_at', 'created'],
	['updated_at', 'completed_at', 'stopped'],
];
/** What Forgejo shows as the status of a run that has ended. GitHub and Gitea show `completed`. */
const FORGEJO_ENDS = ['success', 'failure', 'cancelled', 'skipped'];
/**
 * GitHub's REST API. Octokit builds the requests and parses the responses. The Transport sends them, so that deadlines,
 * retries, proxies and redirects are handled as for Scalekit. The methods that read throw an ApiError if the request fails.
 */
class GitHub {
	transport;
	#access;
	#octokit;
	constructor(transport, access) {
		this.transport = transport;
		this.#access = access;
	}
	/** URL of the API. */
	get api() {
		return this.#access.api;
	}
	/**
	 * Reads, and retries for about five seconds if GitHub answers that it does not know the token (401), the repository, the
	 * environment or its public key (404): tokens and environments are often a second old, and parts of GitHub learn of
	 * them late. Only for what is read before anything is changed. The post step does not use it: by then nothing is new.
	 * @param read throws an ApiError. A variable or secret that does not exist must not be an error, because that is an answer
	 * @param statuses the statuses to retry. Leaves out 404 if the caller expects it
	 */
	async retryIfNew(read, statuses = [401, 404]) {
		for (const base of NEWNESS_DELAYS) {
			try {
				return await read();
			} catch (error) {
				if (!(error instanceof api_error/* ApiError */.hD) || !statuses.includes(error.status ?? 0)) throw error;
				const delay = base * (0.75 + Math.random() / 2);
				// A retry without time would fail and hide what GitHub answered.
				if (delay + transport/* MIN_RETRY_TIME */.Gx > this.transport.remaining || !(await this.transport.wait(delay))) throw error;
				log/* debug */.Yz(`${error.message} Retrying, because something may be new.`);
			}
		}
		return await read();
	}
	/**
	 * Reads a repository, and retries if it or the token may be new.
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
		const parseRepository = (repository) => {
			const { id, full_name } = repository;
			if (!isPositive(id)) throw new json/* InvalidResponseError */.tF('id is not a number');
			if (typeof full_name !== 'string' || full_name.toLowerCase() !== name.toLowerCase())
				throw new json/* InvalidResponseError */.tF('it shows another repository');
			return parse(repository);
		};
		return await this.retryIfNew(() => this.read(request, parseRepository));
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
			// String([1]) is "1".
			if (typeof run.id === 'object' || String(run.id) !== run_id)
				throw new json/* InvalidResponseError */.tF('it shows another run');
			const run_attempt = isPositive(run.run_attempt) ? run.run_attempt : undefined;
			const mayBeMissing = (0,runner/* isForgeApi */.So)(this.api) && !run.run_attempt;
			if (run_attempt === undefined && !mayBeMissing) throw new json/* InvalidResponseError */.tF('run_attempt is not a number');
			const [created, updated] = RUN_TIMES.map((names) => timeField(run, names));
			// If a run has not changed since it was created, this time does not say when it ended.
			const updated_at = updated && created && updated > created ? updated : undefined;
			const status = (0,json/* stringField */.OM)(run, 'status');
			const isCompleted = run_attempt === undefined && FORGEJO_ENDS.includes(status);
			return { status: isCompleted ? 'completed' : status, run_attempt, updated_at };
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
		} catch (error) {
			if (error instanceof api_error/* ApiError */.hD && error.status === 404) return undefined;
			throw error;
		}
	}
	/** Reads an object like find(), but throws an ApiError if GitHub returns 404. */
	async read(request, parse) {
		const { response, data } = (0,outcome/* unwrap */.oA)(await this.send(request));
		try {
			return parse(data === undefined ? (0,json/* parseJsonObject */.dw)(response.body) : (0,json/* asObject */.eB)(data, 'the answer'));
		} catch (error) {
			throw error instanceof json/* InvalidResponseError */.tF
				? (0,api_error/* invalidResponseError */.Le)(request.operation, response, error.message, '')
				: error;
		}
	}
	/** Sends a request, and retries it even if its outcome is unknown. */
	async send(request) {
		const { operation, successStatuses } = request;
		let answer;
		try {
			answer = await this.#sendThroughOctokit(request);
		} catch (error) {
			if (!(error instanceof network_error/* NetworkError */.D)) throw error;
			return (0,outcome/* failure */.V2)(error.reached, (0,api_error/* unansweredError */.$r)(operation, error, 'GITHUB_API_URL'));
		}
		const { response, data } = answer;
		const { status, mayBeDone } = response;
		const { permission } = request;
		const isOther = !(0,api_error/* isApiResponse */.ee)(response) || ((0,runner/* isForgeApi */.So)(this.api) && !FORGE_PERMISSIONS.includes(permission));
		if (status === 404 && isOther) {
			const advice = otherServerAdvice(permission);
			return (0,outcome/* failure */.V2)(true, (0,api_error/* invalidResponseError */.Le)(operation, response, "it is not GitHub's", advice));
		}
		if (status < 200 || status > 299) return (0,outcome/* failure */.V2)(mayBeDone, githubRefusal(request, response, data));
		if (!successStatuses || successStatuses.includes(status)) return (0,outcome/* done */.Vw)(answer);
		const reason = `GitHub answers ${successStatuses.join(' or ')} after a success`;
		return (0,outcome/* failure */.V2)(true, (0,api_error/* invalidResponseError */.Le)(operation, response, reason, ''));
	}
	/**
	 * Builds a request with Octokit, sends it through the Transport, and lets Octokit parse the response.
	 * @throws {NetworkError} if no complete response arrived
	 */
	async #sendThroughOctokit({ route, parameters, mayBeDone = false }) {
		let response;
		const fetch = async (url, { method, headers, body }) => {
			const call = { method, url: new URL(url), headers, body, repeatable: true, mayBeDone, rateLimitWait: rateLimitWait };
			response = await this.transport.send(call);
			return toFetchResponse(response);
		};
		this.#octokit ??= loadOctokit(this.#access);
		const octokit = await this.#octokit;
		try {
			const { data } = await octokit.request(route, { ...parameters, request: { fetch, log: OCTOKIT_LOG } });
			return parsedResponse(response, data);
		} catch (error) {
			const { cause, response: refusal } = error;
			// Octokit wraps what `fetch` throws, and throws for each status from 400 on.
			if (!response) throw cause ?? error;
			return parsedResponse(response, refusal?.data);
		}
	}
}
/** Octokit would print its warnings, such as that of a deprecated route, beside the log. */
const OCTOKIT_LOG = { debug: log/* debug */.Yz, info: log/* debug */.Yz, warn: log/* debug */.Yz, error: log/* debug */.Yz };
/**
 * Returns a response with its body as JSON. Octokit leaves a body unparsed if a server in between has changed its content
 * type.
 */
function parsedResponse(response, data) {
	if (typeof data === 'object' && !(data instanceof ArrayBuffer)) return { response, data };
	try {
		return { response, data: JSON.parse(response.body) };
	} catch {
		return { response, data: undefined };
	}
}
/** Loads Octokit, because few runs need it. */
async function loadOctokit({ api, token }) {
	const { getOctokit } = await Promise.all(/* import() | octokit */[__webpack_require__.e(82), __webpack_require__.e(850)]).then(__webpack_require__.bind(__webpack_require__, 7082)).catch((error) => {
		// While it loads, @actions/github parses the event file. The parser's message would quote the file.
		throw error instanceof SyntaxError ? new Error('The file that GITHUB_EVENT_PATH names is not JSON.') : error;
	});
	return getOctokit(token, {
		baseUrl: api,
		log: OCTOKIT_LOG,
	});
}
/** Returns a response in the form in which Octokit expects it from `fetch`. */
function toFetchResponse({ status, headers, body }) {
	const fields = Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map((text) => [name, text]));
	// The constructor refuses a body for these statuses.
	return new Response([204, 205, 304].includes(status) ? null : body, { status, headers: fields });
}
/** Returns the time of the first field that is there, in milliseconds since the epoch; NaN if none holds a time. */
function timeField(object, names) {
	return Date.parse(names.map((name) => (0,json/* stringField */.OM)(object, name)).find(Boolean) ?? '');
}
function isPositive(value) {
	return Number.isSafeInteger(value) && Number(value) > 0;
}


/***/ }),

/***/ 2447:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   VM: () => (/* binding */ entryNames),
/* harmony export */   YV: () => (/* binding */ entryUrl),
/* harmony export */   uB: () => (/* binding */ SavedCredentials),
/* harmony export */   zb: () => (/* binding */ locationName)
/* harmony export */ });
/* harmony import */ var _net_api_error_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1308);
/* harmony import */ var _net_json_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(7661);
/* harmony import */ var _net_outcome_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6299);



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
	 * read one of them. Whether the token can write is not known before the first write. If the token or the environment
	 * may be new, reads everything again, because a 404 of a variable may have had the same reason.
	 * @param mayBeGone whether the environment may have been deleted. Then a 404 is an answer, and waiting would delay a
	 *   delete/ that has nothing to delete
	 */
	async open({ mayBeGone = false } = {}) {
		return await this.#github.retryIfNew(() => this.#readAll(), mayBeGone ? [401] : [401, 404]);
	}
	async #readAll() {
		const reads = [
			this.#readPublicKey(),
			this.location.environment ? this.#requireEnvironment() : undefined,
			this.read(),
		];
		// If several reads fail, the error of the public key is the most useful one.
		const results = await Promise.allSettled(reads);
		for (const result of results) if (result.status === 'rejected') throw result.reason;
		return await reads[2];
	}
	/** @throws {ApiError} if the token cannot read the repository */
	async requireVisibleRepository() {
		await this.#github.getRepository(this.location.repository, () => undefined);
	}
	/** Returns whether the environment exists; true if the location has no environment. */
	async environmentExists() {
		try {
			if (this.location.environment) await this.#requireEnvironment();
			return true;
		} catch (error) {
			if (error instanceof _net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .ApiError */ .hD && error.status === 404) return false;
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
	 * @param beforeOther called before the other one is sent, because another run or user has deleted or created the variable. If
	 *   it throws, nothing is sent.
	 */
	async setVariable(name, value, exists, beforeOther) {
		const create = { ...this.#variable('write', 'POST', '', { name, value }), successStatuses: [201] };
		const update = { ...this.#variable('write', 'PATCH', '/{name}', { name, value }), successStatuses: [204] };
		const [first, second, status] = exists ? [update, create, 404] : [create, update, 409];
		let outcome = await this.#github.send(first);
		if (outcome.kind !== 'done' && outcome.error.status === status) {
			if (outcome.kind === 'refused') await beforeOther?.();
			outcome = await this.#github.send({ ...second, mayBeDone: outcome.kind === 'unknown' });
		}
		if (outcome.kind !== 'unknown') return outcome;
		const now = await this.#getVariable(name).catch(() => undefined);
		return now?.value === value ? (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_1__/* .done */ .Vw)(undefined) : outcome;
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
		} catch (error) {
			throw new _net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .ApiError */ .hD(`Could not seal the secret for ${this.name}: its public key is not usable.`, { cause: error });
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
			const [key, key_id] = [(0,_net_json_js__WEBPACK_IMPORTED_MODULE_2__/* .stringField */ .OM)(response, 'key'), (0,_net_json_js__WEBPACK_IMPORTED_MODULE_2__/* .stringField */ .OM)(response, 'key_id')];
			if (Buffer.from(key, 'base64').length !== KEY_LENGTH || !key_id)
				throw new _net_json_js__WEBPACK_IMPORTED_MODULE_2__/* .InvalidResponseError */ .tF('it holds no public key');
			return { key, key_id };
		});
	}
	async #requireEnvironment() {
		const outcome = await this.#github.send(this.#request(`read ${this.name}`, 'GET', 'environment', ''));
		// A token that can read the environment's public key can write there without permission to read environments.
		if (outcome.kind !== 'done' && outcome.error.status !== 403) throw outcome.error;
	}
	async #getVariable(name) {
		const parse = (response) => {
			if (typeof response.value !== 'string') throw new _net_json_js__WEBPACK_IMPORTED_MODULE_2__/* .InvalidResponseError */ .tF('value is not a string');
			return { value: response.value, time: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_2__/* .stringField */ .OM)(response, 'updated_at') };
		};
		return await this.#github.find(this.#variable('read', 'GET', '/{name}', { name }), parse);
	}
	async #getSecretTime() {
		return await this.#github.find(this.#secret('read', 'GET'), (response) => {
			const time = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_2__/* .stringField */ .OM)(response, 'updated_at');
			if (Number.isNaN(Date.parse(time))) throw new _net_json_js__WEBPACK_IMPORTED_MODULE_2__/* .InvalidResponseError */ .tF('updated_at is not a time');
			return time;
		});
	}
	/** @param read reads the variable or secret; returns undefined if it does not exist */
	async #delete(request, read) {
		const outcome = await this.#github.send({ ...request, successStatuses: [204] });
		// If an earlier attempt may have been carried out, that attempt has deleted it.
		if (outcome.kind !== 'done' && outcome.error.status === 404) return outcome.kind === 'unknown';
		if (outcome.kind === 'unknown' && (await read().catch(() => true)) === undefined) return true;
		(0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_1__/* .unwrap */ .oA)(outcome);
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


/***/ }),

/***/ 6295:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   K5: () => (/* binding */ identityFor),
/* harmony export */   V8: () => (/* binding */ clientName),
/* harmony export */   mE: () => (/* binding */ createNonce),
/* harmony export */   u0: () => (/* binding */ resolveSecretLocation),
/* harmony export */   w0: () => (/* binding */ desiredClientFrom)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _client_claims_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4866);
/* harmony import */ var _client_faults_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4202);
/* harmony import */ var _client_identity_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(2537);
/* harmony import */ var _client_marker_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(5425);
/* harmony import */ var _scalekit_types_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(179);
/* harmony import */ var _inputs_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(204);
/* harmony import */ var _specs_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(9843);








const NO_REPOSITORY_ID =
	'This runner does not set GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.';
/**
 * Derives the desired client from the inputs and the target.
 * @param nonce of this execution of the step
 * @throws {InputError} if inputs and target contradict each other
 */
function desiredClientFrom(inputs, target, nonce) {
	const faults = new _client_faults_js__WEBPACK_IMPORTED_MODULE_2__/* .Faults */ .C(_specs_js__WEBPACK_IMPORTED_MODULE_6__/* .INPUT_ORDER */ .ov);
	const report = (input) => faults.report(input);
	const claims = (0,_client_claims_js__WEBPACK_IMPORTED_MODULE_1__/* .deriveClaims */ .f)(inputs, target, report);
	(0,_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .checkSecretLocation */ .KE)(inputs, target, report);
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
	const faults = new _client_faults_js__WEBPACK_IMPORTED_MODULE_2__/* .Faults */ .C(_specs_js__WEBPACK_IMPORTED_MODULE_6__/* .INPUT_ORDER */ .ov);
	(0,_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .checkSecretLocation */ .KE)(inputs, target, (input) => faults.report(input));
	faults.finish();
	return secretLocation(inputs, target);
}
/** Returns a new random nonce of 16 characters (96 bits), in base64url. */
function createNonce() {
	return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(12).toString('base64url');
}
/** Returns the name of the client. @param suffix what a name that was not given ends with */
function clientName({ name }, { repository, environment }, suffix = '') {
	const text = `GitHub Actions: ${repository}${environment && ` (${environment})`}`;
	return name || shorten(text, _scalekit_types_js__WEBPACK_IMPORTED_MODULE_4__/* .MAX_NAME */ .zB - suffix.length) + suffix;
}
/** Returns the fields to create the client with. A field without a value is absent. */
function clientFields(inputs, target, claims) {
	const { scopes, audience, expiry, description, lifetime, runner } = inputs;
	const { repository, environment } = target;
	const purpose = `Made by GitHub Actions for ${repository}${environment && `, environment ${environment}`}.`;
	return {
		name: clientName(inputs, target, lifetime === 'job' ? ` #${runner.run}` : ''),
		description: description || shorten(purpose, _client_marker_js__WEBPACK_IMPORTED_MODULE_7__/* .MAX_DESCRIPTION_TEXT */ .CV),
		...(scopes.length > 0 && { scopes }),
		...(audience.length > 0 && { audience }),
		...(claims.length > 0 && { custom_claims: claims }),
		...(expiry && { expiry }),
	};
}
function createMarker({ runner }, identity, nonce) {
	return {
		key: (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_3__/* .identityHash */ .Jf)(identity),
		repo: (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_3__/* .repositoryReference */ .sk)(identity.repository, identity.repository_id),
		// Not from the ID token: sweep/ compares it with the runner's variables and requests no token.
		by: (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_3__/* .repositoryReference */ .sk)(runner.repository, runner.repository_id),
		run: runner.run,
		lifetime: identity.lifetime,
		nonce,
	};
}
function secretLocation({ saving }, target) {
	if (!saving) return undefined;
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
	if (characters.length <= max) return text;
	const kept = max - 9;
	return `${characters.slice(0, kept).join('')}~${(0,_client_identity_js__WEBPACK_IMPORTED_MODULE_3__/* .shortHash */ .BC)(characters.slice(kept).join('')).slice(0, 8)}`;
}


/***/ }),

/***/ 1308:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $r: () => (/* binding */ unansweredError),
/* harmony export */   G0: () => (/* binding */ interceptedAdvice),
/* harmony export */   Le: () => (/* binding */ invalidResponseError),
/* harmony export */   R2: () => (/* binding */ redirectAdvice),
/* harmony export */   bG: () => (/* binding */ refusedError),
/* harmony export */   ee: () => (/* binding */ isApiResponse),
/* harmony export */   hD: () => (/* binding */ ApiError),
/* harmony export */   ix: () => (/* binding */ rateLimitAdvice)
/* harmony export */ });
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4938);
/* harmony import */ var _json_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(7661);
/* harmony import */ var _proxy_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5927);



// The errors of the Scalekit and GitHub APIs, and the advice about the network that both have in common. scalekit/errors.ts
// and github/errors.ts add the advice for the responses of each API.
/** How many messages of one response an error shows, the characters of each, and of all. */
const MAX_MESSAGES = 10;
const MAX_MESSAGE_LENGTH = 300;
const MAX_MESSAGES_LENGTH = 1_000;
/** A failed API request: the operation, the status, the server's own message, and what the user can do. */
class ApiError extends Error {
	name = 'ApiError';
	/** Status of the response. Undefined if there was no response, or if it does not have the API's form. */
	status;
	/** Whether the response is the API's own, as far as its form shows. */
	isFromApi;
	constructor(message, options = {}) {
		super(message, { cause: options.cause });
		this.status = options.status;
		this.isFromApi = options.isFromApi ?? false;
	}
}
/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 * @param messages the server's own messages, as the body has them
 * @param advice what the user can do, a sentence, or empty
 * @param status what the error has as its status, if that is not the response's
 */
function refusedError(operation, response, messages, advice, status = response.status) {
	const isFromApi = isApiResponse(response);
	const shown = messages
		.slice(0, MAX_MESSAGES)
		.map((message) => (0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .truncate */ .xv)((0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .oneLine */ .TN)((0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .hideLikelySecrets */ .Ec)(message)), MAX_MESSAGE_LENGTH));
	const words = (0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .truncate */ .xv)(shown.join(': '), MAX_MESSAGES_LENGTH);
	const reason = `HTTP ${response.status}${words && `: ${words}`}`;
	return new ApiError(errorSentence(operation, reason, advice), { status, isFromApi });
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
	const target = headers.location === undefined ? 'nowhere' : (0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .quoteUrl */ .y8)(String(headers.location));
	return `Redirects are not followed (it points to ${target}): ${advice}`;
}
/**
 * Returns the advice for a rate limit. After a cancel there is none, because the request was not repeated.
 * @param owner whose limit it is
 * @param wait milliseconds that the server asks to wait, if it does
 */
function rateLimitAdvice(owner, { cancelled }, wait = 0) {
	if (cancelled) return '';
	const asked = wait && Number.isFinite(wait) ? ` The server asks to wait for ${Math.ceil(wait / 1000)} seconds.` : '';
	return `The rate limit of ${owner} is reached, and this step has no time to wait for it.${asked} Run fewer jobs at the same time, or raise timeout.`;
}
/**
 * Returns the advice for a 401 or 403 that does not come from the API, or an empty text for any other response. Both APIs
 * explain a refusal in a JSON object, so any other body is that of a server in between.
 * @param setting name of the input or variable that holds the server's URL
 */
function interceptedAdvice({ status, body }, setting) {
	if ((status !== 401 && status !== 403) || (0,_json_js__WEBPACK_IMPORTED_MODULE_2__/* .isJsonObject */ .OW)(body)) return '';
	return `That is not the API's JSON: a firewall, a proxy or an IP allow list in front of ${setting} probably refused it. Allow this runner's address there.`;
}
/**
 * Returns whether a response may come from the API: its body is empty or a JSON object. Any other body comes from a server
 * in between, so its status says nothing about the API.
 */
function isApiResponse({ body }) {
	return body.trim() === '' || (0,_json_js__WEBPACK_IMPORTED_MODULE_2__/* .isJsonObject */ .OW)(body);
}
function errorSentence(operation, reason, advice) {
	return `Could not ${operation}: ${reason.replace(/[.\s]+$/, '')}.${advice && ` ${advice}`}`;
}
function networkAdvice(error, setting) {
	if (error.proxyError) return proxyAdvice(error, error.proxyError, setting);
	if (/EXPIRED|NOT_YET_VALID|ALTNAME|HOSTNAME/.test(error.code)) {
		return `The server's certificate is not valid for this host at this time: check ${setting} and who answers there. NODE_EXTRA_CA_CERTS helps against an unknown authority alone; never switch the check off.`;
	}
	if (error.isCertificateError) {
		return "The server's certificate is not trusted. Behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate; never switch the check off.";
	}
	if (/^(ENOTFOUND|EAI_AGAIN)$/.test(error.code)) return `Check the host in ${setting}.`;
	if (error.isTlsError) {
		return `Check the port in ${setting}, and whether the server asks for a client certificate or an old TLS version, which this action does not offer.`;
	}
	if (error.code === 'DEADLINE') return 'Raise timeout.';
	if (error.code === 'CANCELLED') return '';
	if (error.code === 'TOO_LARGE') return `Check who answers at ${setting}.`;
	if (error.reached) return `If it happens again, raise timeout, and check who answers at ${setting}.`;
	return `Check ${setting} and the way to it (https_proxy, no_proxy, firewall).`;
}
function proxyAdvice({ isCertificateError }, { variable, code, status }, setting) {
	if (code === 'PROXY_ADDRESS') return `Expected ${_proxy_js__WEBPACK_IMPORTED_MODULE_1__/* .PROXY_URL_FORMAT */ .rz}.`;
	if (isCertificateError)
		return `The proxy's own certificate is not accepted for the host in ${variable}: behind a private certificate authority, set NODE_EXTRA_CA_CERTS to a file with its certificate.`;
	if (status === 407)
		return `The proxy requires a user and a password. Set ${variable} to http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded.`;
	if (code === 'PROXY_REFUSED')
		return 'The proxy does not allow this host. Ask its administrator to allow it, or add the host to no_proxy.';
	if (status !== undefined) return `Check ${setting}, and whether the proxy reaches that host.`;
	return `Check the address in ${variable} and the way to it, or name the host in no_proxy.`;
}


/***/ }),

/***/ 801:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   p: () => (/* binding */ clock),
/* harmony export */   r: () => (/* binding */ toNanoseconds)
/* harmony export */ });
/**
 * Returns the milliseconds since the process started. `performance.now()` would return the same, but it loads a library
 * first. Start-up time matters, because every step is a new process.
 */
function clock() {
	return process.uptime() * 1000;
}
/** Returns milliseconds in nanoseconds. Undefined if the time is not known. */
function toNanoseconds(milliseconds) {
	return milliseconds === undefined ? undefined : BigInt(milliseconds) * 1000000n;
}


/***/ }),

/***/ 8518:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ NetworkError)
/* harmony export */ });
/* harmony import */ var _proxy_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5927);

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
		return /^(ERR_TLS_)?CERT_|^UNABLE_TO_|SELF_SIGNED_CERT|^INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH|PATH_LENGTH/.test(
			this.code,
		);
	}
	/** Whether client and server could not agree on TLS. */
	get isTlsError() {
		return /^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(this.code) && !this.isCertificateError;
	}
	/** Whether a retry would fail in the same way. */
	get isPermanent() {
		return (
			this.isCertificateError ||
			this.isTlsError ||
			/^(TOO_LARGE|DEADLINE|CANCELLED|PROXY_ADDRESS|PROXY_REFUSED)$/.test(this.code)
		);
	}
	/** The proxy's error, if the request failed on the way through a proxy. */
	get proxyError() {
		return this.cause instanceof _proxy_js__WEBPACK_IMPORTED_MODULE_0__/* .ProxyError */ .T6 ? this.cause : undefined;
	}
}


/***/ }),

/***/ 6299:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   V2: () => (/* binding */ failure),
/* harmony export */   Vw: () => (/* binding */ done),
/* harmony export */   oA: () => (/* binding */ unwrap)
/* harmony export */ });
function done(value) {
	return { kind: 'done', value };
}
/** @param mayBeDone whether the server may have carried the request out */
function failure(mayBeDone, error) {
	return { kind: mayBeDone ? 'unknown' : 'refused', error };
}
/** Returns the value of a request that was carried out. @throws {ApiError} if it was not, or not provably */
function unwrap(outcome) {
	if (outcome.kind === 'done') return outcome.value;
	throw outcome.error;
}


/***/ }),

/***/ 8853:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   a: () => (/* binding */ retryDelay),
/* harmony export */   m: () => (/* binding */ parseRetryAfter)
/* harmony export */ });
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
	if (/^\d+$/.test(text)) return Number(text) * 1000;
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
	if (requested >= remaining || (requested === 0 && remaining < BACKOFF_BASE)) return undefined;
	return requested + random * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (attempt - 1), (remaining - requested) / 2);
}


/***/ }),

/***/ 2677:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  Gx: () => (/* binding */ MIN_RETRY_TIME),
  oK: () => (/* binding */ Transport),
  Xo: () => (/* binding */ responseTime)
});

// UNUSED EXPORTS: VERSION

// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(7067);
var external_node_http_default = /*#__PURE__*/__webpack_require__.n(external_node_http_);
// EXTERNAL MODULE: external "node:https"
var external_node_https_ = __webpack_require__(4708);
var external_node_https_default = /*#__PURE__*/__webpack_require__.n(external_node_https_);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./build/output/log.js + 1 modules
var log = __webpack_require__(1083);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(7030);
var external_node_net_default = /*#__PURE__*/__webpack_require__.n(external_node_net_);
// EXTERNAL MODULE: ./build/net/proxy.js
var net_proxy = __webpack_require__(5927);
;// CONCATENATED MODULE: ./build/net/agents.js




// The agents that open TLS connections: directly (EagerAgent), or through a proxy (TunnelAgent). Both keep connections
// alive.
/**
 * Milliseconds for the attempt to connect to one of several addresses of a host. Node.js's default, 250, is too short for a
 * distant server, and the next address may not be reachable (github.com/nodejs/node/issues/54359).
 */
const ADDRESS_TIMEOUT = 1_000;
external_node_net_default().setDefaultAutoSelectFamilyAttemptTimeout(Math.max(ADDRESS_TIMEOUT, external_node_net_default().getDefaultAutoSelectFamilyAttemptTimeout()));
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
		socket?.on('error', () => {});
		if (socket) this.#spare.set(hostPort, socket);
	}
	/** Returns the connection that `preconnect` opened for this host and port, or a new one if that is not usable. */
	createConnection(options, callback) {
		const hostPort = hostAndPort(options);
		const spare = this.#spare.get(hostPort);
		this.#spare.delete(hostPort);
		// Data that arrived before any request was sent cannot be a response, so do not use such a connection.
		if (spare?.writable && spare.readableLength === 0) return spare;
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
		(url.protocol === 'https:' ? (external_node_https_default()) : (external_node_http_default()))
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
function hostAndPort({ host, port }) {
	return `${host}:${port}`;
}

// EXTERNAL MODULE: ./build/net/clock.js
var clock = __webpack_require__(801);
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
		return this.#deadline - (0,clock/* clock */.p)();
	}
	/** Milliseconds that a request may take if it is sent now. Not positive if the deadline has passed. */
	get requestTimeout() {
		return Math.min(this.#maxRequestTime, this.remaining);
	}
}

// EXTERNAL MODULE: ./build/net/json.js
var json = __webpack_require__(7661);
// EXTERNAL MODULE: ./build/net/network-error.js
var network_error = __webpack_require__(8518);
;// CONCATENATED MODULE: ./build/net/read-body.js

/** Bytes. A page of a hundred clients with long lists is smaller. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/**
 * Reads the body of a response as text, decompressed and without a byte order mark. Never holds more than twice the maximum
 * in memory, however small the chunks are.
 * @throws {NetworkError} if the body is larger than 8 MiB, compressed or not
 */
async function readBody(message) {
	let [body, size] = [Buffer.alloc(0), 0];
	for await (const chunk of message) {
		const needed = size + chunk.length;
		if (needed > MAX_BODY_BYTES) throw tooLarge();
		if (needed > body.length) body = Buffer.concat([body], 2 * needed);
		chunk.copy(body, size);
		size = needed;
	}
	const plain = await decompress(body.subarray(0, size), message.headers['content-encoding']);
	return plain.toString('utf8').replace(/^\ufeff/, '');
}
/**
 * Returns a body decompressed. No request asks for compression, but a server in between may compress all the same, and may
 * remove the header that says so. A body that cannot be decompressed is returned as it is: JSON may have such a header too.
 * @throws {NetworkError} if the result is larger than 8 MiB
 */
async function decompress(body, encoding = '') {
	const isGzip = body[0] === 0x1f && body[1] === 0x8b;
	if (!isGzip && !/^(gzip|x-gzip|deflate|br)$/i.test(encoding)) return body;
	const { brotliDecompressSync, unzipSync } = await Promise.resolve(/* import() */).then(__webpack_require__.t.bind(__webpack_require__, 8522, 23));
	try {
		const decode = !isGzip && /^br$/i.test(encoding) ? brotliDecompressSync : unzipSync;
		return decode(body, { maxOutputLength: MAX_BODY_BYTES });
	} catch (error) {
		if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
		return body;
	}
}
function tooLarge() {
	return new network_error/* NetworkError */.D('the answer is larger than 8 MiB', 'TOO_LARGE', true);
}

// EXTERNAL MODULE: ./build/net/retry.js
var retry = __webpack_require__(8853);
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
	#debug;
	#cancel = new AbortController();
	/** Hosts that have sent a response: TLS with them works. */
	#answered = new Set();
	/** Milliseconds since the epoch: the earliest time in the `Date` header of any response. */
	#earliestServerTime;
	/**
	 * @param run `ID.ATTEMPT` of the workflow run, for Scalekit's logs
	 * @param timeout seconds for the whole step, counted from the start of the process
	 * @param debug gets one line for each attempt of a request
	 */
	constructor(run, timeout, debug = log/* debug */.Yz) {
		this.#userAgent = `scalekit-organization-client/${VERSION} (run ${run})`;
		this.#deadline = new Deadline(timeout);
		this.#debug = debug;
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
		if (!(await this.wait(milliseconds))) throw this.cancelled ? cancelledError() : deadlineError();
	}
	/**
	 * Opens a second connection to a server, because two requests are about to be sent to it at the same time. Does
	 * nothing for plain HTTP or behind a proxy.
	 */
	preconnect(url) {
		const agent = this.#agentFor(url);
		if (agent instanceof EagerAgent) agent.preconnect(url);
	}
	/**
	 * Sends a request, and retries it as long as another attempt may change the outcome.
	 * @throws {NetworkError} if no complete response arrived
	 */
	async send(request) {
		for (let [attempt, mayBeDone] = [1, request.mayBeDone ?? false]; ; attempt++) {
			const result = await this.#attempt(request, attempt);
			// A refusal after such an attempt is unknown.
			mayBeDone ||= result instanceof network_error/* NetworkError */.D ? result.reached : mayBeCarriedOut(result.status);
			if (!(await this.#waitForRepeat(request, result, attempt))) {
				if (!(result instanceof network_error/* NetworkError */.D)) return { ...result, mayBeDone, cancelled: this.cancelled };
				result.reached = mayBeDone;
				if (attempt > 1) result.message += ` (attempt ${attempt})`;
				throw result;
			}
		}
	}
	/** Waits until a request may be sent again. Returns false if it must not be. */
	async #waitForRepeat(request, result, attempt) {
		if (this.cancelled || !this.#mayRepeat(request, result, attempt)) return false;
		const delay = (0,retry/* retryDelay */.a)(attempt, retryAfter(request, result), this.remaining - MIN_RETRY_TIME);
		return delay !== undefined && (await this.#sleep(delay));
	}
	/** Sends a request once and logs the result. Returns errors of the network instead of throwing them. */
	async #attempt(request, attempt) {
		const started = (0,clock/* clock */.p)();
		const result = await this.#exchange(request, this.#deadline.requestTimeout);
		const shown = result instanceof network_error/* NetworkError */.D ? result.code : result.status;
		const milliseconds = Math.round((0,clock/* clock */.p)() - started);
		this.#debug(`${request.method} ${request.url.pathname} ${shown} ${milliseconds} ms attempt ${attempt}`);
		return result;
	}
	async #exchange(request, timeout) {
		if (this.cancelled) return cancelledError();
		if (timeout <= 0) return deadlineError();
		request.onSend?.();
		let reached = false;
		let giveUp = () => {};
		const onCancel = () => setTimeout(() => giveUp(), CANCEL_GRACE);
		this.#cancel.signal.addEventListener('abort', onCancel);
		const timer = setTimeout(() => giveUp(), timeout);
		try {
			const response = await new Promise((resolve, reject) => {
				const clientRequest = this.#open(request, resolve, reject);
				giveUp = () => {
					reject(this.#timeoutError(timeout, reached));
					clientRequest.destroy();
				};
				onceConnected(clientRequest, () => {
					reached = true;
				});
				clientRequest.end(request.body);
			});
			this.#answered.add(request.url.host);
			if (response.headers.date)
				this.#earliestServerTime = Math.min(
					this.#earliestServerTime ?? Number.POSITIVE_INFINITY,
					responseTime(response),
				);
			return response;
		} catch (error) {
			return networkError(error, reached);
		} finally {
			clearTimeout(timer);
			this.#cancel.signal.removeEventListener('abort', onCancel);
		}
	}
	/** @param timeout milliseconds that the request had */
	#timeoutError(timeout, reached) {
		return this.cancelled
			? new network_error/* NetworkError */.D('no answer before the run was cancelled', 'CANCELLED', reached)
			: new network_error/* NetworkError */.D(`no answer within ${Math.ceil(timeout / 100) / 10} seconds`, 'TIMEOUT', reached);
	}
	/**
	 * Opens the Node.js request that sends this one. The caller ends it.
	 * @throws {ProxyError} if a proxy variable is invalid
	 */
	#open(request, resolve, reject) {
		return (
			(request.url.protocol === 'https:' ? (external_node_https_default()) : (external_node_http_default()))
				.request(request.url, {
					method: request.method,
					headers: { accept: 'application/json', ...request.headers, 'user-agent': this.#userAgent },
					agent: this.#agentFor(request.url),
				})
				.on('error', reject)
				// Without a listener, Node.js never settles a request that is answered with 101.
				.on('upgrade', ({ statusCode }, socket) => {
					socket.destroy();
					reject(new network_error/* NetworkError */.D(`the server switches protocols (HTTP ${statusCode})`, 'UPGRADE', true));
				})
				.on('response', (message) => {
					const { statusCode: status = 0, headers } = message;
					readBody(message).then((body) => resolve({ status, headers, body }), reject);
				})
		);
	}
	/** @throws {ProxyError} if a proxy variable is invalid */
	#agentFor(url) {
		const agents = this.#agents;
		if (url.protocol !== 'https:') {
			agents.http ??= new (external_node_http_default()).Agent({ keepAlive: true });
			return agents.http;
		}
		const proxy = (0,net_proxy/* proxyFor */.iJ)(url, process.env);
		if (!proxy) return agents.https;
		agents.tunnel ??= new TunnelAgent(proxy);
		return agents.tunnel;
	}
	#mayRepeat(request, result, attempt) {
		if (result instanceof network_error/* NetworkError */.D) {
			// A TLS error at a host that has sent a response before is temporary.
			const isPermanent = result.isPermanent && !(result.isTlsError && this.#answered.has(request.url.host));
			return !isPermanent && (request.repeatable || !result.reached) && attempt < MAX_ATTEMPTS;
		}
		// After a rate limit, the server has done nothing and says when to retry. Only the deadline limits these retries.
		if (request.rateLimitWait?.(result) !== undefined) return true;
		if (result.status === 429) return !request.isPermanentLimit?.(result) || attempt < MAX_ATTEMPTS;
		const { status } = result;
		const isTemporary = status === 408 || status === 425 || status >= 500 || isGarbage(request, result);
		// After 425 Too Early (RFC 8470), the server has done nothing.
		return (request.repeatable || status === 425) && isTemporary && attempt < MAX_ATTEMPTS;
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
 * Returns whether a 2xx response does not come from an API: a portal or a proxy may answer 200 as well. APIs answer with a
 * JSON object. An empty body can confirm a change.
 */
function isGarbage({ method }, { status, body }) {
	return status >= 200 && status < 300 && !(0,json/* isJsonObject */.OW)(body) && (method === 'GET' || body.trim() !== '');
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
	return new network_error/* NetworkError */.D("the step's time was over before it was sent", 'DEADLINE', false);
}
function cancelledError() {
	return new network_error/* NetworkError */.D('the run was cancelled before it was sent', 'CANCELLED', false);
}
/** Returns the milliseconds that the server asked to wait, or 0. */
function retryAfter(request, result) {
	if (result instanceof network_error/* NetworkError */.D) return 0;
	return request.rateLimitWait?.(result) ?? (0,retry/* parseRetryAfter */.m)(result.headers['retry-after'], responseTime(result));
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
		else onConnection();
	});
}
function networkError(error, reached) {
	if (error instanceof network_error/* NetworkError */.D) return error;
	const { code = 'UNKNOWN', message, errors = [] } = error;
	// If a host has several addresses, the error has no message, but one error for each address.
	const reasons = message || errors.map((one) => one.message).join(', ') || code;
	const failure = new network_error/* NetworkError */.D(reasons, code, reached, error);
	// OpenSSL's message is a trace through its source files.
	if (failure.isTlsError) failure.message = `TLS failed (${code})`;
	return failure;
}


/***/ }),

/***/ 9359:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   n: () => (/* binding */ setOutputs)
/* harmony export */ });
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6058);
/* harmony import */ var _log_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1083);


/**
 * Sets the outputs of the step.
 * @throws {Error} if the runner's output file cannot be written
 */
function setOutputs(outputs) {
	try {
		for (const [name, value] of Object.entries(outputs)) (0,_actions_core__WEBPACK_IMPORTED_MODULE_0__/* .setOutput */ .uH)(name, value);
	} catch (error) {
		throw new Error(`Could not set the outputs: ${_log_js__WEBPACK_IMPORTED_MODULE_1__/* .message */ .iU(error)}.`);
	}
}


/***/ }),

/***/ 5081:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Hn: () => (/* binding */ cell),
/* harmony export */   Sy: () => (/* binding */ writeSummary),
/* harmony export */   nf: () => (/* binding */ link),
/* harmony export */   v$: () => (/* binding */ fittingRows)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6058);
/* harmony import */ var _log_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1083);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(4938);




/** Characters of one value. */
const MAX_VALUE_LENGTH = 200;
/** Values in one cell. */
const MAX_VALUES = 50;
/** Bytes of the rows of a long table. GitHub takes 1 MiB at most as a step's whole summary, and browsers are slow before that. */
const MAX_TABLE = 500_000;
/**
 * Appends a heading and a table to the job summary, and between them a list of notes in HTML. Writes synchronously, because
 * the asynchronous write of @actions/core starts threads. If the summary cannot be written, logs that and does not fail.
 */
function writeSummary(title, rows, notes = []) {
	try {
		_actions_core__WEBPACK_IMPORTED_MODULE_1__/* .summary */ .z.addHeading(title, 3);
		if (notes.length > 0) _actions_core__WEBPACK_IMPORTED_MODULE_1__/* .summary */ .z.addList(notes);
		(0,node_fs__WEBPACK_IMPORTED_MODULE_0__.appendFileSync)(process.env.GITHUB_STEP_SUMMARY ?? '', _actions_core__WEBPACK_IMPORTED_MODULE_1__/* .summary */ .z.addTable(rows).stringify());
	} catch (error) {
		_log_js__WEBPACK_IMPORTED_MODULE_2__/* .info */ .pq(`The job summary could not be written: ${_log_js__WEBPACK_IMPORTED_MODULE_2__/* .message */ .iU(error)}`);
	}
}
/** Returns the first rows of a table, as many as fit into a job summary. Reads no further row. */
function fittingRows(rows) {
	const fitting = [];
	let bytes = 0;
	for (const row of rows) {
		// With the tags of the row and of its cells.
		bytes += Buffer.byteLength(row.join('')) + (row.length + 1) * '<td></td>'.length;
		if (bytes > MAX_TABLE) break;
		fitting.push(row);
	}
	return fitting;
}
/**
 * Returns values of a user or a server as HTML for a table cell, in which Markdown, HTML and mentions have no effect.
 * Shows at most 50 values of 200 characters each, and a dash if there are none.
 */
function cell(values) {
	const shown = values
		.slice(0, MAX_VALUES)
		.map((value) => `<code>${escapeHtml((0,_text_js__WEBPACK_IMPORTED_MODULE_3__/* .truncate */ .xv)((0,_text_js__WEBPACK_IMPORTED_MODULE_3__/* .oneLine */ .TN)(value), MAX_VALUE_LENGTH))}</code>`);
	const omitted = values.length > MAX_VALUES ? [`and ${values.length - MAX_VALUES} more`] : [];
	return [...shown, ...omitted].join('<br>') || '–';
}
/** Returns a text as HTML for a table cell, as a link unless the URL is empty. */
function link(text, url) {
	return url ? `<a href="${escapeHtml(url)}">${escapeHtml((0,_text_js__WEBPACK_IMPORTED_MODULE_3__/* .oneLine */ .TN)(text))}</a>` : cell([text]);
}
function escapeHtml(text) {
	const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
	return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}


/***/ }),

/***/ 2582:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   h: () => (/* binding */ CREATION_LAG),
/* harmony export */   x: () => (/* binding */ Scalekit)
/* harmony export */ });
/* harmony import */ var _net_api_error_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1308);
/* harmony import */ var _net_clock_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(801);
/* harmony import */ var _net_json_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(7661);
/* harmony import */ var _net_network_error_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8518);
/* harmony import */ var _net_outcome_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(6299);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8387);
/* harmony import */ var _meaning_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(7777);
/* harmony import */ var _secret_cap_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(3193);
/* harmony import */ var _token_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(5419);
/* harmony import */ var _types_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(179);










/** Milliseconds after the creation of a client or a secret in which parts of the API may not know it yet. */
const CREATION_LAG = 10_000;
/** Milliseconds in which new credentials may be unknown to the token endpoint, and how often a token is requested. */
const CREDENTIALS_LAG = 20_000;
const MAX_TOKEN_ATTEMPTS = 8;
/** Milliseconds before the first retry of a request that failed during that lag. Each later pause is twice as long. */
const FIRST_PAUSE = 250;
/** Milliseconds before any retry at most: of new credentials, so that their few attempts last, and of anything else. */
const MAX_CREDENTIALS_PAUSE = 6_000;
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
	/** How many entries of lists were skipped because they cannot be parsed. */
	unreadable = 0;
	#origin;
	#organization;
	#token = '';
	/** When clients were created that parts of the API may not know yet, by id, in milliseconds since the process started. */
	#createdAt = new Map();
	/** The page sizes to try, the first one next. Without any, a request names none. */
	#pageSizes = ['100', '30'];
	constructor(transport, origin, organization_id) {
		this.transport = transport;
		this.#origin = origin;
		this.#organization = organization_id;
	}
	/** Signs in, and looks up the organization's id if only its external id is given. */
	static async open(transport, { origin, credentials, organization_id, organization_external_id }) {
		const scalekit = new Scalekit(transport, origin, organization_id);
		await scalekit.signIn(credentials);
		if (!organization_id) await scalekit.selectOrganization(organization_external_id);
		return scalekit;
	}
	/** The organization's id. */
	get organization_id() {
		return this.#organization;
	}
	/** Requests an access token for the environment's API credentials and masks it. All later requests use it. */
	async signIn(credentials) {
		this.#token = (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .unwrap */ .oA)(await this.#getToken('sign in to Scalekit', credentials, 'sign-in')).access_token;
	}
	/** Requests an access token for new credentials and masks it. Retries for 20 seconds while they may be unknown. */
	async getToken(credentials) {
		const operation = `get an access token for client ${credentials.client_id}`;
		const send = () => this.#getToken(operation, credentials, 'client-sign-in');
		const until = (0,_net_clock_js__WEBPACK_IMPORTED_MODULE_7__/* .clock */ .p)() + CREDENTIALS_LAG;
		const limits = { maxAttempts: MAX_TOKEN_ATTEMPTS, maxPause: MAX_CREDENTIALS_PAUSE };
		return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .unwrap */ .oA)(await this.#retryDuringLag(until, _meaning_js__WEBPACK_IMPORTED_MODULE_3__/* .areCredentialsUnknown */ .p4, send, false, limits));
	}
	/** Creates a client and masks its secret. */
	async createClient(fields, { mayBeDone, onSend, onId }) {
		const request = { ...this.#request('POST', [], fields), repeatable: false, mayBeDone, onSend };
		return await this.#exchange('create the client', request, this.#subject(), (body) => {
			const response = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .parseJsonObject */ .dw)(body);
			const plain_secret = (0,_token_js__WEBPACK_IMPORTED_MODULE_4__/* .readSecret */ .n5)(response.plain_secret, Object(response.client).client_id);
			const client = (0,_types_js__WEBPACK_IMPORTED_MODULE_5__/* .parseClientSummary */ .Rg)(response.client);
			this.expectLag(client.client_id);
			onId(client.client_id);
			(0,_token_js__WEBPACK_IMPORTED_MODULE_4__/* .requireMaskable */ .is)('plain_secret', plain_secret);
			// Throws if the client cannot be parsed.
			client.parse();
			return { client, plain_secret };
		});
	}
	/** Yields every client of the organization, page by page. Skips clients that cannot be parsed. */
	async *listClients() {
		const operation = "list the organization's clients";
		const seen = new Set(['']);
		for (let token = ''; ; seen.add(token)) {
			const page = await this.#getPage(operation, token);
			const clients = page.clients.flatMap(_types_js__WEBPACK_IMPORTED_MODULE_5__/* .parseListedClient */ .Cf);
			this.unreadable += page.clients.length - clients.length;
			yield* clients;
			token = page.next_page_token;
			if (!token) return;
			// Fail instead of ending the list: the API never returns the pages behind the loop, so the list is incomplete.
			if (seen.has(token)) throw new Error(`Could not ${operation}: a page leads back to one that was read before.`);
		}
	}
	/** Reads a page of the list of clients. If the API refuses its size, tries the next one, and keeps that for later pages. */
	async #getPage(operation, page_token) {
		const [page_size] = this.#pageSizes;
		const request = this.#request('GET');
		request.url.search = new URLSearchParams({
			...(page_size && { page_size }),
			...(page_token && { page_token }),
		}).toString();
		const outcome = await this.#exchange(operation, request, this.#subject(), _types_js__WEBPACK_IMPORTED_MODULE_5__/* .parsePage */ .NL);
		if (!page_size || outcome.kind === 'done' || !(0,_meaning_js__WEBPACK_IMPORTED_MODULE_3__/* .isPageSizeRefused */ .XX)(outcome.error)) return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .unwrap */ .oA)(outcome);
		this.#pageSizes.shift();
		return await this.#getPage(operation, page_token);
	}
	/**
	 * Returns a client, or undefined if it does not exist.
	 * @throws {ApiError} if it cannot be read, or if the response shows another client
	 */
	async getClient(client_id) {
		const request = this.#request('GET', [client_id]);
		const operation = `read client ${client_id}`;
		const parse = (body) => (0,_types_js__WEBPACK_IMPORTED_MODULE_5__/* .parseRequestedClient */ .fI)(body, client_id);
		const send = () => this.#exchange(operation, request, this.#subject(client_id), parse, () => undefined);
		const isUnknown = (outcome) => outcome.kind === 'done' && outcome.value === undefined;
		return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .unwrap */ .oA)(await this.#retryDuringLag(this.#lagEnd(client_id), isUnknown, send));
	}
	/** From now on, requests about this client are retried for ten seconds if the API does not know it. */
	expectLag(client_id) {
		this.#createdAt.set(client_id, (0,_net_clock_js__WEBPACK_IMPORTED_MODULE_7__/* .clock */ .p)());
	}
	/** Returns until when the API may not know a client, in milliseconds since the process started. */
	#lagEnd(client_id) {
		return (this.#createdAt.get(client_id) ?? Number.NEGATIVE_INFINITY) + CREATION_LAG;
	}
	/** Updates the fields that are given. The value of the outcome is the client as it is afterwards. */
	async updateClient(client_id, fields) {
		const request = this.#request('PATCH', [client_id], fields);
		const operation = `update client ${client_id}`;
		const parse = (body) => (0,_types_js__WEBPACK_IMPORTED_MODULE_5__/* .parseRequestedClient */ .fI)(body, client_id);
		const send = (mayBeDone) => this.#exchange(operation, { ...request, mayBeDone }, this.#subject(client_id), parse);
		return await this.#retryDuringLag(this.#lagEnd(client_id), _meaning_js__WEBPACK_IMPORTED_MODULE_3__/* .isMissing */ .b2, send);
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
		const rules = { repeatable: false, isPermanentLimit: _secret_cap_js__WEBPACK_IMPORTED_MODULE_9__/* .isSecretCap */ .N, onSend };
		const request = { ...this.#request('POST', [client_id, 'secrets']), ...rules };
		const operation = `add a secret to client ${client_id}`;
		const parse = (body) => {
			const response = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .parseJsonObject */ .dw)(body);
			const plain_secret = (0,_token_js__WEBPACK_IMPORTED_MODULE_4__/* .readSecret */ .n5)(response.plain_secret, client_id);
			const shown = response.secret ? (0,_types_js__WEBPACK_IMPORTED_MODULE_5__/* .parseSecret */ .o7)(response.secret) : undefined;
			const secret = shown && !knownIds.includes(shown.id) ? shown : undefined;
			if (secret) onId(secret.id);
			(0,_token_js__WEBPACK_IMPORTED_MODULE_4__/* .requireMaskable */ .is)('plain_secret', plain_secret);
			return { secret, plain_secret };
		};
		const send = (mayBeDone) =>
			this.#exchange(operation, { ...request, mayBeDone }, { ...this.#subject(client_id), adding: true }, parse);
		return await this.#retryDuringLag(this.#lagEnd(client_id), _meaning_js__WEBPACK_IMPORTED_MODULE_3__/* .isMissing */ .b2, send, mayBeDone);
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
		const parse = (body) => body.trim() === '' || (0,_net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .parseJsonObject */ .dw)(body) !== undefined;
		// From here on, an answer that the client does not exist may be true.
		this.#createdAt.delete(path[0]);
		// It did not exist, unless an earlier attempt may have deleted it.
		const missing = ({ mayBeDone }) => mayBeDone;
		const request = this.#request('DELETE', path);
		const subject = { ...this.#subject(path[0]), deleting: true };
		return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .unwrap */ .oA)(await this.#exchange(operation, request, subject, parse, missing));
	}
	/** Looks up an organization by its external id. All later requests are about this organization. */
	async selectOrganization(external_id) {
		const url = new URL(`/api/v1/organizations:external/${encodeURIComponent(external_id)}`, this.#origin);
		const [request, subject] = [{ ...this.#request('GET'), url }, { organization: external_id }];
		const outcome = await this.#exchange(`find organization ${external_id}`, request, subject, (body) => {
			const organization = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .asObject */ .eB)((0,_net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .parseJsonObject */ .dw)(body).organization, 'organization');
			const id = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .stringField */ .OM)(organization, 'id');
			if (!/^org_[\w-]{1,124}$/.test(id)) throw new _net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .InvalidResponseError */ .tF('id is not the id of an organization');
			if (((0,_net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .stringField */ .OM)(organization, 'external_id') || external_id) !== external_id)
				throw new _net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .InvalidResponseError */ .tF('it shows an organization with another external_id');
			return id;
		});
		this.#organization = (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .unwrap */ .oA)(outcome);
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
		return await this.#exchange(operation, request, subject, _token_js__WEBPACK_IMPORTED_MODULE_4__/* .readAccessToken */ .o3);
	}
	/**
	 * Sends a request, and retries it while the API may not know a new client or secret yet.
	 * @param until when that ends, in milliseconds since the process started
	 * @param isLag returns whether that may be the reason for an outcome
	 */
	async #retryDuringLag(
		until,
		isLag,
		send,
		mayBeDone = false,
		{ maxAttempts = Number.POSITIVE_INFINITY, maxPause = MAX_PAUSE } = {},
	) {
		let isUnknown = mayBeDone;
		for (let [attempt, pause] = [1, FIRST_PAUSE]; ; attempt++, pause = Math.min(2 * pause, maxPause)) {
			const outcome = await send(isUnknown);
			isUnknown ||= outcome.kind === 'unknown';
			if (!isLag(outcome) || attempt === maxAttempts || (0,_net_clock_js__WEBPACK_IMPORTED_MODULE_7__/* .clock */ .p)() >= until) return outcome;
			if (!(await this.transport.wait(pause * (0.8 + Math.random() / 5)))) return outcome;
		}
	}
	#request(method, path = [], fields) {
		const headers = { authorization: `Bearer ${this.#token}` };
		const request = { method, url: this.clientUrl(...path), headers, repeatable: true };
		if (!fields) return request;
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
		} catch (error) {
			if (!(error instanceof _net_network_error_js__WEBPACK_IMPORTED_MODULE_1__/* .NetworkError */ .D)) throw error;
			return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .failure */ .V2)(error.reached, (0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .unansweredError */ .$r)(operation, error, 'scalekit_environment_url'));
		}
		const { status, headers, mayBeDone } = response;
		this.time = (0,_types_js__WEBPACK_IMPORTED_MODULE_5__/* .plausibleTime */ .vl)(Date.parse(headers.date ?? ''));
		if (missing && (0,_meaning_js__WEBPACK_IMPORTED_MODULE_3__/* .isNotFound */ .c4)(response)) return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .done */ .Vw)(missing(response));
		// A page of a firewall or a portal says nothing about what the API did.
		const isForeign = [401, 403, 404].includes(status) && !(0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .isApiResponse */ .ee)(response);
		if (status < 200 || status > 299)
			return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .failure */ .V2)(mayBeDone || isForeign, (0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .scalekitRefusal */ .Bo)(operation, response, subject));
		try {
			return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .done */ .Vw)(parse(response.body));
		} catch (error) {
			if (!(error instanceof _net_json_js__WEBPACK_IMPORTED_MODULE_8__/* .InvalidResponseError */ .tF)) throw error;
			return (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_6__/* .failure */ .V2)(true, (0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .scalekitInvalidResponse */ .tk)(operation, response, error.message, subject));
		}
	}
}


/***/ }),

/***/ 6573:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   k: () => (/* binding */ parseErrorBody)
/* harmony export */ });
/**
 * Parses the body of an error: a status object with details, a bare ErrorInfo, an OAuth error (RFC 6749, section 5.2) or
 * plain text. Any other body says nothing.
 */
function parseErrorBody({ body, headers }) {
	let parsed;
	try {
		parsed = JSON.parse(body);
	} catch {
		const plainText = body.trim();
		const isPlainText =
			String(headers['content-type'] ?? 'text/plain').startsWith('text/plain') && !/^[{[<]|debug_info/.test(plainText);
		return { codes: [], texts: isPlainText && plainText ? [plainText] : [], violations: [] };
	}
	const status = Object(parsed);
	const infos = [...listOf(status.details).map(Object), status];
	const violations = infos
		.flatMap((info) => listOf(Object(info.validation_error_info).field_violations).map(Object))
		.map(({ field, description }) => ({ field: text(field), description: text(description) }));
	return {
		codes: infos.map(({ error_code }) => text(error_code)).filter(Boolean),
		texts: [status.error, status.error_description, status.message].map(text).filter(Boolean),
		violations,
	};
}
function listOf(value) {
	return Array.isArray(value) ? value : [];
}
function text(value) {
	return typeof value === 'string' ? value.trim() : '';
}


/***/ }),

/***/ 8387:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Bo: () => (/* binding */ scalekitRefusal),
/* harmony export */   Z3: () => (/* binding */ SecretCapError),
/* harmony export */   tk: () => (/* binding */ scalekitInvalidResponse)
/* harmony export */ });
/* harmony import */ var _net_api_error_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1308);
/* harmony import */ var _net_retry_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(8853);
/* harmony import */ var _net_transport_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(2677);
/* harmony import */ var _error_body_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(6573);
/* harmony import */ var _meaning_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(7777);
/* harmony import */ var _secret_cap_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(3193);






/** A refusal of another secret, because the client has as many as it may have. It has no advice. */
class SecretCapError extends _net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .ApiError */ .hD {}
/**
 * Returns the error for a response whose status is not 2xx.
 * @param operation completes "Could not …"
 */
function scalekitRefusal(operation, response, subject) {
	const messages = scalekitMessages(response);
	// An error code may say that something does not exist, whatever the status.
	const status = (0,_meaning_js__WEBPACK_IMPORTED_MODULE_2__/* .isNotFound */ .c4)(response) ? 404 : response.status;
	if (typeof subject === 'string' || !subject.adding || !(0,_secret_cap_js__WEBPACK_IMPORTED_MODULE_3__/* .isSecretCap */ .N)(response))
		return (0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .refusedError */ .bG)(operation, response, messages, scalekitAdvice(response, subject), status);
	return new SecretCapError((0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .refusedError */ .bG)(operation, response, messages, '').message, { status: response.status });
}
/**
 * Returns the error for a 2xx response whose body does not have the form that the API documents.
 * @param operation completes "Could not …"
 * @param reason completes "HTTP 200, but …"
 */
function scalekitInvalidResponse(operation, response, reason, subject) {
	const advice = subject !== 'sign-in' ? '' : 'Is scalekit_environment_url the address of a Scalekit environment?';
	return (0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .invalidResponseError */ .Le)(operation, response, reason, advice);
}
const DENIED_TOKEN_ADVICE =
	'A scope must exist in the environment, and an interceptor or the IP allowlist of the environment may deny the token.';
function scalekitAdvice(response, subject) {
	const { status, headers } = response;
	if (status >= 300 && status < 400)
		return (0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .redirectAdvice */ .R2)(response, "scalekit_environment_url must be the environment's own address.");
	if (status === 429)
		return (0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .rateLimitAdvice */ .ix)(
			'the environment',
			response,
			(0,_net_retry_js__WEBPACK_IMPORTED_MODULE_4__/* .parseRetryAfter */ .m)(headers['retry-after'], (0,_net_transport_js__WEBPACK_IMPORTED_MODULE_1__/* .responseTime */ .Xo)(response)),
		);
	if (status >= 500) return 'That is a failure of Scalekit. Try again later.';
	const intercepted = (0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .interceptedAdvice */ .G0)(response, 'scalekit_environment_url');
	// How the token endpoint words a refusal is not documented. It may be a plain text, so both causes are named.
	if (subject === 'client-sign-in')
		return intercepted
			? `${intercepted} If Scalekit did: ${DENIED_TOKEN_ADVICE}`
			: `Scalekit refuses the new client credentials. ${DENIED_TOKEN_ADVICE}`;
	if (subject === 'sign-in') return [intercepted, SIGN_IN_ADVICE[status]].filter(Boolean).join(' ');
	if (intercepted) return intercepted;
	if (status === 404 && !(0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .isApiResponse */ .ee)(response))
		return 'Check which server answers at scalekit_environment_url: it is not the API.';
	return organizationAdvice(status, subject);
}
const CHECK_CREDENTIALS =
	'Check scalekit_client_id and scalekit_client_secret: they must be valid API credentials (skc_…) of this environment.';
const CHECK_CREDENTIALS_AND_ADDRESS = `${CHECK_CREDENTIALS} If the environment has an IP allowlist, it must contain the address of this runner.`;
const SIGN_IN_ADVICE = {
	400: CHECK_CREDENTIALS,
	401: CHECK_CREDENTIALS_AND_ADDRESS,
	403: CHECK_CREDENTIALS_AND_ADDRESS,
	404: 'scalekit_environment_url does not lead to a Scalekit environment.',
};
/** Returns the advice for a request about the organization, or about one of its clients. */
function organizationAdvice(status, { organization, client, deleting }) {
	if (status === 401)
		return 'The API refused the access token that Scalekit issued for scalekit_client_id. Check that these API credentials are still valid.';
	if (status === 403 && deleting)
		return 'The API credentials in scalekit_client_id may not delete clients and secrets. They need the permission api_credentials:rotate.';
	if (status === 403)
		return 'The API credentials in scalekit_client_id may not manage the clients of this organization, or the IP allowlist of the environment does not contain the address of this runner.';
	if (status !== 404) return '';
	if (client) return `Client ${client} does not exist.`;
	return `Check that organization ${organization} exists in this environment. An id from another environment is not known here.`;
}
/** Returns the server's own messages. Nothing else of the body is shown, because `debug_info` may contain internals. */
function scalekitMessages(response) {
	const { codes, texts, violations } = (0,_error_body_js__WEBPACK_IMPORTED_MODULE_5__/* .parseErrorBody */ .k)(response);
	const faults = violations.map(({ field, description }) => [field, description].filter(Boolean).join(' '));
	return [...new Set([...codes, ...texts, ...faults].filter(Boolean))];
}


/***/ }),

/***/ 7777:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   XX: () => (/* binding */ isPageSizeRefused),
/* harmony export */   b2: () => (/* binding */ isMissing),
/* harmony export */   c4: () => (/* binding */ isNotFound),
/* harmony export */   p4: () => (/* binding */ areCredentialsUnknown)
/* harmony export */ });
/* harmony import */ var _net_api_error_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1308);
/* harmony import */ var _error_body_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6573);


// What responses and errors of Scalekit's API mean, as far as its documentation leaves it open.
const NOT_FOUND_CODES = ['NOT_FOUND', 'RESOURCE_NOT_FOUND'];
/** Returns whether a response says that something does not exist: by its status, or by its error code whatever the status. */
function isNotFound(response) {
	const { status } = response;
	if (status === 404) return (0,_net_api_error_js__WEBPACK_IMPORTED_MODULE_0__/* .isApiResponse */ .ee)(response);
	return status >= 400 && (0,_error_body_js__WEBPACK_IMPORTED_MODULE_1__/* .parseErrorBody */ .k)(response).codes.some((code) => NOT_FOUND_CODES.includes(code));
}
/**
 * Returns whether new credentials may not be known yet. No status for that is documented, so it is any refusal of the API but
 * a rate limit and a scope that does not exist.
 */
function areCredentialsUnknown(outcome) {
	if (outcome.kind === 'done') return false;
	const { status = 0, message, isFromApi } = outcome.error;
	return isFromApi && status >= 400 && status < 500 && status !== 429 && !message.includes('invalid_scope');
}
/** Returns whether the API refuses the size of a page. */
function isPageSizeRefused({ status, message }) {
	return status === 400 && /page_?size/i.test(message);
}
/** Returns whether a request failed because its client does not exist. */
function isMissing(outcome) {
	return outcome.kind !== 'done' && outcome.error.status === 404;
}


/***/ }),

/***/ 3193:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   N: () => (/* binding */ isSecretCap)
/* harmony export */ });
/* harmony import */ var _error_body_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6573);

const STATUSES = [400, 409, 422, 429];
const RATE_LIMIT_CODES = ['RATE_LIMITED', 'TOO_MANY_REQUESTS'];
/** Matches a message that names requests or a rate. */
const RATE = /(?<![a-z])(requests?(?![a-z])|rate|throttl|per (second|minute|hour|day))/i;
/** Matches a message that names a limit. */
const LIMIT = /(?<![a-z])(only|maximum|limit|exceed|too many|allowed)/i;
/**
 * Returns whether the response to a request for another secret says that the client has as many as it may have. Scalekit
 * documents neither that number nor the response, so this goes by the message.
 */
function isSecretCap(response) {
	const { codes, texts, violations } = (0,_error_body_js__WEBPACK_IMPORTED_MODULE_0__/* .parseErrorBody */ .k)(response);
	if (!STATUSES.includes(response.status) || violations.length > 0) return false;
	const text = texts.join(' ');
	const isRateLimit = RATE.test(text) || codes.some((code) => RATE_LIMIT_CODES.includes(code.toUpperCase()));
	return !(response.status === 429 && isRateLimit) && /secret/i.test(text) && LIMIT.test(text);
}


/***/ }),

/***/ 5419:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   AI: () => (/* binding */ readToken),
/* harmony export */   is: () => (/* binding */ requireMaskable),
/* harmony export */   n5: () => (/* binding */ readSecret),
/* harmony export */   o3: () => (/* binding */ readAccessToken)
/* harmony export */ });
/* harmony import */ var _net_json_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7661);
/* harmony import */ var _output_mask_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(549);


/** Returns the claims of an access token, or undefined if it is not a JWT. Does not check the signature. */
function readToken(token) {
	const payload = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_1__/* .decodeJwtPayload */ .Kd)(token);
	if (!payload) return undefined;
	const { oid, sub, client_id, scopes, scope, aud, custom_claims, exp, iat } = payload;
	try {
		return {
			oid: asText(oid),
			sub: asText(sub) ?? asText(client_id),
			scopes: asList(scopes ?? scope),
			audience: Array.isArray(aud) ? aud.map(textOrEmpty) : [asText(aud) ?? []].flat(),
			custom_claims: claimsIn(custom_claims),
			exp: asSeconds(exp),
			iat: asSeconds(iat),
			topLevel: (key) => (Object.hasOwn(payload, key) ? asText(payload[key]) : undefined),
		};
	} catch {
		// JSON.stringify() throws for a value that is nested too deeply.
		return undefined;
	}
}
/** Masks the secret in a response. @returns the secret without white space around it, or an empty text */
function readSecret(value, client_id) {
	const secret = typeof value === 'string' ? value.trim() : '';
	(0,_output_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .maskSecret */ .$l)(secret, typeof client_id === 'string' ? [client_id] : []);
	return secret;
}
/**
 * Parses the response of the token endpoint (RFC 6749, section 5.1), and masks the token.
 * @throws {InvalidResponseError}
 */
function readAccessToken(body) {
	const response = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_1__/* .parseJsonObject */ .dw)(body);
	const access_token = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_1__/* .stringField */ .OM)(response, 'access_token').trim();
	(0,_output_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .maskToken */ .gg)(access_token);
	requireMaskable('access_token', access_token);
	const expires_in = typeof response.expires_in === 'object' ? 0 : Number(response.expires_in);
	return { access_token, expires_in: expires_in > 0 ? expires_in : undefined };
}
/** @throws {InvalidResponseError} if a field of a response is no secret or token that can be masked in every form */
function requireMaskable(field, text) {
	if (!text) throw new _net_json_js__WEBPACK_IMPORTED_MODULE_1__/* .InvalidResponseError */ .tF(`it holds no ${field}`);
	if (!(0,_output_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .isMaskable */ .h_)(text)) throw new _net_json_js__WEBPACK_IMPORTED_MODULE_1__/* .InvalidResponseError */ .tF(`its ${field} is not ${_output_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .MASKABLE_FORMAT */ .Xt}`);
}
/** Returns claims that are an object, or a list of `{key, value}`. */
function claimsIn(value) {
	const entries = Array.isArray(value)
		? value.map((entry) => [Object(entry).key, Object(entry).value])
		: Object.entries(Object(value));
	return entries.map(([key, text]) => ({ key: textOrEmpty(key), value: textOrEmpty(text) }));
}
function asText(value) {
	if (value === undefined || value === null || value === '') return undefined;
	return typeof value === 'string' ? value : JSON.stringify(value);
}
function textOrEmpty(value) {
	return asText(value) ?? '';
}
function asSeconds(value) {
	return Number.isSafeInteger(value) ? Number(value) : undefined;
}
/** Accepts a list, or one string with spaces between the entries (RFC 9068, section 2.2.3). */
function asList(value) {
	if (Array.isArray(value)) return value.map(textOrEmpty);
	return textOrEmpty(value).split(' ').filter(Boolean);
}


/***/ }),

/***/ 4440:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   DI: () => (/* binding */ searchClients),
/* harmony export */   Hk: () => (/* binding */ getNamedClient),
/* harmony export */   UN: () => (/* binding */ mayBeOurs),
/* harmony export */   f7: () => (/* binding */ findRelated),
/* harmony export */   xx: () => (/* binding */ findExisting)
/* harmony export */ });
/* harmony import */ var _client_drift_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6788);
/* harmony import */ var _client_identity_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(2537);
/* harmony import */ var _client_marker_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(5425);
/* harmony import */ var _net_clock_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(801);
/* harmony import */ var _scalekit_types_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(179);
/* harmony import */ var _kept_clients_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6690);






/**
 * Finds the client that the plan starts from: by `client_id`, by the saved id, or else by the identity hash in the
 * ownership marker. With `lifetime: job` it finds none, because such a client is always new.
 * @param saved what is saved from an earlier run
 * @throws {Error} if `client_id` names a client that this step may not manage, or if a client with this step's identity
 *   hash has a claim that names another repository, or claims that cannot be read
 */
async function findExisting(scalekit, desired, saved) {
	const unsearched = { others: [], seenIds: undefined, startedAt: (0,_net_clock_js__WEBPACK_IMPORTED_MODULE_4__/* .clock */ .p)(), notices: [], warnings: [], saved };
	if (desired.marker.lifetime === 'job') return unsearched;
	const client = desired.client_id ? await getNamedClient(scalekit, desired) : undefined;
	if (client) return { ...unsearched, client };
	const notices = desired.client_id
		? [`There is no client ${desired.client_id} (client_id) in this organization; the search decides.`]
		: [];
	const hinted = desired.client_id ? undefined : await getHintedClient(scalekit, desired, saved?.client_id?.trim());
	// Only `replace` searches nevertheless, to name other clients for the same purpose.
	if (hinted && desired.on_existing !== 'replace') return { ...unsearched, client: hinted, notices };
	return { ...unsearched, ...(await search(scalekit, desired, hinted)), notices };
}
/** Searches the organization. @param hinted the client to continue with, if it is known */
async function search(scalekit, desired, hinted) {
	const { ours, kept, seenIds } = await searchClients(scalekit, desired);
	const [contradictory, warnings] = [kept.ids('contradictory'), kept.warnings()];
	if (contradictory.length > 0) throw new Error((0,_kept_clients_js__WEBPACK_IMPORTED_MODULE_3__/* .keptText */ .GD)('contradictory', contradictory));
	const [first, ...others] = ours;
	// Every client has a secret. If the list shows none, it leaves secrets out, so read the client itself.
	const reread = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
	const oldest = reread ? (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .withMarker */ .Pe)(reread.parse()) : first;
	const ids = (hinted ? ours : others).map(({ client_id }) => client_id).filter((id) => id !== hinted?.client_id);
	(0,_kept_clients_js__WEBPACK_IMPORTED_MODULE_3__/* .logOmitted */ .Jg)('Other clients for the same purpose', ids);
	return { client: hinted ?? oldest, others: ids, seenIds, warnings };
}
/**
 * Reads the client whose id is saved.
 * @returns undefined if it does not exist, or does not have our identity hash
 * @throws {Error} if one of its claims names another repository
 */
async function getHintedClient(scalekit, { marker, identity }, id) {
	if (!id || !_scalekit_types_js__WEBPACK_IMPORTED_MODULE_2__/* .CLIENT_ID */ .U6.test(id)) return undefined;
	const hinted = await scalekit.getClient(id);
	if (!hinted || (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_5__/* .parseMarker */ .gY)(hinted.description)?.key !== marker.key) return undefined;
	const client = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .withMarker */ .Pe)(hinted.parse());
	if ((0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .namesOtherRepository */ .HI)(client, identity)) throw new Error((0,_kept_clients_js__WEBPACK_IMPORTED_MODULE_3__/* .keptText */ .GD)('contradictory', [id]));
	return client;
}
/**
 * Reads the client that the input `client_id` names.
 * @returns undefined if there is no such client
 * @throws {Error} if this step may not manage it
 */
async function getNamedClient(scalekit, { client_id, identity, marker }) {
	const named = await scalekit.getClient(client_id);
	if (!named) return undefined;
	const client = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .withMarker */ .Pe)(named.parse());
	const why = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .reasonNotManageable */ .lY)(client, identity, marker);
	if (why) throw new Error(`Client ${client_id} is not managed by this step: ${why}.`);
	return client;
}
/** Reads the whole list of clients. */
async function searchClients(scalekit, query) {
	const [seenIds, unmarkedIds] = [new Set(), new Set()];
	const { ours, kept } = await findRelated(scalekit, mayBeOurs(query), (client) => {
		const { client_id, description, parse } = client;
		seenIds.add(client_id);
		if (description !== undefined && (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_5__/* .parseMarkers */ .FT)(description).length === 0) unmarkedIds.add(client_id);
		const relation = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .relationOf */ .Ke)(client, query);
		return relation === 'ours' ? (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .withMarker */ .Pe)(parse()) : relation;
	});
	return { ours: ours.sort(_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .oldestFirst */ .sZ), kept, seenIds, unmarkedIds };
}
/**
 * Reads the whole list of clients.
 * @param isCandidate as for listDescribed()
 * @param judge returns what is needed of a client that is ours, and what any other client is
 */
async function findRelated(scalekit, isCandidate, judge) {
	// By id: if the list changes while it is read, two pages may show the same client.
	const ours = new Map();
	const kept = new _kept_clients_js__WEBPACK_IMPORTED_MODULE_3__/* .KeptClients */ .Jr();
	for await (const client of listDescribed(scalekit, isCandidate)) {
		const judged = judge(client);
		if (typeof judged === 'object') ours.set(client.client_id, judged);
		else if (judged !== 'unrelated') kept.add(judged, client.client_id);
	}
	return { ours: [...ours.values()], kept };
}
/**
 * Yields every client of the organization. An entry of the list without a description says nothing about its owner, so
 * such a client is read by its id if it is a candidate by its other fields.
 */
async function* listDescribed(scalekit, isCandidate) {
	for await (const client of scalekit.listClients()) {
		const parsed = client.description ? undefined : (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .parseOrUndefined */ .x9)(client.parse);
		const read = parsed && isCandidate(parsed) ? await scalekit.getClient(client.client_id) : undefined;
		yield read ?? client;
	}
}
/** Returns the test whether a client may be the one that a query is for, by its name or its claims. */
function mayBeOurs({ identity, fields }) {
	return (client) => isNameOf(client.name, fields.name) || (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_1__/* .claimsNameRepository */ .Ts)(client, identity) === true;
}
/** Returns whether this action may have given this name, with what it adds if a name is taken. */
function isNameOf(name, wanted) {
	const nonce = / #([\w-]{6})$/.exec(name)?.[1];
	return name === wanted || (nonce !== undefined && name === (0,_client_drift_js__WEBPACK_IMPORTED_MODULE_0__/* .nameWithNonce */ .Pv)(wanted, nonce));
}


/***/ }),

/***/ 6690:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   GD: () => (/* binding */ keptText),
/* harmony export */   Jg: () => (/* binding */ logOmitted),
/* harmony export */   Jr: () => (/* binding */ KeptClients)
/* harmony export */ });
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1083);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4938);


/** What such clients are, and what the user can do about them, in the order of the warnings. */
const TEXTS = {
	contradictory: {
		what: 'Clients whose claim github_repository_id contradicts their ownership marker, or whose claims cannot be read',
		advice: 'They may be copies. Delete them by hand, or remove the marker from their descriptions.',
	},
	copy: {
		what: 'Clients that were created more than an hour after another client with the same ownership marker',
		advice: 'They are copies. Delete them by hand, or remove the marker from their descriptions.',
	},
	'look-alike': {
		what: "Clients with this repository's claims and no ownership marker",
		advice:
			'They were created by hand, or their description was changed. The main action takes one over if client_id names it.',
	},
	disputed: {
		what: 'Clients with several different ownership markers',
		advice: 'Remove the wrong markers from their descriptions.',
	},
};
/** The clients in a list that may be ours, and that are neither changed nor deleted. */
class KeptClients {
	// By id: if the list changes while it is read, two pages may show the same client.
	#reasons = new Map();
	add(reason, client_id) {
		this.#reasons.set(client_id, reason);
	}
	has(client_id) {
		return this.#reasons.has(client_id);
	}
	/** Returns the ids of the clients that are kept for this reason. */
	ids(reason) {
		return [...this.#reasons].flatMap(([id, ofClient]) => (ofClient === reason ? [id] : []));
	}
	/** Returns a text for each reason, and logs all ids if a text leaves some out. */
	warnings() {
		return Object.keys(TEXTS).flatMap((reason) => {
			const ids = this.ids(reason);
			logOmitted(TEXTS[reason].what, ids);
			return ids.length > 0 ? [keptText(reason, ids)] : [];
		});
	}
}
/** Returns the text about clients that are kept for a reason. */
function keptText(reason, ids) {
	const { what, advice } = TEXTS[reason];
	return `${what}: ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .listed */ .KE)(ids)}. They are neither changed nor deleted. ${advice}`;
}
/** Logs all ids if a message lists only the first ones. */
function logOmitted(what, ids) {
	const all = ids.join(', ');
	if ((0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .listed */ .KE)(ids) !== all) _output_log_js__WEBPACK_IMPORTED_MODULE_0__/* .info */ .pq(`${what}: ${all}.`);
}


/***/ }),

/***/ 4966:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  u: () => (/* binding */ resolveTarget)
});

// EXTERNAL MODULE: ./build/client/faults.js
var client_faults = __webpack_require__(4202);
// EXTERNAL MODULE: ./build/client/target.js
var client_target = __webpack_require__(6822);
// EXTERNAL MODULE: ./build/github/api.js + 1 modules
var api = __webpack_require__(5302);
// EXTERNAL MODULE: ./build/net/api-error.js
var api_error = __webpack_require__(1308);
// EXTERNAL MODULE: ./build/net/json.js
var json = __webpack_require__(7661);
// EXTERNAL MODULE: ./build/net/network-error.js
var network_error = __webpack_require__(8518);
// EXTERNAL MODULE: ./build/net/url.js
var net_url = __webpack_require__(1146);
// EXTERNAL MODULE: ./build/output/mask.js
var mask = __webpack_require__(549);
// EXTERNAL MODULE: ./build/github/runner.js
var runner = __webpack_require__(8801);
;// CONCATENATED MODULE: ./build/github/id-token.js






// Requests the ID token. client/target.ts decides what its claims mean, such as which environment the client is for.
/** Completes "Could not …". */
const OPERATION = "get GitHub's ID token";
const REMEDY =
	'The job needs permissions with id-token: write, and GitHub has to answer. Without that permission the claims come from the runner.';
/**
 * Requests the job's ID token from GitHub, and masks it.
 * @returns its claims
 * @throws {Error} synchronously, before a request is sent, if the runner's variables are invalid
 * @throws {ApiError} asynchronously, if the request fails
 */
function getIdToken(transport, env) {
	const token = env[runner/* ID_TOKEN_TOKEN */._e]?.trim() ?? '';
	(0,mask/* maskToken */.gg)(token);
	if (!(0,mask/* isMaskable */.h_)(token)) throw new Error(`Could not ${OPERATION}: ${runner/* ID_TOKEN_TOKEN */._e} holds no token. ${REMEDY}`);
	const url = (0,net_url/* parseUrl */.D)(env[runner/* ID_TOKEN_URL */.e_] ?? '');
	if (!url || !(0,net_url/* mayReceiveSecrets */.m)(url))
		throw new Error(`Could not ${OPERATION}: ${runner/* ID_TOKEN_URL */.e_} is no https address. ${REMEDY}`);
	return requestToken(transport, url, token);
}
async function requestToken(transport, url, token) {
	let response;
	try {
		const headers = { authorization: `Bearer ${token}` };
		response = await transport.send({ method: 'GET', url, headers, repeatable: true });
	} catch (error) {
		throw error instanceof network_error/* NetworkError */.D ? (0,api_error/* unansweredError */.$r)(OPERATION, error, runner/* ID_TOKEN_URL */.e_, REMEDY) : error;
	}
	const { status, body } = response;
	if (status >= 300 && status < 400) throw (0,api_error/* refusedError */.bG)(OPERATION, response, [], (0,api_error/* redirectAdvice */.R2)(response, REMEDY));
	if (status < 200 || status > 299) {
		// The form of this endpoint's errors is not documented, so both causes are named.
		const advice = [(0,api_error/* interceptedAdvice */.G0)(response, runner/* ID_TOKEN_URL */.e_), REMEDY].filter(Boolean).join(' ');
		throw (0,api_error/* refusedError */.bG)(OPERATION, response, [], advice);
	}
	try {
		const value = (0,json/* stringField */.OM)((0,json/* parseJsonObject */.dw)(body), 'value').trim();
		(0,mask/* maskToken */.gg)(value);
		if (value && !(0,mask/* isMaskable */.h_)(value)) throw new json/* InvalidResponseError */.tF(`the token is not ${mask/* MASKABLE_FORMAT */.Xt}`);
		const payload = (0,json/* decodeJwtPayload */.Kd)(value);
		if (!payload) throw new json/* InvalidResponseError */.tF('it holds no ID token');
		return payload;
	} catch (error) {
		throw error instanceof json/* InvalidResponseError */.tF
			? (0,api_error/* invalidResponseError */.Le)(OPERATION, response, error.message, REMEDY)
			: error;
	}
}

// EXTERNAL MODULE: ./build/inputs/specs.js + 3 modules
var specs = __webpack_require__(9843);
// EXTERNAL MODULE: ./build/output/log.js + 1 modules
var log = __webpack_require__(1083);
// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(4938);
;// CONCATENATED MODULE: ./build/steps/resolve-target.js







/**
 * Resolves the repository and the environment that the client is for, and what is known about them.
 * @returns a promise. It rejects if the target cannot be determined or if two sources disagree about it
 * @throws {Error} synchronously, before any request is sent, if the variables of the ID token cannot be used
 */
function resolveTarget(inputs, transport, env) {
	return requestTarget(inputs, transport, env).then((target) => {
		log/* info */.pq(SOURCE_TEXTS[target.source](target));
		if (target.asserted) log/* info */.pq(`The environment ${(0,output_text/* quote */.hD)(target.environment)} is asserted: only the input names it.`);
		return target;
	});
}
/** Where the claims come from, as the log says it. */
const SOURCE_TEXTS = {
	token: () => "Claims about the repository come from GitHub's ID token.",
	runner: () =>
		"Claims about the repository come from the runner's variables, because the job has no ID token: that needs permissions with id-token: write, and a runner that offers one.",
	api: ({ repository }) => `Claims about ${repository} come from GitHub's API.`,
};
function requestTarget(inputs, transport, env) {
	const { source, runner, repository, environment, github } = inputs;
	if (source === 'api' && github)
		return new api/* GitHub */.g(transport, github).getRepository(repository, (answer) => (0,client_target/* targetFromApi */.oN)(answer, environment));
	const fromRunner = (0,client_target/* targetFromRunner */._B)(runner, env, environment);
	if (source === 'runner') return Promise.resolve(fromRunner);
	return getIdToken(transport, env).then((payload) => {
		const faults = new client_faults/* Faults */.C(specs/* INPUT_ORDER */.ov);
		const target = (0,client_target/* targetFromIdToken */._l)(payload, fromRunner, (input) => faults.report(input));
		faults.finish();
		return target;
	});
}


/***/ }),

/***/ 1055:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   JH: () => (/* binding */ manualSecretCall),
/* harmony export */   JX: () => (/* binding */ manualSavedCalls),
/* harmony export */   Z6: () => (/* binding */ waysToMakeRoom),
/* harmony export */   Zw: () => (/* binding */ possibleLeftover),
/* harmony export */   cA: () => (/* binding */ mayStayUpdated),
/* harmony export */   ch: () => (/* binding */ manualVariableCalls),
/* harmony export */   iX: () => (/* binding */ whereToLook),
/* harmony export */   jy: () => (/* binding */ manualCall),
/* harmony export */   mw: () => (/* binding */ manualCalls),
/* harmony export */   s3: () => (/* binding */ manualClientCall)
/* harmony export */ });
/* harmony import */ var _github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2447);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4938);


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
/** Returns the sentence with the call that removes something. */
function manualCall(url) {
	return `To remove it by hand: DELETE ${url}`;
}
/** Returns the sentence with the call that removes the pending client. */
function manualClientCall(scalekit, { client, nonce }) {
	if (client?.id) return manualCall(scalekit.clientUrl(client.id));
	const list = scalekit.clientUrl();
	return `To remove it by hand, find the client that GET ${list} shows with "nonce:${nonce}" in its description; then DELETE ${list}/ID`;
}
/** Returns the sentence with the call that removes the pending secret. */
function manualSecretCall(scalekit, { client_id, id }) {
	if (id) return manualCall(scalekit.clientUrl(client_id, 'secrets', id));
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
	const url = (0,_github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_0__/* .entryUrl */ .YV)(api, location, `variables/${name}`);
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
	return paths.map((path) => `DELETE ${(0,_github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_0__/* .entryUrl */ .YV)(api, location, path)}`).join('; ');
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
		: `look under ${list} for "nonce:${nonce}"`;
	const how = known.join('; ') || search;
	const { id_variable, state_variable } = variables?.location ?? {};
	const more = variables ? ` Check the variables ${id_variable} and ${state_variable}.` : '';
	return `To remove it by hand, if it is yours: ${how}.${more}`;
}
/** Returns the sentence about a secret that a request with an unknown outcome, or another run, may have added. */
function possibleLeftover(scalekit, pending, id) {
	return `Secret ${id} of client ${pending.client_id} may be left over from a request whose answer was lost, or it may be another run's. A later rotation retires it. ${manualSecretCall(scalekit, { ...pending, id })}`;
}
/** Returns the sentence about what makes room for another secret. @param ids ids of the client's secrets */
function waysToMakeRoom(scalekit, client_id, ids) {
	const replace = 'Use on_existing: replace, which creates a new client and then deletes this one';
	// The API refuses to delete the only secret of a client.
	if (ids.length < 2) return `${replace}.`;
	const url = scalekit.clientUrl(client_id, 'secrets');
	return `${replace}, or delete an unused secret by hand: DELETE ${url}/ID, where ID is one of ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .listed */ .KE)(ids)}.`;
}
/** Returns the sentence about an update that was not, or not provably, undone. */
function mayStayUpdated({ before, fields }) {
	return `Client ${before.client_id} may still have updated fields: ${Object.keys(fields).join(', ')}.`;
}


/***/ }),

/***/ 5456:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   DU: () => (/* binding */ LATE_CREATE_WINDOW),
/* harmony export */   Lf: () => (/* binding */ deleteMarkedClient),
/* harmony export */   Ng: () => (/* binding */ newSecretIds),
/* harmony export */   c7: () => (/* binding */ throwFailures),
/* harmony export */   m5: () => (/* binding */ findOwnClients),
/* harmony export */   nY: () => (/* binding */ cleanUp),
/* harmony export */   o6: () => (/* binding */ removeClientOrOwnSecrets)
/* harmony export */ });
/* harmony import */ var _client_identity_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2537);
/* harmony import */ var _client_marker_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(5425);
/* harmony import */ var _net_clock_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(801);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1083);
/* harmony import */ var _scalekit_api_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2582);
/* harmony import */ var _scalekit_types_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(179);
/* harmony import */ var _by_hand_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(1055);







/** Milliseconds after a create request was sent in which the server may still carry it out, although main has ended. */
const LATE_CREATE_WINDOW = 15_000;
/** Milliseconds between two searches for a client that may still appear. */
const POLL_INTERVAL = 1_000;
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
	const until = Math.min(sent_at, Date.now()) + (id ? _scalekit_api_js__WEBPACK_IMPORTED_MODULE_2__/* .CREATION_LAG */ .h : createWindow);
	const [removed, remaining] = [[], []];
	try {
		const own = await waitForOwnClients(scalekit, state, until);
		for (const client of own) {
			const { what, isKept } = await removeClientOrOwnSecrets(scalekit, state, client);
			if (what) removed.push(what);
			// Other runs use the client, so it is not left over. But if an outcome is unknown, its secrets may be this step's.
			if (isKept && (secret_outcome_unknown || mayHaveUnknownSecret(state, client.client_id)))
				remaining.push(
					`Client ${client.client_id} may be left over. Remove it only if no other run uses it. ${(0,_by_hand_js__WEBPACK_IMPORTED_MODULE_4__/* .manualClientCall */ .s3)(scalekit, state)}`,
				);
		}
		return { removed, notFound: own.length === 0, remaining };
	} catch (error) {
		const what = `A client of this step may be left over: ${_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .message */ .iU(error)}`;
		remaining.push(`${what} ${(0,_by_hand_js__WEBPACK_IMPORTED_MODULE_4__/* .manualClientCall */ .s3)(scalekit, state)}`);
		return { removed, notFound: false, remaining };
	}
}
/** Finds the clients that this step created. Searches until one appears, or until a time in milliseconds since the epoch. */
async function waitForOwnClients(scalekit, state, until) {
	for (;;) {
		const own = await findOwnClients(scalekit, state);
		if (own.length > 0 || Date.now() > until) return own;
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
		if (!client) return NOTHING;
		if ((0,_client_marker_js__WEBPACK_IMPORTED_MODULE_5__/* .parseMarker */ .gY)(client.description)?.nonce !== nonce)
			throw new Error(`client ${client_id} is not the one that main read, by its description.`);
		const possibleIds = id && !outcome_unknown ? [] : newSecretIds(client.parse(), [...known_ids, id]);
		const wasDeleted = id !== undefined && (await deleteSecretUntilGone(scalekit, client_id, id));
		const remaining = possibleIds.map((possible) => (0,_by_hand_js__WEBPACK_IMPORTED_MODULE_4__/* .possibleLeftover */ .Zw)(scalekit, pending, possible));
		// Waiting longer would not help: unlike a client, a late secret cannot be distinguished from another run's.
		if (!id && possibleIds.length === 0)
			remaining.push(
				`Could not determine whether a secret was added to client ${client_id}: it shows none, and the server may finish late. A later rotation retires it. ${(0,_by_hand_js__WEBPACK_IMPORTED_MODULE_4__/* .manualSecretCall */ .JH)(scalekit, pending)}`,
			);
		return { removed: wasDeleted ? [`secret ${id} of client ${client_id}`] : [], notFound: false, remaining };
	} catch (error) {
		const what = `A secret of this step on client ${client_id} may be left over: ${_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .message */ .iU(error)}`;
		return { ...NOTHING, remaining: [`${what} ${(0,_by_hand_js__WEBPACK_IMPORTED_MODULE_4__/* .manualSecretCall */ .JH)(scalekit, pending)}`] };
	}
}
/**
 * Finds the clients that this step created: by id or, if the id is unknown or the request was sent several times, by nonce.
 * @throws {Error} if the client with that id is another run's
 */
async function findOwnClients(scalekit, state) {
	const { id, sent_again } = state.client ?? {};
	const named = id ? await scalekit.getClient(id) : undefined;
	const own = named && isOwnClient(named, state) ? [named] : [];
	if (id && !sent_again && (own.length > 0 || !named)) return own;
	for await (const client of scalekit.listClients()) {
		if ((0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .isFromThisStep */ .Lk)(client, state) && !own.some(({ client_id }) => client_id === client.client_id)) own.push(client);
	}
	if (own.length === 0 && named)
		throw new Error(`client ${id} is not this step's, by its description. Remove it only if it is yours.`);
	return own;
}
/** Returns whether this step created a client, by its ownership marker or, if it shows none, by the response to the create. */
function isOwnClient(client, state) {
	const isUnmarked = (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_5__/* .parseMarkers */ .FT)(client.description).length === 0;
	return (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .isFromThisStep */ .Lk)(client, state) || (isUnmarked && state.client?.is_proven === true);
}
/**
 * Deletes a client that this step created. If it has secrets of other runs, deletes only this step's secrets.
 * @returns what was removed, empty if nothing was, and whether the client is kept
 */
async function removeClientOrOwnSecrets(scalekit, state, client) {
	const { client_id } = client;
	if (state.lifetime === 'persistent') {
		// Other runs add no secret to a client that they cannot read.
		const secrets = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .parseOrUndefined */ .x9)(client.parse)?.secrets ?? [];
		const recorded = state.client?.id === client_id ? state.client.secret_ids : undefined;
		// The oldest secret of a client was created with it.
		const ownIds = recorded ?? [[...secrets].sort(_scalekit_types_js__WEBPACK_IMPORTED_MODULE_3__/* .byCreateTime */ .lG)[0]?.id, state.secret?.id];
		const own = secrets.filter(({ id }) => ownIds.includes(id));
		if (own.length < secrets.length) {
			for (const { id } of own) await deleteSecretUntilGone(scalekit, client_id, id);
			const ids = own.map(({ id }) => id).join(' and ');
			const why = "the client is not deleted, since it has secrets that are not known to be this step's";
			return { what: ids && `secret ${ids} of client ${client_id} (${why})`, isKept: true };
		}
	}
	await deleteClientUntilGone(scalekit, client_id);
	return { what: `client ${client_id}`, isKept: false };
}
/** Returns the ids of a client's secrets that are not among `known`. */
function newSecretIds({ secrets }, known) {
	return secrets.map(({ id }) => id).filter((id) => !known.includes(id));
}
/** Re-reads a client and deletes it. Does not delete it if its ownership marker has changed, or if its claims contradict that. */
async function deleteMarkedClient(scalekit, client) {
	const { client_id } = client;
	try {
		if (!client.justRead && (await isChanged(scalekit, client)))
			return { remaining: `Client ${client_id} is not deleted: its description or its claims have changed.` };
		return (await deleteClientUntilGone(scalekit, client_id)) ? 'deleted' : 'already deleted';
	} catch (error) {
		const call = (0,_by_hand_js__WEBPACK_IMPORTED_MODULE_4__/* .manualCall */ .jy)(scalekit.clientUrl(client_id));
		return { remaining: `Client ${client_id} is left over: ${_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .message */ .iU(error)} ${call}` };
	}
}
/**
 * Returns whether the ownership marker of a client has changed, or whether its claims contradict it. A list may leave claims
 * out. A client that does not exist has not changed.
 */
async function isChanged(scalekit, { client_id, marker }) {
	const now = await scalekit.getClient(client_id);
	if (!now) return false;
	const current = (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_5__/* .parseMarker */ .gY)(now.description);
	const isSame = current && (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_5__/* .formatMarker */ .gJ)(current) === (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_5__/* .formatMarker */ .gJ)(marker);
	return !isSame || !now.custom_claims || (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .contradictsItself */ .AM)({ custom_claims: now.custom_claims }, current);
}
/** @throws {Error} that names all failures, each once, unless there are none */
function throwFailures(failures) {
	if (failures.length > 0) throw new Error([...new Set(failures)].join('\n'));
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
	for (const until = (0,_net_clock_js__WEBPACK_IMPORTED_MODULE_6__/* .clock */ .p)() + _scalekit_api_js__WEBPACK_IMPORTED_MODULE_2__/* .CREATION_LAG */ .h; !(await remove()); ) {
		if (!(await isShown())) return false;
		if ((0,_net_clock_js__WEBPACK_IMPORTED_MODULE_6__/* .clock */ .p)() > until) throw new Error('the API shows it, but answers that it does not exist.');
		await scalekit.transport.pause(POLL_INTERVAL);
	}
	return true;
}


/***/ }),

/***/ 808:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   s: () => (/* binding */ restoreVariables),
/* harmony export */   v: () => (/* binding */ variablesNotRestored)
/* harmony export */ });
/* harmony import */ var _net_outcome_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6299);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1083);
/* harmony import */ var _by_hand_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1055);



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
		if (value === undefined) await savedCredentials.deleteVariable(name);
		else (0,_net_outcome_js__WEBPACK_IMPORTED_MODULE_2__/* .unwrap */ .oA)(await savedCredentials.setVariable(name, value, true));
		done.push(`Restored variable ${name} of ${savedCredentials.name}.`);
	};
	try {
		const now = await savedCredentials.read();
		if (now.secretTime !== undefined && now.secretTime !== before.secretTime)
			return { done, remaining: [], canRetry: false };
		if (now.client_id === written.client_id && before.client_id !== written.client_id)
			await putBack(id_variable, before.client_id);
		if (now.state === written.state) await putBack(state_variable, before.state);
		const isOthers = now.state !== written.state && now.state !== before.state;
		const note = `Not restored: variable ${state_variable} of ${savedCredentials.name}. It was changed since, so another run may have saved its credentials there.`;
		return { done, remaining: isOthers ? [note] : [], canRetry: false };
	} catch (error) {
		return { done, remaining: [variablesNotRestored(pending, (0,_output_log_js__WEBPACK_IMPORTED_MODULE_0__/* .message */ .iU)(error))], canRetry: true };
	}
}
/** Returns the sentence about variables that were not restored, with the calls that do it by hand. */
function variablesNotRestored(pending, why) {
	const { id_variable, state_variable } = pending.location;
	const what = `Variables ${id_variable} and ${state_variable} may not have their former values`;
	return `${what}: ${why.replace(/\.$/, '')}. ${(0,_by_hand_js__WEBPACK_IMPORTED_MODULE_1__/* .manualVariableCalls */ .ch)(pending)}`;
}


/***/ })

};
;