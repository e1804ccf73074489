import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import type { TestContext } from 'vitest'
import type { Host } from './network.ts'
import { missing, requireTool } from './tools.ts'

/** A hardware address that no machine has: what is sent there is lost without a word. */
const NOBODY = '02:00:00:00:de:ad'
/** Addresses of this machine: at `HERE` it is a client, at `UPSTREAM` it has what the machines of the network get from outside. */
const HERE = 254
const UPSTREAM = 253

/**
 * A switch with machines on it, as network namespaces of Linux; this machine is plugged in, too. Wires may be cut: packets are lost in
 * silence then, in both directions, and connections notice only by their time limits.
 */
export class Lan implements Disposable {
  readonly hosts: readonly Host[]
  /** Where an upstream has to listen to be told apart from this machine's clients. */
  readonly upstream: string
  readonly #ip: string
  readonly #id: string
  readonly #prefix: string

  private constructor(ip: string, id: string, hosts: number) {
    this.#ip = ip
    this.#id = id
    this.#prefix = freePrefix()
    this.upstream = this.#at(UPSTREAM)
    this.hosts = Array.from({ length: hosts }, (_, at) => ({
      address: this.#at(at + 1),
      within: [ip, 'netns', 'exec', this.#name(at)],
    }))
  }

  /** Skips the test, saying why, where there is no right to make one. */
  static create(context: TestContext, hosts: number): Lan {
    const lan = new Lan(requireTool(context, 'ip'), randomBytes(3).toString('hex'), hosts)
    try {
      lan.#run('netns', 'add', lan.#switch)
    } catch (error) {
      missing(context, 'ip', `network namespaces cannot be made here: ${error instanceof Error ? error.message : error}`)
    }
    try {
      lan.#build()
      return lan
    } catch (error) {
      lan[Symbol.dispose]()
      throw error
    }
  }

  /** Cuts every wire between one group of machines and another, or puts it together again. */
  partition(one: readonly Host[], other: readonly Host[]): void {
    for (const [from, to] of pairs(one, other)) this.#lose(from, to.address)
  }

  heal(one: readonly Host[], other: readonly Host[]): void {
    for (const [from, to] of pairs(one, other)) this.#find(from, to.address)
  }

  /** From now on what a machine sends to the upstream is lost; this machine's clients still reach it. */
  cutUpstream(host: Host): void {
    this.#lose(host, this.upstream)
  }

  restoreUpstream(host: Host): void {
    this.#find(host, this.upstream)
  }

  /** All wires go with the namespaces that they end in. */
  [Symbol.dispose](): void {
    for (const name of [...this.hosts.map((_, at) => this.#name(at)), this.#switch]) {
      try {
        this.#run('netns', 'delete', name)
      } catch {
        // It was not made.
      }
    }
  }

  get #switch(): string {
    return `warren-${this.#id}sw`
  }

  #name(at: number): string {
    return `warren-${this.#id}h${at}`
  }

  #at(last: number): string {
    return `${this.#prefix}.${last}`
  }

  #build(): void {
    const sw = ['-n', this.#switch] as const
    this.#run(...sw, 'link', 'add', 'bridge', 'type', 'bridge')
    this.#run(...sw, 'link', 'set', 'bridge', 'up')
    const here = `w${this.#id}`
    this.#run('link', 'add', here, 'type', 'veth', 'peer', 'name', 'here', 'netns', this.#switch)
    this.#run(...sw, 'link', 'set', 'here', 'master', 'bridge', 'up')
    for (const last of [HERE, UPSTREAM]) this.#run('address', 'add', `${this.#at(last)}/24`, 'dev', here)
    this.#run('link', 'set', here, 'up')
    for (const [at, { address }] of this.hosts.entries()) {
      const name = this.#name(at)
      this.#run('netns', 'add', name)
      this.#run('-n', name, 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', `port${at}`, 'netns', this.#switch)
      this.#run(...sw, 'link', 'set', `port${at}`, 'master', 'bridge', 'up')
      this.#run('-n', name, 'address', 'add', `${address}/24`, 'dev', 'lan')
      for (const device of ['lo', 'lan']) this.#run('-n', name, 'link', 'set', device, 'up')
    }
  }

  #lose(from: Host, address: string): void {
    this.#run('-n', this.#nameOf(from), 'neigh', 'replace', address, 'lladdr', NOBODY, 'dev', 'lan', 'nud', 'permanent')
  }

  #find(from: Host, address: string): void {
    this.#run('-n', this.#nameOf(from), 'neigh', 'delete', address, 'dev', 'lan')
  }

  #nameOf(host: Host): string {
    return this.#name(this.hosts.indexOf(host))
  }

  #run(...args: string[]): void {
    execFileSync(this.#ip, args, { stdio: 'pipe' })
  }
}

function* pairs(one: readonly Host[], other: readonly Host[]): Generator<readonly [Host, Host]> {
  for (const a of one) {
    for (const b of other) {
      yield [a, b]
      yield [b, a]
    }
  }
}

/** The first three numbers of a network that this machine is in no part of. */
function freePrefix(): string {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address.split('.', 3).join('.'))),
  )
  for (let third = 0; third < 256; third++) if (!taken.has(`10.78.${third}`)) return `10.78.${third}`
  throw new Error('there is no free network in 10.78.0.0/16')
}
