import { MAX_ORIGINS } from './constants.ts'
import { HostGate, type HostGateComponents, type HostGateInit } from './host-gate.ts'
import type { HostHealth } from './upstream.ts'

/** The gates of all origins that were asked lately. */
export class HostGates {
  readonly #components: HostGateComponents
  readonly #init: Omit<HostGateInit, 'origin'>
  readonly #gates = new Map<string, HostGate>()

  constructor(components: HostGateComponents, init: Omit<HostGateInit, 'origin'>) {
    this.#components = components
    this.#init = init
  }

  of(origin: string): HostGate {
    const known = this.#gates.get(origin)
    const gate = known ?? new HostGate(this.#components, { ...this.#init, origin })
    // Set anew, so that the map is in order of last use.
    if (known) this.#gates.delete(origin)
    else if (this.#gates.size >= MAX_ORIGINS) this.#forgetOne()
    this.#gates.set(origin, gate)
    return gate
  }

  health(): HostHealth[] {
    return [...this.#gates.values()].map((gate) => gate.health())
  }

  #forgetOne(): void {
    const unused = [...this.#gates].filter(([, gate]) => gate.unused)
    const [origin] = unused.find(([, gate]) => gate.calm) ?? unused[0] ?? []
    if (origin !== undefined) this.#gates.delete(origin)
  }
}
