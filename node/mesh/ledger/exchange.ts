import { randomUUID } from 'node:crypto'
import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import { isWarrenError } from '../../errors.ts'
import { MAX_OPS } from '../../ledger/constants.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Op } from '../../ledger/op.ts'
import { readVersioned } from '../../trust/versioned.ts'
import { answerWith, ask } from '../host/question.ts'
import { shuffled } from '../host/shuffled.ts'
import type { PeerBook } from '../peer-book.ts'
import type { Acknowledgements, Said } from './acknowledgements.ts'
import {
  ACKS,
  askedSchema,
  HASHES,
  MAX_ACKS_A_MESSAGE,
  MAX_HASHES_A_MESSAGE,
  MAX_OPS_A_MESSAGE,
  OPS,
  SUMMARY,
  TAKEN,
} from './messages.ts'
import { PeerClocks } from './peer-clocks.ts'

const MINUTE = 60_000
/** Ms between looks whether some member knows more, since what was told may have been lost on its way. */
const COMPARE_INTERVAL = MINUTE / 2
/** Questions of one member a minute; a whole ledger takes some 350. */
const ANSWERS_A_MINUTE = 1_000
/** Answers with hashes that are asked for in one go; a few more than a full ledger has, since ops may come meanwhile. */
const MAX_PAGES = MAX_OPS / MAX_HASHES_A_MESSAGE + 4
/** Ms that a member that is cut off has for hearing why. Meanwhile it is nobody any more, and gets no bytes. */
const LAST_WORDS = 1_000
/** How often a member is asked that does not answer, and ms in between; what fails then is made up for by the next comparison. */
const TRIES = 3
const RETRY = 1_000
/** Members whose questions are counted. */
const COUNTED = 2_000

export interface LedgerExchangeComponents {
  readonly libp2p: Libp2p
  readonly ledger: Ledger
  readonly acks: Acknowledgements
  readonly book: PeerBook
  readonly clock: Clock
  readonly log: Logger
  /** Whether this node is one now. */
  isSeed(): boolean
  /** A node has said something new of which ledger it has put into effect. */
  onHeard(peers: readonly string[]): void
  /** Some member brought new ops. */
  onAdded(ops: readonly Op[], from: string): void
}

/** What is to be done with one member, one after the other. */
interface Duties {
  /** Hashes of ops. */
  readonly tell: Set<string>
  /** Peer ids of nodes whose acknowledgements are to be passed on; '' is this one. */
  readonly acks: Set<string>
  compare: boolean
  /** Whether what it has heard is to be taken: seeds keep that equal among each other. */
  gather: boolean
  /** Resolves when all of it is done, or goes wrong. */
  done: Promise<void>
}

/** Members that are asked what they have heard, and answers of one: as many as acknowledgements are remembered. */
const GATHERED_FROM = 2
const MAX_ACK_PAGES = 34

/** Heads of seeds that somebody who has just come is shown. */
const HEADS_SHOWN = 3
/** Acknowledgements that a member may bring at a time: its own, and such heads. */
const BROUGHT_BY_MEMBER = HEADS_SHOWN + 1

/**
 * Keeps the ledgers of members equal: two that connect take from each other what they lack, and what is new is passed on at once,
 * once by everybody. An op proves itself, so that it does not matter who brings it; whoever brings a wrong one is left alone.
 */
export class LedgerExchange {
  readonly clocks = new PeerClocks()
  readonly #components: LedgerExchangeComponents
  readonly #answersAMinute: number
  readonly #stopped = new AbortController()
  readonly #duties = new Map<string, Duties>()
  /** What was taken of each of what it has heard, by its own count. */
  readonly #gathered = new LRUCache<string, { start: string; serial: number }>({ max: COUNTED })
  readonly #start = randomUUID()
  readonly #asked = new LRUCache<string, { since: number; times: number }>({ max: COUNTED })

  /** @param init.answersAMinute questions of one member that are answered */
  constructor(components: LedgerExchangeComponents, init: { answersAMinute?: number } = {}) {
    this.#components = components
    this.#answersAMinute = init.answersAMinute ?? ANSWERS_A_MINUTE
  }

