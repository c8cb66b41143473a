"use strict";
exports.id = 481;
exports.ids = [481];
exports.modules = {

/***/ 2144:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony import */ var _inputs_inputs_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(204);
/* harmony import */ var _output_exit_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9261);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1083);



(0,_output_exit_js__WEBPACK_IMPORTED_MODULE_2__/* .runEntry */ .C)(
	async () => {
		const inputs = (0,_inputs_inputs_js__WEBPACK_IMPORTED_MODULE_0__/* .readAuditInputs */ .hy)(process.env);
		const { auditClients } = await Promise.all(/* import() | removal */[__webpack_require__.e(269), __webpack_require__.e(597)]).then(__webpack_require__.bind(__webpack_require__, 96));
		await auditClients(inputs);
	},
	_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .fail */ .fJ,
	1,
);


/***/ }),

/***/ 4866:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   f: () => (/* binding */ deriveClaims),
/* harmony export */   t: () => (/* binding */ checkClaimNames)
/* harmony export */ });
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4938);
/* harmony import */ var _target_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6822);


// Which claims the client has. client/target.ts determines their values.
/** Claims that differ from run to run. A client that outlives its run cannot have them. */
const PER_RUN = new Set(
	['sha', 'ref', 'ref_type', 'run_id', 'run_attempt', 'actor', 'actor_id', 'event_name', 'workflow_ref'].map(
		(name) => `github_${name}`,
	),
);
/** The claims to derive if `repository_claims` is not given. Those without a value are omitted. */
const DEFAULT_CLAIMS = ['github_repository', 'github_repository_id', 'environment'];
/** The claims that GitHub's API may return for any repository, apart from custom properties. */
const KNOWN_TO_API = /^(environment|github_repository(_id|_owner|_owner_id|_visibility)?)$/;
/** Where else the environment may come from. */
const OTHER_SOURCE = {
	runner: ', or permissions with id-token: write in a job that has an environment',
	token: ', or a job that has an environment',
	api: '',
};
const EXPECTED_KNOWN = 'expected a claim that is known here';
/**
 * Reports every problem of `repository_claims` that does not depend on the target: `none` beside other names, unknown
 * names, claims of one run for a persistent client, and claims that this source never knows. It can run before any
 * request is sent. `deriveClaims` reports the same problems.
 * @param requested claim names, or `none`. Undefined if the input was not given
 */
function checkClaimNames(requested, { source, environment }, lifetime, report) {
	// Only the input names the environment of another repository.
	const isMissing = (name) => name === 'environment' && source === 'api' && !environment;
	const problemOf = (name) =>
		nameProblem(name, source, lifetime) ?? (isMissing(name) ? missingProblem(name, source) : undefined);
	reportEach(requested, problemOf, report);
}
/**
 * Derives the claims of the client from the inputs and the target. Reports every problem of `repository_claims`, among
 * them requested claims without a value, in the order of the names. Then it reports every custom claim that contradicts
 * a derived one.
 * @returns the derived claims, in the order of the names, then the custom claims with other keys
 */
function deriveClaims({ repository_claims, custom_claims, lifetime }, target, report) {
	const derived = claimsOf(target, repository_claims ?? DEFAULT_CLAIMS);
	const values = new Map(derived.map(({ key, value }) => [key, value]));
	const problemOf = (name) =>
		nameProblem(name, target.source, lifetime) ?? (values.has(name) ? undefined : missingProblem(name, target.source));
	reportEach(repository_claims, problemOf, report('repository_claims'));
	reportContradictions(custom_claims, values, report('custom_claims'));
	return [...derived, ...custom_claims.filter(({ key }) => !values.has(key))];
}
/** Reports `none` beside other names, all unknown names, and then the problem of each other name, if it has one. */
function reportEach(requested = [], problemOf, report) {
	const names = requested.filter((name) => name !== 'none');
	if (requested.length > 1 && names.length < requested.length)
		report('got "none" beside others; expected "none" alone, or claims');
	reportUnknown(
		names.filter((name) => !(0,_target_js__WEBPACK_IMPORTED_MODULE_1__/* .isClaimName */ .qU)(name)),
		report,
	);
	for (const name of names.filter(_target_js__WEBPACK_IMPORTED_MODULE_1__/* .isClaimName */ .qU)) {
		const problem = problemOf(name);
		if (problem) report(problem);
	}
}
/** Reports names that are no claims. */
function reportUnknown(names, report) {
	if (names.length === 0) return;
	const meant = names.map((name) => `github_${name}`).filter(_target_js__WEBPACK_IMPORTED_MODULE_1__/* .isClaimName */ .qU);
	const hint = meant.length > 0 ? `. Did you mean ${meant.join(', ')}?` : '';
	report(
		`got ${names.map(_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .quote */ .hD).join(', ')}; expected ${_target_js__WEBPACK_IMPORTED_MODULE_1__/* .CLAIM_NAMES */ .mw.join(', ')}, github_repo_property_NAME, or none${hint}`,
	);
}
/** Returns why this claim cannot be derived from any target of this source. Returns undefined if it might be. */
function nameProblem(name, source, lifetime) {
	if (PER_RUN.has(name) && lifetime !== 'job')
		return `got ${name}, which changes from run to run; expected lifetime: job, because a persistent client cannot follow`;
	if (source === 'api' && !KNOWN_TO_API.test(name) && !_target_js__WEBPACK_IMPORTED_MODULE_1__/* .PROPERTY */ .sr.test(name))
		return `got ${name}, which describes a run and not another repository; ${EXPECTED_KNOWN}`;
	return undefined;
}
/** Returns the claims with these names that have a value, in the order of the names. */
function claimsOf(target, names) {
	return names.flatMap((key) => {
		const value = key === 'environment' ? target.environment : (0,_target_js__WEBPACK_IMPORTED_MODULE_1__/* .isClaimName */ .qU)(key) && target.claims[key];
		return value ? [{ key, value }] : [];
	});
}
/** Returns the problem of a requested claim without a value: why it has none, and what to do about it. */
function missingProblem(name, source) {
	const got = `got ${name}, which`;
	if (name === 'environment') return `${got} is not known; expected the input environment${OTHER_SOURCE[source]}`;
	if (source === 'api') return `${got} GitHub's API does not return for that repository; ${EXPECTED_KNOWN}`;
	if (source === 'token') return `${got} this job's ID token does not contain; ${EXPECTED_KNOWN}`;
	if (_target_js__WEBPACK_IMPORTED_MODULE_1__/* .VARIABLES */ .ut[name]) return `${got} this runner does not provide. Remove it from repository_claims`;
	return `${got} only GitHub's ID token contains; expected permissions with id-token: write. If the job has that permission, this runner offers no ID token`;
}
/** Reports each custom claim that has the key of a derived claim and another value. */
function reportContradictions(custom_claims, derived, report) {
	for (const { key, value } of custom_claims) {
		const derivedValue = derived.get(key);
		if (derivedValue !== undefined && derivedValue !== value) {
			report(
				`got ${key}=${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .quote */ .hD)(value)}, but repository_claims derives ${key}=${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_0__/* .quote */ .hD)(derivedValue)}; expected the same value, or a repository_claims without ${key}`,
			);
		}
	}
}


/***/ }),

/***/ 4202:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   C: () => (/* binding */ Faults)
/* harmony export */ });
/* unused harmony export InputError */
// How bad input is reported: all problems of all inputs are collected and thrown as one error. It is here and not in
// inputs/ because claims and targets report problems as well.
/** How many problems of an input precede those of the next one if there are so many that an annotation omits some. */
const MAX_FAULTS = 10;
/** How many problems an annotation has room for, even if they are long. */
const MAX_SHOWN = 25;
/** Lists every bad input: what was given, what is accepted and, if known, why. */
class InputError extends Error {
	name = 'InputError';
	/** @param faults the problems of each input. If there are many, the first ten of each come first */
	constructor(faults) {
		const few = faults.flat().length <= MAX_SHOWN;
		const first = faults.flatMap((ofInput) => (few ? ofInput : ofInput.slice(0, MAX_FAULTS)));
		const all = [...first, ...faults.flatMap((ofInput) => (few ? [] : ofInput.slice(MAX_FAULTS)))];
		const list = [`${all.length} bad inputs:`, ...all.map((text) => `- ${text}`)];
		super(all.length === 1 ? `Bad input: ${all[0]}` : list.join('\n'));
	}
}
/** Collects the problems of all inputs. */
class Faults {
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
	 * @throws {InputError}
	 */
	finish() {
		const rank = (input) => (this.#order.includes(input) ? this.#order.indexOf(input) : this.#order.length);
		const sorted = [...this.#faults].sort(([one], [other]) => rank(one) - rank(other));
		if (sorted.length > 0) throw new InputError(sorted.map(([, faults]) => faults));
	}
}


/***/ }),

/***/ 5425:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   CV: () => (/* binding */ MAX_DESCRIPTION_TEXT),
/* harmony export */   FT: () => (/* binding */ parseMarkers),
/* harmony export */   TH: () => (/* binding */ foldText),
/* harmony export */   b6: () => (/* binding */ textOf),
/* harmony export */   gJ: () => (/* binding */ formatMarker),
/* harmony export */   gY: () => (/* binding */ parseMarker),
/* harmony export */   zi: () => (/* binding */ appendMarker)
/* harmony export */ });
// The ownership marker: the part of a client's description by which this action recognizes its own clients. Scalekit has
// no metadata, no unique names and no search. People and servers change descriptions: they append lines, trim, fold line
// breaks and escape HTML. So a marker is recognized anywhere in a description, with any white space between its fields.
/**
 * Characters of a description in addition to the ownership marker and the line break before it. Scalekit takes 512, and the
 * longest marker has 161.
 */
const MAX_DESCRIPTION_TEXT = 340;
const MARKER =
	/\[scalekit-organization-client\s+v1\s+key:(?<key>[\w-]{16})\s+repo:(?<repo>[\w-]{1,16})\s+by:(?<by>[\w-]{1,16})\s+run:(?<run>\d{1,12}\.\d{1,4})\s+lifetime:(?<lifetime>persistent|job)\s+nonce:(?<nonce>[\w-]{16})\s*\]/g;
/** Returns the ownership marker as one line of text. */
function formatMarker({ key, repo, by, run, lifetime, nonce }) {
	return `[scalekit-organization-client v1 key:${key} repo:${repo} by:${by} run:${run} lifetime:${lifetime} nonce:${nonce}]`;
}
/** Returns the description to send: the text, and the ownership marker as its last line. */
function appendMarker(descriptionText, marker) {
	return [descriptionText, formatMarker(marker)].filter(Boolean).join('\n');
}
/** Returns the different ownership markers in a description. A client with several of them belongs to no step. */
function parseMarkers(description = '') {
	const found = [...decodeEntities(description).matchAll(MARKER)].map(({ groups }) => groups);
	return [...new Map(found.map((marker) => [formatMarker(marker), marker])).values()];
}
/** Returns the ownership marker in a description. Undefined if there is none, or if there are several different ones. */
function parseMarker(description) {
	const [marker, ...others] = parseMarkers(description);
	return others.length === 0 ? marker : undefined;
}
/** Returns the text of a description: without markers, with HTML entities decoded, and cut so that a marker fits as well. */
function textOf(description = '') {
	const text = decodeEntities(description).replace(MARKER, '').trim();
	return [...text].slice(0, MAX_DESCRIPTION_TEXT).join('');
}
/** Returns a text in the form in which two of them are compared: HTML entities decoded, white space folded. */
function foldText(text) {
	return decodeEntities(text).replace(/\s+/g, ' ').trim();
}
function decodeEntities(text) {
	const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
	return text.replace(
		/&(?:#(?<decimal>\d{1,7})|#x(?<hex>[\da-f]{1,6})|(?<name>amp|lt|gt|quot|apos));/gi,
		(entity, decimal, hex, name) => {
			if (name) return named[name.toLowerCase()] ?? entity;
			const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
			return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
		},
	);
}


/***/ }),

/***/ 6822:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   _B: () => (/* binding */ targetFromRunner),
/* harmony export */   _l: () => (/* binding */ targetFromIdToken),
/* harmony export */   mw: () => (/* binding */ CLAIM_NAMES),
/* harmony export */   oN: () => (/* binding */ targetFromApi),
/* harmony export */   qU: () => (/* binding */ isClaimName),
/* harmony export */   sr: () => (/* binding */ PROPERTY),
/* harmony export */   ut: () => (/* binding */ VARIABLES)
/* harmony export */ });
/* harmony import */ var _github_runner_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8801);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4938);


