import { byCreateTime, MAX_SECRETS, type Secret } from '../scalekit/types.ts';
import type { Step } from './plan.ts';

/** The secrets that must go before the client can have one more: never the newest active one, and none of unknown age. */
export function evictions(secrets: Secret[]): Secret[] {
  const dated = inRetirementOrder(secrets.filter(({ create_time }) => create_time !== undefined));
  const newest = dated
    .filter(({ active }) => active)
    .sort(byCreateTime)
    .at(-1);
  return dated.filter((secret) => secret !== newest).slice(0, Math.max(0, secrets.length + 1 - MAX_SECRETS));
}

/** @param keep how many secrets stay, the new one, which is not among `secrets`, included */
export function retirements(secrets: Secret[], keep: number): Step[] {
  const count = Math.max(0, secrets.length + 1 - keep);
  return inRetirementOrder(secrets)
    .slice(0, count)
    .map((secret) => deleteSecretStep(secret, keep > 1));
}

export function deleteSecretStep(secret: Secret, spare_young: boolean): Step {
  return { kind: 'delete-secret', secret, spareRecent: spare_young };
}

/** Those that nobody can use any more first, then the oldest. */
function inRetirementOrder(secrets: Secret[]): Secret[] {
  return [...secrets].sort((one, other) => Number(one.active) - Number(other.active) || byCreateTime(one, other));
}
