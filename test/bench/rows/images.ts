import { pushImage } from '../../harness/docker-registry.ts'
import { get } from '../../harness/http.ts'
import { eventually } from '../../harness/wait.ts'
import type { Bench } from '../bench.ts'
import { contestRow } from '../contest.ts'
import type { Goal } from '../figures.ts'
import { eachPart, imageOf, imagePaths, MANIFEST_HEADERS, pullImages, REPOSITORY, type TaggedImage } from '../images.ts'
import { figuresOf, type Target, type Wrk } from '../load.ts'
import { REGISTRY_MISSING, Registry } from '../rivals/registry.ts'
import { fill, type Warren } from '../warren.ts'

const ROW = '1c'
const CONNECTIONS = 64
/** Their layers are as many artifacts as those of row 1a. */
const IMAGES = 8
const LAYERS = 8
const RIVAL = 'CNCF registry'
const GOALS = { [RIVAL]: { atLeast: 10 } }
/** Longer than a tag counts as fresh. */
const OUTDATED_LIMIT_MS = 120_000

/** Warm container images that all fit in the memory cache: their small layers, and their manifests by tag and by digest. */
export const images = contestRow(
  ROW,
  () => Registry.find() ?? REGISTRY_MISSING,
  async ({ bench, stack, wrk, rival: registry }) => {
    const all = await makeImages()
    const rival = await registry.start(stack, bench.signal)
    for (const { tag, image } of all) await pushImage(rival.url, REPOSITORY, tag, image)
    await eachPart(all, (paths, bytes) => fill(rival.url, paths, bytes, bench.signal, { ask: MANIFEST_HEADERS }))
    const { warren, hub } = await pullImages(stack, all, bench.signal)
    const compare = comparison(bench, wrk, { warren, rival })

    const paths = all.map(imagePaths)
    const byTag = paths.map((one) => one.byTag)
    const manifests = `${IMAGES} warm manifests of ${((all[0]?.image.bytes.length ?? 0) / 1000).toFixed(1)} kB`
    // A node looks after its tags now and then, as a registry need not: what it asks for that is part of the work.
    const pulls = hub.pulls
    await compare(`${manifests}, by tag`, byTag, { headers: MANIFEST_HEADERS, goals: GOALS })
    if (hub.pulls > pulls) throw new Error(`the node got ${hub.pulls - pulls} manifests from upstream while it was measured`)
    await hub.gone()
    const byDigest = paths.map((one) => one.byDigest)
    await compare(`${manifests}, by digest`, byDigest, { headers: MANIFEST_HEADERS, goals: GOALS })
    const layers = paths.flatMap((one) => one.layers)
    await compare(`${layers.length} warm 16 KiB layers`, layers, { headers: {}, goals: GOALS })
    if (bench.smoke) return
    await outdated(bench, warren, byTag)
    await compare(`${IMAGES} outdated manifests by tag, upstream gone`, byTag, { headers: MANIFEST_HEADERS, goals: {} })
  },
)

function makeImages(): Promise<TaggedImage[]> {
  return Promise.all(Array.from({ length: IMAGES }, (_, at) => imageOf(`image${at}x`, { layers: LAYERS, bytes: 16 << 10 })))
}

interface Comparison {
  readonly headers: Readonly<Record<string, string>>
  readonly goals: Readonly<Record<string, Goal>>
}

function comparison(bench: Bench, wrk: Wrk, { warren, rival }: { warren: Target; rival: Target }) {
  return async (work: string, paths: readonly string[], { headers, goals }: Comparison): Promise<void> => {
    const contenders = { warren: { target: warren, paths }, [RIVAL]: { target: rival, paths } }
    const measured = await wrk.compare(bench, contenders, { connections: CONNECTIONS, headers })
    for (const figure of figuresOf({ row: ROW, work, unit: 'requests/s' }, measured, goals)) bench.report(figure)
  }
}

/** Resolves when the node has no fresh answer for any of the paths. */
async function outdated(bench: Bench, warren: Warren, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const isStale = async () => {
      bench.signal.throwIfAborted()
      return (await get(warren.url + path, MANIFEST_HEADERS)).headers['x-warren-source'] === 'stale'
    }
    await eventually(`${path} is outdated`, isStale, OUTDATED_LIMIT_MS)
  }
}
