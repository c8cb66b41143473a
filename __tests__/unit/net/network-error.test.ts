import { expect, it } from '@jest/globals';
import { NetworkError } from '../../../src/net/network-error.ts';

it.each([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'INVALID_CA',
  'HOSTNAME_MISMATCH',
  'PATH_LENGTH_EXCEEDED',
])('a NetworkError with the code %s is a permanent error of the certificate', (code) => {
  expect(new NetworkError('a', code, false)).toMatchObject({
    isCertificateError: true,
    isTlsError: false,
    isPermanent: true,
  });
});

it.each(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_INVALID_PROTOCOL_VERSION'])(
  'a NetworkError with the code %s is a permanent error of TLS',
  (code) => {
    expect(new NetworkError('a', code, false)).toMatchObject({
      isCertificateError: false,
      isTlsError: true,
      isPermanent: true,
    });
  },
);

it.each(['TOO_LARGE', 'DEADLINE', 'CANCELLED', 'PROXY_ADDRESS', 'PROXY_REFUSED'])(
  'a NetworkError with the code %s is permanent for another reason than TLS',
  (code) => {
    expect(new NetworkError('a', code, false)).toMatchObject({
      isCertificateError: false,
      isTlsError: false,
      isPermanent: true,
    });
  },
);

it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'TIMEOUT', 'UNKNOWN'])(
  'a NetworkError with the code %s is temporary',
  (code) => {
    expect(new NetworkError('a', code, false)).toMatchObject({
      isCertificateError: false,
      isTlsError: false,
      isPermanent: false,
    });
  },
);
