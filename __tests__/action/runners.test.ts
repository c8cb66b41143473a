import { mkdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, notices, plainLines, runAction, warnings } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { FORGE_REPOSITORY_ID, type Forge, type ForgeKind, startForge, type UnknownPath } from '../support/forge.ts';
import { expectSucceeded } from '../support/outcomes.ts';
import { sentTo } from '../support/requests.ts';
import { changesOf } from '../support/saved.ts';

// The built actions in the environment of each runner that docs/runners.md names. The variables are those that the
// sources of the runners set: withGithubEnv in act and in the copies of act that Gitea and Forgejo keep.

type Variables = Record<string, string | undefined>;

const { GITHUB_REPOSITORY: repository } = RUNNER_VARIABLES;
const NO_ID = 'This runner does not set GITHUB_REPOSITORY_ID';

const emulator = useEmulator();
const inFolder = useFolder();

/** Returns these variables, and no others of GitHub's runner. */
const exactly = (variables: Variables): Variables => ({
  ...Object.fromEntries(Object.keys(RUNNER_VARIABLES).map((name) => [name, undefined])),
  ...variables,
});

/** The variables of act. */
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

/** The variables of Forgejo's runner: it sets each with both prefixes. */
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

/** A runner that docs/runners.md names. */
interface Runner {
  name: string;
  variables: Variables;
  /** Whether the runner sets the id of the repository. */
  knowsId: boolean;
}

const RUNNERS: Runner[] = [
  { name: 'GitHub', variables: RUNNER_VARIABLES, knowsId: true },
  { name: 'act', variables: { ...ACT, ACT: 'true' }, knowsId: false },
  { name: 'Gitea', variables: GITEA, knowsId: false },
  { name: 'Forgejo', variables: FORGEJO, knowsId: false },
];

/** Runners that leave something out. */
const SPARSE_RUNNERS: Runner[] = [
  {
    name: 'GitHub in a container without HOME',
    variables: { ...RUNNER_VARIABLES, HOME: undefined, RUNNER_ENVIRONMENT: 'self-hosted' },
    knowsId: true,
  },
  {
    name: 'act without a folder for temporary files',
    variables: { ...ACT, ACT: 'true', RUNNER_TEMP: undefined },
    knowsId: false,
  },
  {
    name: 'a runner with an empty repository id and without the number of the run',
    variables: { ...ACT, GITHUB_REPOSITORY_ID: '', GITHUB_RUN_ID: undefined },
    knowsId: false,
  },
  {
    name: 'a runner without event, job summary and address of the server',
    variables: { ...ACT, GITHUB_EVENT_PATH: undefined, GITHUB_STEP_SUMMARY: undefined, GITHUB_SERVER_URL: undefined },
    knowsId: false,
  },
];

describe('runners and clients', () => {
  /** Returns a step with the variables of a runner whose API is the emulator's. */
  const stepOn = (variables: Variables, inputs: Record<string, string> = {}): Step => ({
    inputs,
    env: { ...exactly(variables), ...emulator.github.variables },
  });

  it.each([...RUNNERS, ...SPARSE_RUNNERS])(
    'creates the client of a job on $name, and the post step deletes it',
    async ({ variables, knowsId }) => {
      const run = await runAction(emulator, stepOn(variables, { lifetime: 'job' }));
      expect({ exitCode: run.exitCode, errors: errors(run), warnings: warnings(run) }).toEqual({
        exitCode: 0,
        errors: [],
        warnings: [],
      });
      expect(notices(run).some((text) => text.includes(NO_ID))).toBe(!knowsId);
      expect(await credentialsWork(emulator, run.outputs)).toBe(true);
      expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
      expect(emulator.clients()).toEqual([]);
    },
  );

  it.each(RUNNERS)(
    'finds the persistent client of the first run again on $name, and delete/ deletes it',
    async ({ variables }) => {
      const first = await runAction(emulator, stepOn(variables));
      expect(first.outputs.result).toBe('created');
      const { client_id } = first.outputs;
      const second = await runAction(emulator, stepOn(variables));
      expect(second.outputs).toMatchObject({ result: 'rotated', client_id });
      const deleted = await runAction(emulator, { ...stepOn(variables), action: 'delete' });
      expectSucceeded(deleted);
      expect(deleted.outputs).toEqual({ deleted: client_id });
      expect(emulator.clients()).toEqual([]);
    },
  );

  it('creates and deletes the client of a job if RUNNER_TEMP has spaces and letters of other languages', async () => {
    const RUNNER_TEMP = inFolder('Läufer 1 (x86)');
    mkdirSync(RUNNER_TEMP);
    const run = await runAction(emulator, { inputs: { lifetime: 'job' }, env: { RUNNER_TEMP } });
    expectSucceeded(run);
    expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });

  it('fails in sweep/ on act without github_token, and succeeds with it', async () => {
    const step = { ...stepOn({ ...ACT, ACT: 'true' }), action: 'sweep' };
    expect(errors(await runAction(emulator, step)).join()).toContain('github_token');
    const inputs = { github_token: emulator.github.token };
    expect((await runAction(emulator, { ...step, inputs })).exitCode).toBe(0);
    expect(sentTo(emulator, 'getRun')).toEqual([]);
  });
});

