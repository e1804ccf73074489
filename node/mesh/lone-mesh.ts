import type { BlobSource, ChunkSource, Mesh, Seed } from './mesh.ts'

/** A node that is in no mesh: nobody to ask, nobody to tell. */
export class LoneMesh implements Mesh {
  readonly populated = false
  readonly relies = false

  headStart(): number {
    return 0
  }

  async *find(): AsyncIterable<BlobSource> {}

  small(): undefined {
    return undefined
  }

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

  withdraw(): void {}

  async close(): Promise<void> {}
}
