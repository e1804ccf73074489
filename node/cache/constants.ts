const SECOND = 1_000
const MINUTE = 60 * SECOND

/**
 * The reason for ending what nobody waits for any more. One for all: an error of its own for each would cost a small artifact more
 * time than its bytes.
 */
export const OVER = new Error('nobody waits for it any more')

/** Bytes at the end of a body that go out only after the digest was seen to be right. */
export const HOLD_BACK_BYTES = 64 << 10

/** Artifacts up to this size are answered in one piece, if they are held. */
export const AT_HAND_BYTES = 64 << 10

/**
 * Readers of one flight that are given its newest chunk as it came. With more of them each gets a copy of no more than it can take:
 * a reader that stalls holds on to what it was given, and chunks would pile up.
 */
export const SHARING_READERS = 8

/** A document larger than this is refused, packed or not: it is held in memory, and the largest packument seen is 21 MB. */
export const DOCUMENT_BYTES = 128 << 20

/** Documents up to this size never wait for their turn; larger ones are unpacked and parsed two at a time, and one of an ecosystem. */
export const SMALL_DOCUMENT_BYTES = 8 << 20

/**
 * Documents up to this size go out from memory when they have just come; larger ones from the store, if it took them: clients that ask for
 * many and do not read must not hold all of them in memory.
 */
export const IN_HAND_BYTES = 1 << 20

/** Documents up to this size are parsed in the main thread: handing them to a worker costs more. */
export const PARSE_INLINE_BYTES = 128 << 10

/** Bytes of decoded facts of documents kept in memory (measured as the length of their JSON), and what each costs beside them. */
export const PARSED_BYTES = 32 << 20
export const PARSED_OVERHEAD_BYTES = 512

/** Further tries after a body was cut, without progress in between. */
export const RESUMES_WITHOUT_PROGRESS = 4

/** What a source must bring to count as progress, so that one that sends a byte at a time comes to an end. */
export const PROGRESS_BYTES = 64 << 10

/** Pause before the second try in a row, in ms; it doubles with each further one. */
export const RESUME_PAUSE = SECOND / 2

/** How long a flight waits for the digest by which members can be asked, before it goes to upstream without them, in ms. */
export const DIGEST_PATIENCE = 2 * SECOND

/** How long upstream is left alone while a member that says it has an artifact is being asked for it, in ms. */
export const FOUND_PATIENCE = 300

/** How long a member of the mesh may take to answer before the next one is asked, in ms. */
export const MEMBER_PATIENCE = 2 * SECOND

/** Silence amid a body, while we wait, after which a member is given up, in ms; it may last twice as long. */
export const MEMBER_IDLE = 5 * SECOND

/** The same where another one can go on at little cost, in ms, and how many are left for that in one flight. */
export const MEMBER_STALL = 2 * SECOND
export const STALLS = 4

/**
 * What a peer must bring in each such time that we wait for it, as long as somebody else may be faster: none of its bytes goes out
 * before all are there, so that who drips would keep the client waiting for minutes while upstream is well.
 */
export const STEADY_BYTES = 2 << 20

/** How often a member may take part in a wrong copy that others began, and is asked again. */
export const FORGIVEN = 2

/** Members of one flight that lied, broke off or went silent early, after which no more are asked before upstream. */
export const MEMBER_LIES = 3

/** The same, after which no more are asked at all, even if upstream is away: each costs the client seconds, or a whole copy. */
export const MEMBER_CHANCES = 10

/** Wrong copies of members in one flight, after which it fails: each seed that tells of upstream may send some, however many there are. */
export const WRONG_COPIES = 2 * MEMBER_CHANCES

/** Members that one busy member, and those that it names, may lead to. */
export const REFERRED_ASKED = 8

/** How often a seed may be too slow to answer, before it takes no more part in a flight. */
export const SEED_SILENCES = 4

/** For how long a seed that is busy with a large blob is asked again, and the pause between, in ms: upstream is left alone meanwhile. */
export const BUSY_PATIENCE = 10 * SECOND
export const BUSY_PAUSE = SECOND / 4

/** How far bytes must be from where a flight has come to, to be asked of upstream by themselves. */
export const AHEAD_BYTES = 8 << 20

/** Most bytes of such a request, which are held in memory. */
export const AHEAD_MOST = 4 << 20

/**
 * Such requests of one flight and of the whole node, from the question to the end of the answer: fewer than an upstream is asked
 * at a time, so that others get their turn also while it only drips.
 */
export const AHEAD_AT_ONCE = 4
export const AHEAD_IN_ALL = 8

/** A flight that nobody reads goes on to its end if less than this is missing: the next one who asks is a cache hit. */
export const ABANDON_BYTES = 64 << 20

/** How long a larger flight waits for a reader to come back before it is given up, in ms. */
export const ABANDON_GRACE = 10 * SECOND

/** How long something mutable may take to begin while nobody waits for it, in ms. */
export const ABANDON_START = MINUTE

/** With a stale copy at hand no client waits longer than this for upstream, in ms. */
export const STALE_PATIENCE = 3 * SECOND

/** A client's `no-cache` asks upstream at most once in this time per key, in ms. */
export const REVALIDATE_WINDOW = 10 * SECOND

/** For how long upstream's word counts that it has an artifact, and what a name points to, in ms; and of how many. */
export const CONFIRMED_TTL = 10 * MINUTE
export const CONFIRMED_KEYS = 20_000
export const POINTED_TTL = 10 * SECOND
export const POINTED_KEYS = 2_048

/** For how long documents count as complete, and upstreams as there, without another look, in ms; and how many. */
export const COMPLETE_TTL = 10 * SECOND
export const REACHED_TTL = 2 * SECOND
export const COMPLETE_ENTRIES = 10_000

/** How far a record may come from the future before the clock is taken to have been set back, in ms. */
export const CLOCK_TOLERANCE = MINUTE

/** How long an upstream's «no» counts, in ms: for what has a version or digest, withdrawn for good, denied. Names: configured. */
export const NEGATIVE = { artifact: 10 * SECOND, gone: 10 * MINUTE, denied: 30 * SECOND } as const

/** Memory for «no»s in bytes, roughly; random names are an easy flood, so they have a budget of their own. */
export const NEGATIVE_BYTES = 8 << 20
