// Prints the peak memory of a process in KiB to stderr when the process exits. Load it with `node --require`.
const { writeSync } = require('node:fs');

process.on('exit', () => writeSync(2, `peak ${process.resourceUsage().maxRSS} KiB\n`));
