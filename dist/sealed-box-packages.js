'use strict';
exports.id = 442;
exports.ids = [442];
exports.modules = {
	/***/ 5851: /***/ (__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {
		// EXPORTS
		__webpack_require__.d(__webpack_exports__, {
			bD: () => /* binding */ hsalsa,
			uT: () => /* binding */ xsalsa20poly1305,
		});

		// UNUSED EXPORTS: __TESTS, salsa20, secretbox, xsalsa20

		// EXTERNAL MODULE: ./node_modules/@noble/ciphers/utils.js
		var utils = __webpack_require__(717); // CONCATENATED MODULE: ./node_modules/@noble/ciphers/_arx.js
		/**
 * Basic utils for ARX (add-rotate-xor) salsa and chacha ciphers.

RFC8439 requires multi-step cipher stream, where
authKey starts with counter: 0, actual msg with counter: 1.

For this, we need a way to re-use nonce / counter:

    const counter = new Uint8Array(4);
    chacha(..., counter, ...); // counter is now 1
    chacha(..., counter, ...); // counter is now 2

This is complicated:

- 32-bit counters are enough, no need for 64-bit: max ArrayBuffer size in JS is 4GB
- Original papers don't allow mutating counters
- Counter overflow is undefined [^1]
- Idea A: allow providing (nonce | counter) instead of just nonce, re-use it
- Caveat: Cannot be re-used through all cases:
- * chacha has (counter | nonce)
- * xchacha has (nonce16 | counter | nonce16)
- Idea B: separate nonce / counter and provide separate API for counter re-use
- Caveat: there are different counter sizes depending on an algorithm.
- salsa & chacha also differ in structures of key & sigma:
  salsa20:      s[0] | k(4) | s[1] | nonce(2) | cnt(2) | s[2] | k(4) | s[3]
  chacha:       s(4) | k(8) | cnt(1) | nonce(3)
  chacha20orig: s(4) | k(8) | cnt(2) | nonce(2)
- Idea C: helper method such as `setSalsaState(key, nonce, sigma, data)`
- Caveat: we can't re-use counter array

xchacha uses the subkey and remaining 8 byte nonce with ChaCha20 as normal
(prefixed by 4 NUL bytes, since RFC8439 specifies a 12-byte nonce).
Counter overflow is undefined; see {@link https://mailarchive.ietf.org/arch/msg/cfrg/gsOnTJzcbgG6OqD8Sc0GO5aR_tU/ | the CFRG thread}.
Current noble policy is strict non-wrap for the shared 32-bit counter path:
exported ARX ciphers reject initial `0xffffffff` and stop before any implicit
wrap back to zero.
See {@link https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha#appendix-A.2 | the XChaCha appendix} for the extended-nonce construction.

 * @module
 */

		// Replaces `TextEncoder` for ASCII literals, which is enough for sigma constants.
		// Non-ASCII input would not match UTF-8 `TextEncoder` output.
		const encodeStr = (str) => Uint8Array.from(str.split(''), (c) => c.charCodeAt(0));
		// Raw `createCipher(...)` exports consume these native-endian `u32(...)` views directly.
		// Public `wrapCipher(...)` APIs reject non-little-endian platforms before reaching this path.
		// RFC 8439 §2.3 / RFC 7539 §2.3 only define the 256-bit-key constants; this 16-byte sigma is
		// kept for legacy allowShortKeys Salsa/ChaCha variants.
		const sigma16_32 = /* @__PURE__ */ (() =>
			(0, utils /* swap32IfBE */.fd)((0, utils /* u32 */.DH)(encodeStr('expand 16-byte k'))))();
		// RFC 8439 §2.3 / RFC 7539 §2.3 define words 0-3 as
		// `0x61707865 0x3320646e 0x79622d32 0x6b206574`, i.e. `expand 32-byte k`.
		const sigma32_32 = /* @__PURE__ */ (() =>
			(0, utils /* swap32IfBE */.fd)((0, utils /* u32 */.DH)(encodeStr('expand 32-byte k'))))();
		/**
		 * Rotates a 32-bit word left.
		 * @param a - Input word.
		 * @param b - Rotation count in bits.
		 * @returns Rotated 32-bit word.
		 * @example
		 * Moves the top byte of `0x12345678` into the low byte position.
		 * ```ts
		 * rotl(0x12345678, 8);
		 * ```
		 */
		function rotl(a, b) {
			return (a << b) | (a >>> (32 - b));
		}
		// Salsa and Chacha block length is always 512-bit
		const BLOCK_LEN = 64;
		// RFC 8439 §2.2 / RFC 7539 §2.2: the ChaCha state has 16 32-bit words.
		const BLOCK_LEN32 = 16;
		// Counter policy for the shared public `counter` argument:
		// - RFC/IETF ChaCha20 uses a 32-bit counter.
		// - OpenSSL/Node `chacha20` instead treat the full 16-byte IV as a 128-bit
		//   counter state and carry into the next word.
		// - Raw `chacha20orig`, `salsa20`, `xsalsa20`, and `xchacha20` use 64-bit counters in libsodium
		//   and libtomcrypt, while some libs (for example libtomcrypt's RFC/IETF path) reject the max
		//   boundary instead of carrying.
		// - AEAD wrappers diverge too: libsodium `xchacha20poly1305` uses the IETF payload counter from
		//   block 1, while `secretstream_xchacha20poly1305` is a different protocol with rekey/reset.
		// Noble intentionally throws instead of silently picking one wrap model for users. In the default
		// path, even a 32-bit boundary would take 2^32 blocks * 64 bytes = 256 GiB, which is practically
		// unreachable for normal JS callers; advanced users who pass `counter` explicitly can implement
		// whatever wider carry / wrap policy they need on top.
		const MAX_COUNTER = /* @__PURE__ */ (() => 2 ** 32 - 1)();
		const U32_EMPTY = /* @__PURE__ */ Uint32Array.of();
		function runCipher(core, sigma, key, nonce, data, output, counter, rounds) {
			const len = data.length;
			const block = new Uint8Array(BLOCK_LEN);
			const b32 = (0, utils /* u32 */.DH)(block);
			// Make sure that buffers aligned to 4 bytes
			const isAligned =
				utils /* isLE */.qv && (0, utils /* isAligned32 */.QQ)(data) && (0, utils /* isAligned32 */.QQ)(output);
			const d32 = isAligned ? (0, utils /* u32 */.DH)(data) : U32_EMPTY;
			const o32 = isAligned ? (0, utils /* u32 */.DH)(output) : U32_EMPTY;
			// RFC 8439 §2.4.1 / RFC 7539 §2.4.1 allow XORing one keystream block at a time and
			// truncating the final partial block instead of materializing the whole keystream.
			if (!utils /* isLE */.qv) {
				for (let pos = 0; pos < len; counter++) {
					core(sigma, key, nonce, b32, counter, rounds);
					// RFC 8439 §2.4 / RFC 7539 §2.4 serialize keystream words in little-endian order.
					(0, utils /* swap32IfBE */.fd)(b32);
					if (counter >= MAX_COUNTER) throw new Error('arx: counter overflow');
					const take = Math.min(BLOCK_LEN, len - pos);
					for (let j = 0, posj; j < take; j++) {
						posj = pos + j;
						output[posj] = data[posj] ^ block[j];
					}
					pos += take;
				}
				return;
			}
			for (let pos = 0; pos < len; counter++) {
				core(sigma, key, nonce, b32, counter, rounds);
				// See MAX_COUNTER policy note above: never silently wrap the shared public counter.
				if (counter >= MAX_COUNTER) throw new Error('arx: counter overflow');
				const take = Math.min(BLOCK_LEN, len - pos);
				// aligned to 4 bytes
				if (isAligned && take === BLOCK_LEN) {
					const pos32 = pos / 4;
					if (pos % 4 !== 0) throw new Error('arx: invalid block position');
					for (let j = 0, posj; j < BLOCK_LEN32; j++) {
						posj = pos32 + j;
						o32[posj] = d32[posj] ^ b32[j];
					}
					pos += BLOCK_LEN;
					continue;
				}
				for (let j = 0, posj; j < take; j++) {
					posj = pos + j;
					output[posj] = data[posj] ^ block[j];
				}
				pos += take;
			}
		}
		/**
		 * Creates an ARX stream cipher from a 32-bit core permutation.
		 * Used internally to build the exported Salsa and ChaCha stream ciphers.
		 * @param core - Core function that fills one keystream block.
		 * @param opts - Cipher layout and nonce-extension options. See {@link CipherOpts}.
		 * @returns Stream cipher function over byte arrays.
		 * @throws If the core callback, key size, counter, or output sizing is invalid. {@link Error}
		 */
		function createCipher(core, opts) {
			const { allowShortKeys, extendNonceFn, counterLength, counterRight, rounds } = (0, utils /* checkOpts */.tY)(
				{ allowShortKeys: false, counterLength: 8, counterRight: false, rounds: 20 },
				opts,
			);
			if (typeof core !== 'function') throw new Error('core must be a function');
			(0, utils /* anumber */.Fe)(counterLength);
			(0, utils /* anumber */.Fe)(rounds);
			(0, utils /* abool */.e8)(counterRight);
			(0, utils /* abool */.e8)(allowShortKeys);
			return (key, nonce, data, output, counter = 0) => {
				(0, utils /* abytes */.DO)(key, undefined, 'key');
				(0, utils /* abytes */.DO)(nonce, undefined, 'nonce');
				(0, utils /* abytes */.DO)(data, undefined, 'data');
				const len = data.length;
				// Raw XorStream APIs return ciphertext/plaintext bytes directly, so caller-provided outputs
				// must match the logical result length exactly instead of returning an oversized workspace.
				const hasOutput = output !== undefined;
				output = (0, utils /* getOutput */.N$)(len, output, false);
				if (hasOutput) (0, utils /* complexOverlapBytes */.H7)(data, output);
				(0, utils /* anumber */.Fe)(counter);
				// See MAX_COUNTER policy note above: reject advanced explicit-counter requests before any wrap.
				if (counter < 0 || counter >= MAX_COUNTER) throw new Error('arx: counter overflow');
				const toClean = [];
				// Key & sigma
				// key=16 -> sigma16, k=key|key
				// key=32 -> sigma32, k=key
				let l = key.length;
				let k;
				let sigma;
				if (l === 32) {
					// Copy caller keys too: big-endian normalization, extended-nonce subkey derivation, and
					// final clean(...) all mutate or wipe the temporary buffer in place.
					toClean.push((k = (0, utils /* copyBytes */.nC)(key)));
					sigma = sigma32_32;
				} else if (l === 16 && allowShortKeys) {
					k = new Uint8Array(32);
					k.set(key);
					k.set(key, 16);
					sigma = sigma16_32;
					toClean.push(k);
				} else {
					(0, utils /* abytes */.DO)(key, 32, 'arx key');
					throw new Error('invalid key size');
					// throw new Error(`"arx key" expected Uint8Array of length 32, got length=${l}`);
				}
				// Nonce
				// salsa20:      8   (8-byte counter)
				// chacha20orig: 8   (8-byte counter)
				// chacha20:     12  (4-byte counter)
				// xsalsa20:     24  (16 -> hsalsa,  8 -> old nonce)
				// xchacha20:    24  (16 -> hchacha, 8 -> old nonce)
				// Copy before taking u32(...) views on misaligned inputs, and on big-endian so later
				// swap32IfBE(...) never mutates caller nonce bytes in place.
				if (!utils /* isLE */.qv || !(0, utils /* isAligned32 */.QQ)(nonce))
					toClean.push((nonce = (0, utils /* copyBytes */.nC)(nonce)));
				let k32 = (0, utils /* u32 */.DH)(k);
				// hsalsa & hchacha: handle extended nonce
				if (extendNonceFn) {
					if (nonce.length !== 24) throw new Error('arx: extended nonce must be 24 bytes');
					const n16 = nonce.subarray(0, 16);
					if (utils /* isLE */.qv) extendNonceFn(sigma, k32, (0, utils /* u32 */.DH)(n16), k32);
					else {
						const sigmaRaw = (0, utils /* swap32IfBE */.fd)(Uint32Array.from(sigma));
						extendNonceFn(sigmaRaw, k32, (0, utils /* u32 */.DH)(n16), k32);
						(0, utils /* clean */.uH)(sigmaRaw);
						(0, utils /* swap32IfBE */.fd)(k32);
					}
					nonce = nonce.subarray(16);
				} else if (!utils /* isLE */.qv) (0, utils /* swap32IfBE */.fd)(k32);
				// Handle nonce counter
				const nonceNcLen = 16 - counterLength;
				if (nonceNcLen !== nonce.length) throw new Error(`arx: nonce must be ${nonceNcLen} or 16 bytes`);
				// Normalize 64-bit-nonce layouts to the 12-byte core input: ChaCha/XChaCha prefix 4 zero
				// counter bytes, while Salsa/XSalsa append them after the nonce words.
				if (nonceNcLen !== 12) {
					const nc = new Uint8Array(12);
					nc.set(nonce, counterRight ? 0 : 12 - nonce.length);
					nonce = nc;
					toClean.push(nonce);
				}
				const n32 = (0, utils /* swap32IfBE */.fd)((0, utils /* u32 */.DH)(nonce));
				// Ensure temporary key/nonce copies are wiped even if the remaining
				// runtime guard in runCipher(...) throws on counter overflow.
				try {
					runCipher(core, sigma, k32, n32, data, output, counter, rounds);
					return output;
				} finally {
					(0, utils /* clean */.uH)(...toClean);
				}
			};
		}
		/** Internal class which wraps chacha20 or chacha8 to create CSPRNG. */
		class _XorStreamPRG {
			blockLen;
			keyLen;
			nonceLen;
			state;
			buf;
			key;
			nonce;
			pos;
			ctr;
			cipher;
			destroyed = false;
			constructor(cipher, blockLen, keyLen, nonceLen, seed) {
				this.cipher = cipher;
				this.blockLen = blockLen;
				this.keyLen = keyLen;
				this.nonceLen = nonceLen;
				this.state = new Uint8Array(this.keyLen + this.nonceLen);
				this.reseed(seed);
				this.ctr = 0;
				this.pos = this.blockLen;
				this.buf = new Uint8Array(this.blockLen);
				// Keep a single key||nonce backing buffer so reseed/addEntropy/clean update the live cipher
				// inputs in place through these subarray views.
				this.key = this.state.subarray(0, this.keyLen);
				this.nonce = this.state.subarray(this.keyLen);
			}
			reseed(seed) {
				abytes(seed, undefined, 'seed');
				if (!seed || seed.length === 0) throw new Error('entropy required');
				// Mix variable-length entropy cyclically across the whole key||nonce state, then restart the
				// keystream so buffered leftovers from the previous state are never reused.
				for (let i = 0; i < seed.length; i++) this.state[i % this.state.length] ^= seed[i];
				this.ctr = 0;
				this.pos = this.blockLen;
			}
			addEntropy(seed) {
				if (this.destroyed) throw new Error('cannot use destroyed PRG');
				// Reject empty entropy before re-keying, otherwise a throwing call would still advance state.
				abytes(seed, undefined, 'seed');
				if (seed.length === 0) throw new Error('entropy required');
				// Re-key from the current stream first, then mix external entropy into the fresh key||nonce
				// state through reseed() so stale buffered bytes are discarded.
				this.state.set(this.randomBytes(this.state.length));
				this.reseed(seed);
			}
			randomBytes(len) {
				if (this.destroyed) throw new Error('cannot use destroyed PRG');
				anumber(len);
				if (len === 0) return new Uint8Array(0);
				const avail = this.pos < this.blockLen ? this.blockLen - this.pos : 0;
				const blocks = Math.ceil(Math.max(0, len - avail) / this.blockLen);
				// Preflight overflow so failed reads don't partially consume keystream
				// and leave the PRG repeating blocks.
				if (blocks > 0 && this.ctr > MAX_COUNTER - blocks) throw new Error('arx: counter overflow');
				const out = new Uint8Array(len);
				let outPos = 0;
				// `out` starts zero-filled, and `buf.fill(0)` below does the same for leftovers: XOR-stream
				// ciphers then emit raw keystream bytes directly into those buffers.
				// Serve buffered leftovers first so split reads stay identical to one larger read.
				if (this.pos < this.blockLen) {
					const take = Math.min(len, this.blockLen - this.pos);
					out.set(this.buf.subarray(this.pos, this.pos + take), 0);
					this.pos += take;
					outPos += take;
					if (outPos === len) return out; // fast path
				}
				// Full blocks directly to out
				const full = Math.floor((len - outPos) / this.blockLen);
				if (full > 0) {
					const blockBytes = full * this.blockLen;
					const b = out.subarray(outPos, outPos + blockBytes);
					this.cipher(this.key, this.nonce, b, b, this.ctr);
					this.ctr += full;
					outPos += blockBytes;
				}
				// Save leftovers
				const left = len - outPos;
				if (left > 0) {
					this.buf.fill(0);
					// NOTE: cipher will handle overflow
					this.cipher(this.key, this.nonce, this.buf, this.buf, this.ctr++);
					out.set(this.buf.subarray(0, left), outPos);
					this.pos = left;
				}
				return out;
			}
			// Clone seeds the new instance from this stream, so the source PRG advances too.
			clone() {
				if (this.destroyed) throw new Error('cannot use destroyed PRG');
				return new _XorStreamPRG(
					this.cipher,
					this.blockLen,
					this.keyLen,
					this.nonceLen,
					this.randomBytes(this.state.length),
				);
			}
			// Zeroes the current state, leftover buffer, and marks the instance destroyed.
			// The instance fails closed: any later randomBytes()/addEntropy()/clone() throws instead
			// of silently continuing from zero key||nonce state (which would yield predictable output).
			clean() {
				this.pos = 0;
				this.ctr = 0;
				this.buf.fill(0);
				this.state.fill(0);
				this.destroyed = true;
			}
		}
		/**
		 * Creates a PRG constructor from a stream cipher.
		 * @param cipher - Stream cipher used to fill output blocks.
		 * @param blockLen - Keystream block length in bytes.
		 * @param keyLen - Internal key length in bytes.
		 * @param nonceLen - Internal nonce length in bytes.
		 * @returns PRG factory for seeded concrete `_XorStreamPRG` instances.
		 * @example
		 * Builds a PRG from XChaCha20 and reads bytes from a randomly seeded instance.
		 * ```ts
		 * import { xchacha20 } from '@noble/ciphers/chacha.js';
		 * import { createPRG } from '@noble/ciphers/_arx.js';
		 * import { randomBytes } from '@noble/ciphers/utils.js';
		 * const seed = randomBytes(32);
		 * const init = createPRG(xchacha20, 64, 32, 24);
		 * const prg = init(seed);
		 * prg.randomBytes(8);
		 * ```
		 */
		const createPRG = (cipher, blockLen, keyLen, nonceLen) => {
			return (seed = randomBytes(32)) => new _XorStreamPRG(cipher, blockLen, keyLen, nonceLen, seed);
		}; // CONCATENATED MODULE: ./node_modules/@noble/ciphers/_poly1305.js
		/**
		 * Poly1305 ({@link https://cr.yp.to/mac/poly1305-20050329.pdf | PDF},
		 * {@link https://en.wikipedia.org/wiki/Poly1305 | wiki})
		 * is a fast and parallel secret-key message-authentication code suitable for
		 * a wide variety of applications. It was standardized in
		 * {@link https://www.rfc-editor.org/rfc/rfc8439 | RFC 8439} and is now used in TLS 1.3.
		 *
		 * Polynomial MACs are not perfect for every situation:
		 * they lack Random Key Robustness: the MAC can be forged, and can't be used in PAKE schemes.
		 * See {@link https://keymaterial.net/2020/09/07/invisible-salamanders-in-aes-gcm-siv/ | the invisible salamanders attack writeup}.
		 * To combat invisible salamanders, `hash(key)` can be included in ciphertext,
		 * however, this would violate ciphertext indistinguishability:
		 * an attacker would know which key was used - so `HKDF(key, i)`
		 * could be used instead.
		 *
		 * Check out the {@link https://cr.yp.to/mac.html | original website}.
		 * Based on public-domain {@link https://github.com/floodyberry/poly1305-donna | poly1305-donna}.
		 * @module
		 */
		// prettier-ignore

		// A simple-loop reference version (`poly1305_small`) lives in
		// `test/misc/micro-ciphers.ts`, provided for auditability.
		// Little-endian 2-byte load used by the Poly1305 limb decomposition.
		function u8to16(a, i) {
			return (a[i++] & 0xff) | ((a[i++] & 0xff) << 8);
		}
		/**
		 * Incremental Poly1305 MAC state.
		 * Prefer `poly1305()` for one-shot use.
		 * @param key - 32-byte Poly1305 one-time key.
		 * @example
		 * Feeds one chunk into an incremental Poly1305 state with a fresh one-time key.
		 *
		 * ```ts
		 * import { Poly1305 } from '@noble/ciphers/_poly1305.js';
		 * import { randomBytes } from '@noble/ciphers/utils.js';
		 * const key = randomBytes(32);
		 * const mac = new Poly1305(key);
		 * mac.update(new Uint8Array([1, 2, 3]));
		 * mac.digest();
		 * ```
		 */
		class Poly1305 {
			blockLen = 16;
			outputLen = 16;
			buffer = new Uint8Array(16);
			r = new Uint16Array(10); // Allocating 1 array with .subarray() here is slower than 3
			h = new Uint16Array(10);
			pad = new Uint16Array(8);
			pos = 0;
			finished = false;
			destroyed = false;
			// Can be speed-up using BigUint64Array, at the cost of complexity
			constructor(key) {
				key = (0, utils /* copyBytes */.nC)((0, utils /* abytes */.DO)(key, 32, 'key'));
				const t0 = u8to16(key, 0);
				const t1 = u8to16(key, 2);
				const t2 = u8to16(key, 4);
				const t3 = u8to16(key, 6);
				const t4 = u8to16(key, 8);
				const t5 = u8to16(key, 10);
				const t6 = u8to16(key, 12);
				const t7 = u8to16(key, 14);
				// RFC 8439 §2.5.1 / RFC 7539 §2.5.1 clamp r before multiplication.
				// These masks unpack that clamped value into 13-bit limbs, while pad
				// keeps the raw s half for finalize().
				// {@link https://github.com/floodyberry/poly1305-donna/blob/e6ad6e091d30d7f4ec2d4f978be1fcfcbce72781/poly1305-donna-16.h#L47 | poly1305-donna reference}
				this.r[0] = t0 & 0x1fff;
				this.r[1] = ((t0 >>> 13) | (t1 << 3)) & 0x1fff;
				this.r[2] = ((t1 >>> 10) | (t2 << 6)) & 0x1f03;
				this.r[3] = ((t2 >>> 7) | (t3 << 9)) & 0x1fff;
				this.r[4] = ((t3 >>> 4) | (t4 << 12)) & 0x00ff;
				this.r[5] = (t4 >>> 1) & 0x1ffe;
				this.r[6] = ((t4 >>> 14) | (t5 << 2)) & 0x1fff;
				this.r[7] = ((t5 >>> 11) | (t6 << 5)) & 0x1f81;
				this.r[8] = ((t6 >>> 8) | (t7 << 8)) & 0x1fff;
				this.r[9] = (t7 >>> 5) & 0x007f;
				for (let i = 0; i < 8; i++) this.pad[i] = u8to16(key, 16 + 2 * i);
			}
			process(data, offset, isLast = false) {
				// RFC 8439 §2.5 / §2.5.1 and RFC 7539 §2.5 / §2.5.1 add an extra high
				// bit to every full 16-byte block. The final partial block gets its
				// explicit `1` byte during digestInto(), so `hibit` stays zero there.
				const hibit = isLast ? 0 : 1 << 11;
				const { h, r } = this;
				const r0 = r[0];
				const r1 = r[1];
				const r2 = r[2];
				const r3 = r[3];
				const r4 = r[4];
				const r5 = r[5];
				const r6 = r[6];
				const r7 = r[7];
				const r8 = r[8];
				const r9 = r[9];
				const t0 = u8to16(data, offset + 0);
				const t1 = u8to16(data, offset + 2);
				const t2 = u8to16(data, offset + 4);
				const t3 = u8to16(data, offset + 6);
				const t4 = u8to16(data, offset + 8);
				const t5 = u8to16(data, offset + 10);
				const t6 = u8to16(data, offset + 12);
				const t7 = u8to16(data, offset + 14);
				let h0 = h[0] + (t0 & 0x1fff);
				let h1 = h[1] + (((t0 >>> 13) | (t1 << 3)) & 0x1fff);
				let h2 = h[2] + (((t1 >>> 10) | (t2 << 6)) & 0x1fff);
				let h3 = h[3] + (((t2 >>> 7) | (t3 << 9)) & 0x1fff);
				let h4 = h[4] + (((t3 >>> 4) | (t4 << 12)) & 0x1fff);
				let h5 = h[5] + ((t4 >>> 1) & 0x1fff);
				let h6 = h[6] + (((t4 >>> 14) | (t5 << 2)) & 0x1fff);
				let h7 = h[7] + (((t5 >>> 11) | (t6 << 5)) & 0x1fff);
				let h8 = h[8] + (((t6 >>> 8) | (t7 << 8)) & 0x1fff);
				let h9 = h[9] + ((t7 >>> 5) | hibit);
				let c = 0;
				let d0 = c + h0 * r0 + h1 * (5 * r9) + h2 * (5 * r8) + h3 * (5 * r7) + h4 * (5 * r6);
				c = d0 >>> 13;
				d0 &= 0x1fff;
				d0 += h5 * (5 * r5) + h6 * (5 * r4) + h7 * (5 * r3) + h8 * (5 * r2) + h9 * (5 * r1);
				c += d0 >>> 13;
				d0 &= 0x1fff;
				let d1 = c + h0 * r1 + h1 * r0 + h2 * (5 * r9) + h3 * (5 * r8) + h4 * (5 * r7);
				c = d1 >>> 13;
				d1 &= 0x1fff;
				d1 += h5 * (5 * r6) + h6 * (5 * r5) + h7 * (5 * r4) + h8 * (5 * r3) + h9 * (5 * r2);
				c += d1 >>> 13;
				d1 &= 0x1fff;
				let d2 = c + h0 * r2 + h1 * r1 + h2 * r0 + h3 * (5 * r9) + h4 * (5 * r8);
				c = d2 >>> 13;
				d2 &= 0x1fff;
				d2 += h5 * (5 * r7) + h6 * (5 * r6) + h7 * (5 * r5) + h8 * (5 * r4) + h9 * (5 * r3);
				c += d2 >>> 13;
				d2 &= 0x1fff;
				let d3 = c + h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * (5 * r9);
				c = d3 >>> 13;
				d3 &= 0x1fff;
				d3 += h5 * (5 * r8) + h6 * (5 * r7) + h7 * (5 * r6) + h8 * (5 * r5) + h9 * (5 * r4);
				c += d3 >>> 13;
				d3 &= 0x1fff;
				let d4 = c + h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0;
				c = d4 >>> 13;
				d4 &= 0x1fff;
				d4 += h5 * (5 * r9) + h6 * (5 * r8) + h7 * (5 * r7) + h8 * (5 * r6) + h9 * (5 * r5);
				c += d4 >>> 13;
				d4 &= 0x1fff;
				let d5 = c + h0 * r5 + h1 * r4 + h2 * r3 + h3 * r2 + h4 * r1;
				c = d5 >>> 13;
				d5 &= 0x1fff;
				d5 += h5 * r0 + h6 * (5 * r9) + h7 * (5 * r8) + h8 * (5 * r7) + h9 * (5 * r6);
				c += d5 >>> 13;
				d5 &= 0x1fff;
				let d6 = c + h0 * r6 + h1 * r5 + h2 * r4 + h3 * r3 + h4 * r2;
				c = d6 >>> 13;
				d6 &= 0x1fff;
				d6 += h5 * r1 + h6 * r0 + h7 * (5 * r9) + h8 * (5 * r8) + h9 * (5 * r7);
				c += d6 >>> 13;
				d6 &= 0x1fff;
				let d7 = c + h0 * r7 + h1 * r6 + h2 * r5 + h3 * r4 + h4 * r3;
				c = d7 >>> 13;
				d7 &= 0x1fff;
				d7 += h5 * r2 + h6 * r1 + h7 * r0 + h8 * (5 * r9) + h9 * (5 * r8);
				c += d7 >>> 13;
				d7 &= 0x1fff;
				let d8 = c + h0 * r8 + h1 * r7 + h2 * r6 + h3 * r5 + h4 * r4;
				c = d8 >>> 13;
				d8 &= 0x1fff;
				d8 += h5 * r3 + h6 * r2 + h7 * r1 + h8 * r0 + h9 * (5 * r9);
				c += d8 >>> 13;
				d8 &= 0x1fff;
				let d9 = c + h0 * r9 + h1 * r8 + h2 * r7 + h3 * r6 + h4 * r5;
				c = d9 >>> 13;
				d9 &= 0x1fff;
				d9 += h5 * r4 + h6 * r3 + h7 * r2 + h8 * r1 + h9 * r0;
				c += d9 >>> 13;
				d9 &= 0x1fff;
				c = ((c << 2) + c) | 0;
				c = (c + d0) | 0;
				d0 = c & 0x1fff;
				c = c >>> 13;
				d1 += c;
				h[0] = d0;
				h[1] = d1;
				h[2] = d2;
				h[3] = d3;
				h[4] = d4;
				h[5] = d5;
				h[6] = d6;
				h[7] = d7;
				h[8] = d8;
				h[9] = d9;
			}
			finalize() {
				const { h, pad } = this;
				const g = new Uint16Array(10);
				let c = h[1] >>> 13;
				h[1] &= 0x1fff;
				for (let i = 2; i < 10; i++) {
					h[i] += c;
					c = h[i] >>> 13;
					h[i] &= 0x1fff;
				}
				h[0] += c * 5;
				c = h[0] >>> 13;
				h[0] &= 0x1fff;
				h[1] += c;
				c = h[1] >>> 13;
				h[1] &= 0x1fff;
				h[2] += c;
				// RFC 8439 §2.5 / RFC 7539 §2.5 reduce modulo 2^130-5 before repacking
				// to 16-bit words and adding the raw s half.
				g[0] = h[0] + 5;
				c = g[0] >>> 13;
				g[0] &= 0x1fff;
				for (let i = 1; i < 10; i++) {
					g[i] = h[i] + c;
					c = g[i] >>> 13;
					g[i] &= 0x1fff;
				}
				g[9] -= 1 << 13;
				let mask = (c ^ 1) - 1;
				for (let i = 0; i < 10; i++) g[i] &= mask;
				mask = ~mask;
				for (let i = 0; i < 10; i++) h[i] = (h[i] & mask) | g[i];
				h[0] = (h[0] | (h[1] << 13)) & 0xffff;
				h[1] = ((h[1] >>> 3) | (h[2] << 10)) & 0xffff;
				h[2] = ((h[2] >>> 6) | (h[3] << 7)) & 0xffff;
				h[3] = ((h[3] >>> 9) | (h[4] << 4)) & 0xffff;
				h[4] = ((h[4] >>> 12) | (h[5] << 1) | (h[6] << 14)) & 0xffff;
				h[5] = ((h[6] >>> 2) | (h[7] << 11)) & 0xffff;
				h[6] = ((h[7] >>> 5) | (h[8] << 8)) & 0xffff;
				h[7] = ((h[8] >>> 8) | (h[9] << 5)) & 0xffff;
				let f = h[0] + pad[0];
				h[0] = f & 0xffff;
				for (let i = 1; i < 8; i++) {
					f = (((h[i] + pad[i]) | 0) + (f >>> 16)) | 0;
					h[i] = f & 0xffff;
				}
				(0, utils /* clean */.uH)(g);
			}
			update(data) {
				(0, utils /* aexists */.CC)(this);
				(0, utils /* abytes */.DO)(data);
				data = (0, utils /* copyBytes */.nC)(data);
				const { buffer, blockLen } = this;
				const len = data.length;
				for (let pos = 0; pos < len; ) {
					const take = Math.min(blockLen - this.pos, len - pos);
					// Fast path: we have at least one block in input
					if (take === blockLen) {
						for (; blockLen <= len - pos; pos += blockLen) this.process(data, pos);
						continue;
					}
					buffer.set(data.subarray(pos, pos + take), this.pos);
					this.pos += take;
					pos += take;
					if (this.pos === blockLen) {
						this.process(buffer, 0, false);
						this.pos = 0;
					}
				}
				return this;
			}
			destroy() {
				// `aexists(this)` guards update/digest paths, so destroy must mark the instance unusable too.
				this.destroyed = true;
				(0, utils /* clean */.uH)(this.h, this.r, this.buffer, this.pad);
			}
			digestInto(out) {
				(0, utils /* aexists */.CC)(this);
				(0, utils /* aoutput */.Ht)(out, this);
				this.finished = true;
				const { buffer, h } = this;
				let { pos } = this;
				if (pos) {
					// RFC 8439 §2.5 / RFC 7539 §2.5: the final short block appends a
					// single `0x01` byte and zero-fills the remaining bytes before the
					// last multiplication step.
					buffer[pos++] = 1;
					for (; pos < 16; pos++) buffer[pos] = 0;
					this.process(buffer, 0, true);
				}
				this.finalize();
				let opos = 0;
				for (let i = 0; i < 8; i++) {
					out[opos++] = h[i] >>> 0;
					out[opos++] = h[i] >>> 8;
				}
			}
			digest() {
				const { buffer, outputLen } = this;
				this.digestInto(buffer);
				// Copy out before destroy() zeroes the internal buffer.
				const res = buffer.slice(0, outputLen);
				this.destroy();
				return res;
			}
		}
		/**
		 * Poly1305 MAC from RFC 8439.
		 * @param msg - Message bytes to authenticate.
		 * @param key - 32-byte Poly1305 one-time key.
		 * @returns 16-byte authentication tag.
		 * @example
		 * Authenticates one message with a one-shot Poly1305 call and a fresh key.
		 *
		 * ```ts
		 * import { poly1305 } from '@noble/ciphers/_poly1305.js';
		 * import { randomBytes } from '@noble/ciphers/utils.js';
		 * const key = randomBytes(32);
		 * poly1305(new Uint8Array(), key);
		 * ```
		 */
		const poly1305 = /* @__PURE__ */ (0, utils /* wrapMacConstructor */.Ub)(32, (key) => new Poly1305(key)); // CONCATENATED MODULE: ./node_modules/@noble/ciphers/salsa.js
		/**
		 * Salsa20 stream cipher, released in 2005.
		 * Salsa's goal was to implement AES replacement that does not rely on S-Boxes,
		 * which are hard to implement in a constant-time manner.
		 * Salsa20 is usually faster than AES, a big deal on slow, budget mobile phones.
		 *
		 * - {@link https://cr.yp.to/snuffle/xsalsa-20110204.pdf | XSalsa20},
		 *   extended-nonce
		 *   variant was released in 2008. It extends Salsa20's 64-bit nonce to 192 bits,
		 *   and became safe to be picked at random.
		 * - Nacl / Libsodium popularized term "secretbox", - which is just xsalsa20poly1305.
		 *   We provide the alias and corresponding seal / open methods.
		 *   "crypto_box" and "sealedbox" are available in package
		 *   {@link https://github.com/serenity-kit/noble-sodium | noble-sodium}.
		 * - Check out
		 *   {@link https://cr.yp.to/snuffle/salsafamily-20071225.pdf | PDF}
		 *   and {@link https://cr.yp.to/snuffle.html | website}.
		 * @module
		 */

		/**
		 * Salsa20 core function. Uses an unrolled loop (salsaCore, hsalsa) - 4x
		 * faster than a simple loop, but larger & harder to read. A simple-loop
		 * reference version lives in `test/misc/micro-ciphers.ts`;
		 * `test/arx.test.ts` keeps the two aligned.
		 * The specific implementation is selected in `createCipher` below.
		 * Performance numbers for 1MB inputs:
		 * * default x 779 ops/sec @ 1ms/op
		 * * if salsa+hsalsa are merged x 459 ops/sec @ 2ms/op
		 * * small x 132 ops/sec @ 7ms/op
		 */
		/** Uses only the low 32 bits of Salsa20's 64-bit counter state. */
		// prettier-ignore
		function salsaCore(s, k, n, out, cnt, rounds = 20, cntHi = 0) {
			// Public wrappers expose only the low 32 bits of Salsa20's 64-bit counter; y09 stays zero
			// there. hsalsa reuses this core with its input words 2-3 in the counter positions.
			// Based on {@link https://cr.yp.to/salsa20.html | the Salsa20 reference page}.
			let y00 = s[0],
				y01 = k[0],
				y02 = k[1],
				y03 = k[2], // "expa" Key     Key     Key
				y04 = k[3],
				y05 = s[1],
				y06 = n[0],
				y07 = n[1], // Key    "nd 3"  Nonce   Nonce
				y08 = cnt,
				y09 = cntHi,
				y10 = s[2],
				y11 = k[4], // Pos.   Pos.    "2-by"	Key
				y12 = k[5],
				y13 = k[6],
				y14 = k[7],
				y15 = s[3]; // Key    Key     Key     "te k"
			// Save state to temporary variables
			let x00 = y00,
				x01 = y01,
				x02 = y02,
				x03 = y03,
				x04 = y04,
				x05 = y05,
				x06 = y06,
				x07 = y07,
				x08 = y08,
				x09 = y09,
				x10 = y10,
				x11 = y11,
				x12 = y12,
				x13 = y13,
				x14 = y14,
				x15 = y15;
			for (let r = 0; r < rounds; r += 2) {
				x04 ^= rotl((x00 + x12) | 0, 7);
				x08 ^= rotl((x04 + x00) | 0, 9);
				x12 ^= rotl((x08 + x04) | 0, 13);
				x00 ^= rotl((x12 + x08) | 0, 18);
				x09 ^= rotl((x05 + x01) | 0, 7);
				x13 ^= rotl((x09 + x05) | 0, 9);
				x01 ^= rotl((x13 + x09) | 0, 13);
				x05 ^= rotl((x01 + x13) | 0, 18);
				x14 ^= rotl((x10 + x06) | 0, 7);
				x02 ^= rotl((x14 + x10) | 0, 9);
				x06 ^= rotl((x02 + x14) | 0, 13);
				x10 ^= rotl((x06 + x02) | 0, 18);
				x03 ^= rotl((x15 + x11) | 0, 7);
				x07 ^= rotl((x03 + x15) | 0, 9);
				x11 ^= rotl((x07 + x03) | 0, 13);
				x15 ^= rotl((x11 + x07) | 0, 18);
				x01 ^= rotl((x00 + x03) | 0, 7);
				x02 ^= rotl((x01 + x00) | 0, 9);
				x03 ^= rotl((x02 + x01) | 0, 13);
				x00 ^= rotl((x03 + x02) | 0, 18);
				x06 ^= rotl((x05 + x04) | 0, 7);
				x07 ^= rotl((x06 + x05) | 0, 9);
				x04 ^= rotl((x07 + x06) | 0, 13);
				x05 ^= rotl((x04 + x07) | 0, 18);
				x11 ^= rotl((x10 + x09) | 0, 7);
				x08 ^= rotl((x11 + x10) | 0, 9);
				x09 ^= rotl((x08 + x11) | 0, 13);
				x10 ^= rotl((x09 + x08) | 0, 18);
				x12 ^= rotl((x15 + x14) | 0, 7);
				x13 ^= rotl((x12 + x15) | 0, 9);
				x14 ^= rotl((x13 + x12) | 0, 13);
				x15 ^= rotl((x14 + x13) | 0, 18);
			}
			// Write output
			let oi = 0;
			out[oi++] = (y00 + x00) | 0;
			out[oi++] = (y01 + x01) | 0;
			out[oi++] = (y02 + x02) | 0;
			out[oi++] = (y03 + x03) | 0;
			out[oi++] = (y04 + x04) | 0;
			out[oi++] = (y05 + x05) | 0;
			out[oi++] = (y06 + x06) | 0;
			out[oi++] = (y07 + x07) | 0;
			out[oi++] = (y08 + x08) | 0;
			out[oi++] = (y09 + x09) | 0;
			out[oi++] = (y10 + x10) | 0;
			out[oi++] = (y11 + x11) | 0;
			out[oi++] = (y12 + x12) | 0;
			out[oi++] = (y13 + x13) | 0;
			out[oi++] = (y14 + x14) | 0;
			out[oi++] = (y15 + x15) | 0;
		}
		/**
		 * hsalsa hashes key and nonce-prefix words into the 32-byte subkey used by XSalsa20.
		 * Algorithmically identical to `hsalsa_small` from `test/misc/micro-ciphers.ts`,
		 * but this exported path normalizes word order on big-endian hosts.
		 * Reuses `salsaCore` and subtracts its feed-forward, keeping the hot per-block
		 * path untouched.
		 * @param s - Sigma constants as 32-bit words.
		 * @param k - Key words.
		 * @param i - Nonce-prefix words.
		 * @param out - Output buffer for the derived subkey.
		 * @example
		 * Derives the XSalsa20 subkey from sigma, key, and nonce-prefix words.
		 *
		 * ```ts
		 * const sigma = new Uint32Array(4);
		 * const key = new Uint32Array(8);
		 * const nonce = new Uint32Array(4);
		 * const out = new Uint32Array(8);
		 * hsalsa(sigma, key, nonce, out);
		 * ```
		 */
		// prettier-ignore
		function hsalsa(s, k, i, out) {
			// Runs the shared salsaCore permutation, then subtracts the feed-forward it applies,
			// recovering the raw permutation words hsalsa needs.
			// LE hosts read the caller arrays in place (no copies); BE hosts get
			// byte-swapped scratch copies, wiped before returning.
			const s2 = utils /* isLE */.qv ? s : (0, utils /* swap32IfBE */.fd)(s.slice(0, 4));
			const k2 = utils /* isLE */.qv ? k : (0, utils /* swap32IfBE */.fd)(k.slice(0, 8));
			const i2 = utils /* isLE */.qv ? i : (0, utils /* swap32IfBE */.fd)(i.slice(0, 4));
			const t = new Uint32Array(16);
			salsaCore(s2, k2, i2.subarray(0, 2), t, i2[2], 20, i2[3]);
			let oi = 0;
			// XSalsa20 takes words 0,5,10,15 and 6,7,8,9 as the 32-byte subkey material.
			out[oi++] = (t[0] - s2[0]) | 0;
			out[oi++] = (t[5] - s2[1]) | 0;
			out[oi++] = (t[10] - s2[2]) | 0;
			out[oi++] = (t[15] - s2[3]) | 0;
			out[oi++] = (t[6] - i2[0]) | 0;
			out[oi++] = (t[7] - i2[1]) | 0;
			out[oi++] = (t[8] - i2[2]) | 0;
			out[oi++] = (t[9] - i2[3]) | 0;
			(0, utils /* swap32IfBE */.fd)(out);
			if (!utils /* isLE */.qv) (0, utils /* clean */.uH)(s2, k2, i2);
			(0, utils /* clean */.uH)(t);
		}
		/**
		 * Salsa20 from original paper. 8-byte nonce.
		 * With smaller nonce, it's not safe to make it random (CSPRNG), due to collision chance.
		 * @param key - 16-byte or 32-byte key.
		 * @param nonce - 8-byte nonce.
		 * @param data - Input bytes to xor with the keystream.
		 * @param output - Optional destination buffer.
		 * @param counter - Initial block counter.
		 * Only the low 32 bits of Salsa20's 64-bit counter state are exposed here;
		 * the high word stays zero and the implementation still caps the public
		 * value to 32 bits.
		 * @returns Encrypted or decrypted bytes.
		 * @example
		 * Encrypts bytes with the original 8-byte-nonce Salsa20 stream cipher.
		 *
		 * ```ts
		 * import { salsa20 } from '@noble/ciphers/salsa.js';
		 * import { randomBytes } from '@noble/ciphers/utils.js';
		 * const key = randomBytes(32);
		 * const nonce = randomBytes(8);
		 * salsa20(key, nonce, new Uint8Array([1, 2, 3, 4]));
		 * ```
		 */
		const salsa20 = /* @__PURE__ */ createCipher(salsaCore, {
			allowShortKeys: true,
			counterRight: true,
		});
		/**
		 * XSalsa20 extended-nonce salsa.
		 * With 24-byte nonce, it's safe to make it random (CSPRNG).
		 * @param key - 32-byte key.
		 * This XSalsa20 wrapper does not enable Salsa20's 16-byte legacy key mode.
		 * @param nonce - 24-byte nonce.
		 * @param data - Input bytes to xor with the keystream.
		 * @param output - Optional destination buffer.
		 * @param counter - Initial block counter.
		 * @returns Encrypted or decrypted bytes.
		 * @example
		 * Encrypts bytes with XSalsa20 and a random 24-byte nonce.
		 *
		 * ```ts
		 * import { xsalsa20 } from '@noble/ciphers/salsa.js';
		 * import { randomBytes } from '@noble/ciphers/utils.js';
		 * const key = randomBytes(32);
		 * const nonce = randomBytes(24);
		 * xsalsa20(key, nonce, new Uint8Array([1, 2, 3, 4]));
		 * ```
		 */
		const xsalsa20 = /* @__PURE__ */ createCipher(salsaCore, {
			counterRight: true,
			extendNonceFn: hsalsa,
		});
		// Test-only hook: exposes the unrolled production core so tests can compare it
		// with the simple/reference core from `test/misc/micro-ciphers.ts`.
		const __TESTS = /* @__PURE__ */ Object.freeze({ salsaCore });
		/**
		 * xsalsa20-poly1305 eXtended-nonce (24 bytes) salsa.
		 * With 24-byte nonce, it's safe to make it random (CSPRNG).
		 * Also known as `secretbox` from libsodium / nacl.
		 * No AAD input is supported here. Caller-provided `output` buffers for
		 * `encrypt()` / `decrypt()` must be `input.length + 32` bytes because the
		 * implementation uses a 32-byte leading scratch area before returning `+16`.
		 * @param key - 32-byte key.
		 * @param nonce - 24-byte nonce.
		 * @param AAD - Must be omitted; XSalsa20-Poly1305 secretbox does not support associated data.
		 * @returns AEAD cipher instance.
		 * @example
		 * Encrypts and authenticates plaintext with XSalsa20-Poly1305.
		 *
		 * ```ts
		 * import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
		 * import { randomBytes } from '@noble/ciphers/utils.js';
		 * const key = randomBytes(32);
		 * const nonce = randomBytes(24);
		 * const cipher = xsalsa20poly1305(key, nonce);
		 * cipher.encrypt(new Uint8Array([1, 2, 3]));
		 * ```
		 */
		const xsalsa20poly1305 = /* @__PURE__ */ (0, utils /* wrapCipher */.qn)(
			{ blockSize: 64, nonceLength: 24, tagLength: 16 },
			(key, nonce) => {
				// This borrows caller key/nonce buffers by reference; mutating them after construction changes
				// later encrypt/decrypt outputs.
				return {
					encrypt(plaintext, output) {
						// xsalsa20poly1305 optimizes by calculating auth key during the same call as encryption.
						// Unfortunately, makes it hard to separate tag calculation & encryption itself,
						// because 32 bytes is half-block of 64-byte salsa.
						// Need 32 extra bytes up front for the auth-key scratch area described above.
						output = (0, utils /* getOutput */.N$)(plaintext.length + 32, output, false);
						// output[0..32] = Poly1305 auth key, output[32..] = plaintext then ciphertext.
						const authKey = output.subarray(0, 32);
						const ciphPlaintext = output.subarray(32);
						output.set(plaintext, 32);
						// authKey is produced by xoring the first 32 bytes with zeros.
						(0, utils /* clean */.uH)(authKey);
						// output = stream ^ output; authKey = stream ^ zeros(32)
						xsalsa20(key, nonce, output, output);
						const tag = poly1305(ciphPlaintext, authKey);
						output.set(tag, 16);
						// Clean up auth-key remnants and the temporary tag copy.
						(0, utils /* clean */.uH)(output.subarray(0, 16), tag);
						// Return output[16..].
						return output.subarray(16);
					},
					decrypt(ciphertext, output) {
						// tmp part     passed tag    ciphertext
						// [0..32]      [32..48]      [48..]
						// Authenticate the ciphertext before decrypting it; on tag failure the scratch/output
						// buffer may already contain copied ciphertext and derived auth-key material.
						(0, utils /* abytes */.DO)(ciphertext, undefined, 'data');
						output = (0, utils /* getOutput */.N$)(ciphertext.length + 32, output, false);
						// output[0..32] is auth-key scratch, output[32..48] is passed tag,
						// output[48..] is ciphertext then plaintext.
						const tmp = output.subarray(0, 32);
						const passedTag = output.subarray(32, 48);
						const ciphPlaintext = output.subarray(48);
						output.set(ciphertext, 32);
						// authKey is produced by xoring the scratch area with zeros.
						(0, utils /* clean */.uH)(tmp);
						const authKey = xsalsa20(key, nonce, tmp, tmp);
						const tag = poly1305(ciphPlaintext, authKey);
						if (!(0, utils /* equalBytes */.ex)(passedTag, tag)) {
							(0, utils /* clean */.uH)(output);
							throw new Error('invalid tag');
						}
						// output = stream ^ output[16..]
						xsalsa20(key, nonce, output.subarray(16), output.subarray(16));
						(0, utils /* clean */.uH)(tmp, passedTag, tag);
						// Return output[48..], skipping zeroized output[0..48].
						return ciphPlaintext;
					},
				};
			},
		);
		/**
		 * Alias to `xsalsa20poly1305`, for compatibility with libsodium / nacl.
		 * Check out {@link https://github.com/serenity-kit/noble-sodium | noble-sodium}
		 * for `crypto_box`.
		 * @param key - 32-byte key.
		 * @param nonce - 24-byte nonce.
		 * @returns Wrapper with `seal()` and `open()` helpers.
		 * @example
		 * Uses the libsodium-style `seal()` and `open()` wrapper.
		 *
		 * ```ts
		 * import { secretbox } from '@noble/ciphers/salsa.js';
		 * import { randomBytes } from '@noble/ciphers/utils.js';
		 * const key = randomBytes(32);
		 * const nonce = randomBytes(24);
		 * const box = secretbox(key, nonce);
		 * box.seal(new Uint8Array([1, 2, 3]));
		 * ```
		 */
		function secretbox(key, nonce) {
			const xs = xsalsa20poly1305(key, nonce);
			return { seal: xs.encrypt, open: xs.decrypt };
		}

		/***/
	},

	/***/ 717: /***/ (__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {
		/* harmony export */ __webpack_require__.d(__webpack_exports__, {
			/* harmony export */ CC: () => /* binding */ aexists,
			/* harmony export */ DH: () => /* binding */ u32,
			/* harmony export */ DO: () => /* binding */ abytes,
			/* harmony export */ Fe: () => /* binding */ anumber,
			/* harmony export */ H7: () => /* binding */ complexOverlapBytes,
			/* harmony export */ Ht: () => /* binding */ aoutput,
			/* harmony export */ N$: () => /* binding */ getOutput,
			/* harmony export */ QQ: () => /* binding */ isAligned32,
			/* harmony export */ Ub: () => /* binding */ wrapMacConstructor,
			/* harmony export */ e8: () => /* binding */ abool,
			/* harmony export */ ex: () => /* binding */ equalBytes,
			/* harmony export */ fd: () => /* binding */ swap32IfBE,
			/* harmony export */ nC: () => /* binding */ copyBytes,
			/* harmony export */ qn: () => /* binding */ wrapCipher,
			/* harmony export */ qv: () => /* binding */ isLE,
			/* harmony export */ tY: () => /* binding */ checkOpts,
			/* harmony export */ uH: () => /* binding */ clean,
			/* harmony export */
		});
		/* unused harmony exports aarray, isBytes, aoutput32, u8, createView, byteSwap, swap8IfBE, byteSwap32, bytesToHex, hexToBytes, hexToNumber, bytesToNumberBE, numberToBytesBE, utf8ToBytes, bytesToUtf8, overlapBytes, concatBytes, u64Lengths, randomBytes, managedNonce */
		/**
		 * Utilities for hex, bytes, CSPRNG.
		 * @module
		 */
		/*! noble-ciphers - MIT License (c) 2023 Paul Miller (paulmillr.com) */
		function aarray(item, title, inner = () => {}) {
			if (!Array.isArray(item)) throw new TypeError(`"${title}" expected array, got type=${typeof item}`);
			for (let i = 0; i < item.length; i++) inner(item[i], `${title}[${i}]`);
			return item;
		}
		/**
		 * Checks if something is Uint8Array. Be careful: nodejs Buffer will return true.
		 * @param a - Value to inspect.
		 * @returns `true` when the value is a Uint8Array view, including Node's `Buffer`.
		 * @example
		 * Guards a value before treating it as raw key material.
		 *
		 * ```ts
		 * isBytes(new Uint8Array());
		 * ```
		 */
		function isBytes(a) {
			// Plain `instanceof Uint8Array` is too strict for some Buffer / proxy /
			// cross-realm cases. The fallback still requires a real ArrayBuffer view
			// so plain JSON-deserialized `{ constructor: ... }`
			// spoofing is rejected, and `BYTES_PER_ELEMENT === 1` keeps the fallback on byte-oriented views.
			return (
				a instanceof Uint8Array ||
				(ArrayBuffer.isView(a) &&
					a.constructor.name === 'Uint8Array' &&
					'BYTES_PER_ELEMENT' in a &&
					a.BYTES_PER_ELEMENT === 1)
			);
		}
		// Shared error-message prefix builder. Only called on throw paths, so assert
		// success paths never pay for the string concatenation.
		const atitle = (title) => (title ? `"${title}" ` : '');
		/**
		 * Asserts something is boolean.
		 * @param value - Value to validate.
		 * @returns The validated boolean.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Validates a boolean option before branching on it.
		 *
		 * ```ts
		 * abool(true);
		 * ```
		 */
		function abool(value, title = '') {
			if (typeof value !== 'boolean') throw new TypeError(atitle(title) + 'expected boolean, got type=' + typeof value);
			return value;
		}
		/**
		 * Asserts something is a non-negative safe integer.
		 * @param n - Value to validate.
		 * @returns The validated number.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @example
		 * Validates a non-negative length or counter.
		 *
		 * ```ts
		 * anumber(1);
		 * ```
		 */
		function anumber(n, title = '') {
			if (typeof n !== 'number') throw new TypeError(atitle(title) + 'expected number, got ' + typeof n);
			if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(atitle(title) + 'expected integer >= 0, got ' + n);
			return n;
		}
		/**
		 * Asserts something is Uint8Array.
		 * @param value - Value to validate.
		 * @param length - Expected byte length.
		 * @param title - Optional label used in error messages.
		 * @returns The validated byte array.
		 * On Node, `Buffer` is accepted too because it is a Uint8Array view.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument lengths. {@link RangeError}
		 * @example
		 * Validates a fixed-length nonce or key buffer.
		 *
		 * ```ts
		 * abytes(new Uint8Array([1, 2]), 2);
		 * ```
		 */
		function abytes(value, length, title = '') {
			// Success path first: this runs at the start of every update() / digestInto(), and the
			// common `abytes(data)` form must not pay for length handling it does not use.
			if (isBytes(value) && (length === undefined || value.length === length)) return value;
			// Error path: recompute freely to build the exact message.
			if (length !== undefined) anumber(length, 'length');
			const bytes = isBytes(value);
			const ofLen = length !== undefined ? ` of length ${length}` : '';
			const got = bytes ? `length=${value.length}` : `type=${typeof value}`;
			const message = atitle(title) + 'expected Uint8Array' + ofLen + ', got ' + got;
			if (!bytes) throw new TypeError(message);
			throw new RangeError(message);
		}
		const aobject = (value, label) => {
			if (value === null || typeof value !== 'object' || Array.isArray(value))
				throw new TypeError(
					label === 'object' ? 'expected valid options object' : `"${label}" expected object, got type=${typeof value}`,
				);
		};
		/**
		 * Asserts a hash- or MAC-like instance has not been destroyed or finished.
		 * @param instance - Stateful instance to validate.
		 * @param checkFinished - Whether to reject finished instances.
		 * When `false`, only `destroyed` is checked.
		 * @throws If the hash instance has already been destroyed or finalized. {@link Error}
		 * @example
		 * Guards against calling `update()` or `digest()` on a finished hash.
		 *
		 * ```ts
		 * aexists({ destroyed: false, finished: false });
		 * ```
		 */
		function aexists(instance, checkFinished = true) {
			// Runs on every update()/digestInto(); the flags are library-owned booleans, so only their
			// truthiness is checked - re-validating their type per call was pure hot-path overhead.
			if (instance.destroyed) throw new Error('hash was destroyed');
			if (checkFinished && instance.finished) throw new Error('digest() was already called');
		}
		/**
		 * Asserts output is a sufficiently-sized byte array.
		 * @param out - Output buffer to validate.
		 * @param instance - Hash-like instance providing `outputLen`.
		 * This is the relaxed `digestInto()`-style contract: output must be at least `outputLen`,
		 * unlike one-shot cipher helpers elsewhere in the repo that often require exact lengths.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong output buffer lengths. {@link RangeError}
		 * @example
		 * Verifies that a caller-provided output buffer is large enough.
		 *
		 * ```ts
		 * aoutput(new Uint8Array(16), { outputLen: 16 });
		 * ```
		 */
		function aoutput(out, instance) {
			abytes(out, undefined, 'output');
			// `outputLen` is a library-owned readonly number; the negated comparison keeps failing fast
			// when it is missing/NaN (comparisons with undefined/NaN are false) without an anumber() call.
			const min = instance.outputLen;
			if (!(out.length >= min)) {
				throw new RangeError('"output" expected length >= ' + min);
			}
		}
		/**
		 * Asserts output is a sufficiently-sized, 4-byte-aligned byte array.
		 * {@link aoutput} plus an {@link isAligned32} check, for `digestInto()` paths
		 * that write through zero-allocation `u32` word views.
		 * @param out - Output buffer to validate.
		 * @param instance - Hash-like instance providing `outputLen`.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong output buffer lengths. {@link RangeError}
		 * @throws On wrong output buffer alignment. {@link Error}
		 * @example
		 * Verifies that a caller-provided output buffer is large enough and aligned.
		 *
		 * ```ts
		 * aoutput32(new Uint8Array(16), { outputLen: 16 });
		 * ```
		 */
		function aoutput32(out, instance) {
			aoutput(out, instance);
			if (!isAligned32(out)) throw new Error('invalid output, must be aligned');
		}
		/**
		 * Casts a typed-array view to Uint8Array.
		 * @param arr - Typed-array view to reinterpret.
		 * @returns Uint8Array view over the same bytes.
		 * @example
		 * Views 32-bit words as raw bytes without copying.
		 *
		 * ```ts
		 * u8(new Uint32Array([1]));
		 * ```
		 */
		function u8(arr) {
			return new Uint8Array(arr.buffer, arr.byteOffset, arr.byteLength);
		}
		/**
		 * Casts a typed-array view to Uint32Array.
		 * @param arr - Typed-array view to reinterpret.
		 * @returns Uint32Array view over the same bytes. Callers are expected to provide a
		 * 4-byte-aligned offset; trailing `1..3` bytes are silently dropped.
		 * @example
		 * Views a byte buffer as 32-bit words for block processing.
		 *
		 * ```ts
		 * u32(new Uint8Array(4));
		 * ```
		 */
		function u32(arr) {
			return new Uint32Array(arr.buffer, arr.byteOffset, Math.floor(arr.byteLength / 4));
		}
		/**
		 * Zeroizes typed arrays in place.
		 * Warning: JS provides no guarantees.
		 * @param arrays - Arrays to wipe.
		 * @example
		 * Wipes a temporary key buffer after use.
		 *
		 * ```ts
		 * const bytes = new Uint8Array([1]);
		 * clean(bytes);
		 * ```
		 */
		function clean(...arrays) {
			for (let i = 0; i < arrays.length; i++) {
				arrays[i].fill(0);
			}
		}
		/**
		 * Creates a DataView for byte-level manipulation.
		 * @param arr - Typed-array view to wrap.
		 * @returns DataView over the same bytes.
		 * @example
		 * Creates an endian-aware view for length encoding.
		 *
		 * ```ts
		 * createView(new Uint8Array(4));
		 * ```
		 */
		function createView(arr) {
			return new DataView(arr.buffer, arr.byteOffset, arr.byteLength);
		}
		/**
		 * Whether the current platform is little-endian.
		 * Most are; some IBM systems are not.
		 */
		const isLE = /* @__PURE__ */ (() => new Uint8Array(new Uint32Array([0x11223344]).buffer)[0] === 0x44)();
		/**
		 * Reverses byte order of one 32-bit word.
		 * @param word - Unsigned 32-bit word to swap.
		 * @returns The same word with bytes reversed.
		 * @example
		 * Swaps a big-endian word into little-endian byte order.
		 *
		 * ```ts
		 * byteSwap(0x11223344);
		 * ```
		 */
		function byteSwap(word) {
			return ((word << 24) & 0xff000000) | ((word << 8) & 0xff0000) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff);
		}
		/**
		 * Normalizes one 32-bit word to the little-endian representation expected by cipher cores.
		 * @param n - Unsigned 32-bit word to normalize.
		 * @returns Little-endian normalized word on big-endian hosts, else the input word unchanged.
		 * @example
		 * Normalizes a host-endian word before passing it into an ARX/AES core.
		 *
		 * ```ts
		 * swap8IfBE(0x11223344);
		 * ```
		 */
		const swap8IfBE = /* unused pure expression or super */ null && (isLE ? (n) => n : (n) => byteSwap(n) >>> 0);
		/**
		 * Byte-swaps every word of a Uint32Array in place.
		 * @param arr - Uint32Array whose words should be swapped.
		 * @returns The same array after in-place byte swapping.
		 * @example
		 * Swaps every 32-bit word in a word-view buffer.
		 *
		 * ```ts
		 * byteSwap32(new Uint32Array([0x11223344]));
		 * ```
		 */
		function byteSwap32(arr) {
			for (let i = 0; i < arr.length; i++) {
				arr[i] = byteSwap(arr[i]);
			}
			return arr;
		}
		/**
		 * Normalizes a Uint32Array view to the little-endian representation expected by cipher cores.
		 * @param u - Word view to normalize in place.
		 * @returns Little-endian normalized word view.
		 * @example
		 * Normalizes a word-view buffer before block processing.
		 *
		 * ```ts
		 * swap32IfBE(new Uint32Array([0x11223344]));
		 * ```
		 */
		const swap32IfBE = isLE ? (u) => u : byteSwap32;
		// Built-in hex conversion:
		// {@link https://caniuse.com/mdn-javascript_builtins_uint8array_fromhex | caniuse entry}
		const hasHexBuiltin =
			/* @__PURE__ */ /* unused pure expression or super */ null &&
			(() =>
				// @ts-ignore
				typeof Uint8Array.from([]).toHex === 'function' && typeof Uint8Array.fromHex === 'function')();
		// Array where index 0xf0 (240) is mapped to string 'f0'
		const hexes = /* @__PURE__ */ Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
		/**
		 * Convert byte array to hex string. Uses built-in function, when available.
		 * @param bytes - Bytes to encode.
		 * @returns Lowercase hexadecimal string.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Formats ciphertext bytes for logs or test vectors.
		 *
		 * ```ts
		 * bytesToHex(Uint8Array.from([0xca, 0xfe, 0x01, 0x23])); // 'cafe0123'
		 * ```
		 */
		function bytesToHex(bytes) {
			abytes(bytes);
			// @ts-ignore
			if (hasHexBuiltin) return bytes.toHex();
			// pre-caching improves the speed 6x
			let hex = '';
			for (let i = 0; i < bytes.length; i++) {
				hex += hexes[bytes[i]];
			}
			return hex;
		}
		// Strict ASCII nibble parser: non-ASCII hex lookalikes are rejected as undefined.
		// ASCII codes: '0'..'9' = 48..57, 'A'..'F' = 65..70, 'a'..'f' = 97..102.
		// prettier-ignore
		function asciiToBase16(ch) {
			return ch >= 48 && ch <= 57
				? ch - 48 // '2' => 50-48
				: ch >= 65 && ch <= 70
					? ch - (65 - 10) // 'B' => 66-(65-10)
					: ch >= 97 && ch <= 102
						? ch - (97 - 10) // 'b' => 98-(97-10)
						: undefined;
		}
		/**
		 * Convert hex string to byte array. Uses built-in function, when available.
		 * @param hex - hexadecimal string to decode
		 * @returns Decoded bytes.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @example
		 * Decode lowercase hexadecimal into bytes.
		 * ```ts
		 * hexToBytes('cafe0123'); // Uint8Array.from([0xca, 0xfe, 0x01, 0x23])
		 * ```
		 */
		function hexToBytes(hex) {
			if (typeof hex !== 'string') throw new TypeError('hex string expected, got ' + typeof hex);
			if (hasHexBuiltin) {
				try {
					return Uint8Array.fromHex(hex);
				} catch (error) {
					if (error instanceof SyntaxError) throw new RangeError(error.message);
					throw error;
				}
			}
			const hl = hex.length;
			const al = hl / 2;
			if (hl % 2) throw new RangeError('hex string expected, got unpadded hex of length ' + hl);
			const array = new Uint8Array(al);
			for (let ai = 0, hi = 0; ai < al; ai++, hi += 2) {
				const n1 = asciiToBase16(hex.charCodeAt(hi)); // parse first char, multiply it by 16
				const n2 = asciiToBase16(hex.charCodeAt(hi + 1)); // parse second char
				if (n1 === undefined || n2 === undefined) {
					const char = hex[hi] + hex[hi + 1];
					throw new RangeError('hex string expected, got non-hex character "' + char + '" at index ' + hi);
				}
				array[ai] = n1 * 16 + n2; // example: 'A9' => 10*16 + 9
			}
			return array;
		}
		const _0n = /* @__PURE__ */ /* unused pure expression or super */ null && BigInt(0);
		// Used in ff1, via bytesToNumberBE
		/**
		 * Converts a big-endian hex string into bigint.
		 * @param hex - Hexadecimal string without `0x`.
		 * @returns Parsed bigint value. The empty string is treated as `0n`.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Parses a big-endian field element or counter from hex.
		 *
		 * ```ts
		 * hexToNumber('ff');
		 * ```
		 */
		function hexToNumber(hex) {
			if (typeof hex !== 'string') throw new TypeError('hex string expected, got ' + typeof hex);
			// Numeric parser, not byte-hex decoder: odd-length forms like 'f' are valid,
			// and malformed syntax follows BigInt's native error behavior.
			return hex === '' ? _0n : BigInt('0x' + hex); // Big Endian
		}
		// Used in ff1
		// BE: Big Endian, LE: Little Endian
		/**
		 * Converts big-endian bytes into bigint.
		 * @param bytes - Big-endian bytes.
		 * @returns Parsed bigint value. Empty input is treated as `0n`.
		 * @throws On invalid byte input passed to the internal hex conversion. {@link TypeError}
		 * @example
		 * Reads a big-endian integer from serialized bytes.
		 *
		 * ```ts
		 * bytesToNumberBE(new Uint8Array([1, 0]));
		 * ```
		 */
		function bytesToNumberBE(bytes) {
			return hexToNumber(bytesToHex(bytes));
		}
		/**
		 * Validates that a value is a non-negative bigint or safe integer.
		 * @param n - Value to validate.
		 * @returns The same validated value.
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 */
		function abignumber(n) {
			if (typeof n === 'bigint') {
				if (!(_0n <= n)) throw new RangeError('positive bigint expected, got ' + n);
			} else anumber(n);
			return n;
		}
		// Used in ff1
		/**
		 * Converts a number into big-endian bytes of fixed length.
		 * @param n - Number to encode.
		 * @param len - Output length in bytes. Must be greater than zero.
		 * @returns Big-endian bytes padded to `len`.
		 * Negative values, `len = 0`, and values that do not fit are rejected before
		 * downstream hex parsing.
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @throws If a documented runtime validation or state check fails. {@link Error}
		 * @example
		 * Encodes a counter as fixed-width big-endian bytes.
		 *
		 * ```ts
		 * numberToBytesBE(1, 2);
		 * ```
		 */
		function numberToBytesBE(n, len) {
			anumber(len);
			if (len === 0) throw new Error('zero output length is invalid');
			n = abignumber(n);
			const expectedLen = len * 2;
			const hex = n.toString(16);
			// Detect overflow before hex parsing so oversized values don't leak the shared odd-hex error.
			if (hex.length > expectedLen) throw new RangeError('number is too large');
			return hexToBytes(hex.padStart(expectedLen, '0'));
		}
		/**
		 * Converts string to bytes using UTF8 encoding.
		 * @param str - String to encode.
		 * @returns UTF-8 bytes in a detached fresh Uint8Array copy.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Encodes application text before encryption or MACing.
		 *
		 * ```ts
		 * utf8ToBytes('abc'); // new Uint8Array([97, 98, 99])
		 * ```
		 */
		function utf8ToBytes(str) {
			if (typeof str !== 'string') throw new TypeError('string expected');
			return new Uint8Array(new TextEncoder().encode(str)); // {@link https://bugzil.la/1681809 | Firefox bug 1681809}
		}
		/**
		 * Converts bytes to string using UTF8 encoding.
		 * @param bytes - UTF-8 bytes.
		 * @returns Decoded string. Input validation is delegated to `TextDecoder`, and malformed
		 * UTF-8 is replacement-decoded instead of rejected.
		 * @example
		 * Decodes UTF-8 plaintext back into a string.
		 *
		 * ```ts
		 * bytesToUtf8(new Uint8Array([97, 98, 99])); // 'abc'
		 * ```
		 */
		function bytesToUtf8(bytes) {
			return new TextDecoder().decode(bytes);
		}
		/**
		 * Checks if two U8A use same underlying buffer and overlaps.
		 * This is invalid and can corrupt data.
		 * @param a - First byte view.
		 * @param b - Second byte view.
		 * @returns `true` when the views overlap in memory.
		 * @example
		 * Detects whether two slices alias the same backing buffer.
		 *
		 * ```ts
		 * overlapBytes(new Uint8Array(4), new Uint8Array(4));
		 * ```
		 */
		function overlapBytes(a, b) {
			// Zero-length views cannot overwrite anything, even if their offset sits inside another range.
			if (!a.byteLength || !b.byteLength) return false;
			return (
				a.buffer === b.buffer && // best we can do, may fail with an obscure Proxy
				a.byteOffset < b.byteOffset + b.byteLength && // a starts before b end
				b.byteOffset < a.byteOffset + a.byteLength // b starts before a end
			);
		}
		/**
		 * If input and output overlap and input starts before output, we will overwrite end of input before
		 * we start processing it, so this is not supported by forward-processing ciphers.
		 * @param input - Input bytes.
		 * @param output - Output bytes.
		 * @throws If the output view would overwrite unread input bytes. {@link Error}
		 * @example
		 * Rejects an in-place layout that would overwrite unread input bytes.
		 *
		 * ```ts
		 * const buffer = new Uint8Array(8);
		 * complexOverlapBytes(buffer.subarray(0, 4), buffer.subarray(2, 6));
		 * ```
		 */
		function complexOverlapBytes(input, output) {
			// This is very cursed. It works somehow, but I'm completely unsure,
			// reasoning about overlapping aligned windows is very hard.
			if (overlapBytes(input, output) && input.byteOffset < output.byteOffset)
				throw new Error('complex overlap of input and output is not supported');
		}
		/**
		 * Copies several Uint8Arrays into one.
		 * @param arrays - Byte arrays to concatenate.
		 * @returns Combined byte array.
		 * @throws On wrong argument types inside the byte-array list. {@link TypeError}
		 * @example
		 * Builds a `nonce || ciphertext` style buffer.
		 *
		 * ```ts
		 * concatBytes(new Uint8Array([1]), new Uint8Array([2]));
		 * ```
		 */
		function concatBytes(...arrays) {
			let sum = 0;
			for (let i = 0; i < arrays.length; i++) {
				const a = arrays[i];
				abytes(a);
				sum += a.length;
			}
			const res = new Uint8Array(sum);
			for (let i = 0, pad = 0; i < arrays.length; i++) {
				const a = arrays[i];
				res.set(a, pad);
				pad += a.length;
			}
			return res;
		}
		/**
		 * Merges user options into defaults.
		 * @param defaults - Default option values.
		 * @param opts - User-provided overrides.
		 * @returns Combined options object.
		 * `defaults` is a library-owned mutable object; user-provided `opts` only need to be
		 * object-shaped, since "plain object" checks reject valid proxy/cross-realm containers.
		 * The merge mutates `defaults` in place and returns the same object, so direct callers
		 * should pass a fresh defaults object unless they intentionally want shared state updated.
		 * @throws If options are missing or not an object. {@link Error}
		 * @example
		 * Applies user overrides to the default cipher options.
		 *
		 * ```ts
		 * checkOpts({ rounds: 20 }, { rounds: 8 });
		 * ```
		 */
		function checkOpts(defaults, opts) {
			aobject(defaults, 'defaults');
			aobject(opts, 'opts');
			// Mutates defaults by design. __proto__ follows Object.assign semantics here and can only
			// affect this local option object; callers already control this low-level options surface.
			const merged = Object.assign(defaults, opts);
			return merged;
		}
		/**
		 * Compares two byte arrays in kinda constant time once lengths already match.
		 * @param a - First byte array.
		 * @param b - Second byte array.
		 * @returns `true` when the arrays contain the same bytes. Different lengths still return early.
		 * @example
		 * Compares an expected authentication tag with the received one.
		 *
		 * ```ts
		 * equalBytes(new Uint8Array([1]), new Uint8Array([1]));
		 * ```
		 */
		function equalBytes(a, b) {
			a = abytes(a);
			b = abytes(b);
			if (a.length !== b.length) return false;
			let diff = 0;
			for (let i = 0; i < a.length; i++) diff |= a[i] ^ b[i];
			return diff === 0;
		}
		/**
		 * Wraps a keyed MAC constructor into a one-shot helper with `.create()`.
		 * @param keyLen - Valid probe-key length used to read static metadata once.
		 * The probe key is only used for `outputLen` / `blockLen`, so callers with several valid key sizes
		 * can pass any representative size as long as those values stay fixed.
		 * @param macCons - Keyed MAC constructor or factory.
		 * @param fromMsg - Optional adapter that derives extra constructor args from the one-shot message.
		 * @returns Callable MAC helper with `.create()`.
		 */
		function wrapMacConstructor(keyLen, macCons, fromMsg) {
			const mac = macCons;
			const getArgs = fromMsg || (() => []);
			const macC = (msg, key) =>
				mac(key, ...getArgs(msg))
					.update(msg)
					.digest();
			const tmp = mac(new Uint8Array(keyLen), ...getArgs(new Uint8Array(0)));
			macC.outputLen = tmp.outputLen;
			macC.blockLen = tmp.blockLen;
			macC.create = (key, ...args) => mac(key, ...args);
			return macC;
		}
		/**
		 * Wraps a cipher: validates args, ensures encrypt() can only be called once.
		 * Used internally by the exported cipher constructors.
		 * Output-buffer support is inferred from the wrapped `encrypt` / `decrypt`
		 * arity (`fn.length === 2`), so wrapped output-capable methods must use a normal
		 * second parameter, not a default/rest parameter. AAD support is explicit in
		 * `params.withAAD`; optional AAD starts after the nonce slot when one is present.
		 * @__NO_SIDE_EFFECTS__
		 * @param params - Static cipher metadata. See {@link CipherParams}.
		 * @param constructor - Cipher constructor.
		 * @returns Wrapped constructor with validation.
		 */
		const wrapCipher = (params, constructor) => {
			function wrappedCipher(key, ...args) {
				// Validate key
				abytes(key, undefined, 'key');
				// Validate nonce if nonceLength is present
				if (params.nonceLength !== undefined) {
					const nonce = args[0];
					abytes(nonce, params.varSizeNonce ? undefined : params.nonceLength, 'nonce');
				}
				// Keep tag length available for decrypt-size checks after constructor validation.
				const tagl = params.tagLength;
				const aadStart = params.nonceLength !== undefined ? 1 : 0;
				// No-AAD constructors otherwise silently ignore byte args meant as AAD.
				if (!params.withAAD) {
					for (let i = aadStart; i < args.length; i++) if (isBytes(args[i])) throw new Error('AAD not supported');
				}
				// Validate the first AAD slot early; rest-arg AAD constructors validate the tail themselves.
				if (params.withAAD && args[aadStart] !== undefined) abytes(args[aadStart], undefined, 'AAD');
				const cipher = constructor(key, ...args);
				const checkOutput = (fnLength, output) => {
					if (output !== undefined) {
						if (fnLength !== 2) throw new Error('cipher output not supported');
						abytes(output, undefined, 'output');
					}
				};
				// Create wrapped cipher with validation and single-use encryption
				let called = false;
				const wrCipher = {
					encrypt(data, output) {
						if (called) throw new Error('cannot encrypt() twice with same key + nonce');
						// Any encrypt attempt consumes the instance, even if validation rejects below.
						called = true;
						abytes(data, undefined, 'data');
						checkOutput(cipher.encrypt.length, output);
						return cipher.encrypt(data, output);
					},
					decrypt(data, output) {
						abytes(data, undefined, 'data');
						if (tagl && data.length < tagl) throw new Error('"ciphertext" expected length >= tagLength=' + tagl);
						checkOutput(cipher.decrypt.length, output);
						return cipher.decrypt(data, output);
					},
				};
				return wrCipher;
			}
			Object.assign(wrappedCipher, params);
			return wrappedCipher;
		};
		/**
		 * By default, returns u8a of length.
		 * When out is available, it checks it for validity and uses it.
		 * @param expectedLength - Required output length.
		 * @param out - Optional destination buffer.
		 * @param onlyAligned - Whether `out` must be 4-byte aligned.
		 * @returns Output buffer ready for writing.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws If the provided output buffer has the wrong size. {@link RangeError}
		 * @throws If the provided output buffer has the wrong alignment. {@link Error}
		 * @example
		 * Reuses a caller-provided output buffer when lengths match.
		 *
		 * ```ts
		 * getOutput(16, new Uint8Array(16));
		 * ```
		 */
		function getOutput(expectedLength, out, onlyAligned = true) {
			if (out === undefined) return new Uint8Array(expectedLength);
			// Keep Buffer/cross-realm Uint8Array support here instead of trusting a shape-compatible object.
			abytes(out, expectedLength, 'output');
			if (onlyAligned && !isAligned32(out)) throw new Error('invalid output, must be aligned');
			return out;
		}
		/**
		 * Encodes data and AAD lengths into a 16-byte buffer.
		 * @param dataLength - Data length. Units are caller-defined: GCM passes bit
		 * lengths, ChaCha20-Poly1305 passes byte lengths — the helper writes the raw values.
		 * @param aadLength - AAD length, same unit convention as `dataLength`.
		 * The serialized block is still `aadLength || dataLength`, matching GCM/Poly1305
		 * conventions even though the helper parameter order is `(dataLength, aadLength)`.
		 * @param isLE - Whether to encode lengths as little-endian.
		 * @returns 16-byte length block.
		 * @throws On wrong argument types passed to the endian validator. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @example
		 * Builds the length block appended by GCM and Poly1305.
		 *
		 * ```ts
		 * u64Lengths(16, 8, true);
		 * ```
		 */
		function u64Lengths(dataLength, aadLength, isLE) {
			// Reject coercible non-number lengths like '10' and true before BigInt(...) accepts them.
			anumber(dataLength);
			anumber(aadLength);
			abool(isLE);
			const num = new Uint8Array(16);
			const view = createView(num);
			view.setBigUint64(0, BigInt(aadLength), isLE);
			view.setBigUint64(8, BigInt(dataLength), isLE);
			return num;
		}
		/**
		 * Checks whether a byte array is aligned to a 4-byte offset.
		 * @param bytes - Byte array to inspect.
		 * @returns `true` when the view is 4-byte aligned.
		 * @example
		 * Checks whether a buffer can be safely viewed as Uint32Array.
		 *
		 * ```ts
		 * isAligned32(new Uint8Array(4));
		 * ```
		 */
		function isAligned32(bytes) {
			return bytes.byteOffset % 4 === 0;
		}
		/**
		 * Copies bytes into a new Uint8Array.
		 * @param bytes - Bytes to copy.
		 * @returns Copied byte array.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Copies input into an aligned Uint8Array before block processing.
		 *
		 * ```ts
		 * copyBytes(new Uint8Array([1, 2]));
		 * ```
		 */
		function copyBytes(bytes) {
			// `Uint8Array.from(...)` would also accept arrays / other typed arrays. Keep this helper strict
			// because callers use it at byte-validation boundaries before mutating the detached copy.
			return Uint8Array.from(abytes(bytes));
		}
		/**
		 * Cryptographically secure PRNG backed by `crypto.getRandomValues`.
		 * @param bytesLength - number of random bytes to generate
		 * @returns Random bytes.
		 * The platform `getRandomValues()` implementation still defines any
		 * single-call length cap, and this helper rejects oversize requests
		 * with a stable library `RangeError` instead of host-specific errors.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @throws If the current runtime does not provide `crypto.getRandomValues`. {@link Error}
		 * @example
		 * Generate a fresh random key or nonce.
		 * ```ts
		 * const key = randomBytes(16);
		 * ```
		 */
		function randomBytes(bytesLength = 32) {
			// Match the repo's other length-taking helpers instead of relying on Uint8Array coercion.
			anumber(bytesLength, 'bytesLength');
			const cr = typeof globalThis === 'object' ? globalThis.crypto : null;
			if (typeof cr?.getRandomValues !== 'function') throw new Error('crypto.getRandomValues must be defined');
			// Web Cryptography API Level 2 §10.1.1:
			// if `byteLength > 65536`, throw `QuotaExceededError`.
			// Keep the guard explicit so callers can see the quota in code
			// instead of discovering it by reading the spec or host errors.
			// This wrapper surfaces the same quota as a stable library RangeError.
			if (bytesLength > 65536) throw new RangeError(`"bytesLength" expected <= 65536, got ${bytesLength}`);
			return cr.getRandomValues(new Uint8Array(bytesLength));
		}
		/**
		 * Uses CSPRNG for nonce, nonce injected in ciphertext.
		 * For `encrypt`, a `nonceBytes`-length buffer is fetched from CSPRNG and
		 * prepended to encrypted ciphertext. For `decrypt`, first `nonceBytes` of ciphertext
		 * are treated as nonce. The wrapper always allocates a fresh `nonce || ciphertext`
		 * buffer on encrypt and intentionally does not support caller-provided destination buffers.
		 * Too-short decrypt inputs are split into short/empty nonce views and then delegated
		 * to the wrapped cipher instead of being rejected here first.
		 *
		 * NOTE: Under the same key, using random nonces (e.g. `managedNonce`) with AES-GCM and ChaCha
		 * should be limited to `2**23` (8M) messages to get a collision chance of
		 * `2**-50`. Stretching to `2**32` (4B) messages would raise that chance to
		 * `2**-33`, still negligible but creeping up.
		 * @param fn - Cipher constructor that expects a nonce.
		 * @param randomBytes_ - Random-byte source used for nonce generation.
		 * @returns Cipher constructor that prepends the nonce to ciphertext.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On invalid nonce lengths observed at wrapper construction or use. {@link RangeError}
		 * @example
		 * Prepends a fresh random nonce to every ciphertext.
		 *
		 * ```ts
		 * import { gcm } from '@noble/ciphers/aes.js';
		 * import { managedNonce, randomBytes } from '@noble/ciphers/utils.js';
		 * const wrapped = managedNonce(gcm);
		 * const key = randomBytes(16);
		 * const ciphertext = wrapped(key).encrypt(new Uint8Array([1, 2, 3]));
		 * wrapped(key).decrypt(ciphertext);
		 * ```
		 */
		function managedNonce(fn, randomBytes_ = randomBytes) {
			if (typeof fn !== 'function') throw new TypeError('"fn" expected cipher constructor, got type=' + typeof fn);
			if (typeof randomBytes_ !== 'function')
				throw new TypeError('"randomBytes_" expected function, got type=' + typeof randomBytes_);
			const { nonceLength } = fn;
			anumber(nonceLength, 'fn.nonceLength');
			const addNonce = (nonce, ciphertext, plaintext) => {
				const out = concatBytes(nonce, ciphertext);
				// Wrapped ciphers may alias caller plaintext on encrypt(); never zero
				// caller-owned buffers here.
				if (!overlapBytes(plaintext, ciphertext)) ciphertext.fill(0);
				return out;
			};
			// NOTE: we cannot support DST here, it would be mistake:
			// - we don't know how much dst length cipher requires
			// - nonce may unalign dst and break everything
			// - we create new u8a anyway (concatBytes)
			// - previously we passed all args to cipher, but that was mistake!
			const res = (key, ...args) => ({
				encrypt(plaintext) {
					abytes(plaintext, undefined, 'data');
					const nonce = randomBytes_(nonceLength);
					const encrypted = fn(key, nonce, ...args).encrypt(plaintext);
					// @ts-ignore
					if (encrypted instanceof Promise) return encrypted.then((ct) => addNonce(nonce, ct, plaintext));
					return addNonce(nonce, encrypted, plaintext);
				},
				decrypt(ciphertext) {
					abytes(ciphertext, undefined, 'data');
					const nonce = ciphertext.subarray(0, nonceLength);
					const decrypted = ciphertext.subarray(nonceLength);
					return fn(key, nonce, ...args).decrypt(decrypted);
				},
			});
			// Auto-nonce wrappers still preserve the wrapped payload geometry.
			if ('blockSize' in fn) res.blockSize = fn.blockSize;
			if ('tagLength' in fn) res.tagLength = fn.tagLength;
			if ('withAAD' in fn) res.withAAD = fn.withAAD;
			return res;
		}

		/***/
	},

	/***/ 904: /***/ (__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {
		// EXPORTS
		__webpack_require__.d(__webpack_exports__, {
			Sx: () => /* binding */ blake2b,
		});
		// UNUSED EXPORTS: _BLAKE2, _BLAKE2b, _BLAKE2s, _compress, blake2s

		// CONCATENATED MODULE: ./node_modules/@noble/hashes/utils.js
		/**
		 * Checks if something is Uint8Array. Be careful: nodejs Buffer will return true.
		 * @param a - value to test
		 * @returns `true` when the value is a Uint8Array-compatible view.
		 * @example
		 * Check whether a value is a Uint8Array-compatible view.
		 * ```ts
		 * isBytes(new Uint8Array([1, 2, 3]));
		 * ```
		 */
		function isBytes(a) {
			// Plain `instanceof Uint8Array` is too strict for some Buffer / proxy / cross-realm cases.
			// The fallback still requires a real ArrayBuffer view, so plain
			// JSON-deserialized `{ constructor: ... }` spoofing is rejected, and
			// `BYTES_PER_ELEMENT === 1` keeps the fallback on byte-oriented views.
			return (
				a instanceof Uint8Array ||
				(ArrayBuffer.isView(a) &&
					a.constructor.name === 'Uint8Array' &&
					'BYTES_PER_ELEMENT' in a &&
					a.BYTES_PER_ELEMENT === 1)
			);
		}
		// Shared error-message prefix builder. Only called on throw paths, so assert
		// success paths never pay for the string concatenation.
		const atitle = (title) => (title ? `"${title}" ` : '');
		/**
		 * Asserts something is a non-negative integer.
		 * @param n - number to validate
		 * @param title - label included in thrown errors
		 * @returns The validated number.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @example
		 * Validate a non-negative integer option.
		 * ```ts
		 * anumber(32, 'length');
		 * ```
		 */
		function anumber(n, title = '') {
			if (typeof n !== 'number') throw new TypeError(atitle(title) + 'expected number, got ' + typeof n);
			if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(atitle(title) + 'expected integer >= 0, got ' + n);
			return n;
		}
		/**
		 * Asserts something is a boolean.
		 * @param value - value to validate
		 * @param title - label included in thrown errors
		 * @returns The validated boolean.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Validate a boolean option.
		 * ```ts
		 * abool(true, 'enableXOF');
		 * ```
		 */
		function abool(value, title = '') {
			if (typeof value !== 'boolean') throw new TypeError(atitle(title) + 'expected boolean, got type=' + typeof value);
			return value;
		}
		/**
		 * Asserts something is Uint8Array.
		 * @param value - value to validate
		 * @param length - optional exact length constraint
		 * @param title - label included in thrown errors
		 * @returns The validated byte array.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @example
		 * Validate that a value is a byte array.
		 * ```ts
		 * abytes(new Uint8Array([1, 2, 3]));
		 * ```
		 */
		function utils_abytes(value, length, title = '') {
			// Success path first: this runs at the start of every update() / digestInto(), and the
			// common `abytes(data)` form must not pay for length handling it does not use.
			if (isBytes(value) && (length === undefined || value.length === length)) return value;
			// Error path: recompute freely to build the exact message.
			if (length !== undefined) anumber(length, 'length');
			const bytes = isBytes(value);
			const ofLen = length !== undefined ? ` of length ${length}` : '';
			const got = bytes ? `length=${value.length}` : `type=${typeof value}`;
			const message = atitle(title) + 'expected Uint8Array' + ofLen + ', got ' + got;
			if (!bytes) throw new TypeError(message);
			throw new RangeError(message);
		}
		/**
		 * Copies bytes into a fresh Uint8Array.
		 * Buffer-style slices can alias the same backing store, so callers that need ownership should copy.
		 * @param bytes - source bytes to clone
		 * @returns Freshly allocated copy of `bytes`.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Clone a byte array before mutating it.
		 * ```ts
		 * const copy = copyBytes(new Uint8Array([1, 2, 3]));
		 * ```
		 */
		function copyBytes(bytes) {
			// `Uint8Array.from(...)` would also accept arrays / other typed arrays. Keep this helper strict
			// because callers use it at byte-validation boundaries before mutating the detached copy.
			return Uint8Array.from(utils_abytes(bytes));
		}
		/**
		 * Asserts something is a wrapped hash constructor.
		 * @param h - hash constructor to validate
		 * @throws On wrong argument types or invalid hash wrapper shape. {@link TypeError}
		 * @throws On invalid hash metadata ranges or values. {@link RangeError}
		 * @throws If the hash metadata allows empty outputs or block sizes. {@link Error}
		 * @example
		 * Validate a callable hash wrapper.
		 * ```ts
		 * import { ahash } from '@noble/hashes/utils.js';
		 * import { sha256 } from '@noble/hashes/sha2.js';
		 * ahash(sha256);
		 * ```
		 */
		function ahash(h) {
			if (typeof h !== 'function' || typeof h.create !== 'function')
				throw new TypeError('expected hash wrapped by utils.createHasher');
			anumber(h.outputLen);
			anumber(h.blockLen);
			// HMAC and KDF callers treat these as real byte lengths; allowing zero lets fake wrappers pass
			// validation and can produce empty outputs instead of failing fast.
			if (h.outputLen < 1 || h.blockLen < 1) throw new Error('hash blockLen / outputLen must be >= 1');
		}
		const aobject = (value, label) => {
			if (value === null || typeof value !== 'object' || Array.isArray(value))
				throw new TypeError((label === 'object' ? '' : `"${label}" `) + 'expected object, got type=' + typeof value);
		};
		const aopts = (value, label) => {
			aobject(value, label);
			const proto = Object.getPrototypeOf(value);
			if (proto !== Object.prototype && proto !== null) throw new TypeError(`"${label}" expected plain object`);
			// Object.assign() treats an own "__proto__" source key as a write to the target's legacy
			// prototype setter. Reject it before merging so inherited option values cannot be injected.
			if (Object.hasOwn(value, '__proto__')) throw new TypeError(`"${label}.__proto__" is not allowed`);
		};
		/**
		 * Asserts a hash instance has not been destroyed or finished.
		 * @param instance - hash instance to validate
		 * @param checkFinished - whether to reject finalized instances
		 * @throws If the hash instance has already been destroyed or finalized. {@link Error}
		 * @example
		 * Validate that a hash instance is still usable.
		 * ```ts
		 * import { aexists } from '@noble/hashes/utils.js';
		 * import { sha256 } from '@noble/hashes/sha2.js';
		 * const hash = sha256.create();
		 * aexists(hash);
		 * ```
		 */
		function utils_aexists(instance, checkFinished = true) {
			// Runs on every update()/digestInto(); the flags are library-owned booleans, so only their
			// truthiness is checked - re-validating their type per call was pure hot-path overhead.
			if (instance.destroyed) throw new Error('hash was destroyed');
			if (checkFinished && instance.finished) throw new Error('digest() was already called');
		}
		/**
		 * Asserts output is a sufficiently-sized byte array.
		 * @param out - destination buffer
		 * @param instance - hash instance providing output length
		 * Oversized buffers are allowed; downstream code only promises to fill the first `outputLen` bytes.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @example
		 * Validate a caller-provided digest buffer.
		 * ```ts
		 * import { aoutput } from '@noble/hashes/utils.js';
		 * import { sha256 } from '@noble/hashes/sha2.js';
		 * const hash = sha256.create();
		 * aoutput(new Uint8Array(hash.outputLen), hash);
		 * ```
		 */
		function utils_aoutput(out, instance) {
			utils_abytes(out, undefined, 'output');
			// `outputLen` is a library-owned readonly number; the negated comparison keeps failing fast
			// when it is missing/NaN (comparisons with undefined/NaN are false) without an anumber() call.
			const min = instance.outputLen;
			if (!(out.length >= min)) {
				throw new RangeError('"output" expected length >= ' + min);
			}
		}
		/**
		 * Casts a typed array view to Uint8Array.
		 * @param arr - source typed array
		 * @returns Uint8Array view over the same buffer.
		 * @example
		 * Reinterpret a typed array as bytes.
		 * ```ts
		 * u8(new Uint32Array([1, 2]));
		 * ```
		 */
		function u8(arr) {
			return new Uint8Array(arr.buffer, arr.byteOffset, arr.byteLength);
		}
		/**
		 * Casts a typed array view to Uint32Array.
		 * `arr.byteOffset` must already be 4-byte aligned or the platform
		 * Uint32Array constructor will throw.
		 * @param arr - source typed array
		 * @returns Uint32Array view over the same buffer.
		 * @example
		 * Reinterpret a byte array as 32-bit words.
		 * ```ts
		 * u32(new Uint8Array(8));
		 * ```
		 */
		function u32(arr) {
			return new Uint32Array(arr.buffer, arr.byteOffset, Math.floor(arr.byteLength / 4));
		}
		/**
		 * Zeroizes typed arrays in place. Warning: JS provides no guarantees.
		 * @param arrays - arrays to overwrite with zeros
		 * @example
		 * Zeroize sensitive buffers in place.
		 * ```ts
		 * clean(new Uint8Array([1, 2, 3]));
		 * ```
		 */
		function clean(...arrays) {
			for (let i = 0; i < arrays.length; i++) {
				arrays[i].fill(0);
			}
		}
		/**
		 * Creates a DataView for byte-level manipulation.
		 * @param arr - source typed array
		 * @returns DataView over the same buffer region.
		 * @example
		 * Create a DataView over an existing buffer.
		 * ```ts
		 * createView(new Uint8Array(4));
		 * ```
		 */
		function utils_createView(arr) {
			return new DataView(arr.buffer, arr.byteOffset, arr.byteLength);
		}
		/**
		 * Rotate-right operation for uint32 values.
		 * @param word - source word
		 * @param shift - shift amount in bits
		 * @returns Rotated word.
		 * @example
		 * Rotate a 32-bit word to the right.
		 * ```ts
		 * rotr(0x12345678, 8);
		 * ```
		 */
		function rotr(word, shift) {
			return (word << (32 - shift)) | (word >>> shift);
		}
		/**
		 * Rotate-left operation for uint32 values.
		 * @param word - source word
		 * @param shift - shift amount in bits
		 * @returns Rotated word.
		 * @example
		 * Rotate a 32-bit word to the left.
		 * ```ts
		 * rotl(0x12345678, 8);
		 * ```
		 */
		function rotl(word, shift) {
			return (word << shift) | ((word >>> (32 - shift)) >>> 0);
		}
		/** Whether the current platform is little-endian. */
		const isLE = /* @__PURE__ */ (() => new Uint8Array(new Uint32Array([0x11223344]).buffer)[0] === 0x44)();
		/**
		 * Byte-swap operation for uint32 values.
		 * @param word - source word
		 * @returns Word with reversed byte order.
		 * @example
		 * Reverse the byte order of a 32-bit word.
		 * ```ts
		 * byteSwap(0x11223344);
		 * ```
		 */
		function byteSwap(word) {
			return ((word << 24) & 0xff000000) | ((word << 8) & 0xff0000) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff);
		}
		/**
		 * Conditionally byte-swaps one 32-bit word on big-endian platforms.
		 * @param n - source word
		 * @returns Original or byte-swapped word depending on platform endianness.
		 * @example
		 * Normalize a 32-bit word for host endianness.
		 * ```ts
		 * swap8IfBE(0x11223344);
		 * ```
		 */
		const swap8IfBE = isLE ? (n) => n : (n) => byteSwap(n) >>> 0;
		/**
		 * Byte-swaps every word of a Uint32Array in place.
		 * @param arr - array to mutate
		 * @returns The same array after mutation; callers pass live state arrays here.
		 * @example
		 * Reverse the byte order of every word in place.
		 * ```ts
		 * byteSwap32(new Uint32Array([0x11223344]));
		 * ```
		 */
		function byteSwap32(arr) {
			for (let i = 0; i < arr.length; i++) {
				arr[i] = byteSwap(arr[i]);
			}
			return arr;
		}
		/**
		 * Conditionally byte-swaps a Uint32Array on big-endian platforms.
		 * @param u - array to normalize for host endianness
		 * @returns Original or byte-swapped array depending on platform endianness.
		 *   On big-endian runtimes this mutates `u` in place via `byteSwap32(...)`.
		 * @example
		 * Normalize a word array for host endianness.
		 * ```ts
		 * swap32IfBE(new Uint32Array([0x11223344]));
		 * ```
		 */
		const swap32IfBE = isLE ? (u) => u : byteSwap32;
		// Built-in hex conversion https://caniuse.com/mdn-javascript_builtins_uint8array_fromhex
		const hasHexBuiltin =
			/* @__PURE__ */ /* unused pure expression or super */ null &&
			(() =>
				// @ts-ignore
				typeof Uint8Array.from([]).toHex === 'function' && typeof Uint8Array.fromHex === 'function')();
		// Array where index 0xf0 (240) is mapped to string 'f0'
		const hexes = /* @__PURE__ */ Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
		/**
		 * Convert byte array to hex string.
		 * Uses the built-in function when available and assumes it matches the tested
		 * fallback semantics.
		 * @param bytes - bytes to encode
		 * @returns Lowercase hexadecimal string.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Convert bytes to lowercase hexadecimal.
		 * ```ts
		 * bytesToHex(Uint8Array.from([0xca, 0xfe, 0x01, 0x23])); // 'cafe0123'
		 * ```
		 */
		function bytesToHex(bytes) {
			utils_abytes(bytes);
			// @ts-ignore
			if (hasHexBuiltin) return bytes.toHex();
			// pre-caching improves the speed 6x
			let hex = '';
			for (let i = 0; i < bytes.length; i++) {
				hex += hexes[bytes[i]];
			}
			return hex;
		}
		// Strict ASCII nibble parser: non-ASCII hex lookalikes are rejected as undefined.
		// ASCII codes: '0'..'9' = 48..57, 'A'..'F' = 65..70, 'a'..'f' = 97..102.
		// prettier-ignore
		function asciiToBase16(ch) {
			return ch >= 48 && ch <= 57
				? ch - 48 // '2' => 50-48
				: ch >= 65 && ch <= 70
					? ch - (65 - 10) // 'B' => 66-(65-10)
					: ch >= 97 && ch <= 102
						? ch - (97 - 10) // 'b' => 98-(97-10)
						: undefined;
		}
		/**
		 * Convert hex string to byte array. Uses built-in function, when available.
		 * @param hex - hexadecimal string to decode
		 * @returns Decoded bytes.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @example
		 * Decode lowercase hexadecimal into bytes.
		 * ```ts
		 * hexToBytes('cafe0123'); // Uint8Array.from([0xca, 0xfe, 0x01, 0x23])
		 * ```
		 */
		function hexToBytes(hex) {
			if (typeof hex !== 'string') throw new TypeError('hex string expected, got ' + typeof hex);
			if (hasHexBuiltin) {
				try {
					return Uint8Array.fromHex(hex);
				} catch (error) {
					if (error instanceof SyntaxError) throw new RangeError(error.message);
					throw error;
				}
			}
			const hl = hex.length;
			const al = hl / 2;
			if (hl % 2) throw new RangeError('hex string expected, got unpadded hex of length ' + hl);
			const array = new Uint8Array(al);
			for (let ai = 0, hi = 0; ai < al; ai++, hi += 2) {
				const n1 = asciiToBase16(hex.charCodeAt(hi)); // parse first char, multiply it by 16
				const n2 = asciiToBase16(hex.charCodeAt(hi + 1)); // parse second char
				if (n1 === undefined || n2 === undefined) {
					const char = hex[hi] + hex[hi + 1];
					throw new RangeError('hex string expected, got non-hex character "' + char + '" at index ' + hi);
				}
				array[ai] = n1 * 16 + n2; // example: 'A9' => 10*16 + 9
			}
			return array;
		}
		/**
		 * Yields to the host task scheduler so timers, I/O, and rendering can make progress.
		 * Uses the Web Scheduling API when available or `setTimeout` as a cross-platform fallback.
		 * Host-task yields are much slower than microtasks (roughly 1ms with the timer fallback), so
		 * async loops should use `asyncTick >= 10` to amortize scheduling overhead to about 10% while
		 * still allowing other event-loop work to proceed.
		 * @param onReject - optional cleanup invoked only if the host yield fails
		 * @example
		 * Yield to the next scheduler tick.
		 * ```ts
		 * await nextTick();
		 * ```
		 */
		function nextTick(onReject) {
			const host = globalThis;
			if (typeof host.scheduler?.yield === 'function') {
				const promise = host.scheduler.yield();
				// Keep the original scheduler rejection; this handler exists only for cleanup.
				if (onReject) promise.catch(onReject);
				return promise;
			}
			return new Promise((resolve) => host.setTimeout(resolve, 0));
		}
		/**
		 * Returns control to the host event loop every `tick` milliseconds to avoid blocking long loops.
		 * @param iters - number of loop iterations to run
		 * @param tick - maximum time slice in milliseconds
		 * @param cb - callback executed on each iteration
		 * @param onReject - optional cleanup invoked only if a host yield fails
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @example
		 * Run a loop that periodically yields back to the event loop.
		 * ```ts
		 * await asyncLoop(2, 0, () => {});
		 * ```
		 */
		async function asyncLoop(iters, tick, cb, onReject) {
			anumber(iters, 'iters');
			anumber(tick, 'tick');
			if (typeof cb !== 'function') throw new TypeError('callback must be a function');
			// Callback is synchronous by contract; asyncLoop only yields between sync work windows.
			let ts = Date.now();
			for (let i = 0; i < iters; i++) {
				cb(i);
				// Date.now() is not monotonic, so in case if clock goes backwards we return return control too
				const diff = Date.now() - ts;
				if (diff >= 0 && diff < tick) continue;
				await nextTick(onReject);
				// Track only synchronous work time; scheduler delay after yielding is outside our budget.
				ts = Date.now();
			}
		}
		/**
		 * Converts string to bytes using UTF8 encoding.
		 * Built-in doesn't validate input to be string: we do the check.
		 * Non-ASCII details are delegated to the platform `TextEncoder`.
		 * @param str - string to encode
		 * @returns UTF-8 encoded bytes.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Encode a string as UTF-8 bytes.
		 * ```ts
		 * utf8ToBytes('abc'); // Uint8Array.from([97, 98, 99])
		 * ```
		 */
		function utf8ToBytes(str) {
			if (typeof str !== 'string') throw new TypeError('string expected');
			const encoded = new TextEncoder().encode(str);
			try {
				// Copy into the current realm for Firefox extension contexts. Callers that own the returned
				// buffer can then wipe it independently of TextEncoder's temporary result.
				return new Uint8Array(encoded); // https://bugzil.la/1681809
			} finally {
				clean(encoded);
			}
		}
		/**
		 * Helper for KDFs: consumes Uint8Array or string.
		 * String inputs are UTF-8 encoded; byte-array inputs stay aliased to the caller buffer.
		 * @param data - user-provided KDF input
		 * @param errorTitle - label included in thrown errors
		 * @returns Byte representation of the input.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Normalize KDF input to bytes.
		 * ```ts
		 * kdfInputToBytes('password');
		 * ```
		 */
		function kdfInputToBytes(data, errorTitle = '') {
			if (typeof data === 'string') return utf8ToBytes(data);
			return utils_abytes(data, undefined, errorTitle);
		}
		/**
		 * Copies several Uint8Arrays into one.
		 * @param arrays - arrays to concatenate
		 * @returns Concatenated byte array.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Concatenate multiple byte arrays.
		 * ```ts
		 * concatBytes(new Uint8Array([1]), new Uint8Array([2]));
		 * ```
		 */
		function concatBytes(...arrays) {
			let sum = 0;
			for (let i = 0; i < arrays.length; i++) {
				const a = arrays[i];
				utils_abytes(a);
				sum += a.length;
			}
			const res = new Uint8Array(sum);
			for (let i = 0, pad = 0; i < arrays.length; i++) {
				const a = arrays[i];
				res.set(a, pad);
				pad += a.length;
			}
			return res;
		}
		/**
		 * Validates declared required and optional field types on a plain object.
		 * This walks field schemas and formats detailed errors, so avoid it on hot paths; use direct
		 * one-line guards such as `abytes()`, `abool()`, or `anumber()` instead.
		 * @param object - object to validate
		 * @param fields - map of required field names to expected types
		 * @param optFields - map of optional field names to expected types
		 * @param title - label included in thrown errors
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Validate required and optional option fields.
		 * ```ts
		 * validateObject({ N: 1024, dkLen: 32 }, { N: 'number' }, { dkLen: 'number' });
		 * ```
		 */
		const validateObject = (object, fields = {}, optFields = {}, title = 'object') => {
			aobject(object, title);
			aobject(fields, 'fields');
			aobject(optFields, 'optFields');
			function checkField(fieldName, expectedType, isOpt) {
				const label = title === 'object' ? `param "${String(fieldName)}"` : `"${title}.${String(fieldName)}"`;
				// Config fields must be explicit own properties. Optional inherited values are rejected too
				// because callers keep reading the same options object after validation.
				const val = object[fieldName];
				// Runtime objects such as Field instances intentionally satisfy required method slots
				// via their shared prototype.
				if (!Object.hasOwn(object, fieldName) && (isOpt ? val !== undefined : expectedType !== 'function')) {
					throw new TypeError(`${label} is invalid: expected own property`);
				}
				if (isOpt && val === undefined) return;
				const current = typeof val;
				if (current !== expectedType || val === null)
					throw new TypeError(`${label} is invalid: expected ${expectedType}, got ${current}`);
			}
			const iter = (f, isOpt) => Object.entries(f).forEach(([k, v]) => checkField(k, v, isOpt));
			iter(fields, false);
			iter(optFields, true);
		};
		/**
		 * Merges default options and passed options.
		 * @param defaults - base option object
		 * @param opts - user overrides
		 * @param title - label included in thrown override errors
		 * @returns Fresh merged option object with a null prototype.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Merge user overrides onto default options.
		 * ```ts
		 * checkOpts({ dkLen: 32 }, { asyncTick: 10 });
		 * ```
		 */
		function checkOpts(defaults, opts, title = 'opts') {
			aopts(defaults, 'defaults');
			if (opts !== undefined) aopts(opts, title);
			// Callers read optional fields directly, so omitted values must not fall through to ambient
			// Object.prototype pollution (for example a forged `dkLen` changing SHAKE's default output).
			const merged = Object.assign(Object.create(null), defaults, opts);
			return merged;
		}
		/**
		 * Creates a callable hash function from a stateful class constructor.
		 * @param hashCons - hash constructor or factory
		 * @param info - optional metadata such as DER OID
		 * @returns Frozen callable hash wrapper with `.create()`.
		 *   Wrapper construction eagerly calls `hashCons(undefined)` once to read
		 *   `outputLen` / `blockLen`, so constructor side effects happen at module
		 *   init time.
		 * @throws On wrong argument types. {@link TypeError}
		 * @example
		 * Wrap a stateful hash constructor into a callable helper.
		 * ```ts
		 * import { createHasher } from '@noble/hashes/utils.js';
		 * import { sha256 } from '@noble/hashes/sha2.js';
		 * const wrapped = createHasher(sha256.create, { oid: sha256.oid });
		 * wrapped(new Uint8Array([1]));
		 * ```
		 */
		function utils_createHasher(hashCons, info = {}) {
			if (typeof hashCons !== 'function')
				throw new TypeError('"hashCons" expected function, got type=' + typeof hashCons);
			info = checkOpts({}, info, 'info');
			const hashC = (msg, opts) => hashCons(opts).update(msg).digest();
			const tmp = hashCons(undefined);
			hashC.outputLen = tmp.outputLen;
			hashC.blockLen = tmp.blockLen;
			hashC.canXOF = tmp.canXOF;
			hashC.create = (opts) => hashCons(opts);
			Object.assign(hashC, info);
			return Object.freeze(hashC);
		}
		/**
		 * Cryptographically secure PRNG backed by `crypto.getRandomValues`.
		 * @param bytesLength - number of random bytes to generate
		 * @returns Random bytes.
		 * The platform `getRandomValues()` implementation still defines any
		 * single-call length cap, and this helper rejects oversize requests
		 * with a stable library `RangeError` instead of host-specific errors.
		 * @throws On wrong argument types. {@link TypeError}
		 * @throws On wrong argument ranges or values. {@link RangeError}
		 * @throws If the current runtime does not provide `crypto.getRandomValues`. {@link Error}
		 * @example
		 * Generate a fresh random key or nonce.
		 * ```ts
		 * const key = randomBytes(16);
		 * ```
		 */
		function randomBytes(bytesLength = 32) {
			// Match the repo's other length-taking helpers instead of relying on Uint8Array coercion.
			anumber(bytesLength, 'bytesLength');
			const cr = typeof globalThis === 'object' ? globalThis.crypto : null;
			if (typeof cr?.getRandomValues !== 'function') throw new Error('crypto.getRandomValues must be defined');
			// Web Cryptography API Level 2 §10.1.1:
			// if `byteLength > 65536`, throw `QuotaExceededError`.
			// Keep the guard explicit so callers can see the quota in code
			// instead of discovering it by reading the spec or host errors.
			// This wrapper surfaces the same quota as a stable library RangeError.
			if (bytesLength > 65536) throw new RangeError(`"bytesLength" expected <= 65536, got ${bytesLength}`);
			return cr.getRandomValues(new Uint8Array(bytesLength));
		}
		/**
		 * Creates OID metadata for NIST hashes with prefix `06 09 60 86 48 01 65 03 04 02`.
		 * @param suffix - final OID byte for the selected hash.
		 *   The helper accepts any byte even though only the documented NIST hash
		 *   suffixes are meaningful downstream.
		 * @returns Object containing the DER-encoded OID.
		 * @example
		 * Build OID metadata for a NIST hash.
		 * ```ts
		 * oidNist(0x01);
		 * ```
		 */
		const oidNist = (suffix) => ({
			// Current NIST hashAlgs suffixes used here fit in one DER subidentifier octet.
			// Larger suffix values would need base-128 OID encoding and a different length byte.
			oid: Uint8Array.from([0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, suffix]),
		}); // CONCATENATED MODULE: ./node_modules/@noble/hashes/_blake.js
		/**
		 * Internal helpers for blake hash.
		 * @module
		 */

		// Unrealized speed-up: a file-local copy of rotr measured ~1-2% faster blake2s/blake256/blake3
		// on Node 24 (V8 does not inline it into G1s/G2s across the module boundary). Reused from
		// utils for deduplication.
		/**
		 * Internal blake permutation table.
		 * Rows `0..9` serve BLAKE2s, rows `0..11` serve BLAKE2b with `10..11 = 0..1`, and Blake1 also
		 * reuses the later rows shown below. Blake1 expands rounds `10..15` as `SIGMA[i % 10]`, so rows
		 * `10..15` intentionally repeat rows `0..5` for the 14-round (256) and 16-round (512) variants.
		 */
		// prettier-ignore
		const BSIGMA = /* @__PURE__ */ Uint8Array.from([
			0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3, 11, 8,
			12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4, 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8, 9, 0, 5, 7,
			2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13, 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9, 12, 5, 1, 15, 14,
			13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11, 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10, 6, 15, 14, 9, 11, 3, 0,
			8, 12, 2, 13, 7, 1, 4, 10, 5, 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
			10, 11, 12, 13, 14, 15, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
			// Blake1, unused in others
			11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4, 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8, 9, 0,
			5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13, 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
		]);
		// Unrealized speed-up: G1s/G2s return a fresh {a,b,c,d} per call (160×/blake2s block), which
		// V8's escape analysis does not eliminate when G stays a real call. Writing into one reused
		// module-level slot instead measured +4-6% blake2s/blake256 1MB throughput on Node 24 — but
		// ~2% slower blake3 (whose profile inlines G and scalar-replaces the fresh object) and no
		// difference on 32-byte inputs. Kept simple.
		// 32-bit / BLAKE2s first half of G, with the fixed `(16, 12)` rotation pair.
		// Parameter `x` is the RFC 7693 first-half message word, or Blake1's pre-mixed
		// `m[sigma[r][2i]] ^ u[sigma[r][2i+1]]` addend in the 32-bit path.
		function G1s(a, b, c, d, x) {
			a = (a + b + x) | 0;
			d = rotr(d ^ a, 16);
			c = (c + d) | 0;
			b = rotr(b ^ c, 12);
			return { a, b, c, d };
		}
		// 32-bit / BLAKE2s second half of G.
		// Parameter `x` is the RFC 7693 second-half (`y`) message word, or Blake1's pre-mixed
		// `m[sigma[r][2i + 1]] ^ u[sigma[r][2i]]` addend in the 32-bit path.
		function G2s(a, b, c, d, x) {
			a = (a + b + x) | 0;
			d = rotr(d ^ a, 8);
			c = (c + d) | 0;
			b = rotr(b ^ c, 7);
			return { a, b, c, d };
		} // CONCATENATED MODULE: ./node_modules/@noble/hashes/_md.js
		/**
		 * Internal Merkle-Damgard hash utils.
		 * @module
		 */

		/**
		 * Shared 32-bit conditional boolean primitive reused by SHA-256, SHA-1, and MD5 `F`.
		 * Returns bits from `b` when `a` is set, otherwise from `c`.
		 * The XOR form is equivalent to MD5's `F(X,Y,Z) = XY v not(X)Z` because the masked terms never
		 * set the same bit.
		 * @param a - selector word
		 * @param b - word chosen when selector bit is set
		 * @param c - word chosen when selector bit is clear
		 * @returns Mixed 32-bit word.
		 * @example
		 * Combine three words with the shared 32-bit choice primitive.
		 * ```ts
		 * Chi(0xffffffff, 0x12345678, 0x87654321);
		 * ```
		 */
		function Chi(a, b, c) {
			return (a & b) ^ (~a & c);
		}
		/**
		 * Shared 32-bit majority primitive reused by SHA-256 and SHA-1.
		 * Returns bits shared by at least two inputs.
		 * @param a - first input word
		 * @param b - second input word
		 * @param c - third input word
		 * @returns Mixed 32-bit word.
		 * @example
		 * Combine three words with the shared 32-bit majority primitive.
		 * ```ts
		 * Maj(0xffffffff, 0x12345678, 0x87654321);
		 * ```
		 */
		function Maj(a, b, c) {
			return (a & b) ^ (a & c) ^ (b & c);
		}
		/**
		 * Merkle-Damgard hash construction base class.
		 * Could be used to create MD5, RIPEMD, SHA1, SHA2.
		 * Accepts only byte-aligned `Uint8Array` input, even when the underlying spec describes bit
		 * strings with partial-byte tails.
		 * @param blockLen - internal block size in bytes
		 * @param outputLen - digest size in bytes
		 * @param padOffset - trailing length field size in bytes
		 * @param isLE - whether length and state words are encoded in little-endian
		 * @example
		 * Use a concrete subclass to get the shared Merkle-Damgard update/digest flow.
		 * ```ts
		 * import { _SHA1 } from '@noble/hashes/legacy.js';
		 * const hash = new _SHA1();
		 * hash.update(new Uint8Array([97, 98, 99]));
		 * hash.digest();
		 * ```
		 */
		class HashMD {
			blockLen;
			outputLen;
			canXOF = false;
			padOffset;
			isLE;
			// For partial updates less than block size
			buffer;
			view;
			finished = false;
			length = 0;
			pos = 0;
			destroyed = false;
			constructor(blockLen, outputLen, padOffset, isLE) {
				this.blockLen = blockLen;
				this.outputLen = outputLen;
				this.padOffset = padOffset;
				this.isLE = isLE;
				this.buffer = new Uint8Array(blockLen);
				this.view = createView(this.buffer);
			}
			update(data) {
				aexists(this);
				abytes(data);
				const { view, buffer, blockLen } = this;
				const len = data.length;
				let processed = false;
				for (let pos = 0; pos < len; ) {
					const take = Math.min(blockLen - this.pos, len - pos);
					// Fast path only when there is no buffered partial block: `take === blockLen` implies
					// `this.pos === 0`, so we can process full blocks directly from the input view.
					if (take === blockLen) {
						const dataView = createView(data);
						for (; blockLen <= len - pos; pos += blockLen) this.process(dataView, pos);
						processed = true;
						continue;
					}
					// When the whole input is buffered in one go (common for short messages), passing `data`
					// directly avoids allocating a subarray view.
					buffer.set(pos === 0 && take === len ? data : data.subarray(pos, pos + take), this.pos);
					this.pos += take;
					pos += take;
					if (this.pos === blockLen) {
						this.process(view, 0);
						this.pos = 0;
						processed = true;
					}
				}
				this.length += data.length;
				// Shared schedule buffers only pick up input-derived words inside process(); if everything
				// was buffered without processing, there is nothing to zero.
				if (processed) this.roundClean();
				return this;
			}
			digestInto(out) {
				aexists(this);
				aoutput(out, this);
				this.finished = true;
				// Padding
				// We can avoid allocation of buffer for padding completely if it
				// was previously not allocated here. But it won't change performance.
				const { buffer, view, blockLen, isLE } = this;
				let { pos } = this;
				// append the bit '1' to the message, then zero-pad the rest of the block
				buffer[pos++] = 0b10000000;
				buffer.fill(0, pos);
				// we have less than padOffset left in buffer, so we cannot put length in
				// current block, need process it and pad again
				if (this.padOffset > blockLen - pos) {
					this.process(view, 0);
					buffer.fill(0);
				}
				// `padOffset` reserves the whole length field. For SHA-384/512 the high 64 bits stay zero from
				// the padding fill above, and JS will overflow before user input can make that half non-zero.
				// So we only need to write the low 64 bits here (`length * 8` only scales the exponent of an
				// integer below 2**53, so the split inside the helper stays exact).
				setU64FromNum(view, blockLen - 8, this.length * 8, isLE);
				this.process(view, 0);
				// The final block above is processed outside update(), so the shared message-schedule
				// buffers (e.g. SHA256_W) would otherwise retain input-derived words after digest().
				this.roundClean();
				// digest() passes our own `buffer` as `out`; reuse its cached view instead of allocating one.
				const oview = out === buffer ? view : createView(out);
				const len = this.outputLen;
				// NOTE: we do division by 4 later, which must be fused in single op with modulo by JIT
				const outLen = len / 4;
				const state = this.get();
				// Subclass-misconfiguration invariant: outputLen must be 32-bit aligned and fit the state.
				if (len % 4 || outLen > state.length) throw new Error('invalid outputLen');
				for (let i = 0; i < outLen; i++) oview.setUint32(4 * i, state[i], isLE);
			}
			digest() {
				const { buffer, outputLen } = this;
				this.digestInto(buffer);
				// Copy before destroy(): subclasses wipe `buffer` during cleanup, but `digest()` must return
				// fresh bytes to the caller.
				const res = buffer.slice(0, outputLen);
				this.destroy();
				return res;
			}
			_cloneIntoMeta(to) {
				const { buffer, length, finished, destroyed, pos } = this;
				to.destroyed = destroyed;
				to.finished = finished;
				to.length = length;
				to.pos = pos;
				// Only partial-block bytes need copying: when `length % blockLen === 0`, `pos === 0` and
				// later `update()` / `digestInto()` overwrite `to.buffer` from the start before reading it.
				if (pos) to.buffer.set(buffer); // Avoid a hot modulo guard.
				return to;
			}
			clone() {
				return this._cloneInto();
			}
		}
		/**
		 * Initial SHA-2 state: fractional parts of square roots of first 16 primes 2..53.
		 * Check out `test/misc/sha2-gen-iv.js` for recomputation guide.
		 */
		/** Initial SHA256 state from RFC 6234 §6.1: the first 32 bits of the fractional parts of the
		 * square roots of the first eight prime numbers. Exported as a shared table; callers must treat
		 * it as read-only because constructors copy words from it by index. */
		const SHA256_IV = /* @__PURE__ */ Uint32Array.from([
			0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
		]);
		/** Initial SHA224 state `H(0)` from RFC 6234 §6.1. Exported as a shared table; callers must
		 * treat it as read-only because constructors copy words from it by index. */
		const SHA224_IV =
			/* @__PURE__ */ /* unused pure expression or super */ null &&
			Uint32Array.from([
				0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4,
			]);
		/** Initial SHA384 state from RFC 6234 §6.3: eight RFC 64-bit `H(0)` words stored as sixteen
		 * big-endian 32-bit halves. Derived from the fractional parts of the square roots of the ninth
		 * through sixteenth prime numbers. Exported as a shared table; callers must treat it as read-only
		 * because constructors copy halves from it by index. */
		const SHA384_IV =
			/* @__PURE__ */ /* unused pure expression or super */ null &&
			Uint32Array.from([
				0xcbbb9d5d, 0xc1059ed8, 0x629a292a, 0x367cd507, 0x9159015a, 0x3070dd17, 0x152fecd8, 0xf70e5939, 0x67332667,
				0xffc00b31, 0x8eb44a87, 0x68581511, 0xdb0c2e0d, 0x64f98fa7, 0x47b5481d, 0xbefa4fa4,
			]);
		/** Initial SHA512 state from RFC 6234 §6.3: eight RFC 64-bit `H(0)` words stored as sixteen
		 * big-endian 32-bit halves. Derived from the fractional parts of the square roots of the first
		 * eight prime numbers. Exported as a shared table; callers must treat it as read-only because
		 * constructors copy halves from it by index. */
		const SHA512_IV =
			/* @__PURE__ */ /* unused pure expression or super */ null &&
			Uint32Array.from([
				0x6a09e667, 0xf3bcc908, 0xbb67ae85, 0x84caa73b, 0x3c6ef372, 0xfe94f82b, 0xa54ff53a, 0x5f1d36f1, 0x510e527f,
				0xade682d1, 0x9b05688c, 0x2b3e6c1f, 0x1f83d9ab, 0xfb41bd6b, 0x5be0cd19, 0x137e2179,
			]); // CONCATENATED MODULE: ./node_modules/@noble/hashes/_u64.js
		const U32_MASK64 = /* @__PURE__ */ /* unused pure expression or super */ null && (() => BigInt(2 ** 32 - 1))();
		const _32n = /* @__PURE__ */ /* unused pure expression or super */ null && BigInt(32);
		// Split bigint into two 32-bit halves. With `le=true`, returned fields become `{ h: low, l: high
		// }` to match little-endian word order rather than the property names.
		function fromBig(n, le = false) {
			if (le) return { h: Number(n & U32_MASK64), l: Number((n >> _32n) & U32_MASK64) };
			return { h: Number((n >> _32n) & U32_MASK64) | 0, l: Number(n & U32_MASK64) | 0 };
		}
		// Split bigint list into `[highWords, lowWords]` when `le=false`; with `le=true`, the first array
		// holds the low halves because `fromBig(...)` swaps the semantic meaning of `h` and `l`.
		function split(lst, le = false) {
			const len = lst.length;
			let Ah = new Uint32Array(len);
			let Al = new Uint32Array(len);
			for (let i = 0; i < len; i++) {
				const { h, l } = fromBig(lst[i], le);
				[Ah[i], Al[i]] = [h, l];
			}
			return [Ah, Al];
		}
		// Combine explicit `(high, low)` 32-bit halves into a bigint; `>>> 0` normalizes signed JS
		// bitwise results back to uint32 first, and little-endian callers must swap.
		const toBig = (h, l) => (BigInt(h >>> 0) << _32n) | BigInt(l >>> 0);
		// Split a JS number into u32 halves without a BigInt allocation. Exact only for integers
		// `0 <= n < 2**53`; callers use it on byte / bit counters, which JS length math caps far below
		// that (an ArrayBuffer cannot exceed 2**53 - 1 bytes).
		const fromNumH = (n) => (n / 2 ** 32) | 0;
		const fromNumL = (n) => n >>> 0;
		// Drop-in replacement for `view.setBigUint64(byteOffset, BigInt(n), isLE)` without the per-call
		// BigInt allocation. Same `n < 2**53` precondition as `fromNumH`/`fromNumL`.
		function _u64_setU64FromNum(view, byteOffset, n, isLE) {
			const h = fromNumH(n);
			const l = fromNumL(n);
			view.setUint32(byteOffset, isLE ? l : h, isLE);
			view.setUint32(byteOffset + 4, isLE ? h : l, isLE);
		}
		// High 32-bit half of a 64-bit logical right shift for `s` in `0..31`.
		const shrSH = (h, _l, s) => h >>> s;
		// Low 32-bit half of a 64-bit logical right shift, valid for `s` in `1..31`.
		const shrSL = (h, l, s) => (h << (32 - s)) | (l >>> s);
		// High 32-bit half of a 64-bit right rotate, valid for `s` in `1..31`.
		const rotrSH = (h, l, s) => (h >>> s) | (l << (32 - s));
		// Low 32-bit half of a 64-bit right rotate, valid for `s` in `1..31`.
		const rotrSL = (h, l, s) => (h << (32 - s)) | (l >>> s);
		// High 32-bit half of a 64-bit right rotate, valid for `s` in `33..63`; `32` uses `rotr32*`.
		const rotrBH = (h, l, s) => (h << (64 - s)) | (l >>> (s - 32));
		// Low 32-bit half of a 64-bit right rotate, valid for `s` in `33..63`; `32` uses `rotr32*`.
		const rotrBL = (h, l, s) => (h >>> (s - 32)) | (l << (64 - s));
		// High 32-bit half of a 64-bit right rotate for `s === 32`; this is just the swapped low half.
		const rotr32H = (_h, l) => l;
		// Low 32-bit half of a 64-bit right rotate for `s === 32`; this is just the swapped high half.
		const rotr32L = (h, _l) => h;
		// 64-bit left rotates (rotl*) are not defined here: sha3.ts, their only consumer, keeps
		// local copies so V8 inlines them into keccakP.
		// Add two split 64-bit words and return the split `{ h, l }` sum.
		// JS uses 32-bit signed integers for bitwise operations, so we cannot simply shift the carry out
		// of the low sum and instead use division.
		function add(Ah, Al, Bh, Bl) {
			const l = (Al >>> 0) + (Bl >>> 0);
			return { h: (Ah + Bh + ((l / 2 ** 32) | 0)) | 0, l: l | 0 };
		}
		// Addition with more than 2 elements
		// Unmasked low-word accumulator for 3-way addition; pass the raw result into `add3H(...)`.
		const add3L = (Al, Bl, Cl) => (Al >>> 0) + (Bl >>> 0) + (Cl >>> 0);
		// High-word finalize step for 3-way addition; `low` must be the untruncated output of `add3L(...)`.
		const add3H = (low, Ah, Bh, Ch) => (Ah + Bh + Ch + ((low / 2 ** 32) | 0)) | 0;
		// Unmasked low-word accumulator for 4-way addition; pass the raw result into `add4H(...)`.
		const add4L = (Al, Bl, Cl, Dl) => (Al >>> 0) + (Bl >>> 0) + (Cl >>> 0) + (Dl >>> 0);
		// High-word finalize step for 4-way addition; `low` must be the untruncated output of `add4L(...)`.
		const add4H = (low, Ah, Bh, Ch, Dh) => (Ah + Bh + Ch + Dh + ((low / 2 ** 32) | 0)) | 0;
		// Unmasked low-word accumulator for 5-way addition; pass the raw result into `add5H(...)`.
		const add5L = (Al, Bl, Cl, Dl, El) => (Al >>> 0) + (Bl >>> 0) + (Cl >>> 0) + (Dl >>> 0) + (El >>> 0);
		// High-word finalize step for 5-way addition; `low` must be the untruncated output of `add5L(...)`.
		const add5H = (low, Ah, Bh, Ch, Dh, Eh) => (Ah + Bh + Ch + Dh + Eh + ((low / 2 ** 32) | 0)) | 0;
		// prettier-ignore

		// CONCATENATED MODULE: ./node_modules/@noble/hashes/blake2.js
		/**
		 * blake2b (64-bit) & blake2s (8 to 32-bit) hash functions.
		 * b could have been faster, but there is no fast u64 in js, so s is 1.5x faster.
		 * @module
		 */

		// prettier-ignore

		// Same IV words as `SHA512_IV`, but endian-swapped into LE u32 low/high halves
		// for the BLAKE2b u64 helpers below.
		const B2B_IV = /* @__PURE__ */ Uint32Array.from([
			0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a, 0xade682d1,
			0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
		]);
		// Shared synchronous BLAKE2b work vector as LE u32 low/high halves.
		const BBUF = /* @__PURE__ */ new Uint32Array(32);
		// BLAKE2b G mix split into two half-rounds over LE u32 low/high limbs.
		function G1b(a, b, c, d, msg, x) {
			// NOTE: V is LE here
			const Xl = msg[x],
				Xh = msg[x + 1]; // prettier-ignore
			let Al = BBUF[2 * a],
				Ah = BBUF[2 * a + 1]; // prettier-ignore
			let Bl = BBUF[2 * b],
				Bh = BBUF[2 * b + 1]; // prettier-ignore
			let Cl = BBUF[2 * c],
				Ch = BBUF[2 * c + 1]; // prettier-ignore
			let Dl = BBUF[2 * d],
				Dh = BBUF[2 * d + 1]; // prettier-ignore
			// v[a] = (v[a] + v[b] + x) | 0;
			const ll = add3L(Al, Bl, Xl);
			Ah = add3H(ll, Ah, Bh, Xh);
			Al = ll | 0;
			// v[d] = rotr(v[d] ^ v[a], 32)
			let xh = Dh ^ Ah,
				xl = Dl ^ Al; // prettier-ignore
			Dh = rotr32H(xh, xl);
			Dl = rotr32L(xh, xl);
			// v[c] = (v[c] + v[d]) | 0;
			({ h: Ch, l: Cl } = add(Ch, Cl, Dh, Dl));
			// v[b] = rotr(v[b] ^ v[c], 24)
			xh = Bh ^ Ch;
			xl = Bl ^ Cl;
			Bh = rotrSH(xh, xl, 24);
			Bl = rotrSL(xh, xl, 24);
			BBUF[2 * a] = Al;
			BBUF[2 * a + 1] = Ah;
			BBUF[2 * b] = Bl;
			BBUF[2 * b + 1] = Bh;
			BBUF[2 * c] = Cl;
			BBUF[2 * c + 1] = Ch;
			BBUF[2 * d] = Dl;
			BBUF[2 * d + 1] = Dh;
		}
		// Second half-round of the same LE-limb BLAKE2b G mix; `x` is the message word offset.
		function G2b(a, b, c, d, msg, x) {
			// NOTE: V is LE here
			const Xl = msg[x],
				Xh = msg[x + 1]; // prettier-ignore
			let Al = BBUF[2 * a],
				Ah = BBUF[2 * a + 1]; // prettier-ignore
			let Bl = BBUF[2 * b],
				Bh = BBUF[2 * b + 1]; // prettier-ignore
			let Cl = BBUF[2 * c],
				Ch = BBUF[2 * c + 1]; // prettier-ignore
			let Dl = BBUF[2 * d],
				Dh = BBUF[2 * d + 1]; // prettier-ignore
			// v[a] = (v[a] + v[b] + x) | 0;
			const ll = add3L(Al, Bl, Xl);
			Ah = add3H(ll, Ah, Bh, Xh);
			Al = ll | 0;
			// v[d] = rotr(v[d] ^ v[a], 16)
			let xh = Dh ^ Ah,
				xl = Dl ^ Al; // prettier-ignore
			Dh = rotrSH(xh, xl, 16);
			Dl = rotrSL(xh, xl, 16);
			// v[c] = (v[c] + v[d]) | 0;
			({ h: Ch, l: Cl } = add(Ch, Cl, Dh, Dl));
			// v[b] = rotr(v[b] ^ v[c], 63)
			xh = Bh ^ Ch;
			xl = Bl ^ Cl;
			Bh = rotrBH(xh, xl, 63);
			Bl = rotrBL(xh, xl, 63);
			BBUF[2 * a] = Al;
			BBUF[2 * a + 1] = Ah;
			BBUF[2 * b] = Bl;
			BBUF[2 * b + 1] = Bh;
			BBUF[2 * c] = Cl;
			BBUF[2 * c + 1] = Ch;
			BBUF[2 * d] = Dl;
			BBUF[2 * d + 1] = Dh;
		}
		function checkBlake2Opts(outputLen, opts = {}, keyLen, saltLen, persLen) {
			anumber(keyLen);
			// RFC 7693 §2.1 requires digest length nn in 1..keyLen (keyLen doubles as
			// the per-variant max for both key and digest lengths: 64 for b, 32 for s).
			if (outputLen <= 0 || outputLen > keyLen) throw new Error('"dkLen" must be 1..' + keyLen + ', got ' + outputLen);
			const { key, salt, personalization } = opts;
			// This API uses `undefined` for the RFC 7693 `kk = 0` case, so a provided key must be non-empty.
			if (key !== undefined && (key.length < 1 || key.length > keyLen))
				throw new Error('"key" expected to be undefined or of length=1..' + keyLen);
			if (salt !== undefined) utils_abytes(salt, saltLen, 'salt');
			if (personalization !== undefined) utils_abytes(personalization, persLen, 'personalization');
		}
		/** Internal base class for BLAKE2. */
		class _BLAKE2 {
			buffer;
			buffer32;
			finished = false;
			destroyed = false;
			length = 0;
			pos = 0;
			blockLen;
			outputLen;
			canXOF = false;
			constructor(blockLen, outputLen) {
				anumber(blockLen);
				anumber(outputLen);
				this.blockLen = blockLen;
				this.outputLen = outputLen;
				this.buffer = new Uint8Array(blockLen);
				this.buffer32 = u32(this.buffer);
			}
			update(data) {
				utils_aexists(this);
				utils_abytes(data);
				// Main difference with other hashes: there is flag for last block,
				// so we cannot process current block before we know that there
				// is the next one. This significantly complicates logic and reduces ability
				// to do zero-copy processing
				const { blockLen, buffer, buffer32 } = this;
				const len = data.length;
				const offset = data.byteOffset;
				const buf = data.buffer;
				for (let pos = 0; pos < len; ) {
					// If buffer is full and we still have input (don't process last block, same as blake2s)
					if (this.pos === blockLen) {
						swap32IfBE(buffer32);
						this.compress(buffer32, 0, false);
						swap32IfBE(buffer32);
						this.pos = 0;
					}
					const take = Math.min(blockLen - this.pos, len - pos);
					const dataOffset = offset + pos;
					// Zero-copy only for full, 4-byte-aligned, non-final blocks.
					if (take === blockLen && !(dataOffset % 4) && pos + take < len) {
						const data32 = new Uint32Array(buf, dataOffset, Math.floor((len - pos) / 4));
						swap32IfBE(data32);
						for (let pos32 = 0; pos + blockLen < len; pos32 += buffer32.length, pos += blockLen) {
							this.length += blockLen;
							this.compress(data32, pos32, false);
						}
						swap32IfBE(data32);
						continue;
					}
					// When the whole input is buffered in one go (common for short messages), passing `data`
					// directly avoids allocating a subarray view.
					buffer.set(pos === 0 && take === len ? data : data.subarray(pos, pos + take), this.pos);
					this.pos += take;
					this.length += take;
					pos += take;
				}
				return this;
			}
			digestInto(out) {
				utils_aexists(this);
				utils_aoutput(out, this);
				// Reject unaligned views explicitly instead of hiding them behind a full scratch copy.
				if (out.byteOffset & 3)
					throw new RangeError('"output" expected 4-byte aligned byteOffset, got ' + out.byteOffset);
				const { pos, buffer32 } = this;
				this.finished = true;
				// Padding
				this.buffer.fill(0, pos);
				swap32IfBE(buffer32);
				this.compress(buffer32, 0, true);
				swap32IfBE(buffer32);
				const state = this.get();
				// digest() passes our own `buffer` as `out`; reuse its cached u32 view instead of allocating.
				const out32 = out === this.buffer ? buffer32 : u32(out);
				const full = Math.floor(this.outputLen / 4);
				for (let i = 0; i < full; i++) out32[i] = swap8IfBE(state[i]);
				const tail = this.outputLen % 4;
				if (!tail) return;
				const off = full * 4;
				const word = state[full];
				for (let i = 0; i < tail; i++) out[off + i] = word >>> (8 * i);
			}
			digest() {
				const { buffer, outputLen } = this;
				this.digestInto(buffer);
				// Return a copy so callers do not alias the instance scratch buffer used during finalization.
				const res = buffer.slice(0, outputLen);
				this.destroy();
				return res;
			}
			_cloneInto(to) {
				const { buffer, length, finished, destroyed, outputLen, pos } = this;
				// Recreate only `dkLen`; key/salt/personalization are already absorbed into the copied state.
				to ||= new this.constructor({ dkLen: outputLen });
				to.set(...this.get());
				// Last-block-aware lazy compression keeps the pending block live even when full.
				to.buffer.set(buffer);
				to.destroyed = destroyed;
				to.finished = finished;
				to.length = length;
				to.pos = pos;
				// @ts-ignore
				to.outputLen = outputLen;
				return to;
			}
			clone() {
				return this._cloneInto();
			}
		}
		/** Internal blake2b hash class with state stored as LE u32 low/high halves. */
		class _BLAKE2b extends _BLAKE2 {
			// Same IV words as SHA-512 / BLAKE2b, encoded as LE u32 low/high halves.
			v0l = B2B_IV[0] | 0;
			v0h = B2B_IV[1] | 0;
			v1l = B2B_IV[2] | 0;
			v1h = B2B_IV[3] | 0;
			v2l = B2B_IV[4] | 0;
			v2h = B2B_IV[5] | 0;
			v3l = B2B_IV[6] | 0;
			v3h = B2B_IV[7] | 0;
			v4l = B2B_IV[8] | 0;
			v4h = B2B_IV[9] | 0;
			v5l = B2B_IV[10] | 0;
			v5h = B2B_IV[11] | 0;
			v6l = B2B_IV[12] | 0;
			v6h = B2B_IV[13] | 0;
			v7l = B2B_IV[14] | 0;
			v7h = B2B_IV[15] | 0;
			constructor(opts = {}) {
				opts = checkOpts({}, opts);
				const olen = opts.dkLen === undefined ? 64 : opts.dkLen;
				super(128, olen);
				checkBlake2Opts(olen, opts, 64, 16, 16);
				let { key, personalization, salt } = opts;
				let keyLength = 0;
				if (key !== undefined) {
					utils_abytes(key, undefined, 'key');
					keyLength = key.length;
				}
				// RFC 7693 §2.5: xor `p[0] = 0x0101kknn` into the low 32 bits of `h[0]`;
				// the high 32 bits stay at `IV[0]`.
				this.v0l ^= this.outputLen | (keyLength << 8) | (0x01 << 16) | (0x01 << 24);
				if (salt !== undefined) {
					utils_abytes(salt, undefined, 'salt');
					// Copy: u32() would throw on views with byteOffset not divisible by 4.
					const slt = u32(copyBytes(salt));
					this.v4l ^= swap8IfBE(slt[0]);
					this.v4h ^= swap8IfBE(slt[1]);
					this.v5l ^= swap8IfBE(slt[2]);
					this.v5h ^= swap8IfBE(slt[3]);
				}
				if (personalization !== undefined) {
					utils_abytes(personalization, undefined, 'personalization');
					// Copy: u32() would throw on views with byteOffset not divisible by 4.
					const pers = u32(copyBytes(personalization));
					this.v6l ^= swap8IfBE(pers[0]);
					this.v6h ^= swap8IfBE(pers[1]);
					this.v7l ^= swap8IfBE(pers[2]);
					this.v7h ^= swap8IfBE(pers[3]);
				}
				if (key !== undefined) {
					// Pad to blockLen and update
					const tmp = new Uint8Array(this.blockLen);
					tmp.set(key);
					this.update(tmp);
					// The padded copy holds key material; buffer/state keep what they need.
					clean(tmp);
				}
			}
			// prettier-ignore
			get() {
				let { v0l, v0h, v1l, v1h, v2l, v2h, v3l, v3h, v4l, v4h, v5l, v5h, v6l, v6h, v7l, v7h } = this;
				return [v0l, v0h, v1l, v1h, v2l, v2h, v3l, v3h, v4l, v4h, v5l, v5h, v6l, v6h, v7l, v7h];
			}
			// prettier-ignore
			set(v0l, v0h, v1l, v1h, v2l, v2h, v3l, v3h, v4l, v4h, v5l, v5h, v6l, v6h, v7l, v7h) {
				this.v0l = v0l | 0;
				this.v0h = v0h | 0;
				this.v1l = v1l | 0;
				this.v1h = v1h | 0;
				this.v2l = v2l | 0;
				this.v2h = v2h | 0;
				this.v3l = v3l | 0;
				this.v3h = v3h | 0;
				this.v4l = v4l | 0;
				this.v4h = v4h | 0;
				this.v5l = v5l | 0;
				this.v5h = v5h | 0;
				this.v6l = v6l | 0;
				this.v6h = v6h | 0;
				this.v7l = v7l | 0;
				this.v7h = v7h | 0;
			}
			compress(msg, offset, isLast) {
				// First half from state. Direct writes: get() would allocate an array +
				// closure per block.
				// prettier-ignore
				const { v0l, v0h, v1l, v1h, v2l, v2h, v3l, v3h, v4l, v4h, v5l, v5h, v6l, v6h, v7l, v7h } = this;
				// prettier-ignore
				{
					BBUF[0] = v0l;
					BBUF[1] = v0h;
					BBUF[2] = v1l;
					BBUF[3] = v1h;
					BBUF[4] = v2l;
					BBUF[5] = v2h;
					BBUF[6] = v3l;
					BBUF[7] = v3h;
					BBUF[8] = v4l;
					BBUF[9] = v4h;
					BBUF[10] = v5l;
					BBUF[11] = v5h;
					BBUF[12] = v6l;
					BBUF[13] = v6h;
					BBUF[14] = v7l;
					BBUF[15] = v7h;
				}
				BBUF.set(B2B_IV, 16); // Second half from IV.
				const l = fromNumL(this.length);
				const h = fromNumH(this.length);
				BBUF[24] = B2B_IV[8] ^ l; // Low word of the offset.
				BBUF[25] = B2B_IV[9] ^ h; // High word.
				// Invert all bits for last block
				if (isLast) {
					BBUF[28] = ~BBUF[28];
					BBUF[29] = ~BBUF[29];
				}
				let j = 0;
				const s = BSIGMA;
				// SIGMA selects 64-bit message words; multiply by 2 because `msg` stores
				// each word as [low32, high32].
				for (let i = 0; i < 12; i++) {
					G1b(0, 4, 8, 12, msg, offset + 2 * s[j++]);
					G2b(0, 4, 8, 12, msg, offset + 2 * s[j++]);
					G1b(1, 5, 9, 13, msg, offset + 2 * s[j++]);
					G2b(1, 5, 9, 13, msg, offset + 2 * s[j++]);
					G1b(2, 6, 10, 14, msg, offset + 2 * s[j++]);
					G2b(2, 6, 10, 14, msg, offset + 2 * s[j++]);
					G1b(3, 7, 11, 15, msg, offset + 2 * s[j++]);
					G2b(3, 7, 11, 15, msg, offset + 2 * s[j++]);
					G1b(0, 5, 10, 15, msg, offset + 2 * s[j++]);
					G2b(0, 5, 10, 15, msg, offset + 2 * s[j++]);
					G1b(1, 6, 11, 12, msg, offset + 2 * s[j++]);
					G2b(1, 6, 11, 12, msg, offset + 2 * s[j++]);
					G1b(2, 7, 8, 13, msg, offset + 2 * s[j++]);
					G2b(2, 7, 8, 13, msg, offset + 2 * s[j++]);
					G1b(3, 4, 9, 14, msg, offset + 2 * s[j++]);
					G2b(3, 4, 9, 14, msg, offset + 2 * s[j++]);
				}
				this.v0l ^= BBUF[0] ^ BBUF[16];
				this.v0h ^= BBUF[1] ^ BBUF[17];
				this.v1l ^= BBUF[2] ^ BBUF[18];
				this.v1h ^= BBUF[3] ^ BBUF[19];
				this.v2l ^= BBUF[4] ^ BBUF[20];
				this.v2h ^= BBUF[5] ^ BBUF[21];
				this.v3l ^= BBUF[6] ^ BBUF[22];
				this.v3h ^= BBUF[7] ^ BBUF[23];
				this.v4l ^= BBUF[8] ^ BBUF[24];
				this.v4h ^= BBUF[9] ^ BBUF[25];
				this.v5l ^= BBUF[10] ^ BBUF[26];
				this.v5h ^= BBUF[11] ^ BBUF[27];
				this.v6l ^= BBUF[12] ^ BBUF[28];
				this.v6h ^= BBUF[13] ^ BBUF[29];
				this.v7l ^= BBUF[14] ^ BBUF[30];
				this.v7h ^= BBUF[15] ^ BBUF[31];
				clean(BBUF);
			}
			destroy() {
				this.destroyed = true;
				clean(this.buffer32);
				this.set(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
			}
		}
		/**
		 * Blake2b hash function. 64-bit. 1.5x slower than blake2s in JS.
		 * @param msg - message that would be hashed
		 * @param opts - Optional output, MAC, salt, and personalization settings.
		 *   `dkLen` must be 1..64 bytes; `salt` and `personalization`, if present,
		 *   must be 16 bytes each. See {@link Blake2Opts}.
		 * @returns Digest bytes.
		 * @example
		 * Hash a message with Blake2b.
		 * ```ts
		 * blake2b(new Uint8Array([97, 98, 99]));
		 * ```
		 * @example
		 * Hash a message with Blake2b while selecting output, MAC, salt, and personalization settings.
		 * ```ts
		 * blake2b(new Uint8Array([97, 98, 99]), {
		 *   dkLen: 32,
		 *   key: new Uint8Array(32),
		 *   salt: new Uint8Array(16),
		 *   personalization: new Uint8Array(16),
		 * });
		 * ```
		 */
		const blake2b = /* @__PURE__ */ utils_createHasher((opts) => new _BLAKE2b(opts));
		/**
		 * BLAKE2-compress core method.
		 * Runs only the round function over a caller-supplied local vector; callers initialize `v0..v15`
		 * and apply the final `h[i] ^= v[i] ^ v[i + 8]` fold themselves.
		 * @param s - flattened sigma schedule bytes
		 * @param offset - starting word offset inside `msg`, not a byte offset
		 * @param msg - message words
		 * @param rounds - round count to execute
		 * @param v0 - state word 0
		 * @param v1 - state word 1
		 * @param v2 - state word 2
		 * @param v3 - state word 3
		 * @param v4 - state word 4
		 * @param v5 - state word 5
		 * @param v6 - state word 6
		 * @param v7 - state word 7
		 * @param v8 - state word 8
		 * @param v9 - state word 9
		 * @param v10 - state word 10
		 * @param v11 - state word 11
		 * @param v12 - state word 12
		 * @param v13 - state word 13
		 * @param v14 - state word 14
		 * @param v15 - state word 15
		 * @returns Updated compression state words.
		 * @example
		 * Run the BLAKE2 compression core on zeroed state and message words.
		 * ```ts
		 * import { _compress } from '@noble/hashes/blake2.js';
		 * const state = _compress(
		 *   new Uint8Array(16),
		 *   0,
		 *   new Uint32Array(16),
		 *   1,
		 *   0, 0, 0, 0, 0, 0, 0, 0,
		 *   0, 0, 0, 0, 0, 0, 0, 0
		 * );
		 * state.v0;
		 * ```
		 */
		// prettier-ignore
		function _compress(s, offset, msg, rounds, v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15) {
			let j = 0;
			for (let i = 0; i < rounds; i++) {
				({ a: v0, b: v4, c: v8, d: v12 } = G1s(v0, v4, v8, v12, msg[offset + s[j++]]));
				({ a: v0, b: v4, c: v8, d: v12 } = G2s(v0, v4, v8, v12, msg[offset + s[j++]]));
				({ a: v1, b: v5, c: v9, d: v13 } = G1s(v1, v5, v9, v13, msg[offset + s[j++]]));
				({ a: v1, b: v5, c: v9, d: v13 } = G2s(v1, v5, v9, v13, msg[offset + s[j++]]));
				({ a: v2, b: v6, c: v10, d: v14 } = G1s(v2, v6, v10, v14, msg[offset + s[j++]]));
				({ a: v2, b: v6, c: v10, d: v14 } = G2s(v2, v6, v10, v14, msg[offset + s[j++]]));
				({ a: v3, b: v7, c: v11, d: v15 } = G1s(v3, v7, v11, v15, msg[offset + s[j++]]));
				({ a: v3, b: v7, c: v11, d: v15 } = G2s(v3, v7, v11, v15, msg[offset + s[j++]]));
				({ a: v0, b: v5, c: v10, d: v15 } = G1s(v0, v5, v10, v15, msg[offset + s[j++]]));
				({ a: v0, b: v5, c: v10, d: v15 } = G2s(v0, v5, v10, v15, msg[offset + s[j++]]));
				({ a: v1, b: v6, c: v11, d: v12 } = G1s(v1, v6, v11, v12, msg[offset + s[j++]]));
				({ a: v1, b: v6, c: v11, d: v12 } = G2s(v1, v6, v11, v12, msg[offset + s[j++]]));
				({ a: v2, b: v7, c: v8, d: v13 } = G1s(v2, v7, v8, v13, msg[offset + s[j++]]));
				({ a: v2, b: v7, c: v8, d: v13 } = G2s(v2, v7, v8, v13, msg[offset + s[j++]]));
				({ a: v3, b: v4, c: v9, d: v14 } = G1s(v3, v4, v9, v14, msg[offset + s[j++]]));
				({ a: v3, b: v4, c: v9, d: v14 } = G2s(v3, v4, v9, v14, msg[offset + s[j++]]));
			}
			return { v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 };
		}
		// Blake2s reuses the SHA-256 IV words as-is.
		const B2S_IV = /* @__PURE__ */ SHA256_IV.slice();
		/** Internal blake2s hash class. */
		class _BLAKE2s extends _BLAKE2 {
			// Internal state, same as SHA-256
			v0 = B2S_IV[0] | 0;
			v1 = B2S_IV[1] | 0;
			v2 = B2S_IV[2] | 0;
			v3 = B2S_IV[3] | 0;
			v4 = B2S_IV[4] | 0;
			v5 = B2S_IV[5] | 0;
			v6 = B2S_IV[6] | 0;
			v7 = B2S_IV[7] | 0;
			constructor(opts = {}) {
				opts = checkOpts({}, opts);
				const olen = opts.dkLen === undefined ? 32 : opts.dkLen;
				super(64, olen);
				checkBlake2Opts(olen, opts, 32, 8, 8);
				let { key, personalization, salt } = opts;
				let keyLength = 0;
				if (key !== undefined) {
					utils_abytes(key, undefined, 'key');
					keyLength = key.length;
				}
				// RFC 7693 §2.5: xor `p[0] = 0x0101kknn` directly into `h[0]`, since
				// BLAKE2s stores each state word as one `u32`.
				this.v0 ^= this.outputLen | (keyLength << 8) | (0x01 << 16) | (0x01 << 24);
				if (salt !== undefined) {
					utils_abytes(salt, undefined, 'salt');
					// Copy: u32() would throw on views with byteOffset not divisible by 4.
					const slt = u32(copyBytes(salt));
					this.v4 ^= swap8IfBE(slt[0]);
					this.v5 ^= swap8IfBE(slt[1]);
				}
				if (personalization !== undefined) {
					utils_abytes(personalization, undefined, 'personalization');
					// Copy: u32() would throw on views with byteOffset not divisible by 4.
					const pers = u32(copyBytes(personalization));
					this.v6 ^= swap8IfBE(pers[0]);
					this.v7 ^= swap8IfBE(pers[1]);
				}
				if (key !== undefined) {
					// Pad to blockLen and update
					const tmp = new Uint8Array(this.blockLen);
					tmp.set(key);
					this.update(tmp);
					// The padded copy holds key material; buffer/state keep what they need.
					clean(tmp);
				}
			}
			get() {
				const { v0, v1, v2, v3, v4, v5, v6, v7 } = this;
				return [v0, v1, v2, v3, v4, v5, v6, v7];
			}
			// prettier-ignore
			set(v0, v1, v2, v3, v4, v5, v6, v7) {
				this.v0 = v0 | 0;
				this.v1 = v1 | 0;
				this.v2 = v2 | 0;
				this.v3 = v3 | 0;
				this.v4 = v4 | 0;
				this.v5 = v5 | 0;
				this.v6 = v6 | 0;
				this.v7 = v7 | 0;
			}
			compress(msg, offset, isLast) {
				const l = fromNumL(this.length);
				const h = fromNumH(this.length);
				// Seed v8..v15 from the IV, xor the low/high 32-bit byte counter into
				// v12/v13, and invert v14 on the final block.
				// prettier-ignore
				const { v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 } = _compress(
					BSIGMA,
					offset,
					msg,
					10,
					this.v0,
					this.v1,
					this.v2,
					this.v3,
					this.v4,
					this.v5,
					this.v6,
					this.v7,
					B2S_IV[0],
					B2S_IV[1],
					B2S_IV[2],
					B2S_IV[3],
					l ^ B2S_IV[4],
					h ^ B2S_IV[5],
					isLast ? ~B2S_IV[6] : B2S_IV[6],
					B2S_IV[7],
				);
				this.v0 ^= v0 ^ v8;
				this.v1 ^= v1 ^ v9;
				this.v2 ^= v2 ^ v10;
				this.v3 ^= v3 ^ v11;
				this.v4 ^= v4 ^ v12;
				this.v5 ^= v5 ^ v13;
				this.v6 ^= v6 ^ v14;
				this.v7 ^= v7 ^ v15;
			}
			destroy() {
				this.destroyed = true;
				clean(this.buffer32);
				this.set(0, 0, 0, 0, 0, 0, 0, 0);
			}
		}
		/**
		 * Blake2s hash function. Focuses on 8-bit to 32-bit platforms. 1.5x faster than blake2b in JS.
		 * @param msg - message that would be hashed
		 * @param opts - Optional output, MAC, salt, and personalization settings.
		 *   `dkLen` must be 1..32 bytes; `salt` and `personalization`, if present,
		 *   must be 8 bytes each. See {@link Blake2Opts}.
		 * @returns Digest bytes.
		 * @example
		 * Hash a message with Blake2s.
		 * ```ts
		 * blake2s(new Uint8Array([97, 98, 99]));
		 * ```
		 * @example
		 * Hash a message with Blake2s while selecting output, MAC, salt, and personalization settings.
		 * ```ts
		 * blake2s(new Uint8Array([97, 98, 99]), {
		 *   dkLen: 16,
		 *   key: new Uint8Array(32),
		 *   salt: new Uint8Array(8),
		 *   personalization: new Uint8Array(8),
		 * });
		 * ```
		 */
		const blake2s =
			/* @__PURE__ */ /* unused pure expression or super */ null && createHasher((opts) => new _BLAKE2s(opts));

		/***/
	},
};
