import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import { reasonOf } from '../../errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Op } from '../../ledger/op.ts'
import { isDue, isForGood, knownSeeds, renewSeed } from '../../ledger/seeds.ts'
import type { SigningKey } from '../../trust/keys.ts'
import type { MeshFolder } from '../../trust/mesh-folder.ts'
import type { MemberGate } from '../member-gate.ts'
import type { OwnStanding } from './own-standing.ts'

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
/** Ms between looks. */
const INTERVAL = HOUR
/** Ms before its certificate ends from which a seed says so, if nobody renews it. */
const WARNED_AHEAD = 30 * DAY

export interface RenewalComponents {
  readonly ledger: Ledger
  readonly gate: MemberGate
  readonly own: OwnStanding
  readonly folder: MeshFolder
  readonly clock: Clock
  readonly log: Logger
  onRenewed(ops: readonly Op[]): void
}

/** Renews the certificates of seeds where the admin key is, once a third of their life is left; elsewhere it warns of the own. */
export class Renewal {
  readonly #components: RenewalComponents
  readonly #stopped = new AbortController()
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(components: RenewalComponents) {
    this.#components = components
  }

  start(): void {
    void this.#run().catch(() => {})
  }

  stop(): void {
    this.#stopped.abort(new Error('the mesh is closed'))
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#renew()
      this.#warn()
      await this.#components.clock.sleep(INTERVAL, this.#stopped.signal)
    }
  }

  #renew(): void {
    const { ledger, gate, clock, log, onRenewed } = this.#components
    const now = clock.now()
    const due = knownSeeds(ledger, gate.membership).filter((one) => isForGood(one) && isDue(one, now))
    if (due.length === 0) return
    const ops: Op[] = []
    try {
      const key = this.#adminKey()
      if (!key) return
      for (const old of due) {
        const { op, certificate } = renewSeed(ledger, old, key, now)
        ops.push(op)
        log.info({ seed: old.peer, until: new Date(certificate.notAfter).toISOString() }, 'renewed the certificate of a seed')
      }
    } catch (error) {
      log.error(`certificates of seeds are not renewed: ${reasonOf(error)}`)
    }
    onRenewed(ops)
  }

  /** Undefined where it is not, or that of another mesh. */
  #adminKey(): SigningKey | undefined {
    const key = this.#components.folder.adminKey()
    return key?.publicKey === this.#components.ledger.scope.adminKey ? key : undefined
  }

  #warn(): void {
    const { own, clock, log } = this.#components
    const now = clock.now()
    const left = own.notAfter - now
    if (own.role !== 'seed' || left < 0 || left > WARNED_AHEAD || Math.abs(now - this.#warnedAt) < DAY) return
    this.#warnedAt = now
    const end = new Date(own.notAfter).toISOString()
    log.warn(`the certificate of this seed ends at ${end}: renew it where the admin key is (warren seed renew)`)
  }
}
