import { type AuditedClient, auditedClient } from '../client/audit.ts';
import { claimValues, parseOrUndefined } from '../client/identity.ts';
import type { Scalekit } from '../scalekit/api.ts';
import type { ClientSummary } from '../scalekit/types.ts';
import { lookUpEach } from './look-up.ts';

/** Clients that are read by id at most. */
const MAX_READS = 1_000;

/** Every client of the organization, as far as it was read. */
export interface Survey {
  /** The clients with an ownership marker, by id. */
  clients: Map<string, AuditedClient>;
  /** How many clients have no marker. */
  unmarked: number;
  /** How many clients may have one: neither the list nor a read shows their description. */
  undescribed: number;
  /** Why some clients were not read although the list leaves something out. A sentence, or empty. */
  reason: string;
}

/**
 * Lists every client of the organization. An entry that leaves out the description or the secrets says nothing about
 * them, so such a client is read by its id: at most 1,000 of them, the most important ones first, in half of the time that
 * is left.
 */
export async function surveyClients(scalekit: Scalekit): Promise<Survey> {
  const { transport } = scalekit;
  const { clients, unmarked, withoutSecrets, undescribed } = await listAll(scalekit);
  const limits = { max: MAX_READS, time: transport.remaining / 2 };
  const { reason } = await lookUpEach(transport, [...withoutSecrets, ...undescribed], limits, async (id) => {
    const read = await scalekit.getClient(id);
    for (const ids of [clients, undescribed]) ids.delete(id);
    const client = read && auditedClient(read);
    if (client) clients.set(id, client);
    // Without a response, it was deleted since.
    else if (read) unmarked.add(id);
  });
  // An entry that cannot be read has no id to read it by.
  const { unreadable } = scalekit;
  return {
    clients,
    unmarked: unmarked.size,
    undescribed: undescribed.size + unreadable,
    reason: reason || (unreadable > 0 ? 'The list has entries that cannot be read.' : ''),
  };
}

/** The clients of the list, each in one of these by its id, and in addition the ids of those without secrets. */
async function listAll(scalekit: Scalekit) {
  // By id: if the list changes while it is read, two pages may show the same client. The later one counts.
  const clients = new Map<string, AuditedClient>();
  const [unmarked, withoutSecrets] = [new Set<string>(), new Set<string>()];
  const [candidates, others] = [new Set<string>(), new Set<string>()];
  for await (const listed of scalekit.listClients()) {
    const { client_id, description } = listed;
    for (const ids of [clients, unmarked, withoutSecrets, candidates, others]) ids.delete(client_id);
    const client = auditedClient(listed);
    if (client) clients.set(client_id, client);
    // Some servers write an empty text for one that they leave out.
    else if (!description && mayBeOurs(listed)) candidates.add(client_id);
    else if (description === undefined) others.add(client_id);
    else unmarked.add(client_id);
    if (client && !client.secrets) withoutSecrets.add(client_id);
  }
  return { clients, unmarked, withoutSecrets, undescribed: new Set([...candidates, ...others]) };
}

/** Returns whether this action may have created a client, by its name or its claims. */
function mayBeOurs({ parse }: ClientSummary): boolean {
  const client = parseOrUndefined(parse);
  if (!client) return false;
  return client.name.startsWith('GitHub Actions: ') || claimValues(client, 'github_repository').length > 0;
}
