import { Faults } from '../client/faults.ts';
import { type Target, targetFromApi, targetFromIdToken, targetFromRunner } from '../client/target.ts';
import { GitHub } from '../github/api.ts';
import { getIdToken } from '../github/id-token.ts';
import type { TargetInputs } from '../inputs/inputs.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { quote } from '../output/text.ts';

/**
 * Finds out which repository and environment the inputs are about, and what is known about them.
 * @throws later, where nobody can say, or two say different things; at once, with nothing sent, where nobody can be asked
 */
export function resolveTarget(aim: TargetInputs, transport: Transport, env: NodeJS.ProcessEnv): Promise<Target> {
  return requestTarget(aim, transport, env).then((target) => {
    log.info(SENTENCES[target.source](target));
    if (target.asserted) log.info(`The environment ${quote(target.environment)} is asserted: only the input names it.`);
    return target;
  });
}

const SENTENCES = {
  token: () => "Claims about the repository come from GitHub's ID token.",
  runner: () =>
    "Claims about the repository come from the runner's variables, since this job may not have an ID token (permissions: id-token: write).",
  api: ({ repository }: Target) => `Claims about ${repository} come from GitHub's API.`,
};

function requestTarget(aim: TargetInputs, transport: Transport, env: NodeJS.ProcessEnv): Promise<Target> {
  const { source, runner, repository, environment, github } = aim;
  if (source === 'api' && github)
    return new GitHub(transport, github).getRepository(repository, (told) => targetFromApi(told, environment));
  const own = targetFromRunner(runner, env, environment);
  if (source === 'runner') return Promise.resolve(own);
  return getIdToken(transport, env).then((payload) => {
    const faults = new Faults();
    const target = targetFromIdToken(payload, own, (input) => faults.report(input));
    faults.finish();
    return target;
  });
}
