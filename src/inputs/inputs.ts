import { type ClaimInputs, checkClaimNames, deriveClaims } from '../client/claims.ts';
import { ON_EXISTING, type OnExisting } from '../client/desired.ts';
import type { Report } from '../client/faults.ts';
import { type Lifetime, MAX_DESCRIPTION_TEXT } from '../client/identity.ts';
import { type Source, type Target, targetFromRunner } from '../client/target.ts';
import type { GitHubAccess } from '../github/api.ts';
import { ID_TOKEN_URL, mayHaveIdToken, type Runner, readRunner } from '../github/runner.ts';
import { quote } from '../output/text.ts';
import { CLIENT_ID, MAX_NAME } from '../scalekit/types.ts';
import { type ConnectionInputs, checkProxy, REPOSITORY, readConnection, readGitHub } from './connection.ts';
import { parseClaims, parseList, parseSeconds } from './parse.ts';
import { Reader } from './reader.ts';

/** Characters of the name of a deployment environment. */
const MAX_ENVIRONMENT = 255;

/** Seconds that an access token lives by default if `lifetime` is `job`. */
const JOB_EXPIRY = 3600;

const DEFAULT_KEEP_SECRETS = 2;

/** The default prefix of the names of the saved variable and secret. */
const DEFAULT_SAVE_AS = 'SCALEKIT_M2M';

const DEFAULT_MAX_DELETIONS = 20;

/** The inputs that determine the repository that a client is for. */
export interface TargetInputs {
  runner: Runner;
  /** The source of the remaining facts about the repository. */
  source: Source;
  /** A repository other than the workflow's own, or empty. */
  repository: string;
  /** Deployment environment according to the input, or empty. */
  environment: string;
  /** Undefined if credentials are not saved. */
  saving: SavingInputs | undefined;
  /** How to reach GitHub's API. Undefined if the step does not need it. */
  github: GitHubAccess | undefined;
}

/** The location in GitHub Actions to save the credentials to: the repository or its environment, and the names. */
interface SavingInputs {
  to: 'repository' | 'environment';
  variable: string;
  secret: string;
}

/** The inputs of the action. They are checked as far as that is possible without a request. */
export interface Inputs extends ConnectionInputs, TargetInputs, ClaimInputs {
  /** Empty if it was not given. */
  name: string;
  /** Empty if it was not given. */
  description: string;
  scopes: string[];
  audience: string[];
  /** Seconds that an access token lives. Undefined for Scalekit's default. */
  expiry: number | undefined;
  /** Id of the client to manage, or empty. */
  client_id: string;
  on_existing: OnExisting;
  /** 1 to 5. */
  keep_secrets: number;
  verify: boolean;
  access_token: boolean;
  dry_run: boolean;
}

/** The inputs of `delete/`. */
export interface DeleteInputs extends ConnectionInputs, TargetInputs {
  /** Empty if it was not given. */
  name: string;
  /** Id of the client to delete, or empty. */
  client_id: string;
  dry_run: boolean;
}

/** The inputs of `sweep/`. */
export interface SweepInputs extends ConnectionInputs {
  runner: Runner;
  github: GitHubAccess;
  dry_run: boolean;
  /** 1 to 1000. */
  max_deletions: number;
}

/**
 * Reads the inputs of the action, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
export function readInputs(env: NodeJS.ProcessEnv): Inputs {
  const reader = new Reader(env);
  const runner = readRunner(env);
  const connection = readConnection(reader, runner);
  // For a bad input, continue with the lifetime that allows all claims, so that this problem does not cause others.
  const lifetime = reader.choice('lifetime', ['persistent', 'job'], 'job');
  const claimNames = reader.read('repository_claims');
  const inputs: Inputs = {
    ...connection,
    ...readTargetInputs(reader, runner),
    name: reader.bounded('name', MAX_NAME),
    description: reader.bounded('description', MAX_DESCRIPTION_TEXT),
    scopes: readScopes(reader),
    audience: parseList(reader.read('audience'), reader.report('audience')),
    repository_claims: claimNames ? parseList(claimNames, reader.report('repository_claims')) : undefined,
    custom_claims: parseClaims(reader.read('custom_claims'), reader.report('custom_claims')),
    expiry: readExpiry(reader, lifetime),
    lifetime,
    client_id: readClientId(reader),
    on_existing: reader.choice('on_existing', ON_EXISTING, 'rotate'),
    keep_secrets: Number(reader.match('keep_secrets', /^[1-5]$/, 'a whole number from 1 to 5') || DEFAULT_KEEP_SECRETS),
    verify: reader.boolean('verify', true),
    access_token: reader.boolean('access_token', false),
    dry_run: reader.boolean('dry_run', false),
  };
  checkCombinations(reader, inputs);
  const report = (input: string) => reader.report(input);
  // The runner's claims are known already. The others are checked completely after they are requested (desiredClientFrom).
  if (inputs.source === 'runner') deriveClaims(inputs, targetFromRunner(runner, env, inputs.environment), report);
  else checkClaimNames(inputs.repository_claims, inputs.source, lifetime, report('repository_claims'));
  // An ID token may name the environment if the input does not.
  if (inputs.source !== 'token' || inputs.environment) checkSecretLocation(inputs, inputs, report);
  reader.finish();
  return inputs;
}

/**
 * Reads the inputs of `delete/`, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
export function readDeleteInputs(env: NodeJS.ProcessEnv): DeleteInputs {
  const reader = new Reader(env);
  const runner = readRunner(env);
  const inputs = {
    ...readConnection(reader, runner),
    ...readTargetInputs(reader, runner),
    name: reader.bounded('name', MAX_NAME),
    client_id: readClientId(reader),
    dry_run: reader.boolean('dry_run', false),
  };
  // An ID token may name the environment if the input does not.
  if (inputs.source !== 'token' || inputs.environment)
    checkSecretLocation(inputs, inputs, (input) => reader.report(input));
  reader.finish();
  return inputs;
}

/**
 * Reads the inputs of `sweep/`, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
export function readSweepInputs(env: NodeJS.ProcessEnv): SweepInputs {
  const reader = new Reader(env);
  const runner = readRunner(env);
  const connection = readConnection(reader, runner);
  const github = readGitHub(reader, runner, 'read workflow runs (permissions with actions: read)');
  const maxDeletions = reader.match('max_deletions', /^([1-9]\d{0,2}|1000)$/, 'a whole number from 1 to 1000');
  const inputs = {
    ...connection,
    runner,
    // Without it, finish() throws below.
    github: github ?? { api: '', token: '' },
    dry_run: reader.boolean('dry_run', true),
    max_deletions: Number(maxDeletions || DEFAULT_MAX_DELETIONS),
  };
  reader.finish();
  return inputs;
}

/** Reports it if credentials are to be saved in an environment and there is none, or its name cannot be in a URL. */
export function checkSecretLocation(
  { saving }: Pick<Inputs, 'saving'>,
  { environment, source }: Pick<Target, 'environment' | 'source'>,
  report: (input: string) => Report,
): void {
  if (saving?.to !== 'environment') return;
  // In a URL, "." and ".." would address another path.
  if (/^\.\.?$/.test(environment))
    report('save_to')(`got "environment" with the environment "${environment}"; expected the name of one`);
  if (environment) return;
  const how = source === 'token' ? ' (this job has none)' : '';
  report('save_to')(`got "environment" without an environment${how}; expected the input environment, or "repository"`);
}

