import type { Caller } from './caller.ts';
import { describe, isSuccess, type Reply, refusesPageSize } from './reply.ts';
import type { Listing, Seen } from './seen.ts';

/** Pages that are read of one list at most. */
const MAX_PAGES = 10;

/** The size of the pages if the API refuses 100, as the action asks for it. */
const SMALLER_PAGE = '30';

/**
 * Reads a list of clients, page by page. If the API refuses the size of its pages, reads it with the sizes that the
 * action tries next: 30, and none.
 */
export async function readList(caller: Caller, page_size: string): Promise<Listing> {
  const listing = await readPages(caller, page_size);
  if (!page_size || !refusesPageSize(listing.last)) return listing;
  return await readList(caller, page_size === '100' ? SMALLER_PAGE : '');
}

/** Reads a list of clients with pages of this size. */
export async function readPages(caller: Caller, page_size: string): Promise<Listing> {
  const entries: unknown[] = [];
  const seen = new Set<string>();
  for (let [pages, page_token] = [1, '']; ; pages++) {
    seen.add(page_token);
    const last = await caller.list({ ...(page_size && { page_size }), ...(page_token && { page_token }) });
    const { clients, next_page_token, incomplete } = pageIn(last);
    entries.push(...clients);
    const listing = { page_size, pages, entries, last };
    if (incomplete || !next_page_token) return { ...listing, incomplete };
    if (seen.has(next_page_token)) return { ...listing, incomplete: 'a page leads back to one that was read before' };
    if (pages === MAX_PAGES) return { ...listing, incomplete: `it has more than ${entries.length} clients` };
    page_token = next_page_token;
  }
}

/** Returns what a reply says about one page of a list, and why it says nothing. */
function pageIn(reply: Reply): { clients: unknown[]; next_page_token: string; incomplete: string } {
  const nothing = { clients: [], next_page_token: '' };
  if (!isSuccess(reply)) return { ...nothing, incomplete: describe(reply) };
  const { clients, next_page_token } = reply.json ?? {};
  if (!Array.isArray(clients ?? [])) return { ...nothing, incomplete: 'clients is not a list' };
  const token = typeof next_page_token === 'string' ? next_page_token : '';
  return { clients: (clients ?? []) as unknown[], next_page_token: token, incomplete: '' };
}

/** Returns which clients of the whole list the small pages did not show once, in numbers. Empty if they showed each once. */
export function pagingFault({ after, paged, afterPaging = after }: Seen): string {
  const [before, visited, afterwards] = [after, paged, afterPaging].map((listing) => idsIn(listing?.entries ?? []));
  const twice = (visited?.length ?? 0) - new Set(visited).size;
  // Other runs and users may create and delete clients meanwhile.
  const missing = before?.filter((id) => afterwards?.includes(id) && !visited?.includes(id)).length ?? 0;
  return twice > 0 || missing > 0 ? `${missing} clients missing, ${twice} shown twice` : '';
}

/** Returns whether the list showed the same clients before and after it was read in small pages. */
export function isUnchanged({ after, afterPaging }: Pick<Seen, 'after' | 'afterPaging'>): boolean {
  const [before, afterwards] = [after, afterPaging].map((listing) =>
    idsIn(listing?.entries ?? [])
      .sort()
      .join(),
  );
  return before === afterwards;
}

/** Returns the ids of listed clients. */
export function idsIn(entries: unknown[]): string[] {
  return entries.map((entry) => Object(entry).client_id).filter((id) => typeof id === 'string');
}
