import { secretForms, tokenForms } from '../src/output/mask.ts';
import { hideLikelySecrets, oneLine, truncate } from '../src/output/text.ts';

/** Characters of one text that comes from a server. */
const MAX_TEXT = 300;

/**
 * Replaces secrets and tokens in texts. It knows the forms that the action masks, and prints no mask command: outside a
 * runner, such a command would show the secret.
 */
export class Redactor {
  #forms: string[] = [];

  /** Adds a secret. @param names ids that may stand before it, as in `id:secret` */
  addSecret(secret: string, names: string[]): void {
    this.#add(secretForms(secret, names));
  }

  addToken(token: string): void {
    this.#add(tokenForms(token));
  }

  /** Returns a text as one line without secrets, at most 300 characters long. */
  clean(text: string): string {
    // Replaces whole secrets before anything is cut: a part of one would no longer match.
    return truncate(hideLikelySecrets(oneLine(this.redact(text))), MAX_TEXT);
  }

  /** Returns a text without secrets. */
  redact(text: string): string {
    return this.#forms.reduce((clean, form) => clean.replaceAll(form, '***'), text);
  }

  #add(forms: string[]): void {
    this.#forms = [...new Set([...this.#forms, ...forms])].sort((one, other) => other.length - one.length);
  }
}
