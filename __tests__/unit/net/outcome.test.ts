import { describe, expect, it } from '@jest/globals';
import { ApiError } from '../../../src/net/api-error.ts';
import { done, failure, type Outcome, unwrap } from '../../../src/net/outcome.ts';

const error = new ApiError('Could not do it.', { status: 403 });

describe('the outcome of a request', () => {
  it('returns the value of a request that was carried out, whatever it is', () => {
    for (const value of ['value', undefined, null, false, 0, '']) {
      expect(done(value)).toEqual({ kind: 'done', value });
      expect(unwrap(done(value))).toBe(value);
    }
  });

  it.each<[mayBeDone: boolean, kind: Outcome<never>['kind']]>([
    [false, 'refused'],
    [true, 'unknown'],
  ])('calls a failure that may be done (%s) %s', (mayBeDone, kind) => {
    const outcome = failure(mayBeDone, error);
    expect(outcome).toEqual({ kind, error });
    expect(outcome.error).toBe(error);
  });

  it.each([true, false])(
    'throws the error of a request if its value is needed, whether or not it may be done: %s',
    (mayBeDone) => {
      let thrown: unknown;
      try {
        unwrap(failure(mayBeDone, error));
      } catch (cause) {
        thrown = cause;
      }
      expect(thrown).toBe(error);
    },
  );
});
