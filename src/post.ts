import { start } from './entry.ts';
import { readRunner } from './github/runner.ts';
import { Transport } from './http.ts';
import { readCredentials, readTimeout, unsafeSetting } from './inputs.ts';
import * as log from './log.ts';
import { Scalekit } from './scalekit/api.ts';
import type { Credentials } from './scalekit/types.ts';
import { isSealed, readState } from './state.ts';
import { calls, cleanUp } from './undo.ts';

/** Seconds: a client that may still appear is looked for longer than the shortest step may take. */
const LEAST_TIMEOUT = 20;

start(
  run,
  (error) => log.warning(`The state that main left cannot be used, so nothing was removed: ${log.message(error)}`),
  0,
);

/** Removes what this step made and nobody is to use any more. Never fails the job. */
async function run(): Promise<void> {
  const state = readState();
  if (!state) return;
  const credentials = readCredentials(process.env);
  // Without the seal, origin and ids may be anybody's words; with another run, they are about what is in use by now.
  const trusted = isSealed(state, credentials.client_secret) && isThisRun(state.run);
  const transport = new Transport(state.run, Math.max(readTimeout(), LEAST_TIMEOUT));
  transport.openReserve();
  const scalekit = new Scalekit(transport, state.origin, state.organization_id);
  try {
    refuseUnsafe(credentials, trusted);
    await scalekit.signIn(credentials);
  } catch (error) {
    const remedy = calls(scalekit, state, trusted ? undefined : 'state');
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

/** @throws where the credentials must not be sent */
function refuseUnsafe({ client_id, client_secret }: Credentials, trusted: boolean): void {
  const unsafe = unsafeSetting(process.env);
  if (unsafe) throw new Error(`NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}.`);
  if (!client_id || !client_secret) {
    throw new Error('the credentials that main had are not there any more, neither as inputs nor as variables.');
  }
  if (!trusted) {
    throw new Error(
      'its state was not written by this run with these credentials; another step may have changed either, so nothing was sent.',
    );
  }
}