/** Claims about the repository and its run, by their key in the client's token, and the runner's variable for each. */
const VARIABLES = {
	github_repository: 'GITHUB_REPOSITORY',
	github_repository_id: 'GITHUB_REPOSITORY_ID',
	github_repository_owner: 'GITHUB_REPOSITORY_OWNER',
	github_repository_owner_id: 'GITHUB_REPOSITORY_OWNER_ID',
	github_repository_visibility: undefined,
	github_ref: 'GITHUB_REF',
	github_ref_type: 'GITHUB_REF_TYPE',
	github_sha: 'GITHUB_SHA',
	github_workflow_ref: 'GITHUB_WORKFLOW_REF',
	github_job_workflow_ref: undefined,
	github_run_id: 'GITHUB_RUN_ID',
	github_run_attempt: 'GITHUB_RUN_ATTEMPT',
	github_actor: 'GITHUB_ACTOR',
	github_actor_id: 'GITHUB_ACTOR_ID',
	github_event_name: 'GITHUB_EVENT_NAME',
	github_runner_environment: 'RUNNER_ENVIRONMENT',
};
/** All claims that `repository_claims` may name, apart from custom properties. */
const CLAIM_NAMES = ['environment', ...Object.keys(VARIABLES)];
/** Claims for custom properties of the repository. An organization can add them to its ID tokens. */
const PROPERTY = /^github_repo_property_[\w$#-]{1,100}$/;
/** Claims of an ID token that identify the client. */
const IDENTIFYING = ['repository', 'repository_id', 'run_id', 'environment'];
/** Returns the target according to the runner's variables and the input `environment`. */
function targetFromRunner(runner, env, environment) {
	const claims = Object.entries(VARIABLES).map(([key, variable]) => [key, variable && env[variable]]);
	const { repository, repository_id } = runner;
	return {
		source: 'runner',
		repository,
		repository_id,
		environment,
		asserted: environment !== '',
		// readRunner() has validated the id.
		claims: { ...Object.fromEntries(claims), github_repository_id: repository_id },
	};
}
/**
 * Returns the target according to GitHub's ID token. The runner's target supplies what is missing in the token.
 * @param payload claims of the ID token
 * @param runner target from the runner's variables and the input `environment`
 * @param report receives unusable claims, and disagreements between the token, the runner and the input `environment`
 */
function targetFromIdToken(payload, runner, report) {
	const claims = { ...runner.claims, ...claimsFromPayload(payload, report("GitHub's ID token")) };
	reportDisagreements(claims, runner, report);
	const environment = claims.environment ?? '';
	return {
		source: 'token',
		repository: claims.github_repository ?? '',
		repository_id: (0,_github_runner_js__WEBPACK_IMPORTED_MODULE_0__/* .numericId */ .Vi)(claims.github_repository_id),
		environment: environment || runner.environment,
		asserted: environment === '' && runner.environment !== '',
		claims,
	};
}
/**
 * Returns the target according to GitHub's API, for a repository other than the workflow's own. The job's ID token
 * contains nothing about that repository.
 * @param response GitHub's description of the repository. The caller has checked that it is the requested one
 */
function targetFromApi(response, environment) {
	const owner = Object(response.owner);
	const properties = Object.entries(Object(response.custom_properties));
	const repository = claimText(response.full_name) ?? '';
	const repository_id = claimText(response.id);
	return {
		source: 'api',
		repository,
		repository_id,
		environment,
		asserted: environment !== '',
		claims: {
			github_repository: repository,
			github_repository_id: repository_id,
			github_repository_owner: claimText(owner.login),
			github_repository_owner_id: claimText(owner.id),
			github_repository_visibility: claimText(response.visibility),
			...Object.fromEntries(properties.map(([name, value]) => [`github_repo_property_${name}`, claimText(value)])),
		},
	};
}
/** Returns whether `repository_claims` may name this claim. */
function isClaimName(name) {
	return CLAIM_NAMES.includes(name) || PROPERTY.test(name);
}
/**
 * Returns the claims of an ID token by their key in the client's token. Reports claims that identify the client and are
 * not text, and a missing repository.
 */
function claimsFromPayload(payload, report) {
	const claims = {};
	for (const [name, value] of Object.entries(payload)) {
		const key = name === 'environment' ? name : `github_${name}`;
		if (!isClaimName(key) || value === null || value === '') continue;
		const text = claimText(value);
		if (text !== undefined) claims[key] = text;
		else if (IDENTIFYING.includes(name)) report(`has a claim ${name} that is not text; expected text`);
	}
	if (claims.github_repository === undefined) report('has no claim repository; expected one');
	return claims;
}
/** Reports every value of the ID token that differs, regardless of case, from the runner's or from the input. */
function reportDisagreements(claims, runner, report) {
	for (const name of ['repository', 'repository_id', 'run_id']) {
		const [tokenValue, runnerValue] = [claims[`github_${name}`], runner.claims[`github_${name}`]];
		if (tokenValue && runnerValue && tokenValue.toLowerCase() !== runnerValue.toLowerCase())
			report(`GITHUB_${name.toUpperCase()}`)(
				`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(runnerValue)}, but GitHub's ID token says ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(tokenValue)}; expected the same`,
			);
	}
	const { environment } = claims;
	if (environment && runner.environment && environment.toLowerCase() !== runner.environment.toLowerCase()) {
		report('environment')(
			`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(runner.environment)}, but GitHub's ID token says that the job's environment is ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(environment)}; expected the same, or none`,
		);
	}
}
/** Returns a string, number or boolean as well-formed text. Returns undefined for any other value. */
function claimText(value) {
	return ['string', 'number', 'boolean'].includes(typeof value) ? `${value}`.toWellFormed() : undefined;
}


/***/ }),

/***/ 6276:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony import */ var _inputs_inputs_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(204);
/* harmony import */ var _output_exit_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9261);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1083);



(0,_output_exit_js__WEBPACK_IMPORTED_MODULE_2__/* .runEntry */ .C)(
	async () => {
		const inputs = (0,_inputs_inputs_js__WEBPACK_IMPORTED_MODULE_0__/* .readDeleteInputs */ .jA)(process.env);
		const { deleteManagedClients } = await Promise.all(/* import() | removal */[__webpack_require__.e(269), __webpack_require__.e(597)]).then(__webpack_require__.bind(__webpack_require__, 4403));
		await deleteManagedClients(inputs);
	},
	_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .fail */ .fJ,
	1,
);


/***/ }),

/***/ 8801:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   So: () => (/* binding */ isForgeApi),
/* harmony export */   Vi: () => (/* binding */ numericId),
/* harmony export */   Vp: () => (/* binding */ runUrl),
/* harmony export */   _e: () => (/* binding */ ID_TOKEN_TOKEN),
/* harmony export */   cs: () => (/* binding */ mayHaveIdToken),
/* harmony export */   e_: () => (/* binding */ ID_TOKEN_URL),
/* harmony export */   fY: () => (/* binding */ readRunner)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);

/** Name of the variable with the URL from which a job gets its ID token. */
const ID_TOKEN_URL = 'ACTIONS_ID_TOKEN_REQUEST_URL';
/** Name of the variable with the bearer token for that URL. */
const ID_TOKEN_TOKEN = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
/** Reads the runner's data from its environment variables and its event file. */
function readRunner(env) {
	const event = readEvent(env.GITHUB_EVENT_PATH);
	return {
		repository: env.GITHUB_REPOSITORY ?? '',
		repository_id: numericId(env.GITHUB_REPOSITORY_ID),
		run: `${numericId(env.GITHUB_RUN_ID, 12) ?? '0'}.${numericId(env.GITHUB_RUN_ATTEMPT, 4) ?? '1'}`,
		api: env.GITHUB_API_URL || 'https://api.github.com',
		runUrl: runUrl(env),
		origin: runOrigin(env, event ?? {}),
		hasBadEvent: event === undefined,
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
/** Returns whether a URL of an API is that of Gitea or Forgejo. Both end in `/api/v1`. */
function isForgeApi(url) {
	return /\/api\/v1\/?$/.test(url);
}
/**
 * Returns the URL of the attempt of a run by the variables of its runner, or an empty string if a variable that it needs
 * is absent or odd. Gitea and Forgejo have other pages for it.
 */
function runUrl({
	GITHUB_API_URL: api = '',
	GITHUB_SERVER_URL: server = '',
	GITHUB_REPOSITORY: repository = '',
	GITHUB_RUN_ID: run,
	GITHUB_RUN_ATTEMPT: attempt = '1',
}) {
	const path = `/${repository}/actions/runs/${numericId(run)}/attempts/${numericId(attempt)}`;
	const isKnown = /^https?:\/\/[\w.:-]+\/?$/.test(server) && /^(\/[\w.-]+)+$/.test(path) && !path.includes('undefined');
	return isKnown && !isForgeApi(api) ? server.replace(/\/$/, '') + path : '';
}
/** Returns the origin of a run, by the payload of its event. */
function runOrigin(env, payload) {
	const [pullRequest, workflowRun] = [payload.pull_request, payload.workflow_run];
	// `repo` is null if the fork was deleted in the meantime.
	const head = pullRequest?.head ? pullRequest.head.repo : workflowRun?.head_repository;
	const isForeign = head !== undefined && head?.full_name !== env.GITHUB_REPOSITORY;
	// A run for one of these events gets the target repository's secrets, whoever wrote the code that triggered it.
	if (isForeign && /^(pull_request_target|workflow_run)$/.test(env.GITHUB_EVENT_NAME ?? '')) return 'untrusted';
	if (env.GITHUB_ACTOR === 'dependabot[bot]') return 'dependabot';
	return isForeign ? 'fork' : undefined;
}
/** Returns the event's payload, an empty one if there is no file, or undefined if it cannot be read or is not JSON. */
function readEvent(path) {
	if (!path || !(0,node_fs__WEBPACK_IMPORTED_MODULE_0__.existsSync)(path)) return {};
	try {
		return JSON.parse((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(path, 'utf8')) ?? {};
	} catch {
		return undefined;
	}
}


/***/ }),

/***/ 1809:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   L1: () => (/* binding */ readCredentials),
/* harmony export */   OW: () => (/* binding */ readTimeout),
/* harmony export */   br: () => (/* binding */ unsafeSetting),
/* harmony export */   d4: () => (/* binding */ checkProxy),
/* harmony export */   gh: () => (/* binding */ maskAll),
/* harmony export */   jo: () => (/* binding */ checkConnection),
/* harmony export */   nC: () => (/* binding */ readGitHubToken),
/* harmony export */   rW: () => (/* binding */ readUnmaskedCredentials),
/* harmony export */   sx: () => (/* binding */ checkGitHub)
/* harmony export */ });
/* harmony import */ var _net_proxy_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5927);
/* harmony import */ var _net_url_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(1146);
/* harmony import */ var _output_mask_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(549);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4938);
/* harmony import */ var _parse_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(9438);
/* harmony import */ var _reader_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(462);
/* harmony import */ var _specs_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(9843);







// The inputs that all actions share: how to reach Scalekit and GitHub, and with which credentials.
const UNTRUSTED =
	'Code from outside triggered this run, and the run has secrets. Do not check out, build or run that code in this job: it could take the credentials.';
/** Masks all credentials. Must run before anything is reported: a credential may have been pasted into a wrong input. */
function maskAll(env) {
	readCredentials(env);
	readGitHubToken();
}
/** Returns the environment's API credentials from the inputs or else from the variables, and masks the secret. */
function readCredentials(env) {
	const credentials = readUnmaskedCredentials(env);
	(0,_output_mask_js__WEBPACK_IMPORTED_MODULE_1__/* .maskSecret */ .$l)(credentials.client_secret, [credentials.client_id]);
	return credentials;
}
/** Returns what readCredentials() returns, without masking it. The caller must not print anything. */
function readUnmaskedCredentials(env) {
	const client_secret = (0,_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readSource */ .o$)('scalekit_client_secret', env).text;
	return { client_id: (0,_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readSource */ .o$)('scalekit_client_id', env).text, client_secret };
}
/** Returns `github_token` after masking it, or an empty string if it was not given. */
function readGitHubToken() {
	const token = (0,_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readInput */ .R5)('github_token');
	// git and actions/checkout send it after these names.
	(0,_output_mask_js__WEBPACK_IMPORTED_MODULE_1__/* .maskSecret */ .$l)(token, ['x-access-token', '']);
	return token;
}
/** Returns the seconds for the whole step and reports nothing. Without the input, or for a bad one, it returns 120. */
function readTimeout() {
	const { parse, fallback } = _specs_js__WEBPACK_IMPORTED_MODULE_5__/* .SPECS */ .ne.timeout;
	return parse((0,_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readInput */ .R5)('timeout'), () => {}) ?? fallback('main');
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
		runner,
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
	if (runner.hasBadEvent)
		reader.report('GITHUB_EVENT_PATH')('names a file that is not JSON; expected the event, as the runner writes it');
	const api = (0,_parse_js__WEBPACK_IMPORTED_MODULE_3__/* .parseApiUrl */ .nV)(runner.api, reader.report('GITHUB_API_URL')) ?? '';
	checkProxy(reader, api);
	return { api, token };
}
/** Returns why a process with this environment must not send any request, or undefined if it may. */
function unsafeSetting(env) {
	if (env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return undefined;
	return 'got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)';
}
/**
 * Reports an invalid proxy setting for requests to an address.
 * @param address an invalid URL is ignored, since it is reported elsewhere
 */
function checkProxy(reader, address) {
	const url = (0,_net_url_js__WEBPACK_IMPORTED_MODULE_6__/* .parseUrl */ .D)(address);
	try {
		if (url) (0,_net_proxy_js__WEBPACK_IMPORTED_MODULE_0__/* .proxyFor */ .iJ)(url, reader.env);
	} catch (error) {
		if (!(error instanceof _net_proxy_js__WEBPACK_IMPORTED_MODULE_0__/* .ProxyError */ .T6)) throw error;
		reader.report(error.variable)(`does not hold the address of a proxy; expected ${_net_proxy_js__WEBPACK_IMPORTED_MODULE_0__/* .PROXY_URL_FORMAT */ .rz}`);
	}
}
/**
 * Reports a missing address of the Scalekit environment. If the secret is an input, the address has to be one, because an
 * earlier step can set variables.
 */
function checkOrigin(reader, origin) {
	const { variable } = reader.require(
		'scalekit_environment_url',
		'the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL',
	);
	if (variable && (0,_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readInput */ .R5)('scalekit_client_secret')) {
		reader.report('scalekit_environment_url')(
			`is empty while scalekit_client_secret is given; expected both as inputs, because an earlier step could set ${variable} through GITHUB_ENV and so receive the secret`,
		);
	}
	checkProxy(reader, origin);
}
/** Reports it if the organization is missing or named twice. */
function checkOrganization(reader) {
	if (!(0,_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readInput */ .R5)('organization_external_id')) {
		const sources = 'as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id';
		reader.require('organization_id', `${_specs_js__WEBPACK_IMPORTED_MODULE_5__/* .ORGANIZATION_FORMAT */ .Eh}, ${sources}`);
	} else if ((0,_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readInput */ .R5)('organization_id')) {
		reader.report('organization_external_id')('is given beside organization_id; expected one of the two');
	}
}
/**
 * Reports what only the runner of a workflow provides and is missing, and an unsafe setting. Without the file for
 * outputs, the secret would be printed in the log instead.
 */
function checkRunner(reader, { repository }) {
	if (!_specs_js__WEBPACK_IMPORTED_MODULE_5__/* .REPOSITORY */ .Bw.test(repository)) {
		reader.report('GITHUB_REPOSITORY')(
			`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_2__/* .quote */ .hD)(repository)}; expected owner/name, as the runner of a workflow sets it`,
		);
	}
	if (!reader.env.GITHUB_OUTPUT)
		reader.report('GITHUB_OUTPUT')('is not set; expected the file for outputs, as the runner of a workflow sets it');
	const unsafe = unsafeSetting(reader.env);
	if (unsafe) reader.report('NODE_TLS_REJECT_UNAUTHORIZED')(unsafe);
}
/**
 * Returns the likely causes of an empty secret, as text. GitHub evaluates a secret that does not exist to an empty
 * string, without an error.
 */
function likelyCauses({ origin }) {
	const check = "check the name of the secret, and that this repository or the job's environment has it";
	if (origin === 'dependabot')
		return `Dependabot started this run, and such runs receive only Dependabot's own secrets (repository settings, Secrets, Dependabot). Otherwise ${check}.`;
	if (origin === 'fork') return `Workflows triggered from a fork do not receive secrets. Otherwise ${check}.`;
	return `GitHub turns a secret that it does not find into an empty text: ${check}. Runs from a fork and by Dependabot receive no secrets.`;
}


/***/ }),

