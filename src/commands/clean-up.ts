import { GitHub } from '../github/api.ts';
import { readRunner } from '../github/runner.ts';
import { SavedCredentials } from '../github/saved-credentials.ts';
import { readCredentials, readGitHubToken, readTimeout, unsafeSetting } from '../inputs/connection.ts';
import { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { Scalekit } from '../scalekit/api.ts';
import type { Credentials } from '../scalekit/types.ts';
import { manualCalls } from '../undo/by-hand.ts';
import { isSealed, type PendingState, type PendingVariable, type SealedState } from '../undo/journal.ts';
import { cleanUp } from '../undo/remove.ts';
import { restoreVariable, variableNotRestored } from '../undo/restore-variable.ts';

/** Seconds. A client that may still appear is searched for longer than the shortest `timeout` allows. */
const MIN_TIMEOUT = 20;

/** Whether the post step may send requests. */
interface SendPermission {
  /** Why not. Empty if it may. */
  refusal: string;
  /** Whether main wrote the state: its seal is intact, and it is of this run. */
  isTrusted: boolean;
}

/** Runs post: undoes what main created and did not publish. Never fails the job. */
export async function cleanUpAfterMain(state: SealedState): Promise<void> {
  const credentials = readCredentials(process.env);
  const token = readGitHubToken();
  // A state without a valid seal may be forged. The state of another run may name a client that is in use.
  const isTrusted = isSealed(state, credentials.client_secret) && isThisRun(state.run);
  const permission = { refusal: reasonNotToSend(credentials, isTrusted), isTrusted };
  const transport = new Transport(state.run, Math.max(readTimeout(), MIN_TIMEOUT));
  transport.releaseCleanupTime();
  const { variable, client, secret } = state;
  // In parallel, so that a hanging GitHub API does not block the Scalekit clean-up, and vice versa.
  await Promise.all([
    variable && restoreSavedVariable(transport, variable, token, permission),
    (client || secret || !variable) && removePending(transport, state, credentials, permission),
  ]);
}

/** Restores the variable that main wrote before it was cut off. */
async function restoreSavedVariable(
  transport: Transport,
  pending: PendingVariable,
  token: string,
  { refusal, isTrusted }: SendPermission,
): Promise<void> {
  if (refusal || !token) {
    log.warning(variableNotRestored(pending, refusal || 'github_token is not there any more', isTrusted));
    return;
  }
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: pending.api, token }), pending.location);
  const { done, remaining } = await restoreVariable(savedCredentials, pending, true);
  done.forEach(log.info);
  remaining.forEach(log.warning);
}

/** Removes the client and the secret that main created. */
async function removePending(
  transport: Transport,
  state: PendingState,
  credentials: Credentials,
  { refusal, isTrusted }: SendPermission,
): Promise<void> {
  const scalekit = new Scalekit(transport, state.origin, state.organization_id);
  try {
    if (refusal) throw new Error(refusal);
    await scalekit.signIn(credentials);
  } catch (error) {
    const calls = manualCalls(scalekit, state, isTrusted ? undefined : 'state');
    log.warning(`What this step made may be left over: ${log.message(error)} ${calls}`);
    return;
  }
  const { removed, notFound, remaining } = await cleanUp(scalekit, state, true);
  for (const what of removed) log.info(`Deleted ${what}.`);
  if (notFound)
    log.info(
      state.client?.id
        ? 'The client is gone already.'
        : 'No client of the create request that was cut off has shown up.',
    );
  if (remaining.length > 0) log.warning(remaining.join(' '));
}

function isThisRun(run: string): boolean {
  return !process.env.GITHUB_RUN_ID || run === readRunner(process.env).run;
}

/** Returns why the credentials must not be sent, or an empty string. */
function reasonNotToSend({ client_id, client_secret }: Credentials, isTrusted: boolean): string {
  const unsafe = unsafeSetting(process.env);
  if (unsafe) return `NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}.`;
  if (!client_id || !client_secret)
    return 'the credentials that main had are not there any more, neither as inputs nor as variables.';
  if (isTrusted) return '';
  return 'its state was not written by this run with these credentials; another step may have changed either, so nothing was sent.';
}
