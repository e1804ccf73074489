import { isUtf8 } from 'node:buffer'
import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { type Digest, isDigest } from '../../node/digest.ts'

/** What is kept of a release file. One text, since it is read back from the index for each file that it lists. */
export interface ReleaseFacts {
  /** `\n` and then for each file `path \t sha256 \t sha512 \n`, with the path below the suite; a digest that it has not is empty. */
  readonly files: string
}

/** Debian's own list some 1 500 files, Ubuntu's 3 000. */
const MAX_FILES = 50_000
const SECTION = /^(SHA256|SHA512):$/
const ENTRY = /^ ([0-9a-f]{64}|[0-9a-f]{128}) +\d{1,15} +(\S+)$/

/**
 * Reads `Release`, and `InRelease` with its signature around it (which the client checks: it knows whose key to trust). Throws for
 * what lists no files.
 */
export function parseRelease(bytes: Buffer): ParsedDocument<ReleaseFacts> {
  if (!isUtf8(bytes)) throw new Error('a release file is UTF-8')
  const files = new Map<string, { SHA256?: string; SHA512?: string }>()
  let section: 'SHA256' | 'SHA512' | undefined
  for (const line of bytes.toString().split(/\r?\n/)) {
    if (!line.startsWith(' ')) {
      section = SECTION.exec(line.trimEnd())?.[1] as typeof section
      continue
    }
    const [, hex, path] = (section && ENTRY.exec(line)) ?? []
    if (section === undefined || hex === undefined || path === undefined) continue
    files.set(path, { ...files.get(path), [section]: hex })
    if (files.size > MAX_FILES) throw new Error(`a release file lists at most ${MAX_FILES} files`)
  }
  if (files.size === 0) throw new Error('a release file lists files with their SHA256 or SHA512')
  const lines = Array.from(files, ([path, { SHA256 = '', SHA512 = '' }]) => `${path}\t${SHA256}\t${SHA512}\n`)
  return { spans: [], facts: { files: `\n${lines.join('')}` } }
}

export const releaseParser: DocumentParser<ReleaseFacts> = {
  id: 'raw-release-1',
  module: import.meta.url,
  exportName: 'parseRelease',
  parse: parseRelease,
}

/** A file that a release file lists. */
export interface Listed {
  /** Below the suite. */
  readonly path: string
  /** The weaker one first. */
  readonly digests: readonly Digest[]
}

/** Facts that came back from the cache, if they are those of a release file. */
export function releaseFacts(facts: unknown): ReleaseFacts | undefined {
  const { files } = Object(facts) as Partial<ReleaseFacts>
  return typeof files === 'string' ? { files } : undefined
}

export function findListed({ files }: ReleaseFacts, path: string): Listed | undefined {
  const newline = files.indexOf(`\n${path}\t`)
  return newline < 0 ? undefined : listedIn(files.slice(newline + 1, files.indexOf('\n', newline + 1)))
}

/** Whether it lists a file of that digest in a directory. */
export function listsDigest({ files }: ReleaseFacts, directory: string, { algorithm, hex }: Digest): boolean {
  // Many files may have the same content: all that are empty.
  const cell = `\t${hex}${algorithm === 'sha256' ? '\t' : '\n'}`
  for (let at = files.indexOf(cell); at >= 0; at = files.indexOf(cell, at + 1)) {
    const [name = ''] = files.slice(files.lastIndexOf('\n', at) + 1, at).split('\t')
    if (name.slice(0, Math.max(name.lastIndexOf('/'), 0)) === directory) return true
  }
  return false
}

/** Files that it lists and `wants` takes, in its order: the first `most` of them. */
export function allListed({ files }: ReleaseFacts, wants: (path: string) => boolean, most = MAX_FILES): Listed[] {
  const listed: Listed[] = []
  for (let at = 1; at < files.length && listed.length < most; ) {
    const end = files.indexOf('\n', at)
    const line = files.slice(at, end < 0 ? undefined : end)
    if (wants(line.slice(0, line.indexOf('\t')))) listed.push(listedIn(line))
    at += line.length + 1
  }
  return listed
}

function listedIn(line: string): Listed {
  const [path = '', sha256 = '', sha512 = ''] = line.split('\t')
  const all = [
    { algorithm: 'sha256', hex: sha256 },
    { algorithm: 'sha512', hex: sha512 },
  ] as const
  return { path, digests: all.filter(({ algorithm, hex }) => isDigest(algorithm, hex)) }
}
