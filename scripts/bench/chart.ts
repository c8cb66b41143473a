// Draws bar charts and line charts as SVG, without a package. The background is transparent, and the colours are
// readable on white and on black.

const TEXT = '#767c85';
const COLOURS = ['#2f81f7', '#d4762a', '#2da44e'];
const WIDTH = 860;
/** Distance of texts from the left edge, in pixels. */
const MARGIN = 15;
/** Height of a note in pixels. */
const NOTE = 19;
const BOLD = 'font-weight="600"';
const ITALIC = 'font-style="italic"';
const GRID = 'stroke-width="0.5" stroke-dasharray="2 3"';
const FONT = 'font-family="system-ui, sans-serif" font-size="13"';

/** A row of a bar chart, with one bar for each series. A series without a value (undefined) has no bar. */
interface Row {
  label: string;
  values: (number | undefined)[];
}

interface Series {
  name: string;
  values: number[];
}

/** What every chart shows besides its values. */
interface Header {
  title: string;
  /** Lines of text below the title. They explain what a reader of the picture alone would not know. */
  notes: string[];
}

/** A bar chart of ratios, with an emphasized line at 1. */
export interface BarChart extends Header {
  /** Labels of the axes: x of the values, y of the rows. */
  axes: { x: string; y: string };
  /** Names of the series, in the order of each row's values. */
  series: string[];
  groups: { heading: string; rows: Row[] }[];
}

/** A line chart. All series share the same values of x, whose axis is logarithmic. */
export interface Panel {
  title: string;
  /** Labels of the axes. */
  axes: { x: string; y: string };
  x: number[];
  series: Series[];
  /** Whether the y axis is logarithmic. If not, it begins at 0. */
  log: boolean;
}

/** Returns a bar chart as SVG. */
export function barChart({ title, notes, axes, series, groups }: BarChart): string {
  const [left, right] = [250, WIDTH - 60];
  const all = groups.flatMap(({ rows }) => rows.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const ticks = linearTicks(Math.max(...all));
  const x = scale([0, ticks.at(-1) ?? 1], [left, right]);
  const top = headerHeight(notes) + 44;
  const shapes: string[] = [];
  let y = top;
  for (const { heading, rows } of groups) {
    shapes.push(text(left - 10, y + 16, heading, 'end', BOLD));
    y += 28;
    for (const row of rows) {
      const { shapes: bars, height } = barsOf(row, y, left, x);
      shapes.push(...bars);
      y += height;
    }
  }
  const lines = ticks.map((tick) => {
    const strong = tick === 1 ? 'stroke-width="1.5"' : GRID;
    return `${line(x(tick), top, x(tick), y, strong)}${text(x(tick), y + 18, `${tick}`, 'middle')}`;
  });
  return svg(title, y + 54, [
    ...header({ title, notes }),
    legend(series, left, headerHeight(notes) + 20),
    text(left - 10, top - 6, axes.y, 'end', ITALIC),
    text((left + right) / 2, y + 42, axes.x, 'middle', ITALIC),
    ...lines,
    ...shapes,
  ]);
}

/**
 * Returns the bars of a row with its label.
 * @param y top of the row in pixels
 * @param left start of the bars in pixels
 * @param x maps a value to the end of its bar
 */
function barsOf({ label, values }: Row, y: number, left: number, x: (value: number) => number) {
  const [bar, gap] = [13, 10];
  const shown = values.flatMap((value, at) => (value === undefined ? [] : [{ value, colour: COLOURS[at] ?? TEXT }]));
  const bars = shown.flatMap(({ value, colour }, at) => {
    const top = y + at * bar;
    const width = round(x(value) - left);
    return [
      `<rect x="${left}" y="${top}" width="${width}" height="${bar - 2}" fill="${colour}"/>`,
      text(x(value) + 6, top + bar - 3, value.toFixed(2)),
    ];
  });
  const height = shown.length * bar;
  return { shapes: [text(left - 10, y + height / 2 + 4, label, 'end'), ...bars], height: height + gap };
}

/** Returns line charts side by side as SVG, with one header and one legend. */
export function lineCharts({ title, notes }: Header, panels: Panel[]): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const width = WIDTH / panels.length;
  const top = headerHeight(notes);
  return svg(title, top + 318, [
    ...header({ title, notes }),
    legend(names, MARGIN, top + 20),
    ...panels.flatMap((panel, at) => lineChart(panel, [at * width, top + 40], width, names)),
  ]);
}

/** Returns the shapes of one panel. `from` and `width` are its position and width in the SVG, in pixels. */
function lineChart({ title, axes, x: xs, series, log }: Panel, from: [number, number], width: number, names: string[]) {
  const [left, right, top, bottom] = [from[0] + 90, from[0] + width - 30, from[1] + 30, from[1] + 220];
  const largest = Math.max(...series.flatMap(({ values }) => values));
  const smallest = Math.min(...series.flatMap(({ values }) => values));
  const ticks = log ? decades(smallest, largest) : linearTicks(largest);
  const x = scale([xs[0] ?? 1, xs.at(-1) ?? 1], [left + 10, right], true);
  const y = scale([ticks[0] ?? 0, ticks.at(-1) ?? 1], [bottom, top], log);
  const [labelX, labelY] = [from[0] + MARGIN + 8, (top + bottom) / 2];
  return [
    text(from[0] + MARGIN, from[1] + 12, title, 'start', BOLD),
    text(labelX, labelY, axes.y, 'middle', `${ITALIC} transform="rotate(-90 ${labelX} ${labelY})"`),
    text((left + right) / 2, bottom + 46, axes.x, 'middle', ITALIC),
    ...ticks.map((tick) => {
      const grid = line(left, y(tick), right, y(tick), GRID);
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

function header({ title, notes }: Header): string[] {
  return [
    text(MARGIN, 20, title, 'start', `${BOLD} font-size="15"`),
    ...notes.map((note, at) => text(MARGIN, 42 + at * NOTE, note)),
  ];
}

/** Returns the height of a header in pixels. */
function headerHeight(notes: string[]): number {
  return 30 + notes.length * NOTE;
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
