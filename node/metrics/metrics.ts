import { Gauge, Registry } from 'prom-client'
import { answerFamilies } from './answers.ts'
import type { Family, Sample } from './family.ts'
import { meshFamilies } from './mesh-families.ts'
import { ProcessWatch } from './process-facts.ts'
import { processFamilies } from './process-families.ts'
import type { Snapshot } from './snapshot.ts'
import { storeFamilies } from './store-families.ts'
import { UpstreamFamilies } from './upstreams.ts'

export interface MetricsComponents {
  look(): Promise<Omit<Snapshot, 'process'>>
}

/** A page in the text format of Prometheus (version 0.0.4). */
export interface MetricsPage {
  readonly contentType: string
  readonly text: string
}

/**
 * What a node counts, for Prometheus. Its parts count by themselves, in plain numbers; here these are read and named when somebody asks.
 * The registry is the node's own, since there may be several nodes in a process.
 */
export class Metrics {
  readonly #components: MetricsComponents
  readonly #registry = new Registry()
  readonly #process = new ProcessWatch()
  #snapshot: Snapshot | undefined

  constructor(components: MetricsComponents) {
    this.#components = components
    const { families } = new UpstreamFamilies()
    for (const family of [...answerFamilies, ...families, ...storeFamilies, ...meshFamilies, ...processFamilies])
      new Reading({ family, registry: this.#registry }, () => this.#read(family))
  }

  async page(): Promise<MetricsPage> {
    this.#snapshot = { ...(await this.#components.look()), process: await this.#process.facts() }
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  /** Idempotent. */
  close(): void {
    this.#process.close()
  }

  #read({ read }: Family): readonly Sample[] {
    return this.#snapshot ? read(this.#snapshot) : []
  }
}

/** A family in a registry. It holds nothing itself: without labels it would say 0 where nothing is known. */
class Reading extends Gauge {
  readonly #family: Family
  readonly #read: () => readonly Sample[]

  constructor({ family, registry }: { family: Family; registry: Registry }, read: () => readonly Sample[]) {
    const { name, help, labels = [] } = family
    super({ name, help, labelNames: [...labels], registers: [registry] })
    this.#family = family
    this.#read = read
  }

  /** What a registry asks for first, as it does of the library's histograms. */
  async getForPromString() {
    const { name, help, type } = this.#family
    const values = this.#read().map(({ labels = {}, value, suffix = '' }) => ({ labels, value, metricName: name + suffix }))
    return { name, help, type, values }
  }
}
