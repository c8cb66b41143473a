import { expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { type Inputs, REPOSITORY_CLAIMS, runAction, seedEarlier } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectRefusal, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf } from '../support/requests.ts';
import { changesOf } from '../support/saved.ts';
import { DAY } from '../support/times.ts';

const emulator = useEmulator();

/** Adds a client like one that a run without inputs created yesterday. */
const seed = (fields: Parameters<Emulator['seed']>[0] = {}, secrets = [{ ageMs: DAY }]) =>
  seedEarlier(emulator, fields, { ageMs: DAY, secrets }).client;
const dryRun = (inputs: Inputs) => runAction(emulator, { inputs: { dry_run: 'true', ...inputs } });

/** Returns the rows of the table in a job summary, each with the texts of its cells. */
const rowsOf = (summary: string) =>
  [...summary.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)].map(([, text = '']) =>
      text.replaceAll(/<\/?code>/g, '').replaceAll('&quot;', '"'),
    ),
  );

/** Returns the steps and the changed fields that the log of a dry run shows. Checks that the summary shows the same. */
function planIn({ log, summary }: Executed) {
  const lines = log.split('\n');
  const steps = lines.flatMap((line) => /^- (.*)$/.exec(line)?.[1] ?? []);
  const fields = lines.flatMap((line) => /^ {4}(\w+): from (.*) to (.*)$/.exec(line)?.slice(1, 4).join('|') ?? []);
  const rows = rowsOf(summary).slice(1);
  expect(rows.filter(({ length }) => length === 1).flat()).toEqual(steps);
  expect(rows.filter(({ length }) => length === 3).map((row) => row.join('|'))).toEqual(fields);
  return { steps, fields };
}

/** Runs the step with dry_run, checks that it changes nothing, and returns the plan that it shows. */
async function planOf(inputs: Inputs) {
  const before = emulator.clients();
  const executed = await dryRun(inputs);
  expectSucceeded(executed);
  expect(executed).toMatchObject({
    exitCode: 0,
    state: { client: '' },
    outputs: { result: 'planned', organization_id: emulator.organization.id },
  });
  expect(executed.outputs.secret).toBeUndefined();
  expect(emulator.clients()).toEqual(before);
  expect(changesOf(emulator)).toEqual([]);
  expect(operationsOf(emulator).filter((operation) => operation === 'token')).toHaveLength(1);
  return { ...planIn(executed), executed };
}

it('shows in a dry run the fields of the client that it would create', async () => {
  const { steps, fields, executed } = await planOf({ scopes: 'a', audience: 'x' });
  expect(steps).toEqual(['create a client']);
  expect(fields).toEqual([
    'name|none|"GitHub Actions: acme/inventory-service"',
    expect.stringMatching(/^description\|none\|"Made by GitHub Actions for acme\/inventory-service\./),
    'scopes|none|"a"',
    'audience|none|"x"',
    'custom_claims|none|"github_repository=acme/inventory-service", "github_repository_id=740123456"',
  ]);
  expect(executed.outputs.client_id).toBeUndefined();
});

it.each<{ on_existing: string; expected: (id: string, firstSecret: string) => string[] }>([
  {
    on_existing: 'rotate',
    expected: (id, firstSecret) => [
      `update client ${id}`,
      `add a secret to client ${id}; if Scalekit refuses another one, delete secret ${firstSecret} first`,
      `delete secret ${firstSecret} of client ${id}, unless it is younger than an hour`,
    ],
  },
  { on_existing: 'reuse', expected: (id) => [`update client ${id}`] },
  { on_existing: 'replace', expected: (id) => ['create a client', `delete client ${id}`] },
])(
  'shows in a dry run each step for a client that drifted, with on_existing: $on_existing',
  async ({ on_existing, expected }) => {
    const { client_id, secrets = [] } = seed({ scopes: ['b', 'c'] }, [{ ageMs: DAY }, { ageMs: 1 }]);
    const { steps, fields, executed } = await planOf({ on_existing, scopes: 'a b', expiry: '600' });
    expect(steps).toEqual(expected(client_id, secrets[0]?.id ?? ''));
    if (on_existing !== 'replace') expect(fields).toEqual(['scopes|"b", "c"|"a", "b"']);
    expect(executed.outputs.client_id).toBe(client_id);
  },
);

it('shows in a dry run that it would change nothing', async () => {
  seed();
  expect(await planOf({ on_existing: 'reuse' })).toMatchObject({ steps: ['change nothing'] });
});

it('shows in a dry run that a client which client_id names would get the ownership marker', async () => {
  const { client_id } = emulator.seed({ name: 'Manual', custom_claims: REPOSITORY_CLAIMS }).client;
  const { steps, fields } = await planOf({ client_id, on_existing: 'reuse' });
  expect(steps).toEqual([`update client ${client_id}`]);
  expect(fields).toEqual([expect.stringMatching(/^description\|none\|the ownership marker/)]);
});

it('sends nothing except the sign-in in a dry run for the client of a job, and its post step does nothing', async () => {
  seed();
  const { steps, executed } = await planOf({ lifetime: 'job' });
  expect(steps).toEqual(['create a client, and delete it when the job ends']);
  const { stdout } = await executed.post();
  expect(stdout).toBe('');
  expect(operationsOf(emulator)).toEqual(['token']);
});

it('fails in a dry run as the real run would if on_existing is fail and the client exists', async () => {
  const client = seed();
  expectRefusal(emulator, await dryRun({ on_existing: 'fail' }), /exists already/, [client]);
});

it('fails in a dry run as the real run would if an update cannot empty the scopes', async () => {
  const client = seed({ scopes: ['a'] });
  expectRefusal(emulator, await dryRun({}), /on_existing: replace/, [client]);
});
