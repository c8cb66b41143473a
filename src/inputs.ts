import { getInput } from '@actions/core';
import { chooseClaims } from './claims.ts';
import { length, parseClaims, parseList, parseOrigin, parseSeconds, quote, quoteUrl, type Report } from './formats.ts';
import { type Runner, readRunner } from './github/runner.ts';
import {
  drawNonce,
  hash,
  type Identity,
  identityKey,
  type Lifetime,
  LONGEST_OWN_DESCRIPTION,
  repositoryMark,
  type Trailer,
} from './identity.ts';
import { mask } from './mask.ts';
import { CLIENT_ID, type Claim, type ClientFields, type Credentials } from './scalekit/types.ts';

const UNTRUSTED =
  'This run was triggered by code from outside, yet has secrets: nothing of that code may be checked out, built or run in this job, or it can take the credentials.';
/** Faults of one input that are told: thousands would not fit into an annotation. */
const MOST_FAULTS = 10;
const LONGEST_NAME = 128;
const LONGEST_ENVIRONMENT = 255;
/** Seconds. */
const JOB_EXPIRY = 3600;
/** Seconds. */
const DEFAULT_TIMEOUT = '120';
const DEFAULT_KEEP_SECRETS = 2;

const ON_EXISTING = ['rotate', 'reuse', 'replace', 'fail'] as const;
export type OnExisting = (typeof ON_EXISTING)[number];

/** All that a run of the action needs to know, checked. */
export interface Request {
  /** Scalekit's environment: scheme, host and port. */
  origin: string;
  /** The environment's API credentials. */
  credentials: Credentials;
  /** Empty where the external id is given. */
  organization_id: string;
  organization_external_id: string;
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
  dry_run: boolean;
  /** Seconds for the whole step. */
  timeout: number;
  /** What the user should know although nothing is wrong. */
  notices: string[];
  warnings: string[];
}

/** Every bad input, each with what was given, what is accepted and, where known, why. */
export class InputError extends Error {
  override name = 'InputError';

  constructor(faults: string[]) {
    super(
      faults.length === 1
        ? `Bad input: ${faults[0]}`
        : `${faults.length} bad inputs:\n${faults.map((fault) => `- ${fault}`).join('\n')}`,
    );
  }
}

/**
 * Reads the inputs, and the variables that stand in for some of them.
 * @throws {InputError} that names every fault in every input
 */
export function readRequest(env: NodeJS.ProcessEnv): Request {
  const reader = new Reader(env);
  const runner = readRunner(env);
  const credentials = readCredentials(env);
  checkCredentials(reader, runner);
  const origin = checkOrigin(reader);
  const organization = checkOrganization(reader);
  // The more lenient lifetime for claims where the input is wrong, so that this fault does not cause others.
  const lifetime = checkChoice(reader, 'lifetime', ['persistent', 'job'], 'job');
  const environment = checkLength(reader, 'environment', LONGEST_ENVIRONMENT);
  const name = checkLength(reader, 'name', LONGEST_NAME);
  const description = checkLength(reader, 'description', LONGEST_OWN_DESCRIPTION);
  const scopes = checkScopes(reader);
  const audience = parseList(reader.read('audience'), reader.report('audience'));
  const claims = checkClaims(reader, runner, environment, lifetime);
  const expiry = reader.read('expiry')
    ? parseSeconds(reader.read('expiry'), 1, Number.MAX_SAFE_INTEGER, reader.report('expiry'))
    : lifetime === 'job' && JOB_EXPIRY;

  const { repository, repository_id, run } = runner;
  const mark = repositoryMark(repository, repository_id);
  const identity: Identity = { repository, repository_id, environment, name: name || undefined, lifetime };
  const trailer: Trailer = { key: identityKey(identity), repo: mark, by: mark, run, lifetime, nonce: drawNonce() };
  const purpose = `Made by GitHub Actions for ${repository}${environment && `, environment ${environment}`}.`;
  const request: Request = {
    origin,
    credentials,
    ...organization,
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
    client_id: reader.match(
      'client_id',
      CLIENT_ID,
      'the id of an organization client (m2morg_…; skc_… is scalekit_client_id)',
    ),
    on_existing: checkChoice(reader, 'on_existing', ON_EXISTING, 'rotate'),
    keep_secrets: Number(reader.match('keep_secrets', /^[1-5]$/, 'a whole number from 1 to 5') || DEFAULT_KEEP_SECRETS),
    verify: checkBoolean(reader, 'verify', true),
    access_token: checkBoolean(reader, 'access_token', false),
    dry_run: checkBoolean(reader, 'dry_run', false),
    timeout: parseTimeout(reader.read('timeout'), reader.report('timeout')),
    notices: reader.notices,
    warnings: runner.origin === 'untrusted' ? [UNTRUSTED] : [],
  };
  checkPairs(reader, request);
  checkRunner(reader, runner);
  reader.finish();
  return request;
}

