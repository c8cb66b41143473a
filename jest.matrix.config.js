import config from './jest.config.js';

// The whole fault matrix: `npm test` runs a sample of it. Workers inherit the variable.
process.env.MATRIX = 'all';

export default { ...config, testMatch: ['<rootDir>/__tests__/matrix.test.ts'] };
