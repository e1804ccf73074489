/** Upper ends of the classes of latency, in ms: a hit in memory takes less than the first, a large artifact from afar more than the last. */
export const LATENCY_BOUNDS = [
  0.2, 0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
] as const

/** How long things took, in fixed classes: to add one is a few steps and allocates nothing. */
export class Latencies {
  /** How many were in each class and in none of those before it; the last one is for all that took longer. */
  readonly counts = new Float64Array(LATENCY_BOUNDS.length + 1)
  /** Ms of all together. */
  sum = 0

  add(ms: number): void {
    let at = 0
    while (at < LATENCY_BOUNDS.length && ms > (LATENCY_BOUNDS[at] as number)) at++
    this.counts[at] = (this.counts[at] as number) + 1
    this.sum += ms
  }
}
