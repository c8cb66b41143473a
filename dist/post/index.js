/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	var __webpack_modules__ = ({

/***/ 661:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   FZ: () => (/* binding */ listField),
/* harmony export */   OM: () => (/* binding */ stringField),
/* harmony export */   dw: () => (/* binding */ parseJsonObject),
/* harmony export */   eB: () => (/* binding */ asObject),
/* harmony export */   tF: () => (/* binding */ InvalidResponseError)
/* harmony export */ });
/* unused harmony export decodeJwtPayload */
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
    }
    catch {
        throw new InvalidResponseError(`the answer is not JSON (${text.length} characters)`);
    }
    return asObject(value, 'the answer');
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
    if (typeof value !== 'string')
        throw new InvalidResponseError(`${field} is not a string`);
    return value;
}
/**
 * Returns a field's list, or an empty list if the field is absent or null, for the same reason as `stringField`.
 * @throws {InvalidResponseError} if the field is not a list
 */
function listField(object, field) {
    const value = object[field] ?? [];
    if (!Array.isArray(value))
        throw new InvalidResponseError(`${field} is not a list`);
    return value;
}
/**
 * Returns the claims of a JSON Web Token, or undefined if the text is not one. The signature is not checked, because
 * the token came from the issuer itself, over TLS (OpenID Connect Core 1.0, section 3.1.3.7, rule 6).
 */
function decodeJwtPayload(token) {
    const [, payload, ...rest] = token.split('.');
    if (payload === undefined || rest.length !== 1)
        return undefined;
    try {
        return asObject(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'the token');
    }
    catch {
        return undefined;
    }
}


/***/ }),

/***/ 183:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $e: () => (/* binding */ warning),
/* harmony export */   Yz: () => (/* binding */ debug),
/* harmony export */   iU: () => (/* binding */ message),
/* harmony export */   pq: () => (/* binding */ info)
/* harmony export */ });
/* unused harmony exports notice, fail */
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(178);
/* harmony import */ var _mask_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(549);
/* harmony import */ var _text_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(938);



// Every word that this action prints goes through this module. It replaces masked values in each text, and changes text
// of a server or a user that the runner would read as a command.
/** Prints one line. Line breaks and control characters become spaces. */
function info(text) {
    _actions_core__WEBPACK_IMPORTED_MODULE_0__/* .info */ .pq((0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .oneLine */ .TN)(text));
}
/** Prints one line that is shown only if the workflow runs with debug logging. */
function debug(text) {
    _actions_core__WEBPACK_IMPORTED_MODULE_0__/* .debug */ .Yz((0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .oneLine */ .TN)(text));
}
/** Prints one notice annotation of one line. */
function notice(text) {
    core.notice(oneLine(text));
}
/** Prints one warning annotation of one line. */
function warning(text) {
    _actions_core__WEBPACK_IMPORTED_MODULE_0__/* .warning */ .$e((0,_text_js__WEBPACK_IMPORTED_MODULE_2__/* .oneLine */ .TN)(text));
}
/**
 * Prints one error annotation, which may have several lines, and sets the exit code to 1. If the message does not name
 * the root cause, prints that as a debug line.
 */
function fail(error) {
    core.setFailed(redact(message(error)).split('\n').map(oneLine).join('\n'));
    const root = rootCause(error);
    if (!message(error).includes(root))
        debug(`Caused by: ${root}`);
}
/** Returns the message of an error without its stack, or the text of any other thrown value. */
function message(error) {
    return error instanceof Error ? error.message : String(error);
}
/** Returns the message of the innermost cause. */
function rootCause(error) {
    return error instanceof Error && error.cause instanceof Error ? rootCause(error.cause) : message(error);
}


/***/ }),

/***/ 549:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Bs: () => (/* binding */ maskCredentials),
/* harmony export */   E$: () => (/* binding */ redact),
/* harmony export */   az: () => (/* binding */ isTooLongToMask),
/* harmony export */   dK: () => (/* binding */ mask)
/* harmony export */ });
/* unused harmony exports flushMasks, maskForms */
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(178);

// Every mask of this action is registered through this module. It keeps each masked form for `redact`, and sends it to
// the runner, which masks it in the log of the whole job.
/** Characters of the shortest value that is masked. A shorter one, or such a part of one, would hide ordinary text. */
const MIN_MASK_LENGTH = 4;
/** Characters of the shortest line of base64 that is masked. A shorter remainder reveals almost nothing. */
const MIN_LINE_LENGTH = 8;
/**
 * Bytes of the largest secret that GitHub stores. A larger one is masked as it is and line by line. Its encoded forms
 * are not masked, since a runner does not accept so many. Code that publishes a secret refuses a larger one.
 */
const MAX_SECRET_BYTES = 48 * 1024;
/** Characters of a line of base64 (RFC 2045, section 6.8, and RFC 7468, section 2). */
const LINE_WIDTHS = [76, 64];
/** All masked forms. */
const masked = new Set();
/** The masked forms, longest first: a shorter one may be part of a longer one. Undefined if a form was added since. */
let sorted;
/** Masks a secret in every form in which a later step may print it. */
function mask(secret) {
    register(maskForms(secret));
}
/**
 * Masks the lines of base64 that contain a secret after an id, as in `id:secret` of HTTP's Basic scheme (RFC 7617).
 * Lines that the id alone determines are not masked.
 */
function maskCredentials(id, secret) {
    if (secret.trim().length < MIN_MASK_LENGTH || isTooLongToMask(secret))
        return;
    const idOnly = Buffer.from(`${id}:`).toString('base64');
    const lines = LINE_WIDTHS.flatMap((width) => base64Lines(Buffer.from(`${id}:${secret}`), width));
    register(lines.filter((line) => !idOnly.includes(line)).flatMap(bothAlphabets));
}
/** Returns whether a secret is larger than GitHub stores, so that its encoded forms are not masked. */
function isTooLongToMask(secret) {
    return Buffer.byteLength(secret) > MAX_SECRET_BYTES;
}
/**
 * Waits until all masks are written to standard output. If its reader is slow, most of them are still in this process.
 * @throws {Error} if standard output cannot be written
 */
