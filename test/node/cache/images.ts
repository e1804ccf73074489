import { type Child, cacheKey, type DocumentParser, type ParsedDocument, type Plan } from '../../../node/cache/plan.ts'
import { formatDigest, parseDigest } from '../../../node/digest.ts'
import { WarrenError } from '../../../node/errors.ts'
import type { MemoryAnswer, MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import { digestOf } from './plans.ts'

/** What a document of this ecosystem names, by digest. */
export interface Image {
  readonly needs?: 'all' | 'one' | 'none'
  readonly type?: string
  readonly blobs?: readonly { readonly digest: string; readonly size: number }[]
  readonly images?: readonly { readonly digest: string; readonly size: number }[]
}

export const HUB = 'https://hub.example.test/'
const DIGEST_HEADER = 'content-digest'

export function parseImage(bytes: Buffer): ParsedDocument<Image> {
  return { spans: [], facts: JSON.parse(bytes.toString()) as Image }
}

const imageParser: DocumentParser = { id: 'test-image-1', module: import.meta.url, exportName: 'parseImage', parse: parseImage }

export const sha256 = (bytes: Buffer) => formatDigest(digestOf(bytes, 'sha256'))

/** A blob that only those repositories hand out that have it. */
export function blobPlan(repository: string, digest: string, base = HUB): Plan {
  const path = `${repository}/blobs/${digest}`
  const [parsed] = [parseDigest(digest)].flatMap((one) => one ?? [])
  return {
    key: cacheKey({ ecosystem: 'images', base, path }),
    ecosystem: 'images',
    mirror: 'hub',
    kind: 'immutable',
    url: base + path,
    base,
    digests: parsed ? [parsed] : [],
    responseHeaders: { 'content-type': 'application/octet-stream', [DIGEST_HEADER]: digest },
    scope: `repository:${repository}:pull`,
    guarded: true,
  }
}

/** A document by its digest. */
export function imagePlan(repository: string, digest: string, base = HUB): Plan {
  const path = `${repository}/images/${digest}`
  const children = (facts: unknown): readonly Child[] => {
    const { blobs = [], images = [] } = facts as Image
    return [
      ...blobs.map((one) => ({ plan: blobPlan(repository, one.digest, base), size: one.size })),
      ...images.map((one) => ({ plan: imagePlan(repository, one.digest, base), size: one.size })),
    ]
  }
  return {
    ...blobPlan(repository, digest, base),
    key: cacheKey({ ecosystem: 'images', base, path }),
    url: base + path,
    responseHeaders: { [DIGEST_HEADER]: digest },
    document: imageParser,
    maxBytes: 300_000,
    describe: (facts, headers) => ({
      'content-type': (facts as Image | undefined)?.type ?? headers['content-type'] ?? 'image/unknown',
    }),
    children,
    needs: (facts) => (facts as Image).needs ?? 'all',
  }
}

/** A name that points to a document. */
export function tagPlan(repository: string, tag: string, base = HUB): Plan {
  const path = `${repository}/images/${tag}`
  return {
    key: cacheKey({ ecosystem: 'images', base, path }),
    ecosystem: 'images',
    mirror: 'hub',
    kind: 'mutable',
    url: base + path,
    base,
    headers: { accept: 'image/any' },
    responseHeaders: { 'cache-control': 'no-cache' },
    scope: `repository:${repository}:pull`,
    lifetime: { floor: 60_000, cap: 60_000 },
    pointsTo: (headers, computed) => {
      const digest = headers[DIGEST_HEADER] ?? (computed && `sha256:${computed}`)
      return digest === undefined || !parseDigest(digest) ? undefined : imagePlan(repository, digest, base)
    },
  }
}

export function imageBytes(image: Image, blobs: readonly Buffer[] = [], images: readonly Buffer[] = []): Buffer {
  const named = (all: readonly Buffer[]) => all.map((bytes) => ({ digest: sha256(bytes), size: bytes.length }))
  return Buffer.from(JSON.stringify({ ...image, blobs: named(blobs), images: named(images) }))
}

/** A registry with repositories: what it was asked for is counted by method and kind. */
export class Hub {
  readonly #content = new Map<string, Buffer>()
  readonly #tags = new Map<string, string>()
  /** Answers everything instead. */
  instead: MemoryAnswer | WarrenError | undefined
  /** Answers HEAD instead. */
  insteadOfHead: MemoryAnswer | undefined
  tellsDigest = true
  headers: Record<string, string> = { 'content-type': 'image/hub' }
  readonly asked: string[] = []

  /** Adds an image with all its parts to a repository, under a tag. */
  publish(repository: string, tag: string, image: Buffer, parts: readonly Buffer[] = [], images: readonly Buffer[] = []): void {
    this.#tags.set(`${repository}/images/${tag}`, `${repository}/images/${sha256(image)}`)
    for (const bytes of [image, ...images]) this.#content.set(`${repository}/images/${sha256(bytes)}`, bytes)
    for (const bytes of parts) this.#content.set(`${repository}/blobs/${sha256(bytes)}`, bytes)
  }

  count(method: string, kind: 'tag' | 'image' | 'blob'): number {
    return this.asked.filter((line) => line === `${method} ${kind}`).length
  }

  readonly script: MemoryScript = ({ method, url }) => {
    const path = new URL(url).pathname.slice(1)
    const tagged = this.#tags.get(path)
    const kind = path.includes('/blobs/') ? 'blob' : /\/images\/sha\d+:/.test(path) ? 'image' : 'tag'
    this.asked.push(`${method} ${kind}`)
    if (this.instead instanceof WarrenError) throw this.instead
    if (this.instead) return this.instead
    if (method === 'HEAD' && this.insteadOfHead) return this.insteadOfHead
    const bytes = this.#content.get(tagged ?? path)
    if (!bytes) return { status: 404 }
    const digest: Record<string, string> = this.tellsDigest ? { [DIGEST_HEADER]: sha256(bytes) } : {}
    const length = { 'content-length': String(bytes.length) }
    return { headers: { ...this.headers, ...digest, ...length }, body: method === 'HEAD' ? Buffer.alloc(0) : bytes }
  }
}
