import { type Digest, parseDigest } from '../../../../node/digest.ts'
import { type Entry, type Format, leftOut, lockedOf } from './locked.ts'
import { pypiEntry } from './pypi-entry.ts'

/** Files that name files. */
const MAX_DEPTH = 8
const PINNED = /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*\(?(={2,3})\s*([^\s;,()*]+)\)?\s*(?:;.*)?$/
/** Options that take what follows them, and say nothing of packages. */
const REPOSITORY = /^(?:-i|--index-url)(?:\s+|=)(\S+)$/
const INCLUDED = /^(?:-r|--requirement)(?:\s+|=)?(\S.*)$/

/** A requirements file in which every version is pinned (pip, «Requirements File Format»), as `pip freeze` and `pip-compile` write it. */
export const requirements: Format = {
  title: 'requirements.txt with pinned versions',
  name: /^(?:.*[-_.])?requirements(?:[-_.].*)?\.(?:txt|in)$/i,
  looksLike: (text) => linesOf(text).some(({ text: line }) => PINNED.test(line) || /\s--hash=sha256:/.test(line)),
  parse: (text, read) => lockedOf(entriesOf(text, read, 0)),
}

function entriesOf(text: string, read: (path: string) => string, depth: number): Entry[] {
  if (depth > MAX_DEPTH) throw new Error(`files name each other more than ${MAX_DEPTH} deep`)
  const lines = linesOf(text)
  // The option is of the whole file, wherever it stands.
  const repository = lines.map(({ text: line }) => REPOSITORY.exec(line)?.[1]).findLast((url) => url !== undefined)
  return lines.flatMap(({ text: line, at }) => {
    const included = INCLUDED.exec(line)?.[1]
    if (included !== undefined) return entriesOf(read(included), read, depth + 1)
    if (/^(?:-e|--editable)\b/.test(line)) return [leftOut(line, 'is a folder of the project')]
    if (line.startsWith('-')) return []
    return [entryOf(line, at, repository)]
  })
}

function entryOf(line: string, at: number, repository: string | undefined): Entry {
  const [requirement = '', ...options] = line.split(/\s+(?=--)/)
  if (/^[^;]*\s@\s|^[a-z+]+:\/\/|^git\+|^\.{0,2}\//i.test(requirement))
    return leftOut(requirement, 'is from a place of its own and no index')
  const [, name, , version] = PINNED.exec(requirement.trim()) ?? []
  if (name === undefined || version === undefined)
    throw new Error(
      `line ${at}: ${JSON.stringify(requirement.trim().slice(0, 80))} pins no version; it must be name==version, as «pip freeze» and «pip-compile» write it`,
    )
  const digests = options.flatMap((option) => digestIn(option, at))
  return pypiEntry({ name, version, digests, repository })
}

function digestIn(option: string, at: number): Digest[] {
  const [, text] = /^--hash[=\s]\s*(\S+)$/.exec(option.trim()) ?? []
  if (text === undefined) return []
  const digest = parseDigest(text.toLowerCase())
  if (digest) return [digest]
  throw new Error(`line ${at}: ${JSON.stringify(text.slice(0, 80))} is no hash, which is sha256: and 64 digits of hex`)
}

/** Logical lines without comments, each with the number of its first. */
function linesOf(text: string): { text: string; at: number }[] {
  const lines: { text: string; at: number }[] = []
  let open: { text: string; at: number } | undefined
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.replace(/(?:^|\s)#.*$/, '')
    open = open ? { ...open, text: `${open.text} ${line}` } : { text: line, at: index + 1 }
    if (open.text.endsWith('\\')) {
      open = { ...open, text: open.text.slice(0, -1) }
      continue
    }
    lines.push({ ...open, text: open.text.trim() })
    open = undefined
  }
  if (open) lines.push({ ...open, text: open.text.trim() })
  return lines.filter((line) => line.text !== '')
}
