import { onTestFinished } from 'vitest'
import type { Clock } from '../../node/clock.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { exchange, type Reply } from '../harness/http.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { type StartedNode, startNode } from '../harness/start-node.ts'

export interface GoNode {
  readonly upstream: ScriptedGo
  readonly node: StartedNode
  /** Path of the checksum database below the mirror. */
  readonly db: string
  get(path: string, headers?: Record<string, string>): Promise<Reply>
}

export interface GoNodeInit {
  readonly data: string
  /** Of the mirror, in place of what it has otherwise. */
  readonly more?: Partial<MirrorConfig>
  readonly clock?: Clock | undefined
}

/** A node with a mirror of a scripted proxy and its database, both of which stop when the test is over. */
export async function startGo({ data, more = {}, clock }: GoNodeInit): Promise<GoNode> {
  const upstream = await new ScriptedGo().start()
  onTestFinished(() => upstream.stop())
  const mirror = {
    name: 'go',
    protocol: 'go',
    path: '/go/',
    upstreams: [upstream.url],
    sumdb: upstream.sumdb,
    local: false,
    ...more,
  }
  const node = await startNode({ data, upstream: upstream.url, mirrors: [mirror], overrides: clock ? { clock } : {} })
  const get = (path: string, headers: Record<string, string> = {}) => exchange(`${node.url}/go/${path}`, { headers })
  return { upstream, node, db: `sumdb/${upstream.log.signer.name}/`, get }
}