async function flushMasks() {
    const { promise, resolve } = Promise.withResolvers();
    process.stdout.write('', resolve);
    const error = await promise;
    if (error)
        throw new Error(`Standard output cannot be written, so no secret can be masked: ${error.message}.`);
}
/** Replaces every masked form in a text by `***`, so that the output does not depend on the runner's own masking. */
function redact(text) {
    sorted ??= [...masked].sort((a, b) => b.length - a.length);
    let clean = text;
    for (const form of sorted)
        if (form.length <= clean.length)
            clean = clean.replaceAll(form, '***');
    return clean;
}
/**
 * Returns the forms in which a secret can appear: as it is, line by line, URL-encoded, JSON-escaped, and in base64 with
 * any bytes before and after it. Runners mask only the literal value. GitHub's runner adds some forms as a best effort.
 */
function maskForms(secret) {
    if (secret.trim().length < MIN_MASK_LENGTH)
        return [];
    // The usual alphabet. URL and JSON encoding leave such a secret unchanged.
    if (/^[\w.-]+$/.test(secret))
        return [...new Set([secret, ...base64Forms(secret)])];
    const lines = secret.split(/[\r\n]+/);
    const all = isTooLongToMask(secret) ? [] : [...new Set([secret, ...lines])];
    const forms = [
        secret,
        secret.trim(),
        ...lines,
        ...lines.map((line) => line.trim()),
        // Encode each line in addition: if the runner has replaced one line, the whole secret no longer matches.
        ...all.flatMap(urlForms),
        ...all.flatMap(jsonForms),
        ...base64Forms(secret),
    ];
    return [...new Set(forms)].filter((form) => form.trim().length >= MIN_MASK_LENGTH);
}
/** Registers each form that is not masked yet. */
function register(forms) {
    // Send all masks in one write.
    process.stdout.cork();
    for (const form of forms) {
        if (masked.has(form))
            continue;
        masked.add(form);
        sorted = undefined;
        (0,_actions_core__WEBPACK_IMPORTED_MODULE_0__/* .setSecret */ .Pq)(form);
    }
    process.stdout.uncork();
}
/** Returns the URL encodings of a secret: of path, query and form, with hexadecimal digits in both cases. */
function urlForms(secret) {
    const component = encodeURIComponent(secret.toWellFormed());
    const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
    const form = new URLSearchParams({ '': secret }).toString().slice(1);
    // Encoders for paths do not encode a slash.
    const all = [component, strict, form].flatMap((text) => [text, text.replaceAll('%2F', '/')]);
    return all.flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())]);
}
/** Returns the JSON escapes of a secret, without the quotes and with hexadecimal digits in both cases. */
function jsonForms(secret) {
    const json = JSON.stringify(secret).slice(1, -1);
    // Some encoders escape more than JSON.stringify: non-ASCII characters, characters that are unsafe in HTML, or both.
    const cautious = [/[\u007f-\uffff]/g, /[<>&\u2028\u2029]/g, /[<>&\u007f-\uffff]/g].map((more) => json.replace(more, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`));
    const all = [json, ...cautious].flatMap((text) => [text, text.replaceAll('/', '\\/')]);
    return all.flatMap((text) => [text, text.replace(/\\u[\da-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`)]);
}
/**
 * Returns what base64 contains of a secret. Three bytes become four characters, so the bytes before a secret shift it
 * by 0, 1 or 2 bytes. For each shift, returns the characters that do not depend on the bytes around the secret. For the
 * secret without other bytes, returns the padded text in addition.
 */
function base64Forms(secret) {
    if (isTooLongToMask(secret))
        return [];
    const bytes = Buffer.from(secret);
    const fragments = [0, 1, 2].map((shift) => {
        const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
        return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    });
    const lines = LINE_WIDTHS.flatMap((width) => base64Lines(bytes, width));
    return [bytes.toString('base64'), ...fragments, ...lines].flatMap(bothAlphabets);
}
/**
 * Returns the lines of base64 as command-line tools break it. Bytes that follow, such as a line break, change the end
 * of the last line, so the lines are returned with and without that end.
 */
function base64Lines(bytes, width) {
    const whole = bytes.toString('base64');
    const certain = whole.slice(0, Math.floor((bytes.length * 8) / 6));
    const lines = [];
    for (const text of [whole, certain])
        for (let at = 0; at + MIN_LINE_LENGTH <= text.length; at += width)
            lines.push(text.slice(at, at + width));
    return lines;
}
/** Returns the text in base64 and in base64url (RFC 4648). */
function bothAlphabets(text) {
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}


/***/ }),

/***/ 938:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Dq: () => (/* binding */ characterCount),
/* harmony export */   Ec: () => (/* binding */ hideLikelySecrets),
/* harmony export */   My: () => (/* binding */ SCHEME),
/* harmony export */   TN: () => (/* binding */ oneLine),
/* harmony export */   hD: () => (/* binding */ quote),
/* harmony export */   ts: () => (/* binding */ escapeInvisible),
/* harmony export */   xv: () => (/* binding */ truncate),
/* harmony export */   y8: () => (/* binding */ quoteUrl)
/* harmony export */ });
/* harmony import */ var _mask_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(549);

/** The scheme of a URL and the two slashes after it. */
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;
/** What looks like a secret of Scalekit, a token of GitHub or a JSON Web Token. In a wrong input it is not masked. */
const SECRET_LIKE = /(?<!\w)((test|live|prod)_|gh[opsur]_|github_pat_|eyJ)[\w.-]{20,}/g;
/**
 * Returns a value as an error shows it: masked values and what looks like a secret replaced, at most 80 characters,
 * quoted as in JSON, and with invisible characters escaped.
 */
function quote(value) {
    return escapeInvisible(JSON.stringify(truncate(hideLikelySecrets(value), 80)));
}
/** Replaces what looks like a secret. */
function hideLikelySecrets(text) {
    return text.replace(SECRET_LIKE, '***');
}
/**
 * Escapes invisible characters as in JSON, such as `\u200b` for a zero-width space.
 * @param characters what to escape. The default is Unicode's category Cf
 */
