/** Ms beyond the connect timeout that a request waits for a place on a connection, so that the client's own error wins. */
export const CONNECT_SLACK = 500

/**
 * Bytes that must come in the time for which a body may be silent: a drip of single bytes would hold its place for ever, while a slow mobile
 * line brings more than this in a second.
 */
export const DRIP_BYTES = 1024

/** Bytes of a body that wait in memory for a slow reader before the connection is paused. */
export const HIGH_WATER_MARK = 512 * 1024

/** Bytes of memory that a chunk takes beside its content: one-byte chunks must not add up unseen. */
export const CHUNK_OVERHEAD = 256

/** Bytes of an unwanted body that are read to keep its connection; beyond this a new one is cheaper. */
export const DISCARD_LIMIT = 64 * 1024

/** Ms for which an unwanted body is read to keep its connection. */
export const DISCARD_TIMEOUT = 1_000

/** Interim answers to one request that give it more time. */
export const MOST_INTERIMS = 60
