/** Bytes of a configuration file: all mirrors fit, and brackets alone, the worst for the parser, are read soon. */
export const MAX_FILE_BYTES = 256 << 10

/** Bytes of a certificate file: those of whole systems fit, with comments. */
export const MAX_PEM_BYTES = 1 << 20

/** Bytes of a file that a `…_FILE` variable names; it holds one value. */
export const MAX_VALUE_BYTES = 64 << 10

/** YAML nodes that aliases may repeat, so that a few lines cannot unfold to gigabytes. */
export const MAX_ALIASES = 100

/** Characters of a password or token: some are whole keys in JSON. */
export const MAX_SECRET = 16 << 10

/** Characters of one text value; the longest sensible one is a URL. */
export const MAX_TEXT = 2048

/** Entries of one list. */
export const MAX_LIST = 64

/** Rules in one list of the policy. */
export const MAX_RULES = 1_000

/** Mirrors of one node. */
export const MAX_MIRRORS = 256

/** Patterns of names of one mirror: each is looked at for each request. */
export const MAX_ROUTES = 256

/** Files of one mirror whose digests are set. */
export const MAX_PINS = 1024

/** Problems reported at once; a file of another kind would have thousands. */
export const MAX_PROBLEMS = 20

/** Characters of a value that are repeated in a message. */
export const MAX_SHOWN = 80

/** Ms from the first sign of an edit to reading it: editors truncate, write and rename in several steps. */
export const WATCH_SETTLE = 150

/** Port of the mirrors on the loopback address. */
export const MIRROR_PORT = 7470

/** Port at which members talk to each other. */
export const MESH_PORT = 7471

/** Port at which members fetch blobs. */
export const BLOB_PORT = 7472

/** Port of `admin.listen` where no mirror listens on a loopback address. */
export const ADMIN_PORT = 7473
