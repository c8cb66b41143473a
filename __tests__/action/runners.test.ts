import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import { RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, notices, plainLines, runAction, sentTo, warnings } from '../support/action.ts';
import { FORGE_REPOSITORY_ID, type Forge, type ForgeKind, startForge, type UnknownPath } from '../support/forge.ts';
import { changesOf } from '../support/saved.ts';

// The built actions in the environment of each runner that docs/runners.md names. The variables are those that the
// sources of the runners set: withGithubEnv in act and in the copies of act that Gitea and Forgejo keep.

type Variables = Record<string, string | undefined>;

const { GITHUB_REPOSITORY: repository } = RUNNER_VARIABLES;
const NO_ID = 'This runner does not set GITHUB_REPOSITORY_ID';

let emulator: Emulator;

beforeEach(async () => (emulator = await startEmulator()));
afterEach(() => emulator.close());

/** Returns these variables, and no others of GitHub's runner. */
const exactly = (variables: Variables): Variables => ({
  ...Object.fromEntries(Object.keys(RUNNER_VARIABLES).map((name) => [name, undefined])),
  ...variables,
});

/** The variables that act and its copies set beside those that name the run and the server. */
const ACT: Variables = {
  CI: 'true',
  GITHUB_ACTION: '0',
  GITHUB_ACTION_PATH: '',
  GITHUB_ACTION_REF: '',
  GITHUB_ACTION_REPOSITORY: '',
  GITHUB_ACTIONS: 'true',
  GITHUB_ACTOR: 'nektos/act',
  GITHUB_BASE_REF: '',
  GITHUB_EVENT_NAME: 'push',
  GITHUB_GRAPHQL_URL: '',
  GITHUB_HEAD_REF: '',
  GITHUB_JOB: 'deploy',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_REF_NAME: 'main',
  GITHUB_REF_TYPE: 'branch',
  GITHUB_REPOSITORY: repository,
  GITHUB_REPOSITORY_OWNER: 'acme',
  GITHUB_RETENTION_DAYS: '0',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_RUN_ID: '1',
  GITHUB_RUN_NUMBER: '1',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_SHA: RUNNER_VARIABLES.GITHUB_SHA,
  GITHUB_WORKFLOW: 'Deploy',
  ImageOS: 'ubuntu20',
  RUNNER_ARCH: 'X64',
  RUNNER_OS: 'Linux',
  RUNNER_PERFLOG: '/dev/null',
  RUNNER_TRACKING_ID: '',
};

/** The variables of Gitea's runner. Its versions before 0.2.13 leave the attempt empty. */
const GITEA: Variables = {
  ...ACT,
  GITEA_ACTIONS: 'true',
  GITEA_ACTIONS_RUNNER_VERSION: 'v1.0.0',
  GITHUB_ACTOR: 'dev',
  GITHUB_RETENTION_DAYS: '',
  GITHUB_RUN_ATTEMPT: '',
  GITHUB_RUN_ID: '43',
  GITHUB_RUN_NUMBER: '7',
  GITHUB_TOKEN: undefined,
};

/** The variables of Forgejo's runner: each stands with both prefixes. */
const FORGEJO = withForgejo({
  ...GITEA,
  FORGEJO_ACTIONS_RUNNER_VERSION: 'v12.2.0',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_WORKFLOW_REF: `${repository}/.forgejo/workflows/deploy.yml@refs/heads/main`,
});

function withForgejo(variables: Variables): Variables {
  const copies = Object.entries(variables).map(([name, value]) => [name.replace(/^GITHUB_/, 'FORGEJO_'), value]);
  return { ...Object.fromEntries(copies), ...variables };
}

