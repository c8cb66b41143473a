import { findSdkPython, howToGet } from '../../scripts/tools.ts';

/** Checks that the SDK for Python is installed. If not, this fails in CI; elsewhere it prints a warning. */
export default function setUp() {
  if (findSdkPython()) return;
  const message = howToGet("Scalekit's SDK for Python");
  if (process.env.CI) throw new Error(message);
  console.warn(`\nTests are skipped. ${message}`);
}
