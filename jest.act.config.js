import config from './jest.config.js';

// Configures `npm run test:act`, which runs workflows with act. Each test starts an emulator and several processes, so
// only two run at a time.
export default {
  ...config,
  testMatch: ['<rootDir>/__tests__/act/*.act.ts'],
  globalSetup: '<rootDir>/__tests__/act/setup.js',
  maxWorkers: 2,
  testTimeout: 120_000,
};
