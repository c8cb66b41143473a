import { byCreateTime, MAX_SECRETS, type Secret } from '../scalekit/types.ts';

/**
 * Returns the secrets to delete before another one can be added, because the API limits their number. Never returns the
 * newest active secret, nor a secret whose creation time is unknown.
 */
export function evictions(secrets: Secret[]): Secret[] {
  const dated = inRetirementOrder(secrets.filter(({ create_time }) => create_time !== undefined));
  const newest = dated
    .filter(({ active }) => active)
    .sort(byCreateTime)
    .at(-1);
  return dated.filter((secret) => secret !== newest).slice(0, Math.max(0, secrets.length + 1 - MAX_SECRETS));
}

/**
 * Returns the secrets to delete after a new one is published.
 * @param secrets without the new one
 * @param keep how many secrets the client keeps, the new one included
 */
export function retirements(secrets: Secret[], keep: number): Secret[] {
  return inRetirementOrder(secrets).slice(0, Math.max(0, secrets.length + 1 - keep));
}

/** Returns the secrets in the order in which they are deleted: inactive ones first, then the oldest. */
function inRetirementOrder(secrets: Secret[]): Secret[] {
  return [...secrets].sort((one, other) => Number(one.active) - Number(other.active) || byCreateTime(one, other));
}
