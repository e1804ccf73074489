import { createHash, randomUUID } from 'node:crypto'
import { type Body, bufferBody } from '../body.ts'
import type { Found } from '../cache/found.ts'
import type { ParsedDocument } from '../cache/plan.ts'
import type { Encoding } from './encodings.ts'
import { etagOf } from './fields.ts'
import { SplicedBody } from './spliced-body.ts'
import { Splices } from './splices.ts'

/** Changes when the same stored document is rendered to other bytes. */
const RENDER_VERSION = 1

/** A document as it was found, together with its parsed form. */
export type FoundDocument = Found & { readonly document: ParsedDocument }

export function isDocument(found: Found): found is FoundDocument {
  return found.document !== undefined
}

/** One document under one base URL: its name for validators, and its bytes. */
export class Rendering {
  /** Of the stored bytes. */
  readonly digest: string | undefined
  /** Empty where it is the same for all. */
  readonly base: string
  readonly type: string | undefined
  /** Names the rendered bytes: differs by stored bytes, type, base URL and version of this code. */
  readonly id: string
  readonly #spans: ParsedDocument['spans']
  #splices: Splices | undefined

  constructor({ digest, document, headers }: FoundDocument, base: string) {
    this.digest = digest
    this.base = base
    this.type = headers['content-type']
    this.#spans = document.spans
    // Bytes without a name are not recognised again.
    const what = digest ?? randomUUID()
    this.id = createHash('sha256')
      .update(`${RENDER_VERSION}\n${what}\n${this.type ?? ''}\n${base}`)
      .digest('base64url')
  }

  /** Entity tag of the rendered bytes, plain or in one encoding. */
  etag(encoding?: Encoding): string {
    return etagOf(this.id, encoding)
  }

  /** The rendered bytes over stored ones of the same digest. Closing it closes `body`. */
  body(body: Body): Body {
    return this.#spans.length === 0 ? body : this.#spliced(body)
  }

  /** All rendered bytes, of stored ones that are in memory. */
  whole(stored: Buffer): Buffer {
    if (this.#spans.length === 0) return stored
    return this.#spliced(bufferBody(stored)).whole(stored)
  }

  #spliced(body: Body): SplicedBody {
    this.#splices ??= new Splices(this.#spans, this.base)
    return new SplicedBody(body, this.#splices)
  }
}

/** Keeps, for as long as a parsed document is in memory, its last rendering: most clients of a node call it by one name. */
export class Renderings {
  readonly #last = new WeakMap<ParsedDocument, Rendering>()

  /** @param baseUrl asked for only where the document names its registry */
  of(found: FoundDocument, baseUrl: () => string): Rendering {
    const base = found.document.spans.length > 0 ? baseUrl() : ''
    const last = this.#last.get(found.document)
    if (last && last.base === base && last.digest === found.digest && last.type === found.headers['content-type']) return last
    const rendering = new Rendering(found, base)
    this.#last.set(found.document, rendering)
    return rendering
  }
}
