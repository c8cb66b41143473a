export default {
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/scripts/strip-types.js' },
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/.tools/', '<rootDir>/.ci/'],
  // Most tests wait for processes or timers and need little processor time.
  maxWorkers: 4,
  maxConcurrency: 16,
  testTimeout: 30_000,
};
