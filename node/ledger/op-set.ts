import { createHash } from 'node:crypto'
import { MAX_HISTORY, MAX_LAMPORT_STEP, MAX_OPS_OF_OPERATOR } from './constants.ts'
import { inOrder, type Op, type OpScope } from './op.ts'
import { LedgerState } from './state.ts'

/** By what two ledgers see whether they are the same. */
export interface Summary {
  readonly count: number
  /** Sha256 over the hashes of all live ops, in hex. */
  readonly digest: string
}

/**
 * The ops that a node knows, and what they mean together. *Live* are those that every node has to have. The others are replaced by a
 * later op of the same author or of the admin, or their author was revoked; some of them are kept, to show what happened. Which
 * ones are live depends on nothing but the ops themselves, so that whoever has heard of the same ones agrees.
 */
export class OpSet {
  readonly state: LedgerState
  readonly #most: number
  readonly #mostOfOperator: number
  readonly #mostHistory: number
  readonly #live = new Map<string, Op>()
  readonly #history = new Map<string, Op>()
  readonly #bySubject = new Map<string, Set<string>>()
  readonly #byOperator = new Map<string, number>()
  /** In order; undefined when an op has come since. */
  #sorted: readonly Op[] | undefined
  #summary: Summary | undefined

  /** @param init how many live ops it takes, of all and of one operator */
  constructor(
    scope: OpScope,
    init: { readonly most: number; readonly mostOfOperator?: number; readonly mostHistory?: number },
  ) {
    this.state = new LedgerState(scope)
    this.#most = init.most
    this.#mostOfOperator = init.mostOfOperator ?? MAX_OPS_OF_OPERATOR
    this.#mostHistory = init.mostHistory ?? MAX_HISTORY
  }

  /** Live ops. */
  get size(): number {
    return this.#live.size
  }

  /** Live ops, the oldest first. */
  live(): readonly Op[] {
    this.#sorted ??= [...this.#live.values()].sort(inOrder)
    return this.#sorted
  }

