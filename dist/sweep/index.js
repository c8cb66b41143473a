/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	var __webpack_modules__ = ({

/***/ 896:
/***/ ((module) => {

module.exports = require("fs");

/***/ }),

/***/ 857:
/***/ ((module) => {

module.exports = require("os");

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

;// CONCATENATED MODULE: ./build/entry.js
/**
 * Runs an entry file's work and then ends the process, whatever socket or name lookup would keep it alive.
 * @param failure the exit code unless the work ends well, also where it never ends and nothing is left to wait for
 */
function start(work, onError, failure) {
    process.exitCode = failure;
    // A reader that went away is no reason to stop here; who needs one asks for it.
    process.stdout.on('error', () => { });
    work()
        .then(() => {
        process.exitCode = 0;
    }, onError)
        // Where standard output is a pipe that is written asynchronously (Windows), the callback waits for what is pending.
        .finally(() => process.stdout.write('', () => process.exit()));
}

;// CONCATENATED MODULE: external "node:https"
const external_node_https_namespaceObject = require("node:https");
var external_node_https_default = /*#__PURE__*/__nccwpck_require__.n(external_node_https_namespaceObject);
;// CONCATENATED MODULE: external "node:timers/promises"
const promises_namespaceObject = require("node:timers/promises");
;// CONCATENATED MODULE: external "node:net"
const external_node_net_namespaceObject = require("node:net");
var external_node_net_default = /*#__PURE__*/__nccwpck_require__.n(external_node_net_namespaceObject);
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
    if (!external_fs_.existsSync(filePath)) {
        throw new Error(`Missing file at path: ${filePath}`);
    }
    external_fs_.appendFileSync(filePath, `${utils_toCommandValue(message)}${external_os_.EOL}`, {
        encoding: 'utf8'
    });
}
function file_command_prepareKeyValueMessage(key, value) {
    const delimiter = `ghadelimiter_${external_crypto_namespaceObject.randomUUID()}`;
    const convertedValue = utils_toCommandValue(value);
    // These should realistically never happen, but just in case someone finds a
    // way to exploit uuid generation let's not allow keys or values that contain
    // the delimiter.
    if (key.includes(delimiter)) {
        throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter}"`);
    }
    if (convertedValue.includes(delimiter)) {
        throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter}"`);
    }
    return `${key}<<${delimiter}${external_os_.EOL}${convertedValue}${external_os_.EOL}${delimiter}`;
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
const summary = _summary;
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
function core_getInput(name, options) {
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
    const inputs = core_getInput(name, options)
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
    const val = core_getInput(name, options);
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
        return file_command_issueFileCommand('OUTPUT', file_command_prepareKeyValueMessage(name, value));
    }
    process.stdout.write(external_os_.EOL);
    command_issueCommand('set-output', { name }, utils_toCommandValue(value));
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
    command_issueCommand('error', utils_toCommandProperties(properties), message instanceof Error ? message.toString() : message);
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
;// CONCATENATED MODULE: ./build/mask.js

/** Anything shorter would blank out ordinary text: such a value is never masked, whole or as a part. */
const SHORTEST_MASK = 4;
/** A shorter rest of a broken line tells next to nothing. */
const SHORTEST_LINE = 8;
/**
 * Bytes: GitHub keeps no longer secret. What is longer is masked as it is and line by line, since its other forms are
 * more than a runner takes in; whoever hands out a secret refuses it.
 */
const LONGEST_SECRET = 48 * 1024;
/** Characters (RFC 2045, section 6.8, and RFC 7468, section 2). */
const LINE_WIDTHS = [76, 64];
const masked = new Set();
/** The longest first, since a shorter one may be a part of it; nothing while there are new ones. */
let sorted;
/** Masks a secret in every form that a later step may print it in, here and in the runner's log of the whole job. */
function mask(secret) {
    tell(maskForms(secret));
}
function tell(forms) {
    // One write for all of them.
    process.stdout.cork();
    for (const form of forms) {
        if (masked.has(form))
            continue;
        masked.add(form);
        sorted = undefined;
        core_setSecret(form);
    }
    process.stdout.uncork();
}
/** Masks a secret also where it stands behind an id, as in `id:secret` of HTTP's Basic scheme (RFC 7617), in base64 of several lines. */
function maskPair(id, secret) {
    if (secret.trim().length < SHORTEST_MASK || isTooLong(secret))
        return;
    const idOnly = Buffer.from(`${id}:`).toString('base64');
    const lines = LINE_WIDTHS.flatMap((width) => brokenLines(Buffer.from(`${id}:${secret}`), width));
    tell(lines.filter((line) => !idOnly.includes(line)).flatMap(bothAlphabets));
}
function isTooLong(secret) {
    return Buffer.byteLength(secret) > LONGEST_SECRET;
}
/**
 * Waits until all masks have left the process: where its reader is slow, the most of them still wait in it.
 * @throws where nobody reads them
 */
async function masksTold() {
    const { promise, resolve } = Promise.withResolvers();
    process.stdout.write('', resolve);
    const error = await promise;
    if (error)
        throw new Error(`Standard output cannot be written, so no secret can be masked: ${error.message}.`);
}
/** Takes every masked form out of a text of ours, so that nothing depends on the runner's own masking. */
function redact(text) {
    sorted ??= [...masked].sort((a, b) => b.length - a.length);
    let clean = text;
    for (const form of sorted)
        if (form.length <= clean.length)
            clean = clean.replaceAll(form, '***');
    return clean;
}
/**
 * The forms in which a secret can turn up: as it is, line by line, URL-encoded, JSON-escaped, and within base64
 * whatever stands before or after it. Runners mask the literal value alone (GitHub's adds some forms, best effort).
 */
function maskForms(secret) {
    if (secret.trim().length < SHORTEST_MASK)
        return [];
    // The usual one, which URLs and JSON write as it is.
    if (/^[\w.-]+$/.test(secret))
        return [...new Set([secret, ...base64Forms(secret)])];
    const lines = secret.split(/[\r\n]+/);
    const all = isTooLong(secret) ? [] : [...new Set([secret, ...lines])];
    const forms = [
        secret,
        secret.trim(),
        ...lines,
        ...lines.map((line) => line.trim()),
        // Each line too: a runner that has replaced one would not recognize the whole any more.
        ...all.flatMap(urlForms),
        ...all.flatMap(jsonForms),
        ...base64Forms(secret),
    ];
    return [...new Set(forms)].filter((form) => form.trim().length >= SHORTEST_MASK);
}
function urlForms(secret) {
    const component = encodeURIComponent(secret.toWellFormed());
    const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
    const form = new URLSearchParams({ '': secret }).toString().slice(1);
    // Encoders that are made for paths leave a slash as it is.
    const all = [component, strict, form].flatMap((text) => [text, text.replaceAll('%2F', '/')]);
    return all.flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())]);
}
function jsonForms(secret) {
    const json = JSON.stringify(secret).slice(1, -1);
    // Writers that stay within ASCII, keep JSON safe inside HTML, or do both, escape more than JSON.stringify does.
    const cautious = [/[\u007f-\uffff]/g, /[<>&\u2028\u2029]/g, /[<>&\u007f-\uffff]/g].map((more) => json.replace(more, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`));
    const all = [json, ...cautious].flatMap((text) => [text, text.replaceAll('/', '\\/')]);
    return all.flatMap((text) => [text, text.replace(/\\u[\da-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`)]);
}
/**
 * Three bytes make four base64 characters, so what stands before the secret shifts it by 0, 1 or 2 bytes. Of each
 * shift, the characters that the neighbouring bytes cannot change; of the secret on its own, the padded text too.
 */
function base64Forms(secret) {
    if (isTooLong(secret))
        return [];
    const bytes = Buffer.from(secret);
    const fragments = [0, 1, 2].map((shift) => {
        const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
        return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    });
    const lines = LINE_WIDTHS.flatMap((width) => brokenLines(bytes, width));
    return [bytes.toString('base64'), ...fragments, ...lines].flatMap(bothAlphabets);
}
/** Base64 as command-line tools break it into lines. What follows, such as a line break, changes the end of the last one. */
function brokenLines(bytes, width) {
    const whole = bytes.toString('base64');
    const certain = whole.slice(0, Math.floor((bytes.length * 8) / 6));
    const lines = [];
    for (const text of [whole, certain])
        for (let at = 0; at + SHORTEST_LINE <= text.length; at += width)
            lines.push(text.slice(at, at + width));
    return lines;
}
/** Base64 and base64url (RFC 4648). */
function bothAlphabets(text) {
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}

;// CONCATENATED MODULE: ./build/log.js


// Every word that this action prints goes through here: no secret, and no text of a server or a user that the
// runner would take for a command.
/** @param text one line; what breaks lines or moves a terminal's cursor becomes a space */
function log_info(text) {
    info(oneLine(text));
}
/** A line that is seen only where the workflow runs with debug logging. */
function log_debug(text) {
    core_debug(oneLine(text));
}
function log_notice(text) {
    core.notice(oneLine(text));
}
function log_warning(text) {
    warning(oneLine(text));
}
/** One error annotation, which may have several lines, and exit code 1. */
function fail(error) {
    setFailed(redact(log_message(error)).split('\n').map(oneLine).join('\n'));
    const root = rootCause(error);
    if (!log_message(error).includes(root))
        log_debug(`Caused by: ${root}`);
}
function rootCause(error) {
    return error instanceof Error && error.cause instanceof Error ? rootCause(error.cause) : log_message(error);
}
/** What an error has to say, without its stack. */
function log_message(error) {
    return error instanceof Error ? error.message : String(error);
}
/**
 * At most `length` code points of a text, the last one an ellipsis where something was cut. Masked values are taken out
 * first: half of one would be recognized by nobody.
 */
