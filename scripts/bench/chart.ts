// Draws bar charts and line charts as SVG, without a package. The background is transparent, and the colours are
// readable on white and on black.

const TEXT = '#767c85';
const COLOURS = ['#2f81f7', '#d4762a', '#2da44e'];
const WIDTH = 860;
const FONT = 'font-family="system-ui, sans-serif" font-size="13"';

/** A row of a bar chart, with one bar for each series. A series without a value (undefined) has no bar. */
export interface Row {
  label: string;
  values: (number | undefined)[];
}

interface Series {
  name: string;
  values: number[];
}

/** A line chart. All series share the same values of x, whose axis is logarithmic. */
export interface Panel {
  title: string;
  x: number[];
  series: Series[];
  /** Whether the y axis is logarithmic. If not, it begins at 0. */
  log: boolean;
}

/**
 * Returns a bar chart of ratios as SVG, with an emphasized line at 1.
 * @param series names of the series, in the order of each row's values
 */
export function barChart(title: string, series: string[], groups: { heading: string; rows: Row[] }[]): string {
  const [left, right, bar, gap] = [250, 60, 13, 10];
  const all = groups.flatMap(({ rows }) => rows.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const ticks = linearTicks(Math.max(...all));
  const x = scale([0, ticks.at(-1) ?? 1], [left, WIDTH - right]);
  const shapes: string[] = [];
  let y = 50;
  for (const { heading, rows } of groups) {
    shapes.push(text(left - 10, y + 16, heading, 'end', 'font-weight="600"'));
    y += 28;
    for (const { label, values } of rows) {
      const shown = values.flatMap((value, at) =>
        value === undefined ? [] : [{ value, colour: COLOURS[at] ?? TEXT }],
      );
      shapes.push(text(left - 10, y + (shown.length * bar) / 2 + 4, label, 'end'));
      for (const { value, colour } of shown) {
        shapes.push(
          `<rect x="${left}" y="${y}" width="${round(x(value) - left)}" height="${bar - 2}" fill="${colour}"/>`,
        );
        shapes.push(text(x(value) + 6, y + bar - 3, value.toFixed(2)));
        y += bar;
      }
      y += gap;
    }
  }
  const lines = ticks.map((tick) => {
    const strong = tick === 1 ? 'stroke-width="1.5"' : 'stroke-width="0.5" stroke-dasharray="2 3"';
    return `${line(x(tick), 50, x(tick), y, strong)}${text(x(tick), y + 18, `${tick}`, 'middle')}`;
  });
  return svg(title, y + 30, [legend(series, left, 20), ...lines, ...shapes]);
}

/** Returns line charts side by side as SVG, with one legend. */
export function lineCharts(title: string, panels: Panel[]): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const width = WIDTH / panels.length;
  return svg(title, 320, [
    legend(names, 60, 20),
    ...panels.flatMap((panel, at) => lineChart(panel, at * width, width, names)),
  ]);
}

/** Returns the shapes of one panel. `from` and `width` are its position in the SVG, in pixels. */
function lineChart({ title, x: xs, series, log }: Panel, from: number, width: number, names: string[]): string[] {
  const [left, right, top, bottom] = [from + 60, from + width - 40, 80, 280];
  const largest = Math.max(...series.flatMap(({ values }) => values));
  const smallest = Math.min(...series.flatMap(({ values }) => values));
  const ticks = log ? decades(smallest, largest) : linearTicks(largest);
  const x = scale([xs[0] ?? 1, xs.at(-1) ?? 1], [left + 10, right], true);
  const y = scale([ticks[0] ?? 0, ticks.at(-1) ?? 1], [bottom, top], log);
  return [
    text(left - 45, top - 18, title, 'start', 'font-weight="600"'),
    ...ticks.map((tick) => {
      const grid = line(left, y(tick), right, y(tick), 'stroke-width="0.5" stroke-dasharray="2 3"');
      return `${grid}${text(left - 8, y(tick) + 4, tick.toLocaleString('en'), 'end')}`;
    }),
    ...xs.map((tick) => text(x(tick), bottom + 22, tick.toLocaleString('en'), 'middle')),
    ...series.flatMap(({ name, values }) => {
      const colour = COLOURS[names.indexOf(name)] ?? TEXT;
      const points = values.map((value, at) => [round(x(xs[at] ?? 1)), round(y(value))]);
      return [
        `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colour}"/>`),
      ];
    }),
  ];
}

/**
 * Returns a function that maps values from a domain to a range, both given as start and end.
 * @param log whether the mapping is logarithmic; if not, it is linear
 */
export function scale([a, b]: [number, number], [from, to]: [number, number], log = false): (value: number) => number {
  const location = log ? Math.log10 : (value: number) => value;
  return (value) => from + ((location(value) - location(a)) / (location(b) - location(a))) * (to - from);
}

/** Returns the ticks of a linear axis: four to ten round steps from 0, the last one not below the maximum. */
export function linearTicks(maximum: number): number[] {
  const rough = 10 ** Math.floor(Math.log10(maximum / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * rough).find((size) => maximum / size <= 8) ?? rough;
  return Array.from({ length: Math.ceil(maximum / step) + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

/** Returns the ticks of a logarithmic axis: the powers of ten from below the smallest to above the largest value. */
export function decades(smallest: number, largest: number): number[] {
  const first = Math.floor(Math.log10(smallest));
  return Array.from({ length: Math.ceil(Math.log10(largest)) - first + 1 }, (_, at) => 10 ** (first + at));
}

function legend(names: string[], x: number, y: number): string {
  const entries = names.map((name, at) => {
    const left = x + at * 190;
    return `<rect x="${left}" y="${y - 10}" width="11" height="11" fill="${COLOURS[at]}"/>${text(left + 17, y, name)}`;
  });
  return entries.join('');
}

function line(x1: number, y1: number, x2: number, y2: number, style: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${TEXT}" ${style}/>`;
}

function text(x: number, y: number, content: string, anchor = 'start', style = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" fill="${TEXT}" text-anchor="${anchor}" ${style}>${escapeXml(content)}</text>`;
}

function svg(title: string, height: number, shapes: string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" ${FONT} role="img">
<title>${escapeXml(title)}</title>
${shapes.join('\n')}
</svg>
`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
