import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
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

// GitHub cuts the text of an annotation at 4,096 characters, and shows a plain line of the log whole.

/** The id of a completed run. */
const OVER = 17_000_000_001;

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const callTo = (id: string | undefined) =>
  `DELETE ${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients/${id}`;
const clientIds = () => emulator.clients().map(({ client_id }) => client_id);
const refuse = (operation: 'deleteClient' | 'token', message: string) =>
  emulator.faults.add({ operation, call: 1, times: 99, fault: { kind: 'status', status: 403, body: { message } } });

/** Returns `count` scopes of 100 characters. */
const longScopes = (count: number) => Array.from({ length: count }, (_, at) => `${at + 10}:`.padEnd(100, 'x'));

describe('an annotation has fewer than 4,000 characters', () => {
  it('and the whole call if the server drops 60 long scopes and refuses the roll-back', async () => {
    const scopes = longScopes(60);
    emulator.behaviour.dropScopes = scopes;
    refuse('deleteClient', 'no');
    const run = await runAction(emulator, { inputs: { scopes: scopes.join('\n') } });
    expect(run.exitCode).toBe(1);
    expect(longestAnnotation(run)).toBeLessThan(4000);
    expect(errors(run)).toEqual([expect.stringMatching(/^scopes: wanted "10:x+", "11:x+" and 58 more; got none$/m)]);
    expect(errors(run)[0]?.split('\n').at(-1)?.endsWith(callTo(clientIds()[0]))).toBe(true);
  });

  it('and the whole call if the messages of the server are longer, which the log has', async () => {
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
    expect(run.exitCode).toBe(1);
    expect(longestAnnotation(run)).toBeLessThan(4000);
    const [error = ''] = errors(run);
    expect(error).toMatch(/^Could not .*\nA client of this step may be .* … \(the log above has the whole text\) … /);
    expect(error.endsWith(callTo(clientIds()[0]))).toBe(true);
    const whole = plainLines(run).join('\n');
    for (const text of [denied, kept, callTo(clientIds()[0])]) expect(whole).toContain(text);
  });

  it('if there are 60 bad inputs: as many as fit, the number of the others, and all in the log', async () => {
    const bad = longScopes(60).map((scope) => `"${scope}`);
    const run = await runAction(emulator, { inputs: { scopes: bad.join('\n'), timeout: 'soon' } });
    expect([run.exitCode, emulator.requests]).toEqual([1, []]);
    expect(longestAnnotation(run)).toBeLessThan(4000);
    const [title, ...lines] = (errors(run)[0] ?? '').split('\n');
    expect(title).toBe('61 bad inputs:');
    const count = lines.findIndex((line) => /^and \d+ more, listed in the log$/.test(line));
    expect(lines[count]).toBe(`and ${61 - (lines.length - 1)} more, listed in the log`);
    // Ten of one input, and then those of other inputs.
    expect(lines.findIndex((line) => line.startsWith('- timeout: got "soon"'))).toBe(10);
    const listed = plainLines(run).filter((line) => /^- (scopes|timeout): got /.test(line));
    expect(listed).toHaveLength(61);
    for (const scope of longScopes(60)) expect(listed.some((line) => line.includes(scope.slice(0, 20)))).toBe(true);
    expect(lines.filter((_, at) => at !== count).every((line) => listed.includes(line))).toBe(true);
  });

  it('if there are 60 unknown claims in one bad input, and the log names all of them', async () => {
    const names = longScopes(60).map((name) => name.replace(':', '_'));
    const run = await runAction(emulator, { inputs: { repository_claims: names.join('\n') } });
    expect(run.exitCode).toBe(1);
    expect(longestAnnotation(run)).toBeLessThan(4000);
    expect(errors(run)[0]).toMatch(/^Bad input: repository_claims: got "10_x.*; expected environment, .* or none$/);
    for (const name of names) expect(plainLines(run).join('\n')).toContain(name.slice(0, 79));
  });

  it('if a warning is about many clients for the same purpose, and the log has all their ids', async () => {
    const [oldest, ...others] = Array.from({ length: 200 }, () => seedEarlier(emulator, {}, {}).client.client_id);
    const run = await runAction(emulator);
    expect([run.exitCode, run.outputs.client_id]).toEqual([0, oldest]);
    expect(longestAnnotation(run)).toBeLessThan(4000);
    expect(warnings(run)).toEqual([
      expect.stringContaining(
        `does not change the others: ${others.slice(0, 10).join(', ')} and 189 more. Delete those`,
      ),
    ]);
    expect(plainLines(run)).toContain(`Other clients for the same purpose: ${others.join(', ')}.`);
  });

  it('if sweep/ cannot delete 20 clients: each call is whole or in the log', async () => {
    emulator.github.addRun(RUNNER_VARIABLES.GITHUB_REPOSITORY, { id: OVER, status: 'completed' });
    const description = () => `Ours.\n${markerLine({ lifetime: 'job' }, { run: `${OVER}.1` })}`;
    const ids = Array.from(
      { length: 20 },
      () => emulator.seed({ name: 'x', description: description() }, { ageMs: 7_200_000 }).client.client_id,
    );
    refuse('deleteClient', `not allowed ${'x'.repeat(200)}`);
    const run = await runAction(emulator, {
      action: 'sweep',
      inputs: { github_token: emulator.github.token, dry_run: 'false' },
    });
    expect([run.exitCode, clientIds().length]).toEqual([1, 20]);
    expect(longestAnnotation(run)).toBeLessThan(4000);
    const lines = errors(run)[0]?.split('\n') ?? [];
    expect(lines.length).toBeGreaterThan(4);
    const count = lines.findIndex((line) => /^and \d+ more, listed in the log$/.test(line));
    expect(lines[count]).toBe(`and ${21 - lines.length} more, listed in the log`);
    const calls = ids.map((id) => callTo(id));
    for (const line of lines.filter((_, at) => at !== count))
      expect(calls.some((call) => line.endsWith(call))).toBe(true);
    for (const call of calls) expect(plainLines(run).some((line) => line.endsWith(call))).toBe(true);
  });
});