function readTargetInputs(reader: Reader, runner: Runner): TargetInputs {
  const repository = reader.match('repository', REPOSITORY, 'owner/name');
  const other = repository.toLowerCase() === runner.repository.toLowerCase() ? '' : repository;
  const saving = readSaving(reader);
  const need = other ? `read ${other} (repository)` : saving ? 'write secrets and variables (save_to)' : undefined;
  const source = other ? 'api' : mayHaveIdToken(reader.env) ? 'token' : 'runner';
  if (source === 'token') checkProxy(reader, reader.env[ID_TOKEN_URL] ?? '');
  return {
    runner,
    source,
    repository: other,
    environment: reader.bounded('environment', MAX_ENVIRONMENT),
    saving,
    github: readGitHub(reader, runner, need),
  };
}

/** Reads the location to save the credentials to. The names follow GitHub's rules for secrets and variables. */
function readSaving(reader: Reader): SavingInputs | undefined {
  const to = reader.choice('save_to', ['none', 'repository', 'environment'], 'none');
  const expected = 'letters, digits and _, not beginning with a digit or GITHUB_';
  const prefix = reader.match('save_as', /^(?!github(_|$))[a-z_]\w*$/i, expected) || DEFAULT_SAVE_AS;
  return to === 'none' ? undefined : { to, variable: `${prefix}_CLIENT_ID`, secret: `${prefix}_CLIENT_SECRET` };
}

function readScopes(reader: Reader): string[] {
  const report = reader.report('scopes');
  const scopes = parseList(reader.read('scopes'), report);
  for (const scope of scopes) {
    // RFC 6749, section 3.3
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
      report(`got ${quote(scope)}; expected printable ASCII without spaces, " and \\`);
  }
  return scopes;
}

function readExpiry(reader: Reader, lifetime: Lifetime): number | undefined {
  const text = reader.read('expiry');
  if (text) return parseSeconds(text, 1, Number.MAX_SAFE_INTEGER, reader.report('expiry'));
  return lifetime === 'job' ? JOB_EXPIRY : undefined;
}

function readClientId(reader: Reader): string {
  const expected = 'the id of an organization client (m2morg_…; skc_… is scalekit_client_id)';
  return reader.match('client_id', CLIENT_ID, expected);
}

/** Reports inputs that are valid on their own and contradict each other. */
function checkCombinations(reader: Reader, { on_existing, verify, access_token, saving }: Inputs): void {
  if (reader.read('lifetime') === 'job') {
    const alwaysNew = 'the client of a job is always a new one';
    if (reader.read('client_id'))
      reader.report('client_id')(`is given with lifetime: job; expected one of the two: ${alwaysNew}`);
    if (on_existing !== 'rotate')
      reader.report('on_existing')(`got "${on_existing}" with lifetime: job; expected it to be left out: ${alwaysNew}`);
    if (saving)
      reader.report('save_to')(
        `got "${saving.to}" with lifetime: job; expected it to be left out: the client is deleted when the job ends`,
      );
  }
  if (access_token && on_existing === 'reuse')
    reader.report('access_token')(
      'is true with on_existing: reuse; expected one of the two: without a new secret there is no token',
    );
  if (access_token && !verify)
    reader.report('access_token')(
      'is true with verify: false; expected verify: true, since it is the token that verification gets',
    );
}
