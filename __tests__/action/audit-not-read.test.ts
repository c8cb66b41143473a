import { describe, expect, it } from '@jest/globals';
import { warnings } from '../support/action.ts';
import { audit, claims, kindsById, OF_SERVICE, SERVICE, SERVICE_ID, seedMarked, tableRows } from '../support/audits.ts';
import { editClients } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { sentTo } from '../support/requests.ts';
import { DAY } from '../support/times.ts';

// What audit/ could not read is counted, with the reason. It is not reported as missing.

const emulator = useEmulator();

describe('lists of clients that leave something out', () => {
  it('reads clients by their ids in an audit if the list leaves out descriptions', async () => {
    emulator.behaviour.descriptionsInLists = false;
    const ids = [seedMarked(emulator), seedMarked(emulator)];
    emulator.seed({ name: 'Created by a person' }, {});
    const run = await audit(emulator);
    expect(run.report).toMatchObject({ counts: { marked: 2, unmarked: 1, undescribed: 0 }, not_read: [] });
    expect(Object.keys(kindsById(run)).sort()).toEqual(ids.sort());
    expect(sentTo(emulator, 'getClient')).toHaveLength(3);
  });

  it('reads only clients with a marker by their ids in an audit if the list leaves out secrets', async () => {
    const edit = ({ clients, ...body }: { clients: object[] }) => ({
      ...body,
      clients: clients.map((one) => ({ ...one, secrets: undefined })),
    });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
    seedMarked(emulator);
    emulator.seed({ name: 'Created by a person' }, {});
    const { report } = await audit(emulator);
    expect(report).toMatchObject({ not_read: [], clients: [{ secrets: [{ active: true }], findings: [] }] });
    expect(sentTo(emulator, 'getClient')).toHaveLength(1);
  });

  it('warns how many descriptions were not read and why, and soon stops if every read is refused', async () => {
    emulator.behaviour.descriptionsInLists = false;
    for (let at = 0; at < 30; at++) seedMarked(emulator);
    emulator.behaviour.forbidden = ['getClient'];
    const run = await audit(emulator);
    expect(run.report).toMatchObject({
      counts: { marked: 0, unmarked: 0, undescribed: 30 },
      not_read: [{ what: 'descriptions', count: 30, reason: expect.stringContaining('HTTP 403') }],
    });
    expect(warnings(run)).toEqual([
      expect.stringMatching(
        /^The description of 30 clients was not read, so each may have an ownership marker\. .*HTTP 403/,
      ),
    ]);
    expect(run.summary).toContain('The description of 30 clients was not read');
    expect(sentTo(emulator, 'getClient').length).toBeLessThan(20);
  });

  it('reads at most 1,000 clients by their ids in an audit, and first those that the action may have named', async () => {
    emulator.behaviour.descriptionsInLists = false;
    for (let at = 0; at < 1_050; at++) emulator.seed({ name: `Other ${at}` }, { secrets: 0 });
    const last = seedMarked(emulator, {}, {}, { fields: { name: 'GitHub Actions: acme/app' } });
    const run = await audit(emulator, {}, { env: { RUNNER_DEBUG: undefined } });
    expect(run.report.counts).toEqual({ marked: 1, unmarked: 999, undescribed: 51 });
    expect(run.report.not_read).toEqual([{ what: 'descriptions', count: 51, reason: 'At most 1000 are looked up.' }]);
    expect(Object.keys(kindsById(run))).toEqual([last]);
    expect(sentTo(emulator, 'getClient')).toHaveLength(1_000);
  });

  it('reports secrets that no response shows as not read, and not as missing', async () => {
    seedMarked(emulator);
    editClients(emulator, (client) => ({ ...client, secrets: undefined }));
    const run = await audit(emulator);
    expect(run.report).toMatchObject({
      findings: 0,
      not_read: [{ what: 'secrets', count: 1, reason: 'The responses do not show them.' }],
      clients: [{ secrets: null }],
    });
    expect(tableRows(run)[0]).toContain('not read');
  });

  it('counts entries of the list that audit/ cannot read', async () => {
    const id = seedMarked(emulator);
    const edit = ({ clients, ...body }: { clients: object[] }) => ({
      ...body,
      clients: [...clients, { ...clients[0], client_id: 'm2morg_..' }, { ...clients[0], description: 7 }, null],
    });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
    const { report } = await audit(emulator);
    expect(report).toMatchObject({
      counts: { marked: 1, unmarked: 0, undescribed: 3 },
      not_read: [{ what: 'descriptions', count: 3, reason: 'The list has entries that cannot be read.' }],
      clients: [{ client_id: id }],
    });
  });
});

