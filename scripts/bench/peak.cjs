// Loaded before a program: says at its end how much memory it had at most.
const { writeSync } = require('node:fs');

process.on('exit', () => writeSync(2, `peak ${process.resourceUsage().maxRSS} KiB\n`));
