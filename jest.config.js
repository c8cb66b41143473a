export default {
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/scripts/strip-types.js' },
  modulePathIgnorePatterns: ['<rootDir>/build/'],
  // Most tests wait for processes and for time to pass, not for a processor.
  maxWorkers: 4,
  maxConcurrency: 16,
  testTimeout: 30_000,
};
