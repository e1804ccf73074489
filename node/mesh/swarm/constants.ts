const SECOND = 1_000

/** Bytes that one hash of a chunk list speaks of; the last chunk of a blob may be shorter. */
export const CHUNK_BYTES = 1 << 20

/** Bytes of a sha256. */
export const HASH_BYTES = 32

/** A blob is large above this many bytes: its chunks are verified one by one, and who sends it is chosen with the crowd in mind. */
export const LARGE_BYTES = 8 << 20

/** The largest blob that has a chunk list, in bytes: its list has 32 MiB. */
export const LISTED_BYTES = 2 ** 40

/** Hashes that one answer carries at most: 256 KiB of them. */
export const PAGE_HASHES = 8_192

/** Ms that a seed keeps a question for further hashes open while there are none. Below the time that the head of an answer may take. */
export const PAGE_PATIENCE = 4 * SECOND

/** Chunk lists that a seed makes at once of blobs that it keeps: whoever asks for all of them must not keep its disk busy. */
export const LISTS_AT_ONCE = 2

/** The same of blobs that it is fetching, whose lists grow with them: an image has many large layers, and a crowd wants all of them. */
export const GROWING_LISTS = 32

/** Bytes of chunk lists that a seed keeps in memory: those of 256 GiB of blobs. */
export const LISTS_BYTES = 8 << 20

/** Ms that a member waits at most for the bytes past those that the asker has, before it says that it has none for it. */
export const AHEAD_PATIENCE = SECOND

/** Copies of one large blob that a seed hands out at once while others of the crowd can hand it on. */
export const SEED_FAN_OUT = 1

/** The same of a member: a tree of two children each reaches a thousand members in ten steps. */
export const MEMBER_FAN_OUT = 2

/** Share of the large blobs that go out at once which is kept for members that get none: one could hold all of them for ever. */
export const NEWCOMERS = 1 / 4

/** Others that an answer names. */
export const REFERRED = 4

/** Ms for which who asked for a large blob counts as one that is fetching it, since it was last heard of. */
export const CROWD_TTL = 30 * SECOND

/** Large blobs, and members for each, that are remembered as being fetched. */
export const CROWDS = 256
export const CROWD_MEMBERS = 256

/** Bytes a second below which a copy that is under way keeps nobody else from getting one from here. */
export const SLOW_RATE = 1 << 20

/** Ms over which that is measured. */
export const RATE_WINDOW = 2 * SECOND
