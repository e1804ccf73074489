import type { Lookup, Plan } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import type { Mirror } from '../../../protocols/protocol.ts'
import { GoLog, GoSigner } from '../../harness/scripted-go-log.ts'

export const BASE = 'https://goproxy.test/'
export const NAME = 'sum.example.test'
export const NEVER = new AbortController().signal
const H1 = `h1:${Buffer.alloc(32, 7).toString('base64')}`
const H1MOD = `h1:${Buffer.alloc(32, 8).toString('base64')}`

export const lines = (module: string, version: string) => `${module} ${version} ${H1}\n${module} ${version}/go.mod ${H1MOD}\n`

/** A log of so many records, of which some are of `ex.test/Big/A v1.0.0`. */
export function logWith(ids: number | readonly number[], size: number, signer = new GoSigner(NAME)): GoLog {
  const log = new GoLog(signer)
  const own = new Set([ids].flat())
  for (let i = 0; i < size; i++) log.add(own.has(i) ? lines('ex.test/Big/A', 'v1.0.0') : lines(`filler.test/m${i}`, 'v1.0.0'))
  return log
}

export function mirrorOf(log: GoLog, more: Partial<Mirror> = {}): Mirror {
  return { name: 'go', path: '/go/', upstreams: [BASE], sumdb: log.signer.verifier, ...more }
}

/** Answers of a checksum database, as a `Lookup` gives them: what is `held` is in the cache, too. */
export class DatabaseLookup implements Lookup {
  readonly asked: string[] = []
  readonly answers = new Map<string, Buffer | WarrenError>()
  readonly #log: GoLog
  readonly #id: number
  readonly #held = new Map<string, unknown>()
  /** Length of the log that heads tell. */
  recordSize: number
  headSize: number

  constructor(log: GoLog, id: number) {
    this.#log = log
    this.#id = id
    this.recordSize = log.size
    this.headSize = log.size
  }

  async cached(plan: Plan): Promise<unknown> {
    return this.#held.get(plan.key)
  }

  async fetch(plan: Plan): Promise<unknown> {
    const path = plan.url.slice(`${BASE}sumdb/${NAME}/`.length)
    this.asked.push(path)
    const answer = this.answers.get(path) ?? this.#find(path)
    if (answer instanceof WarrenError) throw answer
    const facts = plan.document?.parse(answer).facts
    if (plan.isMeant?.(facts) === false) throw new WarrenError('UPSTREAM_CORRUPT', `${path} is another document`)
    const survived = JSON.parse(JSON.stringify(facts)) as unknown
    this.#held.set(plan.key, survived)
    return survived
  }

  #find(path: string): Buffer | WarrenError {
    if (path === 'latest') return Buffer.from(this.#log.head(this.headSize))
    if (path.startsWith('lookup/')) return Buffer.from(this.#log.record(this.#id, this.recordSize))
    return this.#log.tile(path.slice('tile/8/'.length)) ?? new WarrenError('UPSTREAM_ABSENT', 'no such tile')
  }
}
