import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { loadNodeToken } from '../../node/node-token.ts'
import { ENTRY } from '../admin/cli/run-warren.ts'
import { cleanEnv, type Run, run } from '../harness/child-process.ts'
import { NOTHING_OUTSIDE } from '../harness/dead-end.ts'
import { succeeded } from '../harness/npm.ts'
import { type StartedNode, type StartNodeInit, startNode } from '../harness/start-node.ts'
import type { TempFolders } from '../harness/temp.ts'

const TIMEOUT_MS = 120_000

/** Somebody who has settings of clients already, beside a node. */
export class SomeUser {
  readonly home: string
  /** An empty folder to work in, below the home folder. */
  readonly work: string
  readonly node: StartedNode
  readonly #token: string

  private constructor(home: string, node: StartedNode, token: string) {
    this.home = home
    this.work = join(home, 'work')
    mkdirSync(this.work)
    this.node = node
    this.#token = token
  }

  /** @param files settings that are there before, by their path in the home folder */
  static async beside(
    temp: TempFolders,
    init: Omit<StartNodeInit, 'data'>,
    files: Readonly<Record<string, string>>,
  ): Promise<SomeUser> {
    const data = temp.create('data')
    const user = new SomeUser(temp.create('home'), await startNode({ data, ...init }), loadNodeToken(data).value)
    for (const [path, text] of Object.entries(files)) user.put(path, text)
    return user
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(join(this.home, path)), { recursive: true })
    writeFileSync(join(this.home, path), text)
  }

  /**
   * Sets a client up, does what is to be done with it, and takes the set-up back; every file has to be what it was before, and each
   * that the set-up made gone.
   */
  async setUp(client: string, act: () => Promise<unknown>, flag = '--write'): Promise<void> {
    const before = this.#files()
    await this.#warren(client, flag)
    const written = this.#files()
    const changed = [...written.keys()].filter((path) => written.get(path) !== before.get(path))
    expect(changed.length).toBeGreaterThan(1)
    await act()
    await this.#warren(client, '--undo')
    const after = this.#files()
    // What a client does in a project is its own.
    const counts = (path: string) => changed.includes(path) || (before.has(path) && !path.startsWith(this.work))
    const those = (files: ReadonlyMap<string, string>) => new Map([...files].filter(([path]) => counts(path)))
    expect(those(after)).toEqual(those(before))
  }

  /** A program that has to be content, with nothing of whoever runs the tests but the program, and no way out past this machine. */
  async run(command: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}): Promise<Run> {
    const own = { ...NOTHING_OUTSIDE, NO_PROXY: '127.0.0.1', HOME: this.home, USERPROFILE: this.home, ...env }
    return succeeded(await run(command, { cwd: this.work, env: cleanEnv(own), timeoutMs: TIMEOUT_MS }))
  }

  async #warren(client: string, flag: string): Promise<void> {
    const args = ['setup', client, flag, '--node', this.node.admin]
    await this.run([process.execPath, ENTRY, ...args], { WARREN_TOKEN: this.#token })
  }

  /** All files below the home folder, by their path there. */
  #files(): Map<string, string> {
    const all = readdirSync(this.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const paths = all.map(({ parentPath, name }) => join(parentPath, name)).sort()
    return new Map(paths.map((path) => [path, readFileSync(path).toString('base64')]))
  }
}
