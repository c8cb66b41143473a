import { byCreateTime, MAX_SECRETS, type Secret } from '../scalekit/types.ts';

/**
 * Returns the secrets to delete before another one can be added, because the API limits their number. Never returns the
 * newest active secret, nor a secret whose creation time is unknown.
 */
export function evictions(secrets: Secret[]): Secret[] {
  const dated = inRetirementOrder(secrets.filter(({ create_time }) => create_time !== undefined));
  const newest = newestActive(dated);
  return dated.filter((secret) => secret !== newest).slice(0, Math.max(0, secrets.length + 1 - MAX_SECRETS));
}

/** Returns the newest active secret. One whose time is unknown counts as the newest. */
export function newestActive(secrets: Secret[]): Secret | undefined {
  return secrets
    .filter(({ active }) => active)
    .sort(byCreateTime)
    .at(-1);
}

/**
 * Returns the secrets to delete after a new one is published.
 * @param secrets without the new one
 * @param keep how many secrets the client keeps, the new one included
 * @param savedId id of the secret that was saved until now. It is retired last, because other workflows use it
 */
export function retirements(secrets: Secret[], keep: number, savedId?: string): Secret[] {
  return inRetirementOrder(secrets, savedId).slice(0, Math.max(0, secrets.length + 1 - keep));
}

/** Returns the secrets in the order in which they are deleted: inactive ones first, then the oldest, then the saved one. */
function inRetirementOrder(secrets: Secret[], savedId?: string): Secret[] {
  const rank = ({ id, active }: Secret) => (active ? (id === savedId ? 2 : 1) : 0);
  return [...secrets].sort((one, other) => rank(one) - rank(other) || byCreateTime(one, other));
}
