import { appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Emulator } from '../../emulator/index.ts';
import type { Outcome, Step } from '../../emulator/runner.ts';
import { readRecording, recordTo } from './recording.ts';
import { isChange } from './requests.ts';

// Writes down what the runner reads from a step and which requests the servers receive, in order, and so that the text is
// the same in each run: what is random gets a name, in the order in which it appears.

type Request = Emulator['requests'][number];

/** Milliseconds that each response waits. Requests that the action sends at the same time overlap then. */
const RESPONSE_DELAY = 200;

/** Values that differ from run to run. Equal values get the same number. */
const VARYING: [pattern: RegExp, name: string][] = [
  [/m2morg_\w+/g, 'client'],
  [/sks_\w+/g, 'secret id'],
  [/\borg_\w+/g, 'organization'],
  [/skc_\w+/g, 'API client id'],
  [/(?<="nonce":"|nonce:)[\w-]{16}/g, 'nonce'],
  [/(?<="seal":")[^"]+/g, 'seal'],
  [/(?<="journal_file":")[^"]+/g, 'journal file'],
  [/(?<="[a-z_]+_at":)\d{13}/g, 'milliseconds'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'time'],
  [/(?<=http:\/\/127\.0\.0\.1:)\d+/g, 'port'],
  [/(?<=<th>Secret ends with<\/th><td><code>)[^<]+/g, 'end of the secret'],
];

/** A recorded scenario. */
export interface Transcript {
  /** What a step needs so that its output is recorded. */
  step: Required<Pick<Step, 'env' | 'nodeOptions'>>;
  /** Runs main, post or another action under a heading. */
  run<T extends Outcome>(heading: string, run: () => Promise<T>): Promise<T>;
  /** Returns everything that was recorded. */
  text(): string;
}

/**
 * Starts to record. If the emulator has a `hold`, it still has its effect.
 * @param file where the order of output and requests is recorded
 */
export function recordTranscript(emulator: Emulator, file: string): Transcript {
  writeFileSync(file, '');
  const note = (to: string, text: string) => appendFileSync(file, `${JSON.stringify({ to, text })}\n`);
  const ends = new Map<Request, number>();
  const { hold } = emulator;
  emulator.hold = async (when, request) => {
    if (when === 'before' && isChange(request)) note('request', `${request.method} ${request.path}\n`);
    await hold?.(when, request);
    if (when === 'before') await sleep(RESPONSE_DELAY);
    ends.set(request, Date.now());
  };
  return {
    step: recordTo(file),
    run: async (heading, run) => {
      note('heading', heading);
      const from = emulator.requests.length;
      const outcome = await run();
      note('exit code', `${outcome.exitCode}`);
      if (outcome.stderr) note('stderr', outcome.stderr);
      note('requests', requestLines(emulator.requests.slice(from), ends).join('\n'));
      return outcome;
    },
    text: () => {
      const entries = readRecording(file);
      const all = entries.map(({ text }) => text).join('\n');
      const secrets = namedSecrets(emulator, all);
      const users = ['x-access-token', '', emulator.credentials.clientId, ...new Set(all.match(/m2morg_\w+/g))];
      const name = namer(secrets);
      return (
        entries
          .flatMap(linesOf)
          // Only systems with /proc have the process in the state.
          .map((line) => name(nameMask(line, secrets, users)).replace(/"process":\{.*?\},/, ''))
          .join('\n')
      );
    },
  };
}

/** Returns the lines of a transcript for one recorded write. */
function linesOf({ to, text }: { to: string; text: string }): string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  if (to === 'heading') return [`=== ${text} ===`];
  if (to === 'requests') return text ? ['all requests:', ...lines.map((line) => `  ${line}`)] : ['no requests'];
  const label = (line: string) => `${(to === 'log' ? 'stdout' : to).padEnd(9)} | ${line}`;
  if (to === 'output' || to === 'state') return [label(text.replace(/^(.*?)<<(.*)\n(.*)\n\2\n$/s, '$1=$3'))];
  // Debug lines are left out: those of requests at the same time have no order. An empty text is a wait for the masks.
  return text === '' ? [] : lines.filter((line) => !line.startsWith('::debug::')).map(label);
}

/** Returns the requests in order. Those that the action sent at the same time are on one line, in alphabetical order. */
function requestLines(requests: Request[], ends: Map<Request, number>): string[] {
  return phasesOf(requests).flatMap((phase) => {
    const groups: { end: number; lines: string[] }[] = [];
    for (const request of phase) {
      const end = ends.get(request) ?? Number.POSITIVE_INFINITY;
      const line = `${request.method} ${request.path}${purposeOf(request)}`;
      const last = groups.at(-1);
      if (last && request.at < last.end)
        Object.assign(last, { end: Math.max(last.end, end), lines: [...last.lines, line] });
      else groups.push({ end, lines: [line] });
    }
    return groups.map(({ lines }) => lines.sort().join('  +  '));
  });
}

/**
 * Splits requests before and after each change, and what is between two changes by server, Scalekit first: requests to
 * different servers may have no order.
 */
function phasesOf(requests: Request[]): Request[][] {
  const phases: Request[][] = [[]];
  for (const request of requests) {
    if (isChange(request)) phases.push([request], []);
    else phases.at(-1)?.push(request);
  }
  const servers = ['Scalekit', 'GitHub'];
  return phases.flatMap((phase) => servers.map((server) => phase.filter((request) => serverOf(request) === server)));
}

const serverOf = ({ path }: Request): string => (/^\/(?:api\/v1|oauth|keys)/.test(path) ? 'Scalekit' : 'GitHub');

/** Returns what a path does not show: whose token a request asks for, and which variable it creates. */
function purposeOf({ operation, body }: Request): string {
  if (operation === 'token') return ` (${(body as { client_id: string }).client_id})`;
  return operation === 'createVariable' ? ` (${(body as { name: string }).name})` : '';
}

type NamedSecret = { secret: string; name: string };

/** Returns the secrets of an emulator with the names that a transcript gives them. Tokens are found in its text. */
function namedSecrets({ credentials, github, secrets }: Emulator, text: string): NamedSecret[] {
  const tokens = [...new Set(text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g))];
  return [
    { secret: credentials.clientSecret, name: 'API secret' },
    { secret: github.token, name: 'GitHub token' },
    ...secrets().map((secret, at) => ({ secret, name: `secret ${at + 1}` })),
    ...tokens.map((secret, at) => ({ secret, name: `access token ${at + 1}` })),
  ];
}

