import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { Examination } from '../../admin/api/examination-schema.ts'
import type { Explanation } from '../../admin/api/explain-schema.ts'
import type { Peers } from '../../admin/api/peers-schema.ts'
import type { PinsAnswer, PlaceAnswer } from '../../admin/api/pins-schema.ts'
import { type AdminPorts, adminApi } from '../../admin/api/plugin.ts'
import type { Status } from '../../admin/api/status-schema.ts'
import { ecosystems } from '../../node/built-ins.ts'
import { systemClock } from '../../node/clock.ts'
import { WarrenError } from '../../node/errors.ts'
import { LedgerDesk } from '../../node/ledger-desk.ts'
import { LiveSettings } from '../../node/live-settings.ts'
import { writeNodeFile } from '../../node/node-file.ts'
import { proofOf } from '../../node/node-proof.ts'
import { loadNodeToken, type NodeToken } from '../../node/node-token.ts'
import { CacheDesk } from '../../node/purge/cache-desk.ts'
import { PurgeBook } from '../../node/purge/purge-book.ts'
import { Purger, type PurgerComponents } from '../../node/purge/purger.ts'
import { MemoryStore } from '../../node/store/memory-store.ts'

export const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

export const LONE: Status['mesh'] = {
  state: 'lone',
  id: null,
  role: null,
  peer: PEER,
  zone: null,
  listen: [],
  blobs: null,
  reachable: null,
  readerOnly: false,
  peers: 0,
  seeds: 0,
  notAfter: null,
  trouble: null,
  bytesIn: 0,
  bytesOut: 0,
  pins: null,
  router: null,
  ledger: null,
}

/** Of a node that has nobody around it, and needs nobody. */
export const WELL: Examination = {
  process: { user: { id: 999, name: 'warren' }, descriptors: 30, maxDescriptors: 65_536 },
  clock: { aheadOfPeers: null, aheadOfUpstreams: null },
  upstreams: [],
  ledger: null,
  names: 'seeds',
}

export interface FakeNode {
  /** Base URL of its admin API. */
  readonly admin: string
  readonly token: NodeToken
  mesh: Status['mesh']
  peers: Peers['peers']
  pins: PinsAnswer
  /** By target. */
  readonly places: Map<string, PlaceAnswer['place']>
  /** What it says of every key. */
  explanation: Explanation | undefined
  /** What it finds around it. */
  examination: Examination
  /** How often it was asked where something is. */
  placesAsked: number
  mirrors: Status['mirrors']
  state: Status['node']['state']
  /** Base URLs of its mirrors. */
  listen: readonly string[]
}

function emptyCache(): CacheDesk {
  const book = new PurgeBook({ planOf: () => undefined, find: () => undefined })
  const store = new MemoryStore({ purged: book })
  const file = { begin: async () => {}, end: async () => {} }
  const log = { info() {}, warn() {} } as PurgerComponents['log']
  const parts = { book, file, store, cache: { detach() {} }, forget() {}, clock: systemClock, log }
  const purger = new Purger(parts, { known: [] })
  const mesh = { whereabouts: async () => ({ members: [], coversAll: false, headStart: 0 }), seeds: () => [] }
  return new CacheDesk({ planOf: () => undefined, find: () => undefined, store, purger, mesh, mirrors: () => [] })
}

/** The admin API of a node on `data` without the node: what it tells is what the test says. */
export async function startFakeNode(data: string, ports: Partial<AdminPorts> = {}): Promise<FakeNode> {
  const token = loadNodeToken(data)
  const settings = new LiveSettings(
    { ecosystems, takeMirrors: () => {}, takePolicy: () => {}, left: () => {} },
    { folder: data, base: { mirrors: [], policy: { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] } } },
  )
  const api = await adminApi({
    checkHost: () => {},
    audit: () => {},
    bug: () => {},
    token,
    prove: (nonce) => proofOf(token.value, { nonce, listener: admin }),
    status: async () => statusWith(data, node),
    examine: async () => node.examination,
    cache: emptyCache(),
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    peers: async () => ({ peers: node.peers }),
    pins: async () => node.pins,
    explain: async (key) => {
      if (!node.explanation) throw new WarrenError('NO_SUCH_MIRROR', 'this node has no mirrors')
      return { ...node.explanation, key }
    },
    ledger: new LedgerDesk({ clock: systemClock, mesh: () => undefined, peers: () => [], adminKey: () => undefined }),
    placeOf: async (target) => {
      node.placesAsked++
      return { place: node.places.get(target) ?? null }
    },
    log: { level: 'info' },
    live: { subscribe: () => Readable.from([]) },
    mirrors: settings,
    policy: settings,
    testMirror: async () => ({ upstreams: [] }),
    ...ports,
  })
  const server = createServer((request, response) => {
    if (!api.handle(request, response)) response.writeHead(418).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    await api.close()
    server.closeAllConnections()
    server.close()
  })
  const admin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  writeNodeFile(data, { pid: process.pid, listen: [admin], admin })
  const node: FakeNode = {
    admin,
    token,
    mesh: LONE,
    peers: [],
    pins: { own: null, seeds: [] },
    places: new Map(),
    placesAsked: 0,
    explanation: undefined,
    examination: WELL,
    mirrors: [],
    state: 'ready',
    listen: [],
  }
  return node
}

function statusWith(data: string, { mesh, mirrors, state, listen }: FakeNode): Status {
  const none = { local: 0, flight: 0, peer: 0, seed: 0, upstream: 0, stale: 0 }
  return {
    node: { id: '0011aabb', version: '0.1.0', pid: process.pid, startedAt: 0, state, data, listen },
    mirrors,
    requests: { ...none, negative: 0, denied: 0, error: 0 },
    bytes: none,
    saved: 0,
    flights: 0,
    upstream: [],
    store: { blobs: 0, bytes: 0, records: 0, free: 0, storing: true },
    memory: { bytes: 0, limit: 0 },
    mesh,
  }
}
