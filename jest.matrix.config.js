import config from './jest.config.js';

// Configures `npm run test:matrix`, which runs the whole fault matrix. `npm test` runs a sample. Jest workers inherit
// the variable.
process.env.MATRIX = 'all';

export default { ...config, testMatch: ['<rootDir>/__tests__/action/{fault-matrix,undocumented-behaviours}.test.ts'] };