/** Reads the administrator's credentials, from the inputs or else from the variables, and masks the secret. */
export function readCredentials(env: NodeJS.ProcessEnv): Credentials {
  const client_secret = getInput('scalekit_client_secret') || variable(env, 'SCALEKIT_CLIENT_SECRET');
  mask(client_secret);
  return { client_id: getInput('scalekit_client_id') || variable(env, 'SCALEKIT_CLIENT_ID'), client_secret };
}

/** @returns seconds for the whole step, some number of them also where the input is lost or bad */
export function readTimeout(): number {
  return parseTimeout(getInput('timeout'), () => {});
}

function parseTimeout(text: string, report: Report): number {
  return parseSeconds(text || DEFAULT_TIMEOUT, 5, 3600, report);
}

/** @returns why nothing may be sent from a process with this environment, or nothing */
export function unsafeSetting(env: NodeJS.ProcessEnv): string | undefined {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return undefined;
  return 'got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)';
}

/** Collects what is wrong while the inputs are read. */
class Reader {
  readonly env: NodeJS.ProcessEnv;
  readonly notices: string[] = [];
  readonly #faults = new Map<string, string[]>();
  /** Inputs whose text never arrived: what else is wrong with them says nothing. */
  readonly #unevaluated = new Set<string>();

  constructor(env: NodeJS.ProcessEnv) {
    this.env = env;
  }

  report(input: string): Report {
    return (problem) => {
      if (this.#unevaluated.has(input)) return;
      const faults = this.#faults.get(input) ?? [];
      this.#faults.set(input, [...faults, `${input}: ${problem}`]);
    };
  }

  /** @returns the input without white space around it, empty where it was not given */
  read(input: string): string {
    return this.#evaluated(input, getInput(input));
  }

  /** @returns the input; where it is not as expected, that is reported, and it counts as not given */
  match(input: string, pattern: RegExp, expected: string): string {
    const text = this.read(input);
    if (!text || pattern.test(text)) return text;
    this.report(input)(`got ${quote(text)}; expected ${expected}`);
    return '';
  }

  /** @returns the input, or else the first variable that is set and its name, and what an error calls it */
  require(input: string, variables: string[], expected: string): { text: string; source: string; from?: string } {
    const given = this.read(input);
    if (given) return { text: given, source: input };
    const from = variables.find((candidate) => variable(this.env, candidate));
    if (!from) {
      this.report(input)(`is empty; expected ${expected}`);
      return { text: '', source: input };
    }
    const source = `${input} (from ${from})`;
    return { text: this.#evaluated(source, variable(this.env, from)), source, from };
  }

  /** @throws {InputError} where anything was reported */
  finish(): void {
    const told = [...this.#faults].flatMap(([input, faults]) => {
      const more = faults.length - MOST_FAULTS;
      return more > 0 ? [...faults.slice(0, MOST_FAULTS), `${input}: and ${more} more`] : faults;
    });
    if (told.length > 0) throw new InputError(told);
  }

  #evaluated(source: string, text: string): string {
    if (text.includes('${{')) {
      this.report(source)(
        `got ${quoteUrl(text)}, which holds an expression that was not evaluated; expected its value`,
      );
      this.#unevaluated.add(source);
    }
    return text;
  }
}

function variable(env: NodeJS.ProcessEnv, name: string): string {
  return env[name]?.trim() ?? '';
}

function checkCredentials(reader: Reader, runner: Runner): void {
  const id = reader.require(
    'scalekit_client_id',
    ['SCALEKIT_CLIENT_ID'],
    `the id of the environment's API credentials (skc_…). ${whyEmpty(runner)}`,
  );
  reader.require(
    'scalekit_client_secret',
    ['SCALEKIT_CLIENT_SECRET'],
    `the secret of the environment's API credentials. ${whyEmpty(runner)}`,
  );
  if (id.text.startsWith('m2morg_')) {
    reader.report(id.source)(
      `got ${quote(id.text)}, an organization client; expected the environment's API credentials (skc_…)`,
    );
  }
}

/** GitHub evaluates a secret that is not there to nothing, without a word. */
function whyEmpty({ origin }: Runner): string {
  const misspelt = "a misspelt name, or a secret that this repository or the job's environment does not have";
  if (origin === 'dependabot') {
    return `This run was started by Dependabot, which gets Dependabot's own secrets alone (repository settings, Secrets, Dependabot); else: ${misspelt}.`;
  }
  if (origin === 'fork') return `This run comes from a fork, and GitHub hands no secrets to those; else: ${misspelt}.`;
  return `Likely causes: ${misspelt}; a run from a fork or by Dependabot, which get no secrets.`;
}

function checkOrigin(reader: Reader): string {
  const { text, source, from } = reader.require(
    'scalekit_environment_url',
    ['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_ENV_URL'],
    'the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL',
  );
  if (from && getInput('scalekit_client_secret')) {
    reader.report('scalekit_environment_url')(
      `is empty while scalekit_client_secret is given; expected both as inputs, or an earlier step could send the secret elsewhere by setting ${from} through GITHUB_ENV`,
    );
  }
  return text && parseOrigin(text, reader.report(source));
}

