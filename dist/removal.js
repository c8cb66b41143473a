"use strict";
exports.id = 597;
exports.ids = [597];
exports.modules = {

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
    if (!distrust && (0,_undo_pending_js__WEBPACK_IMPORTED_MODULE_13__/* .isNothingPending */ .d)(pending))
        return;
    const credentials = (0,_inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__/* .readCredentials */ .L1)(process.env);
    const token = (0,_inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__/* .readGitHubToken */ .nC)();
    if (distrust) {
        _output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e(`What this step created may be left over: ${distrust} ${(0,_undo_by_hand_js__WEBPACK_IMPORTED_MODULE_8__/* .whereToLook */ .iX)(state)}`);
        return;
    }
    const obstacle = leftovers.obstacle ?? unsafeTls();
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
        return 'the credentials that main had are not there any more, neither as inputs nor as variables. No request was sent.';
    const isThisRun = !process.env.GITHUB_RUN_ID || state.run === (0,_github_runner_js__WEBPACK_IMPORTED_MODULE_1__/* .readRunner */ .fY)(process.env).run;
    if (isThisRun && (0,_undo_journal_js__WEBPACK_IMPORTED_MODULE_9__/* .isSealed */ .dy)(state, client_secret))
        return undefined;
    return 'the saved state does not match this run and these credentials; another step may have changed one of them. No request was sent.';
}
function unsafeTls() {
    const unsafe = (0,_inputs_connection_js__WEBPACK_IMPORTED_MODULE_3__/* .unsafeSetting */ .br)(process.env);
    return unsafe && `NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}`;
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
    if (record)
        return { pending: record };
    const isComplete = state.journal_file === undefined && main === 'ended';
    if (isComplete)
        return { pending: state };
    if (state.lifetime === 'job')
        return { pending: withSearch(state) };
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
        _output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e((0,_undo_restore_variables_js__WEBPACK_IMPORTED_MODULE_12__/* .variablesNotRestored */ .v)(pending, 'github_token is not there any more'));
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
        if (!state.organization_id)
            await scalekit.selectOrganization((0,_inputs_reader_js__WEBPACK_IMPORTED_MODULE_4__/* .readInput */ .R5)('organization_external_id'));
    }
    catch (error) {
        const calls = (0,_undo_by_hand_js__WEBPACK_IMPORTED_MODULE_8__/* .manualCalls */ .mw)(scalekit, state);
        _output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e(`What this step created may be left over: ${_output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .message */ .iU(error)} ${calls}`);
        return;
    }
    const { removed, notFound, remaining } = await (0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_11__/* .cleanUp */ .nY)(scalekit, state, _undo_remove_js__WEBPACK_IMPORTED_MODULE_11__/* .LATE_CREATE_WINDOW */ .DU);
    for (const what of removed)
        _output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .info */ .pq(`Deleted ${what}.`);
    if (notFound)
        _output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .info */ .pq(state.client?.id
            ? 'The client is gone already.'
            : 'No client of the create request that was cut off has shown up.');
    if (remaining.length > 0)
        _output_log_js__WEBPACK_IMPORTED_MODULE_6__/* .warning */ .$e(remaining.join('\n'));
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
    if (found && !deletable && !isNothingSaved(found.saved))
        _output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .warning */ .$e(notDeletedWarning(found, owner));
    const isListed = (id) => kept.has(id) || listed.some(({ client_id }) => client_id === id);
    const unlisted = deletable && (await findUnlistedClient(scalekit, deletable.saved, isListed, query, kept));
    kept.warnings().forEach(_output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .warning */ .$e);
    const clients = [...listed, ...(unlisted ? [unlisted] : [])];
    const nothing = nothingText(scalekit, inputs.client_id, query);
    if (inputs.dry_run)
        showPlan(clients, deletable, nothing);
    else
        await deleteAll(scalekit, clients, deletable, nothing);
}
function queryFor(inputs, target) {
    const identity = (0,_inputs_desired_client_js__WEBPACK_IMPORTED_MODULE_3__/* .identityFor */ .K5)(inputs, target, 'persistent');
    const repo = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .repositoryReference */ .sk)(target.repository, target.repository_id);
    return { identity, marker: { key: (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .identityHash */ .Jf)(identity), repo }, fields: { name: (0,_inputs_desired_client_js__WEBPACK_IMPORTED_MODULE_3__/* .clientName */ .V8)(inputs, target) } };
}
/**
 * Finds the client that `client_id` names, or all with our identity hash. The clients need not be readable as a whole.
 * @returns also the clients that may be ours and are not deleted: `kept`
 */
