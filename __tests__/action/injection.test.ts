import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { type Emulator, type Operation, startEmulator } from '../../emulator/index.ts';
import { type Executed, type Outcome, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import { cell } from '../../src/output/summary.ts';
import { escapeInvisible } from '../../src/output/text.ts';
import { errors, markerLine, runAction, savingIn, secretsOf, seedEarlier, sentTo } from '../support/action.ts';
import { stateValue } from '../support/saved.ts';

// The tests run many processes, at the same time as other test files.
jest.setTimeout(120_000);

// Tests with texts of a user or a server that a runner, a terminal, a browser or a later step could interpret.

const REPOSITORY = RUNNER_VARIABLES.GITHUB_REPOSITORY;
const [STATE, VARIABLE, SAVED] = ['SCALEKIT_M2M_STATE', 'SCALEKIT_M2M_CLIENT_ID', 'SCALEKIT_M2M_CLIENT_SECRET'];

const COMMANDS = [
  '\n::add-mask::a',
  '%0A::set-output name=secret::x',
  '\r::error file=x,line=1::y',
  '\r\n::stop-commands::tok',
  '\n \t::warning::x',
  '\n\u00a0\u3000::notice::x',
  '::debug::x',
  '::save-state name=client::x',
  '\n##[group]x',
  '##[command]rm',
  '##[add-mask]e',
  '#\u200f#[error]x',
  '\u0085::error::x',
  '\u2028::error::x',
  '\u2029::error::x',
];
const TERMINAL = [
  '\x1b[31mred\x1b[0m',
  '\x1b]8;;http://e.example\x07x',
  '\x1b]52;c;YQ==\x07',
  '\x1bc',
  '\x9b31m',
  '\x90q\x9c',
  '\x07',
  '\b\b',
  '\x7f',
];
const SIGHT = ['\u202etxt.exe', '\u2066x\u2069', '\u200f', '\u061c', '\ufeff', '\u200b', 'е', '\u0301', '\t', '\0'];
const MARKUP = [
  '[x](http://e.example)',
  '![](http://e.example/a.png)',
  '`code`',
  '``` \n```',
  '\n| a |\n|---|\n',
  '\n\n# Title\n\n',
  '\n\n![](http://e.example/a.png)\n\n',
  '<img src=x onerror=alert(1)>',
  '<script>alert(1)</script>',
  '<a href="http://e.example">x</a>',
  '<!--',
  '-->',
  '</code></td></tr></table>',
  '</details>',
  '"><b>',
  "'><b>",
  '&lt;img src=x&gt;',
  '&#60;b&#62;',
  '&',
  '@octocat',
  '#1',
  'https://e.example/?a=b&c=d',
  '$x^2$',
  ':tada:',
];
const FILES = ['ghadelimiter_', '\nEOF\n', '\nsecret<<EOF\nx\nEOF\n', '\nresult=created\n', 'client_id=x', '<<', '\n'];
const OTHER = ['$(id)', '`id`', '%', '%25', '%0D', '"', '\\', '\\u001b', ':', ',', ';'];
const PIECES = [...COMMANDS, ...TERMINAL, ...SIGHT, ...MARKUP, ...FILES, ...OTHER];

/** Part of each text. It identifies the text even if the rest is changed. */
const SIGN = 'zq';
const hostile = fc
  .tuple(fc.boolean(), fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 3 }))
  .map(([first, pieces]) => (first ? [SIGN, ...pieces] : [...pieces.slice(0, 1), SIGN, ...pieces.slice(1)]).join(''));
/** Removes what an environment variable, and so an input, cannot contain. */
const inVariable = (text: string): string => text.replaceAll('\0', '');
/** Returns a value as JSON with invisible characters escaped, as an input has to write them. */
const jsonInput = (value: unknown): string => escapeInvisible(JSON.stringify(value));
/** Removes what Node does not accept in the value of a header. */
const inHeader = (text: string): string => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/**
 * Parses what an action printed as the runner does: `::name::` at the beginning of a line, after white space as .NET
 * defines it, and `##[name]` anywhere in a line.
 * @returns the lines that a person can read
 */
function readLog(printed: string): string[] {
  return printed.split(/\r\n|\r|\n/).flatMap((line) => {
    const [, command, data = ''] = /^::(add-mask|error|warning|notice|debug)::(.*)$/s.exec(line) ?? [];
    if (command === undefined) expect(line).not.toMatch(/^[\s\u0085]*::/);
    if (command === 'add-mask') {
      // The action masks nothing shorter than four characters.
      expect(data.length).toBeGreaterThan(3);
      return [];
    }
    expect(line).not.toMatch(CONTROL);
    if (command === 'debug') expect(data).toMatch(/^([A-Z]+ \/|Caused by: )/);
    else if (command !== undefined) expect(data).toMatch(/^[A-Z\d]/);
    const text =
      command === undefined ? line : data.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
    const lines = command === 'error' ? text.split('\n') : [text];
    for (const one of lines) {
      expect(one).not.toMatch(CONTROL);
      expect(one).not.toContain('##[');
      // The runner shows this text on a separate line.
      expect(one).not.toMatch(/^\s*::/);
    }
    return lines;
  });
}

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

