"use strict";
exports.id = 815;
exports.ids = [815];
exports.modules = {

/***/ 9947:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   sealBox: () => (/* binding */ sealBox)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _noble_ciphers_salsa_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(5851);
/* harmony import */ var _noble_ciphers_utils_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(717);
/* harmony import */ var _noble_hashes_blake2_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(904);




/** Salsa20's constant, the text "expand 32-byte k". */
const SIGMA = (0,_noble_ciphers_utils_js__WEBPACK_IMPORTED_MODULE_1__/* .u32 */ .DH)(new TextEncoder().encode('expand 32-byte k'));
/**
 * Encrypts a text so that only the owner of a key can read it. The format is that of libsodium's `crypto_box_seal`,
 * which GitHub requires for secrets.
 * @param key the receiver's public key (X25519), in base64
 * @returns the sender's temporary public key and the encrypted text, in base64
 * @throws if the key is invalid
 */
function sealBox(key, text) {
	const receiver = Buffer.from(key, 'base64');
	const publicKey = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createPublicKey)({
		key: { kty: 'OKP', crv: 'X25519', x: receiver.toString('base64url') },
		format: 'jwk',
	});
	const temporaryKeys = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.generateKeyPairSync)('x25519');
	const sender = Buffer.from(temporaryKeys.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
	const shared = new Uint8Array((0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.diffieHellman)({ privateKey: temporaryKeys.privateKey, publicKey }));
	const boxKey = new Uint8Array(32);
	(0,_noble_ciphers_salsa_js__WEBPACK_IMPORTED_MODULE_2__/* .hsalsa */ .bD)(SIGMA, (0,_noble_ciphers_utils_js__WEBPACK_IMPORTED_MODULE_1__/* .u32 */ .DH)(shared), new Uint32Array(4), (0,_noble_ciphers_utils_js__WEBPACK_IMPORTED_MODULE_1__/* .u32 */ .DH)(boxKey));
	const nonce = (0,_noble_hashes_blake2_js__WEBPACK_IMPORTED_MODULE_3__/* .blake2b */ .Sx)(new Uint8Array(Buffer.concat([sender, receiver])), { dkLen: 24 });
	const box = (0,_noble_ciphers_salsa_js__WEBPACK_IMPORTED_MODULE_2__/* .xsalsa20poly1305 */ .uT)(boxKey, nonce).encrypt(new TextEncoder().encode(text));
	return Buffer.concat([sender, box]).toString('base64');
}


/***/ })

};
;