/***/ 204:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   KE: () => (/* binding */ checkSecretLocation),
/* harmony export */   Ko: () => (/* binding */ readInputs),
/* harmony export */   hy: () => (/* binding */ readAuditInputs),
/* harmony export */   jA: () => (/* binding */ readDeleteInputs),
/* harmony export */   qd: () => (/* binding */ readSweepInputs)
/* harmony export */ });
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6760);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_path__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _client_claims_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4866);
/* harmony import */ var _client_target_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6822);
/* harmony import */ var _github_runner_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(8801);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(4938);
/* harmony import */ var _connection_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(1809);
/* harmony import */ var _reader_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(462);







/** Seconds that an access token lives by default if `lifetime` is `job`. */
const JOB_EXPIRY = 3600;
const KEPT = 'This client is kept until delete/ deletes it. With lifetime: job, it is deleted when the job ends.';
/**
 * What contains invisible characters in emoji: a joiner between two of them, and the tags of a region's flag (Unicode
 * Technical Standard 51). `\p{RGI_Emoji}` would know the flags, but V8 takes 15 ms to parse it.
 */
const IN_EMOJI =
	/(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}]|\ufe0f)\u200d(?=\p{Extended_Pictographic})|\u{1f3f4}[\u{e0061}-\u{e007a}]{5}\u{e007f}/gu;
/**
 * Reads the inputs of the action, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
function readInputs(env) {
	const { reader, values, runner } = readValues('main', env);
	const connection = (0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .checkConnection */ .jo)(reader, values, runner);
	const { lifetime } = values;
	const target = readTarget(reader, values, runner);
	const inputs = {
		...values,
		...connection,
		...target,
		expiry: values.expiry ?? (lifetime === 'job' ? JOB_EXPIRY : undefined),
		notices: [
			...target.notices,
			...((0,_reader_js__WEBPACK_IMPORTED_MODULE_6__/* .readInput */ .R5)('lifetime') || values.save_to !== 'none' || values.dry_run ? [] : [KEPT]),
		],
	};
	checkCombinations(reader, inputs);
	// The runner's claims are known already. The others are checked completely after they are requested (desiredClientFrom).
	if (inputs.source === 'runner')
		(0,_client_claims_js__WEBPACK_IMPORTED_MODULE_1__/* .deriveClaims */ .f)(inputs, (0,_client_target_js__WEBPACK_IMPORTED_MODULE_2__/* .targetFromRunner */ ._B)(runner, env, inputs.environment), reader.report);
	else (0,_client_claims_js__WEBPACK_IMPORTED_MODULE_1__/* .checkClaimNames */ .t)(inputs.repository_claims, inputs, lifetime, reader.report('repository_claims'));
	reader.faults.finish();
	return inputs;
}
/**
 * Reads the inputs of `delete/`, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
function readDeleteInputs(env) {
	const { reader, values, runner } = readValues('delete', env);
	const connection = (0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .checkConnection */ .jo)(reader, values, runner);
	const target = readTarget(reader, values, runner);
	reader.faults.finish();
	return { ...values, ...connection, ...target };
}
/**
 * Reads the inputs of `sweep/`, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
function readSweepInputs(env) {
	const { reader, values, runner } = readValues('sweep', env);
	const connection = (0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .checkConnection */ .jo)(reader, values, runner);
	const need = 'read workflow runs (permissions with actions: read)';
	// Without a token there is a fault, so finish() throws.
	const github = (0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .checkGitHub */ .sx)(reader, values.github_token, runner, need) ?? { api: '', token: '' };
	reader.faults.finish();
	return { ...values, ...connection, github };
}
/**
 * Reads the inputs of `audit/`, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
function readAuditInputs(env) {
	const { reader, values, runner } = readValues('audit', env);
	const connection = (0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .checkConnection */ .jo)(reader, values, runner);
	const { github_token } = values;
	const github = (0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .checkGitHub */ .sx)(reader, github_token, runner, github_token && 'read repositories and environments');
	const folder = env.RUNNER_TEMP ?? '';
	if (!node_path__WEBPACK_IMPORTED_MODULE_0___default().isAbsolute(folder))
		reader.report('RUNNER_TEMP')(
			`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_4__/* .quote */ .hD)(folder)}; expected the folder for temporary files, as the runner of a workflow sets it`,
		);
	reader.faults.finish();
	return { ...values, ...connection, github, folder };
}
/** Masks the credentials, checks the names of the inputs, and parses them. */
function readValues(action, env) {
	(0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .maskAll */ .gh)(env);
	const reader = new _reader_js__WEBPACK_IMPORTED_MODULE_6__/* .Reader */ .mP(action, env);
	const runner = (0,_github_runner_js__WEBPACK_IMPORTED_MODULE_3__/* .readRunner */ .fY)(env);
	reader.checkNames();
	return { reader, values: reader.values(), runner };
}
/** Reports it if credentials are to be saved in an environment and there is none, or its name cannot be in a URL. */
function checkSecretLocation({ saving }, { environment, source }, report) {
	if (saving?.to !== 'environment') return;
	// In a URL, "." and ".." would address another path.
	if (/^\.\.?$/.test(environment))
		report('save_to')(
			`got "environment" with the environment "${environment}"; expected another name, because this one cannot be part of a URL`,
		);
	if (environment) return;
	const how = source === 'token' ? ' (this job has none)' : '';
	report('save_to')(`got "environment" without an environment${how}; expected the input environment, or "repository"`);
}
/** Derives where the facts about the repository come from, and checks what they and saving need. */
function readTarget(reader, { repository, environment, name, save_to, save_as, github_token }, runner) {
	const other = repository.toLowerCase() === runner.repository.toLowerCase() ? '' : repository;
	const saving =
		save_to === 'none'
			? undefined
			: {
					to: save_to,
					state_variable: `${save_as}_STATE`,
					id_variable: `${save_as}_CLIENT_ID`,
					secret: `${save_as}_CLIENT_SECRET`,
				};
	const need = other ? `read ${other} (repository)` : saving ? 'write secrets and variables (save_to)' : undefined;
	const source = other ? 'api' : (0,_github_runner_js__WEBPACK_IMPORTED_MODULE_3__/* .mayHaveIdToken */ .cs)(reader.env) ? 'token' : 'runner';
	if (source === 'token') (0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .checkProxy */ .d4)(reader, reader.env[_github_runner_js__WEBPACK_IMPORTED_MODULE_3__/* .ID_TOKEN_URL */ .e_] ?? '');
	const github = (0,_connection_js__WEBPACK_IMPORTED_MODULE_5__/* .checkGitHub */ .sx)(reader, github_token, runner, need);
	// An ID token may name the environment if the input does not.
	if (source !== 'token' || environment) checkSecretLocation({ saving }, { environment, source }, reader.report);
	const notices = invisibleCharacters({ name, environment });
	return { runner, source, repository: other, environment, saving, github, notices };
}
/** Reports inputs that are valid on their own and contradict each other. */
function checkCombinations(reader, { client_id, on_existing, rotate_after, verify, access_token, saving }) {
	if ((0,_reader_js__WEBPACK_IMPORTED_MODULE_6__/* .readInput */ .R5)('lifetime') === 'job') {
		const alwaysNew = 'the client of a job is always a new one';
		if (client_id) reader.report('client_id')(`is given with lifetime: job; expected one of the two: ${alwaysNew}`);
		if (on_existing !== 'rotate')
			reader.report('on_existing')(`got "${on_existing}" with lifetime: job; expected it to be left out: ${alwaysNew}`);
		if (saving)
			reader.report('save_to')(
				`got "${saving.to}" with lifetime: job; expected it to be left out: the client is deleted when the job ends`,
			);
	}
	// A bad on_existing is reported alone.
	const mode = (0,_reader_js__WEBPACK_IMPORTED_MODULE_6__/* .readInput */ .R5)('on_existing') || on_existing;
	if (rotate_after !== undefined && mode === on_existing && mode !== 'reuse')
		reader.report('rotate_after')(
			`is given with on_existing: ${on_existing}; expected on_existing: reuse, because only that keeps a secret`,
		);
	if (access_token && on_existing === 'reuse')
		reader.report('access_token')(
			'is true with on_existing: reuse; expected one of the two: without a new secret there is no token',
		);
	if (access_token && !verify)
		reader.report('access_token')(
			'is true with verify: false; expected verify: true, because verification requests that token',
		);
}
/** Returns notices about invisible characters in names. They are allowed there, but often pasted by mistake. */
function invisibleCharacters({ name, environment }) {
	const isSuspicious = (text) => /\p{Cf}/u.test(text.replace(IN_EMOJI, ''));
	return Object.entries({ name, environment })
		.filter(([, text]) => isSuspicious(text))
		.map(([input, text]) => `The ${input} holds an invisible character: ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_4__/* .quote */ .hD)(text)}.`);
}


/***/ }),

