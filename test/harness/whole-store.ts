import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { IndexDb } from '../../node/store/index-db.ts'
import { IndexPlace } from '../../node/store/index-place.ts'

/** Checks the store of a node that is gone: every blob that the index names must be on disk, whole and right. How many there are. */
export async function checkStore(folder: string): Promise<number> {
  const components = { trouble: (what: string) => expect.fail(what), probe: async () => {}, onNews: () => {} }
  const index = await IndexDb.open(components, join(folder, new IndexPlace(folder).current))
  try {
    let blobs = 0
    let total = 0
    const { entries } = await index.blobPage('', Number.MAX_SAFE_INTEGER)
    for (const [sha256, { size }] of entries) {
      const bytes = readFileSync(join(folder, 'blobs', sha256.slice(0, 2), sha256))
      expect(bytes.length).toBe(size)
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
      blobs++
      total += size
    }
    expect([index.usage.blobs, index.usage.bytes]).toEqual([blobs, total])
    return blobs
  } finally {
    await index.close()
  }
}
