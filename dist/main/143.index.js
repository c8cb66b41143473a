"use strict";
exports.id = 143;
exports.ids = [143];
exports.modules = {

/***/ 638:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Q: () => (/* binding */ HttpClient)
/* harmony export */ });
// @actions/core has a client of it for ID tokens, and @actions/github asks it for Octokit's agent. Here both go through this
// action's own transport, which tunnels through proxies itself; the class would load TLS before the inputs are judged.
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
// 930 kB, of which @actions/github calls one function, to send what this action sends through its own transport.
function fetch() {
  throw new Error('undici is not part of this bundle');
}


/***/ })

};
;