function log_cut(text, length) {
    const characters = [...redact(text)];
    return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}
/**
 * Takes masked values, control characters, line separators and marks that turn the writing direction out of a text.
 * The runner also reads `##[command]` anywhere in a line as a command (its older syntax), so that is broken up.
 */
function oneLine(text) {
    const clean = redact(text).replaceAll('##[', '## [');
    return /^[ -~]*$/.test(clean) ? clean : clean.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ');
}

;// CONCATENATED MODULE: ./build/node.js
// What Node has a cheaper way to than the usual one: a step is a process that has just begun.
/** Milliseconds since the process began. `performance.now()` tells the same, and loads a library to do so. */
function node_clock() {
    return process.uptime() * 1000;
}
/** HTTP without TLS, for loopback and proxies alone: it brings a server with it, so others do not load it. */
function plainHttp() {
    return process.getBuiltinModule('node:http');
}

;// CONCATENATED MODULE: ./node_modules/@actions/http-client/lib/proxy.js
function getProxyUrl(reqUrl) {
    const usingSsl = reqUrl.protocol === 'https:';
    if (checkBypass(reqUrl)) {
        return undefined;
    }
    const proxyVar = (() => {
        if (usingSsl) {
            return process.env['https_proxy'] || process.env['HTTPS_PROXY'];
        }
        else {
            return process.env['http_proxy'] || process.env['HTTP_PROXY'];
        }
    })();
    if (proxyVar) {
        try {
            return new DecodedURL(proxyVar);
        }
        catch (_a) {
            if (!proxyVar.startsWith('http://') && !proxyVar.startsWith('https://'))
                return new DecodedURL(`http://${proxyVar}`);
        }
    }
    else {
        return undefined;
    }
}
function checkBypass(reqUrl) {
    if (!reqUrl.hostname) {
        return false;
    }
    const reqHost = reqUrl.hostname;
    if (isLoopbackAddress(reqHost)) {
        return true;
    }
    const noProxy = process.env['no_proxy'] || process.env['NO_PROXY'] || '';
    if (!noProxy) {
        return false;
    }
    // Determine the request port
    let reqPort;
    if (reqUrl.port) {
        reqPort = Number(reqUrl.port);
    }
    else if (reqUrl.protocol === 'http:') {
        reqPort = 80;
    }
    else if (reqUrl.protocol === 'https:') {
        reqPort = 443;
    }
    // Format the request hostname and hostname with port
    const upperReqHosts = [reqUrl.hostname.toUpperCase()];
    if (typeof reqPort === 'number') {
        upperReqHosts.push(`${upperReqHosts[0]}:${reqPort}`);
    }
    // Compare request host against noproxy
    for (const upperNoProxyItem of noProxy
        .split(',')
        .map(x => x.trim().toUpperCase())
        .filter(x => x)) {
        if (upperNoProxyItem === '*' ||
            upperReqHosts.some(x => x === upperNoProxyItem ||
                x.endsWith(`.${upperNoProxyItem}`) ||
                (upperNoProxyItem.startsWith('.') &&
                    x.endsWith(`${upperNoProxyItem}`)))) {
            return true;
        }
    }
    return false;
}
function isLoopbackAddress(host) {
    const hostLower = host.toLowerCase();
    return (hostLower === 'localhost' ||
        hostLower.startsWith('127.') ||
        hostLower.startsWith('[::1]') ||
        hostLower.startsWith('[0:0:0:0:0:0:0:1]'));
}
class DecodedURL extends URL {
    constructor(url, base) {
        super(url, base);
        this._decodedUsername = decodeURIComponent(super.username);
        this._decodedPassword = decodeURIComponent(super.password);
    }
    get username() {
        return this._decodedUsername;
    }
    get password() {
        return this._decodedPassword;
    }
}
//# sourceMappingURL=proxy.js.map
;// CONCATENATED MODULE: ./build/proxy.js

/** No tunnel came about: nothing of a request can have reached its server. Neither address nor password is ever quoted. */
class ProxyError extends Error {
    name = 'ProxyError';
    code;
    variable;
    /** What the proxy answered; absent where it did not. */
    status;
    constructor(variable, message, code, status) {
        super(message);
        this.variable = variable;
        this.code = code;
        this.status = status;
    }
}
/** What a proxy's variable may hold. */
const PROXY_ADDRESS = 'the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded';
/**
 * The proxy that requests to an address go through, by the usual variables; the lower-case one wins. Loopback is never
 * asked through one, whatever they say.
 * @throws {ProxyError} where the variable holds something else: going past a proxy in silence would be worse
 */
