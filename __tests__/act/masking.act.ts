import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from '@jest/globals';
import { DEBUG_MARKER } from '../../emulator/index.ts';
import { seedEarlier } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { leakedParts } from './leaks.ts';
import { it, run } from './runner.ts';

// run() searches every log for secrets of the emulator, in all forms. The steps in these tests try to show them.

const emulator = useEmulator();

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

describe('a later step that echoes secrets', () => {
  it.each([
    ['a new client', 'job'],
    ['an existing client', 'persistent'],
  ])(
    "masks secret and token of %s, the environment's API secret and GitHub's token, if a later step echoes them",
    async (_, lifetime) => {
      if (lifetime === 'persistent') seedEarlier(emulator, {}, {});
      const { exitCode, lines } = await echo(true, lifetime);
      expect(exitCode).toBe(0);
      const secret = emulator.secrets().at(-1);
      const withId = [...FORMS, 'after its id, in lines'];
      expect(lines).toEqual(echoed('CLIENT_SECRET', secret, withId));
      expect(lines).toEqual(echoed('SCALEKIT_CLIENT_SECRET', emulator.credentials.clientSecret, withId));
      expect(lines).toEqual(echoed('TOKEN', emulator.github.token, withId));
      expect(lines).toEqual(echoed('ACCESS_TOKEN', undefined, TOKEN_FORMS));
    },
  );

  it('masks no ids, so that a later step can echo them', async () => {
    const { lines } = await echo(true);
    expect(lines).toContainEqual(
      expect.stringMatching(
        `^The client is m2morg_\\d+ of ${emulator.organization.id}, and its secret is sks_\\d+\\.$`,
      ),
    );
  });

  it('masks a secret with characters that URLs, JSON and forms encode, if a later step echoes it', async () => {
    const secret = ['100%', '"a\\b"', '/<&>', "b+c='d'", '`$(id)~!*'].join('-');
    const edit = (body: object) => ({ ...body, plain_secret: secret });
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    const { exitCode, log, lines } = await echo(false);
    expect(exitCode).toBe(0);
    expect(lines).toEqual(echoed('CLIENT_SECRET', secret));
    expect(leakedParts([secret], log)).toEqual([]);
  });
});

it('shows no secret in its log and job summary on a runner that masks nothing', async () => {
  const { exitCode, log } = await run(emulator, 'client', { debug: true, unmasked: true });
  expect(exitCode).toBe(0);
  expect(log).toContain('Summary - <h3>Scalekit organization client</h3>');
  // If the runner masked the secret, this test would prove nothing.
  expect(log).toContain(`::set-output:: secret=${emulator.secrets()[0]}`);
});

describe('debug logging', () => {
  it('shows its requests and no secret in the debug log', async () => {
    const { exitCode, log } = await run(emulator, 'outputs', { debug: true });
    expect(exitCode).toBe(0);
    expect(log).toMatch(/::debug::POST \/oauth\/token 200/);
    expect(log).toMatch(/::debug::POST \/api\/v1\/organizations\/org_\d+\/clients 201/);
  });

  it('shows no secret in the debug log of a step that fails', async () => {
    // act can drop the last lines of a failing step, but not those printed half a second earlier.
    emulator.hold = async (when, { operation }) => {
      if (when === 'before' && operation === 'createClient') await sleep(500);
    };
    emulator.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'status', status: 403 } });
    const { exitCode, log } = await run(emulator, 'outputs', { debug: true });
    expect(exitCode).toBe(1);
    expect(log).toContain('::debug::POST /oauth/token 200');
    expect(log).not.toContain(DEBUG_MARKER);
  });
});