/**
 * Parses a job summary. GitHub renders it as Markdown. If it begins with a block tag and has no blank line, it is one
 * HTML block, in which Markdown has no meaning (CommonMark 0.31, section 4.6). Within `code`, GitHub turns no mention
 * and no address into a link.
 * @returns the text of each `code`
 */
function readSummary(summary: string): string[] {
  if (summary === '') return [];
  expect(summary).not.toMatch(/(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  for (const line of summary.replace(/\n$/, '').split('\n')) expect(line).toMatch(/^<(h3|ul|table)>/);
  const open: string[] = [];
  const codes: string[] = [];
  // The only links are to workflow runs. Their text is the run, in audit/ after the name of its repository.
  const withoutLink = summary.replace(
    /<td><a href="https:\/\/github\.com\/[\w./-]+">([\w.-]+\/[\w.-]+ )?[\d.]+<\/a><\/td>/g,
    '<td></td>',
  );
  for (const [at, token] of withoutLink.split(/(<[^<>]*>)/).entries()) {
    if (at % 2 === 0) {
      const text = token.replace(/&(amp|lt|gt|quot|#39);/g, (entity) =>
        open.at(-1) === 'code' ? (ENTITIES[entity] ?? '') : entity,
      );
      if (open.at(-1) === 'code') {
        expect(token).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
        codes.push(text);
      } else expect(text).toMatch(/^[\w ,.:–\n]*$/);
      continue;
    }
    const [, end, name = ''] = /^<(\/?)(h3|ul|li|table|tr|th|td|code|br)( colspan="\d")?>$/.exec(token) ?? [];
    expect([token, name]).not.toEqual([token, '']);
    if (end) expect(open.pop()).toBe(name);
    else if (name !== 'br') open.push(name);
  }
  expect(open).toEqual([]);
  return codes;
}

/**
 * Parses a file of outputs or state as the runner does. Each entry is `name<<delimiter`, the lines of the value, and
 * the delimiter. The file must contain nothing else.
 */
function readEntries(file: string): [name: string, value: string][] {
  const lines = file.split('\n');
  const entries: [string, string][] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] === '' && at === lines.length - 1) break;
    const [, name = '', delimiter = ''] = /^([a-z_]+)<<(ghadelimiter_[\da-f-]{36})$/.exec(lines[at] ?? '') ?? [];
    expect([lines[at], name]).not.toEqual([lines[at], '']);
    const end = lines.indexOf(delimiter, at + 1);
    expect(end).toBeGreaterThan(at);
    entries.push([name, lines.slice(at + 1, end).join('\n')]);
    at = end;
  }
  return entries;
}

/** A step that has run, with the contents of the files that it wrote. */
interface Read extends Executed {
  /** The lines of the log that a person can read. */
  lines: string[];
  /** The texts in the summary that a user or server can influence. */
  codes: string[];
  /** Size of the summary. */
  bytes: number;
  /** The outputs, in the order in which they were set. */
  entries: [name: string, value: string][];
}

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'injection-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Runs a step and its post step, if it has one. Checks what is true of every run, whatever the texts are. */
async function run(emulator: Emulator, step: Step): Promise<Read & { posted: string[] }> {
  const folder = mkdtempSync(path.join(root, 'step-'));
  const kinds = ['OUTPUT', 'STATE', 'ENV', 'PATH', 'STEP_SUMMARY'];
  const files = Object.fromEntries(kinds.map((kind) => [`GITHUB_${kind}`, path.join(folder, kind)]));
  for (const file of Object.values(files)) writeFileSync(file, '');
  const content = (kind: string) => readFileSync(path.join(folder, kind), 'utf8');

  const executed = await runAction(emulator, { ...step, env: { ...files, ...step.env } });
  const state = readEntries(content('STATE'));
  const read = {
    ...executed,
    ...checkRun(emulator, executed),
    codes: readSummary(content('STEP_SUMMARY')),
    bytes: Buffer.byteLength(content('STEP_SUMMARY')),
    entries: readEntries(content('OUTPUT')),
  };
  expect(state.every(([name, value]) => name === 'client' && isState(value))).toBe(true);
  const outputs = new Set(read.entries.map(([name]) => name));
  expect(outputs.size).toBe(read.entries.length);
  expect([content('ENV'), content('PATH')]).toEqual(['', '']);
  for (const secret of secretsOf(emulator)) expect(content('STEP_SUMMARY') + content('STATE')).not.toContain(secret);

  const posted = step.action ? undefined : await executed.post({ state: Object.fromEntries(state) });
  return { ...read, posted: posted ? checkRun(emulator, posted).lines : [] };
}

function isState(value: string): boolean {
  return value === '' || typeof JSON.parse(value).nonce === 'string';
}

function checkRun(emulator: Emulator, { stdout, stderr }: Outcome): { lines: string[] } {
  expect(stderr).toBe('');
  const lines = readLog(stdout);
  for (const secret of secretsOf(emulator)) expect(lines.join('\n')).not.toContain(secret);
  return { lines };
}

