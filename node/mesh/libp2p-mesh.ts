import { setMaxListeners } from 'node:events'
import { AbortScope } from '../abort-scope.ts'
import type { Digest } from '../digest.ts'
import type { Membership } from '../trust/membership.ts'
import { SeedSource } from './artifacts/seed-source.ts'
import type { Announcer } from './dht/announcer.ts'
import type { DhtLookup } from './dht/lookup.ts'
import { METERED_HEAD_START } from './head-start.ts'
import type { Inventories } from './inventory/inventories.ts'
import type { OwnInventory } from './inventory/own-inventory.ts'
import type { BlobSource, ChunkSource, Mesh, Seed, SmallBlob } from './mesh.ts'
import type { MeshLedger } from './mesh-ledger.ts'
import type { MeshStatus, PeerStatus } from './mesh-status.ts'
import { PeerSource, type PeerSourceComponents } from './peer-source.ts'
import { ranked } from './rendezvous.ts'
import type { Located, Router } from './router.ts'
import type { SmallBlobs } from './small-blobs.ts'
import { SeedChunks } from './swarm/seed-chunks.ts'
import type { Whereabouts } from './whereabouts.ts'

/** Ms that connecting to a member may take that the DHT names. */
const MEET_LIMIT = 3_000

/** Ms that the DHT gets when somebody wants to know where something is. */
const WHEREABOUTS_LIMIT = 2_000

const OVER = new Error('nobody looks for it any more')

export interface Libp2pMeshComponents extends PeerSourceComponents {
  readonly lookup: DhtLookup
  readonly router: Router
  readonly small: SmallBlobs
  readonly inventories: Inventories
  readonly inventory: Pick<OwnInventory, 'add' | 'remove'>
  readonly announcer: Announcer
  /** Connects to a member that is known by its peer id only; its card then tells where its blobs are. */
  meet(peer: string, signal: AbortSignal): Promise<unknown>
  /** What stands behind the mesh: the status that only its parts know. */
  status(): Pick<MeshStatus, 'listen' | 'blobs' | 'reachable' | 'trouble' | 'role' | 'notAfter'>
  /** What this node is in the mesh now. */
  membership(): Membership
  readonly ledger: MeshLedger
  /** Files of the mesh may have changed. */
  refresh(): void
  /** Whether this node is a seed now. */
  isSeed(): boolean
  /** By what the seeds are chosen that a key belongs to. */
  home(key: string): string
  close(): Promise<void>
}

export interface Libp2pMeshInit {
  /** Mesh id. */
  readonly id: string
  /** Peer id of this node. */
  readonly self: string
  /** Whose word about names counts. */
  readonly names: 'seeds' | 'members'
  readonly zone: string | undefined
}

/** The mesh as the cache sees it: who may have a blob, and how to get it from there. */
export class Libp2pMesh implements Mesh {
  readonly #components: Libp2pMeshComponents
  readonly #init: Libp2pMeshInit
  readonly #closed = new AbortController()
  #closing: Promise<void> | undefined

