import config from './jest.config.js';

// Runs workflows on a real runner. Each test is a few processes and an emulator.
export default {
  ...config,
  testMatch: ['<rootDir>/__tests__/act/*.act.ts'],
  globalSetup: '<rootDir>/__tests__/act/setup.js',
  maxWorkers: 2,
  testTimeout: 120_000,
};
