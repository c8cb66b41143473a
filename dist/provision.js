"use strict";
exports.id = 496;
exports.ids = [496];
exports.modules = {

/***/ 892:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  provision: () => (/* binding */ provision)
});

// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./build/output/text.js
var output_text = __webpack_require__(4938);
// EXTERNAL MODULE: ./build/client/drift.js
var drift = __webpack_require__(6788);
// EXTERNAL MODULE: ./build/scalekit/types.js
var types = __webpack_require__(179);
;// CONCATENATED MODULE: ./build/client/retirement.js

/**
 * Returns the secret to delete if Scalekit refuses another one, because it limits their number. Never returns the saved
 * secret if it is active, otherwise never the newest active one. Never returns an active secret whose creation time is
 * unknown, nor the only secret, because the API refuses to delete that.
 * @param savedId id of the secret that was saved until now
 * @returns undefined if no secret may be deleted
 */
function secretToMakeRoom(secrets, savedId) {
	if (secrets.length < 2) return undefined;
	const candidates = secrets.filter(({ active, create_time }) => !active || create_time !== undefined);
	const kept = secrets.find(({ id, active }) => active && id === savedId) ?? newestActive(candidates);
	return inRetirementOrder(candidates, savedId).find((secret) => secret !== kept);
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

// EXTERNAL MODULE: ./build/client/saved-state.js
var saved_state = __webpack_require__(1208);
;// CONCATENATED MODULE: ./build/client/rotation.js


/** Nanoseconds. */
const DAY_NS = 86400000000000n;
/**
 * Decides whether `reuse` adds a secret: if the saved credentials are not usable, or if the secret is older than
 * `rotate_after` days. Ages are differences between times of Scalekit, so no clock of this machine counts.
 */
function decideRotation(desired, client, { saved, now }) {
	const owner = (0,saved_state/* ownerOf */.bf)(desired);
	const reason = desired.location && (0,saved_state/* reasonNotUsable */.Ys)(saved, owner, client);
	if (reason) return { reason, notices: [] };
	const { rotate_after } = desired;
	if (rotate_after === undefined) return { notices: [] };
	const secret = desired.location
		? client.secrets.find(({ id }) => id === (0,saved_state/* savedSecretId */.vV)(saved, owner))
		: newestActive(client.secrets);
	if (!secret) return { reason: 'the client has no active secret', notices: [] };
	const due = nextRotation(desired, secret);
	if (due === undefined || now === undefined) {
		const unknown = `the age of secret ${secret.id} is not known`;
		return { reason: unknown, notices: [`Client ${client.client_id} gets a new secret: ${unknown}.`] };
	}
	if (now <= due) return { due, notices: [] };
	const days = (now - due) / DAY_NS + BigInt(rotate_after);
	return { reason: `secret ${secret.id} is ${days} days old, and rotate_after is ${rotate_after}`, notices: [] };
}
/** Returns when a secret is to be replaced, in nanoseconds since the epoch. Undefined if it is not, or if that is not known. */
function nextRotation({ rotate_after }, secret) {
	if (rotate_after === undefined || secret?.create_time === undefined) return undefined;
	return secret.create_time + BigInt(rotate_after) * DAY_NS;
}

;// CONCATENATED MODULE: ./build/client/plan.js





/** The advice for jobs of a matrix that use the same client, because nothing distinguishes them. */
const MATRIX_ADVICE = 'In a matrix, use lifetime: job, a name for each leg, or max-parallel: 1.';
/**
 * Plans the steps from what exists to the desired client.
 * @throws {Error} if there is no such plan: the client exists and `on_existing` is `fail`, or a list would have to be
 * emptied, which only a new client allows
 */
function planChanges(desired, existing) {
	const { client, others } = existing;
	const save = desired.location ? [{ kind: 'save' }] : [];
	const creation = [{ kind: 'create' }, ...save];
	if (!client) return { result: 'created', beforePublish: creation, afterPublish: [], notices: [], warnings: [] };
	const audience = (0,drift/* unrequestedAudience */.em)(desired, client);
	const warnings = [
		...(others.length > 0 ? [duplicatesWarning(client.client_id, others)] : []),
		...(audience.length > 0
			? [`Client ${client.client_id} has an audience that was not requested: ${(0,drift/* formatExtras */.zB)(audience)}.`]
			: []),
	];
	const base = { client, afterPublish: [], notices: [], warnings };
	switch (desired.on_existing) {
		case 'fail':
			throw planError(
				`Client ${client.client_id} ${(0,output_text/* quote */.hD)(client.name)} exists already, and on_existing is fail.`,
				warnings,
			);
		case 'replace': {
			const knownIds = client.secrets.map(({ id }) => id);
			const deletion = { kind: 'delete-client', client_id: client.client_id, knownIds };
			return { ...base, result: 'replaced', beforePublish: creation, afterPublish: [deletion] };
		}
		case 'reuse': {
			const { reason, due, notices } = decideRotation(desired, client, existing);
			if (reason) return { ...planRotation(desired, client, existing, save, warnings), reason, notices };
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
		beforePublish: winnerPlan.beforePublish.map((step) =>
			step.kind === 'add-secret' ? { ...step, toMakeRoom: undefined } : step,
		),
		afterPublish: [],
		warnings: [],
	};
}
function duplicatesWarning(client_id, others) {
	return `Several clients of this repository have the same purpose. This run uses the oldest, ${client_id}, and does not change the others: ${(0,output_text/* listed */.KE)(others)}. Delete those that are not used. ${MATRIX_ADVICE}`;
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
	const drifted = (0,drift/* findDrift */.L1)(desired, client);
	const emptied = drifted.filter(({ wanted }) => wanted.length === 0);
	if (emptied.length > 0) {
		throw planError(
			`Client ${client.client_id} has what was not requested, and the API cannot empty a list. ${drift/* WAYS_OUT */.kI}\n${(0,drift/* formatDifferences */.Aq)(emptied)}`,
			warnings,
		);
	}
	const isUnknown = !client.marker || (desired.location && client.marker.key !== desired.marker.key);
	if (isUnknown && !drifted.some(({ field }) => field === 'description'))
		drifted.push({
			field: 'description',
			wanted: ['the ownership marker of this action'],
			got: client.marker ? ['one of another repository, environment or name'] : [],
		});
	const description = desired.given.description ? desired.fields.description : client.descriptionText;
	const fields = { ...desired.fields, description };
	const changes = Object.fromEntries(drifted.map(({ field }) => [field, fields[field]]));
	return drifted.length > 0 ? [{ kind: 'update', fields: changes, differences: drifted }] : [];
}
/**
 * Plans the rotation: corrections, a new secret, its saving, and then the deletion of old secrets. An old secret is
 * spared if it is recent, unless only the new one is to be kept.
 */
function planRotation(desired, client, { saved }, save, warnings) {
	const savedId = (0,saved_state/* savedSecretId */.vV)(saved, (0,saved_state/* ownerOf */.bf)(desired));
	const spareRecent = desired.keep_secrets > 1;
	return {
		result: 'rotated',
		client,
		beforePublish: [
			...driftCorrections(desired, client, warnings),
			{ kind: 'add-secret', toMakeRoom: secretToMakeRoom(client.secrets, savedId) },
			...save,
		],
		afterPublish: retirements(client.secrets, desired.keep_secrets, savedId).map((secret) => ({
			kind: 'delete-secret',
			secret,
			spareRecent,
		})),
		notices: [],
		warnings,
	};
}

// EXTERNAL MODULE: ./build/github/api.js + 1 modules
var api = __webpack_require__(5302);
// EXTERNAL MODULE: ./build/github/saved-credentials.js
var saved_credentials = __webpack_require__(2447);
// EXTERNAL MODULE: ./build/inputs/desired-client.js
var desired_client = __webpack_require__(6295);
// EXTERNAL MODULE: ./build/net/clock.js
var clock = __webpack_require__(801);
// EXTERNAL MODULE: ./build/output/log.js + 1 modules
var log = __webpack_require__(1083);
// EXTERNAL MODULE: ./build/scalekit/api.js
var scalekit_api = __webpack_require__(2582);
// EXTERNAL MODULE: ./build/output/mask.js
var mask = __webpack_require__(549);
// EXTERNAL MODULE: ./build/undo/remove.js
var remove = __webpack_require__(5456);
// EXTERNAL MODULE: ./build/net/api-error.js
var api_error = __webpack_require__(1308);
// EXTERNAL MODULE: ./build/net/outcome.js
var net_outcome = __webpack_require__(6299);
// EXTERNAL MODULE: ./build/scalekit/errors.js
var errors = __webpack_require__(8387);
// EXTERNAL MODULE: ./build/undo/by-hand.js
var by_hand = __webpack_require__(1055);
;// CONCATENATED MODULE: ./build/steps/context.js
/** How often a request that creates something is sent if the outcome stays unknown. */
const MAX_SENDS = 3;

;// CONCATENATED MODULE: ./build/steps/add-secret.js







const CAP = 'The number of secrets of a client is limited, usually to five.';
/**
 * Adds a secret. If Scalekit refuses it because the client has as many as it may have, deletes an old one and asks once
 * more.
 * @param toMakeRoom the secret to delete in that case. Undefined if none may be deleted
 * @throws {ApiError} if no secret was added, or if the outcome stays unknown
 */
async function addSecret(context, client, toMakeRoom) {
	const first = await requestSecret(context, client);
	if (first.kind === 'done' || !(first.error instanceof errors/* SecretCapError */.Z3)) return (0,net_outcome/* unwrap */.oA)(first);
	// If the outcome is unknown, the secret that fills the client may be this step's own.
	const mayMakeRoom = first.kind === 'refused' && !context.scalekit.transport.cancelled;
	if (!mayMakeRoom || !toMakeRoom) throw capError(context, client, first.error);
	await deleteToMakeRoom(context, client, toMakeRoom, first.error);
	const second = await requestSecret(context, client);
	if (second.kind !== 'done' && second.error instanceof errors/* SecretCapError */.Z3)
		throw capError(context, client, second.error, toMakeRoom.id);
	return { ...(0,net_outcome/* unwrap */.oA)(second), deletedId: toMakeRoom.id };
}
/**
 * Returns the error that the client can have no other secret, with what the user can do.
 * @param deletedId id of the secret that was deleted to make room, in vain
 */
function capError({ scalekit, journal }, { client_id, secrets }, { message }, deletedId) {
	const ids = secrets.map(({ id }) => id).filter((id) => id !== deletedId);
	// A step that has created a client adds a secret to that one, or to the client of the run that was first.
	const { client: created } = journal.state;
	const mayBeRace = deletedId !== undefined || (created && created.id !== client_id);
	const ways = [
		CAP,
		created ? 'Run this step again.' : (0,by_hand/* waysToMakeRoom */.Z6)(scalekit, client_id, ids),
		...(mayBeRace ? ['Let one run at a time use the client, with concurrency in the workflow.'] : []),
	];
	return new api_error/* ApiError */.hD([message, ...ways].join(' '));
}
/** Deletes a secret to make room for a new one. The journal records that this cannot be undone. */
async function deleteToMakeRoom(context, client, { id }, refusal) {
	const { scalekit, journal } = context;
	const { client_id } = client;
	log/* info */.pq(refusal.message);
	log/* warning */.$e(
		`Client ${client_id} has as many secrets as Scalekit allows. Secret ${id} is deleted to make room for the new one, even if it is recent.`,
	);
	try {
		// If another run deleted it first, that run reports it.
		if (await scalekit.deleteSecret(client_id, id))
			journal.irreversible.push(`Secret ${id} of client ${client_id}, deleted to make room, cannot be brought back.`);
	} catch (error) {
		throw new Error([capError(context, client, refusal).message, log/* message */.iU(error)].join('\n'), { cause: error });
	}
}
/**
 * Requests a secret. A request whose outcome is unknown may have added one that cannot be distinguished from another
 * run's secret. Such a secret is named in a warning, and the request is sent again.
 */
async function requestSecret(context, client) {
	const { scalekit, journal } = context;
	const { client_id } = client;
	const known_ids = client.secrets.map(({ id }) => id);
	let pending = { client_id, nonce: client.marker?.nonce ?? '', known_ids, outcome_unknown: false };
	let possibleIds = [];
	for (let sends = 1; ; sends++) {
		const outcome = await scalekit.addSecret(client_id, known_ids, {
			mayBeDone: sends > 1,
			onSend: () => journal.secretSent(pending),
			onId: (id) => journal.secretAnswered(id),
		});
		if (outcome.kind === 'done') {
			possibleIds.map((id) => (0,by_hand/* possibleLeftover */.Zw)(scalekit, pending, id)).forEach(log/* warning */.$e);
			return (0,net_outcome/* done */.Vw)({ plain_secret: outcome.value.plain_secret, shown: outcome.value.secret });
		}
		if (outcome.kind === 'refused') journal.forget('secret');
		const isFinal = outcome.kind === 'refused' || outcome.error instanceof errors/* SecretCapError */.Z3 || sends === MAX_SENDS;
		if (isFinal || scalekit.transport.cancelled) return outcome;
		log/* info */.pq(`${outcome.error.message} Requesting another one.`);
		// A secret whose id is known is deleted. Another one may turn up at any time.
		if (journal.state.secret?.id === undefined) pending = { ...pending, outcome_unknown: true };
		const now = await deleteUnusable(scalekit, client_id, journal.state.secret?.id);
		if (!now) return outcome;
		possibleIds = (0,remove/* newSecretIds */.Ng)(now, [...known_ids, journal.state.secret?.id]);
	}
}
/** Deletes a secret of this step whose value is unknown. @returns the client then; undefined if that fails */
async function deleteUnusable(scalekit, client_id, id) {
	try {
		if (id) await scalekit.deleteSecret(client_id, id);
		return (await scalekit.getClient(client_id))?.parse();
	} catch (error) {
		log/* debug */.Yz(log/* message */.iU(error));
		return undefined;
	}
}

// EXTERNAL MODULE: ./build/client/identity.js
var identity = __webpack_require__(2537);
// EXTERNAL MODULE: ./build/client/marker.js
var client_marker = __webpack_require__(5425);
;// CONCATENATED MODULE: ./build/client/proof.js

// Whose client the response to a create request shows. The response to this step's own POST is proof enough, even if the
// server stored the description without the ownership marker.
/** Nanoseconds that the creation time may be before the request: the clocks of two servers differ. */
const MAX_CLOCK_DIFFERENCE_NS = 60000000000n;
/** Returns whose client the response to a create request shows. */
function proofOf(client, request) {
	const markers = (0,client_marker/* parseMarkers */.FT)(client.description).map(client_marker/* formatMarker */.gJ);
	const isMarked = markers.length === 1 && markers[0] === (0,client_marker/* formatMarker */.gJ)(request.marker);
	if (markers.length > 0 && !isMarked)
		return { isOwn: false, reason: 'its description has the ownership marker of another step' };
	const reason = reasonNotProven(client, request);
	if (isMarked || !reason) return { isOwn: true, isMarked, isProven: !reason };
	return { isOwn: false, reason };
}
/** Returns why a client cannot be the one that the request created, as a clause. */
function reasonNotProven({ client_id, organization_id, create_time, secrets }, { seenIds, sentAt, ...request }) {
	if (organization_id && organization_id !== request.organization_id) return 'it belongs to another organization';
	if (seenIds?.has(client_id)) return 'it existed before the request';
	if (create_time !== undefined && sentAt !== undefined && create_time < sentAt - MAX_CLOCK_DIFFERENCE_NS)
		return 'it was created before the request';
	return secrets.length > 1 ? 'it has several secrets' : undefined;
}

;// CONCATENATED MODULE: ./build/steps/create.js












/**
 * Milliseconds before each search for the client of a create request whose outcome is unknown: at once, and after 1, 2
 * and 4 seconds.
 */
const SEARCH_DELAYS = [0, 1_000, 1_000, 2_000];
/**
 * Creates a client. If the outcome of the request is unknown, or if the name is taken, searches for the client by its nonce
 * before it sends the request again.
 * @throws {Error} if no client was created, if it is not as requested, or if the outcome stays unknown
 */
async function createClient(context, found) {
	const { desired } = context;
	let { name } = desired.fields;
	for (let [sends, mayBeDone] = [1, false]; ; sends++) {
		const outcome = await sendCreate(context, found, name, mayBeDone);
		if (outcome.kind === 'done') return outcome.value;
		const { kind, error } = outcome;
		const isNameTaken = error.status === 409 && name === desired.fields.name;
		const search = await searchAfter(context, outcome, isNameTaken);
		if (search.kind === 'found') return await recoverClient(context, search.client);
		// A server that redirects or shows another client would do so again.
		const isHopeless = error.status !== undefined && error.status < 400;
		if (search.kind === 'failed' || sends === MAX_SENDS || isHopeless) throw error;
		if (isNameTaken) name = (0,drift/* nameWithNonce */.Pv)(name, desired.marker.nonce);
		mayBeDone ||= kind === 'unknown';
	}
}
/** Sends the create request and judges the response. */
async function sendCreate(context, found, name, mayBeDone) {
	const { scalekit, desired, journal } = context;
	const description = (0,client_marker/* appendMarker */.zi)(desired.fields.description, desired.marker);
	const outcome = await scalekit.createClient(
		{ ...desired.fields, name, description },
		{
			mayBeDone,
			onSend: () => journal.clientSent(mayBeDone),
			onId: (id) => journal.clientAnswered({ id }),
		},
	);
	return outcome.kind === 'done' ? await acceptClient(context, found, outcome.value) : outcome;
}
/**
 * Searches for the client that a create request may have created.
 * @param isNameTaken whether the request was refused because of its name, so that the client may exist already
 * @throws {ApiError} the request's if there cannot be such a client, or if the run was cancelled
 */
async function searchAfter(context, { kind, error }, isNameTaken) {
	const { scalekit, journal } = context;
	const isRefused = kind === 'refused' && !isNameTaken;
	if (isRefused) journal.forget('client');
	if (isRefused || scalekit.transport.cancelled) throw error;
	log/* info */.pq(`${error.message} Looking for the client that this may have created.`);
	return await searchForOwnClient(context);
}
/**
 * Records the created client, and checks that it is this step's and as requested.
 * @returns an unknown outcome if the response shows a client that is not, or not provably, this step's
 * @throws {Error} if the client is not as requested, or if the next run could not find it
 */
async function acceptClient({ scalekit, desired, journal }, { seenIds }, { client: summary, plain_secret }) {
	const { client_id } = summary;
	const sinceSent = Date.now() - (journal.state.client?.sent_at ?? Date.now());
	const sentAt = (0,clock/* toNanoseconds */.r)(scalekit.time && scalekit.time - sinceSent);
	const proofFrom = (client) => proofOf(client, { ...desired, sentAt, seenIds });
	let created = summary.parse();
	let proof = proofFrom(created);
	// A response without a description says nothing about its marker.
	if (summary.description === undefined && proof.isOwn) {
		journal.clientAnswered({ id: client_id, is_proven: proof.isProven });
		created = (await scalekit.getClient(client_id))?.parse() ?? created;
		proof = proofFrom(created);
	}
	if (!proof.isOwn) {
		journal.clientUnknown();
		const text = `Could not create the client: the answer shows client ${client_id}, and ${proof.reason}.`;
		return (0,net_outcome/* failure */.V2)(true, new api_error/* ApiError */.hD(text, { status: 200 }));
	}
	const known = { id: client_id, is_proven: proof.isProven };
	journal.clientAnswered(known);
	const shown = await findFirstSecret(scalekit, created);
	if (shown) journal.clientAnswered({ ...known, secret_ids: [shown.id] });
	const client = (0,identity/* withMarker */.Pe)(created);
	if (!proof.isMarked) reportUnmarked(desired, client_id);
	reportFindings(client_id, (0,drift/* checkCreated */.JO)(desired, client));
	return (0,net_outcome/* done */.Vw)({ client, secret: { plain_secret, shown }, remainingSteps: [] });
}
/** @throws {Error} unless the client is one job's. The post step deletes that by its id */
function reportUnmarked({ marker: { lifetime } }, client_id) {
	const what = `Scalekit changed the description of client ${client_id}: it has no ownership marker.`;
	if (lifetime === 'persistent')
		throw new Error(
			`${what} The next run could not find the client. A shorter description may help, if Scalekit cuts it. lifetime: job works without the marker.`,
		);
	log/* warning */.$e(`${what} The post step deletes the client by its id. If post is cut off, sweep/ does not find it.`);
}
/** Reports what is there in addition to what was requested. @throws {Error} if something that was requested is missing */
function reportFindings(client_id, { wrong, warnings, notices }) {
	if (wrong.length > 0) {
		const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
		throw new Error(
			`The client that Scalekit created differs from the requested one.${hint}\n${(0,drift/* formatDifferences */.Aq)(wrong)}`,
		);
	}
	const text = (found) => `Scalekit gave client ${client_id} more than was requested: ${(0,drift/* formatExtras */.zB)(found)}.`;
	if (warnings.length > 0) log/* warning */.$e(text(warnings));
	if (notices.length > 0) log/* notice */.lm(text(notices));
}
/** Returns the secret that was created with a client: the oldest. Reads the client again if it was shown without one. */
async function findFirstSecret(scalekit, created) {
	const read = async () => (await scalekit.getClient(created.client_id))?.parse();
	const { secrets } = created.secrets.length > 0 ? created : ((await read().catch(() => undefined)) ?? created);
	return [...secrets].sort(types/* byCreateTime */.lG)[0];
}
/** Searches for the client that this step created, for 4 seconds. */
async function searchForOwnClient({ scalekit, journal }) {
	try {
		for (const delay of SEARCH_DELAYS) {
			await scalekit.transport.pause(delay);
			const [client] = await (0,remove/* findOwnClients */.m5)(scalekit, journal.state);
			if (client) return { kind: 'found', client };
		}
		return { kind: 'not found' };
	} catch (error) {
		log/* debug */.Yz(log/* message */.iU(error));
		return { kind: 'failed' };
	}
}
/**
 * Recovers a client whose create request got no usable response. The value of its first secret is unknown, so a second
 * one is added, and the first is deleted after publishing.
 */
async function recoverClient(context, found) {
	const { scalekit, desired, journal } = context;
	const client = (0,identity/* withMarker */.Pe)(found.parse());
	const { client_id } = client;
	journal.clientAnswered({ id: client_id });
	scalekit.expectLag(client_id);
	reportFindings(client_id, (0,drift/* checkCreated */.JO)(desired, client));
	log/* info */.pq(`Client ${client_id} was created. The value of its secret is lost, so it gets another one.`);
	const secret = await addSecret(context, client);
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

// EXTERNAL MODULE: ./build/steps/find.js
var find = __webpack_require__(4440);
;// CONCATENATED MODULE: ./build/steps/race.js








/**
 * Settles a race after a create: removes duplicates that this step created, then determines which run was first.
 * With `lifetime: job` every step has a client of its own, so only duplicates are possible.
 * @param created the client that this step created and uses
 * @param found what the search before the create returned
 * @returns the client of a concurrent run that was created earlier, or undefined if this step's client wins
 * @throws {Error} if the list shows this step's client without its ownership marker
 */
async function settleRace(context, created, found) {
	const { scalekit, desired, journal } = context;
	const isPersistent = desired.marker.lifetime === 'persistent';
	if (!isPersistent && !journal.state.client?.sent_again) return undefined;
	const elapsed = BigInt(Math.ceil((0,clock/* clock */.p)() - found.startedAt)) * 1000000n;
	const { ours, unmarkedIds } = await (0,find/* searchClients */.DI)(scalekit, desired);
	if (isPersistent && unmarkedIds.has(created.client_id)) reportUnmarked(desired, created.client_id);
	const isOwn = (client) => (0,identity/* isFromThisStep */.Lk)(client, journal.state);
	await removeDuplicates(
		context,
		ours.filter((client) => isOwn(client) && client.client_id !== created.client_id),
	);
	if (!isPersistent) return undefined;
	// Compare times of one response: a list and a single read may round differently.
	const own = ours.find(({ client_id }) => client_id === created.client_id) ?? created;
	const concurrent = ours.filter((client) => !isOwn(client));
	return findEarlierClient(concurrent, own, found, elapsed);
}
/**
 * Removes clients that an earlier, unanswered create request of this step created. A missing permission to delete is a
 * warning: a roll-back would need the same permission, so a failed step would leave the created client as well.
 */
async function removeDuplicates({ scalekit, journal }, duplicates) {
	for (const duplicate of duplicates) {
		try {
			const client = { ...duplicate, parse: () => duplicate };
			const { what } = await (0,remove/* removeClientOrOwnSecrets */.o6)(scalekit, journal.state, client);
			if (what) log/* info */.pq(`Removed a second client of the same request: ${what}.`);
		} catch (error) {
			if (!(error instanceof api_error/* ApiError */.hD && error.status === 403)) throw error;
			const call = (0,by_hand/* manualCall */.jy)(scalekit.clientUrl(duplicate.client_id));
			log/* warning */.$e(`A second client of the same request is left over: ${error.message} ${call}`);
		}
	}
}
/**
 * Returns the oldest client that a concurrent run created before this step created its own. All runs order clients by
 * creation time and then by id, so all agree on the winner.
 * @param concurrent clients with the same identity hash that other runs created
 * @param elapsed nanoseconds since the first search began
 */
function findEarlierClient(concurrent, own, { seenIds, client: named }, elapsed) {
	// Without a first search (`client_id` or the saved id named the client), compare creation times.
	const isNew = ({ client_id, create_time: time }) =>
		seenIds
			? !seenIds.has(client_id)
			: client_id !== named?.client_id && time !== undefined && time >= (own.create_time ?? time) - elapsed;
	const [first] = [...concurrent.filter(isNew), own].sort(identity/* oldestFirst */.sZ);
	return first === own ? undefined : first;
}

;// CONCATENATED MODULE: ./build/steps/save.js






const OWN_SAVE_AS = 'In a matrix, each leg needs its own save_as.';
/**
 * Throws if what is saved belongs to another owner. The exception is the client that `client_id` names: the user takes it
 * over.
 * @param namedId id of the client that `client_id` names, that exists in this organization and may be managed
 */
function requireOneOwner(context, saved, namedId) {
	const { desired, savedCredentials } = context;
	if (!savedCredentials || !(0,saved_state/* isOtherOwners */.h8)(saved, (0,saved_state/* ownerOf */.bf)(desired))) return;
	const isShort = `${saved.client_id}${saved.state ?? ''}`.length < 1_000;
	if (isShort && namedId && namedId === desired.client_id && saved.client_id?.trim() === namedId) return;
	const { api, location } = savedCredentials;
	const { state_variable, id_variable, secret } = location;
	const parts = [
		...(saved.client_id === undefined ? [] : [`variable ${id_variable} (${(0,output_text/* quote */.hD)(saved.client_id)})`]),
		...(saved.secretTime === undefined ? [] : [`secret ${secret}`]),
	].join(' and ');
	const what =
		saved.state === undefined
			? `there is ${parts} without variable ${state_variable}, so this action did not save it`
			: `variable ${state_variable} says that they are saved for another client: ${(0,output_text/* quote */.hD)(saved.state)}`;
	throw new Error(
		`Could not save the credentials in ${(0,saved_credentials/* locationName */.zb)(location)}: ${what}. Another workflow may own them, or the input name or environment has changed. ${OWN_SAVE_AS} Use another save_as, or run delete/ with the former name or environment, or delete what is saved by hand: ${(0,by_hand/* manualSavedCalls */.JX)(api, location, saved)}`,
	);
}
/**
 * Saves the client credentials in GitHub Actions: first the variables, the secret last. Once the request with the secret
 * may have arrived, nothing can be undone.
 * @param namedId as for requireOneOwner()
 * @throws {Error} if the credentials are not saved, or if the outcome is unknown
 */
async function save(context, client_id, { plain_secret, shown }, namedId) {
	const { scalekit, journal, savedCredentials } = context;
	if (!savedCredentials) return;
	const written = { client_id, state: (0,saved_state/* formatSavedState */.Y_)((0,saved_state/* ownerOf */.bf)(context.desired), shown?.id) };
	await writeVariables(context, savedCredentials, written, namedId);
	if (scalekit.transport.cancelled) throw new Error('The credentials were not saved.');
	// Loaded here because few runs need it, and before the point of no return because loading may fail.
	const { sealBox } = await Promise.all(/* import() | sealed-box */[__webpack_require__.e(442), __webpack_require__.e(815)]).then(__webpack_require__.bind(__webpack_require__, 9947));
	const sealed = savedCredentials.seal((key) => sealBox(key, plain_secret));
	const { pendingUpdate } = journal;
	const outcome = await journal.passPointOfNoReturn(client_id, () => savedCredentials.setSecret(sealed));
	if (outcome.kind === 'refused') throw outcome.error;
	if (outcome.kind === 'unknown')
		throw new Error(
			[
				`${outcome.error.message} Could not determine whether GitHub has the new secret of client ${client_id}. The new secret and those before it stay valid. Until the next run, the saved client id and secret may not belong together.`,
				...(pendingUpdate ? [(0,by_hand/* mayStayUpdated */.cA)(pendingUpdate)] : []),
			].join('\n'),
			{ cause: outcome.error },
		);
	if (!shown)
		log/* warning */.$e(
			`The response did not show the id of the new secret, so ${savedCredentials.location.state_variable} names none. The next run with on_existing: reuse adds another secret.`,
		);
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
		.setVariable(location.state_variable, written.state, before.state !== undefined, async () =>
			requireOneOwner(context, await savedCredentials.read(), namedId),
		)
		.catch((error) => (0,net_outcome/* failure */.V2)(false, error));
	if (first.kind === 'refused') journal.forget('variables');
	(0,net_outcome/* unwrap */.oA)(first);
	if (before.client_id !== written.client_id)
		(0,net_outcome/* unwrap */.oA)(await savedCredentials.setVariable(location.id_variable, written.client_id, before.client_id !== undefined));
}
/**
 * Writes the variables again if another run of the same owner wrote its own since. The secret of this run was written
 * after that.
 * @throws {Error} if another owner has written the variables since, or if the client was deleted
 */
async function confirmVariables(context, savedCredentials, written) {
	const { api, location } = savedCredentials;
	const now = await savedCredentials.readVariables().catch(() => undefined);
	if (!now || (now.client_id === written.client_id && now.state === written.state)) return;
	const left = { ...now, secretTime: 'now' };
	if ((0,saved_state/* isOtherOwners */.h8)({ ...now, secretTime: undefined }, (0,saved_state/* ownerOf */.bf)(context.desired)))
		throw new Error(
			`Another owner saved credentials in ${(0,saved_credentials/* locationName */.zb)(location)} at the same time: ${(0,output_text/* quote */.hD)(now.state ?? now.client_id ?? '')}. The saved client id and secret do not belong together. ${OWN_SAVE_AS} Use another save_as. To delete what is saved by hand: ${(0,by_hand/* manualSavedCalls */.JX)(api, location, left)}`,
		);
	// delete/ deletes the client, and then the variables.
	if (now.client_id === undefined && now.state === undefined && (await isGone(context, written.client_id)))
		throw new Error(
			`Client ${written.client_id} was deleted while its credentials were saved, so the saved credentials do not work. To delete what is saved by hand: ${(0,by_hand/* manualSavedCalls */.JX)(api, location, left)}`,
		);
	log/* warning */.$e(
		`Another run saved credentials at the same time: ${(0,saved_credentials/* entryNames */.VM)(location)}. This run writes its variables again. In a matrix, use a name and a save_as for each leg, or max-parallel: 1.`,
	);
	const outcomes = [
		await savedCredentials.setVariable(location.state_variable, written.state, now.state !== undefined),
		await savedCredentials.setVariable(location.id_variable, written.client_id, now.client_id !== undefined),
	];
	for (const outcome of outcomes)
		if (outcome.kind !== 'done')
			log/* warning */.$e(
				`Until the next run, the saved client id and secret may not belong together: ${outcome.error.message}`,
			);
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
	const expected = marker ?? { ...desired.marker, nonce: (0,desired_client/* createNonce */.mE)() };
	const changes =
		fields.description === undefined ? fields : { ...fields, description: (0,client_marker/* appendMarker */.zi)(fields.description, expected) };
	const outcome = await scalekit.updateClient(client_id, changes);
	const response = outcome.kind === 'done' ? outcome.value : await readBack(context, client_id, expected.key, outcome);
	log/* info */.pq(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
	// A response without a description says nothing about the marker.
	const isDescribed = response.description !== undefined || fields.description === undefined;
	const described = isDescribed ? response : ((await scalekit.getClient(client_id)) ?? response);
	const updated = (0,identity/* withMarker */.Pe)(described.parse());
	const { wrong, warnings } = (0,drift/* checkUpdated */.mz)(desired, updated);
	const isMarked = described.description === undefined || updated.marker?.key === expected.key;
	if (wrong.length > 0 || !isMarked) throw notUpdatedError(client_id, wrong, isMarked);
	if (warnings.length > 0)
		log/* warning */.$e(`Client ${client_id} still has more than was requested after its update: ${(0,drift/* formatExtras */.zB)(warnings)}.`);
	return { ...updated, secrets: client.secrets };
}
function notUpdatedError(client_id, wrong, isMarked) {
	const sentences = [
		`Client ${client_id} still differs from what was requested after its update.`,
		isMarked
			? ''
			: 'Its description does not have the ownership marker that was sent. A shorter description may help, if Scalekit cuts it.',
		wrong.some(({ field }) => field === 'scopes') ? 'A scope must exist in the environment.' : '',
		wrong.some(drift/* hasExtra */.TO) ? drift/* WAYS_OUT */.kI : '',
	];
	return new Error([sentences.filter(Boolean).join(' '), (0,drift/* formatDifferences */.Aq)(wrong)].filter(Boolean).join('\n'));
}
/** Reads a client after an update whose outcome is unknown. @throws {ApiError} the update's if it was not carried out */
async function readBack({ scalekit, desired }, client_id, key, { kind, error }) {
	if (kind === 'refused' && error.status === 400)
		throw new api_error/* ApiError */.hD(`${error.message} on_existing: replace creates a new client instead.`, {
			status: 400,
			cause: error,
		});
	const now = kind === 'unknown' ? await scalekit.getClient(client_id).catch(() => undefined) : undefined;
	const client = now && (0,identity/* withMarker */.Pe)(now.parse());
	if (!now || client?.marker?.key !== key || (0,drift/* findDrift */.L1)(desired, client).length > 0) throw error;
	return now;
}

;// CONCATENATED MODULE: ./build/client/token-check.js

/**
 * Compares an access token with the desired client: does it say what was requested? With `verify: exact`, what it says in
 * addition is wrong as well.
 */
function checkToken(desired, client_id, payload) {
	const { fields, organization_id } = desired;
	const isExact = desired.verify === 'exact';
	const scopes = (0,drift/* compareSets */.zD)([['scopes', fields.scopes ?? [], (0,drift/* withoutOidcScopes */.nE)(payload.scopes, fields.scopes)]]);
	const audience =
		fields.audience || isExact ? (0,drift/* compareSets */.zD)([['audience', fields.audience ?? [], payload.audience]]) : [];
	const { claims, isContradictory } = compareClaims(fields.custom_claims ?? [], payload);
	const life = longerLife(desired, payload);
	const [identity, absent] = compareIdentity({ oid: organization_id, sub: client_id }, payload);
	const all = [...scopes, ...audience, ...claims];
	return {
		wrong: [
			...identity,
			...all.filter((one) => (0,drift/* hasMissing */.Ru)(one) || (isContradictory && one.field === 'custom_claims') || isExact),
			...(isExact ? life : []),
		],
		warnings: isExact ? [] : scopes.filter(drift/* hasExtra */.TO),
		notices: [...absent, ...(isExact ? [] : [...[...audience, ...claims].filter(drift/* hasExtra */.TO), ...life])],
	};
}
/**
 * Compares the claims. A claim at the top level counts only if `custom_claims` lacks its key. Claims that were not
 * requested are only looked for in `custom_claims`. `isContradictory`: whether a claim has another value in addition to the
 * wanted one.
 */
function compareClaims(wanted, { custom_claims, topLevel }) {
	const keys = new Set(custom_claims.map(({ key }) => key));
	const others = wanted.flatMap(({ key }) => {
		const value = keys.has(key) ? undefined : topLevel(key);
		return value === undefined ? [] : [{ key, value }];
	});
	const got = [...custom_claims, ...others];
	const isContradictory = got.some(({ key, value }) => {
		const same = wanted.filter((claim) => claim.key === key);
		return same.length > 0 && !same.some((claim) => claim.value === value);
	});
	return { claims: (0,drift/* compareSets */.zD)([['custom_claims', (0,drift/* claimTexts */.Lf)(wanted), (0,drift/* claimTexts */.Lf)(got)]]), isContradictory };
}
/** Returns the differences of organization and client, and those that the token does not name. */
function compareIdentity(wanted, payload) {
	const found = (0,drift/* compareSets */.zD)(['oid', 'sub'].map((field) => [field, [wanted[field]], [payload[field] ?? []].flat()]));
	return [found.filter(({ got }) => got.length > 0), found.filter(({ got }) => got.length === 0)];
}
/** Returns the life of a token in seconds if it is longer than requested. */
function longerLife({ fields: { expiry } }, { exp, iat }) {
	if (!expiry || exp === undefined || iat === undefined || exp - iat <= expiry) return [];
	return (0,drift/* compareSets */.zD)([['expiry', [`${expiry}`], [`${exp - iat}`]]]);
}

// EXTERNAL MODULE: ./build/scalekit/token.js
var token = __webpack_require__(5419);
;// CONCATENATED MODULE: ./build/steps/verify.js





/** Milliseconds after an update during which tokens of the client may still show its former values. */
const CORRECTION_LAG = 3_000;
/** What helps if the token differs, by the input `verify`. */
const REMEDY = {
	true: 'With verify: false, the token is not checked.',
	exact: 'If the token only has more than was requested, list that among the inputs, or use verify: true.',
};
/** Milliseconds. */
const RETRY_PAUSE = 500;
const NOT_A_JWT =
	'The access token of the new client credentials is not a JWT, so its claims were not compared with the requested ones.';
/**
 * Verifies new credentials: gets an access token with them and compares it with the desired client.
 * @param justUpdated whether this step changed the client, so that a token may still show its former values for a while
 * @returns undefined if verification is switched off
 * @throws {Error} if the credentials get no token, or a token that differs from the desired client
 */
async function verify(scalekit, desired, credentials, justUpdated) {
	if (!desired.verify) return undefined;
	for (const until = (0,clock/* clock */.p)() + (justUpdated ? CORRECTION_LAG : 0); ; ) {
		const { access_token, expires_in } = await scalekit.getToken(credentials);
		const payload = (0,token/* readToken */.AI)(access_token);
		const findings = payload && checkToken(desired, credentials.client_id, payload);
		if (!findings || findings.wrong.length === 0) {
			report(findings);
			const expiresAt = payload?.exp ?? (expires_in && Math.floor(Date.now() / 1000) + expires_in);
			return { access_token, expiresAt };
		}
		const mismatch = new Error(
			`The access token of the new client credentials differs from what was requested. A scope must exist in the environment, and an interceptor can change a token. ${REMEDY[`${desired.verify}`]}\n${(0,drift/* formatDifferences */.Aq)(findings.wrong)}`,
		);
		if ((0,clock/* clock */.p)() >= until || !(await scalekit.transport.wait(RETRY_PAUSE))) throw mismatch;
	}
}
/** Reports what does not fail the verification. @param findings undefined if the token is not a JWT */
function report(findings) {
	if (!findings) {
		log/* notice */.lm(NOT_A_JWT);
		return;
	}
	const { warnings, notices } = findings;
	const text = (found) => `The access token is not exactly what was requested. ${(0,drift/* formatDifferences */.Aq)(found)}`;
	if (warnings.length > 0) log/* warning */.$e(text(warnings));
	if (notices.length > 0) log/* notice */.lm(text(notices));
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
	if (applied.secret) await save(context, applied.client.client_id, applied.secret, found.client?.client_id);
	return applied;
}
async function makeCredentials(context, plan, found) {
	if (plan.client && plan.result !== 'replaced') return await changeClient(context, plan, plan.client);
	const { desired, scalekit } = context;
	const creation = createClient(context, found);
	// The verification and the search for concurrent runs are sent at the same time, on two connections.
	if (desired.verify && desired.marker.lifetime === 'persistent') scalekit.transport.preconnect(scalekit.clientUrl());
	const { client, secret, remainingSteps } = await creation;
	const [verified, winner] = await Promise.allSettled([
		verifySecret(context, client, secret),
		settleRace(context, client, found),
	]);
	// If the race is lost, the verification of this step's own credentials does not matter.
	if (winner.status === 'fulfilled' && winner.value)
		return await continueWithWinner(context, plan, found, winner.value);
	if (verified.status === 'rejected') throw verified.reason;
	if (winner.status === 'rejected') throw winner.reason;
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
	log/* info */.pq(
		`Another run created client ${winner.client_id} for the same purpose at the same time, and was first. ${MATRIX_ADVICE}`,
	);
	const winnerPlan = planForWinner(desired, winner, found);
	scalekit.expectLag(winner.client_id);
	const applied = await changeClient(context, winnerPlan, winner);
	const { removed, remaining } = await (0,remove/* cleanUp */.nY)(scalekit, { ...journal.state, secret: undefined });
	for (const what of removed) log/* info */.pq(`Removed this run's own: ${what}.`);
	remaining.forEach(log/* warning */.$e);
	// The post step retries what could not be removed.
	if (remaining.length === 0) journal.forget('client');
	// Still delete the replaced client: the other run may fail and keep its new client for this one.
	return { ...applied, remainingSteps: plan.afterPublish };
}
/** Carries out a plan for a client that exists. */
async function changeClient(context, plan, existing) {
	let client = existing;
	let secret;
	for (const step of plan.beforePublish) {
		if (step.kind === 'update') client = await updateClient(context, client, step.fields);
		if (step.kind === 'add-secret') secret = await addSecret(context, client, step.toMakeRoom);
	}
	const token = secret && (await verifySecret(context, client, secret));
	const isDone = (step) => step.kind === 'delete-secret' && step.secret.id === secret?.deletedId;
	return { plan, client, secret, token, remainingSteps: plan.afterPublish.filter((step) => !isDone(step)) };
}
async function verifySecret({ scalekit, desired, journal }, { client_id }, { plain_secret: client_secret }) {
	return await verify(scalekit, desired, { client_id, client_secret }, journal.pendingUpdate !== undefined);
}

// EXTERNAL MODULE: ./build/output/outputs.js
var output_outputs = __webpack_require__(9359);
// EXTERNAL MODULE: ./build/output/summary.js
var summary = __webpack_require__(5081);
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
		(0,output_outputs/* setOutputs */.n)(outputs);
	} catch (error) {
		throw secret && location
			? new Error(`${log/* message */.iU(error)} The credentials are saved already, as ${(0,saved_credentials/* entryNames */.VM)(location)}.`)
			: error;
	}
}
/** Logs what was done, why, and when the next rotation is due. */
function logResult(desired, applied) {
	log/* info */.pq(resultSentence(desired, applied));
	if (applied.secret && desired.location) log/* info */.pq(`Saved the credentials as ${(0,saved_credentials/* entryNames */.VM)(desired.location)}.`);
	const [due] = dueTexts(desired, applied.plan, applied.secret);
	if (due) log/* info */.pq(`The next rotation is due on ${due}.`);
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
	(0,output_outputs/* setOutputs */.n)({ ...(client && { client_id: client.client_id }), organization_id, result: 'planned' });
	const steps = [...beforePublish, ...afterPublish].map((step) => describeStep(desired, client?.client_id ?? '', step));
	if (steps.length === 0) steps.push({ text: 'change nothing', differences: [] });
	log/* info */.pq(`Dry run in organization ${organization_id}: nothing was changed. A run without dry_run would`);
	for (const { text, differences } of steps) {
		log/* info */.pq(`- ${text}`);
		for (const { field, wanted, got } of differences)
			log/* info */.pq(`    ${field}: from ${(0,drift/* formatValues */.KU)(got)} to ${(0,drift/* formatValues */.KU)(wanted)}`);
	}
	const notes = [
		...(reason ? [`A new secret is due, since ${reason}.`] : []),
		...dueTexts(desired, plan, undefined).map((due) => `The next rotation is due on ${due}.`),
	];
	notes.forEach(log/* info */.pq);
	const rows = [...steps, ...notes.map((text) => ({ text, differences: [] }))].flatMap(({ text, differences }) => [
		[{ data: (0,summary/* cell */.Hn)([text]), colspan: '3' }],
		...differences.map(({ field, wanted, got }) =>
			[field, (0,drift/* formatValues */.KU)(got), (0,drift/* formatValues */.KU)(wanted)].map((text) => (0,summary/* cell */.Hn)([text])),
		),
	]);
	const header = ['Step or field', 'Now', 'Then'].map((data) => ({ data, header: true }));
	(0,summary/* writeSummary */.Sy)('Scalekit organization client: plan, nothing was changed', [header, ...rows]);
}
/**
 * Describes a step for the plan of a dry run.
 * @param client_id the existing client, or empty
 */
function describeStep({ fields, marker, location }, client_id, step) {
	switch (step.kind) {
		case 'create': {
			const names = Object.keys(fields);
			const until = marker.lifetime === 'job' ? ', and delete it when the job ends' : '';
			return { text: `create a client${until}`, differences: (0,drift/* compareFields */.zV)(names, fields, {}) };
		}
		case 'update':
			return { text: `update client ${client_id}`, differences: step.differences };
		case 'add-secret': {
			const { toMakeRoom } = step;
			const condition = toMakeRoom ? `; if Scalekit refuses another one, delete secret ${toMakeRoom.id} first` : '';
			return { text: `add a secret to client ${client_id}${condition}`, differences: [] };
		}
		case 'save':
			return { text: `save the credentials as ${location && (0,saved_credentials/* entryNames */.VM)(location)}`, differences: [] };
		case 'delete-secret': {
			const condition = step.spareRecent ? ', unless it is younger than an hour' : '';
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
	for (const what of deleted) log/* info */.pq(`Deleted ${what}.`);
	const update = plan.beforePublish.find((step) => step.kind === 'update');
	const rows = [
		['Result', plan.result],
		...optionalRow('Reason', plan.reason),
		['Client', client.client_id],
		['Organization', organization_id],
		['Name', client.name],
		['Scopes', ...client.scopes],
		['Audience', ...client.audience],
		['Claims', ...client.custom_claims.map(({ key, value }) => `${key}=${value}`)],
		...optionalRow('Updated', ...(update?.differences.map(({ field }) => field) ?? [])),
		...optionalRow('Token expiry', expiryText(fields.expiry, client.expiry)),
		...optionalRow('Secret', secret?.shown?.id),
		...optionalRow('Secret ends with', secret?.shown?.suffix.slice(-4)),
		...optionalRow('Next rotation', dueTexts(desired, plan, secret)[0]),
		...optionalRow('Saved', location && (secret ? (0,saved_credentials/* entryNames */.VM)(location) : 'unchanged')),
		...optionalRow('Deleted', ...deleted),
		['Lifetime', marker.lifetime === 'job' ? 'job: the client is deleted when the job ends' : marker.lifetime],
	];
	(0,summary/* writeSummary */.Sy)('Scalekit organization client', [
		...rows.map(([title, ...values]) => [{ data: title, header: true }, (0,summary/* cell */.Hn)(values)]),
		[{ data: 'Run', header: true }, (0,summary/* link */.nf)(marker.run, run_url)],
	]);
}
/** Returns a row, or none without values. */
function optionalRow(title, ...values) {
	const known = values.flatMap((value) => value || []);
	return known.length > 0 ? [[title, ...known]] : [];
}
function resultSentence({ organization_id, marker, location }, { plan: { result, reason }, client, secret }) {
	const which = `client ${client.client_id} ${JSON.stringify(client.name)} in organization ${organization_id}`;
	if (result === 'reused' && location) return `Reused ${which}: the saved credentials are this client's.`;
	if (result === 'reused')
		return `Reused ${which}. Scalekit shows a secret only once, so the output secret is empty. Use the secret that was stored when it was created, or on_existing: rotate.`;
	if (result === 'rotated')
		return `Added ${secret?.shown ? `secret ${secret.shown.id}` : 'a secret'} to ${which}${reason ? `, since ${reason}` : ''}.`;
	return `Created ${which}${marker.lifetime === 'job' ? '; it is deleted when the job ends' : ''}.`;
}
/** Returns the expiry for the summary. A response may leave it out; then the requested one is shown as requested. */
function expiryText(requested, actual) {
	if (actual) return `${actual} seconds`;
	return requested ? `${requested} seconds (asked for)` : undefined;
}

// EXTERNAL MODULE: ./build/steps/resolve-target.js + 1 modules
var resolve_target = __webpack_require__(4966);
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
			if (await work()) deleted.push(what);
		} catch (error) {
			log/* warning */.$e(`The ${what} is left over: ${log/* message */.iU(error)} ${(0,by_hand/* manualCall */.jy)(url)}`);
		}
	};
	for (const step of remainingSteps) {
		if (step.kind === 'delete-secret' && isDue(step, secret?.shown?.create_time)) {
			const { client_id } = client;
			const { id } = step.secret;
			await attempt(`secret ${id} of client ${client_id}`, scalekit.clientUrl(client_id, 'secrets', id), () =>
				scalekit.deleteSecret(client_id, id),
			);
		}
		if (step.kind === 'delete-client') {
			const { client_id } = step;
			await attempt(`replaced client ${client_id}`, scalekit.clientUrl(client_id), () =>
				deleteReplaced(scalekit, step),
			);
		}
	}
	return deleted;
}
/** Deletes the replaced client. @throws {Error} if another run has added a secret to it since */
async function deleteReplaced(scalekit, { client_id, knownIds }) {
	const client = await scalekit.getClient(client_id);
	if (!client) return false;
	const [other] = (0,remove/* newSecretIds */.Ng)(client.parse(), knownIds);
	if (other)
		throw new Error(`another run has added secret ${other} to it. Delete the client only if that secret is not used.`);
	return await scalekit.deleteClient(client_id);
}
/**
 * Returns whether a secret may be deleted now. Logs it if not: another job may still use a recent secret.
 * @param newest creation time of the new secret, in nanoseconds since the epoch
 */
function isDue({ secret, spareRecent }, newest) {
	const { create_time } = secret;
	const isOld = create_time !== undefined && newest !== undefined && newest - create_time >= HOUR_NS;
	if (!spareRecent || isOld) return true;
	log/* info */.pq(`Not deleting secret ${secret.id}: it is younger than an hour, so another job may be using it.`);
	return false;
}

// EXTERNAL MODULE: ./build/undo/journal.js
var journal = __webpack_require__(169);
// EXTERNAL MODULE: ./build/undo/pending.js
var pending = __webpack_require__(1737);
// EXTERNAL MODULE: ./build/undo/restore-variables.js
var restore_variables = __webpack_require__(808);
;// CONCATENATED MODULE: ./build/undo/roll-back.js







/**
 * Undoes what a failed step did, last first. What remains stays in the journal, and the post step tries again.
 * @returns the error to report: the failure, what was undone, and what could not be undone
 */
async function rollBack(scalekit, savedCredentials, journal, failure) {
	const { state, pendingUpdate, irreversible } = journal;
	const variables = state.variables && savedCredentials && (await (0,restore_variables/* restoreVariables */.s)(savedCredentials, state.variables));
	if (variables?.canRetry === false) journal.forget('variables');
	const { removed, notFound, remaining } = await (0,remove/* cleanUp */.nY)(scalekit, state);
	const lines = [
		...(variables?.done ?? []),
		...removed.map((what) => `Removed again: ${what}.`),
		...(variables?.remaining ?? []),
		...remaining,
	];
	const isCreateUnknown = notFound && !state.client?.id;
	if (isCreateUnknown)
		lines.push(
			`Could not determine whether the client was created: it is not in the list yet. The post step will check again. ${(0,by_hand/* manualClientCall */.s3)(scalekit, state)}`,
		);
	else if (remaining.length === 0) journal.forget('client', 'secret');
	// While a secret of this step remains, post finds it by the ownership marker that the update wrote.
	if (pendingUpdate && state.secret && remaining.length > 0) lines.push((0,by_hand/* mayStayUpdated */.cA)(pendingUpdate));
	else if (pendingUpdate) lines.push(...(await restoreClient(scalekit, pendingUpdate, state.secret?.id)));
	lines.push(...irreversible);
	return lines.length > 0 ? new Error([(0,log/* message */.iU)(failure), ...lines].join('\n'), { cause: failure }) : failure;
}
/** Returns the error of a cancelled step. Nothing is undone here, because the runner does not wait for it. */
function cancellationError({ state, pendingUpdate, irreversible }, failure) {
	const lines = [
		(0,log/* message */.iU)(failure),
		...((0,pending/* isNothingPending */.d)(state) ? [] : ['The post step removes what this step created.']),
		...(pendingUpdate ? [(0,by_hand/* mayStayUpdated */.cA)(pendingUpdate)] : []),
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
		if (!now || (0,drift/* compareFields */.zV)(names, before, now).length === 0) return [];
		if ((0,remove/* newSecretIds */.Ng)(now, [...before.secrets.map(({ id }) => id), addedSecret]).length > 0)
			return [`${(0,by_hand/* mayStayUpdated */.cA)(pendingUpdate)} It has a secret that may be another run's.`];
		// PATCH ignores empty values, so leave them out.
		const former = Object.fromEntries(
			names.map((name) => [name, before[name]]).filter(([, value]) => value !== undefined && `${value}` !== ''),
		);
		const restored =
			Object.keys(former).length > 0 ? (0,net_outcome/* unwrap */.oA)(await scalekit.updateClient(client_id, former)).parse() : now;
		const wrong = (0,drift/* compareFields */.zV)(names, before, restored);
		if (wrong.length === 0) return [`Restored: ${names.join(', ')} of client ${client_id}.`];
		return [
			`Client ${client_id} could not be restored, since the API cannot empty or shorten it:\n${(0,drift/* formatDifferences */.Aq)(wrong)}`,
		];
	} catch (error) {
		return [`${(0,by_hand/* mayStayUpdated */.cA)(pendingUpdate)} ${(0,log/* message */.iU)(error)}`];
	}
}

// EXTERNAL MODULE: ./build/commands/session.js
var session = __webpack_require__(4386);
;// CONCATENATED MODULE: ./build/commands/provision.js

















/** Runs main: creates the client that the inputs describe, or rotates its secret, and publishes the credentials. */
async function provision(inputs) {
	await (0,session/* runWithTransport */.H)(inputs, run);
}
async function run(inputs, transport) {
	// Before any request: a cancelled run may reach post alone, which then has to find this process.
	const journal = openJournal(inputs);
	try {
		await runWithJournal(inputs, transport, journal);
	} finally {
		journal.end();
	}
}
async function runWithJournal(inputs, transport, journal) {
	const [{ desired, savedCredentials, saved }, scalekit] = await Promise.all([
		// Throws before any request is sent if the variables of the ID token cannot be used.
		(0,resolve_target/* resolveTarget */.u)(inputs, transport, process.env).then((target) =>
			resolveAndReadSaved(inputs, target, transport, journal.state.nonce),
		),
		scalekit_api/* Scalekit */.x.open(transport, inputs),
	]);
	const { organization_id } = scalekit;
	journal.organizationFound(organization_id);
	const context = { scalekit, desired: { ...desired, organization_id }, journal, savedCredentials };
	desired.notices.forEach(log/* notice */.lm);
	const existing = await findAll(context, saved);
	const plan = planChanges(context.desired, existing);
	[...existing.notices, ...plan.notices].forEach(log/* notice */.lm);
	[...existing.warnings, ...plan.warnings].forEach(log/* warning */.$e);
	if (transport.cancelled) throw new Error('Nothing was changed.');
	if (desired.dry_run) return publishPlan(context.desired, plan);
	const applied = await applyAndPublish(context, plan, existing);
	transport.releaseCleanupTime();
	const deleted = await retireOld(context, applied);
	writeReport(context.desired, applied, deleted);
	if (transport.cancelled) throw new Error('The credentials were published before that.');
}
/** Opens the journal. Only the journal and GitHub's client keep credentials. */
function openJournal({ origin, organization_id, credentials, runner, lifetime }) {
	const state = { origin, organization_id, nonce: (0,desired_client/* createNonce */.mE)(), run: runner.run, lifetime };
	return new journal/* Journal */.CQ(state, credentials.client_secret, process.env.RUNNER_TEMP);
}
/** Resolves the desired client, and reads what is saved from an earlier run. */
async function resolveAndReadSaved(inputs, target, transport, nonce) {
	const desired = (0,desired_client/* desiredClientFrom */.w0)(inputs, target, nonce);
	const { github } = inputs;
	if (!github || !desired.location) return { desired };
	const savedCredentials = new saved_credentials/* SavedCredentials */.uB(new api/* GitHub */.g(transport, github), desired.location);
	return { desired, savedCredentials, saved: await savedCredentials.open() };
}
/** Finds the client that exists. The saved id shows which it is. */
async function findAll(context, saved) {
	const { scalekit, desired } = context;
	const found = await (0,find/* findExisting */.xx)(scalekit, desired, saved);
	if (saved) requireOneOwner(context, saved, found.client?.client_id);
	return { ...found, now: (0,clock/* toNanoseconds */.r)(scalekit.time) };
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
		// A signal that arrived together with the last response is delivered after it.
		await (0,promises_.setImmediate)();
		// Saved credentials count as published, so cancelling comes too late.
		const isSaved = savedCredentials !== undefined && applied.secret !== undefined;
		if (transport.cancelled && !isSaved) throw new Error('The credentials were not published.');
		publish(desired, applied);
		journal.markPublished(applied.client.client_id);
		logResult(desired, applied);
		return applied;
	} catch (error) {
		if (transport.cancelled) throw cancellationError(journal, error);
		transport.releaseCleanupTime();
		throw await rollBack(scalekit, savedCredentials, journal, error);
	}
}


/***/ })

};
;