describe('look-ups of audit/ in GitHub', () => {
  it('reports no repository as missing if GitHub refuses the token', async () => {
    seedMarked(emulator, OF_SERVICE);
    // With this timeout, the token counts as new for about three seconds and not for five.
    const run = await audit(emulator, { github_token: ['ghp', 'x'.repeat(36)].join('_'), timeout: '5' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { findings: '0' } });
    expect(run.report.not_read).toEqual([
      { what: 'repositories', count: 1, reason: expect.stringContaining('HTTP 401') },
    ]);
    expect(warnings(run)).toEqual([
      expect.stringMatching(/^It is not known whether GitHub shows the repositories of 1 client to github_token\. /),
    ]);
  });

  it('reports no environment as missing if the token may not read environments', async () => {
    emulator.github.addRepository(SERVICE, { id: SERVICE_ID });
    seedMarked(emulator, OF_SERVICE, {}, { fields: claims({ environment: 'production' }) });
    const { report } = await audit(emulator, { github_token: emulator.github.addToken({ secrets: 'read' }) });
    const reason = expect.stringMatching(/HTTP 403.* Actions \(read\)/);
    expect(report).toMatchObject({ findings: 0, not_read: [{ what: 'environments', count: 1, reason }] });
  });

  it('reads at most 500 repositories in an audit, and counts the others', async () => {
    for (let at = 0; at < 510; at++) seedMarked(emulator, { repo: `${1_000 + at}`, by: `${1_000 + at}` });
    const step = { env: { RUNNER_DEBUG: undefined } };
    const { report } = await audit(emulator, { github_token: emulator.github.token }, step);
    expect(report.not_read).toEqual([{ what: 'repositories', count: 10, reason: 'At most 500 are looked up.' }]);
    expect(report.findings).toBe(500);
    expect(sentTo(emulator, 'getRepository')).toHaveLength(500);
  });

  it('counts clients in an audit if neither marker nor claims name a repository to read', async () => {
    const repository = { repo: 'A'.repeat(16), by: 'A'.repeat(16) };
    seedMarked(emulator, repository, {}, { fields: claims({ environment: 'production' }) });
    const run = await audit(emulator, { github_token: emulator.github.token });
    const reason = 'Their markers and claims name none that can be looked up.';
    expect(run.report).toMatchObject({
      findings: 0,
      not_read: [
        { what: 'repositories', count: 1, reason },
        { what: 'environments', count: 1, reason },
      ],
    });
    expect(warnings(run)).toHaveLength(2);
  });

  it('counts environments whose names cannot be in a URL in an audit, and reads the other ones', async () => {
    emulator.github.addRepository(SERVICE, { id: SERVICE_ID });
    const inEnvironment = (environment: string) =>
      seedMarked(emulator, OF_SERVICE, {}, { fields: claims({ environment }) });
    const names = new Map(['.', '..', '\ud800'].map((name) => [inEnvironment('production'), name]));
    const other = inEnvironment('staging');
    editClients(emulator, (client) => {
      const environment = names.get(`${client.client_id}`);
      return environment ? { ...client, ...claims({ environment }) } : client;
    });
    const run = await audit(emulator, { github_token: emulator.github.token });
    const none = Object.fromEntries([...names.keys()].map((id) => [id, []]));
    expect(kindsById(run)).toEqual({ ...none, [other]: ['environment_not_shown'] });
    expect(run.report.not_read).toMatchObject([{ what: 'environments', count: 3 }]);
  });
});

describe('ages that audit/ cannot determine', () => {
  it.each([
    ['no time', ''],
    ['the time of a clock that was never set', 'Thu, 01 Jan 1970 00:00:09 GMT'],
    ['a time after the year 9999', 'Fri, 31 Dec 9999 23:59:59 -1200'],
  ])('reports no age if Scalekit sends %s', async (_what, date) => {
    seedMarked(emulator, { lifetime: 'job' }, { ageMs: 9 * DAY });
    const body = JSON.stringify({ clients: emulator.clients() });
    const headers = { 'content-type': 'application/json', date };
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'body', body, headers } });
    const { report } = await audit(emulator, { max_secret_age: '1' });
    expect(report).toMatchObject({ time: null, findings: 0, not_read: [{ what: 'ages', count: 1 }] });
    expect(report.clients).toMatchObject([{ age_days: null, secrets: [{ age_days: null }] }]);
  });

  it('reports no age if the responses show no time of creation', async () => {
    seedMarked(emulator, { lifetime: 'job' }, { ageMs: 9 * DAY });
    editClients(emulator, (client) => ({ ...client, create_time: undefined }));
    const { report } = await audit(emulator);
    const reason = 'The responses show no valid create_time.';
    expect(report).toMatchObject({ findings: 0, not_read: [{ what: 'ages', count: 1, reason }] });
  });

  it('reports no age if the responses show times that the report cannot contain', async () => {
    seedMarked(emulator);
    const [create_time, expire_time] = Array(2).fill('9999-12-31T23:59:59-01:00');
    editClients(emulator, (client) => ({ ...client, secrets: [{ id: 'sks_1', create_time, expire_time }] }));
    const { report } = await audit(emulator, { max_secret_age: '1' });
    const secrets = [{ active: true, expire_time: null }];
    expect(report).toMatchObject({ not_read: [{ what: 'ages', count: 1 }], clients: [{ secrets }] });
  });
});
