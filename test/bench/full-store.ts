import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheKey } from '../../node/cache/plan.ts'
import { hashNow } from '../../node/store/hasher.ts'
import { IndexDb } from '../../node/store/index-db.ts'
import { place } from '../../node/store/small-files.ts'
import type { NameRecord } from '../../node/store/store.ts'
import { TidyMark } from '../../node/store/tidy-mark.ts'

/** Blobs that one write to the index takes along. */
const AT_ONCE = 2_000
const FETCHED_AT = Date.UTC(2026, 0, 1)

export interface FullStoreInit {
  /** Data folder of a node that does not run. */
  readonly data: string
  /** Base URL of the npm registry that everything seems to have come from, with a slash at its end. */
  readonly base: string
  readonly blobs: number
}

interface Artifact {
  readonly bytes: Buffer
  readonly sha256: string
  readonly sha512: string
}

/** One of the artifacts of a full store: a few bytes that no other has. */
export function artifact(at: number): Artifact {
  const bytes = Buffer.from(`held ${at}\n`)
  const { sha256, sha512 = '' } = hashNow(bytes, ['sha512'])
  return { bytes, sha256, sha512 }
}

/** Its path below the mirror. */
export function artifactPath(at: number): string {
  const name = `held${Math.floor(at / 100)}`
  return `/${name}/-/${name}-1.0.${at % 100}.tgz`
}

/** Key of its name record. @param base as in `FullStoreInit` */
export function artifactKey(base: string, at: number): string {
  return cacheKey({ ecosystem: 'npm', base, path: artifactPath(at).slice(1) })
}

/**
 * Fills the store of a node with artifacts of npm, as if they had been fetched: a file, both digests and a name record each. Through
 * the store's own index and files, but without their syncs, which would take the better part of an hour.
 */
export async function fillStore({ data, base, blobs }: FullStoreInit, signal: AbortSignal): Promise<void> {
  const folder = join(data, 'store')
  for (const name of ['index', ...shards()]) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
  const trouble = (what: string) => {
    throw new Error(what)
  }
  const index = await IndexDb.open({ trouble, probe: async () => {}, onNews: () => {} }, join(folder, 'index'))
  try {
    for (let from = 0; from < blobs; from += AT_ONCE) {
      signal.throwIfAborted()
      await index.write((batch) => {
        for (let at = from; at < Math.min(from + AT_ONCE, blobs); at++) {
          const { bytes, sha256, sha512 } = artifact(at)
          const path = join(folder, 'blobs', sha256.slice(0, 2), sha256)
          place(path, `${path}.spare`, bytes)
          batch.putBlob({ size: bytes.length, digests: { sha256, sha512 } })
          batch.putRecord(artifactKey(base, at), recordOf({ bytes, sha256, sha512 }))
        }
      }, false)
    }
    await new TidyMark(folder).leave()
  } finally {
    await index.close()
  }
}

function recordOf({ bytes, sha256, sha512 }: Artifact): NameRecord {
  return {
    v: 1,
    blob: sha256,
    size: bytes.length,
    headers: { 'content-type': 'application/octet-stream' },
    etag: `"${sha256.slice(0, 16)}"`,
    fetchedAt: FETCHED_AT,
    checkedAt: FETCHED_AT,
    freshFor: null,
    verified: [`sha512:${sha512}`],
  }
}

function shards(): string[] {
  return Array.from({ length: 256 }, (_, shard) => join('blobs', shard.toString(16).padStart(2, '0')))
}