function escapeInvisible(text, characters = /\p{Cf}/gu) {
    return text.replace(characters, (character) => character
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''));
}
/** Returns a URL as an error shows it. Hides what is before an `@` or after a `?` or `#`, since it may be a secret. */
function quoteUrl(text) {
    const clean = (0,_mask_js__WEBPACK_IMPORTED_MODULE_0__/* .redact */ .E$)(text);
    const [scheme = ''] = SCHEME.exec(clean) ?? [];
    const rest = clean.slice(scheme.length);
    const [queryStart, atSign] = [rest.search(/[?#]/), rest.lastIndexOf('@')];
    if (queryStart >= 0 && atSign > queryStart)
        return quote(`${scheme}***`);
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

/***/ 137:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  hp: () => (/* binding */ deleteJournalFile),
  dy: () => (/* binding */ isSealed),
  kT: () => (/* binding */ readLastRecord),
  un: () => (/* binding */ readState)
});

// UNUSED EXPORTS: Journal

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __nccwpck_require__(598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __nccwpck_require__(24);
var external_node_fs_default = /*#__PURE__*/__nccwpck_require__.n(external_node_fs_);
;// CONCATENATED MODULE: external "node:path"
const external_node_path_namespaceObject = require("node:path");
// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 10 modules
var core = __nccwpck_require__(178);
// EXTERNAL MODULE: ./build/net/json.js
var json = __nccwpck_require__(661);
// EXTERNAL MODULE: ./build/output/log.js
var log = __nccwpck_require__(183);
// EXTERNAL MODULE: ./build/undo/main-process.js
var main_process = __nccwpck_require__(409);
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
            saveState(STATE_NAME, '');
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
            saveState(STATE_NAME, text);
        }
        catch (error) {
            throw new Error(`Could not write the state for the post step: ${message(error)}.`);
        }
    }
}
/** Creates an empty journal file. Returns its path, or undefined if the folder cannot be used. */
function createJournalFile(folder) {
    if (!folder || !path.isAbsolute(folder))
        return undefined;
    const file = path.join(folder, `scalekit-organization-client-${randomBytes(12).toString('hex')}`);
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
    fs.rmSync(`${file}.new`, { force: true });
    writeNewFile(`${file}.new`, text);
    fs.renameSync(`${file}.new`, file);
}
/** Writes a file that must not exist, not even as a link, and that only this user can read. */
function writeNewFile(file, text) {
    fs.writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}
/**
 * Reads the state that main wrote.
 * @returns undefined if main left nothing to undo
 * @throws {Error} if the text is not a state
 */
function readState() {
    const text = (0,core/* getState */.Gu)(STATE_NAME);
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
        const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = (external_node_fs_default()).constants;
        file = external_node_fs_default().openSync(state.journal_file ?? '', O_NOFOLLOW | O_NONBLOCK);
        const record = parseRecord(external_node_fs_default().readFileSync(file, 'utf8'));
        if (record.nonce !== state.nonce || !isSealed(record, secret))
            return undefined;
        return record.counter < state.counter ? state : record;
    }
    catch {
        return undefined;
    }
    finally {
        if (file !== undefined)
            external_node_fs_default().closeSync(file);
    }
}
/** Deletes the journal file of a step. Never throws: the runner deletes its folder in any case. */
function deleteJournalFile({ journal_file }) {
    for (const file of journal_file ? [journal_file, `${journal_file}.new`] : []) {
        try {
            external_node_fs_default().rmSync(file, { force: true });
        }
        catch { }
    }
}
/** Returns whether a step with the same API secret wrote this record. */
function isSealed({ seal: given, ...record }, secret) {
    const expected = Buffer.from(seal(record, secret));
    const actual = Buffer.from(typeof given === 'string' ? given : '');
    return secret !== '' && actual.length === expected.length && (0,external_node_crypto_.timingSafeEqual)(actual, expected);
}
function parseRecord(text) {
    return (0,json/* asObject */.eB)(JSON.parse(text), 'it');
}
/** Returns the HMAC-SHA-256 of a record, in base64url. */
function seal(record, secret) {
    return (0,external_node_crypto_.createHmac)('sha256', secret).update(JSON.stringify(record)).digest('base64url');
}


/***/ }),

/***/ 409:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   a: () => (/* binding */ stopMain)
/* harmony export */ });
/* unused harmony export thisProcess */
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(24);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(500);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_timers_promises__WEBPACK_IMPORTED_MODULE_1__);


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
    }
    catch {
        return undefined;
    }
}


/***/ }),

/***/ 896:
/***/ ((module) => {

module.exports = require("fs");

/***/ }),

/***/ 598:
/***/ ((module) => {

module.exports = require("node:crypto");

/***/ }),

/***/ 24:
/***/ ((module) => {

module.exports = require("node:fs");

/***/ }),

/***/ 708:
/***/ ((module) => {

module.exports = require("node:https");

/***/ }),

/***/ 30:
/***/ ((module) => {

module.exports = require("node:net");

/***/ }),

/***/ 500:
/***/ ((module) => {

module.exports = require("node:timers/promises");

/***/ }),

/***/ 857:
/***/ ((module) => {

module.exports = require("os");

/***/ }),

/***/ 178:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  Yz: () => (/* binding */ core_debug),
  V4: () => (/* binding */ getInput),
  Gu: () => (/* binding */ getState),
  pq: () => (/* binding */ info),
  Pq: () => (/* binding */ core_setSecret),
  $e: () => (/* binding */ warning)
});

// UNUSED EXPORTS: ExitCode, addPath, endGroup, error, exportVariable, getBooleanInput, getIDToken, getMultilineInput, group, isDebug, markdownSummary, notice, platform, saveState, setCommandEcho, setFailed, setOutput, startGroup, summary, toPlatformPath, toPosixPath, toWin32Path

// EXTERNAL MODULE: external "os"
var external_os_ = __nccwpck_require__(857);
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/utils.js
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */
/**
 * Sanitizes an input into a string so it can be passed into issueCommand safely
 * @param input input to sanitize into a string
 */
function utils_toCommandValue(input) {
    if (input === null || input === undefined) {
        return '';
    }
    else if (typeof input === 'string' || input instanceof String) {
        return input;
    }
    return JSON.stringify(input);
}
/**
 *
 * @param annotationProperties
 * @returns The command properties to send with the actual annotation command
 * See IssueCommandProperties: https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionCommandManager.cs#L646
 */
function utils_toCommandProperties(annotationProperties) {
    if (!Object.keys(annotationProperties).length) {
        return {};
    }
    return {
        title: annotationProperties.title,
        file: annotationProperties.file,
        line: annotationProperties.startLine,
        endLine: annotationProperties.endLine,
        col: annotationProperties.startColumn,
        endColumn: annotationProperties.endColumn
    };
}
//# sourceMappingURL=utils.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/command.js