/***/ 9438:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   LT: () => (/* binding */ parseVerify),
/* harmony export */   Mm: () => (/* binding */ bounded),
/* harmony export */   Mw: () => (/* binding */ parseApiClientId),
/* harmony export */   RK: () => (/* binding */ visible),
/* harmony export */   Sk: () => (/* binding */ parseApiSecret),
/* harmony export */   Sl: () => (/* binding */ reportInvisible),
/* harmony export */   YD: () => (/* binding */ parseGitHubToken),
/* harmony export */   Yq: () => (/* binding */ choice),
/* harmony export */   _k: () => (/* binding */ CLIENT_ID_LIKE),
/* harmony export */   cl: () => (/* binding */ QUOTES),
/* harmony export */   ef: () => (/* binding */ parseOrigin),
/* harmony export */   nV: () => (/* binding */ parseApiUrl),
/* harmony export */   rD: () => (/* binding */ wholeNumber),
/* harmony export */   rR: () => (/* binding */ withoutMarker),
/* harmony export */   wC: () => (/* binding */ matching),
/* harmony export */   wK: () => (/* binding */ isPlaceholder),
/* harmony export */   yG: () => (/* binding */ parseBoolean)
/* harmony export */ });
/* harmony import */ var _client_marker_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(5425);
/* harmony import */ var _net_url_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1146);
/* harmony import */ var _output_mask_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(549);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4938);




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
/** How the ids of Scalekit's clients begin. */
const CLIENT_ID_LIKE = /^(skc|m2morg)_/;
/** How GitHub's tokens begin. */
const TOKEN_LIKE = /^(gh[opsur]|github_pat)_/;
/** Returns whether a text stands for a missing value rather than for itself. */
function isPlaceholder(text) {
	return PLACEHOLDER.test(text);
}
/** Returns a parser for text of a bounded length that is not a placeholder. */
function bounded(max) {
	return (text, report) => {
		if ((0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .characterCount */ .Dq)(text) > max)
			report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .characterCount */ .Dq)(text)} characters, ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)}; expected ${max} at most`);
		if (isPlaceholder(text))
			report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)}; expected a text. It probably comes from an expression without a value`);
		return text;
	};
}
/** Returns a parser for text that matches a pattern and is not a placeholder. Any other text counts as not given. */
function matching(pattern, expected) {
	return (text, report) => {
		if (pattern.test(text) && !isPlaceholder(text)) return text;
		report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)}; expected ${expected}`);
		return undefined;
	};
}
/** Returns a parser for one of several words. */
function choice(choices) {
	const list = choices.map((word) => `"${word}"`);
	const expected = `${list.slice(0, -1).join(', ')} or ${list.at(-1)}`;
	return (text, report) => {
		const word = choices.find((word) => word === text);
		if (word === undefined) report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)}; expected ${expected}`);
		return word;
	};
}
/** Parses a boolean in one of the spellings of YAML's core schema. */
const parseBoolean = (text, report) => {
	if (/^(true|True|TRUE|false|False|FALSE)$/.test(text)) return text.toLowerCase() === 'true';
	report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)}; expected true or false`);
	return undefined;
};
/** Parses how new credentials are verified. */
const parseVerify = (text, report) => {
	if (text === 'exact') return text;
	return parseBoolean(text, () => report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)}; expected true, exact or false`));
};
/** Returns a parser for a whole number in decimal digits. */
function wholeNumber(min, max, unit = '') {
	const range = max === Number.MAX_SAFE_INTEGER ? `, at least ${min}` : ` from ${min} to ${max}`;
	return (text, report) => {
		const number = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
		if (number >= min && number <= max) return number;
		report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)}; expected a whole number${unit && ` of ${unit}`}${range}`);
		return undefined;
	};
}
/**
 * Returns a parser that does what `parser` does, unless the text holds an invisible character.
 * @param show how an error shows the text
 */
function visible(parser, show = _output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD) {
	return (text, report) => (reportInvisible(text, report, '', show) ? undefined : parser(text, report));
}
/** Returns a parser that does what `parser` does, unless the text would make a description have another ownership marker. */
function withoutMarker(parser) {
	return (text, report) => {
		if ((0,_client_marker_js__WEBPACK_IMPORTED_MODULE_2__/* .parseMarkers */ .FT)(text).length === 0) return parser(text, report);
		report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)} with an ownership marker of this action; expected a text without one`);
		return undefined;
	};
}
/** Reports the first invisible character (Unicode category Cf). @returns whether there is one */
function reportInvisible(text, report, advice, show = _output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD) {
	const [character] = INVISIBLE.exec(text) ?? [];
	if (!character) return false;
	report(`got ${show(text)} with the invisible character ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .escapeInvisible */ .ts)(character)}; expected none${advice}`);
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
		if (problem) report(problem);
		return text;
	};
}
/** Returns what was pasted together with a credential, or that the text is a placeholder, in words. */
function wrappingOf(text) {
	const [character] = INVISIBLE.exec(text) ?? [];
	if (character) return `holds the invisible character ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .escapeInvisible */ .ts)(character)}`;
	if (QUOTES.test(text)) return 'has quotes around it';
	if (/^\*+$/.test(text) || isPlaceholder(text)) return 'holds a placeholder';
	const [, sign] = NAMED.exec(text) ?? [];
	// The name is not shown, since it could be the first part of a secret.
	return sign && `has a name and "${sign}" in front of it`;
}
/** Parses a token of GitHub. */
const parseGitHubToken = credential('a GitHub token', (text) =>
	(0,_output_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .isMaskable */ .h_)(text) ? undefined : `is not ${_output_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .MASKABLE_FORMAT */ .Xt}; expected a GitHub token`,
);
const API_CLIENT_ID = "the id of the environment's API credentials (skc_…)";
/** Parses the id of the environment's API credentials. */
const parseApiClientId = credential(API_CLIENT_ID, (text) => {
	if (text.startsWith('m2morg_'))
		return `got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .hD)(text)}, an organization client; expected the environment's API credentials (skc_…)`;
	if (SECRET_LIKE.test(text) || TOKEN_LIKE.test(text))
		return `holds what looks like a secret; expected ${API_CLIENT_ID}`;
	return /^[\x21-\x7e]+$/.test(text) ? undefined : `holds characters that no id has; expected ${API_CLIENT_ID}`;
});
const API_SECRET = "the secret of the environment's API credentials";
/** Parses the secret of the environment's API credentials. */
const parseApiSecret = credential(API_SECRET, (text) => {
	const [prefix] = CLIENT_ID_LIKE.exec(text) ?? [];
	if (prefix) return `holds an id (${prefix}…); expected ${API_SECRET}`;
	if (TOKEN_LIKE.test(text)) return `holds what looks like a token of GitHub; expected ${API_SECRET}`;
	return (0,_output_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .isMaskable */ .h_)(text) ? undefined : `is not ${_output_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .MASKABLE_FORMAT */ .Xt}; expected ${API_SECRET}`;
});
/**
 * Parses the address of a Scalekit environment: a host, or a URL with or without a slash at its end.
 * @returns scheme, host and port, even if a problem is reported. Undefined if the text is not a URL
 */
const parseOrigin = (text, report) => {
	const expected = 'expected the address of the environment alone, such as https://acme.scalekit.com';
	const hasScheme = _output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .SCHEME */ .My.test(text);
	const url = INVALID_URL.test(text) ? undefined : (0,_net_url_js__WEBPACK_IMPORTED_MODULE_3__/* .parseUrl */ .D)(hasScheme ? text : `https://${text}`);
	const quoted = () => (0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quoteUrl */ .y8)(text);
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
	if (extras.length > 0) report(`got ${quoted()} with ${extras.join(' and ')}; ${expected}`);
	if (!(0,_net_url_js__WEBPACK_IMPORTED_MODULE_3__/* .mayReceiveSecrets */ .m)(url))
		report(
			`got ${quoted()}; expected https, since the environment's API secret is sent there (http only for a loopback address)`,
		);
	return url.origin;
};
/**
 * Parses the address of GitHub's API. On GitHub Enterprise Server it has a path.
 * @returns the address without a slash at its end. Undefined if a problem is reported
 */
const parseApiUrl = (text, report) => {
	const url = INVALID_URL.test(text) ? undefined : (0,_net_url_js__WEBPACK_IMPORTED_MODULE_3__/* .parseUrl */ .D)(text);
	if (!url || !(0,_net_url_js__WEBPACK_IMPORTED_MODULE_3__/* .mayReceiveSecrets */ .m)(url) || url.username || url.password || /[?#]/.test(text)) {
		report(
			`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .quoteUrl */ .y8)(text)}; expected the https address of GitHub's API, such as https://api.github.com (http only for a loopback address)`,
		);
		return undefined;
	}
	return url.href.replace(/\/+$/, '');
};


/***/ }),

/***/ 462:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   R5: () => (/* binding */ readInput),
/* harmony export */   mP: () => (/* binding */ Reader),
/* harmony export */   o$: () => (/* binding */ readSource)
/* harmony export */ });
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6058);
/* harmony import */ var _client_faults_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4202);
/* harmony import */ var _output_mask_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(549);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(4938);
/* harmony import */ var _parse_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9438);
/* harmony import */ var _specs_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(9843);






/** The inputs that hold a secret. No other input may hold the same one. */
const SECRET_INPUTS = ['scalekit_client_secret', 'github_token'];
/** What may be between the parts of a pasted secret: white space, quotes, backslashes and invisible characters. */
const BETWEEN = /[\s"'\\\p{Cf}]/gu;
/** Returns an input without white space around it, or an empty string if it was not given. */
function readInput(input) {
	return (0,_actions_core__WEBPACK_IMPORTED_MODULE_0__/* .getInput */ .V4)(input);
}
/**
 * Returns the text of an input or, if it was not given, of the first of its variables that is set. The input
 * `organization_external_id` overrides the variable for `organization_id`.
 */
function readSource(input, env) {
	const given = readInput(input);
	const isOverridden = input === 'organization_id' && readInput('organization_external_id') !== '';
	const variable = isOverridden ? undefined : _specs_js__WEBPACK_IMPORTED_MODULE_5__/* .SPECS */ .ne[input].variables.find((name) => env[name]?.trim());
	if (given || !variable) return { text: given, label: input };
	return { text: env[variable]?.trim() ?? '', label: `${input} (from ${variable})`, variable };
}
/** Returns whether a text may be a secret. If an id is given instead, other inputs can hold the same id rightly. */
function isMeantAsSecret(text) {
	return !_parse_js__WEBPACK_IMPORTED_MODULE_4__/* .CLIENT_ID_LIKE */ ._k.test(text) && !(0,_parse_js__WEBPACK_IMPORTED_MODULE_4__/* .isPlaceholder */ .wK)(text) && !text.includes('${{');
}
/** Reads the inputs of one action and collects the problems of all of them. */
class Reader {
	env;
	faults = new _client_faults_js__WEBPACK_IMPORTED_MODULE_1__/* .Faults */ .C(_specs_js__WEBPACK_IMPORTED_MODULE_5__/* .INPUT_ORDER */ .ov);
	#action;
	#names;
	/** Inputs that hold an expression instead of its value, or a secret. Further problems of them mean nothing. */
	#unusable = new Set();
	/** The forms of the secrets of this step. */
	#secrets;
	constructor(action, env) {
		this.#action = action;
		this.#names = (0,_specs_js__WEBPACK_IMPORTED_MODULE_5__/* .inputNames */ .vj)(action);
		this.env = env;
		const texts = SECRET_INPUTS.map((name) => readSource(name, env).text);
		this.#secrets = texts.filter(isMeantAsSecret).flatMap((text) => (0,_output_mask_js__WEBPACK_IMPORTED_MODULE_2__/* .secretForms */ .eo)(text, []));
	}
	/** Returns the function that records a problem of an input, or of a variable that is no input. */
	report = (name) => (this.#unusable.has(name) ? () => {} : this.faults.report(name));
	/** Returns the value of every input of the action. A bad one has some value of its type. */
	values() {
		return Object.fromEntries(this.#names.map((name) => [name, this.#value(name)]));
	}
	#value(name) {
		const { parse, fallback } = (0,_specs_js__WEBPACK_IMPORTED_MODULE_5__/* .specOf */ .rI)(name);
		const { text, label } = readSource(name, this.env);
		if (!text) return fallback(this.#action);
		const report = this.faults.report(name, label);
		// Lists would split the secret, URLs would change its case, and a client's name would cut it. No mask matches a part.
		if (!SECRET_INPUTS.some((secret) => secret === name) && this.#holdsSecret(text)) {
			report(`holds the value of ${SECRET_INPUTS.join(' or ')}; expected another value`);
			this.#unusable.add(name);
			return fallback(this.#action);
		}
		if (!text.includes('${{')) return parse(text, report) ?? fallback(this.#action);
		report(`got ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_3__/* .quoteUrl */ .y8)(text)}, which holds an expression that was not evaluated; expected its value`);
		this.#unusable.add(name);
		return parse(text, () => {}) ?? fallback(this.#action);
	}
	/** Returns whether a text contains a secret of this step, also with white space, quotes or invisible characters in it. */
	#holdsSecret(text) {
		const joined = text.replace(BETWEEN, '');
		return this.#secrets.some((secret) => text.includes(secret) || joined.includes(secret));
	}
	/** Returns the source of an input that must be given. Reports it if it is not. */
	require(input, expected) {
		const source = readSource(input, this.env);
		if (!source.text) this.report(input)(`is empty; expected ${expected}`);
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
			if (!name || this.#names.some((known) => known === name)) continue;
			const meant = this.#names.find((known) => isMisspelt(name, known));
			if (meant && value?.trim() !== readInput(meant))
				this.faults.report(meant, (0,_output_text_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .hD)(name).slice(1, -1))(`is not an input; did you mean ${meant}?`);
		}
	}
}
/**
 * Returns whether two texts differ in one letter at most: it is missing, added, replaced, or swapped with the next one. Dashes
 * and underscores do not count.
 */
function isMisspelt(name, input) {
	const [one = '', other = ''] = [name, input].map((text) => text.replace(/[-_ ]/g, ''));
	let start = 0;
	while (start < one.length && one[start] === other[start]) start++;
	let end = 0;
	while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end++;
	const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
	const isSwapped = left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
	return (left.length <= 1 && right.length <= 1) || isSwapped;
}


/***/ }),

/***/ 9843:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  ov: () => (/* binding */ INPUT_ORDER),
  Eh: () => (/* binding */ ORGANIZATION_FORMAT),
  Bw: () => (/* binding */ REPOSITORY),
  ne: () => (/* binding */ SPECS),
  vj: () => (/* binding */ inputNames),
  rI: () => (/* binding */ specOf)
});

;// CONCATENATED MODULE: ./build/client/desired.js
/** The values of the input `on_existing`. The first one is the default. */
const ON_EXISTING = ['rotate', 'reuse', 'replace', 'fail'];

// EXTERNAL MODULE: ./build/client/marker.js
var marker = __webpack_require__(5425);
// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(4938);
// EXTERNAL MODULE: ./build/scalekit/types.js
var types = __webpack_require__(179);
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
function parseJson(text, report, expected) {
	try {
		return JSON.parse(text);
	} catch {
		report(`got broken JSON ${placeOf(text, findJsonError(text))}; expected ${expected}`);
		return undefined;
	}
}
/**
 * Returns JSON with every whole number in quotes, so that it stays as it is written, however large it is. Any other number
 * may change: 1.10 becomes 1.1.
 */
function quoteWholeNumbers(json) {
	return json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
		/^-?(0|[1-9]\d*)$/.test(token) ? `"${token}"` : token,
	);
}
/** Returns the keys that an object of this JSON text has more than once. JSON.parse keeps only the last of them. */
function repeatedKeys(json) {
	const repeated = new Set();
	const open = [];
	for (const [token, key, colon] of json.matchAll(/[{}[\]]|("(?:[^"\\]|\\.)*")\s*(:)?/g)) {
		if (token === '{' || token === '[') open.push(new Set());
		else if (token === '}' || token === ']') open.pop();
		else if (key && colon) {
			const name = JSON.parse(key);
			if (open.at(-1)?.has(name)) repeated.add(name);
			open.at(-1)?.add(name);
		}
	}
	return repeated;
}
/** Returns a JSON value as an error shows it. */
function quoteJson(value) {
	try {
		return (0,output_text/* escapeInvisible */.ts)((0,output_text/* truncate */.xv)((0,output_text/* hideLikelySecrets */.Ec)(JSON.stringify(value)), 80));
	} catch {
		return 'one that is nested too deeply';
	}
}
/**
 * Returns the offset of the first character at which a text stops being JSON (RFC 8259), or its length if it ends too
 * early. JSON.parse reports this for some errors only, and each version of Node.js for others.
 */
