import type { BlobSource, Mesh } from './mesh.ts'

/** A node that is in no mesh: nobody to ask, nobody to tell. */
export class LoneMesh implements Mesh {
  readonly populated = false
  readonly headStart = 0

  async *find(): AsyncIterable<BlobSource> {}

  announce(): void {}

  async close(): Promise<void> {}
}