async function findDeletableClients(scalekit, client_id, query) {
    const kept = new _steps_kept_clients_js__WEBPACK_IMPORTED_MODULE_12__/* .KeptClients */ .Jr();
    if (client_id) {
        const client = await (0,_steps_find_js__WEBPACK_IMPORTED_MODULE_11__/* .getNamedClient */ .Hk)(scalekit, { client_id, ...query });
        if (!client)
            return { deletable: [], kept };
        if (client.marker)
            return { deletable: [{ client_id, marker: client.marker, justRead: true }], kept };
        throw new Error(`Client ${client_id} is not deleted: its description has no ownership marker.`);
    }
    const found = new Map();
    for await (const client of (0,_steps_find_js__WEBPACK_IMPORTED_MODULE_11__/* .listDescribed */ .Kw)(scalekit, (0,_steps_find_js__WEBPACK_IMPORTED_MODULE_11__/* .mayBeOurs */ .UN)(query))) {
        const relation = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .relationOf */ .Ke)(client, query);
        const marker = (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_16__/* .parseMarker */ .gY)(client.description);
        if (relation === 'ours' && marker)
            found.set(client.client_id, { ...client, marker, create_time: (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .parseOrUndefined */ .x9)(client.parse)?.create_time });
        else if (relation !== 'ours' && relation !== 'unrelated')
            kept.add(relation, client.client_id);
    }
    for (const { client_id } of (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .copiesAmong */ .uW)([...found.values()]))
        kept.add('copy', client_id);
    return { deletable: [...found.values()].filter(({ client_id }) => !kept.has(client_id)), kept };
}
/**
 * Reads the saved credentials, and checks as far as reading can that the token may delete them.
 * @returns undefined if there is nothing to delete: no location was given, or the environment does not exist
 */
async function openSavedCredentials({ github }, location, transport) {
    if (!github || !location)
        return undefined;
    const savedCredentials = new _github_saved_credentials_js__WEBPACK_IMPORTED_MODULE_2__/* .SavedCredentials */ .uB(new _github_api_js__WEBPACK_IMPORTED_MODULE_1__/* .GitHub */ .g(transport, github), location);
    try {
        return { credentials: savedCredentials, saved: await savedCredentials.open({ mayBeGone: true }) };
    }
    catch (error) {
        if (!(error instanceof _net_api_error_js__WEBPACK_IMPORTED_MODULE_4__/* .ApiError */ .hD && error.status === 404))
            throw error;
    }
    // GitHub also answers 404 to a token without permission, and to one that it does not know yet. So check first that the
    // token can see the repository.
    await savedCredentials.requireVisibleRepository();
    if (!(await savedCredentials.environmentExists()))
        return undefined;
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
    if (!_scalekit_types_js__WEBPACK_IMPORTED_MODULE_10__/* .CLIENT_ID */ .U6.test(id) || isListed(id))
        return undefined;
    const named = await scalekit.getClient(id);
    if (named?.client_id !== id)
        return undefined;
    const relation = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .relationOf */ .Ke)(named, query);
    const marker = (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_16__/* .parseMarker */ .gY)(named.description);
    if (relation === 'ours')
        return marker && { client_id: id, marker };
    if (relation !== 'unrelated')
        kept.add(relation, id);
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
    for (const what of all)
        _output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(`- delete ${what}`);
    (0,_output_outputs_js__WEBPACK_IMPORTED_MODULE_6__/* .setOutputs */ .n)({ deleted: '' });
    (0,_output_summary_js__WEBPACK_IMPORTED_MODULE_7__/* .writeSummary */ .Sy)('Scalekit organization client: what would be deleted', [[(0,_output_summary_js__WEBPACK_IMPORTED_MODULE_7__/* .cell */ .Hn)(all)]]);
}
/**
 * Deletes everything and reports it: the saved secret, the clients, and then the variables. So a run that was cut off can
 * be repeated: `…_STATE` still names the owner of the rest.
 * @throws {Error} that names what could not be deleted
 */