/**
 * Issues a command to the GitHub Actions runner
 *
 * @param command - The command name to issue
 * @param properties - Additional properties for the command (key-value pairs)
 * @param message - The message to include with the command
 * @remarks
 * This function outputs a specially formatted string to stdout that the Actions
 * runner interprets as a command. These commands can control workflow behavior,
 * set outputs, create annotations, mask values, and more.
 *
 * Command Format:
 *   ::name key=value,key=value::message
 *
 * @example
 * ```typescript
 * // Issue a warning annotation
 * issueCommand('warning', {}, 'This is a warning message');
 * // Output: ::warning::This is a warning message
 *
 * // Set an environment variable
 * issueCommand('set-env', { name: 'MY_VAR' }, 'some value');
 * // Output: ::set-env name=MY_VAR::some value
 *
 * // Add a secret mask
 * issueCommand('add-mask', {}, 'secretValue123');
 * // Output: ::add-mask::secretValue123
 * ```
 *
 * @internal
 * This is an internal utility function that powers the public API functions
 * such as setSecret, warning, error, and exportVariable.
 */
function command_issueCommand(command, properties, message) {
    const cmd = new Command(command, properties, message);
    process.stdout.write(cmd.toString() + external_os_.EOL);
}
function command_issue(name, message = '') {
    command_issueCommand(name, {}, message);
}
const CMD_STRING = '::';
class Command {
    constructor(command, properties, message) {
        if (!command) {
            command = 'missing.command';
        }
        this.command = command;
        this.properties = properties;
        this.message = message;
    }
    toString() {
        let cmdStr = CMD_STRING + this.command;
        if (this.properties && Object.keys(this.properties).length > 0) {
            cmdStr += ' ';
            let first = true;
            for (const key in this.properties) {
                if (this.properties.hasOwnProperty(key)) {
                    const val = this.properties[key];
                    if (val) {
                        if (first) {
                            first = false;
                        }
                        else {
                            cmdStr += ',';
                        }
                        cmdStr += `${key}=${escapeProperty(val)}`;
                    }
                }
            }
        }
        cmdStr += `${CMD_STRING}${escapeData(this.message)}`;
        return cmdStr;
    }
}
function escapeData(s) {
    return utils_toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A');
}
function escapeProperty(s) {
    return utils_toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A')
        .replace(/:/g, '%3A')
        .replace(/,/g, '%2C');
}
//# sourceMappingURL=command.js.map
;// CONCATENATED MODULE: external "crypto"
const external_crypto_namespaceObject = require("crypto");
// EXTERNAL MODULE: external "fs"
var external_fs_ = __nccwpck_require__(896);
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/file-command.js
// For internal use, subject to change.
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */




function file_command_issueFileCommand(command, message) {
    const filePath = process.env[`GITHUB_${command}`];
    if (!filePath) {
        throw new Error(`Unable to find environment variable for file command ${command}`);
    }
    if (!fs.existsSync(filePath)) {
        throw new Error(`Missing file at path: ${filePath}`);
    }
    fs.appendFileSync(filePath, `${toCommandValue(message)}${os.EOL}`, {
        encoding: 'utf8'
    });
}
function file_command_prepareKeyValueMessage(key, value) {
    const delimiter = `ghadelimiter_${crypto.randomUUID()}`;
    const convertedValue = toCommandValue(value);
    // These should realistically never happen, but just in case someone finds a
    // way to exploit uuid generation let's not allow keys or values that contain
    // the delimiter.
    if (key.includes(delimiter)) {
        throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter}"`);
    }
    if (convertedValue.includes(delimiter)) {
        throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter}"`);
    }
    return `${key}<<${delimiter}${os.EOL}${convertedValue}${os.EOL}${delimiter}`;
}
//# sourceMappingURL=file-command.js.map
;// CONCATENATED MODULE: external "path"
const external_path_namespaceObject = require("path");
;// CONCATENATED MODULE: ./node_modules/@actions/http-client/lib/auth.js
var __awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};
class BasicCredentialHandler {
    constructor(username, password) {
        this.username = username;
        this.password = password;
    }
    prepareRequest(options) {
        if (!options.headers) {
            throw Error('The request has no headers');
        }
        options.headers['Authorization'] = `Basic ${Buffer.from(`${this.username}:${this.password}`).toString('base64')}`;
    }
    // This handler cannot handle 401
    canHandleAuthentication() {
        return false;
    }
    handleAuthentication() {
        return __awaiter(this, void 0, void 0, function* () {
            throw new Error('not implemented');
        });
    }
}
class auth_BearerCredentialHandler {
    constructor(token) {
        this.token = token;
    }
    // currently implements pre-authorization
    // TODO: support preAuth = false where it hooks on 401
    prepareRequest(options) {
        if (!options.headers) {
            throw Error('The request has no headers');
        }
        options.headers['Authorization'] = `Bearer ${this.token}`;
    }
    // This handler cannot handle 401
    canHandleAuthentication() {
        return false;
    }
    handleAuthentication() {
        return __awaiter(this, void 0, void 0, function* () {
            throw new Error('not implemented');
        });
    }
}
class PersonalAccessTokenCredentialHandler {
    constructor(token) {
        this.token = token;
    }
    // currently implements pre-authorization
    // TODO: support preAuth = false where it hooks on 401
    prepareRequest(options) {
        if (!options.headers) {
            throw Error('The request has no headers');
        }
        options.headers['Authorization'] = `Basic ${Buffer.from(`PAT:${this.token}`).toString('base64')}`;
    }
    // This handler cannot handle 401
    canHandleAuthentication() {
        return false;
    }
    handleAuthentication() {
        return __awaiter(this, void 0, void 0, function* () {
            throw new Error('not implemented');
        });
    }
}
//# sourceMappingURL=auth.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/oidc-utils.js
var oidc_utils_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};



