// GitHub cuts the text of an annotation at 4,096 characters. The end of a message often has the call that removes
// something by hand, so this module shortens a message elsewhere. The log has the whole message.

/**
 * Characters of an annotation's text at most, as they are printed. With the command before it, such as `::warning::`, an
 * annotation has fewer than 4,000.
 */
const MAX_ANNOTATION = 3_950;

/** Printed characters to which a line is cut at most. */
const MIN_LINE_LENGTH = 1_300;

/** Printed characters at the end of a text that are always kept: 300, even if all are escaped. */
const MIN_TAIL_LENGTH = 950;

/** Stands for the middle of a line. */
const CUT = ' … (the log above has the whole text) … ';

/** Printed characters of a line break, and of the line that counts omitted lines. */
const LINE_BREAK_LENGTH = 3;
const COUNT_LENGTH = 50;

/**
 * Returns the lines of a message so that they fit into an annotation. Shortens the longest lines in the middle. If that
 * is not enough, omits lines in the middle. Masked values must be replaced before.
 */
export function fitAnnotation(lines: string[]): string[] {
  const shortest = lines.map((line) => cutMiddle(line, MIN_LINE_LENGTH));
  if (printedLength(shortest.join('\n')) > MAX_ANNOTATION) return omitMiddle(shortest);
  // Few lines are longer than the minimum, since the others fit.
  const short = [...lines];
  for (;;) {
    const excess = printedLength(short.join('\n')) - MAX_ANNOTATION;
    if (excess <= 0) return short;
    const lengths = short.map(printedLength);
    const longest = Math.max(...lengths);
    const at = lengths.indexOf(longest);
    short[at] = cutMiddle(short[at] ?? '', Math.max(MIN_LINE_LENGTH, longest - excess));
  }
}

/** Omits lines in the middle. No line may be longer than the minimum to which lines are shortened. */
function omitMiddle(lines: string[]): string[] {
  let tail = lines.length;
  let tailLength = 0;
  while (tailLength < MIN_TAIL_LENGTH) {
    tail--;
    tailLength += printedLength(lines[tail] ?? '') + LINE_BREAK_LENGTH;
  }
  const head = countFitting(lines.slice(0, tail), MAX_ANNOTATION - COUNT_LENGTH - tailLength, LINE_BREAK_LENGTH);
  return [...lines.slice(0, head), `and ${tail - head} more, listed in the log`, ...lines.slice(tail)];
}

/** Returns a text of at most `max` printed characters, whose middle is replaced if it is longer. */
function cutMiddle(text: string, max: number): string {
  if (printedLength(text) <= max) return text;
  const room = max - printedLength(CUT);
  const tailRoom = Math.max(MIN_TAIL_LENGTH, Math.floor(room / 2));
  // Code points, so that no surrogate pair is split.
  const characters = [...text];
  const head = countFitting(characters, room - tailRoom);
  const tail = countFitting([...characters].reverse(), tailRoom);
  return `${characters.slice(0, head).join('')}${CUT}${characters.slice(-tail).join('')}`;
}

/**
 * Returns how many of the texts fit, from the first on.
 * @param more printed characters that each of them needs in addition
 */
function countFitting(texts: string[], max: number, more = 0): number {
  let length = 0;
  const at = texts.findIndex((text) => {
    length += printedLength(text) + more;
    return length > max;
  });
  return at < 0 ? texts.length : at;
}

/** Returns the characters of a text in a workflow command, in which `%` and line breaks become three characters. */
function printedLength(text: string): number {
  return text.replace(/[%\r\n]/g, '%25').length;
}
