// Renders a job's log and its job summary as HTML that resembles GitHub's pages.

/** A step as the log viewer shows it. */
export interface Shown {
  name: string;
  /** What the step runs, and its inputs. A single line is shown as a closed group, several as an open one. */
  head: string[];
  lines: string[];
  failed?: boolean;
}

const FONT = `"Noto Sans", "Liberation Sans", Arial, sans-serif`;
const MONOSPACE = `"Liberation Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace`;

/** Returns the HTML page of a job's log. */
export function logPage(job: string, steps: Shown[]): string {
  const failed = steps.some((step) => step.failed);
  return page(
    `Log of the job ${job}`,
    `
main { color: #f0f6fc; background: #0d1117; border: 1px solid #3d444d; }
h1 { border-bottom: 1px solid #3d444d; }
h2 { padding: 8px 16px 6px; font-size: 13px; }
ol { margin: 0 0 10px; padding: 0; list-style: none; font: 12px/20px ${MONOSPACE}; counter-reset: line; }
li { counter-increment: line; padding: 0 16px 0 64px; position: relative; white-space: pre-wrap; overflow-wrap: anywhere; }
li::before { content: counter(line); position: absolute; left: 0; width: 48px; text-align: right; color: #9198a1; }
.head { color: #9198a1; }
.error { background: #3c1618; }
.error b { color: #ff7b72; }
.good { fill: #3fb950; }
.bad { fill: #f85149; }
path { fill: none; stroke: #0d1117; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }`,
    `<h1>${icon(failed)}${escapeHtml(job)}</h1>\n${steps.map(stepHtml).join('\n')}`,
  );
}

function stepHtml({ name, head, lines, failed = false }: Shown): string {
  const [closed, open] = ['▸ ', '▾ '];
  const arrow = head.length > 1 ? open : closed;
  const shown = [
    ...head.map((line, index) => `<li class="head">${index === 0 ? arrow : '  '}${escapeHtml(line)}</li>`),
    ...lines.map(lineHtml),
  ];
  return `<h2>${icon(failed)}${escapeHtml(name)}</h2>\n<ol>\n${shown.join('\n')}\n</ol>`;
}

/** Returns a line of the log. An error extends over all lines that follow it. */
function lineHtml(line: string, index: number, all: string[]): string {
  const error = all.slice(0, index + 1).some((text) => text.startsWith('Error: '));
  const text = escapeHtml(line).replace(/^Error:/, '<b>Error:</b>');
  return `<li${error ? ' class="error"' : ''}>${text}</li>`;
}

function icon(failed: boolean): string {
  const [title, kind, shape] = failed
    ? ['Failed', 'bad', 'M5.5 5.5l5 5m0-5l-5 5']
    : ['Succeeded', 'good', 'M4.5 8.3l2.4 2.4 4.6-5'];
  return `<svg viewBox="0 0 16 16"><title>${title}</title><circle class="${kind}" cx="8" cy="8" r="8"/><path d="${shape}"/></svg>`;
}

/**
 * Returns the HTML page of a job summary.
 * @param summary HTML that the step wrote to its summary file
 */
export function summaryPage(job: string, summary: string): string {
  return page(
    `Summary of the job ${job}`,
    `
main { color: #1f2328; background: #ffffff; border: 1px solid #d1d9e0; }
h1 { border-bottom: 1px solid #d1d9e0; }
article { padding: 0 16px 16px; }
h3 { margin: 16px 0; font-size: 18px; }
table { border-collapse: collapse; font-size: 14px; line-height: 21px; }
th, td { padding: 6px 13px; border: 1px solid #d1d9e0; }
tr:nth-child(2n) { background: #f6f8fa; }
code { padding: 2px 5px; border-radius: 6px; background: #eff1f3; font: 12px ${MONOSPACE}; }`,
    `<h1>${escapeHtml(job)} summary</h1>\n<article>\n${summary.trim().replaceAll('<tr>', '\n<tr>')}\n</article>`,
  );
}

function page(title: string, style: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
<style>
body { margin: 0; background: transparent; font-family: ${FONT}; }
main { border-radius: 6px; overflow: hidden; }
h1 { margin: 0; padding: 12px 16px; font-size: 15px; }
h2 { margin: 0; font-weight: normal; }
svg { width: 14px; height: 14px; margin-right: 8px; vertical-align: -2px; }${style}
</style>
<main>
${body}
</main>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
