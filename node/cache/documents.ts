import { LRUCache } from 'lru-cache'
import { type Clock, systemClock } from '../clock.ts'
import type { Sha256 } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { RecordStore } from '../store/store.ts'
import { beside, JobThreads } from '../threads/job-threads.ts'
import { PARSE_INLINE_BYTES, PARSED_BYTES, PARSED_OVERHEAD_BYTES } from './constants.ts'
import type { ParseOrder } from './parse-worker.ts'
import type { DocumentParser, IndexParser, ParsedDocument } from './plan.ts'

type Parser = DocumentParser | IndexParser

/** What a parser found, and the same as it is kept. */
export interface Parsed {
  readonly json: string
  readonly document: ParsedDocument
}

/**
 * Parses documents, large ones in a worker thread (a 20 MB packument would block every other client for a tenth of a second) and so
 * those that are to be unpacked, whatever their size, and remembers what was found under the digest of the bytes. A document over
 * which a parser sits for too long, or of which it dies, is none.
 */
export class Documents {
  readonly #records: RecordStore
  readonly #hot = new LRUCache<string, ParsedDocument>({ maxSize: PARSED_BYTES })
  readonly #running = new Map<string, Promise<ParsedDocument>>()
  readonly #threads: JobThreads<ParseOrder, string>

  constructor({ records, clock = systemClock }: { records: RecordStore; clock?: Clock }) {
    this.#records = records
    this.#threads = new JobThreads({ clock }, { worker: beside(import.meta.url, 'parse-worker') })
  }

  /** Parses new bytes. Throws UPSTREAM_CORRUPT when they are not such a document. */
  async parse(parser: Parser, bytes: Buffer): Promise<Parsed> {
    try {
      if (!('unpacks' in parser) && bytes.length <= PARSE_INLINE_BYTES) {
        const document = await parser.parse(bytes)
        return { json: JSON.stringify(document), document }
      }
      const { module, exportName } = parser
      const json = await this.#threads.run({ kind: module, size: bytes.length, order: { module, exportName, bytes } })
      return { json, document: JSON.parse(json) as ParsedDocument }
    } catch (cause) {
      if (isWarrenError(cause)) throw cause
      throw new WarrenError('UPSTREAM_CORRUPT', `the document is not what it should be: ${reasonOf(cause)}`, { cause })
    }
  }

  /** Keeps what `parse` found. */
  async keep(parser: Parser, sha256: Sha256, { json, document }: Parsed): Promise<void> {
    this.#remember(parser, sha256, json, document)
    // It can be had again from the bytes, so that a disk that refuses it is no trouble.
    await this.#records.putParsed(parser.id, sha256, json).catch(() => {})
  }

  /** What is known of a stored document without reading it. */
  recall(parser: Parser, sha256: Sha256): ParsedDocument | undefined {
    const hot = this.#hot.get(`${parser.id}!${sha256}`)
    if (hot) return hot
    const json = this.#records.parsed(parser.id, sha256)
    if (json === undefined) return undefined
    const document = JSON.parse(json) as ParsedDocument
    this.#remember(parser, sha256, json, document)
    return document
  }

  /** What is in a stored document; reads and parses it again when that is not known, once for all who ask. */
  async of(parser: Parser, sha256: Sha256, load: () => Promise<Buffer>): Promise<ParsedDocument> {
    const known = this.recall(parser, sha256)
    if (known) return known
    const key = `${parser.id}!${sha256}`
    const running = this.#running.get(key) ?? this.#again(parser, sha256, load).finally(() => this.#running.delete(key))
    this.#running.set(key, running)
    return running
  }

  async close(): Promise<void> {
    await this.#threads.close()
  }

  async #again(parser: Parser, sha256: Sha256, load: () => Promise<Buffer>): Promise<ParsedDocument> {
    const parsed = await this.parse(parser, await load())
    await this.keep(parser, sha256, parsed)
    return parsed.document
  }

  #remember(parser: Parser, sha256: Sha256, json: string, document: ParsedDocument): void {
    this.#hot.set(`${parser.id}!${sha256}`, document, { size: json.length + PARSED_OVERHEAD_BYTES })
  }
}
