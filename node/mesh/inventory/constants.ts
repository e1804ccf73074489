/** Members whose inventories this node keeps a copy of, seeds first. */
export const NEIGHBOURS = 32

/** Keys of one inventory: a false hit of a larger one (4 194 304 of 2^32 fingerprints) would come more often than once in a thousand. */
export const MAX_KEYS = 1 << 22

/** Bytes that the copies of all neighbours may take. */
export const MAX_BYTES = 64 << 20

/** Keys of one frame: at most 5 bytes each, so that a frame stays below `MAX_FRAME_BYTES`. */
export const FRAME_KEYS = 12_000
export const MAX_FRAME_BYTES = 64 << 10
export const MAX_ASK_BYTES = 256

/**
 * Ms in which changes are gathered before neighbours are told: the first ones after a while, those that follow, and those of a long row.
 * Each time costs a message to every neighbour, which for both sides together is half a millisecond of work.
 */
export const FIRST_BATCH = 20
export const BATCH = 250
export const LONGEST_BATCH = 2_000
/** The same between any two times, where seeds fetch for all: whoever looks for what a neighbour has just got is led there by a seed. */
export const CALM_BATCH = 5_000

/** Ms after which an answer comes though there is nothing new, and after which a copy of which nothing was heard may be out of date. */
export const ALIVE = 60_000
export const FRESH = 135_000

/** Keys of one member that proved false and are remembered, for as long as it does not tell of them anew. */
export const DOUBTED_KEYS = 4_096

/** Changes that are remembered: a neighbour that is further behind gets all keys anew. */
export const LOG_KEYS = 1 << 16

/** Ms that the copy of a member is kept that is gone: it may only have lost its connection. */
export const PARKED = 10 * 60_000
