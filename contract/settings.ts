import { unsafeSetting } from '../src/inputs/connection.ts';
import { parseApiClientId, parseApiSecret, parseOrigin } from '../src/inputs/parse.ts';
import type { Target } from './caller.ts';

/** The variables that name an environment. All are needed for a run against one. */
const VARIABLES = [
  'SCALEKIT_ENVIRONMENT_URL',
  'SCALEKIT_CLIENT_ID',
  'SCALEKIT_CLIENT_SECRET',
  'SCALEKIT_ORGANIZATION_ID',
] as const;

export interface Settings {
  target: Target;
  /** Registered scopes, which the checks that need some ask for. */
  scopes: string[];
}

type Env = Record<string, string | undefined>;

/** Returns whether an environment is named, and which variables are missing. An empty variable counts as missing. */
export function namedEnvironment(env: Env): { isNamed: boolean; missing: string[] } {
  const missing = VARIABLES.filter((name) => !env[name]?.trim());
  return { isNamed: missing.length < VARIABLES.length, missing };
}

/** Reads the variables of a run. Returns what is wrong with them, a sentence each. */
export function readSettings(env: Env): { settings: Settings; problems: string[] } {
  const read = (name: string) => env[name]?.trim() ?? '';
  const problems: string[] = [];
  const report = (name: string) => (problem: string) => problems.push(`${name}: ${problem}.`);
  const origin = parseOrigin(read('SCALEKIT_ENVIRONMENT_URL'), report('SCALEKIT_ENVIRONMENT_URL')) ?? '';
  const organization_id = read('SCALEKIT_ORGANIZATION_ID');
  if (!/^org_[\w-]{1,28}$/.test(organization_id))
    report('SCALEKIT_ORGANIZATION_ID')('expected the id of an organization, which begins with "org_"');
  const unsafe = unsafeSetting(env);
  if (unsafe) report('NODE_TLS_REJECT_UNAUTHORIZED')(unsafe);
  const credentials = { client_id: read('SCALEKIT_CLIENT_ID'), client_secret: read('SCALEKIT_CLIENT_SECRET') };
  parseApiClientId(credentials.client_id, report('SCALEKIT_CLIENT_ID'));
  // A secret of another format could not be redacted in all forms.
  parseApiSecret(credentials.client_secret, report('SCALEKIT_CLIENT_SECRET'));
  const scopes = read('SCALEKIT_CONTRACT_SCOPES')
    .split(/[\s,]+/)
    .filter(Boolean);
  return { settings: { target: { origin, credentials, organization_id }, scopes }, problems };
}
