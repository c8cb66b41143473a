import { afterEach, describe, expect, it } from '@jest/globals';
import sodium from 'libsodium-wrappers';
import { type Emulator, type EmulatorOptions, startEmulator } from '../emulator/index.ts';

const running: Emulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((emulator) => emulator.close()));
});

async function start(options: EmulatorOptions = {}) {
  const emulator = await startEmulator(options);
  running.push(emulator);
  const { github } = emulator;
  return { emulator, github, own: github.repository(OWN), ...caller(emulator) };
}

const OWN = 'acme/inventory-service';

type Init = { token?: string; authorization?: string; redirect?: 'manual' | 'follow' };

/** A caller of GitHub's API. Paths begin after the repository's. */
function caller({ github }: Emulator) {
  const call = async (method: string, path: string, body?: unknown, init: Init = {}) => {
    const { token = github.token, authorization = `token ${token}`, redirect = 'manual' } = init;
    const answer = await fetch(`${github.apiUrl}${path}`, {
      method,
      redirect,
      headers: { authorization },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = text === '' ? undefined : JSON.parse(text);
    return { status: answer.status, headers: answer.headers, json };
  };
  const at = (method: string, path: string, body?: unknown, init?: Init) =>
    call(method, `/repos/${OWN}${path}`, body, init);
  /** Seals a value for the key of a place and saves it. */
  const save = async (place: string, name: string, value: string | Uint8Array) => {
    const { key, key_id } = (await at('GET', `${place}/secrets/public-key`)).json;
    return at('PUT', `${place}/secrets/${name}`, { encrypted_value: await seal(value, key), key_id });
  };
  return { call, at, save };
}

async function seal(value: string | Uint8Array, key: string): Promise<string> {
  await sodium.ready;
  return Buffer.from(sodium.crypto_box_seal(value, Buffer.from(key, 'base64'))).toString('base64');
}

const WHOLE_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** The two kinds of place: how their paths begin, and what holds their values. */
const PLACES = [
  ['the repository', '/actions', ({ own }: Awaited<ReturnType<typeof start>>) => own],
  [
    'an environment',
    '/environments/preview%2Fpr-7',
    ({ own }: Awaited<ReturnType<typeof start>>) => own.addEnvironment('Preview/PR-7'),
  ],
] as const;

describe('secrets and variables', () => {
  it.each(PLACES)('keeps what is in the box of a secret, in %s', async (_, path, placeOf) => {
    const context = await start();
    const place = placeOf(context);
    const { at, save } = context;
    const value = `sk-${'ü'.repeat(20)}`;
    expect(await save(path, 'deploy_secret', value)).toMatchObject({ status: 201, json: {} });
    expect(place.secrets.get('DEPLOY_SECRET')?.value).toBe(value);
    expect(await save(path, 'Deploy_Secret', 'changed')).toMatchObject({ status: 204, json: undefined });
    expect([...place.secrets]).toMatchObject([['DEPLOY_SECRET', { value: 'changed' }]]);

    const { status, json } = await at('GET', `${path}/secrets/deploy_SECRET`);
    expect([status, json]).toEqual([
      200,
      {
        name: 'DEPLOY_SECRET',
        created_at: expect.stringMatching(WHOLE_SECONDS),
        updated_at: expect.stringMatching(WHOLE_SECONDS),
      },
    ]);
    expect((await at('DELETE', `${path}/secrets/deploy_secret`)).status).toBe(204);
    expect((await at('DELETE', `${path}/secrets/deploy_secret`)).status).toBe(404);
    expect((await at('GET', `${path}/secrets/deploy_secret`)).status).toBe(404);
  });

  it.each(PLACES)('makes, shows, changes and deletes a variable, in %s', async (_, path, placeOf) => {
    const context = await start();
    const place = placeOf(context);
    const { at } = context;
    const variables = `${path}/variables`;
    const variable = { name: 'client_id', value: 'm2morg_1' };
    expect((await at('PATCH', `${variables}/client_id`, { value: 'v' })).status).toBe(404);
    expect(await at('POST', variables, variable)).toMatchObject({ status: 201, json: {} });
    expect((await at('POST', variables, { ...variable, name: 'Client_Id' })).status).toBe(409);
    expect(await at('GET', `${variables}/Client_id`)).toMatchObject({
      status: 200,
      json: { name: 'CLIENT_ID', value: 'm2morg_1', created_at: expect.stringMatching(WHOLE_SECONDS) },
    });
    expect((await at('PATCH', `${variables}/client_id`, { value: 'm2morg_2' })).status).toBe(204);
    expect(place.variables.get('CLIENT_ID')?.value).toBe('m2morg_2');
    expect((await at('PATCH', `${variables}/client_id`, { name: 'other' })).status).toBe(204);
    expect([...place.variables]).toMatchObject([['OTHER', { value: 'm2morg_2' }]]);
    expect((await at('DELETE', `${variables}/client_id`)).status).toBe(404);
    expect((await at('DELETE', `${variables}/other`)).status).toBe(204);
    expect((await at('GET', `${variables}/other`)).status).toBe(404);
  });

  it('has a key of its own for each repository and each environment', async () => {
    const { github, own, at, call } = await start();
    own.addEnvironment('production');
    github.addRepository('acme/other');
    const keys = [
      await at('GET', '/actions/secrets/public-key'),
      await at('GET', '/environments/production/secrets/public-key'),
      await call('GET', '/repos/acme/other/actions/secrets/public-key'),
    ].map(({ json }) => json);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(3);
    expect(new Set(keys.map(({ key_id }) => key_id)).size).toBe(3);
    expect((await at('GET', '/actions/secrets/public-key')).json).toEqual(keys[0]);
    const encrypted_value = await seal('v', keys[1].key);
    for (const key_id of [keys[0].key_id, keys[1].key_id]) {
      expect((await at('PUT', '/actions/secrets/S', { encrypted_value, key_id })).status).toBe(422);
    }
    expect(own.secrets.size).toBe(0);
  });

  it.each([
    ['a field that GitHub does not know', { encrypted_value: 'AAAA', key_id: '1', visibility: 'all' }],
    ['no key id', { encrypted_value: 'AAAA' }],
    ['a value that is not base64', { encrypted_value: 'not base64', key_id: '1' }],
    ['a number for a key id', { encrypted_value: 'AAAA', key_id: 1 }],
  ])('refuses a secret with %s', async (_, body) => {
    const { at } = await start();
    expect(await at('PUT', '/actions/secrets/S', body)).toMatchObject({ status: 422, json: { status: '422' } });
  });

  it.each([
    ['a field that GitHub does not know', 'POST', { name: 'N', value: 'v', visibility: 'all' }, 422],
    ['no value', 'POST', { name: 'N' }, 422],
    ['a value that is no text', 'POST', { name: 'N', value: 1 }, 422],
    ['no body', 'POST', undefined, 422],
    ['broken JSON', 'POST', '{"name":', 400],
    ['a field that GitHub does not know', 'PATCH', { value: 'v', values: [] }, 422],
  ])('refuses a variable with %s (%5$s)', async (_, method, body, status) => {
    const { at, own } = await start();
    own.setVariable('N', 'old');
    const path = `/actions/variables${method === 'PATCH' ? '/N' : ''}`;
    expect((await at(method, path, body)).status).toBe(status);
    expect(own.variables.get('N')?.value).toBe('old');
  });

  it.each(['1ST', 'WITH-DASH', 'GITHUB_TOKEN', 'github_x', 'Ü'])('refuses the name %s', async (name) => {
    const { at, save, own } = await start();
    expect((await save('/actions', encodeURIComponent(name), 'v')).status).toBe(422);
    expect((await at('POST', '/actions/variables', { name, value: 'v' })).status).toBe(422);
    own.setVariable('OLD', 'v');
    expect((await at('PATCH', '/actions/variables/OLD', { name })).status).toBe(422);
    expect([own.secrets.size, [...own.variables.keys()]]).toEqual([0, ['OLD']]);
  });

  it('takes values of up to 48 KB', async () => {
    const { at, save } = await start();
    const longest = 'é'.repeat(24 * 1024);
    expect((await save('/actions', 'S', longest)).status).toBe(201);
    expect((await save('/actions', 'S', `${longest}x`)).status).toBe(422);
    expect((await at('POST', '/actions/variables', { name: 'V', value: longest })).status).toBe(201);
    expect((await at('PATCH', '/actions/variables/V', { value: `${longest}x` })).status).toBe(422);
  });

  it('tells when a secret was made and last saved', async () => {
    const { own, save, at } = await start();
    own.setSecret('OLD', 'v', 60_000);
    expect((await save('/actions', 'OLD', 'w')).status).toBe(204);
    const { created_at, updated_at } = (await at('GET', '/actions/secrets/OLD')).json;
    expect(Date.parse(updated_at) - Date.parse(created_at)).toBeGreaterThanOrEqual(59_000);
  });

  it('knows an environment whatever its case, and none that is not there', async () => {
    const { own, at } = await start();
    own.addEnvironment('Preview/PR-7').setVariable('V', 'v');
    const found = await at('GET', '/environments/preview%2Fpr-7');
    expect(found).toMatchObject({ status: 200, json: { name: 'Preview/PR-7' } });
    expect((await at('GET', '/environments/PREVIEW%2FPR-7/variables/v')).json.value).toBe('v');
    own.removeEnvironment('preview/pr-7');
    for (const path of ['', '/secrets/public-key', '/secrets/S', '/variables/v']) {
      expect((await at('GET', `/environments/preview%2Fpr-7${path}`)).status).toBe(404);
    }
  });
});
