import { GitHub } from '../github/api.ts';
import { readRunner } from '../github/runner.ts';
import { SavedCredentials } from '../github/saved-credentials.ts';
import { readCredentials, readGitHubToken, readTimeout, unsafeSetting } from '../inputs/connection.ts';
import { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { Scalekit } from '../scalekit/api.ts';
import type { Credentials } from '../scalekit/types.ts';
import { manualCalls } from '../undo/by-hand.ts';
import { isSealed, type JournalState, type PendingVariable, type SealedJournalState } from '../undo/journal.ts';
import { cleanUp } from '../undo/remove.ts';
import { restoreVariable, variableNotRestored } from '../undo/restore-variable.ts';

/** Seconds: a client that may still appear is looked for longer than the shortest step may take. */
const MIN_TIMEOUT = 20;

/** Removes what this step made and nobody is to use any more. Never fails the job. */
export async function cleanUpAfterMain(state: SealedJournalState): Promise<void> {
  const credentials = readCredentials(process.env);
  const github_token = readGitHubToken();
  // Without the seal, origin and ids may be anybody's words; with another run, they are about what is in use by now.
  const trusted = isSealed(state, credentials.client_secret) && isThisRun(state.run);
  const transport = new Transport(state.run, Math.max(readTimeout(), MIN_TIMEOUT));
  transport.releaseCleanupTime();
  const refused = { why: reasonNotToSend(credentials, trusted), doubtful: !trusted };
  const { variable, client, secret } = state;
  // At once, so that where one side does not answer the other is served all the same.
  await Promise.all([
    variable && restoreSavedVariable(transport, variable, github_token, refused),
    (client || secret || !variable) && removePending(transport, state, credentials, refused),
  ]);
}

/** Why nothing may be sent, or empty, and whether the state may be anybody's words. */
interface SendPermission {
  why: string;
  doubtful: boolean;
}

/** Puts the variable back that main wrote before it was cut off. */
async function restoreSavedVariable(
  transport: Transport,
  pending: PendingVariable,
  token: string,
  { why, doubtful }: SendPermission,
): Promise<void> {
  if (why || !token) {
    log.warning(variableNotRestored(pending, why || 'github_token is not there any more', doubtful));
    return;
  }
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: pending.api, token }), pending.location);
  const { done, remaining: left } = await restoreVariable(savedCredentials, pending, true);
  done.forEach(log.info);
  left.forEach(log.warning);
}

/** Removes client and secret. */
async function removePending(
  transport: Transport,
  state: JournalState,
  credentials: Credentials,
  { why, doubtful }: SendPermission,
): Promise<void> {
  const scalekit = new Scalekit(transport, state.origin, state.organization_id);
  try {
    if (why) throw new Error(why);
    await scalekit.signIn(credentials);
  } catch (error) {
    const remedy = manualCalls(scalekit, state, doubtful ? 'state' : undefined);
    log.warning(`What this step made may be left over: ${log.message(error)} ${remedy}`);
    return;
  }
  const { removed, notFound: absent, remaining: left } = await cleanUp(scalekit, state, true);
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
function reasonNotToSend({ client_id, client_secret }: Credentials, trusted: boolean): string {
  const unsafe = unsafeSetting(process.env);
  if (unsafe) return `NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}.`;
  if (!client_id || !client_secret)
    return 'the credentials that main had are not there any more, neither as inputs nor as variables.';
  if (trusted) return '';
  return 'its state was not written by this run with these credentials; another step may have changed either, so nothing was sent.';
}
