import { findTool, howToGet } from '../../scripts/tools.ts';

/** Checks that act is installed. If not, this fails in CI; elsewhere it prints a warning, and the tests are skipped. */
export default function setUp() {
  if (findTool('act')) return;
  if (process.env.CI) throw new Error(howToGet('act'));
  console.warn(`\nThe tests are skipped. ${howToGet('act')}`);
}
