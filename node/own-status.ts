import type { Counts, Status } from '../admin/api/status-schema.ts'
import type { Cache } from './cache/cache.ts'
import type { Config } from './config/schema.ts'
import type { Mounts } from './http/mounts.ts'
import type { RenderedCache } from './http/rendered.ts'
import type { HttpServer } from './http/server.ts'
import { urlOf } from './listener-url.ts'
import { ledgerFacts } from './mesh/mesh-ledger.ts'
import type { MeshSwitch } from './mesh/mesh-switch.ts'
import type { Permanence } from './permanence/permanence.ts'
import type { Pins } from './pins/pins.ts'
import type { StatsCounter } from './stats.ts'
import { DiskStore } from './store/disk-store.ts'
import type { Store } from './store/store.ts'
import type { Upstream } from './upstream/upstream.ts'
import { VERSION } from './version.ts'

export interface OwnStatusComponents {
  readonly cache: Pick<Cache, 'flights'>
  readonly upstream: Pick<Upstream, 'health'>
  readonly store: Store
  readonly permanence: Permanence | undefined
  readonly rendered: RenderedCache
  readonly stats: StatsCounter
  readonly mesh: MeshSwitch
  readonly pins: Pins
  mounts(): Mounts
  server(): HttpServer
}

/** What a node tells of itself. */
export class OwnStatus {
  readonly #components: OwnStatusComponents
  readonly #config: Config
  readonly #self: Pick<Status['node'], 'id' | 'startedAt'>

  constructor(components: OwnStatusComponents, init: { config: Config; id: string; startedAt: number }) {
    this.#components = components
    this.#config = init.config
    this.#self = { id: init.id, startedAt: init.startedAt }
  }

  /** What is under way, kept and in memory. */
  async parts() {
    const { cache, upstream, store, permanence, rendered } = this.#components
    const { hot, rendered: forms } = this.#config.memory
    return {
      flights: cache.flights,
      upstream: upstream.health(),
      store: { ...(await store.status()), ...permanence?.status() },
      memory: { bytes: rendered.bytes + (store instanceof DiskStore ? store.hotBytes : 0), limit: hot + forms },
    }
  }

  async status(): Promise<Status> {
    const { mounts } = this.#components
    const mirrors = mounts().all.map(({ mirror, protocol }) => ({ ...mirror, protocol: protocol.name }))
    return { ...(await this.now()), mirrors }
  }

  /** The same without what changes seldom. */
  async now(): Promise<Omit<Status, 'mirrors'>> {
    const { stats, mesh, pins, server } = this.#components
    const { draining, listening } = server()
    const known = ledgerFacts(mesh.ledger)
    const node: Counts['node'] = { ...this.#self, version: VERSION, pid: process.pid, state: draining ? 'draining' : 'ready' }
    return {
      node: { ...node, data: this.#config.data, listen: listening?.listen.map(urlOf) ?? [] },
      ...stats.snapshot(),
      ...(await this.parts()),
      mesh: { ...mesh.status(), pins: pins.counts(), ledger: known && { ops: known.ops, confirmed: known.confirmed } },
    }
  }
}
