// The ownership marker: the part of a client's description by which this action recognizes its own clients. Scalekit has
// no metadata, no unique names and no search. People and servers change descriptions: they append lines, trim, fold line
// breaks and escape HTML. So a marker is recognized anywhere in a description, with any white space between its fields.

/**
 * Characters of a description in addition to the ownership marker and the line break before it. Scalekit takes 512, and the
 * longest marker has 161.
 */
export const MAX_DESCRIPTION_TEXT = 340;

const MARKER =
  /\[scalekit-organization-client\s+v1\s+key:(?<key>[\w-]{16})\s+repo:(?<repo>[\w-]{1,16})\s+by:(?<by>[\w-]{1,16})\s+run:(?<run>\d{1,12}\.\d{1,4})\s+lifetime:(?<lifetime>persistent|job)\s+nonce:(?<nonce>[\w-]{16})\s*\]/g;

/** How long a client exists: until it is deleted explicitly, or until its job ends. */
export type Lifetime = 'persistent' | 'job';

/** Records which run created a client, and for whom. */
export interface OwnershipMarker {
  /** The identity hash. Two runs with the same hash mean the same client. */
  key: string;
  /** The repository that the client is for: its id, or a hash of its name. */
  repo: string;
  /** The repository whose workflow created the client: its id, or a hash of its name. */
  by: string;
  /** `ID.ATTEMPT` of the workflow run. */
  run: string;
  lifetime: Lifetime;
  /** Random. Each execution of the step has a new one. */
  nonce: string;
}

/** Returns the ownership marker as one line of text. */
export function formatMarker({ key, repo, by, run, lifetime, nonce }: OwnershipMarker): string {
  return `[scalekit-organization-client v1 key:${key} repo:${repo} by:${by} run:${run} lifetime:${lifetime} nonce:${nonce}]`;
}

/** Returns the description to send: the text, and the ownership marker as its last line. */
export function appendMarker(descriptionText: string, marker: OwnershipMarker): string {
  return [descriptionText, formatMarker(marker)].filter(Boolean).join('\n');
}

/** Returns the different ownership markers in a description. A client with several of them belongs to no step. */
export function parseMarkers(description = ''): OwnershipMarker[] {
  const found = [...decodeEntities(description).matchAll(MARKER)].map(
    ({ groups }) => groups as unknown as OwnershipMarker,
  );
  return [...new Map(found.map((marker) => [formatMarker(marker), marker])).values()];
}

/** Returns the ownership marker in a description. Undefined if there is none, or if there are several different ones. */
export function parseMarker(description: string | undefined): OwnershipMarker | undefined {
  const [marker, ...others] = parseMarkers(description);
  return others.length === 0 ? marker : undefined;
}

/** Returns the text of a description: without markers, with HTML entities decoded, and cut so that a marker fits as well. */
export function textOf(description = ''): string {
  const text = decodeEntities(description).replace(MARKER, '').trim();
  return [...text].slice(0, MAX_DESCRIPTION_TEXT).join('');
}

/** Returns a text in the form in which two of them are compared: HTML entities decoded, white space folded. */
export function foldText(text: string): string {
  return decodeEntities(text).replace(/\s+/g, ' ').trim();
}

function decodeEntities(text: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(
    /&(?:#(?<decimal>\d{1,7})|#x(?<hex>[\da-f]{1,6})|(?<name>amp|lt|gt|quot|apos));/gi,
    (entity, decimal, hex, name) => {
      if (name) return named[name.toLowerCase()] ?? entity;
      const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
    },
  );
}
