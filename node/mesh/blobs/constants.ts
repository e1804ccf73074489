/** What both ends of a socket say that they speak (RFC 7301); a client without it is none of ours. */
export const PROTOCOL = 'warren-blobs/1'

/** Where blobs are asked for; behind it `<algorithm>:<hex>`. */
export const BLOB_PATH = '/blobs/v1/'

/** Sockets to one member. More are no faster, and a job that begins with many requests would wait for as many handshakes. */
export const SOCKETS_PER_PEER = 16

/** Sockets to one member that are being made at a time; requests take those that are there. */
export const DIALS_PER_PEER = 2

/** Ms that a request waits for the head of its answer. */
export const HEADERS_TIMEOUT = 10_000

/** Ms of silence in a body while somebody waits for it; whoever reads keeps a closer watch. */
export const IDLE_TIMEOUT = 30_000

/** Ms that an unused socket is kept, below what the other side keeps it for. */
export const KEEP_ALIVE = 60_000

/** Ms after which all that is known of a member that nobody asked is dropped. */
export const UNUSED_LIMIT = 180_000

/** Ms that one address of a member gets before the next one is tried beside it. */
export const DIAL_STAGGER = 250

/** Addresses of one member that are tried: it names them itself, and could name thousands of other people's. */
export const MAX_ADDRESSES = 8

/** Bytes of a head, in either direction. */
export const MAX_HEAD_BYTES = 8 << 10

/** Bytes of what one member asks another in the body of a POST. */
export const MAX_QUESTION_BYTES = 256 << 10
