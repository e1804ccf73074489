import type { Metrics, MetricsComponents, MetricsPage } from './metrics.ts'

/** Where metrics are asked for. A node that nobody asks loads nothing of what they take. */
export class MetricsDesk {
  readonly #components: MetricsComponents
  #metrics: Promise<Metrics> | undefined

  constructor(components: MetricsComponents) {
    this.#components = components
  }

  async page(): Promise<MetricsPage> {
    this.#metrics ??= import('./metrics.ts').then(({ Metrics }) => new Metrics(this.#components))
    return (await this.#metrics).page()
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const metrics = await this.#metrics?.catch(() => undefined)
    metrics?.close()
  }
}
