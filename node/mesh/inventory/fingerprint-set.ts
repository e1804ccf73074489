import { FingerprintTable } from './fingerprint-table.ts'

/** Changes that are kept beside the table, at least, and as a share of its size, before it is made anew. */
const LEAST_CHANGES = 1_024
const CHANGES_SHARE = 1 / 64
/** Bytes that one of them takes in a Set (measured). */
const CHANGE_BYTES = 44

/** A set of 32-bit fingerprints that takes about two bytes for each where there are many. */
export class FingerprintSet {
  #table = FingerprintTable.of(new Uint32Array())
  readonly #added = new Set<number>()
  readonly #removed = new Set<number>()

  /** @param lists what it holds at first, in any order, also several times */
  static of(lists: readonly Uint32Array[]): FingerprintSet {
    const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0))
    let size = 0
    for (const list of lists) {
      all.set(list, size)
      size += list.length
    }
    const set = new FingerprintSet()
    set.#table = FingerprintTable.of(isAscending(all) ? all : eachOnce(all.sort()))
    return set
  }

  get size(): number {
    return this.#table.size + this.#added.size - this.#removed.size
  }

  /** What it takes in memory. */
  get bytes(): number {
    return this.#table.bytes + (this.#added.size + this.#removed.size) * CHANGE_BYTES
  }

  has(fingerprint: number): boolean {
    if (this.#added.size > 0 && this.#added.has(fingerprint)) return true
    return this.#table.has(fingerprint) && !this.#removed.has(fingerprint)
  }

  /** False when it is there already. */
  add(fingerprint: number): boolean {
    const isNew = this.#add(fingerprint)
    this.#tidy()
    return isNew
  }

  /** False when it is not there. */
  delete(fingerprint: number): boolean {
    const wasThere = this.#delete(fingerprint)
    this.#tidy()
    return wasThere
  }

  /** Many at once: what they change is made anew once at most, however many they are. */
  change(added: Uint32Array, removed: Uint32Array): void {
    for (const one of added) this.#add(one)
    for (const one of removed) this.#delete(one)
    this.#tidy()
  }

  /** The first ones that are larger than `after`, ascending; -1 is before all. Fewer than `most` are the last ones. */
  next(after: number, most: number): Uint32Array {
    const found = new Uint32Array(most)
    let size = 0
    for (const one of this.#values(after + 1)) {
      if (size === most) break
      found[size++] = one
    }
    return found.subarray(0, size)
  }

  /** From `least` on, ascending. */
  *#values(least: number): Generator<number, void> {
    const added = Uint32Array.from([...this.#added].filter((one) => one >= least)).sort()
    let at = 0
    for (const one of this.#table.values(least)) {
      for (let next = added[at]; next !== undefined && next < one; next = added[++at]) yield next
      if (!this.#removed.has(one)) yield one
    }
    yield* added.subarray(at)
  }

  #tidy(): void {
    const changes = this.#added.size + this.#removed.size
    if (changes <= Math.max(LEAST_CHANGES, this.#table.size * CHANGES_SHARE)) return
    this.#table = FingerprintTable.of(this.#merged())
    this.#added.clear()
    this.#removed.clear()
  }

  #add(fingerprint: number): boolean {
    if (this.has(fingerprint)) return false
    if (!this.#removed.delete(fingerprint)) this.#added.add(fingerprint)
    return true
  }

  #delete(fingerprint: number): boolean {
    if (!this.has(fingerprint)) return false
    if (!this.#added.delete(fingerprint)) this.#removed.add(fingerprint)
    return true
  }

  /** As `next` of all of them. No generator: of four millions that would be a second in which nobody else gets a turn. */
  #merged(): Uint32Array {
    const added = Uint32Array.from(this.#added).sort()
    const removed = Uint32Array.from(this.#removed).sort()
    const merged = new Uint32Array(this.size)
    let [size, next, gone] = [0, 0, 0]
    for (const one of this.#table.all()) {
      for (; next < added.length && (added[next] ?? 0) < one; next++) merged[size++] = added[next] ?? 0
      if (removed[gone] === one) gone++
      else merged[size++] = one
    }
    merged.set(added.subarray(next), size)
    return merged
  }
}

function isAscending(all: Uint32Array): boolean {
  for (let at = 1; at < all.length; at++) if ((all[at - 1] ?? 0) >= (all[at] ?? 0)) return false
  return true
}

/** @param sorted which may hold some several times */
function eachOnce(sorted: Uint32Array): Uint32Array {
  let size = 0
  for (const one of sorted) if (size === 0 || one !== sorted[size - 1]) sorted[size++] = one
  return sorted.subarray(0, size)
}
