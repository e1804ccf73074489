import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { TICKET_VARIABLE } from '../../../node/config/env.ts'
import { readNodeFile } from '../../../node/node-file.ts'
import { type Peers, peersSchema } from '../../api/peers-schema.ts'
import { type Status, statusSchema } from '../../api/status-schema.ts'
import type { ApiClient } from '../api-client.ts'
import { ownNode } from '../own-node.ts'
import type { Ended, Processes, Running } from './processes.ts'

/** The command itself: its source in a checkout, compiled in the package. */
const ENTRY = fileURLToPath(new URL('../warren.js', import.meta.url))
/** Ms that a node gets to serve, and then to know its mesh; busy machines included. */
const PATIENCE = 60_000
const BETWEEN_LOOKS = 50
/** Characters of a node's last line that people get to see. */
const LAST_WORDS = 300

export interface DemoNodeComponents {
  readonly processes: Processes
  /** Told when the node ends without being asked. */
  onDeath(error: Error): void
}

export interface DemoNodeInit {
  readonly name: string
  /** Everything that it keeps lies in here. */
  readonly folder: string
  readonly upstream: string
  /** Certificate authorities of the upstream. */
  readonly ca: string | undefined
  /** Port at which members find it; 0 for a free one. */
  readonly meshPort: number
}

/** A node that runs as `warren up` in a process of its own, with nothing of this machine's settings. */
export class DemoNode {
  readonly name: string
  readonly #components: DemoNodeComponents
  readonly #init: DemoNodeInit
  readonly #data: string
  readonly #config: string
  #running: Running | undefined
  #stopping = false
  /** Why it does not run any more. */
  #death: Error | undefined

  constructor(components: DemoNodeComponents, init: DemoNodeInit) {
    this.#components = components
    this.#init = init
    this.name = init.name
    this.#data = join(init.folder, 'data')
    this.#config = join(init.folder, 'warren.yaml')
    mkdirSync(this.#data, { recursive: true })
    writeFileSync(this.#config, stringify(this.#settings()))
  }

  /** Runs another command on it, and returns what that printed. Rejects with what it complains. */
  async command(...args: readonly string[]): Promise<string> {
    const ended = await this.#warren([...args, '--config', this.#config]).ended
    if (ended.code === 0) return ended.stdout.trim()
    throw new Error(`«warren ${args.slice(0, 2).join(' ')}» failed on ${this.name}: ${lastWords(ended)}`)
  }

  /** Resolves when it serves. */
  async start(ticket?: string): Promise<void> {
    const running = this.#warren(['up', '--config', this.#config], ticket)
    this.#running = running
    void running.ended.then((ended) => {
      this.#death = new Error(`${this.name} ended: ${lastWords(ended)}`)
      if (!this.#stopping) this.#components.onDeath(this.#death)
    })
    await this.#until('serve', () => readNodeFile(this.#data) !== undefined)
  }

  /** Resolves when it is connected with so many members. */
  async connected(members: number): Promise<Status['mesh']> {
    let mesh: Status['mesh'] | undefined
    await this.#until(`connect with ${members} members`, async () => {
      mesh = (await this.status()).mesh
      return mesh.peers >= members || mesh.trouble
    })
    return mesh ?? (await this.status()).mesh
  }

  /** URL of its npm mirror. */
  get registry(): string {
    return `${(readNodeFile(this.#data)?.listen[0] ?? '').replace(/\/$/, '')}/npm/`
  }

  async status(): Promise<Status> {
    return statusSchema.parse(await this.#client().get('/admin/v1/status'))
  }

  async peers(): Promise<Peers['peers']> {
    return peersSchema.parse(await this.#client().get('/admin/v1/peers')).peers
  }

  /** Resolves when it has stopped in order. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running?.stop()
  }

  #client(): ApiClient {
    const client = ownNode(this.#data)
    if (!client) throw new Error(`${this.name} does not run any more`)
    return client
  }

  #warren(args: readonly string[], ticket?: string): Running {
    // A setting of whoever watches would stand above the file; proxies are for the one node that goes out.
    const foreign = this.#init.upstream.startsWith('http://127.0.0.1') ? /^WARREN_|^(?:https?|all)_proxy$/i : /^WARREN_/
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
    const secret = ticket === undefined ? {} : { [TICKET_VARIABLE]: ticket }
    const init = { cwd: this.#init.folder, env: { ...env, ...secret } }
    return this.#components.processes.start([process.execPath, ENTRY, ...args], init)
  }

  #settings(): object {
    const { upstream, ca, meshPort } = this.#init
    return {
      data: this.#data,
      listen: ['127.0.0.1:0'],
      mesh: { listen: `127.0.0.1:${meshPort}`, blobs: '127.0.0.1:0', mdns: false },
      mirrors: { npm: { upstreams: [upstream] } },
      // A full disk is nothing that the demo is about.
      store: { minFree: '0' },
      log: { level: 'warn' },
      ...(ca === undefined ? {} : { upstream: { ca: [ca] } }),
    }
  }

  /** `probe` tells true, or false or what is in the way. */
  async #until(what: string, probe: () => boolean | string | null | Promise<boolean | string | null>): Promise<void> {
    const end = performance.now() + PATIENCE
    for (;;) {
      if (this.#death) throw this.#death
      const found = await probe()
      if (found === true) return
      if (performance.now() > end)
        throw new Error(`${this.name} did not ${what} within ${PATIENCE / 1_000} s${found ? `: ${found}` : ''}`)
      await setTimeout(BETWEEN_LOOKS)
    }
  }
}

/** What a node or command said last for people, else its last line. */
function lastWords({ code, stderr }: Ended): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  const line = lines.findLast((one) => one.startsWith('warren: '))?.slice('warren: '.length) ?? lines.at(-1)
  return line?.slice(0, LAST_WORDS) ?? (code === null ? 'a signal ended it' : `its exit code is ${code}`)
}