function checkOrganization(reader: Reader): Pick<Request, 'organization_id' | 'organization_external_id'> {
  // A URL would take such a path for the one above it.
  const organization_external_id = reader.match(
    'organization_external_id',
    /^(?!\.\.?$)/,
    'the external id of an organization',
  );
  if (reader.read('organization_external_id')) {
    if (reader.read('organization_id'))
      reader.report('organization_external_id')('is given beside organization_id; expected one of the two');
    return { organization_id: '', organization_external_id };
  }
  // The descriptor's rule: this prefix, 32 characters at most.
  const expected = 'the id of an organization: "org_" and up to 28 letters, digits, - or _';
  const { text, source } = reader.require(
    'organization_id',
    ['SCALEKIT_ORGANIZATION_ID'],
    `${expected}, as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id`,
  );
  if (text && !/^org_[\w-]{1,28}$/.test(text)) reader.report(source)(`got ${quote(text)}; expected ${expected}`);
  return { organization_id: text, organization_external_id };
}

/** @param fallback what to go on with where the input is wrong; the first choice is the default */
function checkChoice<T extends string>(reader: Reader, input: string, choices: readonly [T, ...T[]], fallback: T): T {
  const text = reader.read(input) || choices[0];
  const choice = choices.find((one) => one === text);
  if (choice) return choice;
  const list = choices.map((one) => `"${one}"`);
  reader.report(input)(`got ${quote(text)}; expected ${list.slice(0, -1).join(', ')} or ${list.at(-1)}`);
  return fallback;
}

/** Inputs that are fine alone and make no sense together. */
function checkPairs(reader: Reader, { on_existing, verify, access_token }: Request): void {
  if (reader.read('lifetime') === 'job') {
    const always = 'the client of a job is always a new one';
    if (reader.read('client_id'))
      reader.report('client_id')(`is given with lifetime: job; expected one of the two: ${always}`);
    if (on_existing !== 'rotate')
      reader.report('on_existing')(`got "${on_existing}" with lifetime: job; expected it to be left out: ${always}`);
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

/** YAML's own words for the two (its core schema), as GitHub passes them on. */
function checkBoolean(reader: Reader, input: string, byDefault: boolean): boolean {
  const text = reader.match(input, /^(true|True|TRUE|false|False|FALSE)$/, 'true or false');
  return text ? text.toLowerCase() === 'true' : byDefault;
}

function checkLength(reader: Reader, input: string, most: number): string {
  const text = reader.read(input);
  if (length(text) > most)
    reader.report(input)(`got ${length(text)} characters, ${quote(text)}; expected ${most} at most`);
  return text;
}

function checkScopes(reader: Reader): string[] {
  const report = reader.report('scopes');
  const scopes = parseList(reader.read('scopes'), report);
  for (const scope of scopes) {
    // RFC 6749, section 3.3
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
      report(`got ${quote(scope)}; expected printable ASCII without spaces, " and \\`);
  }
  return scopes;
}

/** The derived claims first, then those of `custom_claims` that they do not say already. */
function checkClaims(reader: Reader, runner: Runner, environment: string, lifetime: Lifetime): Claim[] {
  const text = reader.read('repository_claims');
  const asked = text ? parseList(text, reader.report('repository_claims')) : undefined;
  const known = { environment, repository_id: runner.repository_id, env: reader.env };
  const derived = chooseClaims(asked, known, lifetime, reader.report('repository_claims'));
  if (!asked && runner.repository_id === undefined) {
    reader.notices.push(
      'This runner does not tell GITHUB_REPOSITORY_ID, so the client has no claim github_repository_id.',
    );
  }
  const report = reader.report('custom_claims');
  const custom = parseClaims(reader.read('custom_claims'), report);
  const values = new Map(derived.map(({ key, value }) => [key, value]));
  for (const { key, value } of custom) {
    const own = values.get(key);
    if (own !== undefined && own !== value) {
      report(
        `got ${key}=${quote(value)}, but repository_claims derives ${key}=${quote(own)}; expected the same value, or a repository_claims without ${key}`,
      );
    }
  }
  return [...derived, ...custom.filter(({ key }) => !values.has(key))];
}

/** What only a runner provides. Without its output file the secret would go to the log instead. */
function checkRunner(reader: Reader, { repository }: Runner): void {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    reader.report('GITHUB_REPOSITORY')(
      `got ${quote(repository)}; expected owner/name, as the runner of a workflow sets it`,
    );
  }
  if (!reader.env.GITHUB_OUTPUT)
    reader.report('GITHUB_OUTPUT')('is not set; expected the file for outputs, as the runner of a workflow sets it');
  const unsafe = unsafeSetting(reader.env);
  if (unsafe) reader.report('NODE_TLS_REJECT_UNAUTHORIZED')(unsafe);
}

/** A text of bounded length in which two long ones that differ stay different. */
function shorten(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  const kept = most - 9;
  return `${characters.slice(0, kept).join('')}~${hash(characters.slice(kept).join('')).slice(0, 8)}`;
}
