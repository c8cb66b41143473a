import { randomBytes } from 'node:crypto';
import { deriveClaims } from '../client/claims.ts';
import type { DesiredClient } from '../client/desired.ts';
import { Faults } from '../client/faults.ts';
import { type Identity, identityHash, repositoryReference, shortHash } from '../client/identity.ts';
import { type Lifetime, MAX_DESCRIPTION_TEXT, type OwnershipMarker } from '../client/marker.ts';
import type { Target } from '../client/target.ts';
import type { SecretLocation } from '../github/saved-credentials.ts';
import { type Claim, type ClientFields, MAX_NAME } from '../scalekit/types.ts';
import { checkSecretLocation, type Inputs } from './inputs.ts';
import { INPUT_ORDER } from './specs.ts';

const NO_REPOSITORY_ID =
  'This runner does not set GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.';

/**
 * Derives the desired client from the inputs and the target.
 * @param nonce of this execution of the step
 * @throws {InputError} if inputs and target contradict each other
 */
export function desiredClientFrom(inputs: Inputs, target: Target, nonce: string): DesiredClient {
  const faults = new Faults(INPUT_ORDER);
  const report = (input: string) => faults.report(input);
  const claims = deriveClaims(inputs, target, report);
  checkSecretLocation(inputs, target, report);
  faults.finish();
  const identity = identityFor(inputs, target, inputs.lifetime);
  return {
    organization_id: inputs.organization_id,
    fields: clientFields(inputs, target, claims),
    given: { name: inputs.name !== '', description: inputs.description !== '' },
    marker: createMarker(inputs, identity, nonce),
    identity,
    client_id: inputs.client_id,
    on_existing: inputs.on_existing,
    rotate_after: inputs.rotate_after,
    keep_secrets: inputs.keep_secrets,
    verify: inputs.verify,
    access_token: inputs.access_token,
    location: secretLocation(inputs, target),
    dry_run: inputs.dry_run,
    run_url: inputs.runner.runUrl,
    notices: [
      ...inputs.notices,
      ...(!inputs.repository_claims && target.repository_id === undefined ? [NO_REPOSITORY_ID] : []),
    ],
  };
}

/** Returns the identity of the client that the inputs and the target mean. */
export function identityFor({ name }: Pick<Inputs, 'name'>, target: Target, lifetime: Lifetime): Identity {
  const { repository, repository_id, environment } = target;
  return { repository, repository_id, environment, name: name || undefined, lifetime };
}

/**
 * Returns where the credentials are saved, or undefined if they are not.
 * @throws {InputError} if that is an environment and there is none
 */
export function resolveSecretLocation(inputs: Pick<Inputs, 'saving'>, target: Target): SecretLocation | undefined {
  const faults = new Faults(INPUT_ORDER);
  checkSecretLocation(inputs, target, (input) => faults.report(input));
  faults.finish();
  return secretLocation(inputs, target);
}

/** Returns a new random nonce of 16 characters (96 bits), in base64url. */
export function createNonce(): string {
  return randomBytes(12).toString('base64url');
}

/** Returns the name of the client. @param suffix what a name that was not given ends with */
export function clientName(
  { name }: Pick<Inputs, 'name'>,
  { repository, environment }: Pick<Target, 'repository' | 'environment'>,
  suffix = '',
): string {
  const text = `GitHub Actions: ${repository}${environment && ` (${environment})`}`;
  return name || shorten(text, MAX_NAME - suffix.length) + suffix;
}

/** Returns the fields to create the client with. A field without a value is absent. */
function clientFields(inputs: Inputs, target: Target, claims: Claim[]): ClientFields {
  const { scopes, audience, expiry, description, lifetime, runner } = inputs;
  const { repository, environment } = target;
  const purpose = `Made by GitHub Actions for ${repository}${environment && `, environment ${environment}`}.`;
  return {
    name: clientName(inputs, target, lifetime === 'job' ? ` #${runner.run}` : ''),
    description: description || shorten(purpose, MAX_DESCRIPTION_TEXT),
    ...(scopes.length > 0 && { scopes }),
    ...(audience.length > 0 && { audience }),
    ...(claims.length > 0 && { custom_claims: claims }),
    ...(expiry && { expiry }),
  };
}

function createMarker({ runner }: Inputs, identity: Identity, nonce: string): OwnershipMarker {
  return {
    key: identityHash(identity),
    repo: repositoryReference(identity.repository, identity.repository_id),
    // Not from the ID token: sweep/ compares it with the runner's variables and requests no token.
    by: repositoryReference(runner.repository, runner.repository_id),
    run: runner.run,
    lifetime: identity.lifetime,
    nonce,
  };
}

function secretLocation({ saving }: Pick<Inputs, 'saving'>, target: Target): SecretLocation | undefined {
  if (!saving) return undefined;
  const { to, ...names } = saving;
  return {
    repository: target.repository,
    environment: to === 'environment' ? target.environment : '',
    ...names,
  };
}

/**
 * Returns at most `max` characters of a text. If it is longer, its end is replaced by a hash, so that different texts
 * stay different.
 */
function shorten(text: string, max: number): string {
  const characters = [...text];
  if (characters.length <= max) return text;
  const kept = max - 9;
  return `${characters.slice(0, kept).join('')}~${shortHash(characters.slice(kept).join('')).slice(0, 8)}`;
}
