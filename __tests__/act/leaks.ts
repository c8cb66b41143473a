/** Characters. A part of a secret with this length counts as a leak. Shorter parts can appear by chance. */
const LEAK_LENGTH = 12;

/** Returns the parts of secrets that a text shows, in any form in which the action promises to mask them. */
export function leakedParts(secrets: string[], text: string): string[] {
  const shown = new Set(windows(text));
  return [...new Set(secrets.flatMap(forms).flatMap(windows))].filter((part) => shown.has(part));
}

function windows(text: string): string[] {
  return Array.from({ length: Math.max(text.length - LEAK_LENGTH + 1, 0) }, (_, at) =>
    text.slice(at, at + LEAK_LENGTH),
  );
}

/**
 * Returns a secret in all forms: plain, URL-encoded, JSON-escaped, and in base64 at every alignment. Of a token, only the
 * signature is secret, and base64 is masked if it has the token alone.
 */
function forms(secret: string): string[] {
  const [, start = '', signature = secret] = /^(ey[\w-]+\.[\w-]+\.)([\w-]+)$/.exec(secret) ?? [];
  const plain = [signature, encodeURIComponent(signature), `${new URLSearchParams({ '': signature })}`];
  const shifts = start ? [start.length] : [0, 1, 2];
  const base64 = shifts.flatMap((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(start ? 0 : shift), Buffer.from(secret)]);
    // Cut the first and the last characters: they also depend on the adjacent bytes.
    const from = Math.ceil((shift * 4) / 3);
    return [bytes.toString('base64'), bytes.toString('base64url')].map((text) => text.slice(from, -3));
  });
  return [...plain, JSON.stringify(signature), ...base64];
}
