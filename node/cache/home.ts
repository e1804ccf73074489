import { parseKey } from './plan.ts'

/** What a grammar knows of what belongs together. */
export interface Families {
  readonly name: string
  /** The package that a canonical path is of, in any one spelling. */
  family?(path: string): string
}

/**
 * By what the seeds are chosen that a key belongs to. All of a package belongs to the same ones: a seed that fetches an artifact needs the
 * document that names it, and would have to ask another one for each.
 */
export function homeOf(key: string, grammars: Iterable<Families>): string {
  const named = parseKey(key)
  if (!named) return key
  for (const { name, family } of grammars)
    if (name === named.ecosystem && family) return `${name}\n${named.base}\n${family(named.path)}`
  return key
}
