import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Clock } from '../../clock.ts'
import { MAX_OPS, MAX_OPS_OF_OPERATOR } from '../../ledger/constants.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { hashOf, type Op } from '../../ledger/op.ts'
import { readVersioned } from '../../trust/versioned.ts'
import { answerWith, ask } from '../host/question.ts'
import { shuffled } from '../host/shuffled.ts'
import { AckExchange, type AckExchangeComponents } from './ack-exchange.ts'
import { Allowance } from './allowance.ts'
import { blame, isBlamed } from './blame.ts'
import { Differing } from './differing.ts'
import {
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
/** Members, taken at random, that are looked at each time, beside a seed and some that differed the last time. */
const LOOKED_AT = 3
const LOOKED_AT_AGAIN = 4
/** Questions of one member a minute; a whole ledger takes some 350. */
const ANSWERS_A_MINUTE = 1_000
/** Ops that are looked at of one member: a whole ledger, and so many more a minute. Each costs up to 0.2 ms, whether it is of use or not. */
const OPS_OF_MEMBER = { most: MAX_OPS, aMinute: 5_000 }
/** Ops that are taken of one operator: all that it may have, and so many more a minute, or a stolen key could keep all nodes busy. */
const OPS_OF_OPERATOR = { most: MAX_OPS_OF_OPERATOR, aMinute: 300 }
/** Answers with hashes that are asked for in one go; a few more than a full ledger has, since ops may come meanwhile. */
const MAX_PAGES = MAX_OPS / MAX_HASHES_A_MESSAGE + 4
/** Ms that a member that is cut off has for hearing why. Meanwhile it is nobody any more, and gets no bytes. */
const LAST_WORDS = 1_000
/** How often a member is asked that does not answer, and ms in between; what fails then is made up for by the next comparison. */
const TRIES = 3
const RETRY = 1_000

export interface LedgerExchangeComponents extends AckExchangeComponents {
  readonly ledger: Ledger
  readonly clock: Clock
  /** Whether this node is one now. */
  isSeed(): boolean
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

/**
 * Keeps the ledgers of members equal: two that connect take from each other what they lack, and what is new is passed on at once,
 * once by everybody. An op proves itself, so that it does not matter who brings it; whoever brings a wrong one is left alone.
 */
export class LedgerExchange {
  readonly clocks: PeerClocks
  readonly differing: Differing
  readonly #components: LedgerExchangeComponents
  readonly #acks: AckExchange
  readonly #answers: Allowance
  readonly #ofMember: Allowance
  readonly #ofOperator: Allowance
  readonly #stopped = new AbortController()
  readonly #duties = new Map<string, Duties>()

  /**
   * @param init.answersAMinute questions of one member that are answered
   * @param init.ofOperator ops of one operator that are taken
   */
  constructor(components: LedgerExchangeComponents, { answersAMinute = ANSWERS_A_MINUTE, ofOperator = OPS_OF_OPERATOR } = {}) {
    this.#components = components
    this.differing = new Differing(components)
    this.#acks = new AckExchange(components, { closing: this.#stopped.signal })
    this.clocks = new PeerClocks({ isSeed: (peer) => components.book.roleOf(peer) === 'seed' })
    this.#answers = new Allowance(components, { most: answersAMinute, aMinute: answersAMinute })
    this.#ofMember = new Allowance(components, OPS_OF_MEMBER)
    this.#ofOperator = new Allowance(components, ofOperator)
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
      for (const node of this.#acks.shown(peer)) duties.acks.add(node)
    })
  }

  /** With a seed also what was acknowledged: while there was no connection, that went nowhere. */
  #catchUp(peer: string, duties: Duties): void {
    const [isSeed, isWithSeed] = [this.#components.isSeed(), this.#components.book.roleOf(peer) === 'seed']
    duties.compare = true
    if (isSeed || isWithSeed) duties.acks.add('')
    duties.gather ||= isSeed && isWithSeed
  }

  /** Tells a member of these ops, by their hashes, and takes what it has; resolves when that is done, or goes wrong. */
  async level(peer: string, hashes: readonly string[]): Promise<void> {
    this.#charge(peer, (duties) => {
      duties.compare = true
      for (const hash of hashes.slice(-MAX_OPS_A_MESSAGE)) duties.tell.add(hash)
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
    for (const peer of this.#acks.audience(to))
      this.#charge(peer, ({ acks }) => {
        for (const node of nodes) if (node !== peer) acks.add(node)
      })
  }

  /** As `AckExchange` has it. */
  gather(): Promise<void> {
    return this.#acks.gather()
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
      .catch((error) => {
        if (duties.compare && !this.#stopped.signal.aborted) this.differing.compared(peer, false)
        this.#components.log.debug({ peer }, `the ledgers were not compared: ${error}`)
      })
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
        await this.#acks.gatherFrom(peer)
        duties.gather = false
      } else {
        const told = [...duties.acks].slice(0, MAX_ACKS_A_MESSAGE)
        // What is said meanwhile is told anew.
        for (const node of told) duties.acks.delete(node)
        try {
          await this.#acks.tell(connection, told)
        } catch (error) {
          for (const node of told) duties.acks.add(node)
          throw error
        }
      }
    }
  }

  /** Takes what the member has and this node has not, and notes whether it has what this node has. */
  async #pull(connection: Connection, peer: string): Promise<void> {
    const { ledger, clock } = this.#components
    if (isBlamed(this.#components, peer)) return
    const theirs = await ask(connection, SUMMARY, this.#stopped.signal, { ask: 'summary' })
    if (theirs.now !== undefined) this.clocks.told(peer, theirs.now, clock.now())
    if (theirs.digest !== ledger.summary.digest) await this.#takeAll(connection, peer)
    this.differing.compared(peer, theirs.digest === ledger.summary.digest)
  }

  async #takeAll(connection: Connection, peer: string): Promise<void> {
    const { ledger } = this.#components
    const { signal } = this.#stopped
    for (let page = 0, from = 0; page < MAX_PAGES && from <= MAX_OPS; page++) {
      const { hashes } = await ask(connection, HASHES, signal, { ask: 'hashes', from })
      if (hashes.length === 0) return
      from += hashes.length
      const lacking = hashes.filter((hash) => !ledger.has(hash))
      for (let at = 0; at < lacking.length; at += MAX_OPS_A_MESSAGE) {
        const wanted = lacking.slice(at, at + MAX_OPS_A_MESSAGE)
        const { ops } = await ask(connection, OPS, signal, { ask: 'ops', hashes: wanted })
        // Whoever names ops and sends others could go on for ever.
        const right = ops.filter((text) => wanted.includes(hashOf(text)))
        if (right.length === 0 || this.#ofMember.left(peer) <= 0 || !this.#take(right, peer)) return
      }
    }
  }

  #answer(peer: string, text: string): object {
    const { ledger } = this.#components
    if (this.#answers.left(peer) <= 0) throw new Error('too many questions')
    this.#answers.spend(peer, 1)
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
        if (!isBlamed(this.#components, peer)) this.#take(asked.ops, peer)
        return { v: 1 }
      case 'acks':
        return this.#acks.answer(asked.after)
      case 'heard':
        this.#acks.take(peer, asked.acks)
        return { v: 1 }
    }
  }

  /** Whether all that came was right. What is too much comes again, by a comparison. */
  #take(texts: readonly string[], peer: string): boolean {
    const { ledger, onAdded } = this.#components
    const looked = texts.slice(0, Math.max(0, this.#ofMember.left(peer)))
    this.#ofMember.spend(peer, looked.length)
    const isHeard = (author: string) => author === ledger.scope.adminKey || this.#ofOperator.left(author) > 0
    const { added, refused } = ledger.add(looked, isHeard)
    for (const { author, operator } of added) if (operator !== undefined) this.#ofOperator.spend(author, 1)
    if (added.length > 0) onAdded(added, peer)
    if (refused === undefined) return true
    blame(this.#components, peer, `it sent what is no op of this mesh: ${refused}`)
    return false
  }

  async #compareNowAndThen(): Promise<void> {
    const { clock, libp2p, book } = this.#components
    for (;;) {
      await clock.sleep(COMPARE_INTERVAL, this.#stopped.signal)
      const peers = shuffled(libp2p.getPeers().map(String), Math.random)
      const seed = peers.find((peer) => book.roleOf(peer) === 'seed')
      // Most have come to the same meanwhile: whoever has not is to be seen.
      const others = shuffled(this.differing.peers, Math.random).filter((peer) => peers.includes(peer))
      for (const peer of new Set([...peers.slice(0, LOOKED_AT), ...listOf(seed), ...others.slice(0, LOOKED_AT_AGAIN)]))
        this.#charge(peer, (duties) => this.#catchUp(peer, duties))
    }
  }
}

function listOf<T>(one: T | undefined): T[] {
  return one === undefined ? [] : [one]
}
