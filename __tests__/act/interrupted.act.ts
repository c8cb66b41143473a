import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { type Emulator, type Operation, startEmulator } from '../../emulator/index.ts';
import { seedEarlier, sentTo } from '../support/action.ts';
import { it, type Run, type Running, run } from './runner.ts';

// Tests of an interrupted run. act kills the step at once, as GitHub's runner does after a while. Then it runs the post
// step with the state that was written until then.

const DAY = 86_400_000;

type Sent = Emulator['requests'][number];

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

/**
 * Interrupts a run at the first matching request, before or after the server carries it out. The server continues
 * `later` milliseconds after the step has been killed.
 */
async function interrupt(
  when: 'before' | 'after',
  isIt: (request: Sent) => boolean,
  { lifetime, later = 0 }: { lifetime: 'job' | 'persistent'; later?: number },
): Promise<Run> {
  let act: Running | undefined;
  let interrupted = false;
  emulator.hold = async (moment, request) => {
    if (interrupted || moment !== when || !isIt(request)) return;
    interrupted = true;
    act?.kill('SIGINT');
    await act?.printed('Run Post Make a client');
    await sleep(later);
  };
  const ended = await run(emulator, 'client', {
    vars: { LIFETIME: lifetime },
    onStart: (running) => {
      act = running;
    },
  });
  expect(interrupted).toBe(true);
  return ended;
}

const is = (operation: Operation) => (request: Sent) => request.operation === operation;
const isVerification = ({ operation, text }: Sent) => operation === 'token' && text.includes('client_id=m2morg_');
const ids = () => emulator.clients().map(({ client_id }) => client_id);

describe.each(['job', 'persistent'] as const)('a run that is interrupted (lifetime: %s)', (lifetime) => {
  it.each([
    ['while the server answers that it made the client', 'after', is('createClient'), 0],
    ['before the server makes the client, which it does all the same', 'before', is('createClient'), 0],
    ['seconds before the server makes the client', 'before', is('createClient'), 3_000],
    ['while the credentials are verified', 'before', isVerification, 0],
  ] as const)('%s, leaves no client behind', async (_, when, isIt, later) => {
    const { exitCode, said } = await interrupt(when, isIt, { lifetime, later });
    expect([exitCode, sentTo(emulator, 'createClient').length]).toEqual([1, 1]);
    expect(said.at(-1)).toMatch(/^Deleted client m2morg_\d+\.$/);
    expect(ids()).toEqual([]);
  });
});

describe('a run that is interrupted while it rotates the secret of a client', () => {
  const secretIds = () => emulator.clients().flatMap(({ secrets = [] }) => secrets.map(({ id }) => id));

  function seed(): { client_id: string; old: string | undefined } {
    const { client } = seedEarlier(emulator, {}, { ageMs: DAY });
    return { client_id: client.client_id, old: client.secrets?.[0]?.id };
  }

  it('deletes the secret that it added, and keeps the client and its other secret', async () => {
    const { client_id, old } = seed();
    const { exitCode, said } = await interrupt('before', isVerification, { lifetime: 'persistent' });
    expect([exitCode, ids(), secretIds()]).toEqual([1, [client_id], [old]]);
    expect(said.at(-1)).toMatch(new RegExp(`^Deleted secret sks_\\d+ of client ${client_id}\\.$`));
  });

  it.each([
    ['answers', 'after'],
    ['adds it', 'before'],
  ] as const)('names a secret that may be its own, if it was cut off before the server %s', async (_, when) => {
    const { client_id, old } = seed();
    const { exitCode, log } = await interrupt(when, is('addSecret'), { lifetime: 'persistent' });
    const [first, added] = secretIds();
    expect([exitCode, ids(), first, secretIds().length]).toEqual([1, [client_id], old, 2]);
    expect(log).toContain(`::warning::Secret ${added} of client ${client_id} may be left over`);
  });

  it('says that a secret may still come, if it was cut off seconds before the server adds it', async () => {
    const { client_id } = seed();
    const { exitCode, log } = await interrupt('before', is('addSecret'), { lifetime: 'persistent', later: 3_000 });
    expect([exitCode, ids()]).toEqual([1, [client_id]]);
    expect(log).toContain(`::warning::Could not determine whether a secret was added to client ${client_id}`);
  });
});