/** The output that must contain a text, which proves that the action received it. */
type Channel = 'log' | 'summary' | 'post' | 'nowhere';

interface Way {
  /** Completes "a hostile text in …". */
  what: string;
  /** Prepares the emulator. @returns the step */
  step: (emulator: Emulator, texts: string[]) => Step;
  exitCode: 0 | 1;
  shown: Channel[];
}

const refusal = (texts: string[]) => ({
  code: 3,
  message: texts[0],
  error: texts[1],
  error_description: texts[2],
  details: [
    { error_code: texts[3], validation_error_info: { field_violations: [{ field: texts[4], description: texts[5] }] } },
  ],
});
const status = (emulator: Emulator, operation: Operation, texts: string[], code = 400): void =>
  emulator.faults.add({
    operation,
    fault: {
      kind: 'status',
      status: code,
      headers: { 'www-authenticate': inHeader(texts[0] ?? '') },
      body: refusal(texts),
    },
  });
const githubRefusal = (texts: string[]) => ({
  message: texts[0],
  documentation_url: texts[1],
  errors: [texts[2], { message: texts[3] }],
});
const gitHubStatus = (emulator: Emulator, operation: Operation, texts: string[], call = 1): void =>
  emulator.faults.add({
    operation,
    call,
    times: 9,
    fault: { kind: 'status', status: 422, body: githubRefusal(texts) },
  });
const claimsOf = (texts: string[]) => texts.map((value, at) => ({ key: `k${at} ${value}`.slice(0, 100), value }));
const hostileFields = (texts: string[]) => ({
  name: texts[0] ?? '',
  description: `${texts[1]}\n${markerLine()}`,
  scopes: texts,
  audience: texts,
  custom_claims: claimsOf(texts),
});
const variablesOf = (texts: string[]) => ({
  GITHUB_REF: `refs/heads/${inVariable(texts[0] ?? '')}`,
  GITHUB_ACTOR: inVariable(texts[1] ?? ''),
  GITHUB_EVENT_NAME: inVariable(texts[2] ?? ''),
  GITHUB_WORKFLOW_REF: inVariable(texts[3] ?? ''),
  RUNNER_ENVIRONMENT: inVariable(texts[4] ?? ''),
  GITHUB_WORKFLOW: inVariable(texts[5] ?? ''),
});
const RUN_CLAIMS = 'github_ref github_actor github_event_name github_workflow_ref github_runner_environment';

