/** Returns a URL, or undefined if the text is not one. `URL.parse` does the same from Node.js 20.19 on. */
export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Returns whether a secret may be sent to a URL: over TLS, or to a loopback address. */
export function mayReceiveSecrets({ protocol, hostname }: URL): boolean {
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && loopback);
}
