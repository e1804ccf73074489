import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Status } from '../../admin/api/status-schema.ts'
import { HttpClient } from '../harness/http.ts'
import { type NodeProcess, startNodeProcess } from '../harness/node.ts'
import { eventually } from '../harness/wait.ts'
import { tempFolder } from './bench.ts'
import type { Target } from './load.ts'
import type { Upstream } from './upstream.ts'

/** Requests under way at once while a store is filled: as many as a node sends to one upstream. */
const FILLERS = 16
/** A slow disk takes its time to make a gigabyte durable. */
const STORED_LIMIT_MS = 120_000
const SYNCED_LIMIT_MS = 180_000

type Headers = Readonly<Record<string, string>>

export interface WarrenInit {
  /** Memory for small artifacts, where not the default. */
  readonly hotBytes?: number
  /** Of a mesh to join. */
  readonly ticket?: string
  /** A program in place of the command line. */
  readonly entry?: string
  /** Whose data folder outlives the node, until these are disposed; goes with the node, where not set. */
  readonly folders?: AsyncDisposableStack
}

/** A mirror as it stands in a configuration. */
interface MirrorInit {
  readonly protocol: string
  /** With a slash at both ends. */
  readonly path: string
  readonly upstreams: readonly [string]
  /** As GOSUMDB has it. */
  readonly sumdb?: string
}

/** A node as users run it, with one mirror of our upstream and all else as it is by default. */
export class Warren implements Target {
  /** Base URL of the mirror, or of the node where images are asked of it; without a slash at its end. */
  readonly url: string
  readonly process: NodeProcess

  private constructor(process: NodeProcess, path: string) {
    this.process = process
    this.url = process.url + path
  }

  static start(stack: AsyncDisposableStack, upstream: Upstream, init: WarrenInit = {}): Promise<Warren> {
    const npm = { protocol: 'npm', path: '/npm/', upstreams: [`${upstream.url}/`] }
    return Warren.#start(stack, '/npm', { npm }, init)
  }

  /** One that takes a registry for Docker Hub. @param origin without a slash at its end */
  static startForImages(stack: AsyncDisposableStack, origin: string): Promise<Warren> {
    return Warren.#start(stack, '', { 'docker-hub': { upstreams: [`${origin}/`] } }, {})
  }

  /** One with a mirror of any other protocol, in place of the one that there is without anybody configuring it. */
  static startMirror(stack: AsyncDisposableStack, mirror: MirrorInit): Promise<Warren> {
    return Warren.#start(stack, mirror.path.replace(/\/$/, ''), { [mirror.protocol]: mirror }, {})
  }

  static async #start(
    stack: AsyncDisposableStack,
    path: string,
    mirrors: Readonly<Record<string, unknown>>,
    { hotBytes, ticket, entry, folders = stack }: WarrenInit,
  ): Promise<Warren> {
    const data = tempFolder(folders, 'node')
    // A nearly full disk would stop storing, and then nothing of what is measured would happen.
    const config = {
      mirrors,
      store: { minFree: '1GiB' },
      mesh: { listen: '127.0.0.1:0', blobs: '127.0.0.1:0', mdns: false },
      ...(hotBytes === undefined ? {} : { memory: { hot: `${hotBytes}B` } }),
    }
    const env: Record<string, string> = ticket === undefined ? {} : { WARREN_TICKET: ticket }
    const init = { data, config, env, ...(entry === undefined ? {} : { entry }) }
    return new Warren(
      stack.adopt(await startNodeProcess(init), (node) => node.stop()),
      path,
    )
  }

  cpuSeconds(): number | undefined {
    return this.process.cpuSeconds()
  }

  /**
   * Gets all of the paths into the store; rejects when one does not come from there afterwards.
   *
   * @param bytes length of each answer, where it is known
   * @param ask request headers
   */
  async warm(paths: readonly string[], bytes: number | undefined, signal: AbortSignal, ask: Headers = {}): Promise<void> {
    try {
      await fill(this.url, paths, bytes, signal, { ask })
      await this.settled(signal)
      await fill(this.url, paths, bytes, signal, { ask, expect: { 'x-warren-source': 'local' } })
    } catch (error) {
      throw new Error(`the node could not be filled; it wrote:\n${this.process.output}`, { cause: error })
    }
  }

  /** Resolves when small blobs have been synced as well, a minute after they were stored: that would fall into what is measured next. */
  async synced(signal: AbortSignal): Promise<void> {
    const journal = join(this.process.data, 'store', 'journal')
    const isEmpty = () => {
      signal.throwIfAborted()
      return readdirSync(journal).length === 0
    }
    await eventually('the journal of small blobs is empty', isEmpty, SYNCED_LIMIT_MS)
  }

  /** Resolves when the node fetches nothing and everything fetched is stored. */
  async settled(signal: AbortSignal): Promise<void> {
    const idle = async () => {
      signal.throwIfAborted()
      return (await this.status()).flights === 0
    }
    await eventually('the node has stored everything', idle, STORED_LIMIT_MS)
  }

  status(): Promise<Status> {
    return this.process.status()
  }
}

/** Asks a server for all of the paths; rejects when one is not answered with so many bytes, if given, and the headers that are expected. */
export async function fill(
  url: string,
  paths: readonly string[],
  bytes: number | undefined,
  signal: AbortSignal,
  { ask = {}, expect = {} }: { ask?: Headers; expect?: Headers } = {},
): Promise<void> {
  const client = new HttpClient(FILLERS)
  let next = 0
  const worker = async () => {
    for (;;) {
      const path = paths[next++]
      if (path === undefined) return
      signal.throwIfAborted()
      const reply = await client.get(url + path, { headers: ask })
      const expected = Object.entries(expect).every(([name, value]) => reply.headers[name] === value)
      if (reply.status === 200 && (bytes === undefined || reply.body.length === bytes) && expected) continue
      throw new Error(
        `${url}${path} was answered ${reply.status} with ${reply.body.length} bytes: ${reply.body.subarray(0, 500)}`,
      )
    }
  }
  try {
    await Promise.all(Array.from({ length: FILLERS }, worker))
  } finally {
    client.close()
  }
}
