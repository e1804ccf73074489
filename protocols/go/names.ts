/** A version as Go orders them (x/mod/semver), without other build metadata than `+incompatible`. */
const CANONICAL =
  /^v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\+incompatible)?$/
/** One part of a module's path (x/mod/module, `CheckPath`). */
const PART = /^[\w~-](?:[\w.~-]*[\w~-])?$/
const FIRST_PART = /^[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+$/
/** A version, or the name of a branch or commit; the go command asks for no name with a slash (`EscapeVersion`). */
const QUERY = /^[\w~-](?:[\w.+~-]*[\w+~-])?$/

export function isModulePath(path: string): boolean {
  const [first = '', ...others] = path.split('/')
  return FIRST_PART.test(first) && others.every((part) => PART.test(part))
}

export function isQuery(text: string): boolean {
  return QUERY.test(text)
}

/** Whether a text names one version for ever, and is no branch, commit or beginning of a version. */
export function isCanonical(version: string): boolean {
  return CANONICAL.test(version)
}

/**
 * A pattern of module paths with its host in lower case, as hosts are in them. Undefined for what binds none: what has other characters
 * than paths have, or capital letters in a host behind a `*`.
 */
export function canonicalPattern(pattern: string): string | undefined {
  if (!/^[\w.~*/-]+$/.test(pattern) || /^\*[.-][^/*]*[A-Z]/.test(pattern)) return undefined
  // What is behind a `*` may be a part of the path, where case counts.
  return pattern.replace(/^[^/*]*/, (host) => host.toLowerCase())
}

/** Capital letters as `!` and a small one, for servers whose files lie where case is not told apart (x/mod/module, `EscapePath`). */
export function escapeCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
}

/** What `escapeCase` made it of; undefined for what it never makes. */
export function unescapeCase(text: string): string | undefined {
  if (/[A-Z]|!(?![a-z])/.test(text)) return undefined
  return text.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
