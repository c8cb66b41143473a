import { createHmac } from 'node:crypto';

/** Changes a record of main's state, and seals it again as a step with this API secret does. */
export function reseal(text: string, changes: object, secret: string): string {
  const { seal: _, ...record } = { ...JSON.parse(text), ...changes };
  const seal = createHmac('sha256', secret).update(JSON.stringify(record)).digest('base64url');
  return JSON.stringify({ ...record, seal });
}
