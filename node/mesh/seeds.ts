import type { Digest } from '../digest.ts'
import { type BlobClient, collect, type MemberRequest, type OpenedBlob } from './blobs/blob-client.ts'
import type { PeerBook } from './peer-book.ts'
import type { Asking } from './swarm/asking.ts'

/** A seed of the mesh, other than this node. */
export interface SeedPeer {
  /** Peer id. */
  readonly id: string
  /** Since when it is connected, in ms since the epoch; undefined while it is not. */
  readonly since: number | undefined
}

export interface SeedAnswer {
  readonly status: number
  readonly body: Buffer
}

export interface SeedsComponents {
  readonly book: Pick<PeerBook, 'seeds' | 'blobsOf'>
  readonly client: Pick<BlobClient, 'open' | 'request'>
}

export interface SeedsInit {
  /** Peer id of this node. */
  readonly self: string
  /** Asked each time: a member becomes a seed while it runs. */
  isSeed(): boolean
}

/** The seeds of the mesh as the parts of a node see them that have to do with seeds alone. */
export class Seeds {
  readonly self: string
  readonly #components: SeedsComponents
  readonly #init: SeedsInit

  constructor(components: SeedsComponents, init: SeedsInit) {
    this.#components = components
    this.#init = init
    this.self = init.self
  }

  /** Whether this node is one. */
  get isSeed(): boolean {
    return this.#init.isSeed()
  }

  /** The others that are known, connected or not. */
  get others(): readonly SeedPeer[] {
    return this.#components.book.seeds()
  }

  /**
   * Asks one over the data plane. Rejects as `BlobClient.request`, and with UPSTREAM_FAILED for an answer of more than `most` bytes.
   */
  async ask(peer: string, asked: MemberRequest, most: number, signal: AbortSignal): Promise<SeedAnswer> {
    const { status, body } = await this.#components.client.request(this.#dialled(peer), asked, signal)
    return { status, body: await collect(body, most) }
  }

  /** Opens a blob of one at byte `start`. Rejects as `BlobClient.open`. */
  open(peer: string, digest: Digest, start: number, signal: AbortSignal, asking?: Asking): Promise<OpenedBlob> {
    return this.#components.client.open(this.#dialled(peer), digest, start, signal, asking)
  }

  #dialled(id: string) {
    return { id, addresses: this.#components.book.blobsOf(id) }
  }
}
