/** The environment variables that the runner sets for an action in a workflow of `acme/inventory-service`. */
export const RUNNER_VARIABLES = {
  GITHUB_ACTIONS: 'true',
  GITHUB_ACTOR: 'octocat',
  GITHUB_ACTOR_ID: '583231',
  GITHUB_EVENT_NAME: 'push',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_REF_TYPE: 'branch',
  GITHUB_REPOSITORY: 'acme/inventory-service',
  GITHUB_REPOSITORY_ID: '740123456',
  GITHUB_REPOSITORY_OWNER: 'acme',
  GITHUB_REPOSITORY_OWNER_ID: '9919',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_RUN_ID: '17345678901',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
  GITHUB_WORKFLOW: 'Deploy',
  GITHUB_WORKFLOW_REF: 'acme/inventory-service/.github/workflows/deploy.yml@refs/heads/main',
  RUNNER_ENVIRONMENT: 'github-hosted',
};

export type RunnerVariables = typeof RUNNER_VARIABLES;

/** Returns the variables that the runner sets for an action in the same workflow of another repository. */
export function runnerVariables(repository = RUNNER_VARIABLES.GITHUB_REPOSITORY): RunnerVariables {
  const { GITHUB_REPOSITORY, GITHUB_WORKFLOW_REF } = RUNNER_VARIABLES;
  return {
    ...RUNNER_VARIABLES,
    GITHUB_REPOSITORY: repository,
    GITHUB_REPOSITORY_OWNER: repository.replace(/\/.*/, ''),
    GITHUB_WORKFLOW_REF: GITHUB_WORKFLOW_REF.replace(GITHUB_REPOSITORY, repository),
  };
}
