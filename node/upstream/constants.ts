/** Ms to get a connection: name look-up, TCP and TLS. Three SYNs are lost before this is over. */
export const CONNECT_TIMEOUT = 10_000

/** Ms from a sent request to its response headers; the most patient of the usual clients waits 30 s for them. */
export const HEADERS_TIMEOUT = 30_000

/** Ms of silence in a body while somebody waits for it. */
export const IDLE_TIMEOUT = 30_000

/** Ms that an unused connection is kept; below the 60 s after which common servers and load balancers drop it. */
export const KEEP_ALIVE = 30_000

/** Bytes of response headers: a few kilobytes are usual, twice Node's default leaves room for long policies. */
export const MAX_HEADER_SIZE = 32 * 1024

/** Requests in flight per origin: what registries bear, and one HTTP/2 connection takes. */
export const CONCURRENCY = 16

/** Requests that may wait per origin; a cold install asks for a thousand or so at once. */
export const QUEUE_LIMIT = 2048

/** Seconds after which a client that found the queue full may come back. */
export const QUEUE_RETRY_AFTER = 1

/** Ms without any place coming free after which those who wait for one are sent away: slow bodies may hold all for hours. */
export const QUEUE_PATIENCE = 30_000

/** Seconds after which a client that waited so long may come back. */
export const QUEUE_PATIENCE_RETRY_AFTER = 5

/** Origins whose state is remembered; idle ones beyond this are forgotten, since a hostile index may name any number. */
export const MAX_ORIGINS = 1024

/** Ms that a request waits for a frozen origin instead of bouncing: several clients do not honour Retry-After. */
export const PATIENCE = 8_000

/** Ms that an origin rests after a 429 that does not say how long; doubles with each further one. */
export const FREEZE_BASE = 30_000

/** The longest rest in ms, whatever upstream asks for: a slip of the pen must not switch a mirror off for a year. */
export const FREEZE_CAP = 15 * 60_000

/** The shortest rest in ms, for `Retry-After: 0` and dates that have passed. */
export const FREEZE_FLOOR = 1_000

/** Part of a rest that is added at random, so that nodes do not come back in step. */
export const FREEZE_JITTER = 0.05

/** Consecutive failures after which an origin is left alone. */
export const BREAKER_THRESHOLD = 5

/** Ms for which it is left alone at first; doubles with each failed probe. */
export const BREAKER_BASE = 1_000

/** Ms for which it is left alone at most, so that a recovered upstream is noticed within half a minute. */
export const BREAKER_CAP = 30_000

/** How often a GET or HEAD is sent at most. */
export const MAX_ATTEMPTS = 3

/** Ms: the first back-off is random below this; each further one below twice as much. */
export const BACKOFF_BASE = 100

/** Ms: no back-off is longer than this. */
export const BACKOFF_CAP = 2_000

/** Redirects that are followed; real chains have one or two. */
export const MAX_REDIRECTS = 5

/** HTTP/2 stream window in bytes: 1 Gbit/s over 16 ms of round trip (undici's 256 KiB would make it 0.13). */
export const H2_STREAM_WINDOW = 2 * 1024 * 1024

/** HTTP/2 connection window in bytes: several streams at full speed. */
export const H2_CONNECTION_WINDOW = 16 * 1024 * 1024

/** Ms for which it is remembered how private the host of a configured upstream is. */
export const REACH_TTL = 60_000

/** How many configured upstreams' hosts are remembered. */
export const REACH_ENTRIES = 256

/** Part of an upstream's limit that is kept for what nobody here has. */
export const LOW_BUDGET = 0.05

/** Characters that are kept of whom an upstream counts requests for; addresses and ids of accounts are shorter. */
export const MAX_BUDGET_SOURCE = 64

/** Characters of a `WWW-Authenticate` header that is read; real ones have two hundred. */
export const MAX_CHALLENGE = 4 * 1024

/** Challenges that are remembered: one for each repository that was asked lately, and one for each origin. */
export const CHALLENGE_ENTRIES = 2_048

/** Tokens that are remembered, one for each repository. */
export const TOKEN_ENTRIES = 1_024

/** Bytes of a token service's answer. */
export const MAX_TOKEN_ANSWER = 64 * 1024

/** Characters of a token: those of large services are signed and have a few thousand, and headers have to fit as a whole. */
export const MAX_TOKEN = 16 * 1024

/** Ms from the wish for a token to the token, with all further tries. */
export const TOKEN_PATIENCE = 30_000

/** Ms for which credentials are not shown again to a token service that has just refused them. */
export const WRONG_REST = 60_000

/** How often a request is sent again because upstream wants to know who asks: with a token, and with a newer or another one. */
export const MAX_CHALLENGES = 2

/** Seconds: the longest life of a token that is believed. */
export const MAX_TOKEN_LIFE = 30 * 24 * 3600

/** Seconds for which a token is good that does not say so (distribution, token authentication specification). */
export const TOKEN_LIFE = 60

/** Part of a token's life in which it is used: the rest is for transfers that begin at its end and for clocks that differ. */
export const TOKEN_USE = 0.8
