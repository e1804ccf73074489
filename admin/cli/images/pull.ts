import type { Fetched, Fetcher } from './fetcher.ts'
import { platformIn } from './manifest.ts'
import { formatPlatform, type Platform, runsOn } from './platform.ts'
import type { ImageReference } from './reference.ts'
import { type Selected, Selection } from './selection.ts'

/** Blobs that are fetched at once, as clients of images do. */
const AT_ONCE = 3

/** An image for one platform, all of which the node has served. */
export interface PulledImage {
  readonly image: string
  /** Of its manifest. */
  readonly digest: string
  /** Null for what is no image, such as a signature. */
  readonly platform: string | null
  /** The indexes on the way to it, and its manifest. */
  readonly manifests: readonly Fetched[]
  /** Configuration and layers. */
  readonly blobs: readonly Fetched[]
  /** Digests of layers that registries do not hand out. */
  readonly foreign: readonly string[]
}

export interface PullInit {
  /** Of each one image; `all`: whatever there is. */
  readonly platforms: readonly Platform[] | 'all'
  /** Whether an image that is there for one other platform only is refused. */
  readonly strict: boolean
}

/** Fetches all of an image through a node. Throws UnreachableError, and Error that names what could not be had. */
export async function pullImage(fetcher: Fetcher, reference: ImageReference, init: PullInit): Promise<PulledImage[]> {
  const pulled: PulledImage[] = []
  for (const selected of await new Selection(fetcher, init.platforms).of(reference))
    pulled.push(await pullOne(fetcher, reference, selected, init))
  return pulled
}

async function pullOne(
  fetcher: Fetcher,
  reference: ImageReference,
  { image, platform, indexes }: Selected,
  { platforms, strict }: PullInit,
): Promise<PulledImage> {
  const { manifest } = image
  const config = await fetcher.config(reference, manifest.config)
  const known = platform ?? platformIn(config.bytes)
  if (strict && platforms !== 'all' && known && !platforms.some((wanted) => runsOn(known, wanted)))
    throw new Error(
      `${reference.text} has no image for ${platforms.map(formatPlatform).join(', ')}: there is ${formatPlatform(known)} only`,
    )
  const layers = await allAtOnce(manifest.layers, AT_ONCE, (layer, signal) => fetcher.layer(reference, layer, signal))
  return {
    image: reference.text,
    digest: image.fetched.digest,
    platform: known ? formatPlatform(known) : null,
    manifests: [...indexes, image].map(({ fetched }) => fetched),
    blobs: [config.fetched, ...layers],
    foreign: manifest.foreign,
  }
}

/** Acts on all items, a few at once; the first failure breaks off what is under way. */
async function allAtOnce<T, R>(
  items: readonly T[],
  most: number,
  act: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const breaking = new AbortController()
  const failures: unknown[] = []
  const waiting = items.entries()
  const work = async () => {
    for (const [at, item] of waiting) {
      if (breaking.signal.aborted) return
      try {
        results[at] = await act(item, breaking.signal)
      } catch (error) {
        failures.push(error)
        breaking.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: most }, work))
  if (failures.length > 0) throw failures[0]
  return results
}
