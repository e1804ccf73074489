import type { SeedCertificate } from '../trust/certificates.ts'
import type { Revocations } from '../trust/standing.ts'
import { type Effect, effectOf } from './effect.ts'
import { inOrder, type Op, type OpScope } from './op.ts'

/** A certificate that an op brought. */
export interface Certified {
  readonly text: string
  readonly certificate: SeedCertificate
}

interface Winner {
  readonly op: Op
  readonly effect: Effect
}

/** What all ops together mean: of those with one subject the last. In which order they come makes no difference. */
export class LedgerState implements Revocations {
  readonly #scope: OpScope
  readonly #winners = new Map<string, Winner>()

  constructor(scope: OpScope) {
    this.#scope = scope
  }

  /** Takes an op in; one more time makes no difference. */
  apply(op: Op): void {
    const effect = effectOf(op, this.#scope)
    if (!effect) return
    const before = this.#winners.get(effect.subject)
    if (!before || inOrder(before.op, op) < 0) this.#winners.set(effect.subject, { op, effect })
  }

  ticketRevocation(ticket: string): Op | undefined {
    return this.#winners.get(`ticket ${ticket}`)?.op
  }

  seedRevocation(peer: string): Op | undefined {
    const winner = this.#winners.get(`seed ${peer}`)
    return winner?.effect.kind === 'seed revoked' ? winner.op : undefined
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

  /** Whether the op is what counts of its subject. */
  isInEffect(op: Op): boolean {
    const effect = effectOf(op, this.#scope)
    return effect !== undefined && this.#winners.get(effect.subject)?.op.hash === op.hash
  }
}
