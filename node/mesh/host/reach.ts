import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { z } from 'zod'

const PROTOCOL = '/warren/reach/1.0.0'
/** Bytes of a question or an answer. */
const MAX_BYTES = 256
/** Ms that an answer may take: the other side makes a connection for it. */
const LIMIT = 8_000
/** Members that are asked at a time; one that says yes is enough. */
const ASKED = 3

const answerSchema = z.object({ v: z.literal(1), reachable: z.boolean() })

/** What members tell each other about their blob ports: one that nobody can dial belongs to a node that only takes. */
export class Reach {
  readonly #libp2p: Libp2p
  readonly #check: (peer: string, signal: AbortSignal) => Promise<boolean>
  /** Peers that are being checked: one at a time for each, since every check costs a handshake. */
  readonly #checking = new Set<string>()

  /** `check` tells whether the blob port of a member can be reached from here. */
  constructor(components: { libp2p: Libp2p; check(peer: string, signal: AbortSignal): Promise<boolean> }) {
    this.#libp2p = components.libp2p
    this.#check = components.check
  }

  async start(): Promise<void> {
    const onStream = (stream: Stream, connection: Connection) => {
      this.#answer(stream, connection.remotePeer.toString()).catch((error: Error) => stream.abort(error))
    }
    await this.#libp2p.handle(PROTOCOL, onStream, { maxInboundStreams: 2, maxOutboundStreams: 2 })
  }

  /** Whether any of some members can reach this node; undefined when none of them answered. */
  async ask(signal: AbortSignal): Promise<boolean | undefined> {
    const peers = new Map(this.#libp2p.getConnections().map((connection) => [connection.remotePeer.toString(), connection]))
    const asked = [...peers.values()].sort(() => Math.random() - 0.5).slice(0, ASKED)
    const answers = await Promise.all(asked.map((connection) => this.#askOne(connection, signal).catch(() => undefined)))
    return answers.includes(true) || (answers.includes(false) ? false : undefined)
  }

  async #askOne(connection: Connection, signal: AbortSignal): Promise<boolean> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT)])
    const stream = await connection.newStream(PROTOCOL, { signal: limit })
    try {
      const messages = lpStream(stream, { maxDataLength: MAX_BYTES })
      await messages.write(Buffer.from(JSON.stringify({ v: 1 })), { signal: limit })
      const answer = await messages.read({ signal: limit })
      return answerSchema.parse(JSON.parse(Buffer.from(answer.subarray()).toString())).reachable
    } finally {
      stream.close().catch((error: Error) => stream.abort(error))
    }
  }

  async #answer(stream: Stream, peer: string): Promise<void> {
    if (this.#checking.has(peer)) throw new Error('one question at a time')
    const limit = AbortSignal.timeout(LIMIT)
    this.#checking.add(peer)
    try {
      const messages = lpStream(stream, { maxDataLength: MAX_BYTES })
      await messages.read({ signal: limit })
      const reachable = await this.#check(peer, limit)
      await messages.write(Buffer.from(JSON.stringify({ v: 1, reachable })), { signal: limit })
      await stream.close({ signal: limit })
    } finally {
      this.#checking.delete(peer)
    }
  }
}