async function deleteAll(scalekit, clients, deletable, nothing) {
    const deletions = deletable ? [await deleteEntry(deletable, 'secret')] : [];
    for (const client of clients)
        deletions.push(await deleteClient(scalekit, client));
    for (const variable of ['id_variable', 'state_variable']) {
        // If something could not be deleted, the variables are needed to repeat this run.
        if (deletable && failuresOf(deletions).length === 0)
            deletions.push(await deleteEntry(deletable, variable));
    }
    const deleted = deletions.flatMap(({ what }) => what ?? []);
    if (deleted.length + failuresOf(deletions).length === 0)
        _output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(nothing);
    (0,_output_outputs_js__WEBPACK_IMPORTED_MODULE_6__/* .setOutputs */ .n)({ deleted: deletions.flatMap(({ id }) => id ?? []).join(' ') });
    (0,_output_summary_js__WEBPACK_IMPORTED_MODULE_7__/* .writeSummary */ .Sy)('Scalekit organization client: deleted', [[(0,_output_summary_js__WEBPACK_IMPORTED_MODULE_7__/* .cell */ .Hn)(deleted)]]);
    (0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_14__/* .throwFailures */ .c7)(failuresOf(deletions));
}
function failuresOf(deletions) {
    return deletions.flatMap(({ failure }) => failure ?? []);
}
async function deleteClient(scalekit, client) {
    const outcome = await (0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_14__/* .deleteMarkedClient */ .Lf)(scalekit, client);
    if (typeof outcome !== 'string')
        return { failure: outcome.remaining };
    if (outcome !== 'deleted')
        return {};
    _output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(`Deleted client ${client.client_id}.`);
    return { what: `client ${client.client_id}`, id: client.client_id };
}
/** Deletes a saved variable or the secret. */
async function deleteEntry({ credentials }, entry) {
    const name = credentials.location[entry];
    const what = `${entry === 'secret' ? 'secret' : 'variable'} ${name} of ${credentials.name}`;
    try {
        const isDeleted = entry === 'secret' ? await credentials.deleteSecret() : await credentials.deleteVariable(name);
        if (!isDeleted)
            return {};
        _output_log_js__WEBPACK_IMPORTED_MODULE_5__/* .info */ .pq(`Deleted ${what}.`);
        return { what };
    }
    catch (error) {
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
/* harmony import */ var _client_marker_js__WEBPACK_IMPORTED_MODULE_11__ = __webpack_require__(5425);
/* harmony import */ var _github_api_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5302);
/* harmony import */ var _net_api_error_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1308);
/* harmony import */ var _output_log_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1083);
/* harmony import */ var _output_outputs_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9359);
/* harmony import */ var _output_summary_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(5081);
/* harmony import */ var _scalekit_api_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(2582);
/* harmony import */ var _steps_find_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(4440);
/* harmony import */ var _steps_kept_clients_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(6690);
/* harmony import */ var _undo_remove_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(5456);
/* harmony import */ var _session_js__WEBPACK_IMPORTED_MODULE_10__ = __webpack_require__(4386);












