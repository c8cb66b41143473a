export type CertificateKind = 'valid' | 'expired' | 'not-yet-valid' | 'wrong-host' | 'self-signed' | 'remote';
export type Certificate = { key: string; cert: string; ca: string };

const DAY_MS = 86_400_000;
const LOOPBACK = { hosts: ['localhost'], addresses: ['127.0.0.1', '::1'] };
/** What only a proxy can reach that is told where it is: names that no server knows, and an address of RFC 5737. */
const REMOTE = { hosts: ['acme.scalekit.invalid', '*.github.invalid'], addresses: ['192.0.2.1'] };
const ELSEWHERE = { hosts: ['elsewhere.invalid'], addresses: [] };

let authority: Promise<{ key: string; cert: string }> | undefined;
let loaded: Promise<typeof import('selfsigned')> | undefined;

/** A server certificate, for this machine's loopback names unless the kind says otherwise, and the authority that signed it (PEM). */
export async function makeCertificate(kind: CertificateKind): Promise<Certificate> {
  if (kind === 'self-signed') {
    const { key, cert } = await sign(kind);
    return { key, cert, ca: cert };
  }
  // One for the whole process: a client that trusts two of the same name may take the wrong one.
  authority ??= makeAuthority();
  const ca = await authority;
  return { ...(await sign(kind, ca)), ca: ca.cert };
}

async function makeAuthority() {
  const generate = await generator();
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'Emulator test authority' }], {
    ...common(),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { key, cert };
}

async function sign(kind: CertificateKind, ca?: { key: string; cert: string }) {
  const generate = await generator();
  const { hosts, addresses } = kind === 'remote' ? REMOTE : kind === 'wrong-host' ? ELSEWHERE : LOOPBACK;
  const altNames = [
    ...hosts.map((value) => ({ type: 2 as const, value })),
    ...addresses.map((ip) => ({ type: 7 as const, ip })),
  ];
  const { private: key, cert } = await generate([{ name: 'commonName', value: hosts[0] ?? '' }], {
    ...common(),
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

/** Loaded only where TLS is asked for, and once: the package takes longer to load than the rest takes to start. */
async function generator() {
  loaded ??= import('selfsigned');
  return (await loaded).generate;
}

function common() {
  return { keyType: 'ec', algorithm: 'sha256', notBeforeDate: new Date(Date.now() - 2 * DAY_MS) } as const;
}
