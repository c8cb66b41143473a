"use strict";
exports.id = 850;
exports.ids = [850];
exports.modules = {

/***/ 9381:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Qq: () => (/* binding */ HttpClient),
/* harmony export */   _y: () => (/* binding */ restEndpointMethods),
/* harmony export */   hd: () => (/* binding */ fetch),
/* harmony export */   ud: () => (/* binding */ paginateRest)
/* harmony export */ });
/* unused harmony export getExecOutput */
// Replaces packages in dist that @actions/core and @actions/github import and this action does not need. `paths` in
// tsconfig.json maps the packages to this file. bundle.test.ts checks that nothing else of them is used.

/** undici (930 kB): this action's requests go through its own transport. */
function fetch() {
  throw new Error('undici is not part of this bundle');
}

/** @actions/exec: @actions/core uses it only to detect the operating system. */
function getExecOutput() {
  throw new Error('@actions/exec is not part of this bundle');
}

/**
 * @actions/http-client: @actions/core creates a client for ID tokens, and @actions/github for Octokit's agent. This
 * action needs neither, and the original class would load TLS before the inputs are checked.
 */
class HttpClient {
  getAgent() {}

  getAgentDispatcher() {}
}

/** @octokit/plugin-rest-endpoint-methods (100 kB): this action calls request() with the route. */
function restEndpointMethods() {}

/** @octokit/plugin-paginate-rest (17 kB): this action reads no list of GitHub's. */
function paginateRest() {}


/***/ })

};
;