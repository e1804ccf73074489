import type { NameRecord, NewRecord } from './store.ts'

type Listener = (kept: NewRecord) => void

/** Who hears of name records that members may have. */
export class RecordWatch {
  readonly #listeners = new Set<Listener>()

  /** Gives back what ends it. */
  add(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(kept: Iterable<NewRecord>): void {
    for (const one of kept) for (const listener of this.#listeners) listener(one)
  }
}

/** What a record tells members beside the one whose place it takes; undefined where that is nothing, or not for them. */
export function newsOf(key: string, record: NameRecord, before: NameRecord | undefined): NewRecord | undefined {
  if (!isForAll(record)) return undefined
  const isFirst = !before || !isForAll(before)
  return isFirst || before.blob !== record.blob ? { key, record, isFirst } : undefined
}

function isForAll({ link, private: isPrivate }: NameRecord): boolean {
  return !link && !isPrivate
}
