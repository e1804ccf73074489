import type { Wanted } from '../wanted.ts'

/** What a lockfile names. */
export interface Locked {
  readonly wanted: readonly Wanted[]
  /** What no mirror could have. */
  readonly left: readonly Left[]
}

export interface Left {
  readonly name: string
  /** Such as «is a git repository». */
  readonly why: string
}

/** A kind of lockfile. */
export interface Format {
  /** As people call it. */
  readonly title: string
  /** Of the file, without folders. */
  readonly name: RegExp
  /** Whether a file under another name looks like it. */
  looksLike(text: string): boolean
  /** Throws a plain Error that says what is wrong. `read` gives another file that it names, and its own path is not known here. */
  parse(text: string, read: (path: string) => string): Locked
}

/** Entries that are wanted, and those that are left out, in one list. */
export type Entry = { readonly wanted: Wanted } | { readonly left: Left } | undefined

export function lockedOf(entries: readonly Entry[]): Locked {
  return {
    wanted: entries.flatMap((entry) => (entry && 'wanted' in entry ? [entry.wanted] : [])),
    left: entries.flatMap((entry) => (entry && 'left' in entry ? [entry.left] : [])),
  }
}

export function leftOut(name: string, why: string): Entry {
  return { left: { name, why } }
}