class oidc_utils_OidcClient {
    static createHttpClient(allowRetry = true, maxRetry = 10) {
        const requestOptions = {
            allowRetries: allowRetry,
            maxRetries: maxRetry
        };
        return new HttpClient('actions/oidc-client', [new BearerCredentialHandler(oidc_utils_OidcClient.getRequestToken())], requestOptions);
    }
    static getRequestToken() {
        const token = process.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
        if (!token) {
            throw new Error('Unable to get ACTIONS_ID_TOKEN_REQUEST_TOKEN env variable');
        }
        return token;
    }
    static getIDTokenUrl() {
        const runtimeUrl = process.env['ACTIONS_ID_TOKEN_REQUEST_URL'];
        if (!runtimeUrl) {
            throw new Error('Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable');
        }
        return runtimeUrl;
    }
    static getCall(id_token_url) {
        return oidc_utils_awaiter(this, void 0, void 0, function* () {
            var _a;
            const httpclient = oidc_utils_OidcClient.createHttpClient();
            const res = yield httpclient
                .getJson(id_token_url)
                .catch(error => {
                throw new Error(`Failed to get ID Token. \n 
        Error Code : ${error.statusCode}\n 
        Error Message: ${error.message}`);
            });
            const id_token = (_a = res.result) === null || _a === void 0 ? void 0 : _a.value;
            if (!id_token) {
                throw new Error('Response json body do not have ID Token field');
            }
            return id_token;
        });
    }
    static getIDToken(audience) {
        return oidc_utils_awaiter(this, void 0, void 0, function* () {
            try {
                // New ID Token is requested from action service
                let id_token_url = oidc_utils_OidcClient.getIDTokenUrl();
                if (audience) {
                    const encodedAudience = encodeURIComponent(audience);
                    id_token_url = `${id_token_url}&audience=${encodedAudience}`;
                }
                debug(`ID token url is ${id_token_url}`);
                const id_token = yield oidc_utils_OidcClient.getCall(id_token_url);
                setSecret(id_token);
                return id_token;
            }
            catch (error) {
                throw new Error(`Error message: ${error.message}`);
            }
        });
    }
}
//# sourceMappingURL=oidc-utils.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/summary.js
var summary_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


