import { pushImage } from '../../harness/docker-registry.ts'
import type { Row } from '../bench.ts'
import { eachPart, imageOf, imagePaths, MANIFEST_HEADERS, REPOSITORY, startPulled } from '../images.ts'
import { figuresOf, WRK_MISSING, Wrk } from '../load.ts'
import { REGISTRY_MISSING, Registry } from '../rivals/registry.ts'
import { fill } from '../warren.ts'

const ROW = '1c'
const CONNECTIONS = 64
/** Their layers are as many artifacts as those of row 1a, and a manifest of so many layers is as long as most are. */
const IMAGES = 8
const LAYERS = 8
const GOALS = { 'CNCF registry': { atLeast: 10 } }

/** Warm container images that all fit in the memory cache: their small layers, and their manifests by tag and by digest. */
export const images: Row = {
  name: ROW,
  async run(bench) {
    await using stack = new AsyncDisposableStack()
    const wrk = Wrk.find(stack)
    const registry = Registry.find()
    if (!wrk || !registry) return bench.skip({ row: ROW, what: 'all of it', why: wrk ? REGISTRY_MISSING : WRK_MISSING })
    const pulled = await Promise.all(
      Array.from({ length: IMAGES }, (_, at) => imageOf(`image${at}x`, { layers: LAYERS, bytes: 16 << 10 })),
    )
    const target = await registry.start(stack, bench.signal)
    for (const { tag, image } of pulled) await pushImage(target.url, REPOSITORY, tag, image)
    await eachPart(pulled, (paths, bytes) => fill(target.url, paths, bytes, bench.signal, { ask: MANIFEST_HEADERS }))
    const warren = await startPulled(stack, pulled, bench.signal)

    const all = pulled.map(imagePaths)
    const bytes = pulled[0]?.image.bytes.length ?? 0
    const manifests = `${IMAGES} warm manifests of ${(bytes / 1000).toFixed(1)} kB`
    // Tags first: while the node need not look after them.
    const works: readonly [work: string, paths: readonly string[], headers: Readonly<Record<string, string>>][] = [
      [`${manifests}, by tag`, all.map(({ byTag }) => byTag), MANIFEST_HEADERS],
      [`${manifests}, by digest`, all.map(({ byDigest }) => byDigest), MANIFEST_HEADERS],
      [`${IMAGES * LAYERS} warm 16 KiB layers`, all.flatMap(({ layers }) => layers), {}],
    ]
    for (const [work, paths, headers] of works) {
      const contenders = { warren: { target: warren, paths }, 'CNCF registry': { target, paths } }
      const measured = await wrk.compare(bench, contenders, { connections: CONNECTIONS, headers })
      for (const figure of figuresOf({ row: ROW, work, unit: 'requests/s' }, measured, GOALS)) bench.report(figure)
    }
  },
}
