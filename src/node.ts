// What Node has a cheaper way to than the usual one: a step is a process that has just begun.

/** Milliseconds since the process began. `performance.now()` tells the same, and loads a library to do so. */
export function clock(): number {
  return process.uptime() * 1000;
}

/** HTTP without TLS, for loopback and proxies alone: it brings a server with it, so others do not load it. */
export function plainHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http');
}
