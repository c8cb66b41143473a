"use strict";
exports.id = 597;
exports.ids = [597];
exports.modules = {

/***/ 96:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  auditClients: () => (/* binding */ auditClients)
});

// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(4938);
// EXTERNAL MODULE: ./build/client/identity.js
var identity = __webpack_require__(2537);
// EXTERNAL MODULE: ./build/client/marker.js
var client_marker = __webpack_require__(5425);
;// CONCATENATED MODULE: ./build/client/audit.js



// What audit/ says about a client: pure functions from what Scalekit and GitHub show to findings. All times are
// milliseconds since the epoch by Scalekit's clock. An undefined one is not known.
const DAY = 86_400_000;
const COPY_AGE = Number(identity/* COPY_AGE_NS */.Y0 / 1000000n);
/** Milliseconds after which the client of a job is a finding. Its job should have deleted it. */
const MAX_JOB_CLIENT_AGE = DAY;
/** Characters of a name or an environment. GitHub's environments have at most 255, and the values of claims no maximum. */
const MAX_TEXT = 300;
/** The kinds of findings, in the order in which a client's findings are listed. */
const FINDING_KINDS = [
	'several_markers',
	'contradictory_claims',
	'unreadable',
	'copy',
	'same_key',
	'no_active_secret',
	'too_many_secrets',
	'old_secret',
	'old_job_client',
	'repository_not_shown',
	'environment_not_shown',
];
/** Returns a client as the audit needs it. Undefined if its description has no ownership marker. */
function auditedClient({ client_id, description, parse }) {
	const [marker, ...others] = (0,client_marker/* parseMarkers */.FT)(description);
	if (!marker) return undefined;
	const client = (0,identity/* parseOrUndefined */.x9)(parse);
	const environment = client && onlyClaim(client, 'environment');
	const audited = {
		client_id,
		marker: others.length > 0 ? undefined : marker,
		name: client && (0,output_text/* truncate */.xv)(client.name, MAX_TEXT),
		create_time: milliseconds(client?.create_time),
		repository: client && onlyClaim(client, 'github_repository'),
		environment: environment && (0,output_text/* truncate */.xv)(environment, MAX_TEXT),
		isContradictory: others.length === 0 && client !== undefined && (0,identity/* contradictsItself */.AM)(client, marker),
		// Scalekit does not delete a client's last secret, so a response without any leaves them out.
		secrets: client?.secrets.length ? client.secrets.map(auditedSecret) : undefined,
	};
	// A copy, because the parts of the marker would keep the whole description in memory.
	return JSON.parse(JSON.stringify(audited));
}
function onlyClaim(client, key) {
	const [value, ...others] = (0,identity/* claimValues */.DZ)(client, key);
	return others.length === 0 ? value : undefined;
}
function auditedSecret({ id, deactivated = false, create_time, expire_time, last_used_time }) {
	return {
		id,
		deactivated,
		create_time: milliseconds(create_time),
		expire_time: milliseconds(expire_time),
		last_used_time: milliseconds(last_used_time),
	};
}
function milliseconds(nanoseconds) {
	return nanoseconds === undefined ? undefined : Number(nanoseconds / 1000000n);
}
/** Returns a function that returns the findings of a client. @param clients all clients with a marker */
function auditOf(clients, limits, now) {
	const oldest = new Map();
	const sharing = new Map();
	for (const { marker, create_time = Number.POSITIVE_INFINITY } of clients) {
		if (!marker) continue;
		oldest.set(marker.nonce, Math.min(oldest.get(marker.nonce) ?? create_time, create_time));
		sharing.set(marker.key, (sharing.get(marker.key) ?? 0) + 1);
	}
	return (client, visibility) => {
		const { key = '', nonce = '' } = client.marker ?? {};
		const isCopy = (ageBetween(oldest.get(nonce), client.create_time) ?? 0) > COPY_AGE;
		return [
			...ownerFindings(client, isCopy, sharing.get(key) ?? 0),
			...secretFindings(client, limits, now),
			...lifeFindings(client, visibility, now),
		];
	};
}
/** @param sharing how many clients have the identity hash of this one. Each job has a client of its own, with the same hash */
function ownerFindings({ marker, isContradictory, name }, isCopy, sharing) {
	return findings(
		[!marker, 'several_markers', 'has several different ownership markers'],
		[isContradictory, 'contradictory_claims', 'has a claim github_repository_id that names another repository'],
		[name === undefined, 'unreadable', 'has fields that cannot be read'],
		[isCopy, 'copy', 'has the nonce of a client that is more than an hour older, so it is a copy'],
		[
			marker?.lifetime === 'persistent' && sharing > 1,
			'same_key',
			`is one of ${sharing} persistent clients with the same identity hash`,
		],
	);
}
function secretFindings({ secrets }, limits, now) {
	if (!secrets) return [];
	const { max_secrets = Number.POSITIVE_INFINITY, max_secret_age = Number.POSITIVE_INFINITY } = limits;
	const active = secrets.filter((secret) => isActiveAt(secret, now));
	// A secret of unknown age may be the newest one.
	const age = Math.min(...active.map(({ create_time }) => ageInDays(create_time, now) ?? 0));
	return findings(
		[active.length === 0, 'no_active_secret', 'has no active secret'],
		[
			secrets.length > max_secrets,
			'too_many_secrets',
			`has ${secrets.length} secrets, and max_secrets is ${max_secrets}`,
		],
		[
			active.length > 0 && age > max_secret_age,
			'old_secret',
			`has no active secret younger than ${age.toFixed(1)} days, and max_secret_age is ${max_secret_age}`,
		],
	);
}
function lifeFindings({ marker, create_time }, visibility, now) {
	const age = ageBetween(create_time, now) ?? 0;
	return findings(
		[
			marker?.lifetime === 'job' && age > MAX_JOB_CLIENT_AGE,
			'old_job_client',
			`belongs to a job and is ${(age / DAY).toFixed(1)} days old`,
		],
		[
			visibility.repository === false,
			'repository_not_shown',
			'is for a repository that GitHub does not show to github_token',
		],
		[
			visibility.environment === false,
			'environment_not_shown',
			'is for an environment that GitHub does not show to github_token',
		],
	);
}
function findings(...checks) {
	return checks.flatMap(([isFound, kind, text]) => (isFound ? [{ kind, text }] : []));
}
/** Returns whether a secret is active. If Scalekit's time is not known, no secret counts as expired. */
function isActiveAt({ deactivated, expire_time }, now) {
	return !deactivated && (expire_time === undefined || now === undefined || expire_time >= now);
}
/** Returns the days between two times, with fractions. Undefined if one is not known. */
function ageInDays(time, now) {
	const age = ageBetween(time, now);
	return age === undefined ? undefined : age / DAY;
}
function ageBetween(time, now) {
	return time === undefined || now === undefined ? undefined : Math.max(0, now - time);
}

// EXTERNAL MODULE: ./build/github/api.js + 1 modules
var api = __webpack_require__(5302);
// EXTERNAL MODULE: ./build/github/runner.js
var runner = __webpack_require__(8801);
// EXTERNAL MODULE: ./build/output/log.js + 1 modules
var log = __webpack_require__(1083);
// EXTERNAL MODULE: ./build/output/outputs.js
var outputs = __webpack_require__(9359);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
var external_node_fs_default = /*#__PURE__*/__webpack_require__.n(external_node_fs_);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
var external_node_path_default = /*#__PURE__*/__webpack_require__.n(external_node_path_);
// EXTERNAL MODULE: ./build/output/mask.js
var mask = __webpack_require__(549);
;// CONCATENATED MODULE: ./build/output/report.js





