const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Bytes that a member keeps where `store.quota` says nothing else. */
export const MEMBER_QUOTA = 20 * 2 ** 30

/** Ms between two looks at what this node is in its mesh, and whether it still stores. */
export const LOOK = 5 * SECOND

/** Share of the quota to which eviction frees, so that it does not have to begin anew with every blob. */
export const LOW_WATER = 0.9

/** Blobs that are chosen in one look through the index, which costs a second or so where there are a million. */
export const CHOSEN_AT_ONCE = 16_384

/** Blobs that are evicted before others may change the store again: a tenth of a second on a slow disk. */
export const EVICTED_AT_ONCE = 64

/** Seeds that have to say that they hold a blob before it is evicted, where there are as many: the word of one may be a lie. */
export const CONFIRMATIONS = 2

/** Digests in one question to a seed, bytes of the question and of its answer, and ms that it may take. */
export const MAX_ASKED = 1_024
export const MAX_QUESTION_BYTES = 96 << 10
export const MAX_ANSWER_BYTES = 16 << 10
export const QUESTION_LIMIT = 10 * SECOND

/** Digests that a seed looks up in one turn of the event loop, and members whose questions it answers at a time. */
export const LOOKED_UP_AT_ONCE = 64
export const ANSWERED_AT_ONCE = 8

/** Ms between two questions of one member: a look-up costs a seed some µs for each digest. */
export const QUESTION_PACE = 500

/** Ms before eviction is tried again that could not free enough; twice as long after each further time. */
export const EVICTION_RETRY = 30 * SECOND
export const LONGEST_EVICTION_RETRY = 10 * MINUTE

/** Blobs whose names are read at a time by the scrub, and bytes as which each counts at least: to open a file costs as much. */
export const SCRUB_PAGE = 64
export const LEAST_CHECK = 64 << 10

/** Ms from the start of a node to its scrub, and between two times at which it writes down how far it has come. */
export const SCRUB_DELAY = MINUTE
export const SCRUB_NOTE = MINUTE

/** Ms within which a seed, and any other node, wants to have seen all its blobs, and from the begin of one pass to the next. */
export const SEED_PASS = { within: 5 * DAY, every: 7 * DAY }
export const MEMBER_PASS = { within: 20 * DAY, every: 30 * DAY }

/** Ms after which it is looked again whether a pass is due. */
export const LONGEST_REST = HOUR

/** Bytes a second that a scrub reads at least and at most; a quarter of it while blobs are on their way into the store. */
export const SLOWEST_SCRUB = 2 << 20
export const FASTEST_SCRUB = 64 << 20
export const BUSY_SLOWDOWN = 4

/** Ms after which a lost blob is looked for at members, again and again; at first a client that found it out may bring it. */
export const HEAL_AFTER = [10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY] as const

/** Lost blobs that wait to be healed; further ones are fetched when somebody asks for them. */
export const MAX_HEALING = 10_000

/**
 * Ms that a member gets to bring a lost blob, beside what its bytes take at so many a second; with each further try four times as long, up
 * to a day: whoever drips keeps other blobs waiting, and others that have it, but may be all that there is.
 */
export const HEAL_PATIENCE = MINUTE
export const HEAL_RATE = 1 << 20
export const LONGEST_PATIENCE = DAY

/** Ms between two lines in the log that nothing more is stored. */
export const TOLD_AGAIN = 10 * MINUTE
