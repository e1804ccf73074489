import type { SeedCertificate } from '../trust/certificates.ts'
import type { Revocations } from '../trust/standing.ts'
import { type Effect, effectOf } from './effect.ts'
import { inOrder, type Op, type OpScope } from './op.ts'

/** A certificate that an op brought. */
export interface Certified {
  readonly text: string
  readonly certificate: SeedCertificate
}

/** An op and what it does. */
export interface Effective<Known extends Effect = Effect> {
  readonly op: Op
  readonly effect: Known
}

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { readonly kind: Kind }>

/** What all ops together mean: of those with one subject the last. In which order they come makes no difference. */
export class LedgerState implements Revocations {
  readonly #scope: OpScope
  readonly #known = new Map<string, Effective>()
  /** By subject, and then by author: the last that counts. */
  readonly #latest = new Map<string, Map<string, Effective>>()
  readonly #winners = new Map<string, Effective>()
  /** Revocations by the operator's key, and ops that count all the same. */
  readonly #revoked = new Map<string, Op>()
  readonly #kept = new Set<string>()
  /** Operators of whom no op counts, whatever was kept. */
  readonly #voided = new Set<string>()
  #standings = 0

  constructor(scope: OpScope) {
    this.#scope = scope
  }

  /** Takes an op in; one more time makes no difference. */
  apply(op: Op): void {
    const effect = effectOf(op, this.#scope)
    if (!effect) return
    this.#known.set(op.hash, { op, effect })
    if (/^(?:ticket|seed) /.test(effect.kind)) this.#standings++
    if (effect.kind === 'operator revoked') {
      this.#revoked.set(effect.operator, op)
      if (effect.keepsNone) this.#voided.add(effect.operator)
    } else if (effect.kind === 'ops kept') for (const hash of effect.ops) this.#kept.add(hash)
    if (effect.kind === 'operator revoked' || effect.kind === 'ops kept') this.#fold()
    else this.#judge({ op, effect })
  }

  /** Whether an op does not count since its author was revoked. */
  isVoid({ author, hash }: Pick<Op, 'author' | 'hash'>): boolean {
    return this.#revoked.has(author) && (!this.#kept.has(hash) || this.#voided.has(author))
  }

  /**
   * Whether a later op of the same author, or of the admin, is about the same: then nobody misses this one, also once another author's
   * ops do not count any more.
   */
  isDominated({ hash, author }: Pick<Op, 'hash' | 'author'>): boolean {
    const one = this.#known.get(hash)
    const latest = one && this.#latest.get(one.effect.subject)
    return [author, this.#scope.adminKey].some((by) => {
      const other = latest?.get(by)
      return one !== undefined && other !== undefined && inOrder(one.op, other.op) < 0
    })
  }

  /** What an op that was taken in does; undefined where that is not known to this version. */
  effectOf(hash: string): Effect | undefined {
    return this.#known.get(hash)?.effect
  }

  /** An op that does not count, and is kept no more. */
  forget(hash: string): void {
    this.#known.delete(hash)
  }

  /** An op is to mean nothing any more, whatever it was; what it had replaced counts again. */
  withdraw(hash: string): void {
    const subject = this.#known.get(hash)?.effect.subject
    this.#known.delete(hash)
    if (subject === undefined) return
    this.#winners.delete(subject)
    this.#latest.delete(subject)
    for (const one of this.#known.values()) if (one.effect.subject === subject) this.#judge(one)
  }

  /** Rises with each op by which somebody may be something else than before. */
  get standings(): number {
    return this.#standings
  }

  ticketRevocation(ticket: string): Op | undefined {
    return this.#winners.get(`ticket ${ticket}`)?.op
  }

  seedRevocation(peer: string): Op | undefined {
    const winner = this.#winners.get(`seed ${peer}`)
    return winner?.effect.kind === 'seed revoked' ? winner.op : undefined
  }

  /** Whether an operator, by public key, is revoked and nothing that it issued counts, whatever was kept before. */
  isVoided(operator: string): boolean {
    return this.#voided.has(operator)
  }

  /** By public key. */
  operatorRevocation(operator: string): Op | undefined {
    return this.#revoked.get(operator)
  }

  /** The certificate that was given to a peer last; undefined when none was, or it is revoked. Its date is left to the caller. */
  certificateOf(peer: string): Certified | undefined {
    if (this.seedRevocation(peer)) return undefined
    const given = [this.#winners.get(`seed ${peer}`), this.#winners.get(`renewal ${peer}`)].filter((one) => one !== undefined)
    const last = given.sort((one, other) => inOrder(one.op, other.op)).at(-1)
    return last && 'certificate' in last.effect ? last.effect : undefined
  }

  /** Certificates of all seeds that have one by an op. */
  certificates(): Certified[] {
    const peers = new Set(
      [...this.#winners.values()].flatMap(({ effect }) => ('certificate' in effect ? effect.certificate.peer : [])),
    )
    return [...peers].flatMap((peer) => this.certificateOf(peer) ?? [])
  }

  /** What is in effect of a kind, the oldest first. */
  inEffect<Kind extends Effect['kind']>(kind: Kind): Effective<EffectOf<Kind>>[] {
    const isOfKind = (effect: Effect): effect is EffectOf<Kind> => effect.kind === kind
    const all = [...this.#winners.values()].flatMap(({ op, effect }) => (isOfKind(effect) ? [{ op, effect }] : []))
    return all.sort((one, other) => inOrder(one.op, other.op))
  }

  /** Whether the op is what counts of its subject. */
  isInEffect(op: Op): boolean {
    const effect = this.#known.get(op.hash)?.effect
    return effect !== undefined && this.#winners.get(effect.subject)?.op.hash === op.hash
  }

  #fold(): void {
    this.#winners.clear()
    this.#latest.clear()
    for (const one of this.#known.values()) this.#judge(one)
  }

  #judge(one: Effective): void {
    const { op, effect } = one
    if (this.isVoid(op)) return
    const latest = this.#latest.get(effect.subject) ?? new Map<string, Effective>()
    this.#latest.set(effect.subject, latest)
    if (isAfter(one, latest.get(op.author))) latest.set(op.author, one)
    if (isAfter(one, this.#winners.get(effect.subject))) this.#winners.set(effect.subject, one)
  }
}

function isAfter({ op }: Effective, before: Effective | undefined): boolean {
  return !before || inOrder(before.op, op) < 0
}