/** Characters that are written at once. */
const CHUNK = 64 * 1024;
/**
 * Writes a JSON object into a new file that only this user can read, one entry of its last list after the other, so that a
 * long list is never in memory as a whole.
 * @param list name of the list
 * @returns the path of the file, whose name is random
 * @throws {Error} if the file cannot be written
 */
function writeReport(folder, head, list, entries) {
	const file = external_node_path_default().join(folder, `scalekit-audit-${(0,external_node_crypto_.randomBytes)(12).toString('hex')}.json`);
	try {
		// It must not exist, not even as a link.
		const descriptor = external_node_fs_default().openSync(file, 'wx', 0o600);
		try {
			for (const chunk of chunks(reportLines(head, list, entries))) external_node_fs_default().writeFileSync(descriptor, chunk);
		} finally {
			external_node_fs_default().closeSync(descriptor);
		}
		return file;
	} catch (error) {
		throw new Error(`Could not write the report: ${(0,log/* message */.iU)(error)}.`, { cause: error });
	}
}
function* reportLines(head, list, entries) {
	yield `${toJson(head).slice(0, -1)},"${list}":[`;
	let separator = '\n';
	for (const entry of entries) {
		yield separator + toJson(entry);
		separator = ',\n';
	}
	yield '\n]}\n';
}
/** Returns a value as JSON, with null in place of undefined. Masked values are replaced. */
function toJson(value) {
	return (0,mask/* redact */.E$)(JSON.stringify(value, (_, inner) => inner ?? null));
}
/** Joins texts until they are long enough to be written. */
function* chunks(texts) {
	let chunk = '';
	for (const text of texts) {
		chunk += text;
		if (chunk.length < CHUNK) continue;
		yield chunk;
		chunk = '';
	}
	yield chunk;
}

// EXTERNAL MODULE: ./build/output/summary.js
var summary = __webpack_require__(5081);
// EXTERNAL MODULE: ./build/scalekit/api.js
var scalekit_api = __webpack_require__(2582);
// EXTERNAL MODULE: ./build/inputs/specs.js + 3 modules
var specs = __webpack_require__(9843);
// EXTERNAL MODULE: ./build/net/json.js
var json = __webpack_require__(7661);
// EXTERNAL MODULE: ./build/net/api-error.js
var api_error = __webpack_require__(1308);
// EXTERNAL MODULE: ./build/net/clock.js
var clock = __webpack_require__(801);
;// CONCATENATED MODULE: ./build/steps/look-up.js



/** How many requests are sent at the same time. */
const PARALLEL = 8;
/** Failures after which nothing more is looked up. */
const MAX_FAILURES = 10;
/**
 * Looks up each key, eight at a time, within limits. A key that cannot be looked up does not stop the others, unless the
 * reason holds for all of them.
 * @param read looks up one key and keeps the result; throws an ApiError
 * @returns how much was not looked up
 * @throws {Error} if the run is cancelled
 */
async function lookUpEach(transport, keys, { max, time }, read) {
	const until = (0,clock/* clock */.p)() + time;
	const failures = [];
	let started = 0;
	let reason = `At most ${max} are looked up.`;
	let last = Math.min(max, keys.length);
	const work = async () => {
		while (started < last) {
			if ((0,clock/* clock */.p)() > until) {
				reason = 'The step ran out of time. Raise timeout.';
				last = started;
				return;
			}
			const key = keys[started++] ?? '';
			await read(key).catch((error) => {
				if (!(error instanceof api_error/* ApiError */.hD)) throw error;
				failures.push((0,log/* message */.iU)(error));
				if (holdsForAll(error) || failures.length === MAX_FAILURES) last = Math.min(last, started);
			});
		}
	};
	await Promise.all(Array.from({ length: PARALLEL }, work));
	if (transport.cancelled) throw new Error('Nothing was reported.');
	const count = keys.length - started + failures.length;
	return { count, reason: count === 0 ? '' : (failures[0] ?? reason) };
}
/** Returns whether the next request would fail for the same reason: no response, no permission, or a rate limit. */
function holdsForAll({ status, cause }) {
	return cause !== undefined || status === 401 || status === 429;
}

;// CONCATENATED MODULE: ./build/steps/places.js





