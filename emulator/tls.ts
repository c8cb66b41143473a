export type CertificateKind = 'valid' | 'expired' | 'wrong-host';
export type Certificate = { key: string; cert: string; ca: string };

const DAY_MS = 86_400_000;

/** A server certificate for this machine's loopback names, and the authority that signed it (PEM). */
export async function makeCertificate(kind: CertificateKind): Promise<Certificate> {
  // Loaded only where TLS is asked for: the package takes longer to load than the rest takes to start.
  const { generate } = await import('selfsigned');
  const common = { keyType: 'ec', algorithm: 'sha256', notBeforeDate: new Date(Date.now() - 2 * DAY_MS) } as const;
  const authority = await generate([{ name: 'commonName', value: 'Emulator test authority' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const host = kind === 'wrong-host' ? 'elsewhere.invalid' : 'localhost';
  const addresses = kind === 'wrong-host' ? [] : (['127.0.0.1', '::1'] as const);
  const server = await generate([{ name: 'commonName', value: host }], {
    ...common,
    ...(kind === 'expired' ? { notAfterDate: new Date(Date.now() - DAY_MS) } : {}),
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [{ type: 2, value: host }, ...addresses.map((ip) => ({ type: 7 as const, ip }))],
      },
    ],
  });
  return { key: server.private, cert: server.cert, ca: authority.cert };
}
