import { checkClaims, type Target } from './claims.ts';
import type { Connection } from './connection.ts';
import { LONGEST_OWN_DESCRIPTION } from './formats.ts';
import type { GitHubAccess } from './github/api.ts';
import type { Place } from './github/vault.ts';
import {
  drawNonce,
  hash,
  type Identity,
  identityKey,
  type Lifetime,
  repositoryMark,
  type Trailer,
} from './identity.ts';
import { checkPlace, type Inputs, LONGEST_NAME, type OnExisting } from './inputs.ts';
import { Faults } from './reader.ts';
import type { ClientFields } from './scalekit/types.ts';

/** All that a run of the action needs to know, checked. */
export interface Request extends Connection {
  /** What the client shall be; the description still without its trailer. */
  fields: ClientFields;
  /** Name and description are compared only where they were given. */
  given: { name: boolean; description: boolean };
  trailer: Trailer;
  identity: Identity;
  /** The client to manage, or empty. */
  client_id: string;
  on_existing: OnExisting;
  /** 1 to 5. */
  keep_secrets: number;
  verify: boolean;
  access_token: boolean;
  github: GitHubAccess | undefined;
  /** Where the pair is kept for later workflows; nothing where it is not. */
  place: Place | undefined;
  dry_run: boolean;
  /** What the user should know although nothing is wrong. */
  notices: string[];
}

/**
 * What the inputs come to, once it is known which repository and environment they are about.
 * @throws {InputError} that names what does not go together
 */
export function makeRequest(inputs: Inputs, target: Target): Request {
  const faults = new Faults();
  const report = (input: string) => faults.report(input);
  const claims = checkClaims(inputs, target, report);
  checkPlace(inputs, target, report);
  faults.finish();
  const { scopes, audience, expiry, name, description, lifetime, runner, repository_claims } = inputs;
  const { repository, repository_id, environment } = target;
  const identity = identityOf(inputs, target, lifetime);
  const trailer: Trailer = {
    key: identityKey(identity),
    repo: repositoryMark(repository, repository_id),
    // As sweep/ knows it, which asks for no ID token.
    by: repositoryMark(runner.repository, runner.repository_id),
    run: runner.run,
    lifetime,
    nonce: drawNonce(),
  };
  const purpose = `Made by GitHub Actions for ${repository}${environment && `, environment ${environment}`}.`;
  const noId = 'This runner does not tell GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.';
  return {
    ...inputs,
    fields: {
      name: name || shorten(`GitHub Actions: ${repository}${environment && ` (${environment})`}`, LONGEST_NAME),
      description: description || shorten(purpose, LONGEST_OWN_DESCRIPTION),
      ...(scopes.length > 0 && { scopes }),
      ...(audience.length > 0 && { audience }),
      ...(claims.length > 0 && { custom_claims: claims }),
      ...(expiry && { expiry }),
    },
    given: { name: name !== '', description: description !== '' },
    trailer,
    identity,
    place: placeOf(inputs, target),
    notices: !repository_claims && repository_id === undefined ? [noId] : [],
  };
}

/** What the client of these inputs is known by. */
export function identityOf({ name }: Pick<Inputs, 'name'>, target: Target, lifetime: Lifetime): Identity {
  const { repository, repository_id, environment } = target;
  return { repository, repository_id, environment, name: name || undefined, lifetime };
}

/**
 * Where the pair is kept.
 * @returns nothing where it is not
 * @throws {InputError} where that is an environment and there is none
 */
export function settlePlace(inputs: Pick<Inputs, 'saving'>, target: Target): Place | undefined {
  const faults = new Faults();
  checkPlace(inputs, target, (input) => faults.report(input));
  faults.finish();
  return placeOf(inputs, target);
}

function placeOf({ saving }: Pick<Inputs, 'saving'>, target: Target): Place | undefined {
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
  return `${characters.slice(0, kept).join('')}~${hash(characters.slice(kept).join('')).slice(0, 8)}`;
}