function findJsonError(text) {
	const scanner = new Scanner(text);
	for (let next = 'value'; next; ) {
		scanner.take(WHITE_SPACE);
		next = STEPS[next](scanner);
	}
	return scanner.at;
}
/** Moves past what may come next. Each returns what may follow, or undefined at the problem or the end of the value. */
const STEPS = {
	end: (scanner) => {
		const { open } = scanner;
		if (open.length > 0 && scanner.takeCharacter(',')) return open.at(-1) === '}' ? 'key' : 'value';
		return scanner.takeCharacter(open.at(-1)) && open.pop() ? 'end' : undefined;
	},
	first: (scanner) => {
		const { open } = scanner;
		if (scanner.takeCharacter(open.at(-1)) && open.pop()) return 'end';
		return STEPS[open.at(-1) === '}' ? 'key' : 'value'](scanner);
	},
	key: (scanner) => {
		if (!scanner.takeString()) return undefined;
		scanner.take(WHITE_SPACE);
		return scanner.takeCharacter(':') ? 'value' : undefined;
	},
	value: (scanner) => {
		const closing = scanner.takeCharacter('{') ? '}' : scanner.takeCharacter('[') ? ']' : undefined;
		if (closing && scanner.open.push(closing)) return 'first';
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
		if (isNext) this.at++;
		return isNext;
	}
}
/**
 * Returns line, column and the text around an offset. Masked values and what looks like a secret are replaced, even if the
 * offset, a quote or a line break splits them.
 */
function placeOf(text, offset) {
	const before = text.slice(0, offset);
	const lines = before.split(/\r\n|\r|\n/);
	const [start, end] = [(0,output_text/* hideLikelySecrets */.Ec)(before), (0,output_text/* hideLikelySecrets */.Ec)(text.slice(offset))];
	const whole = (0,output_text/* hideLikelySecrets */.Ec)(text);
	const joined = whole.replace(/["'\s]/g, '');
	const isSplit = start + end !== whole || (0,output_text/* hideLikelySecrets */.Ec)(joined) !== joined;
	const around = isSplit ? '***' : `${[...start].slice(-CONTEXT).join('')}${[...end].slice(0, CONTEXT).join('')}`;
	const column = [...(lines.at(-1) ?? '')].length + 1;
	return `at line ${lines.length}, column ${column}, near ${(0,output_text/* escapeInvisible */.ts)(JSON.stringify(around), CONFUSING)}`;
}

// EXTERNAL MODULE: ./build/inputs/parse.js
var parse = __webpack_require__(9438);
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
		if (lines.length > 0 && entries.length === 0) report('holds no entries; expected some, or no input at all');
		return [...new Set(entries)].filter((entry) => {
			const problem = entryProblem(entry);
			if (problem) report(problem);
			return !problem;
		});
	});
}
/**
 * Parses claims: `key=value` lines, which may be a YAML list, a JSON object, or the API's own array of
 * `{"key", "value"}`. Lines that begin with `#` are comments.
 */
function parseClaims(text, report) {
	const claims = parseBody(text, report, parseJsonClaims, (lines) =>
		lines.flatMap((line) => parseLineClaim(line, report)),
	);
	const keys = new Set();
	for (const { key, value } of claims) {
		if (!key) report('got an empty key; expected 1 to 128 characters');
		if ((0,output_text/* characterCount */.Dq)(key) > types/* MAX_CLAIM_KEY */.E4)
			report(`got the key ${(0,output_text/* quote */.hD)(key)} of ${(0,output_text/* characterCount */.Dq)(key)} characters; expected 128 at most`);
		if (!key.isWellFormed() || !value.isWellFormed())
			report(`got an unpaired surrogate in the key ${(0,output_text/* quote */.hD)(key)}; expected Unicode text`);
		if (keys.has(key)) report(`got the key ${(0,output_text/* quote */.hD)(key)} twice; expected each key once`);
		keys.add(key);
	}
	return claims;
}
/** Parses a text as JSON if it begins with a bracket or a brace, and otherwise as lines. */
function parseBody(text, report, fromJson, fromLines) {
	const lines = text.split(/\r\n|\r|\n/).map(withoutComment);
	const clean = lines.filter((line) => !(0,parse/* reportInvisible */.Sl)(line, report, WAY_OUT));
	const body = lines.join('\n');
	if (/^\s*[[{]/.test(body)) return clean.length < lines.length ? [] : fromJson(body, report);
	const filled = clean.map((line) => line.trim()).filter(Boolean);
	if (text.trim() && !body.trim()) report('holds nothing but comments; expected entries, or no input at all');
	const isYamlList = filled.every((line) => /^-\s/.test(line));
	const hasComment = (line) => /\s#/.test(line);
	for (const line of filled.filter(hasComment)) report(`got the line ${(0,output_text/* quote */.hD)(line)}; ${EXPECTED_COMMENTS}`);
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
	if (entry.startsWith('#')) return `got the entry ${(0,output_text/* quote */.hD)(entry)}; ${EXPECTED_COMMENTS}`;
	if (entry === '-') return unclear('entry', entry, 'a dash in front of every line, or none', JSON_LIST);
	// Only the lines of a YAML list are not split.
	if (/[\s,]/.test(entry)) return unclear('entry', entry, 'one entry after each dash', JSON_LIST);
	return unclearProblem(entry, 'entry', JSON_LIST);
}
/**
 * Returns what is wrong with a text that was probably meant otherwise: one with quotes or semicolons, or what an
 * expression without a value becomes.
 * @param what what the text is
 * @param json how to write the text in JSON
 */
function unclearProblem(text, what, json) {
	if ((0,parse/* isPlaceholder */.wK)(text)) return unclear(what, text, 'a text', json);
	if (parse/* QUOTES */.cl.test(text)) return unclear(what, text, 'the text without quotes', json);
	return text.includes(';') ? unclear(what, text, 'the text without a semicolon', json) : undefined;
}
function unclear(what, text, expected, json) {
	return `got the ${what} ${(0,output_text/* quote */.hD)(text)}; expected ${expected} (to keep it, use JSON: ${json})`;
}
/** Parses a `key=value` line. Reports a line with a problem and returns no claim. */
function parseLineClaim(line, report) {
	const equals = line.indexOf('=');
	const [key, value] = [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
	const problem =
		equals < 0 ? `got the line ${(0,output_text/* quote */.hD)(line)} without a "="; expected key=value` : claimProblem(line, key, value);
	if (problem) report(problem);
	return problem ? [] : [{ key, value }];
}
/** Returns what is wrong with a claim in the form of a line. */
function claimProblem(line, key, value) {
	if (/^-\s/.test(key)) return unclear('line', line, 'a dash in front of every line, or none', JSON_CLAIMS);
	if (/\s/.test(key))
		return `got the key ${(0,output_text/* quote */.hD)(key)}; expected one without white space (use JSON for such a key: ${JSON_CLAIMS})`;
	// Another pair after a comma, or after a space, as a folded YAML text has it. A URL has pairs after "?" and "&".
	if (key.includes(',') || /[,\uff0c]\s*[^\s,=&?]+\s*=|\s[\w.-]+\s*=/.test(value))
		return `got the line ${(0,output_text/* quote */.hD)(line)}; expected one key=value a line (use JSON for such a value: ${JSON_CLAIMS})`;
	return unclearProblem(key, 'key', JSON_CLAIMS) ?? unclearProblem(value, 'value', JSON_CLAIMS);
}
function parseJsonList(text, report) {
	const entries = parseJson(text, report, EXPECTED_LIST);
	if (entries === undefined) return [];
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
	if (parseJson(text, report, EXPECTED_CLAIMS) === undefined) return [];
	const json = JSON.parse(quoteWholeNumbers(text));
	for (const key of repeatedKeys(text)) report(`got the key ${(0,output_text/* quote */.hD)(key)} twice; expected each key once`);
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
	if (typeof value === 'string' || typeof value === 'boolean') return [{ key, value: String(value) }];
	report(`got ${quoteJson(value)} for the key ${(0,output_text/* quote */.hD)(key)}; expected a string (quote numbers that are not whole)`);
	return [];
}

;// CONCATENATED MODULE: ./build/inputs/specs.js






// The inputs of all actions: one row each, in the order of action.yml. A test compares them with the action.yml files.
/** The actions of this repository. */
const ACTIONS = ['main', 'delete', 'sweep', 'audit'];
/** `owner/name`. Neither part is `.` or `..`, which would address another path in a URL. */
const REPOSITORY = /^(?!.{256})(?!\.\.?\/)[\w.-]+\/(?!\.\.?$)[\w.-]+$/;
/** Scalekit's descriptor: this prefix, and at most 32 characters. */
const ORGANIZATION_FORMAT = 'the id of an organization: "org_" and up to 28 letters, digits, - or _';
const EXTERNAL_ID_FORMAT = 'the external id of an organization: up to 256 characters, without quotes around it';
const CLIENT_ID_FORMAT = 'the id of an organization client (m2morg_…; skc_… is scalekit_client_id)';
const PREFIX_FORMAT = 'letters, digits and _, not beginning with a digit or GITHUB_';
/** Characters of the name of a deployment environment. */
const MAX_ENVIRONMENT = 255;
const MAIN_AND_DELETE = ['main', 'delete'];
const MAIN = ['main'];
const SWEEP = ['sweep'];
const AUDIT = ['audit'];
const ALL_BUT_AUDIT = ['main', 'delete', 'sweep'];
const parseLifetime = (0,parse/* choice */.Yq)(['persistent', 'job']);
const lifetimeOrJob = (text, report) => parseLifetime(text, report) ?? 'job';
/** Every input, in the order of action.yml. */
const SPECS = {
	scalekit_environment_url: row(
		ACTIONS,
		(0,parse/* visible */.RK)(parse/* parseOrigin */.ef, output_text/* quoteUrl */.y8),
		'',
		'SCALEKIT_ENVIRONMENT_URL',
		'SCALEKIT_ENV_URL',
	),
	scalekit_client_id: row(ACTIONS, parse/* parseApiClientId */.Mw, '', 'SCALEKIT_CLIENT_ID'),
	scalekit_client_secret: row(ACTIONS, parse/* parseApiSecret */.Sk, '', 'SCALEKIT_CLIENT_SECRET'),
	organization_id: row(
		ACTIONS,
		(0,parse/* visible */.RK)((0,parse/* matching */.wC)(/^org_[\w-]{1,28}$/, ORGANIZATION_FORMAT)),
		'',
		'SCALEKIT_ORGANIZATION_ID',
	),
	// In a URL, "." and ".." would address another path.
	organization_external_id: row(
		ACTIONS,
		(0,parse/* visible */.RK)((0,parse/* matching */.wC)(/^(?!\.\.?$|["'`])\P{Cc}{1,256}(?<!["'`])$/u, EXTERNAL_ID_FORMAT)),
		'',
	),
	client_id: row(MAIN_AND_DELETE, (0,parse/* visible */.RK)((0,parse/* matching */.wC)(types/* CLIENT_ID */.U6, CLIENT_ID_FORMAT)), ''),
	name: row(MAIN_AND_DELETE, (0,parse/* bounded */.Mm)(types/* MAX_NAME */.zB), ''),
	description: row(MAIN, (0,parse/* withoutMarker */.rR)((0,parse/* bounded */.Mm)(marker/* MAX_DESCRIPTION_TEXT */.CV)), ''),
	scopes: row(MAIN, parseScopes, []),
	audience: row(MAIN, parseList, []),
	custom_claims: row(MAIN, parseClaims, []),
	expiry: row(MAIN, (0,parse/* wholeNumber */.rD)(1, Number.MAX_SAFE_INTEGER, 'seconds'), undefined),
	repository_claims: row(MAIN, parseList, undefined),
	environment: row(MAIN_AND_DELETE, (0,parse/* withoutMarker */.rR)((0,parse/* bounded */.Mm)(MAX_ENVIRONMENT)), ''),
	repository: row(MAIN_AND_DELETE, (0,parse/* matching */.wC)(REPOSITORY, 'owner/name'), ''),
	// A bad lifetime allows all claims, so that this problem does not cause others.
	lifetime: row(MAIN, lifetimeOrJob, 'persistent'),
	on_existing: row(MAIN, (0,parse/* choice */.Yq)(ON_EXISTING), 'rotate'),
	rotate_after: row(MAIN, (0,parse/* wholeNumber */.rD)(1, 3650, 'days'), undefined),
	keep_secrets: row(MAIN, (0,parse/* wholeNumber */.rD)(1, 5), 2),
	verify: row(MAIN, parse/* parseVerify */.LT, true),
	access_token: row(MAIN, parse/* parseBoolean */.yG, false),
	save_to: row(MAIN_AND_DELETE, (0,parse/* choice */.Yq)(['none', 'repository', 'environment']), 'none'),
	save_as: row(MAIN_AND_DELETE, (0,parse/* matching */.wC)(/^(?!github(_|$))[a-z_]\w*$/i, PREFIX_FORMAT), 'SCALEKIT_M2M'),
	github_token: row(ACTIONS, parse/* parseGitHubToken */.YD, ''),
	dry_run: { ...row(ALL_BUT_AUDIT, parse/* parseBoolean */.yG, false), fallback: (action) => action === 'sweep' },
	max_deletions: row(SWEEP, (0,parse/* wholeNumber */.rD)(1, 1000), 20),
	max_secret_age: row(AUDIT, (0,parse/* wholeNumber */.rD)(1, 3650, 'days'), undefined),
	max_secrets: row(AUDIT, (0,parse/* wholeNumber */.rD)(1, 100), undefined),
	fail_on_findings: row(AUDIT, parse/* parseBoolean */.yG, false),
	timeout: row(ACTIONS, (0,parse/* wholeNumber */.rD)(5, 3600, 'seconds'), 120),
};
/** The names of all inputs, in the order in which an error lists their problems. */
const INPUT_ORDER = Object.keys(SPECS);
/** Returns the names of an action's inputs, in the order of its action.yml. */
function inputNames(action) {
	return INPUT_ORDER.filter((name) => specOf(name).actions.includes(action));
}
/** Returns the spec of an input whose name is not known before. */
function specOf(name) {
	return SPECS[name];
}
function row(actions, parse, fallback, ...variables) {
	return { actions, parse, fallback: () => fallback, variables };
}


/***/ }),

/***/ 7666:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony import */ var _inputs_inputs_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(204);
/* harmony import */ var _output_exit_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9261);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1083);



(0,_output_exit_js__WEBPACK_IMPORTED_MODULE_2__/* .runEntry */ .C)(
	async () => {
		const inputs = (0,_inputs_inputs_js__WEBPACK_IMPORTED_MODULE_0__/* .readInputs */ .Ko)(process.env);
		// Check the inputs before loading the modules that send requests: TLS alone takes half as long as Node's own start.
		// If it fails, undo/roll-back.ts undoes what it did, and log.fail reports the error.
		const { provision } = await Promise.all(/* import() | provision */[__webpack_require__.e(269), __webpack_require__.e(496)]).then(__webpack_require__.bind(__webpack_require__, 892));
		await provision(inputs);
	},
	_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .fail */ .fJ,
	1,
);


/***/ }),

/***/ 7661:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   FZ: () => (/* binding */ listField),
/* harmony export */   Kd: () => (/* binding */ decodeJwtPayload),
/* harmony export */   OM: () => (/* binding */ stringField),
/* harmony export */   OW: () => (/* binding */ isJsonObject),
/* harmony export */   dw: () => (/* binding */ parseJsonObject),
/* harmony export */   eB: () => (/* binding */ asObject),
/* harmony export */   tF: () => (/* binding */ InvalidResponseError)
/* harmony export */ });
// Checks the JSON that a server sent. Each function narrows an unknown value once, so that the callers work with types.
/** A response does not have the form that the API documents. The message never quotes a value, which may be secret. */
class InvalidResponseError extends Error {
	name = 'InvalidResponseError';
}
/**
 * Parses a JSON object.
 * @throws {InvalidResponseError} if the text is not a JSON object. The parser's own message would quote the text.
 */
