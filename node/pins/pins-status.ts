/** Where the pins are that a seed has, as far as it knows. Counts are of pins, times in ms since the epoch. */
export interface PinsStatus {
  /** Seeds on which each pin is to be. */
  readonly replicas: number
  /**
   * Whether a sweep has counted all of them since the node started, or seeds came or went. All counts of where pins are only tell
   * of what the sweep under way has looked at otherwise.
   */
  readonly counted: boolean
  /** Pins that this seed has. */
  readonly wanted: number
  /** Those that are on all the seeds that they belong to, of the seeds that are there. */
  readonly held: number
  readonly missing: number
  readonly seeds: readonly SeedPins[]
  readonly sweep: SweepStatus
}

interface SeedPins {
  /** Peer id. */
  readonly id: string
  readonly connected: boolean
  /** Of the pins that this seed has, those that belong there, and those of them that are there. */
  readonly wanted: number
  readonly held: number
  /** On their way there. */
  readonly pending: number
  /** Why the last one that is not there is not. */
  readonly reason: string | null
}

/** How pins stand in the eyes of this node and of the seeds that it reaches. */
export interface PinsOverview {
  /** Null on a node that is no seed. */
  readonly own: PinsStatus | null
  readonly seeds: readonly SeedView[]
}

/** What another seed says. */
export interface SeedView {
  /** Peer id. */
  readonly id: string
  readonly connected: boolean
  readonly pins: PinsStatus | null
  /** Why it says nothing. */
  readonly problem: string | null
}

/** Where one pin is. */
export interface PinPlace {
  /** Cache key. */
  readonly key: string
  /** sha256 (hex) of its bytes, and their number; null where this node has nothing under the key that others may have. */
  readonly blob: string | null
  readonly size: number | null
  readonly seeds: readonly {
    /** Peer id. */
    readonly id: string
    /** Whether it is one of those that the key belongs to now. */
    readonly belongs: boolean
    /** Whether it holds the bytes; null where it does not say. */
    readonly holds: boolean | null
  }[]
}

/** The look through everything that is held, again and again. */
interface SweepStatus {
  readonly running: boolean
  /** Pins that the one under way has looked at. */
  readonly looked: number
  /** When the last one ended that was not broken off. */
  readonly endedAt: number | null
  /** When the next one begins, unless seeds come or go before; null while one is under way, or none is due. */
  readonly dueAt: number | null
}
