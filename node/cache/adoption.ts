import { readAll } from '../body.ts'
import type { Clock } from '../clock.ts'
import { formatDigest } from '../digest.ts'
import { fetchedIn } from '../store/purged.ts'
import type { NameRecord, Store } from '../store/store.ts'
import { recordHeaders } from './answer.ts'
import type { Documents } from './documents.ts'
import type { Found } from './found.ts'
import type { Heads } from './heads.ts'
import { heldBlob, links } from './links.ts'
import { childrenOf, type Plan } from './plan.ts'

export interface AdoptionComponents {
  readonly store: Store
  readonly documents: Documents
  readonly heads: Heads
  readonly clock: Clock
}

/**
 * Artifacts whose bytes came under another name: layers are shared by many images. Only for keys of which it is known that their
 * upstream has it.
 */
export class Adoption {
  readonly #components: AdoptionComponents

  constructor(components: AdoptionComponents) {
    this.#components = components
  }

  /** Undefined when the bytes are not here. */
  async of(plan: Plan): Promise<Found | undefined> {
    const { store, heads, clock } = this.#components
    const isPrivate = heads.isPrivate(plan)
    const { generation } = store.purged
    const blob = heldBlob(plan, store, isPrivate)
    const body = blob === undefined ? undefined : await store.blobs.open(blob)
    if (blob === undefined || !body) return undefined
    // What upstream calls a document may be a layer of gigabytes.
    if (body.size > (plan.maxBytes ?? body.size)) {
      body.close()
      return undefined
    }
    try {
      const facts = plan.document && (await this.#facts(plan.document, blob, body))
      const now = clock.now()
      const record: NameRecord = {
        v: 1,
        blob,
        size: body.size,
        headers: recordHeaders(plan, {}, facts),
        fetchedAt: now,
        checkedAt: now,
        freshFor: null,
        verified: (plan.digests ?? []).slice(0, 1).map(formatDigest),
        ...(isPrivate ? { private: true } : {}),
        ...fetchedIn(generation),
      }
      const children = links(childrenOf(plan, facts), { store, now, isPrivate, generation })
      // What cannot be written down can be found again.
      await store.records.putAll(new Map([...children, [plan.key, record]])).catch(() => {})
      return { source: 'local', headers: record.headers, body, digest: record.verified[0] }
    } catch {
      // Not what its new name says that it is: upstream may know better.
      body.close()
      return undefined
    }
  }

  async #facts(parser: NonNullable<Plan['document']>, blob: string, body: Found['body']): Promise<unknown> {
    const { facts } = await this.#components.documents.of(parser, blob, () => readAll(body))
    return facts
  }
}
