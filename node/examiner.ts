import { userInfo } from 'node:os'
import type { Examination } from '../admin/api/examination-schema.ts'
import type { Clock } from './clock.ts'
import type { MirrorConfig } from './config/schema.ts'
import { basesOf } from './configured-upstreams.ts'
import { ledgerFacts, type MeshLedger } from './mesh/mesh-ledger.ts'
import { countDescriptors, readMaxDescriptors } from './metrics/process-facts.ts'
import { askUpstream } from './mirror-test.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface ExaminerComponents {
  readonly upstream: Pick<Upstream, 'fetch'>
  /** Of the mesh that the node is in now. */
  readonly ledger: () => MeshLedger | undefined
  readonly mirrors: () => readonly Pick<MirrorConfig, 'name' | 'protocol' | 'upstreams' | 'routes'>[]
  readonly clock: Clock
}

export type ExaminerInit = Pick<Examination, 'names'>

/** Tries what a node leans on. Whoever asks while it does so gets the same answer: nobody has upstreams asked again and again. */
export class Examiner {
  readonly #components: ExaminerComponents
  readonly #init: ExaminerInit
  #running: Promise<Examination> | undefined

  constructor(components: ExaminerComponents, init: ExaminerInit) {
    this.#components = components
    this.#init = init
  }

  examine(signal: AbortSignal): Promise<Examination> {
    this.#running ??= this.#examine(signal).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #examine(signal: AbortSignal): Promise<Examination> {
    const facts = ledgerFacts(this.#components.ledger())
    const [asked, descriptors, maxDescriptors] = await Promise.all([
      this.#askAll(signal),
      countDescriptors(),
      readMaxDescriptors(),
    ])
    signal.throwIfAborted()
    const ahead = median(asked.flatMap((one) => one.ahead ?? []))
    return {
      process: { user: ownUser(), descriptors: descriptors ?? null, maxDescriptors: maxDescriptors ?? null },
      clock: { aheadOfPeers: facts?.clockAhead ?? null, aheadOfUpstreams: ahead === undefined ? null : -ahead },
      upstreams: asked.map(({ answered, mirrors }) => ({ ...answered, mirrors })),
      ledger: facts && { ops: facts.ops, confirmed: facts.confirmed },
      names: this.#init.names,
    }
  }

  /** Each once, however many mirrors have it. */
  #askAll(signal: AbortSignal) {
    const all = this.#components.mirrors().flatMap((mirror) => basesOf([mirror]).map((base) => ({ base, ...mirror })))
    const byBase = Map.groupBy(all, ({ base, protocol }) => `${protocol} ${base}`)
    return Promise.all(
      [...byBase.values()].flatMap((of) => {
        const [first] = of
        if (!first) return []
        const mirrors = [...new Set(of.map(({ name }) => name))]
        return askUpstream(first.base, first.protocol, this.#components, signal).then((asked) => ({ ...asked, mirrors }))
      }),
    )
  }
}

function ownUser(): Examination['process']['user'] {
  const id = process.geteuid?.()
  if (id === undefined) return null
  try {
    const { uid, username } = userInfo()
    return { id, name: uid === id ? username : null }
  } catch {
    // A user without an entry in the user database, as in some containers.
    return { id, name: null }
  }
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]
}
