import { expect, it } from '@jest/globals';

it('tests run on the version of Node.js that the action uses', () => {
  expect(process.versions.node.split('.')[0]).toBe('24');
});