/** The most clients that the summary shows: GitHub takes a summary of 1 MiB at most. */
const MAX_ROWS = 200;
/** Nanoseconds of 35 days. GitHub ends every workflow run by then. */
const MAX_RUN_NS = 35n * 24n * 3600000000000n;
/** Runs `sweep/`: deletes the clients with `lifetime: job` of this repository whose job has ended, oldest first. */
async function sweepJobClients(inputs) {
    await (0,_session_js__WEBPACK_IMPORTED_MODULE_10__/* .runWithTransport */ .H)(inputs, run);
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
    const outcome = dry_run
        ? `${idsOf(WOULD_BE_DELETED).length} would be deleted, and dry_run is true`
        : `${deleted.length} deleted`;
    _output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .info */ .pq(`Clients of single jobs of ${runner.repository}: ${clients.length}, ${outcome}.`);
    (0,_output_outputs_js__WEBPACK_IMPORTED_MODULE_4__/* .setOutputs */ .n)({ deleted: deleted.join(' ') });
    (0,_output_summary_js__WEBPACK_IMPORTED_MODULE_5__/* .writeSummary */ .Sy)(`Scalekit organization clients of single jobs: ${outcome}`, table(rows));
    (0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_9__/* .throwFailures */ .c7)(rows.flatMap(({ failures }) => failures));
}
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
    const found = new Map();
    const kept = new _steps_kept_clients_js__WEBPACK_IMPORTED_MODULE_8__/* .KeptClients */ .Jr();
    for await (const client of (0,_steps_find_js__WEBPACK_IMPORTED_MODULE_7__/* .listDescribed */ .Kw)(scalekit, mayBeJobs)) {
        const relation = relationToJobs(client, identity);
        if (typeof relation === 'object')
            found.set(client.client_id, relation);
        else if (relation !== 'unrelated')
            kept.add(relation, client.client_id);
    }
    kept.warnings().forEach(_output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .warning */ .$e);
    return [...found.values()].sort(_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .oldestFirst */ .sZ);
}
/** Returns a client if a job of the repository's workflows created it, and otherwise what it is to them. */
function relationToJobs({ client_id, description, parse }, identity) {
    const by = (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .repositoryReference */ .sk)(identity.repository, identity.repository_id);
    const markers = (0,_client_marker_js__WEBPACK_IMPORTED_MODULE_11__/* .parseMarkers */ .FT)(description);
    const isOurs = markers.some((marker) => marker.by === by && marker.lifetime === 'job');
    if (markers.length > 0 && !isOurs)
        return 'unrelated';
    try {
        const client = parse();
        const [marker, ...others] = markers;
        if (!marker)
            return (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .claimsNameRepository */ .Ts)(client, identity) ? 'look-alike' : 'unrelated';
        if (others.length > 0)
            return 'disputed';
        return (0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .contradictsItself */ .AM)(client, marker) ? 'contradictory' : { ...(0,_client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .withMarker */ .Pe)(client), marker };
    }
    catch (error) {
        if (isOurs)
            _output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .warning */ .$e(`Client ${client_id} stays: ${_output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .message */ .iU(error)}.`);
        return 'unrelated';
    }
}
/** Judges the clients one by one and deletes those whose job has ended, at most `max_deletions`. */
async function sweep({ dry_run, max_deletions }, scalekit, clients, judge) {
    const rows = [];
    // Clients that cannot be deleted do not count: otherwise they would block the rest in every later run.
    let count = 0;
    for (const client of clients) {
        const row = count === max_deletions
            ? { action: 'stays', why: `max_deletions is ${max_deletions}, so nobody asked about it`, failures: [] }
            : await sweepOne(scalekit, client, await judge(client), dry_run);
        if (row.action === DELETED || row.action === WOULD_BE_DELETED)
            count++;
        const { client_id, name, marker } = client;
        _output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .info */ .pq(`Client ${client_id} ${JSON.stringify(name)} of run ${marker.run}: ${row.action}, since ${row.why}.`);
        rows.push({ client, ...row });
    }
    return rows;
}
/** Deletes a client if its job has ended. */
async function sweepOne(scalekit, client, { isOver, why, failure, warning }, dryRun) {
    if (warning)
        _output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .warning */ .$e(warning);
    const failures = failure === undefined ? [] : [failure];
    if (!isOver)
        return { action: 'stays', why, failures };
    if (dryRun)
        return { action: WOULD_BE_DELETED, why, failures };
    const outcome = await (0,_undo_remove_js__WEBPACK_IMPORTED_MODULE_9__/* .deleteMarkedClient */ .Lf)(scalekit, client);
    if (typeof outcome === 'string')
        return { action: outcome, why, failures };
    return { action: 'not deleted', why, failures: [...failures, outcome.remaining] };
}
/**
 * Returns a function that judges one client. It asks GitHub once about each run, and not again if GitHub refuses to
 * answer. A client whose run cannot be determined stays.
 */
