import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import { seedEarlier } from '../support/action.ts';
import { clientIds, secretIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { sentTo } from '../support/requests.ts';
import { DAY } from '../support/times.ts';
import { it, type Run, type Running, run } from './runner.ts';

// Tests of an interrupted run. act kills the step at once, as GitHub's runner does after a while. Then it runs the post
// step with the state that was written until then.

type Sent = Emulator['requests'][number];

const emulator = useEmulator();

/**
 * Interrupts a run at the first matching request, before or after the server carries it out. The server continues
 * `later` milliseconds after the step has been killed.
 */
async function interrupt(
  when: 'before' | 'after',
  isIt: (request: Sent) => boolean,
  { lifetime, later = 0 }: { lifetime: 'job' | 'persistent'; later?: number },
): Promise<Run> {
  let runner: Running | undefined;
  let interrupted = false;
  emulator.hold = async (moment, request) => {
    if (interrupted || moment !== when || !isIt(request)) return;
    interrupted = true;
    runner?.kill('SIGINT');
    await runner?.printed('Run Post Make a client');
    await sleep(later);
  };
  const ended = await run(emulator, 'client', {
    vars: { LIFETIME: lifetime },
    onStart: (running) => {
      runner = running;
    },
  });
  expect(interrupted).toBe(true);
  return ended;
}

const is = (operation: Operation) => (request: Sent) => request.operation === operation;
const isVerification = ({ operation, text }: Sent) => operation === 'token' && text.includes('client_id=m2morg_');

describe.each(['job', 'persistent'] as const)('a run with lifetime: %s', (lifetime) => {
  it.each([
    ['while the server responds that it created the client', 'after', is('createClient'), 0],
    ['before the server creates the client, which it does anyway', 'before', is('createClient'), 0],
    ['seconds before the server creates the client', 'before', is('createClient'), 3_000],
    ['while the credentials are verified', 'before', isVerification, 0],
  ] as const)('deletes the client if the run is interrupted %s', async (_, when, isIt, later) => {
    const { exitCode, lines } = await interrupt(when, isIt, { lifetime, later });
    expect(exitCode).toBe(1);
    expect(sentTo(emulator, 'createClient')).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/^Deleted client m2morg_\d+\.$/);
    expect(clientIds(emulator)).toEqual([]);
  });
});

describe('a run that is interrupted while it rotates the secret of a client', () => {
  function seed(): { client_id: string; old: string | undefined } {
    const { client } = seedEarlier(emulator, {}, { ageMs: DAY });
    return { client_id: client.client_id, old: client.secrets?.[0]?.id };
  }

  it('deletes the secret that it added if a rotation is interrupted, and keeps the client and its old secret', async () => {
    const { client_id, old } = seed();
    const { exitCode, lines } = await interrupt('before', isVerification, { lifetime: 'persistent' });
    expect({ exitCode, clients: clientIds(emulator), secrets: secretIds(emulator) }).toEqual({
      exitCode: 1,
      clients: [client_id],
      secrets: [old],
    });
    expect(lines.at(-1)).toMatch(new RegExp(`^Deleted secret sks_\\d+ of client ${client_id}\\.$`));
  });

  it.each([
    ['responds', 'after'],
    ['adds it', 'before'],
  ] as const)(
    'warns of a secret that may be its own if a rotation is cut off before the server %s',
    async (_, when) => {
      const { client_id, old } = seed();
      const { exitCode, log } = await interrupt(when, is('addSecret'), { lifetime: 'persistent' });
      const [first, added, ...more] = secretIds(emulator);
      expect({ exitCode, clients: clientIds(emulator), first, more }).toEqual({
        exitCode: 1,
        clients: [client_id],
        first: old,
        more: [],
      });
      expect(log).toContain(`::warning::Secret ${added} of client ${client_id} may be left over`);
    },
  );

  it('warns that the server may still add a secret if a rotation is cut off seconds before', async () => {
    const { client_id } = seed();
    const { exitCode, log } = await interrupt('before', is('addSecret'), { lifetime: 'persistent', later: 3_000 });
    expect({ exitCode, clients: clientIds(emulator) }).toEqual({ exitCode: 1, clients: [client_id] });
    expect(log).toContain(`::warning::Could not determine whether a secret was added to client ${client_id}`);
  });
});