function proxyFor(target, env) {
    const variable = ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name]?.trim());
    if (!variable || checkBypass(target))
        return undefined;
    const text = env[variable]?.trim() ?? '';
    // Without a scheme, `proxy.corp:3128` would be read as a scheme and a path.
    const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`);
    try {
        if (url && /^https?:$/.test(url.protocol)) {
            const login = [url.username, url.password].map(decodeURIComponent).join(':');
            return { variable, url, login: login === ':' ? '' : login };
        }
    }
    catch {
        // A percent sign that encodes nothing.
    }
    throw new ProxyError(variable, `${variable} does not hold the address of a proxy`, 'PROXY_ADDRESS');
}

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
        const fail = (message, code, status) => callback(new ProxyError(variable, message, code, status));
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
class http_NetworkError extends Error {
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
        return this.cause instanceof ProxyError ? this.cause : undefined;
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
        return this.#deadline - node_clock();
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
            lost ||= outcome instanceof http_NetworkError ? outcome.reached : isUnsure(outcome.status);
        }
    }
    #mayRepeat(call, outcome, attempt) {
        if (outcome instanceof http_NetworkError) {
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
        return await (0,promises_namespaceObject.setTimeout)(milliseconds, true, { signal: this.#cancel.signal }).catch(() => false);
    }
    async #attempt(call, attempt) {
        const started = node_clock();
        const outcome = await this.#exchange(call, Math.min(this.#requestTimeout, this.#deadline - started));
        const result = outcome instanceof http_NetworkError ? outcome.code : outcome.status;
        const milliseconds = Math.round(node_clock() - started);
        log_debug(`${call.method} ${call.url.pathname} ${result} ${milliseconds} ms attempt ${attempt}`);
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
            reject(new http_NetworkError(`no answer ${limit}`, 'TIMEOUT', reached));
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
                reject(new http_NetworkError(`the server switches protocols (HTTP ${statusCode})`, 'UPGRADE', true));
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
        const proxy = proxyFor(url, process.env);
        if (!proxy)
            return agents.https;
        agents.tunnel ??= new TunnelAgent(proxy);
        return agents.tunnel;
    }
}
function outOfTime() {
    return new http_NetworkError("the step's time was over before it was sent", 'DEADLINE', false);
}
function cancellation() {
    return new http_NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
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
            message.destroy(new http_NetworkError('the answer is larger than 8 MiB', 'TOO_LARGE', true));
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
    if (error instanceof http_NetworkError)
        return error;
    const { code = 'UNKNOWN', message } = error;
    const failure = new http_NetworkError(message || code, code, reached, error);
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
    if (!(outcome instanceof http_NetworkError))
        return { ...outcome, afterLoss: lost };
    outcome.reached ||= lost;
    if (attempts > 1)
        outcome.message += ` (attempt ${attempts})`;
    throw outcome;
}
function retryAfter(call, outcome) {
    if (outcome instanceof http_NetworkError)
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
class answers_ApiError extends Error {
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
    return new answers_ApiError(sentence(operation, [`HTTP ${status}`, ...words].join(': '), todo), uncertain, { status });
}
/**
 * @param address the input or variable that leads to the server
 * @param more what else the user can do, a sentence, or empty
 */
function noAnswer(operation, error, address, more = '') {
    const todo = [networkAdvice(error, address), more].filter(Boolean).join(' ');
    return new answers_ApiError(sentence(operation, error.message, todo), error.reached, { cause: error });
}
/** A 2xx whose body is not what the API documents. */
function badAnswer(operation, { status }, reason, todo) {
    return new answers_ApiError(sentence(operation, `HTTP ${status}, but ${reason}`, todo), true);
}
/** Advice against an answer that points elsewhere. */
function noRedirects({ headers }, address) {
    return `Redirects are not followed (it points to ${log_cut(String(headers.location ?? 'nowhere'), 200)}): ${address}`;
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
        return `Expected ${PROXY_ADDRESS}.`;
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

;// CONCATENATED MODULE: ./build/json.js
// What JSON of a server says, narrowed once.
/** An answer that is not what the API documents. Its message never quotes a value. */
class json_AnswerError extends Error {
    name = 'AnswerError';
}
/** @throws {AnswerError} where the text is not a JSON object; the parser's own words would quote it */
function parseObject(text) {
    let value;
    try {
        value = JSON.parse(text);
    }
    catch {
        throw new json_AnswerError(`the answer is not JSON (${text.length} characters)`);
    }
    return object(value, 'the answer');
}
/** @throws {AnswerError} */
function object(value, what) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new json_AnswerError(`${what} is not an object`);
    return value;
}
/** Protobuf's JSON form leaves an empty field out; some writers say null. @throws {AnswerError} */
function json_string(from, field) {
    const value = from[field] ?? '';
    if (typeof value !== 'string')
        throw new json_AnswerError(`${field} is not a string`);
    return value;
}
/** @throws {AnswerError} */
function list(from, field) {
    const value = from[field] ?? [];
    if (!Array.isArray(value))
        throw new json_AnswerError(`${field} is not a list`);
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
        return object(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'the token');
    }
    catch {
        return undefined;
    }
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
function fromAnswer(operation, answer, need) {
    return refusal(operation, answer, serverWords(answer), advice(answer, need));
}
function advice(answer, need) {
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
function serverWords({ body }) {
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
        .map((text) => log_cut(oneLine(text), 300));
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
                throw new json_AnswerError('id is not a number');
            if (typeof full_name !== 'string' || full_name.toLowerCase() !== name.toLowerCase())
                throw new json_AnswerError('it shows another repository');
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
                throw new json_AnswerError('it shows another run');
            const { run_attempt } = run;
            if (!isPositive(run_attempt))
                throw new json_AnswerError('run_attempt is not a number');
            return { status: json_string(run, 'status'), run_attempt };
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
            if (error instanceof answers_ApiError && error.status === 404)
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
            throw error instanceof json_AnswerError ? badAnswer(call.operation, answer, error.message, '') : error;
        }
    }
    /** Sends a request, again where its answer is lost. @returns an answer that says success */
    async send({ operation, route, parameters, need, made, onSend }) {
        const { api, token } = this.#access;
        // Loaded by the few runs that need it.
        // Its context reads the event too, and stumbles where that is not readable.
        delete process.env.GITHUB_EVENT_PATH;
        const { getOctokit } = await Promise.all(/* import() */[__nccwpck_require__.e(413), __nccwpck_require__.e(143)]).then(__nccwpck_require__.bind(__nccwpck_require__, 413));
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
        if (error instanceof http_NetworkError)
            throw noAnswer(operation, error, 'GITHUB_API_URL');
        if (!answer)
            throw error;
        if (answer.status === 404 && !isApiAnswer(answer))
            throw badAnswer(operation, answer, "it is not GitHub's", 'Check who answers at GITHUB_API_URL.');
        if (answer.status < 200 || answer.status > 299)
            throw fromAnswer(operation, answer, need);
        if (made && !made.includes(answer.status))
            throw badAnswer(operation, answer, `GitHub says ${made.join(' or ')} where it is done`, '');
        return answer;
    }
}
function isPositive(value) {
    return Number.isSafeInteger(value) && Number(value) > 0;
}

;// CONCATENATED MODULE: ./build/formats.js


/** The id of an organization client: it becomes part of a path and an output. The descriptor bounds ids in requests to 32 characters, not those in answers. */
const formats_CLIENT_ID = /^m2morg_[\w-]{1,121}$/;
/** The longest description of a client (Scalekit's descriptor), in characters. */
const LONGEST_DESCRIPTION = 512;
const LONGEST_TRAILER = 160;
/** Characters that a description may have besides the line break and the trailer. */
const formats_LONGEST_OWN_DESCRIPTION = LONGEST_DESCRIPTION - LONGEST_TRAILER - 1;
const LONGEST_CLAIM_KEY = 128;
/** White space, a backslash, a control character, or a scheme that is not followed by two slashes: browsers mend it. */
const NO_URL = /[\s\\]|[^!-~\xa0-\uffff]|^([hH][tT]{2}[pP][sS]?:(?!\/\/[^/])|\/)/;
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;
/** A value as an error shows it. Masked values go first: what is left of one that was cut would be recognized by nobody. */
function formats_quote(value) {
    return JSON.stringify(log_cut(value, 80));
}
/** A URL as an error shows it: what stands before an @ or after a ? may be a secret. */
function quoteUrl(text) {
    const clean = redact(text);
    const [scheme = ''] = SCHEME.exec(clean) ?? [];
    const rest = clean.slice(scheme.length);
    const [end, sign] = [rest.search(/[?#]/), rest.lastIndexOf('@')];
    if (end >= 0 && sign > end)
        return formats_quote(`${scheme}***`);
    const shown = sign < 0 ? rest : `***${rest.slice(sign)}`;
    return formats_quote(scheme + shown.replace(/[?#].*$/s, (end) => `${end[0]}***`));
}
/** Characters as the API counts them: Unicode code points. */
function formats_length(text) {
    return [...text].length;
}
/** A list: separated by commas, spaces or line breaks, or a JSON array of strings. Repeated entries count once. */
function formats_parseList(text, report) {
    if (!text.startsWith('['))
        return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
    const entries = parseJson(text, report, 'a JSON array of strings, or entries separated by commas, spaces or lines');
    if (!Array.isArray(entries))
        return [];
    for (const entry of entries) {
        if (typeof entry !== 'string' || !entry.trim() || !entry.isWellFormed())
            report(`got the entry ${shown(entry)}; expected strings that are not blank`);
    }
    return [...new Set(entries.filter((entry) => typeof entry === 'string' && entry.trim()))];
}
/** Claims: `key=value` lines, a JSON object, or the API's own array of `{"key", "value"}`. */
function formats_parseClaims(text, report) {
    const claims = /^[[{]/.test(text)
        ? jsonClaims(text, report)
        : text
            .split(/\r\n|\r|\n/)
            .filter((line) => line.trim())
            .flatMap((line) => lineClaim(line, report));
    const keys = new Set();
    for (const { key, value } of claims) {
        if (!key)
            report('got an empty key; expected 1 to 128 characters');
        if (formats_length(key) > LONGEST_CLAIM_KEY)
            report(`got the key ${formats_quote(key)} of ${formats_length(key)} characters; expected 128 at most`);
        if (!key.isWellFormed() || !value.isWellFormed())
            report(`got half of a character for the key ${formats_quote(key)}; expected Unicode text`);
        if (keys.has(key))
            report(`got the key ${formats_quote(key)} twice; expected each key once`);
        keys.add(key);
    }
    return claims;
}
function lineClaim(line, report) {
    const sign = line.indexOf('=');
    if (sign < 0) {
        report(`got the line ${formats_quote(line.trim())} without a "="; expected key=value`);
        return [];
    }
    return [{ key: line.slice(0, sign).trim(), value: line.slice(sign + 1).trim() }];
}
function jsonClaims(text, report) {
    const expected = 'key=value lines, a JSON object, or a JSON array of {"key", "value"}';
    const json = parseJson(text, report, expected, wholeNumberAsWritten);
    if (json === undefined)
        return [];
    for (const key of repeatedKeys(text))
        report(`got the key ${formats_quote(key)} twice; expected each key once`);
    if (!Array.isArray(json))
        return Object.entries(Object(json)).flatMap(([key, value]) => jsonClaim(key, value, report));
    return json.flatMap((entry) => {
        const { key, value, ...rest } = Object(entry);
        if (typeof key === 'string' && value !== undefined && Object.keys(rest).length === 0)
            return jsonClaim(key, value, report);
        report(`got the entry ${shown(entry)}; expected {"key": "…", "value": "…"}`);
        return [];
    });
}
function jsonClaim(key, value, report) {
    if (typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value))
        return [{ key, value: String(value) }];
    report(`got ${shown(value)} for the key ${formats_quote(key)}; expected a string (quote numbers that are not whole)`);
    return [];
}
/** JSON.parse keeps the last of two equal keys of an object without a word. */
function repeatedKeys(json) {
    const twice = new Set();
    const open = [];
    for (const [token, key, colon] of json.matchAll(/[{}[\]]|("(?:[^"\\]|\\.)*")\s*(:)?/g)) {
        if (token === '{' || token === '[')
            open.push(new Set());
        else if (token === '}' || token === ']')
            open.pop();
        else if (key && colon) {
            const name = JSON.parse(key);
            if (open.at(-1)?.has(name))
                twice.add(name);
            open.at(-1)?.add(name);
        }
    }
    return twice;
}
/** A JSON value as an error shows it. */
function shown(value) {
    try {
        return cut(JSON.stringify(value), 80);
    }
    catch {
        return 'one that is nested too deeply';
    }
}
function parseJson(text, report, expected, reviver) {
    try {
        return JSON.parse(text, reviver);
    }
    catch {
        report(`got broken JSON, ${formats_quote(text)}; expected ${expected}`);
        return undefined;
    }
}
/** A whole number stays as it was written, however large; any other may come out otherwise: 1.10 as 1.1. */
const wholeNumberAsWritten = (key, value, { source = '' } = {}) => key !== 'key' && typeof value === 'number' && /^-?(0|[1-9]\d*)$/.test(source) ? source : value;
/** A whole number in decimal digits. */
function formats_parseSeconds(text, least, most, report) {
    const seconds = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
    if (seconds >= least && seconds <= most)
        return seconds;
    report(`got ${formats_quote(text)}; expected a whole number of seconds from ${least} to ${most}`);
    return least;
}
/**
 * The address of a Scalekit environment: a bare host, a trailing slash and a full URL are all fine.
 * @returns scheme, host and port
 */
function parseOrigin(text, report) {
    const expected = 'expected the address of the environment alone, such as https://acme.scalekit.com';
    const url = NO_URL.test(text) ? null : URL.parse(SCHEME.test(text) ? text : `https://${text}`);
    const shown = () => quoteUrl(text);
    if (!url) {
        report(`got ${shown()}, which is not a URL; ${expected}`);
        return '';
    }
    const extras = [
        url.username || url.password ? 'credentials' : '',
        url.pathname !== '/' && url.pathname !== '' ? 'a path' : '',
        text.includes('?') ? 'a query' : '',
        text.includes('#') ? 'a fragment' : '',
    ].filter(Boolean);
    if (extras.length > 0)
        report(`got ${shown()} with ${extras.join(' and ')}; ${expected}`);
    if (!isSafe(url)) {
        report(`got ${shown()}; expected https (http on loopback alone): the administrator's secret is sent there`);
    }
    return url.origin;
}
/**
 * The address of GitHub's API, which on GitHub Enterprise Server has a path.
 * @returns it without a slash at its end
 */