function parseJsonObject(text) {
	let value;
	try {
		value = JSON.parse(text);
	} catch {
		throw new InvalidResponseError(`the answer is not JSON (${text.length} characters)`);
	}
	return asObject(value, 'the answer');
}
/** Returns whether a text is a JSON object. */
function isJsonObject(text) {
	try {
		parseJsonObject(text);
		return true;
	} catch {
		return false;
	}
}
/**
 * Returns a value as a JSON object.
 * @param what names the value in the error
 * @throws {InvalidResponseError} if the value is not an object. An array is not one.
 */
function asObject(value, what) {
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw new InvalidResponseError(`${what} is not an object`);
	return value;
}
/**
 * Returns a field's text, or an empty string if the field is absent or null: Protobuf's JSON form omits empty fields,
 * and some writers send null instead.
 * @throws {InvalidResponseError} if the field is not a string
 */
function stringField(object, field) {
	const value = object[field] ?? '';
	if (typeof value !== 'string') throw new InvalidResponseError(`${field} is not a string`);
	return value;
}
/**
 * Returns a field's list, or an empty list if the field is absent or null, for the same reason as `stringField`.
 * @throws {InvalidResponseError} if the field is not a list
 */
function listField(object, field) {
	const value = object[field] ?? [];
	if (!Array.isArray(value)) throw new InvalidResponseError(`${field} is not a list`);
	return value;
}
/**
 * Returns the claims of a JSON Web Token, or undefined if the text is not one. The signature is not checked, because
 * the token came from the issuer itself, over TLS (OpenID Connect Core 1.0, section 3.1.3.7, rule 6).
 */
function decodeJwtPayload(token) {
	const [, payload, ...rest] = token.split('.');
	if (payload === undefined || rest.length !== 1) return undefined;
	try {
		return asObject(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'the token');
	} catch {
		return undefined;
	}
}


/***/ }),

/***/ 5927:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   T6: () => (/* binding */ ProxyError),
/* harmony export */   iJ: () => (/* binding */ proxyFor),
/* harmony export */   rz: () => (/* binding */ PROXY_URL_FORMAT)
/* harmony export */ });
/* harmony import */ var _actions_http_client_lib_proxy__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9783);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4938);
/* harmony import */ var _url_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1146);



/** The format of a proxy variable, in words. */
const PROXY_URL_FORMAT =
	'the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded';
/**
 * A proxy's URL is invalid, or the proxy opened no tunnel. Nothing of a request can have reached its server. The
 * message never quotes the proxy's URL or password.
 */
class ProxyError extends Error {
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
function proxyFor(target, env) {
	const variable = ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name]?.trim());
	if (!variable || isBypassed(target, env)) return undefined;
	const text = env[variable]?.trim() ?? '';
	// Without a scheme, `proxy.corp:3128` would be parsed as a scheme and a path.
	const url = (0,_url_js__WEBPACK_IMPORTED_MODULE_2__/* .parseUrl */ .D)(_output_text_js__WEBPACK_IMPORTED_MODULE_1__/* .SCHEME */ .My.test(text) ? text : `http://${text}`);
	try {
		if (url && /^https?:$/.test(url.protocol)) {
			const login = [url.username, url.password].map(decodeURIComponent).join(':');
			return { variable, url, login: login === ':' ? '' : login };
		}
	} catch {
		// decodeURIComponent() throws for a percent sign that encodes nothing.
	}
	throw new ProxyError(variable, `${variable} does not hold the address of a proxy`, 'PROXY_ADDRESS');
}
/**
 * Returns whether no_proxy names the host of a URL. checkBypass() of @actions/http-client reads the variable from the
 * process, and knows neither white space between entries nor `*.corp.example`, so the variable is rewritten first.
 */
function isBypassed(target, env) {
	for (const name of ['no_proxy', 'NO_PROXY']) {
		const entries = env[name]?.split(/[\s,]+/).filter(Boolean);
		if (entries) env[name] = entries.map((entry) => entry.replace(/^\*(?=\.)/, '')).join(',');
	}
	return (0,_actions_http_client_lib_proxy__WEBPACK_IMPORTED_MODULE_0__/* .checkBypass */ .H)(target);
}


/***/ }),

/***/ 1146:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ parseUrl),
/* harmony export */   m: () => (/* binding */ mayReceiveSecrets)
/* harmony export */ });
/** Returns a URL, or undefined if the text is not one. `URL.parse` does the same from Node.js 20.19 on. */
function parseUrl(text) {
	return URL.canParse(text) ? new URL(text) : undefined;
}
/** Returns whether a secret may be sent to a URL: over TLS, or to a loopback address. */
function mayReceiveSecrets({ protocol, hostname }) {
	const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
	return protocol === 'https:' || (protocol === 'http:' && loopback);
}


/***/ }),

/***/ 9261:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   C: () => (/* binding */ runEntry)
/* harmony export */ });
/**
 * Runs the work of an entry file and then ends the process. Open sockets and pending name lookups do not keep it alive.
 * The exit code is 0 if the work succeeds.
 * @param onError receives the error if the work fails
 * @param failureCode exit code if the work fails, or if it never settles and Node has nothing left to wait for
 */
function runEntry(work, onError, failureCode) {
	process.exitCode = failureCode;
	// Ignore EPIPE here. Code that needs stdout to be read calls flushMasks().
	process.stdout.on('error', () => {});
	work()
		.then(() => {
			process.exitCode = 0;
		}, onError)
		// On Windows, writes to a pipe are asynchronous. The callback runs after all pending writes.
		.finally(() => process.stdout.write('', () => process.exit()));
}


/***/ }),

/***/ 1083:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  Yz: () => (/* binding */ debug),
  fJ: () => (/* binding */ fail),
  pq: () => (/* binding */ info),
  iU: () => (/* binding */ message),
  lm: () => (/* binding */ notice),
  $e: () => (/* binding */ warning)
});

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 8 modules
var core = __webpack_require__(6058);
;// CONCATENATED MODULE: ./build/output/annotation.js
// GitHub cuts the text of an annotation at 4,096 characters. The end of a message often has the call that removes
// something by hand, so this module shortens a message elsewhere. The log has the whole message.
/**
 * Characters of an annotation's text at most, as they are printed. With the command before it, such as `::warning::`, an
 * annotation has fewer than 4,000.
 */
const MAX_ANNOTATION = 3_950;
/** Printed characters to which a line is cut at most. */
const MIN_LINE_LENGTH = 1_300;
/** Printed characters at the end of a text that are always kept: 300, even if all are escaped. */
const MIN_TAIL_LENGTH = 950;
/** Stands for the middle of a line. */
const CUT = ' … (the log above has the whole text) … ';
/** Printed characters of a line break, and of the line that counts omitted lines. */
const LINE_BREAK_LENGTH = 3;
const COUNT_LENGTH = 50;
/**
 * Returns the lines of a message so that they fit into an annotation. Shortens the longest lines in the middle. If that
 * is not enough, omits lines in the middle. Masked values must be replaced before.
 */
function fitAnnotation(lines) {
	const shortest = lines.map((line) => cutMiddle(line, MIN_LINE_LENGTH));
	if (printedLength(shortest.join('\n')) > MAX_ANNOTATION) return omitMiddle(shortest);
	// Few lines are longer than the minimum, since the others fit.
	const short = [...lines];
	for (;;) {
		const excess = printedLength(short.join('\n')) - MAX_ANNOTATION;
		if (excess <= 0) return short;
		const lengths = short.map(printedLength);
		const longest = Math.max(...lengths);
		const at = lengths.indexOf(longest);
		short[at] = cutMiddle(short[at] ?? '', Math.max(MIN_LINE_LENGTH, longest - excess));
	}
}
/** Omits lines in the middle. No line may be longer than the minimum to which lines are shortened. */
function omitMiddle(lines) {
	let tail = lines.length;
	let tailLength = 0;
	while (tailLength < MIN_TAIL_LENGTH) {
		tail--;
		tailLength += printedLength(lines[tail] ?? '') + LINE_BREAK_LENGTH;
	}
	const head = countFitting(lines.slice(0, tail), MAX_ANNOTATION - COUNT_LENGTH - tailLength, LINE_BREAK_LENGTH);
	return [...lines.slice(0, head), `and ${tail - head} more, listed in the log`, ...lines.slice(tail)];
}
/** Returns a text of at most `max` printed characters, whose middle is replaced if it is longer. */
function cutMiddle(text, max) {
	if (printedLength(text) <= max) return text;
	const room = max - printedLength(CUT);
	const tailRoom = Math.max(MIN_TAIL_LENGTH, Math.floor(room / 2));
	// Code points, so that no surrogate pair is split.
	const characters = [...text];
	const head = countFitting(characters, room - tailRoom);
	const tail = countFitting([...characters].reverse(), tailRoom);
	return `${characters.slice(0, head).join('')}${CUT}${characters.slice(-tail).join('')}`;
}
/**
 * Returns how many of the texts fit, from the first on.
 * @param more printed characters that each of them needs in addition
 */
function countFitting(texts, max, more = 0) {
	let length = 0;
	const at = texts.findIndex((text) => {
		length += printedLength(text) + more;
		return length > max;
	});
	return at < 0 ? texts.length : at;
}
/** Returns the characters of a text in a workflow command, in which `%` and line breaks become three characters. */
function printedLength(text) {
	return text.replace(/[%\r\n]/g, '%25').length;
}

// EXTERNAL MODULE: ./build/output/mask.js
var mask = __webpack_require__(549);
// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(4938);
;// CONCATENATED MODULE: ./build/output/log.js




// Every word that this action prints goes through this module. It replaces masked values in each text, and changes text
// of a server or a user that the runner would read as a command.
/**
 * Prints one line. Line breaks and control characters become spaces. `::` at its beginning is broken up, because the
 * runner reads such a line as a command.
 */
function info(text) {
	core/* info */.pq((0,output_text/* oneLine */.TN)(text).replace(/^\s*::/, ': :'));
}
/** Prints one line that is shown only if the workflow runs with debug logging. */
function debug(text) {
	core/* debug */.Yz((0,output_text/* oneLine */.TN)(text));
}
/**
 * Prints a notice annotation as one line. If it is too long, its longest parts are shortened, and the log has the whole
 * text.
 */
function notice(text) {
	annotate(core/* notice */.lm, text, ' ');
}
/** Prints a warning annotation as one line, like notice(). */
function warning(text) {
	annotate(core/* warning */.$e, text, ' ');
}
/**
 * Prints an error annotation, which may have several lines, and sets the exit code to 1. If it is too long, it is
 * shortened like a notice. If the message does not name the root cause, prints that as a debug line.
 */
function fail(error) {
	annotate(core/* setFailed */.C1, message(error), '\n');
	const root = rootCause(error);
	if (!message(error).includes(root)) debug(`Caused by: ${root}`);
}
/** Returns the message of an error without its stack, or the text of any other thrown value. */
function message(error) {
	return error instanceof Error ? error.message : String(error);
}
/**
 * Prints an annotation. GitHub would cut a long one without a notice, so a long one is shortened, and all of its lines are
 * printed in the log before it.
 */
function annotate(print, text, separator) {
	// Replace masked values before anything is cut: a part of one would no longer match.
	const lines = (0,mask/* redact */.E$)(text).split('\n').map(output_text/* oneLine */.TN);
	const short = fitAnnotation(lines);
	if (short.join('\n') !== lines.join('\n')) lines.forEach(info);
	print(short.join(separator));
}
/** Returns the message of the innermost cause. */
function rootCause(error) {
	return error instanceof Error && error.cause instanceof Error ? rootCause(error.cause) : message(error);
}


