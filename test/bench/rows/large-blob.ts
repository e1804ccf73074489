import { readAll } from '../../../node/body.ts'
import type { Bench } from '../bench.ts'
import { type Contest, nginxRow } from '../contest.ts'
import { imageOf, imagePaths, pullImages } from '../images.ts'
import { figuresOf } from '../load.ts'
import { Packages, packageOf, tarballPath } from '../packages.ts'
import type { Nginx } from '../rivals/nginx.ts'
import { Upstream } from '../upstream.ts'
import { Warren } from '../warren.ts'

const CONNECTIONS = 4

/** A node that has a blob under a path, and the bytes of it. */
interface Held {
  readonly warren: Warren
  readonly path: string
  readonly content: Buffer
}

/** One warm blob, far larger than any buffer. */
export const largeBlob = nginxRow('2a', (contest) => compareLarge(contest, '2a', 'blob', holdArchive))

/** The same as the layer of an image. */
export const largeLayer = nginxRow('2b', (contest) => compareLarge(contest, '2b', 'layer', holdLayer))

type Hold = (bench: Bench, stack: AsyncDisposableStack, bytes: number) => Promise<Held>

async function compareLarge(contest: Contest<Nginx>, row: string, what: string, hold: Hold): Promise<void> {
  const { bench, stack, wrk, rival: nginx } = contest
  const bytes = bench.smoke ? 5_000_000 : 100_000_000
  const { warren, path, content } = await hold(bench, stack, bytes)
  nginx.write(path, content)
  const target = await nginx.start(stack, bench.signal)

  const paths = [path]
  const contenders = { warren: { target: warren, paths }, nginx: { target, paths } }
  const measured = await wrk.compare(bench, contenders, { connections: CONNECTIONS })
  const work = `one warm ${bytes / 1e6} MB ${what}`
  for (const figure of figuresOf({ row, work, unit: 'bytes/s' }, measured, { nginx: { atLeast: 1 } })) bench.report(figure)
}

async function holdArchive(bench: Bench, stack: AsyncDisposableStack, bytes: number): Promise<Held> {
  const large = packageOf('large', { bytes })
  const path = tarballPath(large, 0)
  const warren = await Warren.start(stack, await Upstream.start(stack))
  await warren.warm([path], bytes, bench.signal)
  return { warren, path, content: new Packages().archive(large, 0) }
}

async function holdLayer(bench: Bench, stack: AsyncDisposableStack, bytes: number): Promise<Held> {
  const large = await imageOf('large', { layers: 1, bytes })
  const [layer] = large.layers
  const [path] = imagePaths(large).layers
  if (!layer || path === undefined) throw new Error('the image has no layer')
  const { warren, hub } = await pullImages(stack, [large], bench.signal)
  await hub.gone()
  return { warren, path, content: await readAll(layer.open()) }
}
