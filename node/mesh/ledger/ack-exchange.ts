import { randomUUID } from 'node:crypto'
import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { isWarrenError } from '../../errors.ts'
import { ask } from '../host/question.ts'
import { shuffled } from '../host/shuffled.ts'
import type { PeerBook } from '../peer-book.ts'
import type { Acknowledgements, Said } from './acknowledgements.ts'
import { blame, isBlamed } from './blame.ts'
import { ACKS, MAX_ACKS_A_MESSAGE, TAKEN } from './messages.ts'

/** Members that are asked what they have heard, and answers of one: as many as acknowledgements are remembered. */
const GATHERED_FROM = 2
const MAX_ACK_PAGES = 34
/** Members of which is remembered how far that was taken. */
const COUNTED = 2_000

/** Heads of seeds that somebody who has just come is shown. */
const HEADS_SHOWN = 3
/** Acknowledgements that a member may bring at a time: its own, and such heads. */
const BROUGHT_BY_MEMBER = HEADS_SHOWN + 1

export interface AckExchangeComponents {
  readonly libp2p: Libp2p
  readonly acks: Acknowledgements
  readonly book: PeerBook
  readonly log: Logger
  /** A node has said something new of which ledger it has put into effect. */
  onHeard(peers: readonly string[]): void
}

/** Carries between members what nodes say that they have put into effect. */
export class AckExchange {
  readonly #components: AckExchangeComponents
  readonly #closing: AbortSignal
  /** What was taken of each of what it has heard, by its own count. */
  readonly #gathered = new LRUCache<string, { start: string; serial: number }>({ max: COUNTED })
  readonly #start = randomUUID()

  constructor(components: AckExchangeComponents, init: { readonly closing: AbortSignal }) {
    this.#components = components
    this.#closing = init.closing
  }

  /** Peer ids of seeds of which somebody who has just come, and may know none, is told. */
  shown(to: string): string[] {
    const heads = this.#components.acks.heads(HEADS_SHOWN)
    return heads.flatMap(({ peer }) => (peer === to ? [] : [peer]))
  }

  /** Whom a node tells what others have acknowledged: everybody who is connected, or seeds only, where there are any. */
  audience(to: 'all' | 'seeds'): readonly string[] {
    const { libp2p, book } = this.#components
    const connected = libp2p.getPeers().map(String)
    const seeds = connected.filter((peer) => book.roleOf(peer) === 'seed')
    return to === 'all' || seeds.length === 0 ? connected : seeds
  }

  /** Tells what some nodes have said last, this one (`''`) or, by their peer ids, others. */
  async tell(connection: Connection, nodes: readonly string[]): Promise<void> {
    const { acks } = this.#components
    const said = nodes.flatMap((node) => (node === '' ? acks.own : acks.of(node)) ?? [])
    if (said.length > 0) await ask(connection, TAKEN, this.#closing, { ask: 'heard', acks: said.map(bare) })
  }

  /** What was heard here behind a serial number, as the answer to `ACKS`. */
  answer(after: number): object {
    const { said, serial } = this.#components.acks.after(after, MAX_ACKS_A_MESSAGE)
    return { v: 1, acks: said.map(bare), serial, start: this.#start }
  }

  /** Takes what a member brings. Only seeds pass on what others say: each is believed of itself, and one with a ticket could make up thousands. */
  take(peer: string, said: readonly Said[]): void {
    if (isBlamed(this.#components, peer)) return
    if (this.#components.book.roleOf(peer) === 'seed') this.#hear(said, peer)
    else this.#hear(said.slice(0, BROUGHT_BY_MEMBER), peer, peer)
  }

  /** Takes what others have heard, from a seed if there is one: who asks wants to know who is missing. Never rejects. */
  async gather(): Promise<void> {
    for (const peer of shuffled(this.audience('seeds'), Math.random).slice(0, GATHERED_FROM)) {
      await this.gatherFrom(peer).catch((error) =>
        this.#components.log.debug({ peer }, `it does not tell what it has heard: ${error}`),
      )
    }
  }

  /** Takes what one member has heard since it was last asked. Rejects where it does not answer. */
  async gatherFrom(peer: string): Promise<void> {
    if (isBlamed(this.#components, peer)) return
    for (let page = 0; page < MAX_ACK_PAGES; page++) {
      const [connection] = this.#components.libp2p.getConnections(peerIdFromString(peer))
      if (!connection) return
      const known = this.#gathered.get(peer) ?? { start: '', serial: 0 }
      const { acks, serial, start } = await ask(connection, ACKS, this.#closing, { ask: 'acks', after: known.serial })
      // It was started anew, and counts from the beginning.
      const isAnew = known.start !== '' && start !== known.start
      this.#gathered.set(peer, { start, serial: isAnew ? 0 : serial })
      if (!isAnew) this.#hear(acks, peer)
      if (!isAnew && acks.length < MAX_ACKS_A_MESSAGE) return
    }
  }

  #hear(said: readonly Said[], peer: string, bringer?: string): void {
    const { acks, onHeard } = this.#components
    const heard: string[] = []
    try {
      for (const one of said) {
        const node = acks.take(one, bringer)
        if (node !== undefined) heard.push(node)
      }
    } catch (error) {
      if (!isWarrenError(error, 'UNTRUSTED')) throw error
      blame(this.#components, peer, `it sent what no node has acknowledged: ${error.message}`)
    }
    if (heard.length > 0) onHeard(heard)
  }
}

/** Without what this node keeps beside it. */
function bare({ ack, chain }: Said): Said {
  return { ack, chain }
}
