import config from './jest.config.js';

// Configures `npm run test:sdk`, which calls the emulator through Scalekit's SDKs.
export default {
  ...config,
  testMatch: ['<rootDir>/__tests__/sdk/*.sdk.ts'],
  globalSetup: '<rootDir>/__tests__/sdk/setup.js',
};
