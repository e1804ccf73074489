import type { Clock } from '../clock.ts'
import { isOfBytes } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { Mesh } from '../mesh/mesh.ts'
import { abortable } from '../upstream/abortable.ts'
import type { CacheEvents } from './cache-events.ts'
import type { Expecting } from './expecting.ts'
import type { GrowingBlob } from './growing-blob.ts'
import { patiently } from './patiently.ts'
import type { Expectation, Plan } from './plan.ts'
import type { OpenBody } from './sources.ts'
import { refutes } from './suspicion.ts'
import { isOwn, type Part } from './transfer.ts'
import { verify } from './verify.ts'

export interface JudgeComponents {
  readonly expecting: Expecting
  readonly blob: GrowingBlob
  readonly mesh: Mesh
  readonly clock: Clock
  readonly events: CacheEvents
}

/** Holds what a flight brings against what is known of it, and says how long is waited for that to be known. */
export class Judge {
  readonly #components: JudgeComponents
  readonly #plan: Plan
  /** Of the flight. */
  readonly #signal: AbortSignal
  /** Whether documents were waited for that may contradict a seed: they are once, however often something goes wrong. */
  #impatient = false

  constructor(components: JudgeComponents, plan: Plan, signal: AbortSignal) {
    this.#components = components
    this.#plan = plan
    this.#signal = signal
  }

  /**
   * Waits for what is known at once. Members can be asked by digest only: where there are some, upstream's metadata is waited for
   * as well. That costs a client little, since the last bytes go out no earlier in any case.
   */
  async learn(): Promise<void> {
    const { expecting, mesh } = this.#components
    await expecting.early
    if (!mesh.populated || expecting.known || expecting.awaitsSeed) return
    await this.learnt(expecting.idle)
  }

  /** Resolves once it is known what it must be; at the latest with `idle`, or when that has taken too long. */
  async learnt(idle?: Promise<void>): Promise<void> {
    const { expecting, clock } = this.#components
    if (expecting.known) return
    const waiting = idle ? [idle] : []
    await patiently({ clock, signal: this.#signal }, (enough) => Promise.race([expecting.settled, enough, ...waiting]))
  }

  /** After a wrong copy: however far that had come, and only where members can be asked by what is learnt. */
  async learnAnew(): Promise<void> {
    if (this.#components.mesh.populated) await this.learnt()
  }

  /** Whether documents say something else than the seed did by whose word alone it is known, if they say so soon. */
  async review(): Promise<boolean> {
    const { expecting, clock } = this.#components
    if (expecting.teller === undefined) {
      expecting.need()
      return false
    }
    if (this.#impatient) return expecting.review(Promise.resolve())
    this.#impatient = true
    return patiently({ clock, signal: this.#signal }, (enough) => expecting.review(enough))
  }

  /**
   * Digests that all of it was seen to have; undefined where nothing tells of any. That a seed says otherwise, whose bytes these are not,
   * makes nothing wrong that documents tell to be right, or that is upstream's own or another seed's where they tell nothing. Throws
   * UPSTREAM_CORRUPT for what is wrong.
   */
  async check(parts: readonly Part[]): Promise<readonly string[] | undefined> {
    const { expecting, events } = this.#components
    const expectation = await abortable(expecting.settled, this.#signal)
    if (!expectation) events.unverified(this.#plan, expecting.trouble)
    if (!expectation?.digests.length) this.#refuseNothing()
    const { teller } = expecting
    try {
      return expectation && (await this.#verify(expectation))
    } catch (error) {
      if (!isWarrenError(error, 'UPSTREAM_CORRUPT') || teller === undefined || refutes(parts, teller)) throw error
      if (parts.every(({ source }) => isOwn(source))) expecting.doubt()
      else if (!(await this.#isPromised()) && !expecting.toldOtherwise(sole(parts)?.named)) throw error
      return this.check(parts)
    }
  }

  /** Whether documents say of which other digests it is: where they promise nothing, what is wrong stays so. */
  async #isPromised(): Promise<boolean> {
    return (await this.review()) && (this.#components.expecting.known?.digests.length ?? 0) > 0
  }

  /**
   * What is in an archive can be checked only while all of it is held. Where the disk takes nothing more, what a trusted source sent
   * is served unchecked, as it is where nothing is known of it; a peer's bytes are not.
   */
  async #verify(expectation: Expectation): Promise<readonly string[] | undefined> {
    const { blob, events } = this.#components
    try {
      return await verify(this.#plan, expectation, blob.staging)
    } catch (error) {
      const isOfContent = expectation.digests.every(({ algorithm }) => !isOfBytes(algorithm))
      const isLost = isWarrenError(error, 'UPSTREAM_CUT') && isOfContent && !blob.storing && blob.trusted
      if (!isLost) throw error
      events.unverified(this.#plan, reasonOf(error))
      return undefined
    }
  }

  /** Without a digest nothing else tells that all of it is missing. */
  #refuseNothing(): void {
    if (this.#components.blob.written > 0) return
    throw new WarrenError('UPSTREAM_CORRUPT', `${this.#plan.mirror}: ${this.#plan.url} brought nothing in place of an artifact`)
  }
}

/** Who sent all of it. */
function sole([part, other]: readonly Part[]): OpenBody | undefined {
  return other ? undefined : part?.source
}
