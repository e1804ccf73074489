/** Ops that a ledger takes: of operators none beyond, and the admin issues none. Only few keys can sign any, each is what a person changed or a yearly renewal. */
export const MAX_OPS = 20_000

/** Characters of a type. Unknown ones are kept as well, so they are bounded. */
export const MAX_TYPE_CHARS = 64

/** The latest Lamport time that is taken: one more must still be a number that counts. */
export const MAX_LAMPORT = 2 ** 48

/**
 * How far the Lamport time of an operator's op may be ahead of those before it and still be followed by what is issued next:
 * more than the ops between them that were replaced since, and so little that no stolen key reaches the end of counting.
 */
export const MAX_LAMPORT_STEP = 2 ** 24

/** Ops of one operator that a ledger takes, so that others can still issue some when a key was stolen. */
export const MAX_OPS_OF_OPERATOR = 5_000

/** Ops without effect that are kept to show what happened; those issued first go first. */
export const MAX_HISTORY = 2_000

/** What one purge may name. */
export const MAX_SCOPES = 16

/** Hashes of ops that one op names. */
export const MAX_KEPT_OPS = 48

/** Ops that an acknowledgement names one by one. */
export const MAX_RECENT = 16

/** Purges of which an acknowledgement says what they freed: the last ones. */
export const MAX_FREED = 4
