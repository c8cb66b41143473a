// Certificates for the TLS listeners of tests: valid certificates, and certificates with one defect.

/**
 * How the certificate differs from a valid one. `remote` is valid for the hosts that only a proxy can reach, instead of
 * for loopback.
 */
export type CertificateKind = 'valid' | 'expired' | 'not-yet-valid' | 'wrong-host' | 'self-signed' | 'remote';
/** A private key, its certificate, and the certificate of the authority. All three are PEM. */
export type Certificate = { key: string; cert: string; ca: string };

const DAY_MS = 86_400_000;
const LOOPBACK = { hosts: ['localhost'], addresses: ['127.0.0.1', '::1'] };
/**
 * Hosts that a client can only reach through a proxy of the tests: names under `.invalid`, which no DNS server knows,
 * and a documentation address (RFC 5737).
 */
const REMOTE = { hosts: ['acme.scalekit.invalid', '*.github.invalid'], addresses: ['192.0.2.1'] };
const ELSEWHERE = { hosts: ['elsewhere.invalid'], addresses: [] };

let authority: Promise<{ key: string; cert: string }> | undefined;
let loaded: Promise<typeof import('selfsigned')> | undefined;

/** Creates a server certificate, for the loopback names unless the kind requires others, and returns its authority. */
export async function makeCertificate(kind: CertificateKind): Promise<Certificate> {
  if (kind === 'self-signed') {
    const { key, cert } = await sign(kind);
    return { key, cert, ca: cert };
  }
  // One authority per process: a client that trusts two authorities with the same name can pick the wrong authority.
  authority ??= makeAuthority();
  const ca = await authority;
  return { ...(await sign(kind, ca)), ca: ca.cert };
}

async function makeAuthority() {
  const generate = await loadGenerator();
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'Emulator test authority' }], {
    ...commonOptions(),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { key, cert };
}

async function sign(kind: CertificateKind, ca?: { key: string; cert: string }) {
  const generate = await loadGenerator();
  const { hosts, addresses } = kind === 'remote' ? REMOTE : kind === 'wrong-host' ? ELSEWHERE : LOOPBACK;
  const altNames = [
    ...hosts.map((value) => ({ type: 2 as const, value })),
    ...addresses.map((ip) => ({ type: 7 as const, ip })),
  ];
  const { private: key, cert } = await generate([{ name: 'commonName', value: hosts[0] ?? '' }], {
    ...commonOptions(),
    ...(kind === 'expired' ? { notAfterDate: new Date(Date.now() - DAY_MS) } : {}),
    ...(kind === 'not-yet-valid' ? { notBeforeDate: new Date(Date.now() + DAY_MS) } : {}),
    ...(ca ? { ca } : {}),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames },
    ],
  });
  return { key, cert };
}

/** Loads `selfsigned` once, and only if TLS is used: it takes longer to load than the emulator takes to start. */
async function loadGenerator() {
  loaded ??= import('selfsigned');
  return (await loaded).generate;
}

function commonOptions() {
  return { keyType: 'ec', algorithm: 'sha256', notBeforeDate: new Date(Date.now() - 2 * DAY_MS) } as const;
}
