import type { Clock } from '../clock.ts'
import type { Digest, Sha256 } from '../digest.ts'
import { reasonOf } from '../errors.ts'
import type { LostBlob } from '../store/custody.ts'
import type { BlobStore } from '../store/store.ts'
import { HEAL_AFTER, HEAL_PATIENCE, HEAL_RATE, LONGEST_PATIENCE, MAX_HEALING } from './constants.ts'
import { type HealComponents, heal } from './heal.ts'

export interface HealerComponents extends HealComponents {
  readonly blobs: Pick<BlobStore, 'stage' | 'find'>
  readonly clock: Clock
  /** Hears of each blob that it brought back. */
  onHealed(blob: LostBlob): void
  trouble(what: string): void
}

/** Since start. */
export interface HealingStatus {
  /** Blobs that members brought back, or clients. */
  readonly healed: number
  /** Those that nobody had, or that nobody may be asked for: they are fetched when a client wants them. */
  readonly lost: number
  /** Those that are still looked for. */
  readonly waiting: number
}

interface Patient {
  readonly blob: LostBlob
  tries: number
  /** Since when it waits for the next try, in ms since the epoch, and for how many ms. */
  since: number
  wait: number
}

/** Brings back what was taken out of the store: one blob at a time, again and again in longer and longer intervals. */
export class Healer {
  readonly #components: HealerComponents
  readonly #patients = new Map<Sha256, Patient>()
  #news = Promise.withResolvers<void>()
  #healed = 0
  #lost = 0
  #stop: AbortController | undefined
  #running: Promise<void> | undefined

  constructor(components: HealerComponents) {
    this.#components = components
  }

  get status(): HealingStatus {
    return { healed: this.#healed, lost: this.#lost, waiting: this.#patients.size }
  }

  lost(blob: LostBlob): void {
    const { sha256, entry } = blob
    // What came with credentials no other member has, and none is to hear of it.
    if (entry.private || this.#patients.size >= MAX_HEALING) {
      this.#lost++
      return
    }
    this.#patients.set(sha256, { blob, tries: 0, since: this.#components.clock.now(), wait: HEAL_AFTER[0] })
    this.#news.resolve()
  }

  /** Idempotent. */
  start(): void {
    if (this.#stop) return
    this.#stop = new AbortController()
    const { signal } = this.#stop
    signal.addEventListener('abort', () => this.#news.resolve(), { once: true })
    this.#running = this.#run(signal).catch(() => {})
  }

  /** What is on its way is given up. Idempotent. */
  async stop(): Promise<void> {
    this.#stop?.abort(new Error('nothing is healed any more'))
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#components
    for (;;) {
      signal.throwIfAborted()
      const now = clock.now()
      const left = (patient: Patient) => leftOf(patient, now)
      const next = [...this.#patients.values()].reduce<Patient | undefined>(
        (one, other) => (one && left(one) <= left(other) ? one : other),
        undefined,
      )
      if (!next) {
        this.#news = Promise.withResolvers()
        await this.#news.promise
        continue
      }
      // Those that come later are due later, but for the tries of old ones: they can wait.
      await clock.sleep(Math.min(left(next), HEAL_AFTER[0]), signal)
      if (leftOf(next, clock.now()) === 0) await this.#try(next, signal)
    }
  }

  async #try(patient: Patient, signal: AbortSignal): Promise<void> {
    const { blobs, clock, trouble } = this.#components
    const { sha256 } = patient.blob
    const isBack = () => blobs.find({ algorithm: 'sha256', hex: sha256 } satisfies Digest) !== undefined
    const usual = HEAL_PATIENCE + (patient.blob.entry.size / HEAL_RATE) * 1_000
    const patience = Math.min(usual * 4 ** patient.tries, LONGEST_PATIENCE)
    try {
      if (!isBack() && (await heal(this.#components, patient.blob, patience, signal))) this.#components.onHealed(patient.blob)
    } catch (error) {
      signal.throwIfAborted()
      trouble(`blob ${sha256} could not be healed: ${reasonOf(error)}`)
    }
    if (isBack()) {
      this.#healed++
      this.#patients.delete(sha256)
      return
    }
    const wait = HEAL_AFTER[++patient.tries]
    if (wait !== undefined) Object.assign(patient, { since: clock.now(), wait })
    else if (this.#patients.delete(sha256)) this.#lost++
  }
}

/** Ms until its next try. A clock that was set back must not put it off for years. */
function leftOf({ since, wait }: Patient, now: number): number {
  return Math.max(0, wait - Math.abs(now - since))
}
