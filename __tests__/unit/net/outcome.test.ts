import { expect, it } from '@jest/globals';
import { ApiError } from '../../../src/net/api-error.ts';
import { done, failure, type Outcome, unwrap } from '../../../src/net/outcome.ts';

const error = new ApiError('Could not do it.', { status: 403 });

it.each(['value', undefined, 0])('unwrap returns the value %j of a request that was carried out', (value) => {
  expect(done(value)).toEqual({ kind: 'done', value });
  expect(unwrap(done(value))).toBe(value);
});

it.each<[mayBeDone: boolean, kind: Outcome<never>['kind']]>([
  [false, 'refused'],
  [true, 'unknown'],
])('unwrap throws the error of a request that may be done (%s), whose outcome is %s', (mayBeDone, kind) => {
  const outcome = failure(mayBeDone, error);
  expect(outcome).toEqual({ kind, error });
  let thrown: unknown;
  try {
    unwrap(outcome);
  } catch (cause) {
    thrown = cause;
  }
  expect(thrown).toBe(error);
});
