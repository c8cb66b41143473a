import { afterEach, beforeEach, jest } from '@jest/globals';

/** What the test that runs has printed so far. A test may empty it. */
export interface Printed {
  text: string;
  /** Returns the printed lines, without their ends. */
  lines(): string[];
}

/** Records what each test of the file writes to standard output, in place of writing it. */
export function usePrinted(): Printed {
  const printed: Printed = { text: '', lines: () => printed.text.trimEnd().split(/\r?\n/) };
  beforeEach(() => {
    printed.text = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed.text += text;
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  return printed;
}
