import { expect, it, jest } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';
import { escapeInvisible } from '../../src/output/text.ts';
import { errors, markerLine, savingIn, seedEarlier } from '../support/action.ts';
import { type CheckedRun, SIGN, useCheckedRuns } from '../support/checked-run.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectSucceeded } from '../support/outcomes.ts';
import { ID, REPOSITORY, repositoryOf, SECRET, STATE, stateValue } from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// Texts of users and servers that a runner, a terminal, a browser or a later step could interpret. useCheckedRuns() checks
// that none of them becomes a command, markup, an output or a control character.

// Each test starts several processes, at the same time as other test files.
jest.setTimeout(60_000);

const emulator = useEmulator();
const run = useCheckedRuns();

/** The pieces that one run meets in each field that can hold a text. */
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
  '#\u200f#[error]x',
  '\u0085::error::x',
  '\u2028::error::x',
];
const TERMINAL = ['\x1b[31mred\x1b[0m', '\x1b]8;;http://e.example\x07x', '\x9b31m', '\b\b', '\x7f'];
const SIGHT = ['\u202etxt.exe', '\u2066x\u2069', '\u061c', '\ufeff', '\u0301', '\t'];
const MARKUP = [
  '[x](http://e.example)',
  '\n\n![](http://e.example/a.png)\n\n',
  '``` \n```',
  '\n| a |\n|---|\n',
  '\n\n# Title\n\n',
  '<img src=x onerror=alert(1)>',
  '<a href="http://e.example">x</a>',
  '<!--',
  '</code></td></tr></table>',
  "'><b>",
  '&lt;img src=x&gt;',
  '@octocat',
];
const FILES = ['ghadelimiter_', '\nEOF\n', '\nsecret<<EOF\nx\nEOF\n', '\nresult=created\n'];
const OTHER = ['$(id)', '%25', '%0D', '"', '\\u001b'];
const PIECES = [...COMMANDS, ...TERMINAL, ...SIGHT, ...MARKUP, ...FILES, ...OTHER];

/** What each source of texts contains: in each text a command, and something for a terminal, a browser or a file. */
const TEXTS = [
  `${SIGN}\n::add-mask::a<img src=x onerror=alert(1)>`,
  `\r::error file=x,line=1::y${SIGN}\x1b[31m`,
  `##[error]x ${SIGN}\u2028::error::x\u202e`,
  `${SIGN}%0A::set-output name=secret::x</code></td></tr></table>`,
  `\n##[group]x ${SIGN}\nsecret<<EOF\nx\nEOF\n`,
  `${SIGN}\r\n::stop-commands::tok![](http://e.example/a.png)\0`,
] as const;
/** TEXTS without the character that an environment variable, and so an input, cannot contain. */
const VARIABLE_TEXTS = TEXTS.map((text) => text.replaceAll('\0', ''));

/** Returns a value as JSON with invisible characters escaped, as an input has to write them. */
const jsonInput = (value: unknown): string => escapeInvisible(JSON.stringify(value));
/** Removes what Node.js does not accept in the value of a header. */
const inHeader = (text: string): string => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');

/** The output that must contain a text, which proves that the action received it. */
type Channel = 'log' | 'summary' | 'post';

interface Source {
  /** Completes "a text of …". */
  source: string;
  /** Prepares the emulator. @returns the step */
  step: (emulator: Emulator) => Step;
  exitCode: 0 | 1;
  /** Empty if no output may contain a text. */
  shown: Channel[];
}

/** Makes Scalekit refuse an operation. Each text of the refusal is hostile. */
function refuse({ faults }: Emulator, operation: Operation): void {
  const [message, error, error_description, error_code, field, description] = TEXTS;
  const violations = { validation_error_info: { field_violations: [{ field, description }] } };
  const body = { code: 3, message, error, error_description, details: [{ error_code, ...violations }] };
  const headers = { 'www-authenticate': inHeader(message) };
  faults.add({ operation, fault: { kind: 'status', status: 400, headers, body } });
}

