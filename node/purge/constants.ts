/** Scopes of one purge. */
export const MAX_SCOPES = 64

/** Purges whose ids are remembered, so that none is done twice: as many as a ledger takes ops, and some of this node alone. */
export const MAX_KNOWN = 21_000

/** Purges that ended whose scopes are remembered, for people. */
export const MAX_TOLD = 200

/** Purges that ended whose scopes are compared with what comes to its end that began before them. */
export const MAX_COMPARED = 4_096

/** Records that are looked at in one turn of the event loop: of packages some 15 µs each, since a grammar has to read each key. */
export const LOOKED_AT_ONCE = 100

/** Comparisons of a record with a scope in one turn, of up to a µs each: a stolen key can issue thousands of purges. */
export const COMPARED_AT_ONCE = 10_000

/** Records that are removed in one go, while nothing else changes the store. */
export const REMOVED_AT_ONCE = 64

/** Ms after which a sweep that failed goes on. */
export const RETRY = 5_000

/** Ms that whoever asks for a purge waits for it to make room, where the disk refuses to write it down. */
export const ROOM_PATIENCE = 10_000
