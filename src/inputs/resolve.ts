import { resolveClaims } from '../client/claims.ts';
import type { DesiredClient } from '../client/desired.ts';
import { Faults } from '../client/faults.ts';
import {
  createNonce,
  type Identity,
  identityHash,
  type Lifetime,
  MAX_DESCRIPTION_TEXT,
  type OwnershipMarker,
  repositoryReference,
  shortHash,
} from '../client/identity.ts';
import type { Target } from '../client/target.ts';
import type { SecretLocation } from '../github/saved-credentials.ts';
import { MAX_NAME } from '../scalekit/types.ts';
import { checkSecretLocation, type Inputs } from './inputs.ts';

/**
 * What the inputs come to, once it is known which repository and environment they are about.
 * @throws {InputError} that names what does not go together
 */
export function resolveInputs(inputs: Inputs, target: Target): DesiredClient {
  const faults = new Faults();
  const report = (input: string) => faults.report(input);
  const claims = resolveClaims(inputs, target, report);
  checkSecretLocation(inputs, target, report);
  faults.finish();
  const { scopes, audience, expiry, name, description, lifetime, runner, repository_claims } = inputs;
  const { repository, repository_id, environment } = target;
  const identity = identityFor(inputs, target, lifetime);
  const marker: OwnershipMarker = {
    key: identityHash(identity),
    repo: repositoryReference(repository, repository_id),
    // As sweep/ knows it, which asks for no ID token.
    by: repositoryReference(runner.repository, runner.repository_id),
    run: runner.run,
    lifetime,
    nonce: createNonce(),
  };
  const purpose = `Made by GitHub Actions for ${repository}${environment && `, environment ${environment}`}.`;
  const noId = 'This runner does not tell GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.';
  return {
    ...inputs,
    fields: {
      name: name || shorten(`GitHub Actions: ${repository}${environment && ` (${environment})`}`, MAX_NAME),
      description: description || shorten(purpose, MAX_DESCRIPTION_TEXT),
      ...(scopes.length > 0 && { scopes }),
      ...(audience.length > 0 && { audience }),
      ...(claims.length > 0 && { custom_claims: claims }),
      ...(expiry && { expiry }),
    },
    given: { name: name !== '', description: description !== '' },
    marker,
    identity,
    location: secretLocation(inputs, target),
    notices: !repository_claims && repository_id === undefined ? [noId] : [],
  };
}

/** What the client of these inputs is known by. */
export function identityFor({ name }: Pick<Inputs, 'name'>, target: Target, lifetime: Lifetime): Identity {
  const { repository, repository_id, environment } = target;
  return { repository, repository_id, environment, name: name || undefined, lifetime };
}

/**
 * Where the pair is kept.
 * @returns nothing where it is not
 * @throws {InputError} where that is an environment and there is none
 */
export function resolveSecretLocation(inputs: Pick<Inputs, 'saving'>, target: Target): SecretLocation | undefined {
  const faults = new Faults();
  checkSecretLocation(inputs, target, (input) => faults.report(input));
  faults.finish();
  return secretLocation(inputs, target);
}

function secretLocation({ saving }: Pick<Inputs, 'saving'>, target: Target): SecretLocation | undefined {
  if (!saving) return undefined;
  const { to, variable, secret } = saving;
  return {
    repository: target.repository,
    environment: to === 'environment' ? target.environment : '',
    variable,
    secret,
  };
}

/** A text of bounded length in which two long ones that differ stay different. */
function shorten(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  const kept = most - 9;
  return `${characters.slice(0, kept).join('')}~${shortHash(characters.slice(kept).join('')).slice(0, 8)}`;
}
