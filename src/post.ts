import { cleanUp, leftover } from './apply.ts';
import { start } from './entry.ts';
import { Transport } from './http.ts';
import { readCredentials, readTimeout, unsafeSetting } from './inputs.ts';
import * as log from './log.ts';
import { Scalekit } from './scalekit/api.ts';
import { isSealed, readState, type SealedState } from './state.ts';

/** Seconds: a client that may still appear is looked for longer than the shortest step may take. */
const LEAST_TIMEOUT = 20;

start(run, (error) =>
  log.warning(`The state that main left cannot be used, so nothing was removed: ${log.message(error)}`),
);

/** Removes what this step made and nobody is to use any more. Never fails the job. */
async function run(): Promise<void> {
  const state = readState();
  if (!state || (state.published && state.lifetime === 'persistent')) return;
  const transport = new Transport(state.run, Math.max(readTimeout(), LEAST_TIMEOUT));
  transport.openReserve();
  const scalekit = new Scalekit(transport, state.origin, state.organization_id);
  try {
    const removed = await remove(scalekit, state);
    log.info(removed ? `Deleted client ${removed}.` : 'The client is gone already.');
  } catch (error) {
    log.warning(`A client of this step may be left over: ${log.message(error)} ${leftover(scalekit, state)}`);
  }
}

async function remove(scalekit: Scalekit, state: SealedState): Promise<string | undefined> {
  const credentials = readCredentials(process.env);
  const unsafe = unsafeSetting(process.env);
  if (unsafe) throw new Error(`NODE_TLS_REJECT_UNAUTHORIZED: ${unsafe}.`);
  if (!credentials.client_id || !credentials.client_secret) {
    throw new Error('the credentials that main had are not there any more, neither as inputs nor as variables.');
  }
  // Only then are origin and ids those that main wrote, and the credentials those that go there.
  if (!isSealed(state, credentials.client_secret)) {
    throw new Error(
      'its state was not written with these credentials; another step may have changed either, so nothing was sent.',
    );
  }
  await scalekit.signIn(credentials);
  return await cleanUp(scalekit, state);
}