const WAYS: Way[] = [
  {
    what: 'a refusal of the API',
    step: (emulator, texts) => {
      status(emulator, 'createClient', texts);
      return {};
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'a refusal of the token endpoint, as plain text',
    step: (emulator, [text = '']) => {
      emulator.faults.add({ operation: 'token', fault: { kind: 'status', status: 401, body: `x ${text}` } });
      return {};
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'a page instead of a response',
    step: (emulator, texts) => {
      const headers = { 'content-type': 'text/html', 'www-authenticate': inHeader(texts[0] ?? '') };
      emulator.faults.add({
        operation: 'listClients',
        fault: { kind: 'status', status: 404, headers, body: `<html>${texts.join('')}` },
      });
      return {};
    },
    exitCode: 1,
    shown: ['nowhere'],
  },
  {
    what: 'the target of a redirect',
    step: (emulator, texts) => {
      emulator.faults.add({
        operation: 'listClients',
        fault: { kind: 'redirect', location: `/${inHeader(texts.join(''))}` },
      });
      return {};
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'a client that is in the way',
    step: (emulator, texts) => {
      seedEarlier(emulator, hostileFields(texts), {});
      return { inputs: { on_existing: 'fail' } };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'a client that has too much',
    step: (emulator, texts) => {
      seedEarlier(emulator, hostileFields(texts), {});
      return { inputs: { on_existing: 'reuse', description: 'b' } };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'a client that is corrected',
    step: (emulator, texts) => {
      seedEarlier(emulator, hostileFields(texts), {});
      return { inputs: { scopes: 'a', audience: 'b', custom_claims: 'c=d' } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    what: 'a client of which a plan is shown',
    step: (emulator, texts) => {
      seedEarlier(emulator, hostileFields(texts), {});
      return {
        inputs: {
          dry_run: 'true',
          scopes: 'a',
          audience: 'b',
          custom_claims: 'c=d',
          description: inVariable(texts[2] ?? '') || 'x',
        },
      };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    what: 'name, description, environment, audience and claims that are asked for',
    step: (_, all) => {
      const texts = all.map(inVariable);
      const custom_claims = jsonInput(Object.fromEntries(texts.map((text, at) => [`k${at} ${text}`, text])));
      const [name = '', description = '', environment = ''] = texts.map((text) => `x ${text}`);
      return { inputs: { name, description, environment, audience: jsonInput(texts), custom_claims } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    what: 'every input',
    step: (_, all) => {
      const texts = all.map((text) => `x ${inVariable(text)}`);
      const names = [
        'expiry',
        'scopes',
        'client_id',
        'lifetime',
        'on_existing',
        'timeout',
        'repository',
        'save_as',
        'verify',
        'keep_secrets',
        'repository_claims',
        'organization_id',
        'scalekit_environment_url',
      ];
      return { inputs: Object.fromEntries(names.map((name, at) => [name, texts[at % texts.length] ?? ''])) };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'the names of branch, actor, event and workflow',
    step: (_, texts) => ({
      inputs: { lifetime: 'job', repository_claims: RUN_CLAIMS },
      env: variablesOf(texts),
    }),
    exitCode: 0,
    shown: ['summary'],
  },
  {
    what: 'what only a runner sets',
    step: (_, [one = '', two = '']) => ({
      inputs: { repository: 'acme/other', github_token: ['gh', 'fake'].join('_') },
      env: {
        GITHUB_REPOSITORY: inVariable(one),
        GITHUB_API_URL: inVariable(two),
        GITHUB_RUN_ID: inVariable(one),
        GITHUB_RUN_ATTEMPT: inVariable(two),
      },
    }),
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'the access token of the new credentials',
    step: (emulator, texts) => {
      emulator.behaviour.tokenChanges = (payload) =>
        payload.oid
          ? { ...payload, oid: texts[0], sub: texts[1], scopes: texts, custom_claims: { [texts[2] ?? '']: texts[3] } }
          : payload;
      return {};
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'the environment that an ID token names',
    step: (emulator, [environment, actor, ref]) => {
      Object.assign(emulator.github.idTokenClaims, { environment, actor, ref });
      return {
        inputs: { lifetime: 'job', repository_claims: 'environment github_actor github_ref' },
        env: emulator.github.idTokenVariables,
      };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    what: 'an ID token that contradicts the runner',
    step: (emulator, [repository, repository_id, environment]) => {
      Object.assign(emulator.github.idTokenClaims, { repository, repository_id, run_id: repository, environment });
      return { inputs: { environment: 'x' }, env: emulator.github.idTokenVariables };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'a refusal of GitHub',
    step: (emulator, texts) => {
      gitHubStatus(emulator, 'putActionsSecret', texts);
      return { inputs: savingIn(emulator) };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'a saved variable that cannot be put back',
    step: (emulator, texts) => {
      seedEarlier(emulator, {}, {});
      emulator.github.repository(REPOSITORY).setVariable(STATE, stateValue(emulator, 'sks_1'));
      emulator.github.repository(REPOSITORY).setVariable(VARIABLE, texts[4] ?? '');
      gitHubStatus(emulator, 'putActionsSecret', texts);
      gitHubStatus(emulator, 'updateVariable', texts, 3);
      return { inputs: savingIn(emulator) };
    },
    exitCode: 1,
    shown: ['log', 'post'],
  },
  {
    what: 'what GitHub says about another repository',
    step: (emulator, [one = '', two = '']) => {
      emulator.github.addRepository('acme/other', { customProperties: { team: one, tier: two } });
      const inputs = {
        repository: 'acme/other',
        github_token: emulator.github.token,
        environment: `x ${inVariable(two)}`,
      };
      return {
        inputs: { ...inputs, repository_claims: 'github_repo_property_team github_repo_property_tier environment' },
      };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    what: 'the ids of a response',
    step: (emulator, texts) => {
      const edit = ({ client, ...answer }: { client: object }) => ({
        ...answer,
        client: { ...client, client_id: `m2morg_${texts[0]}\n`, organization_id: texts[1] },
      });
      emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
      return {};
    },
    exitCode: 0,
    shown: ['nowhere'],
  },
  {
    what: 'an external id of the organization',
    step: (_, [text = '']) => {
      const id = `x ${inVariable(text).replaceAll('\n', ' ')}`;
      return { inputs: { organization_id: '', organization_external_id: id } };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'a refusal of what the post step asks for',
    step: (emulator, texts) => {
      status(emulator, 'deleteClient', texts);
      return { inputs: { lifetime: 'job' } };
    },
    exitCode: 0,
    shown: ['post'],
  },
  {
    what: 'a refusal of what delete/ asks for',
    step: (emulator, texts) => {
      seedEarlier(emulator, hostileFields(texts), {});
      status(emulator, 'deleteClient', texts);
      return { action: 'delete' };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    what: 'environment and saved credentials that delete/ deletes',
    step: (emulator, [text = '']) => {
      const environment = `x ${inVariable(text)}`.trim();
      const location = emulator.github.repository(REPOSITORY).addEnvironment(environment);
      location.setVariable(STATE, stateValue(emulator, 'sks_1', { environment }));
      location.setVariable(VARIABLE, 'm2morg_1');
      location.setSecret(SAVED, ['fake', 'saved'].join('-'));
      return { action: 'delete', inputs: { ...savingIn(emulator, 'environment'), environment } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    what: 'clients and runs that sweep/ looks at',
    step: (emulator, texts) => {
      for (const [at, text] of texts.entries())
        emulator.seed(
          { name: text, description: `${text}\n${markerLine({ lifetime: 'job' }, { run: `${at + 1}.1` })}` },
          {},
        );
      const edit = (answer: object) => ({ ...answer, status: texts[0] });
      for (let id = 1; id <= texts.length; id++) emulator.github.addRun(REPOSITORY, { id });
      emulator.faults.add({ operation: 'getRun', fault: { kind: 'edit', edit } });
      return { action: 'sweep', inputs: { github_token: emulator.github.token } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    what: 'clients, repositories and environments that audit/ looks at',
    step: (emulator, texts) => {
      for (const [at, text] of texts.entries()) {
        const description = `${text}\n${markerLine({}, { repo: `${at + 1}`, by: `${at + 1}` })}`;
        const custom_claims = [
          { key: 'environment', value: text },
          { key: 'github_repository', value: text },
        ];
        emulator.seed({ name: text, description, custom_claims }, {});
        if (at > 0) emulator.github.addRepository(`acme/service-${at}`, { id: at + 1 });
      }
      gitHubStatus(emulator, 'getEnvironment', texts);
      return { action: 'audit', inputs: { github_token: emulator.github.token } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    what: 'refusals that sweep/ meets',
    step: (emulator, texts) => {
      const HOUR = 3_600_000;
      for (const id of [1, 2]) {
        const description = markerLine({ lifetime: 'job' }, { run: `${id}.1` });
        emulator.seed({ name: texts[id] ?? '', description }, { ageMs: id === 1 ? 40 * 24 * HOUR : HOUR });
      }
      status(emulator, 'deleteClient', texts);
      gitHubStatus(emulator, 'getRun', texts);
      return { action: 'sweep', inputs: { github_token: emulator.github.token, dry_run: 'false' } };
    },
    exitCode: 1,
    shown: ['log', 'summary'],
  },
];

describe('a hostile text', () => {
  it.each(WAYS)('in $what stays a text', async ({ step, exitCode, shown }) => {
    const texts = fc.array(hostile, { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(texts, async (texts) => {
        const emulator = await startEmulator();
        try {
          const read = await run(emulator, step(emulator, texts));
          expect([read.exitCode, read.lines]).toEqual([exitCode, read.lines]);
          const outputs: Record<Channel, string[]> = {
            log: read.lines,
            summary: read.codes,
            post: read.posted,
            nowhere: [],
          };
          for (const channel of shown.filter((channel) => channel !== 'nowhere'))
            expect([channel, outputs[channel].join('\n')]).toEqual([channel, expect.stringContaining(SIGN)]);
          if (shown.includes('nowhere')) expect(read.lines.join('\n')).not.toContain(SIGN);
        } finally {
          await emulator.close();
        }
      }),
      // Do not shrink a failing case: that would start dozens of processes.
      { numRuns: 1, endOnFailure: true },
    );
  });

  it('in an external id of several lines begins no line of the error', async () => {
    const emulator = await startEmulator();
    try {
      const inputs = {
        organization_id: '',
        organization_external_id: 'x\n::error::y\nRemoved again: client m2morg_1.',
      };
      const read = await run(emulator, { inputs });
      expect([read.exitCode, errors(read)]).toEqual([1, [expect.not.stringContaining('\n')]]);
    } finally {
      await emulator.close();
    }
  });

  it.each([0, 1, 2])('of each kind (part %i of 3) stays one in log, summary and plan', async (part) => {
    const texts = PIECES.filter((_, at) => at % 3 === part).map((piece) => `${SIGN}${piece}${SIGN}`);
    const emulator = await startEmulator();
    try {
      const inputs = {
        name: `::add-mask::${SIGN}`,
        custom_claims: jsonInput(Object.fromEntries(texts.map((text, at) => [`k${at}`, inVariable(text)]))),
      };
      const made = await run(emulator, { inputs: { ...inputs, audience: jsonInput(texts.map(inVariable)) } });
      for (const at of texts.keys()) expect(made.codes.some((code) => code.startsWith(`k${at}=${SIGN}`))).toBe(true);
      emulator.faults.add({
        operation: 'listClients',
        fault: {
          kind: 'edit',
          edit: ({ clients, ...page }) => ({
            ...page,
            clients: clients.map((client: object) => ({ ...client, name: texts.join(''), scopes: texts })),
          }),
        },
      });
      const planned = await run(emulator, { inputs: { ...inputs, dry_run: 'true', scopes: 'a', audience: 'b' } });
      expect(planned.lines.join('\n')).toContain(`    scopes: from "${SIGN}`);
      const failed = await run(emulator, { inputs: { ...inputs, on_existing: 'fail' } });
      expect([made.exitCode, planned.exitCode, failed.exitCode]).toEqual([0, 0, 1]);
    } finally {
      await emulator.close();
    }
  });

  it('in a cell of the summary is that text, and nothing else, cut to 200 characters', () => {
    const text = fc.oneof(
      hostile,
      fc.array(hostile).map((all) => all.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 60, size: 'max' }), (values) => {
        const codes = readSummary(`<table><tr><td>${cell(values)}</td></tr></table>\n`);
        expect(codes.length).toBe(Math.min(values.length, 50));
        for (const [at, code] of codes.entries()) {
          const plain = (values[at] ?? '')
            .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ')
            .replaceAll('##[', '## [');
          const characters = [...plain];
          expect(code).toBe(characters.length > 200 ? `${characters.slice(0, 199).join('')}…` : plain);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('with a real environment,', () => {
  let emulator: Emulator;
  beforeEach(async () => {
    emulator = await startEmulator();
  });
  afterEach(() => emulator.close());

  const createdWith = (plain_secret: string) =>
    emulator.faults.add({
      operation: 'createClient',
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, plain_secret }) },
    });

  it.each([
    ['symbols', '=<<%,:;"\\\'`$(id)'],
    ['markup', `${SIGN}<img/src=x>[x](http://e.example)&amp;`],
    ['commands', `${SIGN}::add-mask::a##[error]x%0A::error::y`],
    ['white space around it', ` \n${SIGN}-secret\t\n`],
  ])('a secret that is made of %s is published to the letter, masked, and seen nowhere', async (_, plain_secret) => {
    createdWith(plain_secret);
    const { entries, masks, exitCode, lines, codes } = await run(emulator, { inputs: { verify: 'false' } });
    const [client] = emulator.clients();
    expect([exitCode, entries]).toEqual([
      0,
      [
        ['client_id', client?.client_id],
        ['secret', plain_secret.trim()],
        ['secret_id', client?.secrets?.[0]?.id],
        ['organization_id', emulator.organization.id],
        ['result', 'created'],
      ],
    ]);
    expect(masks).toContain(plain_secret.trim());
    expect([...lines, ...codes].join('\n')).not.toContain(plain_secret.trim());
  });

  it.each([
    ['delimiters', `${SIGN}ghadelimiter_\nEOF\nsecret<<EOF\nx\nEOF\nresult=created\n`],
    ['commands', `${SIGN}\n::add-mask::a\r::stop-commands::tok\r\n##[error]x%0A::error::y`],
    ['control characters', `${SIGN}\x1b[31m\x07\x9b\0\x7f\u2028\u202e\t${SIGN}`],
    ['words', `${SIGN} and ${SIGN}`],
    ['characters outside ASCII', `${SIGN}äöü`],
    ['a hundred thousand lines', Array.from({ length: 100_000 }, (_, at) => `line/${100_000 + at}é`).join('\n')],
  ])('a secret that is made of %s is refused, seen nowhere, and its client removed', async (_, plain_secret) => {
    createdWith(plain_secret);
    emulator.faults.add({ operation: 'addSecret', fault: { kind: 'status', status: 400, body: { code: 3 } } });
    const { entries, exitCode, lines, annotations } = await run(emulator, { inputs: { verify: 'false' } });
    expect({ exitCode, entries, clients: emulator.clients() }).toEqual({ exitCode: 1, entries: [], clients: [] });
    const shown = [...lines, JSON.stringify(annotations)].join('\n');
    for (const line of plain_secret
      .split(/[\r\n]+/)
      .filter((line) => line.length >= 8)
      .slice(0, 100))
      expect(shown).not.toContain(line);
  });

  it('a secret that is too long is refused, and yet never repeated', async () => {
    const plain_secret = `${SIGN}${'x'.repeat(49_152)}`;
    emulator.faults.add(
      { operation: 'createClient', fault: { kind: 'edit', edit: (answer) => ({ ...answer, plain_secret }) } },
      { operation: 'addSecret', fault: { kind: 'status', status: 400, body: { code: 3, message: plain_secret } } },
    );
    const { entries, exitCode, lines, annotations } = await run(emulator, { inputs: { verify: 'false' } });
    expect([exitCode, entries, emulator.clients()]).toEqual([1, [], []]);
    expect(JSON.stringify([lines, annotations])).not.toContain('x'.repeat(20));
  });

  it('an access token that is too long to be masked in every form is not published', async () => {
    const access_token = 'x'.repeat(49_153);
    const where = ({ text }: { text: string }) => text.includes('client_id=m2morg_');
    emulator.faults.add({
      operation: 'token',
      where,
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, access_token }) },
    });
    const { entries, exitCode, annotations } = await run(emulator, { inputs: { access_token: 'true' } });
    expect([exitCode, entries, emulator.clients()]).toEqual([1, [], []]);
    expect(annotations).toEqual([
      { kind: 'error', message: expect.stringContaining('its access_token is not 8 characters to 48 KiB') },
    ]);
  });

  it('an access token of any printable characters is one of seven outputs, to the letter', async () => {
    const access_token = `${SIGN}ghadelimiter_x<<EOF::add-mask::a##[error]%0A"'\\<b>&|=;$()`;
    const where = ({ text }: { text: string }) => text.includes('client_id=m2morg_');
    emulator.faults.add({
      operation: 'token',
      where,
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, access_token, expires_in: '60' }) },
    });
    const { entries, exitCode, lines } = await run(emulator, { inputs: { access_token: 'true' } });
    const names = [
      'client_id',
      'secret',
      'secret_id',
      'organization_id',
      'result',
      'access_token',
      'access_token_expires_at',
    ];
    expect([exitCode, entries.map(([name]) => name)]).toEqual([0, names]);
    expect(Object.fromEntries(entries)).toMatchObject({
      access_token,
      access_token_expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(lines.join('\n')).not.toContain(access_token);
  });

  it.each(['a\n::add-mask::a', 'a\rb: c', 'a b', '\x1b[31m', 'ä', ''])(
    'no access token is taken that could not stand in a header: %j',
    async (access_token) => {
      emulator.faults.add({
        operation: 'token',
        fault: {
          kind: 'edit',
          edit: (answer) => ({
            ...answer,
            access_token: `${access_token}${access_token && SIGN}`,
          }),
        },
      });
      const read = await run(emulator, {});
      expect([read.exitCode, read.entries, sentTo(emulator, 'listClients')]).toEqual([1, [], []]);
    },
  );

  it('the output of delete/ and of sweep/ is the ids, whatever the clients are called', async () => {
    for (const action of ['delete', 'sweep']) {
      const lifetime = action === 'delete' ? 'persistent' : 'job';
      const ids = ['\ndeleted<<EOF\nx\nEOF\n', '::add-mask::a'].map((name) => {
        const description = `${name}\n${markerLine({ lifetime }, { run: '1.1' })}`;
        return emulator.seed({ name, description }, { ageMs: 40 * 24 * 3_600_000 }).client.client_id;
      });
      const inputs: Record<string, string> =
        action === 'sweep' ? { github_token: emulator.github.token, dry_run: 'false' } : {};
      const read = await run(emulator, { action, inputs });
      expect([read.exitCode, read.entries.map(([name, value]) => [name, value.split(' ').sort()])]).toEqual([
        0,
        [['deleted', ids.sort()]],
      ]);
    }
  });

  it('the summary stays below the 1 MiB that GitHub takes, however much there is to report', async () => {
    const long = (at: number) => `${at}${'"&\u{1f600}'.repeat(100)}`;
    const many = Array.from({ length: 60 }, (_, at) => long(at));
    seedEarlier(
      emulator,
      {
        scopes: many,
        audience: many,
        custom_claims: many.map((value, at) => ({ key: `k${at}`, value })),
        name: long(0),
      },
      {},
    );
    for (let at = 0; at < 250; at++) {
      const description = markerLine({ lifetime: 'job' }, { run: `${1 + (at % 5)}.1` });
      emulator.seed({ name: long(at), description }, {});
    }
    const steps: Step[] = [
      { inputs: { dry_run: 'true', scopes: 'a', audience: 'b', custom_claims: 'c=d' } },
      {
        inputs: {
          custom_claims: JSON.stringify(Object.fromEntries(many.map((value, at) => [`k${at}`, value]))),
          audience: JSON.stringify(many),
          scopes: 'a',
          // A token with all of that would be too long.
          verify: 'false',
        },
      },
      { action: 'sweep', inputs: { github_token: emulator.github.token, max_deletions: '1000' } },
      { action: 'audit', inputs: { github_token: emulator.github.token } },
    ];
    for (const step of steps) {
      const read = await run(emulator, step);
      expect([read.exitCode, read.bytes > 2_000, read.bytes < 1_048_576]).toEqual([0, true, true]);
    }
  });

  describe('a state that another step forged', () => {
    const value = fc.oneof(
      hostile.map(inVariable),
      fc.constantFrom<unknown>(null, 1, true, [], {}, { toString: 1, valueOf: 1 }, [[]]),
    );
    const some = (fields: Record<string, fc.Arbitrary<unknown>>) =>
      fc.oneof(value, fc.record(fields, { requiredKeys: [] }));
    const origin = fc.oneof(value, fc.constantFrom('https://e.example', 'javascript:x', ''));
    const forged = some({
      origin,
      organization_id: value,
      nonce: value,
      run: fc.oneof(value, fc.constant('17345678901.1')),
      lifetime: value,
      seal: value,
      client: some({ id: value, sent_at: value, sent_again: value, secret_ids: value }),
      secret: some({ client_id: value, nonce: value, known_ids: value, outcome_unknown: value, id: value }),
      process: some({ pid: value, started: value }),
      journal_file: value,
      counter: value,
      variables: some({
        api: origin,
        location: some({
          repository: value,
          environment: value,
          state_variable: value,
          id_variable: value,
          secret: value,
        }),
        before: some({ client_id: value, state: value, secretTime: value }),
        written: some({ client_id: value, state: value }),
      }),
    });
    const DEEP = `{"client":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;

    it('is reported in warnings, sends nothing, and fails no job', async () => {
      const executed = await runAction(emulator, { inputs: { organization_id: 'x' } });
      const post = async (client: string) => {
        const posted = await executed.post({ state: { client } });
        const { lines } = checkRun(emulator, posted);
        expect([
          posted.exitCode,
          emulator.requests,
          posted.annotations.map(({ kind }) => kind),
          lines.length > 0,
        ]).toEqual([0, [], expect.not.arrayContaining(['error']), true]);
        // A person could send a token to an address in a suggested call, so a forged one must not appear.
        expect(lines.join('\n')).not.toMatch(/(DELETE|PATCH) https?:/);
      };
      const { url: origin, organization } = emulator;
      const client = { id: 'm2morg_1', sent_at: 1, sent_again: false };
      const state = {
        origin,
        organization_id: organization.id,
        nonce: 'x',
        run: '17345678901.1',
        lifetime: 'job',
        client,
      };
      for (const seal of ['x', undefined]) await post(JSON.stringify({ ...state, seal }));
      for (const text of [DEEP, '{', 'null', '[]', '"x"', `${SIGN}\n::error::x`, '{"__proto__":{"client":{}}}'])
        await post(text);
      await fc.assert(
        fc.asyncProperty(forged, async (state) => post(JSON.stringify(state))),
        { numRuns: 6, endOnFailure: true },
      );
    });
  });

  describe('a runner', () => {
    const HOSTILE = `/nowhere/${SIGN}\r::add-mask::a\u001b[31m##[error]\u202e`;
    const ACTIONS = ['', 'delete', 'sweep', 'audit'];
    const inputsOf = (action: string): Record<string, string> =>
      action === 'sweep' ? { github_token: emulator.github.token } : {};

    it.each(ACTIONS)('without a file for outputs fails the step, and nothing new stays behind (%s)', async (action) => {
      for (const GITHUB_OUTPUT of ['/nowhere/output', root, HOSTILE]) {
        const read = await run(emulator, { action, inputs: inputsOf(action), env: { GITHUB_OUTPUT } });
        expect([read.exitCode, emulator.clients()]).toEqual([1, []]);
        expect(errors(read)).toEqual([expect.stringMatching(/^Could not set the outputs: /)]);
      }
    });

    it('without a file for state fails the step before anything is made', async () => {
      for (const GITHUB_STATE of ['/nowhere/state', root, HOSTILE]) {
        const read = await run(emulator, { env: { GITHUB_STATE } });
        expect([read.exitCode, read.entries, sentTo(emulator, 'createClient')]).toEqual([1, [], []]);
        expect(errors(read)).toEqual([expect.stringMatching(/^Could not write the state for the post step: /)]);
      }
    });

    it.each(ACTIONS)('without a file for the summary says so, and the step does its work (%s)', async (action) => {
      for (const GITHUB_STEP_SUMMARY of ['', root, HOSTILE]) {
        const read = await run(emulator, { action, inputs: inputsOf(action), env: { GITHUB_STEP_SUMMARY } });
        expect([read.exitCode, read.entries.length > 0, read.annotations]).toEqual([0, true, []]);
        expect(read.lines.join('\n')).toContain('The job summary could not be written: ');
      }
    });

    it.each<[what: string, payload: string | undefined]>([
      ['none', undefined],
      ['null', 'null'],
      ['a list', '[]'],
      ['20 MB', JSON.stringify({ a: 'x'.repeat(20_000_000), head_commit: { message: HOSTILE } })],
    ])('whose payload of the event is %s changes nothing', async (what, payload) => {
      const GITHUB_EVENT_PATH = path.join(root, what);
      if (payload !== undefined) writeFileSync(GITHUB_EVENT_PATH, payload);
      const read = await run(emulator, { inputs: savingIn(emulator), env: { GITHUB_EVENT_PATH } });
      expect([read.exitCode, read.annotations, read.entries.length]).toEqual([0, [], 5]);
    });

    it.each([
      ['rubbish', `{"pull_request": ${SIGN}\n::error::x`],
      ['a hundred thousand arrays', '['.repeat(100_000)],
    ])('whose payload of the event is no JSON saves nothing, since Octokit reads it: %s', async (what, payload) => {
      const GITHUB_EVENT_PATH = path.join(root, what);
      writeFileSync(GITHUB_EVENT_PATH, payload);
      const message =
        'Bad input: GITHUB_EVENT_PATH: names a file that is not JSON; expected the event, as the runner writes it';
      const read = await run(emulator, { inputs: savingIn(emulator), env: { GITHUB_EVENT_PATH } });
      expect(read).toMatchObject({ exitCode: 1, annotations: [{ kind: 'error', message }] });
      expect(emulator.requests).toEqual([]);
      const other = await run(emulator, { env: { GITHUB_EVENT_PATH } });
      expect(other).toMatchObject({ exitCode: 0, annotations: [] });
    });

    it.each([
      'https_proxy',
      'no_proxy',
      'NODE_EXTRA_CA_CERTS_',
      'GITHUB_SERVER_URL',
      'RUNNER_TEMP',
      'GITHUB_RETENTION_DAYS',
    ])('with a hostile %s prints nothing of it as a command', async (name) => {
      const inputs: Record<string, string> =
        name === 'https_proxy' ? { scalekit_environment_url: 'https://acme.example', timeout: '5' } : {};
      const read = await run(emulator, { inputs, env: { [name]: HOSTILE } });
      expect([read.exitCode, errors(read).length]).toEqual(name === 'https_proxy' ? [1, 1] : [0, 0]);
    });
  });
});