/***/ }),

/***/ 549:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $l: () => (/* binding */ maskSecret),
/* harmony export */   E$: () => (/* binding */ redact),
/* harmony export */   Wd: () => (/* binding */ flushMasks),
/* harmony export */   Xt: () => (/* binding */ MASKABLE_FORMAT),
/* harmony export */   eo: () => (/* binding */ secretForms),
/* harmony export */   gg: () => (/* binding */ maskToken),
/* harmony export */   h_: () => (/* binding */ isMaskable)
/* harmony export */ });
/* unused harmony export tokenForms */
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6058);

// Every mask of this action is registered through this module. It keeps each masked form for `redact`, and sends it to
// the runner, which masks it in the log of the whole job. Some runners echo a mask command and apply only the masks that
// they already have. If a short form came first, the echo of a longer form that begins like it would show the rest. So the
// longest form is sent first. Each mask slows every later line of the log, so forms that no tool prints are not masked.
/** The format of a secret that is masked in all forms. 48 KiB is the size of the largest secret that GitHub stores. */
const MASKABLE_FORMAT = '8 characters to 48 KiB of printable ASCII without spaces';
const MIN_LENGTH = 8;
const MAX_LENGTH = 48 * 1024;
/** Characters in a line of base64 as GNU coreutils prints it. */
const LINE_WIDTH = 76;
/** All masked forms, longest first: a shorter one may be part of a longer one. */
let masked = [];
/** Returns whether a secret or token has the format in which it is masked in all forms. */
function isMaskable(text) {
	return text.length >= MIN_LENGTH && text.length <= MAX_LENGTH && /^[\x21-\x7e]+$/.test(text);
}
/**
 * Masks a secret in the forms in which a later step may print it: as it is, URL-encoded, JSON-escaped and in base64.
 * @param names the ids or user names that may stand before the secret in HTTP's Basic scheme, as in `id:secret` (RFC
 *   7617)
 */
function maskSecret(secret, names = []) {
	register(secretForms(secret, names));
}
/** Masks a token as it is, URL-encoded, and in base64 of the token alone. */
function maskToken(token) {
	register(tokenForms(token));
}
/** Returns the forms that maskSecret() masks. */
function secretForms(secret, names) {
	if (!isMaskable(secret)) return linesOf(secret);
	return longestFirst([
		secret,
		...urlForms(secret),
		...jsonForms(secret),
		...base64Forms(secret),
		...base64Lines(secret, names),
	]);
}
/** Returns the forms that maskToken() masks. */
function tokenForms(token) {
	if (!isMaskable(token)) return linesOf(token);
	return longestFirst([token, encodeURIComponent(token), ...bothAlphabets(certainBase64(Buffer.from(token)))]);
}
/**
 * Waits until all masks are written to standard output. If its reader is slow, most of them are still in this process.
 * @throws {Error} if standard output cannot be written
 */
async function flushMasks() {
	const error = await new Promise((resolve) => process.stdout.write('', resolve));
	if (error) throw new Error(`Standard output cannot be written, so no secret can be masked: ${error.message}.`);
}
/** Replaces every masked form in a text by `***`, so that the output does not depend on the runner's own masking. */
function redact(text) {
	return masked.reduce((clean, form) => (form.length <= clean.length ? clean.replaceAll(form, '***') : clean), text);
}
/** Registers each form that is not masked yet. */
function register(forms) {
	const added = forms.filter((form) => !masked.includes(form));
	masked = longestFirst([...masked, ...added]);
	// Send all masks in one write.
	process.stdout.cork();
	added.forEach(_actions_core__WEBPACK_IMPORTED_MODULE_0__/* .setSecret */ .Pq);
	process.stdout.uncork();
}
/** Returns a text that is not maskable, and so is refused, and its lines. */
function linesOf(text) {
	return longestFirst([text, ...text.split(/[\r\n]+/).map((line) => line.trim())]);
}
/** Returns each form once, without those that are so short that masking them would hide ordinary text. */
function longestFirst(forms) {
	return [...new Set(forms)].filter((form) => form.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
}
/**
 * Returns the URL encodings of a secret: of encodeURIComponent, of RFC 3986, of paths, of forms, and of .NET, whose digits
 * are lower-case.
 */
function urlForms(secret) {
	const component = encodeURIComponent(secret);
	const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
	const form = new URLSearchParams({ '': secret }).toString().slice(1);
	const lower = form.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase());
	return [component, strict, strict.replaceAll('%2F', '/'), form, lower];
}
/** Returns the JSON escapes of a secret, without the quotes: the shortest, of Go, of PHP and of .NET. */
function jsonForms(secret) {
	const json = JSON.stringify(secret).slice(1, -1);
	const go = json.replace(/[<>&]/g, (character) => `\\u${hexCode(character)}`);
	const dotNet = secret
		.replaceAll('\\', '\\\\')
		.replace(/["&'+<>`]/g, (character) => `\\u${hexCode(character).toUpperCase()}`);
	return [json, go, json.replaceAll('/', '\\/'), dotNet];
}
function hexCode(character) {
	return character.charCodeAt(0).toString(16).padStart(4, '0');
}
/**
 * Returns what base64 contains of a secret. Three bytes become four characters, so the bytes before a secret shift it
 * by 0, 1 or 2 bytes. For each shift, returns the characters that do not depend on the bytes around the secret. For the
 * secret without other bytes, returns the padded text in addition.
 */
function base64Forms(secret) {
	const bytes = Buffer.from(secret);
	const shifted = [1, 2].map((shift) =>
		certainBase64(Buffer.concat([Buffer.alloc(shift), bytes])).slice(Math.ceil((shift * 8) / 6)),
	);
	return [bytes.toString('base64'), certainBase64(bytes), ...shifted].flatMap(bothAlphabets);
}
/**
 * Returns the lines in which `base64` prints a secret, alone and after each name. Bytes that follow, such as a line
 * break, change the end of the last line, so that line is returned with and without its end. Lines that the name alone
 * determines are left out.
 */
function base64Lines(secret, names) {
	return ['', ...names.map((name) => `${name}:`)].flatMap((before) => {
		const bytes = Buffer.from(before + secret);
		const publicPart = Buffer.from(before).toString('base64');
		return [bytes.toString('base64'), certainBase64(bytes)]
			.flatMap((text) => text.match(new RegExp(`.{1,${LINE_WIDTH}}`, 'g')) ?? [])
			.filter((line) => !publicPart.includes(line));
	});
}
/** Returns the base64 of some bytes without the characters that depend on the bytes that follow. */
function certainBase64(bytes) {
	return bytes.toString('base64').slice(0, Math.floor((bytes.length * 8) / 6));
}
/** Returns the text in base64 and in base64url (RFC 4648). */
function bothAlphabets(text) {
	return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}


/***/ }),

/***/ 4938:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Dq: () => (/* binding */ characterCount),
/* harmony export */   Ec: () => (/* binding */ hideLikelySecrets),
/* harmony export */   KE: () => (/* binding */ listed),
/* harmony export */   My: () => (/* binding */ SCHEME),
/* harmony export */   TN: () => (/* binding */ oneLine),
/* harmony export */   hD: () => (/* binding */ quote),
/* harmony export */   ts: () => (/* binding */ escapeInvisible),
/* harmony export */   xv: () => (/* binding */ truncate),
/* harmony export */   y8: () => (/* binding */ quoteUrl)
/* harmony export */ });
/* harmony import */ var _mask_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(549);

/** The scheme of a URL and the two slashes after it. */
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;
/** How many values a message lists at most, the characters of each, and the characters of all if there are several. */
const MAX_LISTED = 10;
const MAX_LISTED_VALUE = 400;
const MAX_LISTED_LENGTH = 300;
/** What looks like a secret of Scalekit, a token of GitHub or a JSON Web Token. In a wrong input it is not masked. */
const SECRET_LIKE = /(?<!\w)((test|live|prod)_|gh[opsur]_|github_pat_|eyJ)[\w.-]{20,}/g;
/**
 * Returns a value as an error shows it: masked values and what looks like a secret replaced, at most 80 characters,
 * quoted as in JSON, and with invisible characters escaped.
 */
function quote(value) {
	return escapeInvisible(JSON.stringify(truncate(hideLikelySecrets(value), 80)));
}
/** Returns values as a message lists them: the first ones, and how many more there are. Masked values are replaced. */
function listed(values) {
	const shown = [];
	let length = 0;
	for (const value of values.slice(0, MAX_LISTED)) {
		const text = truncate(value, MAX_LISTED_VALUE);
		length += text.length;
		if (shown.length > 0 && length > MAX_LISTED_LENGTH) break;
		shown.push(text);
	}
	const omitted = values.length - shown.length;
	return `${shown.join(', ')}${omitted > 0 ? ` and ${omitted} more` : ''}`;
}
/**
 * Replaces masked values, and then what looks like a secret. The other way round, the rest of a masked value of which only
 * the beginning looks like a secret would be shown.
 */
function hideLikelySecrets(text) {
	return (0,_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(text).replace(SECRET_LIKE, '***');
}
/**
 * Escapes invisible characters as in JSON, such as `\u200b` for a zero-width space.
 * @param characters what to escape. The default is Unicode's category Cf
 */
function escapeInvisible(text, characters = /\p{Cf}/gu) {
	return text.replace(characters, (character) =>
		character
			.split('')
			.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
			.join(''),
	);
}
/** Returns a URL as an error shows it. Hides what is before an `@` or after a `?` or `#`, since it may be a secret. */
function quoteUrl(text) {
	const clean = (0,_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(text);
	const [scheme = ''] = SCHEME.exec(clean) ?? [];
	const rest = clean.slice(scheme.length);
	const [queryStart, atSign] = [rest.search(/[?#]/), rest.lastIndexOf('@')];
	if (queryStart >= 0 && atSign > queryStart) return quote(`${scheme}***`);
	const shown = atSign < 0 ? rest : `***${rest.slice(atSign)}`;
	return quote(scheme + shown.replace(/[?#].*$/s, (tail) => `${tail[0]}***`));
}
/** Returns the number of characters as the API counts them: Unicode code points. */
function characterCount(text) {
	return [...text].length;
}
/**
 * Returns at most `length` code points of a text. If the text is longer, the last one is an ellipsis. Masked values are
 * replaced before the text is cut, because a part of one would no longer match a mask.
 */
function truncate(text, length) {
	const characters = [...(0,_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(text)];
	return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}
/**
 * Returns a text as one line. Masked values are replaced. Control characters, line separators and characters that
 * change the writing direction become spaces. `##[` is broken up, because the runner reads `##[command]` anywhere in a
 * line as a command (its older syntax).
 */
function oneLine(text) {
	const clean = (0,_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(text).replaceAll('##[', '## [');
	return /^[ -~]*$/.test(clean) ? clean : clean.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ');
}


/***/ }),

/***/ 1841:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony import */ var _output_exit_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9261);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1083);
/* harmony import */ var _undo_journal_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(169);



(0,_output_exit_js__WEBPACK_IMPORTED_MODULE_2__/* .runEntry */ .C)(
	async () => {
		const state = (0,_undo_journal_js__WEBPACK_IMPORTED_MODULE_1__/* .readState */ .un)();
		if (!state) return;
		// Most jobs have nothing to clean up and load no further modules.
		const { cleanUpAfterMain } = await Promise.all(/* import() | removal */[__webpack_require__.e(269), __webpack_require__.e(597)]).then(__webpack_require__.bind(__webpack_require__, 9553));
		await cleanUpAfterMain(state);
	},
	(error) => _output_log_js__WEBPACK_IMPORTED_MODULE_0__/* .warning */ .$e(`The state that main left cannot be used, so nothing was removed: ${_output_log_js__WEBPACK_IMPORTED_MODULE_0__/* .message */ .iU(error)}`),
	0,
);


/***/ }),

/***/ 179:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Cf: () => (/* binding */ parseListedClient),
/* harmony export */   E4: () => (/* binding */ MAX_CLAIM_KEY),
/* harmony export */   NL: () => (/* binding */ parsePage),
/* harmony export */   Rg: () => (/* binding */ parseClientSummary),
/* harmony export */   U6: () => (/* binding */ CLIENT_ID),
/* harmony export */   fI: () => (/* binding */ parseRequestedClient),
/* harmony export */   lG: () => (/* binding */ byCreateTime),
/* harmony export */   o7: () => (/* binding */ parseSecret),
/* harmony export */   vl: () => (/* binding */ plausibleTime),
/* harmony export */   zB: () => (/* binding */ MAX_NAME)
/* harmony export */ });
/* unused harmony export MAX_DESCRIPTION */
/* harmony import */ var _net_json_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7661);

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
/**
 * Milliseconds since the epoch: the start of 2020, and of the year 10000. A writer that does not know a time sends one long
 * before that. RFC 3339 has no year of five digits.
 */
const EARLIEST_TIME = Date.UTC(2020);
const END_OF_TIME = Date.UTC(10_000);
/** Compares two clients or secrets by `create_time`, the oldest first. An absent time is last: it may be the newest. */
function byCreateTime(one, other) {
	if (one.create_time === other.create_time) return 0;
	if (one.create_time === undefined) return 1;
	return other.create_time === undefined || one.create_time < other.create_time ? -1 : 1;
}
/**
 * Parses one page of a list of clients. An empty token marks the last page.
 * @throws {InvalidResponseError}
 */
function parsePage(text) {
	const page = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .parseJsonObject */ .dw)(text);
	return { clients: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .listField */ .FZ)(page, 'clients'), next_page_token: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(page, 'next_page_token') };
}
/**
 * Parses a client of a list. Returns a list of one client, or an empty list if it is invalid: an invalid client does
 * not belong to this action, and must not hide the clients that do.
 */
