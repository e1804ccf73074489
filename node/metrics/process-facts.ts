import { readdir, readFile } from 'node:fs/promises'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** Ms between two looks at how late the event loop is. */
const RESOLUTION = 20
const NANOSECONDS = 1e9

/** Seconds that the event loop was late, since it was last asked. */
export interface LoopDelay {
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What the system says of this process. Bytes, seconds; undefined where the system does not tell. */
export interface ProcessFacts {
  readonly cpu: { readonly user: number; readonly system: number }
  readonly memory: NodeJS.MemoryUsage
  /** Share of all time that the event loop was not idle, 0 to 1. */
  readonly utilization: number
  readonly delay: LoopDelay
  readonly descriptors: number | undefined
  readonly maxDescriptors: number | undefined
}

/** Watches the event loop from the first question on: who is never asked does not wake up fifty times a second for it. */
export class ProcessWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION })

  constructor() {
    this.#delay.enable()
  }

  async facts(): Promise<ProcessFacts> {
    const [descriptors, maxDescriptors] = await Promise.all([countDescriptors(), readMaxDescriptors()])
    const { user, system } = process.cpuUsage()
    return {
      cpu: { user: user / 1e6, system: system / 1e6 },
      memory: process.memoryUsage(),
      utilization: performance.eventLoopUtilization().utilization,
      delay: this.#takeDelay(),
      descriptors,
      maxDescriptors,
    }
  }

  close(): void {
    this.#delay.disable()
  }

  #takeDelay(): LoopDelay {
    const { mean, max, count } = this.#delay
    const none = count === 0
    const late = (nanoseconds: number) => (none ? 0 : Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION / 1_000))
    const delay = {
      mean: late(mean),
      p50: late(this.#delay.percentile(50)),
      p99: late(this.#delay.percentile(99)),
      max: late(max),
    }
    this.#delay.reset()
    return delay
  }
}

/** Without the one that the look itself takes. */
export async function countDescriptors(): Promise<number | undefined> {
  const names = await readdir('/proc/self/fd').catch(() => undefined)
  return names && names.length - 1
}

/** The soft limit, beyond which a socket can neither be opened nor accepted; undefined where there is none or it is not told. */
export async function readMaxDescriptors(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const [, soft] = /^Max open files\s+(\d+)/m.exec(text) ?? []
  return soft === undefined ? undefined : Number(soft)
}