/** Replaces the value of a mask command by the name of the secret and the form in which it is masked. */
function nameMask(line: string, secrets: NamedSecret[], users: string[]): string {
  return line.replace(/(?<=::add-mask::).*/, (value) => {
    for (const { secret, name } of secrets) {
      const form = formOf(value, secret, users);
      if (form) return `<${name}>, ${form}`;
    }
    return value;
  });
}

/** Returns the form of a secret that a text is. The secret is encoded here, so that the action's own code is not used. */
function formOf(text: string, secret: string, users: string[]): string | undefined {
  if (text === secret) return 'plain';
  const base64 = (before: string) => Buffer.from(before + secret).toString('base64');
  if (isStartOf(base64(''), text))
    return secret.startsWith('eyJ') || text === base64('') ? 'base64' : 'base64 without its end';
  // Lines as the program base64 prints them, of the secret alone and as a password.
  for (const before of ['', ...users.map((user) => `${user}:`)]) {
    const line =
      base64(before)
        .match(/.{1,76}/g)
        ?.findIndex((one) => isStartOf(one, text)) ?? -1;
    if (line >= 0)
      return `line ${line + 1} of base64${text.endsWith('=') || text.length === 76 ? '' : ' without its end'}${before && ` after "${before}"`}`;
  }
  const shift = [1, 2].find((bytes) => base64(' '.repeat(bytes)).includes(text));
  return shift ? `base64 after ${shift} ${shift === 1 ? 'byte' : 'bytes'}` : undefined;
}

/** Returns whether a text is base64, or is its beginning without the characters that the next bytes change. */
const isStartOf = (base64: string, text: string): boolean => base64.startsWith(text) && base64.length - text.length < 4;

/** Returns a function that replaces secrets and varying values by names. */
function namer(secrets: NamedSecret[]): (line: string) => string {
  const known = new Map<string, string>();
  const counts = new Map<string, number>();
  const nameOf = (value: string, name: string) => {
    if (!known.has(value)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      known.set(value, `<${name} ${counts.get(name)}>`);
    }
    return known.get(value) ?? '';
  };
  return (line) => {
    const safe = secrets.reduce((text, { secret, name }) => text.replaceAll(secret, `<${name}>`), line);
    return VARYING.reduce((text, [pattern, name]) => text.replace(pattern, (value) => nameOf(value, name)), safe);
  };
}
