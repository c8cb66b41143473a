import path from 'node:path';
import { checkClaimNames, deriveClaims } from '../client/claims.ts';
import type { Report } from '../client/faults.ts';
import { type Source, type Target, targetFromRunner } from '../client/target.ts';
import type { GitHubAccess } from '../github/api.ts';
import { ID_TOKEN_URL, mayHaveIdToken, type Runner, readRunner } from '../github/runner.ts';
import { quote } from '../output/text.ts';
import { type ConnectionInputs, checkConnection, checkGitHub, checkProxy, maskAll } from './connection.ts';
import { Reader, readInput } from './reader.ts';
import type { Action, Values } from './specs.ts';

/** Seconds that an access token lives by default if `lifetime` is `job`. */
const JOB_EXPIRY = 3600;

const KEPT = 'This client is kept until delete/ deletes it. With lifetime: job, it is deleted when the job ends.';

/**
 * What contains invisible characters in emoji: a joiner between two of them, and the tags of a region's flag (Unicode
 * Technical Standard 51). `\p{RGI_Emoji}` would know the flags, but V8 takes 15 ms to parse it.
 */
const IN_EMOJI =
  /(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}]|\ufe0f)\u200d(?=\p{Extended_Pictographic})|\u{1f3f4}[\u{e0061}-\u{e007a}]{5}\u{e007f}/gu;

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
  /** Facts about the inputs that the user should know. */
  notices: string[];
}

/** The location in GitHub Actions to save the credentials to: the repository or its environment, and the names. */
interface SavingInputs {
  to: 'repository' | 'environment';
  state_variable: string;
  id_variable: string;
  secret: string;
}

/** The inputs of the action. They are checked as far as that is possible without a request. */
export type Inputs = Values<'main'> & ConnectionInputs & TargetInputs;

/** The inputs of `delete/`. */
export type DeleteInputs = Values<'delete'> & ConnectionInputs & TargetInputs;

/** The inputs of `sweep/`. */
export interface SweepInputs extends Values<'sweep'>, ConnectionInputs {
  github: GitHubAccess;
}

/** The inputs of `audit/`. */
export interface AuditInputs extends Values<'audit'>, ConnectionInputs {
  /** Undefined if there is no token: then nothing is looked up in GitHub. */
  github: GitHubAccess | undefined;
  /** Folder for temporary files. */
  folder: string;
}

/**
 * Reads the inputs of the action, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
export function readInputs(env: NodeJS.ProcessEnv): Inputs {
  const { reader, values, runner } = readValues('main', env);
  const connection = checkConnection(reader, values, runner);
  const { lifetime } = values;
  const target = readTarget(reader, values, runner);
  const inputs: Inputs = {
    ...values,
    ...connection,
    ...target,
    expiry: values.expiry ?? (lifetime === 'job' ? JOB_EXPIRY : undefined),
    notices: [
      ...target.notices,
      ...(readInput('lifetime') || values.save_to !== 'none' || values.dry_run ? [] : [KEPT]),
    ],
  };
  checkCombinations(reader, inputs);
  // The runner's claims are known already. The others are checked completely after they are requested (desiredClientFrom).
  if (inputs.source === 'runner')
    deriveClaims(inputs, targetFromRunner(runner, env, inputs.environment), reader.report);
  else checkClaimNames(inputs.repository_claims, inputs, lifetime, reader.report('repository_claims'));
  reader.faults.finish();
  return inputs;
}

/**
 * Reads the inputs of `delete/`, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
export function readDeleteInputs(env: NodeJS.ProcessEnv): DeleteInputs {
  const { reader, values, runner } = readValues('delete', env);
  const connection = checkConnection(reader, values, runner);
  const target = readTarget(reader, values, runner);
  reader.faults.finish();
  return { ...values, ...connection, ...target };
}

/**
 * Reads the inputs of `sweep/`, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
export function readSweepInputs(env: NodeJS.ProcessEnv): SweepInputs {
  const { reader, values, runner } = readValues('sweep', env);
  const connection = checkConnection(reader, values, runner);
  const need = 'read workflow runs (permissions with actions: read)';
  // Without a token there is a fault, so finish() throws.
  const github = checkGitHub(reader, values.github_token, runner, need) ?? { api: '', token: '' };
  reader.faults.finish();
  return { ...values, ...connection, github };
}

/**
 * Reads the inputs of `audit/`, and the variables that stand in for some of them.
 * @throws {InputError} with every problem of every input
 */
