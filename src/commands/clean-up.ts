import { GitHub } from '../github/api.ts';
import { readRunner } from '../github/runner.ts';
import { SavedCredentials } from '../github/saved-credentials.ts';
import {
  readCredentials,
  readGitHubToken,
  readTimeout,
  readUnmaskedCredentials,
  unsafeSetting,
} from '../inputs/connection.ts';
import { readInput } from '../inputs/reader.ts';
import { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { Scalekit } from '../scalekit/api.ts';
import type { Credentials } from '../scalekit/types.ts';
import { manualCalls, whereToLook } from '../undo/by-hand.ts';
import { deleteJournalFile, isSealed, readLastRecord, type SealedRecord } from '../undo/journal.ts';
import { stopMain } from '../undo/main-process.ts';
import { isNothingPending, type PendingState, type PendingVariables } from '../undo/pending.ts';
import { cleanUp, LATE_CREATE_WINDOW } from '../undo/remove.ts';
import { restoreVariables, variablesNotRestored } from '../undo/restore-variables.ts';

/** Seconds. Stopping main and the search for a client that may still appear take longer than the shortest `timeout`. */
const MIN_TIMEOUT = 30;

/** What main left to undo, and why it must not be undone, if so. */
interface Leftovers {
  pending: PendingState;
  /** A clause. */
  obstacle?: string;
}

/**
 * Runs post: stops main if it still runs, and undoes what main created and did not publish. Never fails the job.
 * @param state what main wrote into the runner's state file. It may be older than what main did
 */
export async function cleanUpAfterMain(state: SealedRecord): Promise<void> {
  // Nothing is masked before something is printed.
  const unmasked = readUnmaskedCredentials(process.env);
  const distrust = reasonNotToTrust(unmasked, state);
  const { pending, ...leftovers } = distrust ? { pending: state } : await findLeftovers(state, unmasked.client_secret);
  if (!distrust && isNothingPending(pending)) return;
  const credentials = readCredentials(process.env);
  const token = readGitHubToken();
  if (distrust) {
    log.warning(`What this step created may be left over: ${distrust} ${whereToLook(state)}`);
    return;
  }
  const unsafe = unsafeSetting(process.env);
  const obstacle = leftovers.obstacle ?? (unsafe && `NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}`);
  const transport = new Transport(state.run, Math.max(readTimeout(), MIN_TIMEOUT));
  transport.releaseCleanupTime();
  const scalekit = new Scalekit(transport, pending.origin, pending.organization_id);
  if (obstacle) {
    const calls = pending.organization_id ? manualCalls(scalekit, pending) : whereToLook(pending);
    log.warning(`What this step created may be left over: ${obstacle}. ${calls}`);
    return;
  }
  const { variables, client, secret } = pending;
  // In parallel, so that a hanging GitHub API does not block the Scalekit clean-up, and vice versa.
  await Promise.all([
    variables && restoreSavedVariables(transport, variables, token),
    (client || secret) && removePending(scalekit, { ...pending, variables: undefined }, credentials),
  ]);
}

/**
 * Returns why a state is not trusted, as a sentence. A state without a valid seal may be forged. The state of another run
 * may name a client that is in use.
 */
function reasonNotToTrust({ client_id, client_secret }: Credentials, state: SealedRecord): string | undefined {
  if (!client_id || !client_secret)
    return 'the post step has no API credentials, neither from the inputs nor from the variables. No request was sent.';
  const isThisRun = !process.env.GITHUB_RUN_ID || state.run === readRunner(process.env).run;
  if (isThisRun && isSealed(state, client_secret)) return undefined;
  return 'the saved state does not match this run and these credentials; another step may have changed one of them. No request was sent.';
}

/**
 * Stops main if it still runs, and reads what it left to undo. The journal file has main's last record. Without it, the
 * state may be older than a save, so nothing persistent may be deleted by it.
 */
async function findLeftovers(state: SealedRecord, secret: string): Promise<Leftovers> {
  const main = await stopMain(state.process);
  const record = readLastRecord(state, secret);
  if (main === 'running')
    return { pending: withSearch(record ?? state), obstacle: 'main still runs and could not be stopped' };
  deleteJournalFile(state);
  if (record) return { pending: record };
  const isComplete = state.journal_file === undefined && main === 'ended';
  if (isComplete) return { pending: state };
  if (state.lifetime === 'job') return { pending: withSearch(state) };
  const why = state.journal_file === undefined ? 'there is no journal file' : 'its journal file was removed or changed';
  return { pending: withSearch(state), obstacle: `main may have done more than its state says, and ${why}` };
}

/** Returns a state with a client to search for by its nonce: main may have created one that the state does not name. */
function withSearch(state: PendingState): PendingState {
  return { ...state, client: { sent_at: Date.now(), ...state.client, sent_again: true } };
}

/** Restores the variables that main wrote before it was cut off. */
async function restoreSavedVariables(transport: Transport, pending: PendingVariables, token: string): Promise<void> {
  if (!token) {
    log.warning(variablesNotRestored(pending, 'the post step has no github_token'));
    return;
  }
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: pending.api, token }), pending.location);
  const { done, remaining } = await restoreVariables(savedCredentials, pending);
  done.forEach(log.info);
  remaining.forEach(log.warning);
}

/** Removes the client and the secret that main created. */
async function removePending(scalekit: Scalekit, state: PendingState, credentials: Credentials): Promise<void> {
  try {
    await scalekit.signIn(credentials);
    // Only a state that is older than the journal file can lack the organization.
    if (!state.organization_id) await scalekit.selectOrganization(readInput('organization_external_id'));
  } catch (error) {
    const calls = manualCalls(scalekit, state);
    log.warning(`What this step created may be left over: ${log.message(error)} ${calls}`);
    return;
  }
  const { removed, notFound, remaining } = await cleanUp(scalekit, state, LATE_CREATE_WINDOW);
  for (const what of removed) log.info(`Deleted ${what}.`);
  if (notFound)
    log.info(
      state.client?.id
        ? 'The client was already deleted.'
        : 'The list shows no client of the create request that was cut off.',
    );
  if (remaining.length > 0) log.warning(remaining.join('\n'));
}