/** The runners of docs/runners.md whose API is GitHub's, and whether they know the id of the repository. */
const RUNNERS: [what: string, env: Variables, knowsId: boolean][] = [
  ['GitHub', RUNNER_VARIABLES, true],
  ['GitHub Enterprise Server', { ...RUNNER_VARIABLES, GITHUB_SERVER_URL: 'https://ghes.acme.example' }, true],
  [
    'Actions Runner Controller, in a container',
    { ...RUNNER_VARIABLES, HOME: '/github/home', RUNNER_ENVIRONMENT: 'self-hosted', RUNNER_NAME: 'arc-x7k2p' },
    true,
  ],
  ['ARM32', { ...RUNNER_VARIABLES, RUNNER_ARCH: 'ARM', RUNNER_ENVIRONMENT: 'self-hosted' }, true],
  ['act', { ...ACT, ACT: 'true' }, false],
  ['act without a folder for temporary files', { ...ACT, ACT: 'true', RUNNER_TEMP: undefined }, false],
  ['a runner that sets an empty id and no run', { ...ACT, GITHUB_REPOSITORY_ID: '', GITHUB_RUN_ID: undefined }, false],
  [
    'a runner without event, job summary and server',
    { ...ACT, GITHUB_EVENT_PATH: undefined, GITHUB_STEP_SUMMARY: undefined, GITHUB_SERVER_URL: undefined },
    false,
  ],
];

describe.each([...RUNNERS, ['Gitea', GITEA, false], ['Forgejo', FORGEJO, false]] as typeof RUNNERS)(
  'with the variables of %s',
  (_what, variables, knowsId) => {
    const step = (inputs: Record<string, string> = {}, more: Step = {}): Step => ({
      ...more,
      inputs,
      env: { ...exactly(variables), ...emulator.github.variables },
    });

    it('creates the client of a job, and the post step deletes it', async () => {
      const run = await runAction(emulator, step({ lifetime: 'job' }));
      expect({ exitCode: run.exitCode, errors: errors(run), warnings: warnings(run) }).toEqual({
        exitCode: 0,
        errors: [],
        warnings: [],
      });
      expect(notices(run).some((text) => text.includes(NO_ID))).toBe(!knowsId);
      expect(await credentialsWork(emulator, run.outputs)).toBe(true);
      const post = await run.post();
      expect({ exitCode: post.exitCode, annotations: post.annotations }).toEqual({ exitCode: 0, annotations: [] });
      expect(emulator.clients()).toEqual([]);
    });

    it('finds its persistent client again, and delete/ deletes it', async () => {
      const [first, second] = [await runAction(emulator, step()), await runAction(emulator, step())];
      expect(first.outputs.result).toBe('created');
      expect(second.outputs).toMatchObject({ result: 'rotated', client_id: first.outputs.client_id });
      const deleted = await runAction(emulator, step({}, { action: 'delete' }));
      expect({ outputs: deleted.outputs, errors: errors(deleted) }).toEqual({
        outputs: { deleted: first.outputs.client_id },
        errors: [],
      });
      expect(emulator.clients()).toEqual([]);
    });
  },
);