/** Repositories that are looked up at most, and as many environments. */
const MAX_LOOK_UPS = 500;
const NOTHING = { count: 0, reason: '' };
/** The repositories and environments of clients, by what the clients, the runner and GitHub say. */
class Places {
	#runner;
	/** By id or by name in lower case: the name, or an empty text if GitHub does not show the repository. */
	#names = new Map();
	/** By name of the repository and the environment: whether GitHub shows it. */
	#environments = new Map();
	/** For how many clients it is not known whether GitHub shows their repository or environment. */
	missed = { repositories: NOTHING, environments: NOTHING };
	constructor(runner) {
		this.#runner = runner;
	}
	/** Looks up each repository and each environment once in GitHub, within limits. */
	async lookUp(github, clients) {
		const { transport } = github;
		const all = [...clients];
		const limits = () => ({ max: MAX_LOOK_UPS, time: transport.remaining });
		const keys = new Set(all.flatMap((client) => [repositoryKey(client) ?? [], creatorKey(client) ?? []].flat()));
		const repositories = await lookUpEach(transport, [...keys], limits(), async (key) => {
			this.#names.set(key, (await findRepository(github, key)) ?? '');
		});
		// Gitea and Forgejo have none.
		const hasEnvironments = !(0,runner/* isForgeApi */.So)(github.api);
		const places = new Set(hasEnvironments ? all.flatMap((client) => this.#environmentKey(client) ?? []) : []);
		const environments = await lookUpEach(transport, [...places], limits(), async (key) => {
			this.#environments.set(key, await hasEnvironment(github, key));
		});
		const unknown = all.filter((client) => this.visibilityOf(client).repository === undefined);
		const isUnknown = (client) => {
			const { repository, environment } = this.visibilityOf(client);
			// An environment of a repository that is not shown needs no second finding.
			return client.environment && repository !== false && environment === undefined;
		};
		this.missed = {
			repositories: missedOf(unknown, repositories.reason),
			environments: missedOf(hasEnvironments ? all.filter(isUnknown) : [], environments.reason || repositories.reason),
		};
	}
	/** Returns the repository that a client is for. GitHub's name precedes that in the claims, which may be older. */
	repositoryOf(client) {
		const { marker, repository = '', isContradictory } = client;
		const claimed = isContradictory || !specs/* REPOSITORY */.Bw.test(repository) ? undefined : repository;
		return { id: idOf(marker?.repo), name: this.#nameOf(repositoryKey(client), marker?.repo) ?? claimed };
	}
	/** Returns the repository whose workflow created a client. */
	creatorOf(client) {
		const { marker } = client;
		if (marker?.by === marker?.repo) return this.repositoryOf(client);
		return { id: idOf(marker?.by), name: this.#nameOf(creatorKey(client), marker?.by) };
	}
	/** Returns what GitHub says about the repository and the environment of a client. */
	visibilityOf(client) {
		const name = this.#names.get(repositoryKey(client) ?? '');
		return {
			repository: name === undefined ? undefined : name !== '',
			environment: this.#environments.get(this.#environmentKey(client) ?? ''),
		};
	}
	#nameOf(key, reference) {
		const { repository, repository_id } = this.#runner;
		const own = reference === (0,identity/* repositoryReference */.sk)(repository, repository_id) ? repository : undefined;
		return this.#names.get(key ?? '') || own;
	}
	/** Returns repository and environment as one text, if GitHub shows the repository. */
	#environmentKey(client) {
		const { environment } = client;
		const name = this.#names.get(repositoryKey(client) ?? '');
		// In a URL, "." and ".." would address another path, and half a surrogate pair has no encoding.
		return name && environment && !/^\.\.?$|\p{Cs}/u.test(environment) ? `${name}/${environment}` : undefined;
	}
}
function missedOf({ length: count }, reason) {
	return { count, reason: reason || 'Their markers and claims name none that can be looked up.' };
}
function idOf(reference = '') {
	return /^\d+$/.test(reference) ? reference : undefined;
}
/** Returns the id of the repository that a client is for, or the name in lower case if only the claims have one. */
function repositoryKey({ marker, repository = '' }) {
	const name = repository.toLowerCase();
	const isNamed = specs/* REPOSITORY */.Bw.test(name) && (0,identity/* repositoryReference */.sk)(name, undefined) === marker?.repo;
	return isNamed ? name : idOf(marker?.repo);
}
function creatorKey(client) {
	const { marker } = client;
	return marker?.by === marker?.repo ? repositoryKey(client) : idOf(marker?.by);
}
/**
 * Reads a repository by its id or its name. GitHub redirects a former name to the path with the id.
 * @returns its name, or undefined if GitHub does not show it
 */
async function findRepository(github, key) {
	const [owner = '', repo] = key.split('/');
	const path = repo
		? { route: 'GET /repos/{owner}/{repo}', parameters: { owner, repo } }
		: { route: 'GET /repositories/{id}', parameters: { id: key } };
	const parse = (repository) => {
		const name = (0,json/* stringField */.OM)(repository, 'full_name');
		const isAskedFor = repo ? name.toLowerCase() === key : repository.id === Number(key);
		if (!specs/* REPOSITORY */.Bw.test(name) || !isAskedFor) throw new json/* InvalidResponseError */.tF('it shows another repository');
		return name;
	};
	// The token may be a second old.
	return await github.retryIfNew(
		() => github.find({ operation: `read repository ${key}`, permission: 'repository', ...path }, parse),
		[401],
	);
}
/** @param key `owner/name/environment` */
async function hasEnvironment(github, key) {
	const [owner = '', repo = '', ...rest] = key.split('/');
	const parameters = { owner, repo, environment_name: rest.join('/') };
	const operation = `read the environments of ${owner}/${repo}`;
	const route = 'GET /repos/{owner}/{repo}/environments/{environment_name}';
	// A token that may read runs may read environments.
	return (await github.find({ operation, route, parameters, permission: 'runs' }, () => true)) ?? false;
}

;// CONCATENATED MODULE: ./build/steps/survey.js



/** Clients that are read by id at most. */
const MAX_READS = 1_000;
/**
 * Lists every client of the organization. An entry that leaves out the description or the secrets says nothing about
 * them, so such a client is read by its id: at most 1,000 of them, the most important ones first, in half of the time that
 * is left.
 */
async function surveyClients(scalekit) {
	const { transport } = scalekit;
	const { clients, unmarked, withoutSecrets, undescribed } = await listAll(scalekit);
	const limits = { max: MAX_READS, time: transport.remaining / 2 };
	const { reason } = await lookUpEach(transport, [...withoutSecrets, ...undescribed], limits, async (id) => {
		const read = await scalekit.getClient(id);
		for (const ids of [clients, undescribed]) ids.delete(id);
		const client = read && auditedClient(read);
		if (client) clients.set(id, client);
		// Without a response, it was deleted since.
		else if (read) unmarked.add(id);
	});
	// An entry that cannot be read has no id to read it by.
	const { unreadable } = scalekit;
	return {
		clients,
		unmarked: unmarked.size,
		undescribed: undescribed.size + unreadable,
		reason: reason || (unreadable > 0 ? 'The list has entries that cannot be read.' : ''),
	};
}
/** The clients of the list, each in one of these by its id, and in addition the ids of those without secrets. */
async function listAll(scalekit) {
	// By id: if the list changes while it is read, two pages may show the same client. The later one counts.
	const clients = new Map();
	const [unmarked, withoutSecrets] = [new Set(), new Set()];
	const [candidates, others] = [new Set(), new Set()];
	for await (const listed of scalekit.listClients()) {
		const { client_id, description } = listed;
		for (const ids of [clients, unmarked, withoutSecrets, candidates, others]) ids.delete(client_id);
		const client = auditedClient(listed);
		if (client) clients.set(client_id, client);
		// Some servers write an empty text for one that they leave out.
		else if (!description && mayBeOurs(listed)) candidates.add(client_id);
		else if (description === undefined) others.add(client_id);
		else unmarked.add(client_id);
		if (client && !client.secrets) withoutSecrets.add(client_id);
	}
	return { clients, unmarked, withoutSecrets, undescribed: new Set([...candidates, ...others]) };
}
/** Returns whether this action may have created a client, by its name or its claims. */
function mayBeOurs({ parse }) {
	const client = (0,identity/* parseOrUndefined */.x9)(parse);
	if (!client) return false;
	return client.name.startsWith('GitHub Actions: ') || (0,identity/* claimValues */.DZ)(client, 'github_repository').length > 0;
}

// EXTERNAL MODULE: ./build/commands/session.js
var session = __webpack_require__(4386);
;// CONCATENATED MODULE: ./build/commands/audit.js












/** Clients with findings that the log names at most. */
const MAX_LOGGED = 200;
/** Runs `audit/`: lists the clients with an ownership marker, and what is odd about them. Sends only requests that read. */
async function auditClients(inputs) {
	await (0,session/* runWithTransport */.H)(inputs, run);
}
async function run(inputs, transport) {
	const audit = await collect(inputs, transport);
	const { findings, organization_id, gaps } = audit;
	(0,outputs/* setOutputs */.n)({ findings: `${findings.count}` });
	logAudit(audit);
	showSummary(audit);
	for (const gap of gaps) log/* warning */.$e(`${gapText(gap)} ${gap.reason}`);
	const report = writeReport(inputs.folder, reportHead(inputs, audit), 'clients', reportEntries(audit));
	(0,outputs/* setOutputs */.n)({ report });
	log/* info */.pq(`The report is ${report}.`);
	if (findings.count === 0) return;
	const text = `${counted(findings.count, 'finding')} about the clients of organization ${organization_id}: ${findings.kinds}. The job summary and the report name the clients.`;
	if (inputs.fail_on_findings) throw new Error(text);
	log/* warning */.$e(text);
}
/** Reads everything. The time that the transport keeps for roll-back is left for writing the report. */
async function collect(inputs, transport) {
	const { github, runner } = inputs;
	const scalekit = await scalekit_api/* Scalekit */.x.open(transport, inputs);
	const survey = await surveyClients(scalekit);
	const { time: now } = scalekit;
	const places = new Places(runner);
	if (github) await places.lookUp(new api/* GitHub */.g(transport, github), survey.clients.values());
	const rows = rowsOf(survey.clients, inputs, now, places);
	return {
		organization_id: scalekit.organization_id,
		now,
		places,
		counts: { marked: survey.clients.size, unmarked: survey.unmarked, undescribed: survey.undescribed },
		rows,
		gaps: gapsOf(survey, places, now),
		findings: countFindings(rows()),
	};
}
/** Returns a function that yields each client with its findings. No list of them is in memory, because it may be long. */
function rowsOf(clients, limits, now, places) {
	const findingsOf = auditOf(clients.values(), limits, now);
	return function* () {
		for (const isOdd of [true, false]) {
			for (const client of clients.values()) {
				const findings = findingsOf(client, places.visibilityOf(client));
				if (findings.length > 0 === isOdd) yield { client, findings };
			}
		}
	};
}
function countFindings(rows) {
	const counts = new Map(FINDING_KINDS.map((kind) => [kind, 0]));
	let odd = 0;
	for (const { findings } of rows) {
		if (findings.length > 0) odd++;
		for (const { kind } of findings) counts.set(kind, (counts.get(kind) ?? 0) + 1);
	}
	return {
		odd,
		count: [...counts.values()].reduce((sum, count) => sum + count),
		kinds: [...counts].flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : [])).join(', '),
	};
}
function gapsOf({ clients, undescribed, reason }, { missed }, now) {
	const all = [...clients.values()];
	const withoutSecrets = all.filter(({ secrets }) => !secrets).length;
	const isUndated = (one) => (now && one.create_time) === undefined;
	const undated = all.filter((client) => [client, ...(client.secrets ?? [])].some(isUndated)).length;
	const noTime = now === undefined ? 'Scalekit sent no valid Date header.' : 'The responses show no valid create_time.';
	const gaps = [
		{ what: 'descriptions', count: undescribed, reason },
		{ what: 'secrets', count: withoutSecrets, reason: reason || 'The responses do not show them.' },
		{ what: 'repositories', ...missed.repositories },
		{ what: 'environments', ...missed.environments },
		{ what: 'ages', count: undated, reason: noTime },
	];
	return gaps.filter(({ count }) => count > 0);
}
/** Returns what is not known, as a sentence. */
function gapText({ what, count }) {
	const clients = counted(count, 'client');
	switch (what) {
		case 'descriptions':
			return `The description of ${clients} was not read, so each may have an ownership marker.`;
		case 'secrets':
			return `The secrets of ${clients} were not read.`;
		case 'ages':
			return `The ages of ${clients}, or of secrets of them, are not known.`;
		default:
			return `It is not known whether GitHub shows the ${what} of ${clients} to github_token.`;
	}
}
/** Returns a number and a noun, such as `2 clients`. */
function counted(count, noun) {
	return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
/** Returns how many clients have an ownership marker, as a sentence. */
function countsText({ organization_id, counts: { marked, unmarked } }) {
	return `Organization ${organization_id}: ${counted(marked, 'client')} with an ownership marker, ${unmarked} without.`;
}
function logAudit(audit) {
	log/* info */.pq(countsText(audit));
	let left = Math.min(audit.findings.odd, MAX_LOGGED);
	for (const { client, findings } of audit.rows()) {
		if (left-- === 0) break;
		const texts = findings.map(({ text }) => text).join('; ');
		log/* info */.pq(`Client ${client.client_id} ${(0,output_text/* quote */.hD)(client.name ?? '')} ${texts}.`);
	}
	const more = audit.findings.odd - MAX_LOGGED;
	if (more > 0) log/* info */.pq(`The report has findings about ${counted(more, 'more client')}.`);
}
/** Writes the job summary: as many clients as GitHub allows, those with findings first. */
function showSummary(audit) {
	const { counts, gaps, findings } = audit;
	const shown = (0,summary/* fittingRows */.v$)(summaryRows(audit));
	const omitted = counts.marked - shown.length;
	const notes = [
		countsText(audit),
		...(findings.count > 0 ? [`Findings: ${findings.kinds}.`] : []),
		...gaps.map((gap) => `${gapText(gap)} ${(0,summary/* cell */.Hn)([gap.reason])}`),
		...(omitted > 0 ? [`The table leaves out ${counted(omitted, 'client')}. The report has all of them.`] : []),
	];
	const header = ['Client', 'Findings', 'Name', 'For', 'Created by', 'Lifetime', 'Secrets', 'Days old', 'Days unused'];
	const title = `Scalekit organization clients: ${counted(findings.count, 'finding')}`;
	(0,summary/* writeSummary */.Sy)(title, [header.map((data) => ({ data, header: true })), ...shown], notes);
}
function* summaryRows({ rows, places, now }) {
	for (const { client, findings } of rows()) {
		const { client_id, name, environment, marker } = client;
		const creator = places.creatorOf(client);
		yield [
			(0,summary/* cell */.Hn)([client_id]),
			(0,summary/* cell */.Hn)(findings.map(({ text }) => text)),
			(0,summary/* cell */.Hn)(name ? [name] : []),
			(0,summary/* cell */.Hn)([repositoryText(places.repositoryOf(client)), environment ?? ''].filter(Boolean)),
			marker ? (0,summary/* link */.nf)([repositoryText(creator), marker.run].filter(Boolean).join(' '), urlOf(client, creator)) : (0,summary/* cell */.Hn)([]),
			(0,summary/* cell */.Hn)(marker ? [marker.lifetime] : []),
			...secretCells(client, now),
		];
	}
}
function repositoryText({ name, id }) {
	return name ?? id ?? '';
}
/** Returns how many secrets are active, the ages of all, and the time since one was last used, each as a cell. */
function secretCells({ secrets }, now) {
	if (!secrets) return [(0,summary/* cell */.Hn)(['not read']), (0,summary/* cell */.Hn)([]), (0,summary/* cell */.Hn)([])];
	const active = secrets.filter((secret) => isActiveAt(secret, now)).length;
	const ages = secrets.map(({ create_time }) => ageInDays(create_time, now)?.toFixed(0) ?? '?');
	const uses = secrets.flatMap(({ last_used_time }) => ageInDays(last_used_time, now) ?? []);
	const lastUse = uses.length > 0 ? [Math.min(...uses).toFixed(0)] : [];
	return [
		(0,summary/* cell */.Hn)([`${active} of ${secrets.length} active`]),
		(0,summary/* cell */.Hn)(ages.length > 0 ? [ages.join(', ')] : []),
		(0,summary/* cell */.Hn)(lastUse),
	];
}
/** Returns the URL of the attempt of the run that created a client, or an empty text if its repository has no name. */
function urlOf({ marker }, { name }) {
	if (!name) return '';
	const [GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT] = marker?.run.split('.') ?? [];
	return (0,runner/* runUrl */.Vp)({ ...process.env, GITHUB_REPOSITORY: name, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT });
}
/** Returns everything of the report except its clients. audit/report.schema.json describes the form. */
function reportHead({ max_secret_age, max_secrets }, audit) {
	const { organization_id, now, counts, findings, gaps } = audit;
	const head = { version: 1, organization_id, time: isoTime(now), max_secret_age, max_secrets };
	return { ...head, findings: findings.count, counts, not_read: gaps };
}
function* reportEntries({ rows, places, now }) {
	const timesOf = (create_time) => {
		const age = ageInDays(create_time, now);
		return { create_time: isoTime(create_time), age_days: age === undefined ? age : Math.round(age * 100) / 100 };
	};
	for (const { client, findings } of rows()) {
		const { client_id, name, create_time, marker, environment, secrets } = client;
		const creator = places.creatorOf(client);
		const [run_id, attempt] = marker?.run.split('.') ?? [];
		yield {
			client_id,
			name,
			...timesOf(create_time),
			key: marker?.key,
			lifetime: marker?.lifetime,
			repository: places.repositoryOf(client),
			environment,
			created_by: marker && {
				repository: creator,
				run_id,
				run_attempt: Number(attempt),
				url: urlOf(client, creator) || undefined,
			},
			secrets: secrets?.map((secret) => ({
				id: secret.id,
				active: isActiveAt(secret, now),
				...timesOf(secret.create_time),
				expire_time: isoTime(secret.expire_time),
				last_used_time: isoTime(secret.last_used_time),
			})),
			findings,
		};
	}
}
/** Formats a time in milliseconds since the epoch by ISO 8601, in UTC. */
function isoTime(time) {
	return time === undefined ? undefined : new Date(time).toISOString();
}


/***/ }),

