/** Bytes that staging collects before it hashes and writes them in one go; large enough that per-call costs vanish. */
export const SLAB_BYTES = 1 << 20

/** Slabs that one staging may have on their way to the disk; beyond that its source has to wait. */
export const SLABS_IN_FLIGHT = 6

/** Slabs of one staging that stay in memory after they were written, so that readers close behind never touch the file. */
export const RECENT_SLABS = 2

/** Slabs kept for reuse in the whole process, so that a burst of flights does not grow the heap for good. */
export const SLABS_KEPT = 16

/** Slabs in use in the whole process above which every staging makes do with as few as it can: 128 MiB. */
export const SLABS_IN_USE = 128

/** Slabs that a staging which cannot store holds for its readers before the source has to wait. */
export const UNSTORED_WINDOW = 8

/** The same while slabs are scarce. One would deadlock: a reader that is held back below its end never passes it. */
export const UNSTORED_WINDOW_SCARCE = 2

/** Files up to this size are read in one synchronous call: from the page cache that is twice as fast as through a promise. */
export const SMALL_FILE_BYTES = 64 << 10

/** Length from which on a file of the journal is followed by the next one. */
export const SEGMENT_BYTES = 16 << 20

/**
 * Files of the journal that may wait for their time, 512 MiB; beyond that the oldest small blobs are synced at once, which takes a disk
 * much longer as long as it has not written them by itself. A start reads them all again.
 */
export const SEGMENTS_WAITING = 32

/** Ms after which small blobs are synced, by when the system has written most of them by itself. */
export const SETTLE_AFTER = 60_000

/** Small blobs that a worker syncs in one go; new ones may have to wait for that. */
export const SETTLED_AT_ONCE = 64

/** What a blob in memory costs beside its bytes, so that a flood of tiny ones stays within the limit too. */
export const HOT_OVERHEAD_BYTES = 512

/** Blobs remembered as hashed since start; one that drops out of the list is only hashed once more. */
export const VERIFIED_ENTRIES = 200_000

/** Files that one worker hashes again at the same time: each needs a slab of memory. */
export const VERIFYING_AT_ONCE = 4

/** Name records kept decoded in memory, by number and by length of their JSON. */
export const HOT_RECORDS = 50_000
export const HOT_RECORD_BYTES = 32 << 20

/** Blobs whose length is remembered, so that a read costs no look-up in LevelDB; some 200 bytes each. */
export const HOT_SIZES = 100_000

/** Changes that one index write takes along at most. */
export const CHANGES_AT_ONCE = 256

/** How long a look at the free space of the disk counts, in ms. */
export const FREE_SPACE_TTL = 1_000

/** How long nothing is stored after the disk refused a write for want of space (a quota shows in no statistics), in ms. */
export const FULL_PAUSE = 5_000

/** Bytes that must fit on the disk before a broken index is opened again: LevelDB writes out up to two buffers of 4 MiB. */
export const REOPEN_BYTES = 8 << 20

/** Pause between two of the 256 folders that the search for orphaned files looks through, in ms. */
export const SWEEP_PAUSE = 50

/** Names that it looks up in one turn of the event loop: about 2 ms. */
export const SWEEP_NAMES = 500

/** Blobs that are remembered as used before it is written down; some 100 bytes each. */
export const USED_ENTRIES = 50_000

/** Ms after which what was used is written down, and room is held back again that was given up. */
export const HOUSEKEEPING_PAUSE = 300_000

/** Bytes that are held back for an index that could not write any more: twice what it takes to open it. */
export const RESERVE_BYTES = 16 << 20

/** Entries of the index that are read in one turn of the event loop while all are looked through: about a millisecond. */
export const SCANNED_AT_ONCE = 250

/** Bytes of a file that are hashed between two pauses of the scrub. */
export const CHECK_SLICE = 256 << 10

/** Version of the folder layout and of every value in the index; another one is refused. */
export const STORE_VERSION = 1
