import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { DEBUG_MARKER, type Emulator, startEmulator } from '../../emulator/index.ts';
import { seedEarlier } from '../support/action.ts';
import { leakedParts } from './leaks.ts';
import { it, run } from './runner.ts';

// run() searches every log for secrets of the emulator, in all forms. The steps in these tests try to show them.

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const TOKEN_FORMS = ['plain', 'base64', 'base64url', 'in a URL', 'in a form', 'in JSON'];
const FORMS = [...TOKEN_FORMS, 'base64 in lines', 'after an id'];

/** Runs the workflow that echoes secrets. act would mask none of them by itself. */
const echo = (verify: boolean, lifetime = 'job') =>
  run(emulator, 'masking', {
    vars: { LIFETIME: lifetime, VERIFY: `${verify}`, TOKEN: emulator.github.token },
    env: emulator.variables,
    withoutSecrets: true,
  });

/** Matches the lines of a step that echoed this secret. */
const echoed = (name: string, value?: string, forms = FORMS) =>
  expect.arrayContaining([
    ...(value ? [`${name} has ${Buffer.byteLength(value)} bytes.`] : []),
    ...forms.map((form) => expect.stringMatching(`^${name} ${form}: .*\\*\\*\\*`)),
  ]);

describe('a later step', () => {
  it.each([
    ['a new client', 'job'],
    ['one that was there', 'persistent'],
  ])(
    "cannot show the secret and the token of %s, nor the environment's API secret and GitHub's token",
    async (_, lifetime) => {
      if (lifetime === 'persistent') seedEarlier(emulator, {}, {});
      const { exitCode, said } = await echo(true, lifetime);
      expect(exitCode).toBe(0);
      const secret = emulator.secrets().at(-1);
      const withId = [...FORMS, 'after its id, in lines'];
      expect(said).toEqual(echoed('CLIENT_SECRET', secret, withId));
      expect(said).toEqual(echoed('SCALEKIT_CLIENT_SECRET', emulator.credentials.clientSecret, withId));
      expect(said).toEqual(echoed('TOKEN', emulator.github.token, withId));
      expect(said).toEqual(echoed('ACCESS_TOKEN', undefined, TOKEN_FORMS));
    },
  );

  it('can show ids', async () => {
    const { said } = await echo(true);
    expect(said).toContainEqual(
      expect.stringMatching(
        `^The client is m2morg_\\d+ of ${emulator.organization.id}, and its secret is sks_\\d+\\.$`,
      ),
    );
  });

  it('cannot show a secret with characters that the forms write otherwise', async () => {
    await expectHidden(['100%', '"a\\b"', '/<&>', "b+c='d'", '`$(id)~!*'].join('-'));
  });

  /** Runs the workflow with a secret that the API returns for a new client, and expects that no part of it is shown. */
  async function expectHidden(secret: string): Promise<void> {
    const edit = (answer: object) => ({ ...answer, plain_secret: secret });
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    const { exitCode, log, said } = await echo(false);
    expect(exitCode).toBe(0);
    expect(said).toEqual(echoed('CLIENT_SECRET', secret));
    expect(leakedParts([secret], log)).toEqual([]);
  }
});

describe('a runner that masks nothing', () => {
  it('shows nothing secret of what the action itself logs and writes into the job summary', async () => {
    const { exitCode, log } = await run(emulator, 'client', { debug: true, unmasked: true });
    expect(exitCode).toBe(0);
    expect(log).toContain('Summary - <h3>Scalekit organization client</h3>');
    // If the runner masked the secret, this test would prove nothing.
    expect(log).toContain(`::set-output:: secret=${emulator.secrets()[0]}`);
  });
});

describe('debug logging', () => {
  it('shows the requests, and nothing secret', async () => {
    const { exitCode, log } = await run(emulator, 'outputs', { debug: true });
    expect(exitCode).toBe(0);
    expect(log).toMatch(/::debug::POST \/oauth\/token 200/);
    expect(log).toMatch(/::debug::POST \/api\/v1\/organizations\/org_\d+\/clients 201/);
  });

  it('of a failed step shows nothing secret either', async () => {
    // act can drop the last lines of a failing step, but not those printed half a second earlier.
    emulator.hold = async (when, { operation }) => {
      if (when === 'before' && operation === 'createClient') await sleep(500);
    };
    emulator.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'status', status: 403 } });
    const { exitCode, log } = await run(emulator, 'outputs', { debug: true });
    expect([exitCode, log]).toEqual([1, expect.stringContaining('::debug::POST /oauth/token 200')]);
    expect(log).not.toContain(DEBUG_MARKER);
  });
});