const { access, appendFile, writeFile } = external_fs_.promises;
const SUMMARY_ENV_VAR = 'GITHUB_STEP_SUMMARY';
const SUMMARY_DOCS_URL = 'https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-job-summary';
class Summary {
    constructor() {
        this._buffer = '';
    }
    /**
     * Finds the summary file path from the environment, rejects if env var is not found or file does not exist
     * Also checks r/w permissions.
     *
     * @returns step summary file path
     */
    filePath() {
        return summary_awaiter(this, void 0, void 0, function* () {
            if (this._filePath) {
                return this._filePath;
            }
            const pathFromEnv = process.env[SUMMARY_ENV_VAR];
            if (!pathFromEnv) {
                throw new Error(`Unable to find environment variable for $${SUMMARY_ENV_VAR}. Check if your runtime environment supports job summaries.`);
            }
            try {
                yield access(pathFromEnv, external_fs_.constants.R_OK | external_fs_.constants.W_OK);
            }
            catch (_a) {
                throw new Error(`Unable to access summary file: '${pathFromEnv}'. Check if the file has correct read/write permissions.`);
            }
            this._filePath = pathFromEnv;
            return this._filePath;
        });
    }
    /**
     * Wraps content in an HTML tag, adding any HTML attributes
     *
     * @param {string} tag HTML tag to wrap
     * @param {string | null} content content within the tag
     * @param {[attribute: string]: string} attrs key-value list of HTML attributes to add
     *
     * @returns {string} content wrapped in HTML element
     */
    wrap(tag, content, attrs = {}) {
        const htmlAttrs = Object.entries(attrs)
            .map(([key, value]) => ` ${key}="${value}"`)
            .join('');
        if (!content) {
            return `<${tag}${htmlAttrs}>`;
        }
        return `<${tag}${htmlAttrs}>${content}</${tag}>`;
    }
    /**
     * Writes text in the buffer to the summary buffer file and empties buffer. Will append by default.
     *
     * @param {SummaryWriteOptions} [options] (optional) options for write operation
     *
     * @returns {Promise<Summary>} summary instance
     */
    write(options) {
        return summary_awaiter(this, void 0, void 0, function* () {
            const overwrite = !!(options === null || options === void 0 ? void 0 : options.overwrite);
            const filePath = yield this.filePath();
            const writeFunc = overwrite ? writeFile : appendFile;
            yield writeFunc(filePath, this._buffer, { encoding: 'utf8' });
            return this.emptyBuffer();
        });
    }
    /**
     * Clears the summary buffer and wipes the summary file
     *
     * @returns {Summary} summary instance
     */
    clear() {
        return summary_awaiter(this, void 0, void 0, function* () {
            return this.emptyBuffer().write({ overwrite: true });
        });
    }
    /**
     * Returns the current summary buffer as a string
     *
     * @returns {string} string of summary buffer
     */
    stringify() {
        return this._buffer;
    }
    /**
     * If the summary buffer is empty
     *
     * @returns {boolen} true if the buffer is empty
     */
    isEmptyBuffer() {
        return this._buffer.length === 0;
    }
    /**
     * Resets the summary buffer without writing to summary file
     *
     * @returns {Summary} summary instance
     */
    emptyBuffer() {
        this._buffer = '';
        return this;
    }
    /**
     * Adds raw text to the summary buffer
     *
     * @param {string} text content to add
     * @param {boolean} [addEOL=false] (optional) append an EOL to the raw text (default: false)
     *
     * @returns {Summary} summary instance
     */
    addRaw(text, addEOL = false) {
        this._buffer += text;
        return addEOL ? this.addEOL() : this;
    }
    /**
     * Adds the operating system-specific end-of-line marker to the buffer
     *
     * @returns {Summary} summary instance
     */
    addEOL() {
        return this.addRaw(external_os_.EOL);
    }
    /**
     * Adds an HTML codeblock to the summary buffer
     *
     * @param {string} code content to render within fenced code block
     * @param {string} lang (optional) language to syntax highlight code
     *
     * @returns {Summary} summary instance
     */
    addCodeBlock(code, lang) {
        const attrs = Object.assign({}, (lang && { lang }));
        const element = this.wrap('pre', this.wrap('code', code), attrs);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML list to the summary buffer
     *
     * @param {string[]} items list of items to render
     * @param {boolean} [ordered=false] (optional) if the rendered list should be ordered or not (default: false)
     *
     * @returns {Summary} summary instance
     */
    addList(items, ordered = false) {
        const tag = ordered ? 'ol' : 'ul';
        const listItems = items.map(item => this.wrap('li', item)).join('');
        const element = this.wrap(tag, listItems);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML table to the summary buffer
     *
     * @param {SummaryTableCell[]} rows table rows
     *
     * @returns {Summary} summary instance
     */
    addTable(rows) {
        const tableBody = rows
            .map(row => {
            const cells = row
                .map(cell => {
                if (typeof cell === 'string') {
                    return this.wrap('td', cell);
                }
                const { header, data, colspan, rowspan } = cell;
                const tag = header ? 'th' : 'td';
                const attrs = Object.assign(Object.assign({}, (colspan && { colspan })), (rowspan && { rowspan }));
                return this.wrap(tag, data, attrs);
            })
                .join('');
            return this.wrap('tr', cells);
        })
            .join('');
        const element = this.wrap('table', tableBody);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds a collapsable HTML details element to the summary buffer
     *
     * @param {string} label text for the closed state
     * @param {string} content collapsable content
     *
     * @returns {Summary} summary instance
     */
    addDetails(label, content) {
        const element = this.wrap('details', this.wrap('summary', label) + content);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML image tag to the summary buffer
     *
     * @param {string} src path to the image you to embed
     * @param {string} alt text description of the image
     * @param {SummaryImageOptions} options (optional) addition image attributes
     *
     * @returns {Summary} summary instance
     */
    addImage(src, alt, options) {
        const { width, height } = options || {};
        const attrs = Object.assign(Object.assign({}, (width && { width })), (height && { height }));
        const element = this.wrap('img', null, Object.assign({ src, alt }, attrs));
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML section heading element
     *
     * @param {string} text heading text
     * @param {number | string} [level=1] (optional) the heading level, default: 1
     *
     * @returns {Summary} summary instance
     */
    addHeading(text, level) {
        const tag = `h${level}`;
        const allowedTag = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].includes(tag)
            ? tag
            : 'h1';
        const element = this.wrap(allowedTag, text);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML thematic break (<hr>) to the summary buffer
     *
     * @returns {Summary} summary instance
     */
    addSeparator() {
        const element = this.wrap('hr', null);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML line break (<br>) to the summary buffer
     *
     * @returns {Summary} summary instance
     */
    addBreak() {
        const element = this.wrap('br', null);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML blockquote to the summary buffer
     *
     * @param {string} text quote text
     * @param {string} cite (optional) citation url
     *
     * @returns {Summary} summary instance
     */
    addQuote(text, cite) {
        const attrs = Object.assign({}, (cite && { cite }));
        const element = this.wrap('blockquote', text, attrs);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML anchor tag to the summary buffer
     *
     * @param {string} text link text/content
     * @param {string} href hyperlink
     *
     * @returns {Summary} summary instance
     */
    addLink(text, href) {
        const element = this.wrap('a', text, { href });
        return this.addRaw(element).addEOL();
    }
}
const _summary = new Summary();
/**
 * @deprecated use `core.summary`
 */
const markdownSummary = (/* unused pure expression or super */ null && (_summary));
const summary = (/* unused pure expression or super */ null && (_summary));
//# sourceMappingURL=summary.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/path-utils.js

/**
 * toPosixPath converts the given path to the posix form. On Windows, \\ will be
 * replaced with /.
 *
 * @param pth. Path to transform.
 * @return string Posix path.
 */
function toPosixPath(pth) {
    return pth.replace(/[\\]/g, '/');
}
/**
 * toWin32Path converts the given path to the win32 form. On Linux, / will be
 * replaced with \\.
 *
 * @param pth. Path to transform.
 * @return string Win32 path.
 */
function toWin32Path(pth) {
    return pth.replace(/[/]/g, '\\');
}
/**
 * toPlatformPath converts the given path to a platform-specific path. It does
 * this by replacing instances of / and \ with the platform-specific path
 * separator.
 *
 * @param pth The path to platformize.
 * @return string The platform-specific path.
 */
function toPlatformPath(pth) {
    return pth.replace(/[/\\]/g, path.sep);
}
//# sourceMappingURL=path-utils.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/platform.js
var platform_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


const getWindowsInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    const { stdout: version } = yield exec.getExecOutput('powershell -command "(Get-CimInstance -ClassName Win32_OperatingSystem).Version"', undefined, {
        silent: true
    });
    const { stdout: name } = yield exec.getExecOutput('powershell -command "(Get-CimInstance -ClassName Win32_OperatingSystem).Caption"', undefined, {
        silent: true
    });
    return {
        name: name.trim(),
        version: version.trim()
    };
});
const getMacOsInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    var _a, _b, _c, _d;
    const { stdout } = yield exec.getExecOutput('sw_vers', undefined, {
        silent: true
    });
    const version = (_b = (_a = stdout.match(/ProductVersion:\s*(.+)/)) === null || _a === void 0 ? void 0 : _a[1]) !== null && _b !== void 0 ? _b : '';
    const name = (_d = (_c = stdout.match(/ProductName:\s*(.+)/)) === null || _c === void 0 ? void 0 : _c[1]) !== null && _d !== void 0 ? _d : '';
    return {
        name,
        version
    };
});
const getLinuxInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    const { stdout } = yield exec.getExecOutput('lsb_release', ['-i', '-r', '-s'], {
        silent: true
    });
    const [name, version] = stdout.trim().split('\n');
    return {
        name,
        version
    };
});
const platform = external_os_.platform();
const arch = external_os_.arch();
const isWindows = platform === 'win32';
const isMacOS = platform === 'darwin';
const isLinux = platform === 'linux';
function getDetails() {
    return platform_awaiter(this, void 0, void 0, function* () {
        return Object.assign(Object.assign({}, (yield (isWindows
            ? getWindowsInfo()
            : isMacOS
                ? getMacOsInfo()
                : getLinuxInfo()))), { platform,
            arch,
            isWindows,
            isMacOS,
            isLinux });
    });
}
//# sourceMappingURL=platform.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/core.js
var core_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};






/**
 * The code to exit an action
 */
var ExitCode;
(function (ExitCode) {
    /**
     * A code indicating that the action was successful
     */
    ExitCode[ExitCode["Success"] = 0] = "Success";
    /**
     * A code indicating that the action was a failure
     */
    ExitCode[ExitCode["Failure"] = 1] = "Failure";
})(ExitCode || (ExitCode = {}));
//-----------------------------------------------------------------------
// Variables
//-----------------------------------------------------------------------
/**
 * Sets env variable for this action and future actions in the job
 * @param name the name of the variable to set
 * @param val the value of the variable. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function exportVariable(name, val) {
    const convertedVal = toCommandValue(val);
    process.env[name] = convertedVal;
    const filePath = process.env['GITHUB_ENV'] || '';
    if (filePath) {
        return issueFileCommand('ENV', prepareKeyValueMessage(name, val));
    }
    issueCommand('set-env', { name }, convertedVal);
}
/**
 * Registers a secret which will get masked from logs
 *
 * @param secret - Value of the secret to be masked
 * @remarks
 * This function instructs the Actions runner to mask the specified value in any
 * logs produced during the workflow run. Once registered, the secret value will
 * be replaced with asterisks (***) whenever it appears in console output, logs,
 * or error messages.
 *
 * This is useful for protecting sensitive information such as:
 * - API keys
 * - Access tokens
 * - Authentication credentials
 * - URL parameters containing signatures (SAS tokens)
 *
 * Note that masking only affects future logs; any previous appearances of the
 * secret in logs before calling this function will remain unmasked.
 *
 * @example
 * ```typescript
 * // Register an API token as a secret
 * const apiToken = "abc123xyz456";
 * setSecret(apiToken);
 *
 * // Now any logs containing this value will show *** instead
 * console.log(`Using token: ${apiToken}`); // Outputs: "Using token: ***"
 * ```
 */
function core_setSecret(secret) {
    command_issueCommand('add-mask', {}, secret);
}
/**
 * Prepends inputPath to the PATH (for this action and future actions)
 * @param inputPath
 */
function addPath(inputPath) {
    const filePath = process.env['GITHUB_PATH'] || '';
    if (filePath) {
        issueFileCommand('PATH', inputPath);
    }
    else {
        issueCommand('add-path', {}, inputPath);
    }
    process.env['PATH'] = `${inputPath}${path.delimiter}${process.env['PATH']}`;
}
/**
 * Gets the value of an input.
 * Unless trimWhitespace is set to false in InputOptions, the value is also trimmed.
 * Returns an empty string if the value is not defined.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string
 */
function getInput(name, options) {
    const val = process.env[`INPUT_${name.replace(/ /g, '_').toUpperCase()}`] || '';
    if (options && options.required && !val) {
        throw new Error(`Input required and not supplied: ${name}`);
    }
    if (options && options.trimWhitespace === false) {
        return val;
    }
    return val.trim();
}
/**
 * Gets the values of an multiline input.  Each value is also trimmed.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string[]
 *
 */
function getMultilineInput(name, options) {
    const inputs = getInput(name, options)
        .split('\n')
        .filter(x => x !== '');
    if (options && options.trimWhitespace === false) {
        return inputs;
    }
    return inputs.map(input => input.trim());
}
/**
 * Gets the input value of the boolean type in the YAML 1.2 "core schema" specification.
 * Support boolean input list: `true | True | TRUE | false | False | FALSE` .
 * The return value is also in boolean type.
 * ref: https://yaml.org/spec/1.2/spec.html#id2804923
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   boolean
 */
function getBooleanInput(name, options) {
    const trueValue = ['true', 'True', 'TRUE'];
    const falseValue = ['false', 'False', 'FALSE'];
    const val = getInput(name, options);
    if (trueValue.includes(val))
        return true;
    if (falseValue.includes(val))
        return false;
    throw new TypeError(`Input does not meet YAML 1.2 "Core Schema" specification: ${name}\n` +
        `Support boolean input list: \`true | True | TRUE | false | False | FALSE\``);
}
/**
 * Sets the value of an output.
 *
 * @param     name     name of the output to set
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function setOutput(name, value) {
    const filePath = process.env['GITHUB_OUTPUT'] || '';
    if (filePath) {
        return issueFileCommand('OUTPUT', prepareKeyValueMessage(name, value));
    }
    process.stdout.write(os.EOL);
    issueCommand('set-output', { name }, toCommandValue(value));
}
/**
 * Enables or disables the echoing of commands into stdout for the rest of the step.
 * Echoing is disabled by default if ACTIONS_STEP_DEBUG is not set.
 *
 */
function setCommandEcho(enabled) {
    issue('echo', enabled ? 'on' : 'off');
}
//-----------------------------------------------------------------------
// Results
//-----------------------------------------------------------------------
/**
 * Sets the action status to failed.
 * When the action exits it will be with an exit code of 1
 * @param message add error issue message
 */
function setFailed(message) {
    process.exitCode = ExitCode.Failure;
    error(message);
}
//-----------------------------------------------------------------------
// Logging Commands
//-----------------------------------------------------------------------
/**
 * Gets whether Actions Step Debug is on or not
 */
function isDebug() {
    return process.env['RUNNER_DEBUG'] === '1';
}
/**
 * Writes debug message to user log
 * @param message debug message
 */
function core_debug(message) {
    command_issueCommand('debug', {}, message);
}
/**
 * Adds an error issue
 * @param message error issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function error(message, properties = {}) {
    issueCommand('error', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a warning issue
 * @param message warning issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function warning(message, properties = {}) {
    command_issueCommand('warning', utils_toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a notice issue
 * @param message notice issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function notice(message, properties = {}) {
    issueCommand('notice', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Writes info to log with console.log.
 * @param message info message
 */
function info(message) {
    process.stdout.write(message + external_os_.EOL);
}
/**
 * Begin an output group.
 *
 * Output until the next `groupEnd` will be foldable in this group
 *
 * @param name The name of the output group
 */
function startGroup(name) {
    issue('group', name);
}
/**
 * End an output group.
 */
function endGroup() {
    issue('endgroup');
}
/**
 * Wrap an asynchronous function call in a group.
 *
 * Returns the same type as the function itself.
 *
 * @param name The name of the group
 * @param fn The function to wrap in the group
 */
function group(name, fn) {
    return core_awaiter(this, void 0, void 0, function* () {
        startGroup(name);
        let result;
        try {
            result = yield fn();
        }
        finally {
            endGroup();
        }
        return result;
    });
}
//-----------------------------------------------------------------------
// Wrapper action state
//-----------------------------------------------------------------------
/**
 * Saves state for current action, the state can only be retrieved by this action's post job execution.
 *
 * @param     name     name of the state to store
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function saveState(name, value) {
    const filePath = process.env['GITHUB_STATE'] || '';
    if (filePath) {
        return issueFileCommand('STATE', prepareKeyValueMessage(name, value));
    }
    issueCommand('save-state', { name }, toCommandValue(value));
}
/**
 * Gets the value of an state set by this action's main execution.
 *
 * @param     name     name of the state to get
 * @returns   string
 */
function getState(name) {
    return process.env[`STATE_${name}`] || '';
}
function getIDToken(aud) {
    return core_awaiter(this, void 0, void 0, function* () {
        return yield OidcClient.getIDToken(aud);
    });
}
/**
 * Summary exports
 */

/**
 * @deprecated use core.summary
 */

/**
 * Path exports
 */

/**
 * Platform utilities exports
 */

//# sourceMappingURL=core.js.map

/***/ })

