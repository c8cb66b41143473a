"use strict";
exports.id = 143;
exports.ids = [143];
exports.modules = {

/***/ 638:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Q: () => (/* binding */ HttpClient)
/* harmony export */ });
// Replaces the HttpClient of @actions/http-client in dist. @actions/core creates one for ID tokens and @actions/github
// for Octokit's agent, but this action sends those requests through its own transport, which supports proxies. The
// original class would load TLS before the inputs are checked.
class HttpClient {
  getAgent() {}

  getAgentDispatcher() {}
}


/***/ }),

/***/ 612:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   h: () => (/* binding */ fetch)
/* harmony export */ });
// Replaces undici (930 kB) in dist. @actions/github only calls its fetch(), and this action sends those requests
// through its own transport.
function fetch() {
  throw new Error('undici is not part of this bundle');
}


/***/ })

};
;