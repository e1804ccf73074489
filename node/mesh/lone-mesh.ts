import type { BlobSource, ChunkSource, Mesh, Seed } from './mesh.ts'

/** A node that is in no mesh: nobody to ask, nobody to tell. */
export class LoneMesh implements Mesh {
  readonly populated = false
  readonly headStart = 0
  readonly relies = false

  async *find(): AsyncIterable<BlobSource> {}

  source(): undefined {
    return undefined
  }

  seeds(): readonly Seed[] {
    return []
  }

  chunkSources(): readonly ChunkSource[] {
    return []
  }

  announce(): void {}

  async close(): Promise<void> {}
}