/** Makes GitHub refuse an operation, from the call with this number on. Each text of the refusal is hostile. */
function refuseByGitHub({ faults }: Emulator, operation: Operation, call = 1): void {
  const [message, documentation_url, first, second] = TEXTS;
  const body = { message, documentation_url, errors: [first, { message: second }] };
  faults.add({ operation, call, times: 9, fault: { kind: 'status', status: 422, body } });
}

const RUN_CLAIMS = 'github_ref github_actor github_event_name github_workflow_ref github_runner_environment';
/** Inputs with which each text of seedHostile() differs from what is wanted. */
const OTHER_FIELDS = { scopes: 'a', audience: 'b', custom_claims: 'c=d' };

/** Adds a client of an earlier run whose fields are hostile. */
function seedHostile(emulator: Emulator): void {
  const custom_claims = TEXTS.map((value, at) => ({ key: `k${at} ${value}`.slice(0, 100), value }));
  const description = `${TEXTS[1]}\n${markerLine()}`;
  const fields = { name: TEXTS[0], description, scopes: [...TEXTS], audience: [...TEXTS], custom_claims };
  seedEarlier(emulator, fields, {});
}

const SOURCES: Source[] = [
  {
    source: 'a refusal of the API',
    step: (emulator) => {
      refuse(emulator, 'createClient');
      return {};
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    source: 'a refusal of the token endpoint without JSON',
    step: ({ faults }) => {
      faults.add({ operation: 'token', fault: { kind: 'status', status: 401, body: `x ${TEXTS[0]}` } });
      return {};
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    source: 'a client whose drift is corrected',
    step: (emulator) => {
      seedHostile(emulator);
      return { inputs: OTHER_FIELDS };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    source: 'the fields that are requested',
    step: () => {
      const custom_claims = jsonInput(Object.fromEntries(VARIABLE_TEXTS.map((text, at) => [`k${at} ${text}`, text])));
      const [name = '', description = '', environment = ''] = VARIABLE_TEXTS.map((text) => `x ${text}`);
      return { inputs: { name, description, environment, audience: jsonInput(VARIABLE_TEXTS), custom_claims } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    source: 'bad inputs',
    step: () => {
      const names = [
        ...['expiry', 'scopes', 'client_id', 'lifetime', 'on_existing', 'timeout', 'repository', 'save_as', 'verify'],
        ...['keep_secrets', 'repository_claims', 'organization_id', 'scalekit_environment_url'],
      ];
      const text = (at: number) => `x ${VARIABLE_TEXTS[at % VARIABLE_TEXTS.length]}`;
      return { inputs: Object.fromEntries(names.map((name, at) => [name, text(at)])) };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    source: 'an external id of the organization',
    step: () => {
      const organization_external_id = `x ${VARIABLE_TEXTS[3]}`;
      return { inputs: { organization_id: '', organization_external_id } };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    source: 'the branch, the actor, the event and the workflow',
    step: () => {
      const [ref, actor, event, workflowRef, environment, workflow] = VARIABLE_TEXTS;
      return {
        inputs: { lifetime: 'job', repository_claims: RUN_CLAIMS },
        env: {
          GITHUB_REF: `refs/heads/${ref}`,
          GITHUB_ACTOR: actor,
          GITHUB_EVENT_NAME: event,
          GITHUB_WORKFLOW_REF: workflowRef,
          RUNNER_ENVIRONMENT: environment,
          GITHUB_WORKFLOW: workflow,
        },
      };
    },
    exitCode: 0,
    shown: ['summary'],
  },
  {
    source: 'variables that only a runner sets',
    step: () => ({
      inputs: { repository: 'acme/other', github_token: ['gh', 'fake'].join('_') },
      env: {
        GITHUB_REPOSITORY: VARIABLE_TEXTS[0],
        GITHUB_API_URL: VARIABLE_TEXTS[1],
        GITHUB_RUN_ID: VARIABLE_TEXTS[2],
        GITHUB_RUN_ATTEMPT: VARIABLE_TEXTS[3],
      },
    }),
    exitCode: 1,
    shown: ['log'],
  },
  {
    source: 'the access token of the new credentials',
    step: ({ behaviour }) => {
      const [oid, sub, key, value] = TEXTS;
      behaviour.tokenChanges = (payload) =>
        payload.oid ? { ...payload, oid, sub, scopes: TEXTS, custom_claims: { [key]: value } } : payload;
      return {};
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    source: 'an ID token',
    step: ({ github }) => {
      const [environment, actor, ref] = TEXTS;
      Object.assign(github.idTokenClaims, { environment, actor, ref });
      return {
        inputs: { lifetime: 'job', repository_claims: 'environment github_actor github_ref' },
        env: github.idTokenVariables,
      };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    source: 'a refusal of GitHub',
    step: (emulator) => {
      refuseByGitHub(emulator, 'putActionsSecret');
      return { inputs: savingIn(emulator) };
    },
    exitCode: 1,
    shown: ['log'],
  },
  {
    source: 'a saved variable that cannot be restored',
    step: (emulator) => {
      seedEarlier(emulator, {}, {});
      repositoryOf(emulator).setVariable(STATE, stateValue(emulator, 'sks_1'));
      repositoryOf(emulator).setVariable(ID, TEXTS[4]);
      refuseByGitHub(emulator, 'putActionsSecret');
      refuseByGitHub(emulator, 'updateVariable', 3);
      return { inputs: savingIn(emulator) };
    },
    exitCode: 1,
    shown: ['log', 'post'],
  },
  {
    source: 'the ids in a response',
    step: ({ faults }) => {
      const edit = ({ client, ...response }: { client: object }) => ({
        ...response,
        client: { ...client, client_id: `m2morg_${TEXTS[0]}\n`, organization_id: TEXTS[1] },
      });
      faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
      return {};
    },
    exitCode: 0,
    shown: [],
  },
  {
    source: 'a refusal in the post step',
    step: (emulator) => {
      refuse(emulator, 'deleteClient');
      return { inputs: { lifetime: 'job' } };
    },
    exitCode: 0,
    shown: ['post'],
  },
  {
    source: 'the environment whose saved credentials delete/ deletes',
    step: (emulator) => {
      const environment = `x ${VARIABLE_TEXTS[0]}`;
      const location = repositoryOf(emulator).addEnvironment(environment);
      location.setVariable(STATE, stateValue(emulator, 'sks_1', { environment }));
      location.setVariable(ID, 'm2morg_1');
      location.setSecret(SECRET, ['fake', 'saved'].join('-'));
      return { action: 'delete', inputs: { ...savingIn(emulator, 'environment'), environment } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    source: 'the clients and runs that sweep/ reads',
    step: (emulator) => {
      for (const [at, text] of TEXTS.entries()) {
        const description = `${text}\n${markerLine({ lifetime: 'job' }, { run: `${at + 1}.1` })}`;
        emulator.seed({ name: text, description }, {});
        emulator.github.addRun(REPOSITORY, { id: at + 1 });
      }
      const edit = (response: object) => ({ ...response, status: TEXTS[0] });
      emulator.faults.add({ operation: 'getRun', fault: { kind: 'edit', edit } });
      return { action: 'sweep', inputs: { github_token: emulator.github.token } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
  {
    source: 'the clients, repositories and environments that audit/ reads',
    step: (emulator) => {
      for (const [at, text] of TEXTS.entries()) {
        const description = `${text}\n${markerLine({}, { repo: `${at + 1}`, by: `${at + 1}` })}`;
        const custom_claims = ['environment', 'github_repository'].map((key) => ({ key, value: text }));
        emulator.seed({ name: text, description, custom_claims }, {});
        if (at > 0) emulator.github.addRepository(`acme/service-${at}`, { id: at + 1 });
      }
      refuseByGitHub(emulator, 'getEnvironment');
      return { action: 'audit', inputs: { github_token: emulator.github.token } };
    },
    exitCode: 0,
    shown: ['log', 'summary'],
  },
];

it.each(SOURCES)('lets no text of $source become a command or markup', async ({ step, exitCode, shown }) => {
  const checked = await run(emulator, step(emulator));
  const { lines, codes, posted } = checked;
  expect({ exitCode: checked.exitCode, lines }).toEqual({ exitCode, lines });
  const outputs: Record<Channel, string> = {
    log: lines.join('\n'),
    summary: codes.join('\n'),
    post: posted.join('\n'),
  };
  for (const channel of shown) expect(outputs[channel]).toContain(SIGN);
  if (shown.length === 0) expect(Object.values(outputs).join('\n')).not.toContain(SIGN);
});

it('begins no line of its error with a line of an external id', async () => {
  const organization_external_id = 'x\n::error::y\nRemoved again: client m2morg_1.';
  const checked = await run(emulator, { inputs: { organization_id: '', organization_external_id } });
  expect(checked.exitCode).toBe(1);
  expect(errors(checked)).toEqual([expect.not.stringContaining('\n')]);
});

it('shows each hostile piece of a text as text, in log, summary, plan and error', async () => {
  const texts = PIECES.map((piece) => `${SIGN}${piece}${SIGN}`);
  const inputs = {
    name: `::add-mask::${SIGN}`,
    custom_claims: jsonInput(Object.fromEntries(texts.map((text, at) => [`k${at}`, text]))),
  };
  const created = await run(emulator, { inputs: { ...inputs, audience: jsonInput(texts) } });
  expectSucceeded(created);
  for (const at of texts.keys()) expect(created.codes).toContainEqual(expect.stringMatching(`^k${at}=${SIGN}`));
  const edit = ({ clients, ...page }: { clients: object[] }) => ({
    ...page,
    clients: clients.map((client) => ({ ...client, name: texts.join(''), scopes: texts })),
  });
  emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
  const planned = await run(emulator, { inputs: { ...inputs, dry_run: 'true', scopes: 'a', audience: 'b' } });
  expectSucceeded(planned);
  expect(planned.lines.join('\n')).toContain(`    scopes: from "${SIGN}`);
  const failed = await run(emulator, { inputs: { ...inputs, on_existing: 'fail' } });
  expect(failed.exitCode).toBe(1);
});

/** Checks that a step succeeded, and that its only output is the ids of the deleted clients. */
function expectDeleted({ exitCode, entries }: CheckedRun, ids: string[]): void {
  const outputs = entries.map(([name, value]) => ({ name, ids: value.split(' ').sort() }));
  expect({ exitCode, outputs }).toEqual({ exitCode: 0, outputs: [{ name: 'deleted', ids: ids.sort() }] });
}

/** Adds two clients whose names imitate an output and a command. @returns their ids */
const seedImitations = (lifetime: 'persistent' | 'job'): string[] =>
  ['\ndeleted<<EOF\nx\nEOF\n', '::add-mask::a'].map((name) => {
    const description = `${name}\n${markerLine({ lifetime }, { run: '1.1' })}`;
    return emulator.seed({ name, description }, { ageMs: 40 * DAY }).client.client_id;
  });

it('sets the ids of clients alone as the output of delete/, although a name imitates an output', async () => {
  const ids = seedImitations('persistent');
  expectDeleted(await run(emulator, { action: 'delete' }), ids);
});

it('sets the ids of clients alone as the output of sweep/, although a name imitates an output', async () => {
  const ids = seedImitations('job');
  const inputs = { github_token: emulator.github.token, dry_run: 'false' };
  expectDeleted(await run(emulator, { action: 'sweep', inputs }), ids);
});
