import config from './jest.config.js';

// Configures `npm run test:nodes`, which runs the built actions on several versions of Node.js.
export default {
  ...config,
  testMatch: ['<rootDir>/__tests__/nodes/*.nodes.ts'],
  globalSetup: '<rootDir>/__tests__/nodes/setup.js',
};