/***/ 9553:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   cleanUpAfterMain: () => (/* binding */ cleanUpAfterMain)
/* harmony export */ });
/* harmony import */ var _github_api_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5302);
/* harmony import */ var _github_runner_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8801);
/* harmony import */ var _github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2447);
/* harmony import */ var _inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1809);
/* harmony import */ var _inputs_reader_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(462);
/* harmony import */ var _net_transport_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(2677);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(1083);
/* harmony import */ var _scalekit_api_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(2582);
/* harmony import */ var _undo_by_hand_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(1055);
/* harmony import */ var _undo_journal_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(169);
/* harmony import */ var _undo_main_process_js__WEBPACK_IMPORTED_MODULE_10__ = __webpack_require__(6409);
/* harmony import */ var _undo_pending_js__WEBPACK_IMPORTED_MODULE_13__ = __webpack_require__(1737);
/* harmony import */ var _undo_remove_js__WEBPACK_IMPORTED_MODULE_11__ = __webpack_require__(5456);
/* harmony import */ var _undo_restore_variables_js__WEBPACK_IMPORTED_MODULE_12__ = __webpack_require__(808);














/** Seconds. Stopping main and the search for a client that may still appear take longer than the shortest `timeout`. */
const MIN_TIMEOUT = 30;
/**
 * Runs post: stops main if it still runs, and undoes what main created and did not publish. Never fails the job.
 * @param state what main wrote into the runner's state file. It may be older than what main did
 */
