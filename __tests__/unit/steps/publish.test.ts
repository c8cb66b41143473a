import { readFileSync, writeFileSync } from 'node:fs';
import { summary } from '@actions/core';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { DesiredClient } from '../../../src/client/desired.ts';
import type { Plan } from '../../../src/client/plan.ts';
import type { AppliedPlan } from '../../../src/steps/apply.ts';
import { logResult, publishPlan, writeReport } from '../../../src/steps/publish.ts';
import { useFolder } from '../../support/folders.ts';
import { DAY_NS } from '../../support/times.ts';
import { client, desiredClient, LOCATION, secret } from '../fixtures.ts';

/** 2026-11-24T08:00:00Z */
const CREATED = 1_795_507_200_000_000_000n;
const NEW_SECRET = {
  plain_secret: ['fake', 'plain', 'secret'].join('-'),
  shown: secret(9, { create_time: CREATED, suffix: 'cret' }),
};
const SAVED_AS = 'variables A_ID and A_STATE and secret A_SECRET of acme/app';
const RUN_URL = 'https://github.com/acme/app/actions/runs/1658821493/attempts/2';

const inFolder = useFolder();
const variables = ['GITHUB_STEP_SUMMARY', 'GITHUB_OUTPUT'] as const;
const originals = variables.map((name) => process.env[name]);
let printed = '';
beforeEach(() => {
  for (const name of variables) {
    process.env[name] = inFolder(name);
    writeFileSync(inFolder(name), '');
  }
  // A step writes one summary. The library keeps what was written before.
  summary.emptyBuffer();
  printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  for (const [at, name] of variables.entries()) {
    if (originals[at] === undefined) delete process.env[name];
    else process.env[name] = originals[at];
  }
});

const planOf = (changes: Partial<Plan> = {}): Plan => ({
  result: 'rotated',
  client: client(),
  beforePublish: [],
  afterPublish: [],
  notices: [],
  warnings: [],
  ...changes,
});
const appliedOf = (plan: Partial<Plan> = {}, changes: Partial<AppliedPlan> = {}): AppliedPlan => ({
  plan: planOf(plan),
  client: client(),
  secret: NEW_SECRET,
  remainingSteps: [],
  ...changes,
});
const REUSED = { secret: undefined };

/** Returns the log of a result. */
function logOf(desired: Partial<DesiredClient>, plan: Partial<Plan>, applied: Partial<AppliedPlan>): string[] {
  logResult(desiredClient(desired), appliedOf(plan, applied));
  return printed.split('\n').filter(Boolean);
}

/** Returns the rows of the summary, by their titles. */
function rowsOf(
  desired: Partial<DesiredClient>,
  plan: Partial<Plan>,
  applied: Partial<AppliedPlan>,
): Record<string, string> {
  writeReport(desiredClient(desired), appliedOf(plan, applied), []);
  const rows = readFileSync(inFolder('GITHUB_STEP_SUMMARY'), 'utf8').matchAll(
    /<tr><th>(.*?)<\/th><td>(.*?)<\/td><\/tr>/g,
  );
  return Object.fromEntries([...rows].map(([, title, cell = '']) => [title, cell.replace(/<\/?code>/g, '')]));
}

describe('logResult', () => {
  const WHICH = 'client m2morg_1 "Deployer" in organization org_1';

  it('logs why reuse adds a secret, where it is saved, and when the next rotation is due', () => {
    const reason = 'secret sks_1 is 31 days old, and rotate_after is 30';
    expect(logOf({ location: LOCATION, rotate_after: 30 }, { reason }, {})).toEqual([
      `Added secret sks_9 to ${WHICH}, since ${reason}.`,
      `Saved the credentials as ${SAVED_AS}.`,
      'The next rotation is due on 2026-12-24T08:00:00Z.',
    ]);
  });

  it('logs when the next rotation is due if reuse adds no secret', () => {
    expect(
      logOf({ location: LOCATION, rotate_after: 30 }, { result: 'reused', nextRotation: CREATED + DAY_NS }, REUSED),
    ).toEqual([
      `Reused ${WHICH}: the saved credentials are this client's.`,
      'The next rotation is due on 2026-11-25T08:00:00Z.',
    ]);
  });

  it('logs no rotation without rotate_after, or if the age of the new secret is unknown', () => {
    expect(logOf({}, {}, {})).toEqual([`Added secret sks_9 to ${WHICH}.`]);
    printed = '';
    const undated = { secret: { ...NEW_SECRET, shown: secret(9, { create_time: undefined }) } };
    expect(logOf({ rotate_after: 30 }, {}, undated)).toEqual([`Added secret sks_9 to ${WHICH}.`]);
  });
});

