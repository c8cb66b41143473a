import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import { runAction, secretsOf } from './action.ts';
import { useFolder } from './folders.ts';

// Runs a step and checks what must be true of every run, whatever texts of users and servers it meets: the runner reads no
// command that the action does not send, the job summary has no markup of others, the files for outputs and state contain
// nothing else, and no secret is shown.

/** Part of each hostile text. It identifies the text even if the rest is changed. */
export const SIGN = 'zq';

/** Characters that break a line, move the cursor, or change the writing direction. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** A step that has run, with the contents of the files that it wrote. */
export interface CheckedRun extends Executed {
  /** The lines of the log that a person can read. */
  lines: string[];
  /** The texts in the summary that a user or server can influence. */
  codes: string[];
  /** The outputs, in the order in which they were set. */
  entries: [name: string, value: string][];
  /** The lines of the post step's log. Empty if the action has no post step. */
  posted: string[];
}

/** Returns a function that runs a step and its post step, if it has one, and checks both. */
export function useCheckedRuns(): (emulator: Emulator, step?: Step) => Promise<CheckedRun> {
  const inFolder = useFolder();
  return async (emulator, step = {}) => {
    const folder = mkdtempSync(inFolder('step-'));
    const kinds = ['OUTPUT', 'STATE', 'ENV', 'PATH', 'STEP_SUMMARY'];
    const files = Object.fromEntries(kinds.map((kind) => [`GITHUB_${kind}`, path.join(folder, kind)]));
    for (const file of Object.values(files)) writeFileSync(file, '');
    const content = (kind: string) => readFileSync(path.join(folder, kind), 'utf8');

    const executed = await runAction(emulator, { ...step, env: { ...files, ...step.env } });
    const lines = checkOutcome(emulator, executed);
    const entries = readEntries(content('OUTPUT'));
    expect(new Set(entries.map(([name]) => name)).size).toBe(entries.length);
    const state = readEntries(content('STATE'));
    for (const [name, value] of state) {
      expect(name).toBe('client');
      if (value !== '') expect(JSON.parse(value)).toMatchObject({ nonce: expect.any(String) });
    }
    expect({ env: content('ENV'), path: content('PATH') }).toEqual({ env: '', path: '' });
    for (const secret of secretsOf(emulator)) expect(content('STEP_SUMMARY') + content('STATE')).not.toContain(secret);

    const posted = step.action ? undefined : await executed.post({ state: Object.fromEntries(state) });
    return {
      ...executed,
      lines,
      codes: readSummary(content('STEP_SUMMARY')),
      entries,
      posted: posted ? checkOutcome(emulator, posted) : [],
    };
  };
}

/**
 * Checks what main or post printed.
 * @returns the lines that a person can read
 */
export function checkOutcome(emulator: Emulator, { stdout, stderr }: Outcome): string[] {
  expect(stderr).toBe('');
  const lines = readLog(stdout);
  for (const secret of secretsOf(emulator)) expect(lines.join('\n')).not.toContain(secret);
  return lines;
}

/**
 * Parses what an action printed as the runner does: `::name::` at the beginning of a line, after white space as .NET
 * defines it, and `##[name]` anywhere in a line.
 * @returns the lines that a person can read
 */
function readLog(printed: string): string[] {
  return printed.split(/\r\n|\r|\n/).flatMap((line) => {
    const [, command, data = ''] = /^::(add-mask|error|warning|notice|debug)::(.*)$/s.exec(line) ?? [];
    if (command === undefined) expect(line).not.toMatch(/^[\s\u0085]*::/);
    if (command === 'add-mask') {
      // The action masks nothing shorter than four characters.
      expect(data.length).toBeGreaterThan(3);
      return [];
    }
    expect(line).not.toMatch(CONTROL);
    if (command === 'debug') expect(data).toMatch(/^([A-Z]+ \/|Caused by: )/);
    else if (command !== undefined) expect(data).toMatch(/^[A-Z\d]/);
    const text =
      command === undefined ? line : data.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
    const lines = command === 'error' ? text.split('\n') : [text];
    for (const one of lines) {
      expect(one).not.toMatch(CONTROL);
      expect(one).not.toContain('##[');
      // The runner shows this text on a separate line.
      expect(one).not.toMatch(/^\s*::/);
    }
    return lines;
  });
}

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

/**
 * Parses a job summary. GitHub renders it as Markdown. If it begins with a block tag and has no blank line, it is one
 * HTML block, in which Markdown has no meaning (CommonMark 0.31, section 4.6). Within `code`, GitHub turns no mention
 * and no address into a link.
 * @returns the text of each `code`
 */
function readSummary(summary: string): string[] {
  if (summary === '') return [];
  expect(summary).not.toMatch(/(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  for (const line of summary.replace(/\n$/, '').split('\n')) expect(line).toMatch(/^<(h3|ul|table)>/);
  const open: string[] = [];
  const codes: string[] = [];
  // The only links are to workflow runs. Their text is the run, in audit/ after the name of its repository.
  const withoutLink = summary.replace(
    /<td><a href="https:\/\/github\.com\/[\w./-]+">([\w.-]+\/[\w.-]+ )?[\d.]+<\/a><\/td>/g,
    '<td></td>',
  );
  for (const [at, token] of withoutLink.split(/(<[^<>]*>)/).entries()) {
    if (at % 2 === 0) {
      const text = token.replace(/&(amp|lt|gt|quot|#39);/g, (entity) =>
        open.at(-1) === 'code' ? (ENTITIES[entity] ?? '') : entity,
      );
      if (open.at(-1) === 'code') {
        expect(token).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
        codes.push(text);
      } else expect(text).toMatch(/^[\w ,.:–\n]*$/);
      continue;
    }
    const [, end, name = ''] = /^<(\/?)(h3|ul|li|table|tr|th|td|code|br)( colspan="\d")?>$/.exec(token) ?? [];
    expect({ token, name }).not.toEqual({ token, name: '' });
    if (end) expect(open.pop()).toBe(name);
    else if (name !== 'br') open.push(name);
  }
  expect(open).toEqual([]);
  return codes;
}

/**
 * Parses a file of outputs or state as the runner does. Each entry is `name<<delimiter`, the lines of the value, and
 * the delimiter. The file must contain nothing else.
 */
function readEntries(file: string): [name: string, value: string][] {
  const lines = file.split('\n');
  const entries: [string, string][] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line === '' && at === lines.length - 1) break;
    const [, name = '', delimiter = ''] = /^([a-z_]+)<<(ghadelimiter_[\da-f-]{36})$/.exec(line) ?? [];
    expect({ line, name }).not.toEqual({ line, name: '' });
    const end = lines.indexOf(delimiter, at + 1);
    expect(end).toBeGreaterThan(at);
    entries.push([name, lines.slice(at + 1, end).join('\n')]);
    at = end;
  }
  return entries;
}