/******/ 	});
/************************************************************************/
/******/ 	// The module cache
/******/ 	var __webpack_module_cache__ = {};
/******/ 	
/******/ 	// The require function
/******/ 	function __nccwpck_require__(moduleId) {
/******/ 		// Check if module is in cache
/******/ 		var cachedModule = __webpack_module_cache__[moduleId];
/******/ 		if (cachedModule !== undefined) {
/******/ 			return cachedModule.exports;
/******/ 		}
/******/ 		// Create a new module (and put it into the cache)
/******/ 		var module = __webpack_module_cache__[moduleId] = {
/******/ 			// no module.id needed
/******/ 			// no module.loaded needed
/******/ 			exports: {}
/******/ 		};
/******/ 	
/******/ 		// Execute the module function
/******/ 		var threw = true;
/******/ 		try {
/******/ 			__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 			threw = false;
/******/ 		} finally {
/******/ 			if(threw) delete __webpack_module_cache__[moduleId];
/******/ 		}
/******/ 	
/******/ 		// Return the exports of the module
/******/ 		return module.exports;
/******/ 	}
/******/ 	
/******/ 	// expose the modules object (__webpack_modules__)
/******/ 	__nccwpck_require__.m = __webpack_modules__;
/******/ 	
/************************************************************************/
/******/ 	/* webpack/runtime/asset-relocator-loader */
/******/ 	if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = __dirname + "/";
/******/ 	
/******/ 	/* webpack/runtime/compat get default export */
/******/ 	(() => {
/******/ 		// getDefaultExport function for compatibility with non-harmony modules
/******/ 		__nccwpck_require__.n = (module) => {
/******/ 			var getter = module && module.__esModule ?
/******/ 				() => (module['default']) :
/******/ 				() => (module);
/******/ 			__nccwpck_require__.d(getter, { a: getter });
/******/ 			return getter;
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/define property getters */
/******/ 	(() => {
/******/ 		// define getter functions for harmony exports
/******/ 		__nccwpck_require__.d = (exports, definition) => {
/******/ 			for(var key in definition) {
/******/ 				if(__nccwpck_require__.o(definition, key) && !__nccwpck_require__.o(exports, key)) {
/******/ 					Object.defineProperty(exports, key, { enumerable: true, get: definition[key] });
/******/ 				}
/******/ 			}
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/ensure chunk */
/******/ 	(() => {
/******/ 		__nccwpck_require__.f = {};
/******/ 		// This file contains only the entry chunk.
/******/ 		// The chunk loading function for additional chunks
/******/ 		__nccwpck_require__.e = (chunkId) => {
/******/ 			return Promise.all(Object.keys(__nccwpck_require__.f).reduce((promises, key) => {
/******/ 				__nccwpck_require__.f[key](chunkId, promises);
/******/ 				return promises;
/******/ 			}, []));
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/get javascript chunk filename */
/******/ 	(() => {
/******/ 		// This function allow to reference async chunks
/******/ 		__nccwpck_require__.u = (chunkId) => {
/******/ 			// return url for filenames based on template
/******/ 			return "" + chunkId + ".index.js";
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/hasOwnProperty shorthand */
/******/ 	(() => {
/******/ 		__nccwpck_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/require chunk loading */
/******/ 	(() => {
/******/ 		// no baseURI
/******/ 		
/******/ 		// object to store loaded chunks
/******/ 		// "1" means "loaded", otherwise not loaded yet
/******/ 		var installedChunks = {
/******/ 			792: 1
/******/ 		};
/******/ 		
/******/ 		// no on chunks loaded
/******/ 		
/******/ 		var installChunk = (chunk) => {
/******/ 			var moreModules = chunk.modules, chunkIds = chunk.ids, runtime = chunk.runtime;
/******/ 			for(var moduleId in moreModules) {
/******/ 				if(__nccwpck_require__.o(moreModules, moduleId)) {
/******/ 					__nccwpck_require__.m[moduleId] = moreModules[moduleId];
/******/ 				}
/******/ 			}
/******/ 			if(runtime) runtime(__nccwpck_require__);
/******/ 			for(var i = 0; i < chunkIds.length; i++)
/******/ 				installedChunks[chunkIds[i]] = 1;
/******/ 		
/******/ 		};
/******/ 		
/******/ 		// require() chunk loading for javascript
/******/ 		__nccwpck_require__.f.require = (chunkId, promises) => {
/******/ 			// "1" is the signal for "already loaded"
/******/ 			if(!installedChunks[chunkId]) {
/******/ 				if(true) { // all chunks have JS
/******/ 					installChunk(require("./" + __nccwpck_require__.u(chunkId)));
/******/ 				} else installedChunks[chunkId] = 1;
/******/ 			}
/******/ 		};
/******/ 		
/******/ 		// no external install chunk
/******/ 		
/******/ 		// no HMR
/******/ 		
/******/ 		// no HMR manifest
/******/ 	})();
/******/ 	
/************************************************************************/
var __webpack_exports__ = {};

;// CONCATENATED MODULE: ./build/output/exit.js
/**
 * Runs the work of an entry file and then ends the process. Open sockets and pending name lookups do not keep it alive.
 * The exit code is 0 if the work succeeds.
 * @param onError receives the error if the work fails
 * @param failureCode exit code if the work fails, or if it never settles and Node has nothing left to wait for
 */
function runEntry(work, onError, failureCode) {
    process.exitCode = failureCode;
    // Ignore EPIPE here. Code that needs stdout to be read calls flushMasks().
    process.stdout.on('error', () => { });
    work()
        .then(() => {
        process.exitCode = 0;
    }, onError)
        // On Windows, writes to a pipe are asynchronous. The callback runs after all pending writes.
        .finally(() => process.stdout.write('', () => process.exit()));
}

// EXTERNAL MODULE: ./build/output/log.js
var log = __nccwpck_require__(183);
// EXTERNAL MODULE: ./build/undo/journal.js + 1 modules
var journal = __nccwpck_require__(137);
;// CONCATENATED MODULE: ./build/post.js



runEntry(async () => {
    const state = (0,journal/* readState */.un)();
    if (!state)
        return;
    // Most jobs have nothing to clean up and load no further modules.
    const { cleanUpAfterMain } = await __nccwpck_require__.e(/* import() */ 86).then(__nccwpck_require__.bind(__nccwpck_require__, 86));
    await cleanUpAfterMain(state);
}, (error) => log/* warning */.$e(`The state that main left cannot be used, so nothing was removed: ${log/* message */.iU(error)}`), 0);

module.exports = __webpack_exports__;
/******/ })()
;