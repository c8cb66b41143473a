/** Characters. Who sees so many of a secret, in whatever form, sees too much; fewer can turn up by chance. */
const TELLING = 12;

/** @returns what a text tells of secrets, in any form that they are promised to be masked in */
export function tellingParts(secrets: string[], text: string): string[] {
  const shown = new Set(windows(text));
  return [...new Set(secrets.map(signature).flatMap(forms).flatMap(windows))].filter((part) => shown.has(part));
}

/** Of a token its last part: the others say in base64 what everybody may know, such as the client's id. */
function signature(secret: string): string {
  return secret.replace(/^ey[\w-]+\.[\w-]+\.(?=[\w-]+$)/, '');
}

function windows(text: string): string[] {
  return Array.from({ length: Math.max(text.length - TELLING + 1, 0) }, (_, at) => text.slice(at, at + TELLING));
}

/** A secret as it is, URL-encoded, JSON-escaped, and in base64 whatever stands before and after it. */
function forms(secret: string): string[] {
  const plain = [...secret.split('\n'), encodeURIComponent(secret), `${new URLSearchParams({ '': secret })}`];
  const base64 = [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
    // The first and the last characters are made of neighbouring bytes too.
    return [bytes.toString('base64'), bytes.toString('base64url')].map((text) => text.slice(shift && shift + 1, -3));
  });
  return [...plain, JSON.stringify(secret), ...base64];
}
