import type { Lookup, Plan } from '../../../node/cache/plan.ts'
import { type ErrorCode, WarrenError } from '../../../node/errors.ts'
import { maven } from '../../../protocols/maven/index.ts'
import type { Mirror, NameRoute, Planned } from '../../../protocols/protocol.ts'

export const BASE = 'https://repo.example.test/m2/'
export const OTHER = 'https://other.example.test/'

export function mirrorOf(upstreams: readonly string[] = [BASE], routes: readonly NameRoute[] = []): Mirror {
  return { name: 'maven-x', path: '/maven/x/', upstreams, routes }
}

export function route(path: string, on: Mirror = mirrorOf()): Planned {
  const made = maven.route({ method: 'GET', path, query: '', headers: {} }, on)
  if (!('plans' in made)) throw new Error(`no plan for ${path}`)
  return made
}

/** The first plan of a GET. */
export function planFor(path: string, on?: Mirror): Plan {
  return route(path, on).plans[0]
}

/** Documents by their path, parsed as the cache would; a code instead of one makes the fetch fail. */
export class FakeLookup implements Lookup {
  readonly fetched: string[] = []
  readonly #documents: Readonly<Record<string, string>>
  readonly #errors: Readonly<Record<string, ErrorCode>>

  constructor(documents: Readonly<Record<string, string>>, errors: Readonly<Record<string, ErrorCode>> = {}) {
    this.#documents = documents
    this.#errors = errors
  }

  /** Only a list of builds is asked for as it is held: all else that is cached may be wrong. */
  async cached(plan: Plan): Promise<unknown> {
    if (!plan.url.endsWith('SNAPSHOT/maven-metadata.xml')) throw new Error('what is cached may be wrong')
    return this.#parsed(plan)
  }

  async fetch(plan: Plan, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted()
    const path = plan.url.slice(BASE.length)
    this.fetched.push(path)
    const facts = this.#parsed(plan)
    if (facts === undefined) throw new WarrenError(this.#errors[path] ?? 'UPSTREAM_ABSENT', 'upstream said no')
    return facts
  }

  #parsed(plan: Plan): unknown {
    const document = this.#documents[plan.url.slice(BASE.length)]
    return document === undefined ? undefined : JSON.parse(JSON.stringify(plan.document?.parse(Buffer.from(document)).facts))
  }
}

export const signal = new AbortController().signal