describe('Gitea and Forgejo', () => {
  const token = ['of', 'the', 'forge', 'user'].join('-');
  const envOn = (variables: Variables, forge: Forge): Variables => ({ ...exactly(variables), ...forge.variables });

  it.each<{ save_to: string; environment?: string; kind: ForgeKind; variables: Variables; unknownPath: UnknownPath }>([
    { save_to: 'repository', kind: 'gitea', variables: GITEA, unknownPath: 'text' },
    { save_to: 'environment', environment: 'production', kind: 'gitea', variables: GITEA, unknownPath: 'text' },
    { save_to: 'repository', kind: 'forgejo', variables: FORGEJO, unknownPath: 'json' },
    { save_to: 'environment', environment: 'production', kind: 'forgejo', variables: FORGEJO, unknownPath: 'json' },
  ])(
    'fails before it changes anything with save_to: $save_to on $kind, and says what works there',
    async ({ save_to, environment = '', kind, variables, unknownPath }) => {
      await using forge = await startForge(kind, unknownPath);
      for (const action of ['', 'delete']) {
        const inputs = { save_to, environment, github_token: token };
        const run = await runAction(emulator, { action, inputs, env: envOn(variables, forge) });
        expect(run.exitCode).toBe(1);
        expect(errors(run).join()).toMatch(
          /^Could not read the public key for secrets of .*: HTTP 40[45].*\. Check which server answers at GITHUB_API_URL\. Gitea and Forgejo do not have GitHub's API for secrets, so save_to cannot work there, neither in the main action nor in delete\/\. Without save_to, the client, the outputs and delete\/ work\.$/,
        );
      }
      expect(changesOf(emulator)).toEqual([]);
    },
  );

  it.each<{ name: string; kind: ForgeKind; variables: Variables }>([
    { name: 'Gitea', kind: 'gitea', variables: GITEA },
    { name: 'Gitea before 1.27', kind: 'old gitea', variables: GITEA },
    { name: 'Forgejo', kind: 'forgejo', variables: FORGEJO },
  ])('deletes the client of a job with sweep/ after its run has ended on $name', async ({ kind, variables }) => {
    await using forge = await startForge(kind);
    const env = envOn(variables, forge);
    const { outputs } = await runAction(emulator, {
      inputs: { lifetime: 'job' },
      env: { ...env, GITHUB_RUN_ID: '42' },
    });
    const inputs = { github_token: token, dry_run: 'false' };
    const run = await runAction(emulator, { action: 'sweep', inputs, env });
    expect(run).toMatchObject({ outputs: { deleted: outputs.client_id }, annotations: [] });
    expect(run.log).toContain('deleted, because its run is completed');
    expect(forge.requests).toEqual([`GET /repos/${repository}/actions/runs/42`]);
  });

  it('reads the repository and no environment in an audit on Gitea, which has no environments', async () => {
    await using forge = await startForge('gitea', 'json');
    const env = envOn(GITEA, forge);
    await runAction(emulator, { inputs: { environment: 'production' }, env });
    const run = await runAction(emulator, { action: 'audit', inputs: { github_token: token }, env });
    expect(run).toMatchObject({ outputs: { findings: '0' }, annotations: [] });
    expect(forge.requests).toEqual([`GET /repos/${repository}`]);
  });

  it('shows the number of the run in the job summary on Forgejo, and no link to the run', async () => {
    await using forge = await startForge('forgejo');
    const server = {
      GITHUB_SERVER_URL: 'https://forge.acme.example',
      GITHUB_API_URL: 'https://forge.acme.example/api/v1',
    };
    const { summary } = await runAction(emulator, { env: { ...envOn(FORGEJO, forge), ...server } });
    expect(summary).toContain('<code>43.1</code>');
    expect(summary).not.toContain('<a href');
  });

  it('takes the claims about another repository from the API of Gitea', async () => {
    await using forge = await startForge('gitea');
    const here = { GITHUB_REPOSITORY: 'acme/tools', GITHUB_REPOSITORY_OWNER: 'acme' };
    const inputs = { repository, github_token: token };
    const run = await runAction(emulator, { inputs, env: { ...envOn(GITEA, forge), ...here } });
    expectSucceeded(run);
    expect(emulator.clients()[0]?.custom_claims).toEqual([
      { key: 'github_repository', value: repository },
      { key: 'github_repository_id', value: `${FORGE_REPOSITORY_ID}` },
    ]);
  });

  it('takes the claims from the ID token of Forgejo, which does not contain an environment', async () => {
    await using forge = await startForge('forgejo');
    const env = { ...envOn(FORGEJO, forge), ...forge.idTokenVariables };
    const run = await runAction(emulator, { env, inputs: { environment: 'production' } });
    expectSucceeded(run);
    expect(plainLines(run).join('\n')).toContain('The environment "production" is asserted: only the input names it.');
    expect(emulator.clients()[0]?.custom_claims).toContainEqual({
      key: 'github_repository_id',
      value: `${FORGE_REPOSITORY_ID}`,
    });
  });
});
