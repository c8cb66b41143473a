import { describe, expect, it } from '@jest/globals';
import type { Target } from '../../../src/client/target.ts';
import { desiredClientFrom, resolveSecretLocation } from '../../../src/inputs/desired-client.ts';
import { readDeleteInputs, readInputs } from '../../../src/inputs/inputs.ts';
import {
  API_TARGET,
  GITHUB_TOKEN,
  ID_TOKEN_VARIABLES,
  inputError,
  mainError,
  NONCE,
  OTHER_REPOSITORY,
  readMain,
  readWith,
  SAVING,
  tokenTarget,
  useCleanInputs,
  type Values,
} from '../input-fixtures.ts';

useCleanInputs();

describe('the secret location', () => {
  it.each([undefined, 'DEPLOYER', '_a1', 'GITHUBBER'])(
    'the names of the secret location begin with save_as: %s',
    (save_as) => {
      const prefix = save_as ?? 'SCALEKIT_M2M';
      const saving = {
        to: 'repository',
        state_variable: `${prefix}_STATE`,
        id_variable: `${prefix}_CLIENT_ID`,
        secret: `${prefix}_CLIENT_SECRET`,
      };
      expect(readMain({ ...SAVING, save_as }).saving).toEqual(saving);
      expect(readWith(readDeleteInputs, { ...SAVING, save_as }).saving).toEqual(saving);
    },
  );

  // With the prefix GITHUB, the variable would be GITHUB_CLIENT_ID.
  it.each(['1A', 'GITHUB', 'github', 'GITHUB_', 'GitHub_App', 'A-B', 'A B', 'Ä', 'A/B'])(
    'save_as is refused if GitHub refuses the names that begin with it: %j',
    (save_as) => {
      const fault = `Bad input: save_as: got "${save_as}"; expected letters, digits and _, not beginning with a digit or GITHUB_`;
      expect(mainError({ ...SAVING, save_as })).toBe(fault);
      expect(mainError({ save_as })).toBe(fault);
    },
  );

  it('an unknown save_to is the only problem that is reported', () => {
    const fault = 'Bad input: save_to: got "secrets"; expected "none", "repository" or "environment"';
    // Nothing is known about what an unknown save_to needs: a token, an environment or another lifetime.
    for (const changes of [{}, { github_token: GITHUB_TOKEN }, { lifetime: 'job' }])
      expect(mainError({ save_to: 'secrets', ...changes })).toBe(fault);
    expect(inputError(() => readWith(readDeleteInputs, { save_to: 'secrets' }))).toBe(fault);
  });

  const noEnvironment =
    'Bad input: save_to: got "environment" without an environment; expected the input environment, or "repository"';

  it('save_to: environment is refused without an environment', () => {
    const changes = { ...SAVING, save_to: 'environment' };
    expect(mainError(changes)).toBe(noEnvironment);
    expect(inputError(() => readWith(readDeleteInputs, changes))).toBe(noEnvironment);
    // The ID token names no environment of another repository.
    for (const reader of [readInputs, readDeleteInputs])
      expect(inputError(() => readWith<unknown>(reader, { ...changes, ...OTHER_REPOSITORY }, ID_TOKEN_VARIABLES))).toBe(
        noEnvironment,
      );
    expect(() => readMain({ ...changes, environment: 'production' })).not.toThrow();
  });

  it('save_to: environment is checked when the environment in the ID token is known', () => {
    const main = readMain({ ...SAVING, save_to: 'environment' }, ID_TOKEN_VARIABLES);
    const deletion = readWith(readDeleteInputs, { ...SAVING, save_to: 'environment' }, ID_TOKEN_VARIABLES);
    const none = noEnvironment.replace(' environment;', ' environment (this job has none);');
    const location = {
      repository: 'acme/app',
      environment: 'production',
      state_variable: 'SCALEKIT_M2M_STATE',
      id_variable: 'SCALEKIT_M2M_CLIENT_ID',
      secret: 'SCALEKIT_M2M_CLIENT_SECRET',
    };
    expect(inputError(() => desiredClientFrom(main, tokenTarget({}), NONCE))).toBe(none);
    expect(inputError(() => resolveSecretLocation(deletion, tokenTarget({})))).toBe(none);
    expect(desiredClientFrom(main, tokenTarget({ environment: 'production' }), NONCE).location).toEqual(location);
    expect(resolveSecretLocation(deletion, tokenTarget({ environment: 'production' }))).toEqual(location);
  });

  it('the secret location is in the repository that the client is for, and in an environment only with save_to: environment', () => {
    const location = (changes: Values, target: Target) =>
      desiredClientFrom(readMain(changes, ID_TOKEN_VARIABLES), target, NONCE).location;
    const token = tokenTarget({ environment: 'production' });
    expect(location(SAVING, token)).toMatchObject({ repository: 'acme/app', environment: '' });
    expect(location({ ...SAVING, ...OTHER_REPOSITORY }, API_TARGET)).toMatchObject({
      repository: 'Acme/Other',
      environment: '',
    });
    const both = { ...OTHER_REPOSITORY, save_to: 'environment', environment: 'production' };
    expect(location(both, API_TARGET)).toMatchObject({ repository: 'Acme/Other', environment: 'production' });
    expect(location({}, token)).toBeUndefined();
  });

  it('save_to is refused with lifetime: job', () => {
    for (const save_to of ['repository', 'environment']) {
      expect(mainError({ ...SAVING, save_to, environment: 'a', lifetime: 'job' })).toBe(
        `Bad input: save_to: got "${save_to}" with lifetime: job; expected it to be left out: the client is deleted when the job ends`,
      );
    }
  });
});

describe('the environment to save in', () => {
  const SAVING_TO_ENVIRONMENT: Values = { ...SAVING, save_to: 'environment' };

  describe.each(['.', '..'])('environments to save in with the name %j', (environment) => {
    const fault = `Bad input: save_to: got "environment" with the environment "${environment}"; expected another name, because this one cannot be part of a URL`;

    it('an environment to save in is refused if its name would address another path in a URL', () => {
      // Even if an ID token may name another environment.
      for (const reader of [readInputs, readDeleteInputs])
        for (const changes of [{}, { repository: 'acme/other' }])
          for (const env of [{}, ID_TOKEN_VARIABLES])
            expect(
              inputError(() => readWith<unknown>(reader, { ...SAVING_TO_ENVIRONMENT, environment, ...changes }, env)),
            ).toBe(fault);
    });

    it('an environment that the ID token or the API names is refused as well if it would address another path', () => {
      const main = readMain(SAVING_TO_ENVIRONMENT, ID_TOKEN_VARIABLES);
      for (const target of [tokenTarget({ environment }), { ...API_TARGET, environment }]) {
        expect(inputError(() => desiredClientFrom(main, target, NONCE))).toBe(fault);
        expect(inputError(() => resolveSecretLocation(main, target))).toBe(fault);
      }
    });

    it('an environment may have any name if nothing is saved in it', () => {
      for (const changes of [{ environment }, { ...SAVING, environment }]) {
        const { identity } = desiredClientFrom(readMain(changes), { ...API_TARGET, environment }, NONCE);
        expect(identity.environment).toBe(environment);
      }
    });
  });

  it.each(['preview/pr-7', '...', '.x', 'a b', 'ü'])(
    'an environment to save in may have the name %j',
    (environment) => {
      expect(readMain({ ...SAVING_TO_ENVIRONMENT, environment }).environment).toBe(environment);
    },
  );
});
