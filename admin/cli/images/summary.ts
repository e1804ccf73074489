import { formatBytes, formatSpan, plural } from '../format.ts'
import { printable } from '../print.ts'
import type { Fetched } from './fetcher.ts'
import type { PackageKind } from './progress.ts'
import type { PulledImage } from './pull.ts'

/** Names in one line. */
const NAMED = 3

export interface Totals {
  readonly images: number
  readonly manifests: number
  readonly blobs: number
  readonly packages: number
  /** Of packages, and the documents that led to them. */
  readonly files: number
  readonly documents: number
  /** Of everything together. */
  readonly bytes: number
  /** Bytes by where the node had them from. */
  readonly sources: Readonly<Record<string, number>>
}

type Counted = Pick<Fetched, 'size' | 'source'> & { readonly kind: Fetched['kind'] | PackageKind }

/** What was fetched in all, each once; `images` counts platforms. */
export function totalsOf(images: readonly PulledImage[], fetched: readonly Counted[], packages = 0): Totals {
  const sources = new Map<string, number>()
  for (const { source, size } of fetched) sources.set(source, (sources.get(source) ?? 0) + size)
  const count = (...kinds: readonly Counted['kind'][]) => fetched.filter(({ kind }) => kinds.includes(kind)).length
  return {
    images: images.length,
    manifests: count('manifest'),
    blobs: count('config', 'layer'),
    packages,
    files: count('file'),
    documents: count('document'),
    bytes: fetched.reduce((sum, { size }) => sum + size, 0),
    sources: Object.fromEntries(sources),
  }
}

/** The totals in one line, the largest source first; of images and packages those that were asked for. */
export function summaryText(
  totals: Totals,
  ms: number,
  { failures = 0, wantedPackages = false }: { failures?: number; wantedPackages?: boolean } = {},
): string {
  const { images, manifests, blobs, packages, files, documents, bytes, sources } = totals
  const ofPackages = wantedPackages || packages + files + documents > 0
  const ofImages = images + manifests + blobs > 0 || !ofPackages
  const parts = [
    ...(failures > 0 ? [`${failures} failed`] : []),
    ...(ofImages ? [plural(images, 'image'), plural(manifests, 'manifest'), plural(blobs, 'blob')] : []),
    ...(ofPackages ? [plural(packages, 'package'), plural(files, 'file'), plural(documents, 'document')] : []),
    formatBytes(bytes),
  ]
  const from = Object.entries(sources)
    .sort(([, one], [, other]) => other - one)
    .map(([source, size]) => `${source} ${formatBytes(size)}`)
  return `${parts.join(', ')} in ${ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : formatSpan(ms)}${from.length > 0 ? `; ${from.join(', ')}` : ''}`
}

/** What was left out, in a line for each reason, with as many names as fit into it. */
export function skippedLines(skipped: readonly { readonly name: string; readonly why: string }[]): string[] {
  return [...Map.groupBy(skipped, ({ why }) => why)].map(([why, all]) => {
    const names = all.slice(0, NAMED).map(({ name }) => printable(name))
    const more = all.length > NAMED ? ` and ${all.length - NAMED} more` : ''
    return `left out: ${names.join(', ')}${more}: ${why}`
  })
}
