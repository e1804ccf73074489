import { join } from 'node:path'
import type { Logger } from 'pino'
import { strayEntry } from '../admin/api/audit.ts'
import { adminApi } from '../admin/api/plugin.ts'
import { protocols } from '../protocols/index.ts'
import { AuditLog } from './audit-log.ts'
import { Authorities } from './authorities.ts'
import { Cache } from './cache/cache.ts'
import { Documents } from './cache/documents.ts'
import type { Finder } from './cache/found.ts'
import { homeOf } from './cache/home.ts'
import { Intake } from './cache/intake.ts'
import { replan } from './cache/replan.ts'
import { SeededUpstream } from './cache/seeded-upstream.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config/schema.ts'
import { configuredHosts } from './configured-upstreams.ts'
import { WarrenError } from './errors.ts'
import { Events } from './events.ts'
import { Examiner } from './examiner.ts'
import { Explainer } from './explainer.ts'
import { ArtifactService } from './http/artifact-service.ts'
import { BaseUrl } from './http/base-url.ts'
import { Composer } from './http/composer.ts'
import { Door } from './http/door.ts'
import { HostAllowList } from './http/hosts.ts'
import { MemberBudgets } from './http/member-budgets.ts'
import type { MemberService } from './http/member-door.ts'
import { MetricsDoor } from './http/metrics-door.ts'
import { PinService } from './http/pin-service.ts'
import { RenderedCache } from './http/rendered.ts'
import { ScratchPool } from './http/scratch-pool.ts'
import { Sender } from './http/sender.ts'
import { HttpServer, type ListenAddress } from './http/server.ts'
import { LedgerDesk } from './ledger-desk.ts'
import { NodeEffects } from './ledger-effects.ts'
import { urlOf } from './listener-url.ts'
import { LiveEvents } from './live-events.ts'
import { LiveSettings } from './live-settings.ts'
import { makeLog } from './log.ts'
import { memberServices } from './member-services.ts'
import { MemberStats } from './member-stats.ts'
import type { Mesh } from './mesh/mesh.ts'
import { ledgerFacts } from './mesh/mesh-ledger.ts'
import type { MeshSwitch } from './mesh/mesh-switch.ts'
import type { Answering } from './mesh/open-mesh.ts'
import { MetricsDesk } from './metrics/metrics-desk.ts'
import { testMirror } from './mirror-test.ts'
import { mountsOf } from './mounts-of.ts'
import { meshOf } from './node-mesh.ts'
import { proofOf } from './node-proof.ts'
import { loadNodeToken } from './node-token.ts'
import { upstreamOf, warnOfIdleLogins } from './node-upstream.ts'
import { openStore } from './open-store.ts'
import { OwnStatus } from './own-status.ts'
import { passingNode } from './passing-node.ts'
import { HeldService } from './permanence/held-service.ts'
import { Permanence } from './permanence/permanence.ts'
import { PinDesk } from './pins/desk.ts'
import { Pins } from './pins/pins.ts'
import { planOfKey } from './plan-of-key.ts'
import { PolicyGate } from './policy/gate.ts'
import { Policy } from './policy/policy.ts'
import { CacheDesk } from './purge/cache-desk.ts'
import type { MatcherComponents } from './purge/matcher.ts'
import { PurgeBook } from './purge/purge-book.ts'
import { PurgeFile } from './purge/purge-file.ts'
import { Purger } from './purge/purger.ts'
import { StatsCounter } from './stats.ts'
import { DiskStore } from './store/disk-store.ts'
import type { Store } from './store/store.ts'
import { StoreShelf } from './store-shelf.ts'
import { MeshFolder } from './trust/mesh-folder.ts'
import { loadNodeKey } from './trust/node-key.ts'
import type { Upstream } from './upstream/upstream.ts'
import { VERSION } from './version.ts'

