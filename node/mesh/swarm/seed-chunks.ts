import { type Digest, formatDigest } from '../../digest.ts'
import { WarrenError } from '../../errors.ts'
import { type BlobClient, collect } from '../blobs/blob-client.ts'
import type { ChunkSource } from '../mesh.ts'
import type { PeerBook } from '../peer-book.ts'
import { CHUNKS_PATH, type ChunkPage, PAGE_BYTES, readPage } from './chunk-page.ts'

export interface SeedChunksComponents {
  readonly book: PeerBook
  readonly client: BlobClient
}

/** The chunk list of a blob at a certified seed, asked for over a connection that has proven to be the seed's. */
export class SeedChunks implements ChunkSource {
  readonly id: string
  readonly #components: SeedChunksComponents
  readonly #digest: Digest

  constructor(components: SeedChunksComponents, id: string, digest: Digest) {
    this.#components = components
    this.id = id
    this.#digest = digest
  }

  async page(from: number, waits: boolean, signal: AbortSignal): Promise<ChunkPage> {
    const { book, client } = this.#components
    const path = `${CHUNKS_PATH}${formatDigest(this.#digest)}?from=${from}${waits ? '&wait' : ''}`
    const seed = { id: this.id, addresses: book.blobsOf(this.id) }
    const { status, headers, body } = await client.request(seed, { method: 'GET', path }, signal)
    try {
      if (status === 200) return readPage(headers, await collect(body, PAGE_BYTES))
      throw new WarrenError('UPSTREAM_ABSENT', `seed ${this.id} answered ${status} when it was asked for a chunk list`)
    } finally {
      body.discard()
    }
  }

  blame(reason: string): void {
    this.#components.book.quarantine(this.id, reason)
    this.#components.client.forget(this.id)
  }
}
