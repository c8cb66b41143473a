import { expect, it } from '@jest/globals';
import { type CheckedRun, SIGN, useCheckedRuns } from '../support/checked-run.ts';
import { useEmulator } from '../support/emulators.ts';
import { sentTo } from '../support/requests.ts';

// Secrets and access tokens of Scalekit that a runner could interpret: they are published unchanged and masked, or refused.

const emulator = useEmulator();
const run = useCheckedRuns();

/** Makes Scalekit create clients with this secret, and refuse another one. */
function createWith(plain_secret: string): void {
  emulator.faults.add({
    operation: 'createClient',
    fault: { kind: 'edit', edit: (response) => ({ ...response, plain_secret }) },
  });
  const body = { code: 3, message: plain_secret };
  emulator.faults.add({ operation: 'addSecret', fault: { kind: 'status', status: 400, body } });
}

/** Makes Scalekit issue this access token for the new credentials. */
function issueToken(access_token: string): void {
  const where = ({ text }: { text: string }) => text.includes('client_id=m2morg_');
  const edit = (response: object) => ({ ...response, access_token, expires_in: '60' });
  emulator.faults.add({ operation: 'token', where, fault: { kind: 'edit', edit } });
}

/** Checks that a step failed, set no output, and deleted its client. */
function expectRefused({ exitCode, entries }: CheckedRun): void {
  expect({ exitCode, entries, clients: emulator.clients() }).toEqual({ exitCode: 1, entries: [], clients: [] });
}

it.each([
  ['symbols and markup', `=<<%,:;"\\'\`$(id)<img/src=x>[x](http://e.example)&amp;`],
  ['commands', `${SIGN}::add-mask::a##[error]x%0A::error::y`],
  ['white space around it', ` \n${SIGN}-secret\t\n`],
])('publishes a secret with %s unchanged, and masks it', async (_, plain_secret) => {
  createWith(plain_secret);
  const { exitCode, entries, masks, lines, codes } = await run(emulator, { inputs: { verify: 'false' } });
  const [client] = emulator.clients();
  expect({ exitCode, entries }).toEqual({
    exitCode: 0,
    entries: [
      ['client_id', client?.client_id],
      ['secret', plain_secret.trim()],
      ['secret_id', client?.secrets?.[0]?.id],
      ['organization_id', emulator.organization.id],
      ['result', 'created'],
    ],
  });
  expect(masks).toContain(plain_secret.trim());
  expect([...lines, ...codes].join('\n')).not.toContain(plain_secret.trim());
});

it.each([
  ['commands on lines of their own', `${SIGN}\n::add-mask::a\r::stop-commands::tok\r\n##[error]x%0A::error::y`],
  ['control characters', `${SIGN}\x1b[31m\x07\x9b\0\x7f\u2028\u202e\t${SIGN}`],
  ['spaces', `${SIGN} and ${SIGN}`],
])('refuses a secret with %s, shows no line of it, and deletes its client', async (_, plain_secret) => {
  createWith(plain_secret);
  const refused = await run(emulator, { inputs: { verify: 'false' } });
  expectRefused(refused);
  const shown = [...refused.lines, JSON.stringify(refused.annotations)].join('\n');
  for (const line of plain_secret.split(/[\r\n]+/).filter((line) => line.length >= 8))
    expect(shown).not.toContain(line);
});

it('refuses a secret that is longer than 48 KiB, and shows no part of it', async () => {
  createWith(`${SIGN}${'x'.repeat(49_152)}`);
  const refused = await run(emulator, { inputs: { verify: 'false' } });
  expectRefused(refused);
  expect(JSON.stringify([refused.lines, refused.annotations])).not.toContain('x'.repeat(20));
});

it('does not publish an access token that is longer than 48 KiB', async () => {
  issueToken('x'.repeat(49_153));
  const refused = await run(emulator, { inputs: { access_token: 'true' } });
  expectRefused(refused);
  expect(refused.annotations).toEqual([
    { kind: 'error', message: expect.stringContaining('its access_token is not 8 characters to 48 KiB') },
  ]);
});

it('publishes an access token with commands and symbols unchanged, as one of seven outputs', async () => {
  const access_token = `${SIGN}ghadelimiter_x<<EOF::add-mask::a##[error]%0A"'\\<b>&|=;$()`;
  issueToken(access_token);
  const { exitCode, entries, lines } = await run(emulator, { inputs: { access_token: 'true' } });
  expect(exitCode).toBe(0);
  expect(entries.map(([name]) => name)).toEqual([
    ...['client_id', 'secret', 'secret_id', 'organization_id', 'result'],
    ...['access_token', 'access_token_expires_at'],
  ]);
  expect(Object.fromEntries(entries)).toMatchObject({
    access_token,
    access_token_expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(lines.join('\n')).not.toContain(access_token);
});

it.each([`a\n::add-mask::a${SIGN}`, `a b${SIGN}`, `\x1b[31m${SIGN}`])(
  'sends no request with an access token that a header cannot contain: %j',
  async (access_token) => {
    const edit = (response: object) => ({ ...response, access_token });
    emulator.faults.add({ operation: 'token', fault: { kind: 'edit', edit } });
    expectRefused(await run(emulator));
    expect(sentTo(emulator, 'createClient')).toEqual([]);
    expect(sentTo(emulator, 'listClients')).toEqual([]);
  },
);