/** Parts that a test may bring along instead of the real ones. */
export interface Overrides {
  readonly clock?: Clock
  readonly log?: Logger
  readonly store?: Store
  readonly mesh?: Mesh
  readonly upstream?: Upstream
}

/** Every part of a node, built leaf to root. */
export interface Components {
  readonly id: string
  readonly log: Logger
  readonly server: HttpServer
  /** What plans a request, and what finds an artifact by its plan: a node without HTTP, as benchmarks use it. */
  readonly door: Door
  readonly finder: Finder
  /** Mirrors and policy, of all layers. */
  readonly settings: LiveSettings
  /** The mesh that this node is in, or may join while it runs. */
  readonly mesh: MeshSwitch
  /** What keeps the store within its bounds; undefined where a test brought another one along. */
  readonly permanence: Permanence | undefined
  /** Frees everything in reverse order of making. */
  readonly disposer: AsyncDisposableStack
}

/** Builds the parts of a node. What was built is freed again when a later part fails. */
export async function buildComponents(config: Config, overrides: Overrides = {}): Promise<Components> {
  await using building = new AsyncDisposableStack()
  const clock = overrides.clock ?? systemClock
  const log = overrides.log ?? makeLog(config.log.level)
  const startedAt = clock.now()
  const stats = new StatsCounter()
  const memberStats = new MemberStats()
  const events = new Events({ log, stats, clock })

  const keys: MatcherComponents = {
    planOf: (key) => planOfKey(key, door.mounts.all),
    find: (digest) => store.blobs.find(digest),
  }
  const book = new PurgeBook(keys)
  const store: Store = building.adopt(overrides.store ?? (await openStore(config, { purged: book, clock, events })), (part) =>
    part.close(),
  )
  // Only once the lock of the store is held.
  const purges = await PurgeFile.open(join(config.data, 'purges'))
  building.defer(() => purges.file.close())
  const rendered = building.adopt(
    new RenderedCache({ onTrouble: (error) => events.renderTrouble(error) }, { bytes: config.memory.rendered }),
    (part) => part.close(),
  )
  const key = loadNodeKey(config.data)
  const id = key.peerId
  if (config.mesh.ephemeral) building.adopt(passingNode(config.data, id), (node) => node.remove())
  const sender = new Sender({ pool: new ScratchPool(), rendered })
  const shelf = new StoreShelf({ store, partial: (digest) => cache.partial(digest) })
  const home = (key: string) => homeOf(key, protocols)
  const pins: Pins = new Pins(
    {
      store,
      clock,
      home,
      isPrivate: (base) => upstream.isPrivate(base),
      announce: (digests) => mesh.announce(digests),
      trouble: (what) => log.warn(what),
    },
    { replicas: config.mesh.replicas },
  )
  const permanence =
    store instanceof DiskStore
      ? building.adopt(
          new Permanence(
            {
              store,
              mesh: {
                find: (digest, signal) => mesh.find(digest, signal),
                announce: (digests) => mesh.announce(digests),
                withdraw: (digests) => mesh.withdraw(digests),
              },
              clock,
              log,
            },
            { quota: config.store.quota, replicas: config.mesh.replicas },
          ),
          (part) => part.stop(),
        )
      : undefined
  const budgets = new MemberBudgets({ clock }, config.mesh.budget)
  // Made when a mesh is opened, once all that they lean on is there.
  const services = (answering: Pick<Answering, 'isSeed' | 'usable'>): readonly MemberService[] => [
    ...memberServices({ shelf, sender, clock }, answering, config.mesh),
    new PinService({ desk: new PinDesk({ pins }) }),
    new HeldService({ shelf }),
    new ArtifactService({
      cache: gate,
      sender,
      upstream,
      budgets,
      intake,
      clock,
      isFetcher: () => mesh.fetches,
      plan: (key) => replan(key, door.mounts.all),
      hasUpstreamOf: (key) => door.mounts.hasUpstreamOf(key),
      record: (key) => store.records.get(key),
      promised: (key) => cache.promised(key),
      learnt: (key, signal) => cache.learnt(key, signal),
      blobOf: (key) => cache.digests(key).find((digest) => shelf.has(digest) || shelf.partial(digest) !== undefined),
    }),
  ]
  const effects = (): NodeEffects => new NodeEffects({ settings, purger, log })
  const parts = { config, key, shelf, pins, permanence, services, effects, home, events, memberStats, clock, log }
  const mesh: MeshSwitch = building.adopt(meshOf(parts), (part) => part.close())
  const settings: LiveSettings = new LiveSettings(
    {
      ecosystems: protocols,
      takeMirrors: (mirrors) => {
        authorities.replace(mirrors)
        door.mounts = mountsOf(mirrors)
        const [address] = server.listening?.listen ?? []
        const base = (config.publicUrl ?? (address ? urlOf(address) : '')).replace(/\/$/, '')
        log.info({ mirrors: Object.fromEntries(mirrors.map(({ name, path }) => [name, base + path])) }, 'mirrors changed')
      },
      takePolicy: (policy) => {
        gate.policy = new Policy(policy)
        log.info({ policy }, 'policy changed')
      },
      left: (what) => log.warn(`what the mesh says is left out at this node: ${what}`),
    },
    { folder: config.data, base: config },
  )
  const authorities = new Authorities(settings.mirrors)
  warnOfIdleLogins({ ...config, mirrors: settings.mirrors }, log)
  const upstream = building.adopt(overrides.upstream ?? upstreamOf({ config, authorities, clock, log }, id), (part) =>
    part.close(),
  )
  const documents = building.adopt(new Documents({ records: store.records, clock }), (part) => part.close())
  const neighbours = overrides.mesh ?? mesh
  const seeded = building.adopt(new SeededUpstream({ upstream, mesh: neighbours, clock }), (part) => part.close())
  const cache: Cache = building.adopt(
    new Cache(
      { store, mesh: neighbours, upstream: seeded, documents, clock, events, mayPrefetch: (plan) => gate.lets(plan) },
      config.fresh,
    ),
    (part) => part.close(),
  )

  const gate: PolicyGate = new PolicyGate(
    { cache, lookup: cache.lookup, keptSince: (key) => keptSince(store, key), clock },
    new Policy(settings.policy),
  )
  const purger = building.adopt(
    new Purger(
      {
        book,
        file: purges.file,
        store,
        ...(store instanceof DiskStore ? { reset: () => store.reset() } : {}),
        cache,
        forget: () => {
          rendered.clear()
          gate.forget()
        },
        clock,
        log,
      },
      { known: purges.known },
    ),
    (part) => part.stop(),
  )
  const intake = building.adopt(new Intake({ cache: gate }), (part) => part.close())
  const composer = building.adopt(new Composer({ withholder: gate, clock }), (part) => part.close())
  const door: Door = new Door(
    {
      cache: gate,
      policy: gate,
      composer,
      upstream,
      sender,
      hosts: new HostAllowList({ hosts: config.hosts, listen: hostsIn([...config.listen, config.admin.listen]) }),
      baseUrl: new BaseUrl({ publicUrl: config.publicUrl, trustedProxies: config.trustedProxies }),
      events,
    },
    { nodeId: id, mounts: mountsOf(settings.mirrors) },
  )
  const explainer = new Explainer({
    store,
    mesh,
    upstream,
    clock,
    plansOf: (target) => door.plansOf(target),
    facts: (plan) => cache.lookup.cached(plan),
  })
  const examiner = new Examiner(
    {
      upstream,
      ledger: () => mesh.ledger,
      mirrors: () => door.mounts.all.map(({ mirror, protocol }) => ({ ...mirror, protocol: protocol.name })),
      clock,
    },
    config.mesh,
  )
  const stopping = new AbortController()
  building.defer(() => stopping.abort(new WarrenError('DRAINING', 'this node is stopping')))
  const audit = building.adopt(new AuditLog({ clock, trouble: (what) => log.warn(what) }, { folder: config.data }), (part) =>
    part.close(),
  )
  const ledger = new LedgerDesk({
    clock,
    mesh: () => mesh.ledger,
    peers: () => mesh.peers(),
    adminKey: () => new MeshFolder(config.data).adminKey(),
  })
  const own = new OwnStatus(
    { cache, upstream, store, permanence, rendered, stats, mesh, pins, mounts: () => door.mounts, server: () => server },
    { config, id, startedAt },
  )
  const live = building.adopt(
    new LiveEvents({
      clock,
      counts: () => own.now(),
      isStopping: () => server.draining,
      trouble: (what) => log.warn(what),
    }),
    (part) => part.close(),
  )
  const metrics = building.adopt(
    new MetricsDesk({
      look: async () => ({
        ...(await own.parts()),
        ...{ version: VERSION, startedAt, draining: server.draining, connections: server.connections, stats },
        configuredHosts: configuredHosts(door.mounts.all.map(({ mirror }) => mirror)),
        ...{ mesh: mesh.status(), peers: mesh.peers(), pins: pins.counts(), ledger: ledgerFacts(mesh.ledger) },
        ...{ lag: ledger.lag(), member: memberStats, purges: purger.runs() },
      }),
    }),
    (part) => part.close(),
  )
  const token = loadNodeToken(config.data)
  const admin = await adminApi({
    audit: (entry) => {
      audit.add(entry)
      live.changed(entry)
    },
    live,
    bug: (error, path) => events.bug(error, path),
    checkHost: (request) => door.checkHost(request),
    token,
    prove: (nonce) => server.listening && proofOf(token.value, { nonce, listener: urlOf(server.listening.admin) }),
    metrics: () => metrics.page(),
    ledger,
    cache: new CacheDesk({ ...keys, store, purger, mesh, mirrors: () => door.mounts.all }),
    log,
    mirrors: settings,
    policy: settings,
    testMirror: (mirror) => testMirror(mirror, { upstream, clock }, stopping.signal),
    examine: () => examiner.examine(stopping.signal),
    peers: async () => ({
      peers: mesh
        .peers()
        .map((peer) => ({ ...peer, budget: mesh.fetches ? budgets.left({ peer: peer.id, ticket: peer.ticket }) : null })),
    }),
    pins: async () => (await pins.overview(stopping.signal)) ?? { own: null, seeds: [] },
    explain: (key) => explainer.explain(key, stopping.signal),
    placeOf: async (target) => {
      const keys = door.plansOf(target).map(({ key }) => key)
      const key = keys.find((one) => store.records.get(one)) ?? keys[0]
      return { place: (key !== undefined && (await pins.place(key, stopping.signal))) || null }
    },
    status: () => own.status(),
  })
  building.defer(() => admin.close())
  const scraped = new MetricsDoor({
    page: () => metrics.page(),
    checkHost: (request) => door.checkHost(request),
    bug: (error, path) => events.bug(error, path),
    clock,
  })
  const server = new HttpServer(
    {
      door,
      admin: admin.handle,
      metrics: (request, response) => void scraped.handle(request, response),
      onStray: (request) => audit.add(strayEntry(request)),
    },
    { listen: config.listen, adminListen: config.admin.listen, metricsListen: config.admin.metrics },
  )
  building.defer(() => server.stop())
  purger.start()
  return { id, log, server, door, finder: gate, settings, mesh, permanence, disposer: building.move() }
}

/** Undefined for what only a document that is held names. */
function keptSince({ records }: Store, key: string): number | undefined {
  const held = records.get(key)
  return held?.link ? undefined : held?.fetchedAt
}

/** A Unix socket has none. */
function hostsIn(addresses: readonly ListenAddress[]): string[] {
  return addresses.flatMap((address) => ('socket' in address ? [] : address.host))
}
