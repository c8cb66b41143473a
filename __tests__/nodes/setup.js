import { findNode, howToGet, NODE_VERSIONS, OLD_NODE } from '../../scripts/tools.ts';

/** Checks that all versions are installed. If not, this fails in CI; elsewhere it prints a warning. */
export default function setUp() {
  const missing = [OLD_NODE, ...NODE_VERSIONS].filter((major) => !findNode(major)).map((major) => `Node.js ${major}`);
  if (missing.length === 0) return;
  if (process.env.CI) throw new Error(howToGet(...missing));
  console.warn(`\nTests are skipped. ${howToGet(...missing)}`);
}
