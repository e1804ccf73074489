/** Ops that a ledger takes. Only few keys can sign any, and each is a change that a person made or a yearly renewal. */
export const MAX_OPS = 20_000

/** Characters of a type. Unknown ones are kept as well, so they are bounded. */
export const MAX_TYPE_CHARS = 64

/** The latest Lamport time that is taken: one more must still be a number that counts. */
export const MAX_LAMPORT = 2 ** 48
