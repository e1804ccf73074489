import type { z } from 'zod'
import { WarrenError } from '../errors.ts'
import { MAX_PROBLEMS, MAX_SHOWN } from './constants.ts'
import { nearest } from './nearest.ts'

type Path = readonly PropertyKey[]

/** A value that somebody gave, and where. */
export interface Given {
  readonly key: string
  readonly value: unknown
  /** For people: `--listen`, `WARREN_LISTEN`, `/etc/warren/config.yaml:3:5`. */
  readonly where: string
  /** The place of a part of the value, or of its key. */
  readonly whereOf?: (path: Path, part: 'key' | 'value') => string
  /** Holds secrets or came from a file of them: neither messages nor listings repeat it. */
  readonly secret?: boolean
}

/** Collects everything that is wrong, so that it can be mended in one go. */
export class Problems {
  readonly #lines: string[] = []

  get some(): boolean {
    return this.#lines.length > 0
  }

  /** One line of plain English. */
  add(line: string): void {
    this.#lines.push(line)
  }

  /** «where: key is value, but must be …», for the part of the value at `path`. */
  wrong(given: Given, path: Path, must: string): void {
    const where = given.whereOf?.(path, 'value') ?? given.where
    const key = given.key + path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
    const value = at(given.value, path)
    const is = value === undefined ? 'is missing; it must be' : `is ${given.secret ? '(not shown)' : shown(value)}, but must be`
    this.add(`${where}: ${key} ${is} ${must}`)
  }

  /** What a rule found; the messages of the rules are noun phrases. */
  fromRule(given: Given, issues: readonly z.core.$ZodIssue[], knownKeys: Iterable<string>): void {
    const known = [...knownKeys]
    for (const issue of issues) {
      if (issue.code !== 'unrecognized_keys') this.wrong(given, issue.path, issue.message)
      else
        for (const key of issue.keys)
          this.unknown(given.whereOf?.([...issue.path, key], 'key') ?? given.where, `${given.key}.${key}`, known)
    }
  }

  unknown(where: string, key: string, known: Iterable<string>): void {
    const meant = nearest(key, withSections(known))
    const right = meant ? `did you mean ${meant}?` : '«warren config» lists all settings'
    this.add(`${where}: there is no setting ${limited(key)}; ${right}`)
  }

  /** Throws CONFIG_INVALID with one line for each problem. */
  throwIfAny(): void {
    if (!this.some) return
    const more = this.#lines.length - MAX_PROBLEMS
    const lines = this.#lines.slice(0, MAX_PROBLEMS)
    throw new WarrenError('CONFIG_INVALID', [...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n'))
  }
}

/** Settings, and what they are under: whole sections are misspelt as well. */
function withSections(keys: Iterable<string>): Set<string> {
  const all = [...keys]
  const sections = all.flatMap((key) => key.split('.').map((_, at, parts) => parts.slice(0, at).join('.')))
  return new Set([...all, ...sections.filter((section) => section !== '')])
}

/** A value in one line, without the credentials that somebody may have put into a URL. */
export function shown(value: unknown): string {
  return limited(JSON.stringify(value).replace(/\/\/[^/"]*@/g, '//…@'))
}

function limited(text: string): string {
  const line = text.replace(/\p{Cc}/gu, '?')
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line
}

function at(value: unknown, path: Path): unknown {
  return path.reduce((part, step) => (typeof part === 'object' && part !== null ? Reflect.get(part, step) : undefined), value)
}