async function cleanUpAfterMain(state) {
	// Nothing is masked before something is printed.
	const unmasked = (0,_inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__/* .readUnmaskedCredentials */ .rW)(process.env);
	const distrust = reasonNotToTrust(unmasked, state);
	const { pending, ...leftovers } = distrust ? { pending: state } : await findLeftovers(state, unmasked.client_secret);
	if (!distrust && (0,_undo_pending_js__WEBPACK_IMPORTED_MODULE_13__/* .isNothingPending */ .d)(pending)) return;
	const credentials = (0,_inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__/* .readCredentials */ .L1)(process.env);
	const token = (0,_inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__/* .readGitHubToken */ .nC)();
	if (distrust) {
		_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e(`What this step created may be left over: ${distrust} ${(0,_undo_by_hand_js__WEBPACK_IMPORTED_MODULE_8__/* .whereToLook */ .iX)(state)}`);
		return;
	}
	const unsafe = (0,_inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__/* .unsafeSetting */ .br)(process.env);
	const obstacle = leftovers.obstacle ?? (unsafe && `NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}`);
	const transport = new _net_transport_js__WEBPACK_IMPORTED_MODULE_5__/* .Transport */ .oK(state.run, Math.max((0,_inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__/* .readTimeout */ .OW)(), MIN_TIMEOUT));
	transport.releaseCleanupTime();
	const scalekit = new _scalekit_api_js__WEBPACK_IMPORTED_MODULE_7__/* .Scalekit */ .x(transport, pending.origin, pending.organization_id);
	if (obstacle) {
		const calls = pending.organization_id ? (0,_undo_by_hand_js__WEBPACK_IMPORTED_MODULE_8__/* .manualCalls */ .mw)(scalekit, pending) : (0,_undo_by_hand_js__WEBPACK_IMPORTED_MODULE_8__/* .whereToLook */ .iX)(pending);
		_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e(`What this step created may be left over: ${obstacle}. ${calls}`);
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
		return 'the post step has no API credentials, neither from the inputs nor from the variables. No request was sent.';
	const isThisRun = !process.env.GITHUB_RUN_ID || state.run === (0,_github_runner_js__WEBPACK_IMPORTED_MODULE_1__/* .readRunner */ .fY)(process.env).run;
	if (isThisRun && (0,_undo_journal_js__WEBPACK_IMPORTED_MODULE_9__/* .isSealed */ .dy)(state, client_secret)) return undefined;
	return 'the saved state does not match this run and these credentials; another step may have changed one of them. No request was sent.';
}
/**
 * Stops main if it still runs, and reads what it left to undo. The journal file has main's last record. Without it, the
 * state may be older than a save, so nothing persistent may be deleted by it.
 */
async function findLeftovers(state, secret) {
	const main = await (0,_undo_main_process_js__WEBPACK_IMPORTED_MODULE_10__/* .stopMain */ .a)(state.process);
	const record = (0,_undo_journal_js__WEBPACK_IMPORTED_MODULE_9__/* .readLastRecord */ .kT)(state, secret);
	if (main === 'running')
		return { pending: withSearch(record ?? state), obstacle: 'main still runs and could not be stopped' };
	(0,_undo_journal_js__WEBPACK_IMPORTED_MODULE_9__/* .deleteJournalFile */ .hp)(state);
	if (record) return { pending: record };
	const isComplete = state.journal_file === undefined && main === 'ended';
	if (isComplete) return { pending: state };
	if (state.lifetime === 'job') return { pending: withSearch(state) };
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
		_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e((0,_undo_restore_variables_js__WEBPACK_IMPORTED_MODULE_12__/* .variablesNotRestored */ .v)(pending, 'the post step has no github_token'));
		return;
	}
	const savedCredentials = new _github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_2__/* .SavedCredentials */ .uB(new _github_api_js__WEBPACK_IMPORTED_MODULE_0__/* .GitHub */ .g(transport, { api: pending.api, token }), pending.location);
	const { done, remaining } = await (0,_undo_restore_variables_js__WEBPACK_IMPORTED_MODULE_12__/* .restoreVariables */ .s)(savedCredentials, pending);
	done.forEach(_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .info */ .pq);
	remaining.forEach(_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e);
}
/** Removes the client and the secret that main created. */
async function removePending(scalekit, state, credentials) {
	try {
		await scalekit.signIn(credentials);
		// Only a state that is older than the journal file can lack the organization.
		if (!state.organization_id) await scalekit.selectOrganization((0,_inputs_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readInput */ .R5)('organization_external_id'));
	} catch (error) {
		const calls = (0,_undo_by_hand_js__WEBPACK_IMPORTED_MODULE_8__/* .manualCalls */ .mw)(scalekit, state);
		_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e(`What this step created may be left over: ${_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .message */ .iU(error)} ${calls}`);
		return;
	}
	const { removed, notFound, remaining } = await (0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_11__/* .cleanUp */ .nY)(scalekit, state, _undo_remove_js__WEBPACK_IMPORTED_MODULE_11__/* .LATE_CREATE_WINDOW */ .DU);
	for (const what of removed) _output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .info */ .pq(`Deleted ${what}.`);
	if (notFound)
		_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .info */ .pq(
			state.client?.id
				? 'The client was already deleted.'
				: 'The list shows no client of the create request that was cut off.',
		);
	if (remaining.length > 0) _output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e(remaining.join('\n'));
}


/***/ }),

