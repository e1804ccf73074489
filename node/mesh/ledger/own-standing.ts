import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import { isWarrenError, reasonOf } from '../../errors.ts'
import type { LedgerState } from '../../ledger/state.ts'
import type { MeshFolder } from '../../trust/mesh-folder.ts'
import type { Role, Standing } from '../../trust/standing.ts'
import type { MemberGate } from '../member-gate.ts'

export interface OwnStandingComponents {
  readonly gate: MemberGate
  readonly state: LedgerState
  readonly folder: MeshFolder
  readonly clock: Clock
  readonly log: Logger
}

/** What this node is in its mesh: it takes the certificate that the ledger has for it, and sees when it is nothing any more. */
export class OwnStanding {
  readonly #components: OwnStandingComponents
  readonly #self: string
  #standing: Standing
  #trouble: string | undefined

  /** Throws UNTRUSTED when its certificate has ended, or was revoked, and the ledger has no other one. */
  constructor(components: OwnStandingComponents, init: { self: string }) {
    this.#components = components
    this.#self = init.self
    this.#adopt()
    this.#standing = components.gate.standing
  }

  get role(): Role {
    return this.#standing.role
  }

  /** When its certificate ends, in ms since the epoch. */
  get notAfter(): number {
    return this.#standing.notAfter
  }

  /** Why no member lets this node in, in a sentence; undefined while they do. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Something has changed, or time has passed. Whether it has become a seed by that. */
  review(): boolean {
    const before = this.role
    this.#adopt()
    try {
      this.#standing = this.#components.gate.standing
      this.#trouble = undefined
    } catch (error) {
      if (!isWarrenError(error, 'UNTRUSTED')) throw error
      const trouble = `${error.message}, so no member lets this node in; join again with a new ticket (warren mesh join)`
      if (trouble !== this.#trouble) this.#components.log.error(trouble)
      this.#trouble = trouble
    }
    return before === 'member' && this.role === 'seed'
  }

  /** Takes over the certificate of the ledger, if it says more than the one that is here. */
  #adopt(): void {
    const { gate, state, folder, clock, log } = this.#components
    const certified = state.certificateOf(this.#self)
    if (!certified) return
    const { text, certificate } = certified
    const { notAfter } = certificate
    if (notAfter < clock.now() || gate.membership.chain[0] === text || this.#isSeedUntil(notAfter)) return
    gate.membership = { ...gate.membership, chain: [text] }
    log.info(`this node has a new certificate: it is a seed until ${new Date(notAfter).toISOString()}`)
    try {
      folder.writeMembership(gate.membership)
    } catch (error) {
      log.warn(`the new certificate is not kept, and taken from the ledger again after a restart: ${reasonOf(error)}`)
    }
  }

  #isSeedUntil(time: number): boolean {
    try {
      const { role, notAfter } = this.#components.gate.standing
      return role === 'seed' && notAfter >= time
    } catch (error) {
      if (isWarrenError(error, 'UNTRUSTED')) return false
      throw error
    }
  }
}
