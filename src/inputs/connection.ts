import type { Report } from '../client/faults.ts';
import type { GitHubAccess } from '../github/api.ts';
import type { Runner } from '../github/runner.ts';
import { PROXY_URL_FORMAT, ProxyError, proxyFor } from '../net/proxy.ts';
import { mask, maskCredentials } from '../output/mask.ts';
import { quote } from '../output/text.ts';
import type { ScalekitAccess } from '../scalekit/api.ts';
import type { Credentials } from '../scalekit/types.ts';
import { parseApiUrl, parseOrigin, parseSeconds } from './parse.ts';
import { type Reader, readInput, variable } from './reader.ts';

// The inputs that all actions share: how to reach Scalekit and GitHub, and with which credentials.

const UNTRUSTED =
  'This run was triggered by code from outside, yet has secrets: nothing of that code may be checked out, built or run in this job, or it can take the credentials.';

/** Seconds for the whole step. */
const DEFAULT_TIMEOUT = '120';

/** `owner/name`. Neither part is `.` or `..`, which would address another path in a URL. */
export const REPOSITORY = /^(?!\.\.?\/)[\w.-]+\/(?!\.\.?$)[\w.-]+$/;

/** The inputs that all actions share. */
export interface ConnectionInputs extends ScalekitAccess {
  /** Seconds for the whole step. */
  timeout: number;
  /** What the user should know although no input is bad. */
  warnings: string[];
}

/** Reads the inputs that all actions share, and masks the credentials before anything is reported. */
export function readConnection(reader: Reader, runner: Runner): ConnectionInputs {
  const credentials = readCredentials(reader.env);
  // Mask the token before any input is quoted: it may have been pasted into a wrong one.
  readGitHubToken();
  checkCredentials(reader, runner);
  const origin = readOrigin(reader);
  const organization = readOrganization(reader);
  const timeout = parseTimeout(reader.read('timeout'), reader.report('timeout'));
  checkRunner(reader, runner);
  const warnings = runner.origin === 'untrusted' ? [UNTRUSTED] : [];
  return { origin, credentials, ...organization, timeout, warnings };
}

/**
 * Reads `github_token` and masks it. Reports it if it is needed and missing or unusable.
 * @param need what the token is needed for, in words. Undefined if the step does not need it
 * @returns how to reach GitHub's API, or undefined if the token is not needed or missing
 */
export function readGitHub(reader: Reader, runner: Runner, need: string | undefined): GitHubAccess | undefined {
  const token = readGitHubToken();
  const report = reader.report('github_token');
  if (!need) return undefined;
  if (!reader.read('github_token')) {
    report(`is empty; expected a token that may ${need}. ${likelyCauses(runner)}`);
    return undefined;
  }
  // Any other character would break the header with the token.
  if (!/^[\x21-\x7e]+$/.test(token)) report('holds characters that no token has; expected a token of GitHub');
  const api = parseApiUrl(runner.api, reader.report('GITHUB_API_URL'));
  checkProxy(reader, api);
  return { api, token };
}

/** Returns `github_token` after masking it, or an empty string if it was not given. */
export function readGitHubToken(): string {
  const token = readInput('github_token');
  mask(token);
  // git and actions/checkout send it in these two forms.
  maskCredentials('x-access-token', token);
  maskCredentials('', token);
  return token;
}

/** Returns the environment's API credentials from the inputs or else from the variables, and masks the secret. */
export function readCredentials(env: NodeJS.ProcessEnv): Credentials {
  const client_secret = readInput('scalekit_client_secret') || variable(env, 'SCALEKIT_CLIENT_SECRET');
  const client_id = readInput('scalekit_client_id') || variable(env, 'SCALEKIT_CLIENT_ID');
  mask(client_secret);
  maskCredentials(client_id, client_secret);
  return { client_id, client_secret };
}

/** Returns the seconds for the whole step and reports nothing. Without the input it returns 120, for a bad one 5. */
export function readTimeout(): number {
  return parseTimeout(readInput('timeout'), () => {});
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
  const url = URL.parse(address);
  try {
    if (url) proxyFor(url, reader.env);
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    reader.report(error.variable)(`is set to something else; expected ${PROXY_URL_FORMAT}`);
  }
}

/** Reports missing API credentials, and an organization client that is given instead of them. */
function checkCredentials(reader: Reader, runner: Runner): void {
  const id = reader.require(
    'scalekit_client_id',
    ['SCALEKIT_CLIENT_ID'],
    `the id of the environment's API credentials (skc_…). ${likelyCauses(runner)}`,
  );
  reader.require(
    'scalekit_client_secret',
    ['SCALEKIT_CLIENT_SECRET'],
    `the secret of the environment's API credentials. ${likelyCauses(runner)}`,
  );
  if (id.text.startsWith('m2morg_')) {
    reader.report(id.source)(
      `got ${quote(id.text)}, an organization client; expected the environment's API credentials (skc_…)`,
    );
  }
}

/**
 * Returns the likely causes of an empty secret, as text. GitHub evaluates a secret that does not exist to an empty
 * string, without an error.
 */
function likelyCauses({ origin }: Runner): string {
  const misspelt = "a misspelt name, or a secret that this repository or the job's environment does not have";
  if (origin === 'dependabot') {
    return `This run was started by Dependabot, which gets Dependabot's own secrets alone (repository settings, Secrets, Dependabot); else: ${misspelt}.`;
  }
  if (origin === 'fork') return `This run comes from a fork, and GitHub hands no secrets to those; else: ${misspelt}.`;
  return `Likely causes: ${misspelt}; a run from a fork or by Dependabot, which get no secrets.`;
}

/**
 * Returns the origin of the Scalekit environment. If the secret is an input, the address has to be one, because an
 * earlier step can set variables.
 */
function readOrigin(reader: Reader): string {
  const { text, source, from } = reader.require(
    'scalekit_environment_url',
    ['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_ENV_URL'],
    'the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL',
  );
  if (from && readInput('scalekit_client_secret')) {
    reader.report('scalekit_environment_url')(
      `is empty while scalekit_client_secret is given; expected both as inputs, or an earlier step could send the secret elsewhere by setting ${from} through GITHUB_ENV`,
    );
  }
  const origin = text && parseOrigin(text, reader.report(source));
  checkProxy(reader, origin);
  return origin;
}

/** Returns the id of the organization, or its external id if that was given. The other one is empty. */
function readOrganization(reader: Reader): Pick<ConnectionInputs, 'organization_id' | 'organization_external_id'> {
  // In a URL, "." and ".." would address another path.
  const organization_external_id = reader.match(
    'organization_external_id',
    /^(?!\.\.?$)\P{Cc}*$/u,
    'the external id of an organization',
  );
  if (reader.read('organization_external_id')) {
    if (reader.read('organization_id'))
      reader.report('organization_external_id')('is given beside organization_id; expected one of the two');
    return { organization_id: '', organization_external_id };
  }
  // Scalekit's descriptor: this prefix, and at most 32 characters.
  const expected = 'the id of an organization: "org_" and up to 28 letters, digits, - or _';
  const { text, source } = reader.require(
    'organization_id',
    ['SCALEKIT_ORGANIZATION_ID'],
    `${expected}, as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id`,
  );
  if (text && !/^org_[\w-]{1,28}$/.test(text)) reader.report(source)(`got ${quote(text)}; expected ${expected}`);
  return { organization_id: text, organization_external_id };
}

function parseTimeout(text: string, report: Report): number {
  return parseSeconds(text || DEFAULT_TIMEOUT, 5, 3600, report);
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
