import type { Caller } from './caller.ts';
import { describe, isSuccess, refusesPageSize } from './reply.ts';
import type { Listing } from './seen.ts';

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
    const listing = { page_size, pages, entries, last };
    if (!isSuccess(last)) return { ...listing, incomplete: describe(last) };
    const { clients = [], next_page_token = '' } = last.json ?? {};
    if (!Array.isArray(clients)) return { ...listing, incomplete: 'clients is not a list' };
    entries.push(...clients);
    page_token = typeof next_page_token === 'string' ? next_page_token : '';
    if (!page_token) return { ...listing, incomplete: '' };
    if (seen.has(page_token)) return { ...listing, incomplete: 'a page leads back to one that was read before' };
    if (pages === MAX_PAGES) return { ...listing, incomplete: `it has more than ${entries.length} clients` };
  }
}
