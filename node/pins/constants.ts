const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Bytes of a cache key that goes to another seed: URLs have fewer. */
export const MAX_KEY_BYTES = 4 << 10

/** Header fields of a name record, and bytes of all of them and its other texts. */
export const MAX_HEADERS = 32
export const MAX_TEXT_BYTES = 16 << 10

/** Digests of a name record. */
export const MAX_VERIFIED = 8

/** Pins in one question, and bytes of it: a member of the data plane takes no larger ones. */
export const BATCH_PINS = 64
export const BATCH_BYTES = 192 << 10

/** Bytes of an answer to one. */
export const ANSWER_BYTES = 64 << 10

/** Ms that the first of them, and later fewer than these, wait for others: whoever installs something meanwhile needs this node more. */
export const GATHER = 5 * SECOND

/** Pins that wait to go to one seed; what comes on top is left to the next sweep. */
export const MAX_QUEUED = 4_096

/** Pins of a sweep that may be on their way to one seed at a time, so that those of new artifacts need not wait behind a whole store. */
export const SWEEP_WINDOW = 256
/** Ms in which such a seed has to take one of them: else it is passed over, for others must not wait for one that hangs. */
export const SWEEP_STALL = MINUTE

/** Records after which a sweep rests, and for how many ms: a store of a million is looked through in a quarter of an hour. */
export const SWEEP_STEP = 64
export const SWEEP_PAUSE = 50

/** Ms between two looks at who is a seed and connected: of a seed, and of a member, which only might become one. */
export const LOOK = 2 * SECOND
export const LOOK_OF_MEMBER = 10 * SECOND

/** Ms from the coming of a seed to the sweep: several may come at once. */
export const AFTER_COMING = 5 * SECOND
/** Ms from the going of a seed to the sweep that gives its share to others: one that is only started anew is back before that. */
export const AFTER_GOING = 2 * MINUTE
/**
 * Ms between sweeps while nothing changes, and after one that left pins undelivered: twice as long after each that left no fewer, since some
 * can never be delivered, and a sweep asks about all.
 */
export const SWEEP_INTERVAL = 4 * HOUR
export const SWEEP_RETRY = 5 * MINUTE
export const LONGEST_SWEEP_RETRY = HOUR

/** Ms that a seed is given to answer, within the time that a request may take; what it still fetches by then comes later. */
export const PATIENCE = 4 * SECOND

/** Ms between questions what became of pins that were coming, and before a seed that is full up is tried again. */
export const POLL = 2 * SECOND

/** Blobs that are fetched from each other seed at a time. */
export const FETCHES = 4
/** Pins that may be coming in from each at a time: more are asked to wait. */
export const MAX_COMING = 512
/** Ms, beside what its bytes take at so many a second, after which another seed may bring a pin that is coming; an hour at most. */
export const COMING_PATIENCE = 10 * MINUTE
export const COMING_RATE = 1 << 20
/** The longest of these, and ms after which a pin that is said to be coming counts as one that does not come. */
export const LONGEST_COMING = HOUR
/** Tries in a row that may bring nothing of a blob: of a seed in trouble, and of one that is busy. */
export const FETCH_TRIES = 3
export const BUSY_TRIES = 60

/** Failures in a row after which a seed is left to the next sweep, and ms before the next try; for questions twice as long each time. */
export const MAX_FAILURES = 4
export const RETRY = SECOND

/** Ms that seeds get to tell an operator how pins stand. */
export const SURVEY_LIMIT = 3 * SECOND

/** Ms ahead by which the clock of another seed may be before its times count as now. */
export const CLOCK_SLACK = 5 * SECOND
