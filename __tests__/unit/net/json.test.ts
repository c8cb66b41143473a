import { expect, it } from '@jest/globals';
import { parseJsonObject } from '../../../src/net/json.ts';

it('a response is any JSON object', () => {
  expect(parseJsonObject(' {"client": {}} ')).toEqual({ client: {} });
});