/***/ 4403:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   deleteManagedClients: () => (/* binding */ deleteManagedClients)
/* harmony export */ });
/* unused harmony export isDeletable */
/* harmony import */ var _client_identity_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2537);
/* harmony import */ var _client_marker_js__WEBPACK_IMPORTED_MODULE_16__ = __webpack_require__(5425);
/* harmony import */ var _client_saved_state_js__WEBPACK_IMPORTED_MODULE_17__ = __webpack_require__(1208);
/* harmony import */ var _github_api_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5302);
/* harmony import */ var _github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2447);
/* harmony import */ var _inputs_desired_client_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6295);
/* harmony import */ var _net_api_error_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(1308);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(1083);
/* harmony import */ var _output_outputs_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(9359);
/* harmony import */ var _output_summary_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(5081);
/* harmony import */ var _output_text_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(4938);
/* harmony import */ var _scalekit_api_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(2582);
/* harmony import */ var _scalekit_types_js__WEBPACK_IMPORTED_MODULE_10__ = __webpack_require__(179);
/* harmony import */ var _steps_find_js__WEBPACK_IMPORTED_MODULE_11__ = __webpack_require__(4440);
/* harmony import */ var _steps_kept_clients_js__WEBPACK_IMPORTED_MODULE_12__ = __webpack_require__(6690);
/* harmony import */ var _steps_resolve_target_js__WEBPACK_IMPORTED_MODULE_13__ = __webpack_require__(4966);
/* harmony import */ var _undo_remove_js__WEBPACK_IMPORTED_MODULE_14__ = __webpack_require__(5456);
/* harmony import */ var _session_js__WEBPACK_IMPORTED_MODULE_15__ = __webpack_require__(4386);


















/** Runs `delete/`: deletes the persistent clients of a repository and environment, and their saved credentials. */
async function deleteManagedClients(inputs) {
	await (0,_session_js__WEBPACK_IMPORTED_MODULE_15__/* .runWithTransport */ .H)(inputs, run);
}
async function run(inputs, transport) {
	inputs.notices.forEach(_output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .notice */ .lm);
	// This command has no roll-back to keep time for.
	transport.releaseCleanupTime();
	const [target, scalekit] = await Promise.all([
		(0,_steps_resolve_target_js__WEBPACK_IMPORTED_MODULE_13__/* .resolveTarget */ .u)(inputs, transport, process.env),
		_scalekit_api_js__WEBPACK_IMPORTED_MODULE_9__/* .Scalekit */ .x.open(transport, inputs),
	]);
	const location = (0,_inputs_desired_client_js__WEBPACK_IMPORTED_MODULE_3__/* .resolveSecretLocation */ .u0)(inputs, target);
	const query = queryFor(inputs, target);
	const [{ deletable: listed, kept }, found] = await Promise.all([
		findDeletableClients(scalekit, inputs.client_id, query),
		openSavedCredentials(inputs, location, transport),
	]);
	const owner = { key: query.marker.key, organization_id: scalekit.organization_id };
	const deletable = found && isDeletable(found.saved, owner, inputs.client_id) ? found : undefined;
	if (found && !deletable && !isNothingSaved(found.saved)) _output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .warning */ .$e(notDeletedWarning(found, owner));
	const isListed = (id) => kept.has(id) || listed.some(({ client_id }) => client_id === id);
	const unlisted = deletable && (await findUnlistedClient(scalekit, deletable.saved, isListed, query, kept));
	kept.warnings().forEach(_output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .warning */ .$e);
	const clients = [...listed, ...(unlisted ? [unlisted] : [])];
	const nothing = nothingText(scalekit, inputs.client_id, query);
	if (inputs.dry_run) showPlan(clients, deletable, nothing);
	else await deleteAll(scalekit, clients, deletable, nothing);
}
function queryFor(inputs, target) {
	const identity = (0,_inputs_desired_client_js__WEBPACK_IMPORTED_MODULE_3__/* .identityFor */ .K5)(inputs, target, 'persistent');
	const repo = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .repositoryReference */ .sk)(target.repository, target.repository_id);
	return { identity, marker: { key: (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .identityHash */ .Jf)(identity), repo }, fields: { name: (0,_inputs_desired_client_js__WEBPACK_IMPORTED_MODULE_3__/* .clientName */ .V8)(inputs, target) } };
}
/**
 * Finds the client that `client_id` names, or all with our identity hash. The clients need not be readable as a whole.
 * @returns in addition `kept`: the clients that may be ours and are not deleted
 */
async function findDeletableClients(scalekit, client_id, query) {
	if (client_id) {
		const kept = new _steps_kept_clients_js__WEBPACK_IMPORTED_MODULE_12__/* .KeptClients */ .Jr();
		const client = await (0,_steps_find_js__WEBPACK_IMPORTED_MODULE_11__/* .getNamedClient */ .Hk)(scalekit, { client_id, ...query });
		if (!client) return { deletable: [], kept };
		if (client.marker) return { deletable: [{ client_id, marker: client.marker, justRead: true }], kept };
		throw new Error(`Client ${client_id} is not deleted: its description has no ownership marker.`);
	}
	const found = await (0,_steps_find_js__WEBPACK_IMPORTED_MODULE_11__/* .findRelated */ .f7)(scalekit, (0,_steps_find_js__WEBPACK_IMPORTED_MODULE_11__/* .mayBeOurs */ .UN)(query), (client) => relationToQuery(client, query));
	for (const { client_id } of (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .copiesAmong */ .uW)(found.ours)) found.kept.add('copy', client_id);
	return { deletable: found.ours.filter(({ client_id }) => !found.kept.has(client_id)), kept: found.kept };
}
/** Returns a client if it is ours, even if it is not readable as a whole, and otherwise what it is to this step. */
function relationToQuery(client, query) {
	const relation = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .relationOf */ .Ke)(client, query);
	if (relation !== 'ours') return relation;
	// A client that is ours has exactly one marker.
	const marker = (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_16__/* .parseMarker */ .gY)(client.description);
	return { client_id: client.client_id, marker, create_time: (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .parseOrUndefined */ .x9)(client.parse)?.create_time };
}
/**
 * Reads the saved credentials, and checks as far as reading can that the token may delete them.
 * @returns undefined if there is nothing to delete: no location was given, or the environment does not exist
 */
async function openSavedCredentials({ github }, location, transport) {
	if (!github || !location) return undefined;
	const savedCredentials = new _github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_2__/* .SavedCredentials */ .uB(new _github_api_js__WEBPACK_IMPORTED_MODULE_1__/* .GitHub */ .g(transport, github), location);
	try {
		return { credentials: savedCredentials, saved: await savedCredentials.open({ mayBeGone: true }) };
	} catch (error) {
		if (!(error instanceof _net_api_error_js__WEBPACK_IMPORTED_MODULE_4__/* .ApiError */ .hD && error.status === 404)) throw error;
	}
	// GitHub also answers 404 to a token without permission, and to one that it does not know yet. So check first that the
	// token can see the repository.
	await savedCredentials.requireVisibleRepository();
	if (!(await savedCredentials.environmentExists())) return undefined;
	return { credentials: savedCredentials, saved: await savedCredentials.open() };
}
/**
 * Returns whether saved credentials are deleted: `…_STATE` names this owner, or `client_id` names the client that they
 * belong to. That client is deleted by this step, or it does not exist.
 */
function isDeletable(saved, owner, client_id) {
	const isNamed = client_id !== '' && saved.client_id?.trim() === client_id;
	const isOwners = (0,_client_saved_state_js__WEBPACK_IMPORTED_MODULE_17__/* .savedSecretId */ .vV)(saved, owner) !== undefined && (client_id === '' || saved.client_id === undefined);
	return isNamed || isOwners;
}
function isNothingSaved({ client_id, state, secretTime }) {
	return client_id === undefined && state === undefined && secretTime === undefined;
}
/** Returns why saved credentials are not deleted. */
function notDeletedWarning({ credentials: { location }, saved }, owner) {
	const { id_variable, state_variable } = location;
	const why = !(0,_client_saved_state_js__WEBPACK_IMPORTED_MODULE_17__/* .isOtherOwners */ .h8)(saved, owner)
		? `${id_variable} does not hold the client_id that is deleted`
		: saved.state === undefined
			? `there is no ${state_variable}, so this action did not save them`
			: `by ${state_variable}, they do not belong to this repository, environment, name and organization`;
	return `Not deleting ${(0,_github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_2__/* .entryNames */ .VM)(location)}: ${why}.`;
}
/**
 * Returns the client with our identity hash that only the saved id names, because the list may lag.
 * @param isListed whether the list showed a client, so that it is deleted anyway or must not be
 */
