import { byCreateTime, type Secret } from '../scalekit/types.ts';

/**
 * Returns the secret to delete if Scalekit refuses another one, because it limits their number. Never returns the saved
 * secret if it is active, otherwise never the newest active one. Never returns an active secret whose creation time is
 * unknown, nor the only secret, because the API refuses to delete that.
 * @param savedId id of the secret that was saved until now
 * @returns undefined if no secret may be deleted
 */
export function secretToMakeRoom(secrets: Secret[], savedId?: string): Secret | undefined {
  if (secrets.length < 2) return undefined;
  const candidates = secrets.filter(({ active, create_time }) => !active || create_time !== undefined);
  const kept = secrets.find(({ id, active }) => active && id === savedId) ?? newestActive(candidates);
  return inRetirementOrder(candidates, savedId).find((secret) => secret !== kept);
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
