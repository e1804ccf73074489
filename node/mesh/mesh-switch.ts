import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Digest } from '../digest.ts'
import { isWarrenError, reasonOf } from '../errors.ts'
import type { Membership } from '../trust/membership.ts'
import { LoneMesh } from './lone-mesh.ts'
import type { BlobSource, ChunkSource, Mesh, Seed, SmallBlob } from './mesh.ts'
import type { MeshLedger } from './mesh-ledger.ts'
import type { MeshStatus, PeerStatus } from './mesh-status.ts'
import type { Whereabouts } from './whereabouts.ts'

/** A mesh that tells about itself. */
export interface OpenMesh extends Mesh {
  /** What the node is in it now; it may have got another certificate since it was opened. */
  readonly membership: Membership
  /** Whether this node fetches for others now. */
  readonly fetches: boolean
  status(): MeshStatus
  peers(): PeerStatus[]
  /** Who is known to have something; the DHT gets two seconds to say so. */
  whereabouts(digests: readonly Digest[], upstream: { readonly metered: boolean }, signal: AbortSignal): Promise<Whereabouts>
  readonly ledger: MeshLedger
  /** Its files may have changed. */
  refresh(): void
}

export interface MeshSwitchComponents {
  /** Reads what the node is a member of. Throws when that cannot be read. */
  membership(): Membership | undefined
  open(membership: Membership): Promise<OpenMesh>
  /** Removes what else is kept of a mesh that the node has left. */
  forget(): void
  readonly log: Logger
}

/** The mesh of a node that may join, renew and leave while it runs; a lone one in between. */
export class MeshSwitch implements Mesh {
  readonly #components: MeshSwitchComponents
  readonly #self: string
  readonly #lone = new LoneMesh()
  #current: OpenMesh | undefined
  #membership: Membership | undefined
  /** Why the node is not in the mesh that it is a member of; undefined while it is. */
  #trouble: string | undefined
  /** One change after the other. */
  #changing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(components: MeshSwitchComponents, init: { self: string }) {
    this.#components = components
    this.#self = init.self
  }

  /** Throws ADDRESS_IN_USE, SECRET_EXPOSED or MESH_UNREADABLE; with a certificate that has ended the node runs alone. */
  start(): Promise<void> {
    return this.#next(async () => {
      const membership = this.#components.membership()
      if (!membership) return
      try {
        await this.#open(membership)
      } catch (error) {
        if (!isWarrenError(error, 'UNTRUSTED')) throw error
        this.#fail(error)
      }
    })
  }

  /** What the node is a member of may have changed, or what is kept of its mesh. Never rejects. */
  reload(): Promise<void> {
    return this.#next(async () => {
      try {
        const membership = this.#components.membership()
        // What went wrong before may go well now, with the same membership too.
        if (this.#trouble === undefined && isDeepStrictEqual(membership, this.#current?.membership ?? this.#membership)) {
          this.#current?.refresh()
          return
        }
        const left = this.#current
        this.#current = undefined
        this.#membership = undefined
        this.#trouble = undefined
        await left?.close().catch((error) => {
          this.#components.log.warn(`the mesh that this node has left does not close well: ${reasonOf(error)}`)
        })
        if (membership) {
          await this.#open(membership)
        } else if (left) {
          // Once more: while it was being left it may have written down whom it met.
          this.#components.forget()
          this.#components.log.info('left the mesh; this node runs alone')
        }
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  /** Undefined while the node runs alone. */
  get ledger(): MeshLedger | undefined {
    return this.#current?.ledger
  }

  get populated(): boolean {
    return this.#mesh.populated
  }

  get fetches(): boolean {
    return this.#current?.fetches ?? false
  }

  get relies(): boolean {
    return this.#mesh.relies
  }

  headStart(...asked: Parameters<Mesh['headStart']>): number {
    return this.#mesh.headStart(...asked)
  }

  find(digest: Digest, signal: AbortSignal): AsyncIterable<BlobSource> {
    return this.#mesh.find(digest, signal)
  }

  small(digests: readonly Digest[]): Promise<SmallBlob | undefined> | undefined {
    return this.#mesh.small(digests)
  }

  source(peer: string, digest: Digest): BlobSource | undefined {
    return this.#mesh.source(peer, digest)
  }

  seeds(...asked: Parameters<Mesh['seeds']>): readonly Seed[] {
    return this.#mesh.seeds(...asked)
  }

  chunkSources(digest: Digest): readonly ChunkSource[] {
    return this.#mesh.chunkSources(digest)
  }

  announce(digests: readonly Digest[]): void {
    this.#mesh.announce(digests)
  }

  withdraw(digests: readonly Digest[]): void {
    this.#mesh.withdraw(digests)
  }

  status(): MeshStatus {
    return this.#current?.status() ?? lone(this.#self, this.#trouble ?? null)
  }

  peers(): PeerStatus[] {
    return this.#current?.peers() ?? []
  }

  async whereabouts(...asked: Parameters<OpenMesh['whereabouts']>): Promise<Whereabouts> {
    return (await this.#current?.whereabouts(...asked)) ?? { members: [], coversAll: false, headStart: 0 }
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closed = true
    return this.#next(async () => {
      const left = this.#current
      this.#current = undefined
      await left?.close()
    })
  }

  get #mesh(): Mesh {
    return this.#current ?? this.#lone
  }

  async #open(membership: Membership): Promise<void> {
    if (this.#closed) return
    this.#membership = membership
    this.#current = await this.#components.open(membership)
    const { role, listen } = this.#current.status()
    this.#components.log.info({ mesh: membership.mesh, role, listen }, 'in a mesh')
  }

  #fail(error: unknown): void {
    const reason = reasonOf(error)
    if (this.#current) {
      this.#components.log.error(`this node stays in its mesh as it is: ${reason}`)
      return
    }
    // What no waiting mends: only another certificate does.
    const right = isWarrenError(error, 'UNTRUSTED') ? '; join again with a new ticket (warren mesh join)' : ''
    this.#trouble = `${reason}${right}`
    this.#components.log.error(`this node runs alone, outside its mesh: ${this.#trouble}`)
  }

  #next(change: () => Promise<void>): Promise<void> {
    const done = this.#changing.then(change)
    this.#changing = done.catch(() => {})
    return done
  }
}

function lone(peer: string, trouble: string | null): MeshStatus {
  return {
    state: 'lone',
    id: null,
    role: null,
    peer,
    zone: null,
    listen: [],
    blobs: null,
    reachable: null,
    readerOnly: false,
    peers: 0,
    seeds: 0,
    notAfter: null,
    trouble,
    bytesIn: 0,
    bytesOut: 0,
    router: null,
  }
}