  /** All that are kept, the oldest first. */
  all(): Op[] {
    return [...this.#live.values(), ...this.#history.values()].sort(inOrder)
  }

  /** Also those that are not live. */
  has(hash: string): boolean {
    return this.#live.has(hash) || this.#history.has(hash)
  }

  /** A live one. */
  get(hash: string): Op | undefined {
    return this.#live.get(hash)
  }

  get summary(): Summary {
    this.#summary ??= { count: this.#live.size, digest: digestOf([...this.#live.keys()].sort()) }
    return this.#summary
  }

  /**
   * The Lamport time behind which the next op comes. An operator's op from far ahead is not followed, or a stolen key could use up all
   * numbers, and nobody, the admin included, could issue anything any more; it counts for the last one until its author is revoked.
   */
  get lamport(): number {
    let latest = 0
    for (const { lamport, operator } of this.live())
      if (operator === undefined || lamport - latest <= MAX_LAMPORT_STEP) latest = lamport
    return latest
  }

  /** The op of an author with the highest number. */
  lastOf(author: string): Op | undefined {
    let last: Op | undefined
    for (const ops of [this.#live, this.#history])
      for (const op of ops.values()) if (op.author === author && !(last && last.seq > op.seq)) last = op
    return last
  }

  /** Whether there is room for one more of that author: the admin can take the place of operators. */
  takes({ author, operator }: Pick<Op, 'author' | 'operator'>): boolean {
    if (operator === undefined) return this.#live.size < this.#most || this.#byOperator.size > 0
    return this.#live.size < this.#most && (this.#byOperator.get(author) ?? 0) < this.#mostOfOperator
  }

  /**
   * Takes an op that was judged to be of this mesh. Whether it is a live one that was not here. Where operators have issued too much their last
   * ones stay, whichever came here first: what is kept must not depend on that, or nodes would never agree. The first ones could not
   * stay instead: by each that goes an earlier one of the same subject would come back, and that is not known to everybody.
   */
  add(op: Op): boolean {
    if (this.has(op.hash) || this.state.isVoid(op)) return false
    this.state.apply(op)
    if (this.state.isDominated(op)) {
      this.#shelve(op)
      return false
    }
    this.#enliven(op)
    this.#judgeAfter(op)
    for (let first = this.#surplus(); first; first = this.#surplus()) this.#drop(first)
    return this.#live.has(op.hash)
  }

  /** The op that has to go first; undefined where there are not too many. None of the admin's, or a revocation could be lost. */
  #surplus(): Op | undefined {
    for (const [author, count] of this.#byOperator)
      if (count > this.#mostOfOperator) return this.#first((op) => op.author === author)
    return this.#live.size > this.#most ? this.#first(({ operator }) => operator !== undefined) : undefined
  }

  #first(isMeant: (op: Op) => boolean): Op | undefined {
    let first: Op | undefined
    for (const op of this.#live.values()) if (isMeant(op) && (!first || inOrder(op, first) < 0)) first = op
    return first
  }

  /** As if it had never come, and what it had replaced neither. */
  #drop(op: Op): void {
    const { subject } = this.state.effectOf(op.hash) ?? {}
    this.#unlist(op)
    for (const former of subject === undefined ? [] : [...this.#history.values()])
      if (former.author === op.author && this.state.effectOf(former.hash)?.subject === subject) this.#forget(former.hash)
    this.state.withdraw(op.hash)
  }

  #judgeAfter(op: Op): void {
    const effect = this.state.effectOf(op.hash)
    if (!effect) return
    const isOfAuthors = effect.kind === 'operator revoked' || effect.kind === 'ops kept'
    // Before others take their places in the history: what counts again must not be forgotten for those.
    for (const former of isOfAuthors ? [...this.#history.values()] : []) if (this.#counts(former)) this.#enliven(former)
    for (const hash of isOfAuthors ? [...this.#live.keys()] : [...this.#rivalsOf(effect.subject)]) {
      const rival = this.#live.get(hash)
      if (rival && !this.#counts(rival)) this.#retire(rival)
    }
  }

  #counts(op: Op): boolean {
    return !this.state.isVoid(op) && !this.state.isDominated(op)
  }

  #enliven(op: Op): void {
    this.#history.delete(op.hash)
    this.#live.set(op.hash, op)
    this.#rivalsOf(this.state.effectOf(op.hash)?.subject ?? '').add(op.hash)
    this.#count(op, 1)
  }

  #retire(op: Op): void {
    this.#unlist(op)
    this.#shelve(op)
  }

  #unlist(op: Op): void {
    const subject = this.state.effectOf(op.hash)?.subject ?? ''
    const rivals = this.#rivalsOf(subject)
    this.#live.delete(op.hash)
    rivals.delete(op.hash)
    if (rivals.size === 0) this.#bySubject.delete(subject)
    this.#count(op, -1)
  }

  #count({ operator, author }: Op, more: number): void {
    const count = (this.#byOperator.get(author) ?? 0) + more
    if (count === 0) this.#byOperator.delete(author)
    else if (operator !== undefined) this.#byOperator.set(author, count)
    this.#sorted = undefined
    this.#summary = undefined
  }

  #shelve(op: Op): void {
    this.#history.set(op.hash, op)
    const [oldest] = this.#history.keys()
    if (this.#history.size > this.#mostHistory && oldest !== undefined) this.#forget(oldest)
  }

  #forget(hash: string): void {
    this.#history.delete(hash)
    this.state.forget(hash)
  }

  #rivalsOf(subject: string): Set<string> {
    const known = this.#bySubject.get(subject) ?? new Set()
    this.#bySubject.set(subject, known)
    return known
  }
}

function digestOf(hashes: readonly string[]): string {
  return createHash('sha256').update(hashes.join('\n')).digest('hex')
}
