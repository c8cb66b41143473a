// The pages of a list.

import type { Behaviour } from './behaviour.ts';
import { invalid } from './descriptors.ts';

/** A page of a list: its items, the size of the whole list, and the tokens of the pages before and after it. */
type Page<Item> = { items: Item[]; totalSize: number; nextPageToken: string; prevPageToken: string };

/**
 * Returns one page of a list, as the behaviour says.
 * @throws {ApiError} (400) if the size is refused, or if no response contained the token
 */
export function pageOf<Item>(
  all: Item[],
  { pageSize, pageToken }: { pageSize: number; pageToken: string },
  { pageSizeRange: [minimum, maximum], pageSizeOutside, defaultPageSize }: Behaviour,
): Page<Item> {
  const size = pageSize ? Math.min(Math.max(pageSize, minimum), maximum) : defaultPageSize;
  if (pageSize && size !== pageSize && pageSizeOutside === 'refused') {
    const description = `must be between ${minimum} and ${maximum}`;
    throw invalid([{ field: 'page_size', description, constraint: 'uint32.gte_lte' }]);
  }
  const start = pageToken ? readPageToken(pageToken) : 0;
  return {
    items: all.slice(start, start + size),
    totalSize: all.length,
    nextPageToken: start + size < all.length ? pageTokenOf(start + size) : '',
    prevPageToken: start > 0 ? pageTokenOf(Math.max(start - size, 0)) : '',
  };
}

const pageTokenOf = (start: number) => Buffer.from(`start:${start}`).toString('base64url');

function readPageToken(token: string): number {
  const start = /^start:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (start === undefined) throw invalid([{ field: 'page_token', description: 'is not one of ours', constraint: '' }]);
  return Number(start);
}
