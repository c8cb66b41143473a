import type { GitHubAccess } from '../github/api.ts';
import type { Runner } from '../github/runner.ts';
import { PROXY_URL_FORMAT, ProxyError, proxyFor } from '../net/proxy.ts';
import { parseUrl } from '../net/url.ts';
import { maskSecret } from '../output/mask.ts';
import { quote } from '../output/text.ts';
import type { ScalekitAccess } from '../scalekit/api.ts';
import type { Credentials } from '../scalekit/types.ts';
import { parseApiUrl } from './parse.ts';
import { type Reader, readInput, readSource } from './reader.ts';
import { type Action, ORGANIZATION_FORMAT, REPOSITORY, SPECS, type Values } from './specs.ts';

// The inputs that all actions share: how to reach Scalekit and GitHub, and with which credentials.

const UNTRUSTED =
  'Code from outside triggered this run, and the run has secrets. Do not check out, build or run that code in this job: it could take the credentials.';

/** The inputs that all actions share. */
export interface ConnectionInputs extends ScalekitAccess {
  runner: Runner;
  /** Seconds for the whole step. */
  timeout: number;
  /** What the user should know although no input is bad. */
  warnings: string[];
}

/** Masks all credentials. Must run before anything is reported: a credential may have been pasted into a wrong input. */
export function maskAll(env: NodeJS.ProcessEnv): void {
  readCredentials(env);
  readGitHubToken();
}

/** Returns the environment's API credentials from the inputs or else from the variables, and masks the secret. */
export function readCredentials(env: NodeJS.ProcessEnv): Credentials {
  const credentials = readUnmaskedCredentials(env);
  maskSecret(credentials.client_secret, [credentials.client_id]);
  return credentials;
}

/** Returns what readCredentials() returns, without masking it. The caller must not print anything. */
export function readUnmaskedCredentials(env: NodeJS.ProcessEnv): Credentials {
  const client_secret = readSource('scalekit_client_secret', env).text;
  return { client_id: readSource('scalekit_client_id', env).text, client_secret };
}

/** Returns `github_token` after masking it, or an empty string if it was not given. */
export function readGitHubToken(): string {
  const token = readInput('github_token');
  // git and actions/checkout send it after these names.
  maskSecret(token, ['x-access-token', '']);
  return token;
}

/** Returns the seconds for the whole step and reports nothing. Without the input, or for a bad one, it returns 120. */
export function readTimeout(): number {
  const { parse, fallback } = SPECS.timeout;
  return parse(readInput('timeout'), () => {}) ?? fallback('main');
}

/**
 * Checks the inputs that all actions share, and what only a runner provides.
 * @returns what a connection needs in addition to the values
 */
export function checkConnection(
  reader: Reader,
  values: Values<Action>,
  runner: Runner,
): Pick<ConnectionInputs, 'runner' | 'origin' | 'credentials' | 'warnings'> {
  const causes = likelyCauses(runner);
  reader.require('scalekit_client_id', `the id of the environment's API credentials (skc_…). ${causes}`);
  reader.require('scalekit_client_secret', `the secret of the environment's API credentials. ${causes}`);
  checkOrigin(reader, values.scalekit_environment_url);
  checkOrganization(reader);
  checkRunner(reader, runner);
  return {
    runner,
    origin: values.scalekit_environment_url,
    credentials: { client_id: values.scalekit_client_id, client_secret: values.scalekit_client_secret },
    warnings: runner.origin === 'untrusted' ? [UNTRUSTED] : [],
  };
}

/**
 * Returns how to reach GitHub's API. Reports `github_token` if it is needed and missing.
 * @param need what the token is needed for, in words. Undefined if the step does not need it
 * @returns undefined if the token is not needed or missing
 */
export function checkGitHub(
  reader: Reader,
  token: string,
  runner: Runner,
  need: string | undefined,
): GitHubAccess | undefined {
  if (!need || !reader.require('github_token', `a token that may ${need}. ${likelyCauses(runner)}`).text)
    return undefined;
  if (runner.hasBadEvent)
    reader.report('GITHUB_EVENT_PATH')('names a file that is not JSON; expected the event, as the runner writes it');
  const api = parseApiUrl(runner.api, reader.report('GITHUB_API_URL')) ?? '';
  checkProxy(reader, api);
  return { api, token };
}

/** Returns why a process with this environment must not send any request, or undefined if it may. */
export function unsafeSetting(env: NodeJS.ProcessEnv): string | undefined {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return undefined;
  return 'got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)';
}

/**
 * Reports an invalid proxy setting for requests to an address.
 * @param address an invalid URL is ignored, since it is reported elsewhere
 */
export function checkProxy(reader: Reader, address: string): void {
  const url = parseUrl(address);
  try {
    if (url) proxyFor(url, reader.env);
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    reader.report(error.variable)(`does not hold the address of a proxy; expected ${PROXY_URL_FORMAT}`);
  }
}

/**
 * Reports a missing address of the Scalekit environment. If the secret is an input, the address has to be one, because an
 * earlier step can set variables.
 */
function checkOrigin(reader: Reader, origin: string): void {
  const { variable } = reader.require(
    'scalekit_environment_url',
    'the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL',
  );
  if (variable && readInput('scalekit_client_secret')) {
    reader.report('scalekit_environment_url')(
      `is empty while scalekit_client_secret is given; expected both as inputs, because an earlier step could set ${variable} through GITHUB_ENV and so receive the secret`,
    );
  }
  checkProxy(reader, origin);
}

/** Reports it if the organization is missing or named twice. */
function checkOrganization(reader: Reader): void {
  if (!readInput('organization_external_id')) {
    const sources = 'as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id';
    reader.require('organization_id', `${ORGANIZATION_FORMAT}, ${sources}`);
  } else if (readInput('organization_id')) {
    reader.report('organization_external_id')('is given beside organization_id; expected one of the two');
  }
}

/**
 * Reports what only the runner of a workflow provides and is missing, and an unsafe setting. Without the file for
 * outputs, the secret would be printed in the log instead.
 */
function checkRunner(reader: Reader, { repository }: Runner): void {
  if (!REPOSITORY.test(repository)) {
    reader.report('GITHUB_REPOSITORY')(
      `got ${quote(repository)}; expected owner/name, as the runner of a workflow sets it`,
    );
  }
  if (!reader.env.GITHUB_OUTPUT)
    reader.report('GITHUB_OUTPUT')('is not set; expected the file for outputs, as the runner of a workflow sets it');
  const unsafe = unsafeSetting(reader.env);
  if (unsafe) reader.report('NODE_TLS_REJECT_UNAUTHORIZED')(unsafe);
}

/**
 * Returns the likely causes of an empty secret, as text. GitHub evaluates a secret that does not exist to an empty
 * string, without an error.
 */
function likelyCauses({ origin }: Runner): string {
  const check = "check the name of the secret, and that this repository or the job's environment has it";
  if (origin === 'dependabot')
    return `Dependabot started this run, and such runs receive only Dependabot's own secrets (repository settings, Secrets, Dependabot). Otherwise ${check}.`;
  if (origin === 'fork') return `Workflows triggered from a fork do not receive secrets. Otherwise ${check}.`;
  return `GitHub turns a secret that it does not find into an empty text: ${check}. Runs from a fork and by Dependabot receive no secrets.`;
}
