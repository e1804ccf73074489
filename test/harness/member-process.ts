import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Explanation, explainSchema } from '../../admin/api/explain-schema.ts'
import { type Peers, peersSchema } from '../../admin/api/peers-schema.ts'
import { type Status, statusSchema } from '../../admin/api/status-schema.ts'
import { ApiClient } from '../../admin/cli/api-client.ts'
import { loadNodeToken } from '../../node/node-token.ts'
import { loadNodeKey } from '../../node/trust/node-key.ts'
import type { Role } from '../../node/trust/standing.ts'
import { type AskApi, apiOf } from './api.ts'
import type { Host } from './network.ts'
import { type NodeProcess, startNodeProcess } from './node.ts'

/** Many of them start on one machine. */
const READY_LIMIT_MS = 60_000
const LOOPBACK = { listen: '127.0.0.1:0', blobs: '127.0.0.1:0' }

export interface MemberProcessComponents {
  /** A ticket of the mesh, encoded. */
  ticket(): Promise<string>
}

export interface MemberProcessInit {
  readonly name: string
  readonly role: Role
  readonly data: string
  readonly config: Readonly<Record<string, unknown>>
  readonly host: Host | undefined
}

/** A member in a process of its own, which may be ended and come back: its data folder, settings and machine stay. */
export class MemberProcess {
  readonly name: string
  readonly role: Role
  readonly data: string
  readonly #components: MemberProcessComponents
  readonly #init: MemberProcessInit
  #node: NodeProcess | undefined
  #starting: Promise<void> | undefined

  constructor(components: MemberProcessComponents, init: MemberProcessInit) {
    this.name = init.name
    this.role = init.role
    this.data = init.data
    this.#components = components
    this.#init = init
  }

  /** Peer id. */
  get peer(): string {
    return loadNodeKey(this.data).peerId
  }

  get running(): boolean {
    return this.#node?.running === true
  }

  /** The process; the last one while none runs. */
  get process(): NodeProcess {
    if (!this.#node) throw new Error(`${this.name} was never started`)
    return this.#node
  }

  /** Base URL, without a slash at its end. */
  get url(): string {
    return this.process.url
  }

  /** The end of what it wrote, with each start anew. */
  get output(): string {
    return this.#node?.output ?? ''
  }

  /** Starts it, once more or for the first time: then it joins. */
  async start(): Promise<void> {
    if (this.running) return
    this.#starting = this.#start()
    await this.#starting
  }

  /** As `NodeProcess`; one that is starting is waited for. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => {})
    await this.#node?.stop()
  }

  async kill(): Promise<void> {
    await this.#node?.kill()
  }

  /** Removes all that it keeps but who it is. It must not run. */
  loseStore(): void {
    if (this.running) throw new Error(`${this.name} still runs`)
    rmSync(join(this.data, 'store'), { recursive: true, force: true })
  }

  readonly api: AskApi = (...asked) => apiOf(this.process.admin, this.data)(...asked)

  async status(): Promise<Status> {
    return statusSchema.parse(await this.#ask('status'))
  }

  /** The other members of its mesh. */
  async peers(): Promise<Peers['peers']> {
    return peersSchema.parse(await this.#ask('peers')).peers
  }

  /** Where a path of its mirrors, or a digest, would come from. */
  async explain(key: string): Promise<Explanation> {
    return explainSchema.parse(await this.#ask(`explain?key=${encodeURIComponent(key)}`))
  }

  async #start(): Promise<void> {
    const { data, host, config } = this.#init
    const mesh = host ? { listen: `${host.address}:7471`, blobs: `${host.address}:7472` } : LOOPBACK
    this.#node = await startNodeProcess({
      data,
      config: { ...config, mesh: { ...mesh, mdns: false, ...(config.mesh as object) } },
      env: { WARREN_TICKET: await this.#components.ticket() },
      // A path is the same file on each of the machines.
      args: host ? ['--admin-listen', `unix:${join(data, 'admin')}`] : [],
      ...(host && { within: host.within, listen: `${host.address}:0` }),
      readyLimitMs: READY_LIMIT_MS,
    })
  }

  #ask(what: string): Promise<unknown> {
    return new ApiClient(this.process.admin, { value: loadNodeToken(this.data).value, proven: true }).get(`/admin/v1/${what}`)
  }
}