it('works if RUNNER_TEMP has spaces and letters of any language', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'Läufer 1 (x86) '));
  try {
    const run = await runAction(emulator, { inputs: { lifetime: 'job' }, env: { RUNNER_TEMP: folder } });
    expect(run.exitCode).toBe(0);
    expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe.each<[name: string, kind: ForgeKind, variables: Variables]>([
  ['Gitea', 'gitea', GITEA],
  ['Gitea before 1.27', 'old gitea', GITEA],
  ['Forgejo', 'forgejo', FORGEJO],
])('on %s', (_name, kind, variables) => {
  const token = ['of', 'the', 'forge', 'user'].join('-');
  const env = (forge: Forge): Variables => ({ ...exactly(variables), ...forge.variables });

  it.each<[save_to: string, environment: string, unknownPath: UnknownPath]>([
    ['repository', '', 'text'],
    ['environment', 'production', 'text'],
    ['repository', '', 'json'],
    ['environment', 'production', 'json'],
  ])(
    'save_to: %s (%s) fails before it changes anything, and says that it cannot work and what does (404 in %s)',
    async (save_to, environment, unknownPath) => {
      await using forge = await startForge(kind, unknownPath);
      for (const action of ['', 'delete']) {
        const inputs = { save_to, environment, github_token: token };
        const run = await runAction(emulator, { action, inputs, env: env(forge) });
        expect(run.exitCode).toBe(1);
        expect(errors(run).join()).toMatch(
          /^Could not read the public key for secrets of .*: HTTP 40[45].*\. Check which server answers at GITHUB_API_URL\. Gitea and Forgejo do not have GitHub's API for secrets, so save_to cannot work there, neither in the main action nor in delete\/\. Without save_to, the client, the outputs and delete\/ work\.$/,
        );
      }
      expect(changesOf(emulator)).toEqual([]);
    },
  );

  it('sweep/ asks the forge about the run, and deletes the client of a job that has ended', async () => {
    await using forge = await startForge(kind);
    const { outputs } = await runAction(emulator, {
      inputs: { lifetime: 'job' },
      env: { ...env(forge), GITHUB_RUN_ID: '42' },
    });
    const inputs = { github_token: token, dry_run: 'false' };
    const run = await runAction(emulator, { action: 'sweep', inputs, env: env(forge) });
    expect({ outputs: run.outputs, annotations: run.annotations }).toEqual({
      outputs: { deleted: outputs.client_id },
      annotations: [],
    });
    expect(run.log).toContain('deleted, because its run is completed');
    expect(forge.requests).toEqual([`GET /repos/${repository}/actions/runs/42`]);
  });

  it('audit/ looks up the repository, and no environment, because there are none', async () => {
    await using forge = await startForge(kind, 'json');
    await runAction(emulator, { inputs: { environment: 'production' }, env: env(forge) });
    const run = await runAction(emulator, { action: 'audit', inputs: { github_token: token }, env: env(forge) });
    expect({ findings: run.outputs.findings, annotations: run.annotations, requests: forge.requests }).toEqual({
      findings: '0',
      annotations: [],
      requests: [`GET /repos/${repository}`],
    });
  });

  it('the job summary names the run and does not link to it', async () => {
    await using forge = await startForge(kind);
    const server = {
      GITHUB_SERVER_URL: 'https://forge.acme.example',
      GITHUB_API_URL: 'https://forge.acme.example/api/v1',
    };
    const { summary } = await runAction(emulator, { env: { ...env(forge), ...server } });
    expect(summary).toContain('<code>43.1</code>');
    expect(summary).not.toContain('<a href');
  });

  it('the claims of a repository come from the forge if another repository is named', async () => {
    await using forge = await startForge(kind);
    const here = { GITHUB_REPOSITORY: 'acme/tools', GITHUB_REPOSITORY_OWNER: 'acme' };
    const inputs = { repository, github_token: token };
    const run = await runAction(emulator, { inputs, env: { ...env(forge), ...here } });
    expect(run.exitCode).toBe(0);
    expect(emulator.clients()[0]?.custom_claims).toEqual([
      { key: 'github_repository', value: repository },
      { key: 'github_repository_id', value: `${FORGE_REPOSITORY_ID}` },
    ]);
  });
});

it('takes the claims from the ID token of Forgejo, which has no environment', async () => {
  await using forge = await startForge('forgejo');
  const env = { ...exactly(FORGEJO), ...forge.variables, ...forge.idTokenVariables };
  const run = await runAction(emulator, { env, inputs: { environment: 'production' } });
  expect({ exitCode: run.exitCode, errors: errors(run) }).toEqual({ exitCode: 0, errors: [] });
  expect(plainLines(run).join('\n')).toContain('The environment "production" is asserted: only the input names it.');
  expect(emulator.clients()[0]?.custom_claims).toContainEqual({
    key: 'github_repository_id',
    value: `${FORGE_REPOSITORY_ID}`,
  });
});

it('sweep/ works on act, whose token has to be given', async () => {
  const inputs = { github_token: emulator.github.token };
  const env = { ...exactly({ ...ACT, ACT: 'true' }), ...emulator.github.variables };
  const without = await runAction(emulator, { action: 'sweep', env });
  expect(errors(without).join()).toContain('github_token');
  expect((await runAction(emulator, { action: 'sweep', inputs, env })).exitCode).toBe(0);
  expect(sentTo(emulator, 'getRun')).toEqual([]);
});
