import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cell, fittingRows, link, writeSummary } from '../../../src/output/summary.ts';
import { useFolder } from '../../support/folders.ts';
import { anyCharacter } from './characters.ts';
import { usePrinted } from './printed.ts';

const inFolder = useFolder();
const printed = usePrinted();

const RUN_URL = 'https://github.com/acme/app/actions/runs/7/attempts/1';

describe('link', () => {
  it('shows a link with its text and its address', () => {
    expect(link('7.1', RUN_URL)).toBe(`<a href="${RUN_URL}">7.1</a>`);
  });

  it('shows a link without an address like any other value', () => {
    expect(link('7.1', '')).toBe('<code>7.1</code>');
    expect(link('7.1', '')).toBe(cell(['7.1']));
  });

  it('escapes HTML in the text and the address of a link', () => {
    expect(link('<b>&"\'\n', 'https://x/"><script>')).toBe(
      '<a href="https://x/&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&quot;&#39; </a>',
    );
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), fc.string({ unit: anyCharacter, minLength: 1 }), (text, url) => {
        const [, href = '', shown = ''] = /^<a href="([^"]*)">([^<]*)<\/a>$/s.exec(link(text, url)) ?? [];
        expect(href).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
        expect(shown).not.toMatch(/[<>"'\r\n]|&(?!(amp|lt|gt|quot|#39);)/);
        expect(href).not.toBe('');
      }),
    );
  });
});

describe('cell', () => {
  it.each<[what: string, values: string[], html: string]>([
    ['each value as code', ['a', 'b'], '<code>a</code><br><code>b</code>'],
    ['a dash if there is no value', [], '–'],
    [
      'a value with its HTML escaped',
      ['<img src=x onerror="a">'],
      '<code>&lt;img src=x onerror=&quot;a&quot;&gt;</code>',
    ],
    ['a value on one line', ['a\nb'], '<code>a b</code>'],
    ['200 characters of a value', ['x'.repeat(201)], `<code>${'x'.repeat(199)}…</code>`],
  ])('writes into a cell of the summary %s', (_what, values, html) => {
    expect(cell(values)).toBe(html);
  });

  it('writes at most 50 values into a cell of the summary, and how many more there are', () => {
    const values = Array.from({ length: 53 }, (_, at) => `${at}`);
    expect(cell(values.slice(0, 50))).not.toContain('more');
    expect(cell(values)).toBe(`${cell(values.slice(0, 50))}<br>and 3 more`);
  });
});

describe('fittingRows', () => {
  it('returns as many rows as fit into the summary by their bytes, and reads no further one', () => {
    let read = 0;
    function* rows() {
      for (;;) {
        read++;
        yield [cell(['\u{1f600}'.repeat(100)]), cell([])];
      }
    }
    const fitting = fittingRows(rows());
    expect(read).toBe(fitting.length + 1);
    const bytes = Buffer.byteLength(fitting.map((row) => `<tr><td>${row.join('</td><td>')}</td></tr>`).join(''));
    expect(bytes).toBeGreaterThan(499_000);
    expect(bytes).toBeLessThanOrEqual(500_000);
  });

  it('returns all rows of a short table', () => {
    expect(fittingRows([['a'], ['b']])).toEqual([['a'], ['b']]);
  });
});

describe('writeSummary', () => {
  const original = process.env.GITHUB_STEP_SUMMARY;
  afterEach(() => {
    if (original === undefined) delete process.env.GITHUB_STEP_SUMMARY;
    else process.env.GITHUB_STEP_SUMMARY = original;
  });

  it('appends the job summary to what other steps wrote', () => {
    const file = inFolder('summary');
    writeFileSync(file, 'Before\n');
    process.env.GITHUB_STEP_SUMMARY = file;
    writeSummary('Title', [['Run', link('7.1', RUN_URL)]]);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^Before\n<h3>Title<\/h3>/);
    expect(text).toContain(`<td><a href="${RUN_URL}">7.1</a></td>`);
    expect(printed.text).toBe('');
  });

  it.each<[what: string, names: string[] | undefined]>([
    ['is not named', undefined],
    ['is in a missing folder', ['nowhere', 'summary']],
  ])('logs that the job summary cannot be written if its file %s, and does not fail', (_what, names) => {
    if (names) process.env.GITHUB_STEP_SUMMARY = inFolder(...names);
    else delete process.env.GITHUB_STEP_SUMMARY;
    expect(() => writeSummary('Title', [['a']])).not.toThrow();
    expect(printed.text).toMatch(/^The job summary could not be written: .*\n$/);
  });
});
