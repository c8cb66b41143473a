import { readCredentials, readGitHubToken, readTimeout, unsafeSetting } from './connection.ts';
import { GitHub } from './github/api.ts';
import { readRunner } from './github/runner.ts';
import { Vault } from './github/vault.ts';
import { Transport } from './http.ts';
import * as log from './log.ts';
import { Scalekit } from './scalekit/api.ts';
import type { Credentials } from './scalekit/types.ts';
import { isSealed, type SealedState, type State, type VariableTrace } from './state.ts';
import { calls, cleanUp } from './undo.ts';
import { putBack, variableLeft } from './unsave.ts';

/** Seconds: a client that may still appear is looked for longer than the shortest step may take. */
const LEAST_TIMEOUT = 20;

/** Removes what this step made and nobody is to use any more. Never fails the job. */
export async function removeLeftovers(state: SealedState): Promise<void> {
  const credentials = readCredentials(process.env);
  const github_token = readGitHubToken();
  // Without the seal, origin and ids may be anybody's words; with another run, they are about what is in use by now.
  const trusted = isSealed(state, credentials.client_secret) && isThisRun(state.run);
  const transport = new Transport(state.run, Math.max(readTimeout(), LEAST_TIMEOUT));
  transport.openReserve();
  const refused = { why: refusal(credentials, trusted), doubtful: !trusted };
  const { variable, client, secret } = state;
  // At once, so that where one side does not answer the other is served all the same.
  await Promise.all([
    variable && restore(transport, variable, github_token, refused),
    (client || secret || !variable) && remove(transport, state, credentials, refused),
  ]);
}

/** Why nothing may be sent, or empty, and whether the state may be anybody's words. */
interface Refused {
  why: string;
  doubtful: boolean;
}

/** Puts the variable back that main wrote before it was cut off. */
async function restore(
  transport: Transport,
  trace: VariableTrace,
  token: string,
  { why, doubtful }: Refused,
): Promise<void> {
  if (why || !token) {
    log.warning(variableLeft(trace, why || 'github_token is not there any more', doubtful));
    return;
  }
  const vault = new Vault(new GitHub(transport, { api: trace.api, token }), trace.place);
  const { done, left } = await putBack(vault, trace, true);
  done.forEach(log.info);
  left.forEach(log.warning);
}

/** Removes client and secret. */
async function remove(
  transport: Transport,
  state: State,
  credentials: Credentials,
  { why, doubtful }: Refused,
): Promise<void> {
  const scalekit = new Scalekit(transport, state.origin, state.organization_id);
  try {
    if (why) throw new Error(why);
    await scalekit.signIn(credentials);
  } catch (error) {
    const remedy = calls(scalekit, state, doubtful ? 'state' : undefined);
    log.warning(`What this step made may be left over: ${log.message(error)} ${remedy}`);
    return;
  }
  const { removed, absent, left } = await cleanUp(scalekit, state, true);
  for (const what of removed) log.info(`Deleted ${what}.`);
  if (absent)
    log.info(
      state.client?.id
        ? 'The client is gone already.'
        : 'No client of the create request that was cut off has shown up.',
    );
  if (left.length > 0) log.warning(left.join(' '));
}

function isThisRun(run: string): boolean {
  return !process.env.GITHUB_RUN_ID || run === readRunner(process.env).run;
}

/** @returns why the credentials must not be sent, or nothing */
function refusal({ client_id, client_secret }: Credentials, trusted: boolean): string {
  const unsafe = unsafeSetting(process.env);
  if (unsafe) return `NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}.`;
  if (!client_id || !client_secret)
    return 'the credentials that main had are not there any more, neither as inputs nor as variables.';
  if (trusted) return '';
  return 'its state was not written by this run with these credentials; another step may have changed either, so nothing was sent.';
}
