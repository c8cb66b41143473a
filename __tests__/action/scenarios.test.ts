import { expect, it } from '@jest/globals';
import type { Step } from '../../emulator/runner.ts';
import { runAction, savingIn, seedEarlier } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { interruptedAt } from '../support/requests.ts';
import { repositoryOf, saveWith, seedSaved } from '../support/saved.ts';
import { DAY, MINUTE } from '../support/times.ts';
import { recordTranscript } from '../support/transcript.ts';

// The main scenarios, as the runner and the servers see them. Each snapshot has the commands on standard output, the
// writes to the runner's files, the requests that change something, all in order, and then the list of all requests.
// A change of behaviour shows as a difference in __snapshots__/scenarios.test.ts.snap. After a look at it, `npm test --
// scenarios -u` writes the new one.

const emulator = useEmulator();
const inFolder = useFolder();
const record = () => recordTranscript(emulator, inFolder('recording'));

it('creates a client for a job, and the post step deletes it', async () => {
  const { run, step, text } = record();
  const inputs = { lifetime: 'job', access_token: 'true', audience: 'deployment-api.acmecorp.com' };
  const main = await run('main', () => runAction(emulator, { inputs, ...step }));
  await run('post', () => main.post());
  expect(text()).toMatchSnapshot();
});

it('creates a persistent client on the first run, and the post step has nothing to do', async () => {
  const { run, step, text } = record();
  const inputs = { scopes: 'deploy:applications read:deployments' };
  const main = await run('main', () => runAction(emulator, { inputs, ...step }));
  await run('post', () => main.post());
  expect(text()).toMatchSnapshot();
});

it('rotates the secret of a client, corrects its drift and retires the old secret', async () => {
  // One old secret: several are deleted at the same time.
  seedEarlier(emulator, { scopes: ['a'] }, { ageMs: DAY });
  const { run, step, text } = record();
  const inputs = { scopes: 'b', keep_secrets: '1' };
  await run('main', () => runAction(emulator, { inputs, ...step }));
  expect(text()).toMatchSnapshot();
});

it('reuses a client with saved credentials, and changes nothing', async () => {
  seedSaved(emulator);
  const { run, step, text } = record();
  await run('main', () => saveWith(emulator, { on_existing: 'reuse' }, step));
  expect(text()).toMatchSnapshot();
});

it('rotates a saved secret that is older than rotate_after', async () => {
  seedSaved(emulator, { ageMs: 31 * DAY + MINUTE });
  const { run, step, text } = record();
  await run('main', () => saveWith(emulator, { on_existing: 'reuse', rotate_after: '30' }, step));
  expect(text()).toMatchSnapshot();
});

it('saves new credentials in an environment', async () => {
  repositoryOf(emulator).addEnvironment('production');
  const { run, step, text } = record();
  const inputs = { save_to: 'environment', environment: 'production' };
  await run('main', () => saveWith(emulator, inputs, step));
  expect(text()).toMatchSnapshot();
});

it('replaces a client, and deletes the old one last', async () => {
  seedEarlier(emulator, {}, { ageMs: DAY });
  const { run, step, text } = record();
  await run('main', () => runAction(emulator, { inputs: { on_existing: 'replace' }, ...step }));
  expect(text()).toMatchSnapshot();
});

it('shows the plan of a rotation in a dry run, and changes nothing', async () => {
  seedEarlier(emulator, { scopes: ['a'] }, { ageMs: DAY, secrets: 2 });
  const { run, step, text } = record();
  const inputs = { scopes: 'b', keep_secrets: '1', dry_run: 'true' };
  await run('main', () => runAction(emulator, { inputs, ...step }));
  expect(text()).toMatchSnapshot();
});

it('fails if Scalekit refuses to create the client, and sets no output', async () => {
  emulator.faults.add({
    operation: 'createClient',
    fault: { kind: 'status', status: 403, body: { code: 7, message: 'clients are disabled', details: [] } },
  });
  const { run, step, text } = record();
  await run('main', () => runAction(emulator, step));
  expect(text()).toMatchSnapshot();
});

it('deletes the new client if its token names another organization', async () => {
  emulator.behaviour.tokenChanges = (token) => ({ ...token, oid: 'org_another' });
  const { run, step, text } = record();
  await run('main', () => runAction(emulator, step));
  expect(text()).toMatchSnapshot();
});

it('stops when it is cancelled during the create, and the post step deletes the client', async () => {
  const interrupt: Step = interruptedAt(emulator, 'createClient');
  const { run, step, text } = record();
  const main = await run('main', () => runAction(emulator, { ...interrupt, ...step }));
  await run('post', () => main.post());
  expect(text()).toMatchSnapshot();
});

it('deletes a client and its saved credentials with delete/', async () => {
  seedSaved(emulator);
  const { run, step, text } = record();
  await run('delete', () => runAction(emulator, { action: 'delete', inputs: savingIn(emulator), ...step }));
  expect(text()).toMatchSnapshot();
});
