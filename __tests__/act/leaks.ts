/** Characters. A part of a secret with this length counts as a leak. Shorter parts can appear by chance. */
const LEAK_LENGTH = 12;

/** Returns the parts of secrets that a text shows, in any form in which the action promises to mask them. */
export function leakedParts(secrets: string[], text: string): string[] {
  const shown = new Set(windows(text));
  return [...new Set(secrets.map(signature).flatMap(forms).flatMap(windows))].filter((part) => shown.has(part));
}

/** Returns the signature of a token, and any other secret unchanged. The payload of a token is not secret. */
function signature(secret: string): string {
  return secret.replace(/^ey[\w-]+\.[\w-]+\.(?=[\w-]+$)/, '');
}

function windows(text: string): string[] {
  return Array.from({ length: Math.max(text.length - LEAK_LENGTH + 1, 0) }, (_, at) =>
    text.slice(at, at + LEAK_LENGTH),
  );
}

/** Returns a secret in all forms: plain, URL-encoded, JSON-escaped, and in base64 at every alignment. */
function forms(secret: string): string[] {
  const plain = [...secret.split('\n'), encodeURIComponent(secret), `${new URLSearchParams({ '': secret })}`];
  const base64 = [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
    // Cut the first and the last characters: they also depend on the adjacent bytes.
    return [bytes.toString('base64'), bytes.toString('base64url')].map((text) => text.slice(shift && shift + 1, -3));
  });
  return [...plain, JSON.stringify(secret), ...base64];
}
