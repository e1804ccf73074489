import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { type Examination, examinationSchema } from '../../admin/api/examination-schema.ts'
import { type Explanation, explainSchema } from '../../admin/api/explain-schema.ts'
import { type Peers, peersSchema } from '../../admin/api/peers-schema.ts'
import { type PinsAnswer, type PlaceAnswer, pinsSchema, placeSchema } from '../../admin/api/pins-schema.ts'
import type { Overrides } from '../../node/components.ts'
import type { Config, MirrorConfig } from '../../node/config/schema.ts'
import { createNode, type Node } from '../../node/index.ts'
import { loadNodeToken } from '../../node/node-token.ts'
import { type AskApi, apiOf } from './api.ts'
import { eventually } from './wait.ts'

export interface StartedNode {
  readonly node: Node
  /** Base URL, without a slash at its end. */
  readonly url: string
  /** Base URL of the admin listener, the same way. */
  readonly admin: string
  /** The npm mirror's base URL. */
  readonly npm: string
  /** What it tells Prometheus. */
  metrics(): Promise<string>
  status(): Promise<import('../../admin/api/status-schema.ts').Status>
  /** What it finds around it. */
  examine(): Promise<Examination>
  /** The other members of its mesh. */
  peers(): Promise<Peers['peers']>
  /** How the pins stand in its eyes; null of a node that is no seed. */
  pins(): Promise<PinsAnswer['own']>
  /** On which seeds that is which it hands out at a path. */
  placeOf(path: string): Promise<PlaceAnswer['place']>
  /** Where a path of its mirrors, or a digest, would come from. */
  explain(key: string): Promise<Explanation>
  readonly api: AskApi
}

export interface StartNodeInit {
  readonly data: string
  /** Base URL of the registry behind the npm mirror. */
  readonly upstream: string
  readonly config?: Partial<Omit<Config, 'mesh'>> & { readonly mesh?: Partial<Config['mesh']> }
  readonly mirrors?: readonly MirrorConfig[]
  readonly overrides?: Overrides
}

/** Starts a node in this process, on a free port; it stops when the test is over. */
export async function startNode(init: StartNodeInit): Promise<StartedNode> {
  const address = { host: '127.0.0.1', port: 0 }
  const npm: MirrorConfig = {
    name: 'npm',
    protocol: 'npm',
    path: '/npm/',
    upstreams: [new URL(init.upstream).href],
    local: false,
  }
  const { mesh: ofMesh, ...others } = init.config ?? {}
  const config: Config = {
    listen: [address],
    admin: { listen: address },
    data: init.data,
    hosts: [],
    trustedProxies: [],
    log: { level: 'silent' },
    store: { minFree: { bytes: 0 }, quota: 'auto' },
    memory: { hot: 64 << 20, rendered: 64 << 20 },
    upstream: { connectTimeout: 2_000, headersTimeout: 5_000, idleTimeout: 2_000, concurrency: 16, patience: 100, ca: [] },
    mesh: {
      listen: address,
      blobs: address,
      announce: [],
      bootstrap: [],
      ephemeral: false,
      replicas: 2,
      names: 'seeds',
      budget: { requests: 1e6, fetches: 1e6, bytes: 1e12, pulls: 1e6 },
      uploads: 8,
      mdns: false,
      dht: 'auto',
      ...ofMesh,
    },
    fresh: { staleWhileRevalidate: 60_000, staleIfError: 604_800_000, negative: 30_000 },
    policy: { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] },
    mirrors: init.mirrors ?? [npm],
    ...others,
  }
  const node = await createNode(config, { log: pino({ level: process.env.WARREN_TEST_LOG ?? 'silent' }), ...init.overrides })
  onTestFinished(() => node.stop())
  const { listen, admin } = await node.start()
  const url = listen[0] as string
  const ask = async (what: string, headers: Record<string, string> = {}) =>
    (await fetch(`${admin}/admin/v1/${what}`, { headers })).json()
  const authorization = `Bearer ${loadNodeToken(init.data).value}`
  return {
    node,
    url,
    admin,
    npm: `${url}/npm/`,
    api: apiOf(admin, init.data),
    metrics: async () => (await fetch(`${admin}/metrics`)).text(),
    status: async () => (await ask('status', { authorization })) as never,
    examine: async () => examinationSchema.parse(await ask('examination', { authorization })),
    pins: async () => pinsSchema.parse(await ask('pins', { authorization })).own,
    placeOf: async (path) =>
      placeSchema.parse(await ask(`pins/place?target=${encodeURIComponent(path)}`, { authorization })).place,
    explain: async (key) => explainSchema.parse(await ask(`explain?key=${encodeURIComponent(key)}`, { authorization })),
    peers: async () => peersSchema.parse(await ask('peers', { authorization })).peers,
  }
}

/** What the node keeps once nothing is on its way any more: until then, what is absent may only be late. */
export async function storeAtRest({
  status,
}: StartedNode): Promise<import('../../admin/api/status-schema.ts').Status['store']> {
  const { store } = await eventually('no flight is under way', async () => {
    const now = await status()
    return now.flights === 0 && now
  })
  return store
}
