import { WarrenError } from '../node/errors.ts'

/** Characters of a path: the longest real ones, npm tarballs and Maven classifiers, have fewer than 700 without escapes. */
const MAX_PATH = 1024
/** Characters of it that an error repeats. */
const MAX_QUOTED = 120

/** What all ecosystems have in common about the paths below a mount; `what` names the kind of server in messages. */
export class PathGrammar {
  readonly #what: string
  readonly #legal: RegExp

  /** @param legal what all of a decoded path must match, for servers whose names have more than printable ASCII without spaces */
  constructor(what: string, legal = /^[!-~]*$/) {
    this.#what = what
    this.#legal = legal
  }

  /**
   * Decodes once and only once: a `%` that is left is a second layer, which another server on the way might take off. Throws
   * BAD_REQUEST for what is no printable ASCII then, and for characters that have a meaning in URLs or on some file system.
   */
  decode(path: string): string {
    if (path.length > MAX_PATH) throw this.bad(path, `a path has at most ${MAX_PATH} characters`)
    let decoded: string
    try {
      decoded = decodeURIComponent(path)
    } catch (cause) {
      throw this.bad(path, 'its percent-escapes are no UTF-8', cause)
    }
    if (this.#legal.test(decoded) && !/[\p{Cc}\\%?#]/u.test(decoded)) return decoded
    throw this.bad(path, 'only printable ASCII without «\\», «%», «?» and «#» may stand in it, escaped once')
  }

  /** Gives `decoded` back. Path steps are looked for after decoding, since `%2e%2e%2f` is one of the spellings. */
  checkSegments(path: string, decoded: string): string {
    if (decoded.split('/').some(isStep)) throw this.bad(path, 'it has an empty or a dot segment; leave those out')
    return decoded
  }

  /** The error for a path, as it came; `right` says what would be right. */
  bad(path: string, right: string, cause?: unknown): WarrenError {
    return new WarrenError('BAD_REQUEST', `«${quoted(path)}» is no path of ${this.#what}: ${right}`, { cause })
  }
}

/**
 * Whether a server takes a segment for «nothing», «here» or «up». Servlet containers take off path parameters (RFC 3986 section 3.3)
 * before they look: `..;a=b` is `..` to them.
 */
export function isStep(segment: string): boolean {
  return /^\.{0,2}(?:;|$)/.test(segment)
}

/**
 * The shortest spelling of a path: what a client may send without an escape has none. What upstream is asked for may be longer than
 * what was asked for here, and than a path may be.
 */
export function shortest(path: string): string {
  return path.replace(/%[2-7][0-9a-f]/gi, (escaped) => {
    const character = decodeURIComponent(escaped)
    return /^[!-~]$/.test(character) && !/[\\%?#]/.test(character) ? character : escaped
  })
}

/** A path, and the query behind it with its question mark, or nothing. */
export function splitQuery(target: string): readonly [path: string, query: string] {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at)]
}

/** Something of a client's, in a message: one line, printable, not too long. */
export function quoted(text: string): string {
  const shown = text.replace(/[^ -~]/g, '?')
  return shown.length > MAX_QUOTED ? `${shown.slice(0, MAX_QUOTED)}…` : shown
}
