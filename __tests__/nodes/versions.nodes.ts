import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Executed, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import { findNode, NODE_VERSIONS, OLD_NODE } from '../../scripts/tools.ts';
import { credentialsWork, markerLine, runAction, savingIn, trust } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { interruptedAt } from '../support/requests.ts';

// Tests of the built actions on the versions of Node.js that runners have.

const itOn = (major: string) => (findNode(major) ? it : it.skip);

const emulator = useEmulator({ tls: true });
const inFolder = useFolder();

/** Runs an action that trusts the emulator, and reaches it over TLS. */
function run(step: Step): Promise<Executed> {
  const env = trust(inFolder(), emulator.ca);
  const scalekit_environment_url = emulator.tlsUrl ?? '';
  return runAction(emulator, { ...step, env, inputs: { scalekit_environment_url, ...step.inputs } });
}

describe.each(NODE_VERSIONS)('the actions on Node.js %s', (major) => {
  const node = findNode(major) ?? '';

  itOn(major)('creates a client on this version of Node.js, and the post step deletes it', async () => {
    const main = await run({
      node,
      inputs: { lifetime: 'job', access_token: 'true', custom_claims: '{"team": 42, "big": 12345678901234567890}' },
    });
    expect(main).toMatchObject({ exitCode: 0, stderr: '', annotations: [], outputs: { result: 'created' } });
    expect(await credentialsWork(emulator, main.outputs)).toBe(true);
    expect(emulator.clients()[0]?.custom_claims).toEqual(
      expect.arrayContaining([
        { key: 'team', value: '42' },
        { key: 'big', value: '12345678901234567890' },
      ]),
    );
    expect(await main.post()).toMatchObject({ exitCode: 0, stderr: '', annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });

  itOn(major)('saves credentials on this version of Node.js, and delete/ deletes them with their client', async () => {
    const inputs = savingIn(emulator);
    const main = await run({ node, inputs });
    expect(main).toMatchObject({ exitCode: 0, stderr: '', annotations: [] });
    const { secrets, variables } = emulator.github.repository(RUNNER_VARIABLES.GITHUB_REPOSITORY);
    expect(secrets.get('SCALEKIT_M2M_CLIENT_SECRET')?.value).toBe(main.outputs.secret);
    const removal = await run({ node, action: 'delete', inputs });
    expect(removal).toMatchObject({ exitCode: 0, stderr: '', annotations: [] });
    expect({ clients: emulator.clients(), variables: variables.size, secrets: secrets.size }).toEqual({
      clients: [],
      variables: 0,
      secrets: 0,
    });
  });

  itOn(major)(
    'deletes the client in the post step on this version of Node.js if main was cut off during the create',
    async () => {
      const main = await run({ node, inputs: { lifetime: 'job' }, ...interruptedAt(emulator, 'createClient') });
      expect(main.outputs).toEqual({});
      await main.post();
      expect(emulator.clients()).toEqual([]);
    },
  );

  itOn(major)('deletes the client of a completed run with sweep/ on this version of Node.js', async () => {
    const completed = 17_000_000_001;
    emulator.github.addRun(RUNNER_VARIABLES.GITHUB_REPOSITORY, { id: completed, status: 'completed' });
    const description = markerLine({ lifetime: 'job' }, { run: `${completed}.1`, lifetime: 'job' });
    const { client } = emulator.seed({ name: 'Made by a job', description }, { ageMs: 2 * 3_600_000 });
    const inputs = { github_token: emulator.github.token, dry_run: 'false' };
    const sweep = await run({ node, action: 'sweep', inputs });
    expect(sweep).toMatchObject({ exitCode: 0, stderr: '', outputs: { deleted: client.client_id } });
    expect(emulator.clients()).toEqual([]);
  });

  itOn(major)('reports the old client of a job with audit/ on this version of Node.js', async () => {
    const description = markerLine({ lifetime: 'job' }, { lifetime: 'job' });
    const { client } = emulator.seed({ name: 'Made by a job', description }, { ageMs: 2 * 86_400_000 });
    const audit = await run({ node, action: 'audit', inputs: { github_token: emulator.github.token } });
    expect(audit).toMatchObject({ exitCode: 0, stderr: '', outputs: { findings: '1' } });
    const { clients } = JSON.parse(readFileSync(audit.outputs.report ?? '', 'utf8'));
    expect(clients).toMatchObject([{ client_id: client.client_id, findings: [{ kind: 'old_job_client' }] }]);
  });

  itOn(major)('names every bad input on this version of Node.js', async () => {
    const main = await run({
      node,
      inputs: { organization_id: 'acme', timeout: 'x', custom_claims: '{' },
    });
    expect(main).toMatchObject({ exitCode: 1, stderr: '', annotations: [{ kind: 'error' }] });
    expect(main.annotations[0]?.message).toMatch(/^3 bad inputs:/);
  });
});

itOn('20')('runs the tests for Node.js 20 on the oldest version that is supported', () => {
  expect(execFileSync(findNode('20') ?? '', ['--version'], { encoding: 'utf8' })).toBe('v20.11.0\n');
});

describe(`Node.js ${OLD_NODE}, which is too old`, () => {
  const node = findNode(OLD_NODE) ?? '';

  itOn(OLD_NODE).each(['', 'delete', 'sweep', 'audit'])(
    'says in one sentence that Node.js is too old, in the action in the folder %j',
    async (action) => {
      const main = await run({ node, action });
      const message = expect.stringMatching(
        /^Node\.js 18\.\S+ is too old for this action\. It needs 20\.11 or newer\. Update the runner, or the image /,
      );
      expect(main).toMatchObject({ exitCode: 1, stderr: '', annotations: [{ kind: 'error', message }] });
      expect(emulator.requests).toEqual([]);
    },
  );

  itOn(OLD_NODE)('prints nothing in the post step on a version of Node.js that is too old', async () => {
    const main = await run({ node });
    expect(await main.post()).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  });
});
