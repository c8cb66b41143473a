import { findTool, howToGet } from '../../scripts/tools.ts';

/** In CI a missing act is a failure; elsewhere it is said, and the tests are skipped. */
export default function setUp() {
  if (findTool('act')) return;
  if (process.env.CI) throw new Error(howToGet('act'));
  console.warn(`\nThe tests are skipped. ${howToGet('act')}`);
}
