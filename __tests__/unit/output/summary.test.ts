import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { cell, fittingRows, link, writeSummary } from '../../../src/output/summary.ts';

const RUN_URL = 'https://github.com/acme/app/actions/runs/7/attempts/1';

describe('a link in the summary', () => {
  it('shows the text and leads to the address', () => {
    expect(link('7.1', RUN_URL)).toBe(`<a href="${RUN_URL}">7.1</a>`);
  });

  it('is the text alone, as any other value, if the address is not known', () => {
    expect(link('7.1', '')).toBe('<code>7.1</code>');
    expect(link('7.1', '')).toBe(cell(['7.1']));
  });

  it('has no HTML of its text or its address', () => {
    expect(link('<b>&"\'\n', 'https://x/"><script>')).toBe(
      '<a href="https://x/&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&quot;&#39; </a>',
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1 }), (text, url) => {
        const [, href = '', shown = ''] = /^<a href="([^"]*)">([^<]*)<\/a>$/s.exec(link(text, url)) ?? [];
        expect(href).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
        expect(shown).not.toMatch(/[<>"'\r\n]|&(?!(amp|lt|gt|quot|#39);)/);
        expect(href).not.toBe('');
      }),
    );
  });
});

describe('a cell of the summary', () => {
  it.each<[what: string, values: string[], html: string]>([
    ['each value as code', ['a', 'b'], '<code>a</code><br><code>b</code>'],
    ['a dash if there is no value', [], '–'],
    ['no HTML of a value', ['<img src=x onerror="a">'], '<code>&lt;img src=x onerror=&quot;a&quot;&gt;</code>'],
    ['a value on one line', ['a\nb'], '<code>a b</code>'],
    ['200 characters of a value', ['x'.repeat(201)], `<code>${'x'.repeat(199)}…</code>`],
  ])('shows %s', (_what, values, html) => {
    expect(cell(values)).toBe(html);
  });

  it('shows 50 values, and how many more there are', () => {
    const values = Array.from({ length: 53 }, (_, at) => `${at}`);
    expect(cell(values.slice(0, 50))).not.toContain('more');
    expect(cell(values)).toBe(`${cell(values.slice(0, 50))}<br>and 3 more`);
  });
});

describe('a long table of the summary', () => {
  it('has the first rows, as many as fit by their bytes, and reads no further one', () => {
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

  it('has all rows if there are few', () => {
    expect(fittingRows([['a'], ['b']])).toEqual([['a'], ['b']]);
  });
});

describe('the summary', () => {
  let folder: string;
  const original = process.env.GITHUB_STEP_SUMMARY;
  let printed = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'summary-'));
  });
  beforeEach(() => {
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    if (original === undefined) delete process.env.GITHUB_STEP_SUMMARY;
    else process.env.GITHUB_STEP_SUMMARY = original;
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('is appended to what other steps wrote', () => {
    const file = join(folder, 'summary');
    writeFileSync(file, 'Before\n');
    process.env.GITHUB_STEP_SUMMARY = file;
    writeSummary('Title', [['Run', link('7.1', RUN_URL)]]);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^Before\n<h3>Title<\/h3>/);
    expect(text).toContain(`<td><a href="${RUN_URL}">7.1</a></td>`);
    expect(printed).toBe('');
  });

  it.each<[what: string, path: () => string | undefined]>([
    ['is not named', () => undefined],
    ['does not exist', () => join(folder, 'nowhere', 'summary')],
  ])('fails no step if its file %s', (_what, path) => {
    const file = path();
    if (file === undefined) delete process.env.GITHUB_STEP_SUMMARY;
    else process.env.GITHUB_STEP_SUMMARY = file;
    expect(() => writeSummary('Title', [['a']])).not.toThrow();
    expect(printed).toMatch(/^The job summary could not be written: .*\n$/);
  });
});
