import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Hold, RecordedRequest, Route } from './exchange.ts';
import type { FaultPlan, FaultRule } from './faults.ts';

/** Does the work of one request and answers it, or does neither, as the fault plan has it. */
export async function perform(
  { faults, hold }: { faults: FaultPlan; hold: () => Hold | undefined },
  route: Route,
  request: RecordedRequest,
  response: ServerResponse,
  socket: Socket,
  signal: AbortSignal,
): Promise<void> {
  const rules = faults.take(request);
  const pause = (ms: number) => sleep(ms, undefined, { signal });
  const delay = async (when: 'before' | 'after') => {
    for (const { fault, when: at = 'before' } of rules)
      if (fault.kind === 'delay' && at === when) await pause(fault.ms);
  };
  const work = async () => {
    await hold()?.('before', request);
    const answer = await route.work(request);
    await hold()?.('after', request);
    return answer;
  };

  const edits = rules.flatMap(({ fault }) => (fault.kind === 'edit' ? [fault.edit] : []));
  const rule = rules.find(({ fault }) => fault.kind !== 'delay' && fault.kind !== 'edit');
  await delay('before');
  const answer = needsWork(rule) ? await work() : { status: 200 };
  await delay('after');
  if (needsWork(rule)) for (const edit of edits) answer.body = edit(answer.body);

  const send = (answer: Answer) => {
    const body = payload(answer.body);
    head(answer, { 'content-length': String(body.length) });
    if (answer.trailers) response.addTrailers(answer.trailers);
    response.end(body);
  };
  const head = ({ status, headers, body }: Answer, length: Record<string, string> = {}) => {
    request.status = status;
    response.writeHead(status, { ...mediaType(body), ...length, ...headers });
  };

  const fault = rule?.fault;
  switch (fault?.kind) {
    case undefined:
      return send(answer);
    case 'status':
    case 'body':
      return send({ status: answer.status, ...fault });
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
      await work();
      return;
    case 'truncate': {
      const body = payload(answer.body);
      const half = body.subarray(0, Math.floor(body.length / 2));
      if (fault.cut === 'json') return send({ ...answer, headers: mediaType(answer.body), body: half });
      head(answer, { 'content-length': String(body.length) });
      response.write(half, () => socket.destroySoon());
      return;
    }
    case 'huge': {
      const chunk = Buffer.alloc(65_536, 'a');
      head({ status: 200, body: {} });
      return pipeline(function* () {
        yield '{"padding":"';
        for (let left = fault.bytes; left > 0; left -= chunk.length) yield chunk;
        yield '"}';
      }, response);
    }
    case 'drip': {
      const body = payload(answer.body);
      const { bytes = 1 } = fault;
      head(answer, { 'content-length': String(body.length) });
      return pipeline(async function* () {
        for (let at = 0; at < body.length; at += bytes) {
          yield body.subarray(at, at + bytes);
          await pause(fault.ms);
        }
      }, response);
    }
  }
}

function needsWork(rule: FaultRule | undefined): boolean {
  return !rule || rule.when === 'after' || rule.fault.kind === 'truncate' || rule.fault.kind === 'drip';
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
