import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Offers, Planned, Rendition } from '../../protocols/protocol.ts'
import { bufferBody, readAll } from '../body.ts'
import type { Found, Source } from '../cache/found.ts'
import type { Plan } from '../cache/plan.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { Withholder, Withholding } from '../policy/withholding.ts'
import { isDocument, Renderings } from './renderings.ts'

interface Composed {
  readonly bytes: Buffer
  /** `sha256:hex` of the bytes. */
  readonly digest: string
}

/** Bytes of composed documents that are kept, together; most are a few KB. */
const MAX_BYTES = 32 << 20

/** From the least to the most recent word about what upstream has. */
const SOURCES: readonly Source[] = ['local', 'stale', 'flight', 'peer', 'seed', 'upstream']

/** What a composed document is made of must not be told of it. */
const OF_THE_ORIGINAL = ['last-modified', 'content-disposition', 'content-language']

/** Makes other forms of documents when they are served: without what a policy withholds, in another type, merged with others. */
export class Composer {
  readonly #withholder: Withholder
  readonly #renderings = new Renderings()
  readonly #made = new LRUCache<string, Composed>({ maxSize: MAX_BYTES, sizeCalculation: ({ bytes }) => bytes.length + 512 })

  constructor(components: { withholder: Withholder }) {
    this.#withholder = components.withholder
  }

  /** Whether what is found for a route goes out in another form than it is kept. */
  concerns(route: Planned): boolean {
    return route.rendition !== undefined || this.#withholding(route) !== undefined
  }

  /**
   * Takes `founds` over, in the order of their plans, and closes them. Throws UPSTREAM_CORRUPT for what cannot be read, POLICY_DENIED
   * where everything is withheld.
   */
  async compose(route: Planned, founds: readonly Found[], base: string): Promise<Found> {
    const { rendition, offers } = route
    const withholding = this.#withholding(route)
    try {
      const names = founds.map((found) => (isDocument(found) ? this.#renderings.of(found, base).id : found.digest))
      const name = JSON.stringify([names, offers?.id, withholding?.id, rendition?.id])
      let made = names.includes(undefined) ? undefined : this.#made.get(name)
      if (!made) {
        const documents = await Promise.all(founds.map((found) => this.#bytesOf(found, base)))
        const left = withholding && offers ? documents.map((bytes) => withhold(offers, bytes, withholding)) : documents
        withholding?.settle()
        made = named(render(rendition, left))
        if (!names.includes(undefined)) this.#made.set(name, made)
      }
      return found(made, founds, rendition)
    } catch (error) {
      if (isWarrenError(error)) throw error
      throw new WarrenError('UPSTREAM_CORRUPT', `the document cannot be given in this form: ${reasonOf(error)}`, {
        cause: error,
      })
    } finally {
      for (const { body } of founds) body.close()
    }
  }

  #withholding({ offers, plans }: Planned): Withholding | undefined {
    const { subject }: Plan = plans[0]
    return offers && subject && this.#withholder.of(subject)
  }

  #bytesOf(found: Found, base: string): Promise<Buffer> {
    return readAll(isDocument(found) ? this.#renderings.of(found, base).body(found.body) : found.body)
  }
}

function withhold(offers: Offers, bytes: Buffer, withholding: Withholding): Buffer {
  return offers.withhold(bytes, (version, published) => withholding.allows(version, published))
}

function render(rendition: Rendition | undefined, documents: readonly Buffer[]): Buffer {
  const [only] = documents
  if (rendition) return rendition.render(documents)
  if (!only) throw new Error('there is nothing to make it of')
  return only
}

function named(bytes: Buffer): Composed {
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }
}

function found({ bytes, digest }: Composed, founds: readonly Found[], rendition: Rendition | undefined): Found {
  const headers = { ...founds[0]?.headers }
  for (const header of OF_THE_ORIGINAL) delete headers[header]
  const ages = founds.flatMap(({ age }) => age ?? [])
  return {
    source: founds.reduce<Source>((least, { source }) => (rank(source) > rank(least) ? source : least), 'local'),
    headers: { ...headers, ...rendition?.headers },
    body: bufferBody(bytes),
    digest,
    ...(ages.length > 0 ? { age: Math.max(...ages) } : {}),
    document: { spans: [], facts: undefined },
  }
}

function rank(source: Source): number {
  return SOURCES.indexOf(source)
}
