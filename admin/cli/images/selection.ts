import type { Fetcher, GotManifest } from './fetcher.ts'
import { type ImageManifest, type Listed, platformIn } from './manifest.ts'
import { choosePlatform, formatPlatform, type Platform } from './platform.ts'
import type { ImageReference } from './reference.ts'

/** Indexes within indexes. */
const MAX_DEPTH = 4

type GotImage = GotManifest & { readonly manifest: ImageManifest }

/** The image of one platform, or something else that an index lists. */
export interface Selected {
  readonly image: GotImage
  /** Undefined where no index told it. */
  readonly platform: Platform | undefined
  /** The indexes on the way to it. */
  readonly indexes: readonly GotManifest[]
}

interface Entry {
  readonly listed: Listed
  readonly indexes: readonly GotManifest[]
}

type Offer = Entry & { readonly platform: Platform }

/** Finds out which manifests of a reference are wanted. */
export class Selection {
  readonly #fetcher: Fetcher
  readonly #platforms: readonly Platform[] | 'all'

  /** @param platforms `all`: with attestations and whatever else an index lists */
  constructor(fetcher: Fetcher, platforms: readonly Platform[] | 'all') {
    this.#fetcher = fetcher
    this.#platforms = platforms
  }

  /** Throws Error that names the platforms that there are when one is missing. */
  async of(reference: ImageReference): Promise<Selected[]> {
    const root = await this.#fetcher.manifest(reference, { target: reference.target })
    if (root.manifest.kind === 'image')
      return [{ image: { ...root, manifest: root.manifest }, platform: undefined, indexes: [] }]
    const entries = await this.#entries(reference, root, [])
    const wanted = this.#platforms === 'all' ? entries : await this.#chosen(reference, entries, this.#platforms)
    const selected: Selected[] = []
    for (const { listed, indexes } of new Map(wanted.map((entry) => [entry.listed.digest, entry])).values()) {
      selected.push({ image: await this.#image(reference, listed), platform: listed.platform, indexes })
    }
    return selected
  }

  /** What an index lists, and the indexes that it lists. */
  async #entries(reference: ImageReference, index: GotManifest, above: readonly GotManifest[]): Promise<Entry[]> {
    if (index.manifest.kind !== 'index')
      throw new Error(`${index.fetched.digest} of ${reference.text} is listed as an index and is none`)
    const indexes = [...above, index]
    if (indexes.length > MAX_DEPTH) throw new Error(`${reference.text} has indexes within indexes, more than ${MAX_DEPTH} deep`)
    const entries: Entry[] = []
    for (const listed of index.manifest.manifests) {
      if (!listed.isIndex) entries.push({ listed, indexes })
      else entries.push(...(await this.#entries(reference, await this.#manifest(reference, listed), indexes)))
    }
    return entries
  }

  async #chosen(reference: ImageReference, entries: readonly Entry[], platforms: readonly Platform[]): Promise<Entry[]> {
    let offers = entries.flatMap(offered)
    let asked = false
    const chosen: Entry[] = []
    for (const platform of platforms) {
      let found = choosePlatform(offers, platform)
      if (!found && !asked) {
        asked = true
        offers = [...offers, ...(await this.#unlabelled(reference, entries))]
        found = choosePlatform(offers, platform)
      }
      if (!found) throw new Error(missingText(reference, platform, offers))
      chosen.push(found)
    }
    return chosen
  }

  /** Images that their index does not tell the platform of: their configurations do. */
  async #unlabelled(reference: ImageReference, entries: readonly Entry[]): Promise<Offer[]> {
    const offers: Offer[] = []
    for (const entry of entries.filter(({ listed }) => !listed.platform)) {
      const { manifest } = await this.#image(reference, entry.listed)
      const platform = platformIn((await this.#fetcher.config(reference, manifest.config)).bytes)
      if (platform) offers.push({ ...entry, platform })
    }
    return offers
  }

  async #image(reference: ImageReference, listed: Listed): Promise<GotImage> {
    const { manifest, ...got } = await this.#manifest(reference, listed)
    if (manifest.kind === 'image') return { ...got, manifest }
    throw new Error(`${listed.digest} of ${reference.text} is an index and is not listed as one`)
  }

  #manifest(reference: ImageReference, { digest, size }: Listed): Promise<GotManifest> {
    return this.#fetcher.manifest(reference, { target: digest, size })
  }
}

/** Attestations of builds are listed as images for no platform at all. */
function offered(entry: Entry): Offer[] {
  const { platform } = entry.listed
  return platform && platform.os !== 'unknown' && platform.architecture !== 'unknown' ? [{ ...entry, platform }] : []
}

function missingText({ text }: ImageReference, platform: Platform, offers: readonly Offer[]): string {
  const there = [...new Set(offers.map((offer) => formatPlatform(offer.platform)))]
  const rest = there.length === 0 ? 'it lists no images' : `there is ${there.join(', ')}; choose with --platform`
  return `${text} has no image for ${formatPlatform(platform)}: ${rest}`
}