async function findUnlistedClient(scalekit, saved, isListed, query, kept) {
	const id = saved.client_id?.trim() ?? '';
	if (!_scalekit_types_js__WEBPACK_IMPORTED_MODULE_10__/* .CLIENT_ID */ .U6.test(id) || isListed(id)) return undefined;
	const named = await scalekit.getClient(id);
	if (!named) return undefined;
	const relation = relationToQuery(named, query);
	if (typeof relation === 'object') return relation;
	if (relation !== 'unrelated') kept.add(relation, id);
	return undefined;
}
/** Returns the sentence that there is nothing to delete, and what was looked for. */
function nothingText({ organization_id }, client_id, { identity }) {
	const { repository, environment, name } = identity;
	const wanted = client_id
		? `client ${client_id}`
		: [`a client of ${repository}`, environment && `environment ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_8__/* .quote */ .hD)(environment)}`, name && `name ${(0,_output_text_js__WEBPACK_IMPORTED_MODULE_8__/* .quote */ .hD)(name)}`]
				.filter(Boolean)
				.join(', ');
	return `There is nothing to delete. Looked for ${wanted} in organization ${organization_id}.`;
}
/** Shows what a run without `dry_run` would delete. */
function showPlan(clients, deletable, nothing) {
	const all = [
		...clients.map(({ client_id }) => `client ${client_id}`),
		...(deletable ? [(0,_github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_2__/* .entryNames */ .VM)(deletable.credentials.location)] : []),
	];
	_output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(all.length > 0 ? 'Dry run: nothing was changed. A run without dry_run would' : nothing);
	for (const what of all) _output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(`- delete ${what}`);
	(0,_output_outputs_js__WEBPACK_IMPORTED_MODULE_6__/* .setOutputs */ .n)({ deleted: '' });
	(0,_output_summary_js__WEBPACK_IMPORTED_MODULE_7__/* .writeSummary */ .Sy)('Scalekit organization client: what would be deleted', [[(0,_output_summary_js__WEBPACK_IMPORTED_MODULE_7__/* .cell */ .Hn)(all.length > 0 ? all : [nothing])]]);
}
/**
 * Deletes everything and reports it: the saved secret, the clients, and then the variables. So a run that was cut off can
 * be repeated: `…_STATE` still names the owner of the rest.
 * @throws {Error} that names what could not be deleted
 */
async function deleteAll(scalekit, clients, deletable, nothing) {
	const deletions = deletable ? [await deleteEntry(deletable, 'secret')] : [];
	for (const client of clients) deletions.push(await deleteClient(scalekit, client));
	for (const variable of ['id_variable', 'state_variable']) {
		// If something could not be deleted, the variables are needed to repeat this run.
		if (deletable && failuresOf(deletions).length === 0) deletions.push(await deleteEntry(deletable, variable));
	}
	const deleted = deletions.flatMap(({ what }) => what ?? []);
	const isNothing = deleted.length + failuresOf(deletions).length === 0;
	if (isNothing) _output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(nothing);
	(0,_output_outputs_js__WEBPACK_IMPORTED_MODULE_6__/* .setOutputs */ .n)({ deleted: deletions.flatMap(({ id }) => id ?? []).join(' ') });
	(0,_output_summary_js__WEBPACK_IMPORTED_MODULE_7__/* .writeSummary */ .Sy)('Scalekit organization client: deleted', [[(0,_output_summary_js__WEBPACK_IMPORTED_MODULE_7__/* .cell */ .Hn)(isNothing ? [nothing] : deleted)]]);
	(0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_14__/* .throwFailures */ .c7)(failuresOf(deletions));
}
function failuresOf(deletions) {
	return deletions.flatMap(({ failure }) => failure ?? []);
}
async function deleteClient(scalekit, client) {
	const outcome = await (0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_14__/* .deleteMarkedClient */ .Lf)(scalekit, client);
	if (typeof outcome !== 'string') return { failure: outcome.remaining };
	if (outcome !== 'deleted') return {};
	_output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(`Deleted client ${client.client_id}.`);
	return { what: `client ${client.client_id}`, id: client.client_id };
}
/** Deletes a saved variable or the secret. */
async function deleteEntry({ credentials }, entry) {
	const name = credentials.location[entry];
	const what = `${entry === 'secret' ? 'secret' : 'variable'} ${name} of ${credentials.name}`;
	try {
		const isDeleted = entry === 'secret' ? await credentials.deleteSecret() : await credentials.deleteVariable(name);
		if (!isDeleted) return {};
		_output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(`Deleted ${what}.`);
		return { what };
	} catch (error) {
		return { failure: `The ${what} is left over: ${_output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .message */ .iU(error)}` };
	}
}


/***/ }),

/***/ 8306:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   sweepJobClients: () => (/* binding */ sweepJobClients)
/* harmony export */ });
/* unused harmony exports findJobClients, judgeByAge, judgeByRun */
/* harmony import */ var _client_identity_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2537);
/* harmony import */ var _client_marker_js__WEBPACK_IMPORTED_MODULE_10__ = __webpack_require__(5425);
/* harmony import */ var _github_api_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5302);
/* harmony import */ var _net_api_error_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1308);
/* harmony import */ var _net_clock_js__WEBPACK_IMPORTED_MODULE_11__ = __webpack_require__(801);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1083);
/* harmony import */ var _output_outputs_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9359);
/* harmony import */ var _output_summary_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(5081);
/* harmony import */ var _scalekit_api_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(2582);
/* harmony import */ var _steps_find_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(4440);
/* harmony import */ var _undo_remove_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(5456);
/* harmony import */ var _session_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(4386);












/** Nanoseconds of 35 days. GitHub ends every workflow run by then. */
const MAX_RUN_NS = 35n * 24n * 3600000000000n;
/** Runs `sweep/`: deletes the clients with `lifetime: job` of this repository whose job has ended, oldest first. */
async function sweepJobClients(inputs) {
	await (0,_session_js__WEBPACK_IMPORTED_MODULE_9__/* .runWithTransport */ .H)(inputs, run);
}
async function run(inputs, transport) {
	// This command has no roll-back to keep time for.
	transport.releaseCleanupTime();
	const { dry_run, runner } = inputs;
	const scalekit = await _scalekit_api_js__WEBPACK_IMPORTED_MODULE_6__/* .Scalekit */ .x.open(transport, inputs);
	const clients = await findJobClients(scalekit, runner);
	const rows = await sweep(inputs, scalekit, clients, judgeWith(new _github_api_js__WEBPACK_IMPORTED_MODULE_1__/* .GitHub */ .g(transport, inputs.github), runner));
	const idsOf = (action) => rows.filter((row) => row.action === action).map(({ client }) => client.client_id);
	const deleted = idsOf(DELETED);
	const outcome = dry_run ? `dry run, ${idsOf(WOULD_BE_DELETED).length} would be deleted` : `${deleted.length} deleted`;
	_output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .info */ .pq(`Clients of single jobs of ${runner.repository}: ${clients.length}, ${outcome}.`);
	(0,_output_outputs_js__WEBPACK_IMPORTED_MODULE_4__/* .setOutputs */ .n)({ deleted: deleted.join(' ') });
	const shown = (0,_output_summary_js__WEBPACK_IMPORTED_MODULE_5__/* .fittingRows */ .v$)(rows.map(cells));
	const omitted = rows.length - shown.length;
	const notes = omitted > 0 ? [`The table leaves out ${omitted} clients. The log has all of them.`] : [];
	const header = ['Client', 'Name', 'Run', 'Action', 'Reason'].map((data) => ({ data, header: true }));
	(0,_output_summary_js__WEBPACK_IMPORTED_MODULE_5__/* .writeSummary */ .Sy)(`Scalekit organization clients of single jobs: ${outcome}`, [header, ...shown], notes);
	(0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_8__/* .throwFailures */ .c7)(rows.flatMap(({ failure }) => failure ?? []));
}
function cells({ client, action, why }) {
	return [client.client_id, client.name, client.marker.run, action, why].map((text) => (0,_output_summary_js__WEBPACK_IMPORTED_MODULE_5__/* .cell */ .Hn)([text]));
}
const KEPT = 'not deleted';
const DELETED = 'deleted';
const WOULD_BE_DELETED = 'would be deleted';
/**
 * Finds the clients with `lifetime: job` that the repository's workflows created. Warns of clients that may be such ones and
 * are not deleted.
 * @returns the oldest first
 */
