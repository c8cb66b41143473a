import { expect, it } from '@jest/globals';
import { ASSUMPTIONS } from '../../contract/assumptions/index.ts';
import { isFulfilled } from '../../contract/run.ts';
import { secretForms } from '../../src/output/mask.ts';
import { edit, type Rule, runContract } from '../support/contract.ts';
import { anotherEmulator } from '../support/emulators.ts';

// What the contract prints if the server is broken or hostile.

it.concurrent.each<[string, Rule['fault']]>([
  ['an HTML page', { kind: 'status', status: 200, body: '<html>Welcome</html>' }],
  ['a redirect', { kind: 'redirect', location: 'https://elsewhere.example/' }],
  ['a 503', { kind: 'status', status: 503, body: 'unavailable' }],
  ['a JSON list', { kind: 'body', body: '[1, 2]' }],
  ['too large', { kind: 'huge', bytes: 9_000_000 }],
  ['cut off', { kind: 'truncate' }],
  ['missing', { kind: 'reset' }],
])('prints a table in which nothing holds if every response is %s', async (_name, fault) => {
  await using emulator = await anotherEmulator({ faults: [{ operation: '*', fault }] });
  const result = await runContract(emulator);
  expect(result.rows.filter(({ verdict }) => verdict === 'holds')).toEqual([]);
  expect({ isFulfilled: isFulfilled(result), clients: emulator.clients() }).toEqual({
    isFulfilled: false,
    clients: [],
  });
});

it.concurrent.each(Array.from({ length: 6 }, (_, index) => index + 1))(
  'prints a whole table and names what it created if a fifth of the values is wrong (seed %d)',
  async (seed) => {
    const next = randomNumbers(seed);
    await using emulator = await anotherEmulator({
      faults: [{ operation: '*', fault: { kind: 'edit', edit: (body) => (next() < 0.2 ? spoil(body, next) : body) } }],
    });
    const result = await runContract(emulator);
    expect(result.rows).toHaveLength(ASSUMPTIONS.length);
    expect(result.ended).not.toContain('the run failed');
    // What remains is named, by its id or by its nonce.
    const names = result.remaining.map(({ call }) => call).join('\n');
    const unnamed = emulator.clients().filter(({ client_id, description = '' }) => {
      const nonce = /nonce:([\w-]{16})/.exec(description)?.[1] ?? 'none';
      return !names.includes(client_id) && !names.includes(nonce);
    });
    expect(unnamed).toEqual([]);
  },
);

/** Returns numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Replaces one value in some JSON, at any depth. */
function spoil(body: unknown, next: () => number): unknown {
  const wrong = [null, 0, '', [], {}, 'x', true, [null], { key: 1 }];
  if (typeof body !== 'object' || body === null || Object.keys(body).length === 0 || next() < 0.2)
    return wrong[Math.floor(next() * wrong.length)];
  const keys = Object.keys(body);
  const key = keys[Math.floor(next() * keys.length)] ?? '';
  return Object.assign(body, { [key]: spoil((body as Record<string, unknown>)[key], next) });
}

it.concurrent('prints no secret and no token if the server repeats them in other fields', async () => {
  await using emulator = await anotherEmulator();
  const known = new Set([emulator.credentials.clientSecret]);
  emulator.faults.add(
    // biome-ignore lint/suspicious/noExplicitAny: any response of the API.
    edit('*', (body: any) => {
      for (const value of [body.plain_secret, body.access_token]) if (value) known.add(value);
      const echo = [...known].flatMap((value) => [
        value,
        encodeURIComponent(value),
        Buffer.from(value).toString('base64'),
      ]);
      for (const name of ['message', 'error_description', 'next_page_token'])
        if (name in body) body[name] = `${echo.join(' ')}`;
      if (body.client) Object.assign(body.client, { name: echo.join(' '), audience: echo });
    }),
  );
  const { output } = await runContract(emulator);
  const forms = [...known, ...emulator.secrets()].flatMap((value) => secretForms(value, []));
  expect(known.size).toBeGreaterThan(5);
  expect(forms.filter((form) => output.includes(form))).toEqual([]);
  expect(output).toContain('***');
});
