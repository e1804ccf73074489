import { readAll } from '../body.ts'
import type { Clock } from '../clock.ts'
import type { NameRecord, Store, StoredBlob } from '../store/store.ts'
import { DOCUMENT_BYTES } from './constants.ts'
import type { Documents } from './documents.ts'
import type { Found, Source } from './found.ts'
import { ageOf } from './freshness.ts'
import type { IndexParser, Plan } from './plan.ts'

/** Keys that a grammar is told of at a time: each may cost it a look into a document. */
const HELD_KEYS = 64

export interface ShelfComponents {
  readonly store: Store
  readonly documents: Documents
  readonly clock: Clock
}

/** Makes answers of what the store holds. */
export class Shelf {
  readonly #components: ShelfComponents

  constructor(components: ShelfComponents) {
    this.#components = components
  }

  /** Undefined when the bytes are gone, or are no such document any more. Synchronous wherever the store is. */
  open(plan: Pick<Plan, 'document'>, record: NameRecord, source: Source): Found | undefined | Promise<Found | undefined> {
    const body = this.#components.store.blobs.open(record.blob)
    if (body instanceof Promise) return body.then((opened) => opened && this.#present(plan, record, source, opened))
    return body && this.#present(plan, record, source, body)
  }

  /** What a grammar found in a document or an index that is held, however old. */
  async facts(plan: Plan): Promise<unknown> {
    const { store, documents } = this.#components
    const record = store.records.get(plan.key)
    const parser = plan.document ?? plan.index
    if (!record || !parser) return undefined
    const document = documents.recall(parser, record.blob)
    if (document) return document.facts
    if (plan.index) return this.#indexed(plan.index, record)
    const found = await this.open(plan, record, 'local')
    found?.body.close()
    return found?.document?.facts
  }

  /** Keys of records that begin with `prefix`, in order. */
  async keys(prefix: string): Promise<readonly string[]> {
    const keys: string[] = []
    for await (const [key, { link }] of this.#components.store.records.entries(prefix)) {
      if (!link) keys.push(key)
      if (keys.length >= HELD_KEYS) break
    }
    return keys
  }

  async #indexed(parser: IndexParser, { blob, link, size }: NameRecord): Promise<unknown> {
    if (link || size > DOCUMENT_BYTES) return undefined
    const { store, documents } = this.#components
    const load = async () => {
      const body = await store.blobs.open(blob)
      if (!body) throw new Error('its bytes are gone')
      try {
        return await readAll(body)
      } finally {
        body.close()
      }
    }
    return documents.of(parser, blob, load).then(
      ({ facts }) => facts,
      () => undefined,
    )
  }

  #present(
    plan: Pick<Plan, 'document'>,
    record: NameRecord,
    source: Source,
    body: StoredBlob,
  ): Found | Promise<Found | undefined> {
    const { headers } = record
    const digest = digestOf(record)
    if (record.freshFor === null) return { source, headers, body, digest }
    const age = Math.floor(ageOf(record, this.#components.clock.now()) / 1_000)
    if (!plan.document) return { source, headers, body, digest, age }
    const document = this.#components.documents.recall(plan.document, record.blob)
    if (document) return { source, headers, body, digest, age, document }
    return this.#parsed({ source, headers, body, digest, age }, plan.document, record.blob)
  }

  async #parsed(found: Found, parser: NonNullable<Plan['document']>, sha256: string): Promise<Found | undefined> {
    try {
      const document = await this.#components.documents.of(parser, sha256, () => readAll(found.body))
      return { ...found, document }
    } catch {
      // Another version of the grammar may refuse what an older one took: then it is as good as not held.
      found.body.close()
      return undefined
    }
  }
}

/** Names the bytes of a record: by the digest that upstream promised, where it did and that is one of the bytes. */
export function digestOf({ verified: [first], blob }: NameRecord): string {
  // «h1» and «h1mod» are of what is in them, which other bytes may have, too. Not parsed: this is on the way of every hit.
  return first === undefined || first.startsWith('h1') ? `sha256:${blob}` : first
}
