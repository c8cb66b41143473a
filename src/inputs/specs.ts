import { ON_EXISTING } from '../client/desired.ts';
import type { Lifetime } from '../client/marker.ts';
import { MAX_DESCRIPTION_TEXT } from '../client/marker.ts';
import { quoteUrl } from '../output/text.ts';
import { CLIENT_ID, MAX_NAME } from '../scalekit/types.ts';
import { parseClaims, parseList, parseScopes } from './lists.ts';
import {
  bounded,
  choice,
  matching,
  type Parser,
  parseApiClientId,
  parseApiSecret,
  parseBoolean,
  parseGitHubToken,
  parseOrigin,
  parseVerify,
  visible,
  wholeNumber,
  withoutMarker,
} from './parse.ts';

// The inputs of all actions: one row each, in the order of action.yml. A test compares them with the action.yml files.

/** The actions of this repository. */
const ACTIONS = ['main', 'delete', 'sweep', 'audit'] as const;
export type Action = (typeof ACTIONS)[number];

/** How an input is read. */
export interface Spec<T, A extends Action = Action> {
  /** The actions that have this input. */
  actions: readonly A[];
  /** Parses the text of the input. It is not called if the input is empty. */
  parse: Parser<T>;
  /** Returns the value if the input is empty or bad: the default in action.yml. */
  fallback: (action: Action) => T;
  /** Environment variables that are read if the input is empty, the first one that is set. */
  variables: readonly string[];
}

/** `owner/name`. Neither part is `.` or `..`, which would address another path in a URL. */
export const REPOSITORY = /^(?!\.\.?\/)[\w.-]+\/(?!\.\.?$)[\w.-]+$/;

/** Scalekit's descriptor: this prefix, and at most 32 characters. */
export const ORGANIZATION_FORMAT = 'the id of an organization: "org_" and up to 28 letters, digits, - or _';

const EXTERNAL_ID_FORMAT = 'the external id of an organization: up to 256 characters, without quotes around it';
const CLIENT_ID_FORMAT = 'the id of an organization client (m2morg_…; skc_… is scalekit_client_id)';
const PREFIX_FORMAT = 'letters, digits and _, not beginning with a digit or GITHUB_';

/** Characters of the name of a deployment environment. */
const MAX_ENVIRONMENT = 255;

const MAIN_AND_DELETE = ['main', 'delete'] as const;
const MAIN = ['main'] as const;
const SWEEP = ['sweep'] as const;
const AUDIT = ['audit'] as const;
const ALL_BUT_AUDIT = ['main', 'delete', 'sweep'] as const;

const parseLifetime = choice(['persistent', 'job']);
const lifetimeOrJob: Parser<Lifetime> = (text, report) => parseLifetime(text, report) ?? 'job';

/** Every input, in the order of action.yml. */
export const SPECS = {
  scalekit_environment_url: row(
    ACTIONS,
    visible(parseOrigin, quoteUrl),
    '',
    'SCALEKIT_ENVIRONMENT_URL',
    'SCALEKIT_ENV_URL',
  ),
  scalekit_client_id: row(ACTIONS, parseApiClientId, '', 'SCALEKIT_CLIENT_ID'),
  scalekit_client_secret: row(ACTIONS, parseApiSecret, '', 'SCALEKIT_CLIENT_SECRET'),
  organization_id: row(
    ACTIONS,
    visible(matching(/^org_[\w-]{1,28}$/, ORGANIZATION_FORMAT)),
    '',
    'SCALEKIT_ORGANIZATION_ID',
  ),
  // In a URL, "." and ".." would address another path.
  organization_external_id: row(
    ACTIONS,
    visible(matching(/^(?!\.\.?$|["'`])\P{Cc}{1,256}(?<!["'`])$/u, EXTERNAL_ID_FORMAT)),
    '',
  ),
  client_id: row(MAIN_AND_DELETE, visible(matching(CLIENT_ID, CLIENT_ID_FORMAT)), ''),
  name: row(MAIN_AND_DELETE, bounded(MAX_NAME), ''),
  description: row(MAIN, withoutMarker(bounded(MAX_DESCRIPTION_TEXT)), ''),
  scopes: row(MAIN, parseScopes, []),
  audience: row(MAIN, parseList, []),
  custom_claims: row(MAIN, parseClaims, []),
  expiry: row<number | undefined, 'main'>(MAIN, wholeNumber(1, Number.MAX_SAFE_INTEGER, 'seconds'), undefined),
  repository_claims: row<string[] | undefined, 'main'>(MAIN, parseList, undefined),
  environment: row(MAIN_AND_DELETE, withoutMarker(bounded(MAX_ENVIRONMENT)), ''),
  repository: row(MAIN_AND_DELETE, matching(REPOSITORY, 'owner/name'), ''),
  // A bad lifetime allows all claims, so that this problem does not cause others.
  lifetime: row<Lifetime, 'main'>(MAIN, lifetimeOrJob, 'persistent'),
  on_existing: row(MAIN, choice(ON_EXISTING), 'rotate'),
  rotate_after: row<number | undefined, 'main'>(MAIN, wholeNumber(1, 3650, 'days'), undefined),
  keep_secrets: row(MAIN, wholeNumber(1, 5), 2),
  verify: row<boolean | 'exact', 'main'>(MAIN, parseVerify, true),
  access_token: row(MAIN, parseBoolean, false),
  save_to: row(MAIN_AND_DELETE, choice(['none', 'repository', 'environment']), 'none'),
  save_as: row(MAIN_AND_DELETE, matching(/^(?!github(_|$))[a-z_]\w*$/i, PREFIX_FORMAT), 'SCALEKIT_M2M'),
  github_token: row(ACTIONS, parseGitHubToken, ''),
  dry_run: { ...row(ALL_BUT_AUDIT, parseBoolean, false), fallback: (action: Action) => action === 'sweep' },
  max_deletions: row(SWEEP, wholeNumber(1, 1000), 20),
  max_secret_age: row<number | undefined, 'audit'>(AUDIT, wholeNumber(1, 3650, 'days'), undefined),
  max_secrets: row<number | undefined, 'audit'>(AUDIT, wholeNumber(1, 100), undefined),
  fail_on_findings: row(AUDIT, parseBoolean, false),
  timeout: row(ACTIONS, wholeNumber(5, 3600, 'seconds'), 120),
};

export type InputName = keyof typeof SPECS;

/** The names of all inputs, in the order in which an error lists their problems. */
export const INPUT_ORDER = Object.keys(SPECS) as InputName[];

/** The value of every input, by name. */
type AllValues = { [Name in InputName]: ReturnType<(typeof SPECS)[Name]['fallback']> };

/** The names of the inputs that an action has. Of several actions: those that all of them have. */
type NamesOf<A extends Action> = {
  [Name in InputName]: [A] extends [(typeof SPECS)[Name]['actions'][number]] ? Name : never;
}[InputName];

/** The values of the inputs of an action. Of several actions: of the inputs that all of them have. */
export type Values<A extends Action> = Pick<AllValues, NamesOf<A>>;

/** Returns the names of an action's inputs, in the order of its action.yml. */
export function inputNames(action: Action): InputName[] {
  return INPUT_ORDER.filter((name) => specOf(name).actions.includes(action));
}

/** Returns the spec of an input whose name is not known before. */
export function specOf(name: InputName): Spec<unknown> {
  return SPECS[name];
}

function row<T, A extends Action>(
  actions: readonly A[],
  parse: Parser<T>,
  fallback: NoInfer<T>,
  ...variables: string[]
): Spec<T, A> {
  return { actions, parse, fallback: () => fallback, variables };
}
