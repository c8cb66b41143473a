import { ProxyError } from './proxy.ts';

/** No complete response arrived: the connection failed, the time was over, or the response was too large. */
export class NetworkError extends Error {
  override name = 'NetworkError';
  /**
   * The code of Node.js, of OpenSSL or of a ProxyError; or TIMEOUT, DEADLINE, CANCELLED, TOO_LARGE, UPGRADE or UNKNOWN.
   */
  readonly code: string;
  /** False if the request provably never reached the server, in any attempt. */
  reached: boolean;

  /** @param cause the error that Node.js or a proxy reported */
  constructor(message: string, code: string, reached: boolean, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.reached = reached;
  }

  /** Whether the server's certificate was not accepted (OpenSSL's codes, as Node.js names them). */
  get isCertificateError(): boolean {
    return /^(ERR_TLS_)?CERT_|^UNABLE_TO_|SELF_SIGNED_CERT|^INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH|PATH_LENGTH/.test(
      this.code,
    );
  }

  /** Whether client and server could not agree on TLS. */
  get isTlsError(): boolean {
    return /^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(this.code) && !this.isCertificateError;
  }

  /** Whether a retry would fail in the same way. */
  get isPermanent(): boolean {
    return (
      this.isCertificateError ||
      this.isTlsError ||
      /^(TOO_LARGE|DEADLINE|CANCELLED|PROXY_ADDRESS|PROXY_REFUSED)$/.test(this.code)
    );
  }

  /** The proxy's error, if the request failed on the way through a proxy. */
  get proxyError(): ProxyError | undefined {
    return this.cause instanceof ProxyError ? this.cause : undefined;
  }
}
