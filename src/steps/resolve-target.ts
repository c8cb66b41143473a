import { Faults } from '../client/faults.ts';
import { type Target, targetFromApi, targetFromIdToken, targetFromRunner } from '../client/target.ts';
import { GitHub } from '../github/api.ts';
import { getIdToken } from '../github/id-token.ts';
import type { TargetInputs } from '../inputs/inputs.ts';
import { INPUT_ORDER } from '../inputs/specs.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { quote } from '../output/text.ts';

/**
 * Resolves the repository and the environment that the client is for, and what is known about them.
 * @returns a promise. It rejects if the target cannot be determined or if two sources disagree about it
 * @throws {Error} synchronously, before any request is sent, if the variables of the ID token cannot be used
 */
export function resolveTarget(inputs: TargetInputs, transport: Transport, env: NodeJS.ProcessEnv): Promise<Target> {
  return requestTarget(inputs, transport, env).then((target) => {
    log.info(SOURCE_TEXTS[target.source](target));
    if (target.asserted) log.info(`The environment ${quote(target.environment)} is asserted: only the input names it.`);
    return target;
  });
}

/** Where the claims come from, as the log says it. */
const SOURCE_TEXTS = {
  token: () => "Claims about the repository come from GitHub's ID token.",
  runner: () =>
    "Claims about the repository come from the runner's variables, because the job has no ID token: that needs permissions with id-token: write, and a runner that offers one.",
  api: ({ repository }: Target) => `Claims about ${repository} come from GitHub's API.`,
};

function requestTarget(inputs: TargetInputs, transport: Transport, env: NodeJS.ProcessEnv): Promise<Target> {
  const { source, runner, repository, environment, github } = inputs;
  if (source === 'api' && github)
    return new GitHub(transport, github).getRepository(repository, (answer) => targetFromApi(answer, environment));
  const fromRunner = targetFromRunner(runner, env, environment);
  if (source === 'runner') return Promise.resolve(fromRunner);
  return getIdToken(transport, env).then((payload) => {
    const faults = new Faults(INPUT_ORDER);
    const target = targetFromIdToken(payload, fromRunner, (input) => faults.report(input));
    faults.finish();
    return target;
  });
}