  /** From now on members are answered. */
  async start(): Promise<void> {
    await answerWith(this.#components.libp2p, SUMMARY, (peer, _signal, asked) => this.#answer(peer, asked))
    void this.#compareNowAndThen().catch(() => {})
  }

  stop(): void {
    this.#stopped.abort(new Error('the mesh is closed'))
  }

  /** Looks what a member knows that has just come, and shows it what seeds say. */
  met(peer: string): void {
    this.#charge(peer, (duties) => {
      this.#catchUp(peer, duties)
      for (const node of this.#components.acks.heads(HEADS_SHOWN)) if (node.peer !== peer) duties.acks.add(node.peer)
    })
  }

  /** With a seed also what was acknowledged: while there was no connection, that went nowhere. */
  #catchUp(peer: string, duties: Duties): void {
    const [isSeed, isWithSeed] = [this.#components.isSeed(), this.#components.book.roleOf(peer) === 'seed']
    duties.compare = true
    if (isSeed || isWithSeed) duties.acks.add('')
    duties.gather ||= isSeed && isWithSeed
  }

  /** Looks whether a member knows more. */
  compare(peer: string): void {
    this.#charge(peer, (duties) => {
      duties.compare = true
    })
  }

  /** Tells a member of these ops, by their hashes, and takes what it has; resolves when that is done, or goes wrong. */
  async level(peer: string, hashes: readonly string[]): Promise<void> {
    this.compare(peer)
    this.#charge(peer, ({ tell }) => {
      for (const hash of hashes.slice(-MAX_OPS_A_MESSAGE)) tell.add(hash)
    })
    await this.#duties.get(peer)?.done
  }

  /** Tells everybody who is connected of ops, but the one that brought them. */
  spread(ops: readonly Op[], from?: string): void {
    for (const peer of this.#components.libp2p.getPeers().map(String)) {
      if (peer === from) continue
      this.#charge(peer, ({ tell }) => {
        for (const { hash } of ops) tell.add(hash)
      })
    }
  }

  /**
   * Tells what nodes have acknowledged, this one (`''`) or, by their peer ids, others: everybody who is connected, or seeds only, of
   * whom others take it who want to know. All to all it would cost a farm of runners a thousand times as much.
   */
  pass(nodes: readonly string[], to: 'all' | 'seeds'): void {
    const { libp2p, book } = this.#components
    const connected = libp2p.getPeers().map(String)
    const seeds = connected.filter((peer) => book.roleOf(peer) === 'seed')
    for (const peer of to === 'all' || seeds.length === 0 ? connected : seeds)
      this.#charge(peer, ({ acks }) => {
        for (const node of nodes) if (node !== peer) acks.add(node)
      })
  }

  /** Takes what others have heard, from a seed if there is one: who asks wants to know who is missing. Never rejects. */
  async gather(): Promise<void> {
    const { libp2p, book, log } = this.#components
    const connected = shuffled(libp2p.getPeers().map(String), Math.random)
    const seeds = connected.filter((peer) => book.roleOf(peer) === 'seed')
    for (const peer of (seeds.length > 0 ? seeds : connected).slice(0, GATHERED_FROM)) {
      await this.#gatherFrom(peer).catch((error) => log.debug({ peer }, `it does not tell what it has heard: ${error}`))
    }
  }

  async #gatherFrom(peer: string): Promise<void> {
    if (this.#isQuarantined(peer)) return
    for (let page = 0; page < MAX_ACK_PAGES; page++) {
      const [connection] = this.#components.libp2p.getConnections(peerIdFromString(peer))
      if (!connection) return
      const known = this.#gathered.get(peer) ?? { start: '', serial: 0 }
      const { acks, serial, start } = await ask(connection, ACKS, this.#stopped.signal, { ask: 'acks', after: known.serial })
      // It was started anew, and counts from the beginning.
      const isAnew = known.start !== '' && start !== known.start
      this.#gathered.set(peer, { start, serial: isAnew ? 0 : serial })
      if (!isAnew) this.#hear(acks, peer)
      if (!isAnew && acks.length < MAX_ACKS_A_MESSAGE) return
    }
  }

  /** Tells a member that is about to be cut off why; resolves when it has heard, or does not listen. */
  async dismiss(peer: string, op: Op | undefined): Promise<void> {
    const [connection] = this.#components.libp2p.getConnections(peerIdFromString(peer))
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(LAST_WORDS)])
    if (connection && op) await ask(connection, TAKEN, signal, { ask: 'take', ops: [op.text] }).catch(() => {})
  }

  #charge(peer: string, charge: (duties: Duties) => void): void {
    if (this.#stopped.signal.aborted) return
    const busy = this.#duties.get(peer)
    const duties = busy ?? { tell: new Set(), acks: new Set(), compare: false, gather: false, done: Promise.resolve() }
    charge(duties)
    if (busy) return
    this.#duties.set(peer, duties)
    duties.done = this.#persist(peer, duties)
      .catch((error) => this.#components.log.debug({ peer }, `the ledgers were not compared: ${error}`))
      .finally(() => this.#duties.delete(peer))
  }

  /** Two that have just met ask each other at once, and one of them may be told to come later. */
  async #persist(peer: string, duties: Duties): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#perform(peer, duties)
      } catch (error) {
        if (tries === TRIES) throw error
        await this.#components.clock.sleep(RETRY, this.#stopped.signal)
      }
    }
  }

  async #perform(peer: string, duties: Duties): Promise<void> {
    const { libp2p, ledger } = this.#components
    while (duties.compare || duties.gather || duties.tell.size > 0 || duties.acks.size > 0) {
      const [connection] = libp2p.getConnections(peerIdFromString(peer))
      if (!connection) return
      if (duties.tell.size > 0) {
        const told = [...duties.tell].slice(0, MAX_OPS_A_MESSAGE)
        const ops = told.flatMap((hash) => ledger.get(hash)?.text ?? [])
        await ask(connection, TAKEN, this.#stopped.signal, { ask: 'take', ops })
        for (const hash of told) duties.tell.delete(hash)
      } else if (duties.compare) {
        // Whoever wants another comparison meanwhile gets one.
        duties.compare = false
        await this.#pull(connection, peer).catch((error) => {
          duties.compare = true
          throw error
        })
      } else if (duties.gather) {
        await this.#gatherFrom(peer)
        duties.gather = false
      } else {
        const told = [...duties.acks].slice(0, MAX_ACKS_A_MESSAGE)
        const acks = told.flatMap((node) => this.#saidBy(node)).map(({ ack, chain }) => ({ ack, chain }))
        // What is said meanwhile is told anew.
        for (const node of told) duties.acks.delete(node)
        try {
          if (acks.length > 0) await ask(connection, TAKEN, this.#stopped.signal, { ask: 'heard', acks })
        } catch (error) {
          for (const node of told) duties.acks.add(node)
          throw error
        }
      }
    }
  }

  /** Takes what the member has and this node has not. */
  async #pull(connection: Connection, peer: string): Promise<void> {
    const { ledger } = this.#components
    const { signal } = this.#stopped
    if (this.#isQuarantined(peer)) return
    const theirs = await ask(connection, SUMMARY, signal, { ask: 'summary' })
    if (theirs.now !== undefined) this.clocks.told(peer, theirs.now, this.#components.clock.now())
    if (theirs.digest === ledger.summary.digest) return
    for (let page = 0, from = 0; page < MAX_PAGES && from <= MAX_OPS; page++) {
      const { hashes } = await ask(connection, HASHES, signal, { ask: 'hashes', from })
      if (hashes.length === 0) return
      from += hashes.length
      const lacking = hashes.filter((hash) => !ledger.has(hash))
      for (let at = 0; at < lacking.length; at += MAX_OPS_A_MESSAGE) {
        const wanted = lacking.slice(at, at + MAX_OPS_A_MESSAGE)
        const { ops } = await ask(connection, OPS, signal, { ask: 'ops', hashes: wanted })
        // Whoever names ops and does not have them could go on for ever.
        if (ops.length === 0 || !this.#take(ops, peer)) return
      }
    }
  }

  #answer(peer: string, text: string): object {
    const { ledger } = this.#components
    this.#count(peer)
    const reading = readVersioned(text, askedSchema)
    if (reading.problem !== undefined) throw new Error(reading.problem)
    const asked = reading.value
    switch (asked.ask) {
      case 'summary':
        return { v: 1, ...ledger.summary, now: this.#components.clock.now() }
      case 'hashes': {
        const page = ledger.live().slice(asked.from, asked.from + MAX_HASHES_A_MESSAGE)
        return { v: 1, hashes: page.map(({ hash }) => hash) }
      }
      case 'ops':
        return { v: 1, ops: asked.hashes.flatMap((hash) => ledger.get(hash)?.text ?? []) }
      case 'take':
        if (!this.#isQuarantined(peer)) this.#take(asked.ops, peer)
        return { v: 1 }
      case 'acks': {
        const { said, serial } = this.#components.acks.after(asked.after, MAX_ACKS_A_MESSAGE)
        return { v: 1, acks: said.map(({ ack, chain }) => ({ ack, chain })), serial, start: this.#start }
      }
      case 'heard':
        if (!this.#isQuarantined(peer)) this.#heardFrom(peer, asked.acks)
        return { v: 1 }
    }
  }

  /** Whether all that came was right. */
  #take(texts: readonly string[], peer: string): boolean {
    const { ledger, onAdded } = this.#components
    const { added, refused } = ledger.add(texts)
    if (added.length > 0) onAdded(added, peer)
    if (refused === undefined) return true
    this.#blame(peer, `it sent what is no op of this mesh: ${refused}`)
    return false
  }

  /** Only seeds pass on what others say: each is believed of itself, and one with a ticket could make up thousands. */
  #heardFrom(peer: string, said: readonly Said[]): void {
    if (this.#components.book.roleOf(peer) === 'seed') this.#hear(said, peer)
    else this.#hear(said.slice(0, BROUGHT_BY_MEMBER), peer, peer)
  }

  #hear(said: readonly Said[], peer: string, bringer?: string): void {
    const { acks, onHeard } = this.#components
    const heard: string[] = []
    try {
      for (const one of said) heard.push(...listOf(acks.take(one, bringer)))
    } catch (error) {
      if (!isWarrenError(error, 'UNTRUSTED')) throw error
      this.#blame(peer, `it sent what no node has acknowledged: ${error.message}`)
    }
    if (heard.length > 0) onHeard(heard)
  }

  #saidBy(node: string): readonly Said[] {
    const { acks } = this.#components
    return listOf(node === '' ? acks.own : acks.of(node))
  }

  #blame(peer: string, reason: string): void {
    this.#components.log.warn({ peer }, reason)
    this.#components.book.quarantine(peer, reason)
  }

  /** Throws for a member that asks too much. */
  #count(peer: string): void {
    const now = this.#components.clock.now()
    const asked = this.#asked.get(peer)
    if (!asked || Math.abs(now - asked.since) >= MINUTE) this.#asked.set(peer, { since: now, times: 1 })
    else if (++asked.times > this.#answersAMinute) throw new Error('too many questions')
  }

  #isQuarantined(peer: string): boolean {
    return (this.#components.book.get(peer)?.quarantine ?? null) !== null
  }

  async #compareNowAndThen(): Promise<void> {
    const { clock, libp2p, book } = this.#components
    for (;;) {
      await clock.sleep(COMPARE_INTERVAL, this.#stopped.signal)
      const peers = shuffled(libp2p.getPeers().map(String), Math.random)
      const seed = peers.find((peer) => book.roleOf(peer) === 'seed')
      for (const peer of new Set([...peers.slice(0, 1), ...listOf(seed)]))
        this.#charge(peer, (duties) => this.#catchUp(peer, duties))
    }
  }
}

function listOf<T>(one: T | undefined): T[] {
  return one === undefined ? [] : [one]
}