describe('writeReport', () => {
  it('shows in the summary where the credentials are saved', () => {
    expect(rowsOf({ location: LOCATION }, {}, {}).Saved).toBe(SAVED_AS);
  });

  it('shows in the summary that the saved credentials are unchanged if an existing client is reused', () => {
    expect(rowsOf({ location: LOCATION }, {}, REUSED).Saved).toBe('unchanged');
  });

  it('shows no row about saving in the summary if no credentials are saved', () => {
    expect(rowsOf({}, {}, {})).not.toHaveProperty('Saved');
  });

  it('shows in the summary why reuse adds a secret, and when the next rotation is due', () => {
    const reason = 'no credentials of it are saved';
    expect(rowsOf({ rotate_after: 1 }, { reason }, {})).toMatchObject({
      Result: 'rotated',
      Reason: reason,
      Secret: 'sks_9',
      'Next rotation': '2026-11-25T08:00:00Z',
    });
  });

  it('shows in the summary when the next rotation is due if reuse adds no secret', () => {
    const rows = rowsOf({ rotate_after: 30 }, { result: 'reused', nextRotation: CREATED }, REUSED);
    expect(rows).toMatchObject({ Result: 'reused', 'Next rotation': '2026-11-24T08:00:00Z' });
    expect(rows).not.toHaveProperty('Reason');
  });

  it('shows no row for a rotation in the summary if it is not due at a known time', () => {
    const rows = rowsOf({}, {}, {});
    expect(rows).not.toHaveProperty('Next rotation');
    expect(rows).not.toHaveProperty('Reason');
  });

  it('links the run in the summary if its address is known', () => {
    expect(rowsOf({ run_url: RUN_URL }, {}, {}).Run).toBe(`<a href="${RUN_URL}">1658821493.2</a>`);
    expect(rowsOf({ run_url: '' }, {}, {}).Run).toBe('1658821493.2');
  });

  it('shows the last four characters of the secret in the summary, and no others', () => {
    const rows = rowsOf({}, {}, {});
    expect(rows['Secret ends with']).toBe('cret');
    expect(JSON.stringify(rows)).not.toContain('plain');
  });
});

describe('publishPlan', () => {
  it('shows in the plan of a dry run why reuse adds a secret', () => {
    const steps: Partial<Plan> = { beforePublish: [{ kind: 'add-secret', toMakeRoom: undefined }, { kind: 'save' }] };
    publishPlan(desiredClient({ location: LOCATION }), planOf({ ...steps, reason: 'no credentials of it are saved' }));
    expect(printed.split('\n').filter(Boolean)).toEqual([
      'Dry run in organization org_1: nothing was changed. A run without dry_run would',
      '- add a secret to client m2morg_1',
      `- save the credentials as ${SAVED_AS}`,
      'A new secret is due, since no credentials of it are saved.',
    ]);
  });

  it('shows in the plan of a dry run which secret is deleted if Scalekit refuses another one', () => {
    publishPlan(desiredClient(), planOf({ beforePublish: [{ kind: 'add-secret', toMakeRoom: secret(1) }] }));
    expect(printed).toContain(
      '- add a secret to client m2morg_1; if Scalekit refuses another one, delete secret sks_1 first\n',
    );
  });

  it('shows in the plan of a dry run when the next rotation is due if nothing changes', () => {
    publishPlan(desiredClient({ rotate_after: 30 }), planOf({ result: 'reused', nextRotation: CREATED }));
    expect(printed.split('\n').filter(Boolean)).toEqual([
      'Dry run in organization org_1: nothing was changed. A run without dry_run would',
      '- change nothing',
      'The next rotation is due on 2026-11-24T08:00:00Z.',
    ]);
  });
});
