import { MAX_CHALLENGE } from './constants.ts'

/** One way in which a server wants to be told who asks (RFC 9110 section 11.3). */
export interface Challenge {
  /** Lower-case. */
  readonly scheme: string
  /** By lower-case name. */
  readonly params: ReadonlyMap<string, string>
}

/** RFC 9110 sections 5.6.2, 5.6.4, 11.2; sticky, so that each is tried at one place only. */
const SEPARATOR = /[ \t,]*/y
const TOKEN = /[!#$%&'*+\-.^_`|~\dA-Za-z]+/y
const PARAM =
  /([!#$%&'*+\-.^_`|~\dA-Za-z]+)[ \t]*=[ \t]*(?:([!#$%&'*+\-.^_`|~\dA-Za-z]+)|"((?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*)")(?=[ \t]*(?:,|$))/y
const TOKEN68 = / +[A-Za-z\d\-._~+/]+=*(?=[ \t]*(?:,|$))/y

/**
 * The challenges in `WWW-Authenticate`; none where it is longer than any sensible one, has a parameter twice (which one counts
 * is a matter of opinion, and of attacks) or is otherwise malformed.
 */
export function parseChallenges(header: string): Challenge[] {
  if (header.length > MAX_CHALLENGE) return []
  const challenges: Challenge[] = []
  let at = 0
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at
    const match = pattern.exec(header)
    if (match) at = pattern.lastIndex
    return match
  }
  for (take(SEPARATOR); at < header.length; take(SEPARATOR)) {
    const scheme = take(TOKEN)?.[0]
    if (scheme === undefined) return []
    const params = new Map<string, string>()
    challenges.push({ scheme: scheme.toLowerCase(), params })
    if (take(TOKEN68)) continue
    // A scheme and its first parameter have a blank between them, challenges a comma.
    if (at < header.length && !/[ \t,]/.test(header.charAt(at))) return []
    for (;;) {
      const before = at
      const separator = take(SEPARATOR)?.[0] ?? ''
      const [, name, token, quoted] = take(PARAM) ?? []
      if (name === undefined) {
        if (at < header.length && !separator.includes(',')) return []
        at = before
        break
      }
      const key = name.toLowerCase()
      if (params.has(key)) return []
      params.set(key, token ?? (quoted ?? '').replace(/\\(.)/g, '$1'))
    }
  }
  return challenges
}
