import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'vitest'
import { missing, requireTool } from './tools.ts'

/** A machine in a network of its own: what runs `within` it sees no other interface than loopback and its one address. */
export interface Host {
  readonly address: string
  /** What to put before a command. */
  readonly within: readonly string[]
}

/** Two machines on one cable, as network namespaces of Linux. */
export class Network implements Disposable {
  readonly hosts: readonly [Host, Host]
  readonly #ip: string
  readonly #names: readonly string[]

  private constructor(ip: string, names: readonly [string, string]) {
    this.#ip = ip
    this.#names = names
    const host = (name: string, at: number): Host => ({
      address: `10.77.0.${at}`,
      within: [ip, 'netns', 'exec', name],
    })
    this.hosts = [host(names[0], 1), host(names[1], 2)]
  }

  /** Skips the test, saying why, where there is no right to make one. */
  static create(context: TestContext): Network {
    const ip = requireTool(context, 'ip')
    const id = randomBytes(3).toString('hex')
    const names = [`warren-${id}a`, `warren-${id}b`] as const
    const run = (...args: string[]) => execFileSync(ip, args, { stdio: 'pipe' })
    const network = new Network(ip, [...names])
    try {
      for (const name of names) run('netns', 'add', name)
    } catch (error) {
      network[Symbol.dispose]()
      missing(context, 'ip', `network namespaces cannot be made here: ${error instanceof Error ? error.message : error}`)
    }
    try {
      run('link', 'add', `w${id}a`, 'netns', names[0], 'type', 'veth', 'peer', 'name', `w${id}b`, 'netns', names[1])
      for (const [at, name] of names.entries()) {
        const device = `w${id}${at === 0 ? 'a' : 'b'}`
        run('-n', name, 'address', 'add', `10.77.0.${at + 1}/24`, 'dev', device)
        for (const one of ['lo', device]) run('-n', name, 'link', 'set', one, 'up')
        run('-n', name, 'route', 'add', 'default', 'dev', device)
      }
      return network
    } catch (error) {
      network[Symbol.dispose]()
      throw error
    }
  }

  /** The cable and its ends go with the namespaces. */
  [Symbol.dispose](): void {
    for (const name of this.#names) {
      try {
        execFileSync(this.#ip, ['netns', 'delete', name], { stdio: 'pipe' })
      } catch {
        // It was not made.
      }
    }
  }
}
