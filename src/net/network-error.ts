import { ProxyError } from './proxy.ts';

/** No whole answer came: the connection failed, the time was over, or the answer was too large. */
export class NetworkError extends Error {
  override name = 'NetworkError';
  readonly code: string;
  /** False where the request provably never reached the server, in no sending of it. */
  reached: boolean;

  constructor(message: string, code: string, reached: boolean, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.reached = reached;
  }

  /** The server's certificate is not accepted (OpenSSL's codes, as Node names them). */
  get isCertificateError(): boolean {
    return /^(ERR_TLS_)?CERT_|^UNABLE_TO_|SELF_SIGNED_CERT|^INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH|PATH_LENGTH/.test(
      this.code,
    );
  }

  /** The two sides do not agree on TLS. */
  get isTlsError(): boolean {
    return /^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(this.code) && !this.isCertificateError;
  }

  /** It would fail again. */
  get isPermanent(): boolean {
    return (
      this.isCertificateError ||
      this.isTlsError ||
      /^(TOO_LARGE|DEADLINE|CANCELLED|PROXY_ADDRESS|PROXY_REFUSED)$/.test(this.code)
    );
  }

  /** What went wrong on the way to the server, where a proxy is on it. */
  get proxyError(): ProxyError | undefined {
    return this.cause instanceof ProxyError ? this.cause : undefined;
  }
}
