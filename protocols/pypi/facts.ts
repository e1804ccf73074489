import { type Digest, formatDigest, parseDigest } from '../../node/digest.ts'

/**
 * What is kept of a project's page for the files that it names. One text with a line a file, because it is read back from an index
 * for each file: JSON.parse copies one string, but would build thousands of objects. Nothing in it is looked up by property name.
 */
export interface PageFacts {
  readonly form: 'json' | 'html'
  /** Normalised name of the project, where the page tells it. */
  readonly name?: string
  /** Whether it is no UTF-8: one byte is taken for one character then. */
  readonly latin?: true
  /** What its relative URLs are relative to, if not the page itself (HTML «The base element»). */
  readonly base?: string
  /** `\n` and then for each file `name \t digest \t metadata \t time \t signed \t place \n`; see `FileFacts`. */
  readonly files: string
}

/** What a page says of one file. */
export interface FileFacts {
  readonly file: string
  /** The strongest digest that can be checked here; undefined where none is promised. */
  readonly digest?: Digest
  /** What is promised of its metadata (PEP 658): a digest, or only that there are some. */
  readonly metadata?: Digest | true
  /** When it was uploaded, in ms since the epoch (PEP 700). */
  readonly published?: number
  /** Whether there is a signature beside it, where the page tells (PEP 503). */
  readonly signed?: boolean
  /** Absolute, or relative to the page. */
  readonly url: string
}

/**
 * Characters that all files together may take, in facts and in paths. The main thread gets them as one JSON text, and what an
 * upstream made up must not stop it for long. The largest pages seen have two million.
 */
const MAX_FACTS = 16 << 20
/** Characters of a file's URL that are remembered. Signed ones of object stores have about 1 000. */
const MAX_URL = 2048

/** Writes facts, and the places of a page that lead to its files. */
export class FactsWriter {
  #files = '\n'
  #size = 0

  /** Whether the file could be noted. `extra`: characters that it takes elsewhere. Throws where there is too much. */
  add({ file, digest, metadata, published, signed, url }: FileFacts, extra: number): boolean {
    if (url.length > MAX_URL || /[\t\n\r]/.test(url)) return false
    const ending = `/${file}`
    // Nearly all URLs end in the file's name, which the line has already.
    const place = url.endsWith(ending) ? url.slice(0, -file.length) : `${url}\r`
    const promise = metadata === true ? '+' : metadata === undefined ? '' : formatDigest(metadata)
    const time = published === undefined ? '' : String(published)
    const sign = signed === undefined ? '' : signed ? 'y' : 'n'
    const line = `${file}\t${digest ? formatDigest(digest) : ''}\t${promise}\t${time}\t${sign}\t${place}\n`
    this.#files += line
    this.#size += line.length + extra
    if (this.#size > MAX_FACTS) throw new Error(`its files take more than ${MAX_FACTS} characters to note`)
    return true
  }

  get files(): string {
    return this.#files
  }
}

/** Facts that came back from the cache, if they are those of a page of this project. */
export function pageFacts(facts: unknown, project: string): PageFacts | undefined {
  const given = facts as Partial<PageFacts> | null | undefined
  if (typeof given?.files !== 'string') return undefined
  // A page of HTML is not obliged to tell whose it is.
  const isSilent = given.form === 'html' && given.name === undefined
  return isSilent || given.name === project ? (given as PageFacts) : undefined
}

/** All that a page says of files of this name: it may be there twice, with different digests. */
export function findFiles(facts: PageFacts, file: string): FileFacts[] {
  const found: FileFacts[] = []
  const start = `\n${file}\t`
  for (let at = facts.files.indexOf(start); at >= 0; at = facts.files.indexOf(start, at + 1)) {
    found.push(readLine(facts.files.slice(at + 1, facts.files.indexOf('\n', at + 1))))
  }
  return found
}

function readLine(line: string): FileFacts {
  const [file = '', digest = '', metadata = '', time = '', signed = '', place = ''] = line.split('\t')
  const promised = parseDigest(digest)
  const described = metadata === '+' ? true : parseDigest(metadata)
  return {
    file,
    ...(promised ? { digest: promised } : {}),
    ...(described === undefined ? {} : { metadata: described }),
    ...(time === '' ? {} : { published: Number(time) }),
    ...(signed === '' ? {} : { signed: signed === 'y' }),
    url: place.endsWith('\r') ? place.slice(0, -1) : place + file,
  }
}