function judgeWith(github, { repository, run: ownRun }) {
    const runs = new Map();
    let refusal;
    const readRun = async (id) => {
        if (refusal)
            throw refusal;
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
        const byAge = () => {
            const { serverNow } = github.transport;
            const now = serverNow === undefined ? undefined : BigInt(serverNow) * 1000000n;
            return judgeByAge(marker, create_time, now, ownRun);
        };
        const verdict = byAge();
        if (verdict)
            return verdict;
        try {
            const reading = runs.get(id) ?? readRun(id);
            runs.set(id, reading);
            const run = await reading;
            // Judge by age once more: if Scalekit sends no time, GitHub's response is the first that does.
            return byAge() ?? judgeByRun({ client_id, marker, create_time }, run);
        }
        catch (error) {
            return { isOver: false, why: 'GitHub could not be asked about its run', failure: _output_log_js__WEBPACK_IMPORTED_MODULE_3__/* .message */ .iU(error) };
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
    if (run === ownRun)
        return { isOver: false, why: 'it is of this very run' };
    if (create_time === undefined || now === undefined || now - create_time <= MAX_RUN_NS)
        return undefined;
    return { isOver: true, why: 'it is older than 35 days, and no run lasts longer' };
}
/** Judges a client by its workflow run. @param workflowRun undefined if GitHub shows no such run */
function judgeByRun({ client_id, marker, create_time }, workflowRun) {
    // GitHub answers 404 for a deleted run and for one that the token may not see.
    if (!workflowRun)
        return { isOver: false, why: 'GitHub shows no such run, which proves nothing' };
    const { status, run_attempt, updated_at } = workflowRun;
    const attempt = Number(marker.run.split('.')[1]);
    // A run without a number of its attempt is completed only if all its jobs have ended, in whatever attempt.
    const current = run_attempt ?? attempt;
    const isOver = current > attempt || (current === attempt && status === 'completed');
    if (!isOver)
        return { isOver, why: `its run is ${status} in attempt ${current}` };
    const end = updated_at === undefined ? undefined : BigInt(updated_at) * 1000000n;
    if (create_time !== undefined && end !== undefined && create_time > end + _client_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .COPY_AGE_NS */ .Y0)
        return { isOver: false, why: 'it was created after its run ended', warning: (0,_steps_kept_clients_js__WEBPACK_IMPORTED_MODULE_8__/* .copyText */ .Dk)(client_id) };
    return {
        isOver,
        why: current > attempt ? `its run is at attempt ${current} by now` : 'its run is completed',
    };
}
/** Returns the rows of the summary's table. */
function table(rows) {
    const header = ['Client', 'Name', 'Run', 'What', 'Why'].map((data) => ({ data, header: true }));
    const shown = rows
        .slice(0, MAX_ROWS)
        .map(({ client, action, why }) => [client.client_id, client.name, client.marker.run, action, why].map((text) => (0,_output_summary_js__WEBPACK_IMPORTED_MODULE_5__/* .cell */ .Hn)([text])));
    const more = rows.length - MAX_ROWS;
    return [header, ...shown, ...(more > 0 ? [[{ data: `and ${more} more`, colspan: '5' }]] : [])];
}


/***/ })

};
;