function parseApiUrl(text, report) {
    const url = NO_URL.test(text) ? null : URL.parse(text);
    if (!url || !isSafe(url) || url.username || url.password || /[?#]/.test(text)) {
        report(`got ${quoteUrl(text)}; expected the https address of an API of GitHub (http on loopback alone), such as https://api.github.com`);
        return '';
    }
    return url.href.replace(/\/+$/, '');
}
/** Whether a secret may be sent there: over TLS, or within this machine. */
function isSafe({ protocol, hostname }) {
    const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
    return protocol === 'https:' || (protocol === 'http:' && loopback);
}

;// CONCATENATED MODULE: external "node:fs"
const external_node_fs_namespaceObject = require("node:fs");
;// CONCATENATED MODULE: ./build/github/runner.js

/** Variables that say where the job gets its ID token, and with what token. */
const runner_ID_TOKEN_URL = 'ACTIONS_ID_TOKEN_REQUEST_URL';
const ID_TOKEN_TOKEN = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
function runner_readRunner(env) {
    return {
        repository: env.GITHUB_REPOSITORY ?? '',
        repository_id: runner_digits(env.GITHUB_REPOSITORY_ID),
        run: `${runner_digits(env.GITHUB_RUN_ID, 12) ?? '0'}.${runner_digits(env.GITHUB_RUN_ATTEMPT, 4) ?? '1'}`,
        api: env.GITHUB_API_URL || 'https://api.github.com',
        origin: runOrigin(env),
    };
}
/** Whether GitHub offers the job an ID token: it does where `permissions` has `id-token: write`. */
function runner_mayHaveIdToken(env) {
    return Boolean(env[runner_ID_TOKEN_URL] && env[ID_TOKEN_TOKEN]);
}
/** A number as it fits into a trailer of bounded length; GitHub's own are shorter. */
function runner_digits(text, most = 16) {
    return text && /^\d+$/.test(text) && text.length <= most ? text : undefined;
}
function runOrigin(env) {
    const payload = readEvent(env.GITHUB_EVENT_PATH);
    const [pull, run] = [payload.pull_request, payload.workflow_run];
    // A fork that was deleted since has no repository any more.
    const head = pull?.head ? pull.head.repo : run?.head_repository;
    const foreign = head !== undefined && head?.full_name !== env.GITHUB_REPOSITORY;
    // These events run with the target repository's secrets, whoever wrote the code that triggered them.
    if (foreign && /^(pull_request_target|workflow_run)$/.test(env.GITHUB_EVENT_NAME ?? ''))
        return 'untrusted';
    if (env.GITHUB_ACTOR === 'dependabot[bot]')
        return 'dependabot';
    return foreign ? 'fork' : undefined;
}
function readEvent(path) {
    try {
        return JSON.parse((0,external_node_fs_namespaceObject.readFileSync)(path ?? '', 'utf8')) ?? {};
    }
    catch {
        return {};
    }
}

;// CONCATENATED MODULE: ./build/claims.js


/** Claims about the repository and its run, by the key that the token shows, each with the runner's variable for it. */
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
/** They differ from run to run, so a client that outlives its run cannot carry them. */
const PER_RUN = new Set(['sha', 'ref', 'ref_type', 'run_id', 'run_attempt', 'actor', 'actor_id', 'event_name', 'workflow_ref'].map((name) => `github_${name}`));
const DEFAULT_CLAIMS = (/* unused pure expression or super */ null && (['github_repository', 'github_repository_id', 'environment']));
const CLAIM_NAMES = ['environment', ...Object.keys(VARIABLES)];
/** A custom property of the repository, which an organization adds to its ID tokens. */
const PROPERTY = /^github_repo_property_[\w$#-]{1,100}$/;
/** Claims of an ID token that tell whose client it is. */
const IDENTIFYING = (/* unused pure expression or super */ null && (['repository', 'repository_id', 'run_id', 'environment']));
/** What GitHub's API may tell of any repository, properties apart. */
const OF_ANY_REPOSITORY = /^(environment|github_repository(_id|_owner|_owner_id|_visibility)?)$/;
/** What the runner's variables say. */
function claims_runnerTarget(runner, env, environment) {
    const claims = Object.entries(VARIABLES).map(([key, variable]) => [key, variable && env[variable]]);
    const { repository, repository_id } = runner;
    return {
        source: 'runner',
        repository,
        repository_id,
        environment,
        asserted: environment !== '',
        // Its own room has judged the id.
        claims: { ...Object.fromEntries(claims), github_repository_id: repository_id },
    };
}
/**
 * What GitHub's ID token says, and the runner where the token does not.
 * @param report takes what token, runner and the input `environment` do not agree about
 */
function tokenTarget(payload, runner, report) {
    const told = Object.entries(payload).flatMap(([name, value]) => {
        const key = name === 'environment' ? name : `github_${name}`;
        if (!isClaimName(key) || value === null || value === '')
            return [];
        const claim = claims_text(value);
        if (claim === undefined && IDENTIFYING.includes(name))
            report("GitHub's ID token")(`has a claim ${name} that is no text; expected one`);
        return claim === undefined ? [] : [[key, claim]];
    });
    const claims = { ...runner.claims, ...Object.fromEntries(told) };
    if (!told.some(([key]) => key === 'github_repository'))
        report("GitHub's ID token")('has no claim repository; expected one');
    for (const name of ['repository', 'repository_id', 'run_id']) {
        const [theirs, own] = [claims[`github_${name}`], runner.claims[`github_${name}`]];
        if (theirs && own && theirs.toLowerCase() !== own.toLowerCase())
            report(`GITHUB_${name.toUpperCase()}`)(`got ${quote(own)}, but GitHub's ID token says ${quote(theirs)}; expected the same`);
    }
    const environment = claims.environment ?? '';
    if (environment && runner.environment && environment.toLowerCase() !== runner.environment.toLowerCase()) {
        report('environment')(`got ${quote(runner.environment)}, but GitHub's ID token says that the job's environment is ${quote(environment)}; expected the same, or none`);
    }
    return {
        source: 'token',
        repository: claims.github_repository ?? '',
        repository_id: digits(claims.github_repository_id),
        environment: environment || runner.environment,
        asserted: environment === '' && runner.environment !== '',
        claims,
    };
}
/**
 * What GitHub's API says about another repository. The job's own token says nothing about it.
 * @param answer that was found to be about the repository which was asked for
 */
function repositoryTarget(answer, environment) {
    const owner = Object(answer.owner);
    const properties = Object.entries(Object(answer.custom_properties));
    const repository = claims_text(answer.full_name) ?? '';
    const repository_id = claims_text(answer.id);
    return {
        source: 'api',
        repository,
        repository_id,
        environment,
        asserted: environment !== '',
        claims: {
            github_repository: repository,
            github_repository_id: repository_id,
            github_repository_owner: claims_text(owner.login),
            github_repository_owner_id: claims_text(owner.id),
            github_repository_visibility: claims_text(answer.visibility),
            ...Object.fromEntries(properties.map(([name, value]) => [`github_repo_property_${name}`, claims_text(value)])),
        },
    };
}
/** @returns nothing for what is no single text */
function claims_text(value) {
    return ['string', 'number', 'boolean'].includes(typeof value) ? `${value}`.toWellFormed() : undefined;
}
/** The derived claims first, then those of `custom_claims` that they do not say already. */
function claims_checkClaims({ repository_claims, custom_claims, lifetime }, target, report) {
    const derived = claims_chooseClaims(repository_claims, target.source, target, lifetime, report('repository_claims'));
    const values = new Map(derived.map(({ key, value }) => [key, value]));
    for (const { key, value } of custom_claims) {
        const own = values.get(key);
        if (own !== undefined && own !== value) {
            report('custom_claims')(`got ${key}=${quote(value)}, but repository_claims derives ${key}=${quote(own)}; expected the same value, or a repository_claims without ${key}`);
        }
    }
    return [...derived, ...custom_claims.filter(({ key }) => !values.has(key))];
}
/**
 * Derives the claims that were asked for by key, or else the default ones as far as they are known.
 * @param asked keys, or `none`; nothing where nothing was said
 * @param target nothing where it is not known yet: what is wrong in any case is reported all the same
 */
function claims_chooseClaims(asked, source, target, lifetime, report) {
    if (!asked)
        return deriveClaims(DEFAULT_CLAIMS, target);
    const names = asked.filter((name) => name !== 'none');
    if (asked.length > 1 && names.length < asked.length)
        report('got "none" beside others; expected "none" alone, or claims');
    const claims = deriveClaims(names, target);
    for (const name of names) {
        if (!isClaimName(name))
            report(`got ${quote(name)}; expected ${CLAIM_NAMES.join(', ')}, github_repo_property_NAME, or none`);
        else if (PER_RUN.has(name) && lifetime !== 'job') {
            report(`got ${name}, which changes from run to run; expected lifetime: job with it, since a lasting client cannot follow`);
        }
        else if (target ? !claims.some(({ key }) => key === name) : isNeverKnown(name, source)) {
            report(`got ${name}, ${whyUnknown(name, source)}`);
        }
    }
    return claims;
}
/** @returns the claims among `names` that are known, in that order */
function deriveClaims(names, target) {
    return names.flatMap((key) => {
        const value = key === 'environment' ? target?.environment : isClaimName(key) && target?.claims[key];
        return value ? [{ key, value }] : [];
    });
}
function isClaimName(name) {
    return CLAIM_NAMES.includes(name) || PROPERTY.test(name);
}
function isNeverKnown(name, source) {
    return source === 'api' && !OF_ANY_REPOSITORY.test(name) && !PROPERTY.test(name);
}
function whyUnknown(name, source) {
    const known = 'expected a claim that is known here';
    if (source === 'api') {
        return isNeverKnown(name, source)
            ? `which says something about a run, not about another repository; ${known}`
            : `which GitHub's API does not tell of that repository; ${known}`;
    }
    if (source === 'token')
        return `which GitHub's ID token of this job does not say; ${known}`;
    if (name === 'environment')
        return "which the input environment does not say; expected that input, or permissions with id-token: write in a job that has an environment: then GitHub's ID token says it";
    if (VARIABLES[name])
        return `which this runner does not know; ${known}`;
    return "which GitHub's ID token alone says; expected permissions with id-token: write, so that the job may have one";
}

;// CONCATENATED MODULE: ./build/reader.js


/** Faults of one input that are told: thousands would not fit into an annotation. */
const MOST_FAULTS = 10;
/** Every bad input, each with what was given, what is accepted and, where known, why. */
class InputError extends Error {
    name = 'InputError';
    constructor(faults) {
        super(faults.length === 1
            ? `Bad input: ${faults[0]}`
            : `${faults.length} bad inputs:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
    }
}
/** Collects what is wrong. */
class Faults {
    #faults = new Map();
    report(input) {
        return (problem) => {
            const faults = this.#faults.get(input) ?? [];
            faults.push(`${input}: ${problem}`);
            this.#faults.set(input, faults);
        };
    }
    /** @throws {InputError} where anything was reported */
    finish() {
        const told = [...this.#faults].flatMap(([input, faults]) => {
            const more = faults.length - MOST_FAULTS;
            return more > 0 ? [...faults.slice(0, MOST_FAULTS), `${input}: and ${more} more`] : faults;
        });
        if (told.length > 0)
            throw new InputError(told);
    }
}
/** Reads inputs, and collects what is wrong with them. */
class reader_Reader extends Faults {
    env;
    /** Inputs whose text never arrived: what else is wrong with them says nothing. */
    #unevaluated = new Set();
    constructor(env) {
        super();
        this.env = env;
    }
    report(input) {
        const report = super.report(input);
        return (problem) => {
            if (!this.#unevaluated.has(input))
                report(problem);
        };
    }
    /** @returns the input without white space around it, empty where it was not given */
    read(input) {
        return this.#evaluated(input, core_getInput(input));
    }
    /** @returns the input; where it is not as expected, that is reported, and it counts as not given */
    match(input, pattern, expected) {
        const text = this.read(input);
        if (!text || pattern.test(text))
            return text;
        this.report(input)(`got ${formats_quote(text)}; expected ${expected}`);
        return '';
    }
    /** @returns the input; where it is too long, that is reported */
    bounded(input, most) {
        const text = this.read(input);
        if (formats_length(text) > most)
            this.report(input)(`got ${formats_length(text)} characters, ${formats_quote(text)}; expected ${most} at most`);
        return text;
    }
    /** @param fallback what to go on with where the input is wrong; the first choice is the default */
    choice(input, choices, fallback) {
        const text = this.read(input) || choices[0];
        const choice = choices.find((one) => one === text);
        if (choice)
            return choice;
        const list = choices.map((one) => `"${one}"`);
        this.report(input)(`got ${formats_quote(text)}; expected ${list.slice(0, -1).join(', ')} or ${list.at(-1)}`);
        return fallback;
    }
    /** YAML's own words for the two (its core schema), as GitHub passes them on. */
    boolean(input, byDefault) {
        const text = this.match(input, /^(true|True|TRUE|false|False|FALSE)$/, 'true or false');
        return text ? text.toLowerCase() === 'true' : byDefault;
    }
    /** @returns the input, or else the first variable that is set and its name, and what an error calls it */
    require(input, variables, expected) {
        const given = this.read(input);
        if (given)
            return { text: given, source: input };
        const from = variables.find((candidate) => variable(this.env, candidate));
        if (!from) {
            this.report(input)(`is empty; expected ${expected}`);
            return { text: '', source: input };
        }
        const source = `${input} (from ${from})`;
        return { text: this.#evaluated(source, variable(this.env, from)), source, from };
    }
    #evaluated(source, text) {
        if (text.includes('${{')) {
            this.report(source)(`got ${quoteUrl(text)}, which holds an expression that was not evaluated; expected its value`);
            this.#unevaluated.add(source);
        }
        return text;
    }
}
function variable(env, name) {
    return env[name]?.trim() ?? '';
}

;// CONCATENATED MODULE: ./build/connection.js





// What all actions read: where Scalekit and GitHub are, and who asks.
const UNTRUSTED = 'This run was triggered by code from outside, yet has secrets: nothing of that code may be checked out, built or run in this job, or it can take the credentials.';
/** Seconds. */
const DEFAULT_TIMEOUT = '120';
/** `owner/name`, neither of which a URL would take for a folder above. */
const connection_REPOSITORY = /^(?!\.\.?\/)[\w.-]+\/(?!\.\.?$)[\w.-]+$/;
function connection_readConnection(reader, runner) {
    const credentials = readCredentials(reader.env);
    // Before anything is quoted, since it may have been pasted into a wrong input.
    readGitHubToken();
    checkCredentials(reader, runner);
    const origin = checkOrigin(reader);
    const organization = checkOrganization(reader);
    const timeout = parseTimeout(reader.read('timeout'), reader.report('timeout'));
    checkRunner(reader, runner);
    const warnings = runner.origin === 'untrusted' ? [UNTRUSTED] : [];
    return { origin, credentials, ...organization, timeout, warnings };
}
/**
 * Reads `github_token` and masks it.
 * @param need what it is needed for, or nothing where the step can do without
 */
function connection_readGitHub(reader, runner, need) {
    const token = readGitHubToken();
    const report = reader.report('github_token');
    if (!need)
        return undefined;
    if (!reader.read('github_token')) {
        report(`is empty; expected a token that may ${need}. ${whyEmpty(runner)}`);
        return undefined;
    }
    // Anything else would break the header that carries it.
    if (!/^[\x21-\x7e]+$/.test(token))
        report('holds characters that no token has; expected a token of GitHub');
    const api = parseApiUrl(runner.api, reader.report('GITHUB_API_URL'));
    connection_checkProxy(reader, api);
    return { api, token };
}
/** @returns the token, masked, or nothing where none is given */
function readGitHubToken() {
    const token = core_getInput('github_token');
    mask(token);
    // As git and actions/checkout send it.
    maskPair('x-access-token', token);
    maskPair('', token);
    return token;
}
/** Reads the administrator's credentials, from the inputs or else from the variables, and masks the secret. */
function readCredentials(env) {
    const client_secret = core_getInput('scalekit_client_secret') || variable(env, 'SCALEKIT_CLIENT_SECRET');
    const client_id = core_getInput('scalekit_client_id') || variable(env, 'SCALEKIT_CLIENT_ID');
    mask(client_secret);
    maskPair(client_id, client_secret);
    return { client_id, client_secret };
}
/** @returns seconds for the whole step, some number of them also where the input is lost or bad */
function readTimeout() {
    return parseTimeout(getInput('timeout'), () => { });
}
function parseTimeout(text, report) {
    return formats_parseSeconds(text || DEFAULT_TIMEOUT, 5, 3600, report);
}
/** @returns why nothing may be sent from a process with this environment, or nothing */
function unsafeSetting(env) {
    if (env.NODE_TLS_REJECT_UNAUTHORIZED !== '0')
        return undefined;
    return 'got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)';
}
function checkCredentials(reader, runner) {
    const id = reader.require('scalekit_client_id', ['SCALEKIT_CLIENT_ID'], `the id of the environment's API credentials (skc_…). ${whyEmpty(runner)}`);
    reader.require('scalekit_client_secret', ['SCALEKIT_CLIENT_SECRET'], `the secret of the environment's API credentials. ${whyEmpty(runner)}`);
    if (id.text.startsWith('m2morg_')) {
        reader.report(id.source)(`got ${formats_quote(id.text)}, an organization client; expected the environment's API credentials (skc_…)`);
    }
}
/** GitHub evaluates a secret that is not there to nothing, without a word. */
function whyEmpty({ origin }) {
    const misspelt = "a misspelt name, or a secret that this repository or the job's environment does not have";
    if (origin === 'dependabot') {
        return `This run was started by Dependabot, which gets Dependabot's own secrets alone (repository settings, Secrets, Dependabot); else: ${misspelt}.`;
    }
    if (origin === 'fork')
        return `This run comes from a fork, and GitHub hands no secrets to those; else: ${misspelt}.`;
    return `Likely causes: ${misspelt}; a run from a fork or by Dependabot, which get no secrets.`;
}
function checkOrigin(reader) {
    const { text, source, from } = reader.require('scalekit_environment_url', ['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_ENV_URL'], 'the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL');
    if (from && core_getInput('scalekit_client_secret')) {
        reader.report('scalekit_environment_url')(`is empty while scalekit_client_secret is given; expected both as inputs, or an earlier step could send the secret elsewhere by setting ${from} through GITHUB_ENV`);
    }
    const origin = text && parseOrigin(text, reader.report(source));
    connection_checkProxy(reader, origin);
    return origin;
}
/** @param address that is asked; one that is none is a fault of its own */
function connection_checkProxy(reader, address) {
    const url = URL.parse(address);
    try {
        if (url)
            proxyFor(url, reader.env);
    }
    catch (error) {
        if (!(error instanceof ProxyError))
            throw error;
        reader.report(error.variable)(`is set to something else; expected ${PROXY_ADDRESS}`);
    }
}
function checkOrganization(reader) {
    // A URL would take such a path for the one above it.
    const organization_external_id = reader.match('organization_external_id', /^(?!\.\.?$)\P{Cc}*$/u, 'the external id of an organization');
    if (reader.read('organization_external_id')) {
        if (reader.read('organization_id'))
            reader.report('organization_external_id')('is given beside organization_id; expected one of the two');
        return { organization_id: '', organization_external_id };
    }
    // The descriptor's rule: this prefix, 32 characters at most.
    const expected = 'the id of an organization: "org_" and up to 28 letters, digits, - or _';
    const { text, source } = reader.require('organization_id', ['SCALEKIT_ORGANIZATION_ID'], `${expected}, as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id`);
    if (text && !/^org_[\w-]{1,28}$/.test(text))
        reader.report(source)(`got ${formats_quote(text)}; expected ${expected}`);
    return { organization_id: text, organization_external_id };
}
/** What only a runner provides. Without its output file the secret would go to the log instead. */
function checkRunner(reader, { repository }) {
    if (!connection_REPOSITORY.test(repository)) {
        reader.report('GITHUB_REPOSITORY')(`got ${formats_quote(repository)}; expected owner/name, as the runner of a workflow sets it`);
    }
    if (!reader.env.GITHUB_OUTPUT)
        reader.report('GITHUB_OUTPUT')('is not set; expected the file for outputs, as the runner of a workflow sets it');
    const unsafe = unsafeSetting(reader.env);
    if (unsafe)
        reader.report('NODE_TLS_REJECT_UNAUTHORIZED')(unsafe);
}

;// CONCATENATED MODULE: ./build/inputs.js





/** Characters of a client's name (Scalekit's descriptor). */
const LONGEST_NAME = 128;
const LONGEST_ENVIRONMENT = 255;
/** Seconds. */
const JOB_EXPIRY = 3600;
const DEFAULT_KEEP_SECRETS = 2;
const DEFAULT_SAVE_AS = 'SCALEKIT_M2M';
const DEFAULT_MOST_DELETIONS = 20;
const ON_EXISTING = (/* unused pure expression or super */ null && (['rotate', 'reuse', 'replace', 'fail']));
/**
 * Reads the inputs, and the variables that stand in for some of them.
 * @throws {InputError} that names every fault in every input
 */
function readInputs(env) {
    const reader = new Reader(env);
    const runner = readRunner(env);
    const connection = readConnection(reader, runner);
    // The more lenient lifetime for claims where the input is wrong, so that this fault does not cause others.
    const lifetime = reader.choice('lifetime', ['persistent', 'job'], 'job');
    const asked = reader.read('repository_claims');
    const inputs = {
        ...connection,
        ...readAim(reader, runner),
        name: reader.bounded('name', LONGEST_NAME),
        description: reader.bounded('description', LONGEST_OWN_DESCRIPTION),
        scopes: readScopes(reader),
        audience: parseList(reader.read('audience'), reader.report('audience')),
        repository_claims: asked ? parseList(asked, reader.report('repository_claims')) : undefined,
        custom_claims: parseClaims(reader.read('custom_claims'), reader.report('custom_claims')),
        expiry: reader.read('expiry')
            ? parseSeconds(reader.read('expiry'), 1, Number.MAX_SAFE_INTEGER, reader.report('expiry'))
            : lifetime === 'job'
                ? JOB_EXPIRY
                : undefined,
        lifetime,
        client_id: readClientId(reader),
        on_existing: reader.choice('on_existing', ON_EXISTING, 'rotate'),
        keep_secrets: Number(reader.match('keep_secrets', /^[1-5]$/, 'a whole number from 1 to 5') || DEFAULT_KEEP_SECRETS),
        verify: reader.boolean('verify', true),
        access_token: reader.boolean('access_token', false),
        dry_run: reader.boolean('dry_run', false),
    };
    checkPairs(reader, inputs);
    const report = (input) => reader.report(input);
    if (inputs.source === 'runner')
        checkClaims(inputs, runnerTarget(runner, env, inputs.environment), report);
    else
        chooseClaims(inputs.repository_claims, inputs.source, undefined, lifetime, report('repository_claims'));
    if (inputs.source !== 'token' || inputs.environment)
        checkPlace(inputs, inputs, report);
    reader.finish();
    return inputs;
}
/** @throws {InputError} that names every fault in every input */
function readDeletion(env) {
    const reader = new Reader(env);
    const runner = readRunner(env);
    const inputs = {
        ...readConnection(reader, runner),
        ...readAim(reader, runner),
        name: reader.bounded('name', LONGEST_NAME),
        client_id: readClientId(reader),
        dry_run: reader.boolean('dry_run', false),
    };
    if (inputs.source !== 'token' || inputs.environment)
        checkPlace(inputs, inputs, (input) => reader.report(input));
    reader.finish();
    return inputs;
}
/** @throws {InputError} that names every fault in every input */
function readSweep(env) {
    const reader = new reader_Reader(env);
    const runner = runner_readRunner(env);
    const connection = connection_readConnection(reader, runner);
    const github = connection_readGitHub(reader, runner, 'read workflow runs (permissions with actions: read)');
    const most = reader.match('max_deletions', /^([1-9]\d{0,2}|1000)$/, 'a whole number from 1 to 1000');
    const inputs = {
        ...connection,
        runner,
        github: github ?? { api: '', token: '' },
        dry_run: reader.boolean('dry_run', true),
        max_deletions: Number(most || DEFAULT_MOST_DELETIONS),
    };
    reader.finish();
    return inputs;
}
function readAim(reader, runner) {
    const repository = reader.match('repository', REPOSITORY, 'owner/name');
    const other = repository.toLowerCase() === runner.repository.toLowerCase() ? '' : repository;
    const saving = readSaving(reader);
    const need = other ? `read ${other} (repository)` : saving ? 'write secrets and variables (save_to)' : undefined;
    const source = other ? 'api' : mayHaveIdToken(reader.env) ? 'token' : 'runner';
    if (source === 'token')
        checkProxy(reader, reader.env[ID_TOKEN_URL] ?? '');
    return {
        runner,
        source,
        repository: other,
        environment: reader.bounded('environment', LONGEST_ENVIRONMENT),
        saving,
        github: readGitHub(reader, runner, need),
    };
}
/** Names by GitHub's rules for secrets and variables. */
function readSaving(reader) {
    const to = reader.choice('save_to', ['none', 'repository', 'environment'], 'none');
    const expected = 'letters, digits and _, not beginning with a digit or GITHUB_';
    const prefix = reader.match('save_as', /^(?!github(_|$))[a-z_]\w*$/i, expected) || DEFAULT_SAVE_AS;
    return to === 'none' ? undefined : { to, variable: `${prefix}_CLIENT_ID`, secret: `${prefix}_CLIENT_SECRET` };
}
/** Whether there is the environment that the pair is to be kept in. */
function checkPlace({ saving }, { environment, source }, report) {
    if (saving?.to !== 'environment')
        return;
    // A URL would take such a path for the one above it.
    if (/^\.\.?$/.test(environment))
        report('save_to')(`got "environment" with the environment "${environment}"; expected the name of one`);
    if (environment)
        return;
    const how = source === 'token' ? ' (this job has none)' : '';
    report('save_to')(`got "environment" without an environment${how}; expected the input environment, or "repository"`);
}
function readClientId(reader) {
    const expected = 'the id of an organization client (m2morg_…; skc_… is scalekit_client_id)';
    return reader.match('client_id', CLIENT_ID, expected);
}
function readScopes(reader) {
    const report = reader.report('scopes');
    const scopes = parseList(reader.read('scopes'), report);
    for (const scope of scopes) {
        // RFC 6749, section 3.3
        if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
            report(`got ${quote(scope)}; expected printable ASCII without spaces, " and \\`);
    }
    return scopes;
}
/** Inputs that are fine alone and make no sense together. */
function checkPairs(reader, { on_existing, verify, access_token, saving }) {
    if (reader.read('lifetime') === 'job') {
        const always = 'the client of a job is always a new one';
        if (reader.read('client_id'))
            reader.report('client_id')(`is given with lifetime: job; expected one of the two: ${always}`);
        if (on_existing !== 'rotate')
            reader.report('on_existing')(`got "${on_existing}" with lifetime: job; expected it to be left out: ${always}`);
        if (saving)
            reader.report('save_to')(`got "${saving.to}" with lifetime: job; expected it to be left out: the client is deleted when the job ends`);
    }
    if (access_token && on_existing === 'reuse')
        reader.report('access_token')('is true with on_existing: reuse; expected one of the two: without a new secret there is no token');
    if (access_token && !verify)
        reader.report('access_token')('is true with verify: false; expected verify: true, since it is the token that verification gets');
}

;// CONCATENATED MODULE: ./build/summary.js



/** Characters. */
const LONGEST_VALUE = 200;
const MOST_VALUES = 50;
/** Adds a table to the job summary, at once, where core's own way starts threads. One that cannot be written fails no step. */
function summary_writeSummary(title, rows) {
    try {
        (0,external_node_fs_namespaceObject.appendFileSync)(process.env.GITHUB_STEP_SUMMARY ?? '', summary.addHeading(title, 3).addTable(rows).stringify());
    }
    catch (error) {
        log_info(`The job summary could not be written: ${log_message(error)}`);
    }
}
/** Values of a user or a server, in a place where Markdown, HTML and mentions mean nothing. */
function summary_cell(values) {
    const shown = values
        .slice(0, MOST_VALUES)
        .map((value) => `<code>${escapeHtml(log_cut(oneLine(value), LONGEST_VALUE))}</code>`);
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
        throw secret && vault ? new Error(`${log.message(error)} The pair is saved already, as ${vault.names}.`) : error;
    }
    journal.release(client_id);
    log.info(publish_sentence(request, applied));
    if (secret && vault)
        log.info(`Saved the pair as ${vault.names}.`);
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
    log.info(`Dry run in organization ${organization_id}: nothing was changed. A run without dry_run would`);
    for (const { text, differences } of steps) {
        log.info(`- ${text}`);
        for (const { field, wanted, got } of differences)
            log.info(`    ${field}: from ${got} to ${wanted}`);
    }
    if (steps.length === 0)
        log.info('- change nothing');
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
            setOutput(name, value);
    }
    catch (error) {
        throw new Error(`Could not set the outputs: ${log_message(error)}.`);
    }
}
/** What was deleted since, in the log, and a table in the job summary. Neither can fail the step. */
function report(request, vault, applied, deleted) {
    const { trailer, fields, organization_id } = request;
    const { result, client, secret } = applied;
    for (const what of deleted)
        log.info(`Deleted ${what}.`);
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

;// CONCATENATED MODULE: external "node:crypto"
const external_node_crypto_namespaceObject = require("node:crypto");
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
    return randomBytes(12).toString('base64url');
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
function identity_parseTrailer(description) {
    return TRAILER.exec(splitDescription(description)[1])?.groups;
}
/** @returns what comes before the last line, and the last line */
function splitDescription(description) {
    const text = description.trimEnd();
    const at = text.lastIndexOf('\n');
    return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
}
function recognize(client) {
    const trailer = identity_parseTrailer(client.description);
    const own = trailer ? splitDescription(client.description)[0] : client.description;
    const own_description = [...own].slice(0, formats_LONGEST_OWN_DESCRIPTION).join('');
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
    return (0,external_node_crypto_namespaceObject.createHash)('sha256').update(text).digest('base64url').slice(0, 16);
}

;// CONCATENATED MODULE: ./build/scalekit/errors.js


function errors_fromAnswer(operation, answer, subject) {
    return refusal(operation, answer, errors_serverWords(answer), errors_advice(answer, subject));
}
function fromNetwork(operation, error) {
    return noAnswer(operation, error, 'scalekit_environment_url');
}
/** A 2xx whose body is not what the API documents. */
function fromBadAnswer(operation, answer, reason, subject) {
    const todo = subject !== 'sign-in' ? '' : 'Is scalekit_environment_url the address of a Scalekit environment?';
    return badAnswer(operation, answer, reason, todo);
}
function errors_advice(answer, subject) {
    const { status, headers } = answer;
    if (status >= 300 && status < 400)
        return noRedirects(answer, "scalekit_environment_url must be the environment's own address.");
    if (status === 429) {
        const wait = headers['retry-after'] ? ` (it says: come back after ${log_cut(headers['retry-after'], 40)})` : '';
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
function errors_serverWords({ body, headers }) {
    let parsed;
    try {
        parsed = JSON.parse(body);
    }
    catch {
        const text = body.trim();
        const plain = String(headers['content-type'] ?? 'text/plain').startsWith('text/plain') && !/^[{[<]|debug_info/.test(text);
        return plain && text ? [log_cut(oneLine(text), 300)] : [];
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
    return [...new Set(words.filter(Boolean))].slice(0, 10).map((word) => log_cut(oneLine(word), 300));
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
    const client = object(value, 'client');
    const client_id = json_string(client, 'client_id');
    if (!formats_CLIENT_ID.test(client_id))
        throw new json_AnswerError('client_id is not the id of an organization client');
    return { client_id, description: json_string(client, 'description'), whole: () => parseClient(client, client_id) };
}
function parseClient(client, client_id) {
    try {
        return {
            client_id,
            description: json_string(client, 'description'),
            organization_id: json_string(client, 'organization_id'),
            name: json_string(client, 'name'),
            scopes: strings(client, 'scopes'),
            audience: strings(client, 'audience'),
            custom_claims: list(client, 'custom_claims').map((entry) => {
                const claim = object(entry, 'custom_claims');
                return { key: json_string(claim, 'key'), value: json_string(claim, 'value') };
            }),
            expiry: seconds(client, 'expiry'),
            create_time: time(client, 'create_time'),
            secrets: list(client, 'secrets').map(parseSecret),
        };
    }
    catch (error) {
        throw error instanceof json_AnswerError
            ? new json_AnswerError(`client ${client_id} is not readable: ${error.message}`)
            : error;
    }
}
/** @throws {AnswerError} */
function parseSecret(value) {
    const secret = object(value, 'secret');
    const id = json_string(secret, 'id');
    // It becomes part of a path, in which ".." would name the client.
    if (!/^[\w-]{1,128}$/.test(id))
        throw new json_AnswerError('id is not the id of a secret');
    const expiry = time(secret, 'expire_time');
    const expired = expiry !== undefined && expiry < BigInt(Date.now()) * 1000000n;
    const active = secret.status !== 'INACTIVE' && secret.status !== 1 && !expired;
    return { id, create_time: time(secret, 'create_time'), suffix: json_string(secret, 'secret_suffix'), active };
}
/** One page of a list. An empty token ends it. @throws {AnswerError} */
function parsePage(text) {
    const page = parseObject(text);
    return { clients: list(page, 'clients'), next_page_token: json_string(page, 'next_page_token') };
}
function strings(from, field) {
    return list(from, field).map((entry) => {
        if (typeof entry !== 'string')
            throw new json_AnswerError(`${field} holds something else than strings`);
        return entry;
    });
}
/** An int64 comes as a string, from lenient writers as a number. */
function seconds(from, field) {
    const value = from[field] ?? undefined;
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (number === undefined || (Number.isSafeInteger(number) && Number(number) >= 0))
        return number;
    throw new json_AnswerError(`${field} is not a number of seconds`);
}
/** Milliseconds since the epoch, in 2020: what writers put where they do not know a time is long before it. */
const EARLIEST = Date.UTC(2020);
/** RFC 3339 with up to nine digits of a second, in nanoseconds since the epoch. */
function time(from, field) {
    const [, seconds, fraction = '', zone] = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(json_string(from, field)) ?? [];
    const milliseconds = seconds ? Date.parse(`${seconds}${zone}`.toUpperCase()) : Number.NaN;
    return !(milliseconds >= EARLIEST) ? undefined : BigInt(milliseconds) * 1000000n + BigInt(fraction.padEnd(9, '0'));
}

;// CONCATENATED MODULE: ./build/scalekit/api.js







/** Milliseconds after a client or a secret was made in which the API may not know it yet everywhere. */
const api_LAG = 10_000;
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
            const organization = object(parseObject(body).organization, 'organization');
            const id = json_string(organization, 'id');
            if (!/^org_[\w-]{1,124}$/.test(id))
                throw new json_AnswerError('id is not the id of an organization');
            const shown = json_string(organization, 'external_id');
            if (shown && shown !== external_id)
                throw new json_AnswerError('it shows an organization with another external_id');
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
            maskPair(client.client_id, plain_secret);
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
                throw new json_AnswerError('it shows another client');
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
            maskPair(client_id, plain_secret);
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
            const access_token = json_string(answer, 'access_token');
            mask(access_token);
            // RFC 6749, appendix A.12, without the space, which would break the header that carries it.
            if (!/^[\x21-\x7e]+$/.test(access_token))
                throw new json_AnswerError('it holds no access token');
            const expires_in = typeof answer.expires_in === 'object' ? 0 : Number(answer.expires_in);
            return { access_token, expires_in: expires_in > 0 ? expires_in : undefined };
        });
    }
    /**
     * Asks again, for ten seconds, what the API may refuse only because it does not know a new client or secret yet.
     * @param isLag whether a refusal may be of that kind; false where none is
     */
    async #pastLag(isLag, ask) {
        const until = node_clock() + api_LAG;
        for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
            try {
                return await ask();
            }
            catch (error) {
                if (!(isLag && error instanceof answers_ApiError && isLag(error)) || node_clock() >= until)
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
            throw error instanceof http_NetworkError ? fromNetwork(operation, error) : error;
        }
        if (answer.status === 404 && missing && isApiAnswer(answer))
            return missing(answer);
        if (answer.status < 200 || answer.status > 299)
            throw errors_fromAnswer(operation, answer, subject);
        try {
            return parse(answer.body);
        }
        catch (error) {
            throw error instanceof json_AnswerError ? fromBadAnswer(operation, answer, error.message, subject) : error;
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
    mask(secret);
    return secret;
}
function refuseUnfit(plain_secret) {
    if ([...plain_secret.trim()].length < SHORTEST_SECRET)
        throw new json_AnswerError('it holds no usable plain_secret');
    if (isTooLong(plain_secret))
        throw new json_AnswerError('its plain_secret is too long to be masked in every form');
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
function vault_variableUrl(api, { repository, environment, variable }) {
    const scope = environment ? `environments/${encodeURIComponent(environment.toWellFormed())}` : 'actions';
    return new URL(`${api}/repos/${repository}/${scope}/variables/${variable}`);
}
/** In words. */
function vault_placeName({ repository, environment }) {
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
        return vault_placeName(this.place);
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
async function unsave_putBack(vault, trace, patient) {
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
        return { done, left: [variableLeft(trace, message(error))] };
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
    return lines.length > 0 ? new Error([message(failure), ...lines].join('\n'), { cause: failure }) : failure;
}
/** The error of a step that is cancelled: the runner does not wait until anything is undone. */
function leave({ state, updated, lost }, failure) {
    const rest = state.client || state.secret || state.variable ? ['The post step removes what this step made.'] : [];
    const lines = [message(failure), ...rest, ...(updated ? [staysUpdated(updated)] : []), ...lost];
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
            traces.left.push(`${what}: ${message(error)} ${secretCall(scalekit, secret, doubtOf(error))}`);
        });
    }
    if (client) {
        await removeClient(scalekit, state, client, patient, traces).catch((error) => {
            const what = 'A client of this step may be left over';
            traces.left.push(`${what}: ${message(error)} ${clientCall(scalekit, state, doubtOf(error))}`);
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
    for (const until = node_clock() + api_LAG; !(await remove());) {
        if (!(await isShown()))
            return false;
        if (node_clock() > until)
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
class ForeignClientError extends (/* unused pure expression or super */ null && (Error)) {
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
        return [`${staysUpdated(updated)} ${message(error)}`];
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

;// CONCATENATED MODULE: ./build/removal.js



/** Reasons that an error tells: more would not fit into an annotation. */
const MOST_FAILURES = 10;
/** Deletes a client after another look: who changed the last line of its description meanwhile has other plans. */
async function removal_removeClient(scalekit, client) {
    const { client_id } = client;
    try {
        if (!client.fresh && (await isChanged(scalekit, client)))
            return { left: `Client ${client_id} stays: its description was changed meanwhile.` };
        return (await deleteShownClient(scalekit, client_id)) ? 'deleted' : 'gone already';
    }
    catch (error) {
        const call = `To remove it by hand: DELETE ${scalekit.clientUrl(client_id).href}`;
        return { left: `Client ${client_id} is left over: ${log_message(error)} ${call}` };
    }
}
async function isChanged(scalekit, { client_id, trailer }) {
    const now = await scalekit.getClient(client_id);
    if (!now)
        return false;
    const is = identity_parseTrailer(now.description);
    return now.client_id !== client_id || !is || formatTrailer(is) !== formatTrailer(trailer);
}
/** @throws where there are any reasons, each told once */
function refuseFailures(failures) {
    const told = [...new Set(failures)];
    const more = told.length > MOST_FAILURES ? [`And ${told.length - MOST_FAILURES} more, in the log.`] : [];
    told.slice(MOST_FAILURES).forEach(log_info);
    if (told.length > 0)
        throw new Error([...told.slice(0, MOST_FAILURES), ...more].join('\n'));
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
        .sort(plan_byAge)
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
    return [...secrets].sort((one, other) => Number(one.active) - Number(other.active) || plan_byAge(one, other));
}
/** Orders what has a `create_time`, the oldest first; what does not say comes last, since it may be the newest. */
function plan_byAge(one, other) {
    if (one.create_time === other.create_time)
        return 0;
    if (one.create_time === undefined)
        return 1;
    return other.create_time === undefined || one.create_time < other.create_time ? -1 : 1;
}
/** Orders clients: by time to the nanosecond, then by id, so that all runs agree on the first. */
function firstMade(one, other) {
    return plan_byAge(one, other) || (one.client_id < other.client_id ? -1 : 1);
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
        throw plan_refusal(`Client ${client.client_id} has what was not asked for, and the API cannot empty a list: use on_existing: replace, which makes a new client and then deletes this one.\n${plan_differenceLines(emptied)}`, several);
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
    return plan_compareFields(compared, fields, { ...client, description: client.own_description });
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
function plan_differenceLines(differences) {
    return differences.map(({ field, wanted, got }) => `${field}: wanted ${wanted}; got ${got}`).join('\n');
}
function plan_compareFields(names, wanted, got) {
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

;// CONCATENATED MODULE: ./build/stale.js




// Which clients of single jobs are left over.
/** Nanoseconds of 35 days: no workflow run lasts longer, by GitHub's limits. */
const LONGEST_RUN = 35n * 24n * 3600000000000n;
/**
 * What the client itself says. @returns nothing where GitHub has to be asked
 * @param create_time nanoseconds since the epoch, as `now`
 * @param own_run the run that asks
 */
function judgeByAge({ run }, create_time, now, own_run) {
    if (run === own_run)
        return { over: false, why: 'it is of this very run' };
    if (create_time === undefined || now === undefined || now - create_time <= LONGEST_RUN)
        return undefined;
    return { over: true, why: 'it is older than 35 days, and no run lasts longer' };
}
/** What GitHub says about the run of a younger client. @param told nothing where GitHub knows no such run */
function judgeByRun({ run }, told) {
    // A run that was deleted and one that this token may not see look alike.
    if (!told)
        return { over: false, why: 'GitHub shows no such run, which proves nothing' };
    const attempt = Number(run.split('.')[1]);
    if (told.run_attempt > attempt)
        return { over: true, why: `its run is at attempt ${told.run_attempt} by now` };
    if (told.run_attempt === attempt && told.status === 'completed')
        return { over: true, why: 'its run is completed' };
    return { over: false, why: `its run is ${told.status} in attempt ${told.run_attempt}` };
}
/** Finds the clients of single jobs that the repository's workflows made. @returns the oldest first */
async function findJobClients(scalekit, runner) {
    const by = repositoryMark(runner.repository, runner.repository_id);
    const found = new Map();
    for await (const { client_id, description, whole } of scalekit.listClients()) {
        const trailer = identity_parseTrailer(description);
        if (trailer?.by !== by || trailer.lifetime !== 'job')
            continue;
        try {
            found.set(client_id, { ...recognize(whole()), trailer });
        }
        catch (error) {
            log_warning(`Client ${client_id} stays: ${log_message(error)}.`);
        }
    }
    return [...found.values()].sort(firstMade);
}
/**
 * What cannot be decided stays. GitHub is asked once about a run, and not again once it refused to be asked.
 * @returns a function that judges one client, and adds to `failures` why it could not
 */
function judgeWith(github, { repository, run: own_run }) {
    const runs = new Map();
    let refused;
    const ask = async (id) => {
        if (refused)
            throw refused;
        return await github.getRun(repository, id).catch((error) => {
            if (error instanceof answers_ApiError && (error.status === 401 || error.status === 403 || error.status === 429))
                refused = error;
            throw error;
        });
    };
    return async ({ trailer, create_time }, failures) => {
        const [id = ''] = trailer.run.split('.');
        const judgeAge = () => {
            const { now } = github.transport;
            return judgeByAge(trailer, create_time, now === undefined ? now : BigInt(now) * 1000000n, own_run);
        };
        const byAge = judgeAge();
        if (byAge)
            return byAge;
        try {
            // Also where GitHub alone tells the time.
            const told = runs.get(id) ?? ask(id);
            runs.set(id, told);
            const run = await told;
            return judgeAge() ?? judgeByRun(trailer, run);
        }
        catch (error) {
            failures.push(log_message(error));
            return { over: false, why: 'GitHub could not be asked about its run' };
        }
    };
}

;// CONCATENATED MODULE: ./build/step.js


/** Does what the inputs ask for; it ends early, and badly, when the runner cancels the run. */
async function carryOut(inputs, work) {
    inputs.warnings.forEach(log_warning);
    const transport = new Transport(inputs.runner.run, inputs.timeout);
    process.on('SIGINT', () => transport.cancel());
    try {
        await work(inputs, transport);
    }
    catch (error) {
        throw transport.cancelled ? new Error(`The run was cancelled. ${log_message(error)}`, { cause: error }) : error;
    }
}

;// CONCATENATED MODULE: ./build/sweep.js










/** Clients that the summary shows: GitHub takes one of 1 MiB at most. */
const MOST_ROWS = 200;
start(async () => carryOut(readSweep(process.env), work), fail, 1);
/** Deletes the clients of single jobs that this repository's workflows made and whose run is over, the oldest first. */
async function work(inputs, transport) {
    // Nothing is ever rolled back here.
    transport.openReserve();
    const { dry_run, max_deletions, runner } = inputs;
    const scalekit = await Scalekit.open(transport, inputs);
    const clients = await findJobClients(scalekit, runner);
    const judge = judgeWith(new GitHub(transport, inputs.github), runner);
    const [rows, deleted, failures] = [[], [], []];
    // One that cannot be deleted must not keep every later run from the rest.
    let done = 0;
    const tell = (client, fate, why) => {
        const { client_id, name, trailer } = client;
        log_info(`Client ${client_id} ${JSON.stringify(name)} of run ${trailer.run}: ${fate}, since ${why}.`);
        rows.push({ client, fate, why });
    };
    for (const client of clients) {
        if (done === max_deletions) {
            tell(client, 'stays', `max_deletions is ${max_deletions}, so nobody asked about it`);
            continue;
        }
        const verdict = await judge(client, failures);
        const outcome = !verdict.over ? 'stays' : dry_run ? 'would be deleted' : await removal_removeClient(scalekit, client);
        if (outcome === 'deleted' || outcome === 'would be deleted')
            done++;
        if (outcome === 'deleted')
            deleted.push(client.client_id);
        if (typeof outcome !== 'string')
            failures.push(outcome.left);
        tell(client, typeof outcome === 'string' ? outcome : 'not deleted', verdict.why);
    }
    const outcome = dry_run ? `${done} would be deleted, and dry_run is true` : `${deleted.length} deleted`;
    log_info(`Clients of single jobs of ${runner.repository}: ${clients.length}, ${outcome}.`);
    setOutputs({ deleted: deleted.join(' ') });
    summary_writeSummary(`Scalekit organization clients of single jobs: ${outcome}`, table(rows));
    refuseFailures(failures);
}
function table(rows) {
    const header = ['Client', 'Name', 'Run', 'What', 'Why'].map((data) => ({ data, header: true }));
    const shown = rows
        .slice(0, MOST_ROWS)
        .map(({ client, fate, why }) => [client.client_id, client.name, client.trailer.run, fate, why].map((text) => summary_cell([text])));
    const more = rows.length - MOST_ROWS;
    return [header, ...shown, ...(more > 0 ? [[{ data: `and ${more} more`, colspan: '5' }]] : [])];
}

module.exports = __webpack_exports__;
/******/ })()
;