export function readAuditInputs(env: NodeJS.ProcessEnv): AuditInputs {
  const { reader, values, runner } = readValues('audit', env);
  const connection = checkConnection(reader, values, runner);
  const { github_token } = values;
  const github = checkGitHub(reader, github_token, runner, github_token && 'read repositories and environments');
  const folder = env.RUNNER_TEMP ?? '';
  if (!path.isAbsolute(folder))
    reader.report('RUNNER_TEMP')(
      `got ${quote(folder)}; expected the folder for temporary files, as the runner of a workflow sets it`,
    );
  reader.faults.finish();
  return { ...values, ...connection, github, folder };
}

/** Masks the credentials, checks the names of the inputs, and parses them. */
function readValues<A extends Action>(action: A, env: NodeJS.ProcessEnv) {
  maskAll(env);
  const reader = new Reader(action, env);
  const runner = readRunner(env);
  reader.checkNames();
  return { reader, values: reader.values() as Values<A>, runner };
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
    report('save_to')(
      `got "environment" with the environment "${environment}"; expected another name, because this one cannot be part of a URL`,
    );
  if (environment) return;
  const how = source === 'token' ? ' (this job has none)' : '';
  report('save_to')(`got "environment" without an environment${how}; expected the input environment, or "repository"`);
}

/** Derives where the facts about the repository come from, and checks what they and saving need. */
function readTarget(
  reader: Reader,
  { repository, environment, name, save_to, save_as, github_token }: Values<'main' | 'delete'>,
  runner: Runner,
): TargetInputs {
  const other = repository.toLowerCase() === runner.repository.toLowerCase() ? '' : repository;
  const saving: SavingInputs | undefined =
    save_to === 'none'
      ? undefined
      : {
          to: save_to,
          state_variable: `${save_as}_STATE`,
          id_variable: `${save_as}_CLIENT_ID`,
          secret: `${save_as}_CLIENT_SECRET`,
        };
  const need = other ? `read ${other} (repository)` : saving ? 'write secrets and variables (save_to)' : undefined;
  const source = other ? 'api' : mayHaveIdToken(reader.env) ? 'token' : 'runner';
  if (source === 'token') checkProxy(reader, reader.env[ID_TOKEN_URL] ?? '');
  const github = checkGitHub(reader, github_token, runner, need);
  // An ID token may name the environment if the input does not.
  if (source !== 'token' || environment) checkSecretLocation({ saving }, { environment, source }, reader.report);
  const notices = invisibleCharacters({ name, environment });
  return { runner, source, repository: other, environment, saving, github, notices };
}

/** Reports inputs that are valid on their own and contradict each other. */
function checkCombinations(
  reader: Reader,
  { client_id, on_existing, rotate_after, verify, access_token, saving }: Inputs,
): void {
  if (readInput('lifetime') === 'job') {
    const alwaysNew = 'the client of a job is always a new one';
    if (client_id) reader.report('client_id')(`is given with lifetime: job; expected one of the two: ${alwaysNew}`);
    if (on_existing !== 'rotate')
      reader.report('on_existing')(`got "${on_existing}" with lifetime: job; expected it to be left out: ${alwaysNew}`);
    if (saving)
      reader.report('save_to')(
        `got "${saving.to}" with lifetime: job; expected it to be left out: the client is deleted when the job ends`,
      );
  }
  // A bad on_existing is reported alone.
  const mode = readInput('on_existing') || on_existing;
  if (rotate_after !== undefined && mode === on_existing && mode !== 'reuse')
    reader.report('rotate_after')(
      `is given with on_existing: ${on_existing}; expected on_existing: reuse, because only that keeps a secret`,
    );
  if (access_token && on_existing === 'reuse')
    reader.report('access_token')(
      'is true with on_existing: reuse; expected one of the two: without a new secret there is no token',
    );
  if (access_token && !verify)
    reader.report('access_token')(
      'is true with verify: false; expected verify: true, because verification requests that token',
    );
}

/** Returns notices about invisible characters in names. They are allowed there, but often pasted by mistake. */
function invisibleCharacters({ name, environment }: Pick<Values<'main'>, 'name' | 'environment'>): string[] {
  const isSuspicious = (text: string) => /\p{Cf}/u.test(text.replace(IN_EMOJI, ''));
  return Object.entries({ name, environment })
    .filter(([, text]) => isSuspicious(text))
    .map(([input, text]) => `The ${input} holds an invisible character: ${quote(text)}.`);
}
