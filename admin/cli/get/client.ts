import { Agent, type IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { reasonOf } from '../../../node/errors.ts'
import { UnreachableError } from '../exit-codes.ts'
import { formatBytes } from '../format.ts'
import type { PackageKind, Progress, Transfer } from '../images/progress.ts'
import { askNode, RefusedError, refusalOf, sourceOf } from '../node-http.ts'
import { printable } from '../print.ts'
import type { Check, MakeCheck } from './checks.ts'

/** Bytes of a document that is read; the node itself takes no larger ones. */
const MAX_DOCUMENT = 128 << 20
/** How often something is asked for: a node that is told to wait says when it is worth another try. */
const MAX_TRIES = 3
/** Longest wait that is taken up, in ms, as Cargo does. */
const MAX_WAIT = 10_000
/** Further tries in all: a node whose upstream is down must not be asked three times for each of a thousand files. */
const RETRIES = 24

/** Something that was fetched and checked. */
export interface GotFile {
  readonly kind: PackageKind
  readonly name: string
  readonly url: string
  /** Bytes. */
  readonly size: number
  /** Where the node had it from: `local`, `peer`, `upstream` and so on. */
  readonly source: string
  readonly seconds: number
  /** What it was checked by; null where nothing is promised of it. */
  readonly verified: string | null
}

export interface Ask {
  /** For people. */
  readonly name: string
  readonly url: string
  readonly accept?: string
  /** Bytes, where something tells. */
  readonly size?: number | undefined
  readonly check?: MakeCheck | undefined
}

interface Got<T> {
  readonly got: GotFile
  readonly value: T
}

/** It may be otherwise when asked again. */
class AgainError extends Error {
  readonly after: number

  constructor(message: string, after: number, cause?: unknown) {
    super(message, { cause })
    this.after = after
  }
}

/** Asks the mirrors of a node for what packages are made of: each URL once, unless it is to be something else. */
export class Client {
  readonly #progress: Progress
  readonly #agent: Agent
  readonly #known = new Map<string, Promise<Got<unknown>>>()
  #retries = RETRIES
  /** All that was fetched, each once. */
  readonly fetched: GotFile[] = []

  /** `sockets`: connections at once. */
  constructor(init: { progress: Progress; sockets: number }) {
    this.#progress = init.progress
    this.#agent = new Agent({ keepAlive: true, maxSockets: init.sockets })
  }

  close(): void {
    this.#agent.destroy()
  }

  /** Reads a document. What `parse` throws is told with its name. Throws UnreachableError, RefusedError and Error. */
  document<T>(ask: Ask, parse: (bytes: Buffer) => T): Promise<Got<T>> {
    return this.#once('document', ask, (bytes) => {
      try {
        return parse(bytes)
      } catch (error) {
        throw new Error(`${ask.name} cannot be used: ${reasonOf(error)}`, { cause: error })
      }
    })
  }

  /** Fetches all of a file, checks it and lets the bytes go. Throws UnreachableError, RefusedError and Error. */
  async file(ask: Ask): Promise<GotFile> {
    return (await this.#once('file', ask, undefined)).got
  }

  #once<T>(kind: PackageKind, ask: Ask, parse: ((bytes: Buffer) => T) | undefined): Promise<Got<T>> {
    const key = `${kind} ${ask.accept ?? ''} ${ask.url} ${ask.check?.id ?? ''}`
    const known = this.#known.get(key) as Promise<Got<T>> | undefined
    if (known) return known
    const getting = this.#get(kind, ask, parse)
    this.#known.set(key, getting)
    return getting
  }

  async #get<T>(kind: PackageKind, ask: Ask, parse: ((bytes: Buffer) => T) | undefined): Promise<Got<T>> {
    for (let tries = 1; ; tries++) {
      const transfer = this.#progress.begin({ name: ask.name, kind, size: ask.size })
      try {
        const { got, bytes } = await this.#try(kind, ask, transfer)
        const value = parse?.(bytes) as T
        transfer.done(got)
        this.fetched.push(got)
        return { got, value }
      } catch (error) {
        transfer.failed()
        if (!(error instanceof AgainError) || tries === MAX_TRIES || this.#retries === 0) throw error
        this.#retries--
        await setTimeout(error.after)
      }
    }
  }

  async #try(kind: PackageKind, ask: Ask, transfer: Transfer): Promise<{ got: GotFile; bytes: Buffer }> {
    const { name, url } = ask
    const beganAt = performance.now()
    const response = await this.#open(ask)
    let check: Check | undefined
    try {
      if (response.statusCode !== 200) throw await refused(response, name)
      const source = sourceOf(response)
      transfer.from(source)
      check = ask.check?.begin()
      const bytes: Buffer[] = []
      const size = await receive(response, ask, (part, total) => {
        check?.update(part)
        if (kind === 'document') bytes.push(part)
        if (kind === 'document' && total > MAX_DOCUMENT) throw new Error(`${name} is larger than ${formatBytes(MAX_DOCUMENT)}`)
        transfer.moved(total)
      })
      await conclude(check, ask, size)
      const seconds = Math.round(performance.now() - beganAt) / 1_000
      return { got: { kind, name, url, size, source, seconds, verified: check?.by ?? null }, bytes: Buffer.concat(bytes) }
    } finally {
      check?.close?.()
      // What was read to its end leaves a connection for the next.
      if (!response.complete) response.destroy()
    }
  }

  async #open({ url, name, accept = '*/*' }: Ask): Promise<IncomingMessage> {
    try {
      return await askNode(new URL(url), { accept, agent: this.#agent }, name)
    } catch (error) {
      // A connection that was kept may be closed by the node in the moment when it is used again.
      throw error instanceof UnreachableError ? error : new AgainError(reasonOf(error), 0, error)
    }
  }
}

async function receive(
  response: IncomingMessage,
  { name, size }: Ask,
  onPart: (part: Buffer, total: number) => void,
): Promise<number> {
  let total = 0
  const parts = (response as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  for (;;) {
    let next: IteratorResult<Buffer>
    try {
      next = await parts.next()
    } catch (error) {
      const of = size === undefined ? '' : ` of ${formatBytes(size)}`
      throw new AgainError(`${name} broke off after ${formatBytes(total)}${of}: ${reasonOf(error)}`, 0, error)
    }
    if (next.done) return total
    total += next.value.length
    onPart(next.value, total)
  }
}

async function conclude(check: Check | undefined, { name, size }: Ask, bytes: number): Promise<void> {
  const wrong = size !== undefined && bytes !== size ? `it has ${bytes} bytes instead of ${size}` : await check?.verdict()
  if (wrong !== undefined) throw new Error(`${name} is wrong: ${wrong}`)
}

async function refused(response: IncomingMessage, name: string): Promise<Error> {
  const { statusCode: status = 0, headers } = response
  const message = printable(`${name}: ${await refusalOf(response)}`)
  const after = Number(headers['retry-after'] ?? Number.NaN) * 1_000
  const isTrouble = status === 429 || status === 503
  return isTrouble && after <= MAX_WAIT ? new AgainError(message, after) : new RefusedError(message, status)
}
