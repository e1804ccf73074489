import { formatBytes, formatSpan, plural } from '../format.ts'
import type { Fetched } from './fetcher.ts'
import type { PulledImage } from './pull.ts'

export interface Totals {
  readonly images: number
  readonly manifests: number
  readonly blobs: number
  /** Of manifests and blobs together. */
  readonly bytes: number
  /** Bytes by where the node had them from. */
  readonly sources: Readonly<Record<string, number>>
}

/** What was fetched in all, each once; `images` counts platforms. */
export function totalsOf(images: readonly PulledImage[], fetched: readonly Fetched[]): Totals {
  const sources = new Map<string, number>()
  for (const { source, size } of fetched) sources.set(source, (sources.get(source) ?? 0) + size)
  const manifests = fetched.filter(({ kind }) => kind === 'manifest').length
  return {
    images: images.length,
    manifests,
    blobs: fetched.length - manifests,
    bytes: fetched.reduce((sum, { size }) => sum + size, 0),
    sources: Object.fromEntries(sources),
  }
}

/** The totals in one line, the largest source first. */
export function summaryText({ images, manifests, blobs, bytes, sources }: Totals, ms: number): string {
  const parts = [plural(images, 'image'), plural(manifests, 'manifest'), plural(blobs, 'blob'), formatBytes(bytes)]
  const from = Object.entries(sources)
    .sort(([, one], [, other]) => other - one)
    .map(([source, size]) => `${source} ${formatBytes(size)}`)
  return `${parts.join(', ')} in ${ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : formatSpan(ms)}${from.length > 0 ? `; ${from.join(', ')}` : ''}`
}
