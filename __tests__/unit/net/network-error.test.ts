import { describe, expect, it } from '@jest/globals';
import { NetworkError } from '../../../src/net/network-error.ts';

describe('a failure of the network', () => {
  it.each([
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'INVALID_CA',
    'HOSTNAME_MISMATCH',
    'PATH_LENGTH_EXCEEDED',
  ])('is one of the certificate, which another attempt does not change: %s', (code) => {
    expect(new NetworkError('a', code, false)).toMatchObject({
      isCertificateError: true,
      isTlsError: false,
      isPermanent: true,
    });
  });

  it.each(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_INVALID_PROTOCOL_VERSION'])(
    'is one of TLS, which another attempt does not change: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({
        isCertificateError: false,
        isTlsError: true,
        isPermanent: true,
      });
    },
  );

  it.each(['TOO_LARGE', 'DEADLINE', 'CANCELLED', 'PROXY_ADDRESS', 'PROXY_REFUSED'])(
    'is one that another attempt does not change: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({
        isCertificateError: false,
        isTlsError: false,
        isPermanent: true,
      });
    },
  );

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'TIMEOUT', 'UNKNOWN'])(
    'is one that may pass: %s',
    (code) => {
      expect(new NetworkError('a', code, false)).toMatchObject({
        isCertificateError: false,
        isTlsError: false,
        isPermanent: false,
      });
    },
  );
});
