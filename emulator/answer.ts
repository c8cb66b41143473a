// Executes one request: applies the rules of the fault plan, runs the handler, and sends the response.

import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hold, HttpResponse, RecordedRequest, Route } from './exchange.ts';
import type { FaultPlan, FaultRule } from './faults.ts';

/**
 * Runs the handler of one request and sends its response. The fault plan can delay, change or suppress both.
 * @param hold returns the current barrier callback, because tests can replace it at any time
 * @param socket the raw TCP socket of the connection, which some faults close
 * @param signal aborts all waiting when the emulator closes
 */
export async function perform(
  { faults, hold }: { faults: FaultPlan; hold: () => Hold | undefined },
  route: Route,
  request: RecordedRequest,
  outgoing: ServerResponse,
  socket: Socket,
  signal: AbortSignal,
): Promise<void> {
  const rules = faults.countCall(request);
  const pause = (ms: number) => sleep(ms, undefined, { signal });
  const delay = async (when: 'before' | 'after') => {
    for (const { fault, when: at = 'before' } of rules)
      if (fault.kind === 'delay' && at === when) await pause(fault.ms);
  };
  const handle = async () => {
    await hold()?.('before', request);
    const response = await route.handler(request);
    await hold()?.('after', request);
    return response;
  };

  const edits = rules.flatMap(({ fault }) => (fault.kind === 'edit' ? [fault.edit] : []));
  const rule = rules.find(({ fault }) => fault.kind !== 'delay' && fault.kind !== 'edit');
  await delay('before');
  let response: HttpResponse = needsHandler(rule) ? await handle() : { status: 200 };
  await delay('after');
  if (needsHandler(rule)) for (const edit of edits) response.body = edit(response.body);
  if (rule?.fault.kind === 'swap') response = await faults.swap(rule, response, rule.fault.waitMs ?? 2000, signal);

  const send = (sent: HttpResponse) => {
    const body = payload(sent.body);
    if (body.length === 0 && 'stream' in outgoing) {
      request.status = sent.status;
      sendHeaders(outgoing.stream as ServerHttp2Stream, sent);
      return;
    }
    head(sent, sent.trailers ? {} : { 'content-length': String(body.length) });
    if (sent.trailers) outgoing.addTrailers(sent.trailers);
    outgoing.end(body);
  };
  const head = ({ status, headers, body }: HttpResponse, length: Record<string, string> = {}) => {
    request.status = status;
    outgoing.writeHead(status, { ...mediaType(body), ...length, ...headers });
  };

  const fault = rule?.fault;
  switch (fault?.kind) {
    case undefined:
    case 'swap':
      return send(response);
    case 'status':
    case 'body':
      return send({ status: response.status, ...fault });
    case 'redirect':
      return send({ status: fault.status ?? 307, headers: { location: fault.location } });
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'close':
      socket.destroy();
      return;
    case 'hang':
      if (fault.finishAfterMs === undefined || rule?.when === 'after') return;
      await pause(fault.finishAfterMs);
      await handle();
      return;
    case 'truncate': {
      const body = payload(response.body);
      const half = body.subarray(0, Math.floor(body.length / 2));
      if (fault.cut === 'json') return send({ ...response, headers: mediaType(response.body), body: half });
      head(response, { 'content-length': String(body.length) });
      outgoing.write(half, () => socket.destroySoon());
      return;
    }
    case 'huge': {
      const chunk = Buffer.alloc(65_536, 'a');
      head({ status: 200, body: {} });
      return pipeline(function* () {
        yield '{"padding":"';
        for (let remaining = fault.bytes; remaining > 0; remaining -= chunk.length) yield chunk;
        yield '"}';
      }, outgoing);
    }
    case 'drip': {
      const body = payload(response.body);
      const { bytes = 1 } = fault;
      head(response, { 'content-length': String(body.length) });
      return pipeline(async function* () {
        for (let offset = 0; offset < body.length; offset += bytes) {
          yield body.subarray(offset, offset + bytes);
          await pause(fault.ms);
        }
      }, outgoing);
    }
  }
}

/**
 * Sends a response without a body over HTTP/2, as one HEADERS frame that ends the stream. Node's response object would
 * send an empty DATA frame after it, and a strict gRPC client would not find the status.
 */
function sendHeaders(stream: ServerHttp2Stream, { status, headers, trailers }: HttpResponse): void {
  // The stream is closed if the caller has given up.
  if (!stream.closed) stream.respond({ ':status': status, ...headers, ...trailers }, { endStream: true });
}

/**
 * Returns whether the handler runs now: there is no fault, the fault occurs after the handler, or it needs the
 * handler's response.
 */
function needsHandler(rule: FaultRule | undefined): boolean {
  return !rule || rule.when === 'after' || ['swap', 'truncate', 'drip'].includes(rule.fault.kind);
}

function payload(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  if (body === undefined) return Buffer.alloc(0);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function mediaType(body: unknown): Record<string, string> {
  if (body === undefined) return {};
  if (Buffer.isBuffer(body)) return { 'content-type': 'application/octet-stream' };
  return { 'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json' };
}
