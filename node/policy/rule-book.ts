import { isAbout, parseRule, type Rule } from './rule.ts'

/** Rules by the type and the name that they are about, so that a thousand blocked packages cost a request no more than one. */
export class RuleBook {
  readonly #exact = new Map<string, Map<string, Rule[]>>()
  readonly #wild = new Map<string, Rule[]>()

  /** Throws a PatternError. */
  constructor(patterns: readonly string[]) {
    for (const rule of patterns.map(parseRule)) {
      const names = entry(this.#exact, rule.type, () => new Map<string, Rule[]>())
      const rules = rule.name.includes('*') ? entry(this.#wild, rule.type, () => []) : entry(names, rule.name, () => [])
      rules.push(rule)
    }
  }

  /** Whether there is any rule for packages of a type. */
  has(type: string): boolean {
    return this.#exact.has(type)
  }

  /** The rules about a package; `name` is canonical. */
  *about(type: string, name: string): Iterable<Rule> {
    yield* this.#exact.get(type)?.get(name) ?? []
    for (const rule of this.#wild.get(type) ?? []) if (isAbout(rule, name)) yield rule
  }
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
