import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { releaseOf } from '../../scripts/release-notes.ts';
import { useFolder } from '../support/folders.ts';
import { itWith } from '../support/programs.ts';

const entry = '## [1.2.3] - 2026-11-24\n\n### Added\n\n- One thing.\n';
const changelog = `# Changelog\n\n${entry}\n## [1.2.2] - 2026-10-01\n\n- Another.\n`;

describe('a release', () => {
  it('a release has the version as its tag and the text of the changelog', () => {
    const release = { tag: 'v1.2.3', major: 'v1', notes: '### Added\n\n- One thing.' };
    expect(releaseOf('1.2.3', '1.2.3', changelog)).toEqual(release);
    expect(releaseOf('1.2.3', '1.2.3', entry)).toEqual(release);
  });

  it.each([
    ['no version', ['latest', 'latest', changelog], 'latest is no version'],
    ['a version before the first', ['0.1.0', '0.1.0', changelog], '0.1.0 is no version'],
    ['a candidate', ['1.2.3-rc.1', '1.2.3-rc.1', changelog], '1.2.3-rc.1 is no version'],
    ['another User-Agent', ['1.2.3', '1.2.2', changelog], 'src/net/transport.ts says 1.2.2'],
    ['a changelog that is behind', ['1.2.4', '1.2.4', changelog], 'CHANGELOG.md begins with 1.2.3'],
    ['no changelog', ['1.2.3', '1.2.3', ''], 'CHANGELOG.md begins with undefined'],
    ['no date', ['1.2.3', '1.2.3', changelog.replace('2026-11-24', 'Unreleased')], 'dated "Unreleased"'],
  ] as const)('releaseOf throws if the release has %s', (_, [version, userAgent, text], message) => {
    expect(() => releaseOf(version, userAgent, text)).toThrow(message);
  });
});

describe('the workflow', () => {
  const workflow = parse(readFileSync(new URL('../../.github/workflows/release.yml', import.meta.url), 'utf8'));
  const { steps } = workflow.jobs.release as { steps: { name?: string; run?: string }[] };

  const it = itWith('bash');
  const inFolder = useFolder();

  /** What exists on GitHub before the scripts run. */
  interface There {
    /** The commit that the tag points to. */
    tagged?: string;
    release?: 'draft' | 'published';
    immutable?: boolean;
    majorTagged?: boolean;
  }

  /** Runs the release scripts up to the first that fails. A stand-in for `gh` records calls and prints responses. */
  function publish({ tagged, release, immutable = true, majorTagged = true }: There) {
    const respond = (text: unknown) => (text === undefined ? 'echo "HTTP 404" >&2; exit 1' : `echo ${text}`);
    writeFileSync(
      inFolder('gh'),
      `#!/bin/sh
echo "$*" >> "${inFolder('calls')}"
case "$*" in
  *"commits/tags/v1.2.3"*) ${respond(tagged)} ;;
  "release view"*) ${respond(release && release === 'draft')} ;;
  *"--jq .immutable"*) ${respond(immutable)} ;;
  *"git/ref/tags/v1") ${respond(majorTagged || undefined)} ;;
esac
`,
    );
    chmodSync(inFolder('gh'), 0o755);
    writeFileSync(inFolder('calls'), '');
    const names = ['Tag and publish', 'Move the major tag'];
    const scripts = names.map((name) => steps.find((step) => step.name === name)?.run ?? 'exit 2');
    let log = '';
    for (const script of scripts) {
      const { status, stdout } = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
        env: {
          PATH: `${inFolder()}:${process.env.PATH}`,
          GITHUB_REPOSITORY: 'acme/action',
          GITHUB_SHA: 'c0ffee',
          TAG: 'v1.2.3',
          MAJOR: 'v1',
          NOTES: '- "One" $(thing).\n- Another.',
        },
        encoding: 'utf8',
      });
      log += stdout;
      if (status !== 0) break;
    }
    const calls = readFileSync(inFolder('calls'), 'utf8')
      .trim()
      .split(/\n(?!- )/);
    return { changes: calls.filter((call) => !/release view|--jq|git\/ref\//.test(call)), log };
  }

  const created = expect.stringMatching(
    /^release create v1\.2\.3 --draft --target c0ffee .* - "One" \$\(thing\)\.\n- An/s,
  );
  const published = expect.stringMatching(/^release edit v1\.2\.3 --draft=false --latest --target c0ffee /);
  const moved = 'api --silent --method PATCH repos/acme/action/git/refs/tags/v1 -f sha=c0ffee -F force=true';

  it('the release workflow publishes a draft, which tags the commit, and then moves the major tag', () => {
    expect(publish({}).changes).toEqual([created, published, moved]);
  });

  it('the release workflow creates the major tag if it does not exist', () => {
    const made = 'api --silent repos/acme/action/git/refs -f ref=refs/tags/v1 -f sha=c0ffee';
    expect(publish({ majorTagged: false }).changes.at(-1)).toBe(made);
  });

  it.each([
    ['created a draft', { release: 'draft' }, [published, moved]],
    ['created a tag', { tagged: 'c0ffee' }, [created, published, moved]],
    ['published, and could not move the major tag', { tagged: 'c0ffee', release: 'published' }, [moved]],
  ] as const)('the release workflow continues if an earlier attempt %s', (_, there, changes) => {
    expect(publish(there).changes).toEqual(changes);
  });

  it("the release workflow changes nothing if the version's tag points to another commit", () => {
    const { changes, log } = publish({ tagged: 'deadbeef', release: 'published' });
    expect(changes).toEqual([]);
    expect(log).toContain('::error::v1.2.3 is there already');
  });

  it('the release workflow does not move the major tag if the release is not immutable', () => {
    const { changes, log } = publish({ immutable: false });
    expect(changes).toEqual([created, published]);
    expect(log).toContain('::error::The release v1.2.3 can be changed');
  });

  it('the release workflow publishes after check and attestation, in the only job that may write', () => {
    const { check, release } = workflow.jobs;
    expect(check.permissions).toEqual({ contents: 'read' });
    expect(release).toMatchObject({ needs: 'check', environment: 'release' });
    expect(check.steps.at(-1).run).toBe('bash .ci/run');
    const order = ['Build, and compare with what is committed', 'Attest where dist comes from', 'Tag and publish'];
    const at = order.map((name) => steps.findIndex((step) => step.name === name));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(at).not.toContain(-1);
  });
});
