import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HttpClient } from '../harness/http.ts'
import type { Upstream } from './upstream.ts'
import { Warren, type WarrenInit } from './warren.ts'

const ENTRY = fileURLToPath(new URL('child/fetching-node.ts', import.meta.url))

export interface Fetched {
  readonly ms: number
  /** How many came from where, as `X-Warren-Source` names it. */
  readonly sources: Readonly<Record<string, number>>
}

/** A node that fetches into its store what it is told to, for no client: what it costs without handing anything to anybody. */
export class FetchingNode {
  readonly warren: Warren
  readonly #path: string
  readonly #client = new HttpClient(1)

  private constructor(warren: Warren) {
    this.warren = warren
    this.#path = new URL(warren.url).pathname
  }

  static async start(stack: AsyncDisposableStack, upstream: Upstream, init: WarrenInit): Promise<FetchingNode> {
    const node = new FetchingNode(await Warren.start(stack, upstream, { ...init, entry: ENTRY }))
    stack.defer(() => node.#client.close())
    return node
  }

  /** Gets all paths of its mirror into its store, so many at a time. */
  async fetch(paths: readonly string[], at: number): Promise<Fetched> {
    const url = readFileSync(join(this.warren.process.data, 'fetching.url'), 'utf8')
    const body = JSON.stringify({ paths: paths.map((path) => this.#path + path), at })
    const began = performance.now()
    const reply = await this.#client.exchange(url, { method: 'POST', body })
    if (reply.status !== 200) throw new Error(`the node could not fetch all of it: ${reply.body}`)
    return { ms: performance.now() - began, sources: JSON.parse(reply.body.toString()) }
  }
}