  constructor(components: Libp2pMeshComponents, init: Libp2pMeshInit) {
    this.#components = components
    this.#init = init
    // Every look-up listens for the end.
    setMaxListeners(0, this.#closed.signal)
  }

  get populated(): boolean {
    return !this.#closing && this.#components.book.connected > 0
  }

  get relies(): boolean {
    return !this.fetches
  }

  headStart(digests: readonly Digest[], { metered }: { readonly metered: boolean }): number {
    const { router, headStart } = this.#components
    if (!this.populated || router.rulesOut(digests)) return 0
    return metered ? METERED_HEAD_START : headStart.value
  }

  async *find(digest: Digest, signal: AbortSignal): AsyncGenerator<BlobSource, void> {
    signal.throwIfAborted()
    if (!this.populated) return
    const { book, router } = this.#components
    const scope = new AbortScope(signal, this.#closed.signal)
    const meetings: Promise<Located | undefined>[] = []
    try {
      for await (const located of router.locate(digest, scope.signal)) {
        const { peer } = located
        if (book.usable(peer)) yield this.#source(located, digest)
        // Who is not connected is met while the others are asked.
        else if (!book.isConnected(peer) && book.worthMeeting(peer)) meetings.push(this.#meet(located, signal))
        signal.throwIfAborted()
      }
      for (const meeting of meetings) {
        const located = await meeting
        signal.throwIfAborted()
        if (located && book.usable(located.peer)) yield this.#source(located, digest)
      }
    } catch (error) {
      signal.throwIfAborted()
      if (!this.#closed.signal.aborted) throw error
    } finally {
      scope.end(OVER)
    }
  }

  small(digests: readonly Digest[]): Promise<SmallBlob | undefined> | undefined {
    return this.populated ? this.#components.small.find(digests) : undefined
  }

  source(peer: string, digest: Digest): BlobSource | undefined {
    return this.#components.book.usable(peer) ? this.#source({ peer, by: 'referral' }, digest) : undefined
  }

  seeds(key: string, which: 'promising' | 'connected' = 'promising'): readonly Seed[] {
    if (!this.populated) return []
    const { book } = this.#components
    const { self, names } = this.#init
    const role = names === 'members' ? undefined : 'seed'
    const others = which === 'promising' ? book.usables(role) : book.unblamed(role)
    if (others.length === 0) return []
    const order = ranked(this.#components.home(key), this.fetches ? [...others, self] : others)
    // Whoever fetches for others asks only those before itself: however much nodes differ about who is there, no two send each
    // other in circles.
    const before = this.fetches ? order.slice(0, order.indexOf(self)) : order
    return before.map((id) => new SeedSource(this.#components, id, which === 'connected' ? 'all' : 'usual'))
  }

  chunkSources(digest: Digest): readonly ChunkSource[] {
    const { book } = this.#components
    return book.usables('seed').map((id) => new SeedChunks(this.#components, id, digest))
  }

  announce(digests: readonly Digest[]): void {
    const { lookup, inventory, announcer } = this.#components
    for (const digest of digests) lookup.forget(digest)
    inventory.add(digests)
    announcer.announce(digests)
  }

  withdraw(digests: readonly Digest[]): void {
    this.#components.inventory.remove(digests)
  }

  async whereabouts(
    digests: readonly Digest[],
    upstream: { readonly metered: boolean },
    signal: AbortSignal,
  ): Promise<Whereabouts> {
    const { router } = this.#components
    const limited = AbortSignal.any([signal, this.#closed.signal, AbortSignal.timeout(WHEREABOUTS_LIMIT)])
    const members = await router.whereabouts(digests, limited)
    return { members, coversAll: router.coversAll, headStart: this.headStart(digests, upstream) }
  }

  get membership(): Membership {
    return this.#components.membership()
  }

  get ledger(): MeshLedger {
    return this.#components.ledger
  }

  refresh(): void {
    this.#components.refresh()
  }

  get fetches(): boolean {
    return this.#init.names === 'members' || this.#components.isSeed()
  }

  status(): MeshStatus {
    const { id, self, zone = null } = this.#init
    const { book, router } = this.#components
    const parts = this.#components.status()
    return {
      ...parts,
      state: book.connected > 0 ? 'member' : 'joining',
      id,
      peer: self,
      zone,
      readerOnly: parts.reachable === false,
      peers: book.connected,
      seeds: book.seeds().filter(({ since }) => since !== undefined).length,
      bytesIn: book.moves.in,
      bytesOut: book.moves.out,
      router: { ...router.counts.snapshot(), coversAll: router.coversAll },
    }
  }

  peers(): PeerStatus[] {
    const { book, inventories, ledger } = this.#components
    return book.all().map((peer) => ({
      ...peer,
      inventory: inventories.status(peer.id),
      ledgerDiffersSince: ledger.differsSince(peer.id) ?? null,
    }))
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#closed.abort(new Error('the mesh is closed'))
      await this.#components.close()
    })()
    return this.#closing
  }

  #source(located: Located, digest: Digest): PeerSource {
    return new PeerSource(this.#components, located, digest)
  }

  async #meet(located: Located, signal: AbortSignal): Promise<Located | undefined> {
    const { peer } = located
    try {
      await this.#components.meet(peer, AbortSignal.any([signal, this.#closed.signal, AbortSignal.timeout(MEET_LIMIT)]))
      return located
    } catch {
      if (!signal.aborted) this.#components.book.failed(peer)
      return undefined
    }
  }
}
