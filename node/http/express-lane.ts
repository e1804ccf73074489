import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { LRUCache } from 'lru-cache'

/** An answer with status 200 that is in memory as a whole. */
export interface AtHand {
  /** Its header fields as they go over the wire, each with its line end. */
  readonly fields: Buffer
  readonly body: Buffer
}

export interface ExpressLaneComponents {
  /** Whether nothing in a request calls for more than looking its target up; only then are its headers remembered. */
  isPlain(request: IncomingMessage): boolean
  /** The answer to a GET with remembered headers; undefined: it goes the usual way. Never throws. */
  atHand(target: string, headers: IncomingHttpHeaders, socket: Socket): AtHand | undefined
  /** Whether the connection owes no answer to an earlier request. */
  isIdle(socket: Socket): boolean
}

/** Blocks of headers that are remembered. A client sends the same one with nearly every request. */
const MAX_BLOCKS = 500
/** Bytes of a request that is looked at here. */
const MAX_REQUEST = 4_096

const VERSION = ' HTTP/1.1'
const END = '\r\n\r\n'
const TARGET = /^\/[!-~]*$/

/** A connection on which every chunk so far was one whole request without a body, so that the next one begins a request, too. */
interface Rider {
  /**
   * Whether Node's parser had a request of this connection. Until then Node counts the time since the connection was made as
   * that of a header which does not come, and ends the connection with a 408, however many answers went out past the parser.
   */
  begun: boolean
  /** The header block of the GET that Node's parser has in its hands. */
  block: string | undefined
  /** What it made of it. */
  requests: number
  bodies: number
  /** Headers of a plain GET. */
  plain: IncomingHttpHeaders | undefined
}

/**
 * Answers small hot artifacts and documents past Node's HTTP machinery, which costs more than all the rest of such a hit. It parses
 * nothing: only a block of headers that Node's own parser took before, byte for byte, for a plain GET is accepted, so that both
 * can never understand a request differently (request smuggling). Whatever else a chunk may be goes to Node's parser, and a
 * connection that sends anything but one whole request at a time stays there for good.
 */
export class ExpressLane {
  readonly #components: ExpressLaneComponents
  readonly #keepAliveSeconds: number
  readonly #known = new LRUCache<string, IncomingHttpHeaders>({ max: MAX_BLOCKS })
  readonly #riders = new WeakMap<Socket, Rider>()
  #second = 0
  #start = Buffer.alloc(0)

  /** @param init.keepAlive ms that an idle connection is kept */
  constructor(components: ExpressLaneComponents, init: { keepAlive: number }) {
    this.#components = components
    this.#keepAliveSeconds = Math.floor(init.keepAlive / 1_000)
  }

  /** Takes a place before the listener by which Node's HTTP server reads a new connection. */
  watch(socket: Socket): void {
    const [parse, other] = socket.listeners('data') as ((chunk: Buffer) => void)[]
    if (!parse || other) return
    const rider: Rider = { begun: false, block: undefined, requests: 0, bodies: 0, plain: undefined }
    const leave = () => {
      this.#riders.delete(socket)
      socket.off('data', onData)
      if (!socket.destroyed) socket.on('data', parse)
    }
    const onData = (chunk: Buffer) => {
      const text = chunk.length <= MAX_REQUEST ? chunk.toString('latin1') : ''
      if (!isWholeRequest(text)) {
        // Before the parser sees what may be the beginning of a tunnel, for which Node takes its own listener off.
        leave()
        parse(chunk)
        return
      }
      const lineEnd = text.indexOf('\r\n')
      const block = text.slice(lineEnd)
      if (rider.begun && this.#answer(block, text, lineEnd, socket)) return
      rider.block = block
      rider.requests = 0
      rider.bodies = 0
      rider.plain = undefined
      rider.begun = true
      parse(chunk)
      if (rider.requests !== 1 || rider.bodies > 0) leave()
      else if (rider.plain) this.#known.set(block, rider.plain)
    }
    this.#riders.set(socket, rider)
    socket.on('data', onData)
    socket.off('data', parse)
  }

  /** Hears of every request that Node's parser found, in the turn in which it did. */
  saw(request: IncomingMessage): void {
    const rider = this.#riders.get(request.socket)
    if (!rider) return
    const { headers, method } = request
    rider.requests++
    if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) rider.bodies++
    if (method !== 'GET' || rider.block === undefined || this.#known.has(rider.block)) return
    if (this.#components.isPlain(request)) rider.plain = { ...headers }
  }

  #answer(block: string, text: string, lineEnd: number, socket: Socket): boolean {
    const headers = text.startsWith('GET ') ? this.#known.get(block) : undefined
    // A client that does not read its answers must not have more of them made.
    if (!headers || socket.writableLength > 0 || !this.#components.isIdle(socket)) return false
    const target = text.slice('GET '.length, lineEnd - VERSION.length)
    const answer = TARGET.test(target) ? this.#components.atHand(target, headers, socket) : undefined
    if (!answer) return false
    socket.cork()
    socket.write(this.#startOfHead())
    socket.write(answer.fields)
    socket.write(answer.body)
    socket.uncork()
    return true
  }

  /** What all answers of one second begin with (RFC 9110 section 6.6.1 for the date). */
  #startOfHead(): Buffer {
    const now = Date.now()
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) {
      this.#second = second
      const keepAlive = `connection: keep-alive\r\nkeep-alive: timeout=${this.#keepAliveSeconds}\r\n`
      this.#start = Buffer.from(`HTTP/1.1 200 OK\r\ndate: ${new Date(now).toUTCString()}\r\n${keepAlive}`)
    }
    return this.#start
  }
}

/** One GET or HEAD in the form that all clients send, and nothing behind it. */
function isWholeRequest(text: string): boolean {
  if (!text.startsWith('GET /') && !text.startsWith('HEAD /')) return false
  const lineEnd = text.indexOf('\r\n')
  return text.startsWith(VERSION, lineEnd - VERSION.length) && text.indexOf(END) === text.length - END.length
}
