// Exits with an explanation if Node is older than 24, which the TypeScript scripts need. The npm scripts run it before
// them. It is plain JavaScript, so that older versions can parse it.

const wanted = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < wanted) {
  console.error(
    `This project's scripts need Node ${wanted} or later; this is Node ${process.versions.node}.\n` +
      `"npm ci" brings Node ${wanted} along on Linux (x64, arm64) and Windows (x64), unless optional packages are left out (--omit=optional).\n` +
      `Elsewhere install Node ${wanted} first: https://nodejs.org/en/download`,
  );
  process.exit(1);
}