function parseListedClient(entry) {
	// To throw and catch an error for each of millions of entries would take minutes.
	if (typeof Object(entry).client_id !== 'string') return [];
	try {
		return [parseClientSummary(entry)];
	} catch {
		return [];
	}
}
/**
 * Parses the id, the description and, as far as they can be read, the claims of a client.
 * @throws {InvalidResponseError}
 */
function parseClientSummary(value) {
	const client = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .asObject */ .eB)(value, 'client');
	const client_id = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(client, 'client_id');
	if (!CLIENT_ID.test(client_id)) throw new _net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .InvalidResponseError */ .tF('client_id is not the id of an organization client');
	const description = client.description == null ? undefined : (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(client, 'description');
	return { client_id, description, custom_claims: readClaims(client), parse: () => parseClient(client, client_id) };
}
function readClaims(client) {
	try {
		return parseClaims(client);
	} catch {
		return undefined;
	}
}
function parseClaims(client) {
	return (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .listField */ .FZ)(client, 'custom_claims').map((entry) => {
		const claim = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .asObject */ .eB)(entry, 'custom_claims');
		return { key: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(claim, 'key'), value: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(claim, 'value') };
	});
}
function parseClient(client, client_id) {
	try {
		return {
			client_id,
			description: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(client, 'description'),
			organization_id: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(client, 'organization_id'),
			name: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(client, 'name'),
			scopes: stringListField(client, 'scopes'),
			audience: stringListField(client, 'audience'),
			custom_claims: parseClaims(client),
			expiry: secondsField(client, 'expiry'),
			create_time: timeField(client, 'create_time'),
			secrets: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .listField */ .FZ)(client, 'secrets').map(parseSecret),
		};
	} catch (error) {
		throw error instanceof _net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .InvalidResponseError */ .tF
			? new _net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .InvalidResponseError */ .tF(`client ${client_id} is not readable: ${error.message}`)
			: error;
	}
}
/**
 * Parses a secret.
 * @throws {InvalidResponseError}
 */
function parseSecret(value) {
	const secret = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .asObject */ .eB)(value, 'secret');
	const id = (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(secret, 'id');
	// The id becomes the last part of a path. As "..", it would make the path that of the client.
	if (!/^[\w-]{1,128}$/.test(id)) throw new _net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .InvalidResponseError */ .tF('id is not the id of a secret');
	const expire_time = timeField(secret, 'expire_time');
	const expired = expire_time !== undefined && expire_time < BigInt(Date.now()) * 1000000n;
	const deactivated = secret.status === 'INACTIVE' || secret.status === 1;
	return {
		id,
		create_time: timeField(secret, 'create_time'),
		suffix: (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(secret, 'secret_suffix'),
		active: !deactivated && !expired,
		deactivated,
		expire_time,
		last_used_time: timeField(secret, 'last_used_time'),
	};
}
function stringListField(object, field) {
	return (0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .listField */ .FZ)(object, field).map((entry) => {
		if (typeof entry !== 'string') throw new _net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .InvalidResponseError */ .tF(`${field} holds something else than strings`);
		return entry;
	});
}
/** Returns a number of seconds. Protobuf's JSON form writes an int64 as a string; lenient writers send a number. */
function secondsField(object, field) {
	const value = object[field] ?? undefined;
	const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
	if (number === undefined || (Number.isSafeInteger(number) && Number(number) >= 0)) return number;
	throw new _net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .InvalidResponseError */ .tF(`${field} is not a number of seconds`);
}
/**
 * Returns a time in nanoseconds since the epoch. The format is RFC 3339, with up to nine digits of a second. Returns
 * undefined if the field is absent, has another format, or is before 2020 or after 9999.
 */
function timeField(object, field) {
	const [, seconds, fraction = '', zone] =
		/^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec((0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .stringField */ .OM)(object, field)) ?? [];
	const milliseconds = plausibleTime(seconds ? Date.parse(`${seconds}${zone}`.toUpperCase()) : Number.NaN);
	if (milliseconds === undefined) return undefined;
	return BigInt(milliseconds) * 1000000n + BigInt(fraction.padEnd(9, '0'));
}
/** Returns a time in milliseconds since the epoch, or undefined if it is not one that a server may mean. */
function plausibleTime(milliseconds) {
	return milliseconds >= EARLIEST_TIME && milliseconds < END_OF_TIME ? milliseconds : undefined;
}
/** Parses the client in a response. @throws {InvalidResponseError} if it is not the requested one */
function parseRequestedClient(body, client_id) {
	const client = parseClientSummary((0,_net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .parseJsonObject */ .dw)(body).client);
	if (client.client_id !== client_id) throw new _net_json_js__WEBPACK_IMPORTED_MODULE_0__/* .InvalidResponseError */ .tF('it shows another client');
	return client;
}


/***/ }),

/***/ 5099:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony import */ var _inputs_inputs_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(204);
/* harmony import */ var _output_exit_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9261);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1083);



(0,_output_exit_js__WEBPACK_IMPORTED_MODULE_2__/* .runEntry */ .C)(
	async () => {
		const inputs = (0,_inputs_inputs_js__WEBPACK_IMPORTED_MODULE_0__/* .readSweepInputs */ .qd)(process.env);
		const { sweepJobClients } = await Promise.all(/* import() | removal */[__webpack_require__.e(269), __webpack_require__.e(597)]).then(__webpack_require__.bind(__webpack_require__, 8306));
		await sweepJobClients(inputs);
	},
	_output_log_js__WEBPACK_IMPORTED_MODULE_1__/* .fail */ .fJ,
	1,
);


/***/ }),

/***/ 169:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   CQ: () => (/* binding */ Journal),
/* harmony export */   dy: () => (/* binding */ isSealed),
/* harmony export */   hp: () => (/* binding */ deleteJournalFile),
/* harmony export */   kT: () => (/* binding */ readLastRecord),
/* harmony export */   un: () => (/* binding */ readState)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__webpack_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6760);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2___default = /*#__PURE__*/__webpack_require__.n(node_path__WEBPACK_IMPORTED_MODULE_2__);
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6058);
/* harmony import */ var _net_json_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(7661);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(1083);
/* harmony import */ var _main_process_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(6409);
/* harmony import */ var _pending_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(1737);








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
	/** Sentences about what cannot be undone. */
	irreversible = [];
	/**
	 * Writes the first record: main's process and the path of the journal file. Must be called before any request is sent.
	 * @param secret the environment's API secret, which seals the records
	 * @param folder the folder of the journal file. If it is not writable, the state file has the only records
	 * @throws {Error} if the runner's state file cannot be written
	 */
	constructor(state, secret, folder) {
		this.#secret = secret;
		const journal_file = createJournalFile(folder);
		this.#state = { ...state, process: (0,_main_process_js__WEBPACK_IMPORTED_MODULE_5__/* .thisProcess */ .W)(), journal_file };
		try {
			this.#write(this.#state);
		} catch {
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
		if (organization_id !== this.#state.organization_id) this.#recordResult({ organization_id });
	}
	/** Records that the create request is about to be sent. */
	clientSent(sent_again) {
		this.#recordIntent({ client: { sent_at: Date.now(), sent_again } });
	}
	/** Records what the response to the create request shows. */
	clientAnswered(shown) {
		const { sent_at = Date.now(), sent_again = false } = this.#state.client ?? {};
		this.#recordResult({ client: { sent_at, sent_again, ...shown } });
	}
	/** Records that the response shows another client: this step's may exist, and only its nonce shows which it is. */
	clientUnknown() {
		const { sent_at = Date.now() } = this.#state.client ?? {};
		this.#recordResult({ client: { sent_at, sent_again: true } });
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
		if (this.#state.secret) this.#recordResult({ secret: { ...this.#state.secret, id } });
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
		if ((0,_pending_js__WEBPACK_IMPORTED_MODULE_6__/* .isNothingPending */ .d)(this.#state)) return;
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
			if (isThere) this.#recordResult(Object.fromEntries(entries.map((entry) => [entry, undefined])));
		} catch {}
	}
	/** Ends the journal. If nothing is left to undo, empties the state, so that the post step has nothing to do. */
	end() {
		if (!(0,_pending_js__WEBPACK_IMPORTED_MODULE_6__/* .isNothingPending */ .d)(this.#state)) return;
		try {
			(0,_actions_core__WEBPACK_IMPORTED_MODULE_3__/* .saveState */ .LZ)(STATE_NAME, '');
		} catch {}
	}
	/** Records a change before it is sent. @throws {Error} if the record cannot be written. Nothing must be sent then */
	#recordIntent(change) {
		const state = { ...this.#state, ...change };
		try {
			this.#write(state);
		} catch (error) {
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
		} catch {}
	}
	#write(state) {
		const record = { ...state, counter: ++this.#counter };
		const text = JSON.stringify({ ...record, seal: seal(record, this.#secret) });
		try {
			if (state.journal_file) replaceFile(state.journal_file, text);
			(0,_actions_core__WEBPACK_IMPORTED_MODULE_3__/* .saveState */ .LZ)(STATE_NAME, text);
		} catch (error) {
			throw new Error(`Could not write the state for the post step: ${(0,_output_log_js__WEBPACK_IMPORTED_MODULE_4__/* .message */ .iU)(error)}.`);
		}
	}
}
/** Creates an empty journal file. Returns its path, or undefined if the folder cannot be used. */
function createJournalFile(folder) {
	if (!folder || !node_path__WEBPACK_IMPORTED_MODULE_2___default().isAbsolute(folder)) return undefined;
	const file = node_path__WEBPACK_IMPORTED_MODULE_2___default().join(folder, `scalekit-organization-client-${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(12).toString('hex')}`);
	try {
		writeNewFile(file, '');
		return file;
	} catch {
		return undefined;
	}
}
/** Replaces a file as a whole, so that a reader never sees a part of it. */
function replaceFile(file, text) {
	// Left over if an earlier record could not be written.
	node_fs__WEBPACK_IMPORTED_MODULE_1___default().rmSync(`${file}.new`, { force: true });
	writeNewFile(`${file}.new`, text);
	node_fs__WEBPACK_IMPORTED_MODULE_1___default().renameSync(`${file}.new`, file);
}
/** Writes a file that must not exist, not even as a link, and that only this user can read. */
function writeNewFile(file, text) {
	node_fs__WEBPACK_IMPORTED_MODULE_1___default().writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}
/**
 * Reads the state that main wrote.
 * @returns undefined if main left nothing to undo
 * @throws {Error} if the text is not a state
 */
function readState() {
	const text = (0,_actions_core__WEBPACK_IMPORTED_MODULE_3__/* .getState */ .Gu)(STATE_NAME);
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
		const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = (node_fs__WEBPACK_IMPORTED_MODULE_1___default().constants);
		file = node_fs__WEBPACK_IMPORTED_MODULE_1___default().openSync(state.journal_file ?? '', O_NOFOLLOW | O_NONBLOCK);
		const record = parseRecord(node_fs__WEBPACK_IMPORTED_MODULE_1___default().readFileSync(file, 'utf8'));
		if (record.nonce !== state.nonce || !isSealed(record, secret)) return undefined;
		return record.counter < state.counter ? state : record;
	} catch {
		return undefined;
	} finally {
		if (file !== undefined) node_fs__WEBPACK_IMPORTED_MODULE_1___default().closeSync(file);
	}
}
/** Deletes the journal file of a step. Never throws: the runner deletes its folder in any case. */
function deleteJournalFile({ journal_file }) {
	for (const file of journal_file ? [journal_file, `${journal_file}.new`] : []) {
		try {
			node_fs__WEBPACK_IMPORTED_MODULE_1___default().rmSync(file, { force: true });
		} catch {}
	}
}
/** Returns whether a step with the same API secret wrote this record. */
function isSealed({ seal: given, ...record }, secret) {
	const expected = Buffer.from(seal(record, secret));
	const actual = Buffer.from(typeof given === 'string' ? given : '');
	return secret !== '' && actual.length === expected.length && (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.timingSafeEqual)(actual, expected);
}
function parseRecord(text) {
	// The message of JSON.parse would quote the text, and post has masked nothing yet.
	return (0,_net_json_js__WEBPACK_IMPORTED_MODULE_7__/* .parseJsonObject */ .dw)(text);
}
/** Returns the HMAC-SHA-256 of a record, in base64url. */
function seal(record, secret) {
	return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHmac)('sha256', secret).update(JSON.stringify(record)).digest('base64url');
}


/***/ }),

/***/ 6409:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   W: () => (/* binding */ thisProcess),
/* harmony export */   a: () => (/* binding */ stopMain)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8500);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__webpack_require__.n(node_timers_promises__WEBPACK_IMPORTED_MODULE_1__);


/** Milliseconds that main gets to end after SIGINT. A request in flight gets five seconds of it. */
const END_LIMIT = 7_000;
/** Milliseconds between two looks at the process. */
const POLL_INTERVAL = 100;
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
	if (!main || !isRunning(main)) return 'ended';
	try {
		process.kill(main.pid, 'SIGINT');
	} catch {
		return isRunning(main) ? 'running' : 'stopped';
	}
	for (const until = performance.now() + END_LIMIT; performance.now() < until; ) {
		if (!isRunning(main)) return 'stopped';
		await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_1__.setTimeout)(POLL_INTERVAL);
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
		const stat = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(`/proc/${pid}/stat`, 'utf8');
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return /^[ZX]/i.test(fields[0] ?? '') ? undefined : fields[19];
	} catch {
		return undefined;
	}
}


/***/ }),

/***/ 1737:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   d: () => (/* binding */ isNothingPending)
/* harmony export */ });
/** Returns whether nothing is left to undo. */
function isNothingPending({ client, secret, variables }) {
	return !client && !secret && !variables;
}


/***/ })

};
;