async function findJobClients(scalekit, runner) {
	const identity = { ...runner, environment: '', name: undefined, lifetime: 'job' };
	// The default name of a job's client ends in ` #RUN.ATTEMPT`.
	const mayBeJobs = (client) => / #\d+\.\d+$/.test(client.name) || (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .claimsNameRepository */ .Ts)(client, identity) === true;
	const { ours, kept } = await (0,_steps_find_js__WEBPACK_IMPORTED_MODULE_7__/* .findRelated */ .f7)(scalekit, mayBeJobs, (client) => relationToJobs(client, identity));
	kept.warnings().forEach(_output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .warning */ .$e);
	return ours.sort(_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .oldestFirst */ .sZ);
}
/** Returns a client if a job of the repository's workflows created it, and otherwise what it is to them. */
function relationToJobs({ client_id, description, parse }, identity) {
	const by = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .repositoryReference */ .sk)(identity.repository, identity.repository_id);
	const markers = (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_10__/* .parseMarkers */ .FT)(description);
	const isOurs = markers.some((marker) => marker.by === by && marker.lifetime === 'job');
	if (markers.length > 0 && !isOurs) return 'unrelated';
	try {
		const client = parse();
		const [marker, ...others] = markers;
		if (!marker) return (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .claimsNameRepository */ .Ts)(client, identity) ? 'look-alike' : 'unrelated';
		if (others.length > 0) return 'disputed';
		return (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .contradictsItself */ .AM)(client, marker) ? 'contradictory' : { ...(0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .withMarker */ .Pe)(client), marker };
	} catch (error) {
		if (isOurs) _output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .warning */ .$e(`Client ${client_id} is not deleted: ${_output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .message */ .iU(error)}.`);
		return 'unrelated';
	}
}
/** Judges the clients one by one and deletes those whose job has ended, at most `max_deletions`. */
async function sweep({ dry_run, max_deletions }, scalekit, clients, judge) {
	const rows = [];
	// Clients that cannot be deleted do not count: otherwise they would block the rest in every later run.
	let count = 0;
	for (const client of clients) {
		const row =
			count === max_deletions
				? { action: KEPT, why: `the limit max_deletions: ${max_deletions} was reached` }
				: await sweepOne(scalekit, client, await judge(client), dry_run);
		if (row.action === DELETED || row.action === WOULD_BE_DELETED) count++;
		const { client_id, name, marker } = client;
		_output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .info */ .pq(`Client ${client_id} ${JSON.stringify(name)} of run ${marker.run}: ${row.action}, because ${row.why}.`);
		rows.push({ client, ...row });
	}
	return rows;
}
/** Deletes a client if its job has ended. */
async function sweepOne(scalekit, client, { isOver, why, failure, warning }, dryRun) {
	if (warning) _output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .warning */ .$e(warning);
	if (!isOver) return { action: KEPT, why, failure };
	if (dryRun) return { action: WOULD_BE_DELETED, why };
	const outcome = await (0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_8__/* .deleteMarkedClient */ .Lf)(scalekit, client);
	if (typeof outcome === 'string') return { action: outcome, why };
	return { action: KEPT, why: 'its deletion failed', failure: outcome.remaining };
}
/**
 * Returns a function that judges one client. It asks GitHub once about each run, and not again if GitHub refuses to
 * answer. A client whose run cannot be determined is kept.
 */
function judgeWith(github, { repository, run: ownRun }) {
	const runs = new Map();
	let refusal;
	const readRun = async (id) => {
		if (refusal) throw refusal;
		const read = () => github.getRun(repository, id);
		// Only when the token is used first, it may be too new.
		return await (runs.size === 0 ? github.retryIfNew(read, [401]) : read()).catch((error) => {
			if (error instanceof _net_api_error_js__WEBPACK_IMPORTED_MODULE_2__/* .ApiError */ .hD && (error.status === 401 || error.status === 403 || error.status === 429))
				refusal = error;
			throw error;
		});
	};
	return async ({ client_id, marker, create_time }) => {
		const [id = ''] = marker.run.split('.');
		const byAge = () => judgeByAge(marker, create_time, (0,_net_clock_js__WEBPACK_IMPORTED_MODULE_11__/* .toNanoseconds */ .r)(github.transport.serverNow), ownRun);
		const verdict = byAge();
		if (verdict) return verdict;
		try {
			const reading = runs.get(id) ?? readRun(id);
			runs.set(id, reading);
			const run = await reading;
			// Judge by age once more: if Scalekit sends no time, GitHub's response is the first that does.
			return byAge() ?? judgeByRun({ client_id, marker, create_time }, run);
		} catch (error) {
			return { isOver: false, why: 'its run could not be read', failure: _output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .message */ .iU(error) };
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
	if (run === ownRun) return { isOver: false, why: 'this run created it' };
	if (create_time === undefined || now === undefined || now - create_time <= MAX_RUN_NS) return undefined;
	return { isOver: true, why: 'it is older than 35 days, and no run lasts longer' };
}
/** Judges a client by its workflow run. @param workflowRun undefined if GitHub shows no such run */
function judgeByRun({ client_id, marker, create_time }, workflowRun) {
	// GitHub answers 404 for a deleted run and for one that the token may not see.
	if (!workflowRun) return { isOver: false, why: 'GitHub does not show its run, so the run may not have ended' };
	const { status, run_attempt, updated_at } = workflowRun;
	const attempt = Number(marker.run.split('.')[1]);
	// A run without a number of its attempt is completed only if all its jobs have ended, in whatever attempt.
	const current = run_attempt ?? attempt;
	const isOver = current > attempt || (current === attempt && status === 'completed');
	if (!isOver) return { isOver, why: `its run is ${status} in attempt ${current}` };
	const end = (0,_net_clock_js__WEBPACK_IMPORTED_MODULE_11__/* .toNanoseconds */ .r)(updated_at);
	if (create_time !== undefined && end !== undefined && create_time > end + _client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .COPY_AGE_NS */ .Y0)
		return {
			isOver: false,
			why: 'it was created after its run ended',
			warning: `Client ${client_id} is not deleted: it was created after its run ended, so it is a copy. Delete it by hand, or remove the marker from its description.`,
		};
	return {
		isOver,
		why: current > attempt ? `its run is in attempt ${current} now` : 'its run is completed',
	};
}


/***/ })

};
;