import { createHash } from 'node:crypto'
import { bufferBody, readAll } from '../../node/body.ts'
import type { Answer, Framing, Headers } from './answer.ts'
import type { Recorded, Recordings } from './recording.ts'
import { isText, rewriteOrigins } from './rewrite.ts'

/** Rewritten documents that are kept in memory, in bytes; a test asks few of them, but often. */
const MAX_KEPT_BYTES = 256 << 20
/** Last-Modified of what was recorded without one. Any fixed moment in the past does. */
const LAST_MODIFIED = 'Thu, 01 Jan 2026 00:00:00 GMT'

export type Validators = 'both' | 'etag' | 'last-modified' | 'none'

export interface Presentation {
  readonly validators: Validators
  readonly framing: Framing
}

interface Document {
  readonly bytes: Buffer
  readonly sha256: string
}

/** Makes answers of recorded responses: documents name the replay, and validators are as the test wants them. */
export class ReplayedDocuments {
  readonly #recordings: Recordings
  readonly #kept = new Map<string, Document>()
  #keptBytes = 0

  constructor(recordings: Recordings) {
    this.#recordings = recordings
  }

  /** @param origin what documents name instead of the recorded origins */
  async answer(recorded: Recorded, origin: string, { validators, framing }: Presentation): Promise<Answer> {
    const document = isText(recorded.headers['content-type']) ? await this.#document(recorded, origin) : undefined
    const { etag: _etag, 'last-modified': modified = LAST_MODIFIED, ...rest } = recorded.headers
    const headers: Record<string, string> = { ...rest }
    if (validators === 'both' || validators === 'etag') headers.etag = `"${document?.sha256 ?? recorded.sha256}"`
    if (validators === 'both' || validators === 'last-modified') headers['last-modified'] = modified
    return {
      status: recorded.status,
      headers: recorded.status === 200 ? headers : (rest satisfies Headers),
      size: document?.bytes.length ?? recorded.size,
      open: document ? () => bufferBody(document.bytes) : recorded.open,
      framing,
      ranges: true,
      trouble: {},
    }
  }

  async #document(recorded: Recorded, origin: string): Promise<Document> {
    const key = `${origin} ${recorded.sha256}`
    const kept = this.#kept.get(key)
    if (kept) return kept
    const body = recorded.open()
    try {
      const bytes = rewriteOrigins(await readAll(body), this.#recordings.origins, origin)
      const document = { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
      if (this.#keptBytes + bytes.length <= MAX_KEPT_BYTES) {
        this.#keptBytes += bytes.length
        this.#kept.set(key, document)
      }
      return document
    } finally {
      body.close()
    }
  }
}
