import { expect, it } from '@jest/globals';
import { RUNNER_VARIABLES } from '../../emulator/runner.ts';
import {
  errors,
  longestAnnotation,
  markerLine,
  plainLines,
  runAction,
  seedEarlier,
  warnings,
} from '../support/action.ts';
import { clientIds, clientUrl } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed } from '../support/outcomes.ts';

// GitHub cuts the text of an annotation at 4,096 characters, and shows all of a plain line of the log. So the action prints
// an annotation of fewer than 4,000 characters, and everything that it omits in the log.

/** The id of a completed run. */
const COMPLETED = 17_000_000_001;

const emulator = useEmulator();

/** Returns the manual call that deletes a client. */
const callTo = (id = '') => `DELETE ${clientUrl(emulator, id)}`;
const refuse = (operation: 'deleteClient' | 'token', message: string) =>
  emulator.faults.add({ operation, call: 1, times: 99, fault: { kind: 'status', status: 403, body: { message } } });

/** Returns `count` scopes of 100 characters. */
const longScopes = (count: number) => Array.from({ length: count }, (_, at) => `${at + 10}:`.padEnd(100, 'x'));

it('keeps the manual call in an error about 60 long scopes that the server dropped', async () => {
  const scopes = longScopes(60);
  emulator.behaviour.dropScopes = scopes;
  refuse('deleteClient', 'no');
  const run = await runAction(emulator, { inputs: { scopes: scopes.join('\n') } });
  expectFailed(run, /^scopes: wanted "10:x+", "11:x+" and 58 more; got none$/m);
  expect(longestAnnotation(run)).toBeLessThan(4000);
  const call = callTo(clientIds(emulator)[0]);
  expect(errors(run)[0]?.slice(-call.length)).toBe(call);
});

it('keeps the manual call in an error that long messages of the server make too long for an annotation', async () => {
  const denied = `${'% '.repeat(140)}denied`;
  const kept = `${'% '.repeat(140)}kept`;
  const status = 400;
  const long = (text: string) => ({
    message: text,
    details: [1, 2, 3].map((at) => ({ error_code: `${text} ${at}` })),
  });
  emulator.faults.add({ operation: 'listClients', call: 2, fault: { kind: 'status', status, body: long(denied) } });
  emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status, body: long(kept) } });
  const run = await runAction(emulator);
  expectFailed(run, /^Could not .*\nA client of this step may be .* … \(the log above has the whole text\) … /);
  expect(longestAnnotation(run)).toBeLessThan(4000);
  const call = callTo(clientIds(emulator)[0]);
  expect(errors(run)[0]?.slice(-call.length)).toBe(call);
  for (const text of [denied, kept, call]) expect(plainLines(run).join('\n')).toContain(text);
});

it('lists as many of 61 bad inputs as an annotation holds, counts the others, and logs all of them', async () => {
  const bad = longScopes(60).map((scope) => `"${scope}`);
  const run = await runAction(emulator, { inputs: { scopes: bad.join('\n'), timeout: 'soon' } });
  expectFailed(run);
  expect(emulator.requests).toEqual([]);
  expect(longestAnnotation(run)).toBeLessThan(4000);
  const [title, ...lines] = (errors(run)[0] ?? '').split('\n');
  expect(title).toBe('61 bad inputs:');
  const count = lines.findIndex((line) => /^and \d+ more, listed in the log$/.test(line));
  expect(lines[count]).toBe(`and ${61 - (lines.length - 1)} more, listed in the log`);
  // Ten faults of one input come first, and then those of other inputs.
  expect(lines.findIndex((line) => line.startsWith('- timeout: got "soon"'))).toBe(10);
  const listed = plainLines(run).filter((line) => /^- (scopes|timeout): got /.test(line));
  expect(listed).toHaveLength(61);
  const isListed = (scope: string) => listed.some((line) => line.includes(scope.slice(0, 20)));
  expect(longScopes(60).filter((scope) => !isListed(scope))).toEqual([]);
  expect(listed).toEqual(expect.arrayContaining(lines.filter((_, at) => at !== count)));
});

it('shortens an error about 60 unknown claims to an annotation, and logs all of them', async () => {
  const names = longScopes(60).map((name) => name.replace(':', '_'));
  const run = await runAction(emulator, { inputs: { repository_claims: names.join('\n') } });
  expectFailed(run, /^Bad input: repository_claims: got "10_x.*; expected environment, .* or none$/);
  expect(longestAnnotation(run)).toBeLessThan(4000);
  for (const name of names) expect(plainLines(run).join('\n')).toContain(name.slice(0, 79));
});

it('shortens a warning about 199 other clients with its identity hash to an annotation, and logs all their ids', async () => {
  const [oldest, ...others] = Array.from({ length: 200 }, () => seedEarlier(emulator, {}, {}).client.client_id);
  const run = await runAction(emulator);
  expect(run).toMatchObject({ exitCode: 0, outputs: { client_id: oldest } });
  expect(longestAnnotation(run)).toBeLessThan(4000);
  expect(warnings(run)).toEqual([
    expect.stringContaining(`does not change the others: ${others.slice(0, 10).join(', ')} and 189 more. Delete those`),
  ]);
  expect(plainLines(run)).toContain(`Other clients for the same purpose: ${others.join(', ')}.`);
});

it('keeps each manual call in the error or in the log if sweep/ cannot delete 20 clients', async () => {
  emulator.github.addRun(RUNNER_VARIABLES.GITHUB_REPOSITORY, { id: COMPLETED, status: 'completed' });
  const description = () => `Ours.\n${markerLine({ lifetime: 'job' }, { run: `${COMPLETED}.1` })}`;
  const ids = Array.from(
    { length: 20 },
    () => emulator.seed({ name: 'x', description: description() }, { ageMs: 7_200_000 }).client.client_id,
  );
  refuse('deleteClient', `not allowed ${'x'.repeat(200)}`);
  const run = await runAction(emulator, {
    action: 'sweep',
    inputs: { github_token: emulator.github.token, dry_run: 'false' },
  });
  expect(run.exitCode).toBe(1);
  expect(clientIds(emulator)).toHaveLength(20);
  expect(longestAnnotation(run)).toBeLessThan(4000);
  const lines = errors(run)[0]?.split('\n') ?? [];
  expect(lines.length).toBeGreaterThan(4);
  const count = lines.findIndex((line) => /^and \d+ more, listed in the log$/.test(line));
  expect(lines[count]).toBe(`and ${21 - lines.length} more, listed in the log`);
  const calls = ids.map((id) => callTo(id));
  const withoutCall = lines.filter((line, at) => at !== count && !calls.some((call) => line.endsWith(call)));
  expect(withoutCall).toEqual([]);
  expect(calls.filter((call) => !plainLines(run).some((line) => line.endsWith(call)))).toEqual([]);
});
