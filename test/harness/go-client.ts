import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { NOTHING_OUTSIDE } from './dead-end.ts'
import { succeeded } from './npm.ts'
import { requireTool } from './tools.ts'

const TIMEOUT_MS = 180_000

export interface GoInit {
  readonly program: string
  /** An empty folder that belongs to it: home, module cache and build cache lie in it, all of them empty. */
  readonly work: string
  /** Another build cache: what it compiled, above all the standard library, which takes half a minute. */
  readonly cache?: string
  readonly proxy: string
  /** As `GOSUMDB`; the client's own, if not set. */
  readonly sumdb?: string
  readonly env?: Readonly<Record<string, string>>
}

/** The real go command, which reaches nothing but loopback. */
export class GoClient {
  readonly #init: GoInit
  readonly #folder: string

  constructor(init: GoInit) {
    this.#init = init
    this.#folder = join(init.work, 'main')
    mkdirSync(this.#folder, { recursive: true })
  }

  static require(context: TestContext): string {
    return requireTool(context, 'go')
  }

  get modules(): string {
    return join(this.#init.work, 'path', 'pkg', 'mod')
  }

  /** Writes the files of its own module. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.#folder, name), text)
  }

  read(name: string): string {
    return readFileSync(join(this.#folder, name), 'utf8')
  }

  /** What it downloaded of a module, below the cache: `golang.org/x/text/@v/v0.3.0.zip`. */
  downloaded(path: string): Buffer {
    return readFileSync(join(this.modules, 'cache', 'download', ...path.split('/')))
  }

  /** Paths of all downloaded archives, as `downloaded` takes them. */
  archives(): string[] {
    const root = join(this.modules, 'cache', 'download')
    return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.zip'))
  }

  /** A command that has to be content; returns what it said. */
  async go(...args: string[]): Promise<string> {
    const done = succeeded(await this.try(...args))
    return done.stdout + done.stderr
  }

  /** Any command, whatever becomes of it. */
  try(...args: string[]): Promise<Run> {
    const { program, work, cache = join(work, 'cache'), proxy, sumdb, env = {} } = this.#init
    return run([program, ...args], {
      cwd: this.#folder,
      env: cleanEnv({
        ...NOTHING_OUTSIDE,
        HOME: work,
        GOENV: 'off',
        GOPATH: join(work, 'path'),
        GOCACHE: cache,
        // Else the cache cannot be removed again.
        GOFLAGS: '-mod=mod -modcacherw',
        GOTOOLCHAIN: 'local',
        GOVCS: '*:off',
        GOPROXY: proxy,
        CGO_ENABLED: '0',
        ...(sumdb === undefined ? {} : { GOSUMDB: sumdb }),
        ...env,
      }),
      timeoutMs: TIMEOUT_MS,
    })
  }
}

/** What the go command of this machine is configured for: the first proxy that it asks, and its checksum database. */
export async function configured(program: string, work: string): Promise<{ proxy: string; sumdb: string; root: string }> {
  const env = { ...process.env, PWD: work }
  const done = succeeded(await run([program, 'env', 'GOPROXY', 'GOSUMDB', 'GOROOT'], { cwd: work, env, timeoutMs: TIMEOUT_MS }))
  const [proxies = '', sumdb = '', root = ''] = done.stdout.split('\n')
  return { proxy: proxies.split(/[,|]/)[0] ?? '', sumdb, root }
}
