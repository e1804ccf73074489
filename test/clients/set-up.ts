import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { builtIns } from '../../node/built-ins.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { loadNodeToken } from '../../node/node-token.ts'
import { ENTRY } from '../admin/cli/run-warren.ts'
import { atHome, cleanEnv, type Run, run } from '../harness/child-process.ts'
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
  /** Variables that all programs have, `warren` as well. */
  readonly env: Record<string, string>
  readonly #token: string

  private constructor(home: string, node: StartedNode, token: string) {
    this.home = home
    this.work = join(home, 'work')
    mkdirSync(this.work)
    this.node = node
    this.env = { ...NOTHING_OUTSIDE, NO_PROXY: '127.0.0.1', ...atHome(home) }
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

  /** Somebody beside a node whose built-in mirror of this name has another upstream. */
  static besideBuiltIn(
    temp: TempFolders,
    name: string,
    upstream: string,
    files: Readonly<Record<string, string>>,
    more: Partial<MirrorConfig> = {},
  ): Promise<SomeUser> {
    const builtIn = builtIns.find((one) => one.name === name)
    if (!builtIn) throw new Error(`there is no built-in mirror ${name}`)
    const mirrors = [{ ...builtIn, upstreams: [upstream], local: false, ...more }]
    return SomeUser.beside(temp, { upstream, mirrors }, files)
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
    await this.warren('setup', client, flag)
    const written = this.#files()
    const changed = [...written.keys()].filter((path) => written.get(path) !== before.get(path))
    expect(changed.length).toBeGreaterThan(1)
    await act()
    await this.warren('setup', client, '--undo')
    const after = this.#files()
    // What a client does in a project is its own.
    const counts = (path: string) => changed.includes(path) || (before.has(path) && !path.startsWith(this.work))
    const those = (files: ReadonlyMap<string, string>) => new Map([...files].filter(([path]) => counts(path)))
    expect(those(after)).toEqual(those(before))
  }

  /** A program that has to be content, with nothing of whoever runs the tests but the program, and no way out past this machine. */
  async run(command: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}): Promise<Run> {
    const init = { cwd: this.work, env: cleanEnv({ ...this.env, ...env }), timeoutMs: TIMEOUT_MS }
    return succeeded(await run(command, init))
  }

  /** Runs `warren` beside the node. */
  warren(...args: string[]): Promise<Run> {
    return this.run([process.execPath, ENTRY, ...args, '--node', this.node.admin], { WARREN_TOKEN: this.#token })
  }

  /** All files below the home folder, by their path there. */
  #files(): Map<string, string> {
    const all = readdirSync(this.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const paths = all.map(({ parentPath, name }) => join(parentPath, name)).sort()
    return new Map(paths.map((path) => [path, readFileSync(path).toString('base64')]))
  }
}
