import { parseClientSummary } from '../../src/scalekit/types.ts';
import { type Assumption, fails, holds, inTime, unclear, unsuccessful } from '../assumption.ts';
import { isUnchanged, pagingFault } from '../listing.ts';
import { describe, isSuccess, refusesPageSize, required, Unseen } from '../reply.ts';
import type { Listing, Seen } from '../seen.ts';
import { hasMarker, madeAs } from './clients.ts';

/** Returns a list that was read after all clients were made. @throws {Unseen} if it is incomplete */
function wholeList(after: Listing | undefined): Listing {
  const listing = required(after);
  if (listing.incomplete) throw new Unseen(`the list was not read to its end: ${listing.incomplete}`);
  return listing;
}

/** Returns the entry of the first client in the list. @throws {Unseen} if it is not there */
function entryOf(seen: Seen): Record<string, unknown> {
  const { id } = madeAs(seen, 'full');
  const entry = wholeList(seen.after).entries.find((one) => Object(one).client_id === id);
  if (entry === undefined) throw new Unseen('the list does not show the client');
  return Object(entry);
}

export const LISTS: Assumption[] = [
  {
    id: 'listed-at-once',
    sentence: 'The list shows a client as soon as its create request was answered.',
    needed: true,
    hangsOn:
      'Promise 3: runs that race end with one client. If the list lags, a second one can remain until the next run, which warns. Only `concurrency` rules that out.',
    how: 'Reads the list as soon as the first client was made, and again while the client is missing.',
    check: (seen) => {
      const { lag, last } = required(seen.listed);
      if (!isSuccess(last)) return unsuccessful(last);
      if (lag === undefined && isTooLong(seen)) return unclear('the list is too long to be read to its end');
      return (lag === 0 ? holds : fails)(inTime(lag));
    },
  },
  {
    id: 'listed-descriptions',
    sentence: 'The entries of the list have the description with the ownership marker.',
    needed: false,
    hangsOn:
      'Promise 3: if descriptions are missing or empty, the action reads the clients that may be its own by their id.',
    how: 'Looks for the marker in the entry of the first client.',
    check: (seen) => {
      const { description } = entryOf(seen);
      if (!description) return fails('no description');
      const { marker, fields } = madeAs(seen, 'full');
      const isMarked = hasMarker(String(description), marker);
      return isMarked
        ? holds('with the marker')
        : fails(description === fields.description ? 'unreadable' : 'another description');
    },
  },
  {
    id: 'listed-fields',
    sentence: 'The entries of the list have the `custom_claims` and the `create_time` of the client.',
    needed: false,
    hangsOn:
      'Promise 12: a client with our claims and no marker is named in a warning. Promise 3: the oldest client wins.',
    how: 'Reads both in the entry of the first client.',
    check: (seen) => {
      const { custom_claims, create_time } = parseClientSummary(entryOf(seen)).parse();
      if (custom_claims.length === 0) return fails('no custom_claims');
      return create_time === undefined ? fails('no create_time') : holds('both');
    },
  },
  {
    id: 'page-size',
    sentence: 'A `page_size` of 100 is accepted, or refused with a 400 that names `page_size`.',
    needed: true,
    hangsOn:
      'Every search: after such a refusal the action asks for 30, then for no size. After any other refusal it fails.',
    how: 'Requests the list with `page_size` 100.',
    check: ({ firstPage }) => {
      const reply = required(firstPage);
      if (isSuccess(reply) || refusesPageSize(reply)) return holds(describe(reply));
      return unsuccessful(reply);
    },
  },
  {
    id: 'page-size-100',
    sentence: 'A `page_size` of 100 is accepted.',
    needed: false,
    hangsOn: 'Fewer requests in a large organization.',
    how: 'Requests the list with `page_size` 100.',
    check: ({ firstPage }) => {
      const reply = required(firstPage);
      if (isSuccess(reply)) return holds(describe(reply));
      return unsuccessful(reply);
    },
  },
  {
    id: 'paging',
    sentence: 'Following `next_page_token` visits every client once, and an empty one ends the list.',
    needed: true,
    hangsOn: 'Promise 3: a client that a search skips is made a second time.',
    how: 'Reads the list in pages so small that there are several, and compares it with the list in large pages.',
    check: (seen) => {
      wholeList(seen.after);
      const { incomplete, pages, page_size, last } = required(seen.paged);
      if (refusesPageSize(last)) return unclear(`page_size ${page_size} is refused`);
      if (incomplete) return isSuccess(last) ? fails(incomplete) : unclear(incomplete);
      const fault = pagingFault(seen);
      // A deletion moves the clients behind it to another page.
      if (fault && !isUnchanged(seen)) return unclear(`${pages} pages: ${fault}, while the list changed`);
      if (fault) return fails(`${pages} pages: ${fault}`);
      return pages > 1 ? holds(`${pages} pages of ${page_size}`) : unclear('the list has one page');
    },
  },
];

/** Returns whether the list could not be read to its end although every request succeeded. */
function isTooLong({ before }: Seen): boolean {
  return before !== undefined && isSuccess(before.last) && before.incomplete !== '';
}
