import { NotEditable } from '../not-editable.ts'
import { bare, linesOf, spliced } from '../text/lines.ts'

/** A repository for sbt. */
export interface SbtRepository {
  readonly name: string
  readonly url: string
}

const HEADER = '[repositories]'
const EMPTY = `${HEADER}\n  local\n`

/**
 * The text of sbt's `repositories`, which may be empty, with these before all that are not on the disk. sbt asks them in order, so that
 * those that were there before stay for what the first ones do not have. It heeds the file for builds with
 * `-Dsbt.override.build.repos=true` only.
 */
export function sbtRepositories(text: string, repositories: readonly SbtRepository[]): string {
  return [...repositories].reverse().reduce(withRepository, text.trim() === '' ? EMPTY : text)
}

function withRepository(text: string, { name, url }: SbtRepository): string {
  const lines = linesOf(text).map((line) => bare(line).trim())
  const wanted = `  ${name}: ${url}${url.startsWith('http:') ? ', allowInsecureProtocol' : ''}`
  const header = lines.indexOf(HEADER)
  if (header < 0) throw new NotEditable(`it has no ${HEADER}: mend it first`)
  // That of another day.
  const own = lines.findIndex((line) => line.startsWith(`${name}:`))
  if (own >= 0) return spliced(text, own, 1, [wanted])
  const first = lines.findIndex((line, at) => at > header && line !== '' && !/^(?:#|local$|maven-local$)/.test(line))
  const before = lines.slice(0, first < 0 ? lines.length : first)
  return spliced(text, before.findLastIndex((line) => line !== '' && !line.startsWith('#')) + 1, 0, [wanted])
}
