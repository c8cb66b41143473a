import { MAX_DESCRIPTION } from '../scalekit/types.ts';

// How much of a client's description is the user's. client/identity.ts has the rest, the ownership marker. This file is
// small because every start loads it to check the inputs.

/** Characters of the longest ownership marker. */
const MAX_MARKER = 160;

/** Characters that a description may have in addition to the line break and the ownership marker. */
export const MAX_DESCRIPTION_TEXT = MAX_DESCRIPTION - MAX_MARKER - 1;
